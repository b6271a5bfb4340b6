//! Recordings of terminal sessions on real clusters, as they stand in tests/golden: reading them, and comparing what was printed.
//!
//! * [`read`]: the format
//! * [`normalise`]: what differs from run to run and is not compared
//! * [`diff`]: how two outputs differ
//! * [`write`]: a recording of the simulation

pub mod diff;
pub mod normalise;
pub mod read;
pub mod write;
