//! `RangeAssignor` of the server: static members first, and neighbouring partitions of each topic.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Subscriber, Target};
use crate::kafka::group::consumer::assignment::Partitions;

/// See [`super::ServerAssignor::assign`].
pub(super) fn assign(partitions_per_topic: &BTreeMap<Uuid, i32>, members: &[Subscriber]) -> Target {
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by(|&a, &b| by_instance_then_id(&members[a], &members[b]));
    let mut targets: Target = vec![Partitions::new(); members.len()];
    for (topic, &partitions) in partitions_per_topic {
        let wanting: Vec<usize> = order.iter().copied().filter(|&member| members[member].topics.contains(topic)).collect();
        let count = wanting.len() as i32;
        let mut next = 0;
        for (place, member) in (0..).zip(wanting) {
            let end = next + partitions / count + i32::from(place < partitions % count);
            if end > next {
                targets[member].insert(*topic, (next..end).collect());
            }
            next = end;
        }
    }
    targets
}

fn by_instance_then_id(a: &Subscriber, b: &Subscriber) -> Ordering {
    match (&a.instance_id, &b.instance_id) {
        (Some(a), Some(b)) => a.encode_utf16().cmp(b.encode_utf16()),
        (None, None) => a.member_id.encode_utf16().cmp(b.member_id.encode_utf16()),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}
