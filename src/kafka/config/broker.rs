//! Broker configuration (`KafkaConfig`, `DynamicBrokerConfig`): types, who may be changed while it runs, and which names mean the same.

pub use super::broker_table::{BROKER_CONFIGS, QUOTA_CONFIGS};

use super::Importance;
use crate::kafka::actor::Config;

/// `ConfigDef.Type`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Boolean,
    Text,
    Int,
    Short,
    Long,
    Double,
    List,
    Class,
    Password,
}

/// What values it takes, beyond its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Valid {
    Any,
    AtLeast(i64),
    Between(i64, i64),
    /// Or this number, which stands for a default.
    BetweenOr(i64, i64, i64),
    OneOf(&'static [&'static str]),
    /// Kafka's words for what only a starting broker looks at.
    Said(&'static str),
}

/// Whether it can be changed while the broker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    ReadOnly,
    /// For each broker by itself.
    PerBroker,
    /// For each broker, or for all.
    ClusterWide,
    /// Read-only, and shown only where it is set.
    Internal,
}

/// One broker configuration.
#[derive(Clone, Copy, Debug)]
pub struct BrokerConfigDef {
    pub name: &'static str,
    pub kind: Type,
    pub default: Option<&'static str>,
    pub valid: Valid,
    pub importance: Importance,
    pub mode: Mode,
}

/// The definition of a broker configuration.
pub fn find(name: &str) -> Option<&'static BrokerConfigDef> {
    BROKER_CONFIGS.iter().chain(QUOTA_CONFIGS).find(|def| def.name == name)
}

