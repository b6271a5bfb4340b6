//! A partition's replicas while they move (`PartitionReassignmentReplicas`, `PartitionReassignmentRevert`; KIP-455).

use super::image::PartitionRegistration;

/// Replicas, and which of them are on their way out and in. Nothing moves while both are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reassignment {
    /// All of them: the target in its order, then those that are removed.
    pub replicas: Vec<i32>,
    pub removing: Vec<i32>,
    pub adding: Vec<i32>,
}

/// What a partition goes back to when its reassignment is called off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revert {
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    /// Nobody of the original replicas is in sync: going back may lose records.
    pub unclean: bool,
}

impl Reassignment {
    /// Where a partition stands.
    pub fn of(partition: &PartitionRegistration) -> Reassignment {
        let PartitionRegistration { replicas, removing, adding, .. } = partition;
        Reassignment { replicas: replicas.clone(), removing: removing.clone(), adding: adding.clone() }
    }

    /// The way from these replicas to those. What a reassignment that goes on already adds counts as there.
    pub fn between(current: &[i32], target: &[i32]) -> Reassignment {
        let removing = difference(current, target);
        let adding = difference(target, current);
        let replicas = target.iter().chain(&removing).copied().collect();
        Reassignment { replicas, removing, adding }
    }

    /// `maybeCompleteReassignment`: the replicas and the ISR at its end, once all that shall stay are in sync.
    pub fn completed(&self, isr: &[i32]) -> Option<(Vec<i32>, Vec<i32>)> {
        if self.removing.is_empty() && self.adding.is_empty() {
            return None;
        }
        let stays = |replica: &i32| !self.removing.contains(replica);
        let isr: Vec<i32> = isr.iter().copied().filter(stays).collect();
        let replicas: Vec<i32> = self.replicas.iter().copied().filter(stays).collect();
        let nothing_left = !self.removing.is_empty() && (isr.is_empty() || replicas.is_empty());
        (!nothing_left && replicas.iter().all(|replica| isr.contains(replica))).then_some((replicas, isr))
    }

    /// Back to what was before. `None`: there was nothing before.
    pub fn reverted(&self, isr: &[i32]) -> Option<Revert> {
        let original = |replica: &i32| !self.adding.contains(replica);
        let replicas: Vec<i32> = self.replicas.iter().copied().filter(original).collect();
        let mut isr: Vec<i32> = isr.iter().copied().filter(original).collect();
        let unclean = isr.is_empty();
        if unclean {
            isr.push(*replicas.first()?);
        }
        Some(Revert { replicas, isr, unclean })
    }
}

/// What is in `a` and not in `b`, in ascending order.
fn difference(a: &[i32], b: &[i32]) -> Vec<i32> {
    let mut left: Vec<i32> = a.iter().copied().filter(|replica| !b.contains(replica)).collect();
    left.sort_unstable();
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_and_its_end() {
        let way = Reassignment::between(&[1, 2], &[1, 3]);
        assert_eq!(way, Reassignment { replicas: vec![1, 3, 2], removing: vec![2], adding: vec![3] });
        assert_eq!(way.completed(&[1, 2]), None);
        assert_eq!(way.completed(&[1, 2, 3]), Some((vec![1, 3], vec![1, 3])));
        assert_eq!(Reassignment::between(&[1, 2], &[2, 1]).completed(&[1, 2]), None, "only the order changes: nothing moves");
    }

    #[test]
    fn and_back() {
        let way = Reassignment::between(&[1, 2], &[3]);
        assert_eq!(way.reverted(&[1, 2]), Some(Revert { replicas: vec![1, 2], isr: vec![1, 2], unclean: false }));
        assert_eq!(way.reverted(&[3]), Some(Revert { replicas: vec![1, 2], isr: vec![1], unclean: true }));
    }
}
