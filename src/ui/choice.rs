//! Where the page cannot go on by itself: a stored run that cannot be opened, an engine that has died.

use gloo::utils::window;
use yew::prelude::*;

use super::dialog::Dialog;
use super::hands::use_hands;
use super::lessons;
use crate::wire::{StoredChoice, ToWorker};

#[derive(Properties, PartialEq)]
pub struct ChoosingProps {
    pub message: String,
    pub options: Vec<StoredChoice>,
}

/// A stored run: leave, save or delete it.
#[component]
pub fn Choosing(props: &ChoosingProps) -> Html {
    let hands = use_hands();
    html! {
        <Dialog title="A run is stored here">
            <p>{ &props.message }</p>
            <ul class="choices">
                { for props.options.iter().map(|option| {
                    let (title, more) = words(*option);
                    let option = *option;
                    html! {
                        <li><button type="button" class="choice" onclick={hands.sends(move || ToWorker::Choose(option))}>
                            <b>{ title }</b><span>{ more }</span>
                        </button></li>
                    }
                }) }
            </ul>
        </Dialog>
    }
}

fn words(choice: StoredChoice) -> (&'static str, &'static str) {
    match choice {
        StoredChoice::KeepAndRunFromMemory => ("Leave it and run from memory", "Nothing stored is touched; this run is gone with the tab."),
        StoredChoice::Export => ("Save it as a file", "Downloads what is stored and changes nothing."),
        StoredChoice::DeleteAndBegin => ("Delete it and begin anew", "What is stored is gone for good."),
    }
}

#[derive(Properties, PartialEq)]
pub struct FailedProps {
    pub message: String,
    /// Virtual time of the last word.
    pub at: String,
}

/// The engine has died of a bug of ours.
#[component]
pub fn Failed(props: &FailedProps) -> Html {
    let reload = Callback::from(|_: MouseEvent| window().location().reload().unwrap_or_default());
    let hands = use_hands();
    let saved = use_state(|| None::<String>);
    let save = {
        let saved = saved.clone();
        Callback::from(move |_: MouseEvent| {
            let said = saved.setter();
            hands.export_stored(move |answer| said.set(Some(answer)));
            saved.set(Some("Reading what is stored…".to_owned()));
        })
    };
    html! {
        <Dialog title="The engine stopped">
            <p>{ format!("This is a mistake in Ottla, not yours. It happened at {} of virtual time, and what was saved is still there.", props.at) }</p>
            <pre class="said">{ &props.message }</pre>
            <div class="row">
                <button type="button" class="primary" onclick={reload}>{ "Reload and replay" }</button>
                <button type="button" onclick={save}>{ "Save the stored run as a file" }</button>
                <a class="button" href={lessons::fresh_address()}>{ "Begin this lesson anew" }</a>
            </div>
            if let Some(said) = &*saved { <p role="status">{ said }</p> }
        </Dialog>
    }
}
