//! awk's machine: what a program does to each record.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex_lite::Regex;

use super::super::echo::Spec;
use super::parser::{Expr, Program, Statement, When};
use super::value::Value;
use crate::shell::pipe::Printer;

/// A program takes at most so many steps for one record.
const MOST_STEPS: u64 = 1_000_000;
/// All arrays together have at most so many elements.
const MOST_ELEMENTS: usize = 200_000;
/// A text is at most so long.
const MOST_BYTES: usize = 1 << 20;
/// What is printed for one record is at most so much.
const MOST_PRINTED: usize = 4 << 20;
/// Functions call each other so deeply.
const MOST_CALLS: usize = 40;
/// A record has at most so many fields.
const MOST_FIELDS: usize = 100_000;

#[derive(Clone, Debug)]
pub(super) struct Machine {
    program: Arc<Program>,
    globals: BTreeMap<String, Value>,
    arrays: BTreeMap<String, BTreeMap<String, Value>>,
    elements: usize,
    /// Of functions at work: parameters and their values.
    locals: Vec<BTreeMap<String, Value>>,
    record: Arc<str>,
    fields: Vec<Value>,
    /// Ranges that have begun, by rule.
    active: Vec<bool>,
    out: String,
    steps: u64,
    regexes: BTreeMap<String, Regex>,
    random: u64,
    lines: f64,
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

type Done<T> = Result<T, String>;

impl Machine {
    pub(super) fn new(program: Arc<Program>) -> Machine {
        let given = [("FS", " "), ("OFS", " "), ("ORS", "\n"), ("SUBSEP", "\u{1c}"), ("OFMT", "%.6g"), ("CONVFMT", "%.6g")];
        let globals = given.into_iter().map(|(name, value)| (name.to_owned(), Value::text(value))).collect();
        let active = vec![false; program.rules.len()];
        Machine {
            program,
            globals,
            arrays: BTreeMap::new(),
            elements: 0,
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
        self.globals.insert(name.to_owned(), value);
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

    fn step(&mut self) -> Done<()> {
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

    fn statements(&mut self, statements: &[Statement]) -> Done<Flow> {
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
                None => {
                    let gone = self.arrays.remove(array).map_or(0, |array| array.len());
                    self.elements -= gone;
                }
                Some(index) => {
                    let key = self.key(index)?;
                    let gone = self.arrays.get_mut(array).and_then(|array| array.remove(&key));
                    self.elements -= usize::from(gone.is_some());
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

    fn truth(&mut self, expr: &Expr) -> Done<bool> {
        Ok(self.value(expr)?.is_true())
    }

    fn text(&mut self, expr: &Expr) -> Done<Arc<str>> {
        let value = self.value(expr)?;
        Ok(value.string(self.precision("CONVFMT")))
    }

    fn text_of(&self, name: &str) -> String {
        self.globals.get(name).map(|value| value.string(None).to_string()).unwrap_or_default()
    }

    /// The precision in `%.6g`.
    fn precision(&self, name: &str) -> Option<usize> {
        let format = self.globals.get(name)?.string(None);
        format.strip_prefix("%.")?.strip_suffix('g')?.parse().ok().map(|precision: usize| precision.clamp(1, 30))
    }

    fn value(&mut self, expr: &Expr) -> Done<Value> {
        self.step()?;
        Ok(match expr {
            Expr::Number(number) => Value::Number(*number),
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Regex(regex) => Value::truth(regex.is_match(&self.record)),
            Expr::Variable(name) => self.variable(name),
            Expr::Element(array, index) => {
                let key = self.key(index)?;
                match self.arrays.get(array).and_then(|array| array.get(&key)) {
                    Some(value) => value.clone(),
                    None => {
                        self.put(array, key, Value::Unset)?;
                        Value::Unset
                    }
                }
            }
            Expr::Field(number) => {
                let number = self.value(number)?.number();
                if number < 0.0 {
                    return Err(format!("attempt to access field {number}"));
                }
                match number as usize {
                    0 => Value::Input(self.record.clone()),
                    n => self.fields.get(n - 1).cloned().unwrap_or(Value::Unset),
                }
            }
            Expr::Assign(place, operator, right) => {
                let right = self.value(right)?;
                let value = match operator {
                    None => right,
                    Some(operator) => {
                        let left = self.value(place)?;
                        calculate(operator, left.number(), right.number())?
                    }
                };
                self.assign(place, value.clone())?;
                value
            }
            Expr::Step(place, by, old) => {
                let before = self.value(place)?.number();
                self.assign(place, Value::Number(before + by))?;
                Value::Number(if *old { before } else { before + by })
            }
            Expr::Unary("!", inner) => Value::truth(!self.truth(inner)?),
            Expr::Unary("-", inner) => Value::Number(-self.value(inner)?.number()),
            Expr::Unary("+", inner) => Value::Number(self.value(inner)?.number()),
            Expr::Unary(_, inner) => self.value(inner)?,
            Expr::Binary(a, "&&", b) => Value::truth(self.truth(a)? && self.truth(b)?),
            Expr::Binary(a, "||", b) => Value::truth(self.truth(a)? || self.truth(b)?),
            Expr::Binary(a, " ", b) => {
                let (a, b) = (self.text(a)?, self.text(b)?);
                if a.len() + b.len() > MOST_BYTES {
                    return Err(format!("a text of more than {MOST_BYTES} bytes"));
                }
                Value::text(format!("{a}{b}"))
            }
            Expr::Binary(a, operator, b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                let order = || a.compare(&b);
                match *operator {
                    "<" => Value::truth(order().is_lt()),
                    "<=" => Value::truth(order().is_le()),
                    "==" => Value::truth(order().is_eq()),
                    "!=" => Value::truth(order().is_ne()),
                    ">" => Value::truth(order().is_gt()),
                    ">=" => Value::truth(order().is_ge()),
                    operator => calculate(operator, a.number(), b.number())?,
                }
            }
            Expr::Matches(text, pattern, negated) => {
                let text = self.text(text)?;
                Value::truth(self.regex(pattern)?.is_match(&text) != *negated)
            }
            Expr::In(index, array) => {
                let key = self.key(index)?;
                Value::truth(self.arrays.get(array).is_some_and(|array| array.contains_key(&key)))
            }
            Expr::Choice(condition, yes, no) => {
                if self.truth(condition)? {
                    self.value(yes)?
                } else {
                    self.value(no)?
                }
            }
            Expr::Call(name, args) => self.call(name, args)?,
        })
    }

    fn variable(&self, name: &str) -> Value {
        if let Some(value) = self.locals.last().and_then(|locals| locals.get(name)) {
            return value.clone();
        }
        match name {
            "NF" => Value::Number(self.fields.len() as f64),
            name => self.globals.get(name).cloned().unwrap_or(Value::Unset),
        }
    }

    fn key(&mut self, index: &[Expr]) -> Done<String> {
        let mut parts = Vec::new();
        for part in index {
            parts.push(self.text(part)?);
        }
        Ok(parts.join(&self.text_of("SUBSEP")))
    }

    fn put(&mut self, array: &str, key: String, value: Value) -> Done<()> {
        let array = self.arrays.entry(array.to_owned()).or_default();
        if array.insert(key, value).is_none() {
            self.elements += 1;
        }
        if self.elements > MOST_ELEMENTS { Err(format!("more than {MOST_ELEMENTS} elements in arrays")) } else { Ok(()) }
    }

    fn assign(&mut self, place: &Expr, value: Value) -> Done<()> {
        match place {
            Expr::Variable(name) => {
                if let Some(local) = self.locals.last_mut().and_then(|locals| locals.get_mut(name)) {
                    *local = value;
                } else if name == "NF" {
                    let count = value.number().max(0.0) as usize;
                    if count > MOST_FIELDS {
                        return Err(format!("more than {MOST_FIELDS} fields"));
                    }
                    self.fields.resize(count, Value::text(""));
                    self.join_fields()?;
                } else {
                    self.globals.insert(name.clone(), value);
                }
                Ok(())
            }
            Expr::Element(array, index) => {
                let key = self.key(index)?;
                self.put(array, key, value)
            }
            Expr::Field(number) => {
                let number = self.value(number)?.number();
                if number < 1.0 {
                    let text = value.string(None).to_string();
                    return self.set_record(&text);
                }
                let n = number as usize;
                if n > MOST_FIELDS {
                    return Err(format!("more than {MOST_FIELDS} fields"));
                }
                if self.fields.len() < n {
                    self.fields.resize(n, Value::text(""));
                }
                self.fields[n - 1] = value;
                self.join_fields()
            }
            _ => Err("something is assigned to what is no variable".into()),
        }
    }

    fn join_fields(&mut self) -> Done<()> {
        let texts: Vec<Arc<str>> = self.fields.iter().map(|field| field.string(None)).collect();
        let record = texts.join(&self.text_of("OFS"));
        if record.len() > MOST_BYTES {
            return Err(format!("a text of more than {MOST_BYTES} bytes"));
        }
        self.record = record.into();
        Ok(())
    }

    fn set_record(&mut self, line: &str) -> Done<()> {
        self.record = line.into();
        let separator = self.text_of("FS");
        self.fields = self.split(line, &separator)?.into_iter().map(|field| Value::input(&field)).collect();
        Ok(())
    }

    /// A text split as `FS` says.
    fn split(&mut self, text: &str, separator: &str) -> Done<Vec<String>> {
        let mut chars = separator.chars();
        let found: Vec<String> = match (chars.next(), chars.next()) {
            (Some(' '), None) => text.split_whitespace().map(str::to_owned).collect(),
            _ if text.is_empty() => Vec::new(),
            (None, _) => text.chars().map(String::from).collect(),
            (Some(c), None) if c != '\\' => text.split(c).map(str::to_owned).collect(),
            _ => {
                let regex = self.compiled(separator)?;
                let mut parts = Vec::new();
                let mut from = 0;
                for hit in regex.find_iter(text).filter(|hit| !hit.is_empty()) {
                    parts.push(text[from..hit.start()].to_owned());
                    from = hit.end();
                }
                parts.push(text[from..].to_owned());
                parts
            }
        };
        if found.len() > MOST_FIELDS { Err(format!("more than {MOST_FIELDS} fields")) } else { Ok(found) }
    }

    fn compiled(&mut self, text: &str) -> Done<Regex> {
        if let Some(regex) = self.regexes.get(text) {
            return Ok(regex.clone());
        }
        if self.regexes.len() > 100 {
            self.regexes.clear();
        }
        let regex = super::super::regex::compile(text, true, false)?;
        self.regexes.insert(text.to_owned(), regex.clone());
        Ok(regex)
    }

    fn regex(&mut self, expr: &Expr) -> Done<Regex> {
        if let Expr::Regex(regex) = expr {
            return Ok(regex.clone());
        }
        let text = self.text(expr)?;
        self.compiled(&text)
    }

    fn formatted(&mut self, args: &[Expr]) -> Done<String> {
        let mut values = Vec::new();
        for arg in args {
            values.push(self.value(arg)?);
        }
        let Some((format, values)) = values.split_first() else { return Err("printf: no format".into()) };
        let format = format.string(None);
        let mut values = values.iter();
        let (mut text, mut rest) = (String::new(), &*format);
        while let Some(at) = rest.find('%') {
            text += &rest[..at];
            rest = &rest[at + 1..];
            let mut spec = Spec::default();
            rest = spec.read(rest, &mut || values.next().map(|value| value.string(None).to_string()));
            let Some(letter) = rest.chars().next() else {
                text.push('%');
                break;
            };
            rest = &rest[letter.len_utf8()..];
            let piece = match letter {
                '%' => "%".to_owned(),
                's' => {
                    let piece = values.next().map(|value| value.string(None).to_string()).unwrap_or_default();
                    piece.chars().take(spec.precision.unwrap_or(usize::MAX)).collect()
                }
                'c' => match values.next() {
                    Some(Value::Number(code)) => char::from_u32(*code as u32).map(String::from).unwrap_or_default(),
                    Some(value) => value.string(None).chars().take(1).collect(),
                    None => String::new(),
                },
                letter => {
                    let number = values.next().map_or(0.0, Value::number);
                    let shown = match letter {
                        'd' | 'i' | 'u' | 'x' | 'X' | 'o' => (number as i64).to_string(),
                        _ => format!("{number}"),
                    };
                    match spec.number(letter, &shown) {
                        Some((piece, _)) => piece,
                        None => format!("%{letter}"),
                    }
                }
            };
            text += &spec.pad(&piece, letter);
            if text.len() > MOST_BYTES {
                return Err(format!("a text of more than {MOST_BYTES} bytes"));
            }
        }
        Ok(text + rest)
    }

    fn call(&mut self, name: &str, args: &[Expr]) -> Done<Value> {
        if let Some(function) = self.program.clone().functions.get(name) {
            if self.locals.len() >= MOST_CALLS {
                return Err(format!("functions call each other more than {MOST_CALLS} deep"));
            }
            let mut locals = BTreeMap::new();
            for (n, param) in function.params.iter().enumerate() {
                let value = args.get(n).map(|arg| self.value(arg)).transpose()?;
                locals.insert(param.clone(), value.unwrap_or(Value::Unset));
            }
            self.locals.push(locals);
            let flow = self.statements(&function.body);
            self.locals.pop();
            return Ok(match flow? {
                Flow::Return(value) => value,
                _ => Value::Unset,
            });
        }
        if let ("split" | "length", Some(Expr::Variable(array))) = (name, args.get(usize::from(name == "split"))) {
            if name == "split" {
                return self.split_into(args, array);
            }
            if let Some(array) = self.arrays.get(array) {
                return Ok(Value::Number(array.len() as f64));
            }
        }
        if let "sub" | "gsub" = name {
            return self.substitute(args, name == "gsub");
        }
        if let ("match", [text, pattern]) = (name, args) {
            let text = self.text(text)?;
            let found = self.regex(pattern)?.find(&text).map(|found| (found.start(), found.as_str().chars().count()));
            let (start, length) = found.map_or((0.0, -1.0), |(at, length)| (text[..at].chars().count() as f64 + 1.0, length as f64));
            self.set("RSTART", Value::Number(start));
            self.set("RLENGTH", Value::Number(length));
            return Ok(Value::Number(start));
        }
        if name == "sprintf" {
            return Ok(Value::text(self.formatted(args)?));
        }
        let mut values = Vec::new();
        for arg in args {
            values.push(self.value(arg)?);
        }
        let text = |n: usize| values.get(n).map_or_else(|| "".into(), |value| value.string(None));
        let number = |n: usize| values.get(n).map_or(0.0, Value::number);
        Ok(match name {
            "length" if args.is_empty() => Value::Number(self.record.chars().count() as f64),
            "length" => Value::Number(text(0).chars().count() as f64),
            "substr" => {
                let from = libm::round(number(1));
                let until = if values.len() > 2 { from + libm::round(number(2)) } else { f64::INFINITY };
                let inside = |n: usize| (n as f64 + 1.0) >= from && (n as f64 + 1.0) < until;
                Value::text(text(0).chars().enumerate().filter(|(n, _)| inside(*n)).map(|(_, c)| c).collect::<String>())
            }
            "index" => Value::Number(text(0).find(&*text(1)).map_or(0.0, |at| text(0)[..at].chars().count() as f64 + 1.0)),
            "toupper" => Value::text(text(0).to_uppercase()),
            "tolower" => Value::text(text(0).to_lowercase()),
            "int" => Value::Number(number(0).trunc()),
            "sqrt" => Value::Number(libm::sqrt(number(0))),
            "exp" => Value::Number(libm::exp(number(0))),
            "log" => Value::Number(libm::log(number(0))),
            "sin" => Value::Number(libm::sin(number(0))),
            "cos" => Value::Number(libm::cos(number(0))),
            "atan2" => Value::Number(libm::atan2(number(0), number(1))),
            "rand" => {
                self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                Value::Number((self.random >> 33) as f64 / f64::from(1_u32 << 31))
            }
            "srand" => {
                self.random = number(0) as u64;
                Value::Number(0.0)
            }
            "strftime" => Value::text(super::super::echo::strftime(&text(0), (number(1) * 1_000.0) as i64)),
            "substring" | "system" | "close" | "fflush" | "getline" => return Err(format!("{name} is not to be had in this terminal")),
            name => return Err(format!("function {name} not defined")),
        })
    }

    fn split_into(&mut self, args: &[Expr], array: &str) -> Done<Value> {
        let text = self.text(&args[0])?;
        let separator = match args.get(2) {
            None => self.text_of("FS"),
            Some(Expr::Regex(regex)) => regex.as_str().to_owned(),
            Some(other) => self.text(other)?.to_string(),
        };
        let parts = self.split(&text, &separator)?;
        let gone = self.arrays.remove(array).map_or(0, |array| array.len());
        self.elements -= gone;
        let count = parts.len();
        for (n, part) in parts.into_iter().enumerate() {
            self.put(array, (n + 1).to_string(), Value::input(&part))?;
        }
        Ok(Value::Number(count as f64))
    }

    fn substitute(&mut self, args: &[Expr], all: bool) -> Done<Value> {
        let [pattern, with, rest @ ..] = args else { return Err("sub: too few arguments".into()) };
        let regex = self.regex(pattern)?;
        let with = self.text(with)?;
        let whole = Expr::Field(Box::new(Expr::Number(0.0)));
        let place = rest.first().unwrap_or(&whole);
        let text = self.text(place)?;
        let (mut changed, mut from, mut count) = (String::new(), 0, 0_u32);
        for found in regex.find_iter(&text) {
            changed += &text[from..found.start()];
            let mut chars = with.chars().peekable();
            while let Some(c) = chars.next() {
                match c {
                    '&' => changed += found.as_str(),
                    '\\' if chars.peek() == Some(&'&') => changed.extend(chars.next()),
                    c => changed.push(c),
                }
            }
            from = found.end();
            count += 1;
            if changed.len() > MOST_BYTES {
                return Err(format!("a text of more than {MOST_BYTES} bytes"));
            }
            if !all {
                break;
            }
        }
        if count > 0 {
            changed += &text[from..];
            self.assign(place, Value::text(changed))?;
        }
        Ok(Value::Number(f64::from(count)))
    }
}

fn calculate(operator: &str, a: f64, b: f64) -> Done<Value> {
    Ok(Value::Number(match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" | "%" if b == 0.0 => return Err("division by zero".into()),
        "/" => a / b,
        "%" => libm::fmod(a, b),
        _ => libm::pow(a, b),
    }))
}
