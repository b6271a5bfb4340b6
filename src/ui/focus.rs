//! Where keys go.

use gloo::timers::callback::Timeout;
use gloo::utils::document;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// To the terminal's prompt, once what was just asked for is drawn.
pub fn terminal() {
    soon(".terminal textarea");
}

/// To the first element that matches, once what was just asked for is drawn.
pub fn soon(selector: &'static str) {
    Timeout::new(0, move || {
        let found = document().query_selector(selector).ok().flatten();
        if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            // What cannot take the focus leaves it where it is.
            let _ = element.focus();
        }
    })
    .forget();
}
