//! What a lesson is once it was read and found good: steps of prose and blocks, the goals among them, and what proves the goals right.
//!
//! These types travel from worker to page, so they need no self-describing format. Prose is a small typed tree, not HTML: whoever renders it
//! cannot be made to run anything.

use serde::{Deserialize, Serialize};

use super::goal::GoalSpec;
use super::script::Script;
use crate::playground::spec::ClusterSpec;

/// One lesson, from `lessons/<track>/<nn-slug>.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// `track/nn-name`: the file's path without `lessons/` and `.md`.
    pub slug: String,
    pub title: String,
    /// How long it takes a learner, about.
    pub minutes: u32,
    /// Slugs of the lessons one should have done before.
    pub after: Vec<String>,
    /// The seed of the run: the same seed and the same commands give the same history.
    pub seed: u64,
    /// What runs when the lesson begins.
    pub cluster: ClusterSpec,
    pub steps: Vec<Step>,
    /// Typed by nobody but the test that proves the goals reachable, and by a learner who asks to see it.
    pub solution: Script,
    pub wrongs: Vec<Wrong>,
}

/// A part of a lesson under one heading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub title: String,
    pub blocks: Vec<Block>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Block {
    Prose(Vec<Prose>),
    Goal(GoalSpec),
    Hint(Hint),
    Predict(Predict),
    /// A question without a checked answer, to talk over.
    Discuss(Vec<Prose>),
    /// Command lines that a button puts into the terminal.
    Run(Vec<String>),
}

/// Help that stays folded until it is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hint {
    /// The goal it helps with: the nearest one above it. `None` above the first goal.
    pub goal: Option<String>,
    pub prose: Vec<Prose>,
}

/// A question answered before time goes on: the learner commits to a choice, then sees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predict {
    pub id: String,
    pub ask: String,
    pub choices: Vec<Choice>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub say: String,
    /// What the learner reads after choosing it, right or not.
    pub because: String,
    #[serde(default)]
    pub right: bool,
}

/// A way to miss a goal, with the words that must explain it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wrong {
    pub does: Script,
    /// The id of the goal that stays unreached.
    pub fails: String,
    /// Part of what that goal then says.
    pub expect: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Prose {
    Paragraph(Vec<Inline>),
    /// A heading below a step's own.
    Heading(Vec<Inline>),
    List {
        ordered: bool,
        items: Vec<Vec<Prose>>,
    },
    Quote(Vec<Prose>),
    Code {
        language: String,
        text: String,
    },
    /// The first row is the head.
    Table(Vec<Vec<Vec<Inline>>>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Inline {
    Text(String),
    Code(String),
    Emphasis(Vec<Inline>),
    Strong(Vec<Inline>),
    /// `to` begins with `https://` or is the slug of another lesson.
    Link {
        to: String,
        text: Vec<Inline>,
    },
    Break,
}

impl Lesson {
    /// The goals in the order of the text.
    pub fn goals(&self) -> impl Iterator<Item = &GoalSpec> {
        self.blocks().filter_map(|block| match block {
            Block::Goal(goal) => Some(goal),
            _ => None,
        })
    }

    /// Every block, step after step.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.steps.iter().flat_map(|step| &step.blocks)
    }

    /// Words of prose a learner has to read, hints and questions left out.
    pub fn words(&self) -> usize {
        self.blocks()
            .map(|block| match block {
                Block::Prose(prose) => words(prose),
                _ => 0,
            })
            .sum()
    }
}

impl Predict {
    /// The choices that are right, counted from 0.
    pub fn right(&self) -> Vec<u32> {
        (0..).zip(&self.choices).filter(|(_, choice)| choice.right).map(|(at, _)| at).collect()
    }
}

/// How many words stand in a piece of prose, code blocks left out.
pub fn words(prose: &[Prose]) -> usize {
    prose
        .iter()
        .map(|part| match part {
            Prose::Paragraph(line) | Prose::Heading(line) => plain(line).split_whitespace().count(),
            Prose::List { items, .. } => items.iter().map(|item| words(item)).sum(),
            Prose::Quote(inner) => words(inner),
            Prose::Code { .. } => 0,
            Prose::Table(rows) => rows.iter().flatten().map(|cell| plain(cell).split_whitespace().count()).sum(),
        })
        .sum()
}

/// Inline prose without its markup.
pub fn plain(line: &[Inline]) -> String {
    let mut text = String::new();
    for part in line {
        match part {
            Inline::Text(t) | Inline::Code(t) => text.push_str(t),
            Inline::Emphasis(inner) | Inline::Strong(inner) | Inline::Link { text: inner, .. } => text.push_str(&plain(inner)),
            Inline::Break => text.push(' '),
        }
    }
    text
}
