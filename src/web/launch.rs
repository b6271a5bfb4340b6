//! How the page finds the engine's files.

/// The address to spawn the engine from: `engine.js` next to the page.
///
/// Trunk gives a worker no hashed name, as only the page could know it. So the digest that `ottla build` wrote into the page becomes the
/// query, and gloo, which replaces `.js` by `_bg.wasm`, passes it on to the wasm: a host may cache both for good, and a page never meets
/// an engine of another build. Under `trunk serve` there is no digest and nothing is cached.
pub fn engine_url() -> String {
    let document = gloo::utils::document();
    let digest = document.query_selector("meta[name=ottla-engine]").ok().flatten().and_then(|meta| meta.get_attribute("content"));
    let base = document.base_uri().ok().flatten().unwrap_or_default();
    let relative = match digest.filter(|digest| !digest.is_empty()) {
        Some(digest) => format!("engine.js?v={digest}"),
        None => "engine.js".to_owned(),
    };
    web_sys::Url::new_with_base(&relative, &base).map(|url| url.href()).unwrap_or(relative)
}
