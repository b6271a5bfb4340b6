//! Keys and values in `__consumer_offsets` (`GroupCoordinatorRecordHelpers`; messages OffsetCommitKey/Value, GroupMetadataKey/Value).
//!
//! A key starts with its type as i16: 1 (or 0) a committed offset, 2 a classic group's metadata, 3 to 8 a KIP-848 group's
//! ([`super::consumer::record`]); others are passed over. A value starts with its version as i16; no value is a tombstone.

use bytes::{BufMut, Bytes};
use uuid::Uuid;

use super::consumer::record::{CURRENT_KEY, ConsumerRecord, GROUP_KEY};
use super::offsets::CommittedOffset;
use crate::kafka::names::{Name, TopicPartition};
use crate::kafka::records::error::RecordsError;
use crate::kafka::records::varint::{Reader, write_unsigned_varint};

const OFFSET_COMMIT_KEY: i16 = 1;
const GROUP_METADATA_KEY: i16 = 2;
/// What 4.3 writes (metadata.version permitting); lower ones are read.
const OFFSET_COMMIT_VALUE_VERSION: i16 = 4;
const GROUP_METADATA_VALUE_VERSION: i16 = 3;

/// A record of a group's partition, that this coordinator understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A tombstone (`None`) is a deleted or expired offset.
    Offset { group: Name, partition: TopicPartition, value: Option<CommittedOffset> },
    /// A tombstone (`None`) is a deleted group.
    Group { group: Name, value: Option<GroupMetadata> },
    /// Of a group of the consumer protocol.
    Consumer { group: Name, record: ConsumerRecord },
}

/// GroupMetadataValue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupMetadata {
    /// `consumer`, or empty before the first generation.
    pub protocol_type: Name,
    pub generation: i32,
    pub protocol: Option<Name>,
    pub leader: Option<Name>,
    /// Wall clock; -1 in values older than version 2.
    pub current_state_timestamp_ms: i64,
    pub members: Vec<MemberMetadata>,
}

/// A member within GroupMetadataValue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberMetadata {
    pub member_id: Name,
    pub group_instance_id: Option<Name>,
    pub client_id: Name,
    pub client_host: Name,
    /// In ms; -1 in values of version 0.
    pub rebalance_timeout_ms: i32,
    pub session_timeout_ms: i32,
    pub subscription: Bytes,
    pub assignment: Bytes,
}

impl Record {
    pub fn key_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Record::Offset { group, partition, .. } => {
                out.put_i16(OFFSET_COMMIT_KEY);
                put_string(&mut out, group);
                put_string(&mut out, &partition.topic);
                out.put_i32(partition.partition);
            }
            Record::Group { group, .. } => {
                out.put_i16(GROUP_METADATA_KEY);
                put_string(&mut out, group);
            }
            Record::Consumer { group, record } => record.put_key(group, &mut out),
        }
        out
    }

    /// `None`: a tombstone.
    pub fn value_bytes(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        match self {
            Record::Offset { value, .. } => put_offset(&mut out, value.as_ref()?),
            Record::Group { value, .. } => put_group(&mut out, value.as_ref()?),
            Record::Consumer { record, .. } => record.put_value(&mut out)?,
        }
        Some(out)
    }

    /// The record with this key and value; `None` if it belongs to a protocol that is not spoken here.
    ///
    /// # Errors
    /// Bytes that end too early, or are no text where text must be.
    pub fn parse(key: &[u8], value: Option<&[u8]>) -> Result<Option<Record>, RecordsError> {
        let mut fields = Fields(Reader::new(key));
        Ok(Some(match fields.i16()? {
            0 | OFFSET_COMMIT_KEY => {
                let group = fields.string()?;
                let partition = TopicPartition { topic: fields.string()?, partition: fields.i32()? };
                Record::Offset { group, partition, value: value.map(offset).transpose()? }
            }
            GROUP_METADATA_KEY => Record::Group { group: fields.string()?, value: value.map(group_metadata).transpose()? },
            kind @ GROUP_KEY..=CURRENT_KEY => {
                let parsed = ConsumerRecord::parse(kind, &mut fields, value)?;
                return Ok(parsed.map(|(group, record)| Record::Consumer { group, record }));
            }
            _ => return Ok(None),
        }))
    }
}

fn put_offset(out: &mut Vec<u8>, value: &CommittedOffset) {
    out.put_i16(OFFSET_COMMIT_VALUE_VERSION);
    out.put_i64(value.offset);
    out.put_i32(value.leader_epoch);
    write_unsigned_varint(out, value.metadata.len() as u32 + 1);
    out.extend_from_slice(value.metadata.as_bytes());
    out.put_i64(value.commit_timestamp_ms);
    if value.topic_id.is_nil() {
        write_unsigned_varint(out, 0);
    } else {
        // One tagged field: tag 0, 16 bytes.
        for byte in [1, 0, 16] {
            write_unsigned_varint(out, byte);
        }
        out.extend_from_slice(value.topic_id.as_bytes());
    }
}

fn offset(value: &[u8]) -> Result<CommittedOffset, RecordsError> {
    let mut fields = Fields(Reader::new(value));
    let version = fields.i16()?;
    let offset = fields.i64()?;
    let leader_epoch = if version >= 3 { fields.i32()? } else { -1 };
    let metadata = if version >= 4 { fields.compact_string()? } else { fields.string()? };
    let commit_timestamp_ms = fields.i64()?;
    let expire_timestamp_ms = if version == 1 { Some(fields.i64()?).filter(|&at| at != -1) } else { None };
    let mut topic_id = Uuid::nil();
    if version >= 4 {
        for _ in 0..fields.0.unsigned_varint()? {
            let (tag, size) = (fields.0.unsigned_varint()?, fields.0.unsigned_varint()?);
            let bytes = fields.0.bytes(size as usize)?;
            if tag == 0 {
                topic_id = Uuid::from_slice(bytes).map_err(|_| RecordsError::FieldBeyondRecord)?;
            }
        }
    }
    Ok(CommittedOffset { offset, leader_epoch, metadata, commit_timestamp_ms, expire_timestamp_ms, topic_id })
}

