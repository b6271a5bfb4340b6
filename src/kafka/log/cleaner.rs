//! Compaction of one log (`Cleaner.doClean`): of each key only the newest value stays, then tombstones and markers go too (KIP-534).
//!
//! Offsets never change: a batch that lost records keeps its first and last offset.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cleanable::LogToClean;
use super::cleaned_transactions::CleanedTransactions;
use super::file_name::CLEANED_SUFFIX;
use super::partition_log::PartitionLog;
use super::segment::Segment;
use crate::kafka::records::batch::Batch;
use crate::kafka::records::builder::BatchBuilder;
use crate::kafka::records::error::RecordsError;
use crate::kafka::records::record::Header;
use crate::sim::disk::DiskError;
use crate::sim::process::Store;

/// Bytes that a key takes in Kafka's map (`SkimpyOffsetMap`: an MD5 and an offset), and how full it may become
/// (log.cleaner.io.buffer.load.factor, in tenths). Ours keeps the keys themselves and is bounded as Kafka's.
const SLOT_BYTES: u64 = 24;
const LOAD_FACTOR_TENTHS: u64 = 9;

/// What a cleaning did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanerStats {
    /// Bytes of the segments that were read, and of those that stand in their place.
    pub bytes_read: u64,
    pub bytes_written: u64,
}

/// Why a log cannot be cleaned: a batch that cannot be read, a disk that is full.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CleaningError {
    #[error(transparent)]
    Records(#[from] RecordsError),
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// The newest offset of each key in the dirty part (`OffsetMap`).
struct OffsetMap {
    offsets: BTreeMap<Vec<u8>, i64>,
    latest_offset: i64,
    max_keys: u64,
}

/// What becomes of a batch (`RecordFilter.BatchRetention`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BatchRetention {
    Delete,
    /// It goes if none of its records stays.
    DeleteEmpty,
    RetainEmpty,
}

/// Cleans a log, up to where the map of its keys goes: `dedupe_buffer_bytes` is log.cleaner.dedupe.buffer.size of one thread. Returns the first
/// offset that is still dirty.
///
/// # Errors
/// [`CleaningError`]: the log is left as it was, and is not cleaned again (`markPartitionUncleanable`).
pub fn clean(
    log: &mut PartitionLog,
    cleanable: &LogToClean,
    now_ms: i64,
    dedupe_buffer_bytes: u64,
    store: &mut Store,
) -> Result<(i64, CleanerStats), CleaningError> {
    let map = build_offset_map(log, cleanable, dedupe_buffer_bytes)?;
    let end_offset = map.latest_offset + 1;
    let mut stats = CleanerStats::default();
    let mut transactions = CleanedTransactions::default();
    let mut joined = 0;
    for group in group_segments_by_size(log, end_offset, cleanable.first_uncleanable_offset) {
        let group = group.start - joined..group.end - joined;
        joined += group.len() - 1;
        let mut cleaning =
            Cleaning { log, map: &map, now_ms, upper_bound: cleanable.first_uncleanable_offset, transactions: &mut transactions };
        let cleaned = cleaning.clean_segments(group.clone(), store)?;
        stats.bytes_read += group.clone().map(|at| u64::from(log.segments[at].size_bytes)).sum::<u64>();
        stats.bytes_written += u64::from(cleaned.size_bytes);
        log.replace_segments(cleaned, group, store)?;
    }
    Ok((end_offset, stats))
}

/// `buildOffsetMap`: the keys of the dirty part, without those of aborted transactions.
fn build_offset_map(log: &PartitionLog, cleanable: &LogToClean, buffer_bytes: u64) -> Result<OffsetMap, RecordsError> {
    let (start, end) = (cleanable.first_dirty_offset, cleanable.first_uncleanable_offset);
    let max_keys = (buffer_bytes / SLOT_BYTES * LOAD_FACTOR_TENTHS / 10).max(1);
    let mut map = OffsetMap { offsets: BTreeMap::new(), latest_offset: -1, max_keys };
    let mut transactions = CleanedTransactions::default();
    transactions.add_aborted(&log.aborted_transactions(start, end));
    let dirty = log.segments_in(start, end);
    for at in dirty.clone() {
        let segment = &log.segments[at];
        for stored in segment.batches.iter().skip(segment.find(start)) {
            let batch = &stored.batch;
            if batch.info.is_control() {
                transactions.on_control_batch_read(batch);
            } else if !transactions.on_batch_read(batch) && !map.put_all(batch, start)? {
                return Ok(map);
            }
            map.latest_offset = map.latest_offset.max(batch.last_offset());
        }
        let next = if at + 1 < dirty.end { log.segments[at + 1].base_offset } else { end };
        map.latest_offset = map.latest_offset.max(next - 1);
    }
    Ok(map)
}

