//! Registration, heartbeats, fencing, controlled shutdown (`BrokerLifecycleManager`).

use kafka_protocol::messages::broker_registration_request::{Feature, Listener};
use kafka_protocol::messages::{BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest, BrokerRegistrationResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::forward::Call;
use super::process::Broker;
use crate::kafka::actor::Outbox;
use crate::kafka::event::Event;
use crate::kafka::metadata::features::{FEATURES, cordons_log_dirs};
use crate::kafka::names::uuid_text;
use crate::kafka::protocol::cordoned;
use crate::sim::time::{Duration, Time};

/// `BrokerState`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Reads its disk.
    Starting,
    /// Registers, and catches up with the metadata.
    Recovery,
    Running,
    PendingControlledShutdown,
    /// The broker has ended; the controller in the same process hands over.
    Stopped,
}

/// Where a broker is in its life.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    pub state: State,
    incarnation: Uuid,
    epoch: Option<i64>,
    /// The epoch of the last incarnation, if that stopped in an orderly way.
    previous_epoch: i64,
    fenced: bool,
    next_at: Option<Time>,
    in_flight: bool,
    /// So long it waits for a controller that registers it, or lets it go.
    patience_ends: Option<Time>,
    /// Directories whose failure no controller has heard of yet, and how long that may be; at most all.
    untold_failures: Vec<(Uuid, Time)>,
    /// Those that the heartbeat under way tells of.
    telling: Vec<Uuid>,
}

/// The wait before a registration or heartbeat that failed is tried again.
const RETRY: Duration = Duration::ms(100);
/// Then a broker stops without the controller's leave (`BrokerServer.shutdown`).
const CONTROLLED_SHUTDOWN_TIMEOUT: Duration = Duration::secs(300);

impl Default for Lifecycle {
    /// A broker that begins to read its disk.
    fn default() -> Lifecycle {
        Lifecycle {
            state: State::Starting,
            incarnation: Uuid::nil(),
            epoch: None,
            previous_epoch: -1,
            fenced: true,
            next_at: None,
            in_flight: false,
            patience_ends: None,
            untold_failures: Vec::new(),
            telling: Vec::new(),
        }
    }
}

impl Lifecycle {
    /// Of this run of the broker.
    pub fn incarnation(&self) -> Uuid {
        self.incarnation
    }

    /// Since it was registered.
    pub fn broker_epoch(&self) -> Option<i64> {
        self.epoch
    }

    pub fn is_fenced(&self) -> bool {
        self.fenced
    }

    /// The epoch that the mark of an orderly stop names: of a life that was never registered, the one before.
    pub fn epoch_to_leave(&self) -> i64 {
        self.epoch.unwrap_or(self.previous_epoch)
    }

    pub fn next_wake(&self) -> Option<Time> {
        let deadlines = self.untold_failures.iter().map(|(_, deadline)| *deadline);
        self.next_at.filter(|_| !self.in_flight).into_iter().chain(self.patience_ends).chain(deadlines).min()
    }
}

impl Broker {
    /// The logs are open: register.
    pub(super) fn begin_registration(&mut self, now: Time, previous_epoch: i64, out: &mut Outbox) {
        self.lifecycle.state = State::Recovery;
        self.lifecycle.incarnation = Uuid::from_bytes(out.rng().bytes16());
        self.lifecycle.previous_epoch = previous_epoch;
        self.lifecycle.next_at = Some(now);
        self.lifecycle.patience_ends = Some(now + Duration::ms(self.settings.initial_registration_timeout_ms));
        self.talk_to_controller(now, out);
    }

    /// SIGTERM: hand over the leaderships first, unless controlled.shutdown.enable says no: then the session ends by itself. One that comes before the broker is up ends the process as it is, without the mark of a
    /// clean stop: what was not recovered must be recovered by the next start (`BrokerServer.maybeChangeStatus`).
    #[inline(never)]
    pub(super) fn begin_controlled_shutdown(&mut self, now: Time, out: &mut Outbox) {
        match self.lifecycle.state {
            State::Running if !self.settings.controlled_shutdown => self.shut_down(now, out),
            State::Running => {
                self.lifecycle.state = State::PendingControlledShutdown;
                self.lifecycle.next_at = Some(now);
                self.lifecycle.patience_ends = Some(now + CONTROLLED_SHUTDOWN_TIMEOUT);
                self.talk_to_controller(now, out);
            }
            State::PendingControlledShutdown | State::Stopped => {}
            State::Starting | State::Recovery => {
                self.lifecycle.state = State::Stopped;
                (self.lifecycle.next_at, self.lifecycle.patience_ends) = (None, None);
                out.exit(143);
            }
        }
    }

