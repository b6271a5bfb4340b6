//! A job: a list of pipelines, one running; the stages of a pipeline run at once, with pipes between them.

use std::collections::{BTreeMap, VecDeque};

use super::files::{self, Files};
use super::line::{Fd, Joint, List, Pipeline, Redirect};
use super::pipe::{Pipe, Printed, Printer};
use super::screen::cut;
use super::tools::{BROKEN_PIPE, Context, INTERRUPTED, KILLED, Start, Tool};
use crate::kafka::actor::{Input, Outbox};
use crate::kafka::event::Event;
use crate::sim::disk::File;
use crate::sim::process::ReadId;
use crate::sim::time::Time;

/// Of what a tool prints, its last event holds this much.
pub const OUTPUT_BYTES: usize = 2 << 10;
/// A file written by a redirection holds at most this much.
pub const FILE_BYTES: usize = 1 << 20;

/// A list of pipelines that was started.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its number in the session, from 1.
    pub id: u32,
    /// As it was typed.
    pub text: String,
    rest: VecDeque<(Joint, Pipeline)>,
    running: Running,
    /// The status of the last pipeline that ended.
    pub status: i32,
}

/// A pipeline that runs, or waits for the files it will read.
#[derive(Clone, Debug)]
pub struct Running {
    pub stages: Vec<Stage>,
    /// What is still to be read, and then to be started with.
    waiting: BTreeMap<ReadId, String>,
    files: Files,
    started: bool,
}

/// One tool of a pipeline.
#[derive(Clone, Debug)]
pub struct Stage {
    pub name: String,
    pub args: Vec<String>,
    redirects: Vec<Redirect>,
    pub stdin: Pipe,
    out: Dest,
    err: Dest,
    /// `None`: not started yet, or ended.
    pub tool: Option<Tool>,
    pub status: Option<i32>,
    /// The first of what it printed on standard output.
    said: String,
}

/// Where a stream goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Dest {
    /// To the terminal.
    Screen {
        error: bool,
    },
    /// To the next stage.
    Next,
    /// To a file; its contents so far.
    File {
        path: String,
        append: bool,
        text: String,
    },
    /// Where the stage's other stream goes.
    Other,
    Nowhere,
}

/// What a job needs from its session.
pub struct Env<'a, 'b> {
    pub now: Time,
    pub session: u32,
    pub hosts: &'a [String],
    /// The terminal's own.
    pub host: &'a str,
    pub out: &'a mut Outbox<'b>,
    /// What goes to the terminal, in order.
    pub screen: &'a mut Vec<Printed>,
    /// How many lines may still be printed in this step.
    pub budget: &'a mut usize,
}

/// How a job was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It got on; there may be more to do.
    Some,
    /// It waits.
    None,
    /// It has ended.
    Ended,
}

impl Job {
    /// Starts the first pipeline of a list. `input`: what its first stage reads, `None`: the terminal.
    pub fn start(id: u32, list: List, status: i32, closed: bool, env: &mut Env) -> Job {
        let text = list.text();
        let running = Running::new(list.first, status, closed, env);
        Job { id, text, rest: list.rest.into(), running, status }
    }

    /// Gets on as far as it can in one round over its stages.
    pub fn step(&mut self, closed: bool, builtin: &mut dyn FnMut(&str, &[String]) -> Option<Tool>, env: &mut Env) -> Progress {
        if !self.running.started {
            if !self.running.waiting.is_empty() {
                return Progress::None;
            }
            self.running.begin(self.id, builtin, env);
        }
        if self.running.step(self.id, env) {
            return Progress::Some;
        }
        let Some(status) = self.running.status() else { return Progress::None };
        self.status = status;
        while let Some((joint, pipeline)) = self.rest.pop_front() {
            if (joint == Joint::And) == (self.status == 0) {
                self.running = Running::new(pipeline, self.status, closed, env);
                return Progress::Some;
            }
        }
        Progress::Ended
    }

    /// Whether it reads lines from the terminal.
    pub fn reads_input(&self) -> bool {
        let first = self.running.stages.first();
        first.is_some_and(|stage| !stage.stdin.at_end() && stage.tool.as_ref().is_some_and(Tool::reads_input))
    }

