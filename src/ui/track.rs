//! The track: where now is, marks of what happened, old futures; drag or use the arrows to seek.

use std::cell::Cell;
use std::rc::Rc;

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::format::{real_ms, seconds};
use super::hands::{Shared, use_hands};
use crate::wire::{Branch, Mark, MarkKind, Timeline, ToWorker};

/// Real milliseconds between two seeks while dragging.
const PACE_MS: f64 = 40.0;
/// A label needs so much of the track, in percent; marks nearer than that share one.
const LABEL: f64 = 14.0;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub timeline: Shared<Timeline>,
    pub ready_us: u64,
    pub now_us: u64,
}

#[component]
pub fn Track(props: &Props) -> Html {
    let hands = use_hands();
    let last = use_memo((), |()| Rc::new(Cell::new(0.0)));
    let timeline = &*props.timeline;
    let now_us = props.now_us.max(timeline.from_us);
    let end_us = timeline.end_us.max(now_us).max(timeline.from_us + 1);
    let percent =
        |at_us: u64| (at_us.clamp(timeline.from_us, end_us) - timeline.from_us) as f64 * 100.0 / (end_us - timeline.from_us) as f64;
    let seek = |paced: bool| {
        let (hands, last) = (hands.clone(), last.clone());
        move |input: Option<HtmlInputElement>| {
            let Some(input) = input else { return };
            if !paced || real_ms() - last.get() > PACE_MS {
                last.set(real_ms());
                hands.send(ToWorker::Seek(input.value_as_number().max(0.0) as u64));
            }
        }
    };
    let (drag, drop) = (seek(true), seek(false));
    let oninput = Callback::from(move |event: InputEvent| drag(event.target_dyn_into()));
    let onchange = Callback::from(move |event: Event| drop(event.target_dyn_into()));
    let labels = labelled(&timeline.marks, percent);
    html! {
        <div class="track">
            <div class="track-labels" aria-hidden="true">
                { for labels.iter().map(|label| html! {
                    <span class={tone(label.kind)} style={format!("left:{:.2}%;max-width:{:.2}%", label.left, label.room)}>{ &label.text }</span>
                }) }
            </div>
            <div class="track-line">
                <i class="track-past" style={format!("width:{:.3}%", percent(now_us))} />
                { for timeline.marks.iter().map(|mark| {
                    let at_us = mark.at_us;
                    let label = format!("{} at {}", mark.label, seconds(at_us, props.ready_us));
                    let class = classes!("mark", tone(mark.kind));
                    html! {
                        <button key={format!("{}-{}", at_us, mark.label)} type="button" {class} style={format!("left:{:.3}%", percent(at_us))} tabindex="-1"
                            title={label.clone()} aria-label={label} onclick={hands.sends(move || ToWorker::Seek(at_us))} />
                    }
                }) }
                <input type="range" class="track-input" min={timeline.from_us.to_string()} max={end_us.to_string()} step="100000"
                    value={now_us.to_string()} {oninput} {onchange} aria-label="Seek" aria-valuetext={seconds(now_us, props.ready_us)} />
            </div>
            <div class="track-branches">
                { for timeline.branches.iter().map(|b| branch(b, percent(b.from_us), percent(b.to_us))) }
            </div>
        </div>
    }
}

fn branch(branch: &Branch, from: f64, to: f64) -> Html {
    let style = format!("left:{from:.2}%;width:{:.2}%", (to - from).max(2.0));
    html! { <span key={branch.id} class="branch" {style} title={branch.label.clone()}><i />{ &branch.label }</span> }
}

/// A label above the track, in percent of its length.
struct Label {
    left: f64,
    room: f64,
    text: String,
    kind: MarkKind,
}

/// Labels that do not touch: neighbours that are too near give way to the more important one, and are counted.
fn labelled(marks: &[Mark], percent: impl Fn(u64) -> f64) -> Vec<Label> {
    let mut placed: Vec<(f64, &Mark, u32)> = Vec::new();
    for mark in marks {
        // What stands at the end begins where it has room.
        let left = percent(mark.at_us).min(100.0 - LABEL);
        match placed.last_mut() {
            Some((before, heaviest, n)) if left - *before < LABEL => {
                *n += 1;
                if weight(mark.kind) > weight(heaviest.kind) {
                    *heaviest = mark;
                }
            }
            _ => placed.push((left, mark, 1)),
        }
    }
    let ends: Vec<f64> = placed.iter().skip(1).map(|(left, ..)| *left).chain([100.0]).collect();
    let label = |((left, mark, n), end): ((f64, &Mark, u32), f64)| {
        let more = if n > 1 { format!(" +{}", n - 1) } else { String::new() };
        Label { left, room: end - left - 1.0, text: format!("{}{more}", mark.label), kind: mark.kind }
    };
    placed.into_iter().zip(ends).map(label).collect()
}

fn weight(kind: MarkKind) -> u8 {
    match kind {
        MarkKind::Fault => 5,
        MarkKind::Goal => 4,
        MarkKind::Alert => 3,
        MarkKind::Election => 2,
        MarkKind::Rebalance => 1,
        MarkKind::Command => 0,
    }
}

/// The class that colours a kind of event.
pub fn tone(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Command => "tone-command",
        MarkKind::Fault => "tone-fault",
        MarkKind::Election => "tone-election",
        MarkKind::Rebalance => "tone-rebalance",
        MarkKind::Alert => "tone-alert",
        MarkKind::Goal => "tone-goal",
    }
}
