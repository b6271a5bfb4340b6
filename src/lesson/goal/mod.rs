//! Goals: what a lesson asks for, whether it holds, and why not yet.
//!
//! [`GoalSpec`] is what the author wrote; a [`GoalBoard`] watches a run. Goals about moments are decided by events (a tool ended, a broker died),
//! goals about states by looking at a snapshot now and then. Whatever is not reached says why from the state of the cluster, never from words of
//! the author.

mod board;
mod broker;
mod history;
mod monitor;
mod rate;
mod reads;
mod spec;
mod state;
#[cfg(test)]
mod tests;
mod tool;
mod watch;
mod words;

pub use board::{GoalBoard, GoalStatus, Progress};
pub use spec::*;
