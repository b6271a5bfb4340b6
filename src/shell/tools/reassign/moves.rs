//! Which replicas are copied from where to where, and so whose copying is throttled; and where `--generate` would put partitions.

use std::collections::{BTreeMap, BTreeSet};

use super::data::Assignment;
use crate::kafka::names::TopicPartition;
use crate::shell::java::exception::Exception;

/// A reassignment that goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ongoing {
    pub replicas: Vec<i32>,
    pub adding: Vec<i32>,
    pub removing: Vec<i32>,
}

/// Who has a partition's records, and who gets them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionMove {
    pub sources: BTreeSet<i32>,
    pub destinations: BTreeSet<i32>,
}

pub type MoveMap = BTreeMap<TopicPartition, PartitionMove>;

/// `calculateProposedMoveMap`: what goes on already, and what is proposed.
pub fn proposed(ongoing: &BTreeMap<TopicPartition, Ongoing>, proposed: &Assignment, current: &Assignment) -> MoveMap {
    let going_on = |Ongoing { replicas, adding, .. }: &Ongoing| PartitionMove {
        sources: replicas.iter().copied().filter(|replica| !adding.contains(replica)).collect(),
        destinations: adding.iter().copied().collect(),
    };
    let mut moves: MoveMap = ongoing.iter().map(|(name, ongoing)| (name.clone(), going_on(ongoing))).collect();
    for (name, replicas) in proposed {
        let sources = match moves.get(name) {
            Some(going_on) => going_on.sources.clone(),
            None => current.get(name).into_iter().flatten().copied().collect(),
        };
        let destinations = replicas.iter().copied().filter(|replica| !sources.contains(replica)).collect();
        moves.insert(name.clone(), PartitionMove { sources, destinations });
    }
    moves
}

/// `calculateLeaderThrottles`, `calculateFollowerThrottles`: by topic, `partition:broker` of each replica that sends and that receives.
pub fn throttled_replicas(moves: &MoveMap) -> BTreeMap<String, (String, String)> {
    let mut by_topic: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for (name, PartitionMove { sources, destinations }) in moves {
        let (senders, receivers) = by_topic.entry(name.topic.to_string()).or_default();
        senders.extend(sources.iter().map(|broker| format!("{}:{broker}", name.partition)));
        receivers.extend(destinations.difference(sources).map(|broker| format!("{}:{broker}", name.partition)));
    }
    let joined = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>().join(",");
    by_topic.into_iter().map(|(topic, (senders, receivers))| (topic, (joined(senders), joined(receivers)))).collect()
}

/// `calculateReassigningBrokers`
pub fn brokers(moves: &MoveMap) -> BTreeSet<i32> {
    moves.values().flat_map(|one| one.sources.iter().chain(&one.destinations).copied()).collect()
}

/// `AdminUtils.assignReplicasToBrokers`: leaders go round from a random broker, followers from a random distance, which grows by one each round.
/// With racks, neighbours are of different racks, and a partition's replicas are of as many as can be.
///
/// # Errors
/// More replicas than brokers.
pub fn assign(
    brokers: &[(i32, Option<String>)],
    partitions: usize,
    factor: usize,
    mut draw: impl FnMut(u64) -> u64,
) -> Result<Vec<Vec<i32>>, Exception> {
    if factor > brokers.len() {
        let message = format!("Replication factor: {factor} larger than available brokers: {}.", brokers.len());
        return Err(Exception::new("org.apache.kafka.common.errors.InvalidReplicationFactorException", message));
    }
    let racks: BTreeMap<i32, &str> = brokers.iter().filter_map(|(id, rack)| Some((*id, rack.as_deref()?))).collect();
    let ring = if racks.is_empty() { brokers.iter().map(|(id, _)| *id).collect() } else { rack_alternated(&racks) };
    let rack_count = racks.values().collect::<BTreeSet<_>>().len();
    let total = ring.len();
    let start = draw(total as u64) as usize;
    let mut shift = draw(total as u64) as usize;
    let mut placed = Vec::with_capacity(partitions);
    for n in 0..partitions {
        if n > 0 && n % total == 0 {
            shift += 1;
        }
        let first = (n + start) % total;
        let mut replicas = vec![ring[first]];
        let mut used_racks: BTreeSet<&str> = racks.get(&ring[first]).copied().into_iter().collect();
        let mut step = 0;
        while replicas.len() < factor {
            let distance = shift * rack_count.max(1) + step;
            let broker = ring[(first + 1 + distance % (total - 1)) % total];
            step += 1;
            let rack = racks.get(&broker).copied();
            let rack_is_free = rack.is_none_or(|rack| !used_racks.contains(rack) || used_racks.len() == rack_count);
            if rack_is_free && !replicas.contains(&broker) {
                used_racks.extend(rack);
                replicas.push(broker);
            }
        }
        placed.push(replicas);
    }
    Ok(placed)
}

/// One broker of each rack in turn.
fn rack_alternated(racks: &BTreeMap<i32, &str>) -> Vec<i32> {
    let mut by_rack: BTreeMap<&str, std::collections::VecDeque<i32>> = BTreeMap::new();
    for (broker, rack) in racks {
        by_rack.entry(rack).or_default().push_back(*broker);
    }
    let mut ring = Vec::with_capacity(racks.len());
    while ring.len() < racks.len() {
        ring.extend(by_rack.values_mut().filter_map(std::collections::VecDeque::pop_front));
    }
    ring
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_and_who_receives() {
        let at = |n| TopicPartition::new("orders", n);
        let going_on = Ongoing { replicas: vec![1, 3, 2], adding: vec![3], removing: vec![2] };
        let ongoing = BTreeMap::from([(at(0), going_on)]);
        let moves = proposed(&ongoing, &BTreeMap::from([(at(1), vec![2, 3])]), &BTreeMap::from([(at(1), vec![2, 1])]));
        let throttled = throttled_replicas(&moves);
        assert_eq!(throttled["orders"], ("0:1,0:2,1:1,1:2".to_owned(), "0:3,1:3".to_owned()));
        assert_eq!(brokers(&moves).into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn replicas_are_spread_over_racks() {
        let brokers: Vec<(i32, Option<String>)> =
            [(0, "a"), (1, "b"), (2, "c"), (3, "a"), (4, "b"), (5, "c")].map(|(id, rack)| (id, Some(rack.to_owned()))).into();
        for replicas in assign(&brokers, 12, 3, |_| 0).unwrap() {
            let racks: BTreeSet<i32> = replicas.iter().map(|broker| broker % 3).collect();
            assert_eq!(racks.len(), 3, "{replicas:?}");
        }
        let plain: Vec<(i32, Option<String>)> = (0..5).map(|id| (id, None)).collect();
        // The table in AdminUtils' own documentation.
        assert_eq!(assign(&plain, 6, 3, |_| 0).unwrap()[..6], [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0], [4, 0, 1], [0, 2, 3]]);
        assert!(assign(&plain, 1, 6, |_| 0).is_err());
    }
}
