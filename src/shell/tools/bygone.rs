//! Tools of older times: each says in one line since when it is gone and what does its work now, and then that does it.
//! (Typed into a real terminal of Kafka 4.3 they are `command not found`.)

use super::hosts::Done;
use super::program::Program;
use super::{Context, Start, Tool, tool_of_class};
use crate::kafka::actor::{Input, Outbox};
use crate::sim::rng::Rng;
use crate::sim::time::Time;

/// The tools that are gone.
pub const NAMES: &[&str] = &["kafka-preferred-replica-election", "kafka-simple-consumer-shell"];

/// A tool of today at work, for one of yesterday.
#[derive(Clone, Debug)]
pub struct Bygone {
    /// Said on standard error before anything else.
    note: Option<String>,
    tool: Box<Tool>,
}

/// The files that the tool of today will read.
pub fn reads(name: &str, args: &[String]) -> Option<Vec<String>> {
    let (_, now, args) = translated(name, args)?;
    Some(Tool::reads(now, &args))
}

/// One of these tools, or a class of kafka-run-class, or what is said instead.
pub fn start(start: &Start, rng: &mut Rng) -> Option<Result<Box<dyn Program>, Done>> {
    if start.name == "kafka-run-class" {
        return Some(run_class(start, rng));
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
