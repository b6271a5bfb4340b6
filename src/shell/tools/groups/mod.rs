//! kafka-consumer-groups (`org.apache.kafka.tools.consumer.group.ConsumerGroupCommand`).

pub mod args;
pub mod tables;
