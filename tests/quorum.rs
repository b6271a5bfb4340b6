//! The metadata quorum under random faults: the invariants of Kafka's own `RaftEventSimulationTest`, after every step.

use std::collections::BTreeMap;

use ottla::kafka::actor::{Input, Outbox, Tell};
use ottla::kafka::controller::ControllerSpec;
use ottla::kafka::controller::process::Controller;
use ottla::kafka::event::{Event, QuorumRole};
use ottla::kafka::names::{BrokerId, host_of};
use ottla::kafka::protocol::frame::Frame;
use ottla::playground::command::Command;
use ottla::playground::invariants::quorum::QuorumInvariants;
use ottla::playground::spec::ClusterSpec;
use ottla::playground::timeline::Replayable;
use ottla::playground::world::World;
use ottla::sim::engine::{Settings, Sim, State};
use ottla::sim::fault::Fault;
use ottla::sim::process::{Boot, Model, Process};
use ottla::sim::rng::Rng;
use ottla::sim::time::{Duration, Time};

#[derive(Clone, Debug)]
struct Quorum;

#[derive(Clone, Debug)]
struct Node(Controller);

impl Model for Quorum {
    type Frame = Frame;
    type Event = Event;
    type Tell = Tell;
    type Spec = ControllerSpec;
    type Process = Node;

    fn boot(spec: &ControllerSpec, boot: &Boot) -> Node {
        Node(Controller::new(spec, boot))
    }

    fn start_up(_: &ControllerSpec) -> Duration {
        Duration::ms(500)
    }
}

impl Process<Quorum> for Node {
    fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        self.0.step(now, input, out);
    }

    fn next_wake(&self) -> Option<Time> {
        self.0.next_wake()
    }
}

/// Looks at every node after every step.
fn look(checker: &mut QuorumInvariants, sim: &Sim<Quorum>) -> Result<(), String> {
    for slot in sim.slots() {
        let Some(node) = &slot.process else {
            if let State::Exited(_) = slot.state {
                checker.ended(slot.spec.id);
            }
            continue;
        };
        let looked = checker.look(slot.spec.id, slot.incarnation, node.0.raft());
        looked.map_err(|(invariant, why)| format!("{invariant:?}: {why}"))?;
    }
    Ok(())
}

/// Snapshots are taken often, and little of the log is kept.
const FREQUENT_SNAPSHOTS: [(&str, &str); 3] = [
    ("metadata.log.max.record.bytes.between.snapshots", "1500"),
    ("metadata.max.retention.bytes", "3000"),
    ("internal.metadata.log.segment.bytes", "700"),
];

fn quorum(voters: i32, seed: u64, settings: &[(&str, &str)]) -> Sim<Quorum> {
    let mut sim = Sim::new(Settings { seed, ..Settings::default() });
    let controllers: Vec<BrokerId> = (1..=voters).map(BrokerId).collect();
    for &id in &controllers {
        // Something is written all the time.
        let all = [("metadata.max.idle.interval.ms", "40")].iter().chain(settings);
        let config = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let spec = ControllerSpec {
            id,
            config,
            cluster_id: "c".into(),
            controllers: controllers.clone(),
            features: BTreeMap::new(),
            is_broker: false,
        };
        sim.spawn(&host_of(id), &host_of(id), spec, Duration::ZERO);
    }
    sim
}

/// One of the things that can go wrong, or right again.
fn fault(rng: &mut Rng, voters: u64) -> Fault {
    let mut any = || host_of(BrokerId(1 + rng.below(voters) as i32));
    let (a, b) = (any(), any());
    match rng.below(16) {
        0 | 1 => Fault::Kill { host: a },
        2 => Fault::PowerCut { host: a },
        3 => Fault::Stop { host: a },
        4..=6 => Fault::Start { host: a },
        7 => Fault::Pause { host: a },
        8 | 9 => Fault::Resume { host: a },
        10 | 11 => Fault::Cut { a, b },
        12 => Fault::CutOneWay { from: a, to: b },
        _ => Fault::HealAll,
    }
}

/// Everything is mended and runs.
fn mend(sim: &mut Sim<Quorum>) {
    let _ = sim.inject(&Fault::HealAll, None);
    let down: Vec<(String, State)> = sim.slots().map(|slot| (sim.host_name(slot.host).to_owned(), slot.state)).collect();
    for (host, state) in down {
        let fault = if state == State::Paused { Fault::Resume { host } } else { Fault::Start { host } };
        let _ = sim.inject(&fault, None);
    }
}

