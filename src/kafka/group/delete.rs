//! DeleteGroups and OffsetDelete (`GroupMetadataManager.createGroupTombstoneRecords`, `OffsetMetadataManager.deleteOffsets`).

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse, OffsetDeleteRequest, OffsetDeleteResponse};

use super::assignor::protocol::{PROTOCOL_TYPE, decode_subscription};
use super::classic_group::ClassicGroup;
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
    let offsets = group.offsets.keys();
    let offsets = offsets.map(|partition| Record::Offset { group: group.id.clone(), partition: partition.clone(), value: None });
    offsets.chain([Record::Group { group: group.id.clone(), value: None }]).collect()
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
    pub(super) fn delete_offsets(&mut self, ctx: &mut Context, token: Token, request: &OffsetDeleteRequest) {
        let subscribed = self.subscribed_topics();
        let mut deleted = Vec::new();
        let topics = request.topics.iter().map(|topic| {
            let topic_name = name(&topic.name.0);
            let is_subscribed = match &subscribed {
                Some(topics) => topics.contains(&topic_name),
                None => self.protocol_type.as_deref() == Some(PROTOCOL_TYPE),
            };
            let partitions = topic.partitions.iter().map(|asked| {
                let partition = TopicPartition { topic: topic_name.clone(), partition: asked.partition_index };
                let error = if !ctx.out.has_partition(&partition) {
                    ResponseError::UnknownTopicOrPartition.code()
                } else if is_subscribed {
                    ResponseError::GroupSubscribedToTopic.code()
                } else {
                    deleted.extend(self.offsets.contains_key(&partition).then_some(partition));
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
        let tombstone = |partition: &TopicPartition| Record::Offset { group: self.id.clone(), partition: partition.clone(), value: None };
        let records: Vec<Record> = deleted.iter().map(tombstone).collect();
        let append = ctx.append(&self.id, &records, Then::DeleteOffsets { partitions: deleted });
        if let Some(pending) = ctx.pending.get_mut(&append) {
            pending.answer = Some((token, response.into()));
        }
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
