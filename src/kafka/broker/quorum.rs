//! The broker's replica of the metadata log, and the controller in the same process, if there is one (`SharedServer`).
//!
//! A broker observes the quorum; in a process that is a controller as well, both share one replica, which votes.

use std::collections::BTreeSet;

use super::BrokerSpec;
use super::log_dirs::LogDirs;
use super::process::Broker;
use super::startup::metadata_dir;
use crate::kafka::actor::{Input, Outbox};
use crate::kafka::client::network::{Answer, Completed};
use crate::kafka::controller::ControllerSpec;
use crate::kafka::controller::quorum_controller::QuorumController;
use crate::kafka::raft::RaftSpec;
use crate::kafka::raft::node::Raft;
use crate::sim::process::ConnId;
use crate::sim::time::Time;

/// What a broker has of the quorum.
#[derive(Clone, Debug)]
pub struct Quorum {
    pub raft: Raft,
    pub controller: Option<Box<QuorumController>>,
    /// Connections to the controller's listener.
    conns: BTreeSet<ConnId>,
    /// When it wants to be polled; kept, so that the data path has nothing to compute.
    pub wake: Option<Time>,
}

impl Quorum {
    pub fn new(spec: &BrokerSpec) -> Quorum {
        let dirs = LogDirs::parse(&spec.config, spec.id, &spec.cluster_id);
        let mut raft = RaftSpec::configured(spec.id, &spec.cluster_id, &spec.controllers, spec.is_controller(), &spec.config);
        raft.dir = metadata_dir(&dirs).into();
        let controller = spec.is_controller().then(|| {
            Box::new(QuorumController::new(&ControllerSpec {
                id: spec.id,
                config: spec.config.clone(),
                cluster_id: spec.cluster_id.clone(),
                controllers: spec.controllers.clone(),
                features: spec.features.clone(),
                is_broker: true,
            }))
        });
        Quorum { raft: Raft::new(raft), controller, conns: BTreeSet::new(), wake: None }
    }

    /// Whether an input is for the replica or the controller, not for the broker.
    pub fn owns(&self, input: &Input) -> bool {
        let controllers = |conn: &ConnId| self.conns.contains(conn);
        self.raft.owns(input)
            || self.controller.as_ref().is_some_and(|controller| {
                controller.owns(input) || matches!(input, Input::Frame(conn, _) | Input::Closed(conn, _) if controllers(conn))
            })
    }

    pub fn accepted(&mut self, conn: ConnId, host: &str) {
        self.conns.insert(conn);
        if let Some(controller) = &mut self.controller {
            controller.accepted(conn, host);
        }
    }
}

impl Broker {
    /// The controller in this process, if there is one.
    pub fn controller(&self) -> Option<&QuorumController> {
        self.quorum.controller.as_deref()
    }

    pub fn raft(&self) -> &Raft {
        &self.quorum.raft
    }

    /// Takes an input that [`Quorum::owns`].
    pub(super) fn quorum_input(&mut self, now: Time, input: Input, out: &mut Outbox) {
        let quorum = &mut self.quorum;
        if quorum.raft.owns(&input) {
            quorum.raft.network(now, input, out);
        } else if let Some(controller) = &mut quorum.controller {
            match input {
                input if controller.owns(&input) => controller.network(now, input, out),
                Input::Frame(conn, frame) => controller.frame(&mut quorum.raft, now, conn, frame, out),
                Input::Closed(conn, _) => {
                    quorum.conns.remove(&conn);
                    quorum.raft.closed(conn);
                    controller.closed(conn);
                }
                _ => {}
            }
        }
        self.quorum_moved(now, out);
    }

    /// What is due there.
    pub(super) fn poll_quorum(&mut self, now: Time, out: &mut Outbox) {
        self.quorum.raft.poll(now, out);
        self.quorum_moved(now, out);
    }

    /// The replica may have another role, or know of more that is committed.
    pub(super) fn quorum_moved(&mut self, now: Time, out: &mut Outbox) {
        if let Some(controller) = &mut self.quorum.controller {
            controller.poll(&mut self.quorum.raft, now, out);
        }
        self.local_answers(now, out);
        self.apply_metadata(now, out);
        if self.metadata.leader != self.quorum.raft.leader() {
            self.metadata.leader = self.quorum.raft.leader();
            self.call_what_waits(now, out);
        }
        self.finish_shutdown(out);
        let of_controller = self.quorum.controller.as_ref().and_then(|controller| controller.next_wake());
        self.quorum.wake = [self.quorum.raft.next_wake(), of_controller].into_iter().flatten().min();
    }

    /// What the controller in this process has answered the broker.
    fn local_answers(&mut self, now: Time, out: &mut Outbox) {
        loop {
            let answers = self.quorum.controller.as_mut().map(|controller| controller.take_local()).unwrap_or_default();
            if answers.is_empty() {
                return;
            }
            for (correlation_id, response) in answers {
                let Some(call) = self.forwarding.take_local(correlation_id) else { continue };
                let result = response.map(|response| Answer { response, batches: Vec::new() });
                let result = result.ok_or(crate::kafka::client::network::Failed::Disconnected);
                self.controller_answered(now, Completed { token: call, node: self.spec.id, sent: now, correlation_id, result }, out);
            }
        }
    }

    /// The broker has stopped: so does its replica, and when that has handed over, the process ends.
    pub(super) fn finish_shutdown(&mut self, out: &mut Outbox) {
        if self.quorum.raft.is_shutting_down() && self.quorum.raft.is_shut_down() {
            self.quorum.raft.close(out);
            out.exit(143);
        }
    }
}
