//! What a client knows of the cluster, and when it asks again (`org.apache.kafka.clients.Metadata`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafka_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use kafka_protocol::messages::metadata_response::{MetadataResponse, MetadataResponseTopic};
use kafka_protocol::messages::{TopicName, produce_response};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::backoff::ExponentialBackoff;
use crate::kafka::actor::HostPort;
use crate::kafka::names::{BrokerId, Name, TopicPartition};
use crate::kafka::protocol::errors;
use crate::sim::rng::Rng;
use crate::sim::time::{Duration, Time};

/// Settings of metadata, by Kafka's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataConfig {
    /// `metadata.max.age.ms`.
    pub max_age: Duration,
    /// `metadata.max.idle.ms`: how long a topic that was asked for one record stays of interest. `None`: for ever.
    pub max_idle: Option<Duration>,
    /// `retry.backoff.ms`, `retry.backoff.max.ms`: the least time between two requests.
    pub retry: ExponentialBackoff,
    /// `allow.auto.create.topics`; a producer always allows it.
    pub allow_auto_topic_creation: bool,
}

/// The cluster as last heard of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    pub cluster_id: Option<Name>,
    pub brokers: BTreeMap<BrokerId, Broker>,
    pub controller: Option<BrokerId>,
    pub topics: BTreeMap<Name, Arc<Topic>>,
    /// Topics that were asked for and not answered with partitions, with the error code.
    pub errors: BTreeMap<Name, i16>,
    names: BTreeMap<Uuid, Name>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    pub address: HostPort,
    pub rack: Option<Name>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub name: Name,
    pub id: Uuid,
    pub is_internal: bool,
    /// By partition number, from 0 without gaps.
    pub partitions: Vec<PartitionInfo>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionInfo {
    pub leader: Option<BrokerId>,
    /// -1: not known.
    pub leader_epoch: i32,
    pub replicas: Vec<BrokerId>,
    pub isr: Vec<BrokerId>,
    pub offline_replicas: Vec<BrokerId>,
}

/// Which topics a client wants to know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interest {
    All,
    /// These, with when each was last asked for.
    Topics(BTreeMap<Name, Time>),
}

/// Metadata, and what decides when to ask for more.
#[derive(Clone, Debug)]
pub struct Metadata {
    config: MetadataConfig,
    cluster: Arc<Cluster>,
    interest: Interest,
    /// Topics of interest that no answer has covered yet.
    new_topics: BTreeSet<Name>,
    update_requested: bool,
    in_flight: bool,
    /// The last attempt, also a failed one.
    last_refresh: Option<Time>,
    last_success: Option<Time>,
    /// Attempts since something succeeded or changed, and the wait before the next.
    attempts: u32,
    wait: Duration,
    version: u64,
}

impl Default for MetadataConfig {
    fn default() -> MetadataConfig {
        MetadataConfig {
            max_age: Duration::secs(300),
            max_idle: None,
            retry: ExponentialBackoff::ms(100, 1_000),
            allow_auto_topic_creation: true,
        }
    }
}

impl Cluster {
    pub fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topics.get(name)
    }

    /// The name that goes with a topic id.
    pub fn topic_name(&self, id: Uuid) -> Option<&Name> {
        self.names.get(&id)
    }

    pub fn partition(&self, at: &TopicPartition) -> Option<&PartitionInfo> {
        self.topics.get(&at.topic)?.partition(at.partition)
    }

    /// The leader, if there is one and its address is known.
    pub fn leader(&self, at: &TopicPartition) -> Option<BrokerId> {
        self.partition(at)?.leader.filter(|leader| self.brokers.contains_key(leader))
    }

    pub fn broker_ids(&self) -> Vec<BrokerId> {
        self.brokers.keys().copied().collect()
    }
}

impl Topic {
    pub fn partition(&self, partition: i32) -> Option<&PartitionInfo> {
        usize::try_from(partition).ok().and_then(|index| self.partitions.get(index))
    }

    pub fn partition_count(&self) -> i32 {
        self.partitions.len() as i32
    }
}

impl Metadata {
    pub fn new(config: MetadataConfig) -> Metadata {
        Metadata {
            config,
            cluster: Arc::default(),
            interest: Interest::Topics(BTreeMap::new()),
            new_topics: BTreeSet::new(),
            update_requested: false,
            in_flight: false,
            last_refresh: None,
            last_success: None,
            attempts: 0,
            wait: Duration::ZERO,
            version: 0,
        }
    }

