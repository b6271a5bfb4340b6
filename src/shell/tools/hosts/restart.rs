//! `systemctl restart kafka-1`: asks the process to end, waits for that, starts it again.

use super::machines::{Machine, Machines};
use super::units::{host_of, missing, verb};
use super::{Asked, Done};
use crate::kafka::actor::Input;
use crate::shell::tools::program::Program;
use crate::shell::tools::{Context, Start};
use crate::sim::fault::Fault;
use crate::sim::process::ReadId;
use crate::sim::time::{Duration, Time};

/// It looks so often whether the process has ended.
const LOOK_EVERY: Duration = Duration::ms(100);
/// systemd's TimeoutStopSec: after that comes SIGKILL.
const STOP_PATIENCE: Duration = Duration::secs(90);

/// Units that are being restarted.
#[derive(Clone, Debug)]
pub struct Restart {
    /// Those that have not been started again yet.
    waiting: Vec<String>,
    asked: Option<ReadId>,
    next_look: Time,
    /// When the first one was asked to end.
    began: Option<Time>,
    said: Done,
}

/// `systemctl restart ...`; `None` if it is something else.
pub fn start(start: &Start) -> Option<Restart> {
    let (verb, units) = verb(start.args);
    let verb = verb.filter(|verb| *verb == "restart" || *verb == "try-restart")?;
    let asked = Asked { hosts: start.hosts, own: start.host, client: start.client, machines: Machines::default(), now: start.now };
    let (mut waiting, mut said) = (Vec::new(), Done::default());
    if units.is_empty() {
        said = Done::failed("Too few arguments.", 1);
    }
    for unit in units {
        match host_of(unit, &asked) {
            Ok(host) => waiting.push(host),
            Err(name) => {
                said.err.push(missing(verb, &name));
                said.status = 5;
            }
        }
    }
    Some(Restart { waiting, asked: None, next_look: start.now, began: None, said })
}

impl Program for Restart {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        self.said.err.drain(..).for_each(|line| cx.print.error(line));
        if self.waiting.is_empty() {
            return Some(self.said.status);
        }
        if self.began.is_none() {
            self.began = Some(cx.now);
            self.next_look = cx.now + LOOK_EVERY;
            self.waiting.iter().for_each(|host| cx.out.fault(Fault::Stop { host: host.clone() }));
        }
        if self.asked.is_none() && self.next_look <= cx.now {
            self.asked = Some(cx.out.machines());
        }
        None
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        let Input::Read(_, file) = input else { return };
        self.asked = None;
        self.next_look = cx.now + LOOK_EVERY;
        let machines = file.map(|file| Machines::read(&String::from_utf8_lossy(&file.read()))).unwrap_or_default();
        let is_late = self.began.is_some_and(|began| cx.now.since(began) >= STOP_PATIENCE);
        self.waiting.retain(|host| {
            let is_down = machines.machine(host).is_none_or(|Machine { state, .. }| state.is_down());
            if is_down {
                cx.out.fault(Fault::Start { host: host.clone() });
            } else if is_late {
                cx.out.fault(Fault::Kill { host: host.clone() });
            }
            !is_down
        });
    }

    fn owns(&self, input: &Input) -> bool {
        matches!(input, Input::Read(id, _) if self.asked == Some(*id))
    }

    fn next_wake(&self) -> Option<Time> {
        self.asked.is_none().then_some(self.next_look)
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
