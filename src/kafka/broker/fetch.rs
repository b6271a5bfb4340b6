//! Fetch, for consumers and followers (`KafkaApis.handleFetchRequest`, `ReplicaManager.fetchMessages`, `DelayedFetch`).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::fetch_response::{AbortedTransaction, FetchableTopicResponse, NodeEndpoint, PartitionData};
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::partition::Leading;
use super::process::Broker;
use super::replicas::{Asker, WaitingFetch};
use super::session::Told;
use crate::kafka::actor::Outbox;
use crate::kafka::client::fetch_session::{FINAL_EPOCH, INITIAL_EPOCH, Place, next_epoch};
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::api::Response;
use crate::kafka::protocol::frame::Batches;
use crate::kafka::rules::Rule;
use crate::kafka::security::acl::Operation;
use crate::sim::process::ConnId;
use crate::sim::time::{Duration, Time};

/// What a fetch wants, once its session is taken into account.
#[derive(Clone, Debug)]
pub struct FetchParams {
    /// -1: a consumer; -2: a debugging consumer.
    pub replica: i32,
    /// Of a consumer that can fetch from any replica (KIP-392): where it is; empty if it does not say.
    pub rack: Option<StrBytes>,
    pub context: FetchContext,
    pub min_bytes: u32,
    pub max_bytes: u32,
    /// isolation.level read_committed
    pub read_committed: bool,
    /// What the request names; what an incremental one wants is in its session.
    pub wanted: Vec<Wanted>,
    /// Topics that the sender may not read, as of the request.
    pub forbidden: Vec<Uuid>,
}

/// `FetchContext`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchContext {
    Sessionless,
    /// Asks for a session.
    Full,
    /// Goes on with one; an answer names only partitions with news.
    Incremental {
        id: i32,
        /// Of the request.
        epoch: i32,
    },
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
/// From this version of Fetch on a consumer knows that there are other replicas than the leader.
const CLOSEST_REPLICA_VERSION: i16 = 11;
/// `IsolationLevel.READ_COMMITTED`
const READ_COMMITTED: i8 = 1;

/// What a partition has for a fetch.
struct Read {
    data: PartitionData,
    batches: Batches,
    /// Answer now: an error, histories that parted, or a replica that is closer.
    is_urgent: bool,
    /// Refused before any log was looked at: it neither waits nor hurries, and stands at the end of an answer.
    is_erroneous: bool,
    /// There is nothing more to say before something happens here.
    is_settled: bool,
}

impl Broker {
    pub(super) fn fetch(&mut self, now: Time, asker: Asker, request: &FetchRequest, out: &mut Outbox) {
        let replica = request.replica_state.replica_id.0;
        let context = match self.fetch_context(now, request) {
            Ok(context) => context,
            Err(error) => {
                let response = FetchResponse::default().with_error_code(error.code());
                return self.respond(now, asker, response, Vec::new(), out);
            }
        };
        let wanted = match context {
            FetchContext::Incremental { .. } => Vec::new(),
            _ => self.named(request),
        };
        let forbidden = self.forbidden_topics(asker.conn, replica, context, &wanted);
        if replica >= 0 && forbidden.is_empty() {
            self.follower_said(now, replica, request, out);
        }
        let allowed = self.fetch_allowance(asker.conn).filter(|_| replica < 0);
        let allowed = allowed.map_or(i32::MAX, |bytes| i32::try_from(bytes).unwrap_or(i32::MAX));
        let max_bytes = request.max_bytes.min(self.settings.fetch_max_bytes).min(allowed).max(0) as u32;
        let min_bytes = (request.min_bytes.max(0) as u32).min(max_bytes);
        let read_committed = replica < 0 && request.isolation_level == READ_COMMITTED;
        let rack = (replica < 0 && asker.version >= CLOSEST_REPLICA_VERSION).then(|| request.rack_id.clone());
        let params = FetchParams { replica, rack, context, min_bytes, max_bytes, read_committed, wanted, forbidden };
        let deadline = now + Duration::ms(request.max_wait_ms.max(0) as u64);
        self.try_fetch(now, None, WaitingFetch { asker, params, deadline }, out);
    }

    /// Something happened in a partition: fetches that wait for it are looked at again, in the order in which they came.
    pub(super) fn wake_fetches(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) {
        self.mark_for_sessions(name);
        let Some(partition) = self.replicas.get(name) else { return };
        let by_session = self.replicas.sessions.waiting_for((partition.topic_id, name.partition));
        let mut waiting: Vec<u64> = partition.waiting_fetches.iter().copied().chain(by_session).collect();
        waiting.sort_unstable();
        for number in waiting {
            self.try_waiting(now, number, out);
        }
    }

