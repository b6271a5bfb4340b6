//! Brokers and a controller without clients of their own: one process asks, the test looks at what the cluster did.

#[allow(dead_code)] // What the other tests use of it.
mod cluster;

use cluster::World;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ReplicaState};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest, FetchRequest, IncrementalAlterConfigsRequest, MetadataRequest,
    TopicName,
};
use kafka_protocol::protocol::StrBytes;
use ottla::kafka::actor::Config;
use ottla::kafka::event::Event;
use ottla::kafka::log::checkpoint_file::parse_offsets;
use ottla::kafka::names::{BrokerId, TopicPartition, host_of};
use ottla::kafka::protocol::api::Response;
use ottla::sim::chunk::ChunkId;
use ottla::sim::fault::Fault;
use ottla::sim::time::Time;

#[test]
fn three_brokers_register_and_replicate() {
    let mut world = World::new(3);
    world.create("orders", 1, 3);
    let leader = world.leader("orders", 2);
    world.produce(leader, "orders", "a", -1);
    world.run(100);
    world.produce(leader, "orders", "b", -1);
    world.run(1_000);
    assert_eq!(world.produce_errors(), [0, 0]);
    for broker in 1..=3 {
        assert_eq!(world.values(broker, "orders"), ["a", "b"], "on kafka-{broker}");
        let high_watermark = world.broker(broker).replicas().get(&TopicPartition::new("orders", 0)).unwrap().high_watermark;
        assert_eq!(high_watermark, 2, "on kafka-{broker}");
    }
}

#[test]
fn a_killed_leader_is_replaced_after_its_session_and_comes_back_in_sync() {
    let mut world = World::new(3);
    world.create("orders", 1, 3);
    let leader = world.leader("orders", 1);
    world.produce(leader, "orders", "a", -1);
    world.run(1_000);
    let killed_at = world.sim.now();
    world.sim.inject(&Fault::Kill { host: host_of(BrokerId(leader)) }, None).unwrap();
    world.run(10_000);
    let survivor = if leader == 1 { 2 } else { 1 };
    let next = world.leader("orders", survivor);
    assert_ne!(next, leader);
    let elected =
        world.events.iter().find(|event| matches!(&event.event, Event::LeaderElected { before: Some(before), .. } if before.0 == leader));
    let elected = elected.expect("an election");
    let after_ms = elected.at.since(killed_at).as_ms();
    assert!((7_000..=9_000).contains(&after_ms), "the session ends 7 to 9 s after the kill, not {after_ms} ms");
    let fenced = world.events.iter().find(|event| Some(event.id) == elected.trigger).expect("a trigger");
    assert!(matches!(fenced.event, Event::BrokerFenced { .. }));
    assert_eq!(fenced.blockers.len(), 1, "no heartbeat came because the broker was killed");
    world.produce(next, "orders", "b", -1);
    world.run(1_000);
    assert_eq!(world.isr("orders", survivor).len(), 2);
    world.sim.inject(&Fault::Start { host: host_of(BrokerId(leader)) }, None).unwrap();
    world.run(8_000);
    assert_eq!(world.isr("orders", survivor), [1, 2, 3], "an ISR that grew is in ascending order");
    assert_eq!(world.leader("orders", survivor), next, "the returned broker follows");
    assert_eq!(world.values(leader, "orders"), ["a", "b"]);
    assert_eq!(world.produce_errors(), [0, 0]);
}

#[test]
fn a_stopped_leader_hands_over_before_it_ends() {
    let mut world = World::new(3);
    world.create("orders", 1, 3);
    let leader = world.leader("orders", 1);
    world.sim.inject(&Fault::Stop { host: host_of(BrokerId(leader)) }, None).unwrap();
    world.run(1_000);
    let survivor = if leader == 1 { 2 } else { 1 };
    assert_ne!(world.leader("orders", survivor), leader);
    assert!(world.sim.host(&host_of(BrokerId(leader))).unwrap().disk.exists(".kafka_cleanshutdown"));
}

