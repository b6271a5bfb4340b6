//! Fetch, for consumers and followers (`KafkaApis.handleFetchRequest`, `ReplicaManager.fetchMessages`, `DelayedFetch`).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::fetch_response::{AbortedTransaction, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse};
use uuid::Uuid;

use super::partition::Leading;
use super::process::Broker;
use super::replicas::{Asker, WaitingFetch};
use super::session::Place;
use crate::kafka::actor::Outbox;
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::frame::Batches;
use crate::kafka::rules::Rule;
use crate::sim::time::{Duration, Time};

/// What a fetch wants, once its session is taken into account.
#[derive(Clone, Debug)]
pub struct FetchParams {
    /// -1: a consumer; -2: a debugging consumer.
    pub replica: i32,
    /// 0: no session.
    pub session_id: i32,
    /// An answer names only partitions with news.
    pub incremental: bool,
    pub min_bytes: u32,
    pub max_bytes: u32,
    /// isolation.level read_committed
    pub read_committed: bool,
    /// What a consumer wants; a follower's is in its session.
    pub wanted: Vec<Wanted>,
}

/// One partition of a fetch.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub partition: TopicPartition,
    pub topic_id: Uuid,
    pub place: Place,
}

/// `FetchRequest.CONSUMER_REPLICA_ID`, `FetchRequest.DEBUGGING_CONSUMER_ID`
const CONSUMER: i32 = -1;
const DEBUGGING: i32 = -2;
/// `IsolationLevel.READ_COMMITTED`
const READ_COMMITTED: i8 = 1;

/// What a partition has for a fetch.
struct Read {
    data: PartitionData,
    batches: Batches,
    /// Answer now: an error, or histories that parted.
    urgent: bool,
    /// There was no room left to say anything.
    starved: bool,
}

impl Broker {
    pub(super) fn fetch(&mut self, now: Time, asker: Asker, request: &FetchRequest, out: &mut Outbox) {
        let replica = request.replica_state.replica_id.0;
        let params = match replica {
            // -2 is a debugging consumer's (kafka-replica-verification): it reads like a follower, from any replica, and has no session.
            ..0 => self.consumer_fetch(request, self.fetch_allowance(asker.conn)),
            _ => match self.follower_fetch(now, replica, request, out) {
                Ok(params) => params,
                Err(error) => {
                    let response = FetchResponse::default().with_error_code(error.code());
                    return self.respond(now, asker, response, Vec::new(), out);
                }
            },
        };
        let deadline = now + Duration::ms(request.max_wait_ms.max(0) as u64);
        self.try_fetch(now, asker, params, deadline, out);
    }

    /// Something happened in a partition: fetches that wait for it are looked at again.
    pub(super) fn wake_fetches(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) {
        let Some(partition) = self.replicas.get(name) else { return };
        let mut waiting: Vec<u64> = partition.waiting_fetches.iter().copied().collect();
        // Followers wait by session, not by partition.
        let followers: Vec<i32> = partition.leading.iter().flat_map(|leading| leading.followers.keys().copied()).collect();
        let of_followers = |waiting: &WaitingFetch| followers.contains(&waiting.params.replica);
        waiting.extend(self.replicas.waiting_fetches.iter().filter(|(_, waiting)| of_followers(waiting)).map(|(&number, _)| number));
        for number in waiting {
            if let Some(waiting) = self.replicas.forget_fetch(number) {
                self.try_fetch(now, waiting.asker, waiting.params, waiting.deadline, out);
            }
        }
    }

    /// Fetches that waited long enough get what there is.
    pub(super) fn expire_fetches(&mut self, now: Time, out: &mut Outbox) {
        let over: Vec<u64> = self.replicas.waiting_fetches.iter().filter(|(_, waiting)| waiting.deadline <= now).map(|(&n, _)| n).collect();
        for number in over {
            if let Some(waiting) = self.replicas.forget_fetch(number) {
                self.try_fetch(now, waiting.asker, waiting.params, waiting.deadline, out);
            }
        }
    }

