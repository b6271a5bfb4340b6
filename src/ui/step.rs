//! One step of a lesson: its prose, goals, questions and commands, in their order.

use std::collections::BTreeMap;

use yew::prelude::*;

use super::goal::Goal;
use super::hands::{Shared, use_hands};
use super::predict::Question;
use super::prose::{command, prose};
use crate::lesson::course::Sheet;
use crate::lesson::model::Block;
use crate::wire::GoalView;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub sheet: Shared<Sheet>,
    pub at: usize,
    pub title: Option<String>,
    pub goals: Shared<Vec<GoalView>>,
    pub predicted: Shared<BTreeMap<String, u32>>,
    /// How many hints have been asked for.
    pub hints: usize,
}

#[component]
pub fn StepView(props: &Props) -> Html {
    let hands = use_hands();
    let Some(step) = props.sheet.lesson.steps.get(props.at) else { return html! {} };
    let mut hint = 0;
    let blocks = step.blocks.iter().enumerate().map(|(n, block)| match block {
        Block::Prose(parts) => html! { <div class="prose" key={n}>{ prose(parts) }</div> },
        Block::Goal(spec) => {
            let view = props.goals.iter().find(|g| g.id == spec.id).cloned();
            html! { <Goal key={n} say={spec.say.clone()} {view} /> }
        }
        Block::Hint(text) => {
            hint += 1;
            match hint <= props.hints {
                true => html! { <aside class="hint" key={n} role="note"><b>{ "Hint" }</b>{ prose(&text.prose) }</aside> },
                false => html! {},
            }
        }
        Block::Predict(question) => {
            let chosen = props.predicted.get(&question.id).copied();
            html! { <Question key={n} question={question.clone()} {chosen} /> }
        }
        Block::Discuss(parts) => html! { <aside class="discuss" key={n}><b>{ "To talk over" }</b>{ prose(parts) }</aside> },
        Block::Run(lines) => html! { <div class="commands" key={n}>{ for lines.iter().map(|line| command(&hands, line)) }</div> },
    });
    html! {<>
        if let Some(title) = &props.title { <h2>{ title }</h2> }
        { for blocks }
    </>}
}
