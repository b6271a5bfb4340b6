//! OffsetCommit and OffsetFetch: how far the group has read.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::ResponseError::*;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::{GroupId, OffsetCommitRequest, OffsetFetchRequest, TopicName};

use super::kafka_consumer::{Closing, KafkaConsumer, Token};
use super::membership::{COORDINATOR_LOGGER, str_bytes};
use super::subscription::{FetchState, Position, Wanted};
use crate::kafka::actor::Outbox;
use crate::kafka::client::error::{ClientError, TOPIC_AUTHORIZATION_FAILED};
use crate::kafka::client::network::Outgoing;
use crate::kafka::group::hash_order;
use crate::kafka::names::{Name, TopicPartition};
use crate::kafka::protocol::api::Response;
use crate::kafka::protocol::errors;
use crate::sim::time::Time;

/// Why positions are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitKind {
    /// Every `auto.commit.interval.ms`.
    Auto,
    /// The application asked for it (`commitAsync`).
    Asked,
    /// Before partitions are given up.
    BeforeRebalance,
    Close,
}

/// `CommitFailedException`, of who has no place in the group.
const NOT_IN_THE_GROUP: &str = "Offset commit cannot be completed since the consumer is not part of an active group for auto partition \
    assignment; it is likely that the consumer was kicked out of the group.";

impl KafkaConsumer {
    /// Commits all positions as they are now, if the coordinator can be asked. What becomes of it shows in the group.
    pub fn commit_async(&mut self, now: Time, out: &mut Outbox) -> bool {
        self.commit_result = None;
        self.commit(now, CommitKind::Asked, out)
    }

    /// What came of the last [`KafkaConsumer::commit_async`], once its answer is there.
    pub fn take_commit_result(&mut self) -> Option<Result<(), ClientError>> {
        self.commit_result.take()
    }