    fn consumer_fetch(&self, request: &FetchRequest, allowance: Option<u64>) -> FetchParams {
        let allowed = allowance.map_or(i32::MAX, |bytes| i32::try_from(bytes).unwrap_or(i32::MAX));
        let max_bytes = request.max_bytes.min(self.settings.fetch_max_bytes).min(allowed).max(0) as u32;
        let wanted = request.topics.iter().flat_map(|topic| {
            let name = self.image.topic_by_id(topic.topic_id).map(|topic| topic.name.clone());
            topic.partitions.iter().map(move |partition| Wanted {
                partition: TopicPartition { topic: name.clone().unwrap_or_else(|| "".into()), partition: partition.partition },
                topic_id: topic.topic_id,
                place: place_of(partition),
            })
        });
        FetchParams {
            replica: request.replica_state.replica_id.0,
            session_id: 0,
            incremental: false,
            min_bytes: (request.min_bytes.max(0) as u32).min(max_bytes),
            max_bytes,
            read_committed: request.isolation_level == READ_COMMITTED,
            wanted: wanted.collect(),
        }
    }

    /// A follower's fetch: its session is brought up to date, and what it says about its logs is believed.
    fn follower_fetch(&mut self, now: Time, replica: i32, request: &FetchRequest, out: &mut Outbox) -> Result<FetchParams, ResponseError> {
        self.replicas.last_fetches.insert(replica, now);
        let full = request.session_epoch <= 0;
        let session = match full {
            true => self.replicas.sessions.begin(replica),
            false => self
                .replicas
                .sessions
                .resume(replica, request.session_id, request.session_epoch)
                .ok_or(ResponseError::FetchSessionIdNotFound)?,
        };
        let session_id = session.id;
        let mut said = Vec::new();
        for topic in &request.forgotten_topics_data {
            let Some(image) = self.image.topic_by_id(topic.topic_id) else { continue };
            for &partition in &topic.partitions {
                let name = TopicPartition { topic: image.name.clone(), partition };
                session.places.remove(&name);
                session.dirty.remove(&name);
            }
        }
        for topic in &request.topics {
            let Some(image) = self.image.topic_by_id(topic.topic_id) else { continue };
            for partition in &topic.partitions {
                let name = TopicPartition { topic: image.name.clone(), partition: partition.partition };
                session.places.insert(name.clone(), place_of(partition));
                session.dirty.insert(name.clone());
                said.push((name, partition.clone()));
            }
        }
        for (name, said) in said {
            self.follower_reached(now, replica, request.replica_state.replica_epoch, &name, &said, out);
        }
        self.propose_waiting(now, replica, out);
        self.complete_deletes(now, out);
        Ok(FetchParams {
            replica,
            session_id,
            incremental: !full,
            min_bytes: request.min_bytes.max(0) as u32,
            max_bytes: request.max_bytes.max(0) as u32,
            read_committed: false,
            wanted: Vec::new(),
        })
    }

    /// updateFollowerFetchState and what follows: the high watermark may move, the ISR may grow.
    fn follower_reached(
        &mut self,
        now: Time,
        replica: i32,
        broker_epoch: i64,
        name: &TopicPartition,
        said: &FetchPartition,
        out: &mut Outbox,
    ) {
        // updateFetchStateOrThrow: what an incarnation says that has another behind it does not count.
        if broker_epoch != -1 && self.image.brokers.get(&replica).is_some_and(|broker| !broker.fenced && broker.epoch > broker_epoch) {
            return;
        }
        let Some(partition) = self.replicas.get_mut(name) else { return };
        let in_log = said.fetch_offset <= partition.log.log_end_offset();
        let of_this_epoch = |epoch| epoch == said.current_leader_epoch || !partition.holds(Rule::FencingByEpoch);
        if !in_log || !partition.leading.as_ref().is_some_and(|leading| of_this_epoch(leading.epoch)) {
            return;
        }
        // Whose history parted from this one has not got as far as it says (`Partition.fetchRecords`).
        if partition.diverging_epoch(said.last_fetched_epoch, said.fetch_offset).is_some() {
            return;
        }
        partition.update_follower(replica, said.fetch_offset, said.log_start_offset, broker_epoch, now);
        let expand = partition.should_expand_isr(replica);
        self.advance_high_watermark(now, name, out);
        if expand {
            self.propose_expanded_isr(now, name, replica, out);
        }
    }

