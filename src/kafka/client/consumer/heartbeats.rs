//! Membership by the consumer protocol (KIP-848; `ConsumerMembershipManager`, `ConsumerHeartbeatRequestManager`): the coordinator computes
//! who reads what; a member only says in heartbeats what it wants and what it has, and follows.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;
use kafka_protocol::ResponseError::*;
use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::consumer_group_heartbeat_response::Assignment;
use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, GroupId, TopicName};
use uuid::{Builder, Uuid};

use super::commit::CommitKind;
use super::config::ConsumerConfig;
use super::kafka_consumer::{Closing, KafkaConsumer, Token};
use super::membership::{Membership, str_bytes};
use super::subscription::{Subscriptions, Wanted};
use crate::kafka::actor::Outbox;
use crate::kafka::client::error::ClientError;
use crate::kafka::client::network::Outgoing;
use crate::kafka::event::Event;
use crate::kafka::names::{Name, TopicPartition, uuid_text};
use crate::kafka::protocol::api::Response;
use crate::kafka::protocol::errors;
use crate::sim::time::{Duration, Time};

const JOIN_GROUP_MEMBER_EPOCH: i32 = 0;
const LEAVE_GROUP_MEMBER_EPOCH: i32 = -1;
const LEAVE_GROUP_STATIC_MEMBER_EPOCH: i32 = -2;

/// What a member of the consumer protocol remembers besides coordinator, id and epoch.
#[derive(Clone, Debug)]
pub(super) struct Heartbeats {
    /// It is in the group, or wants to be.
    active: bool,
    /// As the coordinator said.
    interval: Duration,
    next: Time,
    in_flight: bool,
    /// What this member has, as of the last assignment that it has carried out (`AbstractMembershipManager.currentAssignment`).
    current: Owned,
    /// What the coordinator was told last (`SentFields`): what has not changed is not said again. Nothing, after a heartbeat that failed: then
    /// all is said, and all is answered.
    told: Option<Told>,
    /// What the coordinator says that this member is to have, until it has it.
    target: Option<Owned>,
}

#[derive(Clone, Debug)]
struct Told {
    topics: Vec<Name>,
    owned: Owned,
}

/// Partitions by topic id.
type Owned = BTreeMap<Uuid, BTreeSet<i32>>;

impl Heartbeats {
    pub fn new() -> Heartbeats {
        Heartbeats {
            active: false,
            interval: Duration::default(),
            next: Time::ZERO,
            in_flight: false,
            current: Owned::new(),
            told: None,
            target: None,
        }
    }

    /// When the background has something to do.
    pub fn wake(&self, retry_at: Time) -> Option<Time> {
        (self.active && !self.in_flight).then_some(self.next.max(retry_at))
    }

    pub fn is_active(&self) -> bool {
        self.active
    }

    /// It begins anew, as nobody in particular.
    fn forget(&mut self, now: Time) {
        self.current.clear();
        self.told = None;
        self.target = None;
        self.next = now;
    }
}

impl KafkaConsumer {
    /// In the application's poll: joins if it wants to, and does what the last assignment asks for.
    pub(super) fn poll_heartbeats(&mut self, now: Time, out: &mut Outbox) {
        if let Some((_, heartbeats)) = self.heartbeats_mut()
            && !heartbeats.active
        {
            heartbeats.active = true;
            heartbeats.next = now;
        }
        self.maybe_reconcile(now, out);
    }

