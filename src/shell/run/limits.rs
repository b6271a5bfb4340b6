//! What the processes of a terminal may hold. Past it they are told so in the words of bash and of Linux, and the terminal stays as it is.

use super::frame::Frame;
use super::shell::{Cx, Shell};
use super::table::{Process, Running, Table, Work};
use crate::shell::expand::state::Variable;

/// At most this many processes (`ulimit -u`).
pub const MOST_PROCESSES: usize = 128;
/// All processes together hold about this many bytes; then no other one begins. What they share is counted for each.
pub const MEMORY_BYTES: usize = 64 << 20;
/// Functions, `source` and loops may be nested so deeply.
const MOST_FRAMES: usize = 400;
/// What the functions, scripts and loops of a shell hold while they are at work (`ulimit -s`): arguments, values, what was parsed.
pub const STACK_BYTES: usize = 8 << 20;
/// A script takes this many times the room of its text once it is parsed.
pub const PARSED: usize = 64;
/// One argument of a program is shorter than this (`MAX_ARG_STRLEN`).
pub const ARG_BYTES: usize = 128 << 10;
/// `xargs` gives a command at most this many bytes of arguments, as GNU's does.
pub const ARGS_BYTES: usize = 128 << 10;

/// About how many bytes words hold.
pub fn bytes_of<'a>(words: impl IntoIterator<Item = &'a String>) -> usize {
    words.into_iter().map(|word| word.len() + size_of::<String>() + 16).sum()
}

impl Table {
    /// Why no other process can begin, if none can.
    pub(super) fn no_room(&self) -> Option<&'static str> {
        if self.processes().count() >= MOST_PROCESSES {
            return Some("fork: retry: Resource temporarily unavailable");
        }
        (self.bytes() > MEMORY_BYTES).then_some("fork: Cannot allocate memory")
    }

    /// About how many bytes all processes hold, with what flows between them.
    pub fn bytes(&self) -> usize {
        let pipes: usize = self.pipes.values().map(|shared| shared.pipe.bytes()).sum();
        let captures: usize = self.captures.values().map(|capture| capture.text.len()).sum();
        pipes + captures + self.processes().map(Process::bytes).sum::<usize>()
    }
}

impl Process {
    fn bytes(&self) -> usize {
        let work = match &self.work {
            Work::Shell(shell) => shell.state.bytes() + shell.held_bytes(),
            Work::Tool(running) => running.bytes(),
        };
        work + self.typed.bytes()
    }
}

impl Running {
    fn bytes(&self) -> usize {
        self.args_bytes + self.tool.kept_bytes()
    }
}

impl Cx<'_, '_, '_> {
    /// Whether another process can begin; says why not.
    pub(super) fn can_fork(&mut self) -> bool {
        let why = self.table.no_room();
        if let Some(why) = why {
            self.complain(format!("bash: {why}"));
        }
        why.is_none()
    }
}

impl Shell {
    fn held_bytes(&self) -> usize {
        self.held.iter().map(|(_, bytes)| bytes).sum()
    }

    pub(super) fn push(&mut self, frame: Frame, cx: &mut Cx) {
        // What stood here before and held something is gone.
        while self.held.last().is_some_and(|(at, _)| *at >= self.frames.len()) {
            self.held.pop();
        }
        // It is pushed all the same: what it knows is needed to undo it.
        self.frames.push(frame);
        if self.frames.len() > MOST_FRAMES {
            self.overflow(format!("more than {MOST_FRAMES} constructs and functions within each other"), cx);
        }
    }

    /// Pushes a frame that holds about so many bytes until it is popped.
    pub(super) fn push_holding(&mut self, frame: Frame, bytes: usize, cx: &mut Cx) {
        self.push(frame, cx);
        self.held.push((self.frames.len() - 1, 0));
        self.hold(self.frames.len() - 1, bytes, cx);
    }

    /// Variables that a command changes for itself are put back behind it.
    pub(super) fn push_saved(&mut self, saved: Vec<(String, Option<Variable>)>, cx: &mut Cx) {
        let bytes = saved.iter().map(|(name, old)| name.len() + old.as_ref().map_or(0, Variable::bytes)).sum();
        self.push_holding(Frame::Variables(saved), bytes, cx);
    }

    /// The frame of this number, which was pushed as one that holds something, holds more.
    pub(super) fn hold(&mut self, frame: usize, bytes: usize, cx: &mut Cx) {
        let held = self.held_bytes();
        if let Some((_, own)) = self.held.iter_mut().rfind(|(at, _)| *at == frame) {
            *own += bytes;
        }
        if held + bytes > STACK_BYTES {
            self.overflow(format!("xmalloc: cannot allocate {bytes} bytes ({held} bytes allocated)"), cx);
        }
    }

    fn overflow(&mut self, said: String, cx: &mut Cx) {
        if !self.is_interrupted() {
            cx.complain(format!("bash: {said}"));
            self.interrupt(1);
        }
    }
}

#[cfg(test)]
mod tests;
