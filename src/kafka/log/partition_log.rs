//! A partition's log on one broker (`UnifiedLog`): segments, leader epochs, producers, and the files that keep them.

use std::sync::Arc;

use kafka_protocol::ResponseError;

use super::checkpoint_file::leader_epochs_text;
use super::config::LogConfig;
use super::epoch_cache::LeaderEpochCache;
use super::file_name::{FileKind, PRODUCER_SNAPSHOT_SUFFIX, file_name, offset_file_name, offset_of};
use super::producer_snapshot::{self, ProducerSnapshotEntry};
use super::producer_state::{Origin, ProducerStates, Verdict};
use super::segment::{RollParams, Segment};
use super::transaction_index::AbortedTxn;
use super::validator::{Refused, validate};
use crate::kafka::records::batch::{Batch, NO_TIMESTAMP, TimestampType};
use crate::kafka::rules::Rule;
use crate::sim::disk::Disk;
use crate::sim::process::Store;
use crate::sim::time::{Duration, Time};

/// Where an append went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub base_offset: i64,
    pub last_offset: i64,
    /// It was in the log already; nothing was written.
    pub duplicate: bool,
    /// A new segment was begun for it.
    pub rolled: bool,
    /// The time that all its records got, on a topic with LogAppendTime, and of a duplicate; else -1.
    pub log_append_time_ms: i64,
}

/// A partition's log. Cloning shares its segments.
#[derive(Clone, Debug)]
pub struct PartitionLog {
    dir: Arc<str>,
    config: Arc<LogConfig>,
    /// By base offset; the last is the active one. Never empty.
    pub(super) segments: imbl::Vector<Arc<Segment>>,
    pub(super) log_start_offset: i64,
    /// The next offset; behind the last batch, but for a log that was cut inside of one.
    pub(super) log_end_offset: i64,
    /// What is below is known to be on stable storage.
    pub(super) recovery_point: i64,
    /// When it was made so last, or the log opened.
    pub(super) last_flush: Time,
    pub(super) epochs: LeaderEpochCache,
    pub(super) producers: ProducerStates,
    /// Up to where the newest snapshot of producers goes (`lastSnapOffset`).
    pub(super) snapshot_offset: i64,
    /// Files that were renamed to `.deleted`, and when they are to go. Whoever runs the log takes them ([`PartitionLog::take_doomed`]).
    doomed: Vec<(Time, Arc<str>)>,
}

impl PartitionLog {
    /// A new, empty log in the folder `dir` (`orders-0`).
    pub fn create(dir: &str, config: Arc<LogConfig>, store: &mut Store) -> PartitionLog {
        let mut first = Segment::empty(dir, 0, config.segment_index_bytes);
        first.create_files(&config, true, store);
        let log = PartitionLog::from_segments(dir, config, imbl::vector![Arc::new(first)], 0, LeaderEpochCache::default());
        PartitionLog { last_flush: store.now, ..log }
    }

    /// A log whose segments were read back.
    pub(super) fn from_segments(
        dir: &str,
        config: Arc<LogConfig>,
        segments: imbl::Vector<Arc<Segment>>,
        log_start_offset: i64,
        epochs: LeaderEpochCache,
    ) -> PartitionLog {
        let log_end_offset = segments.last().map_or(log_start_offset, |segment: &Arc<Segment>| segment.next_offset());
        PartitionLog {
            dir: dir.into(),
            config,
            segments,
            log_start_offset,
            log_end_offset,
            recovery_point: 0,
            last_flush: Time::ZERO,
            epochs,
            producers: ProducerStates::default(),
            snapshot_offset: 0,
            doomed: Vec::new(),
        }
    }

    pub fn dir(&self) -> &str {
        &self.dir
    }

