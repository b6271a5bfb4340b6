//! A consumer's place in its group (`AbstractCoordinator`, `ConsumerCoordinator`). By the eager protocol it gives up everything before it
//! rejoins; by the cooperative one only what it no longer gets.

mod answers;
mod joining;

use std::collections::BTreeMap;

use kafka_protocol::ResponseError::*;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::{ResponseError, messages};

use super::commit::CommitKind;
use super::config::ConsumerConfig;
use super::heartbeats::Heartbeats;
use super::kafka_consumer::{Closing, KafkaConsumer, Token};
use super::protocols::{Memory, RebalanceProtocol, join_protocols, subscriber};
use super::subscription::{FetchState, Subscriptions, Wanted};
use crate::kafka::actor::{HostPort, Outbox};
use crate::kafka::client::error::ClientError;
use crate::kafka::client::network::{Failed, Outgoing};
use crate::kafka::event::Event;
use crate::kafka::group::assignor::protocol::{PROTOCOL_TYPE, decode_assignment, encode_assignment};
use crate::kafka::group::assignor::{Assignor, Subscriber};
use crate::kafka::names::{BrokerId, Name, TopicPartition};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::errors;
use crate::sim::time::{Duration, Time};

pub(super) const COORDINATOR_LOGGER: &str = "org.apache.kafka.clients.consumer.internals.ConsumerCoordinator";
const MEMBERSHIP_LOGGER: &str = "org.apache.kafka.clients.consumer.internals.ConsumerMembershipManager";
/// What a coordinator may take beyond the rebalance itself to answer JoinGroup (`JOIN_GROUP_TIMEOUT_LAPSE`).
const JOIN_GROUP_TIMEOUT_LAPSE: Duration = Duration::secs(5);
const NO_GENERATION: i32 = -1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// Not in the group, or about to rejoin.
    Unjoined,
    /// JoinGroup was sent.
    PreparingRebalance,
    /// SyncGroup is to be answered.
    CompletingRebalance,
    Stable,
}

#[derive(Clone, Debug)]
pub struct Membership {
    group: Name,
    coordinator: Option<BrokerId>,
    finding: bool,
    /// The number of the FindCoordinator that waits for a connection.
    find_id: Option<i32>,
    /// A commit was asked for, and there was nobody to send it to.
    pub(super) commit_waits: bool,
    /// After a failed search metadata comes first: newer than this version.
    pub(super) find_after: Option<u64>,
    /// No question to a coordinator, and for one, before.
    pub(super) retry_at: Time,
    state: MemberState,
    member_id: Name,
    generation: i32,
    assignor: Option<Assignor>,
    memory: Memory,
    rejoin_needed: bool,
    /// The old partitions are committed and given up.
    prepared: bool,
    /// Answers to older attempts do not count.
    attempt: u32,
    heartbeat_in_flight: bool,
    next_heartbeat: Time,
    session_ends: Time,
    poll_timer_ends: Time,
    /// What a leader's assignment was computed from: partitions by topic. It rejoins if that changes.
    assigned_from: Option<BTreeMap<Name, i32>>,
    /// The version of the metadata that this was last compared with.
    compared_version: u64,
    /// All topics that any member of a leader's group wants.
    group_topics: Vec<Name>,
    pub(super) next_auto_commit: Time,
    /// The commit before giving partitions up has not been answered yet.
    pub(super) preparing: bool,
    pub(super) offset_fetch_in_flight: bool,
}

impl Membership {
    pub fn new(group: Name) -> Membership {
        Membership {
            group,
            coordinator: None,
            finding: false,
            find_id: None,
            commit_waits: false,
            find_after: None,
            retry_at: Time::ZERO,
            state: MemberState::Unjoined,
            member_id: Name::default(),
            generation: NO_GENERATION,
            assignor: None,
            memory: Memory::default(),
            rejoin_needed: false,
            prepared: false,
            attempt: 0,
            heartbeat_in_flight: false,
            next_heartbeat: Time::ZERO,
            session_ends: Time::ZERO,
            poll_timer_ends: Time::ZERO,
            assigned_from: None,
            compared_version: 0,
            group_topics: Vec::new(),
            next_auto_commit: Time::ZERO,
            preparing: false,
            offset_fetch_in_flight: false,
        }
    }

    pub fn state(&self) -> MemberState {
        if self.rejoin_needed && self.state == MemberState::Stable { MemberState::Unjoined } else { self.state }
    }

    pub fn member_id(&self) -> &Name {
        &self.member_id
    }

    pub fn group(&self) -> &Name {
        &self.group
    }

    pub fn generation(&self) -> i32 {
        self.generation
    }

    pub(super) fn request_rejoin(&mut self) {
        self.rejoin_needed = true;
    }

