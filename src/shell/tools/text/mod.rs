//! The text tools of a pipeline, small: what a workshop pipes Kafka's tools into.
//!
//! Each is a state machine over lines: [`Text::step`] takes what its input has and prints what it can.

mod args;
mod awk;
mod cut;
mod grep;
mod sort;
mod tr;
mod uniq;

use std::collections::VecDeque;

use self::args::Args;
use crate::shell::files::Files;
use crate::shell::pipe::{Pipe, Printer};

/// A text tool at work. Files named as operands were put before its standard input.
#[derive(Clone, Debug)]
pub struct Text {
    kind: Kind,
    /// What file operands hold; read instead of standard input.
    operands: Option<Pipe>,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Prints this and ends: `echo`, `true`, and what went wrong with the arguments.
    Says {
        out: Option<String>,
        err: Option<String>,
        status: i32,
    },
    Seq {
        next: i64,
        step: i64,
        last: i64,
    },
    Cat,
    Head {
        left: u64,
    },
    Tail {
        keep: usize,
        kept: VecDeque<String>,
    },
    Wc {
        lines: bool,
        words: bool,
        bytes: bool,
        count: [u64; 3],
    },
    Grep(grep::Grep),
    Sort(sort::Sort),
    Uniq(uniq::Uniq),
    Cut(cut::Cut),
    Tr(tr::Tr),
    Awk(awk::Awk),
}

/// `tail` and `sort` keep at most this many lines; a longer input is an error.
pub const KEPT_LINES: usize = 1_000_000;
/// The names of the text tools.
pub const NAMES: &[&str] =
    &["awk", "cat", "cut", "echo", "false", "grep", "head", "printf", "seq", "sort", "tail", "tr", "true", "uniq", "wc"];

/// The names of those that look at the names and sizes of files.
pub const LOOK_AROUND: &[&str] = &[];

/// What a tool's arguments make of it, or what it says about them and the status with which it ends.
type Made = Result<Kind, (String, i32)>;

impl Text {
    /// The tool of this name, if there is one.
    pub fn start(name: &str, args: &[String], files: &Files) -> Option<Text> {
        let mut operands = Vec::new();
        let made = match name {
            "echo" => Ok(echo(args)),
            "printf" => Ok(printf(args)),
            "true" => Ok(Kind::Says { out: None, err: None, status: 0 }),
            "false" => Ok(Kind::Says { out: None, err: None, status: 1 }),
            "seq" => seq(args),
            "cat" => Args::parse("cat", args, "", "").map(|args| {
                operands = args.operands;
                Kind::Cat
            }),
            "head" | "tail" => head_or_tail(name, args, &mut operands),
            "wc" => wc(args, &mut operands),
            "grep" => grep::grep(args, &mut operands).map(Kind::Grep),
            "sort" => sort::sort(args, &mut operands).map(Kind::Sort),
            "uniq" => uniq::uniq(args, &mut operands).map(Kind::Uniq),
            "cut" => cut::cut(args, &mut operands).map(Kind::Cut),
            "tr" => tr::tr(args).map(Kind::Tr),
            "awk" => awk::awk(args, &mut operands).map(Kind::Awk),
            _ => return None,
        };
        let made = made.and_then(|kind| Ok((kind, read(name, &operands, files)?)));
        let (kind, operands) = made.unwrap_or_else(|(err, status)| (Kind::Says { out: None, err: Some(err), status }, None));
        Some(Text { kind, operands })
    }

    /// The files that its operands name.
    pub fn reads(name: &str, args: &[String]) -> Vec<String> {
        let mut operands = Vec::new();
        // What is wrong with the arguments is said when the tool starts.
        let _ = match name {
            "cat" => Args::parse("cat", args, "", "").map(|args| operands = args.operands),
            "head" | "tail" => head_or_tail(name, args, &mut operands).map(drop),
            "wc" => wc(args, &mut operands).map(drop),
            "grep" => grep::grep(args, &mut operands).map(drop),
            "sort" => sort::sort(args, &mut operands).map(drop),
            "uniq" => uniq::uniq(args, &mut operands).map(drop),
            "cut" => cut::cut(args, &mut operands).map(drop),
            "awk" => awk::awk(args, &mut operands).map(drop),
            _ => Ok(()),
        };
        operands.retain(|path| path != "-");
        operands
    }

