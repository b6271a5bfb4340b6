//! What a command does once its words are known: a builtin, a function, a construct, a tool.

use std::sync::Arc;

use super::frame::{Frame, LoopPhase};
use super::limits::{ARG_BYTES, bytes_of};
use super::report::{report_end, report_start};
use super::shell::{Cx, Next, Shell, start};
use super::start::{Opened, Ready, Subject};
use super::streams::{In, Out, Streams, write};
use super::table::{Running, Work};
use super::{Env, TOOL_WORK, builtin};
use crate::shell::device::Device;
use crate::shell::expand::state::State;
use crate::shell::files::Files;
use crate::shell::pipe::{Pipe, Printed};
use crate::shell::syntax::{Command, Kind, Word};
use crate::shell::tools::hosts::Done;
use crate::shell::tools::{Start, Tool, file, tool_name};

/// What a command needs of the disk before it can start.
pub(super) struct Paths {
    pub files: Vec<String>,
    /// It looks at names and sizes.
    pub look_around: bool,
    /// It reads random bytes.
    pub draws: bool,
}

/// The files that a command will read, as they were typed.
pub(super) fn paths_read(ready: &Ready, state: &State) -> Paths {
    let mut files: Vec<String> = Vec::new();
    let mut look_around = false;
    for (_, opened) in &ready.redirects {
        if let Opened::Read(path) = opened {
            files.push(path.clone());
        }
    }
    if let Subject::Words(words) = &ready.subject {
        let words = builtin::without_prefixes(words);
        if let Some((name, args)) = words.split_first()
            && !state.functions.contains_key(name.as_str())
        {
            files.extend(builtin::reads(name, args).unwrap_or_else(|| Tool::reads(tool_name(name), args)));
            look_around = file::NAMES.contains(&name.as_str()) || builtin::LOOK_AROUND.contains(&name.as_str());
        }
    }
    let draws = files.iter().any(|path| matches!(path.as_str(), "/dev/urandom" | "/dev/random"));
    files.retain(|path| path != "-" && !path.is_empty() && !path.starts_with("/dev/"));
    files.sort();
    files.dedup();
    Paths { files, look_around, draws }
}

/// Another file that a command will read, as the first ones say.
pub(super) fn path_read_further(ready: &Ready, files: &Files, state: &State) -> Option<String> {
    let Subject::Words(words) = &ready.subject else { return None };
    let (name, args) = builtin::without_prefixes(words).split_first()?;
    if state.functions.contains_key(name.as_str()) { None } else { Tool::reads_further(tool_name(name), args, files) }
}

