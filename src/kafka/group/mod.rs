//! The group coordinator (`GroupMetadataManager`, `OffsetMetadataManager`), and the assignors that members use.
//!
//! A broker embeds one [`coordinator::GroupCoordinator`]; it is a state machine without I/O: requests and the fate of its appends go in,
//! answers, appends and events come out through [`out::GroupOut`].
//!
//! * [`config`]: the broker's settings for groups
//! * [`out`]: what the coordinator asks of its broker
//! * [`coordinator`]: which groups are led here; requests, timers and finished appends find their group
//! * [`classic_group`], [`member`]: the state of a group
//! * [`join`], [`static_member`], [`rebalance`], [`sync`], [`heartbeat`], [`leave`], [`offsets`], [`delete`], [`describe`]: one file a family of rules
//! * [`record`]: keys and values in `__consumer_offsets`
//! * [`consumer`]: the consumer protocol (KIP-848)
//! * [`load`]: a group's state from those records
//! * [`hash_order`]: in which order Java's hash maps give their keys
//! * [`assignor`]: how a leader spreads partitions over members
//!
//! Not here yet: transactional offset commits, expiry of offsets.

pub mod assignor;
pub mod classic_group;
pub mod config;
pub mod consumer;
pub mod coordinator;
mod delete;
mod describe;
pub mod hash_order;
mod heartbeat;
mod join;
mod leave;
mod load;
pub mod member;
pub mod offsets;
pub mod out;
mod rebalance;
pub mod record;
mod static_member;
mod sync;

#[cfg(test)]
mod tests;
