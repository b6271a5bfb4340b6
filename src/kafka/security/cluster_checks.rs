//! What requests about topics as such, configuration and the cluster need. Most need one operation on the cluster, for all they ask.

use kafka_protocol::messages::alter_client_quotas_response::{EntityData, EntryData};
use kafka_protocol::messages::alter_replica_log_dirs_response::{AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult};
use kafka_protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResult;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;

use super::acl::Operation;
use super::authorizer::Guard;
use super::checks::{CLUSTER_AUTHORIZATION_FAILED, Checked, GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED};
use crate::kafka::metadata::image::Image;
use crate::kafka::metadata::record::{BROKER_LOGGER_RESOURCE, BROKER_RESOURCE, CLIENT_METRICS_RESOURCE, GROUP_RESOURCE, TOPIC_RESOURCE};
use crate::kafka::names::METADATA_TOPIC;
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::errors;

pub(super) fn check(guard: &Guard, image: &Image, what: &str, request: &mut Request) -> Checked {
    match request {
        Request::CreateTopics(body) => return create_topics(guard, body),
        Request::DeleteTopics(body) => return delete_topics(guard, image, body),
        Request::CreatePartitions(body) => return create_partitions(guard, body),
        Request::DescribeConfigs(body) => return describe_configs(guard, body),
        Request::IncrementalAlterConfigs(body) => return alter_configs(guard, body),
        _ => {}
    }
    match operation_on_cluster(request) {
        Some(operation) if !guard.allows_cluster(operation) => {
            let message = format!("Request {what} needs {} permission.", operation.name());
            refusal(request, message.into()).map_or(Checked::Close, Checked::Refused)
        }
        _ => Checked::All,
    }
}

/// `authorizeClusterOperation`
fn operation_on_cluster(request: &Request) -> Option<Operation> {
    Some(match request {
        Request::CreateAcls(_)
        | Request::AlterUserScramCredentials(_)
        | Request::DeleteAcls(_)
        | Request::ElectLeaders(_)
        | Request::AlterPartitionReassignments(_)
        | Request::UpdateFeatures(_)
        | Request::UnregisterBroker(_)
        | Request::AddRaftVoter(_)
        | Request::RemoveRaftVoter(_)
        | Request::AlterReplicaLogDirs(_) => Operation::Alter,
        Request::DescribeAcls(_)
        | Request::ListPartitionReassignments(_)
        | Request::DescribeQuorum(_)
        | Request::DescribeLogDirs(_)
        | Request::DescribeUserScramCredentials(_) => Operation::Describe,
        Request::DescribeClientQuotas(_) | Request::ListConfigResources(_) => Operation::DescribeConfigs,
        Request::AlterClientQuotas(_) => Operation::AlterConfigs,
        Request::AlterPartition(_)
        | Request::BrokerRegistration(_)
        | Request::BrokerHeartbeat(_)
        | Request::AllocateProducerIds(_)
        | Request::AssignReplicasToDirs(_) => Operation::ClusterAction,
        _ => return None,
    })
}

