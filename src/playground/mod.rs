//! The world of one cluster: what it is built from, what is done to it, what is seen of it, and its time.
//!
//! * [`spec`]: what a cluster is made of at time zero
//! * [`command`]: what can be done to it
//! * [`snapshot`]: what is visible of it at one instant
//! * [`history`]: whether what was acknowledged is what was read

pub mod command;
pub mod history;
pub mod snapshot;
pub mod spec;