    /// The background: a heartbeat if it is time, or if there is something to say.
    pub(super) fn send_heartbeat(&mut self, now: Time, out: &mut Outbox) {
        let Some(membership) = &mut self.membership else { return };
        let Some(node) = membership.coordinator_node().filter(|_| membership.retry_at <= now) else { return };
        let epoch = membership.epoch();
        let group = membership.group().clone();
        // Members name themselves, once and for all.
        let member_id = membership.member_id_or(|| uuid_text(Builder::from_random_bytes(out.rng().bytes16()).into_uuid()));
        let Some(heartbeats) = self.heartbeats.as_mut().filter(|heartbeats| heartbeats.active && !heartbeats.in_flight) else { return };
        // `HeartbeatState.buildRequestData`
        let told = heartbeats.told.as_ref().filter(|_| epoch != JOIN_GROUP_MEMBER_EPOCH);
        let says_owned = told.is_none_or(|told| told.owned != heartbeats.current);
        let acknowledges = told.is_some() && says_owned;
        if (heartbeats.next > now && !acknowledges) || !self.client.ready(now, node, out) {
            return;
        }
        let topics = wanted(&self.subscriptions);
        let says_topics = told.is_none_or(|told| told.topics != topics);
        let assignor = self.config.group_remote_assignor.as_deref().filter(|_| told.is_none());
        let request = heartbeat(&group, &member_id, epoch, &self.config)
            .with_rebalance_timeout_ms(if told.is_none() { self.config.max_poll_interval.as_ms() as i32 } else { -1 })
            .with_subscribed_topic_names(says_topics.then(|| topics.iter().map(|topic| TopicName(str_bytes(topic))).collect()))
            .with_server_assignor(assignor.map(str_bytes))
            .with_topic_partitions(says_owned.then(|| said(&heartbeats.current)));
        if self.client.send(now, node, Outgoing::new(request), Token::ConsumerHeartbeat { epoch }, out).is_ok() {
            heartbeats.in_flight = true;
            heartbeats.told = Some(Told { topics, owned: heartbeats.current.clone() });
            heartbeats.next = now + heartbeats.interval.max(self.config.retry.initial);
        }
    }

    /// Says good-bye; a static member says that it will be back. Returns whether an answer is to be awaited.
    pub(super) fn leave_by_heartbeat(&mut self, now: Time, out: &mut Outbox) -> bool {
        let Some(membership) = &mut self.membership else { return false };
        let Some(node) = membership.coordinator_node() else { return false };
        let (group, member_id, epoch) = (membership.group().clone(), membership.member_id().clone(), membership.epoch());
        if let Some(heartbeats) = &mut self.heartbeats {
            heartbeats.active = false;
            heartbeats.forget(now);
        }
        if epoch <= JOIN_GROUP_MEMBER_EPOCH || !self.client.ready(now, node, out) {
            return false;
        }
        let farewell = if self.config.group_instance_id.is_some() { LEAVE_GROUP_STATIC_MEMBER_EPOCH } else { LEAVE_GROUP_MEMBER_EPOCH };
        let request = heartbeat(&group, &member_id, farewell, &self.config);
        self.client.send(now, node, Outgoing::new(request), Token::LeaveGroup, out).is_ok()
    }

    /// `ConsumerHeartbeatRequestManager.onResponse`.
    pub(super) fn consumer_heartbeat_answered(&mut self, now: Time, epoch: i32, response: Option<Response>) {
        let Some((membership, heartbeats)) = self.membership.as_mut().zip(self.heartbeats.as_mut()) else { return };
        heartbeats.in_flight = false;
        let Some(Response::ConsumerGroupHeartbeat(response)) = response else {
            // What was said may not have been heard.
            heartbeats.told = None;
            heartbeats.next = now + self.config.retry.initial;
            return;
        };
        if !heartbeats.active || epoch != membership.epoch() {
            return;
        }
        if response.error_code != errors::NONE {
            return self.heartbeat_refused(now, &response);
        }
        heartbeats.interval = Duration::ms(response.heartbeat_interval_ms.max(0) as u64);
        heartbeats.next = now + heartbeats.interval;
        if let Some(assignment) = &response.assignment {
            heartbeats.target = Some(assigned(assignment));
        }
        self.in_epoch(now, response.member_epoch);
    }

    fn in_epoch(&mut self, now: Time, epoch: i32) {
        if let Some(membership) = &mut self.membership {
            membership.set_epoch(epoch, now + self.config.auto_commit_interval);
        }
    }

    fn heartbeat_refused(&mut self, now: Time, response: &ConsumerGroupHeartbeatResponse) {
        match ResponseError::try_from_code(response.error_code).unwrap_or(UnknownServerError) {
            FencedMemberEpoch | UnknownMemberId => self.fenced(now),
            error @ (NotCoordinator | CoordinatorNotAvailable | CoordinatorLoadInProgress) => {
                let Some((membership, heartbeats)) = self.membership.as_mut().zip(self.heartbeats.as_mut()) else { return };
                heartbeats.told = None;
                heartbeats.next = now + self.config.retry.initial;
                if error != CoordinatorLoadInProgress {
                    membership.coordinator_unknown(now, &self.config);
                }
            }
            error => {
                self.fenced(now);
                if let Some(heartbeats) = &mut self.heartbeats {
                    heartbeats.active = false;
                }
                self.error = Some(ClientError::of_code(error.code(), response.error_message.as_deref()));
            }
        }
    }

