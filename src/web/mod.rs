//! The worker: owns the world and its time, tells the page what is to be seen, and keeps the run in IndexedDB.
//!
//! * [`launch`]: how the page finds the engine's files
//! * [`engine`]: the worker as gloo knows it: messages in, one slice of work after another
//! * [`pump`]: yields to the browser between slices; [`pace`]: virtual time against real time
//! * [`run`]: one run: its timeline, its lesson, and what the page wants of it
//! * [`say`]: what the page is told, and how often; [`terminal`], [`goals`], [`bar`]: parts of it
//! * [`open`]: from what the page asks for to a run; [`keep`]: when it is stored; [`store`]: where
//! * [`answer`]: questions with one answer: why, complete, a dropped file, an export
//! * [`bench`]: what is measured in a tab
//! * [`page`]: the way to the page, also for a last word
//! * [`rest`]: what a start does not need comes after it

mod answer;
mod bar;
mod bench;
mod engine;
mod goals;
mod keep;
pub mod launch;
mod open;
mod pace;
mod page;
mod pump;
pub mod rest;
mod run;
mod say;
mod store;
mod terminal;

use gloo::worker::Registrable;

pub use engine::Engine;

/// Starts this thread as the engine; it answers whoever opens a bridge to it.
pub fn start() {
    page::confess_panics();
    Engine::registrar().register();
}

/// Real milliseconds, from some point in the past.
fn now_ms() -> f64 {
    use wasm_bindgen::JsCast;
    let scope: web_sys::WorkerGlobalScope = js_sys::global().unchecked_into();
    scope.performance().map_or_else(js_sys::Date::now, |performance| performance.now())
}
