//! What a shell waits for: its children, the output of commands, a line to read, another machine.

use std::sync::Arc;

use super::frame::{Awaited, Frame, ReadLine};
use super::shell::{Cx, Next, Shell};
use crate::shell::expand::state::Remote;
use crate::shell::files::{Entry, HOSTS_FOLDER};
use crate::shell::syntax::parse;
use crate::sim::time::Time;

impl Shell {
    /// Looks whether what the last frame waits for has come.
    pub(super) fn look(&mut self, cx: &mut Cx) -> Next {
        match self.frames.last() {
            Some(Frame::Children { pids, until }) => {
                let (pids, until) = (pids.clone(), *until);
                if until.is_some_and(|until| until <= cx.env.now) && pids.iter().any(|pid| self.runs(*pid)) {
                    pids.iter().for_each(|pid| cx.table.terminate(*pid, cx.env));
                    self.frames.pop();
                    self.finish(TIMED_OUT, cx);
                    return Next::On;
                }
                if pids.iter().any(|pid| self.runs(*pid)) {
                    return Next::Blocked;
                }
                self.frames.pop();
                let statuses: Vec<i32> = pids.iter().filter_map(|pid| self.take_status(*pid)).collect();
                let failed = statuses.iter().rev().find(|status| **status != 0).filter(|_| self.state.options.pipefail);
                let status = failed.or(statuses.last()).copied().unwrap_or(self.state.status);
                self.finish(status, cx);
                if statuses.len() > 1 {
                    self.state.pipe_statuses = statuses;
                }
                Next::On
            }
            Some(Frame::Output { pid, capture }) => {
                let (pid, capture) = (*pid, *capture);
                if self.runs(pid) {
                    return Next::Blocked;
                }
                self.state.status = self.take_status(pid).unwrap_or(0);
                let captured = cx.table.captures.remove(&capture).unwrap_or_default();
                if captured.is_cut {
                    cx.complain("bash: command substitution: the output is longer than what is kept here; the rest is dropped");
                }
                self.frames.pop();
                if let Some(Frame::Start { outputs, .. }) = self.frames.last_mut() {
                    outputs.push(captured.text);
                }
                Next::On
            }
            Some(Frame::Wait { pids, which }) => {
                let (pids, which) = (pids.clone(), *which);
                let any = which == Awaited::Any;
                let running = pids.iter().filter(|pid| self.runs(**pid)).count();
                if running > 0 && !(any && running < pids.len()) {
                    return Next::Blocked;
                }
                self.frames.pop();
                let ended: Vec<u32> = pids.iter().copied().filter(|pid| !self.runs(*pid)).take(if any { 1 } else { usize::MAX }).collect();
                // What is not a child (any more) has bash's status for that.
                let statuses: Vec<i32> = ended.iter().map(|pid| self.take_status(*pid).unwrap_or(127)).collect();
                let status = statuses.last().copied().filter(|_| which != Awaited::All);
                self.finish(status.unwrap_or(0), cx);
                Next::On
            }
            Some(Frame::Read(_)) => self.read_line(cx),
            Some(Frame::Connect { until, host, .. }) if *until <= cx.env.now => {
                cx.complain(format!("ssh: connect to host {host} port 22: Connection timed out"));
                self.frames.pop();
                self.finish(255, cx);
                Next::On
            }
            _ => Next::Blocked,
        }
    }

    fn read_line(&mut self, cx: &mut Cx) -> Next {
        let Some(Frame::Read(read)) = self.frames.last_mut() else { return Next::Blocked };
        if read.lines.is_some() {
            return self.map_lines(cx);
        }
        let raw = read.raw;
        let now = cx.env.now;
        let (line, ended) = match cx.input() {
            None => (None, true),
            Some(pipe) => match pipe.take_piece() {
                Some((line, newline)) => (Some(line), !newline),
                None => (None, pipe.at_end()),
            },
        };
        match line {
            // A backslash joins the next line, unless `-r`.
            Some(line) if !raw && !ended && line.ends_with('\\') && !line.ends_with("\\\\") => {
                read.begun += &line[..line.len() - 1];
                Next::On
            }
            Some(line) => {
                let text = std::mem::take(&mut read.begun) + &line;
                self.take_line(text, i32::from(ended), cx)
            }
            None if ended => {
                let text = std::mem::take(&mut read.begun);
                self.take_line(text, 1, cx)
            }
            None if read.until.is_some_and(|until| until <= now) => self.take_line(String::new(), 142, cx),
            None => Next::Blocked,
        }
    }

    /// `mapfile`: all lines up to the end.
    fn map_lines(&mut self, cx: &mut Cx) -> Next {
        /// An array of more lines is not made.
        const MOST_LINES: usize = 100_000;
        let Some(Frame::Read(read)) = self.frames.last_mut() else { return Next::Blocked };
        let ReadLine { lines: Some(lines), names, .. } = &mut **read else { return Next::Blocked };
        let mut ended = true;
        if let Some(pipe) = cx.input() {
            while let Some((line, newline)) = pipe.take_piece() {
                let with_break = newline && !lines.without_breaks;
                if lines.read.len() < MOST_LINES {
                    lines.read.push(if with_break { line + "\n" } else { line });
                }
            }
            ended = pipe.at_end();
        }
        if !ended {
            return Next::Blocked;
        }
        let (name, read) = (names.pop().unwrap_or_else(|| "MAPFILE".into()), std::mem::take(&mut lines.read));
        self.frames.pop();
        if read.len() == MOST_LINES {
            cx.complain(format!("bash: mapfile: only {MOST_LINES} lines are kept"));
        }
        let status = match self.state.set_list(&name, read.iter().map(String::as_str)) {
            Ok(()) => 0,
            Err(said) => {
                cx.complain(format!("bash: {said}"));
                1
            }
        };
        self.finish(status, cx);
        Next::On
    }

