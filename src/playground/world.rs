//! The world of one cluster: the simulation, and who is who in it. Cheap to clone.

use std::sync::Arc;

use super::command::Command;
use super::folder::{MAX_FILE_BYTES, MAX_PUT_BYTES, NewFile, TERMINAL_HOST};
use super::model::{Cluster, Process, Spec};
use super::narrate;
use super::spec::{ClusterSpec, GroupSpec, KeySpec, ProducerSpec, ValueSpec};
use super::timeline::Replayable;
use crate::kafka::actor::{HostPort, Tell};
use crate::kafka::broker::process::Broker;
use crate::kafka::client::consumer::load::{ConsumerLoad, ConsumerProcess};
use crate::kafka::client::producer::load::{KeyChoice, ProducerLoad, ValueChoice};
use crate::kafka::controller::{self, quorum_controller::QuorumController};
use crate::kafka::event::Event;
use crate::kafka::names::{BROKER_PORT, BrokerId, host_of};
use crate::kafka::raft::node::Raft;
use crate::shell::session::{Session, SessionSpec};
use crate::sim::engine::{Sim, Slot, State};
use crate::sim::fault::{Fault, FaultError};
use crate::sim::process::{EventId, ProcessId, Recorded};
use crate::sim::time::{Duration, Time};

/// At most so many terminals.
pub const MAX_SESSIONS: usize = 16;
/// At most so many clients (producers and members) at a time.
pub const MAX_CLIENTS: usize = 2_000;

/// A cluster with its clients and terminals.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) sim: Sim<Cluster>,
    pub(super) spec: Arc<ClusterSpec>,
    pub(super) seed: u64,
    pub(super) ready_at: Time,
    /// What happened while the cluster was set up, until somebody takes it.
    pub(super) early: Vec<Recorded<Event>>,
    /// Of all files that were put into the terminals' folder.
    pub(super) put_bytes: u64,
}

/// Why a command was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Fault(#[from] FaultError),
    #[error("there is no terminal {0}")]
    NoSession(u32),
    #[error("no more than {MAX_SESSIONS} terminals can be open")]
    TooManySessions,
    #[error("no more than {MAX_CLIENTS} producers and consumers can run here")]
    TooManyClients,
    #[error("{0:?} cannot be a file's name here")]
    BadFileName(String),
    #[error("{0} is too large for the terminal's folder: at most {most} MiB", most = MAX_FILE_BYTES >> 20)]
    FileTooLarge(String),
    #[error("there is no room for {0}: in one run, all files put into the terminal's folder may have {most} MiB", most = MAX_PUT_BYTES >> 20)]
    FolderFull(String),
    #[error("a producer called {0} is already there: give it another name")]
    NameTaken(String),
}

/// A controller that runs, with its replica of the metadata log.
#[derive(Clone, Copy, Debug)]
pub struct Quorate<'w> {
    pub controller: &'w QuorumController,
    pub raft: &'w Raft,
}

impl<'w> Quorate<'w> {
    pub fn id(self) -> BrokerId {
        self.controller.id()
    }

    /// What it decides on.
    pub fn state(self) -> &'w controller::State {
        self.controller.state()
    }

    /// Of its replica.
    pub fn epoch(self) -> i32 {
        self.raft.epoch()
    }
}

impl World {
    pub fn sim(&self) -> &Sim<Cluster> {
        &self.sim
    }

    pub fn spec(&self) -> &Arc<ClusterSpec> {
        &self.spec
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub fn now(&self) -> Time {
        self.sim.now()
    }

    /// When the cluster was first ready: what a person's clock starts from.
    pub fn ready_at(&self) -> Time {
        self.ready_at
    }

    /// The digest of all that happened.
    pub fn digest(&self) -> u128 {
        self.sim.digest()
    }

    /// Every broker with its process, if it has one, by id.
    pub fn brokers(&self) -> impl Iterator<Item = (BrokerId, &Slot<Cluster>, Option<&Broker>)> {
        self.sim.slots().filter_map(|slot| match &slot.spec {
            Spec::Broker(spec) => {
                let running = match &slot.process {
                    Some(Process::Broker(broker)) => Some(broker),
                    _ => None,
                };
                Some((spec.id, slot, running))
            }
            _ => None,
        })
    }

    /// Every controller with what runs of it, by id: those in brokers' processes, then those apart.
    pub fn controllers(&self) -> impl Iterator<Item = (BrokerId, &Slot<Cluster>, Option<Quorate<'_>>)> {
        let combined = self.brokers().filter_map(|(id, slot, broker)| {
            let Spec::Broker(spec) = &slot.spec else { return None };
            let running = broker.and_then(|broker| Some(Quorate { controller: broker.controller()?, raft: broker.raft() }));
            spec.is_controller().then_some((id, slot, running))
        });
        let apart = self.sim.slots().filter_map(|slot| match &slot.spec {
            Spec::Controller(spec) => {
                let running = match &slot.process {
                    Some(Process::Controller(process)) => Some(Quorate { controller: process.controller(), raft: process.raft() }),
                    _ => None,
                };
                Some((spec.id, slot, running))
            }
            _ => None,
        });
        combined.chain(apart)
    }

    /// The active controller, if there is one. (Of two that think so, one that was cut off and another, the later.)
    pub fn controller(&self) -> Option<Quorate<'_>> {
        let running = self.controllers().filter_map(|(_, _, controller)| controller);
        running.filter(|node| node.controller.is_active()).max_by_key(|node| node.epoch())
    }

