//! Fetch sessions of a broker (KIP-227; `FetchSessionCache`, `FetchSession`): a fetch names only what changed, an answer holds only what is new.
//!
//! Kafka looks at all partitions of a session at each fetch. Here each event marks the partition it is about in the sessions that have it, and a
//! fetch looks at those: what is not marked has nothing to say. So a fetch costs what it moves, not the number of partitions that exist.
//! Sessions are in memory, and end with the process.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::FetchRequest;
use kafka_protocol::messages::fetch_response::PartitionData;
use uuid::Uuid;

use crate::kafka::client::fetch_session::{Cached, Place, SessionKey, SessionPartitions, next_epoch};
use crate::sim::process::ConnId;

/// `KafkaBroker.NumFetchSessionCacheShards`: each has its part of the ids and of the slots.
const SHARDS: i32 = 8;
const SESSION_ID_RANGE: i32 = i32::MAX / SHARDS;
/// `min.incremental.fetch.session.eviction.ms`, which in Kafka cannot be set.
const EVICTION_MS: u64 = 120_000;

/// A session.
#[derive(Clone, Debug)]
struct Session {
    /// What the next request must have.
    epoch: i32,
    /// A follower's, which no consumer's displaces before its time.
    privileged: bool,
    created_ms: u64,
    last_used_ms: u64,
    size: u32,
    /// As of its last use, which is what counts when room is sought.
    cached_size: u32,
    turns: u64,
    /// Where an answer may have something to say, in the session's order.
    dirty: BTreeMap<u64, SessionKey>,
    /// Its fetches that wait; mostly one at the most.
    waiting: Vec<u64>,
    /// No longer in the cache, and here only for its fetches that wait.
    removed: bool,
    /// By whom, and by which ACLs, all its partitions may be read but those that are marked.
    allowed: Option<(ConnId, u64)>,
}

/// What an answer says of a partition, for the session to remember.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    pub key: SessionKey,
    pub place: Place,
    pub high_watermark: i64,
    pub log_start_offset: i64,
    pub has_records: bool,
    /// There is nothing more to say before something happens.
    pub is_settled: bool,
}

/// The sessions of a broker, at most `max.incremental.fetch.session.cache.slots`.
#[derive(Clone, Debug, Default)]
pub struct FetchSessionCache {
    sessions: BTreeMap<i32, Session>,
    partitions: SessionPartitions,
    /// How many asked for a session so far: each next one at the next shard.
    asked: u64,
    /// How often the ACLs have changed.
    pub acls: u64,
}

impl FetchSessionCache {
    /// `FetchManager.newContext`, of an incremental request: the session goes on. Returns how many partitions it has; with none it is closed.
    ///
    /// # Errors
    /// FetchSessionIdNotFound, InvalidFetchSessionEpoch.
    pub fn resume(&mut self, now_ms: u64, request: &FetchRequest) -> Result<u32, ResponseError> {
        let id = request.session_id;
        let session = self.sessions.get(&id).filter(|session| !session.removed).ok_or(ResponseError::FetchSessionIdNotFound)?;
        if session.epoch != request.session_epoch {
            return Err(ResponseError::InvalidFetchSessionEpoch);
        }
        for topic in &request.topics {
            for asked in &topic.partitions {
                self.set(id, (topic.topic_id, asked.partition), Place::of(asked));
            }
        }
        for topic in &request.forgotten_topics_data {
            topic.partitions.iter().for_each(|&partition| self.forget_partition(id, (topic.topic_id, partition)));
        }
        let session = self.sessions.get_mut(&id).ok_or(ResponseError::FetchSessionIdNotFound)?;
        if session.size == 0 {
            self.remove(id);
            return Ok(0);
        }
        session.last_used_ms = now_ms;
        session.cached_size = session.size;
        session.epoch = next_epoch(session.epoch);
        Ok(session.size)
    }