/// The names that stand for this configuration, the one that counts most first (`brokerConfigSynonyms`).
pub fn synonyms(name: &str) -> Vec<&str> {
    match name {
        "log.roll.ms" | "log.roll.hours" => vec!["log.roll.ms", "log.roll.hours"],
        "log.roll.jitter.ms" | "log.roll.jitter.hours" => vec!["log.roll.jitter.ms", "log.roll.jitter.hours"],
        "log.flush.interval.ms" => vec!["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
        "log.retention.ms" | "log.retention.minutes" | "log.retention.hours" => {
            vec!["log.retention.ms", "log.retention.minutes", "log.retention.hours"]
        }
        other => vec![other],
    }
}

/// server.properties with times in ms where they were given in minutes or hours, or by another name, as a broker reads them.
pub fn in_ms(config: &Config) -> Config {
    let mut config = config.clone();
    for (ms, other, factor) in [
        ("log.retention.ms", "log.retention.minutes", 60_000),
        ("log.retention.ms", "log.retention.hours", 3_600_000),
        ("log.roll.ms", "log.roll.hours", 3_600_000),
        ("log.roll.jitter.ms", "log.roll.jitter.hours", 3_600_000),
        ("log.flush.interval.ms", "log.flush.scheduler.interval.ms", 1),
    ] {
        let given = config.get(other).and_then(|value| value.trim().parse::<i64>().ok());
        if let Some(given) = given.filter(|_| !config.contains_key(ms)) {
            let value = if given < 0 { -1 } else { given.saturating_mul(factor) };
            config.insert(ms.to_owned(), value.to_string());
        }
    }
    config
}

/// Whether a value would be accepted (`ConfigDef`).
///
/// # Errors
/// Kafka's words.
pub fn validate(def: &BrokerConfigDef, value: &str) -> Result<(), String> {
    let invalid = |why: String| Err(format!("Invalid value {value} for configuration {}: {why}", def.name));
    let trimmed = value.trim();
    let number: Option<i64> = match def.kind {
        Type::Boolean if !["true", "false"].contains(&trimmed.to_ascii_lowercase().as_str()) => {
            return invalid("Expected value to be either true or false".into());
        }
        Type::Int => trimmed.parse::<i32>().ok().map(i64::from),
        Type::Short => trimmed.parse::<i16>().ok().map(i64::from),
        Type::Long => trimmed.parse::<i64>().ok(),
        Type::Double => return double(def, value),
        _ => return words(def, value),
    };
    let Some(number) = number else {
        let name = match def.kind {
            Type::Int => "INT",
            Type::Short => "SHORT",
            _ => "LONG",
        };
        return invalid(format!("Not a number of type {name}"));
    };
    match def.valid {
        Valid::AtLeast(low) | Valid::Between(low, _) if number < low => invalid(format!("Value must be at least {low}")),
        Valid::Between(_, high) if number > high => invalid(format!("Value must be no more than {high}")),
        Valid::BetweenOr(low, high, other) if number != other && !(low..=high).contains(&number) => {
            invalid(format!("Value must be between {low} and {high} or equal to {other}"))
        }
        _ => Ok(()),
    }
}

fn double(def: &BrokerConfigDef, value: &str) -> Result<(), String> {
    let invalid = |why: String| Err(format!("Invalid value {value} for configuration {}: {why}", def.name));
    let Ok(number) = value.trim().parse::<f64>() else { return invalid("Not a number of type DOUBLE".into()) };
    match def.valid {
        Valid::AtLeast(low) | Valid::Between(low, _) if number < low as f64 => invalid(format!("Value must be at least {low}")),
        Valid::Between(_, high) if number > high as f64 => invalid(format!("Value must be no more than {high}")),
        _ => Ok(()),
    }
}

fn words(def: &BrokerConfigDef, value: &str) -> Result<(), String> {
    let Valid::OneOf(known) = def.valid else { return Ok(()) };
    let given: Vec<&str> = if def.kind == Type::List { value.split(',').map(str::trim).collect() } else { vec![value] };
    match given.into_iter().find(|word| !known.contains(word)) {
        None => Ok(()),
        Some(word) => Err(format!("Invalid value {word} for configuration {}: String must be one of: {}", def.name, known.join(", "))),
    }
}

/// Whether these may be set while the broker runs (`DynamicBrokerConfig.validateConfigs`). `per_broker`: for one broker, not for all.
///
/// # Errors
/// Kafka's words.
pub fn validate_dynamic(config: &Config, per_broker: bool) -> Result<(), String> {
    let of_mode = |modes: &[Mode]| -> Vec<&str> {
        config.keys().map(String::as_str).filter(|name| find(name).is_some_and(|def| modes.contains(&def.mode))).collect()
    };
    let fixed = of_mode(&[Mode::ReadOnly, Mode::Internal]);
    if !fixed.is_empty() {
        return Err(format!("Cannot update these configs dynamically: [{}]", fixed.join(", ")));
    }
    for (name, value) in config {
        if let Some(def) = find(name) {
            validate(def, value)?;
        }
    }
    let own = of_mode(&[Mode::PerBroker]);
    if !per_broker && !own.is_empty() {
        return Err(format!("Cannot update these configs at default cluster level, broker id must be specified: [{}]", own.join(", ")));
    }
    Ok(())
}

/// What must fit together (`KafkaConfig.validateValues`), of what can be changed while a broker runs. `value_of` gives what is set.
///
/// # Errors
/// Kafka's words.
pub fn validate_values<'a>(value_of: impl Fn(&str) -> Option<&'a str>, is_controller: bool) -> Result<(), String> {
    let required = |why: &str| Err(format!("requirement failed: {why}"));
    let nobody = value_of("max.connections.per.ip").is_some_and(|value| value.trim().parse() == Ok(0));
    if nobody && value_of("max.connections.per.ip.overrides").unwrap_or("").is_empty() {
        return required("max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.");
    }
    let of_controllers = value_of("controller.listener.names").unwrap_or("CONTROLLER");
    let is_of_controllers = |listener: &str| {
        let name = listener.split("://").next().unwrap_or("").trim();
        of_controllers.split(',').any(|known| known.trim().eq_ignore_ascii_case(name))
    };
    if is_controller && value_of("listeners").is_some_and(|listeners| !listeners.split(',').any(is_of_controllers)) {
        return required(
            "controller.listener.names must contain at least one value appearing in the 'listeners' configuration when running the KRaft \
             controller role",
        );
    }
    Ok(())
}

