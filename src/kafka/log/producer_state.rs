//! What a log knows of its idempotent and transactional producers (`ProducerStateManager`, `ProducerStateEntry`, `ProducerAppendInfo`):
//! the last five batches each, and which transactions are open or not yet replicated.

use std::collections::VecDeque;
use std::sync::Arc;

use imbl::OrdMap;
use kafka_protocol::ResponseError;

use super::producer_snapshot::ProducerSnapshotEntry;
use super::transaction_index::AbortedTxn;
use crate::kafka::records::batch::{Batch, NO_PRODUCER_EPOCH, NO_SEQUENCE, NO_TIMESTAMP};
use crate::kafka::records::control::EndTransactionMarker;

/// `ProducerStateEntry.NUM_BATCHES_TO_RETAIN`: as many as may be in flight at once.
const BATCHES_TO_RETAIN: usize = 5;
/// `TransactionVersion.TV_2`: every end of a transaction raises the producer's epoch (KIP-890).
const TV_2: i16 = 2;
/// Buckets of a new java.util.HashMap.
const HASH_MAP_CAPACITY: u64 = 16;

/// Who appends, and so what is checked (`AppendOrigin`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Client,
    /// A group or transaction coordinator; the version of the transaction whose marker it writes.
    Coordinator {
        transaction_version: i16,
    },
    /// The leader has checked it.
    Replication,
}

/// All producers of one partition. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct ProducerStates {
    producers: OrdMap<i64, Arc<ProducerState>>,
    /// Open transactions: their first offset, and whose they are (`ongoingTxns`).
    ongoing: OrdMap<i64, i64>,
    /// Ended ones whose marker the high watermark has not passed: first offset, offset of the marker (`unreplicatedTxns`).
    unreplicated: OrdMap<i64, i64>,
}

/// One producer's last batches, oldest first, all of its present epoch.
#[derive(Clone, Debug)]
struct ProducerState {
    epoch: i16,
    coordinator_epoch: i32,
    last_timestamp: i64,
    current_txn_first_offset: Option<i64>,
    batches: VecDeque<BatchMetadata>,
}

/// What is remembered of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMetadata {
    pub first_sequence: i32,
    pub last_sequence: i32,
    pub base_offset: i64,
    pub offset_delta: i32,
    /// `maxTimestamp`
    pub timestamp: i64,
}

/// A producer as DescribeProducers tells (and as a snapshot keeps it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveProducer {
    pub producer_id: i64,
    pub epoch: i16,
    /// -1 if the last write was a marker.
    pub last_sequence: i32,
    pub last_timestamp: i64,
    pub coordinator_epoch: i32,
    pub current_txn_first_offset: Option<i64>,
}

/// What to do with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Append,
    /// It is in the log already: answer as if it had been appended now.
    Duplicate(BatchMetadata),
}

/// A transaction whose marker was appended (`CompletedTxn`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletedTxn {
    pub producer_id: i64,
    pub first_offset: i64,
    /// Of the marker.
    pub last_offset: i64,
    pub is_aborted: bool,
}

impl CompletedTxn {
    /// What the transaction index says of it, if it was aborted; before it is [`ProducerStates::complete`]d.
    pub fn index_entry(&self, producers: &ProducerStates) -> Option<AbortedTxn> {
        let last_stable_offset = producers.last_stable_offset(self);
        self.is_aborted.then(|| AbortedTxn::new(self.producer_id, self.first_offset, self.last_offset, last_stable_offset))
    }
}

/// Where an active producer's last record stands (`LastRecord`): the cleaner keeps its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRecord {
    /// `None` if it was a marker.
    pub last_data_offset: Option<i64>,
    pub producer_epoch: i16,
}

impl ProducerStates {
    /// Whether a leader may append this batch.
    ///
    /// # Errors
    /// InvalidProducerEpoch, OutOfOrderSequenceNumber, InvalidTxnState, TransactionCoordinatorFenced.
    pub fn check(&self, batch: &Batch, origin: Origin) -> Result<Verdict, ResponseError> {
        let info = &batch.info;
        if !info.has_producer_id() || origin == Origin::Replication {
            return Ok(Verdict::Append);
        }
        let Some(state) = self.producers.get(&info.producer_id) else { return Ok(Verdict::Append) };
        if origin == Origin::Client
            && let Some(known) = state.duplicate_of(batch)
        {
            return Ok(Verdict::Duplicate(known));
        }
        match marker_of(batch) {
            Some(marker) => state.check_marker(batch, marker, origin)?,
            None => {
                if info.producer_epoch < state.epoch {
                    return Err(ResponseError::InvalidProducerEpoch);
                }
                if origin == Origin::Client {
                    state.check_sequence(info.producer_epoch, info.base_sequence)?;
                }
                if state.current_txn_first_offset.is_some() && !info.is_transactional() {
                    return Err(ResponseError::InvalidTxnState);
                }
            }
        }
        Ok(Verdict::Append)
    }

