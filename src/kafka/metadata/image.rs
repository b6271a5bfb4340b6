//! What the metadata records add up to. Cloning shares everything; applying a record copies only the path it changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;
use uuid::Uuid;

pub use super::record::QuotaEntity;
use super::record::{BrokerRegistration, ControllerRegistration, MetadataRecord, PartitionChange, PartitionRecord, TOPIC_RESOURCE};
use crate::kafka::names::{Name, TopicPartition};
use crate::kafka::security::acl::Acls;
use crate::kafka::security::scram::{Credential, Mechanism};

/// No leader.
pub const NO_LEADER: i32 = -1;

/// The state of the cluster, up to some offset of the metadata log.
#[derive(Clone, Debug, Default)]
pub struct Image {
    pub brokers: OrdMap<i32, Arc<BrokerRegistration>>,
    pub controllers: OrdMap<i32, Arc<ControllerRegistration>>,
    pub topics: OrdMap<Name, Arc<TopicImage>>,
    topic_names: OrdMap<Uuid, Name>,
    pub(super) configs: OrdMap<(i8, String), Arc<BTreeMap<String, String>>>,
    /// Quotas by whom they are for: names with the bits of their values.
    pub quotas: OrdMap<QuotaEntity, Arc<BTreeMap<String, u64>>>,
    pub features: OrdMap<String, i16>,
    pub next_producer_id: i64,
    pub acls: Acls,
    /// By user and mechanism.
    pub credentials: OrdMap<(String, Mechanism), Arc<Credential>>,
}

/// A topic and its partitions, by number.
#[derive(Clone, Debug)]
pub struct TopicImage {
    pub name: Name,
    pub id: Uuid,
    pub partitions: imbl::Vector<Arc<PartitionRegistration>>,
}

/// A partition as the controller decided it (`PartitionRegistration`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionRegistration {
    /// In assignment order: the first is preferred.
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    pub elr: Vec<i32>,
    pub last_known_elr: Vec<i32>,
    /// Of the replicas, those that a reassignment takes away and those that it brings (KIP-455).
    pub removing: Vec<i32>,
    pub adding: Vec<i32>,
    /// The log directory of each replica; nil: not assigned to one yet.
    pub directories: Vec<Uuid>,
    pub leader: i32,
    /// An unclean leader has not yet made up for it.
    pub recovering: bool,
    pub leader_epoch: i32,
    pub partition_epoch: i32,
}

impl PartitionRegistration {
    pub fn leader(&self) -> Option<i32> {
        (self.leader != NO_LEADER).then_some(self.leader)
    }

    /// The log directory of a replica; nil if it is not assigned to one, `None` if there is no such replica.
    pub fn directory(&self, replica: i32) -> Option<Uuid> {
        let at = self.replicas.iter().position(|id| *id == replica)?;
        Some(self.directories.get(at).copied().unwrap_or_default())
    }

    /// Whether a reassignment goes on (`PartitionReassignmentReplicas.isReassignmentInProgress`).
    pub fn is_reassigning(&self) -> bool {
        !self.removing.is_empty() || !self.adding.is_empty()
    }

    /// What this partition is after a change. Every change raises the partition epoch; one that names a leader, the leader epoch too.
    pub fn merge(&self, change: &PartitionChange) -> PartitionRegistration {
        let mut next = self.clone();
        next.partition_epoch += 1;
        if let Some(leader) = change.leader {
            next.leader = leader;
            next.leader_epoch += 1;
        }
        next.isr = change.isr.clone().unwrap_or(next.isr);
        if let Some(replicas) = &change.replicas
            && change.directories.is_none()
            && !self.directories.is_empty()
        {
            // Who stays stays where it is.
            next.directories = replicas.iter().map(|replica| self.directory(*replica).unwrap_or_default()).collect();
        }
        next.directories = change.directories.clone().unwrap_or(next.directories);
        next.replicas = change.replicas.clone().unwrap_or(next.replicas);
        next.elr = change.elr.clone().unwrap_or(next.elr);
        next.last_known_elr = change.last_known_elr.clone().unwrap_or(next.last_known_elr);
        next.removing = change.removing.clone().unwrap_or(next.removing);
        next.adding = change.adding.clone().unwrap_or(next.adding);
        next.recovering = change.leader_recovery_state.map_or(next.recovering, |state| state == 1);
        next
    }
}

