//! A terminal session: a process of the world that reads command lines and runs them.
//!
//! Lines come from outside; those for which there is no prompt yet wait, as in a terminal's line buffer. All that is shown is kept in the
//! [`Screen`]; whoever draws asks for what came since.

use std::collections::VecDeque;
use std::sync::Arc;

use imbl::Vector;

use super::job::{Env, Job, Progress, outcome};
use super::line::{self, List};
use super::pipe::Printed;
use super::screen::{Piece, Prompt, Screen, Stream};
use super::tools::hosts::{Done, Signal};
use super::tools::{INTERRUPTED, Tool, help, hosts};
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
/// A session prints at most this many pieces at one instant of virtual time; what is more comes a millisecond later.
pub const PIECES_PER_STEP: usize = 50_000;
/// A longer line is not taken.
pub const LINE_BYTES: usize = 64 << 10;

/// A terminal session.
#[derive(Clone, Debug)]
pub struct Session {
    spec: Arc<SessionSpec>,
    screen: Screen,
    history: Vector<Arc<str>>,
    foreground: Option<Job>,
    /// What is still to run of the line that runs.
    lists: VecDeque<List>,
    background: Vec<Background>,
    /// Typed while nobody reads.
    ahead: VecDeque<Tell>,
    next_job: u32,
    /// `$?`
    status: i32,
    /// More could be printed at once than a step may.
    wake: Option<Time>,
}

#[derive(Clone, Debug)]
struct Background {
    /// Its number in brackets.
    number: u32,
    job: Job,
}

impl Session {
    pub fn new(spec: &SessionSpec, _boot: &Boot) -> Session {
        Session {
            spec: Arc::new(spec.clone()),
            screen: Screen::default(),
            history: Vector::new(),
            foreground: None,
            lists: VecDeque::new(),
            background: Vec::new(),
            ahead: VecDeque::new(),
            next_job: 1,
            status: 0,
            wake: None,
        }
    }

