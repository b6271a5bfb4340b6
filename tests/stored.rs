//! Is a stored run found again, whatever moment the tab is killed at?
#![cfg(not(target_arch = "wasm32"))]

use bytes::Bytes;
use ottla::playground::branch::End;
use ottla::playground::command::Command;
use ottla::playground::keeper::Keeper;
use ottla::playground::load::lesson_cluster;
use ottla::playground::metrics::Metrics;
use ottla::playground::snapshot::{PartitionView, ReplicaView};
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
        let cut = Cut { at_us: end.at.0, steps: end.steps, digest: timeline.world().digest(), can_be_replayed: true, ..Cut::default() };
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
        let world = World::reopen(&lesson_cluster(), SEED, stored.cut, stored.disks().unwrap(), &stored.journal()).unwrap();
        let mut second = Timeline::new(world, ());
        second.run_until(second.now() + Duration::secs(30));
        for (partition, high_watermark, leader) in partitions(first.world()) {
            let committed = committed(&log(first.world(), leader, partition), high_watermark);
            let (_, after, leader) = partitions(second.world())[partition as usize];
            let kept = log(second.world(), leader, partition).starts_with(&committed);
            assert!(
                kept && after > high_watermark,
                "killed after {killed_after} puts: {high_watermark} committed in {partition}, now {after}"
            );
        }
    }
}

/// Every partition of `orders`: its number, its high watermark, and who has it.
fn partitions(world: &World) -> Vec<(i32, i64, i32)> {
    let seen = Viewer::default().snapshot(world, &Metrics::default(), Detail::Goals);
    let orders = seen.topics.into_iter().find(|topic| topic.name == "orders").unwrap();
    let furthest = |logs: &[ReplicaView]| logs.iter().map(|log| (log.high_watermark, log.broker)).max().unwrap();
    let of = |partition: &PartitionView| (partition.partition, furthest(&partition.logs));
    orders.partitions.iter().map(of).map(|(number, (high_watermark, leader))| (number, high_watermark, leader)).collect()
}

fn log(world: &World, broker: i32, partition: i32) -> Bytes {
    let path = format!("orders-{partition}/00000000000000000000.log");
    world.sim().host(&format!("kafka-{broker}")).unwrap().disk.file(&path).unwrap().read()
}

/// The batches below the high watermark.
fn committed(log: &Bytes, high_watermark: i64) -> Bytes {
    let mut end = 0;
    while let Some(header) = log.get(end..end + 12) {
        let (base_offset, length) = header.split_at(8);
        if i64::from_be_bytes(base_offset.try_into().unwrap()) >= high_watermark {
            break;
        }
        end += 12 + u32::from_be_bytes(length.try_into().unwrap()) as usize;
    }
    log.slice(..end)
}
