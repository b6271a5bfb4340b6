//! What requests about groups and their offsets need.

use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka_protocol::messages::offset_fetch_response::{OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;

use super::acl::{Operation, ResourceType};
use super::authorizer::Guard;
use super::checks::{Checked, GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED, TRANSACTIONAL_ID_AUTHORIZATION_FAILED};
use crate::kafka::protocol::api::Request;
use crate::kafka::protocol::errors;

/// `CoordinatorType`
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// `None`: the request is not about a group.
pub(super) fn check(guard: &Guard, request: &mut Request) -> Option<Checked> {
    let may_read = |group: &str| guard.allows_group(Operation::Read, group);
    let refused = |refused: bool, answer| if refused { Checked::Refused(answer) } else { Checked::All };
    Some(match request {
        Request::OffsetCommit(body) => offset_commit(guard, body),
        Request::OffsetFetch(body) => offset_fetch(guard, body),
        Request::FindCoordinator(body) => find_coordinator(guard, body),
        Request::DescribeGroups(body) => describe_groups(guard, body),
        Request::DeleteGroups(body) => delete_groups(guard, body),
        Request::OffsetDelete(body) => offset_delete(guard, body),
        Request::JoinGroup(body) => {
            let answer = JoinGroupResponse::default().with_error_code(GROUP_AUTHORIZATION_FAILED).with_generation_id(-1);
            refused(!may_read(body.group_id.as_str()), answer.with_protocol_name(None).with_member_id(body.member_id.clone()).into())
        }
        Request::SyncGroup(body) => {
            let answer = SyncGroupResponse::default().with_error_code(GROUP_AUTHORIZATION_FAILED);
            refused(!may_read(body.group_id.as_str()), answer.into())
        }
        Request::Heartbeat(body) => {
            let answer = HeartbeatResponse::default().with_error_code(GROUP_AUTHORIZATION_FAILED);
            refused(!may_read(body.group_id.as_str()), answer.into())
        }
        Request::ConsumerGroupHeartbeat(body) => {
            let group = may_read(body.group_id.as_str());
            // Nor may a topic's partitions be learned of by wanting it.
            let hidden = |topic: &TopicName| !guard.allows_topic(Operation::Describe, topic.as_str());
            let topics = !body.subscribed_topic_names.iter().flatten().any(hidden);
            let error = if group { TOPIC_AUTHORIZATION_FAILED } else { GROUP_AUTHORIZATION_FAILED };
            refused(!group || !topics, ConsumerGroupHeartbeatResponse::default().with_error_code(error).into())
        }
        Request::ConsumerGroupDescribe(body) => consumer_group_describe(guard, body),
        Request::LeaveGroup(body) => {
            let answer = LeaveGroupResponse::default().with_error_code(GROUP_AUTHORIZATION_FAILED);
            refused(!may_read(body.group_id.as_str()), answer.into())
        }
        // What may be listed is seen in the answer.
        Request::ListGroups(_) => Checked::All,
        _ => return None,
    })
}

fn offset_commit(guard: &Guard, body: &mut OffsetCommitRequest) -> Checked {
    let group = guard.allows_group(Operation::Read, body.group_id.as_str());
    let error = if group { TOPIC_AUTHORIZATION_FAILED } else { GROUP_AUTHORIZATION_FAILED };
    let mut refused = Vec::new();
    body.topics.retain(|topic| {
        let allowed = group && guard.allows_topic(Operation::Read, topic.name.as_str());
        if !allowed {
            let partitions = topic
                .partitions
                .iter()
                .map(|asked| OffsetCommitResponsePartition::default().with_partition_index(asked.partition_index).with_error_code(error));
            refused.push(OffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions.collect()));
        }
        allowed
    });
    let nothing_left = !group || body.topics.is_empty() && !refused.is_empty();
    let answer = |refused| OffsetCommitResponse::default().with_topics(refused).into();
    if nothing_left { Checked::Refused(answer(refused)) } else { Checked::rest(refused, answer) }
}

fn offset_fetch(guard: &Guard, body: &mut OffsetFetchRequest) -> Checked {
    let mut refused = Vec::new();
    body.groups.retain_mut(|group| {
        if !guard.allows_group(Operation::Describe, group.group_id.as_str()) {
            let answer = OffsetFetchResponseGroup::default().with_group_id(group.group_id.clone());
            refused.push(answer.with_error_code(GROUP_AUTHORIZATION_FAILED));
            return false;
        }
        let mut topics = Vec::new();
        group.topics.iter_mut().for_each(|asked| {
            asked.retain(|topic| {
                let allowed = guard.allows_topic(Operation::Describe, topic.name.as_str());
                if !allowed {
                    let partitions = topic.partition_indexes.iter().map(|&index| {
                        let answer = OffsetFetchResponsePartitions::default().with_partition_index(index).with_committed_offset(-1);
                        answer.with_metadata(Some(StrBytes::default())).with_error_code(TOPIC_AUTHORIZATION_FAILED)
                    });
                    topics.push(OffsetFetchResponseTopics::default().with_name(topic.name.clone()).with_partitions(partitions.collect()));
                }
                allowed
            });
        });
        if !topics.is_empty() {
            refused.push(OffsetFetchResponseGroup::default().with_group_id(group.group_id.clone()).with_topics(topics));
        }
        true
    });
    let none_left = body.groups.is_empty() && !refused.is_empty();
    let answer = |refused| OffsetFetchResponse::default().with_groups(refused).into();
    if none_left { Checked::Refused(answer(refused)) } else { Checked::rest(refused, answer) }
}

