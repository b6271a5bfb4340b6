//! Kafka's error codes with what Java makes of them (`org.apache.kafka.common.protocol.Errors`): names, exceptions, texts.
//!
//! Printed from the class itself, of 4.3.1. Tools print exceptions, so their class names and messages are part of what a learner sees.

/// One line of `Errors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorInfo {
    pub code: i16,
    /// `NOT_LEADER_OR_FOLLOWER`.
    pub name: &'static str,
    /// `NotLeaderOrFollowerException`, in `org.apache.kafka.common.errors`.
    pub exception: &'static str,
    pub retry: Retry,
    /// What Kafka says where the broker sent no message of its own.
    pub message: &'static str,
}

/// What a client does about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    Never,
    /// `RetriableException`.
    Retriable,
    /// `InvalidMetadataException`: retriable, after new metadata.
    RefreshMetadata,
}

pub const NONE: i16 = 0;

/// The line of a code; a code that is not known is an `UNKNOWN_SERVER_ERROR`, as in `Errors.forCode`.
pub fn info(code: i16) -> &'static ErrorInfo {
    ERRORS.iter().find(|error| error.code == code).unwrap_or(&ERRORS[0])
}

/// The line of an exception, by its class without the package.
pub fn of_exception(class: &str) -> Option<&'static ErrorInfo> {
    ERRORS.iter().find(|error| error.exception == class)
}

impl ErrorInfo {
    pub fn is_retriable(&self) -> bool {
        self.retry != Retry::Never
    }

    pub fn refreshes_metadata(&self) -> bool {
        self.retry == Retry::RefreshMetadata
    }
}

const fn e(code: i16, name: &'static str, exception: &'static str, retry: Retry, message: &'static str) -> ErrorInfo {
    ErrorInfo { code, name, exception, retry, message }
}

use Retry::{Never as N, RefreshMetadata as M, Retriable as R};

