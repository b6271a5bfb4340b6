//! `RangeAssignor`, without racks: per topic the members get neighbouring partitions, the first ones one more.

use std::collections::BTreeMap;

use super::{Assignment, Subscriber, nobody, sorted, topics};
use crate::kafka::names::{Name, TopicPartition};

/// See [`super::Assignor::assign`].
pub fn assign(partitions_per_topic: &BTreeMap<Name, i32>, members: &[Subscriber]) -> Assignment {
    let mut assignment = nobody(members);
    for (topic, partitions) in topics(partitions_per_topic, members) {
        let consumers = sorted(members.iter().filter(|member| member.topics.contains(&topic)));
        let count = consumers.len() as i32;
        let (each, extra) = (partitions / count, partitions % count);
        let mut next = 0;
        for (place, consumer) in (0..).zip(consumers) {
            let end = next + each + i32::from(place < extra);
            let owned = assignment.entry(consumer.member_id.clone()).or_default();
            owned.extend((next..end).map(|partition| TopicPartition { topic: topic.clone(), partition }));
            next = end;
        }
    }
    assignment
}
