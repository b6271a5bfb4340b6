//! `ottla bench`: how fast a cluster runs, natively or in a tab. BENCHMARKS.md says what each figure is.

mod browser;
mod native;
mod partitions;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

#[derive(Args)]
pub struct BenchArgs {
    /// Measure in a headless Chromium instead: the page, its engine and IndexedDB
    #[arg(long)]
    browser: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Real seconds for each native measurement
    #[arg(long, default_value_t = 5, conflicts_with = "browser")]
    seconds: u64,
    /// Measure a cluster of so many partitions instead: what one costs, and what a kill that moves a third of their leaders does
    #[arg(long, value_name = "N", conflicts_with = "browser")]
    partitions: Option<u32>,
    /// With --partitions: how many brokers of three have a replica of each
    #[arg(long, default_value_t = 3, value_name = "N", requires = "partitions", value_parser = clap::value_parser!(u32).range(1..=3))]
    replication_factor: u32,
    /// With --browser: how often the page is loaded; the median counts
    #[arg(long, default_value_t = 5, requires = "browser")]
    loads: usize,
    /// With --browser: the folder of a page that was built before
    #[arg(long, value_name = "DIR", requires = "browser")]
    dist: Option<PathBuf>,
}

pub fn run(args: &BenchArgs) -> ExitCode {
    let measured = match args.partitions {
        Some(count) => partitions::measure(count.max(1), args.replication_factor).map(|measured| serde_json::to_value(&measured)),
        None if args.browser => browser::measure(args.loads.max(1), args.dist.as_deref()).map(|measured| serde_json::to_value(&measured)),
        None => native::measure(args.seconds.max(1)).map(|measured| serde_json::to_value(&measured)),
    };
    match measured.and_then(|measured| Ok(measured?)) {
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

/// One object, or a line a figure.
fn print(measured: &Value, json: bool) {
    match measured.as_object().filter(|_| !json) {
        Some(figures) => figures.iter().for_each(|(name, figure)| println!("{name:<26} {figure:>12}")),
        None => println!("{measured}"),
    }
}

/// A figure as it is printed: with one decimal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(transparent)]
struct Tenths(f64);

impl Tenths {
    fn new(figure: f64) -> Tenths {
        Tenths((figure * 10.0).round() / 10.0)
    }
}
