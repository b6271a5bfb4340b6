//! The cluster alone, as fast as it goes on this machine.

use std::time::{Duration, Instant};

use ottla::playground::load::{self, LoadedTimeline};
use ottla::sim::time::Time;
use serde::Serialize;

use super::Tenths;

#[derive(Serialize)]
pub struct Measured {
    /// Records acknowledged and consumed once, per real second.
    native_records_per_s: u64,
    /// Virtual seconds of the lesson's cluster per real second.
    simulated_per_real_second: Tenths,
}

/// Measures each figure for so many real seconds.
pub fn measure(seconds: u64) -> Result<Measured, Box<dyn std::error::Error>> {
    if cfg!(debug_assertions) {
        eprintln!("ottla: this is a build without optimisation; `cargo run --release -- bench` measures what counts");
    }
    let time = Duration::from_secs(seconds);
    let mut timeline = load::throughput(1)?;
    // A second of virtual time, so that all buffers are as full as they get.
    warm_up(&mut timeline, 1);
    let before = load::records_through(&timeline);
    let (_, real) = run_for(&mut timeline, time);
    let records = load::records_through(&timeline) - before;
    drop(timeline);

    let mut timeline = load::lesson(1)?;
    warm_up(&mut timeline, 2);
    let (simulated, real_lesson) = run_for(&mut timeline, time);
    Ok(Measured {
        native_records_per_s: (records as f64 / real).round() as u64,
        simulated_per_real_second: Tenths::new(simulated / real_lesson),
    })
}

fn warm_up(timeline: &mut LoadedTimeline, seconds: u64) {
    timeline.run_until(timeline.now() + ottla::sim::time::Duration::secs(seconds));
}

/// Runs for so long; returns virtual and real seconds.
fn run_for(timeline: &mut LoadedTimeline, time: Duration) -> (f64, f64) {
    let from: Time = timeline.now();
    let start = Instant::now();
    while start.elapsed() < time {
        timeline.run_until(timeline.now() + load::SLICE);
    }
    (timeline.now().since(from).0 as f64 / 1e6, start.elapsed().as_secs_f64())
}
