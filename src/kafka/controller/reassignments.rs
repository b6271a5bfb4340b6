//! Moving replicas (`ReplicationControlManager.alterPartitionReassignments`, `listPartitionReassignments`; KIP-455).
//!
//! A reassignment begins with one change that adds the new replicas. It ends by itself, in the change that brings the last of them into the
//! ISR (`metadata::reassignment`).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_partition_reassignments_request::ReassignablePartition;
use kafka_protocol::messages::alter_partition_reassignments_response::{ReassignablePartitionResponse, ReassignableTopicResponse};
use kafka_protocol::messages::list_partition_reassignments_response::{OngoingPartitionReassignment, OngoingTopicReassignment};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, BrokerId, ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::{Outcome, State};
use crate::kafka::metadata::change::{ChangeBuilder, Election};
use crate::kafka::metadata::image::{PartitionRegistration, TopicImage};
use crate::kafka::metadata::reassignment::{Reassignment, Revert};
use crate::kafka::metadata::record::{MetadataRecord, PartitionChange};

type Refusal = (ResponseError, String);

impl State {
    /// AlterPartitionReassignments: each partition succeeds or fails alone.
    #[inline(never)]
    pub fn alter_partition_reassignments(&self, request: &AlterPartitionReassignmentsRequest) -> Outcome {
        let (mut records, mut responses) = (Vec::new(), Vec::new());
        for topic in &request.topics {
            let mut answers = Vec::new();
            for target in &topic.partitions {
                let (error, message) = match self.reassign(topic.name.as_str(), target, request.allow_replication_factor_change) {
                    Ok(change) => {
                        records.extend(change.map(MetadataRecord::PartitionChange));
                        (0, None)
                    }
                    // `ApiError.fromThrowable`: what was not foreseen is told by its code only.
                    Err((error @ ResponseError::UnknownServerError, _)) => (error.code(), None),
                    Err((error, message)) => (error.code(), Some(StrBytes::from_string(message))),
                };
                let answer = ReassignablePartitionResponse::default()
                    .with_partition_index(target.partition_index)
                    .with_error_code(error)
                    .with_error_message(message);
                answers.push(answer);
            }
            responses.push(ReassignableTopicResponse::default().with_name(topic.name.clone()).with_partitions(answers));
        }
        let response = AlterPartitionReassignmentsResponse::default()
            .with_allow_replication_factor_change(request.allow_replication_factor_change)
            .with_responses(responses);
        Outcome { records, response: response.into() }
    }

    /// ListPartitionReassignments: what goes on, of these partitions or of all.
    #[inline(never)]
    pub fn list_partition_reassignments(&self, request: &ListPartitionReassignmentsRequest) -> Outcome {
        let asked = |name: &str, partition: i32| match &request.topics {
            None => true,
            Some(topics) => topics.iter().any(|topic| topic.name.as_str() == name && topic.partition_indexes.contains(&partition)),
        };
        let mut topics: Vec<OngoingTopicReassignment> = Vec::new();
        let moving = self.image.partitions().filter(|(_, _, partition)| partition.is_reassigning());
        for (topic, n, partition) in moving.filter(|(topic, n, _)| asked(&topic.name, *n)) {
            let ongoing = OngoingPartitionReassignment::default()
                .with_partition_index(n)
                .with_replicas(nodes(&partition.replicas))
                .with_adding_replicas(nodes(&partition.adding))
                .with_removing_replicas(nodes(&partition.removing));
            match topics.last_mut().filter(|last| last.name.as_str() == &*topic.name) {
                Some(last) => last.partitions.push(ongoing),
                None => {
                    let name = TopicName(StrBytes::from_string(topic.name.to_string()));
                    topics.push(OngoingTopicReassignment::default().with_name(name).with_partitions(vec![ongoing]));
                }
            }
        }
        Outcome::only(ListPartitionReassignmentsResponse::default().with_topics(topics))
    }

    fn reassign(&self, name: &str, target: &ReassignablePartition, may_change_factor: bool) -> Result<Option<PartitionChange>, Refusal> {
        let unknown = |message: String| (ResponseError::UnknownTopicOrPartition, message);
        let topic = self.image.topic(name).ok_or_else(|| unknown(format!("Unable to find a topic named {name}.")))?;
        let n = target.partition_index;
        let partition = topic.partition(n).ok_or_else(|| unknown(format!("Unable to find partition {name}:{n}.")))?;
        let Some(replicas) = &target.replicas else { return self.cancel_reassignment(topic, n, partition) };
        let replicas: Vec<i32> = replicas.iter().map(|id| id.0).collect();
        let factor = partition.replicas.len() - partition.removing.len();
        if !may_change_factor && factor != replicas.len() {
            let message = format!("The replication factor is changed from {factor} to {}", replicas.len());
            return Err((ResponseError::InvalidReplicationFactor, message));
        }
        self.check_assignment(&replicas, replicas.len())?;
        // changePartitionReassignment. It takes no account of unclean elections.
        let way = Reassignment::between(&partition.replicas, &replicas);
        let now = Reassignment::of(partition);
        let or_as_it_is = |wanted: Vec<i32>, is: Vec<i32>| if wanted.is_empty() { is } else { wanted };
        let target = Reassignment {
            replicas: way.replicas,
            removing: or_as_it_is(way.removing, now.removing),
            adding: or_as_it_is(way.adding, now.adding),
        };
        let acceptable = |replica| self.image.is_active(replica);
        let builder = ChangeBuilder { election: Election::Online, target, ..self.builder(topic, n, partition, &acceptable) };
        builder.build_reassignment().map_err(|strange| (ResponseError::UnknownServerError, strange.to_string()))
    }

    /// cancelPartitionReassignment: back to the original replicas.
    fn cancel_reassignment(
        &self,
        topic: &TopicImage,
        n: i32,
        partition: &PartitionRegistration,
    ) -> Result<Option<PartitionChange>, Refusal> {
        if !partition.is_reassigning() {
            return Err((ResponseError::NoReassignmentInProgress, "No partition reassignment is in progress.".into()));
        }
        let invalid = |message: String| (ResponseError::InvalidReplicaAssignment, message);
        let revert = Reassignment::of(partition).reverted(&partition.isr);
        let Some(Revert { replicas, isr, unclean }) = revert else {
            return Err(invalid("Invalid replica assignment: addingReplicas contains all replicas.".into()));
        };
        if unclean && !self.unclean_election_enabled(&topic.name) {
            return Err(invalid(format!(
                "Unable to revert partition assignment for {}:{n} because it would require an unclean leader election.",
                topic.name
            )));
        }
        let target = Reassignment { replicas, ..Reassignment::default() };
        let acceptable = |replica| self.image.is_active(replica);
        Ok(ChangeBuilder { target_isr: isr, target, ..self.builder(topic, n, partition, &acceptable) }.build())
    }
}

fn nodes(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().map(|&id| BrokerId(id)).collect()
}
