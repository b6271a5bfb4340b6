//! Replication is by fetching: who follows asks its leader for what comes after its own log, and says by that what it has.
//!
//! The answer brings records; or where the logs part (DivergingEpoch), so that the follower cuts its own back; or the id of a snapshot, if what
//! it asks for is gone; or who leads instead.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ReplicaState};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{FetchRequest, FetchResponse};

use super::node::{METADATA_TOPIC_ID, Raft};
use super::role::Role;
use super::snapshot::SnapshotId;
use super::vote::INVALID_REQUEST;
use super::{ReplicaKey, control};
use crate::kafka::actor::Outbox;
use crate::kafka::event::Event;
use crate::kafka::names::{BrokerId, METADATA_TOPIC, TopicPartition};
use crate::kafka::protocol::frame::{Batches, Frame};
use crate::sim::process::ConnId;
use crate::sim::time::{Duration, Time};

/// `KafkaRaftClient.MAX_FETCH_WAIT_MS`, `MAX_FETCH_SIZE_BYTES`
const MAX_FETCH_WAIT_MS: i32 = 500;
const MAX_FETCH_BYTES: i32 = 8 << 20;
/// So many fetches wait at most; each replica has one on its way, so that more are answered at once.
const MAX_WAITING: usize = 10_000;

/// A fetch that waits for more, or for a higher high watermark (KIP-1166).
#[derive(Clone, Debug)]
pub struct WaitingFetch {
    conn: ConnId,
    correlation_id: i32,
    version: i16,
    key: ReplicaKey,
    asked: FetchPartition,
    pub deadline: Time,
}

impl WaitingFetch {
    pub(super) fn is_on(&self, conn: ConnId) -> bool {
        self.conn == conn
    }

    pub(super) fn answer(self, partition: PartitionData, out: &mut Outbox) {
        out.send(self.conn, Frame::response(self.correlation_id, self.version, response(partition), vec![Vec::new()]));
    }
}

/// What a fetched log is to the asker's.
enum Valid {
    Yes,
    Diverging { epoch: i32, end_offset: i64 },
    Snapshot(SnapshotId),
}

impl Raft {
    /// handleFetchRequest
    pub(super) fn handle_fetch(&mut self, now: Time, conn: ConnId, frame: &Frame, request: &FetchRequest, out: &mut Outbox) {
        let answer = |response: FetchResponse, batches: Vec<Batches>, out: &mut Outbox| {
            out.send(conn, Frame::response(frame.correlation_id, frame.version, response, batches));
        };
        if !self.is_cluster(request.cluster_id.as_ref()) {
            return answer(FetchResponse::default().with_error_code(ResponseError::InconsistentClusterId.code()), Vec::new(), out);
        }
        let asked = request.topics.iter().find(|topic| topic.topic_id == METADATA_TOPIC_ID).and_then(|topic| topic.partitions.first());
        let Some(asked) = asked.filter(|asked| asked.fetch_offset >= 0 && asked.last_fetched_epoch >= 0) else {
            return answer(FetchResponse::default().with_error_code(INVALID_REQUEST), Vec::new(), out);
        };
        let key = ReplicaKey { id: BrokerId(request.replica_state.replica_id.0), directory: asked.replica_directory_id };
        let (partition, batches) = self.try_fetch(now, key, asked, out);
        let answered = partition.error_code != 0
            || !batches.is_empty()
            || partition.diverging_epoch.epoch >= 0
            || partition.snapshot_id.end_offset >= 0
            || partition.high_watermark > asked.high_watermark;
        if answered || request.max_wait_ms <= 0 || self.waiting.len() >= MAX_WAITING {
            return answer(response(partition), vec![batches], out);
        }
        let deadline = now + Duration::ms(request.max_wait_ms as u64);
        let (correlation_id, version) = (frame.correlation_id, frame.version);
        self.waiting.push(WaitingFetch { conn, correlation_id, version, key, asked: asked.clone(), deadline });
    }

