//! LeaveGroup: of a member itself, or of static members by their instance id (an administrator's).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

use super::classic_group::ClassicGroup;
use super::out::{Context, Token, name};
use crate::kafka::event::{GroupState, Left};

impl ClassicGroup {
    /// `classicGroupLeaveToClassicGroup`. The answer waits until the emptied group is written, if it is empty now.
    pub(super) fn leave(&mut self, ctx: &mut Context, token: Token, version: i16, request: &LeaveGroupRequest) {
        // Before version 3 a member leaves alone.
        let alone = [MemberIdentity::default().with_member_id(request.member_id.clone())];
        let leaving = if version < 3 { &alone[..] } else { &request.members[..] };
        let mut members = Vec::new();
        for identity in leaving {
            let error = self.leave_one(ctx, identity).err().map_or(0, |error| error.code());
            let member = MemberResponse::default().with_member_id(identity.member_id.clone());
            members.push(member.with_group_instance_id(identity.group_instance_id.clone()).with_error_code(error));
        }
        let response = if version < 3 {
            LeaveGroupResponse::default().with_error_code(members[0].error_code)
        } else {
            LeaveGroupResponse::default().with_members(members.clone())
        };
        let written = if members.iter().any(|member| member.error_code == 0) {
            match self.state {
                GroupState::Stable | GroupState::CompletingRebalance => self.maybe_prepare_rebalance_or_complete_join(ctx),
                GroupState::PreparingRebalance => self.maybe_complete_join_phase(ctx),
                _ => None,
            }
        } else {
            None
        };
        match written.and_then(|append| ctx.pending.get_mut(&append)) {
            Some(pending) => pending.answer = Some((token, response.into())),
            None => ctx.respond(token, response),
        }
    }

    fn leave_one(&mut self, ctx: &mut Context, identity: &MemberIdentity) -> Result<(), ResponseError> {
        let instance_id = identity.group_instance_id.as_deref();
        let member_id = if identity.member_id.is_empty() {
            instance_id.and_then(|id| self.static_member_id(id)).ok_or(ResponseError::UnknownMemberId)?
        } else if self.pending_join.contains_key(identity.member_id.as_str()) {
            name(&identity.member_id)
        } else {
            self.validate_member(&identity.member_id, instance_id)?;
            name(&identity.member_id)
        };
        self.remove(ctx, &member_id, Left::Closed);
        Ok(())
    }
}
