//! Do the tools of the terminal print what Apache Kafka's print? Plays recordings of real terminals (tests/golden/tools) on simulated clusters.
//!
//! Differences that are known stand in tests/golden-differences.toml with their reasons. One that is not there fails, and so does one that is
//! there and has gone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ottla::playground::replay::{Compared, SEED, play};
use ottla::shell::transcript::diff::unified;
use ottla::shell::transcript::read::Transcript;
use serde::Deserialize;

/// The recordings that are played: all whose names begin so.
const PLAYED: &[&str] = &[
    "topics-",
    "console-",
    "get-offsets",
    "consumer-groups-delete",
    "consumer-groups-describe",
    "consumer-groups-export",
    "consumer-groups-reset",
    "consumer-groups-two-members",
    "consumer-groups-unknown",
    "delete-records",
    "bootstrap-wrong",
    "dump-log.txt",
    "cluster-tools",
    "metadata-quorum",
    "leader-election",
    "log-dirs",
    "reassign-broker-down",
    "reassign-errors",
    "reassign.txt",
    "dump-log",
    "perf-tests",
    "storage",
    "verifiable",
];

/// tests/golden-differences.toml
#[derive(Deserialize)]
struct Known {
    difference: Vec<Difference>,
}

/// A command that prints something else than the real one, for now.
#[derive(Deserialize)]
struct Difference {
    /// The recording.
    file: String,
    /// The command's line in it.
    line: usize,
    reason: String,
}

#[test]
fn tools_print_what_kafkas_print() {
    let known: Known = toml::from_str(&read("tests/golden-differences.toml")).expect("tests/golden-differences.toml");
    let mut reasons: BTreeMap<(String, usize), String> = BTreeMap::new();
    for Difference { file, line, reason } in known.difference {
        assert!(!reason.is_empty(), "{file}:{line} has no reason");
        assert!(reasons.insert((file.clone(), line), reason).is_none(), "{file}:{line} is listed twice");
    }
    let (mut equal, mut all, mut wrong) = (0, 0, String::new());
    for file in recordings() {
        for command in replay(&file) {
            all += 1;
            let reason = reasons.remove(&(file.clone(), command.line));
            match (command.is_equal(), reason) {
                (true, None) => equal += 1,
                (false, Some(_)) => {}
                (true, Some(reason)) => wrong += &format!("{file}:{} agrees again; take it off the list ({reason})\n\n", command.line),
                (false, None) => {
                    wrong += &format!("{file}:{}: {}\n{}\n", command.line, command.command, unified(&command.expected, &command.printed));
                }
            }
        }
    }
    for ((file, line), reason) in reasons {
        wrong += &format!("{file}:{line} is no command of a recording that is played ({reason})\n");
    }
    println!("commands equal: {equal} of {all}");
    assert!(wrong.is_empty(), "seed {SEED}\n{wrong}\ncommands equal: {equal} of {all}");
}

fn replay(file: &str) -> Vec<Compared> {
    let transcript = Transcript::read(&read(&format!("tests/golden/tools/{file}"))).unwrap_or_else(|error| panic!("{file}: {error}"));
    play(&transcript, SEED).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn recordings() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tools");
    let names = std::fs::read_dir(folder).expect("tests/golden/tools").map(|entry| entry.expect("an entry").file_name());
    let names = names.filter_map(|name| name.into_string().ok());
    let mut names: Vec<String> = names.filter(|name| PLAYED.iter().any(|start| name.starts_with(start))).collect();
    names.sort();
    names
}

fn read(path: &str) -> String {
    std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
