//! What a replica and the others send each other (`KafkaNetworkChannel`, and `KafkaRaftClient.handleRequest`, `handleResponse`).

use super::ReplicaKey;
use super::node::{Call, DISCOVERY_BACKOFF, Raft};
use super::reconfigure::Asker;
use super::role::Role;
use super::voters::VoterSet;
use crate::kafka::actor::{HostPort, Input, Outbox};
use crate::kafka::client::network::Completed;
use crate::kafka::names::{BrokerId, CONTROLLER_PORT, host_of};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::frame::Frame;
use crate::sim::process::ConnId;
use crate::sim::time::Time;

impl Raft {
    // --- what reaches it ---

    /// Whether an input is about a connection that it opened.
    pub fn owns(&self, input: &Input) -> bool {
        self.net.owns(input)
    }

    /// Takes an input about one of its connections.
    pub fn network(&mut self, now: Time, input: Input, out: &mut Outbox) {
        self.now = now;
        let completed = self.net.handle(now, input, out);
        completed.into_iter().for_each(|completed| self.answered(now, completed, out));
        self.poll(now, out);
    }

    /// Whether a request is one of the quorum's own; it is answered then, now or later.
    pub fn handle(&mut self, now: Time, conn: ConnId, frame: &Frame, request: &Request, out: &mut Outbox) -> bool {
        self.now = now;
        if self.log.is_none() {
            return false;
        }
        let response: Response = match request {
            Request::Fetch(request) => {
                self.handle_fetch(now, conn, frame, request, out);
                // What was due while the node stood still is due after any request, else nobody would wake it for that.
                self.poll(now, out);
                return true;
            }
            Request::Vote(request) => self.handle_vote(now, request, out).into(),
            Request::BeginQuorumEpoch(request) => self.handle_begin_epoch(now, request, out).into(),
            Request::EndQuorumEpoch(request) => self.handle_end_epoch(now, request, out).into(),
            Request::FetchSnapshot(request) => self.handle_fetch_snapshot(now, request).into(),
            _ => return false,
        };
        out.send(conn, Frame::response(frame.correlation_id, frame.version, response, Vec::new()));
        self.poll(now, out);
        true
    }

    /// A connection that somebody else had opened is gone.
    pub fn closed(&mut self, conn: ConnId) {
        self.waiting.retain(|fetch| !fetch.is_on(conn));
    }

    /// Answers about changes of the voters.
    pub fn take_answers(&mut self) -> Vec<(Asker, Response)> {
        std::mem::take(&mut self.answers)
    }

    pub(super) fn answered(&mut self, now: Time, completed: Completed<Call>, out: &mut Outbox) {
        let from = completed.node;
        let Ok(answer) = completed.result else {
            if completed.token == Call::Fetch {
                self.discover_at = now + DISCOVERY_BACKOFF;
            }
            return;
        };
        match (completed.token, answer.response) {
            (Call::Vote(epoch, pre_vote), Response::Vote(response)) => self.vote_answered(now, from, (epoch, pre_vote), &response, out),
            (Call::BeginEpoch, Response::BeginQuorumEpoch(response)) => {
                let answer = response.topics.first().and_then(|topic| topic.partitions.first());
                if let Some(answer) = answer {
                    self.handled_commonly(now, answer.error_code, answer.leader_id.0, answer.leader_epoch, out);
                }
            }
            (Call::EndEpoch, Response::EndQuorumEpoch(response)) => {
                let answer = response.topics.first().and_then(|topic| topic.partitions.first());
                let Some(answer) = answer else { return };
                let over = self.handled_commonly(now, answer.error_code, answer.leader_id.0, answer.leader_epoch, out);
                if let Role::Resigned { told, .. } = &mut self.role
                    && !over
                {
                    told.insert(from);
                }
            }
            (Call::Fetch, Response::Fetch(response)) => {
                let batches = answer.batches.into_iter().next().unwrap_or_default();
                self.discover_at = now + DISCOVERY_BACKOFF;
                self.fetch_answered(now, from, &response, batches, out);
            }
            // Whatever it says: later, if there is still a reason, once more.
            (Call::UpdateVoters, _) => {}
            (Call::FetchSnapshot, Response::FetchSnapshot(response)) => self.snapshot_answered(now, from, &response, out),
            _ => {}
        }
        self.learn_addresses();
    }

    // --- what it sends ---

