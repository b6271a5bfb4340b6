//! The worker as gloo knows it: messages in, one slice of work after another.

use gloo::worker::{HandlerId, Worker, WorkerScope};

use super::answer;
use super::bench::bench;
use super::keep::{Keep, Kept};
use super::open::{Found, Plan};
use super::page::Page;
use super::pump::{Pump, Wake};
use super::rest;
use super::run::Run;
use super::say::{Say, clock};
use super::store::{Store, StoreError, dump};
use crate::lesson::progress::Earned;
use crate::sim::time::{Duration, Time};
use crate::wire::{FromWorker, Open, Restored, Storage, StoredChoice, ToWorker};

/// The dedicated worker.
pub struct Engine {
    pump: Pump,
    page: Option<Page>,
    say: Say,
    keep: Keep,
    /// What is to be run, until it does.
    plan: Option<Plan>,
    run: Option<Run>,
}

/// What the worker says to itself.
#[derive(Debug)]
pub enum Said {
    /// Time for the next slice.
    Slice,
    /// The stored run was looked for.
    Found(Found),
    /// A stored run was read as it is.
    Dumped(Result<Vec<u8>, StoreError>),
    Kept(Kept),
}

impl Worker for Engine {
    type Message = Said;
    type Input = ToWorker;
    type Output = FromWorker;

    fn create(scope: &WorkerScope<Self>) -> Self {
        Engine { pump: Pump::new(scope), page: None, say: Say::new(), keep: Keep::nothing(), plan: None, run: None }
    }

    fn update(&mut self, scope: &WorkerScope<Self>, said: Said) {
        let Some(page) = self.page.clone() else { return };
        match said {
            Said::Slice => {}
            Said::Found(found) => self.found(&page, found),
            Said::Dumped(Ok(bytes)) => page.say(FromWorker::Exported { name: "ottla-stored.json".into(), bytes }),
            Said::Dumped(Err(error)) => page.say(FromWorker::Refused(format!("It cannot be read: {error}"))),
            Said::Kept(kept) => self.keep.kept(scope, &page, kept),
        }
        self.work(scope);
    }

    fn received(&mut self, scope: &WorkerScope<Self>, message: ToWorker, id: HandlerId) {
        let page = self.page.get_or_insert_with(|| Page::new(scope, id)).clone();
        match (message, &mut self.run) {
            (ToWorker::Open(open), None) => self.open(scope, &page, open),
            (ToWorker::Open(_), Some(_)) => {
                page.say(FromWorker::Refused("A cluster runs here already: reload the page for another".into()))
            }
            (ToWorker::ExportStored(open), None) => {
                scope.send_future(async move {
                    page.say(answer::stored(open).await);
                    Said::Slice
                });
                return;
            }
            (ToWorker::Bench, None) => {
                scope.send_future(async move {
                    let benched = bench(&page).await;
                    page.say(benched);
                    Said::Slice
                });
                return;
            }
            (ToWorker::Choose(choice), None) => self.choose(scope, &page, choice),
            (ToWorker::File { name, bytes }, _) => page.say(answer::file(name, bytes)),
            (ToWorker::Visible(visible), _) => self.say.set_visible(visible),
            (message, Some(run)) => hear(&page, run, &mut self.say, message),
            (_, None) => {}
        }
        self.work(scope);
    }
}

impl Engine {
    fn open(&mut self, scope: &WorkerScope<Self>, page: &Page, open: Open) {
        let plan = Plan::of(open);
        self.plan = Some(plan.clone());
        if plan.memory_only {
            return self.found(page, Found::Refused("this page was opened so".into()));
        }
        scope.send_future(async move { Said::Found(plan.find().await) });
    }

    #[inline(never)]
    fn choose(&mut self, scope: &WorkerScope<Self>, page: &Page, choice: StoredChoice) {
        let Some(plan) = self.plan.clone() else { return };
        match choice {
            StoredChoice::KeepAndRunFromMemory => self.found(page, Found::Refused("what is stored was left as it is".into())),
            StoredChoice::Export => scope.send_future(async move { Said::Dumped(dump(&plan.name()).await) }),
            StoredChoice::DeleteAndBegin => scope.send_future(async move {
                Said::Found(match Store::delete(&plan.name()).await {
                    Ok(()) => plan.find().await,
                    Err(error) => Found::Refused(error.to_string()),
                })
            }),
        }
    }

