//! Compares what brokers acknowledged with what consumers read, as Jepsen's Kafka workload does (jepsen.tests.kafka).
//!
//! It looks from outside, at events only. Batches are told apart by their chunks: the same chunk is the same records. Memory is bounded: a window
//! of batches a partition for comparing values, and intervals for comparing offsets; what falls out of the window can only be found missing.
//!
//! Not here: gaps that compaction leaves (they would look like losses), and reads of aborted transactions.

mod intervals;
pub mod whole;

use std::collections::BTreeMap;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use crate::kafka::event::Event;
use crate::kafka::names::{Name, TopicPartition};
use crate::sim::chunk::ChunkId;
pub use intervals::Intervals;

/// A way for a history to be wrong. Names are those of jepsen.tests.kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anomaly {
    /// Acknowledged, before something that was read, and never read.
    LostWrite,
    /// One offset held two different records.
    InconsistentOffsets,
    /// One record has two offsets.
    Duplicate,
    /// Acknowledged, and not read by the end.
    Unseen,
}

/// Offsets of a partition at which something is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub anomaly: Anomaly,
    pub partition: TopicPartition,
    /// The first and the last offset.
    pub from: i64,
    pub to: i64,
}

/// Who reads: members of a group count as one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reader {
    Group(Name),
    Client(Name),
}

/// How far acknowledgements had come at some moment: one more than the last acknowledged offset, by partition.
pub type Frontier = BTreeMap<TopicPartition, i64>;

/// Batches of a partition whose values are compared.
const WINDOW: usize = 8_192;
/// Readers of a partition that are told apart; later ones are not looked at.
const MOST_READERS: usize = 256;
/// Findings that are kept; a broken history repeats itself.
const MOST_FINDINGS: usize = 256;

/// What was acknowledged and read so far. A plain value: it travels with branches of time.
#[derive(Clone, Debug, Default)]
pub struct History {
    partitions: BTreeMap<TopicPartition, Partition>,
    /// Found by comparing values: they stay, whatever is read later.
    findings: Vec<Finding>,
}

#[derive(Clone, Debug, Default)]
struct Partition {
    acked: Intervals,
    readers: BTreeMap<Reader, Read>,
    /// By base offset and chunk: two logs of one partition may have different batches at one offset.
    batches: OrdMap<(i64, ChunkId), Batch>,
    /// Offsets of the longest batch in the window, to know how far back an overlap can begin.
    longest: i64,
    /// Where a chunk was read first.
    read_at: OrdMap<ChunkId, i64>,
}

#[derive(Clone, Debug, Default)]
struct Read {
    /// Where this reader began: what is before is no business of his.
    from: i64,
    read: Intervals,
}

#[derive(Clone, Copy, Debug)]
struct Batch {
    last: i64,
    acked: bool,
    read: bool,
}

