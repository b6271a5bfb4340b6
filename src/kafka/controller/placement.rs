//! Which brokers get a new partition's replicas (`StripedReplicaPlacer`, without racks).

use crate::sim::rng::Rng;

/// Replicas for `partitions` new partitions: leaders go round the brokers from a random place, followers are the next ones, and once round
/// the followers shift, so that a dead broker's leaderships do not all fall to one neighbour. Fenced brokers follow, and lead only if all
/// are fenced.
pub fn place(unfenced: &[i32], fenced: &[i32], partitions: usize, replication_factor: usize, rng: &mut Rng) -> Vec<Vec<i32>> {
    let mut ring = shuffled(unfenced, rng);
    let spare = shuffled(fenced, rng);
    if ring.is_empty() {
        ring = spare.clone();
    }
    let total = ring.len();
    let mut placed = Vec::with_capacity(partitions);
    for n in 0..partitions {
        let (leader, shift) = (n % total, n / total);
        let followers = (1..total).map(|i| ring[(leader + 1 + (i - 1 + shift) % (total - 1)) % total]);
        let others = spare.iter().copied().filter(|broker| !ring.contains(broker));
        placed.push(std::iter::once(ring[leader]).chain(followers).chain(others).take(replication_factor).collect());
    }
    placed
}

fn shuffled(brokers: &[i32], rng: &mut Rng) -> Vec<i32> {
    let mut brokers = brokers.to_vec();
    for i in (1..brokers.len()).rev() {
        brokers.swap(i, rng.below(i as u64 + 1) as usize);
    }
    brokers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaders_go_round_and_no_broker_twice() {
        let placed = place(&[1, 2, 3], &[], 6, 3, &mut Rng::derive(1, "placement"));
        for broker in 1..=3 {
            assert_eq!(placed.iter().filter(|replicas| replicas[0] == broker).count(), 2);
        }
        for mut replicas in placed {
            replicas.sort_unstable();
            assert_eq!(replicas, [1, 2, 3]);
        }
    }
}
