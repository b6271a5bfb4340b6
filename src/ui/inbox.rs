//! What the worker says, on its way into the page: views go to the stage at once, all else into the reducer at most ten times a second.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo::timers::callback::{Interval, Timeout};
use gloo::utils::{document, window};
use yew::UseReducerDispatcher;

use super::format::real_ms;
use super::lessons;
use super::model::{Action, Model};
use super::stage::store::Store;
use crate::web::rest;
use crate::wire::{FromWorker, Storage};

/// Real milliseconds between two changes of the page's text.
const BEAT_MS: f64 = 100.0;
/// An engine that should speak and has not for so long has died without a word (out of memory, a trap), or the machine is very slow.
const SILENCE_MS: f64 = 15_000.0;
const WATCH_MS: u32 = 3_000;

pub struct Inbox {
    store: Store,
    dispatch: UseReducerDispatcher<Model>,
    waiting: RefCell<Vec<FromWorker>>,
    seen: Cell<bool>,
    last_ms: Cell<f64>,
    heard_ms: Cell<f64>,
    timer: RefCell<Option<Timeout>>,
}

impl Inbox {
    pub fn new(store: Store, dispatch: UseReducerDispatcher<Model>) -> Rc<Inbox> {
        let inbox = Rc::new(Inbox {
            store,
            dispatch,
            waiting: RefCell::default(),
            seen: Cell::default(),
            last_ms: Cell::default(),
            heard_ms: Cell::new(real_ms()),
            timer: RefCell::default(),
        });
        let watched = inbox.clone();
        Interval::new(WATCH_MS, move || watched.watch()).forget();
        inbox
    }

    /// Notices when the engine should speak and does not.
    fn watch(&self) {
        let expected = self.store.is_running().unwrap_or(true) && !document().hidden();
        if !expected {
            self.heard_ms.set(real_ms());
        } else if real_ms() - self.heard_ms.get() > SILENCE_MS {
            self.dispatch.dispatch(Action::Silent);
        }
    }

    pub fn hear(self: &Rc<Self>, message: FromWorker) {
        self.heard_ms.set(real_ms());
        match message {
            FromWorker::View(view) => {
                self.store.view(*view);
                self.seen.set(true);
            }
            FromWorker::Clock(clock) => {
                self.store.clock(clock);
                self.waiting.borrow_mut().push(FromWorker::Clock(clock));
            }
            FromWorker::Metrics { reset, samples } => self.store.chart().borrow_mut().add(reset, &samples),
            FromWorker::Exported { name, bytes } => {
                if super::download::download(&name, &bytes).is_err() {
                    self.waiting.borrow_mut().push(FromWorker::Refused(format!("The browser does not let {name} be saved")));
                }
            }
            FromWorker::Benched(benched) => {
                if let (Some(root), Ok(json)) = (document().document_element(), serde_json::to_string(&benched)) {
                    let _ = root.set_attribute("data-bench", &json);
                }
            }
            other => {
                // Somebody has pressed Tab, and types on.
                let is_awaited = matches!(other, FromWorker::Completions { .. });
                match other {
                    FromWorker::Ready { .. } => mark_ready(),
                    FromWorker::Storage(Storage::Saved { .. }) => lessons::forget_fresh(),
                    _ => {}
                }
                self.waiting.borrow_mut().push(other);
                if is_awaited {
                    drop(self.timer.take());
                    return self.deliver();
                }
            }
        }
        self.schedule();
    }

    /// At once if the last change is long ago, otherwise when its time comes.
    fn schedule(self: &Rc<Self>) {
        if self.timer.borrow().is_some() {
            return;
        }
        let wait = (self.last_ms.get() + BEAT_MS - real_ms()).clamp(0.0, BEAT_MS) as u32;
        let inbox = self.clone();
        *self.timer.borrow_mut() = Some(Timeout::new(wait, move || inbox.deliver()));
    }

    fn deliver(&self) {
        // The timer that runs now is let go without being cancelled.
        if let Some(timer) = self.timer.borrow_mut().take() {
            timer.forget();
        }
        self.last_ms.set(real_ms());
        let heard = self.waiting.take();
        let seen = self.seen.take().then(|| self.store.snapshot());
        self.dispatch.dispatch(Action::Heard { heard, seen });
    }
}

/// A mark in the browser's own timeline: when the cluster ran (`ottla bench --browser` reads it).
fn mark_ready() {
    if let Some(performance) = window().performance() {
        // A browser that keeps no marks loses nothing that a learner sees.
        let _ = performance.mark("ottla-ready");
    }
    wasm_bindgen_futures::spawn_local(rest::fetch_soon());
}
