//! A consumer's place in its group (`AbstractCoordinator`, `ConsumerCoordinator`). By the eager protocol it gives up everything before it
//! rejoins; by the cooperative one only what it no longer gets.

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

impl KafkaConsumer {
    /// `ConsumerCoordinator.poll`, in the application's thread.
    pub(super) fn poll_group(&mut self, now: Time, out: &mut Outbox) {
        let Some(membership) = &mut self.membership else { return };
        membership.poll_timer_ends = now + self.config.max_poll_interval;
        let in_group = matches!(self.subscriptions.wanted, Wanted::Topics(_));
        // Who has its partitions by hand asks for the coordinator only to commit, or to learn what was committed.
        let asks = || self.subscriptions.unpositioned().any(|(_, state)| state == FetchState::Initializing);
        if in_group || self.config.enable_auto_commit || membership.commit_waits || asks() {
            self.ensure_coordinator_ready(now, out);
        }
        if in_group && self.heartbeats.is_some() {
            self.poll_heartbeats(now, out);
        } else if in_group {
            self.rejoin_if_the_topics_changed();
            self.join_group_if_needed(now, out);
        }
        self.maybe_auto_commit(now, out);
    }

    /// `ensureCoordinatorReady`: asks any node for the coordinator, if it is not known.
    fn ensure_coordinator_ready(&mut self, now: Time, out: &mut Outbox) {
        let Some(membership) = &mut self.membership else { return };
        if membership.coordinator_node().is_some_and(|node| self.client.network.is_unavailable(now, node)) {
            membership.coordinator_unknown(now, &self.config);
        }
        if membership.coordinator.is_some() || membership.finding || membership.retry_at > now {
            return;
        }
        if membership.find_after.is_some_and(|version| self.client.metadata.version() <= version) {
            return;
        }
        membership.find_after = None;
        // Made at once, and numbered, also where the connection is still to come.
        let correlation_id = *membership.find_id.get_or_insert_with(|| self.client.network.reserve_correlation_id());
        let Some(node) = self.client.any_ready(now, out) else { return };
        let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![str_bytes(&membership.group)]);
        let outgoing = Outgoing { correlation_id: Some(correlation_id), ..Outgoing::new(request) };
        if self.client.send(now, node, outgoing, Token::FindCoordinator, out).is_ok() {
            membership.finding = true;
            membership.find_id = None;
        }
    }

    /// A leader whose topics have other partitions than when it assigned them assigns anew.
    fn rejoin_if_the_topics_changed(&mut self) {
        let Some(membership) = &mut self.membership else { return };
        let Some(before) = &membership.assigned_from else { return };
        let (cluster, version) = (self.client.cluster(), self.client.metadata.version());
        if membership.compared_version == version || !membership.is_stable() {
            return;
        }
        membership.compared_version = version;
        if *before != partitions_per_topic(cluster, &membership.group_topics) {
            membership.rejoin_needed = true;
        }
    }

    /// `joinGroupIfNeeded`.
    fn join_group_if_needed(&mut self, now: Time, out: &mut Outbox) {
        let Some(membership) = &self.membership else { return };
        let idle = matches!(membership.state, MemberState::Unjoined | MemberState::Stable);
        if !membership.rejoin_needed || !idle || membership.preparing || membership.coordinator.is_none() {
            return;
        }
        if !membership.prepared && !self.prepare_to_join(now, out) {
            return;
        }
        let Some(membership) = &mut self.membership else { return };
        let Some(node) = membership.coordinator_node() else { return };
        if membership.retry_at > now || !self.client.ready(now, node, out) {
            return;
        }
        membership.attempt += 1;
        let token = Token::JoinGroup { attempt: membership.attempt };
        let timeout = self.config.network.request_timeout.max(self.config.max_poll_interval + JOIN_GROUP_TIMEOUT_LAPSE);
        let request = join_request(membership, &self.config, &self.subscriptions);
        let outgoing = Outgoing { timeout: Some(timeout), ..Outgoing::new(request) };
        if self.client.send(now, node, outgoing, token, out).is_ok() {
            membership.state = MemberState::PreparingRebalance;
        }
    }

    /// `onJoinPrepare`: commits, then gives all partitions up. Returns whether that is done.
    fn prepare_to_join(&mut self, now: Time, out: &mut Outbox) -> bool {
        let Some(membership) = &self.membership else { return true };
        // Who fell out of the group has lost its partitions already: somebody else may commit for them.
        let may_commit = self.config.enable_auto_commit && membership.is_stable();
        if may_commit && self.commit(now, CommitKind::BeforeRebalance, out) {
            // Nothing more of partitions that go is handed out: what was read beyond the commit would be read twice.
            if self.config.rebalance_protocol() == RebalanceProtocol::Eager {
                self.buffer.clear();
            }
            return false;
        }
        self.prepared();
        true
    }

    /// The old partitions are committed as far as possible.
    pub(super) fn prepared(&mut self) {
        // Who fell out of the group has lost everything, whatever the protocol.
        let keeps = self.config.rebalance_protocol() == RebalanceProtocol::Cooperative
            && self
                .membership
                .as_ref()
                .is_some_and(|membership| membership.generation != NO_GENERATION || !membership.member_id.is_empty());
        if keeps {
            self.keep_only_wanted_topics();
        } else {
            self.subscriptions.assign([], false);
            self.buffer.clear();
        }
        if let Some(membership) = &mut self.membership {
            membership.preparing = false;
            membership.prepared = true;
            if membership.state == MemberState::Stable {
                membership.state = MemberState::Unjoined;
            }
        }
    }

    /// By the cooperative protocol only topics that are not subscribed to any more are given up before joining.
    fn keep_only_wanted_topics(&mut self) {
        let Wanted::Topics(topics) = &self.subscriptions.wanted else { return };
        let wanted = |partition: &&TopicPartition| topics.contains(&partition.topic);
        let kept: Vec<TopicPartition> = self.subscriptions.partitions().map(|(partition, _)| partition).filter(wanted).cloned().collect();
        self.assign_keeping(kept);
    }

    /// These partitions from now on; what was there keeps its position, and what was fetched of it is handed out.
    pub(super) fn assign_keeping(&mut self, partitions: Vec<TopicPartition>) {
        self.subscriptions.assign(partitions, true);
        let subscriptions = &self.subscriptions;
        self.buffer.retain(|fetched| subscriptions.get(&fetched.partition).is_some());
    }

    /// The heartbeat thread.
    pub(super) fn heartbeat(&mut self, now: Time, out: &mut Outbox) {
        if self.heartbeats.is_some() {
            return self.heartbeat_by_the_consumer_protocol(now, out);
        }
        let Some(membership) = &mut self.membership else { return };
        if !membership.sends_heartbeats() || self.closing != Closing::No {
            return;
        }
        if membership.coordinator.is_some() && membership.session_ends <= now {
            // No answer for a whole session: perhaps somebody else coordinates by now.
            membership.coordinator_unknown(now, &self.config);
        }
        if membership.poll_timer_ends <= now {
            self.client.network.log.warn(now, COORDINATOR_LOGGER, POLL_TIMEOUT);
            self.leave_group(now, "consumer poll timeout has expired.", out);
            if let Some(membership) = &mut self.membership {
                membership.reset_generation(false);
            }
            return;
        }
        let due = membership.next_heartbeat <= now && !membership.heartbeat_in_flight;
        self.ensure_coordinator_ready(now, out);
        let Some(membership) = &mut self.membership else { return };
        let Some(node) = membership.coordinator_node().filter(|_| due) else { return };
        if !self.client.ready(now, node, out) {
            return;
        }
        let request = HeartbeatRequest::default()
            .with_group_id(GroupId(str_bytes(&membership.group)))
            .with_generation_id(membership.generation)
            .with_member_id(str_bytes(&membership.member_id))
            .with_group_instance_id(self.config.group_instance_id.as_deref().map(str_bytes));
        let token = Token::Heartbeat { generation: membership.generation };
        if self.client.send(now, node, Outgoing::new(request), token, out).is_ok() {
            membership.heartbeat_in_flight = true;
            membership.next_heartbeat = now + self.config.heartbeat_interval;
        }
    }

    /// The same by the consumer protocol.
    fn heartbeat_by_the_consumer_protocol(&mut self, now: Time, out: &mut Outbox) {
        let Some(membership) = &self.membership else { return };
        if self.closing != Closing::No || !self.heartbeats.as_ref().is_some_and(Heartbeats::is_active) {
            return;
        }
        if membership.poll_timer_ends <= now {
            self.client.network.log.warn(now, MEMBERSHIP_LOGGER, POLL_TIMEOUT);
            self.leave_by_heartbeat(now, out);
            return self.fenced(now);
        }
        self.ensure_coordinator_ready(now, out);
        self.send_heartbeat(now, out);
    }

    /// `maybeLeaveGroup`: a dynamic member says good-bye. Returns whether an answer is to be awaited.
    pub(super) fn leave_group(&mut self, now: Time, reason: &'static str, out: &mut Outbox) -> bool {
        if self.heartbeats.is_some() {
            return self.leave_by_heartbeat(now, out);
        }
        let Some(membership) = &self.membership else { return false };
        let Some(node) = membership.coordinator_node() else { return false };
        if membership.member_id.is_empty() || self.config.group_instance_id.is_some() || !self.client.ready(now, node, out) {
            return false;
        }
        let member =
            MemberIdentity::default().with_member_id(str_bytes(&membership.member_id)).with_reason(Some(StrBytes::from_static_str(reason)));
        let request = LeaveGroupRequest::default().with_group_id(GroupId(str_bytes(&membership.group))).with_members(vec![member]);
        self.client.send(now, node, Outgoing::new(request), Token::LeaveGroup, out).is_ok()
    }

    /// An answer about the group, or that none will come.
    #[inline(never)]
    pub(super) fn group_answered(&mut self, now: Time, token: Token, result: Result<Response, Failed>, out: &mut Outbox) {
        let asked_the_coordinator = !matches!(token, Token::FindCoordinator);
        if result.is_err()
            && asked_the_coordinator
            && let Some(membership) = &mut self.membership
        {
            membership.coordinator_unknown(now, &self.config);
        }
        let response = result.ok();
        match (token, response) {
            (Token::FindCoordinator, response) => self.coordinator_found(now, response),
            (Token::JoinGroup { attempt }, Some(Response::JoinGroup(response))) => self.joined(now, attempt, response, out),
            (Token::SyncGroup { attempt }, Some(Response::SyncGroup(response))) => self.synced(now, attempt, response, out),
            (Token::JoinGroup { attempt } | Token::SyncGroup { attempt }, _) => self.join_failed(now, attempt, None),
            (Token::ConsumerHeartbeat { epoch }, response) => self.consumer_heartbeat_answered(now, epoch, response),
            (Token::Heartbeat { generation }, response) => self.heartbeat_answered(now, generation, response),
            (Token::LeaveGroup, _) => {
                if let Closing::Leaving { .. } = self.closing {
                    self.closing = Closing::Closed;
                }
            }
            (Token::Commit(kind), response) => self.committed(now, kind, response, out),
            (Token::OffsetFetch, response) => self.committed_fetched(now, response),
            (Token::ListOffsets(_) | Token::OffsetForLeaderEpoch(_) | Token::Fetch(_), _) => {}
        }
    }

    fn coordinator_found(&mut self, now: Time, response: Option<Response>) {
        let Some(membership) = &mut self.membership else { return };
        membership.finding = false;
        let found = match response {
            Some(Response::FindCoordinator(response)) => response.coordinators.into_iter().next(),
            _ => None,
        };
        match found {
            Some(found) if found.error_code == errors::NONE => {
                let node = BrokerId(found.node_id.0);
                let address = HostPort { host: found.host.to_string(), port: found.port as u16 };
                self.client.network.set_node(connection_of(node), address);
                membership.coordinator = Some(node);
                membership.session_ends = now + self.config.session_timeout;
            }
            Some(found) if !errors::info(found.error_code).is_retriable() => {
                membership.retry_at = now + self.config.retry.initial;
                let group = membership.group.clone();
                self.error = Some(ClientError::forbidden(found.error_code, &[&group]));
            }
            _ => {
                membership.retry_at = now + self.config.retry.initial;
                membership.find_after = Some(self.client.metadata.version());
                self.client.metadata.request_update(false);
            }
        }
    }

    /// `JoinGroupResponseHandler`.
    fn joined(&mut self, now: Time, attempt: u32, response: JoinGroupResponse, out: &mut Outbox) {
        let Some(membership) = &mut self.membership else { return };
        if membership.attempt != attempt || membership.state != MemberState::PreparingRebalance || self.closing != Closing::No {
            return;
        }
        if response.error_code != errors::NONE {
            if response.error_code == MemberIdRequired.code() {
                membership.member_id = name(&response.member_id);
            }
            let error = ResponseError::try_from_code(response.error_code).unwrap_or(UnknownServerError);
            if matches!(error, InconsistentGroupProtocol | InvalidSessionTimeout | InvalidGroupId | GroupMaxSizeReached | FencedInstanceId)
            {
                let message = format!("JoinGroup failed due to fatal error: {}", errors::info(response.error_code).message);
                self.client.network.log.error(now, COORDINATOR_LOGGER, &message);
            }
            return self.join_failed(now, attempt, Some(response.error_code));
        }
        membership.state = MemberState::CompletingRebalance;
        membership.member_id = name(&response.member_id);
        membership.generation = response.generation_id;
        membership.assignor = response.protocol_name.as_deref().and_then(Assignor::from_name);
        membership.session_ends = now + self.config.session_timeout;
        membership.next_heartbeat = now + self.config.heartbeat_interval;
        membership.heartbeat_in_flight = false;
        membership.assigned_from = None;
        let leads = response.leader == response.member_id;
        let assignments = if leads && !response.skip_assignment { self.lead(now, &response) } else { Vec::new() };
        self.sync_group(now, &response, assignments, out);
    }

    /// `onLeaderElected`: computes who reads what.
    fn lead(&mut self, now: Time, response: &JoinGroupResponse) -> Vec<SyncGroupRequestAssignment> {
        let Some(membership) = &mut self.membership else { return Vec::new() };
        let subscriber = |member: &messages::join_group_response::JoinGroupResponseMember| {
            subscriber(name(&member.member_id), member.group_instance_id.as_ref().map(name), &member.metadata)
        };
        let members: Vec<Subscriber> = response.members.iter().map(subscriber).collect();
        let mut topics: Vec<Name> = members.iter().flat_map(|member| member.topics.iter().cloned()).collect();
        topics.sort();
        topics.dedup();
        // Topics that only others want: from now on their partitions are of interest here. (Kafka waits for them before it assigns; here
        // they come with the next rebalance, as soon as they are known.)
        for topic in &topics {
            self.client.metadata.add_topic(now, topic);
        }
        let counts = partitions_per_topic(self.client.cluster(), &topics);
        let assignment = membership.assignor.unwrap_or(Assignor::Range).assign(&counts, &members);
        membership.assigned_from = Some(counts);
        membership.compared_version = self.client.metadata.version();
        membership.group_topics = topics;
        let assigned = |(member, partitions): (Name, Vec<TopicPartition>)| {
            let request = SyncGroupRequestAssignment::default().with_member_id(str_bytes(&member));
            request.with_assignment(encode_assignment(&partitions))
        };
        assignment.into_iter().map(assigned).collect()
    }

    fn sync_group(&mut self, now: Time, joined: &JoinGroupResponse, assignments: Vec<SyncGroupRequestAssignment>, out: &mut Outbox) {
        let Some(membership) = &mut self.membership else { return };
        let request = SyncGroupRequest::default()
            .with_group_id(GroupId(str_bytes(&membership.group)))
            .with_generation_id(membership.generation)
            .with_member_id(str_bytes(&membership.member_id))
            .with_group_instance_id(self.config.group_instance_id.as_deref().map(str_bytes))
            .with_protocol_type(joined.protocol_type.clone())
            .with_protocol_name(joined.protocol_name.clone())
            .with_assignments(assignments);
        let (token, attempt) = (Token::SyncGroup { attempt: membership.attempt }, membership.attempt);
        let outgoing = Outgoing::new(request);
        let sent = membership.coordinator_node().is_some_and(|node| self.client.send(now, node, outgoing, token, out).is_ok());
        if !sent {
            self.join_failed(now, attempt, None);
        }
    }

    /// `SyncGroupResponseHandler`, `onJoinComplete`.
    fn synced(&mut self, now: Time, attempt: u32, response: SyncGroupResponse, out: &mut Outbox) {
        let Some(membership) = &mut self.membership else { return };
        if membership.attempt != attempt || membership.state != MemberState::CompletingRebalance || self.closing != Closing::No {
            return;
        }
        if response.error_code != errors::NONE {
            return self.join_failed(now, attempt, Some(response.error_code));
        }
        let Some(mut partitions) = decode_assignment(&response.assignment) else {
            return self.join_failed(now, attempt, Some(UnknownServerError.code()));
        };
        partitions.sort();
        membership.state = MemberState::Stable;
        membership.rejoin_needed = false;
        membership.prepared = false;
        membership.next_auto_commit = now + self.config.auto_commit_interval;
        membership.offset_fetch_in_flight = false;
        out.emit(Event::Assigned {
            group: membership.group.clone(),
            member: membership.member_id.clone(),
            generation: membership.generation,
            partitions: partitions.clone(),
        });
        membership.memory.assigned(membership.assignor, &partitions, membership.generation);
        match self.config.rebalance_protocol() {
            RebalanceProtocol::Eager => self.subscriptions.assign(partitions, false),
            RebalanceProtocol::Cooperative => {
                // What goes is free for others only once this member has joined without it.
                let gives_up = self.subscriptions.partitions().any(|(owned, _)| !partitions.contains(owned));
                membership.rejoin_needed = gives_up;
                self.assign_keeping(partitions);
            }
        }
    }

    /// A join that did not come to its end; it begins anew.
    fn join_failed(&mut self, now: Time, attempt: u32, error: Option<i16>) {
        let Some(membership) = &mut self.membership else { return };
        if membership.attempt != attempt {
            return;
        }
        membership.state = MemberState::Unjoined;
        membership.rejoin_needed = true;
        let backoff = now + self.config.retry.initial;
        match error.map(|code| ResponseError::try_from_code(code).unwrap_or(UnknownServerError)) {
            // No answer: the coordinator is unknown already.
            None => membership.retry_at = membership.retry_at.max(backoff),
            Some(MemberIdRequired | RebalanceInProgress) => {}
            Some(UnknownMemberId) => membership.reset_generation(false),
            Some(IllegalGeneration) => membership.reset_generation(true),
            Some(NotCoordinator | CoordinatorNotAvailable) => membership.coordinator_unknown(now, &self.config),
            Some(CoordinatorLoadInProgress) => membership.retry_at = backoff,
            Some(fatal) => {
                membership.retry_at = backoff;
                let group = membership.group.clone();
                self.error = Some(ClientError::forbidden(fatal.code(), &[&group]));
            }
        }
    }

    /// `HeartbeatResponseHandler`.
    fn heartbeat_answered(&mut self, now: Time, generation: i32, response: Option<Response>) {
        let Some(membership) = &mut self.membership else { return };
        membership.heartbeat_in_flight = false;
        let Some(Response::Heartbeat(response)) = response else {
            membership.next_heartbeat = now + self.config.retry.initial;
            return;
        };
        membership.session_ends = now + self.config.session_timeout;
        if response.error_code == errors::NONE {
            return;
        }
        let current = membership.generation == generation && membership.sends_heartbeats();
        match ResponseError::try_from_code(response.error_code).unwrap_or(UnknownServerError) {
            NotCoordinator | CoordinatorNotAvailable => membership.coordinator_unknown(now, &self.config),
            RebalanceInProgress => membership.rejoin_needed |= membership.state == MemberState::Stable,
            IllegalGeneration if current => membership.reset_generation(true),
            UnknownMemberId if current => membership.reset_generation(false),
            IllegalGeneration | UnknownMemberId | CoordinatorLoadInProgress => {}
            fatal => {
                if current && fatal == FencedInstanceId {
                    membership.reset_generation(false);
                    let instance = self.config.group_instance_id.as_deref().unwrap_or_default();
                    let message = format!("Caught fenced group.instance.id Optional[{instance}] error in heartbeat thread");
                    self.client.network.log.error(now, COORDINATOR_LOGGER, &message);
                }
                let group = membership.group.clone();
                self.error = Some(ClientError::forbidden(fatal.code(), &[&group]));
            }
        }
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
