//! Records of KIP-848 groups in `__consumer_offsets` (messages ConsumerGroupMetadataKey/Value and its like, keys 3 and 5 to 8).
//!
//! Left out: what a resolved regular expression matches (16), and members of the classic protocol within such a group.

use bytes::BufMut;
use uuid::Uuid;

use super::assignment::{Held, Partitions};
use super::current_assignment::{Current, MemberState};
use crate::kafka::group::hash_order;
use crate::kafka::group::record::{Fields, put_compact_string, put_string};
use crate::kafka::names::Name;
use crate::kafka::records::error::RecordsError;
use crate::kafka::records::varint::write_unsigned_varint;

/// What a member says of itself (ConsumerGroupMemberMetadataValue).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberMetadata {
    pub instance_id: Option<Name>,
    pub rack_id: Option<Name>,
    pub client_id: Name,
    pub client_host: Name,
    /// Sorted.
    pub subscribed_topic_names: Vec<Name>,
    pub rebalance_timeout_ms: i32,
    pub server_assignor: Option<Name>,
}

/// A record; without a value it is a tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerRecord {
    /// Epoch and a hash of the topics that are subscribed to.
    Group(Option<(i32, i64)>),
    Member {
        member: Name,
        value: Option<MemberMetadata>,
    },
    /// Epoch and time (ms) of the target.
    TargetEpoch(Option<(i32, i64)>),
    Target {
        member: Name,
        value: Option<Partitions>,
    },
    Current {
        member: Name,
        value: Option<Current>,
    },
}

pub const GROUP_KEY: i16 = 3;
const MEMBER_KEY: i16 = 5;
const TARGET_EPOCH_KEY: i16 = 6;
const TARGET_KEY: i16 = 7;
pub const CURRENT_KEY: i16 = 8;

impl ConsumerRecord {
    pub fn put_key(&self, group: &str, out: &mut Vec<u8>) {
        let (kind, member) = match self {
            ConsumerRecord::Group(_) => (GROUP_KEY, None),
            ConsumerRecord::Member { member, .. } => (MEMBER_KEY, Some(member)),
            ConsumerRecord::TargetEpoch(_) => (TARGET_EPOCH_KEY, None),
            ConsumerRecord::Target { member, .. } => (TARGET_KEY, Some(member)),
            ConsumerRecord::Current { member, .. } => (CURRENT_KEY, Some(member)),
        };
        out.put_i16(kind);
        put_string(out, group);
        if let Some(member) = member {
            put_string(out, member);
        }
    }

    pub fn is_tombstone(&self) -> bool {
        match self {
            ConsumerRecord::Group(value) | ConsumerRecord::TargetEpoch(value) => value.is_none(),
            ConsumerRecord::Member { value, .. } => value.is_none(),
            ConsumerRecord::Target { value, .. } => value.is_none(),
            ConsumerRecord::Current { value, .. } => value.is_none(),
        }
    }

    /// `None`: a tombstone.
    pub fn put_value(&self, out: &mut Vec<u8>) -> Option<()> {
        out.put_i16(0);
        match self {
            ConsumerRecord::Group(value) | ConsumerRecord::TargetEpoch(value) => {
                let (epoch, tagged) = (*value)?;
                out.put_i32(epoch);
                put_tagged(out, (tagged != 0).then_some(&tagged.to_be_bytes()));
            }
            ConsumerRecord::Member { value, .. } => put_member(out, value.as_ref()?),
            ConsumerRecord::Target { value, .. } => {
                put_topics(out, value.as_ref()?.iter(), |out, partitions| {
                    put_ints(out, partitions.iter().copied());
                    out.push(0);
                });
                out.push(0);
            }
            ConsumerRecord::Current { value, .. } => put_current(out, value.as_ref()?),
        }
        Some(())
    }

    /// # Errors
    /// Bytes that end too early, or are no text where text must be.
    pub(in crate::kafka::group) fn parse(
        kind: i16,
        key: &mut Fields,
        value: Option<&[u8]>,
    ) -> Result<Option<(Name, ConsumerRecord)>, RecordsError> {
        let group = key.string()?;
        let fields = |bytes| {
            let mut fields = Fields::new(bytes);
            fields.i16().map(|_| fields)
        };
        let mut value = value.map(fields).transpose()?;
        let record = match kind {
            GROUP_KEY => ConsumerRecord::Group(value.as_mut().map(epoch_and_tagged).transpose()?),
            TARGET_EPOCH_KEY => ConsumerRecord::TargetEpoch(value.as_mut().map(epoch_and_tagged).transpose()?),
            MEMBER_KEY => ConsumerRecord::Member { member: key.string()?, value: value.as_mut().map(member).transpose()? },
            TARGET_KEY => ConsumerRecord::Target { member: key.string()?, value: value.as_mut().map(target).transpose()? },
            CURRENT_KEY => ConsumerRecord::Current { member: key.string()?, value: value.as_mut().map(current).transpose()? },
            _ => return Ok(None),
        };
        Ok(Some((group, record)))
    }
}

