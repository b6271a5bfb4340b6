//! `UniformHeterogeneousAssignmentBuilder`: members want different topics. What nobody has goes to the least loaded who want it; then,
//! topic by topic, partitions move from the most loaded to the least loaded until their loads differ by one at most.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Subscriber, Target};
use crate::kafka::group::consumer::assignment::Partitions;

/// How often all topics are gone through at most.
const MAX_ITERATION_COUNT: u32 = 16;

struct Builder<'a> {
    partitions: &'a BTreeMap<Uuid, i32>,
    /// Members that want a topic, by number.
    subscribers: BTreeMap<Uuid, Vec<usize>>,
    targets: Target,
    loads: Vec<usize>,
    /// Per topic: who has each partition.
    owners: BTreeMap<Uuid, Vec<Option<usize>>>,
}

/// See [`super::ServerAssignor::assign`].
pub(super) fn assign(partitions: &BTreeMap<Uuid, i32>, members: &[Subscriber]) -> Target {
    let mut subscribers: BTreeMap<Uuid, Vec<usize>> = BTreeMap::new();
    for (number, member) in members.iter().enumerate() {
        for topic in member.topics.iter().filter(|topic| partitions.contains_key(topic)) {
            subscribers.entry(*topic).or_default().push(number);
        }
    }
    let owners = subscribers.keys().map(|topic| (*topic, vec![None; partitions[topic].max(0) as usize])).collect();
    let mut builder = Builder { partitions, subscribers, targets: Vec::new(), loads: vec![0; members.len()], owners };
    builder.maybe_revoke(members);
    builder.assign_remaining();
    builder.balance_topics();
    builder.targets
}

impl Builder<'_> {
    /// Everybody keeps what it still wants.
    fn maybe_revoke(&mut self, members: &[Subscriber]) {
        for (number, member) in members.iter().enumerate() {
            let mut kept = Partitions::new();
            for (topic, partitions) in member.previous.iter().filter(|(topic, _)| member.topics.contains(topic)) {
                let Some(owners) = self.owners.get_mut(topic) else { continue };
                let there: BTreeSet<i32> = partitions.iter().copied().filter(|&partition| (partition as usize) < owners.len()).collect();
                there.iter().for_each(|&partition| owners[partition as usize] = Some(number));
                self.loads[number] += there.len();
                kept.insert(*topic, there);
            }
            self.targets.push(kept);
        }
    }

    /// Topics with most partitions a subscriber come first, then those that fewest want.
    fn sorted_topics(&self, topics: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
        let mut topics: Vec<Uuid> = topics.collect();
        let count = |topic: &Uuid| (i64::from(self.partitions[topic]), self.subscribers[topic].len() as i64);
        topics.sort_by(|a, b| {
            let ((a_partitions, a_members), (b_partitions, b_members)) = (count(a), count(b));
            (b_partitions * a_members).cmp(&(a_partitions * b_members)).then(a_members.cmp(&b_members)).then_with(|| java_order(*a, *b))
        });
        topics
    }

    fn assign_remaining(&mut self) {
        let open = |(topic, owners): (&Uuid, &Vec<Option<usize>>)| owners.iter().any(Option::is_none).then_some(*topic);
        for topic in self.sorted_topics(self.owners.iter().filter_map(open)) {
            let mut balancer = Balancer::new(&self.subscribers[&topic], &self.loads);
            for partition in 0..self.owners[&topic].len() {
                if self.owners[&topic][partition].is_none() {
                    let to = balancer.next_least_loaded(&self.loads);
                    self.give(topic, partition, to);
                }
            }
        }
    }

    fn balance_topics(&mut self) {
        let movable = self.subscribers.iter().filter(|(_, members)| members.len() >= 2).map(|(topic, _)| *topic);
        let topics = self.sorted_topics(movable);
        let mut last_rebalanced: Option<usize> = None;
        for _ in 0..MAX_ITERATION_COUNT {
            for (at, topic) in topics.iter().enumerate() {
                if last_rebalanced == Some(at) {
                    return; // gone through all without moving anything
                }
                if self.balance_topic(*topic) || last_rebalanced.is_none() {
                    last_rebalanced = Some(at);
                }
            }
        }
    }

    /// Returns whether a partition moved.
    fn balance_topic(&mut self, topic: Uuid) -> bool {
        let mut balancer = Balancer::new(&self.subscribers[&topic], &self.loads);
        if balancer.imbalance(&self.loads) <= 1 {
            return false;
        }
        // What each has to give, its last one first.
        let mut to_give: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (partition, owner) in self.owners[&topic].iter().enumerate() {
            if let Some(owner) = owner {
                to_give.entry(*owner).or_default().push(partition);
            }
        }
        let mut moved = false;
        while !balancer.is_balanced() {
            let giver = loop {
                let Some(member) = balancer.next_most_loaded(&self.loads) else { return moved };
                match to_give.get_mut(&member).and_then(Vec::pop) {
                    Some(partition) => break partition,
                    None => balancer.exclude_most_loaded(),
                }
            };
            let to = balancer.next_least_loaded(&self.loads);
            if balancer.is_balanced() {
                break;
            }
            self.give(topic, giver, to);
            moved = true;
        }
        moved
    }

    fn give(&mut self, topic: Uuid, partition: usize, to: usize) {
        let Some(owners) = self.owners.get_mut(&topic) else { return };
        if let Some(from) = owners[partition].replace(to) {
            self.loads[from] -= 1;
            if let Some(partitions) = self.targets[from].get_mut(&topic) {
                partitions.remove(&(partition as i32));
                if partitions.is_empty() {
                    self.targets[from].remove(&topic);
                }
            }
        }
        self.loads[to] += 1;
        self.targets[to].entry(topic).or_default().insert(partition as i32);
    }
}

