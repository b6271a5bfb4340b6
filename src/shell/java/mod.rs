//! What Kafka's tools owe to Java: the order of hash maps, log lines, exceptions' names, integers' texts.

pub mod datetime;
pub mod exception;
pub mod hash;
pub mod log;
