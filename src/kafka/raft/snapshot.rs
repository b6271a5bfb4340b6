//! Snapshots (KIP-630): the records that add up to what is committed up to an offset, in a file of their own. A replica that asks for what its
//! leader no longer has, or begins with nothing, fetches the leader's snapshot instead, piece by piece.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_snapshot_request::{PartitionSnapshot as Asked, SnapshotId as AskedId, TopicSnapshot as AskedTopic};
use kafka_protocol::messages::fetch_snapshot_response::{PartitionSnapshot, TopicSnapshot};
use kafka_protocol::messages::{FetchSnapshotRequest, FetchSnapshotResponse};

use super::control;
use super::node::{METADATA_DIR, Raft};
use super::role::Role;
use super::vote::{INVALID_REQUEST, metadata_topic};
use crate::kafka::actor::Outbox;
use crate::kafka::log::config::LogConfig;
use crate::kafka::log::segment_file::SegmentReader;
use crate::kafka::metadata::record::MetadataRecord;
use crate::kafka::names::BrokerId;
use crate::kafka::records::batch::Batch;
use crate::kafka::records::builder::BatchBuilder;
use crate::kafka::records::compression::CompressionType;
use crate::sim::chunk::ChunkId;
use crate::sim::disk::File;
use crate::sim::time::Time;

/// How a snapshot's file name ends.
const SUFFIX: &str = ".checkpoint";
/// The snapshot of a new cluster: it holds the voters, and nothing that a fetch could not bring.
const BOOTSTRAP: SnapshotId = SnapshotId { end_offset: 0, epoch: 0 };
/// A piece of a snapshot (`KafkaRaftClient.MAX_FETCH_SIZE_BYTES`).
const MAX_PIECE_BYTES: i32 = 8 << 20;
/// More than so much is no snapshot of a cluster that fits in here.
const MAX_SNAPSHOT_BYTES: i64 = 256 << 20;
/// `RecordsSnapshotWriter`: so many records stand in a batch.
const RECORDS_PER_BATCH: usize = 1_024;

/// Up to where a snapshot goes: the offset after its last record, and that record's epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotId {
    pub end_offset: i64,
    pub epoch: i32,
}

impl SnapshotId {
    fn path(self) -> String {
        format!("{METADATA_DIR}/{:020}-{:010}{SUFFIX}", self.end_offset, self.epoch)
    }

    fn parse(path: &str) -> Option<SnapshotId> {
        let (end_offset, epoch) = path.rsplit('/').next()?.strip_suffix(SUFFIX)?.split_once('-')?;
        Some(SnapshotId { end_offset: end_offset.parse().ok()?, epoch: epoch.parse().ok()? })
    }
}

/// A snapshot with its bytes.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub id: SnapshotId,
    pub bytes: Bytes,
}

/// A snapshot on its way.
#[derive(Clone, Debug)]
pub struct Download {
    id: SnapshotId,
    bytes: BytesMut,
}

/// Committed records, in order. Those of a snapshot replace all that was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The offset after them.
    pub next_offset: i64,
    pub records: Vec<MetadataRecord>,
    pub is_snapshot: bool,
}

impl Raft {
    /// What is committed from `from` on, a batch at a time.
    pub fn committed(&self, from: i64) -> Vec<Committed> {
        let (Some(log), Some(end)) = (&self.log, self.high_watermark) else { return Vec::new() };
        let mut all = Vec::new();
        let mut from = from;
        if from < log.log_start_offset()
            && let Some(snapshot) = self.snapshot.as_ref().filter(|snapshot| snapshot.id != BOOTSTRAP)
        {
            let records = batches_of(&snapshot.bytes).iter().flat_map(decode).collect();
            from = snapshot.id.end_offset;
            all.push(Committed { next_offset: from, records, is_snapshot: true });
        }
        let batches = if from < end { log.read(from, u32::MAX, end).unwrap_or_default() } else { Vec::new() };
        let whole = batches.iter().filter(|batch| batch.next_offset() <= end);
        all.extend(whole.map(|batch| Committed { next_offset: batch.next_offset(), records: decode(batch), is_snapshot: false }));
        all
    }

    /// All that is stored here, committed or not.
    pub fn stored_records(&self) -> Vec<MetadataRecord> {
        let of_snapshot = self.snapshot.iter().flat_map(|snapshot| batches_of(&snapshot.bytes));
        let of_log = self.log.iter().flat_map(|log| log.read(log.log_start_offset(), u32::MAX, i64::MAX).unwrap_or_default());
        of_snapshot.chain(of_log).flat_map(|batch| decode(&batch)).collect()
    }

    /// The newest snapshot that says more than that the cluster is new.
    pub fn latest_snapshot(&self) -> Option<SnapshotId> {
        self.snapshot.as_ref().map(|snapshot| snapshot.id).filter(|id| *id != BOOTSTRAP)
    }

    /// Bytes of the log since the newest snapshot.
    pub fn bytes_since_snapshot(&self) -> u64 {
        let from = self.latest_snapshot().map_or(0, |id| id.end_offset);
        let segments = self.log.iter().flat_map(|log| log.segments());
        segments
            .flat_map(|segment| segment.batches.iter())
            .filter(|stored| stored.batch.base_offset >= from)
            .map(|stored| u64::from(stored.batch.size_bytes()))
            .sum()
    }

    /// Writes a snapshot of what these records add up to: all that is committed before `end_offset`.
    pub fn create_snapshot(&mut self, now: Time, end_offset: i64, records: &[MetadataRecord], out: &mut Outbox) {
        let Some(log) = &self.log else { return };
        let Some(epoch) = log.epochs().epoch_for_offset(end_offset - 1) else { return };
        let id = SnapshotId { end_offset, epoch };
        if self.high_watermark.is_none_or(|committed| committed < end_offset) || self.latest_snapshot() >= Some(id) {
            return;
        }
        let voters = self.voters.before(end_offset).cloned().unwrap_or_default();
        let bytes = write(now, &voters, records);
        self.store_snapshot(id, bytes, out);
    }

