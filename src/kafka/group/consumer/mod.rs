//! Groups of the consumer protocol (KIP-848, `org.apache.kafka.coordinator.group.modern.consumer`): members say in heartbeats what they want
//! and what they have; the coordinator computes a target and leads each member to it.
//!
//! * [`assignment`]: partitions by topic id
//! * [`assignor`]: who is to read what
//! * [`current_assignment`]: one member's way to its target
//! * [`record`]: keys and values in `__consumer_offsets`
//! * [`group`]: what the records add up to
//! * [`heartbeat`], `target`, [`describe`], `coordinator`: the rules
//!
//! Not here: subscription by regular expression on the coordinator (the console consumer's `--include` is resolved by the client), racks, and
//! members of the classic protocol in the same group (online migration).

pub mod assignment;
pub mod assignor;
mod coordinator;
pub mod current_assignment;
pub mod describe;
pub mod group;
pub mod heartbeat;
pub mod record;
mod target;

#[cfg(test)]
mod tests;
