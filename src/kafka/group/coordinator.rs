//! Which groups are led here, and the way of requests, timers and finished appends to their group (`GroupCoordinatorService`).

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::offset_fetch_response::OffsetFetchResponseGroup;
use kafka_protocol::messages::*;

use super::classic_group::{ClassicGroup, Waiting};
use super::config::GroupConfig;
use super::consumer::describe::GROUP_TYPE;
use super::consumer::group::ConsumerGroup;
use super::delete::Deletions;
use super::join::{Join, refusal as join_refusal};
use super::load::load;
use super::out::{AppendId, ClientInfo, Context, GroupOut, Pending, Then, Token, append_error};
use super::{delete, describe, offsets, sync};
use crate::kafka::event::{Event, GroupState};
use crate::kafka::names::Name;
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::records::batch::Batch;
use crate::kafka::records::murmur2::coordinator_partition;
use crate::sim::time::Time;

/// The coordinator of all groups whose partition of `__consumer_offsets` this broker leads.
///
/// A clone shares the groups.
#[derive(Clone, Debug)]
pub struct GroupCoordinator {
    pub(super) config: GroupConfig,
    pub(super) partitions: BTreeMap<i32, Partition>,
    pub(super) pending: BTreeMap<AppendId, Pending>,
    deletions: Deletions,
    wake: Option<Time>,
}

/// A partition of `__consumer_offsets` that is led here.
#[derive(Clone, Debug, Default)]
pub(super) struct Partition {
    leader_epoch: i32,
    pub groups: BTreeMap<Name, Arc<ClassicGroup>>,
    /// Of the consumer protocol (KIP-848). An id is in one of the two at most.
    pub consumer_groups: BTreeMap<Name, Arc<ConsumerGroup>>,
}

impl GroupCoordinator {
    pub fn new(config: GroupConfig) -> GroupCoordinator {
        GroupCoordinator { config, partitions: BTreeMap::new(), pending: BTreeMap::new(), deletions: Deletions::default(), wake: None }
    }

    /// The partition of `__consumer_offsets` whose leader coordinates this group.
    pub fn partition_for(&self, group: &str) -> i32 {
        coordinator_partition(group, self.config.offsets_topic_num_partitions)
    }

    /// All groups of the classic protocol that are coordinated here, by partition and id.
    pub fn groups(&self) -> impl Iterator<Item = &ClassicGroup> {
        self.partitions.values().flat_map(|partition| partition.groups.values()).map(Arc::as_ref)
    }

    pub fn group(&self, id: &str) -> Option<&ClassicGroup> {
        self.partitions.get(&self.partition_for(id))?.groups.get(id).map(Arc::as_ref)
    }

    /// All groups of the consumer protocol that are coordinated here.
    pub fn consumer_groups(&self) -> impl Iterator<Item = &ConsumerGroup> {
        self.partitions.values().flat_map(|partition| partition.consumer_groups.values()).map(Arc::as_ref)
    }

    pub fn consumer_group(&self, id: &str) -> Option<&ConsumerGroup> {
        self.partitions.get(&self.partition_for(id))?.consumer_groups.get(id).map(Arc::as_ref)
    }

    /// When [`GroupCoordinator::poll`] is due. Sooner is harmless.
    pub fn next_wake(&self) -> Option<Time> {
        self.wake
    }

    /// The broker became leader of this partition of `__consumer_offsets`; `log` is all of it up to the high watermark.
    ///
    /// Kafka reads the log in the background and answers COORDINATOR_LOAD_IN_PROGRESS meanwhile. Until the broker calls this, the answer
    /// here is NOT_COORDINATOR, which clients take the same way: they ask again.
    pub fn elected(&mut self, partition: i32, leader_epoch: i32, log: impl Iterator<Item = Batch>, now: Time, out: &mut dyn GroupOut) {
        if let Some(known) = self.partitions.get_mut(&partition)
            && known.leader_epoch < leader_epoch
        {
            // Led already: nobody else has written in between.
            known.leader_epoch = leader_epoch;
            return;
        }
        self.resigned(partition, out);
        let loaded = load(log, now, &self.config);
        self.partitions.insert(partition, Partition { leader_epoch, groups: loaded.classic, consumer_groups: loaded.consumer });
        self.schedule();
    }

