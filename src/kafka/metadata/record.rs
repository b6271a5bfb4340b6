//! The records of `__cluster_metadata`, in Kafka's own encoding (metadata/src/main/resources/common/metadata/*.json).
//!
//! A record's value is: frame version 1, api key, version (unsigned varints), then the fields.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::primitives::{Reader, Tags, put_ints, put_nullable, put_string, put_uuids, put_uvarint};
use crate::kafka::security::acl::{Acl, Operation, PatternType, Permission, ResourceType};
use crate::kafka::security::scram::{Credential, Mechanism};

/// `ConfigResource.Type`: a topic's, a broker's (an empty name is the cluster's default).
pub const TOPIC_RESOURCE: i8 = 2;
pub const BROKER_RESOURCE: i8 = 4;
pub const BROKER_LOGGER_RESOURCE: i8 = 8;
pub const CLIENT_METRICS_RESOURCE: i8 = 16;
pub const GROUP_RESOURCE: i8 = 32;

/// Whom quotas are for: kinds (`user`, `client-id`, `ip`) with names, sorted; no name is everybody of that kind who has none of their own.
pub type QuotaEntity = Vec<(String, Option<String>)>;

/// A change of the cluster's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataRecord {
    RegisterBroker(RegisterBroker),
    UnregisterBroker {
        broker_id: i32,
        broker_epoch: i64,
    },
    Topic {
        name: String,
        topic_id: Uuid,
    },
    Partition(PartitionRecord),
    Config {
        resource_type: i8,
        resource_name: String,
        name: String,
        value: Option<String>,
    },
    PartitionChange(PartitionChange),
    RemoveTopic {
        topic_id: Uuid,
    },
    FeatureLevel {
        name: String,
        level: i16,
    },
    /// The value as the bits of a 64-bit float; `None` removes it.
    ClientQuota {
        entity: QuotaEntity,
        key: String,
        value_bits: Option<u64>,
    },
    ProducerIds {
        broker_id: i32,
        broker_epoch: i64,
        next_producer_id: i64,
    },
    BrokerRegistrationChange {
        broker_id: i32,
        broker_epoch: i64,
        fenced: Option<bool>,
        in_controlled_shutdown: bool,
    },
    AccessControlEntry {
        id: Uuid,
        acl: Arc<Acl>,
    },
    RemoveAccessControlEntry {
        id: Uuid,
    },
    /// min.insync.replicas of a topic, or without a name of all, has changed: who may lead by the old one is forgotten.
    ClearElr {
        topic_name: String,
    },
    UserScramCredential {
        name: String,
        mechanism: Mechanism,
        credential: Arc<Credential>,
    },
    RemoveUserScramCredential {
        name: String,
        mechanism: Mechanism,
    },
    NoOp,
    /// KIP-868: from here on to the end records take effect together.
    BeginTransaction {
        name: Option<String>,
    },
    EndTransaction,
    RegisterController(RegisterController),
}

/// RegisterControllerRecord, version 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterController {
    pub controller_id: i32,
    pub incarnation_id: Uuid,
    pub host: String,
    pub port: u16,
    /// Names of features, with the lowest and the highest level that it supports.
    pub features: Vec<(String, i16, i16)>,
}

/// RegisterBrokerRecord, version 3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterBroker {
    pub broker_id: i32,
    pub incarnation_id: Uuid,
    pub broker_epoch: i64,
    pub host: String,
    pub port: u16,
    pub rack: Option<String>,
    pub fenced: bool,
    pub log_dirs: Vec<Uuid>,
}

/// PartitionRecord, version 2.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub directories: Vec<Uuid>,
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
}

/// Bytes that are no metadata record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("not a metadata record: {0}")]
    Malformed(&'static str),
    #[error("metadata record type {0} is not known here")]
    UnknownType(u32),
}

impl MetadataRecord {
    /// The record's value.
    pub fn encode(&self) -> Bytes {
        let mut buf = BytesMut::new();
        let (key, version) = self.key_and_version();
        put_uvarint(&mut buf, 1);
        put_uvarint(&mut buf, key);
        put_uvarint(&mut buf, version);
        self.put_fields(&mut buf);
        buf.freeze()
    }

