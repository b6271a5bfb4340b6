//! Consumers in a group, against real brokers and their coordinator: does everything acknowledged reach the group, whoever dies?

use std::collections::BTreeMap;

use ottla::kafka::actor::{Config, HostPort, Input, Outbox, Tell};
use ottla::kafka::broker::BrokerSpec;
use ottla::kafka::broker::process::Broker;
use ottla::kafka::client::consumer::load::{ConsumerLoad, ConsumerProcess};
use ottla::kafka::client::producer::load::{KeyChoice, ProducerLoad, ProducerProcess, ValueChoice};
use ottla::kafka::controller::ControllerSpec;
use ottla::kafka::controller::process::Controller;
use ottla::kafka::event::{Event, Left};
use ottla::kafka::names::{BROKER_PORT, BrokerId, host_of};
use ottla::kafka::protocol::frame::Frame;
use ottla::sim::engine::{Settings, Sim};
use ottla::sim::fault::Fault;
use ottla::sim::process::{Boot, Model, Process, ProcessId, Recorded};
use ottla::sim::time::{Duration, Time};

#[derive(Clone, Debug)]
struct Cluster;

#[derive(Clone, Debug)]
enum Spec {
    Broker(BrokerSpec),
    Controller(ControllerSpec),
    Producer(ProducerLoad),
    Consumer(ConsumerLoad),
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)]
enum Role {
    Broker(Broker),
    Controller(Controller),
    Producer(ProducerProcess),
    Consumer(ConsumerProcess),
}

impl Model for Cluster {
    type Frame = Frame;
    type Event = Event;
    type Tell = Tell;
    type Spec = Spec;
    type Process = Role;

    fn boot(spec: &Spec, boot: &Boot) -> Role {
        match spec {
            Spec::Broker(spec) => Role::Broker(Broker::new(spec, boot)),
            Spec::Controller(spec) => Role::Controller(Controller::new(spec, boot)),
            Spec::Producer(load) => Role::Producer(ProducerProcess::new(load, boot)),
            Spec::Consumer(load) => Role::Consumer(ConsumerProcess::new(load, boot)),
        }
    }

    fn start_up(spec: &Spec) -> Duration {
        match spec {
            Spec::Broker(_) | Spec::Controller(_) => Duration::secs(3),
            Spec::Producer(_) | Spec::Consumer(_) => Duration::secs(1),
        }
    }
}

impl Process<Cluster> for Role {
    fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        match self {
            Role::Broker(broker) => broker.step(now, input, out),
            Role::Controller(controller) => controller.step(now, input, out),
            Role::Producer(producer) => producer.step(now, input, out),
            Role::Consumer(consumer) => consumer.step(now, input, out),
        }
    }

    fn next_wake(&self) -> Option<Time> {
        match self {
            Role::Broker(broker) => broker.next_wake(),
            Role::Controller(controller) => controller.next_wake(),
            Role::Producer(producer) => producer.next_wake(),
            Role::Consumer(consumer) => consumer.next_wake(),
        }
    }
}

struct World {
    sim: Sim<Cluster>,
    events: Vec<Recorded<Event>>,
}