impl History {
    /// Takes note of an event; most are none of its business.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Appended { partition, base_offset, last_offset, chunk, .. } => {
                self.at(partition).batch(*base_offset, *last_offset, *chunk);
            }
            Event::BatchAcked { partition, base_offset, count, chunk, .. } if *base_offset >= 0 && *count > 0 => {
                let last = base_offset + i64::from(*count) - 1;
                self.acked(partition, *base_offset, last, *chunk);
            }
            Event::Consumed { group, client, partition, base_offset, from, to, chunk, .. } => {
                let reader = group.clone().map_or_else(|| Reader::Client(client.clone()), Reader::Group);
                self.read(reader, partition, *base_offset, (*from, *to), *chunk);
            }
            _ => {}
        }
    }

    /// How far acknowledgements have come.
    pub fn frontier(&self, topic: &str) -> Frontier {
        self.of(topic).filter_map(|(at, partition)| Some((at.clone(), partition.acked.end()?))).collect()
    }

    /// Records acknowledged before `frontier` that nobody (of `group`) has read, from where reading began.
    pub fn unread(&self, topic: &str, group: Option<&str>, frontier: &Frontier) -> u64 {
        let missing = |(at, partition): (&TopicPartition, &Partition)| {
            let to = *frontier.get(at)?;
            let (from, read) = partition.read_by(group);
            Some(partition.acked.without(&read, from.unwrap_or(i64::MIN), to).iter().map(|(a, b)| (b - a) as u64).sum::<u64>())
        };
        self.of(topic).filter_map(missing).sum()
    }

    /// What is wrong with a topic, in the order of its partitions. With a group, only what its members read counts as read.
    /// [`Anomaly::Unseen`] asks about now; who wants to know about an earlier moment asks [`History::unread`] with its frontier.
    pub fn findings(&self, topic: &str, group: Option<&str>, anomaly: Anomaly) -> Vec<Finding> {
        let mut found: Vec<Finding> = self.conflicts(topic, anomaly).cloned().collect();
        for (at, partition) in self.of(topic) {
            let (from, read) = partition.read_by(group);
            let up_to = match anomaly {
                Anomaly::LostWrite => read.end(),
                Anomaly::Unseen => Some(i64::MAX),
                Anomaly::InconsistentOffsets | Anomaly::Duplicate => None,
            };
            let (Some(from), Some(up_to)) = (from, up_to) else { continue };
            for (from, to) in partition.acked.without(&read, from, up_to) {
                found.push(Finding { anomaly, partition: at.clone(), from, to: to - 1 });
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// What values showed to be wrong with a topic: it stays so, whatever is read later.
    pub fn conflicts(&self, topic: &str, anomaly: Anomaly) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |f| f.anomaly == anomaly && &*f.partition.topic == topic)
    }

    fn of(&self, topic: &str) -> impl Iterator<Item = (&TopicPartition, &Partition)> {
        self.partitions.iter().filter(move |(at, _)| &*at.topic == topic)
    }

    fn at(&mut self, partition: &TopicPartition) -> &mut Partition {
        if !self.partitions.contains_key(partition) {
            self.partitions.insert(partition.clone(), Partition::default());
        }
        self.partitions.entry(partition.clone()).or_default()
    }

    fn acked(&mut self, at: &TopicPartition, base: i64, last: i64, chunk: ChunkId) {
        let partition = self.at(at);
        partition.acked.add(base, last + 1);
        let batch = partition.batch(base, last, chunk);
        batch.acked = true;
        let is_read = batch.read;
        let mut found = Vec::new();
        for (from, to, other) in partition.others(base, last, chunk) {
            if other.acked || other.read {
                found.push((Anomaly::InconsistentOffsets, from, to));
            }
            if other.read && !is_read {
                found.push((Anomaly::LostWrite, base, last));
            }
        }
        self.add(at, found);
    }

    fn read(&mut self, reader: Reader, at: &TopicPartition, base: i64, (from, to): (i64, i64), chunk: ChunkId) {
        let partition = self.at(at);
        if partition.readers.len() < MOST_READERS || partition.readers.contains_key(&reader) {
            let entry = partition.readers.entry(reader).or_insert_with(|| Read { from, read: Intervals::default() });
            entry.from = entry.from.min(from);
            entry.read.add(from, to + 1);
        }
        let mut found = Vec::new();
        if let Some(batch) = partition.batches.get_mut(&(base, chunk)) {
            batch.read = true;
            let last = batch.last;
            let first = *partition.read_at.entry(chunk).or_insert(base);
            if first != base {
                found.push((Anomaly::Duplicate, base, last));
            }
        }
        for (other_from, other_to, other) in partition.others(from, to, chunk) {
            if other.acked || other.read {
                found.push((Anomaly::InconsistentOffsets, other_from.max(from), other_to.min(to)));
            }
            if other.acked && !other.read {
                found.push((Anomaly::LostWrite, other_from, other_to));
            }
        }
        self.add(at, found);
    }

    fn add(&mut self, at: &TopicPartition, found: Vec<(Anomaly, i64, i64)>) {
        for (anomaly, from, to) in found {
            let finding = Finding { anomaly, partition: at.clone(), from, to };
            if self.findings.len() < MOST_FINDINGS && !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
    }
}

impl Partition {
    /// The batch with this chunk at this base offset; it is known from now on.
    fn batch(&mut self, base: i64, last: i64, chunk: ChunkId) -> &mut Batch {
        while self.batches.len() >= WINDOW {
            let Some(oldest) = self.batches.get_min().map(|(key, _)| *key) else { break };
            self.batches.remove(&oldest);
            self.read_at.remove(&oldest.1);
        }
        self.longest = self.longest.max(last - base + 1);
        self.batches.entry((base, chunk)).or_insert(Batch { last, acked: false, read: false })
    }

    /// Known batches of other chunks at these offsets: first and last offset.
    fn others(&self, from: i64, to: i64, chunk: ChunkId) -> impl Iterator<Item = (i64, i64, Batch)> {
        self.overlapping(from, to).filter(move |(_, other, _)| *other != chunk).map(|(base, _, batch)| (base, batch.last, batch))
    }

    fn overlapping(&self, from: i64, to: i64) -> impl Iterator<Item = (i64, ChunkId, Batch)> {
        let earliest = (from.saturating_sub(self.longest), ChunkId(0));
        let range = self.batches.range(earliest..=(to, ChunkId(u64::MAX)));
        range.filter(move |(_, batch)| batch.last >= from).map(|((base, chunk), batch)| (*base, *chunk, *batch))
    }

    /// Where reading began and what was read, by a group or by anybody.
    fn read_by(&self, group: Option<&str>) -> (Option<i64>, Intervals) {
        let mut from = None::<i64>;
        let mut all = Intervals::default();
        for (reader, read) in &self.readers {
            let counts = match (group, reader) {
                (None, _) => true,
                (Some(wanted), Reader::Group(name)) => wanted == &**name,
                (Some(_), Reader::Client(_)) => false,
            };
            if counts {
                from = Some(from.map_or(read.from, |before| before.min(read.from)));
                all.add_all(&read.read);
            }
        }
        (from, all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::names::BrokerId;

    fn orders() -> TopicPartition {
        TopicPartition::new("orders", 0)
    }

    fn appended(base: i64, last: i64, chunk: u64) -> Event {
        let (partition, chunk) = (orders(), ChunkId(chunk));
        Event::Appended { partition, broker: BrokerId(1), base_offset: base, last_offset: last, size_bytes: 100, chunk }
    }

    fn acked(base: i64, count: u32, chunk: u64) -> Event {
        let (producer, partition, chunk) = ("checkout".into(), orders(), ChunkId(chunk));
        Event::BatchAcked { producer, partition, base_offset: base, count, chunk, latency_us: 1 }
    }

    fn consumed(group: &str, from: i64, to: i64, chunk: u64) -> Event {
        consumed_of(from, group, from, to, chunk)
    }

    fn consumed_of(base_offset: i64, group: &str, from: i64, to: i64, chunk: u64) -> Event {
        let (group, client, partition) = (Some(group.into()), "c".into(), orders());
        Event::Consumed { group, client, partition, base_offset, from, to, count: (to - from + 1) as u32, chunk: ChunkId(chunk) }
    }

    /// What is found in a history of `orders-0`, as `anomaly from..to`.
    fn check(events: &[Event], expected: &[&str]) -> History {
        let mut history = History::default();
        events.iter().for_each(|event| history.event(event));
        let all = [Anomaly::LostWrite, Anomaly::InconsistentOffsets, Anomaly::Duplicate, Anomaly::Unseen];
        let found: Vec<String> = all
            .iter()
            .flat_map(|anomaly| history.findings("orders", None, *anomaly))
            .map(|f| format!("{:?} {}..{}", f.anomaly, f.from, f.to))
            .collect();
        assert_eq!(found, expected);
        history
    }

    #[test]
    fn a_good_history_has_no_findings() {
        check(
            &[
                appended(0, 4, 1),
                acked(0, 5, 1),
                consumed("g", 0, 4, 1),
                appended(5, 9, 2),
                // Read before its acknowledgement arrives, in two polls, and again after a rebalance.
                consumed("g", 5, 6, 2),
                consumed_of(5, "g", 7, 9, 2),
                consumed("g", 5, 9, 2),
                acked(5, 5, 2),
            ],
            &[],
        );
    }

    #[test]
    fn a_reader_who_begins_late_misses_nothing() {
        check(&[acked(0, 5, 1), acked(5, 5, 2), consumed_of(5, "g", 7, 9, 2)], &[]);
    }

    #[test]
    fn finds_what_was_acknowledged_and_skipped() {
        let events = [acked(0, 5, 1), acked(5, 5, 2), acked(10, 5, 3), consumed("g", 0, 4, 1), consumed("g", 10, 14, 3)];
        let history = check(&events, &["LostWrite 5..9", "Unseen 5..9"]);
        assert_eq!(history.unread("orders", Some("g"), &history.frontier("orders")), 5);
        assert_eq!(history.findings("orders", Some("other"), Anomaly::LostWrite), []);
    }

    #[test]
    fn finds_what_is_not_yet_read() {
        let history = check(&[acked(0, 5, 1), acked(5, 5, 2), consumed("g", 0, 4, 1)], &["Unseen 5..9"]);
        assert_eq!(history.unread("orders", Some("g"), &history.frontier("orders")), 5);
        assert_eq!(history.unread("orders", Some("g"), &Frontier::from([(orders(), 5)])), 0);
        assert_eq!(history.unread("orders", Some("nobody"), &history.frontier("orders")), 10);
    }

    /// Jepsen 2013: a leader that stood alone acknowledged, and its records were cut off when another log won.
    #[test]
    fn finds_writes_lost_to_an_unclean_election() {
        check(
            &[
                appended(0, 4, 1),
                acked(0, 5, 1),
                consumed("g", 0, 4, 1),
                appended(5, 9, 2),
                acked(5, 5, 2),
                appended(5, 6, 3),
                appended(7, 11, 4),
                acked(5, 2, 3),
                consumed("g", 5, 6, 3),
                consumed("g", 7, 11, 4),
            ],
            &["LostWrite 5..9", "InconsistentOffsets 5..6", "InconsistentOffsets 5..9", "InconsistentOffsets 7..9"],
        );
    }

    #[test]
    fn a_tail_that_nobody_was_promised_may_be_replaced() {
        check(&[appended(0, 4, 1), appended(0, 2, 2), acked(0, 3, 2), consumed("g", 0, 2, 2)], &[]);
    }

    #[test]
    fn finds_one_batch_at_two_places() {
        let events = [appended(0, 4, 1), appended(5, 9, 1), acked(5, 5, 1), consumed("g", 0, 4, 1), consumed("g", 5, 9, 1)];
        check(&events, &["Duplicate 5..9"]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut history = History::default();
        for i in 0..20_000 {
            history.event(&appended(i * 3, i * 3 + 2, i as u64));
            history.event(&acked(i * 3, 3, i as u64));
            history.event(&consumed("g", i * 3, i * 3 + 2, i as u64));
        }
        let partition = &history.partitions[&orders()];
        assert!(partition.batches.len() <= WINDOW && partition.read_at.len() <= WINDOW);
        assert_eq!(history.findings("orders", None, Anomaly::Unseen), []);
    }
}
