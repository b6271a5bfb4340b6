//! Error codes as Java clients name them (`org.apache.kafka.common.protocol.Errors`): the exception's class and its standing message.

use kafka_protocol::protocol::StrBytes;

/// An exception as a tool prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// With its package.
    pub class: String,
    pub message: Option<String>,
}

impl Exception {
    pub fn new(class: &str, message: impl Into<String>) -> Exception {
        Exception { class: class.to_owned(), message: Some(message.into()) }
    }

    /// What a client throws for an error code and the broker's own message, if it sent one.
    pub fn of(code: i16, message: Option<&StrBytes>) -> Exception {
        let standing = find(code);
        let message = message.map_or(standing.3, |message| message.as_str());
        Exception { class: format!("org.apache.kafka.common.{}", standing.2), message: Some(message.to_owned()) }
    }

    /// The message alone (`getMessage`), `null` if there is none.
    pub fn text(&self) -> &str {
        self.message.as_deref().unwrap_or("null")
    }
}

impl std::fmt::Display for Exception {
    /// As `Throwable.toString`: the first line of a stack trace.
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{}: {message}", self.class),
            None => f.write_str(&self.class),
        }
    }
}

/// `UNKNOWN_TOPIC_OR_PARTITION` and its like.
pub fn name(code: i16) -> &'static str {
    if code == 0 { "NONE" } else { find(code).1 }
}

fn find(code: i16) -> &'static (i16, &'static str, &'static str, &'static str) {
    let at = ERRORS.binary_search_by_key(&code, |error| error.0).unwrap_or(0);
    &ERRORS[at]
}

