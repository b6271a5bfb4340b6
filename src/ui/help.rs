//! The keys.

use yew::prelude::*;

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
    let close = hands.acts(|| Action::Over(Over::Nothing));
    html! {
        <div class="veil" onclick={close.clone()}>
            <section class="dialog" role="dialog" aria-modal="true" aria-labelledby="keys" onclick={|e: MouseEvent| e.stop_propagation()}>
                <header class="dialog-head"><h2 id="keys">{ "Keys" }</h2><button type="button" class="quiet" onclick={close}>{ "Close" }</button></header>
                <dl class="keys">{ for KEYS.iter().map(|(keys, does)| html! {
                    <div><dt>{ for keys.split(' ').map(|key| html! { <kbd>{ key }</kbd> }) }</dt><dd>{ *does }</dd></div>
                }) }</dl>
            </section>
        </div>
    }
}