    /// What is typed into it; `None` ends its input.
    pub fn typed(&mut self, line: Option<&str>) {
        if let Some(first) = self.running.stages.first_mut() {
            match line {
                Some(line) => first.stdin.write(line, true),
                None => first.stdin.close(),
            }
        }
    }

    /// SIGINT for all of its stages; what comes after the pipeline is dropped.
    pub fn interrupt(&mut self, env: &mut Env) {
        self.rest.clear();
        self.running.signal(self.id, env, |tool, cx| tool.interrupt(cx));
    }

    /// SIGKILL for all of its stages.
    pub fn kill(&mut self, env: &mut Env) {
        self.rest.clear();
        self.running.signal(self.id, env, |tool, cx| {
            tool.kill(cx.out);
            Some(KILLED)
        });
    }

    /// Gives an input to the tool whose connection it is about, if it is one of this job's.
    pub fn input(&mut self, input: &Input, env: &mut Env) -> bool {
        let stages = &mut self.running.stages;
        let Some(at) = stages.iter().position(|stage| stage.tool.as_ref().is_some_and(|tool| tool.owns(input))) else { return false };
        self.running.with_tool(self.id, at, env, |tool, cx| {
            tool.input(input.clone(), cx);
            None
        });
        true
    }

    /// Takes a file's contents, if it asked for them.
    pub fn read(&mut self, id: ReadId, file: Option<&File>) -> bool {
        let Some(path) = self.running.waiting.remove(&id) else { return false };
        if let Some(file) = file {
            self.running.files.insert(&path, String::from_utf8_lossy(&file.read()).into_owned());
        }
        true
    }

    /// Ends its `wait`, if it is one.
    pub fn end_wait(&mut self) {
        for stage in self.running.stages.iter_mut().filter(|stage| matches!(stage.tool, Some(Tool::Wait))) {
            stage.tool = Some(Tool::Said(super::tools::hosts::Done::default()));
        }
    }

    pub fn waits_for_jobs(&self) -> bool {
        self.running.stages.iter().any(|stage| matches!(stage.tool, Some(Tool::Wait)))
    }

    pub fn next_wake(&self) -> Option<Time> {
        self.running.stages.iter().filter_map(|stage| stage.tool.as_ref()?.next_wake()).min()
    }
}

impl Running {
    /// Prepares a pipeline: expands words, asks for files.
    fn new(pipeline: Pipeline, status: i32, closed: bool, env: &mut Env) -> Running {
        let count = pipeline.stages.len();
        let mut stages = Vec::with_capacity(count);
        let mut paths = Vec::new();
        for (n, simple) in pipeline.stages.into_iter().enumerate() {
            let mut words = simple.words.iter().map(|word| word.expand(status));
            let name = words.next().unwrap_or_default();
            let args: Vec<String> = words.collect();
            paths.extend(Tool::reads(tool_name(&name), &args));
            for redirect in &simple.redirects {
                match redirect {
                    Redirect::In(path) => paths.push(path.expand(status)),
                    Redirect::File { path, append: true, .. } => paths.push(path.expand(status)),
                    Redirect::File { .. } | Redirect::To { .. } => {}
                }
            }
            let stdin = if n == 0 && closed { Pipe::closed() } else { Pipe::default() };
            let out = if n + 1 < count { Dest::Next } else { Dest::Screen { error: false } };
            let err = Dest::Screen { error: true };
            let mut stage =
                Stage { name, args, redirects: simple.redirects, stdin, out, err, tool: None, status: None, said: String::new() };
            stage.redirect(status);
            stages.push(stage);
        }
        paths.retain(|path| path != "/dev/null" && path != "-");
        paths.sort();
        paths.dedup();
        let waiting = paths.into_iter().map(|path| (files::ask(env.out, &path), path)).collect();
        Running { stages, waiting, files: Files::default(), started: false }
    }