    /// No controller has registered the broker in time, or let it go: it ends. (`RegistrationTimeoutEvent`: "Shutting down because we were
    /// unable to register with the controller quorum."; "Timed out waiting for the controller to approve controlled shutdown".)
    pub(super) fn lose_patience(&mut self, now: Time, out: &mut Outbox) {
        self.give_up_telling(now, out);
        if self.lifecycle.patience_ends.is_none_or(|at| at > now) {
            return;
        }
        let is_registered = self.lifecycle.epoch.is_some();
        self.shut_down(now, out);
        if !is_registered {
            // "Exiting Kafka due to fatal exception during startup."
            out.exit(1);
        }
    }

    /// Registers or sends a heartbeat, if one is due.
    pub(super) fn talk_to_controller(&mut self, now: Time, out: &mut Outbox) {
        let lifecycle = &self.lifecycle;
        if matches!(lifecycle.state, State::Starting | State::Stopped) || lifecycle.in_flight || lifecycle.next_at.is_none_or(|at| at > now)
        {
            return;
        }
        if !self.controller_ready(now, out) {
            return;
        }
        // The answer may come at once, if the controller is in this process.
        self.lifecycle.in_flight = true;
        let sent = match self.lifecycle.epoch {
            None => self.call_controller(now, self.registration(), Call::Register, out),
            Some(epoch) => {
                let mut request = self.heartbeat_request(epoch);
                if self.metadata.is_published() && cordons_log_dirs(&self.image.features) {
                    cordoned::say(&mut request, &self.log_dirs.cordoned());
                }
                self.lifecycle.telling = request.offline_log_dirs.clone();
                self.call_controller(now, request, Call::Heartbeat, out)
            }
        };
        self.lifecycle.in_flight &= sent;
    }

    /// `propagateDirectoryFailure`: the controller is told at once. One that cannot be told for log.dir.failure.timeout.ms goes on to count on what lay
    /// there, so that the broker stops then. (What is broken at the start is not even registered.)
    pub(super) fn propagate_directory_failure(&mut self, now: Time, directory: Uuid, out: &mut Outbox) {
        if self.lifecycle.state != State::Starting {
            self.lifecycle.untold_failures.push((directory, now + Duration::ms(self.settings.log_dir_failure_timeout_ms)));
        }
        self.tell_controller_now(now, out);
    }

    /// `OfflineDirBrokerFailureEvent`
    #[inline(never)]
    fn give_up_telling(&mut self, now: Time, out: &mut Outbox) {
        let Some(at) = self.lifecycle.untold_failures.iter().position(|(_, deadline)| *deadline <= now) else { return };
        let (directory, _) = self.lifecycle.untold_failures.remove(at);
        let line = format!(
            "ERROR [BrokerLifecycleManager id={}] Shutting down because couldn't communicate offline log dir {} with controllers \
             (org.apache.kafka.server.BrokerLifecycleManager)",
            self.spec.id,
            uuid_text(directory)
        );
        out.emit(Event::ServerLog { broker: self.spec.id, line: line.into() });
        self.begin_controlled_shutdown(now, out);
    }

    /// There is news for the controller: it is not kept until the next heartbeat is due.
    pub(super) fn tell_controller_now(&mut self, now: Time, out: &mut Outbox) {
        if self.lifecycle.epoch.is_some() && self.lifecycle.state != State::Stopped {
            self.lifecycle.next_at = Some(now);
            self.talk_to_controller(now, out);
        }
    }