    /// A record from its value. Fields that later versions added are skipped.
    pub fn decode(value: &Bytes) -> Result<MetadataRecord, RecordError> {
        let mut r = Reader(value.clone());
        if r.uvarint()? != 1 {
            return Err(RecordError::Malformed("unknown frame version"));
        }
        let (key, version) = (r.uvarint()?, r.uvarint()?);
        MetadataRecord::read_fields(&mut r, key, version)
    }

    fn key_and_version(&self) -> (u32, u32) {
        match self {
            MetadataRecord::RegisterBroker(_) => (0, 3),
            MetadataRecord::UnregisterBroker { .. } => (1, 0),
            MetadataRecord::Topic { .. } => (2, 0),
            MetadataRecord::Partition(_) => (3, 2),
            MetadataRecord::Config { .. } => (4, 0),
            MetadataRecord::PartitionChange(_) => (5, 2),
            MetadataRecord::RemoveTopic { .. } => (9, 0),
            MetadataRecord::FeatureLevel { .. } => (12, 0),
            MetadataRecord::ClientQuota { .. } => (14, 0),
            MetadataRecord::ProducerIds { .. } => (15, 0),
            MetadataRecord::UserScramCredential { .. } => (11, 0),
            MetadataRecord::RemoveUserScramCredential { .. } => (22, 0),
            // The lowest version that has a place for what is said.
            MetadataRecord::BrokerRegistrationChange { in_controlled_shutdown, .. } => (17, u32::from(*in_controlled_shutdown)),
            MetadataRecord::AccessControlEntry { .. } => (18, 0),
            MetadataRecord::RemoveAccessControlEntry { .. } => (19, 0),
            MetadataRecord::NoOp => (20, 0),
            MetadataRecord::ClearElr { .. } => (28, 0),
            MetadataRecord::BeginTransaction { .. } => (23, 0),
            MetadataRecord::EndTransaction => (24, 0),
            MetadataRecord::RegisterController(_) => (27, 0),
        }
    }

    fn put_fields(&self, buf: &mut BytesMut) {
        match self {
            MetadataRecord::RegisterBroker(record) => record.put(buf),
            MetadataRecord::UnregisterBroker { broker_id, broker_epoch } => {
                buf.put_i32(*broker_id);
                buf.put_i64(*broker_epoch);
                Tags::default().put(buf);
            }
            MetadataRecord::Topic { name, topic_id } => {
                put_string(buf, name);
                buf.put_slice(topic_id.as_bytes());
                Tags::default().put(buf);
            }
            MetadataRecord::Partition(record) => record.put(buf),
            MetadataRecord::Config { resource_type, resource_name, name, value } => {
                buf.put_i8(*resource_type);
                put_string(buf, resource_name);
                put_string(buf, name);
                put_nullable(buf, value.as_deref());
                Tags::default().put(buf);
            }
            MetadataRecord::PartitionChange(record) => record.put(buf),
            MetadataRecord::RemoveTopic { topic_id } => {
                buf.put_slice(topic_id.as_bytes());
                Tags::default().put(buf);
            }
            MetadataRecord::FeatureLevel { name, level } => {
                put_string(buf, name);
                buf.put_i16(*level);
                Tags::default().put(buf);
            }
            MetadataRecord::ClientQuota { entity, key, value_bits } => {
                put_uvarint(buf, entity.len() as u32 + 1);
                for (kind, name) in entity {
                    put_string(buf, kind);
                    put_nullable(buf, name.as_deref());
                    Tags::default().put(buf);
                }
                put_string(buf, key);
                buf.put_u64(value_bits.unwrap_or_default());
                buf.put_u8(u8::from(value_bits.is_none()));
                Tags::default().put(buf);
            }
            MetadataRecord::ProducerIds { broker_id, broker_epoch, next_producer_id } => {
                buf.put_i32(*broker_id);
                buf.put_i64(*broker_epoch);
                buf.put_i64(*next_producer_id);
                Tags::default().put(buf);
            }
            MetadataRecord::BrokerRegistrationChange { broker_id, broker_epoch, fenced, in_controlled_shutdown } => {
                buf.put_i32(*broker_id);
                buf.put_i64(*broker_epoch);
                // -1 unfences, 1 fences; 1 = in controlled shutdown.
                Tags::default()
                    .some(0, *fenced, |buf, fenced| buf.put_i8(if fenced { 1 } else { -1 }))
                    .some(1, in_controlled_shutdown.then_some(1), BytesMut::put_i8)
                    .put(buf);
            }
            MetadataRecord::AccessControlEntry { id, acl } => {
                buf.put_slice(id.as_bytes());
                buf.put_i8(acl.resource.code());
                put_string(buf, &acl.name);
                buf.put_i8(acl.pattern.code());
                put_string(buf, &acl.principal);
                put_string(buf, &acl.host);
                buf.put_i8(acl.operation.code());
                buf.put_i8(acl.permission.code());
                Tags::default().put(buf);
            }
            MetadataRecord::RemoveAccessControlEntry { id } => {
                buf.put_slice(id.as_bytes());
                Tags::default().put(buf);
            }
            MetadataRecord::ClearElr { topic_name } => {
                put_string(buf, topic_name);
                Tags::default().put(buf);
            }
            MetadataRecord::UserScramCredential { name, mechanism, credential } => {
                put_string(buf, name);
                buf.put_i8(mechanism.code());
                for bytes in [&credential.salt, &credential.stored_key, &credential.server_key] {
                    put_uvarint(buf, bytes.len() as u32 + 1);
                    buf.put_slice(bytes);
                }
                buf.put_i32(credential.iterations);
                Tags::default().put(buf);
            }
            MetadataRecord::RemoveUserScramCredential { name, mechanism } => {
                put_string(buf, name);
                buf.put_i8(mechanism.code());
                Tags::default().put(buf);
            }
            MetadataRecord::NoOp | MetadataRecord::EndTransaction => Tags::default().put(buf),
            // The name is a tagged field that may be null.
            MetadataRecord::BeginTransaction { name } => {
                Tags::default().some(0, name.as_deref(), |buf, name| put_nullable(buf, Some(name))).put(buf);
            }
            MetadataRecord::RegisterController(record) => record.put(buf),
        }
    }

