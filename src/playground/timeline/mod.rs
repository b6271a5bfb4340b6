//! The time of one run: forward, back, and sideways.
//!
//! A run is a world at its beginning and a journal of commands; everything else follows. Going back is: the nearest checkpoint, and the journal played
//! again. Acting while rewound forks: the old future becomes a branch. Whoever watches the world (metrics, goals) is copied with it, and so travels too.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Display;

use super::branch::{self, Branch, End};
use super::checkpoints::{Checkpoint, Checkpoints, STEPS_APART};
use super::chronicle::Chronicle;
use super::journal::{Entry, Journal};
use crate::sim::process::{EventId, Recorded};
use crate::sim::time::{Duration, Time};

/// How often a watcher looks at the world.
pub const LOOK_EVERY: Duration = Duration::ms(100);
/// Branches are told apart by eleven bits in the ids of chunks.
const BRANCH_IDS: u16 = 1 << 11;

/// What can travel in time. The same beginning and the same commands at the same places must lead to the same world.
pub trait Replayable: Clone {
    type Command: Clone + PartialEq;
    type Event: Clone;
    /// Why a command cannot be done.
    type Refusal: Display;

    fn now(&self) -> Time;
    /// The id the next event will have.
    fn next_event(&self) -> EventId;
    /// Carries out the next thing that is due by `until`; returns whether there was one.
    fn step(&mut self, until: Time) -> bool;
    /// Sets the clock; nothing is due by then.
    fn wait(&mut self, until: Time);
    /// Does it now. What cannot be done changes nothing.
    fn apply(&mut self, command: &Self::Command) -> Result<(), Self::Refusal>;
    /// The events since the last call, oldest first.
    fn take_events(&mut self) -> Vec<Recorded<Self::Event>>;
    /// What is made from now on is told from what other branches make.
    fn set_branch(&mut self, branch: u16);
    /// Bytes that a copy will hold when the original has moved on: an estimate.
    fn weight_bytes(&self) -> u64;
    /// Whether a person will ask about this event later: it is not one of a steady flow.
    fn is_notable(event: &Self::Event) -> bool;
    /// A command in a few words.
    fn describe(command: &Self::Command) -> String;
}

/// Who watches a world and travels through time with it.
pub trait Watcher<W: Replayable>: Clone {
    /// Every event, in order.
    fn event(&mut self, event: &Recorded<W::Event>);

    /// The world as it is, every [`LOOK_EVERY`] of virtual time.
    fn look(&mut self, world: &W);
}

/// Nobody watches.
impl<W: Replayable> Watcher<W> for () {
    fn event(&mut self, _: &Recorded<W::Event>) {}

    fn look(&mut self, _: &W) {}
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("{0}")]
    ByTheWorld(String),
    #[error("this run has taken as many commands as it can: begin anew")]
    JournalFull,
    #[error("there is no such branch of time (any more)")]
    NoSuchBranch,
    #[error("time cannot go back here: this run has forked too often")]
    TooManyForks,
}

/// A world in time.
#[derive(Clone, Debug)]
pub struct Timeline<W: Replayable, O = ()> {
    present: Checkpoint<W, O>,
    end: End,
    journal: Journal<W::Command>,
    checkpoints: Checkpoints<W, O>,
    chronicle: Chronicle<W::Event>,
    branches: Vec<Branch<W, O, W::Command, W::Event>>,
    /// The highest number of a branch so far.
    last_branch: u16,
}

impl<W: Replayable, O: Watcher<W>> Timeline<W, O> {
    /// A run that begins with this world as it is now.
    pub fn new(mut world: W, mut watcher: O) -> Timeline<W, O> {
        let mut chronicle = Chronicle::default();
        for event in world.take_events() {
            watcher.event(&event);
            let notable = W::is_notable(&event.event);
            chronicle.record(event, notable);
        }
        watcher.look(&world);
        let at = world.now();
        let weight_bytes = world.weight_bytes();
        let present = Checkpoint { world, watcher, steps: 0, next_look: at + LOOK_EVERY, at, weight_bytes };
        let checkpoints = Checkpoints::new(present.clone());
        let journal = Journal::default();
        Timeline { present, end: End { at, steps: 0 }, journal, checkpoints, chronicle, branches: Vec::new(), last_branch: 0 }
    }

