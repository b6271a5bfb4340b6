//! A small world for the tests of clients: brokers that answer from a script, and one client under test.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::marker::PhantomData;

use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::*;
use uuid::Uuid;

use crate::kafka::actor::{HostPort, Input, Outbox, Tell};
use crate::kafka::event::Event;
use crate::kafka::names::{BROKER_PORT, host_of};
use crate::kafka::protocol::api::{Api, Request, Response};
use crate::kafka::protocol::api_versions::{of_brokers, of_controllers};
use crate::kafka::protocol::errors;
use crate::kafka::protocol::frame::{Batches, Body, Frame};
use crate::kafka::records::batch::Batch;
use crate::sim::engine::{Settings, Sim};
use crate::sim::process::{Boot, ConnId, Model, Process, ProcessId};
use crate::sim::time::{Duration, Time};

pub const TOPIC_ID: Uuid = Uuid::from_u128(0x0770_7afe);

/// What is under test: a process, without a model of its own.
pub trait Client: Clone + Debug + 'static {
    fn step(&mut self, now: Time, input: Input, out: &mut Outbox);
    fn next_wake(&self) -> Option<Time>;
}

#[derive(Clone, Debug)]
pub struct Fake<C>(PhantomData<C>);

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Role<C> {
    Broker(FakeBroker),
    Client(C),
}

/// A broker that knows one topic, `orders`, and keeps what is produced to it. Partition p is led by broker p mod brokers + 1.
#[derive(Clone, Debug, Default)]
pub struct FakeBroker {
    pub id: i32,
    pub brokers: i32,
    pub partitions: i32,
    /// Where another broker than the usual one leads.
    pub moved: BTreeMap<i32, i32>,
    /// Answers to the next Produce requests (each partition of them), before all goes well again.
    pub errors: VecDeque<i16>,
    /// `max.message.bytes`.
    pub max_message_bytes: Option<u32>,
    /// Takes requests and answers none.
    pub mute: bool,
    pub mute_tools: bool,
    /// It is a controller, and offers what those offer.
    pub is_controller: bool,
    /// Carries the next Produce out, and breaks the connection instead of answering.
    pub break_after_produce: u32,
    pub log: BTreeMap<i32, Vec<Batch>>,
    pub requests: Vec<(Time, Api)>,
    pub next_offset: BTreeMap<i32, i64>,
}

impl<C: Client> Model for Fake<C> {
    type Frame = Frame;
    type Event = Event;
    type Tell = Tell;
    type Spec = Role<C>;
    type Process = Role<C>;

    fn boot(spec: &Role<C>, _: &Boot) -> Role<C> {
        spec.clone()
    }

    fn start_up(_: &Role<C>) -> Duration {
        Duration::ZERO
    }
}

impl<C: Client> Process<Fake<C>> for Role<C> {
    fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        match self {
            Role::Broker(broker) => broker.step(now, input, out),
            Role::Client(client) => client.step(now, input, out),
        }
    }

    fn next_wake(&self) -> Option<Time> {
        match self {
            Role::Broker(_) => None,
            Role::Client(client) => client.next_wake(),
        }
    }
}

/// Brokers `kafka-1` to `kafka-N` (processes 0 to N-1) and a client on a host of its own (process N).
pub fn world<C: Client>(seed: u64, brokers: Vec<FakeBroker>, client: C) -> (Sim<Fake<C>>, ProcessId) {
    let mut sim = Sim::new(Settings { seed, ..Settings::default() });
    let count = brokers.len() as i32;
    for (i, mut broker) in brokers.into_iter().enumerate() {
        broker.id = i as i32 + 1;
        broker.brokers = count;
        let host = host_of(crate::kafka::names::BrokerId(broker.id));
        sim.spawn(&host, &host, Role::Broker(broker), Duration::ZERO);
    }
    let id = sim.spawn("client", "client", Role::Client(client), Duration::ms(1));
    (sim, id)
}

pub fn bootstrap() -> Vec<HostPort> {
    vec![HostPort { host: "kafka-1".into(), port: BROKER_PORT }]
}

pub fn client<C: Client>(sim: &Sim<Fake<C>>, id: ProcessId) -> &C {
    match sim.process(id) {
        Some(Role::Client(client)) => client,
        other => panic!("{id:?} is no client: {other:?}"),
    }
}

pub fn broker<C: Client>(sim: &Sim<Fake<C>>, node: i32) -> &FakeBroker {
    match sim.process(ProcessId(node as u32 - 1)) {
        Some(Role::Broker(broker)) => broker,
        other => panic!("{node} is no broker: {other:?}"),
    }
}

