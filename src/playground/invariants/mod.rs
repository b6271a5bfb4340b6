//! What must hold of replicas at every moment, whatever breaks (hachikuji/kafka-specification): looked at after every step, from outside.
//!
//! Only what a step may have changed is looked at: the partitions of the process that was stepped, told by a few numbers each.
//! Excepted is what no protocol can keep: who lost its disk's bytes counts again once the controller has taken it in anew, and who led before
//! an election that was allowed to lose records is not compared any more ([`Invariants::forgive`]).

pub mod log_sums;
pub mod quorum;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use log_sums::LogSums;
use quorum::QuorumInvariants;

use super::model::{Cluster, Process, Spec};
use super::world::{Quorate, World};
use crate::kafka::broker::partition::Partition;
use crate::kafka::broker::process::Broker;
use crate::kafka::metadata::image::{Image, NO_LEADER, PartitionRegistration};
use crate::kafka::names::{BrokerId, TopicPartition};
use crate::sim::engine::{Slot, State};

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// Who leads is in the ISR (or nobody leads).
    LeaderInIsr,
    /// Up to its high watermark, the log of who believes to lead is that of everybody in its own ISR.
    WeakIsr,
    /// Up to its high watermark, the leader's log is that of everybody in the controller's ISR.
    StrongIsr,
    /// Everybody in the controller's ISR has all up to the leader's high watermark.
    ValidHighWatermark,
    /// Nothing is deleted before it is committed: no log begins past its high watermark.
    LogStartIsCommitted,
    /// A node of the quorum never goes back to an earlier epoch.
    MonotonicEpoch,
    /// An epoch of the quorum has one leader at most.
    SingleLeader,
    /// What is committed in the metadata log stays so.
    MonotonicHighWatermark,
    /// A majority of the voters has all up to the leader's high watermark.
    MajorityReachedHighWatermark,
    /// What one node takes for committed is what every node does.
    ConsistentCommittedData,
}

/// What does not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub invariant: Invariant,
    pub partition: Option<TopicPartition>,
    pub why: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.partition {
            Some(partition) => write!(f, "{:?} of {partition}: {}", self.invariant, self.why),
            None => write!(f, "{:?}: {}", self.invariant, self.why),
        }
    }
}

/// What tells whether a replica has changed in a way that matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fingerprint {
    log_end: i64,
    high_watermark: i64,
    /// -1: it follows.
    leads_in_epoch: i32,
    leader_epoch: i32,
    partition_epoch: i32,
    last_chunk: u64,
    log_start: i64,
}

/// A replica as it was seen last.
#[derive(Clone, Debug)]
struct Replica {
    name: TopicPartition,
    seen: Fingerprint,
    sums: LogSums,
    /// The high watermark when its broker was looked at last.
    committed: i64,
}

impl Replica {
    /// Brings what is known up to date. Returns whether anything has changed.
    fn take_in(&mut self, partition: &Partition) -> bool {
        let now = Fingerprint {
            log_end: partition.log.log_end_offset(),
            high_watermark: partition.high_watermark,
            leads_in_epoch: partition.leading.as_ref().map_or(-1, |leading| leading.epoch),
            leader_epoch: partition.registration.leader_epoch,
            partition_epoch: partition.registration.partition_epoch,
            last_chunk: partition.log.tail(i64::MAX).next().map_or(0, |batch| batch.body.id().0),
            log_start: partition.log.log_start_offset(),
        };
        if self.seen == now {
            return false;
        }
        if (self.seen.log_end, self.seen.last_chunk) != (now.log_end, now.last_chunk) {
            self.sums.follow(&partition.log);
        }
        self.seen = now;
        true
    }
}

/// The place of a partition among those of its broker, which are looked at in order: at or behind `at`.
fn place(replicas: &mut Vec<Replica>, mut at: usize, name: &TopicPartition) -> usize {
    while replicas.get(at).is_some_and(|replica| replica.name < *name) {
        at += 1;
    }
    if replicas.get(at).is_none_or(|replica| replica.name != *name) {
        replicas.insert(at, Replica { name: name.clone(), seen: Fingerprint::default(), sums: LogSums::default(), committed: 0 });
    }
    at
}

/// A partition on a broker that runs.
#[derive(Clone, Copy)]
struct Running<'a> {
    id: BrokerId,
    broker: &'a Broker,
    partition: &'a Partition,
}

