//! kcat (formerly kafkacat), as people use it in pipes: produces, consumes, lists metadata, asks for offsets.
//!
//! * [`args`]: its options
//! * [`produce`], [`consume`], [`list`]: what it does (`-P`; `-C` and `-G`; `-L` and `-Q`)
//! * [`format`](mod@format): how a message is printed
//!
//! kcat is built on librdkafka, not on Java's client: it chooses partitions in another way, begins at the beginning, and words its errors
//! by itself.

pub mod args;
pub mod consume;
pub mod format;
pub mod list;
pub mod produce;

use self::args::Mode;
use super::asking::Asking;
use super::hosts::Done;
use super::program::Program;
use super::{Context, Start};
use crate::kafka::actor::Config;
use crate::kafka::client::admin::{AdminClient, CallId, Outcome};
use crate::kafka::client::error::ClientError;

/// The files that it will read.
pub fn reads(args: &[String]) -> Vec<String> {
    args::parse(args, false).map(|asked| if asked.mode == Mode::Produce { asked.rest } else { Vec::new() }).unwrap_or_default()
}

/// kcat in the mode that was asked for, or what it says instead.
pub fn start(start: &Start) -> Result<Box<dyn Program>, Done> {
    let Start { now, args, files, hosts, interactive, .. } = *start;
    let asked = args::parse(args, interactive)?;
    Ok(match asked.mode {
        Mode::Produce => Box::new(produce::Produce::start(now, asked, files, hosts)),
        Mode::Consume | Mode::Group => Box::new(consume::Consume::start(now, asked, hosts)),
        Mode::List | Mode::Query => Box::new(list::List::start(asked, hosts)),
    })
}

/// `% ERROR: ...` on standard error, status 1 (`KC_FATAL`).
pub fn fatal(message: impl std::fmt::Display) -> Done {
    Done::failed(format!("% ERROR: {message}"), 1)
}

/// librdkafka's words for a broker's error.
pub fn broker_error(code: i16) -> String {
    let words = match code {
        1 => "Offset out of range",
        3 => "Unknown topic or partition",
        5 => "Leader not available",
        6 => "Not leader for partition",
        7 => "Request timed out",
        10 => "Message size too large",
        15 => "Coordinator not available",
        16 => "Not coordinator",
        17 => "Invalid topic",
        19 => "Not enough in-sync replicas",
        20 => "Message(s) written to insufficient number of in-sync replicas",
        29 => "Topic authorization failed",
        35 => "Unsupported version",
        87 => "Broker failed to validate record",
        code => return format!("Broker: {}", crate::kafka::protocol::errors::info(code).message),
    };
    format!("Broker: {words}")
}

/// `-m`: the metadata timeout, in ms.
const TIMEOUT_MS: &str = "5000";

/// A first question to the cluster.
///
/// # Errors
/// What is said if no address resolves.
fn ask(servers: &str, hosts: &[String], cx: &mut Context, ask: impl FnOnce(&mut AdminClient) -> CallId) -> Result<Asking, Done> {
    let config: Config =
        ["request.timeout.ms", "default.api.timeout.ms"].iter().map(|name| ((*name).to_owned(), TIMEOUT_MS.to_owned())).collect();
    Asking::begin(servers, "rdkafka", &config, hosts, cx, ask).map_err(|_| unreachable_brokers())
}

/// The answer, or what kcat says of none.
fn answer(result: Result<Outcome, ClientError>) -> Result<Outcome, Done> {
    result.map_err(|_| unreachable_brokers())
}

fn unreachable_brokers() -> Done {
    fatal(
        "Failed to acquire metadata: Local: Broker transport failure (Are the brokers reachable? Also try increasing the metadata timeout with -m <timeout>?)",
    )
}
