//! Client-side assignors: the leader of a group computes who reads what (`AbstractPartitionAssignor`).
//!
//! * [`range`], [`round_robin`], [`sticky`] (with `sticky_equal`, `sticky_general` and `moves`): the rules
//! * [`protocol`]: what members say to them, and what they answer (`ConsumerProtocol`)

use std::collections::BTreeMap;

use bytes::Bytes;

use super::hash_order;
use crate::kafka::names::{Name, TopicPartition};

mod moves;
pub mod protocol;
pub mod range;
pub mod round_robin;
pub mod sticky;
mod sticky_equal;
mod sticky_general;

/// A member, as an assignor sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriber {
    pub member_id: Name,
    pub group_instance_id: Option<Name>,
    pub topics: Vec<Name>,
    /// What it has and has not given up.
    pub owned: Vec<TopicPartition>,
    /// Of `owned`; `None` if its client did not say.
    pub generation: Option<i32>,
    /// What an assignor says to itself from one rebalance to the next.
    pub user_data: Option<Bytes>,
}

/// What each member gets, by member id, in Kafka's order.
pub type Assignment = BTreeMap<Name, Vec<TopicPartition>>;

/// The assignors that are built in (`partition.assignment.strategy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignor {
    Range,
    RoundRobin,
    Sticky,
    CooperativeSticky,
}

impl Assignor {
    pub const ALL: [Assignor; 4] = [Assignor::Range, Assignor::RoundRobin, Assignor::Sticky, Assignor::CooperativeSticky];

    /// As it stands in JoinGroup, and in the tools' output.
    pub fn name(self) -> &'static str {
        match self {
            Assignor::Range => "range",
            Assignor::RoundRobin => "roundrobin",
            Assignor::Sticky => "sticky",
            Assignor::CooperativeSticky => "cooperative-sticky",
        }
    }

    pub fn from_name(name: &str) -> Option<Assignor> {
        Assignor::ALL.into_iter().find(|assignor| assignor.name() == name)
    }

    /// The assignor that a client's config names by class.
    pub fn from_class(class: &str) -> Option<Assignor> {
        match class.rsplit('.').next()? {
            "RangeAssignor" => Some(Assignor::Range),
            "RoundRobinAssignor" => Some(Assignor::RoundRobin),
            "StickyAssignor" => Some(Assignor::Sticky),
            "CooperativeStickyAssignor" => Some(Assignor::CooperativeSticky),
            _ => None,
        }
    }

    /// Spreads the partitions of these topics (by their number) over the members. Topics without partitions are unknown ones.
    pub fn assign(self, partitions_per_topic: &BTreeMap<Name, i32>, members: &[Subscriber]) -> Assignment {
        match self {
            Assignor::Range => range::assign(partitions_per_topic, members),
            Assignor::RoundRobin => round_robin::assign(partitions_per_topic, members),
            Assignor::Sticky => sticky::assign(partitions_per_topic, members),
            Assignor::CooperativeSticky => sticky::assign_cooperatively(partitions_per_topic, members),
        }
    }
}

/// `String.compareTo`: by UTF-16.
fn java_order(a: &str, b: &str) -> std::cmp::Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// Members in the order in which all assignors serve them: static ones first, by instance id, then the others by member id
/// (`MemberInfo.compareTo`; Java compares UTF-16).
fn sorted<'a>(members: impl Iterator<Item = &'a Subscriber>) -> Vec<&'a Subscriber> {
    let mut members: Vec<&Subscriber> = members.collect();
    members.sort_by(|a, b| match (&a.group_instance_id, &b.group_instance_id) {
        (Some(a), Some(b)) => a.encode_utf16().cmp(b.encode_utf16()),
        (None, None) => a.member_id.encode_utf16().cmp(b.member_id.encode_utf16()),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
    members
}

/// The topics that somebody wants and that have partitions, in the order of Kafka's map.
fn topics(partitions_per_topic: &BTreeMap<Name, i32>, members: &[Subscriber]) -> Vec<(Name, i32)> {
    let mut members: Vec<&Subscriber> = members.iter().collect();
    hash_order::sort(&mut members, |member| &member.member_id);
    let mut wanted: Vec<Name> = Vec::new();
    for topic in members.iter().flat_map(|member| &member.topics) {
        if !wanted.contains(topic) {
            wanted.push(topic.clone());
        }
    }
    hash_order::sort(&mut wanted, |topic| topic);
    let mut known: Vec<(Name, i32)> =
        wanted.into_iter().filter_map(|topic| partitions_per_topic.get(&topic).filter(|n| **n > 0).map(|n| (topic.clone(), *n))).collect();
    hash_order::sort(&mut known, |(topic, _)| topic);
    known
}

fn nobody(members: &[Subscriber]) -> Assignment {
    members.iter().map(|member| (member.member_id.clone(), Vec::new())).collect()
}
