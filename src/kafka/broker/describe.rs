//! Requests that only ask: Metadata, FindCoordinator, ListOffsets, descriptions.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::describe_topic_partitions_response::{
    DescribeTopicPartitionsResponsePartition as DescribedPartition, DescribeTopicPartitionsResponseTopic as DescribedTopic,
};
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;

use super::forward::Call;
use super::partition::Partition;
use super::process::Broker;
use super::replicas::Asker;
use crate::kafka::actor::Outbox;
use crate::kafka::controller::cluster::{BROKER_ENDPOINTS, wrong_endpoint};
use crate::kafka::metadata::features;
use crate::kafka::metadata::image::{NO_LEADER, PartitionRegistration, TopicImage};
use crate::kafka::metadata::record::{BrokerEndpoint, BrokerRegistration};
use crate::kafka::names::{OFFSETS_TOPIC, TopicPartition, is_internal};
use crate::kafka::protocol::api_versions;
use crate::sim::process::ConnId;
use crate::sim::time::Time;

/// "Not asked for": the authorized operations of a resource.
const NO_OPERATIONS: i32 = i32::MIN;

impl Broker {
    /// Metadata, and the creation of topics that are only named (`AutoTopicCreationManager`).
    pub(super) fn metadata_request(&mut self, now: Time, asker: Asker, request: &MetadataRequest, out: &mut Outbox) {
        let listener = self.listener_of(asker.conn).to_owned();
        let topics = match &request.topics {
            None => self.image.topics.values().map(|topic| self.metadata_topic(topic, &listener)).collect(),
            Some(asked) => {
                let mut topics = Vec::with_capacity(asked.len());
                for asked in asked {
                    let found = match &asked.name {
                        Some(name) => self.image.topic(name.as_str()),
                        None => self.image.topic_by_id(asked.topic_id),
                    };
                    topics.push(match found {
                        Some(topic) => self.metadata_topic(topic, &listener),
                        None => self.unknown_topic(now, asked, request.allow_auto_topic_creation, out),
                    });
                }
                topics
            }
        };
        let alive = self.image.brokers.values().filter(|broker| !broker.fenced);
        let brokers = alive.filter_map(|broker| broker.endpoint(&listener).map(|endpoint| (broker, endpoint))).map(|(broker, endpoint)| {
            MetadataResponseBroker::default()
                .with_node_id(broker.id.into())
                .with_host(text(&endpoint.host))
                .with_port(i32::from(endpoint.port))
                .with_rack(broker.rack.as_deref().map(text))
        });
        let response = MetadataResponse::default()
            .with_brokers(brokers.collect())
            .with_cluster_id(Some(text(&self.spec.cluster_id)))
            // To clients every broker is as good as the controller (KIP-590): it passes on what is the controller's.
            .with_controller_id(self.spec.id.0.into())
            .with_topics(topics)
            .with_cluster_authorized_operations(NO_OPERATIONS);
        self.respond(now, asker, response, Vec::new(), out);
    }

    /// FindCoordinator for groups; the offsets topic is made when somebody first asks.
    pub(super) fn find_coordinator(&mut self, now: Time, asker: Asker, request: &FindCoordinatorRequest, out: &mut Outbox) {
        if request.key_type == 0 && self.image.topic(OFFSETS_TOPIC).is_none() {
            let (partitions, factor) = (self.settings.offsets_partitions, self.settings.offsets_replication_factor);
            self.create_missing_topic(now, OFFSETS_TOPIC, partitions, factor, out);
        }
        let listener = self.listener_of(asker.conn).to_owned();
        let coordinators = request.coordinator_keys.iter().map(|key| {
            let answer = Coordinator::default().with_key(key.clone());
            let found = match request.key_type {
                0 => self.coordinator_of(key.as_str()),
                _ => Err(ResponseError::CoordinatorNotAvailable),
            };
            let node = found.and_then(|id| Ok((id, self.alive_endpoint(id, &listener).ok_or(ResponseError::CoordinatorNotAvailable)?)));
            match node {
                Ok((id, node)) => answer.with_node_id(id.into()).with_host(text(&node.host)).with_port(i32::from(node.port)),
                Err(error) => answer.with_error_code(error.code()).with_node_id((-1).into()).with_port(-1),
            }
        });
        let response = FindCoordinatorResponse::default().with_coordinators(coordinators.collect());
        self.respond(now, asker, response, Vec::new(), out);
    }

