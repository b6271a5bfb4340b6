//! A leader's first and last words in an epoch: BeginQuorumEpoch, EndQuorumEpoch; and what any answer says of who leads.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    BeginQuorumEpochRequest, BeginQuorumEpochResponse, EndQuorumEpochRequest, EndQuorumEpochResponse, begin_quorum_epoch_request,
    begin_quorum_epoch_response, end_quorum_epoch_request, end_quorum_epoch_response,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::ReplicaKey;
use super::control;
use super::leader::Leader;
use super::node::Raft;
use super::role::Role;
use super::vote::{INVALID_REQUEST, metadata_topic};
use super::voters::CONTROLLER_LISTENER;
use crate::kafka::actor::Outbox;
use crate::kafka::names::{BrokerId, CONTROLLER_PORT, host_of};
use crate::sim::time::{Duration, Time};

impl Raft {
    /// onBecomeLeader: its epoch begins at the log end, with a record of its own: only with that can what came before be committed.
    pub(super) fn become_leader(&mut self, now: Time, out: &mut Outbox) {
        let Role::Candidate { votes, .. } = &self.role else { return };
        let granting: Vec<BrokerId> = votes.granted.iter().copied().collect();
        let Some(log) = &mut self.log else { return };
        let epoch_start = log.log_end_offset();
        log.begin_epoch(self.epoch, &mut out.store());
        self.role = Role::Leader(Leader::new(now, epoch_start, &self.spec.timeouts));
        self.entered(out);
        let Some(voters) = self.voters.last().cloned() else { return };
        let ids: Vec<BrokerId> = voters.iter().map(|voter| voter.key.id).collect();
        let mut records = vec![control::leader_change(self.me(), &ids, &granting)];
        // The voters of the first snapshot are in no record yet.
        if self.voters.last_offset() < 0 {
            records.extend([control::kraft_version(), control::kraft_voters(&voters)]);
        }
        self.append_control(now, &records, out);
    }

    /// handleBeginQuorumEpochRequest
    pub(super) fn handle_begin_epoch(
        &mut self,
        now: Time,
        request: &BeginQuorumEpochRequest,
        out: &mut Outbox,
    ) -> BeginQuorumEpochResponse {
        if !self.is_cluster(request.cluster_id.as_ref()) {
            return BeginQuorumEpochResponse::default().with_error_code(ResponseError::InconsistentClusterId.code());
        }
        let Some(asked) = request.topics.first().and_then(|topic| topic.partitions.first()) else {
            return BeginQuorumEpochResponse::default().with_error_code(INVALID_REQUEST);
        };
        let error = if asked.leader_epoch < self.epoch {
            ResponseError::FencedLeaderEpoch.code()
        } else if asked.leader_id.0 < 0 {
            INVALID_REQUEST
        } else {
            self.maybe_transition(now, Some(BrokerId(asked.leader_id.0)), asked.leader_epoch, out);
            let meant = self.is_meant(request.voter_id.0, asked.voter_directory_id);
            if meant { 0 } else { ResponseError::InvalidVoterKey.code() }
        };
        let partition = begin_quorum_epoch_response::PartitionData::default()
            .with_error_code(error)
            .with_leader_id(self.leader_id())
            .with_leader_epoch(self.epoch);
        let topic = begin_quorum_epoch_response::TopicData::default().with_topic_name(metadata_topic()).with_partitions(vec![partition]);
        BeginQuorumEpochResponse::default().with_topics(vec![topic])
    }

    pub(super) fn begin_epoch_request(&self, voter: ReplicaKey) -> BeginQuorumEpochRequest {
        let partition = begin_quorum_epoch_request::PartitionData::default()
            .with_voter_directory_id(voter.directory)
            .with_leader_id(self.me().0.into())
            .with_leader_epoch(self.epoch);
        let topic = begin_quorum_epoch_request::TopicData::default().with_topic_name(metadata_topic()).with_partitions(vec![partition]);
        let endpoint = begin_quorum_epoch_request::LeaderEndpoint::default()
            .with_name(StrBytes::from_static_str(CONTROLLER_LISTENER))
            .with_host(StrBytes::from_string(host_of(self.me())))
            .with_port(CONTROLLER_PORT);
        BeginQuorumEpochRequest::default()
            .with_cluster_id(Some(self.cluster_id()))
            .with_voter_id(voter.id.0.into())
            .with_topics(vec![topic])
            .with_leader_endpoints(vec![endpoint])
    }

    /// handleEndQuorumEpochRequest: the leader goes. The voter that is furthest comes forward first.
    pub(super) fn handle_end_epoch(&mut self, now: Time, request: &EndQuorumEpochRequest, out: &mut Outbox) -> EndQuorumEpochResponse {
        if !self.is_cluster(request.cluster_id.as_ref()) {
            return EndQuorumEpochResponse::default().with_error_code(ResponseError::InconsistentClusterId.code());
        }
        let Some(asked) = request.topics.first().and_then(|topic| topic.partitions.first()) else {
            return EndQuorumEpochResponse::default().with_error_code(INVALID_REQUEST);
        };
        let error = if asked.leader_epoch < self.epoch {
            ResponseError::FencedLeaderEpoch.code()
        } else if asked.leader_id.0 < 0 {
            INVALID_REQUEST
        } else {
            self.maybe_transition(now, Some(BrokerId(asked.leader_id.0)), asked.leader_epoch, out);
            self.shorten_fetch_timeout(now, asked, out);
            0
        };
        let partition = end_quorum_epoch_response::PartitionData::default()
            .with_error_code(error)
            .with_leader_id(self.leader_id())
            .with_leader_epoch(self.epoch);
        let topic = end_quorum_epoch_response::TopicData::default().with_topic_name(metadata_topic()).with_partitions(vec![partition]);
        EndQuorumEpochResponse::default().with_topics(vec![topic])
    }

