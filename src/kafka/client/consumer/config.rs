//! A consumer's configuration, by Kafka's names and with its defaults (`ConsumerConfig`).

use crate::kafka::actor::Config;
use crate::kafka::client::backoff::ExponentialBackoff;
use crate::kafka::client::config::{ConfigError, Settings, invalid};
use crate::kafka::client::iso_duration;
use crate::kafka::client::metadata::MetadataConfig;
use crate::kafka::client::network::NetworkConfig;
use crate::kafka::group::assignor::Assignor;
use crate::kafka::names::Name;
use crate::sim::time::Duration;

/// What a consumer reads of its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerConfig {
    /// `group.id`; without one there are no commits and no group.
    pub group_id: Option<Name>,
    pub group_instance_id: Option<Name>,
    pub group_protocol: GroupProtocol,
    /// `group.remote.assignor`: which of the coordinator's assignors the member would like.
    pub group_remote_assignor: Option<Name>,
    pub auto_offset_reset: OffsetReset,
    pub enable_auto_commit: bool,
    pub auto_commit_interval: Duration,
    pub session_timeout: Duration,
    pub heartbeat_interval: Duration,
    /// `client.rack`: where it is, for brokers that know a closer replica than the leader; empty if it does not say.
    pub client_rack: Name,
    /// `max.poll.interval.ms`: who does not poll for that long leaves its group; also how long a rebalance may take.
    pub max_poll_interval: Duration,
    pub max_poll_records: u32,
    pub fetch_min_bytes: i32,
    pub fetch_max_wait: Duration,
    pub fetch_max_bytes: i32,
    pub max_partition_fetch_bytes: i32,
    pub isolation_level: IsolationLevel,
    pub check_crcs: bool,
    /// `default.api.timeout.ms`: how long closing may take at most.
    pub default_api_timeout: Duration,
    /// `partition.assignment.strategy`, best first.
    pub assignors: Vec<Assignor>,
    pub retry: ExponentialBackoff,
    pub network: NetworkConfig,
    pub metadata: MetadataConfig,
}

/// `auto.offset.reset`: where to start without a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetReset {
    Earliest,
    Latest,
    /// At the first record that is no older than this (KIP-1106).
    ByDuration(Duration),
    /// Tell the application.
    None,
}

/// `group.protocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupProtocol {
    /// Members assign.
    Classic,
    /// The coordinator assigns (KIP-848).
    Consumer,
}

/// `isolation.level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsolationLevel {
    ReadUncommitted,
    ReadCommitted,
}

impl IsolationLevel {
    /// As in requests.
    pub fn code(self) -> i8 {
        match self {
            IsolationLevel::ReadUncommitted => 0,
            IsolationLevel::ReadCommitted => 1,
        }
    }
}

/// A consumer talks to a node with as many requests as it likes (`ConsumerUtils.CONSUMER_MAX_INFLIGHT_REQUESTS_PER_CONNECTION`).
const MAX_IN_FLIGHT: u32 = 100;

/// `by_duration:PT1H`; the span may not be negative.
fn by_duration(text: &str) -> Option<OffsetReset> {
    let ms = iso_duration::parse_ms(text.strip_prefix("by_duration:")?)?;
    u64::try_from(ms).ok().map(|ms| OffsetReset::ByDuration(Duration::us(ms.saturating_mul(1_000))))
}

