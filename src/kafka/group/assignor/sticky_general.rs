//! `GeneralAssignmentBuilder`: members want different topics. What nobody has goes to who has least; then partitions move, one by one,
//! as long as that makes the shares more equal.

use std::collections::{BTreeMap, BTreeSet};

use super::java_order;
use super::moves::PartitionMovements;
use super::sticky::{Shares, Task};
use crate::kafka::names::{Name, TopicPartition};

struct Builder<'a> {
    task: &'a Task<'a>,
    total: usize,
    /// Per member: the topics that it wants and that there are.
    wanted: Vec<Vec<&'a Name>>,
    /// Per topic: how many want it.
    wanting: BTreeMap<&'a Name, usize>,
    shares: Vec<Vec<TopicPartition>>,
    owner: BTreeMap<TopicPartition, usize>,
    /// Members by the size of their share, then by id (as a rank): `sortedCurrentSubscriptions`.
    by_load: BTreeSet<(usize, usize)>,
    ranks: Vec<usize>,
    ranked: Vec<usize>,
    movements: PartitionMovements,
}

/// See [`super::sticky`].
pub(super) fn assign(task: &Task) -> Shares {
    let mut builder = Builder::new(task);
    let previous = builder.previous_owners();
    let all = builder.sorted_partitions();
    let revocation_required = builder.keep_owned_partitions();
    let unassigned: Vec<TopicPartition> = all.iter().filter(|partition| !builder.owner.contains_key(partition)).cloned().collect();
    builder.by_load = (0..task.members.len()).map(|member| builder.load(member)).collect();
    builder.balance(&previous, all, unassigned, revocation_required);
    (builder.shares, None)
}

