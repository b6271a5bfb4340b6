//! From a Produce answer to completion: done, sent once more, sent in parts, or given up.

use std::collections::BTreeMap;

use kafka_protocol::messages::ProduceResponse;
use kafka_protocol::messages::produce_response::{BatchIndexAndErrorMessage, NodeEndpoint, PartitionProduceResponse};
use uuid::Uuid;

use super::batch::{BatchId, ProducerBatch};
use super::sender::LOGGER;
use super::{Completion, Producer, Sent};
use crate::kafka::actor::{HostPort, Outbox};
use crate::kafka::client::error::*;
use crate::kafka::client::network::{Answer, Completed, Failed};
use crate::kafka::event::Event;
use crate::kafka::names::BrokerId;
use crate::kafka::protocol::api::Response;
use crate::kafka::protocol::errors;
use crate::kafka::records::batch::{Batch, increment_sequence};
use crate::kafka::records::builder::{BatchBuilder, batch_size_upper_bound};
use crate::kafka::records::compression::CompressionType;
use crate::kafka::records::record::Header;
use crate::sim::process::Absent;
use crate::sim::time::Time;

/// What a broker, or the lack of its answer, says of one batch.
#[derive(Debug, Default)]
struct Verdict {
    code: i16,
    message: Option<String>,
    base_offset: i64,
    record_errors: BTreeMap<u32, Option<String>>,
    correlation_id: i32,
    /// The leader, if the answer did not come because of silence or a broken connection.
    silent: Option<BrokerId>,
}

impl Producer {
    pub(super) fn handle_produce_response(&mut self, now: Time, ids: &[BatchId], over: Completed<Sent>, out: &mut Outbox) {
        let correlation_id = over.correlation_id;
        let response = match over.result {
            Ok(Answer { response: Response::Produce(response), .. }) => response,
            result => {
                let timed_out = matches!(result, Err(Failed::TimedOut));
                for id in ids {
                    let (code, why) = if timed_out { (REQUEST_TIMED_OUT, " due to timeout") } else { (NETWORK_EXCEPTION, "") };
                    let message = Some(format!("Disconnected from node {}{why}", over.node));
                    let verdict = Verdict { code, message, base_offset: -1, correlation_id, silent: Some(over.node), ..Verdict::default() };
                    self.complete_batch(now, *id, verdict, out);
                }
                return;
            }
        };
        let throttled_ms = response.throttle_time_ms.max(0) as u64;
        self.stats.answers += 1;
        self.stats.throttled_ms += throttled_ms;
        self.stats.most_throttled_ms = self.stats.most_throttled_ms.max(throttled_ms);
        self.note_leaders(&response);
        for id in ids {
            let Some(batch) = self.in_flight.get(id) else { continue };
            let state = self.accumulator.partition(batch.partition);
            let topic_id = self.accumulator.topic_state(state.topic).id;
            let answer = find_answer(&response, topic_id, state.at.partition);
            let verdict = answer.map_or_else(|| Verdict { code: UNKNOWN_SERVER_ERROR, ..Verdict::default() }, verdict_of);
            self.complete_batch(now, *id, Verdict { correlation_id, ..verdict }, out);
        }
    }

    /// Brokers that no longer lead say who does (KIP-951).
    fn note_leaders(&mut self, response: &ProduceResponse) {
        let mut news = false;
        for topic in &response.responses {
            for partition in topic.partition_responses.iter().filter(|partition| partition.current_leader.leader_id.0 >= 0) {
                let Some(index) = self.accumulator.find(topic.topic_id, partition.index) else { continue };
                let leader = &partition.current_leader;
                let endpoint = response.node_endpoints.iter().find(|endpoint| endpoint.node_id == leader.leader_id).map(address_of);
                let at = self.accumulator.partition(index).at.clone();
                if self.client.metadata.update_leader(&at, leader, endpoint.clone()) {
                    news = true;
                    if let Some(address) = endpoint {
                        self.client.network.set_node(BrokerId(leader.leader_id.0), address);
                    }
                }
            }
        }
        if news {
            self.accumulator.update_cluster(self.client.cluster());
        }
    }

