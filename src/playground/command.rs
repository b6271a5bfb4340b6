//! Everything that a person, a lesson or an outside client does to the world: one closed enum, journalled with its time.

use serde::{Deserialize, Serialize};

use super::folder::NewFile;
use super::spec::{GroupSpec, ProducerSpec};
use crate::sim::fault::Fault;

/// Something done to the world from outside, at a virtual time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Done to a host or link by a gesture on the stage (at the terminal it is a line).
    Fault(Fault),
    /// A line is entered in a terminal session (the session is opened if it is new).
    Line { session: u32, text: String },
    /// Ctrl-C in a terminal session.
    Interrupt { session: u32 },
    /// Ctrl-D: the end of what is typed into the foreground job.
    EndOfInput { session: u32 },
    /// Another steady producer.
    AddProducer(ProducerSpec),
    /// Another group, or (same name) more members of one.
    AddGroup(GroupSpec),
    /// Hosts were restarted from their disks, because the page was opened again and its history could not be replayed.
    /// No goal counts it.
    RestartAll,
    /// A file is put into the terminals' folder (a session is opened if there is none of this number). Last, as stored runs know commands by
    /// their place.
    File { session: u32, file: NewFile },
}
