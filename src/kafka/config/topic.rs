//! Topic configuration (`TopicConfig`, `LogConfig`): which names there are, what values they take, and what they add up to for a log.

use super::Importance;
use crate::kafka::actor::Config;
use crate::kafka::log::config::LogConfig;
use crate::kafka::records::batch::TimestampType;
use crate::kafka::records::compression::CompressionType;
use crate::kafka::rules::Rules;

/// What values a configuration takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    /// 32 bits, at least this.
    Int(i64),
    /// 32 bits, between these.
    Between(i64, i64),
    /// 32 bits, between the first two, or the third.
    BetweenOr(i64, i64, i64),
    /// 64 bits, at least this.
    Long(i64),
    /// A share, from 0 to 1.
    Ratio,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Some of these words, separated by commas.
    List(&'static [&'static str]),
    /// Replicas to be throttled: `0:1,1:2`, or `*` for all.
    Replicas,
}

/// One topic configuration: its name, what it takes, its default, and the broker configuration that gives topics their default.
#[derive(Clone, Copy, Debug)]
pub struct TopicConfigDef {
    pub name: &'static str,
    pub kind: Kind,
    pub default: &'static str,
    pub broker_name: &'static str,
}

const fn def(name: &'static str, kind: Kind, default: &'static str, broker_name: &'static str) -> TopicConfigDef {
    TopicConfigDef { name, kind, default, broker_name }
}

/// Each of them matters the same (`LogConfig`).
pub const IMPORTANCE: Importance = Importance::Medium;

/// Every topic configuration of 4.3, by name.
pub const TOPIC_CONFIGS: &[TopicConfigDef] = &[
    def("cleanup.policy", Kind::List(&["compact", "delete"]), "delete", "log.cleanup.policy"),
    def("compression.gzip.level", Kind::BetweenOr(1, 9, -1), "-1", "compression.gzip.level"),
    def("compression.lz4.level", Kind::Between(1, 17), "9", "compression.lz4.level"),
    def("compression.type", Kind::OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), "producer", "compression.type"),
    def("compression.zstd.level", Kind::Between(-131_072, 22), "3", "compression.zstd.level"),
    def("delete.retention.ms", Kind::Long(0), "86400000", "log.cleaner.delete.retention.ms"),
    def("file.delete.delay.ms", Kind::Long(0), "60000", "log.segment.delete.delay.ms"),
    def("flush.messages", Kind::Long(1), "9223372036854775807", "log.flush.interval.messages"),
    def("flush.ms", Kind::Long(0), "9223372036854775807", "log.flush.interval.ms"),
    def("follower.replication.throttled.replicas", Kind::Replicas, "", ""),
    def("index.interval.bytes", Kind::Int(0), "4096", "log.index.interval.bytes"),
    def("internal.segment.bytes", Kind::Int(i64::MIN), "", ""),
    def("leader.replication.throttled.replicas", Kind::Replicas, "", ""),
    def("local.retention.bytes", Kind::Long(-2), "-2", "log.local.retention.bytes"),
    def("local.retention.ms", Kind::Long(-2), "-2", "log.local.retention.ms"),
    def("max.compaction.lag.ms", Kind::Long(1), "9223372036854775807", "log.cleaner.max.compaction.lag.ms"),
    def("max.message.bytes", Kind::Int(0), "1048588", "message.max.bytes"),
    def("message.timestamp.after.max.ms", Kind::Long(0), "3600000", "log.message.timestamp.after.max.ms"),
    def("message.timestamp.before.max.ms", Kind::Long(0), "9223372036854775807", "log.message.timestamp.before.max.ms"),
    def("message.timestamp.type", Kind::OneOf(&["CreateTime", "LogAppendTime"]), "CreateTime", "log.message.timestamp.type"),
    def("min.cleanable.dirty.ratio", Kind::Ratio, "0.5", "log.cleaner.min.cleanable.ratio"),
    def("min.compaction.lag.ms", Kind::Long(0), "0", "log.cleaner.min.compaction.lag.ms"),
    def("min.insync.replicas", Kind::Int(1), "1", "min.insync.replicas"),
    def("preallocate", Kind::Boolean, "false", "log.preallocate"),
    def("remote.log.copy.disable", Kind::Boolean, "false", ""),
    def("remote.log.delete.on.disable", Kind::Boolean, "false", ""),
    def("remote.storage.enable", Kind::Boolean, "false", ""),
    def("retention.bytes", Kind::Long(i64::MIN), "-1", "log.retention.bytes"),
    def("retention.ms", Kind::Long(-1), "604800000", "log.retention.ms"),
    def("segment.bytes", Kind::Int(1_048_576), "1073741824", "log.segment.bytes"),
    def("segment.index.bytes", Kind::Int(4), "10485760", "log.index.size.max.bytes"),
    def("segment.jitter.ms", Kind::Long(0), "0", "log.roll.jitter.ms"),
    def("segment.ms", Kind::Long(1), "604800000", "log.roll.ms"),
    def("unclean.leader.election.enable", Kind::Boolean, "false", "unclean.leader.election.enable"),
];

