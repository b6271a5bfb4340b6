//! What kafka-topics asks the cluster, and what it reads from the answers.

use kafka_protocol::messages::create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};
use kafka_protocol::messages::create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::args::{Wanted, of};
use super::describe::{Description, Partition};
use crate::kafka::names;
use crate::shell::java::exception::Exception;
use crate::shell::options::Options;
use crate::shell::tools::kafka::include_list;

/// At most so many partitions are described in one response.
const PARTITIONS_PER_RESPONSE: i32 = 2_000;
/// `ConfigResource.Type.TOPIC`.
const TOPIC_RESOURCE: i8 = 2;
/// `ConfigSource.DEFAULT_CONFIG`: Kafka's own default.
const DEFAULT_CONFIG: i8 = 5;

/// A topic as `listTopics` knows it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub name: String,
    pub id: Uuid,
    pub internal: bool,
}

pub fn list() -> MetadataRequest {
    MetadataRequest::default().with_topics(None).with_allow_auto_topic_creation(false)
}

pub fn listed(body: &MetadataResponse) -> Vec<Listed> {
    let named = body.topics.iter().filter_map(|topic| Some((topic.name.as_ref()?, topic)));
    named.map(|(name, topic)| Listed { name: name.to_string(), id: topic.topic_id, internal: topic.is_internal }).collect()
}

/// The names of the topics that the options mean, sorted by bytes (`TopicCommand.getTopics`).
///
/// # Errors
/// A pattern or an id that is none.
pub fn chosen(topics: &[Listed], options: &Options) -> Result<Vec<String>, Exception> {
    let id = topic_id(options)?;
    let pattern = options.one("topic").map_err(of)?.map(include_list).transpose()?;
    let means = |topic: &&Listed| match id {
        Some(id) => topic.id == id,
        None => pattern.as_ref().is_none_or(|pattern| pattern.is_match(&topic.name)),
    };
    let internal = !options.has("exclude-internal");
    let mut names: Vec<String> =
        topics.iter().filter(|topic| internal || !topic.internal).filter(means).map(|topic| topic.name.clone()).collect();
    names.sort();
    Ok(names)
}

/// `--topic-id`, unless it is the zero id, which stands for none.
///
/// # Errors
/// What `Uuid.fromString` says of text that is no id.
pub fn topic_id(options: &Options) -> Result<Option<Uuid>, Exception> {
    let Some(text) = options.one("topic-id").map_err(of)? else { return Ok(None) };
    Ok(Some(parse_id(text)?).filter(|id| !id.is_nil()))
}

/// `Uuid.fromString`
///
/// # Errors
/// What it says of text that is no id.
pub fn parse_id(text: &str) -> Result<Uuid, Exception> {
    if text.len() > 24 {
        let head: String = text.chars().take(24).collect();
        return Err(Exception::illegal_argument(format!("Input string with prefix `{head}` is too long to be decoded as a base64 UUID")));
    }
    let bytes = decode_base64(text).ok_or_else(|| Exception::illegal_argument(format!("Illegal base64 character in `{text}`")))?;
    let bytes: [u8; 16] = bytes.try_into().map_err(|bytes: Vec<u8>| {
        let message = format!(
            "Input string `{text}` decoded as {} bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID",
            bytes.len()
        );
        Exception::illegal_argument(message)
    })?;
    Ok(Uuid::from_bytes(bytes))
}

pub fn create(wanted: &Wanted, timeout_ms: i32) -> CreateTopicsRequest {
    let assignments =
        wanted.assignment.iter().flatten().map(|(partition, brokers)| {
            CreatableReplicaAssignment::default().with_partition_index(*partition).with_broker_ids(ids(brokers))
        });
    let configs =
        wanted.configs.iter().map(|(name, value)| CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value))));
    let topic = CreatableTopic::default()
        .with_name(topic(&wanted.name))
        .with_num_partitions(wanted.partitions.unwrap_or(-1))
        .with_replication_factor(wanted.replication_factor.map_or(-1, |factor| factor as i16))
        .with_assignments(assignments.collect())
        .with_configs(configs.collect());
    CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(timeout_ms)
}

/// # Errors
/// What the broker said.
pub fn created(body: &CreateTopicsResponse) -> Result<(), Exception> {
    first_error(body.topics.iter().map(|topic| (topic.error_code, topic.error_message.as_deref())))
}

/// The first error of an answer, with the broker's message.
///
/// # Errors
/// That error.
pub fn first_error<'a>(errors: impl Iterator<Item = (i16, Option<&'a str>)>) -> Result<(), Exception> {
    let mut errors = errors.filter(|(code, _)| *code != 0);
    errors.next().map_or(Ok(()), |(code, message)| Err(Exception::of(code, message)))
}

pub fn partitions(names: &[String], cursor: Option<Cursor>) -> DescribeTopicPartitionsRequest {
    let topics = names.iter().map(|name| TopicRequest::default().with_name(topic(name)));
    DescribeTopicPartitionsRequest::default()
        .with_topics(topics.collect())
        .with_response_partition_limit(PARTITIONS_PER_RESPONSE)
        .with_cursor(cursor)
}

