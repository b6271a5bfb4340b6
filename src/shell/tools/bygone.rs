//! Tools of older times: each says in one line since when it is gone and what does its work now, and then that does it.
//! (Typed into a real terminal of Kafka 4.3 they are `command not found`.)

use super::hosts::Done;
use super::program::Program;
use super::{Context, Start, Tool, copying, tool_of_class};
use crate::kafka::actor::{Input, Outbox};
use crate::kafka::names::{BROKER_PORT, node_on};
use crate::sim::rng::Rng;
use crate::sim::time::Time;

/// The tools that are gone.
pub const NAMES: &[&str] =
    &["kafka-mirror-maker", "kafka-preferred-replica-election", "kafka-replay-log-producer", "kafka-simple-consumer-shell"];

/// Options that are gone from tools that are not: since when, and what does it now. The versions, and those of the tools, are the first ones in
/// whose sources they are missing (of 1.1, 2.0, 2.8, 3.0, 3.9 and what became 4.0), as docs/upgrade.html has them too.
const OPTIONS: &[(&str, &str, &str, &str)] = &[
    ("kafka-topics", "--zookeeper", "3.0", "--bootstrap-server"),
    ("kafka-configs", "--zookeeper", "4.0", "--bootstrap-server"),
    ("kafka-console-consumer", "--zookeeper", "2.0", "--bootstrap-server"),
    ("kafka-consumer-groups", "--zookeeper", "2.0", "--bootstrap-server"),
    ("kafka-consumer-perf-test", "--zookeeper", "2.0", "--bootstrap-server"),
    ("kafka-reassign-partitions", "--zookeeper", "3.0", "--bootstrap-server"),
    ("kafka-acls", "--authorizer-properties", "4.0", "--bootstrap-server"),
    ("kafka-console-producer", "--broker-list", "4.0", "--bootstrap-server"),
    ("kafka-get-offsets", "--broker-list", "4.0", "--bootstrap-server"),
    ("kafka-consumer-perf-test", "--broker-list", "4.0", "--bootstrap-server"),
    ("kafka-verifiable-producer", "--broker-list", "4.0", "--bootstrap-server"),
    ("kafka-verifiable-consumer", "--broker-list", "4.0", "--bootstrap-server"),
    ("kafka-console-consumer", "--whitelist", "4.0", "--include"),
    ("kafka-replica-verification", "--topic-white-list", "4.0", "--topics-include"),
];

/// Tools of which nothing of today does the work alone.
const COPYING: [&str; 2] = ["kafka-mirror-maker", "kafka-replay-log-producer"];
/// Controllers apart have numbers from here on.
const FIRST_CONTROLLER: i32 = 100;

/// A tool of today at work, for one of yesterday.
#[derive(Clone, Debug)]
pub struct Bygone {
    /// Said on standard error before anything else.
    note: Option<String>,
    tool: Box<Tool>,
}

/// An option of older times among a tool's arguments: what is said, and the arguments of today. The servers that a ZooKeeper knew are those
/// of its cluster: `hosts`, where the one that is named is none of them.
pub fn modernised(name: &str, args: &[String], hosts: &[String]) -> Option<(String, Vec<String>)> {
    let is = |arg: &str, option: &str| arg.strip_prefix(option).is_some_and(|rest| rest.is_empty() || rest.starts_with('='));
    let (_, old, since, new) = OPTIONS.iter().find(|(tool, option, ..)| *tool == name && args.iter().any(|arg| is(arg, option)))?;
    let mut value = String::new();
    let mut kept = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.split_once('=') {
            _ if !is(arg, old) => kept.push(arg.clone()),
            Some((_, inline)) => value = inline.to_owned(),
            None => value = rest.next().cloned().unwrap_or_default(),
        }
    }
    if matches!(*old, "--zookeeper" | "--authorizer-properties") {
        let value_of = |value: &str| value.strip_prefix("zookeeper.connect=").map(str::to_owned);
        value = value_of(&value).unwrap_or(value);
        let host = value.split([':', '/', ',']).next().unwrap_or_default();
        let is_broker = |host: &&String| node_on(host).is_some_and(|id| id.0 < FIRST_CONTROLLER);
        let brokers = || hosts.iter().filter(is_broker);
        let host = brokers().find(|known| *known == host).or_else(|| brokers().next()).cloned();
        value = format!("{}:{BROKER_PORT}", host.unwrap_or_else(|| "kafka-1".into()));
    }
    let now = format!("{new} {value}");
    if !kept.iter().any(|arg| is(arg, new)) {
        kept.splice(0..0, [(*new).to_owned(), value]);
    }
    Some((format!("{name} {old} is gone since Apache Kafka {since}; {now} does it now:"), kept))
}

