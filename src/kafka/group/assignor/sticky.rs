//! `AbstractStickyAssignor`: what members had stays with them as far as balance allows, and `CooperativeStickyAssignor`, by which a
//! partition that changes hands is first given to nobody. Without racks.
//!
//! Members that all want the same are served by [`super::sticky_equal`], others by [`super::sticky_general`].

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{Assignment, Subscriber, sticky_equal, sticky_general, topics};
use crate::kafka::group::hash_order;
use crate::kafka::names::{Name, TopicPartition};

const DEFAULT_GENERATION: i32 = -1;

/// What a member had before, by its own word (`MemberData`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MemberData {
    pub partitions: Vec<TopicPartition>,
    pub generation: Option<i32>,
}

/// What is to be spread. Members are numbered in the order of Kafka's map.
pub(super) struct Task<'a> {
    pub members: Vec<&'a Subscriber>,
    /// Topics that somebody wants, with their number of partitions, by name.
    pub topics: BTreeMap<Name, i32>,
    pub said: Vec<MemberData>,
    /// What each member had and nobody newer claims (`consumerToOwnedPartitions`).
    pub owned: Vec<Vec<TopicPartition>>,
    /// Claimed by two members of the same generation.
    pub doubly_claimed: BTreeSet<TopicPartition>,
    pub max_generation: i32,
}

/// The members' partitions by their number, and who gets partitions that others had, if the rule knows.
pub(super) type Shares = (Vec<Vec<TopicPartition>>, Option<BTreeMap<TopicPartition, usize>>);

/// `StickyAssignor`: eager, so what members had stands in their user data.
pub fn assign(partitions_per_topic: &BTreeMap<Name, i32>, members: &[Subscriber]) -> Assignment {
    let (task, equal) = task(partitions_per_topic, members, |member| sticky_data(member.user_data.as_ref()));
    let (shares, _) = if equal { sticky_equal::assign(&task) } else { sticky_general::assign(&task) };
    named(&task, shares)
}

/// `CooperativeStickyAssignor`.
pub fn assign_cooperatively(partitions_per_topic: &BTreeMap<Name, i32>, members: &[Subscriber]) -> Assignment {
    let (task, equal) = task(partitions_per_topic, members, cooperative_data);
    let (mut shares, transferring) = if equal { sticky_equal::assign(&task) } else { sticky_general::assign(&task) };
    let transferring = transferring.unwrap_or_else(|| partitions_transferring_ownership(&task, &shares));
    // `adjustAssignment`: they come in the rebalance that follows, when their owners have given them up.
    for (partition, to) in transferring {
        shares[to].retain(|assigned| *assigned != partition);
    }
    named(&task, shares)
}

fn named(task: &Task, shares: Vec<Vec<TopicPartition>>) -> Assignment {
    task.members.iter().map(|member| member.member_id.clone()).zip(shares).collect()
}

/// `allSubscriptionsEqual`: also settles who of several claimants had a partition.
fn task<'a>(
    partitions_per_topic: &BTreeMap<Name, i32>,
    members: &'a [Subscriber],
    data: impl Fn(&Subscriber) -> MemberData,
) -> (Task<'a>, bool) {
    let mut sorted: Vec<&Subscriber> = members.iter().collect();
    hash_order::sort(&mut sorted, |member| &member.member_id);
    let mut task = Task {
        topics: topics(partitions_per_topic, members).into_iter().collect(),
        said: sorted.iter().map(|member| data(member)).collect(),
        owned: vec![Vec::new(); sorted.len()],
        members: sorted,
        doubly_claimed: BTreeSet::new(),
        max_generation: DEFAULT_GENERATION,
    };
    let wish = |member: &Subscriber| member.topics.iter().cloned().collect::<BTreeSet<Name>>();
    let first = task.members.first().map(|member| wish(member)).unwrap_or_default();
    let equal = task.members.iter().all(|member| member.topics.len() == first.len() && wish(member) == first);
    let mut owners: BTreeMap<TopicPartition, usize> = BTreeMap::new();
    for (member, said) in task.said.iter().enumerate() {
        let generation = said.generation.unwrap_or(DEFAULT_GENERATION);
        task.max_generation = task.max_generation.max(generation);
        for partition in said.partitions.iter().filter(|partition| task.topics.contains_key(&partition.topic)) {
            let Some(&other) = owners.get(partition) else {
                owners.insert(partition.clone(), member);
                task.owned[member].push(partition.clone());
                continue;
            };
            let others = task.members[other].generation.unwrap_or(DEFAULT_GENERATION);
            if generation < others {
                continue;
            }
            if generation == others {
                task.doubly_claimed.insert(partition.clone());
            } else {
                task.owned[member].push(partition.clone());
            }
            task.owned[other].retain(|owned| owned != partition);
            owners.insert(partition.clone(), member);
        }
    }
    (task, equal)
}