/// The definition of a topic configuration.
pub fn find(name: &str) -> Option<&'static TopicConfigDef> {
    TOPIC_CONFIGS.iter().find(|def| def.name == name)
}

/// Whether a value would be accepted (`ConfigDef`); if not, Kafka's words.
pub fn validate(def: &TopicConfigDef, value: &str) -> Result<(), String> {
    let invalid = |why: String| Err(format!("Invalid value {value} for configuration {}: {why}", def.name));
    let at_least = |low: i64, n: i64| if n < low { invalid(format!("Value must be at least {low}")) } else { Ok(()) };
    match def.kind {
        Kind::Boolean if ["true", "false"].contains(&value.to_ascii_lowercase().as_str()) => Ok(()),
        Kind::Boolean => invalid("Expected value to be either true or false".into()),
        Kind::Int(_) | Kind::Between(..) | Kind::BetweenOr(..) => match (def.kind, value.trim().parse::<i32>().map(i64::from)) {
            (_, Err(_)) => invalid("Not a number of type INT".into()),
            (Kind::Between(_, high), Ok(n)) if n > high => invalid(format!("Value must be no more than {high}")),
            (Kind::BetweenOr(low, high, other), Ok(n)) if n != other && !(low..=high).contains(&n) => {
                invalid(format!("Value must be between {low} and {high} or equal to {other}"))
            }
            (Kind::Int(low) | Kind::Between(low, _), Ok(n)) => at_least(low, n),
            _ => Ok(()),
        },
        Kind::Long(low) => match value.trim().parse::<i64>() {
            Ok(n) => at_least(low, n),
            Err(_) => invalid("Not a number of type LONG".into()),
        },
        Kind::Ratio => match value.trim().parse::<f64>() {
            Ok(n) if n < 0.0 => invalid("Value must be at least 0".into()),
            Ok(n) if n > 1.0 => invalid("Value must be no more than 1".into()),
            Ok(_) => Ok(()),
            Err(_) => invalid("Not a number of type DOUBLE".into()),
        },
        Kind::OneOf(words) if words.contains(&value) => Ok(()),
        Kind::OneOf(words) => invalid(format!("String must be one of: {}", words.join(", "))),
        // No policy at all: nothing is deleted.
        Kind::List(_) if value.trim().is_empty() => Ok(()),
        Kind::List(words) => match value.split(',').map(str::trim).find(|word| !words.contains(word)) {
            None => Ok(()),
            Some(word) => Err(format!("Invalid value {word} for configuration {}: String must be one of: {}", def.name, words.join(", "))),
        },
        Kind::Replicas if value.trim() == "*" || value.split(',').all(is_replica) => Ok(()),
        Kind::Replicas => {
            let (name, given) = (def.name, value.split(',').map(str::trim).collect::<Vec<_>>().join(", "));
            Err(format!(
                "Invalid value [{given}] for configuration {name}: {name} must be the literal '*' or a list of replicas in the following \
                 format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."
            ))
        }
    }
}

