//! A question answered before time goes on: one commits to a choice, then reads why.

use yew::prelude::*;

use super::hands::use_hands;
use super::model::Action;
use crate::lesson::model::Predict;
use crate::wire::ToWorker;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub question: Predict,
    pub chosen: Option<u32>,
}

#[component]
pub fn Question(props: &Props) -> Html {
    let hands = use_hands();
    let question = &props.question;
    let choices = question.choices.iter().zip(0_u32..).map(|(choice, n)| {
        let onclick = {
            let (hands, id) = (hands.clone(), question.id.clone());
            Callback::from(move |_: MouseEvent| {
                hands.act(Action::Predict(id.clone(), n));
                hands.send(ToWorker::Predict { id: id.clone(), choice: n });
            })
        };
        let is_chosen = props.chosen == Some(n);
        let known = props.chosen.is_some();
        let verdict = match (known, choice.right, is_chosen) {
            (true, true, _) => Some("right"),
            (true, false, true) => Some("wrong"),
            _ => None,
        };
        html! {
            <li key={n}>
                <button type="button" class={classes!("choice", verdict, is_chosen.then_some("chosen"))} disabled={known} aria-pressed={is_chosen.to_string()} {onclick}>
                    <b class="choice-say">{ &choice.say }</b>
                    if let Some(verdict) = verdict { <span class="verdict">{ if verdict == "right" { "This is what happens" } else { "No" } }</span> }
                    if known && (is_chosen || choice.right) { <span class="because">{ &choice.because }</span> }
                </button>
            </li>
        }
    });
    html! {
        <section class="question">
            <p class="ask"><b>{ "Predict. " }</b>{ &question.ask }</p>
            <ul class="choices">{ for choices }</ul>
            if props.chosen.is_none() { <p class="muted">{ "Choose before you go on: a guess counts." }</p> }
        </section>
    }
}
