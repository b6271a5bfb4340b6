//! What an answer says of itself: whether to try again, and who coordinates.

use super::*;
use crate::kafka::protocol::api::Api;

/// The error in an answer that makes the client try again: the wrong node was asked.
pub(super) fn retriable_code(response: &Response, target: &Target) -> Option<i16> {
    let codes: Vec<i16> = match response {
        Response::CreateTopics(body) => body.topics.iter().map(|topic| topic.error_code).collect(),
        Response::DeleteTopics(body) => body.responses.iter().map(|topic| topic.error_code).collect(),
        Response::CreatePartitions(body) => body.results.iter().map(|topic| topic.error_code).collect(),
        Response::IncrementalAlterConfigs(body) => body.responses.iter().map(|resource| resource.error_code).collect(),
        Response::ElectLeaders(body) => vec![body.error_code],
        Response::ListPartitionReassignments(body) => vec![body.error_code],
        Response::DescribeCluster(body) => vec![body.error_code],
        Response::DescribeGroups(body) => body.groups.iter().map(|group| group.error_code).collect(),
        Response::ConsumerGroupDescribe(body) => body.groups.iter().map(|group| group.error_code).collect(),
        Response::DeleteGroups(body) => body.results.iter().map(|group| group.error_code).collect(),
        Response::OffsetDelete(body) => vec![body.error_code],
        Response::OffsetCommit(body) => {
            body.topics.iter().flat_map(|topic| &topic.partitions).map(|partition| partition.error_code).collect()
        }
        Response::OffsetFetch(body) => body.groups.iter().map(|group| group.error_code).collect(),
        Response::ListGroups(body) => vec![body.error_code],
        Response::ListTransactions(body) => vec![body.error_code],
        Response::DescribeTransactions(body) => body.transaction_states.iter().map(|state| state.error_code).collect(),
        Response::InitProducerId(body) => vec![body.error_code],
        Response::DescribeProducers(body) => {
            body.topics.iter().flat_map(|topic| &topic.partitions).map(|partition| partition.error_code).collect()
        }
        _ => Vec::new(),
    };
    codes.into_iter().find(|&code| {
        let wrong_node = matches!(code, COORDINATOR_LOAD_IN_PROGRESS | COORDINATOR_NOT_AVAILABLE | NOT_COORDINATOR | NOT_CONTROLLER);
        // What is asked of a partition's leader goes on until there is one.
        let no_leader = code == UNKNOWN_TOPIC_OR_PARTITION || code == NOT_LEADER_OR_FOLLOWER && matches!(target, Target::Leader(_));
        let of_partition = matches!(response, Response::DescribeProducers(_)) && no_leader;
        wrong_node
            || of_partition
            || code == CONCURRENT_TRANSACTIONS
            || code == REQUEST_TIMED_OUT && !matches!(response, Response::CreateTopics(_) | Response::DeleteTopics(_))
    })
}

/// Whether the client has a way to ask controllers (`NodeProvider.supportsUseControllers`).
pub(super) fn is_for_controllers(api: Api) -> bool {
    matches!(
        api,
        Api::DescribeCluster
            | Api::DescribeAcls
            | Api::CreateAcls
            | Api::DeleteAcls
            | Api::DescribeConfigs
            | Api::IncrementalAlterConfigs
            | Api::AlterPartitionReassignments
            | Api::ListPartitionReassignments
            | Api::ApiVersions
            | Api::UpdateFeatures
            | Api::DescribeQuorum
            | Api::UnregisterBroker
            | Api::AddRaftVoter
            | Api::RemoveRaftVoter
    )
}

type Lookup = Result<(BrokerId, HostPort), (i16, Option<String>)>;

pub(super) fn coordinator_of(response: &FindCoordinatorResponse) -> Lookup {
    let Some(found) = response.coordinators.first() else { return Err((COORDINATOR_NOT_AVAILABLE, None)) };
    match found.error_code {
        errors::NONE => Ok((BrokerId(found.node_id.0), HostPort { host: found.host.to_string(), port: found.port as u16 })),
        code => Err((code, found.error_message.as_ref().map(|message| message.to_string()))),
    }
}
