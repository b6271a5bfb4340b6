//! Brokers as the controller counts on them (`ClusterControlManager`, `BrokerHeartbeatManager`): registration, heartbeats, fencing,
//! controlled shutdown.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::broker_registration_request::Listener;
use kafka_protocol::messages::{
    BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest, BrokerRegistrationResponse, UnregisterBrokerRequest,
    UnregisterBrokerResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::{Outcome, State};
use crate::kafka::metadata::record::{BrokerEndpoint, BrokerRegistration, MetadataRecord};
use crate::kafka::protocol::cordoned;
use crate::sim::time::{Duration, Time};

/// A broker's session.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub last_heartbeat: Time,
    /// Up to where it has applied the metadata.
    pub metadata_offset: i64,
    /// It waits until its leaderships are gone and every other broker knows of it: this offset.
    pub controlled_shutdown_offset: Option<i64>,
}

/// What a heartbeat moved a broker to, for the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    Nowhere,
    Unfenced,
    BeganControlledShutdown,
    ShutDown,
}

impl State {
    /// BrokerRegistration. Another live incarnation of the same id is refused until its session ends.
    pub fn register_broker(&mut self, request: &BrokerRegistrationRequest) -> Outcome {
        let id = request.broker_id.0;
        let answer = |error: i16, epoch| BrokerRegistrationResponse::default().with_error_code(error).with_broker_epoch(epoch);
        let existing = self.image.brokers.get(&id).cloned();
        if let Some(existing) = &existing
            && existing.incarnation != request.incarnation_id
            && !existing.in_controlled_shutdown
            && self.has_valid_session(id)
        {
            return Outcome::only(answer(ResponseError::DuplicateBrokerRegistration.code(), -1));
        }
        if request.listeners.is_empty() {
            return Outcome::only(answer(ResponseError::InvalidRegistration.code(), -1));
        }
        // The same incarnation again (its first request's answer was lost, or came late): an amendment, in the epoch that it has.
        let amended = existing.as_ref().filter(|existing| existing.incarnation == request.incarnation_id);
        let mut records = Vec::new();
        // Without a clean shutdown the broker may have lost what it acknowledged: it cannot count as in sync (KIP-966).
        let unclean = existing.as_ref().is_some_and(|existing| existing.epoch != request.previous_broker_epoch);
        if unclean && amended.is_none() && self.elr_enabled() {
            records.extend(self.handle_unclean_shutdown(id));
        }
        let epoch = amended.map_or(self.next_offset + records.len() as i64, |amended| amended.epoch);
        records.push(MetadataRecord::RegisterBroker(BrokerRegistration {
            id,
            incarnation: request.incarnation_id,
            epoch,
            endpoints: request.listeners.iter().map(endpoint).collect(),
            features: request
                .features
                .iter()
                .map(|feature| (feature.name.to_string(), feature.min_supported_version, feature.max_supported_version))
                .collect(),
            rack: request.rack.as_ref().map(|rack| rack.to_string()),
            fenced: amended.is_none_or(|amended| amended.fenced),
            in_controlled_shutdown: amended.is_some_and(|amended| amended.in_controlled_shutdown),
            log_dirs: request.log_dirs.clone(),
            cordoned_log_dirs: None,
        }));
        let fresh = Session { last_heartbeat: self.now, metadata_offset: -1, controlled_shutdown_offset: None };
        match self.sessions.get_mut(&id).filter(|_| amended.is_some()) {
            Some(session) => session.last_heartbeat = self.now,
            None => _ = self.sessions.insert(id, fresh),
        }
        Outcome { records, response: answer(0, epoch).into() }
    }

    /// BrokerHeartbeat: keeps the session, and moves the broker between fenced, unfenced and shutting down.
    pub fn heartbeat(&mut self, request: &BrokerHeartbeatRequest) -> (Outcome, Moved) {
        let id = request.broker_id.0;
        let Some(broker) = self.image.brokers.get(&id).cloned().filter(|broker| broker.epoch == request.broker_epoch) else {
            let response = BrokerHeartbeatResponse::default().with_error_code(ResponseError::StaleBrokerEpoch.code()).with_is_fenced(true);
            return (Outcome::only(response), Moved::Nowhere);
        };
        let now = self.now;
        let fresh = Session { last_heartbeat: now, metadata_offset: -1, controlled_shutdown_offset: None };
        let session = self.sessions.entry(id).or_insert(fresh);
        session.last_heartbeat = now;
        session.metadata_offset = request.current_metadata_offset;
        let caught_up = request.current_metadata_offset >= broker.epoch;
        let mut fenced = broker.fenced;
        let mut records = self.handle_directories_offline(&broker, &request.offline_log_dirs);
        let mut moved = Moved::Nowhere;
        let mut should_shut_down = false;
        if request.want_shut_down {
            if fenced {
                should_shut_down = true;
            } else if !broker.in_controlled_shutdown {
                moved = Moved::BeganControlledShutdown;
                records.extend(self.begin_controlled_shutdown(id, broker.epoch));
                self.sessions.entry(id).or_insert(fresh).controlled_shutdown_offset = Some(self.next_offset + records.len() as i64 - 1);
            } else if self.may_shut_down(id) {
                should_shut_down = true;
                fenced = true;
                moved = Moved::ShutDown;
                records.extend(self.fence(id));
            }
        } else if fenced && caught_up && !request.want_fence {
            fenced = false;
            moved = Moved::Unfenced;
            records.extend(self.unfence(id, broker.epoch));
        }
        records.extend(self.handle_directories_cordoned(&broker, cordoned::said(request)));
        let response =
            BrokerHeartbeatResponse::default().with_is_caught_up(caught_up).with_is_fenced(fenced).with_should_shut_down(should_shut_down);
        (Outcome { records, response: response.into() }, moved)
    }

