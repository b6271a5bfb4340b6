//! Future replicas of this broker: logs that lie in another directory beside the current ones and are to take their place
//! (`LogManager.futureLogs`, KIP-113). [`super::log_mover`] fills them.
//!
//! A folder of theirs is kept by a stop of the broker, whatever kind of stop it is, and its move goes on at the next start.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use uuid::Uuid;

use super::log_dirs::LogDir;
use super::log_manager::{STRAY_DIR_SUFFIX, rename_folder};
use super::log_mover::Promotion;
use super::process::Broker;
use crate::kafka::actor::Outbox;
use crate::kafka::event::Event;
use crate::kafka::log::file_name::DELETED_SUFFIX;
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::log::properties_file::partition_metadata_text;
use crate::kafka::names::{TopicPartition, uuid_text};
use crate::sim::time::{Duration, Time};

/// Behind the name of a future replica's folder (`LogFileUtils.FUTURE_DIR_SUFFIX`).
pub const FUTURE_DIR_SUFFIX: &str = "-future";
/// So many wishes for replicas that are not here yet are kept; what comes after them goes where there is room.
const MAX_PREFERRED: usize = 10_000;

/// One of them.
#[derive(Clone, Debug)]
pub struct FutureLog {
    pub log: PartitionLog,
    pub topic_id: Uuid,
    pub high_watermark: i64,
    /// How far its move is; `None`: it is not filled, since the current replica is not here.
    pub(super) moving: Option<Promotion>,
}

/// All of them, and where replicas are wanted that are not here yet.
#[derive(Clone, Debug, Default)]
pub struct FutureLogs {
    pub(super) logs: BTreeMap<TopicPartition, FutureLog>,
    /// `preferredLogDirs`: at most [`MAX_PREFERRED`].
    pub(super) preferred: BTreeMap<TopicPartition, Uuid>,
}

impl FutureLogs {
    pub fn iter(&self) -> impl Iterator<Item = (&TopicPartition, &FutureLog)> {
        self.logs.iter()
    }

    /// The cleaner leaves a log alone that is being copied (`abortAndPauseCleaning`).
    pub fn is_moving(&self, name: &TopicPartition) -> bool {
        self.logs.get(name).is_some_and(|future| future.moving.is_some())
    }

    /// Where one begins that is being filled.
    pub fn log_start_of(&self, name: &TopicPartition) -> Option<i64> {
        self.logs.get(name).filter(|future| future.moving.is_some()).map(|future| future.log.log_start_offset())
    }

    /// `maybeUpdatePreferredLogDir`
    pub(super) fn prefer(&mut self, name: &TopicPartition, dir: Uuid) {
        if self.preferred.len() < MAX_PREFERRED || self.preferred.contains_key(name) {
            self.preferred.insert(name.clone(), dir);
        }
    }
}

/// `orders-0`, or `orders-0.<id>-future`: the partition that a folder is of, and whether it is a future replica's.
pub(super) fn partition_of(folder: &str) -> Option<(TopicPartition, bool)> {
    let current = folder.strip_suffix(FUTURE_DIR_SUFFIX).map(|of| of.rsplit_once('.').map(|(current, _)| current));
    // The topic is what stands before the last dash.
    let (topic, partition) = current.unwrap_or(Some(folder))?.rsplit_once('-')?;
    Some((TopicPartition::new(topic, partition.parse().ok()?), current.is_some()))
}

impl Broker {
    /// `maybeCreateFutureReplica`, where there is none yet.
    ///
    /// # Errors
    /// KafkaStorageError while any directory is offline: a future replica may lie there already.
    #[inline(never)]
    pub(super) fn create_future(&mut self, name: &TopicPartition, to: &LogDir, out: &mut Outbox) -> Result<(), ResponseError> {
        if self.log_dirs.iter().any(|dir| !dir.online) {
            return Err(ResponseError::KafkaStorageError);
        }
        let Some(partition) = self.replicas.get(name) else { return Ok(()) };
        let (topic_id, folder) = (partition.topic_id, format!("{}{name}.{:032x}{FUTURE_DIR_SUFFIX}", to.prefix, out.chunk_id().0));
        let mut log = PartitionLog::create(&folder, partition.log.config().clone(), &mut out.store());
        if partition.log.log_start_offset() > 0 {
            log.start_anew_at(partition.log.log_start_offset(), &mut out.store());
        }
        out.store().replace_text(&format!("{folder}/partition.metadata"), partition_metadata_text(&uuid_text(topic_id)));
        let high_watermark = log.log_start_offset();
        self.futures.logs.insert(name.clone(), FutureLog { log, topic_id, high_watermark, moving: None });
        Ok(())
    }

    /// `removeFutureLocalReplica`: it moves nowhere any more.
    pub(super) fn delete_future(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) {
        self.stop_moving(now, name);
        if let Some(future) = self.futures.logs.remove(name) {
            self.replicas.high_watermarks.changed(name);
            self.delete_folder_later(now, future.log.dir(), out);
        }
        self.futures.preferred.remove(name);
    }

