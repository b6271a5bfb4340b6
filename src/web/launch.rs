//! How the page finds the files of its wasm.
//!
//! Trunk gives a worker no hashed name, as only the page could know it. So the digest that `ottla build` wrote into the page becomes the
//! query of each of the engine's files: a host may cache them for good, and a page never meets an engine of another build. Under `trunk serve` there is no digest, nothing is cached, and each wasm is in one piece.

use js_sys::Array;
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag, Url};

/// The script that a worker begins with, as an address: where the engine's second file is, if it has one, then the engine.
pub fn loader() -> Result<String, JsValue> {
    let rest = if meta("ottla-rest").is_some() { next_to_page("engine_rest.wasm") } else { String::new() };
    let (script, wasm) = (next_to_page("engine.js"), next_to_page("engine_bg.wasm"));
    // Addresses have no quotes and no line ends: `absolute` lets the browser write them.
    let text = format!(r#"ottlaRest="{rest}";importScripts("{script}");wasm_bindgen({{module_or_path:"{wasm}"}});"#);
    let options = BlobPropertyBag::new();
    options.set_type("application/javascript");
    let blob = Blob::new_with_str_sequence_and_options(&Array::of1(&text.into()), &options)?;
    Url::create_object_url_with_blob(&blob)
}

fn next_to_page(file: &str) -> String {
    absolute(&meta("ottla-engine").map_or_else(|| file.to_owned(), |digest| format!("{file}?v={digest}")))
}

/// What `ottla build` wrote into the page.
fn meta(name: &str) -> Option<String> {
    let found = gloo::utils::document().query_selector(&format!("meta[name={name}]")).ok().flatten()?;
    found.get_attribute("content").filter(|content| !content.is_empty())
}

/// A worker that was made from a Blob has no address to be relative to.
fn absolute(relative: &str) -> String {
    let base = gloo::utils::document().base_uri().ok().flatten().unwrap_or_default();
    Url::new_with_base(relative, &base).map_or_else(|_| relative.to_owned(), |url| url.href())
}
