//! Consumers against brokers with a real coordinator, over simulated connections.

use super::fake::World;
use crate::kafka::event::{Event, GroupState, Left};
use crate::sim::fault::Fault;
use crate::sim::time::Duration;

const EARLIEST: &str = "auto.offset.reset=earliest;session.timeout.ms=6000;heartbeat.interval.ms=1500";

#[test]
fn one_member_reads_everything_once_and_commits_it() {
    let mut world = World::new(2, 3);
    (0..3).for_each(|partition| world.produce(partition, 700));
    let consumer = world.consumer("c1", EARLIEST, Duration::ZERO);
    world.run_ms(5_000);
    assert_eq!(world.process(consumer).consumed().records, 2_100);
    for partition in 0..3 {
        let read = world.read(partition);
        assert!(read.len() == 700 && read.values().all(|times| *times == 1), "partition {partition}: {} offsets", read.len());
    }
    assert_eq!(world.committed(0), -1, "nothing is committed before auto.commit.interval.ms");
    world.run_ms(5_000);
    assert_eq!([0, 1, 2].map(|partition| world.committed(partition)), [700, 700, 700]);
    let resets = world.events.iter().filter(|recorded| matches!(recorded.event, Event::OffsetReset { to: 0, .. })).count();
    assert_eq!(resets, 3);
    // What comes later is read at once.
    world.produce(1, 10);
    world.run_ms(100);
    assert_eq!(world.process(consumer).consumed().records, 2_110);
}

#[test]
fn no_poll_hands_out_more_than_max_poll_records() {
    let mut world = World::new(1, 1);
    world.produce(0, 1_000);
    world.consumer("c1", &format!("{EARLIEST};max.poll.records=300"), Duration::ZERO);
    world.run_ms(5_000);
    let counts: Vec<u32> = world
        .events
        .iter()
        .filter_map(|recorded| match recorded.event {
            Event::Consumed { count, .. } => Some(count),
            _ => None,
        })
        .collect();
    assert_eq!(counts, [300, 300, 300, 100]);
}

#[test]
fn latest_skips_what_was_there_before() {
    let mut world = World::new(1, 1);
    world.produce(0, 5);
    let consumer = world.consumer("c1", "", Duration::ZERO);
    world.run_ms(5_000);
    world.produce(0, 2);
    world.run_ms(1_000);
    assert_eq!(world.process(consumer).consumed().records, 2);
    assert_eq!(world.read(0).into_keys().collect::<Vec<_>>(), [5, 6]);
}

#[test]
fn members_share_the_partitions_and_a_third_gets_its_part() {
    let mut world = World::new(3, 3);
    let ids = ["c1", "c2"].map(|name| world.consumer(name, EARLIEST, Duration::ZERO));
    world.run_ms(8_000);
    let owned = |world: &World, id| world.process(id).owned().map(|(at, _)| at.partition).collect::<Vec<_>>();
    assert_eq!(ids.map(|id| owned(&world, id)), [vec![0, 1], vec![2]], "range, by member id");
    let third = world.consumer("c3", EARLIEST, Duration::ZERO);
    world.run_ms(8_000);
    assert_eq!([ids[0], ids[1], third].map(|id| owned(&world, id)), [vec![0], vec![1], vec![2]]);
    let fourth = world.consumer("c4", EARLIEST, Duration::ZERO);
    world.run_ms(8_000);
    assert!(owned(&world, fourth).is_empty() && !world.process(fourth).is_stopped());
    assert!(world.process(fourth).member_id().unwrap().starts_with("c4-"));
}

#[test]
fn a_killed_member_is_replaced_after_its_session() {
    let mut world = World::new(1, 2);
    let survivor = world.consumer("c1", EARLIEST, Duration::ZERO);
    world.consumer("c2", EARLIEST, Duration::ZERO);
    world.run_ms(15_000);
    world.sim.inject(&Fault::Kill { host: "c2".into() }, None).unwrap();
    world.produce(1, 50);
    world.run_ms(3_000);
    assert!(world.read(1).is_empty(), "the dead member still owns it");
    world.run_ms(9_000);
    assert_eq!(world.read(1).len(), 50);
    assert_eq!(world.process(survivor).owned().count(), 2);
    let expired = |event: &Event| matches!(event, Event::MemberLeft { why: Left::SessionExpired, member, .. } if member.starts_with("c2-"));
    assert!(world.events.iter().any(|recorded| expired(&recorded.event)));
}

#[test]
fn an_orderly_end_commits_and_hands_over_at_once() {
    let mut world = World::new(1, 2);
    world.consumer("c1", EARLIEST, Duration::ZERO);
    world.consumer("c2", EARLIEST, Duration::ZERO);
    world.run_ms(6_000);
    (0..2).for_each(|partition| world.produce(partition, 40));
    world.run_ms(500);
    world.sim.inject(&Fault::Stop { host: "c2".into() }, None).unwrap();
    world.run_ms(3_500);
    assert_eq!([0, 1].map(|partition| world.committed(partition)), [40, 40], "before giving partitions up, too");
    (0..2).for_each(|partition| world.produce(partition, 1));
    world.run_ms(500);
    for partition in 0..2 {
        let read = world.read(partition);
        assert!(read.len() == 41 && read.values().all(|times| *times == 1), "partition {partition}: {read:?}");
    }
    assert!(world.events.iter().any(|recorded| matches!(recorded.event, Event::MemberLeft { why: Left::Closed, .. })));
    // The last one goes, too: the group is empty, its offsets stay.
    world.sim.inject(&Fault::Stop { host: "c1".into() }, None).unwrap();
    world.run_ms(1_000);
    let last = world.events.iter().rev().find_map(|recorded| match recorded.event {
        Event::GroupChanged { state, .. } => Some(state),
        _ => None,
    });
    assert_eq!((last, world.committed(0)), (Some(GroupState::Empty), 41));
}

