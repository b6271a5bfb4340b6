//! The join phase: from the moment a rebalance is wanted until a generation has its members, and the timers that bound it.

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::classic_group::{ClassicGroup, JoinTimer};
use super::join::refusal;
use super::out::{AppendId, Context, Then};
use crate::kafka::event::{GroupState, Left};
use crate::kafka::names::Name;
use crate::sim::time::Duration;

impl ClassicGroup {
    /// `prepareRebalance`. Returns the append that emptied the group, if it did.
    pub(super) fn prepare_rebalance(&mut self, ctx: &mut Context) -> Option<AppendId> {
        // Members that wait for an assignment have to rejoin.
        if self.state == GroupState::CompletingRebalance {
            self.reset_and_propagate_assignment_with_error(ctx, ResponseError::RebalanceInProgress);
        }
        self.sync_timer = None;
        let initial = self.state == GroupState::Empty;
        if initial {
            let delay = ctx.config.initial_rebalance_delay;
            let remaining = self.rebalance_timeout().0.saturating_sub(delay.0);
            let timer = JoinTimer::Initial { delay, remaining: Duration(remaining) };
            self.join_timer = Some((ctx.now + delay, timer));
        }
        self.transition_to(ctx, GroupState::PreparingRebalance);
        if initial { None } else { self.maybe_complete_join_else_schedule(ctx) }
    }

    fn maybe_complete_join_else_schedule(&mut self, ctx: &mut Context) -> Option<AppendId> {
        if self.has_all_members_joined() {
            return self.complete_join(ctx);
        }
        self.join_timer = Some((ctx.now + self.rebalance_timeout(), JoinTimer::Rebalance));
        None
    }

    /// `maybeCompleteJoinPhase`: not in a group's first rebalance, which waits its time.
    pub(super) fn maybe_complete_join_phase(&mut self, ctx: &mut Context) -> Option<AppendId> {
        let waiting = self.state == GroupState::PreparingRebalance && self.previous_state != GroupState::Empty;
        if waiting && self.has_all_members_joined() { self.complete_join(ctx) } else { None }
    }

    /// `tryCompleteInitialRebalanceElseSchedule`: the delay is extended while members keep coming, up to the rebalance timeout.
    fn try_complete_initial_rebalance(&mut self, ctx: &mut Context, delay: Duration, remaining: Duration) {
        if !self.new_member_added || remaining.0 == 0 {
            self.complete_join(ctx);
            return;
        }
        self.new_member_added = false;
        let next = ctx.config.initial_rebalance_delay.min(remaining);
        let timer = JoinTimer::Initial { delay: next, remaining: Duration(remaining.0.saturating_sub(delay.0)) };
        self.join_timer = Some((ctx.now + next, timer));
    }

    /// `completeClassicGroupJoin`: a new generation of those who are there.
    pub(super) fn complete_join(&mut self, ctx: &mut Context) -> Option<AppendId> {
        self.join_timer = None;
        let missing = |id: &Name| {
            let member = &self.members[id];
            member.awaiting_join.is_none() && !member.is_static()
        };
        let failed: Vec<Name> = self.member_ids().into_iter().filter(missing).collect();
        for member in failed {
            self.remove(ctx, &member, Left::RebalanceTimedOut);
        }
        if self.state == GroupState::Dead {
            return None;
        }
        if !self.maybe_elect_new_joined_leader() && !self.members.is_empty() {
            // Nobody rejoined: wait until sessions have ended.
            self.join_timer = Some((ctx.now + self.rebalance_timeout(), JoinTimer::Rebalance));
            return None;
        }
        self.init_next_generation(ctx);
        if self.state == GroupState::Empty {
            let record = self.metadata_record(&Default::default());
            return Some(ctx.append(&self.id, &[record], Then::Nothing));
        }
        ctx.log(format!("Stabilized group {} generation {} with {} members.", self.id, self.generation, self.members.len()));
        for id in self.member_ids() {
            let response = self.join_response(&id);
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.is_new = false;
            member.session_ends = Some(ctx.now + member.session_timeout);
            if let Some(token) = member.awaiting_join.take() {
                ctx.respond(token, response);
            }
            self.pending_sync.insert(id);
        }
        self.sync_timer = Some(ctx.now + self.rebalance_timeout());
        None
    }

