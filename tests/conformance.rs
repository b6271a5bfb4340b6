//! Do the tools of the terminal print what Apache Kafka's print, and do clusters go the same way? Plays recordings of real terminals
//! (tests/golden, or the folder that OTTLA_GOLDEN names, any part of which may be missing) on simulated clusters.
//!
//! Differences that are known stand in tests/golden-differences.toml with their reasons. One that is not there fails, and so does one that is
//! there and has gone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ottla::playground::replay::{Compared, SEED, play};
use ottla::shell::transcript::diff::unified;
use ottla::shell::transcript::read::Transcript;
use serde::Deserialize;

/// The folders of recordings.
const FOLDERS: [&str; 3] = ["tools", "scenarios", "beyond"];

/// tests/golden-differences.toml
#[derive(Deserialize)]
struct Known {
    difference: Vec<Difference>,
}

/// A command that prints something else than the real one, for now.
#[derive(Clone, Deserialize)]
struct Difference {
    /// The recording: `tools/acls.txt`.
    file: String,
    /// The command's line in it. Without: whatever in this recording differs, and something must.
    line: Option<usize>,
    /// The command, so that it is found in another version of the recording too.
    command: Option<String>,
    reason: String,
}

#[derive(Default)]
struct Count {
    equal: usize,
    all: usize,
}

#[test]
fn what_is_printed_is_what_kafka_prints() {
    let elsewhere = std::env::var_os("OTTLA_GOLDEN").map(PathBuf::from);
    let golden = elsewhere.clone().unwrap_or_else(|| project().join("tests/golden"));
    let known: Known = toml::from_str(&read(&project().join("tests/golden-differences.toml"))).expect("tests/golden-differences.toml");
    let mut known = Ledger::new(known.difference, elsewhere.is_some());
    let (mut counts, mut wrong): (BTreeMap<&str, Count>, String) = Default::default();
    for (folder, file, commands) in played(&golden) {
        let count = counts.entry(folder).or_default();
        for command in commands {
            count.all += 1;
            count.equal += usize::from(command.is_equal());
            wrong += &known.judge(&file, &command).unwrap_or_default();
        }
    }
    let mut table = String::new();
    for (folder, Count { equal, all }) in &counts {
        table += &format!("{folder:<12} {equal:>5} of {all:>5}  {:>5.1} %\n", 100.0 * *equal as f64 / (*all).max(1) as f64);
    }
    let (equal, all) = counts.values().fold((0, 0), |(equal, all), count| (equal + count.equal, all + count.all));
    table += &format!("commands equal: {equal} of {all}");
    println!("{table}");
    wrong += &known.unused();
    assert!(wrong.is_empty(), "seed {SEED}\n{wrong}\n{table}");
}

/// What is known to differ, and how often it was met.
struct Ledger {
    entries: Vec<(Difference, usize)>,
    /// The recordings are of another version: lines are somewhere else, and what is listed may agree or be missing.
    elsewhere: bool,
}

impl Ledger {
    fn new(entries: Vec<Difference>, elsewhere: bool) -> Ledger {
        for entry in &entries {
            assert!(!entry.reason.is_empty(), "{}:{:?} has no reason", entry.file, entry.line);
        }
        Ledger { entries: entries.into_iter().map(|entry| (entry, 0)).collect(), elsewhere }
    }

    /// What is wrong with it that a command came out so, if anything is.
    fn judge(&mut self, file: &str, command: &Compared) -> Option<String> {
        let elsewhere = self.elsewhere;
        let at = |entry: &Difference| match (elsewhere, entry.line) {
            (false, Some(line)) => line == command.line,
            (true, Some(_)) => entry.command.as_ref() == Some(&command.command),
            (_, None) => true,
        };
        let listed =
            self.entries.iter_mut().filter(|(entry, _)| entry.file == file && at(entry)).min_by_key(|(entry, _)| entry.line.is_none());
        match (listed, command.is_equal()) {
            (Some((entry, met)), false) => {
                *met += 1;
                let named = entry.command.as_ref().is_none_or(|name| *name == command.command);
                (!named).then(|| format!("{file}:{} is listed as another command: `{}`\n\n", command.line, command.command))
            }
            (Some((entry, _)), true) if entry.line.is_some() && !elsewhere => {
                Some(format!("{file}:{} agrees again; take it off the list ({})\n\n", command.line, entry.reason))
            }
            (_, true) => None,
            (None, false) => {
                Some(format!("{file}:{}: {}\n{}\n", command.line, command.command, unified(&command.expected, &command.printed)))
            }
        }
    }

    /// The entries that nothing was like.
    fn unused(&self) -> String {
        let unused = self.entries.iter().filter(|(_, met)| *met == 0 && !self.elsewhere);
        unused.map(|(entry, _)| format!("{}:{:?} does not differ ({})\n", entry.file, entry.line, entry.reason)).collect()
    }
}

/// Every recording with its folder and its commands, in order.
fn played(golden: &Path) -> Vec<(&'static str, String, Vec<Compared>)> {
    let mut files: Vec<(&'static str, String)> = Vec::new();
    for folder in FOLDERS {
        let entries = std::fs::read_dir(golden.join(folder)).into_iter().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.retain(|name| name.ends_with(".txt"));
        names.sort();
        files.extend(names.into_iter().map(|name| (folder, format!("{folder}/{name}"))));
    }
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        while let Some((_, file)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let transcript = Transcript::read(&read(&golden.join(file))).unwrap_or_else(|error| panic!("{file}: {error}"));
            let commands = play(&transcript, SEED);
            done.lock().expect("no other has panicked").insert(file.clone(), commands);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut done = done.into_inner().expect("none has panicked");
    let commands = |(folder, file): (&'static str, String)| {
        let commands = done.remove(&file).unwrap_or_default();
        (folder, file, commands)
    };
    files.into_iter().map(commands).collect()
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
