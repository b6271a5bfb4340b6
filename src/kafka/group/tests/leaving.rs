//! Leaving, expiring, fencing.

use super::*;

#[test]
fn a_member_that_does_not_rejoin_is_out() {
    let mut world = World::new();
    let first = world.stable(1).remove(0);
    let (second, token) = world.join();
    for _ in 0..30 {
        // It lives, but its application does not poll.
        assert_eq!(world.heartbeat(&first, 1), RebalanceInProgress.code());
        world.wait_ms(10_000);
    }
    assert_eq!(world.joined(token).leader, second);
    let left = |(event, _): &(Event, _)| matches!(event, Event::MemberLeft { why: Left::RebalanceTimedOut, .. });
    assert!(world.broker.events.iter().any(left));
    assert_eq!(world.heartbeat(&first, 1), UnknownMemberId.code());
}

#[test]
fn leaving_empties_the_group_and_says_so_in_the_log() {
    let mut world = World::new();
    let member = world.stable(1).remove(0);
    world.hold = true;
    let leaving = MemberIdentity::default().with_member_id(member.clone());
    let token = world.ask(LeaveGroupRequest::default().with_group_id(group()).with_members(vec![leaving]));
    assert_eq!(world.answer(token), None, "the answer waits for the log");
    world.hold = false;
    world.commit();
    let Some(Response::LeaveGroup(response)) = world.answer(token) else { panic!() };
    assert_eq!((response.error_code, response.members[0].error_code), (0, 0));
    let group = world.coordinator.group(GROUP).unwrap();
    assert_eq!((group.state, group.generation, group.members().count()), (GroupState::Empty, 2, 0));
    assert_eq!(world.heartbeat(&member, 2), UnknownMemberId.code());
}

#[test]
fn a_silent_member_expires_and_its_host_is_named() {
    let mut world = World::new();
    let ids = world.stable(2);
    for _ in 0..4 {
        world.wait_ms(10_000);
        assert_eq!(world.heartbeat(&ids[0], 1), 0);
    }
    world.wait_ms(6_000);
    let expired = world.broker.events.iter().find(|(event, _)| matches!(event, Event::MemberLeft { .. })).unwrap();
    assert_eq!(expired.1, [Absent::Host("client-1".into())]);
    assert!(matches!(&expired.0, Event::MemberLeft { why: Left::SessionExpired, member, .. } if **member == *ids[1]));
    assert_eq!(world.heartbeat(&ids[0], 1), RebalanceInProgress.code());
}

#[test]
fn an_id_that_was_never_used_expires() {
    let mut world = World::new();
    world.stable(1);
    world.ask(join(""));
    assert_eq!(world.coordinator.group(GROUP).unwrap().pending_join.len(), 1);
    world.wait_ms(45_000);
    assert_eq!(world.coordinator.group(GROUP).unwrap().pending_join.len(), 0);
}

#[test]
fn fencing() {
    let mut world = World::new();
    let member = world.stable(1).remove(0);
    assert_eq!(world.heartbeat(&member, 0), IllegalGeneration.code());
    assert_eq!(world.heartbeat("somebody", 1), UnknownMemberId.code());
    let token = world.ask(sync(&member, 2, &[]));
    assert_eq!(world.synced(token).error_code, IllegalGeneration.code());
    let token = world.commit_offset(&member, 0, 5);
    assert_eq!(world.committed(token), IllegalGeneration.code());
    let token = world.commit_offset("", -1, 5);
    assert_eq!(world.committed(token), UnknownMemberId.code());
    let token = world.ask(join("somebody"));
    assert_eq!(world.joined(token).error_code, UnknownMemberId.code());
    let token = world.ask(join("").with_protocol_type(str_bytes("connect")));
    assert_eq!(world.joined(token).error_code, InconsistentGroupProtocol.code());
    let token = world.ask(join("").with_session_timeout_ms(5_999));
    assert_eq!(world.joined(token).error_code, InvalidSessionTimeout.code());
    // Between JoinGroup and SyncGroup nobody may commit.
    world.ask(join(&member));
    let token = world.commit_offset(&member, 2, 5);
    assert_eq!(world.committed(token), RebalanceInProgress.code());
}

#[test]
fn a_leader_that_joins_again_rebalances_a_follower_does_not() {
    let mut world = World::new();
    let ids = world.stable(2);
    let token = world.ask(join(&ids[1]));
    assert_eq!((world.joined(token).generation_id, world.state()), (1, GroupState::Stable));
    world.ask(join(&ids[0]));
    assert_eq!(world.state(), GroupState::PreparingRebalance);
}

#[test]
fn a_repeated_join_gets_the_same_answer() {
    let mut world = World::new();
    let (member, token) = world.join();
    world.wait_ms(3_000);
    let again = world.ask(join(&member));
    assert_eq!(world.joined(again), world.joined(token));
    assert_eq!(world.state(), GroupState::CompletingRebalance);
}

#[test]
fn a_static_member_keeps_its_place() {
    let mut world = World::new();
    let request = || join("").with_group_instance_id(Some(str_bytes("i1")));
    let token = world.ask(request());
    world.wait_ms(3_000);
    let first = world.joined(token);
    assert!(first.member_id.starts_with("i1-"));
    let asked = sync(&first.member_id, 1, &[&first.member_id]).with_group_instance_id(Some(str_bytes("i1")));
    world.ask(asked);
    let token = world.ask(request());
    let second = world.joined(token);
    assert_eq!((second.error_code, second.generation_id, second.skip_assignment), (0, 1, true));
    assert_ne!(second.member_id, first.member_id);
    assert_eq!(world.state(), GroupState::Stable);
    let old = HeartbeatRequest::default().with_group_id(group()).with_member_id(first.member_id).with_generation_id(1);
    let token = world.ask(old.with_group_instance_id(Some(str_bytes("i1"))));
    let fenced = HeartbeatResponse::default().with_error_code(FencedInstanceId.code());
    assert_eq!(world.answer(token), Some(fenced.into()));
    let token = world.ask(sync(&second.member_id, 1, &[]));
    assert_eq!(world.synced(token).assignment, vec![7], "the partitions of the member that it replaces");
}
