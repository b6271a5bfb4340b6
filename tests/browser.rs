//! Does the page work in a real browser? Each test opens it in a headless Chromium of its own.
//!
//! `cargo test --test browser` builds the page first if it has to. OTTLA_DIST=DIR takes the page from a folder instead.
#![cfg(not(target_arch = "wasm32"))]

#[path = "../src/bin/ottla/chromium.rs"]
mod chromium;
#[path = "browser/halves.rs"]
mod halves;
#[path = "browser/harness.rs"]
mod harness;
#[path = "browser/stage.rs"]
mod stage;
#[path = "browser/terminal.rs"]
mod terminal;

use std::time::Duration;

use harness::{DESKTOP, PHONE, in_browser};

/// More than a page ever takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn the_worker_answers_the_page() {
    in_browser("worker", DESKTOP, async |page| {
        page.open("").await?;
        page.wait_for("the worker's answer", "document.querySelector('[data-engine=ready]')", PATIENCE).await?;
        page.screenshot("ready").await?;
        let errors: Vec<String> = page.console().await?.into_iter().filter(|line| line.starts_with("SEVERE")).collect();
        assert!(errors.is_empty(), "the page's console says: {errors:#?}");
        Ok(())
    });
}

#[test]
fn one_seed_is_one_run_in_the_tab_too() {
    in_browser("digest", DESKTOP, async |page| {
        page.open("?bench").await?;
        page.wait_for("what was measured", "document.documentElement.dataset.bench", 6 * PATIENCE).await?;
        let digest = page.eval("return JSON.parse(document.documentElement.dataset.bench).digest").await?;
        let native = ottla::playground::proof::digest_of_standard_run().expect("the standard run");
        assert_eq!(digest, format!("{native:032x}"));
        Ok(())
    });
}

#[test]
fn a_panic_of_the_worker_is_said() {
    in_browser("panic", DESKTOP, async |page| {
        let source = "const Plain = Worker; Worker = class extends Plain { constructor(...args) { super(...args); window.engine = this } }";
        page.devtools("Page.addScriptToEvaluateOnNewDocument", serde_json::json!({ "source": source })).await?;
        page.open("").await?;
        page.wait_for("the worker's answer", "document.querySelector('[data-engine=ready]')", PATIENCE).await?;
        page.wait_for("something saved", "/saved to [0-9.]+ s/.test(document.body.innerText)", PATIENCE).await?;
        // No message of ours: a bug, as far as the worker can tell.
        page.eval("window.engine.postMessage(new Uint8Array([255, 255, 255, 255]))").await?;
        page.wait_for("the word about it", "document.querySelector('[data-engine=failed] pre.said')", PATIENCE).await?;
        page.screenshot("failed").await?;
        page.eval("window.saved = []; URL.createObjectURL = ((make) => (blob) => { blob.text().then((text) => window.saved.push(text)); return make.call(URL, blob) })(URL.createObjectURL)").await?;
        page.eval(
            "[...document.querySelectorAll('dialog button')].find((button) => button.innerText.startsWith('Save the stored run')).click()",
        )
        .await?;
        page.wait_for(
            "the stored run",
            "window.saved.some((text) => text.startsWith('{') && JSON.parse(text).format === 'ottla-run-1')",
            PATIENCE,
        )
        .await
    });
}

#[test]
fn the_page_fits_every_screen_in_both_themes() {
    in_browser("fits", DESKTOP, async |page| {
        for (width, height) in [DESKTOP, PHONE] {
            for theme in ["light", "dark"] {
                page.resize(width, height).await?;
                page.color_scheme(theme).await?;
                page.open("").await?;
                page.wait_for("the worker's answer", "document.querySelector('[data-engine=ready]')", PATIENCE).await?;
                page.screenshot(&format!("{width}x{height}-{theme}")).await?;
                let overflow = page.eval("return document.documentElement.scrollWidth - window.innerWidth").await?;
                assert!(overflow.as_i64().is_some_and(|pixels| pixels <= 0), "{width}x{height} {theme}: {overflow} pixels too wide");
            }
        }
        Ok(())
    });
}