    /// Something happened in a partition: the next answers of sessions look there.
    pub(super) fn mark_for_sessions(&mut self, name: &TopicPartition) {
        if let Some(partition) = self.replicas.partitions.get(name) {
            self.replicas.sessions.mark((partition.topic_id, name.partition));
        }
    }

    /// Fetches that waited long enough get what there is.
    pub(super) fn expire_fetches(&mut self, now: Time, out: &mut Outbox) {
        let over: Vec<u64> = self.replicas.waiting_fetches.iter().filter(|(_, waiting)| waiting.deadline <= now).map(|(&n, _)| n).collect();
        for number in over {
            self.try_waiting(now, number, out);
        }
    }

    fn try_waiting(&mut self, now: Time, number: u64, out: &mut Outbox) {
        if let Some(waiting) = self.replicas.waiting_fetches.remove(&number) {
            self.try_fetch(now, Some(number), waiting, out);
        }
    }

    /// `FetchManager.newContext`. A full request ends the session that it names.
    fn fetch_context(&mut self, now: Time, request: &FetchRequest) -> Result<FetchContext, ResponseError> {
        let (id, epoch) = (request.session_id, request.session_epoch);
        let sessions = &mut self.replicas.sessions;
        match epoch {
            INITIAL_EPOCH | FINAL_EPOCH => {
                sessions.remove(id);
                Ok(if epoch == FINAL_EPOCH { FetchContext::Sessionless } else { FetchContext::Full })
            }
            _ => Ok(match sessions.resume(now.as_ms(), request)? {
                0 => FetchContext::Sessionless,
                _ => FetchContext::Incremental { id, epoch },
            }),
        }
    }

    fn named(&self, request: &FetchRequest) -> Vec<Wanted> {
        let wanted = request
            .topics
            .iter()
            .flat_map(|topic| topic.partitions.iter().map(|asked| self.wanted((topic.topic_id, asked.partition), Place::of(asked))));
        wanted.collect()
    }

    fn wanted(&self, (topic_id, partition): (Uuid, i32), place: Place) -> Wanted {
        let topic = self.image.topic_by_id(topic_id).map_or_else(|| "".into(), |topic| topic.name.clone());
        Wanted { partition: TopicPartition { topic, partition }, topic_id, place }
    }

    /// Of the topics of a fetch, those that may not be read: a consumer needs READ on each, a follower CLUSTER_ACTION on the cluster.
    fn forbidden_topics(&mut self, conn: ConnId, replica: i32, context: FetchContext, wanted: &[Wanted]) -> Vec<Uuid> {
        if self.authorizer.is_none() {
            return Vec::new();
        }
        let mut topics: Vec<Uuid> = match context {
            FetchContext::Incremental { id, .. } => {
                self.replicas.sessions.recheck(id, conn);
                self.replicas.sessions.dirty(id).map(|((topic, _), _)| topic).collect()
            }
            _ => wanted.iter().map(|wanted| wanted.topic_id).collect(),
        };
        topics.sort_unstable();
        topics.dedup();
        self.with_guard(conn, |guard, image| {
            let follows = replica >= 0 && guard.allows_cluster(Operation::ClusterAction);
            topics.retain(|&topic| match image.topic_by_id(topic) {
                _ if replica >= 0 => !follows,
                Some(topic) => !guard.allows_topic(Operation::Read, &topic.name),
                None => false,
            });
        });
        topics
    }

