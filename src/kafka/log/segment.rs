//! A segment as a broker holds it (`LogSegment`): its batches by position, its indexes, and the files that mirror them.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::config::LogConfig;
use super::file_name::{
    DELETED_SUFFIX, LOG_SUFFIX, OFFSET_INDEX_SUFFIX, PRODUCER_SNAPSHOT_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX,
    offset_file_name,
};
use super::offset_index::OFFSET_INDEX_ENTRY_BYTES;
use super::segment_index::SegmentIndexes;
use super::time_index::TIME_INDEX_ENTRY_BYTES;
use super::transaction_index::AbortedTxn;
use crate::kafka::records::batch::{Batch, NO_TIMESTAMP, peek_size};
use crate::sim::chunk::ChunkId;
use crate::sim::disk::{DiskError, Head};
use crate::sim::process::Store;

/// A batch and where it begins in its segment's file.
#[derive(Clone, Debug)]
pub struct StoredBatch {
    pub batch: Batch,
    pub position: u32,
}

/// What is known of a batch that is about to be written (`RollParams`).
#[derive(Clone, Copy, Debug)]
pub struct RollParams {
    pub max_segment_ms: i64,
    pub max_segment_bytes: u32,
    pub max_timestamp: i64,
    pub last_offset: i64,
    pub size_bytes: u32,
    pub now_ms: i64,
}

/// A segment. Cloning shares its batches.
#[derive(Clone, Debug)]
pub struct Segment {
    pub base_offset: i64,
    pub batches: imbl::Vector<StoredBatch>,
    /// The file's length.
    pub size_bytes: u32,
    pub indexes: SegmentIndexes,
    /// The aborted transactions whose marker lies here.
    pub aborted: Vec<AbortedTxn>,
    /// A torn batch that a clean start left in the file.
    pub torn: Option<Torn>,
    /// The largest timestamp of the first batch, for rolling by time (`rollingBasedTimestamp`); `None` while empty.
    pub first_timestamp: Option<i64>,
    /// When this broker opened it; rolling by time counts from it where the first batch has no timestamp.
    pub created_ms: i64,
    /// Of the file, for retention where no batch has a timestamp.
    pub last_modified_ms: i64,
    /// `rollJitterMs`: it rolls so much earlier.
    pub roll_jitter_ms: i64,
    /// Whether the offset index has a file yet: the first batch makes it.
    has_index_file: bool,
    log_path: Arc<str>,
    index_path: Arc<str>,
    time_index_path: Arc<str>,
}

/// Bytes behind a whole batch that are no whole batch, and stay: nobody cuts a tail after a clean stop.
#[derive(Clone, Debug)]
pub struct Torn {
    /// So many batches lie before it.
    pub after: usize,
    pub position: u32,
    pub bytes: Bytes,
}

impl Segment {
    /// A segment without batches. Its files come into being with what is written to them.
    pub fn empty(dir: &str, base_offset: i64, index_bytes: u32) -> Segment {
        let path = |suffix| Arc::from(format!("{dir}/{}", offset_file_name(base_offset, suffix)));
        Segment {
            base_offset,
            batches: imbl::Vector::new(),
            size_bytes: 0,
            indexes: SegmentIndexes::new(base_offset, index_bytes),
            aborted: Vec::new(),
            torn: None,
            first_timestamp: None,
            created_ms: 0,
            last_modified_ms: 0,
            roll_jitter_ms: 0,
            has_index_file: false,
            log_path: path(LOG_SUFFIX),
            index_path: path(OFFSET_INDEX_SUFFIX),
            time_index_path: path(TIME_INDEX_SUFFIX),
        }
    }

    /// Its files were moved to this folder.
    pub(super) fn moved_to(&mut self, dir: &str) {
        let path = |suffix| Arc::from(format!("{dir}/{}", offset_file_name(self.base_offset, suffix)));
        (self.log_path, self.index_path, self.time_index_path) = (path(LOG_SUFFIX), path(OFFSET_INDEX_SUFFIX), path(TIME_INDEX_SUFFIX));
    }

    pub fn log_path(&self) -> &str {
        &self.log_path
    }

    /// The offset after the last batch; the base offset while empty.
    pub fn next_offset(&self) -> i64 {
        self.batches.last().map_or(self.base_offset, |stored| stored.batch.next_offset())
    }

    /// `largestTimestamp`: of its batches, else the file's time.
    pub fn largest_timestamp(&self) -> i64 {
        match self.indexes.max_timestamp_so_far().timestamp {
            timestamp if timestamp >= 0 => timestamp,
            _ => self.last_modified_ms,
        }
    }

