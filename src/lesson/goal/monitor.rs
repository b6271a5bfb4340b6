//! One goal through time: it waits for its turn, is open, may have to hold for a while, and is reached or missed.

use super::board::{GoalStatus, Progress};
use super::watch::{Seen, Verdict, Watch};
use super::words::seconds;
use super::{GoalSpec, Mode};
use crate::kafka::event::Event;
use crate::lesson::span::TimeSpan;
use crate::playground::snapshot::Snapshot;

/// A goal and what it remembers.
#[derive(Clone, Debug)]
pub struct Monitor {
    spec: GoalSpec,
    state: State,
    watch: Watch,
    /// Why not yet, as last seen.
    why: String,
}

/// Where a goal is; times are virtual microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Another goal comes first.
    Waiting,
    Open {
        since: u64,
    },
    /// It holds since then, and must go on.
    Holding {
        opened: u64,
        since: u64,
        until: u64,
    },
    Done {
        at: u64,
    },
    Failed,
}

impl Monitor {
    pub fn new(spec: GoalSpec) -> Monitor {
        let watch = Watch::new(&spec.predicate);
        Monitor { spec, state: State::Waiting, watch, why: String::new() }
    }

    pub fn spec(&self) -> &GoalSpec {
        &self.spec
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn status(&self) -> GoalStatus {
        let progress = match self.state {
            State::Waiting => Progress::Waiting,
            State::Open { .. } => Progress::Open,
            State::Holding { .. } => Progress::Holding,
            State::Done { .. } => Progress::Done,
            State::Failed => Progress::Failed,
        };
        GoalStatus { id: self.spec.id.clone(), say: self.spec.say.clone(), progress, detail: self.why.clone() }
    }

    /// Its turn has come: from here on things count.
    pub fn open(&mut self, now_us: u64, seen: &Seen) {
        self.state = State::Open { since: now_us };
        self.watch.open(seen);
    }

    /// It was reached before, on a run of which only the disks are left.
    pub fn grant(&mut self, now_us: u64) {
        self.done(now_us);
    }

    /// What must never hold did not, until the end.
    pub fn close(&mut self, now_us: u64) {
        if let State::Open { .. } = self.state {
            self.done(now_us);
        }
    }

    pub fn event(&mut self, now_us: u64, event: &Event, seen: &Seen) {
        if matches!(self.state, State::Done { .. } | State::Failed) {
            return;
        }
        let is_open = self.state != State::Waiting;
        if let Some(verdict) = self.watch.event(now_us, event, seen, is_open)
            && is_open
        {
            self.judge(now_us, verdict);
        }
    }

    pub fn look(&mut self, now_us: u64, snapshot: &Snapshot, seen: &Seen) {
        if matches!(self.state, State::Waiting | State::Done { .. } | State::Failed) {
            return;
        }
        let verdict = self.watch.look(now_us, snapshot, seen);
        self.judge(now_us, verdict);
    }

    fn judge(&mut self, now_us: u64, verdict: Verdict) {
        let (within, held_for) = match self.spec.mode {
            Mode::Reach { within, held_for } => (within, held_for),
            Mode::Never => return self.judge_never(verdict),
        };
        match (verdict, &self.state) {
            (Verdict::Lost(why), _) => self.fail(why),
            (Verdict::Holds, State::Open { .. }) if held_for == TimeSpan::ZERO => self.done(now_us),
            (Verdict::Holds, State::Open { since }) => {
                let (opened, until) = (*since, now_us + held_for.micros());
                self.state = State::Holding { opened, since: now_us, until };
                self.why = format!("holds, and must for {held_for}");
            }
            (Verdict::Holds, State::Holding { until, .. }) if now_us >= *until => self.done(now_us),
            (Verdict::Holds, State::Holding { since, .. }) => {
                self.why = format!("holds for {} of {held_for}", seconds(now_us - since));
            }
            (Verdict::NotYet(why), State::Open { since } | State::Holding { opened: since, .. }) => {
                let since = *since;
                match within {
                    Some(limit) if now_us > since + limit.micros() => self.fail(format!("not within {limit}: {why}")),
                    _ => {
                        self.state = State::Open { since };
                        self.why = why;
                    }
                }
            }
            (_, State::Waiting | State::Done { .. } | State::Failed) => {}
        }
    }

    fn judge_never(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Holds => self.fail("this must never be, and it was".into()),
            Verdict::NotYet(_) | Verdict::Lost(_) => self.why = "so far it has not been so".into(),
        }
    }

    fn done(&mut self, now_us: u64) {
        self.state = State::Done { at: now_us };
        self.why.clear();
    }

    /// On this branch of time it is missed; the learner can go back to before.
    fn fail(&mut self, why: String) {
        self.state = State::Failed;
        self.why = format!("{why}. Go back in time to before it, and take another way.");
    }
}