    /// The broker no longer leads this partition: whoever waits is sent away, and its groups are forgotten here.
    #[inline(never)]
    pub fn resigned(&mut self, partition: i32, out: &mut dyn GroupOut) {
        let gone: Vec<AppendId> = self.pending.iter().filter(|(_, pending)| pending.partition == partition).map(|(id, _)| *id).collect();
        for id in gone {
            let Some(pending) = self.pending.remove(&id) else { continue };
            if let Some((token, answer)) = pending.answer {
                out.respond(token, failed(answer, ResponseError::NotCoordinator));
            }
            if let Then::DeleteGroup { token, at, .. } | Then::DeleteConsumerGroup { token, at, .. } = pending.then {
                self.deletions.ended(token, at, Some(ResponseError::NotCoordinator), out);
            }
        }
        for group in self.partitions.remove(&partition).map(|partition| partition.groups).unwrap_or_default().into_values() {
            for (token, waiting) in Arc::unwrap_or_clone(group).take_waiting() {
                let error = ResponseError::NotCoordinator;
                let response = match waiting {
                    Waiting::Join { member } => Response::JoinGroup(join_refusal(&member, error)),
                    Waiting::Sync => Response::SyncGroup(sync::refusal(error)),
                };
                out.respond(token, response);
            }
        }
        self.schedule();
    }

    /// A group request. The answer comes at once or later through [`GroupOut::respond`]. Requests of other APIs are not answered.
    pub fn handle(&mut self, now: Time, token: Token, client: ClientInfo, version: i16, request: &Request, out: &mut dyn GroupOut) {
        match request {
            Request::JoinGroup(request) => self.join(now, Join::new(token, version, &client, request), out),
            Request::SyncGroup(request) => match self.existing(now, &request.group_id, out) {
                Ok((group, mut ctx)) => group.sync(&mut ctx, token, request),
                Err(error) => out.respond(token, sync::refusal(error).into()),
            },
            Request::Heartbeat(request) => {
                let outcome = self.existing(now, &request.group_id, out).and_then(|(group, ctx)| group.heartbeat(ctx.now, request));
                let error = outcome.err().map_or(0, |error| error.code());
                out.respond(token, HeartbeatResponse::default().with_error_code(error).into());
            }
            Request::LeaveGroup(request) => match self.existing(now, &request.group_id, out) {
                Ok((group, mut ctx)) => group.leave(&mut ctx, token, version, request),
                Err(error) => out.respond(token, LeaveGroupResponse::default().with_error_code(error.code()).into()),
            },
            Request::OffsetCommit(request) => self.offset_commit(now, token, version, request, out),
            Request::OffsetFetch(request) => out.respond(token, self.offset_fetch(request).into()),
            Request::DescribeGroups(request) => out.respond(token, self.describe_groups(version, request).into()),
            Request::OffsetDelete(request) => self.delete_offsets(now, token, request, out),
            Request::DeleteGroups(request) => self.delete_groups(now, token, request, out),
            Request::ListGroups(request) => out.respond(token, self.list_groups(request).into()),
            Request::ConsumerGroupHeartbeat(request) => self.consumer_group_heartbeat(now, token, &client, request, out),
            Request::ConsumerGroupDescribe(request) => {
                let response = self.consumer_group_describe(request, out);
                out.respond(token, response.into());
            }
            _ => debug_assert!(false, "{:?} is no group request", request.api()),
        }
        self.schedule();
    }

