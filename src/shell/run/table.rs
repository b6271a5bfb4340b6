//! The processes of a terminal, and how they are stepped.

use std::collections::{BTreeMap, BTreeSet};

use super::frame::Frame;
use super::limits::bytes_of;
use super::report::{OUTPUT_BYTES, report_end};
use super::shell::Shell;
use super::streams::{Capture, In, Out, Shared, Streams};
use super::{BYTES_PER_WORK, Env, Pid, Progress};
use crate::kafka::actor::Input;
use crate::shell::pipe::{Pipe, Printer, room_of};
use crate::shell::tools::{BROKEN_PIPE, Context, INTERRUPTED, KILLED, Tool};
use crate::sim::disk::File;
use crate::sim::process::ReadId;
use crate::sim::time::Time;

/// The shell that reads the terminal's lines.
pub const MAIN: Pid = 1_000;

/// All processes of a terminal. Cloned with its world.
#[derive(Clone, Debug)]
pub struct Table {
    processes: BTreeMap<Pid, Process>,
    pub(super) pipes: BTreeMap<u32, Shared>,
    pub(super) captures: BTreeMap<u32, Capture>,
    pub(super) next_pipe: u32,
    next_pid: Pid,
    next_job: u32,
    /// A process ended or a stream was put back: pipes may have lost an end.
    pub(super) is_dirty: bool,
    /// Parent, child and status of what was ended by a shell that was being stepped.
    news: Vec<(Pid, Pid, i32)>,
}

#[derive(Clone, Debug)]
pub struct Process {
    pub parent: Pid,
    /// The line of commands that it belongs to.
    pub job: u32,
    pub streams: Streams,
    /// What was typed for it.
    pub typed: Pipe,
    pub work: Work,
}

#[derive(Clone, Debug)]
pub enum Work {
    Shell(Box<Shell>),
    Tool(Box<Running>),
}

/// A tool that runs.
#[derive(Clone, Debug)]
pub struct Running {
    pub name: String,
    pub args: Vec<String>,
    /// What they hold.
    pub(super) args_bytes: usize,
    pub tool: Tool,
    /// The first of what it printed on standard output.
    pub said: String,
}

impl Running {
    pub(super) fn new(name: &str, args: &[String], tool: Tool) -> Running {
        Running { name: name.to_owned(), args: args.to_vec(), args_bytes: bytes_of(args), tool, said: String::new() }
    }
}

impl Table {
    /// A table with the terminal's own shell in it.
    pub fn new(main: Shell) -> Table {
        let process =
            Process { parent: 0, job: 0, streams: Streams::terminal(), typed: Pipe::default(), work: Work::Shell(Box::new(main)) };
        Table {
            processes: BTreeMap::from([(MAIN, process)]),
            pipes: BTreeMap::new(),
            captures: BTreeMap::new(),
            next_pipe: 0,
            next_pid: MAIN + 1,
            next_job: 1,
            is_dirty: false,
            news: Vec::new(),
        }
    }

    /// The tools that run.
    pub fn tools(&self) -> impl Iterator<Item = &Tool> {
        self.processes.values().filter_map(|process| match &process.work {
            Work::Tool(running) => Some(&running.tool),
            Work::Shell(_) => None,
        })
    }

    pub fn main(&self) -> Option<&Shell> {
        self.shell(MAIN)
    }

    pub fn main_mut(&mut self) -> Option<&mut Shell> {
        match &mut self.processes.get_mut(&MAIN)?.work {
            Work::Shell(shell) => Some(shell),
            Work::Tool(_) => None,
        }
    }

    fn shell(&self, pid: Pid) -> Option<&Shell> {
        match &self.processes.get(&pid)?.work {
            Work::Shell(shell) => Some(shell),
            Work::Tool(_) => None,
        }
    }

    /// The job whose end the terminal's shell waits for.
    pub fn foreground(&self) -> u32 {
        self.processes.get(&MAIN).map_or(0, |main| main.job)
    }

    pub fn new_job(&mut self) -> u32 {
        self.next_job += 1;
        self.next_job - 1
    }

    /// A number for `$RANDOM`. Not from the session's own stream, from which clients draw.
    pub fn random(&mut self, now: Time) -> u32 {
        self.next_pipe += 1;
        let mixed = (now.0 ^ (u64::from(self.next_pipe) << 40)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed >> 33) as u32
    }

    pub(super) fn processes(&self) -> impl Iterator<Item = &Process> {
        self.processes.values()
    }

    pub fn spawn(&mut self, process: Process) -> Pid {
        let pid = self.next_pid;
        self.next_pid += 1;
        self.processes.insert(pid, process);
        pid
    }

    pub fn is_alive(&self, pid: Pid) -> bool {
        self.processes.contains_key(&pid)
    }

    /// The job that a process belongs to.
    pub fn job_of(&self, pid: Pid) -> Option<u32> {
        self.processes.get(&pid).map(|process| process.job)
    }

