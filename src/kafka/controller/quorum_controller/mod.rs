//! The controller that a replica of the metadata log makes (`QuorumController`): active while its replica leads, otherwise following.
//!
//! `requests`: who may ask what, and which rule answers.
//!
//! The active one decides on what it has written, committed or not; an answer goes out, and the cluster's image moves, when what it rests on is
//! committed. When it leads no more it forgets what was not.

mod requests;

use std::collections::{BTreeMap, VecDeque};

use kafka_protocol::messages::{AllocateProducerIdsRequest, AllocateProducerIdsResponse, ApiVersionsResponse};

use super::heartbeats::{Moved, Session};
use super::inactive::not_controller;
use super::registration::Registration;
use super::report::event_of;
use super::{ControllerSpec, Outcome, State, bootstrap, cluster};
use crate::kafka::actor::{Input, Outbox};
use crate::kafka::event::{Event, Fenced};
use crate::kafka::metadata::features;
use crate::kafka::metadata::image::Image;
use crate::kafka::metadata::record::MetadataRecord;
use crate::kafka::names::{BrokerId, host_of};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::api_versions;
use crate::kafka::protocol::frame::{Body, Frame};
use crate::kafka::quota::Sampling;
use crate::kafka::quota::mutations::{MutationQuota, Mutations};
use crate::kafka::raft::node::Raft;
use crate::kafka::raft::reconfigure::Asker;
use crate::kafka::security::acl::Operation;
use crate::kafka::security::acl_requests;
use crate::kafka::security::authorizer::{Authorizer, Guard};
use crate::kafka::security::checks::{Checked, check};
use crate::kafka::security::merge::merge;
use crate::kafka::security::{ANONYMOUS, Who, address_of};
use crate::sim::process::{Absent, ConnId, EventId, ProcessId};
use crate::sim::time::{Duration, Time};

/// How many producer ids a broker gets at once (`ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`).
const PRODUCER_ID_BLOCK_SIZE: i64 = 1_000;
/// metadata.max.idle.interval.ms
const DEFAULT_MAX_IDLE_INTERVAL_MS: i64 = 500;
/// Whoever is in the same process asks without a connection.
pub const LOCAL: ConnId = ConnId { opener: ProcessId(u32::MAX), n: u32::MAX };

/// A controller, active or not. Its replica of the log is handed to it at each step.
#[derive(Clone, Debug)]
pub struct QuorumController {
    pub(super) spec: ControllerSpec,
    authorizer: Option<Authorizer>,
    mutations: Mutations,
    /// Where connections come from, if that matters.
    addresses: BTreeMap<ConnId, String>,
    pub(super) state: State,
    /// What is committed adds up to this.
    committed: Image,
    /// The offset after what `committed` takes in.
    applied: i64,
    /// The epoch in which it is active.
    active: Option<i32>,
    /// What is written and not committed, with who waits for it.
    pending: VecDeque<Pending>,
    next_no_op: Option<Time>,
    registration: Registration,
    /// Answers for whoever is in the same process: by correlation id; `None`: there was no active controller.
    local: Vec<(i32, Option<Response>)>,
}

#[derive(Clone, Debug)]
struct Pending {
    /// Committed once the high watermark is here.
    end: i64,
    image: Image,
    answer: Option<(Asker, Response)>,
}

impl QuorumController {
    pub fn new(spec: &ControllerSpec) -> QuorumController {
        let mut state = State { config: spec.config.clone(), ..State::default() };
        state.session_timeout_ms = state.setting("broker.session.timeout.ms", 9_000).max(1) as u64;
        QuorumController {
            authorizer: Authorizer::configured(&spec.config),
            addresses: BTreeMap::new(),
            mutations: Mutations::new(Sampling::configured(&spec.config, "controller.quota")),
            registration: Registration::new(spec.id),
            spec: spec.clone(),
            state,
            committed: Image::default(),
            applied: 0,
            active: None,
            pending: VecDeque::new(),
            next_no_op: None,
            local: Vec::new(),
        }
    }

    /// What it decides on; for the stage, goals and tests.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What is committed, as far as it knows.
    pub fn image(&self) -> &Image {
        &self.committed
    }

    /// The offset after what [`QuorumController::image`] takes in.
    pub fn applied(&self) -> i64 {
        self.applied
    }

    pub fn id(&self) -> BrokerId {
        self.spec.id
    }

    pub fn is_active(&self) -> bool {
        self.active.is_some()
    }

