//! `ConstrainedAssignmentBuilder`: all members want the same topics, so that each gets the lower or the upper quota.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::java_order;
use super::sticky::{Shares, Task};
use crate::kafka::names::TopicPartition;

struct Builder<'a> {
    task: &'a Task<'a>,
    shares: Vec<Vec<TopicPartition>>,
    min_quota: usize,
    max_quota: usize,
    /// How many members get one more than the lower quota, and how many have it already.
    expected_over: usize,
    over: usize,
    /// What was taken away because its owner had too much.
    maybe_revoked: BTreeMap<TopicPartition, usize>,
    under_min: Vec<usize>,
    exactly_min: VecDeque<usize>,
    /// Partitions that now belong to somebody else.
    transferring: BTreeMap<TopicPartition, usize>,
}

/// See [`super::sticky`].
pub(super) fn assign(task: &Task) -> Shares {
    let members = task.members.len();
    if members == 0 {
        return (Vec::new(), Some(BTreeMap::new()));
    }
    let total: usize = task.topics.values().map(|&partitions| partitions.max(0) as usize).sum();
    let mut builder = Builder {
        task,
        shares: vec![Vec::new(); members],
        min_quota: total / members,
        max_quota: total.div_ceil(members),
        expected_over: total % members,
        over: 0,
        maybe_revoked: BTreeMap::new(),
        under_min: Vec::new(),
        exactly_min: VecDeque::new(),
        transferring: BTreeMap::new(),
    };
    builder.assign_owned_partitions();
    let by_id = |a: &usize, b: &usize| java_order(&task.members[*a].member_id, &task.members[*b].member_id);
    builder.under_min.sort_by(by_id);
    builder.exactly_min.make_contiguous().sort_by(by_id);
    builder.assign_round_robin();
    (builder.shares, Some(builder.transferring))
}

impl Builder<'_> {
    /// Everybody keeps what it had, up to its quota.
    fn assign_owned_partitions(&mut self) {
        for (member, owned) in self.task.owned.iter().enumerate() {
            let mut owned: Vec<TopicPartition> =
                owned.iter().filter(|partition| !self.task.doubly_claimed.contains(partition)).cloned().collect();
            owned.sort_by(|a, b| (a.partition, &a.topic).cmp(&(b.partition, &b.topic)));
            let keeps = if owned.len() < self.min_quota {
                self.under_min.push(member);
                owned.len()
            } else if owned.len() >= self.max_quota && self.over < self.expected_over {
                self.over += 1;
                if self.over == self.expected_over {
                    self.exactly_min.clear();
                }
                self.max_quota
            } else {
                if self.over < self.expected_over {
                    self.exactly_min.push_back(member);
                }
                self.min_quota
            };
            let above = owned.split_off(keeps);
            self.maybe_revoked.extend(above.into_iter().map(|partition| (partition, member)));
            self.shares[member] = owned;
        }
    }

    /// What nobody has goes round those who have too little, then to one after the other of those who may have one more.
    fn assign_round_robin(&mut self) {
        let assigned: BTreeSet<TopicPartition> = self.shares.iter().flatten().cloned().collect();
        let all = self
            .task
            .topics
            .iter()
            .flat_map(|(topic, &partitions)| (0..partitions).map(move |partition| TopicPartition { topic: topic.clone(), partition }));
        let mut next = 0;
        for partition in all.filter(|partition| !assigned.contains(partition)) {
            if next >= self.under_min.len() {
                next = 0;
            }
            let under = self.under_min.get(next).copied();
            let Some(member) = under.or_else(|| self.exactly_min.pop_front()) else {
                debug_assert!(false, "quotas leave a place for every partition");
                return;
            };
            let has = self.assign_new_partition(partition, member);
            if under.is_none() {
                continue;
            }
            if has == self.min_quota {
                self.under_min.remove(next);
                self.exactly_min.push_back(member);
            } else {
                next += 1;
            }
        }
    }

    fn assign_new_partition(&mut self, partition: TopicPartition, member: usize) -> usize {
        let others = self.maybe_revoked.get(&partition).is_some_and(|&owner| owner != member);
        if others || self.task.doubly_claimed.contains(&partition) {
            self.transferring.insert(partition.clone(), member);
        }
        self.shares[member].push(partition);
        self.shares[member].len()
    }
}