    /// Whether it reads its standard input.
    pub fn reads_input(&self) -> bool {
        self.operands.is_none() && !matches!(self.kind, Kind::Says { .. } | Kind::Seq { .. })
    }

    /// Takes lines while there are some and room for what becomes of them; its exit status when it is done.
    pub fn step(&mut self, stdin: &mut Pipe, print: &mut Printer) -> Option<i32> {
        let Text { kind, operands } = self;
        let input = operands.as_mut().unwrap_or(stdin);
        match kind {
            Kind::Says { out, err, status } => {
                out.take().into_iter().for_each(|text| print.text(text));
                err.take().into_iter().for_each(|text| print.error(text));
                return Some(*status);
            }
            Kind::Seq { next, step, last } => {
                while print.room > 0 {
                    if if *step > 0 { *next > *last } else { *next < *last } {
                        return Some(0);
                    }
                    print.line(next.to_string());
                    *next = next.saturating_add(*step);
                }
                return None;
            }
            Kind::Head { left: 0 } => return Some(0),
            _ => {}
        }
        while print.room > 0 {
            let Some(line) = input.take() else { break };
            if let Some(status) = kind.line(line, print) {
                return Some(status);
            }
        }
        input.at_end().then(|| kind.end(print))
    }
}

impl Kind {
    /// One line of input; a status ends the tool.
    fn line(&mut self, line: String, print: &mut Printer) -> Option<i32> {
        match self {
            Kind::Cat => print.line(line),
            Kind::Head { left } => {
                print.line(line);
                *left -= 1;
                return (*left == 0).then_some(0);
            }
            Kind::Tail { keep, kept } => {
                kept.push_back(line);
                if kept.len() > *keep {
                    kept.pop_front();
                }
            }
            Kind::Wc { count, .. } => {
                count[0] += 1;
                count[1] += line.split_whitespace().count() as u64;
                count[2] += line.len() as u64 + 1;
            }
            Kind::Grep(grep) => return grep.line(&line, print),
            Kind::Sort(sort) => return sort.line(line, print),
            Kind::Uniq(uniq) => uniq.line(line, print),
            Kind::Cut(cut) => cut.line(&line, print),
            Kind::Tr(tr) => tr.line(&line, print),
            Kind::Awk(awk) => awk.line(&line, print),
            Kind::Says { .. } | Kind::Seq { .. } => {}
        }
        None
    }

    /// The end of the input.
    fn end(&mut self, print: &mut Printer) -> i32 {
        match self {
            Kind::Tail { kept, .. } => kept.drain(..).for_each(|line| print.line(line)),
            Kind::Wc { lines, words, bytes, count } => {
                let shown: Vec<String> =
                    [*lines, *words, *bytes].iter().zip(count).filter(|(shown, _)| **shown).map(|(_, n)| n.to_string()).collect();
                // GNU wc pads several numbers to seven columns where it cannot know the size of its input.
                print.line(if shown.len() == 1 {
                    shown.concat()
                } else {
                    shown.iter().map(|n| format!("{n:>7} ")).collect::<String>().trim_end().to_owned()
                });
            }
            Kind::Grep(grep) => return grep.end(print),
            Kind::Sort(sort) => sort.end(print),
            Kind::Uniq(uniq) => uniq.end(print),
            Kind::Awk(awk) => awk.end(print),
            Kind::Cat | Kind::Head { .. } | Kind::Cut(_) | Kind::Tr(_) | Kind::Says { .. } | Kind::Seq { .. } => {}
        }
        0
    }
}

fn echo(args: &[String]) -> Kind {
    let (newline, words) = match args {
        [first, rest @ ..] if first == "-n" => ("", rest),
        [first, rest @ ..] if first == "-e" => ("\n", rest),
        words => ("\n", words),
    };
    let text = words.join(" ");
    let text = if args.first().is_some_and(|first| first == "-e") { escapes(&text) } else { text };
    Kind::Says { out: Some(text + newline), err: None, status: 0 }
}

