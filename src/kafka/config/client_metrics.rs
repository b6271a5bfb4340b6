//! Client metrics subscriptions (`ClientMetricsConfigs`): which metrics clients are to push, how often, and which clients (KIP-714).

use regex_lite::Regex;

use crate::kafka::actor::Config;

/// Names with their defaults, by name.
pub const CLIENT_METRICS_CONFIGS: &[(&str, &str)] = &[("interval.ms", "300000"), ("match", ""), ("metrics", "")];

const MIN_INTERVAL_MS: i64 = 100;
const MAX_INTERVAL_MS: i64 = 3_600_000;
/// What a client can be matched by.
const MATCHERS: &[&str] =
    &["client_instance_id", "client_id", "client_software_name", "client_software_version", "client_source_address", "client_source_port"];

/// Why a subscription is refused: it is well-formed and cannot be (`InvalidRequestException`), or is not (`InvalidConfigurationException`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    Request(String),
    Config(String),
}

/// # Errors
/// Kafka's words.
pub fn validate(name: &str, config: &Config) -> Result<(), Refused> {
    if name.is_empty() {
        return Err(Refused::Request("Subscription name can't be empty".into()));
    }
    for (key, value) in config {
        match key.as_str() {
            "metrics" => {}
            "interval.ms" => {
                let number = value.trim().parse::<i32>().map_err(|_| {
                    Refused::Config(format!("Invalid value {value} for configuration interval.ms: Not a number of type INT"))
                })?;
                if !(MIN_INTERVAL_MS..=MAX_INTERVAL_MS).contains(&i64::from(number)) {
                    let message = format!(
                        "Invalid value {number} for interval.ms, interval must be between {MIN_INTERVAL_MS} and {MAX_INTERVAL_MS} (1 hour)"
                    );
                    return Err(Refused::Request(message));
                }
            }
            "match" => validate_match(value)?,
            other => return Err(Refused::Request(format!("Unknown client metrics configuration: {other}"))),
        }
    }
    Ok(())
}

/// `client_id=app.*,client_software_name=kafka.*`
fn validate_match(patterns: &str) -> Result<(), Refused> {
    for pattern in patterns.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()) {
        let known = pattern.split_once('=').filter(|(name, regex)| MATCHERS.contains(&name.trim()) && Regex::new(regex.trim()).is_ok());
        if known.is_none() {
            return Err(Refused::Config(format!("Illegal client matching pattern: {pattern}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_and_patterns() {
        let said = |key: &str, value: &str| validate("latency", &Config::from([(key.to_owned(), value.to_owned())]));
        assert_eq!(said("match", "client_software_name=kafka.*,client_id=p1"), Ok(()));
        assert_eq!(said("match", "colour=red"), Err(Refused::Config("Illegal client matching pattern: colour=red".into())));
        let message = "Invalid value 10 for interval.ms, interval must be between 100 and 3600000 (1 hour)";
        assert_eq!(said("interval.ms", "10"), Err(Refused::Request(message.into())));
    }
}