fn run_until(sim: &mut Sim<Quorum>, checker: &mut QuorumInvariants, until: Time) -> Result<(), String> {
    // A fault may be a step, too: who goes on after a pause does at once what waited for it.
    look(checker, sim).map_err(|what| format!("at {}: {what}", sim.now()))?;
    while sim.step(until) {
        look(checker, sim).map_err(|what| format!("at {}: {what}", sim.now()))?;
    }
    sim.run_until(until);
    drop(sim.take_events());
    Ok(())
}

/// Faults for a minute, then none: the invariants hold all the time, and in the end there is one leader whom all follow, and what it writes is
/// committed.
fn check(voters: i32, seed: u64, settings: &[(&str, &str)]) -> Result<(), String> {
    let mut sim = quorum(voters, seed, settings);
    let mut checker = QuorumInvariants::default();
    let mut rng = Rng::derive(seed, "faults");
    run_until(&mut sim, &mut checker, Time::from_ms(5_000))?;
    while sim.now() < Time::from_ms(60_000) {
        // What cannot be done (to start what runs) is not.
        let _ = sim.inject(&fault(&mut rng, voters as u64), None);
        let next = sim.now() + Duration::ms(50 + rng.below(1_500));
        run_until(&mut sim, &mut checker, next)?;
    }
    mend(&mut sim);
    // A start that was asked for while the process still stopped comes to nothing.
    let now = sim.now();
    run_until(&mut sim, &mut checker, now + Duration::secs(6))?;
    mend(&mut sim);
    run_until(&mut sim, &mut checker, now + Duration::secs(26))?;
    let nodes: Vec<_> = sim.slots().filter_map(|slot| Some(slot.process.as_ref()?.0.raft())).collect();
    let leaders = nodes.iter().filter(|raft| raft.quorum_role() == QuorumRole::Leader).count();
    let following = nodes.iter().filter(|raft| raft.quorum_role() == QuorumRole::Follower).count();
    if (leaders, following) != (1, voters as usize - 1) {
        return Err(format!(
            "in the end {leaders} lead and {following} follow: {:?}",
            nodes.iter().map(|r| (r.quorum_role(), r.epoch())).collect::<Vec<_>>()
        ));
    }
    let before = checker.high_watermark();
    run_until(&mut sim, &mut checker, now + Duration::secs(28))?;
    if checker.high_watermark() <= before {
        return Err(format!("nothing is committed any more after {before}"));
    }
    all_know_the_same(&sim)
}

/// Whether a node took what it knows from the log or from a snapshot, it is the same.
fn all_know_the_same(sim: &Sim<Quorum>) -> Result<(), String> {
    let known: Vec<_> = sim.slots().filter_map(|slot| Some(slot.process.as_ref()?.0.controller().image().records())).collect();
    if known.iter().any(|records| records.len() < 7 || *records != known[0]) {
        return Err(format!("the images differ: {known:#?}"));
    }
    Ok(())
}

