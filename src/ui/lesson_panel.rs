//! The lesson beside the stage: one step at a time, how far one is, help on demand.

use std::collections::BTreeMap;

use web_sys::{Element, ScrollBehavior, ScrollIntoViewOptions, ScrollLogicalPosition};
use yew::prelude::*;

use super::hands::{Shared, use_hands};
use super::lessons;
use super::model::Action;
use super::prose::script;
use super::resizer::Resizer;
use super::step::StepView;
use crate::lesson::course::Sheet;
use crate::lesson::model::Block;
use crate::wire::{GoalState, GoalView};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub sheet: Shared<Sheet>,
    pub goals: Shared<Vec<GoalView>>,
    pub predicted: Shared<BTreeMap<String, u32>>,
    pub folded: bool,
}

#[component]
pub fn LessonPanel(props: &Props) -> Html {
    let hands = use_hands();
    let lesson = &props.sheet.lesson;
    let step = use_state(|| 0_usize);
    let hints = use_state(BTreeMap::<usize, usize>::new);
    let solution = use_state(|| false);
    let at = (*step).min(lesson.steps.len().saturating_sub(1));
    let done = props.goals.iter().filter(|g| g.state == GoalState::Done).count();
    let all = lesson.goals().count();
    let shown_hints = hints.get(&at).copied().unwrap_or(0);
    let body = use_node_ref();
    use_effect_with((shown_hints, *solution, body.clone()), |(hints, solution, body)| {
        let asked = if *solution { Some(".solution") } else { (*hints > 0).then_some(".hint:last-of-type") };
        show(body, asked);
    });
    if props.folded {
        return html! {
            <aside class="lesson folded">
                <button type="button" class="unfold" onclick={hands.acts(|| Action::FoldLesson)} aria-label="Show the lesson">{ format!("{done}/{all}") }</button>
            </aside>
        };
    }
    let step_hints = lesson.steps.get(at).map_or(0, |s| s.blocks.iter().filter(|b| matches!(b, Block::Hint(_))).count());
    let reveal = {
        let hints = hints.clone();
        Callback::from(move |_: MouseEvent| {
            let mut all = (*hints).clone();
            *all.entry(at).or_default() += 1;
            hints.set(all);
        })
    };
    let go = |to: usize| {
        let (step, solution) = (step.clone(), solution.clone());
        Callback::from(move |_: MouseEvent| {
            step.set(to);
            solution.set(false);
        })
    };
    let show_me = {
        let solution = solution.clone();
        Callback::from(move |_: MouseEvent| solution.set(!*solution))
    };
    let step_done = lesson.steps.get(at).is_none_or(|s| {
        let mut of = s.blocks.iter().filter_map(|b| if let Block::Goal(goal) = b { Some(&goal.id) } else { None });
        of.all(|id| props.goals.iter().any(|g| g.id == *id && g.state == GoalState::Done))
    });
    html! {
        <aside class="lesson" aria-label="Lesson">
            <header class="lesson-head">
                <div class="progress" role="progressbar" aria-valuenow={done.to_string()} aria-valuemax={all.to_string()} aria-label="Goals reached">
                    { for (0..all).map(|n| html! { <i class={(n < done).then_some("done")} /> }) }
                </div>
                <span class="muted">{ format!("{done} of {all} goals") }</span>
                <button type="button" class="icon fold" onclick={hands.acts(|| Action::FoldLesson)} aria-label="Fold the lesson" title="Fold the lesson">
                    <svg viewBox="0 0 20 20" aria-hidden="true"><path class="hollow" d="m12 5-5 5 5 5" /></svg>
                </button>
            </header>
            <div class="lesson-body" key={at} ref={body}>
                if at == 0 { <h1>{ &lesson.title }</h1> }
                if let Some(step) = lesson.steps.get(at) {
                    <StepView sheet={props.sheet.clone()} {at} title={(at > 0).then(|| step.title.clone())} goals={props.goals.clone()}
                        predicted={props.predicted.clone()} hints={shown_hints} />
                }
                if *solution { <section class="solution"><h3>{ "One way to do it" }</h3>{ script(&hands, &lesson.solution) }</section> }
            </div>
            <footer class="lesson-foot">
                if shown_hints < step_hints {
                    <button type="button" onclick={reveal}>{ format!("Hint {} of {step_hints}", shown_hints + 1) }</button>
                }
                <button type="button" class="quiet" aria-expanded={solution.to_string()} onclick={show_me}>{ "Show me" }</button>
                <span class="grow" />
                if at > 0 { <button type="button" onclick={go(at - 1)} class="icon" aria-label="Back to the step before" title="Back">
                    <svg viewBox="0 0 20 20" aria-hidden="true"><path class="hollow" d="m12 5-5 5 5 5" /></svg>
                </button> }
                { next(&props.sheet, at, step_done, go(at + 1)) }
            </footer>
            <Resizer />
        </aside>
    }
}

/// What was asked for comes into sight.
fn show(body: &NodeRef, what: Option<&str>) {
    let found = what.and_then(|what| body.cast::<Element>()?.query_selector(what).ok().flatten());
    if let Some(element) = found {
        let nearest = ScrollIntoViewOptions::new();
        nearest.set_block(ScrollLogicalPosition::Nearest);
        nearest.set_behavior(ScrollBehavior::Smooth);
        element.scroll_into_view_with_scroll_into_view_options(&nearest);
    }
}

fn next(sheet: &Sheet, at: usize, done: bool, go: Callback<MouseEvent>) -> Html {
    let class = if done { "primary" } else { "" };
    if at + 1 < sheet.lesson.steps.len() {
        return html! { <button type="button" {class} onclick={go}>{ "Next" }</button> };
    }
    match &sheet.next {
        Some(next) => {
            html! { <a class={classes!("button", class)} href={lessons::address(&next.slug)} title={next.title.clone()}>{ "Next lesson" }</a> }
        }
        None => html! {},
    }
}
