//! What an owner of connections sets, sends and gets back.

use std::sync::Arc;

use crate::kafka::client::backoff::ExponentialBackoff;
use crate::kafka::names::BrokerId;
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::frame::{Batches, Envelope};
use crate::kafka::quota::Sampling;
use crate::kafka::quota::rate::Rate;
use crate::kafka::security::sasl::Credentials;
use crate::sim::time::{Duration, Time};

/// Settings of connections, by Kafka's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkConfig {
    /// `request.timeout.ms`: a connection with an older request is closed.
    pub request_timeout: Duration,
    /// `max.in.flight.requests.per.connection`.
    pub max_in_flight: u32,
    /// `reconnect.backoff.ms`, `reconnect.backoff.max.ms`.
    pub reconnect: ExponentialBackoff,
    /// `socket.connection.setup.timeout.ms`, `socket.connection.setup.timeout.max.ms`.
    pub connection_setup: ExponentialBackoff,
    /// `connections.max.idle.ms`.
    pub connections_max_idle: Duration,
    /// Who to be (`security.protocol=SASL_PLAINTEXT`); `None`: nobody asks.
    pub sasl: Option<Credentials>,
}

/// What a request is sent with.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub request: Request,
    pub batches: Vec<Batches>,
    /// Instead of `request.timeout.ms`.
    pub timeout: Option<Duration>,
    /// Who sleeps for longer than that finds its request timed out only when it wakes: after this time, unless something else wakes it.
    pub sleeps: Option<Duration>,
    /// The node will not answer (Produce with acks=0): nothing completes.
    pub one_way: bool,
    /// The same was sent before and not answered.
    pub retry: bool,
    /// Taken with [`NetworkClient::reserve_correlation_id`] before the node could be sent to.
    pub correlation_id: Option<i32>,
    /// Of a request that is passed on: whose it is.
    pub envelope: Option<Arc<Envelope>>,
}

/// What a node answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub response: Response,
    pub batches: Vec<Batches>,
}

/// Why no answer will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The connection ended; the node may have carried the request out.
    Disconnected,
    /// The request was the one that took too long (and the connection was closed for it).
    TimedOut,
}

/// A request that is over.
#[derive(Clone, Debug)]
pub struct Completed<T> {
    pub token: T,
    pub node: BrokerId,
    pub sent: Time,
    pub correlation_id: i32,
    pub result: Result<Answer, Failed>,
}

/// Nothing was sent: ask [`NetworkClient::ready`] first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no connection to the node that can take a request now")]
pub struct NotReady;

/// Bytes to a node and from it, over `metrics.num.samples` windows of `metrics.sample.window.ms`.
#[derive(Clone, Debug)]
pub struct Traffic {
    pub sent: Rate,
    pub received: Rate,
}

impl Default for Traffic {
    fn default() -> Traffic {
        Traffic { sent: Rate::new(CLIENT_METRICS), received: Rate::new(CLIENT_METRICS) }
    }
}

/// How clients measure what they show as metrics.
pub const CLIENT_METRICS: Sampling = Sampling { samples: 2, window_ms: 30_000 };

/// How it stands with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// No connection; the next may be opened at this time.
    Disconnected(Time),
    Connecting,
    /// Connected; its ApiVersions answer is awaited.
    CheckingApiVersions,
    Ready,
}

impl Default for NetworkConfig {
    fn default() -> NetworkConfig {
        NetworkConfig {
            request_timeout: Duration::secs(30),
            max_in_flight: 5,
            reconnect: ExponentialBackoff::ms(50, 1_000),
            connection_setup: ExponentialBackoff::ms(10_000, 30_000),
            connections_max_idle: Duration::secs(540),
            sasl: None,
        }
    }
}

impl Outgoing {
    pub fn new(request: impl Into<Request>) -> Outgoing {
        Outgoing {
            request: request.into(),
            batches: Vec::new(),
            timeout: None,
            sleeps: None,
            one_way: false,
            retry: false,
            correlation_id: None,
            envelope: None,
        }
    }
}
