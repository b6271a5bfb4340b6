//! Following leaders (`ReplicaFetcherThread`): one fetch at a time from each, for all partitions that it leads and this broker replicates.

use std::collections::{BTreeMap, BTreeSet};

use imbl::OrdSet;
use kafka_protocol::messages::fetch_request::ReplicaState;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{BrokerId as WireBrokerId, FetchRequest, ListOffsetsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::process::Broker;
use crate::kafka::actor::Outbox;
use crate::kafka::client::fetch_session::{FetchSessionHandler, Place, SessionKey};
use crate::kafka::client::network::{Answer, Failed};
use crate::kafka::names::{BrokerId, TopicPartition};
use crate::kafka::protocol::api::Response;
use crate::kafka::rules::Rule;
use crate::sim::time::{Duration, Time};

/// What is fetched from one leader.
#[derive(Clone, Debug, Default)]
pub struct Fetcher {
    pub(super) session: FetchSessionHandler,
    pub(super) partitions: OrdSet<TopicPartition>,
    /// Of these, those that are left alone for now: after an error, or throttled.
    delayed: Delayed,
    /// What the leader's session may not know yet.
    pub(super) changed: BTreeSet<TopicPartition>,
    forgotten: BTreeSet<SessionKey>,
    in_flight: bool,
    retry_at: Option<Time>,
    /// Where this log and the leader's have no offset in common: what the leader is asked for ([`LATEST`] first).
    pub(super) lookups: BTreeMap<TopicPartition, i64>,
    /// What cannot be appended here; tried again when there is another leader, or the same one in another epoch.
    failed: BTreeSet<TopicPartition>,
}

/// `ListOffsetsRequest.LATEST_TIMESTAMP`, `EARLIEST_TIMESTAMP`
pub(super) const LATEST: i64 = -1;
pub(super) const EARLIEST: i64 = -2;

/// Partitions that are left alone until then. Mostly there are none.
#[derive(Clone, Debug, Default)]
struct Delayed {
    until: BTreeMap<TopicPartition, Time>,
    by_time: BTreeSet<(Time, TopicPartition)>,
}

impl Delayed {
    fn insert(&mut self, name: TopicPartition, until: Time) {
        self.remove(&name);
        self.until.insert(name.clone(), until);
        self.by_time.insert((until, name));
    }

    fn remove(&mut self, name: &TopicPartition) {
        if let Some((name, until)) = self.until.remove_entry(name) {
            self.by_time.remove(&(until, name));
        }
    }

    /// Takes one out whose time has come.
    fn pop(&mut self, now: Time) -> Option<TopicPartition> {
        let (_, name) = self.by_time.first().filter(|(until, _)| *until <= now).cloned()?;
        self.remove(&name);
        Some(name)
    }
}

impl Fetcher {
    /// `delayPartitions`: left alone until then, and out of the leader's session, which would only name the same error again and again.
    pub(super) fn delay(&mut self, name: &TopicPartition, topic_id: Uuid, until: Time) {
        if self.partitions.contains(name) {
            self.delayed.insert(name.clone(), until);
            self.changed.remove(name);
            self.forgotten.insert((topic_id, name.partition));
        }
    }

    /// Fetched from the next request on.
    pub(super) fn resume(&mut self, name: &TopicPartition, topic_id: Uuid) {
        if self.partitions.contains(name) {
            self.delayed.remove(name);
            self.changed.insert(name.clone());
            self.forgotten.remove(&(topic_id, name.partition));
        }
    }

    /// `markPartitionFailed`
    pub(super) fn mark_failed(&mut self, name: &TopicPartition, topic_id: Uuid) {
        self.remove(name, topic_id);
        self.failed.insert(name.clone());
    }

    fn remove(&mut self, name: &TopicPartition, topic_id: Uuid) {
        self.failed.remove(name);
        if self.partitions.remove(name).is_some() {
            self.delayed.remove(name);
            self.changed.remove(name);
            self.lookups.remove(name);
            self.forgotten.insert((topic_id, name.partition));
        }
    }

    fn next_wake(&self) -> Option<Time> {
        if self.in_flight {
            return None;
        }
        let delayed = self.delayed.by_time.first().map(|(until, _)| *until);
        self.retry_at.into_iter().chain(delayed).min()
    }
}

impl Broker {
    /// From now on this partition is fetched from `leader`; `None`: from nobody.
    pub(super) fn follow(&mut self, name: &TopicPartition, topic_id: Uuid, leader: Option<i32>) {
        for (id, fetcher) in &mut self.fetchers {
            if Some(id.0) != leader {
                fetcher.remove(name, topic_id);
            }
        }
        if let Some(leader) = leader.filter(|&leader| leader != self.spec.id.0) {
            let fetcher = self.fetchers.entry(BrokerId(leader)).or_default();
            fetcher.failed.remove(name);
            fetcher.partitions.insert(name.clone());
            fetcher.resume(name, topic_id);
        }
    }

    /// Whether this partition is already fetched from that leader, or was given up.
    pub(super) fn is_followed(&self, name: &TopicPartition, leader: Option<i32>) -> bool {
        let follows = |fetcher: &Fetcher| fetcher.partitions.contains(name) || fetcher.failed.contains(name);
        leader.is_none_or(|leader| self.fetchers.get(&BrokerId(leader)).is_some_and(follows))
    }

    /// `FailedPartitions`: whether this follower gave a partition up.
    pub fn has_failed(&self, name: &TopicPartition) -> bool {
        self.fetchers.values().any(|fetcher| fetcher.failed.contains(name))
    }

    /// Fetchers of leaders that lead nothing of interest any more, or that the controller no longer counts on, are given up.
    pub(super) fn shed_fetchers(&mut self) {
        self.fetchers.retain(|_, fetcher| !fetcher.partitions.is_empty() || !fetcher.failed.is_empty() || fetcher.in_flight);
    }

    /// Sends the fetches that are due.
    pub(super) fn send_fetches(&mut self, now: Time, out: &mut Outbox) {
        let leaders: Vec<BrokerId> = self.fetchers.keys().copied().collect();
        for leader in leaders {
            self.send_fetch(now, leader, out);
        }
    }

    pub(super) fn fetchers_wake(&self) -> Option<Time> {
        self.fetchers.values().filter_map(Fetcher::next_wake).min()
    }

    /// An answer to a fetch, or none.
    pub(super) fn fetched(&mut self, now: Time, leader: BrokerId, result: Result<Answer, Failed>, out: &mut Outbox) {
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return };
        fetcher.in_flight = false;
        match result {
            Ok(Answer { response: Response::Fetch(response), batches, .. }) => {
                // Where what it says of the session does not fit, the next fetch begins anew, at once.
                let fits = fetcher.session.handle_response(&response);
                if fits {
                    fetcher.retry_at = None;
                    self.process_fetched(now, leader, response, batches, out);
                }
            }
            Ok(Answer { response: Response::ListOffsets(response), .. }) => self.process_looked_up(now, leader, response, out),
            _ => {
                fetcher.session.handle_error();
                fetcher.retry_at = Some(now + Duration::ms(self.settings.replica_fetch_backoff_ms));
            }
        }
        self.send_fetch(now, leader, out);
    }

    fn send_fetch(&mut self, now: Time, leader: BrokerId, out: &mut Outbox) {
        let Some(broker) = self.image.brokers.get(&leader.0) else { return };
        let Some(address) = self.listeners.address_among_brokers(broker) else { return };
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return };
        if fetcher.in_flight || fetcher.retry_at.is_some_and(|at| at > now) {
            return;
        }
        fetcher.retry_at = None;
        while let Some(name) = fetcher.delayed.pop(now) {
            if let Some(partition) = self.replicas.get(&name) {
                fetcher.resume(&name, partition.topic_id);
            }
        }
        self.leave_throttled_out(now, leader);
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return };
        // With nothing to ask for, the leader is still told what to forget.
        let knows_nothing = fetcher.session.is_full() || fetcher.session.is_empty();
        if fetcher.delayed.until.len() == fetcher.partitions.len() && fetcher.lookups.is_empty() && knows_nothing {
            return;
        }
        self.replica_net.set_node(leader, address);
        if !self.replica_net.ready(now, leader, out) {
            return;
        }
        let sent = match self.lookup_request(leader) {
            Some(request) => self.replica_net.send(now, leader, request, Vec::new(), leader, out).is_ok(),
            None => {
                let request = self.fetch_request(leader);
                self.replica_net.send(now, leader, request, Vec::new(), leader, out).is_ok()
            }
        };
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return };
        fetcher.in_flight = sent;
        if !sent {
            fetcher.session.handle_error();
        }
    }

    /// `RemoteLeaderEndPoint.fetchOffset`, if there is something to ask for.
    fn lookup_request(&self, leader: BrokerId) -> Option<ListOffsetsRequest> {
        let lookups = &self.fetchers.get(&leader)?.lookups;
        let topics = lookups.iter().filter_map(|(name, timestamp)| {
            let epoch = self.replicas.get(name)?.registration.leader_epoch;
            let asked = ListOffsetsPartition::default().with_partition_index(name.partition).with_timestamp(*timestamp);
            let topic = TopicName(StrBytes::from_string(name.topic.to_string()));
            Some(ListOffsetsTopic::default().with_name(topic).with_partitions(vec![asked.with_current_leader_epoch(epoch)]))
        });
        let request = ListOffsetsRequest::default().with_replica_id(WireBrokerId(self.spec.id.0)).with_topics(topics.collect());
        (!request.topics.is_empty()).then_some(request)
    }

    /// What is throttled is not asked for, and is out of the leader's session until it is.
    fn leave_throttled_out(&mut self, now: Time, leader: BrokerId) {
        let Some(fetcher) = self.fetchers.get(&leader).filter(|_| self.throttles.follower.is_exceeded(now)) else { return };
        let asked = fetcher.partitions.iter().filter(|name| !fetcher.delayed.until.contains_key(*name));
        let throttled: Vec<TopicPartition> = asked.filter(|name| self.throttles_follower(now, name)).cloned().collect();
        let until = now + Duration::ms(self.settings.replica_fetch_backoff_ms);
        for name in throttled {
            let (Some(partition), Some(fetcher)) = (self.replicas.get(&name), self.fetchers.get_mut(&leader)) else { return };
            fetcher.delay(&name, partition.topic_id, until);
        }
    }

    fn fetch_request(&mut self, leader: BrokerId) -> FetchRequest {
        let settings = &self.settings;
        let mut request = FetchRequest::default()
            .with_max_wait_ms(settings.replica_fetch_wait_max_ms)
            .with_min_bytes(settings.replica_fetch_min_bytes)
            .with_max_bytes(settings.replica_fetch_response_max_bytes)
            .with_replica_state(
                ReplicaState::default()
                    .with_replica_id(WireBrokerId(self.spec.id.0))
                    .with_replica_epoch(self.lifecycle.broker_epoch().unwrap_or(-1)),
            );
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return request };
        let forgotten = std::mem::take(&mut fetcher.forgotten).into_iter().collect();
        let changed = std::mem::take(&mut fetcher.changed);
        let asked: Vec<TopicPartition> = match fetcher.session.is_full() {
            true => fetcher.partitions.iter().cloned().collect(),
            false => changed.into_iter().collect(),
        };
        let mut places = Vec::with_capacity(asked.len());
        for name in asked {
            if !fetcher.partitions.contains(&name) || fetcher.delayed.until.contains_key(&name) {
                continue;
            }
            let Some(partition) = self.replicas.get(&name) else { continue };
            let last_epoch = partition.log.latest_epoch().filter(|_| partition.holds(Rule::TruncationByEpoch));
            let place = Place {
                fetch_offset: partition.log.log_end_offset(),
                log_start_offset: partition.log.log_start_offset(),
                leader_epoch: partition.registration.leader_epoch,
                last_fetched_epoch: last_epoch.unwrap_or(-1),
                max_bytes: settings.replica_fetch_max_bytes,
            };
            places.push(((partition.topic_id, name.partition), place));
        }
        fetcher.session.update(places, forgotten, &mut request);
        request
    }
}