    /// A terminal.
    pub fn session(&self, session: u32) -> Option<&Session> {
        match self.sim.process(self.session_id(session)?)? {
            Process::Session(session) => Some(session),
            _ => None,
        }
    }

    /// The numbers of the open terminals.
    pub fn sessions(&self) -> impl Iterator<Item = u32> {
        self.sim.slots().filter_map(|slot| match &slot.spec {
            Spec::Session(spec) => Some(spec.session),
            _ => None,
        })
    }

    fn session_id(&self, session: u32) -> Option<ProcessId> {
        self.sim.slots().find(|slot| matches!(&slot.spec, Spec::Session(spec) if spec.session == session)).map(|slot| slot.id)
    }

    /// Where clients of this cluster start from: every broker.
    pub(super) fn bootstrap(&self) -> Vec<HostPort> {
        (1..=self.spec.brokers).map(|id| HostPort { host: host_of(BrokerId(id as i32)), port: BROKER_PORT }).collect()
    }

    /// The hosts of the cluster itself, brokers first.
    fn cluster_hosts(&self) -> Vec<String> {
        let apart = self.sim.slots().filter_map(|slot| if let Spec::Controller(spec) = &slot.spec { Some(spec.id) } else { None });
        self.brokers().map(|(id, ..)| id).chain(apart).map(host_of).collect()
    }

    fn line(&mut self, session: u32, tell: Tell) -> Result<(), CommandError> {
        let id = match (self.session_id(session), &tell) {
            (Some(id), _) => id,
            (None, Tell::Line(_) | Tell::File(..)) => self.open_session(session)?,
            (None, _) => return Err(CommandError::NoSession(session)),
        };
        self.sim.tell(id, tell);
        Ok(())
    }

    fn put_file(&mut self, session: u32, file: &NewFile) -> Result<(), CommandError> {
        self.check_file(file)?;
        self.line(session, Tell::File(file.name.clone(), file.bytes.0.clone()))?;
        self.put_bytes += file.bytes.0.len() as u64;
        Ok(())
    }

    fn open_session(&mut self, session: u32) -> Result<ProcessId, CommandError> {
        if self.sessions().count() >= MAX_SESSIONS {
            return Err(CommandError::TooManySessions);
        }
        let spec = SessionSpec { session, host: TERMINAL_HOST.to_owned(), hosts: self.cluster_hosts() };
        let first = spec.hosts.first().cloned();
        let id = self.sim.spawn(TERMINAL_HOST, &format!("terminal-{session}"), Spec::Session(spec), Duration::ZERO);
        // Tutorials begin at localhost:9092.
        first.iter().for_each(|first| self.sim.forward(TERMINAL_HOST, first));
        Ok(id)
    }

    /// A host of this name, or of one like it if another has it.
    pub(super) fn free_host(&self, wanted: &str) -> String {
        let is_free = |name: &String| self.sim.host(name).is_none() && name != TERMINAL_HOST;
        std::iter::once(wanted.to_owned()).chain((2_u32..).map(|n| format!("{wanted}-{n}"))).find(is_free).unwrap_or_default()
    }

    /// Every consumer that belongs to the world, with its process if it runs.
    pub fn consumers(&self) -> impl Iterator<Item = (ProcessId, &ConsumerLoad, Option<&ConsumerProcess>)> {
        self.sim.slots().filter_map(|slot| match (&slot.spec, &slot.process) {
            (Spec::Consumer(load), Some(Process::Consumer(consumer))) => Some((slot.id, load, Some(consumer))),
            (Spec::Consumer(load), _) => Some((slot.id, load, None)),
            _ => None,
        })
    }

    pub(super) fn add_producer(&mut self, spec: &ProducerSpec) -> Result<(), CommandError> {
        self.room_for(1)?;
        if self.sim.slots().any(|slot| matches!(&slot.spec, Spec::Producer(load) if load.name == spec.name)) {
            return Err(CommandError::NameTaken(spec.name.clone()));
        }
        let load = ProducerLoad {
            name: spec.name.clone(),
            topic: spec.topic.clone(),
            records_per_second: spec.records_per_second,
            key: match &spec.key {
                KeySpec::None => KeyChoice::None,
                KeySpec::OneOf(n) => KeyChoice::OneOf((*n).max(1)),
                KeySpec::List(keys) if keys.is_empty() => KeyChoice::None,
                KeySpec::List(keys) => KeyChoice::List(keys.clone()),
            },
            value: match &spec.value {
                ValueSpec::Unique(prefix) => ValueChoice::Unique(prefix.clone()),
                ValueSpec::SizeBytes(bytes) => ValueChoice::SizeBytes(*bytes),
            },
            config: spec.config.clone(),
            bootstrap: self.bootstrap(),
        };
        let host = self.free_host(&spec.name);
        self.sim.spawn(&host, &host, Spec::Producer(load), Duration::ZERO);
        Ok(())
    }

