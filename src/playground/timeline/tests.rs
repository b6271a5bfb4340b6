//! A toy world under random load and faults: wherever one goes in time, the same run has the same digest.

use bytes::Bytes;

use super::*;
use crate::sim::engine::{Settings, Sim};
use crate::sim::fault::{Fault, FaultError, Occurrence};
use crate::sim::process::{Boot, CloseReason, ConnId, Frame, Input, Model, Outbox, Process, ProcessId};
use crate::sim::rng::Rng;

/// Hosts `a`, `b`, `c` send each other numbers and write them down.
#[derive(Clone, Debug)]
struct Toy;

#[derive(Clone, Debug)]
struct Number(u64);

impl Frame for Number {
    fn size_bytes(&self) -> u64 {
        100 + self.0 % 1_000
    }
}

#[derive(Clone, Debug, Hash, PartialEq)]
enum Happened {
    Sim(Occurrence),
    Told(u64),
    Got { number: u64, chunk: crate::sim::chunk::ChunkId, written: u64 },
    Lost(CloseReason),
}

impl From<Occurrence> for Happened {
    fn from(occurrence: Occurrence) -> Happened {
        Happened::Sim(occurrence)
    }
}

#[derive(Clone, Debug)]
struct Node {
    peers: Vec<String>,
    conns: Vec<ConnId>,
    next: Time,
    sum: u64,
}

impl Model for Toy {
    type Frame = Number;
    type Event = Happened;
    type Tell = u64;
    type Spec = Vec<String>;
    type Process = Node;

    fn boot(peers: &Vec<String>, _: &Boot) -> Node {
        Node { peers: peers.clone(), conns: Vec::new(), next: Time::ZERO, sum: 0 }
    }

    fn start_up(_: &Vec<String>) -> Duration {
        Duration::ms(5)
    }
}

impl Process<Toy> for Node {
    fn step(&mut self, now: Time, input: Input<Number, u64>, out: &mut Outbox<Number, Happened>) {
        match input {
            Input::Start => {
                out.listen(1);
                self.conns = self.peers.iter().map(|peer| out.connect(peer, 1)).collect();
                self.next = now + Duration::ms(1);
            }
            Input::Wake => {
                let n = out.rng().below(1_000);
                self.conns.iter().for_each(|&conn| out.send(conn, Number(n + self.sum % 7)));
                self.next = now + out.jittered(Duration::ms(1), Duration::ms(3));
            }
            Input::Frame(_, Number(number)) => {
                self.sum = self.sum.wrapping_mul(31).wrapping_add(number);
                let chunk = out.chunk(Bytes::copy_from_slice(&number.to_le_bytes()));
                let id = chunk.id();
                let _ = out.disk().append(now, "numbers", crate::sim::disk::Head::EMPTY, chunk);
                let written = out.disk().used_bytes();
                out.emit(Happened::Got { number: self.sum, chunk: id, written });
            }
            Input::Told(number) => {
                self.sum ^= number;
                out.emit(Happened::Told(number));
            }
            Input::Closed(conn, reason) => {
                out.emit(Happened::Lost(reason));
                if let Some(place) = self.conns.iter().position(|&c| c == conn) {
                    self.conns[place] = out.connect(&self.peers[place], 1);
                }
            }
            Input::Terminate => out.exit(0),
            Input::Connected(_) | Input::Accepted { .. } | Input::Read(..) => {}
        }
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.next)
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Order {
    Tell(u32, u64),
    Fault(Fault),
}

#[derive(Clone, Debug)]
struct ToyWorld(Sim<Toy>);

impl Replayable for ToyWorld {
    type Command = Order;
    type Event = Happened;
    type Refusal = FaultError;

    fn now(&self) -> Time {
        self.0.now()
    }

    fn next_event(&self) -> EventId {
        self.0.next_event()
    }

    fn step(&mut self, until: Time) -> bool {
        self.0.step(until)
    }

    fn wait(&mut self, until: Time) {
        self.0.run_until(until);
    }

