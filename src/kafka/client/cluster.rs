//! A client's view of one cluster: its connections, and its metadata, which it keeps fresh by itself.
//!
//! What Kafka's `NetworkClient` does with its `DefaultMetadataUpdater`, apart from the bare [`NetworkClient`], which servers use too.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse, MetadataResponse};

use super::error::{ClientError, MISMATCHED_ENDPOINT_TYPE, TOPIC_AUTHORIZATION_FAILED, UNSUPPORTED_ENDPOINT_TYPE};
use super::metadata::{Cluster, Metadata, MetadataConfig};
use super::network::{Answer, Completed, Failed, NetworkClient, NetworkConfig, NotReady, Outgoing, describe};
use crate::kafka::actor::{HostPort, Input, Outbox};
use crate::kafka::names::{BrokerId, Name};
use crate::kafka::protocol::api::{Api, Request, Response};
use crate::kafka::protocol::errors;
use crate::sim::time::{Duration, Time};

const LOGGER: &str = "org.apache.kafka.clients.NetworkClient";

/// Connections and metadata. `T` is what the owner wants back with an answer.
#[derive(Clone, Debug)]
pub struct ClusterClient<T> {
    pub network: NetworkClient<Token<T>>,
    pub metadata: Metadata,
    bootstrap: Vec<HostPort>,
    /// Whether the loss of a bootstrap connection, and what is wrong with topics, is worth a line in the log. (Kafka's admin client says nothing.)
    pub warns_of_bootstrap: bool,
    /// The addresses are controllers', and the nodes of the cluster are controllers (KIP-919).
    pub from_controllers: bool,
    /// New metadata is due and no node can be asked: a connection or the end of a backoff comes first, and wakes by itself.
    update_waits: bool,
    /// Nothing is asked before: the thread that would do it sleeps (a producer's, between two attempts to get its id).
    pub asleep_until: Option<Time>,
    /// It would push its metrics (`enable.metrics.push`), and has not found out yet that nobody wants them.
    pub wants_telemetry: bool,
    polled: Time,
}

#[derive(Clone, Debug)]
pub enum Token<T> {
    Metadata,
    Owner(T),
}

/// What a step brought.
#[derive(Debug)]
pub struct Progress<T> {
    pub completed: Vec<Completed<T>>,
    /// New metadata came; `metadata.cluster()` has it.
    pub metadata_updated: bool,
    /// A node did not believe who this is, or is none that can say who is in the cluster: what waits for metadata is told
    /// (`Metadata.fatalError`).
    pub fatal: Option<ClientError>,
    /// Nodes whose connections ended, or came to nothing.
    pub disconnected: Vec<BrokerId>,
}

impl<T> ClusterClient<T> {
    /// `log_context` is what log lines begin with: `Producer clientId=checkout`.
    pub fn new(
        client_id: &str,
        log_context: &str,
        bootstrap: Vec<HostPort>,
        network: NetworkConfig,
        metadata: MetadataConfig,
    ) -> ClusterClient<T> {
        let mut network = NetworkClient::new(client_id, log_context, network);
        for (i, address) in bootstrap.iter().enumerate() {
            network.set_node(bootstrap_id(i), address.clone());
        }
        ClusterClient {
            network,
            metadata: Metadata::new(metadata),
            bootstrap,
            warns_of_bootstrap: true,
            from_controllers: false,
            update_waits: false,
            asleep_until: None,
            wants_telemetry: false,
            polled: Time::ZERO,
        }
    }

    pub fn cluster(&self) -> &Arc<Cluster> {
        self.metadata.cluster()
    }

    /// Nodes that any question can go to: the brokers, or while none is known the bootstrap addresses.
    pub fn nodes(&self) -> Vec<BrokerId> {
        match self.cluster().brokers.is_empty() {
            true => (0..self.bootstrap.len()).map(bootstrap_id).collect(),
            false => self.cluster().broker_ids(),
        }
    }

    /// Whether an input is about one of this client's connections.
    pub fn owns(&self, input: &Input) -> bool {
        self.network.owns(input)
    }