/// `getErrorResponse(CLUSTER_AUTHORIZATION_FAILED)`; those with room for words say what was missing.
fn refusal(request: &Request, message: StrBytes) -> Option<Response> {
    const CODE: i16 = CLUSTER_AUTHORIZATION_FAILED;
    let text = Some(message);
    let usual = Some(StrBytes::from_static_str(errors::info(CODE).message));
    Some(match request {
        Request::CreateAcls(body) => {
            let result = AclCreationResult::default().with_error_code(CODE).with_error_message(text);
            CreateAclsResponse::default().with_results(vec![result; body.creations.len()]).into()
        }
        Request::DeleteAcls(body) => {
            let result = DeleteAclsFilterResult::default().with_error_code(CODE).with_error_message(text);
            DeleteAclsResponse::default().with_filter_results(vec![result; body.filters.len()]).into()
        }
        Request::DescribeAcls(_) => DescribeAclsResponse::default().with_error_code(CODE).with_error_message(text).into(),
        Request::ElectLeaders(_) => ElectLeadersResponse::default().with_error_code(CODE).into(),
        Request::AlterPartitionReassignments(_) => {
            AlterPartitionReassignmentsResponse::default().with_error_code(CODE).with_error_message(text).into()
        }
        Request::ListPartitionReassignments(_) => {
            ListPartitionReassignmentsResponse::default().with_error_code(CODE).with_error_message(text).into()
        }
        Request::UpdateFeatures(_) => UpdateFeaturesResponse::default().with_error_code(CODE).with_error_message(text).into(),
        Request::UnregisterBroker(_) => UnregisterBrokerResponse::default().with_error_code(CODE).with_error_message(text).into(),
        Request::AddRaftVoter(_) => AddRaftVoterResponse::default().with_error_code(CODE).with_error_message(text).into(),
        Request::RemoveRaftVoter(_) => RemoveRaftVoterResponse::default().with_error_code(CODE).with_error_message(text).into(),
        Request::DescribeQuorum(_) => DescribeQuorumResponse::default().with_error_code(CODE).with_error_message(usual).into(),
        Request::DescribeLogDirs(_) => DescribeLogDirsResponse::default().with_error_code(CODE).into(),
        Request::ListConfigResources(_) => ListConfigResourcesResponse::default().with_error_code(CODE).into(),
        Request::DescribeClientQuotas(_) => {
            DescribeClientQuotasResponse::default().with_error_code(CODE).with_error_message(usual).with_entries(None).into()
        }
        Request::DescribeUserScramCredentials(_) => {
            DescribeUserScramCredentialsResponse::default().with_error_code(CODE).with_error_message(usual).into()
        }
        Request::AlterClientQuotas(body) => {
            let entries = body.entries.iter().map(|entry| {
                let entity = entry.entity.iter().map(|part| {
                    EntityData::default().with_entity_type(part.entity_type.clone()).with_entity_name(part.entity_name.clone())
                });
                EntryData::default().with_error_code(CODE).with_error_message(text.clone()).with_entity(entity.collect())
            });
            AlterClientQuotasResponse::default().with_entries(entries.collect()).into()
        }
        Request::AlterUserScramCredentials(body) => {
            let deleted = body.deletions.iter().map(|deletion| &deletion.name);
            let names = deleted.chain(body.upsertions.iter().map(|upsertion| &upsertion.name));
            let results = names.map(|name| {
                let result = AlterUserScramCredentialsResult::default().with_user(name.clone()).with_error_code(CODE);
                result.with_error_message(text.clone())
            });
            AlterUserScramCredentialsResponse::default().with_results(results.collect()).into()
        }
        Request::AlterReplicaLogDirs(body) => {
            let topics = body.dirs.iter().flat_map(|dir| &dir.topics).map(|topic| {
                let partition =
                    |&index: &i32| AlterReplicaLogDirPartitionResult::default().with_partition_index(index).with_error_code(CODE);
                let partitions = topic.partitions.iter().map(partition).collect();
                AlterReplicaLogDirTopicResult::default().with_topic_name(topic.name.clone()).with_partitions(partitions)
            });
            AlterReplicaLogDirsResponse::default().with_results(topics.collect()).into()
        }
        Request::AlterPartition(_) => AlterPartitionResponse::default().with_error_code(CODE).into(),
        Request::BrokerRegistration(_) => BrokerRegistrationResponse::default().with_error_code(CODE).with_broker_epoch(-1).into(),
        Request::BrokerHeartbeat(_) => BrokerHeartbeatResponse::default().with_error_code(CODE).into(),
        Request::AssignReplicasToDirs(_) => AssignReplicasToDirsResponse::default().with_error_code(CODE).into(),
        Request::AllocateProducerIds(_) => AllocateProducerIdsResponse::default().with_error_code(CODE).into(),
        _ => return None,
    })
}

/// CREATE on the cluster, or on the topic.
fn create_topics(guard: &Guard, body: &mut CreateTopicsRequest) -> Checked {
    if guard.allows_cluster(Operation::Create) {
        return Checked::All;
    }
    let mut refused = Vec::new();
    body.topics.retain(|topic| {
        let allowed = topic.name.as_str() == METADATA_TOPIC || guard.allows_topic(Operation::Create, topic.name.as_str());
        if !allowed {
            let result = CreatableTopicResult::default().with_name(topic.name.clone()).with_error_code(TOPIC_AUTHORIZATION_FAILED);
            let result = result.with_error_message(Some(StrBytes::from_static_str("Authorization failed.")));
            refused.push(result.with_num_partitions(-1).with_replication_factor(-1));
        }
        allowed
    });
    Checked::rest(refused, |refused| CreateTopicsResponse::default().with_topics(refused).into())
}

