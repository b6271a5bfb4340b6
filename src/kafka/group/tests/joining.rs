//! Joining, and what waits for it.

use super::*;

#[test]
fn the_first_join_waits_for_more_members() {
    let mut world = World::new();
    let (first, token) = world.join();
    world.wait_ms(2_999);
    assert_eq!((world.answer(token), world.state()), (None, GroupState::PreparingRebalance));
    world.wait_ms(1);
    let response = world.joined(token);
    assert_eq!((response.error_code, response.generation_id, response.leader), (0, 1, first));
    assert_eq!(response.members.len(), 1);
    assert_eq!(world.state(), GroupState::CompletingRebalance);
}

#[test]
fn each_joiner_extends_the_wait() {
    let mut world = World::new();
    let (_, first) = world.join();
    world.wait_ms(2_000);
    let (_, second) = world.join();
    world.wait_ms(3_999);
    assert_eq!(world.answer(second), None);
    world.wait_ms(1);
    let (first, second) = (world.joined(first), world.joined(second));
    assert_eq!((first.generation_id, second.generation_id), (1, 1));
    assert_eq!(first.members.len() + second.members.len(), 2, "only the leader learns of the members");
}

#[test]
fn a_new_group_is_written_at_once_as_kafka_writes_it() {
    let mut world = World::new();
    world.join();
    let records = world.broker.log[0].1.records().unwrap();
    let record = records.iter().next().unwrap().unwrap();
    assert_eq!(record.key, Some(&b"\0\x02\0\x07billing"[..]));
    assert_eq!(record.value.map(<[u8]>::len), Some(24));
    assert_eq!(world.broker.log[0].1.info.base_sequence, 0);
    assert_eq!(world.broker.log[0].1.info.producer_id, -1);
}

#[test]
fn the_assignment_comes_once_it_is_committed() {
    let mut world = World::new();
    let (member, token) = world.join();
    world.wait_ms(3_000);
    world.joined(token);
    world.hold = true;
    let token = world.ask(sync(&member, 1, &[&member]));
    assert_eq!((world.answer(token), world.state()), (None, GroupState::CompletingRebalance));
    world.hold = false;
    world.commit();
    assert_eq!(world.synced(token).assignment, vec![7]);
    assert_eq!(world.state(), GroupState::Stable);
    assert_eq!(world.heartbeat(&member, 1), 0);
}

#[test]
fn an_assignment_that_cannot_be_written_is_asked_for_again() {
    let mut world = World::new();
    let (member, _) = world.join();
    world.wait_ms(3_000);
    world.hold = true;
    let token = world.ask(sync(&member, 1, &[&member]));
    let append = AppendId(world.broker.log.len() as u64 - 1);
    world.coordinator.appended(world.now, append, Err(NotEnoughReplicas.code()), &mut world.broker);
    assert_eq!(world.synced(token).error_code, CoordinatorNotAvailable.code());
    assert_eq!(world.state(), GroupState::PreparingRebalance);
}

#[test]
fn a_second_member_makes_the_first_rejoin() {
    let mut world = World::new();
    let first = world.stable(1).remove(0);
    let (second, token) = world.join();
    assert_eq!(world.state(), GroupState::PreparingRebalance);
    assert_eq!(world.heartbeat(&first, 1), RebalanceInProgress.code());
    let rejoined = world.ask(join(&first));
    let leader = world.joined(rejoined);
    assert_eq!((leader.generation_id, leader.members.len()), (2, 2));
    assert_eq!(world.joined(token).generation_id, 2);
    // The follower waits for the leader's assignment.
    let waiting = world.ask(sync(&second, 2, &[]));
    assert_eq!(world.answer(waiting), None);
    world.ask(sync(&first, 2, &[&first, &second]));
    assert_eq!(world.synced(waiting).assignment, vec![7]);
}
