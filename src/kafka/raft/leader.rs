//! What a leader knows of the others (`LeaderState`): how far each has got, what a majority has, and whether a majority is still there.

use std::collections::{BTreeMap, BTreeSet};

use super::node::Raft;
use super::reconfigure::VoterChange;
use super::role::Role;
use super::voters::VoterSet;
use super::{ReplicaKey, Timeouts};
use crate::kafka::actor::Outbox;
use crate::kafka::event::Event;
use crate::kafka::names::BrokerId;
use crate::sim::time::{Duration, Time};

/// `LeaderState.OBSERVER_SESSION_TIMEOUT_MS`: who has not fetched for so long is no observer any more.
const OBSERVER_SESSION_TIMEOUT: Duration = Duration::secs(300);

/// A leader's own state.
#[derive(Clone, Debug)]
pub struct Leader {
    /// Where its epoch begins.
    pub epoch_start: i64,
    /// What a majority has; unknown until a record of its own epoch is among that.
    pub high_watermark: Option<i64>,
    /// Everybody who has fetched in this epoch, voters and observers.
    pub progress: BTreeMap<ReplicaKey, Progress>,
    /// Voters that have fetched since the last majority of them had.
    fetched: BTreeSet<BrokerId>,
    /// Without a majority that fetches by then it resigns.
    pub check_quorum_ends: Time,
    check_quorum_timeout: Duration,
    /// When the voters that do not fetch are told again who leads.
    pub begin_epoch_at: Time,
    begin_epoch_interval: Duration,
    /// The voters that were sent BeginQuorumEpoch since then.
    pub told: BTreeSet<BrokerId>,
    /// The change of voters that goes on.
    pub change: Option<VoterChange>,
}

/// How far a replica has got (`LeaderState.ReplicaState`).
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub log_end: i64,
    pub last_fetch: Time,
    pub last_caught_up: Option<Time>,
    /// The leader's log end at the last fetch.
    leader_end: i64,
}

impl Leader {
    pub fn new(now: Time, epoch_start: i64, timeouts: &Timeouts) -> Leader {
        // CHECK_QUORUM_TIMEOUT_FACTOR
        let check_quorum_timeout = Duration(timeouts.fetch.0 * 3 / 2);
        Leader {
            epoch_start,
            high_watermark: None,
            progress: BTreeMap::new(),
            fetched: BTreeSet::new(),
            check_quorum_ends: now + check_quorum_timeout,
            check_quorum_timeout,
            begin_epoch_at: now,
            begin_epoch_interval: Duration(timeouts.fetch.0 / 2),
            told: BTreeSet::new(),
            change: None,
        }
    }

    /// updateReplicaState, updateCheckQuorumForFollowingVoter
    pub fn observe(&mut self, now: Time, key: ReplicaKey, offset: i64, leader_end: i64, voters: &VoterSet, me: ReplicaKey) {
        let fresh = Progress { log_end: offset, last_fetch: now, last_caught_up: None, leader_end: 0 };
        let progress = self.progress.entry(key).or_insert(fresh);
        if offset >= leader_end {
            progress.last_caught_up = Some(now);
        } else if progress.leader_end > 0 && offset >= progress.leader_end {
            progress.last_caught_up = progress.last_caught_up.max(Some(progress.last_fetch));
        }
        *progress = Progress { log_end: offset, last_fetch: now, leader_end, ..*progress };
        if voters.is_voter(key) {
            self.fetched.insert(key.id);
            let others = if voters.is_voter(me) { voters.majority() - 1 } else { voters.majority() };
            if self.fetched.len() as u64 >= others {
                self.fetched.clear();
                self.check_quorum_ends = now + self.check_quorum_timeout;
            }
        }
    }

    /// What a majority of the voters has: the high watermark, if a record of this epoch is below it.
    pub fn majority_offset(&self, voters: &VoterSet, me: ReplicaKey, log_end: i64) -> Option<i64> {
        let end_of = |key: ReplicaKey| if key == me { log_end } else { self.progress.get(&key).map_or(-1, |progress| progress.log_end) };
        let mut ends: Vec<i64> = voters.iter().map(|voter| end_of(voter.key)).collect();
        ends.sort_unstable_by(|a, b| b.cmp(a));
        ends.get(ends.len() / 2).copied().filter(|offset| *offset > self.epoch_start)
    }

    /// nonLeaderVotersByDescendingFetchOffset
    pub fn successors(&self, voters: Option<&VoterSet>, me: ReplicaKey) -> Vec<ReplicaKey> {
        let mut keys: Vec<ReplicaKey> =
            voters.into_iter().flat_map(VoterSet::iter).map(|voter| voter.key).filter(|key| *key != me).collect();
        keys.sort_by_key(|key| -self.progress.get(key).map_or(-1, |progress| progress.log_end));
        keys
    }

    /// Those who fetch and are no voters.
    pub fn observers(&self, now: Time, voters: &VoterSet) -> impl Iterator<Item = (&ReplicaKey, &Progress)> {
        let is_there = move |progress: &Progress| now.since(progress.last_fetch) < OBSERVER_SESSION_TIMEOUT;
        self.progress.iter().filter(move |(key, progress)| !voters.is_voter(**key) && is_there(progress))
    }

