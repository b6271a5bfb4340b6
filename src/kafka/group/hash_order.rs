//! In which order Java's hash maps and sets give their keys, where a person can see it.

use crate::kafka::names::TopicPartition;
use crate::kafka::records::murmur2::java_string_hash;

/// Buckets of a fresh Java hash map.
const DEFAULT_CAPACITY: u32 = 16;

/// Sorts strings as a Java hash map that took them in this order, one by one, would iterate over them.
///
/// Within a bucket the order of insertion stays (growing keeps it). Buckets of eight and more, which Java turns into trees, keep theirs too.
pub fn sort<T>(keys: &mut [T], text: impl Fn(&T) -> &str) {
    let mask = capacity(keys.len()) - 1;
    keys.sort_by_cached_key(|key| bucket(text(key), mask));
}

/// The same for ids of topics (`Uuid.hashCode`).
pub fn sort_uuids<T>(keys: &mut [T], id: impl Fn(&T) -> uuid::Uuid) {
    let mask = capacity(keys.len()) - 1;
    keys.sort_by_cached_key(|key| {
        let (high, low) = id(key).as_u64_pair();
        let folded = high ^ low;
        bucket_of((folded >> 32) as i32 ^ folded as i32, mask)
    });
}

/// `TopicPartition.hashCode`.
pub fn partition_hash(partition: &TopicPartition) -> i32 {
    31_i32.wrapping_add(partition.partition).wrapping_mul(31).wrapping_add(java_string_hash(&partition.topic))
}

/// The same for partitions.
pub fn sort_partitions<T>(keys: &mut [T], of: impl Fn(&T) -> &TopicPartition) {
    let mask = capacity(keys.len()) - 1;
    keys.sort_by_cached_key(|key| bucket_of(partition_hash(of(key)), mask));
}

/// The same for whole numbers.
pub fn sort_ints(keys: &mut [i32]) {
    let mask = capacity(keys.len()) - 1;
    keys.sort_by_key(|key| bucket_of(*key, mask));
}

/// How many buckets a map has that grew from the default to this many keys: it doubles when more than three quarters full.
fn capacity(keys: usize) -> u32 {
    let mut capacity = DEFAULT_CAPACITY;
    while keys as u64 * 4 > u64::from(capacity) * 3 {
        capacity *= 2;
    }
    capacity
}

fn bucket(key: &str, mask: u32) -> u32 {
    bucket_of(java_string_hash(key), mask)
}

fn bucket_of(hash: i32, mask: u32) -> u32 {
    let hash = hash as u32;
    (hash ^ (hash >> 16)) & mask
}

/// A Java hash set, as far as the order of its items goes. It doubles its buckets as it grows, and keeps them when it shrinks.
#[derive(Clone, Debug)]
pub struct JavaSet<T> {
    /// With their `hashCode`, in the order of insertion.
    items: Vec<(T, i32)>,
    capacity: u32,
}

impl<T> Default for JavaSet<T> {
    fn default() -> JavaSet<T> {
        JavaSet { items: Vec::new(), capacity: DEFAULT_CAPACITY }
    }
}

impl<T: PartialEq> JavaSet<T> {
    pub fn insert(&mut self, item: T, hash: i32) {
        if !self.items.iter().any(|(known, _)| *known == item) {
            self.items.push((item, hash));
            self.capacity = self.capacity.max(capacity(self.items.len()));
        }
    }

    pub fn remove(&mut self, item: &T) {
        self.items.retain(|(known, _)| known != item);
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What its iterator gives first.
    pub fn first(&self) -> Option<&T> {
        let mask = self.capacity - 1;
        self.items.iter().min_by_key(|(_, hash)| bucket_of(*hash, mask)).map(|(item, _)| item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_as_kafka_iterated_over_them() {
        // From golden/vectors/assignor-classic-range.json: members, and their order in a map.
        let mut members = [
            "consumer-1-e7b03dad-989d-3cf3-4339-22c6e08242d1",
            "c2",
            "worker97",
            "consumer-billing-4-1a8ff2ed",
            "c5",
            "consumer-billing-6-58e475b1",
        ];
        sort(&mut members, |member| member);
        let expected = [
            "c5",
            "consumer-1-e7b03dad-989d-3cf3-4339-22c6e08242d1",
            "worker97",
            "consumer-billing-4-1a8ff2ed",
            "consumer-billing-6-58e475b1",
            "c2",
        ];
        assert_eq!(members, expected);
    }

    #[test]
    fn a_map_doubles_beyond_three_quarters() {
        assert_eq!([0, 12, 13, 24, 25].map(capacity), [16, 16, 32, 32, 64]);
    }
}
