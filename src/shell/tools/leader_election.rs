//! kafka-leader-election (`org.apache.kafka.tools.LeaderElectionCommand`).

use std::collections::BTreeMap;

use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::{ElectLeadersRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use serde_json::Value;

use super::hosts::Done;
use super::kafka::{message_and_trace, parse};
use super::reassign::data::{failed, operation};
use super::script::{Plan, Script, ScriptTool, Stop, Thrown, message_with_trace};
use super::topics::args::of;
use crate::kafka::client::admin::Target;
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::api::Response;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::hash;
use crate::shell::java::json::{self, as_array, as_int, as_object, as_text, field};
use crate::shell::options::{Completes, Opt, Options, flag, with};

pub const TABLE: &[Opt] = &[
    with("admin.config", "config file", "DEPRECATED: as --command-config."),
    flag("all-topic-partitions", "All partitions whose leader is not the one that this election would choose."),
    with("bootstrap-server", "host:port", "REQUIRED: Where to begin: HOST:PORT, or several with commas.").completed_by(Completes::Servers),
    with("command-config", "config file", "A file with properties for the admin client."),
    with(
        "election-type",
        "election type",
        "REQUIRED: preferred: the first replica leads again, if it is in sync. unclean: where nobody leads, any replica that is there leads, and \
         what it has not is lost.",
    )
    .completed_by(Completes::Words(&["preferred", "unclean"])),
    with("partition", "Integer: partition id", "With --topic: its partition."),
    with(
        "path-to-json-file",
        "Path to JSON file",
        "Partitions in a file: {\"partitions\":[{\"topic\":\"orders\",\"partition\":1}]}.",
    ),
    with("topic", "topic name", "A topic; needs --partition.").completed_by(Completes::Topics),
];

const BLURB: &str = "This tool attempts to elect a new leader for a set of topic partitions. The type of elections supported are preferred replicas \
                     and unclean replicas.";
/// What the tool waits for an election, where its client's configuration says nothing.
const TIMEOUTS: [(&str, &str); 2] = [("default.api.timeout.ms", "30000"), ("request.timeout.ms", "15000")];
const DEPRECATED: &str = "Option --admin.config has been deprecated and will be removed in a future version. Use --command-config instead.";

/// # Errors
/// What is said instead of doing anything.
pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<ScriptTool, Done> {
    let options = parse(TABLE, args, BLURB)?;
    let checks = || {
        validate(&options)?;
        election_type(&options)?;
        wanted(&options, files)
    };
    checks().map_err(|error| message_and_trace(&error))?;
    let path = ["command-config", "admin.config"].into_iter().find_map(|name| options.all(name).last());
    let mut config = Plan::properties(path, files).map_err(|error| message_and_trace(&error))?;
    for (name, value) in TIMEOUTS {
        config.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
    Ok(ScriptTool::new(Plan::of_options(run, message_with_trace, options, config, files), hosts))
}

const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;

fn validate(options: &Options) -> Result<(), Exception> {
    let missing: Vec<&str> = ["bootstrap-server", "election-type"].into_iter().filter(|name| !options.has(name)).collect();
    if !missing.is_empty() {
        return Err(failed(format!("Missing required option(s): {}", missing.join(", "))));
    }
    let choices = ["topic", "all-topic-partitions", "path-to-json-file"];
    if choices.iter().filter(|name| options.has(name)).count() != 1 {
        return Err(failed(format!("One and only one of the following options is required: {}", choices.join(", "))));
    }
    match (options.has("topic"), options.has("partition")) {
        (true, false) => Err(failed("Missing required option(s): partition")),
        (false, true) => Err(failed("Option partition is only allowed if topic is used")),
        _ => Ok(()),
    }
}

/// `ElectionType`: its name and its number.
fn election_type(options: &Options) -> Result<(&'static str, i8), Exception> {
    let text = options.one("election-type").map_err(of)?.unwrap_or_default();
    match text.to_ascii_lowercase().as_str() {
        "preferred" => Ok(("PREFERRED", 0)),
        "unclean" => Ok(("UNCLEAN", 1)),
        _ => {
            let message = format!("Cannot parse argument '{text}' of option election-type");
            Err(Exception::new("joptsimple.OptionArgumentConversionException", message))
        }
    }
}

/// The partitions that are meant; `None`: all.
fn wanted(options: &Options, files: &Files) -> Result<Option<Vec<TopicPartition>>, Exception> {
    if let Some(path) = options.one("path-to-json-file").map_err(of)? {
        let runtime = |message: String| Exception::new("java.lang.RuntimeException", message);
        let text = files.get(path).ok_or_else(|| runtime(format!("java.io.IOException: Unable to read file {path}")))?;
        let value = json::parse(text).map_err(|_| operation("Replica election data is empty"))?;
        return partitions(&value)
            .map(Some)
            .map_err(|error| if error.class.ends_with(".JsonMappingException") { runtime(error.to_string()) } else { error });
    }
    let topic = options.one("topic").map_err(of)?;
    let partition: Option<i32> = options.number("partition").map_err(of)?;
    Ok(topic.zip(partition).map(|(topic, partition)| vec![TopicPartition::new(topic, partition)]))
}

fn partitions(value: &Value) -> Result<Vec<TopicPartition>, Exception> {
    let list = as_object(value)?.get("partitions").ok_or_else(|| operation("Replica election data is missing \"partitions\" field"))?;
    let mut partitions: Vec<TopicPartition> = Vec::new();
    let mut twice: Vec<TopicPartition> = Vec::new();
    for entry in as_array(list)? {
        let name = TopicPartition::new(as_text(field(entry, "topic")?)?, as_int(field(entry, "partition")?)?);
        match partitions.contains(&name) {
            true if !twice.contains(&name) => twice.push(name),
            true => {}
            false => partitions.push(name),
        }
    }
    if twice.is_empty() {
        return Ok(partitions);
    }
    let twice: Vec<String> = hash::order(twice, 16, hash::of_partition).iter().map(TopicPartition::to_string).collect();
    Err(operation(format!("Replica election data contains duplicate partitions: [{}]", twice.join(", "))))
}

fn run(script: &mut Script) -> Result<i32, Stop> {
    let options = script.options().clone();
    if options.has("admin.config") {
        script.line(DEPRECATED);
    }
    let (name, number) = election_type(&options)?;
    let wanted = wanted(&options, script.files())?;
    let answer = script.ask("electLeaders", Target::Any, request(wanted.as_deref(), number, script.timeout_ms()))?;
    let body = match answer {
        Ok(Response::ElectLeaders(body)) => body,
        Ok(_) => return Err(super::reassign::requests::unexpected()),
        Err(error) if error.class.ends_with(".TimeoutException") => {
            let message = "Timeout waiting for election results";
            script.line(message);
            return Err(Stop::Threw(Thrown::caused(failed(message), vec![error])));
        }
        Err(error) => {
            let inner = error.in_execution();
            let exception = Exception::new("java.lang.RuntimeException", inner.to_string());
            return Err(Stop::Threw(Thrown::caused(exception, vec![inner, error])));
        }
    };
    if body.error_code == CLUSTER_AUTHORIZATION_FAILED {
        let message = "Not authorized to perform leader election";
        script.line(message);
        return Err(Stop::Threw(Thrown::caused(failed(message), vec![Exception::of(body.error_code, None)])));
    }
    let (mut succeeded, mut needless, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for topic in &body.replica_election_results {
        for partition in &topic.partition_result {
            let at = TopicPartition::new(topic.topic.as_str(), partition.partition_id);
            let error = Exception::of(partition.error_code, partition.error_message.as_deref());
            match partition.error_code {
                0 => succeeded.push(at),
                _ if error.class.ends_with(".ElectionNotNeededException") => needless.push(at),
                _ => refused.push((at, error)),
            }
        }
    }
    if !succeeded.is_empty() {
        script.line(format!("Successfully completed leader election ({name}) for partitions {}", listed(succeeded)));
    }
    if !needless.is_empty() {
        script.line(format!("Valid replica already elected for partitions {}", listed(needless)));
    }
    let count = refused.len();
    let mut suppressed = Vec::new();
    for (at, error) in hash::order(refused, 16, |(at, _)| hash::of_partition(at)) {
        script.line(format!("Error completing leader election ({name}) for partition: {at}: {error}"));
        suppressed.push(error);
    }
    match count {
        0 => Ok(0),
        _ => {
            let exception = failed(format!("{count} replica(s) could not be elected"));
            Err(Stop::Threw(Thrown { suppressed, ..Thrown::caused(exception, Vec::new()) }))
        }
    }
}

fn request(wanted: Option<&[TopicPartition]>, election: i8, timeout_ms: i32) -> ElectLeadersRequest {
    let topics = wanted.map(|partitions| {
        let mut by_topic: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        partitions.iter().for_each(|at| by_topic.entry(&at.topic).or_default().push(at.partition));
        let topic = |(name, partitions): (&str, Vec<i32>)| {
            TopicPartitions::default().with_topic(TopicName(StrBytes::from_string(name.to_owned()))).with_partitions(partitions)
        };
        by_topic.into_iter().map(topic).collect()
    });
    ElectLeadersRequest::default().with_election_type(election).with_topic_partitions(topics).with_timeout_ms(timeout_ms)
}

/// A set of partitions, as Java prints it.
fn listed(partitions: Vec<TopicPartition>) -> String {
    hash::order(partitions, 16, hash::of_partition).iter().map(TopicPartition::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let mut files = Files::default();
        files.insert("twice.json", r#"{"partitions":[{"topic":"a","partition":0},{"topic":"a","partition":0}]}"#.into());
        files.insert("none.json", "{}".into());
        files.insert("text.json", r#"{"partitions":[{"topic":"a","partition":"0"}]}"#.into());
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        assert_eq!(start(&args, &files, &[]).map_or_else(|done| done.err[0].clone(), |_| "fine".into()), expected, "{line}");
    }

    #[test]
    fn refused_as_the_tool_refuses() {
        check("--bootstrap-server a:1 --election-type PREFERRED --all-topic-partitions", "fine");
        check("--all-topic-partitions", "Missing required option(s): bootstrap-server, election-type");
        let base = "--bootstrap-server a:1 --election-type unclean";
        check(&format!("{base} --all-topic-partitions --partition 1"), "Option partition is only allowed if topic is used");
        check(&format!("{base} --topic a --partition one"), "Cannot parse argument 'one' of option partition");
        check(&format!("{base} --path-to-json-file twice.json"), "Replica election data contains duplicate partitions: [a-0]");
        check(&format!("{base} --path-to-json-file none.json"), "Replica election data is missing \"partitions\" field");
        check(
            &format!("{base} --path-to-json-file text.json"),
            "com.fasterxml.jackson.databind.JsonMappingException: Expected `Integer` value, received \"0\"",
        );
        check("--elect", "elect is not a recognized option");
    }
}
