//! Questions about a lesson as a whole: do its parts fit together, can its goals be decided?

use std::collections::BTreeMap;

use super::front::Front;
use super::problem::{Fault, MOST_WORDS, like};
use super::{Found, PlacedGoal};
use crate::lesson::goal::*;
use crate::lesson::model::{Block, words};
use crate::lesson::span::TimeSpan;
use crate::playground::spec::ClusterSpec;

/// Checks everything but the links to other lessons. `end` is where the file ends, `body` where its Markdown begins.
pub fn whole(found: &mut Found, front: Option<&Front>, end: usize, body: usize) {
    title(found, front, body);
    ids(found);
    order(found);
    if let Some(front) = front {
        let goals = std::mem::take(&mut found.goals);
        for goal in &goals {
            decidable(found, goal, &front.cluster);
        }
        found.goals = goals;
    }
    let wrongs: Vec<(usize, String)> = found.wrongs.iter().map(|(at, wrong)| (*at, wrong.fails.clone())).collect();
    for (at, id) in wrongs {
        known_goal(found, at, &id);
    }
    if found.goals.is_empty() && found.broken_goals.is_empty() {
        found.fault(end, Fault::NoGoal);
    }
    if found.solution.is_none() {
        found.fault(end, Fault::NoSolution);
    }
    if !found.has_wrong {
        found.fault(end, Fault::NoWrong);
    }
    let prose = found.steps.iter().flat_map(|step| &step.blocks).map(|block| match block {
        Block::Prose(prose) => words(prose),
        _ => 0,
    });
    let words = prose.sum();
    if words > MOST_WORDS {
        found.fault(body, Fault::TooLong(words));
    }
}

/// Checks the slugs in `after` against the lessons there are; knowing none, says nothing.
pub fn other_lessons(found: &mut Found, known: &[&str]) {
    let missing: Vec<(usize, String)> =
        found.after.iter().filter(|(_, slug)| !known.is_empty() && !known.contains(&slug.as_str())).cloned().collect();
    for (at, slug) in missing {
        let like = like(&slug, known.iter().copied());
        found.fault(at, Fault::UnknownLesson { slug, like });
    }
}

fn title(found: &mut Found, front: Option<&Front>, body: usize) {
    let heading = found.steps.first().map(|step| step.title.clone());
    match (heading, front) {
        (None, _) => found.fault(body, Fault::NoTitle),
        (Some(heading), Some(front)) if heading != front.title && !heading.is_empty() => {
            found.fault(body, Fault::OtherTitle { heading, title: front.title.clone() });
        }
        _ => {}
    }
}

fn ids(found: &mut Found) {
    let goals: Vec<(usize, String)> = found.goals.iter().map(|goal| (goal.at, goal.it.id.clone())).collect();
    for (what, ids) in [("the goal", goals), ("the question", found.predicts.clone())] {
        let mut first: BTreeMap<String, usize> = BTreeMap::new();
        for (at, id) in ids {
            match first.get(&id) {
                Some(before) => {
                    let before = *before;
                    found.fault(at, Fault::DuplicateId { what, id, first: before as u32 });
                }
                None => {
                    first.insert(id, at);
                }
            }
        }
    }
}

fn order(found: &mut Found) {
    let after: BTreeMap<String, String> =
        found.goals.iter().filter_map(|goal| Some((goal.it.id.clone(), goal.it.after.clone()?))).collect();
    let places: Vec<(usize, String, String)> =
        found.goals.iter().filter_map(|goal| Some((goal.after_at, goal.it.id.clone(), goal.it.after.clone()?))).collect();
    for (at, id, first) in places {
        if !known_goal(found, at, &first) {
            continue;
        }
        let mut next = Some(&first);
        for _ in 0..after.len() {
            next = next.and_then(|id| after.get(id));
        }
        if next.is_some() {
            found.fault(at, Fault::GoalCycle(id));
        }
    }
}

fn known_goal(found: &mut Found, at: usize, id: &str) -> bool {
    let known: Vec<String> = found.goals.iter().map(|goal| goal.it.id.clone()).collect();
    if known.iter().any(|other| other == id) {
        return true;
    }
    if found.broken_goals.iter().any(|other| other == id) {
        return false;
    }
    found.fault(at, Fault::UnknownGoal { id: id.to_owned(), like: like(id, known.iter().map(String::as_str)) });
    false
}

