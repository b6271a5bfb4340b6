//! Discrete-event simulation: one queue, virtual microseconds, processes on hosts, connections, disks. Knows no Kafka.
//!
//! * [`time`]: virtual time and durations
//! * [`rng`]: one random stream per process and per link, derived from the seed
//! * [`digest`]: the running hash over all events with their times
//! * [`chunk`]: immutable bytes with an identity
//! * [`disk`]: a host's small file system, flushed and unflushed bytes
//! * [`net`]: hosts, links, connections
//! * [`process`]: what a process is: input, outbox, step
//! * [`queue`]: the one queue and its order
//! * [`service`]: work that takes time
//! * [`fault`]: what can be done to hosts and links
//! * [`engine`]: the loop that ties them together

pub mod chunk;
pub mod digest;
pub mod disk;
pub mod engine;
pub mod fault;
pub mod net;
pub mod process;
pub mod queue;
pub mod rng;
pub mod service;
pub mod time;
