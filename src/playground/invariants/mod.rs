//! What must hold of replicas at every moment, whatever breaks (hachikuji/kafka-specification): looked at after every step, from outside.
//!
//! Only what a step may have changed is looked at: the partitions of the process that was stepped, told by a few numbers each.
//! Excepted is what no protocol can keep: who lost its disk's bytes counts again once the controller has taken it in anew, and who led before
//! an election that was allowed to lose records is not compared any more ([`Invariants::forgive`]).

pub mod log_sums;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use log_sums::LogSums;

use super::model::{Process, Spec};
use super::world::World;
use crate::kafka::broker::partition::Partition;
use crate::kafka::broker::process::Broker;
use crate::kafka::event::Event;
use crate::kafka::metadata::image::{Image, NO_LEADER, PartitionRegistration};
use crate::kafka::names::{BrokerId, TopicPartition};
use crate::sim::process::Recorded;

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
    /// Epochs of controllers only grow, and each has one leader.
    ControllerEpoch,
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
}

/// The observer.
#[derive(Clone, Debug, Default)]
pub struct Invariants {
    replicas: BTreeMap<(BrokerId, TopicPartition), (Fingerprint, LogSums)>,
    registrations: BTreeMap<TopicPartition, Arc<PartitionRegistration>>,
    /// Leaders of epochs before this one need not agree with anybody.
    forgiven: BTreeMap<TopicPartition, i32>,
    controller_epoch: Option<(i32, BrokerId)>,
}

impl Invariants {
    /// An election that may lose records: leaders of earlier epochs are no longer compared.
    pub fn forgive(&mut self, partition: &TopicPartition, leader_epoch: i32) {
        self.forgiven.insert(partition.clone(), leader_epoch);
    }

