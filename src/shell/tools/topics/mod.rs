//! kafka-topics (`org.apache.kafka.tools.TopicCommand`).

pub mod args;
pub mod describe;