    /// `replaceCurrentWithFutureLog`: the future replica's folder gets the current one's name, whose folder goes.
    #[inline(never)]
    pub(super) fn replace_current_with_future(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) {
        let Some(FutureLog { log: mut future, topic_id, high_watermark, .. }) = self.futures.logs.remove(name) else { return };
        let folder = format!("{}{name}", self.log_dirs.of_path(future.dir()).prefix);
        let within = format!("{folder}/");
        future.move_to(&folder, out.disk());
        // What was cut off there waits for its own deletion under its old name.
        let at = now + Duration::ms(self.settings.logs.delete_delay_ms);
        let cut = out.disk().list(&within).filter(|(path, _)| path.ends_with(DELETED_SUFFIX));
        self.logs.delete_later(cut.map(|(path, _)| (at, path.clone())).collect());
        let source = match self.replicas.get_mut(name).filter(|partition| partition.topic_id == topic_id) {
            Some(partition) => {
                future.increment_log_start(partition.log.log_start_offset(), &mut out.store());
                // A leader's epoch may have begun with nothing written in it yet.
                if let Some(epoch) = partition.log.latest_epoch() {
                    future.begin_epoch(epoch, &mut out.store());
                }
                partition.high_watermark = partition.high_watermark.min(future.log_end_offset());
                future.high_watermark_moved(partition.high_watermark);
                Some(std::mem::replace(&mut partition.log, future))
            }
            None => {
                self.insert_partition(name.clone(), topic_id, future, high_watermark);
                None
            }
        };
        self.replicas.high_watermarks.changed(name);
        if let Some(source) = source {
            self.delete_folder_later(now, source.dir(), out);
            // checkpointRecoveryOffsetsInDir, checkpointLogStartOffsetsInDir, alterCheckpointDir
            self.write_recovery_points(out);
            self.write_log_starts(out);
            self.write_cleaner_checkpoint(out);
            let source = self.log_dirs.of_path(source.dir());
            if out.disk().is_broken(source.folder()) {
                let id = source.id;
                self.log_dir_failed(now, id, out);
            }
        }
    }

    /// `recoverAbandonedFutureLogs`, once the newest metadata are known: the controller has been told of the new place, and the broker stopped
    /// before the future replica took it.
    #[inline(never)]
    pub(super) fn recover_abandoned_futures(&mut self, now: Time, out: &mut Outbox) {
        let me = self.spec.id.0;
        let is_abandoned = |(name, future): &(&TopicPartition, &FutureLog)| {
            let topic = self.image.topic(&name.topic).filter(|topic| topic.id == future.topic_id);
            let known = topic.and_then(|topic| topic.partition(name.partition)).and_then(|partition| partition.directory(me));
            known == Some(self.log_dirs.of_path(future.log.dir()).id)
        };
        let abandoned: Vec<TopicPartition> = self.futures.iter().filter(is_abandoned).map(|(name, _)| name.clone()).collect();
        for name in abandoned {
            self.replace_current_with_future(now, &name, out);
            let line = format!("INFO Successfully recovered abandoned future log for {name} (kafka.log.LogManager)");
            out.emit(Event::ServerLog { broker: self.spec.id, line: line.into() });
        }
    }

    /// Future replicas of topics that were deleted meanwhile, or of partitions that others have now (`isStrayKraftReplica`).
    #[inline(never)]
    pub(super) fn set_stray_futures_aside(&mut self, out: &mut Outbox) {
        let me = self.spec.id.0;
        let is_stray = |(name, future): &(&TopicPartition, &FutureLog)| {
            let topic = self.image.topic(&name.topic).filter(|topic| topic.id == future.topic_id);
            topic.and_then(|topic| topic.partition(name.partition)).is_none_or(|known| !known.replicas.contains(&me))
        };
        let strays: Vec<TopicPartition> = self.futures.iter().filter(is_stray).map(|(name, _)| name.clone()).collect();
        for name in strays {
            let Some(stray) = self.futures.logs.remove(&name) else { continue };
            self.set_aside(stray.log.dir(), out);
        }
    }

    /// Gives a folder that is of no replica of this broker a name that says so.
    #[inline(never)]
    pub(super) fn set_aside(&self, folder: &str, out: &mut Outbox) {
        let dir = &self.log_dirs.of_path(folder).path;
        let (renamed, _) = rename_folder(folder, STRAY_DIR_SUFFIX, out);
        let (found, renamed) = (self.log_dirs.within(folder), self.log_dirs.within(&renamed));
        let line = format!("WARN Log in {dir}/{found} marked stray and renamed to {dir}/{renamed} (kafka.log.LogManager)");
        out.emit(Event::ServerLog { broker: self.spec.id, line: line.into() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_folder_is() {
        let of = |folder: &str| partition_of(folder).map(|(name, is_future)| (name.to_string(), is_future));
        assert_eq!(of("a.b-c-12"), Some(("a.b-c-12".to_owned(), false)));
        assert_eq!(of("a.b-0.00000000000000000000000000000007-future"), Some(("a.b-0".to_owned(), true)));
        assert_eq!(of("a-future"), None, "no partition");
        assert_eq!(of("a-future-3"), Some(("a-future-3".to_owned(), false)));
        assert_eq!(of("orders"), None);
    }
}
