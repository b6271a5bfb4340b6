//! The world of one cluster.

pub mod spec;