fn find_coordinator(guard: &Guard, body: &mut FindCoordinatorRequest) -> Checked {
    let (resource, error) = match body.key_type {
        GROUP => (ResourceType::Group, GROUP_AUTHORIZATION_FAILED),
        TRANSACTION => (ResourceType::TransactionalId, TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
        _ => return Checked::All,
    };
    let mut refused = Vec::new();
    body.coordinator_keys.retain(|key| {
        let allowed = guard.allows(Operation::Describe, resource, key.as_str());
        if !allowed {
            let answer = Coordinator::default().with_key(key.clone()).with_node_id((-1).into()).with_port(-1).with_error_code(error);
            refused.push(answer.with_error_message(Some(StrBytes::from_static_str(errors::info(error).message))));
        }
        allowed
    });
    Checked::rest(refused, |refused| FindCoordinatorResponse::default().with_coordinators(refused).into())
}

fn describe_groups(guard: &Guard, body: &mut DescribeGroupsRequest) -> Checked {
    let mut refused = Vec::new();
    body.groups.retain(|group| {
        let allowed = guard.allows_group(Operation::Describe, group.as_str());
        if !allowed {
            let answer = DescribedGroup::default().with_group_id(group.clone()).with_error_code(GROUP_AUTHORIZATION_FAILED);
            refused.push(answer.with_error_message(None).with_authorized_operations(i32::MIN));
        }
        allowed
    });
    let none_left = body.groups.is_empty() && !refused.is_empty();
    let answer = |refused| DescribeGroupsResponse::default().with_groups(refused).into();
    if none_left { Checked::Refused(answer(refused)) } else { Checked::rest(refused, answer) }
}

fn consumer_group_describe(guard: &Guard, body: &mut ConsumerGroupDescribeRequest) -> Checked {
    let mut refused = Vec::new();
    body.group_ids.retain(|group| {
        let allowed = guard.allows_group(Operation::Describe, group.as_str());
        if !allowed {
            let answer = consumer_group_describe_response::DescribedGroup::default().with_group_id(group.clone());
            refused.push(answer.with_error_code(GROUP_AUTHORIZATION_FAILED).with_authorized_operations(i32::MIN));
        }
        allowed
    });
    let none_left = body.group_ids.is_empty() && !refused.is_empty();
    let answer = |refused| ConsumerGroupDescribeResponse::default().with_groups(refused).into();
    if none_left { Checked::Refused(answer(refused)) } else { Checked::rest(refused, answer) }
}

fn delete_groups(guard: &Guard, body: &mut DeleteGroupsRequest) -> Checked {
    let mut refused = Vec::new();
    body.groups_names.retain(|group| {
        let allowed = guard.allows_group(Operation::Delete, group.as_str());
        if !allowed {
            refused.push(DeletableGroupResult::default().with_group_id(group.clone()).with_error_code(GROUP_AUTHORIZATION_FAILED));
        }
        allowed
    });
    let none_left = body.groups_names.is_empty() && !refused.is_empty();
    let answer = |refused| DeleteGroupsResponse::default().with_results(refused).into();
    if none_left { Checked::Refused(answer(refused)) } else { Checked::rest(refused, answer) }
}

fn offset_delete(guard: &Guard, body: &mut OffsetDeleteRequest) -> Checked {
    if !guard.allows_group(Operation::Delete, body.group_id.as_str()) {
        return Checked::Refused(OffsetDeleteResponse::default().with_error_code(GROUP_AUTHORIZATION_FAILED).into());
    }
    let mut refused = Vec::new();
    body.topics.retain(|topic| {
        let allowed = guard.allows_topic(Operation::Read, topic.name.as_str());
        if !allowed {
            let partitions = topic.partitions.iter().map(|asked| {
                let answer = OffsetDeleteResponsePartition::default().with_partition_index(asked.partition_index);
                answer.with_error_code(TOPIC_AUTHORIZATION_FAILED)
            });
            refused.push(OffsetDeleteResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions.collect()));
        }
        allowed
    });
    Checked::rest(refused, |refused| OffsetDeleteResponse::default().with_topics(refused).into())
}
