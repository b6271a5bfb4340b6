//! A terminal session: a process of the world that reads command lines and runs them.
//!
//! Lines come from outside; those for which there is no prompt yet wait, as in a terminal's line buffer. All that is shown is kept in the
//! [`Screen`]; whoever draws asks for what came since.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use imbl::Vector;

use super::bang;
use super::expand::state::State;
use super::run::shell::Shell;
use super::run::table::{MAIN, Table};
use super::run::{Env, Shown, WORK_PER_INSTANT, builtin};
use super::screen::{Piece, Prompt, Screen, Stream};
use super::syntax::{self, SyntaxError};
use super::tools::Tool;
use crate::kafka::actor::{Input, Outbox, Tell};
use crate::kafka::event::Event;
use crate::sim::process::Boot;
use crate::sim::time::{Duration, Time};

/// What a session is made from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionSpec {
    /// Its number.
    pub session: u32,
    /// The host that it runs on.
    pub host: String,
    /// The hosts of the cluster: what `kill`, `start` and their like take.
    pub hosts: Vec<String>,
}

/// At most this many jobs run in the background.
pub const BACKGROUND_JOBS: usize = 32;
/// At most this many lines wait for a prompt; more are lost, and the screen says so.
pub const LINES_AHEAD: usize = 256;
/// So many lines are remembered for `history`.
pub const HISTORY: usize = 500;
/// They hold at most this many bytes together.
pub const HISTORY_BYTES: usize = 1 << 20;
/// A session prints at most this many pieces at one instant of virtual time; what is more comes a millisecond later.
pub const PIECES_PER_STEP: usize = 50_000;
/// A longer line, or construct of several lines, is not taken.
pub const LINE_BYTES: usize = 64 << 10;

/// A terminal session.
#[derive(Clone, Debug)]
pub struct Session {
    spec: Arc<SessionSpec>,
    screen: Screen,
    history: Vector<Arc<str>>,
    table: Table,
    /// Lines of a construct that is not closed yet.
    pending: String,
    /// Typed while nobody reads.
    ahead: VecDeque<Tell>,
    /// How much was done at which instant.
    worked: (Time, usize),
    /// More could be done at once than may be.
    wake: Option<Time>,
}

impl Session {
    pub fn new(spec: &SessionSpec, _boot: &Boot) -> Session {
        let main = Shell::new(State::new(MAIN, &spec.host), Time::ZERO);
        Session {
            spec: Arc::new(spec.clone()),
            screen: Screen::default(),
            history: Vector::new(),
            table: Table::new(main),
            pending: String::new(),
            ahead: VecDeque::new(),
            worked: (Time::ZERO, 0),
            wake: None,
        }
    }