impl TopicImage {
    pub fn partition(&self, partition: i32) -> Option<&Arc<PartitionRegistration>> {
        self.partitions.get(usize::try_from(partition).ok()?)
    }
}

impl Image {
    pub fn topic(&self, name: &str) -> Option<&Arc<TopicImage>> {
        self.topics.get(name)
    }

    pub fn topic_by_id(&self, id: Uuid) -> Option<&Arc<TopicImage>> {
        self.topics.get(self.topic_names.get(&id)?)
    }

    pub fn partition(&self, tp: &TopicPartition) -> Option<&Arc<PartitionRegistration>> {
        self.topic(&tp.topic)?.partition(tp.partition)
    }

    /// The dynamic configuration of a resource; empty if there is none.
    pub fn configs(&self, resource_type: i8, name: &str) -> Arc<BTreeMap<String, String>> {
        self.configs.get(&(resource_type, name.to_owned())).cloned().unwrap_or_default()
    }

    /// The names of the resources of this type that are configured.
    pub fn configured(&self, resource_type: i8) -> impl Iterator<Item = &str> {
        let of_type = self.configs.iter().filter(move |((kind, _), configs)| *kind == resource_type && !configs.is_empty());
        of_type.map(|((_, name), _)| name.as_str())
    }

    /// A broker that the controller counts on.
    pub fn is_active(&self, broker: i32) -> bool {
        self.brokers.get(&broker).is_some_and(|broker| !broker.fenced && !broker.in_controlled_shutdown)
    }

    /// All partitions with what they belong to, by topic name and number.
    pub fn partitions(&self) -> impl Iterator<Item = (&Arc<TopicImage>, i32, &Arc<PartitionRegistration>)> {
        self.topics.values().flat_map(|topic| topic.partitions.iter().zip(0..).map(move |(partition, n)| (topic, n, partition)))
    }

    /// Takes one record in. A record about something that is not there changes nothing.
    pub fn apply(&mut self, record: &MetadataRecord) {
        match record {
            MetadataRecord::RegisterBroker(record) => {
                self.brokers.insert(record.id, Arc::new(record.clone()));
            }
            MetadataRecord::UnregisterBroker { broker_id, .. } => {
                self.brokers.remove(broker_id);
            }
            MetadataRecord::Topic { name, topic_id } => {
                let name: Name = name.as_str().into();
                self.topic_names.insert(*topic_id, name.clone());
                self.topics.insert(name.clone(), Arc::new(TopicImage { name, id: *topic_id, partitions: imbl::Vector::new() }));
            }
            MetadataRecord::Partition(record) => self.add_partition(record),
            MetadataRecord::PartitionChange(change) => self.change_partition(change),
            MetadataRecord::RemoveTopic { topic_id } => {
                if let Some(name) = self.topic_names.remove(topic_id) {
                    self.topics.remove(&name);
                    self.configs.remove(&(TOPIC_RESOURCE, name.to_string()));
                }
            }
            MetadataRecord::Config { resource_type, resource_name, name, value } => {
                let key = (*resource_type, resource_name.clone());
                let mut configs = self.configs.get(&key).cloned().unwrap_or_default();
                match value {
                    Some(value) => Arc::make_mut(&mut configs).insert(name.clone(), value.clone()),
                    None => Arc::make_mut(&mut configs).remove(name),
                };
                self.configs.insert(key, configs);
            }
            MetadataRecord::FeatureLevel { name, level } => {
                self.features.insert(name.clone(), *level);
            }
            MetadataRecord::ClientQuota { entity, key, value_bits } => {
                let mut quotas = self.quotas.get(entity).cloned().unwrap_or_default();
                match value_bits {
                    Some(bits) => Arc::make_mut(&mut quotas).insert(key.clone(), *bits),
                    None => Arc::make_mut(&mut quotas).remove(key),
                };
                if quotas.is_empty() {
                    self.quotas.remove(entity)
                } else {
                    self.quotas.insert(entity.clone(), quotas)
                };
            }
            MetadataRecord::ProducerIds { next_producer_id, .. } => self.next_producer_id = *next_producer_id,
            MetadataRecord::BrokerRegistrationChange { broker_id, fenced, in_controlled_shutdown, log_dirs, cordoned_log_dirs, .. } => {
                if let Some(broker) = self.brokers.get_mut(broker_id) {
                    let broker = Arc::make_mut(broker);
                    broker.fenced = fenced.unwrap_or(broker.fenced);
                    broker.in_controlled_shutdown |= *in_controlled_shutdown;
                    if let Some(log_dirs) = log_dirs {
                        broker.log_dirs.clone_from(log_dirs);
                    }
                    if cordoned_log_dirs.is_some() {
                        broker.cordoned_log_dirs.clone_from(cordoned_log_dirs);
                    }
                }
            }
            MetadataRecord::AccessControlEntry { id, acl } => self.acls.insert(*id, acl.clone()),
            MetadataRecord::RemoveAccessControlEntry { id } => self.acls.remove(*id),
            MetadataRecord::ClearElr { topic_name } => self.clear_elr(topic_name),
            MetadataRecord::UserScramCredential { name, mechanism, credential } => {
                self.credentials.insert((name.clone(), *mechanism), credential.clone());
            }
            MetadataRecord::RemoveUserScramCredential { name, mechanism } => {
                self.credentials.remove(&(name.clone(), *mechanism));
            }
            MetadataRecord::RegisterController(record) => {
                self.controllers.insert(record.id, Arc::new(record.clone()));
            }
            // A transaction is one batch here, which is committed as a whole.
            MetadataRecord::BeginTransaction { .. } | MetadataRecord::EndTransaction | MetadataRecord::NoOp => {}
        }
    }