    /// Adds members; those that the group has already stay.
    pub(super) fn add_group(&mut self, spec: &GroupSpec) -> Result<(), CommandError> {
        self.room_for(spec.members as usize)?;
        let before = self.consumers().filter(|(_, load, _)| *load.group == *spec.name).count();
        for n in 0..spec.members {
            let client_id = format!("{}-{}", spec.name, before as u32 + n + 1);
            let load = ConsumerLoad {
                group: spec.name.as_str().into(),
                client_id: client_id.as_str().into(),
                topics: spec.topics.iter().map(|topic| topic.as_str().into()).collect(),
                config: spec.config.clone(),
                bootstrap: self.bootstrap(),
                record_cost: Duration::ZERO,
            };
            let host = self.free_host(&client_id);
            // A person starts one after the other.
            let delay = Duration::ms(u64::from(n) * 20);
            self.sim.spawn(&host, &host, Spec::Consumer(load), delay);
        }
        Ok(())
    }

    fn room_for(&self, more: usize) -> Result<(), CommandError> {
        let clients = self.sim.slots().filter(|slot| matches!(slot.spec, Spec::Producer(_) | Spec::Consumer(_))).count();
        if clients + more > MAX_CLIENTS { Err(CommandError::TooManyClients) } else { Ok(()) }
    }

    /// Every host of the cluster is killed, if it runs, and starts again from its disk.
    fn restart_all(&mut self) -> Result<(), CommandError> {
        for host in self.cluster_hosts() {
            let is_up = |slot: &Slot<Cluster>| matches!(slot.state, State::Running | State::Paused | State::Booting(_));
            if self.sim.slots().any(|slot| self.sim.host_name(slot.host) == host && is_up(slot)) {
                self.sim.inject(&Fault::Kill { host: host.clone() }, None)?;
            }
            self.sim.inject(&Fault::Start { host }, None)?;
        }
        Ok(())
    }
}

impl Replayable for World {
    type Command = Command;
    type Event = Event;
    type Refusal = CommandError;

    fn now(&self) -> Time {
        self.sim.now()
    }

    fn next_event(&self) -> EventId {
        self.sim.next_event()
    }

    fn step(&mut self, until: Time) -> bool {
        self.sim.step(until)
    }

    fn wait(&mut self, until: Time) {
        self.sim.run_until(until);
    }

    fn apply(&mut self, command: &Command) -> Result<(), CommandError> {
        match command {
            Command::Fault(fault) => Ok(self.sim.inject(fault, None)?),
            Command::Line { session, text } => self.line(*session, Tell::Line(text.clone())),
            Command::Interrupt { session } => self.line(*session, Tell::Interrupt),
            Command::EndOfInput { session } => self.line(*session, Tell::EndOfInput),
            Command::File { session, file } => self.put_file(*session, file),
            Command::AddProducer(spec) => self.add_producer(spec),
            Command::AddGroup(spec) => self.add_group(spec),
            Command::RestartAll => self.restart_all(),
        }
    }

    fn take_events(&mut self) -> Vec<Recorded<Event>> {
        if self.early.is_empty() {
            return self.sim.take_events();
        }
        let mut events = std::mem::take(&mut self.early);
        events.extend(self.sim.take_events());
        events
    }

    fn set_branch(&mut self, branch: u16) {
        self.sim.set_branch(branch);
    }

    /// Processes are copied when they next change; bytes on disks stay shared.
    fn weight_bytes(&self) -> u64 {
        const PROCESS: u64 = 16 << 10;
        const REPLICA: u64 = 2 << 10;
        let replicas: usize = self.brokers().filter_map(|(_, _, broker)| Some(broker?.replicas().partitions.len())).sum();
        self.sim.slots().count() as u64 * PROCESS + replicas as u64 * REPLICA
    }

    fn is_notable(event: &Event) -> bool {
        is_notable(event)
    }

    fn describe(command: &Command) -> String {
        narrate::command(command)
    }
}

/// Whether a person will ask about this event later: it is not one of the steady flow of batches.
pub fn is_notable(event: &Event) -> bool {
    !matches!(
        event,
        Event::Appended { .. }
            | Event::Replicated { .. }
            | Event::HighWatermarkMoved { .. }
            | Event::BatchSent { .. }
            | Event::BatchAcked { .. }
            | Event::Consumed { .. }
            | Event::OffsetCommitted { .. }
            | Event::MetadataCommitted { .. }
    )
}