    /// When it wants [`QuorumController::poll`].
    pub fn next_wake(&self) -> Option<Time> {
        let sessions = self.active.and_then(|_| self.state.next_session_end());
        [sessions, self.next_no_op, self.active.and_then(|_| self.state.next_periodic_task()), self.registration.next_wake()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Answers for whoever asked without a connection.
    pub fn take_local(&mut self) -> Vec<(i32, Option<Response>)> {
        std::mem::take(&mut self.local)
    }

    /// Whether there are any.
    pub fn has_local(&self) -> bool {
        !self.local.is_empty()
    }

    pub fn owns(&self, input: &Input) -> bool {
        self.registration.owns(input)
    }

    /// Takes an input about one of its connections.
    pub fn network(&mut self, now: Time, input: Input, out: &mut Outbox) {
        self.registration.network(now, input, out);
    }

    /// Everything that follows from what its replica has done, and from the time.
    pub fn poll(&mut self, raft: &mut Raft, now: Time, out: &mut Outbox) {
        self.state.now = now;
        self.apply_committed(raft, out);
        self.follow_leadership(raft, now, out);
        for (asker, response) in raft.take_answers() {
            self.answer(asker, response, out);
        }
        if self.active.is_some() {
            self.fence_stale_brokers(raft, now, out);
            let records = self.state.periodic_tasks();
            if !records.is_empty() {
                self.append(raft, now, &records, None, out);
            }
            self.write_no_op(raft, now, out);
        }
        self.register(raft, now, out);
    }

    /// Somebody connected to its listener.
    pub fn accepted(&mut self, conn: ConnId, host: &str) {
        if self.authorizer.is_some() {
            self.addresses.insert(conn, address_of(host));
        }
    }

    pub fn closed(&mut self, conn: ConnId) {
        self.addresses.remove(&conn);
    }

    /// A request on its listener: one of the quorum goes to its replica.
    pub fn frame(&mut self, raft: &mut Raft, now: Time, conn: ConnId, mut frame: Frame, out: &mut Outbox) {
        let refused = match self.authorize(conn, &mut frame) {
            Checked::All => None,
            Checked::Rest(refused) => Some(refused),
            Checked::Refused(answer) => return self.answer(Asker::of(conn, &frame), answer, out),
            Checked::Close => return self.close(Asker::of(conn, &frame), out),
        };
        let Body::Request { request, .. } = &frame.body else { return };
        if !raft.handle(now, conn, &frame, request, out) {
            self.request(raft, now, conn, &frame, refused, out);
        }
    }

    /// Writes what was decided. The answer waits until it, and all that it rests on, is committed.
    fn write(&mut self, raft: &mut Raft, now: Time, outcome: Outcome, asker: Option<Asker>, out: &mut Outbox) {
        let Outcome { records, response } = outcome;
        let answer = asker.map(|asker| (asker, response));
        if records.is_empty() {
            match (self.pending.back().map(|last| last.end), answer) {
                (Some(end), answer) => self.pending.push_back(Pending { end, image: self.state.image.clone(), answer }),
                (None, Some((asker, response))) => self.answer(asker, response, out),
                (None, None) => {}
            }
            return;
        }
        self.append(raft, now, &records, answer, out);
    }

    /// Whether it could: one that leads no more finds that out in a moment, one that cannot write ends.
    fn append(
        &mut self,
        raft: &mut Raft,
        now: Time,
        records: &[MetadataRecord],
        answer: Option<(Asker, Response)>,
        out: &mut Outbox,
    ) -> bool {
        let Some(end) = raft.append(now, records.iter().map(MetadataRecord::encode), out) else { return false };
        self.state.next_offset = end;
        for record in records {
            if let Some(event) = event_of(record, &self.state.image) {
                out.emit(event);
            }
            self.state.image.apply(record);
        }
        self.next_no_op = self.next_no_op.and_then(|_| self.idle_until(now));
        self.pending.push_back(Pending { end, image: self.state.image.clone(), answer });
        self.apply_committed(raft, out);
        true
    }

    /// What is committed moves the image, and lets answers go.
    fn apply_committed(&mut self, raft: &Raft, out: &mut Outbox) {
        let Some(high_watermark) = raft.high_watermark() else { return };
        while self.pending.front().is_some_and(|next| next.end <= high_watermark) {
            let Some(done) = self.pending.pop_front() else { break };
            self.committed = done.image;
            self.applied = done.end;
            if let Some((asker, response)) = done.answer {
                self.answer(asker, response, out);
            }
        }
        if self.active.is_some() {
            // What is between its own records are the quorum's.
            if self.pending.is_empty() {
                self.applied = self.applied.max(high_watermark);
            }
            return;
        }
        if self.applied < high_watermark {
            for committed in raft.committed(self.applied) {
                if committed.is_snapshot {
                    self.committed = Image::default();
                }
                committed.records.iter().for_each(|record| self.committed.apply(record));
                self.applied = committed.next_offset;
            }
            self.state.image = self.committed.clone();
            self.state.next_offset = self.applied;
        }
    }

    /// handleLeaderChange: it becomes active once it has all that was committed before its epoch; it ceases to be at once.
    fn follow_leadership(&mut self, raft: &mut Raft, now: Time, out: &mut Outbox) {
        if self.active.is_some_and(|epoch| !raft.is_leader() || raft.epoch() != epoch) {
            self.renounce(out);
            self.apply_committed(raft, out);
        }
        let caught_up = raft.epoch_start().is_some_and(|start| self.applied > start);
        if self.active.is_none() && caught_up {
            self.claim(raft, now, out);
        }
    }

    fn claim(&mut self, raft: &mut Raft, now: Time, out: &mut Outbox) {
        self.active = Some(raft.epoch());
        self.state.image = self.committed.clone();
        self.state.next_offset = raft.log().map_or(0, |log| log.log_end_offset());
        // A new controller gives every broker a whole session.
        let unfenced = self.state.image.brokers.values().filter(|broker| !broker.fenced);
        let fresh = Session { last_heartbeat: now, metadata_offset: -1, controlled_shutdown_offset: None };
        self.state.sessions = unfenced.map(|broker| (broker.id, fresh)).collect();
        self.next_no_op = self.idle_until(now);
        self.state.begin_periodic_tasks();
        if self.state.image.features.is_empty() {
            self.append(raft, now, &bootstrap::transaction(self.state.bootstrap_records(&self.spec.features)), None, out);
        }
    }

    /// It leads no more. What was not committed may still be, by another: nobody is told that it was done.
    #[inline(never)]
    fn renounce(&mut self, out: &mut Outbox) {
        self.active = None;
        self.next_no_op = None;
        self.state.end_periodic_tasks();
        self.state.sessions.clear();
        self.state.image = self.committed.clone();
        for pending in std::mem::take(&mut self.pending) {
            match pending.answer {
                Some((asker, _)) if asker.conn == LOCAL => self.local.push((asker.correlation_id, None)),
                Some((asker, _)) => out.close(asker.conn),
                None => {}
            }
        }
    }

    #[inline(never)]
    fn fence_stale_brokers(&mut self, raft: &mut Raft, now: Time, out: &mut Outbox) {
        while let Some(broker) = self.state.stale_broker() {
            let fenced = self.report_stale(BrokerId(broker), out);
            out.because(Some(fenced));
            let records = self.state.fence(broker);
            if !self.append(raft, now, &records, None, out) {
                return;
            }
        }
    }

    fn report_stale(&self, broker: BrokerId, out: &mut Outbox) -> EventId {
        let absent = Absent::Between(host_of(broker), host_of(self.spec.id));
        out.because(None);
        out.emit_without(Event::BrokerFenced { broker, why: Fenced::SessionExpired }, vec![absent])
    }

    /// maybeScheduleNextWriteNoOpRecord: something is written at least this often, so that brokers see that time passes.
    fn write_no_op(&mut self, raft: &mut Raft, now: Time, out: &mut Outbox) {
        if self.next_no_op.is_some_and(|at| at <= now) {
            out.because(None);
            self.append(raft, now, &[MetadataRecord::NoOp], None, out);
        }
    }

    /// metadata.max.idle.interval.ms: when the next record comes that says nothing; 0: never.
    fn idle_until(&self, now: Time) -> Option<Time> {
        let interval_ms = self.state.setting("metadata.max.idle.interval.ms", DEFAULT_MAX_IDLE_INTERVAL_MS);
        (interval_ms > 0).then(|| now + Duration::ms(interval_ms as u64))
    }

    /// The active controller must know of this one (`ControllerRegistrationManager`).
    fn register(&mut self, raft: &mut Raft, now: Time, out: &mut Outbox) {
        if raft.is_shutting_down() || !self.registration.is_wanted(&self.state.image, out.rng()) {
            return;
        }
        match raft.leader() {
            Some(leader) if leader == self.spec.id && self.active.is_some() => {
                let outcome = self.state.register_controller(&self.registration.request());
                self.write(raft, now, outcome, None, out);
            }
            Some(leader) if leader != self.spec.id => self.registration.send(now, leader, out),
            _ => {}
        }
    }

    fn answer(&mut self, asker: Asker, response: Response, out: &mut Outbox) {
        match asker.conn {
            LOCAL => self.local.push((asker.correlation_id, Some(response))),
            conn => out.send(conn, Frame::response(asker.correlation_id, asker.version, response, Vec::new())),
        }
    }

    /// Whoever asked for what nobody asks a controller loses the connection.
    fn close(&mut self, asker: Asker, out: &mut Outbox) {
        match asker.conn {
            LOCAL => self.local.push((asker.correlation_id, None)),
            conn => out.close(conn),
        }
    }

    /// NOT_CONTROLLER; where the answer has no place for that, the connection is closed: whoever asked looks for the active controller then.
    fn refuse(&mut self, asker: Asker, request: &Request, out: &mut Outbox) {
        match (asker.conn, not_controller(request)) {
            (LOCAL, _) => self.local.push((asker.correlation_id, None)),
            (conn, Some(response)) => out.send(conn, Frame::response(asker.correlation_id, asker.version, response, Vec::new())),
            (conn, None) => out.close(conn),
        }
    }
}

fn report_moved(broker: BrokerId, moved: Moved, out: &mut Outbox) {
    let event = match moved {
        Moved::Nowhere => return,
        Moved::Unfenced => Event::BrokerUnfenced { broker },
        Moved::BeganControlledShutdown => Event::ControlledShutdown { broker },
        Moved::ShutDown => Event::BrokerFenced { broker, why: Fenced::ShutDown },
    };
    let event = out.emit(event);
    out.because(Some(event));
}
