//! Moving replicas from one log directory of a broker to another (KIP-113, KIP-858; `ReplicaAlterLogDirsThread`).
//!
//! A future replica grows beside the current one. When it has all, the controller is told of the new place; when that has answered, and the future
//! replica has all that has come meanwhile, it takes the current one's place. A move that ends otherwise takes back what the controller was told.
//!
//! Different from Apache Kafka: a thread looks a hundred times a second (ten times, if it only waits), and not all the time.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use uuid::Uuid;

use super::process::Broker;
use crate::kafka::actor::Outbox;
use crate::kafka::event::Event;
use crate::kafka::log::epoch_cache::{UNDEFINED_EPOCH, UNDEFINED_EPOCH_OFFSET};
use crate::kafka::names::TopicPartition;
use crate::kafka::records::murmur2::{java_abs, java_string_hash};
use crate::sim::time::{Duration, Time};

/// So long a piece (replica.fetch.max.bytes) takes the disk: 100 MB a second.
const PIECE_TIME: Duration = Duration::ms(10);
/// So often a replica is looked at that only waits for the controller.
const WAIT_TIME: Duration = Duration::ms(100);

/// The move of one replica (`PromotionState`).
#[derive(Clone, Copy, Debug)]
pub struct Promotion {
    state: Reassignment,
    /// The directory of the current replica.
    original: Uuid,
}

/// What the controller knows of the new place (`ReassignmentState`; what is `Effective` there is no move any more here).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reassignment {
    /// Nothing yet.
    None,
    /// It is told, and may know or not.
    Queued,
    /// It knows.
    Accepted,
}

/// The threads.
#[derive(Clone, Debug, Default)]
pub struct LogMover {
    /// Which replica each copies: one at a time, so that it is done sooner (`inProgressPartition`).
    in_progress: BTreeMap<i32, TopicPartition>,
    next: Option<Time>,
}

impl LogMover {
    pub fn next_wake(&self) -> Option<Time> {
        self.next
    }
}

/// What became of a look at a replica.
enum Look {
    /// It has all; or still lacks something.
    CaughtUp,
    Behind,
}

impl Broker {
    /// `alterReplicaLogDirs`, of one partition.
    ///
    /// # Errors
    /// LogDirNotFound, KafkaStorageError, InvalidReplicaAssignment (the directory is cordoned), ReplicaNotAvailable, UnknownTopicOrPartition.
    #[inline(never)]
    pub(super) fn move_replica(&mut self, now: Time, name: &TopicPartition, path: &str, out: &mut Outbox) -> Result<(), ResponseError> {
        let dir = self.log_dirs.iter().find(|dir| dir.path == path).cloned().ok_or(ResponseError::LogDirNotFound)?;
        if !dir.online || self.replicas.offline.contains(name) {
            return Err(ResponseError::KafkaStorageError);
        }
        if dir.cordoned {
            return Err(ResponseError::InvalidReplicaAssignment);
        }
        // Another goal than before: stop the move that is under way.
        let under_way = self.futures.logs.get(name).map(|future| self.log_dirs.of_path(future.log.dir()).id);
        if under_way.is_some_and(|id| id != dir.id) {
            self.delete_future(now, name, out);
        }
        let Some(current) = self.directory_of(name) else {
            // maybeUpdatePreferredLogDir: its replica may still come, and goes there then.
            self.futures.prefer(name, dir.id);
            return Err(match self.replicas.missing(name, self.image.partition(name).is_some()) {
                ResponseError::NotLeaderOrFollower => ResponseError::ReplicaNotAvailable,
                error => error,
            });
        };
        if current != dir.id && under_way != Some(dir.id) {
            self.create_future(name, &dir, out)?;
            self.maybe_add_log_dir_fetcher(now, name);
        }
        Ok(())
    }

    /// `maybeAddLogDirFetchers`, `addPartitions`: a future replica is filled from now on, and what the controller was told of it counts no more.
    /// So it is after a start, and whenever the metadata of the partition change.
    pub(super) fn maybe_add_log_dir_fetcher(&mut self, now: Time, name: &TopicPartition) {
        if self.futures.logs.is_empty() {
            return;
        }
        let (Some(original), Some(topic_id)) = (self.directory_of(name), self.replicas.get(name).map(|partition| partition.topic_id))
        else {
            return;
        };
        if let Some(future) = self.futures.logs.get_mut(name).filter(|future| future.topic_id == topic_id) {
            future.moving = Some(Promotion { state: Reassignment::None, original });
            self.mover.next = Some(self.mover.next.map_or(now + PIECE_TIME, |next| next.min(now + PIECE_TIME)));
        }
    }

    /// `removePartitions`: it is not filled any more. What the controller may have been told is taken back.
    pub(super) fn stop_moving(&mut self, now: Time, name: &TopicPartition) {
        let Some(future) = self.futures.logs.get_mut(name) else { return };
        let (topic_id, stopped) = (future.topic_id, future.moving.take());
        if let Some(Promotion { original, .. }) = stopped.filter(|promotion| promotion.state != Reassignment::None) {
            self.assign(now, name, topic_id, original, false);
        }
    }

    /// The controller knows the new place.
    pub(super) fn future_accepted(&mut self, now: Time, name: &TopicPartition, directory: Uuid) {
        let Some(future) = self.futures.logs.get_mut(name) else { return };
        // It may move elsewhere by now.
        if self.log_dirs.of_path(future.log.dir()).id != directory {
            return;
        }
        if let Some(promotion) = &mut future.moving {
            promotion.state = Reassignment::Accepted;
            self.mover.next = Some(now + Duration::us(1));
        }
    }