    fn read_fields(r: &mut Reader, key: u32, version: u32) -> Result<MetadataRecord, RecordError> {
        let record = match key {
            0 => return RegisterBroker::read(r, version).map(MetadataRecord::RegisterBroker),
            1 => MetadataRecord::UnregisterBroker { broker_id: r.i32()?, broker_epoch: r.i64()? },
            2 => MetadataRecord::Topic { name: r.string()?, topic_id: r.uuid()? },
            3 => return PartitionRecord::read(r, version).map(MetadataRecord::Partition),
            4 => {
                MetadataRecord::Config { resource_type: r.u8()? as i8, resource_name: r.string()?, name: r.string()?, value: r.nullable()? }
            }
            5 => return PartitionChange::read(r).map(MetadataRecord::PartitionChange),
            9 => MetadataRecord::RemoveTopic { topic_id: r.uuid()? },
            12 => MetadataRecord::FeatureLevel { name: r.string()?, level: r.i16()? },
            14 => {
                let entity = r.array(|r| {
                    let part = (r.string()?, r.nullable()?);
                    r.tags(|_, _| Ok(()))?;
                    Ok(part)
                })?;
                let (key, bits) = (r.string()?, r.i64()?.cast_unsigned());
                MetadataRecord::ClientQuota { entity, key, value_bits: (r.u8()? == 0).then_some(bits) }
            }
            15 => MetadataRecord::ProducerIds { broker_id: r.i32()?, broker_epoch: r.i64()?, next_producer_id: r.i64()? },
            17 => {
                let (broker_id, broker_epoch) = (r.i32()?, r.i64()?);
                let (mut fenced, mut in_controlled_shutdown) = (None, false);
                r.tags(|tag, r| {
                    match tag {
                        0 => fenced = Some(r.u8()? as i8 > 0),
                        1 => in_controlled_shutdown = r.u8()? == 1,
                        _ => {}
                    }
                    Ok(())
                })?;
                return Ok(MetadataRecord::BrokerRegistrationChange { broker_id, broker_epoch, fenced, in_controlled_shutdown });
            }
            18 => {
                let id = r.uuid()?;
                let acl = Acl {
                    resource: ResourceType::of_code(r.u8()? as i8),
                    name: r.string()?,
                    pattern: PatternType::of_code(r.u8()? as i8),
                    principal: r.string()?,
                    host: r.string()?,
                    operation: Operation::of_code(r.u8()? as i8),
                    permission: Permission::of_code(r.u8()? as i8),
                };
                MetadataRecord::AccessControlEntry { id, acl: Arc::new(acl) }
            }
            11 => {
                let (name, mechanism) = (r.string()?, read_mechanism(r)?);
                let (salt, stored_key, server_key) = (r.bytes()?, r.bytes()?, r.bytes()?);
                let credential = Credential { salt, stored_key, server_key, iterations: r.i32()? };
                MetadataRecord::UserScramCredential { name, mechanism, credential: Arc::new(credential) }
            }
            22 => MetadataRecord::RemoveUserScramCredential { name: r.string()?, mechanism: read_mechanism(r)? },
            19 => MetadataRecord::RemoveAccessControlEntry { id: r.uuid()? },
            20 => MetadataRecord::NoOp,
            28 => MetadataRecord::ClearElr { topic_name: r.string()? },
            23 => {
                let mut name = None;
                r.tags(|tag, r| {
                    if tag == 0 {
                        name = r.nullable()?;
                    }
                    Ok(())
                })?;
                return Ok(MetadataRecord::BeginTransaction { name });
            }
            24 => MetadataRecord::EndTransaction,
            27 => return RegisterController::read(r).map(MetadataRecord::RegisterController),
            other => return Err(RecordError::UnknownType(other)),
        };
        Ok(record)
    }
}