    /// Takes an input (also one that is about nothing of ours), asks for metadata if it is time, returns what is over.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Outbox) -> Progress<T> {
        if self.wants_telemetry && self.network.owns(&input) && self.network.any_is_ready() {
            self.give_up_telemetry();
        }
        let completed = self.network.handle(now, input, out);
        self.progress(now, completed, out)
    }

    /// As [`ClusterClient::handle`] without an input.
    pub fn poll(&mut self, now: Time, out: &mut Outbox) -> Progress<T> {
        let completed = self.network.poll(now, out);
        self.progress(now, completed, out)
    }

    pub fn ready(&mut self, now: Time, node: BrokerId, out: &mut Outbox) -> bool {
        self.network.ready(now, node, out)
    }

    /// # Errors
    /// [`NotReady`]: ask `ready` first.
    pub fn send(&mut self, now: Time, node: BrokerId, outgoing: Outgoing, token: T, out: &mut Outbox) -> Result<(), NotReady> {
        self.network.send_with(now, node, outgoing, Token::Owner(token), out)
    }

    /// The least loaded node that can be sent to now, if any; a connection to one is on its way otherwise.
    pub fn any_ready(&mut self, now: Time, out: &mut Outbox) -> Option<BrokerId> {
        let nodes = self.nodes();
        let node = self.network.least_loaded(now, &nodes, out.rng());
        let Some(node) = node else {
            // Every one is in its backoff: be woken when the first is over.
            for node in nodes {
                self.network.ready(now, node, out);
            }
            return None;
        };
        self.network.ready(now, node, out).then_some(node)
    }

    /// When to be called at the latest.
    pub fn next_wake(&self) -> Option<Time> {
        let update = self
            .metadata
            .next_update()
            .filter(|_| !self.update_waits)
            .map(|at| at.max(self.polled).max(self.asleep_until.map_or(Time::ZERO, |until| until + Duration::us(1))));
        [self.network.next_wake(), update].into_iter().flatten().min()
    }

    pub fn close(&mut self, out: &mut Outbox) {
        self.network.close(out);
    }

    fn progress(&mut self, now: Time, over: Vec<Completed<Token<T>>>, out: &mut Outbox) -> Progress<T> {
        self.polled = now;
        let disconnected = self.note_disconnections(now, out);
        let mut progress = Progress {
            completed: Vec::with_capacity(over.len()),
            metadata_updated: false,
            fatal: self.network.take_auth_failure(),
            disconnected,
        };
        for Completed { token, node, sent, correlation_id, result } in over {
            match token {
                Token::Owner(token) => progress.completed.push(Completed { token, node, sent, correlation_id, result }),
                Token::Metadata => match self.metadata_answered(now, correlation_id, result, out) {
                    Ok(updated) => progress.metadata_updated |= updated,
                    Err(fatal) => progress.fatal = Some(fatal),
                },
            }
        }
        if let Err(fatal) = self.maybe_update_metadata(now, out) {
            progress.fatal = Some(fatal);
        }
        progress
    }

    /// `TelemetrySender` (KIP-714): with the first connection it makes a GetTelemetrySubscriptions, which brokers without a receiver of
    /// metrics do not have. So it is never sent and not made again, but has taken a correlation id.
    fn give_up_telemetry(&mut self) {
        self.wants_telemetry = false;
        self.network.reserve_correlation_id();
    }

    fn note_disconnections(&mut self, now: Time, out: &mut Outbox) -> Vec<BrokerId> {
        let mut disconnected = Vec::new();
        for (node, _) in self.network.take_disconnected() {
            disconnected.push(node);
            let no_metadata = self.cluster().brokers.is_empty();
            if let Some(address) = self.network.address(node).filter(|_| no_metadata && node.0 < 0 && self.warns_of_bootstrap) {
                let message = format!("Bootstrap broker {} disconnected", describe(node, address));
                self.network.log.warn(now, LOGGER, &message);
            }
            // A disconnect while an update is due counts as a failed update, so that the backoff grows.
            if self.metadata.next_update().is_some_and(|at| at <= now) {
                self.metadata.failed(now, out.rng());
            }
            self.metadata.request_update(false);
        }
        disconnected
    }

    /// Whether the answer brought metadata.
    ///
    /// # Errors
    /// One that will not pass (`RequestUtils.isFatalException`).
    fn metadata_answered(
        &mut self,
        now: Time,
        correlation_id: i32,
        result: Result<Answer, Failed>,
        out: &mut Outbox,
    ) -> Result<bool, ClientError> {
        let response = match result {
            Ok(Answer { response: Response::Metadata(response), .. }) => response,
            Ok(Answer { response: Response::DescribeCluster(response), .. }) if response.error_code == 0 => as_metadata(response),
            other => {
                self.metadata.failed(now, out.rng());
                return match other {
                    Ok(Answer { response: Response::DescribeCluster(body), .. })
                        if matches!(body.error_code, MISMATCHED_ENDPOINT_TYPE | UNSUPPORTED_ENDPOINT_TYPE) =>
                    {
                        Err(ClientError::of_code(body.error_code, body.error_message.as_deref()))
                    }
                    _ => Ok(false),
                };
            }
        };
        if response.brokers.is_empty() {
            // A broker that has just started knows nobody yet, itself included.
            self.metadata.failed(now, out.rng());
            return Ok(false);
        }
        let errors = self.metadata.update(now, response, out.rng());
        self.log_topic_errors(now, correlation_id, &errors);
        for (&id, broker) in &self.metadata.cluster().brokers {
            self.network.set_node(id, broker.address.clone());
        }
        Ok(true)
    }

    fn log_topic_errors(&mut self, now: Time, correlation_id: i32, errors: &BTreeMap<Name, i16>) {
        // An admin client's own metadata are of brokers: what it asks about topics are calls, and their errors the callers'.
        if errors.is_empty() || !self.warns_of_bootstrap {
            return;
        }
        let listed: Vec<String> = errors.iter().map(|(topic, &code)| format!("{topic}={}", errors::info(code).name)).collect();
        let issue = "The metadata response from the cluster reported a recoverable issue with correlation id";
        self.network.log.warn(now, LOGGER, &format!("{issue} {correlation_id} : {{{}}}", listed.join(", ")));
        let forbidden: Vec<&str> =
            errors.iter().filter(|&(_, &code)| code == TOPIC_AUTHORIZATION_FAILED).map(|(topic, _)| &**topic).collect();
        if !forbidden.is_empty() {
            let message = format!("Topic authorization failed for topics [{}]", forbidden.join(", "));
            self.network.log.error(now, "org.apache.kafka.clients.Metadata", &message);
        }
        let invalid: Vec<&str> = errors.iter().filter(|&(_, &code)| code == INVALID_TOPIC).map(|(topic, _)| &**topic).collect();
        if !invalid.is_empty() {
            let message = format!("Metadata response reported invalid topics [{}]", invalid.join(", "));
            self.network.log.error(now, "org.apache.kafka.clients.Metadata", &message);
        }
    }

    /// # Errors
    /// The node is none that could be asked.
    fn maybe_update_metadata(&mut self, now: Time, out: &mut Outbox) -> Result<(), ClientError> {
        self.update_waits = false;
        // Who wakes up does first what it slept for.
        if self.asleep_until.is_some_and(|until| until >= now) || self.metadata.next_update().is_none_or(|at| at > now) {
            return Ok(());
        }
        if !self.cluster().brokers.is_empty() && !self.network.has_available(now, &self.nodes()) {
            self.metadata.rebootstrap();
        }
        let Some(node) = self.any_ready(now, out) else {
            self.update_waits = true;
            return Ok(());
        };
        let api = if self.from_controllers { Api::DescribeCluster } else { Api::Metadata };
        if !self.network.offers(node, api) {
            self.metadata.failed(now, out.rng());
            return Err(ClientError::not_offered(api));
        }
        // Asked for, in either way.
        let metadata = self.metadata.request(now);
        let request = match self.from_controllers {
            true => DescribeClusterRequest::default().with_endpoint_type(CONTROLLER_ENDPOINTS).into(),
            false => Request::from(metadata),
        };
        let sent = self.network.send(now, node, request, Vec::new(), Token::Metadata, out);
        debug_assert!(sent.is_ok(), "any_ready said so");
        Ok(())
    }
}

