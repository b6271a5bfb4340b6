//! A terminal in a world without a cluster.

use super::*;
use crate::shell::alone;
use crate::sim::fault::Occurrence;

/// A terminal with what was seen of it.
struct Terminal {
    world: alone::Terminal,
    seen: u64,
}

impl Terminal {
    fn new() -> Terminal {
        Terminal { world: alone::Terminal::default(), seen: 0 }
    }

    fn tell(&mut self, tell: Tell) {
        self.world.tell(tell);
        self.wait(Duration::ms(10));
    }

    fn wait(&mut self, time: Duration) {
        self.world.wait(time);
    }

    fn session(&self) -> &Session {
        self.world.session().unwrap()
    }

    /// What was shown since the last call: `$ ` before what was typed, `! ` before errors, `* ` before notes.
    fn shown(&mut self) -> String {
        let session = self.world.session().unwrap();
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
        self.session().prompt()
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
    terminal.world.sim.take_events();
    assert_eq!(terminal.run("cut kafka-1 kafka-2"), "");
    assert_eq!(terminal.run("kill -9 kafka-9"), "! bash: kill: (kafka-9) - No such process\n");
    let events: Vec<Event> = terminal.world.sim.take_events().into_iter().map(|recorded| recorded.event).collect();
    assert!(events.contains(&Event::Sim(Occurrence::LinkCut { a: "kafka-1".into(), b: "kafka-2".into() })), "{events:?}");
    assert!(events.contains(&Event::LineEntered { session: 7, line: "kill -9 kafka-9".into() }));
    let ended = events.iter().any(|event| matches!(event, Event::ToolEnded { tool, status: 1, job: 2, .. } if **tool == *"kill"));
    assert!(ended, "{events:?}");
}

/// scripts.txt holds scripts, each with the status and the standard output that bash 5 gave: what it prints, we print.
#[test]
fn scripts_print_what_bash_prints() {
    let mut wrong = String::new();
    for case in include_str!("scripts.txt").split("===\n") {
        let (script, expected) = case.split_once("\n--- ").unwrap();
        let mut terminal = Terminal::new();
        for line in script.lines() {
            terminal.tell(Tell::Line(line.into()));
        }
        terminal.wait(Duration::secs(2));
        let session = terminal.session();
        let mut printed = format!("{}\n", session.status());
        for piece in session.output_since(0).filter(|piece| piece.stream == Stream::Out) {
            printed += &piece.text;
            printed += if piece.newline { "\n" } else { "" };
        }
        if !printed.ends_with('\n') {
            printed += "\\\n";
        }
        if printed != expected || terminal.prompt() != Prompt::Command {
            wrong += &format!("{script}\n--- expected {expected}--- printed {printed}--- {:?}\n\n", terminal.prompt());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_is_not_closed_waits_for_more_lines() {
    let mut terminal = Terminal::new();
    assert_eq!(terminal.run("for i in 1 2; do"), "");
    assert_eq!(terminal.prompt(), Prompt::Continuation);
    terminal.run("echo $i");
    assert_eq!(terminal.run("done"), "1\n2\n");
    terminal.run("echo 'a");
    assert_eq!(terminal.run("b'"), "a\nb\n");
    terminal.run("echo 'a");
    terminal.tell(Tell::EndOfInput);
    assert_eq!(terminal.shown(), "! bash: unexpected EOF while looking for matching `''\n");
    terminal.run("if true; then");
    terminal.tell(Tell::Interrupt);
    assert_eq!(terminal.prompt(), Prompt::Command);
    terminal.shown();
    assert_eq!(terminal.run("echo )"), "! bash: syntax error near unexpected token `)'\n");
}

#[test]
fn a_loop_without_end_takes_virtual_time_and_is_interrupted() {
    let mut terminal = Terminal::new();
    terminal.run("while true; do :; done; echo never");
    terminal.wait(Duration::secs(1));
    assert_eq!(terminal.prompt(), Prompt::Busy);
    terminal.tell(Tell::Interrupt);
    assert_eq!((terminal.shown().as_str(), terminal.prompt()), ("$ ^C\n", Prompt::Command));
    terminal.run("time sleep 1.5");
    terminal.wait(Duration::secs(2));
    assert!(terminal.shown().contains("real\t0m1.500s"));
    terminal.run("timeout 1 sleep 10; echo $?");
    terminal.wait(Duration::secs(1));
    assert_eq!(terminal.shown(), "124\n");
    assert!(terminal.run("f() { f; }; f").contains("within each other"));
}

#[test]
fn another_machines_files_are_seen_through_ssh() {
    let mut terminal = Terminal::new();
    let chunk = crate::sim::engine::Sim::<alone::Terminals>::outside_chunk(1, "hello\n".into());
    let now = terminal.world.sim.now();
    terminal.world.sim.disk_mut("kafka-1").unwrap().replace(now, "orders-0/0.log", chunk).unwrap();
    assert_eq!(terminal.run("ssh kafka-1 cat orders-0/0.log | tr a-z A-Z"), "HELLO\n");
    assert_eq!(terminal.run("ssh kafka-1 'cat orders-*/*.log; echo x > y'"), "hello\n! bash: y: Read-only file system\n");
    assert_eq!(terminal.run("ssh kafka-9 ls"), "! ssh: Could not resolve hostname kafka-9: Name or service not known\n");
    terminal.run("cut client kafka-1");
    terminal.run("ssh kafka-1 ls");
    terminal.wait(Duration::secs(11));
    assert_eq!(terminal.shown(), "! ssh: connect to host kafka-1 port 22: Connection timed out\n");
}

#[test]
fn devices_end_and_say_so() {
    let mut terminal = Terminal::new();
    let cases = [
        ("head -c 1100000 /dev/zero | tr '\\0' x | wc -c", "1100000\n"),
        ("head -c 12 < /dev/urandom | wc -c", "12\n"),
        ("a=$(tr -dc a-z0-9 < /dev/urandom | head -c 16); echo ${#a}", "16\n"),
        ("a=$(head -c 30 /dev/urandom | base64); b=$(head -c 30 /dev/urandom | base64); [ \"$a\" != \"$b\" ] && echo differ", "differ\n"),
        ("cat /dev/null; wc -c < /dev/null; echo x | cat /dev/stdin", "0\nx\n"),
        ("cat /dev/zero | wc -c", "! /dev/zero: no more than 4 MiB of it are read in this terminal\n4194304\n"),
    ];
    for (line, expected) in cases {
        assert_eq!(terminal.run(line), expected, "{line}");
    }
}

#[test]
fn process_substitution_select_getopts_and_kinds_of_variables() {
    let mut terminal = Terminal::new();
    let cases = [
        ("cat <(echo a; echo b) <(echo c)", "a\nb\nc\n"),
        ("paste <(seq 2) <(seq 3 4)", "1\t3\n2\t4\n"),
        ("n=0; while read x; do n=$((n+x)); done < <(seq 4); echo $n", "10\n"),
        ("echo <(true)", "/dev/fd/63\n"),
        ("echo a >(cat)", "! bash: this terminal has no >(...): cmd | tee >(other) can be cmd | tee file; other < file\n"),
        ("select x in a 'b c'; do echo \"$x/$REPLY\"; break; done <<< 2", "! 1) a\n! 2) b c\nb c/2\n"),
        ("printf '9\\n1\\n' | select x in p q; do echo \"[$x]\"; done", "! 1) p\n! 2) q\n[]\n[p]\n"),
        ("set -- -ab one -c two; while getopts ab:c x; do echo $x $OPTARG; done; shift $((OPTIND-1)); echo $1", "a\nb one\nc\ntwo\n"),
        ("OPTIND=1; getopts a x -z; echo $x $?", "! bash: illegal option -- z\n? 0\n"),
        ("OPTIND=1; getopts :a: x -a; echo $x $OPTARG", ": a\n"),
        ("declare -i n=2+3; n+=4; echo $n; n=unknown; echo $n", "9\n0\n"),
        ("f() { local -n out=$1; out=done; }; f answer; echo $answer", "done\n"),
        ("declare -n r=target; r=1; declare -p r target", "declare -n r=\"target\"\ndeclare -- target=\"1\"\n"),
    ];
    for (line, expected) in cases {
        assert_eq!(terminal.run(line), expected, "{line}");
        terminal.wait(Duration::ms(100));
        assert_eq!(terminal.prompt(), Prompt::Command, "{line}");
    }
}

#[test]
fn every_tool_tells_its_options() {
    use crate::shell::tools::{help, program};
    let mut terminal = Terminal::new();
    for name in help::KAFKA.iter().chain(program::NAMES).copied().chain(["kcat", "kaf"]) {
        for typed in [name.to_owned(), format!("{name}.sh"), format!("bin/{name}.sh")] {
            if !name.starts_with("kafka-") && typed != name {
                continue;
            }
            let said = terminal.run(&format!("{typed} --help"));
            let is_class = name == "kafka-run-class" && said.contains("ClassNotFoundException");
            let has_none = name == "kafka-server-stop" && said.contains("No kafka server to stop");
            let known = said.contains("--") || said.contains("-b <broker,..>");
            assert!(known || is_class || has_none, "{typed} --help: {said}");
            assert!(!said.contains("command not found"), "{typed}");
        }
    }
}

#[test]
fn a_select_without_a_name_is_no_command() {
    for text in ["select", "select ", "if select", "select;", "select 1 in a; do :; done"] {
        assert!(crate::shell::syntax::parse(text).is_err(), "{text}");
    }
    assert!(crate::shell::syntax::parse("select x; do :; done").is_ok());
}
