//! Who is asked for a partition that it does not lead says who does (KIP-951; `KafkaApis.getCurrentLeader`).

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_response::{self, PartitionData};
use kafka_protocol::messages::{ProduceResponse, produce_response};

use super::process::Broker;
use super::replicas::Asker;
use crate::kafka::metadata::record::BrokerRegistration;
use crate::kafka::names::TopicPartition;

/// The versions from which on an answer has a place for it.
const PRODUCE_VERSION: i16 = 10;
const FETCH_VERSION: i16 = 16;

impl Broker {
    /// Names the leaders of what was not produced because it is not led here.
    pub(super) fn name_leaders_to_producer(&self, asker: Asker, response: &mut ProduceResponse) {
        if asker.version < PRODUCE_VERSION {
            return;
        }
        let mut leaders = BTreeMap::new();
        for topic in &mut response.responses {
            for answer in &mut topic.partition_responses {
                if answer.error_code != ResponseError::NotLeaderOrFollower.code() {
                    continue;
                }
                let Some(topic) = self.image.topic_by_id(topic.topic_id) else { continue };
                let (leader, epoch) = self.current_leader(&TopicPartition { topic: topic.name.clone(), partition: answer.index });
                answer.current_leader.leader_id = leader.into();
                answer.current_leader.leader_epoch = epoch;
                leaders.extend(self.alive_node(asker, leader));
            }
        }
        let endpoint = |(id, (registration, host, port)): (i32, (&BrokerRegistration, &str, u16))| {
            produce_response::NodeEndpoint::default()
                .with_node_id(id.into())
                .with_host(host.to_owned().into())
                .with_port(port.into())
                .with_rack(registration.rack.clone().map(Into::into))
        };
        response.node_endpoints = leaders.into_iter().map(endpoint).collect();
    }

    /// The same of a fetch, whose partitions these are. Returns where those leaders are.
    pub(super) fn name_leaders_to_fetcher<'a>(
        &self,
        asker: Asker,
        read: impl Iterator<Item = (&'a TopicPartition, &'a mut PartitionData)>,
    ) -> Vec<fetch_response::NodeEndpoint> {
        let refused = |data: &PartitionData| {
            [ResponseError::NotLeaderOrFollower, ResponseError::FencedLeaderEpoch].iter().any(|error| error.code() == data.error_code)
        };
        let mut leaders = BTreeMap::new();
        for (name, data) in read.filter(|(_, data)| asker.version >= FETCH_VERSION && refused(data)) {
            let (leader, epoch) = self.current_leader(name);
            data.current_leader.leader_id = leader.into();
            data.current_leader.leader_epoch = epoch;
            leaders.extend(self.alive_node(asker, leader));
        }
        let endpoint = |(id, (registration, host, port)): (i32, (&BrokerRegistration, &str, u16))| {
            fetch_response::NodeEndpoint::default()
                .with_node_id(id.into())
                .with_host(host.to_owned().into())
                .with_port(port.into())
                .with_rack(registration.rack.clone().map(Into::into))
        };
        leaders.into_iter().map(endpoint).collect()
    }

    /// Leader and leader epoch, as this replica knows them, or else the metadata; -1 for what is not known.
    fn current_leader(&self, name: &TopicPartition) -> (i32, i32) {
        let own = self.replicas.get(name).map(|partition| &partition.registration);
        own.or_else(|| self.image.partition(name)).map_or((-1, -1), |known| (known.leader, known.leader_epoch))
    }

    /// `getAliveBrokerNode`: where a broker is for those who came in as the asker did.
    fn alive_node(&self, asker: Asker, id: i32) -> Option<(i32, (&BrokerRegistration, &str, u16))> {
        let endpoint = self.alive_endpoint(id, self.listener_of(asker.conn))?;
        Some((id, (self.image.brokers.get(&id)?, &endpoint.host, endpoint.port)))
    }
}
