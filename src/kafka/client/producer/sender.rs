//! `Sender`: from waiting batches to Produce requests.

use std::collections::BTreeMap;

use kafka_protocol::messages::ProduceRequest;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};

use super::batch::{BatchId, ProducerBatch};
use super::config::Acks;
use super::{Producer, Sent};
use crate::kafka::actor::Outbox;
use crate::kafka::client::cluster::Progress;
use crate::kafka::client::error::ClientError;
use crate::kafka::client::network::Outgoing;
use crate::kafka::event::Event;
use crate::kafka::names::BrokerId;
use crate::kafka::protocol::frame::Batches;
use crate::sim::time::Time;

pub(super) const LOGGER: &str = "org.apache.kafka.clients.producer.internals.Sender";

impl Producer {
    /// `Sender.runOnce`: takes in what is over, then sends whatever can be sent.
    pub(super) fn run(&mut self, now: Time, progress: Progress<Sent>, out: &mut Outbox) {
        self.polled = now;
        self.fatal = progress.fatal.or(self.fatal.take());
        for over in progress.completed {
            match over.token.clone() {
                Sent::Produce(batches) => self.handle_produce_response(now, &batches, over, out),
                Sent::InitProducerId => self.handle_init_producer_id(over, out),
            }
        }
        if self.client.metadata.version() != self.seen_metadata {
            self.seen_metadata = self.client.metadata.version();
            self.accumulator.update_cluster(self.client.cluster());
        }
        self.next_check = None;
        if self.config.enable_idempotence {
            self.resolve_sequences();
            self.rewrite_sequences(out);
            if self.identity.current.is_none() {
                // Without a producer id nothing is sent, and nothing expires either: Kafka's sender waits in the same place.
                return self.init_producer_id(now, out);
            }
        }
        self.send_producer_data(now, out);
        if self.accumulator.flushing && !self.closing && self.is_flushed() {
            self.accumulator.flushing = false;
        }
    }

    fn send_producer_data(&mut self, now: Time, out: &mut Outbox) {
        loop {
            let ready = self.accumulator.ready(now);
            if ready.unknown_leader && !self.client.metadata.update_requested() {
                self.client.metadata.request_update(false);
            }
            let mut sent = false;
            for &node in &ready.nodes {
                if self.client.ready(now, node, out) {
                    sent |= self.send_to(now, node, out);
                }
            }
            if !sent {
                self.next_check = ready.next_check;
                break;
            }
        }
        self.expire(now, out);
        let expiry = self.in_flight.values().map(|batch| batch.created + self.config.delivery_timeout).min();
        self.next_check = [self.next_check, expiry, self.accumulator.next_expiry()].into_iter().flatten().min();
    }

    /// One Produce request to a node, if there is anything for it.
    fn send_to(&mut self, now: Time, node: BrokerId, out: &mut Outbox) -> bool {
        let (current, unresolved) = (self.identity.current, &self.identity.unresolved);
        let idempotent = self.config.enable_idempotence;
        // `shouldStopDrainBatchesForPartition`
        let batches = self.accumulator.drain(now, node, |state, batch| {
            if !idempotent {
                return false;
            }
            let first = state.sequences.first_unacked();
            match batch.has_sequence() {
                true => first >= 0 && batch.base_sequence() != first,
                false => state.sequences.has_unacked() && state.sequences.producer != current || unresolved.contains(&batch.partition),
            }
        });
        if batches.is_empty() {
            return false;
        }
        let cause = out.cause();
        let batches: Vec<ProducerBatch> = batches.into_iter().map(|batch| self.seal(batch, out)).collect();
        let (outgoing, ids) = self.produce_request(batches, out);
        let sent = self.client.send(now, node, outgoing, Sent::Produce(ids.clone()), out);
        debug_assert!(sent.is_ok(), "the node was ready");
        out.because(cause);
        if self.config.acks == Acks::None {
            // Nobody will say anything of it: done as soon as it is on its way.
            for id in ids {
                if let Some(batch) = self.in_flight.remove(&id) {
                    self.accumulator.partition_mut(batch.partition).muted = false;
                    self.complete(now, batch, -1, out);
                }
            }
        }
        true
    }

