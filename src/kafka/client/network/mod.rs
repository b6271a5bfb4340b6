//! `NetworkClient`: requests to nodes over connections that open by themselves, and what came of them.
//!
//! Used by clients, by replica fetchers and by a broker's channel to its controller. It knows addresses, not what a cluster is.
//!
//! * `types`: its settings, what is sent and what comes back; `node`: one of them; `authentication`: showing it who this is
//!
//! Left out: choosing versions (every node here speaks `Api::version`).

mod authentication;
mod node;
mod types;

use std::collections::{BTreeMap, VecDeque};

use kafka_protocol::messages::ApiVersionsRequest;
use kafka_protocol::protocol::StrBytes;

use self::node::{InFlight, Link, Node};
pub use self::types::{Answer, CLIENT_METRICS, Completed, ConnectionState, Failed, NetworkConfig, NotReady, Outgoing, Traffic};
use super::error::ClientError;
use super::log::Log;
use crate::kafka::actor::{HostPort, Input, Outbox};
use crate::kafka::names::{BrokerId, node_on};
use crate::kafka::protocol::api::{Api, Request, Response};
use crate::kafka::protocol::frame::{Batches, Body, Frame};
use crate::kafka::protocol::throttle::throttle_time_ms;
use crate::sim::process::{CloseReason, ConnId};
use crate::sim::rng::Rng;
use crate::sim::time::{Duration, Time};

const LOGGER: &str = "org.apache.kafka.clients.NetworkClient";

/// Connections to nodes. `T` is what the owner wants back with an answer.
#[derive(Clone, Debug)]
pub struct NetworkClient<T> {
    client_id: String,
    config: NetworkConfig,
    nodes: BTreeMap<BrokerId, Node<T>>,
    by_conn: BTreeMap<ConnId, BrokerId>,
    next_correlation_id: i32,
    /// Connections that ended since [`NetworkClient::take_disconnected`], with whether they were ever established.
    disconnected: Vec<(BrokerId, bool)>,
    /// A node did not believe who this is; since [`NetworkClient::take_auth_failure`].
    auth_failure: Option<ClientError>,
    pub log: Log,
}

impl<T> NetworkClient<T> {
    /// `log_context` is what log lines begin with: `Producer clientId=checkout`.
    pub fn new(client_id: &str, log_context: &str, config: NetworkConfig) -> NetworkClient<T> {
        NetworkClient {
            client_id: client_id.to_owned(),
            config,
            nodes: BTreeMap::new(),
            by_conn: BTreeMap::new(),
            next_correlation_id: 0,
            disconnected: Vec::new(),
            auth_failure: None,
            log: Log::new(log_context),
        }
    }

    pub fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// Makes a node known, or moves it: a connection to its old address stays until it ends. Bootstrap addresses are -1, -2, ...
    pub fn set_node(&mut self, id: BrokerId, address: HostPort) {
        let fresh = || Node {
            address: address.clone(),
            link: Link::Down { retry_at: Time::ZERO },
            failed_attempts: 0,
            failed_setups: 0,
            wanted: false,
            last_attempt: Time::ZERO,
            last_used: Time::ZERO,
            throttled_until: None,
            traffic: Traffic::default(),
            in_flight: VecDeque::new(),
            scram: None,
            offered: 0,
        };
        let node = self.nodes.entry(id).or_insert_with(fresh);
        if node.address != address {
            node.address = address;
        }
    }

    /// Where a node is.
    pub fn address(&self, id: BrokerId) -> Option<&HostPort> {
        self.nodes.get(&id).map(|node| &node.address)
    }

    /// The nodes that it was ever connected to, with what went to and fro.
    pub fn traffic(&self) -> impl Iterator<Item = (BrokerId, &Traffic)> {
        self.nodes.iter().filter(|(_, node)| node.last_used > Time::ZERO).map(|(&id, node)| (id, &node.traffic))
    }

    /// Whether an input is about one of this client's connections. (A process may have several clients.)
    pub fn owns(&self, input: &Input) -> bool {
        conn_of(input).is_some_and(|conn| self.by_conn.contains_key(&conn))
    }

    /// Whether a request can be sent to a node now; opens the connection if there is none and the backoff is over.
    pub fn ready(&mut self, now: Time, id: BrokerId, out: &mut Outbox) -> bool {
        let Some(node) = self.nodes.get_mut(&id) else { return false };
        match node.link {
            Link::Ready { .. } => node.may_send(now, self.config.max_in_flight),
            Link::Connecting { .. } | Link::Authenticating { .. } | Link::Checking { .. } => false,
            Link::Down { retry_at } if retry_at > now => {
                node.wanted = true;
                false
            }
            Link::Down { .. } => {
                let conn = out.connect(&node.address.host, node.address.port);
                let setup = self.config.connection_setup.after(node.failed_setups, out.rng());
                node.link = Link::Connecting { conn, deadline: now + setup };
                node.last_attempt = now;
                node.wanted = false;
                self.by_conn.insert(conn, id);
                false
            }
        }
    }