    /// A run whose journal is known up to an instant; it stands at its beginning. To be played with [`Timeline::run`].
    pub fn replay(world: W, watcher: O, journal: Journal<W::Command>, end: End) -> Timeline<W, O> {
        let last_branch = journal.entries().iter().map(|entry| entry.branch).max().unwrap_or(0);
        Timeline { journal, end, last_branch, ..Timeline::new(world, watcher) }
    }

    pub fn world(&self) -> &W {
        &self.present.world
    }

    pub fn watcher(&self) -> &O {
        &self.present.watcher
    }

    /// For what a person sets and no event brings (an alert line). It holds from here on, and is forgotten by going back.
    pub fn watcher_mut(&mut self) -> &mut O {
        &mut self.present.watcher
    }

    pub fn now(&self) -> Time {
        self.present.world.now()
    }

    /// The earliest instant that can be sought.
    pub fn from(&self) -> Time {
        self.checkpoints.from()
    }

    /// How far the future is known: now, unless rewound.
    pub fn end(&self) -> End {
        self.end
    }

    /// Something that happened later is already known.
    pub fn is_rewound(&self) -> bool {
        self.present.steps < self.end.steps
    }

    pub fn journal(&self) -> &Journal<W::Command> {
        &self.journal
    }

    pub fn chronicle(&self) -> &Chronicle<W::Event> {
        &self.chronicle
    }

    /// Old futures, the one left last at the end.
    pub fn branches(&self) -> impl DoubleEndedIterator<Item = &Branch<W, O, W::Command, W::Event>> {
        self.branches.iter()
    }

    /// The branch of time that the run is on.
    pub fn branch(&self) -> u16 {
        self.journal.branch_after(self.present.steps)
    }

    /// Checkpoints that are kept at present.
    pub fn checkpoint_count(&self) -> u32 {
        self.checkpoints.all().len() as u32
    }

    /// Runs to `until`. While rewound, what is known happens again.
    pub fn run_until(&mut self, until: Time) {
        while !self.run(until, u64::MAX) {}
    }

    /// Runs towards `until`, at most so many steps; returns whether it got there.
    pub fn run(&mut self, until: Time, steps: u64) -> bool {
        let last = self.present.steps.saturating_add(steps);
        loop {
            let command_at = self.journal.next_after(self.present.steps).map(|entry| entry.at);
            let stop = [Some(until), Some(self.present.next_look), command_at].into_iter().flatten().min().unwrap_or(until);
            while self.step(stop) {
                if self.present.steps >= last {
                    return false;
                }
            }
            self.present.world.wait(stop);
            self.end.at = self.end.at.max(self.now());
            if self.present.next_look <= stop {
                self.present.next_look += LOOK_EVERY;
                self.present.watcher.look(&self.present.world);
            } else if command_at == Some(stop) {
                self.repeat();
            } else if stop == until {
                return true;
            }
        }
    }

    /// Runs until something is reported, at most to `until`; returns whether something was.
    pub fn run_to_event(&mut self, until: Time) -> bool {
        let before = self.present.world.next_event();
        while self.present.world.next_event() == before {
            if self.run(until, 1) {
                break;
            }
        }
        self.present.world.next_event() != before
    }

    /// Goes to an instant, back or forth. Before the earliest: there.
    pub fn seek(&mut self, to: Time) {
        self.rewind(to);
        self.run_until(to.max(self.from()));
    }

    /// The first half of a seek: the nearest point from where `to` is reached by running. Running there is left to the caller, who may do it in slices.
    pub fn rewind(&mut self, to: Time) {
        let nearest = self.checkpoints.before(to);
        let closer = self.now() <= to && self.present.steps >= nearest.steps;
        if !closer {
            self.present = (**nearest).clone();
        }
    }

    /// Does something, now. While rewound, the old future becomes a branch.
    ///
    /// # Errors
    /// The world's own refusal, or a bound of the journal. Nothing is done then, and nothing is forked.
    pub fn act(&mut self, command: W::Command) -> Result<(), Refused> {
        if self.journal.is_full() {
            return Err(Refused::JournalFull);
        }
        // All that is due now comes first, so that the command's place is the same whenever it is played again.
        let now = self.now();
        while self.step(now) {}
        let mut world = self.present.world.clone();
        let forks = self.is_rewound();
        let branch = if forks { self.free_branch().ok_or(Refused::TooManyForks)? } else { self.branch() };
        world.set_branch(branch);
        world.apply(&command).map_err(|refusal| Refused::ByTheWorld(refusal.to_string()))?;
        let event = self.present.world.next_event();
        if forks {
            self.last_branch = self.last_branch.max(branch);
            self.keep(self.present.steps, now);
            self.forget_future();
        }
        self.journal.push(Entry { at: now, step: self.present.steps, event, branch, command });
        self.present.world = world;
        self.stepped();
        self.end = End { at: now, steps: self.present.steps };
        Ok(())
    }

