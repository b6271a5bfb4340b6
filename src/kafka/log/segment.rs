//! A segment as a broker holds it: its batches by position, its indexes, and the three files that mirror them.

use std::sync::Arc;

use bytes::Bytes;

use super::file_name::{LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, offset_file_name};
use super::segment_index::SegmentIndexes;
use crate::kafka::records::batch::Batch;
use crate::sim::disk::{DiskError, Head};
use crate::sim::process::Store;

/// A batch and where it begins in its segment's file.
#[derive(Clone, Debug)]
pub struct StoredBatch {
    pub batch: Batch,
    pub position: u32,
}

/// A segment. Cloning shares its batches.
#[derive(Clone, Debug)]
pub struct Segment {
    pub base_offset: i64,
    pub batches: imbl::Vector<StoredBatch>,
    pub size_bytes: u32,
    pub indexes: SegmentIndexes,
    /// The timestamp of the first batch, for rolling by time; `None` while empty.
    pub first_timestamp: Option<i64>,
    log_path: Arc<str>,
    index_path: Arc<str>,
    time_index_path: Arc<str>,
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
            first_timestamp: None,
            log_path: path(LOG_SUFFIX),
            index_path: path(OFFSET_INDEX_SUFFIX),
            time_index_path: path(TIME_INDEX_SUFFIX),
        }
    }

    pub fn log_path(&self) -> &str {
        &self.log_path
    }

    /// The offset after the last batch; the base offset while empty.
    pub fn next_offset(&self) -> i64 {
        self.batches.last().map_or(self.base_offset, |stored| stored.batch.next_offset())
    }

    /// Creates the files of a new segment.
    pub fn create_files(&self, store: &mut Store) {
        for path in [&self.log_path, &self.index_path, &self.time_index_path] {
            store.disk.touch(path);
        }
    }

    /// Writes a batch behind the others: the log first, then index entries where one is due.
    pub fn append(&mut self, batch: Batch, index_interval_bytes: u32, store: &mut Store) -> Result<(), DiskError> {
        store.disk.append(store.now, &self.log_path, Head::new(batch.head()), batch.body.clone())?;
        let entries = (self.indexes.offset_index.len(), self.indexes.time_index.len());
        self.remember(batch, index_interval_bytes);
        self.write_new_entries(entries, store)
    }

    /// Takes a batch in that already stands in the file.
    pub fn remember(&mut self, batch: Batch, index_interval_bytes: u32) {
        let position = self.size_bytes;
        // An index that is full takes no more: the log rolls before the next append.
        let _ = self.indexes.appended(&batch, position, index_interval_bytes);
        self.first_timestamp = self.first_timestamp.or(Some(batch.info.max_timestamp));
        self.size_bytes += batch.size_bytes();
        self.batches.push_back(StoredBatch { batch, position });
    }

    /// Rolled or stopped: the last entry of the time index, and all bytes stable.
    pub fn close(&mut self, store: &mut Store) {
        let entries = (self.indexes.offset_index.len(), self.indexes.time_index.len());
        let _ = self.indexes.closed();
        let _ = self.write_new_entries(entries, store);
        self.flush(store);
    }

    pub fn flush(&self, store: &mut Store) {
        for path in [&self.log_path, &self.index_path, &self.time_index_path] {
            let _ = store.disk.flush(path);
        }
    }

    /// Cuts off all batches at or after `offset`; the indexes are made anew from what is left.
    pub fn truncate(&mut self, offset: i64, index_interval_bytes: u32, index_bytes: u32, store: &mut Store) {
        let keep = self.batches.iter().take_while(|stored| stored.batch.last_offset() < offset).count();
        let batches = std::mem::take(&mut self.batches);
        self.indexes = SegmentIndexes::new(self.base_offset, index_bytes);
        self.size_bytes = 0;
        self.first_timestamp = None;
        for stored in batches.into_iter().take(keep) {
            self.remember(stored.batch, index_interval_bytes);
        }
        let _ = store.disk.truncate(&self.log_path, u64::from(self.size_bytes));
        self.write_indexes(store);
    }

    /// Writes both index files anew.
    pub fn write_indexes(&self, store: &mut Store) {
        for (path, bytes) in
            [(&self.index_path, self.indexes.offset_index.to_bytes()), (&self.time_index_path, self.indexes.time_index.to_bytes())]
        {
            let chunk = store.chunk(bytes);
            let _ = store.disk.replace(store.now, path, chunk);
        }
    }

    pub fn delete_files(&self, store: &mut Store) {
        for path in [&self.log_path, &self.index_path, &self.time_index_path] {
            let _ = store.disk.delete(path);
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

    fn write_new_entries(&self, (offsets, times): (u32, u32), store: &mut Store) -> Result<(), DiskError> {
        if self.indexes.offset_index.len() > offsets {
            let bytes = newest(self.indexes.offset_index.iter(), self.indexes.offset_index.len() - offsets).flat_map(|entry| {
                let relative = (entry.offset - self.base_offset) as u32;
                [relative.to_be_bytes(), entry.position.to_be_bytes()].concat()
            });
            let chunk = store.chunk(bytes.collect::<Bytes>());
            store.disk.append(store.now, &self.index_path, Head::EMPTY, chunk)?;
        }
        if self.indexes.time_index.len() > times {
            let bytes = newest(self.indexes.time_index.iter(), self.indexes.time_index.len() - times).flat_map(|entry| {
                let relative = (entry.offset - self.base_offset) as u32;
                [&entry.timestamp.to_be_bytes()[..], &relative.to_be_bytes()[..]].concat()
            });
            let chunk = store.chunk(bytes.collect::<Bytes>());
            store.disk.append(store.now, &self.time_index_path, Head::EMPTY, chunk)?;
        }
        Ok(())
    }
}

/// The last `n`, in order. (From the end: an index has many entries, and of these mostly one.)
fn newest<T>(entries: impl DoubleEndedIterator<Item = T>, n: u32) -> impl Iterator<Item = T> {
    let mut newest: Vec<T> = entries.rev().take(n as usize).collect();
    newest.reverse();
    newest.into_iter()
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
