//! `help`: what there is in this terminal.

use super::{file, program, text};
use crate::shell::run::builtin;

/// Kafka's tools that are here.
pub const KAFKA: &[&str] =
    &["kafka-console-consumer", "kafka-console-producer", "kafka-consumer-groups", "kafka-get-offsets", "kafka-topics"];

/// The lines of `help`.
pub fn text() -> Vec<String> {
    let mut lines = vec!["Kafka's tools, with or without .sh; --help after a name lists its options:".to_owned()];
    let mut names: Vec<&str> = KAFKA.iter().chain(program::NAMES).copied().collect();
    names.sort_unstable();
    lines.extend(names.iter().map(|name| format!("  {name}")));
    lines.push("Beside them kcat (-h) and kaf (--help).".into());
    lines.push("Brokers are kafka-1:9092, kafka-2:9092 and so on; localhost:9092 is the first one's port, published on this host.".into());
    lines.push("Hosts and links:".into());
    for (line, meaning) in [
        ("kill -9 kafka-1", "end it at once (kill: let it end in order; kill -STOP, -CONT: freeze, thaw)"),
        ("systemctl stop kafka-1", "let it end in order (also start, restart, status, is-active, list-units)"),
        ("start kafka-1", "start what was killed, stopped or powered off"),
        ("poweroff kafka-1", "pull the plug: what was not flushed is lost"),
        ("cut kafka-1 kafka-2", "drop all packets between two hosts (client is this one)"),
        ("cut kafka-1 kafka-2 --one-way", "only what kafka-1 sends to kafka-2"),
        ("heal", "mend all links"),
        ("disk break kafka-1 /disk/b", "break the disk below a log directory (alone: all of it; mend: it works again)"),
        ("disk fill kafka-1", "fill the disk: nothing more can be written (free: make room)"),
        ("ping kafka-1", "is it there? (nc -z kafka-1 9092: is its port open?)"),
        ("ssh kafka-1 iptables -A INPUT -s kafka-2 -j DROP", "as cut, on the machine itself (-D, -F, -L)"),
        ("ssh kafka-1 tc qdisc add dev eth0 root netem delay 100ms loss 1%", "slow what leaves it (tc qdisc del dev eth0 root)"),
        ("ssh kafka-1 ls -l", "run text tools on its files; ssh kafka-1 alone reads commands until exit"),
    ] {
        lines.push(format!("  {line:<24}{meaning}"));
    }
    lines.push(format!("Text and files: {} {}", text::NAMES.join(" "), file::NAMES.join(" ")));
    lines.push(format!("The shell is bash's language, with {}", builtin::NAMES.join(" ")));
    lines.push("Keys: Tab completes, Ctrl-C interrupts, Ctrl-D ends what you type into a program.".into());
    lines
}
