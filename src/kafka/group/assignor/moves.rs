//! `PartitionMovements`: which partition went from whom to whom within one rebalance, so that of two that would change places neither moves.

use std::collections::BTreeMap;

use crate::kafka::group::hash_order::{JavaSet, partition_hash};
use crate::kafka::names::{Name, TopicPartition};

/// From one member to another, by number.
type Pair = (usize, usize);

#[derive(Default)]
pub(super) struct PartitionMovements {
    by_topic: BTreeMap<(Name, Pair), JavaSet<TopicPartition>>,
    of: BTreeMap<TopicPartition, Pair>,
}

impl PartitionMovements {
    /// A partition that moves twice has moved from its first owner to its last, or not at all.
    pub fn move_partition(&mut self, partition: &TopicPartition, from: usize, to: usize) {
        let Some((first, last)) = self.of.remove(partition) else { return self.add(partition, (from, to)) };
        debug_assert_eq!(last, from);
        let key = (partition.topic.clone(), (first, last));
        if let Some(moved) = self.by_topic.get_mut(&key) {
            moved.remove(partition);
            if moved.is_empty() {
                self.by_topic.remove(&key);
            }
        }
        if first != to {
            self.add(partition, (first, to));
        }
    }

    fn add(&mut self, partition: &TopicPartition, pair: Pair) {
        self.of.insert(partition.clone(), pair);
        self.by_topic.entry((partition.topic.clone(), pair)).or_default().insert(partition.clone(), partition_hash(partition));
    }

    /// Another partition of the same topic that went the other way goes back in this one's place.
    pub fn actual_partition_to_be_moved(&self, partition: &TopicPartition, from: usize, to: usize) -> TopicPartition {
        let from = self.of.get(partition).map_or(from, |(first, _)| *first);
        let reverse = self.by_topic.get(&(partition.topic.clone(), (to, from)));
        reverse.and_then(JavaSet::first).unwrap_or(partition).clone()
    }
}
