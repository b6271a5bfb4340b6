//! Puts what was refused of a request to the answer of the rest, and takes out of answers what their reader may not see.

use super::acl::Operation;
use super::authorizer::Guard;
use crate::kafka::protocol::api::Response;

/// What was `refused` stands behind what was done.
pub fn merge(response: &mut Response, refused: Response) {
    match (response, refused) {
        (Response::Produce(body), Response::Produce(refused)) => body.responses.extend(refused.responses),
        (Response::ListOffsets(body), Response::ListOffsets(refused)) => body.topics.extend(refused.topics),
        (Response::Metadata(body), Response::Metadata(refused)) => body.topics.extend(refused.topics),
        (Response::DescribeTopicPartitions(body), Response::DescribeTopicPartitions(refused)) => {
            body.topics.extend(refused.topics);
            body.topics.sort_by(|a, b| a.name.as_ref().map(|name| name.as_str()).cmp(&b.name.as_ref().map(|name| name.as_str())));
        }
        (Response::DescribeProducers(body), Response::DescribeProducers(refused)) => body.topics.extend(refused.topics),
        (Response::DeleteRecords(body), Response::DeleteRecords(refused)) => body.topics.extend(refused.topics),
        (Response::OffsetForLeaderEpoch(body), Response::OffsetForLeaderEpoch(refused)) => body.topics.extend(refused.topics),
        (Response::OffsetCommit(body), Response::OffsetCommit(refused)) => body.topics.extend(refused.topics),
        (Response::OffsetFetch(body), Response::OffsetFetch(refused)) => {
            for refused in refused.groups {
                match body.groups.iter_mut().find(|group| group.group_id == refused.group_id) {
                    Some(group) if group.error_code == 0 => group.topics.extend(refused.topics),
                    Some(_) => {}
                    None => body.groups.push(refused),
                }
            }
        }
        (Response::FindCoordinator(body), Response::FindCoordinator(refused)) => body.coordinators.extend(refused.coordinators),
        (Response::ConsumerGroupDescribe(body), Response::ConsumerGroupDescribe(refused)) => body.groups.extend(refused.groups),
        (Response::DescribeGroups(body), Response::DescribeGroups(refused)) => body.groups.extend(refused.groups),
        (Response::DeleteGroups(body), Response::DeleteGroups(refused)) => body.results.extend(refused.results),
        (Response::OffsetDelete(body), Response::OffsetDelete(refused)) if body.error_code == 0 => body.topics.extend(refused.topics),
        (Response::CreateTopics(body), Response::CreateTopics(refused)) => body.topics.extend(refused.topics),
        (Response::DeleteTopics(body), Response::DeleteTopics(refused)) => body.responses.extend(refused.responses),
        (Response::CreatePartitions(body), Response::CreatePartitions(refused)) => body.results.extend(refused.results),
        (Response::DescribeConfigs(body), Response::DescribeConfigs(refused)) => body.results.extend(refused.results),
        (Response::IncrementalAlterConfigs(body), Response::IncrementalAlterConfigs(refused)) => body.responses.extend(refused.responses),
        _ => {}
    }
}

/// Groups that one may not describe are not listed; nor are offsets of topics that one may not describe, if all were asked for.
pub fn redact(guard: &Guard, response: &mut Response) {
    match response {
        Response::ListGroups(body) if !guard.allows_cluster(Operation::Describe) => {
            body.groups.retain(|group| guard.allows_group(Operation::Describe, group.group_id.as_str()));
        }
        Response::OffsetFetch(body) => {
            for group in &mut body.groups {
                group.topics.retain(|topic| guard.allows_topic(Operation::Describe, topic.name.as_str()));
            }
        }
        _ => {}
    }
}