    /// Begins the run, or goes on with it, or asks what to do.
    fn found(&mut self, page: &Page, found: Found) {
        let Some(plan) = self.plan.take() else { return };
        let (begun, store, storage) = match found {
            Found::Open(store, None) => (begin(&plan), Some(store), None),
            Found::Open(store, Some(stored)) => match plan.go_on(&stored) {
                Ok(begun) => (Ok(begun), Some(store), None),
                Err(why) => return self.ask(page, plan, &why),
            },
            Found::Strange(why) => return self.ask(page, plan, &why),
            Found::OtherTab => (begin(&plan), None, Some(Storage::OtherTab)),
            Found::Refused(because) => (begin(&plan), None, Some(Storage::MemoryOnly { because })),
        };
        let (run, restored) = match begun {
            Ok(begun) => begun,
            Err(why) => return page.say(FromWorker::Panicked { message: why }),
        };
        // First, so that the page never shows a running cluster at no time at all.
        page.say(FromWorker::Clock(clock(&run)));
        page.say(FromWorker::Ready { ready_us: run.timeline().world().ready_at().0, restored });
        storage.into_iter().for_each(|storage| page.say(FromWorker::Storage(storage)));
        self.keep = store.map_or_else(Keep::nothing, |store| Keep::in_store(store, run.timeline().now().0));
        self.run = Some(run);
        self.say.owe();
        wasm_bindgen_futures::spawn_local(rest::fetch_soon());
    }

    #[inline(never)]
    fn ask(&mut self, page: &Page, plan: Plan, why: &str) {
        self.plan = Some(plan);
        page.say(FromWorker::Choice {
            message: format!("A run of this lesson is stored in this browser, but {why}."),
            options: vec![StoredChoice::KeepAndRunFromMemory, StoredChoice::Export, StoredChoice::DeleteAndBegin],
        });
    }

    /// A slice, what there is to say after it, and what is to be stored.
    fn work(&mut self, scope: &WorkerScope<Self>) {
        let (Some(page), Some(run)) = (&self.page, &mut self.run) else { return };
        let sliced = run.slice();
        if sliced.arrived {
            self.say.anew(page, run);
        } else if sliced.wake != Wake::Never {
            self.say.owe();
        }
        let wake = self.say.say(page, run).sooner(self.keep.keep(scope, run));
        self.pump.wake(sliced.wake.sooner(wake));
    }
}

fn begin(plan: &Plan) -> Result<(Run, Restored), String> {
    Ok((plan.begin(Earned::default())?, Restored::Fresh))
}

/// What a person wants of a run.
#[inline(never)]
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
            Ok(true) => say.forked(page, run),
            Ok(false) => {}
            Err(refused) => page.say(FromWorker::Refused(refused.to_string())),
        },
        ToWorker::Complete { session, line, cursor } => page.say(answer::completions(run, session, line, cursor)),
        ToWorker::Events { text, limit } => page.say(answer::events(run, &text, limit)),
        ToWorker::Why { event } => page.say(answer::why(run, event)),
        ToWorker::Frame { key, at_us } => {
            if run.stop_at(Time(at_us)) {
                say.anew(page, run);
            }
            page.say(answer::frame(run, key));
        }
        ToWorker::Predict { id, choice } => match run.answer(&id, choice) {
            Some(right) => page.say(FromWorker::Predicted { id, right }),
            None => page.say(FromWorker::Refused(format!("This lesson asks no question {id} with such an answer"))),
        },
        ToWorker::Alert { below } => run.set_alert(below),
        ToWorker::TakeFile { name } => page.say(answer::take_file(run, name)),
        ToWorker::Export => page.say(answer::export(run)),
        // Handled before there is a run.
        ToWorker::Open(_)
        | ToWorker::ExportStored(_)
        | ToWorker::Bench
        | ToWorker::File { .. }
        | ToWorker::Visible(_)
        | ToWorker::Choose(_) => {}
    }
}
