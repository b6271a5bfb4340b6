//! ListOffsets: where reading begins if there is no position (`OffsetFetcher`).

use std::collections::BTreeMap;

use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::config::OffsetReset;
use super::kafka_consumer::{KafkaConsumer, Token};
use super::subscription::{FetchState, Position};
use crate::kafka::actor::Outbox;
use crate::kafka::client::error::ClientError;
use crate::kafka::client::network::{Failed, Outgoing};
use crate::kafka::event::Event;
use crate::kafka::names::{BrokerId, Name, TopicPartition};
use crate::kafka::protocol::errors;
use crate::sim::time::Time;

const LATEST_TIMESTAMP: i64 = -1;
const EARLIEST_TIMESTAMP: i64 = -2;

impl KafkaConsumer {
    /// `resetPositionsIfNeeded`: asks the leaders of partitions without a position.
    #[inline(never)]
    pub(super) fn reset_positions(&mut self, now: Time, out: &mut Outbox) {
        if self.lookups_in_flight > 0 || self.lookup_retry_at > now {
            return;
        }
        let mut by_leader: BTreeMap<BrokerId, Vec<(TopicPartition, OffsetReset)>> = BTreeMap::new();
        let mut unknown = false;
        for (partition, state) in self.subscriptions.unpositioned() {
            let FetchState::AwaitReset(reset) = state else { continue };
            if self.subscriptions.get(partition).is_some_and(|state| state.not_before > now) {
                continue;
            }
            if reset == OffsetReset::None {
                self.error.get_or_insert_with(|| no_offset(partition));
                continue;
            }
            match self.client.cluster().leader(partition) {
                Some(leader) => by_leader.entry(leader).or_default().push((partition.clone(), reset)),
                None => unknown = true,
            }
        }
        if unknown {
            self.client.metadata.request_update(false);
        }
        for (leader, partitions) in by_leader {
            if self.client.ready(now, leader, out) {
                let request = Outgoing::new(self.list_offsets(now, &partitions));
                if self.client.send(now, leader, request, Token::ListOffsets(partitions), out).is_ok() {
                    self.lookups_in_flight += 1;
                }
            }
        }
    }

    fn list_offsets(&self, now: Time, partitions: &[(TopicPartition, OffsetReset)]) -> ListOffsetsRequest {
        let mut topics: BTreeMap<Name, Vec<ListOffsetsPartition>> = BTreeMap::new();
        for (partition, reset) in partitions {
            let timestamp = match reset {
                OffsetReset::Earliest => EARLIEST_TIMESTAMP,
                OffsetReset::ByDuration(span) => now.wall_ms().saturating_sub_unsigned(span.as_ms()),
                OffsetReset::Latest | OffsetReset::None => LATEST_TIMESTAMP,
            };
            let epoch = self.client.cluster().partition(partition).map_or(-1, |info| info.leader_epoch);
            let asked = ListOffsetsPartition::default().with_partition_index(partition.partition);
            topics.entry(partition.topic.clone()).or_default().push(asked.with_current_leader_epoch(epoch).with_timestamp(timestamp));
        }
        let topic = |(name, partitions): (Name, Vec<ListOffsetsPartition>)| {
            ListOffsetsTopic::default().with_name(TopicName(StrBytes::from_string(name.to_string()))).with_partitions(partitions)
        };
        ListOffsetsRequest::default()
            .with_replica_id((-1).into())
            .with_isolation_level(self.config.isolation_level.code())
            .with_topics(topics.into_iter().map(topic).collect())
            .with_timeout_ms(self.config.network.request_timeout.as_ms() as i32)
    }

    #[inline(never)]
    pub(super) fn offsets_listed(
        &mut self,
        now: Time,
        asked: Vec<(TopicPartition, OffsetReset)>,
        result: Result<ListOffsetsResponse, Failed>,
        out: &mut Outbox,
    ) {
        self.lookups_in_flight = self.lookups_in_flight.saturating_sub(1);
        let mut answers = BTreeMap::new();
        for topic in result.map(|response| response.topics).unwrap_or_default() {
            for partition in topic.partitions {
                answers.insert(TopicPartition::new(topic.name.as_str(), partition.partition_index), partition);
            }
        }
        let mut again = false;
        for (partition, reset) in asked {
            match answers.get(&partition) {
                Some(answer) if answer.error_code == errors::NONE && answer.offset >= 0 => {
                    // Kafka forgets the epoch here, so that the position needs no validation; a commit of it says -1.
                    self.maybe_seek_unvalidated(&partition, reset, Position { offset: answer.offset, leader_epoch: None }, out);
                }
                // No record is that young. Kafka asks again when `setNextAllowedRetry` allows it.
                Some(answer) if answer.error_code == errors::NONE => {
                    if let Some(state) = self.subscriptions.get_mut(&partition) {
                        state.not_before = now + self.config.network.request_timeout;
                    }
                }
                Some(answer) if !errors::info(answer.error_code).is_retriable() => {
                    self.error.get_or_insert_with(|| ClientError::of_code(answer.error_code, None));
                }
                _ => again = true,
            }
        }
        if again {
            self.client.metadata.request_update(false);
            self.lookup_retry_at = now + self.config.retry.initial;
        }
    }

    /// The partition may have been taken away or sought elsewhere meanwhile.
    fn maybe_seek_unvalidated(&mut self, partition: &TopicPartition, reset: OffsetReset, position: Position, out: &mut Outbox) {
        if self.subscriptions.get(partition).is_none_or(|state| state.fetch != FetchState::AwaitReset(reset)) {
            return;
        }
        self.subscriptions.set(partition, FetchState::Fetching(position));
        out.emit(Event::OffsetReset {
            group: self.config.group_id.clone(),
            client: self.client_id.clone(),
            partition: partition.clone(),
            to: position.offset,
        });
    }
}

fn no_offset(partition: &TopicPartition) -> ClientError {
    ClientError {
        code: -1,
        class: "NoOffsetForPartitionException",
        message: format!("Undefined offset with no reset policy for partitions: [{partition}]"),
        cause: None,
    }
}
