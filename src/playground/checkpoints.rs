//! Checkpoints: copies of the world from which the past is played again. Copies share all that has not changed since.

use std::sync::Arc;

use crate::sim::time::{Duration, Time};

/// A new checkpoint comes after so many steps: what replaying to any recent instant costs at most.
pub const STEPS_APART: u64 = 10_000;
/// At most so many; then they are thinned, the older the more.
pub const MAX_CHECKPOINTS: usize = 96;
/// What is further back than this cannot be sought.
pub const HORIZON: Duration = Duration::secs(3_600);
/// Bytes that checkpoints may hold which the present does not (estimated); then the oldest go.
pub const BUDGET_BYTES: u64 = 256 << 20;

/// A world with who watches it, at one point of its run.
#[derive(Clone, Debug)]
pub struct Checkpoint<W, O> {
    pub world: W,
    pub watcher: O,
    /// What was due and was carried out, and commands: the place in the run.
    pub steps: u64,
    /// When the watcher looks at the world next.
    pub next_look: Time,
    pub(super) at: Time,
    pub(super) weight_bytes: u64,
}

/// The checkpoints of one branch of time, by steps. The first is as far back as one can go.
#[derive(Clone, Debug)]
pub struct Checkpoints<W, O> {
    kept: Vec<Arc<Checkpoint<W, O>>>,
}

impl<W, O> Checkpoints<W, O> {
    pub fn new(first: Checkpoint<W, O>) -> Checkpoints<W, O> {
        Checkpoints { kept: vec![Arc::new(first)] }
    }

    pub fn all(&self) -> &[Arc<Checkpoint<W, O>>] {
        &self.kept
    }

    /// The earliest instant that can be sought.
    pub fn from(&self) -> Time {
        self.kept[0].at
    }

    /// The steps of the latest.
    pub fn last_steps(&self) -> u64 {
        self.kept.last().map_or(0, |last| last.steps)
    }

    /// The latest that is not after an instant; the earliest if all are.
    pub fn before(&self, at: Time) -> &Arc<Checkpoint<W, O>> {
        let after = self.kept.partition_point(|checkpoint| checkpoint.at <= at);
        &self.kept[after.saturating_sub(1)]
    }

    /// Adds one behind all others, and lets go of what is over the bounds.
    pub fn push(&mut self, checkpoint: Checkpoint<W, O>) {
        debug_assert!(checkpoint.steps > self.last_steps());
        let now = checkpoint.at;
        self.kept.push(Arc::new(checkpoint));
        while self.kept.len() > 2 && self.kept[1].at + HORIZON <= now {
            self.kept.remove(0);
        }
        while self.kept.len() > 2 && self.kept.iter().map(|kept| kept.weight_bytes).sum::<u64>() > BUDGET_BYTES {
            self.kept.remove(0);
        }
        if self.kept.len() > MAX_CHECKPOINTS {
            self.thin();
        }
    }

    /// Forgets those after so many steps.
    pub fn cut(&mut self, steps: u64) {
        let kept = self.kept.partition_point(|checkpoint| checkpoint.steps <= steps).max(1);
        self.kept.truncate(kept);
    }

    /// Goes over to a branch that parts from this one after `steps` steps and has these of its own.
    pub fn switch_to(&mut self, other: &[Arc<Checkpoint<W, O>>], steps: u64) {
        self.kept.retain(|checkpoint| checkpoint.steps <= steps);
        for checkpoint in other {
            if let Err(place) = self.kept.binary_search_by_key(&checkpoint.steps, |kept| kept.steps) {
                self.kept.insert(place, checkpoint.clone());
            }
        }
    }

    /// At most `most` of them: the last before `steps`, and some after it, the very last among them.
    pub fn some_after(&self, steps: u64, most: usize) -> Vec<Arc<Checkpoint<W, O>>> {
        let start = self.kept.partition_point(|checkpoint| checkpoint.steps <= steps).saturating_sub(1);
        let after = &self.kept[start..];
        let every = after.len().div_ceil(most.max(1)).max(1);
        let last = after.len() - 1;
        let mut some: Vec<_> = (0..after.len()).step_by(every).map(|i| after[i].clone()).collect();
        if !last.is_multiple_of(every) {
            some.pop();
            some.push(after[last].clone());
        }
        some
    }

    /// Lets go of the one whose neighbours are closest to each other, measured by how long ago they were.
    fn thin(&mut self) {
        let end = self.last_steps();
        let gap = |i: usize| u128::from(self.kept[i + 1].steps - self.kept[i - 1].steps);
        let age = |i: usize| u128::from(end - self.kept[i - 1].steps);
        // gap(i) / age(i) is the least.
        let worst = (1..self.kept.len() - 1).min_by(|&i, &j| (gap(i) * age(j)).cmp(&(gap(j) * age(i))));
        if let Some(worst) = worst {
            self.kept.remove(worst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(n: u64, apart: Duration) -> Checkpoint<(), ()> {
        let at = Time(n * apart.0);
        Checkpoint { world: (), watcher: (), steps: n * STEPS_APART, next_look: at, at, weight_bytes: 1 }
    }

    fn after(n: u64, apart: Duration) -> Checkpoints<(), ()> {
        let mut kept = Checkpoints::new(checkpoint(0, apart));
        (1..=n).for_each(|i| kept.push(checkpoint(i, apart)));
        kept
    }

    #[test]
    fn the_older_the_sparser_and_the_first_stays() {
        let kept = after(2_000, Duration::secs(1));
        assert_eq!(kept.all().len(), MAX_CHECKPOINTS);
        assert_eq!(kept.from(), Time::ZERO);
        let steps: Vec<u64> = kept.all().iter().map(|c| c.steps / STEPS_APART).collect();
        for pair in steps.windows(2) {
            let (gap, age) = (pair[1] - pair[0], 2_000 - pair[0]);
            assert!(gap == 1 || gap * 8 <= age + 8, "a gap of {gap} at {age}: {steps:?}");
        }
    }

    #[test]
    fn what_is_beyond_the_horizon_goes() {
        let kept = after(3_000, Duration::secs(10));
        assert!(kept.from() >= Time(26_000 * 1_000_000) && kept.from() <= Time(26_400 * 1_000_000), "{}", kept.from());
    }

    #[test]
    fn a_branch_keeps_its_ends() {
        let kept = after(50, Duration::secs(1));
        let some = kept.some_after(5 * STEPS_APART + 1, 8);
        assert!(some.len() <= 8);
        assert_eq!((some[0].steps, some.last().unwrap().steps), (5 * STEPS_APART, 50 * STEPS_APART));
        let mut other = after(50, Duration::secs(1));
        other.cut(10 * STEPS_APART);
        other.switch_to(&some, 6 * STEPS_APART);
        assert!(other.all().is_sorted_by_key(|c| c.steps));
        assert_eq!(other.all()[6].steps, 6 * STEPS_APART);
    }
}
