//! Creating, growing and deleting topics (`ReplicationControlManager.createTopics`, `createPartitions`, `deleteTopics`).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest,
    DeleteTopicsResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::placement::{UsableBroker, place};
use super::{Outcome, State};
use crate::kafka::event::Event;
use crate::kafka::log::config::LogConfig;
use crate::kafka::metadata::image::NO_LEADER;
use crate::kafka::metadata::record::{BrokerRegistration, MetadataRecord, PartitionRecord, TOPIC_RESOURCE};
use crate::kafka::names::METADATA_TOPIC;
use crate::kafka::quota::mutations::{Exceeded, MutationQuota};
use crate::sim::rng::Rng;

/// `ReplicationControlManager.MAX_PARTITIONS_PER_BATCH`: more in one request is refused.
const MAX_PARTITIONS_PER_REQUEST: i64 = 10_000;

type Refusal = (ResponseError, String);

impl State {
    /// CreateTopics. Returns the outcome and what was created, for the events.
    pub fn create_topics(&self, request: &CreateTopicsRequest, quota: &mut MutationQuota, rng: &mut Rng) -> (Outcome, Vec<Event>) {
        let (mut records, mut results, mut events) = (Vec::new(), Vec::new(), Vec::new());
        let asked: i64 = request.topics.iter().map(|topic| i64::from(topic.num_partitions.max(0)) + topic.assignments.len() as i64).sum();
        for topic in &request.topics {
            let result = CreatableTopicResult::default().with_name(topic.name.clone()).with_num_partitions(-1).with_replication_factor(-1);
            let created = if asked > MAX_PARTITIONS_PER_REQUEST {
                Err((ResponseError::PolicyViolation, "Excessively large number of partitions per request.".into()))
            } else {
                self.create_topic(topic, rng).and_then(|created| take(quota, created.partitions.len()).map(|()| created))
            };
            results.push(match created {
                Ok(created) => {
                    let (id, partitions, factor) = (created.id, created.partitions.len() as i32, created.partitions[0].len() as i32);
                    if !request.validate_only {
                        let name = topic.name.as_str().into();
                        events.push(Event::TopicCreated { topic: name, partitions, replication_factor: factor });
                        records.extend(self.topic_records(topic, &created));
                    }
                    result
                        .with_topic_id(id)
                        .with_num_partitions(partitions)
                        .with_replication_factor(factor as i16)
                        .with_configs(Some(Vec::new()))
                }
                Err((error, message)) => result.with_error_code(error.code()).with_error_message(Some(StrBytes::from_string(message))),
            });
        }
        let response = CreateTopicsResponse::default().with_topics(results).with_throttle_time_ms(throttle_ms(quota));
        (Outcome { records, response: response.into() }, events)
    }

    /// CreatePartitions.
    #[inline(never)]
    pub fn create_partitions(&self, request: &CreatePartitionsRequest, quota: &mut MutationQuota, rng: &mut Rng) -> (Outcome, Vec<Event>) {
        let (mut records, mut results, mut events) = (Vec::new(), Vec::new(), Vec::new());
        for topic in &request.topics {
            let result = CreatePartitionsTopicResult::default().with_name(topic.name.clone());
            let grown = self.grow_topic(topic, rng);
            results.push(match grown.and_then(|(added, from)| take(quota, added.len()).map(|()| (added, from))) {
                Ok((added, from)) => {
                    if !request.validate_only {
                        records.extend(added);
                        events.push(Event::PartitionsAdded { topic: topic.name.as_str().into(), from, to: topic.count });
                    }
                    result
                }
                Err((error, message)) => result.with_error_code(error.code()).with_error_message(Some(StrBytes::from_string(message))),
            });
        }
        let response = CreatePartitionsResponse::default().with_results(results).with_throttle_time_ms(throttle_ms(quota));
        (Outcome { records, response: response.into() }, events)
    }

