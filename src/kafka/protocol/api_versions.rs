//! Which versions of which API a broker and a controller of 4.3.1 offer (`ApiKeys`, `ApiMessageType.ListenerType`).

use kafka_protocol::messages::api_versions_response::ApiVersion;

use super::api::Api;

/// Who listens for an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listens {
    Broker,
    Controller,
    Both,
    Nobody,
}

/// One line of `ApiKeys`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub key: i16,
    pub name: &'static str,
    pub oldest: i16,
    /// The newest that is stable; less than `oldest` if none is.
    pub latest: i16,
    pub listens: Listens,
    /// The first version with tagged fields (KIP-482), or the oldest, if it has them.
    pub flexible_from: i16,
    /// Only brokers and controllers ask for it.
    pub is_cluster_action: bool,
    /// A broker passes it on to the active controller (KIP-590).
    pub is_forwardable: bool,
}

impl ApiKey {
    /// The line of an API.
    pub fn of(api: Api) -> Option<&'static ApiKey> {
        API_KEYS.get(usize::try_from(api.key()).ok()?)
    }

    pub fn is_on_brokers(&self) -> bool {
        matches!(self.listens, Listens::Broker | Listens::Both)
    }

    pub fn is_on_controllers(&self) -> bool {
        matches!(self.listens, Listens::Controller | Listens::Both)
    }

    /// `ApiMessageType.requestHeaderVersion`
    pub fn request_header_version(&self, version: i16) -> i16 {
        if version >= self.flexible_from { 2 } else { 1 }
    }

    /// `ApiMessageType.responseHeaderVersion`: what a client asks before it knows of versions is answered so that any client can read it.
    pub fn response_header_version(&self, version: i16) -> i16 {
        i16::from(version >= self.flexible_from && self.key != Api::ApiVersions.key())
    }

    /// Whether it is served here.
    fn is_served(&self) -> bool {
        self.latest >= self.oldest && Api::from_key(self.key).is_some_and(|api| !NOT_SERVED.contains(&api))
    }
}

/// What clients can ask for and nobody serves yet: a client finds that out from ApiVersions, and does not ask.
const NOT_SERVED: &[Api] = &[Api::WriteTxnMarkers, Api::DescribeTransactions, Api::ListTransactions, Api::ShareGroupHeartbeat];

/// What a broker says of itself: of the APIs that it serves, the versions that Apache Kafka's serves.
pub fn of_brokers() -> Vec<ApiVersion> {
    let mut versions: Vec<ApiVersion> = API_KEYS.iter().filter(|api| api.is_on_brokers() && api.is_served()).map(version).collect();
    // Clients made with an old librdkafka want to see it, and then use a later one (KAFKA-18659).
    versions.iter_mut().filter(|version| version.api_key == Api::Produce.key()).for_each(|version| version.min_version = 0);
    versions
}

/// What a controller says of itself.
pub fn of_controllers() -> Vec<ApiVersion> {
    API_KEYS.iter().filter(|api| api.is_on_controllers() && api.is_served()).map(version).collect()
}

fn version(api: &ApiKey) -> ApiVersion {
    ApiVersion::default().with_api_key(api.key).with_min_version(api.oldest).with_max_version(api.latest)
}

const fn api(key: i16, name: &'static str, oldest: i16, latest: i16, listens: Listens, flexible_from: i16) -> ApiKey {
    ApiKey { key, name, oldest, latest, listens, flexible_from, is_cluster_action: false, is_forwardable: false }
}

/// Of the cluster's own.
const fn cluster(api: ApiKey) -> ApiKey {
    ApiKey { is_cluster_action: true, ..api }
}

/// Passed on to the controller.
const fn forwarded(api: ApiKey) -> ApiKey {
    ApiKey { is_forwardable: true, ..api }
}

use Listens::{Both, Broker, Controller, Nobody};

/// No version has tagged fields.
const NEVER: i16 = i16::MAX;

