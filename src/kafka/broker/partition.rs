//! One partition on this broker, as its leader or a follower (`kafka.cluster.Partition`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use kafka_protocol::ResponseError;
use uuid::Uuid;

use crate::kafka::log::partition_log::{Appended, PartitionLog};
use crate::kafka::log::producer_state::Origin;
use crate::kafka::log::validator::Refused;
use crate::kafka::metadata::image::PartitionRegistration;
use crate::kafka::names::TopicPartition;
use crate::kafka::records::batch::Batch;
use crate::kafka::rules::Rule;
use crate::sim::process::Store;
use crate::sim::time::{Duration, Time};

/// A partition that has a replica here.
#[derive(Clone, Debug)]
pub struct Partition {
    pub name: TopicPartition,
    pub topic_id: Uuid,
    pub log: PartitionLog,
    /// As this replica knows it; a follower learns it from its fetches.
    pub high_watermark: i64,
    /// As the controller decided last.
    pub registration: Arc<PartitionRegistration>,
    /// While this broker leads.
    pub leading: Option<Leading>,
    /// Fetches that wait for something new here, by number.
    pub waiting_fetches: BTreeSet<u64>,
    /// Produce requests that wait for the high watermark: (the offset it must reach, number).
    pub waiting_produces: VecDeque<(i64, u64)>,
}

/// What only a leader keeps.
#[derive(Clone, Debug)]
pub struct Leading {
    pub epoch: i32,
    /// Where this leadership began; who has less is not in sync.
    pub epoch_start: i64,
    pub followers: BTreeMap<i32, Follower>,
    /// The ISR that the controller was asked for and has not confirmed.
    pub proposed_isr: Option<Vec<i32>>,
}

/// A follower as its leader sees it (`ReplicaState`).
#[derive(Clone, Copy, Debug)]
pub struct Follower {
    /// -1 until it fetches.
    pub log_end: i64,
    /// -1 until it fetches.
    pub log_start: i64,
    pub last_fetch: Time,
    /// The leader's log end at that fetch.
    pub leader_end_at_last_fetch: i64,
    /// The latest time at which it had everything.
    pub last_caught_up: Time,
    pub broker_epoch: i64,
    /// Its fetches are of this partition, too: it has not been taken out of their session.
    pub fetches: bool,
}

impl Partition {
    /// Whether a rule holds: all do, outside tests.
    pub fn holds(&self, rule: Rule) -> bool {
        self.log.config().rules.holds(rule)
    }

    pub fn is_leader(&self) -> bool {
        self.leading.is_some()
    }

    pub fn isr(&self) -> &[i32] {
        &self.registration.isr
    }

    /// `checkEnoughReplicasReachOffset`: whether what has been committed was so by fewer replicas than min.insync.replicas asks for.
    pub fn has_too_few_acks(&self) -> bool {
        self.maximal_isr().count() < self.effective_min_isr()
    }

