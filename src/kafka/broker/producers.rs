//! Which producers a replica remembers: DescribeProducers (KIP-664, `ReplicaManager.activeProducerState`).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::describe_producers_response::{PartitionResponse, ProducerState, TopicResponse};
use kafka_protocol::messages::{DescribeProducersRequest, DescribeProducersResponse};

use super::process::Broker;
use crate::kafka::log::producer_snapshot::ProducerSnapshotEntry;
use crate::kafka::names::TopicPartition;

impl Broker {
    /// DescribeProducers: of any replica that is here, leading or not.
    #[inline(never)]
    pub(super) fn describe_producers(&self, request: &DescribeProducersRequest) -> DescribeProducersResponse {
        let topic = |topic: &TopicRequest| {
            let partition = |&n: &i32| self.active_producer_state(&TopicPartition::new(topic.name.as_str(), n));
            let partitions = topic.partition_indexes.iter().map(partition).collect();
            TopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions)
        };
        DescribeProducersResponse::default().with_topics(request.topics.iter().map(topic).collect())
    }

    fn active_producer_state(&self, name: &TopicPartition) -> PartitionResponse {
        let answer = PartitionResponse::default().with_partition_index(name.partition);
        let Some(partition) = self.replicas.get(name) else {
            let known = self.image.partition(name).is_some();
            let error = if known { ResponseError::NotLeaderOrFollower } else { ResponseError::UnknownTopicOrPartition };
            return answer.with_error_code(error.code());
        };
        answer.with_active_producers(partition.log.active_producers().iter().map(producer_state).collect())
    }
}

fn producer_state(entry: &ProducerSnapshotEntry) -> ProducerState {
    ProducerState::default()
        .with_producer_id(entry.producer_id.into())
        .with_producer_epoch(i32::from(entry.producer_epoch))
        .with_last_sequence(entry.last_sequence)
        .with_last_timestamp(entry.timestamp)
        .with_coordinator_epoch(entry.coordinator_epoch)
        .with_current_txn_start_offset(entry.current_txn_first_offset)
}
