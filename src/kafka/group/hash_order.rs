//! In which order Java's hash maps and sets give their keys, where a person can see it.

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

/// How many buckets a map has that grew from the default to this many keys: it doubles when more than three quarters full.
fn capacity(keys: usize) -> u32 {
    let mut capacity = DEFAULT_CAPACITY;
    while keys as u64 * 4 > u64::from(capacity) * 3 {
        capacity *= 2;
    }
    capacity
}

fn bucket(key: &str, mask: u32) -> u32 {
    let hash = java_string_hash(key) as u32;
    (hash ^ (hash >> 16)) & mask
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