#[test]
fn an_heir_goes_on_from_the_committed_offset() {
    let mut world = World::new(1, 1);
    world.produce(0, 10);
    world.consumer("c1", EARLIEST, Duration::ZERO);
    world.run_ms(9_000);
    world.produce(0, 3);
    world.run_ms(100);
    // Read, not committed yet.
    world.sim.inject(&Fault::Kill { host: "c1".into() }, None).unwrap();
    world.consumer("c2", EARLIEST, Duration::ZERO);
    world.run_ms(12_000);
    let twice: Vec<i64> = world.read(0).into_iter().filter(|(_, times)| *times == 2).map(|(offset, _)| offset).collect();
    assert_eq!(twice, [10, 11, 12]);
}

#[test]
fn a_new_leader_is_found() {
    let mut world = World::new(3, 3);
    let consumer = world.consumer("c1", EARLIEST, Duration::ZERO);
    world.run_ms(5_000);
    world.tell("lead 0 3");
    world.produce(0, 20);
    world.run_ms(2_000);
    assert_eq!(world.process(consumer).consumed().records, 20);
}

#[test]
fn an_unclean_leader_sets_the_reader_back_to_where_the_logs_part() {
    let mut world = World::new(2, 1);
    world.produce(0, 10);
    world.produce(0, 10);
    let consumer = world.consumer("c1", EARLIEST, Duration::ZERO);
    world.run_ms(5_000);
    assert_eq!(world.process(consumer).consumed().records, 20);
    // The new leader never had the second batch, and has written another one since: its log end is the same.
    world.tell("lead 0 2");
    world.tell("truncate 0 1");
    world.produce(0, 10);
    world.run_ms(3_000);
    assert!(world.events.iter().any(|recorded| matches!(recorded.event, Event::OffsetReset { to: 10, .. })));
    assert_eq!(world.process(consumer).consumed().records, 30);
}

#[test]
fn an_offset_out_of_range_is_reset_by_the_policy() {
    let mut world = World::new(1, 1);
    world.produce(0, 10);
    let consumer = world.consumer("c1", &format!("{EARLIEST};max.poll.records=4"), Duration::secs(1));
    world.run_ms(3_900);
    assert_eq!(world.process(consumer).consumed().records, 4);
    world.produce(0, 10);
    // Retention takes away what it has not fetched yet: nothing is lost of what it holds, the rest begins at the new start.
    world.tell("start 15");
    world.run_ms(30_000);
    let read: Vec<i64> = world.read(0).into_keys().collect();
    assert_eq!(read, (0..10).chain(15..20).collect::<Vec<_>>());
    assert!(world.events.iter().any(|recorded| matches!(recorded.event, Event::OffsetReset { to: 15, .. })));
}

#[test]
fn who_works_too_long_leaves_the_group_and_comes_back() {
    let mut world = World::new(1, 1);
    world.produce(0, 100);
    let settings = format!("{EARLIEST};max.poll.interval.ms=10000;max.poll.records=20");
    let consumer = world.consumer("c1", &settings, Duration::secs(1));
    world.run_ms(15_000);
    assert!(world.process(consumer).is_stopped());
    assert!(world.events.iter().any(|recorded| matches!(recorded.event, Event::MemberLeft { why: Left::Closed, .. })));
    world.run_ms(15_000);
    assert!(!world.process(consumer).is_stopped());
    let lines: Vec<_> = world.process(consumer).consumer().unwrap().client().network.log.lines().map(|line| line.message.clone()).collect();
    assert!(lines.iter().any(|line| line.contains("consumer poll timeout has expired")), "{lines:?}");
}

#[test]
fn a_restarted_coordinator_is_found_again() {
    let mut world = World::new(2, 2);
    let consumer = world.consumer("c1", EARLIEST, Duration::ZERO);
    world.run_ms(6_000);
    world.sim.inject(&Fault::Kill { host: "kafka-1".into() }, None).unwrap();
    world.run_ms(5_000);
    world.produce(1, 5);
    world.run_ms(500);
    assert_eq!(world.process(consumer).consumed().records, 5, "the other broker's partition is read all the while");
    // It comes back and knows nothing of the group: the member joins anew.
    world.sim.inject(&Fault::Start { host: "kafka-1".into() }, None).unwrap();
    world.run_ms(10_000);
    assert!(!world.process(consumer).is_stopped());
}

#[test]
fn bad_settings_end_the_process() {
    let mut world = World::new(1, 1);
    let consumer = world.consumer("c1", "auto.offset.reset=perhaps", Duration::ZERO);
    world.run_ms(100);
    assert!(world.sim.process(consumer).is_none());
}
