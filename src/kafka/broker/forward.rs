//! The channel to the controller: the broker's own calls, requests passed on for clients, and producer ids.
//!
//! Kafka wraps what it forwards into Envelope requests; here the request itself is passed on, and what the Envelope would say stands beside it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{AllocateProducerIdsRequest, AllocateProducerIdsResponse, InitProducerIdRequest, InitProducerIdResponse};

use super::process::Broker;
use super::replicas::Asker;
use crate::kafka::actor::{HostPort, Outbox};
use crate::kafka::client::network::{Completed, Outgoing};
use crate::kafka::controller::quorum_controller::LOCAL;
use crate::kafka::names::{CONTROLLER_PORT, host_of};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::frame::{Envelope, Frame};
use crate::kafka::security::address_of;
use crate::sim::time::{Duration, Time};

/// Why the controller was called.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    Register,
    Heartbeat,
    AlterPartition,
    ProducerIds,
    /// A client's request.
    Forwarded(Asker),
    /// A topic that a client only named.
    CreateTopic,
    /// In which directories replicas are.
    AssignDirectories,
    /// One of the two above, since when it is on its way, and the request: it is passed on again if the controller goes.
    Passed(Box<(Time, Request, Call)>),
}

/// Requests that wait for a controller to talk to, at most [`MAX_WAITING`].
#[derive(Clone, Debug, Default)]
pub struct Forwarding {
    waiting: VecDeque<(Time, Request, Call)>,
    /// Producer ids still to be given out: next, and the end of the block.
    ids: (i64, i64),
    /// The next block, asked for before it is needed.
    next_ids: Option<(i64, i64)>,
    ids_in_flight: bool,
    wants_ids: bool,
    /// After a refusal: not before this time.
    ids_retry_at: Time,
    /// Of alterations that were passed on in part: what was refused here already.
    pub(super) refused: BTreeMap<Asker, Vec<AlterConfigsResourceResponse>>,
    /// Calls of the controller in this process that are not answered yet, by number.
    local: Vec<(i32, Call)>,
    next_local: i32,
}

impl Forwarding {
    pub(super) fn take_local(&mut self, correlation_id: i32) -> Option<Call> {
        let position = self.local.iter().position(|(id, _)| *id == correlation_id)?;
        Some(self.local.remove(position).1)
    }
}

/// More than so many requests do not wait: the client's request times out.
const MAX_WAITING: usize = 1_000;
/// `ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`
const PRODUCER_ID_BLOCK_SIZE: i64 = 1_000;
/// `RPCProducerIdManager.RETRY_BACKOFF_MS`
const PRODUCER_IDS_RETRY: Duration = Duration::ms(50);
/// So long a request waits for a controller, even if the client has given up (`BrokerServer`: the channel of the forwarding manager).
const RETRY_TIMEOUT: Duration = Duration::secs(60);

impl Broker {
    /// Whether the controller can be called now; opens the connection if not.
    pub(super) fn controller_ready(&mut self, now: Time, out: &mut Outbox) -> bool {
        match self.quorum.raft.leader() {
            None => false,
            Some(leader) if leader == self.spec.id => self.controller().is_some_and(|controller| controller.is_active()),
            Some(leader) => {
                self.controller_net.set_node(leader, HostPort { host: host_of(leader), port: CONTROLLER_PORT });
                self.controller_net.ready(now, leader, out)
            }
        }
    }

    /// Calls the controller; false if it cannot be called now.
    pub(super) fn call_controller(&mut self, now: Time, request: impl Into<Request>, call: Call, out: &mut Outbox) -> bool {
        self.call_with(now, Outgoing::new(request), call, out)
    }

