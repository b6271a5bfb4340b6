//! What can be wrong with a lesson file, where, and what to do about it.

use std::fmt;

use super::place::Place;
use crate::playground::spec::SpecProblem;

/// One thing wrong with a lesson file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub place: Place,
    pub fault: Fault,
}

/// Kinds of faults, each with its message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the file has no front matter")]
    NoFrontMatter,
    #[error("the front matter has no end")]
    FrontMatterOpen,
    #[error("{0}")]
    Toml(String),
    #[error("{0}")]
    Cluster(SpecProblem),
    #[error("{0:?} is not the slug of a lesson")]
    BadSlug(String),
    #[error("there is no lesson {slug}")]
    UnknownLesson { slug: String, like: Option<String> },
    #[error("the lesson does not begin with its title as a heading")]
    NoTitle,
    #[error("the first heading is {heading:?}, the title is {title:?}")]
    OtherTitle { heading: String, title: String },
    #[error("a second heading of the first level")]
    SecondTitle,
    #[error("a block of kind {kind:?}, which means nothing")]
    UnknownBlock { kind: String, like: Option<String> },
    #[error("a {0} block inside of something else")]
    NestedBlock(String),
    #[error("an empty {0} block")]
    EmptyBlock(String),
    #[error("a block that is never closed")]
    BlockOpen,
    #[error("{0} does not belong here")]
    Markup(&'static str),
    #[error("a link to {0:?}")]
    Link(String),
    #[error("{what} {id:?} is there twice, first on line {first}")]
    DuplicateId { what: &'static str, id: String, first: u32 },
    #[error("there is no goal {id:?}")]
    UnknownGoal { id: String, like: Option<String> },
    #[error("the goal {0:?} waits for itself")]
    GoalCycle(String),
    #[error("the goal {0:?} asks for nothing")]
    NoPredicate(String),
    #[error("the goal {id:?} asks for several things: {}", found.join(", "))]
    SeveralPredicates { id: String, found: Vec<&'static str> },
    #[error("the goal {id:?} can never be decided: {why}")]
    Uncheckable { id: String, why: String, remedy: String },
    #[error("a question needs at least two choices and a right one among them")]
    NoRightChoice,
    #[error("{0:?} is no time to wait")]
    BadWait(String),
    #[error("the lesson has no goal")]
    NoGoal,
    #[error("the lesson has no solution")]
    NoSolution,
    #[error("a second solution")]
    SecondSolution,
    #[error("the lesson has no wrong block")]
    NoWrong,
    #[error("the prose has {0} words")]
    TooLong(usize),
}

/// Prose above this is seldom read.
pub const MOST_WORDS: usize = 350;

impl Fault {
    /// The lesson can be played all the same.
    pub fn is_warning(&self) -> bool {
        matches!(self, Fault::TooLong(_) | Fault::NoWrong)
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        let did_you_mean = |like: &Option<String>, otherwise: &str| match like {
            Some(like) => format!("did you mean {like:?}?"),
            None => otherwise.to_owned(),
        };
        match self {
            Fault::NoFrontMatter => "begin with a line `+++`, then title, minutes and the cluster as TOML, then `+++` again".into(),
            Fault::FrontMatterOpen => "close it with a line that is just `+++`".into(),
            Fault::Toml(message) => toml_remedy(message),
            Fault::Cluster(problem) => problem.remedy.clone(),
            Fault::BadSlug(_) => "write it as track/nn-name, as in \"basics/01-topic-and-console\"".into(),
            Fault::UnknownLesson { like, .. } => did_you_mean(like, "it is the path of its file below lessons/, without .md"),
            Fault::NoTitle => "put `# Title` right after the front matter".into(),
            Fault::OtherTitle { title, .. } => format!("let both be the same: `# {title}`"),
            Fault::SecondTitle => "steps have headings of the second level: `## ...`".into(),
            Fault::UnknownBlock { like, .. } => did_you_mean(
                like,
                "blocks are goal, hint, predict, discuss, run, solution and wrong; samples are text, console, toml and the like",
            ),
            Fault::NestedBlock(_) => "let its ``` begin at the start of a line, outside of lists and quotes".into(),
            Fault::EmptyBlock(_) => "fill it, or take it out".into(),
            Fault::BlockOpen => "close it with a line ```".into(),
            Fault::Markup(_) => "say it with paragraphs, lists, quotes, tables, `code`, *emphasis* and links".into(),
            Fault::Link(_) => "a link goes to https://... or to another lesson, as in [text](basics/01-topic-and-console)".into(),
            Fault::DuplicateId { .. } => "give each its own id".into(),
            Fault::UnknownGoal { like, .. } => did_you_mean(like, "use the id of a goal of this lesson"),
            Fault::GoalCycle(_) => "follow its `after`: somewhere it must end".into(),
            Fault::NoPredicate(_) => format!("say what must hold: one of {}", PREDICATES.join(", ")),
            Fault::SeveralPredicates { .. } => "make a goal of each; join them with `after` if one follows the other".into(),
            Fault::Uncheckable { remedy, .. } => remedy.clone(),
            Fault::NoRightChoice => "mark what really happens with right = true".into(),
            Fault::BadWait(_) => "write a number of seconds, or a time with its unit: sleep 30, sleep 500ms, ^C after 5s".into(),
            Fault::NoGoal => "add a goal block: a lesson is something that was done".into(),
            Fault::NoSolution => "add a solution block with the lines that reach every goal".into(),
            Fault::SecondSolution => "keep one: it must reach every goal".into(),
            Fault::NoWrong => "add a wrong block: something a learner may well try, the goal it misses, and what that goal must say".into(),
            Fault::TooLong(_) => format!("get below {MOST_WORDS}; let the cluster show what the text tells"),
        }
    }
}

/// The tables a goal may ask with.
pub const PREDICATES: [&str; 10] = ["ran", "event", "rate", "isr", "history", "topic", "records", "group", "consumed", "lag"];

impl fmt::Display for Problem {
    /// `line:column: message`, and the remedy on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let warning = if self.fault.is_warning() { "warning: " } else { "" };
        write!(f, "{}:{}: {warning}{}\n    {}", self.place.line, self.place.column, self.fault, self.fault.remedy())
    }
}

/// The one of `known` that `word` was probably meant to be.
pub fn like<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near = known.into_iter().map(|name| (distance(word, name), name)).min()?;
    (near.0 <= 1 + word.chars().count() / 4).then(|| near.1.to_owned())
}

