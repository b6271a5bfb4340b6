//! Fenced blocks: from the TOML or the text between the fences to a part of the lesson.

use serde::Deserialize;

use super::problem::Fault;
use super::table::{self, Spans};
use super::{Found, prose};
use crate::lesson::goal::*;
use crate::lesson::model::*;
use crate::lesson::script::Script;
use crate::lesson::span::TimeSpan;

/// The kinds of fenced block that mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Goal,
    Hint,
    Predict,
    Discuss,
    Run,
    Solution,
    Wrong,
}

const KINDS: [(&str, Kind); 7] = [
    ("goal", Kind::Goal),
    ("hint", Kind::Hint),
    ("predict", Kind::Predict),
    ("discuss", Kind::Discuss),
    ("run", Kind::Run),
    ("solution", Kind::Solution),
    ("wrong", Kind::Wrong),
];

/// Words after ``` that mark a sample to look at.
const SAMPLES: [&str; 9] = ["", "text", "console", "sh", "toml", "json", "properties", "java", "hex"];

impl Kind {
    pub fn parse(info: &str) -> Option<Kind> {
        KINDS.iter().find(|(name, _)| *name == info.trim()).map(|(_, kind)| *kind)
    }

    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// The fault of a block whose kind is not known, unless it is a sample.
pub fn unknown(info: &str) -> Option<Fault> {
    let known = KINDS.iter().map(|(name, _)| *name);
    let fault = || Fault::UnknownBlock { kind: info.to_owned(), like: super::problem::like(info, known) };
    (!SAMPLES.contains(&info)).then(fault)
}

/// Reads the inside of a block that stands at `base` in the file.
pub fn read(kind: Kind, text: &str, base: usize, found: &mut Found) {
    if text.trim().is_empty() {
        found.fault(base, Fault::EmptyBlock(kind.name().to_owned()));
        return;
    }
    match kind {
        Kind::Goal => goal(text, base, found),
        Kind::Hint => {
            let prose = prose::read(text, base, &mut found.faults);
            let goal = found.goals.last().map(|placed| placed.it.id.clone());
            found.block(Block::Hint(Hint { goal, prose }));
        }
        Kind::Discuss => {
            let prose = prose::read(text, base, &mut found.faults);
            found.block(Block::Discuss(prose));
        }
        Kind::Predict => predict(text, base, found),
        Kind::Run => {
            let lines = text.lines().map(|line| line.trim().trim_start_matches("$ ")).filter(|line| !line.is_empty());
            let lines = lines.map(str::to_owned).collect();
            found.block(Block::Run(lines));
        }
        Kind::Solution if found.solution.is_some() => found.fault(base, Fault::SecondSolution),
        Kind::Solution => {
            let script = script(text, base, found).unwrap_or_default();
            found.solution = Some(script);
        }
        Kind::Wrong => wrong(text, base, found),
    }
}

/// A `goal` block as it is written: each predicate under its own name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GoalToml {
    id: String,
    say: String,
    after: Option<String>,
    within: Option<TimeSpan>,
    held_for: Option<TimeSpan>,
    #[serde(default)]
    never: bool,
    ran: Option<Ran>,
    event: Option<EventIs>,
    rate: Option<Rate>,
    isr: Option<IsrIs>,
    history: Option<HistoryIs>,
    topic: Option<TopicIs>,
    records: Option<RecordsAre>,
    group: Option<GroupIs>,
    consumed: Option<Consumed>,
    lag: Option<LagIs>,
}

impl GoalToml {
    fn predicates(&mut self) -> Vec<(&'static str, Predicate)> {
        let all = [
            ("ran", self.ran.take().map(Predicate::Ran)),
            ("event", self.event.take().map(Predicate::Event)),
            ("rate", self.rate.take().map(Predicate::Rate)),
            ("isr", self.isr.take().map(Predicate::Isr)),
            ("history", self.history.take().map(Predicate::History)),
            ("topic", self.topic.take().map(Predicate::Topic)),
            ("records", self.records.take().map(Predicate::Records)),
            ("group", self.group.take().map(Predicate::Group)),
            ("consumed", self.consumed.take().map(Predicate::Consumed)),
            ("lag", self.lag.take().map(Predicate::Lag)),
        ];
        all.into_iter().filter_map(|(name, predicate)| Some((name, predicate?))).collect()
    }
}

fn goal(text: &str, base: usize, found: &mut Found) {
    let (toml, spans) = toml::<GoalToml>(text, base, found);
    let Some(mut toml) = toml else {
        found.broken_goals.extend(spans.text("id"));
        return;
    };
    let mut predicates = toml.predicates();
    if predicates.len() > 1 {
        let names = predicates.iter().map(|(name, _)| *name).collect();
        let second = base + spans.find([predicates[1].0]).start;
        found.fault(second, Fault::SeveralPredicates { id: toml.id.clone(), found: names });
    }
    let Some((_, predicate)) = predicates.drain(..).next() else {
        found.broken_goals.push(toml.id.clone());
        found.fault(base + spans.find(["id"]).start, Fault::NoPredicate(toml.id));
        return;
    };
    if toml.never && (toml.within.is_some() || toml.held_for.is_some()) {
        let key = if toml.within.is_some() { "within" } else { "held_for" };
        let why = "what must never hold can neither come in time nor stay".to_owned();
        let remedy = "keep never, or the times".to_owned();
        found.fault(base + spans.find([key]).start, Fault::Uncheckable { id: toml.id.clone(), why, remedy });
    }
    let mode = match toml.never {
        true => Mode::Never,
        false => Mode::Reach { within: toml.within, held_for: toml.held_for.unwrap_or_default() },
    };
    let goal = GoalSpec { id: toml.id, say: toml.say, after: toml.after, mode, predicate };
    found.goal(goal, base, &spans);
}

fn predict(text: &str, base: usize, found: &mut Found) {
    let (predict, spans) = toml::<Predict>(text, base, found);
    let Some(predict) = predict else { return };
    if predict.choices.len() < 2 || !predict.choices.iter().any(|choice| choice.right) {
        found.fault(base + spans.find(["choices"]).start, Fault::NoRightChoice);
    }
    found.predict(predict, base + spans.find(["id"]).start);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrongToml {
    does: String,
    fails: String,
    expect: String,
}

fn wrong(text: &str, base: usize, found: &mut Found) {
    found.has_wrong = true;
    let (toml, spans) = toml::<WrongToml>(text, base, found);
    let Some(toml) = toml else { return };
    let does_at = spans.find(["does"]);
    let inside = text[does_at.clone()].len() - text[does_at.clone()].trim_start_matches(['"', '\'', '\n', '\r']).len();
    let does = script(&toml.does, base + does_at.start + inside, found).unwrap_or_default();
    found.wrong(Wrong { does, fails: toml.fails, expect: toml.expect }, base + spans.find(["fails"]).start);
}

fn script(text: &str, base: usize, found: &mut Found) -> Option<Script> {
    match Script::parse(text) {
        Ok(script) => Some(script),
        Err(problems) => {
            for problem in problems {
                found.fault(base + problem.offset, Fault::BadWait(problem.text));
            }
            None
        }
    }
}

fn toml<'t, T: serde::de::DeserializeOwned>(text: &'t str, base: usize, found: &mut Found) -> (Option<T>, Spans<'t>) {
    let (value, problems, spans) = table::read::<T>(text);
    for problem in problems {
        found.fault(base + problem.at.start, Fault::Toml(problem.message));
    }
    (value, spans)
}
