//! What a broker does for its logs from time to time (`LogManager`): retention, checkpoints, the deletion of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::future_logs::FUTURE_DIR_SUFFIX;
use super::partition::Partition;
use super::process::Broker;
use super::startup::{LOG_START_CHECKPOINT, RECOVERY_POINT_CHECKPOINT};
use crate::kafka::actor::{Config, Outbox};
use crate::kafka::event::Event;
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::names::TopicPartition;
use crate::sim::time::{Duration, Time};

/// Behind the name of a folder whose replica was deleted (`LogFileUtils.DELETE_DIR_SUFFIX`).
pub const DELETE_DIR_SUFFIX: &str = "-delete";
/// Behind the name of a folder that is of no replica of this broker (`LogFileUtils.STRAY_DIR_SUFFIX`).
pub const STRAY_DIR_SUFFIX: &str = "-stray";

/// log.flush.scheduler.interval.ms, if nobody says otherwise: `Long.MAX_VALUE`.
const NEVER: u64 = i64::MAX as u64;

/// The settings of the tasks, in ms.
#[derive(Clone, Debug)]
pub struct LogManagerSettings {
    /// log.initial.task.delay.ms
    pub initial_delay_ms: u64,
    /// log.retention.check.interval.ms
    pub retention_check_interval_ms: u64,
    /// log.flush.scheduler.interval.ms; by default it is never looked whether a log is to be flushed
    pub flush_check_interval_ms: Option<u64>,
    /// log.flush.offset.checkpoint.interval.ms
    pub recovery_point_interval_ms: u64,
    /// log.flush.start.offset.checkpoint.interval.ms
    pub log_start_interval_ms: u64,
    /// log.segment.delete.delay.ms
    pub delete_delay_ms: u64,
    /// producer.id.expiration.ms, producer.id.expiration.check.interval.ms
    pub producer_expiration_ms: i64,
    pub producer_expiration_check_ms: u64,
}

impl LogManagerSettings {
    /// From server.properties; what is missing or no number has its default.
    pub fn parse(config: &Config) -> LogManagerSettings {
        let number = |name: &str, default: u64| config.get(name).and_then(|value| value.trim().parse().ok()).unwrap_or(default);
        LogManagerSettings {
            initial_delay_ms: number("log.initial.task.delay.ms", 30_000),
            retention_check_interval_ms: number("log.retention.check.interval.ms", 300_000).max(1),
            flush_check_interval_ms: Some(number("log.flush.scheduler.interval.ms", NEVER)).filter(|ms| *ms < NEVER).map(|ms| ms.max(1)),
            recovery_point_interval_ms: number("log.flush.offset.checkpoint.interval.ms", 60_000).max(1),
            log_start_interval_ms: number("log.flush.start.offset.checkpoint.interval.ms", 60_000).max(1),
            delete_delay_ms: number("log.segment.delete.delay.ms", 60_000),
            producer_expiration_ms: number("producer.id.expiration.ms", 86_400_000) as i64,
            producer_expiration_check_ms: number("producer.id.expiration.check.interval.ms", 600_000).max(1),
        }
    }
}

/// When each task is due next, and the files that are to be deleted.
#[derive(Clone, Debug, Default)]
pub struct LogManager {
    next_retention_check: Option<Time>,
    next_flush_check: Option<Time>,
    next_recovery_point: Option<Time>,
    next_log_start: Option<Time>,
    next_producer_expiration: Option<Time>,
    deletions: BTreeMap<Time, Vec<Arc<str>>>,
}

impl LogManager {
    /// From a broker's start on.
    pub fn start(&mut self, now: Time, settings: &LogManagerSettings) {
        let first = now + Duration::ms(settings.initial_delay_ms);
        (self.next_retention_check, self.next_recovery_point, self.next_log_start) = (Some(first), Some(first), Some(first));
        self.next_flush_check = settings.flush_check_interval_ms.map(|_| first);
        self.next_producer_expiration = Some(now + Duration::ms(settings.producer_expiration_check_ms));
    }

