//! FetchSnapshot (KIP-630): who asks for what its leader no longer has, or begins with nothing, fetches the leader's snapshot, piece by piece.

use bytes::BytesMut;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_snapshot_request::{PartitionSnapshot as Asked, SnapshotId as AskedId, TopicSnapshot as AskedTopic};
use kafka_protocol::messages::fetch_snapshot_response::{PartitionSnapshot, TopicSnapshot};
use kafka_protocol::messages::{FetchSnapshotRequest, FetchSnapshotResponse};

use super::node::Raft;
use super::role::Role;
use super::snapshot::{Snapshot, SnapshotId};
use super::vote::{INVALID_REQUEST, metadata_topic};
use crate::kafka::actor::Outbox;
use crate::kafka::names::BrokerId;
use crate::sim::time::Time;

/// A piece of a snapshot (`KafkaRaftClient.MAX_FETCH_SIZE_BYTES`).
const MAX_PIECE_BYTES: i32 = 8 << 20;
/// More than so much is no snapshot of a cluster that fits in here.
const MAX_SNAPSHOT_BYTES: i64 = 256 << 20;

/// A snapshot on its way.
#[derive(Clone, Debug)]
pub struct Download {
    id: SnapshotId,
    bytes: BytesMut,
}

impl Raft {
    /// handleFetchSnapshotRequest
    pub(super) fn handle_fetch_snapshot(&mut self, now: Time, request: &FetchSnapshotRequest) -> FetchSnapshotResponse {
        if !self.is_cluster(request.cluster_id.as_ref()) {
            return FetchSnapshotResponse::default().with_error_code(ResponseError::InconsistentClusterId.code());
        }
        let Some(asked) = request.topics.first().and_then(|topic| topic.partitions.first()) else {
            return FetchSnapshotResponse::default().with_error_code(INVALID_REQUEST);
        };
        let mut partition = PartitionSnapshot::default();
        partition.current_leader.leader_id = self.leader_id();
        partition.current_leader.leader_epoch = self.epoch;
        partition.snapshot_id.end_offset = asked.snapshot_id.end_offset;
        partition.snapshot_id.epoch = asked.snapshot_id.epoch;
        let id = SnapshotId { end_offset: asked.snapshot_id.end_offset, epoch: asked.snapshot_id.epoch };
        let found = self.snapshot.as_ref().filter(|snapshot| snapshot.id == id);
        match (self.leader_only_error(asked.current_leader_epoch), found) {
            (Some(error), _) => partition.error_code = error,
            (None, None) => partition.error_code = ResponseError::SnapshotNotFound.code(),
            (None, Some(snapshot)) => match usize::try_from(asked.position).ok().filter(|position| *position < snapshot.bytes.len()) {
                None => partition.error_code = ResponseError::PositionOutOfRange.code(),
                Some(position) => {
                    let piece = (snapshot.bytes.len() - position).min(request.max_bytes.max(0) as usize);
                    partition.size = snapshot.bytes.len() as i64;
                    partition.position = asked.position;
                    partition.unaligned_records = snapshot.bytes.slice(position..position + piece);
                    // Who fetches a snapshot is there, too (updateCheckQuorumForFollowingVoter).
                    let key = super::ReplicaKey { id: BrokerId(request.replica_id.0), directory: asked.replica_directory_id };
                    self.observe_snapshot_fetch(now, key);
                }
            },
        }
        let topic = TopicSnapshot::default().with_name(metadata_topic()).with_partitions(vec![partition]);
        FetchSnapshotResponse::default().with_topics(vec![topic])
    }

    fn observe_snapshot_fetch(&mut self, now: Time, key: super::ReplicaKey) {
        if let (Role::Leader(leader), Some(voters), Some(log)) = (&mut self.role, self.voters.last(), &self.log) {
            leader.observe(now, key, 0, log.log_end_offset(), voters, self.spec.key);
        }
    }

    /// The leader has said that there is a snapshot to be fetched first.
    pub(super) fn begin_fetching_snapshot(&mut self, id: SnapshotId) {
        if self.latest_snapshot() < Some(id) {
            self.download = Some(Download { id, bytes: BytesMut::new() });
        }
    }

    /// buildFetchSnapshotRequest; `None` if none is being fetched.
    pub(super) fn snapshot_request(&self) -> Option<FetchSnapshotRequest> {
        let download = self.download.as_ref()?;
        let partition = Asked::default()
            .with_current_leader_epoch(self.epoch)
            .with_snapshot_id(AskedId::default().with_end_offset(download.id.end_offset).with_epoch(download.id.epoch))
            .with_position(download.bytes.len() as i64)
            .with_replica_directory_id(self.spec.key.directory);
        let topic = AskedTopic::default().with_name(metadata_topic()).with_partitions(vec![partition]);
        let request = FetchSnapshotRequest::default().with_cluster_id(Some(self.cluster_id())).with_replica_id(self.me().0.into());
        Some(request.with_max_bytes(MAX_PIECE_BYTES).with_topics(vec![topic]))
    }

    /// handleFetchSnapshotResponse: once it is whole, the log begins anew behind it.
    pub(super) fn snapshot_answered(&mut self, now: Time, from: BrokerId, response: &FetchSnapshotResponse, out: &mut Outbox) {
        let Some(data) = response.topics.first().and_then(|topic| topic.partitions.first()) else { return };
        let (leader, epoch) = (data.current_leader.leader_id.0, data.current_leader.leader_epoch);
        if self.handled_commonly(now, data.error_code, leader, epoch, out) {
            return;
        }
        let Role::Follower { leader, fetch_ends, has_fetched, .. } = &mut self.role else { return };
        if *leader != from {
            return;
        }
        *fetch_ends = now + self.spec.timeouts.fetch;
        *has_fetched = true;
        let Some(download) = &mut self.download else { return };
        let expected = data.position == download.bytes.len() as i64 && data.size <= MAX_SNAPSHOT_BYTES;
        let is_it = (data.snapshot_id.end_offset, data.snapshot_id.epoch) == (download.id.end_offset, download.id.epoch);
        if data.error_code != 0 || !expected || !is_it {
            // It is gone, or another one by now: the next fetch says which.
            self.download = None;
            return;
        }
        download.bytes.extend_from_slice(&data.unaligned_records);
        if (download.bytes.len() as i64) < data.size {
            return;
        }
        let Some(Download { id, bytes }) = self.download.take() else { return };
        let bytes = bytes.freeze();
        self.store_snapshot(id, bytes.clone(), out);
        if let Some(log) = self.log.as_mut().filter(|_| self.snapshot.as_ref().is_some_and(|snapshot| snapshot.id == id)) {
            log.start_anew_at(id.end_offset, &mut out.store());
            self.take_snapshot(Snapshot { id, bytes });
        }
    }
}
