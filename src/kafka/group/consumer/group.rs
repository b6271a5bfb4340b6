//! `ConsumerGroup`: a group of the new protocol, as its records add up.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use uuid::Uuid;

use super::assignment::Partitions;
use super::assignor::ServerAssignor;
use super::current_assignment::{Current, MemberState};
use super::record::{ConsumerRecord, MemberMetadata};
use crate::kafka::event::{GroupState, Left};
use crate::kafka::group::config::GroupConfig;
use crate::kafka::group::hash_order;
use crate::kafka::group::offsets::CommittedOffset;
use crate::kafka::names::{Name, TopicPartition};
use crate::sim::time::{Duration, Time};

/// The epoch of a member that leaves, and of a static one that will be back.
pub const LEAVE_GROUP_MEMBER_EPOCH: i32 = -1;
pub const LEAVE_GROUP_STATIC_MEMBER_EPOCH: i32 = -2;

/// A member.
#[derive(Clone, Debug, Default)]
pub struct ConsumerMember {
    pub metadata: MemberMetadata,
    pub current: Current,
    /// When its session ends unless it is heard of.
    pub(in crate::kafka::group) session_ends: Option<Time>,
    /// Until when it may take to give partitions up.
    pub(in crate::kafka::group) revocation_ends: Option<Time>,
}

/// A group. See the module.
#[derive(Clone, Debug)]
pub struct ConsumerGroup {
    pub id: Name,
    /// Raised whenever members, their subscriptions or the topics change.
    pub epoch: i32,
    /// The epoch for which the target was computed.
    pub target_epoch: i32,
    pub(super) target_timestamp_ms: i64,
    /// Of what is known of the subscribed topics; 0 if nobody subscribes.
    pub(super) metadata_hash: i64,
    pub(super) members: BTreeMap<Name, ConsumerMember>,
    pub(super) target: BTreeMap<Name, Partitions>,
    pub(in crate::kafka::group) offsets: BTreeMap<TopicPartition, CommittedOffset>,
}

impl ConsumerGroup {
    /// Kafka counts epochs of a new group from 1; its first member brings it to 2.
    pub fn new(id: Name, offsets: BTreeMap<TopicPartition, CommittedOffset>) -> ConsumerGroup {
        ConsumerGroup {
            id,
            epoch: 1,
            target_epoch: 0,
            target_timestamp_ms: 0,
            metadata_hash: 0,
            members: BTreeMap::new(),
            target: BTreeMap::new(),
            offsets,
        }
    }

    /// The members, by id.
    pub fn members(&self) -> impl Iterator<Item = (&Name, &ConsumerMember)> {
        self.members.iter()
    }

    /// The committed offsets, by topic and partition.
    pub fn offsets(&self) -> impl Iterator<Item = (&TopicPartition, &CommittedOffset)> {
        self.offsets.iter()
    }

    /// What the target says that a member is to have.
    pub fn target_of(&self, member: &str) -> Option<&Partitions> {
        self.target.get(member)
    }

    /// `maybeUpdateGroupState`.
    pub fn state(&self) -> GroupState {
        let reconciled = |member: &ConsumerMember| member.current.state == MemberState::Stable && member.current.epoch == self.target_epoch;
        if self.members.is_empty() {
            GroupState::Empty
        } else if self.epoch > self.target_epoch {
            GroupState::Assigning
        } else if self.members.values().all(reconciled) {
            GroupState::Stable
        } else {
            GroupState::Reconciling
        }
    }

    /// Member ids in the order of Kafka's map.
    pub(super) fn member_ids(&self) -> Vec<Name> {
        let mut ids: Vec<Name> = self.members.keys().cloned().collect();
        hash_order::sort(&mut ids, |id| id);
        ids
    }

    pub(super) fn static_member_id(&self, instance_id: &str) -> Option<Name> {
        let found = self.members.iter().find(|(_, member)| member.metadata.instance_id.as_deref() == Some(instance_id));
        found.map(|(id, _)| id.clone())
    }

    /// Whether somebody has a partition, or has not given it up yet.
    pub(super) fn is_held(&self, topic: &Uuid, partition: i32) -> bool {
        let mut held = self.members.values().flat_map(|member| [&member.current.assigned, &member.current.revoking]);
        held.any(|held| held.get(topic).is_some_and(|partitions| partitions.contains_key(&partition)))
    }

