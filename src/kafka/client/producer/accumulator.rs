//! `RecordAccumulator`: batches by partition, the memory they hold, and which of them may be sent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::batch::{BatchId, Body, PartitionIndex, ProducerBatch};
use super::config::ProducerConfig;
use super::sequences::Sequences;
use crate::kafka::client::metadata::Cluster;
use crate::kafka::names::{BrokerId, Name, TopicPartition};
use crate::kafka::records::builder::{BatchBuilder, batch_size_upper_bound};
use crate::kafka::records::compression::CompressionType;
use crate::kafka::records::partitioner::{StickyPartition, partition_for_key};
use crate::kafka::records::record::Header;
use crate::sim::rng::Rng;
use crate::sim::time::Time;
use uuid::Uuid;

/// A topic's number within its producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicIndex(pub u32);

/// What `send()` is given.
#[derive(Clone, Copy, Debug)]
pub struct ProducerRecord<'a> {
    pub topic: TopicIndex,
    /// `None`: the partitioner chooses.
    pub partition: Option<i32>,
    /// In ms; `None`: the time of sending.
    pub timestamp: Option<i64>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [Header<'a>],
}

/// Where a record went: the batch, and its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub batch: BatchId,
    pub index: u32,
    pub partition: i32,
}

/// There is no room in buffer.memory for so many bytes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    pub needed: u64,
}

#[derive(Clone, Debug)]
pub struct Accumulator {
    config: Arc<ProducerConfig>,
    topics: Vec<TopicState>,
    topics_by_name: BTreeMap<Name, TopicIndex>,
    partitions: Vec<PartitionState>,
    /// Partitions with batches that wait.
    waiting: BTreeSet<PartitionIndex>,
    /// Where draining goes on, by node, so that no partition starves.
    drain_from: BTreeMap<BrokerId, PartitionIndex>,
    free_bytes: u64,
    /// Somebody waits for memory: everything may be sent at once.
    pub exhausted: bool,
    /// `flush()` or `close()` waits: the same.
    pub flushing: bool,
    next_batch: u64,
    waiting_batches: u64,
}

/// A topic as the partitioner sees it.
#[derive(Clone, Debug)]
pub struct TopicState {
    pub name: Name,
    pub id: Uuid,
    pub partitions: Vec<PartitionIndex>,
    available: Vec<i32>,
    sticky: StickyPartition,
    /// `CompressionRatioEstimator`, in thousandths.
    compression_ratio: u32,
    /// Partitions that have had a batch.
    used: u32,
}

#[derive(Clone, Debug)]
pub struct PartitionState {
    pub at: TopicPartition,
    pub topic: TopicIndex,
    pub leader: Option<BrokerId>,
    pub leader_epoch: i32,
    pub queue: VecDeque<ProducerBatch>,
    /// `guaranteeMessageOrder` (max.in.flight 1 without idempotence): a batch is on its way.
    pub muted: bool,
    used: bool,
    pub sequences: Sequences,
}

/// Which nodes have something to be sent, and when the next look is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    pub nodes: BTreeSet<BrokerId>,
    pub next_check: Option<Time>,
    pub unknown_leader: bool,
}

impl Accumulator {
    pub fn new(config: Arc<ProducerConfig>) -> Accumulator {
        Accumulator {
            free_bytes: config.buffer_memory,
            config,
            topics: Vec::new(),
            topics_by_name: BTreeMap::new(),
            partitions: Vec::new(),
            waiting: BTreeSet::new(),
            drain_from: BTreeMap::new(),
            exhausted: false,
            flushing: false,
            next_batch: 0,
            waiting_batches: 0,
        }
    }

    /// The number of a topic.
    pub fn topic(&mut self, name: &str) -> TopicIndex {
        if let Some(&index) = self.topics_by_name.get(name) {
            return index;
        }
        let index = TopicIndex(self.topics.len() as u32);
        let name = Name::from(name);
        self.topics_by_name.insert(name.clone(), index);
        self.topics.push(TopicState {
            name,
            id: Uuid::nil(),
            partitions: Vec::new(),
            available: Vec::new(),
            sticky: StickyPartition::default(),
            compression_ratio: 1000,
            used: 0,
        });
        index
    }

    pub fn topic_state(&self, topic: TopicIndex) -> &TopicState {
        &self.topics[topic.0 as usize]
    }

