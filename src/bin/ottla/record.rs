//! `ottla record`: plays a script of commands on a simulated cluster and writes down what was printed, in the format of tests/golden.

use std::path::PathBuf;

use clap::Args;
use ottla::playground::replay::{Performance, ReplayError, SEED, perform};
use ottla::shell::transcript::read::{Transcript, TranscriptError};
use ottla::shell::transcript::write::write;
use thiserror::Error;

#[derive(Args)]
pub struct RecordArgs {
    /// A transcript without output (or with: it is left out); tests/golden/README.md tells the format
    script: PathBuf,
    /// The transcript to write
    out: PathBuf,
    /// Play with another seed
    #[arg(long, default_value_t = SEED)]
    seed: u64,
}

#[derive(Debug, Error)]
pub enum RecordError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{path}: {source}")]
    Script { path: PathBuf, source: TranscriptError },
    #[error("{out} ends where the script could not be played on: {why}")]
    Stopped { out: PathBuf, why: ReplayError },
}

pub fn run(args: &RecordArgs) -> Result<(), RecordError> {
    let io = |path: &PathBuf| {
        let path = path.clone();
        |source| RecordError::Io { path, source }
    };
    let script = std::fs::read_to_string(&args.script).map_err(io(&args.script))?;
    let transcript = Transcript::read(&script).map_err(|source| RecordError::Script { path: args.script.clone(), source })?;
    let Performance { played, stopped } = perform(&transcript, args.seed);
    let printed = played.into_iter().map(|played| (played.line, played.printed)).collect();
    std::fs::write(&args.out, write(&script, &printed)).map_err(io(&args.out))?;
    stopped.map_or(Ok(()), |why| Err(RecordError::Stopped { out: args.out.clone(), why }))
}
