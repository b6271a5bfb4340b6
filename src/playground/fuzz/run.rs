//! Carrying a plan out: faults at their times, the invariants after every step, then calm, and the history's judgement.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::calm::missing;
use super::coverage::{Coverage, Of};
use super::deeds::{Deed, deeds};
use super::legal::Circumstance;
use super::plan::{CHAOS, Plan, Tool};
use crate::kafka::broker::partition::Partition;
use crate::kafka::client::producer::config::{Acks, ProducerConfig};
use crate::kafka::event::Event;
use crate::kafka::log::file_name::LOG_SUFFIX;
use crate::kafka::metadata::image::PartitionRegistration;
use crate::kafka::metadata::record::TOPIC_RESOURCE;
use crate::kafka::names::{BrokerId, METADATA_TOPIC, Name, TopicPartition, host_of};
use crate::playground::build::{BuildError, Machine};
use crate::playground::command::Command;
use crate::playground::history::whole::{FinalLog, Finding, Promise, WholeHistory};
use crate::playground::invariants::{Invariants, Violation};
use crate::playground::model::{Cluster, Spec};
use crate::playground::timeline::Replayable;
use crate::playground::world::World;
use crate::sim::disk::{Disk, WRITEBACK};
use crate::sim::engine::{Settings, Slot, State};
use crate::sim::fault::Fault;
use crate::sim::process::Recorded;
use crate::sim::time::{Duration, Time};

/// After the faults producers go on for so long.
const AFTERMATH: Duration = Duration::secs(2);
/// So long at most until all is quiet: replicas in sync, everything read.
const PATIENCE: Duration = Duration::secs(60);
const LOOK_EVERY: Duration = Duration::ms(250);
/// An operator who helped looks again after so long.
const HELP_AGAIN: Duration = Duration::secs(5);
/// The terminal of who helps at the end; steps have others.
const HELPER: u32 = 15;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    Invariant(Violation),
    History(Finding),
    /// Nothing is broken any more, and yet the cluster does not get well.
    Stuck(String),
    NotBuilt(BuildError),
}

impl Failure {
    /// What kind of thing it is.
    pub fn name(&self) -> String {
        match self {
            Failure::Invariant(violation) => format!("{:?}", violation.invariant),
            Failure::History(finding) => finding.anomaly.name().to_owned(),
            Failure::Stuck(_) => "stuck".to_owned(),
            Failure::NotBuilt(_) => "not-built".to_owned(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Failure::Invariant(violation) => violation.fmt(f),
            Failure::History(finding) => finding.fmt(f),
            Failure::Stuck(why) => write!(f, "stuck: {why}"),
            Failure::NotBuilt(error) => error.fmt(f),
        }
    }
}

/// How much happened in a run that was in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub steps: u64,
    pub events: u64,
    pub acked: u64,
    /// Elections that may have lost something.
    pub losses: u64,
    pub digest: u128,
    pub took: Duration,
    pub coverage: Coverage,
}

/// Carries a plan out.
///
/// # Errors
/// The first thing that goes wrong.
pub fn run(plan: &Plan) -> Result<Done, Failure> {
    run_watched(plan, &mut |_, _| {})
}

/// As [`run`]; `watch` is told each event, with the time since the cluster was ready.
///
/// # Errors
/// As [`run`].
pub fn run_watched(plan: &Plan, watch: &mut dyn FnMut(Duration, &Recorded<Event>)) -> Result<Done, Failure> {
    let machine = Machine { settings: Settings { disk_bytes: 1 << 30, ..Settings::default() }, recode: None, down: Vec::new() };
    let world = World::build_on(&machine, &plan.cluster, plan.seed).map_err(Failure::NotBuilt)?;
    let start = world.now();
    let mut run = Run {
        world,
        start,
        invariants: Invariants::default(),
        history: WholeHistory::default(),
        unclean: BTreeSet::new(),
        lost_disk: BTreeSet::new(),
        min_isr: plan.cluster.topics.iter().filter_map(|topic| topic.config.get("min.insync.replicas")?.parse().ok()).min().unwrap_or(1),
        by_hand: BTreeSet::new(),
        min_isr_of: BTreeSet::new(),
        helped: BTreeMap::new(),
        done: Done::default(),
        watch,
    };
    for producer in &plan.cluster.producers {
        if let Ok(config) = ProducerConfig::parse(&producer.config) {
            let promise = Promise { acks_all: config.acks == Acks::All, idempotent: config.enable_idempotence };
            run.history.promise(&producer.name, promise);
        }
    }
    run.observe()?;
    run.done.coverage.count_cluster(plan);
    for (at, step, deed) in deeds(&plan.steps) {
        run.until(start + at)?;
        let done = run.carry_out(step, &deed)?;
        if let Some((_, step)) = plan.steps.iter().find(|(n, found)| *n == step && found.at == at && done) {
            run.done.coverage.add(Of::Deed, step.act.kind());
        }
    }
    run.until(start + CHAOS)?;
    run.calm_down(plan)?;
    run.judge(plan)?;
    run.done.digest = run.world.digest();
    run.done.took = Duration(run.world.now().0);
    Ok(run.done)
}

