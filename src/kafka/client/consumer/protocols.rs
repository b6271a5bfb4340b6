//! What a member of a classic group says of itself when it joins, by assignor, and whether it keeps what it has meanwhile
//! (`ConsumerCoordinator.metadata`, `ConsumerPartitionAssignor.RebalanceProtocol`).

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::protocol::StrBytes;

use super::config::ConsumerConfig;
use super::subscription::{Subscriptions, Wanted};
use crate::kafka::group::assignor::protocol::{Subscription, decode_subscription, encode_subscription};
use crate::kafka::group::assignor::{Assignor, Subscriber, sticky};
use crate::kafka::names::{Name, TopicPartition};

/// What members do with their partitions in a rebalance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebalanceProtocol {
    /// Give all up before joining.
    Eager,
    /// Keep them, give up what the new assignment lacks, and join again so that others can have it (KIP-429).
    Cooperative,
}

impl ConsumerConfig {
    /// The best that all its assignors know.
    pub fn rebalance_protocol(&self) -> RebalanceProtocol {
        match self.assignors.iter().all(|assignor| *assignor == Assignor::CooperativeSticky) {
            true => RebalanceProtocol::Cooperative,
            false => RebalanceProtocol::Eager,
        }
    }
}

/// What the assignors of one consumer remember from one assignment to the next (`onAssignment`).
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    sticky: Option<(Vec<TopicPartition>, i32)>,
    cooperative_generation: Option<i32>,
}

impl Memory {
    pub fn assigned(&mut self, assignor: Option<Assignor>, partitions: &[TopicPartition], generation: i32) {
        match assignor {
            Some(Assignor::Sticky) => self.sticky = Some((partitions.to_vec(), generation)),
            Some(Assignor::CooperativeSticky) => self.cooperative_generation = Some(generation),
            Some(Assignor::Range | Assignor::RoundRobin) | None => {}
        }
    }

    fn user_data(&self, assignor: Assignor) -> Option<Bytes> {
        match assignor {
            Assignor::Range | Assignor::RoundRobin => None,
            Assignor::Sticky => self.sticky.as_ref().map(|(partitions, generation)| sticky::sticky_user_data(partitions, *generation)),
            Assignor::CooperativeSticky => Some(sticky::cooperative_user_data(self.cooperative_generation.unwrap_or(-1))),
        }
    }
}

/// One entry an assignor, best first. An eager member owns nothing when it joins.
pub(super) fn join_protocols(
    config: &ConsumerConfig,
    memory: &Memory,
    subscriptions: &Subscriptions,
    generation: i32,
) -> Vec<JoinGroupRequestProtocol> {
    let topics = if let Wanted::Topics(topics) = &subscriptions.wanted { topics.clone() } else { Vec::new() };
    let owned: Vec<TopicPartition> = subscriptions.partitions().map(|(partition, _)| partition.clone()).collect();
    let protocol = |&assignor: &Assignor| {
        let (topics, owned, user_data) = (topics.clone(), owned.clone(), memory.user_data(assignor));
        let metadata = encode_subscription(&Subscription { topics, owned, generation, user_data });
        JoinGroupRequestProtocol::default().with_name(StrBytes::from_static_str(assignor.name())).with_metadata(metadata)
    };
    config.assignors.iter().map(protocol).collect()
}

/// A member, as the leader is told of it. What cannot be read wants nothing.
pub(super) fn subscriber(member_id: Name, group_instance_id: Option<Name>, metadata: &Bytes) -> Subscriber {
    let said = decode_subscription(metadata).unwrap_or_default();
    Subscriber {
        member_id,
        group_instance_id,
        topics: said.topics,
        owned: said.owned,
        generation: Some(said.generation).filter(|&generation| generation >= 0),
        user_data: said.user_data,
    }
}