    /// What became of an append: committed (the high watermark has passed it), or failed with this error code.
    pub fn appended(&mut self, now: Time, append: AppendId, result: Result<(), i16>, out: &mut dyn GroupOut) {
        // Unknown if the partition was resigned meanwhile.
        let Some(pending) = self.pending.remove(&append) else { return };
        let error = result.err().map(ResponseError::try_from_code).map(|error| error.unwrap_or(ResponseError::UnknownServerError));
        let Some(partition) = self.partitions.get_mut(&pending.partition) else { return };
        // What nobody confirmed in time is in the log all the same: the state stays as the log tells it (`CoordinatorRuntime`, writeTimeout).
        let is_undone = error.is_some_and(|error| !is_in_the_log(error));
        if let Then::DeleteGroup { token, at, group } = pending.then {
            if is_undone {
                partition.groups.entry(pending.group.clone()).or_insert(group);
            }
            self.deletions.ended(token, at, error.map(append_error), out);
            return self.schedule();
        }
        if let Then::DeleteConsumerGroup { token, at, group } = pending.then {
            if is_undone {
                partition.consumer_groups.entry(pending.group.clone()).or_insert(group);
            }
            self.deletions.ended(token, at, error.map(append_error), out);
            return self.schedule();
        }
        if let Then::ConsumerGroup { before } = pending.then {
            if let Some(error) = error.filter(|_| is_undone) {
                self.consumer_group_not_written(pending.partition, &pending.group, append, before, error, out);
            }
            self.answer(pending.answer, error, out);
            return self.schedule();
        }
        let failed_to_create = matches!(pending.then, Then::Created) && error.is_some();
        if let Some(group) = partition.consumer_groups.get_mut(&pending.group) {
            let group = Arc::make_mut(group);
            let mut ctx = Context { now, config: &self.config, partition: pending.partition, out, pending: &mut self.pending };
            match pending.then {
                Then::Commit { offsets } if error.is_none() => offsets::offsets_stored(&mut ctx, &group.id, &mut group.offsets, offsets),
                Then::DeleteOffsets { partitions } if error.is_none() => {
                    partitions.iter().for_each(|partition| drop(group.offsets.remove(partition)));
                }
                _ => {}
            }
        } else if let Some(group) = partition.groups.get_mut(&pending.group) {
            let group = Arc::make_mut(group);
            let mut ctx = Context { now, config: &self.config, partition: pending.partition, out, pending: &mut self.pending };
            match pending.then {
                Then::Created | Then::Nothing => {}
                Then::DeleteGroup { .. } | Then::DeleteConsumerGroup { .. } | Then::ConsumerGroup { .. } => {}
                Then::Assign { generation, assignments } => group.assignment_stored(&mut ctx, generation, assignments, error),
                Then::StaticMember { old, new_id } => group.static_member_stored(&mut ctx, *old, &new_id, error),
                Then::Commit { offsets } if error.is_none() => offsets::offsets_stored(&mut ctx, &group.id, &mut group.offsets, offsets),
                Then::DeleteOffsets { partitions } if error.is_none() => {
                    partitions.iter().for_each(|partition| drop(group.offsets.remove(partition)));
                }
                Then::Commit { .. } | Then::DeleteOffsets { .. } => {}
            }
            if failed_to_create && group.members.is_empty() && group.offsets.is_empty() {
                partition.groups.remove(&pending.group);
            }
        }
        self.answer(pending.answer, error, out);
        self.schedule();
    }

    /// The answer that waited for an append, or its API's error.
    pub(super) fn answer(&self, answer: Option<(Token, Response)>, error: Option<ResponseError>, out: &mut dyn GroupOut) {
        if let Some((token, answer)) = answer {
            let answer = match error {
                Some(error) => failed(answer, append_error(error)),
                None => answer,
            };
            out.respond(token, answer);
        }
    }

    /// Timers: sessions, rebalances.
    pub fn poll(&mut self, now: Time, out: &mut dyn GroupOut) {
        if self.wake.is_none_or(|at| at > now) {
            return;
        }
        for (&number, partition) in &mut self.partitions {
            for group in partition.groups.values_mut().filter(|group| group.next_wake().is_some_and(|at| at <= now)) {
                let mut ctx = Context { now, config: &self.config, partition: number, out, pending: &mut self.pending };
                Arc::make_mut(group).poll(&mut ctx);
            }
        }
        self.poll_consumer_groups(now, out);
        self.schedule();
    }

    fn schedule(&mut self) {
        let consumer = self.consumer_groups().filter_map(ConsumerGroup::next_wake);
        self.wake = self.groups().filter_map(ClassicGroup::next_wake).chain(consumer).min();
    }

    /// `classicGroupJoin`.
    fn join(&mut self, now: Time, join: Join, out: &mut dyn GroupOut) {
        let request = join.request;
        let member_id = request.member_id.as_str();
        if let Err(error) = self.led(&request.group_id) {
            return out.respond(join.token, join_refusal(member_id, error).into());
        }
        let session = request.session_timeout_ms.max(0) as u64;
        if session < self.config.min_session_timeout.as_ms() || session > self.config.max_session_timeout.as_ms() {
            return out.respond(join.token, join_refusal("", ResponseError::InvalidSessionTimeout).into());
        }
        if let Err(error) = self.become_classic(now, &request.group_id, out) {
            return out.respond(join.token, join_refusal(member_id, error).into());
        }
        let is_new = self.group(&request.group_id).is_none();
        if is_new && !member_id.is_empty() {
            return out.respond(join.token, join_refusal(member_id, ResponseError::UnknownMemberId).into());
        }
        let (group, mut ctx) = self.get_or_create(now, &request.group_id, out);
        group.join(&mut ctx, &join);
        if is_new {
            // A new group is written at once, though it has nothing to say yet.
            let record = ClassicGroup::new(group.id.clone(), now).metadata_record(&BTreeMap::new());
            ctx.append(&group.id, &[record], Then::Created);
        }
    }