/// Code, name, class below `org.apache.kafka.common.`, message; by code.
#[rustfmt::skip]
const ERRORS: &[(i16, &str, &str, &str)] = &[
    (-1, "UNKNOWN_SERVER_ERROR", "errors.UnknownServerException", "The server experienced an unexpected error when processing the request."),
    (1, "OFFSET_OUT_OF_RANGE", "errors.OffsetOutOfRangeException", "The requested offset is not within the range of offsets maintained by the server."),
    (2, "CORRUPT_MESSAGE", "errors.CorruptRecordException", "This message has failed its CRC checksum, exceeds the valid size, has a null key for a compacted topic, or is otherwise corrupt."),
    (3, "UNKNOWN_TOPIC_OR_PARTITION", "errors.UnknownTopicOrPartitionException", "This server does not host this topic-partition."),
    (4, "INVALID_FETCH_SIZE", "errors.InvalidFetchSizeException", "The requested fetch size is invalid."),
    (5, "LEADER_NOT_AVAILABLE", "errors.LeaderNotAvailableException", "There is no leader for this topic-partition as we are in the middle of a leadership election."),
    (6, "NOT_LEADER_OR_FOLLOWER", "errors.NotLeaderOrFollowerException", "For requests intended only for the leader, this error indicates that the broker is not the current leader. For requests intended for any replica, this error indicates that the broker is not a replica of the topic partition."),
    (7, "REQUEST_TIMED_OUT", "errors.TimeoutException", "The request timed out."),
    (8, "BROKER_NOT_AVAILABLE", "errors.BrokerNotAvailableException", "The broker is not available."),
    (9, "REPLICA_NOT_AVAILABLE", "errors.ReplicaNotAvailableException", "The replica is not available for the requested topic-partition. Produce/Fetch requests and other requests intended only for the leader or follower return NOT_LEADER_OR_FOLLOWER if the broker is not a replica of the topic-partition."),
    (10, "MESSAGE_TOO_LARGE", "errors.RecordTooLargeException", "The request included a message larger than the max message size the server will accept."),
    (11, "STALE_CONTROLLER_EPOCH", "errors.ControllerMovedException", "The controller moved to another broker."),
    (12, "OFFSET_METADATA_TOO_LARGE", "errors.OffsetMetadataTooLarge", "The metadata field of the offset request was too large."),
    (13, "NETWORK_EXCEPTION", "errors.NetworkException", "The server disconnected before a response was received."),
    (14, "COORDINATOR_LOAD_IN_PROGRESS", "errors.CoordinatorLoadInProgressException", "The coordinator is loading and hence can't process requests."),
    (15, "COORDINATOR_NOT_AVAILABLE", "errors.CoordinatorNotAvailableException", "The coordinator is not available."),
    (16, "NOT_COORDINATOR", "errors.NotCoordinatorException", "This is not the correct coordinator."),
    (17, "INVALID_TOPIC_EXCEPTION", "errors.InvalidTopicException", "The request attempted to perform an operation on an invalid topic."),
    (18, "RECORD_LIST_TOO_LARGE", "errors.RecordBatchTooLargeException", "The request included message batch larger than the configured segment size on the server."),
    (19, "NOT_ENOUGH_REPLICAS", "errors.NotEnoughReplicasException", "Messages are rejected since there are fewer in-sync replicas than required."),
    (20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "errors.NotEnoughReplicasAfterAppendException", "Messages are written to the log, but to fewer in-sync replicas than required."),
    (21, "INVALID_REQUIRED_ACKS", "errors.InvalidRequiredAcksException", "Produce request specified an invalid value for required acks."),
    (22, "ILLEGAL_GENERATION", "errors.IllegalGenerationException", "Specified group generation id is not valid."),
    (23, "INCONSISTENT_GROUP_PROTOCOL", "errors.InconsistentGroupProtocolException", "The group member's supported protocols are incompatible with those of existing members or first group member tried to join with empty protocol type or empty protocol list."),
    (24, "INVALID_GROUP_ID", "errors.InvalidGroupIdException", "The group id is invalid."),
    (25, "UNKNOWN_MEMBER_ID", "errors.UnknownMemberIdException", "The coordinator is not aware of this member."),
    (26, "INVALID_SESSION_TIMEOUT", "errors.InvalidSessionTimeoutException", "The session timeout is not within the range allowed by the broker (as configured by group.min.session.timeout.ms and group.max.session.timeout.ms)."),
    (27, "REBALANCE_IN_PROGRESS", "errors.RebalanceInProgressException", "The group is rebalancing, so a rejoin is needed."),
    (28, "INVALID_COMMIT_OFFSET_SIZE", "errors.InvalidCommitOffsetSizeException", "The committing offset data size is not valid."),
    (29, "TOPIC_AUTHORIZATION_FAILED", "errors.TopicAuthorizationException", "Topic authorization failed."),
    (30, "GROUP_AUTHORIZATION_FAILED", "errors.GroupAuthorizationException", "Group authorization failed."),
    (31, "CLUSTER_AUTHORIZATION_FAILED", "errors.ClusterAuthorizationException", "Cluster authorization failed."),
    (32, "INVALID_TIMESTAMP", "errors.InvalidTimestampException", "The timestamp of the message is out of acceptable range."),
    (33, "UNSUPPORTED_SASL_MECHANISM", "errors.UnsupportedSaslMechanismException", "The broker does not support the requested SASL mechanism."),
    (34, "ILLEGAL_SASL_STATE", "errors.IllegalSaslStateException", "Request is not valid given the current SASL state."),
    (35, "UNSUPPORTED_VERSION", "errors.UnsupportedVersionException", "The version of API is not supported."),
    (36, "TOPIC_ALREADY_EXISTS", "errors.TopicExistsException", "Topic with this name already exists."),
    (37, "INVALID_PARTITIONS", "errors.InvalidPartitionsException", "Number of partitions is below 1."),
    (38, "INVALID_REPLICATION_FACTOR", "errors.InvalidReplicationFactorException", "Replication factor is below 1 or larger than the number of available brokers."),
    (39, "INVALID_REPLICA_ASSIGNMENT", "errors.InvalidReplicaAssignmentException", "Replica assignment is invalid."),
    (40, "INVALID_CONFIG", "errors.InvalidConfigurationException", "Configuration is invalid."),
    (41, "NOT_CONTROLLER", "errors.NotControllerException", "This is not the correct controller for this cluster."),
    (42, "INVALID_REQUEST", "errors.InvalidRequestException", "This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details."),
    (43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", "errors.UnsupportedForMessageFormatException", "The message format version on the broker does not support the request."),
    (44, "POLICY_VIOLATION", "errors.PolicyViolationException", "Request parameters do not satisfy the configured policy."),
    (45, "OUT_OF_ORDER_SEQUENCE_NUMBER", "errors.OutOfOrderSequenceException", "The broker received an out of order sequence number."),
    (46, "DUPLICATE_SEQUENCE_NUMBER", "errors.DuplicateSequenceException", "The broker received a duplicate sequence number."),
    (47, "INVALID_PRODUCER_EPOCH", "errors.InvalidProducerEpochException", "Producer attempted to produce with an old epoch."),
    (48, "INVALID_TXN_STATE", "errors.InvalidTxnStateException", "The producer attempted a transactional operation in an invalid state."),
    (49, "INVALID_PRODUCER_ID_MAPPING", "errors.InvalidPidMappingException", "The producer attempted to use a producer id which is not currently assigned to its transactional id."),
    (50, "INVALID_TRANSACTION_TIMEOUT", "errors.InvalidTxnTimeoutException", "The transaction timeout is larger than the maximum value allowed by the broker (as configured by transaction.max.timeout.ms)."),
    (51, "CONCURRENT_TRANSACTIONS", "errors.ConcurrentTransactionsException", "The producer attempted to update a transaction while another concurrent operation on the same transaction was ongoing."),
    (52, "TRANSACTION_COORDINATOR_FENCED", "errors.TransactionCoordinatorFencedException", "Indicates that the transaction coordinator sending a WriteTxnMarker is no longer the current coordinator for a given producer."),
    (53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "errors.TransactionalIdAuthorizationException", "Transactional Id authorization failed."),
    (54, "SECURITY_DISABLED", "errors.SecurityDisabledException", "Security features are disabled."),
    (55, "OPERATION_NOT_ATTEMPTED", "errors.OperationNotAttemptedException", "The broker did not attempt to execute this operation. This may happen for batched RPCs where some operations in the batch failed, causing the broker to respond without trying the rest."),
    (56, "KAFKA_STORAGE_ERROR", "errors.KafkaStorageException", "Disk error when trying to access log file on the disk."),
    (57, "LOG_DIR_NOT_FOUND", "errors.LogDirNotFoundException", "The user-specified log directory is not found in the broker config."),
    (58, "SASL_AUTHENTICATION_FAILED", "errors.SaslAuthenticationException", "SASL Authentication failed."),
    (59, "UNKNOWN_PRODUCER_ID", "errors.UnknownProducerIdException", "This exception is raised by the broker if it could not locate the producer metadata associated with the producerId in question. This could happen if, for instance, the producer's records were deleted because their retention time had elapsed. Once the last records of the producerId are removed, the producer's metadata is removed from the broker, and future appends by the producer will return this exception."),
    (60, "REASSIGNMENT_IN_PROGRESS", "errors.ReassignmentInProgressException", "A partition reassignment is in progress."),
    (61, "DELEGATION_TOKEN_AUTH_DISABLED", "errors.DelegationTokenDisabledException", "Delegation Token feature is not enabled."),
    (62, "DELEGATION_TOKEN_NOT_FOUND", "errors.DelegationTokenNotFoundException", "Delegation Token is not found on server."),
    (63, "DELEGATION_TOKEN_OWNER_MISMATCH", "errors.DelegationTokenOwnerMismatchException", "Specified Principal is not valid Owner/Renewer."),
    (64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", "errors.UnsupportedByAuthenticationException", "Delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels and on delegation token authenticated channels."),
    (65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", "errors.DelegationTokenAuthorizationException", "Delegation Token authorization failed."),
    (66, "DELEGATION_TOKEN_EXPIRED", "errors.DelegationTokenExpiredException", "Delegation Token is expired."),
    (67, "INVALID_PRINCIPAL_TYPE", "errors.InvalidPrincipalTypeException", "Supplied principalType is not supported."),
    (68, "NON_EMPTY_GROUP", "errors.GroupNotEmptyException", "The group is not empty."),
    (69, "GROUP_ID_NOT_FOUND", "errors.GroupIdNotFoundException", "The group id does not exist."),
    (70, "FETCH_SESSION_ID_NOT_FOUND", "errors.FetchSessionIdNotFoundException", "The fetch session ID was not found."),
    (71, "INVALID_FETCH_SESSION_EPOCH", "errors.InvalidFetchSessionEpochException", "The fetch session epoch is invalid."),
    (72, "LISTENER_NOT_FOUND", "errors.ListenerNotFoundException", "There is no listener on the leader broker that matches the listener on which metadata request was processed."),
    (73, "TOPIC_DELETION_DISABLED", "errors.TopicDeletionDisabledException", "Topic deletion is disabled."),
    (74, "FENCED_LEADER_EPOCH", "errors.FencedLeaderEpochException", "The leader epoch in the request is older than the epoch on the broker."),
    (75, "UNKNOWN_LEADER_EPOCH", "errors.UnknownLeaderEpochException", "The leader epoch in the request is newer than the epoch on the broker."),
    (76, "UNSUPPORTED_COMPRESSION_TYPE", "errors.UnsupportedCompressionTypeException", "The requesting client does not support the compression type of given partition."),
    (77, "STALE_BROKER_EPOCH", "errors.StaleBrokerEpochException", "Broker epoch has changed."),
    (78, "OFFSET_NOT_AVAILABLE", "errors.OffsetNotAvailableException", "The leader high watermark has not caught up from a recent leader election so the offsets cannot be guaranteed to be monotonically increasing."),
    (79, "MEMBER_ID_REQUIRED", "errors.MemberIdRequiredException", "The group member needs to have a valid member id before actually entering a consumer group."),
    (80, "PREFERRED_LEADER_NOT_AVAILABLE", "errors.PreferredLeaderNotAvailableException", "The preferred leader was not available."),
    (81, "GROUP_MAX_SIZE_REACHED", "errors.GroupMaxSizeReachedException", "The group has reached its maximum size."),
    (82, "FENCED_INSTANCE_ID", "errors.FencedInstanceIdException", "The broker rejected this static consumer since another consumer with the same group.instance.id has registered with a different member.id."),
    (83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", "errors.EligibleLeadersNotAvailableException", "Eligible topic partition leaders are not available."),
    (84, "ELECTION_NOT_NEEDED", "errors.ElectionNotNeededException", "Leader election not needed for topic partition."),
    (85, "NO_REASSIGNMENT_IN_PROGRESS", "errors.NoReassignmentInProgressException", "No partition reassignment is in progress."),
    (86, "GROUP_SUBSCRIBED_TO_TOPIC", "errors.GroupSubscribedToTopicException", "Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it."),
    (87, "INVALID_RECORD", "InvalidRecordException", "This record has failed the validation on broker and hence will be rejected."),
    (88, "UNSTABLE_OFFSET_COMMIT", "errors.UnstableOffsetCommitException", "There are unstable offsets that need to be cleared."),
    (89, "THROTTLING_QUOTA_EXCEEDED", "errors.ThrottlingQuotaExceededException", "The throttling quota has been exceeded."),
    (90, "PRODUCER_FENCED", "errors.ProducerFencedException", "There is a newer producer with the same transactionalId which fences the current one."),
    (91, "RESOURCE_NOT_FOUND", "errors.ResourceNotFoundException", "A request illegally referred to a resource that does not exist."),
    (92, "DUPLICATE_RESOURCE", "errors.DuplicateResourceException", "A request illegally referred to the same resource twice."),
    (93, "UNACCEPTABLE_CREDENTIAL", "errors.UnacceptableCredentialException", "Requested credential would not meet criteria for acceptability."),
    (94, "INCONSISTENT_VOTER_SET", "errors.InconsistentVoterSetException", "Indicates that the either the sender or recipient of a voter-only request is not one of the expected voters."),
    (95, "INVALID_UPDATE_VERSION", "errors.InvalidUpdateVersionException", "The given update version was invalid."),
    (96, "FEATURE_UPDATE_FAILED", "errors.FeatureUpdateFailedException", "Unable to update finalized features due to an unexpected server error."),
    (97, "PRINCIPAL_DESERIALIZATION_FAILURE", "errors.PrincipalDeserializationException", "Request principal deserialization failed during forwarding. This indicates an internal error on the broker cluster security setup."),
    (98, "SNAPSHOT_NOT_FOUND", "errors.SnapshotNotFoundException", "Requested snapshot was not found."),
    (99, "POSITION_OUT_OF_RANGE", "errors.PositionOutOfRangeException", "Requested position is not greater than or equal to zero, and less than the size of the snapshot."),
    (100, "UNKNOWN_TOPIC_ID", "errors.UnknownTopicIdException", "This server does not host this topic ID."),
    (101, "DUPLICATE_BROKER_REGISTRATION", "errors.DuplicateBrokerRegistrationException", "This broker ID is already in use."),
    (102, "BROKER_ID_NOT_REGISTERED", "errors.BrokerIdNotRegisteredException", "The given broker ID was not registered."),
    (103, "INCONSISTENT_TOPIC_ID", "errors.InconsistentTopicIdException", "The log's topic ID did not match the topic ID in the request."),
    (104, "INCONSISTENT_CLUSTER_ID", "errors.InconsistentClusterIdException", "The clusterId in the request does not match that found on the server."),
    (105, "TRANSACTIONAL_ID_NOT_FOUND", "errors.TransactionalIdNotFoundException", "The transactionalId could not be found."),
    (106, "FETCH_SESSION_TOPIC_ID_ERROR", "errors.FetchSessionTopicIdException", "The fetch session encountered inconsistent topic ID usage."),
    (107, "INELIGIBLE_REPLICA", "errors.IneligibleReplicaException", "The new ISR contains at least one ineligible replica."),
    (108, "NEW_LEADER_ELECTED", "errors.NewLeaderElectedException", "The AlterPartition request successfully updated the partition state but the leader has changed."),
    (109, "OFFSET_MOVED_TO_TIERED_STORAGE", "errors.OffsetMovedToTieredStorageException", "The requested offset is moved to tiered storage."),
    (110, "FENCED_MEMBER_EPOCH", "errors.FencedMemberEpochException", "The member epoch is fenced by the group coordinator. The member must abandon all its partitions and rejoin."),
    (111, "UNRELEASED_INSTANCE_ID", "errors.UnreleasedInstanceIdException", "The instance ID is still used by another member in the consumer group. That member must leave first."),
    (112, "UNSUPPORTED_ASSIGNOR", "errors.UnsupportedAssignorException", "The assignor or its version range is not supported by the consumer group."),
    (113, "STALE_MEMBER_EPOCH", "errors.StaleMemberEpochException", "The member epoch is stale. The member must retry after receiving its updated member epoch via the ConsumerGroupHeartbeat API."),
    (114, "MISMATCHED_ENDPOINT_TYPE", "errors.MismatchedEndpointTypeException", "The request was sent to an endpoint of the wrong type."),
    (115, "UNSUPPORTED_ENDPOINT_TYPE", "errors.UnsupportedEndpointTypeException", "This endpoint type is not supported yet."),
    (116, "UNKNOWN_CONTROLLER_ID", "errors.UnknownControllerIdException", "This controller ID is not known."),
    (117, "UNKNOWN_SUBSCRIPTION_ID", "errors.UnknownSubscriptionIdException", "Client sent a push telemetry request with an invalid or outdated subscription ID."),
    (118, "TELEMETRY_TOO_LARGE", "errors.TelemetryTooLargeException", "Client sent a push telemetry request larger than the maximum size the broker will accept."),
    (119, "INVALID_REGISTRATION", "errors.InvalidRegistrationException", "The controller has considered the broker registration to be invalid."),
    (120, "TRANSACTION_ABORTABLE", "errors.TransactionAbortableException", "The server encountered an error with the transaction. The client can abort the transaction to continue using this transactional ID."),
    (121, "INVALID_RECORD_STATE", "errors.InvalidRecordStateException", "The record state is invalid. The acknowledgement of delivery could not be completed."),
    (122, "SHARE_SESSION_NOT_FOUND", "errors.ShareSessionNotFoundException", "The share session was not found."),
    (123, "INVALID_SHARE_SESSION_EPOCH", "errors.InvalidShareSessionEpochException", "The share session epoch is invalid."),
    (124, "FENCED_STATE_EPOCH", "errors.FencedStateEpochException", "The share coordinator rejected the request because the share-group state epoch did not match."),
    (125, "INVALID_VOTER_KEY", "errors.InvalidVoterKeyException", "The voter key doesn't match the receiving replica's key."),
    (126, "DUPLICATE_VOTER", "errors.DuplicateVoterException", "The voter is already part of the set of voters."),
    (127, "VOTER_NOT_FOUND", "errors.VoterNotFoundException", "The voter is not part of the set of voters."),
    (128, "INVALID_REGULAR_EXPRESSION", "errors.InvalidRegularExpression", "The regular expression is not valid."),
    (129, "REBOOTSTRAP_REQUIRED", "errors.RebootstrapRequiredException", "Client metadata is stale. The client should rebootstrap to obtain new metadata."),
    (130, "STREAMS_INVALID_TOPOLOGY", "errors.StreamsInvalidTopologyException", "The supplied topology is invalid."),
    (131, "STREAMS_INVALID_TOPOLOGY_EPOCH", "errors.StreamsInvalidTopologyEpochException", "The supplied topology epoch is invalid."),
    (132, "STREAMS_TOPOLOGY_FENCED", "errors.StreamsTopologyFencedException", "The supplied topology epoch is outdated."),
    (133, "SHARE_SESSION_LIMIT_REACHED", "errors.ShareSessionLimitReachedException", "The limit of share sessions has been reached."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_a_client_throws_them() {
        let exists = Exception::of(36, Some(&StrBytes::from_static_str("Topic 'orders' already exists.")));
        assert_eq!(exists.to_string(), "org.apache.kafka.common.errors.TopicExistsException: Topic 'orders' already exists.");
        assert_eq!(
            Exception::of(69, None).to_string(),
            "org.apache.kafka.common.errors.GroupIdNotFoundException: The group id does not exist."
        );
        assert_eq!(name(3), "UNKNOWN_TOPIC_OR_PARTITION");
        assert_eq!(name(3000), "UNKNOWN_SERVER_ERROR");
        assert!(ERRORS.is_sorted_by_key(|error| error.0));
    }
}
