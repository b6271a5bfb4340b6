//! All goals of a lesson on one branch of time.
//!
//! Feed it every event, and a snapshot every 100 ms of virtual time or so ([`Watcher`] does). It is a plain value: cloned with the world, it
//! goes back and forth in time with it.

use super::monitor::{Monitor, State};
use super::watch::Seen;
use super::{GoalSpec, Mode, Predicate};
use crate::kafka::event::Event;
use crate::lesson::model::Lesson;
use crate::playground::history::History;
use crate::playground::metrics::Metrics;
use crate::playground::snapshot::Snapshot;
use crate::playground::timeline::Watcher;
use crate::playground::view::{Detail, Viewer};
use crate::playground::world::World;
use crate::sim::process::Recorded;

/// The goals of a lesson and all they remember.
#[derive(Clone, Debug)]
pub struct GoalBoard {
    monitors: Vec<Monitor>,
    seen: Seen,
    /// The first look was taken: the cluster is ready, and what happens from here on is somebody's doing.
    has_begun: bool,
}

/// One goal, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoalStatus {
    pub id: String,
    pub say: String,
    pub progress: Progress,
    /// Why not yet, why not any more, or when it was reached; empty while it waits for another goal.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Another goal comes first.
    Waiting,
    Open,
    /// It holds, and must go on holding for a while.
    Holding,
    Done,
    /// It cannot be reached any more on this branch of time.
    Failed,
}

impl GoalBoard {
    pub fn new(lesson: &Lesson) -> GoalBoard {
        GoalBoard::of(lesson.goals().cloned())
    }

    /// A board of these goals.
    pub fn of(goals: impl IntoIterator<Item = GoalSpec>) -> GoalBoard {
        let monitors: Vec<Monitor> = goals.into_iter().map(Monitor::new).collect();
        let history = monitors.iter().any(|m| matches!(m.spec().predicate, Predicate::History(_))).then(History::default);
        GoalBoard { monitors, seen: Seen { history, ..Seen::default() }, has_begun: false }
    }

    /// Takes note of an event that happened at `now_us`. Goals about a moment may be reached by it; before the first look, none is.
    pub fn event(&mut self, now_us: u64, event: &Event) {
        self.seen.event(event);
        for monitor in &mut self.monitors {
            monitor.event(now_us, event, &self.seen);
        }
        if self.has_begun {
            self.open(now_us);
        }
    }

    /// Looks at a state. `now_us` must not go back.
    pub fn look(&mut self, now_us: u64, snapshot: &Snapshot) {
        self.seen.look(snapshot);
        self.has_begun = true;
        self.open(now_us);
        for monitor in &mut self.monitors {
            monitor.look(now_us, snapshot, &self.seen);
        }
        self.open(now_us);
        self.close(now_us);
    }

    /// These goals were reached before, on a run of which only the disks are left; the others go on from there.
    pub fn grant<'a>(&mut self, now_us: u64, ids: impl IntoIterator<Item = &'a str>) {
        for id in ids {
            self.monitors.iter_mut().filter(|monitor| monitor.spec().id == id).for_each(|monitor| monitor.grant(now_us));
        }
    }

    /// Every goal in the order of the text.
    pub fn statuses(&self) -> Vec<GoalStatus> {
        self.monitors.iter().map(Monitor::status).collect()
    }

    /// Whether every goal is reached.
    pub fn is_done(&self) -> bool {
        self.monitors.iter().all(|monitor| matches!(monitor.state(), State::Done { .. }))
    }

    /// Begins to look at the goals whose turn has come; one may open the next.
    fn open(&mut self, now_us: u64) {
        for i in 0..self.monitors.len() {
            if *self.monitors[i].state() != State::Waiting {
                continue;
            }
            let first = self.monitors[i].spec().after.as_deref();
            let is_done = |monitor: &Monitor| matches!(monitor.state(), State::Done { .. });
            if first.is_none_or(|id| self.monitors.iter().any(|m| m.spec().id == id && is_done(m))) {
                self.monitors[i].open(now_us, &self.seen);
            }
        }
    }

    /// What must never hold is reached when all else is.
    fn close(&mut self, now_us: u64) {
        let is_never = |monitor: &Monitor| monitor.spec().mode == Mode::Never;
        if self.monitors.iter().all(|m| is_never(m) || matches!(m.state(), State::Done { .. })) {
            self.monitors.iter_mut().filter(|m| is_never(m)).for_each(|m| m.close(now_us));
        }
    }
}

impl Watcher<World> for GoalBoard {
    fn event(&mut self, recorded: &Recorded<Event>) {
        GoalBoard::event(self, recorded.at.0, &recorded.event);
    }

    /// Goals measure rates themselves, so that they need no metrics.
    fn look(&mut self, world: &World) {
        let snapshot = Viewer::default().snapshot(world, &Metrics::default(), Detail::Goals);
        GoalBoard::look(self, snapshot.now_us, &snapshot);
    }
}
