//! DescribeLogDirs and AlterReplicaLogDirs (`ReplicaManager`).

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_replica_log_dirs_response::{AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult};
use kafka_protocol::messages::describe_log_dirs_response::{DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic};
use kafka_protocol::messages::{
    AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, DescribeLogDirsRequest, DescribeLogDirsResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::log_dirs::LogDir;
use super::process::Broker;
use crate::kafka::actor::Outbox;
use crate::kafka::names::TopicPartition;
use crate::sim::time::Time;

/// `DescribeLogDirsResponse.UNKNOWN_VOLUME_BYTES`: a simulated disk has no size.
const UNKNOWN_VOLUME_BYTES: i64 = -1;

impl Broker {
    /// DescribeLogDirs: the sizes of all logs here, or of those of these partitions, by directory. One that failed has an error instead.
    #[inline(never)]
    pub(super) fn describe_log_dirs(&self, request: &DescribeLogDirsRequest) -> DescribeLogDirsResponse {
        let results = self.log_dirs.iter().map(|dir| {
            let result = DescribeLogDirsResult::default()
                .with_log_dir(StrBytes::from_string(dir.path.clone()))
                .with_total_bytes(UNKNOWN_VOLUME_BYTES)
                .with_usable_bytes(UNKNOWN_VOLUME_BYTES);
            match dir.online {
                true => result.with_topics(self.logs_in(dir, request)),
                false => result.with_error_code(ResponseError::KafkaStorageError.code()),
            }
        });
        DescribeLogDirsResponse::default().with_results(results.collect())
    }

    fn logs_in(&self, dir: &LogDir, request: &DescribeLogDirsRequest) -> Vec<DescribeLogDirsTopic> {
        let asked = |name: &TopicPartition| match &request.topics {
            None => true,
            Some(topics) => topics.iter().any(|topic| topic.topic.as_str() == &*name.topic && topic.partitions.contains(&name.partition)),
        };
        let mut topics: BTreeMap<&str, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
        let in_it = self.replicas.partitions.values().filter(|partition| self.log_dirs.of_path(partition.log.dir()).id == dir.id);
        for partition in in_it.filter(|partition| asked(&partition.name)) {
            let described = DescribeLogDirsPartition::default()
                .with_partition_index(partition.name.partition)
                .with_partition_size(i64::try_from(partition.log.size_bytes()).unwrap_or(i64::MAX))
                .with_offset_lag((partition.high_watermark - partition.log.log_end_offset()).max(0))
                .with_is_future_key(false);
            topics.entry(&partition.name.topic).or_default().push(described);
        }
        let futures = self.futures.iter().map(|(name, future)| (name, &future.log));
        for (name, future) in futures.filter(|(name, log)| asked(name) && self.log_dirs.of_path(log.dir()).id == dir.id) {
            // Of one that nobody fills it is not known.
            let lag = self.replicas.get(name).map_or(-1, |partition| partition.log.log_end_offset() - future.log_end_offset());
            let described = DescribeLogDirsPartition::default()
                .with_partition_index(name.partition)
                .with_partition_size(i64::try_from(future.size_bytes()).unwrap_or(i64::MAX))
                .with_offset_lag(lag)
                .with_is_future_key(true);
            topics.entry(&name.topic).or_default().push(described);
        }
        let topic = |(name, partitions)| DescribeLogDirsTopic::default().with_name(topic_name(name)).with_partitions(partitions);
        topics.into_iter().map(topic).collect()
    }

    /// AlterReplicaLogDirs: a replica that is where it is wanted stays.
    #[inline(never)]
    pub(super) fn alter_replica_log_dirs(
        &mut self,
        now: Time,
        request: &AlterReplicaLogDirsRequest,
        out: &mut Outbox,
    ) -> AlterReplicaLogDirsResponse {
        let mut results = Vec::new();
        for wanted in &request.dirs {
            for topic in &wanted.topics {
                let mut partitions = Vec::with_capacity(topic.partitions.len());
                for &n in &topic.partitions {
                    let moved = self.move_replica(now, &TopicPartition::new(topic.name.as_str(), n), wanted.path.as_str(), out);
                    let error = moved.map_or_else(|error| error.code(), |()| 0);
                    partitions.push(AlterReplicaLogDirPartitionResult::default().with_partition_index(n).with_error_code(error));
                }
                results.push(AlterReplicaLogDirTopicResult::default().with_topic_name(topic.name.clone()).with_partitions(partitions));
            }
        }
        AlterReplicaLogDirsResponse::default().with_results(results)
    }
}

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}