#[test]
fn a_cut_off_leaders_tail_is_truncated() {
    let mut world = World::new(3);
    world.create("orders", 1, 3);
    let leader = world.leader("orders", 1);
    world.produce(leader, "orders", "kept", -1);
    world.run(1_000);
    let others: Vec<i32> = (1..=3).filter(|&id| id != leader).collect();
    for other in others.iter().copied().chain([100]) {
        world.sim.inject(&Fault::Cut { a: host_of(BrokerId(leader)), b: host_of(BrokerId(other)) }, None).unwrap();
    }
    world.produce(leader, "orders", "lost", 1);
    world.run(12_000);
    let next = world.leader("orders", others[0]);
    assert!(others.contains(&next));
    world.produce(next, "orders", "new", -1);
    world.run(1_000);
    assert_eq!(world.values(leader, "orders"), ["kept", "lost"]);
    world.sim.inject(&Fault::HealAll, None).unwrap();
    world.run(15_000);
    for broker in 1..=3 {
        assert_eq!(world.values(broker, "orders"), ["kept", "new"], "on kafka-{broker}");
    }
    assert!(world.events.iter().any(|event| matches!(event.event, Event::Truncated { from: 2, to: 1, .. })));
    assert_eq!(world.isr("orders", next), [1, 2, 3]);
}

/// What deletions of records came to: low watermarks or errors.
fn deleted(world: &World) -> Vec<(Time, Result<i64, i16>)> {
    let of = |(at, answer)| match answer {
        Response::DeleteRecords(response) => {
            let partition = &response.topics[0].partitions[0];
            Some((at, if partition.error_code == 0 { Ok(partition.low_watermark) } else { Err(partition.error_code) }))
        }
        _ => None,
    };
    world.answers().into_iter().filter_map(of).collect()
}

fn delete_records(world: &mut World, leader: i32, offset: i64, timeout_ms: i32) {
    let partition = DeleteRecordsPartition::default().with_offset(offset);
    let topic = DeleteRecordsTopic::default().with_name(TopicName(StrBytes::from_static_str("orders"))).with_partitions(vec![partition]);
    world.ask(leader, DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(timeout_ms), vec![]);
}

#[test]
fn deleted_records_are_gone_on_every_replica_before_it_is_said() {
    let mut world = World::new(3);
    world.create("orders", 1, 3);
    let leader = world.leader("orders", 1);
    for text in ["a", "b", "c"] {
        world.produce(leader, "orders", text, -1);
        world.run(100);
    }
    let name = TopicPartition::new("orders", 0);
    let starts =
        |world: &World| (1..=3).map(|id| world.broker(id).replicas().get(&name).unwrap().log.log_start_offset()).collect::<Vec<_>>();
    delete_records(&mut world, leader, 2, 30_000);
    world.run(1_500);
    assert_eq!(starts(&world), [2, 2, 2]);
    assert_eq!(deleted(&world)[0].1, Ok(2));
    let moved: Vec<_> = world.events.iter().filter(|event| matches!(event.event, Event::LogStartMoved { log_start: 2, .. })).collect();
    assert_eq!(moved.len(), 3);
    assert!(moved.iter().all(|event| event.at <= deleted(&world)[0].0), "the answer comes after the last follower");
    // Not beyond what is committed, and only by the leader.
    delete_records(&mut world, leader, 4, 30_000);
    world.run(500);
    delete_records(&mut world, if leader == 1 { 2 } else { 1 }, 3, 30_000);
    world.run(500);
    assert_eq!(deleted(&world)[1..].iter().map(|(_, result)| *result).collect::<Vec<_>>(), [Err(1), Err(6)]);
    // A follower that is cut off is waited for until the time is over; the leader's log begins later all the same.
    let other = (1..=3).find(|&id| id != leader).unwrap();
    world.sim.inject(&Fault::Cut { a: host_of(BrokerId(leader)), b: host_of(BrokerId(other)) }, None).unwrap();
    delete_records(&mut world, leader, -1, 2_000);
    world.run(1_900);
    assert_eq!(deleted(&world).len(), 3);
    world.run(200);
    assert_eq!(deleted(&world)[3].1, Err(7));
    world.sim.inject(&Fault::HealAll, None).unwrap();
    world.run(40_000);
    assert_eq!(starts(&world), [3, 3, 3]);
    // The checkpoint keeps it: the segment's name says 0.
    world.sim.inject(&Fault::Kill { host: host_of(BrokerId(leader)) }, None).unwrap();
    world.sim.inject(&Fault::Start { host: host_of(BrokerId(leader)) }, None).unwrap();
    world.run(20_000);
    assert_eq!(starts(&world), [3, 3, 3]);
}

