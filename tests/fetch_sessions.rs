//! Fetch sessions (KIP-227) of a broker, as who fetches sees them.

#[allow(dead_code)] // What the other tests use of it.
mod cluster;

use cluster::World;
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic, ReplicaState};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    AlterClientQuotasRequest, CreateAclsRequest, CreateTopicsRequest, DeleteTopicsRequest, FetchRequest, FetchResponse, ProduceRequest,
    TopicName,
};
use kafka_protocol::protocol::StrBytes;
use ottla::kafka::actor::Config;
use ottla::kafka::names::{BrokerId, host_of};
use ottla::kafka::protocol::api::Response;
use ottla::kafka::records::builder::BatchBuilder;
use ottla::kafka::records::compression::CompressionType;
use ottla::sim::chunk::ChunkId;
use ottla::sim::fault::Fault;
use ottla::sim::time::Time;
use uuid::Uuid;

const MAX_WAIT_MS: u64 = 500;

/// What an answer says: error, session, and of each partition (number, error, high watermark).
type Said = (i16, i32, Vec<(i32, i16, i64)>);

fn world(config: &[(&str, &str)]) -> World {
    let config: Config = config.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut world = World::of(1, &config, Time::ZERO);
    let topic = CreatableTopic::default().with_name(name("orders")).with_num_partitions(3).with_replication_factor(1);
    world.ask(1, CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000), vec![]);
    world.run(1_000);
    world
}

fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.into()))
}

