//! A goal: its state as a sign of its own shape, what it is, and why not yet.

use yew::prelude::*;

use crate::wire::{GoalState, GoalView};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub say: String,
    pub view: Option<GoalView>,
}

#[component]
pub fn Goal(props: &Props) -> Html {
    let state = props.view.as_ref().map_or(GoalState::Waiting, |view| view.state);
    let (class, word) = match state {
        GoalState::Waiting => ("waiting", "Later"),
        GoalState::Open => ("open", "Not yet"),
        GoalState::Holding => ("holding", "Holds; it must go on"),
        GoalState::Done => ("done", "Reached"),
        GoalState::Failed => ("failed", "Failed"),
    };
    let detail = props.view.as_ref().map(|view| view.detail.as_str()).filter(|detail| !detail.is_empty());
    html! {
        <section class={classes!("goal", class)} data-goal={props.view.as_ref().map(|v| v.id.clone())} data-state={class}>
            <svg viewBox="0 0 20 20" role="img" aria-label={word}>{ sign(state) }</svg>
            <div>
                <p class="goal-say">{ &props.say }</p>
                if let Some(detail) = detail { <p class="goal-detail">{ detail }</p> }
                if state == GoalState::Failed { <p class="goal-detail">{ "Rewind to before it failed, or begin the lesson anew." }</p> }
            </div>
        </section>
    }
}

fn sign(state: GoalState) -> Html {
    match state {
        GoalState::Waiting => html! { <circle cx="10" cy="10" r="7.5" class="hollow dotted" /> },
        GoalState::Open => html! { <circle cx="10" cy="10" r="7.5" class="hollow" /> },
        GoalState::Holding => html! { <><circle cx="10" cy="10" r="7.5" class="hollow" /><path d="M10 2.5a7.5 7.5 0 0 1 0 15z" /></> },
        GoalState::Done => html! { <><circle cx="10" cy="10" r="8.5" /><path class="tick" d="m6 10.2 2.7 2.8L14 7.4" /></> },
        GoalState::Failed => html! { <><circle cx="10" cy="10" r="8.5" /><path class="tick" d="m7 7 6 6m0-6-6 6" /></> },
    }
}
