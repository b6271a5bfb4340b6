//! Reading the disk back and opening the logs (`LogManager.loadLogs`), and closing them in an orderly way.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use uuid::Uuid;

use super::future_logs::{FutureLog, partition_of};
use super::log_dirs::{LogDir, LogDirs};
use super::log_manager::{DELETE_DIR_SUFFIX, STRAY_DIR_SUFFIX};
use super::process::Broker;
use super::replicas::log_config_of;
use crate::kafka::actor::Outbox;
use crate::kafka::controller::bootstrap;
use crate::kafka::event::Event;
use crate::kafka::log::checkpoint_file::{offsets_text, parse_offsets};
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::log::properties_file::{PARTITION_METADATA, meta_properties_text, topic_id_in};
use crate::kafka::log::recovery::{Reopen, open};
use crate::kafka::metadata::image::Image;
use crate::kafka::names::{CONTROLLER_PORT, METADATA_TOPIC, TopicPartition, uuid_text};
use crate::kafka::raft::node::METADATA_DIR;
use crate::sim::disk::File;
use crate::sim::process::ReadId;
use crate::sim::time::{Duration, Time};

const CLEAN_SHUTDOWN_FILE: &str = ".kafka_cleanshutdown";
const LOCK_FILE: &str = ".lock";
pub(super) const HW_CHECKPOINT: &str = "replication-offset-checkpoint";
pub(super) const RECOVERY_POINT_CHECKPOINT: &str = "recovery-point-offset-checkpoint";
pub(super) const LOG_START_CHECKPOINT: &str = "log-start-offset-checkpoint";
pub(super) const CLEANER_CHECKPOINT: &str = "cleaner-offset-checkpoint";

/// What has come back from the disk so far.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    waiting: BTreeMap<ReadId, String>,
    files: BTreeMap<String, Arc<File>>,
}

impl Broker {
    /// Asks for every file that opening the logs needs.
    pub(super) fn start_up(&mut self, now: Time, out: &mut Outbox) {
        for id in self.log_dirs.all().filter(|dir| out.disk().is_broken(dir.folder())).map(|dir| dir.id).collect::<Vec<_>>() {
            self.log_dir_failed(now, id, out);
        }
        if !self.log_dirs.metadata().online || self.log_dirs.online().next().is_none() {
            return;
        }
        // A folder that is being deleted, or that was set aside, is not opened any more; nor is what lies on a broken disk.
        let dirs = &self.log_dirs;
        let is_doomed = |path: &str| {
            let suffixes = [DELETE_DIR_SUFFIX, STRAY_DIR_SUFFIX];
            dirs.within(path).split_once('/').is_some_and(|(folder, _)| suffixes.iter().any(|suffix| folder.ends_with(suffix)))
        };
        let wanted = |path: &str| dirs.of_path(path).online && !is_doomed(path);
        let paths: Vec<String> = out.disk().list("").map(|(path, _)| path.to_string()).filter(|path| wanted(path)).collect();
        for path in paths {
            self.reading.waiting.insert(out.read(&path), path);
        }
        if self.reading.waiting.is_empty() {
            self.open_logs(now, out);
        }
    }

    #[inline(never)]
    pub(super) fn read_back(&mut self, now: Time, id: ReadId, file: Option<Arc<File>>, out: &mut Outbox) {
        let Some(path) = self.reading.waiting.remove(&id) else { return };
        if let Some(file) = file {
            self.reading.files.insert(path, file);
        }
        if self.reading.waiting.is_empty() {
            self.open_logs(now, out);
        }
    }

