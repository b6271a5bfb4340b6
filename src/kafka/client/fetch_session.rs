//! Fetch sessions of who fetches (`FetchSessionHandler`, KIP-227): a first request names all partitions; when the broker gives it a session,
//! those that follow name only what is new, and answers hold only what is.

use imbl::OrdMap;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use uuid::Uuid;

use crate::kafka::protocol::errors;

/// A topic by its id, and a partition of it.
pub type SessionKey = (Uuid, i32);

/// What is asked of a partition (`FetchRequest.PartitionData`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub fetch_offset: i64,
    /// Of a follower's log; -1 of a consumer.
    pub log_start_offset: i64,
    /// -1: not known, and not checked.
    pub leader_epoch: i32,
    /// Of a follower's log, against which the leader checks its own; -1 of a consumer.
    pub last_fetched_epoch: i32,
    pub max_bytes: i32,
}

impl Place {
    pub fn of(asked: &FetchPartition) -> Place {
        Place {
            fetch_offset: asked.fetch_offset,
            log_start_offset: asked.log_start_offset,
            leader_epoch: asked.current_leader_epoch,
            last_fetched_epoch: asked.last_fetched_epoch,
            max_bytes: asked.partition_max_bytes,
        }
    }

    fn asked(&self, partition: i32) -> FetchPartition {
        FetchPartition::default()
            .with_partition(partition)
            .with_fetch_offset(self.fetch_offset)
            .with_log_start_offset(self.log_start_offset)
            .with_current_leader_epoch(self.leader_epoch)
            .with_last_fetched_epoch(self.last_fetched_epoch)
            .with_partition_max_bytes(self.max_bytes)
    }
}

/// A partition of a session, as one side of it remembers it (`CachedPartition`).
#[derive(Clone, Copy, Debug)]
pub struct Cached {
    pub place: Place,
    /// What the broker said last; it alone remembers.
    pub high_watermark: i64,
    pub log_start_offset: i64,
    /// Where it stands among the session's partitions.
    pub turn: u64,
}

/// Partitions of sessions, by topic, partition and session; a client's is 0. Of one type on both sides: each further one costs the page code.
pub type SessionPartitions = OrdMap<(Uuid, i32, i32), Cached>;

/// `FetchMetadata.INITIAL_EPOCH`: a full request, which asks for a session.
pub const INITIAL_EPOCH: i32 = 0;
/// `FetchMetadata.FINAL_EPOCH`: a full request that asks for none.
pub const FINAL_EPOCH: i32 = -1;

/// `FetchMetadata.nextEpoch`
pub fn next_epoch(epoch: i32) -> i32 {
    match epoch {
        ..0 => FINAL_EPOCH,
        i32::MAX => 1,
        epoch => epoch + 1,
    }
}

/// What is known of the session with one broker.
#[derive(Clone, Debug, Default)]
pub struct FetchSessionHandler {
    /// Of the next request; 0: none.
    session_id: i32,
    epoch: i32,
    /// What the broker knows to be asked for.
    partitions: SessionPartitions,
    turns: u64,
}

impl FetchSessionHandler {
    /// Whether the next request must name all partitions.
    pub fn is_full(&self) -> bool {
        matches!(self.epoch, INITIAL_EPOCH | FINAL_EPOCH)
    }

    /// The broker was asked for nothing, or knows of nothing.
    pub fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// What was asked of a partition last, if the session has it.
    pub fn place(&self, (topic, partition): SessionKey) -> Option<&Place> {
        Some(&self.partitions.get(&(topic, partition, 0))?.place)
    }

    /// `Builder.build`, of all that is wanted: what the session has and is not wanted is forgotten.
    pub fn build(&mut self, wanted: Vec<(SessionKey, Place)>, request: &mut FetchRequest) {
        let before = self.partitions.len();
        let kept = wanted.iter().filter(|(key, _)| self.place(*key).is_some()).count();
        let mut forgotten = Vec::new();
        if kept < before && !self.is_full() {
            let is_gone = |key: &SessionKey| !wanted.iter().any(|(other, _)| other == key);
            let mut gone: Vec<(u64, SessionKey)> =
                self.partitions.iter().map(|(key, cached)| (cached.turn, (key.0, key.1))).filter(|(_, key)| is_gone(key)).collect();
            gone.sort_unstable();
            forgotten.extend(gone.into_iter().map(|(_, key)| key));
        }
        self.update(wanted, forgotten, request);
    }

