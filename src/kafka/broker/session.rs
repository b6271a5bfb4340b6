//! Incremental fetch sessions of followers (KIP-227): a fetch names only what changed, an answer holds only what is new.
//! So a fetch costs what it moves, not the number of partitions that exist.

use std::collections::{BTreeMap, BTreeSet};

use imbl::OrdMap;

use crate::kafka::names::TopicPartition;

/// A follower's place in a partition, as its session remembers it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub fetch_offset: i64,
    pub leader_epoch: i32,
    pub last_fetched_epoch: i32,
    pub max_bytes: i32,
}

/// A follower's session.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: i32,
    /// The epoch that its next request must have.
    pub next_epoch: i32,
    pub places: OrdMap<TopicPartition, Place>,
    /// Where an answer may have something to say.
    pub dirty: BTreeSet<TopicPartition>,
}

/// The sessions of all followers, by broker.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    by_replica: BTreeMap<i32, Session>,
    last_id: i32,
}

impl Sessions {
    /// A full fetch begins a session anew; the one before is forgotten.
    pub fn begin(&mut self, replica: i32) -> &mut Session {
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        let session = Session { id: self.last_id, next_epoch: 1, places: OrdMap::new(), dirty: BTreeSet::new() };
        self.by_replica.insert(replica, session);
        self.by_replica.get_mut(&replica).expect("was just inserted")
    }

    /// The session that an incremental fetch goes on with; none if id or epoch are not the expected ones.
    pub fn resume(&mut self, replica: i32, id: i32, epoch: i32) -> Option<&mut Session> {
        let session = self.by_replica.get_mut(&replica).filter(|session| session.id == id && session.next_epoch == epoch)?;
        session.next_epoch = if epoch == i32::MAX { 1 } else { epoch + 1 };
        Some(session)
    }

    pub fn get_mut(&mut self, replica: i32) -> Option<&mut Session> {
        self.by_replica.get_mut(&replica)
    }

    /// Something happened in a partition: these followers' next answers look there.
    pub fn mark(&mut self, partition: &TopicPartition, replicas: impl Iterator<Item = i32>) {
        for replica in replicas {
            if let Some(session) = self.by_replica.get_mut(&replica)
                && session.places.contains_key(partition)
            {
                session.dirty.insert(partition.clone());
            }
        }
    }
}
