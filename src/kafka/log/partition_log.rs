//! A partition's log on one broker (`UnifiedLog`): segments, leader epochs, producers, and the files that keep them.

use std::sync::Arc;

use kafka_protocol::ResponseError;

use super::checkpoint_file::leader_epochs_text;
use super::epoch_cache::LeaderEpochCache;
use super::file_name::{FileKind, PRODUCER_SNAPSHOT_SUFFIX, offset_file_name, offset_of};
use super::producer_snapshot::{self, ProducerSnapshotEntry};
use super::producer_state::{ProducerStates, Verdict};
use super::segment::Segment;
use crate::kafka::records::batch::Batch;
use crate::kafka::rules::{Rule, Rules};
use crate::sim::process::Store;

/// The settings of a log, from its topic's configuration and the broker's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// segment.bytes
    pub segment_bytes: u32,
    /// segment.ms
    pub segment_ms: i64,
    /// segment.index.bytes
    pub segment_index_bytes: u32,
    /// index.interval.bytes
    pub index_interval_bytes: u32,
    /// max.message.bytes
    pub max_message_bytes: u32,
    /// retention.ms and retention.bytes; -1 = for ever, without bound
    pub retention_ms: i64,
    pub retention_bytes: i64,
    /// min.insync.replicas
    pub min_insync_replicas: i32,
    /// cleanup.policy contains `compact`
    pub compact: bool,
    /// cleanup.policy contains `delete`
    pub delete: bool,
    /// All hold, outside tests.
    #[doc(hidden)]
    pub rules: Rules,
}

impl Default for LogConfig {
    fn default() -> LogConfig {
        LogConfig {
            segment_bytes: 1 << 30,
            segment_ms: 604_800_000,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4096,
            max_message_bytes: 1_048_588,
            retention_ms: 604_800_000,
            retention_bytes: -1,
            min_insync_replicas: 1,
            compact: false,
            delete: true,
            rules: Rules::default(),
        }
    }
}

/// Where an append went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub base_offset: i64,
    pub last_offset: i64,
    /// It was in the log already; nothing was written.
    pub duplicate: bool,
    /// A new segment was begun for it.
    pub rolled: bool,
}

/// A partition's log. Cloning shares its segments.
#[derive(Clone, Debug)]
pub struct PartitionLog {
    dir: Arc<str>,
    config: Arc<LogConfig>,
    /// By base offset; the last is the active one. Never empty.
    pub(super) segments: imbl::Vector<Arc<Segment>>,
    log_start_offset: i64,
    /// What is below is known to be on stable storage.
    recovery_point: i64,
    pub(super) epochs: LeaderEpochCache,
    pub(super) producers: ProducerStates,
    /// Up to where the newest snapshot of producers goes.
    pub(super) snapshot_offset: i64,
}

impl PartitionLog {
    /// A new, empty log in the folder `dir` (`orders-0`).
    pub fn create(dir: &str, config: Arc<LogConfig>, store: &mut Store) -> PartitionLog {
        let first = Segment::empty(dir, 0, config.segment_index_bytes);
        first.create_files(store);
        PartitionLog::from_segments(dir, config, imbl::vector![Arc::new(first)], 0, LeaderEpochCache::default())
    }

    /// A log whose segments were read back.
    pub(super) fn from_segments(
        dir: &str,
        config: Arc<LogConfig>,
        segments: imbl::Vector<Arc<Segment>>,
        log_start_offset: i64,
        epochs: LeaderEpochCache,
    ) -> PartitionLog {
        PartitionLog {
            dir: dir.into(),
            config,
            segments,
            log_start_offset,
            recovery_point: 0,
            epochs,
            producers: ProducerStates::default(),
            snapshot_offset: 0,
        }
    }

    pub fn dir(&self) -> &str {
        &self.dir
    }

    pub fn config(&self) -> &Arc<LogConfig> {
        &self.config
    }

    pub fn set_config(&mut self, config: Arc<LogConfig>) {
        self.config = config;
    }

    /// The producers that it remembers (`UnifiedLog.activeProducers`).
    pub fn active_producers(&self) -> Vec<ProducerSnapshotEntry> {
        self.producers.snapshot()
    }

    pub fn log_start_offset(&self) -> i64 {
        self.log_start_offset
    }

    /// The next offset to be written (LEO).
    pub fn log_end_offset(&self) -> i64 {
        self.active().next_offset()
    }

    pub fn recovery_point(&self) -> i64 {
        self.recovery_point
    }

