//! When the run is stored: at most every quarter of a second, one cut at a time, never in the way of the simulation.

use std::rc::Rc;

use gloo::worker::WorkerScope;

use super::engine::{Engine, Said};
use super::now_ms;
use super::page::Page;
use super::pump::Wake;
use super::run::Run;
use super::store::{Store, StoreError};
use crate::playground::keeper::Keeper;
use crate::playground::stored::{Fold, Put};
use crate::wire::{FromWorker, Storage};

/// Real milliseconds between two cuts.
const EVERY_MS: f64 = 250.0;

/// While there is no room, real milliseconds between two attempts.
const AGAIN_MS: f64 = 2_000.0;

/// What became of a transaction.
#[derive(Debug)]
pub struct Kept {
    work: Rc<Work>,
    result: Result<(), StoreError>,
}

/// A transaction. What comes later builds on it, so that one that finds no room is tried again as it is.
#[derive(Debug)]
enum Work {
    Put {
        number: u64,
        put: Box<Put>,
        /// It takes the place of all that is stored.
        anew: bool,
    },
    Fold(Box<Fold>),
}

/// Keeps a run in IndexedDB.
#[derive(Debug, Default)]
pub struct Keep {
    store: Option<Rc<Store>>,
    keeper: Keeper,
    /// A transaction is under way.
    is_busy: bool,
    /// The next put takes the place of all that is stored.
    anew: bool,
    /// Found no room.
    put_off: Option<Rc<Work>>,
    last_ms: f64,
    saved_us: u64,
}

impl Keep {
    /// Keeps nothing.
    pub fn nothing() -> Keep {
        Keep::default()
    }

    /// Keeps a run in this store. Its first put replaces whatever is stored, in one transaction.
    pub fn in_store(store: Store, now_us: u64) -> Keep {
        Keep { store: Some(Rc::new(store)), anew: true, saved_us: now_us, ..Keep::default() }
    }

    /// Stores what is due; when it wants to be asked again.
    pub fn keep(&mut self, scope: &WorkerScope<Engine>, run: &mut Run) -> Wake {
        if self.store.is_none() {
            return Wake::Never;
        }
        // What is seen while rewound was stored long ago; the future that is known is not to be lost for it.
        if self.is_busy || run.is_hidden() || run.timeline().is_rewound() {
            return Wake::Never;
        }
        let now_ms = now_ms();
        let every_ms = if self.put_off.is_some() { AGAIN_MS } else { EVERY_MS };
        if now_ms - self.last_ms < every_ms {
            return Wake::After(self.last_ms + every_ms - now_ms);
        }
        self.last_ms = now_ms;
        if let Some(work) = self.put_off.take() {
            self.start(scope, work);
            return Wake::Never;
        }
        let cut = run.cut();
        let earned = bincode::serialize(run.earned()).unwrap_or_default();
        let disks = run.timeline().world().sim().hosts().map(|host| (host.name.as_str(), &host.disk));
        let Some(put) = self.keeper.put(cut, disks, run.timeline().journal(), &earned) else { return Wake::Never };
        let (number, anew) = (self.keeper.put_number(), std::mem::take(&mut self.anew));
        self.start(scope, Rc::new(Work::Put { number, put: Box::new(put), anew }));
        Wake::Never
    }

    /// A transaction has ended; what is stored is told, and folded when it is time.
    pub fn kept(&mut self, scope: &WorkerScope<Engine>, page: &Page, kept: Kept) {
        self.is_busy = false;
        match (kept.result, &*kept.work) {
            (Ok(()), Work::Put { put, .. }) => {
                self.saved_us = put.cut.at_us;
                page.say(FromWorker::Storage(Storage::Saved { to_us: self.saved_us }));
                if let Some(fold) = self.keeper.fold() {
                    self.start(scope, Rc::new(Work::Fold(Box::new(fold))));
                }
            }
            (Ok(()), Work::Fold(_)) => {}
            (Err(StoreError::Full), _) => {
                page.say(FromWorker::Storage(Storage::Full { to_us: self.saved_us }));
                self.put_off = Some(kept.work);
            }
            (Err(error), _) => self.give_up(page, &error),
        }
    }

    fn start(&mut self, scope: &WorkerScope<Engine>, work: Rc<Work>) {
        let Some(store) = self.store.clone() else { return };
        self.is_busy = true;
        scope.send_future(async move {
            let result = match &*work {
                Work::Put { number, put, anew } => store.put(*number, put, *anew).await,
                Work::Fold(fold) => store.fold(fold).await,
            };
            Said::Kept(Kept { work, result })
        });
    }

    /// What is stored stays as it is, and nothing more is added to it: what would come next builds on what was not stored.
    fn give_up(&mut self, page: &Page, error: &StoreError) {
        self.store = None;
        page.say(FromWorker::Storage(Storage::MemoryOnly { because: error.to_string() }));
    }
}
