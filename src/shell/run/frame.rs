//! Where a shell stands in its script: one frame for each construct that was begun.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::Pid;
use super::start::Ready;
use super::streams::Streams;
use crate::shell::expand::state::Variable;
use crate::shell::files::Files;
use crate::shell::syntax::{Chain, Command, List, Pipeline};
use crate::sim::process::ReadId;
use crate::sim::time::Time;

/// A construct that was begun.
#[derive(Clone, Debug)]
pub enum Frame {
    /// Items of a list; `at` is next.
    List {
        list: Arc<List>,
        at: usize,
    },
    /// Pipelines joined by `&&` and `||`; `at` is next.
    Chain {
        chain: Arc<Chain>,
        at: usize,
    },
    /// Turns the status around, says how long it took.
    Pipeline {
        pipeline: Arc<Pipeline>,
        started: Time,
    },
    /// Until these have ended; the status is the last one's.
    Children {
        pids: Vec<Pid>,
        until: Option<Time>,
    },
    /// A command whose words are being expanded, whose files are being read.
    Start {
        command: Arc<Command>,
        outputs: Vec<String>,
        reading: Option<Box<Reading>>,
    },
    /// `$(...)` for the `Start` below.
    Output {
        pid: Pid,
        capture: u32,
    },
    If {
        command: Arc<Command>,
        at: usize,
    },
    Loop {
        command: Arc<Command>,
        phase: LoopPhase,
    },
    For {
        command: Arc<Command>,
        values: VecDeque<String>,
    },
    /// Puts the streams back.
    Streams(Streams),
    /// Puts variables back.
    Variables(Vec<(String, Option<Variable>)>),
    /// A function at work: the arguments around it, and what its `local`s hide.
    Call {
        args: Arc<Vec<String>>,
        hidden: Vec<(String, Option<Variable>)>,
    },
    /// `wait`
    Wait {
        pids: Vec<Pid>,
        which: Awaited,
    },
    /// A trap's command is at work; the status is put back.
    Trap {
        status: i32,
    },
    /// `read`
    Read(Box<ReadLine>),
    Xargs(Box<Xargs>),
    /// Commands are read from standard input (`bash`, `ssh` without a command).
    Script {
        pending: String,
    },
    /// `ssh`: the other machine's answer.
    Connect {
        read: Option<ReadId>,
        host: Arc<str>,
        command: Option<String>,
        until: Time,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// All there are; the status is 0.
    All,
    /// Those that were named; the status is the last one's.
    Named,
    /// `-n`: one of them.
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopPhase {
    Condition,
    Body,
    /// The third part of `for ((;;))`.
    Step,
}

/// A command that waits for files.
#[derive(Clone, Debug)]
pub struct Reading {
    pub ready: Ready,
    pub waiting: BTreeMap<ReadId, String>,
    pub files: Files,
    /// It was looked whether those that are read name another one.
    pub looked_further: bool,
}

/// `read` at work.
#[derive(Clone, Debug)]
pub struct ReadLine {
    pub names: Vec<String>,
    pub raw: bool,
    pub until: Option<Time>,
    /// What lines that ended in `\` began with.
    pub begun: String,
    /// `-a`: all fields go to one array.
    pub array: bool,
    /// `mapfile`: all lines go to one array, with their line breaks but for `-t`.
    pub lines: Option<Lines>,
}

#[derive(Clone, Debug, Default)]
pub struct Lines {
    pub read: Vec<String>,
    pub without_breaks: bool,
}

/// `xargs` at work.
#[derive(Clone, Debug)]
pub struct Xargs {
    pub command: Vec<String>,
    /// `-n`
    pub most: Option<usize>,
    /// `-I {}`
    pub replace: Option<String>,
    /// `-r`: nothing is run without arguments.
    pub skip_empty: bool,
    /// Its input so far, in arguments.
    pub words: VecDeque<String>,
    /// How much was read.
    pub bytes: usize,
    pub all_read: bool,
    pub ran: bool,
    pub status: i32,
    pub child: Option<Pid>,
}

impl Frame {
    /// Streams that must not be closed meanwhile.
    pub fn held_streams(&self) -> Option<&Streams> {
        match self {
            Frame::Streams(streams) => Some(streams),
            _ => None,
        }
    }

    pub fn capture(&self) -> Option<u32> {
        match self {
            Frame::Output { capture, .. } => Some(*capture),
            _ => None,
        }
    }
}
