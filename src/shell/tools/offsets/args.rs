//! The options of kafka-get-offsets (`org.apache.kafka.tools.GetOffsetShell`), and which partitions they mean.

use regex_lite::Regex;

use crate::shell::options::{Completes, Opt, Options, flag, with};
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::{checked, help_or_version};

pub const TABLE: &[Opt] = &[
    with("bootstrap-server", "String: HOST1:PORT1,...,HOST3:PORT3", "REQUIRED. Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers),
    with("command-config", "String: config file", "A file with properties for the admin client."),
    flag("exclude-internal-topics", "Leave internal topics out."),
    with("partitions", "String: partition ids", "Only these partitions: 0,2."),
    with("time", "String: <timestamp> / -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / -5 or latest-tiered / -6 or earliest-pending-upload", "The offset of the first record at or after this time.")
        .completed_by(Completes::Words(&["latest", "earliest", "max-timestamp", "earliest-local", "latest-tiered"])),
    with("topic", "String: topic", "The topic, or a regular expression.").completed_by(Completes::Topics),
    with("topic-partitions", "String: topic1:1,topic2:0-3,topic3,topic4:5-,topic5:-3", "Topics with partitions; the upper end of a range is not in it.")
        .completed_by(Completes::Topics),
];

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub servers: String,
    /// The timestamp of ListOffsets: from 0 on a time, below it a place (-1 the end).
    pub time: i64,
    pub filters: Vec<Filter>,
    pub exclude_internal: bool,
}

/// Topics whose names match, and of each the partitions from `from` until `to`.
#[derive(Clone, Debug)]
pub struct Filter {
    topic: Regex,
    from: i32,
    to: i32,
    /// Only these, if any.
    only: Vec<i32>,
}

impl Filter {
    pub fn takes(&self, topic: &str, partition: i32) -> bool {
        self.topic.is_match(topic) && (self.from..self.to).contains(&partition) && (self.only.is_empty() || self.only.contains(&partition))
    }
}

/// Reads and checks the arguments.
///
/// # Errors
/// What is said instead of doing anything.
pub fn parse(args: &[String]) -> Result<Asked, Done> {
    let options = Options::parse(TABLE, args).map_err(occurred)?;
    if let Some(done) = help_or_version(TABLE, args, &options, "An interactive shell for getting topic-partition offsets.") {
        return Err(done);
    }
    checked(TABLE, [options.require(&["bootstrap-server"])])?;
    if options.has("topic-partitions") && (options.has("topic") || options.has("partitions")) {
        return Err(occurred("--topic-partitions cannot be used with --topic or --partitions"));
    }
    let servers = options.one("bootstrap-server").map_err(occurred)?.unwrap_or_default().to_owned();
    let time = time(options.one("time").map_err(occurred)?.unwrap_or("latest"))?;
    let filters = match options.one("topic-partitions").map_err(occurred)? {
        Some(list) => list.split(',').map(range).collect::<Result<_, _>>()?,
        None => vec![topic_filter(&options)?],
    };
    Ok(Asked { servers, time, filters, exclude_internal: options.has("exclude-internal-topics") })
}

/// How the tool says what went wrong.
pub fn occurred(error: impl std::fmt::Display) -> Done {
    Done::failed(format!("Error occurred: {error}"), 1)
}

fn time(text: &str) -> Result<i64, Done> {
    Ok(match text {
        "latest" => -1,
        "earliest" => -2,
        "max-timestamp" => -3,
        "earliest-local" => -4,
        "latest-tiered" => -5,
        "earliest-pending-upload" => -6,
        _ => text.parse().map_err(|_| {
            let valid = "-1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / -5 or latest-tiered / -6 or earliest-pending-upload";
            occurred(format!("Malformed time argument {text}. Please use {valid}, or a specified long format timestamp"))
        })?,
    })
}

fn topic_filter(options: &Options) -> Result<Filter, Done> {
    let topic = options.one("topic").map_err(occurred)?.unwrap_or(".*");
    let mut only = Vec::new();
    if let Some(list) = options.one("partitions").map_err(occurred)? {
        for id in list.split(',').filter(|id| !id.is_empty()) {
            let id = id.parse().map_err(|_| {
                occurred(format!("--partitions expects a comma separated list of numeric partition ids, but received: {list}"))
            })?;
            only.push(id);
        }
    }
    Ok(Filter { topic: regex(topic)?, from: 0, to: i32::MAX, only })
}

/// `orders`, `orders:1`, `orders:1-`, `orders:-3`, `orders:0-2`
fn range(text: &str) -> Result<Filter, Done> {
    let invalid = || occurred(format!("Invalid rule specification: {text}"));
    let (topic, range) = text.split_once(':').map_or((text, None), |(topic, range)| (topic, Some(range)));
    let topic = regex(if topic.is_empty() { ".*" } else { topic })?;
    let number = |digits: &str, default: i32| if digits.is_empty() { Ok(default) } else { digits.parse().map_err(|_| invalid()) };
    let (from, to) = match range.map(|range| range.split_once('-').ok_or(range)) {
        None | Some(Err("")) => (0, i32::MAX),
        Some(Ok((from, to))) => (number(from, 0)?, number(to, i32::MAX)?),
        Some(Err(one)) => (number(one, 0)?, number(one, 0)?.saturating_add(1)),
    };
    Ok(Filter { topic, from, to, only: Vec::new() })
}

fn regex(pattern: &str) -> Result<Regex, Done> {
    crate::shell::tools::kafka::include_list(pattern).map_err(occurred)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> String {
        let args: Vec<String> = format!("--bootstrap-server k:1 {line}").split_whitespace().map(str::to_owned).collect();
        let asked = match parse(&args) {
            Ok(asked) => asked,
            Err(done) => return done.err[0].clone(),
        };
        let all = [("orders", 0), ("orders", 1), ("orders", 2), ("payments", 0)];
        let taken = all.iter().filter(|(topic, partition)| asked.filters.iter().any(|filter| filter.takes(topic, *partition)));
        let taken: Vec<String> = taken.map(|(topic, partition)| format!("{topic}:{partition}")).collect();
        format!("{} {}", asked.time, taken.join(" "))
    }

    #[test]
    fn which_partitions_are_meant() {
        let cases = [
            ("", "-1 orders:0 orders:1 orders:2 payments:0"),
            ("--topic orders --time earliest", "-2 orders:0 orders:1 orders:2"),
            ("--topic orders|payments --partitions 0", "-1 orders:0 payments:0"),
            ("--topic-partitions orders:0,payments", "-1 orders:0 payments:0"),
            ("--topic-partitions orders:1-,pay.*:0", "-1 orders:1 orders:2 payments:0"),
            ("--topic-partitions orders:0-2", "-1 orders:0 orders:1"),
            ("--topic-partitions orders:-1", "-1 orders:0"),
            ("--time 1000", "1000 orders:0 orders:1 orders:2 payments:0"),
            (
                "--time now",
                "Error occurred: Malformed time argument now. Please use -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / -5 or latest-tiered / -6 or earliest-pending-upload, or a specified long format timestamp",
            ),
            (
                "--partitions 0-1,7",
                "Error occurred: --partitions expects a comma separated list of numeric partition ids, but received: 0-1,7",
            ),
            (
                "--topic orders --topic-partitions orders:0",
                "Error occurred: --topic-partitions cannot be used with --topic or --partitions",
            ),
            ("--x", "Error occurred: x is not a recognized option"),
        ];
        for (line, expected) in cases {
            assert_eq!(check(line), expected, "{line}");
        }
    }
}
