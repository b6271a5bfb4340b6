//! The controller's process: connections, requests in, answers out, sessions that end.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{AllocateProducerIdsRequest, AllocateProducerIdsResponse, ApiVersionsResponse, FetchRequest, FetchResponse};

use super::heartbeats::Moved;
use super::metadata_log::{self, METADATA_DIR, WaitingFetch};
use super::quorum::{self, Leader, Observer};
use super::report::event_of;
use super::{ControllerSpec, Outcome, State};
use crate::kafka::actor::{Input, Outbox};
use crate::kafka::event::{Event, Fenced};
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::log::recovery::{Reopen, open};
use crate::kafka::metadata::features;
use crate::kafka::metadata::record::MetadataRecord;
use crate::kafka::names::{BrokerId, CONTROLLER_PORT, directory_id, host_of};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::api_versions;
use crate::kafka::protocol::frame::{Body, Frame};
use crate::kafka::quota::Sampling;
use crate::kafka::quota::mutations::{MutationQuota, Mutations};
use crate::kafka::security::acl::Operation;
use crate::kafka::security::acl_requests;
use crate::kafka::security::authorizer::{Authorizer, Guard};
use crate::kafka::security::checks::{Checked, check};
use crate::kafka::security::merge::merge;
use crate::kafka::security::{ANONYMOUS, Who, address_of};
use crate::sim::disk::File;
use crate::sim::process::{Absent, Boot, ConnId, EventId, ReadId};
use crate::sim::time::Time;

/// How many producer ids a broker gets at once (`ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`).
const PRODUCER_ID_BLOCK_SIZE: i64 = 1_000;

/// A controller.
#[derive(Clone, Debug)]
pub struct Controller {
    spec: ControllerSpec,
    authorizer: Option<Authorizer>,
    mutations: Mutations,
    /// Where connections come from, if that matters.
    addresses: BTreeMap<ConnId, String>,
    state: State,
    /// The epoch of its leadership.
    epoch: i32,
    /// `None` while the log is read back.
    log: Option<PartitionLog>,
    reads: BTreeMap<ReadId, String>,
    files: BTreeMap<String, Arc<File>>,
    waiting: Vec<WaitingFetch>,
    /// Who fetches its log.
    observers: BTreeMap<i32, Observer>,
}

impl Controller {
    pub fn new(spec: &ControllerSpec, _boot: &Boot) -> Controller {
        let mut state = State { config: spec.config.clone(), ..State::default() };
        state.session_timeout_ms = state.setting("broker.session.timeout.ms", 9_000).max(1) as u64;
        Controller {
            authorizer: Authorizer::configured(&spec.config),
            addresses: BTreeMap::new(),
            mutations: Mutations::new(Sampling::configured(&spec.config, "controller.quota")),
            spec: spec.clone(),
            state,
            epoch: 0,
            log: None,
            reads: BTreeMap::new(),
            files: BTreeMap::new(),
            waiting: Vec::new(),
            observers: BTreeMap::new(),
        }
    }

    /// What it knows; for the stage, goals and tests.
    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn id(&self) -> BrokerId {
        self.spec.id
    }

    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// The metadata log, once it is open.
    pub fn log(&self) -> Option<&PartitionLog> {
        self.log.as_ref()
    }