    /// tryCompleteFetchRequest
    fn try_fetch(&mut self, now: Time, key: ReplicaKey, asked: &FetchPartition, out: &mut Outbox) -> (PartitionData, Batches) {
        if let Some(error) = self.leader_only_error(asked.current_leader_epoch) {
            return (self.partition_data().with_error_code(error), Vec::new());
        }
        let valid = self.validate_offset_and_epoch(asked.fetch_offset, asked.last_fetched_epoch);
        let (Role::Leader(leader), Some(log), Some(voters)) = (&mut self.role, &self.log, self.voters.last()) else {
            return (PartitionData::default(), Vec::new());
        };
        let mut batches = Vec::new();
        if matches!(valid, Valid::Yes) {
            batches = log.read(asked.fetch_offset, asked.partition_max_bytes.max(0).cast_unsigned(), i64::MAX).unwrap_or_default();
            if key.id.0 >= 0 && key.id != self.spec.key.id {
                leader.observe(now, key, asked.fetch_offset, log.log_end_offset(), voters, self.spec.key);
                self.advance_high_watermark(now, out);
            }
        }
        let mut partition = self.partition_data();
        match valid {
            Valid::Yes => {}
            Valid::Diverging { epoch, end_offset } => {
                partition.diverging_epoch.epoch = epoch;
                partition.diverging_epoch.end_offset = end_offset;
            }
            Valid::Snapshot(id) => {
                partition.snapshot_id.epoch = id.epoch;
                partition.snapshot_id.end_offset = id.end_offset;
            }
        }
        (partition, batches)
    }

    /// validateLeaderOnlyRequest
    pub(super) fn leader_only_error(&self, epoch: i32) -> Option<i16> {
        let error = if self.is_shutting_down() {
            ResponseError::BrokerNotAvailable
        } else if epoch < self.epoch {
            ResponseError::FencedLeaderEpoch
        } else if epoch > self.epoch {
            ResponseError::UnknownLeaderEpoch
        } else if !self.is_leader() {
            ResponseError::NotLeaderOrFollower
        } else {
            return None;
        };
        Some(error.code())
    }

    /// `ReplicatedLog.validateOffsetAndEpoch`
    fn validate_offset_and_epoch(&self, offset: i64, epoch: i32) -> Valid {
        let Some(log) = &self.log else { return Valid::Yes };
        let (start, end) = (log.log_start_offset(), log.log_end_offset());
        if offset == 0
            && let Some(id) = self.latest_snapshot()
        {
            return Valid::Snapshot(id);
        }
        if offset == 0 && epoch == 0 && start == 0 {
            return Valid::Yes;
        }
        let oldest = log.epochs().entries().first().map_or(0, |entry| entry.epoch);
        if let Some(id) = self.latest_snapshot()
            && (offset < start || (epoch < oldest && (offset, epoch) != (id.end_offset, id.epoch)))
        {
            return Valid::Snapshot(id);
        }
        if let Some(id) = self.latest_snapshot()
            && (offset, epoch) == (id.end_offset, id.epoch)
            && offset == start
        {
            return Valid::Yes;
        }
        match log.epochs().end_offset_for(epoch, end) {
            (found, end_offset) if found == epoch && end_offset >= offset => Valid::Yes,
            (found, end_offset) if found >= 0 => Valid::Diverging { epoch: found, end_offset },
            // None of the asker's epochs is known here: nothing of its log is this one's.
            _ => Valid::Diverging { epoch: 0, end_offset: 0 },
        }
    }

    fn partition_data(&self) -> PartitionData {
        let high_watermark = if let Role::Leader(leader) = &self.role { leader.high_watermark } else { None };
        let mut partition = PartitionData::default()
            .with_high_watermark(high_watermark.unwrap_or(-1))
            .with_log_start_offset(self.log.as_ref().map_or(0, |log| log.log_start_offset()));
        partition.current_leader.leader_id = self.leader_id();
        partition.current_leader.leader_epoch = self.epoch;
        partition
    }

    /// To whoever waited when the leader ceased to be one.
    pub(super) fn no_longer_leader(&self) -> PartitionData {
        let mut partition = self.partition_data().with_error_code(ResponseError::NotLeaderOrFollower.code());
        partition.current_leader.leader_id = (-1).into();
        partition
    }

