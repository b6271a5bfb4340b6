//! The page's two wasm files become four: what a start needs, and the rest of each (see [`crate::split`]).

use std::fs;
use std::path::{Path, PathBuf};

use crate::build::{BuildError, read, write, write_meta};
use crate::fingerprint::Fingerprint;
use crate::split::cold::Cold;
use crate::split::{self};

/// What `ottla record-start` wrote: for each wasm, which functions a start does not call.
pub const COLD: [(&str, &[u8]); 2] = [("app", include_bytes!("split/app.cold")), ("engine", include_bytes!("split/engine.cold"))];

/// Splits the wasm of the page and of the engine in `out`, where trunk has written them.
pub fn split(out: &Path) -> Result<(), BuildError> {
    let [(_, app), (_, engine)] = COLD;
    split_into(&out.join("engine_bg.wasm"), &out.join("engine_rest.wasm"), engine)?;
    let wasm = page_wasm(out)?;
    let rest = out.join("app_rest.wasm");
    split_into(&wasm, &rest, app)?;
    name_page(out, &wasm, &rest)
}

/// The page's wasm, to which trunk gave a name of its own.
pub fn page_wasm(out: &Path) -> Result<PathBuf, BuildError> {
    let io = |source| BuildError::Io { path: out.to_path_buf(), source };
    let is_it = |name: &str| name.starts_with("app-") && name.ends_with("_bg.wasm");
    let mut files = fs::read_dir(out).map_err(io)?.flatten().map(|entry| entry.path());
    files
        .find(|path| path.file_name().is_some_and(|name| is_it(&name.to_string_lossy())))
        .ok_or_else(|| BuildError::NoWasm { out: out.to_path_buf(), missing: "app-*_bg.wasm" })
}

fn split_into(wasm: &Path, rest: &Path, cold: &[u8]) -> Result<(), BuildError> {
    let split = split::split(&read(wasm)?, &Cold::read(cold))?;
    write(wasm, &split.first)?;
    write(rest, &split.rest)
}

/// Names the page's two files by their content: a browser that keeps one for good must not meet the other of another build.
fn name_page(out: &Path, wasm: &Path, rest: &Path) -> Result<(), BuildError> {
    let mut content = Fingerprint::default();
    content.add("first", &read(wasm)?);
    content.add("rest", &read(rest)?);
    let digest = &content.finish()[..16];
    let (first_name, rest_name) = (format!("app-{digest}_bg.wasm"), format!("app-{digest}_rest.wasm"));
    let before = wasm.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for (from, to) in [(wasm, &first_name), (rest, &rest_name)] {
        fs::rename(from, out.join(to)).map_err(|source| BuildError::Io { path: from.to_path_buf(), source })?;
    }
    let index = out.join("index.html");
    let html = String::from_utf8_lossy(&read(&index)?).replace(&before, &first_name);
    write(&index, without_integrity(&html, &first_name).as_bytes())?;
    write_meta(out, "ottla-rest", &rest_name)
}

/// Trunk wrote the hash of the file as it was before.
fn without_integrity(html: &str, file: &str) -> String {
    let Some(at) = html.find(&format!("{file}\" crossorigin=\"anonymous\" integrity=\"")) else { return html.to_owned() };
    let (before, link) = html.split_at(at);
    match link.split_once(" integrity=\"").and_then(|(name, hash)| Some((name, hash.split_once('"')?.1))) {
        Some((name, after)) => format!("{before}{name}{after}"),
        None => html.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_its_files_by_what_is_in_them() {
        let out = std::env::temp_dir().join(format!("ottla-halves-{}", std::process::id()));
        fs::create_dir_all(&out).unwrap();
        let html = r#"<meta name="ottla-rest" content=""><script>init('./app-1_bg.wasm')</script>
            <link href="./app-1.js" crossorigin="anonymous" integrity="sha384-js"><link href="./app-1_bg.wasm" crossorigin="anonymous" integrity="sha384-x/+" as="fetch">"#;
        for (file, content) in [("index.html", html), ("app-1_bg.wasm", "first"), ("app_rest.wasm", "rest")] {
            fs::write(out.join(file), content).unwrap();
        }
        let wasm = page_wasm(&out).unwrap();
        name_page(&out, &wasm, &out.join("app_rest.wasm")).unwrap();
        let html = fs::read_to_string(out.join("index.html")).unwrap();
        let first = page_wasm(&out).unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let rest = first.replace("_bg", "_rest");
        assert_ne!(first, "app-1_bg.wasm");
        assert!(out.join(&rest).is_file());
        assert!(
            html.contains(&format!("name=\"ottla-rest\" content=\"{rest}\"")) && html.contains(&format!("init('./{first}')")),
            "{html}"
        );
        assert!(
            html.contains(&format!("href=\"./{first}\" crossorigin=\"anonymous\" as=\"fetch\"")) && html.contains("sha384-js"),
            "{html}"
        );
        fs::remove_dir_all(&out).unwrap();
    }
}
