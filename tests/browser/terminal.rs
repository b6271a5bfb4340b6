//! The terminal as people use one: with the keyboard only, with lines pasted into it, with a screen reader.

use crate::PATIENCE;
use crate::chromium::ChromiumError;
use crate::harness::{DESKTOP, Page, in_browser};

/// What WebDriver calls the keys that are no characters; NULL lets go of those that are held.
const KEYS: [(&str, &str); 13] = [
    ("Ctrl", "\u{e009}"),
    ("Alt", "\u{e00a}"),
    ("Shift", "\u{e008}"),
    ("Null", "\u{e000}"),
    ("Enter", "\u{e007}"),
    ("Tab", "\u{e004}"),
    ("Esc", "\u{e00c}"),
    ("Up", "\u{e013}"),
    ("Down", "\u{e015}"),
    ("Left", "\u{e012}"),
    ("Right", "\u{e014}"),
    ("Space", "\u{e00d}"),
    ("Backspace", "\u{e003}"),
];

/// Presses keys one after the other: `Ctrl-R`, `Enter`, or else text to type.
pub async fn press(page: &Page, keys: &[&str]) -> Result<(), ChromiumError> {
    for key in keys {
        let name = |part: &str| KEYS.iter().find(|(name, _)| *name == part).map(|(_, code)| *code);
        let chord: Vec<&str> = key.split('-').collect();
        let typed = match chord.split_last() {
            _ if name(key).is_some() => name(key).unwrap_or_default().to_owned(),
            Some((last, held)) if !held.is_empty() && held.iter().all(|part| name(part).is_some()) => {
                let held: String = held.iter().filter_map(|part| name(part)).collect();
                // Of a capital letter WebDriver would press Shift, too.
                format!("{held}{}\u{e000}", name(last).unwrap_or(&last.to_lowercase()))
            }
            _ => (*key).to_owned(),
        };
        page.tab.active_element().await?.send_keys(&typed).await?;
    }
    Ok(())
}

/// Goes on with Tab until what has the focus says this.
async fn tab_to(page: &Page, text: &str) -> Result<(), ChromiumError> {
    for _ in 0..80 {
        press(page, &["Tab"]).await?;
        let here = page.eval("return document.activeElement.matches('button, a') && document.activeElement.innerText").await?;
        if here.as_str().is_some_and(|here| here.contains(text)) {
            return Ok(());
        }
    }
    panic!("Tab does not come to {text}");
}

pub async fn wait_for(page: &Page, condition: &str) -> Result<(), ChromiumError> {
    page.wait_for(condition, condition, PATIENCE).await
}

pub async fn shows(page: &Page, text: &str) -> Result<(), ChromiumError> {
    wait_for(page, &format!("document.body.innerText.includes({text:?})")).await
}

/// The command line holds this.
async fn line_is(page: &Page, text: &str) -> Result<(), ChromiumError> {
    wait_for(page, &format!("document.querySelector('.prompt textarea')?.value === {text:?}")).await
}

const IDLE: &str =
    "document.querySelector('.prompt textarea')?.placeholder === '' && document.querySelector('.prompt .sigil').innerText.trim() === '$'";
const BUSY: &str = "document.querySelector('.prompt textarea').placeholder !== ''";
const READS: &str = "[...document.querySelectorAll('.prompt button')].some((button) => button.innerText === 'Ctrl-D')";

pub async fn open(page: &Page, query: &str) -> Result<(), ChromiumError> {
    page.open(query).await?;
    wait_for(page, "document.querySelector('[data-engine=ready]')").await
}

