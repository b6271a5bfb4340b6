//! The broker's process: its state, and who takes which input.

use std::collections::{BTreeMap, BTreeSet};

use super::assignments::Assignments;
use super::fetcher::Fetcher;
use super::forward::{Call, Forwarding};
use super::future_logs::FutureLogs;
use super::groups::Groups;
use super::isr::IsrProposals;
use super::lifecycle::Lifecycle;
use super::listeners::Listeners;
use super::log_cleaner::LogCleaner;
use super::log_dirs::LogDirs;
use super::log_manager::LogManager;
use super::log_mover::LogMover;
use super::metadata::Metadata;
use super::quorum::Quorum;
use super::replicas::Replicas;
use super::requests::ClientConn;
use super::startup::Reading;
use super::throttle::Throttles;
use super::{BrokerSpec, Settings};
use crate::kafka::actor::{Input, Outbox};
use crate::kafka::client::network::{NetworkClient, NetworkConfig};
use crate::kafka::group::config::GroupConfig;
use crate::kafka::group::coordinator::GroupCoordinator;
use crate::kafka::metadata::image::Image;
use crate::kafka::names::{BrokerId, CONTROLLER_PORT};
use crate::kafka::protocol::frame::Frame;
use crate::kafka::quota::Sampling;
use crate::kafka::quota::client_quotas::ClientQuotas;
use crate::kafka::security::authorizer::Authorizer;
use crate::kafka::security::sasl::{SaslListener, inter_broker_credentials, sasl_listeners};
use crate::sim::process::{Boot, ConnId, EventId};
use crate::sim::service::Pool;
use crate::sim::time::{Duration, Time};

/// A broker.
#[derive(Clone, Debug)]
pub struct Broker {
    pub(super) spec: BrokerSpec,
    pub(super) settings: Settings,
    pub(super) listeners: Listeners,
    pub(super) log_dirs: LogDirs,
    pub(super) authorizer: Option<Authorizer>,
    /// The listeners with SASL, by port.
    pub(super) sasl: BTreeMap<u16, SaslListener>,
    pub(super) lifecycle: Lifecycle,
    pub(super) reading: Reading,
    pub(super) image: Image,
    pub(super) metadata: Metadata,
    pub(super) replicas: Replicas,
    pub(super) fetchers: BTreeMap<BrokerId, Fetcher>,
    pub(super) proposals: IsrProposals,
    pub(super) throttles: Throttles,
    pub(super) quotas: ClientQuotas,
    /// Connections of which nothing is taken up until then.
    pub(super) muted: BTreeSet<(Time, ConnId)>,
    /// Whoever was not believed, with what is said to them last, and when.
    pub(super) not_believed: BTreeMap<(Time, ConnId), Frame>,
    pub(super) groups: Groups,
    pub(super) forwarding: Forwarding,
    /// Connections that others opened.
    pub(super) conns: BTreeMap<ConnId, ClientConn>,
    /// The request handlers, and the requests that wait for one.
    pub(super) handlers: Pool<(ConnId, Frame, Option<EventId>)>,
    pub(super) quorum: Quorum,
    /// To the controller, for calls; to other brokers, to follow them.
    pub(super) controller_net: NetworkClient<Call>,
    pub(super) replica_net: NetworkClient<BrokerId>,
    /// Of the last step: what was due then and could not be done (no connection yet) is tried when the network says so, not by waking again.
    now: Time,
    pub(super) next_isr_check: Option<Time>,
    pub(super) next_checkpoint: Option<Time>,
    pub(super) logs: LogManager,
    pub(super) cleaner: LogCleaner,
    pub(super) futures: FutureLogs,
    pub(super) mover: LogMover,
    pub(super) assignments: Assignments,
}

impl Broker {
    pub fn new(spec: &BrokerSpec, _boot: &Boot) -> Broker {
        let client_id = |role: &str| format!("broker-{}-{role}", spec.id);
        let network = NetworkConfig::default();
        let to_brokers = NetworkConfig { max_in_flight: 1, sasl: inter_broker_credentials(&spec.config), ..network.clone() };
        // ReplicaFetcherBlockingSend: replica.socket.timeout.ms; one fetch at a time.
        Broker {
            settings: Settings::parse(&spec.config),
            listeners: Listeners::parse(&spec.config, spec.id),
            log_dirs: LogDirs::parse(&spec.config, spec.id, &spec.cluster_id),
            authorizer: Authorizer::configured(&spec.config),
            sasl: sasl_listeners(&spec.config),
            lifecycle: Lifecycle::default(),
            reading: Reading::default(),
            image: Image::default(),
            metadata: Metadata::default(),
            replicas: Replicas::default(),
            fetchers: BTreeMap::new(),
            proposals: IsrProposals::default(),
            throttles: Throttles::default(),
            quotas: ClientQuotas::new(Sampling::configured(&spec.config, "quota")),
            muted: BTreeSet::new(),
            not_believed: BTreeMap::new(),
            groups: Groups::new(GroupCoordinator::new(GroupConfig::from_properties(&spec.config))),
            forwarding: Forwarding::default(),
            conns: BTreeMap::new(),
            handlers: Pool::new(Settings::parse(&spec.config).io_threads),
            quorum: Quorum::new(spec),
            controller_net: NetworkClient::new(&client_id("to-controller"), "", NetworkConfig { max_in_flight: 100, ..network.clone() }),
            replica_net: NetworkClient::new(&client_id("fetcher-0"), "", to_brokers),
            now: Time::ZERO,
            next_isr_check: None,
            next_checkpoint: None,
            logs: LogManager::default(),
            cleaner: LogCleaner::default(),
            futures: FutureLogs::default(),
            mover: LogMover::default(),
            assignments: Assignments::default(),
            spec: spec.clone(),
        }
    }

