//! Partitions of topics by id, as KIP-848 speaks of them.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions as Owned;
use kafka_protocol::messages::consumer_group_heartbeat_response::{Assignment, TopicPartitions as Assigned};
use uuid::Uuid;

/// Partitions by topic id; no topic without partitions.
pub type Partitions = BTreeMap<Uuid, BTreeSet<i32>>;

/// Partitions that a member has or gives up, each with the epoch in which it got it (KIP-1251).
pub type Held = BTreeMap<Uuid, BTreeMap<i32, i32>>;

/// What a member says that it has.
pub fn owned(topics: &[Owned]) -> Partitions {
    let mut owned = Partitions::new();
    for topic in topics.iter().filter(|topic| !topic.partitions.is_empty()) {
        owned.entry(topic.topic_id).or_default().extend(&topic.partitions);
    }
    owned
}

/// What a member is told that it has.
pub fn answered(held: &Held) -> Assignment {
    let topic = |(id, partitions): (&Uuid, &BTreeMap<i32, i32>)| {
        Assigned::default().with_topic_id(*id).with_partitions(partitions.keys().copied().collect())
    };
    Assignment::default().with_topic_partitions(held.iter().map(topic).collect())
}

/// Whether all of this is in `held`.
pub fn is_subset(owned: &Partitions, held: &Held) -> bool {
    owned.iter().all(|(id, partitions)| held.get(id).is_some_and(|held| partitions.iter().all(|partition| held.contains_key(partition))))
}

/// Whether both hold the same partitions, whenever they were got.
pub fn same(a: &Held, b: &Held) -> bool {
    a.len() == b.len() && a.iter().all(|(id, partitions)| b.get(id).is_some_and(|other| partitions.keys().eq(other.keys())))
}
