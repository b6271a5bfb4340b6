//! Reads a lesson file, and finds everything that is wrong with it.
//!
//! A lesson is TOML between two lines `+++`, then Markdown; fenced blocks named `goal`, `hint`, `predict`, `discuss`, `run`, `solution` and
//! `wrong` mean something (lessons/README.md describes them for authors). Reading goes on after a mistake, so that all are found at once.

mod blocks;
mod check;
mod front;
mod place;
mod problem;
mod prose;
mod table;

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Tag, TagEnd};

pub use place::Place;
pub use problem::{Fault, MOST_WORDS, Problem};

use super::goal::GoalSpec;
use super::model::*;
use super::script::Script;
use place::Lines;
use table::Spans;

/// A file that was read: the lesson unless something is an error, and what is wrong in the order of the text.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub lesson: Option<Lesson>,
    pub problems: Vec<Problem>,
}

/// Reads a lesson. `slug` is its path below `lessons/` without `.md`; `known` tells which other lessons there are (none: not checked).
pub fn parse(slug: &str, text: &str, known: &[&str]) -> Parsed {
    let mut found = Found::default();
    let lesson = match front::split(text) {
        Ok(((front_at, front), (body_at, body))) => {
            let front = front::read(front, front_at, &mut found);
            read_body(body, body_at, &mut found);
            check::whole(&mut found, front.as_ref(), text.len(), body_at);
            check::other_lessons(&mut found, known);
            front.map(|front| found.lesson(slug, front))
        }
        Err(fault) => {
            found.fault(0, fault);
            None
        }
    };
    let lines = Lines::new(text);
    let mut problems: Vec<Problem> = found
        .faults
        .into_iter()
        .map(|(at, mut fault)| {
            if let Fault::DuplicateId { first, .. } = &mut fault {
                *first = lines.place(*first as usize).line;
            }
            Problem { place: lines.place(at), fault }
        })
        .collect();
    problems.sort_by_key(|problem| problem.place);
    problems.dedup();
    let is_good = problems.iter().all(|problem| problem.fault.is_warning());
    Parsed { lesson: lesson.filter(|_| is_good), problems }
}

/// The title and the minutes only, for an index; `None` if the front matter is not well-formed.
pub fn parse_title(text: &str) -> Option<(String, u32)> {
    let ((_, front), _) = front::split(text).ok()?;
    let (front, _, _) = table::read::<front::Front>(front);
    front.map(|front| (front.title, front.minutes))
}

/// What was found so far.
#[derive(Default)]
pub struct Found {
    faults: Vec<(usize, Fault)>,
    after: Vec<(usize, String)>,
    steps: Vec<Step>,
    goals: Vec<PlacedGoal>,
    /// Ids of goals that have faults of their own: to name one is no other fault.
    broken_goals: Vec<String>,
    has_wrong: bool,
    predicts: Vec<(usize, String)>,
    solution: Option<Script>,
    wrongs: Vec<(usize, Wrong)>,
}

/// A goal with where it and its parts stand in the file.
struct PlacedGoal {
    it: GoalSpec,
    at: usize,
    after_at: usize,
    mode_at: usize,
    predicate_at: usize,
}

impl Found {
    fn fault(&mut self, at: usize, fault: Fault) {
        self.faults.push((at, fault));
    }

    fn block(&mut self, block: Block) {
        if self.steps.is_empty() {
            self.steps.push(Step { title: String::new(), blocks: Vec::new() });
        }
        let Some(step) = self.steps.last_mut() else { return };
        match (step.blocks.last_mut(), block) {
            (Some(Block::Prose(before)), Block::Prose(more)) => before.extend(more),
            (_, block) => step.blocks.push(block),
        }
    }

    fn goal(&mut self, goal: GoalSpec, base: usize, spans: &Spans) {
        let at = |key: &str| base + spans.find([key]).start;
        let named = problem::PREDICATES.iter().map(|name| spans.find([*name])).find(|span| span.start > 0);
        let mode = ["within", "held_for", "never"].iter().map(|name| spans.find([*name])).find(|span| span.start > 0);
        self.goals.push(PlacedGoal {
            it: goal.clone(),
            at: at("id"),
            after_at: at("after"),
            mode_at: base + mode.unwrap_or_default().start,
            predicate_at: base + named.unwrap_or_default().start,
        });
        self.block(Block::Goal(goal));
    }

