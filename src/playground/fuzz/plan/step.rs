//! What is done to a cluster, and when.

use std::fmt;

use super::hosts::Hosts;
use super::tool::{self, Tool};
use super::{CHAOS, Dice};
use crate::playground::spec::ClusterSpec;
use crate::sim::fault::Shaping;
use crate::sim::time::Duration;

/// Something done at a time, and undone later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// After the cluster was ready.
    pub at: Duration,
    /// How long until it is undone.
    pub lasts: Duration,
    pub act: Act,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Of all these at one moment.
    Outage {
        hosts: Vec<String>,
        how: Outage,
    },
    Cut {
        a: String,
        b: String,
        one_way: bool,
    },
    /// One is cut off from all these.
    Isolate {
        host: String,
        from: Vec<String>,
    },
    Lose {
        a: String,
        b: String,
        permille: u16,
    },
    Slow {
        host: String,
        shaping: Shaping,
    },
    SlowDisk {
        host: String,
        delay_us: u32,
    },
    FullDisk {
        host: String,
    },
    SkewClock {
        host: String,
        ms: i64,
    },
    /// A line at a terminal.
    Tool(Tool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    Kill,
    PowerCut,
    /// Killed, and a bit of the last unflushed batch of some log flips before it starts again.
    KillAndFlip,
    /// SIGTERM
    Stop,
    Pause,
}

impl Act {
    /// The names of all kinds.
    pub const KINDS: [&str; 19] = [
        "kill",
        "power cut",
        "kill and flipped bit",
        "stop",
        "pause",
        "cut",
        "cut one way",
        "isolate",
        "loss",
        "slow network",
        "slow disk",
        "full disk",
        "clock skew",
        "preferred election",
        "unclean election",
        "reassignment",
        "topic config",
        "broker config",
        "delete records",
    ];

    /// What kind of thing it is, for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Act::Outage { how: Outage::Kill, .. } => "kill",
            Act::Outage { how: Outage::PowerCut, .. } => "power cut",
            Act::Outage { how: Outage::KillAndFlip, .. } => "kill and flipped bit",
            Act::Outage { how: Outage::Stop, .. } => "stop",
            Act::Outage { how: Outage::Pause, .. } => "pause",
            Act::Cut { one_way: false, .. } => "cut",
            Act::Cut { one_way: true, .. } => "cut one way",
            Act::Isolate { .. } => "isolate",
            Act::Lose { .. } => "loss",
            Act::Slow { .. } => "slow network",
            Act::SlowDisk { .. } => "slow disk",
            Act::FullDisk { .. } => "full disk",
            Act::SkewClock { .. } => "clock skew",
            Act::Tool(tool) => tool.kind(),
        }
    }
}

pub fn draw_all(dice: &mut Dice, cluster: &ClusterSpec, steps: u32) -> Vec<(u32, Step)> {
    let hosts = Hosts::of(cluster);
    // Some runs break one kind of thing only: what a crowd of faults hides shows there.
    let only = dice.one_in(3).then(|| draw_family(dice));
    (0..steps).map(|n| (n, draw(dice, cluster, &hosts, only))).collect()
}

#[derive(Clone, Copy)]
enum Family {
    Outage,
    Cut,
    Isolate,
    Lose,
    Slow,
    SlowDisk,
    FullDisk,
    SkewClock,
    Tool,
}

fn draw_family(dice: &mut Dice) -> Family {
    use Family::*;
    dice.weighted(&[(13, Outage), (6, Cut), (4, Isolate), (2, Lose), (1, Slow), (2, SlowDisk), (2, FullDisk), (2, SkewClock), (8, Tool)])
}

