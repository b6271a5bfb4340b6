//! The way to the page.

use std::cell::{Cell, RefCell};

use gloo::worker::{HandlerId, WorkerScope};

use super::engine::Engine;
use super::rest;
use crate::wire::FromWorker;

/// The page that opened this worker.
#[derive(Clone, Debug)]
pub struct Page {
    scope: WorkerScope<Engine>,
    id: HandlerId,
}

thread_local! {
    static LAST_WORD: RefCell<Option<Page>> = const { RefCell::new(None) };
    static IS_DYING: Cell<bool> = const { Cell::new(false) };
}

impl Page {
    /// The page behind this bridge; it will also hear of a panic.
    pub fn new(scope: &WorkerScope<Engine>, id: HandlerId) -> Page {
        let page = Page { scope: scope.clone(), id };
        LAST_WORD.with_borrow_mut(|last| *last = Some(page.clone()));
        page
    }

    pub fn say(&self, message: FromWorker) {
        self.scope.respond(self.id, message);
    }
}

/// Makes a panic known: to the console, and once to the page. After it the worker hears nothing any more.
pub fn confess_panics() {
    std::panic::set_hook(Box::new(|info| {
        // What follows from the first is no news.
        if IS_DYING.replace(true) {
            return;
        }
        console_error_panic_hook::hook(info);
        last_word(&info.to_string());
    }));
    rest::tell_failure(last_word);
}

/// Tells the page why nothing follows.
fn last_word(message: &str) {
    IS_DYING.set(true);
    if let Some(page) = LAST_WORD.try_with(|last| last.try_borrow_mut().ok()?.take()).ok().flatten() {
        page.say(FromWorker::Panicked { message: message.to_owned() });
        // Nothing is cleaned up any more: that may be what has failed, or in the half of the wasm that cannot be had.
        std::mem::forget(page);
    }
}
