//! What is taken away from a log: its end, where histories parted; all of it; its beginning (`UnifiedLog.truncateTo`,
//! `truncateFullyAndStartAt`, `maybeIncrementLogStartOffset`).

use std::sync::Arc;

use super::epoch_cache::LeaderEpochCache;
use super::partition_log::PartitionLog;
use super::producer_state::ProducerStates;
use super::segment::Segment;
use crate::sim::process::Store;

impl PartitionLog {
    /// Cuts off everything at or after `offset` (`truncateTo`). Returns whether anything was cut.
    pub fn truncate_to(&mut self, offset: i64, store: &mut Store) -> bool {
        if offset >= self.log_end_offset {
            // Who led and appended nothing before another was elected has an epoch at its end that the leader knows nothing of.
            let before = self.epochs.latest();
            self.epochs.truncate_from_end(self.log_end_offset);
            if self.epochs.latest() != before {
                self.write_epochs(store);
            }
            return false;
        }
        if self.segments.front().is_some_and(|first| first.base_offset > offset) {
            self.start_anew_at(offset, store);
            return true;
        }
        while self.segments.len() > 1 && self.active().base_offset > offset {
            if let Some(segment) = self.segments.pop_back() {
                let files = segment.mark_deleted(true, store);
                self.doom(files, store);
            }
        }
        self.active_mut().truncate(offset, store);
        self.log_end_offset = offset;
        self.epochs.truncate_from_end(offset);
        self.recovery_point = self.recovery_point.min(offset);
        self.log_start_offset = self.log_start_offset.min(offset);
        self.rebuild_producers(store);
        self.write_epochs(store);
        true
    }

    /// Throws everything away and begins anew at `offset` (`truncateFullyAndStartAt`).
    pub fn start_anew_at(&mut self, offset: i64, store: &mut Store) {
        for segment in std::mem::take(&mut self.segments) {
            let files = segment.mark_deleted(false, store);
            self.doom(files, store);
        }
        let mut first = Segment::empty(&self.dir, offset, self.config.segment_index_bytes);
        first.create_files(&self.config, true, store);
        self.segments = imbl::vector![Arc::new(first)];
        (self.log_start_offset, self.log_end_offset, self.recovery_point) = (offset, offset, offset);
        self.epochs = LeaderEpochCache::default();
        self.producers = ProducerStates::default();
        self.retain_producer_snapshots(|_| false, store);
        self.write_epochs(store);
    }

    /// `maybeIncrementLogStartOffset`: what is before `offset` is no longer to be read; whole segments of it go at the next check. Returns
    /// whether it moved.
    pub fn increment_log_start(&mut self, offset: i64, store: &mut Store) -> bool {
        if offset <= self.log_start_offset || offset > self.log_end_offset() {
            return false;
        }
        self.log_start_offset = offset;
        self.epochs.truncate_from_start(offset);
        self.write_epochs(store);
        true
    }

    /// Whether the log begins within a segment, which only a checkpoint can tell after a restart.
    pub fn starts_within_a_segment(&self) -> bool {
        self.segments.front().is_some_and(|segment| self.log_start_offset > segment.base_offset)
    }
}
