//! What changed lately and is still travelling: the leader's edge along a row, a partition's chip from owner to owner.
//!
//! A journey is dated in virtual time, so it stands still with it, and is forgotten when time is set back.

use std::collections::BTreeMap;

use crate::playground::snapshot::{GroupView, Snapshot};

/// At most so many journeys at once; past it things jump.
const MOST: usize = 256;
/// How long a journey takes for the eye, in microseconds of real time.
const JOURNEY_US: f64 = 450_000.0;

/// A partition's place in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nobody owns it: it lies in the group's tray.
    Tray,
    /// This process owns it.
    Member(u32),
}

/// What travels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The leader's edge of a partition.
    Leader { topic: String, partition: i32 },
    /// A partition's chip in a group.
    Chip { group: String, topic: String, partition: i32 },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Broker(i32),
    Place(Place),
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Journey {
    from: End,
    start_us: u64,
    length_us: u64,
}

/// Journeys under way.
#[derive(Clone, Debug, Default)]
pub struct Motion {
    journeys: BTreeMap<What, Journey>,
}

impl Motion {
    /// Notes what moved between two snapshots. `speed`: virtual time for each real second, which sets how long a journey takes.
    pub fn observe(&mut self, before: &Snapshot, after: &Snapshot, speed: f64) {
        if after.now_us < before.now_us {
            self.journeys.clear();
            return;
        }
        let length_us = (JOURNEY_US * speed.clamp(0.001, 100.0)) as u64;
        self.journeys.retain(|_, journey| after.now_us < journey.start_us + journey.length_us);
        let start = |from| Journey { from, start_us: after.now_us, length_us };
        for (what, from) in leaders_moved(before, after).into_iter().chain(chips_moved(before, after)) {
            if self.journeys.len() < MOST {
                self.journeys.insert(what, start(from));
            }
        }
    }

    /// Where the leader's edge comes from, and how far it has got (0 to 1); `None` if it is there.
    pub fn leader(&self, topic: &str, partition: i32, now_us: u64) -> Option<(i32, f64)> {
        if self.journeys.is_empty() {
            return None;
        }
        match self.under_way(&What::Leader { topic: topic.to_owned(), partition }, now_us)? {
            (End::Broker(id), part) => Some((id, part)),
            _ => None,
        }
    }

    /// Where a chip comes from, and how far it has got.
    pub fn chip(&self, group: &str, topic: &str, partition: i32, now_us: u64) -> Option<(Place, f64)> {
        if self.journeys.is_empty() {
            return None;
        }
        let what = What::Chip { group: group.to_owned(), topic: topic.to_owned(), partition };
        match self.under_way(&what, now_us)? {
            (End::Place(place), part) => Some((place, part)),
            _ => None,
        }
    }

    /// Whether anything travels at this instant.
    pub fn is_moving(&self, now_us: u64) -> bool {
        self.journeys.values().any(|j| (j.start_us..j.start_us + j.length_us).contains(&now_us))
    }

    fn under_way(&self, what: &What, now_us: u64) -> Option<(End, f64)> {
        let journey = self.journeys.get(what)?;
        let passed = now_us.checked_sub(journey.start_us)?;
        (passed < journey.length_us).then(|| (journey.from, ease(passed as f64 / journey.length_us as f64)))
    }
}

/// Slow at both ends.
fn ease(part: f64) -> f64 {
    part * part * (3.0 - 2.0 * part)
}

fn leaders_moved(before: &Snapshot, after: &Snapshot) -> Vec<(What, End)> {
    let mut moved = Vec::new();
    for topic in &after.topics {
        let Some(old) = before.topics.iter().find(|t| t.name == topic.name) else { continue };
        for (new, old) in topic.partitions.iter().zip(&old.partitions) {
            if let (Some(_), Some(from)) = (new.leader, old.leader)
                && new.leader != old.leader
            {
                moved.push((What::Leader { topic: topic.name.clone(), partition: new.partition }, End::Broker(from)));
            }
        }
    }
    moved
}

fn chips_moved(before: &Snapshot, after: &Snapshot) -> Vec<(What, End)> {
    let mut moved = Vec::new();
    for group in &after.groups {
        let Some(old) = before.groups.iter().find(|g| g.name == group.name) else { continue };
        let was = places(old);
        for ((topic, partition), place) in places(group) {
            if let Some(from) = was.get(&(topic, partition)).filter(|from| **from != place) {
                let what = What::Chip { group: group.name.clone(), topic: topic.to_owned(), partition };
                moved.push((what, End::Place(*from)));
            }
        }
    }
    moved
}

/// Where each partition of a group is.
pub fn places(group: &GroupView) -> BTreeMap<(&str, i32), Place> {
    let mut places: BTreeMap<(&str, i32), Place> = group.offsets.iter().map(|o| ((o.topic.as_str(), o.partition), Place::Tray)).collect();
    for member in &group.members {
        for owned in &member.owned {
            places.insert((owned.topic.as_str(), owned.partition), Place::Member(member.process));
        }
    }
    places
}
