//! Committed offsets (`OffsetMetadataManager`).

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::offset_fetch_response::{OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse, TopicName};
use uuid::Uuid;

use super::classic_group::ClassicGroup;
use super::consumer::group::ConsumerGroup;
use super::out::{Context, Then, Token, name, str_bytes};
use super::record::Record;
use crate::kafka::event::{Event, GroupState};
use crate::kafka::names::{Name, TopicPartition};

/// `OffsetAndMetadata`: up to where a group has read a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The next record to read.
    pub offset: i64,
    /// Of the last record that was read; -1 if not known.
    pub leader_epoch: i32,
    /// What the client wrote beside it.
    pub metadata: Name,
    pub commit_timestamp_ms: i64,
    /// Only of clients that set a retention of their own (versions up to 4).
    pub expire_timestamp_ms: Option<i64>,
    /// Nil if it was not known.
    pub topic_id: Uuid,
}

/// A group's committed offsets.
pub type Offsets = BTreeMap<TopicPartition, CommittedOffset>;

/// From this version on a commit to a group that is gone says so.
const GROUP_ID_NOT_FOUND_VERSION: i16 = 9;

/// What a commit to a group that does not exist is answered, unless it needs none (`None`: a consumer without group management).
pub(super) fn commit_without_group(version: i16, request: &OffsetCommitRequest) -> Option<ResponseError> {
    match request.generation_id_or_member_epoch {
        generation if generation < 0 => None,
        _ if version >= GROUP_ID_NOT_FOUND_VERSION => Some(ResponseError::GroupIdNotFound),
        _ => Some(ResponseError::IllegalGeneration),
    }
}

/// The same error for each partition of the request.
pub(super) fn refusal(request: &OffsetCommitRequest, error: ResponseError) -> OffsetCommitResponse {
    let partition = |index: i32| OffsetCommitResponsePartition::default().with_partition_index(index).with_error_code(error.code());
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| partition(asked.partition_index)).collect();
        OffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_topic_id(topic.topic_id).with_partitions(partitions)
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}

impl ClassicGroup {
    /// OffsetCommit: written first, and known once it is.
    pub(super) fn commit_offset(&mut self, ctx: &mut Context, token: Token, request: &OffsetCommitRequest) {
        if let Err(error) = self.validate_offset_commit(request) {
            return ctx.respond(token, refusal(request, error));
        }
        // A commit shows that the member lives, as a heartbeat does.
        if matches!(self.state, GroupState::Stable | GroupState::PreparingRebalance) {
            self.reschedule_heartbeat(ctx.now, &request.member_id);
        }
        write_commit(ctx, &self.id, token, request);
    }

    /// `ClassicGroup.validateOffsetCommit`.
    fn validate_offset_commit(&self, request: &OffsetCommitRequest) -> Result<(), ResponseError> {
        let generation = request.generation_id_or_member_epoch;
        let instance_id = request.group_instance_id.as_deref();
        if self.state == GroupState::Dead {
            return Err(ResponseError::CoordinatorNotAvailable);
        }
        if generation < 0 && self.state == GroupState::Empty {
            return Ok(()); // a consumer or an administrator outside of group management
        }
        if generation < 0 && request.member_id.is_empty() && instance_id.is_none() {
            return Err(ResponseError::UnknownMemberId); // nor may they write while members do
        }
        self.validate_member(&request.member_id, instance_id)?;
        if generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        // The member knows the new generation, but not yet whether the partition is still its own.
        if self.state == GroupState::CompletingRebalance { Err(ResponseError::RebalanceInProgress) } else { Ok(()) }
    }
}

/// Writes what a commit says; its answer comes when that is committed.
fn write_commit(ctx: &mut Context, id: &Name, token: Token, request: &OffsetCommitRequest) {
    let (offsets, response) = read_commit(ctx, request);
    if offsets.is_empty() {
        return ctx.respond(token, response);
    }
    let record = |(partition, value): &(TopicPartition, CommittedOffset)| Record::Offset {
        group: id.clone(),
        partition: partition.clone(),
        value: Some(value.clone()),
    };
    let records: Vec<Record> = offsets.iter().map(record).collect();
    let append = ctx.append(id, &records, Then::Commit { offsets });
    if let Some(pending) = ctx.pending.get_mut(&append) {
        pending.answer = Some((token, response.into()));
    }
}