    pub fn next_wake(&self) -> Option<Time> {
        let checks = [self.next_retention_check, self.next_flush_check, self.next_producer_expiration];
        let tasks = checks.into_iter().chain([self.next_recovery_point, self.next_log_start]);
        tasks.flatten().chain(self.deletions.keys().next().copied()).min()
    }

    /// Files to be deleted, each at its time.
    pub fn delete_later(&mut self, files: Vec<(Time, Arc<str>)>) {
        for (at, file) in files {
            self.deletions.entry(at).or_default().push(file);
        }
    }
}

/// Whether a task is due; if so, when it is the next time.
fn due(next: &mut Option<Time>, now: Time, interval_ms: u64) -> bool {
    let is_due = next.is_some_and(|at| at <= now);
    if is_due {
        *next = Some(now + Duration::ms(interval_ms));
    }
    is_due
}

impl Broker {
    #[inline(never)]
    pub(super) fn run_log_tasks(&mut self, now: Time, out: &mut Outbox) {
        let settings = self.settings.logs.clone();
        if due(&mut self.logs.next_retention_check, now, settings.retention_check_interval_ms) {
            self.delete_old_segments(now, out);
        }
        if let Some(interval_ms) = settings.flush_check_interval_ms
            && due(&mut self.logs.next_flush_check, now, interval_ms)
        {
            self.flush_dirty_logs(now, out);
        }
        if due(&mut self.logs.next_recovery_point, now, settings.recovery_point_interval_ms) {
            self.write_recovery_points(out);
        }
        if due(&mut self.logs.next_log_start, now, settings.log_start_interval_ms) {
            self.write_log_starts(out);
        }
        if due(&mut self.logs.next_producer_expiration, now, settings.producer_expiration_check_ms) {
            self.remove_expired_producers(now, settings.producer_expiration_ms);
        }
        self.delete_files(now, out);
    }

    /// `flushDirtyLogs`
    fn flush_dirty_logs(&mut self, now: Time, out: &mut Outbox) {
        let due = self.replicas.partitions.values().filter(|partition| partition.log.is_flush_due(now));
        for name in due.map(|partition| partition.name.clone()).collect::<Vec<_>>() {
            if let Some(partition) = self.replicas.get_mut(&name) {
                partition.log.flush(&mut out.store());
            }
        }
        for future in self.futures.logs.values_mut().filter(|future| future.log.is_flush_due(now)) {
            future.log.flush(&mut out.store());
        }
    }

    /// `cleanupLogs`: retention of what is not compacted; the cleaner sees to the others.
    fn delete_old_segments(&mut self, now: Time, out: &mut Outbox) {
        let has_old = |partition: &&Arc<Partition>| partition.log.has_old_segments(now.wall_ms(), partition.high_watermark);
        let logs = self.replicas.partitions.values().filter(|partition| !partition.log.config().compact);
        let names: Vec<TopicPartition> = logs.filter(has_old).map(|partition| partition.name.clone()).collect();
        for name in names {
            self.delete_old_segments_of(now, name, out);
        }
    }

    pub(super) fn delete_old_segments_of(&mut self, now: Time, name: TopicPartition, out: &mut Outbox) {
        let Some(partition) = self.replicas.get(&name) else { return };
        if !partition.log.has_old_segments(now.wall_ms(), partition.high_watermark) {
            return;
        }
        let Some(partition) = self.replicas.get_mut(&name) else { return };
        let moved = partition.log.delete_old_segments(now.wall_ms(), partition.high_watermark, &mut out.store());
        self.logs.delete_later(partition.log.take_doomed());
        if moved {
            let log_start = partition.log.log_start_offset();
            self.mark_for_sessions(&name);
            out.emit(Event::LogStartMoved { partition: name, broker: self.spec.id, log_start });
        }
    }

    fn remove_expired_producers(&mut self, now: Time, expiration_ms: i64) {
        let with_producers = self.replicas.partitions.values().filter(|partition| !partition.log.producers().is_empty());
        for name in with_producers.map(|partition| partition.name.clone()).collect::<Vec<_>>() {
            if let Some(partition) = self.replicas.get_mut(&name) {
                partition.log.remove_expired_producers(now.wall_ms(), expiration_ms);
            }
        }
    }