#[test]
fn a_power_cut_loses_what_was_not_flushed_a_kill_does_not() {
    let mut world = World::new(1);
    world.create("orders", 1, 1);
    world.produce(1, "orders", "a", -1);
    world.run(1_000);
    world.sim.inject(&Fault::Kill { host: "kafka-1".into() }, None).unwrap();
    world.sim.inject(&Fault::Start { host: "kafka-1".into() }, None).unwrap();
    world.run(20_000);
    assert_eq!(world.values(1, "orders"), ["a"]);
    world.produce(1, "orders", "b", -1);
    world.run(1_000);
    assert_eq!(world.produce_errors(), [0, 0]);
    world.run(31_000);
    world.produce(1, "orders", "c", -1);
    world.run(1_000);
    world.sim.inject(&Fault::PowerCut { host: "kafka-1".into() }, None).unwrap();
    world.sim.inject(&Fault::Start { host: "kafka-1".into() }, None).unwrap();
    world.run(20_000);
    assert_eq!(world.values(1, "orders"), ["a", "b"], "c was only in the page cache");
}

#[test]
fn what_a_topic_flushes_a_power_cut_does_not_take() {
    let mut world = World::new(1);
    let config = CreatableTopicConfig::default()
        .with_name(StrBytes::from_static_str("flush.messages"))
        .with_value(Some(StrBytes::from_static_str("2")));
    let topic = CreatableTopic::default()
        .with_name(TopicName(StrBytes::from_static_str("orders")))
        .with_num_partitions(1)
        .with_replication_factor(1)
        .with_configs(vec![config]);
    world.ask(1, CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000), vec![]);
    world.run(500);
    for text in ["a", "b", "c"] {
        world.produce(1, "orders", text, -1);
        world.run(100);
    }
    let recovery_point = |world: &World| world.broker(1).replicas().get(&TopicPartition::new("orders", 0)).unwrap().log.recovery_point();
    assert_eq!((world.produce_errors(), recovery_point(&world)), (vec![0, 0, 0], 2));
    world.sim.inject(&Fault::PowerCut { host: "kafka-1".into() }, None).unwrap();
    world.sim.inject(&Fault::Start { host: "kafka-1".into() }, None).unwrap();
    world.run(20_000);
    assert_eq!(world.values(1, "orders"), ["a", "b"], "the third came after the flush");
}

/// flush.ms counts only where somebody looks (log.flush.scheduler.interval.ms), which is then also what a topic has that says nothing.
#[test]
fn what_is_flushed_in_time_a_power_cut_does_not_take() {
    for (interval, flush_ms, kept) in [("1000", None, vec!["a", "b"]), ("500", Some("6000"), vec!["a"]), ("", Some("1000"), vec![])] {
        let all = [("log.initial.task.delay.ms", "500"), ("log.flush.scheduler.interval.ms", interval)];
        let given = all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut world = World::of(1, &given.collect(), Time::ZERO);
        let config = |value: &'static str| {
            CreatableTopicConfig::default()
                .with_name(StrBytes::from_static_str("flush.ms"))
                .with_value(Some(StrBytes::from_static_str(value)))
        };
        let topic = CreatableTopic::default()
            .with_name(TopicName(StrBytes::from_static_str("orders")))
            .with_num_partitions(1)
            .with_replication_factor(1)
            .with_configs(flush_ms.into_iter().map(config).collect());
        world.ask(1, CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000), vec![]);
        world.run(500);
        world.produce(1, "orders", "a", -1);
        // The first is older than six seconds when the second comes, the second never is.
        world.run(7_000);
        world.produce(1, "orders", "b", -1);
        world.run(3_000);
        world.inject(Fault::PowerCut { host: "kafka-1".into() });
        world.inject(Fault::Start { host: "kafka-1".into() });
        world.run(20_000);
        assert_eq!(world.values(1, "orders"), kept, "every {interval} ms, flush.ms {flush_ms:?}");
    }
}