    /// `completeBatch`: done, once more, in parts, or given up.
    fn complete_batch(&mut self, now: Time, id: BatchId, verdict: Verdict, out: &mut Outbox) {
        // A batch that was given up while on its way is no longer here.
        let Some(batch) = self.in_flight.remove(&id) else { return };
        let partition = batch.partition;
        let info = errors::info(verdict.code);
        match verdict.code {
            errors::NONE => self.complete(now, batch, verdict.base_offset, out),
            MESSAGE_TOO_LARGE if batch.record_count() > 1 => self.split(now, batch, &verdict, out),
            _ if self.can_retry(now, &batch, &verdict) => self.retry(now, batch, &verdict, out),
            DUPLICATE_SEQUENCE_NUMBER => self.complete(now, batch, -1, out),
            code => {
                let error = match code {
                    CLUSTER_AUTHORIZATION_FAILED => {
                        ClientError::of_code(code, Some("The producer is not authorized to do idempotent sends"))
                    }
                    TOPIC_AUTHORIZATION_FAILED => {
                        let topic = &self.accumulator.partition(partition).at.topic;
                        ClientError::of_code(code, Some(&format!("Not authorized to access topics: [{topic}]")))
                    }
                    code => ClientError::of_code(code, verdict.message.as_deref()),
                };
                let adjust = batch.attempts < self.config.retries;
                self.fail_at(batch, error, verdict.record_errors, adjust, verdict.silent, out);
            }
        }
        if info.refreshes_metadata() {
            let at = &self.accumulator.partition(partition).at;
            let message = match verdict.code {
                UNKNOWN_TOPIC_OR_PARTITION => format!(
                    "Received unknown topic or partition error in produce request on partition {at}. The topic-partition may not exist or the \
                     user may not have Describe access to it"
                ),
                code => format!(
                    "Received invalid metadata error in produce request on partition {at} due to {} Going to request metadata update now",
                    ClientError::of_code(code, verdict.message.as_deref())
                ),
            };
            self.client.network.log.warn(now, LOGGER, &message);
            self.client.metadata.request_update(false);
        }
        self.accumulator.partition_mut(partition).muted = false;
    }

    /// `canRetry`, with the rules of an idempotent producer.
    fn can_retry(&mut self, now: Time, batch: &ProducerBatch, verdict: &Verdict) -> bool {
        if now >= batch.created + self.config.delivery_timeout || batch.attempts >= self.config.retries {
            return false;
        }
        if self.config.enable_idempotence && verdict.code == OUT_OF_ORDER_SEQUENCE_NUMBER {
            let sequences = &self.accumulator.partition(batch.partition).sequences;
            let resolved = !self.identity.unresolved.contains(&batch.partition);
            // Out of order because one before it failed: it comes again behind that one. Else the numbering itself is broken.
            if !(resolved && (batch.sequence_was_reset || !sequences.is_next(batch.base_sequence()))) {
                self.identity.request_bump(batch.partition);
            }
            return true;
        }
        errors::info(verdict.code).is_retriable()
    }

    fn retry(&mut self, now: Time, mut batch: ProducerBatch, verdict: &Verdict, out: &mut Outbox) {
        let left = self.config.retries - batch.attempts - 1;
        let at = &self.accumulator.partition(batch.partition).at;
        let message = format!(
            "Got error produce response with correlation id {} on topic-partition {at}, retrying ({left} attempts left). Error: {}",
            verdict.correlation_id,
            verdict.describe()
        );
        self.client.network.log.warn(now, LOGGER, &message);
        batch.retry_at = now + self.config.retry.after(batch.attempts, out.rng());
        batch.attempts += 1;
        self.stats.retries += 1;
        self.accumulator.put_back(batch);
    }

    pub(super) fn complete(&mut self, now: Time, batch: ProducerBatch, base_offset: i64, out: &mut Outbox) {
        let state = self.accumulator.partition_mut(batch.partition);
        if batch.has_sequence() && batch.producer == state.sequences.producer {
            state.sequences.acked(batch.id, batch.last_sequence());
        } else {
            state.sequences.untrack(batch.id);
        }
        let partition = state.at.clone();
        self.accumulator.release(&batch);
        let count = batch.record_count();
        self.stats.acked += u64::from(count);
        if let Some(sealed) = batch.sealed() {
            out.emit(Event::BatchAcked {
                producer: self.name.clone(),
                partition: partition.clone(),
                base_offset,
                count,
                chunk: sealed.body.id(),
                latency_us: now.since(batch.created).0,
            });
        }
        let first_index = batch.first_index;
        let record_errors = BTreeMap::new();
        self.completions.push(Completion { batch: batch.origin, partition, base_offset, count, first_index, error: None, record_errors });
    }

    pub(super) fn fail(
        &mut self,
        batch: ProducerBatch,
        error: ClientError,
        record_errors: BTreeMap<u32, Option<String>>,
        adjust: bool,
        out: &mut Outbox,
    ) {
        self.fail_at(batch, error, record_errors, adjust, None, out);
    }

    /// `failBatch`: gives a batch up. `adjust`: later batches' numbers would leave a gap, so numbering starts over in a new epoch.
    fn fail_at(
        &mut self,
        mut batch: ProducerBatch,
        error: ClientError,
        record_errors: BTreeMap<u32, Option<String>>,
        adjust: bool,
        silent: Option<BrokerId>,
        out: &mut Outbox,
    ) {
        let state = self.accumulator.partition_mut(batch.partition);
        state.sequences.untrack(batch.id);
        let partition = state.at.clone();
        let leader = silent.or(state.leader);
        if self.config.enable_idempotence && (adjust || error.code == OUT_OF_ORDER_SEQUENCE_NUMBER) {
            self.identity.request_bump(batch.partition);
        }
        self.accumulator.release(&batch);
        let count = batch.record_count();
        self.stats.failed += u64::from(count);
        let host = leader.and_then(|leader| self.client.network.address(leader)).map(|address| address.host.clone());
        let absent = host.filter(|_| error.code == REQUEST_TIMED_OUT || silent.is_some()).map(Absent::Host);
        // A batch that was never sent has no chunk yet, and gets one for the event.
        let chunk = batch.seal(None, out.chunk_id()).body.id();
        let failed = Event::BatchFailed { producer: self.name.clone(), partition: partition.clone(), count, chunk, error: error.code };
        out.emit_without(failed, absent.into_iter().collect());
        let first_index = batch.first_index;
        let (batch, error) = (batch.origin, Some(error));
        self.completions.push(Completion { batch, partition, base_offset: -1, count, first_index, error, record_errors });
    }