impl Shell {
    /// Does what a command says.
    pub(super) fn launch(&mut self, command: &Arc<Command>, ready: Ready, files: Files, had_output: bool, cx: &mut Cx) -> Next {
        let Ready { assigns, subject, redirects, .. } = ready;
        let streams = match self.open(&redirects, &files, cx) {
            Ok(streams) => streams,
            Err((streams, said)) => {
                let before = std::mem::replace(cx.streams, streams);
                cx.complain(format!("bash: {said}"));
                *cx.streams = before;
                self.refused(&subject, command, cx);
                self.finish(1, cx);
                return Next::On;
            }
        };
        if let (Kind::Simple { .. }, Subject::Words(words)) = (&command.kind, &subject) {
            return self.simple(words, assigns, streams, files, &redirects, had_output, cx);
        }
        if !redirects.is_empty() {
            let before = std::mem::replace(cx.streams, streams);
            self.push(Frame::Streams(before), cx);
        }
        match (&command.kind, subject) {
            (Kind::Group(list), _) => self.push(Frame::List { list: list.clone(), at: 0 }, cx),
            (Kind::Subshell(list), _) => {
                let child = self.fork(Frame::List { list: list.clone(), at: 0 });
                if !cx.can_fork() {
                    self.finish(254, cx);
                    return Next::On;
                }
                let pid = self.spawn(cx.job, cx.streams.clone(), Work::Shell(Box::new(child)), cx);
                self.push(Frame::Children { pids: vec![pid], until: None }, cx);
            }
            (Kind::If { branches, .. }, _) => {
                let Some((condition, _)) = branches.first() else { return Next::On };
                let list = condition.clone();
                self.push(Frame::If { command: command.clone(), at: 0 }, cx);
                self.push(Frame::List { list, at: 0 }, cx);
            }
            (Kind::Loop { condition, .. }, _) => {
                self.push(Frame::Loop { command: command.clone(), phase: LoopPhase::Condition }, cx);
                self.push(Frame::List { list: condition.clone(), at: 0 }, cx);
            }
            (Kind::For { .. }, Subject::Words(words)) => {
                self.state.status = 0;
                let bytes = bytes_of(&words);
                self.push_holding(Frame::For { command: command.clone(), values: words.into() }, bytes, cx);
            }
            (Kind::Case { .. }, Subject::Arm(arm)) => {
                self.state.status = 0;
                arm.into_iter().for_each(|list| self.push(Frame::List { list, at: 0 }, cx));
            }
            (Kind::Function { name, .. }, _) => match self.state.define(name, command) {
                Ok(()) => self.state.status = 0,
                Err(said) => {
                    cx.complain(format!("bash: {said}"));
                    self.finish(1, cx);
                }
            },
            (_, Subject::Status(status)) => self.finish(status, cx),
            _ => {}
        }
        Next::On
    }

    /// A tool that could not start because of its redirections is reported too.
    fn refused(&self, subject: &Subject, command: &Command, cx: &mut Cx) {
        if let (Kind::Simple { .. }, Subject::Words(words)) = (&command.kind, subject)
            && let Some((name, args)) = words.split_first()
        {
            report(name, args, 1, String::new(), cx);
        }
    }

    /// A simple command.
    #[allow(clippy::too_many_arguments)] // All that a simple command is made of.
    fn simple(
        &mut self,
        words: &[String],
        assigns: Vec<(String, String)>,
        streams: Streams,
        files: Files,
        redirects: &[(u8, Opened)],
        had_output: bool,
        cx: &mut Cx,
    ) -> Next {
        if self.state.options.xtrace && !(words.is_empty() && assigns.is_empty()) {
            let assigned = assigns.iter().map(|(name, value)| format!("{name}={value}"));
            let line: Vec<String> = assigned.chain(words.iter().cloned()).collect();
            cx.complain(format!("+ {}", line.join(" ")));
        }
        let words = builtin::without_prefixes(words);
        let Some((name, args)) = words.split_first() else {
            // `$(<file)` is the file's text.
            if let (Out::Capture(_), Some((0, Opened::Read(path)))) = (&streams.out, redirects.first()) {
                cx.print(files.get(path).unwrap_or_default(), false);
            }
            let status = if had_output { self.state.status } else { 0 };
            self.finish(status, cx);
            return Next::On;
        };
        if name == "exec" && args.is_empty() {
            // Without a command, the redirections are for ever.
            *cx.streams = streams;
            self.finish(0, cx);
            return Next::On;
        }
        let function = self.state.function(name).cloned();
        if function.is_some() || builtin::is_builtin(name, args) {
            if !redirects.is_empty() {
                let before = std::mem::replace(cx.streams, streams);
                self.push(Frame::Streams(before), cx);
            }
            if !assigns.is_empty() {
                let saved = assigns.iter().map(|(name, _)| (name.clone(), self.state.variable(name).cloned())).collect();
                self.push_saved(saved, cx);
                for (name, value) in &assigns {
                    // What has no room is as it was.
                    let _ = self.state.set(name, value);
                }
            }
            if let Some(body) = function {
                let before = std::mem::replace(&mut self.state.args, Arc::new(args.to_vec()));
                self.push_holding(Frame::Call { args: before, hidden: Vec::new() }, bytes_of(args), cx);
                self.push(start(body), cx);
                return Next::On;
            }
            builtin::run(self, name, args, files, cx);
            return Next::On;
        }
        if cx.env.work < TOOL_WORK {
            cx.env.work = 1;
        } else {
            cx.env.work -= TOOL_WORK - 1;
        }
        self.tool(name, args, streams, &files, cx)
    }