    /// The same, of what may have changed: for who keeps count of that. A full request must be given all. What the session has already, as it is,
    /// and what it never had and is to be forgotten, is not said again. New partitions are named first, then changed ones in the session's order.
    pub fn update(&mut self, changed: Vec<(SessionKey, Place)>, forgotten: Vec<SessionKey>, request: &mut FetchRequest) {
        (request.session_id, request.session_epoch) = (self.session_id, self.epoch);
        if self.is_full() {
            self.partitions.clear();
        }
        let mut altered = Vec::new();
        for (key, place) in changed {
            match self.partitions.get_mut(&(key.0, key.1, 0)) {
                Some(cached) if cached.place == place => {}
                Some(cached) => {
                    cached.place = place;
                    altered.push((cached.turn, key, place));
                }
                None => {
                    self.turns += 1;
                    let cached = Cached { place, high_watermark: -1, log_start_offset: -1, turn: self.turns };
                    self.partitions.insert((key.0, key.1, 0), cached);
                    push(request, key, &place);
                }
            }
        }
        altered.sort_unstable_by_key(|(turn, ..)| *turn);
        altered.iter().for_each(|(_, key, place)| push(request, *key, place));
        let topics = &mut request.forgotten_topics_data;
        for (topic, partition) in forgotten {
            if self.partitions.remove(&(topic, partition, 0)).is_none() {
                continue;
            }
            match topics.iter_mut().find(|forgotten| forgotten.topic_id == topic) {
                Some(forgotten) => forgotten.partitions.push(partition),
                None => topics.push(ForgottenTopic::default().with_topic_id(topic).with_partitions(vec![partition])),
            }
        }
    }

    /// What an answer means for the session. Returns whether the answer can be used: it names what it may.
    pub fn handle_response(&mut self, response: &FetchResponse) -> bool {
        match response.error_code {
            errors::NONE => {}
            FETCH_SESSION_ID_NOT_FOUND => return self.begin_anew(),
            _ => return self.close_existing_attempt_new(),
        }
        let mut named = 0;
        let mut is_known = true;
        for topic in &response.responses {
            named += topic.partitions.len();
            is_known &= topic.partitions.iter().all(|data| self.place((topic.topic_id, data.partition_index)).is_some());
        }
        if self.is_full() {
            // Also the empty answer to who is throttled (KIP-219).
            if !is_known || named != self.partitions.len() {
                return self.begin_anew();
            }
            self.epoch = INITIAL_EPOCH;
        } else if !is_known {
            return self.close_existing_attempt_new();
        }
        (self.session_id, self.epoch) = match response.session_id {
            // The broker has no room for a session, or has closed this one.
            0 => (0, INITIAL_EPOCH),
            id => (id, next_epoch(self.epoch)),
        };
        true
    }

    /// No answer came: whether the broker has gone on with the session nobody knows.
    pub fn handle_error(&mut self) {
        self.close_existing_attempt_new();
    }

    /// The next request closes the session.
    pub fn notify_close(&mut self) {
        self.epoch = FINAL_EPOCH;
    }

    fn begin_anew(&mut self) -> bool {
        (self.session_id, self.epoch) = (0, INITIAL_EPOCH);
        false
    }

    fn close_existing_attempt_new(&mut self) -> bool {
        self.epoch = INITIAL_EPOCH;
        false
    }
}

const FETCH_SESSION_ID_NOT_FOUND: i16 = 70;

/// Partitions of one topic that follow each other stand under it.
fn push(request: &mut FetchRequest, (topic_id, partition): SessionKey, place: &Place) {
    let asked = place.asked(partition);
    match request.topics.last_mut().filter(|topic| topic.topic_id == topic_id) {
        Some(topic) => topic.partitions.push(asked),
        None => request.topics.push(FetchTopic::default().with_topic_id(topic_id).with_partitions(vec![asked])),
    }
}

