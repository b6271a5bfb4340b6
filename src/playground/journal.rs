//! The journal: every command with the moment at which it was done. With the seed and the description of the cluster it is the whole run.

use serde::{Deserialize, Serialize};

use crate::sim::process::EventId;
use crate::sim::time::Time;

/// At most so many commands in one run; a person does not reach it, a script may.
pub const MAX_COMMANDS: usize = 100_000;

/// A command as it was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry<C> {
    pub at: Time,
    /// How many steps the run had taken before: its exact place in the order of things.
    pub step: u64,
    /// The first event that this command could cause.
    pub event: EventId,
    /// The branch of time that the run is on from here.
    pub branch: u16,
    pub command: C,
}

/// The commands of a run, in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Journal<C> {
    entries: Vec<Entry<C>>,
}

impl<C> Default for Journal<C> {
    fn default() -> Self {
        Journal { entries: Vec::new() }
    }
}

impl<C: Clone + PartialEq> Journal<C> {
    pub fn entries(&self) -> &[Entry<C>] {
        &self.entries
    }

    /// Whether no more commands are taken.
    pub fn is_full(&self) -> bool {
        self.entries.len() >= MAX_COMMANDS
    }

    /// Adds a command behind all others.
    pub fn push(&mut self, entry: Entry<C>) {
        debug_assert!(self.entries.last().is_none_or(|last| last.step < entry.step), "a journal runs forward");
        self.entries.push(entry);
    }

    /// The first command that a run of so many steps has not done yet.
    pub fn next_after(&self, steps: u64) -> Option<&Entry<C>> {
        self.entries.get(self.entries.partition_point(|entry| entry.step < steps))
    }

    /// The branch of time after so many steps.
    pub fn branch_after(&self, steps: u64) -> u16 {
        let done = self.entries.partition_point(|entry| entry.step < steps);
        self.entries[..done].last().map_or(0, |entry| entry.branch)
    }

    /// Forgets what was done from step `from` on.
    pub fn cut(&mut self, from: u64) {
        self.entries.truncate(self.entries.partition_point(|entry| entry.step < from));
    }

    /// The first command of either that the other has not, in the order of steps: where two runs part. `None`: one is the other's beginning.
    pub fn parting<'a>(&'a self, other: &'a Journal<C>) -> Option<&'a Entry<C>> {
        let common = self.entries.iter().zip(&other.entries).take_while(|(a, b)| a == b).count();
        [self.entries.get(common), other.entries.get(common)].into_iter().flatten().min_by_key(|entry| entry.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(entries: &[(u64, u16, char)]) -> Journal<char> {
        let entry = |&(step, branch, command)| Entry { at: Time(step), step, event: EventId(step), branch, command };
        Journal { entries: entries.iter().map(entry).collect() }
    }

    #[test]
    fn finds_its_place() {
        let mut journal = journal(&[(3, 0, 'a'), (7, 2, 'b')]);
        let next = |steps| journal.next_after(steps).map(|entry| entry.command);
        assert_eq!([next(0), next(3), next(4), next(8)], [Some('a'), Some('a'), Some('b'), None]);
        assert_eq!([journal.branch_after(7), journal.branch_after(8)], [0, 2]);
        journal.cut(7);
        assert_eq!(journal.entries().len(), 1);
    }

    #[test]
    fn finds_where_two_runs_part() {
        let (one, two) = (journal(&[(3, 0, 'a'), (7, 0, 'b')]), journal(&[(3, 0, 'a'), (5, 1, 'c')]));
        assert_eq!(one.parting(&two).map(|entry| entry.step), Some(5));
        assert_eq!(one.parting(&journal(&[(3, 0, 'a')])).map(|entry| entry.step), Some(7));
        assert_eq!(one.parting(&one), None);
    }
}
