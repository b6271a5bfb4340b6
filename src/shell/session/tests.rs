//! A terminal in a world without a cluster.

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
        ("history | tail -1", "   15  history | tail -1\n"),
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
    assert_eq!(terminal.run("jobs"), "[1]-  Running                 sleep 3 &\n[2]+  Running                 sleep 100 &\n");
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
