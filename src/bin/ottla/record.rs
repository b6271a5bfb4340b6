//! `ottla record`: plays a script of commands on a simulated cluster and writes down what was printed, in the format of tests/golden.

use std::path::{Path, PathBuf};

use clap::Args;
use ottla::playground::replay::{Performance, ReplayError, SEED, perform};
use ottla::playground::world::World;
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
    /// Write the data folders of all hosts there, as they are at the end: DIR/kafka-1/orders-0/00000000000000000000.log
    #[arg(long, value_name = "DIR")]
    disks: Option<PathBuf>,
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
    let script = std::fs::read_to_string(&args.script).map_err(io(&args.script))?;
    let transcript = Transcript::read(&script).map_err(|source| RecordError::Script { path: args.script.clone(), source })?;
    let Performance { played, stopped, world } = perform(&transcript, args.seed);
    let printed = played.into_iter().map(|played| (played.line, played.printed)).collect();
    std::fs::write(&args.out, write(&script, &printed)).map_err(io(&args.out))?;
    if let (Some(folder), Some(world)) = (&args.disks, world) {
        write_disks(folder, &world)?;
    }
    stopped.map_or(Ok(()), |why| Err(RecordError::Stopped { out: args.out.clone(), why }))
}

/// Every file of every host, holes as zeros, as a broker's disk has them.
fn write_disks(folder: &Path, world: &World) -> Result<(), RecordError> {
    for host in world.sim().hosts() {
        for (path, file) in host.disk.files() {
            let to = folder.join(&host.name).join(&**path);
            if let Some(parent) = to.parent() {
                std::fs::create_dir_all(parent).map_err(io(&to))?;
            }
            std::fs::write(&to, file.read()).map_err(io(&to))?;
        }
    }
    Ok(())
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> RecordError {
    let path = path.to_owned();
    |source| RecordError::Io { path, source }
}
