//! awk's machine: what a program does to each record.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex_lite::Regex;

use super::syntax::{Expr, Program, Statement, When};
use super::value::Value;
use crate::shell::pipe::Printer;

/// A program takes at most so many steps for one record.
const MOST_STEPS: u64 = 1_000_000;
/// All arrays together have at most so many elements.
pub(super) const MOST_ELEMENTS: usize = 200_000;
/// All variables and elements hold at most so many bytes.
const MOST_HELD: usize = 16 << 20;
/// A text is at most so long.
pub(super) const MOST_BYTES: usize = 1 << 20;
/// What is printed for one record is at most so much.
const MOST_PRINTED: usize = 4 << 20;
/// Functions call each other so deeply.
pub(super) const MOST_CALLS: usize = 40;
/// A record has at most so many fields.
pub(super) const MOST_FIELDS: usize = 100_000;

#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) program: Arc<Program>,
    pub(super) globals: BTreeMap<String, Value>,
    pub(super) arrays: BTreeMap<String, BTreeMap<String, Value>>,
    pub(super) elements: usize,
    /// Bytes of variables and elements.
    pub(super) held: usize,
    /// Of functions at work: parameters and their values.
    pub(super) locals: Vec<BTreeMap<String, Value>>,
    pub(super) record: Arc<str>,
    pub(super) fields: Vec<Value>,
    /// Ranges that have begun, by rule.
    pub(super) active: Vec<bool>,
    pub(super) out: String,
    pub(super) steps: u64,
    pub(super) regexes: BTreeMap<String, Regex>,
    pub(super) random: u64,
    pub(super) lines: f64,
    pub(super) ending: bool,
}

/// What a statement leads to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Flow {
    On,
    Next,
    Break,
    Continue,
    Exit(i32),
    Return(Value),
}

pub(super) type Done<T> = Result<T, String>;

impl Machine {
    pub(super) fn new(program: Arc<Program>) -> Machine {
        let given = [("FS", " "), ("OFS", " "), ("ORS", "\n"), ("SUBSEP", "\u{1c}"), ("OFMT", "%.6g"), ("CONVFMT", "%.6g")];
        let globals: BTreeMap<String, Value> = given.into_iter().map(|(name, value)| (name.to_owned(), Value::text(value))).collect();
        let held = globals.values().map(Value::bytes).sum();
        let active = vec![false; program.rules.len()];
        Machine {
            program,
            globals,
            arrays: BTreeMap::new(),
            elements: 0,
            held,
            locals: Vec::new(),
            record: "".into(),
            fields: Vec::new(),
            active,
            out: String::new(),
            steps: 0,
            regexes: BTreeMap::new(),
            random: 0x5eed,
            lines: 0.0,
            ending: false,
        }
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.held += value.bytes();
        let old = self.globals.insert(name.to_owned(), value);
        self.held -= old.map_or(0, |old| old.bytes());
    }

    /// Empties an array.
    pub(super) fn clear(&mut self, array: &str) {
        let gone = self.arrays.remove(array).unwrap_or_default();
        self.elements -= gone.len();
        self.held -= gone.iter().map(|(key, value)| key.len() + value.bytes()).sum::<usize>();
    }

    /// # Errors
    /// When variables and arrays hold too much.
    pub(super) fn check_held(&self) -> Done<()> {
        if self.held > MOST_HELD { Err(format!("more than {MOST_HELD} bytes in variables and arrays")) } else { Ok(()) }
    }

    pub(super) fn file(&mut self, name: &str) {
        self.set("FILENAME", Value::text(name));
        self.set("FNR", Value::Number(0.0));
    }

    /// Prints what was printed.
    pub(super) fn flush(&mut self, print: &mut Printer) {
        let out = std::mem::take(&mut self.out);
        match out.strip_suffix('\n') {
            Some(lines) => lines.split('\n').for_each(|line| print.line(line)),
            None if out.is_empty() => {}
            None => print.text(out),
        }
    }

    pub(super) fn begin(&mut self) -> Done<Flow> {
        self.rules(|when| matches!(when, When::Begin))
    }

    pub(super) fn end(&mut self) -> Done<Flow> {
        self.ending = true;
        self.rules(|when| matches!(when, When::End))
    }

    pub(super) fn record(&mut self, line: &str) -> Done<Flow> {
        self.lines += 1.0;
        self.set("NR", Value::Number(self.lines));
        let in_file = self.globals.get("FNR").map_or(0.0, Value::number);
        self.set("FNR", Value::Number(in_file + 1.0));
        self.set_record(line)?;
        self.rules(|when| !matches!(when, When::Begin | When::End))
    }

