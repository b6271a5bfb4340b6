//! The coordinator's rules, as a member sees them. The fake broker keeps what was appended and commits it when told to.

use std::sync::atomic::{AtomicU64, Ordering};

use kafka_protocol::ResponseError::*;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;

use super::config::GroupConfig;
use super::coordinator::GroupCoordinator;
use super::out::{AppendId, ClientInfo, GroupOut, Token, str_bytes};
use crate::kafka::event::{Event, GroupState, Left};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::records::batch::Batch;
use crate::sim::chunk::ChunkId;
use crate::sim::process::{Absent, EventId};
use crate::sim::time::Time;

const GROUP: &str = "billing";

#[derive(Default)]
struct Broker {
    answers: Vec<(Token, Response)>,
    log: Vec<(i32, Batch)>,
    events: Vec<(Event, Vec<Absent>)>,
    ids: AtomicU64,
}

impl Broker {
    fn next(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }
}

impl GroupOut for Broker {
    fn respond(&mut self, token: Token, response: Response) {
        assert!(self.answers.iter().all(|(answered, _)| *answered != token), "{token:?} was answered twice");
        self.answers.push((token, response));
    }

    fn append(&mut self, partition: i32, batch: Batch) -> AppendId {
        self.log.push((partition, batch));
        AppendId(self.log.len() as u64 - 1)
    }

    fn emit(&mut self, event: Event, absent: Vec<Absent>) -> EventId {
        self.events.push((event, absent));
        EventId(self.events.len() as u64)
    }

    fn chunk_id(&mut self) -> ChunkId {
        ChunkId(self.next())
    }

    fn member_uuid(&mut self) -> [u8; 16] {
        (u128::from(self.next()) * 0x0101_0101_0101_0101_0101_0101_0101_0101).to_be_bytes()
    }
}

/// A coordinator with its broker. What it appends is committed at once unless `hold` is set.
struct World {
    now: Time,
    coordinator: GroupCoordinator,
    broker: Broker,
    committed: usize,
    hold: bool,
}

impl World {
    fn new() -> World {
        let mut world = World::not_elected();
        let partition = world.coordinator.partition_for(GROUP);
        world.coordinator.elected(partition, 0, std::iter::empty(), world.now, &mut world.broker);
        world
    }

    fn not_elected() -> World {
        let coordinator = GroupCoordinator::new(GroupConfig::default());
        World { now: Time::from_ms(1_000), coordinator, broker: Broker::default(), committed: 0, hold: false }
    }

    /// Sends a request as the client `c1`.
    fn ask(&mut self, request: impl Into<Request>) -> Token {
        let request = request.into();
        let token = Token(self.broker.next());
        let client = ClientInfo { client_id: "c1".into(), client_host: "/client-1".into() };
        self.coordinator.handle(self.now, token, client, request.api().version(), &request, &mut self.broker);
        self.commit();
        token
    }

    fn commit(&mut self) {
        while !self.hold && self.committed < self.broker.log.len() {
            let append = AppendId(self.committed as u64);
            self.committed += 1;
            self.coordinator.appended(self.now, append, Ok(()), &mut self.broker);
        }
    }