    fn offset_commit(&mut self, now: Time, token: Token, version: i16, request: &OffsetCommitRequest, out: &mut dyn GroupOut) {
        let refused = match self.led(&request.group_id) {
            Err(error) => Some(error),
            Ok(number) if self.consumer_group(&request.group_id).is_some() => {
                return self.consumer_group_commit(now, token, number, request, out);
            }
            Ok(_) if self.group(&request.group_id).is_some() => None,
            Ok(_) => offsets::commit_without_group(version, request),
        };
        match refused {
            Some(error) => out.respond(token, offsets::refusal(request, error).into()),
            None => {
                let (group, mut ctx) = self.get_or_create(now, &request.group_id, out);
                group.commit_offset(&mut ctx, token, request);
            }
        }
    }

    fn offset_fetch(&self, request: &OffsetFetchRequest) -> OffsetFetchResponse {
        let fetch = |asked: &OffsetFetchRequestGroup| match self.led(&asked.group_id) {
            Ok(_) => offsets::fetch_offsets(self.offsets(&asked.group_id), asked),
            Err(error) => OffsetFetchResponseGroup::default().with_group_id(asked.group_id.clone()).with_error_code(error.code()),
        };
        OffsetFetchResponse::default().with_groups(request.groups.iter().map(fetch).collect())
    }

    fn offsets(&self, group: &str) -> Option<&offsets::Offsets> {
        let classic = self.group(group).map(|group| &group.offsets);
        classic.or_else(|| self.consumer_group(group).map(|group| &group.offsets))
    }

    #[inline(never)]
    fn describe_groups(&self, version: i16, request: &DescribeGroupsRequest) -> DescribeGroupsResponse {
        let describe = |id: &GroupId| match self.led(id) {
            Ok(_) if self.consumer_group(id).is_some() => describe::not_classic(version, id),
            Ok(_) => self.group(id).map_or_else(|| describe::unknown(version, id), ClassicGroup::describe),
            Err(error) => describe::refusal(id, error),
        };
        DescribeGroupsResponse::default().with_groups(request.groups.iter().map(describe).collect())
    }

    #[inline(never)]
    fn list_groups(&self, request: &ListGroupsRequest) -> ListGroupsResponse {
        let mut groups: Vec<_> = self.groups().filter_map(|group| group.list(request)).collect();
        let wanted = |group: &&ConsumerGroup| describe::is_wanted(request, group.state().as_str(), GROUP_TYPE);
        groups.extend(self.consumer_groups().filter(wanted).map(ConsumerGroup::list));
        ListGroupsResponse::default().with_groups(groups)
    }

    /// DeleteGroups: each group by itself; the answer comes when all are written.
    #[inline(never)]
    fn delete_groups(&mut self, now: Time, token: Token, request: &DeleteGroupsRequest, out: &mut dyn GroupOut) {
        self.deletions.begin(token, request);
        for (at, id) in request.groups_names.iter().enumerate() {
            if let Err(error) = self.delete_group(now, token, at, id, out) {
                self.deletions.ended(token, at, Some(error), out);
            }
        }
        self.deletions.answer_if_done(token, out);
    }

    fn delete_group(&mut self, now: Time, token: Token, at: usize, id: &str, out: &mut dyn GroupOut) -> Result<(), ResponseError> {
        let number = self.led(id)?;
        let partition = self.partitions.get_mut(&number).ok_or(ResponseError::NotCoordinator)?;
        if let Some(group) = partition.consumer_groups.get(id) {
            group.validate_delete()?;
            let Some(group) = partition.consumer_groups.remove(id) else { return Ok(()) };
            let records = delete::consumer_tombstones(&group);
            let mut ctx = Context { now, config: &self.config, partition: number, out, pending: &mut self.pending };
            ctx.emit(Event::GroupChanged { group: group.id.clone(), state: GroupState::Dead, generation: group.epoch });
            ctx.append(&group.id.clone(), &records, Then::DeleteConsumerGroup { token, at, group });
            return Ok(());
        }
        let group = partition.groups.get(id).ok_or(ResponseError::GroupIdNotFound)?;
        group.validate_delete()?;
        // Gone at once for whoever asks next, as Kafka applies a record when it writes it.
        let group = partition.groups.remove(id).ok_or(ResponseError::GroupIdNotFound)?;
        let records = delete::tombstones(&group);
        let mut ctx = Context { now, config: &self.config, partition: number, out, pending: &mut self.pending };
        ctx.emit(Event::GroupChanged { group: group.id.clone(), state: GroupState::Dead, generation: group.generation });
        ctx.append(&group.id.clone(), &records, Then::DeleteGroup { token, at, group });
        Ok(())
    }

