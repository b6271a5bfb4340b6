//! The producers that a log remembers, and the snapshots of them beside its segments (`ProducerStateManager`).

use std::sync::Arc;

use super::file_name::{FileKind, PRODUCER_SNAPSHOT_SUFFIX, offset_file_name, offset_of};
use super::partition_log::PartitionLog;
use super::producer_snapshot::{self, ProducerSnapshotEntry};
use super::producer_state::ProducerStates;
use crate::sim::process::Store;

impl PartitionLog {
    /// The producers that it remembers (`UnifiedLog.activeProducers`).
    pub fn active_producers(&self) -> Vec<ProducerSnapshotEntry> {
        self.producers.snapshot()
    }

    pub fn producers(&self) -> &ProducerStates {
        &self.producers
    }

    /// `removeExpiredProducers`
    pub fn remove_expired_producers(&mut self, now_ms: i64, expiration_ms: i64) {
        self.producers.remove_expired(now_ms, expiration_ms);
    }

    /// The high watermark moved: transactions that ended before it are stable.
    pub fn high_watermark_moved(&mut self, high_watermark: i64) {
        self.producers.high_watermark_moved(high_watermark);
    }

    /// `ProducerStateManager.takeSnapshot`: at the end of a segment and at a clean stop, unless nothing was appended since the last one.
    pub(super) fn take_producer_snapshot(&mut self, store: &mut Store) {
        let end = self.log_end_offset;
        if end > self.snapshot_offset {
            let chunk = store.chunk(producer_snapshot::to_bytes(&self.producers.snapshot()));
            // Without it the segments are read instead, which is done in any case.
            let _ = store.disk.replace(store.now, &format!("{}/{}", self.dir, offset_file_name(end, PRODUCER_SNAPSHOT_SUFFIX)), chunk);
            self.snapshot_offset = end;
        }
    }

    /// Deletes the snapshots at other offsets.
    pub(super) fn retain_producer_snapshots(&mut self, keep: impl Fn(i64) -> bool, store: &mut Store) {
        let folder = format!("{}/", self.dir);
        let found = store.disk.list(&folder).filter(|(path, _)| FileKind::of(path) == FileKind::ProducerSnapshot);
        let found: Vec<(i64, Arc<str>)> = found.filter_map(|(path, _)| Some((offset_of(path)?, path.clone()))).collect();
        self.snapshot_offset = found.iter().map(|(offset, _)| *offset).filter(|offset| keep(*offset)).max().unwrap_or(0);
        for (_, path) in found.iter().filter(|(offset, _)| !keep(*offset)) {
            let _ = store.disk.delete(path);
        }
    }

    /// `rebuildProducerState` after a cut: from the newest snapshot that is left, then from what lies behind it. (The snapshot's content is
    /// what the log up to it gives, so that its file need not be read.)
    pub(super) fn rebuild_producers(&mut self, store: &mut Store) {
        let (start, end) = (self.log_start_offset, self.log_end_offset);
        self.retain_producer_snapshots(|offset| start < offset && offset <= end, store);
        if !self.producers.is_empty() {
            let mut producers = ProducerStates::default();
            let mut loaded = false;
            for stored in self.segments.iter().flat_map(|segment| segment.batches.iter()) {
                if !loaded && stored.batch.base_offset >= self.snapshot_offset {
                    producers = ProducerStates::from_snapshot(&producers.snapshot());
                    loaded = true;
                }
                if let Some(completed) = producers.remember(&stored.batch) {
                    producers.complete(&completed);
                }
            }
            producers.high_watermark_moved(i64::MAX);
            self.producers = producers;
        }
        self.snapshot_offset = self.snapshot_offset.max(start);
        self.take_producer_snapshot(store);
    }
}
