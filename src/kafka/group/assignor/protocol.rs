//! `ConsumerProtocol`: what members of a group of type `consumer` say to each other through the coordinator, which does not read it.

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::consumer_protocol_assignment::TopicPartition as AssignedTopic;
use kafka_protocol::messages::consumer_protocol_subscription::TopicPartition as OwnedTopic;
use kafka_protocol::messages::{ConsumerProtocolAssignment, ConsumerProtocolSubscription, TopicName};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

use crate::kafka::group::hash_order;
use crate::kafka::names::{Name, TopicPartition};

/// The protocol type of consumers' groups.
pub const PROTOCOL_TYPE: &str = "consumer";
/// What 4.x clients write, for both messages.
const VERSION: i16 = 3;

/// A member's wish. `owned`: what it has, for assignors that keep it there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    pub topics: Vec<Name>,
    pub owned: Vec<TopicPartition>,
    /// The generation of `owned`; -1 for none.
    pub generation: i32,
    /// What the assignor says to itself.
    pub user_data: Option<Bytes>,
}

/// The bytes of a subscription, topics sorted as Kafka's client does.
pub fn encode_subscription(subscription: &Subscription) -> Bytes {
    let mut topics = subscription.topics.clone();
    topics.sort();
    let owned = by_topic(&subscription.owned).into_iter();
    let owned = owned.map(|(topic, partitions)| OwnedTopic::default().with_topic(topic_name(&topic)).with_partitions(partitions)).collect();
    let message = ConsumerProtocolSubscription::default()
        .with_topics(topics.iter().map(|topic| StrBytes::from_string(topic.to_string())).collect())
        .with_user_data(subscription.user_data.clone())
        .with_owned_partitions(owned)
        .with_generation_id(subscription.generation);
    encode(&message)
}

/// A subscription from its bytes; `None` if they are none.
pub fn decode_subscription(bytes: &Bytes) -> Option<Subscription> {
    let message: ConsumerProtocolSubscription = decode(bytes)?;
    let owned = message.owned_partitions.iter().flat_map(|owned| {
        let topic = Name::from(owned.topic.as_str());
        owned.partitions.iter().map(move |&partition| TopicPartition { topic: topic.clone(), partition })
    });
    Some(Subscription {
        topics: message.topics.iter().map(|topic| Name::from(topic.as_str())).collect(),
        owned: owned.collect(),
        generation: message.generation_id,
        user_data: message.user_data,
    })
}

/// The bytes of an assignment.
pub fn encode_assignment(partitions: &[TopicPartition]) -> Bytes {
    let topics = by_topic(partitions).into_iter();
    let topics = topics.map(|(topic, partitions)| AssignedTopic::default().with_topic(topic_name(&topic)).with_partitions(partitions));
    encode(&ConsumerProtocolAssignment::default().with_assigned_partitions(topics.collect()))
}

/// An assignment from its bytes, in its order; empty bytes are an empty assignment, `None` means that they are none.
pub fn decode_assignment(bytes: &Bytes) -> Option<Vec<TopicPartition>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let message: ConsumerProtocolAssignment = decode(bytes)?;
    let partitions = message.assigned_partitions.iter().flat_map(|assigned| {
        let topic = Name::from(assigned.topic.as_str());
        assigned.partitions.iter().map(move |&partition| TopicPartition { topic: topic.clone(), partition })
    });
    Some(partitions.collect())
}

/// `CollectionUtils.groupPartitionsByTopic`: topics in the order of Kafka's map, partitions as they come.
pub(super) fn by_topic(partitions: &[TopicPartition]) -> Vec<(Name, Vec<i32>)> {
    let mut topics: BTreeMap<Name, Vec<i32>> = BTreeMap::new();
    for partition in partitions {
        topics.entry(partition.topic.clone()).or_default().push(partition.partition);
    }
    let mut topics: Vec<(Name, Vec<i32>)> = topics.into_iter().collect();
    hash_order::sort(&mut topics, |(topic, _)| topic);
    topics
}

/// A version as i16, then the message in that version.
fn encode(message: &impl Encodable) -> Bytes {
    let mut out = BytesMut::new();
    out.put_i16(VERSION);
    // Strings and arrays of a subscription are far below what the protocol can hold.
    if message.encode(&mut out, VERSION).is_err() {
        debug_assert!(false, "the message cannot be encoded");
    }
    out.freeze()
}

/// Newer versions than ours only add fields at the end, so they are read as ours (`deserializeConsumerProtocol...`).
fn decode<T: Decodable>(bytes: &Bytes) -> Option<T> {
    let mut bytes = bytes.clone();
    if bytes.len() < 2 {
        return None;
    }
    let version = bytes.get_i16().min(VERSION);
    T::decode(&mut bytes, version).ok()
}

fn topic_name(topic: &Name) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let owned = vec![TopicPartition::new("orders", 0), TopicPartition::new("orders", 2), TopicPartition::new("payments", 1)];
        let subscription =
            Subscription { topics: vec!["payments".into(), "orders".into()], owned: owned.clone(), generation: 4, user_data: None };
        let read = decode_subscription(&encode_subscription(&subscription)).unwrap();
        assert_eq!(read.topics, [Name::from("orders"), Name::from("payments")]);
        assert_eq!((read.owned.len(), read.generation), (3, 4));
        let mut read = decode_assignment(&encode_assignment(&owned)).unwrap();
        read.sort();
        assert_eq!(read, owned);
        assert_eq!(decode_assignment(&Bytes::new()), Some(Vec::new()));
        assert_eq!(decode_assignment(&Bytes::from_static(&[0])), None);
    }
}