    pub fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        self.state.now = now;
        match input {
            Input::Start => self.start(out),
            Input::Read(id, file) => self.read_back(id, file, out),
            Input::Frame(conn, frame) => self.frame(conn, frame, out),
            Input::Wake => self.wake(out),
            Input::Closed(conn, _) => {
                self.addresses.remove(&conn);
                self.waiting.retain(|waiting| waiting.conn != conn);
            }
            Input::Accepted { conn, from, .. } if self.authorizer.is_some() => {
                self.addresses.insert(conn, address_of(&from));
            }
            Input::Terminate => {
                if let Some(log) = &mut self.log {
                    log.close(&mut out.store());
                }
                out.exit(143);
            }
            Input::Accepted { .. } | Input::Connected(_) | Input::Told(_) => {}
        }
    }

    pub fn next_wake(&self) -> Option<Time> {
        let fetch = self.waiting.iter().map(|waiting| waiting.deadline).min();
        [self.state.next_session_end(), self.state.next_periodic_task(), fetch].into_iter().flatten().min()
    }

    fn start(&mut self, out: &mut Outbox) {
        let paths: Vec<String> = out.disk().list(METADATA_DIR).map(|(path, _)| path.to_string()).collect();
        for path in paths {
            self.reads.insert(out.read(&path), path);
        }
        if self.reads.is_empty() {
            self.open_log(out);
        }
    }

    fn read_back(&mut self, id: ReadId, file: Option<Arc<File>>, out: &mut Outbox) {
        if let (Some(path), Some(file)) = (self.reads.remove(&id), file) {
            self.files.insert(path, file);
        }
        if self.reads.is_empty() && self.log.is_none() {
            self.open_log(out);
        }
    }

    /// The log is there: replay it, take the lead in a new epoch, and listen.
    fn open_log(&mut self, out: &mut Outbox) {
        let fresh = self.files.is_empty();
        let mut log = if fresh {
            PartitionLog::create(METADATA_DIR, metadata_log::log_config(), &mut out.store())
        } else {
            let files = std::mem::take(&mut self.files);
            let config = metadata_log::log_config();
            let reopen = Reopen { dir: METADATA_DIR, config, files: &files, clean: false, recovery_point: 0, log_start_offset: 0 };
            open(reopen, &mut out.store()).0
        };
        for (next, records) in metadata_log::records_from(&log, log.log_start_offset()) {
            records.iter().for_each(|record| self.state.image.apply(record));
            self.state.next_offset = next;
        }
        self.epoch = log.latest_epoch().unwrap_or(0) + 1;
        log.begin_epoch(self.epoch, &mut out.store());
        self.log = Some(log);
        let elected = out.emit(Event::ControllerElected { controller: self.spec.id, epoch: self.epoch });
        out.because(Some(elected));
        self.state.begin_periodic_tasks();
        // A new controller gives every broker a whole session.
        let now = self.state.now;
        let unfenced: Vec<i32> = self.state.image.brokers.values().filter(|broker| !broker.fenced).map(|broker| broker.id).collect();
        for id in unfenced {
            self.state
                .sessions
                .insert(id, super::heartbeats::Session { last_heartbeat: now, metadata_offset: -1, controlled_shutdown_offset: None });
        }
        let records = if fresh { self.state.bootstrap_records(&self.spec.features) } else { vec![MetadataRecord::NoOp] };
        self.append(records, out);
        out.listen(CONTROLLER_PORT);
    }

    fn frame(&mut self, conn: ConnId, mut frame: Frame, out: &mut Outbox) {
        let refused = match self.authorize(conn, &mut frame) {
            Checked::All => None,
            Checked::Rest(refused) => Some(refused),
            Checked::Refused(answer) => {
                return out.send(conn, Frame::response(frame.correlation_id, frame.version, answer, Vec::new()));
            }
            Checked::Close => return out.close(conn),
        };
        let Body::Request { request, .. } = &frame.body else { return };
        let mut outcome = match request {
            Request::Fetch(fetch) => return self.fetch(conn, &frame, fetch, out),
            Request::BrokerRegistration(request) => {
                let outcome = self.state.register_broker(request);
                if let Response::BrokerRegistration(response) = &outcome.response
                    && response.error_code == 0
                {
                    let event = Event::BrokerRegistered { broker: BrokerId(request.broker_id.0), epoch: response.broker_epoch };
                    let event = out.emit(event);
                    out.because(Some(event));
                }
                outcome
            }
            Request::BrokerHeartbeat(request) => {
                let (outcome, moved) = self.state.heartbeat(request);
                self.report_moved(BrokerId(request.broker_id.0), moved, out);
                outcome
            }
            Request::AlterPartition(request) => self.state.alter_partition(request),
            Request::CreateTopics(request) => {
                let mut quota = mutation_quota(&mut self.mutations, &self.state, &frame, 6);
                let (outcome, events) = self.state.create_topics(request, &mut quota, out.rng());
                for event in events {
                    out.emit(event);
                }
                outcome
            }
            Request::CreatePartitions(request) => {
                let mut quota = mutation_quota(&mut self.mutations, &self.state, &frame, 3);
                let (outcome, events) = self.state.create_partitions(request, &mut quota, out.rng());
                for event in events {
                    out.emit(event);
                }
                outcome
            }
            Request::DeleteTopics(request) => {
                let mut quota = mutation_quota(&mut self.mutations, &self.state, &frame, 5);
                self.state.delete_topics(request, &mut quota)
            }
            Request::CreateAcls(request) => {
                let (records, response) = acl_requests::create_acls(&self.state.image.acls, self.authorizer.is_some(), request, out.rng());
                Outcome { records, response: response.into() }
            }
            Request::DeleteAcls(request) => {
                let (records, response) = acl_requests::delete_acls(&self.state.image.acls, self.authorizer.is_some(), request);
                Outcome { records, response: response.into() }
            }
            Request::DescribeAcls(request) => {
                Outcome::only(acl_requests::describe_acls(&self.state.image.acls, self.authorizer.is_some(), request))
            }
            Request::AlterUserScramCredentials(request) => self.state.alter_scram_credentials(request),
            Request::AlterClientQuotas(request) => self.state.alter_client_quotas(request),
            Request::IncrementalAlterConfigs(request) => self.state.alter_configs(request),
            Request::ElectLeaders(request) => self.state.elect_leaders(request),
            Request::AllocateProducerIds(request) => self.allocate_producer_ids(request),
            Request::AlterPartitionReassignments(request) => self.state.alter_partition_reassignments(request),
            Request::ListPartitionReassignments(request) => self.state.list_partition_reassignments(request),
            Request::UpdateFeatures(request) => self.state.update_features(self.spec.id.0, request),
            Request::UnregisterBroker(request) => self.state.unregister_broker(request),
            Request::DescribeQuorum(request) => Outcome::only(self.state.describe_quorum(self.leader(), &self.observers, request)),
            Request::RemoveRaftVoter(request) => Outcome::only(quorum::remove_voter(self.leader(), request)),
            Request::DescribeCluster(request) => Outcome::only(quorum::describe_cluster(self.leader(), &self.spec.cluster_id, request)),
            Request::ApiVersions(_) => {
                let response = ApiVersionsResponse::default().with_api_keys(api_versions::of_controllers());
                Outcome::only(features::advertise(response, &self.state.image.features, self.state.next_offset - 1))
            }
            // Nothing else is sent to a controller: its socket would be closed.
            _ => return out.close(conn),
        };
        if let Some(refused) = refused {
            merge(&mut outcome.response, &mut Vec::new(), refused);
        }
        self.append(outcome.records, out);
        out.send(conn, Frame::response(frame.correlation_id, frame.version, outcome.response, Vec::new()));
    }

    /// What of a request its sender may do (`ControllerApis`). Whoever passes requests on needs CLUSTER_ACTION; what is in them is whose it is.
    fn authorize(&self, conn: ConnId, frame: &mut Frame) -> Checked {
        let Some(authorizer) = &self.authorizer else { return Checked::All };
        let address = self.addresses.get(&conn).map_or("", String::as_str);
        let acls = &self.state.image.acls;
        let own = Guard { authorizer: Some(authorizer), acls, who: Who { principal: ANONYMOUS, host: address } };
        let guard = match &frame.envelope {
            Some(_) if !own.allows_cluster(Operation::ClusterAction) => return Checked::Close,
            Some(envelope) => Guard { who: Who { principal: &envelope.principal, host: &envelope.address }, ..own },
            None => own,
        };
        let Body::Request { request, .. } = &mut frame.body else { return Checked::Close };
        if matches!(request, Request::Fetch(_)) {
            // Of the metadata log.
            return if guard.allows_cluster(Operation::ClusterAction) { Checked::All } else { Checked::Close };
        }
        let what = format!("Request(listenerName=ListenerName(CONTROLLER), securityProtocol=PLAINTEXT, from={address})");
        check(&guard, &self.state.image, &what, request, &mut Vec::new())
    }

    fn report_moved(&mut self, broker: BrokerId, moved: Moved, out: &mut Outbox) {
        let event = match moved {
            Moved::Nowhere => return,
            Moved::Unfenced => Event::BrokerUnfenced { broker },
            Moved::BeganControlledShutdown => Event::ControlledShutdown { broker },
            Moved::ShutDown => Event::BrokerFenced { broker, why: Fenced::ShutDown },
        };
        let event = out.emit(event);
        out.because(Some(event));
    }

    fn allocate_producer_ids(&mut self, request: &AllocateProducerIdsRequest) -> Outcome {
        let start = self.state.image.next_producer_id;
        let next_producer_id = start + PRODUCER_ID_BLOCK_SIZE;
        let record = MetadataRecord::ProducerIds { broker_id: request.broker_id.0, broker_epoch: request.broker_epoch, next_producer_id };
        let response =
            AllocateProducerIdsResponse::default().with_producer_id_start(start.into()).with_producer_id_len(PRODUCER_ID_BLOCK_SIZE as i32);
        Outcome { records: vec![record], response: response.into() }
    }

    /// As it is asked about.
    fn leader(&self) -> Leader {
        let directory = directory_id(self.spec.id, &self.spec.cluster_id);
        Leader { id: self.spec.id, directory, epoch: self.epoch, log_end: self.state.next_offset }
    }

    fn fetch(&mut self, conn: ConnId, frame: &Frame, request: &FetchRequest, out: &mut Outbox) {
        let Some(log) = &self.log else { return };
        let asked = request.topics.first().and_then(|topic| topic.partitions.first());
        if let Some(asked) = asked.filter(|_| request.replica_state.replica_id.0 >= 0) {
            let (replica, offset) = (request.replica_state.replica_id.0, asked.fetch_offset);
            quorum::observe(&mut self.observers, replica, offset, log.log_end_offset(), self.state.now);
        }
        match metadata_log::fetch(log, self.epoch, self.spec.id.0, request) {
            Some((response, batches)) => out.send(conn, Frame::response(frame.correlation_id, frame.version, response, batches)),
            None if request.topics.is_empty() => {
                let response = FetchResponse::default().with_error_code(ResponseError::UnknownTopicId.code());
                out.send(conn, Frame::response(frame.correlation_id, frame.version, response, Vec::new()));
            }
            None => self.waiting.push(metadata_log::waiting(self.state.now, conn, frame, request)),
        }
    }

    /// Appends and applies records, reports what they mean, and answers the fetches that waited for them.
    fn append(&mut self, records: Vec<MetadataRecord>, out: &mut Outbox) {
        let Some(log) = &mut self.log else { return };
        if records.is_empty() {
            return;
        }
        if metadata_log::append(log, self.epoch, &records, &mut out.store()).is_err() {
            // A controller that cannot write its log cannot go on (`FaultHandler`).
            return out.exit(1);
        }
        let _ = out.disk().flush(&format!("{METADATA_DIR}/{:020}.log", log.log_start_offset()));
        self.state.next_offset = log.log_end_offset();
        for record in &records {
            if let Some(event) = event_of(record, &self.state.image) {
                out.emit(event);
            }
            self.state.image.apply(record);
        }
        for waiting in std::mem::take(&mut self.waiting) {
            let (response, batches) = metadata_log::fetch_waiting(log, self.epoch, self.spec.id.0, &waiting);
            out.send(waiting.conn, Frame::response(waiting.correlation_id, waiting.version, response, batches));
        }
    }

    fn wake(&mut self, out: &mut Outbox) {
        while let Some(broker) = self.state.stale_broker() {
            let fenced = self.fence_stale(BrokerId(broker), out);
            out.because(Some(fenced));
            self.append(self.state.fence(broker), out);
        }
        let records = self.state.periodic_tasks();
        self.append(records, out);
        let now = self.state.now;
        let (over, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().partition(|waiting| waiting.deadline <= now);
        self.waiting = waiting;
        let Some(log) = &self.log else { return };
        for over in over {
            let response = metadata_log::nothing_new(log, self.epoch, self.spec.id.0);
            out.send(over.conn, Frame::response(over.correlation_id, over.version, response, vec![Vec::new()]));
        }
    }

    fn fence_stale(&mut self, broker: BrokerId, out: &mut Outbox) -> EventId {
        let absent = Absent::Between(host_of(broker), host_of(self.spec.id));
        out.because(None);
        out.emit_without(Event::BrokerFenced { broker, why: Fenced::SessionExpired }, vec![absent])
    }
}

/// The quota for making and unmaking partitions that a request counts against; from version `strict` on it can be refused.
fn mutation_quota<'a>(mutations: &'a mut Mutations, state: &State, frame: &Frame, strict: i16) -> MutationQuota<'a> {
    let (user, client) = match (&frame.envelope, &frame.body) {
        (Some(envelope), _) => (envelope.principal.split_once(':').map_or("", |(_, name)| name), &*envelope.client_id),
        (None, Body::Request { client_id, .. }) => ("ANONYMOUS", client_id.as_str()),
        (None, Body::Response(_)) => ("", ""),
    };
    mutations.quota_for(state.now.as_ms(), &state.image.quotas, user, client, frame.version >= strict)
}