fn read_mechanism(r: &mut Reader) -> Result<Mechanism, RecordError> {
    Mechanism::of_code(r.u8()? as i8).ok_or(RecordError::Malformed("a SCRAM mechanism that is not known"))
}

impl RegisterBroker {
    fn put(&self, buf: &mut BytesMut) {
        buf.put_i32(self.broker_id);
        buf.put_u8(0);
        buf.put_slice(self.incarnation_id.as_bytes());
        buf.put_i64(self.broker_epoch);
        put_uvarint(buf, 2);
        put_string(buf, "PLAINTEXT");
        put_string(buf, &self.host);
        buf.put_u16(self.port);
        buf.put_i16(0);
        Tags::default().put(buf);
        put_uvarint(buf, 1);
        put_nullable(buf, self.rack.as_deref());
        buf.put_u8(u8::from(self.fenced));
        buf.put_u8(0);
        Tags::default().with(0, |buf| put_uuids(buf, &self.log_dirs)).put(buf);
    }

    fn read(r: &mut Reader, version: u32) -> Result<RegisterBroker, RecordError> {
        let broker_id = r.i32()?;
        if version >= 2 {
            r.u8()?;
        }
        let (incarnation_id, broker_epoch) = (r.uuid()?, r.i64()?);
        let endpoints = r.array(|r| {
            let (_name, host, port, _security) = (r.string()?, r.string()?, r.i16()? as u16, r.i16()?);
            r.tags(|_, _| Ok(()))?;
            Ok((host, port))
        })?;
        r.array(|r| {
            let (_name, _min, _max) = (r.string()?, r.i16()?, r.i16()?);
            r.tags(|_, _| Ok(()))
        })?;
        let (rack, fenced) = (r.nullable()?, r.u8()? == 1);
        if version >= 1 {
            r.u8()?;
        }
        let mut log_dirs = Vec::new();
        r.tags(|tag, r| {
            if tag == 0 {
                log_dirs = r.uuids()?;
            }
            Ok(())
        })?;
        let (host, port) = endpoints.into_iter().next().ok_or(RecordError::Malformed("a broker without an endpoint"))?;
        Ok(RegisterBroker { broker_id, incarnation_id, broker_epoch, host, port, rack, fenced, log_dirs })
    }
}