    /// Starts every tool.
    fn begin(&mut self, job: u32, builtin: &mut dyn FnMut(&str, &[String]) -> Option<Tool>, env: &mut Env) {
        self.started = true;
        for at in 0..self.stages.len() {
            let Running { stages, files, .. } = self;
            let stage = &mut stages[at];
            let name = tool_name(&stage.name).to_owned();
            let args = stage.args.iter().map(|arg| arg.as_str().into()).collect();
            env.out.emit(Event::ToolStarted { session: env.session, job, tool: name.as_str().into(), args });
            if let Err(path) = stage.open(files) {
                self.refuse(job, at, format!("bash: {path}: No such file or directory"), 1, env);
                continue;
            }
            let interactive = at == 0 && !stage.stdin.is_closed() && stage.out == Dest::Screen { error: false };
            let start = Start { now: env.now, name: &name, args: &stage.args, files, interactive, hosts: env.hosts, host: env.host };
            stage.tool = builtin(&name, &stage.args).or_else(|| Tool::start(start, env.out.rng()));
            if stage.tool.is_none() {
                let said = if stage.name.contains('/') {
                    format!("bash: {}: No such file or directory", stage.name)
                } else {
                    format!("bash: {}: command not found", stage.name)
                };
                self.refuse(job, at, said, 127, env);
            }
        }
    }

    /// A stage that cannot start.
    fn refuse(&mut self, job: u32, at: usize, said: String, status: i32, env: &mut Env) {
        self.deliver(at, vec![Printed { error: true, text: said, newline: true }], env);
        self.ended(job, at, status, env);
    }

    /// One round over the stages; whether anything moved.
    fn step(&mut self, job: u32, env: &mut Env) -> bool {
        let mut moved = false;
        for at in 0..self.stages.len() {
            let before = (self.stages[at].stdin.taken(), self.stages[at].tool.is_some());
            let printed = self.with_tool(job, at, env, |tool, cx| tool.step(cx));
            moved |= printed || before != (self.stages[at].stdin.taken(), self.stages[at].tool.is_some());
        }
        moved
    }

    fn signal(&mut self, job: u32, env: &mut Env, mut signal: impl FnMut(&mut Tool, &mut Context) -> Option<i32>) {
        for at in 0..self.stages.len() {
            self.with_tool(job, at, env, &mut signal);
        }
        if !self.started {
            self.waiting.clear();
            self.started = true;
            self.stages.iter_mut().for_each(|stage| stage.status = Some(INTERRUPTED));
        }
    }

    /// The last stage's status once all have ended.
    fn status(&self) -> Option<i32> {
        let ended = self.stages.iter().all(|stage| stage.tool.is_none());
        if ended { Some(self.stages.last().and_then(|stage| stage.status).unwrap_or(0)) } else { None }
    }

    /// Does something with a stage's tool and delivers what it printed; whether it printed anything.
    fn with_tool(&mut self, job: u32, at: usize, env: &mut Env, mut act: impl FnMut(&mut Tool, &mut Context) -> Option<i32>) -> bool {
        let Some(mut tool) = self.stages[at].tool.take() else { return false };
        let (room, broken) = match (&self.stages[at].out, self.stages.get(at + 1)) {
            (Dest::Next, Some(next)) if next.tool.is_none() => (*env.budget, true),
            (Dest::Next, Some(next)) => (next.stdin.room().min(*env.budget), false),
            _ => (*env.budget, false),
        };
        let mut print = Printer { pieces: Vec::new(), room, broken };
        let mut stdin = std::mem::take(&mut self.stages[at].stdin);
        let mut cx = Context { now: env.now, stdin: &mut stdin, print: &mut print, out: env.out };
        let status = act(&mut tool, &mut cx);
        let printed = !print.pieces.is_empty();
        *env.budget = env.budget.saturating_sub(print.pieces.len());
        self.stages[at].stdin = stdin;
        self.stages[at].tool = Some(tool);
        self.deliver(at, print.pieces, env);
        if let Some(status) = status {
            self.ended(job, at, status, env);
        }
        printed
    }

