//! Dynamic configuration (`ConfigurationControlManager`).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::incremental_alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Outcome, State};
use crate::kafka::actor::Config;
use crate::kafka::config::{altered_list, broker, client_metrics, group, topic};
use crate::kafka::metadata::features::cordons_log_dirs;
use crate::kafka::metadata::record::{BROKER_RESOURCE, CLIENT_METRICS_RESOURCE, GROUP_RESOURCE, MetadataRecord, TOPIC_RESOURCE};
use crate::kafka::protocol::errors;

/// `AlterConfigOp.OpType`
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

impl State {
    /// IncrementalAlterConfigs. Each resource succeeds or fails as a whole.
    #[inline(never)]
    pub fn alter_configs(&self, request: &IncrementalAlterConfigsRequest, forwarded: bool) -> Outcome {
        let mut records = Vec::new();
        let mut responses = Vec::new();
        for resource in &request.resources {
            let (error, message) = match self.alter_resource(resource, forwarded) {
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
        records.extend(self.clear_elr_records(&records));
        if request.validate_only {
            records.clear();
        }
        Outcome { records, response: IncrementalAlterConfigsResponse::default().with_responses(responses).into() }
    }

    /// createClearElrRecordsAsNeeded: with another min.insync.replicas other replicas may lead, which only time will tell.
    pub(super) fn clear_elr_records(&self, records: &[MetadataRecord]) -> Vec<MetadataRecord> {
        let of_min_isr = |record: &MetadataRecord| match record {
            MetadataRecord::Config { resource_type, resource_name, name, .. } if name == "min.insync.replicas" && self.elr_enabled() => {
                Some(MetadataRecord::ClearElr {
                    topic_name: if *resource_type == TOPIC_RESOURCE { resource_name.clone() } else { String::new() },
                })
            }
            _ => None,
        };
        records.iter().filter_map(of_min_isr).collect()
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

    /// `incrementalAlterConfigResource`: only what changes becomes a record, and whatever is said of brokers.
    fn alter_resource(&self, resource: &AlterConfigsResource, forwarded: bool) -> Result<Vec<MetadataRecord>, (ResponseError, String)> {
        let (resource_type, resource_name) = (resource.resource_type, resource.resource_name.to_string());
        let current = self.image.configs(resource_type, &resource_name);
        let mut changed: Config = (*current).clone();
        let mut records = Vec::new();
        for config in &resource.configs {
            let name = config.name.to_string();
            let value = match config.config_operation {
                SET => config.value.as_ref().map(|value| value.to_string()),
                DELETE => None,
                operation @ (APPEND | SUBTRACT) => {
                    let Some(default) = default_of_list(resource_type, &name) else {
                        let operation = if operation == APPEND { "APPEND" } else { "SUBTRACT" };
                        let said = format!("Can't {operation} to key {name} because its type is not LIST.");
                        return Err((ResponseError::InvalidConfig, said));
                    };
                    let words = config.value.as_ref().map_or("", |value| value.as_str());
                    Some(altered_list(current.get(&name).map_or(default, String::as_str), words, operation == APPEND))
                }
                // Nobody asked Kafka's controller what else there could be: it falls over a null.
                _ => {
                    let error = ResponseError::UnknownServerError;
                    return Err((error, errors::info(error.code()).message.to_owned()));
                }
            };
            match &value {
                Some(value) => changed.insert(name.clone(), value.clone()),
                None => changed.remove(&name),
            };
            if name == "cordoned.log.dirs" && resource_type == BROKER_RESOURCE {
                self.check_cordoned(current.get(&name), value.as_ref(), forwarded)?;
            }
            // Brokers reload what is set again as it was (KAFKA-14136).
            if current.get(&name) != value.as_ref() || resource_type == BROKER_RESOURCE {
                records.push(MetadataRecord::Config { resource_type, resource_name: resource_name.clone(), name, value });
            }
        }
        self.validate_resource(resource_type, &resource_name, &changed, &records)?;
        self.check_existence(resource_type, &resource_name)?;
        Ok(records)
    }

    /// `isCordonedLogDirsDisabled`, `isCordonedLogDirsInvalid`: whether there are such directories only the broker knows; who asks the controller
    /// can but uncordon some.
    fn check_cordoned(&self, known: Option<&String>, value: Option<&String>, forwarded: bool) -> Result<(), (ResponseError, String)> {
        if !cordons_log_dirs(&self.image.features) {
            let message = "The cordoned.log.dirs configuration value cannot be set because it requires metadata.version >= 4.3-IV0";
            return Err((ResponseError::InvalidConfig, message.to_owned()));
        }
        let words = |value: Option<&String>| -> Vec<String> {
            value.map_or(Vec::new(), |value| value.trim().split(',').map(|word| word.trim().to_owned()).collect())
        };
        let (known, named) = (words(known), words(value.filter(|value| !value.trim().is_empty())));
        if !forwarded && !named.iter().all(|word| known.contains(word)) {
            // Kafka's words, blanks and all.
            let message =
                "When updating cordoned.log.dirs via controllers,  the new value must be a subset of the current configuration value.";
            return Err((ResponseError::InvalidConfig, message.to_owned()));
        }
        Ok(())
    }

    /// `ControllerConfigurationValidator.validate`
    fn validate_resource(
        &self,
        resource_type: i8,
        name: &str,
        config: &Config,
        records: &[MetadataRecord],
    ) -> Result<(), (ResponseError, String)> {
        let invalid = |message: &str| Err((ResponseError::InvalidRequest, message.to_owned()));
        match resource_type {
            TOPIC_RESOURCE if name.is_empty() => invalid("Default topic resources are not allowed."),
            TOPIC_RESOURCE => self.check_topic_configs(config),
            BROKER_RESOURCE => {
                match name.parse::<i32>() {
                    _ if name.is_empty() => {}
                    Ok(id) if id < 0 => return invalid("Invalid negative broker ID."),
                    Ok(_) => {}
                    Err(_) => return invalid("Unable to parse broker name as a base 10 number."),
                }
                self.check_min_isr_change(name, records)
            }
            CLIENT_METRICS_RESOURCE => client_metrics::validate(name, config).map_err(|refused| match refused {
                client_metrics::Refused::Request(message) => (ResponseError::InvalidRequest, message),
                client_metrics::Refused::Config(message) => (ResponseError::InvalidConfig, message),
            }),
            GROUP_RESOURCE if name.is_empty() => invalid("Default group resources are not allowed."),
            GROUP_RESOURCE => group::validate(config, &self.config).map_err(|message| (ResponseError::InvalidConfig, message)),
            other => invalid(&format!("Unknown resource type {other}")),
        }
    }

    /// `ConfigResourceExistenceChecker`
    fn check_existence(&self, resource_type: i8, name: &str) -> Result<(), (ResponseError, String)> {
        match (resource_type, name.parse::<i32>()) {
            (TOPIC_RESOURCE, _) if self.image.topic(name).is_none() => {
                Err((ResponseError::UnknownTopicOrPartition, format!("The topic '{name}' does not exist.")))
            }
            (BROKER_RESOURCE, Ok(id)) if !self.image.brokers.contains_key(&id) && !self.image.controllers.contains_key(&id) => {
                Err((ResponseError::BrokerIdNotRegistered, format!("No node with id {id} found.")))
            }
            _ => Ok(()),
        }
    }

    /// `LogConfig.validate`: what a topic may be given, with what it has from its brokers. Tiered storage is for none of them.
    pub(super) fn check_topic_configs(&self, config: &Config) -> Result<(), (ResponseError, String)> {
        let invalid = |message| (ResponseError::InvalidConfig, message);
        for (name, value) in config {
            let def = topic::find(name).ok_or_else(|| invalid(format!("Unknown topic config name: {name}")))?;
            topic::validate(def, value).map_err(invalid)?;
        }
        let cluster = self.image.configs(BROKER_RESOURCE, "");
        let long = |name: &str| topic::effective(name, config, &cluster, &self.config)?.trim().parse::<i64>().ok();
        if let (Some(least), Some(most)) = (long("min.compaction.lag.ms"), long("max.compaction.lag.ms"))
            && least > most
        {
            let message = format!("conflict topic config setting min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})");
            return Err(invalid(message));
        }
        if config.get("remote.storage.enable").is_some_and(|value| value.trim().eq_ignore_ascii_case("true")) {
            let message = "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.";
            return Err(invalid(message.to_owned()));
        }
        Ok(())
    }

    /// With eligible leader replicas the cluster has one min.insync.replicas for all brokers.
    fn check_min_isr_change(&self, broker: &str, records: &[MetadataRecord]) -> Result<(), (ResponseError, String)> {
        let refuse = |message: &str| Err((ResponseError::InvalidConfig, message.to_owned()));
        for record in records {
            match record {
                MetadataRecord::Config { name, value, .. } if name == "min.insync.replicas" && self.elr_enabled() => match value {
                    _ if !broker.is_empty() => return refuse("Broker-level min.insync.replicas cannot be altered while ELR is enabled."),
                    None => return refuse("Cluster-level min.insync.replicas cannot be removed while ELR is enabled."),
                    Some(_) => {}
                },
                _ => {}
            }
        }
        Ok(())
    }
}

/// The default of a configuration that is a list, none of any other: the schema has those of topics and brokers
/// (`KafkaConfigSchema.isSplittable`).
fn default_of_list(resource_type: i8, name: &str) -> Option<&'static str> {
    match resource_type {
        TOPIC_RESOURCE => {
            let is_list = |def: &&topic::TopicConfigDef| matches!(def.kind, topic::Kind::List(_) | topic::Kind::Replicas);
            topic::find(name).filter(is_list).map(|def| def.default)
        }
        BROKER_RESOURCE => broker::find(name).filter(|def| def.kind == broker::Type::List).map(|def| def.default.unwrap_or("")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::BrokerRegistrationRequest;
    use kafka_protocol::messages::broker_registration_request::Listener;

    /// Of a cluster of broker 1.
    fn state() -> State {
        let mut state = State::default();
        let request = BrokerRegistrationRequest::default().with_broker_id(1.into()).with_listeners(vec![Listener::default()]);
        state.register_broker(&request).records.iter().for_each(|record| state.image.apply(record));
        state
    }

    /// Sets (or, without a value, removes) one configuration; what the answer says, and how many records it took.
    fn alter(state: &mut State, resource_type: i8, resource: &str, name: &str, value: Option<&str>) -> Result<usize, String> {
        use kafka_protocol::messages::incremental_alter_configs_request::AlterableConfig;
        let text = |text: &str| StrBytes::from_string(text.to_owned());
        let config = AlterableConfig::default()
            .with_name(text(name))
            .with_value(value.map(text))
            .with_config_operation(if value.is_some() { SET } else { DELETE });
        let resource =
            AlterConfigsResource::default().with_resource_type(resource_type).with_resource_name(text(resource)).with_configs(vec![config]);
        let records = state.alter_resource(&resource, true).map_err(|(_, message)| message)?;
        records.iter().for_each(|record| state.image.apply(record));
        Ok(records.len())
    }

    #[test]
    fn only_what_changes_is_written() {
        let mut state = state();
        let (kind, name) = (CLIENT_METRICS_RESOURCE, "interval.ms");
        assert_eq!(alter(&mut state, kind, "m", name, Some("1000")), Ok(1));
        assert_eq!(alter(&mut state, kind, "m", name, Some("1000")), Ok(0));
        assert_eq!(alter(&mut state, kind, "m", name, None), Ok(1));
        assert_eq!(alter(&mut state, kind, "m", name, None), Ok(0));
        // But a broker is to reload what its files may have become.
        assert_eq!(alter(&mut state, BROKER_RESOURCE, "1", "log.cleaner.threads", Some("2")), Ok(1));
        assert_eq!(alter(&mut state, BROKER_RESOURCE, "1", "log.cleaner.threads", Some("2")), Ok(1));
    }

    #[test]
    fn lists_grow_and_shrink() {
        use kafka_protocol::messages::incremental_alter_configs_request::AlterableConfig;
        let text = |text: &str| StrBytes::from_string(text.to_owned());
        let mut state = state();
        let mut change = |kind: i8, name: &str, operation, value: &str| {
            let config = AlterableConfig::default().with_name(text(name)).with_value(Some(text(value))).with_config_operation(operation);
            let of = if kind == BROKER_RESOURCE { "" } else { "m" };
            let resource = AlterConfigsResource::default().with_resource_type(kind).with_resource_name(text(of)).with_configs(vec![config]);
            let records = state.alter_resource(&resource, true).map_err(|(error, message)| (error.code(), message))?;
            records.iter().for_each(|record| state.image.apply(record));
            Ok(state.image.configs(kind, of).get(name).cloned())
        };
        // From the default on, each word once.
        assert_eq!(change(BROKER_RESOURCE, "log.cleanup.policy", APPEND, "compact,delete"), Ok(Some("delete,compact".into())));
        assert_eq!(change(BROKER_RESOURCE, "log.cleanup.policy", SUBTRACT, "delete,other"), Ok(Some("compact".into())));
        let refused = |message: &str| Err((ResponseError::InvalidConfig.code(), message.to_owned()));
        let said = refused("Can't SUBTRACT to key log.cleaner.threads because its type is not LIST.");
        assert_eq!(change(BROKER_RESOURCE, "log.cleaner.threads", SUBTRACT, "1"), said);
        let said = refused("Can't APPEND to key metrics because its type is not LIST.");
        assert_eq!(change(CLIENT_METRICS_RESOURCE, "metrics", APPEND, "org.apache"), said);
        let said = Err((-1, "The server experienced an unexpected error when processing the request.".to_owned()));
        assert_eq!(change(CLIENT_METRICS_RESOURCE, "metrics", 7, ""), said);
    }

    #[test]
    fn each_kind_of_resource_has_its_rules() {
        let mut state = state();
        let mut said = |kind, resource, name, value| alter(&mut state, kind, resource, name, Some(value)).unwrap_err();
        assert_eq!(said(TOPIC_RESOURCE, "orders", "retention.ms", "1"), "The topic 'orders' does not exist.");
        assert_eq!(said(TOPIC_RESOURCE, "", "retention.ms", "1"), "Default topic resources are not allowed.");
        assert_eq!(said(BROKER_RESOURCE, "2", "log.cleaner.threads", "1"), "No node with id 2 found.");
        assert_eq!(said(BROKER_RESOURCE, "one", "log.cleaner.threads", "1"), "Unable to parse broker name as a base 10 number.");
        assert_eq!(said(GROUP_RESOURCE, "", "consumer.session.timeout.ms", "50000"), "Default group resources are not allowed.");
        assert_eq!(said(GROUP_RESOURCE, "g", "session", "1"), "Unknown group config name: session");
        assert_eq!(said(CLIENT_METRICS_RESOURCE, "m", "match", "colour=red"), "Illegal client matching pattern: colour=red");
        assert_eq!(said(8, "1", "kafka", "INFO"), "Unknown resource type 8");
    }

    #[test]
    fn with_eligible_leader_replicas_there_is_one_min_isr_for_all() {
        let mut state = state();
        assert_eq!(alter(&mut state, BROKER_RESOURCE, "1", "min.insync.replicas", Some("2")), Ok(1));
        state.image.apply(&MetadataRecord::FeatureLevel { name: "eligible.leader.replicas.version".into(), level: 1 });
        let of_broker = "Broker-level min.insync.replicas cannot be altered while ELR is enabled.";
        assert_eq!(alter(&mut state, BROKER_RESOURCE, "1", "min.insync.replicas", Some("3")).unwrap_err(), of_broker);
        assert_eq!(alter(&mut state, BROKER_RESOURCE, "", "min.insync.replicas", Some("2")), Ok(1));
        let removed = "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.";
        assert_eq!(alter(&mut state, BROKER_RESOURCE, "", "min.insync.replicas", None).unwrap_err(), removed);
    }
}
