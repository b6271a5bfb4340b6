//! DeleteGroups and OffsetDelete (`GroupMetadataManager.createGroupTombstoneRecords`, `OffsetMetadataManager.deleteOffsets`).

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse, OffsetDeleteRequest, OffsetDeleteResponse};

use super::assignor::protocol::{PROTOCOL_TYPE, decode_subscription};
use super::classic_group::ClassicGroup;
use super::consumer::group::ConsumerGroup;
use super::consumer::record::ConsumerRecord;
use super::offsets::Offsets;
use super::out::{Context, GroupOut, Then, Token, name};
use super::record::Record;
use crate::kafka::event::GroupState;
use crate::kafka::names::{Name, TopicPartition};

/// DeleteGroups requests of which some groups are not written yet: what each came to, in the order of the request.
#[derive(Clone, Debug, Default)]
pub(super) struct Deletions(BTreeMap<Token, Vec<(DeletableGroupResult, bool)>>);

impl Deletions {
    pub fn begin(&mut self, token: Token, request: &DeleteGroupsRequest) {
        let open = request.groups_names.iter().map(|id| (DeletableGroupResult::default().with_group_id(id.clone()), false));
        self.0.insert(token, open.collect());
    }

    /// The group at this place of a request is deleted, or cannot be.
    pub fn ended(&mut self, token: Token, at: usize, error: Option<ResponseError>, out: &mut dyn GroupOut) {
        if let Some((result, over)) = self.0.get_mut(&token).and_then(|groups| groups.get_mut(at)) {
            result.error_code = error.map_or(0, |error| error.code());
            *over = true;
        }
        self.answer_if_done(token, out);
    }

    pub fn answer_if_done(&mut self, token: Token, out: &mut dyn GroupOut) {
        if self.0.get(&token).is_some_and(|groups| groups.iter().all(|(_, over)| *over)) {
            let results = self.0.remove(&token).unwrap_or_default().into_iter().map(|(result, _)| result);
            out.respond(token, DeleteGroupsResponse::default().with_results(results.collect()).into());
        }
    }
}

/// A tombstone for each committed offset and for the group itself.
pub(super) fn tombstones(group: &ClassicGroup) -> Vec<Record> {
    offset_tombstones(&group.id, &group.offsets).chain([Record::Group { group: group.id.clone(), value: None }]).collect()
}

/// The same for a group of the consumer protocol, which has no members (`createConsumerGroupTombstoneRecords`).
pub(super) fn consumer_tombstones(group: &ConsumerGroup) -> Vec<Record> {
    let own = |record| Record::Consumer { group: group.id.clone(), record };
    let last = [ConsumerRecord::TargetEpoch(None), ConsumerRecord::Group(None)];
    offset_tombstones(&group.id, &group.offsets).chain(last.map(own)).collect()
}

fn offset_tombstones(group: &Name, offsets: &Offsets) -> impl Iterator<Item = Record> {
    offsets.keys().map(|partition| Record::Offset { group: group.clone(), partition: partition.clone(), value: None })
}

impl ConsumerGroup {
    /// `validateDeleteGroup`.
    pub(super) fn validate_delete(&self) -> Result<(), ResponseError> {
        if self.state() == GroupState::Empty { Ok(()) } else { Err(ResponseError::NonEmptyGroup) }
    }

    /// OffsetDelete.
    #[inline(never)]
    pub(super) fn delete_offsets(&mut self, ctx: &mut Context, token: Token, request: &OffsetDeleteRequest) {
        let subscribed = self.members().flat_map(|(_, member)| member.metadata.subscribed_topic_names.iter().cloned()).collect();
        delete_offsets(ctx, &self.id, &self.offsets, Subscribed::Topics(subscribed), token, request);
    }
}

/// What a group reads.
enum Subscribed {
    Topics(BTreeSet<Name>),
    /// It cannot be known: anything.
    Anything,
    /// It is no group of consumers.
    Nothing,
}