    /// Gives the log's folder another name (`renameDir`).
    pub fn move_to(&mut self, dir: &str, disk: &mut Disk) {
        let from = format!("{}/", self.dir);
        let paths: Vec<Arc<str>> = disk.list(&from).map(|(path, _)| path.clone()).collect();
        for path in paths {
            // It was listed a moment ago.
            let _ = disk.rename(&path, &format!("{dir}/{}", &path[from.len()..]));
        }
        for segment in self.segments.iter_mut() {
            Arc::make_mut(segment).moved_to(dir);
        }
        self.dir = dir.into();
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
        self.log_end_offset
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

    pub fn producers(&self) -> &ProducerStates {
        &self.producers
    }

    /// `removeExpiredProducers`
    pub fn remove_expired_producers(&mut self, now_ms: i64, expiration_ms: i64) {
        self.producers.remove_expired(now_ms, expiration_ms);
    }

    /// `lastStableOffset`: readers of committed data stop here.
    pub fn last_stable_offset(&self, high_watermark: i64) -> i64 {
        let unstable = self.producers.first_unstable_offset().map(|offset| offset.max(self.log_start_offset));
        unstable.map_or(high_watermark, |offset| offset.min(high_watermark))
    }

    /// The high watermark moved: transactions that ended before it are stable.
    pub fn high_watermark_moved(&mut self, high_watermark: i64) {
        self.producers.high_watermark_moved(high_watermark);
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

    /// The files that are to be deleted, each at its time.
    pub fn take_doomed(&mut self) -> Vec<(Time, Arc<str>)> {
        std::mem::take(&mut self.doomed)
    }

    pub(super) fn doom(&mut self, files: Vec<Arc<str>>, store: &Store) {
        let at = store.now + Duration::ms(self.config.file_delete_delay_ms.max(0) as u64);
        self.doomed.extend(files.into_iter().map(|file| (at, file)));
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

    /// Appends a batch of the server's own, which needs no checks, under the next offsets.
    ///
    /// # Errors
    /// As [`PartitionLog::append`].
    pub fn append_as_leader(&mut self, mut batch: Batch, leader_epoch: i32, store: &mut Store) -> Result<Appended, ResponseError> {
        if batch.size_bytes() > self.config.max_message_bytes {
            return Err(ResponseError::MessageTooLarge);
        }
        (batch.base_offset, batch.leader_epoch) = (self.log_end_offset, leader_epoch);
        self.write(batch, store)
    }

    /// Appends a client's or a coordinator's batch under the next offsets (`appendAsLeader`).
    ///
    /// # Errors
    /// MessageTooLarge, CorruptMessage, RecordListTooLarge, what the validator finds, or the producer's own errors; KafkaStorageError if the
    /// disk takes no more. Nothing is written then.
    pub fn append(&mut self, batch: Batch, leader_epoch: i32, origin: Origin, store: &mut Store) -> Result<Appended, Refused> {
        self.analyze(&batch, origin)?;
        let mut batch = validate(batch, file_name(&self.dir), &self.config, origin, store)?;
        if batch.size_bytes() > self.config.segment_bytes {
            return Err(ResponseError::RecordListTooLarge.into());
        }
        if self.config.rules.holds(Rule::SequenceCheck)
            && let Verdict::Duplicate(known) = self.producers.check(&batch, origin)?
        {
            let last_offset = known.base_offset + i64::from(known.offset_delta);
            let (base_offset, log_append_time_ms) = (known.base_offset, known.timestamp);
            return Ok(Appended { base_offset, last_offset, duplicate: true, rolled: false, log_append_time_ms });
        }
        (batch.base_offset, batch.leader_epoch) = (self.log_end_offset, leader_epoch);
        let log_append_time = self.config.timestamp_type == TimestampType::LogAppendTime;
        let log_append_time_ms = if log_append_time { batch.info.max_timestamp } else { NO_TIMESTAMP };
        Ok(Appended { log_append_time_ms, ..self.write(batch, store)? })
    }

    /// What the head of a batch tells (`analyzeAndValidateRecords`).
    fn analyze(&self, batch: &Batch, origin: Origin) -> Result<(), ResponseError> {
        if origin == Origin::Client && batch.base_offset != 0 {
            return Err(ResponseError::InvalidRecord);
        }
        if batch.size_bytes() > self.config.max_message_bytes {
            return Err(ResponseError::MessageTooLarge);
        }
        self.check_crc(batch)?;
        // Kafka has no error of its own for a codec that it does not know.
        batch.info.compression().map_or(Err(ResponseError::UnknownServerError), |_| Ok(()))
    }

    /// Appends a batch as a leader stored it (`appendAsFollower`). It must begin at or after the log end, unless the log is empty.
    ///
    /// # Errors
    /// CorruptMessage, OffsetOutOfRange, KafkaStorageError.
    pub fn append_as_follower(&mut self, batch: Batch, store: &mut Store) -> Result<Appended, ResponseError> {
        self.check_crc(&batch)?;
        if batch.base_offset < self.log_end_offset {
            // An empty log that begins inside of a batch, where DeleteRecords left its leader's beginning, takes all of that batch
            // (`Partition.appendRecordsToFollowerOrFutureReplica`).
            if self.log_end_offset != self.log_start_offset || batch.last_offset() < self.log_end_offset {
                return Err(ResponseError::OffsetOutOfRange);
            }
            self.start_anew_at(batch.base_offset, store);
        }
        self.write(batch, store)
    }

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

    /// Cuts off everything at or after `offset` (`truncateTo`). Returns whether anything was cut.
    pub fn truncate_to(&mut self, offset: i64, store: &mut Store) -> bool {
        if offset >= self.log_end_offset {
            // Who led and appended nothing before another was elected has an epoch at its end that the leader knows nothing of.
            let before = self.epochs.latest();
            self.epochs.truncate_from_end(self.log_end_offset);
            if self.epochs.latest() != before {
                self.write_epochs(store);
            }
            return false;
        }
        if self.segments.front().is_some_and(|first| first.base_offset > offset) {
            self.start_anew_at(offset, store);
            return true;
        }
        while self.segments.len() > 1 && self.active().base_offset > offset {
            if let Some(segment) = self.segments.pop_back() {
                let files = segment.mark_deleted(true, store);
                self.doom(files, store);
            }
        }
        self.active_mut().truncate(offset, store);
        self.log_end_offset = offset;
        self.epochs.truncate_from_end(offset);
        self.recovery_point = self.recovery_point.min(offset);
        self.log_start_offset = self.log_start_offset.min(offset);
        self.rebuild_producers(store);
        self.write_epochs(store);
        true
    }

    /// Throws everything away and begins anew at `offset` (`truncateFullyAndStartAt`).
    pub fn start_anew_at(&mut self, offset: i64, store: &mut Store) {
        for segment in std::mem::take(&mut self.segments) {
            let files = segment.mark_deleted(false, store);
            self.doom(files, store);
        }
        let mut first = Segment::empty(&self.dir, offset, self.config.segment_index_bytes);
        first.create_files(&self.config, true, store);
        self.segments = imbl::vector![Arc::new(first)];
        (self.log_start_offset, self.log_end_offset, self.recovery_point) = (offset, offset, offset);
        self.epochs = LeaderEpochCache::default();
        self.producers = ProducerStates::default();
        self.retain_producer_snapshots(|_| false, store);
        self.write_epochs(store);
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
        self.recovery_point = self.log_end_offset;
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

    fn check_crc(&self, batch: &Batch) -> Result<(), ResponseError> {
        let checked = !self.config.rules.holds(Rule::CrcCheck) || batch.check_crc().is_ok();
        if checked { Ok(()) } else { Err(ResponseError::CorruptMessage) }
    }

    fn write(&mut self, batch: Batch, store: &mut Store) -> Result<Appended, ResponseError> {
        let rolled = self.must_roll(&batch, store);
        if rolled {
            self.roll_at(batch.base_offset, store);
        }
        let (base_offset, last_offset) = (batch.base_offset, batch.last_offset());
        let interval = self.config.index_interval_bytes;
        self.active_mut().append(batch.clone(), interval, store).map_err(|_| ResponseError::KafkaStorageError)?;
        if self.epochs.latest_epoch() != Some(batch.leader_epoch) && self.epochs.assign(batch.leader_epoch, base_offset) {
            self.write_epochs(store);
        }
        self.log_end_offset = last_offset + 1;
        if let Some(completed) = self.producers.remember(&batch) {
            if let Some(aborted) = completed.index_entry(&self.producers) {
                self.active_mut().append_aborted(aborted, store).map_err(|_| ResponseError::KafkaStorageError)?;
            }
            self.producers.complete(&completed);
        }
        self.flush_if_many(store);
        Ok(Appended { base_offset, last_offset, duplicate: false, rolled, log_append_time_ms: NO_TIMESTAMP })
    }

    fn must_roll(&self, batch: &Batch, store: &Store) -> bool {
        self.active().should_roll(&RollParams {
            max_segment_ms: self.config.max_segment_ms(),
            max_segment_bytes: self.config.segment_bytes,
            max_timestamp: batch.info.max_timestamp,
            last_offset: batch.last_offset(),
            size_bytes: batch.size_bytes(),
            now_ms: store.now.wall_ms(),
        })
    }

    /// Ends the active segment and begins one at the log end.
    pub fn roll(&mut self, store: &mut Store) {
        self.roll_at(self.log_end_offset, store);
    }

    fn roll_at(&mut self, base_offset: i64, store: &mut Store) {
        match self.config.rules.holds(Rule::FlushOrder) {
            true => self.active_mut().close(store),
            false => self.active_mut().end(store),
        }
        self.log_end_offset = base_offset;
        self.take_producer_snapshot(store);
        self.recovery_point = base_offset;
        self.last_flush = store.now;
        if self.active().base_offset == base_offset {
            // An empty segment that rolls is made anew in its place.
            if let Some(empty) = self.segments.pop_back() {
                empty.delete_files(store);
            }
        }
        let mut segment = Segment::empty(&self.dir, base_offset, self.config.segment_index_bytes);
        segment.roll_jitter_ms = self.random_segment_jitter(store);
        segment.create_files(&self.config, false, store);
        self.segments.push_back(Arc::new(segment));
    }

    /// `randomSegmentJitter`, from a number that is nobody else's.
    fn random_segment_jitter(&self, store: &mut Store) -> i64 {
        let most = self.config.segment_jitter_ms.min(self.config.segment_ms);
        if most <= 0 {
            return 0;
        }
        crate::sim::rng::Rng::derive(store.ids.next_id().0, &self.dir).below(most as u64) as i64
    }

    /// `ProducerStateManager.takeSnapshot`: at the end of a segment and at a clean stop, unless nothing was appended since the last one.
    fn take_producer_snapshot(&mut self, store: &mut Store) {
        let end = self.log_end_offset;
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

    /// `rebuildProducerState` after a cut: from the newest snapshot that is left, then from what lies behind it. (The snapshot's content is
    /// what the log up to it gives, so that its file need not be read.)
    fn rebuild_producers(&mut self, store: &mut Store) {
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

    pub(super) fn write_epochs(&self, store: &mut Store) {
        let path = format!("{}/leader-epoch-checkpoint", self.dir);
        store.replace_text(&path, leader_epochs_text(self.epochs.entries()));
    }

    pub(super) fn active(&self) -> &Segment {
        self.segments.last().expect("a log always has an active segment")
    }

    pub(super) fn active_mut(&mut self) -> &mut Segment {
        Arc::make_mut(self.segments.back_mut().expect("a log always has an active segment"))
    }
}