/// A tool at work, after what is said of its arguments.
pub fn noted(note: String, tool: Tool) -> Tool {
    Tool::Program(Box::new(Bygone { note: Some(note), tool: Box::new(tool) }))
}

/// The files that the tool of today will read.
pub fn reads(name: &str, args: &[String]) -> Option<Vec<String>> {
    if COPYING.contains(&name) {
        return Some(super::kafka::files(super::kafka_table(name)?, args));
    }
    let (_, now, args) = translated(name, args)?;
    Some(Tool::reads(now, &args))
}

/// One of these tools, or a class of kafka-run-class, or what is said instead.
pub fn start(start: &Start, rng: &mut Rng) -> Option<Result<Box<dyn Program>, Done>> {
    if start.name == "kafka-run-class" {
        return Some(run_class(start, rng));
    }
    if COPYING.contains(&start.name) {
        let (since, now) = match start.name {
            "kafka-mirror-maker" => ("4.0", "connect-mirror-maker (MirrorMaker 2)"),
            _ => ("2.0", "kafka-console-consumer | kafka-console-producer"),
        };
        let note = format!("{} is gone since Apache Kafka {since}; {now} does it now:", start.name);
        let tool = match copying::start(start) {
            Ok(copying) => Tool::Program(Box::new(copying)),
            Err(said) => Tool::Said(said),
        };
        return Some(Ok(Box::new(Bygone { note: Some(note), tool: Box::new(tool) })));
    }
    let (note, name, args) = translated(start.name, start.args)?;
    let tool = Tool::start(Start { name, args: &args, ..*start }, rng)?;
    Some(Ok(Box::new(Bygone { note: Some(note), tool: Box::new(tool) })))
}

/// What is said, and the tool of today with its arguments.
fn translated(name: &str, args: &[String]) -> Option<(String, &'static str, Vec<String>)> {
    let renamed = |from: &str, to: &str| -> Vec<String> {
        let rename = |arg: &String| match arg.strip_prefix(from) {
            Some(rest) if rest.is_empty() || rest.starts_with('=') => format!("{to}{rest}"),
            _ => arg.clone(),
        };
        args.iter().map(rename).collect()
    };
    Some(match name {
        "kafka-preferred-replica-election" => {
            let mut args: Vec<String> = renamed("--admin.config", "--command-config");
            args.extend(["--election-type", "preferred"].map(str::to_owned));
            if !args.iter().any(|arg| arg.starts_with("--path-to-json-file")) {
                args.push("--all-topic-partitions".into());
            }
            let note = "kafka-preferred-replica-election is gone since Apache Kafka 3.0; kafka-leader-election --election-type preferred does it now:";
            (note.into(), "kafka-leader-election", args)
        }
        "kafka-simple-consumer-shell" => {
            let mut args: Vec<String> = renamed("--broker-list", "--bootstrap-server");
            if !args.iter().any(|arg| arg.starts_with("--partition")) {
                args.extend(["--partition", "0"].map(str::to_owned));
            }
            if !args.iter().any(|arg| arg.starts_with("--offset")) {
                args.extend(["--offset", "earliest"].map(str::to_owned));
            }
            let note = "kafka-simple-consumer-shell is gone since Apache Kafka 2.0; kafka-console-consumer --partition does it now:";
            (note.into(), "kafka-console-consumer", args)
        }
        _ => return None,
    })
}

