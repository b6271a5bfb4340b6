//! What the controller says of the quorum (DescribeQuorum, DescribeCluster, RemoveRaftVoter): one voter, which leads, and the brokers that observe it.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::describe_quorum_response::{Listener, Node, PartitionData, ReplicaState, TopicData};
use kafka_protocol::messages::{
    DescribeClusterRequest, DescribeClusterResponse, DescribeQuorumRequest, DescribeQuorumResponse, RemoveRaftVoterRequest,
    RemoveRaftVoterResponse,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::State;
use crate::kafka::names::{BrokerId, CONTROLLER_PORT, METADATA_TOPIC, host_of, uuid_text};
use crate::sim::time::{Duration, Time};

/// `EndpointType.CONTROLLER`
const CONTROLLER_ENDPOINTS: i8 = 2;
/// `LeaderState.OBSERVER_SESSION_TIMEOUT_MS`: who has not fetched for so long is not listed any more.
const OBSERVER_SESSION_TIMEOUT: Duration = Duration::secs(300);

/// Who fetches the metadata log, as its leader sees it (`LeaderState.ReplicaState`).
#[derive(Clone, Copy, Debug)]
pub struct Observer {
    log_end: i64,
    last_fetch: Time,
    last_caught_up: Option<Time>,
    /// The leader's log end at the last fetch.
    leader_end: i64,
}

/// The leader as it is asked about: its node, its directory, its epoch and its log.
#[derive(Clone, Copy, Debug)]
pub struct Leader {
    pub id: BrokerId,
    pub directory: Uuid,
    pub epoch: i32,
    pub log_end: i64,
}

/// Takes an observer's fetch into account (`updateFollowerState`).
pub fn observe(observers: &mut BTreeMap<i32, Observer>, replica: i32, offset: i64, leader_end: i64, now: Time) {
    let fresh = Observer { log_end: offset, last_fetch: now, last_caught_up: None, leader_end: 0 };
    let observer = observers.entry(replica).or_insert(fresh);
    if offset >= leader_end {
        observer.last_caught_up = Some(now);
    } else if observer.leader_end > 0 && offset >= observer.leader_end {
        observer.last_caught_up = observer.last_caught_up.max(Some(observer.last_fetch));
    }
    *observer = Observer { log_end: offset, last_fetch: now, leader_end, ..*observer };
}

impl State {
    pub fn describe_quorum(
        &self,
        leader: Leader,
        observers: &BTreeMap<i32, Observer>,
        request: &DescribeQuorumRequest,
    ) -> DescribeQuorumResponse {
        let topics = request.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                let answer = PartitionData::default().with_partition_index(partition.partition_index);
                if topic.topic_name.as_str() != METADATA_TOPIC || partition.partition_index != 0 {
                    return answer.with_error_code(ResponseError::UnknownTopicOrPartition.code());
                }
                self.describe_metadata(leader, observers, answer)
            });
            TopicData::default().with_topic_name(topic.topic_name.clone()).with_partitions(partitions.collect())
        });
        let listener = Listener::default()
            .with_name(StrBytes::from_static_str("CONTROLLER"))
            .with_host(StrBytes::from_string(host_of(leader.id)))
            .with_port(CONTROLLER_PORT);
        let node = Node::default().with_node_id(leader.id.0.into()).with_listeners(vec![listener]);
        DescribeQuorumResponse::default().with_topics(topics.collect()).with_nodes(vec![node])
    }

    fn describe_metadata(&self, leader: Leader, observers: &BTreeMap<i32, Observer>, answer: PartitionData) -> PartitionData {
        let now_ms = self.now.wall_ms();
        let voter = ReplicaState::default()
            .with_replica_id(leader.id.0.into())
            .with_replica_directory_id(leader.directory)
            .with_log_end_offset(leader.log_end)
            .with_last_fetch_timestamp(now_ms)
            .with_last_caught_up_timestamp(now_ms);
        let live = observers.iter().filter(|(_, observer)| self.now.since(observer.last_fetch) < OBSERVER_SESSION_TIMEOUT);
        let observers = live.map(|(id, observer)| {
            let registered = self.image.brokers.get(id).and_then(|broker| broker.log_dirs.first().copied());
            ReplicaState::default()
                .with_replica_id((*id).into())
                .with_replica_directory_id(registered.unwrap_or_default())
                .with_log_end_offset(observer.log_end)
                .with_last_fetch_timestamp(observer.last_fetch.wall_ms())
                .with_last_caught_up_timestamp(observer.last_caught_up.map_or(-1, Time::wall_ms))
        });
        answer
            .with_leader_id(leader.id.0.into())
            .with_leader_epoch(leader.epoch)
            // One voter: what is in its log is committed.
            .with_high_watermark(leader.log_end)
            .with_current_voters(vec![voter])
            .with_observers(observers.collect())
    }
}

/// DescribeCluster on a controller's listener: the controllers.
pub fn describe_cluster(leader: Leader, cluster_id: &str, request: &DescribeClusterRequest) -> DescribeClusterResponse {
    let response = DescribeClusterResponse::default().with_cluster_authorized_operations(i32::MIN);
    if request.endpoint_type != CONTROLLER_ENDPOINTS {
        let message = "The given endpoint type is not supported by this listener.";
        return response
            .with_error_code(ResponseError::MismatchedEndpointType.code())
            .with_error_message(Some(StrBytes::from_static_str(message)));
    }
    let node = DescribeClusterBroker::default()
        .with_broker_id(leader.id.0.into())
        .with_host(StrBytes::from_string(host_of(leader.id)))
        .with_port(i32::from(CONTROLLER_PORT));
    response
        .with_endpoint_type(CONTROLLER_ENDPOINTS)
        .with_cluster_id(StrBytes::from_string(cluster_id.to_owned()))
        .with_controller_id(leader.id.0.into())
        .with_brokers(vec![node])
}

/// RemoveRaftVoter: the only voter cannot go, and nobody else is one.
pub fn remove_voter(leader: Leader, request: &RemoveRaftVoterRequest) -> RemoveRaftVoterResponse {
    let key = |id: i32, directory: Uuid| format!("ReplicaKey(id={id}, directoryId={})", uuid_text(directory));
    let (id, directory) = (request.voter_id, request.voter_directory_id);
    if (id, directory) == (leader.id.0, leader.directory) {
        // Kafka fails in making a set of no voters.
        return RemoveRaftVoterResponse::default().with_error_code(ResponseError::UnknownServerError.code());
    }
    let message = format!("Cannot remove voter {} from the set of voters [{}]", key(id, directory), key(leader.id.0, leader.directory));
    RemoveRaftVoterResponse::default()
        .with_error_code(ResponseError::VoterNotFound.code())
        .with_error_message(Some(StrBytes::from_string(message)))
}
