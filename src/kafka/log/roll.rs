//! When a log's active segment ends and the next one begins (`UnifiedLog.maybeRoll`, `LocalLog.roll`).

use std::sync::Arc;

use super::partition_log::PartitionLog;
use super::segment::{RollParams, Segment};
use crate::kafka::records::batch::Batch;
use crate::kafka::rules::Rule;
use crate::sim::process::Store;

impl PartitionLog {
    pub(super) fn must_roll(&self, batch: &Batch, store: &Store) -> bool {
        self.active().should_roll(&RollParams {
            max_segment_ms: self.config.max_segment_ms(),
            max_segment_bytes: self.config.segment_bytes,
            max_timestamp: batch.info.max_timestamp,
            last_offset: batch.last_offset(),
            size_bytes: batch.size_bytes(),
            now_ms: store.now.wall_ms(),
        })
    }

    /// Ends the active segment and begins one at the log end.
    pub fn roll(&mut self, store: &mut Store) {
        self.roll_at(self.log_end_offset, store);
    }

    pub(super) fn roll_at(&mut self, base_offset: i64, store: &mut Store) {
        match self.config.rules.holds(Rule::FlushOrder) {
            true => self.active_mut().close(store),
            false => self.active_mut().end(store),
        }
        self.log_end_offset = base_offset;
        self.take_producer_snapshot(store);
        self.recovery_point = base_offset;
        self.last_flush = store.now;
        if self.active().base_offset == base_offset {
            // An empty segment that rolls is made anew in its place.
            if let Some(empty) = self.segments.pop_back() {
                empty.delete_files(store);
            }
        }
        let mut segment = Segment::empty(&self.dir, base_offset, self.config.segment_index_bytes);
        segment.roll_jitter_ms = self.random_segment_jitter(store);
        segment.create_files(&self.config, false, store);
        self.segments.push_back(Arc::new(segment));
    }

    /// `randomSegmentJitter`, from a number that is nobody else's.
    fn random_segment_jitter(&self, store: &mut Store) -> i64 {
        let most = self.config.segment_jitter_ms.min(self.config.segment_ms);
        if most <= 0 {
            return 0;
        }
        crate::sim::rng::Rng::derive(store.ids.next_id().0, &self.dir).below(most as u64) as i64
    }
}
