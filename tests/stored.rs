//! Is a stored run found again, whatever moment the tab is killed at?
#![cfg(not(target_arch = "wasm32"))]

use ottla::playground::branch::End;
use ottla::playground::command::Command;
use ottla::playground::keeper::Keeper;
use ottla::playground::load::lesson_cluster;
use ottla::playground::metrics::Metrics;
use ottla::playground::stored::{Cut, Put, Stored};
use ottla::playground::timeline::Timeline;
use ottla::playground::view::{Detail, Viewer};
use ottla::playground::world::World;
use ottla::sim::fault::Fault;
use ottla::sim::time::{Duration, Time};

const SEED: u64 = 7;

/// Stores a cut every quarter of a second while a broker is killed and started again.
fn stored_run() -> (Timeline<World>, Vec<Put>) {
    let mut timeline = Timeline::new(World::build(&lesson_cluster(), SEED).unwrap(), ());
    let (mut keeper, mut puts) = (Keeper::default(), Vec::new());
    for quarter in 0..100 {
        let host = "kafka-1".to_owned();
        match quarter {
            10 => timeline.act(Command::Fault(Fault::Kill { host })).unwrap(),
            60 => timeline.act(Command::Fault(Fault::Start { host })).unwrap(),
            80 => {
                timeline.act(Command::Line { session: 1, text: "kafka-topics.sh --bootstrap-server kafka-2:9092 --list".into() }).unwrap()
            }
            _ => {}
        }
        timeline.run_until(timeline.now() + Duration::ms(250));
        let end = timeline.end();
        let cut = Cut { at_us: end.at.0, steps: end.steps, digest: timeline.world().digest(), can_be_replayed: true };
        let disks = timeline.world().sim().hosts().map(|host| (host.name.as_str(), &host.disk));
        puts.extend(keeper.put(cut, disks, timeline.journal(), &[]));
    }
    (timeline, puts)
}

#[test]
fn a_stored_run_is_played_again_to_the_same_digest() {
    let (_, puts) = stored_run();
    for killed_after in [1, 11, 40, 100] {
        let stored = Stored::open(None, [], puts[..killed_after].to_vec()).unwrap().unwrap();
        let end = End { at: Time(stored.cut.at_us), steps: stored.cut.steps };
        let mut again = Timeline::replay(World::build(&lesson_cluster(), SEED).unwrap(), (), stored.journal(), end);
        again.run_until(end.at);
        assert_eq!((again.world().digest(), again.end()), (stored.cut.digest, end), "killed after {killed_after} puts");
    }
}

#[test]
fn no_stored_record_is_lost_when_the_hosts_start_from_their_disks() {
    let (_, puts) = stored_run();
    for killed_after in [5, 30, 100] {
        let stored = Stored::open(None, [], puts[..killed_after].to_vec()).unwrap().unwrap();
        let mut first = Timeline::new(World::build(&lesson_cluster(), SEED).unwrap(), ());
        stored.journal().entries().iter().for_each(|entry| {
            first.run_until(entry.at);
            first.act(entry.command.clone()).unwrap();
        });
        first.run_until(Time(stored.cut.at_us));
        let at = Time(stored.cut.at_us);
        let world = World::reopen(&lesson_cluster(), SEED, at, stored.disks().unwrap(), &stored.journal()).unwrap();
        let mut second = Timeline::new(world, ());
        second.run_until(second.now() + Duration::secs(30));
        for ((name, before), (_, after)) in high_watermarks(first.world()).into_iter().zip(high_watermarks(second.world())) {
            assert!(after > before, "killed after {killed_after} puts: {name} had {before} committed records, and now {after}");
        }
    }
}

/// Of every partition of `orders`, as its leader knows it.
fn high_watermarks(world: &World) -> Vec<(String, i64)> {
    let seen = Viewer::default().snapshot(world, &Metrics::default(), Detail::Goals);
    let orders = seen.topics.into_iter().find(|topic| topic.name == "orders").unwrap();
    let of =
        |partition: &ottla::playground::snapshot::PartitionView| partition.logs.iter().map(|log| log.high_watermark).max().unwrap_or(0);
    orders.partitions.iter().map(|partition| (format!("orders-{}", partition.partition), of(partition))).collect()
}