impl ClassicGroup {
    /// `validateDeleteGroup`: only a group without members goes.
    pub(super) fn validate_delete(&self) -> Result<(), ResponseError> {
        match self.state {
            GroupState::Empty => Ok(()),
            GroupState::Dead => Err(ResponseError::GroupIdNotFound),
            _ => Err(ResponseError::NonEmptyGroup),
        }
    }

    /// `validateOffsetDelete`: in a group with members that are no consumers nobody knows what is still read.
    pub(super) fn validate_offset_delete(&self) -> Result<(), ResponseError> {
        match self.state {
            GroupState::Empty => Ok(()),
            GroupState::Dead => Err(ResponseError::GroupIdNotFound),
            _ if self.protocol_type.as_deref() == Some(PROTOCOL_TYPE) => Ok(()),
            _ => Err(ResponseError::NonEmptyGroup),
        }
    }

    /// OffsetDelete: offsets of topics that are still subscribed to stay.
    #[inline(never)]
    pub(super) fn delete_offsets(&mut self, ctx: &mut Context, token: Token, request: &OffsetDeleteRequest) {
        let subscribed = match self.subscribed_topics() {
            Some(topics) => Subscribed::Topics(topics),
            None if self.protocol_type.as_deref() == Some(PROTOCOL_TYPE) => Subscribed::Anything,
            None => Subscribed::Nothing,
        };
        delete_offsets(ctx, &self.id, &self.offsets, subscribed, token, request);
    }

    /// `computeSubscribedTopics`: what the members want to read; `None` if that cannot be known.
    fn subscribed_topics(&self) -> Option<BTreeSet<Name>> {
        if self.protocol_type.as_deref() != Some(PROTOCOL_TYPE) {
            return None;
        }
        if self.members.is_empty() {
            return Some(BTreeSet::new());
        }
        let protocol = self.protocol_name.as_deref()?;
        let subscriptions = self.members.values().map(|member| decode_subscription(&member.metadata(protocol)));
        Some(subscriptions.collect::<Option<Vec<_>>>()?.into_iter().flat_map(|subscription| subscription.topics).collect())
    }
}

#[inline(never)]
fn delete_offsets(ctx: &mut Context, id: &Name, offsets: &Offsets, subscribed: Subscribed, token: Token, request: &OffsetDeleteRequest) {
    let mut deleted = Vec::new();
    let topics = request.topics.iter().map(|topic| {
        let topic_name = name(&topic.name.0);
        let is_subscribed = match &subscribed {
            Subscribed::Topics(topics) => topics.contains(&topic_name),
            Subscribed::Anything => true,
            Subscribed::Nothing => false,
        };
        let partitions = topic.partitions.iter().map(|asked| {
            let partition = TopicPartition { topic: topic_name.clone(), partition: asked.partition_index };
            let error = if !ctx.out.has_partition(&partition) {
                ResponseError::UnknownTopicOrPartition.code()
            } else if is_subscribed {
                ResponseError::GroupSubscribedToTopic.code()
            } else {
                deleted.extend(offsets.contains_key(&partition).then_some(partition));
                0
            };
            OffsetDeleteResponsePartition::default().with_partition_index(asked.partition_index).with_error_code(error)
        });
        OffsetDeleteResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
    });
    let response = OffsetDeleteResponse::default().with_topics(topics.collect());
    if deleted.is_empty() {
        return ctx.respond(token, response);
    }
    let tombstone = |partition: &TopicPartition| Record::Offset { group: id.clone(), partition: partition.clone(), value: None };
    let records: Vec<Record> = deleted.iter().map(tombstone).collect();
    let append = ctx.append(id, &records, Then::DeleteOffsets { partitions: deleted });
    if let Some(pending) = ctx.pending.get_mut(&append) {
        pending.answer = Some((token, response.into()));
    }
}
