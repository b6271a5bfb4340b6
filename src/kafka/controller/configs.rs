//! Dynamic configuration (`ConfigurationControlManager`).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::incremental_alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Outcome, State};
use crate::kafka::config::topic;
use crate::kafka::metadata::record::{BROKER_RESOURCE, MetadataRecord, TOPIC_RESOURCE};

/// `AlterConfigOp.OpType`
const SET: i8 = 0;
const DELETE: i8 = 1;

impl State {
    /// IncrementalAlterConfigs. Each resource succeeds or fails as a whole.
    pub fn alter_configs(&self, request: &IncrementalAlterConfigsRequest) -> Outcome {
        let mut records = Vec::new();
        let mut responses = Vec::new();
        for resource in &request.resources {
            let (error, message) = match self.alter_resource(resource) {
                Ok(changes) => {
                    records.extend(changes);
                    (0, None)
                }
                Err((error, message)) => (error.code(), Some(StrBytes::from_string(message))),
            };
            let response = AlterConfigsResourceResponse::default()
                .with_error_code(error)
                .with_error_message(message)
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone());
            responses.push(response);
        }
        if request.validate_only {
            records.clear();
        }
        Outcome { records, response: IncrementalAlterConfigsResponse::default().with_responses(responses).into() }
    }

    /// getTopicEffectiveMinIsr: no more than there are replicas.
    pub fn effective_min_isr(&self, topic_name: &str, replicas: usize) -> i32 {
        let configured = self.topic_setting(topic_name, "min.insync.replicas").parse().unwrap_or(1);
        i32::min(configured, replicas as i32)
    }

    pub fn unclean_election_enabled(&self, topic_name: &str) -> bool {
        self.topic_setting(topic_name, "unclean.leader.election.enable") == "true"
    }

    fn topic_setting(&self, topic_name: &str, name: &str) -> String {
        let own = self.image.configs(TOPIC_RESOURCE, topic_name);
        let cluster = self.image.configs(BROKER_RESOURCE, "");
        topic::effective(name, &own, &cluster, &self.config).unwrap_or("").to_owned()
    }

    fn alter_resource(&self, resource: &AlterConfigsResource) -> Result<Vec<MetadataRecord>, (ResponseError, String)> {
        let (resource_type, resource_name) = (resource.resource_type, resource.resource_name.to_string());
        if resource_type == TOPIC_RESOURCE && self.image.topic(&resource_name).is_none() {
            return Err((ResponseError::UnknownTopicOrPartition, format!("The topic '{resource_name}' does not exist.")));
        }
        let mut records = Vec::new();
        for config in &resource.configs {
            let name = config.name.to_string();
            let value = config.value.as_ref().map(|value| value.to_string());
            let value = match config.config_operation {
                SET => value,
                DELETE => None,
                _ => return Err((ResponseError::InvalidRequest, "Only SET and DELETE are supported here.".into())),
            };
            if resource_type == TOPIC_RESOURCE
                && let Some(value) = &value
            {
                check_topic_config(&name, value)?;
            }
            records.push(MetadataRecord::Config { resource_type, resource_name: resource_name.clone(), name, value });
        }
        Ok(records)
    }
}

/// A configuration that a topic may be given.
pub(super) fn check_topic_config(name: &str, value: &str) -> Result<(), (ResponseError, String)> {
    let invalid = |message| (ResponseError::InvalidConfig, message);
    let def = topic::find(name).ok_or_else(|| invalid(format!("Unknown topic config name: {name}")))?;
    topic::validate(def, value).map_err(invalid)
}