    /// The partitions that a ClearElr changes; an empty name means all topics.
    pub fn with_elr(&self, topic_name: &str) -> Vec<(Name, i32)> {
        let has_one = |partition: &PartitionRegistration| !partition.elr.is_empty() || !partition.last_known_elr.is_empty();
        let concerned =
            self.partitions().filter(|(topic, _, partition)| (topic_name.is_empty() || *topic.name == *topic_name) && has_one(partition));
        concerned.map(|(topic, n, _)| (topic.name.clone(), n)).collect()
    }

    fn clear_elr(&mut self, topic_name: &str) {
        let change = PartitionChange { elr: Some(Vec::new()), last_known_elr: Some(Vec::new()), ..PartitionChange::default() };
        for (name, n) in self.with_elr(topic_name) {
            let Some(topic) = self.topics.get_mut(&name) else { continue };
            if let Some(partition) = Arc::make_mut(topic).partitions.get_mut(n as usize) {
                *partition = Arc::new(partition.merge(&change));
            }
        }
    }

    fn add_partition(&mut self, record: &PartitionRecord) {
        let Some(name) = self.topic_names.get(&record.topic_id) else { return };
        let Some(topic) = self.topics.get_mut(name) else { return };
        let registration = PartitionRegistration {
            replicas: record.replicas.clone(),
            isr: record.isr.clone(),
            removing: record.removing.clone(),
            adding: record.adding.clone(),
            directories: record.directories.clone(),
            elr: record.elr.clone(),
            last_known_elr: record.last_known_elr.clone(),
            recovering: record.recovering,
            leader: record.leader,
            leader_epoch: record.leader_epoch,
            partition_epoch: record.partition_epoch,
        };
        // The controller writes a topic's partitions in order.
        if topic.partitions.len() as i32 == record.partition_id {
            Arc::make_mut(topic).partitions.push_back(Arc::new(registration));
        }
    }

    fn change_partition(&mut self, change: &PartitionChange) {
        let Some(name) = self.topic_names.get(&change.topic_id) else { return };
        let Some(topic) = self.topics.get_mut(name) else { return };
        let Ok(n) = usize::try_from(change.partition_id) else { return };
        if let Some(partition) = Arc::make_mut(topic).partitions.get_mut(n) {
            *partition = Arc::new(partition.merge(change));
        }
    }
}
