//! Clients: network client, metadata, producer, consumer, admin. State machines without I/O, driven from a process's step.
//!
//! * [`backoff`]: waiting longer after each failure
//! * [`log`]: the lines a client would log
//! * [`network`]: requests to nodes, and what came of them
//! * [`metadata`]: what a client knows of the cluster
//! * [`cluster`]: network and metadata together: what producer, consumer and admin client stand on
//! * [`config`]: reading settings in Kafka's words; [`iso_duration`]: spans of time in them
//! * [`error`]: Kafka's exceptions, as values
//! * [`fetch_session`]: what a broker knows to be asked for (KIP-227)
//! * [`consumer`]: reads records, alone or in a group
//! * [`admin`]: what tools ask of a cluster
//! * [`producer`]: from `send` to the acknowledgement

pub mod admin;
pub mod backoff;
pub mod cluster;
pub mod config;
pub mod consumer;
pub mod error;
pub mod fetch_session;
pub mod iso_duration;
pub mod log;
pub mod metadata;
pub mod network;
pub mod producer;
#[cfg(test)]
mod testing;
