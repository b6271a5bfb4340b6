//! Does the history checker see what it is there to see? A leader is cut off from its cluster, and goes on alone (Jepsen 2013).

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
fn a_leader_that_stands_alone_loses_what_it_acknowledged_with_acks_1() {
    let found = cut_the_leader_off("1");
    assert!(found.contains(&Anomaly::LostWrite), "{found:?}");
}

#[test]
fn with_acks_all_it_acknowledges_nothing_alone() {
    assert_eq!(cut_the_leader_off("all"), []);
}

/// The leader of `orders-0` loses sight of all other nodes for half a minute, while its clients still see it. What is wrong afterwards?
fn cut_the_leader_off(acks: &str) -> Vec<Anomaly> {
    let config = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Config>();
    let idempotence = if acks == "all" { "true" } else { "false" };
    let spec = ClusterSpec {
        topics: vec![TopicSpec {
            name: "orders".into(),
            partitions: 1,
            replication_factor: 3,
            config: config(&[("min.insync.replicas", "2")]),
        }],
        producers: vec![ProducerSpec {
            name: "checkout".into(),
            topic: "orders".into(),
            records_per_second: 100,
            key: KeySpec::None,
            value: ValueSpec::Unique("order".into()),
            config: config(&[("acks", acks), ("enable.idempotence", idempotence)]),
        }],
        groups: vec![GroupSpec { name: "billing".into(), topics: vec!["orders".into()], members: 1, config: Config::new() }],
        ..ClusterSpec::default()
    };
    let world = World::build(&spec, 7).expect("the cluster gets ready");
    let leader = world.controller().and_then(|controller| {
        let topic = controller.state().image.topics.values().find(|topic| &*topic.name == "orders")?;
        topic.partitions.iter().next()?.leader()
    });
    let leader = format!("kafka-{}", leader.expect("orders-0 has a leader"));
    let mut timeline = Timeline::new(world, Watch::default());
    let run = |timeline: &mut Timeline<World, Watch>, seconds: u64| timeline.run_until(timeline.now() + Duration::secs(seconds));
    run(&mut timeline, 5);
    for other in ["kafka-1", "kafka-2", "kafka-3", "kafka-100"].into_iter().filter(|other| *other != leader) {
        timeline.act(Command::Fault(Fault::Cut { a: leader.clone(), b: other.into() })).expect("both hosts are there");
    }
    run(&mut timeline, 30);
    timeline.act(Command::Fault(Fault::HealAll)).expect("it can be mended");
    run(&mut timeline, 30);
    let Watch(history) = timeline.watcher();
    let frontier = history.frontier("orders");
    assert!(frontier.values().sum::<i64>() > 1_000, "records flowed: {frontier:?}");
    let kinds = [Anomaly::LostWrite, Anomaly::InconsistentOffsets, Anomaly::Duplicate];
    kinds.into_iter().filter(|kind| !history.findings("orders", Some("billing"), *kind).is_empty()).collect()
}
