//! Whether something happened to a broker as the goal asks, and if something else did, the difference.

use std::collections::BTreeSet;

use super::watch::{Seen, Verdict};
use super::{EventIs, Which};
use crate::kafka::event::Event;
use crate::kafka::names::{BrokerId, host_of, node_on};
use crate::sim::fault::Occurrence;

/// Waits for a broker to be killed, stopped or started.
///
/// A page that is opened again may have to kill and start every host at one instant (`Command::RestartAll`). Nobody did that, and no goal counts
/// it: so a death is believed when its instant has passed.
#[derive(Clone, Debug)]
pub struct BrokerWatch {
    wanted: EventIs,
    /// The last thing that was nearly it.
    near: Option<String>,
    /// A death at this instant that is not believed yet, and what it lacks.
    death: Option<(u64, BrokerId, Option<String>)>,
    /// Brokers that were restarted by nobody.
    restarted: BTreeSet<BrokerId>,
}

/// What may happen to a broker's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happened {
    Killed,
    Stopped,
    Started,
}

impl BrokerWatch {
    pub fn new(wanted: EventIs) -> BrokerWatch {
        BrokerWatch { wanted, near: None, death: None, restarted: BTreeSet::new() }
    }

    pub fn event(&mut self, now_us: u64, event: &Event, seen: &Seen) -> Option<Verdict> {
        let believed = self.death.as_ref().is_some_and(|(at_us, ..)| *at_us < now_us).then(|| self.believe()).flatten();
        if believed == Some(Verdict::Holds) {
            return believed;
        }
        match event {
            Event::Sim(Occurrence::Killed { host } | Occurrence::PowerLost { host }) => {
                let broker = node_on(host)?;
                self.death = Some((now_us, broker, self.difference(Happened::Killed, broker, seen)));
                None
            }
            Event::Sim(Occurrence::Started { host }) => {
                let broker = node_on(host)?;
                if self.death.as_ref().is_some_and(|(at_us, dead, _)| *at_us == now_us && *dead == broker) {
                    self.death = None;
                    self.restarted.insert(broker);
                }
                None
            }
            Event::Sim(Occurrence::Stopping { host }) => Some(self.conclude(self.difference(Happened::Stopped, node_on(host)?, seen))),
            Event::BrokerStarted { broker, .. } if !self.restarted.remove(broker) => {
                Some(self.conclude(self.difference(Happened::Started, *broker, seen)))
            }
            _ => None,
        }
    }

    pub fn look(&mut self) -> Verdict {
        self.believe().unwrap_or_else(|| Verdict::NotYet(self.why_not()))
    }

    /// The death was one.
    fn believe(&mut self) -> Option<Verdict> {
        let (_, _, lacks) = self.death.take()?;
        Some(self.conclude(lacks))
    }

    fn conclude(&mut self, lacks: Option<String>) -> Verdict {
        match lacks {
            None => Verdict::Holds,
            Some(near) => {
                self.near = Some(near.clone());
                Verdict::NotYet(near)
            }
        }
    }

    fn why_not(&self) -> String {
        let nothing = match self.wanted {
            EventIs::BrokerKilled(_) => "no broker was killed yet",
            EventIs::BrokerStopped(_) => "no broker was stopped yet",
            EventIs::BrokerStarted(_) => "no broker was started yet",
        };
        self.near.clone().unwrap_or_else(|| nothing.to_owned())
    }

    /// What tells this from what is wanted, if anything does.
    fn difference(&self, happened: Happened, broker: BrokerId, seen: &Seen) -> Option<String> {
        let host = host_of(broker);
        let wanted = match &self.wanted {
            EventIs::BrokerKilled(_) => Happened::Killed,
            EventIs::BrokerStopped(_) => Happened::Stopped,
            EventIs::BrokerStarted(_) => Happened::Started,
        };
        match (wanted, happened) {
            (wanted, happened) if wanted == happened => other_broker(self.wanted.which(), happened, broker, seen),
            (Happened::Killed, Happened::Stopped) => Some(format!(
                "{host} was stopped in an orderly way: it handed its leaderships over first, so there was nothing to see. Use kill -9."
            )),
            (Happened::Stopped, Happened::Killed) => {
                Some(format!("{host} was killed, and had no time to hand anything over. Use systemctl stop {host}."))
            }
            // What comes before a start, or after an end, tells nothing new.
            _ => Some(self.why_not()),
        }
    }
}

/// The right thing happened: to the wrong broker?
fn other_broker(which: &Which, happened: Happened, broker: BrokerId, seen: &Seen) -> Option<String> {
    let host = host_of(broker);
    let did = match happened {
        Happened::Killed => "was killed",
        Happened::Stopped => "was stopped",
        Happened::Started => "was started",
    };
    if let Some(id) = which.broker
        && id != broker.0
    {
        return Some(format!("{host} {did}, and {} is meant", host_of(BrokerId(id))));
    }
    let topic = which.led.as_ref()?;
    let leads = seen.leaders.iter().any(|(at, leader)| &*at.topic == topic.as_str() && *leader == broker.0);
    (!leads).then(|| format!("{host} {did}, but it led no partition of {topic}"))
}
