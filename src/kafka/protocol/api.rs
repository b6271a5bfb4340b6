//! The closed set of requests and responses in use: one line an API.

use kafka_protocol::messages::*;
use kafka_protocol::protocol::Encodable;

use super::api_versions::ApiKey;
use super::bounded::decode;
use super::codec::CodecError;

// A function of its own for each message, so that those which no start of the page sends wait in the wasm's second half (ARCHITECTURE.md).

#[inline(never)]
fn size(body: &impl Encodable, version: i16) -> usize {
    body.compute_size(version).unwrap_or(0)
}

#[inline(never)]
fn encode(body: &impl Encodable, buf: &mut bytes::BytesMut, version: i16) -> Result<(), CodecError> {
    body.encode(buf, version).map_err(CodecError::new)
}

#[inline(never)]
fn cloned<M: Clone>(body: &M) -> M {
    body.clone()
}

macro_rules! apis {
    ($($name:ident $key:literal $version:literal $request:ident $response:ident,)*) => {
        /// An API by its key in Kafka's protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum Api { $($name = $key,)* }

        impl Api {
            /// Every API in use, by key.
            pub const ALL: &[Api] = &[$(Api::$name,)*];

            pub fn from_key(key: i16) -> Option<Api> {
                match key { $($key => Some(Api::$name),)* _ => None }
            }

            pub fn key(self) -> i16 {
                self as i16
            }

            pub fn name(self) -> &'static str {
                match self { $(Api::$name => stringify!($name),)* }
            }

            /// As `ApiKeys` has it: `DESCRIBE_GROUPS`.
            pub fn java_name(self) -> String {
                let name = self.name();
                let mut screaming = String::with_capacity(name.len() + 4);
                for (i, letter) in name.chars().enumerate() {
                    if i > 0 && letter.is_ascii_uppercase() {
                        screaming.push('_');
                    }
                    screaming.push(letter.to_ascii_uppercase());
                }
                screaming
            }

            /// The version our own clients and brokers speak to each other: the newest that 4.3 and the crate share.
            pub fn version(self) -> i16 {
                match self { $(Api::$name => $version,)* }
            }

            pub fn request_header_version(self, version: i16) -> i16 {
                ApiKey::of(self).map_or(1, |api| api.request_header_version(version))
            }

            pub fn response_header_version(self, version: i16) -> i16 {
                ApiKey::of(self).map_or(0, |api| api.response_header_version(version))
            }
        }

        /// A request. (The large ones are boxed by what they hold: vectors.)
        #[derive(Debug, PartialEq)]
        #[allow(clippy::large_enum_variant)]
        pub enum Request { $($name($request),)* }

        /// A response.
        #[derive(Debug, PartialEq)]
        #[allow(clippy::large_enum_variant)]
        pub enum Response { $($name($response),)* }

        impl Clone for Request {
            fn clone(&self) -> Self {
                match self { $(Request::$name(body) => Request::$name(cloned(body)),)* }
            }
        }

        impl Clone for Response {
            fn clone(&self) -> Self {
                match self { $(Response::$name(body) => Response::$name(cloned(body)),)* }
            }
        }

        impl Request {
            pub fn api(&self) -> Api {
                match self { $(Request::$name(_) => Api::$name,)* }
            }

            pub(super) fn size(&self, version: i16) -> usize {
                match self { $(Request::$name(body) => size(body, version),)* }
            }

            pub(super) fn encode(&self, buf: &mut bytes::BytesMut, version: i16) -> Result<(), CodecError> {
                match self { $(Request::$name(body) => encode(body, buf, version),)* }
            }

            pub(super) fn decode(api: Api, buf: &mut bytes::Bytes, version: i16) -> Result<Request, CodecError> {
                Ok(match api { $(Api::$name => Request::$name(decode::<$request>(buf, version)?),)* })
            }
        }

        impl Response {
            pub fn api(&self) -> Api {
                match self { $(Response::$name(_) => Api::$name,)* }
            }

            pub(super) fn size(&self, version: i16) -> usize {
                match self { $(Response::$name(body) => size(body, version),)* }
            }

            pub(super) fn encode(&self, buf: &mut bytes::BytesMut, version: i16) -> Result<(), CodecError> {
                match self { $(Response::$name(body) => encode(body, buf, version),)* }
            }

            pub(super) fn decode(api: Api, buf: &mut bytes::Bytes, version: i16) -> Result<Response, CodecError> {
                Ok(match api { $(Api::$name => Response::$name(decode::<$response>(buf, version)?),)* })
            }
        }

        $(impl From<$request> for Request {
            fn from(body: $request) -> Request { Request::$name(body) }
        }
        impl From<$response> for Response {
            fn from(body: $response) -> Response { Response::$name(body) }
        })*
    };
}