    /// Creates the files of a new segment. An offset index is made at once with a log, and by the first batch of a segment that rolled.
    pub fn create_files(&mut self, config: &LogConfig, with_index: bool, store: &mut Store) {
        (self.created_ms, self.last_modified_ms) = (store.now.wall_ms(), store.now.wall_ms());
        store.disk.touch(&self.log_path);
        if config.preallocate {
            store.disk.preallocate(&self.log_path, u64::from(config.segment_bytes));
        }
        store.disk.preallocate(&self.time_index_path, self.indexes.time_index.max_bytes());
        if with_index {
            self.create_index_file(store);
        }
    }

    /// The active segment's indexes have room for all that may come (`resizeIndexes`).
    pub fn preallocate_indexes(&mut self, store: &mut Store) {
        store.disk.preallocate(&self.time_index_path, self.indexes.time_index.max_bytes());
        self.create_index_file(store);
    }

    /// Whether its offset index has no file yet.
    pub fn lacks_index_file(&self) -> bool {
        !self.has_index_file
    }

    pub(super) fn create_index_file(&mut self, store: &mut Store) {
        store.disk.preallocate(&self.index_path, self.indexes.offset_index.max_bytes());
        self.has_index_file = true;
    }

    /// `shouldRoll`: whether a batch must go into a new segment.
    pub fn should_roll(&self, params: &RollParams) -> bool {
        let waited = match self.first_timestamp {
            Some(first) if first >= 0 => params.max_timestamp.saturating_sub(first),
            _ => params.now_ms - self.created_ms,
        };
        let too_big = u64::from(self.size_bytes) + u64::from(params.size_bytes) > u64::from(params.max_segment_bytes);
        let too_old = waited > params.max_segment_ms - self.roll_jitter_ms;
        let offset_overflow = params.last_offset - self.base_offset > i64::from(i32::MAX);
        self.size_bytes > 0 && (too_big || too_old) || self.indexes.is_full() || offset_overflow
    }

    /// Writes a batch behind the others: the log first, then index entries where one is due.
    pub fn append(&mut self, batch: Batch, index_interval_bytes: u32, store: &mut Store) -> Result<(), DiskError> {
        store.disk.append(store.now, &self.log_path, Head::new(batch.head()), batch.body.clone())?;
        if !self.has_index_file {
            self.create_index_file(store);
        }
        self.last_modified_ms = store.now.wall_ms();
        let entries = (self.indexes.offset_index.len(), self.indexes.time_index.len());
        self.remember(batch, index_interval_bytes);
        self.write_new_entries(entries, store)
    }

    /// Takes a batch in that already stands in the file, with the index entries that it would get now.
    pub fn remember(&mut self, batch: Batch, index_interval_bytes: u32) {
        // An index that is full takes no more: the log rolls before the next append.
        let _ = self.indexes.appended(&batch, self.size_bytes, index_interval_bytes);
        self.take_in(batch);
    }

    /// Takes a batch in that already stands in the file and in the indexes.
    pub fn take_in(&mut self, batch: Batch) {
        self.first_timestamp = self.first_timestamp.or(Some(batch.info.max_timestamp));
        let position = self.size_bytes;
        self.size_bytes += batch.size_bytes();
        self.batches.push_back(StoredBatch { batch, position });
    }

    /// Notes an aborted transaction (`updateTxnIndex`).
    pub fn append_aborted(&mut self, aborted: AbortedTxn, store: &mut Store) -> Result<(), DiskError> {
        let mut bytes = BytesMut::new();
        aborted.write_to(&mut bytes);
        let chunk = store.chunk(bytes.freeze());
        store.disk.append(store.now, &self.path_of(TRANSACTION_INDEX_SUFFIX), Head::EMPTY, chunk)?;
        self.aborted.push(aborted);
        Ok(())
    }

    /// Rolled or stopped: [`Segment::end`], and all bytes stable.
    pub fn close(&mut self, store: &mut Store) {
        self.end(store);
        self.flush(store);
    }

    /// Nothing is appended any more: the last entry of the time index, and the indexes as long as their entries.
    pub fn end(&mut self, store: &mut Store) {
        let entries = (self.indexes.offset_index.len(), self.indexes.time_index.len());
        let _ = self.indexes.closed();
        let _ = self.write_new_entries(entries, store);
        store.disk.trim(&self.log_path);
        store.disk.trim(&self.index_path);
        store.disk.trim(&self.time_index_path);
    }

