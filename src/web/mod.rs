//! The worker.

pub mod launch;

use gloo::worker::{HandlerId, Registrable, Worker, WorkerScope};

/// Starts this thread as the engine; it answers whoever opens a bridge to it.
pub fn start() {
    console_error_panic_hook::set_once();
    Engine::registrar().register();
}

/// The dedicated worker.
pub struct Engine;

impl Worker for Engine {
    type Message = ();
    type Input = String;
    type Output = String;

    fn create(_: &WorkerScope<Self>) -> Self {
        Self
    }

    fn update(&mut self, _: &WorkerScope<Self>, (): ()) {}

    fn received(&mut self, scope: &WorkerScope<Self>, name: String, id: HandlerId) {
        scope.respond(id, format!("Hello {name}, the engine is running"));
    }
}
