//! A world of one terminal, without a cluster: for tests, and for lines by the million.

use super::session::{Session, SessionSpec};
use crate::kafka::actor::{Input, Outbox, Tell};
use crate::kafka::event::Event;
use crate::kafka::protocol::frame::Frame;
use crate::sim::engine::{Settings, Sim};
use crate::sim::process::{self, Boot, Model, ProcessId};
use crate::sim::time::{Duration, Time};

/// The types of this world.
#[derive(Clone, Debug)]
pub struct Terminals;

impl Model for Terminals {
    type Frame = Frame;
    type Event = Event;
    type Tell = Tell;
    type Spec = SessionSpec;
    type Process = Session;

    fn boot(spec: &SessionSpec, boot: &Boot) -> Session {
        Session::new(spec, boot)
    }

    fn start_up(_: &SessionSpec) -> Duration {
        Duration::ZERO
    }
}

impl process::Process<Terminals> for Session {
    fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        Session::step(self, now, input, out);
    }

    fn next_wake(&self) -> Option<Time> {
        Session::next_wake(self)
    }
}

/// A terminal on a host `client`; the hosts `kafka-1` and `kafka-2` are there, but nothing runs on them.
#[derive(Clone, Debug)]
pub struct Terminal {
    pub sim: Sim<Terminals>,
    id: ProcessId,
}

impl Default for Terminal {
    fn default() -> Terminal {
        let mut sim = Sim::new(Settings::default());
        for host in ["client", "kafka-1", "kafka-2"] {
            sim.add_host(host);
        }
        let spec = SessionSpec { session: 7, host: "client".into(), hosts: vec!["kafka-1".into(), "kafka-2".into()] };
        let id = sim.spawn("client", "terminal", spec, Duration::ZERO);
        sim.run_until(Time::from_ms(1));
        Terminal { sim, id }
    }
}

impl Terminal {
    pub fn tell(&mut self, tell: Tell) {
        self.sim.tell(self.id, tell);
    }

    pub fn wait(&mut self, time: Duration) {
        let until = self.sim.now() + time;
        self.sim.run_until(until);
    }

    pub fn session(&self) -> Option<&Session> {
        self.sim.process(self.id)
    }
}