    /// What a follower says about its logs is believed.
    fn follower_said(&mut self, now: Time, replica: i32, request: &FetchRequest, out: &mut Outbox) {
        self.replicas.last_fetches.insert(replica, now);
        for topic in &request.topics {
            let Some(name) = self.image.topic_by_id(topic.topic_id).map(|topic| topic.name.clone()) else { continue };
            for said in &topic.partitions {
                let name = TopicPartition { topic: name.clone(), partition: said.partition };
                self.follower_reached(now, replica, request.replica_state.replica_epoch, &name, said, out);
            }
        }
        for topic in &request.forgotten_topics_data {
            let Some(name) = self.image.topic_by_id(topic.topic_id).map(|topic| topic.name.clone()) else { continue };
            for &partition in &topic.partitions {
                let led = self.replicas.get_mut(&TopicPartition { topic: name.clone(), partition }).and_then(|led| led.leading.as_mut());
                if let Some(follower) = led.and_then(|leading| leading.followers.get_mut(&replica)) {
                    follower.fetches = false;
                }
            }
        }
        self.propose_waiting(now, replica, out);
        self.complete_deletes(now, out);
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
    fn try_fetch(&mut self, now: Time, number: Option<u64>, waiting: WaitingFetch, out: &mut Outbox) {
        let params = &waiting.params;
        let sessions = &self.replicas.sessions;
        let (of_session, size): (Vec<Wanted>, usize) = match params.context {
            FetchContext::Incremental { id, .. } => {
                (sessions.dirty(id).map(|(key, place)| self.wanted(key, place)).collect(), sessions.size(id))
            }
            _ => (Vec::new(), params.wanted.len()),
        };
        let mut reads = Vec::new();
        let (mut bytes, mut urgent, mut erroneous) = (0, false, 0);
        for wanted in params.wanted.iter().chain(&of_session) {
            let budget = params.max_bytes.saturating_sub(bytes);
            let read = self.read_partition(now, waiting.asker, params, wanted, budget, bytes > 0);
            bytes += read.batches.iter().map(|batch| batch.size_bytes()).sum::<u32>();
            urgent |= read.is_urgent;
            erroneous += usize::from(read.is_erroneous);
            reads.push((wanted, read));
        }
        if bytes >= params.min_bytes.max(1) || urgent || erroneous >= size || waiting.deadline <= now || params.min_bytes == 0 {
            reads.sort_by_key(|(_, read)| read.is_erroneous);
            self.answer_fetch(now, waiting.asker, params, reads, out);
            if let Some(number) = number {
                self.replicas.stop_waiting(number, params);
            }
            return;
        }
        let number = number.unwrap_or_else(|| self.replicas.start_waiting(params));
        self.replicas.waiting_fetches.insert(number, waiting);
    }

    /// `updateAndGenerateResponseData`: the answer, and what the session remembers of it. Who is throttled hears nothing, and so nothing is
    /// remembered (`getThrottledResponse`).
    fn answer_fetch(&mut self, now: Time, asker: Asker, params: &FetchParams, mut reads: Vec<(&Wanted, Read)>, out: &mut Outbox) {
        let told = |(wanted, read): &(&Wanted, Read)| Told {
            key: (wanted.topic_id, wanted.partition.partition),
            place: wanted.place,
            high_watermark: read.data.high_watermark,
            log_start_offset: read.data.log_start_offset,
            has_records: !read.batches.is_empty(),
            is_settled: read.is_settled,
        };
        let told: Vec<Told> = match params.context {
            FetchContext::Sessionless => Vec::new(),
            _ => reads.iter().map(told).collect(),
        };
        let sessions = &self.replicas.sessions;
        let mut session_id = 0;
        if let FetchContext::Incremental { id, epoch } = params.context {
            session_id = id;
            // Another request of this session has overtaken this one: possibly a duplicate.
            if sessions.epoch(id) != Some(next_epoch(epoch)) {
                let response = FetchResponse::default().with_error_code(ResponseError::InvalidFetchSessionEpoch.code()).with_session_id(id);
                return self.respond(now, asker, response, Vec::new(), out);
            }
            let key = |wanted: &Wanted| (wanted.topic_id, wanted.partition.partition);
            reads.retain(|(wanted, read)| sessions.has_news(id, key(wanted), &read.data, !read.batches.is_empty()));
        }
        if params.replica >= 0 {
            self.record_throttled(now, &reads);
        }
        let leaders = self.name_leaders_to_fetcher(asker, reads.iter_mut().map(|(wanted, read)| (&wanted.partition, &mut read.data)));
        let (response, mut batches) = fetch_response(reads, leaders);
        let mut response = Response::from(response);
        let throttle_ms = self.throttle_of(now, asker, &mut response, &mut batches);
        if throttle_ms == 0 {
            match params.context {
                FetchContext::Sessionless => {}
                FetchContext::Full => session_id = self.new_session(now, params.replica >= 0, &told),
                FetchContext::Incremental { id, .. } => told.iter().for_each(|told| self.replicas.sessions.tell(id, told)),
            }
        }
        if let Response::Fetch(body) = &mut response {
            body.session_id = session_id;
        }
        self.respond_throttled(now, asker, response, batches, throttle_ms, out);
    }

    fn new_session(&mut self, now: Time, privileged: bool, told: &[Told]) -> i32 {
        let seed = self.lifecycle.incarnation().as_u64_pair().0;
        self.replicas.sessions.maybe_create(now.as_ms(), privileged, self.settings.fetch_session_slots, seed, told)
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

    /// readFromLocalLog: a follower reads to the log end, a consumer to the high watermark.
    fn read_partition(&self, now: Time, asker: Asker, params: &FetchParams, wanted: &Wanted, budget: u32, has_some: bool) -> Read {
        let mut data = PartitionData::default().with_partition_index(wanted.partition.partition).with_aborted_transactions(None);
        let refuse = |mut data: PartitionData, error: ResponseError| {
            data.error_code = error.code();
            (data.high_watermark, data.last_stable_offset, data.log_start_offset) = (-1, -1, -1);
            Read { data, batches: Vec::new(), is_urgent: true, is_erroneous: false, is_settled: false }
        };
        let refuse_at_once = |data, error| Read { is_urgent: false, is_erroneous: true, ..refuse(data, error) };
        if params.forbidden.contains(&wanted.topic_id) {
            return refuse_at_once(data, ResponseError::TopicAuthorizationFailed);
        }
        if self.image.topic_by_id(wanted.topic_id).is_none() {
            return refuse_at_once(data, ResponseError::UnknownTopicId);
        }
        let Some(partition) = self.replicas.get(&wanted.partition) else {
            return match self.image.partition(&wanted.partition).is_some() {
                true => refuse(data, ResponseError::NotLeaderOrFollower),
                false => refuse_at_once(data, ResponseError::UnknownTopicOrPartition),
            };
        };
        // `FetchParams.fetchOnlyLeader`
        let from_any = params.replica == DEBUGGING || params.rack.is_some();
        let Some(leader_epoch) =
            partition.leading.as_ref().map(|leading| leading.epoch).or_else(|| from_any.then_some(partition.registration.leader_epoch))
        else {
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
            return Read { data, batches: Vec::new(), is_urgent: true, is_erroneous: false, is_settled: false };
        }
        let closest = params
            .rack
            .as_deref()
            .and_then(|rack| self.find_preferred_read_replica(asker.conn, rack, partition, wanted.place.fetch_offset));
        if let Some(id) = closest {
            data.preferred_read_replica = id;
            return Read { data, batches: Vec::new(), is_urgent: true, is_erroneous: false, is_settled: false };
        }
        let before = match params.replica {
            CONSUMER if params.read_committed => data.last_stable_offset,
            CONSUMER => high_watermark,
            _ => end,
        };
        let max_bytes = (wanted.place.max_bytes.max(0) as u32).min(budget);
        let throttled = params.replica >= 0 && self.throttles_leader(now, &wanted.partition, params.replica, partition.isr());
        // Of what happens to another replica's log sessions are not told; and the next request may read what is not committed yet.
        // Nor are they of replicas that come into question as the closest.
        let has_all = wanted.place.fetch_offset >= before.max(high_watermark);
        let is_settled = has_all && partition.is_leader() && !(params.rack.is_some() && self.settings.rack_aware);
        if throttled || has_some && max_bytes == 0 {
            return Read { data, batches: Vec::new(), is_urgent: false, is_erroneous: false, is_settled };
        }
        match partition.log.read(wanted.place.fetch_offset, max_bytes, before) {
            Ok(mut batches) => {
                // Only the first of an answer's batches may be larger than what is asked for (KIP-74).
                if has_some && batches.first().is_some_and(|batch| batch.size_bytes() > max_bytes) {
                    batches.clear();
                }
                if params.read_committed {
                    // addAbortedTransactions: of what is sent, whose markers may lie ahead.
                    let to = batches.last().map_or(wanted.place.fetch_offset, |batch| batch.next_offset());
                    let aborted = partition.log.aborted_transactions(wanted.place.fetch_offset, to).into_iter().map(|aborted| {
                        AbortedTransaction::default().with_producer_id(aborted.producer_id.into()).with_first_offset(aborted.first_offset)
                    });
                    data.aborted_transactions = Some(aborted.collect());
                }
                Read { data, batches, is_urgent: false, is_erroneous: false, is_settled }
            }
            Err(error) => refuse(data, error),
        }
    }
}

fn fetch_response(reads: Vec<(&Wanted, Read)>, leaders: Vec<NodeEndpoint>) -> (FetchResponse, Vec<Batches>) {
    let mut topics: Vec<FetchableTopicResponse> = Vec::new();
    let mut batches = Vec::with_capacity(reads.len());
    for (wanted, read) in reads {
        batches.push(read.batches);
        match topics.last_mut().filter(|topic| topic.topic_id == wanted.topic_id) {
            Some(topic) => topic.partitions.push(read.data),
            None => topics.push(FetchableTopicResponse::default().with_topic_id(wanted.topic_id).with_partitions(vec![read.data])),
        }
    }
    (FetchResponse::default().with_responses(topics).with_node_endpoints(leaders), batches)
}
