//! Fetch: one request a node at a time, for those of its partitions from which nothing is waiting to be read (`AbstractFetch`).

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::{FetchRequest, FetchResponse, produce_response};

use super::completed_fetch::CompletedFetch;
use super::config::OffsetReset;
use super::kafka_consumer::{Closing, KafkaConsumer, Receiver, Token};
use super::membership::str_bytes;
use super::subscription::{FetchState, PartitionState, Position, PreferredReadReplica};
use crate::kafka::actor::{HostPort, Outbox};
use crate::kafka::client::error::{ClientError, TOPIC_AUTHORIZATION_FAILED};
use crate::kafka::client::fetch_session::{Place, SessionKey};
use crate::kafka::client::metadata::Cluster;
use crate::kafka::client::network::{Answer, Failed, Outgoing};
use crate::kafka::event::Event;
use crate::kafka::names::{BrokerId, TopicPartition};
use crate::kafka::protocol::api::Response;
use crate::kafka::protocol::errors;
use crate::kafka::protocol::frame::Batches;
use crate::sim::time::Time;

const OFFSET_OUT_OF_RANGE: i16 = 1;
const CORRUPT_MESSAGE: i16 = 2;
const FETCH_SESSION_TOPIC_ID_ERROR: i16 = 106;

impl KafkaConsumer {
    /// `sendFetches`.
    pub(super) fn send_fetches(&mut self, now: Time, out: &mut Outbox) {
        let cluster = self.client.cluster().clone();
        // A node is not asked again before its records are read: its session would lose the partitions that they are of (KAFKA-17182,
        // `bufferedNodes`). Nor is one that has not answered.
        let buffered = self.buffer.iter().filter(|fetch| self.subscriptions.fetchable(&fetch.partition).is_some());
        let node_of = |fetch: &CompletedFetch| {
            let leader = cluster.leader(&fetch.partition)?;
            let closest = self.closest(now, &cluster, &fetch.partition);
            Some(closest.and_then(Result::ok).unwrap_or(leader))
        };
        let mut busy: BTreeSet<BrokerId> = buffered.filter_map(node_of).collect();
        busy.extend(&self.fetching);
        let mut fetchable: BTreeMap<BrokerId, Vec<(u64, SessionKey, Place)>> = BTreeMap::new();
        let mut without_leader = false;
        let mut gone = Vec::new();
        for (partition, state) in self.subscriptions.partitions() {
            let FetchState::Fetching(position) = state.fetch else { continue };
            // `selectReadReplica`
            let node = cluster.leader(partition).map(|leader| match self.closest(now, &cluster, partition) {
                Some(Ok(closest)) => closest,
                Some(Err(_)) => {
                    gone.push(partition.clone());
                    leader
                }
                None => leader,
            });
            match node {
                None => without_leader = true,
                Some(node) if busy.contains(&node) || state.not_before > now => {}
                Some(node) => {
                    let Some(topic) = cluster.topic(&partition.topic) else { continue };
                    let place = Place {
                        fetch_offset: position.offset,
                        log_start_offset: -1,
                        leader_epoch: cluster.partition(partition).map_or(-1, |info| info.leader_epoch),
                        last_fetched_epoch: -1,
                        max_bytes: self.config.max_partition_fetch_bytes,
                    };
                    fetchable.entry(node).or_default().push((state.turn, (topic.id, partition.partition), place));
                }
            }
        }
        if without_leader || !gone.is_empty() {
            self.client.metadata.request_update(false);
        }
        for partition in gone {
            self.subscriptions.clear_preferred_read_replica(&partition);
        }
        for (node, mut partitions) in fetchable {
            if !self.client.ready(now, node, out) {
                continue;
            }
            partitions.sort_unstable_by_key(|(turn, ..)| *turn);
            let wanted = partitions.into_iter().map(|(_, key, place)| (key, place)).collect();
            if self.send_fetch(now, node, wanted, Token::Fetch, out) {
                self.fetching.insert(node);
            }
        }
    }

    /// The replica that the leader named as the closest, if it still leads and it is not too long ago (`preferredReadReplica`).
    ///
    /// # Errors
    /// It is none that is online, as far as is known (`nodeIfOnline`).
    fn closest(&self, now: Time, cluster: &Cluster, partition: &TopicPartition) -> Option<Result<BrokerId, BrokerId>> {
        let PreferredReadReplica { id, until, leader_epoch } = self.subscriptions.get(partition)?.preferred_read_replica?;
        let info = cluster.partition(partition).filter(|info| info.leader_epoch == leader_epoch && now <= until)?;
        let is_online = cluster.brokers.contains_key(&id) && info.replicas.contains(&id) && !info.offline_replicas.contains(&id);
        Some(if is_online { Ok(id) } else { Err(id) })
    }

