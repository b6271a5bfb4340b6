//! kafka-producer-perf-test and kafka-consumer-perf-test: real clients, and what they measure.
//!
//! * [`producer`], [`consumer`]: the two tools
//! * [`throttle`]: how fast records are sent; [`stats`]: what is counted
//! * [`metrics`]: what `--print-metrics` prints
//! * [`transactions`]: what becomes of a transactional producer in a cluster without a transaction coordinator

pub mod consumer;
pub mod metrics;
pub mod producer;
pub mod stats;
pub mod throttle;
pub mod transactions;
