//! A producer's configuration, by Kafka's names and with its defaults (`ProducerConfig`).

use crate::kafka::actor::Config;
use crate::kafka::client::backoff::ExponentialBackoff;
use crate::kafka::client::config::{ConfigError, Settings};
use crate::kafka::client::metadata::MetadataConfig;
use crate::kafka::client::network::NetworkConfig;
use crate::kafka::records::compression::CompressionType;
use crate::sim::time::Duration;

/// What a producer reads of its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerConfig {
    pub acks: Acks,
    pub enable_idempotence: bool,
    pub batch_size: u32,
    pub linger: Duration,
    pub buffer_memory: u64,
    pub max_block: Duration,
    pub max_request_size: u32,
    pub compression: CompressionType,
    pub retries: u32,
    pub retry: ExponentialBackoff,
    pub delivery_timeout: Duration,
    pub partitioner_ignore_keys: bool,
    pub partitioner_adaptive: bool,
    pub network: NetworkConfig,
    pub metadata: MetadataConfig,
}

/// `acks`: what the leader waits for before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Nothing: it does not answer at all.
    None,
    Leader,
    /// All replicas in sync.
    All,
}

impl Acks {
    /// As in a Produce request.
    pub fn code(self) -> i16 {
        match self {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        }
    }
}

impl ProducerConfig {
    /// Reads settings. Left out: serializers, interceptors, security, `partitioner.class`, `partitioner.availability.timeout.ms`,
    /// compression levels, transactions.
    ///
    /// # Errors
    /// The first setting that cannot be, in Kafka's words.
    pub fn parse(config: &Config) -> Result<ProducerConfig, ConfigError> {
        let settings = Settings(config);
        let acks = match settings.one_of("acks", "all", &["all", "-1", "0", "1"])? {
            "0" => Acks::None,
            "1" => Acks::Leader,
            _ => Acks::All,
        };
        let codecs: Vec<&str> = CompressionType::ALL.iter().map(|codec| codec.name()).collect();
        let codec = settings.one_of("compression.type", "none", &codecs)?;
        let max_in_flight = settings.int("max.in.flight.requests.per.connection", 5, 1..=i32::MAX)?;
        let retries = settings.int("retries", i32::MAX, 0..=i32::MAX)?;
        let retry = settings.backoff("retry.backoff", 100, 1_000)?;
        let network = NetworkConfig { max_in_flight: max_in_flight as u32, ..settings.network(30_000)? };
        let linger = settings.millis("linger.ms", 5)?;
        Ok(ProducerConfig {
            acks,
            enable_idempotence: idempotence(settings, acks, retries, max_in_flight)?,
            // 0 stands for a batch a record (`KafkaProducer`: no less than 1).
            batch_size: settings.int("batch.size", 16_384, 0..=i32::MAX)?.max(1) as u32,
            linger,
            buffer_memory: settings.long("buffer.memory", 33_554_432, 0..=i64::MAX)? as u64,
            max_block: settings.millis("max.block.ms", 60_000)?,
            max_request_size: settings.int("max.request.size", 1_048_576, 0..=i32::MAX)? as u32,
            compression: CompressionType::from_name(codec).unwrap_or_default(),
            retries: retries as u32,
            retry,
            delivery_timeout: delivery_timeout(settings, linger, network.request_timeout)?,
            partitioner_ignore_keys: settings.boolean("partitioner.ignore.keys", false)?,
            partitioner_adaptive: settings.boolean("partitioner.adaptive.partitioning.enable", true)?,
            network,
            metadata: MetadataConfig {
                max_age: settings.millis("metadata.max.age.ms", 300_000)?,
                max_idle: Some(Duration::ms(settings.long("metadata.max.idle.ms", 300_000, 5_000..=i64::MAX / 1_000)? as u64)),
                retry,
                allow_auto_topic_creation: true,
            },
        })
    }
}

/// `postProcessAndValidateIdempotenceConfigs`: what was not asked for gives way; what was asked for must be possible.
fn idempotence(settings: Settings, acks: Acks, retries: i32, max_in_flight: i32) -> Result<bool, ConfigError> {
    let asked_for = settings.has("enable.idempotence");
    if !settings.boolean("enable.idempotence", true)? {
        return Ok(false);
    }
    let mut enabled = true;
    let mut give_way = |message: &str| match asked_for {
        true => Err(ConfigError(message.to_owned())),
        false => {
            enabled = false;
            Ok(())
        }
    };
    if acks != Acks::All {
        give_way("Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.")?;
    }
    if retries == 0 {
        give_way("Must set retries to non-zero when using the idempotent producer.")?;
    }
    if enabled && max_in_flight > 5 {
        return Err(ConfigError(format!(
            "To use the idempotent producer, max.in.flight.requests.per.connection must be set to at most 5. Current value is {max_in_flight}."
        )));
    }
    Ok(enabled)
}

/// `KafkaProducer.configureDeliveryTimeout`.
fn delivery_timeout(settings: Settings, linger: Duration, request_timeout: Duration) -> Result<Duration, ConfigError> {
    let timeout = settings.int_millis("delivery.timeout.ms", 120_000)?;
    let least = linger + request_timeout;
    if timeout >= least {
        return Ok(timeout);
    }
    match settings.has("delivery.timeout.ms") {
        true => Err(ConfigError("delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms".to_owned())),
        false => Ok(least),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &str) -> Result<ProducerConfig, String> {
        let pairs = lines.split(';').filter_map(|line| line.split_once('='));
        let config = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        ProducerConfig::parse(&config).map_err(|error| error.to_string())
    }

    /// What `new KafkaProducer(config)` of 4.3.1 throws.
    #[test]
    fn refuses_in_kafkas_words() {
        let cases = [
            ("acks=two", "Invalid value two for configuration acks: String must be one of: all, -1, 0, 1"),
            ("linger.ms=abc", "Invalid value abc for configuration linger.ms: Not a number of type LONG"),
            ("linger.ms=-1", "Invalid value -1 for configuration linger.ms: Value must be at least 0"),
            ("batch.size=1.5", "Invalid value 1.5 for configuration batch.size: Not a number of type INT"),
            (
                "enable.idempotence=maybe",
                "Invalid value maybe for configuration enable.idempotence: Expected value to be either true or false",
            ),
            (
                "enable.idempotence=true;acks=1",
                "Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.",
            ),
            ("enable.idempotence=true;retries=0", "Must set retries to non-zero when using the idempotent producer."),
            (
                "max.in.flight.requests.per.connection=6",
                "To use the idempotent producer, max.in.flight.requests.per.connection must be set to at most 5. Current value is 6.",
            ),
            (
                "compression.type=zip",
                "Invalid value zip for configuration compression.type: String must be one of: none, gzip, snappy, lz4, zstd",
            ),
            ("delivery.timeout.ms=10", "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms"),
            (
                "buffer.memory=99999999999999999999",
                "Invalid value 99999999999999999999 for configuration buffer.memory: Not a number of type LONG",
            ),
        ];
        for (config, expected) in cases {
            assert_eq!(parse(config).unwrap_err(), expected, "{config}");
        }
    }

    #[test]
    fn idempotence_gives_way_unless_asked_for() {
        assert!(parse("linger.ms= 7 ;enable.idempotence=TRUE").unwrap().enable_idempotence);
        assert!(!parse("acks=1").unwrap().enable_idempotence);
        assert!(!parse("retries=0;max.in.flight.requests.per.connection=9").unwrap().enable_idempotence);
        assert_eq!(parse("linger.ms=100000;request.timeout.ms=30000").unwrap().delivery_timeout, Duration::secs(130));
    }
}
