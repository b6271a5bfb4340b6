//! The keys.

use yew::prelude::*;

use super::dialog::Dialog;
use super::hands::use_hands;
use super::model::{Action, Over};

const ON_THE_PAGE: [(&str, &str); 9] = [
    ("Space", "play, pause"),
    ("→ ←", "one second on, back"),
    ("Shift → ←", "ten seconds on, back"),
    (".", "to the next event"),
    (",", "back by 0.1 s"),
    ("+ −", "faster, slower"),
    ("T", "to the terminal"),
    ("Esc", "leave the terminal, close a dialog"),
    ("?", "this list"),
];

const IN_THE_TERMINAL: [(&str, &str); 11] = [
    ("Tab", "complete the word; on an empty line, go on to what is next on the page"),
    ("↑ ↓", "lines entered before"),
    ("Ctrl-R", "search them: again for older, Enter runs, Esc edits, Ctrl-G leaves"),
    ("Ctrl-C Ctrl-D", "stop the job, end its input"),
    ("Ctrl-A Ctrl-E", "to the start, to the end of the line"),
    ("Ctrl-U Ctrl-K", "cut all before, all after the cursor"),
    ("Ctrl-W Alt-Backspace", "cut the word before the cursor (some browsers keep Ctrl-W for themselves)"),
    ("Ctrl-Y", "put back what was cut"),
    ("Ctrl-L", "clear the screen"),
    ("Alt-↓ Alt-↑", "next terminal, the one before"),
    ("Alt-Enter", "another terminal"),
];

#[component]
pub fn Help() -> Html {
    let hands = use_hands();
    html! {
        <Dialog title="Keys" close={hands.acts(|| Action::Over(Over::Nothing))}>
            { list(&ON_THE_PAGE) }
            <h3>{ "In the terminal" }</h3>
            { list(&IN_THE_TERMINAL) }
        </Dialog>
    }
}

fn list(keys: &[(&'static str, &'static str)]) -> Html {
    let one = |(keys, does): &(&'static str, &'static str)| {
        html! { <div><dt>{ for keys.split(' ').map(|key| html! { <kbd>{ key }</kbd> }) }</dt><dd>{ *does }</dd></div> }
    };
    html! { <dl class="keys">{ for keys.iter().map(one) }</dl> }
}