    pub fn flush(&self, store: &mut Store) {
        for path in [&self.log_path, &self.index_path, &self.time_index_path] {
            let _ = store.disk.flush(path);
        }
        if !self.aborted.is_empty() {
            let _ = store.disk.flush(&self.path_of(TRANSACTION_INDEX_SUFFIX));
        }
    }

    /// `truncateTo`: cuts off all batches from the one on that reaches `offset`. It becomes the active segment.
    pub fn truncate(&mut self, offset: i64, store: &mut Store) {
        let keep = self.find(offset);
        if self.torn.as_ref().is_some_and(|torn| keep < self.batches.len() && keep <= torn.after) {
            self.torn = None;
        }
        if let Some(cut) = self.batches.get(keep) {
            self.size_bytes = cut.position;
            self.batches.truncate(keep);
            let _ = store.disk.truncate(&self.log_path, u64::from(self.size_bytes));
        }
        self.aborted.retain(|aborted| aborted.last_offset < offset);
        if self.batches.is_empty() {
            (self.created_ms, self.first_timestamp) = (store.now.wall_ms(), None);
        }
        self.indexes.truncate_to(offset);
        // readLargestTimestamp: what the index does not know any more is read.
        let known = self.indexes.time_index.last_entry();
        let from = partition_point(&self.batches, |stored| stored.batch.last_offset() <= known.offset);
        for stored in self.batches.iter().skip(if self.indexes.time_index.is_empty() { 0 } else { from }) {
            self.indexes.saw_timestamp(stored.batch.info.max_timestamp, stored.batch.last_offset());
        }
        store.disk.trim(&self.log_path);
        self.write_indexes(store);
        self.preallocate_indexes(store);
    }

    /// Writes all index files anew.
    pub fn write_indexes(&mut self, store: &mut Store) {
        for (path, bytes) in
            [(&self.index_path, self.indexes.offset_index.to_bytes()), (&self.time_index_path, self.indexes.time_index.to_bytes())]
        {
            let chunk = store.chunk(bytes);
            let _ = store.disk.replace(store.now, path, chunk);
        }
        self.has_index_file = true;
        self.write_aborted(store);
    }

    fn write_aborted(&self, store: &mut Store) {
        let path = self.path_of(TRANSACTION_INDEX_SUFFIX);
        if !self.aborted.is_empty() {
            let mut bytes = BytesMut::new();
            self.aborted.iter().for_each(|aborted| aborted.write_to(&mut bytes));
            let chunk = store.chunk(bytes.freeze());
            let _ = store.disk.replace(store.now, &path, chunk);
        } else if store.disk.exists(&path) {
            let _ = store.disk.truncate(&path, 0);
        }
    }

    /// Its batches in a file of its own, as the cleaner makes one.
    pub fn write_log(&mut self, store: &mut Store) -> Result<(), DiskError> {
        for stored in &self.batches {
            store.disk.append(store.now, &self.log_path, Head::new(stored.batch.head()), stored.batch.body.clone())?;
        }
        store.disk.touch(&self.log_path);
        self.write_indexes(store);
        self.flush(store);
        Ok(())
    }

    /// Renames its files to names that end with this, or, with none, to its own.
    pub fn rename_files(&mut self, suffix: &str, store: &mut Store) {
        for own in [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX] {
            let (from, to) = (self.path_of(own), self.plain_path(own) + suffix);
            let _ = store.disk.rename(&from, &to);
        }
        self.set_suffix(suffix);
    }

    /// Its files will be written under names that end with this (`.cleaned`).
    pub fn set_suffix(&mut self, suffix: &str) {
        self.log_path = (self.plain_path(LOG_SUFFIX) + suffix).into();
        self.index_path = (self.plain_path(OFFSET_INDEX_SUFFIX) + suffix).into();
        self.time_index_path = (self.plain_path(TIME_INDEX_SUFFIX) + suffix).into();
    }

    /// What a reader takes for a batch where a torn one stands, once enough bytes follow it: its checksum cannot fit.
    pub fn torn_batch(&self) -> Option<Batch> {
        let torn = self.torn.as_ref()?;
        let first = &self.batches.get(torn.after)?.batch;
        let mut bytes = BytesMut::from(&torn.bytes[..]);
        for stored in self.batches.iter().skip(torn.after) {
            if peek_size(&bytes).is_ok() {
                break;
            }
            stored.batch.write_to(&mut bytes);
        }
        Batch::parse(&bytes.freeze(), ChunkId(first.body.id().0 ^ 3 << 61)).ok()
    }