    fn open_logs(&mut self, now: Time, out: &mut Outbox) {
        let files = std::mem::take(&mut self.reading.files);
        let fresh = files.is_empty();
        let dirs = self.log_dirs.clone();
        let marked = |dir: &LogDir| files.contains_key(&format!("{}{CLEAN_SHUTDOWN_FILE}", dir.prefix));
        // A directory that was added since is as good as any.
        let is_clean = |dir: &LogDir| marked(dir) || !files.keys().any(|path| dirs.of_path(path).id == dir.id);
        let clean = dirs.online().all(is_clean);
        let checkpoint = |name: &str| -> BTreeMap<(Uuid, TopicPartition), i64> {
            let of_dir = |dir: &LogDir| {
                let entries = files.get(&format!("{}{name}", dir.prefix)).and_then(|file| parse_offsets(&file.read()).ok())?;
                let id = dir.id;
                Some(entries.into_iter().map(move |entry| ((id, TopicPartition::new(entry.topic.as_str(), entry.partition)), entry.offset)))
            };
            dirs.online().filter_map(of_dir).flatten().collect()
        };
        let (high_watermarks, recovery_points, log_starts) =
            (checkpoint(HW_CHECKPOINT), checkpoint(RECOVERY_POINT_CHECKPOINT), checkpoint(LOG_START_CHECKPOINT));
        // The copy of the metadata comes first: it says what the other folders are.
        self.quorum.raft.open(now, &in_folder(&files, &metadata_dir(&dirs)), clean, out);
        let image = self.local_metadata();
        let folder_of = |path: &String| Some(format!("{}{}", dirs.of_path(path).prefix, dirs.within(path).split_once('/')?.0));
        let folders: BTreeSet<String> = files.keys().filter_map(folder_of).collect();
        for folder in &folders {
            let Some((name, is_future)) = partition_of(dirs.within(folder)).filter(|(name, _)| &*name.topic != METADATA_TOPIC) else {
                continue;
            };
            let duplicate = match is_future {
                true => self.futures.logs.get(&name).map(|future| &future.log),
                false => self.replicas.get(&name).map(|partition| &partition.log),
            };
            if let Some(log) = duplicate {
                return self.report_duplicate(&name, is_future, [folder, log.dir()], out);
            }
            // Which topic it is of, the folder says itself: of the metadata the disk may have an older state, or none after a power cut.
            let files = in_folder(&files, folder);
            let said = files.get(&format!("{folder}/{PARTITION_METADATA}")).and_then(|file| topic_id_in(&file.written()));
            let Some(topic_id) = said.or_else(|| image.topic(&name.topic).map(|topic| topic.id)) else { continue };
            let in_dir = (dirs.of_path(folder).id, name.clone());
            let reopen = Reopen {
                dir: folder,
                config: log_config_of(&image, &name.topic, &self.spec),
                files: &files,
                clean: marked(dirs.of_path(folder)),
                recovery_point: recovery_points.get(&in_dir).copied().unwrap_or(0),
                log_start_offset: log_starts.get(&in_dir).copied().unwrap_or(0),
            };
            let (mut log, cut) = open(reopen, &mut out.store());
            self.logs.delete_later(log.take_doomed());
            log.remove_expired_producers(now.wall_ms(), self.settings.logs.producer_expiration_ms);
            if let Some(to) = cut.filter(|_| !is_future) {
                out.emit(Event::Truncated { partition: name.clone(), broker: self.spec.id, from: to, to: log.log_end_offset() });
            }
            let high_watermark = high_watermarks.get(&in_dir).copied().unwrap_or(0);
            if is_future {
                let high_watermark = high_watermark.clamp(log.log_start_offset(), log.log_end_offset());
                self.futures.logs.insert(name, FutureLog { log, topic_id, high_watermark, moving: None });
            } else {
                self.insert_partition(name, topic_id, log, high_watermark);
            }
        }
        // `CleanShutdownFileHandler`: only an orderly stop says which incarnation it was.
        let epochs: Vec<i64> = dirs
            .online()
            .map(|dir| files.get(&format!("{}{CLEAN_SHUTDOWN_FILE}", dir.prefix)).and_then(|file| broker_epoch_in(file)).unwrap_or(-1))
            .collect();
        let previous_epoch = epochs.first().copied().filter(|first| epochs.iter().all(|epoch| epoch == first)).unwrap_or(-1);
        self.begin_files(now, fresh, out);
        self.report_started(clean, out);
        self.listeners.ports().for_each(|port| out.listen(port));
        self.next_isr_check = Some(now + Duration::ms(self.settings.replica_lag_time_max_ms / 2));
        self.next_checkpoint = Some(now + Duration::ms(self.settings.hw_checkpoint_interval_ms));
        self.delete_folders_found(now, out);
        self.logs.start(now, &self.settings.logs);
        let cleaned = checkpoint(CLEANER_CHECKPOINT).into_iter().map(|((_, name), offset)| (name, offset)).collect();
        self.cleaner.start(now, &self.settings.cleaner, cleaned);
        if self.quorum.controller.is_some() {
            out.listen(CONTROLLER_PORT);
        }
        self.begin_registration(now, previous_epoch, out);
        self.quorum_moved(now, out);
    }

    /// The metadata as it was at the last stop, committed or not: how the logs are run until the newest are known.
    fn local_metadata(&self) -> Image {
        let mut image = Image::default();
        self.quorum.raft.stored_records().iter().for_each(|record| image.apply(record));
        image
    }