    pub fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        self.wake = None;
        match input {
            Input::Told(tell) => self.told(now, tell, out),
            Input::Read(id, ref file) if self.table.read(id, file.as_deref()) => {}
            Input::Connected(_) | Input::Frame(..) | Input::Closed(..) | Input::Read(..) => {
                self.with_table(now, out, |table, env| table.input(&input, env));
            }
            Input::Terminate => return out.exit(0),
            Input::Start | Input::Wake | Input::Accepted { .. } => {}
        }
        self.run(now, out);
    }

    /// When it wants to be stepped at the latest.
    pub fn next_wake(&self) -> Option<Time> {
        self.table.next_wake().into_iter().chain(self.wake).min()
    }

    /// Whether it has nothing to do: the prompt is there, and nothing that was typed waits for it.
    pub fn is_idle(&self) -> bool {
        self.is_at_prompt() && self.ahead.is_empty()
    }

    fn is_at_prompt(&self) -> bool {
        self.table.main().is_none_or(Shell::is_idle)
    }

    /// What was shown from piece number `seq` on, as far as it is kept.
    pub fn output_since(&self, seq: u64) -> impl Iterator<Item = &Piece> {
        self.screen.since(seq)
    }

    /// The scroll-back.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// What the terminal waits for.
    pub fn prompt(&self) -> Prompt {
        if self.is_at_prompt() {
            return if self.pending.is_empty() { Prompt::Command } else { Prompt::Continuation };
        }
        if self.table.reads_terminal() { Prompt::Input } else { Prompt::Busy }
    }

    /// Lines entered so far, oldest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &Arc<str>> {
        self.history.iter()
    }

    /// Whether a job of it is this member of a group.
    pub fn has_member(&self, id: &str) -> bool {
        self.table.tools().any(|tool| matches!(tool, Tool::Consumer(consumer) if consumer.member_id().is_some_and(|known| **known == *id)))
    }

    /// The status of the last command (`$?`).
    pub fn status(&self) -> i32 {
        self.table.main().map_or(0, |main| main.state.status)
    }

    /// The shell that reads the lines: its variables, its folder.
    pub fn shell(&self) -> Option<&Shell> {
        self.table.main()
    }

    /// The jobs in the background: number in brackets, id, text.
    pub fn background(&self) -> impl Iterator<Item = (u32, u32, &str)> {
        self.table.main().into_iter().flat_map(|main| &main.jobs).map(|job| (job.number, job.id, job.text.as_str()))
    }

    pub fn spec(&self) -> &SessionSpec {
        &self.spec
    }

    fn told(&mut self, now: Time, tell: Tell, out: &mut Outbox) {
        match tell {
            Tell::Interrupt => return self.interrupt(now, out),
            Tell::File(name, bytes) => return self.put(now, &name, bytes, out),
            Tell::Line(line) if line.len() > LINE_BYTES => {
                let said = format!("a line of more than {LINE_BYTES} bytes; it is not taken");
                return self.screen.push(None, Stream::Note, &said, true);
            }
            Tell::Line(_) | Tell::EndOfInput => {}
        }
        if self.ahead.len() == LINES_AHEAD {
            let said = format!("more than {LINES_AHEAD} lines wait for the prompt; this one is lost");
            return self.screen.push(None, Stream::Note, &said, true);
        }
        self.ahead.push_back(tell);
    }

    /// A file comes from outside.
    fn put(&mut self, now: Time, name: &str, bytes: Bytes, out: &mut Outbox) {
        let chunk = out.chunk(bytes);
        if out.disk().replace(now, name, chunk).is_err() {
            self.screen.push(None, Stream::Err, &format!("{name}: No space left on device"), true);
        }
    }

    fn interrupt(&mut self, now: Time, out: &mut Outbox) {
        self.ahead.clear();
        self.pending.clear();
        self.screen.push(None, Stream::Input, "^C", true);
        if self.is_at_prompt() {
            return;
        }
        self.with_table(now, out, |table, env| {
            let foreground = table.foreground();
            table.interrupt(foreground, env);
        });
    }

    /// Everything that can be done at this instant.
    fn run(&mut self, now: Time, out: &mut Outbox) {
        loop {
            let moved = self.with_table(now, out, Table::step);
            self.report_jobs();
            if self.wake.is_some() || !moved && !self.read_line(out) {
                return;
            }
        }
    }

    /// Does something with the processes, shows what they printed, and counts what they did.
    fn with_table<T>(&mut self, now: Time, out: &mut Outbox, act: impl FnOnce(&mut Table, &mut Env) -> T) -> T {
        if self.worked.0 != now {
            self.worked = (now, 0);
        }
        let mut shown = Vec::new();
        let spec = self.spec.clone();
        let work = WORK_PER_INSTANT.saturating_sub(self.worked.1);
        let mut env = Env { now, spec: &spec, out, screen: &mut shown, pieces: PIECES_PER_STEP, work, history: &self.history };
        let result = act(&mut self.table, &mut env);
        if env.pieces == 0 || env.work == 0 {
            self.wake = Some(now + Duration::ms(1));
        }
        self.worked.1 += work - env.work;
        show(&mut self.screen, shown);
        result
    }

    /// Says which jobs have ended.
    fn report_jobs(&mut self) {
        let Some(main) = self.table.main_mut() else { return };
        for (job, status) in main.ended_jobs() {
            let said = builtin::jobs::epitaph(job.number, status, &job.text);
            self.screen.push(Some(job.id), Stream::Note, &said, true);
        }
    }

    /// Takes what was typed, if somebody reads it; whether anything was taken.
    fn read_line(&mut self, out: &mut Outbox) -> bool {
        let reads = self.prompt();
        if reads == Prompt::Busy {
            return false;
        }
        let Some(tell) = self.ahead.pop_front() else { return false };
        match (tell, reads) {
            (Tell::Line(line), Prompt::Input) => {
                self.screen.push(Some(self.table.foreground()), Stream::Input, &line, true);
                self.table.typed(Some(&line));
            }
            (Tell::Line(line), _) => self.command(&line, out),
            (Tell::EndOfInput, Prompt::Input) => self.table.typed(None),
            (Tell::EndOfInput, Prompt::Continuation) => self.give_up(),
            // At the prompt a shell would end; this one stays.
            // Files come at once.
            (Tell::EndOfInput | Tell::Interrupt | Tell::File(..), _) => {}
        }
        true
    }

    /// What was begun is not finished: the shell says what is missing.
    fn give_up(&mut self) {
        let text = std::mem::take(&mut self.pending);
        if let Err(error) = syntax::parse(&text) {
            self.refuse(&error);
        }
    }

    fn refuse(&mut self, error: &SyntaxError) {
        self.screen.push(None, Stream::Err, &format!("bash: {error}"), true);
        if let Some(main) = self.table.main_mut() {
            main.state.status = 2;
        }
    }

    fn remember(&mut self, line: &str) {
        self.history.push_back(line.into());
        let mut bytes: usize = self.history.iter().map(|line| line.len()).sum();
        while self.history.len() > HISTORY || bytes > HISTORY_BYTES {
            bytes -= self.history.pop_front().map_or(bytes, |oldest| oldest.len());
        }
    }

    fn command(&mut self, line: &str, out: &mut Outbox) {
        self.screen.push(None, Stream::Input, line, true);
        let expanded = match bang::expand(line, self.history.iter().map(|line| &**line)) {
            Ok(expanded) => expanded,
            Err(said) => return self.screen.push(None, Stream::Err, &format!("bash: {said}"), true),
        };
        // As bash does, the line is shown as it is run.
        expanded.iter().for_each(|line| self.screen.push(None, Stream::Out, line, true));
        let line = expanded.as_deref().unwrap_or(line);
        // What the line sets off in this step, a broker's end for one, was set off by the line.
        let entered = out.emit(Event::LineEntered { session: self.spec.session, line: line.into() });
        out.because(Some(entered));
        if !line.trim().is_empty() && self.history.last().is_none_or(|last| **last != *line) {
            self.remember(line);
        }
        if self.pending.len() + line.len() > LINE_BYTES {
            self.pending.clear();
            return self.refuse(&SyntaxError::Unsupported("room for so long a line"));
        }
        let text = std::mem::take(&mut self.pending) + line;
        let aliased = self.table.main().map_or_else(|| text.clone(), |main| main.with_aliases(&text));
        match syntax::parse(&aliased) {
            Ok(list) => self.table.main_mut().into_iter().for_each(|main| main.run(list.clone())),
            Err(error) if error.is_incomplete() => self.pending = text + "\n",
            Err(error) => self.refuse(&error),
        }
    }
}

/// Puts what was printed on the screen.
fn show(screen: &mut Screen, shown: Vec<Shown>) {
    for shown in shown {
        match shown {
            Shown::Clear => screen.clear(),
            Shown::Note { job, text } => screen.push(Some(job), Stream::Note, &text, true),
            Shown::Text { job, printed } => {
                let stream = if printed.error { Stream::Err } else { Stream::Out };
                // Text of several lines is shown line by line.
                let mut lines = printed.text.split('\n').peekable();
                while let Some(line) = lines.next() {
                    let last = lines.peek().is_none();
                    if !(last && !printed.newline && line.is_empty()) {
                        screen.push(Some(job), stream, line, !last || printed.newline);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