    /// Looks at what the last step may have changed.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn look(&mut self, world: &World, events: &[Recorded<Event>]) -> Result<(), Violation> {
        for recorded in events {
            if let Event::ControllerElected { controller, epoch } = recorded.event {
                self.controller_elected(controller, epoch)?;
            }
        }
        let Some(slot) = world.sim().last_stepped().and_then(|id| world.sim().slot(id)) else { return Ok(()) };
        match (&slot.spec, &slot.process) {
            (Spec::Broker(_), Some(Process::Broker(broker))) => self.look_at_broker(world, broker),
            (Spec::Controller(_), Some(Process::Controller(controller))) => self.look_at_image(world, &controller.state().image),
            _ => Ok(()),
        }
    }

    /// Looks at everything: after something was done from outside.
    ///
    /// # Errors
    /// As [`Invariants::look`].
    pub fn look_at_all(&mut self, world: &World) -> Result<(), Violation> {
        for broker in world.brokers().filter_map(|(_, _, broker)| broker) {
            self.look_at_broker(world, broker)?;
        }
        match world.controller() {
            Some(controller) => self.look_at_image(world, &controller.state().image),
            None => Ok(()),
        }
    }

    fn controller_elected(&mut self, controller: BrokerId, epoch: i32) -> Result<(), Violation> {
        if let Some((before, leader)) = self.controller_epoch
            && (epoch < before || (epoch == before && leader != controller))
        {
            let why = format!("{controller} was elected in epoch {epoch}, after {leader} in epoch {before}");
            return Err(Violation { invariant: Invariant::ControllerEpoch, partition: None, why });
        }
        self.controller_epoch = Some((epoch, controller));
        Ok(())
    }

    fn look_at_broker(&mut self, world: &World, broker: &Broker) -> Result<(), Violation> {
        for (name, partition) in &broker.replicas().partitions {
            if self.take_in(broker.id(), name, partition) {
                self.check(world, name)?;
            }
        }
        Ok(())
    }

    fn look_at_image(&mut self, world: &World, image: &Image) -> Result<(), Violation> {
        for (topic, n, registration) in image.partitions() {
            let name = TopicPartition { topic: topic.name.clone(), partition: n };
            let known = self.registrations.get(&name);
            if known.is_some_and(|known| Arc::ptr_eq(known, registration)) {
                continue;
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

    /// Brings what is known of a replica up to date. Returns whether anything has changed.
    fn take_in(&mut self, broker: BrokerId, name: &TopicPartition, partition: &Partition) -> bool {
        let now = Fingerprint {
            log_end: partition.log.log_end_offset(),
            high_watermark: partition.high_watermark,
            leads_in_epoch: partition.leading.as_ref().map_or(-1, |leading| leading.epoch),
            leader_epoch: partition.registration.leader_epoch,
            partition_epoch: partition.registration.partition_epoch,
            last_chunk: partition.log.tail(i64::MAX).next().map_or(0, |batch| batch.body.id().0),
        };
        let key = (broker, name.clone());
        let (before, sums) = self.replicas.entry(key).or_default();
        if *before == now {
            return false;
        }
        if (before.log_end, before.last_chunk) != (now.log_end, now.last_chunk) {
            sums.follow(&partition.log);
        }
        *before = now;
        true
    }

    /// A partition, wherever somebody believes to lead it.
    fn check(&mut self, world: &World, name: &TopicPartition) -> Result<(), Violation> {
        let Some(controller) = world.controller() else { return Ok(()) };
        let image = &controller.state().image;
        let Some(decided) = image.partition(name) else { return Ok(()) };
        let forgiven = self.forgiven.get(name).copied().unwrap_or(0);
        for (leader, broker, partition) in replicas(world, name) {
            let Some(leading) = &partition.leading else { continue };
            if leading.epoch < forgiven || broker.lifecycle().broker_epoch() != registered(image, leader) {
                continue;
            }
            let is_leader = decided.leader == leader.0 && decided.leader_epoch == leading.epoch;
            for (follower, other, replica) in replicas(world, name).filter(|(id, ..)| *id != leader) {
                let counts = |image: &Image| other.lifecycle().broker_epoch() == registered(image, follower);
                if !counts(image) {
                    continue;
                }
                if is_leader && decided.isr.contains(&follower.0) {
                    self.check_reached(name, partition, replica, leader, follower)?;
                    self.check_equal(Invariant::StrongIsr, name, partition, replica, leader, follower)?;
                }
                // A leader that has not heard of the follower's new life still counts on what that had before.
                if partition.isr().contains(&follower.0) && counts(broker.image()) {
                    self.check_equal(Invariant::WeakIsr, name, partition, replica, leader, follower)?;
                }
            }
        }
        Ok(())
    }

    fn check_reached(
        &self,
        name: &TopicPartition,
        led: &Partition,
        replica: &Partition,
        leader: BrokerId,
        follower: BrokerId,
    ) -> Result<(), Violation> {
        let (high_watermark, end) = (led.high_watermark, replica.log.log_end_offset());
        if end >= high_watermark {
            return Ok(());
        }
        let why = format!("{leader} leads with high watermark {high_watermark}, and {follower} in the ISR ends at {end}");
        Err(Violation { invariant: Invariant::ValidHighWatermark, partition: Some(name.clone()), why })
    }

    fn check_equal(
        &mut self,
        invariant: Invariant,
        name: &TopicPartition,
        led: &Partition,
        replica: &Partition,
        leader: BrokerId,
        follower: BrokerId,
    ) -> Result<(), Violation> {
        for (id, partition) in [(leader, led), (follower, replica)] {
            self.take_in(id, name, partition);
        }
        let (from, to) = (led.log.log_start_offset().max(replica.log.log_start_offset()), led.high_watermark);
        let sums = |id| self.replicas.get(&(id, name.clone())).map(|(_, sums)| sums);
        let (Some(own), Some(other)) = (sums(leader), sums(follower)) else { return Ok(()) };
        if from >= to || own.between(from, to) == other.between(from, to) {
            return Ok(());
        }
        let (at, there) = own.first_difference(other, from, to).unwrap_or((from, from));
        let why = format!(
            "{leader} leads in epoch {} with high watermark {to}, and {follower} in the ISR {:?} differs from offset {} on",
            led.leading.as_ref().map_or(-1, |leading| leading.epoch),
            if invariant == Invariant::WeakIsr { led.isr() } else { &[] },
            at.min(there),
        );
        Err(Violation { invariant, partition: Some(name.clone()), why })
    }
}

/// Everybody who runs and has this partition.
fn replicas<'a>(world: &'a World, name: &'a TopicPartition) -> impl Iterator<Item = (BrokerId, &'a Broker, &'a Partition)> {
    world.brokers().filter_map(move |(id, _, broker)| {
        let broker = broker?;
        Some((id, broker, broker.replicas().get(name)?))
    })
}

/// The broker epoch of the life that the controller (or who has this image) knows of.
fn registered(image: &Image, broker: BrokerId) -> Option<i64> {
    image.brokers.get(&broker.0).map(|registration| registration.epoch)
}
