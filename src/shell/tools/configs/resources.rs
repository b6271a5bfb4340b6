//! Configurations of topics, brokers, groups and client metrics: `--describe` and `--alter`.

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult as Entry;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;

use super::{Changes, completed, get, singular, unexpected};
use crate::kafka::client::admin::{Outcome, Target};
use crate::kafka::metadata::record::{BROKER_LOGGER_RESOURCE, BROKER_RESOURCE, CLIENT_METRICS_RESOURCE, GROUP_RESOURCE, TOPIC_RESOURCE};
use crate::kafka::names;
use crate::kafka::protocol::api::Response;
use crate::kafka::protocol::topic_name;
use crate::shell::java::exception::Exception;
use crate::shell::tools::script::{Script, Stop, execution};
use crate::shell::tools::topics::requests::{cluster, list};

/// `ConfigEntry.ConfigSource`, by the protocol's number.
const SOURCES: &[(i8, &str)] = &[
    (1, "DYNAMIC_TOPIC_CONFIG"),
    (2, "DYNAMIC_BROKER_CONFIG"),
    (3, "DYNAMIC_DEFAULT_BROKER_CONFIG"),
    (4, "STATIC_BROKER_CONFIG"),
    (5, "DEFAULT_CONFIG"),
    (6, "DYNAMIC_BROKER_LOGGER_CONFIG"),
    (7, "DYNAMIC_CLIENT_METRICS_CONFIG"),
    (8, "DYNAMIC_GROUP_CONFIG"),
];
const SET: i8 = 0;
const DELETE: i8 = 1;

/// The resource type of an entity type, and the source of what was set for it.
fn resource(kind: &str, name: &str) -> (i8, Option<i8>) {
    match kind {
        "topics" => (TOPIC_RESOURCE, Some(1)),
        "brokers" if name.is_empty() => (BROKER_RESOURCE, Some(3)),
        "brokers" => (BROKER_RESOURCE, Some(2)),
        "broker-loggers" => (BROKER_LOGGER_RESOURCE, None),
        "client-metrics" => (CLIENT_METRICS_RESOURCE, Some(7)),
        _ => (GROUP_RESOURCE, Some(8)),
    }
}

pub fn describe(script: &mut Script, kind: &str, name: Option<&str>, all: bool) -> Result<(), Stop> {
    let entities = match name {
        Some(name) if !name.is_empty() => {
            if kind == "topics" {
                topic_name::validate(name).map_err(|error| Exception::of(17, Some(&error.to_string())))?;
            }
            if !entities(script, kind)?.iter().any(|known| known == name) {
                let what = singular(kind);
                script.line(format!("The {what} '{name}' doesn't exist and doesn't have dynamic config."));
                return Ok(());
            }
            vec![name.to_owned()]
        }
        Some(name) => vec![name.to_owned()],
        None => {
            let mut found = entities(script, kind)?;
            if matches!(kind, "brokers" | "broker-loggers") {
                found.push(String::new());
            }
            found
        }
    };
    for entity in entities {
        script.line(match entity.as_str() {
            "" => format!("Default configs for {kind} in the cluster are:"),
            entity => format!("{} configs for {} {entity} are:", if all { "All" } else { "Dynamic" }, singular(kind)),
        });
        for entry in configs(script, kind, &entity, all)? {
            script.line(line(&entry));
        }
    }
    Ok(())
}

pub fn alter(script: &mut Script, kind: &str, name: &str) -> Result<(), Stop> {
    let changes = Changes::read(script)?;
    if kind == "broker-loggers" {
        let known: Vec<String> = configs(script, kind, name, true)?.iter().map(|entry| entry.name.to_string()).collect();
        let changed = changes.delete.iter().chain(changes.add.iter().map(|(name, _)| name));
        let unknown: Vec<&str> = changed.filter(|name| !known.contains(name)).map(String::as_str).collect();
        if !unknown.is_empty() {
            let message = format!("Invalid broker logger(s): {}", unknown.join(","));
            return Err(Exception::new("org.apache.kafka.common.errors.InvalidConfigurationException", message).into());
        }
    }
    let set = changes.add.iter().map(|(name, value)| config(name, Some(value), SET));
    let delete = changes.delete.iter().map(|name| config(name, Some(""), DELETE));
    let (resource_type, _) = resource(kind, name);
    alter_resource(script, resource_type, name, set.chain(delete).collect())?.map_err(execution)?;
    completed(script, kind, name);
    Ok(())
}

/// One changed configuration.
pub fn config(name: &str, value: Option<&str>, operation: i8) -> AlterableConfig {
    AlterableConfig::default().with_name(text(name)).with_value(value.map(text)).with_config_operation(operation)
}

