//! A follower to which its leader sends a batch that begins before the follower's log ends cannot append it, and gives the partition up until
//! there is another leader epoch (`UnexpectedAppendOffsetException`, `AbstractFetcherThread.markPartitionFailed`). What is expected here was
//! seen of Apache Kafka 4.3.1, with the same files put into the same folders.

#[allow(dead_code)] // What the other tests use of it.
mod cluster;

use cluster::World;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::{DeleteRecordsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use ottla::kafka::actor::Config;
use ottla::kafka::event::Event;
use ottla::kafka::names::{BrokerId, TopicPartition, host_of};
use ottla::sim::fault::Fault;
use ottla::sim::time::Time;

const MARKED: &str = "Partition t-0 marked as failed";

/// What a broker's server.log has with these words.
fn logged(world: &World, broker: i32, words: &str) -> Vec<String> {
    let lines = world.events.iter().filter_map(|event| match &event.event {
        Event::ServerLog { broker: by, line } if by.0 == broker && line.contains(words) => Some(line.to_string()),
        _ => None,
    });
    lines.collect()
}

/// The log of one topic is put into the place of another's.
fn put(world: &mut World, broker: i32, from: &str, to: &str) {
    let disk = world.sim.disk_mut(&host_of(BrokerId(broker))).unwrap();
    let files: Vec<_> = disk.list(&format!("{from}-0/")).map(|(path, file)| (path.to_string(), file.clone())).collect();
    for (path, file) in files {
        if !path.ends_with("partition.metadata") {
            disk.restore(&path.replace(from, to), (*file).clone());
        }
    }
}

fn restart(world: &mut World, broker: i32) {
    let host = host_of(BrokerId(broker));
    world.inject(Fault::Stop { host: host.clone() });
    world.run(3_000);
    world.inject(Fault::Start { host });
    world.run(6_000);
}

/// The leader's log is one batch of six records, the follower's one of three.
fn parted() -> (World, i32, i32) {
    let mut world = World::of(2, &Config::new(), Time::ZERO);
    for topic in ["t", "six", "three"] {
        world.create(topic, 1, 2);
    }
    let leader = world.leader("t", 1);
    let follower = 3 - leader;
    for (topic, texts) in [("six", &["a", "b", "c", "d", "e", "f"][..]), ("three", &["a", "b", "c"])] {
        world.produce_batch(world.leader(topic, 1), topic, texts, -1);
    }
    world.run(1_000);
    for broker in [follower, leader] {
        world.inject(Fault::Stop { host: host_of(BrokerId(broker)) });
        world.run(3_000);
    }
    put(&mut world, leader, "six", "t");
    put(&mut world, follower, "three", "t");
    for broker in [leader, follower] {
        world.inject(Fault::Start { host: host_of(BrokerId(broker)) });
        world.run(6_000);
    }
    (world, leader, follower)
}

#[test]
fn it_gives_the_partition_up_until_there_is_another_leader_epoch() {
    let (mut world, leader, follower) = parted();
    assert_eq!(world.isr("t", leader), [leader]);
    assert_eq!(world.values(follower, "t").len(), 3);
    let said = logged(&world, follower, "t-0");
    let thread = format!("[ReplicaFetcher replicaId={follower}, leaderId={leader}, fetcherId=0]");
    let expected = [
        format!(
            "ERROR {thread} Unexpected error occurred while processing data for partition t-0 at offset 3 (kafka.server.ReplicaFetcherThread)"
        ),
        "org.apache.kafka.server.storage.log.UnexpectedAppendOffsetException: Unexpected offset in append to t-0. First offset 0 is less than \
         the next offset 3. First 10 offsets in append: 0, 1, 2, 3, 4, 5, last offset in append: 5. Log start offset = 0"
            .to_owned(),
        format!("WARN {thread} {MARKED} (kafka.server.ReplicaFetcherThread)"),
    ];
    assert_eq!(said, expected, "once, and not again");
    assert!(world.broker(follower).has_failed(&TopicPartition::new("t", 0)));
    // Other partitions of the same leader are followed as ever, and what is written there is not asked for.
    world.produce(leader, "t", "g", 1);
    world.run(2_000);
    assert_eq!((world.values(leader, "t").len(), world.values(follower, "t").len()), (7, 3));
    assert_eq!(world.isr("six", leader).len(), 2);
    // In another epoch it is tried again.
    restart(&mut world, leader);
    assert_eq!(logged(&world, follower, MARKED).len(), 2);
}

#[test]
fn it_begins_anew_once_the_leader_has_deleted_what_stood_in_the_way() {
    let (mut world, leader, follower) = parted();
    let partition = DeleteRecordsPartition::default().with_partition_index(0).with_offset(6);
    let topic = DeleteRecordsTopic::default().with_name(TopicName(StrBytes::from_static_str("t"))).with_partitions(vec![partition]);
    world.ask(leader, DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(1_000), vec![]);
    world.run(3_000);
    assert_eq!(world.isr("t", leader), [leader], "it does not ask");
    restart(&mut world, leader);
    assert_eq!(world.isr("t", leader), [1, 2]);
    assert!(!world.broker(follower).has_failed(&TopicPartition::new("t", 0)));
}
