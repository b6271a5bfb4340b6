//! SyncGroup: the leader brings the assignment, everybody waits for it.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};

use super::classic_group::ClassicGroup;
use super::out::{Context, Then, Token, append_error, name, str_bytes};
use crate::kafka::event::GroupState;
use crate::kafka::names::Name;

pub(super) fn refusal(error: ResponseError) -> SyncGroupResponse {
    SyncGroupResponse::default().with_error_code(error.code())
}

impl ClassicGroup {
    /// `classicGroupSyncToClassicGroup`.
    pub(super) fn sync(&mut self, ctx: &mut Context, token: Token, request: &SyncGroupRequest) {
        if let Err(error) = self.validate_sync(request) {
            return ctx.respond(token, refusal(error));
        }
        let member_id = name(&request.member_id);
        match self.state {
            GroupState::PreparingRebalance => ctx.respond(token, refusal(ResponseError::RebalanceInProgress)),
            GroupState::CompletingRebalance => {
                self.remove_pending_sync(&member_id);
                if let Some(member) = self.members.get_mut(&member_id) {
                    member.awaiting_sync = Some(token);
                }
                if self.is_leader(&member_id) {
                    self.store_assignment(ctx, request);
                }
            }
            GroupState::Stable => {
                self.remove_pending_sync(&member_id);
                let response = self.sync_response(&self.members[&member_id].assignment);
                ctx.respond(token, response);
            }
            _ => ctx.respond(token, refusal(ResponseError::UnknownMemberId)),
        }
    }

    fn validate_sync(&self, request: &SyncGroupRequest) -> Result<(), ResponseError> {
        if self.state == GroupState::Dead {
            return Err(ResponseError::CoordinatorNotAvailable);
        }
        self.validate_member(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        let differs = |said: Option<&str>, own: Option<&str>| said.is_some() && said != own;
        if differs(request.protocol_type.as_deref(), self.protocol_type.as_deref())
            || differs(request.protocol_name.as_deref(), self.protocol_name.as_deref())
        {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        Ok(())
    }

    /// The leader's assignment goes into the log; who was left out gets an empty one.
    fn store_assignment(&mut self, ctx: &mut Context, request: &SyncGroupRequest) {
        let mut assignments: BTreeMap<Name, Bytes> = self.members.keys().map(|id| (id.clone(), Bytes::new())).collect();
        for assigned in &request.assignments {
            if let Some(assignment) = assignments.get_mut(assigned.member_id.as_str()) {
                *assignment = assigned.assignment.clone();
            }
        }
        let record = self.metadata_record(&assignments);
        ctx.append(&self.id, &[record], Then::Assign { generation: self.generation, assignments });
    }

    /// The assignment is committed, or was not written. Nothing follows if the group has moved on meanwhile.
    pub(super) fn assignment_stored(
        &mut self,
        ctx: &mut Context,
        generation: i32,
        assignments: BTreeMap<Name, Bytes>,
        error: Option<ResponseError>,
    ) {
        if self.state != GroupState::CompletingRebalance || self.generation != generation {
            return;
        }
        if let Some(error) = error {
            self.reset_and_propagate_assignment_with_error(ctx, append_error(error));
            self.maybe_prepare_rebalance_or_complete_join(ctx);
            return;
        }
        for (id, assignment) in assignments {
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = assignment;
            }
        }
        self.propagate_assignment(ctx, None);
        self.transition_to(ctx, GroupState::Stable);
    }

    /// Answers everybody who waits for an assignment.
    pub(super) fn propagate_assignment(&mut self, ctx: &mut Context, error: Option<ResponseError>) {
        for id in self.member_ids() {
            let Some(token) = self.members.get_mut(&id).and_then(|member| member.awaiting_sync.take()) else { continue };
            let response = match error {
                Some(error) => refusal(error),
                None => self.sync_response(&self.members[&id].assignment),
            };
            ctx.respond(token, response);
            // The end of a session was not looked at while the member waited.
            self.reschedule_heartbeat(ctx.now, &id);
        }
    }

    fn sync_response(&self, assignment: &Bytes) -> SyncGroupResponse {
        SyncGroupResponse::default()
            .with_protocol_type(self.protocol_type.as_deref().map(str_bytes))
            .with_protocol_name(self.protocol_name.as_deref().map(str_bytes))
            .with_assignment(assignment.clone())
    }

    fn remove_pending_sync(&mut self, member_id: &Name) {
        self.pending_sync.remove(member_id);
        if self.pending_sync.is_empty() {
            self.sync_timer = None;
        }
    }
}