impl<'a> Builder<'a> {
    fn new(task: &'a Task<'a>) -> Builder<'a> {
        let mut wanting: BTreeMap<&Name, usize> = task.topics.keys().map(|topic| (topic, 0)).collect();
        let wanted = task.members.iter().map(|member| {
            let topics: Vec<&Name> = member.topics.iter().filter(|topic| task.topics.contains_key(*topic)).collect();
            for topic in &topics {
                *wanting.entry(topic).or_default() += 1;
            }
            topics
        });
        let wanted = wanted.collect();
        let mut ranked: Vec<usize> = (0..task.members.len()).collect();
        ranked.sort_by(|&a, &b| java_order(&task.members[a].member_id, &task.members[b].member_id));
        let mut ranks = vec![0; ranked.len()];
        ranked.iter().enumerate().for_each(|(rank, &member)| ranks[member] = rank);
        Builder {
            task,
            total: task.topics.values().map(|&partitions| partitions as usize).sum(),
            wanted,
            wanting,
            shares: task.owned.clone(),
            owner: BTreeMap::new(),
            by_load: BTreeSet::new(),
            ranks,
            ranked,
            movements: PartitionMovements::default(),
        }
    }

    fn load(&self, member: usize) -> (usize, usize) {
        (self.shares[member].len(), self.ranks[member])
    }

    /// `prepopulateCurrentAssignments`: who had a partition in an older generation.
    fn previous_owners(&self) -> BTreeMap<TopicPartition, usize> {
        let mut previous: BTreeMap<TopicPartition, (usize, i32)> = BTreeMap::new();
        for (member, said) in self.task.said.iter().enumerate() {
            let generation = said.generation.unwrap_or(-1);
            if generation >= self.task.max_generation {
                continue;
            }
            for partition in &said.partitions {
                if previous.get(partition).is_none_or(|(_, known)| generation > *known) {
                    previous.insert(partition.clone(), (member, generation));
                }
            }
        }
        previous.into_iter().map(|(partition, (member, _))| (partition, member)).collect()
    }

    /// All partitions, those first that fewest can have.
    fn sorted_partitions(&self) -> Vec<TopicPartition> {
        let mut topics: Vec<(&Name, i32)> = self.task.topics.iter().map(|(topic, &partitions)| (topic, partitions)).collect();
        topics.sort_by_key(|(topic, _)| self.wanting.get(topic).copied().unwrap_or_default());
        let partitions = |(topic, partitions): (&Name, i32)| {
            let topic = topic.clone();
            (0..partitions).map(move |partition| TopicPartition { topic: topic.clone(), partition })
        };
        topics.into_iter().flat_map(partitions).collect()
    }

    /// `assignOwnedPartitions`: nobody keeps what it no longer wants. Returns whether somebody has to give something up.
    fn keep_owned_partitions(&mut self) -> bool {
        let mut revoked = false;
        for (member, share) in self.shares.iter_mut().enumerate() {
            let before = share.len();
            share.retain(|partition| self.wanted[member].contains(&&partition.topic));
            revoked |= share.len() < before;
            self.owner.extend(share.iter().map(|partition| (partition.clone(), member)));
        }
        revoked
    }

    fn balance(
        &mut self,
        previous: &BTreeMap<TopicPartition, usize>,
        mut all: Vec<TopicPartition>,
        mut unassigned: Vec<TopicPartition>,
        revocation_required: bool,
    ) {
        let initializing = self.by_load.last().is_none_or(|(load, _)| *load == 0);
        for partition in &unassigned {
            self.maybe_assign_partition(partition);
        }
        // Only what at least two can have may move.
        let movable = |partition: &TopicPartition| self.wanting.get(&partition.topic).is_some_and(|&members| members >= 2);
        all.retain(movable);
        unassigned.retain(movable);
        for member in 0..self.shares.len() {
            if !self.can_participate(member) {
                self.by_load.remove(&self.load(member));
            }
        }
        let before = (self.shares.clone(), self.owner.clone());
        // First by moving only what is new.
        if !revocation_required {
            self.perform_reassignments(&unassigned, previous);
        }
        let moved = self.perform_reassignments(&all, previous);
        if !initializing && moved && self.balance_score(&self.shares) >= self.balance_score(&before.0) {
            (self.shares, self.owner) = before;
        }
    }

    /// To the least loaded member that wants the topic.
    fn maybe_assign_partition(&mut self, partition: &TopicPartition) {
        let wants = |&(_, rank): &(usize, usize)| self.wanted[self.ranked[rank]].contains(&&partition.topic);
        let Some((load, rank)) = self.by_load.iter().copied().find(wants) else { return };
        let member = self.ranked[rank];
        self.by_load.remove(&(load, rank));
        self.shares[member].push(partition.clone());
        self.owner.insert(partition.clone(), member);
        self.by_load.insert(self.load(member));
    }

    /// All that a member could have.
    fn max_assignment_size(&self, member: usize) -> usize {
        let wanted = &self.wanted[member];
        if wanted.len() == self.task.topics.len() {
            return self.total;
        }
        wanted.iter().map(|&topic| self.task.topics[topic] as usize).sum()
    }

    /// `canConsumerParticipateInReassignment`.
    fn can_participate(&self, member: usize) -> bool {
        self.shares[member].len() < self.max_assignment_size(member)
            || self.shares[member].iter().any(|partition| self.wanting.get(&partition.topic).is_some_and(|&members| members >= 2))
    }

    fn perform_reassignments(&mut self, partitions: &[TopicPartition], previous: &BTreeMap<TopicPartition, usize>) -> bool {
        let mut performed = false;
        loop {
            let mut modified = false;
            for partition in partitions {
                if self.is_balanced() {
                    break;
                }
                let Some(&owner) = self.owner.get(partition) else { continue };
                let has = self.shares[owner].len();
                let earlier = previous.get(partition).copied().filter(|&earlier| has > self.shares[earlier].len() + 1);
                let to = earlier.or_else(|| self.least_loaded_if_better(partition, has));
                if let Some(to) = to {
                    let from = self.owner.get(partition).copied().unwrap_or(owner);
                    let moved = self.movements.actual_partition_to_be_moved(partition, from, to);
                    self.move_partition(&moved, to);
                    (performed, modified) = (true, true);
                }
            }
            if !modified {
                return performed;
            }
        }
    }

    /// If somebody who wants the topic has at least two less: the least loaded of those who want it.
    fn least_loaded_if_better(&self, partition: &TopicPartition, has: usize) -> Option<usize> {
        let wants = |member: usize| self.wanted[member].contains(&&partition.topic);
        let better = (0..self.shares.len()).any(|member| wants(member) && has > self.shares[member].len() + 1);
        let mut by_load = self.by_load.iter().map(|&(_, rank)| self.ranked[rank]);
        if better { by_load.find(|&member| wants(member)) } else { None }
    }

    /// `processPartitionMovement`.
    fn move_partition(&mut self, partition: &TopicPartition, to: usize) {
        let Some(&from) = self.owner.get(partition) else { return };
        self.by_load.remove(&self.load(from));
        self.by_load.remove(&self.load(to));
        self.movements.move_partition(partition, from, to);
        self.shares[from].retain(|owned| owned != partition);
        self.shares[to].push(partition.clone());
        self.owner.insert(partition.clone(), to);
        self.by_load.insert(self.load(to));
        self.by_load.insert(self.load(from));
    }

    /// Whether no member could get a partition from one that has at least two more.
    fn is_balanced(&self) -> bool {
        let (Some((min, _)), Some((max, _))) = (self.by_load.first(), self.by_load.last()) else { return true };
        if min + 1 >= *max {
            return true;
        }
        self.by_load.iter().all(|&(load, rank)| {
            let member = self.ranked[rank];
            load == self.max_assignment_size(member) || !self.could_get_one_more(member, load)
        })
    }

    fn could_get_one_more(&self, member: usize, load: usize) -> bool {
        let partitions = self.wanted[member]
            .iter()
            .flat_map(|&topic| (0..self.task.topics[topic]).map(move |partition| TopicPartition { topic: topic.clone(), partition }));
        let mut others = partitions.filter_map(|partition| self.owner.get(&partition).copied()).filter(|&owner| owner != member);
        others.any(|owner| load + 1 < self.shares[owner].len())
    }

    /// `getBalanceScore`, of the members that may change: 0 if all have the same.
    fn balance_score(&self, shares: &[Vec<TopicPartition>]) -> usize {
        let sizes: Vec<usize> = self.by_load.iter().map(|&(_, rank)| shares[self.ranked[rank]].len()).collect();
        let pairs = sizes.iter().enumerate().flat_map(|(at, &a)| sizes[at + 1..].iter().map(move |&b| a.abs_diff(b)));
        pairs.sum()
    }
}