apis! {
    Produce 0 13 ProduceRequest ProduceResponse,
    Fetch 1 18 FetchRequest FetchResponse,
    ListOffsets 2 10 ListOffsetsRequest ListOffsetsResponse,
    Metadata 3 13 MetadataRequest MetadataResponse,
    OffsetCommit 8 9 OffsetCommitRequest OffsetCommitResponse,
    OffsetFetch 9 9 OffsetFetchRequest OffsetFetchResponse,
    FindCoordinator 10 6 FindCoordinatorRequest FindCoordinatorResponse,
    JoinGroup 11 9 JoinGroupRequest JoinGroupResponse,
    Heartbeat 12 4 HeartbeatRequest HeartbeatResponse,
    LeaveGroup 13 5 LeaveGroupRequest LeaveGroupResponse,
    SyncGroup 14 5 SyncGroupRequest SyncGroupResponse,
    DescribeGroups 15 6 DescribeGroupsRequest DescribeGroupsResponse,
    ListGroups 16 5 ListGroupsRequest ListGroupsResponse,
    SaslHandshake 17 1 SaslHandshakeRequest SaslHandshakeResponse,
    ApiVersions 18 4 ApiVersionsRequest ApiVersionsResponse,
    CreateTopics 19 7 CreateTopicsRequest CreateTopicsResponse,
    DeleteTopics 20 6 DeleteTopicsRequest DeleteTopicsResponse,
    DeleteRecords 21 2 DeleteRecordsRequest DeleteRecordsResponse,
    InitProducerId 22 5 InitProducerIdRequest InitProducerIdResponse,
    OffsetForLeaderEpoch 23 4 OffsetForLeaderEpochRequest OffsetForLeaderEpochResponse,
    WriteTxnMarkers 27 1 WriteTxnMarkersRequest WriteTxnMarkersResponse,
    DescribeAcls 29 3 DescribeAclsRequest DescribeAclsResponse,
    CreateAcls 30 3 CreateAclsRequest CreateAclsResponse,
    DeleteAcls 31 3 DeleteAclsRequest DeleteAclsResponse,
    DescribeConfigs 32 4 DescribeConfigsRequest DescribeConfigsResponse,
    AlterReplicaLogDirs 34 2 AlterReplicaLogDirsRequest AlterReplicaLogDirsResponse,
    DescribeLogDirs 35 4 DescribeLogDirsRequest DescribeLogDirsResponse,
    SaslAuthenticate 36 2 SaslAuthenticateRequest SaslAuthenticateResponse,
    CreatePartitions 37 3 CreatePartitionsRequest CreatePartitionsResponse,
    CreateDelegationToken 38 3 CreateDelegationTokenRequest CreateDelegationTokenResponse,
    DescribeDelegationToken 41 3 DescribeDelegationTokenRequest DescribeDelegationTokenResponse,
    DeleteGroups 42 2 DeleteGroupsRequest DeleteGroupsResponse,
    ElectLeaders 43 2 ElectLeadersRequest ElectLeadersResponse,
    IncrementalAlterConfigs 44 1 IncrementalAlterConfigsRequest IncrementalAlterConfigsResponse,
    AlterPartitionReassignments 45 1 AlterPartitionReassignmentsRequest AlterPartitionReassignmentsResponse,
    ListPartitionReassignments 46 0 ListPartitionReassignmentsRequest ListPartitionReassignmentsResponse,
    Vote 52 2 VoteRequest VoteResponse,
    BeginQuorumEpoch 53 1 BeginQuorumEpochRequest BeginQuorumEpochResponse,
    EndQuorumEpoch 54 1 EndQuorumEpochRequest EndQuorumEpochResponse,
    DescribeQuorum 55 2 DescribeQuorumRequest DescribeQuorumResponse,
    OffsetDelete 47 0 OffsetDeleteRequest OffsetDeleteResponse,
    DescribeClientQuotas 48 1 DescribeClientQuotasRequest DescribeClientQuotasResponse,
    AlterClientQuotas 49 1 AlterClientQuotasRequest AlterClientQuotasResponse,
    DescribeUserScramCredentials 50 0 DescribeUserScramCredentialsRequest DescribeUserScramCredentialsResponse,
    AlterUserScramCredentials 51 0 AlterUserScramCredentialsRequest AlterUserScramCredentialsResponse,
    AlterPartition 56 3 AlterPartitionRequest AlterPartitionResponse,
    UpdateFeatures 57 2 UpdateFeaturesRequest UpdateFeaturesResponse,
    FetchSnapshot 59 1 FetchSnapshotRequest FetchSnapshotResponse,
    DescribeCluster 60 2 DescribeClusterRequest DescribeClusterResponse,
    DescribeProducers 61 0 DescribeProducersRequest DescribeProducersResponse,
    BrokerRegistration 62 4 BrokerRegistrationRequest BrokerRegistrationResponse,
    BrokerHeartbeat 63 1 BrokerHeartbeatRequest BrokerHeartbeatResponse,
    UnregisterBroker 64 0 UnregisterBrokerRequest UnregisterBrokerResponse,
    DescribeTransactions 65 0 DescribeTransactionsRequest DescribeTransactionsResponse,
    ListTransactions 66 2 ListTransactionsRequest ListTransactionsResponse,
    AllocateProducerIds 67 0 AllocateProducerIdsRequest AllocateProducerIdsResponse,
    ConsumerGroupHeartbeat 68 1 ConsumerGroupHeartbeatRequest ConsumerGroupHeartbeatResponse,
    ConsumerGroupDescribe 69 1 ConsumerGroupDescribeRequest ConsumerGroupDescribeResponse,
    ControllerRegistration 70 0 ControllerRegistrationRequest ControllerRegistrationResponse,
    AssignReplicasToDirs 73 0 AssignReplicasToDirsRequest AssignReplicasToDirsResponse,
    ListConfigResources 74 1 ListConfigResourcesRequest ListConfigResourcesResponse,
    DescribeTopicPartitions 75 0 DescribeTopicPartitionsRequest DescribeTopicPartitionsResponse,
    ShareGroupHeartbeat 76 1 ShareGroupHeartbeatRequest ShareGroupHeartbeatResponse,
    AddRaftVoter 80 0 AddRaftVoterRequest AddRaftVoterResponse,
    RemoveRaftVoter 81 0 RemoveRaftVoterRequest RemoveRaftVoterResponse,
}