    /// Remembers an appended batch. Returns the transaction that it ended; it is to be noted in the transaction index and then
    /// [`ProducerStates::complete`]d.
    pub fn remember(&mut self, batch: &Batch) -> Option<CompletedTxn> {
        let info = &batch.info;
        if !info.has_producer_id() {
            return None;
        }
        // An empty control batch is what the cleaner left of a transaction that is gone.
        if info.is_control() && info.record_count == 0 {
            return None;
        }
        let fresh = || {
            let (epoch, last_timestamp) = (NO_PRODUCER_EPOCH, NO_TIMESTAMP);
            let state =
                ProducerState { epoch, coordinator_epoch: -1, last_timestamp, current_txn_first_offset: None, batches: VecDeque::new() };
            Arc::new(state)
        };
        let state = Arc::make_mut(self.producers.entry(info.producer_id).or_insert_with(fresh));
        state.set_epoch(info.producer_epoch);
        state.last_timestamp = info.max_timestamp;
        if let Some(marker) = marker_of(batch) {
            state.coordinator_epoch = marker.coordinator_epoch;
            let first_offset = state.current_txn_first_offset.take()?;
            let is_aborted = !marker.commit;
            return Some(CompletedTxn { producer_id: info.producer_id, first_offset, last_offset: batch.base_offset, is_aborted });
        }
        state.add(BatchMetadata {
            first_sequence: info.base_sequence,
            last_sequence: info.last_sequence(),
            base_offset: batch.base_offset,
            offset_delta: info.last_offset_delta,
            timestamp: info.max_timestamp,
        });
        if info.is_transactional() && state.current_txn_first_offset.is_none() {
            state.current_txn_first_offset = Some(batch.base_offset);
            self.ongoing.insert(batch.base_offset, info.producer_id);
        }
        None
    }

    /// `lastStableOffset(completedTxn)`: what an aborted transaction's index entry says, that of the moment of the abort.
    pub fn last_stable_offset(&self, completed: &CompletedTxn) -> i64 {
        let others = self.ongoing.iter().find(|(_, producer_id)| **producer_id != completed.producer_id);
        others.map_or(completed.last_offset + 1, |(first_offset, _)| *first_offset)
    }

    /// `completeTxn`: it waits for the high watermark now.
    pub fn complete(&mut self, completed: &CompletedTxn) {
        self.ongoing.remove(&completed.first_offset);
        self.unreplicated.insert(completed.first_offset, completed.last_offset);
    }

    /// `onHighWatermarkUpdated`: ended transactions whose marker it has passed are stable.
    pub fn high_watermark_moved(&mut self, high_watermark: i64) {
        while let Some((&first_offset, &last_offset)) = self.unreplicated.get_min().map(|(first, last)| (first, last)) {
            if last_offset >= high_watermark {
                break;
            }
            self.unreplicated.remove(&first_offset);
        }
    }

    /// `firstUnstableOffset`: readers of committed data must not pass it.
    pub fn first_unstable_offset(&self) -> Option<i64> {
        let first = |transactions: &OrdMap<i64, i64>| transactions.get_min().map(|(first_offset, _)| *first_offset);
        first(&self.ongoing).into_iter().chain(first(&self.unreplicated)).min()
    }

    pub fn is_empty(&self) -> bool {
        self.producers.is_empty()
    }

    /// `removeExpiredProducers`: those that wrote nothing for producer.id.expiration.ms and have no open transaction.
    pub fn remove_expired(&mut self, now_ms: i64, expiration_ms: i64) {
        let is_expired = |state: &ProducerState| state.current_txn_first_offset.is_none() && now_ms - state.last_timestamp >= expiration_ms;
        let expired: Vec<i64> = self.producers.iter().filter(|(_, state)| is_expired(state)).map(|(id, _)| *id).collect();
        for id in expired {
            self.producers.remove(&id);
        }
    }