impl FakeBroker {
    pub fn new(partitions: i32) -> FakeBroker {
        FakeBroker { partitions, ..FakeBroker::default() }
    }

    /// The values in a partition's log.
    pub fn values(&self, partition: i32) -> Vec<String> {
        let batches = self.log.get(&partition).into_iter().flatten();
        let read = |batch: &Batch| -> Vec<String> {
            let records = batch.records().expect("our own batch");
            records
                .iter()
                .map(|record| String::from_utf8_lossy(record.expect("our own record").value.unwrap_or(b"")).into_owned())
                .collect()
        };
        batches.flat_map(read).collect()
    }

    fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        match input {
            Input::Start => out.listen(BROKER_PORT),
            Input::Frame(conn, frame) => self.answer(now, conn, frame, out),
            Input::Told(Tell::Line(line)) => self.told(&line),
            _ => {}
        }
    }

    /// `mute`, `unmute`, `lead PARTITION BROKER`, `break TIMES`, `error CODE`: what a test changes while it runs.
    fn told(&mut self, line: &str) {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["mute"] => self.mute = true,
            ["unmute"] => self.mute = false,
            ["break", times] => self.break_after_produce += times.parse::<u32>().expect("a number"),
            ["error", code] => self.errors.push_back(code.parse().expect("a code")),
            ["mute-tools"] => self.mute_tools = true,
            ["lead", partition, broker] => {
                self.moved.insert(partition.parse().expect("a partition"), broker.parse().expect("a broker"));
            }
            _ => panic!("no such order: {line}"),
        }
    }

    fn answer(&mut self, now: Time, conn: ConnId, frame: Frame, out: &mut Outbox) {
        self.requests.push((now, frame.api()));
        let Body::Request { request, .. } = frame.body else { return };
        if self.mute {
            return;
        }
        let response: Response = match request {
            Request::ApiVersions(_) => {
                let offered = if self.is_controller { of_controllers() } else { of_brokers() };
                ApiVersionsResponse::default().with_api_keys(offered).into()
            }
            Request::Metadata(body) => self.metadata(&body).into(),
            Request::InitProducerId(body) => {
                let (id, epoch) = if body.producer_id.0 < 0 { (7, 0) } else { (body.producer_id.0, body.producer_epoch + 1) };
                InitProducerIdResponse::default().with_producer_id(ProducerId(id)).with_producer_epoch(epoch).into()
            }
            Request::Produce(body) => {
                let answer = self.produce(&body, frame.batches);
                if body.acks == 0 {
                    return;
                }
                if self.break_after_produce > 0 {
                    self.break_after_produce -= 1;
                    return out.close(conn);
                }
                answer.into()
            }
            // It forwards this to a controller that is not there.
            Request::CreateTopics(_) if self.mute_tools => return,
            Request::CreateTopics(body) => {
                let created = body.topics.iter().map(|topic| CreatableTopicResult::default().with_name(topic.name.clone()));
                CreateTopicsResponse::default().with_topics(created.collect()).into()
            }
            Request::FindCoordinator(body) => {
                let of = |key: &kafka_protocol::protocol::StrBytes| {
                    let host = host_of(crate::kafka::names::BrokerId(self.brokers));
                    let node = Coordinator::default().with_key(key.clone()).with_node_id(BrokerId(self.brokers));
                    node.with_host(host.into()).with_port(BROKER_PORT.into())
                };
                FindCoordinatorResponse::default().with_coordinators(body.coordinator_keys.iter().map(of).collect()).into()
            }
            Request::DescribeGroups(body) => {
                let error = if self.id == self.brokers { errors::NONE } else { 16 };
                let of = |id: &GroupId| {
                    DescribedGroup::default().with_group_id(id.clone()).with_group_state("Stable".into()).with_error_code(error)
                };
                DescribeGroupsResponse::default().with_groups(body.groups.iter().map(of).collect()).into()
            }
            Request::ListGroups(_) => {
                let group = ListedGroup::default().with_group_id(GroupId(format!("group-at-{}", self.id).into()));
                ListGroupsResponse::default().with_groups(vec![group]).into()
            }
            Request::ListOffsets(body) => self.list_offsets(&body).into(),
            Request::DescribeCluster(_) => {
                let node = |id: i32| {
                    let host = host_of(crate::kafka::names::BrokerId(id));
                    DescribeClusterBroker::default().with_broker_id(BrokerId(id)).with_host(host.into()).with_port(BROKER_PORT.into())
                };
                let response = DescribeClusterResponse::default().with_cluster_id("fake".into());
                response.with_controller_id(BrokerId(self.brokers)).with_brokers((1..=self.brokers).map(node).collect()).into()
            }
            other => panic!("the fake broker has no answer to {:?}", other.api()),
        };
        out.send(conn, Frame::response(frame.correlation_id, frame.version, response, Vec::new()));
    }

    fn metadata(&self, request: &MetadataRequest) -> MetadataResponse {
        let brokers = (1..=self.brokers).map(|id| {
            let host = host_of(crate::kafka::names::BrokerId(id));
            MetadataResponseBroker::default().with_node_id(BrokerId(id)).with_host(host.into()).with_port(BROKER_PORT.into())
        });
        let asked: Vec<String> = match &request.topics {
            Some(topics) => topics.iter().filter_map(|topic| Some(topic.name.as_ref()?.to_string())).collect(),
            None => vec!["orders".to_owned()],
        };
        let partition = |p: i32| {
            let leader = self.leader(p);
            let epoch = i32::from(self.moved.contains_key(&p));
            MetadataResponsePartition::default().with_partition_index(p).with_leader_id(BrokerId(leader)).with_leader_epoch(epoch)
        };
        let topics = asked.into_iter().map(|name| {
            let topic = MetadataResponseTopic::default().with_name(Some(TopicName(name.clone().into())));
            match name.as_str() {
                "orders" => topic.with_topic_id(TOPIC_ID).with_partitions((0..self.partitions).map(partition).collect()),
                _ => topic.with_error_code(3),
            }
        });
        MetadataResponse::default().with_brokers(brokers.collect()).with_controller_id(BrokerId(1)).with_topics(topics.collect())
    }

    /// Partition p ends at 100 p.
    fn list_offsets(&self, request: &ListOffsetsRequest) -> ListOffsetsResponse {
        let topics = request.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                let index = partition.partition_index;
                let answer = ListOffsetsPartitionResponse::default().with_partition_index(index);
                match index % self.brokers + 1 == self.id {
                    true => answer.with_offset(i64::from(index) * 100),
                    false => answer.with_error_code(6),
                }
            });
            ListOffsetsTopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
        });
        ListOffsetsResponse::default().with_topics(topics.collect())
    }

    fn produce(&mut self, request: &ProduceRequest, batches: Vec<Batches>) -> ProduceResponse {
        let mut batches = batches.into_iter();
        let error = self.errors.pop_front().unwrap_or(errors::NONE);
        let mut topics = Vec::new();
        for topic in &request.topic_data {
            assert_eq!(topic.topic_id, TOPIC_ID);
            let answer = topic.partition_data.iter().map(|data| {
                let batch = batches.next().and_then(|batches| batches.into_iter().next()).expect("a batch a partition");
                let (code, base_offset) = match error {
                    errors::NONE => self.append(data.index, batch),
                    error => (error, -1),
                };
                PartitionProduceResponse::default().with_index(data.index).with_error_code(code).with_base_offset(base_offset)
            });
            topics.push(TopicProduceResponse::default().with_topic_id(TOPIC_ID).with_partition_responses(answer.collect()));
        }
        ProduceResponse::default().with_responses(topics)
    }

    /// Appends as a leader does, with the checks of `ProducerAppendInfo`.
    fn append(&mut self, partition: i32, mut batch: Batch) -> (i16, i64) {
        if self.leader(partition) != self.id {
            return (6, -1);
        }
        if self.max_message_bytes.is_some_and(|max| batch.size_bytes() > max) {
            return (10, -1);
        }
        batch.check_crc().expect("a sound batch");
        let log = self.log.entry(partition).or_default();
        if batch.info.has_producer_id() {
            let mut same = log.iter().filter(|old| old.info.producer_id == batch.info.producer_id);
            let is_copy = |old: &&Batch| {
                (old.info.base_sequence, old.info.producer_epoch, old.info.record_count)
                    == (batch.info.base_sequence, batch.info.producer_epoch, batch.info.record_count)
            };
            if let Some(copy) = same.clone().find(is_copy) {
                return (errors::NONE, copy.base_offset);
            }
            let expected = same.next_back().map(|last| match last.info.producer_epoch == batch.info.producer_epoch {
                true => last.info.last_sequence() + 1,
                false => 0,
            });
            if expected.is_some_and(|expected| batch.info.base_sequence != expected) {
                return (45, -1);
            }
        }
        let next = self.next_offset.entry(partition).or_default();
        batch.base_offset = *next;
        *next += i64::from(batch.info.record_count);
        let base_offset = batch.base_offset;
        log.push(batch);
        (errors::NONE, base_offset)
    }

    fn leader(&self, partition: i32) -> i32 {
        self.moved.get(&partition).copied().unwrap_or(partition % self.brokers + 1)
    }
}