    fn call_with(&mut self, now: Time, mut outgoing: Outgoing, call: Call, out: &mut Outbox) -> bool {
        let Some(leader) = self.quorum.raft.leader() else { return false };
        if leader == self.spec.id {
            return self.call_own_controller(now, outgoing, call, out);
        }
        // The heartbeat's channel has a shorter timeout than the others (`BrokerServer`): half a session.
        let half_a_session = Duration::ms(self.settings.session_timeout_ms / 2);
        outgoing.timeout = matches!(call, Call::Heartbeat | Call::Register).then_some(half_a_session);
        self.controller_net.send_with(now, leader, outgoing, call, out).is_ok()
    }

    /// The controller is in this process: nothing needs to be sent. (Kafka's broker connects to it all the same.)
    fn call_own_controller(&mut self, now: Time, outgoing: Outgoing, call: Call, out: &mut Outbox) -> bool {
        let Some(controller) = self.quorum.controller.as_mut().filter(|controller| controller.is_active()) else { return false };
        let correlation_id = self.forwarding.next_local;
        self.forwarding.next_local = correlation_id.wrapping_add(1);
        self.forwarding.local.push((correlation_id, call));
        let mut frame = Frame::request(correlation_id, "", outgoing.request);
        frame.envelope = outgoing.envelope;
        controller.frame(&mut self.quorum.raft, now, LOCAL, frame, out);
        true
    }

    /// Passes a request on, now or as soon as there is a controller.
    pub(super) fn forward(&mut self, now: Time, request: Request, call: Call, out: &mut Outbox) {
        if self.forwarding.waiting.len() < MAX_WAITING {
            self.forwarding.waiting.push_back((now, request, call));
        }
        self.send_forwards(now, out);
    }

    #[inline(never)]
    pub(super) fn send_forwards(&mut self, now: Time, out: &mut Outbox) {
        self.forwarding.waiting.retain(|(since, _, _)| now.since(*since) < RETRY_TIMEOUT);
        self.forwarding.refused.retain(|asker, _| self.conns.contains_key(&asker.conn));
        while !self.forwarding.waiting.is_empty() && self.controller_ready(now, out) {
            let Some(next) = self.forwarding.waiting.pop_front() else { break };
            let outgoing = Outgoing { envelope: self.envelope(&next.2), ..Outgoing::new(next.1.clone()) };
            if !self.call_with(now, outgoing, Call::Passed(Box::new(next.clone())), out) {
                self.forwarding.waiting.push_front(next);
                break;
            }
        }
    }

    /// Whose request is passed on.
    fn envelope(&self, call: &Call) -> Option<Arc<Envelope>> {
        let Call::Forwarded(asker) = call else { return None };
        let client = self.conns.get(&asker.conn)?;
        let (principal, client_id) = (client.principal().into(), client.client_id().into());
        Some(Arc::new(Envelope { principal, client_id, address: address_of(&client.host).into() }))
    }

    pub(super) fn controller_answered(&mut self, now: Time, completed: Completed<Call>, out: &mut Outbox) {
        let response = completed.result.ok().map(|answer| answer.response);
        let token = match (completed.token, &response) {
            (Call::Passed(passed), Some(_)) => passed.2,
            // The controller is gone: the next one is asked. (It may be asked twice, as in Kafka.)
            (Call::Passed(passed), None) => {
                self.forwarding.waiting.push_front(*passed);
                return;
            }
            (token, _) => token,
        };
        match (token, response) {
            (Call::Register, Some(Response::BrokerRegistration(response))) => self.registered(now, Some(response), out),
            (Call::Register, _) => self.registered(now, None, out),
            (Call::Heartbeat, Some(Response::BrokerHeartbeat(response))) => self.heartbeat_answered(now, Some(response), out),
            (Call::Heartbeat, _) => self.heartbeat_answered(now, None, out),
            (Call::AlterPartition, Some(Response::AlterPartition(response))) => self.altered_partitions(now, Some(response), out),
            (Call::AlterPartition, _) => self.altered_partitions(now, None, out),
            (Call::ProducerIds, Some(Response::AllocateProducerIds(response))) => self.producer_ids_allocated(now, Some(response)),
            (Call::ProducerIds, _) => self.producer_ids_allocated(now, None),
            (Call::AssignDirectories, Some(Response::AssignReplicasToDirs(response))) => self.assigned(now, Some(response)),
            (Call::AssignDirectories, _) => self.assigned(now, None),
            (Call::Forwarded(asker), Some(Response::IncrementalAlterConfigs(mut response))) => {
                response.responses.extend(self.forwarding.refused.remove(&asker).unwrap_or_default());
                self.respond(now, asker, response, Vec::new(), out);
            }
            (Call::Forwarded(asker), Some(response)) => self.respond(now, asker, response, Vec::new(), out),
            (Call::Forwarded(_), None) | (Call::CreateTopic | Call::Passed(_), _) => {}
        }
    }

