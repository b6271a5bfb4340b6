//! One writer for each stored run, across tabs, by Web Locks.

use std::cell::RefCell;
use std::collections::BTreeSet;

use futures::channel::oneshot;
use gloo::timers::future::TimeoutFuture;
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;

/// The tab that was there before a reload may hold its lock for a moment longer.
const TRIES: u32 = 10;
const BETWEEN_MS: u32 = 100;

#[wasm_bindgen]
extern "C" {
    /// `LockManager`; web-sys has it only behind a flag.
    type Locks;

    #[wasm_bindgen(method, catch)]
    fn request(this: &Locks, name: &str, options: &JsValue, granted: &JsValue) -> Result<Promise, JsValue>;
}

/// Takes the lock of that name for as long as this worker lives; `false` if another tab has it. Where there are no Web Locks (plain http on a
/// LAN), there is nothing to ask, and the answer is `true`.
pub async fn take(name: &str) -> bool {
    let Some(locks) = locks() else { return true };
    if HELD.with_borrow(|held| held.contains(name)) {
        return true;
    }
    for _ in 0..TRIES {
        match ask(&locks, name).await {
            Some(false) => TimeoutFuture::new(BETWEEN_MS).await,
            Some(true) => {
                HELD.with_borrow_mut(|held| held.insert(name.to_owned()));
                return true;
            }
            None => return true,
        }
    }
    false
}

thread_local! {
    /// The locks of this worker: asking for one again would find it taken.
    static HELD: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

fn locks() -> Option<Locks> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    (!locks.is_undefined() && !locks.is_null()).then(|| locks.unchecked_into())
}

/// Whether it was given; `None` if the browser does not let this page ask.
async fn ask(locks: &Locks, name: &str) -> Option<bool> {
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &true.into()).ok()?;
    let (answer, answered) = oneshot::channel();
    let granted = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        let is_given = !lock.is_null();
        // Nobody waits any more only if the worker ends.
        let _ = answer.send(is_given);
        match is_given {
            // Held until the worker ends.
            true => Promise::new(&mut |_: Function, _: Function| {}).into(),
            false => JsValue::UNDEFINED,
        }
    });
    // The promise lasts as long as the lock; what counts is the answer.
    let _held = locks.request(name, &options, &granted).ok()?;
    answered.await.ok()
}