/// `Uuid.compareTo`: both halves as signed numbers.
fn java_order(a: Uuid, b: Uuid) -> Ordering {
    let halves = |id: Uuid| {
        let (high, low) = id.as_u64_pair();
        (high as i64, low as i64)
    };
    halves(a).cmp(&halves(b))
}

/// `MemberAssignmentBalancer`: gives the least loaded members in turn, level by level, and the most loaded ones from the other end.
struct Balancer {
    members: Vec<usize>,
    least_end: usize,
    least_load: i64,
    next_least: usize,
    most_start: usize,
    most_end: usize,
    most_load: i64,
    next_most: i64,
}

impl Balancer {
    fn new(members: &[usize], loads: &[usize]) -> Balancer {
        let mut members = members.to_vec();
        members.sort_by_key(|&member| (loads[member], member));
        let load = |at: Option<&usize>| at.map_or(0, |&member| loads[member] as i64);
        Balancer {
            least_end: 0,
            least_load: load(members.first()) - 1,
            next_least: 0,
            most_start: members.len(),
            most_end: members.len(),
            most_load: load(members.last()) + 1,
            next_most: members.len() as i64 - 1,
            members,
        }
    }

    fn imbalance(&self, loads: &[usize]) -> usize {
        match (self.members.first(), self.members.last()) {
            (Some(&first), Some(&last)) => loads[last] - loads[first],
            _ => 0,
        }
    }

    fn is_balanced(&self) -> bool {
        self.most_load - self.least_load <= 1
    }

    /// There is at least one member.
    fn next_least_loaded(&mut self, loads: &[usize]) -> usize {
        if self.next_least >= self.least_end {
            self.least_load += 1;
            while self.least_end < self.members.len() && loads[self.members[self.least_end]] as i64 == self.least_load {
                self.least_end += 1;
            }
            self.next_least = 0;
        }
        self.next_least += 1;
        self.members[self.next_least - 1]
    }

    fn next_most_loaded(&mut self, loads: &[usize]) -> Option<usize> {
        if self.next_most < self.most_start as i64 {
            if self.most_end <= self.most_start && self.most_start > 0 {
                // All of this level were excluded: the next one begins where it begins.
                self.most_load = loads[self.members[self.most_start - 1]] as i64;
            } else {
                self.most_load -= 1;
            }
            while self.most_start > 0 && loads[self.members[self.most_start - 1]] as i64 == self.most_load {
                self.most_start -= 1;
            }
            self.next_most = self.most_end as i64 - 1;
        }
        let at = usize::try_from(self.next_most).ok()?;
        self.next_most -= 1;
        Some(self.members[at])
    }

    /// The member that was given last has nothing to give.
    fn exclude_most_loaded(&mut self) {
        let at = (self.next_most + 1) as usize;
        self.members.swap(at, self.most_end - 1);
        self.most_end -= 1;
    }
}
