//! kafka-log-dirs (`org.apache.kafka.tools.LogDirsCommand`): the sizes of logs, as JSON.

use std::collections::BTreeSet;

use kafka_protocol::messages::describe_log_dirs_response::DescribeLogDirsResult;
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};

use super::hosts::Done;
use super::kafka::{checked, help_or_version};
use super::reassign::data::joined;
use super::reassign::requests::{nodes, unexpected};
use super::script::{Plan, Script, ScriptTool, Stop, Thrown, execution, message_with_trace, terse};
use super::topics::args::of;
use crate::kafka::client::admin::Target;
use crate::kafka::names::{BrokerId, TopicPartition};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::records::murmur2::java_string_hash;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::{hash, json};
use crate::shell::options::{Completes, Opt, Options, flag, with};

pub const TABLE: &[Opt] = &[
    with(
        "bootstrap-server",
        "String: The server(s) to use for bootstrapping",
        "REQUIRED: Where to begin: HOST:PORT, or several with commas.",
    )
    .completed_by(Completes::Servers),
    with("broker-list", "String: Broker list", "Only these brokers: 1,2,3."),
    with("command-config", "String: Admin client property file", "A file with properties for the admin client."),
    flag("describe", "REQUIRED: Show which replicas are in which directory of which broker, and how many bytes they take."),
    with("topic-list", "String: Topic list", "Only these topics: orders,payments."),
];

/// # Errors
/// What is said instead of doing anything.
pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<ScriptTool, Done> {
    let options = Options::parse(TABLE, args).map_err(|error| thrown(&of(error)))?;
    if let Some(done) = help_or_version(TABLE, args, &options, "This tool helps to query log directory usage on the specified brokers.") {
        return Err(done);
    }
    checked(TABLE, [options.require(&["bootstrap-server", "describe"])])?;
    let config = Plan::config(&options, files)?;
    options.one("bootstrap-server").map_err(|error| thrown(&of(error)))?;
    let plan = Plan { client_id: "log-dirs-tool", ..Plan::of_options(run, message_with_trace, options, config, files) };
    Ok(ScriptTool::new(plan, hosts))
}

fn thrown(exception: &Exception) -> Done {
    message_with_trace(&Thrown::caused(exception.clone(), Vec::new()))
}

fn run(script: &mut Script) -> Result<i32, Stop> {
    let options = script.options().clone();
    let topics: BTreeSet<String> = listed(&options, "topic-list")?.into_iter().collect();
    let cluster = in_order(nodes(script)?.into_iter().map(|(id, _)| id));
    let number = |id: String| {
        id.parse::<i32>().map_err(|_| Exception::new("java.lang.NumberFormatException", format!("For input string: \"{id}\"")))
    };
    let asked: Vec<i32> = listed(&options, "broker-list")?.into_iter().map(number).collect::<Result<_, _>>()?;
    let (existing, unknown): (Vec<i32>, Vec<i32>) = if asked.is_empty() {
        (cluster.clone(), Vec::new())
    } else {
        in_order(asked.into_iter()).into_iter().partition(|id| cluster.contains(id))
    };
    if !unknown.is_empty() {
        let message = format!(
            "ERROR: The given brokers do not exist from --broker-list: {}. Current existent brokers: {}",
            joined(&unknown, ","),
            joined(&cluster, ",")
        );
        return Err(terse(message));
    }
    script.line("Querying brokers for log directories information");
    let ask = |id: &i32| {
        let request = DescribeLogDirsRequest::default().with_topics(None);
        ("describeLogDirs", Target::Node(BrokerId(*id)), Request::from(request))
    };
    let answers = script.ask_all(existing.iter().map(ask).collect())?;
    let mut brokers = Vec::new();
    for (id, answer) in existing.iter().zip(answers) {
        let Response::DescribeLogDirs(body) = answer.map_err(execution)? else { return Err(unexpected()) };
        if body.error_code != 0 {
            return Err(execution(Exception::of(body.error_code, None)));
        }
        brokers.push(json::object(&[("broker", id.to_string()), ("logDirs", log_dirs(&body, &topics))]));
    }
    script.line(format!("Received log directory information from brokers {}", joined(&existing, ",")));
    script.line(json::object(&[("version", "1".into()), ("brokers", json::array(brokers))]));
    Ok(0)
}

/// The words of an option, separated by commas.
fn listed(options: &Options, name: &'static str) -> Result<Vec<String>, Exception> {
    let text = options.one(name).map_err(of)?.unwrap_or_default();
    Ok(text.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect())
}

/// A set of numbers in the order of Java's.
fn in_order(ids: impl Iterator<Item = i32>) -> Vec<i32> {
    let ids: BTreeSet<i32> = ids.collect();
    hash::order(ids, 16, |id| *id)
}

fn log_dirs(body: &DescribeLogDirsResponse, topics: &BTreeSet<String>) -> String {
    let dirs = hash::order(body.results.iter(), 16, |dir| java_string_hash(&dir.log_dir));
    json::array(dirs.into_iter().map(|dir| {
        let error = match dir.error_code {
            0 => "null".to_owned(),
            code => json::text(&Exception::of(code, None).class),
        };
        json::object(&[("logDir", json::text(&dir.log_dir)), ("error", error), ("partitions", replicas(dir, topics))])
    }))
}

fn replicas(dir: &DescribeLogDirsResult, topics: &BTreeSet<String>) -> String {
    let all = dir.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| (TopicPartition::new(topic.name.as_str(), partition.partition_index), partition))
    });
    let all = hash::order(all, 16, |(name, _)| hash::of_partition(name));
    // The tool puts those that are wanted into a map of its own.
    let wanted = all.into_iter().filter(|(name, _)| topics.is_empty() || topics.contains(&*name.topic));
    let wanted = hash::order(wanted, 16, |(name, _)| hash::of_partition(name));
    json::array(wanted.into_iter().map(|(name, partition)| {
        json::object(&[
            ("partition", json::text(&name.to_string())),
            ("size", partition.partition_size.to_string()),
            ("offsetLag", partition.offset_lag.to_string()),
            ("isFuture", partition.is_future_key.to_string()),
        ])
    }))
}
