//! Does our coordinator read and write `__consumer_offsets` as Apache Kafka's does? Against golden/logs/consumer-offsets-*.

use bytes::Bytes;
use ottla::kafka::event::{Event, GroupState};
use ottla::kafka::group::config::GroupConfig;
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
fn every_record_of_a_classic_group_is_written_as_it_was_read() {
    for (partition, expected) in [(9, 12), (8, 11), (38, 1)] {
        let mut understood = 0;
        for batch in batches(partition) {
            let records = batch.records().unwrap();
            for record in &records {
                let record = record.unwrap();
                if let Some(parsed) = Record::parse(record.key.unwrap(), record.value).unwrap() {
                    understood += 1;
                    assert_eq!(parsed.key_bytes(), record.key.unwrap(), "{parsed:?}");
                    assert_eq!(parsed.value_bytes().as_deref(), record.value, "{parsed:?}");
                }
            }
        }
        assert_eq!(understood, expected, "partition {partition}");
    }
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
