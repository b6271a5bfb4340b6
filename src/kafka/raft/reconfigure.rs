//! Adding a voter and removing one while the quorum runs (KIP-853; `AddVoterHandler`, `RemoveVoterHandler`).
//!
//! One at a time, and only once the last change is committed. The record counts as soon as it is in the log; the answer waits until it is committed.
//!
//! A controller that is to join by itself asks for both, of its leader (KIP-1186).
//!
//! Different from Apache Kafka: the leader does not ask the new voter for its versions of kraft.version first; all nodes here have the same.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::add_raft_voter_request::Listener;
use kafka_protocol::messages::{AddRaftVoterRequest, AddRaftVoterResponse, RemoveRaftVoterRequest, RemoveRaftVoterResponse};
use kafka_protocol::protocol::StrBytes;

use super::ReplicaKey;
use super::control;
use super::node::{Call, Raft};
use super::role::Role;
use super::voters::{Voter, VoterSet};
use crate::kafka::actor::Outbox;
use crate::kafka::names::{BrokerId, CONTROLLER_PORT, host_of, uuid_text};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::frame::Frame;
use crate::sim::process::ConnId;
use crate::sim::time::{Duration, Time};

/// Whose answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    pub conn: ConnId,
    pub correlation_id: i32,
    pub version: i16,
}

impl Asker {
    pub fn of(conn: ConnId, frame: &Frame) -> Asker {
        Asker { conn, correlation_id: frame.correlation_id, version: frame.version }
    }
}

/// A change that waits to be committed.
#[derive(Clone, Debug)]
pub struct VoterChange {
    /// `None`: it was answered already.
    asker: Option<Asker>,
    adds: bool,
    /// The offset of its record.
    offset: i64,
    pub deadline: Time,
}

impl VoterChange {
    /// The leader that was asked leads no more.
    pub(super) fn refused(&self) -> Option<(Asker, Response)> {
        self.answer(Some(ResponseError::NotLeaderOrFollower))
    }

    fn answer(&self, error: Option<ResponseError>) -> Option<(Asker, Response)> {
        Some((self.asker?, response(self.adds, error, None)))
    }
}

/// An hour: who has been caught up since may become a voter (`LeaderState.isReplicaCaughtUp`).
const CAUGHT_UP_WITHIN: Duration = Duration::secs(3_600);

/// Where AddRaftVoter says that its answer is not to wait for the commit: `AckWhenCommitted`, a field of its version 1, which the protocol crate
/// does not know. Who joins cannot wait: the commit may need its fetches, and there is one request to a node at a time.
const DO_NOT_WAIT: i32 = 10_001;

type Refusal = (ResponseError, Option<String>);

impl Raft {
    /// AddRaftVoter or RemoveRaftVoter; false if it is something else. The answer is among [`Raft::take_answers`], now or later.
    #[inline(never)]
    pub fn change_voters(&mut self, now: Time, asker: Asker, request: &Request, out: &mut Outbox) -> bool {
        let (adds, begun) = match request {
            Request::AddRaftVoter(request) => (true, self.begin_adding(now, request, out)),
            Request::RemoveRaftVoter(request) => (false, self.begin_removing(now, request, out)),
            _ => return false,
        };
        match (begun, &mut self.role) {
            (Ok(offset), Role::Leader(leader)) if leader.high_watermark.is_none_or(|committed| committed <= offset) => {
                let waits = !matches!(request, Request::AddRaftVoter(request) if request.unknown_tagged_fields.contains_key(&DO_NOT_WAIT));
                let deadline = now + self.spec.timeouts.request;
                leader.change = Some(VoterChange { asker: waits.then_some(asker), adds, offset, deadline });
                if !waits {
                    self.answers.push((asker, response(adds, None, None)));
                }
            }
            (Ok(_), _) => {
                self.answers.push((asker, response(adds, None, None)));
                self.resign_if_removed(now, out);
            }
            (Err((error, message)), _) => self.answers.push((asker, response(adds, Some(error), message))),
        }
        true
    }

