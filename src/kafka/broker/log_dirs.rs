//! A broker's log directory: DescribeLogDirs, AlterReplicaLogDirs (`ReplicaManager`). A broker here has one.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_replica_log_dirs_response::{AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult};
use kafka_protocol::messages::describe_log_dirs_response::{DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic};
use kafka_protocol::messages::{
    AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, DescribeLogDirsRequest, DescribeLogDirsResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::process::Broker;
use crate::kafka::names::TopicPartition;

/// `DescribeLogDirsResponse.UNKNOWN_VOLUME_BYTES`: a simulated disk has no size.
const UNKNOWN_VOLUME_BYTES: i64 = -1;

impl Broker {
    /// log.dirs
    pub(super) fn log_dir(&self) -> String {
        let config = &self.spec.config;
        let dirs = config.get("log.dirs").or_else(|| config.get("log.dir"));
        let first = dirs.and_then(|dirs| dirs.split(',').next()).map(str::trim).filter(|dir| !dir.is_empty());
        first.map_or_else(|| format!("/var/lib/kafka-{}", self.spec.id), str::to_owned)
    }

    /// DescribeLogDirs: the sizes of all logs here, or of those of these partitions.
    #[inline(never)]
    pub(super) fn describe_log_dirs(&self, request: &DescribeLogDirsRequest) -> DescribeLogDirsResponse {
        let asked = |name: &TopicPartition| match &request.topics {
            None => true,
            Some(topics) => topics.iter().any(|topic| topic.topic.as_str() == &*name.topic && topic.partitions.contains(&name.partition)),
        };
        let mut topics: BTreeMap<&str, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
        for partition in self.replicas.partitions.values().filter(|partition| asked(&partition.name)) {
            let described = DescribeLogDirsPartition::default()
                .with_partition_index(partition.name.partition)
                .with_partition_size(i64::try_from(partition.log.size_bytes()).unwrap_or(i64::MAX))
                .with_offset_lag((partition.high_watermark - partition.log.log_end_offset()).max(0))
                .with_is_future_key(false);
            topics.entry(&partition.name.topic).or_default().push(described);
        }
        let topics = topics
            .into_iter()
            .map(|(name, partitions)| DescribeLogDirsTopic::default().with_name(topic_name(name)).with_partitions(partitions));
        let result = DescribeLogDirsResult::default()
            .with_log_dir(StrBytes::from_string(self.log_dir()))
            .with_topics(topics.collect())
            .with_total_bytes(UNKNOWN_VOLUME_BYTES)
            .with_usable_bytes(UNKNOWN_VOLUME_BYTES);
        DescribeLogDirsResponse::default().with_results(vec![result])
    }

    /// AlterReplicaLogDirs: there is no other directory to move to; a replica that is where it is wanted stays.
    #[inline(never)]
    pub(super) fn alter_replica_log_dirs(&self, request: &AlterReplicaLogDirsRequest) -> AlterReplicaLogDirsResponse {
        let mut results = Vec::new();
        for dir in &request.dirs {
            let known = dir.path.as_str() == self.log_dir();
            for topic in &dir.topics {
                let partitions = topic.partitions.iter().map(|&n| {
                    let name = TopicPartition::new(topic.name.as_str(), n);
                    let error = if !known {
                        ResponseError::LogDirNotFound.code()
                    } else if self.replicas.get(&name).is_some() {
                        0
                    } else if self.image.partition(&name).is_some() {
                        // Its replica may still come.
                        ResponseError::ReplicaNotAvailable.code()
                    } else {
                        ResponseError::UnknownTopicOrPartition.code()
                    };
                    AlterReplicaLogDirPartitionResult::default().with_partition_index(n).with_error_code(error)
                });
                let result =
                    AlterReplicaLogDirTopicResult::default().with_topic_name(topic.name.clone()).with_partitions(partitions.collect());
                results.push(result);
            }
        }
        AlterReplicaLogDirsResponse::default().with_results(results)
    }
}

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}
