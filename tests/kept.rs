//! Does a run outlive its tab, in a real browser? Each test has a headless Chromium of its own; see tests/browser.rs.
#![cfg(not(target_arch = "wasm32"))]

#[path = "../src/bin/ottla/chromium.rs"]
#[allow(dead_code)] // What the other browser tests use of it.
mod chromium;
#[path = "browser/harness.rs"]
#[allow(dead_code)]
mod harness;

use std::time::Duration;

use chromium::ChromiumError;
use harness::{DESKTOP, Page, in_browser};
use serde_json::json;

/// More than a page ever takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const READY: &str = "document.querySelector('[data-engine=ready]')";
/// A cluster without a lesson, and where it is stored.
const BARE: &str = "?lesson=none";
const BARE_NAME: &str = "ottla cluster 1";

#[test]
fn nothing_that_was_shown_as_saved_is_lost_when_the_tab_is_killed() {
    in_browser("kept", DESKTOP, async |page| {
        let mut saved_s = 0.0;
        for kill in 0..20_u64 {
            page.open("?lesson=basics/01-topic-and-console").await?;
            page.wait_for("the run", &format!("{READY} && {CLOCK_S} > 0"), PATIENCE).await?;
            let clock_s = number(page, CLOCK_S).await?;
            assert!(clock_s + 0.05 >= saved_s, "kill {kill}: saved to {saved_s} s, and found again at {clock_s} s");
            page.wait_for("something saved", &format!("{SAVED_S} > {saved_s}"), PATIENCE).await?;
            // The moment of the kill is what is tested, so it is anywhere between two cuts.
            tokio::time::sleep(Duration::from_millis(kill * 137 % 600)).await;
            saved_s = number(page, SAVED_S).await?;
            page.kill_and_start_again().await?;
        }
        Ok(())
    });
}

#[test]
fn what_an_unknown_version_has_stored_is_not_touched_unasked() {
    in_browser("strange", DESKTOP, async |page| {
        page.open("").await?;
        page.wait_for("the page", READY, PATIENCE).await?;
        let store = format!(
            "window.stored = false; const open = indexedDB.open('{BARE_NAME}', 99); \
             open.onupgradeneeded = () => open.result.createObjectStore('later').put('precious', 1); \
             open.onsuccess = () => {{ open.result.close(); window.stored = true }}"
        );
        page.eval(&store).await?;
        page.wait_for("a run of a later version", "window.stored", PATIENCE).await?;
        page.open(BARE).await?;
        page.wait_for("the choice", "document.querySelector('[data-engine=choosing]')", PATIENCE).await?;
        page.screenshot("choice").await?;
        page.eval("document.querySelector('button.choice').click()").await?;
        page.wait_for("a run from memory", READY, PATIENCE).await?;
        let read = format!(
            "const open = indexedDB.open('{BARE_NAME}'); open.onsuccess = () => {{ \
             const get = open.result.transaction('later').objectStore('later').get(1); \
             get.onsuccess = () => {{ window.found = open.result.version + ' ' + get.result }} }}"
        );
        page.eval(&read).await?;
        page.wait_for("what was stored", "window.found === '99 precious'", PATIENCE).await
    });
}

#[test]
fn only_one_tab_writes_a_cluster() {
    in_browser("tabs", DESKTOP, async |page| {
        page.open("").await?;
        page.wait_for("the page", READY, PATIENCE).await?;
        let other_tab = format!(
            "navigator.locks.request('{BARE_NAME}', () => new Promise(() => {{}})); \
             const frame = document.createElement('iframe'); frame.src = '{BARE}'; document.body.append(frame)"
        );
        page.eval(&other_tab).await?;
        let said = "document.querySelector('iframe').contentDocument?.body?.innerText.includes('open in another tab')";
        page.wait_for("the word about the other tab", said, PATIENCE).await
    });
}

#[test]
fn without_indexeddb_everything_works_from_memory() {
    in_browser("refused", DESKTOP, async |page| {
        // gloo starts the engine from a Blob; this one cannot use IndexedDB, as in a sandboxed frame.
        let refused = "Object.defineProperty(self, 'indexedDB', { get() { throw new DOMException('', 'SecurityError') } });";
        let source =
            format!("const Plain = Blob; Blob = function (parts, options) {{ return new Plain([`{refused}`, ...parts], options) }}");
        page.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await?;
        page.open(BARE).await?;
        page.wait_for("the word about storage", "document.body.innerText.includes('Nothing is kept when this tab is closed')", PATIENCE)
            .await?;
        page.wait_for("a clock that runs", &format!("{CLOCK_S} > 1"), PATIENCE).await
    });
}

#[test]
fn a_full_browser_is_said_and_what_was_saved_stays() {
    in_browser("full", DESKTOP, async |page| {
        page.open("?lesson=replication/01-kill-a-node").await?;
        page.wait_for("something saved", &format!("{SAVED_S} > 0"), PATIENCE).await?;
        let origin = page.eval("return location.origin").await?;
        page.devtools("Storage.overrideQuotaForOrigin", json!({ "origin": origin, "quotaSize": 1_000 })).await?;
        let full = "document.querySelector('.pill-saved').innerText.includes('full, saved to')";
        page.wait_for("the word about it", full, SPACE_IS_REMEMBERED + PATIENCE).await?;
        let clock_s = number(page, CLOCK_S).await?;
        page.wait_for("a clock that runs on", &format!("{CLOCK_S} > {clock_s} + 1"), PATIENCE).await?;
        // Room again: saving goes on by itself, and what came meanwhile is saved too.
        page.devtools("Storage.overrideQuotaForOrigin", json!({ "origin": origin })).await?;
        let clock_s = number(page, CLOCK_S).await?;
        page.wait_for("saving that goes on", &format!("{SAVED_S} > {clock_s}"), PATIENCE).await?;
        page.kill_and_start_again().await?;
        page.open("?lesson=replication/01-kill-a-node").await?;
        page.wait_for("the run", &format!("{READY} && {CLOCK_S} > {clock_s}"), PATIENCE).await
    });
}

/// For so long after it asked, Chromium takes the room it was told for what is left: `BucketContext::kBucketSpaceCacheTimeLimit`.
const SPACE_IS_REMEMBERED: Duration = Duration::from_secs(30);

/// Seconds on the clock of the page: `00:05.508`.
const CLOCK_S: &str = "(() => { const t = document.querySelector('.time-bar').innerText.match(/(−?)(\\d+):(\\d+)\\.(\\d+)/); \
    return t && !t[1] ? t[2] * 60 + +t[3] + t[4] / 1000 : -1 })()";
/// Up to where the page says that the run is saved.
const SAVED_S: &str = "+(document.querySelector('.pill-saved')?.innerText.match(/saved to ([\\d.]+) s/)?.[1] ?? -1)";

async fn number(page: &Page, expression: &str) -> Result<f64, ChromiumError> {
    Ok(page.eval(&format!("return {expression}")).await?.as_f64().unwrap_or(f64::NAN))
}
