//! Server-side assignors (`ConsumerGroupPartitionAssignor`): the coordinator computes who is to read what. Without racks.
//!
//! * [`uniform`]: the default; [`uniform_different`] where members want different topics
//! * [`range`]: neighbouring partitions, the same ones of each topic

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::assignment::Partitions;
use crate::kafka::group::hash_order;
use crate::kafka::names::Name;

mod range;
mod uniform;
mod uniform_different;

/// A member, as an assignor sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    pub member_id: Name,
    pub instance_id: Option<Name>,
    /// Topics that exist, in the order in which they came into Kafka's set.
    pub topics: Vec<Uuid>,
    /// Its target so far.
    pub previous: Partitions,
}

/// The target of each member, in the order of the members.
pub type Target = Vec<Partitions>;

/// The assignors that are built in (`group.consumer.assignors`), the default first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerAssignor {
    Uniform,
    Range,
}

impl ServerAssignor {
    pub const ALL: [ServerAssignor; 2] = [ServerAssignor::Uniform, ServerAssignor::Range];

    pub fn name(self) -> &'static str {
        match self {
            ServerAssignor::Uniform => "uniform",
            ServerAssignor::Range => "range",
        }
    }

    pub fn from_name(name: &str) -> Option<ServerAssignor> {
        ServerAssignor::ALL.into_iter().find(|assignor| assignor.name() == name)
    }

    /// Spreads topics (with their number of partitions) over members, which stand in the order of Kafka's map.
    pub fn assign(self, partitions_per_topic: &BTreeMap<Uuid, i32>, members: &[Subscriber]) -> Target {
        let Some(first) = members.first() else { return Target::new() };
        let wish = |member: &Subscriber| member.topics.iter().copied().collect::<BTreeSet<Uuid>>();
        let equal = members.iter().all(|member| wish(member) == wish(first));
        match self {
            ServerAssignor::Uniform if equal => uniform::assign(partitions_per_topic, members),
            ServerAssignor::Uniform => uniform_different::assign(partitions_per_topic, members),
            ServerAssignor::Range => range::assign(partitions_per_topic, members),
        }
    }
}

/// Topic ids in the order of a Java hash set.
fn in_hash_order(topics: &[Uuid]) -> Vec<Uuid> {
    let mut topics = topics.to_vec();
    hash_order::sort_uuids(&mut topics, |id| *id);
    topics
}
