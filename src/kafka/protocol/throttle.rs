//! The throttle time that a response carries, if it does.

use super::api::Response;

macro_rules! throttled {
    ($($name:ident)*) => {
        /// `throttle_time_ms` of a response to a client.
        pub fn throttle_time_ms(response: &mut Response) -> Option<&mut i32> {
            match response {
                $(Response::$name(body) => Some(&mut body.throttle_time_ms),)*
                _ => None,
            }
        }
    };
}

throttled! {
    Produce Fetch ListOffsets Metadata OffsetCommit OffsetFetch FindCoordinator JoinGroup Heartbeat LeaveGroup SyncGroup DescribeGroups
    ListGroups ApiVersions CreateTopics DeleteTopics DeleteRecords InitProducerId OffsetForLeaderEpoch DescribeAcls CreateAcls DeleteAcls
    DescribeConfigs AlterReplicaLogDirs DescribeLogDirs CreatePartitions DeleteGroups ElectLeaders IncrementalAlterConfigs
    AlterPartitionReassignments ListPartitionReassignments OffsetDelete DescribeClientQuotas AlterClientQuotas DescribeUserScramCredentials AlterUserScramCredentials
    UpdateFeatures DescribeCluster UnregisterBroker ListConfigResources DescribeTopicPartitions
}