    /// There is more, or it is committed: whoever waited for that is answered. (A replica that leads no more tells all of them.)
    pub(super) fn answer_waiting(&mut self, now: Time, out: &mut Outbox) {
        let end = self.log.as_ref().map_or(0, |log| log.log_end_offset());
        let high_watermark = if let Role::Leader(leader) = &self.role { leader.high_watermark.unwrap_or(-1) } else { i64::MAX };
        let is_due =
            |fetch: &WaitingFetch| fetch.asked.fetch_offset < end || fetch.asked.high_watermark < high_watermark || fetch.deadline <= now;
        if !self.waiting.iter().any(is_due) {
            return;
        }
        let (due, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().partition(is_due);
        self.waiting = waiting;
        for fetch in due {
            let (partition, batches) = self.try_fetch(now, fetch.key, &fetch.asked, out);
            out.send(fetch.conn, Frame::response(fetch.correlation_id, fetch.version, response(partition), vec![batches]));
        }
    }

    /// buildFetchRequest
    pub(super) fn fetch_request(&self) -> FetchRequest {
        let (epoch, offset) = self.end_offset();
        let partition = FetchPartition::default()
            .with_current_leader_epoch(self.epoch)
            .with_fetch_offset(offset)
            .with_last_fetched_epoch(epoch)
            .with_log_start_offset(self.log.as_ref().map_or(0, |log| log.log_start_offset()))
            .with_partition_max_bytes(MAX_FETCH_BYTES)
            .with_replica_directory_id(self.spec.key.directory)
            .with_high_watermark(self.high_watermark.unwrap_or(-1));
        FetchRequest::default()
            .with_cluster_id(Some(self.cluster_id()))
            .with_max_wait_ms(MAX_FETCH_WAIT_MS)
            .with_min_bytes(0)
            .with_max_bytes(MAX_FETCH_BYTES)
            .with_replica_state(ReplicaState::default().with_replica_id(self.me().0.into()))
            .with_session_epoch(-1)
            .with_topics(vec![FetchTopic::default().with_topic_id(METADATA_TOPIC_ID).with_partitions(vec![partition])])
    }

    /// handleFetchResponse
    pub(super) fn fetch_answered(&mut self, now: Time, from: BrokerId, response: &FetchResponse, batches: Batches, out: &mut Outbox) {
        let Some(data) = response.responses.first().and_then(|topic| topic.partitions.first()) else { return };
        let (leader, epoch) = (data.current_leader.leader_id.0, data.current_leader.leader_epoch);
        if self.handled_commonly(now, data.error_code, leader, epoch, out) || data.error_code != 0 {
            return;
        }
        let Role::Follower { leader, .. } = &self.role else { return };
        if *leader != from {
            return;
        }
        if data.diverging_epoch.epoch >= 0 {
            self.truncate_to_end_offset(data.diverging_epoch.epoch, data.diverging_epoch.end_offset, out);
        } else if data.snapshot_id.end_offset >= 0 {
            self.begin_fetching_snapshot(SnapshotId { end_offset: data.snapshot_id.end_offset, epoch: data.snapshot_id.epoch });
        } else {
            self.append_as_follower(batches, out);
            self.follow_high_watermark(data.high_watermark);
        }
        if let Role::Follower { fetch_ends, has_fetched, .. } = &mut self.role {
            *fetch_ends = now + self.spec.timeouts.fetch;
            *has_fetched = true;
        }
    }

    /// updateFollowerHighWatermark: no further than its own log.
    pub(super) fn follow_high_watermark(&mut self, leaders: i64) {
        let end = self.log.as_ref().map_or(0, |log| log.log_end_offset());
        let known = leaders.min(end);
        if known >= 0 && self.high_watermark.is_none_or(|before| known > before) {
            self.high_watermark = Some(known);
        }
    }

    fn append_as_follower(&mut self, batches: Batches, out: &mut Outbox) {
        let Some(log) = &mut self.log else { return };
        let before = log.log_end_offset();
        for batch in batches {
            let voters = control::voters_in(&batch);
            match log.append_as_follower(batch, &mut out.store()) {
                Ok(_) => {}
                Err(ResponseError::KafkaStorageError) => return self.cannot_write(out),
                // An answer to what was asked before the log changed: it is asked for again.
                Err(_) => break,
            }
            voters.into_iter().for_each(|(offset, voters)| self.voters.add(offset, voters));
        }
        if log.log_end_offset() > before && self.spec.is_controller {
            // A voter's next fetch says that it has this; it must not lose it again.
            self.flush_from(before, out);
        }
    }

    /// `ReplicatedLog.truncateToEndOffset`
    fn truncate_to_end_offset(&mut self, epoch: i32, end_offset: i64, out: &mut Outbox) {
        let Some(log) = &mut self.log else { return };
        let end = log.log_end_offset();
        let to = match log.epochs().end_offset_for(epoch, end) {
            (own, own_end) if own == epoch => own_end.min(end_offset),
            (own, own_end) if own >= 0 => own_end,
            _ => 0,
        };
        // What is committed is in every log that a majority elects.
        let to = to.max(self.high_watermark.unwrap_or(0)).max(log.log_start_offset());
        if log.truncate_to(to, &mut out.store()) {
            self.voters.truncate(to);
            let partition = TopicPartition::new(METADATA_TOPIC, 0);
            out.emit(Event::Truncated { partition, broker: self.me(), from: end, to });
        }
    }
}

fn response(partition: PartitionData) -> FetchResponse {
    let topic = FetchableTopicResponse::default().with_topic_id(METADATA_TOPIC_ID).with_partitions(vec![partition]);
    FetchResponse::default().with_responses(vec![topic])
}