/// Letters to change, add or leave out to come from one word to the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Serde's messages name what was found and what was expected in backticks.
fn toml_remedy(message: &str) -> String {
    let named: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match named.split_first() {
        Some((found, known)) if message.starts_with("unknown ") => match like(found, known.iter().copied()) {
            Some(like) => format!("did you mean {like:?}?"),
            None => "take it out, or use one of those that are known".into(),
        },
        Some((field, _)) if message.starts_with("missing field") => format!("add {field} = ..."),
        _ if ["u32", "u64", "i32"].iter().any(|kind| message.ends_with(&format!("expected {kind}"))) => {
            "write a whole number, 0 or more".into()
        }
        _ if message.starts_with("invalid type") || message.starts_with("invalid value") => "give it a value of the kind it expects".into(),
        _ => "see https://toml.io for how TOML is written, and lessons/README.md for what goes where".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_what_was_meant() {
        assert_eq!(like("gaol", ["goal", "hint"]), Some("goal".into()));
        assert_eq!(like("partition", ["name", "partitions"]), Some("partitions".into()));
        assert_eq!(like("xyz", ["goal", "hint"]), None);
        assert_eq!(
            toml_remedy("unknown field `member`, expected one of `name`, `topics`, `members`, `config`"),
            "did you mean \"members\"?"
        );
    }
}
