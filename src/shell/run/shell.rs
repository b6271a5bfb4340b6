//! A shell: a machine that runs a script step by step and can stop, and be cloned, between any two.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::frame::{Frame, LoopPhase};
use super::streams::{In, Streams};
use super::table::{MAIN, Process, TERMINATED, Table, Work};
use super::{Env, Pid, Progress};
use crate::shell::expand::state::{Options, State};
use crate::shell::pipe::{Pipe, Printed, room_of};
use crate::shell::syntax::{Command, Joint, List};
use crate::shell::tools::{BROKEN_PIPE, INTERRUPTED};
use crate::sim::process::ReadId;
use crate::sim::time::Time;

/// The statuses of so many background processes are kept for `wait`.
const KEPT_CHILDREN: usize = 64;

/// A shell.
#[derive(Clone, Debug)]
pub struct Shell {
    pub state: State,
    pub(super) frames: Vec<Frame>,
    /// What frames hold, by their numbers: `limits`.
    pub(super) held: Vec<(usize, usize)>,
    /// Processes it started: their statuses, once they have ended.
    children: BTreeMap<Pid, Option<i32>>,
    /// It was made for one command: a tool takes its place.
    pub(super) replaced: bool,
    interrupted: Option<i32>,
    pub(super) started: Time,
    /// Jobs in the background, of the terminal's own shell.
    pub jobs: Vec<Job>,
}

/// A job in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number in brackets.
    pub number: u32,
    /// Its number in the session.
    pub id: u32,
    pub pid: Pid,
    pub text: String,
}

/// What a shell is stepped with.
pub struct Cx<'a, 'e, 'b> {
    pub pid: Pid,
    pub job: u32,
    pub streams: &'a mut Streams,
    pub typed: &'a mut Pipe,
    pub table: &'a mut Table,
    pub env: &'a mut Env<'e, 'b>,
}

impl Cx<'_, '_, '_> {
    pub fn print(&mut self, text: impl Into<String>, newline: bool) {
        self.deliver(Printed { error: false, text: text.into(), newline });
    }

    pub fn complain(&mut self, text: impl Into<String>) {
        self.deliver(Printed { error: true, text: text.into(), newline: true });
    }

    fn deliver(&mut self, printed: Printed) {
        self.env.pieces = self.env.pieces.saturating_sub(room_of(&printed.text));
        self.table.deliver(self.streams, self.job, vec![printed], self.env);
    }

    /// Its standard input, if anybody can write to it.
    pub fn input(&mut self) -> Option<&mut Pipe> {
        match self.streams.input {
            In::Terminal => Some(self.typed),
            In::Null => None,
            In::Pipe(id) => self.table.pipes.get_mut(&id).map(|shared| &mut shared.pipe),
        }
    }
}

impl Shell {
    pub fn new(state: State, now: Time) -> Shell {
        Shell {
            state,
            frames: Vec::new(),
            held: Vec::new(),
            children: BTreeMap::new(),
            replaced: false,
            interrupted: None,
            started: now,
            jobs: Vec::new(),
        }
    }

    /// A copy that runs this, as a process of its own.
    pub(super) fn fork(&self, frame: Frame) -> Shell {
        let mut child = Shell::new(self.state.clone(), self.started);
        child.frames.push(frame);
        child.state.traps.clear();
        child
    }

    /// Whether it has nothing to do.
    pub fn is_idle(&self) -> bool {
        self.frames.is_empty()
    }

    pub fn run(&mut self, list: List) {
        self.frames.push(Frame::List { list: Arc::new(list), at: 0 });
    }

