//! The world of one cluster: what it is built from, what is done to it, what is seen of it, and its time.
//!
//! * [`spec`]: what a cluster is made of at time zero
//! * [`command`]: what can be done to it
//! * [`journal`]: what was done to it, and when
//! * [`timeline`]: back and forth in time; [`checkpoints`], [`branch`]: from where
//! * [`chronicle`]: what happened, as far as it is kept
//! * [`snapshot`]: what is visible of it at one instant
//! * [`mirror`], [`stored`], [`keeper`]: what of it is to be stored, so that it outlives the tab
//! * [`history`]: whether what was acknowledged is what was read

pub mod branch;
pub mod checkpoints;
pub mod chronicle;
pub mod command;
pub mod history;
pub mod journal;
pub mod keeper;
pub mod mirror;
pub mod snapshot;
pub mod spec;
pub mod stored;
pub mod timeline;