impl ConsumerGroup {
    /// OffsetCommit to a group of the consumer protocol.
    pub(super) fn commit_offset(&mut self, ctx: &mut Context, token: Token, request: &OffsetCommitRequest) {
        let topics = request.topics.iter().flat_map(|topic| {
            let id = if topic.topic_id.is_nil() { ctx.out.topic_id(&topic.name) } else { topic.topic_id };
            topic.partitions.iter().map(move |partition| (id, partition.partition_index))
        });
        let asked: Vec<(Uuid, i32)> = topics.collect();
        let instance_id = request.group_instance_id.as_deref();
        match self.validate_commit(&request.member_id, instance_id, request.generation_id_or_member_epoch, &asked) {
            Ok(()) => write_commit(ctx, &self.id, token, request),
            Err(error) => ctx.respond(token, refusal(request, error)),
        }
    }
}

/// What was committed counts from now on.
pub(super) fn offsets_stored(ctx: &mut Context, group: &Name, known: &mut Offsets, offsets: Vec<(TopicPartition, CommittedOffset)>) {
    for (partition, value) in offsets {
        ctx.emit(Event::OffsetCommitted { group: group.clone(), partition: partition.clone(), offset: value.offset });
        known.insert(partition, value);
    }
}

/// What of a commit can be written, and the answer if it is.
fn read_commit(ctx: &mut Context, request: &OffsetCommitRequest) -> (Vec<(TopicPartition, CommittedOffset)>, OffsetCommitResponse) {
    let mut offsets = Vec::new();
    let mut topics = Vec::new();
    for topic in &request.topics {
        let topic_name = name(&topic.name);
        let topic_id = if topic.topic_id.is_nil() { ctx.out.topic_id(&topic_name) } else { topic.topic_id };
        let mut partitions = Vec::new();
        for asked in &topic.partitions {
            let metadata = asked.committed_metadata.as_deref().unwrap_or_default();
            let too_large = metadata.encode_utf16().count() > ctx.config.offset_metadata_max_bytes;
            let error = if too_large { ResponseError::OffsetMetadataTooLarge.code() } else { 0 };
            partitions.push(OffsetCommitResponsePartition::default().with_partition_index(asked.partition_index).with_error_code(error));
            if !too_large {
                let value = CommittedOffset {
                    offset: asked.committed_offset,
                    leader_epoch: asked.committed_leader_epoch,
                    metadata: Name::from(metadata),
                    commit_timestamp_ms: ctx.now.wall_ms(),
                    expire_timestamp_ms: None,
                    topic_id,
                };
                offsets.push((TopicPartition { topic: topic_name.clone(), partition: asked.partition_index }, value));
            }
        }
        topics.push(
            OffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_topic_id(topic.topic_id).with_partitions(partitions),
        );
    }
    (offsets, OffsetCommitResponse::default().with_topics(topics))
}

/// OffsetFetch for one group, which need not exist: its offsets then are -1.
pub(super) fn fetch_offsets(offsets: Option<&Offsets>, request: &OffsetFetchRequestGroup) -> OffsetFetchResponseGroup {
    let mut asked: BTreeMap<Name, Vec<i32>> = BTreeMap::new();
    let mut order = Vec::new();
    match &request.topics {
        Some(topics) => {
            for topic in topics {
                order.push(name(&topic.name));
                asked.entry(name(&topic.name)).or_default().extend(&topic.partition_indexes);
            }
        }
        // All that there is.
        None => {
            for partition in offsets.iter().flat_map(|offsets| offsets.keys()) {
                if !asked.contains_key(&partition.topic) {
                    order.push(partition.topic.clone());
                }
                asked.entry(partition.topic.clone()).or_default().push(partition.partition);
            }
        }
    }
    let topics = order.into_iter().map(|topic| {
        let partitions = asked.remove(&topic).unwrap_or_default();
        let partitions = partitions.into_iter().map(|partition| fetch_one(offsets, &topic, partition)).collect();
        OffsetFetchResponseTopics::default().with_name(TopicName(str_bytes(&topic))).with_partitions(partitions)
    });
    OffsetFetchResponseGroup::default().with_group_id(request.group_id.clone()).with_topics(topics.collect())
}

fn fetch_one(offsets: Option<&Offsets>, topic: &Name, partition: i32) -> OffsetFetchResponsePartitions {
    let response = OffsetFetchResponsePartitions::default().with_partition_index(partition);
    match offsets.and_then(|offsets| offsets.get(&TopicPartition { topic: topic.clone(), partition })) {
        Some(value) => response
            .with_committed_offset(value.offset)
            .with_committed_leader_epoch(value.leader_epoch)
            .with_metadata(Some(str_bytes(&value.metadata))),
        None => response.with_committed_offset(-1).with_committed_leader_epoch(-1).with_metadata(Some(str_bytes(""))),
    }
}