    /// InitProducerId without a transactional id: the next id of this broker's block.
    #[inline(never)]
    pub(super) fn init_producer_id(&mut self, now: Time, asker: Asker, request: &InitProducerIdRequest, out: &mut Outbox) {
        if request.transactional_id.is_some() {
            let response = InitProducerIdResponse::default()
                .with_error_code(ResponseError::CoordinatorNotAvailable.code())
                .with_producer_id((-1).into())
                .with_producer_epoch(-1);
            return self.respond(now, asker, response, Vec::new(), out);
        }
        let response = match self.generate_producer_id(now, out) {
            Some(id) => InitProducerIdResponse::default().with_producer_id(id.into()).with_producer_epoch(0),
            None => InitProducerIdResponse::default()
                .with_error_code(ResponseError::CoordinatorLoadInProgress.code())
                .with_producer_id((-1).into())
                .with_producer_epoch(-1),
        };
        self.respond(now, asker, response, Vec::new(), out);
    }

    /// `RPCProducerIdManager.generateProducerId`: nobody waits for a block; where none is left, the client asks again.
    fn generate_producer_id(&mut self, now: Time, out: &mut Outbox) -> Option<i64> {
        let ids = &mut self.forwarding;
        if ids.ids.0 == ids.ids.1 {
            match ids.next_ids.take() {
                Some(block) => ids.ids = block,
                None => {
                    ids.wants_ids = true;
                    self.ask_for_producer_ids(now, out);
                    return None;
                }
            }
        }
        let (next, end) = ids.ids;
        ids.ids.0 += 1;
        // PID_PREFETCH_THRESHOLD: the next block is on its way when a tenth of this one is left.
        if end - next == PRODUCER_ID_BLOCK_SIZE / 10 && ids.next_ids.is_none() {
            ids.wants_ids = true;
            self.ask_for_producer_ids(now, out);
        }
        Some(next)
    }

    /// maybeRequestNextBlock
    #[inline(never)]
    pub(super) fn ask_for_producer_ids(&mut self, now: Time, out: &mut Outbox) {
        let ids = &self.forwarding;
        if !ids.wants_ids || ids.ids_in_flight || ids.ids_retry_at > now {
            return;
        }
        let Some(broker_epoch) = self.lifecycle.broker_epoch() else { return };
        if self.controller_ready(now, out) {
            let request = AllocateProducerIdsRequest::default().with_broker_id(self.spec.id.0.into()).with_broker_epoch(broker_epoch);
            self.forwarding.ids_in_flight = self.call_controller(now, request, Call::ProducerIds, out);
        }
    }

    fn producer_ids_allocated(&mut self, now: Time, response: Option<AllocateProducerIdsResponse>) {
        let ids = &mut self.forwarding;
        ids.ids_in_flight = false;
        match response.filter(|response| response.error_code == 0) {
            Some(response) => {
                let start = response.producer_id_start.0;
                ids.next_ids = Some((start, start + i64::from(response.producer_id_len)));
                ids.wants_ids = false;
            }
            None => ids.ids_retry_at = now + PRODUCER_IDS_RETRY,
        }
    }
}