    pub(super) fn schedule_auto_commit(&mut self, at: Time) {
        self.next_auto_commit = at;
    }

    /// Who commits: member and generation while in the group.
    pub(super) fn is_stable(&self) -> bool {
        self.state == MemberState::Stable && self.generation != NO_GENERATION
    }

    /// The connection to the coordinator is one of its own, so that heartbeats do not wait behind a Fetch.
    pub(super) fn coordinator_node(&self) -> Option<BrokerId> {
        self.coordinator.map(connection_of)
    }

    pub(super) fn coordinator_unknown(&mut self, now: Time, config: &ConsumerConfig) {
        if self.coordinator.take().is_some() {
            self.retry_at = self.retry_at.max(now + config.retry.initial);
        }
    }

    /// `resetStateOnResponseError`: the group does not know this member or generation any more.
    pub(super) fn reset_generation(&mut self, keep_member_id: bool) {
        self.generation = NO_GENERATION;
        if !keep_member_id {
            self.member_id = Name::default();
        }
        self.state = MemberState::Unjoined;
        self.rejoin_needed = true;
        self.attempt += 1;
    }

    /// The epoch of a member of the consumer protocol; 0 outside of the group.
    pub(super) fn epoch(&self) -> i32 {
        self.generation.max(0)
    }

    pub(super) fn set_epoch(&mut self, epoch: i32, next_auto_commit: Time) {
        let joins = self.epoch() == 0 && epoch > 0;
        self.generation = if epoch > 0 { epoch } else { NO_GENERATION };
        self.state = if epoch > 0 { MemberState::Stable } else { MemberState::Unjoined };
        self.rejoin_needed = false;
        if joins {
            self.next_auto_commit = next_auto_commit;
        }
    }

    /// Its id, which is made now if there is none.
    pub(super) fn member_id_or(&mut self, make: impl FnOnce() -> String) -> Name {
        if self.member_id.is_empty() {
            self.member_id = make().into();
        }
        self.member_id.clone()
    }

    fn sends_heartbeats(&self) -> bool {
        matches!(self.state, MemberState::CompletingRebalance | MemberState::Stable)
    }

    pub(super) fn background_wake(&self, heartbeats: Option<&Heartbeats>) -> Option<Time> {
        if let Some(heartbeats) = heartbeats {
            let poll_timer = heartbeats.is_active().then_some(self.poll_timer_ends);
            return [heartbeats.wake(self.retry_at), poll_timer].into_iter().flatten().min();
        }
        if !self.sends_heartbeats() {
            return None;
        }
        let heartbeat = (!self.heartbeat_in_flight).then_some(self.next_heartbeat);
        let find = (self.coordinator.is_none() && !self.finding).then_some(self.retry_at);
        [heartbeat, find, Some(self.session_ends), Some(self.poll_timer_ends)].into_iter().flatten().min()
    }

    pub(super) fn poll_wake(&self, config: &ConsumerConfig, polled: Time) -> Option<Time> {
        let commit = config.enable_auto_commit.then_some(self.next_auto_commit);
        [Some(self.retry_at), commit].into_iter().flatten().filter(|&at| at > polled).min()
    }
}

const POLL_TIMEOUT: &str = "consumer poll timeout has expired. This means the time between subsequent calls to poll() was longer than the \
    configured max.poll.interval.ms, which typically implies that the poll loop is spending too much time processing messages. You can \
    address this either by increasing max.poll.interval.ms or by reducing the maximum size of batches returned in poll() with \
    max.poll.records.";

fn join_request(membership: &Membership, config: &ConsumerConfig, subscriptions: &Subscriptions) -> Request {
    JoinGroupRequest::default()
        .with_group_id(GroupId(str_bytes(&membership.group)))
        .with_session_timeout_ms(config.session_timeout.as_ms() as i32)
        .with_rebalance_timeout_ms(config.max_poll_interval.as_ms() as i32)
        .with_member_id(str_bytes(&membership.member_id))
        .with_group_instance_id(config.group_instance_id.as_deref().map(str_bytes))
        .with_protocol_type(StrBytes::from_static_str(PROTOCOL_TYPE))
        .with_protocols(join_protocols(config, &membership.memory, subscriptions, membership.generation))
        .into()
}

fn partitions_per_topic(cluster: &crate::kafka::client::metadata::Cluster, topics: &[Name]) -> BTreeMap<Name, i32> {
    topics.iter().filter_map(|name| Some((name.clone(), cluster.topic(name)?.partition_count()))).collect()
}

/// `Integer.MAX_VALUE - coordinatorId`: a connection of its own to the same node.
fn connection_of(node: BrokerId) -> BrokerId {
    BrokerId(i32::MAX - node.0)
}

pub(super) fn str_bytes(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn name(text: &StrBytes) -> Name {
    Name::from(text.as_str())
}
