//! Which operation on which resource each request needs (`KafkaApis`, `ControllerApis`), and what becomes of what is not allowed: it is taken out
//! of the request, and stands as an answer of the same kind that [`super::merge`] puts to the answer of the rest.

use kafka_protocol::messages::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use kafka_protocol::messages::describe_producers_response::{PartitionResponse, TopicResponse};
use kafka_protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::acl::{Operation, ResourceType};
use super::authorizer::Guard;
use super::{cluster_checks, group_checks};
use crate::kafka::metadata::image::Image;
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::errors;
use crate::kafka::protocol::frame::Batches;

pub(super) const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
pub(super) const GROUP_AUTHORIZATION_FAILED: i16 = 30;
pub(super) const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;
pub(super) const TRANSACTIONAL_ID_AUTHORIZATION_FAILED: i16 = 53;

/// What of a request may go on.
#[derive(Debug)]
pub enum Checked {
    All,
    /// What is left of the request; this is to be put to its answer.
    Rest(Response),
    /// Nothing; this is the answer.
    Refused(Response),
    /// Nothing, and nobody waits for an answer: the connection is closed.
    Close,
}

impl Checked {
    /// [`Checked::All`] if nothing was refused.
    pub(super) fn rest<T>(refused: Vec<T>, answer: impl FnOnce(Vec<T>) -> Response) -> Checked {
        if refused.is_empty() { Checked::All } else { Checked::Rest(answer(refused)) }
    }
}

/// Takes out of a request what its sender may not do. `what` describes the request where an answer says so in words.
pub fn check(guard: &Guard, image: &Image, what: &str, request: &mut Request, batches: &mut Vec<Batches>) -> Checked {
    match request {
        Request::Produce(body) => produce(guard, image, body, batches),
        // Of a fetch the broker asks itself: a session may hold more than its request names.
        Request::Fetch(_) => Checked::All,
        Request::ListOffsets(body) => list_offsets(guard, body),
        Request::Metadata(body) => metadata(guard, image, body),
        Request::DescribeTopicPartitions(body) => describe_topic_partitions(guard, image, body),
        Request::DeleteRecords(body) => delete_records(guard, body),
        Request::OffsetForLeaderEpoch(body) => offset_for_leader_epoch(guard, body),
        Request::DescribeProducers(body) => describe_producers(guard, body),
        Request::InitProducerId(body) => init_producer_id(guard, body),
        other => match group_checks::check(guard, other) {
            Some(checked) => checked,
            None => cluster_checks::check(guard, image, what, other),
        },
    }
}

fn produce(guard: &Guard, image: &Image, body: &mut ProduceRequest, batches: &mut Vec<Batches>) -> Checked {
    let id = body.transactional_id.as_ref().map(|id| id.0.as_str());
    let refuses_id = id.is_some_and(|id| !guard.allows(Operation::Write, ResourceType::TransactionalId, id));
    let (mut refused, mut kept) = (Vec::new(), Vec::new());
    let mut all = std::mem::take(batches).into_iter();
    body.topic_data.retain(|topic| {
        let own = all.by_ref().take(topic.partition_data.len());
        let forbidden = |name: &str| !guard.allows_topic(Operation::Write, name);
        let error = match image.topic_by_id(topic.topic_id) {
            _ if refuses_id => TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            Some(known) if forbidden(&known.name) => TOPIC_AUTHORIZATION_FAILED,
            _ => {
                kept.extend(own);
                return true;
            }
        };
        own.for_each(drop);
        let partition = |index: i32| PartitionProduceResponse::default().with_index(index).with_error_code(error).with_base_offset(-1);
        let partitions = topic.partition_data.iter().map(|data| partition(data.index).with_log_append_time_ms(-1));
        refused.push(TopicProduceResponse::default().with_topic_id(topic.topic_id).with_partition_responses(partitions.collect()));
        false
    });
    *batches = kept;
    if body.acks == 0 && !refused.is_empty() {
        return Checked::Close;
    }
    Checked::rest(refused, |refused| ProduceResponse::default().with_responses(refused).into())
}

fn list_offsets(guard: &Guard, body: &mut ListOffsetsRequest) -> Checked {
    let mut refused = Vec::new();
    body.topics.retain(|topic| {
        let allowed = guard.allows_topic(Operation::Describe, topic.name.as_str());
        if !allowed {
            let partitions = topic.partitions.iter().map(|asked| {
                let answer = ListOffsetsPartitionResponse::default().with_partition_index(asked.partition_index);
                answer.with_error_code(TOPIC_AUTHORIZATION_FAILED).with_timestamp(-1).with_offset(-1)
            });
            refused.push(ListOffsetsTopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions.collect()));
        }
        allowed
    });
    Checked::rest(refused, |refused| ListOffsetsResponse::default().with_topics(refused).into())
}

