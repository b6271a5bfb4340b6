//! Whether what was acknowledged was read, once and unchanged.
//!
//! Records never stop coming, so "all" is all that was acknowledged when the goal came up.

use super::HistoryIs;
use super::watch::{Seen, Verdict};
use super::words::{count, list};
use crate::playground::history::{Anomaly, Finding, Frontier, History};

/// Waits until everything acknowledged so far is read, and found good.
#[derive(Clone, Debug)]
pub struct HistoryWatch {
    wanted: HistoryIs,
    /// How far acknowledgements had come when the goal came up.
    frontier: Frontier,
}

impl HistoryWatch {
    pub fn new(wanted: HistoryIs) -> HistoryWatch {
        HistoryWatch { wanted, frontier: Frontier::new() }
    }

    pub fn open(&mut self, seen: &Seen) {
        if let Some(history) = &seen.history {
            self.frontier = history.frontier(&self.wanted.topic);
        }
    }

    pub fn look(&mut self, seen: &Seen) -> Verdict {
        if self.frontier.is_empty() {
            self.open(seen);
        }
        match &seen.history {
            Some(history) if !self.frontier.is_empty() => self.judge(history),
            _ => Verdict::NotYet(format!("no record of {} was acknowledged yet", self.wanted.topic)),
        }
    }

    fn judge(&self, history: &History) -> Verdict {
        let HistoryIs { topic, group, free_of } = &self.wanted;
        let who = group.as_deref().unwrap_or("somebody");
        let conflicts: Vec<String> = free_of.iter().filter_map(|anomaly| history.conflicts(topic, *anomaly).next()).map(describe).collect();
        if !conflicts.is_empty() {
            return Verdict::Lost(list(conflicts));
        }
        let skipped: Vec<Finding> = match free_of.contains(&Anomaly::LostWrite) {
            true => history.findings(topic, group.as_deref(), Anomaly::LostWrite),
            false => Vec::new(),
        };
        if let Some(first) = skipped.first() {
            let records = skipped.iter().map(|f| (f.to - f.from + 1) as u64).sum();
            let (records, at) = (count(records, "acknowledged record"), format!("{} from offset {}", first.partition, first.from));
            return Verdict::NotYet(format!("{who} has read on, and not {records} before that ({at})"));
        }
        match history.unread(topic, group.as_deref(), &self.frontier) {
            0 => Verdict::Holds,
            unread => Verdict::NotYet(format!("{who} has yet to read {} of {topic}", count(unread, "acknowledged record"))),
        }
    }
}

/// A finding that stays, in words.
fn describe(finding: &Finding) -> String {
    let Finding { anomaly, partition, from, to } = finding;
    let at = if from == to { format!("offset {from}") } else { format!("offsets {from} to {to}") };
    match anomaly {
        Anomaly::LostWrite => format!("{partition}: what was acknowledged at {at} is gone"),
        Anomaly::InconsistentOffsets => format!("{partition}: {at} held two different things"),
        Anomaly::Duplicate => format!("{partition}: what is at {at} also stands elsewhere"),
        Anomaly::Unseen => format!("{partition}: {at} was never read"),
    }
}