    /// Numbers a drained batch, and writes its header.
    fn seal(&mut self, mut batch: ProducerBatch, out: &mut Outbox) -> ProducerBatch {
        let state = self.accumulator.partition_mut(batch.partition);
        state.muted = self.config.network.max_in_flight == 1;
        if batch.sealed().is_some() {
            return batch;
        }
        let number = self.identity.current.filter(|_| self.config.enable_idempotence).map(|current| {
            if state.sequences.producer != Some(current) && !state.sequences.has_unacked() {
                state.sequences.start_over(current);
            }
            (current, state.sequences.assign(batch.id, batch.record_count()))
        });
        let topic = state.topic;
        let uncompressed = batch.uncompressed_bytes();
        let size = batch.seal(number, out.chunk_id()).size_bytes();
        self.accumulator.learn_compression(topic, uncompressed, size);
        batch
    }

    /// The request with these batches, which are in flight from here on; its cause is the last of their events.
    fn produce_request(&mut self, batches: Vec<ProducerBatch>, out: &mut Outbox) -> (Outgoing, Vec<BatchId>) {
        let mut topics: Vec<TopicProduceData> = Vec::new();
        let mut by_topic: Vec<Vec<(BatchId, Batches)>> = Vec::new();
        let mut retry = false;
        let mut cause = out.cause();
        for batch in batches {
            let state = self.accumulator.partition(batch.partition);
            let topic_id = self.accumulator.topic_state(state.topic).id;
            let Some(sealed) = batch.sealed().cloned() else { continue };
            self.sent_bytes.record(self.polled.as_ms(), f64::from(sealed.size_bytes()));
            retry |= batch.attempts > 0;
            cause = Some(out.emit(Event::BatchSent {
                producer: self.name.clone(),
                partition: state.at.clone(),
                count: batch.record_count(),
                chunk: sealed.body.id(),
                attempt: batch.attempts + 1,
            }));
            let place = topics.iter().position(|topic| topic.topic_id == topic_id).unwrap_or_else(|| {
                topics.push(TopicProduceData::default().with_topic_id(topic_id));
                by_topic.push(Vec::new());
                topics.len() - 1
            });
            topics[place].partition_data.push(PartitionProduceData::default().with_index(state.at.partition));
            by_topic[place].push((batch.id, vec![sealed]));
            self.in_flight.insert(batch.id, batch);
        }
        out.because(cause);
        let (ids, batches) = by_topic.into_iter().flatten().unzip();
        let request = ProduceRequest::default()
            .with_acks(self.config.acks.code())
            .with_timeout_ms(self.config.network.request_timeout.as_ms() as i32)
            .with_topic_data(topics);
        let one_way = self.config.acks == Acks::None;
        (Outgoing { batches, one_way, retry, ..Outgoing::new(request) }, ids)
    }

    /// Gives up what is older than `delivery.timeout.ms`.
    fn expire(&mut self, now: Time, out: &mut Outbox) {
        let old = |batch: &ProducerBatch| batch.created + self.config.delivery_timeout <= now;
        let ids: Vec<BatchId> = self.in_flight.values().filter(|batch| old(batch)).map(|batch| batch.id).collect();
        let mut expired = self.accumulator.expired(now);
        expired.extend(ids.into_iter().filter_map(|id| self.in_flight.remove(&id)));
        for batch in expired {
            let at = &self.accumulator.partition(batch.partition).at;
            let elapsed = now.since(batch.created).as_ms();
            let message = format!(
                "Expiring {} record(s) for {at}:{elapsed} ms has passed since batch creation. The request has not been sent, or no server \
                 response has been received yet.",
                batch.record_count()
            );
            // It was sent: whether it arrived is not known, so neither is the next number.
            if batch.has_sequence() {
                self.identity.unresolved.insert(batch.partition);
            }
            self.fail(batch, ClientError::timeout(message), BTreeMap::new(), false, out);
        }
    }
}