    /// Lets time pass, waking the coordinator when it wants it.
    fn wait_ms(&mut self, ms: u64) {
        let end = self.now + crate::sim::time::Duration::ms(ms);
        while let Some(at) = self.coordinator.next_wake().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.coordinator.poll(self.now, &mut self.broker);
            self.commit();
        }
        self.now = end;
    }

    fn answer(&self, token: Token) -> Option<Response> {
        self.broker.answers.iter().find(|(answered, _)| *answered == token).map(|(_, response)| response.clone())
    }

    fn joined(&self, token: Token) -> JoinGroupResponse {
        match self.answer(token) {
            Some(Response::JoinGroup(response)) => response,
            other => panic!("not joined: {other:?}"),
        }
    }

    fn synced(&self, token: Token) -> SyncGroupResponse {
        match self.answer(token) {
            Some(Response::SyncGroup(response)) => response,
            other => panic!("not synced: {other:?}"),
        }
    }

    /// Asks for a member id, then joins with it.
    fn join(&mut self) -> (StrBytes, Token) {
        let token = self.ask(join(""));
        let response = self.joined(token);
        assert_eq!(response.error_code, MemberIdRequired.code());
        let token = self.ask(join(&response.member_id));
        (response.member_id, token)
    }

    /// A group of so many members in Stable.
    fn stable(&mut self, members: usize) -> Vec<StrBytes> {
        let joined: Vec<_> = (0..members).map(|_| self.join()).collect();
        self.wait_ms(10_000);
        let leader = self.joined(joined[0].1);
        let mut ids: Vec<StrBytes> = joined.into_iter().map(|(id, _)| id).collect();
        ids.sort_by_key(|id| *id != leader.leader);
        for id in ids.iter().rev() {
            let all: Vec<&StrBytes> = if *id == leader.leader { ids.iter().collect() } else { Vec::new() };
            self.ask(sync(id, leader.generation_id, &all));
        }
        assert_eq!(self.state(), GroupState::Stable);
        ids
    }

    fn state(&self) -> GroupState {
        self.coordinator.group(GROUP).unwrap().state
    }

    fn heartbeat(&mut self, member: &str, generation: i32) -> i16 {
        let token =
            self.ask(HeartbeatRequest::default().with_group_id(group()).with_member_id(str_bytes(member)).with_generation_id(generation));
        match self.answer(token) {
            Some(Response::Heartbeat(response)) => response.error_code,
            other => panic!("{other:?}"),
        }
    }

    fn commit_offset(&mut self, member: &str, generation: i32, offset: i64) -> Token {
        let partition = OffsetCommitRequestPartition::default().with_partition_index(3).with_committed_offset(offset);
        let partition = partition.with_committed_metadata(Some(str_bytes("note")));
        let topic = OffsetCommitRequestTopic::default().with_name(TopicName(str_bytes("orders"))).with_partitions(vec![partition]);
        self.ask(
            OffsetCommitRequest::default()
                .with_group_id(group())
                .with_member_id(str_bytes(member))
                .with_generation_id_or_member_epoch(generation)
                .with_topics(vec![topic]),
        )
    }

    fn committed(&self, token: Token) -> i16 {
        match self.answer(token) {
            Some(Response::OffsetCommit(response)) => response.topics[0].partitions[0].error_code,
            other => panic!("not committed: {other:?}"),
        }
    }

    fn fetch_offset(&mut self) -> i64 {
        let asked = OffsetFetchRequestGroup::default().with_group_id(group()).with_topics(None);
        let token = self.ask(OffsetFetchRequest::default().with_groups(vec![asked]));
        match self.answer(token) {
            Some(Response::OffsetFetch(response)) => {
                response.groups[0].topics.first().map_or(-1, |topic| topic.partitions[0].committed_offset)
            }
            other => panic!("{other:?}"),
        }
    }
}

fn group() -> GroupId {
    GroupId(StrBytes::from_static_str(GROUP))
}

fn join(member: &str) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default().with_name(str_bytes("range")).with_metadata(vec![1, 2, 3].into());
    JoinGroupRequest::default()
        .with_group_id(group())
        .with_member_id(str_bytes(member))
        .with_session_timeout_ms(45_000)
        .with_rebalance_timeout_ms(300_000)
        .with_protocol_type(str_bytes("consumer"))
        .with_protocols(vec![protocol])
}

fn sync(member: &str, generation: i32, assigned: &[&StrBytes]) -> SyncGroupRequest {
    let assign = |id: &&StrBytes| SyncGroupRequestAssignment::default().with_member_id((*id).clone()).with_assignment(vec![7].into());
    SyncGroupRequest::default()
        .with_group_id(group())
        .with_member_id(str_bytes(member))
        .with_generation_id(generation)
        .with_assignments(assigned.iter().map(assign).collect())
}

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