    fn delete_files(&mut self, now: Time, out: &mut Outbox) {
        while let Some(entry) = self.logs.deletions.first_entry().filter(|entry| *entry.key() <= now) {
            for file in entry.remove() {
                // It may be gone with its folder.
                let _ = out.disk().delete(&file);
            }
        }
    }

    /// `checkpointLogRecoveryOffsets`
    pub(super) fn write_recovery_points(&self, out: &mut Outbox) {
        self.write_checkpoints(RECOVERY_POINT_CHECKPOINT, &|_, log| Some(log.recovery_point()), out);
    }

    /// `checkpointLogStartOffsets`: where a log begins with a segment, the segment's name says so.
    pub(super) fn write_log_starts(&self, out: &mut Outbox) {
        let log_start = |log: &PartitionLog| log.starts_within_a_segment().then(|| log.log_start_offset());
        self.write_checkpoints(LOG_START_CHECKPOINT, &|_, log| log_start(log), out);
    }

    /// `LogManager.asyncDelete`: a replica's folder gets another name at once, and goes later.
    pub(super) fn delete_folder_later(&mut self, now: Time, folder: &str, out: &mut Outbox) {
        let at = now + Duration::ms(self.settings.logs.delete_delay_ms);
        // A file that waits for its own deletion is not waited for any longer.
        let (_, doomed) = rename_folder(folder, DELETE_DIR_SUFFIX, out);
        self.logs.delete_later(doomed.into_iter().map(|path| (at, path)).collect());
    }

    /// `LogManager.isStrayKraftReplica`, once the newest metadata are known: logs of topics that were deleted while this broker was down (there
    /// may be another one of the same name), and of partitions that others have now. They are kept, under another name, and nobody opens them.
    pub(super) fn set_strays_aside(&mut self, out: &mut Outbox) {
        let me = self.spec.id.0;
        let is_stray = |partition: &Partition| {
            let topic = self.image.topic(&partition.name.topic).filter(|topic| topic.id == partition.topic_id);
            topic.and_then(|topic| topic.partition(partition.name.partition)).is_none_or(|known| !known.replicas.contains(&me))
        };
        let strays: Vec<TopicPartition> =
            self.replicas.partitions.values().filter(|partition| is_stray(partition)).map(|partition| partition.name.clone()).collect();
        for name in strays {
            let Some(stray) = self.replicas.remove(&name) else { continue };
            self.set_aside(stray.log.dir(), out);
        }
        self.set_stray_futures_aside(out);
    }

    /// What was to be deleted when the broker stopped: folders, and nothing else, since logs see to their own files.
    pub(super) fn delete_folders_found(&mut self, now: Time, out: &mut Outbox) {
        let at = now + Duration::ms(self.settings.logs.delete_delay_ms);
        let dirs = &self.log_dirs;
        let in_doomed = |path: &str| dirs.within(path).split_once('/').is_some_and(|(folder, _)| folder.ends_with(DELETE_DIR_SUFFIX));
        let found = out.disk().list("").filter(|(path, _)| in_doomed(path)).map(|(path, _)| (at, path.clone())).collect();
        self.logs.delete_later(found);
    }
}

/// Gives a replica's folder a name of its own, as `LocalLog.logDirNameWithSuffixCappedLength`: the name, and the files as they are called now.
pub(super) fn rename_folder(folder: &str, suffix: &str, out: &mut Outbox) -> (String, Vec<Arc<str>>) {
    // A future replica's has a name of its own already.
    let current = folder.strip_suffix(FUTURE_DIR_SUFFIX).and_then(|of| of.rsplit_once('.')).map_or(folder, |(current, _)| current);
    let renamed = format!("{current}.{:032x}{suffix}", out.chunk_id().0);
    let paths: Vec<Arc<str>> = out.disk().list(&format!("{folder}/")).map(|(path, _)| path.clone()).collect();
    let mut files = Vec::new();
    for path in paths {
        let to = format!("{renamed}{}", &path[folder.len()..]);
        if out.disk().rename(&path, &to).is_ok() {
            files.push(Arc::from(to));
        }
    }
    (renamed, files)
}
