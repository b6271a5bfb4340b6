//! `KafkaConsumer`, as a state machine.
//!
//! * [`config`]: what can be set
//! * [`kafka_consumer`]: the consumer: what an application calls, and who is called in a step
//! * [`subscription`]: what is read, and how far
//! * [`membership`]: the group: coordinator, JoinGroup, SyncGroup, Heartbeat, LeaveGroup
//! * [`heartbeats`]: the group by the consumer protocol (KIP-848)
//! * [`protocols`]: what a member says of itself when it joins, eager and cooperative
//! * [`commit`]: OffsetCommit and OffsetFetch
//! * [`offset_lookup`]: ListOffsets, where there is no position
//! * [`validation`]: OffsetForLeaderEpoch, where there is a new leader
//! * [`fetcher`]: Fetch requests and what came of them
//! * [`completed_fetch`]: records out of one answer, a portion at a time
//! * [`load`]: a process of the world that consumes
//!
//! Not here: patterns.

mod commit;
mod completed_fetch;
pub mod config;
mod fetcher;
mod heartbeats;
pub mod kafka_consumer;
pub mod load;
mod membership;
mod offset_lookup;
pub mod protocols;
pub mod subscription;
mod validation;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
