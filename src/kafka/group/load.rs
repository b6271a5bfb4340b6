//! Groups from the records of their partition (`GroupMetadataManager.replay`, `OffsetMetadataManager.replay`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::classic_group::ClassicGroup;
use super::config::GroupConfig;
use super::consumer::group::ConsumerGroup;
use super::consumer::record::ConsumerRecord;
use super::join::timeout;
use super::member::Member;
use super::record::{GroupMetadata, MemberMetadata, Record};
use crate::kafka::event::GroupState;
use crate::kafka::names::Name;
use crate::kafka::records::batch::Batch;
use crate::sim::time::Time;

/// The groups that a partition's records tell of. What cannot be read is passed over, as Kafka does with a warning.
pub(super) fn load(log: impl Iterator<Item = Batch>, now: Time, config: &GroupConfig) -> Loaded {
    let mut groups = Groups::default();
    // Batches of transactions (TxnOffsetCommit) and their markers come with transactions.
    for batch in log.filter(|batch| !batch.info.is_control() && !batch.info.is_transactional()) {
        let Ok(records) = batch.records() else { continue };
        for record in records.iter().map_while(Result::ok) {
            if let Some(Ok(Some(record))) = record.key.map(|key| Record::parse(key, record.value)) {
                replay(&mut groups, record, now);
            }
        }
    }
    for group in groups.classic.values_mut() {
        for member in group.members.values_mut() {
            member.session_ends = Some(now + member.session_timeout);
        }
    }
    for group in groups.consumer.values_mut() {
        group.loaded(now, config);
    }
    Loaded {
        classic: groups.classic.into_iter().map(|(id, group)| (id, Arc::new(group))).collect(),
        consumer: groups.consumer.into_iter().map(|(id, group)| (id, Arc::new(group))).collect(),
    }
}

/// A partition's groups, by protocol.
pub(super) struct Loaded {
    pub classic: BTreeMap<Name, Arc<ClassicGroup>>,
    pub consumer: BTreeMap<Name, Arc<ConsumerGroup>>,
}

#[derive(Default)]
struct Groups {
    classic: BTreeMap<Name, ClassicGroup>,
    consumer: BTreeMap<Name, ConsumerGroup>,
}

fn replay(groups: &mut Groups, record: Record, now: Time) {
    match record {
        Record::Offset { group, partition, value } => {
            let offsets = match groups.consumer.get_mut(&group) {
                Some(group) => &mut group.offsets,
                None if value.is_none() && !groups.classic.contains_key(&group) => return,
                None => &mut groups.classic.entry(group.clone()).or_insert_with(|| ClassicGroup::new(group, now)).offsets,
            };
            match value {
                Some(value) => drop(offsets.insert(partition, value)),
                None => drop(offsets.remove(&partition)),
            }
        }
        Record::Group { group, value: Some(value) } => {
            let group = groups.classic.entry(group.clone()).or_insert_with(|| ClassicGroup::new(group, now));
            replay_metadata(group, value);
        }
        // Offsets have tombstones of their own: a group may go and come back under the other protocol.
        Record::Group { group, value: None } => {
            if let Some(gone) = groups.classic.remove(&group).filter(|gone| !gone.offsets.is_empty()) {
                let rest = ClassicGroup { offsets: gone.offsets, ..ClassicGroup::new(group.clone(), now) };
                groups.classic.insert(group, rest);
            }
        }
        Record::Consumer { group, record: ConsumerRecord::Group(None) } => {
            if let Some(gone) = groups.consumer.remove(&group).filter(|gone| !gone.offsets.is_empty()) {
                let rest = ClassicGroup { offsets: gone.offsets, ..ClassicGroup::new(group.clone(), now) };
                groups.classic.insert(group, rest);
            }
        }
        // Of a group that is long gone.
        Record::Consumer { group, record } if record.is_tombstone() && !groups.consumer.contains_key(&group) => {}
        Record::Consumer { group, record } => {
            let Groups { classic, consumer } = groups;
            let fresh = || {
                let offsets = classic.remove(&group).map(|before| before.offsets).unwrap_or_default();
                ConsumerGroup::new(group.clone(), offsets)
            };
            consumer.entry(group.clone()).or_insert_with(fresh).replay(record);
        }
    }
}

fn replay_metadata(group: &mut ClassicGroup, value: GroupMetadata) {
    group.state = if value.members.is_empty() { GroupState::Empty } else { GroupState::Stable };
    group.generation = value.generation;
    group.protocol_type = Some(value.protocol_type).filter(|text| !text.is_empty());
    group.leader = value.leader;
    group.state_since_ms = value.current_state_timestamp_ms;
    let protocol = value.protocol.clone().unwrap_or_default();
    group.protocol_name = value.protocol;
    group.members = value.members.into_iter().map(|member| (member.member_id.clone(), member_of(member, protocol.clone()))).collect();
}

fn member_of(value: MemberMetadata, protocol: Name) -> Member {
    let rebalance_timeout_ms = if value.rebalance_timeout_ms == -1 { value.session_timeout_ms } else { value.rebalance_timeout_ms };
    Member {
        id: value.member_id,
        instance_id: value.group_instance_id,
        client_id: value.client_id,
        client_host: value.client_host,
        rebalance_timeout: timeout(rebalance_timeout_ms),
        session_timeout: timeout(value.session_timeout_ms),
        protocols: vec![(protocol, value.subscription)],
        assignment: value.assignment,
        is_new: false,
        session_ends: None,
        awaiting_join: None,
        awaiting_sync: None,
    }
}
