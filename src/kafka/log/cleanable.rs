//! How dirty a log is, and what of it may be cleaned (`LogCleanerManager.cleanableOffsets`, `LogToClean`).

use std::cmp::Ordering;
use std::ops::Range;

use super::partition_log::PartitionLog;

/// A log that could be cleaned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogToClean {
    /// Where the last cleaning ended.
    pub first_dirty_offset: i64,
    /// The base of the first segment that must not be cleaned.
    pub first_uncleanable_offset: i64,
    pub clean_bytes: u64,
    pub cleanable_bytes: u64,
    /// Something has been dirty for longer than max.compaction.lag.ms.
    pub need_compaction_now: bool,
    /// The checkpoint named an offset that the log does not have: it is to be put right.
    pub checkpoint_was_wrong: bool,
}

impl LogToClean {
    /// `checkpoint`: of cleaner-offset-checkpoint.
    pub fn of(log: &PartitionLog, checkpoint: Option<i64>, high_watermark: i64, now_ms: i64) -> LogToClean {
        let start = log.log_start_offset();
        let known = checkpoint.unwrap_or(start);
        let wrong = known < start || known > log.log_end_offset();
        let first_dirty_offset = if wrong { start } else { known };
        let uncleanable = first_uncleanable_dirty_offset(log, first_dirty_offset, high_watermark, now_ms).max(first_dirty_offset);
        // calculateCleanableBytes: whole segments.
        let first_uncleanable_offset =
            log.non_active_segments_from(uncleanable).next().map_or(log.active().base_offset, |at| log.segments[at].base_offset);
        let bytes = |range: Range<usize>| range.map(|at| u64::from(log.segments[at].size_bytes)).sum();
        let dirty = log.segments_in(first_dirty_offset.min(first_uncleanable_offset), first_uncleanable_offset);
        let clean = log.segments.iter().take_while(|segment| segment.base_offset < first_dirty_offset).count();
        LogToClean {
            first_dirty_offset,
            first_uncleanable_offset,
            clean_bytes: bytes(0..clean),
            cleanable_bytes: bytes(dirty),
            need_compaction_now: has_waited_too_long(log, first_dirty_offset, now_ms),
            checkpoint_was_wrong: wrong,
        }
    }

    pub fn total_bytes(&self) -> u64 {
        self.clean_bytes + self.cleanable_bytes
    }

    /// Whether it is dirty enough: more than min.cleanable.dirty.ratio, or for too long.
    pub fn is_cleanable(&self, min_dirty_ppm: u32) -> bool {
        let dirty = u128::from(self.cleanable_bytes) * 1_000_000;
        self.total_bytes() > 0
            && (self.need_compaction_now && self.cleanable_bytes > 0 || dirty > u128::from(min_dirty_ppm) * u128::from(self.total_bytes()))
    }

    /// By the share that is dirty.
    pub fn compare(&self, other: &LogToClean) -> Ordering {
        let cross = |a: &LogToClean, b: &LogToClean| u128::from(a.cleanable_bytes) * u128::from(b.total_bytes());
        cross(self, other).cmp(&cross(other, self))
    }
}

/// Not beyond the last stable offset, not the active segment, nothing younger than min.compaction.lag.ms.
fn first_uncleanable_dirty_offset(log: &PartitionLog, first_dirty: i64, high_watermark: i64, now_ms: i64) -> i64 {
    let bound = log.last_stable_offset(high_watermark).min(log.active().base_offset);
    let lag_ms = log.config().min_compaction_lag_ms;
    if lag_ms <= 0 {
        return bound;
    }
    let young = log.non_active_segments_from(first_dirty).find(|&at| log.segments[at].largest_timestamp() > now_ms.saturating_sub(lag_ms));
    young.map_or(bound, |at| bound.min(log.segments[at].base_offset))
}

/// `maxCompactionDelay`
fn has_waited_too_long(log: &PartitionLog, first_dirty: i64, now_ms: i64) -> bool {
    let first_timestamps = log.non_active_segments_from(first_dirty).filter_map(|at| log.segments[at].first_timestamp);
    let earliest = first_timestamps.filter(|timestamp| *timestamp > 0).min();
    let until = now_ms.saturating_sub(log.config().max_compaction_lag_ms.max(0));
    earliest.is_some_and(|earliest| earliest < until)
}

impl PartitionLog {
    /// `LogSegments.values`: the segments from the one that holds `from` on, that begin before `to`.
    pub(super) fn segments_in(&self, from: i64, to: i64) -> Range<usize> {
        let first = self.segments.iter().rposition(|segment| segment.base_offset <= from).unwrap_or(0);
        let end = self.segments.iter().rposition(|segment| segment.base_offset < to).map_or(0, |last| last + 1);
        first.min(end)..if from >= to { first.min(end) } else { end }
    }

    /// `nonActiveLogSegmentsFrom`
    fn non_active_segments_from(&self, from: i64) -> Range<usize> {
        self.segments_in(from, self.active().base_offset)
    }
}
