//! What keys do outside of the terminal and of other fields.

use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

use super::focus;
use super::hands::Hands;
use super::model::{Action, Model, Over, Tab};
use super::speed;
use crate::wire::ToWorker;

const SECOND_US: u64 = 1_000_000;

pub fn pressed(event: &web_sys::Event, hands: &Hands, model: &Model) {
    let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
    let target = event.target().and_then(|t| t.dyn_into::<Element>().ok());
    let tag = target.as_ref().map(|t| t.tag_name()).unwrap_or_default();
    let key = event.key();
    // A dialog keeps the keys to itself.
    if model.over != Over::Nothing
        || event.ctrl_key()
        || event.meta_key()
        || event.alt_key()
        || matches!(tag.as_str(), "INPUT" | "TEXTAREA" | "SELECT")
    {
        return;
    }
    // Space and the arrows belong to a focused button or scrolling text.
    let on_button = matches!(tag.as_str(), "BUTTON" | "A" | "SUMMARY");
    let far = if event.shift_key() { 10 * SECOND_US } else { SECOND_US };
    let now_us = model.clock.now_us;
    match key.as_str() {
        " " if on_button => return,
        " " => hands.send(if model.clock.playing { ToWorker::Pause } else { ToWorker::Play }),
        "ArrowRight" if now_us + far <= model.timeline.end_us => hands.send(ToWorker::Seek(now_us + far)),
        "ArrowRight" => hands.send(ToWorker::StepBy(far)),
        "ArrowLeft" => hands.send(ToWorker::Seek(now_us.saturating_sub(far).max(model.timeline.from_us))),
        "." => hands.send(ToWorker::StepEvent),
        "," => hands.send(ToWorker::Seek(now_us.saturating_sub(SECOND_US / 10).max(model.timeline.from_us))),
        "+" | "=" => hands.send(ToWorker::Speed(speed::next(model.clock.speed, true))),
        "-" => hands.send(ToWorker::Speed(speed::next(model.clock.speed, false))),
        "?" => hands.act(Action::Over(Over::Help)),
        "t" => {
            hands.act(Action::Tab(Tab::Terminal));
            focus::terminal();
        }
        _ => return,
    }
    event.prevent_default();
}
