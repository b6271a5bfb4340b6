//! The terminal: sessions that are processes of the world, a shell in them, and Kafka's tools as real clients of the cluster.
//!
//! In reading order:
//! * [`session`]: a terminal session: lines in, text out
//! * [`line`]: a command line as bash reads it
//! * [`job`]: pipelines that run; [`pipe`]: what flows between their tools; [`files`]: what they read
//! * [`screen`]: what was shown
//! * [`tools`]: the tools
//! * [`complete`]: what Tab offers
//! * [`transcript`]: recordings of terminal sessions, to be played again and compared
//! * [`options`], [`argparse`]: their options, as joptsimple and argparse4j read them
//! * [`java`]: what they owe to Java: the order of maps, log lines, exceptions' names

pub mod argparse;
pub mod complete;
pub mod files;
pub mod java;
pub mod job;
pub mod line;
pub mod options;
pub mod pipe;
pub mod screen;
pub mod session;
pub mod tools;
pub mod transcript;
