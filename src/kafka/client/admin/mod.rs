//! `KafkaAdminClient` as a state machine: calls that find their node, are tried again, and end by `default.api.timeout.ms`.
//!
//! * [`fanout`]: calls that are several requests: offsets by leader, groups by broker
//!
//! A call is answered with the response of the protocol, whose errors by topic or partition are the caller's to read; only what the client
//! itself acts on (no controller, no coordinator, disconnected) is tried again here. Any broker answers what the controller decides: it
//! forwards, as brokers of a KRaft cluster do.

mod answers;
pub mod fanout;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use kafka_protocol::messages::{FindCoordinatorRequest, FindCoordinatorResponse};

use self::answers::{coordinator_of, retriable_code};
use self::fanout::{DeletedRecords, Fanout, ListedGroups, ListedOffsets};
use super::backoff::ExponentialBackoff;
use super::cluster::{CONTROLLER_ENDPOINTS, ClusterClient};
use super::config::{ConfigError, Settings};
use super::error::*;
use super::log::Log;
use super::metadata::{Cluster, MetadataConfig};
use super::network::{Answer, Completed, NetworkConfig, Outgoing};
use crate::kafka::actor::{Config, HostPort, Input, Outbox};
use crate::kafka::names::{BrokerId, Name, TopicPartition};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::errors;
use crate::sim::time::{Duration, Time};

/// An admin client's settings, by Kafka's names (`AdminClientConfig`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminConfig {
    /// `default.api.timeout.ms`: from the call to its end, whatever is tried meanwhile.
    pub api_timeout: Duration,
    pub retries: u32,
    pub retry: ExponentialBackoff,
    pub network: NetworkConfig,
}

/// A call's number within its client, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// Which node a call goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The least loaded broker (which forwards what is the controller's).
    Any,
    Node(BrokerId),
    Leader(TopicPartition),
    /// The coordinator of a group.
    Coordinator(Name),
    /// The coordinator of a transactional id.
    TransactionCoordinator(Name),
}

/// What a call came to.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Outcome {
    Response(Response),
    Offsets(ListedOffsets),
    Groups(ListedGroups),
    Records(DeletedRecords),
}

/// An admin client. See the module.
#[derive(Clone, Debug)]
pub struct AdminClient {
    config: AdminConfig,
    client: ClusterClient<Sent>,
    calls: BTreeMap<CallId, Call>,
    fanouts: BTreeMap<CallId, Fanout>,
    coordinators: BTreeMap<Key, Coordinator>,
    next_call: u32,
    /// A call fails as soon as no server can be reached; and whether it says why.
    gives_up: Option<bool>,
    /// The node that it asked for metadata was no such node, and is asked once more.
    asks_again: bool,
    results: VecDeque<(CallId, Result<Outcome, ClientError>)>,
    polled: Time,
}

#[derive(Clone, Debug)]
pub enum Sent {
    Call(CallId),
    FindCoordinator(Key),
}

/// What a coordinator is of: its `FindCoordinatorRequest.CoordinatorType`, and a name.
type Key = (i8, Name);

#[derive(Clone, Debug)]
struct Call {
    /// As Java names it: `createTopics`.
    name: String,
    target: Target,
    request: Request,
    deadline: Time,
    tries: u32,
    retry_at: Time,
    is_sent: bool,
    /// It is a part of that one.
    parent: Option<CallId>,
}

#[derive(Clone, Debug, Default)]
struct Coordinator {
    node: Option<BrokerId>,
    in_flight: bool,
    attempts: u32,
    retry_at: Time,
}

impl AdminConfig {
    /// # Errors
    /// The first setting that cannot be, in Kafka's words.
    pub fn parse(config: &Config) -> Result<AdminConfig, ConfigError> {
        let settings = Settings(config);
        let network = NetworkConfig { max_in_flight: u32::MAX, connections_max_idle: Duration::secs(300), ..settings.network(30_000)? };
        let api_timeout = settings.int_millis("default.api.timeout.ms", 60_000)?;
        if api_timeout < network.request_timeout && settings.has("default.api.timeout.ms") {
            let message = "The specified value of default.api.timeout.ms must be no smaller than the value of request.timeout.ms.";
            return Err(ConfigError(message.to_owned()));
        }
        Ok(AdminConfig {
            api_timeout: if api_timeout < network.request_timeout { network.request_timeout } else { api_timeout },
            retries: settings.int("retries", i32::MAX, 0..=i32::MAX)? as u32,
            retry: settings.backoff("retry.backoff", 100, 1_000)?,
            network,
        })
    }
}

