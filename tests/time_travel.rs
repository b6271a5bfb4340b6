//! Is it the same run wherever one goes in it? Three brokers under load, with faults.

use ottla::kafka::event::{Event, Fenced};
use ottla::kafka::names::BrokerId;
use ottla::playground::command::Command;
use ottla::playground::load::{self, LoadedTimeline};
use ottla::playground::snapshot::{NodeState, Snapshot};
use ottla::playground::timeline::Replayable;
use ottla::playground::view::{Detail, Viewer};
use ottla::playground::why;
use ottla::sim::fault::Fault;
use ottla::sim::rng::Rng;
use ottla::sim::time::{Duration, Time};

fn kill(host: &str) -> Command {
    Command::Fault(Fault::Kill { host: host.into() })
}

fn start(host: &str) -> Command {
    Command::Fault(Fault::Start { host: host.into() })
}

fn run_for(timeline: &mut LoadedTimeline, seconds: u64) {
    timeline.run_until(timeline.now() + Duration::secs(seconds));
}

/// The lesson's cluster with a broker killed after two seconds and started again later.
fn with_a_kill(seed: u64) -> LoadedTimeline {
    let mut timeline = load::lesson(seed).unwrap();
    run_for(&mut timeline, 2);
    timeline.act(kill("kafka-1")).unwrap();
    run_for(&mut timeline, 13);
    timeline.act(start("kafka-1")).unwrap();
    run_for(&mut timeline, 6);
    timeline
}

/// All that must be equal: the digest, and what a person sees.
fn state(timeline: &LoadedTimeline) -> (u128, Snapshot) {
    let snapshot = Viewer::default().snapshot(timeline.world(), timeline.watcher(), Detail::Stage);
    (timeline.world().digest(), snapshot)
}

#[test]
fn going_back_and_running_again_is_the_same_run() {
    let mut timeline = with_a_kill(1);
    let copy = timeline.clone();
    run_for(&mut timeline, 1);
    let later = state(&timeline);
    timeline = copy;
    run_for(&mut timeline, 1);
    assert!(state(&timeline) == later, "a clone runs on as the original did");
    let end = timeline.now();
    let mut rng = Rng::derive(1, "seeks");
    for _ in 0..4 {
        let to = Time(timeline.from().0 + rng.below(end.0 - timeline.from().0));
        timeline.seek(to);
        assert_eq!(timeline.now(), to);
        let there = state(&timeline);
        timeline.seek(end);
        assert!(state(&timeline) == later, "forward again from {to}");
        timeline.seek(to);
        assert!(state(&timeline) == there, "back at {to}");
    }
}

#[test]
fn a_fork_keeps_the_old_future() {
    let mut timeline = with_a_kill(2);
    let (end, old) = (timeline.now(), state(&timeline));
    timeline.seek(timeline.from() + Duration::secs(4));
    timeline.act(kill("kafka-2")).unwrap();
    run_for(&mut timeline, 12);
    assert!(timeline.world().digest() != old.0);
    let branch = timeline.branches().next().unwrap();
    assert_eq!((branch.id, branch.label.as_str()), (0, "start kafka-1"));
    timeline.switch_to(0).unwrap();
    timeline.seek(end);
    assert!(state(&timeline) == old);
}

#[test]
fn the_lessons_story_can_be_seen_and_explained() {
    let mut timeline = load::lesson(4).unwrap();
    run_for(&mut timeline, 3);
    let well = state(&timeline).1;
    assert_eq!((well.health.brokers_up, well.health.under_replicated, well.health.offline), (3, 0, 0));
    let orders = well.topics.iter().find(|topic| topic.name == "orders").unwrap();
    assert!((900..=1_100).contains(&orders.acked_per_s), "{}", orders.acked_per_s);
    let billing = &well.groups[0];
    assert!((900..=1_100).contains(&billing.consumed_per_s), "{}", billing.consumed_per_s);
    assert_eq!(billing.members.iter().map(|member| member.owned.len()).sum::<usize>(), 3);
    assert!(orders.partitions.iter().flat_map(|p| &p.logs).all(|log| log.tail.len() as i64 == log.log_end.min(32)));

    timeline.act(Command::Line { session: 0, text: "kill -9 kafka-1".into() }).unwrap();
    run_for(&mut timeline, 25);
    let (_, seen) = state(&timeline);
    assert_eq!(seen.nodes.iter().find(|node| node.id == 1).unwrap().state, NodeState::Killed);
    assert_eq!(seen.health.offline, 0);
    let orders = seen.topics.iter().find(|topic| topic.name == "orders").unwrap();
    for partition in &orders.partitions {
        assert!(partition.leader.is_some_and(|leader| leader != 1) && !partition.isr.contains(&1));
    }
    // The dead broker's logs lie on its disk, shorter than the others.
    let ends =
        |broker| orders.partitions.iter().flat_map(|p| &p.logs).filter(|log| log.broker == broker).map(|log| log.log_end).sum::<i64>();
    assert!(ends(1) > 3_000 && ends(1) < ends(2), "{} {}", ends(1), ends(2));
    assert!(seen.groups[0].consumed_per_s >= 800, "{}", seen.groups[0].consumed_per_s);

    let elected =
        timeline.chronicle().notable().rev().find(|event| matches!(event.event, Event::LeaderElected { before: Some(BrokerId(1)), .. }));
    let links = why::why(timeline.chronicle(), elected.unwrap().id);
    let fenced = Event::BrokerFenced { broker: BrokerId(1), why: Fenced::SessionExpired };
    assert!(links.iter().any(|link| timeline.chronicle().get(link.id).unwrap().event == fenced), "{links:#?}");
    let causes: Vec<&str> = links.iter().rev().take(2).map(|link| link.text.as_str()).collect();
    assert_eq!(causes, ["`kill -9 kafka-1` was entered", "kafka-1 was killed"]);
    assert!(timeline.world().weight_bytes() > 0);
}