/// IncrementalAlterConfigs of one resource; what a broker's own are, it hears itself.
pub fn alter_resource(
    script: &mut Script,
    resource_type: i8,
    name: &str,
    configs: Vec<AlterableConfig>,
) -> Result<Result<(), Exception>, Stop> {
    let resource = AlterConfigsResource::default().with_resource_type(resource_type).with_resource_name(text(name)).with_configs(configs);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    // What is a controller's, the active one takes, whoever it is about.
    let target = match target(resource_type, name) {
        Target::Node(_) if script.from_controllers() && resource_type == BROKER_RESOURCE => Target::Any,
        target => target,
    };
    let answer = match script.ask("incrementalAlterConfigs", target, request)? {
        Ok(Response::IncrementalAlterConfigs(answer)) => answer,
        Ok(other) => return Err(unexpected(&other)),
        Err(error) => return Ok(Err(error)),
    };
    let failed = answer.responses.iter().find(|response| response.error_code != 0);
    Ok(failed.map_or(Ok(()), |response| Err(Exception::of(response.error_code, response.error_message.as_deref()))))
}

/// DescribeConfigs of one resource.
pub fn describe_resource(script: &mut Script, resource_type: i8, name: &str) -> Result<Vec<Entry>, Stop> {
    let resource =
        DescribeConfigsResource::default().with_resource_type(resource_type).with_resource_name(text(name)).with_configuration_keys(None);
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]).with_include_synonyms(true);
    let answer = match get(script, "describeConfigs", target(resource_type, name), request)? {
        Response::DescribeConfigs(answer) => answer,
        other => return Err(unexpected(&other)),
    };
    let Some(result) = answer.results.into_iter().next() else { return Ok(Vec::new()) };
    if result.error_code != 0 {
        return Err(execution(Exception::of(result.error_code, result.error_message.as_deref())));
    }
    Ok(result.configs)
}

/// The names of the configured resources of a type.
pub fn list_resources(script: &mut Script, resource_type: i8) -> Result<Vec<String>, Stop> {
    let request = ListConfigResourcesRequest::default().with_resource_types(vec![resource_type]);
    match get(script, "listConfigResources", Target::Any, request)? {
        Response::ListConfigResources(body) if body.error_code == 0 => {
            Ok(body.config_resources.iter().map(|resource| resource.resource_name.to_string()).collect())
        }
        Response::ListConfigResources(body) => Err(execution(Exception::of(body.error_code, None))),
        other => Err(unexpected(&other)),
    }
}

/// What there is of an entity type.
fn entities(script: &mut Script, kind: &str) -> Result<Vec<String>, Stop> {
    match kind {
        "topics" => match get(script, "listTopics", Target::Any, list())? {
            Response::Metadata(body) => {
                let mut names: Vec<String> = body.topics.iter().filter_map(|topic| Some(topic.name.as_ref()?.to_string())).collect();
                names.sort();
                Ok(names)
            }
            other => Err(unexpected(&other)),
        },
        "brokers" | "broker-loggers" => Ok(brokers(script)?.iter().map(i32::to_string).collect()),
        "client-metrics" => list_resources(script, CLIENT_METRICS_RESOURCE),
        _ => {
            let mut names = groups(script)?;
            for name in list_resources(script, GROUP_RESOURCE)? {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            Ok(names)
        }
    }
}

fn brokers(script: &mut Script) -> Result<Vec<i32>, Stop> {
    match get(script, "listNodes", Target::Any, cluster())? {
        Response::DescribeCluster(body) => Ok(body.brokers.iter().map(|broker| broker.broker_id.0).collect()),
        other => Err(unexpected(&other)),
    }
}

/// The groups of all brokers (`listGroups`).
fn groups(script: &mut Script) -> Result<Vec<String>, Stop> {
    match script.outcome(&mut |client, now| client.list_groups(now, ListGroupsRequest::default()))?.map_err(execution)? {
        Outcome::Groups(groups) => Ok(groups.iter().map(|group| group.group_id.as_str().to_owned()).collect()),
        _ => Ok(Vec::new()),
    }
}

/// `getResourceConfig`: all, or what was set for the entity itself; by name.
fn configs(script: &mut Script, kind: &str, name: &str, all: bool) -> Result<Vec<Entry>, Stop> {
    let (resource_type, source) = resource(kind, name);
    let mut entries = describe_resource(script, resource_type, name)?;
    if let Some(source) = source.filter(|_| !all) {
        entries.retain(|entry| entry.config_source == source);
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

fn line(entry: &Entry) -> String {
    let value = |value: &Option<StrBytes>| value.as_ref().map_or_else(|| "null".to_owned(), |value| value.to_string());
    let source = |number: i8| SOURCES.iter().find(|(known, _)| *known == number).map_or("UNKNOWN", |(_, name)| name);
    let synonyms =
        entry.synonyms.iter().map(|synonym| format!("{}:{}={}", source(synonym.source), synonym.name.as_str(), value(&synonym.value)));
    format!(
        "  {}={} sensitive={} synonyms={{{}}}",
        entry.name.as_str(),
        value(&entry.value),
        entry.is_sensitive,
        synonyms.collect::<Vec<_>>().join(", ")
    )
}

/// What is a broker's own is asked of it.
fn target(resource_type: i8, name: &str) -> Target {
    match name.parse() {
        Ok(id) if matches!(resource_type, BROKER_RESOURCE | BROKER_LOGGER_RESOURCE) => Target::Node(names::BrokerId(id)),
        _ => Target::Any,
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