/// DELETE on the cluster, or on the topic. Of a topic that one may not describe nothing is said, not even that it is not there.
fn delete_topics(guard: &Guard, image: &Image, body: &mut DeleteTopicsRequest) -> Checked {
    if guard.allows_cluster(Operation::Delete) {
        return Checked::All;
    }
    let mut refused = Vec::new();
    body.topics.retain(|topic| {
        let by_id = topic.name.is_none();
        let known = image.topic_by_id(topic.topic_id).map(|topic| topic.name.to_string());
        let Some(name) = topic.name.as_ref().map(|name| name.to_string()).or(known) else { return true };
        let describable = guard.allows_topic(Operation::Describe, &name);
        let allowed = match by_id {
            true => guard.allows_topic(Operation::Delete, &name),
            false => describable && (image.topic(&name).is_none() || guard.allows_topic(Operation::Delete, &name)),
        };
        if !allowed {
            let shown = (!by_id || describable).then(|| TopicName(name.clone().into()));
            let result = DeletableTopicResult::default().with_name(shown).with_topic_id(topic.topic_id);
            refused.push(result.with_error_code(TOPIC_AUTHORIZATION_FAILED).with_error_message(Some(topic_text())));
        }
        allowed
    });
    Checked::rest(refused, |refused| DeleteTopicsResponse::default().with_responses(refused).into())
}

fn create_partitions(guard: &Guard, body: &mut CreatePartitionsRequest) -> Checked {
    let mut refused = Vec::new();
    body.topics.retain(|topic| {
        let allowed = guard.allows_topic(Operation::Alter, topic.name.as_str());
        if !allowed {
            let result = CreatePartitionsTopicResult::default().with_name(topic.name.clone());
            refused.push(result.with_error_code(TOPIC_AUTHORIZATION_FAILED).with_error_message(Some(topic_text())));
        }
        allowed
    });
    Checked::rest(refused, |refused| CreatePartitionsResponse::default().with_results(refused).into())
}

fn describe_configs(guard: &Guard, body: &mut DescribeConfigsRequest) -> Checked {
    let mut refused = Vec::new();
    body.resources.retain(|asked| {
        let error = config_error(guard, Operation::DescribeConfigs, asked.resource_type, asked.resource_name.as_str());
        if let Some(error) = error {
            let result = DescribeConfigsResult::default().with_resource_type(asked.resource_type);
            let result = result.with_resource_name(asked.resource_name.clone()).with_error_code(error);
            refused.push(result.with_error_message(Some(StrBytes::from_static_str(errors::info(error).message))));
        }
        error.is_none()
    });
    Checked::rest(refused, |refused| DescribeConfigsResponse::default().with_results(refused).into())
}

fn alter_configs(guard: &Guard, body: &mut IncrementalAlterConfigsRequest) -> Checked {
    let mut refused = Vec::new();
    body.resources.retain(|asked| {
        let error = config_error(guard, Operation::AlterConfigs, asked.resource_type, asked.resource_name.as_str());
        if let Some(error) = error {
            let result = AlterConfigsResourceResponse::default().with_resource_type(asked.resource_type);
            let result = result.with_resource_name(asked.resource_name.clone()).with_error_code(error);
            refused.push(result.with_error_message(Some(StrBytes::from_static_str(errors::info(error).message))));
        }
        error.is_none()
    });
    let none_left = body.resources.is_empty() && !refused.is_empty();
    let answer = |refused| IncrementalAlterConfigsResponse::default().with_responses(refused).into();
    if none_left { Checked::Refused(answer(refused)) } else { Checked::rest(refused, answer) }
}

/// The error of a resource whose configuration one may not see or change.
fn config_error(guard: &Guard, operation: Operation, resource_type: i8, name: &str) -> Option<i16> {
    let (allowed, error) = match resource_type {
        BROKER_RESOURCE | BROKER_LOGGER_RESOURCE | CLIENT_METRICS_RESOURCE => {
            (guard.allows_cluster(operation), CLUSTER_AUTHORIZATION_FAILED)
        }
        TOPIC_RESOURCE => (guard.allows_topic(operation, name), TOPIC_AUTHORIZATION_FAILED),
        GROUP_RESOURCE => (guard.allows_group(operation, name), GROUP_AUTHORIZATION_FAILED),
        _ => return None,
    };
    (!allowed).then_some(error)
}

fn topic_text() -> StrBytes {
    StrBytes::from_static_str(errors::info(TOPIC_AUTHORIZATION_FAILED).message)
}