    fn deliver(&mut self, at: usize, pieces: Vec<Printed>, env: &mut Env) {
        for piece in pieces {
            let stage = &mut self.stages[at];
            if !piece.error && stage.said.len() < OUTPUT_BYTES {
                stage.said += &piece.text;
                stage.said += if piece.newline { "\n" } else { "" };
            }
            let to_err = piece.error != (if piece.error { &stage.err } else { &stage.out } == &Dest::Other);
            match if to_err { &mut stage.err } else { &mut stage.out } {
                Dest::Screen { error } => {
                    let error = *error;
                    env.screen.push(Printed { error, ..piece });
                }
                Dest::Next => {
                    if let Some(next) = self.stages.get_mut(at + 1).filter(|next| next.status.is_none()) {
                        next.stdin.write(&piece.text, piece.newline);
                    }
                }
                Dest::File { text, .. } if text.len() < FILE_BYTES => {
                    *text += &piece.text;
                    *text += if piece.newline { "\n" } else { "" };
                }
                Dest::File { .. } | Dest::Other | Dest::Nowhere => {}
            }
        }
    }

    fn ended(&mut self, job: u32, at: usize, status: i32, env: &mut Env) {
        let stage = &mut self.stages[at];
        stage.tool = None;
        stage.status = Some(status);
        let output = cut(&stage.said, OUTPUT_BYTES).unwrap_or(&stage.said);
        env.out.emit(Event::ToolEnded {
            session: env.session,
            job,
            tool: tool_name(&stage.name).into(),
            args: stage.args.iter().map(|arg| arg.as_str().into()).collect(),
            status,
            output: output.into(),
        });
        for dest in [&stage.out, &stage.err] {
            if let Dest::File { path, text, .. } = dest {
                let chunk = env.out.chunk(text.clone().into());
                if env.out.disk().replace(env.now, path, chunk).is_err() {
                    let said = format!("bash: {path}: No space left on device");
                    env.screen.push(Printed { error: true, text: said, newline: true });
                }
            }
        }
        if let Some(next) = self.stages.get_mut(at + 1) {
            next.stdin.close();
        }
    }
}

impl Stage {
    /// Where its streams go, from left to right, as bash does it.
    fn redirect(&mut self, status: i32) {
        for redirect in &self.redirects {
            let (fd, dest) = match redirect {
                Redirect::In(_) => continue,
                Redirect::To { fd, to } => match (fd == to, if *to == Fd::Out { &self.out } else { &self.err }) {
                    (true, _) => continue,
                    (false, Dest::File { .. }) => (*fd, Dest::Other),
                    (false, dest) => (*fd, dest.clone()),
                },
                Redirect::File { fd, path, append } => match path.expand(status).as_str() {
                    "/dev/null" => (*fd, Dest::Nowhere),
                    path => (*fd, Dest::File { path: path.to_owned(), append: *append, text: String::new() }),
                },
            };
            match fd {
                Fd::Out => self.out = dest,
                Fd::Err => self.err = dest,
            }
        }
    }

    /// Puts files in place: what it reads from, what it appends to.
    ///
    /// # Errors
    /// The path of a file that is not there.
    fn open(&mut self, files: &Files) -> Result<(), String> {
        for redirect in &self.redirects {
            if let Redirect::In(path) = redirect {
                let path = path.expand(0);
                self.stdin = match path.as_str() {
                    "/dev/null" => Pipe::closed(),
                    _ => Pipe::of(files.get(&path).ok_or(path.clone())?),
                };
            }
        }
        for dest in [&mut self.out, &mut self.err] {
            if let Dest::File { path, append: true, text } = dest {
                *text = files.get(path).unwrap_or_default().to_owned();
            }
        }
        Ok(())
    }
}

/// `kafka-topics`, however it was typed: `kafka-topics.sh`, `bin/kafka-topics.sh`.
pub fn tool_name(typed: &str) -> &str {
    let file = typed.rsplit('/').next().unwrap_or(typed);
    match file.strip_suffix(".sh") {
        Some(name) if name.starts_with("kafka-") => name,
        _ if file.starts_with("kafka-") => file,
        _ => typed,
    }
}

/// How the shell words a status in a job's last line: `Done`, `Exit 1`, `Killed`.
pub fn outcome(status: i32) -> String {
    match status {
        0 => "Done".into(),
        INTERRUPTED => "Interrupt".into(),
        KILLED => "Killed".into(),
        BROKEN_PIPE => "Broken pipe".into(),
        status => format!("Exit {status}"),
    }
}
