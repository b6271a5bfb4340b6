//! Snapshots (KIP-630): the records that add up to what is committed up to an offset, in a file of their own, and what is read of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::control;
use super::node::Raft;
use crate::kafka::actor::Outbox;
use crate::kafka::log::segment_file::SegmentReader;
use crate::kafka::metadata::record::MetadataRecord;
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
/// A batch of a snapshot takes no more (`KafkaRaftClient.MAX_BATCH_SIZE_BYTES`).
const MAX_BATCH_BYTES: u32 = 8 << 20;

/// Up to where a snapshot goes: the offset after its last record, and that record's epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotId {
    pub end_offset: i64,
    pub epoch: i32,
}

impl SnapshotId {
    pub(super) fn path(self, dir: &str) -> String {
        format!("{dir}/{:020}-{:010}{SUFFIX}", self.end_offset, self.epoch)
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

/// What is kept in mind of every snapshot on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub id: SnapshotId,
    pub size_bytes: u64,
    /// Of the last record that it takes in.
    pub timestamp_ms: i64,
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
        let batches = if from < end { log.read_to(from, end).unwrap_or_default() } else { Vec::new() };
        let whole = batches.iter().filter(|batch| batch.next_offset() <= end);
        all.extend(whole.map(|batch| Committed { next_offset: batch.next_offset(), records: decode(batch), is_snapshot: false }));
        all
    }

    /// All that is stored here, committed or not.
    pub fn stored_records(&self) -> Vec<MetadataRecord> {
        let of_snapshot = self.snapshot.iter().flat_map(|snapshot| batches_of(&snapshot.bytes));
        let of_log = self.log.iter().flat_map(|log| log.read_to(log.log_start_offset(), i64::MAX).unwrap_or_default());
        of_snapshot.chain(of_log).flat_map(|batch| decode(&batch)).collect()
    }

    /// The newest snapshot that says more than that the cluster is new.
    pub fn latest_snapshot(&self) -> Option<SnapshotId> {
        self.snapshot.as_ref().map(|snapshot| snapshot.id).filter(|id| *id != BOOTSTRAP)
    }

    /// Writes a snapshot of what these records add up to: all that is committed before `end_offset`. Returns whether there is a new one.
    pub fn create_snapshot(&mut self, now: Time, end_offset: i64, records: &[MetadataRecord], out: &mut Outbox) -> bool {
        let Some(log) = &self.log else { return false };
        let Some(epoch) = log.epochs().epoch_for_offset(end_offset - 1) else { return false };
        let id = SnapshotId { end_offset, epoch };
        if self.high_watermark.is_none_or(|committed| committed < end_offset) || self.latest_snapshot() >= Some(id) {
            return false;
        }
        let last = log.tail(end_offset).next().map_or(now.wall_ms(), |batch| batch.info.max_timestamp);
        let voters = self.voters.before(end_offset).cloned().unwrap_or_default();
        let bytes = write(now, id.epoch, last, &voters, records);
        self.store_snapshot(id, bytes, out);
        self.latest_snapshot() == Some(id)
    }

    /// What a new node's folder begins with (`kafka-storage format`).
    pub(super) fn format(&mut self, now: Time, out: &mut Outbox) {
        let voters = self.voters.last().cloned().unwrap_or_default();
        if self.is_voter() {
            let bytes = write(now, 0, now.wall_ms(), &voters, &[]);
            self.store_snapshot(BOOTSTRAP, bytes, out);
        }
    }

    pub(super) fn store_snapshot(&mut self, id: SnapshotId, bytes: Bytes, out: &mut Outbox) {
        let chunk = out.chunk(bytes.clone());
        let store = out.store();
        // A disk that is full keeps the older one.
        if store.disk.replace(store.now, &id.path(&self.spec.dir), chunk).is_ok() {
            self.keep(id, &bytes);
            self.snapshot = Some(Snapshot { id, bytes });
        }
    }

    fn keep(&mut self, id: SnapshotId, bytes: &Bytes) {
        let size_bytes = bytes.len() as u64;
        self.snapshots.push(Kept { id, size_bytes, timestamp_ms: last_contained_timestamp(bytes).unwrap_or(0) });
        self.snapshots.sort_by_key(|kept| kept.id);
        self.snapshots.dedup_by_key(|kept| kept.id);
    }

    pub(super) fn load_snapshot(&mut self, files: &BTreeMap<String, Arc<File>>) {
        let found = files.iter().filter_map(|(path, file)| Some((SnapshotId::parse(path)?, file.read())));
        for (id, bytes) in found {
            self.keep(id, &bytes);
            if self.snapshot.as_ref().is_none_or(|newest| newest.id < id) {
                self.snapshot = Some(Snapshot { id, bytes });
            }
        }
        if let Some(newest) = self.snapshot.take() {
            self.take_snapshot(newest);
        }
    }

