//! The coordinator's rules for the consumer protocol, as members see them. What is appended is committed when told to.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError::*;
use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::*;
use uuid::Uuid;

use crate::kafka::event::{Event, GroupState};
use crate::kafka::group::config::GroupConfig;
use crate::kafka::group::coordinator::GroupCoordinator;
use crate::kafka::group::out::{AppendId, ClientInfo, GroupOut, Token, str_bytes};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::records::batch::Batch;
use crate::sim::chunk::ChunkId;
use crate::sim::process::{Absent, EventId};
use crate::sim::time::{Duration, Time};

const GROUP: &str = "billing";
const ORDERS: Uuid = Uuid::from_u128(7);

#[derive(Default)]
struct Broker {
    answers: BTreeMap<Token, Response>,
    log: Vec<Batch>,
    partitions: i32,
}

impl GroupOut for Broker {
    fn respond(&mut self, token: Token, response: Response) {
        assert!(self.answers.insert(token, response).is_none(), "{token:?} was answered twice");
    }

    fn append(&mut self, _partition: i32, batch: Batch) -> AppendId {
        self.log.push(batch);
        AppendId(self.log.len() as u64 - 1)
    }

    fn emit(&mut self, _event: Event, _absent: Vec<Absent>) -> EventId {
        EventId(0)
    }

    fn chunk_id(&mut self) -> ChunkId {
        ChunkId(self.log.len() as u64)
    }

    fn member_uuid(&mut self) -> [u8; 16] {
        [0; 16]
    }

    fn topic(&mut self, name: &str) -> Option<(Uuid, i32)> {
        (name == "orders").then_some((ORDERS, self.partitions))
    }
}

struct World {
    now: Time,
    coordinator: GroupCoordinator,
    broker: Broker,
    committed: usize,
    next_token: u64,
    hold: bool,
}

impl World {
    fn new() -> World {
        let mut world = World {
            now: Time::from_ms(1_000),
            coordinator: GroupCoordinator::new(GroupConfig::default()),
            broker: Broker { partitions: 4, ..Broker::default() },
            committed: 0,
            next_token: 0,
            hold: false,
        };
        let partition = world.coordinator.partition_for(GROUP);
        world.coordinator.elected(partition, 0, std::iter::empty(), world.now, &mut world.broker);
        world
    }

    fn ask(&mut self, request: impl Into<Request>) -> Token {
        let request = request.into();
        self.next_token += 1;
        let token = Token(self.next_token);
        let client = ClientInfo { client_id: "c".into(), client_host: "/client-1".into() };
        self.coordinator.handle(self.now, token, client, request.api().version(), &request, &mut self.broker);
        while !self.hold && self.committed < self.broker.log.len() {
            self.appended(Ok(()));
        }
        token
    }

    fn appended(&mut self, result: Result<(), i16>) {
        self.committed += 1;
        self.coordinator.appended(self.now, AppendId(self.committed as u64 - 1), result, &mut self.broker);
    }

    fn heartbeat(&mut self, request: ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatResponse {
        let token = self.ask(request);
        match self.broker.answers.remove(&token) {
            Some(Response::ConsumerGroupHeartbeat(response)) => response,
            other => panic!("{other:?}"),
        }
    }

    /// The epoch and the partitions of the answer, if it has any.
    fn told(&mut self, request: ConsumerGroupHeartbeatRequest) -> (i32, Option<Vec<i32>>) {
        let response = self.heartbeat(request);
        assert_eq!(response.error_code, 0, "{:?}", response.error_message);
        let partitions = response.assignment.map(|told| told.topic_partitions.into_iter().flat_map(|topic| topic.partitions).collect());
        (response.member_epoch, partitions)
    }

    fn wait_ms(&mut self, ms: u64) {
        let end = self.now + Duration::ms(ms);
        while let Some(at) = self.coordinator.next_wake().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.coordinator.poll(self.now, &mut self.broker);
            while self.committed < self.broker.log.len() {
                self.appended(Ok(()));
            }
        }
        self.now = end;
    }

