//! Configuration as a broker shows it (`ConfigHelper`) and takes it (`ConfigAdminManager`): each value with where it comes from.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult as Entry, DescribeConfigsResult, DescribeConfigsSynonym as Synonym,
};
use kafka_protocol::messages::incremental_alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::list_config_resources_response::ConfigResource;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;

use super::forward::Call;
use super::process::Broker;
use super::replicas::Asker;
use crate::kafka::actor::{Config, Outbox};
use crate::kafka::config::broker::{self, BROKER_CONFIGS, Mode, Type};
use crate::kafka::config::client_metrics::CLIENT_METRICS_CONFIGS;
use crate::kafka::config::group::{self, GROUP_CONFIGS};
use crate::kafka::config::topic::{self, Kind, TOPIC_CONFIGS};
use crate::kafka::metadata::record::{BROKER_LOGGER_RESOURCE, BROKER_RESOURCE, CLIENT_METRICS_RESOURCE, GROUP_RESOURCE, TOPIC_RESOURCE};
use crate::kafka::names::{BROKER_PORT, CONTROLLER_PORT, host_of};
use crate::kafka::protocol::api::Request;
use crate::sim::time::Time;

/// `DescribeConfigsResponse.ConfigSource`
const DYNAMIC_TOPIC: i8 = 1;
const DYNAMIC_BROKER: i8 = 2;
const DYNAMIC_DEFAULT_BROKER: i8 = 3;
const STATIC_BROKER: i8 = 4;
const DEFAULT: i8 = 5;
const CLIENT_METRICS: i8 = 7;
const GROUP: i8 = 8;
/// `AlterConfigOp.OpType`
const SET: i8 = 0;
const DELETE: i8 = 1;

type Refused = (ResponseError, String);

impl Broker {
    #[inline(never)]
    pub(super) fn describe_configs(&self, request: &DescribeConfigsRequest) -> DescribeConfigsResponse {
        let results = request.resources.iter().map(|resource| {
            let result = DescribeConfigsResult::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone());
            match self.configs_of(resource) {
                Err((error, message)) => result.with_error_code(error.code()).with_error_message(Some(text(&message))),
                Ok(mut configs) => {
                    if let Some(keys) = &resource.configuration_keys {
                        configs.retain(|config| keys.contains(&config.name));
                    }
                    if !request.include_synonyms {
                        configs.iter_mut().for_each(|config| config.synonyms.clear());
                    }
                    result.with_configs(configs)
                }
            }
        });
        DescribeConfigsResponse::default().with_results(results.collect())
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

    fn configs_of(&self, resource: &DescribeConfigsResource) -> Result<Vec<Entry>, Refused> {
        let name = resource.resource_name.as_str();
        let refuse = |message: String| Err((ResponseError::InvalidRequest, message));
        match resource.resource_type {
            TOPIC_RESOURCE if self.image.topic(name).is_some() => Ok(self.topic_configs(name)),
            TOPIC_RESOURCE => {
                let message = crate::kafka::protocol::errors::info(ResponseError::UnknownTopicOrPartition.code()).message;
                Err((ResponseError::UnknownTopicOrPartition, message.into()))
            }
            BROKER_RESOURCE if name.is_empty() => Ok(self.default_broker_configs()),
            BROKER_RESOURCE => {
                self.is_me(name)?;
                Ok(self.broker_configs())
            }
            // This broker's log has no loggers whose levels could differ.
            BROKER_LOGGER_RESOURCE => {
                self.is_me(name)?;
                Ok(Vec::new())
            }
            CLIENT_METRICS_RESOURCE if name.is_empty() => refuse("Client metrics subscription name must not be empty".into()),
            CLIENT_METRICS_RESOURCE => Ok(self.client_metrics_configs(name)),
            GROUP_RESOURCE if name.is_empty() => refuse("Group name must not be empty".into()),
            GROUP_RESOURCE => Ok(self.group_configs(name)),
            other => refuse(format!("Unsupported resource type: {other}")),
        }
    }

    /// `resourceNameToBrokerId`: only the broker itself knows its configuration.
    fn is_me(&self, name: &str) -> Result<(), Refused> {
        let refuse = |message: String| Err((ResponseError::InvalidRequest, message));
        match name.parse::<i32>() {
            Ok(id) if id == self.spec.id.0 => Ok(()),
            Ok(id) => refuse(format!("Unexpected broker id, expected {} or empty string, but received {id}", self.spec.id)),
            Err(_) => refuse(format!("Broker id must be an integer, but it is: {name}")),
        }
    }

