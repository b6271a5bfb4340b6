//! The tools of the terminal: a closed set of state machines.
//!
//! * [`topics`], [`producer`], [`consumer`], [`groups`], [`offsets`]: Kafka's tools; [`kafka`] and [`admin`]: what they have in common
//! * [`dump_log`], [`reassign`] and others: Kafka's tools behind one trait, [`program`]; [`script`]: those that are a few calls in a row
//! * [`ls`], [`file`]: files and their names
//! * [`text`]: `grep`, `head`, `wc` and their like
//! * [`help`]: what `help` prints
//! * [`hosts`]: `kill -9 kafka-1`, `systemctl`, `start`, `poweroff`, `cut`, `heal`

pub mod acls;
pub mod admin;
pub mod all_groups;
pub mod api_versions;
pub mod asking;
pub mod bygone;
pub mod client_metrics;
pub mod cluster;
pub mod configs;
pub mod consumer;
pub mod copying;
pub mod delegation_tokens;
pub mod dump_log;
pub mod features;
pub mod file;
pub mod groups;
pub mod help;
pub mod hosts;
pub mod kaf;
pub mod kafka;
pub mod kcat;
pub mod leader_election;
pub mod log_dirs;
pub mod ls;
pub mod metadata_quorum;
pub mod offsets;
pub mod perf;
pub mod producer;
pub mod program;
pub mod reading;
pub mod reassign;
pub mod records;
pub mod replica_verification;
pub mod script;
pub mod sending;
pub mod server;
pub mod share_consumer;
pub mod storage;
pub mod streams_reset;
pub mod text;
pub mod topics;
pub mod transactions;
pub mod typed_groups;
pub mod verifiable;

use self::consumer::ConsoleConsumer;
use self::groups::Groups;
use self::hosts::machines::Machines;
use self::hosts::{Asked, Done};
use self::offsets::Offsets;
use self::producer::ConsoleProducer;
use self::program::Program;
use self::text::Text;
use self::topics::Topics;
use super::files::Files;
use super::options::Opt;
use super::pipe::{Pipe, Printer};
use crate::kafka::actor::{Input, Outbox};
use crate::sim::rng::Rng;
use crate::sim::time::{Duration, Time};

/// The status of what was ended by a signal: 128 and its number.
pub const INTERRUPTED: i32 = 130;
pub const KILLED: i32 = 137;
pub const BROKEN_PIPE: i32 = 141;

/// A tool at work.
#[derive(Clone, Debug)]
pub enum Tool {
    Text(Text),
    Hosts(Done),
    Topics(Box<Topics>),
    Groups(Box<Groups>),
    Offsets(Box<Offsets>),
    Producer(ConsoleProducer),
    Consumer(ConsoleConsumer),
    Program(Box<dyn Program>),
    Sleep {
        until: Time,
    },
    /// A builtin of the shell did its work at the start; this is what it prints.
    Said(Done),
    /// `wait`: the session ends it.
    Wait,
}

/// `kafka-topics`, however it was typed: `kafka-topics.sh`, `bin/kafka-topics.sh`.
pub fn tool_name(typed: &str) -> &str {
    let file = typed.rsplit('/').next().unwrap_or(typed);
    match file.strip_suffix(".sh") {
        Some(name) if name.starts_with("kafka-") => name,
        _ if file.starts_with("kafka-") => file,
        _ => typed,
    }
}

/// The options of one of Kafka's tools, by its name without `.sh`.
pub fn kafka_table(name: &str) -> Option<&'static [Opt]> {
    Some(match name {
        "kafka-topics" => topics::args::TABLE,
        "kafka-console-producer" => producer::args::TABLE,
        "kafka-console-consumer" => consumer::args::TABLE,
        "kafka-consumer-groups" => groups::args::TABLE,
        "kafka-get-offsets" => offsets::args::TABLE,
        _ => return program::table(name),
    })
}

/// The tool that a class of Kafka's is (kafka-run-class).
pub fn tool_of_class(class: &str) -> Option<&'static str> {
    Some(match class.rsplit('.').next().unwrap_or(class) {
        "AclCommand" => "kafka-acls",
        "TopicCommand" => "kafka-topics",
        "ConsoleProducer" => "kafka-console-producer",
        "ConsoleConsumer" => "kafka-console-consumer",
        "ConsumerGroupCommand" => "kafka-consumer-groups",
        "GetOffsetShell" => "kafka-get-offsets",
        "ConfigCommand" => "kafka-configs",
        "DumpLogSegments" => "kafka-dump-log",
        "ProducerPerformance" => "kafka-producer-perf-test",
        "ConsumerPerformance" => "kafka-consumer-perf-test",
        "VerifiableProducer" => "kafka-verifiable-producer",
        "VerifiableConsumer" => "kafka-verifiable-consumer",
        "StorageTool" => "kafka-storage",
        "GroupsCommand" => "kafka-groups",
        "DelegationTokenCommand" => "kafka-delegation-tokens",
        "LeaderElectionCommand" => "kafka-leader-election",
        "ReassignPartitionsCommand" => "kafka-reassign-partitions",
        "DeleteRecordsCommand" => "kafka-delete-records",
        "LogDirsCommand" => "kafka-log-dirs",
        "TransactionsCommand" => "kafka-transactions",
        "ShareGroupCommand" => "kafka-share-groups",
        "StreamsGroupCommand" => "kafka-streams-groups",
        "ConsoleShareConsumer" => "kafka-console-share-consumer",
        "Kafka" => "kafka-server-start",
        "StreamsResetter" => "kafka-streams-application-reset",
        _ => return None,
    })
}