    /// `transitionToFenced`: the group goes on without this member, which has lost all its partitions and joins again under the same id.
    pub(super) fn fenced(&mut self, now: Time) {
        self.subscriptions.assign([], false);
        self.buffer.clear();
        let Some((membership, heartbeats)) = self.heartbeats_mut() else { return };
        heartbeats.forget(now);
        membership.preparing = false;
        self.in_epoch(now, JOIN_GROUP_MEMBER_EPOCH);
    }

    /// `maybeReconcile`: commits, gives up what it is not to have any more, takes what is new. The next heartbeat acknowledges that.
    fn maybe_reconcile(&mut self, now: Time, out: &mut Outbox) {
        let cluster = self.client.cluster().clone();
        let closing = self.closing != Closing::No;
        let Some((membership, heartbeats)) = self.heartbeats_mut() else { return };
        if membership.preparing || closing {
            return;
        }
        let Some(target) = heartbeats.target.clone() else { return };
        // A topic that is not known yet: what is known is taken, the rest once the metadata have it.
        let unknown = target.keys().any(|topic| cluster.topic_name(*topic).is_none());
        let named = target.iter().filter_map(|(topic, partitions)| Some((cluster.topic_name(*topic)?.clone(), partitions)));
        let partitions: Vec<TopicPartition> = named
            .flat_map(|(topic, partitions)| partitions.iter().map(move |&n| TopicPartition { topic: topic.clone(), partition: n }))
            .collect();
        if unknown {
            self.client.metadata.request_update(false);
        }
        let kept = self.subscriptions.partitions().map(|(owned, _)| owned).filter(|owned| partitions.contains(owned));
        let kept: Vec<TopicPartition> = kept.cloned().collect();
        let revokes = kept.len() < self.subscriptions.partitions().count();
        if revokes && self.config.enable_auto_commit && self.commit(now, CommitKind::BeforeRebalance, out) {
            // What goes is not read any further. That it is given up is only said once the commit is answered; what is new comes then.
            return self.take_over(kept, true, out);
        }
        self.take_over(partitions, unknown, out);
        let current = self.owned();
        if let Some(heartbeats) = &mut self.heartbeats {
            heartbeats.current = current;
        }
    }

    fn take_over(&mut self, partitions: Vec<TopicPartition>, unknown: bool, out: &mut Outbox) {
        let same = self.subscriptions.partitions().map(|(owned, _)| owned).eq(partitions.iter().collect::<BTreeSet<_>>());
        let Some((membership, heartbeats)) = self.heartbeats_mut() else { return };
        if !unknown {
            heartbeats.target = None;
        }
        if same {
            return;
        }
        out.emit(Event::Assigned {
            group: membership.group().clone(),
            member: membership.member_id().clone(),
            generation: membership.epoch(),
            partitions: partitions.clone(),
        });
        membership.offset_fetch_in_flight = false;
        self.assign_keeping(partitions);
    }

    /// What this consumer has, by topic id.
    fn owned(&self) -> Owned {
        let mut owned = Owned::new();
        for (partition, _) in self.subscriptions.partitions() {
            if let Some(topic) = self.client.cluster().topic(&partition.topic) {
                owned.entry(topic.id).or_default().insert(partition.partition);
            }
        }
        owned
    }

    /// If it speaks this protocol.
    fn heartbeats_mut(&mut self) -> Option<(&mut Membership, &mut Heartbeats)> {
        self.membership.as_mut().zip(self.heartbeats.as_mut())
    }
}

fn wanted(subscriptions: &Subscriptions) -> Vec<Name> {
    let mut topics = if let Wanted::Topics(topics) = &subscriptions.wanted { topics.clone() } else { Vec::new() };
    topics.sort();
    topics
}

fn heartbeat(group: &str, member_id: &str, epoch: i32, config: &ConsumerConfig) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(GroupId(str_bytes(group)))
        .with_member_id(str_bytes(member_id))
        .with_member_epoch(epoch)
        .with_instance_id(config.group_instance_id.as_deref().map(str_bytes))
}

fn said(owned: &Owned) -> Vec<TopicPartitions> {
    let topic = |(id, partitions): (&Uuid, &BTreeSet<i32>)| {
        TopicPartitions::default().with_topic_id(*id).with_partitions(partitions.iter().copied().collect())
    };
    owned.iter().map(topic).collect()
}

fn assigned(assignment: &Assignment) -> Owned {
    let topics = assignment.topic_partitions.iter();
    topics.map(|topic| (topic.topic_id, topic.partitions.iter().copied().collect())).collect()
}
