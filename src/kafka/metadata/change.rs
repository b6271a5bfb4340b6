//! How one partition changes: leader, ISR, ELR, replicas. The rules of `PartitionChangeBuilder` (KIP-966 for the ELR, KIP-455 for
//! reassignments).

use std::cell::Cell;
use std::sync::Arc;

use imbl::OrdMap;
use uuid::Uuid;

use super::image::{NO_LEADER, PartitionRegistration};
use super::reassignment::Reassignment;
use super::record::{BrokerRegistration, PartitionChange};

/// What kind of election may be held if the leader is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Election {
    /// The first replica of the assignment if it may lead, else any that may.
    Preferred,
    /// The present leader if it may lead, else any that may.
    Online,
    /// As `Online`, and in the end any live replica (`unclean.leader.election.enable`).
    Unclean,
}

/// What is known when a partition may have to change.
pub struct ChangeBuilder<'a> {
    pub partition: &'a PartitionRegistration,
    pub topic_id: Uuid,
    pub partition_id: i32,
    /// Whether a broker may lead: registered, not fenced, not shutting down.
    pub acceptable: &'a dyn Fn(i32) -> bool,
    pub min_isr: i32,
    /// eligible.leader.replicas.version is 1.
    pub elr_enabled: bool,
    /// Before metadata.version 3.6 a shrinking ISR raised the leader epoch (`isLeaderEpochBumpRequiredOnIsrShrink`).
    pub bumps_on_shrink: bool,
    pub election: Election,
    pub target_isr: Vec<i32>,
    /// The replicas, with those that are on their way in or out.
    pub target: Reassignment,
    /// Whether the leader has yet to make up for an unclean election (`LeaderRecoveryState`).
    pub target_recovering: bool,
    /// Brokers that came back without a clean shutdown: what they had may be gone.
    pub unclean_shutdown: Vec<i32>,
    /// What is known of their log directories: a new replica begins in its broker's only one (`DefaultDirProvider`), and none leads that lies in
    /// a directory that failed. `None`: nothing.
    pub brokers: Option<&'a OrdMap<i32, Arc<BrokerRegistration>>>,
    /// Only in tests: the rule of clean elections is off.
    #[doc(hidden)]
    pub any_may_lead: bool,
    /// A live candidate that has no replica of the partition yet.
    pub stranger: Cell<Option<i32>>,
}

/// `PartitionRegistration.directory`: an election came upon a live candidate that has no replica of the partition. It is one of its eligible
/// leaders all the same, since a reassignment took it away (recorded: `tests/asked/a-stranger-comes-back.txt`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Replica {0} is not assigned to this partition.")]
pub struct NotAssigned(pub i32);

struct Elected {
    node: i32,
    unclean: bool,
}

