//! `ClassicGroup`: the state of a group, and the rules that look at it alone.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::hash_order;
use super::member::Member;
use super::offsets::CommittedOffset;
use super::out::{Context, Token};
use super::record::{GroupMetadata, MemberMetadata, Record};
use crate::kafka::event::{Event, GroupState, Left};
use crate::kafka::names::{Name, TopicPartition};
use crate::sim::process::Absent;
use crate::sim::time::{Duration, Time};

/// A group, as its coordinator keeps it.
#[derive(Clone, Debug)]
pub struct ClassicGroup {
    pub id: Name,
    pub state: GroupState,
    pub(super) previous_state: GroupState,
    /// Wall clock of the last change of state.
    pub(super) state_since_ms: i64,
    /// `consumer` for consumers; none before the first member.
    pub protocol_type: Option<Name>,
    /// The assignor that was chosen.
    pub protocol_name: Option<Name>,
    /// The member that computes assignments.
    pub leader: Option<Name>,
    pub generation: i32,
    pub(super) members: BTreeMap<Name, Member>,
    /// Ids that were handed out and not used yet, with the end of their wait.
    pub(super) pending_join: BTreeMap<Name, Time>,
    pub(super) pending_sync: BTreeSet<Name>,
    pub(super) new_member_added: bool,
    pub(super) join_timer: Option<(Time, JoinTimer)>,
    /// When members that did not sync are removed.
    pub(super) sync_timer: Option<Time>,
    pub(super) offsets: BTreeMap<TopicPartition, CommittedOffset>,
}

/// What the end of the wait for members means.
#[derive(Clone, Copy, Debug)]
pub(super) enum JoinTimer {
    /// The first generation of an empty group: may be extended while members keep coming.
    Initial { delay: Duration, remaining: Duration },
    /// Who has not rejoined is out.
    Rebalance,
}

impl ClassicGroup {
    pub fn new(id: Name, now: Time) -> ClassicGroup {
        ClassicGroup {
            id,
            state: GroupState::Empty,
            previous_state: GroupState::Dead,
            state_since_ms: now.wall_ms(),
            protocol_type: None,
            protocol_name: None,
            leader: None,
            generation: 0,
            members: BTreeMap::new(),
            pending_join: BTreeMap::new(),
            pending_sync: BTreeSet::new(),
            new_member_added: false,
            join_timer: None,
            sync_timer: None,
            offsets: BTreeMap::new(),
        }
    }

