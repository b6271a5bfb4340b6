//! The coordinator's part for groups of the consumer protocol: which group a request is for, and what becomes of what it writes.

use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, GroupId,
    OffsetCommitRequest,
};

use super::describe;
use super::group::{ConsumerGroup, LEAVE_GROUP_MEMBER_EPOCH, LEAVE_GROUP_STATIC_MEMBER_EPOCH};
use super::heartbeat::{Refused, Writing, fenced_instance, unknown_member, validate};
use super::record::ConsumerRecord;
use crate::kafka::event::{Event, GroupState, Left};
use crate::kafka::group::classic_group::ClassicGroup;
use crate::kafka::group::coordinator::GroupCoordinator;
use crate::kafka::group::out::{AppendId, ClientInfo, Context, GroupOut, Then, Token, append_error, name};
use crate::kafka::group::record::Record;
use crate::kafka::names::Name;
use crate::sim::time::{Duration, Time};

/// An expiry whose records cannot be written is tried again after so long (`CoordinatorRuntime.EventBasedCoordinatorTimer`).
const TIMER_RETRY: Duration = Duration::ms(500);

impl GroupCoordinator {
    /// ConsumerGroupHeartbeat.
    #[inline(never)]
    pub(in crate::kafka::group) fn consumer_group_heartbeat(
        &mut self,
        now: Time,
        token: Token,
        client: &ClientInfo,
        request: &ConsumerGroupHeartbeatRequest,
        out: &mut dyn GroupOut,
    ) {
        if let Err(refused) = self.try_heartbeat(now, token, client, request, out) {
            out.respond(token, refused.response().into());
        }
    }

    fn try_heartbeat(
        &mut self,
        now: Time,
        token: Token,
        client: &ClientInfo,
        request: &ConsumerGroupHeartbeatRequest,
        out: &mut dyn GroupOut,
    ) -> Result<(), Refused> {
        validate(request)?;
        let number = self.led(&request.group_id)?;
        let id = name(&request.group_id.0);
        let joins = request.member_epoch == 0;
        let mut records = self.become_consumer_group(number, &id, joins)?;
        let Some(partition) = self.partitions.get_mut(&number) else { return Err(ResponseError::NotCoordinator.into()) };
        let is_new = !records.is_empty() || !partition.consumer_groups.contains_key(&id);
        let offsets =
            if is_new { partition.groups.get(&id).map(|group| group.offsets.clone()).unwrap_or_default() } else { Default::default() };
        let before = partition.consumer_groups.get(&id).cloned();
        let mut group = before.clone().unwrap_or_else(|| Arc::new(ConsumerGroup::new(id.clone(), offsets)));
        let mut ctx = Context { now, config: &self.config, partition: number, out, pending: &mut self.pending };
        let mut writing = Writing { group: Arc::make_mut(&mut group), records: Vec::new() };
        let response = match request.member_epoch {
            LEAVE_GROUP_MEMBER_EPOCH | LEAVE_GROUP_STATIC_MEMBER_EPOCH => leave(&mut writing, &mut ctx, request)?,
            _ => writing.heartbeat(&mut ctx, client, request)?,
        };
        records.extend(writing.records.into_iter().map(|record| Record::Consumer { group: id.clone(), record }));
        tell(&mut ctx, before.as_deref(), &group);
        partition.groups.remove(&id);
        partition.consumer_groups.insert(id.clone(), group);
        if records.is_empty() {
            ctx.respond(token, response);
            return Ok(());
        }
        let append = ctx.append(&id, &records, Then::ConsumerGroup { before });
        if let Some(pending) = ctx.pending.get_mut(&append) {
            pending.answer = Some((token, response.into()));
        }
        Ok(())
    }

    /// `getOrMaybeCreateConsumerGroup`: an empty group of the classic protocol becomes one of this protocol; what is to be written for that.
    fn become_consumer_group(&mut self, number: i32, id: &Name, joins: bool) -> Result<Vec<Record>, Refused> {
        let not_found = |message: String| Err(Refused::new(ResponseError::GroupIdNotFound, message));
        let Some(partition) = self.partitions.get(&number) else { return Err(ResponseError::NotCoordinator.into()) };
        if partition.consumer_groups.contains_key(id) {
            return Ok(Vec::new());
        }
        match partition.groups.get(id).filter(|group| group.state != GroupState::Dead) {
            Some(group) if group.state == GroupState::Empty && joins => Ok(vec![Record::Group { group: id.clone(), value: None }]),
            Some(_) => not_found(format!("Group {id} is not a consumer group.")),
            None if joins => Ok(Vec::new()),
            None => not_found(format!("Consumer group {id} not found.")),
        }
    }

