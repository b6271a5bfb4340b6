//! The log cleaner's thread (`LogCleaner`): cleans the dirtiest compacted log, one after the other, and rests when none is dirty enough.

use std::collections::{BTreeMap, BTreeSet};

use super::partition::Partition;
use super::process::Broker;
use super::startup::CLEANER_CHECKPOINT;
use crate::kafka::actor::{Config, Outbox};
use crate::kafka::event::Event;
use crate::kafka::log::cleanable::LogToClean;
use crate::kafka::log::cleaner::clean;
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::names::TopicPartition;
use crate::sim::time::{Duration, Time};

/// How fast a cleaner reads and writes, in bytes a microsecond. Ours, not Kafka's: there it is what disk and processor give.
const BYTES_PER_US: u64 = 100;

/// The settings of the cleaner.
#[derive(Clone, Debug)]
pub struct CleanerSettings {
    /// log.cleaner.enable
    pub enabled: bool,
    /// log.cleaner.backoff.ms
    pub backoff_ms: u64,
    /// log.cleaner.dedupe.buffer.size of one of log.cleaner.threads
    pub dedupe_buffer_bytes: u64,
}

impl CleanerSettings {
    /// From server.properties; what is missing or no number has its default.
    pub fn parse(config: &Config) -> CleanerSettings {
        let number = |name: &str, default: u64| config.get(name).and_then(|value| value.trim().parse().ok()).unwrap_or(default);
        let threads = number("log.cleaner.threads", 1).max(1);
        CleanerSettings {
            enabled: config.get("log.cleaner.enable").is_none_or(|value| value.trim() != "false"),
            backoff_ms: number("log.cleaner.backoff.ms", 15_000).max(1),
            dedupe_buffer_bytes: number("log.cleaner.dedupe.buffer.size", 134_217_728) / threads,
        }
    }
}

/// How far each log was cleaned, and when the cleaner looks next.
#[derive(Clone, Debug, Default)]
pub struct LogCleaner {
    next_run: Option<Time>,
    /// cleaner-offset-checkpoint: the first dirty offsets.
    checkpoints: BTreeMap<TopicPartition, i64>,
    /// Logs that could not be read: they are left alone from now on (`uncleanablePartitions`).
    uncleanable: BTreeSet<TopicPartition>,
}

impl LogCleaner {
    pub fn next_wake(&self) -> Option<Time> {
        self.next_run
    }

    /// The first dirty offset of a log, where it was cleaned before.
    pub fn checkpoint(&self, name: &TopicPartition) -> Option<i64> {
        self.checkpoints.get(name).copied()
    }

    /// From a broker's start on, with what the checkpoint says.
    pub fn start(&mut self, now: Time, settings: &CleanerSettings, checkpoints: BTreeMap<TopicPartition, i64>) {
        self.next_run = settings.enabled.then_some(now);
        self.checkpoints = checkpoints;
    }

    /// `maybeTruncateCheckpoint`: what was cut off is not clean any more. Returns whether the checkpoint must be written.
    pub fn truncated(&mut self, name: &TopicPartition, offset: i64) -> bool {
        let beyond = self.checkpoints.get_mut(name).filter(|checkpoint| **checkpoint > offset);
        beyond.map(|checkpoint| *checkpoint = offset).is_some()
    }
}

impl Broker {
    #[inline(never)]
    pub(super) fn run_cleaner(&mut self, now: Time, out: &mut Outbox) {
        if self.cleaner.next_run.is_none_or(|at| at > now) {
            return;
        }
        let worked = self.clean_filthiest_log(now, out);
        self.cleaner.next_run = Some(now + worked.unwrap_or(Duration::ms(self.settings.cleaner.backoff_ms)));
        // What is compacted and deleted is the cleaner's too.
        for name in self.replicas.compacted().map(|partition| partition.name.clone()).collect::<Vec<_>>() {
            self.delete_old_segments_of(now, name, out);
        }
    }

    /// `grabFilthiestCompactedLog` and the cleaning of it. Returns how long it took, if there was one.
    fn clean_filthiest_log(&mut self, now: Time, out: &mut Outbox) -> Option<Duration> {
        let cleaner = &self.cleaner;
        let may_be = |partition: &&Partition| !cleaner.uncleanable.contains(&partition.name) && !self.futures.is_moving(&partition.name);
        let candidates = self.replicas.compacted().filter(may_be).map(|partition| {
            let checkpoint = cleaner.checkpoint(&partition.name);
            (&partition.name, partition, LogToClean::of(&partition.log, checkpoint, partition.high_watermark, now.wall_ms()))
        });
        let cleanable = candidates.filter(|(_, partition, log)| log.is_cleanable(partition.log.config().min_cleanable_dirty_ppm));
        let (name, log_to_clean) = cleanable.max_by(|(_, _, a), (_, _, b)| a.compare(b)).map(|(name, _, log)| (name.clone(), log))?;
        let buffer = self.settings.cleaner.dedupe_buffer_bytes;
        let partition = self.replicas.get_mut(&name)?;
        let cleaned = clean(&mut partition.log, &log_to_clean, now.wall_ms(), buffer, &mut out.store());
        self.logs.delete_later(partition.log.take_doomed());
        let Ok((end_offset, stats)) = cleaned else {
            self.cleaner.uncleanable.insert(name);
            return Some(Duration::ms(1));
        };
        self.cleaner.checkpoints.insert(name.clone(), end_offset);
        self.write_cleaner_checkpoint(out);
        out.emit(Event::LogCleaned {
            partition: name,
            broker: self.spec.id,
            first_dirty: end_offset,
            bytes_before: stats.bytes_read,
            bytes_after: stats.bytes_written,
        });
        Some(Duration::us(1_000 + (stats.bytes_read + stats.bytes_written) / BYTES_PER_US))
    }

    /// `doneCleaning`, `updateCheckpoints`: of logs that are here.
    pub(super) fn write_cleaner_checkpoint(&mut self, out: &mut Outbox) {
        let replicas = &self.replicas;
        self.cleaner.checkpoints.retain(|name, _| replicas.get(name).is_some());
        let cleaner = &self.cleaner;
        let is_current = |name: &TopicPartition, log: &PartitionLog| replicas.get(name).is_some_and(|known| known.log.dir() == log.dir());
        let cleaned = |name: &TopicPartition, log: &PartitionLog| cleaner.checkpoints.get(name).copied().filter(|_| is_current(name, log));
        self.write_checkpoints(CLEANER_CHECKPOINT, &cleaned, out);
    }

    /// A log was cut, or its replica deleted.
    pub(super) fn log_truncated(&mut self, name: &TopicPartition, offset: i64, out: &mut Outbox) {
        if self.cleaner.truncated(name, offset) {
            self.write_cleaner_checkpoint(out);
        }
    }
}