    /// Gives a line's fields to the variables.
    fn take_line(&mut self, line: String, status: i32, cx: &mut Cx) -> Next {
        let Some(Frame::Read(read)) = self.frames.pop() else { return Next::Blocked };
        let ReadLine { names, raw, array, .. } = *read;
        let line = if raw { line } else { unescape(&line) };
        let separators = self.state.field_separators().to_owned();
        let is_blank = |c: char| c.is_whitespace() && separators.contains(c);
        let mut status = status;
        if names.is_empty() {
            status = self.assign("REPLY", &line, status, cx);
        }
        let mut rest = line.trim_start_matches(is_blank);
        if array {
            let mut fields: Vec<&str> = Vec::new();
            while !rest.is_empty() {
                let end = rest.find(|c| separators.contains(c)).unwrap_or(rest.len());
                fields.push(&rest[..end]);
                let after = rest[end..].trim_start_matches(is_blank);
                let after = after.strip_prefix(|c: char| separators.contains(c) && !is_blank(c)).unwrap_or(after);
                rest = after.trim_start_matches(is_blank);
            }
            if let Err(said) = self.state.set_list(names.first().map_or("REPLY", String::as_str), fields.into_iter()) {
                cx.complain(format!("bash: {said}"));
                status = 1;
            }
            self.finish(status, cx);
            return Next::On;
        }
        for (n, name) in names.iter().enumerate() {
            let value = if n + 1 == names.len() {
                let value = rest.trim_end_matches(is_blank);
                let one = value.strip_suffix(|c: char| separators.contains(c) && !is_blank(c));
                // One separator at the end belongs to the last field only if there are more of them.
                one.filter(|one| !one.contains(|c: char| separators.contains(c))).unwrap_or(value)
            } else {
                let end = rest.find(|c| separators.contains(c)).unwrap_or(rest.len());
                let value = &rest[..end];
                let after = rest[end..].trim_start_matches(is_blank);
                let after = after.strip_prefix(|c: char| separators.contains(c) && !is_blank(c)).unwrap_or(after);
                rest = after.trim_start_matches(is_blank);
                value
            };
            status = self.assign(name, value, status, cx);
        }
        self.finish(status, cx);
        Next::On
    }

    fn assign(&mut self, name: &str, value: &str, status: i32, cx: &mut Cx) -> i32 {
        match self.state.set(name, value) {
            Ok(()) => status,
            Err(said) => {
                cx.complain(format!("bash: {said}"));
                1
            }
        }
    }

    /// `ssh` reached the other machine: a listing of its disk came back, or nothing.
    pub(super) fn connected(&mut self, listing: Option<bytes::Bytes>) {
        let Some(Frame::Connect { read, host, command, .. }) = self.frames.last_mut() else { return };
        *read = None;
        // Without an answer, the attempt times out.
        let Some(listing) = listing else { return };
        let folder = format!("{HOSTS_FOLDER}{host}");
        let remote = Remote { host: host.clone(), files: Arc::new(entries(&String::from_utf8_lossy(&listing), &folder)) };
        let script = match command.take() {
            None => Some(Frame::Script { pending: String::new() }),
            Some(command) => parse(&command).ok().map(|list| Frame::List { list: Arc::new(list), at: 0 }),
        };
        self.frames.pop();
        self.state.remote = Some(remote);
        self.state.folder = folder.into();
        self.frames.extend(script);
    }

    /// The next line of a script that comes on standard input.
    pub(super) fn script_line(&mut self, cx: &mut Cx) -> Next {
        let (line, ended) = match cx.input() {
            None => (None, true),
            Some(pipe) => (pipe.take(), pipe.at_end()),
        };
        let Some(Frame::Script { pending }) = self.frames.last_mut() else { return Next::Blocked };
        if line.is_none() && !ended {
            return Next::Blocked;
        }
        let mut text = std::mem::take(pending);
        text += line.as_deref().unwrap_or_default();
        let is_last = line.is_none();
        if is_last {
            self.frames.pop();
            if text.is_empty() {
                return Next::On;
            }
        }
        match parse(&text) {
            Ok(list) => self.push(Frame::List { list: Arc::new(list), at: 0 }, cx),
            Err(error) if error.is_incomplete() && !is_last && text.len() < crate::shell::session::LINE_BYTES => {
                text.push('\n');
                if let Some(Frame::Script { pending }) = self.frames.last_mut() {
                    *pending = text;
                }
            }
            Err(error) => {
                cx.complain(format!("bash: {error}"));
                self.state.status = 2;
            }
        }
        Next::On
    }
}

/// The status of what `timeout` ended.
const TIMED_OUT: i32 = 124;

fn unescape(line: &str) -> String {
    let mut chars = line.chars();
    let mut text = String::new();
    while let Some(c) = chars.next() {
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    text
}

/// What the simulation says of a disk: a line for each file.
fn entries(listing: &str, folder: &str) -> Vec<Entry> {
    let entry = |line: &str| {
        let mut parts = line.splitn(3, '\t');
        let (bytes, written, path) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
        let path = if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
        Some(Entry { path, bytes, written: Time(written) })
    };
    listing.lines().filter_map(entry).collect()
}
