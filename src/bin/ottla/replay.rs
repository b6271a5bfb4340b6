//! `ottla replay`: plays transcripts of real terminals on simulated clusters and shows how they differ.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use ottla::playground::replay::{SEED, play};
use ottla::shell::transcript::diff::unified;
use ottla::shell::transcript::read::Transcript;

#[derive(Args)]
pub struct ReplayArgs {
    /// Transcripts, as in tests/golden/tools
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Play with another seed
    #[arg(long, default_value_t = SEED)]
    seed: u64,
}

/// Prints the differences, file by file; the last line counts.
pub fn run(args: &ReplayArgs) -> ExitCode {
    let (mut equal, mut all, mut failed) = (0, 0, false);
    for file in &args.files {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                eprintln!("ottla: {}: {error}", file.display());
                failed = true;
                continue;
            }
        };
        let played = Transcript::read(&text)
            .map_err(|error| error.to_string())
            .and_then(|transcript| play(&transcript, args.seed).map_err(|error| error.to_string()));
        match played {
            Ok(commands) => {
                all += commands.len();
                for command in commands {
                    if command.is_equal() {
                        equal += 1;
                        continue;
                    }
                    println!("{}:{}: {}", file.display(), command.line, command.command);
                    print!("{}", unified(&command.expected, &command.printed));
                    println!();
                }
            }
            Err(error) => {
                eprintln!("ottla: {}: {error}", file.display());
                failed = true;
            }
        }
    }
    println!("commands equal: {equal} of {all}");
    if failed || equal < all { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
