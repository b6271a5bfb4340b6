//! `awk [-F SEPARATOR] [-v NAME=VALUE]... PROGRAM [FILE]...`: POSIX's language, without files, pipes and `getline`.

mod eval;
mod expr;
mod functions;
mod lexer;
mod parser;
mod run;
mod syntax;
mod value;

use std::sync::Arc;

use self::run::{Flow, Machine};
use self::value::Value;
use super::args::Args;
use super::{Filter, Made, made};
use crate::shell::escapes::decode;
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Awk {
    machine: Machine,
    began: bool,
    /// The program only has `BEGIN`: no input is read.
    only_begin: bool,
    ended: Option<i32>,
}

pub(super) fn awk(args: &[String]) -> Made {
    let mut args = Args::parse("awk", args, "", "Fv").map_err(|(said, _)| (said, 2))?;
    if args.operands.is_empty() {
        return Err(("usage: awk [-F fs][-v var=value][prog | -f progfile][file ...]".into(), 2));
    }
    let program = args.operands.remove(0);
    let program = parser::parse(&program).map_err(|said| (format!("awk: {said}"), 2))?;
    let only_begin = program.rules.iter().all(|rule| matches!(rule.when, syntax::When::Begin));
    let mut machine = Machine::new(Arc::new(program));
    if let Some(separator) = args.value('F') {
        let separator = if separator == "t" { "\t".to_owned() } else { decode(separator).text };
        machine.set("FS", Value::text(separator));
    }
    for word in args.values('v') {
        let Some((name, value)) = word.split_once('=') else {
            return Err((format!("awk: `{word}' argument to `-v' not in `var=value' form"), 2));
        };
        machine.set(name, Value::input(&decode(value).text));
    }
    // `NAME=VALUE` among the files is an assignment too.
    let mut files = Vec::new();
    for operand in args.operands {
        match operand.split_once('=') {
            Some((name, value)) if crate::shell::syntax::is_name(name) => machine.set(name, Value::input(value)),
            _ => files.push(operand),
        }
    }
    made(Awk { machine, began: false, only_begin, ended: None }, files)
}

impl Awk {
    /// Carries out what is due; a status ends the tool.
    fn after(&mut self, flow: Result<Flow, String>, print: &mut Printer) -> Option<i32> {
        self.machine.flush(print);
        match flow {
            Ok(Flow::Exit(status)) => {
                // `exit` runs what stands under END, unless it stands there.
                if !self.machine.ending {
                    return Some(self.finish(status, print));
                }
                Some(status)
            }
            Ok(_) => None,
            Err(said) => {
                print.error(format!("awk: {said}"));
                Some(2)
            }
        }
    }

    fn begin(&mut self, print: &mut Printer) -> Option<i32> {
        if std::mem::replace(&mut self.began, true) {
            return None;
        }
        let flow = self.machine.begin();
        let status = self.after(flow, print);
        if status.is_none() && self.only_begin {
            return Some(0);
        }
        status
    }

    fn finish(&mut self, status: i32, print: &mut Printer) -> i32 {
        let flow = self.machine.end();
        self.after(flow, print).unwrap_or(status)
    }
}

impl Filter for Awk {
    fn line(&mut self, line: String, _ended: bool, print: &mut Printer) -> Option<i32> {
        let flow = self.machine.record(&line);
        self.after(flow, print)
    }

    fn input(&mut self, name: &str, _print: &mut Printer) {
        self.machine.file(name);
    }

    fn end(&mut self, print: &mut Printer) -> i32 {
        if let Some(status) = self.ended {
            return status;
        }
        self.finish(0, print)
    }

    fn is_done(&self) -> bool {
        self.ended.is_some()
    }

    fn produce(&mut self, print: &mut Printer) -> Option<i32> {
        let status = self.begin(print)?;
        self.ended = Some(status);
        Some(status)
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