    pub fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }

    /// Grows with every answer that was taken in.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When the last answer came.
    pub fn last_success(&self) -> Option<Time> {
        self.last_success
    }

    pub fn interest(&self) -> &Interest {
        &self.interest
    }

    /// From now on exactly these topics are of interest.
    pub fn set_topics(&mut self, now: Time, topics: impl IntoIterator<Item = Name>) {
        let wanted: BTreeMap<Name, Time> = topics.into_iter().map(|topic| (topic, now)).collect();
        for topic in wanted.keys().filter(|&topic| !self.cluster.topics.contains_key(topic)) {
            self.new_topics.insert(topic.clone());
        }
        self.new_topics.retain(|topic| wanted.contains_key(topic));
        self.interest = Interest::Topics(wanted);
        self.start_over_if_new();
    }

    /// A topic is of interest, now and for `metadata.max.idle.ms`.
    pub fn add_topic(&mut self, now: Time, topic: &Name) {
        let Interest::Topics(topics) = &mut self.interest else { return };
        if let Some(last) = topics.get_mut(topic) {
            *last = now;
            return;
        }
        topics.insert(topic.clone(), now);
        self.new_topics.insert(topic.clone());
        self.start_over_if_new();
    }

    /// All topics are of interest.
    pub fn set_all_topics(&mut self) {
        if self.interest != Interest::All {
            self.interest = Interest::All;
            self.request_update(true);
        }
    }

    /// Something did not fit: ask again, after the retry backoff. `reset`: what did not fit is new, so the backoff starts from the beginning.
    pub fn request_update(&mut self, reset: bool) {
        self.update_requested = true;
        if reset {
            self.attempts = 0;
            self.wait = self.config.retry.initial;
        }
    }

    /// Asks again at once.
    pub fn expedite(&mut self) {
        self.request_update(false);
        self.wait = Duration::ZERO;
    }

    pub fn update_requested(&self) -> bool {
        self.update_requested || !self.new_topics.is_empty()
    }

    /// When to ask next; `None` while an answer is awaited. May lie in the past.
    pub fn next_update(&self) -> Option<Time> {
        if self.in_flight {
            return None;
        }
        let expires = match (self.update_requested(), self.last_success) {
            (false, Some(last)) => last + self.config.max_age,
            _ => Time::ZERO,
        };
        let allowed = self.last_refresh.map_or(Time::ZERO, |last| last + self.wait);
        Some(expires.max(allowed))
    }

    /// The request to send now. Topics that nobody used for long are dropped before.
    pub fn request(&mut self, now: Time) -> MetadataRequest {
        self.in_flight = true;
        let partial = !self.new_topics.is_empty() && !self.update_requested && self.interest != Interest::All;
        if let (Interest::Topics(topics), Some(idle)) = (&mut self.interest, self.config.max_idle) {
            topics.retain(|topic, last| *last + idle > now || self.new_topics.contains(topic));
        }
        let topics = match &self.interest {
            Interest::All => None,
            Interest::Topics(_) if partial => Some(self.new_topics.iter().map(request_topic).collect()),
            Interest::Topics(topics) => Some(topics.keys().map(request_topic).collect()),
        };
        MetadataRequest::default().with_topics(topics).with_allow_auto_topic_creation(self.config.allow_auto_topic_creation)
    }

    /// The request did not reach anybody, or was not answered.
    pub fn failed(&mut self, now: Time, rng: &mut Rng) {
        self.in_flight = false;
        self.last_refresh = Some(now);
        self.back_off(rng);
    }

    /// Takes an answer in (`Metadata.update`). Returns the topics with errors, by name.
    pub fn update(&mut self, now: Time, response: MetadataResponse, rng: &mut Rng) -> BTreeMap<Name, i16> {
        self.in_flight = false;
        self.last_refresh = Some(now);
        let before = self.cluster.clone();
        let mut cluster = Cluster {
            cluster_id: response.cluster_id.as_ref().map(|id| Name::from(id.as_str())),
            controller: Some(BrokerId(response.controller_id.0)).filter(|id| id.0 >= 0),
            ..Cluster::default()
        };
        for broker in &response.brokers {
            let address = HostPort { host: broker.host.to_string(), port: broker.port as u16 };
            let rack = broker.rack.as_ref().map(|rack| Name::from(rack.as_str()));
            cluster.brokers.insert(BrokerId(broker.node_id.0), Broker { address, rack });
        }
        let mut errors = BTreeMap::new();
        let mut incomplete = false;
        for topic in &response.topics {
            let Some(name) = topic.name.as_ref().map(|name| self.share(name)) else { continue };
            self.new_topics.remove(&name);
            if topic.error_code == errors::NONE {
                incomplete |= topic.partitions.iter().any(|partition| partition.error_code != errors::NONE);
                cluster.insert(topic_of(name.clone(), topic, before.topics.get(&name).map(|topic| &**topic)));
            } else {
                incomplete |= errors::info(topic.error_code).refreshes_metadata();
                errors.insert(name.clone(), topic.error_code);
            }
        }
        // An answer about some topics leaves what is known of the others.
        for (name, topic) in &before.topics {
            if !cluster.topics.contains_key(name) && !errors.contains_key(name) && self.is_of_interest(name) {
                cluster.insert(topic.clone());
            }
        }
        cluster.errors = before.errors.iter().filter(|(name, _)| self.is_of_interest(name)).map(|(n, e)| (n.clone(), *e)).collect();
        cluster.errors.retain(|name, _| !cluster.topics.contains_key(name));
        cluster.errors.extend(errors.clone());
        let changed = *before != cluster;
        self.cluster = Arc::new(cluster);
        self.last_success = Some(now);
        self.version += 1;
        self.update_requested = incomplete;
        match incomplete && !changed {
            true => self.back_off(rng),
            false => {
                self.attempts = 0;
                self.wait = self.config.retry.initial;
            }
        }
        errors
    }

    /// A broker said who leads now (KIP-951). Returns whether that is news; addresses come with it.
    pub fn update_leader(&mut self, at: &TopicPartition, leader: &produce_response::LeaderIdAndEpoch, address: Option<HostPort>) -> bool {
        let id = BrokerId(leader.leader_id.0);
        let newer = self.cluster.partition(at).is_some_and(|partition| leader.leader_epoch > partition.leader_epoch);
        if id.0 < 0 || !newer || (address.is_none() && !self.cluster.brokers.contains_key(&id)) {
            return false;
        }
        let cluster = Arc::make_mut(&mut self.cluster);
        if let Some(address) = address {
            cluster.brokers.entry(id).and_modify(|broker| broker.address = address.clone()).or_insert(Broker { address, rack: None });
        }
        if let Some(topic) = cluster.topics.get_mut(&at.topic)
            && let Some(partition) = Arc::make_mut(topic).partitions.get_mut(at.partition as usize)
        {
            partition.leader = Some(id);
            partition.leader_epoch = leader.leader_epoch;
        }
        true
    }

    /// Forgets the brokers: the client starts from its bootstrap addresses again (KIP-899).
    pub fn rebootstrap(&mut self) {
        Arc::make_mut(&mut self.cluster).brokers.clear();
        self.request_update(true);
    }

    fn is_of_interest(&self, name: &Name) -> bool {
        match &self.interest {
            // An answer to a question about all topics is complete.
            Interest::All => false,
            Interest::Topics(topics) => topics.contains_key(name),
        }
    }

    /// The name as it is already held, so that one topic's name is one allocation.
    fn share(&self, name: &TopicName) -> Name {
        let known = self.cluster.topics.get_key_value(name.0.as_str()).map(|(name, _)| name.clone());
        let wanted = || match &self.interest {
            Interest::Topics(topics) => topics.get_key_value(name.0.as_str()).map(|(name, _)| name.clone()),
            Interest::All => None,
        };
        known.or_else(wanted).unwrap_or_else(|| Name::from(name.0.as_str()))
    }

    fn start_over_if_new(&mut self) {
        if !self.new_topics.is_empty() {
            self.attempts = 0;
            self.wait = Duration::ZERO;
        }
    }

    fn back_off(&mut self, rng: &mut Rng) {
        self.wait = self.config.retry.after(self.attempts, rng);
        self.attempts += 1;
    }
}