    /// The snapshot is the newest: its voters count, unless the log says something later.
    pub(super) fn take_snapshot(&mut self, snapshot: Snapshot) {
        for batch in batches_of(&snapshot.bytes) {
            for (_, voters) in control::voters_in(&batch) {
                self.voters.add(snapshot.id.end_offset - 1, voters);
            }
        }
        self.high_watermark = self.high_watermark.max((snapshot.id != BOOTSTRAP).then_some(snapshot.id.end_offset));
        self.snapshot = Some(snapshot);
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

fn batches_of(bytes: &Bytes) -> Vec<Batch> {
    // Nobody keeps these batches, so that their chunks' ids are never looked at.
    SegmentReader::new(bytes.clone(), || ChunkId(0)).map(|positioned| positioned.batch).collect()
}

/// lastContainedLogTimestamp, in a snapshot's header.
fn last_contained_timestamp(bytes: &Bytes) -> Option<i64> {
    let header = SegmentReader::new(bytes.clone(), || ChunkId(0)).next()?.batch;
    let records = header.records().ok()?;
    let value = records.iter().next()?.ok()?.value?;
    // After the version.
    Some(i64::from_be_bytes(value.get(2..10)?.try_into().ok()?))
}

/// The bytes of a snapshot (`RecordsSnapshotWriter`). `last_ms`: the time of the last record that it takes in.
fn write(now: Time, epoch: i32, last_ms: i64, voters: &super::voters::VoterSet, records: &[MetadataRecord]) -> Bytes {
    file(now, epoch, &[control::snapshot_header(last_ms), control::kraft_version(), control::kraft_voters(voters)], records)
}

/// A file in the form of a snapshot: a batch of control records, the records, the footer.
pub fn file(now: Time, epoch: i32, header: &[control::ControlRecord], records: &[MetadataRecord]) -> Bytes {
    let now_ms = now.wall_ms();
    let mut batches = vec![control::batch(header, now_ms, ChunkId(0))];
    let new = || BatchBuilder::new(CompressionType::None, MAX_BATCH_BYTES);
    let mut builder = new();
    for value in records.iter().map(MetadataRecord::encode) {
        if !builder.try_append(now_ms, None, Some(&value), &[]) {
            batches.push(std::mem::replace(&mut builder, new()).build(ChunkId(0)));
            builder.append(now_ms, None, Some(&value), &[]);
        }
    }
    if !records.is_empty() {
        batches.push(builder.build(ChunkId(0)));
    }
    batches.push(control::batch(&[control::snapshot_footer()], now_ms, ChunkId(0)));
    let (mut bytes, mut offset) = (BytesMut::new(), 0);
    for mut batch in batches {
        batch.base_offset = offset;
        batch.leader_epoch = epoch;
        offset = batch.next_offset();
        batch.write_to(&mut bytes);
    }
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::names::BrokerId;
    use crate::kafka::raft::ReplicaKey;
    use crate::kafka::raft::voters::VoterSet;

    #[test]
    fn names_are_kafkas() {
        let id = SnapshotId { end_offset: 191, epoch: 1 };
        let path = id.path("__cluster_metadata-0");
        assert_eq!(path, "__cluster_metadata-0/00000000000000000191-0000000001.checkpoint");
        assert_eq!(SnapshotId::parse(&path), Some(id));
        assert_eq!(SnapshotId::parse("bootstrap.checkpoint"), None);
    }

    /// As long as the one that Apache Kafka 4.3.1 wrote when it formatted its disk (golden/logs/cluster-metadata), and read as it was written.
    #[test]
    fn a_snapshot_is_as_kafkas() {
        let key = ReplicaKey { id: BrokerId(1), directory: uuid::Uuid::from_u128(7) };
        let voters = VoterSet::of([key]);
        let empty = write(Time::ZERO, 0, 7, &voters, &[]);
        assert_eq!((empty.len(), last_contained_timestamp(&empty)), (238, Some(7)));
        let topic = MetadataRecord::RemoveTopic { topic_id: uuid::Uuid::from_u128(9) };
        let batches = batches_of(&write(Time::ZERO, 3, 7, &voters, std::slice::from_ref(&topic)));
        assert_eq!(batches.iter().map(|batch| batch.base_offset).collect::<Vec<_>>(), [0, 3, 4]);
        assert_eq!(batches.iter().flat_map(decode).collect::<Vec<_>>(), [topic]);
        assert_eq!(control::voters_in(&batches[0]), [(2, voters)]);
    }
}