/// A run, with who watches it.
struct Run<'a> {
    world: World,
    start: Time,
    invariants: Invariants,
    history: WholeHistory,
    /// Hosts that stopped uncleanly, and those whose disk lost something then.
    unclean: BTreeSet<String>,
    lost_disk: BTreeSet<String>,
    /// The lowest min.insync.replicas so far.
    min_isr: usize,
    /// Where somebody asked for an unclean election.
    by_hand: BTreeSet<TopicPartition>,
    /// What min.insync.replicas was changed of since the beginning: topics by name, or brokers.
    min_isr_of: BTreeSet<String>,
    /// Where somebody had to be made the leader by hand in the end, and when.
    helped: BTreeMap<TopicPartition, Time>,
    done: Done,
    watch: &'a mut dyn FnMut(Duration, &Recorded<Event>),
}

impl Run<'_> {
    fn until(&mut self, until: Time) -> Result<(), Failure> {
        while self.world.step(until) {
            self.done.steps += 1;
            let events = if self.world.sim().has_events() { self.world.take_events() } else { Vec::new() };
            self.take_note(&events);
            self.invariants.look(&self.world).map_err(Failure::Invariant)?;
        }
        self.world.wait(until);
        Ok(())
    }

    /// After something was done from outside.
    fn observe(&mut self) -> Result<(), Failure> {
        let events = self.world.take_events();
        self.take_note(&events);
        self.invariants.look_at_all(&self.world).map_err(Failure::Invariant)
    }

    fn take_note(&mut self, events: &[Recorded<Event>]) {
        for recorded in events {
            (self.watch)(recorded.at.since(self.start), recorded);
            self.done.events += 1;
            self.done.coverage.count_event(&recorded.event);
            match &recorded.event {
                Event::LeaderElected { partition, leader: Some(leader), leader_epoch, unclean, .. } => {
                    self.elected(partition, *leader, *leader_epoch, *unclean);
                }
                Event::BatchAcked { count, .. } => self.done.acked += u64::from(*count),
                Event::ConfigChanged { resource, name, value: Some(value) } if &**name == "min.insync.replicas" => {
                    self.min_isr = self.min_isr.min(value.parse().unwrap_or(1));
                    if recorded.at > self.start {
                        self.min_isr_of.insert(resource.to_string());
                    }
                }
                _ => {}
            }
            let world = &self.world;
            self.history.event(recorded.at, &recorded.event, || match &recorded.event {
                Event::Appended { partition, broker, .. } => led_epoch(world, partition, *broker),
                _ => -1,
            });
        }
    }

    /// Whether this election may have lost records, and why.
    fn elected(&mut self, name: &TopicPartition, leader: BrokerId, leader_epoch: i32, unclean: bool) {
        let Some(controller) = self.world.controller() else { return };
        let image = &controller.state().image;
        let Some(decided) = image.partition(name) else { return };
        if self.invariants.is_overlooked(name, leader) {
            return self.lost(name, Circumstance::ProposalForgotten, leader_epoch);
        }
        if !unclean && !decided.recovering {
            return self.elected_from_elr(name, leader, leader_epoch);
        }
        let config = image.configs(TOPIC_RESOURCE, &name.topic);
        let enabled = config.get("unclean.leader.election.enable").is_some_and(|value| value == "true");
        let all_stopped = self.unclean.len() >= self.min_isr.min(decided.replicas.len());
        let why = if enabled || self.by_hand.contains(name) {
            Circumstance::UncleanElection
        } else if all_stopped && self.lost_disk.contains(&host_of(leader)) {
            Circumstance::DisksLost
        } else {
            return;
        };
        self.lost(name, why, leader_epoch);
    }

    /// An eligible leader has all that was committed (KIP-966), unless it was committed by fewer than the min.insync.replicas that the
    /// controller counts by, which was changed.
    fn elected_from_elr(&mut self, name: &TopicPartition, leader: BrokerId, leader_epoch: i32) {
        let was_in_sync = self.invariants.registration(name).is_none_or(|before| before.isr.contains(&leader.0));
        let by_fewer = self.invariants.committed_by_fewer(name).is_some_and(|epoch| epoch < leader_epoch);
        if !was_in_sync && by_fewer && self.min_isr_of.contains(&*name.topic) {
            self.lost(name, Circumstance::MinIsrChanged, leader_epoch);
        }
    }

    fn lost(&mut self, name: &TopicPartition, why: Circumstance, leader_epoch: i32) {
        self.done.losses += 1;
        self.invariants.forgive(name, leader_epoch);
        self.history.may_have_lost(name, why, leader_epoch);
    }

    /// Whether it could be done.
    fn carry_out(&mut self, step: u32, deed: &Deed) -> Result<bool, Failure> {
        // A fault that makes no sense now (a kill of what is down) does nothing.
        let done = match deed {
            Deed::Fault(fault) => self.fault(fault),
            Deed::Flip(host) => {
                let now = self.world.now();
                let path = self.world.sim().host(host).and_then(|host| newest_unflushed(&host.disk, now));
                path.is_some_and(|path| self.fault(&Fault::FlipBit { host: host.clone(), path }))
            }
            Deed::Type(tool) => {
                self.by_hand.extend(tool.elects_uncleanly().cloned());
                self.world.apply(&Command::Line { session: if step == HELPER { HELPER } else { step % HELPER }, text: tool.line() }).is_ok()
            }
        };
        self.observe()?;
        Ok(done)
    }

    /// Whether it could be done.
    fn fault(&mut self, fault: &Fault) -> bool {
        if self.world.apply(&Command::Fault(fault.clone())).is_err() {
            return false;
        }
        match fault {
            Fault::Kill { host } | Fault::FillDisk { host } => drop(self.unclean.insert(host.clone())),
            Fault::PowerCut { host } | Fault::FlipBit { host, .. } => {
                self.unclean.insert(host.clone());
                self.lost_disk.insert(host.clone());
            }
            _ => {}
        }
        true
    }

    /// Everything is mended and started; the producers end; until all is quiet.
    fn calm_down(&mut self, plan: &Plan) -> Result<(), Failure> {
        self.fault(&Fault::HealAll);
        let hosts: Vec<String> = self.world.sim().hosts().map(|host| host.name.clone()).collect();
        for host in &hosts {
            self.fault(&Fault::Resume { host: host.clone() });
            // Who goes on does at once what waited for it.
            self.observe()?;
            self.fault(&Fault::FreeDisk { host: host.clone() });
            self.fault(&Fault::SlowDisk { host: host.clone(), delay_us: 0 });
            self.fault(&Fault::SkewClock { host: host.clone(), ms: 0 });
        }
        self.start_all();
        self.observe()?;
        self.until(self.world.now() + AFTERMATH)?;
        for producer in &plan.cluster.producers {
            self.fault(&Fault::Stop { host: producer.name.clone() });
        }
        let patience_ends = self.world.now() + PATIENCE;
        while let Some(missing) = missing(&self.world, plan) {
            if self.world.now() >= patience_ends {
                return Err(Failure::Stuck(missing));
            }
            self.until(self.world.now() + LOOK_EVERY)?;
            // A server may have ended only now: a stop that took its time, a disk that was full.
            self.start_all();
            self.help_the_leaderless(plan)?;
        }
        Ok(())
    }

    /// Where nobody may lead, Kafka waits for an operator (docs/anomalies.md).
    fn help_the_leaderless(&mut self, plan: &Plan) -> Result<(), Failure> {
        let Some(controller) = self.world.controller() else { return Ok(()) };
        let cleared = |partition: &PartitionRegistration| {
            !self.min_isr_of.is_empty() && partition.elr.is_empty() && partition.last_known_elr.is_empty()
        };
        let of_strangers = |partition: &PartitionRegistration| {
            !partition.elr.is_empty() && !partition.elr.iter().any(|member| partition.replicas.contains(member))
        };
        // While none of its replicas is there, no operator can help.
        let brokers = &controller.state().image.brokers;
        let can_be_helped = |partition: &PartitionRegistration| {
            partition.replicas.iter().any(|replica| brokers.get(replica).is_some_and(|broker| !broker.fenced))
        };
        let nobody_may = |partition: &PartitionRegistration| {
            partition.leader().is_none()
                && partition.isr.is_empty()
                && (cleared(partition) || of_strangers(partition))
                && can_be_helped(partition)
        };
        let partitions = controller.state().image.partitions().filter(|(_, _, partition)| nobody_may(partition));
        let names = partitions.map(|(topic, n, _)| TopicPartition { topic: topic.name.clone(), partition: n });
        // Who was about to be made the leader may have gone just then.
        let now = self.world.now();
        let waits = |name: &TopicPartition| self.helped.get(name).is_some_and(|at| now.since(*at) < HELP_AGAIN);
        let fresh: Vec<TopicPartition> = names.filter(|name| !waits(name)).collect();
        for name in fresh {
            self.helped.insert(name.clone(), now);
            self.carry_out(HELPER, &Deed::Type(Tool::elect_uncleanly(&plan.cluster, name)))?;
            self.done.coverage.add(Of::Outcome, "leaderless until an operator helped");
        }
        Ok(())
    }

    /// All that serves or reads.
    fn start_all(&mut self) {
        let is_down = |state| matches!(state, State::Killed | State::PoweredOff | State::Exited(_));
        let wanted = |slot: &&Slot<Cluster>| matches!(slot.spec, Spec::Broker(_) | Spec::Controller(_) | Spec::Consumer(_));
        let wanted = self.world.sim().slots().filter(wanted);
        let down: Vec<String> = wanted.filter(|slot| is_down(slot.state)).map(|slot| slot.name.clone()).collect();
        for host in down {
            self.fault(&Fault::Start { host });
        }
    }

    fn judge(&mut self, plan: &Plan) -> Result<(), Failure> {
        let Some(controller) = self.world.controller() else { return Ok(()) };
        let mut logs = BTreeMap::new();
        for (topic, n, _) in controller.state().image.partitions() {
            let name = TopicPartition { topic: topic.name.clone(), partition: n };
            let Some((.., led)) = leading(&self.world, &name).max_by_key(|(_, epoch, _)| *epoch) else { continue };
            let start = led.log.log_start_offset().max(self.invariants.highest_start(&name));
            // What is deleted may still lie in the first segment.
            let kept = led.log.tail(i64::MAX).filter(|batch| batch.last_offset() >= start);
            let mut batches: Vec<_> = kept.map(|batch| (batch.base_offset, batch.last_offset(), batch.body.id())).collect();
            batches.reverse();
            logs.insert(name.clone(), FinalLog { start, batches });
        }
        let groups: Vec<Name> = plan.cluster.groups.iter().map(|group| group.name.as_str().into()).collect();
        match self.history.judge(&logs, &groups).into_iter().next() {
            Some(finding) => Err(Failure::History(finding)),
            None => Ok(()),
        }
    }
}

/// Who believes to lead a partition, in which epoch.
pub(super) fn leading<'a>(world: &'a World, name: &'a TopicPartition) -> impl Iterator<Item = (BrokerId, i32, &'a Partition)> {
    world.brokers().filter_map(move |(id, _, broker)| {
        let partition = broker?.replicas().get(name)?;
        Some((id, partition.leading.as_ref()?.epoch, partition))
    })
}

fn led_epoch(world: &World, name: &TopicPartition, broker: BrokerId) -> i32 {
    leading(world, name).find(|(id, ..)| *id == broker).map_or(-1, |(_, epoch, _)| epoch)
}

/// The partition's segment that was written to last and has bytes that are not on stable storage.
fn newest_unflushed(disk: &Disk, now: Time) -> Option<String> {
    let logs = disk.files().filter(|(path, _)| path.ends_with(LOG_SUFFIX) && !path.starts_with(METADATA_TOPIC));
    let unflushed = logs.filter_map(|(path, file)| {
        let last = file.extents().next_back()?;
        (file.flushed() < file.len() && last.written() + WRITEBACK > now).then(|| (last.written(), path.to_string()))
    });
    unflushed.max().map(|(_, path)| path)
}
