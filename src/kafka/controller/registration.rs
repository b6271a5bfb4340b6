//! A controller makes itself known to the active one (`ControllerRegistrationManager`; KIP-919).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::controller_registration_request::{Feature, Listener};
use kafka_protocol::messages::{ControllerRegistrationRequest, ControllerRegistrationResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{Outcome, State};
use crate::kafka::actor::{HostPort, Input, Outbox};
use crate::kafka::client::network::{NetworkClient, NetworkConfig};
use crate::kafka::metadata::image::Image;
use crate::kafka::metadata::record::{BrokerEndpoint, ControllerRegistration as Registered, MetadataRecord};
use crate::kafka::names::{BrokerId, CONTROLLER_PORT, host_of};
use crate::kafka::raft::voters::CONTROLLER_LISTENER;
use crate::sim::rng::Rng;
use crate::sim::time::{Duration, Time};

/// The features that a controller of 4.3 supports, in the order in which it names them.
const FEATURES: [(&str, i16, i16); 7] = [
    ("group.version", 0, 1),
    ("kraft.version", 0, 1),
    ("metadata.version", 7, 30),
    ("share.version", 0, 1),
    ("streams.version", 0, 1),
    ("transaction.version", 0, 2),
    ("eligible.leader.replicas.version", 0, 1),
];
/// The wait after a registration, whatever came of it.
const RETRY: Duration = Duration::ms(100);

/// Whether this incarnation is registered, and the channel over which it does that.
#[derive(Clone, Debug)]
pub struct Registration {
    me: BrokerId,
    incarnation: Uuid,
    net: NetworkClient<()>,
    retry_at: Option<Time>,
}

impl Registration {
    pub fn new(me: BrokerId) -> Registration {
        let net = NetworkClient::new(&format!("controller-{me}-registration"), "", NetworkConfig::default());
        Registration { me, incarnation: Uuid::nil(), net, retry_at: None }
    }

    pub fn owns(&self, input: &Input) -> bool {
        self.net.owns(input)
    }

    pub fn network(&mut self, now: Time, input: Input, out: &mut Outbox) {
        // Whether it worked, the log will tell.
        self.net.handle(now, input, out);
    }

    pub fn next_wake(&self) -> Option<Time> {
        self.retry_at
    }

    /// Whether the cluster, once it is one, does not know this incarnation.
    pub fn is_wanted(&mut self, image: &Image, rng: &mut Rng) -> bool {
        if self.incarnation.is_nil() {
            self.incarnation = Uuid::from_bytes(rng.bytes16());
        }
        let wanted =
            !image.features.is_empty() && image.controllers.get(&self.me.0).is_none_or(|known| known.incarnation != self.incarnation);
        if !wanted {
            self.retry_at = None;
        }
        wanted
    }

    pub fn send(&mut self, now: Time, active: BrokerId, out: &mut Outbox) {
        if self.retry_at.is_some_and(|at| at > now) {
            return;
        }
        self.net.poll(now, out);
        self.net.set_node(active, HostPort { host: host_of(active), port: CONTROLLER_PORT });
        self.retry_at = Some(now + RETRY);
        if self.net.in_flight(active) == 0 && self.net.ready(now, active, out) {
            // Otherwise it is tried again.
            let _ = self.net.send(now, active, self.request(), Vec::new(), (), out);
        }
    }

    pub fn request(&self) -> ControllerRegistrationRequest {
        let text = StrBytes::from_static_str;
        let listener = Listener::default()
            .with_name(text(CONTROLLER_LISTENER))
            .with_host(StrBytes::from_string(host_of(self.me)))
            .with_port(CONTROLLER_PORT);
        let features = FEATURES.map(|(name, min, max)| {
            Feature::default().with_name(text(name)).with_min_supported_version(min).with_max_supported_version(max)
        });
        ControllerRegistrationRequest::default()
            .with_controller_id(self.me.0)
            .with_incarnation_id(self.incarnation)
            .with_listeners(vec![listener])
            .with_features(features.to_vec())
    }
}

impl State {
    /// ControllerRegistration (`ClusterControlManager.registerController`).
    #[inline(never)]
    pub fn register_controller(&self, request: &ControllerRegistrationRequest) -> Outcome {
        if request.listeners.is_empty() {
            let error = ResponseError::InvalidRegistration.code();
            return Outcome::only(ControllerRegistrationResponse::default().with_error_code(error));
        }
        let endpoints = request.listeners.iter().map(|listener| BrokerEndpoint {
            listener: listener.name.to_string(),
            host: listener.host.to_string(),
            port: listener.port,
            security: listener.security_protocol,
        });
        let features = request.features.iter();
        let record = Registered {
            id: request.controller_id,
            incarnation: request.incarnation_id,
            endpoints: endpoints.collect(),
            features: features
                .map(|feature| (feature.name.to_string(), feature.min_supported_version, feature.max_supported_version))
                .collect(),
        };
        Outcome { records: vec![MetadataRecord::RegisterController(record)], response: ControllerRegistrationResponse::default().into() }
    }
}