/// The observer.
#[derive(Clone, Debug, Default)]
pub struct Invariants {
    /// What each broker has, in the order of its partitions.
    replicas: BTreeMap<BrokerId, Vec<Replica>>,
    registrations: BTreeMap<TopicPartition, Arc<PartitionRegistration>>,
    /// The partition epoch in which a replica was taken from a broker: it may be there again, with nothing of what was in it before.
    taken: BTreeMap<(TopicPartition, i32), i32>,
    /// The highest log start that any replica had. What is below was deleted, even where a kill before the next checkpoint brings it back.
    starts: BTreeMap<TopicPartition, i64>,
    /// The newest epoch in which a leader took for committed what fewer had than the controller's min.insync.replicas asks for, and the
    /// controller has had fewer in sync since.
    committed_by_fewer: BTreeMap<TopicPartition, i32>,
    /// Who was taken into an ISR on a proposal that its leader had forgotten, and has not got all that is committed since.
    overlooked: BTreeSet<(TopicPartition, i32)>,
    /// Leaders of epochs before this one need not agree with anybody.
    forgiven: BTreeMap<TopicPartition, i32>,
    quorum: QuorumInvariants,
}

impl Invariants {
    /// An election that may lose records: leaders of earlier epochs are no longer compared.
    pub fn forgive(&mut self, partition: &TopicPartition, leader_epoch: i32) {
        self.forgiven.insert(partition.clone(), leader_epoch);
    }

    /// A partition as the controller had it before the last step.
    pub fn registration(&self, partition: &TopicPartition) -> Option<&PartitionRegistration> {
        self.registrations.get(partition).map(|registration| &**registration)
    }

    /// Where the records of a partition begin that nobody has deleted.
    pub fn highest_start(&self, partition: &TopicPartition) -> i64 {
        self.starts.get(partition).copied().unwrap_or(0)
    }

    /// In which epoch the leader took for committed what fewer had than the controller asks for: eligible leaders need not have it.
    pub fn committed_by_fewer(&self, partition: &TopicPartition) -> Option<i32> {
        self.committed_by_fewer.get(partition).copied()
    }

    /// Whether a member of the ISR came in behind its leader's back and may lack what is committed.
    pub fn is_overlooked(&self, partition: &TopicPartition, replica: BrokerId) -> bool {
        !self.overlooked.is_empty() && self.overlooked.contains(&(partition.clone(), replica.0))
    }