    /// The broker's limit is below what the batch has: its records go again in smaller batches (`splitAndReenqueue`).
    fn split(&mut self, now: Time, batch: ProducerBatch, verdict: &Verdict, out: &mut Outbox) {
        let state = self.accumulator.partition(batch.partition);
        let (at, topic) = (state.at.clone(), state.topic);
        let left = self.config.retries - batch.attempts.min(self.config.retries);
        let message = format!(
            "Got error produce response in correlation id {} on topic-partition {at}, splitting and retrying ({left} attempts left). Error: {}",
            verdict.correlation_id,
            verdict.describe()
        );
        self.client.network.log.warn(now, LOGGER, &message);
        let Some(whole) = batch.sealed().cloned() else { return };
        // A part that is still too large is halved, down to single records (KAFKA-8350).
        let target = if batch.is_split { whole.size_bytes() / 2 } else { self.config.batch_size };
        let Some(parts) = split_records(&whole, target, self.config.compression) else {
            return self.fail(batch, ClientError::of_code(MESSAGE_TOO_LARGE, None), BTreeMap::new(), true, out);
        };
        self.accumulator.distrust_compression(topic);
        self.accumulator.partition_mut(batch.partition).sequences.untrack(batch.id);
        self.accumulator.release(&batch);
        let mut first_index = batch.first_index;
        let mut sequence = batch.base_sequence();
        let mut split = Vec::with_capacity(parts.len());
        for builder in parts {
            let count = builder.record_count();
            let mut part = ProducerBatch::part_of(&batch, self.accumulator.next_batch_id(), builder, first_index);
            part.seal(batch.producer.map(|producer| (producer, sequence)), out.chunk_id());
            if batch.has_sequence() {
                self.accumulator.partition_mut(batch.partition).sequences.track(sequence, part.id);
                sequence = increment_sequence(sequence, count as i32);
            }
            first_index += count;
            split.push(part);
        }
        // Without numbers each goes in front, so the last has to be first.
        split.into_iter().rev().for_each(|part| self.accumulator.put_back(part));
    }
}

impl Verdict {
    /// `formatErrMsg`.
    fn describe(&self) -> String {
        let name = errors::info(self.code).name;
        match self.message.as_deref().filter(|message| !message.is_empty()) {
            Some(message) => format!("{name}. Error Message: {message}"),
            None => name.to_owned(),
        }
    }
}

fn find_answer(response: &ProduceResponse, topic_id: Uuid, partition: i32) -> Option<&PartitionProduceResponse> {
    let topic = response.responses.iter().find(|topic| topic.topic_id == topic_id)?;
    topic.partition_responses.iter().find(|answer| answer.index == partition)
}

fn verdict_of(answer: &PartitionProduceResponse) -> Verdict {
    let of_record = |error: &BatchIndexAndErrorMessage| {
        (error.batch_index.max(0) as u32, error.batch_index_error_message.as_ref().map(|message| message.to_string()))
    };
    Verdict {
        code: answer.error_code,
        message: answer.error_message.as_ref().map(|message| message.to_string()),
        base_offset: answer.base_offset,
        record_errors: answer.record_errors.iter().map(of_record).collect(),
        ..Verdict::default()
    }
}

fn address_of(endpoint: &NodeEndpoint) -> HostPort {
    HostPort { host: endpoint.host.to_string(), port: endpoint.port as u16 }
}

/// A batch's records in batches of at most `target` bytes (or of one record). `None` if they cannot be read, which is our own fault.
fn split_records(whole: &Batch, target: u32, compression: CompressionType) -> Option<Vec<BatchBuilder>> {
    let mut parts: Vec<BatchBuilder> = Vec::new();
    let records = whole.records().ok()?;
    for record in &records {
        let record = record.ok()?;
        let headers: Vec<Header> = record.headers.iter().collect();
        let fits = |part: &BatchBuilder| part.has_room_for(record.timestamp, record.key, record.value, &headers);
        if !parts.last().is_some_and(fits) {
            let limit = target.max(batch_size_upper_bound(record.key, record.value, &headers));
            parts.push(BatchBuilder::new(compression, limit));
        }
        parts.last_mut()?.append(record.timestamp, record.key, record.value, &headers);
    }
    Some(parts)
}