    fn state(&self) -> (GroupState, i32, i32) {
        let group = self.coordinator.consumer_group(GROUP).unwrap();
        (group.state(), group.epoch, group.target_epoch)
    }

    fn members(&self) -> Vec<String> {
        self.coordinator.consumer_group(GROUP).unwrap().members().map(|(id, _)| id.to_string()).collect()
    }
}

fn beat(member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(GroupId(str_bytes(GROUP)))
        .with_member_id(str_bytes(member))
        .with_member_epoch(epoch)
}

fn join(member: &str) -> ConsumerGroupHeartbeatRequest {
    beat(member, 0)
        .with_rebalance_timeout_ms(60_000)
        .with_subscribed_topic_names(Some(vec![TopicName(str_bytes("orders"))]))
        .with_topic_partitions(Some(Vec::new()))
}

fn has(member: &str, epoch: i32, partitions: &[i32]) -> ConsumerGroupHeartbeatRequest {
    let owned = TopicPartitions::default().with_topic_id(ORDERS).with_partitions(partitions.to_vec());
    beat(member, epoch).with_topic_partitions(Some(vec![owned]))
}

fn as_static(request: ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatRequest {
    request.with_instance_id(Some(str_bytes("i1")))
}

/// A member `a` that has all four partitions, in epoch 2; a second has passed.
fn with_one_member() -> World {
    let mut world = World::new();
    assert_eq!(world.told(join("a")), (2, Some(vec![0, 1, 2, 3])));
    assert_eq!(world.state(), (GroupState::Stable, 2, 2));
    world.wait_ms(1_000);
    world
}

#[test]
fn partitions_go_over_only_when_they_were_given_up() {
    let mut world = with_one_member();
    assert_eq!(world.told(join("b")), (3, Some(Vec::new())), "all are held by a");
    assert_eq!(world.state(), (GroupState::Reconciling, 3, 3));
    let (epoch, kept) = world.told(has("a", 2, &[0, 1, 2, 3]));
    assert_eq!((epoch, kept.as_ref().map(Vec::len)), (2, Some(2)), "a keeps its epoch until it has given up");
    assert_eq!(world.told(beat("b", 3)), (3, None));
    assert_eq!(world.told(beat("a", 2)), (2, None), "nothing new");
    assert_eq!(world.told(has("a", 2, &kept.clone().unwrap())), (3, None));
    let (_, got) = world.told(beat("b", 3));
    assert_eq!(got.map(|got| got.len()), Some(2));
    assert_eq!(world.state(), (GroupState::Stable, 3, 3));
}

#[test]
fn who_does_not_give_up_in_time_is_out() {
    let mut world = with_one_member();
    world.told(join("b"));
    world.told(has("a", 2, &[0, 1, 2, 3]));
    for _ in 0..12 {
        world.wait_ms(5_000);
        world.ask(beat("a", 2));
        world.ask(beat("b", 3));
    }
    world.wait_ms(5_000);
    assert_eq!(world.members(), ["b"]);
    let refused = world.heartbeat(beat("a", 2));
    assert_eq!(refused.error_code, UnknownMemberId.code());
    assert_eq!(refused.error_message.as_deref(), Some("Member a is not a member of group billing."));
}

#[test]
fn a_silent_member_is_removed_and_the_next_heartbeat_brings_a_new_target() {
    let mut world = with_one_member();
    world.told(join("b"));
    for _ in 0..8 {
        world.wait_ms(5_000);
        world.ask(beat("b", 3));
    }
    world.wait_ms(5_000);
    assert_eq!(world.members(), ["b"]);
    assert_eq!(world.state(), (GroupState::Assigning, 4, 3));
    assert_eq!(world.told(beat("b", 3)), (4, Some(vec![0, 1, 2, 3])));
    assert_eq!(world.state(), (GroupState::Stable, 4, 4));
}

#[test]
fn a_target_is_not_computed_twice_within_the_interval() {
    let mut world = World::new();
    world.told(join("a"));
    world.wait_ms(400);
    assert_eq!(world.told(join("b")), (2, Some(Vec::new())), "the target is still that of epoch 2");
    assert_eq!(world.state(), (GroupState::Assigning, 3, 2));
    world.wait_ms(600);
    world.told(beat("b", 2));
    assert_eq!(world.state(), (GroupState::Reconciling, 3, 3));
}

#[test]
fn a_full_group_takes_nobody() {
    let mut world = World::new();
    world.coordinator.config.consumer_max_size = 1;
    world.told(join("a"));
    let refused = world.heartbeat(join("b"));
    assert_eq!(refused.error_code, GroupMaxSizeReached.code());
    assert_eq!(world.members(), ["a"]);
}

#[test]
fn more_partitions_are_a_new_epoch() {
    let mut world = with_one_member();
    world.broker.partitions = 5;
    assert_eq!(world.told(beat("a", 2)), (3, Some(vec![0, 1, 2, 3, 4])));
}

#[test]
fn epochs_are_fenced() {
    let mut world = with_one_member();
    world.told(join("b"));
    world.told(has("a", 2, &[0, 1, 2, 3]));
    for (request, error) in [
        (beat("a", 9), FencedMemberEpoch),
        (beat("a", 1), FencedMemberEpoch),
        (beat("c", 1), UnknownMemberId),
        (has("b", 2, &[0]), FencedMemberEpoch),
        (beat("a", -3), InvalidRequest),
        (beat("a", -2), InvalidRequest),
        (beat("", 0), InvalidRequest),
        (join("d").with_server_assignor(Some(str_bytes("mine"))), UnsupportedAssignor),
        (beat("e", 0), InvalidRequest),
    ] {
        assert_eq!(world.heartbeat(request.clone()).error_code, error.code(), "{request:?}");
    }
}

#[test]
fn an_answer_that_was_lost_does_not_fence() {
    let mut world = with_one_member();
    world.broker.partitions = 5;
    assert_eq!(world.told(beat("a", 2)).0, 3);
    // The member has not heard of that, and says what it was given before.
    assert_eq!(world.told(has("a", 2, &[0, 1, 2, 3])).0, 3);
    assert_eq!(world.heartbeat(has("a", 2, &[7])).error_code, FencedMemberEpoch.code(), "it never had this one");
    assert_eq!(world.heartbeat(beat("a", 2)).error_code, FencedMemberEpoch.code(), "it does not say what it has");
}

#[test]
fn a_static_member_comes_back_to_its_partitions() {
    let mut world = World::new();
    assert_eq!(world.told(as_static(join("a"))), (2, Some(vec![0, 1, 2, 3])));
    let twin = world.heartbeat(as_static(join("twin")));
    assert_eq!(twin.error_code, UnreleasedInstanceId.code());
    assert_eq!(world.told(as_static(beat("a", -2))), (-2, None));
    assert_eq!(world.state(), (GroupState::Reconciling, 2, 2));
    assert_eq!(world.told(as_static(join("b"))), (2, Some(vec![0, 1, 2, 3])), "the same, and no new epoch");
    assert_eq!(world.members(), ["b"]);
    assert_eq!(world.heartbeat(as_static(beat("a", 2))).error_code, FencedInstanceId.code());
    world.told(as_static(beat("b", -2)));
    world.wait_ms(45_000);
    assert_eq!(world.state(), (GroupState::Empty, 3, 2), "its session has ended");
}

#[test]
fn what_is_not_written_did_not_happen() {
    let mut world = with_one_member();
    world.hold = true;
    let (join, then) = (world.ask(join("b")), world.ask(beat("b", 3)));
    assert!(!world.broker.answers.contains_key(&join), "it waits for the log");
    world.appended(Err(NotLeaderOrFollower.code()));
    assert_eq!(world.state(), (GroupState::Stable, 2, 2));
    assert_eq!(world.members(), ["a"]);
    let Some(Response::ConsumerGroupHeartbeat(answer)) = world.broker.answers.remove(&join) else { panic!("no answer") };
    assert_eq!(answer.error_code, NotCoordinator.code());
    assert!(world.broker.answers.contains_key(&then), "nothing was written for it");
}

#[test]
fn what_is_written_but_not_confirmed_in_time_stays() {
    let mut world = with_one_member();
    world.hold = true;
    let join = world.ask(join("b"));
    world.appended(Err(RequestTimedOut.code()));
    assert_eq!(world.state(), (GroupState::Reconciling, 3, 3), "as whoever reads the log would have it");
    assert_eq!(world.members(), ["a", "b"]);
    let Some(Response::ConsumerGroupHeartbeat(answer)) = world.broker.answers.remove(&join) else { panic!("no answer") };
    assert_ne!(answer.error_code, 0);
}

#[test]
fn the_heir_of_a_coordinator_knows_the_same() {
    let mut world = with_one_member();
    world.told(join("b"));
    world.told(has("a", 2, &[0, 1, 2, 3]));
    let mut heir = GroupCoordinator::new(GroupConfig::default());
    let log: Vec<Batch> = world.broker.log.clone();
    heir.elected(world.coordinator.partition_for(GROUP), 1, log.into_iter(), world.now, &mut world.broker);
    let of = |coordinator: &GroupCoordinator| {
        let group = coordinator.consumer_group(GROUP).unwrap();
        let members: Vec<_> = group.members().map(|(id, member)| (id.clone(), member.metadata.clone(), member.current.clone())).collect();
        (group.epoch, group.target_epoch, members, group.target_of("a").cloned())
    };
    assert_eq!(of(&heir), of(&world.coordinator));
}

#[test]
fn protocols_do_not_mix_but_an_empty_group_changes_over() {
    let mut world = with_one_member();
    let classic = JoinGroupRequest::default()
        .with_group_id(GroupId(str_bytes(GROUP)))
        .with_session_timeout_ms(10_000)
        .with_protocol_type(str_bytes("consumer"))
        .with_protocols(vec![join_group_request::JoinGroupRequestProtocol::default().with_name(str_bytes("range"))]);
    let joined = |world: &mut World| {
        let token = world.ask(classic.clone());
        match world.broker.answers.remove(&token) {
            Some(Response::JoinGroup(response)) => response.error_code,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(joined(&mut world), InconsistentGroupProtocol.code());
    world.told(beat("a", -1));
    assert_eq!(world.state().0, GroupState::Empty);
    assert_eq!(joined(&mut world), MemberIdRequired.code());
    assert!(world.coordinator.consumer_group(GROUP).is_none());
    assert_eq!(world.told(join("b")), (2, Some(vec![0, 1, 2, 3])), "and back: nobody had joined yet");
    assert!(world.coordinator.group(GROUP).is_none());
}

#[test]
fn members_commit_in_their_epoch() {
    let mut world = with_one_member();
    let commit = |world: &mut World, member: &str, epoch: i32| {
        let partition = offset_commit_request::OffsetCommitRequestPartition::default().with_committed_offset(5);
        let topic = offset_commit_request::OffsetCommitRequestTopic::default()
            .with_name(TopicName(str_bytes("orders")))
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(str_bytes(GROUP)))
            .with_member_id(str_bytes(member))
            .with_generation_id_or_member_epoch(epoch)
            .with_topics(vec![topic]);
        let token = world.ask(request);
        match world.broker.answers.remove(&token) {
            Some(Response::OffsetCommit(response)) => response.topics[0].partitions[0].error_code,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(commit(&mut world, "a", 2), 0);
    assert_eq!(commit(&mut world, "a", 7), StaleMemberEpoch.code());
    assert_eq!(commit(&mut world, "b", 2), UnknownMemberId.code());
    assert_eq!(commit(&mut world, "", -1), UnknownMemberId.code(), "not while there are members");
    world.told(beat("a", -1));
    assert_eq!(commit(&mut world, "", -1), 0);
    assert_eq!(world.coordinator.consumer_group(GROUP).unwrap().offsets().count(), 1);
}
