//! What is read from a log: batches by offset, offsets by time, and what of transactions a reader must know (`UnifiedLog.read`,
//! `fetchOffsetByTimestamp`, `collectAbortedTransactions`).

use std::sync::Arc;

use kafka_protocol::ResponseError;

use super::partition_log::PartitionLog;
use super::segment::Segment;
use super::transaction_index::AbortedTxn;
use crate::kafka::records::batch::Batch;
use crate::sim::process::Store;

impl PartitionLog {
    /// Batches of one segment from `offset` on (`LocalLog.read`): at least one if there is one, then as many as fit into `max_bytes`; none that
    /// begins at or after `before`.
    ///
    /// # Errors
    /// OffsetOutOfRange.
    pub fn read(&self, offset: i64, max_bytes: u32, before: i64) -> Result<Vec<Batch>, ResponseError> {
        if offset < self.log_start_offset || offset > self.log_end_offset() {
            return Err(ResponseError::OffsetOutOfRange);
        }
        let mut batches = Vec::new();
        let mut bytes = 0;
        let first = self.segments.iter().rposition(|segment| segment.base_offset <= offset).unwrap_or(0);
        'segments: for segment in self.segments.iter().skip(first) {
            let torn_at = segment.torn.as_ref().map_or(usize::MAX, |torn| torn.after);
            for i in segment.find(offset)..segment.batches.len() {
                if i >= torn_at {
                    // Nobody gets beyond a torn batch: what follows it is taken for its rest.
                    batches.extend(segment.torn_batch());
                    break 'segments;
                }
                let batch = &segment.batches[i].batch;
                bytes += batch.size_bytes();
                if batch.base_offset >= before || (!batches.is_empty() && bytes > max_bytes) {
                    break 'segments;
                }
                batches.push(batch.clone());
            }
            if !batches.is_empty() {
                break;
            }
        }
        Ok(batches)
    }

    /// All batches from `offset` on that begin before `before`.
    ///
    /// # Errors
    /// OffsetOutOfRange.
    pub fn read_to(&self, mut offset: i64, before: i64) -> Result<Vec<Batch>, ResponseError> {
        let mut batches = Vec::new();
        loop {
            let read = self.read(offset, u32::MAX, before)?;
            // A torn batch is read again and again.
            let Some(last) = read.last().filter(|last| last.next_offset() > offset) else { return Ok(batches) };
            offset = last.next_offset();
            batches.extend(read);
        }
    }

    /// The last so many batches that end before `before`, newest first.
    pub fn tail(&self, before: i64) -> impl Iterator<Item = &Batch> {
        let stored = self.segments.iter().rev().flat_map(|segment| segment.batches.iter().rev());
        stored.map(|stored| &stored.batch).skip_while(move |batch| batch.base_offset >= before)
    }

    /// The first offset whose record's time is at or after `timestamp`, with that record's time.
    pub fn offset_for_time(&self, timestamp: i64) -> Option<(i64, i64)> {
        let segment = self.segments.iter().find(|segment| segment.largest_timestamp() >= timestamp)?;
        segment.find_offset_by_timestamp(timestamp, self.log_start_offset)
    }

    /// The largest timestamp in the log and its record's offset (`ListOffsetsRequest.MAX_TIMESTAMP`).
    pub fn newest_timestamp(&self) -> Option<(i64, i64)> {
        self.newest_segment()?.offset_of_max_timestamp()
    }

    fn newest_segment(&self) -> Option<&Arc<Segment>> {
        let largest = |segment: &&Arc<Segment>| segment.indexes.max_timestamp_so_far().timestamp;
        self.segments.iter().rev().max_by_key(largest)
    }

    /// Whether a lookup by this time (`None`: of the newest record) comes to an active segment whose offset index has no file yet.
    pub fn lookup_makes_index(&self, timestamp: Option<i64>) -> bool {
        let found = match timestamp {
            None => self.newest_segment(),
            Some(timestamp) => self.segments.iter().find(|segment| segment.largest_timestamp() >= timestamp),
        };
        found.is_some_and(|segment| segment.lacks_index_file())
    }

    /// Such a lookup makes the file (`LazyIndex.get`).
    pub fn make_index(&mut self, store: &mut Store) {
        self.active_mut().create_index_file(store);
    }

    /// `lastStableOffset`: readers of committed data stop here.
    pub fn last_stable_offset(&self, high_watermark: i64) -> i64 {
        let unstable = self.producers.first_unstable_offset().map(|offset| offset.max(self.log_start_offset));
        unstable.map_or(high_watermark, |offset| offset.min(high_watermark))
    }

    /// `collectAbortedTransactions`: those that have data between these offsets (the second left out).
    pub fn aborted_transactions(&self, from: i64, to: i64) -> Vec<AbortedTxn> {
        let first = self.segments.iter().rposition(|segment| segment.base_offset <= from).unwrap_or(0);
        let mut found = Vec::new();
        for segment in self.segments.iter().skip(first) {
            for aborted in &segment.aborted {
                if aborted.last_offset >= from && aborted.first_offset < to {
                    found.push(*aborted);
                }
                if aborted.last_stable_offset >= to {
                    // What ends later began later than all that was stable then.
                    return found;
                }
            }
        }
        found
    }
}