    /// `FullFetchContext`: a session for what a full request was told, if there is room or can be made. Returns its id, or 0.
    /// `seed` makes the ids of one run of a broker others than those of the next.
    pub fn maybe_create(&mut self, now_ms: u64, privileged: bool, slots: i32, seed: u64, told: &[Told]) -> i32 {
        let shard = (self.asked % SHARDS as u64) as i32;
        self.asked += 1;
        let size = told.len() as u32;
        let in_shard = self.in_shard(shard).count() as i32;
        if in_shard >= slots / SHARDS && !self.try_evict(shard, now_ms, privileged, size) {
            return 0;
        }
        let id = self.new_id(shard, seed);
        let session = Session {
            epoch: 1,
            privileged,
            created_ms: now_ms,
            last_used_ms: now_ms,
            size: 0,
            cached_size: size,
            turns: 0,
            dirty: BTreeMap::new(),
            waiting: Vec::new(),
            removed: false,
            allowed: None,
        };
        self.sessions.insert(id, session);
        for told in told {
            self.set(id, told.key, told.place);
            // The session begins in the order of the answer, whatever that brought.
            self.tell(id, &Told { has_records: false, ..*told });
        }
        id
    }

    /// A session ends. One for which a fetch waits stays until that is answered.
    pub fn remove(&mut self, id: i32) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.removed = true;
        if session.waiting.is_empty() {
            self.sessions.remove(&id);
            let keys: Vec<(Uuid, i32, i32)> = self.partitions.keys().filter(|key| key.2 == id).copied().collect();
            keys.iter().for_each(|key| _ = self.partitions.remove(key));
        }
    }

    /// What the next request of a session must have; `None`: there is no such session.
    pub fn epoch(&self, id: i32) -> Option<i32> {
        self.sessions.get(&id).map(|session| session.epoch)
    }

    pub fn size(&self, id: i32) -> usize {
        self.sessions.get(&id).map_or(0, |session| session.size as usize)
    }

    /// Where an answer may have something to say, in the session's order.
    pub fn dirty(&self, id: i32) -> impl Iterator<Item = (SessionKey, Place)> + '_ {
        let dirty = self.sessions.get(&id).into_iter().flat_map(|session| session.dirty.values());
        dirty.filter_map(move |&key| Some((key, self.partitions.get(&entry(key, id))?.place)))
    }

    /// Something happened in a partition: answers look there.
    pub fn mark(&mut self, (topic, partition): SessionKey) {
        for (key, cached) in self.partitions.range((topic, partition, i32::MIN)..=(topic, partition, i32::MAX)) {
            if let Some(session) = self.sessions.get_mut(&key.2) {
                session.dirty.insert(cached.turn, (topic, partition));
            }
        }
    }

    /// Who may read what is asked anew for all partitions of a session, where another asks, or the ACLs are others than when it was last asked.
    pub fn recheck(&mut self, id: i32, conn: ConnId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let by = Some((conn, self.acls));
        if session.allowed != by {
            session.allowed = by;
            let own = self.partitions.iter().filter(|(key, _)| key.2 == id);
            session.dirty = own.map(|(key, cached)| (cached.turn, (key.0, key.1))).collect();
        }
    }

    /// `CachedPartition.maybeUpdateResponseData`, as a question: whether an answer must name this partition.
    pub fn has_news(&self, id: i32, key: SessionKey, data: &PartitionData, has_records: bool) -> bool {
        self.partitions.get(&entry(key, id)).is_some_and(|cached| {
            has_records
                || data.error_code != 0
                || data.diverging_epoch.epoch >= 0
                || data.preferred_read_replica.0 >= 0
                || cached.high_watermark != data.high_watermark
                || cached.log_start_offset != data.log_start_offset
        })
    }

    /// The same, as a fact. What brought records goes behind the others, so that all get their turn.
    pub fn tell(&mut self, id: i32, told: &Told) {
        let (Some(session), Some(cached)) = (self.sessions.get_mut(&id), self.partitions.get_mut(&entry(told.key, id))) else { return };
        (cached.high_watermark, cached.log_start_offset) = (told.high_watermark, told.log_start_offset);
        session.dirty.remove(&cached.turn);
        if told.has_records {
            session.turns += 1;
            cached.turn = session.turns;
        }
        if !told.is_settled {
            session.dirty.insert(cached.turn, told.key);
        }
    }

    /// A fetch of this session waits, or no longer does.
    pub fn set_waiting(&mut self, id: i32, number: u64, waits: bool) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.waiting.retain(|&other| other != number);
        if waits {
            session.waiting.push(number);
        } else if session.removed {
            self.remove(id);
        }
    }

    /// Fetches that wait for a partition by their session.
    pub fn waiting_for(&self, (topic, partition): SessionKey) -> impl Iterator<Item = u64> + '_ {
        let holders = self.partitions.range((topic, partition, i32::MIN)..=(topic, partition, i32::MAX));
        holders.filter_map(|(key, _)| self.sessions.get(&key.2)).flat_map(|session| session.waiting.iter().copied())
    }

    /// What is asked of a partition; it is looked at.
    fn set(&mut self, id: i32, key: SessionKey, place: Place) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let turn = match self.partitions.get_mut(&entry(key, id)) {
            Some(cached) => {
                cached.place = place;
                cached.turn
            }
            None => {
                session.turns += 1;
                session.size += 1;
                let cached = Cached { place, high_watermark: -1, log_start_offset: -1, turn: session.turns };
                self.partitions.insert(entry(key, id), cached);
                session.turns
            }
        };
        session.dirty.insert(turn, key);
    }

    fn forget_partition(&mut self, id: i32, key: SessionKey) {
        if let (Some(session), Some(cached)) = (self.sessions.get_mut(&id), self.partitions.remove(&entry(key, id))) {
            session.size -= 1;
            session.dirty.remove(&cached.turn);
        }
    }

    fn in_shard(&self, shard: i32) -> impl Iterator<Item = (&i32, &Session)> {
        self.sessions.iter().filter(move |(id, session)| **id / SESSION_ID_RANGE == shard && !session.removed)
    }

    /// `FetchSessionCacheShard.tryEvict`: one that was not used for long goes; else the least of those that may go, if it is not worth more than
    /// the new one: a consumer's before a follower's, then the smaller.
    fn try_evict(&mut self, shard: i32, now_ms: u64, privileged: bool, size: u32) -> bool {
        let stale = self.in_shard(shard).min_by_key(|(id, session)| (session.last_used_ms, **id));
        let Some((&id, _)) = stale.filter(|(_, session)| now_ms.saturating_sub(session.last_used_ms) > EVICTION_MS).or_else(|| {
            // Whether it was young is a matter of its last use (`touch`).
            let is_old = |session: &Session| session.last_used_ms - session.created_ms > EVICTION_MS;
            let may_go = |session: &Session| is_old(session) || privileged && !session.privileged;
            let worth = |id: i32, session: &Session| (session.privileged, session.cached_size, id);
            let evictable = self.in_shard(shard).filter(|(_, session)| may_go(session));
            let least = evictable.min_by_key(|(id, session)| worth(**id, session));
            least.filter(|(id, session)| (privileged, size, 0) >= worth(**id, session))
        }) else {
            return false;
        };
        self.remove(id);
        true
    }

    /// `newSessionId`, which in Kafka is drawn at random.
    fn new_id(&self, shard: i32, seed: u64) -> i32 {
        let first = (shard * SESSION_ID_RANGE).max(1);
        let count = ((shard + 1) * SESSION_ID_RANGE - first) as u64;
        let mut n = seed.wrapping_add(self.asked.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        loop {
            // SplitMix64
            n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            n ^= n >> 31;
            let id = first + (n % count) as i32;
            if !self.sessions.contains_key(&id) {
                return id;
            }
            n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
        }
    }
}

