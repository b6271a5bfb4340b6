//! `GroupCoordinatorConfig`: the broker's settings for groups.

use crate::kafka::actor::Config;
use crate::sim::time::Duration;

/// Durations are whole milliseconds, as in Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// `offsets.topic.num.partitions`.
    pub offsets_topic_num_partitions: i32,
    /// `group.initial.rebalance.delay.ms`: how long an empty group waits for more members before its first generation.
    pub initial_rebalance_delay: Duration,
    /// `group.min.session.timeout.ms`.
    pub min_session_timeout: Duration,
    /// `group.max.session.timeout.ms`.
    pub max_session_timeout: Duration,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_max_bytes: usize,
    /// `group.consumer.session.timeout.ms`: how long a member of the consumer protocol may be silent.
    pub consumer_session_timeout: Duration,
    /// `group.consumer.heartbeat.interval.ms`: what such members are told.
    pub consumer_heartbeat_interval: Duration,
    /// `group.max.size`: how many members of the classic protocol a group takes.
    pub classic_max_size: usize,
    /// `group.consumer.max.size`: how many members of that protocol a group takes.
    pub consumer_max_size: usize,
    /// `group.consumer.assignment.interval.ms`: how long at least from one target assignment to the next.
    pub consumer_assignment_interval: Duration,
}

/// How long a member that has no id yet, or whose answer is parked, is kept (`CLASSIC_GROUP_NEW_MEMBER_JOIN_TIMEOUT_MS`).
pub const NEW_MEMBER_JOIN_TIMEOUT: Duration = Duration::secs(300);

impl Default for GroupConfig {
    fn default() -> GroupConfig {
        GroupConfig {
            offsets_topic_num_partitions: 50,
            initial_rebalance_delay: Duration::ms(3_000),
            min_session_timeout: Duration::ms(6_000),
            max_session_timeout: Duration::ms(1_800_000),
            offset_metadata_max_bytes: 4096,
            consumer_session_timeout: Duration::ms(45_000),
            consumer_heartbeat_interval: Duration::ms(5_000),
            classic_max_size: i32::MAX as usize,
            consumer_max_size: i32::MAX as usize,
            consumer_assignment_interval: Duration::ms(1_000),
        }
    }
}

impl GroupConfig {
    /// The settings of a `server.properties`. What is missing or no number keeps its default: the broker checks its file itself.
    pub fn from_properties(properties: &Config) -> GroupConfig {
        let number = |name: &str| properties.get(name).and_then(|value| value.trim().parse::<u64>().ok());
        let default = GroupConfig::default();
        let millis = |name: &str, default: Duration| number(name).map_or(default, Duration::ms);
        GroupConfig {
            consumer_session_timeout: millis("group.consumer.session.timeout.ms", default.consumer_session_timeout),
            consumer_heartbeat_interval: millis("group.consumer.heartbeat.interval.ms", default.consumer_heartbeat_interval),
            classic_max_size: number("group.max.size").map_or(default.classic_max_size, |n| n as usize),
            consumer_max_size: number("group.consumer.max.size").map_or(default.consumer_max_size, |n| n as usize),
            consumer_assignment_interval: millis("group.consumer.assignment.interval.ms", default.consumer_assignment_interval),
            offsets_topic_num_partitions: number("offsets.topic.num.partitions")
                .and_then(|n| i32::try_from(n).ok())
                .filter(|&n| n > 0)
                .unwrap_or(default.offsets_topic_num_partitions),
            initial_rebalance_delay: number("group.initial.rebalance.delay.ms").map_or(default.initial_rebalance_delay, Duration::ms),
            min_session_timeout: number("group.min.session.timeout.ms").map_or(default.min_session_timeout, Duration::ms),
            max_session_timeout: number("group.max.session.timeout.ms").map_or(default.max_session_timeout, Duration::ms),
            offset_metadata_max_bytes: number("offset.metadata.max.bytes").map_or(default.offset_metadata_max_bytes, |n| n as usize),
        }
    }
}
