//! Branches of time: futures that were left by acting while rewound.

use std::sync::Arc;

use imbl::Vector;

use super::checkpoints::Checkpoint;
use super::journal::Journal;
use crate::sim::process::Recorded;
use crate::sim::time::Time;

/// So many old futures are kept; the one that was left longest ago goes first.
pub const MAX_BRANCHES: usize = 8;
/// So many checkpoints are kept of each.
pub const MAX_CHECKPOINTS: usize = 8;

/// How far a future is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub at: Time,
    pub steps: u64,
}

/// An old future: all that is needed to go on with it.
#[derive(Clone, Debug)]
pub struct Branch<W, O, C, E> {
    /// Its number; 0 is the branch on which the run began.
    pub id: u16,
    /// The first thing that was done on it and is not done any more.
    pub label: String,
    /// Where it was left.
    pub from: Time,
    pub end: End,
    pub(super) journal: Journal<C>,
    pub(super) checkpoints: Vec<Arc<Checkpoint<W, O>>>,
    pub(super) notable: Vector<Arc<Recorded<E>>>,
}
