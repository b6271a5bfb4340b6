//! What a replica is in an epoch, and how it becomes something else (`QuorumState`; KIP-996 added Prospective).
//!
//! * Unattached: knows no leader of its epoch, or cannot reach it; → Prospective when its election timeout is over
//! * Prospective: asks whether it could win (pre-vote); → Candidate with a majority, otherwise back to what it was
//! * Candidate: asks for votes in an epoch of its own; → Leader with a majority, → Prospective when its time is over
//! * Leader; → Resigned when it stops, or when a majority no longer fetches
//! * Follower; → Prospective when its leader has not answered for the fetch timeout
//! * Resigned: was the leader; → Unattached, an epoch later, when its time is over
//!
//! From anywhere: → Unattached with a higher epoch, → Follower of a leader of this or a higher epoch.

use std::collections::BTreeSet;

use super::ReplicaKey;
use super::leader::Leader;
use super::node::Raft;
use super::state_file::{ElectionState, QUORUM_STATE};
use crate::kafka::actor::Outbox;
use crate::kafka::event::{Event, QuorumRole};
use crate::kafka::names::{BrokerId, host_of};
use crate::sim::process::Absent;
use crate::sim::time::{Duration, Time};

/// A replica's role in its epoch.
#[derive(Clone, Debug)]
pub enum Role {
    /// `leader`: whom it last followed in this epoch.
    Unattached {
        leader: Option<BrokerId>,
        voted: Option<ReplicaKey>,
        election_ends: Time,
    },
    Prospective {
        leader: Option<BrokerId>,
        voted: Option<ReplicaKey>,
        votes: Votes,
        election_ends: Time,
    },
    Candidate {
        votes: Votes,
        election_ends: Time,
    },
    Leader(Leader),
    /// `has_fetched`: the leader has answered a fetch in this epoch.
    Follower {
        leader: BrokerId,
        voted: Option<ReplicaKey>,
        fetch_ends: Time,
        has_fetched: bool,
    },
    /// `successors`: the other voters, the furthest first; `told`: who knows that it resigned.
    Resigned {
        successors: Vec<ReplicaKey>,
        told: BTreeSet<BrokerId>,
        election_ends: Time,
    },
}

/// The answers to a candidate or prospective (`EpochElection`).
#[derive(Clone, Debug, Default)]
pub struct Votes {
    pub granted: BTreeSet<BrokerId>,
    pub rejected: BTreeSet<BrokerId>,
}

impl Votes {
    /// Its own.
    fn of(me: BrokerId) -> Votes {
        Votes { granted: BTreeSet::from([me]), rejected: BTreeSet::new() }
    }
}

impl Raft {
    /// The leader of this epoch, as far as this replica knows.
    pub fn leader(&self) -> Option<BrokerId> {
        match &self.role {
            Role::Unattached { leader, .. } | Role::Prospective { leader, .. } => *leader,
            Role::Follower { leader, .. } => Some(*leader),
            // A leader that has resigned is still the one of its epoch.
            Role::Leader(_) | Role::Resigned { .. } => Some(self.me()),
            Role::Candidate { .. } => None,
        }
    }

    pub fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    pub fn is_voter(&self) -> bool {
        self.spec.is_controller && self.voters.last().is_some_and(|voters| voters.is_voter(self.spec.key))
    }

    /// For the stage and for tests.
    pub fn quorum_role(&self) -> QuorumRole {
        match &self.role {
            Role::Unattached { .. } => QuorumRole::Unattached,
            Role::Prospective { .. } => QuorumRole::Prospective,
            Role::Candidate { .. } => QuorumRole::Candidate,
            Role::Leader(_) => QuorumRole::Leader,
            Role::Follower { .. } => QuorumRole::Follower,
            Role::Resigned { .. } => QuorumRole::Resigned,
        }
    }

    /// What the file on the disk makes of a replica that starts (`QuorumState.initialize`).
    pub(super) fn begin_as(&mut self, now: Time, stored: ElectionState, out: &mut Outbox) {
        let log_epoch = self.log.as_ref().and_then(|log| log.latest_epoch()).unwrap_or(0);
        let stored = if stored.epoch < log_epoch { ElectionState { epoch: log_epoch, ..ElectionState::default() } } else { stored };
        self.epoch = stored.epoch;
        let election_ends = now + self.random_election_timeout(out);
        self.role = match stored {
            // It led: it does not know what its successors have done meanwhile.
            ElectionState { leader: Some(leader), .. } if leader == self.me() && self.is_voter() => {
                Role::Resigned { successors: Vec::new(), told: BTreeSet::new(), election_ends }
            }
            ElectionState { leader: Some(leader), voted, .. } if leader != self.me() => {
                Role::Follower { leader, voted, fetch_ends: now + self.spec.timeouts.fetch, has_fetched: false }
            }
            ElectionState { voted: Some(voted), .. } if voted == self.spec.key && self.is_voter() => {
                Role::Candidate { votes: Votes::of(self.me()), election_ends }
            }
            ElectionState { voted, .. } => Role::Unattached { leader: None, voted, election_ends },
        };
        self.store_election(out);
        // The only voter needs nobody's vote.
        if self.voters.last().is_some_and(|voters| voters.is_only(self.spec.key)) && self.spec.is_controller {
            self.become_prospective(now, out);
        }
    }