/// Topics that one may not describe are not there if all are asked for. One that would be created needs CREATE, on the cluster or on itself.
fn metadata(guard: &Guard, image: &Image, body: &mut MetadataRequest) -> Checked {
    let Some(topics) = &mut body.topics else {
        let allowed = image.topics.keys().filter(|name| guard.allows_topic(Operation::Describe, name));
        let topic = |name: &crate::kafka::names::Name| MetadataRequestTopic::default().with_name(Some(TopicName(name.to_string().into())));
        body.topics = Some(allowed.map(topic).collect());
        return Checked::All;
    };
    let creates = body.allow_auto_topic_creation;
    let mut refused = Vec::new();
    topics.retain(|topic| {
        let by_id = topic.topic_id != Uuid::nil();
        let known = image.topic_by_id(topic.topic_id).map(|topic| topic.name.to_string());
        let Some(name) = known.or_else(|| topic.name.as_ref().map(|name| name.to_string())) else { return true };
        let may_create = || {
            guard.allows_cluster(Operation::Create)
                || guard.allows_topic(Operation::Create, &name)
                || !creates
                || image.topic(&name).is_some()
        };
        let allowed = guard.allows_topic(Operation::Describe, &name) && may_create();
        if !allowed {
            let answer = MetadataResponseTopic::default().with_error_code(TOPIC_AUTHORIZATION_FAILED);
            let answer = answer.with_topic_authorized_operations(i32::MIN);
            refused.push(match by_id {
                true => answer.with_name(None).with_topic_id(topic.topic_id),
                false => answer.with_name(topic.name.clone()),
            });
        }
        allowed
    });
    Checked::rest(refused, |refused| MetadataResponse::default().with_topics(refused).into())
}

fn describe_topic_partitions(guard: &Guard, image: &Image, body: &mut DescribeTopicPartitionsRequest) -> Checked {
    use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
    if body.topics.is_empty() {
        let allowed = image.topics.keys().filter(|name| guard.allows_topic(Operation::Describe, name));
        body.topics = allowed.map(|name| TopicRequest::default().with_name(TopicName(name.to_string().into()))).collect();
        // No topics would mean all.
        return if body.topics.is_empty() { Checked::Refused(DescribeTopicPartitionsResponse::default().into()) } else { Checked::All };
    }
    let mut refused = Vec::new();
    body.topics.retain(|topic| {
        let allowed = guard.allows_topic(Operation::Describe, topic.name.as_str());
        if !allowed {
            let answer = DescribeTopicPartitionsResponseTopic::default().with_name(Some(topic.name.clone()));
            refused.push(answer.with_error_code(TOPIC_AUTHORIZATION_FAILED).with_topic_authorized_operations(i32::MIN));
        }
        allowed
    });
    let none_left = body.topics.is_empty();
    let answer = |refused| DescribeTopicPartitionsResponse::default().with_topics(refused).into();
    if none_left { Checked::Refused(answer(refused)) } else { Checked::rest(refused, answer) }
}

fn delete_records(guard: &Guard, body: &mut DeleteRecordsRequest) -> Checked {
    let mut refused = Vec::new();
    body.topics.retain(|topic| {
        let allowed = guard.allows_topic(Operation::Delete, topic.name.as_str());
        if !allowed {
            let partitions = topic.partitions.iter().map(|asked| {
                let answer = DeleteRecordsPartitionResult::default().with_partition_index(asked.partition_index);
                answer.with_error_code(TOPIC_AUTHORIZATION_FAILED).with_low_watermark(-1)
            });
            refused.push(DeleteRecordsTopicResult::default().with_name(topic.name.clone()).with_partitions(partitions.collect()));
        }
        allowed
    });
    Checked::rest(refused, |refused| DeleteRecordsResponse::default().with_topics(refused).into())
}

fn offset_for_leader_epoch(guard: &Guard, body: &mut OffsetForLeaderEpochRequest) -> Checked {
    if guard.allows_cluster(Operation::ClusterAction) {
        return Checked::All;
    }
    let mut refused = Vec::new();
    body.topics.retain(|topic| {
        let allowed = guard.allows_topic(Operation::Describe, topic.topic.as_str());
        if !allowed {
            let partitions = topic.partitions.iter().map(|asked| {
                let answer = EpochEndOffset::default().with_partition(asked.partition).with_error_code(TOPIC_AUTHORIZATION_FAILED);
                answer.with_leader_epoch(-1).with_end_offset(-1)
            });
            refused.push(OffsetForLeaderTopicResult::default().with_topic(topic.topic.clone()).with_partitions(partitions.collect()));
        }
        allowed
    });
    Checked::rest(refused, |refused| OffsetForLeaderEpochResponse::default().with_topics(refused).into())
}

fn describe_producers(guard: &Guard, body: &mut DescribeProducersRequest) -> Checked {
    let mut refused = Vec::new();
    body.topics.retain(|topic| {
        let allowed = guard.allows_topic(Operation::Read, topic.name.as_str());
        if !allowed {
            let partitions = topic.partition_indexes.iter().map(|n| {
                let answer = PartitionResponse::default().with_partition_index(*n).with_error_code(TOPIC_AUTHORIZATION_FAILED);
                answer.with_error_message(Some(StrBytes::from_static_str(errors::info(TOPIC_AUTHORIZATION_FAILED).message)))
            });
            refused.push(TopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions.collect()));
        }
        allowed
    });
    Checked::rest(refused, |refused| DescribeProducersResponse::default().with_topics(refused).into())
}

/// Whoever may write to some topic may number its batches.
fn init_producer_id(guard: &Guard, body: &InitProducerIdRequest) -> Checked {
    let error = match &body.transactional_id {
        Some(id) if !guard.allows(Operation::Write, ResourceType::TransactionalId, id.0.as_str()) => TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        None if !guard.allows_cluster(Operation::IdempotentWrite) && !guard.allows_some(Operation::Write, ResourceType::Topic) => {
            CLUSTER_AUTHORIZATION_FAILED
        }
        _ => return Checked::All,
    };
    let answer = InitProducerIdResponse::default().with_error_code(error);
    Checked::Refused(answer.with_producer_id((-1).into()).with_producer_epoch(-1).into())
}
