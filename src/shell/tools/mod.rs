//! The tools of the terminal.

pub mod text;