    /// Sends what was consumed; `false` if there is nothing to send, or nobody to send it to.
    pub(super) fn commit(&mut self, now: Time, kind: CommitKind, out: &mut Outbox) -> bool {
        let Some(membership) = &mut self.membership else { return false };
        membership.commit_waits = membership.coordinator_node().is_none();
        let Some(node) = membership.coordinator_node() else { return false };
        let in_group = matches!(self.subscriptions.wanted, Wanted::Topics(_));
        if (in_group && !membership.is_stable()) || self.subscriptions.all_consumed().next().is_none() {
            return false;
        }
        if !self.client.ready(now, node, out) {
            return false;
        }
        let mut topics: BTreeMap<Name, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
        for (partition, position) in self.subscriptions.all_consumed() {
            let offset = OffsetCommitRequestPartition::default()
                .with_partition_index(partition.partition)
                .with_committed_offset(position.offset)
                .with_committed_leader_epoch(position.leader_epoch.unwrap_or(-1))
                .with_committed_metadata(Some(str_bytes("")));
            topics.entry(partition.topic.clone()).or_default().push(offset);
        }
        let topic = |(name, partitions): (Name, Vec<OffsetCommitRequestPartition>)| {
            OffsetCommitRequestTopic::default().with_name(TopicName(str_bytes(&name))).with_partitions(partitions)
        };
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(str_bytes(membership.group())))
            .with_generation_id_or_member_epoch(if in_group { membership.generation() } else { -1 })
            .with_member_id(str_bytes(if in_group { membership.member_id() } else { "" }))
            .with_group_instance_id(self.config.group_instance_id.as_deref().filter(|_| in_group).map(str_bytes))
            .with_topics(topics.into_iter().map(topic).collect());
        let sent = self.client.send(now, node, Outgoing::new(request), Token::Commit(kind), out).is_ok();
        membership.preparing |= sent && kind == CommitKind::BeforeRebalance;
        sent
    }

    /// `maybeAutoCommitOffsetsAsync`.
    pub(super) fn maybe_auto_commit(&mut self, now: Time, out: &mut Outbox) {
        let Some(membership) = &self.membership else { return };
        if self.config.enable_auto_commit
            && membership.next_auto_commit <= now
            && !membership.preparing
            && self.commit(now, CommitKind::Auto, out)
            && let Some(membership) = &mut self.membership
        {
            membership.next_auto_commit = now + self.config.auto_commit_interval;
        }
    }

    /// Who is not in its group any more cannot commit when it closes (`maybeAutoCommitOffsetsSync`).
    pub(super) fn warn_of_what_is_not_committed(&mut self, now: Time) {
        let Some(membership) = &self.membership else { return };
        let in_group = matches!(self.subscriptions.wanted, Wanted::Topics(_)) && self.heartbeats.is_none();
        if !self.config.enable_auto_commit || !in_group || membership.is_stable() || membership.coordinator_node().is_none() {
            return;
        }
        let mut consumed: Vec<_> = self.subscriptions.all_consumed().collect();
        if consumed.is_empty() {
            return;
        }
        hash_order::sort_partitions(&mut consumed, |(partition, _)| partition);
        let offset = |(partition, position): (&TopicPartition, Position)| {
            let epoch = position.leader_epoch.map_or("null".to_owned(), |epoch| epoch.to_string());
            format!("{partition}=OffsetAndMetadata{{offset={}, leaderEpoch={epoch}, metadata=''}}", position.offset)
        };
        let offsets: Vec<String> = consumed.into_iter().map(offset).collect();
        let message = format!("Synchronous auto-commit of offsets {{{}}} failed: {NOT_IN_THE_GROUP}", offsets.join(", "));
        self.client.network.log.warn(now, COORDINATOR_LOGGER, &message);
    }

    /// `OffsetCommitResponseHandler`.
    pub(super) fn committed(&mut self, now: Time, kind: CommitKind, response: Option<Response>, out: &mut Outbox) {
        let mut forbidden = Vec::new();
        let error = match response {
            Some(Response::OffsetCommit(response)) => {
                let partitions = response.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |partition| (topic, partition)));
                let refused = partitions.filter(|(_, partition)| partition.error_code == TOPIC_AUTHORIZATION_FAILED);
                forbidden.extend(refused.map(|(topic, at)| TopicPartition::new(topic.name.as_str(), at.partition_index)));
                let mut codes = response.topics.iter().flat_map(|topic| &topic.partitions).map(|partition| partition.error_code);
                codes.find(|&code| code != errors::NONE)
            }
            _ => Some(NetworkException.code()),
        };
        if error == Some(TOPIC_AUTHORIZATION_FAILED) {
            self.note_forbidden_commit(now, kind, &forbidden);
        }
        if self.heartbeats.is_some() && error == Some(UnknownMemberId.code()) {
            self.fenced(now);
        } else if let (Some(code), Some(membership)) = (error, &mut self.membership) {
            match ResponseError::try_from_code(code).unwrap_or(UnknownServerError) {
                NotCoordinator | CoordinatorNotAvailable | RequestTimedOut => membership.coordinator_unknown(now, &self.config),
                RebalanceInProgress => membership.request_rejoin(),
                UnknownMemberId if membership.is_stable() => membership.reset_generation(false),
                // The heartbeat is told the same, and ends the consumer.
                FencedInstanceId => {}
                IllegalGeneration if membership.is_stable() => membership.reset_generation(true),
                _ => {}
            }
            if kind == CommitKind::Auto && errors::info(code).is_retriable() {
                membership.next_auto_commit = membership.next_auto_commit.min(now + self.config.retry.initial);
            }
        }
        match (kind, self.closing) {
            (CommitKind::Asked, _) => {
                self.commit_result = Some(error.map_or(Ok(()), |code| Err(ClientError::of_code(code, None))));
            }
            (CommitKind::BeforeRebalance, _) if self.heartbeats.is_some() => {
                if let Some(membership) = &mut self.membership {
                    membership.preparing = false;
                }
            }
            (CommitKind::BeforeRebalance, _) => self.prepared(),
            (CommitKind::Close, Closing::Committing { until }) => self.closing = self.leave_to_close(now, until, out),
            _ => {}
        }
    }

    /// What the log says of offsets that one may not commit.
    fn note_forbidden_commit(&mut self, now: Time, kind: CommitKind, partitions: &[TopicPartition]) {
        const LOGGER: &str = "org.apache.kafka.clients.consumer.internals.ConsumerCoordinator";
        let mut topics: Vec<&str> = partitions.iter().map(|partition| &*partition.topic).collect();
        topics.dedup();
        let positions: BTreeMap<&TopicPartition, Position> = self.subscriptions.all_consumed().collect();
        let log = &mut self.client.network.log;
        let mut offsets = Vec::new();
        for partition in partitions {
            let Some(Position { offset, leader_epoch }) = positions.get(partition) else { continue };
            log.error(
                now,
                LOGGER,
                &format!("Offset commit failed on partition {partition} at offset {offset}: Topic authorization failed."),
            );
            let epoch = leader_epoch.map_or("null".to_owned(), |epoch| epoch.to_string());
            offsets.push(format!("{partition}=OffsetAndMetadata{{offset={offset}, leaderEpoch={epoch}, metadata=''}}"));
        }
        log.error(now, LOGGER, &format!("Not authorized to commit to topics [{}]", topics.join(", ")));
        if kind == CommitKind::Close {
            let error = ClientError::forbidden(TOPIC_AUTHORIZATION_FAILED, &topics);
            let message = format!("Synchronous auto-commit of offsets {{{}}} failed: {}", offsets.join(", "), error.message);
            log.warn(now, LOGGER, &message);
        }
    }

    /// `refreshCommittedOffsetsIfNeeded`: where the group left off.
    #[inline(never)]
    pub(super) fn fetch_committed(&mut self, now: Time, out: &mut Outbox) {
        let Some(membership) = &mut self.membership else { return };
        let mut topics: BTreeMap<Name, Vec<i32>> = BTreeMap::new();
        for (partition, _) in self.subscriptions.unpositioned().filter(|(_, state)| *state == FetchState::Initializing) {
            topics.entry(partition.topic.clone()).or_default().push(partition.partition);
        }
        if topics.is_empty() || membership.offset_fetch_in_flight || membership.retry_at > now {
            return;
        }
        let Some(node) = membership.coordinator_node() else { return };
        if !self.client.ready(now, node, out) {
            return;
        }
        let topic = |(name, partitions): (Name, Vec<i32>)| {
            OffsetFetchRequestTopics::default().with_name(TopicName(str_bytes(&name))).with_partition_indexes(partitions)
        };
        let group = OffsetFetchRequestGroup::default()
            .with_group_id(GroupId(str_bytes(membership.group())))
            .with_topics(Some(topics.into_iter().map(topic).collect()));
        let request = OffsetFetchRequest::default().with_groups(vec![group]).with_require_stable(true);
        membership.offset_fetch_in_flight = self.client.send(now, node, Outgoing::new(request), Token::OffsetFetch, out).is_ok();
    }

    /// `OffsetFetchResponseHandler`. Partitions without a committed offset are left to `auto.offset.reset`.
    pub(super) fn committed_fetched(&mut self, now: Time, response: Option<Response>) {
        let Some(membership) = &mut self.membership else { return };
        membership.offset_fetch_in_flight = false;
        let group = match response {
            Some(Response::OffsetFetch(response)) => response.groups.into_iter().next(),
            _ => None,
        };
        // Without an answer the coordinator is unknown already.
        let Some(group) = group else { return };
        match ResponseError::try_from_code(group.error_code) {
            None => {}
            Some(NotCoordinator | CoordinatorNotAvailable) => return membership.coordinator_unknown(now, &self.config),
            Some(error) => {
                membership.retry_at = now + self.config.retry.initial;
                if !errors::info(error.code()).is_retriable() {
                    let group = membership.group().clone();
                    self.error = Some(ClientError::forbidden(error.code(), &[&group]));
                }
                return;
            }
        }
        for topic in group.topics {
            for answer in topic.partitions {
                let partition = TopicPartition::new(topic.name.as_str(), answer.partition_index);
                if self.subscriptions.get(&partition).is_none_or(|state| state.fetch != FetchState::Initializing) {
                    continue;
                }
                if answer.error_code == TOPIC_AUTHORIZATION_FAILED {
                    self.error = Some(ClientError::forbidden(answer.error_code, &[&partition.topic]));
                }
                if answer.error_code != errors::NONE {
                    if let Some(membership) = &mut self.membership {
                        membership.retry_at = now + self.config.retry.initial;
                    }
                    continue;
                }
                let epoch = Some(answer.committed_leader_epoch).filter(|&epoch| epoch >= 0);
                match answer.committed_offset {
                    offset if offset >= 0 => self.subscriptions.set_committed(&partition, Position { offset, leader_epoch: epoch }),
                    _ => self.subscriptions.set(&partition, FetchState::AwaitReset(self.config.auto_offset_reset)),
                }
            }
        }
    }
}
