//! Discrete-event simulation: one queue, virtual microseconds, processes on hosts, connections, disks. Knows no Kafka.

pub mod chunk;
