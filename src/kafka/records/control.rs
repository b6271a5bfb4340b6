//! What the records of a control batch mean (`ControlRecordType`, `EndTransactionMarker`).

use super::error::RecordsError;
use super::varint::Reader;

/// The type in a control record's key. Clients skip types they do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlRecordType {
    Abort,
    Commit,
    /// KRaft: a new leader of the metadata quorum.
    LeaderChange,
    SnapshotHeader,
    SnapshotFooter,
    /// KIP-853: the version of the quorum's own records.
    KRaftVersion,
    KRaftVoters,
    Unknown(i16),
}

/// The end of a transaction, as written to each of its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTransactionMarker {
    pub commit: bool,
    /// The epoch of the transaction coordinator that wrote it.
    pub coordinator_epoch: i32,
}

impl ControlRecordType {
    /// Reads a control record's key: version, type.
    ///
    /// # Errors
    /// [`RecordsError::Control`] where the key is missing or shorter than four bytes.
    pub fn from_key(key: Option<&[u8]>) -> Result<ControlRecordType, RecordsError> {
        let mut reader = Reader::new(key.ok_or(RecordsError::Control("key"))?);
        let version = i16_of(&mut reader, "key")?;
        if version < 0 {
            return Err(RecordsError::Control("key"));
        }
        Ok(ControlRecordType::from_id(i16_of(&mut reader, "key")?))
    }

    pub fn from_id(id: i16) -> ControlRecordType {
        match id {
            0 => ControlRecordType::Abort,
            1 => ControlRecordType::Commit,
            2 => ControlRecordType::LeaderChange,
            3 => ControlRecordType::SnapshotHeader,
            4 => ControlRecordType::SnapshotFooter,
            5 => ControlRecordType::KRaftVersion,
            6 => ControlRecordType::KRaftVoters,
            other => ControlRecordType::Unknown(other),
        }
    }

    pub fn id(self) -> i16 {
        match self {
            ControlRecordType::Abort => 0,
            ControlRecordType::Commit => 1,
            ControlRecordType::LeaderChange => 2,
            ControlRecordType::SnapshotHeader => 3,
            ControlRecordType::SnapshotFooter => 4,
            ControlRecordType::KRaftVersion => 5,
            ControlRecordType::KRaftVoters => 6,
            ControlRecordType::Unknown(id) => id,
        }
    }

    /// The name of Kafka's enum constant.
    pub fn name(self) -> &'static str {
        match self {
            ControlRecordType::Abort => "ABORT",
            ControlRecordType::Commit => "COMMIT",
            ControlRecordType::LeaderChange => "LEADER_CHANGE",
            ControlRecordType::SnapshotHeader => "SNAPSHOT_HEADER",
            ControlRecordType::SnapshotFooter => "SNAPSHOT_FOOTER",
            ControlRecordType::KRaftVersion => "KRAFT_VERSION",
            ControlRecordType::KRaftVoters => "KRAFT_VOTERS",
            ControlRecordType::Unknown(_) => "UNKNOWN",
        }
    }

    /// The four bytes of a control record's key, version 0.
    pub fn key(self) -> [u8; 4] {
        let [high, low] = self.id().to_be_bytes();
        [0, 0, high, low]
    }
}

impl EndTransactionMarker {
    /// Reads a marker from its record's key and value; `None` for a control record of another type.
    ///
    /// # Errors
    /// [`RecordsError::Control`].
    pub fn parse(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Option<EndTransactionMarker>, RecordsError> {
        let commit = match ControlRecordType::from_key(key)? {
            ControlRecordType::Commit => true,
            ControlRecordType::Abort => false,
            _ => return Ok(None),
        };
        let mut reader = Reader::new(value.ok_or(RecordsError::Control("value"))?);
        if i16_of(&mut reader, "value")? < 0 {
            return Err(RecordsError::Control("value"));
        }
        let epoch = reader.bytes(4).map_err(|_| RecordsError::Control("value"))?;
        let coordinator_epoch = i32::from_be_bytes([epoch[0], epoch[1], epoch[2], epoch[3]]);
        Ok(Some(EndTransactionMarker { commit, coordinator_epoch }))
    }

    pub fn record_type(self) -> ControlRecordType {
        if self.commit { ControlRecordType::Commit } else { ControlRecordType::Abort }
    }

    /// The value's bytes, version 0.
    pub fn value(self) -> [u8; 6] {
        let epoch = self.coordinator_epoch.to_be_bytes();
        [0, 0, epoch[0], epoch[1], epoch[2], epoch[3]]
    }
}

fn i16_of(reader: &mut Reader<'_>, what: &'static str) -> Result<i16, RecordsError> {
    let bytes = reader.bytes(2).map_err(|_| RecordsError::Control(what))?;
    Ok(i16::from_be_bytes([bytes[0], bytes[1]]))
}
