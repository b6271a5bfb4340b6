//! `ottla bench --browser`: the measured load in a tab, with events, checkpoints, the stage and the mirror on.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::MessageChannel;

use super::now_ms;
use super::page::Page;
use super::store::Store;
use crate::playground::journal::Journal;
use crate::playground::keeper::Keeper;
use crate::playground::load::{self, LoadedTimeline};
use crate::playground::proof;
use crate::playground::stored::{Cut, Put};
use crate::playground::view::{Detail, Viewer};
use crate::sim::time::Duration;
use crate::wire::{Benched, Clock, FromWorker};

/// The database that is written to, and deleted at the end.
const NAME: &str = "ottla bench";
/// Real milliseconds of measuring.
const MEASURE_MS: f64 = 5_000.0;
const SLICE_MS: f64 = 8.0;
const FRAME_MS: f64 = 16.0;
const STORE_MS: f64 = 250.0;
const STEPS: u64 = 64;
/// Persisting is measured with so many puts of this many records each.
const PUTS: u64 = 8;
const RECORDS_A_PUT: u64 = 100_000;
/// IndexedDB itself: so many blobs of a mebibyte, a transaction each.
const BLOBS: u64 = 64;
const BLOB_BYTES: usize = 1 << 20;

/// Measures, and cleans up.
pub async fn bench(page: &Page) -> FromWorker {
    let outcome = measure(page).await;
    // A database that stays behind is an untidiness, no failure of what was measured.
    let _ = Store::delete(NAME).await;
    match outcome {
        Ok(benched) => FromWorker::Benched(benched),
        Err(why) => FromWorker::Refused(why),
    }
}

async fn measure(page: &Page) -> Result<Benched, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let store = Rc::new(Store::open(NAME).await.map_err(|error| said(&error))?);
    let mut timeline = load::throughput(1).map_err(|error| said(&error))?;
    timeline.run_until(timeline.now() + Duration::secs(1));
    let mut keeper = Keeper::default();
    let records_per_s = run(page, &store, &mut timeline, &mut keeper).await?;
    let (mut bytes, mut persist_ms) = (0, 0.0);
    for _ in 0..PUTS {
        let until = load::records_through(&timeline) + RECORDS_A_PUT;
        while load::records_through(&timeline) < until {
            timeline.run_until(timeline.now() + load::SLICE);
        }
        let began_ms = now_ms();
        let Some(put) = next_put(&mut keeper, &timeline) else { continue };
        store.put(keeper.put_number(), &put, false).await.map_err(|error| said(&error))?;
        persist_ms += now_ms() - began_ms;
        bytes += put.change.bytes();
    }
    drop(timeline);
    let began_ms = now_ms();
    for number in 0..BLOBS {
        store.raw(number, &vec![number as u8; BLOB_BYTES]).await.map_err(|error| said(&error))?;
    }
    let raw_ms = now_ms() - began_ms;
    let mb_per_s = |bytes: u64, ms: f64| bytes as f64 / 1_000.0 / ms;
    Ok(Benched {
        tab_records_per_s: records_per_s,
        persist_mb_per_s: mb_per_s(bytes, persist_ms),
        raw_idb_mb_per_s: mb_per_s(BLOBS * BLOB_BYTES as u64, raw_ms),
        digest: format!("{:032x}", proof::digest_of_standard_run().map_err(|error| said(&error))?),
    })
}

/// Runs as fast as it goes; records a second that came through.
async fn run(page: &Page, store: &Rc<Store>, timeline: &mut LoadedTimeline, keeper: &mut Keeper) -> Result<f64, String> {
    let breath = MessageChannel::new().map_err(|_| "this browser has no MessageChannel".to_owned())?;
    let (before, began_ms) = (load::records_through(timeline), now_ms());
    let (mut viewer, mut frame_ms, mut stored_ms) = (Viewer::default(), 0.0, 0.0);
    let (is_busy, failed) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
    while now_ms() - began_ms < MEASURE_MS {
        let slice_ms = now_ms();
        while now_ms() - slice_ms < SLICE_MS {
            timeline.run(timeline.now() + Duration::secs(10), STEPS);
        }
        if now_ms() - frame_ms >= FRAME_MS {
            frame_ms = now_ms();
            let now_us = timeline.now().0;
            page.say(FromWorker::Clock(Clock { now_us, horizon_us: now_us, playing: true, speed: 0.0, reached: 1.0 }));
            page.say(FromWorker::View(Box::new(viewer.snapshot(timeline.world(), timeline.watcher(), Detail::Stage))));
        }
        if now_ms() - stored_ms >= STORE_MS && !is_busy.get() {
            stored_ms = now_ms();
            timeline.run_until(timeline.now());
            if let Some(put) = next_put(keeper, timeline) {
                let (store, number, is_busy, failed) = (store.clone(), keeper.put_number(), is_busy.clone(), failed.clone());
                is_busy.set(true);
                spawn_local(async move {
                    failed.set(failed.get() || store.put(number, &put, false).await.is_err());
                    is_busy.set(false);
                });
            }
        }
        breathe(&breath).await;
    }
    let records = load::records_through(timeline) - before;
    let per_s = records as f64 * 1_000.0 / (now_ms() - began_ms);
    while is_busy.get() {
        breathe(&breath).await;
    }
    if failed.get() { Err("IndexedDB did not take what the load wrote".into()) } else { Ok(per_s) }
}

fn next_put(keeper: &mut Keeper, timeline: &LoadedTimeline) -> Option<Put> {
    let end = timeline.end();
    let cut = Cut { at_us: end.at.0, steps: end.steps, digest: timeline.world().digest(), can_be_replayed: true, ..Cut::default() };
    let disks = timeline.world().sim().hosts().map(|host| (host.name.as_str(), &host.disk));
    keeper.put(cut, disks, &Journal::default(), &[])
}

/// Lets everybody else have a turn.
async fn breathe(channel: &MessageChannel) {
    let turn = Promise::new(&mut |done: Function, _: Function| {
        channel.port1().set_onmessage(Some(&done));
        // A port that is open takes a message.
        let _ = channel.port2().post_message(&JsValue::NULL);
    });
    let _ = JsFuture::from(turn).await;
}
