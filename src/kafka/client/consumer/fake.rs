//! A small world for the consumer's tests: brokers with logs and a real group coordinator, consumers on hosts of their own.

use std::collections::BTreeMap;

use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use kafka_protocol::messages::*;
use uuid::Uuid;

use super::load::{ConsumerLoad, ConsumerProcess};
use crate::kafka::actor::{HostPort, Input, Outbox, Tell};
use crate::kafka::event::Event;
use crate::kafka::group::config::GroupConfig;
use crate::kafka::group::coordinator::GroupCoordinator;
use crate::kafka::group::out::{AppendId, ClientInfo, GroupOut, Token};
use crate::kafka::names::{BROKER_PORT, host_of};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::api_versions::of_brokers;
use crate::kafka::protocol::frame::{Batches, Body, Frame};
use crate::kafka::records::batch::Batch;
use crate::kafka::records::builder::BatchBuilder;
use crate::kafka::records::compression::CompressionType;
use crate::sim::chunk::ChunkId;
use crate::sim::engine::{Settings, Sim};
use crate::sim::process::{Absent, Boot, ConnId, EventId, Model, Process, ProcessId, Recorded};
use crate::sim::time::{Duration, Time};

const TOPIC_ID: Uuid = Uuid::from_u128(7);

#[derive(Clone, Debug)]
pub struct Fake;

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Role {
    Broker(FakeBroker),
    Consumer(ConsumerProcess),
}

#[derive(Clone, Debug)]
pub enum Spec {
    Broker(Box<FakeBroker>),
    Consumer(ConsumerLoad),
}

/// One of `brokers`; partition p of `orders` is led by broker p mod brokers + 1 unless it was moved, groups are coordinated by broker 1.
/// All brokers have all data: they are told the same.
#[derive(Clone, Debug)]
pub struct FakeBroker {
    id: i32,
    brokers: i32,
    partitions: i32,
    moved: BTreeMap<i32, i32>,
    log: BTreeMap<i32, Vec<Batch>>,
    log_start: i64,
    groups: GroupCoordinator,
    said: Said,
    asked: BTreeMap<Token, (ConnId, i32, i16)>,
    next: u64,
    /// Fetches that wait for data, with the end of their patience.
    parked: Vec<(Time, ConnId, Frame)>,
}

/// What the coordinator said; its appends are committed in the same step.
#[derive(Clone, Debug, Default)]
struct Said {
    answers: Vec<(Token, Response)>,
    appends: Vec<AppendId>,
    events: Vec<(Event, Vec<Absent>)>,
    next: u64,
}

impl GroupOut for Said {
    fn respond(&mut self, token: Token, response: Response) {
        self.answers.push((token, response));
    }

    fn append(&mut self, _: i32, _: Batch) -> AppendId {
        self.next += 1;
        self.appends.push(AppendId(self.next));
        AppendId(self.next)
    }

    fn emit(&mut self, event: Event, absent: Vec<Absent>) -> EventId {
        self.events.push((event, absent));
        EventId(0)
    }

    fn chunk_id(&mut self) -> ChunkId {
        self.next += 1;
        ChunkId(1 << 40 | self.next)
    }

    fn member_uuid(&mut self) -> [u8; 16] {
        self.next += 1;
        u128::from(self.next).to_be_bytes()
    }
}

impl Model for Fake {
    type Frame = Frame;
    type Event = Event;
    type Tell = Tell;
    type Spec = Spec;
    type Process = Role;

    fn boot(spec: &Spec, boot: &Boot) -> Role {
        match spec {
            Spec::Broker(broker) => Role::Broker((**broker).clone()),
            Spec::Consumer(load) => Role::Consumer(ConsumerProcess::new(load, boot)),
        }
    }

    fn start_up(_: &Spec) -> Duration {
        Duration::ZERO
    }
}

