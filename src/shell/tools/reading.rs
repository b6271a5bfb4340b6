//! How every tool that consumes begins.

use super::Context;
use super::admin::addresses;
use super::kafka::bootstrap;
use crate::kafka::actor::{Config, HostPort};
use crate::kafka::client::consumer::config::ConsumerConfig;
use crate::kafka::client::consumer::kafka_consumer::KafkaConsumer;
use crate::shell::java::exception::Exception;

/// A consumer for these servers; warnings about addresses are printed. `client_id`: where the configuration sets none.
///
/// # Errors
/// What the constructor of `KafkaConsumer` throws.
pub fn open(servers: &str, client_id: &str, config: &Config, hosts: &[String], cx: &mut Context) -> Result<Box<KafkaConsumer>, Exception> {
    let found = addresses(cx.now, servers, hosts, cx.print).map_err(|_| Exception::kafka("Failed to construct kafka consumer"));
    made(client_id, config, found)
}

/// As [`open`], for a client that is none of Java's and says nothing of addresses.
///
/// # Errors
/// A setting that cannot be, or no address that resolves.
pub fn open_quietly(
    servers: &str,
    client_id: &str,
    config: &Config,
    hosts: &[String],
    cx: &Context,
) -> Result<Box<KafkaConsumer>, Exception> {
    let found = bootstrap(cx.now, servers, hosts).map(|(found, _)| found).map_err(|(error, _)| error);
    made(client_id, config, found)
}

/// What is wrong with a setting is thrown before what is wrong with the addresses.
fn made(client_id: &str, config: &Config, addresses: Result<Vec<HostPort>, Exception>) -> Result<Box<KafkaConsumer>, Exception> {
    let parsed = ConsumerConfig::parse(config).map_err(|error| Exception::config(error.to_string()))?;
    let client_id = config.get("client.id").map_or(client_id, String::as_str);
    Ok(Box::new(KafkaConsumer::new(client_id, parsed, addresses?)))
}