impl ConsumerConfig {
    /// Reads settings. Left out: deserializers, interceptors, security.
    ///
    /// # Errors
    /// The first setting that cannot be, in Kafka's words.
    pub fn parse(config: &Config) -> Result<ConsumerConfig, ConfigError> {
        let settings = Settings(config);
        let text = |name: &str| config.get(name).map(|value| Name::from(value.trim())).filter(|value| !value.is_empty());
        let group_id = text("group.id");
        let session_timeout = settings.int_millis("session.timeout.ms", 45_000)?;
        let heartbeat_interval = settings.int_millis("heartbeat.interval.ms", 3_000)?;
        if heartbeat_interval >= session_timeout {
            // Kafka: IllegalArgumentException out of the constructor.
            return Err(ConfigError("Heartbeat must be set lower than the session timeout".to_owned()));
        }
        let reset = match text("auto.offset.reset").as_deref().unwrap_or("latest") {
            "earliest" => OffsetReset::Earliest,
            "none" => OffsetReset::None,
            "latest" => OffsetReset::Latest,
            other => by_duration(other).ok_or_else(|| {
                let why = format!(
                    "Invalid value `{other}` for configuration auto.offset.reset. The value must be either 'earliest', 'latest', 'none' or \
                     of the format 'by_duration:<PnDTnHnMn.nS.>'."
                );
                invalid("auto.offset.reset", other, &why)
            })?,
        };
        let isolation_level = match settings.one_of("isolation.level", "read_uncommitted", &["read_committed", "read_uncommitted"])? {
            "read_committed" => IsolationLevel::ReadCommitted,
            _ => IsolationLevel::ReadUncommitted,
        };
        let group_protocol = match text("group.protocol").map(|name| name.to_ascii_lowercase()).as_deref() {
            None | Some("classic") => GroupProtocol::Classic,
            Some("consumer") => GroupProtocol::Consumer,
            Some(other) => {
                return Err(invalid("group.protocol", other, "String must be one of (case insensitive): CLASSIC, CONSUMER"));
            }
        };
        if group_protocol == GroupProtocol::Consumer {
            // `ConsumerConfig.CONSUMER_PROTOCOL_UNSUPPORTED_CONFIGS`: what the coordinator decides by that protocol.
            let unsupported = ["partition.assignment.strategy", "heartbeat.interval.ms", "session.timeout.ms"];
            if let Some(name) = unsupported.into_iter().find(|name| config.contains_key(*name)) {
                return Err(ConfigError(format!("{name} cannot be set when group.protocol=CONSUMER")));
            }
        }
        let retry = settings.backoff("retry.backoff", 100, 1_000)?;
        Ok(ConsumerConfig {
            enable_auto_commit: settings.boolean("enable.auto.commit", group_id.is_some())? && group_id.is_some(),
            group_id,
            group_instance_id: text("group.instance.id"),
            group_protocol,
            group_remote_assignor: text("group.remote.assignor"),
            auto_offset_reset: reset,
            auto_commit_interval: settings.int_millis("auto.commit.interval.ms", 5_000)?,
            session_timeout,
            heartbeat_interval,
            max_poll_interval: Duration::ms(settings.int("max.poll.interval.ms", 300_000, 1..=i32::MAX)? as u64),
            max_poll_records: settings.int("max.poll.records", 500, 1..=i32::MAX)? as u32,
            fetch_min_bytes: settings.int("fetch.min.bytes", 1, 0..=i32::MAX)?,
            fetch_max_wait: settings.int_millis("fetch.max.wait.ms", 500)?,
            fetch_max_bytes: settings.int("fetch.max.bytes", 52_428_800, 0..=i32::MAX)?,
            max_partition_fetch_bytes: settings.int("max.partition.fetch.bytes", 1_048_576, 0..=i32::MAX)?,
            client_rack: text("client.rack").unwrap_or_default(),
            isolation_level,
            check_crcs: settings.boolean("check.crcs", true)?,
            default_api_timeout: settings.int_millis("default.api.timeout.ms", 60_000)?,
            assignors: assignors(config)?,
            retry,
            network: NetworkConfig { max_in_flight: MAX_IN_FLIGHT, ..settings.network(30_000)? },
            metadata: MetadataConfig {
                max_age: settings.millis("metadata.max.age.ms", 300_000)?,
                max_idle: None,
                retry,
                allow_auto_topic_creation: settings.boolean("allow.auto.create.topics", true)?,
            },
        })
    }
}

fn assignors(config: &Config) -> Result<Vec<Assignor>, ConfigError> {
    const NAME: &str = "partition.assignment.strategy";
    let Some(classes) = config.get(NAME) else { return Ok(vec![Assignor::Range, Assignor::CooperativeSticky]) };
    let known: Vec<Assignor> = classes.split(',').filter_map(|class| Assignor::from_class(class.trim())).collect();
    if known.is_empty() {
        return Err(invalid(NAME, classes, "none of these assignors is known here"));
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &str) -> Result<ConsumerConfig, String> {
        let pairs = lines.split(';').filter_map(|line| line.split_once('='));
        let config = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        ConsumerConfig::parse(&config).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults() {
        let config = parse("group.id=g").unwrap();
        assert_eq!((config.max_poll_records, config.auto_offset_reset, config.enable_auto_commit), (500, OffsetReset::Latest, true));
        assert_eq!((config.session_timeout, config.heartbeat_interval), (Duration::secs(45), Duration::secs(3)));
        assert_eq!(config.assignors, [Assignor::Range, Assignor::CooperativeSticky]);
        assert!(!parse("").unwrap().enable_auto_commit, "without a group nothing is committed");
    }

    #[test]
    fn refuses() {
        assert!(parse("auto.offset.reset=sometimes").is_err());
        let reset = |value: &str| parse(&format!("auto.offset.reset={value}")).map(|config| config.auto_offset_reset).ok();
        assert_eq!(reset("by_duration:pt1h0.5s"), Some(OffsetReset::ByDuration(Duration::ms(3_600_500))));
        assert_eq!(reset("by_duration:PT0S"), Some(OffsetReset::ByDuration(Duration::ZERO)));
        for wrong in ["by_duration", "by_duration:", "by_duration:1h", "by_duration:-PT1S", "BY_DURATION:PT1S"] {
            assert_eq!(reset(wrong), None, "{wrong}");
        }
        assert!(parse("session.timeout.ms=3000").is_err());
        assert!(parse("max.poll.records=0").is_err());
        assert!(parse("partition.assignment.strategy=com.example.Mine").is_err());
        let both = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor, org.apache.kafka.clients.consumer.RoundRobinAssignor";
        assert_eq!(
            parse(&format!("partition.assignment.strategy={both}")).unwrap().assignors,
            [Assignor::CooperativeSticky, Assignor::RoundRobin]
        );
    }
}