/// `printf FORMAT [ARG]...` with `%s`, `%d` and escapes; the format is used again while arguments are left.
fn printf(args: &[String]) -> Kind {
    let Some((format, args)) = args.split_first() else {
        return Kind::Says { out: None, err: Some("printf: usage: printf format [arguments]".into()), status: 2 };
    };
    let (format, mut args, mut text) = (escapes(format), args.iter(), String::new());
    loop {
        let before = args.len();
        let mut rest = format.as_str();
        while let Some(at) = rest.find('%') {
            text += &rest[..at];
            match rest[at + 1..].chars().next() {
                Some('s' | 'd') => text += args.next().map_or("", String::as_str),
                Some('%') => text.push('%'),
                _ => return Kind::Says { out: Some(text), err: Some("printf: only %s, %d and %% are here".into()), status: 1 },
            }
            rest = &rest[at + 2..];
        }
        text += rest;
        if args.len() == 0 || args.len() == before {
            return Kind::Says { out: Some(text), err: None, status: 0 };
        }
    }
}

/// `\n`, `\t` and `\\`.
fn escapes(text: &str) -> String {
    let mut chars = text.chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some('\\') => plain.push('\\'),
                Some(other) => plain.extend(['\\', other]),
                None => plain.push('\\'),
            },
            (c, false) => plain.push(c),
        }
    }
    plain
}

fn seq(args: &[String]) -> Made {
    let numbers: Result<Vec<i64>, &String> = args.iter().map(|arg| arg.parse().map_err(|_| arg)).collect();
    let numbers =
        numbers.map_err(|arg| (format!("seq: invalid floating point argument: '{arg}'\nTry 'seq --help' for more information."), 1))?;
    match numbers[..] {
        [last] => Ok(Kind::Seq { next: 1, step: 1, last }),
        [first, last] => Ok(Kind::Seq { next: first, step: 1, last }),
        [_, 0, _] => Err(("seq: invalid Zero increment value: '0'\nTry 'seq --help' for more information.".into(), 1)),
        [first, step, last] => Ok(Kind::Seq { next: first, step, last }),
        [] => Err(("seq: missing operand\nTry 'seq --help' for more information.".into(), 1)),
        _ => Err((format!("seq: extra operand '{}'\nTry 'seq --help' for more information.", args[3]), 1)),
    }
}

fn head_or_tail(name: &str, args: &[String], operands: &mut Vec<String>) -> Made {
    // `head -3` is the old way of saying `head -n 3`.
    let args: Vec<String> = args
        .iter()
        .flat_map(|arg| match arg.strip_prefix('-') {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => vec!["-n".to_owned(), digits.to_owned()],
            _ => vec![arg.clone()],
        })
        .collect();
    let args = Args::parse(name, &args, "", "n")?;
    let count = args.value('n').unwrap_or("10");
    let n: u64 = count.trim_start_matches('-').parse().map_err(|_| (format!("{name}: invalid number of lines: '{count}'"), 1))?;
    *operands = args.operands;
    Ok(match name {
        "head" => Kind::Head { left: n },
        _ => Kind::Tail { keep: usize::try_from(n).unwrap_or(KEPT_LINES).min(KEPT_LINES), kept: VecDeque::new() },
    })
}

fn wc(args: &[String], operands: &mut Vec<String>) -> Made {
    let args = Args::parse("wc", args, "lwc", "")?;
    let all = args.flags.is_empty();
    let (lines, words, bytes) = (all || args.flag('l'), all || args.flag('w'), all || args.flag('c'));
    *operands = args.operands;
    Ok(Kind::Wc { lines, words, bytes, count: [0; 3] })
}

