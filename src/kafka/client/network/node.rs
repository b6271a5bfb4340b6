//! A node, its connection, and what it has not answered yet.

use std::collections::VecDeque;

use super::{Answer, Completed, Failed, NetworkConfig, Traffic};
use crate::kafka::actor::HostPort;
use crate::kafka::names::BrokerId;
use crate::kafka::security::scram_exchange::ScramClient;
use crate::sim::process::ConnId;
use crate::sim::time::Time;

#[derive(Clone, Debug)]
pub(super) struct Node<T> {
    pub(super) address: HostPort,
    pub(super) link: Link,
    /// Failed since it was last ready: for the backoff between attempts.
    pub(super) failed_attempts: u32,
    pub(super) failed_setups: u32,
    /// Somebody asked while the backoff ran, and wants to be woken.
    pub(super) wanted: bool,
    pub(super) last_attempt: Time,
    pub(super) last_used: Time,
    /// It said that nothing more be sent before (KIP-219).
    pub(super) throttled_until: Option<Time>,
    pub(super) traffic: Traffic,
    pub(super) in_flight: VecDeque<InFlight<T>>,
    /// What was said to it so far of a password that is not sent itself.
    pub(super) scram: Option<Box<ScramClient>>,
    /// The APIs that it offers, a bit each by key, as it said at its last connection.
    pub(super) offered: u128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Down {
        retry_at: Time,
    },
    Connecting {
        conn: ConnId,
        deadline: Time,
    },
    /// The broker wants to know who is there; the answer to this step is awaited.
    Authenticating {
        conn: ConnId,
        step: Step,
    },
    Checking {
        conn: ConnId,
    },
    Ready {
        conn: ConnId,
    },
}

/// `SaslClientAuthenticator.SaslState`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    ApiVersions,
    Handshake,
    Password,
}

#[derive(Clone, Debug)]
pub(super) struct InFlight<T> {
    pub(super) correlation_id: i32,
    pub(super) sent: Time,
    pub(super) deadline: Time,
    /// When it is looked whether the deadline is over.
    pub(super) looked_at: Time,
    /// `None`: our own ApiVersions.
    pub(super) token: Option<T>,
}

impl<T> Node<T> {
    pub(super) fn may_send(&self, now: Time, max_in_flight: u32) -> bool {
        self.throttled_until.is_none_or(|at| at <= now) && self.in_flight.len() < max_in_flight as usize
    }

    pub(super) fn over_at(&self, config: &NetworkConfig, of: fn(&InFlight<T>) -> Time) -> Option<Time> {
        match self.link {
            Link::Down { retry_at } => self.wanted.then_some(retry_at),
            Link::Connecting { deadline, .. } => Some(deadline),
            Link::Authenticating { .. } | Link::Checking { .. } | Link::Ready { .. } => {
                let oldest = self.in_flight.iter().map(of).min();
                let close = oldest.unwrap_or(self.last_used + config.connections_max_idle);
                Some(self.throttled_until.map_or(close, |at| at.min(close)))
            }
        }
    }
}

impl<T> InFlight<T> {
    pub(super) fn over(self, token: T, node: BrokerId, result: Result<Answer, Failed>) -> Completed<T> {
        Completed { token, node, sent: self.sent, correlation_id: self.correlation_id, result }
    }
}

impl Link {
    pub(super) fn conn(self) -> Option<ConnId> {
        match self {
            Link::Down { .. } => None,
            Link::Connecting { conn, .. } | Link::Authenticating { conn, .. } | Link::Checking { conn } | Link::Ready { conn } => {
                Some(conn)
            }
        }
    }
}