/// Adds an answer's partitions; where to go on, if there are more.
///
/// # Errors
/// The first error of a topic.
pub fn add_partitions(body: &DescribeTopicPartitionsResponse, described: &mut Vec<Description>) -> Result<Option<Cursor>, Exception> {
    first_error(body.topics.iter().map(|topic| (topic.error_code, None)))?;
    for answered in &body.topics {
        let Some(name) = &answered.name else { continue };
        let at = match described.iter().position(|topic| topic.name == name.as_str()) {
            Some(at) => at,
            None => {
                described.push(Description { name: name.to_string(), id: names::uuid_text(answered.topic_id), ..Description::default() });
                described.len() - 1
            }
        };
        described[at].partitions.extend(answered.partitions.iter().map(|partition| Partition {
            partition: partition.partition_index,
            leader: (partition.leader_id.0 >= 0).then_some(names::BrokerId(partition.leader_id.0)),
            replicas: brokers(&partition.replica_nodes),
            isr: brokers(&partition.isr_nodes),
            elr: brokers(partition.eligible_leader_replicas.as_deref().unwrap_or_default()),
            last_known_elr: brokers(partition.last_known_elr.as_deref().unwrap_or_default()),
            adding: Vec::new(),
            removing: Vec::new(),
        }));
    }
    described.iter_mut().for_each(|topic| topic.partitions.sort_by_key(|partition| partition.partition));
    let next = body.next_cursor.as_ref();
    Ok(next.map(|next| Cursor::default().with_topic_name(next.topic_name.clone()).with_partition_index(next.partition_index)))
}

pub fn configs(names: &[String]) -> DescribeConfigsRequest {
    let resources = names.iter().map(|name| {
        DescribeConfigsResource::default().with_resource_type(TOPIC_RESOURCE).with_resource_name(text(name)).with_configuration_keys(None)
    });
    DescribeConfigsRequest::default().with_resources(resources.collect())
}

/// # Errors
/// The first error of a topic.
pub fn add_configs(body: &DescribeConfigsResponse, described: &mut [Description]) -> Result<(), Exception> {
    first_error(body.results.iter().map(|result| (result.error_code, result.error_message.as_deref())))?;
    for result in &body.results {
        let Some(topic) = described.iter_mut().find(|topic| topic.name == result.resource_name.as_str()) else { continue };
        let value =
            |config: &describe_configs_response::DescribeConfigsResourceResult| config.value.as_deref().unwrap_or_default().to_owned();
        let min_isr = result.configs.iter().find(|config| config.name.as_str() == "min.insync.replicas");
        topic.min_isr = min_isr.and_then(|config| value(config).parse().ok()).unwrap_or(1);
        let own = result.configs.iter().filter(|config| config.config_source != DEFAULT_CONFIG);
        topic.configs = own.map(|config| (config.name.to_string(), value(config))).collect();
    }
    Ok(())
}

pub fn cluster() -> DescribeClusterRequest {
    // Brokers, not controllers.
    DescribeClusterRequest::default().with_endpoint_type(1)
}

pub fn reassignments(described: &[Description], timeout_ms: i32) -> ListPartitionReassignmentsRequest {
    let topics = described.iter().map(|described| {
        let partitions = described.partitions.iter().map(|partition| partition.partition);
        ListPartitionReassignmentsTopics::default().with_name(topic(&described.name)).with_partition_indexes(partitions.collect())
    });
    ListPartitionReassignmentsRequest::default().with_topics(Some(topics.collect())).with_timeout_ms(timeout_ms)
}

/// An error is no reason to show nothing: Kafka's tool goes on without the reassignments then.
pub fn add_reassignments(body: &ListPartitionReassignmentsResponse, described: &mut [Description]) {
    for ongoing in &body.topics {
        let Some(topic) = described.iter_mut().find(|topic| topic.name == ongoing.name.as_str()) else { continue };
        for moved in &ongoing.partitions {
            let Some(partition) = topic.partitions.iter_mut().find(|partition| partition.partition == moved.partition_index) else {
                continue;
            };
            partition.adding = brokers(&moved.adding_replicas);
            partition.removing = brokers(&moved.removing_replicas);
        }
    }
}

/// Raises the number of partitions; of an assignment only the part for new partitions counts.
pub fn create_partitions(wanted: &Wanted, described: &[Description], timeout_ms: i32) -> CreatePartitionsRequest {
    let topics = described.iter().map(|described| {
        let assignments = wanted.assignment.as_ref().map(|assignment| {
            let new = assignment.values().skip(described.partitions.len());
            new.map(|brokers| CreatePartitionsAssignment::default().with_broker_ids(ids(brokers))).collect()
        });
        CreatePartitionsTopic::default()
            .with_name(topic(&described.name))
            .with_count(wanted.partitions.unwrap_or_default())
            .with_assignments(assignments)
    });
    CreatePartitionsRequest::default().with_topics(topics.collect()).with_timeout_ms(timeout_ms)
}

pub fn delete(names: &[String], timeout_ms: i32) -> DeleteTopicsRequest {
    let topics = names.iter().map(|name| DeleteTopicState::default().with_name(Some(topic(name))));
    DeleteTopicsRequest::default().with_topics(topics.collect()).with_timeout_ms(timeout_ms)
}

fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn ids(brokers: &[i32]) -> Vec<BrokerId> {
    brokers.iter().copied().map(BrokerId).collect()
}

fn brokers(ids: &[BrokerId]) -> Vec<names::BrokerId> {
    ids.iter().map(|id| names::BrokerId(id.0)).collect()
}

/// Base64 for URLs.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = BASE64.iter().position(|known| *known == letter)?;
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_as_kafka_writes_them() {
        let text = "JNMgInzDQuuqe5ohAcxbrQ";
        let id = Uuid::from_bytes(decode_base64(text).unwrap().try_into().unwrap());
        assert_eq!(names::uuid_text(id), text);
        let said = |text: &str| topic_id(&Options::parse(super::super::args::TABLE, &["--topic-id".into(), text.into()]).unwrap());
        assert_eq!(said(text), Ok(Some(id)));
        assert_eq!(said("AAAAAAAAAAAAAAAAAAAAAA"), Ok(None));
        assert_eq!(
            said("nonsense").unwrap_err().text(),
            "Input string `nonsense` decoded as 6 bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID"
        );
    }
}
