//! The worker.

pub mod launch;

use gloo::worker::{HandlerId, Registrable, Worker, WorkerScope};

use crate::wire::{FromWorker, Restored, ToWorker};

/// Starts this thread as the engine; it answers whoever opens a bridge to it.
pub fn start() {
    console_error_panic_hook::set_once();
    Engine::registrar().register();
}

/// The dedicated worker.
pub struct Engine;

impl Worker for Engine {
    type Message = ();
    type Input = ToWorker;
    type Output = FromWorker;

    fn create(_: &WorkerScope<Self>) -> Self {
        Self
    }

    fn update(&mut self, _: &WorkerScope<Self>, (): ()) {}

    fn received(&mut self, scope: &WorkerScope<Self>, message: ToWorker, id: HandlerId) {
        if let ToWorker::Open(_) = message {
            scope.respond(id, FromWorker::Ready { ready_us: 0, restored: Restored::Fresh });
        }
    }
}