    pub fn size_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(segment.size_bytes)).sum()
    }

    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &Arc<Segment>> {
        self.segments.iter()
    }

    pub fn epochs(&self) -> &LeaderEpochCache {
        &self.epochs
    }

    /// The epoch of the last batch or of the leader that began last.
    pub fn latest_epoch(&self) -> Option<i32> {
        self.epochs.latest_epoch()
    }

    /// A leader takes over: its epoch begins at the log end, before anything is written.
    pub fn begin_epoch(&mut self, epoch: i32, store: &mut Store) {
        if self.epochs.assign(epoch, self.log_end_offset()) {
            self.write_epochs(store);
        }
    }

    /// Appends a producer's batch under the next offsets (`appendAsLeader`).
    ///
    /// # Errors
    /// RecordTooLarge, CorruptMessage, or the producer's own errors; KafkaStorageError if the disk takes no more. Nothing is written then.
    pub fn append_as_leader(&mut self, mut batch: Batch, leader_epoch: i32, store: &mut Store) -> Result<Appended, ResponseError> {
        if batch.size_bytes() > self.config.max_message_bytes {
            return Err(ResponseError::MessageTooLarge);
        }
        self.check_crc(&batch)?;
        if self.config.rules.holds(Rule::SequenceCheck)
            && let Verdict::Duplicate(base_offset) = self.producers.check(&batch)?
        {
            let last_offset = base_offset + i64::from(batch.info.last_offset_delta);
            return Ok(Appended { base_offset, last_offset, duplicate: true, rolled: false });
        }
        batch.base_offset = self.log_end_offset();
        batch.leader_epoch = leader_epoch;
        self.write(batch, store)
    }

    /// Appends a batch as a leader stored it (`appendAsFollower`). It must begin at or after the log end.
    ///
    /// # Errors
    /// CorruptMessage, OffsetOutOfRange, KafkaStorageError.
    pub fn append_as_follower(&mut self, batch: Batch, store: &mut Store) -> Result<Appended, ResponseError> {
        self.check_crc(&batch)?;
        if batch.base_offset < self.log_end_offset() {
            return Err(ResponseError::OffsetOutOfRange);
        }
        self.write(batch, store)
    }

    /// Batches from `offset` on: at least one if there is one, then as many as fit into `max_bytes`; none that begins at or after `before`.
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
            for i in segment.find(offset)..segment.batches.len() {
                let batch = &segment.batches[i].batch;
                bytes += batch.size_bytes();
                if batch.base_offset >= before || (!batches.is_empty() && bytes > max_bytes) {
                    break 'segments;
                }
                batches.push(batch.clone());
            }
            if !batches.is_empty() && bytes >= max_bytes {
                break;
            }
        }
        Ok(batches)
    }

    /// The last so many batches that end before `before`, newest first.
    pub fn tail(&self, before: i64) -> impl Iterator<Item = &Batch> {
        let stored = self.segments.iter().rev().flat_map(|segment| segment.batches.iter().rev());
        stored.map(|stored| &stored.batch).skip_while(move |batch| batch.base_offset >= before)
    }

    /// Cuts off everything at or after `offset` (`truncateTo`). Returns whether anything was cut.
    pub fn truncate_to(&mut self, offset: i64, store: &mut Store) -> bool {
        if offset >= self.log_end_offset() {
            // Who led and appended nothing before another was elected has an epoch at its end that the leader knows nothing of.
            let before = self.epochs.latest();
            self.epochs.truncate_from_end(self.log_end_offset());
            if self.epochs.latest() != before {
                self.write_epochs(store);
            }
            return false;
        }
        while self.segments.len() > 1 && self.active().base_offset >= offset {
            if let Some(segment) = self.segments.pop_back() {
                segment.delete_files(store);
            }
        }
        let (interval, index_bytes) = (self.config.index_interval_bytes, self.config.segment_index_bytes);
        self.active_mut().truncate(offset, interval, index_bytes, store);
        self.epochs.truncate_from_end(self.log_end_offset());
        self.recovery_point = self.recovery_point.min(self.log_end_offset());
        self.rebuild_producers();
        let end = self.log_end_offset();
        self.retain_producer_snapshots(|offset| offset <= end, store);
        self.write_epochs(store);
        true
    }

    /// Throws everything away and begins anew at `offset` (`truncateFullyAndStartAt`).
    pub fn start_anew_at(&mut self, offset: i64, store: &mut Store) {
        self.segments.iter().for_each(|segment| segment.delete_files(store));
        let first = Segment::empty(&self.dir, offset, self.config.segment_index_bytes);
        first.create_files(store);
        self.segments = imbl::vector![Arc::new(first)];
        (self.log_start_offset, self.recovery_point) = (offset, offset);
        self.epochs = LeaderEpochCache::default();
        self.producers = ProducerStates::default();
        self.retain_producer_snapshots(|_| false, store);
        self.write_epochs(store);
    }

    /// Deletes whole segments by time and size, none that reaches beyond `high_watermark` (`deleteOldSegments`). Returns whether any went.
    pub fn delete_old_segments(&mut self, now_ms: i64, high_watermark: i64, store: &mut Store) -> bool {
        let before = self.log_start_offset;
        while self.oldest_may_go(now_ms, high_watermark) {
            if self.segments.len() == 1 {
                self.roll(store);
            }
            if let Some(segment) = self.segments.pop_front() {
                segment.delete_files(store);
            }
            self.log_start_offset = self.segments.front().map_or(before, |segment| segment.base_offset.max(before));
        }
        if self.log_start_offset > before {
            self.epochs.truncate_from_start(self.log_start_offset);
            let start = self.log_start_offset;
            self.retain_producer_snapshots(|offset| offset >= start, store);
            self.write_epochs(store);
        }
        self.log_start_offset > before
    }

    /// `maybeIncrementLogStartOffset`: what is before `offset` is no longer to be read; whole segments of it go at the next check. Returns
    /// whether it moved.
    pub fn increment_log_start(&mut self, offset: i64, store: &mut Store) -> bool {
        if offset <= self.log_start_offset || offset > self.log_end_offset() {
            return false;
        }
        self.log_start_offset = offset;
        self.epochs.truncate_from_start(offset);
        self.write_epochs(store);
        true
    }

    /// Whether the log begins within a segment, which only a checkpoint can tell after a restart.
    pub fn starts_within_a_segment(&self) -> bool {
        self.segments.front().is_some_and(|segment| self.log_start_offset > segment.base_offset)
    }

    /// Flushes all, as a clean stop does.
    pub fn close(&mut self, store: &mut Store) {
        self.active_mut().close(store);
        self.take_producer_snapshot(store);
        self.recovery_point = self.log_end_offset();
    }

    /// The first offset whose record's time is at or after `timestamp`, with that batch's largest timestamp.
    pub fn offset_for_time(&self, timestamp: i64) -> Option<(i64, i64)> {
        let batches = self.segments.iter().flat_map(|segment| segment.batches.iter());
        let stored = batches.skip_while(|stored| stored.batch.info.max_timestamp < timestamp).map(|stored| &stored.batch).next()?;
        let records = stored.records().ok()?;
        let mut found = None;
        for record in records.iter() {
            let record = record.ok()?;
            if record.timestamp >= timestamp && record.offset >= self.log_start_offset {
                found = Some((record.offset, record.timestamp));
                break;
            }
        }
        found
    }

    /// The largest timestamp in the log and its record's offset.
    pub fn newest_timestamp(&self) -> Option<(i64, i64)> {
        let batches = self.segments.iter().flat_map(|segment| segment.batches.iter());
        let newest = batches.map(|stored| &stored.batch).max_by_key(|batch| (batch.info.max_timestamp, -batch.base_offset))?;
        let max = newest.info.max_timestamp;
        let records = newest.records().ok()?;
        let record = records.iter().filter_map(Result::ok).find(|record| record.timestamp == max)?;
        Some((record.offset, max))
    }

    fn check_crc(&self, batch: &Batch) -> Result<(), ResponseError> {
        let checked = !self.config.rules.holds(Rule::CrcCheck) || batch.check_crc().is_ok();
        if checked { Ok(()) } else { Err(ResponseError::CorruptMessage) }
    }

    fn write(&mut self, batch: Batch, store: &mut Store) -> Result<Appended, ResponseError> {
        let rolled = self.must_roll(&batch);
        if rolled {
            self.roll(store);
        }
        if self.epochs.latest_epoch() != Some(batch.leader_epoch) && self.epochs.assign(batch.leader_epoch, batch.base_offset) {
            self.write_epochs(store);
        }
        let appended = Appended { base_offset: batch.base_offset, last_offset: batch.last_offset(), duplicate: false, rolled };
        self.producers.remember(&batch);
        let interval = self.config.index_interval_bytes;
        self.active_mut().append(batch, interval, store).map_err(|_| ResponseError::KafkaStorageError)?;
        Ok(appended)
    }

    /// LogSegment.shouldRoll
    fn must_roll(&self, batch: &Batch) -> bool {
        let (active, config) = (self.active(), &self.config);
        let too_big =
            active.size_bytes > 0 && u64::from(active.size_bytes) + u64::from(batch.size_bytes()) > u64::from(config.segment_bytes);
        let too_old = active.first_timestamp.is_some_and(|first| batch.info.max_timestamp - first > config.segment_ms);
        let offset_overflow = batch.last_offset() - active.base_offset > i64::from(i32::MAX);
        too_big || (too_old && active.size_bytes > 0) || active.indexes.is_full() || offset_overflow
    }

    fn roll(&mut self, store: &mut Store) {
        let base_offset = self.log_end_offset();
        self.active_mut().close(store);
        self.take_producer_snapshot(store);
        self.recovery_point = base_offset;
        let segment = Segment::empty(&self.dir, base_offset, self.config.segment_index_bytes);
        segment.create_files(store);
        self.segments.push_back(Arc::new(segment));
    }

    fn oldest_may_go(&self, now_ms: i64, high_watermark: i64) -> bool {
        let Some(oldest) = self.segments.front() else { return false };
        let empty_active = self.segments.len() == 1 && oldest.size_bytes == 0;
        if empty_active || oldest.next_offset() > high_watermark {
            return false;
        }
        // deleteLogStartOffsetBreachedSegments: nothing of it can be read any more. The active segment stays.
        if self.segments.len() > 1 && oldest.next_offset() <= self.log_start_offset {
            return true;
        }
        if self.config.compact {
            return false;
        }
        let (retention_ms, retention_bytes) = (self.config.retention_ms, self.config.retention_bytes);
        let too_old = retention_ms >= 0 && now_ms - oldest.indexes.max_timestamp_so_far().timestamp > retention_ms;
        let too_much = retention_bytes >= 0 && self.size_bytes() as i64 - i64::from(oldest.size_bytes) >= retention_bytes;
        too_old || too_much
    }

    /// After its segments were read back: what follows from them is made anew. After an unclean stop they may not all be on stable storage,
    /// so that the recovery point stays: who loses power now has to look at them again (`LogLoader.recoverLog`).
    pub(super) fn recovered(&mut self, clean: bool, recovery_point: i64, store: &mut Store) {
        let is_flushed = clean || !self.config.rules.holds(Rule::FlushOrder);
        self.recovery_point = if is_flushed { self.log_end_offset() } else { recovery_point.min(self.log_end_offset()) };
        self.epochs.truncate_from_end(self.log_end_offset() + 1);
        self.rebuild_producers();
        // `removeStraySnapshots`: those between segments go, but for the newest.
        let mut kept: Vec<i64> = self.segments.iter().map(|segment| segment.base_offset).collect();
        kept.push(self.log_end_offset());
        self.retain_producer_snapshots(|offset| kept.contains(&offset), store);
    }

    /// `ProducerStateManager.takeSnapshot`: at the end of a segment and at a clean stop, unless nothing was appended since the last one.
    fn take_producer_snapshot(&mut self, store: &mut Store) {
        let end = self.log_end_offset();
        if end > self.snapshot_offset {
            let chunk = store.chunk(producer_snapshot::to_bytes(&self.producers.snapshot()));
            // Without it the segments are read instead, which is done in any case.
            let _ = store.disk.replace(store.now, &format!("{}/{}", self.dir, offset_file_name(end, PRODUCER_SNAPSHOT_SUFFIX)), chunk);
            self.snapshot_offset = end;
        }
    }

    /// Deletes the snapshots at other offsets.
    fn retain_producer_snapshots(&mut self, keep: impl Fn(i64) -> bool, store: &mut Store) {
        let folder = format!("{}/", self.dir);
        let found = store.disk.list(&folder).filter(|(path, _)| FileKind::of(path) == FileKind::ProducerSnapshot);
        let found: Vec<(i64, Arc<str>)> = found.filter_map(|(path, _)| Some((offset_of(path)?, path.clone()))).collect();
        self.snapshot_offset = found.iter().map(|(offset, _)| *offset).filter(|offset| keep(*offset)).max().unwrap_or(0);
        for (_, path) in found.iter().filter(|(offset, _)| !keep(*offset)) {
            let _ = store.disk.delete(path);
        }
    }

    fn rebuild_producers(&mut self) {
        self.producers = ProducerStates::default();
        for segment in &self.segments {
            segment.batches.iter().for_each(|stored| self.producers.remember(&stored.batch));
        }
    }

    fn write_epochs(&self, store: &mut Store) {
        let path = format!("{}/leader-epoch-checkpoint", self.dir);
        store.replace_text(&path, leader_epochs_text(self.epochs.entries()));
    }

    fn active(&self) -> &Segment {
        self.segments.last().expect("a log always has an active segment")
    }

    fn active_mut(&mut self) -> &mut Segment {
        Arc::make_mut(self.segments.back_mut().expect("a log always has an active segment"))
    }
}
