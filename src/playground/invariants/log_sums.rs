//! Logs compared without reading them: for each replica a running sum of its batches' hashes, kept up to date as the log grows and is cut.
//!
//! The difference of two sums is the hash of what lies between, wherever a log begins. What it costs follows what changed, not the log's length.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::records::batch::Batch;
use crate::sim::chunk::ChunkId;

/// A replica's log, as far as it has to be known to compare it.
#[derive(Clone, Debug, Default)]
pub struct LogSums {
    entries: Vec<Entry>,
}

/// A batch: what it is, where it ends, and the sum of all up to here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    base: i64,
    next: i64,
    leader_epoch: i32,
    chunk: ChunkId,
    sum: u128,
}

impl LogSums {
    /// Takes in what was appended and cut off since the last time.
    pub fn follow(&mut self, log: &PartitionLog) {
        let end = log.log_end_offset();
        while self.entries.last().is_some_and(|entry| entry.next > end) {
            self.entries.pop();
        }
        // From the end back to what is known: cut off and written again, a log may differ further back than it grew.
        let mut fresh: Vec<&Batch> = Vec::new();
        for batch in log.tail(i64::MAX) {
            while self.entries.last().is_some_and(|entry| entry.base > batch.base_offset) {
                self.entries.pop();
            }
            match self.entries.last() {
                Some(entry) if entry.is(batch) => break,
                Some(entry) if entry.base == batch.base_offset => drop(self.entries.pop()),
                _ => {}
            }
            fresh.push(batch);
        }
        if log.tail(i64::MAX).next().is_none() {
            self.entries.clear();
        }
        let mut sum = self.entries.last().map_or(0, |entry| entry.sum);
        for batch in fresh.into_iter().rev() {
            sum = sum.wrapping_add(hash(batch));
            let (base, next) = (batch.base_offset, batch.next_offset());
            self.entries.push(Entry { base, next, leader_epoch: batch.leader_epoch, chunk: batch.body.id(), sum });
        }
    }

    /// The hash of the batches that end in `(from, to]`.
    pub fn between(&self, from: i64, to: i64) -> u128 {
        self.up_to(to).wrapping_sub(self.up_to(from))
    }

    /// The first offset at which two logs differ, between two offsets: base offset and leader epoch of either batch.
    pub fn first_difference(&self, other: &LogSums, from: i64, to: i64) -> Option<(i64, i64)> {
        let within = |sums: &LogSums| -> Vec<(i64, ChunkId, i32)> {
            let found = sums.entries.iter().filter(|entry| entry.next > from && entry.next <= to);
            found.map(|entry| (entry.base, entry.chunk, entry.leader_epoch)).collect()
        };
        let (own, others) = (within(self), within(other));
        let differs = own.iter().zip(&others).find(|(a, b)| a != b).map(|(a, b)| (a.0, b.0));
        let longer = own.len().min(others.len());
        differs.or_else(|| own.get(longer).or_else(|| others.get(longer)).map(|entry| (entry.0, entry.0)))
    }

    fn up_to(&self, offset: i64) -> u128 {
        let count = self.entries.partition_point(|entry| entry.next <= offset);
        count.checked_sub(1).map_or(0, |last| self.entries[last].sum)
    }
}

impl Entry {
    fn is(&self, batch: &Batch) -> bool {
        self.base == batch.base_offset && self.leader_epoch == batch.leader_epoch && self.chunk == batch.body.id()
    }
}

/// A chunk's id stands for its bytes: who changes bytes gives a new one.
fn hash(batch: &Batch) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write_i64(batch.base_offset);
    hasher.write_i32(batch.leader_epoch);
    hasher.write_u64(batch.body.id().0);
    hasher.finish128().as_u128()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::records::builder::BatchBuilder;
    use crate::kafka::records::compression::CompressionType;
    use crate::sim::disk::Disk;
    use crate::sim::process::{ChunkIds, ProcessId, Store};
    use crate::sim::time::Time;

    struct Pen {
        disk: Disk,
        ids: u64,
    }

    impl Pen {
        fn with<R>(&mut self, write: impl FnOnce(&mut Store) -> R) -> R {
            let ids = ChunkIds::new(ProcessId(0), &mut self.ids);
            write(&mut Store { now: Time::ZERO, disk: &mut self.disk, ids })
        }

        fn append(&mut self, log: &mut PartitionLog, epoch: i32, copies: &mut [&mut PartitionLog]) {
            let batch = self.with(|store| {
                let mut builder = BatchBuilder::new(CompressionType::None, 1_000);
                builder.append(0, None, Some(b"value"), &[]);
                let batch = builder.build(store.ids.next_id());
                log.append_as_leader(batch, epoch, store).unwrap();
                log.tail(i64::MAX).next().unwrap().clone()
            });
            for copy in copies {
                self.with(|store| copy.append_as_follower(batch.clone(), store).unwrap());
            }
        }
    }

    #[test]
    fn follows_appends_and_cuts() {
        let mut pen = Pen { disk: Disk::new(1 << 20), ids: 0 };
        let mut log = pen.with(|store| PartitionLog::create("a", Default::default(), store));
        let mut copy = pen.with(|store| PartitionLog::create("b", Default::default(), store));
        let (mut sums, mut of_copy) = (LogSums::default(), LogSums::default());
        for _ in 0..5 {
            pen.append(&mut log, 1, &mut [&mut copy]);
            sums.follow(&log);
        }
        of_copy.follow(&copy);
        assert_eq!(sums.between(0, 5), of_copy.between(0, 5));
        assert_eq!(sums.between(2, 4), of_copy.between(2, 4));
        assert_ne!(sums.between(2, 4), of_copy.between(2, 5));
        // Cut back to 3 and grown again to 5, by another leader: seen at one look.
        pen.with(|store| copy.truncate_to(3, store));
        pen.append(&mut copy, 2, &mut []);
        pen.append(&mut copy, 2, &mut []);
        of_copy.follow(&copy);
        assert_eq!(sums.between(0, 3), of_copy.between(0, 3));
        assert_ne!(sums.between(0, 4), of_copy.between(0, 4));
        assert_eq!(sums.first_difference(&of_copy, 0, 5), Some((3, 3)));
        pen.with(|store| copy.truncate_to(0, store));
        of_copy.follow(&copy);
        assert_eq!(of_copy.between(0, 5), 0);
    }
}