const INVALID_TOPIC: i16 = 17;

/// `EndpointType.CONTROLLER`
pub(super) const CONTROLLER_ENDPOINTS: i8 = 2;

/// The controllers as the nodes of the cluster (`AdminMetadataManager` with `bootstrap.controllers`).
fn as_metadata(response: DescribeClusterResponse) -> MetadataResponse {
    let node = |node: DescribeClusterBroker| {
        MetadataResponseBroker::default().with_node_id(node.broker_id).with_host(node.host).with_port(node.port).with_rack(node.rack)
    };
    MetadataResponse::default()
        .with_cluster_id(Some(response.cluster_id))
        .with_controller_id(response.controller_id)
        .with_brokers(response.brokers.into_iter().map(node).collect())
}

fn bootstrap_id(index: usize) -> BrokerId {
    BrokerId(-1 - index as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::actor::{Outbox, Tell};
    use crate::kafka::client::testing::{Client, FakeBroker, bootstrap, client, world};
    use crate::sim::fault::Fault;
    use crate::sim::process::ProcessId;
    use crate::sim::time::Duration;

    /// Asks every broker for the cluster, once a second.
    #[derive(Clone, Debug)]
    struct Asker {
        client: ClusterClient<u32>,
        next: Time,
        asked: u32,
        answers: Vec<(BrokerId, u32, bool)>,
    }

    impl Asker {
        fn new() -> Asker {
            let network = NetworkConfig { request_timeout: Duration::secs(2), ..NetworkConfig::default() };
            let mut client = ClusterClient::new("asker", "Asker", bootstrap(), network, MetadataConfig::default());
            client.metadata.add_topic(Time::ZERO, &"orders".into());
            Asker { client, next: Time::ZERO, asked: 0, answers: Vec::new() }
        }
    }

    impl Client for Asker {
        fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
            let progress = self.client.handle(now, input, out);
            for over in progress.completed {
                self.answers.push((over.node, over.token, over.result.is_ok()));
            }
            if now < self.next {
                return;
            }
            let brokers = self.client.cluster().broker_ids();
            let mut sent = !brokers.is_empty();
            for node in brokers {
                if self.client.ready(now, node, out) {
                    let request = Outgoing::new(kafka_protocol::messages::DescribeClusterRequest::default());
                    self.client.send(now, node, request, self.asked, out).unwrap();
                } else {
                    sent = false;
                }
            }
            if sent {
                self.asked += 1;
                self.next = now + Duration::secs(1);
            }
        }

        fn next_wake(&self) -> Option<Time> {
            let own = Some(self.next).filter(|&at| at > self.client.polled);
            [own, self.client.next_wake()].into_iter().flatten().min()
        }
    }

    #[test]
    fn finds_all_brokers_from_one_address() {
        let (mut sim, id) = world(1, vec![FakeBroker::new(3), FakeBroker::new(3)], Asker::new());
        sim.run_until(Time::from_ms(5_000));
        let asker = client(&sim, id);
        let topic = asker.client.cluster().topic("orders").expect("the topic of interest").clone();
        assert_eq!(topic.partitions.iter().map(|p| p.leader.map_or(-1, |l| l.0)).collect::<Vec<_>>(), [1, 2, 1]);
        assert!(asker.asked >= 4 && asker.answers.iter().all(|&(_, _, ok)| ok), "{:?}", asker.answers);
        assert!(asker.client.network.log.lines().next().is_none());
    }

    #[test]
    fn a_mute_broker_costs_its_requests_and_a_dead_one_is_tried_with_backoff() {
        let (mut sim, id) = world(2, vec![FakeBroker::new(3), FakeBroker::new(3)], Asker::new());
        sim.run_until(Time::from_ms(1_500));
        sim.tell(ProcessId(1), Tell::Line("mute".into()));
        sim.run_until(Time::from_ms(5_000));
        let failed = client::<Asker>(&sim, id).answers.iter().filter(|&&(node, _, ok)| node.0 == 2 && !ok).count();
        assert!(failed > 0, "request.timeout.ms has passed");
        sim.inject(&Fault::Kill { host: "kafka-2".into() }, None).unwrap();
        let before = sim.conns().count();
        sim.run_until(Time::from_ms(25_000));
        let log = client(&sim, id).client.network.log.lines().map(|line| line.message.clone()).collect::<Vec<_>>();
        let refused = "[Asker] Connection to node 2 (kafka-2/10.77.0.2:9092) could not be established. Node may not be available.";
        let attempts = log.iter().filter(|line| *line == refused).count();
        assert!((15..=60).contains(&attempts), "{attempts} attempts in 20 s with a backoff up to 1 s: {log:?}");
        assert!(sim.conns().count() <= before);
    }

    #[test]
    fn without_a_cluster_it_says_so_and_goes_on() {
        let (mut sim, id) = world(3, vec![FakeBroker::new(1)], Asker::new());
        sim.inject(&Fault::Kill { host: "kafka-1".into() }, None).unwrap();
        sim.run_until(Time::from_ms(3_000));
        let log: Vec<String> = client(&sim, id).client.network.log.lines().map(|line| line.message.clone()).collect();
        let node = "[Asker] Connection to node -1 (kafka-1/10.77.0.1:9092) could not be established. Node may not be available.";
        assert_eq!(log[..2], [node, "[Asker] Bootstrap broker kafka-1:9092 (id: -1 rack: null isFenced: false) disconnected"]);
    }
}