    /// Goes over to an old future; the present one becomes a branch in its place. Time stays where it is, or goes to where the two part.
    ///
    /// # Errors
    /// If there is no such branch.
    pub fn switch_to(&mut self, id: u16) -> Result<(), Refused> {
        let index = self.branches.iter().position(|branch| branch.id == id).ok_or(Refused::NoSuchBranch)?;
        let target = self.branches.remove(index);
        let now = self.now();
        let parting = self.journal.parting(&target.journal).map(|entry| (entry.step, entry.at, entry.event));
        let (steps, at, event) = parting.unwrap_or((self.present.steps, now, self.present.world.next_event()));
        self.keep(steps, at);
        self.checkpoints.cut(steps);
        self.checkpoints.switch_to(&target.checkpoints, steps);
        self.chronicle.switch_to(&target.notable, event);
        self.journal = target.journal;
        self.end = target.end;
        if self.present.steps > steps {
            self.present = (**self.checkpoints.before(at)).clone();
            self.run_until(at);
        }
        Ok(())
    }

    /// One thing that is due, with what follows from it.
    fn step(&mut self, until: Time) -> bool {
        let stepped = self.present.world.step(until);
        if stepped {
            self.stepped();
        }
        stepped
    }

    /// Does again what the journal says.
    fn repeat(&mut self) {
        let Some(entry) = self.journal.next_after(self.present.steps).cloned() else { return };
        debug_assert_eq!(entry.step, self.present.steps, "the same run takes the same steps");
        self.present.world.set_branch(entry.branch);
        // What could be done the first time can be done again.
        let done = self.present.world.apply(&entry.command);
        debug_assert!(done.is_ok());
        // Where another build of this program takes other steps, a command must not come twice.
        self.present.steps = self.present.steps.max(entry.step);
        self.stepped();
    }

    fn stepped(&mut self) {
        self.present.steps += 1;
        for event in self.present.world.take_events() {
            self.present.watcher.event(&event);
            let notable = W::is_notable(&event.event);
            self.chronicle.record(event, notable);
        }
        if self.present.steps > self.end.steps {
            self.end = End { at: self.end.at.max(self.now()), steps: self.present.steps };
        }
        if self.present.steps >= self.checkpoints.last_steps() + STEPS_APART {
            self.present.at = self.now();
            self.present.weight_bytes = self.present.world.weight_bytes();
            self.checkpoints.push(self.present.clone());
        }
    }

    /// The known future becomes a branch that begins after so many steps.
    fn keep(&mut self, steps: u64, from: Time) {
        let label = self.journal.next_after(steps).map_or_else(|| "nothing more was done".to_owned(), |entry| W::describe(&entry.command));
        let kept = Branch {
            id: self.journal.entries().last().map_or(0, |entry| entry.branch),
            label,
            from,
            end: self.end,
            journal: self.journal.clone(),
            checkpoints: self.checkpoints.some_after(steps, branch::MAX_CHECKPOINTS),
            notable: self.chronicle.share(),
        };
        self.branches.push(kept);
        if self.branches.len() > branch::MAX_BRANCHES {
            self.branches.remove(0);
        }
    }

    fn forget_future(&mut self) {
        self.journal.cut(self.present.steps);
        self.checkpoints.cut(self.present.steps);
        self.chronicle.cut(self.present.world.next_event());
    }

    /// A number that was never used; when there are no more, one that nothing that is kept was made on.
    fn free_branch(&self) -> Option<u16> {
        if self.last_branch + 1 < BRANCH_IDS {
            return Some(self.last_branch + 1);
        }
        let journals = self.branches.iter().map(|branch| &branch.journal).chain([&self.journal]);
        let used: BTreeSet<u16> = journals.flat_map(|journal| journal.entries()).map(|entry| entry.branch).collect();
        (1..BRANCH_IDS).find(|id| !used.contains(id))
    }
}
