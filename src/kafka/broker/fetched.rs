//! What a leader answers to its followers (`AbstractFetcherThread`): batches are appended, histories that parted are cut, logs that have nothing in
//! common begin anew, and a partition whose batches cannot be appended is given up.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_response::{EpochEndOffset, PartitionData};
use kafka_protocol::messages::{FetchResponse, ListOffsetsResponse};

use super::fetcher::{EARLIEST, LATEST};
use super::partition::Partition;
use super::process::Broker;
use crate::kafka::actor::Outbox;
use crate::kafka::event::Event;
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::names::{BrokerId, TopicPartition};
use crate::kafka::protocol::frame::Batches;
use crate::kafka::records::record::Records;
use crate::sim::time::{Duration, Time};

impl Broker {
    /// `processFetchRequest`
    pub(super) fn process_fetched(
        &mut self,
        now: Time,
        leader: BrokerId,
        response: FetchResponse,
        batches: Vec<Batches>,
        out: &mut Outbox,
    ) {
        let mut batches = batches.into_iter();
        for topic in response.responses {
            let name = self.image.topic_by_id(topic.topic_id).map(|topic| topic.name.clone());
            for data in topic.partitions {
                let batches = batches.next().unwrap_or_default();
                if let Some(topic) = &name {
                    let name = TopicPartition { topic: topic.clone(), partition: data.partition_index };
                    self.process_partition_data(now, leader, name, &data, batches, out);
                }
            }
        }
    }

    /// `processPartitionData`, and what stands before it: append, take over the high watermark and the log start, truncate where histories parted.
    fn process_partition_data(
        &mut self,
        now: Time,
        leader: BrokerId,
        name: TopicPartition,
        data: &PartitionData,
        batches: Batches,
        out: &mut Outbox,
    ) {
        let broker = self.spec.id;
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return };
        let Some(partition) = self.replicas.get_mut(&name).filter(|_| fetcher.partitions.contains(&name)) else { return };
        // What was asked of a log that has changed since (or was deleted, and is there anew; or was filled by another leader meanwhile) is asked
        // again.
        let asked = fetcher.session.place((partition.topic_id, name.partition)).map(|place| place.fetch_offset);
        if asked != Some(partition.log.log_end_offset()) {
            fetcher.changed.insert(name);
            return;
        }
        let retry_at = now + Duration::ms(self.settings.replica_fetch_backoff_ms);
        if data.error_code != 0 {
            fetcher.delay(&name, partition.topic_id, retry_at);
            if data.error_code == ResponseError::OffsetOutOfRange.code() {
                fetcher.lookups.insert(name, LATEST);
            }
            return;
        }
        if data.diverging_epoch.epoch >= 0 {
            return self.truncate_on_fetch_response(leader, name, &data.diverging_epoch, out);
        }
        let before = partition.log.log_end_offset();
        if self.throttles.follower.is_throttled(&name) {
            self.throttles.follower.record(now, batches.iter().map(|batch| u64::from(batch.size_bytes())).sum());
        }
        for batch in &batches {
            match partition.log.append_as_follower(batch.clone(), &mut out.store()) {
                Ok(_) => {}
                Err(ResponseError::CorruptMessage) => {
                    out.emit(Event::CorruptBatch { partition: name.clone(), broker, offset: batch.base_offset });
                    fetcher.delay(&name, partition.topic_id, retry_at);
                    break;
                }
                Err(ResponseError::KafkaStorageError) => {
                    if let Some(id) = self.directory_of(&name) {
                        self.log_dir_failed(now, id, out);
                    }
                    return;
                }
                // `UnexpectedAppendOffsetException`: it begins before this log ends, and will the next time.
                Err(_) => {
                    let thread = format!("[ReplicaFetcher replicaId={broker}, leaderId={leader}, fetcherId=0]");
                    let mut log = |line: String| out.emit(Event::ServerLog { broker, line: line.into() });
                    log(format!(
                        "ERROR {thread} Unexpected error occurred while processing data for partition {name} at offset {before} \
                         (kafka.server.ReplicaFetcherThread)"
                    ));
                    log(unexpected_append(&name, &partition.log, &batches));
                    log(format!("WARN {thread} Partition {name} marked as failed (kafka.server.ReplicaFetcherThread)"));
                    fetcher.mark_failed(&name, partition.topic_id);
                    break;
                }
            }
        }
        self.logs.delete_later(partition.log.take_doomed());
        let log_end = partition.log.log_end_offset();
        let moved = partition.follow_high_watermark(data.high_watermark);
        // LeaderOffsetIncremented: what the leader has deleted goes here too, and the leader is told, which waits for it. What is not
        // committed here yet cannot go: it is asked for again.
        let log_start = data.log_start_offset;
        if log_start > partition.log.log_start_offset() {
            if log_start <= partition.high_watermark && partition.log.increment_log_start(log_start, &mut out.store()) {
                out.emit(Event::LogStartMoved { partition: name.clone(), broker, log_start });
            }
            fetcher.changed.insert(name.clone());
        }
        if moved {
            self.replicas.high_watermarks.changed(&name);
        }
        if log_end > before {
            fetcher.changed.insert(name.clone());
            out.emit(Event::Replicated { partition: name.clone(), broker, log_end });
        }
        // A consumer may wait here, too.
        if moved {
            self.wake_fetches(now, &name, out);
        }
    }

    /// `truncateOnFetchResponse`: what this log has and its leader's has not goes.
    fn truncate_on_fetch_response(&mut self, leader: BrokerId, name: TopicPartition, diverging: &EpochEndOffset, out: &mut Outbox) {
        let broker = self.spec.id;
        let (Some(fetcher), Some(partition)) = (self.fetchers.get_mut(&leader), self.replicas.get_mut(&name)) else { return };
        let from = partition.log.log_end_offset();
        let (epoch, end) = (diverging.epoch, diverging.end_offset);
        let (to, completed) = truncation_state(partition, epoch, end);
        out.emit(Event::ServerLog { broker, line: truncating(broker, leader, &name, (to, completed), (epoch, end)).into() });
        if partition.log.truncate_to(to, &mut out.store()) {
            self.cleaner.truncated(&name, to);
            self.logs.delete_later(partition.log.take_doomed());
            if partition.follow_high_watermark(partition.high_watermark) {
                self.replicas.high_watermarks.changed(&name);
            }
            out.emit(Event::Truncated { partition: name.clone(), broker, from, to });
        }
        fetcher.changed.insert(name);
    }

    /// fetchOffsetAndTruncate: a log that is longer than its leader's is cut to that; one that ends before it begins, begins anew there.
    pub(super) fn process_looked_up(&mut self, now: Time, leader: BrokerId, response: ListOffsetsResponse, out: &mut Outbox) {
        let broker = self.spec.id;
        for (topic, answer) in response.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |answer| (topic, answer))) {
            let name = TopicPartition::new(topic.name.as_str(), answer.partition_index);
            let Some(fetcher) = self.fetchers.get_mut(&leader) else { return };
            let Some(asked) = fetcher.lookups.remove(&name) else { continue };
            let Some(partition) = self.replicas.get_mut(&name).filter(|_| fetcher.partitions.contains(&name)) else { continue };
            let end = partition.log.log_end_offset();
            if answer.error_code != 0 {
                fetcher.delay(&name, partition.topic_id, now + Duration::ms(self.settings.replica_fetch_backoff_ms));
                continue;
            }
            if asked == LATEST && answer.offset >= end {
                fetcher.lookups.insert(name, EARLIEST);
                continue;
            }
            if asked == LATEST && partition.log.truncate_to(answer.offset, &mut out.store()) {
                out.emit(Event::Truncated { partition: name.clone(), broker, from: end, to: answer.offset });
            } else if asked == EARLIEST && answer.offset > end {
                partition.log.start_anew_at(answer.offset, &mut out.store());
                self.logs.delete_later(partition.log.take_doomed());
                out.emit(Event::LogStartMoved { partition: name.clone(), broker, log_start: answer.offset });
            }
            fetcher.resume(&name, partition.topic_id);
            if partition.follow_high_watermark(partition.high_watermark) {
                self.replicas.high_watermarks.changed(&name);
            }
        }
    }
}