    pub fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        self.wake = None;
        let mut shown = Vec::new();
        match input {
            Input::Told(tell) => self.told(now, tell, out),
            Input::Read(id, ref file) if self.jobs().any(|job| job.read(id, file.as_deref())) => {}
            Input::Connected(_) | Input::Frame(..) | Input::Closed(..) | Input::Read(..) => {
                let mut budget = PIECES_PER_STEP;
                let Session { spec, foreground, background, screen, .. } = self;
                for job in foreground.iter_mut().chain(background.iter_mut().map(|background| &mut background.job)) {
                    let mut env = env(now, spec, out, &mut shown, &mut budget);
                    if job.input(&input, &mut env) {
                        show(screen, job.id, &mut shown);
                        break;
                    }
                }
            }
            Input::Terminate => return out.exit(0),
            Input::Start | Input::Wake | Input::Accepted { .. } => {}
        }
        self.run(now, out);
    }

    /// When it wants to be stepped at the latest.
    pub fn next_wake(&self) -> Option<Time> {
        let jobs = self.foreground.iter().chain(self.background.iter().map(|background| &background.job));
        jobs.filter_map(Job::next_wake).chain(self.wake).min()
    }

    /// Whether it has nothing to do: the prompt is there, and nothing that was typed waits for it.
    pub fn is_idle(&self) -> bool {
        self.foreground.is_none() && self.lists.is_empty() && self.ahead.is_empty()
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
        match &self.foreground {
            None => Prompt::Command,
            Some(job) if job.reads_input() => Prompt::Input,
            Some(_) => Prompt::Busy,
        }
    }

    /// Lines entered so far, oldest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &Arc<str>> {
        self.history.iter()
    }

    /// The status of the last command (`$?`).
    pub fn status(&self) -> i32 {
        self.status
    }

    /// The jobs in the background: number in brackets, id, text.
    pub fn background(&self) -> impl Iterator<Item = (u32, u32, &str)> {
        self.background.iter().map(|background| (background.number, background.job.id, background.job.text.as_str()))
    }

    pub fn spec(&self) -> &SessionSpec {
        &self.spec
    }

    fn told(&mut self, now: Time, tell: Tell, out: &mut Outbox) {
        if let Tell::Interrupt = tell {
            return self.interrupt(now, out);
        }
        if self.ahead.len() == LINES_AHEAD {
            let said = format!("more than {LINES_AHEAD} lines wait for the prompt; this one is lost");
            return self.screen.push(None, Stream::Note, &said, true);
        }
        self.ahead.push_back(tell);
    }

    fn interrupt(&mut self, now: Time, out: &mut Outbox) {
        self.ahead.clear();
        self.screen.push(None, Stream::Input, "^C", true);
        self.lists.clear();
        let Some(job) = &mut self.foreground else { return };
        let (mut shown, mut budget) = (Vec::new(), PIECES_PER_STEP);
        job.interrupt(&mut env(now, &self.spec, out, &mut shown, &mut budget));
        show(&mut self.screen, job.id, &mut shown);
    }

    /// Everything that can be done at this instant.
    fn run(&mut self, now: Time, out: &mut Outbox) {
        let mut budget = PIECES_PER_STEP;
        loop {
            let moved = self.run_jobs(now, out, &mut budget);
            if budget == 0 {
                self.wake = Some(now + Duration::ms(1));
                return;
            }
            if !moved && !self.read_line(now, out) {
                return;
            }
        }
    }

    /// Takes what was typed, if somebody reads it; whether anything was taken.
    fn read_line(&mut self, now: Time, out: &mut Outbox) -> bool {
        if self.foreground.is_none() && !self.lists.is_empty() {
            self.start_list(now, out);
            return true;
        }
        let reads = self.prompt();
        if reads == Prompt::Busy {
            return false;
        }
        let Some(tell) = self.ahead.pop_front() else { return false };
        match (tell, reads) {
            (Tell::Line(line), Prompt::Command) => self.command(&line, out),
            (Tell::Line(line), _) => {
                self.screen.push(self.foreground.as_ref().map(|job| job.id), Stream::Input, &line, true);
                self.foreground.iter_mut().for_each(|job| job.typed(Some(&line)));
            }
            // At the prompt a shell would end; this one stays.
            (Tell::EndOfInput, _) => self.foreground.iter_mut().for_each(|job| job.typed(None)),
            (Tell::Interrupt, _) => {}
        }
        true
    }

    fn command(&mut self, line: &str, out: &mut Outbox) {
        self.screen.push(None, Stream::Input, line, true);
        // What the line sets off in this step, a broker's end for one, was set off by the line.
        let entered = out.emit(Event::LineEntered { session: self.spec.session, line: line.into() });
        out.because(Some(entered));
        if !line.trim().is_empty() && self.history.last().is_none_or(|last| **last != *line) {
            self.history.push_back(line.into());
            if self.history.len() > HISTORY {
                self.history.pop_front();
            }
        }
        let parsed =
            if line.len() > LINE_BYTES { Err(line::SyntaxError::Unsupported("room for so long a line")) } else { line::parse(line) };
        match parsed {
            Ok(line) => self.lists = line.0.into(),
            Err(error) => {
                self.status = 2;
                self.screen.push(None, Stream::Err, &format!("bash: {error}"), true);
            }
        }
    }

    fn start_list(&mut self, now: Time, out: &mut Outbox) {
        let Some(list) = self.lists.pop_front() else { return };
        if list.background && self.background.len() == BACKGROUND_JOBS {
            let said = format!("bash: fork: at most {BACKGROUND_JOBS} jobs run in the background here");
            return self.screen.push(None, Stream::Err, &said, true);
        }
        let id = self.next_job;
        self.next_job += 1;
        let background = list.background;
        let (mut shown, mut budget) = (Vec::new(), PIECES_PER_STEP);
        let job = Job::start(id, list, self.status, background, &mut env(now, &self.spec, out, &mut shown, &mut budget));
        if !background {
            self.foreground = Some(job);
            return;
        }
        let number = self.background.last().map_or(1, |last| last.number + 1);
        self.screen.push(Some(id), Stream::Note, &format!("[{number}] {}", pid(id)), true);
        self.background.push(Background { number, job });
    }

    /// One round over all jobs; whether anything moved.
    fn run_jobs(&mut self, now: Time, out: &mut Outbox, budget: &mut usize) -> bool {
        let mut moved = false;
        if let Some(mut job) = self.foreground.take() {
            match self.run_job(&mut job, false, now, out, budget) {
                Progress::Ended => {
                    self.status = job.status;
                    moved = true;
                    if job.status == INTERRUPTED {
                        self.lists.clear();
                    }
                }
                progress => {
                    moved |= progress == Progress::Some;
                    self.foreground = Some(job);
                }
            }
        }
        for Background { number, mut job } in std::mem::take(&mut self.background) {
            match self.run_job(&mut job, true, now, out, budget) {
                Progress::Ended => {
                    moved = true;
                    let said = format!("[{number}]+  {:<24}{}", outcome(job.status), job.text);
                    self.screen.push(Some(job.id), Stream::Note, &said, true);
                }
                progress => {
                    moved |= progress == Progress::Some;
                    self.background.push(Background { number, job });
                }
            }
        }
        if self.background.is_empty() && self.foreground.as_ref().is_some_and(Job::waits_for_jobs) {
            self.foreground.iter_mut().for_each(Job::end_wait);
            moved = true;
        }
        moved
    }

    fn run_job(&mut self, job: &mut Job, closed: bool, now: Time, out: &mut Outbox, budget: &mut usize) -> Progress {
        let mut shown = Vec::new();
        let spec = self.spec.clone();
        // Signals to jobs are carried out after the step: the jobs are ours, and one of them is stepping.
        let mut signals = Vec::new();
        let mut builtin = |name: &str, args: &[String]| self.builtin(name, args, &mut signals);
        let progress = job.step(closed, &mut builtin, &mut env(now, &spec, out, &mut shown, budget));
        show(&mut self.screen, job.id, &mut shown);
        for (number, signal) in signals {
            let Some(target) = self.background.iter_mut().find(|background| background.number == number) else { continue };
            let mut env = env(now, &spec, out, &mut shown, budget);
            match signal {
                Signal::Kill => target.job.kill(&mut env),
                Signal::Term | Signal::Int => target.job.interrupt(&mut env),
                Signal::Stop | Signal::Cont => {}
            }
            let id = target.job.id;
            show(&mut self.screen, id, &mut shown);
        }
        progress
    }

    /// What the shell does itself.
    fn builtin(&mut self, name: &str, args: &[String], signals: &mut Vec<(u32, Signal)>) -> Option<Tool> {
        let done = match name {
            "help" => Done::said(help::text()),
            "history" => Done::said(self.history.iter().enumerate().map(|(n, line)| format!("{:>5}  {line}", n + 1)).collect()),
            "clear" => {
                self.screen.clear();
                Done::default()
            }
            "jobs" => Done::said(self.background.iter().map(|b| format!("[{}]+  {:<24}{} &", b.number, "Running", b.job.text)).collect()),
            "wait" => return Some(Tool::Wait),
            "kill" if args.iter().any(|arg| arg.starts_with('%') || arg.parse().is_ok_and(|n: u32| n >= PID_BASE)) => {
                self.kill(args, signals)
            }
            _ => return None,
        };
        Some(Tool::Said(done))
    }

    /// `kill %1`
    fn kill(&self, args: &[String], signals: &mut Vec<(u32, Signal)>) -> Done {
        let (signal, targets) = match hosts::signal(args) {
            Ok(asked) => asked,
            Err((said, status)) => return Done::failed(said, status),
        };
        let mut done = Done::default();
        for target in targets {
            let number = match target.strip_prefix('%') {
                Some(number) => number.parse().ok(),
                None => self.background.iter().find(|background| pid(background.job.id).to_string() == target).map(|b| b.number),
            };
            match number.filter(|number| self.background.iter().any(|background| background.number == *number)) {
                Some(number) => signals.push((number, signal)),
                None if target.starts_with('%') => done.err.push(format!("bash: kill: {target}: no such job")),
                None => done.err.push(format!("bash: kill: ({target}) - No such process")),
            }
        }
        done.status = i32::from(!done.err.is_empty());
        done
    }

    fn jobs(&mut self) -> impl Iterator<Item = &mut Job> {
        self.foreground.iter_mut().chain(self.background.iter_mut().map(|background| &mut background.job))
    }
}

