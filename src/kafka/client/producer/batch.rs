//! `ProducerBatch`: records on their way to one partition, from the first append to the last answer.

use std::sync::Arc;

use crate::kafka::records::batch::{Batch, BatchInfo};
use crate::kafka::records::builder::BatchBuilder;
use crate::sim::chunk::ChunkId;
use crate::sim::time::Time;

/// A batch's number within its producer, from 0; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub u64);

/// Where a partition stands in the producer's own table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionIndex(pub u32);

/// A producer id with its epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdAndEpoch {
    pub id: i64,
    pub epoch: i16,
}

#[derive(Clone, Debug)]
pub struct ProducerBatch {
    pub id: BatchId,
    /// The batch that `send` named; another one for a part of a split batch.
    pub origin: BatchId,
    /// Its first record's place in the origin.
    pub first_index: u32,
    pub partition: PartitionIndex,
    pub body: Body,
    pub created: Time,
    /// How often it was sent and has to be sent again.
    pub attempts: u32,
    /// Not before this time, after a failure.
    pub retry_at: Time,
    /// What it holds of buffer.memory. A split batch holds nothing.
    pub buffer_bytes: u32,
    pub is_split: bool,
    /// Who numbered it, once it is numbered.
    pub producer: Option<ProducerIdAndEpoch>,
    /// Its sequence number was given anew, because the producer's epoch was.
    pub sequence_was_reset: bool,
    /// The newest leader epoch seen, and how many attempts had failed then (KIP-951).
    leader_epoch: i32,
    attempts_at_leader_change: u32,
}

#[derive(Clone, Debug)]
pub enum Body {
    /// Takes more records.
    Open(BatchBuilder),
    /// Full; waits for its turn. Shared by clones of the world, as it can be many.
    Closed(Arc<BatchBuilder>),
    /// Numbered and checksummed: what is sent.
    Sealed(Batch),
}

impl ProducerBatch {
    pub fn new(id: BatchId, partition: PartitionIndex, builder: BatchBuilder, buffer_bytes: u32, now: Time) -> ProducerBatch {
        ProducerBatch {
            id,
            origin: id,
            first_index: 0,
            partition,
            body: Body::Open(builder),
            created: now,
            attempts: 0,
            retry_at: Time::ZERO,
            buffer_bytes,
            is_split: false,
            producer: None,
            sequence_was_reset: false,
            leader_epoch: -1,
            attempts_at_leader_change: 0,
        }
    }

    /// A part of a batch that was too large for the broker.
    pub fn part_of(whole: &ProducerBatch, id: BatchId, builder: BatchBuilder, first_index: u32) -> ProducerBatch {
        let body = Body::Open(builder);
        ProducerBatch { id, first_index, body, buffer_bytes: 0, is_split: true, retry_at: Time::ZERO, ..whole.clone() }
    }

    pub fn record_count(&self) -> u32 {
        match &self.body {
            Body::Open(builder) => builder.record_count(),
            Body::Closed(builder) => builder.record_count(),
            Body::Sealed(batch) => batch.info.record_count.max(0) as u32,
        }
    }

    /// Exact once sealed.
    pub fn size_bytes(&self) -> u32 {
        match &self.body {
            Body::Open(builder) => builder.estimated_size_bytes(),
            Body::Closed(builder) => builder.estimated_size_bytes(),
            Body::Sealed(batch) => batch.size_bytes(),
        }
    }

    /// The records before compression; 0 once sealed.
    pub fn uncompressed_bytes(&self) -> u32 {
        match &self.body {
            Body::Open(builder) => builder.uncompressed_records_bytes(),
            Body::Closed(builder) => builder.uncompressed_records_bytes(),
            Body::Sealed(_) => 0,
        }
    }

    pub fn is_full(&self) -> bool {
        match &self.body {
            Body::Open(builder) => builder.is_full(),
            Body::Closed(_) | Body::Sealed(_) => true,
        }
    }

    /// No more records (`closeForRecordAppends`).
    pub fn close(&mut self) {
        if let Body::Open(builder) = &mut self.body {
            let builder = std::mem::replace(builder, BatchBuilder::new(Default::default(), 0));
            self.body = Body::Closed(Arc::new(builder));
        }
    }

    /// Writes header and checksum, with its number if there is one; a batch that is sealed stays as it is.
    pub fn seal(&mut self, number: Option<(ProducerIdAndEpoch, i32)>, id: ChunkId) -> &Batch {
        self.close();
        if let Body::Closed(builder) = &mut self.body {
            let empty = Arc::new(BatchBuilder::new(Default::default(), 0));
            let mut builder = Arc::unwrap_or_clone(std::mem::replace(builder, empty));
            if let Some((producer, base_sequence)) = number {
                builder.set_producer_state(producer.id, producer.epoch, base_sequence);
                self.producer = Some(producer);
            }
            self.body = Body::Sealed(builder.build(id));
        }
        match &self.body {
            Body::Sealed(batch) => batch,
            Body::Open(_) | Body::Closed(_) => unreachable!("it was closed, and then sealed"),
        }
    }

    /// What is sent; `None` before it is sealed.
    pub fn sealed(&self) -> Option<&Batch> {
        match &self.body {
            Body::Sealed(batch) => Some(batch),
            Body::Open(_) | Body::Closed(_) => None,
        }
    }

    pub fn has_sequence(&self) -> bool {
        self.producer.is_some()
    }

    /// -1 without one.
    pub fn base_sequence(&self) -> i32 {
        self.sealed().map_or(-1, |batch| batch.info.base_sequence)
    }

    pub fn last_sequence(&self) -> i32 {
        self.sealed().map_or(-1, |batch| batch.info.last_sequence())
    }

    /// Numbers a sealed batch anew (`resetProducerState`): another header, so another chunk.
    pub fn renumber(&mut self, producer: ProducerIdAndEpoch, base_sequence: i32, id: ChunkId) {
        let Body::Sealed(batch) = &mut self.body else { return };
        let info = BatchInfo { producer_id: producer.id, producer_epoch: producer.epoch, base_sequence, ..batch.info };
        *batch = batch.with_info(info, id);
        self.producer = Some(producer);
        self.sequence_was_reset = true;
    }

    /// Takes note of a newer leader (`maybeUpdateLeaderEpoch`).
    pub fn note_leader_epoch(&mut self, leader_epoch: i32) {
        if leader_epoch > self.leader_epoch {
            self.leader_epoch = leader_epoch;
            self.attempts_at_leader_change = self.attempts;
        }
    }

    /// Whether its backoff still runs. It need not wait for a leader that is new since it failed.
    pub fn backs_off(&self, now: Time) -> bool {
        self.attempts > 0 && now < self.retry_at && self.attempts != self.attempts_at_leader_change
    }
}
