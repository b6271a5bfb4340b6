//! How the machines are, for what asks after them: `systemctl status`, `iptables -L`, `tc qdisc show`.

use crate::shell::files::Files;
use crate::sim::fault::Shaping;
use crate::sim::time::Time;

/// The name under which the simulation's answer stands among a tool's files; nobody can type it.
pub const MACHINES: &str = "\0machines";

/// All machines and the links that are cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machines {
    pub machines: Vec<Machine>,
    pub cuts: Vec<CutLink>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    pub host: String,
    pub state: State,
    /// Since when it is so.
    pub since: Time,
    pub shaping: Shaping,
}

/// How the process on a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// SIGSTOP does not change it: for the system the process is there.
    Running,
    Starting,
    Killed,
    NoPower,
    Exited(i32),
    /// Nothing was ever started there.
    Empty,
}

/// What one machine sends and the other does not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutLink {
    pub from: String,
    pub to: String,
    /// It is the sender that drops it.
    pub at_sender: bool,
}

impl Machines {
    /// From a tool's files; without an answer there are none.
    pub fn of(files: &Files) -> Machines {
        files.get(MACHINES).map(Machines::read).unwrap_or_default()
    }

    /// Reads what [`crate::sim::process::Wanted::Machines`] says.
    pub fn read(text: &str) -> Machines {
        let mut all = Machines::default();
        for line in text.lines() {
            match line.split('\t').collect::<Vec<_>>()[..] {
                ["host", host, state, since, delay, jitter, lost] => {
                    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
                    let shaping = Shaping { delay_us: number(delay), jitter_us: number(jitter), lost_ppm: number(lost) as u32 };
                    all.machines.push(Machine { host: host.to_owned(), state: State::read(state), since: Time(number(since)), shaping });
                }
                ["cut", from, to, whose] => {
                    all.cuts.push(CutLink { from: from.to_owned(), to: to.to_owned(), at_sender: whose == "sender" });
                }
                _ => {}
            }
        }
        all
    }

    pub fn machine(&self, host: &str) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.host == host)
    }
}

impl State {
    fn read(text: &str) -> State {
        match text {
            "running" | "paused" => State::Running,
            "booting" => State::Starting,
            "killed" => State::Killed,
            "off" => State::NoPower,
            text => text.strip_prefix("exited ").and_then(|status| status.parse().ok()).map_or(State::Empty, State::Exited),
        }
    }

    /// Nothing runs there, and nothing is about to.
    pub fn is_down(self) -> bool {
        !matches!(self, State::Running | State::Starting)
    }
}
