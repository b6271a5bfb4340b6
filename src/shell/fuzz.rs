//! Lines that nobody would type, and some that many do: pieces of the language and of tools' options, put together at random.
//!
//! Whatever is typed, the terminal must not panic, must come to an end or to an interrupt, and must keep within its bounds.

use super::alone::Terminal;
use super::complete::{CompletionContext, complete};
use super::options::Options;
use super::tools::{kafka_table, program};
use crate::kafka::actor::Tell;
use crate::sim::time::Duration;

/// A small random generator of its own, so that a seed is a set of lines for ever.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n
    }

    fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const COMMANDS: &[&str] = &[
    "echo a b",
    "seq 5",
    "cat",
    "cat f",
    "head -2",
    "tail -n +2",
    "wc -l",
    "sort -rn",
    "grep -E 'a|b'",
    "tr a-z A-Z",
    "cut -d: -f1",
    "uniq -c",
    "sed 's/a/b/g'",
    "sed -n '1,3p'",
    "awk '{print $1}'",
    "awk '{s+=$1} END {print s}'",
    "jq .",
    "jq -c '[.[]?|..]'",
    "jq '.a|=map(.+1)'",
    "read x",
    "read -r a b",
    "true",
    "false",
    "sleep 0.01",
    "export X=1",
    "unset X",
    "set -- a b c",
    "shift",
    "wait",
    "jobs",
    "kill %1",
    "cd d",
    "pwd",
    "mkdir -p d/e",
    "rm -f f",
    "touch f g",
    "ls -l",
    "cp f g",
    "mv f g",
    "tee f",
    "xargs -n1 echo",
    "printf '%5s|%-5d\\n' a 3",
    "date +%s",
    "test -f f",
    "[ 1 -lt 2 ]",
    "f() { echo $1; f2; }",
    "f x",
    "break",
    "continue",
    "return 3",
    "eval 'echo $X'",
    "timeout 0.1 cat",
    "ssh kafka-1 ls",
    "type echo",
    "history 2",
    "exit 2",
    "kafka-topics.sh --list",
    "kafka-topics.sh --bootstrap-server kafka-1:9092 --create --topic a",
    "kafka-console-producer.sh --topic t",
    "kafka-console-consumer.sh --from-beginning",
    "cut kafka-1 kafka-2",
    "heal",
    "kill -9 kafka-1",
    "start kafka-1",
    "base64",
    "column -t",
    "paste -sd,",
    "let x=1+2",
    "local y=2",
    "source f",
    "bash -c 'echo $0'",
    "env Z=1 echo",
    "local",
    "nope",
    "./x",
    "set -e",
    "set +e",
];

const JOINTS: &[&str] = &[" | ", " && ", " || ", "; ", " & ", "\n", " |& ", ";; ", " ! "];

const WORDS: &[&str] = &[
    "$X",
    "${X:-a b}",
    "${#X}",
    "${X%b*}",
    "${X//a/b}",
    "${X:1:2}",
    "\"$@\"",
    "$((1+2))",
    "$((x++))",
    "$(echo a)",
    "`echo b`",
    "\"$(seq 3)\"",
    "{1..4}",
    "{a,b{c,d}}",
    "*",
    "[a-c]*",
    "~/x",
    "'a b'",
    "\\$",
    "$?",
    "$!",
    "$$",
    "$#",
    "$((",
    "${",
    "${X",
    "\"",
    "'",
    "`",
    "$(",
    "é",
    "\u{0}",
    "\t",
    "\\",
    "$'\\n'",
    "<<EOF",
    "<<<x",
    "#",
    "${X?}",
    "${X:=1}",
    "$((1/0))",
    "$((2**70))",
    "-",
    "--",
    "-n",
    "-x=1",
    "a=b",
    "9999999999999999999999",
];

const REDIRECTS: &[&str] =
    &[" > f", " >> f", " < f", " 2>&1", " &> g", " 2>/dev/null", " <<< \"a b\"", " > ", " < d", " >&2", " 2>&-", " > d/e/f"];

/// A line, or several.
pub fn line(dice: &mut Dice) -> String {
    let mut text = String::new();
    part(dice, 0, &mut text);
    // Now and then something is lost, doubled, or out of place.
    for _ in 0..dice.below(3) {
        if dice.below(3) == 0 {
            spoil(dice, &mut text);
        }
    }
    text
}

fn part(dice: &mut Dice, depth: usize, into: &mut String) {
    for n in 0..=dice.below(3) {
        if n > 0 {
            into.push_str(dice.one_of(JOINTS));
        }
        match if depth < 4 { dice.below(14) } else { 0 } {
            0..=6 => {
                into.push_str(dice.one_of(COMMANDS));
                for _ in 0..dice.below(3) {
                    into.push(' ');
                    into.push_str(dice.one_of(WORDS));
                }
            }
            7 => nested(dice, depth, into, &["for i in a {1..3} $X; do ", "; done"]),
            8 => nested(dice, depth, into, &["while ", "; do ", "; done"]),
            9 => nested(dice, depth, into, &["if ", "; then ", "; else ", "; fi"]),
            10 => nested(dice, depth, into, &["( ", " )"]),
            11 => nested(dice, depth, into, &["{ ", "; }"]),
            12 => nested(dice, depth, into, &["case $X in a*) ", ";; *) ", ";; esac"]),
            _ => nested(dice, depth, into, &["X=$(", ")"]),
        }
        if dice.below(4) == 0 {
            into.push_str(dice.one_of(REDIRECTS));
        }
    }
}