impl Process<Fake> for Role {
    fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        match self {
            Role::Broker(broker) => broker.step(now, input, out),
            Role::Consumer(consumer) => consumer.step(now, input, out),
        }
    }

    fn next_wake(&self) -> Option<Time> {
        match self {
            Role::Broker(broker) => broker.next_wake(),
            Role::Consumer(consumer) => consumer.next_wake(),
        }
    }
}

/// A cluster and what was seen of it.
pub struct World {
    pub sim: Sim<Fake>,
    pub events: Vec<Recorded<Event>>,
    brokers: u32,
}

impl World {
    pub fn new(brokers: i32, partitions: i32) -> World {
        let mut sim = Sim::new(Settings { seed: 11, ..Settings::default() });
        for id in 1..=brokers {
            let host = host_of(crate::kafka::names::BrokerId(id));
            sim.spawn(&host, &host, Spec::Broker(Box::new(FakeBroker::new(id, brokers, partitions))), Duration::ZERO);
        }
        World { sim, events: Vec::new(), brokers: brokers as u32 }
    }

    /// A consumer of the group `g`, on a host of its own; settings as `name=value;...`.
    pub fn consumer(&mut self, client_id: &str, settings: &str, record_cost: Duration) -> ProcessId {
        let pairs = settings.split(';').filter_map(|line| line.split_once('='));
        let load = ConsumerLoad {
            group: "g".into(),
            client_id: client_id.into(),
            topics: vec!["orders".into()],
            config: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            bootstrap: vec![HostPort { host: "kafka-1".into(), port: BROKER_PORT }],
            record_cost,
        };
        self.sim.spawn(client_id, client_id, Spec::Consumer(load), Duration::ms(1))
    }

    /// Appends a batch of so many records on all brokers.
    pub fn produce(&mut self, partition: i32, records: u32) {
        self.tell(&format!("produce {partition} {records}"));
    }

    pub fn tell(&mut self, line: &str) {
        for broker in 0..self.brokers {
            self.sim.tell(ProcessId(broker), Tell::Line(line.to_owned()));
        }
    }

    pub fn run_ms(&mut self, ms: u64) {
        let end = self.sim.now() + Duration::ms(ms);
        self.sim.run_until(end);
        self.events.extend(self.sim.take_events());
    }

    pub fn process(&self, id: ProcessId) -> &ConsumerProcess {
        match self.sim.process(id) {
            Some(Role::Consumer(consumer)) => consumer,
            other => panic!("{id:?} is no running consumer: {other:?}"),
        }
    }

    /// The committed offset of a partition, or -1.
    pub fn committed(&self, partition: i32) -> i64 {
        let Some(Role::Broker(broker)) = self.sim.process(ProcessId(0)) else { panic!("kafka-1 is down") };
        let at = crate::kafka::names::TopicPartition::new("orders", partition);
        broker.groups.group("g").and_then(|group| group.offset(&at)).map_or(-1, |value| value.offset)
    }

    /// How often each offset of a partition was read, by `Consumed` events.
    pub fn read(&self, partition: i32) -> BTreeMap<i64, u32> {
        let mut read = BTreeMap::new();
        for recorded in &self.events {
            if let Event::Consumed { partition: at, from, to, count, .. } = &recorded.event
                && at.partition == partition
            {
                assert_eq!(i64::from(*count), to - from + 1);
                (*from..=*to).for_each(|offset| *read.entry(offset).or_default() += 1);
            }
        }
        read
    }
}

impl FakeBroker {
    fn new(id: i32, brokers: i32, partitions: i32) -> FakeBroker {
        let mut groups = GroupCoordinator::new(GroupConfig::default());
        let mut said = Said::default();
        if id == 1 {
            (0..50).for_each(|partition| groups.elected(partition, 0, std::iter::empty(), Time::ZERO, &mut said));
        }
        FakeBroker {
            id,
            brokers,
            partitions,
            moved: BTreeMap::new(),
            log: BTreeMap::new(),
            log_start: 0,
            groups,
            said,
            asked: BTreeMap::new(),
            next: 0,
            parked: Vec::new(),
        }
    }