/// `CoordinatorStrategy`'s words.
fn forbidden_coordinator(group: &str) -> String {
    format!("FindCoordinator request for groupId `CoordinatorKey(idValue='{group}', type=GROUP)` failed due to authorization failure")
}

impl AdminClient {
    /// `client_id` is `adminclient-1` where a tool sets none.
    pub fn new(client_id: &str, bootstrap: Vec<HostPort>, config: AdminConfig) -> AdminClient {
        let context = format!("AdminClient clientId={client_id}");
        let metadata = MetadataConfig { retry: config.retry, allow_auto_topic_creation: false, ..MetadataConfig::default() };
        let mut client = ClusterClient::new(client_id, &context, bootstrap, config.network.clone(), metadata);
        client.warns_of_bootstrap = false;
        AdminClient {
            config,
            client,
            calls: BTreeMap::new(),
            fanouts: BTreeMap::new(),
            coordinators: BTreeMap::new(),
            next_call: 0,
            gives_up: None,
            asks_again: false,
            results: VecDeque::new(),
            polled: Time::ZERO,
        }
    }

    /// `bootstrap.controllers`: the addresses are controllers', and so are the nodes that it asks.
    pub fn set_from_controllers(&mut self, from_controllers: bool) {
        self.client.from_controllers = from_controllers;
    }

    /// Its log is another kind of client's, one that says when a bootstrap server is lost.
    pub fn speaks_as(&mut self, context: &str) {
        self.client.warns_of_bootstrap = true;
        self.client.network.log = Log::new(context);
    }

    /// A call fails once no server can be reached, as with kafka-broker-api-versions' own client, or with one that says why in a system's words.
    pub fn gives_up(&mut self, says_why: bool) {
        self.gives_up = Some(says_why);
    }

    /// Begins a call. `name` is Java's (`createTopics`): it stands in messages. [`AdminClient::poll`] sends it.
    pub fn call(&mut self, now: Time, name: &str, target: Target, request: impl Into<Request>) -> CallId {
        self.call_with_timeout(now, name, target, request, self.config.api_timeout)
    }

    /// As [`AdminClient::call`] with `options.timeoutMs` instead of `default.api.timeout.ms`.
    pub fn call_with_timeout(&mut self, now: Time, name: &str, target: Target, request: impl Into<Request>, timeout: Duration) -> CallId {
        let id = self.next_id();
        let mut request = request.into();
        if self.client.from_controllers {
            if !answers::is_for_controllers(request.api()) {
                self.results.push_back((id, Err(no_controller_answers())));
                return id;
            }
            if let Request::DescribeCluster(body) = &mut request {
                body.endpoint_type = CONTROLLER_ENDPOINTS;
            }
        }
        self.begin(id, name, target, request, now + timeout, None);
        id
    }