fn nested(dice: &mut Dice, depth: usize, into: &mut String, frame: &[&str]) {
    for (n, piece) in frame.iter().enumerate() {
        into.push_str(piece);
        if n + 1 < frame.len() {
            part(dice, depth + 1, into);
        }
    }
}

fn spoil(dice: &mut Dice, text: &mut String) {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    if places.is_empty() {
        return;
    }
    let at = places[dice.below(places.len())];
    match dice.below(4) {
        0 => text.truncate(at),
        1 => text.insert_str(at, dice.one_of(WORDS)),
        2 => drop(text.remove(at)),
        _ => text.insert_str(at, dice.one_of(&["(", ")", "{", "}", "\"", "'", "|", "&", ";", "$", "<", ">", "\n", "do", "done", "fi"])),
    }
}

/// A word that could stand behind a tool of Kafka's.
pub fn option(dice: &mut Dice, names: &[&str]) -> String {
    let name = dice.one_of(names);
    let value = dice.one_of(&[
        "",
        "a",
        "-1",
        "0",
        "99999999999999999999",
        "a=b",
        "a:1",
        "kafka-1:9092",
        "{",
        "[0,1]",
        "é",
        ",",
        "a,b",
        "*",
        "(",
        "--help",
        "x=y,z",
    ]);
    match dice.below(6) {
        0 => format!("--{name}"),
        1 => format!("--{name}={value}"),
        2 => format!("-{name}"),
        3 => value.to_owned(),
        4 => format!("--{name}{value}"),
        _ => "--".to_owned(),
    }
}

/// A terminal that is typed into.
#[derive(Clone, Debug, Default)]
pub struct Fuzzed {
    terminal: Terminal,
    typed: usize,
}

/// What came of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ended by itself.
    Ended,
    /// It ended when it was interrupted.
    Interrupted,
    /// It did not end: a bug.
    Stuck,
}

/// After so many lines, a fresh terminal.
const LINES_EACH: usize = 50;

impl Fuzzed {
    /// Types a line and waits for its end; what does not end soon is interrupted.
    pub fn enter(&mut self, line: &str) -> Outcome {
        self.typed += 1;
        if self.typed > LINES_EACH {
            *self = Fuzzed::default();
        }
        for line in line.split('\n') {
            self.terminal.tell(Tell::Line(line.to_owned()));
        }
        self.terminal.tell(Tell::EndOfInput);
        self.terminal.wait(Duration::ms(20));
        let outcome = if self.is_idle() { Outcome::Ended } else { self.interrupt() };
        self.terminal.sim.take_events();
        outcome
    }

    fn interrupt(&mut self) -> Outcome {
        for wait in [1, 100, 60_000] {
            self.terminal.tell(Tell::Interrupt);
            self.terminal.wait(Duration::ms(wait));
            if self.is_idle() {
                return Outcome::Interrupted;
            }
        }
        Outcome::Stuck
    }

    fn is_idle(&self) -> bool {
        self.terminal.session().is_none_or(super::session::Session::is_idle)
    }
}

/// Tries what a line means without a terminal: reading it, completing it, tools' options made of its words.
pub fn try_readers(line: &str, dice: &mut Dice) {
    // Whether it can be read makes no difference here.
    drop(super::syntax::parse(line));
    let cursor = dice.below(line.len() + 1);
    complete(line, cursor, &CompletionContext::default());
    let tools = super::tools::help::KAFKA;
    let tool = tools[dice.below(tools.len())];
    let Some(table) = kafka_table(tool).or_else(|| program::table(tool)) else { return };
    let names: Vec<&str> = table.iter().map(|opt| opt.name).chain(["help", "version", "nothing"]).collect();
    let args: Vec<String> = (0..dice.below(6)).map(|_| option(dice, &names)).collect();
    drop(Options::parse(table, &args));
    super::tools::Tool::reads(tool, &args);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_by_the_hundred() {
        let (mut dice, mut terminal) = (Dice::new(7), Fuzzed::default());
        for _ in 0..300 {
            let text = line(&mut dice);
            assert_ne!(terminal.enter(&text), Outcome::Stuck, "{text}");
        }
    }

    #[test]
    fn options_by_the_thousand() {
        let mut dice = Dice::new(11);
        for _ in 0..3_000 {
            let text = line(&mut dice);
            try_readers(&text, &mut dice);
        }
    }
}
