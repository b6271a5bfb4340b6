//! Goals: what a lesson asks for, whether it holds, and why not yet.

mod spec;

pub use spec::*;
