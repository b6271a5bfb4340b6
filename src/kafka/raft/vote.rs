//! Elections: who may have a vote, and what the votes add up to. First a pre-vote (KIP-996), which binds nobody: a voter that still hears from
//! its leader says no, so that one who was cut off cannot disturb the others when it returns.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::vote_request::{PartitionData as Asked, TopicData as AskedTopic};
use kafka_protocol::messages::vote_response::{PartitionData, TopicData};
use kafka_protocol::messages::{TopicName, VoteRequest, VoteResponse};
use kafka_protocol::protocol::StrBytes;

use super::ReplicaKey;
use super::node::Raft;
use super::role::Role;
use crate::kafka::actor::Outbox;
use crate::kafka::event::Event;
use crate::kafka::names::{BrokerId, METADATA_TOPIC};
use crate::sim::time::Time;

/// INVALID_REQUEST: for what no replica sends.
pub(super) const INVALID_REQUEST: i16 = 42;

impl Raft {
    /// handleVoteRequest
    pub(super) fn handle_vote(&mut self, now: Time, request: &VoteRequest, out: &mut Outbox) -> VoteResponse {
        if !self.is_cluster(request.cluster_id.as_ref()) {
            return VoteResponse::default().with_error_code(ResponseError::InconsistentClusterId.code());
        }
        let Some(asked) = request.topics.first().and_then(|topic| topic.partitions.first()) else {
            return VoteResponse::default().with_error_code(INVALID_REQUEST);
        };
        let (error, granted) = self.consider(now, request.voter_id, asked, out);
        self.vote_response(error, granted)
    }

    fn consider(&mut self, now: Time, voter: kafka_protocol::messages::BrokerId, asked: &Asked, out: &mut Outbox) -> (i16, bool) {
        let epoch = asked.replica_epoch;
        // A candidate has raised its epoch before it asked; a prospective has not.
        let from_the_future = if asked.pre_vote { asked.last_offset_epoch > epoch } else { asked.last_offset_epoch >= epoch };
        if asked.last_offset < 0 || asked.last_offset_epoch < 0 || from_the_future {
            return (INVALID_REQUEST, false);
        }
        if epoch < self.epoch {
            return (ResponseError::FencedLeaderEpoch.code(), false);
        }
        if epoch > self.epoch {
            self.become_unattached(now, epoch, None, out);
        }
        if !self.is_meant(voter.0, asked.voter_directory_id) {
            return (ResponseError::InvalidVoterKey.code(), false);
        }
        let candidate = ReplicaKey { id: BrokerId(asked.replica_id.0), directory: asked.replica_directory_id };
        let (last_epoch, end) = self.end_offset();
        let is_up_to_date = (asked.last_offset_epoch, asked.last_offset) >= (last_epoch, end);
        let granted = self.can_grant_vote(candidate, is_up_to_date, asked.pre_vote);
        if granted && !asked.pre_vote {
            if let Role::Unattached { voted, .. } | Role::Prospective { voted, .. } = &mut self.role {
                *voted = Some(candidate);
            }
            if !self.store_election(out) {
                return (ResponseError::UnknownServerError.code(), false);
            }
        }
        out.emit(Event::VoteCast { voter: self.me(), candidate: candidate.id, epoch, granted, pre_vote: asked.pre_vote });
        (0, granted)
    }

    /// `EpochState.canGrantVote`
    fn can_grant_vote(&self, candidate: ReplicaKey, is_up_to_date: bool, pre_vote: bool) -> bool {
        match &self.role {
            Role::Leader(_) => false,
            // A follower that its leader has answered thinks that there is one.
            Role::Follower { has_fetched, .. } => pre_vote && is_up_to_date && !has_fetched,
            Role::Candidate { .. } | Role::Resigned { .. } => pre_vote && is_up_to_date,
            Role::Unattached { .. } | Role::Prospective { .. } if pre_vote => is_up_to_date,
            Role::Unattached { voted: Some(voted), .. } | Role::Prospective { voted: Some(voted), .. } => *voted == candidate,
            // It knows who leads this epoch: nobody else can.
            Role::Unattached { leader: Some(_), .. } | Role::Prospective { leader: Some(_), .. } => false,
            Role::Unattached { .. } | Role::Prospective { .. } => is_up_to_date,
        }
    }

