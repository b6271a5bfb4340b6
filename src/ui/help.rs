//! The keys.

use yew::prelude::*;

use super::dialog::Dialog;
use super::hands::use_hands;
use super::model::{Action, Over};

const KEYS: [(&str, &str); 11] = [
    ("Space", "play, pause"),
    ("→ ←", "one second on, back"),
    ("Shift → ←", "ten seconds on, back"),
    (".", "to the next event"),
    (",", "back by 0.1 s"),
    ("+ −", "faster, slower"),
    ("T", "to the terminal"),
    ("Esc", "leave the terminal, close a dialog"),
    ("Tab ↑ ↓", "in the terminal: complete, history"),
    ("Ctrl-C Ctrl-D", "in the terminal: stop the job, end its input"),
    ("?", "this list"),
];

#[component]
pub fn Help() -> Html {
    let hands = use_hands();
    html! {
        <Dialog title="Keys" close={hands.acts(|| Action::Over(Over::Nothing))}>
            <dl class="keys">{ for KEYS.iter().map(|(keys, does)| html! {
                <div><dt>{ for keys.split(' ').map(|key| html! { <kbd>{ key }</kbd> }) }</dt><dd>{ *does }</dd></div>
            }) }</dl>
        </Dialog>
    }
}
