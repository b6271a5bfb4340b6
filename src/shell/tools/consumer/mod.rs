//! kafka-console-consumer (`org.apache.kafka.tools.consumer.ConsoleConsumer`).

pub mod args;
pub mod formatter;
