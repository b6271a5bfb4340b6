//! From a plan's steps to single deeds in the order of their times.

use super::plan::{Act, CHAOS, Outage, Step, Tool};
use crate::sim::fault::{Fault, Shaping};
use crate::sim::time::Duration;

/// What is done at one moment.
#[derive(Clone, Debug)]
pub enum Deed {
    Fault(Fault),
    /// At a terminal.
    Type(Tool),
    /// Of what was not flushed on that host.
    Flip(String),
}

/// All deeds in the order of their times, with the number of their step. Behind [`CHAOS`] nothing is done: all is mended then anyway.
pub fn deeds(steps: &[(u32, Step)]) -> Vec<(Duration, u32, Deed)> {
    let mut deeds = Vec::new();
    for (n, step) in steps {
        let (from, to) = (step.at, step.at + step.lasts);
        let mut add = |at: Duration, fault: Fault| deeds.push((at, *n, Deed::Fault(fault)));
        match step.act.clone() {
            Act::Outage { hosts, how } => {
                for host in hosts {
                    let begins = |host: String| match how {
                        Outage::Kill | Outage::KillAndFlip => Fault::Kill { host },
                        Outage::PowerCut => Fault::PowerCut { host },
                        Outage::Stop => Fault::Stop { host },
                        Outage::Pause => Fault::Pause { host },
                    };
                    deeds.push((from, *n, Deed::Fault(begins(host.clone()))));
                    if how == Outage::KillAndFlip {
                        deeds.push((from, *n, Deed::Flip(host.clone())));
                    }
                    let ends = if how == Outage::Pause { Fault::Resume { host } } else { Fault::Start { host } };
                    deeds.push((to, *n, Deed::Fault(ends)));
                }
            }
            Act::Cut { a, b, one_way: false } => {
                add(from, Fault::Cut { a: a.clone(), b: b.clone() });
                add(to, Fault::Heal { a, b });
            }
            Act::Cut { a, b, one_way: true } => {
                add(from, Fault::CutOneWay { from: a.clone(), to: b.clone() });
                add(to, Fault::HealOneWay { from: a, to: b });
            }
            Act::Isolate { host, from: others } => {
                for other in others {
                    add(from, Fault::Cut { a: host.clone(), b: other.clone() });
                    add(to, Fault::Heal { a: host.clone(), b: other });
                }
            }
            Act::Lose { a, b, permille } => {
                add(from, Fault::Lose { a: a.clone(), b: b.clone(), permille });
                add(to, Fault::Lose { a, b, permille: 0 });
            }
            Act::Slow { host, shaping } => {
                add(from, Fault::Shape { host: host.clone(), shaping });
                add(to, Fault::Shape { host, shaping: Shaping::default() });
            }
            Act::SlowDisk { host, delay_us } => {
                add(from, Fault::SlowDisk { host: host.clone(), delay_us });
                add(to, Fault::SlowDisk { host, delay_us: 0 });
            }
            Act::FullDisk { host } => {
                add(from, Fault::FillDisk { host: host.clone() });
                add(to, Fault::FreeDisk { host: host.clone() });
                add(to, Fault::Start { host });
            }
            Act::SkewClock { host, ms } => {
                add(from, Fault::SkewClock { host: host.clone(), ms });
                add(to, Fault::SkewClock { host, ms: 0 });
            }
            Act::Tool(tool) => deeds.push((from, *n, Deed::Type(tool))),
        }
    }
    deeds.retain(|(at, ..)| *at <= CHAOS);
    // Stable: deeds of one moment stay in the order of their steps.
    deeds.sort_by_key(|(at, ..)| *at);
    deeds
}
