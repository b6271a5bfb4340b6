//! Jepsen's test of Kafka 0.8 (2013): a leader is cut off from the other brokers, not from the controller; the ISR shrinks to it, and it goes
//! on acknowledging alone; then it dies, and an unclean election promotes a replica that has nothing of that. Each of the settings that
//! prevent the loss is tried as well.

mod watching;

use ottla::playground::command::Command;
use ottla::playground::history::Anomaly;
use ottla::playground::spec::{ClusterSpec, Config, GroupSpec, KeySpec, ProducerSpec, TopicSpec, ValueSpec};
use ottla::playground::timeline::Timeline;
use ottla::playground::world::World;
use ottla::sim::fault::Fault;
use ottla::sim::time::Duration;
use watching::Watch;

#[test]
fn an_unclean_election_loses_what_the_leader_acknowledged_alone() {
    let told = play("true", "1");
    assert!(told.acknowledged_alone > 500, "{told:?}");
    assert_ne!(told.leader_after_its_death, None, "{told:?}");
    assert!(told.anomalies.contains(&Anomaly::InconsistentOffsets), "{told:?}");
}

#[test]
fn without_unclean_elections_nothing_is_lost_and_nobody_leads_until_the_leader_returns() {
    let told = play("false", "1");
    assert!(told.acknowledged_alone > 500, "{told:?}");
    assert_eq!(told.leader_after_its_death, None, "{told:?}");
    assert_eq!(told.anomalies, [], "{told:?}");
}

#[test]
fn with_two_replicas_in_sync_it_acknowledges_nothing_alone() {
    for unclean in ["true", "false"] {
        let told = play(unclean, "2");
        assert_eq!(told.acknowledged_alone, 0, "{told:?}");
        assert_ne!(told.leader_after_its_death, None, "who was in sync before may lead (ELR): {told:?}");
        assert_eq!(told.anomalies, [], "{told:?}");
    }
}

#[derive(Debug)]
struct Told {
    /// Records, once the ISR had shrunk.
    acknowledged_alone: i64,
    leader_after_its_death: Option<i32>,
    anomalies: Vec<Anomaly>,
}

fn play(unclean: &str, min_isr: &str) -> Told {
    let config = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Config>();
    let spec = ClusterSpec {
        brokers: 5,
        config: config(&[("replica.lag.time.max.ms", "6000")]),
        topics: vec![TopicSpec {
            name: "orders".into(),
            partitions: 1,
            replication_factor: 5,
            config: config(&[("unclean.leader.election.enable", unclean), ("min.insync.replicas", min_isr)]),
        }],
        producers: vec![ProducerSpec {
            name: "checkout".into(),
            topic: "orders".into(),
            records_per_second: 100,
            key: KeySpec::None,
            value: ValueSpec::Unique("order".into()),
            config: config(&[("acks", "all")]),
        }],
        groups: vec![GroupSpec { name: "billing".into(), topics: vec!["orders".into()], members: 1, config: Config::new() }],
        ..ClusterSpec::default()
    };
    let world = World::build(&spec, 2013).expect("the cluster gets ready");
    let first = leader(&world).expect("orders-0 has a leader");
    let host = format!("kafka-{first}");
    let mut timeline = Timeline::new(world, Watch::default());
    run(&mut timeline, 5);
    for other in (1..=5).filter(|&other| other != first) {
        act(&mut timeline, Fault::Cut { a: host.clone(), b: format!("kafka-{other}") });
    }
    run(&mut timeline, 15);
    let shrunk = acknowledged(&timeline);
    run(&mut timeline, 15);
    let acknowledged_alone = acknowledged(&timeline) - shrunk;
    act(&mut timeline, Fault::Kill { host: host.clone() });
    run(&mut timeline, 20);
    let leader_after_its_death = leader(timeline.world());
    act(&mut timeline, Fault::HealAll);
    act(&mut timeline, Fault::Start { host });
    run(&mut timeline, 60);
    assert!(acknowledged(&timeline) > shrunk, "records flow again");
    let Watch(history) = timeline.watcher();
    let kinds = [Anomaly::LostWrite, Anomaly::InconsistentOffsets, Anomaly::Duplicate];
    let found = |kind: &Anomaly| !history.findings("orders", Some("billing"), *kind).is_empty();
    Told { acknowledged_alone, leader_after_its_death, anomalies: kinds.into_iter().filter(found).collect() }
}

fn run(timeline: &mut Timeline<World, Watch>, seconds: u64) {
    timeline.run_until(timeline.now() + Duration::secs(seconds));
}

fn act(timeline: &mut Timeline<World, Watch>, fault: Fault) {
    timeline.act(Command::Fault(fault)).expect("the hosts are there");
}

fn leader(world: &World) -> Option<i32> {
    world.controller()?.state().image.topic("orders")?.partition(0)?.leader()
}

fn acknowledged(timeline: &Timeline<World, Watch>) -> i64 {
    timeline.watcher().0.frontier("orders").values().sum()
}