    /// `maybeCloseFetchSessions`: brokers are told that their sessions end. Returns the next state of closing.
    pub(super) fn close_sessions(&mut self, now: Time, until: Time, out: &mut Outbox) -> Closing {
        let nodes: Vec<BrokerId> = self.sessions.keys().copied().filter(|_| !self.sessionless).collect();
        self.fetching.clear();
        for node in nodes {
            if let Some(session) = self.sessions.get_mut(&node) {
                session.notify_close();
            }
            if self.client.ready(now, node, out) && self.send_fetch(now, node, Vec::new(), Token::CloseFetchSession, out) {
                self.fetching.insert(node);
            }
        }
        if self.fetching.is_empty() { Closing::Closed } else { Closing::Sessions { until } }
    }

    /// A broker has answered that, or will not.
    pub(super) fn session_closed(&mut self, node: BrokerId) {
        self.fetching.remove(&node);
        if self.fetching.is_empty() {
            self.closing = Closing::Closed;
        }
    }

    fn send_fetch(&mut self, now: Time, node: BrokerId, wanted: Vec<(SessionKey, Place)>, token: Token, out: &mut Outbox) -> bool {
        let mut request = self.fetch_request();
        let session = self.sessions.entry(node).or_default();
        if self.sessionless {
            session.notify_close();
        }
        session.build(wanted, &mut request);
        let outgoing = Outgoing { timeout: Some(self.config.network.request_timeout), ..Outgoing::new(request) };
        let sent = self.client.send(now, node, outgoing, token, out).is_ok();
        if !sent && let Some(session) = self.sessions.get_mut(&node) {
            session.handle_error();
        }
        sent
    }

    fn fetch_request(&self) -> FetchRequest {
        let config = &self.config;
        FetchRequest::default()
            .with_max_wait_ms(config.fetch_max_wait.as_ms() as i32)
            .with_min_bytes(config.fetch_min_bytes)
            .with_max_bytes(config.fetch_max_bytes)
            .with_isolation_level(config.isolation_level.code())
            .with_rack_id(str_bytes(&config.client_rack))
    }

    /// The answer of a node, or none.
    pub(super) fn fetched(&mut self, now: Time, node: BrokerId, result: Result<Answer, Failed>) {
        if self.closing != Closing::No {
            return;
        }
        self.fetching.remove(&node);
        let Some(session) = self.sessions.get_mut(&node) else { return };
        let Ok(Answer { response: Response::Fetch(response), batches, .. }) = result else { return session.handle_error() };
        if !session.handle_response(&response) {
            if response.error_code == FETCH_SESSION_TOPIC_ID_ERROR {
                self.client.metadata.request_update(false);
            }
            return;
        }
        let endpoints = endpoints(&response);
        let mut batches = batches.into_iter();
        for topic in response.responses {
            let name = self.client.cluster().topic_name(topic.topic_id).cloned();
            for data in topic.partitions {
                // The batches stand in the order of the body, whether or not we know its topics.
                let batches = batches.next().unwrap_or_default();
                let asked = self.sessions.get(&node).and_then(|session| session.place((topic.topic_id, data.partition_index)));
                let (Some(topic), Some(&Place { fetch_offset, .. })) = (name.clone(), asked) else { continue };
                let partition = TopicPartition { topic, partition: data.partition_index };
                self.partition_fetched(now, partition, fetch_offset, data, batches, &endpoints);
            }
        }
    }

    fn partition_fetched(
        &mut self,
        now: Time,
        partition: TopicPartition,
        offset: i64,
        data: PartitionData,
        batches: Batches,
        endpoints: &BTreeMap<BrokerId, HostPort>,
    ) {
        // Taken away, or sought elsewhere: the answer is out of date.
        if self.subscriptions.fetchable(&partition).is_none_or(|position| position.offset != offset) {
            return;
        }
        match data.error_code {
            errors::NONE => {
                if let Some(state) = self.subscriptions.get_mut(&partition) {
                    state.high_watermark = Some(data.high_watermark);
                    state.log_start_offset = Some(data.log_start_offset).filter(|&at| at >= 0);
                    state.last_stable_offset = Some(data.last_stable_offset).filter(|&at| at >= 0);
                }
                self.update_preferred_read_replica(now, &partition, BrokerId(data.preferred_read_replica.0));
                if !batches.is_empty() {
                    self.buffer.push_back(CompletedFetch::new(partition, offset, batches, data.aborted_transactions));
                }
            }
            // The replica is behind, or ahead, of what the leader thought.
            OFFSET_OUT_OF_RANGE if self.subscriptions.clear_preferred_read_replica(&partition) => {}
            OFFSET_OUT_OF_RANGE => match self.config.auto_offset_reset {
                OffsetReset::None => {
                    let message = format!("Fetch position {offset} is out of range for partition {partition}");
                    self.error.get_or_insert_with(|| ClientError::of_code(OFFSET_OUT_OF_RANGE, Some(&message)));
                }
                reset => self.subscriptions.set(&partition, FetchState::AwaitReset(reset)),
            },
            CORRUPT_MESSAGE => {
                let message = format!("Encountered corrupt message when fetching offset {offset} for topic-partition {partition}");
                self.error.get_or_insert_with(|| ClientError::kafka(message));
            }
            TOPIC_AUTHORIZATION_FAILED => {
                const LOGGER: &str = "org.apache.kafka.clients.consumer.internals.FetchCollector";
                self.client.network.log.warn(now, LOGGER, &format!("Not authorized to read from partition {partition}."));
                self.error.get_or_insert_with(|| ClientError::forbidden(TOPIC_AUTHORIZATION_FAILED, &[&partition.topic]));
            }
            code if errors::info(code).is_retriable() || errors::info(code).refreshes_metadata() => {
                self.try_again_later(now, &partition);
                self.learn_leader(&partition, &data, endpoints);
            }
            code => {
                let message = format!("Unexpected error code {code} while fetching at offset {offset} from topic-partition {partition}");
                self.error.get_or_insert_with(|| ClientError::kafka(message));
            }
        }
    }