#[test]
fn a_clone_runs_to_the_same_digest_and_so_does_a_run_with_every_frame_encoded() {
    let mut world = World::new(3);
    world.create("orders", 6, 3);
    let mut copy = world.sim.clone();
    let fault = Fault::Kill { host: "kafka-2".into() };
    let mut recoded = world.sim.clone();
    recoded.set_recode(ottla::kafka::protocol::codec::recode);
    let mut digests = Vec::new();
    for sim in [&mut world.sim, &mut copy, &mut recoded] {
        sim.inject(&fault, None).unwrap();
        sim.run_until(Time(60_000_000));
        digests.push(sim.digest());
    }
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}

/// Clients that come in by one listener are sent to that listener of every broker; brokers use their own.
#[test]
fn each_listener_has_its_own_addresses() {
    let config = |id: i32| {
        let listeners = |outside: &str| format!("INSIDE://kafka-{id}:9094,OUTSIDE://{outside}:9092");
        vec![
            ("listeners", listeners(&format!("kafka-{id}"))),
            ("advertised.listeners", listeners(&format!("broker{id}.example.org"))),
            ("listener.security.protocol.map", "INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT".to_owned()),
            ("inter.broker.listener.name", "INSIDE".to_owned()),
            ("broker.rack", format!("rack-{}", id % 2)),
        ]
    };
    let mut world = World::configured(3, &Config::new(), &config, Time::ZERO);
    world.create("orders", 4, 2);
    world.ask(2, MetadataRequest::default(), vec![]);
    world.run(3_000);
    let metadata = world.answers().into_iter().find_map(|(_, answer)| match answer {
        Response::Metadata(answer) => Some(answer),
        _ => None,
    });
    // The asker comes in at 9092.
    let brokers: Vec<String> = metadata.unwrap().brokers.iter().map(|broker| format!("{}:{}", broker.host.as_str(), broker.port)).collect();
    assert_eq!(brokers, ["broker1.example.org:9092", "broker2.example.org:9092", "broker3.example.org:9092"]);
    assert_eq!(world.isr("orders", 1).len(), 2, "followers come in by the other listener, or nothing would be in sync");
    for (_, n, partition) in world.broker(1).image().partitions() {
        let racks: Vec<i32> = partition.replicas.iter().map(|id| id % 2).collect();
        assert_ne!(racks[0], racks[1], "both replicas of {n} are in one rack: {:?}", partition.replicas);
    }
}

/// A broker's `replication-offset-checkpoint`: the ids of the chunks it is made of, once its text is seen to say what the broker holds.
fn high_watermarks_file(world: &World, broker: i32) -> Vec<ChunkId> {
    let file = world.sim.host(&host_of(BrokerId(broker))).unwrap().disk.file("replication-offset-checkpoint").unwrap();
    let written = parse_offsets(&file.read()).unwrap().into_iter();
    let held = world.broker(broker).replicas().partitions.values();
    assert_eq!(
        written.map(|entry| (TopicPartition::new(entry.topic.as_str(), entry.partition), entry.offset)).collect::<Vec<_>>(),
        held.map(|partition| (partition.name.clone(), partition.high_watermark)).collect::<Vec<_>>()
    );
    file.extents().map(|extent| extent.body.id()).collect()
}