impl World {
    /// Three brokers whose topics have six partitions on all of them.
    fn new(seed: u64) -> World {
        let mut sim = Sim::new(Settings { seed, ..Settings::default() });
        let (controller, cluster_id) = (BrokerId(100), "ottla".to_owned());
        let config: Config = [("num.partitions", "6"), ("default.replication.factor", "3"), ("min.insync.replicas", "2")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let (cluster, controllers) = (cluster_id.clone(), vec![controller]);
        let spec = ControllerSpec {
            id: controller,
            config: config.clone(),
            cluster_id: cluster,
            controllers,
            features: Default::default(),
            is_broker: false,
        };
        sim.spawn(&host_of(controller), "kafka-100", Spec::Controller(spec), Duration::ZERO);
        for id in (1..=3).map(BrokerId) {
            let spec = BrokerSpec {
                id,
                config: config.clone(),
                controllers: vec![controller],
                cluster_id: cluster_id.clone(),
                ..BrokerSpec::default()
            };
            sim.spawn(&host_of(id), &host_of(id), Spec::Broker(spec), Duration::ZERO);
        }
        let mut world = World { sim, events: Vec::new() };
        world.run_s(10);
        world
    }

    fn producer(&mut self, records_per_second: u32) {
        let load = ProducerLoad {
            name: "p".into(),
            topic: "orders".into(),
            records_per_second,
            key: KeyChoice::None,
            value: ValueChoice::Unique("order".into()),
            config: Config::new(),
            bootstrap: bootstrap(),
        };
        self.sim.spawn("p", "p", Spec::Producer(load), Duration::ZERO);
    }

    /// `settings`: which protocol and assignor.
    fn consumer(&mut self, client_id: &str, settings: How) -> ProcessId {
        let mut config = Config::from([("auto.offset.reset".to_owned(), "earliest".to_owned())]);
        config.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let load = ConsumerLoad {
            group: "g".into(),
            client_id: client_id.into(),
            topics: vec!["orders".into()],
            config,
            bootstrap: bootstrap(),
            record_cost: Duration::ZERO,
        };
        self.sim.spawn(client_id, client_id, Spec::Consumer(load), Duration::ZERO)
    }

    fn run_s(&mut self, seconds: u64) {
        let end = self.sim.now() + Duration::secs(seconds);
        self.sim.run_until(end);
        self.events.extend(self.sim.take_events());
    }

    fn process(&self, id: ProcessId) -> &ConsumerProcess {
        match self.sim.process(id) {
            Some(Role::Consumer(consumer)) => consumer,
            other => panic!("{id:?} is no running consumer: {other:?}"),
        }
    }

    /// The broker that last committed an offset.
    fn coordinator(&self) -> String {
        let last = self.events.iter().rev().find(|recorded| matches!(recorded.event, Event::OffsetCommitted { .. }));
        let process = last.expect("somebody committed").process.expect("a broker");
        let slot = self.sim.slot(process).expect("a process");
        self.sim.host_name(slot.host).to_owned()
    }

    /// By partition: how many records were acknowledged, and how often each offset was consumed.
    fn delivered(&self) -> (u64, BTreeMap<(i32, i64), u32>) {
        let (mut acked, mut read) = (0, BTreeMap::new());
        for recorded in &self.events {
            match &recorded.event {
                Event::BatchAcked { count, .. } => acked += u64::from(*count),
                Event::Consumed { partition, from, to, .. } => {
                    (*from..=*to).for_each(|offset| *read.entry((partition.partition, offset)).or_default() += 1);
                }
                _ => {}
            }
        }
        (acked, read)
    }

    /// Each offset without gaps, and not fewer than were acknowledged.
    fn assert_nothing_missing(&self) -> BTreeMap<(i32, i64), u32> {
        let (acked, read) = self.delivered();
        assert!(acked > 0 && read.len() as u64 >= acked, "{acked} acknowledged, {} consumed", read.len());
        for partition in 0..6 {
            let offsets: Vec<i64> = read.range((partition, 0)..(partition + 1, 0)).map(|((_, offset), _)| *offset).collect();
            assert!(offsets.iter().zip(0..).all(|(offset, expected)| *offset == expected), "gaps in partition {partition}");
        }
        read
    }
}

/// A consumer's settings that decide by which protocol its group is shared out.
type How = &'static [(&'static str, &'static str)];

const RANGE: How = &[];
const COOPERATIVE: How = &[("partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor")];
/// KIP-848.
const CONSUMER: How = &[("group.protocol", "consumer")];
const WAYS: [How; 3] = [RANGE, COOPERATIVE, CONSUMER];

fn bootstrap() -> Vec<HostPort> {
    (1..=3).map(|id| HostPort { host: host_of(BrokerId(id)), port: BROKER_PORT }).collect()
}

#[test]
fn two_members_read_all_that_is_produced_once() {
    WAYS.iter().for_each(|how| read_all_once(how));
}

fn read_all_once(how: How) {
    let mut world = World::new(1);
    world.producer(1_000);
    let members = ["c1", "c2"].map(|name| world.consumer(name, how));
    world.run_s(30);
    for member in members {
        assert_eq!(world.process(member).owned().count(), 3, "{:?}", world.process(member));
        assert!(world.process(member).consumed().records > 10_000);
    }
    // What was produced in the last moment may be on its way.
    let (acked, read) = world.delivered();
    assert!(acked > 20_000 && read.len() as u64 + 100 > acked, "{acked} acknowledged, {} consumed", read.len());
    assert!(read.values().all(|times| *times == 1));
    assert!(world.events.iter().any(|recorded| matches!(recorded.event, Event::OffsetCommitted { .. })));
}

#[test]
fn the_coordinators_death_costs_no_rebalance_and_no_record() {
    for (seed, how) in [(2, RANGE), (3, RANGE), (2, COOPERATIVE), (2, CONSUMER), (3, CONSUMER)] {
        let mut world = World::new(seed);
        world.producer(300);
        let members = ["c1", "c2"].map(|name| world.consumer(name, how));
        world.run_s(20);
        let ids = members.map(|member| world.process(member).member_id().cloned());
        let coordinator = world.coordinator();
        let assigned = |world: &World| world.events.iter().filter(|recorded| matches!(recorded.event, Event::Assigned { .. })).count();
        let before = assigned(&world);
        world.sim.inject(&Fault::Kill { host: coordinator.clone() }, None).unwrap();
        world.run_s(40);
        assert_ne!(world.coordinator(), coordinator, "seed {seed}");
        assert_eq!(members.map(|member| world.process(member).member_id().cloned()), ids, "seed {seed}");
        assert_eq!(assigned(&world), before, "seed {seed}: a rebalance");
        world.sim.inject(&Fault::Start { host: coordinator }, None).unwrap();
        world.run_s(20);
        world.sim.inject(&Fault::Stop { host: "p".into() }, None).unwrap();
        world.run_s(5);
        world.assert_nothing_missing();
    }
}

#[test]
fn a_killed_member_costs_a_session_and_no_record() {
    WAYS.iter().for_each(|how| survive_a_killed_member(how));
}

fn survive_a_killed_member(how: How) {
    let mut world = World::new(4);
    // Fast enough for the sticky partitioner to go round all partitions between two commits.
    world.producer(3_000);
    let survivor = world.consumer("c1", how);
    world.consumer("c2", how);
    // Between two commits (auto.commit.interval.ms is 5 s).
    world.run_s(22);
    world.sim.inject(&Fault::Kill { host: "c2".into() }, None).unwrap();
    world.run_s(60);
    world.sim.inject(&Fault::Stop { host: "p".into() }, None).unwrap();
    world.run_s(5);
    assert_eq!(world.process(survivor).owned().count(), 6);
    let expired =
        world.events.iter().find(|recorded| matches!(recorded.event, Event::MemberLeft { why: Left::SessionExpired, .. })).unwrap();
    assert!(!expired.blockers.is_empty(), "why? because its host was killed");
    let read = world.assert_nothing_missing();
    // At most what was read since the last commit, five seconds before, of half the partitions.
    let twice = read.values().filter(|times| **times > 1).count();
    assert!(twice > 0 && twice < 10_000, "{twice} records were read twice");
}

/// Who keeps a partition goes on reading it while others come and go.
#[test]
fn a_third_member_costs_those_before_it_only_what_it_gets() {
    for how in [COOPERATIVE, CONSUMER] {
        let mut world = World::new(6);
        world.producer(1_000);
        let members = ["c1", "c2"].map(|name| world.consumer(name, how));
        world.run_s(30);
        let owned = |world: &World, member| world.process(member).owned().map(|(partition, _)| partition.clone()).collect::<Vec<_>>();
        let before = members.map(|member| owned(&world, member));
        let third = world.consumer("c3", how);
        world.run_s(30);
        let after = members.map(|member| owned(&world, member));
        for (before, after) in before.iter().zip(&after) {
            assert_eq!((before.len(), after.len()), (3, 2));
            assert!(after.iter().all(|partition| before.contains(partition)), "{before:?} became {after:?}");
        }
        assert_eq!(owned(&world, third).len(), 2);
        world.sim.inject(&Fault::Stop { host: "p".into() }, None).unwrap();
        world.run_s(5);
        let read = world.assert_nothing_missing();
        // By the cooperative protocol what is read between the commit and the loss of a partition is read again.
        assert!(how != CONSUMER || read.values().all(|times| *times == 1), "committed before they went over");
    }
}

#[test]
fn an_idle_group_does_little() {
    let mut world = World::new(5);
    world.producer(1);
    world.consumer("c1", RANGE);
    world.consumer("c2", CONSUMER);
    world.run_s(20);
    let mut steps = 0;
    let end = world.sim.now() + Duration::secs(60);
    while world.sim.step(end) {
        steps += 1;
    }
    // Fetches, follower fetches and heartbeats of a minute; a process that wakes in a circle would have a hundred times as many.
    assert!(steps < 40_000, "{steps} steps in a minute");
}
