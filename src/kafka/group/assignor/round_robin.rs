//! `RoundRobinAssignor`: all partitions, sorted, go round all members; those that do not want a topic are passed over.

use std::collections::BTreeMap;

use super::{Assignment, Subscriber, nobody, sorted, topics};
use crate::kafka::names::{Name, TopicPartition};

/// See [`super::Assignor::assign`].
pub fn assign(partitions_per_topic: &BTreeMap<Name, i32>, members: &[Subscriber]) -> Assignment {
    let mut assignment = nobody(members);
    let mut topics = topics(partitions_per_topic, members);
    topics.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    let mut circle = sorted(members.iter()).into_iter().cycle().peekable();
    for (topic, partitions) in topics {
        for partition in 0..partitions {
            // Somebody wants the topic, or it would not be in the list.
            while circle.next_if(|member| !member.topics.contains(&topic)).is_some() {}
            if let Some(member) = circle.next() {
                assignment.entry(member.member_id.clone()).or_default().push(TopicPartition { topic: topic.clone(), partition });
            }
        }
    }
    assignment
}
