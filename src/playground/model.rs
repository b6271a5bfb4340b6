//! The cluster as a simulation: which processes there are, and from what each is made.

use super::setup::{Setup, SetupSpec};
use crate::kafka::actor::{Input, Outbox, Tell};
use crate::kafka::broker::BrokerSpec;
use crate::kafka::broker::process::Broker;
use crate::kafka::client::consumer::load::{ConsumerLoad, ConsumerProcess};
use crate::kafka::client::producer::load::{ProducerLoad, ProducerProcess};
use crate::kafka::controller::ControllerSpec;
use crate::kafka::controller::process::Controller;
use crate::kafka::event::Event;
use crate::kafka::protocol::frame::Frame;
use crate::shell::session::{Session, SessionSpec};
use crate::sim::process::{self, Boot, Model};
use crate::sim::time::{Duration, Time};

/// The types of this simulation.
#[derive(Clone, Debug)]
pub struct Cluster;

/// From what a process is made.
#[derive(Clone, Debug)]
pub enum Spec {
    Broker(BrokerSpec),
    Controller(ControllerSpec),
    Producer(ProducerLoad),
    Consumer(ConsumerLoad),
    Session(SessionSpec),
    Setup(SetupSpec),
}

/// Everything that runs on a host.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // Each lives in a slot of its own, and is never moved.
pub enum Process {
    Broker(Broker),
    Controller(Controller),
    Producer(ProducerProcess),
    Consumer(ConsumerProcess),
    Session(Session),
    Setup(Setup),
}

/// A JVM with a broker or controller in it takes so long until it reads its disk.
const SERVER_START: Duration = Duration::secs(2);
/// A client's JVM.
const CLIENT_START: Duration = Duration::ms(500);

impl Model for Cluster {
    type Frame = Frame;
    type Event = Event;
    type Tell = Tell;
    type Spec = Spec;
    type Process = Process;

    fn boot(spec: &Spec, boot: &Boot) -> Process {
        match spec {
            Spec::Broker(spec) => Process::Broker(Broker::new(spec, boot)),
            Spec::Controller(spec) => Process::Controller(Controller::new(spec, boot)),
            Spec::Producer(load) => Process::Producer(ProducerProcess::new(load, boot)),
            Spec::Consumer(load) => Process::Consumer(ConsumerProcess::new(load, boot)),
            Spec::Session(spec) => Process::Session(Session::new(spec, boot)),
            Spec::Setup(spec) => Process::Setup(Setup::new(spec, boot)),
        }
    }

    fn start_up(spec: &Spec) -> Duration {
        match spec {
            Spec::Broker(_) | Spec::Controller(_) => SERVER_START,
            Spec::Producer(_) | Spec::Consumer(_) | Spec::Session(_) | Spec::Setup(_) => CLIENT_START,
        }
    }
}

impl process::Process<Cluster> for Process {
    fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        match self {
            Process::Broker(broker) => broker.step(now, input, out),
            Process::Controller(controller) => controller.step(now, input, out),
            Process::Producer(producer) => producer.step(now, input, out),
            Process::Consumer(consumer) => consumer.step(now, input, out),
            Process::Session(session) => session.step(now, input, out),
            Process::Setup(setup) => setup.step(now, input, out),
        }
    }

    fn next_wake(&self) -> Option<Time> {
        match self {
            Process::Broker(broker) => broker.next_wake(),
            Process::Controller(controller) => controller.next_wake(),
            Process::Producer(producer) => producer.next_wake(),
            Process::Consumer(consumer) => consumer.next_wake(),
            Process::Session(session) => session.next_wake(),
            Process::Setup(setup) => setup.next_wake(),
        }
    }
}