/// `computePartitionsTransferringOwnership`: added here and taken away there.
fn partitions_transferring_ownership(task: &Task, shares: &[Vec<TopicPartition>]) -> BTreeMap<TopicPartition, usize> {
    let mut added = BTreeMap::new();
    let mut revoked = BTreeSet::new();
    for (number, (member, share)) in task.members.iter().zip(shares).enumerate() {
        let owned: BTreeSet<&TopicPartition> = member.owned.iter().collect();
        let assigned: BTreeSet<&TopicPartition> = share.iter().collect();
        added.extend(assigned.difference(&owned).map(|&partition| (partition.clone(), number)));
        revoked.extend(owned.difference(&assigned).map(|&partition| partition.clone()));
    }
    added.retain(|partition, _| revoked.contains(partition));
    added
}

/// What a cooperative member had: said in the subscription itself since its version 2, before that partly in user data.
fn cooperative_data(member: &Subscriber) -> MemberData {
    let user_data = || match &member.user_data {
        Some(data) if data.len() >= 4 => Some(data.clone().get_i32()),
        Some(_) => Some(DEFAULT_GENERATION),
        None => None,
    };
    MemberData { partitions: member.owned.clone(), generation: member.generation.or_else(user_data) }
}

/// `CooperativeStickyAssignor.subscriptionUserData`.
pub fn cooperative_user_data(generation: i32) -> Bytes {
    Bytes::copy_from_slice(&generation.to_be_bytes())
}

/// `StickyAssignor.serializeTopicPartitionAssignment`: topics with their partitions, and the generation.
pub fn sticky_user_data(partitions: &[TopicPartition], generation: i32) -> Bytes {
    let topics = super::protocol::by_topic(partitions);
    let mut out = BytesMut::new();
    out.put_i32(topics.len() as i32);
    for (topic, partitions) in topics {
        out.put_i16(topic.len() as i16);
        out.put_slice(topic.as_bytes());
        out.put_i32(partitions.len() as i32);
        partitions.iter().for_each(|&partition| out.put_i32(partition));
    }
    out.put_i32(generation);
    out.freeze()
}

/// What a member of the eager assignor says that it had. Bytes that are something else count as nothing.
fn sticky_data(user_data: Option<&Bytes>) -> MemberData {
    let Some(bytes) = user_data.filter(|bytes| !bytes.is_empty()) else { return MemberData::default() };
    let mut rest = bytes.clone();
    let Some(partitions) = read_topics(&mut rest) else {
        return MemberData { partitions: Vec::new(), generation: Some(DEFAULT_GENERATION) };
    };
    // Its older form has no generation.
    MemberData { partitions, generation: rest.try_get_i32().ok() }
}

fn read_topics(rest: &mut Bytes) -> Option<Vec<TopicPartition>> {
    let mut partitions = Vec::new();
    for _ in 0..rest.try_get_i32().ok()? {
        let len = usize::try_from(rest.try_get_i16().ok()?).ok()?;
        if rest.len() < len {
            return None;
        }
        let topic = Name::from(std::str::from_utf8(&rest.split_to(len)).ok()?);
        for _ in 0..rest.try_get_i32().ok()? {
            partitions.push(TopicPartition { topic: topic.clone(), partition: rest.try_get_i32().ok()? });
        }
    }
    Some(partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_data_is_read_back_and_nonsense_is_nothing() {
        let had = vec![TopicPartition::new("orders", 2), TopicPartition::new("orders", 0)];
        let bytes = sticky_user_data(&had, 7);
        assert_eq!(sticky_data(Some(&bytes)), MemberData { partitions: had.clone(), generation: Some(7) });
        assert_eq!(sticky_data(Some(&bytes.slice(..bytes.len() - 4))), MemberData { partitions: had, generation: None });
        let nothing = MemberData { partitions: Vec::new(), generation: Some(DEFAULT_GENERATION) };
        assert_eq!(sticky_data(Some(&Bytes::from_static(&[0, 0, 0, 9, 1]))), nothing);
        assert_eq!(sticky_data(None), MemberData::default());
    }
}