    pub(super) fn vote_response(&self, error: i16, granted: bool) -> VoteResponse {
        let partition = PartitionData::default()
            .with_error_code(error)
            .with_leader_id(self.leader_id())
            .with_leader_epoch(self.epoch)
            .with_vote_granted(granted);
        let topic = TopicData::default().with_topic_name(metadata_topic()).with_partitions(vec![partition]);
        VoteResponse::default().with_topics(vec![topic])
    }

    /// buildVoteRequest
    pub(super) fn vote_request(&self, voter: ReplicaKey, pre_vote: bool) -> VoteRequest {
        let (last_epoch, end) = self.end_offset();
        let partition = Asked::default()
            .with_replica_epoch(self.epoch)
            .with_replica_id(self.me().0.into())
            .with_replica_directory_id(self.spec.key.directory)
            .with_voter_directory_id(voter.directory)
            .with_last_offset_epoch(last_epoch)
            .with_last_offset(end)
            .with_pre_vote(pre_vote);
        let topic = AskedTopic::default().with_topic_name(metadata_topic()).with_partitions(vec![partition]);
        VoteRequest::default().with_cluster_id(Some(self.cluster_id())).with_voter_id(voter.id.0.into()).with_topics(vec![topic])
    }

    /// handleVoteResponse. `pre_vote`, `epoch`: of the question, whose answer may come when another one is asked already.
    pub(super) fn vote_answered(&mut self, now: Time, from: BrokerId, asked: (i32, bool), response: &VoteResponse, out: &mut Outbox) {
        let Some(answer) = response.topics.first().and_then(|topic| topic.partitions.first()) else { return };
        if self.handled_commonly(now, answer.error_code, answer.leader_id.0, answer.leader_epoch, out) || answer.error_code != 0 {
            return;
        }
        let is_asked = asked.0 == self.epoch;
        let votes = match &mut self.role {
            Role::Prospective { votes, .. } if is_asked && asked.1 => votes,
            Role::Candidate { votes, .. } if is_asked && !asked.1 => votes,
            _ => return,
        };
        if answer.vote_granted {
            votes.granted.insert(from)
        } else {
            votes.rejected.insert(from)
        };
        self.count_votes(now, out);
    }

    /// maybeTransitionForward, maybeHandleElectionLoss
    pub(super) fn count_votes(&mut self, now: Time, out: &mut Outbox) {
        let Some(voters) = self.voters.last() else { return };
        let count = |ids: &std::collections::BTreeSet<BrokerId>| ids.iter().filter(|id| voters.get(**id).is_some()).count() as u64;
        let (Role::Prospective { votes, .. } | Role::Candidate { votes, .. }) = &self.role else { return };
        let won = count(&votes.granted) >= voters.majority();
        let lost = count(&votes.rejected) > voters.len() - voters.majority();
        match &self.role {
            Role::Prospective { .. } if won => self.become_candidate(now, out),
            Role::Candidate { .. } if won => self.become_leader(now, out),
            Role::Prospective { .. } if lost => self.stop_prospecting(now, out),
            // A candidate that has lost waits until its time is over.
            _ => {}
        }
    }

    /// A prospective that has lost, or was not answered in time, is what it was before.
    pub(super) fn stop_prospecting(&mut self, now: Time, out: &mut Outbox) {
        match self.leader() {
            Some(leader) => self.become_follower(now, self.epoch, leader, out),
            None => self.become_unattached(now, self.epoch, None, out),
        }
    }
}

/// `__cluster_metadata`
pub(super) fn metadata_topic() -> TopicName {
    TopicName(StrBytes::from_static_str(METADATA_TOPIC))
}