impl Cluster {
    fn insert(&mut self, topic: impl Into<Arc<Topic>>) {
        let topic = topic.into();
        if !topic.id.is_nil() {
            self.names.insert(topic.id, topic.name.clone());
        }
        self.topics.insert(topic.name.clone(), topic);
    }
}

fn request_topic(name: &Name) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(TopicName(StrBytes::from_string(name.to_string()))))
}

/// A topic of an answer. A partition whose leader epoch is older than the known one keeps what is known (KIP-320).
fn topic_of(name: Name, topic: &MetadataResponseTopic, before: Option<&Topic>) -> Topic {
    let before = before.filter(|before| before.id == topic.topic_id);
    let mut partitions: Vec<_> = topic.partitions.iter().collect();
    partitions.sort_by_key(|partition| partition.partition_index);
    // A client counts on numbers without gaps; the answer of a sane broker has none.
    let partitions = partitions.into_iter().enumerate().take_while(|(index, p)| p.partition_index == *index as i32);
    let ids = |ids: &[kafka_protocol::messages::BrokerId]| ids.iter().map(|id| BrokerId(id.0)).collect();
    let info = partitions.map(|(index, partition)| {
        let known = before.and_then(|before| before.partitions.get(index));
        match known.filter(|known| known.leader_epoch > partition.leader_epoch) {
            Some(known) => known.clone(),
            None => PartitionInfo {
                leader: Some(BrokerId(partition.leader_id.0)).filter(|leader| leader.0 >= 0),
                leader_epoch: partition.leader_epoch,
                replicas: ids(&partition.replica_nodes),
                isr: ids(&partition.isr_nodes),
                offline_replicas: ids(&partition.offline_replicas),
            },
        }
    });
    let partitions = info.collect();
    Topic { name, id: topic.topic_id, is_internal: topic.is_internal, partitions }
}