/// `0:1`, or nothing (`ThrottledReplicaListValidator`).
fn is_replica(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    text.trim().is_empty() || text.trim().split_once(':').is_some_and(|(partition, broker)| is_number(partition) && is_number(broker))
}

/// A topic's value: its own, else the cluster's default, else the broker's file, else Kafka's default.
pub fn effective<'a>(name: &str, topic: &'a Config, cluster: &'a Config, broker: &'a Config) -> Option<&'a str> {
    let def = find(name)?;
    let inherited = || cluster.get(def.broker_name).or_else(|| broker.get(def.broker_name));
    Some(topic.get(name).or_else(inherited).map_or(def.default, String::as_str))
}

/// What a log is run with.
pub fn log_config(topic: &Config, cluster: &Config, broker: &Config) -> LogConfig {
    let text = |name: &str| effective(name, topic, cluster, broker).unwrap_or("").to_owned();
    let long = |name: &str, default: i64| text(name).parse::<i64>().unwrap_or(default);
    let clamp = |n: i64| n.clamp(0, i64::from(i32::MAX)) as u32;
    let default = LogConfig::default();
    // internal.segment.bytes has no minimum, so that a demonstration need not write a mebibyte.
    let segment_bytes = long("internal.segment.bytes", long("segment.bytes", i64::from(default.segment_bytes)));
    let policies = text("cleanup.policy");
    let has_policy = |policy: &str| policies.split(',').any(|word| word.trim() == policy);
    LogConfig {
        segment_bytes: clamp(segment_bytes),
        segment_ms: long("segment.ms", default.segment_ms),
        segment_jitter_ms: long("segment.jitter.ms", 0),
        segment_index_bytes: clamp(long("segment.index.bytes", i64::from(default.segment_index_bytes))),
        index_interval_bytes: clamp(long("index.interval.bytes", i64::from(default.index_interval_bytes))),
        max_message_bytes: clamp(long("max.message.bytes", i64::from(default.max_message_bytes))),
        retention_ms: long("retention.ms", default.retention_ms),
        retention_bytes: long("retention.bytes", -1),
        min_insync_replicas: long("min.insync.replicas", 1).clamp(1, i64::from(i32::MAX)) as i32,
        preallocate: text("preallocate").trim().eq_ignore_ascii_case("true"),
        flush_messages: long("flush.messages", default.flush_messages).max(1),
        flush_ms: long("flush.ms", default.flush_ms).max(0),
        file_delete_delay_ms: long("file.delete.delay.ms", default.file_delete_delay_ms),
        compression: match text("compression.type").as_str() {
            "producer" => None,
            name => Some(CompressionType::from_name(name).unwrap_or_default()),
        },
        timestamp_type: match text("message.timestamp.type").as_str() {
            "LogAppendTime" => TimestampType::LogAppendTime,
            _ => TimestampType::CreateTime,
        },
        timestamp_before_max_ms: long("message.timestamp.before.max.ms", default.timestamp_before_max_ms),
        timestamp_after_max_ms: long("message.timestamp.after.max.ms", default.timestamp_after_max_ms),
        delete_retention_ms: long("delete.retention.ms", default.delete_retention_ms),
        min_cleanable_dirty_ppm: parts_per_million(&text("min.cleanable.dirty.ratio")).unwrap_or(default.min_cleanable_dirty_ppm),
        min_compaction_lag_ms: long("min.compaction.lag.ms", 0),
        max_compaction_lag_ms: long("max.compaction.lag.ms", i64::MAX),
        compact: has_policy("compact"),
        delete: has_policy("delete"),
        rules: Rules::parse(broker),
    }
}

/// A ratio as whole parts of a million, so that no log depends on how a machine rounds.
fn parts_per_million(ratio: &str) -> Option<u32> {
    let ratio = ratio.trim().parse::<f64>().ok()?;
    (0.0..=1.0).contains(&ratio).then(|| (ratio * 1e6).round() as u32)
}