/// What a tool is started with.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    pub now: Time,
    pub name: &'a str,
    pub args: &'a [String],
    pub files: &'a Files,
    /// It reads from the terminal and writes to it.
    pub interactive: bool,
    /// Hosts of the cluster.
    pub hosts: &'a [String],
    /// The host on which it runs: the terminal's own, or the one behind `ssh`.
    pub host: &'a str,
    /// The terminal's own host.
    pub client: &'a str,
}

/// What a tool is stepped with.
pub struct Context<'a, 'b> {
    pub now: Time,
    pub stdin: &'a mut Pipe,
    pub print: &'a mut Printer,
    pub out: &'a mut Outbox<'b>,
}

impl Tool {
    /// The tool of this name, if there is one.
    pub fn start(start: Start, rng: &mut Rng) -> Option<Tool> {
        let Start { now, name, args, files, interactive, hosts, host, client } = start;
        if let Some((note, args)) = bygone::modernised(name, args, hosts) {
            let tool = Tool::start(Start { args: &args, ..start }, rng)?;
            return Some(bygone::noted(note, tool));
        }
        let kafka = match name {
            "kafka-topics" => Some(Topics::start(args, files, hosts).map(|tool| Tool::Topics(Box::new(tool)))),
            "kafka-consumer-groups" => Some(Groups::start(args, files, hosts).map(|tool| Tool::Groups(Box::new(tool)))),
            "kafka-streams-groups" => {
                typed_groups::offset_deletion(args).map(|args| Groups::start(&args, files, hosts).map(|tool| Tool::Groups(Box::new(tool))))
            }
            "kafka-get-offsets" => Some(Offsets::start(args, files, hosts).map(|tool| Tool::Offsets(Box::new(tool)))),
            "kafka-console-producer" => Some(ConsoleProducer::start(args, files, hosts, interactive).map(Tool::Producer)),
            "kafka-console-consumer" => Some(ConsoleConsumer::start(now, args, files, hosts, rng).map(Tool::Consumer)),
            _ => None,
        };
        if let Some(kafka) = kafka {
            return Some(kafka.unwrap_or_else(Tool::Said));
        }
        if let Some(program) = program::start(&start, rng) {
            return Some(program.map_or_else(Tool::Said, Tool::Program));
        }
        let asked = Asked { hosts, own: host, client, machines: Machines::of(files), now };
        if let Some(done) = hosts::run(name, args, &asked, files) {
            return Some(Tool::Hosts(done));
        }
        let place = text::Place { wall_ms: now.wall_ms(), host };
        if let Some(text) = Text::start(name, args, files, place) {
            return Some(Tool::Text(text));
        }
        (name == "sleep").then(|| match sleep(args) {
            Ok(time) => Tool::Sleep { until: now + time },
            Err(said) => Tool::Said(Done::failed(said, 1)),
        })
    }

    /// The files of the working folder that it will read.
    pub fn reads(name: &str, args: &[String]) -> Vec<String> {
        if let Some((_, args)) = bygone::modernised(name, args, &[]) {
            return Tool::reads(name, &args);
        }
        program::reads(name, args)
            .unwrap_or_else(|| kafka_table(name).map_or_else(|| Text::reads(name, args), |table| kafka::files(table, args)))
    }

    /// A file that it will read as well, as those say that were read.
    pub fn reads_further(name: &str, args: &[String], files: &Files) -> Option<String> {
        (name == "kafka-metadata-quorum").then(|| metadata_quorum::reads_further(args, files)).flatten()
    }

    /// Gets on as far as it can; its exit status when it is done.
    pub fn step(&mut self, cx: &mut Context) -> Option<i32> {
        match self {
            Tool::Text(text) => match text.step(cx.stdin, cx.print) {
                None if cx.print.broken && cx.print.pieces.iter().any(|piece| !piece.error) => Some(BROKEN_PIPE),
                status => status,
            },
            Tool::Hosts(done) | Tool::Said(done) => {
                std::mem::take(&mut done.faults).into_iter().for_each(|fault| cx.out.fault(fault));
                done.out.drain(..).for_each(|line| cx.print.line(line));
                done.err.drain(..).for_each(|line| cx.print.error(line));
                Some(done.status)
            }
            Tool::Topics(tool) => tool.step(cx),
            Tool::Groups(tool) => tool.step(cx),
            Tool::Offsets(tool) => tool.step(cx),
            Tool::Producer(tool) => tool.step(cx),
            Tool::Consumer(tool) => tool.step(cx),
            Tool::Program(tool) => tool.step(cx),
            Tool::Sleep { until } => (*until <= cx.now).then_some(0),
            Tool::Wait => None,
        }
    }