/// Whether a broker with this many threads can have that many (`DynamicThreadPool`, `LogCleaner`): not more than twice as many at once.
///
/// # Errors
/// Kafka's words.
pub fn validate_threads(name: &str, old: i64, new: i64) -> Result<(), String> {
    const POOLS: &[&str] =
        &["num.io.threads", "num.network.threads", "num.replica.fetchers", "num.recovery.threads.per.data.dir", "background.threads"];
    let why = match name {
        "log.cleaner.threads" if new < 1 => "Log cleaner threads should be at least 1".to_owned(),
        "log.cleaner.threads" if new < old / 2 => {
            format!("Log cleaner threads cannot be reduced to less than half the current value {old}")
        }
        "log.cleaner.threads" if new > old * 2 => {
            format!("Log cleaner threads cannot be increased to more than double the current value {old}")
        }
        name if POOLS.contains(&name) => {
            let failed = format!("Dynamic thread count update validation failed for {name}={new}");
            if new < old / 2 {
                format!("{failed}, value should be at least half the current value {old}")
            } else if new > old * 2 {
                format!("{failed}, value should not be greater than double the current value {old}")
            } else {
                return Ok(());
            }
        }
        _ => return Ok(()),
    };
    Err(format!("Invalid value org.apache.kafka.common.config.ConfigException: {why} for configuration Invalid dynamic configuration"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Config {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_must_fit_together() {
        let check = |pairs: &[(&str, &'static str)], is_controller| {
            let value_of = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            validate_values(value_of, is_controller).is_ok()
        };
        assert!(!check(&[("max.connections.per.ip", "0")], false));
        assert!(check(&[("max.connections.per.ip", "0"), ("max.connections.per.ip.overrides", "kafka-1:5")], false));
        assert!(check(&[("max.connections.per.ip", "1")], false) && check(&[], true));
        let listeners = [("listeners", "PLAINTEXT://:9092,ctl://:9093")];
        assert!(check(&listeners, false) && !check(&listeners, true));
        assert!(check(&[listeners[0], ("controller.listener.names", "OTHER,CTL")], true));
    }

    #[test]
    fn sorted_without_doubles() {
        assert!(BROKER_CONFIGS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for def in BROKER_CONFIGS {
            if let Some(default) = def.default {
                assert_eq!(validate(def, default), Ok(()), "{}", def.name);
            }
        }
    }

    #[test]
    fn what_may_be_changed() {
        let said = |pairs: &[(&str, &str)], per_broker| validate_dynamic(&config(pairs), per_broker).unwrap_err();
        assert_eq!(said(&[("node.id", "7")], true), "Cannot update these configs dynamically: [node.id]");
        assert_eq!(
            said(&[("listeners", "PLAINTEXT://:9094")], false),
            "Cannot update these configs at default cluster level, broker id must be specified: [listeners]"
        );
        assert_eq!(
            said(&[("log.cleaner.threads", "many")], true),
            "Invalid value many for configuration log.cleaner.threads: Not a number of type INT"
        );
        assert_eq!(validate_dynamic(&config(&[("my.own", "1"), ("log.retention.ms", "1000")]), false), Ok(()));
    }

    #[test]
    fn threads_at_most_double() {
        assert!(validate_threads("log.cleaner.threads", 1, 50).unwrap_err().contains("more than double the current value 1"));
        assert_eq!(validate_threads("log.cleaner.threads", 1, 2), Ok(()));
        assert!(validate_threads("num.io.threads", 8, 3).is_err());
    }

    #[test]
    fn hours_as_ms() {
        assert_eq!(in_ms(&config(&[("log.retention.hours", "1")]))["log.retention.ms"], "3600000");
        assert_eq!(in_ms(&config(&[("log.retention.hours", "1"), ("log.retention.ms", "5")]))["log.retention.ms"], "5");
    }
}
