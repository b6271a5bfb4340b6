//! Each bound is reached, is told of, and leaves a terminal that works.

use super::*;
use crate::kafka::actor::Tell;
use crate::kafka::event::Event;
use crate::shell::alone::Terminal;
use crate::shell::run::report;
use crate::shell::session::{HISTORY_BYTES, LINE_BYTES};
use crate::sim::time::Duration;

fn enter(terminal: &mut Terminal, line: &str) {
    terminal.tell(Tell::Line(line.to_owned()));
    terminal.wait(Duration::secs(2));
}

/// What these lines print in one fresh terminal, and what is said about them.
fn printed(lines: &[&str]) -> String {
    let mut terminal = Terminal::default();
    let mut text = String::new();
    for line in lines {
        let from = terminal.session().unwrap().screen().next();
        enter(&mut terminal, line);
        let shown = terminal.session().unwrap().output_since(from).skip(1);
        shown.for_each(|piece| text = format!("{text}{}{}", piece.text, if piece.newline { "\n" } else { "" }));
    }
    text
}

/// A variable X of a million letters.
const MILLION: &str = "X=$(head -c 1000000 /dev/zero | tr '\\0' x)";

#[test]
fn what_calls_itself_overflows_its_stack() {
    let deep = printed(&["f() { f; }", "f", "echo $?"]);
    assert_eq!(deep, "bash: more than 400 constructs and functions within each other\n1\n");
    let wide = printed(&["set -- a b", "f() { f \"$@\"; }", "f {1..10000}", "echo $? $#"]);
    assert!(wide.starts_with("bash: xmalloc: cannot allocate "), "{wide}");
    assert!(wide.ends_with("\n1 2\n"), "what the functions changed is undone: {wide}");
    let scripts = printed(&["Y=$(printf '%04000d' 0)", "X='eval \"$X\" #'$Y", "eval \"$X\"", "echo $?"]);
    assert!(scripts.starts_with("bash: xmalloc: cannot allocate ") && scripts.ends_with("\n1\n"), "{scripts}");
    let saved = printed(&[MILLION, "f() { X=${X%x} f; }", "f", "echo $? ${#X}"]);
    assert!(saved.starts_with("bash: xmalloc: cannot allocate 10000") && saved.ends_with("\n1 1000000\n"), "{saved}");
    let locals = printed(&[MILLION, "f() { local X=${X%x}; f; }", "f", "echo $? ${#X}"]);
    assert!(locals.starts_with("bash: xmalloc: cannot allocate ") && locals.ends_with("\n1 1000000\n"), "{locals}");
}

#[test]
fn a_second_local_hides_nothing_more() {
    let lines = ["x=out", "f() { for i in {1..3}; do local x=$i; done; local x; echo $x; }", "f; echo $x"];
    assert_eq!(printed(&lines), "3\nout\n");
    let mut terminal = Terminal::default();
    enter(&mut terminal, "f() { while true; do local x=1; sleep 0.001; done; }");
    enter(&mut terminal, "f");
    let hidden = terminal.session().unwrap().shell().unwrap().frames().find_map(|frame| match frame {
        Frame::Call { hidden, .. } => Some(hidden.len()),
        _ => None,
    });
    assert_eq!(hidden, Some(1));
}

#[test]
fn functions_have_so_much_room() {
    let mut terminal = Terminal::default();
    for n in 0..6 {
        enter(&mut terminal, &format!("f{n}() {{ echo {}; }}", "x".repeat(60_000)));
    }
    let said = terminal.session().unwrap().output_since(0).filter(|piece| piece.text.contains("xmalloc")).count();
    let kept = terminal.session().unwrap().shell().unwrap().state.functions.len();
    assert_eq!((said, kept), (2, 4));
    enter(&mut terminal, "unset -f f0; f5() { echo here; }; f5");
    assert!(terminal.session().unwrap().output_since(0).any(|piece| &*piece.text == "here"));
}

#[test]
fn processes_have_so_much_memory() {
    let said = |terminal: &Terminal, wanted: &str| terminal.session().unwrap().output_since(0).any(|piece| &*piece.text == wanted);
    let mut terminal = Terminal::default();
    [MILLION, "Y=$X; Z=$X", "for i in {1..30}; do sleep 9 & done"].into_iter().for_each(|line| enter(&mut terminal, line));
    let jobs = terminal.session().unwrap().background().count();
    assert!((20..24).contains(&jobs), "{jobs} of 3 MB each");
    assert!(said(&terminal, "bash: fork: Cannot allocate memory"));
    terminal.wait(Duration::secs(10));
    enter(&mut terminal, "f() { sleep 9 & }; unset X Y Z; for i in {1..20}; do (f; f; f; f; f; f; f; f); done");
    assert!(said(&terminal, "bash: fork: retry: Resource temporarily unavailable"));
    terminal.wait(Duration::secs(10));
    enter(&mut terminal, "echo on");
    assert!(said(&terminal, "on"));
}

