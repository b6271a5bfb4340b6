//! Whether records were read since the goal came up, by whom, and from where.

use std::collections::BTreeMap;

use super::Consumed;
use super::watch::{Seen, Verdict};
use super::words::{are, count, number};
use crate::kafka::event::Event;
use crate::kafka::names::{Name, TopicPartition};
use crate::playground::snapshot::Snapshot;

/// Counts what each reader reads.
#[derive(Clone, Debug)]
pub struct ReadsWatch {
    wanted: Consumed,
    readers: BTreeMap<Reader, Read>,
    /// Why the last reader that began elsewhere saw nothing of what was there.
    near: Option<String>,
}

/// A group, or a consumer without one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reader {
    group: Option<Name>,
    client: Option<Name>,
}

#[derive(Clone, Debug, Default)]
struct Read {
    records: u64,
    /// It began with the first record that was there.
    from_beginning: bool,
}

/// Readers that are told apart; a learner starts a handful.
const MOST_READERS: usize = 64;

impl ReadsWatch {
    pub fn new(wanted: Consumed) -> ReadsWatch {
        ReadsWatch { wanted, readers: BTreeMap::new(), near: None }
    }

    pub fn event(&mut self, event: &Event, seen: &Seen) -> Option<Verdict> {
        match event {
            Event::Consumed { group, client, partition, from, count, .. } if self.is_about(group, partition) => {
                self.read(group, client, *from <= log_start(partition, seen), u64::from(*count));
                self.verdict()
            }
            Event::OffsetReset { group, partition, to, .. } if self.is_about(group, partition) => {
                let before = to - log_start(partition, seen);
                if self.wanted.from_beginning && before > 0 {
                    let (records, stand) = (count(before as u64, "record"), if before == 1 { "stands" } else { "stand" });
                    self.near = Some(format!("a consumer began at the end, and {records} {stand} before it. Add --from-beginning."));
                }
                None
            }
            _ => None,
        }
    }

    pub fn look(&self, snapshot: &Snapshot) -> Verdict {
        let topic = &self.wanted.topic;
        if let Some(verdict) = self.verdict() {
            return verdict;
        }
        if !snapshot.topics.iter().any(|view| view.name == *topic) {
            return Verdict::NotYet(format!("there is no topic {topic}"));
        }
        let counted = |read: &&Read| !self.wanted.from_beginning || read.from_beginning;
        let most = self.readers.values().filter(counted).map(|read| read.records).max();
        let why = match (most, &self.near, &self.wanted.group) {
            (Some(most), _, _) => {
                format!("{} of {topic} {} read, of {} that are asked for", count(most, "record"), are(most), number(self.wanted.at_least))
            }
            (None, Some(near), _) => near.clone(),
            (None, None, _) if !self.readers.is_empty() => format!("{topic} was read, but not from its beginning"),
            (None, None, Some(group)) => format!("{group} has read nothing of {topic} since then"),
            (None, None, None) => format!("nobody has read {topic} since then"),
        };
        Verdict::NotYet(why)
    }

    fn is_about(&self, group: &Option<Name>, partition: &TopicPartition) -> bool {
        let by = self.wanted.group.as_ref().is_none_or(|wanted| group.as_ref().is_some_and(|group| **group == **wanted));
        by && *partition.topic == *self.wanted.topic
    }

    fn read(&mut self, group: &Option<Name>, client: &Name, at_start: bool, records: u64) {
        let client = group.is_none().then(|| client.clone());
        let reader = Reader { group: group.clone(), client };
        if self.readers.len() < MOST_READERS || self.readers.contains_key(&reader) {
            let read = self.readers.entry(reader).or_default();
            read.records += records;
            read.from_beginning |= at_start;
        }
    }

    fn verdict(&self) -> Option<Verdict> {
        let enough = |read: &Read| read.records >= self.wanted.at_least && (!self.wanted.from_beginning || read.from_beginning);
        self.readers.values().any(enough).then_some(Verdict::Holds)
    }
}

fn log_start(partition: &TopicPartition, seen: &Seen) -> i64 {
    seen.log_starts.get(partition).copied().unwrap_or(0)
}