    #[inline(never)]
    fn delete_offsets(&mut self, now: Time, token: Token, request: &OffsetDeleteRequest, out: &mut dyn GroupOut) {
        if let Ok(number) = self.led(&request.group_id)
            && let Some(group) = self.partitions.get_mut(&number).and_then(|led| led.consumer_groups.get_mut(request.group_id.as_str()))
        {
            let mut ctx = Context { now, config: &self.config, partition: number, out, pending: &mut self.pending };
            return Arc::make_mut(group).delete_offsets(&mut ctx, token, request);
        }
        let found = self.led(&request.group_id).and_then(|number| {
            let partition = self.partitions.get_mut(&number).ok_or(ResponseError::NotCoordinator)?;
            let group = partition.groups.get_mut(request.group_id.as_str()).ok_or(ResponseError::GroupIdNotFound)?;
            group.validate_offset_delete()?;
            Ok((number, Arc::make_mut(group)))
        });
        match found {
            Err(error) => out.respond(token, OffsetDeleteResponse::default().with_error_code(error.code()).into()),
            Ok((number, group)) => {
                let mut ctx = Context { now, config: &self.config, partition: number, out, pending: &mut self.pending };
                group.delete_offsets(&mut ctx, token, request);
            }
        }
    }

    /// The partition of a group, if it is led here and the group has a name.
    pub(super) fn led(&self, group: &str) -> Result<i32, ResponseError> {
        let partition = self.partition_for(group);
        match group {
            "" => Err(ResponseError::InvalidGroupId),
            _ if self.partitions.contains_key(&partition) => Ok(partition),
            _ => Err(ResponseError::NotCoordinator),
        }
    }

    /// A group that must exist for a member to be in it.
    fn existing<'a>(
        &'a mut self,
        now: Time,
        group: &str,
        out: &'a mut dyn GroupOut,
    ) -> Result<(&'a mut ClassicGroup, Context<'a>), ResponseError> {
        let number = self.led(group)?;
        let partition = self.partitions.get_mut(&number).ok_or(ResponseError::NotCoordinator)?;
        let group =
            partition.groups.get_mut(group).filter(|group| group.state != GroupState::Dead).ok_or(ResponseError::UnknownMemberId)?;
        Ok((Arc::make_mut(group), Context { now, config: &self.config, partition: number, out, pending: &mut self.pending }))
    }

    /// `getOrMaybeCreateClassicGroup`. The partition must be led here.
    fn get_or_create<'a>(&'a mut self, now: Time, group: &str, out: &'a mut dyn GroupOut) -> (&'a mut ClassicGroup, Context<'a>) {
        let number = self.partition_for(group);
        let partition = self.partitions.entry(number).or_default();
        let id = Name::from(group);
        let group = partition.groups.entry(id.clone()).or_insert_with(|| Arc::new(ClassicGroup::new(id, now)));
        (Arc::make_mut(group), Context { now, config: &self.config, partition: number, out, pending: &mut self.pending })
    }
}

/// Whether an append that failed with this was appended here, and is only not known to be committed.
fn is_in_the_log(error: ResponseError) -> bool {
    matches!(error, ResponseError::RequestTimedOut | ResponseError::NotEnoughReplicasAfterAppend)
}

/// The answer that would have been given, turned into its API's error.
fn failed(answer: Response, error: ResponseError) -> Response {
    let code = error.code();
    match answer {
        Response::OffsetCommit(mut response) => {
            for partition in
                response.topics.iter_mut().flat_map(|topic| &mut topic.partitions).filter(|partition| partition.error_code == 0)
            {
                partition.error_code = code;
            }
            response.into()
        }
        Response::ConsumerGroupHeartbeat(_) => ConsumerGroupHeartbeatResponse::default().with_error_code(code).into(),
        Response::OffsetDelete(_) => OffsetDeleteResponse::default().with_error_code(code).into(),
        Response::LeaveGroup(_) => LeaveGroupResponse::default().with_error_code(code).into(),
        other => {
            debug_assert!(false, "{:?} does not wait for an append", other.api());
            other
        }
    }
}
