//! What makes a producer idempotent (the part of `TransactionManager` that needs no transactions): producer id, epoch, sequence numbers.

use std::collections::BTreeSet;

use super::batch::{BatchId, PartitionIndex, ProducerIdAndEpoch};
use crate::kafka::records::batch::{NO_SEQUENCE, increment_sequence};

/// The producer's identity, and what is to be done about it.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    pub current: Option<ProducerIdAndEpoch>,
    /// An InitProducerId is on its way.
    pub in_flight: bool,
    /// The last attempt to get an id failed.
    pub failed: bool,
    /// Partitions whose numbering broke: the epoch is to be raised and their batches numbered from 0.
    pub rewrite: BTreeSet<PartitionIndex>,
    /// Partitions where a batch was given up whose fate is unknown.
    pub unresolved: BTreeSet<PartitionIndex>,
}

/// The numbers of one partition (`TxnPartitionEntry`).
#[derive(Clone, Debug)]
pub struct Sequences {
    pub producer: Option<ProducerIdAndEpoch>,
    next: i32,
    last_acked: i32,
    /// Numbered and not yet acknowledged, whether on their way or waiting to be sent again: by first sequence number.
    unacked: Vec<(i32, BatchId)>,
}

impl Default for Sequences {
    fn default() -> Sequences {
        Sequences { producer: None, next: 0, last_acked: NO_SEQUENCE, unacked: Vec::new() }
    }
}

impl Identity {
    /// `bumpIdempotentProducerEpoch`: the next epoch, or no identity at all (a new id is asked for) when epochs are used up.
    pub fn bump(&mut self) {
        self.current = self.current.and_then(|current| {
            let epoch = current.epoch.checked_add(1)?;
            Some(ProducerIdAndEpoch { epoch, ..current })
        });
    }

    /// Raises the epoch soon, and numbers this partition from 0 (`requestIdempotentEpochBumpForPartition`).
    pub fn request_bump(&mut self, partition: PartitionIndex) {
        self.rewrite.insert(partition);
    }
}

impl Sequences {
    pub fn next(&self) -> i32 {
        self.next
    }

    /// Takes numbers for a batch that is sent for the first time.
    pub fn assign(&mut self, batch: BatchId, record_count: u32) -> i32 {
        let base = self.next;
        self.next = increment_sequence(self.next, record_count as i32);
        self.unacked.push((base, batch));
        base
    }

    /// A batch with a number is tracked (a part of a split one).
    pub fn track(&mut self, base: i32, batch: BatchId) {
        let at = self.unacked.partition_point(|&(other, _)| other < base);
        self.unacked.insert(at, (base, batch));
    }

    pub fn untrack(&mut self, batch: BatchId) {
        self.unacked.retain(|&(_, id)| id != batch);
    }

    pub fn acked(&mut self, batch: BatchId, last_sequence: i32) {
        self.last_acked = self.last_acked.max(last_sequence);
        self.untrack(batch);
    }

    /// The number that must be sent first; [`NO_SEQUENCE`] if nothing is unacknowledged.
    pub fn first_unacked(&self) -> i32 {
        self.unacked.first().map_or(NO_SEQUENCE, |&(base, _)| base)
    }

    pub fn has_unacked(&self) -> bool {
        !self.unacked.is_empty()
    }

    /// Whether this number follows the last acknowledged one.
    pub fn is_next(&self, sequence: i32) -> bool {
        sequence - self.last_acked == 1
    }

    /// Numbers from 0 under this identity. Returns the batches to renumber, in their order (`startSequencesAtBeginning`);
    /// [`Sequences::assign`] is to be called for each.
    pub fn start_over(&mut self, producer: ProducerIdAndEpoch) -> Vec<BatchId> {
        self.producer = Some(producer);
        self.next = 0;
        self.last_acked = NO_SEQUENCE;
        std::mem::take(&mut self.unacked).into_iter().map(|(_, batch)| batch).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_each_other_and_start_over() {
        let mut sequences = Sequences::default();
        assert_eq!([sequences.assign(BatchId(1), 3), sequences.assign(BatchId(2), 2), sequences.next()], [0, 3, 5]);
        assert!(sequences.is_next(0) && !sequences.is_next(3));
        sequences.acked(BatchId(1), 2);
        assert!(sequences.is_next(3) && sequences.first_unacked() == 3);
        let renumber = sequences.start_over(ProducerIdAndEpoch { id: 1, epoch: 1 });
        assert_eq!((renumber, sequences.next(), sequences.first_unacked()), (vec![BatchId(2)], 0, NO_SEQUENCE));
    }

    #[test]
    fn epochs_run_out_and_then_a_new_id_is_needed() {
        let mut identity = Identity { current: Some(ProducerIdAndEpoch { id: 5, epoch: i16::MAX }), ..Identity::default() };
        identity.bump();
        assert!(identity.current.is_none());
    }
}