/// Process numbers are made up: they only have to be told apart.
const PID_BASE: u32 = 1_000;

fn pid(job: u32) -> u32 {
    PID_BASE + job
}

fn env<'a, 'b>(
    now: Time,
    spec: &'a SessionSpec,
    out: &'a mut Outbox<'b>,
    screen: &'a mut Vec<Printed>,
    budget: &'a mut usize,
) -> Env<'a, 'b> {
    Env { now, session: spec.session, hosts: &spec.hosts, host: &spec.host, out, screen, budget }
}

fn show(screen: &mut Screen, job: u32, shown: &mut Vec<Printed>) {
    for Printed { error, text, newline } in shown.drain(..) {
        let stream = if error { Stream::Err } else { Stream::Out };
        // Text of several lines is shown line by line.
        let mut lines = text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let last = lines.peek().is_none();
            if !(last && !newline && line.is_empty()) {
                screen.push(Some(job), stream, line, !last || newline);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::protocol::frame::Frame;
    use crate::sim::engine::{Settings, Sim};
    use crate::sim::fault::Occurrence;
    use crate::sim::process::{self, Model, ProcessId};

    /// A world of terminal sessions.
    #[derive(Clone, Debug)]
    struct Terminals;

    impl Model for Terminals {
        type Frame = Frame;
        type Event = Event;
        type Tell = Tell;
        type Spec = SessionSpec;
        type Process = Session;

        fn boot(spec: &SessionSpec, boot: &Boot) -> Session {
            Session::new(spec, boot)
        }

        fn start_up(_: &SessionSpec) -> Duration {
            Duration::ZERO
        }
    }

    impl process::Process<Terminals> for Session {
        fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
            Session::step(self, now, input, out);
        }

        fn next_wake(&self) -> Option<Time> {
            Session::next_wake(self)
        }
    }

    struct Terminal {
        sim: Sim<Terminals>,
        id: ProcessId,
        seen: u64,
    }

    impl Terminal {
        fn new() -> Terminal {
            let mut sim = Sim::new(Settings::default());
            for host in ["client", "kafka-1", "kafka-2"] {
                sim.add_host(host);
            }
            let spec = SessionSpec { session: 7, host: "client".into(), hosts: vec!["kafka-1".into(), "kafka-2".into()] };
            let id = sim.spawn("client", "terminal", spec, Duration::ZERO);
            sim.run_until(Time::from_ms(1));
            Terminal { sim, id, seen: 0 }
        }

        fn tell(&mut self, tell: Tell) {
            self.sim.tell(self.id, tell);
            self.wait(Duration::ms(10));
        }

        fn wait(&mut self, time: Duration) {
            let until = self.sim.now() + time;
            self.sim.run_until(until);
        }

        /// What was shown since the last call: `$ ` before what was typed, `! ` before errors, `* ` before notes.
        fn shown(&mut self) -> String {
            let session = self.sim.process(self.id).unwrap();
            let mut text = String::new();
            for piece in session.output_since(self.seen) {
                text += match piece.stream {
                    Stream::Input => "$ ",
                    Stream::Out => "",
                    Stream::Err => "! ",
                    Stream::Note => "* ",
                };
                text += &piece.text;
                text += if piece.newline { "\n" } else { "\\" };
            }
            self.seen = session.screen().next();
            text
        }

        fn prompt(&self) -> Prompt {
            self.sim.process(self.id).unwrap().prompt()
        }

        fn run(&mut self, line: &str) -> String {
            self.tell(Tell::Line(line.into()));
            let shown = self.shown();
            shown.strip_prefix(&format!("$ {line}\n")).unwrap_or(&shown).to_owned()
        }
    }

    #[test]
    fn runs_pipelines_and_lists() {
        let mut terminal = Terminal::new();
        let cases = [
            ("echo a | grep a && echo yes || echo no", "a\nyes\n"),
            ("false || echo $?", "1\n"),
            ("false && echo never; echo $?", "1\n"),
            ("nope; echo $?", "! bash: nope: command not found\n127\n"),
            ("./nope", "! bash: ./nope: No such file or directory\n"),
            ("echo 'a", "! bash: unexpected EOF while looking for matching `''\n"),
            ("seq 1 100000 | head -2", "1\n2\n"),
            ("seq 1 100000 | wc -l", "100000\n"),
            ("seq 3 | sort -r | tail -1", "1\n"),
            ("echo -n a; echo b", "a\\b\n"),
            ("echo x > f; echo y >> f; cat f; wc -l < f", "x\ny\n2\n"),
            ("nope 2>/dev/null; nope 2>&1 | wc -l", "1\n"),
            ("nope > g 2>&1; cat g", "bash: nope: command not found\n"),
            ("cat missing", "! cat: missing: No such file or directory\n"),
            ("cat < missing", "! bash: missing: No such file or directory\n"),
            ("", ""),
            ("history | tail -1", "   16  history | tail -1\n"),
        ];
        for (line, expected) in cases {
            assert_eq!(terminal.run(line), expected, "{line}");
            terminal.wait(Duration::ms(100));
            assert_eq!(terminal.prompt(), Prompt::Command, "{line}");
        }
    }

    #[test]
    fn a_foreground_job_reads_what_is_typed() {
        let mut terminal = Terminal::new();
        assert_eq!(terminal.run("cat | wc -l"), "");
        assert_eq!(terminal.prompt(), Prompt::Input);
        terminal.tell(Tell::Line("a".into()));
        terminal.tell(Tell::Line("b".into()));
        terminal.tell(Tell::EndOfInput);
        assert_eq!(terminal.shown(), "$ a\n$ b\n2\n");
        terminal.run("cat");
        terminal.tell(Tell::Interrupt);
        assert_eq!(terminal.run("echo $?"), "$ ^C\n$ echo $?\n130\n");
    }

    #[test]
    fn sleeping_takes_virtual_time() {
        let mut terminal = Terminal::new();
        assert_eq!(terminal.run("sleep 5; echo up"), "");
        assert_eq!(terminal.prompt(), Prompt::Busy);
        terminal.tell(Tell::Line("echo typed ahead".into()));
        assert_eq!(terminal.shown(), "");
        terminal.wait(Duration::secs(5));
        assert_eq!(terminal.shown(), "up\n$ echo typed ahead\ntyped ahead\n");
        terminal.run("sleep 100 && echo never; echo never");
        terminal.tell(Tell::Interrupt);
        assert_eq!((terminal.shown().as_str(), terminal.prompt()), ("$ ^C\n", Prompt::Command));
    }

    #[test]
    fn jobs_in_the_background() {
        let mut terminal = Terminal::new();
        let started = terminal.run("sleep 3 &");
        assert_eq!(started, "* [1] 1001\n");
        terminal.run("sleep 100 &");
        assert_eq!(terminal.run("jobs"), "[1]+  Running                 sleep 3 &\n[2]+  Running                 sleep 100 &\n");
        terminal.wait(Duration::secs(3));
        assert_eq!(terminal.shown(), "* [1]+  Done                    sleep 3\n");
        assert_eq!(terminal.run("kill -9 %2"), "* [2]+  Killed                  sleep 100\n");
        assert_eq!(terminal.run("kill %7"), "! bash: kill: %7: no such job\n");
        terminal.run("sleep 2 &");
        terminal.run("wait; echo waited");
        terminal.wait(Duration::secs(2));
        assert!(terminal.shown().ends_with("waited\n"));
    }

    #[test]
    fn faults_and_what_is_reported() {
        let mut terminal = Terminal::new();
        terminal.sim.take_events();
        assert_eq!(terminal.run("cut kafka-1 kafka-2"), "");
        assert_eq!(terminal.run("kill -9 kafka-9"), "! bash: kill: (kafka-9) - No such process\n");
        let events: Vec<Event> = terminal.sim.take_events().into_iter().map(|recorded| recorded.event).collect();
        assert!(events.contains(&Event::Sim(Occurrence::LinkCut { a: "kafka-1".into(), b: "kafka-2".into() })), "{events:?}");
        assert!(events.contains(&Event::LineEntered { session: 7, line: "kill -9 kafka-9".into() }));
        let ended = events.iter().any(|event| matches!(event, Event::ToolEnded { tool, status: 1, job: 2, .. } if **tool == *"kill"));
        assert!(ended, "{events:?}");
    }
}