    /// Takes what calls came to, in the order in which they ended.
    pub fn take_results(&mut self) -> impl Iterator<Item = (CallId, Result<Outcome, ClientError>)> + '_ {
        self.results.drain(..)
    }

    /// Whether a call is open.
    pub fn is_busy(&self) -> bool {
        !self.calls.is_empty() || !self.fanouts.is_empty()
    }

    /// The cluster as last heard of: brokers always, topics only those that calls needed.
    pub fn cluster(&self) -> &Cluster {
        self.client.cluster()
    }

    pub fn config(&self) -> &AdminConfig {
        &self.config
    }

    pub fn log(&mut self) -> &mut Log {
        &mut self.client.network.log
    }

    /// Whether an input is about one of this client's connections.
    pub fn owns(&self, input: &Input) -> bool {
        self.client.owns(input)
    }

    /// Takes an input (also one that is about nothing of ours).
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Outbox) {
        let progress = self.client.handle(now, input, out);
        self.take_fatal(now, progress.fatal, out);
        self.run(now, progress.completed, out);
    }

    /// Sends what can be sent, ends what takes too long.
    pub fn poll(&mut self, now: Time, out: &mut Outbox) {
        let progress = self.client.poll(now, out);
        self.take_fatal(now, progress.fatal, out);
        self.run(now, progress.completed, out);
    }

    /// When to be called at the latest.
    pub fn next_wake(&self) -> Option<Time> {
        let waiting = self.calls.values().filter(|call| !call.is_sent);
        let calls = waiting.flat_map(|call| [call.deadline, call.retry_at]);
        let fanouts = self.fanouts.values().flat_map(|fanout| [fanout.deadline, fanout.retry_at]);
        let coordinators = self.coordinators.values().map(|coordinator| coordinator.retry_at);
        let own = calls.chain(fanouts).chain(coordinators).filter(|&at| at > self.polled).min();
        [self.client.next_wake(), own].into_iter().flatten().min()
    }

    /// Closes the connections; open calls end without a result.
    pub fn close(&mut self, out: &mut Outbox) {
        self.calls.clear();
        self.fanouts.clear();
        self.client.close(out);
    }

    /// `AdminMetadataManager.updateFailed` with an error that will not pass: every call ends with it.
    fn take_fatal(&mut self, now: Time, fatal: Option<ClientError>, out: &mut Outbox) {
        let Some(error) = fatal else { return };
        let unsupported = error.code == UNSUPPORTED_VERSION;
        // One that is not supported is told twice: as a request that could be made another way, and then as one that failed.
        for _ in 0..1 + u8::from(unsupported) {
            self.warn_of_metadata(now, "Fatal error during metadata update", &error);
            if unsupported {
                let role = if self.client.from_controllers {
                    "a CONTROLLER that supports the KIP-919 DESCRIBE_CLUSTER api"
                } else {
                    "a BROKER that supports the METADATA api"
                };
                self.warn_of_metadata(now, &format!("The remote node is not {role}."), &error);
            }
        }
        // To get here a JVM that has just started takes longer than retry.backoff.ms. So the next update is due before anybody has closed
        // the client, and the node, to which it is connected by now, says the same again.
        let connected = unsupported || matches!(error.code, MISMATCHED_ENDPOINT_TYPE | UNSUPPORTED_ENDPOINT_TYPE);
        self.asks_again = connected && !self.asks_again;
        if self.asks_again {
            self.client.metadata.expedite();
            return self.poll(now, out);
        }
        let ids: Vec<CallId> = self.calls.keys().copied().collect();
        for id in ids {
            self.end(id, Err(error.clone()));
        }
        let ids: Vec<CallId> = self.fanouts.keys().copied().collect();
        for id in ids {
            self.finish(id, Some(&error));
        }
    }

    fn warn_of_metadata(&mut self, now: Time, what: &str, error: &ClientError) {
        self.client.network.log.warn(now, "org.apache.kafka.clients.admin.internals.AdminMetadataManager", &format!("{what}\n{error}"));
    }

    /// The node of a coordinator, if it is known.
    pub fn known_coordinator(&self, target: &Target) -> Option<BrokerId> {
        self.coordinators.get(&target.key()?)?.node
    }

    fn next_id(&mut self) -> CallId {
        self.next_call += 1;
        CallId(self.next_call - 1)
    }

    fn begin(&mut self, id: CallId, name: &str, target: Target, request: Request, deadline: Time, parent: Option<CallId>) {
        let name = name.to_owned();
        self.calls.insert(id, Call { name, target, request, deadline, tries: 0, retry_at: Time::ZERO, is_sent: false, parent });
    }

    fn run(&mut self, now: Time, completed: Vec<Completed<Sent>>, out: &mut Outbox) {
        self.polled = now;
        for over in completed {
            match over.token.clone() {
                Sent::Call(id) => self.completed(now, id, over, out),
                Sent::FindCoordinator(key) => self.found(now, key, over, out),
            }
        }
        self.spread(now);
        let waiting: Vec<CallId> = self.calls.iter().filter(|(_, call)| !call.is_sent).map(|(&id, _)| id).collect();
        for id in waiting {
            self.try_send(now, id, out);
        }
    }

    fn try_send(&mut self, now: Time, id: CallId, out: &mut Outbox) {
        let Some(call) = self.calls.get(&id) else { return };
        if call.deadline <= now {
            let message = format!("Timed out waiting for a node assignment. Call: {}", self.describe(call));
            return self.end(id, Err(ClientError::timeout(message)));
        }
        if call.retry_at > now {
            return;
        }
        let client = &self.client;
        if let Some(says_why) = self.gives_up
            && client.cluster().brokers.is_empty()
            && !client.network.has_available(now, &client.nodes())
        {
            let why = if client.network.has_timed_out() { "i/o timeout" } else { "connect: connection refused" };
            return self.end(id, Err(ClientError::of_code(NETWORK_EXCEPTION, says_why.then_some(why))));
        }
        let Some(node) = self.assign(now, &call.target.clone(), out) else { return };
        if !self.client.ready(now, node, out) {
            return;
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        let api = call.request.api();
        if !self.client.network.offers(node, api) {
            return self.end(id, Err(ClientError::not_offered(api)));
        }
        // The thread sleeps until a call's own deadline, whatever its request's (`AdminClientRunnable.processRequests`).
        let sleeps = call.deadline.since(now);
        let timeout = sleeps.min(self.config.network.request_timeout);
        let outgoing =
            Outgoing { timeout: Some(timeout), sleeps: Some(sleeps), retry: call.tries > 0, ..Outgoing::new(call.request.clone()) };
        call.is_sent = self.client.send(now, node, outgoing, Sent::Call(id), out).is_ok();
    }

    /// The node of a call, if it is known; what is missing is asked for.
    fn assign(&mut self, now: Time, target: &Target, out: &mut Outbox) -> Option<BrokerId> {
        // Without metadata nothing is assigned, also not to a bootstrap address.
        if self.client.cluster().brokers.is_empty() {
            return None;
        }
        match target {
            // `LeastLoadedBrokerOrActiveKController`
            Target::Any if self.client.from_controllers => {
                let active = self.client.cluster().controller;
                if active.is_none() && !self.client.metadata.update_requested() {
                    self.client.metadata.request_update(false);
                }
                active
            }
            Target::Any => self.client.any_ready(now, out),
            Target::Node(node) => Some(*node),
            Target::Leader(partition) => {
                let leader = self.client.cluster().leader(partition);
                if leader.is_none() {
                    self.want_leader(now, &partition.topic);
                }
                leader
            }
            Target::Coordinator(_) | Target::TransactionCoordinator(_) => self.coordinator(now, target.key()?, out),
        }
    }

    fn want_leader(&mut self, now: Time, topic: &Name) {
        self.client.metadata.add_topic(now, topic);
        if !self.client.metadata.update_requested() {
            self.client.metadata.request_update(false);
        }
    }

    fn coordinator(&mut self, now: Time, key: Key, out: &mut Outbox) -> Option<BrokerId> {
        let known = self.coordinators.entry(key.clone()).or_default();
        if known.node.is_some() || known.in_flight || known.retry_at > now {
            return known.node;
        }
        let node = self.client.any_ready(now, out)?;
        let request = FindCoordinatorRequest::default().with_key_type(key.0).with_coordinator_keys(vec![key.1.to_string().into()]);
        let outgoing = Outgoing { sleeps: Some(self.config.api_timeout), ..Outgoing::new(request) };
        let sent = self.client.send(now, node, outgoing, Sent::FindCoordinator(key.clone()), out).is_ok();
        self.coordinators.entry(key).or_default().in_flight = sent;
        None
    }

    fn found(&mut self, now: Time, key: Key, over: Completed<Sent>, out: &mut Outbox) {
        let coordinator = match over.result {
            Ok(Answer { response: Response::FindCoordinator(response), .. }) => coordinator_of(&response),
            _ => Err((NETWORK_EXCEPTION, None)),
        };
        let Some(known) = self.coordinators.get_mut(&key) else { return };
        known.in_flight = false;
        match coordinator {
            Ok((node, address)) => {
                *known = Coordinator { node: Some(node), ..Coordinator::default() };
                self.client.network.set_node(node, address);
            }
            Err((code, _)) if errors::info(code).is_retriable() => {
                known.retry_at = now + self.config.retry.after(known.attempts, out.rng());
                known.attempts += 1;
            }
            Err((code, message)) => {
                let message = match (code, &key) {
                    (GROUP_AUTHORIZATION_FAILED, (GROUP, name)) => Some(forbidden_coordinator(name)),
                    _ => message,
                };
                self.coordinators.remove(&key);
                let of_key = |call: &Call| call.target.key().as_ref() == Some(&key);
                let ids: Vec<CallId> = self.calls.iter().filter(|(_, call)| of_key(call)).map(|(&id, _)| id).collect();
                for id in ids {
                    self.end(id, Err(ClientError::of_code(code, message.as_deref())));
                }
            }
        }
    }

    fn completed(&mut self, now: Time, id: CallId, over: Completed<Sent>, out: &mut Outbox) {
        let Some(call) = self.calls.get(&id) else { return };
        let error = match over.result {
            Ok(answer) => match retriable_code(&answer.response, &call.target) {
                Some(code) => ClientError::of_code(code, None),
                None => return self.end(id, Ok(answer.response)),
            },
            Err(_) => {
                let (name, correlation_id, node) = (self.describe(call), over.correlation_id, over.node);
                let message =
                    format!("Cancelled {name} request with correlation id {correlation_id} due to node {node} being disconnected");
                let mut error = ClientError::of_code(NETWORK_EXCEPTION, Some(&message));
                error.class = "DisconnectException";
                error
            }
        };
        let target = call.target.clone();
        if let Some(key) = target.key() {
            self.coordinators.remove(&key);
        }
        if matches!(target, Target::Leader(_)) {
            self.client.metadata.request_update(false);
        }
        self.retry_or_end(now, id, error, out);
    }

    /// `Call.fail` with an error that may pass.
    fn retry_or_end(&mut self, now: Time, id: CallId, error: ClientError, out: &mut Outbox) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.retry_at = now + self.config.retry.after(call.tries, out.rng());
        call.tries += 1;
        call.is_sent = false;
        if call.deadline > now && call.tries <= self.config.retries {
            return;
        }
        let (deadline, tries, next, at) = (call.deadline.wall_ms(), call.tries, call.retry_at.wall_ms(), now.wall_ms());
        let name = self.calls.get(&id).map(|call| self.describe(call)).unwrap_or_default();
        let call = format!("Call(callName={name}, deadlineMs={deadline}, tries={tries}, nextAllowedTryMs={next})");
        let timeout = ClientError::timeout(format!("{call} timed out at {at} after {tries} attempt(s)"));
        self.end(id, Err(timeout.caused_by(error)));
    }

    fn end(&mut self, id: CallId, result: Result<Response, ClientError>) {
        let Some(call) = self.calls.remove(&id) else { return };
        match call.parent {
            Some(parent) => self.part_ended(parent, call, result),
            None => self.results.push_back((id, result.map(Outcome::Response))),
        }
    }

    /// A call's name as in messages; one that needs a lookup says which request it is at.
    fn describe(&self, call: &Call) -> String {
        let (found, lookup) = match (&call.target, call.target.key()) {
            (Target::Leader(partition), _) => (self.client.cluster().leader(partition), "METADATA"),
            (_, Some(key)) => (self.coordinators.get(&key).and_then(|coordinator| coordinator.node), "FIND_COORDINATOR"),
            _ => return call.name.clone(),
        };
        let api = if found.is_some() { call.request.api().java_name() } else { lookup.to_owned() };
        format!("{}(api={api})", call.name)
    }
}

impl Target {
    /// What the node is the coordinator of, if it is one.
    fn key(&self) -> Option<Key> {
        match self {
            Target::Coordinator(group) => Some((GROUP, group.clone())),
            Target::TransactionCoordinator(id) => Some((TRANSACTION, id.clone())),
            _ => None,
        }
    }
}

/// What Java's client knows without asking: no controller answers such a call.
fn no_controller_answers() -> ClientError {
    let message = "This Admin API is not yet supported when communicating directly with the controller quorum.";
    ClientError::of_code(UNSUPPORTED_ENDPOINT_TYPE, Some(message))
}

/// `FindCoordinatorRequest.CoordinatorType`
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