    /// `initNextGeneration`.
    fn init_next_generation(&mut self, ctx: &mut Context) {
        self.generation += 1;
        self.pending_sync.clear();
        if self.members.is_empty() {
            self.protocol_name = None;
            self.transition_to(ctx, GroupState::Empty);
        } else {
            self.protocol_name = self.select_protocol();
            self.transition_to(ctx, GroupState::CompletingRebalance);
        }
    }

    /// Whether there is a leader that has joined.
    fn maybe_elect_new_joined_leader(&mut self) -> bool {
        let Some(leader) = &self.leader else { return false };
        let joined = |id: &Name| self.members.get(id).is_some_and(|member| member.awaiting_join.is_some());
        if joined(leader) {
            return true;
        }
        let elected = self.member_ids().into_iter().find(joined);
        let found = elected.is_some();
        if found {
            self.leader = elected;
        }
        found
    }

    /// What is due by now.
    pub(super) fn poll(&mut self, ctx: &mut Context) {
        if let Some((_, timer)) = self.join_timer.filter(|(at, _)| *at <= ctx.now) {
            self.join_timer = None;
            match timer {
                JoinTimer::Initial { delay, remaining } => self.try_complete_initial_rebalance(ctx, delay, remaining),
                JoinTimer::Rebalance => {
                    self.complete_join(ctx);
                }
            }
        }
        if self.sync_timer.is_some_and(|at| at <= ctx.now) {
            self.sync_timer = None;
            self.expire_pending_sync(ctx);
        }
        let due: Vec<Name> = self.pending_join.iter().filter(|(_, at)| **at <= ctx.now).map(|(id, _)| id.clone()).collect();
        for id in due {
            self.pending_join.remove(&id);
            self.maybe_complete_join_phase(ctx);
        }
        let ended = |id: &Name| self.members[id].session_ends.is_some_and(|at| at <= ctx.now);
        let due: Vec<Name> = self.member_ids().into_iter().filter(ended).collect();
        for id in due {
            self.expire_member_heartbeat(ctx, &id);
        }
    }

    /// `expirePendingSync`: who got a generation but never asked for its assignment is out.
    fn expire_pending_sync(&mut self, ctx: &mut Context) {
        if !matches!(self.state, GroupState::CompletingRebalance | GroupState::Stable) || self.pending_sync.is_empty() {
            return;
        }
        for id in std::mem::take(&mut self.pending_sync) {
            self.remove(ctx, &id, Left::RebalanceTimedOut);
        }
        self.prepare_rebalance(ctx);
    }

    /// `expireClassicGroupMemberHeartbeat`.
    fn expire_member_heartbeat(&mut self, ctx: &mut Context, id: &Name) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.session_ends = None;
        if member.has_satisfied_heartbeat() {
            return;
        }
        let waiting = member.awaiting_join.take();
        if let Some(token) = waiting {
            ctx.respond(token, refusal("", ResponseError::UnknownMemberId));
        }
        ctx.log(format!("Member {id} in group {} has failed, removing it from the group.", self.id));
        self.remove(ctx, id, Left::SessionExpired);
        match self.state {
            GroupState::Stable | GroupState::CompletingRebalance => self.maybe_prepare_rebalance_or_complete_join(ctx),
            GroupState::PreparingRebalance => self.maybe_complete_join_phase(ctx),
            _ => None,
        };
    }

    /// Members that wait for their assignment get an error in its place.
    pub(super) fn reset_and_propagate_assignment_with_error(&mut self, ctx: &mut Context, error: ResponseError) {
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
        }
        self.propagate_assignment(ctx, Some(error));
    }
}
