//! Asking the controller for other ISRs (`AlterPartitionManager`): one request at a time, at most one proposal a partition.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_partition_request::{BrokerState, PartitionData, TopicData};
use kafka_protocol::messages::{AlterPartitionRequest, AlterPartitionResponse};

use super::partition::Partition;
use super::process::Broker;
use crate::kafka::actor::Outbox;
use crate::kafka::metadata::image::{Image, PartitionRegistration};
use crate::kafka::names::TopicPartition;
use crate::sim::time::{Duration, Time};

/// Proposals on their way to the controller.
#[derive(Clone, Debug, Default)]
pub struct IsrProposals {
    /// Not sent yet: the ISR that each leader wants.
    unsent: BTreeMap<TopicPartition, Vec<i32>>,
    /// In the request that is not answered yet.
    sent: Vec<TopicPartition>,
    /// After a failure: not before this time.
    retry_at: Option<Time>,
    /// Where a follower has caught up and could not be proposed yet. Its fetch is looked at again, though it says nothing new.
    waiting: BTreeSet<TopicPartition>,
}

impl IsrProposals {
    pub fn next_wake(&self) -> Option<Time> {
        self.retry_at.filter(|_| !self.unsent.is_empty())
    }
}

/// `AlterPartitionManager`: the wait after a request that failed as a whole.
const RETRY: Duration = Duration::ms(50);

/// isReplicaIsrEligible: neither fenced nor shutting down, and the incarnation that fetched (with this broker epoch; -1: it did not say) is the
/// one that is registered (KIP-903): another one may have lost what this one had.
pub(super) fn is_isr_eligible(image: &Image, replica: i32, fetched: i64) -> bool {
    let registered = image.brokers.get(&replica).map(|broker| broker.epoch);
    image.is_active(replica) && (fetched == -1 || Some(fetched) == registered)
}

/// What an answer about one partition means for what was proposed.
enum Verdict {
    /// Taken, or certainly not.
    Decided,
    /// It may have been taken, by this controller or one before: the proposal counts until new metadata say what is (handleAlterPartitionError).
    Unknown,
    Retry,
}

impl Verdict {
    fn of(error_code: i16) -> Verdict {
        use ResponseError::*;
        match ResponseError::try_from_code(error_code) {
            None | Some(OperationNotAttempted | IneligibleReplica) => Verdict::Decided,
            Some(
                UnknownTopicOrPartition | UnknownTopicId | FencedLeaderEpoch | InvalidUpdateVersion | InvalidRequest | NewLeaderElected,
            ) => Verdict::Unknown,
            Some(_) => Verdict::Retry,
        }
    }
}

impl Broker {
    /// maybeExpandIsr: the follower has caught up, and the controller would take it.
    pub(super) fn propose_expanded_isr(&mut self, now: Time, name: &TopicPartition, replica: i32, out: &mut Outbox) {
        let Some(partition) = self.replicas.get(name) else { return };
        if !self.is_isr_eligible(replica, partition) || !partition.should_expand_isr(replica) {
            return;
        }
        let mut isr = partition.isr().to_vec();
        isr.push(replica);
        // Kafka keeps an ISR that grew in ascending order.
        isr.sort_unstable();
        self.propose(now, name, isr, out);
    }

    fn is_isr_eligible(&self, replica: i32, partition: &Partition) -> bool {
        let follower = partition.leading.as_ref().and_then(|leading| leading.followers.get(&replica));
        follower.is_some_and(|follower| is_isr_eligible(&self.image, replica, follower.broker_epoch))
    }

    /// maybeShrinkIsr for all partitions, every half of replica.lag.time.max.ms.
    #[inline(never)]
    pub(super) fn shrink_isrs(&mut self, now: Time, out: &mut Outbox) {
        let (me, lag_max) = (self.spec.id.0, Duration::ms(self.settings.replica_lag_time_max_ms));
        let led = self.replicas.partitions.values().filter(|partition| partition.is_leader());
        let shrunk: Vec<(TopicPartition, Vec<i32>)> = led
            .filter_map(|partition| {
                let behind = Some(partition.out_of_sync_replicas(me, now, lag_max)).filter(|behind| !behind.is_empty())?;
                let isr = partition.isr().iter().copied().filter(|replica| !behind.contains(replica)).collect();
                Some((partition.name.clone(), isr))
            })
            .collect();
        for (name, isr) in shrunk {
            self.propose(now, &name, isr, out);
        }
    }

    #[inline(never)]
    pub(super) fn send_proposals(&mut self, now: Time, out: &mut Outbox) {
        let proposals = &self.proposals;
        if proposals.unsent.is_empty() || !proposals.sent.is_empty() || proposals.retry_at.is_some_and(|at| at > now) {
            return;
        }
        let Some(broker_epoch) = self.lifecycle.broker_epoch() else { return };
        if !self.controller_ready(now, out) {
            return;
        }
        let proposals = std::mem::take(&mut self.proposals.unsent);
        let mut topics: BTreeMap<uuid::Uuid, Vec<PartitionData>> = BTreeMap::new();
        for (name, isr) in proposals {
            let Some(partition) = self.replicas.get(&name) else { continue };
            let Some(leading) = &partition.leading else { continue };
            let epoch_of = |replica: &i32| match leading.followers.get(replica) {
                Some(follower) => follower.broker_epoch,
                None => broker_epoch,
            };
            let states =
                isr.iter().map(|replica| BrokerState::default().with_broker_id((*replica).into()).with_broker_epoch(epoch_of(replica)));
            let data = PartitionData::default()
                .with_partition_index(name.partition)
                .with_leader_epoch(leading.epoch)
                .with_new_isr_with_epochs(states.collect())
                // Kafka has nothing to make up for after an unclean election: who leads has recovered (`makeLeader`).
                .with_leader_recovery_state(0)
                .with_partition_epoch(partition.registration.partition_epoch);
            topics.entry(partition.topic_id).or_default().push(data);
            self.proposals.sent.push(name);
        }
        let topics: Vec<TopicData> =
            topics.into_iter().map(|(id, partitions)| TopicData::default().with_topic_id(id).with_partitions(partitions)).collect();
        if topics.is_empty() {
            return;
        }
        let request =
            AlterPartitionRequest::default().with_broker_id(self.spec.id.0.into()).with_broker_epoch(broker_epoch).with_topics(topics);
        self.call_controller(now, request, super::forward::Call::AlterPartition, out);
    }

