//! DescribeQuorum: what a leader says of the voters and observers.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_quorum_response::{Listener, Node, PartitionData, ReplicaState, TopicData};
use kafka_protocol::messages::{DescribeQuorumRequest, DescribeQuorumResponse};
use kafka_protocol::protocol::StrBytes;

use super::ReplicaKey;
use super::leader::Progress;
use super::node::Raft;
use super::role::Role;
use super::voters::{CONTROLLER_LISTENER, VoterSet};
use crate::kafka::names::METADATA_TOPIC;
use crate::sim::time::Time;

impl Raft {
    /// handleDescribeQuorumRequest
    #[inline(never)]
    pub fn describe_quorum(&self, now: Time, request: &DescribeQuorumRequest) -> DescribeQuorumResponse {
        let topics = request.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                let answer = PartitionData::default().with_partition_index(partition.partition_index);
                let is_metadata = topic.topic_name.as_str() == METADATA_TOPIC && partition.partition_index == 0;
                match self.voters.last() {
                    _ if !is_metadata => answer.with_error_code(ResponseError::UnknownTopicOrPartition.code()),
                    Some(voters) if self.is_leader() => self.describe_metadata(now, voters, answer),
                    _ => answer.with_error_code(ResponseError::NotLeaderOrFollower.code()),
                }
            });
            TopicData::default().with_topic_name(topic.topic_name.clone()).with_partitions(partitions.collect())
        });
        let nodes = self.voters.last().into_iter().flat_map(VoterSet::iter).map(|voter| {
            let listener = Listener::default()
                .with_name(StrBytes::from_static_str(CONTROLLER_LISTENER))
                .with_host(StrBytes::from_string(voter.host.clone()))
                .with_port(voter.port);
            Node::default().with_node_id(voter.key.id.0.into()).with_listeners(vec![listener])
        });
        DescribeQuorumResponse::default().with_topics(topics.collect()).with_nodes(nodes.collect())
    }

    fn describe_metadata(&self, now: Time, voters: &VoterSet, answer: PartitionData) -> PartitionData {
        let Role::Leader(leader) = &self.role else { return answer };
        let log_end = self.log.as_ref().map_or(0, |log| log.log_end_offset());
        let mine = replica(self.spec.key)
            .with_log_end_offset(log_end)
            .with_last_fetch_timestamp(now.wall_ms())
            .with_last_caught_up_timestamp(now.wall_ms());
        let voter = |key: ReplicaKey| if key == self.spec.key { mine.clone() } else { state(key, leader.progress.get(&key)) };
        answer
            .with_leader_id(self.leader_id())
            .with_leader_epoch(self.epoch)
            .with_high_watermark(leader.high_watermark.unwrap_or(-1))
            .with_current_voters(voters.iter().map(|known| voter(known.key)).collect())
            .with_observers(leader.observers(now, voters).map(|(key, progress)| state(*key, Some(progress))).collect())
    }
}

fn replica(key: ReplicaKey) -> ReplicaState {
    ReplicaState::default().with_replica_id(key.id.0.into()).with_replica_directory_id(key.directory)
}

/// Of one who has not fetched in this epoch nothing is known.
fn state(key: ReplicaKey, progress: Option<&Progress>) -> ReplicaState {
    replica(key)
        .with_log_end_offset(progress.map_or(-1, |progress| progress.log_end))
        .with_last_fetch_timestamp(progress.map_or(-1, |progress| progress.last_fetch.wall_ms()))
        .with_last_caught_up_timestamp(progress.and_then(|progress| progress.last_caught_up).map_or(-1, Time::wall_ms))
}
