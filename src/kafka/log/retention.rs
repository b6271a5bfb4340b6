//! Which segments go because they are too old or too many (`UnifiedLog.deleteOldSegments`).

use std::sync::Arc;

use super::partition_log::PartitionLog;
use super::segment::Segment;
use crate::sim::process::Store;

impl PartitionLog {
    /// Deletes whole segments that nobody may read any more, and, with cleanup.policy `delete`, by size and time; none that reaches beyond
    /// `high_watermark`. Their files go after file.delete.delay.ms. Returns whether the log start moved.
    pub fn delete_old_segments(&mut self, now_ms: i64, high_watermark: i64, store: &mut Store) -> bool {
        let before = self.log_start_offset;
        while self.oldest_may_go(now_ms, high_watermark) {
            if self.segments.len() == 1 {
                self.roll(store);
            }
            let Some(segment) = self.segments.pop_front() else { break };
            self.log_start_offset = self.segments.front().map_or(before, |next| next.base_offset.max(self.log_start_offset));
            let files = segment.mark_deleted(true, store);
            self.doom(files, store);
        }
        if self.log_start_offset > before {
            self.epochs.truncate_from_start(self.log_start_offset);
            self.write_epochs(store);
        }
        self.log_start_offset > before
    }

    /// Whether [`PartitionLog::delete_old_segments`] would do something.
    pub fn has_old_segments(&self, now_ms: i64, high_watermark: i64) -> bool {
        self.oldest_may_go(now_ms, high_watermark)
    }

    fn oldest_may_go(&self, now_ms: i64, high_watermark: i64) -> bool {
        let Some(oldest) = self.segments.front() else { return false };
        let next = self.segments.get(1).map(|next| next.base_offset);
        let empty_active = next.is_none() && oldest.size_bytes == 0;
        if empty_active || next.unwrap_or(self.log_end_offset()) > high_watermark {
            return false;
        }
        // deleteLogStartOffsetBreachedSegments: nothing of it can be read any more. The active segment stays.
        next.is_some_and(|next| next <= self.log_start_offset)
            || self.config().delete && (self.breaches_retention_ms(oldest, now_ms) || self.breaches_retention_bytes(oldest))
    }

    fn breaches_retention_ms(&self, oldest: &Arc<Segment>, now_ms: i64) -> bool {
        let retention_ms = self.config().retention_ms;
        retention_ms >= 0 && now_ms - oldest.largest_timestamp() > retention_ms
    }

    /// The rest must still be as large as the limit.
    fn breaches_retention_bytes(&self, oldest: &Arc<Segment>) -> bool {
        let retention_bytes = self.config().retention_bytes;
        retention_bytes >= 0 && self.size_bytes() as i64 - i64::from(oldest.size_bytes) >= retention_bytes
    }
}
