//! Moving replicas from one log directory of a broker to another (KIP-113; `ReplicaAlterLogDirsThread`).
//!
//! A future replica grows beside the current one, in a folder of its own; when it has all, it takes the current one's place, whose folder goes.
//!
//! Different from Apache Kafka: the controller is told of the new place afterwards, not asked before; a move that a stop of the broker interrupts
//! does not go on by itself, and no rate holds it back but the disk's.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;

use super::log_dirs::LogDir;
use super::process::Broker;
use crate::kafka::actor::Outbox;
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::log::properties_file::partition_metadata_text;
use crate::kafka::names::{TopicPartition, uuid_text};
use crate::sim::time::{Duration, Time};

/// Behind the name of a future replica's folder (`LogFileUtils.FUTURE_DIR_SUFFIX`).
pub const FUTURE_DIR_SUFFIX: &str = "-future";
/// So much of each is copied at a time (replica.fetch.max.bytes), and so long that takes the disk: 100 MB a second.
const PIECE_BYTES: u32 = 1 << 20;
const PIECE_TIME: Duration = Duration::ms(10);

/// The replicas that move.
#[derive(Clone, Debug, Default)]
pub struct LogMover {
    futures: BTreeMap<TopicPartition, PartitionLog>,
    next: Option<Time>,
}

impl LogMover {
    pub fn next_wake(&self) -> Option<Time> {
        self.next
    }

    /// The replicas that are to be.
    pub fn futures(&self) -> impl Iterator<Item = (&TopicPartition, &PartitionLog)> {
        self.futures.iter()
    }
}

impl Broker {
    /// `alterReplicaLogDirs`, of one partition.
    ///
    /// # Errors
    /// LogDirNotFound, KafkaStorageError, ReplicaNotAvailable, UnknownTopicOrPartition.
    pub(super) fn move_replica(&mut self, now: Time, name: &TopicPartition, path: &str, out: &mut Outbox) -> Result<(), ResponseError> {
        let dir = self.log_dirs.iter().find(|dir| dir.path == path).cloned().ok_or(ResponseError::LogDirNotFound)?;
        if !dir.online {
            return Err(ResponseError::KafkaStorageError);
        }
        let Some(current) = self.directory_of(name) else {
            return Err(match self.replicas.missing(name, self.image.partition(name).is_some()) {
                // Its replica may still come.
                ResponseError::NotLeaderOrFollower => ResponseError::ReplicaNotAvailable,
                error => error,
            });
        };
        let under_way = self.mover.futures.get(name).map(|log| self.log_dirs.of_path(log.dir()).id);
        if under_way == Some(dir.id) {
            return Ok(());
        }
        self.give_up_move(now, name, out);
        if current != dir.id {
            self.begin_move(now, name, &dir, out);
        }
        Ok(())
    }

    fn begin_move(&mut self, now: Time, name: &TopicPartition, to: &LogDir, out: &mut Outbox) {
        let Some(partition) = self.replicas.get(name) else { return };
        let folder = format!("{}{name}.{:032x}{FUTURE_DIR_SUFFIX}", to.prefix, out.chunk_id().0);
        let mut log = PartitionLog::create(&folder, partition.log.config().clone(), &mut out.store());
        if partition.log.log_start_offset() > 0 {
            log.start_anew_at(partition.log.log_start_offset(), &mut out.store());
        }
        out.store().replace_text(&format!("{folder}/partition.metadata"), partition_metadata_text(&uuid_text(partition.topic_id)));
        self.mover.futures.insert(name.clone(), log);
        self.mover.next = Some(now + PIECE_TIME);
    }

    /// It moves nowhere any more.
    pub(super) fn give_up_move(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) {
        if let Some(future) = self.mover.futures.remove(name) {
            self.delete_folder_later(now, future.dir(), out);
        }
    }

    /// Copies the next piece of each.
    pub(super) fn move_logs(&mut self, now: Time, out: &mut Outbox) {
        if self.mover.next.is_none_or(|at| at > now) {
            return;
        }
        let names: Vec<TopicPartition> = self.mover.futures.keys().cloned().collect();
        for name in names {
            match self.copy_piece(&name, out) {
                None => self.give_up_move(now, &name, out),
                Some(Err(_)) => {
                    // The disk that it was to move to fails.
                    let id = self.mover.futures.get(&name).map(|log| self.log_dirs.of_path(log.dir()).id);
                    self.mover.futures.remove(&name);
                    id.into_iter().for_each(|id| self.log_dir_failed(now, id, out));
                }
                Some(Ok(true)) => self.promote(now, &name, out),
                Some(Ok(false)) => {}
            }
        }
        self.mover.next = (!self.mover.futures.is_empty()).then(|| now + PIECE_TIME);
    }

    /// Whether the future replica has all now. `None`: there is no current one any more.
    fn copy_piece(&mut self, name: &TopicPartition, out: &mut Outbox) -> Option<Result<bool, ResponseError>> {
        let current = &self.replicas.get(name)?.log;
        let future = self.mover.futures.get_mut(name)?;
        if future.log_end_offset() > current.log_end_offset() {
            future.truncate_to(current.log_end_offset(), &mut out.store());
        }
        if future.log_end_offset() < current.log_start_offset() {
            future.start_anew_at(current.log_start_offset(), &mut out.store());
        }
        let piece = current.read(future.log_end_offset(), PIECE_BYTES, i64::MAX).unwrap_or_default();
        for batch in piece {
            if let Err(error) = future.append_as_follower(batch, &mut out.store()) {
                return Some(Err(error));
            }
        }
        Some(Ok(future.log_end_offset() == current.log_end_offset()))
    }

    /// `replaceCurrentWithFutureLog`
    fn promote(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) {
        let Some(mut future) = self.mover.futures.remove(name) else { return };
        let Some(partition) = self.replicas.get(name) else { return };
        let (old, epoch) = (partition.log.dir().to_owned(), partition.log.latest_epoch());
        let log_start = partition.log.log_start_offset();
        let folder = format!("{}{name}", self.log_dirs.of_path(future.dir()).prefix);
        self.delete_folder_later(now, &old, out);
        future.move_to(&folder, out.disk());
        future.increment_log_start(log_start, &mut out.store());
        // A leader's epoch may have begun with nothing written in it yet.
        if let Some(epoch) = epoch {
            future.begin_epoch(epoch, &mut out.store());
        }
        if let Some(partition) = self.replicas.get_mut(name) {
            future.high_watermark_moved(partition.high_watermark);
            partition.log = future;
        }
        self.replicas.high_watermarks.changed(name);
        self.assign_directories(now, std::slice::from_ref(name), out);
    }
}
