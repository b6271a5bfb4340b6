//! `jq [-rcnsejSR] [--arg NAME VALUE] [--argjson NAME VALUE] FILTER [FILE]...`
//!
//! A small jq of our own: the crates that are well kept (jaq) would make up a quarter of the page, and cannot be stopped.

mod builtins;
mod calculate;
mod control;
mod eval;
mod items;
mod json;
mod lexer;
mod parser;
mod paths;
mod streams;
mod syntax;
mod terms;
mod text;

use std::collections::VecDeque;
use std::sync::Arc;

use self::eval::{Machine, Scope, Stop};
use self::json::Json;
use self::syntax::Expr;
use super::{Filter, Made, Place, made};
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Jq {
    program: Arc<Expr>,
    options: Options,
    named: Vec<(String, Json)>,
    now_ms: i64,
    /// Lines of a value that is not complete, and how it is nested so far.
    text: String,
    nesting: Nesting,
    /// All values, where the program wants them together.
    kept: VecDeque<Json>,
    lines: u64,
    last: Option<Json>,
    failed: bool,
    refused: Option<i32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Options {
    raw: bool,
    join: bool,
    compact: bool,
    null: bool,
    slurp: bool,
    exit_status: bool,
    sorted: bool,
    raw_input: bool,
    tab: bool,
    /// The program asks for further inputs itself.
    asks: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Nesting {
    depth: usize,
    quoted: bool,
    escaped: bool,
}

/// The values kept for `-s` together have at most so many bytes of text.
const MOST_KEPT: usize = 100_000;
/// A value is at most so long.
const MOST_BYTES: usize = 4 << 20;
/// For one input at most so much is printed.
const MOST_OUTPUTS: usize = 20_000;

pub(super) fn jq(args: &[String], place: Place) -> Made {
    let usage = "Usage:\tjq [OPTIONS] FILTER [FILES...]";
    let (mut options, mut named, mut words) = (Options::default(), Vec::new(), Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty() && !letters.starts_with('-')) {
            for letter in letters.chars() {
                match letter {
                    'r' => options.raw = true,
                    'j' => (options.raw, options.join) = (true, true),
                    'a' | 'M' | 'C' => {}
                    'c' => options.compact = true,
                    'n' => options.null = true,
                    's' => options.slurp = true,
                    'e' => options.exit_status = true,
                    'S' => options.sorted = true,
                    'R' => options.raw_input = true,
                    letter => return Err((format!("jq: Unknown arguments\nUnknown option: -{letter}\n{usage}"), 2)),
                }
            }
            continue;
        }
        match arg.as_str() {
            "--raw-output" => options.raw = true,
            "--join-output" => (options.raw, options.join) = (true, true),
            "--compact-output" => options.compact = true,
            "--null-input" => options.null = true,
            "--slurp" => options.slurp = true,
            "--exit-status" => options.exit_status = true,
            "--sort-keys" => options.sorted = true,
            "--raw-input" => options.raw_input = true,
            "--tab" => options.tab = true,
            "--unbuffered" | "--monochrome-output" => {}
            "--arg" | "--argjson" => {
                let (Some(name), Some(value)) = (args.next(), args.next()) else {
                    return Err((format!("jq: {arg} takes two parameters (e.g. {arg} varname value)\n{usage}"), 2));
                };
                let value = if arg == "--arg" { Ok(Json::text(value.as_str())) } else { json::read_one(value) };
                let value = value.map_err(|_| (format!("jq: Invalid JSON text passed to --argjson\n{usage}"), 2))?;
                named.push((name.clone(), value));
            }
            arg if arg.starts_with("--") => return Err((format!("jq: Unknown arguments\nUnknown option: {arg}\n{usage}"), 2)),
            word => words.push(word.to_owned()),
        }
    }
    if words.is_empty() {
        return Err((usage.to_owned(), 2));
    }
    let text = words.remove(0);
    let program =
        parser::parse(&text).map_err(|said| (format!("jq: error: {said} at <top-level>, line 1:\n{text}\njq: 1 compile error"), 3))?;
    options.asks = text.contains("input");
    made(
        Jq {
            program: Arc::new(program),
            options,
            named,
            now_ms: place.wall_ms,
            text: String::new(),
            nesting: Nesting::default(),
            kept: VecDeque::new(),
            lines: 0,
            last: None,
            failed: false,
            refused: None,
        },
        words,
    )
}

impl Nesting {
    fn read(&mut self, line: &str) {
        for c in line.chars() {
            match c {
                _ if self.escaped => self.escaped = false,
                '\\' if self.quoted => self.escaped = true,
                '"' => self.quoted = !self.quoted,
                _ if self.quoted => {}
                '[' | '{' => self.depth += 1,
                ']' | '}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }
}

impl Jq {
    fn is_kept(&self) -> bool {
        self.options.slurp || self.options.null || self.options.asks
    }

    /// Takes the values that are complete; a status ends the tool.
    fn take(&mut self, print: &mut Printer) -> Option<i32> {
        let text = std::mem::take(&mut self.text);
        self.nesting = Nesting::default();
        let (values, wrong) = json::read_all(&text);
        for value in values {
            self.value(value, print);
        }
        let wrong = wrong?;
        print.error(format!("jq: error (at <stdin>:{}): {wrong}", self.lines));
        Some(2)
    }

    fn value(&mut self, value: Json, print: &mut Printer) {
        if self.is_kept() {
            self.kept.push_back(value);
        } else {
            self.run(&value, print);
        }
    }

    /// Runs the program on one input.
    fn run(&mut self, input: &Json, print: &mut Printer) {
        let mut machine = Machine::new(self.now_ms);
        machine.inputs = std::mem::take(&mut self.kept);
        let mut scope = Scope::default();
        let all = Json::object(self.named.iter().map(|(name, value)| (name.as_str().into(), value.clone())).collect());
        for (name, value) in &self.named {
            scope = scope.with_value(name, value.clone());
        }
        scope = scope.with_value("__named", all);
        let (program, options) = (self.program.clone(), self.options);
        let (mut outputs, mut last) = (0, None);
        let done = machine.eval(&program, &scope, input, &mut |_, value| {
            outputs += 1;
            if outputs > MOST_OUTPUTS {
                return Err(Stop::Bound(format!("the program has more than {MOST_OUTPUTS} outputs for one input")));
            }
            show(&value, options, print);
            last = Some(value);
            Ok(())
        });
        self.kept = machine.inputs;
        self.last = last.or(self.last.take());
        let said = match done {
            Ok(()) | Err(Stop::Enough(_)) => return,
            Err(Stop::Bound(said)) if said.is_empty() => return,
            Err(Stop::Bound(said)) => format!("jq: error: {said}"),
            Err(Stop::Error(Json::Text(said))) => format!("jq: error (at <stdin>:{}): {said}", self.lines),
            Err(Stop::Error(Json::Null)) => format!("jq: error (at <stdin>:{}) (not a string): null", self.lines),
            Err(Stop::Error(value)) => format!("jq: error (at <stdin>:{}) (not a string): {}", self.lines, value.compact()),
        };
        self.failed = true;
        print.error(said);
    }
}

fn show(value: &Json, options: Options, print: &mut Printer) {
    let text = match value {
        Json::Text(text) if options.raw => text.to_string(),
        value if options.compact && options.sorted => value.sorted(),
        value if options.compact => value.compact(),
        value => value.pretty(if options.tab { "\t" } else { "  " }, options.sorted),
    };
    if options.join { print.text(text) } else { print.line(text) }
}

impl Filter for Jq {
    fn line(&mut self, line: String, ended: bool, print: &mut Printer) -> Option<i32> {
        self.lines += u64::from(ended);
        if self.kept.len() > MOST_KEPT || self.text.len() + line.len() > MOST_BYTES {
            print.error("jq: error: the input is larger than what is kept here");
            return Some(2);
        }
        if self.options.raw_input {
            if self.options.slurp {
                self.text += &line;
                self.text += if ended { "\n" } else { "" };
            } else {
                self.value(Json::text(line), print);
            }
            return None;
        }
        self.nesting.read(&line);
        self.text += &line;
        self.text.push('\n');
        if self.nesting.depth == 0 && !self.nesting.quoted { self.take(print) } else { None }
    }

    fn end(&mut self, print: &mut Printer) -> i32 {
        if self.options.raw_input && self.options.slurp {
            let text = std::mem::take(&mut self.text);
            self.run(&Json::text(text), print);
        } else if !self.text.trim().is_empty()
            && let Some(status) = self.take(print)
        {
            return status;
        }
        if self.options.slurp && !self.options.raw_input {
            let all = Json::array(std::mem::take(&mut self.kept).into());
            self.run(&all, print);
        } else if self.options.null {
            self.run(&Json::Null, print);
        } else if self.options.asks {
            while let Some(value) = self.kept.pop_front() {
                self.run(&value, print);
            }
        }
        match (self.failed, self.options.exit_status, &self.last) {
            (true, ..) => 5,
            (_, true, None) => 4,
            (_, true, Some(last)) if !last.is_true() => 1,
            _ => 0,
        }
    }

    fn is_done(&self) -> bool {
        self.refused.is_some() || (self.options.null && !self.options.asks)
    }

    fn produce(&mut self, print: &mut Printer) -> Option<i32> {
        if !self.options.null || self.options.asks {
            return None;
        }
        self.run(&Json::Null, print);
        Some(if self.failed { 5 } else { 0 })
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