impl OffsetMap {
    /// Returns false once it is full: the batch was not taken in whole.
    fn put_all(&mut self, batch: &Batch, start: i64) -> Result<bool, RecordsError> {
        for record in &batch.records()? {
            let record = record?;
            let Some(key) = record.key.filter(|_| record.offset >= start) else { continue };
            if self.offsets.len() as u64 >= self.max_keys {
                return Ok(false);
            }
            match self.offsets.get_mut(key) {
                Some(offset) => *offset = record.offset,
                None => drop(self.offsets.insert(key.to_vec(), record.offset)),
            }
        }
        Ok(true)
    }
}

/// `groupSegmentsBySize`: neighbours that fit into one segment, by what they are before they are cleaned.
fn group_segments_by_size(log: &PartitionLog, end_offset: i64, first_uncleanable: i64) -> Vec<std::ops::Range<usize>> {
    let segments = log.segments_in(0, end_offset);
    let (max_size, max_index) = (u64::from(log.config().segment_bytes), u64::from(log.config().segment_index_bytes));
    let sizes = |at: usize| {
        let segment = &log.segments[at];
        [u64::from(segment.size_bytes), segment.indexes.offset_index.size_bytes(), segment.indexes.time_index.size_bytes()]
    };
    let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
    let mut total = [0; 3];
    for at in segments.clone() {
        let own = sizes(at);
        let sum = [total[0] + own[0], total[1] + own[1], total[2] + own[2]];
        let last_offset = if at + 1 < segments.end { log.segments[at + 1].base_offset } else { first_uncleanable } - 1;
        let joins = |group: &std::ops::Range<usize>| {
            let in_reach = own[0] == 0 || last_offset - log.segments[group.start].base_offset <= i64::from(i32::MAX);
            sum[0] <= max_size && sum[1] <= max_index && sum[2] <= max_index && in_reach
        };
        match groups.last_mut().filter(|group| joins(group)) {
            Some(group) => (group.end, total) = (at + 1, sum),
            None => {
                groups.push(at..at + 1);
                total = own;
            }
        }
    }
    groups
}

/// One group of segments on its way into one.
struct Cleaning<'a> {
    log: &'a PartitionLog,
    map: &'a OffsetMap,
    now_ms: i64,
    /// The end of this round: its last batch stays, so that the offsets do.
    upper_bound: i64,
    transactions: &'a mut CleanedTransactions,
}