    /// Takes what came on one of its connections.
    pub fn input(&mut self, input: Input, cx: &mut Context) {
        match self {
            Tool::Topics(tool) => tool.input(input, cx),
            Tool::Groups(tool) => tool.input(input, cx),
            Tool::Offsets(tool) => tool.input(input, cx),
            Tool::Producer(tool) => tool.input(input, cx),
            Tool::Consumer(tool) => tool.input(input, cx),
            Tool::Program(tool) => tool.input(input, cx),
            Tool::Text(_) | Tool::Hosts(_) | Tool::Said(_) | Tool::Sleep { .. } | Tool::Wait => {}
        }
    }

    /// Whether an input is about one of its connections.
    pub fn owns(&self, input: &Input) -> bool {
        match self {
            Tool::Topics(tool) => tool.owns(input),
            Tool::Groups(tool) => tool.owns(input),
            Tool::Offsets(tool) => tool.owns(input),
            Tool::Producer(tool) => tool.owns(input),
            Tool::Consumer(tool) => tool.owns(input),
            Tool::Program(tool) => tool.owns(input),
            Tool::Text(_) | Tool::Hosts(_) | Tool::Said(_) | Tool::Sleep { .. } | Tool::Wait => false,
        }
    }

    /// SIGINT; its exit status if that ends it at once.
    pub fn interrupt(&mut self, cx: &mut Context) -> Option<i32> {
        match self {
            Tool::Producer(tool) => tool.interrupt(cx),
            Tool::Consumer(tool) => tool.interrupt(cx),
            Tool::Program(tool) => tool.interrupt(cx),
            other => {
                other.kill(cx.out);
                Some(INTERRUPTED)
            }
        }
    }

    /// SIGKILL: its connections are closed, nothing else is said.
    pub fn kill(&mut self, out: &mut Outbox) {
        match self {
            Tool::Topics(tool) => tool.close(out),
            Tool::Groups(tool) => tool.close(out),
            Tool::Offsets(tool) => tool.close(out),
            Tool::Producer(tool) => tool.kill(out),
            Tool::Consumer(tool) => tool.kill(out),
            Tool::Program(tool) => tool.kill(out),
            Tool::Text(_) | Tool::Hosts(_) | Tool::Said(_) | Tool::Sleep { .. } | Tool::Wait => {}
        }
    }

    /// When it wants to be stepped at the latest.
    pub fn next_wake(&self) -> Option<Time> {
        match self {
            Tool::Sleep { until } => Some(*until),
            Tool::Topics(tool) => tool.next_wake(),
            Tool::Groups(tool) => tool.next_wake(),
            Tool::Offsets(tool) => tool.next_wake(),
            Tool::Producer(tool) => tool.next_wake(),
            Tool::Consumer(tool) => tool.next_wake(),
            Tool::Program(tool) => tool.next_wake(),
            Tool::Text(_) | Tool::Hosts(_) | Tool::Said(_) | Tool::Wait => None,
        }
    }

    /// How many bytes of its input it keeps; clients bound theirs by `buffer.memory` and the like.
    pub fn kept_bytes(&self) -> usize {
        if let Tool::Text(text) = self { text.kept_bytes() } else { 0 }
    }

    /// How many bytes of text it has gone through.
    pub fn read_bytes(&self) -> usize {
        if let Tool::Text(text) = self { text.read_bytes() } else { 0 }
    }

    /// Whether it reads its standard input.
    pub fn reads_input(&self) -> bool {
        match self {
            Tool::Text(text) => text.reads_input(),
            Tool::Producer(tool) => tool.reads_input(),
            Tool::Program(tool) => tool.reads_input(),
            _ => false,
        }
    }
}

/// `sleep 30`, `sleep 0.5`, `sleep 2m`; several are added.
fn sleep(args: &[String]) -> Result<Duration, String> {
    if args.is_empty() {
        return Err("sleep: missing operand\nTry 'sleep --help' for more information.".into());
    }
    let mut total = Duration::ZERO;
    for arg in args {
        let time = span(arg).ok_or_else(|| format!("sleep: invalid time interval '{arg}'\nTry 'sleep --help' for more information."))?;
        total = Duration(total.0.saturating_add(time.0));
    }
    Ok(total)
}

/// A number with at most six decimals, and a unit (`ms` too, which coreutils has not).
pub fn span(text: &str) -> Option<Duration> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_us: u64 = match &text[number.len()..] {
        "" | "s" => 1_000_000,
        "ms" => 1_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 6 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let millionths: u64 = format!("{fraction:0<6}").parse().ok()?;
    Some(Duration(whole.checked_mul(unit_us)?.checked_add(millionths.checked_mul(unit_us)? / 1_000_000)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_to_sleep() {
        assert_eq!(span("30"), Some(Duration::secs(30)));
        assert_eq!(span("0.5"), Some(Duration::ms(500)));
        assert_eq!(span("500ms"), Some(Duration::ms(500)));
        assert_eq!(span("2m"), Some(Duration::secs(120)));
        for wrong in ["", "x", "-1", "1x", ".", "1.2.3", "99999999999999999999"] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }
}
