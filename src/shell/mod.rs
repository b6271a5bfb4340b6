//! The terminal.

pub mod files;
pub mod java;
pub mod line;
pub mod options;
pub mod pipe;
pub mod screen;
pub mod tools;
