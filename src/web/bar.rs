//! The time bar, and the lines of the event list.

use super::run::Run;
use crate::kafka::event::Event;
use crate::lesson::model::Lesson;
use crate::lesson::progress::Earned;
use crate::playground::marks::{self, MarkKind};
use crate::playground::narrate;
use crate::sim::process::Recorded;
use crate::sim::time::Time;
use crate::wire;

/// What the time bar shows, but for its marks.
pub fn timeline(run: &Run, marks: Vec<wire::Mark>) -> wire::Timeline {
    let timeline = run.timeline();
    let branches = timeline.branches().map(|branch| wire::Branch {
        id: branch.id,
        from_us: branch.from.0,
        to_us: branch.end.at.0,
        label: branch.label.clone(),
    });
    wire::Timeline {
        from_us: timeline.from().0,
        end_us: timeline.end().at.max(timeline.now()).0,
        now_us: timeline.now().0,
        marks,
        branches: branches.collect(),
    }
}

/// Marks of what happened, of goals that were reached, and of alerts.
pub fn marks(run: &Run) -> Vec<wire::Mark> {
    let timeline = run.timeline();
    let goals = run.lesson().into_iter().flat_map(|lesson| goal_marks(lesson, run.earned()));
    let alerts = run.alert().into_iter().flat_map(|below| marks::alerts(timeline.watcher().metrics.samples(), below));
    // What came before the cluster was ready is nothing that a person did or waited for.
    let from = timeline.from().max(timeline.world().ready_at());
    let marks = marks::marks(timeline.chronicle().notable(), goals.chain(alerts), from, timeline.end().at);
    marks.into_iter().map(|mark| wire::Mark { at_us: mark.at.0, kind: kind(mark.kind), label: mark.label }).collect()
}

/// A line of the event list.
pub fn line(event: &Recorded<Event>) -> wire::EventLine {
    let kind = marks::kind_of(&event.event).map_or(wire::MarkKind::Command, kind);
    wire::EventLine { id: event.id.0, at_us: event.at.0, text: narrate::event(&event.event), kind }
}

fn goal_marks<'a>(lesson: &'a Lesson, earned: &'a Earned) -> impl Iterator<Item = marks::Mark> + 'a {
    lesson.goals().filter_map(|goal| {
        let at = Time(*earned.goals.get(&goal.id)?);
        Some(marks::Mark { at, kind: MarkKind::Goal, label: goal.say.clone() })
    })
}

fn kind(kind: MarkKind) -> wire::MarkKind {
    match kind {
        MarkKind::Command => wire::MarkKind::Command,
        MarkKind::Fault => wire::MarkKind::Fault,
        MarkKind::Election => wire::MarkKind::Election,
        MarkKind::Rebalance => wire::MarkKind::Rebalance,
        MarkKind::Alert => wire::MarkKind::Alert,
        MarkKind::Goal => wire::MarkKind::Goal,
    }
}
