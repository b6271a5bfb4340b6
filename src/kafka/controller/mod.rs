//! The controller and its metadata log.
