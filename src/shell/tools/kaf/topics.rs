//! `kaf topics`, `kaf topic create|delete|describe|ls`, `kaf nodes`.

use std::collections::BTreeMap;

use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::{BrokerId, CreateTopicsRequest, DeleteTopicsRequest, DescribeConfigsRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::sarama::{connect, error, exit, metadata, thrown};
use super::table::Table;
use crate::kafka::client::admin::fanout::LATEST_TIMESTAMP;
use crate::kafka::client::admin::{Outcome, Target};
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::api::Response;
use crate::shell::tools::script::{Script, Stop};

/// `Admin.Timeout`
const TIMEOUT_MS: i32 = 3_000;
/// `ResourceType` of topics, and the `ConfigSource` of what nobody set.
const TOPIC: i8 = 2;
const SOURCE_DEFAULT: i8 = 5;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const LEADER_NOT_AVAILABLE: i16 = 5;

pub fn list(script: &mut Script) -> Result<i32, Stop> {
    let body = connect(script)?;
    let mut table = Table::new();
    if !has_no_headers(script) {
        table.write("NAME\tPARTITIONS\tREPLICAS\t\n");
    }
    let mut topics: Vec<(&str, usize, usize)> = Vec::new();
    for topic in &body.topics {
        let replicas = topic.partitions.first().map_or(0, |partition| partition.replica_nodes.len());
        topics.push((topic.name.as_ref().map_or("", |name| name.0.as_str()), topic.partitions.len(), replicas));
    }
    topics.sort_unstable();
    topics.into_iter().for_each(|(name, partitions, replicas)| table.write(&format!("{name}\t{partitions}\t{replicas}\t\n")));
    script.text(table.flush());
    Ok(0)
}

pub fn nodes(script: &mut Script) -> Result<i32, Stop> {
    let body = connect(script)?;
    let mut table = Table::new();
    if !has_no_headers(script) {
        table.write("ID\tADDRESS\tCONTROLLER\t\n");
    }
    let mut brokers: Vec<_> = body.brokers.iter().collect();
    brokers.sort_by_key(|broker| broker.node_id);
    for broker in brokers {
        let is_controller = broker.node_id == body.controller_id;
        table.write(&format!("{}\t{}:{}\t{is_controller}\t\n", broker.node_id.0, broker.host.as_str(), broker.port));
    }
    script.text(table.flush());
    Ok(0)
}

pub fn create(script: &mut Script) -> Result<i32, Stop> {
    connect(script)?;
    let parsed = script.parsed();
    let name = arg(script).to_owned();
    let (partitions, replicas) = (parsed.number("partitions").unwrap_or(1), parsed.number("replicas").unwrap_or(1));
    let policy = if parsed.get("compact") == Some("true") { "compact" } else { "delete" };
    let failed = |why: String| Err(exit(format!("Could not create topic {name}: {why}\n")));
    if name.is_empty() {
        return failed(error(17));
    }
    let config = CreatableTopicConfig::default().with_name("cleanup.policy".into()).with_value(Some(StrBytes::from_static_str(policy)));
    let topic = CreatableTopic::default()
        .with_name(TopicName(name.clone().into()))
        .with_num_partitions(partitions)
        .with_replication_factor(replicas)
        .with_configs(vec![config]);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(TIMEOUT_MS);
    match script.ask("createTopics", Target::Any, request)? {
        Ok(Response::CreateTopics(body)) => {
            let topic = body.topics.first();
            let code = topic.map_or(-1, |topic| topic.error_code);
            if code != 0 {
                let message = topic.and_then(|topic| topic.error_message.as_ref()).map(|message| format!(" - {}", message.as_str()));
                return failed(error(code) + &message.unwrap_or_default());
            }
        }
        Ok(_) => return failed(error(-1)),
        Err(exception) => return failed(thrown(&exception)),
    }
    let mut table = Table::new();
    table.write("\u{2705} Created topic!\n");
    table.write(&format!("\tTopic Name:\t {name}\n\tPartitions:\t {partitions}\n"));
    table.write(&format!("\tReplication Factor:\t {replicas}\n\tCleanup Policy:\t {policy}\n"));
    script.text(table.flush());
    Ok(0)
}

pub fn delete(script: &mut Script) -> Result<i32, Stop> {
    connect(script)?;
    let name = arg(script).to_owned();
    let failed = |why: String| Err(exit(format!("Could not delete topic {name}: {why}\n")));
    let wanted = TopicName(name.clone().into());
    let topic = DeleteTopicState::default().with_name(Some(wanted));
    let request = DeleteTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(TIMEOUT_MS);
    match script.ask("deleteTopics", Target::Any, request)? {
        Ok(Response::DeleteTopics(body)) => match body.responses.first().map_or(-1, |topic| topic.error_code) {
            0 => {}
            code => return failed(error(code)),
        },
        Ok(_) => return failed(error(-1)),
        Err(exception) => return failed(thrown(&exception)),
    }
    script.line(format!("\u{2705} Deleted topic {name}!"));
    Ok(0)
}

pub fn describe(script: &mut Script) -> Result<i32, Stop> {
    connect(script)?;
    let name = arg(script).to_owned();
    let body = metadata(script, Some(&name))?;
    let Some(topic) = body.topics.first().filter(|topic| topic.error_code != UNKNOWN_TOPIC_OR_PARTITION) else {
        script.line(format!("Topic {name} not found."));
        return Ok(0);
    };
    let configs = configs(script, &name)?;
    let compacted = configs.iter().any(|entry| entry.0 == "cleanup.policy" && entry.1.split(',').any(|policy| policy == "compact"));
    let mut table = Table::new();
    table.write(&format!("Name:\t{name}\t\nInternal:\t{}\t\nCompacted:\t{compacted}\t\nPartitions:\n", topic.is_internal));
    script.text(table.flush());
    let mut table = Table::nested();
    table.write("\tPartition\tHigh Watermark\tLeader\tReplicas\tISR\t\n\t---------\t--------------\t------\t--------\t---\t\n");
    let mut partitions: Vec<_> = topic.partitions.iter().collect();
    partitions.sort_by_key(|partition| partition.partition_index);
    let ids: Vec<i32> = partitions.iter().map(|partition| partition.partition_index).collect();
    let ends = high_watermarks(script, &body, &name, &ids)?;
    let mut sum = 0;
    for partition in partitions {
        let end = ends.get(&partition.partition_index).copied().unwrap_or(0);
        sum += end;
        let (replicas, isr) = (sorted(&partition.replica_nodes), sorted(&partition.isr_nodes));
        table.write(&format!("\t{}\t{end}\t{}\t{replicas}\t{isr}\t\n", partition.partition_index, partition.leader_id.0));
    }
    script.text(table.flush());
    table.write(&format!("Summed HighWatermark:\t{sum}\n"));
    script.text(table.flush());
    table.write("Config:\n\tName\tValue\tReadOnly\tSensitive\t\n\t----\t-----\t--------\t---------\t\n");
    for (name, value, source, read_only, sensitive) in configs {
        if source != SOURCE_DEFAULT {
            table.write(&format!("\t{name}\t{value}\t{read_only}\t{sensitive}\t\n"));
        }
    }
    script.text(table.flush());
    Ok(0)
}

/// A setting: name, value, source, whether it cannot be changed, whether its value is kept secret.
type Entry = (String, String, i8, bool, bool);

fn configs(script: &mut Script, topic: &str) -> Result<Vec<Entry>, Stop> {
    let failed = |why: String| Err(exit(format!("Unable to describe config: {why}\n")));
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(StrBytes::from_string(topic.to_owned()))
        .with_configuration_keys(None);
    match script.ask("describeConfigs", Target::Any, DescribeConfigsRequest::default().with_resources(vec![resource]))? {
        Ok(Response::DescribeConfigs(body)) => {
            let Some(result) = body.results.first() else { return Ok(Vec::new()) };
            if let Some(message) = result.error_message.as_ref().filter(|message| !message.is_empty()) {
                return failed(message.to_string());
            }
            if result.error_code != 0 {
                return failed(error(result.error_code));
            }
            let entry = |entry: &kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult| {
                let value = entry.value.as_ref().map_or(String::new(), |value| value.to_string());
                (entry.name.to_string(), value, entry.config_source, entry.read_only, entry.is_sensitive)
            };
            Ok(result.configs.iter().map(entry).collect())
        }
        Ok(_) => failed(error(-1)),
        Err(exception) => failed(thrown(&exception)),
    }
}

/// `getHighWatermarks`: the end of each partition, which needs a leader.
///
/// # Errors
/// The answer is not there yet, or a partition has no leader.
pub fn high_watermarks(script: &mut Script, body: &MetadataResponse, topic: &str, partitions: &[i32]) -> Result<BTreeMap<i32, i64>, Stop> {
    let known = body.topics.iter().find(|found| found.name.as_ref().is_some_and(|name| name.0.as_str() == topic));
    for wanted in partitions {
        let found = known.and_then(|topic| topic.partitions.iter().find(|partition| partition.partition_index == *wanted));
        let why = match found {
            None => UNKNOWN_TOPIC_OR_PARTITION,
            Some(partition) if partition.leader_id.0 < 0 => LEADER_NOT_AVAILABLE,
            Some(_) => continue,
        };
        let why = error(why);
        let message =
            format!("Unable to get available offsets for partition without leader. Topic {topic} Partition {wanted}, Error: {why} ");
        return Err(exit(message));
    }
    let wanted: Vec<(TopicPartition, i64)> =
        partitions.iter().map(|partition| (TopicPartition::new(topic, *partition), LATEST_TIMESTAMP)).collect();
    match script.outcome(&mut |client, now| client.list_offsets(now, wanted.clone(), 0))? {
        Ok(Outcome::Offsets(listed)) => {
            Ok(listed.into_iter().filter_map(|(partition, found)| Some((partition.partition, found.ok()?.offset))).collect())
        }
        Ok(_) => Err(exit(format!("Unable to get available offsets: {}\n", error(-1)))),
        Err(exception) => Err(exit(format!("Unable to get available offsets: {}\n", thrown(&exception)))),
    }
}

/// The command's argument.
pub fn arg<'s>(script: &'s Script) -> &'s str {
    script.parsed().get("ARG").unwrap_or_default()
}

pub fn has_no_headers(script: &Script) -> bool {
    script.parsed().get("no-headers") == Some("true")
}

/// As Go prints a slice.
fn sorted(ids: &[BrokerId]) -> String {
    let mut ids: Vec<i32> = ids.iter().map(|id| id.0).collect();
    ids.sort_unstable();
    slice(&ids)
}

/// As Go prints a slice.
pub fn slice(ids: &[i32]) -> String {
    format!("[{}]", ids.iter().map(i32::to_string).collect::<Vec<_>>().join(" "))
}
