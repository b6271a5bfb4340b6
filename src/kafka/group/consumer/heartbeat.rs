//! ConsumerGroupHeartbeat (`GroupMetadataManager.consumerGroupHeartbeat`): joins, tells what changed, is told what to have.

use std::collections::BTreeSet;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use uuid::Uuid;

use super::assignment::{self, Partitions};
use super::assignor::ServerAssignor;
use super::current_assignment::{Current, MemberState, Step};
use super::group::{ConsumerGroup, LEAVE_GROUP_STATIC_MEMBER_EPOCH};
use super::record::{ConsumerRecord, MemberMetadata};
use crate::kafka::event::{Event, Left};
use crate::kafka::group::out::{ClientInfo, Context, name, str_bytes};
use crate::kafka::names::Name;
use crate::sim::process::Absent;
use crate::sim::time::Duration;

/// Why a heartbeat is refused; the message goes to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub error: ResponseError,
    pub message: Option<String>,
}

impl Refused {
    pub fn new(error: ResponseError, message: impl Into<String>) -> Refused {
        Refused { error, message: Some(message.into()) }
    }

    pub fn response(self) -> ConsumerGroupHeartbeatResponse {
        let message = self.message.map(|message| str_bytes(&message));
        ConsumerGroupHeartbeatResponse::default().with_error_code(self.error.code()).with_error_message(message)
    }
}

impl From<ResponseError> for Refused {
    fn from(error: ResponseError) -> Refused {
        Refused { error, message: None }
    }
}

/// A group's records as they are written: each counts at once, as in Kafka, and the answer waits until they are committed.
pub(in crate::kafka::group) struct Writing<'a> {
    pub group: &'a mut ConsumerGroup,
    pub records: Vec<ConsumerRecord>,
}

