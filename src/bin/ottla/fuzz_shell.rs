//! `ottla fuzz-shell`: random lines by the million, typed into terminals of the simulation.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use ottla::shell::fuzz::{Dice, Fuzzed, Outcome, line, try_readers};

#[derive(Args)]
pub struct FuzzShellArgs {
    /// How many lines
    #[arg(long, default_value_t = 100_000)]
    lines: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Say each line before it is typed: the last one is what went wrong
    #[arg(long)]
    verbose: bool,
}

pub fn run(args: &FuzzShellArgs) -> ExitCode {
    let (mut dice, mut terminal) = (Dice::new(args.seed), Fuzzed::default());
    let begin = Instant::now();
    let (mut longest, mut stuck) = ((Duration::ZERO, String::new()), 0_u64);
    let (mut ended, mut interrupted) = (0_u64, 0_u64);
    for _ in 0..args.lines {
        let text = line(&mut dice);
        if args.verbose {
            eprintln!("{text:?}");
        }
        try_readers(&text, &mut dice);
        let start = Instant::now();
        let outcome = terminal.enter(&text);
        let took = start.elapsed();
        match outcome {
            Outcome::Ended => ended += 1,
            Outcome::Interrupted => interrupted += 1,
            Outcome::Stuck => {
                stuck += 1;
                println!("stuck: {text:?}");
                terminal = Fuzzed::default();
            }
        }
        if took > longest.0 {
            longest = (took, text);
        }
    }
    let took = begin.elapsed();
    println!("{} lines in {:.1} s: {ended} ended, {interrupted} were interrupted, {stuck} were stuck", args.lines, took.as_secs_f64());
    if let Some(peak) = peak_memory() {
        println!("peak memory {peak}");
    }
    println!("the longest took {:.1} ms: {:?}", longest.0.as_secs_f64() * 1_000.0, longest.1);
    if stuck == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The most memory that this process held, as Linux tells it.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map(|peak| peak.trim().to_owned())
}
