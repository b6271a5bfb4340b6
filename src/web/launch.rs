//! How the page finds the files of its wasm.
//!
//! Trunk gives a worker no hashed name, as only the page could know it. So the digest that `ottla build` wrote into the page becomes the
//! query, and gloo, which replaces `.js` by `_bg.wasm`, passes it on to the wasm: a host may cache both for good, and a page never meets
//! an engine of another build. Under `trunk serve` there is no digest, nothing is cached, and each wasm is in one piece.

/// The address to spawn the engine from: `engine.js` next to the page.
pub fn engine_url() -> String {
    next_to_page("engine.js")
}

/// The address of the engine's second file; none if the engine is in one piece.
pub fn engine_rest_url() -> Option<String> {
    page_rest_url().map(|_| next_to_page("engine_rest.wasm"))
}

/// The address of the page's own second file, whose name tells its content.
pub fn page_rest_url() -> Option<String> {
    meta("ottla-rest").map(|name| absolute(&name))
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
    web_sys::Url::new_with_base(relative, &base).map_or_else(|_| relative.to_owned(), |url| url.href())
}