    /// Every thread copies the next piece: the next look is due.
    #[inline(never)]
    pub(super) fn move_logs(&mut self, now: Time, out: &mut Outbox) {
        if self.throttles.alter_log_dirs.is_exceeded(now) {
            self.mover.next = Some(now + Duration::ms(self.settings.replica_fetch_backoff_ms));
            return;
        }
        let mut next = None;
        for name in self.in_progress() {
            let wait = self.move_log(now, &name, out);
            next = next.into_iter().chain(wait).min();
        }
        // What is done makes room for the next.
        let is_waiting = self.futures.iter().any(|(name, future)| future.moving.is_some() && !self.is_in_progress(name));
        let next = if is_waiting { Some(PIECE_TIME) } else { next };
        self.mover.next = next.map(|wait| now + wait);
    }

    /// `selectPartitionToFetch`, of each thread.
    fn in_progress(&mut self) -> Vec<TopicPartition> {
        let futures = &self.futures;
        self.mover.in_progress.retain(|_, name| futures.is_moving(name));
        let threads = self.settings.alter_log_dirs_threads.unwrap_or(self.log_dirs.iter().count() as i32).max(1);
        for (name, _) in self.futures.logs.iter().filter(|(_, future)| future.moving.is_some()) {
            self.mover.in_progress.entry(fetcher_id(name, threads)).or_insert_with(|| name.clone());
        }
        self.mover.in_progress.values().cloned().collect()
    }

    fn is_in_progress(&self, name: &TopicPartition) -> bool {
        self.mover.in_progress.values().any(|known| known == name)
    }

    /// `processPartitionData`, `maybePromoteFutureReplica`. Returns when it wants to be looked at again.
    #[inline(never)]
    fn move_log(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) -> Option<Duration> {
        let promotion = self.futures.logs.get(name)?.moving?;
        match self.copy_piece(now, name, out)? {
            Ok(Look::Behind) => Some(PIECE_TIME),
            Ok(Look::CaughtUp) => match promotion.state {
                Reassignment::None => {
                    let future = self.futures.logs.get_mut(name)?;
                    future.moving = Some(Promotion { state: Reassignment::Queued, ..promotion });
                    let (topic_id, target) = (future.topic_id, self.log_dirs.of_path(future.log.dir()).id);
                    self.assign(now, name, topic_id, target, true);
                    Some(WAIT_TIME)
                }
                Reassignment::Queued => Some(WAIT_TIME),
                Reassignment::Accepted => {
                    self.replace_current_with_future(now, name, out);
                    let line = format!(
                        "INFO The current replica is successfully replaced with the future replica for {name} (kafka.log.LogManager)"
                    );
                    out.emit(Event::ServerLog { broker: self.spec.id, line: line.into() });
                    None
                }
            },
            Err(failed) => {
                self.log_dir_failed(now, failed, out);
                None
            }
        }
    }

    /// Copies as much as a fetch takes. `None`: there is no current replica any more; an error is the directory that fails.
    #[inline(never)]
    fn copy_piece(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) -> Option<Result<Look, Uuid>> {
        let current = self.replicas.get(name)?;
        let future = self.futures.logs.get_mut(name)?;
        for dir in [&current.log, &future.log].map(|log| self.log_dirs.of_path(log.dir())) {
            if out.disk().is_broken(dir.folder()) {
                return Some(Err(dir.id));
            }
        }
        let target = self.log_dirs.of_path(future.log.dir()).id;
        let (current_end, log) = (current.log.log_end_offset(), &mut future.log);
        // The current replica may have been cut, and have grown otherwise since (`OffsetForLeaderEpoch` of a local leader).
        if let Some(epoch) = log.latest_epoch() {
            let (known, end) = current.log.epochs().end_offset_for(epoch, current_end);
            let to = match log.epochs().end_offset_for(known, log.log_end_offset()).1 {
                _ if known == UNDEFINED_EPOCH => future.high_watermark,
                UNDEFINED_EPOCH_OFFSET => end,
                own_end => end.min(own_end),
            };
            if to < log.log_end_offset() {
                log.truncate_to(to, &mut out.store());
            }
        }
        if log.log_end_offset() > current_end {
            log.truncate_to(current_end, &mut out.store());
        }
        if log.log_end_offset() < current.log.log_start_offset() {
            log.start_anew_at(current.log.log_start_offset(), &mut out.store());
        }
        let most = self.settings.replica_fetch_max_bytes.max(1).cast_unsigned();
        let mut bytes = 0;
        for batch in current.log.read(log.log_end_offset(), most, i64::MAX).unwrap_or_default() {
            bytes += u64::from(batch.size_bytes());
            if log.append_as_follower(batch, &mut out.store()).is_err() {
                return Some(Err(target));
            }
        }
        future.high_watermark = current.high_watermark.min(log.log_end_offset());
        log.increment_log_start(current.log.log_start_offset(), &mut out.store());
        let doomed = log.take_doomed();
        let is_caught_up = log.log_end_offset() == current_end;
        self.logs.delete_later(doomed);
        self.throttles.alter_log_dirs.record(now, bytes);
        self.replicas.high_watermarks.changed(name);
        // Deletions wait for the future replica, too.
        self.complete_deletes(now, out);
        Some(Ok(if is_caught_up { Look::CaughtUp } else { Look::Behind }))
    }
}

/// `AbstractFetcherManager.getFetcherId`
fn fetcher_id(name: &TopicPartition, threads: i32) -> i32 {
    java_abs(java_string_hash(&name.topic).wrapping_mul(31).wrapping_add(name.partition)) % threads
}
