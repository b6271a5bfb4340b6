//! All partitions of a broker, and the requests that wait for them (`ReplicaManager` and its purgatories).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::OrdMap;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_response::PartitionProduceResponse;

use super::BrokerSpec;
use super::delete_records::WaitingDelete;
use super::fetch::{FetchContext, FetchParams};
use super::high_watermarks::HighWatermarks;
use super::partition::Partition;
use super::session::FetchSessionCache;
use crate::kafka::actor::Config;
use crate::kafka::config::broker::in_ms;
use crate::kafka::config::topic::log_config;
use crate::kafka::log::config::LogConfig;
use crate::kafka::metadata::image::Image;
use crate::kafka::metadata::record::{BROKER_RESOURCE, TOPIC_RESOURCE};
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::frame::Frame;
use crate::sim::process::ConnId;
use crate::sim::time::Time;

/// A connection of a client, and the request on it that is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asker {
    pub conn: ConnId,
    pub correlation_id: i32,
    pub version: i16,
}

impl Asker {
    pub fn of(conn: ConnId, frame: &Frame) -> Asker {
        Asker { conn, correlation_id: frame.correlation_id, version: frame.version }
    }
}

/// Partitions and waiting requests.
#[derive(Clone, Debug, Default)]
pub struct Replicas {
    pub partitions: OrdMap<TopicPartition, Arc<Partition>>,
    /// Of this broker, in directories that failed.
    pub offline: BTreeSet<TopicPartition>,
    pub waiting_produces: BTreeMap<u64, WaitingProduce>,
    pub waiting_fetches: BTreeMap<u64, WaitingFetch>,
    pub waiting_deletes: BTreeMap<u64, WaitingDelete>,
    pub sessions: FetchSessionCache,
    pub high_watermarks: HighWatermarks,
    /// When each follower last fetched anything from here.
    pub last_fetches: BTreeMap<i32, Time>,
    next_number: u64,
}

/// A produce request with acks=all whose records are written here and not yet everywhere (`DelayedProduce`).
#[derive(Clone, Debug)]
pub struct WaitingProduce {
    pub from: WaitsFor,
    pub deadline: Time,
    /// By topic and partition, in the order of the request; `None` while it waits.
    pub answers: Vec<(uuid::Uuid, i32, PartitionProduceResponse, bool)>,
}

/// Who wants to know that records are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    Producer(Asker),
    /// The group coordinator's append of that number.
    Coordinator(u64),
}

/// A fetch that waits for bytes (`DelayedFetch`).
#[derive(Clone, Debug)]
pub struct WaitingFetch {
    pub asker: Asker,
    pub params: FetchParams,
    pub deadline: Time,
}

impl Replicas {
    /// A number for a waiting request; the order of arrival.
    pub fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    pub fn get(&self, name: &TopicPartition) -> Option<&Partition> {
        self.partitions.get(name).map(|partition| &**partition)
    }

    /// `getPartitionOrError`, where there is none: its disk failed, another broker has it, or nobody knows of it.
    pub fn missing(&self, name: &TopicPartition, is_known: bool) -> ResponseError {
        match self.offline.contains(name) {
            true => ResponseError::KafkaStorageError,
            false if is_known => ResponseError::NotLeaderOrFollower,
            false => ResponseError::UnknownTopicOrPartition,
        }
    }

    /// To change a partition: it is copied if a checkpoint shares it.
    pub fn get_mut(&mut self, name: &TopicPartition) -> Option<&mut Partition> {
        self.partitions.get_mut(name).map(Arc::make_mut)
    }

    pub fn insert(&mut self, partition: Partition) {
        self.high_watermarks.changed(&partition.name);
        self.partitions.insert(partition.name.clone(), Arc::new(partition));
    }

    pub fn remove(&mut self, name: &TopicPartition) -> Option<Arc<Partition>> {
        self.high_watermarks.changed(name);
        self.partitions.remove(name)
    }

    /// Partitions of topics whose logs are compacted. Those of one topic are run alike: the first tells of all.
    pub fn compacted(&self) -> impl Iterator<Item = &Partition> {
        let mut next = self.partitions.get_min().map(|(name, _)| name.topic.clone());
        let topics = std::iter::from_fn(move || {
            let topic = next.take()?;
            let behind = TopicPartition { topic: topic.clone(), partition: i32::MAX };
            next = self.partitions.get_next(&behind).map(|(name, _)| name.topic.clone());
            Some(topic)
        });
        topics.flat_map(|topic| {
            let of_topic = TopicPartition { topic: topic.clone(), partition: 0 }..TopicPartition { topic, partition: i32::MAX };
            let logs = self.partitions.range(of_topic).map(|(_, partition)| &**partition);
            logs.take_while(|partition| partition.log.config().compact)
        })
    }

    /// The next time a waiting request must be answered whatever happens.
    pub fn next_deadline(&self) -> Option<Time> {
        let produces = self.waiting_produces.values().map(|waiting| waiting.deadline);
        let fetches = self.waiting_fetches.values().map(|waiting| waiting.deadline);
        let deletes = self.waiting_deletes.values().map(|waiting| waiting.deadline);
        produces.chain(fetches).chain(deletes).min()
    }

    /// A client's connection ended: nobody waits there any more.
    pub fn forget_conn(&mut self, conn: ConnId) {
        let gone: Vec<u64> = self.waiting_fetches.iter().filter(|(_, waiting)| waiting.asker.conn == conn).map(|(&n, _)| n).collect();
        for number in gone {
            if let Some(waiting) = self.waiting_fetches.remove(&number) {
                self.stop_waiting(number, &waiting.params);
            }
        }
        self.waiting_deletes.retain(|_, waiting| waiting.asker.conn != conn);
        self.waiting_produces.retain(|_, waiting| !matches!(waiting.from, WaitsFor::Producer(asker) if asker.conn == conn));
    }

    /// A fetch is to be looked at when something happens in its partitions. Returns its number: the order of arrival.
    pub fn start_waiting(&mut self, params: &FetchParams) -> u64 {
        let number = self.number();
        self.set_waiting(number, params, true);
        number
    }

    /// A fetch was answered, or nobody waits for it any more.
    pub fn stop_waiting(&mut self, number: u64, params: &FetchParams) {
        self.set_waiting(number, params, false);
    }

    fn set_waiting(&mut self, number: u64, params: &FetchParams, waits: bool) {
        if let FetchContext::Incremental { id, .. } = params.context {
            return self.sessions.set_waiting(id, number, waits);
        }
        for wanted in &params.wanted {
            let Some(partition) = self.get_mut(&wanted.partition) else { continue };
            match waits {
                true => partition.waiting_fetches.insert(number),
                false => partition.waiting_fetches.remove(&number),
            };
        }
    }
}

/// How a topic's logs are run here.
pub fn log_config_of(image: &Image, topic: &str, broker: &BrokerSpec) -> Arc<LogConfig> {
    let mut dynamic: Config = (*image.configs(BROKER_RESOURCE, "")).clone();
    dynamic.extend((*image.configs(BROKER_RESOURCE, &broker.id.to_string())).clone());
    Arc::new(log_config(&image.configs(TOPIC_RESOURCE, topic), &dynamic, &in_ms(&broker.config)))
}