    /// A group of the consumer protocol without members becomes a classic one for who joins by that protocol.
    ///
    /// # Errors
    /// It has members. (Kafka would take classic members in, `group.consumer.migration.policy`; here protocols do not mix.)
    pub(in crate::kafka::group) fn become_classic(&mut self, now: Time, id: &str, out: &mut dyn GroupOut) -> Result<(), ResponseError> {
        let number = self.partition_for(id);
        let Some(partition) = self.partitions.get_mut(&number) else { return Ok(()) };
        let Some(group) = partition.consumer_groups.get(id) else { return Ok(()) };
        if group.state() != GroupState::Empty {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        let Some(before) = partition.consumer_groups.remove(id) else { return Ok(()) };
        let id = before.id.clone();
        let classic = ClassicGroup { offsets: before.offsets.clone(), ..ClassicGroup::new(id.clone(), now) };
        partition.groups.insert(id.clone(), Arc::new(classic));
        let tombstone = |record| Record::Consumer { group: id.clone(), record };
        let records = [ConsumerRecord::TargetEpoch(None), ConsumerRecord::Group(None)].map(tombstone);
        let mut ctx = Context { now, config: &self.config, partition: number, out, pending: &mut self.pending };
        ctx.append(&id, &records, Then::Nothing);
        Ok(())
    }

    /// OffsetCommit to such a group.
    pub(in crate::kafka::group) fn consumer_group_commit(
        &mut self,
        now: Time,
        token: Token,
        number: i32,
        request: &OffsetCommitRequest,
        out: &mut dyn GroupOut,
    ) {
        let group = self.partitions.get_mut(&number).and_then(|led| led.consumer_groups.get_mut(request.group_id.as_str()));
        let Some(group) = group else { return };
        let mut ctx = Context { now, config: &self.config, partition: number, out, pending: &mut self.pending };
        Arc::make_mut(group).commit_offset(&mut ctx, token, request);
    }

    /// ConsumerGroupDescribe.
    #[inline(never)]
    pub(in crate::kafka::group) fn consumer_group_describe(
        &self,
        request: &ConsumerGroupDescribeRequest,
        out: &mut dyn GroupOut,
    ) -> ConsumerGroupDescribeResponse {
        let mut describe = |id: &GroupId| match (self.led(id), self.consumer_group(id)) {
            (Err(error), _) => describe::refusal(id, error, None),
            (Ok(_), Some(group)) => group.describe(out),
            (Ok(_), None) => {
                let what = if self.group(id).is_some() { "is not a consumer group" } else { "not found" };
                describe::refusal(id, ResponseError::GroupIdNotFound, Some(format!("Group {} {what}.", id.as_str())))
            }
        };
        ConsumerGroupDescribeResponse::default().with_groups(request.group_ids.iter().map(&mut describe).collect())
    }

    /// Sessions that ended, and partitions that were not given up in time.
    pub(in crate::kafka::group) fn poll_consumer_groups(&mut self, now: Time, out: &mut dyn GroupOut) {
        for (&number, partition) in &mut self.partitions {
            for group in partition.consumer_groups.values_mut().filter(|group| group.next_wake().is_some_and(|at| at <= now)) {
                let expired = Arc::make_mut(group).take_expired(now, now + TIMER_RETRY);
                let before = group.clone();
                let mut ctx = Context { now, config: &self.config, partition: number, out, pending: &mut self.pending };
                let mut writing = Writing { group: Arc::make_mut(group), records: Vec::new() };
                for (id, why) in expired {
                    writing.fence(&mut ctx, &id, why);
                }
                let id = before.id.clone();
                let records: Vec<Record> =
                    writing.records.into_iter().map(|record| Record::Consumer { group: id.clone(), record }).collect();
                tell(&mut ctx, Some(&before), group);
                ctx.append(&id, &records, Then::ConsumerGroup { before: Some(before) });
            }
        }
    }

    /// What was not written did not happen, and neither did what was built upon it.
    pub(in crate::kafka::group) fn consumer_group_not_written(
        &mut self,
        number: i32,
        id: &Name,
        append: AppendId,
        before: Option<Arc<ConsumerGroup>>,
        error: ResponseError,
        out: &mut dyn GroupOut,
    ) {
        let later = self
            .pending
            .iter()
            .filter(|(at, pending)| **at > append && pending.group == *id && matches!(pending.then, Then::ConsumerGroup { .. }));
        let later: Vec<AppendId> = later.map(|(at, _)| *at).collect();
        for at in later {
            let pending = self.pending.remove(&at);
            self.answer(pending.and_then(|pending| pending.answer), Some(append_error(error)), out);
        }
        let Some(partition) = self.partitions.get_mut(&number) else { return };
        match before {
            Some(before) => drop(partition.consumer_groups.insert(id.clone(), before)),
            None => drop(partition.consumer_groups.remove(id)),
        }
    }
}

/// `consumerGroupLeave`.
fn leave(
    writing: &mut Writing,
    ctx: &mut Context,
    request: &ConsumerGroupHeartbeatRequest,
) -> Result<ConsumerGroupHeartbeatResponse, Refused> {
    let id = name(&request.member_id);
    if let Some(instance) = request.instance_id.as_deref() {
        match writing.group.static_member_id(instance) {
            None => return Err(unknown_member(&id, &writing.group.id)),
            Some(existing) if existing != id => return Err(fenced_instance(&id, instance, &existing)),
            Some(_) => {}
        }
    }
    if !writing.group.members.contains_key(&id) {
        return Err(unknown_member(&id, &writing.group.id));
    }
    match request.member_epoch {
        LEAVE_GROUP_STATIC_MEMBER_EPOCH => writing.static_leave(&id),
        _ => writing.fence(ctx, &id, Left::Closed),
    }
    let response = ConsumerGroupHeartbeatResponse::default().with_member_id(Some(request.member_id.clone()));
    Ok(response.with_member_epoch(request.member_epoch))
}

/// An event, if the group is in another state or epoch.
fn tell(ctx: &mut Context, before: Option<&ConsumerGroup>, group: &ConsumerGroup) {
    let (state, generation) = (group.state(), group.epoch);
    if before.is_none_or(|before| (before.state(), before.epoch) != (state, generation)) {
        ctx.emit(Event::GroupChanged { group: group.id.clone(), state, generation });
    }
}