/// Scenarios of Kafka's `FetchSessionHandlerTest`.
#[cfg(test)]
mod tests {
    use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};

    use super::*;

    const FOO: Uuid = Uuid::from_u128(1);
    const BAR: Uuid = Uuid::from_u128(2);

    fn at(topic: Uuid, partition: i32, fetch_offset: i64) -> (SessionKey, Place) {
        let place = Place { fetch_offset, log_start_offset: -1, leader_epoch: 0, last_fetched_epoch: -1, max_bytes: 100 };
        ((topic, partition), place)
    }

    fn answer(session_id: i32, error: i16, named: &[SessionKey]) -> FetchResponse {
        let topic = |&(topic, partition): &SessionKey| {
            let data = PartitionData::default().with_partition_index(partition);
            FetchableTopicResponse::default().with_topic_id(topic).with_partitions(vec![data])
        };
        FetchResponse::default().with_session_id(session_id).with_error_code(error).with_responses(named.iter().map(topic).collect())
    }

    /// Session id and epoch, what is asked for (with offsets), and what is forgotten.
    type Said = ((i32, i32), Vec<(SessionKey, i64)>, Vec<SessionKey>);

    fn said(request: &FetchRequest) -> Said {
        let asked = request
            .topics
            .iter()
            .flat_map(|topic| topic.partitions.iter().map(|partition| ((topic.topic_id, partition.partition), partition.fetch_offset)));
        let forgotten = request.forgotten_topics_data.iter();
        let forgotten = forgotten.flat_map(|topic| topic.partitions.iter().map(|&partition| (topic.topic_id, partition)));
        ((request.session_id, request.session_epoch), asked.collect(), forgotten.collect())
    }

    fn build(handler: &mut FetchSessionHandler, wanted: &[(SessionKey, Place)]) -> Said {
        let mut request = FetchRequest::default();
        handler.build(wanted.to_vec(), &mut request);
        said(&request)
    }

    /// One that has got session 123 for these.
    fn in_session(wanted: &[(SessionKey, Place)]) -> FetchSessionHandler {
        let mut handler = FetchSessionHandler::default();
        build(&mut handler, wanted);
        let named: Vec<SessionKey> = wanted.iter().map(|(key, _)| *key).collect();
        assert!(handler.handle_response(&answer(123, 0, &named)));
        handler
    }

    #[test]
    fn without_a_session_each_request_names_all() {
        let mut handler = FetchSessionHandler::default();
        let wanted = [at(FOO, 0, 0), at(FOO, 1, 10)];
        for _ in 0..2 {
            assert_eq!(build(&mut handler, &wanted), ((0, 0), vec![((FOO, 0), 0), ((FOO, 1), 10)], vec![]));
            assert!(handler.handle_response(&answer(0, 0, &[(FOO, 0), (FOO, 1)])));
        }
        assert_eq!(build(&mut handler, &wanted[..1]), ((0, 0), vec![((FOO, 0), 0)], vec![]));
    }

    #[test]
    fn in_a_session_a_request_names_what_is_new() {
        let mut handler = in_session(&[at(FOO, 0, 0), at(FOO, 1, 10)]);
        // New ones first, then what changed, in the session's order.
        let next = [at(FOO, 1, 11), at(FOO, 0, 5), at(BAR, 0, 20)];
        assert_eq!(build(&mut handler, &next), ((123, 1), vec![((BAR, 0), 20), ((FOO, 0), 5), ((FOO, 1), 11)], vec![]));
        assert!(handler.handle_response(&answer(123, 0, &[(FOO, 1)])));
        assert_eq!(build(&mut handler, &next), ((123, 2), vec![], vec![]));
        // The broker closes it: all over again.
        assert!(handler.handle_response(&answer(0, 0, &[])));
        assert_eq!(build(&mut handler, &next).0, (0, 0));
        assert_eq!(build(&mut handler, &next).1.len(), 3);
    }

    #[test]
    fn what_is_not_wanted_any_more_is_forgotten() {
        let mut handler = in_session(&[at(FOO, 0, 0), at(FOO, 1, 10), at(BAR, 0, 20)]);
        assert_eq!(build(&mut handler, &[at(FOO, 1, 10)]), ((123, 1), vec![], vec![(FOO, 0), (BAR, 0)]));
        assert!(handler.handle_response(&answer(123, 0, &[(FOO, 1)])));
        // A topic of that name is another one now.
        assert_eq!(build(&mut handler, &[at(BAR, 1, 10)]), ((123, 2), vec![((BAR, 1), 10)], vec![(FOO, 1)]));
        handler.handle_response(&answer(123, 0, &[]));
        // Who counts what changed need not know what the session has.
        let mut request = FetchRequest::default();
        handler.update(vec![at(BAR, 1, 10), at(BAR, 2, 0)], vec![(FOO, 7)], &mut request);
        assert_eq!(said(&request), ((123, 3), vec![((BAR, 2), 0)], vec![]));
    }

    #[test]
    fn errors_begin_anew() {
        let wanted = [at(FOO, 0, 0)];
        // FETCH_SESSION_ID_NOT_FOUND; the others (INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR, INCONSISTENT_TOPIC_ID) close it.
        for (error, id) in [(70, 0), (71, 123), (106, 123), (103, 123)] {
            let mut handler = in_session(&wanted);
            build(&mut handler, &wanted);
            assert!(!handler.handle_response(&answer(0, error, &[])));
            assert_eq!(build(&mut handler, &wanted), ((id, 0), vec![((FOO, 0), 0)], vec![]), "{error}");
        }
        let mut handler = in_session(&wanted);
        build(&mut handler, &wanted);
        handler.handle_error();
        assert_eq!(build(&mut handler, &wanted).0, (123, 0));
        handler.notify_close();
        assert_eq!(build(&mut handler, &[]), ((123, -1), vec![], vec![]));
    }

    #[test]
    fn an_answer_names_what_it_may() {
        let wanted = [at(FOO, 0, 0), at(FOO, 1, 10)];
        for named in [&[(FOO, 0)][..], &[], &[(FOO, 0), (FOO, 1), (BAR, 0)]] {
            let mut handler = FetchSessionHandler::default();
            build(&mut handler, &wanted);
            assert!(!handler.handle_response(&answer(123, 0, named)), "{named:?}");
            assert_eq!(build(&mut handler, &wanted).0, (0, 0));
        }
        let mut handler = in_session(&wanted);
        build(&mut handler, &wanted);
        assert!(!handler.handle_response(&answer(123, 0, &[(BAR, 1)])));
        assert_eq!(build(&mut handler, &wanted).0, (123, 0));
    }

    #[test]
    fn epochs_go_round() {
        assert_eq!([-1, 0, 1, i32::MAX].map(next_epoch), [-1, 1, 2, 1]);
    }
}