    /// As [`NetworkClient::ready`], but only looks.
    pub fn is_ready(&self, now: Time, id: BrokerId) -> bool {
        let ready = |node: &Node<T>| matches!(node.link, Link::Ready { .. }) && node.may_send(now, self.config.max_in_flight);
        self.nodes.get(&id).is_some_and(ready)
    }

    pub fn state(&self, id: BrokerId) -> Option<ConnectionState> {
        self.nodes.get(&id).map(|node| match node.link {
            Link::Down { retry_at } => ConnectionState::Disconnected(retry_at),
            Link::Connecting { .. } | Link::Authenticating { .. } => ConnectionState::Connecting,
            Link::Checking { .. } => ConnectionState::CheckingApiVersions,
            Link::Ready { .. } => ConnectionState::Ready,
        })
    }

    /// Whether the last attempt to connect failed and the next has to wait (`isUnavailable`).
    pub fn is_unavailable(&self, now: Time, id: BrokerId) -> bool {
        matches!(self.state(id), Some(ConnectionState::Disconnected(retry_at)) if retry_at > now)
    }

    /// Sends a request with `request.timeout.ms`; `token` comes back with what came of it.
    ///
    /// # Errors
    /// [`NotReady`]; token, request and batches are dropped.
    pub fn send(
        &mut self,
        now: Time,
        id: BrokerId,
        request: impl Into<Request>,
        batches: Vec<Batches>,
        token: T,
        out: &mut Outbox,
    ) -> Result<(), NotReady> {
        self.send_with(now, id, Outgoing { batches, ..Outgoing::new(request) }, token, out)
    }

    /// As [`NetworkClient::send`], with all that can be said about a request.
    ///
    /// # Errors
    /// [`NotReady`]; token, request and batches are dropped.
    pub fn send_with(&mut self, now: Time, id: BrokerId, outgoing: Outgoing, token: T, out: &mut Outbox) -> Result<(), NotReady> {
        if !self.is_ready(now, id) {
            return Err(NotReady);
        }
        self.put(now, id, outgoing, Some(token), out).ok_or(NotReady)
    }

    /// The number of the next request. What is made before it can be sent has its number already (`newClientRequest`); what is never sent
    /// leaves a gap.
    pub fn reserve_correlation_id(&mut self) -> i32 {
        let correlation_id = self.next_correlation_id;
        self.next_correlation_id = correlation_id.checked_add(1).unwrap_or(0);
        correlation_id
    }

    /// Whether any node can be sent to.
    pub fn any_is_ready(&self) -> bool {
        self.nodes.values().any(|node| matches!(node.link, Link::Ready { .. }))
    }

    /// Whether a node that is ready said that it offers this API (`NodeApiVersions.latestUsableVersion`).
    pub fn offers(&self, id: BrokerId, api: Api) -> bool {
        self.nodes.get(&id).is_some_and(|node| node.offered & bit(api.key()) != 0)
    }

    /// Requests to a node that are not answered yet.
    pub fn in_flight(&self, id: BrokerId) -> u32 {
        self.nodes.get(&id).map_or(0, |node| node.in_flight.len() as u32)
    }

    /// The tokens of all unanswered requests, by node and age.
    pub fn tokens(&self) -> impl Iterator<Item = &T> {
        self.nodes.values().flat_map(|node| &node.in_flight).filter_map(|request| request.token.as_ref())
    }

    /// The node that has least to do (`leastLoadedNode`): idle and connected before busy, before connecting, before not connected;
    /// `None` if every one of them is in its backoff.
    pub fn least_loaded(&self, now: Time, candidates: &[BrokerId], rng: &mut Rng) -> Option<BrokerId> {
        if candidates.is_empty() {
            return None;
        }
        let offset = rng.below(candidates.len() as u64) as usize;
        let rank = |id: BrokerId| {
            let node = self.nodes.get(&id)?;
            Some(match node.link {
                Link::Ready { .. } if node.may_send(now, self.config.max_in_flight) => (0, node.in_flight.len() as u64),
                Link::Connecting { .. } | Link::Authenticating { .. } | Link::Checking { .. } => (1, 0),
                Link::Down { retry_at } if retry_at <= now => (2, node.last_attempt.0),
                Link::Ready { .. } | Link::Down { .. } => return None,
            })
        };
        let from_offset = candidates[offset..].iter().chain(&candidates[..offset]);
        from_offset.filter_map(|&id| Some((rank(id)?, id))).min_by_key(|&(rank, _)| rank).map(|(_, id)| id)
    }