    fn predict(&mut self, predict: Predict, at: usize) {
        self.predicts.push((at, predict.id.clone()));
        self.block(Block::Predict(predict));
    }

    fn wrong(&mut self, wrong: Wrong, at: usize) {
        self.wrongs.push((at, wrong));
    }

    fn lesson(&mut self, slug: &str, front: front::Front) -> Lesson {
        Lesson {
            slug: slug.to_owned(),
            title: front.title,
            minutes: front.minutes,
            after: front.after,
            seed: front.seed,
            cluster: front.cluster,
            steps: std::mem::take(&mut self.steps),
            solution: self.solution.take().unwrap_or_default(),
            wrongs: self.wrongs.drain(..).map(|(_, wrong)| wrong).collect(),
        }
    }
}

fn read_body(body: &str, base: usize, found: &mut Found) {
    let mut events = prose::events(body);
    while let Some((event, at)) = events.next() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if level <= HeadingLevel::H2 => {
                let line = prose::Reader { events: &mut events, base, faults: &mut found.faults }.line(TagEnd::Heading(level));
                if level == HeadingLevel::H1 && !found.steps.is_empty() {
                    found.fault(base + at.start, Fault::SecondTitle);
                } else if level == HeadingLevel::H2 && found.steps.is_empty() {
                    found.fault(base + at.start, Fault::NoTitle);
                }
                found.steps.push(Step { title: plain(&line), blocks: Vec::new() });
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let mut inside = None::<Range<usize>>;
                for (event, at) in events.by_ref() {
                    match event {
                        Event::Text(_) => inside = Some(inside.map_or(at.clone(), |from| from.start..at.end)),
                        _ => break,
                    }
                }
                fenced(&info, body, at, inside, base, found);
            }
            other => {
                let prose = prose::Reader { events: &mut events, base, faults: &mut found.faults }.block(other, at.clone());
                let no_heading = found.steps.is_empty();
                if let Some(prose) = prose {
                    found.block(Block::Prose(vec![prose]));
                }
                if no_heading {
                    found.fault(base + at.start, Fault::NoTitle);
                }
            }
        }
    }
}

fn fenced(info: &str, body: &str, at: Range<usize>, inside: Option<Range<usize>>, base: usize, found: &mut Found) {
    let whole = body[at.clone()].trim_end();
    if whole.lines().count() < 2 || !whole.lines().next_back().is_some_and(|line| line.trim_start().starts_with(&whole[..3])) {
        found.fault(base + at.start, Fault::BlockOpen);
    }
    let inside = inside.unwrap_or(at.start..at.start);
    let text = &body[inside.clone()];
    match blocks::Kind::parse(info) {
        Some(kind) => blocks::read(kind, text, base + inside.start, found),
        None => {
            if let Some(fault) = blocks::unknown(info) {
                found.fault(base + at.start, fault);
            }
            let (language, text) = (info.to_owned(), text.to_owned());
            found.block(Block::Prose(vec![Prose::Code { language, text }]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(text: &str) -> String {
        let parsed = parse("track/01-name", text, &["basics/01-topic-and-console"]);
        parsed.problems.iter().map(|problem| format!("{problem}\n")).collect()
    }

    #[test]
    fn reads_a_good_lesson() {
        let text = include_str!("samples/good.md");
        let parsed = parse("track/01-good", text, &["basics/01-topic-and-console"]);
        assert_eq!(parsed.problems, []);
        insta::assert_debug_snapshot!(parsed.lesson);
        assert_eq!(parse_title(text), Some(("A good lesson".into(), 5)));
    }

    #[test]
    fn finds_everything_that_is_wrong() {
        insta::assert_snapshot!(complaints(include_str!("samples/bad.md")));
    }

    #[test]
    fn finds_what_is_missing() {
        insta::assert_snapshot!(
            ["", "+++\ntitle = 1", "+++\n+++\n", "+++\ntitle = \"A\"\nminutes = 1\n+++\ntext\n```goal\n"].map(complaints).join("--\n")
        );
    }

    /// Whatever part of a lesson somebody has typed so far: an answer, and no panic.
    #[test]
    fn any_beginning_and_any_hole_gets_an_answer() {
        let text = include_str!("samples/good.md");
        for (at, _) in text.char_indices() {
            complaints(&text[..at]);
            let end = text[at..].char_indices().nth(7).map_or(text.len(), |(n, _)| at + n);
            complaints(&format!("{}{}", &text[..at], &text[end..]));
        }
    }
}
