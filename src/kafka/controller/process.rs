//! The process of a controller apart from brokers: its replica of the metadata log, and the controller over it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::quorum_controller::QuorumController;
use super::{ControllerSpec, State};
use crate::kafka::actor::{Input, Outbox};
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::names::{BrokerId, CONTROLLER_PORT};
use crate::kafka::raft::node::{METADATA_DIR, Raft};
use crate::sim::disk::File;
use crate::sim::process::{Boot, ReadId};
use crate::sim::time::Time;

/// A controller.
#[derive(Clone, Debug)]
pub struct Controller {
    raft: Raft,
    controller: QuorumController,
    reads: BTreeMap<ReadId, String>,
    files: BTreeMap<String, Arc<File>>,
    now: Time,
}

impl Controller {
    pub fn new(spec: &ControllerSpec, _boot: &Boot) -> Controller {
        Controller {
            raft: Raft::new(spec.raft()),
            controller: QuorumController::new(spec),
            reads: BTreeMap::new(),
            files: BTreeMap::new(),
            now: Time::ZERO,
        }
    }

    /// What it knows; for the stage, goals and tests.
    pub fn state(&self) -> &State {
        self.controller.state()
    }

    pub fn controller(&self) -> &QuorumController {
        &self.controller
    }

    pub fn raft(&self) -> &Raft {
        &self.raft
    }

    pub fn id(&self) -> BrokerId {
        self.controller.id()
    }

    pub fn epoch(&self) -> i32 {
        self.raft.epoch()
    }

    /// The metadata log, once it is open.
    pub fn log(&self) -> Option<&PartitionLog> {
        self.raft.log()
    }

    pub fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        self.now = now;
        if self.raft.owns(&input) {
            self.raft.network(now, input, out);
        } else if self.controller.owns(&input) {
            self.controller.network(now, input, out);
        } else {
            match input {
                Input::Start => self.start(now, out),
                Input::Read(id, file) => self.read_back(now, id, file, out),
                Input::Frame(conn, frame) => self.controller.frame(&mut self.raft, now, conn, frame, out),
                Input::Wake => self.raft.poll(now, out),
                Input::Closed(conn, _) => {
                    self.raft.closed(conn);
                    self.controller.closed(conn);
                }
                Input::Accepted { conn, from, .. } => return self.controller.accepted(conn, &from),
                Input::Terminate => self.raft.shut_down(now, out),
                Input::Connected(_) | Input::Told(_) => return,
            }
        }
        self.controller.poll(&mut self.raft, now, out);
        self.raft.published(now, self.controller.applied(), self.controller.image(), out);
        if self.raft.is_shutting_down() && self.raft.is_shut_down() {
            self.raft.close(out);
            out.exit(143);
        }
    }

    pub fn next_wake(&self) -> Option<Time> {
        [self.raft.next_wake(), self.controller.next_wake()].into_iter().flatten().filter(|at| *at > self.now).min()
    }

    fn start(&mut self, now: Time, out: &mut Outbox) {
        let paths: Vec<String> = out.disk().list(METADATA_DIR).map(|(path, _)| path.to_string()).collect();
        for path in paths {
            self.reads.insert(out.read(&path), path);
        }
        if self.reads.is_empty() {
            self.open(now, out);
        }
    }

    fn read_back(&mut self, now: Time, id: ReadId, file: Option<Arc<File>>, out: &mut Outbox) {
        if let (Some(path), Some(file)) = (self.reads.remove(&id), file) {
            self.files.insert(path, file);
        }
        if self.reads.is_empty() && self.raft.log().is_none() {
            self.open(now, out);
        }
    }

    fn open(&mut self, now: Time, out: &mut Outbox) {
        let files = std::mem::take(&mut self.files);
        self.raft.open(now, &files, false, out);
        out.listen(CONTROLLER_PORT);
    }
}
