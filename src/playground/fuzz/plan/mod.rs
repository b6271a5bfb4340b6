//! What a seed means: a cluster with clients, and what is done to it when. Drawn as a whole before anything runs, so that leaving a step out
//! changes no other.

mod cluster;
mod hosts;
mod step;
mod tool;

use crate::kafka::rules::{RULES_OFF, Rule};
use crate::playground::spec::ClusterSpec;
use crate::sim::rng::Rng;
use crate::sim::time::Duration;

pub use step::{Act, Outage, Step};
pub use tool::Tool;

/// How long faults go on, from when the cluster is ready.
pub const CHAOS: Duration = Duration::secs(15);

/// A run to be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub seed: u64,
    /// How many steps were drawn.
    pub drawn: u32,
    pub cluster: ClusterSpec,
    /// Those that are carried out, with their numbers.
    pub steps: Vec<(u32, Step)>,
    /// A rule that does not hold, to see that it is missed.
    pub off: Option<Rule>,
}

impl Plan {
    /// The plan of a seed, with so many steps.
    pub fn draw(seed: u64, steps: u32, off: Option<Rule>) -> Plan {
        let mut dice = Dice(Rng::derive(seed, "fuzz"));
        let mut cluster = cluster::draw(&mut dice);
        if let Some(rule) = off {
            cluster.config.insert(RULES_OFF.into(), rule.name().into());
        }
        let steps = step::draw_all(&mut dice, &cluster, steps);
        Plan { seed, drawn: steps.len() as u32, cluster, steps, off }
    }
}

/// What a plan is drawn with.
struct Dice(Rng);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// One of these, each as likely as its weight says. The weights' sum is not 0.
    fn weighted<T: Copy>(&mut self, of: &[(u64, T)]) -> T {
        let mut left = self.below(of.iter().map(|(weight, _)| weight).sum());
        let mut last = of[0].1;
        for (weight, it) in of {
            last = *it;
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => break,
            }
        }
        last
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Nothing that the fuzzer promises to vary is drawn by no seed.
    #[test]
    fn every_kind_is_drawn_and_every_cluster_can_be() {
        let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
        for seed in 0..400 {
            let plan = Plan::draw(seed, 10, None);
            assert_eq!(plan.cluster.problems(), [], "seed {seed}");
            assert_eq!(plan, Plan::draw(seed, 10, None));
            plan.steps.iter().for_each(|(_, step)| *kinds.entry(step.act.kind()).or_default() += 1);
        }
        let missing: Vec<&str> = Act::KINDS.iter().copied().filter(|kind| kinds.get(kind).is_none_or(|drawn| *drawn < 10)).collect();
        assert!(missing.is_empty(), "{missing:?} of {kinds:?}");
        assert_eq!(kinds.len(), Act::KINDS.len(), "{kinds:?}");
    }
}
