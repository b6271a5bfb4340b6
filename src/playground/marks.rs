//! Marks for the time bar: what was done, what broke, and what followed, joined where they stand close.

use serde::{Deserialize, Serialize};

use super::metrics::Sample;
use super::narrate;
use crate::kafka::event::{Event, GroupState};
use crate::sim::fault::Occurrence;
use crate::sim::process::Recorded;
use crate::sim::time::{Duration, Time};

/// At most so many marks on a time bar.
pub const MAX_MARKS: usize = 120;
/// Marks of one kind are joined when they are closer than this part of the bar.
const JOIN: u64 = 200;
/// An alert rings when its rate was missed for so long.
pub const ALERT_AFTER: Duration = Duration::secs(5);

/// A mark on the time bar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub at: Time,
    pub kind: MarkKind,
    pub label: String,
}

/// What a mark, or a line of the event list, is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MarkKind {
    Command,
    Fault,
    Election,
    Rebalance,
    Alert,
    Goal,
}

/// What an event is about; `None`: it is no mark, and in the event list it stands with what was done.
pub fn kind_of(event: &Event) -> Option<MarkKind> {
    match event {
        Event::Sim(Occurrence::Exited { status: 0, .. }) => None,
        Event::Sim(_) => Some(MarkKind::Fault),
        Event::LineEntered { .. } => Some(MarkKind::Command),
        Event::LeaderElected { before: Some(_), .. } | Event::ControllerElected { .. } => Some(MarkKind::Election),
        Event::LeaderElected { leader: Some(_), leader_epoch: 1.., .. } => Some(MarkKind::Election),
        Event::GroupChanged { state: GroupState::PreparingRebalance, .. } => Some(MarkKind::Rebalance),
        Event::CorruptBatch { .. } | Event::BatchFailed { .. } => Some(MarkKind::Alert),
        _ => None,
    }
}

/// The marks between two instants: of what happened, and others (goals, alerts), joined.
pub fn marks<'a>(events: impl Iterator<Item = &'a Recorded<Event>>, others: impl Iterator<Item = Mark>, from: Time, to: Time) -> Vec<Mark> {
    let of_events = events.filter(|event| event.at >= from && event.at <= to).filter_map(|event| {
        let kind = kind_of(&event.event)?;
        Some(Found { mark: Mark { at: event.at, kind, label: String::new() }, event: Some(&event.event) })
    });
    let others = others.filter(|mark| mark.at >= from && mark.at <= to).map(|mark| Found { mark, event: None });
    let mut found: Vec<Found> = of_events.chain(others).collect();
    found.sort_by_key(|found| (found.mark.kind, found.mark.at));
    let mut apart = to.since(from).0 / JOIN;
    loop {
        let joined = join(&found, apart);
        if joined.len() <= MAX_MARKS {
            let mut marks = joined;
            marks.sort_by_key(|mark| (mark.at, mark.kind));
            return marks;
        }
        apart = apart * 2 + 1;
    }
}

/// When a rate was below its line for [`ALERT_AFTER`]: a mark at each such moment.
pub fn alerts<'a>(samples: impl Iterator<Item = &'a Sample>, below: u32) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut since: Option<Time> = None;
    let mut rung = false;
    for sample in samples {
        if sample.consumed_per_s >= below {
            (since, rung) = (None, false);
            continue;
        }
        let began = *since.get_or_insert(sample.at);
        if !rung && sample.at.since(began) >= ALERT_AFTER {
            rung = true;
            let label = format!("below {below}/s for {} s", ALERT_AFTER.as_ms() / 1_000);
            marks.push(Mark { at: sample.at, kind: MarkKind::Alert, label });
        }
    }
    marks
}

struct Found<'a> {
    mark: Mark,
    event: Option<&'a Event>,
}

fn join(found: &[Found], apart: u64) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut rest = found;
    while let Some(first) = rest.first() {
        let (kind, mut last) = (first.mark.kind, first.mark.at);
        let together = rest.iter().take_while(|next| {
            let near = next.mark.kind == kind && next.mark.at.since(last).0 <= apart;
            last = if near { next.mark.at } else { last };
            near
        });
        let n = together.count();
        let label = match (n, first.event) {
            (1, Some(event)) => narrate::event(event),
            (1, None) => first.mark.label.clone(),
            (n, _) => format!("{n} {}", plural(kind)),
        };
        marks.push(Mark { at: first.mark.at, kind, label });
        rest = &rest[n..];
    }
    marks
}

fn plural(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Command => "commands",
        MarkKind::Fault => "changes of hosts and links",
        MarkKind::Election => "elections",
        MarkKind::Rebalance => "rebalances",
        MarkKind::Alert => "alerts",
        MarkKind::Goal => "goals",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::names::{BrokerId, TopicPartition};
    use crate::sim::process::EventId;

    fn at(ms: u64, event: Event) -> Recorded<Event> {
        Recorded { id: EventId(ms), at: Time::from_ms(ms), process: None, trigger: None, blockers: Vec::new(), event }
    }

    fn elected(ms: u64, partition: i32) -> Recorded<Event> {
        let (leader, before) = (Some(BrokerId(2)), Some(BrokerId(1)));
        let partition = TopicPartition::new("orders", partition);
        at(ms, Event::LeaderElected { partition, leader, before, leader_epoch: 1, isr: Vec::new(), unclean: false })
    }

    #[test]
    fn neighbours_are_joined() {
        let mut events: Vec<_> = (0..5).map(|i| elected(40_000 + u64::from(i as u32), i)).collect();
        events.push(elected(60_000, 0));
        events.push(at(31_000, Event::Sim(Occurrence::Killed { host: "kafka-1".into() })));
        let goal = Mark { at: Time::from_ms(61_000), kind: MarkKind::Goal, label: "It comes back".into() };
        let marks = marks(events.iter(), [goal].into_iter(), Time::ZERO, Time::from_ms(100_000));
        let labels: Vec<&str> = marks.iter().map(|mark| mark.label.as_str()).collect();
        assert_eq!(labels, ["kafka-1 was killed", "5 elections", "orders-0: leader 1 → 2, leader epoch 1", "It comes back"]);
    }

    #[test]
    fn there_are_never_too_many() {
        let events: Vec<_> = (0..5_000).map(|i| elected(i * 1_000, 0)).collect();
        let marks = marks(events.iter(), std::iter::empty(), Time::ZERO, Time::from_ms(5_000_000));
        assert!(marks.len() <= MAX_MARKS);
    }

    #[test]
    fn an_alert_rings_once_until_the_rate_is_back() {
        let rates = [900, 100, 100, 100, 900, 100, 100, 100, 100, 100, 100, 100, 100];
        let samples: Vec<Sample> =
            rates.iter().zip(0..).map(|(&r, i)| Sample { at: Time::from_ms(i * 2_000), acked_per_s: r, consumed_per_s: r }).collect();
        let at: Vec<u64> = alerts(samples.iter(), 800).iter().map(|mark| mark.at.0 / 1_000).collect();
        assert_eq!(at, [16_000]);
    }
}