fn entry((topic, partition): SessionKey, session: i32) -> (Uuid, i32, i32) {
    (topic, partition, session)
}

/// Scenarios of Kafka's `FetchSessionTest`, of one shard.
#[cfg(test)]
mod tests {
    use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};

    use super::*;
    use crate::sim::process::ProcessId;

    const TOPIC: Uuid = Uuid::from_u128(1);

    fn told(partition: i32, high_watermark: i64, has_records: bool) -> Told {
        let place = Place { fetch_offset: 0, log_start_offset: -1, leader_epoch: 0, last_fetched_epoch: -1, max_bytes: 100 };
        Told { key: (TOPIC, partition), place, high_watermark, log_start_offset: 0, has_records, is_settled: !has_records }
    }

    /// In the first shard, of three slots.
    fn create(cache: &mut FetchSessionCache, now_ms: u64, privileged: bool, size: i32) -> i32 {
        cache.asked = cache.asked.next_multiple_of(SHARDS as u64);
        let all: Vec<Told> = (0..size).map(|n| told(n, 10, false)).collect();
        cache.maybe_create(now_ms, privileged, 3 * SHARDS, 7, &all)
    }

    fn request(id: i32, epoch: i32, asked: &[i32], forgotten: &[i32]) -> FetchRequest {
        let mut request = FetchRequest::default().with_session_id(id).with_session_epoch(epoch);
        let asked = asked.iter().map(|&n| FetchPartition::default().with_partition(n)).collect();
        request.topics.push(FetchTopic::default().with_topic_id(TOPIC).with_partitions(asked));
        request.forgotten_topics_data.push(ForgottenTopic::default().with_topic_id(TOPIC).with_partitions(forgotten.to_vec()));
        request
    }

    fn touch(cache: &mut FetchSessionCache, id: i32, now_ms: u64) {
        let epoch = cache.epoch(id).unwrap();
        cache.resume(now_ms, &request(id, epoch, &[], &[])).unwrap();
    }

    fn check(cache: &FetchSessionCache, ids: &[i32]) {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        assert_eq!(cache.sessions.keys().copied().collect::<Vec<_>>(), ids);
        let sizes: usize = cache.sessions.keys().map(|&id| cache.size(id)).sum();
        assert_eq!(cache.partitions.len(), sizes, "nothing is left of those that are gone");
    }

    fn dirty(cache: &FetchSessionCache, id: i32) -> Vec<i32> {
        cache.dirty(id).map(|((_, partition), _)| partition).collect()
    }

    #[test]
    fn who_has_to_go() {
        let mut cache = FetchSessionCache::default();
        let ms = EVICTION_MS;
        let [a, b, c] = [(0, 10), (10, 20), (20, 30)].map(|(now, size)| create(&mut cache, now, false, size));
        assert!([a, b, c].iter().all(|id| (1..SESSION_ID_RANGE).contains(id)));
        // All are young.
        assert_eq!(create(&mut cache, 30, false, 40), 0);
        assert_eq!(create(&mut cache, 40, false, 5), 0);
        check(&cache, &[a, b, c]);
        // The second was used longest ago.
        touch(&mut cache, a, 2 * ms);
        let d = create(&mut cache, 2 * ms + 10, false, 11);
        check(&cache, &[a, c, d]);
        for (id, now) in [(a, 4 * ms), (c, 4 * ms - 10), (d, 4 * ms)] {
            touch(&mut cache, id, now);
        }
        // All are old, none is stale: a larger one takes the place of the smallest, a smaller one does not.
        let e = create(&mut cache, 4 * ms + 10, false, 50);
        check(&cache, &[c, d, e]);
        assert_eq!(create(&mut cache, 4 * ms + 10, false, 5), 0);
        let f = create(&mut cache, 4 * ms + 10, true, 5);
        check(&cache, &[c, e, f]);
    }

    #[test]
    fn followers_stay() {
        let mut cache = FetchSessionCache::default();
        let privileged = [0, 0, 0].map(|now| create(&mut cache, now, true, 10));
        assert_eq!(create(&mut cache, 10, false, 100), 0);
        assert_eq!(create(&mut cache, 10, true, 100), 0, "young, and as privileged");
        privileged.iter().for_each(|&id| touch(&mut cache, id, EVICTION_MS + 1));
        assert_eq!(create(&mut cache, EVICTION_MS + 1, false, 100), 0);
        assert_ne!(create(&mut cache, EVICTION_MS + 1, true, 100), 0);
    }

    #[test]
    fn shards_take_turns() {
        let mut cache = FetchSessionCache::default();
        for shard in (0..SHARDS).chain(0..SHARDS) {
            let id = cache.maybe_create(0, false, 1_000, 7, &[told(0, 0, false)]);
            assert_eq!(id / SESSION_ID_RANGE, shard);
        }
        let few = |slots| FetchSessionCache::default().maybe_create(0, true, slots, 7, &[]);
        assert_eq!(few(7), 0, "fewer slots than shards are none");
        assert_ne!(few(8), 0);
        let other_run = FetchSessionCache::default().maybe_create(0, true, 8, 8, &[]);
        assert_ne!(few(8), other_run);
    }

    #[test]
    fn ids_and_epochs() {
        let mut cache = FetchSessionCache::default();
        let id = create(&mut cache, 0, false, 2);
        let not_found = Err(ResponseError::FetchSessionIdNotFound);
        assert_eq!(cache.resume(0, &request(id + 1, 1, &[], &[])), not_found);
        assert_eq!(cache.resume(0, &request(id, 1, &[2], &[])), Ok(3));
        for epoch in [1, 3, -2] {
            assert_eq!(cache.resume(0, &request(id, epoch, &[], &[])), Err(ResponseError::InvalidFetchSessionEpoch));
        }
        assert_eq!(cache.resume(0, &request(id, 2, &[], &[1, 9])), Ok(2));
        // A session of nothing is closed.
        assert_eq!(cache.resume(0, &request(id, 3, &[], &[0, 2])), Ok(0));
        assert_eq!(cache.resume(0, &request(id, 4, &[], &[])), not_found);
        check(&cache, &[]);
    }

    #[test]
    fn one_that_is_waited_for_is_gone_and_still_answers() {
        let mut cache = FetchSessionCache::default();
        let id = create(&mut cache, 0, false, 2);
        cache.set_waiting(id, 5, true);
        cache.remove(id);
        assert_eq!(cache.resume(0, &request(id, 1, &[], &[])), Err(ResponseError::FetchSessionIdNotFound));
        cache.mark((TOPIC, 1));
        assert_eq!((dirty(&cache, id), cache.waiting_for((TOPIC, 1)).collect::<Vec<_>>()), (vec![1], vec![5]));
        cache.set_waiting(id, 5, false);
        check(&cache, &[]);
    }

    #[test]
    fn answers_look_where_something_happened_and_those_with_records_go_to_the_end() {
        let mut cache = FetchSessionCache::default();
        let id = create(&mut cache, 0, false, 4);
        assert!(dirty(&cache, id).is_empty());
        [3, 1, 0, 9].iter().for_each(|&n| cache.mark((TOPIC, n)));
        assert_eq!(dirty(&cache, id), [0, 1, 3]);
        cache.tell(id, &told(0, 11, true));
        assert_eq!(dirty(&cache, id), [1, 3, 0], "it is there until there is nothing more to read");
        cache.tell(id, &told(3, 11, false));
        cache.tell(id, &told(0, 11, false));
        assert_eq!(dirty(&cache, id), [1]);
        cache.mark((TOPIC, 0));
        cache.mark((TOPIC, 3));
        assert_eq!(dirty(&cache, id), [1, 3, 0]);
        // What is asked for anew is looked at.
        cache.resume(0, &request(id, 1, &[2, 4], &[3])).unwrap();
        assert_eq!(dirty(&cache, id), [1, 2, 0, 4]);
    }

    #[test]
    fn news() {
        let mut cache = FetchSessionCache::default();
        let id = create(&mut cache, 0, false, 1);
        let data = PartitionData::default().with_high_watermark(10).with_log_start_offset(0).with_aborted_transactions(None);
        let check = |cache: &FetchSessionCache, data: &PartitionData, records, expected| {
            assert_eq!(cache.has_news(id, (TOPIC, 0), data, records), expected, "{data:?}");
        };
        check(&cache, &data, false, false);
        check(&cache, &data, true, true);
        check(&cache, &data.clone().with_high_watermark(11), false, true);
        check(&cache, &data.clone().with_log_start_offset(1), false, true);
        let mut diverging = data.clone();
        diverging.diverging_epoch.epoch = 1;
        check(&cache, &diverging, false, true);
        // After an error all is news again.
        let failed = data.clone().with_error_code(6).with_high_watermark(-1).with_log_start_offset(-1);
        check(&cache, &failed, false, true);
        cache.tell(id, &Told { high_watermark: -1, log_start_offset: -1, is_settled: false, ..told(0, 10, false) });
        check(&cache, &failed, false, true);
        check(&cache, &data, false, true);
    }

    #[test]
    fn other_acls_or_another_reader_are_asked_about_everything() {
        let mut cache = FetchSessionCache::default();
        let id = create(&mut cache, 0, false, 2);
        let conn = |n| ConnId { opener: ProcessId(1), n };
        for (n, acls, expected) in [(1, 0, true), (1, 0, false), (1, 1, true), (1, 1, false), (2, 1, true)] {
            cache.acls = acls;
            cache.recheck(id, conn(n));
            assert_eq!(dirty(&cache, id) == [0, 1], expected, "{n} {acls}");
            [0, 1].iter().for_each(|&n| cache.tell(id, &told(n, 10, false)));
        }
    }
}