    /// Whether any of these is connected, connecting, or could be tried now.
    pub fn has_available(&self, now: Time, candidates: &[BrokerId]) -> bool {
        candidates.iter().any(|&id| self.nodes.contains_key(&id) && !self.is_unavailable(now, id))
    }

    /// Takes an input about one of this client's connections; returns the requests that are over. Other inputs are as [`NetworkClient::poll`].
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Outbox) -> Vec<Completed<T>> {
        let mut completed = Vec::new();
        let id = conn_of(&input).and_then(|conn| self.by_conn.get(&conn).copied());
        match (input, id) {
            (Input::Connected(conn), Some(id)) => self.connected(now, id, conn, out),
            (Input::Frame(_, frame), Some(id)) => self.answered(now, id, frame, &mut completed, out),
            (Input::Closed(_, reason), Some(id)) => self.closed(now, id, reason, &mut completed, out),
            _ => {}
        }
        completed.extend(self.poll(now, out));
        completed
    }

    /// Gives up what took too long; returns the requests that are over by it.
    pub fn poll(&mut self, now: Time, out: &mut Outbox) -> Vec<Completed<T>> {
        let mut completed = Vec::new();
        for node in self.nodes.values_mut() {
            node.throttled_until = node.throttled_until.filter(|at| *at > now);
        }
        let due = |node: &Node<T>| node.over_at(&self.config, |request| request.deadline).is_some_and(|at| at <= now);
        let due: Vec<BrokerId> = self.nodes.iter().filter(|(_, node)| due(node)).map(|(&id, _)| id).collect();
        for id in due {
            let Some(node) = self.nodes.get_mut(&id) else { continue };
            if matches!(node.link, Link::Down { .. }) {
                node.wanted = false;
                continue;
            }
            if matches!(node.link, Link::Connecting { .. }) {
                node.failed_setups += 1;
            }
            self.disconnect(now, id, &mut completed, out);
        }
        completed
    }

    /// When [`NetworkClient::poll`] wants to be called, or a node that was asked for can be tried again.
    pub fn next_wake(&self) -> Option<Time> {
        self.nodes.values().filter_map(|node| node.over_at(&self.config, |request| request.looked_at)).min()
    }

    /// Closes the connection to a node; its requests are over.
    pub fn disconnect_node(&mut self, now: Time, id: BrokerId, out: &mut Outbox) -> Vec<Completed<T>> {
        let mut completed = Vec::new();
        if self.nodes.get(&id).is_some_and(|node| !matches!(node.link, Link::Down { .. })) {
            self.disconnect(now, id, &mut completed, out);
        }
        completed
    }

    /// Closes all connections and forgets all requests.
    pub fn close(&mut self, out: &mut Outbox) {
        for &conn in self.by_conn.keys() {
            out.close(conn);
        }
        self.by_conn.clear();
        self.nodes.clear();
    }

    /// Whether a connection was not refused, but came to nothing in its time.
    pub fn has_timed_out(&self) -> bool {
        self.nodes.values().any(|node| node.failed_setups > 0)
    }

    /// The nodes whose connections ended since the last call, with whether they had been ready before: time to look for new metadata.
    pub fn take_disconnected(&mut self) -> Vec<(BrokerId, bool)> {
        std::mem::take(&mut self.disconnected)
    }

    fn answered(&mut self, now: Time, id: BrokerId, frame: Frame, completed: &mut Vec<Completed<T>>, out: &mut Outbox) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        node.last_used = now;
        node.traffic.received.record(now.as_ms(), crate::sim::process::Frame::size_bytes(&frame) as f64);
        let position = node.in_flight.iter().position(|request| request.correlation_id == frame.correlation_id);
        let (Some(position), Body::Response(mut response)) = (position, frame.body) else {
            // Nobody asked for this: what Kafka throws a CorrelationIdMismatchException for.
            return self.disconnect(now, id, completed, out);
        };
        let throttle_ms = throttle_time_ms(&mut response).map_or(0, |ms| (*ms).max(0) as u64);
        if throttle_ms > 0 {
            node.throttled_until = Some(now + Duration::ms(throttle_ms));
        }
        let Some(mut request) = node.in_flight.remove(position) else { return };
        match request.token.take() {
            Some(token) => {
                let answer = Answer { response, batches: frame.batches };
                completed.push(request.over(token, id, Ok(answer)));
            }
            None => match node.link {
                Link::Checking { conn } => {
                    if let Response::ApiVersions(body) = response {
                        node.offered = body.api_keys.iter().fold(0, |offered, api| offered | bit(api.api_key));
                    }
                    node.link = Link::Ready { conn };
                    node.failed_attempts = 0;
                }
                Link::Authenticating { step, .. } => {
                    if let Err(error) = self.shown(now, id, step, response, out) {
                        self.not_believed(now, id, error, completed, out);
                    }
                }
                _ => {}
            },
        }
    }

    fn closed(&mut self, now: Time, id: BrokerId, reason: CloseReason, completed: &mut Vec<Completed<T>>, out: &mut Outbox) {
        let Some(node) = self.nodes.get(&id) else { return };
        if matches!(node.link, Link::Connecting { .. }) {
            match reason {
                CloseReason::UnknownHost => {
                    // The resolver is asked once; what it did not know, Java remembers (`networkaddress.cache.negative.ttl`).
                    let fresh = node.failed_attempts == 0;
                    let why = if fresh { ": Temporary failure in name resolution" } else { "" };
                    let thrown = format!("java.net.UnknownHostException: {}{why}", node.address.host);
                    self.log.warn_with(now, LOGGER, &format!("Error connecting to node {}", describe(id, &node.address)), thrown);
                }
                _ => {
                    let address = socket_address(&node.address);
                    let message = format!("Connection to node {id} ({address}) could not be established. Node may not be available.");
                    self.log.warn(now, LOGGER, &message);
                }
            }
        }
        self.disconnect(now, id, completed, out);
    }

    /// The connection to a node is over: every request on it is.
    fn disconnect(&mut self, now: Time, id: BrokerId, completed: &mut Vec<Completed<T>>, out: &mut Outbox) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let was_ready = matches!(node.link, Link::Ready { .. });
        if let Some(conn) = node.link.conn() {
            self.by_conn.remove(&conn);
            out.close(conn);
        }
        let wait = self.config.reconnect.after(node.failed_attempts, out.rng());
        node.failed_attempts += 1;
        node.link = Link::Down { retry_at: now + wait };
        node.wanted = false;
        for mut request in node.in_flight.drain(..) {
            let failed = if request.deadline <= now { Failed::TimedOut } else { Failed::Disconnected };
            if let Some(token) = request.token.take() {
                completed.push(request.over(token, id, Err(failed)));
            }
        }
        self.disconnected.push((id, was_ready));
    }

    fn put(&mut self, now: Time, id: BrokerId, outgoing: Outgoing, token: Option<T>, out: &mut Outbox) -> Option<()> {
        let conn = self.nodes.get(&id)?.link.conn()?;
        let correlation_id = outgoing.correlation_id.unwrap_or_else(|| self.reserve_correlation_id());
        let timeout = outgoing.timeout.unwrap_or(self.config.request_timeout);
        let mut frame = Frame::with_batches(correlation_id, &self.client_id, outgoing.request, outgoing.batches);
        frame.retry = outgoing.retry;
        frame.envelope = outgoing.envelope;
        let bytes = crate::sim::process::Frame::size_bytes(&frame) as f64;
        out.send(conn, frame);
        let node = self.nodes.get_mut(&id)?;
        node.traffic.sent.record(now.as_ms(), bytes);
        node.last_used = now;
        if !outgoing.one_way {
            let (deadline, looked_at) = (now + timeout, now + outgoing.sleeps.unwrap_or(timeout).max(timeout));
            node.in_flight.push_back(InFlight { correlation_id, sent: now, deadline, looked_at, token });
        }
        Some(())
    }
}

