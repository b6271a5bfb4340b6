//! Carrying a plan out: faults at their times, the invariants after every step, then calm, and the history's judgement.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::legal::Circumstance;
use super::plan::{Act, CHAOS, Outage, Plan, Step};
use crate::kafka::broker::partition::Partition;
use crate::kafka::client::producer::config::{Acks, ProducerConfig};
use crate::kafka::event::Event;
use crate::kafka::log::file_name::LOG_SUFFIX;
use crate::kafka::metadata::record::TOPIC_RESOURCE;
use crate::kafka::names::{BrokerId, METADATA_TOPIC, Name, TopicPartition, host_of};
use crate::playground::build::{BuildError, Machine};
use crate::playground::command::Command;
use crate::playground::history::whole::{FinalLog, Finding, Promise, WholeHistory};
use crate::playground::invariants::{Invariants, Violation};
use crate::playground::model::Spec;
use crate::playground::timeline::Replayable;
use crate::playground::world::World;
use crate::sim::disk::{Disk, WRITEBACK};
use crate::sim::engine::{Settings, State};
use crate::sim::fault::Fault;
use crate::sim::process::Recorded;
use crate::sim::time::{Duration, Time};

/// After the faults producers go on for so long.
const AFTERMATH: Duration = Duration::secs(3);
/// So long at most until all is quiet: replicas in sync, everything read.
const PATIENCE: Duration = Duration::secs(60);
const LOOK_EVERY: Duration = Duration::ms(250);

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub steps: u64,
    pub events: u64,
    pub acked: u64,
    /// Elections that may have lost something.
    pub losses: u64,
    pub digest: u128,
    pub took: Duration,
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
        by_hand: false,
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
    for (at, session, deed) in deeds(&plan.steps) {
        run.until(start + at)?;
        run.carry_out(session, &deed)?;
    }
    run.until(start + CHAOS)?;
    run.calm_down(plan)?;
    run.judge(plan)?;
    run.done.digest = run.world.digest();
    run.done.took = Duration(run.world.now().0);
    Ok(run.done)
}

/// What is done at one moment.
#[derive(Clone, Debug)]
enum Deed {
    Fault(Fault),
    Type(String),
    /// Of what was not flushed on that host.
    Flip(String),
}

/// All deeds in the order of their times, with the number of their step.
fn deeds(steps: &[(u32, Step)]) -> Vec<(Duration, u32, Deed)> {
    let mut deeds = Vec::new();
    for (n, step) in steps {
        let (from, to) = (step.at, step.at + step.lasts);
        let mut add = |at: Duration, fault: Fault| deeds.push((at, *n, Deed::Fault(fault)));
        match step.act.clone() {
            Act::Outage { host, how: Outage::Kill } => {
                add(from, Fault::Kill { host: host.clone() });
                add(to, Fault::Start { host });
            }
            Act::Outage { host, how: Outage::PowerCut } => {
                add(from, Fault::PowerCut { host: host.clone() });
                add(to, Fault::Start { host });
            }
            Act::Outage { host, how: Outage::KillAndFlip } => {
                add(from, Fault::Kill { host: host.clone() });
                add(to, Fault::Start { host: host.clone() });
                deeds.push((from, *n, Deed::Flip(host)));
            }
            Act::Outage { host, how: Outage::Stop } => {
                add(from, Fault::Stop { host: host.clone() });
                add(to, Fault::Start { host });
            }
            Act::Outage { host, how: Outage::Pause } => {
                add(from, Fault::Pause { host: host.clone() });
                add(to, Fault::Resume { host });
            }
            Act::Cut { a, b, one_way: false } => {
                add(from, Fault::Cut { a: a.clone(), b: b.clone() });
                add(to, Fault::Heal { a, b });
            }
            Act::Cut { a, b, one_way: true } => {
                add(from, Fault::CutOneWay { from: a.clone(), to: b.clone() });
                add(to, Fault::HealOneWay { from: a, to: b });
            }
            Act::Lose { a, b, permille } => {
                add(from, Fault::Lose { a: a.clone(), b: b.clone(), permille });
                add(to, Fault::Lose { a, b, permille: 0 });
            }
            Act::SlowDisk { host, delay_us } => {
                add(from, Fault::SlowDisk { host: host.clone(), delay_us });
                add(to, Fault::SlowDisk { host, delay_us: 0 });
            }
            Act::FullDisk { host } => {
                add(from, Fault::FillDisk { host: host.clone() });
                add(to, Fault::FreeDisk { host: host.clone() });
                add(to, Fault::Start { host });
            }
            Act::SkewClock { host, ms } => {
                add(from, Fault::SkewClock { host: host.clone(), ms });
                add(to, Fault::SkewClock { host, ms: 0 });
            }
            Act::Type(line) => deeds.push((from, *n, Deed::Type(line))),
        }
    }
    deeds.retain(|(at, ..)| *at <= CHAOS);
    // Stable: deeds of one moment stay in the order of their steps.
    deeds.sort_by_key(|(at, ..)| *at);
    deeds
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
    /// Somebody asked for an unclean election.
    by_hand: bool,
    done: Done,
    watch: &'a mut dyn FnMut(Duration, &Recorded<Event>),
}