    fn begin_files(&self, now: Time, fresh: bool, out: &mut Outbox) {
        for dir in self.log_dirs.all().filter(|dir| dir.online) {
            let path = |name: &str| format!("{}{name}", dir.prefix);
            if fresh || !out.disk().exists(&path("meta.properties")) {
                let date = "Thu Jan 01 00:00:00 UTC 2026";
                let text = meta_properties_text(date, self.spec.id.0, &uuid_text(dir.id), &self.spec.cluster_id);
                out.store().replace_text(&path("meta.properties"), text);
            }
            // The directory is this process's (`LogManager.lockLogDirs`).
            out.disk().touch(&path(LOCK_FILE));
        }
        for dir in self.log_dirs.online() {
            // From now on a stop that does not come to its end is an unclean one.
            let _ = out.disk().delete(&format!("{}{CLEAN_SHUTDOWN_FILE}", dir.prefix));
            // Its cleaner has cleaned nothing yet.
            out.disk().touch(&format!("{}{CLEANER_CHECKPOINT}", dir.prefix));
        }
        if fresh {
            let mut store = out.store();
            let chunk = store.chunk(bootstrap::checkpoint(now, &self.spec.features));
            // A fresh disk is not full.
            let _ = store.disk.replace(now, &format!("{}bootstrap.checkpoint", self.log_dirs.metadata().prefix), chunk);
        }
    }

    /// `LogManager.loadLog`: a directory failed while a replica moved away from it, and works again. A person must say which of both is to go.
    #[inline(never)]
    fn report_duplicate(&self, name: &TopicPartition, is_future: bool, folders: [&str; 2], out: &mut Outbox) {
        let [a, b] = folders.map(|folder| format!("{}/{}", self.log_dirs.of_path(folder).path, self.log_dirs.within(folder)));
        let what = match is_future {
            true => format!("Duplicate log directories found: {a}, {b}"),
            false => format!(
                "Duplicate log directories for {name} are found in both {a} and {b}. It is likely because log directory failure happened while \
                 broker was replacing current replica with future replica. Recover broker from this failure by manually deleting one of the \
                 two directories for this partition. It is recommended to delete the partition in the log directory that is known to have \
                 failed recently."
            ),
        };
        let line = format!(
            "ERROR There was an error in one of the threads during logs loading: java.lang.IllegalStateException: {what} (kafka.log.LogManager)"
        );
        out.emit(Event::ServerLog { broker: self.spec.id, line: line.into() });
        out.exit(1);
    }

    /// A checkpoint in each directory, of the partitions in it that have something to say.
    pub(super) fn write_checkpoints(&self, name: &str, of: &dyn Fn(&TopicPartition, &PartitionLog) -> Option<i64>, out: &mut Outbox) {
        for dir in self.log_dirs.online() {
            let current = self.replicas.partitions.values().map(|partition| (&partition.name, &partition.log));
            let logs = current.chain(self.futures.iter().map(|(name, future)| (name, &future.log)));
            let in_it = logs.filter(|(_, log)| self.log_dirs.is_in(log.dir(), dir));
            let text = offsets_text(in_it.filter_map(|(name, log)| Some((&*name.topic, name.partition, of(name, log)?))));
            out.store().replace_text(&format!("{}{name}", dir.prefix), text);
        }
    }

    /// LogManager.shutdown: everything flushed, checkpoints written, the mark set.
    pub(super) fn close_logs(&mut self, out: &mut Outbox) {
        let names: Vec<TopicPartition> = self.replicas.partitions.keys().cloned().collect();
        for name in names {
            if let Some(partition) = self.replicas.get_mut(&name) {
                partition.log.close(&mut out.store());
            }
        }
        for future in self.futures.logs.values_mut() {
            future.log.close(&mut out.store());
        }
        self.write_high_watermarks(out);
        self.write_recovery_points(out);
        self.write_log_starts(out);
        let epoch = self.lifecycle.epoch_to_leave();
        for dir in self.log_dirs.all().filter(|dir| dir.online) {
            let _ = out.disk().delete(&format!("{}{LOCK_FILE}", dir.prefix));
        }
        for dir in self.log_dirs.online() {
            let mark = format!("{{\"version\":0,\"brokerEpoch\":{epoch}}}");
            out.store().replace_text(&format!("{}{CLEAN_SHUTDOWN_FILE}", dir.prefix), mark);
        }
    }
}

/// The folder of the metadata log.
pub(super) fn metadata_dir(dirs: &LogDirs) -> String {
    format!("{}{METADATA_DIR}", dirs.metadata().prefix)
}

fn in_folder(files: &BTreeMap<String, Arc<File>>, folder: &str) -> BTreeMap<String, Arc<File>> {
    let prefix = format!("{folder}/");
    let from_there = files.range::<str, _>((Bound::Included(&*prefix), Bound::Unbounded));
    from_there.take_while(|(path, _)| path.starts_with(&prefix)).map(|(path, file)| (path.clone(), file.clone())).collect()
}

/// `{"version":0,"brokerEpoch":16}`
fn broker_epoch_in(file: &File) -> Option<i64> {
    let json: serde_json::Value = serde_json::from_slice(&file.read()).ok()?;
    json.get("brokerEpoch")?.as_i64()
}