    pub fn id(&self) -> BrokerId {
        self.spec.id
    }

    pub fn spec(&self) -> &BrokerSpec {
        &self.spec
    }

    pub fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// The cluster as this broker knows it.
    pub fn image(&self) -> &Image {
        &self.image
    }

    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Its partitions; for the stage, goals and tests.
    pub fn replicas(&self) -> &Replicas {
        &self.replicas
    }

    /// Replicas that are to be in another of its directories.
    pub fn futures(&self) -> &FutureLogs {
        &self.futures
    }

    pub fn coordinator(&self) -> &GroupCoordinator {
        &self.groups.coordinator
    }

    pub fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        self.now = now;
        match input {
            Input::Start => self.start_up(now, out),
            Input::Read(id, file) => self.read_back(now, id, file, out),
            Input::Accepted { conn, port: CONTROLLER_PORT, from } => self.quorum.accepted(conn, &from),
            Input::Accepted { conn, port, from } => self.accepted(conn, port, from),
            Input::Terminate => self.begin_controlled_shutdown(now, out),
            Input::Wake => self.wake(now, out),
            Input::Told(_) => {}
            input @ (Input::Connected(_) | Input::Frame(..) | Input::Closed(..)) => self.network(now, input, out),
        }
        // The controller in this process may have answered already.
        if self.quorum.controller.as_ref().is_some_and(|controller| controller.has_local()) {
            self.quorum_moved(now, out);
        }
        self.poll_groups(now, out);
    }

    pub fn next_wake(&self) -> Option<Time> {
        [
            self.quorum.wake,
            self.controller_net.next_wake(),
            self.replica_net.next_wake(),
            self.lifecycle.next_wake(),
            self.proposals.next_wake(),
            self.fetchers_wake(),
            self.replicas.next_deadline(),
            self.handlers.next_wake(),
            self.muted.first().map(|(until, _)| *until),
            self.not_believed.first_key_value().map(|((at, _), _)| *at),
            self.groups.coordinator.next_wake(),
            self.next_isr_check,
            self.next_checkpoint,
            self.logs.next_wake(),
            self.cleaner.next_wake(),
            self.mover.next_wake(),
            self.assignments.next_wake(),
        ]
        .into_iter()
        .flatten()
        .filter(|at| *at > self.now)
        .min()
    }

    fn network(&mut self, now: Time, input: Input, out: &mut Outbox) {
        if self.replica_net.owns(&input) {
            let completed = self.replica_net.handle(now, input, out);
            completed.into_iter().for_each(|completed| self.fetched(now, completed.token, completed.result, out));
            self.send_fetches(now, out);
        } else if self.controller_net.owns(&input) {
            let completed = self.controller_net.handle(now, input, out);
            completed.into_iter().for_each(|completed| self.controller_answered(now, completed, out));
            self.call_what_waits(now, out);
        } else if self.quorum.owns(&input) {
            self.quorum_input(now, input, out);
        } else {
            match input {
                Input::Frame(conn, frame) => self.received(now, conn, frame, out),
                Input::Closed(conn, reason) => self.client_closed(now, conn, reason, out),
                _ => {}
            }
        }
    }

    fn wake(&mut self, now: Time, out: &mut Outbox) {
        if self.quorum.wake.is_some_and(|at| at <= now) {
            self.poll_quorum(now, out);
        }
        for completed in self.controller_net.poll(now, out) {
            self.controller_answered(now, completed, out);
        }
        for completed in self.replica_net.poll(now, out) {
            self.fetched(now, completed.token, completed.result, out);
        }
        self.lose_patience(now, out);
        self.handle_finished(now, out);
        self.unmute(now, out);
        self.close_not_believed(now, out);
        if self.mover.next_wake().is_some_and(|at| at <= now) {
            self.move_logs(now, out);
        }
        self.expire_produces(now, out);
        self.expire_fetches(now, out);
        self.complete_deletes(now, out);
        self.call_what_waits(now, out);
        self.send_fetches(now, out);
        self.periodic(now, out);
    }

    /// Everything that waits for the controller.
    pub(super) fn call_what_waits(&mut self, now: Time, out: &mut Outbox) {
        self.talk_to_controller(now, out);
        self.send_proposals(now, out);
        self.send_forwards(now, out);
        if self.assignments.next_wake().is_some_and(|at| at <= now) {
            self.send_assignments(now, out);
        }
        self.ask_for_producer_ids(now, out);
    }

    fn periodic(&mut self, now: Time, out: &mut Outbox) {
        if self.next_isr_check.is_some_and(|at| at <= now) {
            self.next_isr_check = Some(now + Duration::ms((self.settings.replica_lag_time_max_ms / 2).max(1)));
            self.shrink_isrs(now, out);
        }
        if self.next_checkpoint.is_some_and(|at| at <= now) {
            self.next_checkpoint = Some(now + Duration::ms(self.settings.hw_checkpoint_interval_ms));
            self.check_log_dirs(now, out);
            self.write_high_watermarks(out);
        }
        self.run_log_tasks(now, out);
        self.run_cleaner(now, out);
    }
}