impl RegisterController {
    fn put(&self, buf: &mut BytesMut) {
        buf.put_i32(self.controller_id);
        buf.put_slice(self.incarnation_id.as_bytes());
        buf.put_u8(0);
        put_uvarint(buf, 2);
        put_string(buf, "CONTROLLER");
        put_string(buf, &self.host);
        buf.put_u16(self.port);
        buf.put_i16(0);
        Tags::default().put(buf);
        put_uvarint(buf, self.features.len() as u32 + 1);
        for (name, min, max) in &self.features {
            put_string(buf, name);
            buf.put_i16(*min);
            buf.put_i16(*max);
            Tags::default().put(buf);
        }
        Tags::default().put(buf);
    }

    fn read(r: &mut Reader) -> Result<RegisterController, RecordError> {
        let (controller_id, incarnation_id, _zk_migration_ready) = (r.i32()?, r.uuid()?, r.u8()?);
        let endpoints = r.array(|r| {
            let (_name, host, port, _security) = (r.string()?, r.string()?, r.i16()?.cast_unsigned(), r.i16()?);
            r.tags(|_, _| Ok(()))?;
            Ok((host, port))
        })?;
        let features = r.array(|r| {
            let feature = (r.string()?, r.i16()?, r.i16()?);
            r.tags(|_, _| Ok(()))?;
            Ok(feature)
        })?;
        r.tags(|_, _| Ok(()))?;
        let (host, port) = endpoints.into_iter().next().ok_or(RecordError::Malformed("a controller without an endpoint"))?;
        Ok(RegisterController { controller_id, incarnation_id, host, port, features })
    }
}

impl PartitionRecord {
    fn put(&self, buf: &mut BytesMut) {
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
        Tags::default().put(buf);
    }

    fn read(r: &mut Reader, version: u32) -> Result<PartitionRecord, RecordError> {
        let (partition_id, topic_id, replicas, isr) = (r.i32()?, r.uuid()?, r.ints()?, r.ints()?);
        let (removing, adding) = (r.ints()?, r.ints()?);
        let (leader, leader_epoch, partition_epoch) = (r.i32()?, r.i32()?, r.i32()?);
        let directories = if version >= 1 { r.uuids()? } else { Vec::new() };
        r.tags(|_, _| Ok(()))?;
        Ok(PartitionRecord { partition_id, topic_id, replicas, isr, removing, adding, leader, leader_epoch, partition_epoch, directories })
    }
}

impl PartitionChange {
    /// Whether anything changes.
    pub fn is_empty(&self) -> bool {
        let PartitionChange { isr, leader, replicas, leader_recovery_state, elr, last_known_elr, removing, adding, .. } = self;
        isr.is_none()
            && leader.is_none()
            && replicas.is_none()
            && leader_recovery_state.is_none()
            && elr.is_none()
            && last_known_elr.is_none()
            && removing.is_none()
            && adding.is_none()
    }

    fn put(&self, buf: &mut BytesMut) {
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
            .put(buf);
    }

