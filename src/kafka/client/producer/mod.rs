//! `KafkaProducer` as a state machine: `send` puts records into batches, `handle` and `poll` move the batches.
//!
//! * [`config`]: settings, by Kafka's names
//! * [`accumulator`]: batches by partition, the memory they hold, which may be sent
//! * [`batch`]: a batch from its first record to its last answer
//! * [`sequences`]: producer id, epoch, sequence numbers
//! * `identity`: getting a producer id, numbering anew
//! * `sender`: from waiting batches to requests
//! * `completion`: from answers to completion, or another try
//! * [`load`]: a process that produces at a steady rate
//!
//! Where Java blocks in `send`, this one says [`SendError::Blocked`]: the caller keeps its record and tries again after the next step.

pub mod accumulator;
pub mod batch;
mod completion;
pub mod config;
mod identity;
pub mod load;
mod sender;
pub mod sequences;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::accumulator::{Accumulator, Appended, ProducerRecord, TopicIndex};
use self::batch::{BatchId, ProducerBatch};
use self::config::ProducerConfig;
use self::sequences::Identity;
use super::cluster::ClusterClient;
use super::error::{
    ClientError, INVALID_RECORD, INVALID_TOPIC_EXCEPTION, MESSAGE_TOO_LARGE, REQUEST_TIMED_OUT, TOPIC_AUTHORIZATION_FAILED,
};
use super::log::Log;
use super::network::{CLIENT_METRICS, Traffic};
use crate::kafka::actor::{HostPort, Input, Outbox};
use crate::kafka::names::{BrokerId, Name, TopicPartition};
use crate::kafka::protocol::errors;
use crate::kafka::quota::rate::Rate;
use crate::kafka::records::builder::batch_size_upper_bound;
use crate::sim::time::Time;

/// A producer. See the module.
#[derive(Clone, Debug)]
pub struct Producer {
    name: Name,
    config: Arc<ProducerConfig>,
    client: ClusterClient<Sent>,
    accumulator: Accumulator,
    /// Sent and not answered.
    in_flight: BTreeMap<BatchId, ProducerBatch>,
    identity: Identity,
    completions: Vec<Completion>,
    /// Since when `send` has been refusing, and why.
    blocked: Option<(Time, Blocked)>,
    closing: bool,
    seen_metadata: u64,
    next_check: Option<Time>,
    polled: Time,
    /// What the next record that needs metadata is told.
    fatal: Option<ClientError>,
    stats: Stats,
    /// Bytes of batches that were sent.
    sent_bytes: Rate,
}

/// What was asked of a node.
#[derive(Clone, Debug)]
pub enum Sent {
    Produce(Vec<BatchId>),
    InitProducerId,
}

/// What came of a batch: what Java's callbacks are told, once for all its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    pub batch: BatchId,
    pub partition: TopicPartition,
    /// The offset of the first record; -1 without an acknowledgement (acks=0, or an error).
    pub base_offset: i64,
    pub count: u32,
    /// Where in the batch it began: more than 0 for a part of a batch that had to be split.
    pub first_index: u32,
    pub error: Option<ClientError>,
    /// What the broker said of single records, by their place in the batch.
    pub record_errors: BTreeMap<u32, Option<String>>,
}

/// Why a record was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// Not now: try the same record again after the next step.
    Blocked(Blocked),
    /// Not ever: its callback gets this.
    Failed(ClientError),
}

/// What `send` would wait for, up to `max.block.ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// The topic is not known yet.
    Metadata,
    /// `buffer.memory` is used up.
    Memory,
}

/// Totals since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Records taken by `send`.
    pub sent: u64,
    pub acked: u64,
    pub failed: u64,
    /// Batches that had to be sent again.
    pub retries: u64,
    /// Answers, and by how many milliseconds they throttled this producer, in all and at most.
    pub answers: u64,
    pub throttled_ms: u64,
    pub most_throttled_ms: u64,
}

impl Producer {
    /// A producer of this `client.id`.
    pub fn new(client_id: &str, bootstrap: Vec<HostPort>, config: ProducerConfig) -> Producer {
        let context = format!("Producer clientId={client_id}");
        let config = Arc::new(config);
        let mut client = ClusterClient::new(client_id, &context, bootstrap, config.network.clone(), config.metadata.clone());
        client.wants_telemetry = true;
        Producer {
            name: client_id.into(),
            client,
            accumulator: Accumulator::new(config.clone()),
            config,
            in_flight: BTreeMap::new(),
            identity: Identity::default(),
            completions: Vec::new(),
            blocked: None,
            closing: false,
            seen_metadata: 0,
            next_check: None,
            polled: Time::ZERO,
            fatal: None,
            stats: Stats::default(),
            sent_bytes: Rate::new(CLIENT_METRICS),
        }
    }

    pub fn config(&self) -> &ProducerConfig {
        &self.config
    }