    /// ListOffsets: by time, or -1 latest, -2 earliest, -3 of the newest timestamp, -4 earliest local, -5 latest tiered.
    pub(super) fn list_offsets(&mut self, request: &ListOffsetsRequest, out: &mut Outbox) -> ListOffsetsResponse {
        let topics = request.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| {
                let name = TopicPartition::new(topic.name.as_str(), asked.partition_index);
                self.make_missing_index(&name, asked.timestamp, out);
                let answer = ListOffsetsPartitionResponse::default().with_partition_index(asked.partition_index);
                match self.list_offset(&name, asked.timestamp, request.replica_id.0 >= 0) {
                    Ok((offset, timestamp, epoch)) => answer.with_offset(offset).with_timestamp(timestamp).with_leader_epoch(epoch),
                    Err(error) => answer.with_error_code(error.code()).with_offset(-1).with_timestamp(-1),
                }
            });
            ListOffsetsTopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
        });
        ListOffsetsResponse::default().with_topics(topics.collect())
    }

    #[inline(never)]
    pub(super) fn describe_topic_partitions(
        &self,
        conn: ConnId,
        request: &DescribeTopicPartitionsRequest,
    ) -> DescribeTopicPartitionsResponse {
        let mut names: Vec<String> = request.topics.iter().map(|topic| topic.name.to_string()).collect();
        if names.is_empty() {
            names = self.image.topics.keys().map(|name| name.to_string()).collect();
        }
        names.sort();
        let listener = self.listener_of(conn);
        let topics = names.iter().map(|name| match self.image.topic(name) {
            None => {
                let error = ResponseError::UnknownTopicOrPartition.code();
                DescribedTopic::default()
                    .with_error_code(error)
                    .with_name(Some(TopicName(text(name))))
                    .with_topic_authorized_operations(NO_OPERATIONS)
            }
            Some(topic) => DescribedTopic::default()
                .with_name(Some(TopicName(text(name))))
                .with_topic_id(topic.id)
                .with_is_internal(is_internal(name))
                .with_partitions(
                    topic.partitions.iter().zip(0..).map(|(partition, n)| self.described_partition(n, partition, listener)).collect(),
                )
                .with_topic_authorized_operations(NO_OPERATIONS),
        });
        DescribeTopicPartitionsResponse::default().with_topics(topics.collect())
    }

    /// ApiVersions: what it serves, and the features of the cluster.
    pub(super) fn api_versions(&self) -> ApiVersionsResponse {
        let response = ApiVersionsResponse::default().with_api_keys(api_versions::of_brokers());
        features::advertise(response, &self.image.features, self.metadata.applied_offset())
    }

    #[inline(never)]
    pub(super) fn describe_cluster(&self, conn: ConnId, request: &DescribeClusterRequest) -> DescribeClusterResponse {
        // The first version has no kinds: there it is a broker's, of which it asks.
        if let Some(refused) = wrong_endpoint(BROKER_ENDPOINTS, 1, request) {
            return refused;
        }
        let listener = self.listener_of(conn);
        let shown = self.image.brokers.values().filter(|broker| !broker.fenced || request.include_fenced_brokers);
        let brokers = shown.filter_map(|broker| broker.endpoint(listener).map(|endpoint| (broker, endpoint))).map(|(broker, endpoint)| {
            DescribeClusterBroker::default()
                .with_is_fenced(broker.fenced)
                .with_broker_id(broker.id.into())
                .with_host(text(&endpoint.host))
                .with_port(i32::from(endpoint.port))
                .with_rack(broker.rack.as_deref().map(text))
        });
        DescribeClusterResponse::default()
            .with_endpoint_type(BROKER_ENDPOINTS)
            .with_cluster_id(text(&self.spec.cluster_id))
            .with_controller_id(self.spec.id.0.into())
            .with_brokers(brokers.collect())
            .with_cluster_authorized_operations(NO_OPERATIONS)
    }

    #[inline(never)]
    pub(super) fn offset_for_leader_epoch(&self, request: &OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse {
        let topics = request.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| {
                let answer = EpochEndOffset::default().with_partition(asked.partition);
                let partition = self
                    .replicas
                    .get(&TopicPartition::new(topic.topic.as_str(), asked.partition))
                    .filter(|partition| partition.is_leader());
                match partition {
                    None => answer.with_error_code(ResponseError::NotLeaderOrFollower.code()),
                    Some(partition) => {
                        let (epoch, end) = partition.log.epochs().end_offset_for(asked.leader_epoch, partition.log.log_end_offset());
                        answer.with_leader_epoch(epoch).with_end_offset(end)
                    }
                }
            });
            OffsetForLeaderTopicResult::default().with_topic(topic.topic.clone()).with_partitions(partitions.collect())
        });
        OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
    }

    /// The name of the listener that a connection came in by.
    pub(super) fn listener_of(&self, conn: ConnId) -> &str {
        self.conns.get(&conn).map_or(&*self.listeners.inter_broker, |client| self.listeners.at(client.port))
    }

    /// getAliveEndpoint: where a live broker is for those who came in by this listener.
    pub(super) fn alive_endpoint(&self, broker: i32, listener: &str) -> Option<&BrokerEndpoint> {
        self.image.brokers.get(&broker).filter(|broker| !broker.fenced)?.endpoint(listener)
    }

    fn metadata_topic(&self, topic: &TopicImage, listener: &str) -> MetadataResponseTopic {
        let partitions = topic.partitions.iter().zip(0..).map(|(partition, n)| {
            let (leader, error) = self.leader_for(partition, listener);
            MetadataResponsePartition::default()
                .with_error_code(error)
                .with_partition_index(n)
                .with_leader_id(leader.into())
                .with_leader_epoch(partition.leader_epoch)
                .with_replica_nodes(nodes(&partition.replicas))
                .with_isr_nodes(nodes(&partition.isr))
                .with_offline_replicas(self.offline(partition, listener))
        });
        MetadataResponseTopic::default()
            .with_name(Some(TopicName(text(&topic.name))))
            .with_topic_id(topic.id)
            .with_is_internal(is_internal(&topic.name))
            .with_partitions(partitions.collect())
            .with_topic_authorized_operations(NO_OPERATIONS)
    }

    fn unknown_topic(
        &mut self,
        now: Time,
        asked: &kafka_protocol::messages::metadata_request::MetadataRequestTopic,
        may_create: bool,
        out: &mut Outbox,
    ) -> MetadataResponseTopic {
        let answer = MetadataResponseTopic::default().with_topic_id(asked.topic_id).with_topic_authorized_operations(NO_OPERATIONS);
        let Some(name) = &asked.name else {
            return answer.with_error_code(ResponseError::UnknownTopicId.code()).with_name(None);
        };
        let valid = crate::kafka::controller::topics::is_valid_name(name.as_str());
        if may_create && valid && self.settings.auto_create_topics {
            let (partitions, factor) = match name.as_str() {
                OFFSETS_TOPIC => (self.settings.offsets_partitions, self.settings.offsets_replication_factor),
                _ => (-1, -1),
            };
            self.create_missing_topic(now, name.as_str(), partitions, factor, out);
        }
        let error = if valid { ResponseError::UnknownTopicOrPartition } else { ResponseError::InvalidTopicException };
        answer.with_error_code(error.code()).with_name(Some(name.clone())).with_is_internal(is_internal(name.as_str()))
    }

    fn create_missing_topic(&mut self, now: Time, name: &str, partitions: i32, factor: i16, out: &mut Outbox) {
        use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
        let mut topic =
            CreatableTopic::default().with_name(TopicName(text(name))).with_num_partitions(partitions).with_replication_factor(factor);
        if name == OFFSETS_TOPIC {
            // GroupCoordinator.offsetsTopicConfigs
            let config = |name, value| {
                CreatableTopicConfig::default()
                    .with_name(StrBytes::from_static_str(name))
                    .with_value(Some(StrBytes::from_static_str(value)))
            };
            topic.configs =
                vec![config("cleanup.policy", "compact"), config("compression.type", "producer"), config("segment.bytes", "104857600")];
        }
        let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000);
        self.forward(now, request.into(), Call::CreateTopic, out);
    }

    /// A lookup by time is a read that may write: it opens an index that nobody needed so far.
    fn make_missing_index(&mut self, name: &TopicPartition, timestamp: i64, out: &mut Outbox) {
        let timestamp = match timestamp {
            -3 => None,
            0.. => Some(timestamp),
            _ => return,
        };
        let makes = |partition: &Partition| partition.is_leader() && partition.log.lookup_makes_index(timestamp);
        if self.replicas.get(name).is_some_and(makes)
            && let Some(partition) = self.replicas.get_mut(name)
        {
            partition.log.make_index(&mut out.store());
        }
    }

    fn list_offset(&self, name: &TopicPartition, timestamp: i64, replica: bool) -> Result<(i64, i64, i32), ResponseError> {
        let unknown = self.replicas.missing(name, self.image.partition(name).is_some());
        let partition = self.replicas.get(name).ok_or(unknown)?;
        let leading = partition.leading.as_ref().ok_or(ResponseError::NotLeaderOrFollower)?;
        let log = &partition.log;
        let epoch_at = |offset| log.epochs().epoch_for_offset(offset).unwrap_or(leading.epoch);
        let none = (-1, -1, -1);
        let visible = partition.high_watermark;
        Ok(match timestamp {
            -1 => (if replica { log.log_end_offset() } else { visible }, -1, leading.epoch),
            -2 | -4 => (log.log_start_offset(), -1, epoch_at(log.log_start_offset())),
            -3 => log
                .newest_timestamp()
                .filter(|(offset, _)| *offset < visible)
                .map_or(none, |(offset, time)| (offset, time, epoch_at(offset))),
            -5 => none,
            _ => log
                .offset_for_time(timestamp)
                .filter(|(offset, _)| *offset < visible)
                .map_or(none, |(offset, time)| (offset, time, epoch_at(offset))),
        })
    }

    fn described_partition(&self, n: i32, partition: &PartitionRegistration, listener: &str) -> DescribedPartition {
        let (leader, error) = self.leader_for(partition, listener);
        DescribedPartition::default()
            .with_error_code(error)
            .with_partition_index(n)
            .with_leader_id(leader.into())
            .with_leader_epoch(partition.leader_epoch)
            .with_replica_nodes(nodes(&partition.replicas))
            .with_isr_nodes(nodes(&partition.isr))
            .with_eligible_leader_replicas(Some(nodes(&partition.elr)))
            .with_last_known_elr(Some(nodes(&partition.last_known_elr)))
            .with_offline_replicas(self.offline(partition, listener))
    }

    /// Who leads, as far as whoever came in by this listener can get there, and the error if nobody does.
    fn leader_for(&self, partition: &PartitionRegistration, listener: &str) -> (i32, i16) {
        if self.alive_endpoint(partition.leader, listener).is_some() {
            return (partition.leader, 0);
        }
        let error = match self.image.brokers.contains_key(&partition.leader) {
            true => ResponseError::ListenerNotFound,
            false => ResponseError::LeaderNotAvailable,
        };
        (NO_LEADER, error.code())
    }

    /// getOfflineReplicas: on a broker that is fenced, that has no such listener, or whose disk with it failed.
    fn offline(&self, partition: &PartitionRegistration, listener: &str) -> Vec<BrokerId> {
        let dead = |replica: &&i32| {
            let broker = self.image.brokers.get(*replica);
            broker.is_none_or(|broker| broker.fenced || broker.endpoint(listener).is_none() || !has_online_dir(broker, partition))
        };
        partition.replicas.iter().filter(dead).map(|&replica| BrokerId(replica)).collect()
    }
}

/// hasOnlineDir: whether the log directory that a broker's replica is in works, as far as anybody knows.
fn has_online_dir(broker: &BrokerRegistration, partition: &PartitionRegistration) -> bool {
    partition.directory(broker.id).is_none_or(|directory| broker.has_online_dir(directory))
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn nodes(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().map(|&id| BrokerId(id)).collect()
}