impl Cleaning<'_> {
    /// `cleanSegments`
    fn clean_segments(&mut self, group: std::ops::Range<usize>, store: &mut Store) -> Result<Segment, RecordsError> {
        let (log, config) = (self.log, self.log.config());
        let mut cleaned = Segment::empty(log.dir(), log.segments[group.start].base_offset, config.segment_index_bytes);
        for at in group.clone() {
            let segment = &log.segments[at];
            let upper_bound = if at + 1 < group.end { log.segments[at + 1].base_offset } else { segment.next_offset() };
            self.transactions.add_aborted(&log.aborted_transactions(segment.base_offset, upper_bound));
            for stored in &segment.batches {
                if let Some(batch) = self.filter(&stored.batch, &mut cleaned, store)? {
                    cleaned.remember(batch, config.index_interval_bytes);
                }
            }
        }
        let _ = cleaned.indexes.closed();
        let last = &log.segments[group.end - 1];
        (cleaned.created_ms, cleaned.last_modified_ms) = (store.now.wall_ms(), last.last_modified_ms);
        Ok(cleaned)
    }

    /// `checkBatchRetention` and `filterTo`: what is left of a batch.
    fn filter(&mut self, batch: &Batch, cleaned: &mut Segment, store: &mut Store) -> Result<Option<Batch>, RecordsError> {
        let info = &batch.info;
        let can_discard = match info.is_control() {
            true => {
                let read = self.transactions.on_control_batch_read(batch);
                cleaned.aborted.extend(read.kept);
                read.can_discard
            }
            false => self.transactions.on_batch_read(batch),
        };
        let horizon_passed = info.delete_horizon_ms().is_some_and(|horizon| horizon <= self.now_ms);
        let discard_records = can_discard && (!info.is_control() || horizon_passed);
        let retention = if info.has_producer_id() && self.is_last_of_producer(batch) || batch.next_offset() == self.upper_bound {
            BatchRetention::RetainEmpty
        } else if discard_records {
            BatchRetention::Delete
        } else {
            BatchRetention::DeleteEmpty
        };
        if retention == BatchRetention::Delete {
            return Ok(None);
        }
        let marker_of_empty = can_discard && info.is_control();
        let kept = if discard_records { None } else { self.retain_records(batch, marker_of_empty, store)? };
        Ok(kept.or_else(|| (retention == BatchRetention::RetainEmpty).then(|| batch.emptied(store.ids.next_id()))))
    }

    /// The batch with the records that stay; the same one if all do. `None` if none does.
    fn retain_records(&self, batch: &Batch, marker_of_empty: bool, store: &mut Store) -> Result<Option<Batch>, RecordsError> {
        let records = batch.records()?;
        let (mut kept, mut tombstones) = (0, false);
        for record in &records {
            let record = record?;
            if self.retains(batch, record.offset, record.key, record.value) {
                kept += 1;
                tombstones |= record.value.is_none();
            }
        }
        if kept == 0 {
            return Ok(None);
        }
        let sets_horizon = (tombstones || marker_of_empty) && batch.info.delete_horizon_ms().is_none();
        if kept == batch.info.record_count && !sets_horizon {
            return Ok(Some(batch.clone()));
        }
        let mut builder = BatchBuilder::rewriting(batch, batch.info.compression()?);
        if sets_horizon {
            builder.set_delete_horizon(self.now_ms + self.log.config().delete_retention_ms);
        }
        let mut headers: Vec<Header> = Vec::new();
        for record in &records {
            let record = record?;
            if self.retains(batch, record.offset, record.key, record.value) {
                headers.clear();
                headers.extend(record.headers.iter());
                builder.append_at((record.offset - batch.base_offset) as i32, record.timestamp, record.key, record.value, &headers);
            }
        }
        Ok(Some(builder.build(store.ids.next_id())))
    }

    /// `shouldRetainRecord`
    fn retains(&self, batch: &Batch, offset: i64, key: Option<&[u8]>, value: Option<&[u8]>) -> bool {
        if batch.info.is_control() || offset > self.map.latest_offset {
            return true;
        }
        let Some(key) = key else { return false };
        let is_newest = self.map.offsets.get(key).is_none_or(|newest| offset >= *newest);
        let keeps_tombstones = batch.info.delete_horizon_ms().is_none_or(|horizon| self.now_ms < horizon);
        is_newest && (value.is_some() || keeps_tombstones)
    }

    /// `isBatchLastRecordOfProducer`: it holds the last sequence, or the last epoch, of a producer that may go on.
    fn is_last_of_producer(&self, batch: &Batch) -> bool {
        let Some(last) = self.log.producers().last_record_of(batch.info.producer_id) else { return false };
        match last.last_data_offset {
            Some(offset) => batch.last_offset() == offset,
            None => batch.info.is_control() && batch.info.producer_epoch == last.producer_epoch,
        }
    }
}

impl PartitionLog {
    /// `replaceSegments`: the files of the cleaned one are written aside, then take the others' place, which go after file.delete.delay.ms.
    fn replace_segments(&mut self, mut cleaned: Segment, group: std::ops::Range<usize>, store: &mut Store) -> Result<(), DiskError> {
        cleaned.set_suffix(CLEANED_SUFFIX);
        if let Err(full) = cleaned.write_log(store) {
            cleaned.delete_files(store);
            return Err(full);
        }
        let base_offset = cleaned.base_offset;
        for at in group.clone() {
            let segment = self.segments[at].clone();
            let files = segment.mark_deleted(segment.base_offset != base_offset, store);
            self.doom(files, store);
        }
        cleaned.rename_files("", store);
        let rest = self.segments.split_off(group.end);
        self.segments.truncate(group.start);
        self.segments.push_back(Arc::new(cleaned));
        self.segments.append(rest);
        Ok(())
    }
}
