//! What runs in a terminal: shells and tools as processes with streams, as a small Unix.
//!
//! In reading order:
//! * [`table`]: the processes, and how they are stepped
//! * [`streams`]: pipes, files and the screen between them
//! * [`shell`]: a shell as a machine that can stop anywhere; [`frame`]: where it stands in its script
//! * [`start`]: how a command begins: its words, its redirections, the files that it reads
//! * [`launch`]: what is run then: a builtin, a function, a tool
//! * [`builtin`]: what a shell does itself
//! * [`limits`]: what all of them may hold

pub mod builtin;
pub mod frame;
pub mod launch;
pub mod limits;
mod loops;
mod pipeline;
pub mod report;
pub mod shell;
pub mod start;
pub mod streams;
pub mod table;
mod test;
mod waiting;

use super::pipe::Printed;
use super::session::SessionSpec;
use crate::kafka::actor::Outbox;
use crate::sim::time::Time;
use std::sync::Arc;

/// A process's number in its terminal.
pub type Pid = u32;

/// What is done by shells at one instant of virtual time costs this much at most; the rest comes a millisecond later.
pub const WORK_PER_INSTANT: usize = 400;
/// Going through so many bytes costs as much as a step of the shell.
pub const BYTES_PER_WORK: usize = 4 << 10;
/// What starting a tool costs of it; a step of the shell itself costs one.
pub const TOOL_WORK: usize = 10;

/// What a process is stepped with.
pub struct Env<'a, 'b> {
    pub now: Time,
    pub spec: &'a SessionSpec,
    pub out: &'a mut Outbox<'b>,
    /// What goes to the terminal, in order, with the job it comes from.
    pub screen: &'a mut Vec<Shown>,
    /// How many pieces may still be printed in this step.
    pub pieces: usize,
    /// How much may still be done at this instant.
    pub work: usize,
    /// What was typed so far.
    pub history: &'a imbl::Vector<Arc<str>>,
}

/// What is to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    Text {
        job: u32,
        printed: Printed,
    },
    /// The shell's own word about a job.
    Note {
        job: u32,
        text: String,
    },
    Clear,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It got on; there may be more to do.
    Some,
    /// It waits.
    None,
    /// It has ended with this status.
    Ended(i32),
}