    fn apply(&mut self, command: &Order) -> Result<(), FaultError> {
        match command {
            Order::Tell(to, number) => {
                self.0.tell(ProcessId(*to), *number);
                Ok(())
            }
            Order::Fault(fault) => self.0.inject(fault, None),
        }
    }

    fn take_events(&mut self) -> Vec<Recorded<Happened>> {
        self.0.take_events()
    }

    fn set_branch(&mut self, branch: u16) {
        self.0.set_branch(branch);
    }

    fn weight_bytes(&self) -> u64 {
        1_000
    }

    fn is_notable(event: &Happened) -> bool {
        !matches!(event, Happened::Got { .. })
    }

    fn describe(command: &Order) -> String {
        format!("{command:?}")
    }
}

/// Counts what it sees, so that a watcher that missed or doubled anything differs.
#[derive(Clone, Debug, Default, PartialEq)]
struct Count {
    events: u64,
    looks: u64,
    looked_at: Time,
}

impl Watcher<ToyWorld> for Count {
    fn event(&mut self, _: &Recorded<Happened>) {
        self.events += 1;
    }

    fn look(&mut self, world: &ToyWorld) {
        self.looks += 1;
        self.looked_at = world.now();
    }
}

type ToyTimeline = Timeline<ToyWorld, Count>;

const HOSTS: [&str; 3] = ["a", "b", "c"];

fn toy(seed: u64) -> ToyTimeline {
    let mut sim = Sim::new(Settings { seed, ..Settings::default() });
    for host in HOSTS {
        let peers = HOSTS.iter().filter(|peer| **peer != host).map(|peer| (*peer).to_owned()).collect();
        sim.spawn(host, host, peers, Duration::ZERO);
    }
    Timeline::new(ToyWorld(sim), Count::default())
}

fn random_order(rng: &mut Rng) -> Order {
    let host = |rng: &mut Rng| HOSTS[rng.below(3) as usize].to_owned();
    let (a, b) = (host(rng), host(rng));
    match rng.below(24) {
        0 => Order::Fault(Fault::Kill { host: a }),
        1 => Order::Fault(Fault::PowerCut { host: a }),
        2..=8 => Order::Fault(Fault::Start { host: a }),
        9 => Order::Fault(Fault::Pause { host: a }),
        10..=13 => Order::Fault(Fault::Resume { host: a }),
        14 => Order::Fault(Fault::Cut { a, b }),
        15..=16 => Order::Fault(Fault::HealAll),
        _ => Order::Tell(rng.below(3) as u32, rng.next_u64()),
    }
}

/// A run of `ms` milliseconds with something done every 40 or so.
fn busy(seed: u64, ms: u64) -> ToyTimeline {
    let mut timeline = toy(seed);
    let mut rng = Rng::derive(seed, "orders");
    while timeline.now() < Time::from_ms(ms) {
        let now = timeline.now();
        timeline.run_until((now + Duration::us(rng.below(80_000))).min(Time::from_ms(ms)));
        // What cannot be done is refused and changes nothing.
        let before = timeline.world().0.digest();
        if timeline.act(random_order(&mut rng)).is_err() {
            assert_eq!(timeline.world().0.digest(), before);
        }
    }
    timeline.run_until(Time::from_ms(ms + 1));
    timeline
}

/// All that must be equal for two runs to be the same.
fn state(timeline: &ToyTimeline) -> (u128, Time, EventId, Count) {
    let world = timeline.world();
    (world.0.digest(), world.now(), world.next_event(), timeline.watcher().clone())
}

#[test]
fn a_clone_that_runs_on_changes_nothing() {
    let mut timeline = busy(1, 500);
    let copy = timeline.clone();
    timeline.run_until(Time::from_ms(900));
    let after = state(&timeline);
    timeline = copy.clone();
    timeline.run_until(Time::from_ms(900));
    assert_eq!(state(&timeline), after);
}

#[test]
fn seeking_anywhere_and_forward_again_is_the_same_run() {
    for seed in 0..6 {
        let mut timeline = busy(seed, 9_000);
        assert!(timeline.checkpoint_count() > 1, "{} steps", timeline.end().steps);
        let end = state(&timeline);
        let known = timeline.chronicle().notable().count();
        let mut rng = Rng::derive(seed, "seeks");
        for _ in 0..12 {
            let to = Time(rng.below(timeline.end().at.0));
            timeline.seek(to);
            assert_eq!(timeline.now(), to, "seed {seed}");
            let there = state(&timeline);
            let on = (to + Duration::ms(400)).min(end.1);
            (0..3).for_each(|_| {
                timeline.run(on, 1 + rng.below(300));
            });
            timeline.seek(to);
            assert_eq!(state(&timeline), there, "seed {seed}: at {to} again");
        }
        timeline.seek(timeline.end().at);
        assert_eq!(state(&timeline), end, "seed {seed}");
        assert_eq!(timeline.chronicle().notable().count(), known);
        assert!(!timeline.is_rewound() && timeline.branches().next().is_none());
    }
}

#[test]
fn the_journal_alone_is_the_run() {
    let timeline = busy(7, 1_500);
    let mut again = toy(7);
    again = Timeline::replay(again.present.world, Count::default(), timeline.journal().clone(), timeline.end());
    again.run_until(timeline.now());
    assert_eq!(again.world().0.digest(), timeline.world().0.digest());
}

#[test]
fn acting_while_rewound_forks_and_the_old_future_can_be_had_back() {
    for seed in 20..26 {
        let mut timeline = busy(seed, 2_500);
        let old = state(&timeline);
        let old_events: Vec<EventId> = timeline.chronicle().notable().map(|event| event.id).collect();
        timeline.seek(Time::from_ms(700));
        let mut rng = Rng::derive(seed, "new orders");
        while timeline.act(random_order(&mut rng)).is_err() {}
        assert_eq!(timeline.branches().count(), 1);
        assert!(!timeline.is_rewound());
        assert!(timeline.chronicle().notable().all(|event| event.at <= timeline.now()));
        timeline.run_until(old.1);
        let new = state(&timeline);
        assert_ne!(new.0, old.0, "seed {seed}");

        // A second fork, off the first.
        timeline.seek(Time::from_ms(1_600));
        timeline.act(Order::Tell(0, 1)).unwrap();
        timeline.run_until(Time::from_ms(2_000));
        assert_eq!(timeline.branches().map(|branch| branch.id).collect::<Vec<_>>(), [0, 1]);

        timeline.switch_to(0).unwrap();
        assert_eq!(timeline.now(), Time::from_ms(700), "where the two part");
        timeline.seek(old.1);
        assert_eq!(state(&timeline), old, "seed {seed}: the first future");
        assert_eq!(timeline.chronicle().notable().map(|event| event.id).collect::<Vec<_>>(), old_events);
        timeline.switch_to(1).unwrap();
        timeline.seek(new.1);
        assert_eq!(state(&timeline), new, "seed {seed}: the second future");
        assert_eq!(timeline.switch_to(9), Err(Refused::NoSuchBranch));
    }
}

#[test]
fn futures_are_bounded() {
    let mut timeline = busy(3, 400);
    for n in 0..40 {
        timeline.run_until(Time::from_ms(600));
        timeline.seek(Time::from_ms(300));
        timeline.act(Order::Tell(1, n)).unwrap();
    }
    assert_eq!(timeline.branches().count(), branch::MAX_BRANCHES);
    assert_eq!(timeline.branch(), 40);
    timeline.seek(Time::ZERO);
    assert_eq!(timeline.now(), timeline.from());
}

#[test]
fn steps_to_the_next_event() {
    let mut timeline = busy(5, 300);
    let before = timeline.world().next_event();
    assert!(timeline.run_to_event(Time::from_ms(1_000)));
    assert!(timeline.world().next_event() > before);
    assert!(timeline.now() < Time::from_ms(400));
}
