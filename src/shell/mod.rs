//! The terminal: sessions that are processes of the world, a shell in them, and Kafka's tools as real clients of the cluster.
//!
//! In reading order:
//! * [`session`]: a terminal session: lines in, text out
//! * [`syntax`]: a script as bash reads it; [`expand`]: what its words become
//! * [`run`]: shells and tools as processes with streams; [`pipe`]: what flows between them; [`files`], [`device`]: what they read
//! * [`screen`]: what was shown; [`bang`]: `!!`
//! * [`tools`]: the tools
//! * [`complete`]: what Tab offers
//! * [`alone`], [`fuzz`]: a terminal without a cluster, and lines for it by the million
//! * [`transcript`]: recordings of terminal sessions, to be played again and compared
//! * [`options`], [`argparse`]: their options, as joptsimple and argparse4j read them
//! * [`escapes`]: what a backslash means in `echo -e`
//! * [`java`]: what they owe to Java: the order of maps, log lines, exceptions' names

pub mod alone;
pub mod argparse;
pub mod bang;
pub mod complete;
pub mod device;
pub mod escapes;
pub mod expand;
pub mod files;
pub mod fuzz;
pub mod java;
pub mod options;
pub mod pipe;
pub mod run;
pub mod screen;
pub mod session;
pub mod syntax;
pub mod tools;
pub mod transcript;