/// `throwIfConsumerGroupHeartbeatRequestIsInvalid`.
pub(in crate::kafka::group) fn validate(request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refused> {
    let invalid = |message: &str| Err(Refused::new(ResponseError::InvalidRequest, message));
    if request.group_id.trim().is_empty() {
        return invalid("GroupId can't be empty.");
    }
    if request.member_id.is_empty() {
        return invalid("MemberId can't be empty.");
    }
    if request.instance_id.as_ref().is_some_and(|id| id.is_empty()) {
        return invalid("InstanceId can't be empty.");
    }
    match request.member_epoch {
        0 if request.rebalance_timeout_ms == -1 => return invalid("RebalanceTimeoutMs must be provided in first request."),
        0 if request.topic_partitions.as_ref().is_none_or(|owned| !owned.is_empty()) => {
            return invalid("TopicPartitions must be empty when (re-)joining.");
        }
        0 if request.subscribed_topic_names.is_none() && request.subscribed_topic_regex.is_none() => {
            return invalid("Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.");
        }
        LEAVE_GROUP_STATIC_MEMBER_EPOCH if request.instance_id.is_none() => {
            return invalid("InstanceId can't be null when leaving the group as a static member.");
        }
        epoch if epoch < LEAVE_GROUP_STATIC_MEMBER_EPOCH => return invalid(&format!("MemberEpoch is invalid: {epoch}.")),
        _ => {}
    }
    let Some(assignor) = request.server_assignor.as_deref().filter(|name| ServerAssignor::from_name(name).is_none()) else { return Ok(()) };
    let known = ServerAssignor::ALL.map(ServerAssignor::name).join(", ");
    Err(Refused::new(
        ResponseError::UnsupportedAssignor,
        format!("ServerAssignor {assignor} is not supported. Supported assignors: {known}."),
    ))
}

impl Writing<'_> {
    pub(super) fn write(&mut self, record: ConsumerRecord) {
        self.group.replay(record.clone());
        self.records.push(record);
    }

    /// A heartbeat of a member that stays; what it is answered once the records are committed.
    pub fn heartbeat(
        &mut self,
        ctx: &mut Context,
        client: &ClientInfo,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refused> {
        let id = name(&request.member_id);
        let owned = request.topic_partitions.as_ref().map(|owned| assignment::owned(owned));
        let before = self.get_or_subscribe(ctx, &id, request, owned.as_ref())?;
        let changed = self.update_metadata(ctx, &id, client, request);
        let hash = self.compute_metadata_hash(ctx);
        if changed || hash != self.group.metadata_hash {
            self.write(ConsumerRecord::Group(Some((self.group.epoch + 1, hash))));
        }
        if self.group.epoch > self.group.target_epoch {
            self.maybe_update_target_assignment(ctx);
        }
        self.maybe_reconcile(ctx, &id, changed, owned.as_ref());
        let group = self.group.id.clone();
        let session = ctx.group_duration(&group, "consumer.session.timeout.ms", ctx.config.consumer_session_timeout);
        let interval = ctx.group_duration(&group, "consumer.heartbeat.interval.ms", ctx.config.consumer_heartbeat_interval);
        let Some(member) = self.group.members.get_mut(&id) else { return Err(ResponseError::UnknownMemberId.into()) };
        member.session_ends = Some(ctx.now + session);
        let full = request.rebalance_timeout_ms != -1 && request.subscribed_topic_names.is_some() && owned.is_some();
        let told = request.member_epoch == 0 || full || !assignment::same(&before.assigned, &member.current.assigned);
        let response = ConsumerGroupHeartbeatResponse::default()
            .with_member_id(Some(request.member_id.clone()))
            .with_member_epoch(member.current.epoch)
            .with_heartbeat_interval_ms(interval.as_ms() as i32);
        Ok(response.with_assignment(told.then(|| assignment::answered(&member.current.assigned))))
    }

    /// `getOrMaybeSubscribe{Dynamic,Static}ConsumerMember`: what the member had before.
    fn get_or_subscribe(
        &mut self,
        ctx: &mut Context,
        id: &Name,
        request: &ConsumerGroupHeartbeatRequest,
        owned: Option<&Partitions>,
    ) -> Result<Current, Refused> {
        let joins = request.member_epoch == 0;
        if let Some(instance) = request.instance_id.as_deref() {
            match self.group.static_member_id(instance) {
                None if !joins => return Err(unknown_member(id, &self.group.id)),
                Some(existing) if existing != *id && joins => self.replace_static_member(ctx, &existing, id, instance)?,
                Some(existing) if existing != *id => return Err(fenced_instance(id, instance, &existing)),
                _ => {}
            }
        } else if !joins && !self.group.members.contains_key(id) {
            return Err(unknown_member(id, &self.group.id));
        }
        let Some(member) = self.group.members.get(id) else {
            // `throwIfConsumerGroupIsFull`
            if self.group.members.len() >= ctx.config.consumer_max_size {
                let message = format!("The consumer group has reached its maximum capacity of {} members.", ctx.config.consumer_max_size);
                return Err(Refused::new(ResponseError::GroupMaxSizeReached, message));
            }
            return Ok(Current::default());
        };
        let current = member.current.clone();
        if current.epoch == LEAVE_GROUP_STATIC_MEMBER_EPOCH && joins {
            return Ok(current);
        }
        validate_member_epoch(&current, request.member_epoch, owned)?;
        Ok(current)
    }

    /// `replaceMember`: a static member that left for a while is back under a new id, and gets what it had.
    fn replace_static_member(&mut self, ctx: &mut Context, old: &Name, new: &Name, instance: &str) -> Result<(), Refused> {
        let Some(member) = self.group.members.get(old).cloned() else { return Ok(()) };
        if member.current.epoch != LEAVE_GROUP_STATIC_MEMBER_EPOCH {
            let message = format!(
                "Static member {new} with instance id {instance} cannot join the group because the instance id is owned by {old} member."
            );
            return Err(Refused::new(ResponseError::UnreleasedInstanceId, message));
        }
        let target = self.group.target.get(old).cloned();
        self.remove_member(old);
        self.write(ConsumerRecord::Member { member: new.clone(), value: Some(member.metadata.clone()) });
        self.write(ConsumerRecord::Target { member: new.clone(), value: Some(target.unwrap_or_default()) });
        let current = Current { epoch: 0, ..member.current };
        self.write(ConsumerRecord::Current { member: new.clone(), value: Some(current) });
        ctx.emit(Event::MemberJoined { group: self.group.id.clone(), member: new.clone(), client: member.metadata.client_id });
        Ok(())
    }

    /// What the request says anew; whether the group has to be assigned anew for it.
    fn update_metadata(&mut self, ctx: &mut Context, id: &Name, client: &ClientInfo, request: &ConsumerGroupHeartbeatRequest) -> bool {
        let known = self.group.members.get(id).map(|member| member.metadata.clone());
        let mut metadata = known.clone().unwrap_or_default();
        metadata.instance_id = request.instance_id.as_ref().map(name).or(metadata.instance_id);
        metadata.rack_id = request.rack_id.as_ref().map(name).or(metadata.rack_id);
        metadata.server_assignor = request.server_assignor.as_ref().map(name).or(metadata.server_assignor);
        metadata.client_id = client.client_id.clone();
        metadata.client_host = client.client_host.clone();
        if request.rebalance_timeout_ms != -1 {
            metadata.rebalance_timeout_ms = request.rebalance_timeout_ms;
        }
        if let Some(names) = &request.subscribed_topic_names {
            metadata.subscribed_topic_names = names.iter().map(|topic| name(&topic.0)).collect();
            metadata.subscribed_topic_names.sort();
            metadata.subscribed_topic_names.dedup();
        }
        if known.as_ref() == Some(&metadata) {
            return false;
        }
        if known.is_none() {
            ctx.emit(Event::MemberJoined { group: self.group.id.clone(), member: id.clone(), client: metadata.client_id.clone() });
        }
        let before = known.unwrap_or_default();
        let changed =
            before.subscribed_topic_names != metadata.subscribed_topic_names || before.server_assignor != metadata.server_assignor;
        self.write(ConsumerRecord::Member { member: id.clone(), value: Some(metadata) });
        changed
    }

    /// One step of the member towards its target.
    fn maybe_reconcile(&mut self, ctx: &mut Context, id: &Name, subscription_changed: bool, owned: Option<&Partitions>) {
        let Some(member) = self.group.members.get(id) else { return };
        let nothing = Partitions::new();
        let subscribed: BTreeSet<Uuid> = subscribed(ctx, &member.metadata).into_iter().map(|(id, _)| id).collect();
        let step = Step {
            target_epoch: self.group.target_epoch,
            target: self.group.target.get(id).unwrap_or(&nothing),
            subscribed: &subscribed,
            subscription_changed,
            owned,
            is_held: &|topic, partition| self.group.is_held(topic, partition),
        };
        let next = member.current.next(&step);
        if next != member.current {
            self.write(ConsumerRecord::Current { member: id.clone(), value: Some(next) });
            // `scheduleConsumerGroupRebalanceTimeout`
            if let Some(member) = self.group.members.get_mut(id) {
                let patience = Duration::ms(member.metadata.rebalance_timeout_ms.max(0) as u64);
                member.revocation_ends = (member.current.state == MemberState::UnrevokedPartitions).then_some(ctx.now + patience);
            }
        }
    }

    /// `consumerGroupFenceMember`: the member is gone, and the group has another epoch. The next heartbeat of whoever is left brings a new
    /// target.
    pub fn fence(&mut self, ctx: &mut Context, id: &Name, why: Left) {
        let host = self.group.members.get(id).map(|member| member.metadata.client_host.clone()).unwrap_or_default();
        self.remove_member(id);
        let hash = self.compute_metadata_hash(ctx);
        self.write(ConsumerRecord::Group(Some((self.group.epoch + 1, hash))));
        let absent = match why {
            Left::SessionExpired => vec![Absent::Host(host.trim_start_matches('/').to_owned())],
            Left::Closed | Left::RebalanceTimedOut => Vec::new(),
        };
        ctx.out.emit(Event::MemberLeft { group: self.group.id.clone(), member: id.clone(), why }, absent);
    }

    /// `consumerGroupStaticMemberGroupLeave`: it keeps its place until its session ends.
    pub fn static_leave(&mut self, id: &Name) {
        let Some(member) = self.group.members.get(id) else { return };
        let current = Current { epoch: LEAVE_GROUP_STATIC_MEMBER_EPOCH, revoking: Default::default(), ..member.current.clone() };
        self.write(ConsumerRecord::Current { member: id.clone(), value: Some(current) });
    }

    fn remove_member(&mut self, id: &Name) {
        self.write(ConsumerRecord::Current { member: id.clone(), value: None });
        self.write(ConsumerRecord::Target { member: id.clone(), value: None });
        self.write(ConsumerRecord::Member { member: id.clone(), value: None });
    }
}

/// Topics that a member wants and that there are, with their number of partitions, as Kafka's set of names gives them.
pub(super) fn subscribed(ctx: &mut Context, metadata: &MemberMetadata) -> Vec<(Uuid, i32)> {
    let mut names = metadata.subscribed_topic_names.clone();
    crate::kafka::group::hash_order::sort(&mut names, |name| name);
    names.iter().filter_map(|name| ctx.out.topic(name)).collect()
}

/// `throwIfConsumerGroupMemberEpochIsInvalid`: the epoch before is taken from a member that may not have heard of the newest.
fn validate_member_epoch(current: &Current, received: i32, owned: Option<&Partitions>) -> Result<(), Refused> {
    let (relation, known) = match received.cmp(&current.epoch) {
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Greater => ("greater", current.epoch),
        std::cmp::Ordering::Less => {
            let subset = owned.is_some_and(|owned| assignment::is_subset(owned, &current.assigned));
            if received == current.previous_epoch && subset {
                return Ok(());
            }
            ("smaller", current.epoch)
        }
    };
    let message = format!(
        "The consumer group member has a {relation} member epoch ({received}) than the one known by the group coordinator ({known}). The member must abandon all its partitions and rejoin."
    );
    Err(Refused::new(ResponseError::FencedMemberEpoch, message))
}

pub(in crate::kafka::group) fn unknown_member(id: &str, group: &str) -> Refused {
    Refused::new(ResponseError::UnknownMemberId, format!("Member {id} is not a member of group {group}."))
}

pub(in crate::kafka::group) fn fenced_instance(id: &str, instance: &str, existing: &str) -> Refused {
    let message = format!("Static member {id} with instance id {instance} was fenced by member {existing}.");
    Refused::new(ResponseError::FencedInstanceId, message)
}
