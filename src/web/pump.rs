//! Yields to the browser between slices of work: through a message to oneself, which comes behind what already waits, and not through timers,
//! which browsers hold back by 4 ms and more.

use std::cell::Cell;
use std::rc::Rc;

use gloo::timers::callback::Timeout;
use gloo::worker::WorkerScope;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::Closure;
use web_sys::{MessageChannel, MessagePort};

use super::engine::{Engine, Said};

/// When the next slice is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wake {
    /// As soon as what waits has had its turn.
    Now,
    /// After so many real milliseconds.
    After(f64),
    Never,
}

impl Wake {
    /// The sooner of the two.
    pub fn sooner(self, other: Wake) -> Wake {
        match (self, other) {
            (Wake::Now, _) | (_, Wake::Now) => Wake::Now,
            (Wake::After(a), Wake::After(b)) => Wake::After(a.min(b)),
            (Wake::Never, wake) | (wake, Wake::Never) => wake,
        }
    }
}

pub struct Pump {
    scope: WorkerScope<Engine>,
    out: Option<MessagePort>,
    /// A message is on its way.
    is_coming: Rc<Cell<bool>>,
    timer: Option<Timeout>,
    _heard: Option<(MessagePort, Closure<dyn FnMut()>)>,
}

impl Pump {
    pub fn new(scope: &WorkerScope<Engine>) -> Pump {
        let is_coming = Rc::new(Cell::new(false));
        let mut pump = Pump { scope: scope.clone(), out: None, is_coming: is_coming.clone(), timer: None, _heard: None };
        if let Ok(channel) = MessageChannel::new() {
            let scope = scope.clone();
            let heard = Closure::<dyn FnMut()>::new(move || {
                is_coming.set(false);
                scope.send_message(Said::Slice);
            });
            let port = channel.port1();
            port.set_onmessage(Some(wasm_bindgen::JsCast::unchecked_ref(heard.as_ref())));
            pump.out = Some(channel.port2());
            pump._heard = Some((port, heard));
        }
        pump
    }

    /// Asks for a slice; what was asked before and would come later is forgotten.
    pub fn wake(&mut self, wake: Wake) {
        if self.is_coming.get() {
            return;
        }
        self.timer = None;
        match (wake, &self.out) {
            (Wake::Never, _) => {}
            (Wake::Now, Some(out)) if out.post_message(&JsValue::NULL).is_ok() => self.is_coming.set(true),
            (Wake::Now, _) => self.after(0.0),
            (Wake::After(ms), _) => self.after(ms),
        }
    }

    fn after(&mut self, ms: f64) {
        let scope = self.scope.clone();
        self.timer = Some(Timeout::new(ms.clamp(0.0, 60_000.0) as u32, move || scope.send_message(Said::Slice)));
    }
}