    fn next_wake(&self) -> Option<Time> {
        self.parked.iter().map(|(until, ..)| *until).chain(self.groups.next_wake()).min()
    }

    fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        match input {
            Input::Start => out.listen(BROKER_PORT),
            Input::Frame(conn, frame) => self.asked(now, conn, frame, out),
            Input::Told(Tell::Line(line)) => self.told(now, &line),
            Input::Closed(conn, _) => self.parked.retain(|(_, parked, _)| *parked != conn),
            _ => {}
        }
        self.groups.poll(now, &mut self.said);
        while let Some(append) = self.said.appends.pop() {
            self.groups.appended(now, append, Ok(()), &mut self.said);
        }
        for (token, response) in std::mem::take(&mut self.said.answers) {
            if let Some((conn, correlation, version)) = self.asked.remove(&token) {
                out.send(conn, Frame::response(correlation, version, response, Vec::new()));
            }
        }
        for (event, absent) in std::mem::take(&mut self.said.events) {
            out.emit_without(event, absent);
        }
        for (until, conn, frame) in std::mem::take(&mut self.parked) {
            self.fetch(now, until, conn, frame, out);
        }
    }

    /// `produce PARTITION COUNT`, `lead PARTITION BROKER`, `truncate PARTITION BATCHES-KEPT`, `start OFFSET`.
    fn told(&mut self, now: Time, line: &str) {
        let number = |text: &str| -> i32 { text.parse().expect("a number") };
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["produce", partition, count] => {
                let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX);
                (0..number(count)).for_each(|i| builder.append(now.wall_ms(), None, Some(format!("value-{i}").as_bytes()), &[]));
                let log = self.log.entry(number(partition)).or_default();
                builder.set_base_offset(log.last().map_or(0, Batch::next_offset));
                builder.set_leader_epoch(i32::from(self.moved.contains_key(&number(partition))));
                self.next += 1;
                log.push(builder.build(ChunkId(self.next)));
            }
            ["lead", partition, broker] => drop(self.moved.insert(number(partition), number(broker))),
            ["truncate", partition, batches] => {
                let kept = number(batches) as usize;
                self.log.entry(number(partition)).or_default().truncate(kept);
            }
            ["start", offset] => self.log_start = number(offset).into(),
            _ => panic!("no such order: {line}"),
        }
    }

    fn leader(&self, partition: i32) -> i32 {
        self.moved.get(&partition).copied().unwrap_or(partition % self.brokers + 1)
    }

    fn log_end(&self, partition: i32) -> i64 {
        self.log.get(&partition).and_then(|log| log.last()).map_or(0, Batch::next_offset)
    }

    fn asked(&mut self, now: Time, conn: ConnId, frame: Frame, out: &mut Outbox) {
        let Body::Request { client_id, request } = &frame.body else { return };
        let response: Response = match request {
            Request::ApiVersions(_) => ApiVersionsResponse::default().with_api_keys(of_brokers()).into(),
            Request::Metadata(_) => self.metadata().into(),
            Request::FindCoordinator(body) => {
                let found = Coordinator::default().with_key(body.coordinator_keys[0].clone()).with_node_id(1.into());
                let found = found.with_host("kafka-1".into()).with_port(BROKER_PORT.into());
                FindCoordinatorResponse::default().with_coordinators(vec![found]).into()
            }
            Request::ListOffsets(body) => self.list_offsets(body).into(),
            Request::OffsetForLeaderEpoch(body) => self.epochs(body).into(),
            Request::Fetch(body) => {
                let until = now + Duration::ms(body.max_wait_ms as u64);
                return self.fetch(now, until, conn, frame, out);
            }
            group => {
                self.next += 1;
                let token = Token(self.next);
                self.asked.insert(token, (conn, frame.correlation_id, frame.version));
                let client = ClientInfo { client_id: client_id.as_str().into(), client_host: format!("/{client_id}").into() };
                return self.groups.handle(now, token, client, frame.version, group, &mut self.said);
            }
        };
        out.send(conn, Frame::response(frame.correlation_id, frame.version, response, Vec::new()));
    }

    fn metadata(&self) -> MetadataResponse {
        let broker = |id: i32| {
            let host = host_of(crate::kafka::names::BrokerId(id));
            MetadataResponseBroker::default().with_node_id(id.into()).with_host(host.into()).with_port(BROKER_PORT.into())
        };
        let partition = |p: i32| {
            let epoch = i32::from(self.moved.contains_key(&p));
            MetadataResponsePartition::default().with_partition_index(p).with_leader_id(self.leader(p).into()).with_leader_epoch(epoch)
        };
        let topic = MetadataResponseTopic::default().with_name(Some(TopicName("orders".into()))).with_topic_id(TOPIC_ID);
        let topic = topic.with_partitions((0..self.partitions).map(partition).collect());
        MetadataResponse::default().with_brokers((1..=self.brokers).map(broker).collect()).with_topics(vec![topic])
    }

    fn list_offsets(&self, request: &ListOffsetsRequest) -> ListOffsetsResponse {
        let topics = request.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| {
                let offset = if asked.timestamp == -2 { self.log_start } else { self.log_end(asked.partition_index) };
                ListOffsetsPartitionResponse::default().with_partition_index(asked.partition_index).with_offset(offset)
            });
            ListOffsetsTopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
        });
        ListOffsetsResponse::default().with_topics(topics.collect())
    }

    /// Each batch has the epoch of its leader; an epoch ends where the next one's first batch begins.
    fn epochs(&self, request: &OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse {
        let topics = request.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| {
                let log = self.log.get(&asked.partition).map(Vec::as_slice).unwrap_or_default();
                let newer = log.iter().find(|batch| batch.leader_epoch > asked.leader_epoch);
                let end = newer.map_or(self.log_end(asked.partition), |batch| batch.base_offset);
                let code = if self.leader(asked.partition) == self.id { 0 } else { 6 };
                let answer = EpochEndOffset::default().with_partition(asked.partition).with_error_code(code);
                answer.with_leader_epoch(asked.leader_epoch).with_end_offset(end)
            });
            OffsetForLeaderTopicResult::default().with_topic(topic.topic.clone()).with_partitions(partitions.collect())
        });
        OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
    }

    fn fetch(&mut self, now: Time, until: Time, conn: ConnId, frame: Frame, out: &mut Outbox) {
        let Body::Request { request: Request::Fetch(request), .. } = &frame.body else { return };
        let (mut topics, mut all): (Vec<FetchableTopicResponse>, Vec<Batches>) = (Vec::new(), Vec::new());
        let mut anything = until <= now;
        for topic in &request.topics {
            let partitions = topic.partitions.iter().map(|asked| {
                let (p, offset) = (asked.partition, asked.fetch_offset);
                let log = self.log.get(&p).map(Vec::as_slice).unwrap_or_default();
                let batches: Batches = log.iter().filter(|batch| batch.next_offset() > offset).cloned().collect();
                let code = match self.leader(p) {
                    leader if leader != self.id => 6,
                    _ if offset < self.log_start || offset > self.log_end(p) => 1,
                    _ => 0,
                };
                anything |= code != 0 || !batches.is_empty();
                all.push(if code == 0 { batches } else { Vec::new() });
                PartitionData::default().with_partition_index(p).with_error_code(code).with_high_watermark(self.log_end(p))
            });
            topics.push(FetchableTopicResponse::default().with_topic_id(topic.topic_id).with_partitions(partitions.collect()));
        }
        if !anything {
            return self.parked.push((until, conn, frame));
        }
        let response = FetchResponse::default().with_responses(topics);
        out.send(conn, Frame::response(frame.correlation_id, frame.version, response, all));
    }
}
