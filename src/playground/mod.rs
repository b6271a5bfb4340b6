//! The world of one cluster.
