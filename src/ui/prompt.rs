//! The line being typed: history with the arrows, Tab to complete, Ctrl-C and Ctrl-D, several pasted lines at once.

use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::hands::{Hands, Shared, use_hands};
use super::model::{Action, Completions};
use crate::playground::command::Command;
use crate::wire::{Prompt, ToWorker};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub session: u32,
    pub prompt: Prompt,
    /// What stands before the line.
    pub sigil: AttrValue,
    pub history: Shared<Vec<String>>,
    pub completions: Shared<Option<Completions>>,
    /// Lines entered that wait for the prompt.
    pub waiting: usize,
    /// A line was sent, but virtual time does not run.
    pub stands_still: bool,
}

#[component]
pub fn PromptLine(props: &Props) -> Html {
    let hands = use_hands();
    let input = use_node_ref();
    let back = use_mut_ref(|| 0_usize);
    use_effect_with((props.completions.clone(), input.clone()), |(completions, input)| {
        if let (Some(found), Some(area)) = (&**completions, input.cast::<HtmlTextAreaElement>()) {
            complete(&area, found);
        }
    });
    let onkeydown = {
        let (hands, session, prompt, history, back) = (hands.clone(), props.session, props.prompt, props.history.clone(), back.clone());
        Callback::from(move |event: KeyboardEvent| {
            let Some(area) = event.target_dyn_into::<HtmlTextAreaElement>() else { return };
            event.stop_propagation();
            key(&hands, session, prompt, &history, &mut back.borrow_mut(), &area, &event);
        })
    };
    let oninput = {
        let (hands, session) = (hands.clone(), props.session);
        Callback::from(move |event: InputEvent| {
            let Some(area) = event.target_dyn_into::<HtmlTextAreaElement>() else { return };
            hands.act(Action::ForgetCompletions);
            let text = area.value();
            if text.contains('\n') {
                let mut lines: Vec<String> = text.split('\n').map(|line| line.trim_end_matches('\r').to_owned()).collect();
                area.set_value(&lines.pop().unwrap_or_default());
                hands.act(Action::Enter(session, lines));
            }
        })
    };
    let job = props.prompt != Prompt::Command;
    let hint = if props.prompt == Prompt::Busy { "running; Ctrl-C stops it" } else { "" };
    let candidates = props.completions.as_ref().filter(|found| found.candidates.len() > 1);
    let control = |label: &'static str, command: Command| {
        html! { <button type="button" class="control" onclick={hands.sends(move || ToWorker::Do(command.clone()))}>{ label }</button> }
    };
    html! {<>
        <label class="prompt">
            <span class="sigil" aria-hidden="true">{ &props.sigil }</span>
            <textarea ref={input} rows="1" spellcheck="false" autocomplete="off" autocapitalize="off" aria-label="Command line" placeholder={hint} {onkeydown} {oninput} />
            if job {
                { control("Ctrl-C", Command::Interrupt { session: props.session }) }
                if props.prompt == Prompt::Input { { control("Ctrl-D", Command::EndOfInput { session: props.session }) } }
            }
        </label>
        if props.stands_still { <p class="note">{ "Time stands still: the command runs when you play or step." }</p> }
        if props.waiting > 0 { <p class="note">{ format!("{} more to enter", props.waiting) }</p> }
        if let Some(found) = candidates { <p class="candidates">{ for found.candidates.iter().take(60).map(|c| html! { <span>{ c }</span> }) }</p> }
    </>}
}

fn key(
    hands: &Hands,
    session: u32,
    prompt: Prompt,
    history: &[String],
    back: &mut usize,
    area: &HtmlTextAreaElement,
    event: &KeyboardEvent,
) {
    let control = event.ctrl_key() && !event.alt_key() && !event.meta_key();
    let selected = area.selection_start() != area.selection_end();
    let do_ = |command| hands.send(ToWorker::Do(command));
    match event.key().as_str() {
        "Enter" if !event.is_composing() => {
            *back = 0;
            hands.act(Action::Enter(session, vec![area.value()]));
            area.set_value("");
        }
        "Tab" if !event.shift_key() && !area.value().trim().is_empty() => {
            let cursor = area.selection_start().ok().flatten().unwrap_or(0);
            hands.send(ToWorker::Complete { session, line: area.value(), cursor });
        }
        "ArrowUp" | "ArrowDown" if !history.is_empty() => {
            *back = if event.key() == "ArrowUp" { (*back + 1).min(history.len()) } else { back.saturating_sub(1) };
            area.set_value(if *back == 0 { "" } else { &history[history.len() - *back] });
        }
        "c" if control && !selected => {
            area.set_value("");
            do_(Command::Interrupt { session });
        }
        "d" if control && area.value().is_empty() && prompt != Prompt::Command => do_(Command::EndOfInput { session }),
        "l" if control => hands.act(Action::ClearTerminal(session)),
        "u" if control => area.set_value(""),
        "Escape" => area.blur().unwrap_or_default(),
        _ => return,
    }
    event.prevent_default();
}

/// Fills in what all candidates have in common; a single one is followed by a space.
fn complete(area: &HtmlTextAreaElement, found: &Completions) {
    let line = area.value();
    let Some(first) = found.candidates.first().filter(|_| line == found.line) else { return };
    let common = found.candidates.iter().fold(first.as_str(), |common, other| {
        let same = common.char_indices().zip(other.chars()).take_while(|((_, a), b)| a == b).last();
        &common[..same.map_or(0, |((at, c), _)| at + c.len_utf8())]
    });
    let cursor = utf16_to_byte(&line, area.selection_start().ok().flatten().unwrap_or(0) as usize);
    let from = utf16_to_byte(&line, found.from as usize).min(cursor);
    let space = if found.candidates.len() == 1 && !first.ends_with(['/', '=']) { " " } else { "" };
    if common.len() >= cursor - from {
        let head = format!("{}{common}{space}", &line[..from]);
        area.set_value(&format!("{head}{}", &line[cursor..]));
        let at = head.encode_utf16().count() as u32;
        area.set_selection_range(at, at).ok();
    }
}

/// The browser counts in UTF-16.
fn utf16_to_byte(text: &str, at: usize) -> usize {
    let mut units = 0;
    text.char_indices()
        .find(|(_, c)| {
            let here = units >= at;
            units += c.len_utf16();
            here
        })
        .map_or(text.len(), |(byte, _)| byte)
}