    fn read(r: &mut Reader) -> Result<PartitionChange, RecordError> {
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
                _ => {}
            }
            Ok(())
        })?;
        Ok(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_their_encoding() {
        let topic_id = Uuid::from_u128(7);
        let all = [
            MetadataRecord::RegisterBroker(RegisterBroker {
                broker_id: 1,
                incarnation_id: Uuid::from_u128(9),
                broker_epoch: 13,
                host: "kafka-1".into(),
                port: 9092,
                rack: Some("a".into()),
                fenced: true,
                log_dirs: vec![Uuid::from_u128(3)],
            }),
            MetadataRecord::UnregisterBroker { broker_id: 1, broker_epoch: 13 },
            MetadataRecord::Topic { name: "orders".into(), topic_id },
            MetadataRecord::Partition(PartitionRecord {
                partition_id: 2,
                topic_id,
                replicas: vec![1, 2],
                isr: vec![2],
                removing: vec![1],
                adding: vec![2],
                leader: 2,
                leader_epoch: 3,
                partition_epoch: 4,
                directories: vec![Uuid::nil(); 2],
            }),
            MetadataRecord::Config { resource_type: TOPIC_RESOURCE, resource_name: "orders".into(), name: "a".into(), value: None },
            MetadataRecord::PartitionChange(PartitionChange {
                isr: Some(vec![]),
                leader: Some(-1),
                elr: Some(vec![4]),
                removing: Some(vec![5]),
                adding: Some(vec![]),
                ..Default::default()
            }),
            MetadataRecord::RemoveTopic { topic_id },
            MetadataRecord::ClearElr { topic_name: "orders".into() },
            MetadataRecord::FeatureLevel { name: "metadata.version".into(), level: 30 },
            MetadataRecord::ClientQuota {
                entity: vec![("client-id".into(), None), ("user".into(), Some("alice".into()))],
                key: "producer_byte_rate".into(),
                value_bits: Some(1024f64.to_bits()),
            },
            MetadataRecord::ClientQuota { entity: vec![("ip".into(), None)], key: "connection_creation_rate".into(), value_bits: None },
            MetadataRecord::ProducerIds { broker_id: 1, broker_epoch: 2, next_producer_id: 1000 },
            MetadataRecord::BrokerRegistrationChange { broker_id: 1, broker_epoch: 2, fenced: Some(false), in_controlled_shutdown: true },
            MetadataRecord::AccessControlEntry {
                id: Uuid::from_u128(5),
                acl: Arc::new(Acl {
                    resource: ResourceType::Topic,
                    name: "orders".into(),
                    pattern: PatternType::Prefixed,
                    principal: "User:alice".into(),
                    host: "*".into(),
                    operation: Operation::Read,
                    permission: Permission::Deny,
                }),
            },
            MetadataRecord::RemoveAccessControlEntry { id: Uuid::from_u128(5) },
            MetadataRecord::UserScramCredential {
                name: "alice".into(),
                mechanism: Mechanism::Sha256,
                credential: Arc::new(Mechanism::Sha256.credential(b"salt", b"salted", 8192)),
            },
            MetadataRecord::RemoveUserScramCredential { name: "alice".into(), mechanism: Mechanism::Sha512 },
            MetadataRecord::NoOp,
            MetadataRecord::BeginTransaction { name: Some("Bootstrap records".into()) },
            MetadataRecord::EndTransaction,
            MetadataRecord::RegisterController(RegisterController {
                controller_id: 1,
                incarnation_id: Uuid::from_u128(9),
                host: "kafka-1".into(),
                port: 9093,
                features: vec![("kraft.version".into(), 0, 1)],
            }),
        ];
        for record in all {
            assert_eq!(MetadataRecord::decode(&record.encode()).unwrap(), record);
        }
    }

    /// Sizes that Apache Kafka 4.3.1's dump tool printed for the same records (golden/logs/cluster-metadata/dump.txt).
    #[test]
    fn records_are_as_long_as_kafkas() {
        let topic = MetadataRecord::Topic { name: "plain".into(), topic_id: Uuid::nil() };
        assert_eq!(topic.encode().len(), 26);
        let partition = PartitionRecord {
            partition_id: 0,
            topic_id: Uuid::nil(),
            replicas: vec![1],
            isr: vec![1],
            removing: Vec::new(),
            adding: Vec::new(),
            leader: 1,
            leader_epoch: 0,
            partition_epoch: 0,
            directories: vec![Uuid::nil()],
        };
        assert_eq!(MetadataRecord::Partition(partition).encode().len(), 65);
        let unfence =
            MetadataRecord::BrokerRegistrationChange { broker_id: 1, broker_epoch: 13, fenced: Some(false), in_controlled_shutdown: false };
        assert_eq!(unfence.encode().len(), 19);
        let begin = MetadataRecord::BeginTransaction { name: Some("Bootstrap records".into()) };
        assert_eq!(begin.encode().len(), 24);
        assert_eq!(MetadataRecord::EndTransaction.encode().len(), 4);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = MetadataRecord::Topic { name: "orders".into(), topic_id: Uuid::nil() }.encode();
        for len in 0..whole.len() {
            assert!(MetadataRecord::decode(&whole.slice(..len)).is_err() || len >= whole.len() - 1);
        }
        for byte in 0..=255u8 {
            let _ = MetadataRecord::decode(&Bytes::from(vec![1, byte, 0, 0xff, 0xff, 0xff, 0xff, 0xff, byte, 1, 2, 3]));
        }
    }
}
