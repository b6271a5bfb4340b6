//! Configuration: names, types and defaults as Kafka has them.

pub mod broker;
mod broker_table;
pub mod client_metrics;
pub mod group;
pub mod topic;