    fn begin_adding(&mut self, now: Time, request: &AddRaftVoterRequest, out: &mut Outbox) -> Result<i64, Refusal> {
        self.check_cluster(request.cluster_id.as_ref())?;
        let voters = self.settled_voters()?;
        let key = ReplicaKey { id: BrokerId(request.voter_id), directory: request.voter_directory_id };
        if key.id.0 < 0 || key.directory.is_nil() {
            return Err((ResponseError::InvalidRequest, Some("Add voter request didn't include a valid voter".into())));
        }
        if voters.get(key.id).is_some() {
            let message = format!("The voter id for {} is already part of the set of voters {}.", shown(key), list(&voters));
            return Err((ResponseError::DuplicateVoter, Some(message)));
        }
        let Some(listener) = request.listeners.first() else {
            let message = "Add voter request didn't include the endpoint ({}) for the default listener CONTROLLER";
            return Err((ResponseError::InvalidRequest, Some(message.into())));
        };
        let Role::Leader(leader) = &self.role else { return Err((ResponseError::NotLeaderOrFollower, None)) };
        let caught_up = leader
            .progress
            .get(&key)
            .is_some_and(|progress| progress.last_caught_up.is_some() && now.since(progress.last_fetch) < CAUGHT_UP_WITHIN);
        if !caught_up {
            let message = format!("Aborted add voter operation for {} since it is lagging behind", shown(key));
            return Err((ResponseError::RequestTimedOut, Some(message)));
        }
        let voter = Voter { key, host: listener.host.to_string(), port: listener.port };
        self.append_voters(now, &voters.with(voter), out)
    }

    fn begin_removing(&mut self, now: Time, request: &RemoveRaftVoterRequest, out: &mut Outbox) -> Result<i64, Refusal> {
        self.check_cluster(request.cluster_id.as_ref())?;
        let voters = self.settled_voters()?;
        let key = ReplicaKey { id: BrokerId(request.voter_id), directory: request.voter_directory_id };
        if !voters.is_voter(key) {
            let message = format!("Cannot remove voter {} from the set of voters {}", shown(key), list(&voters));
            return Err((ResponseError::VoterNotFound, Some(message)));
        }
        if voters.len() == 1 {
            // Kafka fails in making a set of no voters.
            return Err((ResponseError::UnknownServerError, None));
        }
        self.append_voters(now, &voters.without(key), out)
    }

    fn check_cluster(&self, id: Option<&StrBytes>) -> Result<(), Refusal> {
        if self.is_cluster(id) {
            return Ok(());
        }
        let given = id.map_or("", |id| id.as_str());
        let message = format!("The given id \"{given}\" doesn't match the cluster id \"{}\"", self.spec.cluster_id);
        Err((ResponseError::InconsistentClusterId, Some(message)))
    }

    /// The voters, if a change may begin: this replica leads, something of its epoch is committed, and so is the last change.
    fn settled_voters(&self) -> Result<VoterSet, Refusal> {
        let timed_out = |why: String| Err((ResponseError::RequestTimedOut, Some(format!("Request timed out waiting for {why}"))));
        let (Role::Leader(leader), Some(voters)) = (&self.role, self.voters.last()) else {
            return Err((ResponseError::NotLeaderOrFollower, None));
        };
        if leader.change.is_some() {
            return timed_out("leader to handle previous voter change request".into());
        }
        let Some(high_watermark) = leader.high_watermark else {
            return timed_out("leader to establish HWM and fence previous voter changes".into());
        };
        let offset = self.voters.last_offset();
        if offset >= high_watermark {
            return timed_out(format!("voters to commit the latest voter change at Optional[{offset}] with HWM {high_watermark}"));
        }
        Ok(voters.clone())
    }

