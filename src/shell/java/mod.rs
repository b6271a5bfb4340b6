//! What Kafka's tools owe to Java: the order of hash maps, log lines, exceptions' names, numbers' texts.

pub mod datetime;
pub mod double;
pub mod exception;
pub mod hash;
pub mod json;
pub mod log;
pub mod number;
pub mod table;

pub use self::number::double;
