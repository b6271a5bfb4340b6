//! The page.

use gloo::worker::Spawnable;
use yew::prelude::*;

use crate::web::{Engine, launch};

/// Draws the page into the document's body.
pub fn start() {
    console_error_panic_hook::set_once();
    yew::Renderer::<Page>::new().render();
}

#[component]
fn Page() -> Html {
    let answer = use_state(|| None::<String>);
    {
        let answer = answer.clone();
        use_effect_with((), move |()| {
            let bridge = Engine::spawner().callback(move |text| answer.set(Some(text))).spawn(&launch::engine_url());
            bridge.send("page".to_owned());
            move || drop(bridge)
        });
    }
    html! { <main data-engine={answer.is_some().then_some("ready")}>{ answer.as_deref().unwrap_or("Starting the engine...") }</main> }
}
