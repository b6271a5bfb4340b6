//! `SubscriptionState`: what a consumer wants, what it was given, and how far it has read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::OffsetReset;
use crate::kafka::names::{BrokerId, Name, TopicPartition};
use crate::sim::time::Time;

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    #[default]
    Nothing,
    /// Topics, to be shared with a group.
    Topics(Vec<Name>),
    /// These partitions, without a group's say.
    Partitions,
}

/// The next record to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub offset: i64,
    /// The leader epoch of the last record that was read; `None` if none was.
    pub leader_epoch: Option<i32>,
}

/// How it stands with one partition.
#[derive(Clone, Debug)]
pub struct PartitionState {
    pub fetch: FetchState,
    /// As the leader last said; none before the first fetch.
    pub high_watermark: Option<i64>,
    pub log_start_offset: Option<i64>,
    pub last_stable_offset: Option<i64>,
    pub(super) preferred_read_replica: Option<PreferredReadReplica>,
    /// Something did not fit: not to be fetched before.
    pub(super) not_before: Time,
    /// The leader epoch for which the position is known to be sound.
    pub(super) validated_epoch: i32,
    /// Where it stands among the partitions of a fetch: those that brought something go to the end.
    pub(super) turn: u64,
}

/// The replica that the leader named as the closest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreferredReadReplica {
    pub id: BrokerId,
    /// Until then (`metadata.max.age.ms`).
    pub until: Time,
    /// As long as this leader leads.
    pub leader_epoch: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchState {
    /// The committed offset is to be asked for.
    Initializing,
    /// There is no position: it is to be looked up. `None`: by the policy, which says nothing.
    AwaitReset(OffsetReset),
    Fetching(Position),
    /// There is a new leader, which is to confirm the position before anything more is read.
    AwaitValidation(Position),
}

/// The partitions of a consumer. A clone shares it until one changes.
#[derive(Clone, Debug, Default)]
pub struct Subscriptions {
    pub wanted: Wanted,
    partitions: Arc<BTreeMap<TopicPartition, PartitionState>>,
    turns: u64,
    /// The version of the metadata by which positions were last checked for new leaders; 0 for never.
    pub(super) validated_with: u64,
}

impl Subscriptions {
    /// What is read now, by topic and partition.
    pub fn partitions(&self) -> impl Iterator<Item = (&TopicPartition, &PartitionState)> {
        self.partitions.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    pub fn get(&self, partition: &TopicPartition) -> Option<&PartitionState> {
        self.partitions.get(partition)
    }

    /// The next offset to be handed out.
    pub fn position(&self, partition: &TopicPartition) -> Option<Position> {
        match self.get(partition)?.fetch {
            FetchState::Fetching(position) | FetchState::AwaitValidation(position) => Some(position),
            FetchState::Initializing | FetchState::AwaitReset(_) => None,
        }
    }

    /// The leader epoch in which the position was last confirmed, or needed no confirmation.
    pub fn validated_epoch(&self, partition: &TopicPartition) -> Option<i32> {
        let state = self.get(partition)?;
        matches!(state.fetch, FetchState::Fetching(_)).then_some(state.validated_epoch)
    }

    /// The position, if records may be fetched and handed out from there.
    pub(super) fn fetchable(&self, partition: &TopicPartition) -> Option<Position> {
        match self.get(partition)?.fetch {
            FetchState::Fetching(position) => Some(position),
            FetchState::Initializing | FetchState::AwaitReset(_) | FetchState::AwaitValidation(_) => None,
        }
    }

    pub(super) fn validates(&self) -> bool {
        self.partitions.values().any(|state| matches!(state.fetch, FetchState::AwaitValidation(_)))
    }

    /// All partitions with a position, as they would be committed.
    pub fn all_consumed(&self) -> impl Iterator<Item = (&TopicPartition, Position)> {
        self.partitions.keys().filter_map(|partition| Some((partition, self.position(partition)?)))
    }

    /// Partitions that have no position, and the reason.
    pub fn unpositioned(&self) -> impl Iterator<Item = (&TopicPartition, FetchState)> {
        let lacks = |state: &PartitionState| matches!(state.fetch, FetchState::Initializing | FetchState::AwaitReset(_));
        self.partitions.iter().filter(move |(_, state)| lacks(state)).map(|(partition, state)| (partition, state.fetch))
    }

    /// These partitions from now on; those that were there before keep their positions if `keep`.
    pub fn assign(&mut self, partitions: impl IntoIterator<Item = TopicPartition>, keep: bool) {
        let mut before = if keep { Arc::unwrap_or_clone(std::mem::take(&mut self.partitions)) } else { BTreeMap::new() };
        let fresh = |turn: &mut u64| {
            *turn += 1;
            PartitionState {
                fetch: FetchState::Initializing,
                high_watermark: None,
                log_start_offset: None,
                last_stable_offset: None,
                preferred_read_replica: None,
                not_before: Time::ZERO,
                validated_epoch: -1,
                turn: *turn,
            }
        };
        let mut assigned = BTreeMap::new();
        for partition in partitions {
            let state = before.remove(&partition).unwrap_or_else(|| fresh(&mut self.turns));
            assigned.insert(partition, state);
        }
        self.partitions = Arc::new(assigned);
    }

    pub fn set(&mut self, partition: &TopicPartition, fetch: FetchState) {
        if let Some(state) = self.get_mut(partition) {
            state.fetch = fetch;
            state.not_before = Time::ZERO;
        }
    }

    /// Reading goes on from there: with a position from elsewhere it is to be checked whether the leader agrees.
    pub(super) fn set_committed(&mut self, partition: &TopicPartition, position: Position) {
        self.set(partition, FetchState::Fetching(position));
        self.validated_with = 0;
    }

    pub(super) fn get_mut(&mut self, partition: &TopicPartition) -> Option<&mut PartitionState> {
        // Looked up first: a copy is only made for a partition that is there.
        if !self.partitions.contains_key(partition) {
            return None;
        }
        Arc::make_mut(&mut self.partitions).get_mut(partition)
    }

    /// `clearPreferredReadReplica`: the leader is asked again. Says whether there was another one.
    pub(super) fn clear_preferred_read_replica(&mut self, partition: &TopicPartition) -> bool {
        let has_one = self.get(partition).is_some_and(|state| state.preferred_read_replica.is_some());
        has_one && self.get_mut(partition).is_some_and(|state| state.preferred_read_replica.take().is_some())
    }

    /// `movePartitionToEnd`: others come first in the next fetch.
    pub(super) fn move_to_end(&mut self, partition: &TopicPartition) {
        self.turns += 1;
        let turn = self.turns;
        if let Some(state) = self.get_mut(partition) {
            state.turn = turn;
        }
    }

    /// News of the cluster: what had to wait for it may be tried again.
    pub(super) fn forget_waits(&mut self) {
        if self.partitions.values().any(|state| state.not_before > Time::ZERO) {
            for state in Arc::make_mut(&mut self.partitions).values_mut() {
                state.not_before = Time::ZERO;
            }
        }
    }
}
