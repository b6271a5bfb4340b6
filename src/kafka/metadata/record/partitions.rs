//! Partitions, new and changed.

use bytes::{BufMut, BytesMut};
use uuid::Uuid;

use super::RecordError;
use crate::kafka::metadata::primitives::{Reader, Tags, put_ints, put_uuids};

/// PartitionRecord, version 2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionRecord {
    pub partition_id: i32,
    pub topic_id: Uuid,
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    pub removing: Vec<i32>,
    pub adding: Vec<i32>,
    pub leader: i32,
    pub leader_epoch: i32,
    pub partition_epoch: i32,
    /// By replica, its log directory; nil: not assigned to one yet.
    pub directories: Vec<Uuid>,
    /// LeaderRecoveryState is RECOVERING.
    pub recovering: bool,
    pub elr: Vec<i32>,
    pub last_known_elr: Vec<i32>,
}

/// PartitionChangeRecord, version 2: only what is `Some` changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionChange {
    pub partition_id: i32,
    pub topic_id: Uuid,
    pub isr: Option<Vec<i32>>,
    /// -1: no leader.
    pub leader: Option<i32>,
    pub replicas: Option<Vec<i32>>,
    /// 1: RECOVERING.
    pub leader_recovery_state: Option<i8>,
    pub elr: Option<Vec<i32>>,
    pub last_known_elr: Option<Vec<i32>>,
    /// Of a reassignment; empty: none goes on any more.
    pub removing: Option<Vec<i32>>,
    pub adding: Option<Vec<i32>>,
    /// By replica, in the order of the replicas that it leaves or names.
    pub directories: Option<Vec<Uuid>>,
}

impl PartitionRecord {
    pub(super) fn put(&self, buf: &mut BytesMut) {
        buf.put_i32(self.partition_id);
        buf.put_slice(self.topic_id.as_bytes());
        put_ints(buf, &self.replicas);
        put_ints(buf, &self.isr);
        put_ints(buf, &self.removing);
        put_ints(buf, &self.adding);
        buf.put_i32(self.leader);
        buf.put_i32(self.leader_epoch);
        buf.put_i32(self.partition_epoch);
        put_uuids(buf, &self.directories);
        let unless_empty = |elr: &Vec<i32>| (!elr.is_empty()).then(|| elr.clone());
        Tags::default()
            .some(0, self.recovering.then_some(1), BytesMut::put_i8)
            .some(1, unless_empty(&self.elr), |buf, elr| put_ints(buf, &elr))
            .some(2, unless_empty(&self.last_known_elr), |buf, elr| put_ints(buf, &elr))
            .put(buf);
    }

    pub(super) fn read(r: &mut Reader, version: u32) -> Result<PartitionRecord, RecordError> {
        let (partition_id, topic_id, replicas, isr) = (r.i32()?, r.uuid()?, r.ints()?, r.ints()?);
        let (removing, adding) = (r.ints()?, r.ints()?);
        let (leader, leader_epoch, partition_epoch) = (r.i32()?, r.i32()?, r.i32()?);
        let directories = if version >= 1 { r.uuids()? } else { Vec::new() };
        let mut record = PartitionRecord {
            partition_id,
            topic_id,
            replicas,
            isr,
            removing,
            adding,
            leader,
            leader_epoch,
            partition_epoch,
            directories,
            ..PartitionRecord::default()
        };
        r.tags(|tag, r| {
            match tag {
                0 => record.recovering = r.u8()? == 1,
                1 => record.elr = r.ints()?,
                2 => record.last_known_elr = r.ints()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(record)
    }
}

impl PartitionChange {
    /// Whether anything changes.
    pub fn is_empty(&self) -> bool {
        let PartitionChange { isr, leader, replicas, leader_recovery_state, elr, last_known_elr, removing, adding, directories, .. } = self;
        isr.is_none()
            && leader.is_none()
            && replicas.is_none()
            && leader_recovery_state.is_none()
            && elr.is_none()
            && last_known_elr.is_none()
            && removing.is_none()
            && adding.is_none()
            && directories.is_none()
    }

    pub(super) fn put(&self, buf: &mut BytesMut) {
        buf.put_i32(self.partition_id);
        buf.put_slice(self.topic_id.as_bytes());
        Tags::default()
            .some(0, self.isr.as_deref(), put_ints)
            .some(1, self.leader, BytesMut::put_i32)
            .some(2, self.replicas.as_deref(), put_ints)
            .some(3, self.removing.as_deref(), put_ints)
            .some(4, self.adding.as_deref(), put_ints)
            .some(5, self.leader_recovery_state, BytesMut::put_i8)
            .some(6, self.elr.as_deref(), put_ints)
            .some(7, self.last_known_elr.as_deref(), put_ints)
            .some(8, self.directories.as_deref(), put_uuids)
            .put(buf);
    }

    pub(super) fn read(r: &mut Reader) -> Result<PartitionChange, RecordError> {
        let mut change = PartitionChange { partition_id: r.i32()?, topic_id: r.uuid()?, ..PartitionChange::default() };
        r.tags(|tag, r| {
            match tag {
                0 => change.isr = Some(r.ints()?),
                1 => change.leader = Some(r.i32()?),
                2 => change.replicas = Some(r.ints()?),
                3 => change.removing = Some(r.ints()?),
                4 => change.adding = Some(r.ints()?),
                5 => change.leader_recovery_state = Some(r.u8()? as i8),
                6 => change.elr = Some(r.ints()?),
                7 => change.last_known_elr = Some(r.ints()?),
                8 => change.directories = Some(r.uuids()?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(change)
    }
}