#[test]
fn a_lesson_with_the_keyboard_only() {
    in_browser("keyboard", DESKTOP, async |page| {
        open(page, "?lesson=basics/01-topic-and-console").await?;
        press(page, &["t"]).await?;
        wait_for(page, "document.activeElement.matches('.prompt textarea')").await?;
        press(page, &["kafka-to", "Tab"]).await?;
        line_is(page, "kafka-topics.sh ").await?;
        press(page, &["--boot", "Tab"]).await?;
        line_is(page, "kafka-topics.sh --bootstrap-server ").await?;
        press(page, &["kafka-1", "Tab", "--create --topic greetings", "Enter"]).await?;
        shows(page, "Created topic greetings.").await?;
        shows(page, "1 of 4 goals").await?;

        let greetings = "--bootstrap-server kafka-1:9092 --topic greetings ";
        // A word is completed in the middle of a line, too.
        press(page, &["kafka-console-p --bootstrap-server kafka-1:9092", "Ctrl-A", "Alt-f", "Alt-f", "Alt-f", "Tab"]).await?;
        line_is(page, "kafka-console-producer.sh --bootstrap-server kafka-1:9092").await?;
        press(page, &["Ctrl-E", " --topic gr", "Tab"]).await?;
        line_is(page, &format!("kafka-console-producer.sh {greetings}")).await?;
        press(page, &["Enter"]).await?;
        wait_for(page, READS).await?;
        press(page, &["hello", "Enter", "hei", "Enter", "bonjour", "Enter"]).await?;
        shows(page, "2 of 4 goals").await?;

        press(page, &["Alt-Enter"]).await?;
        wait_for(
            page,
            "document.querySelector('.session[aria-pressed=true]').innerText === '2' && document.activeElement.matches('.prompt textarea')",
        )
        .await?;
        press(page, &[&format!("kafka-console-consumer.sh {greetings}--from-beginning"), "Enter"]).await?;
        shows(page, "3 of 4 goals").await?;
        press(page, &["Alt-Up"]).await?;
        wait_for(
            page,
            "document.querySelector('.session[aria-pressed=true]').innerText === '1' && document.activeElement.matches('.prompt textarea')",
        )
        .await?;
        press(page, &["Ctrl-D"]).await?;
        wait_for(page, IDLE).await?;
        press(page, &["Alt-Down"]).await?;
        wait_for(
            page,
            "document.querySelector('.session[aria-pressed=true]').innerText === '2' && document.activeElement.matches('.prompt textarea')",
        )
        .await?;
        wait_for(page, BUSY).await?;
        press(page, &["Ctrl-C"]).await?;
        wait_for(page, IDLE).await?;
        shows(page, "Processed a total of 3 messages").await?;

        press(page, &["echo draft", "Ctrl-R", "from-b"]).await?;
        wait_for(page, "document.querySelector('.prompt .found')?.innerText.startsWith('kafka-console-consumer.sh')").await?;
        page.screenshot("search").await?;
        press(page, &["Ctrl-G"]).await?;
        line_is(page, "echo draft").await?;
        press(page, &["Ctrl-U", "Ctrl-R", "consumer", "Enter"]).await?;
        shows(page, "4 of 4 goals").await?;
        press(page, &["Ctrl-C"]).await?;
        wait_for(page, IDLE).await?;
        press(page, &["Up"]).await?;
        line_is(page, &format!("kafka-console-consumer.sh {greetings}--from-beginning")).await?;
        press(page, &["Ctrl-W", "Ctrl-W", "x", "Ctrl-Y", "Ctrl-U"]).await?;
        line_is(page, "").await?;

        press(page, &["Esc"]).await?;
        for step in ["Write", "Read", "Read it again"] {
            tab_to(page, "Next").await?;
            press(page, &["Enter"]).await?;
            shows(page, step).await?;
        }
        page.screenshot("done").await
    });
}

#[test]
fn lines_pasted_at_once_are_all_entered() {
    in_browser("paste", DESKTOP, async |page| {
        open(page, "?lesson=none").await?;
        press(page, &["t"]).await?;
        wait_for(page, "document.activeElement.matches('.prompt textarea')").await?;
        paste(page, "sleep 2\necho second\necho third | tr a-z A-Z\necho not yet").await?;
        line_is(page, "echo not yet").await?;
        // While the first runs, the others are seen to wait.
        wait_for(page, "document.querySelectorAll('.ahead .line').length === 2").await?;
        page.screenshot("ahead").await?;
        shows(page, "THIRD").await?;
        wait_for(page, IDLE).await?;
        wait_for(page, "document.querySelectorAll('.ahead .line').length === 0").await?;
        press(page, &["Ctrl-U", "kafka-console-producer.sh --bootstrap-server kafka-1:9092 --topic pasted", "Enter"]).await?;
        wait_for(page, READS).await?;
        paste(page, "one\ntwo\nthree\n").await?;
        press(page, &["Ctrl-D"]).await?;
        wait_for(page, IDLE).await?;
        press(
            page,
            &["kafka-console-consumer.sh --bootstrap-server kafka-1:9092 --topic pasted --from-beginning --max-messages 3", "Enter"],
        )
        .await?;
        wait_for(page, IDLE).await?;
        wait_for(page, "['one', 'two', 'three'].every((word) => [...document.querySelectorAll('.terminal .line')].some((line) => line.innerText === word))").await
    });
}

