//! Throttled replication (`ReplicationQuotaManager`, KIP-73): replicas that a topic's configuration names share one rate of bytes, as long as
//! they are not in sync. A broker has one such rate for what it sends as a leader, and one for what it takes as a follower.
//!
//! Kafka lets a fetch go through while the rate is not exceeded, however much it then carries, and nothing until the rate, measured over
//! the last seconds, has fallen below its limit again: so a slow rate shows as bursts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::process::Broker;
use crate::kafka::metadata::image::Image;
use crate::kafka::metadata::record::{BROKER_RESOURCE, TOPIC_RESOURCE};
use crate::kafka::names::{Name, TopicPartition};
use crate::sim::time::{Duration, Time};

/// replication.quota.window.num and replication.quota.window.size.seconds, at their defaults.
const SAMPLES: u64 = 11;
const WINDOW: Duration = Duration::secs(1);

/// The quotas of a broker.
#[derive(Clone, Debug, Default)]
pub struct Throttles {
    pub leader: ReplicationQuota,
    pub follower: ReplicationQuota,
    /// Of replicas that move between directories, all of them.
    pub alter_log_dirs: ReplicationQuota,
}

/// A rate, whom it holds for, and what went through lately.
#[derive(Clone, Debug, Default)]
pub struct ReplicationQuota {
    /// Bytes a second; `None`: no limit.
    rate: Option<u64>,
    replicas: BTreeMap<Name, Throttled>,
    /// At most [`SAMPLES`] + 1.
    samples: VecDeque<Sample>,
}

/// Which of a topic's replicas on this broker are throttled.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Throttled {
    All,
    Partitions(BTreeSet<i32>),
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    start: Time,
    last: Time,
    bytes: u64,
}

impl ReplicationQuota {
    pub fn is_throttled(&self, name: &TopicPartition) -> bool {
        match self.replicas.get(&name.topic) {
            None => false,
            Some(Throttled::All) => true,
            Some(Throttled::Partitions(partitions)) => partitions.contains(&name.partition),
        }
    }

    /// Whether more went through than the rate allows (`SimpleRate`: at least over one window).
    pub fn is_exceeded(&self, now: Time) -> bool {
        let Some(rate) = self.rate else { return false };
        let live = || self.samples.iter().filter(|sample| now.since(sample.last).0 < SAMPLES * WINDOW.0);
        let Some(oldest) = live().map(|sample| sample.start).min() else { return false };
        let elapsed = now.since(oldest).0.max(WINDOW.0);
        let bytes: u64 = live().map(|sample| sample.bytes).sum();
        u128::from(bytes) * 1_000_000 > u128::from(rate) * u128::from(elapsed)
    }

    /// Bytes that went through.
    pub fn record(&mut self, now: Time, bytes: u64) {
        self.samples.retain(|sample| now.since(sample.last).0 < SAMPLES * WINDOW.0);
        match self.samples.back_mut().filter(|sample| now.since(sample.start) < WINDOW) {
            Some(sample) => (sample.last, sample.bytes) = (now, sample.bytes + bytes),
            None => self.samples.push_back(Sample { start: now, last: now, bytes }),
        }
        while self.samples.len() as u64 > SAMPLES + 1 {
            self.samples.pop_front();
        }
    }

    fn configure(&mut self, image: &Image, broker: i32, rate: &str, replicas: &str) {
        self.rate = rate_of(image, broker, rate);
        self.replicas.clear();
        for topic in image.topics.keys() {
            let configs = image.configs(TOPIC_RESOURCE, topic);
            if let Some(throttled) = configs.get(replicas).and_then(|list| throttled(list, broker)) {
                self.replicas.insert(topic.clone(), throttled);
            }
        }
    }
}

/// A rate in bytes a second that is set for a broker, or for all.
fn rate_of(image: &Image, broker: i32, rate: &str) -> Option<u64> {
    let (own, cluster) = (image.configs(BROKER_RESOURCE, &broker.to_string()), image.configs(BROKER_RESOURCE, ""));
    own.get(rate).or_else(|| cluster.get(rate)).and_then(|rate| rate.trim().parse().ok())
}

/// `ReplicationQuotaManager`'s reading of `0:1,0:2,1:1` (partition:broker) or `*`.
fn throttled(list: &str, broker: i32) -> Option<Throttled> {
    if list.trim() == "*" {
        return Some(Throttled::All);
    }
    let partition = |entry: &str| {
        let (partition, of) = entry.trim().split_once(':')?;
        (of.parse::<i32>().ok()? == broker).then(|| partition.parse().ok())?
    };
    let partitions: BTreeSet<i32> = list.split(',').filter_map(partition).collect();
    (!partitions.is_empty()).then_some(Throttled::Partitions(partitions))
}

impl Broker {
    /// The configuration may have changed.
    pub(super) fn configure_throttles(&mut self) {
        let me = self.spec.id.0;
        let Throttles { leader, follower, alter_log_dirs } = &mut self.throttles;
        alter_log_dirs.rate = rate_of(&self.image, me, "replica.alter.log.dirs.io.max.bytes.per.second");
        leader.configure(&self.image, me, "leader.replication.throttled.rate", "leader.replication.throttled.replicas");
        follower.configure(&self.image, me, "follower.replication.throttled.rate", "follower.replication.throttled.replicas");
    }

    /// `ReplicaManager.shouldLeaderThrottle`: this follower gets nothing of this partition for now.
    pub(super) fn throttles_leader(&self, now: Time, name: &TopicPartition, replica: i32, isr: &[i32]) -> bool {
        let quota = &self.throttles.leader;
        quota.is_throttled(name) && !isr.contains(&replica) && quota.is_exceeded(now)
    }

    /// `ReplicaFetcherThread.shouldFollowerThrottle`: this partition is not asked for for now.
    pub(super) fn throttles_follower(&self, now: Time, name: &TopicPartition) -> bool {
        let quota = &self.throttles.follower;
        let in_sync = || self.replicas.get(name).is_some_and(|partition| partition.isr().contains(&self.spec.id.0));
        quota.is_throttled(name) && !in_sync() && quota.is_exceeded(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_paid_for() {
        let mut quota = ReplicationQuota { rate: Some(1_000), ..ReplicationQuota::default() };
        let at = |ms: u64| Time::ZERO + Duration::ms(ms);
        assert!(!quota.is_exceeded(at(0)));
        quota.record(at(0), 1_000);
        assert!(!quota.is_exceeded(at(0)), "exactly the rate of one window");
        quota.record(at(10), 4_000);
        assert!(quota.is_exceeded(at(4_900)));
        assert!(!quota.is_exceeded(at(5_000)), "5000 bytes in 5 s");
        quota.record(at(5_000), 1_000_000);
        assert!(quota.is_exceeded(at(15_900)));
        assert!(!quota.is_exceeded(at(16_000)), "after 11 s nothing is remembered");
    }

    #[test]
    fn whom_it_holds_for() {
        assert_eq!(throttled("0:1,0:2,1:1", 1), Some(Throttled::Partitions(BTreeSet::from([0, 1]))));
        assert_eq!(throttled("0:1", 2), None);
        assert_eq!(throttled("*", 2), Some(Throttled::All));
        assert_eq!(throttled("", 2), None);
    }
}