#[test]
fn the_high_watermarks_on_the_disk_are_those_in_memory_and_only_what_changed_is_made_anew() {
    let mut world = World::new(3);
    world.create("many", 100, 3);
    world.create("orders", 1, 3);
    world.run(6_000);
    let before: Vec<_> = (1..=3).map(|broker| high_watermarks_file(&world, broker)).collect();
    let leader = world.leader("orders", 1);
    world.produce(leader, "orders", "a", -1);
    world.run(6_000);
    for (broker, before) in (1..=3).zip(before) {
        let after = high_watermarks_file(&world, broker);
        // The line that says how many there are, two pieces of the one topic, one of the other.
        assert_eq!((after.len(), &after[1..3], after[3] == before[3]), (4, &before[1..3], false));
    }
    let topic = DeleteTopicState::default().with_name(Some(TopicName(StrBytes::from_static_str("many"))));
    world.ask(1, DeleteTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000), vec![]);
    world.run(6_000);
    assert_eq!((1..=3).map(|broker| high_watermarks_file(&world, broker).len()).collect::<Vec<_>>(), [2, 2, 2]);
}

/// KIP-951: who is asked for what it does not lead says who does, and where that one is; what it does not know it does not name.
#[test]
fn who_does_not_lead_says_who_does() {
    let mut world = World::new(3);
    world.create("orders", 1, 2);
    let leader = world.leader("orders", 1);
    let topic = world.broker(1).image().topic("orders").unwrap().id;
    let partition = world.broker(1).image().partition(&TopicPartition::new("orders", 0)).unwrap().clone();
    let epoch = partition.leader_epoch;
    let stranger = (1..=3).find(|id| !partition.replicas.contains(id)).unwrap();
    let follower = 6 - leader - stranger;
    let fetch = |epoch| {
        let asked = FetchPartition::default().with_current_leader_epoch(epoch).with_partition_max_bytes(1_000);
        let topics = vec![FetchTopic::default().with_topic_id(topic).with_partitions(vec![asked])];
        FetchRequest::default().with_topics(topics).with_max_bytes(1_000).with_session_epoch(-1)
    };
    let at_leader = (leader, host_of(BrokerId(leader)), 9092);
    let fetched = |world: &World| {
        let Response::Fetch(response) = world.answers().pop().unwrap().1 else { panic!("a fetch was asked last") };
        let data = &response.responses[0].partitions[0];
        let nodes: Vec<_> = response.node_endpoints.iter().map(|node| (node.node_id.0, node.host.to_string(), node.port)).collect();
        (data.error_code, data.current_leader.leader_id.0, data.current_leader.leader_epoch, nodes)
    };
    world.ask(stranger, fetch(epoch), vec![]);
    world.run(100);
    assert_eq!(fetched(&world), (6, leader, epoch, vec![at_leader.clone()]));
    // Whoever has it answers a consumer (KIP-392).
    for replica in [leader, follower] {
        world.ask(replica, fetch(epoch), vec![]);
        world.run(100);
        assert_eq!(fetched(&world), (0, -1, -1, vec![]));
    }
    world.produce(follower, "orders", "a", 1);
    world.run(100);
    let Response::Produce(response) = world.answers().pop().unwrap().1 else { panic!("a produce was asked last") };
    let answer = &response.responses[0].partition_responses[0];
    assert_eq!((answer.error_code, answer.current_leader.leader_id.0, answer.current_leader.leader_epoch), (6, leader, epoch));
    let nodes: Vec<_> = response.node_endpoints.iter().map(|node| (node.node_id.0, node.host.to_string(), node.port)).collect();
    assert_eq!(nodes, [at_leader]);
    // Fenced, by a later epoch; and nobody leads while the leader is gone.
    world.inject(Fault::Stop { host: host_of(BrokerId(leader)) });
    world.run(3_000);
    world.ask(follower, fetch(epoch), vec![]);
    world.run(100);
    assert_eq!(fetched(&world), (74, follower, epoch + 1, vec![(follower, host_of(BrokerId(follower)), 9092)]));
}