    pub fn partition(&self, index: PartitionIndex) -> &PartitionState {
        &self.partitions[index.0 as usize]
    }

    pub fn partition_mut(&mut self, index: PartitionIndex) -> &mut PartitionState {
        &mut self.partitions[index.0 as usize]
    }

    pub fn partitions(&self) -> impl Iterator<Item = &PartitionState> {
        self.partitions.iter()
    }

    pub fn find(&self, topic: Uuid, partition: i32) -> Option<PartitionIndex> {
        let topic = self.topics.iter().find(|state| state.id == topic)?;
        topic.partitions.get(usize::try_from(partition).ok()?).copied()
    }

    /// Bytes of buffer.memory that batches hold.
    pub fn buffered_bytes(&self) -> u64 {
        self.config.buffer_memory.saturating_sub(self.free_bytes)
    }

    pub fn available_bytes(&self) -> u64 {
        self.free_bytes
    }

    /// Batches that wait to be sent (also again).
    pub fn waiting_batches(&self) -> u64 {
        self.waiting_batches
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn next_batch_id(&mut self) -> BatchId {
        self.next_batch += 1;
        BatchId(self.next_batch - 1)
    }

    /// Takes over what metadata says of topics, partitions and leaders.
    pub fn update_cluster(&mut self, cluster: &Cluster) {
        for (index, topic) in self.topics.iter_mut().enumerate() {
            let Some(known) = cluster.topic(&topic.name) else { continue };
            topic.id = known.id;
            for partition in topic.partitions.len()..known.partitions.len() {
                topic.partitions.push(PartitionIndex(self.partitions.len() as u32));
                self.partitions.push(PartitionState {
                    at: TopicPartition { topic: topic.name.clone(), partition: partition as i32 },
                    topic: TopicIndex(index as u32),
                    leader: None,
                    leader_epoch: -1,
                    queue: VecDeque::new(),
                    muted: false,
                    used: false,
                    sequences: Sequences::default(),
                });
            }
            topic.available.clear();
            for (number, info) in known.partitions.iter().enumerate() {
                let state = &mut self.partitions[topic.partitions[number].0 as usize];
                state.leader = info.leader.filter(|leader| cluster.brokers.contains_key(leader));
                state.leader_epoch = info.leader_epoch;
                if state.leader.is_some() {
                    topic.available.push(number as i32);
                }
            }
        }
    }

    /// Puts a record into its partition's batch. The topic must have partitions, and `partition`, if given, be one of them.
    ///
    /// # Errors
    /// [`Exhausted`]: a new batch is needed and there is no memory for it.
    pub fn append(&mut self, now: Time, record: &ProducerRecord, rng: &mut Rng) -> Result<Appended, Exhausted> {
        let timestamp = record.timestamp.unwrap_or_else(|| now.wall_ms());
        loop {
            let topic = &mut self.topics[record.topic.0 as usize];
            let (number, is_sticky) = topic.choose(record, self.config.partitioner_ignore_keys, rng);
            let index = topic.partitions[number as usize];
            let queue = &mut self.partitions[index.0 as usize].queue;
            // A switch that waited for the batch to be full (or gone) happens now (`partitionChanged`).
            if is_sticky && queue.back().is_none_or(ProducerBatch::is_full) && topic.switches(self.config.batch_size) {
                continue;
            }
            if let Some(last) = queue.back_mut()
                && let Body::Open(builder) = &mut last.body
            {
                if builder.has_room_for(timestamp, record.key, record.value, record.headers) {
                    let place = Appended { batch: last.id, index: builder.record_count(), partition: number };
                    let before = builder.estimated_size_bytes();
                    builder.append(timestamp, record.key, record.value, record.headers);
                    if is_sticky {
                        let bytes = builder.estimated_size_bytes() - before;
                        topic.sticky.appended(bytes, self.config.batch_size, builder.is_full());
                    }
                    return Ok(place);
                }
                last.close();
                if is_sticky && topic.switches(self.config.batch_size) {
                    continue;
                }
            }
            return self.append_new_batch(now, index, number, timestamp, is_sticky, record);
        }
    }

    fn append_new_batch(
        &mut self,
        now: Time,
        index: PartitionIndex,
        number: i32,
        timestamp: i64,
        is_sticky: bool,
        record: &ProducerRecord,
    ) -> Result<Appended, Exhausted> {
        let bytes = self.config.batch_size.max(batch_size_upper_bound(record.key, record.value, record.headers));
        if self.free_bytes < u64::from(bytes) {
            self.exhausted = true;
            return Err(Exhausted { needed: bytes.into() });
        }
        self.free_bytes -= u64::from(bytes);
        self.exhausted = false;
        let topic = &mut self.topics[record.topic.0 as usize];
        let mut builder = BatchBuilder::new(self.config.compression, bytes);
        builder.set_compression_ratio_per_mille(topic.compression_ratio);
        let before = builder.estimated_size_bytes();
        builder.append(timestamp, record.key, record.value, record.headers);
        if is_sticky {
            topic.sticky.appended(builder.estimated_size_bytes() - before, self.config.batch_size, builder.is_full());
        }
        let id = self.next_batch_id();
        self.push_back(ProducerBatch::new(id, index, builder, bytes, now));
        Ok(Appended { batch: id, index: 0, partition: number })
    }

    fn push_back(&mut self, batch: ProducerBatch) {
        self.waiting.insert(batch.partition);
        self.waiting_batches += 1;
        let state = &mut self.partitions[batch.partition.0 as usize];
        if !std::mem::replace(&mut state.used, true) {
            self.topics[state.topic.0 as usize].used += 1;
        }
        state.queue.push_back(batch);
    }

    /// Puts a batch back, to be sent again: in front, or among numbered ones where its number belongs (`insertInSequenceOrder`).
    pub fn put_back(&mut self, batch: ProducerBatch) {
        self.waiting.insert(batch.partition);
        self.waiting_batches += 1;
        let queue = &mut self.partitions[batch.partition.0 as usize].queue;
        let belongs_before = |other: &ProducerBatch| !other.has_sequence() || other.base_sequence() > batch.base_sequence();
        let at = if batch.has_sequence() { queue.iter().position(belongs_before).unwrap_or(queue.len()) } else { 0 };
        queue.insert(at, batch);
    }

    /// Which nodes have something to be sent now (`ready`).
    pub fn ready(&mut self, now: Time) -> Ready {
        let mut ready = Ready::default();
        let mut topics = BTreeSet::new();
        for &index in &self.waiting {
            let state = &mut self.partitions[index.0 as usize];
            topics.insert(state.topic);
            let queued = state.queue.len();
            let Some(first) = state.queue.front_mut() else { continue };
            first.note_leader_epoch(state.leader_epoch);
            let Some(leader) = state.leader else {
                ready.unknown_leader = true;
                continue;
            };
            if state.muted || ready.nodes.contains(&leader) {
                continue;
            }
            let due = first.created + self.config.linger;
            let sendable = queued > 1 || first.is_full() || now >= due || self.exhausted || self.flushing;
            match (first.backs_off(now), sendable) {
                (true, _) => ready.check_at(first.retry_at),
                (false, true) => drop(ready.nodes.insert(leader)),
                (false, false) => ready.check_at(due),
            }
        }
        if self.config.partitioner_adaptive {
            topics.into_iter().for_each(|topic| self.update_load(topic));
        }
        ready
    }

    /// Takes the batches to send to a node in one request of at most `max.request.size`, one a partition (`drainBatchesForOneNode`).
    /// `stop` says where a batch may not be sent yet (its sequence is not due): as in Kafka, that ends the request.
    pub fn drain(&mut self, now: Time, node: BrokerId, stop: impl Fn(&PartitionState, &ProducerBatch) -> bool) -> Vec<ProducerBatch> {
        let of_node = |index: &&PartitionIndex| self.partitions[index.0 as usize].leader == Some(node);
        let mut order: Vec<PartitionIndex> = self.waiting.iter().filter(of_node).copied().collect();
        let from = self.drain_from.get(&node).copied().unwrap_or(PartitionIndex(0));
        let first = order.partition_point(|&index| index < from);
        order.rotate_left(first);
        let mut drained: Vec<ProducerBatch> = Vec::new();
        let mut size = 0;
        for index in order {
            self.drain_from.insert(node, index);
            let state = &mut self.partitions[index.0 as usize];
            let Some(batch) = state.queue.front().filter(|batch| !state.muted && !batch.backs_off(now)) else { continue };
            let beyond = size + u64::from(batch.size_bytes()) > u64::from(self.config.max_request_size) && !drained.is_empty();
            if beyond || stop(state, batch) {
                break;
            }
            let Some(batch) = state.queue.pop_front() else { continue };
            size += u64::from(batch.size_bytes());
            if state.queue.is_empty() {
                self.waiting.remove(&index);
            }
            self.waiting_batches -= 1;
            self.drain_from.insert(node, PartitionIndex(index.0 + 1));
            drained.push(batch);
        }
        drained
    }

    /// Takes the batches whose delivery.timeout.ms is over (`expiredBatches`).
    pub fn expired(&mut self, now: Time) -> Vec<ProducerBatch> {
        let mut expired = Vec::new();
        let timeout = self.config.delivery_timeout;
        for index in self.waiting.clone() {
            let queue = &mut self.partitions[index.0 as usize].queue;
            while queue.front().is_some_and(|batch| batch.created + timeout <= now) {
                expired.extend(queue.pop_front());
                self.waiting_batches -= 1;
            }
            if queue.is_empty() {
                self.waiting.remove(&index);
            }
        }
        expired
    }

    /// When the first waiting batch is given up.
    pub fn next_expiry(&self) -> Option<Time> {
        let first = |index: &PartitionIndex| self.partitions[index.0 as usize].queue.front();
        self.waiting.iter().filter_map(first).map(|batch| batch.created + self.config.delivery_timeout).min()
    }

    /// All waiting batches, for an end without a flush.
    pub fn take_all(&mut self) -> Vec<ProducerBatch> {
        self.waiting.clear();
        self.waiting_batches = 0;
        self.partitions.iter_mut().flat_map(|state| state.queue.drain(..)).collect()
    }

    /// Gives back a batch's share of buffer.memory.
    pub fn release(&mut self, batch: &ProducerBatch) {
        self.free_bytes += u64::from(batch.buffer_bytes);
    }

    /// Learns from a batch how well this topic's records compress.
    pub fn learn_compression(&mut self, topic: TopicIndex, records_bytes: u32, size_bytes: u32) {
        if self.config.compression == CompressionType::None || records_bytes == 0 {
            return;
        }
        let observed = (u64::from(size_bytes) * 1000 / u64::from(records_bytes)) as u32;
        let ratio = &mut self.topics[topic.0 as usize].compression_ratio;
        // Quick to believe that it got worse (0.05 at least), slow that it got better (0.005 at most).
        *ratio = match observed.cmp(ratio) {
            std::cmp::Ordering::Greater => observed.max(*ratio + 50),
            std::cmp::Ordering::Less => observed.max(*ratio - 5),
            std::cmp::Ordering::Equal => observed,
        };
    }

    /// The broker found a batch too large: do not count on compression any more.
    pub fn distrust_compression(&mut self, topic: TopicIndex) {
        let ratio = &mut self.topics[topic.0 as usize].compression_ratio;
        *ratio = (*ratio).max(1000);
    }

    /// Shorter queues get more (KIP-794's adaptive partitioning), once every partition has had a batch.
    fn update_load(&mut self, topic: TopicIndex) {
        let topic = &mut self.topics[topic.0 as usize];
        if topic.used < topic.partitions.len() as u32 {
            return;
        }
        let length = |number: &i32| self.partitions[topic.partitions[*number as usize].0 as usize].queue.len() as u32;
        let queues: Vec<(i32, u32)> = topic.available.iter().map(|number| (*number, length(number))).collect();
        topic.sticky.update_load(&queues);
    }
}

impl TopicState {
    /// The partition of a record, and whether it is the sticky one.
    fn choose(&mut self, record: &ProducerRecord, ignore_keys: bool, rng: &mut Rng) -> (i32, bool) {
        let count = self.partitions.len() as i32;
        match (record.partition, record.key.filter(|_| !ignore_keys)) {
            (Some(partition), _) => (partition, false),
            (None, Some(key)) => (partition_for_key(key, count), false),
            (None, None) => {
                let random = if self.sticky.needs_choice() { rng.next_u64() as i32 } else { 0 };
                (self.sticky.peek(random, &self.available, count), true)
            }
        }
    }

    /// Ends the stay on the sticky partition, if enough went there.
    fn switches(&mut self, batch_size: u32) -> bool {
        self.sticky.appended(0, batch_size, true);
        self.sticky.needs_choice()
    }
}

impl Ready {
    fn check_at(&mut self, at: Time) {
        self.next_check = Some(self.next_check.map_or(at, |other| other.min(at)));
    }
}
