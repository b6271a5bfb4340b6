//! What kafka-consumer-groups asks the cluster, and what it reads from the answers.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Buf, Bytes};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, StrBytes};

use super::tables::{Listed, MemberRow, OffsetRow, StateRow, Target};
use crate::kafka::client::admin::fanout::ListedOffsets;
use crate::kafka::names::TopicPartition;
use crate::shell::java::exception::Exception;

/// A group as its coordinator describes it, with what was asked for besides.
#[derive(Clone, Debug, Default)]
pub struct Described {
    pub group: String,
    pub state: String,
    strategy: String,
    /// Of the group and of its target, if it has such (KIP-848).
    epochs: Option<(i32, i32)>,
    members: Vec<Member>,
    /// Its address and id.
    pub coordinator: (String, i32),
    /// Committed offsets with their leader epochs.
    pub committed: Committed,
}

/// Offset and leader epoch by partition.
pub type Committed = BTreeMap<TopicPartition, (i64, i32)>;

#[derive(Clone, Debug)]
struct Member {
    id: String,
    host: String,
    client: String,
    instance: Option<String>,
    assigned: BTreeMap<String, Vec<i32>>,
    /// Its epoch and its target, if it has such.
    epoch: Option<i32>,
    target: Option<BTreeMap<String, Vec<i32>>>,
}

pub fn list(states: &[String], types: &[String]) -> ListGroupsRequest {
    let texts = |words: &[String]| words.iter().map(|word| text(word)).collect();
    ListGroupsRequest::default().with_states_filter(texts(states)).with_types_filter(texts(types))
}

/// The consumer groups among these, in the order of the brokers.
pub fn listed(groups: &[ListedGroup]) -> Vec<Listed> {
    let consumers = groups.iter().filter(|group| matches!(group.protocol_type.as_str(), "consumer" | ""));
    let listed = consumers.map(|group| Listed {
        group: group.group_id.to_string(),
        kind: capitalised(&group.group_type),
        state: group.group_state.to_string(),
    });
    listed.collect()
}

/// What is asked first, as the admin client does: groups of the consumer protocol are described by a request of their own.
pub fn describe(group: &str) -> ConsumerGroupDescribeRequest {
    ConsumerGroupDescribeRequest::default().with_group_ids(vec![GroupId(text(group))])
}

/// `None`: it is no such group, and the classic request is to be asked.
///
/// # Errors
/// What the coordinator said of the group.
pub fn consumer_described(body: &ConsumerGroupDescribeResponse) -> Result<Option<Described>, Exception> {
    let Some(group) = body.groups.first() else { return Err(Exception::kafka("A ConsumerGroupDescribe response without a group")) };
    match group.error_code {
        0 => {}
        GROUP_ID_NOT_FOUND => return Ok(None),
        code => return Err(Exception::of(code, group.error_message.as_deref())),
    }
    let members = group.members.iter().map(|member| Member {
        id: member.member_id.to_string(),
        host: member.client_host.to_string(),
        client: member.client_id.to_string(),
        instance: member.instance_id.as_ref().map(|id| id.to_string()),
        assigned: by_topic(&member.assignment),
        epoch: Some(member.member_epoch),
        target: Some(by_topic(&member.target_assignment)),
    });
    Ok(Some(Described {
        group: group.group_id.to_string(),
        state: group.group_state.to_string(),
        strategy: group.assignor_name.to_string(),
        epochs: Some((group.group_epoch, group.assignment_epoch)),
        members: members.collect(),
        ..Described::default()
    }))
}

fn by_topic(assignment: &consumer_group_describe_response::Assignment) -> BTreeMap<String, Vec<i32>> {
    assignment.topic_partitions.iter().map(|topic| (topic.topic_name.to_string(), topic.partitions.clone())).collect()
}

/// The request for groups of the classic protocol.
pub fn describe_classic(group: &str) -> DescribeGroupsRequest {
    DescribeGroupsRequest::default().with_groups(vec![GroupId(text(group))])
}

/// # Errors
/// What the coordinator said of the group.
pub fn described(body: &DescribeGroupsResponse) -> Result<Described, Exception> {
    let Some(group) = body.groups.first() else { return Err(Exception::kafka("A DescribeGroups response without a group")) };
    if group.error_code != 0 {
        return Err(Exception::of(group.error_code, group.error_message.as_deref()));
    }
    if group.group_state.as_str() == "Dead" {
        return Err(Exception::of(GROUP_ID_NOT_FOUND, Some(&format!("Group {} not found.", group.group_id.as_str()))));
    }
    let members = group.members.iter().map(|member| Member {
        id: member.member_id.to_string(),
        host: member.client_host.to_string(),
        client: member.client_id.to_string(),
        instance: member.group_instance_id.as_ref().map(|id| id.to_string()),
        assigned: assignment(member.member_assignment.clone()),
        epoch: None,
        target: None,
    });
    Ok(Described {
        group: group.group_id.to_string(),
        state: group.group_state.to_string(),
        strategy: group.protocol_data.to_string(),
        members: members.collect(),
        ..Described::default()
    })
}

