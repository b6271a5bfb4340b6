//! JoinGroup (`classicGroupJoinToClassicGroup` and what it calls).

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use uuid::Builder;

use super::classic_group::ClassicGroup;
use super::config::NEW_MEMBER_JOIN_TIMEOUT;
use super::member::Member;
use super::out::{AppendId, ClientInfo, Context, Token, name, str_bytes};
use crate::kafka::event::{GroupState, Left};
use crate::kafka::names::Name;
use crate::sim::time::Duration;

/// From this version on a member must first ask for its id (KIP-394), so that clients that time out leave no ghosts.
const REQUIRES_KNOWN_MEMBER_ID: i16 = 4;

/// A JoinGroup request, read.
pub(super) struct Join<'a> {
    pub token: Token,
    pub version: i16,
    pub client: &'a ClientInfo,
    pub request: &'a JoinGroupRequest,
    pub protocols: Vec<(Name, Bytes)>,
}

impl<'a> Join<'a> {
    pub fn new(token: Token, version: i16, client: &'a ClientInfo, request: &'a JoinGroupRequest) -> Join<'a> {
        let protocols = request.protocols.iter().map(|protocol| (name(&protocol.name), protocol.metadata.clone())).collect();
        Join { token, version, client, request, protocols }
    }

    pub fn instance_id(&self) -> Option<Name> {
        self.request.group_instance_id.as_ref().map(name)
    }

    /// An answer with an error, to whom the member id is told.
    pub fn refuse(&self, ctx: &mut Context, member_id: &str, error: ResponseError) {
        ctx.respond(self.token, refusal(member_id, error));
    }
}

pub(super) fn refusal(member_id: &str, error: ResponseError) -> JoinGroupResponse {
    JoinGroupResponse::default().with_protocol_name(None).with_member_id(str_bytes(member_id)).with_error_code(error.code())
}

impl ClassicGroup {
    /// A JoinGroup of somebody new or of a member.
    pub(super) fn join(&mut self, ctx: &mut Context, join: &Join) {
        let member_id = join.request.member_id.as_str();
        if !self.accepts_joining_member(ctx.config.classic_max_size, member_id) {
            self.remove(ctx, member_id, Left::Closed);
            join.refuse(ctx, "", ResponseError::GroupMaxSizeReached);
        } else if self.state == GroupState::Dead {
            join.refuse(ctx, member_id, ResponseError::CoordinatorNotAvailable);
        } else if !self.supports_protocols(&join.request.protocol_type, &join.protocols) {
            join.refuse(ctx, member_id, ResponseError::InconsistentGroupProtocol);
        } else if member_id.is_empty() {
            self.join_new_member(ctx, join);
        } else if self.pending_join.contains_key(member_id) {
            self.add_member_then_rebalance_or_complete_join(ctx, join, Name::from(member_id));
        } else if let Err(error) = self.validate_member(member_id, join.request.group_instance_id.as_deref()) {
            join.refuse(ctx, member_id, error);
        } else {
            self.join_existing_member(ctx, join, member_id);
        }
    }

    /// `acceptJoiningMember`: there is room, or it is in already. While a rebalance gathers the members, those count that have come.
    fn accepts_joining_member(&self, most: usize, member_id: &str) -> bool {
        let member = self.members.get(member_id);
        match self.state {
            GroupState::PreparingRebalance => {
                let awaiting = |member: &Member| member.awaiting_join.is_some();
                member.is_some_and(awaiting) || self.members.values().filter(|member| awaiting(member)).count() < most
            }
            GroupState::CompletingRebalance | GroupState::Stable => member.is_some() || self.members.len() < most,
            _ => true,
        }
    }

    /// `classicGroupJoinNewMember`.
    fn join_new_member(&mut self, ctx: &mut Context, join: &Join) {
        let uuid = Builder::from_random_bytes(ctx.out.member_uuid()).into_uuid();
        let Some(instance_id) = join.instance_id() else {
            let member_id = Name::from(format!("{}-{uuid}", join.client.client_id));
            return self.join_new_dynamic_member(ctx, join, member_id);
        };
        let member_id = Name::from(format!("{instance_id}-{uuid}"));
        match self.static_member_id(&instance_id) {
            Some(existing) => self.update_static_member_then_rebalance_or_complete_join(ctx, join, existing, member_id),
            None => self.add_member_then_rebalance_or_complete_join(ctx, join, member_id),
        }
    }

    /// `classicGroupJoinNewDynamicMember`.
    fn join_new_dynamic_member(&mut self, ctx: &mut Context, join: &Join, member_id: Name) {
        if join.version < REQUIRES_KNOWN_MEMBER_ID {
            return self.add_member_then_rebalance_or_complete_join(ctx, join, member_id);
        }
        join.refuse(ctx, &member_id, ResponseError::MemberIdRequired);
        self.pending_join.insert(member_id, ctx.now + timeout(join.request.session_timeout_ms));
    }