    pub fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter()
    }

    pub(super) fn child_ended(&mut self, pid: Pid, status: i32) {
        self.children.insert(pid, Some(status));
        let ended = self.children.values().filter(|status| status.is_some()).count();
        if ended > KEPT_CHILDREN {
            let oldest = self.children.iter().find(|(_, status)| status.is_some()).map(|(pid, _)| *pid);
            if let Some(oldest) = oldest {
                self.children.remove(&oldest);
            }
        }
    }

    /// Whether a process that it started still runs.
    pub(super) fn runs(&self, pid: Pid) -> bool {
        self.children.get(&pid).is_some_and(Option::is_none)
    }

    pub(super) fn running_children(&self) -> Vec<Pid> {
        self.children.iter().filter(|(_, status)| status.is_none()).map(|(pid, _)| *pid).collect()
    }

    /// The status of one that has ended; it is forgotten.
    pub(super) fn take_status(&mut self, pid: Pid) -> Option<i32> {
        match self.children.get(&pid) {
            Some(Some(_)) => self.children.remove(&pid).flatten(),
            _ => None,
        }
    }

    /// Ends what it does, with this status, as soon as what it waits for has ended too.
    pub(super) fn interrupt(&mut self, status: i32) {
        self.interrupted = Some(status);
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.is_some()
    }

    /// Starts a process of this shell's.
    pub(super) fn spawn(&mut self, job: u32, streams: Streams, work: Work, cx: &mut Cx) -> Pid {
        let pid = cx.table.spawn(Process { parent: cx.pid, job, streams, typed: Pipe::default(), work });
        self.children.insert(pid, None);
        pid
    }

    /// Jobs that have ended, with their statuses; they are forgotten, but for `wait`.
    pub fn ended_jobs(&mut self) -> Vec<(Job, i32)> {
        let mut ended = Vec::new();
        for job in std::mem::take(&mut self.jobs) {
            match self.children.get(&job.pid) {
                Some(None) => self.jobs.push(job),
                status => ended.push((job, status.copied().flatten().unwrap_or(0))),
            }
        }
        ended
    }

    /// Whether it reads what is typed.
    pub fn reads_input(&self) -> bool {
        match self.frames.last() {
            Some(Frame::Read(_) | Frame::Script { .. }) => true,
            Some(Frame::Xargs(xargs)) => !xargs.all_read,
            _ => false,
        }
    }

    pub fn next_wake(&self) -> Option<Time> {
        match self.frames.last()? {
            Frame::Children { until, .. } => *until,
            Frame::Read(read) => read.until,
            Frame::Connect { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// Whether it asked for a file under this number.
    pub(super) fn asked(&self, id: ReadId) -> bool {
        match self.frames.last() {
            Some(Frame::Start { reading: Some(reading), .. }) => reading.waiting.contains_key(&id),
            Some(Frame::Connect { read, .. }) => *read == Some(id),
            _ => false,
        }
    }

    /// Takes a file that it asked for.
    pub(super) fn read(&mut self, id: ReadId, file: Option<bytes::Bytes>) -> bool {
        match self.frames.last_mut() {
            Some(Frame::Start { reading: Some(reading), .. }) => {
                let Some(path) = reading.waiting.remove(&id) else { return false };
                if let Some(bytes) = file {
                    reading.files.insert_bytes(&path, bytes);
                }
                true
            }
            Some(Frame::Connect { read, .. }) if *read == Some(id) => {
                self.connected(file);
                true
            }
            _ => false,
        }
    }

    /// Gets on as far as it can at this instant.
    pub(super) fn step(pid: Pid, process: &mut Process, table: &mut Table, env: &mut Env) -> Progress {
        let Process { job, streams, typed, work, .. } = process;
        let Work::Shell(shell) = work else { return Progress::None };
        let mut moved = false;
        loop {
            let mut cx = Cx { pid, job: *job, streams: &mut *streams, typed: &mut *typed, table: &mut *table, env: &mut *env };
            if let Some(ended) = shell.end_if_interrupted(&mut cx) {
                return ended;
            }
            if shell.frames.is_empty() && pid != MAIN {
                shell.run_exit_trap(&mut cx);
            }
            if shell.frames.is_empty() {
                return if pid == MAIN { if moved { Progress::Some } else { Progress::None } } else { Progress::Ended(shell.state.status) };
            }
            let (room, broken) = cx.table.room(&cx.streams.out);
            if broken && pid != MAIN && shell.state.status == BROKEN_PIPE {
                return Progress::Ended(BROKEN_PIPE);
            }
            if cx.env.work == 0 || cx.env.pieces == 0 || (room == 0 && !broken) {
                return if moved { Progress::Some } else { Progress::None };
            }
            match shell.transition(&mut cx) {
                Next::On => {
                    cx.env.work = cx.env.work.saturating_sub(1);
                    *job = cx.job;
                    moved = true;
                }
                Next::Blocked => return if moved { Progress::Some } else { Progress::None },
                Next::Become(running) => {
                    *work = Work::Tool(running);
                    return Progress::Some;
                }
            }
        }
    }

    fn end_if_interrupted(&mut self, cx: &mut Cx) -> Option<Progress> {
        let status = self.interrupted?;
        // What it started was interrupted too, and may take its time.
        let waits = self.frames.iter().any(|frame| match frame {
            Frame::Children { pids, .. } => pids.iter().any(|pid| self.runs(*pid)),
            Frame::Output { pid, .. } => self.runs(*pid),
            Frame::Xargs(xargs) => xargs.child.is_some_and(|pid| self.runs(pid)),
            _ => false,
        });
        if waits {
            return Some(Progress::None);
        }
        self.interrupted = None;
        let trap = match status {
            INTERRUPTED => "INT",
            TERMINATED => "TERM",
            _ => "",
        };
        if self.traps(trap) && !self.frames.is_empty() {
            // What waits is over by it; behind the trap the script goes on.
            if matches!(self.frames.last(), Some(Frame::Read(_) | Frame::Wait { .. } | Frame::Xargs(_) | Frame::Connect { .. })) {
                self.frames.pop();
            }
            self.state.status = status;
            self.run_trap(trap, cx);
            return None;
        }
        while !self.frames.is_empty() {
            self.pop(cx);
        }
        self.state.status = status;
        Some(if cx.pid == MAIN { Progress::Some } else { Progress::Ended(status) })
    }

    /// Takes the last frame off, and undoes what it had changed.
    pub(super) fn pop(&mut self, cx: &mut Cx) -> Option<Frame> {
        let frame = self.frames.pop()?;
        match &frame {
            Frame::Streams(streams) => {
                *cx.streams = streams.clone();
                cx.table.is_dirty = true;
            }
            Frame::Variables(saved) => saved.iter().for_each(|(name, old)| self.state.restore(name, old.clone())),
            Frame::Call { args, hidden } => {
                self.state.args = args.clone();
                hidden.iter().rev().for_each(|(name, old)| self.state.restore(name, old.clone()));
            }
            _ => {}
        }
        Some(frame)
    }

    /// Does the next thing that the last frame says.
    fn transition(&mut self, cx: &mut Cx) -> Next {
        let Some(frame) = self.frames.last_mut() else { return Next::Blocked };
        match frame {
            Frame::List { list, at } => {
                let Some(item) = list.0.get(*at).cloned() else { return self.done(cx) };
                *at += 1;
                let is_top = self.frames.len() == 1 && cx.pid == MAIN;
                if item.background {
                    return self.start_background(&item.chain, cx);
                }
                if is_top {
                    cx.job = cx.table.new_job();
                }
                self.push(Frame::Chain { chain: item.chain, at: 0 }, cx);
                Next::On
            }
            Frame::Chain { chain, at } => {
                let (chain, n) = (chain.clone(), *at);
                let pipeline = match n.checked_sub(1) {
                    None => Some(&chain.first),
                    Some(n) => match chain.rest.get(n) {
                        Some((joint, pipeline)) if (*joint == Joint::And) == (self.state.status == 0) => Some(pipeline),
                        Some(_) => {
                            *at += 1;
                            return Next::On;
                        }
                        None => None,
                    },
                };
                let Some(pipeline) = pipeline.cloned() else { return self.done(cx) };
                *at += 1;
                self.start_pipeline(&pipeline, cx)
            }
            Frame::Pipeline { pipeline, started } => {
                let (pipeline, started) = (pipeline.clone(), *started);
                self.frames.pop();
                if pipeline.negated {
                    self.state.status = i32::from(self.state.status == 0);
                }
                if pipeline.timed {
                    cx.complain(super::pipeline::times(cx.env.now.since(started)));
                }
                Next::On
            }
            Frame::Streams(_) | Frame::Variables(_) | Frame::Call { .. } => self.done(cx),
            Frame::Start { .. } => self.start(cx),
            Frame::If { .. } | Frame::Loop { .. } | Frame::For { .. } => self.advance(cx),
            Frame::Children { .. } | Frame::Output { .. } | Frame::Wait { .. } | Frame::Read(_) | Frame::Connect { .. } => self.look(cx),
            Frame::Trap { status } => {
                self.state.status = *status;
                self.done(cx)
            }
            Frame::Xargs(_) => self.xargs(cx),
            Frame::Script { .. } => self.script_line(cx),
        }
    }

    pub(super) fn done(&mut self, cx: &mut Cx) -> Next {
        self.pop(cx);
        Next::On
    }

    /// Whether a failure is one that somebody asks about: `set -e` does not mind it.
    pub(super) fn is_asked_for(&self) -> bool {
        self.frames.iter().any(|frame| match frame {
            Frame::Chain { chain, at } => *at <= chain.rest.len(),
            Frame::Pipeline { pipeline, .. } => pipeline.negated,
            Frame::If { at, .. } => *at != usize::MAX,
            Frame::Loop { phase, .. } => *phase == LoopPhase::Condition,
            _ => false,
        })
    }

    /// A command has ended with this status.
    pub(super) fn finish(&mut self, status: i32, cx: &mut Cx) {
        self.state.status = status;
        self.state.pipe_statuses.clear();
        let Options { errexit, .. } = self.state.options;
        let traps = self.traps("ERR") && !self.frames.iter().any(|frame| matches!(frame, Frame::Trap { .. }));
        if status == 0 || !(errexit || traps) || self.is_asked_for() {
            return;
        }
        // The terminal's own shell stays; only the line ends.
        if errexit {
            self.leave(status, cx);
        }
        if traps {
            self.run_trap("ERR", cx);
        }
    }

    /// Ends the shell, or, of the terminal's own shell, the line.
    pub(super) fn leave(&mut self, status: i32, cx: &mut Cx) {
        while !self.frames.is_empty() {
            self.pop(cx);
        }
        self.state.status = status;
    }
}

/// What a step of a shell came to.
pub(super) enum Next {
    On,
    Blocked,
    /// A tool takes the shell's place.
    Become(Box<super::table::Running>),
}

/// A command's beginning.
pub(super) fn start(command: Arc<Command>) -> Frame {
    Frame::Start { command, outputs: Vec::new(), reading: None }
}
