//! One run that every build must agree on: native or wasm, frames passed as they are or through bytes.

use super::build::{BuildError, Machine};
use super::command::Command;
use super::load;
use super::timeline::Timeline;
use super::world::World;
use crate::kafka::protocol::codec;
use crate::sim::time::Duration;

/// The seed of the standard run.
pub const SEED: u64 = 4;

/// What is entered in the terminal, and how many seconds are let pass after it.
const LINES: [(&str, u64); 3] = [("echo begin", 2), ("kill -9 kafka-1", 14), ("start kafka-1", 8)];

/// Plays the standard run: the lesson's cluster, a broker killed and started again. Its digest.
///
/// # Errors
/// If the cluster does not get ready.
pub fn digest_of_standard_run() -> Result<u128, BuildError> {
    digest_on(&Machine::default(), SEED)
}

/// The same with every frame encoded and decoded: the digest must not change.
///
/// # Errors
/// As [`digest_of_standard_run`].
pub fn digest_of_recoded_run() -> Result<u128, BuildError> {
    digest_on(&Machine { recode: Some(codec::recode), ..Machine::default() }, SEED)
}

/// The standard run on these machines and with this seed.
///
/// # Errors
/// As [`digest_of_standard_run`].
pub fn digest_on(machine: &Machine, seed: u64) -> Result<u128, BuildError> {
    let mut timeline = Timeline::new(World::build_on(machine, &load::lesson_cluster(), seed)?, ());
    for (text, seconds) in LINES {
        // A line is refused only when there are too many terminals.
        let _ = timeline.act(Command::Line { session: 0, text: text.into() });
        timeline.run_until(timeline.now() + Duration::secs(seconds));
    }
    Ok(timeline.world().digest())
}
