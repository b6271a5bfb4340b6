//! When entries are written into a segment's two indexes (`LogSegment.append`, `LogSegment.recover`).

use super::offset_index::{IndexError, OffsetIndex};
use super::time_index::{TimeIndex, TimestampOffset};
use crate::kafka::records::batch::{Batch, NO_TIMESTAMP};

/// Both indexes of one segment, and what the writing rule remembers between batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentIndexes {
    pub offset_index: OffsetIndex,
    pub time_index: TimeIndex,
    /// Bytes of batches since the batch of the last entry, that one included. Starts at 0 again when a broker opens the log, so entries
    /// differ between replicas and after restarts.
    bytes_since_last_entry: u32,
    max_so_far: TimestampOffset,
}

impl SegmentIndexes {
    /// Indexes of an empty segment, each of at most `max_bytes` (`segment.index.bytes`).
    pub fn new(base_offset: i64, max_bytes: u32) -> SegmentIndexes {
        SegmentIndexes::open(OffsetIndex::new(base_offset, max_bytes), TimeIndex::new(base_offset, max_bytes))
    }

    /// Indexes as found on disk. The largest timestamp is believed to be the time index's last, as by Kafka.
    pub fn open(offset_index: OffsetIndex, time_index: TimeIndex) -> SegmentIndexes {
        let max_so_far = time_index.last_entry();
        SegmentIndexes { offset_index, time_index, bytes_since_last_entry: 0, max_so_far }
    }

    /// Notes a batch that was written at `position`. It gets an entry if **more than** `interval_bytes` (`index.interval.bytes`) lie between
    /// the last entry's batch, included, and it: so the first batch of a segment never has one.
    ///
    /// # Errors
    /// Those of the indexes; a caller that rolls before an index is full, and appends in order, sees none.
    pub fn appended(&mut self, batch: &Batch, position: u32, interval_bytes: u32) -> Result<(), IndexError> {
        self.saw_timestamp(batch.info.max_timestamp, batch.last_offset());
        if self.bytes_since_last_entry > interval_bytes {
            self.offset_index.append(batch.last_offset(), position)?;
            self.time_index.maybe_append(self.max_so_far.timestamp, self.max_so_far.offset, false)?;
            self.bytes_since_last_entry = 0;
        }
        self.bytes_since_last_entry = self.bytes_since_last_entry.saturating_add(batch.size_bytes());
        Ok(())
    }

    /// A batch with this largest timestamp ends with this offset.
    pub fn saw_timestamp(&mut self, timestamp: i64, offset: i64) {
        if timestamp > self.max_so_far.timestamp {
            self.max_so_far = TimestampOffset { timestamp, offset };
        }
    }

    /// Removes the entries from this offset on, and begins to count bytes anew.
    pub fn truncate_to(&mut self, offset: i64) {
        self.offset_index.truncate_to(offset);
        self.time_index.truncate_to(offset);
        self.bytes_since_last_entry = 0;
        self.max_so_far = self.time_index.last_entry();
    }

    /// After a segment was read again from its file: Kafka's `LogSegment.recover` leaves the count as it was before the first batch.
    pub fn count_anew(&mut self) {
        self.bytes_since_last_entry = 0;
    }

    /// The last entry of the time index, made when the segment rolls or its broker stops cleanly (`onBecomeInactiveSegment`, `close`).
    ///
    /// # Errors
    /// As [`SegmentIndexes::appended`].
    pub fn closed(&mut self) -> Result<(), IndexError> {
        if self.max_so_far.timestamp <= NO_TIMESTAMP {
            return Ok(());
        }
        self.time_index.maybe_append(self.max_so_far.timestamp, self.max_so_far.offset, true)
    }

    /// The largest timestamp of the segment and the last offset of its batch; -1 in an empty one.
    pub fn max_timestamp_so_far(&self) -> TimestampOffset {
        self.max_so_far
    }

    pub fn is_full(&self) -> bool {
        self.offset_index.is_full() || self.time_index.is_full()
    }
}