    /// A tool as a process of its own, or in the place of the shell.
    fn tool(&mut self, name: &str, args: &[String], streams: Streams, files: &Files, cx: &mut Cx) -> Next {
        // What bash does itself is given no arguments by the system.
        if !builtin::IN_BASH.contains(&name) && args.iter().any(|arg| arg.len() >= ARG_BYTES) {
            let path = builtin::path_of(name).unwrap_or_else(|| name.to_owned());
            let printed = Printed { error: true, text: format!("bash: {path}: Argument list too long"), newline: true };
            cx.table.deliver(&streams, cx.job, vec![printed], cx.env);
            report(name, args, 126, String::new(), cx);
            self.finish(126, cx);
            return Next::On;
        }
        report_start(name, args, cx.job, cx.env);
        let interactive = streams.input == In::Terminal && streams.out == Out::Screen { error: false };
        let remote = self.state.remote.as_ref().map(|remote| remote.host.clone());
        let host = remote.as_deref().unwrap_or(&cx.env.spec.host).to_owned();
        let Env { now, spec, .. } = &*cx.env;
        let start =
            Start { now: *now, name: tool_name(name), args, files, interactive, hosts: &spec.hosts, host: &host, client: &spec.host };
        let on_servers = matches!(tool_name(name), "kafka-server-start" | "kafka-server-stop");
        let tool = match remote.is_some() && !on_servers && tool_name(name).starts_with("kafka-") {
            true => Some(Tool::Said(Done::failed(format!("{name}: run Kafka's tools in the terminal itself, not through ssh"), 1))),
            false => Tool::start(start, cx.env.out.rng()),
        };
        let Some(tool) = tool else {
            let said = if name.contains('/') {
                format!("bash: {name}: No such file or directory")
            } else {
                format!("bash: {name}: command not found")
            };
            let printed = Printed { error: true, text: said, newline: true };
            cx.table.deliver(&streams, cx.job, vec![printed], cx.env);
            report_end(&Running::new(name, args, Tool::Wait), cx.job, 127, cx.env);
            self.finish(127, cx);
            return Next::On;
        };
        let running = Box::new(Running::new(name, args, tool));
        if self.replaced && self.frames.is_empty() {
            *cx.streams = streams;
            cx.table.is_dirty = true;
            return Next::Become(running);
        }
        if !cx.can_fork() {
            self.finish(254, cx);
            return Next::On;
        }
        let pid = self.spawn(cx.job, streams, Work::Tool(running), cx);
        self.push(Frame::Children { pids: vec![pid], until: None }, cx);
        Next::On
    }

    /// Runs words as a command in a process of its own; the frame that waits for it comes from the caller.
    pub(super) fn spawn_words(&mut self, words: &[String], input: In, cx: &mut Cx) -> Option<u32> {
        if !cx.can_fork() {
            return None;
        }
        let words = words.iter().map(|word| Word::text(word.as_str())).collect();
        let command = Command { kind: Kind::Simple { assigns: Vec::new(), words }, redirects: Vec::new() };
        let mut child = self.fork(start(Arc::new(command)));
        child.replaced = true;
        let streams = Streams { input, ..cx.streams.clone() };
        Some(self.spawn(cx.job, streams, Work::Shell(Box::new(child)), cx))
    }

