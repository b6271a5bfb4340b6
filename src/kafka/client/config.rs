//! Reading a client's configuration: Kafka's types, bounds and words (`ConfigDef`).

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::backoff::ExponentialBackoff;
use super::network::NetworkConfig;
use crate::kafka::actor::Config;
use crate::kafka::security::sasl::{Credentials, credentials, jaas_options};
use crate::sim::time::Duration;

/// `org.apache.kafka.common.config.ConfigException`: a setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// Reads settings by name. Names that nobody reads are ignored, as Kafka's clients do.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a>(pub &'a Config);

impl Settings<'_> {
    /// Whether somebody set it.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// # Errors
    /// No number of type INT, or out of bounds.
    pub fn int(&self, name: &str, default: i32, bounds: RangeInclusive<i32>) -> Result<i32, ConfigError> {
        self.number(name, "INT", default, bounds)
    }

    /// # Errors
    /// No number of type LONG, or out of bounds.
    pub fn long(&self, name: &str, default: i64, bounds: RangeInclusive<i64>) -> Result<i64, ConfigError> {
        self.number(name, "LONG", default, bounds)
    }

    /// A LONG or INT of milliseconds, not negative.
    ///
    /// # Errors
    /// No number, or negative.
    pub fn millis(&self, name: &str, default: u64) -> Result<Duration, ConfigError> {
        Ok(Duration::ms(self.long(name, default as i64, 0..=i64::MAX / 1_000)? as u64))
    }

    /// As [`Settings::millis`], of type INT.
    ///
    /// # Errors
    /// No number, or negative.
    pub fn int_millis(&self, name: &str, default: i32) -> Result<Duration, ConfigError> {
        Ok(Duration::ms(self.int(name, default, 0..=i32::MAX)? as u64))
    }

    /// # Errors
    /// Neither true nor false.
    pub fn boolean(&self, name: &str, default: bool) -> Result<bool, ConfigError> {
        match self.0.get(name).map(|value| value.trim()) {
            None => Ok(default),
            Some(value) if value.eq_ignore_ascii_case("true") => Ok(true),
            Some(value) if value.eq_ignore_ascii_case("false") => Ok(false),
            Some(value) => Err(invalid(name, value, "Expected value to be either true or false")),
        }
    }

    /// One of a few words, spelled exactly.
    ///
    /// # Errors
    /// Another word.
    pub fn one_of<'v>(&'v self, name: &str, default: &'v str, words: &[&str]) -> Result<&'v str, ConfigError> {
        let value = self.0.get(name).map_or(default, |value| value.trim());
        match words.contains(&value) {
            true => Ok(value),
            false => Err(invalid(name, value, &format!("String must be one of: {}", words.join(", ")))),
        }
    }

    /// What all clients' connections read. `request_timeout_ms` is the default of `request.timeout.ms`.
    ///
    /// # Errors
    /// The first setting that cannot be.
    pub fn network(&self, request_timeout_ms: i32) -> Result<NetworkConfig, ConfigError> {
        Ok(NetworkConfig {
            request_timeout: self.int_millis("request.timeout.ms", request_timeout_ms)?,
            reconnect: self.backoff("reconnect.backoff", 50, 1_000)?,
            connection_setup: ExponentialBackoff {
                initial: self.millis("socket.connection.setup.timeout.ms", 10_000)?,
                max: self.millis("socket.connection.setup.timeout.max.ms", 30_000)?,
            },
            connections_max_idle: self.millis("connections.max.idle.ms", 540_000)?,
            sasl: self.sasl()?,
            ..NetworkConfig::default()
        })
    }

    /// Who to be, if `security.protocol` says that somebody asks.
    fn sasl(&self) -> Result<Option<Credentials>, ConfigError> {
        let protocols = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];
        let protocol = self.0.get("security.protocol").map_or("PLAINTEXT", |protocol| protocol.trim()).to_uppercase();
        if !protocols.contains(&protocol.as_str()) {
            return Err(invalid(
                "security.protocol",
                &protocol,
                &format!("String must be one of (case insensitive): {}", protocols.join(", ")),
            ));
        }
        if !protocol.starts_with("SASL_") {
            return Ok(None);
        }
        let mechanism = self.0.get("sasl.mechanism").map_or("GSSAPI", |mechanism| mechanism.trim());
        let jaas = jaas_options(self.0.get("sasl.jaas.config").map_or("", String::as_str));
        let missing =
            "Could not find a 'KafkaClient' entry in the JAAS configuration. System property 'java.security.auth.login.config' is not set";
        credentials(mechanism, &jaas).map(Some).ok_or_else(|| ConfigError(missing.to_owned()))
    }

    /// `PREFIX.ms` and `PREFIX.max.ms`.
    ///
    /// # Errors
    /// No number, or negative.
    pub fn backoff(&self, prefix: &str, initial: u64, max: u64) -> Result<ExponentialBackoff, ConfigError> {
        Ok(ExponentialBackoff {
            initial: self.millis(&format!("{prefix}.ms"), initial)?,
            max: self.millis(&format!("{prefix}.max.ms"), max)?,
        })
    }

    fn number<N>(&self, name: &str, kind: &str, default: N, bounds: RangeInclusive<N>) -> Result<N, ConfigError>
    where
        N: FromStr + PartialOrd + Display + Copy,
    {
        let Some(value) = self.0.get(name).map(|value| value.trim()) else { return Ok(default) };
        let number: N = value.parse().map_err(|_| invalid(name, value, &format!("Not a number of type {kind}")))?;
        if number < *bounds.start() {
            return Err(invalid(name, value, &format!("Value must be at least {}", bounds.start())));
        }
        if number > *bounds.end() {
            return Err(invalid(name, value, &format!("Value must be no more than {}", bounds.end())));
        }
        Ok(number)
    }
}

/// `ConfigException(name, value, message)`.
pub fn invalid(name: &str, value: &str, why: &str) -> ConfigError {
    ConfigError(format!("Invalid value {value} for configuration {name}: {why}"))
}