impl Run<'_> {
    fn until(&mut self, until: Time) -> Result<(), Failure> {
        while self.world.step(until) {
            self.done.steps += 1;
            let events = if self.world.sim().has_events() { self.world.take_events() } else { Vec::new() };
            self.take_note(&events);
            self.invariants.look(&self.world, &events).map_err(Failure::Invariant)?;
        }
        self.world.wait(until);
        Ok(())
    }

    /// After something was done from outside.
    fn observe(&mut self) -> Result<(), Failure> {
        let events = self.world.take_events();
        self.take_note(&events);
        self.invariants.look(&self.world, &events).map_err(Failure::Invariant)?;
        self.invariants.look_at_all(&self.world).map_err(Failure::Invariant)
    }

    fn take_note(&mut self, events: &[Recorded<Event>]) {
        for recorded in events {
            (self.watch)(recorded.at.since(self.start), recorded);
            self.done.events += 1;
            match &recorded.event {
                Event::LeaderElected { partition, leader: Some(leader), leader_epoch, unclean, .. } => {
                    self.elected(partition, *leader, *leader_epoch, *unclean);
                }
                Event::BatchAcked { count, .. } => self.done.acked += u64::from(*count),
                Event::ConfigChanged { name, value: Some(value), .. } if &**name == "min.insync.replicas" => {
                    self.min_isr = self.min_isr.min(value.parse().unwrap_or(1));
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
        if !unclean && !decided.recovering {
            return;
        }
        let config = image.configs(TOPIC_RESOURCE, &name.topic);
        let enabled = config.get("unclean.leader.election.enable").is_some_and(|value| value == "true");
        let all_stopped = self.unclean.len() >= self.min_isr.min(decided.replicas.len());
        let why = if enabled || self.by_hand {
            Circumstance::UncleanElection
        } else if all_stopped && self.lost_disk.contains(&host_of(leader)) {
            Circumstance::DisksLost
        } else {
            return;
        };
        self.done.losses += 1;
        self.invariants.forgive(name, leader_epoch);
        self.history.may_have_lost(name, why, leader_epoch);
    }

    fn carry_out(&mut self, step: u32, deed: &Deed) -> Result<(), Failure> {
        // A fault that makes no sense now (a kill of what is down) does nothing.
        match deed {
            Deed::Fault(fault) => self.fault(fault),
            Deed::Flip(host) => {
                let now = self.world.now();
                let path = self.world.sim().host(host).and_then(|host| newest_unflushed(&host.disk, now));
                if let Some(path) = path {
                    self.fault(&Fault::FlipBit { host: host.clone(), path });
                }
            }
            Deed::Type(line) => {
                self.by_hand |= line.contains("--election-type unclean");
                let _ = self.world.apply(&Command::Line { session: step % 16, text: line.clone() });
            }
        }
        self.observe()
    }

    fn fault(&mut self, fault: &Fault) {
        if self.world.apply(&Command::Fault(fault.clone())).is_err() {
            return;
        }
        match fault {
            Fault::Kill { host } | Fault::FillDisk { host } => drop(self.unclean.insert(host.clone())),
            Fault::PowerCut { host } | Fault::FlipBit { host, .. } => {
                self.unclean.insert(host.clone());
                self.lost_disk.insert(host.clone());
            }
            _ => {}
        }
    }

    /// Everything is mended and started; the producers end; until all is quiet.
    fn calm_down(&mut self, plan: &Plan) -> Result<(), Failure> {
        self.fault(&Fault::HealAll);
        let hosts: Vec<String> = self.world.sim().hosts().map(|host| host.name.clone()).collect();
        for host in &hosts {
            self.fault(&Fault::Resume { host: host.clone() });
            self.fault(&Fault::FreeDisk { host: host.clone() });
            self.fault(&Fault::SlowDisk { host: host.clone(), delay_us: 0 });
            self.fault(&Fault::SkewClock { host: host.clone(), ms: 0 });
        }
        self.start_servers();
        self.observe()?;
        self.until(self.world.now() + AFTERMATH)?;
        for producer in &plan.cluster.producers {
            self.fault(&Fault::Stop { host: producer.name.clone() });
        }
        let patience_ends = self.world.now() + PATIENCE;
        while let Some(missing) = self.missing(plan) {
            if self.world.now() >= patience_ends {
                return Err(Failure::Stuck(missing));
            }
            self.until(self.world.now() + LOOK_EVERY)?;
            // A server may have ended only now: a stop that took its time, a disk that was full.
            self.start_servers();
        }
        Ok(())
    }

    fn start_servers(&mut self) {
        let is_down = |state| matches!(state, State::Killed | State::PoweredOff | State::Exited(_));
        let servers = self.world.sim().slots().filter(|slot| matches!(slot.spec, Spec::Broker(_) | Spec::Controller(_)));
        let down: Vec<String> = servers.filter(|slot| is_down(slot.state)).map(|slot| slot.name.clone()).collect();
        for host in down {
            self.fault(&Fault::Start { host });
        }
    }

    /// What is not yet as it should be, with nothing broken any more.
    fn missing(&self, plan: &Plan) -> Option<String> {
        let world = &self.world;
        let Some(controller) = world.controller() else { return Some("no controller".into()) };
        let image = &controller.state().image;
        for (topic, n, registration) in image.partitions() {
            let name = TopicPartition { topic: topic.name.clone(), partition: n };
            let Some(leader) = registration.leader() else { return Some(format!("{name} has no leader: {registration:?}")) };
            if registration.isr.len() != registration.replicas.len() || registration.is_reassigning() {
                return Some(format!("{name} is not in sync: {registration:?}"));
            }
            let led = leading(world, &name).find(|(id, epoch, _)| id.0 == leader && *epoch == registration.leader_epoch);
            let Some((.., partition)) = led else { return Some(format!("{leader} does not lead {name}")) };
            let (end, high_watermark) = (partition.log.log_end_offset(), partition.high_watermark);
            if high_watermark != end {
                return Some(format!("the high watermark of {name} is {high_watermark}, and its log ends at {end}"));
            }
        }
        let ended = |state: State| matches!(state, State::Exited(_) | State::Killed);
        let producing = world.sim().slots().find(|slot| matches!(slot.spec, Spec::Producer(_)) && !ended(slot.state));
        if let Some(slot) = producing {
            return Some(format!("{} has not ended", slot.name));
        }
        plan.cluster.groups.iter().find_map(|group| self.unread(&group.topics))
    }

    /// A partition that its group has not read to the end.
    fn unread(&self, topics: &[String]) -> Option<String> {
        for (_, load, consumer) in self.world.consumers() {
            if let Some(error) = consumer.and_then(|consumer| consumer.failed()) {
                return Some(format!("{} failed: {error}", load.client_id));
            }
        }
        let mut positions: BTreeMap<&TopicPartition, i64> = BTreeMap::new();
        for (_, _, consumer) in self.world.consumers() {
            for (name, position) in consumer.into_iter().flat_map(|consumer| consumer.owned()) {
                positions.insert(name, position.unwrap_or(-1));
            }
        }
        let controller = self.world.controller()?;
        for (topic, n, _) in controller.state().image.partitions().filter(|(topic, ..)| topics.iter().any(|name| **name == *topic.name)) {
            let name = TopicPartition { topic: topic.name.clone(), partition: n };
            let end = leading(&self.world, &name).map(|(.., partition)| partition.high_watermark).max()?;
            match positions.get(&name) {
                Some(position) if *position == end => {}
                Some(position) => return Some(format!("the group is at {position} of {name}, which ends at {end}")),
                None => return Some(format!("nobody of the group reads {name}")),
            }
        }
        None
    }

    fn judge(&mut self, plan: &Plan) -> Result<(), Failure> {
        let Some(controller) = self.world.controller() else { return Ok(()) };
        let mut logs = BTreeMap::new();
        for (topic, n, _) in controller.state().image.partitions() {
            let name = TopicPartition { topic: topic.name.clone(), partition: n };
            let Some((.., led)) = leading(&self.world, &name).max_by_key(|(_, epoch, _)| *epoch) else { continue };
            let mut batches: Vec<_> =
                led.log.tail(i64::MAX).map(|batch| (batch.base_offset, batch.last_offset(), batch.body.id())).collect();
            batches.reverse();
            logs.insert(name.clone(), FinalLog { start: led.log.log_start_offset(), batches });
        }
        let groups: Vec<Name> = plan.cluster.groups.iter().map(|group| group.name.as_str().into()).collect();
        match self.history.judge(&logs, &groups).into_iter().next() {
            Some(finding) => Err(Failure::History(finding)),
            None => Ok(()),
        }
    }
}

/// Who believes to lead a partition, in which epoch.
fn leading<'a>(world: &'a World, name: &'a TopicPartition) -> impl Iterator<Item = (BrokerId, i32, &'a Partition)> {
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
