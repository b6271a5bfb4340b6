use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::*;
use crate::kafka::security::acl::{Acl, Operation, PatternType, Permission, ResourceType};
use crate::kafka::security::scram::Mechanism;

fn endpoint(listener: &str, port: u16) -> BrokerEndpoint {
    BrokerEndpoint { listener: listener.into(), host: "kafka-1".into(), port, security: 0 }
}

/// As the broker of golden/logs/cluster-metadata registered.
fn broker() -> BrokerRegistration {
    BrokerRegistration {
        id: 1,
        incarnation: Uuid::from_u128(9),
        epoch: 13,
        endpoints: vec![endpoint("PLAINTEXT", 9092)],
        features: crate::kafka::metadata::features::supported_by_brokers(),
        rack: None,
        fenced: true,
        in_controlled_shutdown: false,
        log_dirs: vec![Uuid::from_u128(3)],
        cordoned_log_dirs: None,
    }
}

#[test]
fn records_survive_their_encoding() {
    let topic_id = Uuid::from_u128(7);
    let all = [
        MetadataRecord::RegisterBroker(BrokerRegistration {
            rack: Some("a".into()),
            in_controlled_shutdown: true,
            cordoned_log_dirs: Some(vec![]),
            ..broker()
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
            recovering: true,
            elr: vec![1],
            last_known_elr: vec![3],
        }),
        MetadataRecord::Config { resource_type: TOPIC_RESOURCE, resource_name: "orders".into(), name: "a".into(), value: None },
        MetadataRecord::PartitionChange(PartitionChange {
            isr: Some(vec![]),
            leader: Some(-1),
            elr: Some(vec![4]),
            removing: Some(vec![5]),
            adding: Some(vec![]),
            directories: Some(vec![Uuid::from_u128(4)]),
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
        MetadataRecord::BrokerRegistrationChange {
            broker_id: 1,
            broker_epoch: 2,
            fenced: Some(false),
            in_controlled_shutdown: true,
            log_dirs: None,
            cordoned_log_dirs: None,
        },
        MetadataRecord::BrokerRegistrationChange {
            broker_id: 1,
            broker_epoch: 2,
            fenced: None,
            in_controlled_shutdown: false,
            log_dirs: Some(vec![Uuid::from_u128(6)]),
            cordoned_log_dirs: Some(vec![]),
        },
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
        MetadataRecord::RegisterController(ControllerRegistration {
            id: 1,
            incarnation: Uuid::from_u128(9),
            endpoints: vec![endpoint("CONTROLLER", 9093)],
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
        ..PartitionRecord::default()
    };
    assert_eq!(MetadataRecord::Partition(partition).encode().len(), 65);
    // Offset 13.
    assert_eq!(MetadataRecord::RegisterBroker(broker()).encode().len(), 243);
    let said = BrokerRegistration { cordoned_log_dirs: Some(Vec::new()), ..broker() };
    assert_eq!(MetadataRecord::RegisterBroker(said).encode().len(), 246, "in the snapshot at 191");
    let unfence = MetadataRecord::BrokerRegistrationChange {
        broker_id: 1,
        broker_epoch: 13,
        fenced: Some(false),
        in_controlled_shutdown: false,
        log_dirs: None,
        cordoned_log_dirs: None,
    };
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
