//! Less of a plan that still fails in the same way.

use super::plan::Plan;
use super::run::{Failure, run};

/// Runs at most; what is left by then is the answer.
const MOST_RUNS: u32 = 200;

/// Leaves steps out, half of them at first, then fewer, as long as the same thing goes wrong.
pub fn shrink(plan: &Plan, failure: &Failure) -> (Plan, Failure) {
    let (mut best, mut runs) = ((plan.clone(), failure.clone()), 0);
    let mut size = plan.steps.len().div_ceil(2);
    while size > 0 && runs < MOST_RUNS {
        let mut at = 0;
        let mut shrunk = false;
        while at < best.0.steps.len() && runs < MOST_RUNS {
            let mut smaller = best.0.clone();
            let end = (at + size).min(smaller.steps.len());
            smaller.steps.drain(at..end);
            runs += 1;
            match run(&smaller) {
                Err(failure) if failure.name() == best.1.name() => (best, shrunk) = ((smaller, failure), true),
                _ => at = end,
            }
        }
        if !shrunk || size == 1 {
            size /= 2;
        }
        size = size.min(best.0.steps.len());
    }
    best
}