    /// One round over all processes; whether anything moved.
    pub fn step(&mut self, env: &mut Env) -> bool {
        let mut moved = false;
        let mut last = 0;
        // Processes that are started in the round have higher numbers and take part in it.
        while let Some(pid) = self.processes.range(last + 1..).next().map(|(pid, _)| *pid) {
            last = pid;
            moved |= self.step_one(pid, env);
            if self.is_dirty {
                self.sweep();
            }
        }
        moved
    }

    fn step_one(&mut self, pid: Pid, env: &mut Env) -> bool {
        match self.processes.get(&pid).map(|process| &process.work) {
            Some(Work::Tool(_)) => {
                let taken = self.taken(pid);
                let printed = self.with_tool(pid, env, |tool, cx| tool.step(cx));
                printed || !self.is_alive(pid) || taken != self.taken(pid)
            }
            Some(Work::Shell(_)) => {
                let Some(mut process) = self.processes.remove(&pid) else { return false };
                let progress = Shell::step(pid, &mut process, self, env);
                let news = std::mem::take(&mut self.news);
                if let Work::Shell(shell) = &mut process.work {
                    news.iter().filter(|(parent, ..)| *parent == pid).for_each(|(_, child, status)| shell.child_ended(*child, *status));
                }
                self.processes.insert(pid, process);
                match progress {
                    Progress::Ended(status) => {
                        self.end(pid, status, env);
                        true
                    }
                    progress => progress == Progress::Some || !news.is_empty(),
                }
            }
            None => false,
        }
    }

    /// How much a process has read.
    fn taken(&self, pid: Pid) -> u64 {
        let Some(process) = self.processes.get(&pid) else { return 0 };
        match process.streams.input {
            In::Pipe(id) => self.pipes.get(&id).map_or(0, |shared| shared.pipe.taken()),
            In::Terminal | In::Null => process.typed.taken(),
        }
    }

    /// Does something with a tool and delivers what it printed; whether it printed anything.
    fn with_tool(&mut self, pid: Pid, env: &mut Env, act: impl FnOnce(&mut Tool, &mut Context) -> Option<i32>) -> bool {
        let Some(mut process) = self.processes.remove(&pid) else { return false };
        let Work::Tool(running) = &mut process.work else {
            self.processes.insert(pid, process);
            return false;
        };
        let (room, broken) = self.room(&process.streams.out);
        let mut print = Printer::new(room.min(env.pieces), broken);
        let read_before = running.tool.read_bytes();
        let mut nothing = Pipe::closed();
        let stdin = match process.streams.input {
            In::Terminal => &mut process.typed,
            In::Null => &mut nothing,
            In::Pipe(id) => self.pipes.get_mut(&id).map_or(&mut nothing, |shared| &mut shared.pipe),
        };
        let mut cx = Context { now: env.now, stdin, print: &mut print, out: env.out };
        let status = act(&mut running.tool, &mut cx);
        let printed = !print.pieces.is_empty();
        let moved = running.tool.read_bytes() - read_before + print.pieces.iter().map(|piece| piece.text.len()).sum::<usize>();
        env.work = env.work.saturating_sub(moved / BYTES_PER_WORK);
        env.pieces = env.pieces.saturating_sub(print.pieces.iter().map(|piece| room_of(&piece.text)).sum());
        for piece in print.pieces.iter().filter(|piece| !piece.error) {
            if running.said.len() < OUTPUT_BYTES {
                running.said += &piece.text;
                running.said += if piece.newline { "\n" } else { "" };
            }
        }
        self.deliver(&process.streams, process.job, print.pieces, env);
        self.processes.insert(pid, process);
        if let Some(status) = status {
            self.end(pid, status, env);
        }
        printed
    }

    /// A process has ended; its parent hears of it.
    fn end(&mut self, pid: Pid, status: i32, env: &mut Env) {
        if pid == MAIN {
            return;
        }
        let Some(process) = self.processes.remove(&pid) else { return };
        self.is_dirty = true;
        if let Work::Tool(running) = &process.work {
            report_end(running, process.job, status, env);
        }
        match self.processes.get_mut(&process.parent) {
            Some(Process { work: Work::Shell(parent), .. }) => parent.child_ended(pid, status),
            // It is being stepped, and hears of it after that.
            _ => self.news.push((process.parent, pid, status)),
        }
    }

    /// Closes pipes to which nobody writes, breaks those that nobody reads.
    fn sweep(&mut self) {
        self.is_dirty = false;
        let (mut writers, mut readers, mut kept) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut mark = |streams: &Streams| {
            if let In::Pipe(id) = streams.input {
                readers.insert(id);
            }
            for out in [&streams.out, &streams.err] {
                match out {
                    Out::Pipe(id) => drop(writers.insert(*id)),
                    Out::Capture(id) => drop(kept.insert(*id)),
                    _ => {}
                }
            }
        };
        for process in self.processes.values() {
            mark(&process.streams);
            if let Work::Shell(shell) = &process.work {
                shell.frames().filter_map(Frame::held_streams).for_each(&mut mark);
            }
        }
        for shell in self.processes.values() {
            if let Work::Shell(shell) = &shell.work {
                kept.extend(shell.frames().filter_map(Frame::capture));
            }
        }
        self.captures.retain(|id, _| kept.contains(id));
        self.pipes.retain(|id, shared| {
            if !writers.contains(id) {
                shared.pipe.close();
            }
            shared.broken = !readers.contains(id);
            writers.contains(id) || readers.contains(id)
        });
    }

