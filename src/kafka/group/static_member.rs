//! Static members (KIP-345): one that comes back under a new id keeps its place and its partitions.

use kafka_protocol::ResponseError;

use super::classic_group::ClassicGroup;
use super::join::{Join, refusal};
use super::member::Member;
use super::out::{Context, Then, append_error};
use super::sync;
use crate::kafka::event::GroupState;
use crate::kafka::names::Name;

impl ClassicGroup {
    /// `updateStaticMemberThenRebalanceOrCompleteJoin`.
    pub(super) fn update_static_member_then_rebalance_or_complete_join(
        &mut self,
        ctx: &mut Context,
        join: &Join,
        old_id: Name,
        new_id: Name,
    ) {
        let Some(old) = self.members.get(&old_id).cloned() else { return };
        self.replace_static_member(ctx, &old_id, new_id.clone());
        self.reschedule_heartbeat(ctx.now, &new_id);
        self.update_member(&new_id, join);
        match self.state {
            // The same assignor as before: nothing changes for the others, so there is no rebalance.
            GroupState::Stable if self.protocol_name == self.select_protocol() => {
                let assignments = self.members.values().map(|member| (member.id.clone(), member.assignment.clone())).collect();
                let record = self.metadata_record(&assignments);
                ctx.append(&self.id, &[record], Then::StaticMember { old: Box::new(old), new_id });
            }
            GroupState::CompletingRebalance => {
                // The leader may be computing an assignment for the old id.
                self.prepare_rebalance(ctx);
            }
            _ => {
                self.maybe_prepare_rebalance_or_complete_join(ctx);
            }
        }
    }

    /// The new id is in the log, or could not be written.
    pub(super) fn static_member_stored(&mut self, ctx: &mut Context, old: Member, new_id: &Name, error: Option<ResponseError>) {
        let Some(token) = self.members.get_mut(new_id).and_then(|member| member.awaiting_join.take()) else { return };
        match error {
            Some(error) => {
                ctx.respond(token, refusal("", append_error(error)));
                let was_leader = self.is_leader(new_id);
                self.members.remove(new_id);
                if was_leader {
                    self.leader = Some(old.id.clone());
                }
                let id = old.id.clone();
                self.members.insert(id.clone(), Member { awaiting_join: None, awaiting_sync: None, ..old });
                self.reschedule_heartbeat(ctx.now, &id);
            }
            None => {
                let leader = self.is_leader(new_id);
                let response = self.join_response(new_id).with_skip_assignment(leader);
                ctx.respond(token, response);
            }
        }
    }

    /// `replaceStaticMember`: whoever still waits under the old id is fenced.
    fn replace_static_member(&mut self, ctx: &mut Context, old_id: &Name, new_id: Name) {
        let Some(mut member) = self.members.remove(old_id) else { return };
        if let Some(token) = member.awaiting_join.take() {
            ctx.respond(token, refusal(old_id, ResponseError::FencedInstanceId));
        }
        if let Some(token) = member.awaiting_sync.take() {
            ctx.respond(token, sync::refusal(ResponseError::FencedInstanceId));
        }
        if self.is_leader(old_id) {
            self.leader = Some(new_id.clone());
        }
        self.pending_sync.remove(old_id);
        member.id = new_id.clone();
        self.members.insert(new_id, member);
    }
}
