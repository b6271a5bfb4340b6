//! Does our coordinator read and write `__consumer_offsets` as Apache Kafka's does? Against golden/logs/consumer-offsets-*.

use bytes::Bytes;
use ottla::kafka::event::{Event, GroupState};
use ottla::kafka::group::config::GroupConfig;
use ottla::kafka::group::consumer::record::ConsumerRecord;
use ottla::kafka::group::coordinator::GroupCoordinator;
use ottla::kafka::group::out::{AppendId, GroupOut, Token};
use ottla::kafka::group::record::Record;
use ottla::kafka::names::TopicPartition;
use ottla::kafka::protocol::api::Response;
use ottla::kafka::records::batch::Batch;
use ottla::sim::chunk::ChunkId;
use ottla::sim::process::{Absent, EventId};
use ottla::sim::time::Time;

#[test]
fn every_record_is_written_as_it_was_read() {
    for (partition, expected) in [(9, 12), (8, 30), (38, 1)] {
        let mut understood = 0;
        for batch in batches(partition) {
            let records = batch.records().unwrap();
            for record in &records {
                let record = record.unwrap();
                if let Some(parsed) = Record::parse(record.key.unwrap(), record.value).unwrap() {
                    understood += 1;
                    assert_eq!(parsed.key_bytes(), record.key.unwrap(), "{parsed:?}");
                    let written = parsed.value_bytes();
                    if two_topics_in_another_order(&parsed) {
                        assert_eq!(Record::parse(record.key.unwrap(), written.as_deref()).unwrap(), Some(parsed));
                        assert_eq!(written.map(|value| value.len()), record.value.map(<[u8]>::len));
                    } else {
                        assert_eq!(written.as_deref(), record.value, "{parsed:?}");
                    }
                }
            }
        }
        assert_eq!(understood, expected, "partition {partition}");
    }
}

/// A target of several topics stands in the order of whatever map its assignor made.
fn two_topics_in_another_order(record: &Record) -> bool {
    matches!(record, Record::Consumer { record: ConsumerRecord::Target { value: Some(target), .. }, .. } if target.len() > 1)
}

#[test]
fn a_group_of_the_consumer_protocol_is_loaded() {
    let load = |count: usize| {
        let mut coordinator = GroupCoordinator::new(GroupConfig::default());
        coordinator.elected(8, 1, batches(8).into_iter().take(count), Time::ZERO, &mut Nobody);
        coordinator
    };
    // With its first member.
    let coordinator = load(1);
    let group = coordinator.consumer_group("shipping").unwrap();
    assert_eq!((group.state(), group.epoch, group.target_epoch), (GroupState::Stable, 2, 2));
    let (id, member) = group.members().next().unwrap();
    assert_eq!((&**id, &*member.metadata.client_id, member.current.epoch), ("LlPqWyx3QreT0CicnUwkgA", "consumer-shipping-2", 2));
    assert_eq!(member.current.assigned.len(), 2);
    assert_eq!(coordinator.next_wake(), Some(Time::from_ms(45_000)));
    // With its second, whose target is not computed yet.
    let batches_of_the_first = batches(8).iter().position(|batch| batch.base_offset == 20).unwrap();
    assert_eq!(load(batches_of_the_first).consumer_group("shipping").unwrap().state(), GroupState::Assigning);
    let coordinator = load(usize::MAX);
    let group = coordinator.consumer_group("shipping").unwrap();
    assert_eq!((group.state(), group.epoch, group.target_epoch), (GroupState::Empty, 5, 4));
    let offsets: Vec<_> = group.offsets().map(|(partition, value)| (partition.clone(), value.offset)).collect();
    assert_eq!(offsets, [(TopicPartition::new("keys-headers", 0), 35), (TopicPartition::new("plain", 0), 21)]);
}

#[test]
fn the_state_that_kafka_left_is_loaded() {
    let mut coordinator = GroupCoordinator::new(GroupConfig::default());
    for partition in [9, 38] {
        coordinator.elected(partition, 1, batches(partition).into_iter(), Time::ZERO, &mut Nobody);
    }
    let billing = coordinator.group("billing").unwrap();
    assert_eq!((billing.state, billing.generation, billing.protocol_type.as_deref()), (GroupState::Empty, 2, Some("consumer")));
    let offsets: Vec<_> = billing.offsets().map(|(partition, value)| (partition.clone(), value.offset)).collect();
    assert_eq!(offsets, [(TopicPartition::new("plain", 0), 4)]);
    let manual = coordinator.group("manual").unwrap();
    let value = manual.offset(&TopicPartition::new("plain", 0)).unwrap();
    assert_eq!((value.offset, &*value.metadata, value.leader_epoch), (5, "by hand", 0));
    assert_eq!(manual.state, GroupState::Empty);
}

#[test]
fn a_group_with_members_is_loaded_as_stable() {
    let mut coordinator = GroupCoordinator::new(GroupConfig::default());
    // Before the member left.
    coordinator.elected(9, 1, batches(9).into_iter().take(2), Time::ZERO, &mut Nobody);
    let billing = coordinator.group("billing").unwrap();
    assert_eq!((billing.state, billing.generation, billing.protocol_name.as_deref()), (GroupState::Stable, 1, Some("range")));
    let member = billing.members().next().unwrap();
    assert_eq!((&*member.client_id, &*member.client_host), ("consumer-billing-1", "/10.77.0.100"));
    let assignment = ottla::kafka::group::assignor::protocol::decode_assignment(&member.assignment).unwrap();
    assert_eq!(assignment, [TopicPartition::new("idempotent", 0), TopicPartition::new("plain", 0)]);
    assert_eq!(ottla::kafka::group::assignor::protocol::encode_assignment(&assignment), member.assignment);
    let metadata = member.metadata("range");
    let subscription = ottla::kafka::group::assignor::protocol::decode_subscription(&metadata).unwrap();
    assert_eq!(ottla::kafka::group::assignor::protocol::encode_subscription(&subscription), metadata);
    assert_eq!(coordinator.next_wake(), Some(Time::from_ms(45_000)));
}

fn batches(partition: i32) -> Vec<Batch> {
    let path = format!("{}/tests/golden/logs/consumer-offsets-{partition}/00000000000000000000.log", env!("CARGO_MANIFEST_DIR"));
    let mut rest = Bytes::from(std::fs::read(path).unwrap());
    let mut batches = Vec::new();
    while !rest.is_empty() {
        let batch = Batch::parse(&rest, ChunkId(batches.len() as u64)).unwrap();
        rest = rest.slice(batch.size_bytes() as usize..);
        batches.push(batch);
    }
    batches
}

/// A broker of whom nothing is asked.
struct Nobody;

impl GroupOut for Nobody {
    fn respond(&mut self, token: Token, response: Response) {
        panic!("{token:?} was never asked: {response:?}");
    }

    fn append(&mut self, partition: i32, _batch: Batch) -> AppendId {
        panic!("loading writes nothing to {partition}");
    }

    fn emit(&mut self, event: Event, _absent: Vec<Absent>) -> EventId {
        panic!("loading is no event: {event:?}");
    }

    fn chunk_id(&mut self) -> ChunkId {
        ChunkId(0)
    }

    fn member_uuid(&mut self) -> [u8; 16] {
        [0; 16]
    }
}
