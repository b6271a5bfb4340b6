//! The goals as the page shows them: as they stand at this instant, and what was earned already.

use crate::lesson::goal::{GoalStatus, Progress};
use crate::lesson::progress::Earned;
use crate::wire::{GoalState, GoalView};

/// One goal, as the page shows it. What was earned on another branch, or later than the instant that is looked at, stays done.
pub fn view(status: GoalStatus, earned: &Earned) -> GoalView {
    let GoalStatus { id, say, progress, detail } = status;
    let state = match progress {
        Progress::Waiting => GoalState::Waiting,
        Progress::Open => GoalState::Open,
        Progress::Holding => GoalState::Holding,
        Progress::Done => GoalState::Done,
        Progress::Failed => GoalState::Failed,
    };
    if state == GoalState::Done || !earned.goals.contains_key(&id) {
        return GoalView { id, say, state, detail };
    }
    let detail = if detail.is_empty() { "reached before".to_owned() } else { format!("reached before; at this instant: {detail}") };
    GoalView { id, say, state: GoalState::Done, detail }
}