    /// Answers a fetch if there is enough to say or its time is over; else it waits.
    fn try_fetch(&mut self, now: Time, asker: Asker, params: FetchParams, deadline: Time, out: &mut Outbox) {
        let wanted: Vec<Wanted> = match params.replica {
            ..0 => params.wanted.clone(),
            replica => self.session_wants(replica),
        };
        let mut reads = Vec::new();
        let (mut bytes, mut urgent) = (0, params.replica < 0 && wanted.is_empty());
        for wanted in &wanted {
            let budget = params.max_bytes.saturating_sub(bytes);
            let read = self.read_partition(now, &params, wanted, budget, bytes > 0);
            bytes += read.batches.iter().map(|batch| batch.size_bytes()).sum::<u32>();
            urgent |= read.urgent;
            reads.push((wanted, read));
        }
        if bytes >= params.min_bytes.max(1) || urgent || deadline <= now || params.min_bytes == 0 {
            if params.replica >= 0 {
                // What was said is no news any more; what is still there will be marked by the follower's next word about it.
                let told = reads.iter().filter(|(_, read)| !read.starved);
                let told: Vec<TopicPartition> = told.map(|(wanted, _)| wanted.partition.clone()).collect();
                if let Some(session) = self.replicas.sessions.get_mut(params.replica) {
                    told.iter().for_each(|name| {
                        session.dirty.remove(name);
                    });
                }
            }
            if params.replica >= 0 {
                self.record_throttled(now, &reads);
            }
            let (response, batches) = fetch_response(&params, reads);
            return self.respond(now, asker, response, batches, out);
        }
        let number = self.replicas.number();
        if params.replica < 0 {
            for wanted in &wanted {
                if let Some(partition) = self.replicas.get_mut(&wanted.partition) {
                    partition.waiting_fetches.insert(number);
                }
            }
        }
        self.replicas.waiting_fetches.insert(number, WaitingFetch { asker, params, deadline });
    }

    /// `sizeOfThrottledPartitions`: what counts against the rate of a leader.
    fn record_throttled(&mut self, now: Time, reads: &[(&Wanted, Read)]) {
        let quota = &mut self.throttles.leader;
        let throttled = reads.iter().filter(|(wanted, _)| quota.is_throttled(&wanted.partition));
        let bytes: u64 = throttled.flat_map(|(_, read)| &read.batches).map(|batch| u64::from(batch.size_bytes())).sum();
        if bytes > 0 {
            quota.record(now, bytes);
        }
    }

    fn session_wants(&mut self, replica: i32) -> Vec<Wanted> {
        let Some(session) = self.replicas.sessions.get_mut(replica) else { return Vec::new() };
        let dirty: Vec<(TopicPartition, Place)> =
            session.dirty.iter().filter_map(|name| Some((name.clone(), *session.places.get(name)?))).collect();
        let id = |name: &TopicPartition| self.image.topic(&name.topic).map_or(Uuid::nil(), |topic| topic.id);
        dirty.into_iter().map(|(partition, place)| Wanted { topic_id: id(&partition), partition, place }).collect()
    }

