//! The fields of records, in Kafka's order.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};

use super::{BrokerRegistration, ControllerRegistration, MetadataRecord, PartitionChange, PartitionRecord, RecordError};
use crate::kafka::metadata::primitives::{Reader, Tags, put_nullable, put_string, put_uuids, put_uvarint};
use crate::kafka::security::acl::{Acl, Operation, PatternType, Permission, ResourceType};
use crate::kafka::security::scram::{Credential, Mechanism};

impl MetadataRecord {
    pub(super) fn put_fields(&self, buf: &mut BytesMut) {
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
            MetadataRecord::BrokerRegistrationChange {
                broker_id,
                broker_epoch,
                fenced,
                in_controlled_shutdown,
                log_dirs,
                cordoned_log_dirs,
            } => {
                buf.put_i32(*broker_id);
                buf.put_i64(*broker_epoch);
                // -1 unfences, 1 fences; 1 = in controlled shutdown.
                Tags::default()
                    .some(0, *fenced, |buf, fenced| buf.put_i8(if fenced { 1 } else { -1 }))
                    .some(1, in_controlled_shutdown.then_some(1), BytesMut::put_i8)
                    .some(2, log_dirs.as_deref(), put_uuids)
                    .some(3, cordoned_log_dirs.as_deref(), put_uuids)
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

    pub(super) fn read_fields(r: &mut Reader, key: u32, version: u32) -> Result<MetadataRecord, RecordError> {
        let record = match key {
            0 => return BrokerRegistration::read(r, version).map(MetadataRecord::RegisterBroker),
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
                let (mut fenced, mut in_controlled_shutdown, mut log_dirs, mut cordoned_log_dirs) = (None, false, None, None);
                r.tags(|tag, r| {
                    match tag {
                        0 => fenced = Some(r.u8()? as i8 > 0),
                        1 => in_controlled_shutdown = r.u8()? == 1,
                        2 => log_dirs = Some(r.uuids()?),
                        3 => cordoned_log_dirs = Some(r.uuids()?),
                        _ => {}
                    }
                    Ok(())
                })?;
                return Ok(MetadataRecord::BrokerRegistrationChange {
                    broker_id,
                    broker_epoch,
                    fenced,
                    in_controlled_shutdown,
                    log_dirs,
                    cordoned_log_dirs,
                });
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
            27 => return ControllerRegistration::read(r).map(MetadataRecord::RegisterController),
            other => return Err(RecordError::UnknownType(other)),
        };
        Ok(record)
    }
}

fn read_mechanism(r: &mut Reader) -> Result<Mechanism, RecordError> {
    Mechanism::of_code(r.u8()? as i8).ok_or(RecordError::Malformed("a SCRAM mechanism that is not known"))
}
