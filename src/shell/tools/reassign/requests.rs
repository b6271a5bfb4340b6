//! What kafka-reassign-partitions asks the cluster, and what it reads from the answers.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;

use super::data::{Assignment, joined};
use super::moves::Ongoing;
use crate::kafka::client::admin::Target;
use crate::kafka::metadata::record::{BROKER_RESOURCE, TOPIC_RESOURCE};
use crate::kafka::names::{self, TopicPartition};
use crate::kafka::protocol::api::{Request, Response};
use crate::shell::java::exception::Exception;
use crate::shell::java::hash;
use crate::shell::tools::script::{Script, Stop, execution};
use crate::shell::tools::topics::requests::{self as topic_requests, first_error};

/// `AlterConfigOp.OpType`
const SET: i8 = 0;
const DELETE: i8 = 1;

/// Replicas by partition of one topic.
pub type Topic = BTreeMap<i32, Vec<i32>>;
/// Values of configurations; `None` takes one away.
pub type Configs = Vec<(&'static str, Option<String>)>;

/// Reassignments that go on: all, or those of these partitions.
///
/// # Errors
/// The answer is not there yet, or is an error.
pub fn ongoing(script: &mut Script, of: Option<&BTreeSet<TopicPartition>>) -> Result<BTreeMap<TopicPartition, Ongoing>, Stop> {
    let topics = of.map(|partitions| {
        let by_topic = grouped(partitions.iter().map(|name| (name, name.partition)));
        let topic =
            |(name, partitions)| ListPartitionReassignmentsTopics::default().with_name(topic_name(name)).with_partition_indexes(partitions);
        by_topic.into_iter().map(topic).collect()
    });
    let request = ListPartitionReassignmentsRequest::default().with_topics(topics).with_timeout_ms(script.timeout_ms());
    let Response::ListPartitionReassignments(body) = script.get("listPartitionReassignments", Target::Any, request)? else {
        return Err(unexpected());
    };
    first_error([(body.error_code, body.error_message.as_deref())].into_iter()).map_err(execution)?;
    let mut ongoing = BTreeMap::new();
    for topic in &body.topics {
        for partition in &topic.partitions {
            let ids = |ids: &[BrokerId]| ids.iter().map(|id| id.0).collect();
            let moving = Ongoing {
                replicas: ids(&partition.replicas),
                adding: ids(&partition.adding_replicas),
                removing: ids(&partition.removing_replicas),
            };
            ongoing.insert(TopicPartition::new(topic.name.as_str(), partition.partition_index), moving);
        }
    }
    Ok(ongoing)
}

/// The brokers that are up, with their racks.
///
/// # Errors
/// The answer is not there yet, or is an error.
pub fn nodes(script: &mut Script) -> Result<Vec<(i32, Option<String>)>, Stop> {
    let Response::DescribeCluster(body) = script.get("listNodes", Target::Any, topic_requests::cluster())? else {
        return Err(unexpected());
    };
    Ok(body.brokers.iter().map(|broker| (broker.broker_id.0, broker.rack.as_ref().map(|rack| rack.to_string()))).collect())
}

/// Topics by name, or what is wrong with them.
///
/// # Errors
/// The answer is not there yet, or is an error.
pub fn topics(script: &mut Script, names: &BTreeSet<String>) -> Result<BTreeMap<String, Result<Topic, Exception>>, Stop> {
    let names: Vec<String> = names.iter().cloned().collect();
    let mut topics: BTreeMap<String, Result<Topic, Exception>> = BTreeMap::new();
    let mut cursor = None;
    loop {
        let request = topic_requests::partitions(&names, cursor);
        let Response::DescribeTopicPartitions(body) = script.get("describeTopics", Target::Any, request)? else {
            return Err(unexpected());
        };
        for topic in &body.topics {
            let Some(name) = &topic.name else { continue };
            let entry = topics.entry(name.to_string()).or_insert_with(|| Ok(Topic::new()));
            match (topic.error_code, entry) {
                (0, Ok(found)) => found.extend(
                    topic.partitions.iter().map(|one| (one.partition_index, one.replica_nodes.iter().map(|id| id.0).collect::<Vec<_>>())),
                ),
                (code, entry) => *entry = Err(Exception::of(code, None)),
            }
        }
        let Some(next) = body.next_cursor else { return Ok(topics) };
        let at = describe_topic_partitions_request::Cursor::default();
        cursor = Some(at.with_topic_name(next.topic_name).with_partition_index(next.partition_index));
    }
}

/// As [`topics`], where all must be there (`ReassignPartitionsCommand.describeTopics`).
///
/// # Errors
/// The answer is not there yet, or one of them does not exist.
pub fn found_topics(script: &mut Script, names: &BTreeSet<String>) -> Result<BTreeMap<String, Topic>, Stop> {
    let mut found = BTreeMap::new();
    for (name, topic) in topics(script, names)? {
        match topic {
            Ok(topic) => found.insert(name, topic),
            Err(error) if error.class.ends_with(".UnknownTopicOrPartitionException") => {
                return Err(execution(Exception { message: Some(format!("Topic {name} not found.")), ..error }));
            }
            Err(error) => return Err(execution(error)),
        };
    }
    Ok(found)
}

/// The replicas of these partitions (`getReplicasForPartitions`).
///
/// # Errors
/// The answer is not there yet, or one of them does not exist.
pub fn current(script: &mut Script, partitions: &Assignment) -> Result<Assignment, Stop> {
    let names = partitions.keys().map(|name| name.topic.to_string()).collect();
    let topics = found_topics(script, &names)?;
    let replicas = |name: &TopicPartition| Some((name.clone(), topics.get(&*name.topic)?.get(&name.partition)?.clone()));
    let found: Assignment = partitions.keys().filter_map(replicas).collect();
    let missing: Vec<&TopicPartition> = partitions.keys().filter(|name| !found.contains_key(name)).collect();
    if missing.is_empty() {
        return Ok(found);
    }
    let missing = hash::order(missing, 16, |name| hash::of_partition(name));
    let message = format!("Unable to find partition: {}", joined(&missing, ", "));
    Err(execution(Exception::of(3, Some(&message))))
}

/// Begins reassignments, or calls them off (`None`); what went wrong, by partition.
///
/// # Errors
/// The answer is not there yet, or is an error.
pub fn alter(
    script: &mut Script,
    targets: &BTreeMap<TopicPartition, Option<Vec<i32>>>,
    may_change_factor: bool,
) -> Result<Vec<String>, Stop> {
    let by_topic = grouped(targets.iter().map(|(name, target)| (name, (name.partition, target))));
    let topics = by_topic.into_iter().map(|(name, partitions)| {
        let partition = |(n, target): (i32, &Option<Vec<i32>>)| {
            let replicas = target.as_ref().map(|ids| ids.iter().copied().map(BrokerId).collect());
            ReassignablePartition::default().with_partition_index(n).with_replicas(replicas)
        };
        ReassignableTopic::default().with_name(topic_name(name)).with_partitions(partitions.into_iter().map(partition).collect())
    });
    let request = AlterPartitionReassignmentsRequest::default()
        .with_timeout_ms(script.timeout_ms())
        .with_allow_replication_factor_change(may_change_factor)
        .with_topics(topics.collect());
    let body = match script.ask("alterPartitionReassignments", Target::Any, request)? {
        Ok(Response::AlterPartitionReassignments(body)) => body,
        Ok(_) => return Err(unexpected()),
        Err(error) => return Ok(targets.keys().map(|name| format!("{name}: {}", error.text())).collect()),
    };
    let mut errors = BTreeMap::new();
    for topic in &body.responses {
        for partition in topic.partitions.iter().filter(|partition| partition.error_code != 0) {
            let name = TopicPartition::new(topic.name.as_str(), partition.partition_index);
            let error = Exception::of(partition.error_code, partition.error_message.as_deref());
            errors.insert(name.clone(), format!("{name}: {}", error.text()));
        }
    }
    Ok(errors.into_values().collect())
}

/// Alters configurations of topics, all in one request.
///
/// # Errors
/// The answer is not there yet, or an error is in it.
pub fn alter_topic_configs(script: &mut Script, topics: Vec<(String, Configs)>) -> Result<(), Stop> {
    let resources = topics.iter().map(|(topic, configs)| resource(TOPIC_RESOURCE, topic, configs));
    let request = IncrementalAlterConfigsRequest::default().with_resources(resources.collect());
    altered(&[script.ask("incrementalAlterConfigs", Target::Any, request)?])
}

/// Alters configurations of brokers: each is asked itself.
///
/// # Errors
/// The answers are not there yet, or an error is in one.
pub fn alter_broker_configs(script: &mut Script, brokers: &[i32], configs: &[(&'static str, Option<String>)]) -> Result<(), Stop> {
    let asked = brokers.iter().map(|broker| {
        let resources = vec![resource(BROKER_RESOURCE, &broker.to_string(), configs)];
        let request = IncrementalAlterConfigsRequest::default().with_resources(resources);
        ("incrementalAlterConfigs", Target::Node(names::BrokerId(*broker)), Request::from(request))
    });
    altered(&script.ask_all(asked.collect())?)
}

fn altered(answers: &[Result<Response, Exception>]) -> Result<(), Stop> {
    for answer in answers {
        match answer {
            Ok(Response::IncrementalAlterConfigs(body)) => {
                let errors = body.responses.iter().map(|resource| (resource.error_code, resource.error_message.as_deref()));
                first_error(errors).map_err(execution)?;
            }
            Ok(_) => return Err(unexpected()),
            Err(error) => return Err(execution(error.clone())),
        }
    }
    Ok(())
}

fn resource(kind: i8, name: &str, configs: &[(&'static str, Option<String>)]) -> AlterConfigsResource {
    let configs = configs.iter().map(|(name, value)| {
        AlterableConfig::default()
            .with_name(StrBytes::from_static_str(name))
            .with_config_operation(if value.is_some() { SET } else { DELETE })
            .with_value(value.clone().map(StrBytes::from_string))
    });
    AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(StrBytes::from_string(name.to_owned()))
        .with_configs(configs.collect())
}

fn grouped<'a, T>(partitions: impl Iterator<Item = (&'a TopicPartition, T)>) -> BTreeMap<&'a str, Vec<T>> {
    let mut by_topic: BTreeMap<&str, Vec<T>> = BTreeMap::new();
    partitions.for_each(|(name, value)| by_topic.entry(&name.topic).or_default().push(value));
    by_topic
}

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

/// An answer to another request than was asked.
pub fn unexpected() -> Stop {
    Exception::kafka("An unexpected response").into()
}
