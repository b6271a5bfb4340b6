//! The list of lessons, and what the page's address asks for beside one.

use gloo::utils::window;
use wasm_bindgen_futures::spawn_local;
use web_sys::UrlSearchParams;
use yew::prelude::*;

use super::course::{self, param};
use super::dialog::Dialog;
use super::hands::use_hands;
use super::model::{Action, Over};
use crate::lesson::course::Index;

/// Whether a stored run is to be left behind.
pub fn wants_fresh() -> bool {
    param("fresh").is_some()
}

/// A fresh run has begun and is stored: a reload goes on with it.
pub fn forget_fresh() {
    let Some(params) = window().location().search().ok().and_then(|search| UrlSearchParams::new_with_str(&search).ok()) else { return };
    if !params.has("fresh") {
        return;
    }
    params.delete("fresh");
    let rest = String::from(params.to_string());
    let address = format!("?{}", rest.replace("%2F", "/"));
    if let Ok(history) = window().history() {
        // Where the address cannot be changed (a sandboxed frame), a reload begins anew once more.
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address));
    }
}

/// Whether this page is there to be measured: its numbers then stand in `data-bench` of the root element, as JSON.
pub fn wants_bench() -> bool {
    param("bench").is_some()
}

/// Where a lesson is opened.
pub fn address(slug: &str) -> String {
    format!("?lesson={slug}")
}

/// Where this lesson begins anew.
pub fn fresh_address() -> String {
    match param("lesson") {
        Some(slug) => format!("{}&fresh", address(&slug)),
        None => "?fresh".to_owned(),
    }
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub current: Option<String>,
}

#[component]
pub fn Lessons(props: &Props) -> Html {
    let hands = use_hands();
    let index = use_state(|| None::<Result<Index, String>>);
    {
        let index = index.clone();
        use_effect_with((), move |()| spawn_local(async move { index.set(Some(course::index().await)) }));
    }
    let list = match &*index {
        None => html! { <p class="muted">{ "Loading the list" }</p> },
        Some(Err(why)) => html! { <p role="alert">{ why }</p> },
        Some(Ok(index)) => tracks(index, props.current.as_deref()),
    };
    html! {
        <Dialog title="Lessons" close={hands.acts(|| Action::Over(Over::Nothing))}>
            <nav class="lessons" aria-label="Lessons">
                { list }
            </nav>
            <p class="muted">{ "Or " }<a href="?lesson=none">{ "a cluster without a lesson" }</a>{ ". Begin " }<a href={fresh_address()}>{ "this lesson anew" }</a>{ "." }</p>
        </Dialog>
    }
}

fn tracks(index: &Index, current: Option<&str>) -> Html {
    let lessons = index.0.iter().map(|track| {
        let entries = track.lessons.iter().map(|listed| {
            let here = current == Some(listed.slug.as_str());
            html! {
                <li><a href={address(&listed.slug)} aria-current={here.then_some("page")}>
                    <b>{ &listed.title }</b><span class="minutes">{ format!("{} min", listed.minutes) }</span>
                </a></li>
            }
        });
        html! { <section><h3>{ &track.title }</h3><ol>{ for entries }</ol></section> }
    });
    html! { <>{ for lessons }</> }
}
