//! `UniformHomogeneousAssignmentBuilder`: all members want the same topics; each keeps what it has up to its quota.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Subscriber, Target, in_hash_order};
use crate::kafka::group::consumer::assignment::Partitions;
use crate::kafka::group::hash_order;

/// See [`super::ServerAssignor::assign`].
pub(super) fn assign(partitions_per_topic: &BTreeMap<Uuid, i32>, members: &[Subscriber]) -> Target {
    let subscribed = &members[0].topics;
    let topics = in_hash_order(subscribed);
    let assigned = |topic: &Uuid, partition: i32| {
        members.iter().any(|member| member.previous.get(topic).is_some_and(|partitions| partitions.contains(&partition)))
    };
    let all = topics.iter().flat_map(|topic| (0..partitions_per_topic.get(topic).copied().unwrap_or_default()).map(move |n| (*topic, n)));
    let all: Vec<(Uuid, i32)> = all.collect();
    let mut unassigned: Vec<(Uuid, i32)> = all.iter().filter(|(topic, partition)| !assigned(topic, *partition)).copied().collect();
    let quota = all.len() / members.len();
    let mut extras = all.len() % members.len();

    let mut targets: Target = Vec::new();
    let mut unfilled: Vec<(usize, usize)> = Vec::new();
    for (place, member) in members.iter().enumerate() {
        let gets_extra = extras > 0;
        extras -= usize::from(gets_extra);
        let mut left = quota + usize::from(gets_extra);
        targets.push(keep(member, &mut left, &mut unassigned));
        // An extra that a member does not hold already is kept for those behind, as long as there are enough of them.
        if gets_extra && left > 0 && members.len() - 1 - place > extras {
            left -= 1;
            extras += 1;
        }
        if left > 0 {
            unfilled.push((place, left));
        }
    }
    let mut unassigned = unassigned.into_iter();
    for (place, left) in unfilled {
        for (topic, partition) in unassigned.by_ref().take(left) {
            targets[place].entry(topic).or_default().insert(partition);
        }
    }
    targets
}

/// `maybeRevokePartitions`, of one member: what is above its quota goes to the others.
fn keep(member: &Subscriber, left: &mut usize, unassigned: &mut Vec<(Uuid, i32)>) -> Partitions {
    let mut kept = Partitions::new();
    let mut topics: Vec<&Uuid> = member.previous.keys().collect();
    hash_order::sort_uuids(&mut topics, |id| **id);
    for topic in topics.into_iter().filter(|topic| member.topics.contains(topic)) {
        let mut partitions: Vec<i32> = member.previous[topic].iter().copied().collect();
        hash_order::sort_ints(&mut partitions);
        let (stay, go) = partitions.split_at(partitions.len().min(*left));
        *left -= stay.len();
        if !stay.is_empty() {
            kept.insert(*topic, stay.iter().copied().collect());
        }
        unassigned.extend(go.iter().map(|partition| (*topic, *partition)));
    }
    kept
}
