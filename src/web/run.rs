//! One run: its timeline, its lesson, and how time moves.

use super::now_ms;
use super::pace::Pace;
use super::pump::Wake;
use crate::lesson::model::Lesson;
use crate::lesson::progress::Earned;
use crate::lesson::watching::Watching;
use crate::playground::command::Command;
use crate::playground::snapshot::Snapshot;
use crate::playground::stored::Cut;
use crate::playground::timeline::{Refused, Timeline};
use crate::playground::view::{Detail, Viewer};
use crate::playground::world::World;
use crate::sim::time::{Duration, Time};

/// One slice of simulating, in real milliseconds: then commands and IndexedDB have their turn.
const SLICE_MS: f64 = 8.0;
/// Steps between two looks at the clock: some tens of microseconds.
const STEPS: u64 = 64;
/// Ahead of real time, the next slice comes after so many milliseconds.
const REST_MS: f64 = 8.0;
/// "To the next event" looks no further ahead than this.
const NEXT_EVENT: Duration = Duration::secs(60);

/// How time moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Motion {
    Standing,
    Playing,
    /// To an instant, as fast as it goes.
    Going {
        to: Time,
        /// Nothing in between is shown.
        hidden: bool,
        then_play: bool,
    },
}

/// What became of a slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sliced {
    pub wake: Wake,
    /// The instant of a seek was reached: everything must be shown anew.
    pub arrived: bool,
}

/// What runs.
#[derive(Debug)]
pub struct Run {
    timeline: Timeline<World, Watching>,
    lesson: Option<Lesson>,
    earned: Earned,
    can_be_replayed: bool,
    motion: Motion,
    pace: Pace,
    alert: Option<u32>,
    viewer: Viewer,
}

impl Run {
    /// Plays from where the timeline stands. `can_be_replayed`: the seed and the journal are the whole run.
    pub fn new(timeline: Timeline<World, Watching>, lesson: Option<Lesson>, earned: Earned, can_be_replayed: bool) -> Run {
        let pace = Pace::new(timeline.now(), now_ms());
        Run { timeline, lesson, earned, can_be_replayed, motion: Motion::Playing, pace, alert: None, viewer: Viewer::default() }
    }

    pub fn timeline(&self) -> &Timeline<World, Watching> {
        &self.timeline
    }

    pub fn lesson(&self) -> Option<&Lesson> {
        self.lesson.as_ref()
    }

    pub fn earned(&self) -> &Earned {
        &self.earned
    }

    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Whether time runs, or is about to.
    pub fn is_playing(&self) -> bool {
        matches!(self.motion, Motion::Playing | Motion::Going { then_play: true, .. })
    }

    /// Whether what is to be shown is still to come.
    pub fn is_hidden(&self) -> bool {
        matches!(self.motion, Motion::Going { hidden: true, .. })
    }

    /// What is visible now.
    pub fn snapshot(&mut self, detail: Detail) -> Snapshot {
        self.viewer.snapshot(self.timeline.world(), &self.timeline.watcher().metrics, detail)
    }

    pub fn alert(&self) -> Option<u32> {
        self.alert
    }

    pub fn set_alert(&mut self, below: Option<u32>) {
        self.alert = below;
    }

    pub fn play(&mut self) {
        self.motion = match self.motion {
            Motion::Going { to, hidden, .. } => Motion::Going { to, hidden, then_play: true },
            Motion::Standing | Motion::Playing => Motion::Playing,
        };
        self.pace.restart(self.timeline.now(), now_ms());
    }

    pub fn pause(&mut self) {
        self.motion = match self.motion {
            Motion::Going { to, hidden, .. } => Motion::Going { to, hidden, then_play: false },
            Motion::Standing | Motion::Playing => Motion::Standing,
        };
    }

    pub fn set_speed(&mut self, speed: f64) {
        self.pace.set_speed(speed, self.timeline.now(), now_ms());
    }

