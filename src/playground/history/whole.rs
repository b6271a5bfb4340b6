//! A whole run's history, judged at its end as Jepsen's Kafka workload does (jepsen.tests.kafka), batch by batch.
//!
//! [`super::History`] watches runs without end in bounded memory, for lessons. This one keeps every batch of a short run and also knows what
//! was promised: which producer wrote a batch with which settings, in which leader epoch, and what happened to the partition since. A finding
//! that the table allows under its circumstances (`fuzz::legal`) is none.
//!
//! Not here: precommitted-read and aborted reads, which need transactions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::kafka::event::Event;
use crate::kafka::names::{Name, TopicPartition};
use crate::playground::fuzz::legal::{Circumstance, is_legal};
use crate::sim::chunk::ChunkId;
use crate::sim::time::Time;

/// A way for a history to be wrong, under the name that jepsen.tests.kafka gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anomaly {
    /// One offset held two different records.
    InconsistentOffsets,
    /// Read, though its producer was told that it was not written.
    G1a,
    /// Acknowledged or read, and not in the log at the end.
    LostWrite,
    /// Acknowledged and in the log, and never read by those who read all.
    Unseen,
    /// One record has two offsets.
    Duplicate,
    /// Two polls of one consumer leave something out.
    PollSkip,
    /// A poll of a consumer goes back.
    NonmonotonicPoll,
    /// Within one poll something is left out.
    IntPollSkip,
    /// Within one poll it goes back.
    IntNonmonotonicPoll,
}

impl Anomaly {
    pub const ALL: [Anomaly; 9] = [
        Anomaly::InconsistentOffsets,
        Anomaly::G1a,
        Anomaly::LostWrite,
        Anomaly::Unseen,
        Anomaly::Duplicate,
        Anomaly::PollSkip,
        Anomaly::NonmonotonicPoll,
        Anomaly::IntPollSkip,
        Anomaly::IntNonmonotonicPoll,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Anomaly::InconsistentOffsets => "inconsistent-offsets",
            Anomaly::G1a => "G1a",
            Anomaly::LostWrite => "lost-write",
            Anomaly::Unseen => "unseen",
            Anomaly::Duplicate => "duplicate",
            Anomaly::PollSkip => "poll-skip",
            Anomaly::NonmonotonicPoll => "nonmonotonic-poll",
            Anomaly::IntPollSkip => "int-poll-skip",
            Anomaly::IntNonmonotonicPoll => "int-nonmonotonic-poll",
        }
    }
}

/// Something wrong, that nothing excuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub anomaly: Anomaly,
    pub partition: TopicPartition,
    /// The first and the last offset.
    pub from: i64,
    pub to: i64,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} of {} at offsets {} to {}", self.anomaly.name(), self.partition, self.from, self.to)
    }
}

/// What a producer is promised, by its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// acks=all
    pub acks_all: bool,
    /// enable.idempotence
    pub idempotent: bool,
}

/// A partition's log as it stands at the end.
#[derive(Clone, Debug, Default)]
pub struct FinalLog {
    pub start: i64,
    /// Base offset, last offset, chunk.
    pub batches: Vec<(i64, i64, ChunkId)>,
}

/// Errors after which nothing was written, if the batch was sent only once: the leader says so before it appends.
/// (CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, INVALID_REQUIRED_ACKS, TOPIC_AUTHORIZATION_FAILED, INVALID_TIMESTAMP,
/// OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_RECORD)
const NOT_WRITTEN: [i16; 8] = [2, 10, 18, 21, 29, 32, 45, 87];

/// What was sent, appended, acknowledged and read.
#[derive(Clone, Debug, Default)]
pub struct WholeHistory {
    promises: BTreeMap<Name, Promise>,
    partitions: BTreeMap<TopicPartition, Partition>,
    /// Who sent a chunk, and how often.
    sent: BTreeMap<ChunkId, (Name, u32)>,
    not_written: BTreeSet<ChunkId>,
    /// The client of each member of a group.
    members: BTreeMap<Name, Name>,
    /// Where each consumer's last poll of a partition ended.
    polls: BTreeMap<(Name, TopicPartition), Poll>,
    /// Found while the run went on.
    found: Vec<Finding>,
}

#[derive(Clone, Debug, Default)]
struct Partition {
    batches: BTreeMap<(i64, ChunkId), Batch>,
    /// Elections that may have lost what earlier leaders wrote: why, and the new leader's epoch.
    losses: Vec<(Circumstance, i32)>,
}

#[derive(Clone, Debug)]
struct Batch {
    last: i64,
    /// Of the leader that appended it last.
    epoch: i32,
    acked: bool,
    read: bool,
    /// By whom, of the groups.
    readers: BTreeSet<Name>,
}

