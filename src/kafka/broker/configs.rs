//! Configuration as a broker lists it and takes it (`ConfigAdminManager`). What it shows of each: [`ConfigHelper`].

use kafka_protocol::ResponseError;
use kafka_protocol::messages::incremental_alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::list_config_resources_response::ConfigResource;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;

use super::forward::Call;
use super::log_dirs::CORDONED_LOG_DIRS;
use super::process::Broker;
use super::replicas::Asker;
use crate::kafka::actor::{Config, Outbox};
use crate::kafka::config::helper::{ConfigHelper, Refused};
use crate::kafka::config::{altered_list, broker};
use crate::kafka::metadata::record::{BROKER_LOGGER_RESOURCE, BROKER_RESOURCE, CLIENT_METRICS_RESOURCE, GROUP_RESOURCE, TOPIC_RESOURCE};
use crate::kafka::protocol::api::Request;
use crate::kafka::protocol::errors;
use crate::sim::time::Time;

/// `AlterConfigOp.OpType`
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

impl Broker {
    /// What it shows of configurations.
    pub(super) fn config_helper(&self) -> ConfigHelper<'_> {
        ConfigHelper {
            image: &self.image,
            id: self.spec.id,
            config: &self.spec.config,
            controllers: &self.spec.controllers,
            is_broker: true,
            is_controller: self.spec.is_controller(),
        }
    }

    /// What was set while the broker ran: for all brokers, and over that for this one.
    pub(super) fn dynamic_config(&self) -> Config {
        self.config_helper().dynamic_config()
    }

    /// ListConfigResources: topics, brokers, client metrics and groups (those that are configured).
    #[inline(never)]
    pub(super) fn list_config_resources(&self, request: &ListConfigResourcesRequest) -> ListConfigResourcesResponse {
        const ALL: &[i8] = &[TOPIC_RESOURCE, BROKER_RESOURCE, BROKER_LOGGER_RESOURCE, CLIENT_METRICS_RESOURCE, GROUP_RESOURCE];
        let wanted = if request.resource_types.is_empty() { ALL } else { &request.resource_types[..] };
        let mut listed = Vec::new();
        for &kind in wanted {
            let names: Vec<String> = match kind {
                TOPIC_RESOURCE => self.image.topics.keys().map(|name| name.to_string()).collect(),
                BROKER_RESOURCE | BROKER_LOGGER_RESOURCE => {
                    self.image.brokers.values().filter(|broker| !broker.fenced).map(|broker| broker.id.to_string()).collect()
                }
                CLIENT_METRICS_RESOURCE | GROUP_RESOURCE => self.image.configured(kind).map(str::to_owned).collect(),
                _ => {
                    return ListConfigResourcesResponse::default().with_error_code(ResponseError::UnsupportedVersion.code());
                }
            };
            let resource = |name: String| ConfigResource::default().with_resource_name(text(&name)).with_resource_type(kind);
            listed.extend(names.into_iter().map(resource));
        }
        ListConfigResourcesResponse::default().with_config_resources(listed)
    }

    /// IncrementalAlterConfigs: what only this broker can judge is judged here, the rest is the controller's (`ConfigAdminManager.preprocess`).
    #[inline(never)]
    pub(super) fn alter_configs(&mut self, now: Time, asker: Asker, request: &IncrementalAlterConfigsRequest, out: &mut Outbox) {
        let mut refused = Vec::new();
        let mut rest = request.clone();
        rest.resources.retain(|resource| match self.preprocess(resource, request) {
            Ok(()) => true,
            Err((error, message)) => {
                let response = AlterConfigsResourceResponse::default()
                    .with_error_code(error.code())
                    .with_error_message(Some(text(&message)))
                    .with_resource_type(resource.resource_type)
                    .with_resource_name(resource.resource_name.clone());
                refused.push(response);
                false
            }
        });
        if rest.resources.is_empty() {
            let response = IncrementalAlterConfigsResponse::default().with_responses(refused);
            return self.respond(now, asker, response, Vec::new(), out);
        }
        self.forwarding.refused.insert(asker, refused);
        self.forward(now, Request::IncrementalAlterConfigs(rest), Call::Forwarded(asker), out);
    }

    fn preprocess(&self, resource: &AlterConfigsResource, request: &IncrementalAlterConfigsRequest) -> Result<(), Refused> {
        let invalid = |message: String| Err((ResponseError::InvalidRequest, message));
        let same =
            |other: &&AlterConfigsResource| other.resource_type == resource.resource_type && other.resource_name == resource.resource_name;
        if request.resources.iter().filter(same).count() > 1 {
            return invalid("Each resource must appear at most once.".into());
        }
        let mut names: Vec<&str> = resource.configs.iter().map(|config| config.name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return invalid("Error due to duplicate config keys".into());
        }
        let nulls = resource.configs.iter().filter(|config| config.config_operation != DELETE && config.value.is_none());
        let nulls: Vec<&str> = nulls.map(|config| config.name.as_str()).collect();
        if !nulls.is_empty() {
            return invalid(format!("Null value not supported for : {}", nulls.join(",")));
        }
        match resource.resource_type {
            BROKER_RESOURCE => self.validate_broker_change(resource),
            BROKER_LOGGER_RESOURCE => {
                self.config_helper().is_me(resource.resource_name.as_str())?;
                let logger = resource.configs.first().map_or("", |config| config.name.as_str());
                Err((ResponseError::InvalidConfig, format!("Logger {logger} does not exist!")))
            }
            TOPIC_RESOURCE | CLIENT_METRICS_RESOURCE | GROUP_RESOURCE => Ok(()),
            other => invalid(format!("Unknown resource type {other}")),
        }
    }

    /// `validateBrokerConfigChange`: with what stands there already, could the broker run so?
    fn validate_broker_change(&self, resource: &AlterConfigsResource) -> Result<(), Refused> {
        let invalid = |message: String| (ResponseError::InvalidRequest, message);
        let name = resource.resource_name.as_str();
        let per_broker = !name.is_empty();
        if per_broker {
            match name.parse::<i32>() {
                Ok(id) if id == self.spec.id.0 => {}
                Ok(id) => return Err(invalid(format!("Unexpected broker id, expected {}, but received {id}", self.spec.id))),
                Err(_) => return Err(invalid(format!("Node id must be an integer, but it is: {name}"))),
            }
        }
        let mut config: Config = (*self.image.configs(BROKER_RESOURCE, name)).clone();
        for change in &resource.configs {
            match (change.config_operation, &change.value) {
                (SET, Some(value)) => drop(config.insert(change.name.to_string(), value.to_string())),
                (DELETE, _) => drop(config.remove(change.name.as_str())),
                (operation @ (APPEND | SUBTRACT), Some(words)) => {
                    let name = change.name.as_str();
                    // Kafka's broker asks the table of all names, and falls over one that is not in it.
                    let unknown = ResponseError::UnknownServerError;
                    let def = broker::find(name).ok_or_else(|| (unknown, errors::info(unknown.code()).message.to_owned()))?;
                    if def.kind != broker::Type::List {
                        let verb = if operation == APPEND { "append" } else { "subtract" };
                        let said = format!("Config value {verb} is not allowed for config key: {name}");
                        return Err((ResponseError::InvalidConfig, said));
                    }
                    let old = config.get(name).map_or(def.default.unwrap_or(""), String::as_str);
                    let new = altered_list(old, words, operation == APPEND);
                    config.insert(name.to_owned(), new);
                }
                (other, _) => return Err(invalid(format!("Unknown operations type {other}"))),
            }
        }
        broker::validate_dynamic(&config, per_broker).map_err(invalid)?;
        if let Some(value) = config.get(CORDONED_LOG_DIRS) {
            self.log_dirs.may_cordon(value).map_err(invalid)?;
        }
        let running = self.dynamic_config();
        let value_of =
            |name: &str| config.get(name).or_else(|| running.get(name)).or_else(|| self.spec.config.get(name)).map(String::as_str);
        broker::validate_values(value_of, self.spec.is_controller()).map_err(invalid)?;
        for (name, value) in &config {
            let known = running.get(name).or_else(|| self.spec.config.get(name)).map(String::as_str);
            let old = known.or_else(|| broker::find(name)?.default).and_then(|value| value.trim().parse().ok());
            if let (Some(old), Ok(new)) = (old, value.trim().parse()) {
                broker::validate_threads(name, old, new).map_err(invalid)?;
            }
        }
        Ok(())
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
