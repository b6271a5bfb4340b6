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
use crate::wire::{FromWorker, Storage};

/// Real milliseconds between two cuts.
const EVERY_MS: f64 = 250.0;

/// What became of a transaction.
#[derive(Debug)]
pub enum Kept {
    /// A put with the cut at this instant (µs).
    Put(Result<u64, StoreError>),
    Fold(Result<(), StoreError>),
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
        let Some(store) = &self.store else { return Wake::Never };
        // What is seen while rewound was stored long ago; the future that is known is not to be lost for it.
        if self.is_busy || run.is_hidden() || run.timeline().is_rewound() {
            return Wake::Never;
        }
        let now_ms = now_ms();
        if now_ms - self.last_ms < EVERY_MS {
            return Wake::After(self.last_ms + EVERY_MS - now_ms);
        }
        self.last_ms = now_ms;
        let cut = run.cut();
        let earned = bincode::serialize(run.earned()).unwrap_or_default();
        let disks = run.timeline().world().sim().hosts().map(|host| (host.name.as_str(), &host.disk));
        let Some(put) = self.keeper.put(cut, disks, run.timeline().journal(), &earned) else { return Wake::Never };
        let (store, number, anew) = (store.clone(), self.keeper.put_number(), std::mem::take(&mut self.anew));
        self.is_busy = true;
        scope.send_future(async move { Said::Kept(Kept::Put(store.put(number, &put, anew).await.map(|()| put.cut.at_us))) });
        Wake::Never
    }

    /// A transaction has ended; what is stored is told, and folded when it is time.
    pub fn kept(&mut self, scope: &WorkerScope<Engine>, page: &Page, kept: Kept) {
        self.is_busy = false;
        match kept {
            Kept::Put(Ok(to_us)) => {
                self.saved_us = to_us;
                page.say(FromWorker::Storage(Storage::Saved { to_us }));
                self.fold(scope);
            }
            Kept::Fold(Ok(())) => {}
            Kept::Put(Err(error)) | Kept::Fold(Err(error)) => self.give_up(page, &error),
        }
    }

    fn fold(&mut self, scope: &WorkerScope<Engine>) {
        let Some((store, fold)) = self.store.clone().zip(self.keeper.fold()) else { return };
        self.is_busy = true;
        scope.send_future(async move { Said::Kept(Kept::Fold(store.fold(&fold).await)) });
    }

    /// What is stored stays as it is, and nothing more is added to it: what would come next builds on what was not stored.
    fn give_up(&mut self, page: &Page, error: &StoreError) {
        self.store = None;
        page.say(FromWorker::Storage(match error {
            StoreError::Full => Storage::Full { to_us: self.saved_us },
            error => Storage::MemoryOnly { because: error.to_string() },
        }));
    }
}
