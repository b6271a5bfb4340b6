//! The coordinator's rules, as a member sees them. The fake broker keeps what was appended and commits it when told to.

mod joining;
mod leaving;
mod offsets;

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
