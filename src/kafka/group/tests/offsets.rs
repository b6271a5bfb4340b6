//! Offsets, descriptions, deletions.

use super::*;

#[test]
fn offsets_are_known_once_committed_and_survive_the_coordinator() {
    let mut world = World::new();
    let member = world.stable(1).remove(0);
    world.hold = true;
    let token = world.commit_offset(&member, 1, 42);
    assert_eq!((world.answer(token), world.fetch_offset()), (None, -1));
    world.hold = false;
    world.commit();
    assert_eq!((world.committed(token), world.fetch_offset()), (0, 42));

    // Another broker takes over with the log.
    let mut heir = World::not_elected();
    let log = world.broker.log.iter().map(|(_, batch)| batch.clone());
    let partition = world.coordinator.partition_for(GROUP);
    heir.coordinator.elected(partition, 1, log, heir.now, &mut heir.broker);
    assert_eq!((heir.state(), heir.fetch_offset()), (GroupState::Stable, 42));
    assert_eq!(heir.heartbeat(&member, 1), 0);
    heir.wait_ms(44_999);
    assert_eq!(heir.coordinator.group(GROUP).unwrap().members().count(), 1);
    heir.wait_ms(1);
    assert_eq!(heir.coordinator.group(GROUP).unwrap().members().count(), 0);
}

#[test]
fn a_commit_without_a_group_makes_one() {
    let mut world = World::new();
    let token = world.commit_offset("", -1, 9);
    assert_eq!((world.committed(token), world.fetch_offset(), world.state()), (0, 9, GroupState::Empty));
    let mut world = World::new();
    let token = world.commit_offset("x", 3, 9);
    assert_eq!(world.committed(token), GroupIdNotFound.code());
}

#[test]
fn who_resigns_sends_everybody_away() {
    let mut world = World::new();
    let (_, waiting) = world.join();
    let partition = world.coordinator.partition_for(GROUP);
    world.coordinator.resigned(partition, &mut world.broker);
    assert_eq!(world.joined(waiting).error_code, NotCoordinator.code());
    assert_eq!(world.heartbeat("x", 1), NotCoordinator.code());
    assert_eq!(world.coordinator.next_wake(), None);
}

#[test]
fn describe_and_list() {
    let mut world = World::new();
    world.stable(2);
    let token = world.ask(DescribeGroupsRequest::default().with_groups(vec![group(), GroupId(str_bytes("nobody"))]));
    let Some(Response::DescribeGroups(response)) = world.answer(token) else { panic!() };
    let described = &response.groups[0];
    assert_eq!((&*described.group_state, &*described.protocol_data, described.members.len()), ("Stable", "range", 2));
    assert_eq!((&*described.members[0].client_host, &described.members[0].member_assignment[..]), ("/10.77.0.100", &[7][..]));
    assert_ne!(response.groups[1].error_code, 0, "led elsewhere, or unknown");
    for (states, expected) in [(vec![], 1), (vec!["stable"], 1), (vec!["Empty"], 0)] {
        let states = states.into_iter().map(str_bytes).collect();
        let token = world.ask(ListGroupsRequest::default().with_states_filter(states));
        let Some(Response::ListGroups(response)) = world.answer(token) else { panic!() };
        assert_eq!(response.groups.len(), expected);
    }
}

fn delete_offset(world: &mut World) -> OffsetDeleteResponse {
    use offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
    let partition = OffsetDeleteRequestPartition::default().with_partition_index(3);
    let topic = OffsetDeleteRequestTopic::default().with_name(TopicName(str_bytes("orders"))).with_partitions(vec![partition]);
    let token = world.ask(OffsetDeleteRequest::default().with_group_id(group()).with_topics(vec![topic]));
    match world.answer(token) {
        Some(Response::OffsetDelete(response)) => response,
        other => panic!("{other:?}"),
    }
}

fn delete_group(world: &mut World, others: &[&str]) -> Option<Vec<i16>> {
    let names = others.iter().map(|name| GroupId(str_bytes(name))).chain([group()]);
    let token = world.ask(DeleteGroupsRequest::default().with_groups_names(names.collect()));
    match world.answer(token) {
        Some(Response::DeleteGroups(response)) => Some(response.results.iter().map(|result| result.error_code).collect()),
        _ => None,
    }
}

#[test]
fn a_group_with_members_is_not_deleted_an_empty_one_leaves_tombstones() {
    let mut world = World::new();
    assert_eq!(delete_group(&mut world, &[]), Some(vec![GroupIdNotFound.code()]));
    let members = world.stable(1);
    assert_eq!(delete_group(&mut world, &[]), Some(vec![NonEmptyGroup.code()]));
    world.commit_offset(&members[0], 1, 7);
    world.wait_ms(60_000);
    let errors = vec![InvalidGroupId.code(), 0, GroupIdNotFound.code()];
    assert_eq!(delete_group(&mut world, &["", GROUP]), Some(errors), "each by itself, in the order of the request");
    let mut world = World::new();
    world.commit_offset("", -1, 9);
    world.hold = true;
    assert_eq!(delete_group(&mut world, &[]), None, "answered once it is written");
    assert!(world.coordinator.group(GROUP).is_none());
    let records = world.broker.log.last().unwrap().1.records().unwrap();
    assert_eq!(records.iter().map(|record| record.unwrap().value.is_none()).collect::<Vec<_>>(), [true, true]);
    world.coordinator.appended(world.now, AppendId(world.broker.log.len() as u64 - 1), Err(NotEnoughReplicas.code()), &mut world.broker);
    assert_eq!(world.coordinator.group(GROUP).unwrap().offsets().count(), 1, "as if nothing had happened");
}

#[test]
fn offsets_of_subscribed_topics_stay() {
    let mut world = World::new();
    assert_eq!(delete_offset(&mut world).error_code, GroupIdNotFound.code());
    world.commit_offset("", -1, 9);
    let response = delete_offset(&mut world);
    assert_eq!((response.topics[0].partitions[0].error_code, world.fetch_offset()), (0, -1));
    // Whose members' wishes cannot be read may still want them: nothing goes.
    let mut world = World::new();
    let members = world.stable(1);
    world.commit_offset(&members[0], 1, 7);
    let response = delete_offset(&mut world);
    assert_eq!((response.topics[0].partitions[0].error_code, world.fetch_offset()), (GroupSubscribedToTopic.code(), 7));
}