    /// The members, by id.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    pub fn member(&self, id: &str) -> Option<&Member> {
        self.members.get(id)
    }

    /// The committed offsets, by topic and partition.
    pub fn offsets(&self) -> impl Iterator<Item = (&TopicPartition, &CommittedOffset)> {
        self.offsets.iter()
    }

    pub fn offset(&self, partition: &TopicPartition) -> Option<&CommittedOffset> {
        self.offsets.get(partition)
    }

    /// When something here is due.
    pub(super) fn next_wake(&self) -> Option<Time> {
        let sessions = self.members.values().filter_map(|member| member.session_ends);
        let timers = self.join_timer.map(|(at, _)| at).into_iter().chain(self.sync_timer);
        sessions.chain(self.pending_join.values().copied()).chain(timers).min()
    }

    pub(super) fn transition_to(&mut self, ctx: &mut Context, state: GroupState) {
        self.previous_state = self.state;
        self.state = state;
        self.state_since_ms = ctx.now.wall_ms();
        ctx.emit(Event::GroupChanged { group: self.id.clone(), state, generation: self.generation });
    }

    /// Member ids in the order of Kafka's map.
    pub(super) fn member_ids(&self) -> Vec<Name> {
        let mut ids: Vec<Name> = self.members.keys().cloned().collect();
        hash_order::sort(&mut ids, |id| id);
        ids
    }

    pub(super) fn is_leader(&self, member: &str) -> bool {
        self.leader.as_deref() == Some(member)
    }

    pub(super) fn static_member_id(&self, instance_id: &str) -> Option<Name> {
        self.members.values().find(|member| member.instance_id.as_deref() == Some(instance_id)).map(|member| member.id.clone())
    }

    /// `validateMember`.
    pub(super) fn validate_member(&self, member_id: &str, instance_id: Option<&str>) -> Result<(), ResponseError> {
        if let Some(instance_id) = instance_id {
            match self.static_member_id(instance_id) {
                None => return Err(ResponseError::UnknownMemberId),
                Some(existing) if &*existing != member_id => return Err(ResponseError::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) { Ok(()) } else { Err(ResponseError::UnknownMemberId) }
    }

    /// `supportsProtocols`: whether a member that speaks these could be in the group.
    pub(super) fn supports_protocols(&self, protocol_type: &str, protocols: &[(Name, Bytes)]) -> bool {
        if self.state == GroupState::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        let candidates = self.candidate_protocols();
        self.protocol_type.as_deref() == Some(protocol_type) && protocols.iter().any(|(name, _)| candidates.contains(name))
    }

    /// `selectProtocol`: among the protocols that all members know, the one that most of them put first.
    pub(super) fn select_protocol(&self) -> Option<Name> {
        let mut candidates = self.candidate_protocols();
        // Of equal numbers of votes Kafka takes the first in its map.
        hash_order::sort(&mut candidates, |name| name);
        let mut best: Option<(Name, usize)> = None;
        for candidate in &candidates {
            let votes = self.members.values().filter(|member| member.vote(&candidates) == Some(candidate)).count();
            if votes > 0 && best.as_ref().is_none_or(|(_, most)| votes > *most) {
                best = Some((candidate.clone(), votes));
            }
        }
        best.map(|(name, _)| name)
    }

    fn candidate_protocols(&self) -> Vec<Name> {
        let Some(first) = self.members.values().next() else { return Vec::new() };
        let known_to_all = |name: &Name| self.members.values().all(|member| member.protocols.iter().any(|(other, _)| other == name));
        first.protocols.iter().map(|(name, _)| name.clone()).filter(known_to_all).collect()
    }

    /// The longest that any member may take to rejoin.
    pub(super) fn rebalance_timeout(&self) -> Duration {
        self.members.values().map(|member| member.rebalance_timeout).max().unwrap_or_default()
    }

    pub(super) fn has_all_members_joined(&self) -> bool {
        self.pending_join.is_empty() && self.members.values().all(|member| member.awaiting_join.is_some())
    }

    /// Whether a rebalance may begin: not if one has, and not in a dead group.
    pub(super) fn can_rebalance(&self) -> bool {
        matches!(self.state, GroupState::Stable | GroupState::CompletingRebalance | GroupState::Empty)
    }

    /// Adds a member whose JoinGroup is to be answered later.
    pub(super) fn add(&mut self, ctx: &mut Context, protocol_type: &str, member: Member) {
        if self.members.is_empty() {
            self.protocol_type = Some(Name::from(protocol_type));
        }
        self.leader.get_or_insert_with(|| member.id.clone());
        self.pending_join.remove(&member.id);
        ctx.emit(Event::MemberJoined { group: self.id.clone(), member: member.id.clone(), client: member.client_id.clone() });
        self.members.insert(member.id.clone(), member);
    }

    /// Forgets a member or a pending one; another becomes leader if need be.
    pub(super) fn remove(&mut self, ctx: &mut Context, member_id: &str, why: Left) -> Option<Member> {
        self.pending_join.remove(member_id);
        self.pending_sync.remove(member_id);
        let member = self.members.remove(member_id)?;
        if self.is_leader(member_id) {
            self.leader = self.member_ids().into_iter().next();
        }
        let absent = match why {
            Left::SessionExpired => vec![Absent::Host(member.client_host.trim_start_matches('/').to_owned())],
            Left::Closed | Left::RebalanceTimedOut => Vec::new(),
        };
        ctx.out.emit(Event::MemberLeft { group: self.id.clone(), member: member.id.clone(), why }, absent);
        Some(member)
    }

    /// `rescheduleClassicGroupMemberHeartbeat`: the member was heard of.
    pub(super) fn reschedule_heartbeat(&mut self, now: Time, member_id: &str) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.session_ends = Some(now + member.session_timeout);
        }
    }

    /// `newGroupMetadataRecord`, with these assignments.
    pub(super) fn metadata_record(&self, assignments: &BTreeMap<Name, Bytes>) -> Record {
        let member = |id: Name| {
            let member = &self.members[&id];
            MemberMetadata {
                group_instance_id: member.instance_id.clone(),
                client_id: member.client_id.clone(),
                client_host: member.client_host.clone(),
                rebalance_timeout_ms: member.rebalance_timeout.as_ms() as i32,
                session_timeout_ms: member.session_timeout.as_ms() as i32,
                subscription: self.protocol_name.as_deref().map(|name| member.metadata(name)).unwrap_or_default(),
                assignment: assignments.get(&id).cloned().unwrap_or_default(),
                member_id: id,
            }
        };
        let value = GroupMetadata {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol_name.clone(),
            leader: self.leader.clone(),
            current_state_timestamp_ms: self.state_since_ms,
            members: self.member_ids().into_iter().map(member).collect(),
        };
        Record::Group { group: self.id.clone(), value: Some(value) }
    }

    /// Requests whose answers are parked here; they are parked no more.
    #[inline(never)]
    pub(super) fn take_waiting(&mut self) -> Vec<(Token, Waiting)> {
        let mut waiting = Vec::new();
        for member in self.members.values_mut() {
            waiting.extend(member.awaiting_join.take().map(|token| (token, Waiting::Join { member: member.id.clone() })));
            waiting.extend(member.awaiting_sync.take().map(|token| (token, Waiting::Sync)));
        }
        waiting
    }
}

/// What a parked request asked for.
#[derive(Clone, Debug)]
pub(super) enum Waiting {
    Join { member: Name },
    Sync,
}