    /// Voters that have not fetched lately, and were not told since: the epoch has begun.
    pub fn to_be_told(&self, now: Time, voters: &VoterSet, me: ReplicaKey) -> Vec<ReplicaKey> {
        let silent =
            |key: &ReplicaKey| self.progress.get(key).is_none_or(|progress| now.since(progress.last_fetch) >= self.begin_epoch_interval);
        let others = voters.iter().map(|voter| voter.key).filter(|key| *key != me && !self.told.contains(&key.id));
        others.filter(silent).collect()
    }

    /// The time for telling the epoch has come again.
    pub fn tell_again(&mut self, now: Time) {
        if self.begin_epoch_at <= now {
            self.begin_epoch_at = now + self.begin_epoch_interval;
            self.told.clear();
        }
    }
}

impl Raft {
    /// onUpdateLeaderHighWatermark: what a majority has is committed.
    pub(super) fn advance_high_watermark(&mut self, now: Time, out: &mut Outbox) {
        let (Role::Leader(leader), Some(log), Some(voters)) = (&mut self.role, &self.log, self.voters.last()) else { return };
        let Some(offset) = leader.majority_offset(voters, self.spec.key, log.log_end_offset()) else { return };
        // It may be less after a change of voters; what was committed stays so.
        if leader.high_watermark.is_some_and(|before| offset <= before) {
            return;
        }
        leader.high_watermark = Some(offset);
        if self.high_watermark.is_none_or(|before| offset > before) {
            self.high_watermark = Some(offset);
            out.emit(Event::MetadataCommitted { leader: self.me(), epoch: self.epoch, high_watermark: offset });
        }
        self.voter_change_committed(now, out);
        self.answer_waiting(now, out);
    }

    /// A leader that no majority of the others has fetched from for one and a half fetch timeouts leads no more.
    pub(super) fn check_quorum(&mut self, now: Time, out: &mut Outbox) -> bool {
        let (Role::Leader(leader), Some(voters)) = (&self.role, self.voters.last()) else { return false };
        let alone = voters.is_only(self.spec.key);
        if alone || leader.check_quorum_ends > now {
            return false;
        }
        self.become_resigned(now, out);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key(id: i32) -> ReplicaKey {
        ReplicaKey { id: BrokerId(id), directory: Uuid::from_u128(id as u128) }
    }

    fn timeouts() -> Timeouts {
        Timeouts { election: Duration::secs(1), fetch: Duration::secs(2), request: Duration::secs(2) }
    }

    #[test]
    fn a_majority_decides_and_only_with_a_record_of_the_own_epoch() {
        let voters = VoterSet::of([1, 2, 3].map(key));
        let mut leader = Leader::new(Time::ZERO, 10, &timeouts());
        assert_eq!(leader.majority_offset(&voters, key(1), 12), None);
        leader.observe(Time(1), key(2), 10, 12, &voters, key(1));
        assert_eq!(leader.majority_offset(&voters, key(1), 12), None, "everything of old epochs, but nothing of its own");
        leader.observe(Time(2), key(2), 11, 12, &voters, key(1));
        assert_eq!(leader.majority_offset(&voters, key(1), 12), Some(11));
        let five = VoterSet::of([1, 2, 3, 4, 5].map(key));
        assert_eq!(leader.majority_offset(&five, key(1), 12), None);
        let two = VoterSet::of([1, 2].map(key));
        assert_eq!(leader.majority_offset(&two, key(1), 12), Some(11), "of two both are needed");
    }

    #[test]
    fn check_quorum_wants_a_majority_of_the_others_again_and_again() {
        let voters = VoterSet::of([1, 2, 3, 4, 5].map(key));
        let mut leader = Leader::new(Time::ZERO, 0, &timeouts());
        assert_eq!(leader.check_quorum_ends, Time::from_ms(3_000));
        leader.observe(Time::from_ms(1_000), key(2), 0, 1, &voters, key(1));
        leader.observe(Time::from_ms(1_500), key(2), 0, 1, &voters, key(1));
        leader.observe(Time::from_ms(1_500), key(9), 0, 1, &voters, key(1));
        assert_eq!(leader.check_quorum_ends, Time::from_ms(3_000), "one of four, and an observer, are no majority with the leader");
        leader.observe(Time::from_ms(2_000), key(3), 0, 1, &voters, key(1));
        assert_eq!(leader.check_quorum_ends, Time::from_ms(5_000));
    }

    #[test]
    fn the_furthest_is_the_first_successor() {
        let voters = VoterSet::of([1, 2, 3, 4].map(key));
        let mut leader = Leader::new(Time::ZERO, 0, &timeouts());
        leader.observe(Time(1), key(3), 5, 9, &voters, key(1));
        leader.observe(Time(1), key(4), 9, 9, &voters, key(1));
        assert_eq!(leader.successors(Some(&voters), key(1)), [key(4), key(3), key(2)]);
    }
}
