//! When a node takes a snapshot of the metadata (`SnapshotGenerator`), and when older ones go with what they make needless of the log
//! (`KafkaMetadataLog.maybeClean`).
//!
//! Every node does both for itself. The log's start moves to the oldest snapshot that is left, so whoever needs what is before it is sent a
//! snapshot.
//!
//! Different from Apache Kafka: the snapshot is written at once, where Kafka leaves that to a thread of its own.

use std::sync::Arc;

use super::node::Raft;
use super::snapshot::{Kept, SnapshotId};
use crate::kafka::actor::{Config, Outbox};
use crate::kafka::log::config::LogConfig;
use crate::kafka::metadata::image::Image;
use crate::sim::time::{Duration, Time};

/// `RaftMetadataLogCleanerManager`: how often it is looked whether anything is to go.
const CLEAN_INTERVAL: Duration = Duration::secs(60);

/// The settings of the metadata log (`MetadataLogConfig`).
#[derive(Clone, Copy, Debug)]
pub struct MetadataLogConfig {
    /// metadata.log.max.record.bytes.between.snapshots
    pub max_bytes_between_snapshots: u64,
    /// metadata.log.max.snapshot.interval.ms; 0: never because of time.
    pub max_snapshot_interval: Duration,
    /// metadata.max.retention.bytes, metadata.max.retention.ms; -1: without bound.
    pub retention_bytes: i64,
    pub retention_ms: i64,
    /// metadata.log.segment.bytes, metadata.log.segment.ms
    pub segment_bytes: u32,
    pub segment_ms: i64,
}

impl MetadataLogConfig {
    /// From server.properties.
    pub fn parse(config: &Config) -> MetadataLogConfig {
        let number = |name: &str, default: i64| config.get(name).and_then(|value| value.trim().parse().ok()).unwrap_or(default);
        let segment_bytes = config.get("internal.metadata.log.segment.bytes").and_then(|value| value.trim().parse().ok());
        MetadataLogConfig {
            max_bytes_between_snapshots: number("metadata.log.max.record.bytes.between.snapshots", 20 << 20).max(1).cast_unsigned(),
            max_snapshot_interval: Duration::ms(number("metadata.log.max.snapshot.interval.ms", 3_600_000).max(0).cast_unsigned()),
            retention_bytes: number("metadata.max.retention.bytes", 100 << 20),
            retention_ms: number("metadata.max.retention.ms", 604_800_000),
            segment_bytes: segment_bytes.unwrap_or_else(|| number("metadata.log.segment.bytes", 1 << 30)).clamp(1, 1 << 30) as u32,
            segment_ms: number("metadata.log.segment.ms", 604_800_000),
        }
    }

    /// How the log is run. Nothing of it goes by its own time or size: only with a snapshot.
    pub fn log_config(&self) -> Arc<LogConfig> {
        Arc::new(LogConfig {
            retention_ms: -1,
            max_message_bytes: u32::MAX >> 1,
            segment_bytes: self.segment_bytes,
            segment_ms: self.segment_ms,
            ..LogConfig::default()
        })
    }
}

/// What has been read since the last snapshot.
#[derive(Clone, Debug, Default)]
pub struct SnapshotGenerator {
    bytes: u64,
    since: Time,
    /// Up to where bytes are counted.
    counted: i64,
    next_clean: Time,
}

impl SnapshotGenerator {
    /// A process starts: time counts from now.
    pub fn begin(&mut self, now: Time) {
        self.since = now;
    }
}

impl Raft {
    /// The image is what is committed before `offset`: publishLogDelta. It is written down once enough has been read since the last time, or
    /// long enough ago.
    pub fn published(&mut self, now: Time, offset: i64, image: &Image, out: &mut Outbox) {
        let MetadataLogConfig { max_bytes_between_snapshots, max_snapshot_interval, .. } = self.spec.log;
        let snapshot = self.latest_snapshot().map_or(0, |id| id.end_offset);
        if self.generator.counted < snapshot {
            // It was just read, or written.
            self.generator = SnapshotGenerator { since: now, counted: snapshot, ..self.generator };
        }
        if let Some(log) = &self.log
            && self.generator.counted < offset
        {
            let read = log.read_to(self.generator.counted.max(log.log_start_offset()), offset).unwrap_or_default();
            self.generator.bytes += read.iter().map(|batch| u64::from(batch.size_bytes())).sum::<u64>();
            self.generator.counted = offset;
            let enough = self.generator.bytes >= max_bytes_between_snapshots;
            let long_ago = max_snapshot_interval > Duration::ZERO && now.since(self.generator.since) >= max_snapshot_interval;
            if enough || long_ago {
                (self.generator.bytes, self.generator.since) = (0, now);
                self.create_snapshot(now, offset, &image.records(), out);
            }
        }
        self.maybe_clean(now, out);
    }

    /// `maybeClean`, once a minute.
    fn maybe_clean(&mut self, now: Time, out: &mut Outbox) {
        if self.generator.next_clean > now {
            return;
        }
        self.generator.next_clean = now + CLEAN_INTERVAL;
        self.clean_by_size(out);
        self.clean_by_time(now, out);
        self.doomed.extend(self.log.iter_mut().flat_map(|log| log.take_doomed()));
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.doomed).into_iter().partition(|(at, _)| *at <= now);
        self.doomed = later;
        for (_, path) in due {
            // It may be gone already.
            let _ = out.disk().delete(&path);
        }
    }

    /// cleanSnapshotsRetentionSize
    fn clean_by_size(&mut self, out: &mut Outbox) {
        let limit = self.spec.log.retention_bytes;
        let size = |raft: &Raft| -> u64 {
            let of_snapshots: u64 = raft.snapshots.iter().map(|kept| kept.size_bytes).sum();
            raft.log.as_ref().map_or(0, |log| log.size_bytes()) + of_snapshots
        };
        while limit >= 0 && size(self) > limit.cast_unsigned() && self.delete_oldest_snapshot(out) {}
    }

    /// cleanSnapshotsRetentionMs
    fn clean_by_time(&mut self, now: Time, out: &mut Outbox) {
        let limit = self.spec.log.retention_ms;
        let is_old = |raft: &Raft| raft.snapshots.first().is_some_and(|oldest| now.wall_ms() - oldest.timestamp_ms > limit);
        while limit >= 0 && is_old(self) && self.delete_oldest_snapshot(out) {}
    }

    /// deleteBeforeSnapshot, of the next one: the log begins there, and the oldest goes. False: it is the only one.
    fn delete_oldest_snapshot(&mut self, out: &mut Outbox) -> bool {
        let &[Kept { id: oldest, .. }, Kept { id: next, .. }, ..] = &self.snapshots[..] else { return false };
        let Some(log) = &mut self.log else { return false };
        if log.log_start_offset() >= next.end_offset || !log.increment_log_start(next.end_offset, &mut out.store()) {
            return false;
        }
        let high_watermark = self.high_watermark.unwrap_or(0);
        log.delete_old_segments(out.store().now.wall_ms(), high_watermark, &mut out.store());
        self.snapshots.remove(0);
        self.delete_snapshot(oldest, out);
        true
    }

    /// A snapshot's file gets another name at once, and goes later.
    pub(super) fn delete_snapshot(&mut self, id: SnapshotId, out: &mut Outbox) {
        let path = id.path(&self.spec.dir);
        let deleted = format!("{path}.deleted");
        let at = out.store().now + CLEAN_INTERVAL;
        if out.disk().rename(&path, &deleted).is_ok() {
            self.doomed.push((at, deleted.into()));
        }
    }
}