    fn append_voters(&mut self, now: Time, voters: &VoterSet, out: &mut Outbox) -> Result<i64, Refusal> {
        let end = self.append_control(now, &[control::kraft_voters(voters)], out);
        end.map(|end| end - 1).ok_or((ResponseError::UnknownServerError, None))
    }

    /// highWatermarkUpdated: the change is committed, and whoever asked for it is told.
    pub(super) fn voter_change_committed(&mut self, now: Time, out: &mut Outbox) {
        let Role::Leader(leader) = &mut self.role else { return };
        let high_watermark = leader.high_watermark;
        if let Some(change) = leader.change.take_if(|change| high_watermark.is_some_and(|committed| committed > change.offset)) {
            self.answers.extend(change.answer(None));
            self.resign_if_removed(now, out);
        }
    }

    /// A leader that is no voter any more goes, once that is committed.
    fn resign_if_removed(&mut self, now: Time, out: &mut Outbox) {
        if self.is_leader() && !self.is_voter() {
            self.become_resigned(now, out);
        }
    }

    pub(super) fn expire_voter_change(&mut self, now: Time) {
        if let Role::Leader(leader) = &mut self.role
            && let Some(change) = leader.change.take_if(|change| change.deadline <= now)
        {
            self.answers.extend(change.answer(Some(ResponseError::RequestTimedOut)));
        }
    }
}

impl Raft {
    /// Whether this replica is to become a voter by itself (`shouldSendAddOrRemoveVoterRequest`, but for its time).
    pub(super) fn may_join(&self) -> bool {
        self.spec.auto_join && self.spec.is_controller && !self.is_voter() && !self.is_shutting_down()
    }

    /// `pollFollowerAsObserver`: asks the leader to be added; where a voter of this id has another directory, that it is removed first.
    pub(super) fn join(&mut self, now: Time, leader: BrokerId, out: &mut Outbox) {
        let (key, cluster_id) = (self.spec.key, Some(self.cluster_id()));
        let stands_for_it = self.voters.last().and_then(|voters| voters.get(key.id)).map(|voter| voter.key);
        let request: Request = match stands_for_it {
            Some(old) => RemoveRaftVoterRequest::default()
                .with_cluster_id(cluster_id)
                .with_voter_id(old.id.0)
                .with_voter_directory_id(old.directory)
                .into(),
            None => {
                let host = StrBytes::from_string(host_of(key.id));
                let listener =
                    Listener::default().with_name(StrBytes::from_static_str("CONTROLLER")).with_host(host).with_port(CONTROLLER_PORT);
                AddRaftVoterRequest::default()
                    .with_cluster_id(cluster_id)
                    .with_timeout_ms(self.spec.timeouts.request.as_ms() as i32)
                    .with_voter_id(key.id.0)
                    .with_voter_directory_id(key.directory)
                    .with_listeners(vec![listener])
                    .with_unknown_tagged_fields([(DO_NOT_WAIT, Bytes::new())].into())
                    .into()
            }
        };
        if self.ask(now, leader, request, Call::UpdateVoters, out) {
            self.update_voters_at = now + self.spec.timeouts.fetch;
        }
    }
}

/// As `ReplicaKey.toString` has it.
fn shown(key: ReplicaKey) -> String {
    format!("ReplicaKey(id={}, directoryId={})", key.id, uuid_text(key.directory))
}

fn list(voters: &VoterSet) -> String {
    let keys: Vec<String> = voters.iter().map(|voter| shown(voter.key)).collect();
    format!("[{}]", keys.join(", "))
}

fn response(adds: bool, error: Option<ResponseError>, message: Option<String>) -> Response {
    let code = error.map_or(0, |error| error.code());
    let message = message.or_else(|| error.map(|error| error.to_string())).map(StrBytes::from_string);
    match adds {
        true => AddRaftVoterResponse::default().with_error_code(code).with_error_message(message).into(),
        false => RemoveRaftVoterResponse::default().with_error_code(code).with_error_message(message).into(),
    }
}
