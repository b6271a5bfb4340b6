//! Reading the disk back and opening the logs (`LogManager.loadLogs`), and closing them in an orderly way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::process::Broker;
use super::replicas::log_config_of;
use crate::kafka::actor::Outbox;
use crate::kafka::controller::metadata_log::{self, METADATA_DIR};
use crate::kafka::event::Event;
use crate::kafka::log::checkpoint_file::{OffsetCheckpointEntry, offsets_text, parse_offsets};
use crate::kafka::log::file_name::LOG_SUFFIX;
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::log::properties_file::meta_properties_text;
use crate::kafka::log::recovery::{Reopen, open};
use crate::kafka::names::{BROKER_PORT, TopicPartition, directory_id, uuid_text};
use crate::sim::disk::File;
use crate::sim::process::ReadId;
use crate::sim::time::{Duration, Time};

const CLEAN_SHUTDOWN_FILE: &str = ".kafka_cleanshutdown";
const BROKER_EPOCH_FILE: &str = "broker-epoch";
const HW_CHECKPOINT: &str = "replication-offset-checkpoint";
const RECOVERY_POINT_CHECKPOINT: &str = "recovery-point-offset-checkpoint";
const LOG_START_CHECKPOINT: &str = "log-start-offset-checkpoint";

/// What has come back from the disk so far.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    waiting: BTreeMap<ReadId, String>,
    files: BTreeMap<String, Arc<File>>,
}

