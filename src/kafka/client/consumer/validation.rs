//! OffsetForLeaderEpoch: whether a new leader still has what was read up to here (KIP-320, `OffsetFetcher.validatePositionsIfNeeded`).
//!
//! A leader that was behind, elected uncleanly, has cut the log: a consumer beyond the cut would miss what is written there anew.

use std::collections::BTreeMap;

use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::offset_for_leader_epoch_response::EpochEndOffset;
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, TopicName};

use super::config::OffsetReset;
use super::kafka_consumer::{KafkaConsumer, Token};
use super::membership::str_bytes;
use super::subscription::{FetchState, Position};
use crate::kafka::actor::Outbox;
use crate::kafka::client::error::ClientError;
use crate::kafka::client::network::{Failed, Outgoing};
use crate::kafka::event::Event;
use crate::kafka::names::{BrokerId, Name, TopicPartition};
use crate::kafka::protocol::api::Response;
use crate::kafka::protocol::errors;
use crate::sim::time::Time;

/// A position that is asked about, and the leader epoch for which the answer counts.
pub type Questioned = Vec<(TopicPartition, Position, i32)>;

impl KafkaConsumer {
    /// Positions whose partition has got a leader of a newer epoch are not read from before that leader has confirmed them.
    #[inline(never)]
    pub(super) fn validate_positions(&mut self, now: Time, out: &mut Outbox) {
        if self.subscriptions.validated_with == self.client.metadata.version() && !self.subscriptions.validates() {
            return;
        }
        self.subscriptions.validated_with = self.client.metadata.version();
        let cluster = self.client.cluster().clone();
        let mut questions: BTreeMap<BrokerId, Questioned> = BTreeMap::new();
        let all: Vec<TopicPartition> = self.subscriptions.partitions().map(|(partition, _)| partition.clone()).collect();
        for partition in all {
            let Some(leader) = cluster.leader(&partition) else { continue };
            let leader_epoch = cluster.partition(&partition).map_or(-1, |info| info.leader_epoch);
            let Some(state) = self.subscriptions.get_mut(&partition) else { continue };
            match state.fetch {
                FetchState::Fetching(position) if leader_epoch > state.validated_epoch => match position.leader_epoch {
                    Some(_) => state.fetch = FetchState::AwaitValidation(position),
                    // Nobody knows of which epoch it is, so nobody can tell.
                    None => state.validated_epoch = leader_epoch,
                },
                _ => {}
            }
            if let FetchState::AwaitValidation(position) = state.fetch
                && state.not_before <= now
            {
                questions.entry(leader).or_default().push((partition, position, leader_epoch));
            }
        }
        for (leader, asked) in questions {
            if self.validating.contains(&leader) || !self.client.ready(now, leader, out) {
                continue;
            }
            let request = Outgoing::new(request(&asked));
            if self.client.send(now, leader, request, Token::OffsetForLeaderEpoch(asked), out).is_ok() {
                self.validating.insert(leader);
            }
        }
    }

    #[inline(never)]
    pub(super) fn validated(&mut self, now: Time, leader: BrokerId, asked: Questioned, result: Result<Response, Failed>, out: &mut Outbox) {
        self.validating.remove(&leader);
        let mut answers = BTreeMap::new();
        if let Ok(Response::OffsetForLeaderEpoch(response)) = result {
            for topic in response.topics {
                for answer in topic.partitions {
                    answers.insert(TopicPartition::new(topic.topic.as_str(), answer.partition), answer);
                }
            }
        }
        for (partition, position, leader_epoch) in asked {
            // Taken away, or sought elsewhere meanwhile.
            if self.subscriptions.get(&partition).is_none_or(|state| state.fetch != FetchState::AwaitValidation(position)) {
                continue;
            }
            match answers.get(&partition).filter(|answer| answer.error_code == errors::NONE) {
                Some(answer) => self.complete_validation(&partition, position, leader_epoch, answer, out),
                None => self.try_again_later(now, &partition),
            }
        }
    }

    /// `maybeCompleteValidation`.
    fn complete_validation(
        &mut self,
        partition: &TopicPartition,
        position: Position,
        leader_epoch: i32,
        answer: &EpochEndOffset,
        out: &mut Outbox,
    ) {
        let unknown = answer.end_offset < 0 || answer.leader_epoch < 0;
        let state = match self.config.auto_offset_reset {
            _ if !unknown && answer.end_offset >= position.offset => FetchState::Fetching(position),
            OffsetReset::None => {
                self.error.get_or_insert_with(|| truncated(partition, position));
                return;
            }
            reset if unknown => FetchState::AwaitReset(reset),
            // Back to where the logs part.
            _ => {
                out.emit(Event::OffsetReset {
                    group: self.config.group_id.clone(),
                    client: self.client_id.clone(),
                    partition: partition.clone(),
                    to: answer.end_offset,
                });
                FetchState::Fetching(Position { offset: answer.end_offset, leader_epoch: Some(answer.leader_epoch) })
            }
        };
        self.subscriptions.set(partition, state);
        if let Some(state) = self.subscriptions.get_mut(partition) {
            state.validated_epoch = leader_epoch;
        }
    }
}

fn request(asked: &Questioned) -> OffsetForLeaderEpochRequest {
    let mut topics: BTreeMap<Name, Vec<OffsetForLeaderPartition>> = BTreeMap::new();
    for (partition, position, leader_epoch) in asked {
        let question = OffsetForLeaderPartition::default()
            .with_partition(partition.partition)
            .with_current_leader_epoch(*leader_epoch)
            .with_leader_epoch(position.leader_epoch.unwrap_or(-1));
        topics.entry(partition.topic.clone()).or_default().push(question);
    }
    let topic = |(name, partitions): (Name, Vec<OffsetForLeaderPartition>)| {
        OffsetForLeaderTopic::default().with_topic(TopicName(str_bytes(&name))).with_partitions(partitions)
    };
    OffsetForLeaderEpochRequest::default().with_replica_id((-1).into()).with_topics(topics.into_iter().map(topic).collect())
}

fn truncated(partition: &TopicPartition, position: Position) -> ClientError {
    let message = format!("Truncated partition {partition} at offset {}", position.offset);
    ClientError { code: -1, class: "LogTruncationException", message, cause: None }
}
