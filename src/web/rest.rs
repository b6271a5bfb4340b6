//! The rest of the wasm: what a start does not need comes after it (`ottla build` splits the file; `src/bin/ottla/split` tells how).
//!
//! Both halves of Ottla use this, the page and its engine. A second after the cluster runs, the rest is fetched. Whoever needs it sooner
//! waits for it: a call into the rest goes through a stub that calls [`load_rest`]. So all that differs is when it is loaded.
//!
//! Where it is stands in JavaScript's global [`URL`] before any of our code runs (index.html, `launch::loader`): the first line of ours may
//! be one that needs the rest, when the compiler has drawn its lines elsewhere than when the start was recorded.

use std::cell::RefCell;

use gloo::timers::future::TimeoutFuture;
use js_sys::{ArrayBuffer, Object, Reflect, Uint8Array, WebAssembly};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Response, XmlHttpRequest};

/// Under what the rest imports what it shares with the first file: `FIRST` of `src/bin/ottla/split`.
const FIRST: &str = "first";
/// The global variable with the address of the rest; empty, or not there, where the wasm is in one piece.
const URL: &str = "ottlaRest";
const LOST: &str = "the other half of Ottla cannot be fetched: reload the page when you are connected again";
/// The first frames have the machine, and the line, for themselves.
const AFTER_MS: u32 = 1_000;
/// A line that drops one request may carry the next.
const ATTEMPTS: u32 = 3;

/// How far the rest has come.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Away,
    /// It is being put in place; what does that must not need it.
    Loading,
    There,
    /// It was needed and could not be had. What needed it was left half done, so it is not tried again.
    Lost,
}

#[derive(Default)]
struct Rest {
    stage: Stage,
    /// Fetched and compiled.
    module: Option<WebAssembly::Module>,
    /// Told when the rest is needed and cannot be had.
    on_failure: Option<fn(&str)>,
}

thread_local! {
    static REST: RefCell<Rest> = RefCell::default();
}

fn url() -> Option<String> {
    Reflect::get(&js_sys::global(), &URL.into()).ok()?.as_string().filter(|url| !url.is_empty())
}

/// Who wants to know that the rest is needed and cannot be had.
pub fn tell_failure(tell: fn(&str)) {
    REST.with_borrow_mut(|rest| rest.on_failure = Some(tell));
}

/// Fetches the rest after a while and puts it in place. A failure is none yet: who needs the rest will ask again.
pub async fn fetch_soon() {
    TimeoutFuture::new(AFTER_MS).await;
    let Some(url) = url().filter(|_| REST.with_borrow(|rest| rest.module.is_none() && rest.stage == Stage::Away)) else { return };
    if let Ok(module) = fetched(&url).await {
        REST.with_borrow_mut(|rest| rest.module = Some(module));
        load_rest();
    }
}

async fn fetched(url: &str) -> Result<WebAssembly::Module, JsValue> {
    let global = js_sys::global();
    let fetch: js_sys::Function = Reflect::get(&global, &"fetch".into())?.dyn_into()?;
    let response: Response = JsFuture::from(fetch.call1(&global, &url.into())?.dyn_into::<js_sys::Promise>()?).await?.dyn_into()?;
    if !response.ok() {
        return Err(JsValue::UNDEFINED);
    }
    let bytes: ArrayBuffer = JsFuture::from(response.array_buffer()?).await?.dyn_into()?;
    JsFuture::from(WebAssembly::compile(&bytes)).await?.dyn_into()
}

/// Puts the rest in place: called by the first function that needs it, and by [`fetch_soon`].
///
/// # Panics
/// Throws, when it cannot be had: nothing can go on without it.
#[wasm_bindgen]
pub fn load_rest() {
    match REST.with_borrow(|rest| rest.stage) {
        Stage::Away => {}
        Stage::There => return,
        // Its stub would find itself in the table again, and call itself until there is no stack left.
        Stage::Loading | Stage::Lost => wasm_bindgen::throw_str(LOST),
    }
    let here = REST.with_borrow_mut(|rest| {
        rest.stage = Stage::Loading;
        rest.module.take()
    });
    let module = here.or_else(|| url().and_then(|url| (0..ATTEMPTS).find_map(|_| fetched_now(&url).ok())));
    let is_there = module.is_some_and(|module| instantiate(&module).is_ok());
    let on_failure = REST.with_borrow_mut(|rest| {
        rest.stage = if is_there { Stage::There } else { Stage::Lost };
        rest.on_failure.filter(|_| !is_there)
    });
    if !is_there {
        if let Some(tell) = on_failure {
            tell(LOST);
        }
        wasm_bindgen::throw_str(LOST);
    }
}

/// Its start puts its functions into the table that both share.
fn instantiate(module: &WebAssembly::Module) -> Result<WebAssembly::Instance, JsValue> {
    let imports = Object::new();
    Reflect::set(&imports, &FIRST.into(), &wasm_bindgen::exports())?;
    WebAssembly::Instance::new(module, &imports)
}

/// While everything waits. As text, one character a byte: a page may not ask for bytes this way.
fn fetched_now(url: &str) -> Result<WebAssembly::Module, JsValue> {
    let request = XmlHttpRequest::new()?;
    request.open_with_async("GET", url, false)?;
    request.override_mime_type("text/plain; charset=x-user-defined")?;
    request.send()?;
    let text = request.response_text()?.filter(|_| request.status() == Ok(200)).ok_or(JsValue::UNDEFINED)?;
    // The user-defined characters stand for 0x80 to 0xff in the private area from U+F780 on.
    let bytes: Vec<u8> = text.chars().map(|char| char as u32 as u8).collect();
    WebAssembly::Module::new(&Uint8Array::from(bytes.as_slice()).into())
}