    /// The ISR and those that are being added: the high watermark waits for all of them (KIP-497).
    pub fn maximal_isr(&self) -> impl Iterator<Item = i32> + '_ {
        let proposed = self.leading.as_ref().and_then(|leading| leading.proposed_isr.as_deref()).unwrap_or(&[]);
        let extra = proposed.iter().copied().filter(|replica| !self.registration.isr.contains(replica));
        self.registration.isr.iter().copied().chain(extra)
    }

    /// effectiveMinIsr: min.insync.replicas, but no more than there are replicas.
    pub fn effective_min_isr(&self) -> usize {
        if !self.holds(Rule::MinIsr) {
            return 1;
        }
        (self.log.config().min_insync_replicas.max(1) as usize).min(self.registration.replicas.len().max(1))
    }

    pub fn is_under_min_isr(&self) -> bool {
        self.registration.isr.len() < self.effective_min_isr()
    }

    /// makeLeader. Returns whether the leadership is new (not merely another ISR or epoch of the partition).
    pub fn make_leader(&mut self, me: i32, registration: Arc<PartitionRegistration>, now: Time, store: &mut Store) -> bool {
        // An answer to AlterPartition may have said more already than these metadata do.
        if self.leading.is_some() && registration.partition_epoch < self.registration.partition_epoch {
            return false;
        }
        let new = self.leading.as_ref().is_none_or(|leading| leading.epoch != registration.leader_epoch);
        let epoch_start = match &self.leading {
            Some(leading) if !new => leading.epoch_start,
            _ => {
                self.log.begin_epoch(registration.leader_epoch, store);
                self.log.log_end_offset()
            }
        };
        let kept = self.leading.take().filter(|_| !new).map(|leading| leading.followers).unwrap_or_default();
        let fresh = |replica: i32| Follower {
            log_end: -1,
            log_start: -1,
            last_fetch: Time::ZERO,
            leader_end_at_last_fetch: 0,
            // Who is in the ISR has until replica.lag.time.max.ms to show it.
            last_caught_up: if registration.isr.contains(&replica) { now } else { Time::ZERO },
            broker_epoch: -1,
            fetches: false,
        };
        let others = registration.replicas.iter().copied().filter(|&replica| replica != me);
        let followers = others.map(|replica| (replica, kept.get(&replica).copied().unwrap_or_else(|| fresh(replica)))).collect();
        self.leading = Some(Leading { epoch: registration.leader_epoch, epoch_start, followers, proposed_isr: None });
        self.registration = registration;
        new
    }

    /// makeFollower. Returns whether the leader or its epoch is another than before.
    pub fn make_follower(&mut self, registration: Arc<PartitionRegistration>) -> bool {
        let new = self.leading.is_some()
            || self.registration.leader_epoch != registration.leader_epoch
            || self.registration.leader != registration.leader;
        self.leading = None;
        self.registration = registration;
        new
    }

    /// appendRecordsToLeader. `required_acks`: -1 = all.
    ///
    /// # Errors
    /// NotLeaderOrFollower; NotEnoughReplicas, where nothing was written; the log's errors.
    pub fn append_to_leader(
        &mut self,
        batch: Batch,
        required_acks: i16,
        origin: Origin,
        last_fetches: &BTreeMap<i32, Time>,
        store: &mut Store,
    ) -> Result<Appended, Refused> {
        let min_isr = self.effective_min_isr();
        let Some(leading) = &mut self.leading else { return Err(ResponseError::NotLeaderOrFollower.into()) };
        if required_acks == -1 && self.registration.isr.len() < min_isr {
            return Err(ResponseError::NotEnoughReplicas.into());
        }
        let end = self.log.log_end_offset();
        let appended = self.log.append(batch, leading.epoch, origin, store)?;
        // Until this moment, who had everything was caught up as of its last fetch, also if that fetch told nothing new.
        for (replica, follower) in &mut leading.followers {
            if follower.log_end == end {
                let last = last_fetches.get(replica).copied().unwrap_or(follower.last_fetch);
                follower.last_caught_up = follower.last_caught_up.max(last);
            }
        }
        Ok(appended)
    }

    /// Where this log's history parted from one that goes up to `fetch_offset` and ends with that epoch (KIP-595, KIP-320): the last epoch in
    /// common, and where it ends here.
    pub fn diverging_epoch(&self, last_fetched_epoch: i32, fetch_offset: i64) -> Option<(i32, i64)> {
        if last_fetched_epoch < 0 {
            return None;
        }
        let (epoch, end_offset) = self.log.epochs().end_offset_for(last_fetched_epoch, self.log.log_end_offset());
        (epoch < last_fetched_epoch || end_offset < fetch_offset).then_some((epoch, end_offset))
    }

    /// updateFollowerFetchState: a follower's fetch says how far it has got.
    pub fn update_follower(&mut self, replica: i32, fetch_offset: i64, log_start: i64, broker_epoch: i64, now: Time) {
        let end = self.log.log_end_offset();
        let Some(follower) = self.leading.as_mut().and_then(|leading| leading.followers.get_mut(&replica)) else { return };
        // ReplicaState.updateFetchState: caught up now, or as of the fetch before.
        if fetch_offset >= end {
            follower.last_caught_up = follower.last_caught_up.max(now);
        } else if fetch_offset >= follower.leader_end_at_last_fetch {
            follower.last_caught_up = follower.last_caught_up.max(follower.last_fetch);
        }
        follower.log_end = fetch_offset;
        follower.log_start = log_start;
        follower.last_fetch = now;
        follower.leader_end_at_last_fetch = end;
        follower.broker_epoch = broker_epoch;
        follower.fetches = true;
    }

    /// maybeIncrementLeaderHW: the smallest log end of all that count. Below min ISR it stands still. Returns the new one if it moved.
    /// `is_eligible`: whether a broker that fetched in this broker epoch could be in the ISR (isReplicaIsrEligible): a fenced one, or one that
    /// has started anew since, is not waited for.
    pub fn maybe_increment_high_watermark(
        &mut self,
        me: i32,
        now: Time,
        lag_max: Duration,
        is_eligible: impl Fn(i32, i64) -> bool,
    ) -> Option<i64> {
        let leading = self.leading.as_ref()?;
        if self.is_under_min_isr() {
            return None;
        }
        let mut high_watermark = self.log.log_end_offset();
        for (replica, follower) in &leading.followers {
            let counts = self.maximal_isr().any(|member| member == *replica);
            let about_to_join = || {
                follower.log_end >= leading.epoch_start.max(0)
                    && now.since(follower.last_caught_up) <= lag_max
                    && is_eligible(*replica, follower.broker_epoch)
            };
            if *replica != me && (counts || about_to_join()) {
                high_watermark = high_watermark.min(follower.log_end.max(0));
            }
        }
        (high_watermark > self.high_watermark).then(|| {
            self.high_watermark = high_watermark;
            self.log.high_watermark_moved(high_watermark);
            high_watermark
        })
    }

    /// lowWatermarkIfLeader: what is before it is gone here and on every follower that is alive. `None` if another leads.
    pub fn low_watermark(&self, is_alive: impl Fn(i32) -> bool) -> Option<i64> {
        let followers = self.leading.as_ref()?.followers.iter().filter(|(replica, _)| is_alive(**replica));
        Some(followers.map(|(_, follower)| follower.log_start).fold(self.log.log_start_offset(), i64::min))
    }

    /// maybeExpandIsr: whether this follower should be in the ISR and is not.
    pub fn should_expand_isr(&self, replica: i32) -> bool {
        let Some(leading) = &self.leading else { return false };
        let Some(follower) = leading.followers.get(&replica) else { return false };
        leading.proposed_isr.is_none()
            && !self.registration.isr.contains(&replica)
            && follower.fetches
            && (follower.log_end >= self.high_watermark && follower.log_end >= leading.epoch_start || !self.holds(Rule::CaughtUp))
    }

    /// getOutOfSyncReplicas: members of the ISR that have not had everything for longer than replica.lag.time.max.ms.
    pub fn out_of_sync_replicas(&self, me: i32, now: Time, lag_max: Duration) -> Vec<i32> {
        let Some(leading) = &self.leading else { return Vec::new() };
        if leading.proposed_isr.is_some() {
            return Vec::new();
        }
        let end = self.log.log_end_offset();
        let behind = |replica: &i32| {
            let follower = leading.followers.get(replica);
            *replica != me && follower.is_none_or(|follower| follower.log_end != end && now.since(follower.last_caught_up) > lag_max)
        };
        self.registration.isr.iter().copied().filter(behind).collect()
    }

    /// A follower's high watermark: what its leader said, as far as it has it. Returns whether it is another one now.
    pub fn follow_high_watermark(&mut self, leaders: i64) -> bool {
        let before = self.high_watermark;
        self.high_watermark = leaders.clamp(self.log.log_start_offset(), self.log.log_end_offset());
        self.log.high_watermark_moved(self.high_watermark);
        self.high_watermark != before
    }
}
