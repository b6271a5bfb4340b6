//! Brokers with several log directories: what fails with one, and replicas that move from one to another (KIP-112, KIP-113, KIP-858).

#[allow(dead_code)] // What the other tests use of it.
mod cluster;

use cluster::World;
use kafka_protocol::messages::alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{AlterReplicaLogDirsRequest, DescribeLogDirsRequest, IncrementalAlterConfigsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use ottla::kafka::actor::Config;
use ottla::kafka::event::Event;
use ottla::kafka::names::{BrokerId, TopicPartition, host_of};
use ottla::kafka::protocol::api::Response;
use ottla::sim::fault::Fault;
use ottla::sim::time::Time;

/// Brokers with two disks, the metadata on the first.
fn two_disks(brokers: i32, settings: &[(&'static str, &str)]) -> World {
    let own = |_| {
        let dirs = ("log.dirs", "/disk/a,/disk/b".to_owned());
        [dirs].into_iter().chain(settings.iter().map(|(name, value)| (*name, (*value).to_owned()))).collect()
    };
    World::configured(brokers, &Config::new(), &own, Time::ZERO)
}

/// KIP-112, KIP-858: a broker that loses one of its disks gives away what lay there and goes on with the rest; without the disk of the metadata
/// it stops.
#[test]
fn a_failed_disk_takes_only_what_lies_on_it() {
    let mut world = two_disks(3, &[]);
    // Each goes where there is less.
    world.create("first", 1, 3);
    world.create("orders", 1, 3);
    world.run(3_000);
    let orders = TopicPartition::new("orders", 0);
    let leader = world.leader("orders", 1);
    assert_eq!(world.broker(leader).replicas().get(&orders).unwrap().log.dir(), "disk/b/orders-0");
    let image = world.broker(leader).image();
    let partition = image.partition(&orders).unwrap();
    for id in 1..=3 {
        let known = image.brokers.get(&id).unwrap();
        assert_eq!(partition.directory(id), Some(known.log_dirs[1]), "the controller knows where the replica of {id} lies");
    }
    world.produce(leader, "orders", "kept", -1);
    world.run(1_000);
    let host = host_of(BrokerId(leader));
    world.sim.inject(&Fault::BreakDisk { host: host.clone(), folder: "disk/b".into() }, None).unwrap();
    world.produce(leader, "orders", "refused", 1);
    world.run(2_000);
    assert_eq!(world.produce_errors(), [0, 56], "KAFKA_STORAGE_ERROR");
    let survivor = if leader == 1 { 2 } else { 1 };
    let next = world.leader("orders", survivor);
    assert!(next != leader && world.isr("orders", survivor).len() == 2 && !world.isr("orders", survivor).contains(&leader));
    assert!(world.isr("first", survivor).contains(&leader), "what lies on its other disk is as before");
    world.ask(leader, DescribeLogDirsRequest::default().with_topics(None), vec![]);
    world.produce(next, "orders", "new", -1);
    world.run(1_000);
    let described = world.answers().into_iter().find_map(|(_, answer)| match answer {
        Response::DescribeLogDirs(answer) => Some(answer.results),
        _ => None,
    });
    let shown: Vec<(String, i16, usize)> =
        described.unwrap().iter().map(|dir| (dir.log_dir.to_string(), dir.error_code, dir.topics.len())).collect();
    assert_eq!(shown, [("/disk/a".to_owned(), 0, 1), ("/disk/b".to_owned(), 56, 0)]);
    // The disk is mended; a broker looks at it again when it starts.
    world.sim.inject(&Fault::MendDisk { host: host.clone(), folder: "disk/b".into() }, None).unwrap();
    world.sim.inject(&Fault::Stop { host: host.clone() }, None).unwrap();
    world.run(3_000);
    world.sim.inject(&Fault::Start { host: host.clone() }, None).unwrap();
    world.run(12_000);
    assert_eq!(world.isr("orders", survivor).len(), 3);
    assert_eq!(world.values(leader, "orders"), ["kept", "new"]);
    world.sim.inject(&Fault::BreakDisk { host, folder: "disk/a".into() }, None).unwrap();
    world.run(6_000);
    assert!(world.sim.process(world.brokers[leader as usize - 1]).is_none(), "it has stopped");
}

/// KIP-113: a replica is copied to the other directory of its broker while it serves, and then lies there.
#[test]
fn a_replica_moves_to_another_disk_of_its_broker() {
    let mut world = two_disks(2, &[]);
    world.create("orders", 1, 2);
    world.run(2_000);
    let leader = world.leader("orders", 1);
    let orders = TopicPartition::new("orders", 0);
    for text in ["a", "b", "c"] {
        world.produce(leader, "orders", text, -1);
        world.run(200);
    }
    let topic = AlterReplicaLogDirTopic::default().with_name(TopicName(StrBytes::from_static_str("orders"))).with_partitions(vec![0]);
    let ask = |path: &'static str| {
        let dir = AlterReplicaLogDir::default().with_path(StrBytes::from_static_str(path)).with_topics(vec![topic.clone()]);
        AlterReplicaLogDirsRequest::default().with_dirs(vec![dir])
    };
    world.ask(leader, ask("/disk/c"), vec![]);
    world.run(200);
    world.ask(leader, ask("/disk/b"), vec![]);
    world.produce(leader, "orders", "d", -1);
    world.run(3_000);
    let errors: Vec<i16> = world
        .answers()
        .into_iter()
        .filter_map(|(_, answer)| match answer {
            Response::AlterReplicaLogDirs(answer) => Some(answer.results[0].partitions[0].error_code),
            _ => None,
        })
        .collect();
    assert_eq!(errors, [57, 0], "LOG_DIR_NOT_FOUND");
    assert_eq!(world.broker(leader).replicas().get(&orders).unwrap().log.dir(), "disk/b/orders-0");
    let image = world.broker(leader).image();
    let lies_in = image.partition(&orders).unwrap().directory(leader);
    assert_eq!(lies_in, Some(image.brokers.get(&leader).unwrap().log_dirs[1]), "the controller knows");
    world.produce(leader, "orders", "e", -1);
    world.run(1_000);
    let host = host_of(BrokerId(leader));
    world.sim.inject(&Fault::Kill { host: host.clone() }, None).unwrap();
    world.sim.inject(&Fault::Start { host: host.clone() }, None).unwrap();
    world.run(70_000);
    for broker in 1..=2 {
        assert_eq!(world.values(broker, "orders"), ["a", "b", "c", "d", "e"], "on kafka-{broker}");
    }
    let disk = &world.sim.host(&host).unwrap().disk;
    let folders: Vec<&str> =
        disk.files().filter_map(|(path, _)| path.split('/').nth(2).filter(|name| name.starts_with("orders-0"))).collect();
    assert!(!folders.is_empty() && folders.iter().all(|name| *name == "orders-0"), "{folders:?}");
}

fn orders() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

/// A cluster of two with the topic `orders` on its disks `a`, 40 batches in it, and its leader. A move copies a batch in 10 ms.
fn forty_batches(settings: &[(&'static str, &str)]) -> (World, i32) {
    let settings: Vec<(&str, &str)> = settings.iter().copied().chain([("replica.fetch.max.bytes", "1")]).collect();
    let mut world = two_disks(2, &settings);
    world.create("orders", 1, 2);
    world.run(2_000);
    let leader = world.leader("orders", 1);
    for _ in 0..40 {
        world.produce(leader, "orders", "x", -1);
        world.run(30);
    }
    world.run(1_000);
    (world, leader)
}

fn move_to(world: &mut World, broker: i32, path: &'static str) {
    move_topic(world, broker, "orders", path);
}

fn move_topic(world: &mut World, broker: i32, topic: &'static str, path: &'static str) {
    let topic = AlterReplicaLogDirTopic::default().with_name(TopicName(StrBytes::from_static_str(topic))).with_partitions(vec![0]);
    let dir = AlterReplicaLogDir::default().with_path(StrBytes::from_static_str(path)).with_topics(vec![topic]);
    world.ask(broker, AlterReplicaLogDirsRequest::default().with_dirs(vec![dir]), vec![]);
}

/// The folder of the current replica, and up to where a future one is copied.
fn lies_in(world: &World, broker: i32) -> (String, Option<i64>) {
    let broker = world.broker(broker);
    let future = broker.futures().iter().next().map(|(_, future)| future.log.log_end_offset());
    (broker.replicas().get(&orders()).map_or(String::new(), |partition| partition.log.dir().to_owned()), future)
}

/// Which of a broker's directories the metadata name, as the other broker knows them.
fn known_dir(world: &World, broker: i32) -> usize {
    let image = world.broker(3 - broker).image();
    let id = image.partition(&orders()).unwrap().directory(broker);
    image.brokers.get(&broker).unwrap().log_dirs.iter().position(|known| Some(*known) == id).expect("one of its own")
}

/// The answers to AlterReplicaLogDirs.
fn answers(world: &World) -> Vec<i16> {
    let errors = world.answers().into_iter().filter_map(|(_, answer)| match answer {
        Response::AlterReplicaLogDirs(answer) => Some(answer.results[0].partitions[0].error_code),
        _ => None,
    });
    errors.collect()
}

fn folders(world: &World, broker: i32) -> Vec<String> {
    let disk = &world.sim.host(&host_of(BrokerId(broker))).unwrap().disk;
    let mut folders: Vec<String> = disk
        .files()
        .filter(|(path, _)| path.contains("/orders-0"))
        .filter_map(|(path, _)| Some(path.rsplit_once('/')?.0.to_owned()))
        .collect();
    folders.dedup();
    folders
}

fn until(world: &mut World, holds: impl Fn(&World) -> bool) {
    for _ in 0..2_000 {
        if holds(world) {
            return;
        }
        world.run(1);
    }
    panic!("two seconds are too few");
}

fn stop(world: &mut World, broker: i32, clean: bool) {
    let host = host_of(BrokerId(broker));
    if clean {
        world.inject(Fault::Stop { host });
        world.run(5_000);
    } else {
        world.inject(Fault::Kill { host });
    }
}

fn restart(world: &mut World, broker: i32, clean: bool) {
    stop(world, broker, clean);
    world.inject(Fault::Start { host: host_of(BrokerId(broker)) });
}

/// All that was written is on both brokers, and nothing is left behind.
fn all_is_well(world: &mut World, broker: i32, dir: usize) {
    world.run(70_000);
    for broker in 1..=2 {
        assert_eq!(world.values(broker, "orders").len(), 40, "on kafka-{broker}");
    }
    assert_eq!(world.isr("orders", 1).len(), 2);
    assert_eq!(known_dir(world, broker), dir);
    let folder = ["disk/a/orders-0", "disk/b/orders-0"][dir];
    assert_eq!(lies_in(world, broker), (folder.to_owned(), None));
    assert_eq!(folders(world, broker), [folder]);
}

#[test]
fn the_controller_knows_a_move_before_it_is_done() {
    let (mut world, leader) = forty_batches(&[]);
    let cut = Fault::Cut { a: "kafka-100".into(), b: host_of(BrokerId(leader)) };
    world.inject(cut);
    move_to(&mut world, leader, "/disk/b");
    world.run(38 * 10);
    let (_, copied) = lies_in(&world, leader);
    assert!((30..40).contains(&copied.unwrap()), "a batch takes 10 ms: {copied:?}");
    world.run(3_000);
    assert_eq!(
        (lies_in(&world, leader), known_dir(&world, leader)),
        (("disk/a/orders-0".to_owned(), Some(40)), 0),
        "it has all, and waits"
    );
    world.inject(Fault::HealAll);
    all_is_well(&mut world, leader, 1);
}

#[test]
fn a_move_goes_on_after_a_stop_of_whatever_kind() {
    for clean in [false, true] {
        let (mut world, leader) = forty_batches(&[]);
        move_to(&mut world, leader, "/disk/b");
        world.run(50);
        let (folder, copied) = lies_in(&world, leader);
        assert!(folder == "disk/a/orders-0" && (1..40).contains(&copied.unwrap()), "{copied:?}");
        stop(&mut world, leader, clean);
        assert!(folders(&world, leader).iter().any(|folder| folder.starts_with("disk/b/orders-0.") && folder.ends_with("-future")));
        world.inject(Fault::Start { host: host_of(BrokerId(leader)) });
        all_is_well(&mut world, leader, 1);
    }
}

/// `recoverAbandonedFutureLogs`: the controller had accepted the new place, and the broker was killed before it heard that.
#[test]
fn a_move_that_the_controller_knows_is_done_at_the_next_start() {
    let (mut world, leader) = forty_batches(&[]);
    move_to(&mut world, leader, "/disk/b");
    until(&mut world, |world| lies_in(world, leader).1 == Some(40));
    // The answer does not come.
    world.inject(Fault::CutAtSender { from: "kafka-100".into(), to: host_of(BrokerId(leader)) });
    until(&mut world, |world| known_dir(world, leader) == 1);
    assert_eq!(lies_in(&world, leader).0, "disk/a/orders-0");
    restart(&mut world, leader, false);
    world.inject(Fault::HealAll);
    world.run(10_000);
    let recovered = "INFO Successfully recovered abandoned future log for orders-0 (kafka.log.LogManager)";
    assert!(world.events.iter().any(|event| matches!(&event.event, Event::ServerLog { line, .. } if &**line == recovered)));
    all_is_well(&mut world, leader, 1);
}

#[test]
fn a_move_that_is_called_back_is_taken_back_at_the_controller() {
    let (mut world, leader) = forty_batches(&[]);
    move_to(&mut world, leader, "/disk/b");
    until(&mut world, |world| lies_in(world, leader).1 == Some(40));
    // The answer comes late.
    world.inject(Fault::CutAtSender { from: "kafka-100".into(), to: host_of(BrokerId(leader)) });
    until(&mut world, |world| known_dir(world, leader) == 1);
    move_to(&mut world, leader, "/disk/a");
    world.run(500);
    assert_eq!((lies_in(&world, leader), known_dir(&world, leader)), (("disk/a/orders-0".to_owned(), None), 1));
    world.inject(Fault::HealAll);
    all_is_well(&mut world, leader, 0);
}

#[test]
fn a_move_that_is_called_back_at_once_is_not_told_to_the_controller() {
    let (mut world, leader) = forty_batches(&[]);
    move_to(&mut world, leader, "/disk/b");
    until(&mut world, |world| lies_in(world, leader).1 == Some(40));
    world.run(20);
    move_to(&mut world, leader, "/disk/a");
    for _ in 0..1_000 {
        world.run(1);
        assert_eq!(known_dir(&world, leader), 0);
    }
    all_is_well(&mut world, leader, 0);
}

#[test]
fn a_move_ends_with_the_disk_that_it_goes_to() {
    let (mut world, leader) = forty_batches(&[("log.dirs", "/disk/a,/disk/b,/disk/c")]);
    move_to(&mut world, leader, "/disk/b");
    world.run(200);
    let host = host_of(BrokerId(leader));
    world.inject(Fault::BreakDisk { host: host.clone(), folder: "disk/b".into() });
    world.run(10_000);
    assert_eq!((lies_in(&world, leader), known_dir(&world, leader)), (("disk/a/orders-0".to_owned(), None), 0));
    assert_eq!((world.leader("orders", leader), world.isr("orders", leader).len()), (leader, 2), "it leads as before");
    // A future replica may lie there, so that none is begun on another one.
    move_to(&mut world, leader, "/disk/c");
    world.run(200);
    assert_eq!(answers(&world), [0, 56], "KAFKA_STORAGE_ERROR");
    world.inject(Fault::MendDisk { host, folder: "disk/b".into() });
    restart(&mut world, leader, true);
    all_is_well(&mut world, leader, 1);
}

#[test]
fn a_move_ends_with_the_disk_that_it_comes_from() {
    let (mut world, leader) = forty_batches(&[]);
    // The metadata are on the other one.
    move_to(&mut world, leader, "/disk/b");
    world.run(2_000);
    move_to(&mut world, leader, "/disk/a");
    world.run(200);
    let host = host_of(BrokerId(leader));
    world.inject(Fault::BreakDisk { host: host.clone(), folder: "disk/b".into() });
    world.run(5_000);
    assert_eq!(
        lies_in(&world, leader),
        (String::new(), Some(world.broker(leader).futures().iter().next().unwrap().1.log.log_end_offset()))
    );
    assert_ne!(world.leader("orders", 3 - leader), leader);
    world.inject(Fault::MendDisk { host, folder: "disk/b".into() });
    restart(&mut world, leader, true);
    all_is_well(&mut world, leader, 0);
}

/// What a cut-off leader wrote goes from its future replica, too.
#[test]
fn a_future_replica_is_truncated_as_its_current_one_is() {
    let mut world = two_disks(3, &[("num.replica.alter.log.dirs.threads", "1"), ("replica.fetch.max.bytes", "1")]);
    world.create("orders", 1, 3);
    world.create("first", 1, 3);
    let leader = world.leader("orders", 1);
    world.produce(leader, "orders", "kept", -1);
    for _ in 0..30 {
        world.produce(world.leader("first", 1), "first", "x", -1);
        world.run(30);
    }
    world.run(1_000);
    let others: Vec<i32> = (1..=3).filter(|&id| id != leader).collect();
    for other in others.iter().copied().chain([100]) {
        world.inject(Fault::Cut { a: host_of(BrokerId(leader)), b: host_of(BrokerId(other)) });
    }
    for _ in 0..4 {
        world.produce(leader, "orders", "lost", 1);
        world.run(10);
    }
    world.run(12_000);
    for text in ["1", "2", "3", "4"] {
        world.produce(world.leader("orders", others[0]), "orders", text, -1);
        world.run(100);
    }
    move_to(&mut world, leader, "/disk/b");
    until(&mut world, |world| lies_in(world, leader).1 == Some(3));
    // From the start on, the one thread is busy with another replica: this one is looked at when all is over.
    move_topic(&mut world, leader, "first", "/disk/a");
    world.run(5);
    assert_eq!(world.broker(leader).futures().iter().count(), 2);
    stop(&mut world, leader, false);
    world.inject(Fault::HealAll);
    world.inject(Fault::Start { host: host_of(BrokerId(leader)) });
    world.run(25_000);
    assert_eq!(lies_in(&world, leader), ("disk/b/orders-0".to_owned(), None));
    assert_eq!(world.values(leader, "orders"), ["kept", "1", "2", "3", "4"]);
}

#[test]
fn moves_keep_to_their_rate() {
    let (mut world, leader) = forty_batches(&[]);
    let size = world.broker(leader).replicas().get(&orders()).unwrap().log.size_bytes();
    let rate = AlterableConfig::default()
        .with_name(StrBytes::from_static_str("replica.alter.log.dirs.io.max.bytes.per.second"))
        .with_value(Some(StrBytes::from_string((size / 10).to_string())));
    let resource = AlterConfigsResource::default()
        .with_resource_type(4)
        .with_resource_name(StrBytes::from_string(leader.to_string()))
        .with_configs(vec![rate]);
    world.ask(leader, IncrementalAlterConfigsRequest::default().with_resources(vec![resource]), vec![]);
    world.run(1_000);
    move_to(&mut world, leader, "/disk/b");
    world.run(7_000);
    let copied = lies_in(&world, leader).1.expect("under way");
    assert!((24..36).contains(&copied), "a tenth a second, and a little at first, not {copied}");
    world.run(5_000);
    assert_eq!(lies_in(&world, leader).0, "disk/b/orders-0");
}

/// A topic that was deleted while its broker was down: its future replica is nobody's either.
#[test]
fn a_future_replica_of_nobody_is_set_aside() {
    use kafka_protocol::messages::DeleteTopicsRequest;
    use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
    let (mut world, leader) = forty_batches(&[]);
    move_to(&mut world, leader, "/disk/b");
    world.run(200);
    world.inject(Fault::Kill { host: host_of(BrokerId(leader)) });
    let topic = DeleteTopicState::default().with_name(Some(TopicName(StrBytes::from_static_str("orders"))));
    world.ask(3 - leader, DeleteTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(5_000), vec![]);
    world.run(2_000);
    world.inject(Fault::Start { host: host_of(BrokerId(leader)) });
    world.run(10_000);
    let left = folders(&world, leader);
    assert!(left.len() == 2 && left.iter().all(|folder| folder.ends_with("-stray")), "{left:?}");
    assert!(lies_in(&world, leader) == (String::new(), None));
}

/// log.dir.failure.timeout.ms: nobody else knows of the failure, so that a broker that cannot tell of it does not go on.
#[test]
fn a_broker_that_cannot_tell_of_its_failed_disk_stops() {
    for (timeout_ms, runs) in [("3000", false), ("60000", true)] {
        let (mut world, leader) = forty_batches(&[("log.dir.failure.timeout.ms", timeout_ms), ("controlled.shutdown.enable", "false")]);
        let host = host_of(BrokerId(leader));
        world.inject(Fault::Cut { a: "kafka-100".into(), b: host.clone() });
        world.inject(Fault::BreakDisk { host, folder: "disk/b".into() });
        world.run(11_000);
        assert_eq!(world.sim.process(world.brokers[leader as usize - 1]).is_some(), runs, "{timeout_ms} ms");
    }
    // One that can tells in time.
    let (mut world, leader) = forty_batches(&[("log.dir.failure.timeout.ms", "3000")]);
    world.inject(Fault::BreakDisk { host: host_of(BrokerId(leader)), folder: "disk/b".into() });
    world.run(11_000);
    assert!(world.sim.process(world.brokers[leader as usize - 1]).is_some());
}

/// metadata.log.dir: the replicas' disks may all but one fail; that one may not.
#[test]
fn the_metadata_may_have_a_disk_of_their_own() {
    let (mut world, leader) = forty_batches(&[("metadata.log.dir", "/disk/m")]);
    let disk = &world.sim.host(&host_of(BrokerId(leader))).unwrap().disk;
    assert!(disk.exists("disk/m/__cluster_metadata-0/00000000000000000000.log") && disk.exists("disk/m/meta.properties"));
    assert_eq!(world.broker(3 - leader).image().brokers.get(&leader).unwrap().log_dirs.len(), 2, "no replicas lie there");
    restart(&mut world, leader, true);
    all_is_well(&mut world, leader, 0);
    let host = host_of(BrokerId(leader));
    world.inject(Fault::BreakDisk { host: host.clone(), folder: "disk/a".into() });
    world.run(6_000);
    assert!(world.sim.process(world.brokers[leader as usize - 1]).is_some(), "it goes on with the other");
    world.inject(Fault::BreakDisk { host, folder: "disk/m".into() });
    world.run(6_000);
    assert!(world.sim.process(world.brokers[leader as usize - 1]).is_none());
}

/// It had caught up when its disk failed, and what it is still asked for is of other partitions: for that it is not taken in again.
#[test]
fn a_follower_without_its_disk_stays_out_of_the_isr() {
    let mut world = two_disks(2, &[]);
    world.create("first", 1, 2);
    world.create("orders", 1, 2);
    world.create("third", 4, 2);
    world.run(3_000);
    let leader = world.leader("orders", 1);
    let host = host_of(BrokerId(3 - leader));
    world.inject(Fault::BreakDisk { host, folder: "disk/b".into() });
    world.run(10_000);
    assert_eq!(world.isr("orders", leader), [leader]);
    assert_eq!(world.isr("first", leader).len(), 2);
}