    /// `classicGroupJoinExistingMember`.
    fn join_existing_member(&mut self, ctx: &mut Context, join: &Join, member_id: &str) {
        let unchanged = self.members[member_id].matches(&join.protocols);
        match self.state {
            // Perhaps the first answer was lost: the same again.
            GroupState::CompletingRebalance if unchanged => {
                let response = self.join_response(member_id);
                ctx.respond(join.token, response);
            }
            // A leader that joins wants a new assignment; a follower with nothing new does not.
            GroupState::Stable if unchanged && !self.is_leader(member_id) => {
                let response = self.join_response(member_id).with_members(Vec::new());
                ctx.respond(join.token, response);
            }
            GroupState::PreparingRebalance | GroupState::CompletingRebalance | GroupState::Stable => {
                self.update_member(member_id, join);
                self.maybe_prepare_rebalance_or_complete_join(ctx);
            }
            _ => join.refuse(ctx, member_id, ResponseError::UnknownMemberId),
        }
    }

    /// `addMemberThenRebalanceOrCompleteJoin`.
    fn add_member_then_rebalance_or_complete_join(&mut self, ctx: &mut Context, join: &Join, member_id: Name) {
        let request = join.request;
        let member = Member {
            id: member_id,
            instance_id: join.instance_id(),
            client_id: join.client.client_id.clone(),
            client_host: join.client.client_host.clone(),
            rebalance_timeout: rebalance_timeout(request),
            session_timeout: timeout(request.session_timeout_ms),
            protocols: join.protocols.clone(),
            assignment: Bytes::new(),
            is_new: true,
            session_ends: Some(ctx.now + NEW_MEMBER_JOIN_TIMEOUT),
            awaiting_join: Some(join.token),
            awaiting_sync: None,
        };
        // The first rebalance of the group may wait a little longer for yet more members.
        if self.state == GroupState::PreparingRebalance && self.previous_state == GroupState::Empty {
            self.new_member_added = true;
        }
        self.add(ctx, &request.protocol_type, member);
        self.maybe_prepare_rebalance_or_complete_join(ctx);
    }

    /// `updateMember`: what a member says of itself now; its answer is parked.
    pub(super) fn update_member(&mut self, member_id: &str, join: &Join) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.protocols = join.protocols.clone();
            member.rebalance_timeout = rebalance_timeout(join.request);
            member.session_timeout = timeout(join.request.session_timeout_ms);
            // An earlier JoinGroup of the same member is forgotten, as in Kafka: its client has given it up.
            member.awaiting_join = Some(join.token);
        }
    }

    /// The current generation, as a member is told; the leader learns of all members.
    pub(super) fn join_response(&self, member_id: &str) -> JoinGroupResponse {
        let members = if self.is_leader(member_id) { self.current_members() } else { Vec::new() };
        JoinGroupResponse::default()
            .with_generation_id(self.generation)
            .with_protocol_type(self.protocol_type.as_deref().map(str_bytes))
            .with_protocol_name(self.protocol_name.as_deref().map(str_bytes))
            .with_leader(str_bytes(self.leader.as_deref().unwrap_or_default()))
            .with_member_id(str_bytes(member_id))
            .with_members(members)
    }

    /// `currentClassicGroupMembers`.
    fn current_members(&self) -> Vec<JoinGroupResponseMember> {
        let protocol = self.protocol_name.as_deref().unwrap_or_default();
        let member = |id: Name| {
            let member = &self.members[&id];
            JoinGroupResponseMember::default()
                .with_member_id(str_bytes(&id))
                .with_group_instance_id(member.instance_id.as_deref().map(str_bytes))
                .with_metadata(member.metadata(protocol))
        };
        self.member_ids().into_iter().map(member).collect()
    }

    /// `maybePrepareRebalanceOrCompleteJoin`.
    pub(super) fn maybe_prepare_rebalance_or_complete_join(&mut self, ctx: &mut Context) -> Option<AppendId> {
        if self.can_rebalance() { self.prepare_rebalance(ctx) } else { self.maybe_complete_join_phase(ctx) }
    }
}

pub(super) fn timeout(ms: i32) -> Duration {
    Duration::ms(ms.max(0) as u64)
}

/// Version 0 has none, and means the session timeout.
fn rebalance_timeout(request: &JoinGroupRequest) -> Duration {
    timeout(if request.rebalance_timeout_ms < 0 { request.session_timeout_ms } else { request.rebalance_timeout_ms })
}