    /// server.properties, and what is the same as if it stood there.
    fn static_config(&self) -> Config {
        let mut config = self.spec.config.clone();
        config.retain(|name, _| !name.starts_with("ottla."));
        let mut given = |name: &str, value: String| {
            config.entry(name.to_owned()).or_insert(value);
        };
        given("node.id", self.spec.id.to_string());
        given("process.roles", "broker".into());
        given("listeners", format!("PLAINTEXT://{}:{BROKER_PORT}", host_of(self.spec.id)));
        given("advertised.listeners", format!("PLAINTEXT://{}:{BROKER_PORT}", host_of(self.spec.id)));
        given("controller.listener.names", "CONTROLLER".into());
        given("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT".into());
        let controllers = self.spec.controllers.iter().map(|id| format!("{}:{CONTROLLER_PORT}", host_of(*id)));
        given("controller.quorum.bootstrap.servers", controllers.collect::<Vec<_>>().join(","));
        given("log.dirs", format!("/var/lib/{}", host_of(self.spec.id)));
        config
    }

    /// `configSynonyms`: every value that these names have, the one that counts first.
    fn synonyms(&self, name: &str, names: &[&str], sensitive: bool) -> Vec<Synonym> {
        let dynamic = self.image.configs(BROKER_RESOURCE, &self.spec.id.to_string());
        let defaults = self.image.configs(BROKER_RESOURCE, "");
        let fixed = self.static_config();
        let built_in = |name: &str| broker::find(name).and_then(|def| def.default).map(str::to_owned);
        let mut found = Vec::new();
        let mut add = |source: i8, value_of: &dyn Fn(&str) -> Option<String>| {
            for &name in names {
                found.extend(value_of(name).map(|value| {
                    let value = if sensitive { None } else { Some(text(&value)) };
                    Synonym::default().with_name(text(name)).with_value(value).with_source(source)
                }));
            }
        };
        add(DYNAMIC_BROKER, &|name| dynamic.get(name).cloned());
        add(DYNAMIC_DEFAULT_BROKER, &|name| defaults.get(name).cloned());
        add(STATIC_BROKER, &|name| fixed.get(name).cloned());
        add(DEFAULT, &built_in);
        // What only other names say does not show where this name is asked for.
        found.into_iter().skip_while(|synonym| synonym.name.as_str() != name).collect()
    }

    fn topic_configs(&self, topic: &str) -> Vec<Entry> {
        let own = self.image.configs(TOPIC_RESOURCE, topic);
        let (cluster, fixed) = (self.dynamic_config(), broker::in_ms(&self.spec.config));
        let of = |def: &topic::TopicConfigDef| {
            let value = topic::effective(def.name, &own, &cluster, &fixed).unwrap_or(def.default);
            let mut synonyms: Vec<Synonym> = Vec::new();
            synonyms.extend(own.get(def.name).map(|value| synonym(def.name, value, DYNAMIC_TOPIC)));
            if !def.broker_name.is_empty() {
                synonyms.extend(self.synonyms(def.broker_name, &broker::synonyms(def.broker_name), false));
            }
            entry(def.name, Some(value), synonyms, topic_type(def.kind)).with_read_only(false)
        };
        // internal.segment.bytes is only shown where it is set.
        let shown = |def: &&topic::TopicConfigDef| !def.name.starts_with("internal.") || own.contains_key(def.name);
        TOPIC_CONFIGS.iter().filter(shown).map(of).collect()
    }

    /// All that this broker runs with.
    fn broker_configs(&self) -> Vec<Entry> {
        let mut given = self.static_config();
        given.extend(self.dynamic_config());
        let known = BROKER_CONFIGS.iter().filter(|def| def.mode != Mode::Internal || given.contains_key(def.name)).map(|def| def.name);
        let others = given.keys().map(String::as_str).filter(|name| !BROKER_CONFIGS.iter().any(|def| def.name == *name));
        let mut names: Vec<&str> = known.chain(others).collect();
        names.sort_unstable();
        names.into_iter().map(|name| self.broker_entry(name, true)).collect()
    }

    fn default_broker_configs(&self) -> Vec<Entry> {
        self.image.configs(BROKER_RESOURCE, "").keys().map(|name| self.broker_entry(name, false)).collect()
    }