/// Finds goals that no learner can reach or miss: about things that are not there, or about nothing.
fn decidable(found: &mut Found, goal: &PlacedGoal, cluster: &ClusterSpec) {
    let mut complaints: Vec<(usize, String, String)> = Vec::new();
    let at = goal.predicate_at;
    let mut complain = |at: usize, why: String, remedy: &str| complaints.push((at, why, remedy.to_owned()));

    if let Mode::Reach { within: Some(TimeSpan::ZERO), .. } = goal.it.mode {
        complain(goal.mode_at, "it has no time to hold".into(), "give `within` a time above zero");
    }
    let moment = matches!(goal.it.predicate, Predicate::Ran(_) | Predicate::Event(_));
    if moment && matches!(goal.it.mode, Mode::Reach { held_for, .. } if held_for > TimeSpan::ZERO) {
        complain(goal.mode_at, "what happens at one moment cannot be held".into(), "take held_for out");
    }
    match &goal.it.predicate {
        Predicate::Rate(rate) if rate.at_least.is_none() && rate.at_most.is_none() => {
            complain(at, "any rate would do".into(), "add at_least or at_most");
        }
        Predicate::Isr(isr) if !isr.full && isr.at_least.is_none() && isr.at_most.is_none() => {
            complain(at, "any ISR would do".into(), "add full = true, at_least or at_most");
        }
        Predicate::Lag(lag) if lag.at_least.is_none() && lag.at_most.is_none() => {
            complain(at, "any lag would do".into(), "add at_least or at_most");
        }
        Predicate::History(history) if history.free_of.is_empty() => {
            complain(at, "it is free of nothing".into(), "name at least one anomaly, such as \"lost-write\"");
        }
        Predicate::Topic(topic) if topic.replication_factor.is_some_and(|n| n == 0 || n > cluster.brokers) => {
            complain(at, format!("there are {} brokers to put replicas on", cluster.brokers), "lower replication_factor, or add brokers");
        }
        Predicate::Isr(isr) if isr.at_least.is_some_and(|n| n > cluster.brokers) => {
            complain(at, format!("there are {} brokers to be in sync", cluster.brokers), "lower at_least, or add brokers");
        }
        Predicate::Group(group) if group.idle_members > group.members.or(group.idle_members) => {
            complain(at, "more members are idle than there are".into(), "lower idle_members");
        }
        Predicate::Event(event) if event.which().broker.is_some_and(|id| id < 1 || id as u32 > cluster.brokers) => {
            complain(at, format!("there are brokers 1 to {}", cluster.brokers), "name one of them, or leave broker out for any");
        }
        _ => {}
    }
    for (what, name) in names(&goal.it.predicate) {
        let known: Vec<&str> = match what {
            Named::Topic => cluster.topics.iter().map(|topic| topic.name.as_str()).collect(),
            Named::Group => cluster.groups.iter().map(|group| group.name.as_str()).collect(),
            Named::Producer => cluster.producers.iter().map(|producer| producer.name.as_str()).collect(),
        };
        let typed = what != Named::Producer && found.solution.as_ref().is_some_and(|script| script.mentions(name));
        if !known.contains(&name) && !typed && !name.starts_with("__") {
            let remedy = match like(name, known.iter().copied()) {
                Some(like) => format!("did you mean {like:?}?"),
                None => "put it into the front matter, or let the solution make it".into(),
            };
            complain(at, format!("neither the cluster nor the solution has a {} {name}", what.noun()), &remedy);
        }
    }
    for (at, why, remedy) in complaints {
        found.fault(at, Fault::Uncheckable { id: goal.it.id.clone(), why, remedy });
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Topic,
    Group,
    Producer,
}

impl Named {
    fn noun(self) -> &'static str {
        match self {
            Named::Topic => "topic",
            Named::Group => "group",
            Named::Producer => "producer",
        }
    }
}

/// The topics, groups and producers a predicate is about.
fn names(predicate: &Predicate) -> Vec<(Named, &str)> {
    match predicate {
        Predicate::Ran(ran) => ran.topic.iter().map(|name| (Named::Topic, name.as_str())).collect(),
        Predicate::Event(event) => event.which().led.iter().map(|name| (Named::Topic, name.as_str())).collect(),
        Predicate::Rate(Rate { of: Flow::Consumed(name), .. }) => vec![(Named::Group, name)],
        Predicate::Rate(Rate { of: Flow::Produced(name), .. }) => vec![(Named::Producer, name)],
        Predicate::Rate(Rate { of: Flow::Acknowledged(name), .. }) => vec![(Named::Topic, name)],
        Predicate::Isr(isr) => vec![(Named::Topic, &isr.topic)],
        Predicate::History(history) => {
            let group = history.group.iter().map(|name| (Named::Group, name.as_str()));
            std::iter::once((Named::Topic, history.topic.as_str())).chain(group).collect()
        }
        Predicate::Topic(topic) => vec![(Named::Topic, &topic.name)],
        Predicate::Records(records) => vec![(Named::Topic, &records.topic)],
        Predicate::Group(group) => vec![(Named::Group, &group.name)],
        Predicate::Consumed(consumed) => {
            let group = consumed.group.iter().map(|name| (Named::Group, name.as_str()));
            std::iter::once((Named::Topic, consumed.topic.as_str())).chain(group).collect()
        }
        Predicate::Lag(lag) => {
            let topic = lag.topic.iter().map(|name| (Named::Topic, name.as_str()));
            std::iter::once((Named::Group, lag.group.as_str())).chain(topic).collect()
        }
    }
}