/// Files dropped on the terminal are in its folder, outlive a reload, and can be taken out; a reload goes on with a run that was begun anew.
#[test]
fn a_dropped_file_is_in_the_terminals_folder() {
    in_browser("files", DESKTOP, async |page| {
        open(page, "?lesson=none&fresh").await?;
        drop_file(page, "client.properties", "'acks=all\\nlinger.ms=5\\n'").await?;
        wait_for(page, "document.querySelector('.files')?.innerText.includes('client.properties')").await?;
        press(page, &["t"]).await?;
        wait_for(page, "document.activeElement.matches('.prompt textarea')").await?;
        press(page, &["cat cl", "Tab", "Enter"]).await?;
        shows(page, "linger.ms=5").await?;
        page.screenshot("dropped").await?;
        drop_file(page, "large.bin", "'x'.repeat(2 * 1024 * 1024)").await?;
        shows(page, "large.bin is too large for the terminal's folder: at most 1 MiB").await?;
        let saved = "Number(document.body.innerText.match(/saved to ([0-9.]+) s/)?.[1] ?? 0)";
        let now = page.eval(&format!("return {saved}")).await?;
        wait_for(page, &format!("{saved} > {now} && !location.search.includes('fresh')")).await?;

        page.tab.refresh().await?;
        wait_for(page, "document.querySelector('[data-engine=ready]')").await?;
        shows(page, "cat client.properties").await?;
        press(page, &["t"]).await?;
        wait_for(page, "document.activeElement.matches('.prompt textarea')").await?;
        press(page, &["Ctrl-l", "cat client.properties", "Enter"]).await?;
        shows(page, "linger.ms=5").await?;
        press(page, &["echo kept > more.txt", "Enter", "Esc"]).await?;
        shows(page, "Files 2").await?;
        page.eval("window.taken = []; URL.createObjectURL = ((make) => (blob) => { blob.text().then((text) => window.taken.push(text)); return make.call(URL, blob) })(URL.createObjectURL)").await?;
        page.eval("document.querySelector('.files-open').focus()").await?;
        press(page, &["Enter"]).await?;
        tab_to(page, "client.properties").await?;
        press(page, &["Enter"]).await?;
        wait_for(page, "window.taken[0] === 'acks=all\\nlinger.ms=5\\n'").await?;
        // By its button, which opens the browser's own dialog.
        let input = page.tab.find(fantoccini::Locator::Css(".files input[type=file]")).await?;
        let upload = std::env::temp_dir().join("ottla-uploaded.txt");
        std::fs::write(&upload, "by hand").expect("a temporary file");
        input.send_keys(&upload.to_string_lossy()).await?;
        wait_for(page, "document.querySelector('.files').innerText.includes('ottla-uploaded.txt')").await
    });
}

/// Drops a file on the terminal; `contents` in JavaScript.
async fn drop_file(page: &Page, name: &str, contents: &str) -> Result<(), ChromiumError> {
    let script = format!(
        "const data = new DataTransfer(); data.items.add(new File([{contents}], '{name}')); \
         document.querySelector('.terminal').dispatchEvent(new DragEvent('drop', {{ dataTransfer: data, bubbles: true, cancelable: true }}))"
    );
    page.eval(&script).await?;
    Ok(())
}

async fn paste(page: &Page, text: &str) -> Result<(), ChromiumError> {
    page.devtools("Input.insertText", serde_json::json!({ "text": text })).await?;
    Ok(())
}

#[test]
fn a_line_entered_while_time_stands_still() {
    in_browser("paused", DESKTOP, async |page| {
        open(page, "?lesson=none").await?;
        press(page, &["Space", "t"]).await?;
        wait_for(page, "document.activeElement.matches('.prompt textarea')").await?;
        press(page, &["sleep 1; echo it ran", "Enter"]).await?;
        let note = "document.querySelector('.stands-still')";
        wait_for(
            page,
            &format!(
                "{note} && {note}.getBoundingClientRect().bottom <= document.querySelector('.terminal').getBoundingClientRect().bottom"
            ),
        )
        .await?;
        page.screenshot("note").await?;
        tab_to(page, "Play").await?;
        press(page, &["Enter"]).await?;
        wait_for(page, "[...document.querySelectorAll('.terminal .line')].some((line) => line.innerText === 'it ran')").await
    });
}

#[test]
fn a_screen_reader_hears_each_output_once() {
    in_browser("spoken", DESKTOP, async |page| {
        open(page, "?lesson=none").await?;
        page.eval(
            "window.heard = []; new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) => \
             { if (node.parentElement?.matches('.spoken')) window.heard.push([...node.querySelectorAll('p')].map((line) => line.innerText).join(' ')) }))).observe(document.body, { childList: true, subtree: true })",
        )
        .await?;
        wait_for(page, "document.querySelector('.spoken').ariaLive === 'polite'").await?;
        press(page, &["t"]).await?;
        wait_for(page, "document.activeElement.matches('.prompt textarea')").await?;
        press(page, &["echo hello", "Enter"]).await?;
        wait_for(page, "document.querySelector('.spoken').innerText.trim() === 'hello'").await?;
        press(page, &["seq 1 100", "Enter"]).await?;
        wait_for(page, "document.querySelector('.spoken').innerText.includes('and 92 more lines')").await?;
        press(page, &["echo hello", "Enter"]).await?;
        wait_for(page, "document.querySelector('.spoken').innerText.trim() === 'hello'").await?;
        let heard = page.eval("return window.heard").await?;
        assert_eq!(heard, serde_json::json!(["hello", "1 2 3 4 5 6 7 8 and 92 more lines", "hello"]));
        Ok(())
    });
}
