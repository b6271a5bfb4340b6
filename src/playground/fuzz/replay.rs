//! A plan in a few characters: `17/12:0,3,5+min-isr` is seed 17 with twelve steps drawn, of them three carried out, and a rule that is off.

use std::fmt;
use std::str::FromStr;

use super::plan::Plan;
use crate::kafka::rules::Rule;

/// Which plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    pub seed: u64,
    pub drawn: u32,
    /// The numbers of the steps that are carried out; `None`: all.
    pub only: Option<Vec<u32>>,
    pub off: Option<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no run: write SEED/STEPS, or SEED/STEPS:0,3,5 for some of the steps, and +RULE for a rule that is off")]
pub struct NoReplay(String);

impl Replay {
    pub fn of(plan: &Plan) -> Replay {
        let kept: Vec<u32> = plan.steps.iter().map(|(n, _)| *n).collect();
        let all = kept.len() as u32 == plan.drawn;
        Replay { seed: plan.seed, drawn: plan.drawn, only: (!all).then_some(kept), off: plan.off }
    }

    pub fn plan(&self) -> Plan {
        let mut plan = Plan::draw(self.seed, self.drawn, self.off);
        if let Some(only) = &self.only {
            plan.steps.retain(|(n, _)| only.contains(n));
        }
        plan
    }
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.seed, self.drawn)?;
        if let Some(only) = &self.only {
            let numbers: Vec<String> = only.iter().map(u32::to_string).collect();
            write!(f, ":{}", numbers.join(","))?;
        }
        match self.off {
            Some(rule) => write!(f, "+{}", rule.name()),
            None => Ok(()),
        }
    }
}

impl FromStr for Replay {
    type Err = NoReplay;

    fn from_str(text: &str) -> Result<Replay, NoReplay> {
        let wrong = || NoReplay(text.to_owned());
        let (run, off) = text.split_once('+').map_or((text, None), |(run, rule)| (run, Some(rule)));
        let off = match off {
            Some(name) => Some(Rule::ALL.into_iter().find(|rule| rule.name() == name).ok_or_else(wrong)?),
            None => None,
        };
        let (run, only) = run.split_once(':').map_or((run, None), |(run, only)| (run, Some(only)));
        let only = match only {
            Some("") => Some(Vec::new()),
            Some(only) => Some(only.split(',').map(|n| n.parse().map_err(|_| wrong())).collect::<Result<_, _>>()?),
            None => None,
        };
        let (seed, drawn) = run.split_once('/').ok_or_else(wrong)?;
        Ok(Replay { seed: seed.parse().map_err(|_| wrong())?, drawn: drawn.parse().map_err(|_| wrong())?, only, off })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for text in ["17/12", "17/12:0,3,5", "17/12:", "17/12:4+min-isr", "17/12+crc-check"] {
            let replay: Replay = text.parse().unwrap();
            assert_eq!(replay.to_string(), text);
            assert_eq!(Replay::of(&replay.plan()), replay);
        }
        for text in ["", "17", "17/x", "17/12:a", "17/12+luck"] {
            assert!(text.parse::<Replay>().is_err(), "{text}");
        }
    }

    #[test]
    fn leaving_a_step_out_changes_no_other() {
        let all = Plan::draw(3, 8, None);
        let some = "3/8:2,5".parse::<Replay>().unwrap().plan();
        assert_eq!(some.steps, [all.steps[2].clone(), all.steps[5].clone()]);
        assert_eq!(some.cluster, all.cluster);
    }
}
