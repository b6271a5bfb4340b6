//! Group configuration (`GroupConfig`): names, defaults with the broker configurations that give them, and what values are accepted.

use super::{Importance, broker};
use crate::kafka::actor::Config;

/// One group configuration.
#[derive(Clone, Copy, Debug)]
pub struct GroupConfigDef {
    pub name: &'static str,
    pub kind: broker::Type,
    pub default: &'static str,
    pub low: i64,
    /// The broker configuration that gives groups their default; empty: none.
    pub broker_name: &'static str,
}

const fn d(name: &'static str, default: &'static str, low: i64, broker_name: &'static str) -> GroupConfigDef {
    GroupConfigDef { name, kind: broker::Type::Int, default, low, broker_name }
}

const fn text(name: &'static str, kind: broker::Type, default: &'static str) -> GroupConfigDef {
    GroupConfigDef { name, kind, default, low: 0, broker_name: "" }
}

/// Every group configuration of 4.3.1, by name.
pub const GROUP_CONFIGS: &[GroupConfigDef] = &[
    d("consumer.assignment.interval.ms", "1000", 0, "group.consumer.assignment.interval.ms"),
    d("consumer.heartbeat.interval.ms", "5000", 1, "group.consumer.heartbeat.interval.ms"),
    d("consumer.session.timeout.ms", "45000", 1, "group.consumer.session.timeout.ms"),
    d("share.assignment.interval.ms", "1000", 0, "group.share.assignment.interval.ms"),
    text("share.auto.offset.reset", broker::Type::Text, "latest"),
    d("share.delivery.count.limit", "5", 2, "group.share.delivery.count.limit"),
    d("share.heartbeat.interval.ms", "5000", 1, "group.share.heartbeat.interval.ms"),
    text("share.isolation.level", broker::Type::Text, "read_uncommitted"),
    d("share.partition.max.record.locks", "2000", 100, "group.share.partition.max.record.locks"),
    d("share.record.lock.duration.ms", "30000", 1_000, "group.share.record.lock.duration.ms"),
    text("share.renew.acknowledge.enable", broker::Type::Boolean, "true"),
    d("share.session.timeout.ms", "45000", 1, "group.share.session.timeout.ms"),
    d("streams.assignment.interval.ms", "1000", 0, "group.streams.assignment.interval.ms"),
    d("streams.heartbeat.interval.ms", "5000", 1, "group.streams.heartbeat.interval.ms"),
    d("streams.initial.rebalance.delay.ms", "3000", 0, "group.streams.initial.rebalance.delay.ms"),
    d("streams.num.standby.replicas", "0", 0, "group.streams.num.standby.replicas"),
    d("streams.session.timeout.ms", "45000", 1, "group.streams.session.timeout.ms"),
];

/// Configurations that the broker bounds, with the names of its bounds.
const BOUNDED: &[(&str, &str, &str)] = &[
    ("consumer.heartbeat.interval.ms", "group.consumer.min.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms"),
    ("consumer.session.timeout.ms", "group.consumer.min.session.timeout.ms", "group.consumer.max.session.timeout.ms"),
    ("consumer.assignment.interval.ms", "group.consumer.min.assignment.interval.ms", "group.consumer.max.assignment.interval.ms"),
    ("share.heartbeat.interval.ms", "group.share.min.heartbeat.interval.ms", "group.share.max.heartbeat.interval.ms"),
    ("share.session.timeout.ms", "group.share.min.session.timeout.ms", "group.share.max.session.timeout.ms"),
    ("share.record.lock.duration.ms", "group.share.min.record.lock.duration.ms", "group.share.max.record.lock.duration.ms"),
    ("share.delivery.count.limit", "group.share.min.delivery.count.limit", "group.share.max.delivery.count.limit"),
    ("share.partition.max.record.locks", "group.share.min.partition.max.record.locks", "group.share.max.partition.max.record.locks"),
    ("streams.heartbeat.interval.ms", "group.streams.min.heartbeat.interval.ms", "group.streams.max.heartbeat.interval.ms"),
    ("streams.session.timeout.ms", "group.streams.min.session.timeout.ms", "group.streams.max.session.timeout.ms"),
];

pub fn find(name: &str) -> Option<&'static GroupConfigDef> {
    GROUP_CONFIGS.iter().find(|def| def.name == name)
}

/// Whether a group may be configured so (`GroupConfig.validate`). `broker`: server.properties, for its bounds.
///
/// # Errors
/// Kafka's words.
pub fn validate(config: &Config, broker: &Config) -> Result<(), String> {
    for (name, value) in config {
        let def = find(name).ok_or_else(|| format!("Unknown group config name: {name}"))?;
        check(def, value)?;
    }
    let own = |name: &str| config.get(name).map(String::as_str).or_else(|| find(name).map(|def| def.default)).and_then(number);
    let bound = |name: &str| broker.get(name).map(String::as_str).or_else(|| broker::find(name)?.default).and_then(number);
    for (name, low, high) in BOUNDED.iter().filter(|(name, ..)| config.contains_key(*name)) {
        let Some(value) = own(name) else { continue };
        if bound(low).is_some_and(|low| value < low) {
            return Err(format!("{name} must be greater than or equal to {low}"));
        }
        if bound(high).is_some_and(|high| value > high) {
            return Err(format!("{name} must be less than or equal to {high}"));
        }
    }
    for kind in ["consumer", "share", "streams"] {
        let (session, heartbeat) = (format!("{kind}.session.timeout.ms"), format!("{kind}.heartbeat.interval.ms"));
        if own(&session) <= own(&heartbeat) {
            return Err(format!("{session} must be greater than {heartbeat}"));
        }
    }
    Ok(())
}

fn check(def: &GroupConfigDef, value: &str) -> Result<(), String> {
    let valid = match def.name {
        "share.isolation.level" => broker::Valid::OneOf(&["read_committed", "read_uncommitted"]),
        _ if def.kind == broker::Type::Int => broker::Valid::AtLeast(def.low),
        _ => broker::Valid::Any,
    };
    let (importance, mode) = (Importance::Medium, broker::Mode::ClusterWide);
    let of_broker = broker::BrokerConfigDef { name: def.name, kind: def.kind, default: Some(def.default), valid, importance, mode };
    broker::validate(&of_broker, value)
}

fn number(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_the_brokers_bounds() {
        let said = |name: &str, value: &str| validate(&Config::from([(name.to_owned(), value.to_owned())]), &Config::new());
        assert_eq!(said("consumer.session.timeout.ms", "50000"), Ok(()));
        assert_eq!(
            said("consumer.session.timeout.ms", "10").unwrap_err(),
            "consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms"
        );
        assert_eq!(said("consumer.session", "10").unwrap_err(), "Unknown group config name: consumer.session");
    }

    #[test]
    fn defaults_are_the_brokers() {
        for def in GROUP_CONFIGS.iter().filter(|def| !def.broker_name.is_empty()) {
            assert_eq!(broker::find(def.broker_name).and_then(|broker| broker.default), Some(def.default), "{}", def.name);
        }
        for (_, low, high) in BOUNDED {
            assert!(broker::find(low).is_some() && broker::find(high).is_some(), "{low} {high}");
        }
    }
}