    pub(super) fn registered(&mut self, now: Time, response: Option<BrokerRegistrationResponse>, out: &mut Outbox) {
        self.lifecycle.in_flight = false;
        self.lifecycle.next_at = Some(now + RETRY);
        if let Some(response) = response.filter(|response| response.error_code == 0) {
            self.lifecycle.epoch = Some(response.broker_epoch);
            if self.lifecycle.state == State::Recovery {
                self.lifecycle.patience_ends = None;
            }
            self.lifecycle.next_at = Some(now);
        }
        self.talk_to_controller(now, out);
    }

    pub(super) fn heartbeat_answered(&mut self, now: Time, response: Option<BrokerHeartbeatResponse>, out: &mut Outbox) {
        self.lifecycle.in_flight = false;
        let told = std::mem::take(&mut self.lifecycle.telling);
        let Some(response) = response.filter(|response| response.error_code == 0) else {
            self.lifecycle.next_at = Some(now + RETRY);
            return;
        };
        self.lifecycle.untold_failures.retain(|(directory, _)| !told.contains(directory));
        self.lifecycle.fenced = response.is_fenced;
        if response.should_shut_down {
            return self.shut_down(now, out);
        }
        if self.lifecycle.state == State::Recovery && !response.is_fenced {
            self.lifecycle.state = State::Running;
        }
        // While it waits for something (to be unfenced, to be let go), a broker asks more often.
        let eager = self.lifecycle.state != State::Running;
        let wait = if eager { Duration::ms(100) } else { Duration::ms(self.settings.heartbeat_interval_ms) };
        self.lifecycle.next_at = Some(now + wait);
        if response.is_caught_up && !self.metadata.is_published() {
            self.caught_up(now, out);
            // setReadyToUnfence
            self.lifecycle.next_at = Some(now);
            self.talk_to_controller(now, out);
        }
    }

    /// Closes the logs and leaves the mark of a clean stop; then its replica of the metadata log stops, and the process with it.
    pub(super) fn shut_down(&mut self, now: Time, out: &mut Outbox) {
        if self.lifecycle.state == State::Stopped {
            return;
        }
        self.lifecycle.state = State::Stopped;
        (self.lifecycle.next_at, self.lifecycle.patience_ends) = (None, None);
        self.close_clients(out);
        self.close_logs(out);
        self.quorum.raft.shut_down(now, out);
        self.finish_shutdown(out);
    }

    fn registration(&self) -> BrokerRegistrationRequest {
        let text = |text: String| StrBytes::from_string(text);
        let listeners = self.listeners.advertised.iter().map(|endpoint| {
            Listener::default()
                .with_name(text(endpoint.listener.clone()))
                .with_host(text(endpoint.host.clone()))
                .with_port(endpoint.port)
                .with_security_protocol(endpoint.security)
        });
        let features = FEATURES.iter().map(|feature| {
            Feature::default()
                .with_name(StrBytes::from_static_str(feature.name))
                .with_min_supported_version(feature.min)
                .with_max_supported_version(feature.max)
        });
        BrokerRegistrationRequest::default()
            .with_broker_id(self.spec.id.0.into())
            .with_cluster_id(text(self.spec.cluster_id.clone()))
            .with_incarnation_id(self.lifecycle.incarnation)
            .with_listeners(listeners.collect())
            .with_features(features.collect())
            .with_rack(self.spec.config.get("broker.rack").cloned().map(text))
            .with_log_dirs(self.log_dirs.online().map(|dir| dir.id).collect())
            .with_previous_broker_epoch(self.lifecycle.previous_epoch)
    }

    fn heartbeat_request(&self, epoch: i64) -> BrokerHeartbeatRequest {
        BrokerHeartbeatRequest::default()
            .with_broker_id(self.spec.id.0.into())
            .with_broker_epoch(epoch)
            .with_current_metadata_offset(self.metadata.applied_offset())
            .with_want_fence(!self.metadata.is_published())
            .with_offline_log_dirs(self.log_dirs.iter().filter(|dir| !dir.online).map(|dir| dir.id).collect())
            .with_want_shut_down(self.lifecycle.state == State::PendingControlledShutdown)
    }

    /// A started broker, for the event list.
    pub(super) fn report_started(&self, clean: bool, out: &mut Outbox) {
        let event = out.emit(Event::BrokerStarted { broker: self.spec.id, clean });
        out.because(Some(event));
    }
}
