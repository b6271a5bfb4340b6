//! Configuration: names, types and defaults as Kafka has them.

pub mod topic;