    /// readFromLocalLog: a follower reads to the log end, a consumer to the high watermark.
    fn read_partition(&self, now: Time, params: &FetchParams, wanted: &Wanted, budget: u32, has_some: bool) -> Read {
        let mut data = PartitionData::default().with_partition_index(wanted.partition.partition).with_aborted_transactions(None);
        let refuse = |mut data: PartitionData, error: ResponseError| {
            data.error_code = error.code();
            (data.high_watermark, data.last_stable_offset, data.log_start_offset) = (-1, -1, -1);
            Read { data, batches: Vec::new(), urgent: true, starved: false }
        };
        if self.image.topic_by_id(wanted.topic_id).is_none() {
            return refuse(data, ResponseError::UnknownTopicId);
        }
        let Some(partition) = self.replicas.get(&wanted.partition) else {
            let known = self.image.partition(&wanted.partition).is_some();
            return refuse(data, if known { ResponseError::NotLeaderOrFollower } else { ResponseError::UnknownTopicOrPartition });
        };
        let Some(leader_epoch) =
            partition.leading.as_ref().map(|leading| leading.epoch).or_else(|| (params.replica == DEBUGGING).then_some(-1))
        else {
            data.current_leader.leader_id = BrokerId(partition.registration.leader);
            data.current_leader.leader_epoch = partition.registration.leader_epoch;
            return refuse(data, ResponseError::NotLeaderOrFollower);
        };
        match wanted.place.leader_epoch {
            _ if !partition.holds(Rule::FencingByEpoch) => {}
            epoch if epoch >= 0 && epoch < leader_epoch => return refuse(data, ResponseError::FencedLeaderEpoch),
            epoch if epoch >= 0 && epoch > leader_epoch && leader_epoch >= 0 => return refuse(data, ResponseError::UnknownLeaderEpoch),
            _ => {}
        }
        // `Partition.followerReplicaOrThrow`: who was assigned just now, and this leader has not heard of it yet, asks again.
        let is_follower = |leading: &Leading| leading.followers.contains_key(&params.replica);
        if params.replica >= 0 && !partition.leading.as_ref().is_some_and(is_follower) {
            let knows_epoch = wanted.place.leader_epoch >= 0;
            return refuse(data, if knows_epoch { ResponseError::UnknownLeaderEpoch } else { ResponseError::NotLeaderOrFollower });
        }
        let high_watermark = partition.high_watermark;
        data.high_watermark = high_watermark;
        data.last_stable_offset = partition.log.last_stable_offset(high_watermark);
        data.log_start_offset = partition.log.log_start_offset();
        let end = partition.log.log_end_offset();
        if let Some((epoch, end_offset)) = partition.diverging_epoch(wanted.place.last_fetched_epoch, wanted.place.fetch_offset) {
            data.diverging_epoch.epoch = epoch;
            data.diverging_epoch.end_offset = end_offset;
            return Read { data, batches: Vec::new(), urgent: true, starved: false };
        }
        let before = match params.replica {
            CONSUMER if params.read_committed => data.last_stable_offset,
            CONSUMER => high_watermark,
            _ => end,
        };
        let max_bytes = (wanted.place.max_bytes.max(0) as u32).min(budget);
        let throttled = params.replica >= 0 && self.throttles_leader(now, &wanted.partition, params.replica, partition.isr());
        if throttled || has_some && max_bytes == 0 {
            return Read { data, batches: Vec::new(), urgent: false, starved: true };
        }
        match partition.log.read(wanted.place.fetch_offset, max_bytes, before) {
            Ok(batches) => {
                if params.read_committed {
                    // addAbortedTransactions: of what is sent, whose markers may lie ahead.
                    let to = batches.last().map_or(wanted.place.fetch_offset, |batch| batch.next_offset());
                    let aborted = partition.log.aborted_transactions(wanted.place.fetch_offset, to).into_iter().map(|aborted| {
                        AbortedTransaction::default().with_producer_id(aborted.producer_id.into()).with_first_offset(aborted.first_offset)
                    });
                    data.aborted_transactions = Some(aborted.collect());
                }
                Read { data, batches, urgent: false, starved: false }
            }
            Err(error) => refuse(data, error),
        }
    }
}

fn place_of(partition: &FetchPartition) -> Place {
    Place {
        fetch_offset: partition.fetch_offset,
        leader_epoch: partition.current_leader_epoch,
        last_fetched_epoch: partition.last_fetched_epoch,
        max_bytes: partition.partition_max_bytes,
    }
}

fn fetch_response(params: &FetchParams, reads: Vec<(&Wanted, Read)>) -> (FetchResponse, Vec<Batches>) {
    let mut topics: Vec<FetchableTopicResponse> = Vec::new();
    let mut batches = Vec::with_capacity(reads.len());
    for (wanted, read) in reads {
        batches.push(read.batches);
        match topics.last_mut().filter(|topic| topic.topic_id == wanted.topic_id) {
            Some(topic) => topic.partitions.push(read.data),
            None => topics.push(FetchableTopicResponse::default().with_topic_id(wanted.topic_id).with_partitions(vec![read.data])),
        }
    }
    (FetchResponse::default().with_session_id(params.session_id).with_responses(topics), batches)
}