    /// What DescribeProducers tells: every producer, by id.
    pub fn active(&self) -> impl Iterator<Item = ActiveProducer> + '_ {
        self.producers.iter().map(|(&producer_id, state)| ActiveProducer {
            producer_id,
            epoch: state.epoch,
            last_sequence: state.batches.back().map_or(NO_SEQUENCE, |last| last.last_sequence),
            last_timestamp: state.last_timestamp,
            coordinator_epoch: state.coordinator_epoch,
            current_txn_first_offset: state.current_txn_first_offset,
        })
    }

    /// The batches that are remembered of a producer, oldest first.
    pub fn batches_of(&self, producer_id: i64) -> impl Iterator<Item = BatchMetadata> + '_ {
        self.producers.get(&producer_id).into_iter().flat_map(|state| state.batches.iter().copied())
    }

    /// `lastRecordsOfActiveProducers` of one of them.
    pub fn last_record_of(&self, producer_id: i64) -> Option<LastRecord> {
        let state = self.producers.get(&producer_id)?;
        let last = state.batches.back();
        Some(LastRecord { last_data_offset: last.map(|last| last.base_offset + i64::from(last.offset_delta)), producer_epoch: state.epoch })
    }

    /// What a snapshot file holds of them: the last batch each, in the order of a HashMap of their ids. (Of ids in one bucket the smaller
    /// comes first here, in Kafka the one that came first.)
    pub fn snapshot(&self) -> Vec<ProducerSnapshotEntry> {
        let entry = |(id, state): (&i64, &Arc<ProducerState>)| {
            let last = state.batches.back();
            ProducerSnapshotEntry {
                producer_id: *id,
                producer_epoch: state.epoch,
                last_sequence: last.map_or(NO_SEQUENCE, |last| last.last_sequence),
                last_offset: last.map_or(-1, |last| last.base_offset + i64::from(last.offset_delta)),
                offset_delta: last.map_or(0, |last| last.offset_delta),
                timestamp: state.last_timestamp,
                coordinator_epoch: state.coordinator_epoch,
                current_txn_first_offset: state.current_txn_first_offset.unwrap_or(-1),
            }
        };
        let mut entries: Vec<ProducerSnapshotEntry> = self.producers.iter().map(entry).collect();
        let mut capacity = HASH_MAP_CAPACITY;
        while entries.len() as u64 * 4 > capacity * 3 {
            capacity *= 2;
        }
        entries.sort_by_key(|entry| (java_bucket(entry.producer_id, capacity), entry.producer_id));
        entries
    }

    /// `loadFromSnapshot`: what a snapshot file held.
    pub fn from_snapshot(entries: &[ProducerSnapshotEntry]) -> ProducerStates {
        let mut states = ProducerStates::default();
        for entry in entries {
            let current_txn_first_offset = Some(entry.current_txn_first_offset).filter(|offset| *offset >= 0);
            let last = BatchMetadata {
                first_sequence: entry.first_sequence(),
                last_sequence: entry.last_sequence,
                base_offset: entry.last_offset - i64::from(entry.offset_delta),
                offset_delta: entry.offset_delta,
                timestamp: entry.timestamp,
            };
            let state = ProducerState {
                epoch: entry.producer_epoch,
                coordinator_epoch: entry.coordinator_epoch,
                last_timestamp: entry.timestamp,
                current_txn_first_offset,
                batches: (entry.last_offset >= 0).then_some(last).into_iter().collect(),
            };
            if let Some(first_offset) = current_txn_first_offset {
                states.ongoing.insert(first_offset, entry.producer_id);
            }
            states.producers.insert(entry.producer_id, Arc::new(state));
        }
        states
    }
}

impl ProducerState {
    /// `findDuplicateBatch`: one of the last batches of this epoch, with exactly these sequences.
    fn duplicate_of(&self, batch: &Batch) -> Option<BatchMetadata> {
        let (first, last) = (batch.info.base_sequence, batch.info.last_sequence());
        let same = |known: &&BatchMetadata| known.first_sequence == first && known.last_sequence == last;
        (batch.info.producer_epoch == self.epoch).then(|| self.batches.iter().find(same).copied())?
    }

    /// `ProducerAppendInfo.checkSequence`
    fn check_sequence(&self, epoch: i16, first: i32) -> Result<(), ResponseError> {
        let in_sequence = if epoch != self.epoch {
            first == 0 || self.epoch == NO_PRODUCER_EPOCH
        } else {
            let last = self.batches.back().map_or(NO_SEQUENCE, |last| last.last_sequence);
            i64::from(first) == i64::from(last) + 1 || first == 0 && last == i32::MAX || self.epoch == NO_PRODUCER_EPOCH
        };
        if in_sequence { Ok(()) } else { Err(ResponseError::OutOfOrderSequenceNumber) }
    }

    /// `ProducerAppendInfo.appendEndTxnMarker`. An end of a transaction of version 2 brings the next epoch, but a repeated marker may come
    /// with the same one when nothing is open.
    fn check_marker(&self, batch: &Batch, marker: EndTransactionMarker, origin: Origin) -> Result<(), ResponseError> {
        let epoch = batch.info.producer_epoch;
        let version = if let Origin::Coordinator { transaction_version } = origin { transaction_version } else { 0 };
        let stale = epoch < self.epoch || version >= TV_2 && epoch == self.epoch && self.current_txn_first_offset.is_some();
        if stale {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        if self.coordinator_epoch > marker.coordinator_epoch {
            return Err(ResponseError::TransactionCoordinatorFenced);
        }
        Ok(())
    }

    fn set_epoch(&mut self, epoch: i16) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.batches.clear();
        }
    }

    fn add(&mut self, batch: BatchMetadata) {
        if self.batches.len() == BATCHES_TO_RETAIN {
            self.batches.pop_front();
        }
        self.batches.push_back(batch);
    }
}

/// The end of a transaction, if the batch is one.
fn marker_of(batch: &Batch) -> Option<EndTransactionMarker> {
    if !batch.info.is_control() {
        return None;
    }
    let records = batch.records().ok()?;
    let record = records.iter().next()?.ok()?;
    EndTransactionMarker::parse(record.key, record.value).ok()?
}

/// Where a java.util.HashMap of this capacity (a power of two) keeps a java.lang.Long.
fn java_bucket(key: i64, capacity: u64) -> u64 {
    let hash = (key ^ (key as u64 >> 32) as i64) as u32;
    u64::from(hash ^ hash >> 16) & (capacity - 1)
}
