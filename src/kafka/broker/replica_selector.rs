//! Fetching from the closest replica (KIP-392): a leader names the replica that a consumer had better fetch from, if it is set up to.

use kafka_protocol::messages::BrokerId;

use super::partition::{Follower, Partition};
use super::process::Broker;
use crate::kafka::actor::Config;
use crate::sim::process::ConnId;

/// Whether server.properties have the one selector that chooses (`replica.selector.class`).
pub fn is_rack_aware(config: &Config) -> bool {
    config.get("replica.selector.class").is_some_and(|class| class.trim() == "org.apache.kafka.common.replica.RackAwareReplicaSelector")
}

impl Broker {
    /// `findPreferredReadReplica`, with `RackAwareReplicaSelector`: of the replicas in the consumer's rack, the one that has most, unless the
    /// leader is there itself. Who is not in sync may stay behind, and a consumer with it.
    pub(super) fn find_preferred_read_replica(
        &self,
        conn: ConnId,
        rack: &str,
        partition: &Partition,
        fetch_offset: i64,
    ) -> Option<BrokerId> {
        let leading = partition.leading.as_ref().filter(|_| self.settings.rack_aware && !rack.is_empty())?;
        let listener = self.listener_of(conn);
        let is_near = |id: i32| {
            let broker = self.image.brokers.get(&id);
            broker.is_some_and(|broker| broker.rack.as_deref() == Some(rack) && broker.endpoint(listener).is_some())
        };
        if is_near(self.spec.id.0) {
            return None;
        }
        let has_it = |id: i32, follower: &Follower| {
            partition.isr().contains(&id) && follower.log_end >= fetch_offset && follower.log_start <= fetch_offset
        };
        let near = leading.followers.iter().filter(|&(&id, follower)| has_it(id, follower) && is_near(id));
        near.max_by_key(|(id, follower)| (follower.log_end, follower.last_caught_up, **id)).map(|(&id, _)| BrokerId(id))
    }
}