    /// The number of a topic, for [`Producer::send`].
    pub fn topic(&mut self, name: &str) -> TopicIndex {
        self.accumulator.topic(name)
    }

    /// How many partitions a topic has, if that is known (`partitionsFor`). Asks for it otherwise.
    pub fn partition_count(&mut self, now: Time, topic: TopicIndex) -> Option<i32> {
        let state = self.accumulator.topic_state(topic);
        let count = state.partitions.len() as i32;
        if count == 0 {
            self.client.metadata.add_topic(now, &state.name.clone());
        }
        (count > 0).then_some(count)
    }

    /// Puts a record into a batch. Call [`Producer::poll`] after the last one of a step.
    ///
    /// # Errors
    /// [`SendError::Blocked`] while there is no metadata or no memory; after `max.block.ms` of that, or at once if the record can never be
    /// sent, [`SendError::Failed`].
    #[inline]
    pub fn send(&mut self, now: Time, record: &ProducerRecord, out: &mut Outbox) -> Result<Appended, SendError> {
        let known = self.accumulator.topic_state(record.topic).partitions.len();
        let has_partition = record.partition.is_none_or(|partition| usize::try_from(partition).is_ok_and(|p| p < known));
        if known == 0 || !has_partition || self.closing {
            return Err(self.wait_on_metadata(now, record));
        }
        self.check_size(record)?;
        match self.accumulator.append(now, record, out.rng()) {
            Ok(appended) => {
                self.stats.sent += 1;
                self.blocked = None;
                if appended.index == 0 {
                    // Once a batch is enough to keep the topic among those of interest.
                    let topic = self.accumulator.topic_state(record.topic).name.clone();
                    self.client.metadata.add_topic(now, &topic);
                }
                Ok(appended)
            }
            Err(exhausted) => Err(self.wait_on_memory(now, exhausted.needed)),
        }
    }

    /// Whether an input is about one of this producer's connections.
    pub fn owns(&self, input: &Input) -> bool {
        self.client.owns(input)
    }

