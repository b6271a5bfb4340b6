//! The order in which Java's `HashMap` gives its entries back. It is no order anybody chose, but it is always the same, and tools print in it.

use crate::kafka::names::TopicPartition;
use crate::kafka::records::murmur2::java_string_hash;

/// `TopicPartition.hashCode`.
pub fn of_partition(partition: &TopicPartition) -> i32 {
    (31 + partition.partition).wrapping_mul(31).wrapping_add(java_string_hash(&partition.topic))
}

/// The entries of a `new HashMap<>(initial_capacity)` after they were put in, in this order (16 is Java's default).
pub fn order<T>(entries: impl IntoIterator<Item = T>, initial_capacity: u32, hash: impl Fn(&T) -> i32) -> Vec<T> {
    let mut entries: Vec<T> = entries.into_iter().collect();
    let mut capacity = initial_capacity.max(1).next_power_of_two();
    while entries.len() as u64 > u64::from(capacity) * 3 / 4 {
        capacity *= 2;
    }
    // Within a bucket entries stay in the order of insertion, also when the table grows.
    entries.sort_by_key(|entry| {
        let hash = hash(entry).cast_unsigned();
        (hash ^ (hash >> 16)) & (capacity - 1)
    });
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], expected: &[&str]) {
        assert_eq!(order(names.iter().copied(), names.len() as u32, |name| java_string_hash(name)), expected);
    }

    #[test]
    fn topics_as_describe_lists_them() {
        check(&["clicks", "orders", "payments"], &["clicks", "orders", "payments"]);
        check(&["t10", "t9"], &["t9", "t10"]);
        check(&["one", "orders"], &["orders", "one"]);
        check(&["order-lines", "orders", "payments"], &["orders", "order-lines", "payments"]);
        check(
            &["audit", "clicks", "logs", "orders", "payments", "prices", "stock", "users"],
            &["audit", "payments", "clicks", "orders", "prices", "stock", "logs", "users"],
        );
        check(&["orders", "payments", "prices", "stock", "users"], &["orders", "prices", "stock", "users", "payments"]);
    }

    #[test]
    fn partitions_as_reset_offsets_lists_them() {
        let partitions =
            ["sales", "visits"].into_iter().flat_map(|topic| (0..if topic == "sales" { 1 } else { 3 }).map(move |p| (topic, p)));
        let ordered = order(partitions, 16, |(topic, p)| of_partition(&TopicPartition::new(*topic, *p)));
        assert_eq!(ordered, [("visits", 0), ("visits", 1), ("visits", 2), ("sales", 0)]);
    }
}
