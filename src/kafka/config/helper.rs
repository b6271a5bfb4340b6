//! Configuration as a node shows it (`ConfigHelper`): each value with where it comes from.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult as Entry, DescribeConfigsResult, DescribeConfigsSynonym as Synonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::broker::{self, BROKER_CONFIGS, Mode, Type};
use super::client_metrics::CLIENT_METRICS_CONFIGS;
use super::group::{self, GROUP_CONFIGS};
use super::topic::{self, Kind, TOPIC_CONFIGS};
use crate::kafka::actor::Config;
use crate::kafka::metadata::image::Image;
use crate::kafka::metadata::record::{BROKER_LOGGER_RESOURCE, BROKER_RESOURCE, CLIENT_METRICS_RESOURCE, GROUP_RESOURCE, TOPIC_RESOURCE};
use crate::kafka::names::{BROKER_PORT, BrokerId, CONTROLLER_PORT, host_of};

/// `DescribeConfigsResponse.ConfigSource`
const DYNAMIC_TOPIC: i8 = 1;
const DYNAMIC_BROKER: i8 = 2;
const DYNAMIC_DEFAULT_BROKER: i8 = 3;
const STATIC_BROKER: i8 = 4;
const DEFAULT: i8 = 5;
const CLIENT_METRICS: i8 = 7;
const GROUP: i8 = 8;

/// Why something is not shown, or not taken.
pub type Refused = (ResponseError, String);

/// What a broker or a controller knows of configurations.
#[derive(Clone, Copy, Debug)]
pub struct ConfigHelper<'a> {
    pub image: &'a Image,
    pub id: BrokerId,
    /// server.properties
    pub config: &'a Config,
    /// The voters with which the cluster was formatted.
    pub controllers: &'a [BrokerId],
    /// process.roles
    pub is_broker: bool,
    pub is_controller: bool,
}

impl ConfigHelper<'_> {
    #[inline(never)]
    pub fn describe_configs(&self, request: &DescribeConfigsRequest) -> DescribeConfigsResponse {
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
            // Its log has no loggers whose levels could differ.
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

    /// `resourceNameToBrokerId`: only the node itself knows its configuration.
    ///
    /// # Errors
    /// It is another one, or none.
    pub fn is_me(&self, name: &str) -> Result<(), Refused> {
        let refuse = |message: String| Err((ResponseError::InvalidRequest, message));
        match name.parse::<i32>() {
            Ok(id) if id == self.id.0 => Ok(()),
            Ok(id) => refuse(format!("Unexpected broker id, expected {} or empty string, but received {id}", self.id)),
            Err(_) => refuse(format!("Broker id must be an integer, but it is: {name}")),
        }
    }

    /// server.properties, and what is the same as if it stood there.
    fn static_config(&self) -> Config {
        let mut config = self.config.clone();
        config.retain(|name, _| !name.starts_with("ottla."));
        let mut given = |name: &str, value: String| {
            config.entry(name.to_owned()).or_insert(value);
        };
        let host = host_of(self.id);
        let of_brokers = format!("PLAINTEXT://{host}:{BROKER_PORT}");
        let of_controllers = format!("CONTROLLER://{host}:{CONTROLLER_PORT}");
        let (roles, listeners) = match (self.is_broker, self.is_controller) {
            (true, true) => ("broker,controller", format!("{of_brokers},{of_controllers}")),
            (true, false) => ("broker", of_brokers),
            (false, _) => ("controller", of_controllers),
        };
        given("node.id", self.id.to_string());
        // `KafkaConfig.populateSynonyms`
        given("broker.id", self.id.to_string());
        given("process.roles", roles.into());
        given("listeners", listeners);
        given("controller.listener.names", "CONTROLLER".into());
        given("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT".into());
        let controllers = self.controllers.iter().map(|id| format!("{}:{CONTROLLER_PORT}", host_of(*id)));
        given("controller.quorum.bootstrap.servers", controllers.collect::<Vec<_>>().join(","));
        given("log.dirs", format!("/var/lib/{host}"));
        config
    }

    /// `configSynonyms`: every value that these names have, the one that counts first.
    fn synonyms(&self, name: &str, names: &[&str], sensitive: bool) -> Vec<Synonym> {
        let dynamic = self.image.configs(BROKER_RESOURCE, &self.id.to_string());
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
        let (cluster, fixed) = (self.dynamic_config(), broker::in_ms(self.config));
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

    /// All that this node runs with.
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

    /// What was set while it ran: for all brokers, and over that for this one.
    pub fn dynamic_config(&self) -> Config {
        let mut config: Config = (*self.image.configs(BROKER_RESOURCE, "")).clone();
        config.extend((*self.image.configs(BROKER_RESOURCE, &self.id.to_string())).clone());
        config
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