#[derive(Clone, Debug)]
struct Poll {
    next: i64,
    at: Time,
    /// Its position was changed by other means than reading since.
    moved: Option<Circumstance>,
}

impl WholeHistory {
    /// A producer that will write.
    pub fn promise(&mut self, producer: &str, promise: Promise) {
        self.promises.insert(producer.into(), promise);
    }

    /// Takes note of an event. `epoch_of`: the leader epoch in which a broker leads, for what it appends.
    pub fn event(&mut self, at: Time, event: &Event, epoch_of: impl FnOnce() -> i32) {
        match event {
            Event::Appended { partition, base_offset, last_offset, chunk, .. } => {
                let epoch = epoch_of();
                let batch = Batch { last: *last_offset, epoch, acked: false, read: false, readers: BTreeSet::new() };
                let known = self.partitions.entry(partition.clone()).or_default().batches.entry((*base_offset, *chunk)).or_insert(batch);
                known.epoch = epoch;
            }
            Event::BatchSent { producer, chunk, attempt, .. } => {
                self.sent.insert(*chunk, (producer.clone(), *attempt));
            }
            Event::BatchAcked { partition, base_offset, chunk, .. } if *base_offset >= 0 => {
                let known = self.partitions.entry(partition.clone()).or_default().batches.get_mut(&(*base_offset, *chunk));
                if let Some(batch) = known {
                    batch.acked = true;
                }
            }
            Event::BatchFailed { chunk, error, .. }
                if NOT_WRITTEN.contains(error) && self.sent.get(chunk).is_none_or(|(_, attempts)| *attempts <= 1) =>
            {
                self.not_written.insert(*chunk);
            }
            Event::Consumed { group, client, partition, base_offset, from, to, chunk, .. } => {
                self.polled(at, client, partition, *from, *to);
                self.read(group.as_ref(), partition, *base_offset, *chunk);
            }
            Event::MemberJoined { member, client, .. } => drop(self.members.insert(member.clone(), client.clone())),
            Event::Assigned { member, .. } => {
                let of_member = self.members.get(member);
                let is_its = |client: &Name| of_member == Some(client);
                let polls = self.polls.iter_mut().filter(|((client, _), _)| is_its(client));
                polls.for_each(|(_, poll)| poll.moved = Some(Circumstance::Rebalance));
            }
            Event::OffsetReset { client, partition, .. } => {
                if let Some(poll) = self.polls.get_mut(&(client.clone(), partition.clone())) {
                    poll.moved = Some(Circumstance::OffsetReset);
                }
            }
            _ => {}
        }
    }

    /// An election after which what leaders of earlier epochs wrote may be gone.
    pub fn may_have_lost(&mut self, partition: &TopicPartition, why: Circumstance, leader_epoch: i32) {
        self.partitions.entry(partition.clone()).or_default().losses.push((why, leader_epoch));
    }

    /// All that is wrong. `complete`: groups that have read everything, with their topics' partitions.
    pub fn judge(&self, logs: &BTreeMap<TopicPartition, FinalLog>, complete: &[Name]) -> Vec<Finding> {
        let mut found = self.found.clone();
        let nothing = FinalLog::default();
        for (name, partition) in &self.partitions {
            let log = logs.get(name).unwrap_or(&nothing);
            self.judge_partition(name, partition, log, complete, &mut found);
        }
        found
    }

    fn judge_partition(&self, name: &TopicPartition, partition: &Partition, log: &FinalLog, complete: &[Name], found: &mut Vec<Finding>) {
        let mut add = |anomaly, from, to, circumstances: &[Circumstance]| {
            let excused = circumstances.iter().any(|circumstance| is_legal(*circumstance, anomaly));
            let finding = Finding { anomaly, partition: name.clone(), from, to };
            if !excused && !found.contains(&finding) {
                found.push(finding);
            }
        };
        let stored: BTreeMap<(i64, ChunkId), i64> = log.batches.iter().map(|(base, last, chunk)| ((*base, *chunk), *last)).collect();
        let is_stored = |base: &i64, chunk: &ChunkId| stored.contains_key(&(*base, *chunk));
        // What somebody relied on, with its circumstances.
        let relied_on = partition.batches.iter().filter(|(_, batch)| batch.acked || batch.read);
        let relied_on: Vec<(i64, ChunkId, &Batch, Vec<Circumstance>)> =
            relied_on.map(|((base, chunk), batch)| (*base, *chunk, batch, self.circumstances(partition, *chunk, batch, log))).collect();
        for (i, (base, chunk, batch, circumstances)) in relied_on.iter().enumerate() {
            if !is_stored(base, chunk) {
                add(Anomaly::LostWrite, *base, batch.last, circumstances);
            }
            let behind = relied_on[i + 1..].iter().take_while(|(other, ..)| *other <= batch.last);
            for (other_base, _, other, others) in behind.filter(|(_, other, ..)| other != chunk) {
                let both: Vec<Circumstance> = circumstances.iter().chain(others).copied().collect();
                add(Anomaly::InconsistentOffsets, *base.max(other_base), batch.last.min(other.last), &both);
            }
            let first = log.batches.partition_point(|(_, to, _)| to < base);
            let overlapping = log.batches[first..].iter().take_while(|(from, ..)| *from <= batch.last);
            for (from, to, _) in overlapping.filter(|(.., other)| other != chunk) {
                add(Anomaly::InconsistentOffsets, *base.max(from), batch.last.min(*to), circumstances);
            }
            if is_stored(base, chunk) && batch.acked && complete.iter().any(|group| !batch.readers.contains(group)) {
                add(Anomaly::Unseen, *base, batch.last, circumstances);
            }
        }
        self.judge_values(partition, log, &mut add);
    }

