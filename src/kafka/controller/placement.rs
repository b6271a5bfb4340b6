//! Which brokers get a new partition's replicas (`StripedReplicaPlacer`).
//!
//! Leaders go round the racks, and within a rack round its brokers; followers come from the racks behind the leader's, so that racks differ
//! as long as there are others. A fenced broker leads nothing, and follows only where its rack has no other one left. When every broker has
//! had its turn, racks and brokers are shuffled, so that a dead broker's leaderships do not all fall to the same neighbour.

use std::collections::BTreeMap;

/// A broker that may get replicas (`UsableBroker`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsableBroker {
    pub id: i32,
    pub rack: Option<String>,
    pub fenced: bool,
}

/// A random number below a bound.
pub type Draw<'a> = &'a mut dyn FnMut(usize) -> usize;

/// Replicas for `partitions` new partitions. There must be a broker that is not fenced, and as many brokers as replicas.
pub fn place(brokers: &[UsableBroker], partitions: usize, replication_factor: usize, draw: Draw) -> Vec<Vec<i32>> {
    let mut racks = RackList::new(brokers, draw);
    (0..partitions).map(|_| racks.place(replication_factor, draw)).collect()
}

/// Brokers that are handed out in turn; each round begins one further.
#[derive(Debug, Default)]
struct BrokerList {
    brokers: Vec<i32>,
    /// How many were handed out in this round.
    index: usize,
    offset: usize,
    round: usize,
}

impl BrokerList {
    fn initialize(&mut self, draw: Draw) {
        if !self.brokers.is_empty() {
            self.brokers.sort_unstable();
            self.offset = draw(self.brokers.len());
        }
    }

    fn next(&mut self, round: usize) -> Option<i32> {
        let len = self.brokers.len();
        if self.round != round && len > 0 {
            (self.round, self.index, self.offset) = (round, 0, (self.offset + 1) % len);
        }
        let broker = (self.index < len).then(|| self.brokers[(self.index + self.offset) % len])?;
        self.index += 1;
        Some(broker)
    }
}

#[derive(Debug, Default)]
struct Rack {
    fenced: BrokerList,
    unfenced: BrokerList,
}

impl Rack {
    fn next(&mut self, round: usize) -> Option<i32> {
        self.unfenced.next(round).or_else(|| self.fenced.next(round))
    }
}

/// The racks in turn. Brokers without a rack are in one of their own.
struct RackList {
    racks: Vec<Rack>,
    unfenced: usize,
    round: usize,
    offset: usize,
}

impl RackList {
    fn new(brokers: &[UsableBroker], draw: Draw) -> RackList {
        let mut by_name: BTreeMap<Option<&str>, Rack> = BTreeMap::new();
        for broker in brokers {
            let rack = by_name.entry(broker.rack.as_deref()).or_default();
            let list = if broker.fenced { &mut rack.fenced } else { &mut rack.unfenced };
            list.brokers.push(broker.id);
        }
        let mut racks: Vec<Rack> = by_name.into_values().collect();
        for rack in &mut racks {
            rack.fenced.initialize(draw);
            rack.unfenced.initialize(draw);
        }
        let offset = if racks.is_empty() { 0 } else { draw(racks.len()) };
        RackList { racks, unfenced: brokers.iter().filter(|broker| !broker.fenced).count(), round: 0, offset }
    }

    fn place(&mut self, replication_factor: usize, draw: Draw) -> Vec<i32> {
        assert!(self.unfenced > 0, "somebody must lead");
        // One broker alone would be shuffled for ever.
        if self.round == self.unfenced && self.unfenced > 1 {
            self.shuffle(draw);
            self.round = 0;
        }
        let len = self.racks.len();
        self.offset %= len;
        let mut first = self.offset;
        let leader = loop {
            match self.racks[first].unfenced.next(self.round) {
                Some(leader) => break leader,
                None => first = (first + 1) % len,
            }
        };
        let mut replicas = vec![leader];
        // Followers come from the racks in turn; the leader's has had it.
        let (mut rack, mut skipped, mut empty) = (self.offset, Some(first), 0);
        while replicas.len() < replication_factor && empty <= len {
            if skipped == Some(rack) {
                skipped = None;
            } else if let Some(follower) = self.racks[rack].next(self.round) {
                replicas.push(follower);
                empty = 0;
            } else {
                empty += 1;
            }
            rack = (rack + 1) % len;
        }
        self.round += 1;
        self.offset += 1;
        replicas
    }