/// Every API of 4.3.1, by key: its place is its key.
#[rustfmt::skip]
pub const API_KEYS: &[ApiKey] = &[
    api(0, "Produce", 3, 13, Broker, 9),
    api(1, "Fetch", 4, 18, Both, 12),
    api(2, "ListOffsets", 1, 11, Broker, 6),
    api(3, "Metadata", 0, 13, Broker, 9),
    cluster(api(4, "LeaderAndIsr", 0, -1, Nobody, NEVER)),
    cluster(api(5, "StopReplica", 0, -1, Nobody, NEVER)),
    cluster(api(6, "UpdateMetadata", 0, -1, Nobody, NEVER)),
    cluster(api(7, "ControlledShutdown", 0, -1, Nobody, NEVER)),
    api(8, "OffsetCommit", 2, 10, Broker, 8),
    api(9, "OffsetFetch", 1, 10, Broker, 6),
    api(10, "FindCoordinator", 0, 6, Broker, 3),
    api(11, "JoinGroup", 0, 9, Broker, 6),
    api(12, "Heartbeat", 0, 4, Broker, 4),
    api(13, "LeaveGroup", 0, 5, Broker, 4),
    api(14, "SyncGroup", 0, 5, Broker, 4),
    api(15, "DescribeGroups", 0, 6, Broker, 5),
    api(16, "ListGroups", 0, 5, Broker, 3),
    api(17, "SaslHandshake", 0, 1, Both, NEVER),
    api(18, "ApiVersions", 0, 4, Both, 3),
    forwarded(api(19, "CreateTopics", 2, 7, Both, 5)),
    forwarded(api(20, "DeleteTopics", 1, 6, Both, 4)),
    api(21, "DeleteRecords", 0, 2, Broker, 2),
    api(22, "InitProducerId", 0, 5, Broker, 2),
    api(23, "OffsetForLeaderEpoch", 2, 4, Broker, 4),
    api(24, "AddPartitionsToTxn", 0, 5, Broker, 3),
    api(25, "AddOffsetsToTxn", 0, 4, Broker, 3),
    api(26, "EndTxn", 0, 5, Broker, 3),
    cluster(api(27, "WriteTxnMarkers", 1, 2, Broker, 1)),
    api(28, "TxnOffsetCommit", 0, 5, Broker, 3),
    api(29, "DescribeAcls", 1, 3, Both, 2),
    forwarded(api(30, "CreateAcls", 1, 3, Both, 2)),
    forwarded(api(31, "DeleteAcls", 1, 3, Both, 2)),
    api(32, "DescribeConfigs", 1, 4, Both, 4),
    forwarded(api(33, "AlterConfigs", 0, 2, Both, 2)),
    api(34, "AlterReplicaLogDirs", 1, 2, Broker, 2),
    api(35, "DescribeLogDirs", 1, 5, Broker, 2),
    api(36, "SaslAuthenticate", 0, 2, Both, 2),
    forwarded(api(37, "CreatePartitions", 0, 3, Both, 2)),
    forwarded(api(38, "CreateDelegationToken", 1, 3, Both, 2)),
    forwarded(api(39, "RenewDelegationToken", 1, 2, Both, 2)),
    forwarded(api(40, "ExpireDelegationToken", 1, 2, Both, 2)),
    api(41, "DescribeDelegationToken", 1, 3, Both, 2),
    api(42, "DeleteGroups", 0, 2, Broker, 2),
    forwarded(api(43, "ElectLeaders", 0, 2, Both, 2)),
    forwarded(api(44, "IncrementalAlterConfigs", 0, 1, Both, 1)),
    forwarded(api(45, "AlterPartitionReassignments", 0, 1, Both, 0)),
    forwarded(api(46, "ListPartitionReassignments", 0, 0, Both, 0)),
    api(47, "OffsetDelete", 0, 0, Broker, NEVER),
    api(48, "DescribeClientQuotas", 0, 1, Broker, 1),
    forwarded(api(49, "AlterClientQuotas", 0, 1, Both, 1)),
    api(50, "DescribeUserScramCredentials", 0, 0, Both, 0),
    forwarded(api(51, "AlterUserScramCredentials", 0, 0, Both, 0)),
    cluster(api(52, "Vote", 0, 2, Controller, 0)),
    cluster(api(53, "BeginQuorumEpoch", 0, 1, Controller, 1)),
    cluster(api(54, "EndQuorumEpoch", 0, 1, Controller, 1)),
    cluster(forwarded(api(55, "DescribeQuorum", 0, 2, Both, 0))),
    cluster(api(56, "AlterPartition", 2, 3, Controller, 2)),
    cluster(forwarded(api(57, "UpdateFeatures", 0, 2, Both, 0))),
    cluster(api(58, "Envelope", 0, 0, Controller, 0)),
    api(59, "FetchSnapshot", 0, 1, Controller, 0),
    api(60, "DescribeCluster", 0, 2, Both, 0),
    api(61, "DescribeProducers", 0, 0, Broker, 0),
    cluster(api(62, "BrokerRegistration", 0, 4, Controller, 0)),
    cluster(api(63, "BrokerHeartbeat", 0, 2, Controller, 0)),
    forwarded(api(64, "UnregisterBroker", 0, 0, Both, 0)),
    api(65, "DescribeTransactions", 0, 0, Broker, 0),
    api(66, "ListTransactions", 0, 2, Broker, 0),
    cluster(forwarded(api(67, "AllocateProducerIds", 0, 0, Controller, 0))),
    api(68, "ConsumerGroupHeartbeat", 0, 1, Broker, 0),
    api(69, "ConsumerGroupDescribe", 0, 1, Broker, 0),
    api(70, "ControllerRegistration", 0, 0, Controller, 0),
    api(71, "GetTelemetrySubscriptions", 0, 0, Broker, 0),
    api(72, "PushTelemetry", 0, 0, Broker, 0),
    api(73, "AssignReplicasToDirs", 0, 0, Controller, 0),
    api(74, "ListConfigResources", 0, 1, Broker, 0),
    api(75, "DescribeTopicPartitions", 0, 0, Broker, 0),
    api(76, "ShareGroupHeartbeat", 1, 1, Broker, 1),
    api(77, "ShareGroupDescribe", 1, 1, Broker, 1),
    api(78, "ShareFetch", 1, 2, Broker, 1),
    api(79, "ShareAcknowledge", 1, 2, Broker, 1),
    forwarded(api(80, "AddRaftVoter", 0, 1, Both, 0)),
    forwarded(api(81, "RemoveRaftVoter", 0, 0, Both, 0)),
    api(82, "UpdateRaftVoter", 0, 0, Controller, 0),
    cluster(api(83, "InitializeShareGroupState", 0, 0, Broker, 0)),
    cluster(api(84, "ReadShareGroupState", 0, 0, Broker, 0)),
    cluster(api(85, "WriteShareGroupState", 0, 1, Broker, 0)),
    cluster(api(86, "DeleteShareGroupState", 0, 0, Broker, 0)),
    cluster(api(87, "ReadShareGroupStateSummary", 0, 1, Broker, 0)),
    api(88, "StreamsGroupHeartbeat", 0, 0, Broker, 0),
    api(89, "StreamsGroupDescribe", 0, 0, Broker, 0),
    api(90, "DescribeShareGroupOffsets", 0, 1, Broker, 0),
    api(91, "AlterShareGroupOffsets", 0, 0, Broker, 0),
    api(92, "DeleteShareGroupOffsets", 0, 0, Broker, 0),
];
