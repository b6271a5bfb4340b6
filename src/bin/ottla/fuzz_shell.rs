//! `ottla fuzz-shell`: random lines by the million, typed into terminals of the simulation.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use ottla::shell::fuzz::{Dice, Fuzzed, LINES_EACH, Outcome, line, try_readers};

#[derive(Args)]
pub struct FuzzShellArgs {
    /// How many lines
    #[arg(long, default_value_t = 100_000)]
    lines: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many of them are typed into one terminal before there is a fresh one
    #[arg(long, default_value_t = LINES_EACH)]
    lines_each: usize,
    /// The run fails if the process ever held more than this
    #[arg(long, default_value_t = 512, value_name = "MIB")]
    memory: u64,
    /// Say each line before it is typed: the last one is what went wrong
    #[arg(long)]
    verbose: bool,
    /// Say which lines took more than 100 ms, or 8 MiB
    #[arg(long)]
    watch: bool,
}

/// A line that takes longer, or more memory, is worth a look.
const SLOW: Duration = Duration::from_millis(100);
const LARGE_KIB: u64 = 8 << 10;

pub fn run(args: &FuzzShellArgs) -> ExitCode {
    let (mut dice, mut terminal) = (Dice::new(args.seed), Fuzzed::new(args.lines_each));
    let begin = Instant::now();
    let (mut longest, mut stuck) = ((Duration::ZERO, String::new()), 0_u64);
    let (mut ended, mut interrupted) = (0_u64, 0_u64);
    for n in 0..args.lines {
        let text = line(&mut dice);
        if args.verbose {
            eprintln!("{text:?}");
        }
        try_readers(&text, &mut dice);
        let before = if args.watch { memory_kib("VmRSS:") } else { None };
        let start = Instant::now();
        let outcome = terminal.enter(&text);
        let took = start.elapsed();
        if args.watch {
            watched(n, &text, took, before);
        }
        match outcome {
            Outcome::Ended => ended += 1,
            Outcome::Interrupted => interrupted += 1,
            Outcome::Stuck => {
                stuck += 1;
                println!("stuck: {text:?}");
                terminal = Fuzzed::new(args.lines_each);
            }
        }
        if took > longest.0 {
            longest = (took, text);
        }
    }
    let took = begin.elapsed().as_secs_f64();
    let a_second = args.lines as f64 / took;
    println!(
        "{} lines in {took:.1} s, {a_second:.0} a second: {ended} ended, {interrupted} were interrupted, {stuck} were stuck",
        args.lines
    );
    let peak = memory_kib("VmHWM:");
    if let Some(peak) = peak {
        println!("peak memory {} MiB, of {} MiB at most", peak >> 10, args.memory);
    }
    println!("the longest took {:.1} ms: {:?}", longest.0.as_secs_f64() * 1_000.0, longest.1);
    let is_bounded = peak.is_none_or(|peak| peak >> 10 <= args.memory);
    if stuck == 0 && is_bounded { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn watched(n: u64, text: &str, took: Duration, before: Option<u64>) {
    let (before, after) = (before.unwrap_or(0), memory_kib("VmRSS:").unwrap_or(0));
    if took > SLOW || after > before + LARGE_KIB {
        let head: String = text.chars().take(400).collect();
        eprintln!("line {n}, {} bytes: {} ms, {} to {} MiB: {head:?}", text.len(), took.as_millis(), before >> 10, after >> 10);
    }
}

/// What this process holds (`VmRSS:`) or held at most (`VmHWM:`), as Linux tells it.
fn memory_kib(which: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let found = status.lines().find_map(|line| line.strip_prefix(which))?;
    found.trim().trim_end_matches(" kB").parse().ok()
}
