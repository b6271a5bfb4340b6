//! `ottla replay`: plays transcripts of real terminals on simulated clusters and shows how they differ.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use ottla::playground::replay::{SEED, play};
use ottla::shell::transcript::diff::unified;
use ottla::shell::transcript::read::Transcript;

#[derive(Args)]
pub struct ReplayArgs {
    /// Transcripts, or folders of them, as tests/golden/tools
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Play with another seed
    #[arg(long, default_value_t = SEED)]
    seed: u64,
}

/// Prints the differences, file by file; the last line counts.
pub fn run(args: &ReplayArgs) -> ExitCode {
    let (mut equal, mut all, mut failed) = (0, 0, false);
    let mut complain = |file: &Path, error: &dyn std::fmt::Display| {
        eprintln!("ottla: {}: {error}", file.display());
        failed = true;
    };
    let mut files = Vec::new();
    for path in &args.files {
        collect(path, &mut files).unwrap_or_else(|error| complain(path, &error));
    }
    for file in &files {
        let transcript = match std::fs::read_to_string(file) {
            Ok(text) => Transcript::read(&text),
            Err(error) => {
                complain(file, &error);
                continue;
            }
        };
        let transcript = match transcript {
            Ok(transcript) => transcript,
            Err(error) => {
                complain(file, &error);
                continue;
            }
        };
        for command in play(&transcript, args.seed) {
            all += 1;
            if command.is_equal() {
                equal += 1;
                continue;
            }
            println!("{}:{}: {}", file.display(), command.line, command.command);
            print!("{}", unified(&command.expected, &command.printed));
            println!();
        }
    }
    println!("commands equal: {equal} of {all}");
    if failed || equal < all { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// A file itself; of a folder, its transcripts (`.txt`), also below it, in the order of their names.
fn collect(path: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        into.push(path.to_path_buf());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>()?;
    entries.retain(|entry| entry.is_dir() || entry.extension().is_some_and(|extension| extension == "txt"));
    entries.sort();
    entries.iter().try_for_each(|entry| collect(entry, into))
}