    /// Looks at what the last step may have changed.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn look(&mut self, world: &World) -> Result<(), Violation> {
        let Some(slot) = world.sim().last_stepped().and_then(|id| world.sim().slot(id)) else { return Ok(()) };
        self.look_at(world, slot)
    }

    /// Looks at everything: after something was done from outside.
    ///
    /// # Errors
    /// As [`Invariants::look`].
    pub fn look_at_all(&mut self, world: &World) -> Result<(), Violation> {
        world.sim().slots().try_for_each(|slot| self.look_at(world, slot))
    }

    fn look_at(&mut self, world: &World, slot: &Slot<Cluster>) -> Result<(), Violation> {
        let (id, raft, controller) = match &slot.process {
            Some(Process::Broker(broker)) => {
                self.look_at_broker(world, broker)?;
                (broker.id(), broker.raft(), broker.controller())
            }
            Some(Process::Controller(process)) => (process.controller().id(), process.raft(), Some(process.controller())),
            _ => {
                let id = match &slot.spec {
                    Spec::Broker(spec) => spec.id,
                    Spec::Controller(spec) => spec.id,
                    _ => return Ok(()),
                };
                if matches!(slot.state, State::Exited(_)) {
                    self.quorum.ended(id);
                }
                return Ok(());
            }
        };
        let of_quorum = |(invariant, why)| Violation { invariant, partition: None, why };
        self.quorum.look(id, slot.incarnation, raft).map_err(of_quorum)?;
        match controller.filter(|controller| controller.is_active()) {
            Some(_) => self.active(world).map_or(Ok(()), |active| self.look_at_image(world, &active.state().image)),
            None => Ok(()),
        }
    }

    /// The controller that decides. One that was followed by another, which is down now, only thinks so.
    fn active<'w>(&self, world: &'w World) -> Option<Quorate<'w>> {
        world.controller().filter(|controller| controller.epoch() >= self.quorum.newest_epoch())
    }

    fn look_at_broker(&mut self, world: &World, broker: &Broker) -> Result<(), Violation> {
        let replicas = self.replicas.entry(broker.id()).or_default();
        let (mut at, mut changed) = (0, Vec::new());
        for (name, partition) in &broker.replicas().partitions {
            at = place(replicas, at, name);
            if replicas[at].take_in(partition) {
                changed.push(name.clone());
                let committed = std::mem::replace(&mut replicas[at].committed, partition.high_watermark);
                if let Some(epoch) = commits_by_fewer(world, partition).filter(|_| committed < partition.high_watermark) {
                    self.committed_by_fewer.insert(name.clone(), epoch);
                }
                let start = partition.log.log_start_offset();
                if start > partition.high_watermark {
                    let why =
                        format!("on {} the log begins at {start}, and the high watermark is {}", broker.id(), partition.high_watermark);
                    return Err(Violation { invariant: Invariant::LogStartIsCommitted, partition: Some(name.clone()), why });
                }
                if start > 0 {
                    let highest = self.starts.entry(name.clone()).or_default();
                    *highest = start.max(*highest);
                }
            }
            at += 1;
        }
        changed.iter().try_for_each(|name| self.check(world, name))
    }

    fn look_at_image(&mut self, world: &World, image: &Image) -> Result<(), Violation> {
        for (topic, n, registration) in image.partitions() {
            let name = TopicPartition { topic: topic.name.clone(), partition: n };
            let known = self.registrations.get(&name);
            if known.is_some_and(|known| Arc::ptr_eq(known, registration)) {
                continue;
            }
            for gone in known.iter().flat_map(|known| &known.replicas).filter(|replica| !registration.replicas.contains(replica)) {
                self.taken.insert((name.clone(), *gone), registration.partition_epoch);
            }
            if let Some(known) = known {
                self.overlooked.extend(overlooked_by_leader(world, &name, known, registration).map(|replica| (name.clone(), replica)));
            }
            if registration.isr.len() >= min_isr(world, registration, &name) {
                self.committed_by_fewer.remove(&name);
            }
            self.registrations.insert(name.clone(), registration.clone());
            if registration.leader != NO_LEADER && !registration.isr.contains(&registration.leader) {
                let why = format!("{} leads, and the ISR is {:?}", registration.leader, registration.isr);
                return Err(Violation { invariant: Invariant::LeaderInIsr, partition: Some(name), why });
            }
            self.check(world, &name)?;
        }
        Ok(())
    }

    /// A partition, wherever somebody believes to lead it.
    fn check(&mut self, world: &World, name: &TopicPartition) -> Result<(), Violation> {
        let Some(controller) = self.active(world) else { return Ok(()) };
        let image = &controller.state().image;
        let Some(decided) = image.partition(name) else { return Ok(()) };
        let forgiven = self.forgiven.get(name).copied().unwrap_or(0);
        let running = world.brokers().filter_map(|(id, _, broker)| {
            let broker = broker?;
            Some(Running { id, broker, partition: broker.replicas().get(name)? })
        });
        let running: Vec<Running> = running.collect();
        for led in &running {
            let Some(leading) = &led.partition.leading else { continue };
            if leading.epoch < forgiven || !counts(image, led) {
                continue;
            }
            let is_leader = decided.leader == led.id.0 && decided.leader_epoch == leading.epoch;
            for replica in running.iter().filter(|replica| replica.id != led.id && counts(image, replica)) {
                if is_leader && decided.isr.contains(&replica.id.0) {
                    self.check_reached(name, led, replica)?;
                    self.check_equal(Invariant::StrongIsr, name, led, replica)?;
                }
                // A leader that has not heard of the follower's new life, or of its replica's, still counts on what that had before.
                let taken =
                    self.taken.get(&(name.clone(), replica.id.0)).is_some_and(|epoch| *epoch > led.partition.registration.partition_epoch);
                if led.partition.isr().contains(&replica.id.0) && counts(led.broker.image(), replica) && !taken {
                    self.check_equal(Invariant::WeakIsr, name, led, replica)?;
                }
            }
        }
        Ok(())
    }

    /// Everybody whom the controller counts on has what the leader says is committed.
    fn check_reached(&mut self, name: &TopicPartition, led: &Running, replica: &Running) -> Result<(), Violation> {
        let (high_watermark, end) = (led.partition.high_watermark, replica.partition.log.log_end_offset());
        let is_overlooked = self.is_overlooked(name, replica.id);
        if end >= high_watermark {
            if is_overlooked {
                self.overlooked.remove(&(name.clone(), replica.id.0));
            }
            return Ok(());
        }
        if is_overlooked {
            return Ok(());
        }
        let why = format!("{} leads with high watermark {high_watermark}, and {} in the ISR ends at {end}", led.id, replica.id);
        Err(Violation { invariant: Invariant::ValidHighWatermark, partition: Some(name.clone()), why })
    }

    fn check_equal(&mut self, invariant: Invariant, name: &TopicPartition, led: &Running, replica: &Running) -> Result<(), Violation> {
        let (leader, follower) = (led.id, replica.id);
        // Up to date, if another look at that broker is still to come.
        for of in [led, replica] {
            let replicas = self.replicas.entry(of.id).or_default();
            let at = place(replicas, 0, name);
            replicas[at].take_in(of.partition);
        }
        let (own_log, other_log) = (&led.partition.log, &replica.partition.log);
        let from = own_log.log_start_offset().max(other_log.log_start_offset()).max(self.highest_start(name));
        let to = match self.is_overlooked(name, follower) {
            true => led.partition.high_watermark.min(other_log.log_end_offset()),
            false => led.partition.high_watermark,
        };
        let sums = |id| self.replicas.get(id)?.iter().find(|replica| replica.name == *name).map(|replica| &replica.sums);
        let (Some(own), Some(other)) = (sums(&leader), sums(&follower)) else { return Ok(()) };
        if from >= to || own.between(from, to) == other.between(from, to) {
            return Ok(());
        }
        let (at, there) = own.first_difference(other, from, to).unwrap_or((from, from));
        let why = format!(
            "{leader} leads in epoch {} with high watermark {to}, and {follower} in the ISR {:?} differs from offset {} on",
            led.partition.leading.as_ref().map_or(-1, |leading| leading.epoch),
            if invariant == Invariant::WeakIsr { led.partition.isr() } else { &[] },
            at.min(there),
        );
        Err(Violation { invariant, partition: Some(name.clone()), why })
    }
}