    /// DeleteTopics, by name or id.
    #[inline(never)]
    pub fn delete_topics(&self, request: &DeleteTopicsRequest, quota: &mut MutationQuota) -> Outcome {
        let (mut records, mut results) = (Vec::new(), Vec::new());
        // `ControllerApis.deleteTopics`
        let is_enabled = self.config.get("delete.topic.enable").is_none_or(|value| value.trim() != "false");
        for topic in &request.topics {
            if !is_enabled {
                let result = DeletableTopicResult::default().with_name(topic.name.clone()).with_topic_id(topic.topic_id);
                results.push(result.with_error_code(ResponseError::TopicDeletionDisabled.code()));
                continue;
            }
            let found = match &topic.name {
                Some(name) => self.image.topic(name),
                None => self.image.topic_by_id(topic.topic_id),
            };
            let result = DeletableTopicResult::default().with_name(topic.name.clone()).with_topic_id(topic.topic_id);
            results.push(match found {
                Some(found) if quota.record(found.partitions.len() as u64).is_err() => {
                    result.with_error_code(THROTTLED.code()).with_error_message(Some(StrBytes::from_static_str(THROTTLED_TEXT)))
                }
                Some(found) => {
                    records.push(MetadataRecord::RemoveTopic { topic_id: found.id });
                    result.with_name(Some(TopicName(StrBytes::from_string(found.name.to_string())))).with_topic_id(found.id)
                }
                None => {
                    let error = if topic.name.is_some() { ResponseError::UnknownTopicOrPartition } else { ResponseError::UnknownTopicId };
                    let message = StrBytes::from_static_str(if topic.name.is_some() {
                        "This server does not host this topic-partition."
                    } else {
                        "This server does not host this topic ID."
                    });
                    result.with_error_code(error.code()).with_error_message(Some(message))
                }
            });
        }
        let response = DeleteTopicsResponse::default().with_responses(results).with_throttle_time_ms(throttle_ms(quota));
        Outcome { records, response: response.into() }
    }

    fn create_topic(&self, topic: &CreatableTopic, rng: &mut Rng) -> Result<NewTopic, Refusal> {
        let name = topic.name.as_str();
        validate_name(name)?;
        if name == METADATA_TOPIC {
            return Err((ResponseError::InvalidRequest, format!("Creation of internal topic {name} is prohibited.")));
        }
        if self.image.topic(name).is_some() {
            return Err((ResponseError::TopicAlreadyExists, format!("Topic '{name}' already exists.")));
        }
        let unify = |name: &str| name.replace('.', "_");
        if let Some(other) = self.image.topics.keys().find(|other| unify(other) == unify(name)) {
            return Err((ResponseError::InvalidTopicException, format!("Topic '{name}' collides with existing topic: {other}")));
        }
        let pair = |config: &CreatableTopicConfig| {
            (config.name.to_string(), config.value.as_ref().map_or(String::new(), |value| value.to_string()))
        };
        self.check_topic_configs(&topic.configs.iter().map(pair).collect())?;
        let partitions = match topic.assignments.is_empty() {
            true => self.automatic_placement(topic, rng)?,
            false => self.manual_placement(topic)?,
        };
        Ok(NewTopic { id: Uuid::from_bytes(rng.bytes16()), partitions })
    }

    fn automatic_placement(&self, topic: &CreatableTopic, rng: &mut Rng) -> Result<Vec<Vec<i32>>, Refusal> {
        if topic.num_partitions == 0 || topic.num_partitions < -1 {
            let message = "Number of partitions was set to an invalid non-positive value.".to_owned();
            return Err((ResponseError::InvalidPartitions, message));
        }
        if topic.replication_factor == 0 || topic.replication_factor < -1 {
            let message = "Replication factor must be larger than 0, or -1 to use the default value.".to_owned();
            return Err((ResponseError::InvalidReplicationFactor, message));
        }
        let or_default = |asked: i64, name: &str| if asked == -1 { self.setting(name, 1) } else { asked };
        let partitions = or_default(i64::from(topic.num_partitions), "num.partitions");
        let factor = or_default(i64::from(topic.replication_factor), "default.replication.factor");
        let factor = factor.max(1) as usize;
        let placed = self.place(partitions.max(1) as usize, factor, rng);
        placed.map_err(|(error, why)| (error, format!("Unable to replicate the partition {factor} time(s): {why}")))
    }