/// kafka-run-class: the tool whose class it is.
fn run_class(start: &Start, rng: &mut Rng) -> Result<Box<dyn Program>, Done> {
    let Some((class, args)) = start.args.split_first() else {
        return Err(Done::failed("USAGE: kafka-run-class [-daemon] [-name servicename] [-loggc] classname [opts]", 1));
    };
    let tool = tool_of_class(class).and_then(|name| Tool::start(Start { name, args, ..*start }, rng));
    let Some(tool) = tool else {
        let err = vec![
            format!("Error: Could not find or load main class {class}"),
            format!("Caused by: java.lang.ClassNotFoundException: {class}"),
        ];
        return Err(Done { err, status: 1, ..Done::default() });
    };
    Ok(Box::new(Bygone { note: None, tool: Box::new(tool) }))
}

impl Program for Bygone {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if let Some(note) = self.note.take() {
            cx.print.error(note);
        }
        self.tool.step(cx)
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        self.tool.input(input, cx);
    }

    fn owns(&self, input: &Input) -> bool {
        self.tool.owns(input)
    }

    fn interrupt(&mut self, cx: &mut Context) -> Option<i32> {
        self.tool.interrupt(cx)
    }

    fn kill(&mut self, out: &mut Outbox) {
        self.tool.kill(out);
    }

    fn next_wake(&self) -> Option<Time> {
        self.tool.next_wake()
    }

    fn reads_input(&self) -> bool {
        self.tool.reads_input()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let (note, name, args) = translated(&words[0], &words[1..]).unwrap();
        assert!(note.contains("is gone since Apache Kafka"));
        assert_eq!(format!("{name} {}", args.join(" ")), expected);
    }

    #[test]
    fn options_that_are_gone_are_translated() {
        let hosts = ["client", "kafka-1", "kafka-2", "kafka-100"].map(str::to_owned);
        let check = |line: &str, expected: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let (note, args) = modernised(&words[0], &words[1..], &hosts).unwrap();
            assert_eq!(format!("{note} {}", args.join(" ")), expected);
        };
        check(
            "kafka-topics --zookeeper kafka-2:2181/kafka --list",
            "kafka-topics --zookeeper is gone since Apache Kafka 3.0; --bootstrap-server kafka-2:9092 does it now: \
             --bootstrap-server kafka-2:9092 --list",
        );
        check(
            "kafka-console-producer --topic t --broker-list=kafka-1:9092",
            "kafka-console-producer --broker-list is gone since Apache Kafka 4.0; --bootstrap-server kafka-1:9092 does it now: \
             --bootstrap-server kafka-1:9092 --topic t",
        );
        check(
            "kafka-topics --zookeeper localhost:2181 --bootstrap-server kafka-1:9092 --list",
            "kafka-topics --zookeeper is gone since Apache Kafka 3.0; --bootstrap-server kafka-1:9092 does it now: \
             --bootstrap-server kafka-1:9092 --list",
        );
        check(
            "kafka-acls --authorizer-properties zookeeper.connect=kafka-2:2181 --list",
            "kafka-acls --authorizer-properties is gone since Apache Kafka 4.0; --bootstrap-server kafka-2:9092 does it now: \
             --bootstrap-server kafka-2:9092 --list",
        );
        assert_eq!(modernised("kafka-log-dirs", &["--broker-list".into(), "1".into()], &hosts), None);
    }

    #[test]
    fn yesterdays_options_become_todays() {
        check(
            "kafka-preferred-replica-election --bootstrap-server k:1",
            "kafka-leader-election --bootstrap-server k:1 --election-type preferred --all-topic-partitions",
        );
        check(
            "kafka-simple-consumer-shell --broker-list k:1 --topic t --partition 2",
            "kafka-console-consumer --bootstrap-server k:1 --topic t --partition 2 --offset earliest",
        );
    }
}