impl<'a> ChangeBuilder<'a> {
    /// A partition that is to stay as it is, unless its leader may not lead any more: the fields say what else is wanted.
    pub fn new(partition: &'a PartitionRegistration, acceptable: &'a dyn Fn(i32) -> bool) -> ChangeBuilder<'a> {
        ChangeBuilder {
            partition,
            topic_id: Uuid::nil(),
            partition_id: 0,
            acceptable,
            min_isr: 1,
            elr_enabled: false,
            bumps_on_shrink: false,
            election: Election::Online,
            target_isr: partition.isr.clone(),
            target: Reassignment::of(partition),
            target_recovering: partition.recovering,
            unclean_shutdown: Vec::new(),
            brokers: None,
            any_may_lead: false,
            stranger: Cell::new(None),
        }
    }

    /// The change, if anything changes, where the replicas become others.
    ///
    /// # Errors
    /// If Kafka's election fails upon a candidate that is none of the replicas so far.
    pub fn build_reassignment(self) -> Result<Option<PartitionChange>, NotAssigned> {
        let (change, stranger) = self.built();
        stranger.map_or(Ok(change), |stranger| Err(NotAssigned(stranger)))
    }

    /// The change, if anything changes.
    pub fn build(self) -> Option<PartitionChange> {
        self.built().0
    }

    fn built(mut self) -> (Option<PartitionChange>, Option<i32>) {
        let mut change = PartitionChange { partition_id: self.partition_id, topic_id: self.topic_id, ..PartitionChange::default() };
        if let Some((replicas, isr)) = self.target.completed(&self.target_isr) {
            self.target = Reassignment { replicas, ..Reassignment::default() };
            self.target_isr = isr;
        }
        let mut elr = self.target_elr();
        self.try_election(&mut change, &mut elr);
        self.bump_leader_epoch(&mut change);
        self.set_elr(&mut change, elr);
        if change.isr.is_none() && (!self.target_isr.is_empty() || self.elr_enabled) && self.target_isr != self.partition.isr {
            change.isr = Some(self.target_isr.clone());
        }
        self.set_last_known_leader(&mut change);
        self.set_assignment(&mut change);
        if self.target_recovering != self.partition.recovering {
            change.leader_recovery_state = Some(i8::from(self.target_recovering));
        }
        ((!change.is_empty()).then_some(change), self.stranger.get())
    }

    /// triggerLeaderEpochBumpForReplicaReassignmentIfNeeded: who loses its replica must not go on in this epoch;
    /// triggerLeaderEpochBumpForIsrShrinkIfNeeded.
    fn bump_leader_epoch(&self, change: &mut PartitionChange) {
        let keeps_all = self.partition.replicas.iter().all(|replica| self.target.replicas.contains(replica));
        let shrinks = self.bumps_on_shrink && !self.partition.isr.iter().all(|replica| self.target_isr.contains(replica));
        if change.leader.is_none() && (!keeps_all || shrinks) {
            change.leader = Some(self.partition.leader);
        }
    }

    /// Whether a replica may lead: its broker may, and the directory that it lies in works.
    fn is_acceptable(&self, replica: i32) -> bool {
        let works = |broker: &Arc<BrokerRegistration>| self.partition.directory(replica).is_none_or(|id| broker.has_online_dir(id));
        if !(self.acceptable)(replica) {
            return false;
        }
        if self.brokers.is_some() && !self.partition.replicas.contains(&replica) {
            self.stranger.set(self.stranger.get().or(Some(replica)));
        }
        self.brokers.and_then(|brokers| brokers.get(&replica)).is_none_or(works)
    }

    /// Where each of these replicas lies: as before, or in its broker's only directory.
    fn directories(&self, replicas: &[i32]) -> Vec<Uuid> {
        let only = |replica: &i32| match self.brokers.and_then(|brokers| brokers.get(replica)).map(|broker| &broker.log_dirs[..]) {
            Some([only]) => *only,
            _ => Uuid::nil(),
        };
        replicas.iter().map(|replica| self.partition.directory(*replica).unwrap_or_else(|| only(replica))).collect()
    }

    /// setAssignmentChanges
    fn set_assignment(&self, change: &mut PartitionChange) {
        let Reassignment { replicas, removing, adding } = &self.target;
        if !replicas.is_empty() && *replicas != self.partition.replicas {
            change.replicas = Some(replicas.clone());
            let directories = self.directories(replicas);
            if self.brokers.is_some() && directories != self.partition.directories {
                change.directories = Some(directories);
            }
        }
        if *removing != self.partition.removing {
            change.removing = Some(removing.clone());
        }
        if *adding != self.partition.adding {
            change.adding = Some(adding.clone());
        }
    }

    /// maybePopulateTargetElr: who left the ISR while it is below min ISR, and is not known to have lost anything.
    fn target_elr(&self) -> Vec<i32> {
        if !self.elr_enabled {
            return self.partition.elr.clone();
        }
        if self.target_isr.len() as i32 >= self.min_isr {
            return Vec::new();
        }
        let mut elr: Vec<i32> = self.partition.elr.iter().chain(&self.partition.isr).copied().collect();
        elr.sort_unstable();
        elr.dedup();
        elr.retain(|replica| !self.target_isr.contains(replica) && !self.unclean_shutdown.contains(replica));
        elr
    }

    fn try_election(&mut self, change: &mut PartitionChange, elr: &mut Vec<i32>) {
        let elected = self.elect(elr);
        if elected.node == self.partition.leader {
            return;
        }
        change.leader = Some(elected.node);
        if elr.contains(&elected.node) {
            self.target_isr = vec![elected.node];
            elr.retain(|&replica| replica != elected.node);
        }
        if elected.unclean {
            change.isr = Some(vec![elected.node]);
            if !self.partition.recovering {
                change.leader_recovery_state = Some(1);
            }
        }
    }

    /// electPreferredLeader, electAnyLeader.
    fn elect(&self, elr: &[i32]) -> Elected {
        let clean = |node| Elected { node, unclean: false };
        let replicas = &self.target.replicas;
        let valid = |replica: &i32| self.is_valid_new_leader(*replica, elr);
        if self.election == Election::Preferred
            && let Some(preferred) = replicas.first().filter(|replica| valid(replica))
        {
            return clean(*preferred);
        }
        if valid(&self.partition.leader) {
            return clean(self.partition.leader);
        }
        if let Some(&replica) = replicas.iter().find(|replica| valid(replica)) {
            return clean(replica);
        }
        if let Some(node) = self.last_known_leader(elr) {
            return Elected { node, unclean: true };
        }
        if self.election == Election::Unclean
            && let Some(&node) = replicas.iter().find(|&&replica| self.is_acceptable(replica))
        {
            return Elected { node, unclean: true };
        }
        clean(NO_LEADER)
    }

    fn is_valid_new_leader(&self, replica: i32, elr: &[i32]) -> bool {
        let eligible = self.target_isr.contains(&replica) || (self.target_isr.is_empty() && elr.contains(&replica)) || self.any_may_lead;
        eligible && self.is_acceptable(replica)
    }

    /// canElectLastKnownLeader: nobody else could have more.
    fn last_known_leader(&self, elr: &[i32]) -> Option<i32> {
        let [last] = self.partition.last_known_elr[..] else { return None };
        (self.elr_enabled && elr.is_empty() && self.target_isr.is_empty() && self.is_acceptable(last)).then_some(last)
    }

    /// maybeUpdateRecordElr: an unclean election, or a cluster without ELR, leaves none.
    fn set_elr(&self, change: &mut PartitionChange, elr: Vec<i32>) {
        let elr = if change.isr.is_some() || !self.elr_enabled { Vec::new() } else { elr };
        if elr != self.partition.elr {
            change.elr = Some(elr);
        }
    }

    /// maybeUpdateLastKnownLeader: remember who led last when nobody does, and no longer once somebody leads again. A change of a partition that
    /// had no leader before (its replicas move, which raises the epoch) leaves what is remembered alone.
    fn set_last_known_leader(&self, change: &mut PartitionChange) {
        if !self.elr_enabled {
            return;
        }
        match change.leader {
            Some(NO_LEADER) if self.partition.last_known_elr.is_empty() => change.last_known_elr = Some(vec![self.partition.leader]),
            Some(0..) if !self.partition.last_known_elr.is_empty() => change.last_known_elr = Some(Vec::new()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who led last may lead again when it comes back: a move of the replicas meanwhile, which raises the leader epoch, must not forget it.
    #[test]
    fn moving_what_nobody_leads_remembers_who_led_last() {
        let partition = PartitionRegistration { replicas: vec![1, 2], leader: NO_LEADER, last_known_elr: vec![2], ..Default::default() };
        let nobody = |_: i32| false;
        let target = Reassignment::between(&[1, 2], &[2, 3]);
        let builder = ChangeBuilder { elr_enabled: true, min_isr: 1, target, ..ChangeBuilder::new(&partition, &nobody) };
        let moved = partition.merge(&builder.build().unwrap());
        assert_eq!((moved.leader, moved.last_known_elr), (NO_LEADER, vec![2]));
        // Called off: a replica goes at once, and the epoch rises although nobody leads.
        let target = Reassignment { replicas: vec![2], ..Reassignment::default() };
        let builder = ChangeBuilder { elr_enabled: true, min_isr: 1, target, ..ChangeBuilder::new(&partition, &nobody) };
        let moved = partition.merge(&builder.build().unwrap());
        assert_eq!((moved.leader, moved.last_known_elr), (NO_LEADER, vec![2]));
    }
}