#[test]
fn storage_outlives_a_killed_browser() {
    in_browser("killed", DESKTOP, async |page| {
        page.open("").await?;
        let written = "new Promise((done) => { const open = indexedDB.open('probe'); \
            open.onupgradeneeded = () => open.result.createObjectStore('facts'); \
            open.onsuccess = () => { const put = open.result.transaction('facts', 'readwrite', { durability: 'strict' }); \
            put.objectStore('facts').put('kept', 'key'); put.oncomplete = () => done(true); } })";
        page.eval(&format!("window.written = false; {written}.then(() => {{ window.written = true }})")).await?;
        page.wait_for("the write", "window.written", PATIENCE).await?;
        page.kill_and_start_again().await?;
        page.open("").await?;
        let read = "new Promise((done) => { const open = indexedDB.open('probe'); open.onsuccess = () => { \
            const get = open.result.transaction('facts').objectStore('facts').get('key'); get.onsuccess = () => done(get.result); } })";
        page.eval(&format!("{read}.then((value) => {{ window.found = value }})")).await?;
        page.wait_for("what was written", "window.found === 'kept'", PATIENCE).await
    });
}

/// What a learner does in `replication/01-kill-a-node`, at ten times real time, with a reload in the middle; the goals are reached because the
/// cluster did what they say.
#[test]
fn a_learner_kills_a_node_reloads_and_reaches_every_goal() {
    in_browser("kill-a-node", DESKTOP, async |page| {
        open_at_ten_times(page).await?;
        type_lines(page, &["kafka-topics.sh --bootstrap-server kafka-1:9092 --describe --topic orders"]).await?;
        let described = "document.body.innerText.includes('ReplicationFactor: 3')";
        page.wait_for("what kafka-topics prints", described, PATIENCE).await?;
        page.wait_for("the first goal", "document.body.innerText.includes('1 of 5 goals')", PATIENCE).await?;
        type_lines(page, &["sleep 5", "kill -9 kafka-1"]).await?;
        page.wait_for("a dead broker", "document.body.innerText.includes('2/3 brokers')", PATIENCE).await?;
        page.wait_for("reading that is back", "document.body.innerText.includes('3 of 5 goals')", PATIENCE).await?;
        page.screenshot("killed").await?;
        let saved = "Number(document.body.innerText.match(/saved to ([0-9.]+) s/)?.[1] ?? 0)";
        let now = page.eval(&format!("return {saved}")).await?.as_f64().unwrap_or(0.0);
        page.wait_for("what the learner has seen to be saved", &format!("{saved} > {now}"), PATIENCE).await?;

        open_at_ten_times(page).await?;
        page.wait_for("the goals from before", "document.body.innerText.includes('3 of 5 goals')", PATIENCE).await?;
        page.wait_for("the broker that is still dead", "document.body.innerText.includes('2/3 brokers')", PATIENCE).await?;
        page.wait_for("the terminal from before", described, PATIENCE).await?;
        type_lines(page, &["start kafka-1", "sleep 30"]).await?;
        page.wait_for("every goal", "document.body.innerText.includes('5 of 5 goals')", PATIENCE * 3).await?;
        page.wait_for("three brokers again", "document.body.innerText.includes('3/3 brokers')", PATIENCE).await?;
        page.screenshot("done").await
    });
}

async fn open_at_ten_times(page: &mut harness::Page) -> Result<(), chromium::ChromiumError> {
    page.open("?lesson=replication/01-kill-a-node").await?;
    page.wait_for("the worker's answer", "document.querySelector('[data-engine=ready]')", PATIENCE).await?;
    page.wait_for("orders that are read", "/read [1-9]/.test(document.body.innerText)", PATIENCE).await?;
    for _ in 0..4 {
        page.eval("document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '+', bubbles: true }))").await?;
    }
    Ok(())
}

/// Types lines at the prompt, each once the one before is done.
async fn type_lines(page: &mut harness::Page, lines: &[&str]) -> Result<(), chromium::ChromiumError> {
    for line in lines {
        page.wait_for("a prompt", "document.querySelector('.prompt textarea')?.placeholder === ''", PATIENCE).await?;
        let script = format!(
            "const area = document.querySelector('.prompt textarea'); area.focus(); area.value = '{line}\\n'; \
             area.dispatchEvent(new InputEvent('input', {{ bubbles: true }}))"
        );
        page.eval(&script).await?;
        page.wait_for("the line", &format!("document.body.innerText.includes('{line}')"), PATIENCE).await?;
    }
    Ok(())
}
