//! `ClassicGroupMember`.

use bytes::Bytes;

use super::out::Token;
use crate::kafka::names::Name;
use crate::sim::time::{Duration, Time};

/// A member of a classic group, as its coordinator knows it.
#[derive(Clone, Debug)]
pub struct Member {
    /// Client id (or instance id), a dash and a uuid.
    pub id: Name,
    /// `group.instance.id` of a static member (KIP-345).
    pub instance_id: Option<Name>,
    pub client_id: Name,
    /// As Kafka shows it, with a leading slash.
    pub client_host: Name,
    /// `max.poll.interval.ms` of a consumer: how long it may take to rejoin.
    pub rebalance_timeout: Duration,
    pub session_timeout: Duration,
    /// Assignors by name, best first, each with what the member says to it (a ConsumerProtocolSubscription).
    pub protocols: Vec<(Name, Bytes)>,
    /// A ConsumerProtocolAssignment; empty before the first.
    pub assignment: Bytes,
    /// Its first JoinGroup has not been answered yet: it may time out while it waits.
    pub(super) is_new: bool,
    /// When its session ends unless it is heard of.
    pub(super) session_ends: Option<Time>,
    pub(super) awaiting_join: Option<Token>,
    pub(super) awaiting_sync: Option<Token>,
}

impl Member {
    /// What the member says to an assignor; nothing if it does not know that one.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        self.protocols.iter().find(|(name, _)| &**name == protocol).map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }

    /// Whether these are the same protocols with the same metadata, in the same order.
    pub fn matches(&self, protocols: &[(Name, Bytes)]) -> bool {
        self.protocols == protocols
    }

    pub fn is_static(&self) -> bool {
        self.instance_id.is_some()
    }

    /// The first of its protocols among the candidates.
    pub(super) fn vote<'a>(&self, candidates: &'a [Name]) -> Option<&'a Name> {
        self.protocols.iter().find_map(|(name, _)| candidates.iter().find(|candidate| *candidate == name))
    }

    /// Whether the end of the session does not count, since the coordinator itself keeps the member waiting.
    pub(super) fn has_satisfied_heartbeat(&self) -> bool {
        !self.is_new && (self.awaiting_join.is_some() || self.awaiting_sync.is_some())
    }
}