    /// handleAlterPartitionResponse. `None`: no answer came.
    pub(super) fn altered_partitions(&mut self, now: Time, response: Option<AlterPartitionResponse>, out: &mut Outbox) {
        let sent = std::mem::take(&mut self.proposals.sent);
        let answers: Vec<_> = match response.filter(|response| response.error_code == 0) {
            Some(response) => response.topics,
            None => {
                // Tried again as it then stands.
                self.proposals.retry_at = Some(now + RETRY);
                for name in sent {
                    let proposed = self.replicas.get(&name).and_then(|partition| partition.leading.as_ref()?.proposed_isr.clone());
                    if let Some(isr) = proposed {
                        self.proposals.unsent.insert(name, isr);
                    }
                }
                return;
            }
        };
        self.proposals.retry_at = None;
        for topic in answers {
            let Some(topic_name) = self.image.topic_by_id(topic.topic_id).map(|topic| topic.name.clone()) else { continue };
            for answer in topic.partitions {
                let name = TopicPartition { topic: topic_name.clone(), partition: answer.partition_index };
                let Some(partition) = self.replicas.get_mut(&name) else { continue };
                let Some(leading) = &mut partition.leading else { continue };
                match Verdict::of(answer.error_code) {
                    // What was proposed since then is still to be decided.
                    Verdict::Decided if !self.proposals.unsent.contains_key(&name) => leading.proposed_isr = None,
                    Verdict::Retry => {
                        let proposed = leading.proposed_isr.clone();
                        proposed.map(|isr| self.proposals.unsent.entry(name.clone()).or_insert(isr));
                        self.proposals.retry_at = Some(now + RETRY);
                    }
                    Verdict::Decided | Verdict::Unknown => {}
                }
                if answer.error_code == 0
                    && answer.leader_epoch == leading.epoch
                    && answer.partition_epoch > partition.registration.partition_epoch
                {
                    let isr = answer.isr.iter().map(|id| id.0).collect();
                    let recovering = answer.leader_recovery_state == 1;
                    let confirmed = PartitionRegistration {
                        isr,
                        partition_epoch: answer.partition_epoch,
                        recovering,
                        ..(*partition.registration).clone()
                    };
                    partition.registration = confirmed.into();
                }
                self.advance_high_watermark(now, &name, out);
                self.complete_produces(now, &name, out);
                self.note_waiting_followers(&name);
            }
        }
        self.send_proposals(now, out);
    }

    /// Whether one ISR was decided or another: who has caught up and is not in it is to be proposed with its next fetch.
    pub(super) fn note_waiting_followers(&mut self, name: &TopicPartition) {
        let Some(partition) = self.replicas.get(name) else { return };
        let followers = partition.leading.iter().flat_map(|leading| leading.followers.keys());
        let waits = |replica: &&i32| self.is_isr_eligible(**replica, partition) && partition.should_expand_isr(**replica);
        if followers.filter(waits).count() > 0 {
            self.proposals.waiting.insert(name.clone());
        }
    }

    /// A follower fetched: where it waits for its place in the ISR, it may have it now.
    pub(super) fn propose_waiting(&mut self, now: Time, replica: i32, out: &mut Outbox) {
        let of_replica = |name: &&TopicPartition| self.replicas.get(name).is_some_and(|partition| partition.should_expand_isr(replica));
        let names: Vec<TopicPartition> = self.proposals.waiting.iter().filter(of_replica).cloned().collect();
        for name in names {
            self.proposals.waiting.remove(&name);
            self.propose_expanded_isr(now, &name, replica, out);
        }
    }

    /// The controller decided something else meanwhile: a proposal that rests on what was before is not sent any more. (Kafka sends it, with the
    /// epochs that it rests on, and is refused.)
    pub(super) fn forget_overtaken_proposal(&mut self, name: &TopicPartition) {
        let is_proposed = |partition: &Partition| partition.leading.as_ref().is_some_and(|leading| leading.proposed_isr.is_some());
        if !self.replicas.get(name).is_some_and(is_proposed) {
            self.proposals.unsent.remove(name);
        }
    }

    fn propose(&mut self, now: Time, name: &TopicPartition, isr: Vec<i32>, out: &mut Outbox) {
        let Some(leading) = self.replicas.get_mut(name).and_then(|partition| partition.leading.as_mut()) else { return };
        leading.proposed_isr = Some(isr.clone());
        self.proposals.unsent.insert(name.clone(), isr);
        self.send_proposals(now, out);
    }
}
