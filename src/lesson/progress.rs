//! What a learner has earned in one lesson. It belongs to the learner, not to a branch of time: going back, or taking another way, takes nothing
//! away.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::goal::{GoalStatus, Progress};
use super::model::{Block, Lesson, Predict};

/// Goals reached and questions answered, kept with the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earned {
    /// Goals by id, with the virtual time (µs) at which each was first seen reached.
    pub goals: BTreeMap<String, u64>,
    /// The first choice made of each question, by its id: a second guess is not a prediction.
    pub answers: BTreeMap<String, u32>,
}

impl Earned {
    /// Adds what is reached on the present branch; whether that was anything new.
    pub fn add(&mut self, now_us: u64, statuses: &[GoalStatus]) -> bool {
        let before = self.goals.len();
        for status in statuses.iter().filter(|status| status.progress == Progress::Done) {
            self.goals.entry(status.id.clone()).or_insert(now_us);
        }
        self.goals.len() > before
    }

    /// Notes an answer; the choices that are right, or `None` if the lesson has no such question or choice.
    pub fn answer(&mut self, lesson: &Lesson, id: &str, choice: u32) -> Option<Vec<u32>> {
        let question = question(lesson, id)?;
        question.choices.get(choice as usize)?;
        self.answers.entry(id.to_owned()).or_insert(choice);
        Some(question.right())
    }

    /// Whether every goal of the lesson was reached, on whichever branch.
    pub fn is_complete(&self, lesson: &Lesson) -> bool {
        lesson.goals().all(|goal| self.goals.contains_key(&goal.id))
    }
}

fn question<'l>(lesson: &'l Lesson, id: &str) -> Option<&'l Predict> {
    lesson.blocks().find_map(|block| match block {
        Block::Predict(question) if question.id == id => Some(question),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(id: &str, progress: Progress) -> GoalStatus {
        GoalStatus { id: id.into(), say: String::new(), progress, detail: String::new() }
    }

    #[test]
    fn what_was_earned_stays() {
        let lesson = super::super::catalog::find("replication/01-kill-a-node").and_then(|entry| entry.parse().lesson).unwrap();
        let mut earned = Earned::default();
        assert!(earned.add(5, &[status("killed", Progress::Done), status("in-sync", Progress::Open)]));
        assert!(!earned.add(9, &[status("killed", Progress::Open)]));
        assert_eq!(earned.goals, BTreeMap::from([("killed".into(), 5)]));
        assert!(!earned.is_complete(&lesson));
        let ids: Vec<GoalStatus> = lesson.goals().map(|goal| status(&goal.id, Progress::Done)).collect();
        earned.add(10, &ids);
        assert!(earned.is_complete(&lesson));
    }

    #[test]
    fn only_the_first_answer_is_a_prediction() {
        let lesson = super::super::catalog::find("replication/01-kill-a-node").and_then(|entry| entry.parse().lesson).unwrap();
        let mut earned = Earned::default();
        assert_eq!(earned.answer(&lesson, "rate", 0), Some(vec![2]));
        assert_eq!(earned.answer(&lesson, "rate", 2), Some(vec![2]));
        assert_eq!(earned.answers["rate"], 0);
        assert_eq!((earned.answer(&lesson, "rate", 9), earned.answer(&lesson, "other", 0)), (None, None));
    }
}