    /// What a new node's folder begins with (`kafka-storage format`).
    pub(super) fn format(&mut self, now: Time, out: &mut Outbox) {
        let voters = self.voters.last().cloned().unwrap_or_default();
        if self.is_voter() {
            let bytes = write(now, &voters, &[]);
            self.store_snapshot(BOOTSTRAP, bytes, out);
        }
    }

    fn store_snapshot(&mut self, id: SnapshotId, bytes: Bytes, out: &mut Outbox) {
        let chunk = out.chunk(bytes.clone());
        let store = out.store();
        // A disk that is full keeps the older one.
        if store.disk.replace(store.now, &id.path(), chunk).is_ok() {
            self.snapshot = Some(Snapshot { id, bytes });
        }
    }

    pub(super) fn load_snapshot(&mut self, files: &BTreeMap<String, Arc<File>>) {
        let newest = files.iter().filter_map(|(path, file)| Some((SnapshotId::parse(path)?, file))).max_by_key(|(id, _)| *id);
        if let Some((id, file)) = newest {
            self.take_snapshot(Snapshot { id, bytes: file.read() });
        }
    }

    /// The snapshot is the newest: its voters count, unless the log says something later.
    fn take_snapshot(&mut self, snapshot: Snapshot) {
        for batch in batches_of(&snapshot.bytes) {
            for (_, voters) in control::voters_in(&batch) {
                self.voters.add(snapshot.id.end_offset - 1, voters);
            }
        }
        self.high_watermark = self.high_watermark.max((snapshot.id != BOOTSTRAP).then_some(snapshot.id.end_offset));
        self.snapshot = Some(snapshot);
    }

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

/// Records of a batch. What cannot be read (a later version's) is left out, as by a broker of an older version.
pub fn decode(batch: &Batch) -> Vec<MetadataRecord> {
    if batch.info.is_control() {
        return Vec::new();
    }
    let Ok(records) = batch.records() else { return Vec::new() };
    let values = records.iter().filter_map(|record| record.ok()?.value.map(Bytes::copy_from_slice));
    values.filter_map(|value| MetadataRecord::decode(&value).ok()).collect()
}

/// The settings of the metadata log: nothing of it is deleted by time or size.
pub fn log_config() -> Arc<LogConfig> {
    Arc::new(LogConfig { retention_ms: -1, max_message_bytes: u32::MAX >> 1, ..Default::default() })
}

fn batches_of(bytes: &Bytes) -> Vec<Batch> {
    // Nobody keeps these batches, so that their chunks' ids are never looked at.
    SegmentReader::new(bytes.clone(), || ChunkId(0)).map(|positioned| positioned.batch).collect()
}

/// The bytes of a snapshot (`RecordsSnapshotWriter`).
fn write(now: Time, voters: &super::voters::VoterSet, records: &[MetadataRecord]) -> Bytes {
    file(now, &[control::snapshot_header(now.wall_ms()), control::kraft_version(), control::kraft_voters(voters)], records)
}

/// A file in the form of a snapshot: a batch of control records, the records, the footer.
pub fn file(now: Time, header: &[control::ControlRecord], records: &[MetadataRecord]) -> Bytes {
    let now_ms = now.wall_ms();
    let mut batches = vec![control::batch(header, now_ms, ChunkId(0))];
    for some in records.chunks(RECORDS_PER_BATCH) {
        let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX >> 1);
        some.iter().for_each(|record| builder.append(now_ms, None, Some(&record.encode()), &[]));
        batches.push(builder.build(ChunkId(0)));
    }
    batches.push(control::batch(&[control::snapshot_footer()], now_ms, ChunkId(0)));
    let (mut bytes, mut offset) = (BytesMut::new(), 0);
    for mut batch in batches {
        batch.base_offset = offset;
        batch.leader_epoch = 0;
        offset = batch.next_offset();
        batch.write_to(&mut bytes);
    }
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::raft::ReplicaKey;
    use crate::kafka::raft::voters::VoterSet;

    #[test]
    fn names_are_kafkas() {
        let id = SnapshotId { end_offset: 191, epoch: 1 };
        assert_eq!(id.path(), "__cluster_metadata-0/00000000000000000191-0000000001.checkpoint");
        assert_eq!(SnapshotId::parse(&id.path()), Some(id));
        assert_eq!(SnapshotId::parse("bootstrap.checkpoint"), None);
    }

    /// As long as the one that Apache Kafka 4.3.1 wrote when it formatted its disk (golden/logs/cluster-metadata), and read as it was written.
    #[test]
    fn a_snapshot_is_as_kafkas() {
        let key = ReplicaKey { id: BrokerId(1), directory: uuid::Uuid::from_u128(7) };
        let voters = VoterSet::of([key]);
        let empty = write(Time::ZERO, &voters, &[]);
        assert_eq!(empty.len(), 238);
        let topic = MetadataRecord::RemoveTopic { topic_id: uuid::Uuid::from_u128(9) };
        let batches = batches_of(&write(Time::ZERO, &voters, std::slice::from_ref(&topic)));
        assert_eq!(batches.iter().map(|batch| batch.base_offset).collect::<Vec<_>>(), [0, 3, 4]);
        assert_eq!(batches.iter().flat_map(decode).collect::<Vec<_>>(), [topic]);
        assert_eq!(control::voters_in(&batches[0]), [(2, voters)]);
    }
}