    fn place(&self, partitions: usize, factor: usize, rng: &mut Rng) -> Result<Vec<Vec<i32>>, Refusal> {
        let usable =
            |broker: &std::sync::Arc<BrokerRegistration>| UsableBroker { id: broker.id, rack: broker.rack.clone(), fenced: broker.fenced };
        let is_usable = |broker: &&std::sync::Arc<BrokerRegistration>| broker.has_uncordoned_dirs();
        let brokers: Vec<UsableBroker> = self.image.brokers.values().filter(is_usable).map(usable).collect();
        let refuse = |why: String| (ResponseError::InvalidReplicationFactor, why);
        if brokers.iter().all(|broker| broker.fenced) {
            return Err(refuse("All brokers are currently fenced, or have all their log directories cordoned.".into()));
        }
        let registered = brokers.len();
        if factor > registered {
            return Err(refuse(format!(
                "The target replication factor of {factor} cannot be reached because only {registered} broker(s) are registered or some brokers have all \
                 their log directories cordoned."
            )));
        }
        Ok(place(&brokers, partitions, factor, &mut |bound| rng.below(bound as u64) as usize))
    }

    fn manual_placement(&self, topic: &CreatableTopic) -> Result<Vec<Vec<i32>>, Refusal> {
        let mut assignments: Vec<_> = topic.assignments.iter().collect();
        assignments.sort_by_key(|assignment| assignment.partition_index);
        let replicas: Vec<Vec<i32>> = assignments.iter().map(|assignment| assignment.broker_ids.iter().map(|id| id.0).collect()).collect();
        for (n, replicas) in replicas.iter().enumerate() {
            self.check_assignment(replicas, replicas.len())?;
            self.check_somebody_is_there(n, replicas)?;
        }
        Ok(replicas)
    }

    /// A partition that was placed by hand needs somebody to lead it.
    fn check_somebody_is_there(&self, partition: usize, replicas: &[i32]) -> Result<(), Refusal> {
        if replicas.iter().any(|&replica| self.image.is_active(replica)) {
            return Ok(());
        }
        let message = format!(
            "All brokers specified in the manual partition assignment for partition {partition} are fenced or in controlled shutdown."
        );
        Err((ResponseError::InvalidReplicaAssignment, message))
    }

    /// validateManualPartitionAssignment
    pub(super) fn check_assignment(&self, replicas: &[i32], factor: usize) -> Result<(), Refusal> {
        let invalid = |message: String| Err((ResponseError::InvalidReplicaAssignment, message));
        if replicas.is_empty() {
            return invalid("The manual partition assignment includes an empty replica list.".into());
        }
        if let Some(unknown) = replicas.iter().find(|id| !self.image.brokers.contains_key(*id)) {
            return invalid(format!("The manual partition assignment includes broker {unknown}, but no such broker is registered."));
        }
        if replicas.iter().enumerate().any(|(i, id)| replicas[..i].contains(id)) {
            return invalid("The manual partition assignment includes the broker more than once.".into());
        }
        if replicas.len() != factor {
            return invalid(format!(
                "The manual partition assignment includes a partition with {} replica(s), but this is not consistent with previous partitions, which have {factor} replica(s).",
                replicas.len()
            ));
        }
        Ok(())
    }

    fn grow_topic(&self, asked: &CreatePartitionsTopic, rng: &mut Rng) -> Result<(Vec<MetadataRecord>, i32), Refusal> {
        let name = asked.name.as_str();
        let unknown = (ResponseError::UnknownTopicOrPartition, "This server does not host this topic-partition.".to_owned());
        let topic = self.image.topic(name).ok_or(unknown)?;
        let from = topic.partitions.len() as i32;
        if asked.count == from {
            return Err((ResponseError::InvalidPartitions, format!("Topic already has {from} partition(s).")));
        }
        if asked.count < from {
            let message = format!("The topic {name} currently has {from} partition(s); {} would not be an increase.", asked.count);
            return Err((ResponseError::InvalidPartitions, message));
        }
        let added = (asked.count - from) as usize;
        let factor = topic.partitions.front().map_or(1, |partition| partition.replicas.len());
        if added as i64 > MAX_PARTITIONS_PER_REQUEST {
            return Err((ResponseError::PolicyViolation, "Excessively large number of partitions per request.".into()));
        }
        let placed = match &asked.assignments {
            None => self.place(added, factor, rng)?,
            Some(assignments) if assignments.len() != added => {
                let message = format!(
                    "Attempted to add {added} additional partition(s), but only {} assignment(s) were specified.",
                    assignments.len()
                );
                return Err((ResponseError::InvalidReplicaAssignment, message));
            }
            Some(assignments) => {
                let replicas: Vec<Vec<i32>> = assignments.iter().map(|one| one.broker_ids.iter().map(|id| id.0).collect()).collect();
                for (n, replicas) in replicas.iter().enumerate() {
                    self.check_assignment(replicas, factor)?;
                    self.check_somebody_is_there(from as usize + n, replicas)?;
                }
                replicas
            }
        };
        let records = placed.iter().zip(from..).map(|(replicas, n)| self.partition_record(topic.id, n, replicas)).collect();
        Ok((records, from))
    }

