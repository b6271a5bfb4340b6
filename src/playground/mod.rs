//! The world of one cluster: what it is built from, what is done to it, what is seen of it, and its time.
//!
//! * [`spec`]: what a cluster is made of at time zero
//! * [`model`]: which processes there are; [`setup`]: the one that creates the described topics
//! * [`world`]: all of it; [`build`]: from a description to a cluster that is ready
//! * [`command`]: what can be done to it
//! * [`folder`]: the terminals' files, and those that a person puts there
//! * [`journal`]: what was done to it, and when
//! * [`timeline`]: back and forth in time; [`checkpoints`], [`branch`]: from where
//! * [`chronicle`]: what happened, as far as it is kept
//! * [`narrate`], [`why`], [`marks`]: what happened, in words and on the time bar
//! * [`metrics`]: how much flows
//! * [`snapshot`]: what is visible of it at one instant; [`view`]: how that is found
//! * [`replay`]: transcripts of real terminals, played again
//! * [`load`], [`proof`]: the runs that are measured, and the one that every build must agree on
//! * [`mirror`], [`stored`], [`keeper`]: what of it is to be stored, so that it outlives the tab; [`reopen`]: from stored disks
//! * [`history`]: whether what was acknowledged is what was read
//! * [`invariants`]: what must hold of replicas at every moment; [`fuzz`]: random clusters, loads and faults, to see whether it does

pub mod branch;
pub mod build;
pub mod checkpoints;
pub mod chronicle;
pub mod command;
pub mod folder;
pub mod fuzz;
pub mod history;
pub mod invariants;
pub mod journal;
pub mod keeper;
pub mod load;
pub mod marks;
pub mod metrics;
pub mod mirror;
pub mod model;
pub mod narrate;
pub mod proof;
pub mod reopen;
pub mod replay;
pub mod setup;
pub mod snapshot;
pub mod spec;
pub mod stored;
pub mod timeline;
pub mod view;
pub mod why;
pub mod world;
