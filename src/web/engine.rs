//! The worker as gloo knows it: messages in, one slice of work after another.

use gloo::worker::{HandlerId, Worker, WorkerScope};

use super::answer;
use super::page::Page;
use super::pump::{Pump, Wake};
use super::run::Run;
use super::say::Say;
use crate::lesson::catalog;
use crate::lesson::model::Lesson;
use crate::lesson::progress::Earned;
use crate::lesson::watching::Watching;
use crate::playground::timeline::Timeline;
use crate::playground::world::World;
use crate::sim::time::{Duration, Time};
use crate::wire::{FromWorker, Open, Restored, Storage, ToWorker};

/// The seed of a cluster without a lesson, unless one is given.
const SEED: u64 = 1;

/// The dedicated worker.
pub struct Engine {
    pump: Pump,
    page: Option<Page>,
    say: Say,
    run: Option<Run>,
}

/// What the worker says to itself.
#[derive(Debug)]
pub enum Said {
    /// Time for the next slice.
    Slice,
}

impl Worker for Engine {
    type Message = Said;
    type Input = ToWorker;
    type Output = FromWorker;

    fn create(scope: &WorkerScope<Self>) -> Self {
        Engine { pump: Pump::new(scope), page: None, say: Say::new(), run: None }
    }

    fn update(&mut self, _: &WorkerScope<Self>, said: Said) {
        match said {
            Said::Slice => {}
        }
        self.work();
    }

    fn received(&mut self, scope: &WorkerScope<Self>, message: ToWorker, id: HandlerId) {
        let page = self.page.get_or_insert_with(|| Page::new(scope, id)).clone();
        match (message, &mut self.run) {
            (ToWorker::Open(open), None) => self.open(&page, open),
            (ToWorker::Open(_), Some(_)) => {
                page.say(FromWorker::Refused("A cluster runs here already: reload the page for another".into()))
            }
            (ToWorker::File { name, bytes }, _) => page.say(answer::file(name, bytes)),
            (ToWorker::Visible(visible), _) => self.say.set_visible(visible),
            (message, Some(run)) => hear(&page, run, &mut self.say, message),
            (_, None) => {}
        }
        self.work();
    }
}

impl Engine {
    fn open(&mut self, page: &Page, open: Open) {
        match begin(&open) {
            Ok(run) => {
                page.say(FromWorker::Ready { ready_us: run.timeline().world().ready_at().0, restored: Restored::Fresh });
                page.say(FromWorker::Storage(Storage::MemoryOnly { because: "nothing is stored yet".into() }));
                self.run = Some(run);
                self.say = Say::new();
            }
            Err(why) => page.say(FromWorker::Panicked { message: why }),
        }
    }

    /// A slice, and what there is to say after it.
    fn work(&mut self) {
        let (Some(page), Some(run)) = (&self.page, &mut self.run) else { return };
        let sliced = run.slice();
        if sliced.arrived {
            self.say.anew(page, run);
        } else if sliced.wake != Wake::Never {
            self.say.owe();
        }
        let wake = self.say.say(page, run);
        self.pump.wake(sliced.wake.sooner(wake));
    }
}

/// Builds what is to be run.
fn begin(open: &Open) -> Result<Run, String> {
    let lesson = open.lesson.as_deref().map(find_lesson).transpose()?;
    let spec = match (&lesson, &open.cluster) {
        (Some(lesson), _) => lesson.cluster.clone(),
        (None, cluster) => cluster.clone().unwrap_or_default(),
    };
    let seed = open.seed.or(lesson.as_ref().map(|lesson| lesson.seed)).unwrap_or(SEED);
    let world = World::build(&spec, seed).map_err(|error| error.to_string())?;
    let watching = Watching::new(lesson.as_ref());
    Ok(Run::new(Timeline::new(world, watching), lesson, Earned::default()))
}

fn find_lesson(slug: &str) -> Result<Lesson, String> {
    catalog::find(slug).and_then(|entry| entry.parse().lesson).ok_or_else(|| format!("there is no lesson {slug}"))
}

/// What a person wants of a run.
fn hear(page: &Page, run: &mut Run, say: &mut Say, message: ToWorker) {
    say.owe();
    match message {
        ToWorker::Play => run.play(),
        ToWorker::Pause => run.pause(),
        ToWorker::Speed(speed) => run.set_speed(speed),
        ToWorker::StepEvent => run.step_event(),
        ToWorker::StepBy(us) => run.step_by(Duration::us(us)),
        ToWorker::Seek(to) => run.seek(Time(to)),
        ToWorker::Do(command) => match run.act(command) {
            Ok(true) => say.anew(page, run),
            Ok(false) => {}
            Err(refused) => page.say(FromWorker::Refused(refused.to_string())),
        },
        ToWorker::Complete { session, line, cursor } => page.say(answer::completions(run, session, line, cursor)),
        ToWorker::Events { text, limit } => page.say(answer::events(run, &text, limit)),
        ToWorker::Why { event } => page.say(answer::why(run, event)),
        ToWorker::Predict { id, choice } => match run.answer(&id, choice) {
            Some(right) => page.say(FromWorker::Predicted { id, right }),
            None => page.say(FromWorker::Refused(format!("This lesson asks no question {id} with such an answer"))),
        },
        ToWorker::Alert { below } => run.set_alert(below),
        ToWorker::Export => page.say(answer::export(run)),
        // Handled before there is a run.
        ToWorker::Open(_) | ToWorker::File { .. } | ToWorker::Visible(_) | ToWorker::Choose(_) => {}
    }
}
