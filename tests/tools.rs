//! Tools that are not Kafka's own, and what this terminal adds to a real one, played as a person types them: the expected output of kaf is
//! written by hand from its sources and Sarama's (there is no recording of them).

use ottla::playground::replay::{SEED, play};
use ottla::shell::transcript::diff::unified;
use ottla::shell::transcript::read::Transcript;

fn check(file: &str) {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let transcript = Transcript::read(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let differing = play(&transcript, SEED).into_iter().filter(|command| !command.is_equal());
    let wrong: String = differing
        .map(|command| format!("{file}:{}: {}\n{}\n", command.line, command.command, unified(&command.expected, &command.printed)))
        .collect();
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn kaf_in_pipes() {
    check("tests/tools/kaf.txt");
}

#[test]
fn localhost_is_the_first_broker() {
    check("tests/tools/localhost.txt");
}

/// The real one's player waits for a broker that starts, so that there is no recording: the real broker was seen to end.
#[test]
fn a_broker_that_nobody_registers_gives_up() {
    check("tests/tools/nobody-registers-it.txt");
}

/// `disk` is no tool of a real machine; what Kafka's tools say then was not recorded, since no disk of the recordings fails.
#[test]
fn disks_that_fail_and_fill() {
    check("tests/tools/disks.txt");
}
