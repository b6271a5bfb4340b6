//! `ottla bench`: how fast a cluster runs on this machine.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use ottla::playground::load::{self, LoadedTimeline};
use ottla::sim::time::Time;
use serde::Serialize;

#[derive(Args)]
pub struct BenchArgs {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Real seconds for each measurement
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// What is measured here; the names are those of BENCHMARKS.md.
#[derive(Serialize)]
struct Measured {
    /// Records acknowledged and consumed once, per real second.
    native_records_per_s: u64,
    /// Virtual seconds of the lesson's cluster per real second.
    simulated_per_real_second: f64,
}

pub fn run(args: &BenchArgs) -> ExitCode {
    match measure(Duration::from_secs(args.seconds.max(1))) {
        Ok(measured) => {
            print(&measured, args.json);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("ottla: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(time: Duration) -> Result<Measured, Box<dyn std::error::Error>> {
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
        simulated_per_real_second: (simulated / real_lesson * 10.0).round() / 10.0,
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

fn print(measured: &Measured, json: bool) {
    if json {
        println!("{}", serde_json::json!(measured));
        return;
    }
    println!("native_records_per_s        {:>12}", measured.native_records_per_s);
    println!("simulated_per_real_second   {:>12}", measured.simulated_per_real_second);
}
