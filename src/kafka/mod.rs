//! Apache Kafka 4.3, as actors: formats, protocol, log, servers and clients.

pub mod actor;
pub mod broker;
pub mod client;
pub mod config;
pub mod controller;
pub mod event;
pub mod group;
pub mod log;
pub mod metadata;
pub mod names;
pub mod protocol;
pub mod quota;
pub mod raft;
pub mod records;
pub mod rules;
pub mod security;
