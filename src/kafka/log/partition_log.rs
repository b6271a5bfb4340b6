//! A partition's log on one broker (`UnifiedLog`): segments, leader epochs, producers, and the files that keep them.

use std::sync::Arc;

use super::checkpoint_file::leader_epochs_text;
use super::config::LogConfig;
use super::epoch_cache::LeaderEpochCache;
use super::producer_state::ProducerStates;
use super::segment::Segment;
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
    pub(super) dir: Arc<str>,
    pub(super) config: Arc<LogConfig>,
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

    /// Flushes all, as a clean stop does.
    pub fn close(&mut self, store: &mut Store) {
        self.active_mut().close(store);
        self.take_producer_snapshot(store);
        self.recovery_point = self.log_end_offset;
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
