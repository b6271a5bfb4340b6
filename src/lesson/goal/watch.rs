//! What a predicate needs to see and to remember, and what it says.

use std::collections::BTreeMap;

use super::broker::BrokerWatch;
use super::history::HistoryWatch;
use super::rate::RateWatch;
use super::reads::ReadsWatch;
use super::tool::ToolWatch;
use super::{Predicate, state};
use crate::kafka::event::Event;
use crate::kafka::names::TopicPartition;
use crate::playground::history::History;
use crate::playground::snapshot::Snapshot;

/// What a predicate finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    /// Not now; why, from the state.
    NotYet(String),
    /// Not any more, whatever comes; why.
    Lost(String),
}

/// What all goals share: the history, and who led what at the last look.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Kept only if a goal asks for it.
    pub history: Option<History>,
    pub leaders: BTreeMap<TopicPartition, i32>,
    /// The first offset that is still there.
    pub log_starts: BTreeMap<TopicPartition, i64>,
}

impl Seen {
    pub fn event(&mut self, event: &Event) {
        if let Some(history) = &mut self.history {
            history.event(event);
        }
    }

    pub fn look(&mut self, snapshot: &Snapshot) {
        self.leaders.clear();
        self.log_starts.clear();
        for topic in snapshot.topics.iter().filter(|topic| !topic.internal) {
            for partition in &topic.partitions {
                let at = TopicPartition::new(topic.name.as_str(), partition.partition);
                if let Some(leader) = partition.leader {
                    self.leaders.insert(at.clone(), leader);
                }
                if let Some(log) = state::leader_log(partition) {
                    self.log_starts.insert(at, log.log_start);
                }
            }
        }
    }
}

/// A predicate with its memory.
#[derive(Clone, Debug)]
pub enum Watch {
    Tool(ToolWatch),
    Broker(BrokerWatch),
    Rate(RateWatch),
    Reads(ReadsWatch),
    History(HistoryWatch),
    /// All that can be seen in one snapshot.
    State(Predicate),
}

impl Watch {
    pub fn new(predicate: &Predicate) -> Watch {
        match predicate {
            Predicate::Ran(ran) => Watch::Tool(ToolWatch::new(ran.clone())),
            Predicate::Event(event) => Watch::Broker(BrokerWatch::new(event.clone())),
            Predicate::Rate(rate) => Watch::Rate(RateWatch::new(rate.clone())),
            Predicate::Consumed(consumed) => Watch::Reads(ReadsWatch::new(consumed.clone())),
            Predicate::History(history) => Watch::History(HistoryWatch::new(history.clone())),
            Predicate::Isr(_) | Predicate::Topic(_) | Predicate::Records(_) | Predicate::Group(_) | Predicate::Lag(_) => {
                Watch::State(predicate.clone())
            }
        }
    }

    /// The goal's turn has come.
    pub fn open(&mut self, seen: &Seen) {
        if let Watch::History(watch) = self {
            watch.open(seen);
        }
    }

    /// An event; `is_open` tells whether it counts already. Says something only if the event settles something.
    pub fn event(&mut self, now_us: u64, event: &Event, seen: &Seen, is_open: bool) -> Option<Verdict> {
        match self {
            Watch::Tool(watch) if is_open => watch.event(event),
            Watch::Broker(watch) if is_open => watch.event(now_us, event, seen),
            Watch::Reads(watch) if is_open => watch.event(event, seen),
            Watch::Rate(watch) => {
                watch.event(now_us, event);
                None
            }
            _ => None,
        }
    }

    pub fn look(&mut self, now_us: u64, snapshot: &Snapshot, seen: &Seen) -> Verdict {
        match self {
            Watch::Tool(watch) => watch.look(),
            Watch::Broker(watch) => watch.look(),
            Watch::Rate(watch) => watch.look(now_us, snapshot),
            Watch::Reads(watch) => watch.look(snapshot),
            Watch::History(watch) => watch.look(seen),
            Watch::State(predicate) => state::look(predicate, snapshot),
        }
    }
}
