//! kafka-get-offsets (`org.apache.kafka.tools.GetOffsetShell`).

pub mod args;