    fn rules(&mut self, due: impl Fn(&When) -> bool) -> Done<Flow> {
        self.steps = 0;
        self.locals.clear();
        let program = self.program.clone();
        for (n, rule) in program.rules.iter().enumerate().filter(|(_, rule)| due(&rule.when)) {
            let applies = match &rule.when {
                When::Begin | When::End | When::Always => true,
                When::If(condition) => self.truth(condition)?,
                When::Range(from, to) => {
                    let begins = self.active[n] || self.truth(from)?;
                    if begins {
                        self.active[n] = !self.truth(to)?;
                    }
                    begins
                }
            };
            if !applies {
                continue;
            }
            let flow = match &rule.body {
                None => {
                    let record = self.record.to_string();
                    self.print(&record)?;
                    let end = self.text_of("ORS");
                    self.print(&end)?;
                    Flow::On
                }
                Some(body) => self.statements(body)?,
            };
            match flow {
                Flow::On | Flow::Break | Flow::Continue | Flow::Return(_) => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::On)
    }

    pub(super) fn step(&mut self) -> Done<()> {
        self.steps += 1;
        if self.steps > MOST_STEPS { Err(format!("the program takes more than {MOST_STEPS} steps for one line")) } else { Ok(()) }
    }

    fn print(&mut self, text: &str) -> Done<()> {
        if self.out.len() + text.len() > MOST_PRINTED {
            return Err("more is printed for one line than there is room for".into());
        }
        self.out += text;
        Ok(())
    }

    pub(super) fn statements(&mut self, statements: &[Statement]) -> Done<Flow> {
        for statement in statements {
            let flow = self.statement(statement)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn statement(&mut self, statement: &Statement) -> Done<Flow> {
        self.step()?;
        match statement {
            Statement::Expr(expr) => drop(self.value(expr)?),
            Statement::Print(values) => {
                let mut texts = Vec::new();
                for value in values {
                    texts.push(self.value(value)?.string(self.precision("OFMT")));
                }
                let line = if values.is_empty() { self.record.to_string() } else { texts.join(&self.text_of("OFS")) };
                let end = self.text_of("ORS");
                self.print(&line)?;
                self.print(&end)?;
            }
            Statement::Printf(values) => {
                let text = self.formatted(values)?;
                self.print(&text)?;
            }
            Statement::If(condition, yes, no) => {
                let body = if self.truth(condition)? { yes } else { no };
                return self.statements(body);
            }
            Statement::While { condition, body, step, body_first } => {
                let mut first = *body_first;
                while std::mem::take(&mut first) || self.truth(condition)? {
                    self.step()?;
                    match self.statements(body)? {
                        Flow::On | Flow::Continue => {}
                        Flow::Break => break,
                        flow => return Ok(flow),
                    }
                    if let Some(step) = step {
                        self.statement(step)?;
                    }
                }
            }
            Statement::ForIn(name, array, body) => {
                let mut keys: Vec<String> = self.arrays.get(array).map(|array| array.keys().cloned().collect()).unwrap_or_default();
                // awk leaves the order open; numbers in their order are what a reader expects.
                if keys.iter().all(|key| key.parse::<f64>().is_ok()) {
                    keys.sort_by(|a, b| a.parse::<f64>().unwrap_or(0.0).total_cmp(&b.parse::<f64>().unwrap_or(0.0)));
                }
                for key in keys {
                    self.assign(&Expr::Variable(name.clone()), Value::input(&key))?;
                    match self.statements(body)? {
                        Flow::On | Flow::Continue => {}
                        Flow::Break => break,
                        flow => return Ok(flow),
                    }
                }
            }
            Statement::Block(body) => return self.statements(body),
            Statement::Delete(array, index) => match index {
                None => self.clear(array),
                Some(index) => {
                    let key = self.key(index)?;
                    let gone = self.arrays.get_mut(array).and_then(|array| array.remove(&key));
                    self.elements -= usize::from(gone.is_some());
                    self.held -= gone.map_or(0, |gone| key.len() + gone.bytes());
                }
            },
            Statement::Next => return Ok(Flow::Next),
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
            Statement::Exit(status) => {
                let status = status.as_ref().map(|status| self.value(status)).transpose()?;
                return Ok(Flow::Exit(status.map_or(0, |status| status.number() as i32 & 255)));
            }
            Statement::Return(value) => {
                let value = value.as_ref().map(|value| self.value(value)).transpose()?;
                return Ok(Flow::Return(value.unwrap_or(Value::Unset)));
            }
        }
        Ok(Flow::On)
    }
}
