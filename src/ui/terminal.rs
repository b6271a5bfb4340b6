//! A terminal session: what was printed, and the line being typed.

use web_sys::HtmlElement;
use yew::prelude::*;

use super::hands::Shared;
use super::model::Completions;
use super::prompt::PromptLine;
use super::speech::Speech;
use super::term::{Line, Terminal};
use crate::wire::{Prompt, Stream};

/// Nearer to the end than this many pixels, the view follows the output.
const NEAR: i32 = 40;
/// Lines typed ahead that are shown.
const MOST_AHEAD: usize = 5;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub session: u32,
    pub terminal: Shared<Terminal>,
    pub completions: Shared<Option<Completions>>,
    /// Whether virtual time runs.
    pub playing: bool,
}

#[component]
pub fn TerminalView(props: &Props) -> Html {
    let scroll = use_node_ref();
    let follows = use_mut_ref(|| true);
    {
        let (scroll, follows) = (scroll.clone(), follows.clone());
        use_effect_with((props.terminal.clone(), props.completions.clone()), move |_| {
            if let Some(element) = scroll.cast::<HtmlElement>().filter(|_| *follows.borrow()) {
                element.set_scroll_top(element.scroll_height());
            }
        });
    }
    let onscroll = {
        let scroll = scroll.clone();
        Callback::from(move |_: Event| {
            if let Some(element) = scroll.cast::<HtmlElement>() {
                *follows.borrow_mut() = element.scroll_height() - element.scroll_top() - element.client_height() < NEAR;
            }
        })
    };
    // A click anywhere but on a selection goes on typing.
    let onclick = {
        let scroll = scroll.clone();
        Callback::from(move |_: MouseEvent| {
            let selected = gloo::utils::window().get_selection().ok().flatten().is_some_and(|s| !s.is_collapsed());
            let input = scroll.cast::<HtmlElement>().and_then(|e| e.query_selector("textarea").ok().flatten());
            if let Some(input) = input.filter(|_| !selected) {
                wasm_bindgen::JsCast::unchecked_into::<HtmlElement>(input).focus().ok();
            }
        })
    };
    let terminal = &*props.terminal;
    // A program's own prompt stands before what is typed to it.
    let asks = terminal.open_line().filter(|_| terminal.prompt == Prompt::Input);
    let own = match terminal.prompt {
        Prompt::Command => "$ ",
        Prompt::Continuation => "> ",
        Prompt::Busy | Prompt::Input => "",
    };
    let sigil = AttrValue::from(asks.clone().unwrap_or_else(|| own.to_owned()));
    html! {
        <div class="terminal" ref={scroll} {onscroll} {onclick}>
            if terminal.is_blank() {
                <p class="terminal-hello">{ "Kafka's tools, over a simulated network. Try " }<code>{ "kafka-topics.sh --bootstrap-server kafka-1:9092 --list" }</code>
                    { ", " }<code>{ "help" }</code>{ ", or Tab to complete." }</p>
            }
            // What is new is told below, so that nothing is told twice or endlessly.
            <div role="log" aria-live="off" aria-label="Terminal output" tabindex="-1">
                if terminal.is_cut { <p class="note">{ "… what came before is gone: a terminal keeps its last 2,000 lines or so" }</p> }
                { for terminal.chunks.iter().map(|(n, lines)| html! { <Chunk key={*n} lines={lines.clone()} hides_open={asks.is_some()} /> }) }
            </div>
            { ahead(&terminal.ahead) }
            <PromptLine session={props.session} prompt={terminal.prompt} {sigil} history={terminal.history().clone()} completions={props.completions.clone()}
                room={terminal.room()} stands_still={!terminal.ahead.is_empty() && !props.playing} />
            { spoken(&terminal.speech) }
        </div>
    }
}

/// Typed, but not read yet.
fn ahead(lines: &[String]) -> Html {
    let more = lines.len().saturating_sub(MOST_AHEAD);
    html! {
        <div class="ahead" aria-label="Typed ahead">
            { for lines.iter().take(MOST_AHEAD).map(|line| html! { <div class="line">{ line }</div> }) }
            if more > 0 { <p class="note">{ format!("and {more} more lines") }</p> }
        </div>
    }
}

/// The live region: each announcement is an element of its own, so that the same words twice are heard twice.
fn spoken(speech: &Speech) -> Html {
    html! {
        <div class="unseen spoken" aria-live="polite">
            if !speech.said.is_empty() { <div key={speech.number}>{ for speech.said.iter().map(|line| html! { <p>{ line }</p> }) }</div> }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct ChunkProps {
    lines: Shared<Vec<Line>>,
    hides_open: bool,
}

#[component]
fn Chunk(props: &ChunkProps) -> Html {
    let line = |line: &Line| {
        let is_command = matches!(line.pieces.first(), Some((Stream::Input, text)) if text != "^C");
        let pieces = line.pieces.iter().map(|(stream, text)| match stream {
            Stream::Input => html! { <span class="typed">{ text }</span> },
            Stream::Out => html! { { text } },
            Stream::Err => html! { <span class="err">{ text }</span> },
            Stream::Note => html! { <span class="note">{ text }</span> },
        });
        html! { <div class="line">if is_command { <span class="sigil">{ "$ " }</span> }{ for pieces }</div> }
    };
    html! { <div class="chunk">{ for props.lines.iter().filter(|line| line.ended || !props.hides_open).map(line) }</div> }
}