    /// What is wrong with what is in the log, whoever relied on it.
    fn judge_values(&self, partition: &Partition, log: &FinalLog, add: &mut impl FnMut(Anomaly, i64, i64, &[Circumstance])) {
        let read = partition.batches.iter().filter(|(_, batch)| batch.read).map(|((base, chunk), batch)| (*base, batch.last, *chunk));
        let mut first_at: BTreeMap<ChunkId, i64> = BTreeMap::new();
        for (base, last, chunk) in read.chain(log.batches.iter().copied()) {
            let batch = partition.batches.get(&(base, chunk));
            let circumstances = batch.map_or_else(Vec::new, |batch| self.circumstances(partition, chunk, batch, log));
            if self.not_written.contains(&chunk) {
                add(Anomaly::G1a, base, last, &circumstances);
            }
            let first = *first_at.entry(chunk).or_insert(base);
            if first != base {
                let of_first = partition.batches.get(&(first, chunk));
                let of_first = of_first.map_or_else(Vec::new, |batch| self.circumstances(partition, chunk, batch, log));
                add(Anomaly::Duplicate, base, last, &[circumstances, of_first].concat());
            }
        }
    }

    fn circumstances(&self, partition: &Partition, chunk: ChunkId, batch: &Batch, log: &FinalLog) -> Vec<Circumstance> {
        let mut found: Vec<Circumstance> = partition.losses.iter().filter(|(_, epoch)| batch.epoch < *epoch).map(|(why, _)| *why).collect();
        let promise = self.sent.get(&chunk).and_then(|(producer, _)| self.promises.get(producer));
        // What was read was committed, whatever its producer waited for.
        if promise.is_some_and(|promise| !promise.acks_all) && !batch.read {
            found.push(Circumstance::AcksBelowAll);
        }
        if promise.is_some_and(|promise| !promise.idempotent) {
            found.push(Circumstance::NotIdempotent);
        }
        if batch.last < log.start || log.batches.first().is_some_and(|(base, ..)| batch.last < *base) {
            found.push(Circumstance::Retention);
        }
        found
    }

    /// The same bytes may have been appended at two places by two leaders: which of them was read, its base offset says.
    fn read(&mut self, group: Option<&Name>, partition: &TopicPartition, base_offset: i64, chunk: ChunkId) {
        let batches = &mut self.partitions.entry(partition.clone()).or_default().batches;
        if let Some(batch) = batches.get_mut(&(base_offset, chunk)) {
            batch.read = true;
            batch.readers.extend(group.cloned());
        }
    }

    fn polled(&mut self, at: Time, client: &Name, partition: &TopicPartition, from: i64, to: i64) {
        let key = (client.clone(), partition.clone());
        if let Some(before) = self.polls.get(&key)
            && before.next != from
        {
            let within = before.at == at;
            let anomaly = match (from > before.next, within) {
                (true, false) => Anomaly::PollSkip,
                (true, true) => Anomaly::IntPollSkip,
                (false, false) => Anomaly::NonmonotonicPoll,
                (false, true) => Anomaly::IntNonmonotonicPoll,
            };
            if !before.moved.is_some_and(|why| is_legal(why, anomaly)) {
                let (from, to) = (before.next.min(from), before.next.max(from) - 1);
                self.found.push(Finding { anomaly, partition: partition.clone(), from, to });
            }
        }
        self.polls.insert(key, Poll { next: to + 1, at, moved: None });
    }
}

#[cfg(test)]
mod tests;