/// min.insync.replicas as the active controller has it.
fn min_isr(world: &World, registration: &PartitionRegistration, name: &TopicPartition) -> usize {
    let controller = world.controller();
    let configured = controller.map(|active| active.state().effective_min_isr(&name.topic, registration.replicas.len()));
    configured.unwrap_or(1).max(0) as usize
}

/// The epoch of a leader whose high watermark waits for fewer than the controller's min.insync.replicas asks for.
fn commits_by_fewer(world: &World, partition: &Partition) -> Option<i32> {
    let leading = partition.leading.as_ref()?;
    let registration = &partition.registration;
    // Where all are in sync there is nothing to compare.
    (registration.isr.len() < registration.replicas.len() && registration.isr.len() < min_isr(world, registration, &partition.name))
        .then_some(leading.epoch)
}

/// Whom the controller has just taken into the ISR although the leader, who asked for it, no longer waits for them.
///
/// A race of Kafka's own: a leader learns of a changed ISR from the answer to AlterPartition and again from the metadata. If it has proposed the
/// next change in between, `Partition.makeLeader` takes these metadata all the same, as their partition epoch is not smaller, and
/// `updateAssignmentAndIsr` forgets the proposal, whose request is under way (4.3.1).
fn overlooked_by_leader<'a>(
    world: &'a World,
    name: &'a TopicPartition,
    before: &'a PartitionRegistration,
    decided: &'a PartitionRegistration,
) -> impl Iterator<Item = i32> + 'a {
    let leader = world.brokers().find(|(id, ..)| id.0 == decided.leader).and_then(|(_, _, broker)| broker?.replicas().get(name));
    let leader = leader.filter(|led| {
        let leads = led.leading.as_ref().is_some_and(|leading| leading.epoch == decided.leader_epoch);
        leads && led.registration.partition_epoch == before.partition_epoch
    });
    let came = move |replica: &i32| !before.isr.contains(replica) && leader.is_some_and(|led| led.maximal_isr().all(|of| of != *replica));
    decided.isr.iter().copied().filter(came)
}

/// Whether a broker's present life is the one that is known in an image.
fn counts(image: &Image, running: &Running) -> bool {
    running.broker.lifecycle().broker_epoch() == registered(image, running.id)
}

/// The broker epoch of the life that the controller (or who has this image) knows of.
fn registered(image: &Image, broker: BrokerId) -> Option<i64> {
    image.brokers.get(&broker.0).map(|registration| registration.epoch)
}
