//! The records of `__cluster_metadata`, in Kafka's own encoding (metadata/src/main/resources/common/metadata/*.json).
//!
//! A record's value is: frame version 1, api key, version (unsigned varints), then the fields.

mod fields;
mod nodes;
mod partitions;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use uuid::Uuid;

pub use self::nodes::{BrokerEndpoint, BrokerRegistration, ControllerRegistration, LOST, SupportedFeature};
pub use self::partitions::{PartitionChange, PartitionRecord};
use super::primitives::{Reader, put_uvarint};
use crate::kafka::security::acl::Acl;
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
    RegisterBroker(BrokerRegistration),
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
        /// The log directories that it still has; `None`: as before.
        log_dirs: Option<Vec<Uuid>>,
        /// The log directories that get no new replicas (KIP-1066); `None`: as before.
        cordoned_log_dirs: Option<Vec<Uuid>>,
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
    RegisterController(ControllerRegistration),
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
            MetadataRecord::RegisterBroker(_) => (0, 4),
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
            MetadataRecord::BrokerRegistrationChange { cordoned_log_dirs: Some(_), .. } => (17, 3),
            MetadataRecord::BrokerRegistrationChange { log_dirs: Some(_), .. } => (17, 2),
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
}