    fn topic_records(&self, topic: &CreatableTopic, created: &NewTopic) -> Vec<MetadataRecord> {
        let name = topic.name.to_string();
        let mut records = vec![MetadataRecord::Topic { name: name.clone(), topic_id: created.id }];
        records.extend(topic.configs.iter().map(|config| MetadataRecord::Config {
            resource_type: TOPIC_RESOURCE,
            resource_name: name.clone(),
            name: config.name.to_string(),
            value: config.value.as_ref().map(|value| value.to_string()),
        }));
        records.extend(self.clear_elr_records(&records));
        records.extend(created.partitions.iter().zip(0..).map(|(replicas, n)| self.partition_record(created.id, n, replicas)));
        records
    }

    /// `ClusterControlManager.defaultDir`: a broker's only directory; with several it chooses itself.
    fn default_directory(&self, broker: i32) -> Uuid {
        let directories = self.image.brokers.get(&broker).map(|broker| &broker.log_dirs[..]);
        if let Some([only]) = directories { *only } else { Uuid::nil() }
    }

    /// A new partition: in sync is who is there.
    fn partition_record(&self, topic_id: Uuid, partition_id: i32, replicas: &[i32]) -> MetadataRecord {
        let isr: Vec<i32> = replicas.iter().copied().filter(|&replica| self.image.is_active(replica)).collect();
        MetadataRecord::Partition(PartitionRecord {
            partition_id,
            topic_id,
            replicas: replicas.to_vec(),
            leader: isr.first().copied().unwrap_or(NO_LEADER),
            isr,
            removing: Vec::new(),
            adding: Vec::new(),
            leader_epoch: 0,
            partition_epoch: 0,
            directories: replicas.iter().map(|replica| self.default_directory(*replica)).collect(),
            ..PartitionRecord::default()
        })
    }
}

const THROTTLED: ResponseError = ResponseError::ThrottlingQuotaExceeded;
const THROTTLED_TEXT: &str = "The throttling quota has been exceeded.";

/// `ControllerRequestContext.applyPartitionChangeQuota`
fn take(quota: &mut MutationQuota, partitions: usize) -> Result<(), Refusal> {
    quota.record(partitions as u64).map_err(|Exceeded| (THROTTLED, THROTTLED_TEXT.to_owned()))
}

fn throttle_ms(quota: &MutationQuota) -> i32 {
    i32::try_from(quota.throttle_ms()).unwrap_or(i32::MAX)
}

struct NewTopic {
    id: Uuid,
    /// Replicas by partition; never empty.
    partitions: Vec<Vec<i32>>,
}

/// Whether Kafka takes this as a topic's name.
pub fn is_valid_name(name: &str) -> bool {
    validate_name(name).is_ok()
}

/// `Topic.validate`, in its words.
fn validate_name(name: &str) -> Result<(), Refusal> {
    let invalid = |why: String| Err((ResponseError::InvalidTopicException, format!("Topic name is invalid: {why}")));
    match name {
        "" => invalid("the empty string is not allowed".into()),
        "." | ".." => invalid(format!("'{name}' is not allowed")),
        _ if name.len() > 249 => invalid(format!("the length of '{name}' is longer than the max allowed length 249")),
        _ if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) => {
            invalid(format!("'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"))
        }
        _ => Ok(()),
    }
}

/// How a topic's logs are run.
pub fn log_config(state: &State, topic: &str) -> LogConfig {
    let own = state.image.configs(TOPIC_RESOURCE, topic);
    let cluster = state.image.configs(crate::kafka::metadata::record::BROKER_RESOURCE, "");
    crate::kafka::config::topic::log_config(&own, &cluster, &state.config)
}