    fn shuffle(&mut self, draw: Draw) {
        shuffle(&mut self.racks, draw);
        for rack in &mut self.racks {
            shuffle(&mut rack.fenced.brokers, draw);
            shuffle(&mut rack.unfenced.brokers, draw);
        }
    }
}

/// `Collections.shuffle`
fn shuffle<T>(list: &mut [T], draw: Draw) {
    for i in (1..list.len()).rev() {
        list.swap(i, draw(i + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Kafka's tests draw from: `MockRandom` and `java.util.Random.nextInt`.
    fn mock_random() -> impl FnMut(usize) -> usize {
        let mut state = 17_u64;
        let mut next = move || {
            state = state.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(3_037_000_493);
            state >> 33
        };
        move |bound| {
            let bound = bound as u64;
            if bound.is_power_of_two() {
                return ((bound * next()) >> 31) as usize;
            }
            loop {
                let drawn = next();
                if drawn - drawn % bound + (bound - 1) <= i32::MAX as u64 {
                    return (drawn % bound) as usize;
                }
            }
        }
    }

    fn brokers(list: &[(i32, &str, bool)]) -> Vec<UsableBroker> {
        let broker =
            |&(id, rack, fenced): &(i32, &str, bool)| UsableBroker { id, rack: (!rack.is_empty()).then(|| rack.to_owned()), fenced };
        list.iter().map(broker).collect()
    }

    /// `StripedReplicaPlacerTest`: brokers, replication factor, placements.
    #[test]
    fn placements_are_kafkas() {
        let none: &[(i32, &str, bool)] = &[(3, "", false), (1, "", true), (0, "", false), (4, "", false), (2, "", false)];
        let spare = &[(3, "", false), (1, "", true), (2, "", false)];
        let racks = &[(11, "1", false), (10, "1", false), (30, "3", false), (31, "3", false), (21, "2", false), (20, "2", true)];
        let fenced = &[
            (11, "1", false),
            (10, "1", false),
            (30, "3", true),
            (31, "3", true),
            (20, "2", true),
            (21, "2", true),
            (41, "4", false),
            (40, "4", true),
        ];
        let four = &[(0, "", false), (3, "", false), (2, "", false), (1, "", false)];
        type Listed<'a> = &'a [(i32, &'a str, bool)];
        let cases: [(Listed<'_>, &[&[i32]]); 6] = [
            (none, &[&[3, 4, 0, 2], &[4, 0, 2, 3], &[0, 2, 3, 4], &[2, 3, 4, 0], &[0, 4, 3, 2]]),
            (&[(0, "", false), (1, "", true)], &[&[0], &[0], &[0]]),
            (spare, &[&[3, 2, 1], &[2, 3, 1], &[3, 2, 1], &[2, 3, 1]]),
            (racks, &[&[11, 21, 31, 10], &[21, 30, 10, 20], &[31, 11, 21, 30]]),
            (fenced, &[&[41, 11, 21, 30], &[10, 20, 31, 41], &[41, 21, 30, 11]]),
            (four, &[&[2, 3, 0], &[3, 0, 1], &[0, 1, 2], &[1, 2, 3], &[1, 0, 2]]),
        ];
        for (list, placed) in cases {
            assert_eq!(place(&brokers(list), placed.len(), placed[0].len(), &mut mock_random()), placed);
        }
    }

    /// testEvenDistribution
    #[test]
    fn leaders_and_followers_are_spread() {
        let placed = place(&brokers(&[(0, "", false), (1, "", false), (2, "", false), (3, "", false)]), 200, 2, &mut mock_random());
        let mut counts: BTreeMap<Vec<i32>, usize> = BTreeMap::new();
        placed.into_iter().for_each(|replicas| *counts.entry(replicas).or_default() += 1);
        assert_eq!(counts.into_values().collect::<Vec<_>>(), [14, 22, 14, 17, 17, 16, 13, 17, 20, 20, 19, 11]);
    }
}