    /// `preferredServerAssignor`: what most members wish; the broker's first one if nobody wishes any.
    pub fn assignor(&self) -> ServerAssignor {
        let wishes = self.members.values().filter_map(|member| member.metadata.server_assignor.as_deref());
        let wishes: Vec<ServerAssignor> = wishes.filter_map(ServerAssignor::from_name).collect();
        let votes = |assignor: &ServerAssignor| wishes.iter().filter(|wish| *wish == assignor).count();
        let mut best = ServerAssignor::Uniform;
        for assignor in ServerAssignor::ALL {
            if votes(&assignor) > votes(&best) {
                best = assignor;
            }
        }
        best
    }

    /// Members whose time is over, and why. If what follows from that cannot be written, it is over again at `retry`.
    pub(super) fn take_expired(&mut self, now: Time, retry: Time) -> Vec<(Name, Left)> {
        let mut expired = Vec::new();
        for id in self.member_ids() {
            let Some(member) = self.members.get_mut(&id) else { continue };
            let why = match (member.session_ends, member.revocation_ends) {
                (Some(at), _) if at <= now => Left::SessionExpired,
                (_, Some(at)) if at <= now => Left::RebalanceTimedOut,
                _ => continue,
            };
            for ends in [&mut member.session_ends, &mut member.revocation_ends].into_iter().flatten().filter(|ends| **ends <= now) {
                *ends = retry;
            }
            expired.push((id, why));
        }
        expired
    }

    /// When something here is due.
    pub(in crate::kafka::group) fn next_wake(&self) -> Option<Time> {
        self.members.values().flat_map(|member| [member.session_ends, member.revocation_ends]).flatten().min()
    }

    /// Read from the log by a new coordinator: everybody has a whole session to be heard of.
    pub(in crate::kafka::group) fn loaded(&mut self, now: Time, config: &GroupConfig) {
        for member in self.members.values_mut() {
            member.session_ends = Some(now + config.consumer_session_timeout);
            if member.current.state == MemberState::UnrevokedPartitions {
                let patience = Duration::ms(member.metadata.rebalance_timeout_ms.max(0) as u64);
                member.revocation_ends = Some(now + patience);
            }
        }
    }

    /// What a record changes.
    pub(in crate::kafka::group) fn replay(&mut self, record: ConsumerRecord) {
        match record {
            ConsumerRecord::Group(value) => (self.epoch, self.metadata_hash) = value.unwrap_or_default(),
            ConsumerRecord::TargetEpoch(value) => (self.target_epoch, self.target_timestamp_ms) = value.unwrap_or_default(),
            ConsumerRecord::Member { member, value: Some(value) } => self.members.entry(member).or_default().metadata = value,
            ConsumerRecord::Member { member, value: None } => drop(self.members.remove(&member)),
            ConsumerRecord::Target { member, value: Some(value) } => drop(self.target.insert(member, value)),
            ConsumerRecord::Target { member, value: None } => drop(self.target.remove(&member)),
            ConsumerRecord::Current { member, value } => {
                if let Some(member) = self.members.get_mut(&member) {
                    member.current = value.unwrap_or_default();
                }
            }
        }
    }

    /// Whether this member may commit in this epoch. One that has not heard of its newest epoch may, for partitions that it had then
    /// (KIP-1251).
    pub(in crate::kafka::group) fn validate_commit(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
        epoch: i32,
        asked: &[(Uuid, i32)],
    ) -> Result<(), ResponseError> {
        if epoch < 0 && self.members.is_empty() {
            return Ok(());
        }
        let member = self.members.get(member_id).ok_or(ResponseError::UnknownMemberId)?;
        if instance_id.is_some_and(|instance| self.static_member_id(instance).as_deref() != Some(member_id)) {
            return Err(ResponseError::FencedInstanceId);
        }
        let had = |(topic, partition): &(Uuid, i32)| {
            member.current.assigned.get(topic).and_then(|held| held.get(partition)).is_some_and(|since| *since <= epoch)
        };
        let known = epoch == member.current.epoch || (0..member.current.epoch).contains(&epoch) && asked.iter().all(had);
        if known { Ok(()) } else { Err(ResponseError::StaleMemberEpoch) }
    }
}