    /// Renames its files to `.deleted`; `with_snapshot`: the producers' snapshot at its base too. Returns their names now: they are to go
    /// after file.delete.delay.ms.
    pub fn mark_deleted(&self, with_snapshot: bool, store: &mut Store) -> Vec<Arc<str>> {
        let snapshot = with_snapshot.then_some(PRODUCER_SNAPSHOT_SUFFIX);
        let suffixes = [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX].into_iter().chain(snapshot);
        let renamed = suffixes.filter_map(|suffix| {
            let from = self.path_of(suffix);
            let to = from.clone() + DELETED_SUFFIX;
            store.disk.rename(&from, &to).ok().map(|()| Arc::from(to))
        });
        renamed.collect()
    }

    /// Deletes its files at once.
    pub fn delete_files(&self, store: &mut Store) {
        for suffix in [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX] {
            let _ = store.disk.delete(&self.path_of(suffix));
        }
    }

    /// The place in `batches` of the first batch that ends at or after `offset`.
    pub fn find(&self, offset: i64) -> usize {
        // Readers are mostly at the end.
        match self.batches.last() {
            Some(last) if last.batch.base_offset <= offset && offset <= last.batch.last_offset() => self.batches.len() - 1,
            Some(last) if last.batch.last_offset() < offset => self.batches.len(),
            _ => partition_point(&self.batches, |stored| stored.batch.last_offset() < offset),
        }
    }

    /// `findOffsetByTimestamp`: the first record from `start` on that is as late as this, with its time and its batch's leader epoch.
    pub fn find_offset_by_timestamp(&self, timestamp: i64, start: i64) -> Option<(i64, i64)> {
        let known = self.indexes.time_index.lookup(timestamp);
        let from = self.find(known.offset.max(start));
        for stored in self.batches.iter().skip(from).filter(|stored| stored.batch.info.max_timestamp >= timestamp) {
            let records = stored.batch.records().ok()?;
            for record in records.iter().map_while(Result::ok) {
                if record.timestamp >= timestamp && record.offset >= start {
                    return Some((record.offset, record.timestamp));
                }
            }
        }
        None
    }

    /// The record with the segment's largest timestamp.
    pub fn offset_of_max_timestamp(&self) -> Option<(i64, i64)> {
        let max = self.indexes.max_timestamp_so_far();
        let from = self.find(self.indexes.offset_index.lookup(max.offset).offset);
        let batch = self.batches.iter().skip(from).map(|stored| &stored.batch).find(|batch| batch.info.max_timestamp == max.timestamp)?;
        let records = batch.records().ok()?;
        let record = records.iter().map_while(Result::ok).find(|record| record.timestamp == max.timestamp)?;
        (max.timestamp > NO_TIMESTAMP).then_some((record.offset, max.timestamp))
    }

    fn plain_path(&self, suffix: &str) -> String {
        let dir = &self.log_path[..self.log_path.rfind('/').unwrap_or(0)];
        format!("{dir}/{}", offset_file_name(self.base_offset, suffix))
    }

    /// With the suffix that the files have at present.
    fn path_of(&self, suffix: &str) -> String {
        let plain = self.plain_path(LOG_SUFFIX).len();
        self.plain_path(suffix) + &self.log_path[plain.min(self.log_path.len())..]
    }

    fn write_new_entries(&self, (offsets, times): (u32, u32), store: &mut Store) -> Result<(), DiskError> {
        let (new_offsets, new_times) = (self.indexes.offset_index.len() - offsets, self.indexes.time_index.len() - times);
        if new_offsets > 0 {
            let bytes = self.indexes.offset_index.to_bytes_from(offsets);
            debug_assert_eq!(bytes.len(), (new_offsets * OFFSET_INDEX_ENTRY_BYTES) as usize);
            let chunk = store.chunk(bytes);
            store.disk.append(store.now, &self.index_path, Head::EMPTY, chunk)?;
        }
        if new_times > 0 {
            let bytes = self.indexes.time_index.to_bytes_from(times);
            debug_assert_eq!(bytes.len(), (new_times * TIME_INDEX_ENTRY_BYTES) as usize);
            let chunk = store.chunk(bytes);
            store.disk.append(store.now, &self.time_index_path, Head::EMPTY, chunk)?;
        }
        Ok(())
    }
}

/// As `slice::partition_point`, for a persistent vector.
fn partition_point<T: Clone>(vector: &imbl::Vector<T>, before: impl Fn(&T) -> bool) -> usize {
    let (mut low, mut high) = (0, vector.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if before(&vector[middle]) { low = middle + 1 } else { high = middle }
    }
    low
}