fn check_seeds(voters: i32, seeds: std::ops::Range<u64>, settings: &[(&str, &str)]) {
    let failed: Vec<String> =
        seeds.filter_map(|seed| Some(format!("{voters} voters, seed {seed}: {}", check(voters, seed, settings).err()?))).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn three_voters_hold_the_invariants_under_random_faults() {
    check_seeds(3, 0..40, &[]);
}

#[test]
fn five_voters_hold_the_invariants_under_random_faults() {
    check_seeds(5, 0..20, &[]);
}

#[test]
fn the_leader_is_killed_and_another_goes_on_with_what_was_committed() {
    let mut sim = quorum(3, 7, &[]);
    let mut checker = QuorumInvariants::default();
    run_until(&mut sim, &mut checker, Time::from_ms(8_000)).unwrap();
    let leader = |sim: &Sim<Quorum>| {
        let leads = |node: &&Node| node.0.raft().quorum_role() == QuorumRole::Leader;
        sim.slots().filter_map(|slot| slot.process.as_ref()).find(leads).map(|node| (node.0.id(), node.0.epoch()))
    };
    let (first, epoch) = leader(&sim).unwrap();
    let committed = checker.high_watermark();
    assert!(committed > 10);
    sim.inject(&Fault::Kill { host: host_of(first) }, None).unwrap();
    run_until(&mut sim, &mut checker, Time::from_ms(16_000)).unwrap();
    let (second, later) = leader(&sim).unwrap();
    assert!(second != first && later > epoch);
    assert!(checker.high_watermark() > committed + 10);
    // A controller that stops in an orderly way hands over within a moment.
    sim.inject(&Fault::Stop { host: host_of(second) }, None).unwrap();
    sim.inject(&Fault::Start { host: host_of(first) }, None).unwrap();
    run_until(&mut sim, &mut checker, Time::from_ms(20_000)).unwrap();
    assert!(leader(&sim).is_some_and(|(third, _)| third != second));
}

#[test]
fn a_voter_that_was_cut_off_does_not_disturb_the_others() {
    let mut sim = quorum(3, 11, &[]);
    let mut checker = QuorumInvariants::default();
    run_until(&mut sim, &mut checker, Time::from_ms(8_000)).unwrap();
    let epochs = |sim: &Sim<Quorum>| sim.slots().filter_map(|slot| Some(slot.process.as_ref()?.0.epoch())).collect::<Vec<_>>();
    let before = epochs(&sim);
    let leads = |node: &&Node| node.0.raft().quorum_role() == QuorumRole::Leader;
    let leader = sim.slots().filter_map(|slot| slot.process.as_ref()).find(leads).unwrap().0.id();
    let lonely = (1..=3).map(BrokerId).find(|id| *id != leader).unwrap();
    for other in (1..=3).map(BrokerId).filter(|id| *id != lonely) {
        sim.inject(&Fault::Cut { a: host_of(lonely), b: host_of(other) }, None).unwrap();
    }
    run_until(&mut sim, &mut checker, Time::from_ms(30_000)).unwrap();
    sim.inject(&Fault::HealAll, None).unwrap();
    run_until(&mut sim, &mut checker, Time::from_ms(45_000)).unwrap();
    assert_eq!(epochs(&sim), before);
}

/// A node that cannot write the metadata log ends, whether it leads, follows, or has just been elected.
#[test]
fn a_node_with_a_full_disk_ends() {
    let state = |sim: &Sim<Quorum>, id: BrokerId| sim.slots().find(|slot| slot.spec.id == id).map(|slot| slot.state);
    let mut sim = quorum(3, 3, &[]);
    let mut checker = QuorumInvariants::default();
    run_until(&mut sim, &mut checker, Time::from_ms(8_000)).unwrap();
    let follows = |node: &&Node| node.0.raft().quorum_role() == QuorumRole::Follower;
    let follower = sim.slots().filter_map(|slot| slot.process.as_ref()).find(follows).unwrap().0.id();
    sim.inject(&Fault::FillDisk { host: host_of(follower) }, None).unwrap();
    run_until(&mut sim, &mut checker, Time::from_ms(9_000)).unwrap();
    assert_eq!(state(&sim, follower), Some(State::Exited(1)));

    let (alone, mut checker) = (BrokerId(1), QuorumInvariants::default());
    let mut sim = quorum(1, 4, &[]);
    run_until(&mut sim, &mut checker, Time::from_ms(5_000)).unwrap();
    sim.inject(&Fault::Kill { host: host_of(alone) }, None).unwrap();
    sim.inject(&Fault::FillDisk { host: host_of(alone) }, None).unwrap();
    sim.inject(&Fault::Start { host: host_of(alone) }, None).unwrap();
    run_until(&mut sim, &mut checker, Time::from_ms(12_000)).unwrap();
    assert_eq!(state(&sim, alone), Some(State::Exited(1)));
}

/// A vote that is not on the disk would be forgotten by a restart, and given again: who cannot store it gives none, and ends
/// (`FileQuorumStateStore` fails in the thread of the raft client, whose fault handler halts the process).
#[test]
fn a_voter_that_cannot_store_its_vote_does_not_give_it() {
    let mut asked = 0;
    let (full, broken) = (|host| Fault::FillDisk { host }, |host| Fault::BreakDisk { host, folder: String::new() });
    for (fault, which) in [(full as fn(String) -> Fault, 0), (full, 1), (broken, 0), (broken, 1)] {
        let mut sim = quorum(3, 5, &[]);
        run_until(&mut sim, &mut QuorumInvariants::default(), Time::from_ms(8_000)).unwrap();
        let nodes = |wanted| -> Vec<BrokerId> {
            let is = |node: &&Node| node.0.raft().quorum_role() == wanted;
            sim.slots().filter_map(|slot| slot.process.as_ref()).filter(is).map(|node| node.0.id()).collect()
        };
        let (leader, followers) = (nodes(QuorumRole::Leader)[0], nodes(QuorumRole::Follower));
        let (voter, other) = (followers[which], followers[1 - which]);
        // The leader goes, and one of the two asks at once for the other's vote.
        sim.inject(&Fault::Stop { host: host_of(leader) }, None).unwrap();
        sim.inject(&fault(host_of(voter)), None).unwrap();
        sim.run_until(Time::from_ms(8_300));
        let events: Vec<Event> = sim.take_events().into_iter().map(|recorded| recorded.event).collect();
        let comes_forward = |event: &&Event| matches!(event, Event::QuorumRoleChanged { role: QuorumRole::Candidate, .. });
        let Some(Event::QuorumRoleChanged { node: first, .. }) = events.iter().find(comes_forward) else { panic!("nobody came forward") };
        asked += u32::from(*first == other);
        let gave = |event: &Event| matches!(event, Event::VoteCast { voter: by, granted: true, pre_vote: false, .. } if *by == voter);
        assert!(!events.iter().any(gave), "{events:?}");
        let state = sim.slots().find(|slot| slot.spec.id == voter).map(|slot| slot.state);
        assert_eq!(state, Some(State::Exited(1)));
    }
    assert!(asked > 0, "it was asked for its vote");
}

/// A broker that has lost its leader asks one of the controllers at random, not for ever the one that it happens to be connected to.
#[test]
fn a_broker_that_was_paused_hears_of_what_is_committed_again() {
    let spec = ClusterSpec { controllers: 3, ..ClusterSpec::default() };
    for seed in 0..6 {
        let mut world = World::build(&spec, seed).unwrap();
        world.apply(&Command::Fault(Fault::Pause { host: "kafka-1".into() })).unwrap();
        world.wait(world.now() + Duration::secs(6));
        world.apply(&Command::Fault(Fault::Resume { host: "kafka-1".into() })).unwrap();
        world.wait(world.now() + Duration::secs(10));
        let committed = world.controller().and_then(|controller| controller.raft.high_watermark()).unwrap();
        let applied = world.brokers().find_map(|(id, _, broker)| Some(broker?.metadata().next_offset).filter(|_| id == BrokerId(1)));
        assert!(applied.is_some_and(|applied| applied + 3 > committed), "seed {seed}: {applied:?} of {committed}");
    }
}

#[test]
fn with_snapshots_the_invariants_hold_as_well() {
    check_seeds(3, 100..140, &FREQUENT_SNAPSHOTS);
}

/// KIP-630: a voter that was away for so long that the log no longer has what it lacks begins anew with the leader's snapshot; and a node that
/// starts reads its own.
#[test]
fn who_is_too_far_behind_fetches_a_snapshot() {
    let mut sim = quorum(3, 5, &FREQUENT_SNAPSHOTS);
    let mut checker = QuorumInvariants::default();
    run_until(&mut sim, &mut checker, Time::from_ms(8_000)).unwrap();
    let raft_of =
        |sim: &Sim<Quorum>, id: i32| sim.slots().find(|slot| slot.spec.id.0 == id).unwrap().process.as_ref().unwrap().0.raft().clone();
    let follower = (1..=3).find(|id| raft_of(&sim, *id).quorum_role() != QuorumRole::Leader).unwrap();
    sim.inject(&Fault::Kill { host: host_of(BrokerId(follower)) }, None).unwrap();
    // The cleaner comes once a minute.
    run_until(&mut sim, &mut checker, Time::from_ms(140_000)).unwrap();
    sim.inject(&Fault::Start { host: host_of(BrokerId(follower)) }, None).unwrap();
    run_until(&mut sim, &mut checker, Time::from_ms(150_000)).unwrap();
    let raft = raft_of(&sim, follower);
    let log = raft.log().unwrap();
    let (start, snapshot) = (log.log_start_offset(), raft.latest_snapshot().unwrap());
    assert!(start > 1_000 && snapshot.end_offset >= start, "{start} {snapshot:?}");
    assert_eq!(log.segments().next().unwrap().base_offset, start, "its log began anew there");
    for id in (1..=3).filter(|id| *id != follower) {
        let log = raft_of(&sim, id);
        let log = log.log().unwrap();
        let first = log.segments().next().unwrap().base_offset;
        assert!(first > 0 && first <= log.log_start_offset() && log.size_bytes() < 150_000, "segments before the start are gone");
    }
    all_know_the_same(&sim).unwrap();
    for id in 1..=3 {
        sim.inject(&Fault::PowerCut { host: host_of(BrokerId(id)) }, None).unwrap();
    }
    for id in 1..=3 {
        sim.inject(&Fault::Start { host: host_of(BrokerId(id)) }, None).unwrap();
    }
    run_until(&mut sim, &mut checker, Time::from_ms(165_000)).unwrap();
    all_know_the_same(&sim).unwrap();
}