/// What only raw requests do: words of a list are added and taken away. A broker says in its own words what is no list, before it forwards.
#[test]
fn lists_grow_and_shrink() {
    let (topic, broker, append, subtract) = (2, 4, 2, 3);
    let mut world = World::new(1);
    world.create("orders", 1, 1);
    let mut said = |kind: i8, of: &str, name: &str, operation: i8, value: &str| {
        let text = |text: &str| StrBytes::from_string(text.to_owned());
        let config = AlterableConfig::default().with_name(text(name)).with_value(Some(text(value))).with_config_operation(operation);
        let resource = AlterConfigsResource::default().with_resource_type(kind).with_resource_name(text(of)).with_configs(vec![config]);
        world.ask(1, IncrementalAlterConfigsRequest::default().with_resources(vec![resource]), vec![]);
        world.run(500);
        let Some((_, Response::IncrementalAlterConfigs(body))) = world.answers().pop() else { panic!("no answer") };
        let now = world.broker(1).image().configs(kind, of).get(name).cloned().unwrap_or_default();
        let answer = &body.responses[0];
        (answer.error_code, answer.error_message.as_ref().map_or(now, |message| message.to_string()))
    };
    assert_eq!(said(topic, "orders", "cleanup.policy", append, "compact"), (0, "delete,compact".to_owned()));
    assert_eq!(said(topic, "orders", "cleanup.policy", subtract, "delete"), (0, "compact".to_owned()));
    let no_list = "Can't APPEND to key retention.ms because its type is not LIST.";
    assert_eq!(said(topic, "orders", "retention.ms", append, "1"), (40, no_list.to_owned()));
    assert_eq!(said(broker, "", "log.cleanup.policy", append, "compact"), (0, "delete,compact".to_owned()));
    assert_eq!(said(broker, "1", "log.cleanup.policy", append, "delete,compact"), (0, "delete,compact".to_owned()));
    let no_list = "Config value subtract is not allowed for config key: log.cleaner.threads";
    assert_eq!(said(broker, "1", "log.cleaner.threads", subtract, "1"), (40, no_list.to_owned()));
    assert_eq!(said(broker, "1", "log.cleaner.threads", 7, "1"), (42, "Unknown operations type 7".to_owned()));
}

/// Any replica answers a consumer, up to its own high watermark, and as soon as that moves (KIP-392); of another epoch's leader it knows as
/// little as a leader would.
#[test]
fn a_follower_answers_a_consumer() {
    let mut world = World::new(2);
    world.create("orders", 1, 2);
    let leader = world.leader("orders", 1);
    let follower = 3 - leader;
    world.produce(leader, "orders", "a", -1);
    world.run(1_000);
    let id = world.broker(1).image().topic("orders").unwrap().id;
    let ask = |world: &mut World, offset: i64, epoch: i32| {
        let partition =
            FetchPartition::default().with_fetch_offset(offset).with_partition_max_bytes(1 << 20).with_current_leader_epoch(epoch);
        let topic = FetchTopic::default().with_topic_id(id).with_partitions(vec![partition]);
        let request = FetchRequest::default().with_replica_state(ReplicaState::default()).with_topics(vec![topic]).with_max_bytes(1 << 20);
        world.ask(follower, request.with_max_wait_ms(20_000).with_min_bytes(1), vec![]);
    };
    let said = |world: &World| {
        let Some((_, Response::Fetch(body))) = world.answers().pop() else { panic!("no answer") };
        let data = &body.responses[0].partitions[0];
        (data.error_code, data.high_watermark)
    };
    ask(&mut world, 0, 0);
    world.run(100);
    assert_eq!(said(&world), (0, 1), "what is there");
    ask(&mut world, 1, 0);
    world.run(2_000);
    let before = world.answers().len();
    world.produce(leader, "orders", "b", -1);
    world.run(1_000);
    assert_eq!(world.answers().len(), before + 2, "the producer's answer, and what the consumer waited for");
    assert_eq!(said(&world), (0, 2));
    ask(&mut world, 7, 0);
    world.run(100);
    assert_eq!(said(&world).0, 1, "OFFSET_OUT_OF_RANGE");
    ask(&mut world, 0, 5);
    world.run(100);
    assert_eq!(said(&world).0, 75, "UNKNOWN_LEADER_EPOCH");
}
