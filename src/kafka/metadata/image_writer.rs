//! An image as records that add up to it: what stands in a snapshot (`MetadataImage.write`).
//!
//! Kafka's order of kinds. Within a kind the order of keys, where Kafka's is that of its hash maps.

use super::features::METADATA_VERSION;
use super::image::{Image, PartitionRegistration};
use super::record::{MetadataRecord, PartitionRecord};

impl Image {
    /// The records of a snapshot.
    pub fn records(&self) -> Vec<MetadataRecord> {
        let mut records = self.feature_records();
        records.extend(self.brokers.values().map(|broker| MetadataRecord::RegisterBroker((**broker).clone())));
        records.extend(self.controllers.values().map(|controller| MetadataRecord::RegisterController((**controller).clone())));
        for topic in self.topics.values() {
            records.push(MetadataRecord::Topic { name: topic.name.to_string(), topic_id: topic.id });
            let partitions = topic.partitions.iter().zip(0..);
            records.extend(partitions.map(|(partition, n)| MetadataRecord::Partition(partition_record(topic.id, n, partition))));
        }
        for ((resource_type, resource_name), configs) in &self.configs {
            let config = |(name, value): (&String, &String)| MetadataRecord::Config {
                resource_type: *resource_type,
                resource_name: resource_name.clone(),
                name: name.clone(),
                value: Some(value.clone()),
            };
            records.extend(configs.iter().map(config));
        }
        for (entity, quotas) in &self.quotas {
            let quota = |(key, bits): (&String, &u64)| MetadataRecord::ClientQuota {
                entity: entity.clone(),
                key: key.clone(),
                value_bits: Some(*bits),
            };
            records.extend(quotas.iter().map(quota));
        }
        // ProducerIdsImage: who got the last block is not kept.
        if self.next_producer_id > 0 {
            records.push(MetadataRecord::ProducerIds { broker_id: -1, broker_epoch: -1, next_producer_id: self.next_producer_id });
        }
        records.extend(self.acls.by_id().map(|(id, acl)| MetadataRecord::AccessControlEntry { id, acl: acl.clone() }));
        let credentials = self.credentials.iter().map(|((name, mechanism), credential)| MetadataRecord::UserScramCredential {
            name: name.clone(),
            mechanism: *mechanism,
            credential: credential.clone(),
        });
        records.extend(credentials);
        records
    }

    /// metadata.version comes first: it says how the rest is written.
    fn feature_records(&self) -> Vec<MetadataRecord> {
        let (first, others): (Vec<_>, Vec<_>) = self.features.iter().partition(|(name, _)| *name == METADATA_VERSION);
        let levels = first.into_iter().chain(others);
        levels.map(|(name, level)| MetadataRecord::FeatureLevel { name: name.clone(), level: *level }).collect()
    }
}

fn partition_record(topic_id: uuid::Uuid, partition_id: i32, partition: &PartitionRegistration) -> PartitionRecord {
    PartitionRecord {
        partition_id,
        topic_id,
        replicas: partition.replicas.clone(),
        isr: partition.isr.clone(),
        removing: partition.removing.clone(),
        adding: partition.adding.clone(),
        leader: partition.leader,
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch,
        directories: partition.directories.clone(),
        recovering: partition.recovering,
        elr: partition.elr.clone(),
        last_known_elr: partition.last_known_elr.clone(),
    }
}
