//! The line being typed, and what stands around it: the search through the history, candidates, what waits.

use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::hands::{Shared, use_hands};
use super::model::{Action, Completions};
use super::typing::{self, At, Typing};
use crate::playground::command::Command;
use crate::readline::{Line, Search};
use crate::wire::{Prompt, ToWorker};

/// Candidates that are shown; more say nothing to anybody.
const MOST_CANDIDATES: usize = 60;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub session: u32,
    pub prompt: Prompt,
    /// What stands before the line.
    pub sigil: AttrValue,
    pub history: Shared<Vec<String>>,
    pub completions: Shared<Option<Completions>>,
    /// So many lines can be entered now.
    pub room: usize,
    /// Lines were sent that the session has not read, and virtual time does not run.
    pub stands_still: bool,
}

#[component]
pub fn PromptLine(props: &Props) -> Html {
    let hands = use_hands();
    let input = use_node_ref();
    let typing = use_mut_ref(Typing::default);
    let search = use_state(|| None::<Search>);
    let (session, prompt, room, history) = (props.session, props.prompt, props.room, props.history.clone());
    let with = {
        let (hands, history) = (hands.clone(), history.clone());
        move |area: &HtmlTextAreaElement, act: &mut dyn FnMut(&At)| {
            act(&At { hands: &hands, session, prompt, room, history: &history, area });
        }
    };
    {
        let (with, typing) = (with.clone(), typing.clone());
        use_effect_with((props.completions.clone(), input.clone()), move |(completions, input)| {
            if let (Some(found), Some(area)) = (&**completions, input.cast::<HtmlTextAreaElement>()) {
                with(&area, &mut |at| typing::complete(at, &mut typing.borrow_mut(), found));
            }
        });
    }
    let onkeydown = {
        let (with, search, typing) = (with.clone(), search.clone(), typing.clone());
        Callback::from(move |event: KeyboardEvent| {
            let Some(area) = event.target_dyn_into::<HtmlTextAreaElement>() else { return };
            event.stop_propagation();
            let typing = &mut *typing.borrow_mut();
            with(&area, &mut |at| {
                let next = match &*search {
                    Some(now) => typing::search_key(at, typing, now.clone(), &event),
                    None => typing::key(at, typing, &event),
                };
                if next != *search {
                    search.set(next);
                }
            });
        })
    };
    let oninput = {
        let (hands, with, search, history) = (hands.clone(), with.clone(), search.clone(), history.clone());
        Callback::from(move |event: InputEvent| {
            let Some(area) = event.target_dyn_into::<HtmlTextAreaElement>() else { return };
            hands.act(Action::ForgetCompletions);
            let text = area.value();
            if let Some(now) = &*search {
                let mut now = now.clone();
                now.look_for(&history, text);
                search.set(Some(now));
            } else if text.contains('\n') {
                let mut lines: Vec<String> = text.split('\n').map(|line| line.trim_end_matches('\r').to_owned()).collect();
                let rest = lines.pop().unwrap_or_default();
                with(&area, &mut |at| {
                    at.put(&Line::new(rest.clone()));
                    at.enter(std::mem::take(&mut lines));
                });
            }
        })
    };
    let hint = if props.prompt == Prompt::Busy { "running; Ctrl-C stops it" } else { "" };
    let found = search.as_ref().map(|search| search.found(&history).unwrap_or_default().to_owned());
    let sigil = match &*search {
        Some(search) if search.failed => AttrValue::from("(failed reverse-i-search) "),
        Some(_) => AttrValue::from("(reverse-i-search) "),
        None => props.sigil.clone(),
    };
    let label = if search.is_some() { "Search in the history" } else { "Command line" };
    let control = |label: &'static str, command: Command| {
        html! { <button type="button" class="control" onclick={hands.sends(move || ToWorker::Do(command.clone()))}>{ label }</button> }
    };
    html! {<>
        <label class={classes!("prompt", search.is_some().then_some("searching"))}>
            <span class="sigil" aria-hidden="true">{ sigil }</span>
            <textarea ref={input} rows="1" spellcheck="false" autocomplete="off" autocapitalize="off" aria-label={label} placeholder={hint} {onkeydown} {oninput} />
            if let Some(found) = found { <output class="found" aria-live="polite">{ found }</output> }
            if !props.prompt.is_shell() {
                { control("Ctrl-C", Command::Interrupt { session: props.session }) }
                if props.prompt == Prompt::Input { { control("Ctrl-D", Command::EndOfInput { session: props.session }) } }
            }
        </label>
        if props.stands_still {
            <p class="note stands-still" role="status">{ "Time stands still: this runs when time goes on. " }
                <button type="button" class="control" onclick={hands.sends(|| ToWorker::Play)}>{ "Play" }</button></p>
        }
        <div role="status">{ candidates(props.completions.as_ref()) }</div>
    </>}
}

/// What could stand at the cursor, where that is not one thing.
fn candidates(found: Option<&Completions>) -> Html {
    let Some(found) = found else { return html! {} };
    match found.candidates.len() {
        0 => html! { <p class="candidates">{ "nothing to complete" }</p> },
        1 => html! {},
        n => html! {
            <p class="candidates">
                { for found.candidates.iter().take(MOST_CANDIDATES).map(|candidate| html! { <span>{ candidate }{ " " }</span> }) }
                if n > MOST_CANDIDATES { <span>{ format!("and {} more", n - MOST_CANDIDATES) }</span> }
            </p>
        },
    }
}