fn draw(dice: &mut Dice, cluster: &ClusterSpec, hosts: &Hosts, only: Option<Family>) -> Step {
    let at = Duration::ms(dice.below(CHAOS.as_ms()));
    let lasts = Duration::ms(match dice.below(3) {
        0 => dice.within(20, 1_000),
        1 => dice.within(500, 4_000),
        _ => dice.within(2_000, 7_000),
    });
    let family = only.filter(|_| !dice.one_in(4)).unwrap_or_else(|| draw_family(dice));
    let act = match family {
        Family::Outage => draw_outage(dice, hosts),
        Family::Cut => {
            let (a, b) = hosts.two(dice);
            Act::Cut { a, b, one_way: dice.one_in(2) }
        }
        Family::Isolate => {
            let host = hosts.server(dice);
            let from = hosts.others(dice, &host);
            Act::Isolate { host, from }
        }
        Family::Lose => {
            let (a, b) = hosts.two(dice);
            Act::Lose { a, b, permille: dice.within(10, 600) as u16 }
        }
        Family::Slow => {
            let delay_us = dice.within(1_000, 300_000);
            let shaping = Shaping { delay_us, jitter_us: dice.below(delay_us), lost_ppm: dice.below(100_000) as u32 };
            Act::Slow { host: hosts.server(dice), shaping }
        }
        Family::SlowDisk => Act::SlowDisk { host: hosts.server(dice), delay_us: dice.within(1_000, 400_000) as u32 },
        Family::FullDisk => Act::FullDisk { host: hosts.server(dice) },
        Family::SkewClock => Act::SkewClock { host: hosts.any(dice), ms: dice.within(0, 8_000) as i64 - 4_000 },
        Family::Tool => Act::Tool(tool::draw(dice, cluster)),
    };
    Step { at, lasts, act }
}

fn draw_outage(dice: &mut Dice, hosts: &Hosts) -> Act {
    use Outage::*;
    let how = dice.weighted(&[(3, Kill), (2, PowerCut), (1, KillAndFlip), (2, Stop), (2, Pause)]);
    let hosts = match how {
        // The lights go out in the room; somebody kills the wrong processes.
        Kill | PowerCut if dice.one_in(8) => {
            let spared = dice.below(hosts.brokers.len() as u64 * 2) as usize;
            hosts.brokers.iter().enumerate().filter(|(n, _)| *n != spared).map(|(_, host)| host.clone()).collect()
        }
        KillAndFlip => vec![hosts.broker(dice)],
        _ => vec![hosts.any(dice)],
    };
    Act::Outage { hosts, how }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (at, until) = (self.at.as_ms(), self.at.as_ms() + self.lasts.as_ms());
        write!(f, "{at} ms: ")?;
        match &self.act {
            Act::Outage { hosts, how } => {
                let hosts = hosts.join(", ");
                match how {
                    Outage::Kill => write!(f, "kill {hosts}, start at {until}"),
                    Outage::PowerCut => write!(f, "cut the power of {hosts}, start at {until}"),
                    Outage::KillAndFlip => write!(f, "kill {hosts}, flip a bit, start at {until}"),
                    Outage::Stop => write!(f, "stop {hosts}, start at {until}"),
                    Outage::Pause => write!(f, "pause {hosts} until {until}"),
                }
            }
            Act::Cut { a, b, one_way: false } => write!(f, "cut {a} off from {b} until {until}"),
            Act::Cut { a, b, one_way: true } => write!(f, "drop what {a} sends to {b} until {until}"),
            Act::Isolate { host, from } => write!(f, "cut {host} off from {} until {until}", from.join(", ")),
            Act::Lose { a, b, permille } => write!(f, "lose {permille} of 1,000 packets between {a} and {b} until {until}"),
            Act::Slow { host, shaping } => {
                let Shaping { delay_us, jitter_us, lost_ppm } = shaping;
                write!(f, "delay what {host} sends by {delay_us} +- {jitter_us} us and lose {lost_ppm} ppm of it until {until}")
            }
            Act::SlowDisk { host, delay_us } => write!(f, "{delay_us} us a write on {host} until {until}"),
            Act::FullDisk { host } => write!(f, "the disk of {host} is full until {until}"),
            Act::SkewClock { host, ms } => write!(f, "the clock of {host} is off by {ms} ms until {until}"),
            Act::Tool(tool) => write!(f, "{}", tool.line()),
        }
    }
}