    fn update_preferred_read_replica(&mut self, now: Time, partition: &TopicPartition, id: BrokerId) {
        let leader_epoch = self.client.cluster().partition(partition).map_or(-1, |info| info.leader_epoch);
        let news = PreferredReadReplica { id, until: now + self.config.metadata.max_age, leader_epoch };
        let is_same = |known: PreferredReadReplica| known.id == id && known.leader_epoch == leader_epoch && now <= known.until;
        if id.0 >= 0
            && let Some(state) = self.subscriptions.get_mut(partition)
            && !state.preferred_read_replica.is_some_and(is_same)
        {
            state.preferred_read_replica = Some(news);
        }
    }

    /// `handleFetchFailure`: it could not be fetched from; the leaders are asked again.
    pub(super) fn forget_closest(&mut self, node: BrokerId) {
        let went_there = |state: &PartitionState| state.preferred_read_replica.is_some_and(|closest| closest.id == node);
        let all = self.subscriptions.partitions().filter(|(_, state)| went_there(state)).map(|(partition, _)| partition.clone());
        for partition in all.collect::<Vec<_>>() {
            self.subscriptions.clear_preferred_read_replica(&partition);
        }
    }

    /// The leader is another one, or not ready: a moment later, and with fresh metadata.
    pub(super) fn try_again_later(&mut self, now: Time, partition: &TopicPartition) {
        self.client.metadata.request_update(false);
        self.subscriptions.clear_preferred_read_replica(partition);
        let at = now + self.config.retry.initial;
        if let Some(state) = self.subscriptions.get_mut(partition) {
            state.not_before = at;
        }
    }

    /// KIP-951: who is not the leader says who is.
    fn learn_leader(&mut self, partition: &TopicPartition, data: &PartitionData, endpoints: &BTreeMap<BrokerId, HostPort>) {
        let id = BrokerId(data.current_leader.leader_id.0);
        let leader = produce_response::LeaderIdAndEpoch::default()
            .with_leader_id(data.current_leader.leader_id)
            .with_leader_epoch(data.current_leader.leader_epoch);
        let address = endpoints.get(&id).cloned();
        if self.client.metadata.update_leader(partition, &leader, address.clone()) {
            if let Some(address) = address {
                self.client.network.set_node(id, address);
            }
            if let Some(state) = self.subscriptions.get_mut(partition) {
                state.not_before = Time::ZERO;
            }
            self.subscriptions.validated_with = 0;
        }
    }

    /// `collectFetch`: up to `max.poll.records`, in the order in which the answers came.
    ///
    /// # Errors
    /// Bytes that cannot be read, once all records before them were handed out.
    pub(super) fn collect(&mut self, receiver: &mut dyn Receiver, out: &mut Outbox) -> Result<u32, ClientError> {
        let mut room = self.config.max_poll_records;
        while room > 0 {
            let Some(fetch) = self.buffer.front_mut() else { break };
            let position = self.subscriptions.fetchable(&fetch.partition);
            if position.is_none_or(|position| position.offset != fetch.next_offset) {
                self.buffer.pop_front();
                continue;
            }
            let handed_out = fetch.next_portion(room, self.config.isolation_level, self.config.check_crcs, receiver);
            let (partition, next) = (fetch.partition.clone(), Position { offset: fetch.next_offset, leader_epoch: fetch.last_epoch });
            if position.is_some_and(|position| position.offset != next.offset) {
                self.subscriptions.set(&partition, FetchState::Fetching(next));
            }
            if fetch.is_consumed() {
                self.buffer.pop_front();
                self.subscriptions.move_to_end(&partition);
            }
            match handed_out {
                Ok(None) => {}
                Ok(Some(portion)) => {
                    room -= portion.count.min(room);
                    out.emit(Event::Consumed {
                        group: self.config.group_id.clone(),
                        client: self.client_id.clone(),
                        partition,
                        base_offset: portion.base_offset,
                        from: portion.from,
                        to: portion.to,
                        count: portion.count,
                        chunk: portion.chunk,
                    });
                }
                Err(_) if room < self.config.max_poll_records => break, // next time
                Err(error) => return Err(error),
            }
        }
        Ok(self.config.max_poll_records - room)
    }
}

fn endpoints(response: &FetchResponse) -> BTreeMap<BrokerId, HostPort> {
    let endpoint = |node: &kafka_protocol::messages::fetch_response::NodeEndpoint| {
        (BrokerId(node.node_id.0), HostPort { host: node.host.to_string(), port: node.port as u16 })
    };
    response.node_endpoints.iter().map(endpoint).collect()
}
