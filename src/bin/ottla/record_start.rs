//! `ottla record-start`: which functions of the page's wasm a start calls.
//!
//! Builds the page in one piece, lets every function leave a mark when it is called ([`crate::split::record`]), opens every lesson in a
//! headless Chromium, and writes down what left none: `src/bin/ottla/split/*.cold`, by which `ottla build` splits.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;

use crate::build::{self, BuildArgs, read, write};
use crate::chromium::{Chromium, ChromiumError, Profile};
use crate::halves::{COLD, page_wasm};
use crate::project::Project;
use crate::serve;
use crate::split::cold::Cold;
use crate::split::record::{Recorder, recorder};

#[derive(Debug, Clone, clap::Args)]
pub struct RecordStartArgs {
    /// How long each lesson runs after its cluster does, milliseconds
    #[arg(long, default_value_t = 1_500, value_name = "MS")]
    pub for_ms: u64,
    /// How often the lessons are opened while the machine is busy: what comes in another order then calls other functions
    #[arg(long, default_value_t = 4, value_name = "N")]
    pub busy: u32,
    /// Print the names of functions that may wait no longer
    #[arg(long)]
    pub names: bool,
}

/// How long a start may take: the marks make everything slower.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn run(args: &RecordStartArgs) -> Result<(), Box<dyn std::error::Error>> {
    let project = Project::find()?;
    let out = project.target.join("page").join("recorded");
    // Of a recording that did not come to its end.
    let _ = fs::remove_dir_all(&out);
    let out = build::build(&project, &BuildArgs { out: Some(out), whole: true, force: true, ..BuildArgs::default() })?;
    let halves = [half(&out, &page_wasm(&out)?)?, half(&out, &out.join("engine_bg.wasm"))?];
    let called = tokio::runtime::Runtime::new()?.block_on(drive(&out, &lessons(&out)?, &halves, args))?;
    // With marks in it, this is no page for anybody.
    fs::remove_dir_all(&out)?;
    for (((name, before), half), called) in COLD.iter().zip(&halves).zip(called) {
        let before = Cold::read(before);
        for function in called.iter().map(|n| &half.names[*n]).filter(|function| args.names && before.holds(function)) {
            println!("{name}: {function}");
        }
        let all = half.names.iter().enumerate().map(|(n, function)| (function.as_str(), called.contains(&n)));
        let cold = Cold::recorded(all);
        let file = project.root.join("src/bin/ottla/split").join(format!("{name}.cold"));
        write(&file, &cold.bytes())?;
        println!(
            "{name}: {} of {} functions were called; {} names may wait: {}",
            called.len(),
            half.names.len(),
            cold.len(),
            file.display()
        );
    }
    Ok(())
}

/// Puts the recording module in the place of the original, and makes its memory known to us.
fn half(out: &Path, wasm: &Path) -> Result<Recorder, Box<dyn std::error::Error>> {
    let recorder = recorder(&read(wasm)?)?;
    write(wasm, &recorder.wasm)?;
    let script = PathBuf::from(wasm.to_string_lossy().replace("_bg.wasm", ".js"));
    let text = String::from_utf8(read(&script)?)?;
    let begins = "wasm = instance.exports;";
    let tells = format!(
        "{begins}
        const marks = () => Array.from(new Uint8Array(wasm.memory.buffer, {}, {})).flatMap((mark, n) => (mark ? [n] : []));
        if (globalThis.document) globalThis.ottlaMarks = marks;
        else {{ const line = new BroadcastChannel('ottla-marks'); line.onmessage = () => line.postMessage(marks()); }}",
        recorder.at,
        recorder.names.len()
    );
    if !text.contains(begins) {
        return Err(format!("{} of {} is not written as expected", script.display(), out.display()).into());
    }
    write(&script, text.replacen(begins, &tells, 1).as_bytes())?;
    let index = out.join("index.html");
    let html = String::from_utf8(read(&index)?)?;
    let unchecked: Vec<&str> = html
        .split(" integrity=\"")
        .enumerate()
        .map(|(n, part)| if n == 0 { part } else { part.split_once('"').map_or("", |(_, after)| after) })
        .collect();
    write(&index, unchecked.concat().as_bytes())?;
    Ok(recorder)
}

/// The names of all lessons, as the page's address takes them.
fn lessons(out: &Path) -> Result<Vec<String>, std::io::Error> {
    let mut found = Vec::new();
    for track in fs::read_dir(out.join("lessons"))?.flatten().filter(|entry| entry.path().is_dir()) {
        for lesson in fs::read_dir(track.path())?.flatten() {
            let name = lesson.file_name().to_string_lossy().into_owned();
            found.extend(name.strip_suffix(".bin").map(|name| format!("{}/{name}", track.file_name().to_string_lossy())));
        }
    }
    found.sort();
    Ok(found)
}

/// The functions of each half that were called in any of the starts.
async fn drive(
    out: &Path,
    lessons: &[String],
    halves: &[Recorder; 2],
    args: &RecordStartArgs,
) -> Result<[BTreeSet<usize>; 2], Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let router = serve::router(out);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut called = [BTreeSet::new(), BTreeSet::new()];
    let lessons = lessons.iter().map(|lesson| format!("?lesson={lesson}"));
    let starts: Vec<String> = [String::new(), "?lesson=none".to_owned()].into_iter().chain(lessons).collect();
    for round in 0..=args.busy {
        // The first round is the one that gets far.
        let _load = (round > 0).then(Load::begin);
        for start in &starts {
            let profile = Profile::fresh()?;
            let marks = marks(profile.clone(), &format!("{url}{start}"), args.for_ms).await;
            profile.remove();
            for ((called, marks), half) in called.iter_mut().zip(marks?).zip(halves) {
                called.extend(marks.into_iter().filter(|mark| *mark < half.names.len()));
            }
            println!("{start}: {} and {} functions so far", called[0].len(), called[1].len());
        }
    }
    Ok(called)
}

/// Keeps the machine busy until dropped, as other tabs do: three threads for each core.
struct Load(Arc<AtomicBool>);

impl Load {
    fn begin() -> Self {
        let is_wanted = Arc::new(AtomicBool::new(true));
        for _ in 0..3 * std::thread::available_parallelism().map_or(1, NonZero::get) {
            let is_wanted = is_wanted.clone();
            std::thread::spawn(move || {
                while is_wanted.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self(is_wanted)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

async fn marks(profile: Profile, url: &str, for_ms: u64) -> Result<[Vec<usize>; 2], ChromiumError> {
    let chromium = Chromium::start(profile, 1440, 900).await?;
    chromium.tab.goto(url).await?;
    chromium.wait_for("a running cluster", "performance.getEntriesByName('ottla-ready').length", PATIENCE).await?;
    tokio::time::sleep(Duration::from_millis(for_ms)).await;
    let ask = "globalThis.ottlaLine = new BroadcastChannel('ottla-marks');
        ottlaLine.onmessage = (event) => { globalThis.ottlaEngineMarks = event.data; };
        ottlaLine.postMessage('which?');";
    chromium.eval(ask).await?;
    chromium.wait_for("the engine's marks", "globalThis.ottlaEngineMarks", PATIENCE).await?;
    let both = chromium.eval("return [ottlaMarks(), ottlaEngineMarks]").await?;
    let list = |value: &Value| value.as_array().into_iter().flatten().filter_map(|n| Some(n.as_u64()? as usize)).collect();
    Ok([list(&both[0]), list(&both[1])])
}