    /// Goes to an instant, in slices, and stands still there.
    pub fn seek(&mut self, to: Time) {
        self.timeline.rewind(to);
        self.motion = Motion::Going { to: to.max(self.timeline.from()), hidden: true, then_play: false };
    }

    /// Stands still at an instant that was just seen; whether time had to go back for it.
    pub fn stop_at(&mut self, at: Time) -> bool {
        self.arrive();
        self.motion = Motion::Standing;
        let goes = self.timeline.now() != at;
        if goes {
            self.timeline.rewind(at);
            self.timeline.run_until(at);
        }
        goes
    }

    pub fn step_by(&mut self, by: Duration) {
        self.arrive();
        self.motion = Motion::Going { to: self.timeline.now() + by, hidden: false, then_play: false };
    }

    /// To the next event, and stands still there.
    pub fn step_event(&mut self) {
        self.arrive();
        self.motion = Motion::Standing;
        self.timeline.run_to_event(self.timeline.now() + NEXT_EVENT);
    }

    /// Does something now; whether an old future was left for it.
    ///
    /// # Errors
    /// As [`Timeline::act`].
    pub fn act(&mut self, command: Command) -> Result<bool, Refused> {
        self.arrive();
        let forks = self.timeline.is_rewound();
        self.timeline.act(command)?;
        Ok(forks)
    }

    /// Notes an answer; the choices that are right, or `None` if there is no such question or choice.
    pub fn answer(&mut self, id: &str, choice: u32) -> Option<Vec<u32>> {
        self.earned.answer(self.lesson.as_ref()?, id, choice)
    }

    /// Adds goals that are reached at this instant to what was earned.
    pub fn earn(&mut self) {
        if let Some(goals) = &self.timeline.watcher().goals {
            self.earned.add(self.timeline.now().0, &goals.statuses());
        }
    }

    /// Ends this instant, and says which one it is: all that is due by now is done.
    pub fn cut(&mut self) -> Cut {
        self.timeline.run_until(self.timeline.now());
        let (end, world) = (self.timeline.end(), self.timeline.world());
        Cut {
            at_us: end.at.0,
            ready_us: world.ready_at().0,
            steps: end.steps,
            digest: world.digest(),
            can_be_replayed: self.can_be_replayed,
        }
    }

    /// Simulates for a slice.
    pub fn slice(&mut self) -> Sliced {
        let began_ms = now_ms();
        match self.motion {
            Motion::Standing => Sliced { wake: Wake::Never, arrived: false },
            Motion::Playing => {
                let wanted = self.pace.wanted(self.timeline.now(), began_ms);
                let came = self.run(wanted, began_ms);
                self.pace.came_to(self.timeline.now(), now_ms());
                Sliced { wake: if came { Wake::After(REST_MS) } else { Wake::Now }, arrived: false }
            }
            Motion::Going { to, then_play, .. } => {
                if !self.run(to, began_ms) {
                    return Sliced { wake: Wake::Now, arrived: false };
                }
                self.motion = if then_play { Motion::Playing } else { Motion::Standing };
                self.pace.restart(self.timeline.now(), now_ms());
                Sliced { wake: if then_play { Wake::Now } else { Wake::Never }, arrived: true }
            }
        }
    }

    /// Ends a seek that is under way, in one go: something else is wanted at its end.
    fn arrive(&mut self) {
        if let Motion::Going { to, then_play, .. } = self.motion {
            self.timeline.run_until(to);
            self.motion = if then_play { Motion::Playing } else { Motion::Standing };
            self.pace.restart(self.timeline.now(), now_ms());
        }
    }

    /// Runs towards `until` for the rest of the slice; whether it got there.
    fn run(&mut self, until: Time, began_ms: f64) -> bool {
        loop {
            if self.timeline.run(until, STEPS) {
                return true;
            }
            if now_ms() - began_ms >= SLICE_MS {
                return false;
            }
        }
    }
}
