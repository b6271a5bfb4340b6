//! The native side of Ottla: builds and serves the page, and reads Kafka's files.

mod bench;
mod build;
mod check;
mod chromium;
mod compress;
mod dump_log;
mod fingerprint;
mod fuzz;
mod fuzz_shell;
mod halves;
mod lessons;
mod progress;
mod project;
mod record;
mod record_start;
mod replay;
mod serve;
mod shot;
mod split;
mod toolchain;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::project::Project;

/// A whole Kafka cluster in a browser tab. Without a command: builds the page and serves it.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::ServeArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Build the page and serve it on this machine (the default)
    Serve(serve::ServeArgs),
    /// Build the page as static files, for any host
    Build(build::BuildArgs),
    /// Measure how fast a cluster runs on this machine
    Bench(bench::BenchArgs),
    /// Say what is wrong with lesson files, with line, column and remedy
    Check(check::CheckArgs),
    /// Play recordings of real terminals on simulated clusters, and show where they differ
    Replay(replay::ReplayArgs),
    /// Play a script of commands on a simulated cluster and write down what is printed: a transcript
    Record(record::RecordArgs),
    /// Print segment files, indexes and snapshots as Kafka's own dump tool does
    KafkaDumpLog(dump_log::DumpLogArgs),
    /// Write the lessons as the page fetches them; the page's build does this
    #[command(hide = true)]
    Lessons(lessons::LessonsArgs),
    /// Run random clusters under random faults, and look whether all that must hold holds
    Fuzz(fuzz::FuzzArgs),
    /// Type random lines into terminals of the simulation, and say how long the longest took
    #[command(hide = true)]
    FuzzShell(fuzz_shell::FuzzShellArgs),
    /// Record which functions a start of the page calls, so that `build` can leave out of its first files what it does not need
    #[command(hide = true)]
    RecordStart(record_start::RecordStartArgs),
    /// Save a picture of a page, drawn by headless Chromium
    #[command(hide = true)]
    Shot(shot::ShotArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => report(serve::run(&args)),
        Command::Build(args) => report(run_build(&args)),
        Command::Bench(args) => bench::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Record(args) => report(record::run(&args)),
        Command::KafkaDumpLog(args) => dump_log::run(&args),
        Command::Lessons(args) => report(lessons::run(&args)),
        Command::Fuzz(args) => fuzz::run_fuzz(&args),
        Command::FuzzShell(args) => fuzz_shell::run(&args),
        Command::RecordStart(args) => report(record_start::run(&args)),
        Command::Shot(args) => report(shot::run(&args)),
    }
}

fn run_build(args: &build::BuildArgs) -> Result<(), Box<dyn std::error::Error>> {
    let out = build::build(&Project::find()?, args)?;
    println!("{}", out.display());
    Ok(())
}

/// An error is one line that ends in its remedy; its causes are part of it.
fn report<E: std::fmt::Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ottla: {error}");
            ExitCode::FAILURE
        }
    }
}
