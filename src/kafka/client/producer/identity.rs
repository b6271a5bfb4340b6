//! Getting a producer id, and numbering anew where numbers were lost (`Sender` and `TransactionManager`, without transactions).

use std::collections::BTreeMap;

use kafka_protocol::messages::{InitProducerIdRequest, ProducerId};

use super::batch::{PartitionIndex, ProducerIdAndEpoch};
use super::{Producer, Sent};
use crate::kafka::actor::Outbox;
use crate::kafka::client::error::*;
use crate::kafka::client::network::{Answer, Completed, Outgoing};
use crate::kafka::protocol::api::{Api, Response};
use crate::kafka::protocol::errors;
use crate::sim::time::Time;

impl Producer {
    /// `maybeResolveSequences`: once nothing of a partition is on its way, what was acknowledged last tells whether a number was lost.
    pub(super) fn resolve_sequences(&mut self) {
        for index in self.identity.unresolved.clone() {
            let sequences = &self.accumulator.partition(index).sequences;
            if sequences.has_unacked() {
                continue;
            }
            if !sequences.is_next(sequences.next()) {
                self.identity.request_bump(index);
            }
            self.identity.unresolved.remove(&index);
        }
    }

    /// `bumpIdempotentProducerEpoch`, and new numbers for the partitions that need them.
    pub(super) fn rewrite_sequences(&mut self, out: &mut Outbox) {
        if self.identity.rewrite.is_empty() || self.identity.current.is_none() {
            return;
        }
        self.identity.bump();
        // With the last epoch used up, numbering starts over under the new id.
        let Some(current) = self.identity.current else { return };
        for index in std::mem::take(&mut self.identity.rewrite) {
            self.renumber(index, current, out);
            self.identity.unresolved.remove(&index);
        }
    }

    fn renumber(&mut self, index: PartitionIndex, current: ProducerIdAndEpoch, out: &mut Outbox) {
        let state = self.accumulator.partition_mut(index);
        for id in state.sequences.start_over(current) {
            let waiting = state.queue.iter_mut().find(|batch| batch.id == id);
            let Some(batch) = waiting.or_else(|| self.in_flight.get_mut(&id)) else { continue };
            let base = state.sequences.assign(id, batch.record_count());
            batch.renumber(current, base, out.chunk_id());
        }
    }

    pub(super) fn init_producer_id(&mut self, now: Time, out: &mut Outbox) {
        if self.identity.in_flight {
            return;
        }
        if let Some(until) = self.client.asleep_until.filter(|&until| until > now) {
            self.next_check = Some(until);
            return;
        }
        let Some(node) = self.client.any_ready(now, out) else { return };
        if !self.client.network.offers(node, Api::InitProducerId) {
            // `TransactionManager.fatalError`: it never gets one.
            for batch in self.accumulator.take_all() {
                self.fail(batch, ClientError::not_offered(Api::InitProducerId), BTreeMap::new(), false, out);
            }
            return;
        }
        if std::mem::take(&mut self.identity.failed) {
            // The sender's one thread sleeps with a node at hand, and asks for no metadata meanwhile.
            self.client.asleep_until = Some(now + self.config.retry.initial);
            self.next_check = self.client.asleep_until;
            return;
        }
        let request = InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_transaction_timeout_ms(i32::MAX)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let sent = self.client.send(now, node, Outgoing::new(request), Sent::InitProducerId, out);
        self.identity.in_flight = sent.is_ok();
    }

    pub(super) fn handle_init_producer_id(&mut self, over: Completed<Sent>, out: &mut Outbox) {
        self.identity.in_flight = false;
        let code = match over.result {
            Ok(Answer { response: Response::InitProducerId(response), .. }) if response.error_code == errors::NONE => {
                let current = ProducerIdAndEpoch { id: response.producer_id.0, epoch: response.producer_epoch };
                self.identity.current = Some(current);
                for index in std::mem::take(&mut self.identity.rewrite) {
                    self.renumber(index, current, out);
                }
                return;
            }
            Ok(Answer { response: Response::InitProducerId(response), .. }) => response.error_code,
            Ok(_) => UNKNOWN_SERVER_ERROR,
            Err(_) => NETWORK_EXCEPTION,
        };
        if !errors::info(code).is_retriable() {
            let message = match code {
                CLUSTER_AUTHORIZATION_FAILED => Some("The producer is not authorized to do idempotent sends"),
                _ => None,
            };
            for batch in self.accumulator.take_all() {
                self.fail(batch, ClientError::of_code(code, message), BTreeMap::new(), false, out);
            }
        }
        self.identity.failed = true;
    }
}