    /// transitionToUnattached
    pub(super) fn become_unattached(&mut self, now: Time, epoch: i32, leader: Option<BrokerId>, out: &mut Outbox) {
        let voted = if epoch == self.epoch { self.voted() } else { None };
        let election_ends = match self.role {
            Role::Unattached { election_ends, .. } | Role::Candidate { election_ends, .. } | Role::Resigned { election_ends, .. } => {
                election_ends.max(now)
            }
            // What is left of waiting for the old leader; never less than a draw, so that voters do not all come forward at once.
            Role::Follower { fetch_ends, .. } if fetch_ends > now => fetch_ends,
            _ => now + self.random_election_timeout(out),
        };
        self.leave(out);
        self.epoch = epoch;
        self.role = Role::Unattached { leader, voted, election_ends };
        self.entered(out);
    }

    /// transitionToProspective: the leader is gone, or there was none. Nothing is said to be so before a majority thinks so too.
    pub(super) fn become_prospective(&mut self, now: Time, out: &mut Outbox) {
        let absent = match &self.role {
            Role::Follower { leader, .. } => vec![Absent::Between(host_of(*leader), host_of(self.me()))],
            _ => Vec::new(),
        };
        let (leader, voted) = (self.leader().filter(|leader| *leader != self.me()), self.voted());
        let election_ends = now + self.random_election_timeout(out);
        self.role = Role::Prospective { leader, voted, votes: Votes::of(self.me()), election_ends };
        if !self.voters.last().is_some_and(|voters| voters.is_only(self.spec.key)) {
            let event =
                out.emit_without(Event::QuorumRoleChanged { node: self.me(), role: QuorumRole::Prospective, epoch: self.epoch }, absent);
            out.because(Some(event));
        }
        self.store_election(out);
        self.count_votes(now, out);
    }

    /// transitionToCandidate: an epoch of its own, and its own vote.
    pub(super) fn become_candidate(&mut self, now: Time, out: &mut Outbox) {
        let election_ends = now + self.random_election_timeout(out);
        self.epoch += 1;
        self.role = Role::Candidate { votes: Votes::of(self.me()), election_ends };
        self.entered(out);
        self.count_votes(now, out);
    }

    /// transitionToFollower
    pub(super) fn become_follower(&mut self, now: Time, epoch: i32, leader: BrokerId, out: &mut Outbox) {
        let voted = if epoch == self.epoch { self.voted() } else { None };
        self.leave(out);
        self.epoch = epoch;
        self.role = Role::Follower { leader, voted, fetch_ends: now + self.spec.timeouts.fetch, has_fetched: false };
        self.update_voters_at = now + self.spec.timeouts.fetch;
        self.entered(out);
    }

    /// transitionToResigned: it leads no more, and says so.
    pub(super) fn become_resigned(&mut self, now: Time, out: &mut Outbox) {
        let Role::Leader(leader) = &self.role else { return };
        let successors = leader.successors(self.voters.last(), self.spec.key);
        let election_ends = now + self.random_election_timeout(out);
        self.leave(out);
        self.role = Role::Resigned { successors, told: BTreeSet::new(), election_ends };
        self.entered(out);
    }

    /// Who has this replica's vote in this epoch.
    pub(super) fn voted(&self) -> Option<ReplicaKey> {
        match &self.role {
            Role::Unattached { voted, .. } | Role::Prospective { voted, .. } | Role::Follower { voted, .. } => *voted,
            Role::Candidate { .. } => Some(self.spec.key),
            Role::Leader(_) | Role::Resigned { .. } => None,
        }
    }

    /// The role is another one: it is written down before anybody hears of it.
    pub(super) fn entered(&mut self, out: &mut Outbox) {
        self.store_election(out);
        let role = self.quorum_role();
        let event = match role {
            QuorumRole::Leader => Event::ControllerElected { controller: self.me(), epoch: self.epoch },
            role => Event::QuorumRoleChanged { node: self.me(), role, epoch: self.epoch },
        };
        let event = out.emit(event);
        out.because(Some(event));
    }

    /// Returns whether it is on the disk. If not, the node ends: what it would say now it would not know after a restart, a vote, an epoch
    /// (`FileQuorumStateStore`).
    pub(super) fn store_election(&mut self, out: &mut Outbox) -> bool {
        let text = ElectionState { epoch: self.epoch, leader: self.leader(), voted: self.voted() }.text();
        if text != self.stored {
            if !out.store().replace_text(&format!("{}/{QUORUM_STATE}", self.spec.dir), text.clone()) {
                self.cannot_write(out);
                return false;
            }
            self.stored = text;
        }
        true
    }

    /// randomElectionTimeoutMs
    pub(super) fn random_election_timeout(&self, out: &mut Outbox) -> Duration {
        let base = self.spec.timeouts.election;
        out.jittered(base, base)
    }
}
