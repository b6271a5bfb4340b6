//! The way to the worker.

use std::rc::Rc;

use crate::wire::{FromWorker, ToWorker};

/// The page's end of the connection with the engine.
#[derive(Clone)]
pub struct Link(Rc<dyn Fn(ToWorker)>);

impl Link {
    pub fn send(&self, message: ToWorker) {
        (self.0)(message);
    }
}

/// Starts the engine in a worker of its own; `heard` gets all that it says.
#[cfg(not(feature = "demo"))]
pub fn connect(heard: impl Fn(FromWorker) + 'static) -> Link {
    use gloo::worker::Spawnable;

    use crate::web::{Engine, launch};

    // A browser that makes no Blob runs no wasm either.
    let bridge = Engine::spawner().callback(heard).spawn_with_loader(&launch::loader().unwrap_or_default());
    Link(Rc::new(move |message| bridge.send(message)))
}

/// A played sequence in the place of the engine, for whoever works on the page.
#[cfg(feature = "demo")]
pub fn connect(heard: impl Fn(FromWorker) + 'static) -> Link {
    let demo = super::demo::Demo::start(heard);
    Link(Rc::new(move |message| demo.hear(message)))
}
