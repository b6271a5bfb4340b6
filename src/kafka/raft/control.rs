//! The quorum's own records in the log: LeaderChange, KRaftVersion, KRaftVoters; a snapshot's header and footer.

use bytes::{BufMut, Bytes, BytesMut};

use super::voters::VoterSet;
use crate::kafka::metadata::primitives::put_uvarint;
use crate::kafka::names::BrokerId;
use crate::kafka::records::batch::Batch;
use crate::kafka::records::builder::BatchBuilder;
use crate::kafka::records::compression::CompressionType;
use crate::kafka::records::control::ControlRecordType;
use crate::sim::chunk::ChunkId;

/// One control record: its type and its value.
pub type ControlRecord = (ControlRecordType, Bytes);

/// LeaderChangeMessage, version 0: a leader's first record.
pub fn leader_change(leader: BrokerId, voters: &[BrokerId], granting: &[BrokerId]) -> ControlRecord {
    let mut buf = BytesMut::new();
    buf.put_i16(0);
    buf.put_i32(leader.0);
    for voters in [voters, granting] {
        put_uvarint(&mut buf, voters.len() as u32 + 1);
        for voter in voters {
            buf.put_i32(voter.0);
            buf.put_u8(0);
        }
    }
    buf.put_u8(0);
    (ControlRecordType::LeaderChange, buf.freeze())
}

/// KRaftVersionRecord: kraft.version 1, voters may change.
pub fn kraft_version() -> ControlRecord {
    (ControlRecordType::KRaftVersion, Bytes::from_static(&[0, 0, 0, 1, 0]))
}

pub fn kraft_voters(voters: &VoterSet) -> ControlRecord {
    (ControlRecordType::KRaftVoters, voters.encode())
}

/// SnapshotHeaderRecord. `timestamp_ms`: of the last record that the snapshot takes in.
pub fn snapshot_header(timestamp_ms: i64) -> ControlRecord {
    let mut buf = BytesMut::new();
    buf.put_i16(0);
    buf.put_i64(timestamp_ms);
    buf.put_u8(0);
    (ControlRecordType::SnapshotHeader, buf.freeze())
}

pub fn snapshot_footer() -> ControlRecord {
    (ControlRecordType::SnapshotFooter, Bytes::from_static(&[0, 0, 0]))
}

/// A batch of control records.
pub fn batch(records: &[ControlRecord], now_ms: i64, id: ChunkId) -> Batch {
    let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX >> 1);
    builder.set_control(true);
    for (kind, value) in records {
        builder.append(now_ms, Some(&kind.key()), Some(value), &[]);
    }
    builder.build(id)
}

/// The sets of voters that a batch holds, by offset.
pub fn voters_in(batch: &Batch) -> Vec<(i64, VoterSet)> {
    if !batch.info.is_control() {
        return Vec::new();
    }
    let Ok(records) = batch.records() else { return Vec::new() };
    let voters = records.iter().filter_map(|record| {
        let record = record.ok()?;
        let kind = ControlRecordType::from_key(record.key).ok()?;
        let voters = (kind == ControlRecordType::KRaftVoters).then_some(record.value?)?;
        Some((record.offset, VoterSet::decode(Bytes::copy_from_slice(voters)).ok()?))
    });
    voters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values that Apache Kafka 4.3.1 wrote (golden/logs/cluster-metadata, offsets 0 and 1; its first snapshot).
    #[test]
    fn records_are_kafkas() {
        let (_, value) = leader_change(BrokerId(1), &[BrokerId(1)], &[BrokerId(1)]);
        assert_eq!(&value[..], [0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 1, 0, 0]);
        assert_eq!(&kraft_version().1[..], [0, 0, 0, 1, 0]);
        assert_eq!(snapshot_header(1_795_246_547_828).1.len(), 11);
        assert_eq!(snapshot_footer().1.len(), 3);
    }
}
