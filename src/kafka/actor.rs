//! What Kafka's processes have in common: their input, their outbox, what can be said to them from outside.

use super::event::Event;
use super::protocol::frame::Frame;
use crate::sim::process;

/// Everything a process of the cluster can do to the world.
pub type Outbox<'a> = process::Outbox<'a, Frame, Event>;

/// What reaches a process of the cluster.
pub type Input = process::Input<Frame, Tell>;

/// What is said to a process from outside.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Tell {
    /// A line was entered at a terminal.
    Line(String),
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D.
    EndOfInput,
    /// A file is put into the terminal's folder.
    File(String, bytes::Bytes),
}

/// Lines of a `.properties` file, ordered by name.
pub type Config = std::collections::BTreeMap<String, String>;

/// A host and port that a client starts from (`bootstrap.servers`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    pub host: String,
    pub port: u16,
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
