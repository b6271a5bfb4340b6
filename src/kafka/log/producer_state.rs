//! What a leader remembers of idempotent producers: the last five batches each (`ProducerStateManager`, `ProducerStateEntry`).

use std::collections::VecDeque;
use std::sync::Arc;

use imbl::OrdMap;
use kafka_protocol::ResponseError;

use super::producer_snapshot::ProducerSnapshotEntry;
use crate::kafka::records::batch::{Batch, NO_PRODUCER_ID};

/// `ProducerStateEntry.NUM_BATCHES_TO_RETAIN`: as many as may be in flight at once.
const BATCHES_TO_RETAIN: usize = 5;

/// All producers of one partition. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct ProducerStates {
    producers: OrdMap<i64, Arc<ProducerState>>,
}

/// One producer's last batches, oldest first, all of its present epoch.
#[derive(Clone, Debug)]
struct ProducerState {
    epoch: i16,
    batches: VecDeque<BatchMetadata>,
}

#[derive(Clone, Copy, Debug)]
struct BatchMetadata {
    first_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
    offset_delta: i32,
    /// `maxTimestamp`
    timestamp: i64,
}

/// What to do with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Append,
    /// It is in the log already, from this offset: answer as if it had been appended now.
    Duplicate(i64),
}

impl ProducerStates {
    /// Whether a leader may append this batch (`ProducerAppendInfo`).
    pub fn check(&self, batch: &Batch) -> Result<Verdict, ResponseError> {
        let info = &batch.info;
        if info.producer_id == NO_PRODUCER_ID || info.base_sequence < 0 {
            return Ok(Verdict::Append);
        }
        let Some(state) = self.producers.get(&info.producer_id) else { return Ok(Verdict::Append) };
        let (first, last) = (info.base_sequence, last_sequence(batch));
        if info.producer_epoch < state.epoch {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        if info.producer_epoch > state.epoch {
            return if first == 0 { Ok(Verdict::Append) } else { Err(ResponseError::OutOfOrderSequenceNumber) };
        }
        if let Some(known) = state.batches.iter().find(|known| known.first_sequence == first && known.last_sequence == last) {
            return Ok(Verdict::Duplicate(known.base_offset));
        }
        match state.batches.back() {
            Some(newest) if next_sequence(newest.last_sequence) != first => Err(ResponseError::OutOfOrderSequenceNumber),
            _ => Ok(Verdict::Append),
        }
    }

    /// Remembers an appended batch.
    pub fn remember(&mut self, batch: &Batch) {
        let info = &batch.info;
        if info.producer_id == NO_PRODUCER_ID || info.base_sequence < 0 {
            return;
        }
        let fresh = || Arc::new(ProducerState { epoch: info.producer_epoch, batches: VecDeque::new() });
        let state = Arc::make_mut(self.producers.entry(info.producer_id).or_insert_with(fresh));
        if state.epoch != info.producer_epoch {
            state.epoch = info.producer_epoch;
            state.batches.clear();
        }
        if state.batches.len() == BATCHES_TO_RETAIN {
            state.batches.pop_front();
        }
        let metadata = BatchMetadata {
            first_sequence: info.base_sequence,
            last_sequence: last_sequence(batch),
            base_offset: batch.base_offset,
            offset_delta: info.last_offset_delta,
            timestamp: info.max_timestamp,
        };
        state.batches.push_back(metadata);
    }

    /// What a snapshot file holds of them: the last batch each. (Kafka writes them in the order of a HashMap of ids, which is theirs while
    /// ids are small.)
    pub fn snapshot(&self) -> Vec<ProducerSnapshotEntry> {
        let entry = |(id, state): (&i64, &Arc<ProducerState>)| {
            let last = state.batches.back()?;
            Some(ProducerSnapshotEntry {
                producer_id: *id,
                producer_epoch: state.epoch,
                last_sequence: last.last_sequence,
                last_offset: last.base_offset + i64::from(last.offset_delta),
                offset_delta: last.offset_delta,
                timestamp: last.timestamp,
                coordinator_epoch: -1,
                current_txn_first_offset: -1,
            })
        };
        self.producers.iter().filter_map(entry).collect()
    }
}

/// Sequences count records and wrap from 2147483647 to 0.
fn last_sequence(batch: &Batch) -> i32 {
    add(batch.info.base_sequence, batch.info.last_offset_delta)
}

fn next_sequence(sequence: i32) -> i32 {
    add(sequence, 1)
}

fn add(sequence: i32, n: i32) -> i32 {
    ((i64::from(sequence) + i64::from(n)) % (i64::from(i32::MAX) + 1)) as i32
}
