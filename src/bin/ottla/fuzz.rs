//! `ottla fuzz`: random clusters, loads and faults by the thousand.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Args;
use ottla::kafka::rules::Rule;
use ottla::playground::fuzz::plan::Plan;
use ottla::playground::fuzz::replay::Replay;
use ottla::playground::fuzz::run::{Done, Failure, run, run_watched};
use ottla::playground::fuzz::shrink::shrink;
use ottla::playground::narrate;
use ottla::playground::world::is_notable;

#[derive(Args)]
pub struct FuzzArgs {
    /// How many runs
    #[arg(long, default_value_t = 1_000)]
    runs: u64,
    /// Of the first run; the others count on from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Faults and commands in each run
    #[arg(long, default_value_t = 10)]
    steps: u32,
    /// Play one run again and say what happens: the line that a failure prints
    #[arg(long, value_name = "RUN")]
    replay: Option<Replay>,
    /// With --replay: every event, not only the notable ones
    #[arg(long)]
    all: bool,
    /// Switch a rule off, to see that it is missed
    #[arg(long, value_parser = rule, value_name = "RULE")]
    off: Option<Rule>,
    /// Runs at a time
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, |n| n.get()))]
    jobs: usize,
    /// Go on after a failure, and count them
    #[arg(long)]
    keep_going: bool,
    /// Print how often each kind of cluster, fault and outcome was there
    #[arg(long)]
    stats: bool,
}

fn rule(name: &str) -> Result<Rule, String> {
    let known = || Rule::ALL.map(Rule::name).join(", ");
    Rule::ALL.into_iter().find(|rule| rule.name() == name).ok_or_else(|| format!("there is no such rule; there are {}", known()))
}

pub fn run_fuzz(args: &FuzzArgs) -> ExitCode {
    match &args.replay {
        Some(replay) => play(&replay.plan(), args.all),
        None => fuzz(args),
    }
}

fn fuzz(args: &FuzzArgs) -> ExitCode {
    let begin = Instant::now();
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let total = Mutex::new((Done::default(), 0_u64));
    std::thread::scope(|scope| {
        for _ in 0..args.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= args.runs || (!args.keep_going && failed.load(Ordering::Relaxed) > 0) {
                        return;
                    }
                    let plan = Plan::draw(args.seed + n, args.steps, args.off);
                    match try_run(&plan) {
                        Ok(done) => {
                            let mut total = total.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                            total.0.steps += done.steps;
                            total.0.events += done.events;
                            total.0.acked += done.acked;
                            total.0.losses += done.losses;
                            total.0.took = total.0.took + done.took;
                            total.0.coverage.add_all(&done.coverage);
                            total.1 += 1;
                        }
                        Err(failure) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            report(&plan, failure);
                        }
                    }
                }
            });
        }
    });
    let seconds = begin.elapsed().as_secs_f64();
    let (total, good) = total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let bad = failed.load(Ordering::Relaxed);
    if args.stats {
        for (of, kind, count) in total.coverage.iter() {
            println!("{:8} {count:>10}  {kind}", format!("{of:?}").to_lowercase());
        }
    }
    println!(
        "{good} runs in order and {bad} not, in {seconds:.1} s ({:.1} runs/s): {:.1} simulated hours, {} steps looked at, {} records acknowledged, \
         {} elections that may lose records",
        (good + bad) as f64 / seconds,
        total.took.as_ms() as f64 / 3_600_000.0,
        total.steps,
        total.acked,
        total.losses,
    );
    if let Some(cpu) = processor_seconds() {
        println!("{:.2} ms of processor time a run", cpu * 1_000.0 / (good + bad).max(1) as f64);
    }
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What this process has used so far, where the system says so (Linux: fields 14 and 15 of /proc/self/stat, in hundredths of a second).
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let behind_name = stat.rsplit_once(')')?.1;
    let fields: Vec<f64> = behind_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    Some(fields.iter().sum::<f64>() / 100.0)
}

/// A panic is a failure like any other, but that it cannot be told apart from others of its kind.
fn try_run(plan: &Plan) -> Result<Done, Option<Failure>> {
    catch_unwind(AssertUnwindSafe(|| run(plan))).map_err(|_| None)?.map_err(Some)
}

fn report(plan: &Plan, failure: Option<Failure>) {
    let (plan, text) = match failure {
        Some(failure) => {
            println!("{failure}  ({} before it is shrunk)", Replay::of(plan));
            let (plan, failure) = shrink(plan, &failure);
            (plan, failure.to_string())
        }
        None => (plan.clone(), "a panic".to_owned()),
    };
    println!("{text}\n  ottla fuzz --replay {}", Replay::of(&plan));
}

fn play(plan: &Plan, all: bool) -> ExitCode {
    println!("{}", serde_json::to_string(&plan.cluster).unwrap_or_default());
    for (n, step) in &plan.steps {
        println!("step {n}: {step}");
    }
    let result = run_watched(plan, &mut |at, recorded| {
        if all || is_notable(&recorded.event) {
            println!("{:>6} ms  {}", at.as_ms(), narrate::event(&recorded.event));
        }
    });
    match result {
        Ok(done) => {
            println!("in order: {done:?}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}