    /// Takes an input (also one that is about nothing of ours).
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Outbox) {
        let progress = self.client.handle(now, input, out);
        self.run(now, progress, out);
    }

    /// Sends what can be sent.
    pub fn poll(&mut self, now: Time, out: &mut Outbox) {
        let progress = self.client.poll(now, out);
        self.run(now, progress, out);
    }

    /// When to be called at the latest.
    pub fn next_wake(&self) -> Option<Time> {
        let blocked = self.blocked.map(|(since, _)| since + self.config.max_block);
        let own = [self.next_check, blocked].into_iter().flatten().filter(|&at| at > self.polled).min();
        [self.client.next_wake(), own].into_iter().flatten().min()
    }

    /// Takes what became of batches since the last call.
    pub fn take_completions(&mut self) -> Vec<Completion> {
        std::mem::take(&mut self.completions)
    }

    /// Sends everything without lingering, until [`Producer::is_flushed`].
    pub fn flush(&mut self) {
        self.accumulator.flushing = true;
    }

    /// Whether no record waits or is on its way.
    pub fn is_flushed(&self) -> bool {
        self.accumulator.is_empty() && self.in_flight.is_empty()
    }

    /// Takes no more records and sends what there is; then [`Producer::is_flushed`], and [`Producer::disconnect`].
    pub fn close(&mut self) {
        self.closing = true;
        self.flush();
    }

    /// Gives up whatever is left, and closes the connections (`forceClose`).
    pub fn disconnect(&mut self, out: &mut Outbox) {
        let left = std::mem::take(&mut self.in_flight).into_values().chain(self.accumulator.take_all()).collect::<Vec<_>>();
        for batch in left {
            self.fail(batch, ClientError::kafka("Producer is closed forcefully."), BTreeMap::new(), false, out);
        }
        self.client.close(out);
    }

    /// What went to each node and came from it.
    pub fn traffic(&self) -> impl Iterator<Item = (BrokerId, &Traffic)> {
        self.client.network.traffic()
    }

    /// Bytes of batches that were sent.
    pub fn sent_bytes(&self) -> &Rate {
        &self.sent_bytes
    }

    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Records that were taken and whose fate is open.
    pub fn buffered_records(&self) -> u64 {
        self.stats.sent - self.stats.acked - self.stats.failed
    }

    /// What is held of `buffer.memory`.
    pub fn buffered_bytes(&self) -> u64 {
        self.accumulator.buffered_bytes()
    }

    /// Batches that were sent and not answered.
    pub fn in_flight_batches(&self) -> u64 {
        self.in_flight.len() as u64
    }

    pub fn waiting_batches(&self) -> u64 {
        self.accumulator.waiting_batches()
    }

    /// Why `send` refuses, and since when.
    pub fn blocked(&self) -> Option<(Time, Blocked)> {
        self.blocked
    }

    /// Whether it waits for a producer id, without which an idempotent producer sends nothing.
    pub fn awaits_producer_id(&self) -> bool {
        self.config.enable_idempotence && self.identity.current.is_none()
    }

    pub fn log(&mut self) -> &mut Log {
        &mut self.client.network.log
    }

    pub fn client(&self) -> &ClusterClient<Sent> {
        &self.client
    }

    pub fn accumulator(&self) -> &Accumulator {
        &self.accumulator
    }

    fn check_size(&self, record: &ProducerRecord) -> Result<(), SendError> {
        let size = batch_size_upper_bound(record.key, record.value, record.headers);
        let max = self.config.max_request_size;
        let message = if size > max {
            format!(
                "The message is {size} bytes when serialized which is larger than {max}, which is the value of the max.request.size configuration."
            )
        } else if u64::from(size) > self.config.buffer_memory {
            format!(
                "The message is {size} bytes when serialized which is larger than the total memory buffer you have configured with the \
                 buffer.memory configuration."
            )
        } else {
            return Ok(());
        };
        Err(SendError::Failed(ClientError::of_code(MESSAGE_TOO_LARGE, Some(&message))))
    }

    /// `waitOnMetadata`, one look at a time.
    fn wait_on_metadata(&mut self, now: Time, record: &ProducerRecord) -> SendError {
        let state = self.accumulator.topic_state(record.topic);
        let (topic, count) = (state.name.clone(), state.partitions.len());
        if self.closing {
            return SendError::Failed(ClientError::kafka("Producer closed while send in progress"));
        }
        if let Some(fatal) = self.fatal.take() {
            self.blocked = None;
            return SendError::Failed(fatal);
        }
        let code = self.client.cluster().errors.get(&topic).copied();
        let forbidden = match code {
            Some(INVALID_TOPIC_EXCEPTION) => Some(format!("Invalid topics: [{topic}]")),
            Some(TOPIC_AUTHORIZATION_FAILED) => Some(format!("Not authorized to access topics: [{topic}]")),
            _ => None,
        };
        if let (Some(code), Some(message)) = (code, forbidden) {
            self.blocked = None;
            return SendError::Failed(ClientError::of_code(code, Some(&message)));
        }
        let Some(waited) = self.block(now, Blocked::Metadata) else {
            self.client.metadata.add_topic(now, &topic);
            if !self.client.metadata.update_requested() {
                self.client.metadata.request_update(false);
            }
            return SendError::Blocked(Blocked::Metadata);
        };
        let message = match record.partition {
            Some(partition) if count > 0 => {
                format!("Partition {partition} of topic {topic} with partition count {count} is not present in metadata after {waited} ms.")
            }
            _ => format!("Topic {topic} not present in metadata after {waited} ms."),
        };
        let error = ClientError::timeout(message);
        SendError::Failed(match code.filter(|&code| errors::info(code).is_retriable()) {
            Some(code) => error.caused_by(ClientError::of_code(code, None)),
            None => error,
        })
    }

    fn wait_on_memory(&mut self, now: Time, needed: u64) -> SendError {
        let Some(waited) = self.block(now, Blocked::Memory) else { return SendError::Blocked(Blocked::Memory) };
        let message = format!(
            "Failed to allocate {needed} bytes within the configured max blocking time {waited} ms. Total memory: {} bytes. Available memory: {} \
             bytes. Poolable size: {} bytes",
            self.config.buffer_memory,
            self.accumulator.available_bytes(),
            self.config.batch_size,
        );
        let mut error = ClientError::of_code(REQUEST_TIMED_OUT, Some(&message));
        error.class = "BufferExhaustedException";
        SendError::Failed(error)
    }

    /// Counts the waiting; says `max.block.ms` when that is over.
    fn block(&mut self, now: Time, why: Blocked) -> Option<u64> {
        let since = self.blocked.map_or(now, |(since, _)| since);
        if now < since + self.config.max_block {
            self.blocked = Some((since, why));
            return None;
        }
        self.blocked = None;
        Some(self.config.max_block.as_ms())
    }
}

impl Completion {
    /// What became of the record at this place of the batch.
    pub fn error_of(&self, index: u32) -> Option<ClientError> {
        let error = self.error.as_ref()?;
        if self.record_errors.is_empty() {
            return Some(error.clone());
        }
        let said = self.record_errors.get(&index.saturating_sub(self.first_index));
        Some(match said {
            // Of a single culprit the partition's code is known to be meant; of several Kafka only says "invalid".
            Some(message) => {
                let code = if self.record_errors.len() == 1 { error.code } else { INVALID_RECORD };
                ClientError::of_code(code, Some(message.as_deref().unwrap_or(&error.message)))
            }
            None => ClientError::kafka("Failed to append record because it was part of a batch which had one more more invalid records"),
        })
    }
}