fn put_group(out: &mut Vec<u8>, value: &GroupMetadata) {
    out.put_i16(GROUP_METADATA_VALUE_VERSION);
    put_string(out, &value.protocol_type);
    out.put_i32(value.generation);
    put_nullable_string(out, value.protocol.as_deref());
    put_nullable_string(out, value.leader.as_deref());
    out.put_i64(value.current_state_timestamp_ms);
    out.put_i32(value.members.len() as i32);
    for member in &value.members {
        put_string(out, &member.member_id);
        put_nullable_string(out, member.group_instance_id.as_deref());
        put_string(out, &member.client_id);
        put_string(out, &member.client_host);
        out.put_i32(member.rebalance_timeout_ms);
        out.put_i32(member.session_timeout_ms);
        for bytes in [&member.subscription, &member.assignment] {
            out.put_i32(bytes.len() as i32);
            out.extend_from_slice(bytes);
        }
    }
}

fn group_metadata(value: &[u8]) -> Result<GroupMetadata, RecordsError> {
    let mut fields = Fields(Reader::new(value));
    let version = fields.i16()?;
    let mut metadata = GroupMetadata {
        protocol_type: fields.string()?,
        generation: fields.i32()?,
        protocol: fields.nullable_string()?,
        leader: fields.nullable_string()?,
        current_state_timestamp_ms: if version >= 2 { fields.i64()? } else { -1 },
        members: Vec::new(),
    };
    for _ in 0..fields.i32()?.max(0) {
        metadata.members.push(MemberMetadata {
            member_id: fields.string()?,
            group_instance_id: if version >= 3 { fields.nullable_string()? } else { None },
            client_id: fields.string()?,
            client_host: fields.string()?,
            rebalance_timeout_ms: if version >= 1 { fields.i32()? } else { -1 },
            session_timeout_ms: fields.i32()?,
            subscription: fields.bytes()?,
            assignment: fields.bytes()?,
        });
    }
    Ok(metadata)
}

/// The fixed-width fields of Kafka's protocol.
pub(super) struct Fields<'a>(pub Reader<'a>);

impl<'a> Fields<'a> {
    pub fn new(bytes: &'a [u8]) -> Fields<'a> {
        Fields(Reader::new(bytes))
    }

    pub fn i16(&mut self) -> Result<i16, RecordsError> {
        self.array().map(i16::from_be_bytes)
    }

    pub fn i32(&mut self) -> Result<i32, RecordsError> {
        self.array().map(i32::from_be_bytes)
    }

    pub fn i64(&mut self) -> Result<i64, RecordsError> {
        self.array().map(i64::from_be_bytes)
    }

    pub fn string(&mut self) -> Result<Name, RecordsError> {
        Ok(self.nullable_string()?.unwrap_or_default())
    }

    fn nullable_string(&mut self) -> Result<Option<Name>, RecordsError> {
        match self.i16()? {
            len if len < 0 => Ok(None),
            len => text(self.0.bytes(len as usize)?).map(Some),
        }
    }

    pub fn compact_string(&mut self) -> Result<Name, RecordsError> {
        Ok(self.compact_nullable_string()?.unwrap_or_default())
    }

    pub fn compact_nullable_string(&mut self) -> Result<Option<Name>, RecordsError> {
        match self.0.unsigned_varint()? {
            0 => Ok(None),
            len => text(self.0.bytes(len as usize - 1)?).map(Some),
        }
    }

    pub fn uuid(&mut self) -> Result<Uuid, RecordsError> {
        self.array().map(Uuid::from_bytes)
    }

    /// A compact array of i32.
    pub fn ints(&mut self) -> Result<Vec<i32>, RecordsError> {
        (1..self.0.unsigned_varint()?).map(|_| self.i32()).collect()
    }

    /// Gives each tagged field to `take`, with a reader of its own.
    pub fn tagged(&mut self, mut take: impl FnMut(u32, &mut Fields) -> Result<(), RecordsError>) -> Result<(), RecordsError> {
        for _ in 0..self.0.unsigned_varint()? {
            let (tag, size) = (self.0.unsigned_varint()?, self.0.unsigned_varint()?);
            take(tag, &mut Fields::new(self.0.bytes(size as usize)?))?;
        }
        Ok(())
    }

    fn bytes(&mut self) -> Result<Bytes, RecordsError> {
        let len = self.i32()?.max(0);
        self.0.bytes(len as usize).map(Bytes::copy_from_slice)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordsError> {
        let mut array = [0; N];
        array.copy_from_slice(self.0.bytes(N)?);
        Ok(array)
    }
}

fn text(bytes: &[u8]) -> Result<Name, RecordsError> {
    std::str::from_utf8(bytes).map(Name::from).map_err(|_| RecordsError::FieldBeyondRecord)
}

pub(super) fn put_string(out: &mut Vec<u8>, text: &str) {
    out.put_i16(text.len() as i16);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_compact_string(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => {
            write_unsigned_varint(out, text.len() as u32 + 1);
            out.extend_from_slice(text.as_bytes());
        }
        None => write_unsigned_varint(out, 0),
    }
}

fn put_nullable_string(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => put_string(out, text),
        None => out.put_i16(-1),
    }
}
