//! The connections of clients and other brokers, and which rule answers which request (`KafkaApis`).
//!
//! As in Kafka a connection's requests are answered one after the other, in order, by a pool of request handlers that
//! all connections share: a request costs a handler some time, so requests can queue.

use kafka_protocol::messages::{
    CreateDelegationTokenResponse, DescribeDelegationTokenResponse, SaslAuthenticateResponse, SaslHandshakeResponse,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::VecDeque;

use super::authentication::Exchange;
use super::forward::Call;
use super::process::Broker;
use super::produce_request::{refusal, refused_as_a_whole};
use super::replicas::Asker;
use super::throttling::{Charge, charged_bytes};
use crate::kafka::actor::Outbox;
use crate::kafka::names::Name;
use crate::kafka::protocol::api::{Api, Request, Response};
use crate::kafka::protocol::api_versions::ApiKey;
use crate::kafka::protocol::frame::{Batches, Body, Frame};
use crate::kafka::security::ANONYMOUS;
use crate::kafka::security::acl_requests::describe_acls;
use crate::kafka::security::scram::Mechanism;
use crate::kafka::security::scram_exchange::ScramServer;
use crate::sim::process::{CloseReason, ConnId};
use crate::sim::time::{Duration, Time};

/// A connection that somebody opened to this broker.
#[derive(Clone, Debug, Default)]
pub struct ClientConn {
    /// The name of the host it comes from.
    pub host: String,
    /// The port that it came in at.
    pub port: u16,
    /// Who is at the other end is still to be shown.
    pub(super) exchange: Option<Exchange>,
    /// How, if it is not with a password in the clear; and what was said so far.
    pub(super) mechanism: Option<Mechanism>,
    pub(super) scram: Option<Box<ScramServer>>,
    /// What was refused of the request that is being answered.
    pub(super) refused: Option<Box<Response>>,
    /// Who is at the other end, once that was shown; else nobody in particular.
    pub principal: Option<Name>,
    pub(super) charge: Charge,
    /// It is throttled until then.
    pub(super) muted_until: Option<Time>,
    /// A request of it is being answered; the next wait (Kafka mutes the channel).
    busy: bool,
    /// That request is with a handler, or waits for one.
    with_handler: bool,
    queue: VecDeque<Frame>,
    /// Its peer is gone. What it had sent is done all the same, for nobody to hear of (`Selector.closingChannels`).
    closed: bool,
    /// Its address has too many: closed as soon as it says something, so that to its peer it was open for a moment, as it is with Kafka.
    is_unwanted: bool,
}

/// DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
const TOKENS_NOT_ALLOWED: i16 = 64;
const ILLEGAL_SASL_STATE: i16 = 34;

impl ClientConn {
    pub fn principal(&self) -> &str {
        self.principal.as_deref().unwrap_or(ANONYMOUS)
    }
}

/// Whether the controller answers it, through this broker. (Requests for tokens are refused before.)
fn is_passed_on(request: &Request) -> bool {
    let api = request.api();
    api != Api::CreateDelegationToken && ApiKey::of(api).is_some_and(|api| api.is_forwardable && api.is_on_brokers())
}

impl ClientConn {
    /// Whether it counts among the connections of its address.
    pub(super) fn counts(&self) -> bool {
        !self.closed && !self.is_unwanted
    }
}

impl Broker {
    pub(super) fn accepted(&mut self, conn: ConnId, port: u16, host: String) {
        let is_unwanted = self.has_too_many_connections(&host);
        let exchange = self.sasl.contains_key(&port).then_some(Exchange::Handshake);
        self.conns.insert(conn, ClientConn { host, port, exchange, is_unwanted, ..ClientConn::default() });
    }

    /// The peer is gone. After an orderly end all that it had sent is still done (a producer with acks=0 may close at once); after a reset
    /// only what a handler has.
    #[inline(never)]
    pub(super) fn client_closed(&mut self, now: Time, conn: ConnId, reason: CloseReason, out: &mut Outbox) {
        let Some(client) = self.conns.get_mut(&conn) else { return };
        client.closed = true;
        if reason != CloseReason::Closed {
            client.queue.clear();
        }
        self.settle(now, conn, out);
    }

    /// Goes on with the requests of a connection that is closed, none of which can wait for anything: nobody would hear the answer.
    fn settle(&mut self, now: Time, conn: ConnId, out: &mut Outbox) {
        while let Some(client) = self.conns.get_mut(&conn).filter(|client| client.closed && !client.with_handler) {
            let next = client.queue.pop_front();
            self.replicas.forget_conn(conn);
            match next {
                Some(frame) => self.hand_to_handler(now, conn, frame, out),
                None => drop(self.conns.remove(&conn)),
            }
        }
    }

    /// Closes a client's connection, as Kafka does with what it cannot or will not answer.
    pub(super) fn close_client(&mut self, conn: ConnId, out: &mut Outbox) {
        if self.conns.remove(&conn).is_some_and(|client| !client.closed) {
            out.close(conn);
        }
        self.replicas.forget_conn(conn);
    }

    /// The broker has stopped: whoever was connected is told.
    pub(super) fn close_clients(&mut self, out: &mut Outbox) {
        let conns: Vec<ConnId> = self.conns.keys().copied().collect();
        conns.into_iter().for_each(|conn| self.close_client(conn, out));
        self.controller_net.close(out);
        self.replica_net.close(out);
    }

    pub(super) fn received(&mut self, now: Time, conn: ConnId, frame: Frame, out: &mut Outbox) {
        // `NetworkReceive.readFrom`: what is larger is not even read.
        let size_bytes = crate::sim::process::Frame::size_bytes(&frame).saturating_sub(4);
        if size_bytes > self.settings.socket_request_max_bytes || self.conns.get(&conn).is_some_and(|client| client.is_unwanted) {
            return self.close_client(conn, out);
        }
        let Some(client) = self.conns.get_mut(&conn) else { return };
        if client.busy {
            return client.queue.push_back(frame);
        }
        client.busy = true;
        self.hand_to_handler(now, conn, frame, out);
    }

    /// Requests whose handlers are done with them by now.
    pub(super) fn handle_finished(&mut self, now: Time, out: &mut Outbox) {
        while let Some((conn, frame, cause)) = self.handlers.finished(now) {
            let Some(client) = self.conns.get_mut(&conn) else { continue };
            client.with_handler = false;
            out.because(cause);
            self.handle(now, conn, frame, out);
            self.settle(now, conn, out);
        }
        out.because(None);
    }

    /// Answers a request; the connection's next one is taken up.
    pub(super) fn respond(&mut self, now: Time, asker: Asker, response: impl Into<Response>, batches: Vec<Batches>, out: &mut Outbox) {
        if !self.conns.contains_key(&asker.conn) {
            return;
        }
        let (mut response, mut batches) = (response.into(), batches);
        self.complete_answer(asker.conn, &mut response);
        let throttle_ms = self.throttle_of(now, asker, &mut response, &mut batches);
        self.respond_throttled(now, asker, response, batches, throttle_ms, out);
    }

    /// The same, of an answer that was charged already.
    pub(super) fn respond_throttled(
        &mut self,
        now: Time,
        asker: Asker,
        response: Response,
        batches: Vec<Batches>,
        throttle_ms: u64,
        out: &mut Outbox,
    ) {
        if self.conns.get(&asker.conn).is_some_and(|client| !client.closed) {
            out.send(asker.conn, Frame::response(asker.correlation_id, asker.version, response, batches));
        }
        self.mute(now, asker.conn, throttle_ms);
        self.no_response(now, asker.conn, out);
    }

    /// A request is done with (acks=0 gets no answer); the connection's next one is taken up.
    pub(super) fn no_response(&mut self, now: Time, conn: ConnId, out: &mut Outbox) {
        let Some(client) = self.conns.get_mut(&conn).filter(|client| !client.closed) else { return };
        if client.muted_until.is_some_and(|until| until > now) {
            return;
        }
        client.muted_until = None;
        match client.queue.pop_front() {
            None => client.busy = false,
            Some(frame) => self.hand_to_handler(now, conn, frame, out),
        }
    }

    fn hand_to_handler(&mut self, now: Time, conn: ConnId, frame: Frame, out: &mut Outbox) {
        let bytes = crate::sim::process::Frame::size_bytes(&frame);
        let cost = Duration::us(self.settings.request_us + ((bytes * self.settings.request_mib_us) >> 20));
        if let Some(client) = self.conns.get_mut(&conn) {
            let charge = &mut client.charge;
            (charge.request_bytes, charge.service_us, charge.is_exempt) = (charged_bytes(&frame), cost.0, false);
        }
        match cost {
            Duration::ZERO => self.handle(now, conn, frame, out),
            _ => {
                if let Some(client) = self.conns.get_mut(&conn) {
                    client.with_handler = true;
                }
                self.handlers.submit(now, cost, (conn, frame, out.cause()));
            }
        }
    }

    /// Whose request it is, where that matters.
    fn note_charged(&mut self, conn: ConnId, client_id: &str, request: &Request) {
        let passed_on = is_passed_on(request);
        if !passed_on && !self.quotas.is_enabled() {
            return;
        }
        let Some(client) = self.conns.get_mut(&conn) else { return };
        client.charge.is_exempt = passed_on || matches!(request, Request::Fetch(fetch) if fetch.replica_state.replica_id.0 >= 0);
        if client.charge.client_id.as_deref() != Some(client_id) {
            client.charge.client_id = Some(client_id.into());
        }
    }

    fn handle(&mut self, now: Time, conn: ConnId, frame: Frame, out: &mut Outbox) {
        let asker = Asker::of(conn, &frame);
        let (mut batches, corrupt) = (frame.batches, frame.corrupt);
        let Body::Request { client_id, mut request } = frame.body else { return self.close_client(conn, out) };
        if let Some(exchange) = self.conns.get(&conn).and_then(|client| client.exchange) {
            return self.authenticate(now, asker, exchange, &request, out);
        }
        // What the controller answers, it checks itself.
        if !is_passed_on(&request) && self.authorize(now, asker, &mut request, &mut batches, out).is_none() {
            return;
        }
        self.note_charged(conn, &client_id, &request);
        if let Request::Produce(body) = &request
            && let Some(refused) = refused_as_a_whole(body, &batches, corrupt.as_deref())
        {
            // Without acks there is no answer to put it into.
            return match body.acks {
                0 => self.close_client(conn, out),
                _ => self.respond(now, asker, refusal(body, &refused), Vec::new(), out),
            };
        }
        match &request {
            Request::Produce(body) => return self.produce(now, asker, body, batches, corrupt.as_deref(), out),
            Request::Fetch(body) => return self.fetch(now, asker, body, out),
            Request::InitProducerId(body) => return self.init_producer_id(now, asker, body, out),
            Request::IncrementalAlterConfigs(body) => return self.alter_configs(now, asker, body, out),
            Request::DeleteRecords(body) => return self.delete_records(now, asker, body, out),
            Request::Metadata(body) => return self.metadata_request(now, asker, body, out),
            Request::FindCoordinator(body) => return self.find_coordinator(now, asker, body, out),
            passed_on if is_passed_on(passed_on) => return self.forward(now, request, Call::Forwarded(asker), out),
            Request::OffsetCommit(_)
            | Request::OffsetFetch(_)
            | Request::JoinGroup(_)
            | Request::SyncGroup(_)
            | Request::Heartbeat(_)
            | Request::LeaveGroup(_)
            | Request::DescribeGroups(_)
            | Request::DeleteGroups(_)
            | Request::OffsetDelete(_)
            | Request::ListGroups(_)
            | Request::ConsumerGroupHeartbeat(_)
            | Request::ConsumerGroupDescribe(_) => return self.group_request(now, asker, &client_id, &request, out),
            _ => {}
        }
        let response: Response = match &request {
            Request::ApiVersions(_) => self.api_versions().into(),
            Request::ListOffsets(body) => self.list_offsets(body, out).into(),
            Request::DescribeAcls(body) => describe_acls(&self.image.acls, self.authorizer.is_some(), body).into(),
            Request::DescribeConfigs(body) => self.config_helper().describe_configs(body).into(),
            Request::DescribeLogDirs(body) => self.describe_log_dirs(body).into(),
            Request::AlterReplicaLogDirs(body) => self.alter_replica_log_dirs(now, body, out).into(),
            Request::ListConfigResources(body) => self.list_config_resources(body).into(),
            Request::DescribeClientQuotas(body) => self.describe_client_quotas(body).into(),
            Request::DescribeUserScramCredentials(body) => self.describe_scram_credentials(body).into(),
            Request::DescribeTopicPartitions(body) => self.describe_topic_partitions(conn, body).into(),
            Request::DescribeCluster(body) => self.describe_cluster(conn, body).into(),
            Request::DescribeProducers(body) => self.describe_producers(body).into(),
            Request::OffsetForLeaderEpoch(body) => self.offset_for_leader_epoch(body).into(),
            // Who is there was shown, or is of no interest.
            Request::SaslHandshake(_) => SaslHandshakeResponse::default().with_error_code(ILLEGAL_SASL_STATE).into(),
            Request::SaslAuthenticate(_) => SaslAuthenticateResponse::default()
                .with_error_code(ILLEGAL_SASL_STATE)
                .with_error_message(Some(StrBytes::from_static_str("SaslAuthenticate request received after successful authentication")))
                .into(),
            // Tokens are for connections that say who they are; all of ours are PLAINTEXT (`allowTokenRequests`).
            Request::CreateDelegationToken(_) => CreateDelegationTokenResponse::default().with_error_code(TOKENS_NOT_ALLOWED).into(),
            Request::DescribeDelegationToken(_) => DescribeDelegationTokenResponse::default().with_error_code(TOKENS_NOT_ALLOWED).into(),
            // Requests that only controllers answer: Kafka closes the connection.
            _ => return self.close_client(conn, out),
        };
        self.respond(now, asker, response, Vec::new(), out);
    }
}