#[test]
fn arguments_have_so_much_room() {
    let long = printed(&[MILLION, "cat $X; echo $?", "echo $X | wc -c", "f() { echo ${#1}; }; f $X"]);
    assert_eq!(long, "bash: /usr/bin/cat: Argument list too long\n126\n1000001\n1000000\n");
    // GNU's xargs: 288,894 bytes, 128 KiB a command.
    assert_eq!(printed(&["seq 50000 | xargs | wc -l", "seq 50000 | xargs -n 12000 echo | wc -l"]), "3\n5\n");
    let mut terminal = Terminal::default();
    enter(&mut terminal, "true {1..9000}");
    let told = |event: &Event| match event {
        Event::ToolStarted { args, .. } | Event::ToolEnded { args, .. } => args.iter().map(|arg| arg.len() + 1).sum(),
        _ => 0_usize,
    };
    enter(&mut terminal, "seq {1..9000}");
    let bytes: Vec<usize> = terminal.sim.take_events().iter().map(|recorded| told(&recorded.event)).filter(|bytes| *bytes > 0).collect();
    assert_eq!(bytes.len(), 2);
    assert!(bytes.iter().all(|bytes| (report::ARGS_BYTES - 10..=report::ARGS_BYTES).contains(bytes)), "{bytes:?}");
}

#[test]
fn what_is_typed_has_so_much_room() {
    let mut terminal = Terminal::default();
    enter(&mut terminal, &"x".repeat(LINE_BYTES + 1));
    for n in 0..40 {
        enter(&mut terminal, &format!("# {n} {}", "x".repeat(LINE_BYTES - 100)));
    }
    let session = terminal.session().unwrap();
    assert!(session.output_since(0).any(|piece| piece.text.ends_with("it is not taken")));
    let bytes: usize = session.history().map(|line| line.len()).sum();
    assert!((HISTORY_BYTES - LINE_BYTES..=HISTORY_BYTES).contains(&bytes), "{bytes}");
    assert!(session.history().next_back().unwrap().starts_with("# 39"));
}

#[test]
fn what_keeps_its_input_keeps_so_much() {
    let file = "seq 3500 | awk '{printf \"%01000d\\n\", $1}' > f";
    let lines = [
        file,
        "cat f f f | sort | wc -l",
        "cat f f f f f | sort | wc -l",
        "cat f f f f f | tac | wc -l",
        "cat f f f f f | tail -n 20000 | wc -l",
        "cat f f f f f | tail -n 3 | wc -c",
        "cat f f f f f | tail -c 5 ",
        "cat f f f f f | sed -n '$!N;$p' | wc -c",
    ];
    let said = printed(&lines);
    let exhausted = |name: &str| format!("{name}: memory exhausted\n0\n");
    let expected = format!("10500\n{}{}{}3003\n3500\n{}", exhausted("sort"), exhausted("tac"), exhausted("tail"), exhausted("sed"));
    assert_eq!(said, expected);
    let half_a_million = "BEGIN { s = \"x\"; for (i = 0; i < 19; i++) s = s s; ";
    let awk = |body: &str| printed(&[&format!("awk '{half_a_million}{body} }}'")]);
    assert!(awk("for (i = 0; i < 60; i++) a[i] = s i; print \"never\"").contains("bytes in variables and arrays"));
    assert_eq!(awk("for (i = 0; i < 60; i++) { a[1] = s i; b = s i; delete c; c[i] = s i } print \"done\""), "done\n");
}

/// A loop over large values gets less far in an instant, so that an instant costs no more.
#[test]
fn large_values_cost_more() {
    let rounds = |line: &str| {
        let mut terminal = Terminal::default();
        enter(&mut terminal, MILLION);
        terminal.tell(Tell::Line(line.to_owned()));
        terminal.wait(Duration::ms(50));
        let shell = terminal.session().unwrap().shell().unwrap();
        shell.state.get("i").unwrap().parse::<u32>().unwrap()
    };
    let (small, large) = (rounds("while true; do Y=x; i=$((i+1)); done"), rounds("while true; do Y=$X; i=$((i+1)); done"));
    assert!(large * 10 < small && large >= 40, "{large} of {small}");
}
