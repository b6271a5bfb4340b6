//! `CurrentAssignmentBuilder`: one step of a member from what it has to its target: first it gives up, then it gets.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::assignment::{Held, Partitions};

/// How far a member is (`MemberState`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberState {
    /// It has all that the target of its epoch says.
    #[default]
    Stable,
    /// It is to give partitions up, and keeps its epoch until it has.
    UnrevokedPartitions,
    /// It waits for partitions that others have not given up yet.
    UnreleasedPartitions,
}

impl MemberState {
    /// As in records.
    pub fn code(self) -> i8 {
        match self {
            MemberState::Stable => 0,
            MemberState::UnrevokedPartitions => 1,
            MemberState::UnreleasedPartitions => 2,
        }
    }

    pub fn from_code(code: i8) -> MemberState {
        match code {
            1 => MemberState::UnrevokedPartitions,
            2 => MemberState::UnreleasedPartitions,
            _ => MemberState::Stable,
        }
    }
}

/// What a member has, as its coordinator knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Current {
    pub state: MemberState,
    pub epoch: i32,
    pub previous_epoch: i32,
    pub assigned: Held,
    /// To be given up.
    pub revoking: Held,
}

/// What the step is computed from besides.
pub struct Step<'a> {
    pub target_epoch: i32,
    pub target: &'a Partitions,
    pub subscribed: &'a BTreeSet<Uuid>,
    pub subscription_changed: bool,
    /// What the member says that it has; `None` if it does not say.
    pub owned: Option<&'a Partitions>,
    /// Whether somebody holds a partition.
    pub is_held: &'a dyn Fn(&Uuid, i32) -> bool,
}

impl Current {
    /// `build`: where the member is now.
    pub fn next(&self, step: &Step) -> Current {
        match self.state {
            MemberState::Stable if self.epoch != step.target_epoch => self.compute_next_assignment(step),
            MemberState::Stable if step.subscription_changed => self.drop_unsubscribed(step),
            MemberState::Stable => self.clone(),
            MemberState::UnrevokedPartitions if step.owns_any(&self.revoking) => match step.subscription_changed {
                true => self.drop_unsubscribed(step),
                false => self.clone(),
            },
            MemberState::UnrevokedPartitions | MemberState::UnreleasedPartitions => self.compute_next_assignment(step),
        }
    }

    /// `computeNextAssignment`.
    fn compute_next_assignment(&self, step: &Step) -> Current {
        let mut unreleased = false;
        let (mut kept, mut revoked, mut added) = (Held::new(), Held::new(), Held::new());
        let nothing = BTreeSet::new();
        let topics: BTreeSet<&Uuid> = step.target.keys().chain(self.assigned.keys()).collect();
        for topic in topics {
            let target = step.target.get(topic).filter(|_| step.subscribed.contains(topic)).unwrap_or(&nothing);
            for (&partition, &epoch) in self.assigned.get(topic).into_iter().flatten() {
                let to = if target.contains(&partition) { &mut kept } else { &mut revoked };
                to.entry(*topic).or_default().insert(partition, epoch);
            }
            for &partition in target {
                if self.assigned.get(topic).is_some_and(|assigned| assigned.contains_key(&partition)) {
                    continue;
                }
                // What the member itself has just given up is free for it.
                let gave_up = self.revoking.get(topic).is_some_and(|revoking| revoking.contains_key(&partition));
                if !gave_up && (step.is_held)(topic, partition) {
                    unreleased = true;
                } else {
                    added.entry(*topic).or_default().insert(partition, step.target_epoch);
                }
            }
        }
        if !revoked.is_empty() && step.owns_any(&revoked) {
            return Current { state: MemberState::UnrevokedPartitions, assigned: kept, revoking: revoked, ..self.in_epoch(self.epoch) };
        }
        for (topic, partitions) in added {
            kept.entry(topic).or_default().extend(partitions);
        }
        let state = if unreleased { MemberState::UnreleasedPartitions } else { MemberState::Stable };
        Current { state, assigned: kept, revoking: Held::new(), ..self.in_epoch(step.target_epoch) }
    }

    /// `updateCurrentAssignment`: topics that are no longer wanted go at once, whatever the target.
    fn drop_unsubscribed(&self, step: &Step) -> Current {
        let (assigned, dropped): (Held, Held) = self.assigned.clone().into_iter().partition(|(topic, _)| step.subscribed.contains(topic));
        if dropped.is_empty() {
            return self.clone();
        }
        let mut revoking: BTreeMap<_, _> = self.revoking.clone();
        for (topic, partitions) in dropped {
            revoking.entry(topic).or_default().extend(partitions);
        }
        if step.owns_any(&revoking) {
            return Current { state: MemberState::UnrevokedPartitions, assigned, revoking, ..self.in_epoch(self.epoch) };
        }
        Current { assigned, ..self.clone() }
    }

    /// `updateMemberEpoch`.
    pub fn in_epoch(&self, epoch: i32) -> Current {
        Current { epoch, previous_epoch: self.epoch, ..self.clone() }
    }
}

impl Step<'_> {
    /// `ownsRevokedPartitions`: a member that does not say what it has may have anything.
    fn owns_any(&self, revoked: &Held) -> bool {
        let Some(owned) = self.owned else { return true };
        owned.iter().any(|(topic, partitions)| {
            revoked.get(topic).is_some_and(|revoked| partitions.iter().any(|partition| revoked.contains_key(partition)))
        })
    }
}