/// getOffsetTruncationState: where this log stops being the leader's, and whether that is known for sure, not to be asked again.
fn truncation_state(partition: &Partition, leader_epoch: i32, leader_end: i64) -> (i64, bool) {
    let end = partition.log.log_end_offset();
    let (epoch, own_end) = partition.log.epochs().end_offset_for(leader_epoch, end);
    if epoch == leader_epoch {
        (own_end.min(leader_end).min(end), true)
    } else if own_end >= 0 {
        (own_end.min(end), false)
    } else {
        (leader_end.min(end), true)
    }
}

/// What its thread writes of that (`AbstractFetcherThread.maybeTruncateToEpochEndOffsets`).
fn truncating(
    broker: BrokerId,
    leader: BrokerId,
    name: &TopicPartition,
    (offset, completed): (i64, bool),
    (epoch, end): (i32, i64),
) -> String {
    let partition = name.partition;
    format!(
        "INFO [ReplicaFetcher replicaId={broker}, leaderId={leader}, fetcherId=0] Truncating partition {name} with \
         TruncationState(offset={offset}, completed={completed}) due to leader epoch and offset EpochEndOffset(errorCode=0, \
         partition={partition}, leaderEpoch={epoch}, endOffset={end}) (kafka.server.ReplicaFetcherThread)"
    )
}

/// What is written with the error (`UnexpectedAppendOffsetException`).
fn unexpected_append(name: &TopicPartition, log: &PartitionLog, batches: &Batches) -> String {
    let records = batches.iter().filter_map(|batch| batch.records().ok());
    let offsets: Vec<String> = records.flat_map(|records| offsets_of(&records)).take(10).map(|offset| offset.to_string()).collect();
    format!(
        "org.apache.kafka.server.storage.log.UnexpectedAppendOffsetException: Unexpected offset in append to {name}. First offset {} is less \
         than the next offset {}. First 10 offsets in append: {}, last offset in append: {}. Log start offset = {}",
        batches.first().map_or(-1, |batch| batch.base_offset),
        log.log_end_offset(),
        offsets.join(", "),
        batches.last().map_or(-1, |batch| batch.last_offset()),
        log.log_start_offset(),
    )
}

fn offsets_of(records: &Records<'_>) -> Vec<i64> {
    records.iter().flatten().take(10).map(|record| record.offset).collect()
}
