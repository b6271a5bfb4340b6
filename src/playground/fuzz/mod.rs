//! Random clusters, loads and faults, and whether all that must hold holds: the proof that the simulated Kafka behaves.
//!
//! * [`plan`]: what a seed means: a cluster, its clients, and what is done to them when
//! * [`run`]: carrying a plan out under the eyes of [`super::invariants`] and [`super::history::whole`]
//! * [`legal`]: which anomalies Kafka allows
//! * [`coverage`]: what was really hit
//! * [`shrink`]: less of a plan that still fails
//! * [`replay`]: a plan in a few characters, so that a failure can be played again

mod calm;
pub mod coverage;
mod deeds;
pub mod legal;
pub mod plan;
pub mod replay;
pub mod run;
pub mod shrink;