/// The contents of the files that the operands name, one after the other; `None` without operands.
fn read(name: &str, operands: &[String], files: &Files) -> Result<Option<Pipe>, (String, i32)> {
    let mut text = String::new();
    for path in operands.iter().filter(|path| *path != "-") {
        text +=
            files.get(path).ok_or_else(|| (format!("{name}: {path}: No such file or directory"), if name == "grep" { 2 } else { 1 }))?;
    }
    Ok(if operands.iter().any(|path| path != "-") { Some(Pipe::of(&text)) } else { None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::expand::words_of;

    /// The lines that a command prints when it reads `input`; standard error behind `! `, the status behind `= ` unless it is 0.
    fn run(command: &str, input: &str) -> Vec<String> {
        let words = words_of(command);
        let mut tool = Text::start(&words[0], &words[1..], &Files::default()).unwrap();
        let (mut stdin, mut seen) = (Pipe::of(input), Pipe::default());
        let mut lines = Vec::new();
        loop {
            let mut print = Printer { room: 2, ..Printer::default() };
            let status = tool.step(&mut stdin, &mut print);
            for piece in print.pieces {
                match piece.error {
                    true => lines.push(format!("! {}", piece.text)),
                    false => seen.write(&piece.text, piece.newline),
                }
            }
            if let Some(status) = status {
                seen.close();
                lines.extend(std::iter::from_fn(|| seen.take()));
                lines.extend((status != 0).then(|| format!("= {status}")));
                return lines;
            }
        }
    }

    #[test]
    fn each_does_its_work() {
        let fruit = "pear 3\napple 12\npear 3\nfig 7\n";
        let cases: &[(&str, &str, &[&str])] = &[
            ("echo a  'b c'", "", &["a b c"]),
            ("echo -n a", "", &["a"]),
            ("printf '%s-%s\\n' a b c", "", &["a-b", "c-"]),
            ("seq 3", "", &["1", "2", "3"]),
            ("seq 10 -4 1", "", &["10", "6", "2"]),
            ("cat", "a\nb", &["a", "b"]),
            ("head -2", fruit, &["pear 3", "apple 12"]),
            ("head -n 1", fruit, &["pear 3"]),
            ("head -n 0", fruit, &[]),
            ("tail -n 1", fruit, &["fig 7"]),
            ("wc -l", fruit, &["4"]),
            ("wc -l", "", &["0"]),
            ("wc", fruit, &["      4       8      29"]),
            ("grep pear", fruit, &["pear 3", "pear 3"]),
            ("grep -v -c pear", fruit, &["2"]),
            ("grep -i FIG", fruit, &["fig 7"]),
            ("grep -o '[0-9]*'", fruit, &["3", "12", "3", "7"]),
            ("grep -E 'fig|apple'", fruit, &["apple 12", "fig 7"]),
            ("grep 'fig\\|apple'", fruit, &["apple 12", "fig 7"]),
            ("grep -F 'a.p'", fruit, &["= 1"]),
            ("grep -q fig", fruit, &[]),
            ("grep kiwi", fruit, &["= 1"]),
            ("grep -n fig", fruit, &["4:fig 7"]),
            ("sort", fruit, &["apple 12", "fig 7", "pear 3", "pear 3"]),
            ("sort -u -r", fruit, &["pear 3", "fig 7", "apple 12"]),
            ("sort -k 2 -n", fruit, &["pear 3", "pear 3", "fig 7", "apple 12"]),
            ("uniq -c", "a\na\nb\n", &["      2 a", "      1 b"]),
            ("uniq -d", "a\na\nb\n", &["a"]),
            ("cut -f 1,3", "a\tb\tc\nd", &["a\tc", "d"]),
            ("cut -d : -f 2-", "a:b:c\n", &["b:c"]),
            ("cut -c 1-3", "abcdef\n", &["abc"]),
            ("awk '{print $2, $1}'", "a  b c\n", &["b a"]),
            ("awk -F: '{s+=$2} END {print s, NR}'", "a:1\nb:2\n", &["3 2"]),
            ("awk '/b/ {n++} END {print \"n=\" n}'", "ab\nb\nc\n", &["n=2"]),
            ("awk 'NR > 1 {print $NF}'", "a b\nc d\n", &["d"]),
            ("awk '$2 >= 7'", fruit, &["apple 12", "fig 7"]),
            ("awk 'BEGIN {print 7 / 2, 2 * (1 + 2)}'", "", &["3.5 6"]),
            ("tr a-c A-C", "abcd\n", &["ABCd"]),
            ("tr -d x", "axbx\n", &["ab"]),
            ("tr ' ' '\\n'", "a b\n", &["a", "b"]),
        ];
        for (command, input, expected) in cases {
            assert_eq!(run(command, input), *expected, "{command}");
        }
    }

    #[test]
    fn what_they_do_not_understand_is_said() {
        let cases: &[(&str, &[&str])] = &[
            ("grep", &["! Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.", "= 2"]),
            ("grep -Z x", &["! grep: invalid option -- 'Z'\nTry 'grep --help' for more information.", "= 2"]),
            ("head -n x", &["! head: invalid number of lines: 'x'", "= 1"]),
            ("cat nothing", &["! cat: nothing: No such file or directory", "= 1"]),
            ("awk '{printf \"x\"}'", &["! awk: what stands here is not understood in this terminal: \"x\"}", "= 2"]),
            ("cut x", &["! cut: you must specify a list of bytes, characters, or fields\nTry 'cut --help' for more information.", "= 1"]),
        ];
        for (command, expected) in cases {
            assert_eq!(run(command, "a\n"), *expected, "{command}");
        }
    }
}
