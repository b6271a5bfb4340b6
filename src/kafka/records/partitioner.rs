//! Which partition a record goes to: Java's built-in rule, librdkafka's, and the sticky choice for records without a key (KIP-794).

use super::murmur2::{crc32, murmur2, to_positive};

/// `BuiltInPartitioner.partitionForKey`; librdkafka calls it `murmur2`. `partitions` is at least 1.
pub fn partition_for_key(key: &[u8], partitions: i32) -> i32 {
    to_positive(murmur2(key)) % partitions.max(1)
}

/// librdkafka's default for a key (`consistent_random`): the same key goes elsewhere than from a Java client.
pub fn librdkafka_partition_for_key(key: &[u8], partitions: i32) -> i32 {
    (crc32(key) % partitions.max(1) as u32) as i32
}

/// The sticky partition of one topic for records without a key (`BuiltInPartitioner`): kept until `batch.size` bytes went there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StickyPartition {
    current: Option<i32>,
    produced_bytes: u64,
    load: Option<PartitionLoad>,
}

/// Cumulative frequencies: partitions with shorter queues are chosen more often (`PartitionLoadStats`).
#[derive(Clone, Debug, PartialEq, Eq)]
struct PartitionLoad {
    cumulative: Vec<u64>,
    partitions: Vec<i32>,
}

impl StickyPartition {
    /// The partition to append to now. `random` is drawn by the caller, and used only if a new choice is due; `available` are those with a
    /// leader, in the order of metadata, `partitions` the topic's number.
    pub fn peek(&mut self, random: i32, available: &[i32], partitions: i32) -> i32 {
        match self.current {
            Some(partition) => partition,
            None => {
                let next = self.next_partition(random, available, partitions);
                self.current = Some(next);
                next
            }
        }
    }

    /// Whether [`StickyPartition::peek`] would draw.
    pub fn needs_choice(&self) -> bool {
        self.current.is_none()
    }

    /// Counts what was appended (`updatePartitionInfo`). The switch waits for `enable_switch` (a batch was completed, so that none is left half
    /// full), but not beyond twice `batch_size`.
    pub fn appended(&mut self, bytes: u32, batch_size: u32, enable_switch: bool) {
        self.produced_bytes += u64::from(bytes);
        let batch_size = u64::from(batch_size);
        if self.produced_bytes >= batch_size && enable_switch || self.produced_bytes >= batch_size * 2 {
            self.current = None;
            self.produced_bytes = 0;
        }
    }

    /// Takes note of the queue sizes of available partitions (`updatePartitionLoadStats`). Equal queues, or fewer than two, mean an even choice.
    pub fn update_load(&mut self, queues: &[(i32, u32)]) {
        let longest = queues.iter().map(|&(_, size)| size).max();
        let shortest = queues.iter().map(|&(_, size)| size).min();
        if queues.len() < 2 || longest == shortest {
            self.load = None;
            return;
        }
        let above_all = u64::from(longest.unwrap_or(0)) + 1;
        let mut sum = 0;
        let cumulative = queues.iter().map(|&(_, size)| {
            sum += above_all - u64::from(size);
            sum
        });
        self.load =
            Some(PartitionLoad { cumulative: cumulative.collect(), partitions: queues.iter().map(|&(partition, _)| partition).collect() });
    }

    fn next_partition(&self, random: i32, available: &[i32], partitions: i32) -> i32 {
        let random = to_positive(random);
        match &self.load {
            Some(load) => {
                let drawn = u64::from(random as u32) % load.cumulative.last().copied().unwrap_or(1);
                let index = load.cumulative.partition_point(|&sum| sum <= drawn);
                load.partitions[index]
            }
            None if available.is_empty() => random % partitions.max(1),
            None => available[(u64::from(random as u32) % available.len() as u64) as usize],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_where_java_and_librdkafka_send_them() {
        let of_three = ["alice", "bob", "carol", "dave", "user-1", "key"].map(|key| partition_for_key(key.as_bytes(), 3));
        assert_eq!(of_three, [0, 0, 2, 1, 2, 1]);
        assert_eq!(librdkafka_partition_for_key(b"123456789", i32::MAX), (0xcbf4_3926_u32 % i32::MAX as u32) as i32);
    }

    #[test]
    fn a_sticky_partition_changes_after_batch_size_bytes() {
        let mut sticky = StickyPartition::default();
        assert_eq!(sticky.peek(4, &[0, 1, 2], 3), 1);
        sticky.appended(16_000, 16_384, false);
        sticky.appended(1_000, 16_384, false);
        assert_eq!(sticky.peek(5, &[0, 1, 2], 3), 1, "no batch was completed");
        sticky.appended(10, 16_384, true);
        assert_eq!(sticky.peek(5, &[0, 1, 2], 3), 2);
    }

    #[test]
    fn shorter_queues_are_chosen_more_often() {
        let mut sticky = StickyPartition::default();
        // BuiltInPartitionerTest: sizes 0 3 1 give frequencies 4 1 3, cumulative 4 5 8.
        sticky.update_load(&[(0, 0), (1, 3), (2, 1)]);
        let chosen: Vec<i32> = (0..8).map(|random| sticky.next_partition(random, &[], 3)).collect();
        assert_eq!(chosen, [0, 0, 0, 0, 1, 2, 2, 2]);
    }
}