    /// The streams of a command with these redirections, from left to right as bash does it.
    ///
    /// # Errors
    /// What bash says, and the streams so far, on which it says so.
    fn open(&mut self, redirects: &[(u8, Opened)], files: &Files, cx: &mut Cx) -> Result<Streams, (Streams, String)> {
        let mut streams = cx.streams.clone();
        for (stream, opened) in redirects {
            let out = match opened {
                Opened::Read(path) => {
                    streams.input = match path.as_str() {
                        "/dev/null" => In::Null,
                        "/dev/stdin" | "/dev/tty" => streams.input,
                        path => match (files.get(path), Device::of(path, files.seed)) {
                            (Some(text), _) => cx.table.text_pipe(Pipe::of(text)),
                            (None, Some(device)) => cx.table.text_pipe(Pipe::of_device(device)),
                            (None, None) => return Err((streams, format!("{path}: No such file or directory"))),
                        },
                    };
                    continue;
                }
                Opened::Text(text) => {
                    streams.input = cx.table.text_pipe(Pipe::of(text));
                    continue;
                }
                Opened::Process(list) => {
                    // It runs beside the command, which does not wait for it.
                    let pipe = cx.table.new_pipe();
                    let child = self.fork(Frame::List { list: list.clone(), at: 0 });
                    if let Some(why) = cx.table.no_room() {
                        return Err((streams, why.into()));
                    }
                    let writes = Streams { input: In::Null, out: Out::Pipe(pipe), err: streams.err.clone() };
                    self.spawn(cx.job, writes, Work::Shell(Box::new(child)), cx);
                    streams.input = In::Pipe(pipe);
                    continue;
                }
                Opened::Same(0) => continue,
                Opened::Same(1) => streams.out.clone(),
                Opened::Same(_) => streams.err.clone(),
                Opened::Nowhere => Out::Null,
                Opened::Write { path, append } | Opened::WriteBoth { path, append } => match self.open_file(path, *append, &streams, cx) {
                    Ok(out) => out,
                    Err(said) => return Err((streams, said)),
                },
            };
            match (stream, opened) {
                (0, Opened::Nowhere) => streams.input = In::Null,
                (0, _) => {}
                (_, Opened::WriteBoth { .. }) => {
                    streams.out = out.clone();
                    streams.err = out;
                }
                (1, _) => streams.out = out,
                _ => streams.err = out,
            }
        }
        cx.table.is_dirty = true;
        Ok(streams)
    }

    fn open_file(&self, path: &str, append: bool, streams: &Streams, cx: &mut Cx) -> Result<Out, String> {
        match path {
            "/dev/null" => return Ok(Out::Null),
            "/dev/stdout" => return Ok(streams.out.clone()),
            "/dev/stderr" => return Ok(streams.err.clone()),
            "/dev/tty" => return Ok(Out::Screen { error: false }),
            "" => return Err(": No such file or directory".into()),
            _ => {}
        }
        if self.state.remote.is_some() {
            return Err(format!("{path}: Read-only file system"));
        }
        let on_disk = self.state.path(path);
        let below = format!("{on_disk}/");
        if on_disk.is_empty() || path.ends_with('/') || cx.env.out.disk().list(&below).next().is_some() {
            return Err(format!("{path}: Is a directory"));
        }
        if on_disk.len() > PATH_BYTES {
            return Err(format!("{path}: File name too long"));
        }
        let is_there = cx.env.out.disk().exists(&on_disk);
        if !(append && is_there) {
            write(cx.env, &on_disk, bytes::Bytes::new()).map_err(|said| format!("{path}: {said}"))?;
        }
        Ok(Out::File(on_disk.into()))
    }
}

/// A path may be so long.
const PATH_BYTES: usize = 1_024;

/// Says that a tool began and ended at once.
fn report(name: &str, args: &[String], status: i32, said: String, cx: &mut Cx) {
    report_start(name, args, cx.job, cx.env);
    report_end(&Running { said, ..Running::new(name, args, Tool::Wait) }, cx.job, status, cx.env);
}