impl Broker {
    /// Asks for every file that opening the logs needs.
    pub(super) fn start_up(&mut self, now: Time, out: &mut Outbox) {
        let wanted = |path: &str| {
            path.ends_with(LOG_SUFFIX)
                || path.ends_with("leader-epoch-checkpoint")
                || path.ends_with("-offset-checkpoint")
                || !path.contains('/')
        };
        let paths: Vec<String> = out.disk().list("").map(|(path, _)| path.to_string()).filter(|path| wanted(path)).collect();
        for path in paths {
            self.reading.waiting.insert(out.read(&path), path);
        }
        if self.reading.waiting.is_empty() {
            self.open_logs(now, out);
        }
    }

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
        let clean = fresh || files.contains_key(CLEAN_SHUTDOWN_FILE);
        let checkpoint = |name: &str| -> BTreeMap<TopicPartition, i64> {
            let entries = files.get(name).and_then(|file| parse_offsets(&file.read()).ok()).unwrap_or_default();
            entries.into_iter().map(|entry| (TopicPartition::new(entry.topic.as_str(), entry.partition), entry.offset)).collect()
        };
        let (high_watermarks, recovery_points, log_starts) =
            (checkpoint(HW_CHECKPOINT), checkpoint(RECOVERY_POINT_CHECKPOINT), checkpoint(LOG_START_CHECKPOINT));
        // The copy of the metadata comes first: it says what the other folders are.
        let metadata_files = in_folder(&files, METADATA_DIR);
        self.metadata.log = Some(if metadata_files.is_empty() {
            super::metadata::new_metadata_log(out)
        } else {
            let config = metadata_log::log_config();
            let reopen = Reopen { dir: METADATA_DIR, config, files: &metadata_files, clean, recovery_point: 0, log_start_offset: 0 };
            open(reopen, &mut out.store()).0
        });
        self.replay_local_metadata();
        let folders: BTreeSet<&str> = files.keys().filter_map(|path| path.split_once('/')).map(|(folder, _)| folder).collect();
        for folder in folders.into_iter().filter(|&folder| folder != METADATA_DIR) {
            let Some(name) = partition_of(folder) else { continue };
            // A folder of a topic that was deleted meanwhile (a stray): left alone, as by Kafka until it is told to delete it.
            let Some(topic_id) = self.image.topic(&name.topic).map(|topic| topic.id) else { continue };
            let reopen = Reopen {
                dir: folder,
                config: log_config_of(&self.image, &name.topic, &self.spec),
                files: &in_folder(&files, folder),
                clean,
                recovery_point: recovery_points.get(&name).copied().unwrap_or(0),
                log_start_offset: log_starts.get(&name).copied().unwrap_or(0),
            };
            let (log, cut) = open(reopen, &mut out.store());
            if let Some(to) = cut {
                out.emit(Event::Truncated { partition: name.clone(), broker: self.spec.id, from: to, to: log.log_end_offset() });
            }
            let high_watermark = high_watermarks.get(&name).copied().unwrap_or(0);
            self.insert_partition(name, topic_id, log, high_watermark);
        }
        let previous_epoch = if clean { files.get(BROKER_EPOCH_FILE).and_then(|file| number_in(file)).unwrap_or(-1) } else { -1 };
        self.begin_files(fresh, out);
        self.report_started(clean, out);
        out.listen(BROKER_PORT);
        self.next_isr_check = Some(now + Duration::ms(self.settings.replica_lag_time_max_ms / 2));
        self.next_checkpoint = Some(now + Duration::ms(self.settings.hw_checkpoint_interval_ms));
        self.next_retention_check = Some(now + Duration::ms(self.settings.retention_check_interval_ms));
        self.begin_registration(now, previous_epoch, out);
        self.fetch_metadata(now, out);
    }

    /// The image as of the last stop; leaderships are taken up only once the controller has been heard.
    fn replay_local_metadata(&mut self) {
        let Some(log) = &self.metadata.log else { return };
        for (next, records) in metadata_log::records_from(log, log.log_start_offset()) {
            records.iter().for_each(|record| self.image.apply(record));
            self.metadata.next_offset = next;
        }
    }

    fn begin_files(&self, fresh: bool, out: &mut Outbox) {
        if fresh {
            let text = meta_properties_text("2026-01-01T00:00:00Z", self.spec.id.0, &uuid_text(self.directory_id()), &self.spec.cluster_id);
            out.store().replace_text("meta.properties", text);
        }
        // From now on a stop that does not come to its end is an unclean one.
        let _ = out.disk().delete(CLEAN_SHUTDOWN_FILE);
    }

    pub(super) fn write_broker_epoch(&self, epoch: i64, out: &mut Outbox) {
        out.store().replace_text(BROKER_EPOCH_FILE, epoch.to_string());
    }

    /// The checkpoints of all logs, every replica.high.watermark.checkpoint.interval.ms and at a clean stop.
    pub(super) fn write_checkpoints(&self, out: &mut Outbox) {
        let text = |of: &dyn Fn(&super::partition::Partition) -> Option<i64>| {
            let entries = self.replicas.partitions.values().filter_map(|partition| {
                Some(OffsetCheckpointEntry {
                    topic: partition.name.topic.to_string(),
                    partition: partition.name.partition,
                    offset: of(partition)?,
                })
            });
            offsets_text(&entries.collect::<Vec<_>>())
        };
        let mut store = out.store();
        store.replace_text(HW_CHECKPOINT, text(&|partition| Some(partition.high_watermark)));
        store.replace_text(RECOVERY_POINT_CHECKPOINT, text(&|partition| Some(partition.log.recovery_point())));
        // Where a log begins with a segment, the segment's name says so.
        let log_start = |log: &PartitionLog| log.starts_within_a_segment().then(|| log.log_start_offset());
        store.replace_text(LOG_START_CHECKPOINT, text(&|partition| log_start(&partition.log)));
    }

    /// A write failed: its log directory is offline, and since there is no other, the broker halts (`LogManager.handleLogDirFailure`,
    /// `Exit.halt`). Nothing is flushed, and no mark of a clean stop is left.
    pub(super) fn log_dir_failed(&mut self, out: &mut Outbox) {
        out.exit(1);
    }

    /// LogManager.shutdown: everything flushed, checkpoints written, the mark set.
    pub(super) fn close_logs(&mut self, out: &mut Outbox) {
        let names: Vec<TopicPartition> = self.replicas.partitions.keys().cloned().collect();
        for name in names {
            if let Some(partition) = self.replicas.get_mut(&name) {
                partition.log.close(&mut out.store());
            }
        }
        if let Some(log) = &mut self.metadata.log {
            log.close(&mut out.store());
        }
        self.write_checkpoints(out);
        let epoch = self.lifecycle.broker_epoch().unwrap_or(-1);
        out.store().replace_text(CLEAN_SHUTDOWN_FILE, format!("{{\"version\":0,\"brokerEpoch\":{epoch}}}"));
    }

    /// The id of its one log directory.
    pub(super) fn directory_id(&self) -> Uuid {
        directory_id(self.spec.id, &self.spec.cluster_id)
    }
}

fn in_folder(files: &BTreeMap<String, Arc<File>>, folder: &str) -> BTreeMap<String, Arc<File>> {
    let prefix = format!("{folder}/");
    files.iter().filter(|(path, _)| path.starts_with(&prefix)).map(|(path, file)| (path.clone(), file.clone())).collect()
}

/// `orders-0`: the topic is what stands before the last dash.
fn partition_of(folder: &str) -> Option<TopicPartition> {
    let (topic, partition) = folder.rsplit_once('-')?;
    Some(TopicPartition::new(topic, partition.parse().ok()?))
}

fn number_in(file: &File) -> Option<i64> {
    std::str::from_utf8(&file.read()).ok()?.trim().parse().ok()
}
