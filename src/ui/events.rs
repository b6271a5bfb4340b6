//! The event list: searchable; each line can be sought, and asked why.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::format::seconds;
use super::hands::{Shared, use_hands};
use super::track::tone;
use crate::wire::{EventLine, ToWorker};

/// Lines shown, and asked for.
const MOST: usize = 200;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub events: Shared<Vec<EventLine>>,
    pub ready_us: u64,
}

#[component]
pub fn Events(props: &Props) -> Html {
    let hands = use_hands();
    let text = use_state(String::new);
    let oninput = {
        let (hands, text) = (hands.clone(), text.clone());
        Callback::from(move |event: InputEvent| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            hands.send(ToWorker::Events { text: input.value(), limit: MOST as u32 });
            text.set(input.value());
        })
    };
    let wanted = text.to_lowercase();
    let found: Vec<&EventLine> = props.events.iter().filter(|e| e.text.to_lowercase().contains(&wanted)).take(MOST).collect();
    html! {
        <div class="events">
            <input type="search" placeholder="Search events" aria-label="Search events" value={(*text).clone()} {oninput} />
            if found.is_empty() {
                <p class="empty">{ if wanted.is_empty() { "Nothing has happened yet. Let time run, or enter a command." } else { "No event contains this." } }</p>
            }
            <ol>{ for found.into_iter().map(|event| {
                let (id, at_us) = (event.id, event.at_us);
                html! {
                    <li key={id} class={tone(event.kind)}>
                        <button type="button" class="event" onclick={hands.sends(move || ToWorker::Seek(at_us))} title="Go to this instant">
                            <time>{ seconds(at_us, props.ready_us) }</time><span>{ &event.text }</span>
                        </button>
                        <button type="button" class="quiet why" onclick={hands.sends(move || ToWorker::Why { event: id })}>{ "Why?" }</button>
                    </li>
                }
            }) }</ol>
        </div>
    }
}