    /// The requests that the role wants sent.
    pub(super) fn send(&mut self, now: Time, out: &mut Outbox) {
        let others = |raft: &Raft| -> Vec<ReplicaKey> {
            let voters = raft.voters.last().into_iter().flat_map(VoterSet::iter);
            voters.map(|voter| voter.key).filter(|key| *key != raft.spec.key).collect()
        };
        match &mut self.role {
            Role::Prospective { votes, .. } | Role::Candidate { votes, .. } => {
                let votes = votes.clone();
                let pre_vote = matches!(self.role, Role::Prospective { .. });
                let unanswered =
                    others(self).into_iter().filter(|key| !votes.granted.contains(&key.id) && !votes.rejected.contains(&key.id));
                for voter in unanswered.collect::<Vec<_>>() {
                    let request = self.vote_request(voter, pre_vote);
                    self.ask(now, voter.id, request, Call::Vote(self.epoch, pre_vote), out);
                }
            }
            Role::Leader(leader) => {
                leader.tell_again(now);
                let Some(voters) = self.voters.last() else { return };
                for voter in leader.to_be_told(now, voters, self.spec.key) {
                    let request = self.begin_epoch_request(voter);
                    if self.ask(now, voter.id, request, Call::BeginEpoch, out)
                        && let Role::Leader(leader) = &mut self.role
                    {
                        leader.told.insert(voter.id);
                    }
                }
            }
            Role::Resigned { successors, told, .. } => {
                let (successors, told) = (successors.clone(), told.clone());
                for voter in others(self).into_iter().filter(|key| !told.contains(&key.id)) {
                    let request = self.end_epoch_request(&successors);
                    self.ask(now, voter.id, request, Call::EndEpoch, out);
                }
            }
            Role::Follower { leader, fetch_ends, .. } => {
                let (leader, lost) = (*leader, *fetch_ends <= now);
                if !lost && self.may_join() && self.update_voters_at <= now {
                    self.join(now, leader, out);
                } else if !lost {
                    self.fetch_from(now, leader, out);
                } else if !self.is_voter() {
                    self.fetch_from_any(now, out);
                }
            }
            Role::Unattached { .. } => self.fetch_from_any(now, out),
        }
    }

    fn fetch_from(&mut self, now: Time, leader: BrokerId, out: &mut Outbox) {
        match self.snapshot_request() {
            Some(request) => self.ask(now, leader, request, Call::FetchSnapshot, out),
            None => self.ask(now, leader, self.fetch_request(), Call::Fetch, out),
        };
    }

    /// maybeSendFetchToAnyBootstrap: whoever answers says who leads.
    fn fetch_from_any(&mut self, now: Time, out: &mut Outbox) {
        if self.discover_at > now || self.net.tokens().any(|call| *call == Call::Fetch) {
            return;
        }
        let others: Vec<BrokerId> = self.spec.controllers.iter().copied().filter(|id| *id != self.me()).collect();
        for id in &others {
            self.net.set_node(*id, HostPort { host: host_of(*id), port: CONTROLLER_PORT });
        }
        let Some(any) = self.ready_bootstrap_server(now, &others, out) else { return };
        if self.ask(now, any, self.fetch_request(), Call::Fetch, out) {
            self.discover_at = now + DISCOVERY_BACKOFF;
        }
    }

    /// findReadyBootstrapServer: one at random that is not in its backoff. Not the one that is connected already: that may not lead, and whom
    /// it names may be known.
    fn ready_bootstrap_server(&self, now: Time, servers: &[BrokerId], out: &mut Outbox) -> Option<BrokerId> {
        if servers.is_empty() {
            return None;
        }
        let start = out.rng().below(servers.len() as u64) as usize;
        let from_start = servers[start..].iter().chain(&servers[..start]);
        from_start.copied().find(|id| self.net.in_flight(*id) == 0 && !self.net.is_unavailable(now, *id))
    }

    pub(super) fn ask(&mut self, now: Time, node: BrokerId, request: impl Into<Request>, call: Call, out: &mut Outbox) -> bool {
        self.net.ready(now, node, out) && self.net.send(now, node, request, Vec::new(), call, out).is_ok()
    }

    pub(super) fn learn_addresses(&mut self) {
        for voter in self.voters.last().into_iter().flat_map(VoterSet::iter) {
            self.net.set_node(voter.key.id, HostPort { host: voter.host.clone(), port: voter.port });
        }
    }
}