#[rustfmt::skip]
const ERRORS: &[ErrorInfo] = &[
    e(-1, "UNKNOWN_SERVER_ERROR", "UnknownServerException", N, "The server experienced an unexpected error when processing the request."),
    e(0, "NONE", "", N, ""),
    e(1, "OFFSET_OUT_OF_RANGE", "OffsetOutOfRangeException", N, "The requested offset is not within the range of offsets maintained by the server."),
    e(2, "CORRUPT_MESSAGE", "CorruptRecordException", R, "This message has failed its CRC checksum, exceeds the valid size, has a null key for a compacted topic, or is otherwise corrupt."),
    e(3, "UNKNOWN_TOPIC_OR_PARTITION", "UnknownTopicOrPartitionException", M, "This server does not host this topic-partition."),
    e(4, "INVALID_FETCH_SIZE", "InvalidFetchSizeException", N, "The requested fetch size is invalid."),
    e(5, "LEADER_NOT_AVAILABLE", "LeaderNotAvailableException", M, "There is no leader for this topic-partition as we are in the middle of a leadership election."),
    e(6, "NOT_LEADER_OR_FOLLOWER", "NotLeaderOrFollowerException", M, "For requests intended only for the leader, this error indicates that the broker is not the current leader. For requests intended for any replica, this error indicates that the broker is not a replica of the topic partition."),
    e(7, "REQUEST_TIMED_OUT", "TimeoutException", R, "The request timed out."),
    e(8, "BROKER_NOT_AVAILABLE", "BrokerNotAvailableException", N, "The broker is not available."),
    e(9, "REPLICA_NOT_AVAILABLE", "ReplicaNotAvailableException", M, "The replica is not available for the requested topic-partition. Produce/Fetch requests and other requests intended only for the leader or follower return NOT_LEADER_OR_FOLLOWER if the broker is not a replica of the topic-partition."),
    e(10, "MESSAGE_TOO_LARGE", "RecordTooLargeException", N, "The request included a message larger than the max message size the server will accept."),
    e(11, "STALE_CONTROLLER_EPOCH", "ControllerMovedException", N, "The controller moved to another broker."),
    e(12, "OFFSET_METADATA_TOO_LARGE", "OffsetMetadataTooLarge", N, "The metadata field of the offset request was too large."),
    e(13, "NETWORK_EXCEPTION", "NetworkException", M, "The server disconnected before a response was received."),
    e(14, "COORDINATOR_LOAD_IN_PROGRESS", "CoordinatorLoadInProgressException", R, "The coordinator is loading and hence can't process requests."),
    e(15, "COORDINATOR_NOT_AVAILABLE", "CoordinatorNotAvailableException", R, "The coordinator is not available."),
    e(16, "NOT_COORDINATOR", "NotCoordinatorException", R, "This is not the correct coordinator."),
    e(17, "INVALID_TOPIC_EXCEPTION", "InvalidTopicException", N, "The request attempted to perform an operation on an invalid topic."),
    e(18, "RECORD_LIST_TOO_LARGE", "RecordBatchTooLargeException", N, "The request included message batch larger than the configured segment size on the server."),
    e(19, "NOT_ENOUGH_REPLICAS", "NotEnoughReplicasException", R, "Messages are rejected since there are fewer in-sync replicas than required."),
    e(20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "NotEnoughReplicasAfterAppendException", R, "Messages are written to the log, but to fewer in-sync replicas than required."),
    e(21, "INVALID_REQUIRED_ACKS", "InvalidRequiredAcksException", N, "Produce request specified an invalid value for required acks."),
    e(22, "ILLEGAL_GENERATION", "IllegalGenerationException", N, "Specified group generation id is not valid."),
    e(23, "INCONSISTENT_GROUP_PROTOCOL", "InconsistentGroupProtocolException", N, "The group member's supported protocols are incompatible with those of existing members or first group member tried to join with empty protocol type or empty protocol list."),
    e(24, "INVALID_GROUP_ID", "InvalidGroupIdException", N, "The group id is invalid."),
    e(25, "UNKNOWN_MEMBER_ID", "UnknownMemberIdException", N, "The coordinator is not aware of this member."),
    e(26, "INVALID_SESSION_TIMEOUT", "InvalidSessionTimeoutException", N, "The session timeout is not within the range allowed by the broker (as configured by group.min.session.timeout.ms and group.max.session.timeout.ms)."),
    e(27, "REBALANCE_IN_PROGRESS", "RebalanceInProgressException", N, "The group is rebalancing, so a rejoin is needed."),
    e(28, "INVALID_COMMIT_OFFSET_SIZE", "InvalidCommitOffsetSizeException", N, "The committing offset data size is not valid."),
    e(29, "TOPIC_AUTHORIZATION_FAILED", "TopicAuthorizationException", N, "Topic authorization failed."),
    e(30, "GROUP_AUTHORIZATION_FAILED", "GroupAuthorizationException", N, "Group authorization failed."),
    e(31, "CLUSTER_AUTHORIZATION_FAILED", "ClusterAuthorizationException", N, "Cluster authorization failed."),
    e(32, "INVALID_TIMESTAMP", "InvalidTimestampException", N, "The timestamp of the message is out of acceptable range."),
    e(33, "UNSUPPORTED_SASL_MECHANISM", "UnsupportedSaslMechanismException", N, "The broker does not support the requested SASL mechanism."),
    e(34, "ILLEGAL_SASL_STATE", "IllegalSaslStateException", N, "Request is not valid given the current SASL state."),
    e(35, "UNSUPPORTED_VERSION", "UnsupportedVersionException", N, "The version of API is not supported."),
    e(36, "TOPIC_ALREADY_EXISTS", "TopicExistsException", N, "Topic with this name already exists."),
    e(37, "INVALID_PARTITIONS", "InvalidPartitionsException", N, "Number of partitions is below 1."),
    e(38, "INVALID_REPLICATION_FACTOR", "InvalidReplicationFactorException", N, "Replication factor is below 1 or larger than the number of available brokers."),
    e(39, "INVALID_REPLICA_ASSIGNMENT", "InvalidReplicaAssignmentException", N, "Replica assignment is invalid."),
    e(40, "INVALID_CONFIG", "InvalidConfigurationException", N, "Configuration is invalid."),
    e(41, "NOT_CONTROLLER", "NotControllerException", R, "This is not the correct controller for this cluster."),
    e(42, "INVALID_REQUEST", "InvalidRequestException", N, "This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details."),
    e(43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", "UnsupportedForMessageFormatException", N, "The message format version on the broker does not support the request."),
    e(44, "POLICY_VIOLATION", "PolicyViolationException", N, "Request parameters do not satisfy the configured policy."),
    e(45, "OUT_OF_ORDER_SEQUENCE_NUMBER", "OutOfOrderSequenceException", N, "The broker received an out of order sequence number."),
    e(46, "DUPLICATE_SEQUENCE_NUMBER", "DuplicateSequenceException", N, "The broker received a duplicate sequence number."),
    e(47, "INVALID_PRODUCER_EPOCH", "InvalidProducerEpochException", N, "Producer attempted to produce with an old epoch."),
    e(48, "INVALID_TXN_STATE", "InvalidTxnStateException", N, "The producer attempted a transactional operation in an invalid state."),
    e(49, "INVALID_PRODUCER_ID_MAPPING", "InvalidPidMappingException", N, "The producer attempted to use a producer id which is not currently assigned to its transactional id."),
    e(50, "INVALID_TRANSACTION_TIMEOUT", "InvalidTxnTimeoutException", N, "The transaction timeout is larger than the maximum value allowed by the broker (as configured by transaction.max.timeout.ms)."),
    e(51, "CONCURRENT_TRANSACTIONS", "ConcurrentTransactionsException", R, "The producer attempted to update a transaction while another concurrent operation on the same transaction was ongoing."),
    e(52, "TRANSACTION_COORDINATOR_FENCED", "TransactionCoordinatorFencedException", N, "Indicates that the transaction coordinator sending a WriteTxnMarker is no longer the current coordinator for a given producer."),
    e(53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "TransactionalIdAuthorizationException", N, "Transactional Id authorization failed."),
    e(54, "SECURITY_DISABLED", "SecurityDisabledException", N, "Security features are disabled."),
    e(55, "OPERATION_NOT_ATTEMPTED", "OperationNotAttemptedException", N, "The broker did not attempt to execute this operation. This may happen for batched RPCs where some operations in the batch failed, causing the broker to respond without trying the rest."),
    e(56, "KAFKA_STORAGE_ERROR", "KafkaStorageException", M, "Disk error when trying to access log file on the disk."),
    e(57, "LOG_DIR_NOT_FOUND", "LogDirNotFoundException", N, "The user-specified log directory is not found in the broker config."),
    e(58, "SASL_AUTHENTICATION_FAILED", "SaslAuthenticationException", N, "SASL Authentication failed."),
    e(59, "UNKNOWN_PRODUCER_ID", "UnknownProducerIdException", N, "This exception is raised by the broker if it could not locate the producer metadata associated with the producerId in question. This could happen if, for instance, the producer's records were deleted because their retention time had elapsed. Once the last records of the producerId are removed, the producer's metadata is removed from the broker, and future appends by the producer will return this exception."),
    e(60, "REASSIGNMENT_IN_PROGRESS", "ReassignmentInProgressException", N, "A partition reassignment is in progress."),
    e(61, "DELEGATION_TOKEN_AUTH_DISABLED", "DelegationTokenDisabledException", N, "Delegation Token feature is not enabled."),
    e(62, "DELEGATION_TOKEN_NOT_FOUND", "DelegationTokenNotFoundException", N, "Delegation Token is not found on server."),
    e(63, "DELEGATION_TOKEN_OWNER_MISMATCH", "DelegationTokenOwnerMismatchException", N, "Specified Principal is not valid Owner/Renewer."),
    e(64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", "UnsupportedByAuthenticationException", N, "Delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels and on delegation token authenticated channels."),
    e(65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", "DelegationTokenAuthorizationException", N, "Delegation Token authorization failed."),
    e(66, "DELEGATION_TOKEN_EXPIRED", "DelegationTokenExpiredException", N, "Delegation Token is expired."),
    e(67, "INVALID_PRINCIPAL_TYPE", "InvalidPrincipalTypeException", N, "Supplied principalType is not supported."),
    e(68, "NON_EMPTY_GROUP", "GroupNotEmptyException", N, "The group is not empty."),
    e(69, "GROUP_ID_NOT_FOUND", "GroupIdNotFoundException", N, "The group id does not exist."),
    e(70, "FETCH_SESSION_ID_NOT_FOUND", "FetchSessionIdNotFoundException", R, "The fetch session ID was not found."),
    e(71, "INVALID_FETCH_SESSION_EPOCH", "InvalidFetchSessionEpochException", R, "The fetch session epoch is invalid."),
    e(72, "LISTENER_NOT_FOUND", "ListenerNotFoundException", M, "There is no listener on the leader broker that matches the listener on which metadata request was processed."),
    e(73, "TOPIC_DELETION_DISABLED", "TopicDeletionDisabledException", N, "Topic deletion is disabled."),
    e(74, "FENCED_LEADER_EPOCH", "FencedLeaderEpochException", M, "The leader epoch in the request is older than the epoch on the broker."),
    e(75, "UNKNOWN_LEADER_EPOCH", "UnknownLeaderEpochException", R, "The leader epoch in the request is newer than the epoch on the broker."),
    e(76, "UNSUPPORTED_COMPRESSION_TYPE", "UnsupportedCompressionTypeException", N, "The requesting client does not support the compression type of given partition."),
    e(77, "STALE_BROKER_EPOCH", "StaleBrokerEpochException", N, "Broker epoch has changed."),
    e(78, "OFFSET_NOT_AVAILABLE", "OffsetNotAvailableException", R, "The leader high watermark has not caught up from a recent leader election so the offsets cannot be guaranteed to be monotonically increasing."),
    e(79, "MEMBER_ID_REQUIRED", "MemberIdRequiredException", N, "The group member needs to have a valid member id before actually entering a consumer group."),
    e(80, "PREFERRED_LEADER_NOT_AVAILABLE", "PreferredLeaderNotAvailableException", M, "The preferred leader was not available."),
    e(81, "GROUP_MAX_SIZE_REACHED", "GroupMaxSizeReachedException", N, "The group has reached its maximum size."),
    e(82, "FENCED_INSTANCE_ID", "FencedInstanceIdException", N, "The broker rejected this static consumer since another consumer with the same group.instance.id has registered with a different member.id."),
    e(83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", "EligibleLeadersNotAvailableException", M, "Eligible topic partition leaders are not available."),
    e(84, "ELECTION_NOT_NEEDED", "ElectionNotNeededException", M, "Leader election not needed for topic partition."),
    e(85, "NO_REASSIGNMENT_IN_PROGRESS", "NoReassignmentInProgressException", N, "No partition reassignment is in progress."),
    e(86, "GROUP_SUBSCRIBED_TO_TOPIC", "GroupSubscribedToTopicException", N, "Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it."),
    e(87, "INVALID_RECORD", "InvalidRecordException", N, "This record has failed the validation on broker and hence will be rejected."),
    e(88, "UNSTABLE_OFFSET_COMMIT", "UnstableOffsetCommitException", R, "There are unstable offsets that need to be cleared."),
    e(89, "THROTTLING_QUOTA_EXCEEDED", "ThrottlingQuotaExceededException", R, "The throttling quota has been exceeded."),
    e(90, "PRODUCER_FENCED", "ProducerFencedException", N, "There is a newer producer with the same transactionalId which fences the current one."),
    e(91, "RESOURCE_NOT_FOUND", "ResourceNotFoundException", N, "A request illegally referred to a resource that does not exist."),
    e(92, "DUPLICATE_RESOURCE", "DuplicateResourceException", N, "A request illegally referred to the same resource twice."),
    e(93, "UNACCEPTABLE_CREDENTIAL", "UnacceptableCredentialException", N, "Requested credential would not meet criteria for acceptability."),
    e(94, "INCONSISTENT_VOTER_SET", "InconsistentVoterSetException", N, "Indicates that the either the sender or recipient of a voter-only request is not one of the expected voters."),
    e(95, "INVALID_UPDATE_VERSION", "InvalidUpdateVersionException", N, "The given update version was invalid."),
    e(96, "FEATURE_UPDATE_FAILED", "FeatureUpdateFailedException", N, "Unable to update finalized features due to an unexpected server error."),
    e(97, "PRINCIPAL_DESERIALIZATION_FAILURE", "PrincipalDeserializationException", N, "Request principal deserialization failed during forwarding. This indicates an internal error on the broker cluster security setup."),
    e(98, "SNAPSHOT_NOT_FOUND", "SnapshotNotFoundException", N, "Requested snapshot was not found."),
    e(99, "POSITION_OUT_OF_RANGE", "PositionOutOfRangeException", N, "Requested position is not greater than or equal to zero, and less than the size of the snapshot."),
    e(100, "UNKNOWN_TOPIC_ID", "UnknownTopicIdException", M, "This server does not host this topic ID."),
    e(101, "DUPLICATE_BROKER_REGISTRATION", "DuplicateBrokerRegistrationException", N, "This broker ID is already in use."),
    e(102, "BROKER_ID_NOT_REGISTERED", "BrokerIdNotRegisteredException", N, "The given broker ID was not registered."),
    e(103, "INCONSISTENT_TOPIC_ID", "InconsistentTopicIdException", M, "The log's topic ID did not match the topic ID in the request."),
    e(104, "INCONSISTENT_CLUSTER_ID", "InconsistentClusterIdException", N, "The clusterId in the request does not match that found on the server."),
    e(105, "TRANSACTIONAL_ID_NOT_FOUND", "TransactionalIdNotFoundException", N, "The transactionalId could not be found."),
    e(106, "FETCH_SESSION_TOPIC_ID_ERROR", "FetchSessionTopicIdException", R, "The fetch session encountered inconsistent topic ID usage."),
    e(107, "INELIGIBLE_REPLICA", "IneligibleReplicaException", N, "The new ISR contains at least one ineligible replica."),
    e(108, "NEW_LEADER_ELECTED", "NewLeaderElectedException", N, "The AlterPartition request successfully updated the partition state but the leader has changed."),
    e(109, "OFFSET_MOVED_TO_TIERED_STORAGE", "OffsetMovedToTieredStorageException", N, "The requested offset is moved to tiered storage."),
    e(110, "FENCED_MEMBER_EPOCH", "FencedMemberEpochException", N, "The member epoch is fenced by the group coordinator. The member must abandon all its partitions and rejoin."),
    e(111, "UNRELEASED_INSTANCE_ID", "UnreleasedInstanceIdException", N, "The instance ID is still used by another member in the consumer group. That member must leave first."),
    e(112, "UNSUPPORTED_ASSIGNOR", "UnsupportedAssignorException", N, "The assignor or its version range is not supported by the consumer group."),
    e(113, "STALE_MEMBER_EPOCH", "StaleMemberEpochException", N, "The member epoch is stale. The member must retry after receiving its updated member epoch via the ConsumerGroupHeartbeat API."),
    e(114, "MISMATCHED_ENDPOINT_TYPE", "MismatchedEndpointTypeException", N, "The request was sent to an endpoint of the wrong type."),
    e(115, "UNSUPPORTED_ENDPOINT_TYPE", "UnsupportedEndpointTypeException", N, "This endpoint type is not supported yet."),
    e(116, "UNKNOWN_CONTROLLER_ID", "UnknownControllerIdException", N, "This controller ID is not known."),
    e(117, "UNKNOWN_SUBSCRIPTION_ID", "UnknownSubscriptionIdException", N, "Client sent a push telemetry request with an invalid or outdated subscription ID."),
    e(118, "TELEMETRY_TOO_LARGE", "TelemetryTooLargeException", N, "Client sent a push telemetry request larger than the maximum size the broker will accept."),
    e(119, "INVALID_REGISTRATION", "InvalidRegistrationException", N, "The controller has considered the broker registration to be invalid."),
    e(120, "TRANSACTION_ABORTABLE", "TransactionAbortableException", N, "The server encountered an error with the transaction. The client can abort the transaction to continue using this transactional ID."),
    e(121, "INVALID_RECORD_STATE", "InvalidRecordStateException", N, "The record state is invalid. The acknowledgement of delivery could not be completed."),
    e(122, "SHARE_SESSION_NOT_FOUND", "ShareSessionNotFoundException", R, "The share session was not found."),
    e(123, "INVALID_SHARE_SESSION_EPOCH", "InvalidShareSessionEpochException", R, "The share session epoch is invalid."),
    e(124, "FENCED_STATE_EPOCH", "FencedStateEpochException", N, "The share coordinator rejected the request because the share-group state epoch did not match."),
    e(125, "INVALID_VOTER_KEY", "InvalidVoterKeyException", N, "The voter key doesn't match the receiving replica's key."),
    e(126, "DUPLICATE_VOTER", "DuplicateVoterException", N, "The voter is already part of the set of voters."),
    e(127, "VOTER_NOT_FOUND", "VoterNotFoundException", N, "The voter is not part of the set of voters."),
    e(128, "INVALID_REGULAR_EXPRESSION", "InvalidRegularExpression", N, "The regular expression is not valid."),
    e(129, "REBOOTSTRAP_REQUIRED", "RebootstrapRequiredException", N, "Client metadata is stale. The client should rebootstrap to obtain new metadata."),
    e(130, "STREAMS_INVALID_TOPOLOGY", "StreamsInvalidTopologyException", N, "The supplied topology is invalid."),
    e(131, "STREAMS_INVALID_TOPOLOGY_EPOCH", "StreamsInvalidTopologyEpochException", N, "The supplied topology epoch is invalid."),
    e(132, "STREAMS_TOPOLOGY_FENCED", "StreamsTopologyFencedException", N, "The supplied topology epoch is outdated."),
    e(133, "SHARE_SESSION_LIMIT_REACHED", "ShareSessionLimitReachedException", R, "The limit of share sessions has been reached."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_protocol_crate() {
        for error in ERRORS.iter().filter(|error| error.code > 0) {
            let known = kafka_protocol::ResponseError::try_from_code(error.code);
            let Some(known) = known else { continue };
            let name: String = format!("{known:?}").chars().filter(|c| c.is_alphanumeric()).collect();
            assert_eq!(name.to_uppercase(), error.name.replace('_', ""), "{}", error.code);
        }
    }
}