/// One tagged field of tag 0, or none.
fn put_tagged(out: &mut Vec<u8>, value: Option<&[u8; 8]>) {
    match value {
        Some(value) => {
            out.extend_from_slice(&[1, 0, 8]);
            out.extend_from_slice(value);
        }
        None => out.push(0),
    }
}

fn put_member(out: &mut Vec<u8>, value: &MemberMetadata) {
    put_compact_string(out, value.instance_id.as_deref());
    put_compact_string(out, value.rack_id.as_deref());
    put_compact_string(out, Some(&value.client_id));
    put_compact_string(out, Some(&value.client_host));
    write_unsigned_varint(out, value.subscribed_topic_names.len() as u32 + 1);
    value.subscribed_topic_names.iter().for_each(|name| put_compact_string(out, Some(name)));
    put_compact_string(out, Some("")); // no regular expression
    out.put_i32(value.rebalance_timeout_ms);
    put_compact_string(out, value.server_assignor.as_deref());
    // Tag 0: the metadata of a classic member, which is null. Kafka writes it all the same.
    out.extend_from_slice(&[1, 0, 1, 0]);
}

fn put_current(out: &mut Vec<u8>, value: &Current) {
    out.put_i32(value.epoch);
    out.put_i32(value.previous_epoch);
    out.push(value.state.code() as u8);
    for held in [&value.assigned, &value.revoking] {
        put_topics(out, held.iter(), |out, partitions| {
            put_ints(out, partitions.keys().copied());
            // Tag 0: the epochs in which they were assigned (KIP-1251).
            let mut epochs = Vec::new();
            put_ints(&mut epochs, partitions.values().copied());
            out.extend_from_slice(&[1, 0]);
            write_unsigned_varint(out, epochs.len() as u32);
            out.extend_from_slice(&epochs);
        });
    }
    out.push(0);
}

/// Topics in the order of Kafka's map.
fn put_topics<'a, T: 'a>(out: &mut Vec<u8>, topics: impl Iterator<Item = (&'a Uuid, &'a T)>, put: impl Fn(&mut Vec<u8>, &T)) {
    let mut topics: Vec<(&Uuid, &T)> = topics.collect();
    hash_order::sort_uuids(&mut topics, |(id, _)| **id);
    write_unsigned_varint(out, topics.len() as u32 + 1);
    for (id, partitions) in topics {
        out.extend_from_slice(id.as_bytes());
        put(out, partitions);
    }
}

fn put_ints(out: &mut Vec<u8>, ints: impl ExactSizeIterator<Item = i32>) {
    write_unsigned_varint(out, ints.len() as u32 + 1);
    ints.for_each(|int| out.put_i32(int));
}

fn epoch_and_tagged(fields: &mut Fields) -> Result<(i32, i64), RecordsError> {
    let epoch = fields.i32()?;
    let mut value = 0;
    fields.tagged(|tag, fields| {
        if tag == 0 {
            value = fields.i64()?;
        }
        Ok(())
    })?;
    Ok((epoch, value))
}

fn member(fields: &mut Fields) -> Result<MemberMetadata, RecordsError> {
    let mut value = MemberMetadata {
        instance_id: fields.compact_nullable_string()?,
        rack_id: fields.compact_nullable_string()?,
        client_id: fields.compact_string()?,
        client_host: fields.compact_string()?,
        ..MemberMetadata::default()
    };
    for _ in 1..fields.0.unsigned_varint()? {
        value.subscribed_topic_names.push(fields.compact_string()?);
    }
    fields.compact_nullable_string()?;
    value.rebalance_timeout_ms = fields.i32()?;
    value.server_assignor = fields.compact_nullable_string()?;
    Ok(value)
}

fn target(fields: &mut Fields) -> Result<Partitions, RecordsError> {
    let mut target = Partitions::new();
    for _ in 1..fields.0.unsigned_varint()? {
        let id = fields.uuid()?;
        target.insert(id, fields.ints()?.into_iter().collect());
        fields.tagged(|_, _| Ok(()))?;
    }
    Ok(target)
}

fn current(fields: &mut Fields) -> Result<Current, RecordsError> {
    let (epoch, previous_epoch) = (fields.i32()?, fields.i32()?);
    let state = MemberState::from_code(fields.0.bytes(1)?[0] as i8);
    Ok(Current { state, epoch, previous_epoch, assigned: held(fields, epoch)?, revoking: held(fields, epoch)? })
}

/// Records of older brokers have no epochs of partitions: the member's counts.
fn held(fields: &mut Fields, epoch: i32) -> Result<Held, RecordsError> {
    let mut held = Held::new();
    for _ in 1..fields.0.unsigned_varint()? {
        let id = fields.uuid()?;
        let partitions = fields.ints()?;
        let mut epochs = Vec::new();
        fields.tagged(|tag, fields| {
            if tag == 0 {
                epochs = fields.ints()?;
            }
            Ok(())
        })?;
        epochs.resize(partitions.len(), epoch);
        held.insert(id, partitions.into_iter().zip(epochs).collect());
    }
    Ok(held)
}