    /// `createBrokerConfigEntry`. What nobody knows may be a secret.
    fn broker_entry(&self, name: &str, per_broker: bool) -> Entry {
        let def = broker::find(name);
        let sensitive = def.is_none_or(|def| def.kind == Type::Password);
        let mut synonyms = self.synonyms(name, &broker::synonyms(name), sensitive);
        if !per_broker {
            synonyms.retain(|synonym| synonym.source == DYNAMIC_DEFAULT_BROKER);
        }
        let value = synonyms.first().and_then(|synonym| synonym.value.clone());
        entry(name, value.as_deref(), synonyms, def.map_or(0, |def| broker_type(def.kind)))
            .with_is_sensitive(sensitive)
            .with_read_only(def.is_none_or(|def| matches!(def.mode, Mode::ReadOnly | Mode::Internal)))
    }

    fn group_configs(&self, group: &str) -> Vec<Entry> {
        let own = self.image.configs(GROUP_RESOURCE, group);
        let of = |def: &group::GroupConfigDef| {
            let mut synonyms: Vec<Synonym> = Vec::new();
            synonyms.extend(own.get(def.name).map(|value| synonym(def.name, value, GROUP)));
            match def.broker_name {
                "" => synonyms.push(synonym(def.name, def.default, DEFAULT)),
                name => synonyms.extend(self.synonyms(name, &[name], false)),
            }
            let value = synonyms.first().and_then(|synonym| synonym.value.clone());
            entry(def.name, value.as_deref(), synonyms, broker_type(def.kind))
        };
        GROUP_CONFIGS.iter().map(of).collect()
    }

    fn client_metrics_configs(&self, name: &str) -> Vec<Entry> {
        let own = self.image.configs(CLIENT_METRICS_RESOURCE, name);
        let of = |(name, default): &(&str, &str)| {
            let mut synonyms: Vec<Synonym> = Vec::new();
            synonyms.extend(own.get(*name).map(|value| synonym(name, value, CLIENT_METRICS)));
            synonyms.push(synonym(name, default, DEFAULT));
            let value = synonyms.first().and_then(|synonym| synonym.value.clone());
            entry(name, value.as_deref(), synonyms, if *name == "interval.ms" { 3 } else { 7 })
        };
        CLIENT_METRICS_CONFIGS.iter().map(of).collect()
    }

    /// What was set while the broker ran: for all brokers, and over that for this one.
    pub(super) fn dynamic_config(&self) -> Config {
        let mut config: Config = (*self.image.configs(BROKER_RESOURCE, "")).clone();
        config.extend((*self.image.configs(BROKER_RESOURCE, &self.spec.id.to_string())).clone());
        config
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
                self.is_me(resource.resource_name.as_str())?;
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
                _ => return Err(invalid("Only SET and DELETE are supported here.".into())),
            }
        }
        broker::validate_dynamic(&config, per_broker).map_err(invalid)?;
        let running = self.dynamic_config();
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

/// A value with its sources; the first of them counts.
fn entry(name: &str, value: Option<&str>, synonyms: Vec<Synonym>, config_type: i8) -> Entry {
    Entry::default()
        .with_name(text(name))
        .with_value(value.map(text))
        .with_config_source(synonyms.first().map_or(DEFAULT, |synonym| synonym.source))
        .with_synonyms(synonyms)
        .with_config_type(config_type)
}

fn synonym(name: &str, value: &str, source: i8) -> Synonym {
    Synonym::default().with_name(text(name)).with_value(Some(text(value))).with_source(source)
}

/// `DescribeConfigsResponse.ConfigType`
fn topic_type(kind: Kind) -> i8 {
    broker_type(match kind {
        Kind::Boolean => Type::Boolean,
        Kind::OneOf(_) => Type::Text,
        Kind::Int(_) | Kind::Between(..) | Kind::BetweenOr(..) => Type::Int,
        Kind::Long(_) => Type::Long,
        Kind::Ratio => Type::Double,
        Kind::List(_) | Kind::Replicas => Type::List,
    })
}

fn broker_type(kind: Type) -> i8 {
    match kind {
        Type::Boolean => 1,
        Type::Text => 2,
        Type::Int => 3,
        Type::Short => 4,
        Type::Long => 5,
        Type::Double => 6,
        Type::List => 7,
        Type::Class => 8,
        Type::Password => 9,
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