    /// UnregisterBroker: the broker leaves its partitions and is forgotten.
    #[inline(never)]
    pub fn unregister_broker(&mut self, request: &UnregisterBrokerRequest) -> Outcome {
        let id = request.broker_id.0;
        let Some(epoch) = self.image.brokers.get(&id).map(|broker| broker.epoch) else {
            let message = format!("Broker ID {id} is not currently registered");
            let response = UnregisterBrokerResponse::default()
                .with_error_code(ResponseError::BrokerIdNotRegistered.code())
                .with_error_message(Some(StrBytes::from_string(message)));
            return Outcome::only(response);
        };
        let mut records = self.handle_broker_fenced(id);
        records.push(MetadataRecord::UnregisterBroker { broker_id: id, broker_epoch: epoch });
        self.sessions.remove(&id);
        Outcome { records, response: UnregisterBrokerResponse::default().into() }
    }

    /// The broker whose session has ended longest ago, if any has.
    pub fn stale_broker(&self) -> Option<i32> {
        let stale = self.sessions.iter().filter(|(id, session)| self.is_unfenced(**id) && self.session_end(session) <= self.now);
        stale.min_by_key(|(_, session)| session.last_heartbeat).map(|(&id, _)| id)
    }

    /// When the next session ends unless a heartbeat comes.
    pub fn next_session_end(&self) -> Option<Time> {
        self.sessions.iter().filter(|(id, _)| self.is_unfenced(**id)).map(|(_, session)| self.session_end(session)).min()
    }

    /// When this broker's session ends, if it has one that counts.
    pub fn session_end_of(&self, broker: i32) -> Option<Time> {
        self.sessions.get(&broker).filter(|_| self.is_unfenced(broker)).map(|session| self.session_end(session))
    }

    /// Fencing: its partitions change first, its registration after (as in Kafka's log).
    pub fn fence(&self, broker: i32) -> Vec<MetadataRecord> {
        let Some(registration) = self.image.brokers.get(&broker) else { return Vec::new() };
        let mut records = self.handle_broker_fenced(broker);
        records.push(MetadataRecord::BrokerRegistrationChange {
            broker_id: broker,
            broker_epoch: registration.epoch,
            fenced: Some(true),
            in_controlled_shutdown: false,
            log_dirs: None,
            cordoned_log_dirs: None,
        });
        records
    }

    fn unfence(&self, broker: i32, epoch: i64) -> Vec<MetadataRecord> {
        let mut records = vec![MetadataRecord::BrokerRegistrationChange {
            broker_id: broker,
            broker_epoch: epoch,
            fenced: Some(false),
            in_controlled_shutdown: false,
            log_dirs: None,
            cordoned_log_dirs: None,
        }];
        records.extend(self.handle_broker_unfenced(broker));
        records
    }

    fn begin_controlled_shutdown(&self, broker: i32, epoch: i64) -> Vec<MetadataRecord> {
        let mut records = vec![MetadataRecord::BrokerRegistrationChange {
            broker_id: broker,
            broker_epoch: epoch,
            fenced: None,
            in_controlled_shutdown: true,
            log_dirs: None,
            cordoned_log_dirs: None,
        }];
        records.extend(self.handle_broker_in_controlled_shutdown(broker));
        records
    }

    /// Every other broker that counts has applied the metadata in which this one leads nothing.
    fn may_shut_down(&self, broker: i32) -> bool {
        let leads = self.image.partitions().any(|(_, _, partition)| partition.leader == broker);
        let Some(offset) = self.sessions.get(&broker).and_then(|session| session.controlled_shutdown_offset) else { return !leads };
        let known = self
            .sessions
            .iter()
            .filter(|(id, _)| **id != broker && self.image.is_active(**id))
            .all(|(_, session)| session.metadata_offset >= offset);
        known && !leads
    }

    fn has_valid_session(&self, broker: i32) -> bool {
        self.sessions.get(&broker).is_some_and(|session| self.session_end(session) > self.now) && self.is_unfenced(broker)
    }

    fn is_unfenced(&self, broker: i32) -> bool {
        self.image.brokers.get(&broker).is_some_and(|broker| !broker.fenced)
    }

    fn session_end(&self, session: &Session) -> Time {
        session.last_heartbeat + Duration::ms(self.session_timeout_ms)
    }
}

fn endpoint(listener: &Listener) -> BrokerEndpoint {
    BrokerEndpoint {
        listener: listener.name.to_string(),
        host: listener.host.to_string(),
        port: listener.port,
        security: listener.security_protocol,
    }
}