/// The bit of an API; none for keys that are not Kafka's.
fn bit(key: i16) -> u128 {
    1_u128.checked_shl(key as u32).unwrap_or(0)
}

fn api_versions() -> ApiVersionsRequest {
    let name = StrBytes::from_static_str("apache-kafka-java");
    ApiVersionsRequest::default().with_client_software_name(name).with_client_software_version("4.3.1".into())
}

/// A node as Kafka's `Node.toString` has it.
pub fn describe(id: BrokerId, address: &HostPort) -> String {
    format!("{address} (id: {id} rack: null isFenced: false)")
}

/// The connection that an input is about.
pub fn conn_of(input: &Input) -> Option<ConnId> {
    match input {
        Input::Connected(conn) | Input::Frame(conn, _) | Input::Closed(conn, _) | Input::Accepted { conn, .. } => Some(*conn),
        Input::Start | Input::Wake | Input::Read(..) | Input::Terminate | Input::Told(_) => None,
    }
}

/// `InetSocketAddress.toString`: name and address. Node n has the address 10.77.0.n.
fn socket_address(address: &HostPort) -> String {
    match (node_on(&address.host), address.host.as_str()) {
        (Some(node), host) => format!("{host}/10.77.0.{node}:{}", address.port),
        (None, "localhost") => format!("localhost/127.0.0.1:{}", address.port),
        (None, "127.0.0.1") => format!("/127.0.0.1:{}", address.port),
        (None, _) => address.to_string(),
    }
}