const GROUP_ID_NOT_FOUND: i16 = 69;

pub fn coordinator(group: &str) -> FindCoordinatorRequest {
    FindCoordinatorRequest::default().with_coordinator_keys(vec![text(group)])
}

pub fn found(body: &FindCoordinatorResponse) -> (String, i32) {
    let found = body.coordinators.first();
    found.map_or_else(|| ("-".to_owned(), -1), |found| (format!("{}:{}", found.host.as_str(), found.port), found.node_id.0))
}

pub fn committed(group: &str) -> OffsetFetchRequest {
    let group = OffsetFetchRequestGroup::default().with_group_id(GroupId(text(group))).with_member_epoch(-1).with_topics(None);
    OffsetFetchRequest::default().with_groups(vec![group])
}

/// # Errors
/// What the coordinator said of the group.
pub fn offsets(body: &OffsetFetchResponse) -> Result<Committed, Exception> {
    let mut committed = Committed::new();
    for group in &body.groups {
        if group.error_code != 0 {
            return Err(Exception::of(group.error_code, None));
        }
        for topic in &group.topics {
            let known = topic.partitions.iter().filter(|partition| partition.error_code == 0 && partition.committed_offset >= 0);
            committed.extend(known.map(|partition| {
                let at = TopicPartition::new(topic.name.as_str(), partition.partition_index);
                (at, (partition.committed_offset, partition.committed_leader_epoch))
            }));
        }
    }
    Ok(committed)
}

impl Described {
    /// Partitions that somebody owns, or that have a committed offset.
    pub fn partitions(&self) -> BTreeSet<TopicPartition> {
        let owned = self.members.iter().flat_map(|member| &member.assigned);
        let owned =
            owned.flat_map(|(topic, partitions)| partitions.iter().map(|partition| TopicPartition::new(topic.as_str(), *partition)));
        owned.chain(self.committed.keys().cloned()).collect()
    }

    pub fn offsets(&self, ends: &ListedOffsets) -> Vec<OffsetRow> {
        let row = |partition: TopicPartition| {
            let committed = self.committed.get(&partition);
            let owns = |member: &&Member| member.assigned.get(&*partition.topic).is_some_and(|owned| owned.contains(&partition.partition));
            let owner = self.members.iter().find(owns);
            OffsetRow {
                leader_epoch: committed.map(|(_, epoch)| *epoch).filter(|epoch| *epoch >= 0),
                current: committed.map(|(offset, _)| *offset),
                end: ends.get(&partition).and_then(|end| end.as_ref().ok()).map(|end| end.offset),
                owner: owner.map(|member| (member.id.clone(), member.host.clone(), member.client.clone())),
                topic: partition.topic.to_string(),
                partition: partition.partition,
            }
        };
        self.partitions().into_iter().map(row).collect()
    }

    pub fn members(&self) -> Vec<MemberRow> {
        let row = |member: &Member| MemberRow {
            member: member.id.clone(),
            host: member.host.clone(),
            client: member.client.clone(),
            instance: member.instance.clone(),
            assigned: member.assigned.clone().into_iter().collect(),
            target: member.epoch.zip(self.epochs).map(|(epoch, (_, target_epoch))| Target {
                epoch,
                target_epoch,
                assigned: member.target.clone().unwrap_or_default().into_iter().collect(),
            }),
        };
        self.members.iter().map(row).collect()
    }

    pub fn state(&self) -> StateRow {
        StateRow {
            coordinator: self.coordinator.clone(),
            strategy: self.strategy.clone(),
            state: self.state.clone(),
            epochs: self.epochs,
            members: self.members.len(),
        }
    }
}

/// What a member of a consumer group was assigned; nothing, if it cannot be read (`ConsumerProtocol.deserializeAssignment`).
pub fn assignment(mut bytes: Bytes) -> BTreeMap<String, Vec<i32>> {
    if bytes.len() < 2 {
        return BTreeMap::new();
    }
    let version = bytes.get_i16();
    let decoded = ConsumerProtocolAssignment::decode(&mut bytes, version.clamp(0, 3));
    let topics = decoded.map(|assignment| assignment.assigned_partitions).unwrap_or_default();
    let mut assigned: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    for topic in topics {
        let partitions = assigned.entry(topic.topic.to_string()).or_default();
        partitions.extend(topic.partitions);
        partitions.sort_unstable();
    }
    assigned
}

/// `classic` as `Classic`.
fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
