//! Clients: network client, metadata, producer, consumer, admin. State machines without I/O, driven from a process's step.
//!
//! * [`backoff`]: waiting longer after each failure
//! * [`log`]: the lines a client would log
//! * [`network`]: requests to nodes, and what came of them
//! * [`metadata`]: what a client knows of the cluster
//! * [`cluster`]: network and metadata together: what producer, consumer and admin client stand on

pub mod backoff;
pub mod cluster;
pub mod log;
pub mod metadata;
pub mod network;
#[cfg(test)]
mod testing;