/// What nobody may do with a resource.
fn denied((resource_type, resource): (i8, &'static str), operation: i8) -> AclCreation {
    AclCreation::default()
        .with_resource_type(resource_type)
        .with_resource_name(StrBytes::from_static_str(resource))
        .with_resource_pattern_type(3)
        .with_principal(StrBytes::from_static_str("User:*"))
        .with_host(StrBytes::from_static_str("*"))
        .with_operation(operation)
        .with_permission_type(2)
}

/// A fetch of these partitions from these offsets on.
fn request(topic: Uuid, (id, epoch): (i32, i32), asked: &[(i32, i64)], forgotten: &[i32]) -> FetchRequest {
    let partition =
        |&(n, offset): &(i32, i64)| FetchPartition::default().with_partition(n).with_fetch_offset(offset).with_partition_max_bytes(1 << 20);
    let request = FetchRequest::default().with_session_id(id).with_session_epoch(epoch);
    request
        .with_max_wait_ms(MAX_WAIT_MS as i32)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_topics(vec![FetchTopic::default().with_topic_id(topic).with_partitions(asked.iter().map(partition).collect())])
        .with_forgotten_topics_data(vec![ForgottenTopic::default().with_topic_id(topic).with_partitions(forgotten.to_vec())])
}

impl World {
    fn orders(&self) -> Uuid {
        self.broker(1).image().topic("orders").unwrap().id
    }

    fn fill(&mut self, partition: i32, bytes: usize) {
        let mut builder = BatchBuilder::new(CompressionType::None, 1 << 20);
        builder.append(self.sim.now().wall_ms(), None, Some(&vec![b'x'; bytes]), &[]);
        self.chunks += 1;
        let batch = builder.build(ChunkId(1 << 60 | self.chunks));
        let data = PartitionProduceData::default().with_index(partition);
        let topic = TopicProduceData::default().with_topic_id(self.orders()).with_partition_data(vec![data]);
        let request = ProduceRequest::default().with_acks(1).with_timeout_ms(30_000).with_topic_data(vec![topic]);
        self.ask(1, request, vec![vec![batch]]);
    }

    /// The last answer to a fetch.
    fn fetched(&self) -> (Time, FetchResponse) {
        let fetches = self.answers().into_iter().filter_map(|(at, answer)| match answer {
            Response::Fetch(response) => Some((at, response)),
            _ => None,
        });
        fetches.last().expect("a fetch was answered")
    }

    fn said(&self) -> Said {
        let (_, response) = self.fetched();
        let partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
        let partitions = partitions.map(|data| (data.partition_index, data.error_code, data.high_watermark));
        (response.error_code, response.session_id, partitions.collect())
    }

    /// Asks, and waits for the answer.
    fn fetch(&mut self, session: (i32, i32), asked: &[(i32, i64)], forgotten: &[i32]) -> Said {
        let before = self.sim.now();
        self.ask(1, request(self.orders(), session, asked, forgotten), vec![]);
        self.run(MAX_WAIT_MS + 100);
        assert!(self.fetched().0 > before, "it was answered");
        self.said()
    }

    fn begin(&mut self, asked: &[(i32, i64)]) -> i32 {
        let (error, id, _) = self.fetch((0, 0), asked, &[]);
        assert!(error == 0 && id > 0);
        id
    }
}

#[test]
fn answers_of_a_session_say_what_is_new() {
    let mut world = world(&[]);
    world.fill(1, 10);
    world.run(100);
    let (error, id, named) = world.fetch((0, 0), &[(0, 0), (1, 0), (2, 0)], &[]);
    assert_eq!((error, named), (0, vec![(0, 0, 0), (1, 0, 1), (2, 0, 0)]));
    assert!(id > 0);
    // Nothing new: the answer comes when its time is over, and says so.
    let asked = world.sim.now();
    assert_eq!(world.fetch((id, 1), &[(1, 1)], &[]), (0, id, vec![]));
    assert!(world.fetched().0.since(asked).as_ms() >= MAX_WAIT_MS);
    // Not asked for by name, and in the session: what comes is sent at once.
    world.ask(1, request(world.orders(), (id, 2), &[], &[]), vec![]);
    world.run(100);
    let asked = world.sim.now();
    world.fill(2, 10);
    world.run(MAX_WAIT_MS + 100);
    assert_eq!(world.said().2.iter().map(|said| said.0).collect::<Vec<_>>(), [2]);
    assert!(world.fetched().0.since(asked).as_ms() < 50);
    // As long as it is not said to be read, it comes again.
    assert_eq!(world.fetch((id, 3), &[], &[]).2, [(2, 0, 1)]);
    assert_eq!(world.fetch((id, 4), &[(2, 1)], &[]).2, []);
}

#[test]
fn ids_and_epochs_must_be_right() {
    let mut world = world(&[]);
    let id = world.begin(&[(0, 0)]);
    assert_eq!(world.fetch((id + 1, 1), &[], &[]), (70, 0, vec![]), "FETCH_SESSION_ID_NOT_FOUND");
    assert_eq!(world.fetch((id, 2), &[], &[]), (71, 0, vec![]), "INVALID_FETCH_SESSION_EPOCH");
    assert_eq!(world.fetch((id, 1), &[], &[]), (0, id, vec![]));
    // Closed by a request without a session; by one that wants another; by having nothing left.
    assert_eq!(world.fetch((id, -1), &[], &[]), (0, 0, vec![]));
    assert_eq!(world.fetch((id, 2), &[], &[]).0, 70);
    let first = world.begin(&[(0, 0)]);
    let (_, second, _) = world.fetch((first, 0), &[(0, 0)], &[]);
    assert!(second > 0 && second != first);
    assert_eq!(world.fetch((first, 1), &[], &[]).0, 70);
    assert_eq!(world.fetch((second, 1), &[], &[0]), (0, 0, vec![]));
    assert_eq!(world.fetch((second, 2), &[], &[]).0, 70);
}

#[test]
fn a_second_request_of_the_same_session_overtakes_the_first() {
    let mut world = world(&[]);
    let id = world.begin(&[(0, 0)]);
    for epoch in [1, 2] {
        world.ask(1, request(world.orders(), (id, epoch), &[], &[]), vec![]);
        world.run(50);
    }
    world.run(MAX_WAIT_MS);
    let fetches = world.answers().into_iter().filter_map(|(_, answer)| match answer {
        Response::Fetch(response) => Some((response.error_code, response.session_id)),
        _ => None,
    });
    assert_eq!(fetches.collect::<Vec<_>>()[1..], [(71, id), (0, id)]);
}

#[test]
fn partitions_take_turns() {
    let mut world = world(&[]);
    (0..3).for_each(|n| world.fill(n, 3_000));
    world.run(100);
    let mut first = request(world.orders(), (0, 0), &[(0, 0), (1, 0), (2, 0)], &[]);
    first.max_bytes = 4_000;
    let mut firsts = Vec::new();
    let mut id = 0;
    for epoch in 0..4 {
        let next = match epoch {
            0 => first.clone(),
            _ => request(world.orders(), (id, epoch), &[], &[]).with_max_bytes(4_000),
        };
        world.ask(1, next, vec![]);
        world.run(100);
        id = world.said().1;
        firsts.push(world.said().2[0].0);
    }
    assert_eq!(firsts, [0, 0, 1, 2], "the one that brought something goes to the end of the session");
}

#[test]
fn where_there_is_no_room_there_is_no_session() {
    let mut none = world(&[("max.incremental.fetch.session.cache.slots", "0")]);
    assert_eq!(none.fetch((0, 0), &[(0, 0)], &[]), (0, 0, vec![(0, 0, 0)]));
    // One a shard.
    let mut few = world(&[("max.incremental.fetch.session.cache.slots", "8")]);
    let ids: Vec<i32> = (0..9).map(|_| few.fetch((0, 0), &[(0, 0)], &[]).1).collect();
    assert!(ids[..8].iter().all(|id| *id > 0) && ids[8] == 0, "{ids:?}");
    few.run(121_000);
    assert_ne!(few.fetch((0, 0), &[(0, 0)], &[]).1, 0);
}

#[test]
fn sessions_end_with_the_broker() {
    let mut world = world(&[]);
    let id = world.begin(&[(0, 0)]);
    world.inject(Fault::Kill { host: host_of(BrokerId(1)) });
    world.inject(Fault::Start { host: host_of(BrokerId(1)) });
    world.run(15_000);
    assert_eq!(world.fetch((id, 1), &[], &[]).0, 70);
    assert_ne!(world.begin(&[(0, 0)]), id, "ids of one run are not those of the next");
}

#[test]
fn a_topic_that_is_deleted_is_an_error_until_it_is_forgotten() {
    let mut world = world(&[]);
    let id = world.begin(&[(0, 0), (1, 0)]);
    let topic = world.orders();
    world.ask(1, request(topic, (id, 1), &[], &[]), vec![]);
    world.run(100);
    let deleted = DeleteTopicState::default().with_name(Some(name("orders")));
    world.ask(1, DeleteTopicsRequest::default().with_topics(vec![deleted]).with_timeout_ms(10_000), vec![]);
    world.run(1_000);
    for epoch in [2, 3] {
        world.ask(1, request(topic, (id, epoch), &[], &[]), vec![]);
        let asked = world.sim.now();
        world.run(100);
        assert_eq!(world.said().2.iter().map(|said| (said.0, said.1)).collect::<Vec<_>>(), [(0, 100), (1, 100)], "UNKNOWN_TOPIC_ID");
        assert!(world.fetched().0.since(asked).as_ms() < 50, "there is nothing to wait for");
    }
    world.ask(1, request(topic, (id, 4), &[], &[0]), vec![]);
    world.run(100);
    assert_eq!(world.said().2.iter().map(|said| said.0).collect::<Vec<_>>(), [1]);
}

#[test]
fn what_may_be_read_is_asked_at_each_fetch() {
    let authorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
    let mut world = world(&[("authorizer.class.name", authorizer), ("allow.everyone.if.no.acl.found", "true")]);
    let id = world.begin(&[(0, 0), (1, 0)]);
    assert_eq!(world.fetch((id, 1), &[], &[]), (0, id, vec![]));
    // DENY READ on the topic to all.
    world.ask(1, CreateAclsRequest::default().with_creations(vec![denied((2, "orders"), 3)]), vec![]);
    world.run(1_000);
    assert_eq!(world.fetch((id, 2), &[], &[]), (0, id, vec![(0, 29, -1), (1, 29, -1)]), "TOPIC_AUTHORIZATION_FAILED");
}

#[test]
fn who_follows_needs_to_be_a_broker() {
    let authorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
    let mut world = world(&[("authorizer.class.name", authorizer), ("allow.everyone.if.no.acl.found", "true")]);
    let follows = |world: &mut World| {
        let follower = ReplicaState::default().with_replica_id(2.into());
        world.ask(1, request(world.orders(), (0, 0), &[(0, 0)], &[]).with_replica_state(follower), vec![]);
        world.run(MAX_WAIT_MS + 100);
        world.said().2
    };
    assert_eq!(follows(&mut world), [(0, 6, -1)], "NOT_LEADER_OR_FOLLOWER: it may, and is no replica");
    world.ask(1, CreateAclsRequest::default().with_creations(vec![denied((4, "kafka-cluster"), 9)]), vec![]);
    world.run(1_000);
    assert_eq!(follows(&mut world), [(0, 29, -1)], "TOPIC_AUTHORIZATION_FAILED, without CLUSTER_ACTION");
}

#[test]
fn what_is_refused_stands_behind_what_is_answered() {
    let mut world = world(&[]);
    world.fill(0, 10);
    world.run(100);
    let mut both = request(Uuid::from_u128(1), (0, 0), &[(1, 0)], &[]);
    both.topics.extend(request(world.orders(), (0, 0), &[(0, 0)], &[]).topics);
    world.ask(1, both, vec![]);
    world.run(100);
    assert_eq!(world.said().2, [(0, 0, 1), (1, 100, -1)]);
}

#[test]
fn who_is_throttled_gets_no_session() {
    let mut world = world(&[]);
    let entity = EntityData::default().with_entity_type(StrBytes::from_static_str("client-id")).with_entity_name(None);
    let op = OpData::default().with_key(StrBytes::from_static_str("consumer_byte_rate")).with_value(11.0);
    let entry = EntryData::default().with_entity(vec![entity]).with_ops(vec![op]);
    world.ask(1, AlterClientQuotasRequest::default().with_entries(vec![entry]), vec![]);
    world.run(1_000);
    (0..5).for_each(|_| world.fill(0, 10));
    world.run(100);
    // The first uses up what there is for all of the quota's window.
    for (throttled, wait_ms) in [(false, 100), (true, 60_000), (false, 0)] {
        world.ask(1, request(world.orders(), (0, 0), &[(0, 0)], &[]), vec![]);
        world.run(100);
        let (_, response) = world.fetched();
        assert_eq!((response.throttle_time_ms > 0, response.session_id == 0), (throttled, throttled), "{response:?}");
        world.run(wait_ms);
    }
}
