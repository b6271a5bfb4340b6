//! kafka-console-producer (`org.apache.kafka.tools.ConsoleProducer`).

pub mod args;
pub mod reader;
