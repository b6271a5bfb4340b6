//! Reloading what is known of producers when a log is opened (`UnifiedLog.rebuildProducerState`, `ProducerStateManager.truncateAndReload`):
//! the newest snapshot, then the batches behind it.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::file_name::{PRODUCER_SNAPSHOT_SUFFIX, offset_file_name};
use super::producer_snapshot;
use super::producer_state::ProducerStates;
use super::segment::Segment;
use crate::sim::process::Store;

/// The snapshots of one log's folder.
pub struct ProducerLoader {
    dir: String,
    snapshots: BTreeMap<i64, Bytes>,
    log_start_offset: i64,
}

impl ProducerLoader {
    /// `log_start_offset`: as in the checkpoint.
    pub fn new(dir: &str, snapshots: BTreeMap<i64, Bytes>, log_start_offset: i64) -> ProducerLoader {
        ProducerLoader { dir: dir.to_owned(), snapshots, log_start_offset }
    }

    /// The producers as of `end`, and the offset of the newest snapshot then: snapshots beyond it, and up to `start`, are deleted, and those
    /// that later reloads will want are written.
    pub fn load(&mut self, segments: &[Segment], start: i64, end: i64, clean: bool, store: &mut Store) -> (ProducerStates, i64) {
        let last_two = segments.iter().rev().take(2).rev().map(|segment| segment.base_offset);
        let wanted: Vec<i64> = last_two.chain([end]).collect();
        if clean && self.snapshots.is_empty() {
            // Nobody has ever written one (an upgrade): not a reason to read the whole log.
            let producers = ProducerStates::default();
            wanted.iter().for_each(|&offset| self.take_snapshot(offset, &producers, store));
            return (producers, self.newest(0));
        }
        self.remove(|offset| offset > end || offset <= start, store);
        let (mut producers, mut reached) = self.load_from_snapshot(start, store);
        let first = segments.iter().rposition(|segment| segment.base_offset <= reached).unwrap_or(0);
        for segment in segments[first..].iter().filter(|segment| segment.base_offset < end) {
            reached = reached.max(segment.base_offset);
            if wanted.contains(&segment.base_offset) {
                self.take_snapshot(reached, &producers, store);
            }
            let from = segment.find(reached);
            for stored in segment.batches.iter().skip(from).take_while(|stored| stored.batch.last_offset() < end) {
                if let Some(completed) = producers.remember(&stored.batch) {
                    producers.complete(&completed);
                }
                reached = stored.batch.next_offset();
            }
        }
        self.take_snapshot(end, &producers, store);
        (producers, self.newest(start))
    }

    /// `takeSnapshot`, if there is none as new.
    pub fn take_snapshot(&mut self, offset: i64, producers: &ProducerStates, store: &mut Store) {
        if offset > self.newest(self.log_start_offset) {
            let bytes = producer_snapshot::to_bytes(&producers.snapshot());
            let chunk = store.chunk(bytes.clone());
            // Without it the segments are read again the next time.
            let _ = store.disk.replace(store.now, &self.path(offset), chunk);
            self.snapshots.insert(offset, bytes);
        }
    }

    /// `removeStraySnapshots`: of those that stand at no segment's base, only the newest may stay, if it is beyond all segments' bases.
    pub fn remove_stray_snapshots(&mut self, segments: &[Segment], store: &mut Store) {
        let bases: Vec<i64> = segments.iter().map(|segment| segment.base_offset).collect();
        let newest_stray = self.snapshots.keys().rev().find(|offset| !bases.contains(offset)).copied();
        let kept = newest_stray.filter(|offset| bases.last().is_none_or(|last| offset >= last));
        self.remove(|offset| !bases.contains(&offset) && Some(offset) != kept, store);
    }

    /// A snapshot whose file went with its segment.
    pub fn forget(&mut self, offset: i64) {
        self.snapshots.remove(&offset);
    }

    fn newest(&self, start: i64) -> i64 {
        self.snapshots.keys().next_back().copied().unwrap_or(start)
    }

    /// `loadFromSnapshot`: the newest that can be read; the others are deleted.
    fn load_from_snapshot(&mut self, start: i64, store: &mut Store) -> (ProducerStates, i64) {
        while let Some((&offset, bytes)) = self.snapshots.iter().next_back() {
            if let Ok(entries) = producer_snapshot::parse(bytes) {
                return (ProducerStates::from_snapshot(&entries), offset);
            }
            self.remove(|other| other == offset, store);
        }
        (ProducerStates::default(), start)
    }

    fn remove(&mut self, goes: impl Fn(i64) -> bool, store: &mut Store) {
        for offset in self.snapshots.keys().copied().filter(|&offset| goes(offset)).collect::<Vec<_>>() {
            let _ = store.disk.delete(&self.path(offset));
            self.snapshots.remove(&offset);
        }
    }

    fn path(&self, offset: i64) -> String {
        format!("{}/{}", self.dir, offset_file_name(offset, PRODUCER_SNAPSHOT_SUFFIX))
    }
}