    /// endEpochElectionBackoff: the first of the preferred candidates at once, the next ones ever later.
    fn shorten_fetch_timeout(&mut self, now: Time, asked: &end_quorum_epoch_request::PartitionData, out: &mut Outbox) {
        let is_me = |replica: &end_quorum_epoch_request::ReplicaInfo| {
            replica.candidate_id.0 == self.me().0 && replica.candidate_directory_id == self.spec.key.directory
        };
        let count = asked.preferred_candidates.len() as u64;
        let position = asked.preferred_candidates.iter().position(is_me).map_or(count, |position| position as u64);
        let backoff = strict_exponential_backoff(position, count);
        if let Role::Follower { leader, fetch_ends, .. } = &mut self.role
            && leader.0 == asked.leader_id.0
        {
            *fetch_ends = now + backoff;
            if backoff == Duration::ZERO && self.is_voter() {
                self.become_prospective(now, out);
            }
        }
    }

    pub(super) fn end_epoch_request(&self, successors: &[ReplicaKey]) -> EndQuorumEpochRequest {
        let candidates = successors.iter().map(|key| {
            end_quorum_epoch_request::ReplicaInfo::default().with_candidate_id(key.id.0.into()).with_candidate_directory_id(key.directory)
        });
        let partition = end_quorum_epoch_request::PartitionData::default()
            .with_leader_id(self.me().0.into())
            .with_leader_epoch(self.epoch)
            .with_preferred_candidates(candidates.collect());
        let topic = end_quorum_epoch_request::TopicData::default().with_topic_name(metadata_topic()).with_partitions(vec![partition]);
        EndQuorumEpochRequest::default().with_cluster_id(Some(self.cluster_id())).with_topics(vec![topic])
    }

    /// maybeTransition: a message names an epoch and perhaps its leader.
    pub(super) fn maybe_transition(&mut self, now: Time, leader: Option<BrokerId>, epoch: i32, out: &mut Outbox) {
        if leader == Some(self.me()) && !self.is_leader() {
            // Somebody takes it for the leader that it was before it resigned or lost its memory.
            return;
        }
        match leader {
            Some(leader) if epoch > self.epoch => self.become_follower(now, epoch, leader, out),
            None if epoch > self.epoch => self.become_unattached(now, epoch, None, out),
            Some(leader) if epoch == self.epoch && self.leader().is_none() => self.become_follower(now, epoch, leader, out),
            // What it knew already, told by somebody who hears the leader.
            Some(leader)
                if epoch == self.epoch
                    && self.leader() == Some(leader)
                    && matches!(self.role, Role::Unattached { .. } | Role::Prospective { .. }) =>
            {
                self.become_follower(now, epoch, leader, out);
            }
            _ => {}
        }
    }

    /// maybeHandleCommonResponse: what every answer tells of epochs and leaders. True if there is no more to it.
    pub(super) fn handled_commonly(&mut self, now: Time, error: i16, leader: i32, epoch: i32, out: &mut Outbox) -> bool {
        let leader = (leader >= 0).then_some(BrokerId(leader));
        let is = |wanted: ResponseError| error == wanted.code();
        if epoch < self.epoch || is(ResponseError::UnknownLeaderEpoch) {
            return true;
        }
        if epoch > self.epoch || is(ResponseError::FencedLeaderEpoch) || is(ResponseError::NotLeaderOrFollower) {
            self.maybe_transition(now, leader, epoch, out);
            return true;
        }
        if leader.is_some() && self.leader().is_none() {
            self.maybe_transition(now, leader, epoch, out);
            return error != 0;
        }
        is(ResponseError::BrokerNotAvailable) || is(ResponseError::InvalidVoterKey)
    }

    /// Whether a request to a voter is for this one: it may have been for another that was on this host before.
    pub(super) fn is_meant(&self, voter: i32, directory: Uuid) -> bool {
        voter < 0 || (voter == self.me().0 && (directory.is_nil() || directory == self.spec.key.directory))
    }
}

/// strictExponentialElectionBackoffMs: nothing, then a part of controller.quorum.election.backoff.max.ms that doubles.
fn strict_exponential_backoff(position: u64, successors: u64) -> Duration {
    const ELECTION_BACKOFF_MAX_MS: u64 = 1_000;
    match position {
        0 => Duration::ZERO,
        _ if position >= successors => Duration::ms(ELECTION_BACKOFF_MAX_MS),
        _ => Duration::ms((ELECTION_BACKOFF_MAX_MS >> (successors - 1).min(20)) << (position - 1).min(10)),
    }
}