    /// Gives an input to the tool whose connection it is about.
    pub fn input(&mut self, input: &Input, env: &mut Env) {
        let owner = self.processes.iter().find(|(_, process)| matches!(&process.work, Work::Tool(running) if running.tool.owns(input)));
        let Some(pid) = owner.map(|(pid, _)| *pid) else { return };
        self.with_tool(pid, env, |tool, cx| {
            tool.input(input.clone(), cx);
            None
        });
    }

    /// Gives a file's contents to the shell that asked for them, if one did.
    pub fn read(&mut self, id: ReadId, file: Option<&File>) -> bool {
        let shells = self.processes.values_mut().filter_map(|process| match &mut process.work {
            Work::Shell(shell) => Some(shell),
            Work::Tool(_) => None,
        });
        let mut asked = shells.filter(|shell| shell.asked(id));
        asked.next().is_some_and(|shell| shell.read(id, file.map(File::read)))
    }

    /// SIGINT for a job.
    pub fn interrupt(&mut self, job: u32, env: &mut Env) {
        for pid in self.of_job(job) {
            match self.processes.get_mut(&pid).map(|process| &mut process.work) {
                Some(Work::Shell(shell)) => shell.interrupt(INTERRUPTED),
                Some(Work::Tool(_)) => drop(self.with_tool(pid, env, |tool, cx| tool.interrupt(cx))),
                None => {}
            }
        }
    }

    /// SIGTERM for one process and all that it started.
    pub fn terminate(&mut self, pid: Pid, env: &mut Env) {
        let mut doomed = BTreeSet::from([pid]);
        // Children have higher numbers than their parents.
        doomed
            .extend(self.processes.iter().filter(|(_, process)| doomed_parent(process.parent, pid, &self.processes)).map(|(pid, _)| *pid));
        for pid in doomed {
            match self.processes.get_mut(&pid).map(|process| &mut process.work) {
                Some(Work::Shell(shell)) => shell.interrupt(TERMINATED),
                Some(Work::Tool(_)) => drop(self.with_tool(pid, env, |tool, cx| tool.interrupt(cx))),
                None => {}
            }
        }
    }

    /// SIGKILL for a job.
    pub fn kill(&mut self, job: u32, env: &mut Env) {
        for pid in self.of_job(job).into_iter().filter(|pid| *pid != MAIN) {
            self.with_tool(pid, env, |tool, cx| {
                tool.kill(cx.out);
                Some(KILLED)
            });
            if self.is_alive(pid) {
                self.end(pid, KILLED, env);
            }
        }
        self.sweep();
    }

    fn of_job(&self, job: u32) -> Vec<Pid> {
        self.processes.iter().filter(|(_, process)| process.job == job).map(|(pid, _)| *pid).collect()
    }

    /// Whether something in the foreground reads what is typed.
    pub fn reads_terminal(&self) -> bool {
        self.reader().is_some()
    }

    fn reader(&self) -> Option<Pid> {
        let foreground = self.foreground();
        let reads = |process: &Process| {
            let waits = match &process.work {
                Work::Tool(running) => running.tool.reads_input(),
                Work::Shell(shell) => shell.reads_input(),
            };
            process.job == foreground && process.streams.input == In::Terminal && waits && !process.typed.at_end()
        };
        self.processes.iter().find(|(_, process)| reads(process)).map(|(pid, _)| *pid)
    }

    /// What is typed into the program in the foreground; `None` ends its input.
    pub fn typed(&mut self, line: Option<&str>) {
        let Some(process) = self.reader().and_then(|pid| self.processes.get_mut(&pid)) else { return };
        match line {
            Some(line) => process.typed.write(line, true),
            None => process.typed.close(),
        }
    }

    pub fn next_wake(&self) -> Option<Time> {
        let wake = |process: &Process| match &process.work {
            Work::Tool(running) => running.tool.next_wake(),
            Work::Shell(shell) => shell.next_wake(),
        };
        self.processes.values().filter_map(wake).min()
    }

    /// Makes `job` the one that the terminal's shell waits for.
    pub fn set_foreground(&mut self, job: u32) {
        self.processes.entry(MAIN).and_modify(|main| main.job = job);
    }
}

/// The status of what was ended by SIGTERM.
pub const TERMINATED: i32 = 143;

fn doomed_parent(mut parent: Pid, root: Pid, processes: &BTreeMap<Pid, Process>) -> bool {
    loop {
        if parent == root {
            return true;
        }
        match processes.get(&parent) {
            Some(process) => parent = process.parent,
            None => return false,
        }
    }
}

/// How the shell words a status in a job's last line: `Done`, `Exit 1`, `Killed`.
pub fn outcome(status: i32) -> String {
    match status {
        0 => "Done".into(),
        INTERRUPTED => "Interrupt".into(),
        KILLED => "Killed".into(),
        TERMINATED => "Terminated".into(),
        BROKEN_PIPE => "Broken pipe".into(),
        status => format!("Exit {status}"),
    }
}
