//! Whether something happened to a broker as the goal asks, and if something else did, the difference.

use super::watch::{Seen, Verdict};
use super::{EventIs, Which};
use crate::kafka::event::Event;
use crate::kafka::names::{BrokerId, host_of, node_on};
use crate::sim::fault::Occurrence;

/// Waits for a broker to be killed, stopped or started.
#[derive(Clone, Debug)]
pub struct BrokerWatch {
    wanted: EventIs,
    /// The last thing that was nearly it.
    near: Option<String>,
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
        BrokerWatch { wanted, near: None }
    }

    pub fn event(&mut self, event: &Event, seen: &Seen) -> Option<Verdict> {
        let (happened, broker) = match event {
            Event::Sim(Occurrence::Killed { host } | Occurrence::PowerLost { host }) => (Happened::Killed, node_on(host)?),
            Event::Sim(Occurrence::Stopping { host }) => (Happened::Stopped, node_on(host)?),
            Event::BrokerStarted { broker, .. } => (Happened::Started, *broker),
            _ => return None,
        };
        match self.difference(happened, broker, seen) {
            None => Some(Verdict::Holds),
            Some(near) => {
                self.near = Some(near.clone());
                Some(Verdict::NotYet(near))
            }
        }
    }

    pub fn look(&self) -> Verdict {
        let nothing = match self.wanted {
            EventIs::BrokerKilled(_) => "no broker was killed yet",
            EventIs::BrokerStopped(_) => "no broker was stopped yet",
            EventIs::BrokerStarted(_) => "no broker was started yet",
        };
        Verdict::NotYet(self.near.clone().unwrap_or_else(|| nothing.to_owned()))
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
            _ => self.near.clone().or_else(|| self.nothing()),
        }
    }

    fn nothing(&self) -> Option<String> {
        match self.look() {
            Verdict::NotYet(why) => Some(why),
            Verdict::Holds | Verdict::Lost(_) => None,
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
