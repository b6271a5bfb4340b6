//! `awk [-F SEPARATOR] PROGRAM [FILE]...`, the part of it that is typed at a prompt: `{print $2, $4}`, `/x/ {n++} END {print n}`.
//!
//! Rules with `BEGIN`, `END`, a regular expression, a comparison or nothing in front; statements `print`, assignment, `++`; values are
//! fields, variables, `NR`, `NF`, numbers and strings; operators `+ - * /`, comparisons, and putting texts side by side.

use std::collections::BTreeMap;

use regex_lite::Regex;

use super::args::Args;
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
pub(super) struct Awk {
    rules: Vec<Rule>,
    separator: Option<String>,
    variables: BTreeMap<String, Value>,
    lines: u64,
    began: bool,
}

#[derive(Clone, Debug)]
struct Rule {
    when: When,
    actions: Vec<Action>,
}

#[derive(Clone, Debug)]
enum When {
    Begin,
    End,
    Always,
    Matches(Regex),
    Holds(Expr),
}

#[derive(Clone, Debug)]
enum Action {
    /// Nothing to print means the whole line.
    Print(Vec<Expr>),
    Set(String, Expr),
}

#[derive(Clone, Debug)]
enum Expr {
    Value(Value),
    Variable(String),
    Field(Box<Expr>),
    Operation(Box<Expr>, Op, Box<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    Join,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    More,
    MoreOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(f64),
    Text(String),
}

pub(super) fn awk(args: &[String], operands: &mut Vec<String>) -> Result<Awk, (String, i32)> {
    let args = Args::parse("awk", args, "", "F")?;
    let mut words = args.operands.iter();
    let Some(program) = words.next() else { return Err(("usage: awk [-F fs] 'prog' [file ...]".into(), 2)) };
    *operands = words.cloned().collect();
    let mut parser = Parser { rest: program.trim() };
    let rules = parser.rules().map_err(|near| (format!("awk: what stands here is not understood in this terminal: {near}"), 2))?;
    let separator = args.value('F').map(|text| if text == "\\t" { "\t".to_owned() } else { text.to_owned() });
    Ok(Awk { rules, separator, variables: BTreeMap::new(), lines: 0, began: false })
}

impl Awk {
    pub(super) fn line(&mut self, line: &str, print: &mut Printer) {
        self.begin(print);
        self.lines += 1;
        self.run(line, print, |when| !matches!(when, When::Begin | When::End));
    }

    pub(super) fn end(&mut self, print: &mut Printer) {
        self.begin(print);
        self.run("", print, |when| matches!(when, When::End));
    }

    fn begin(&mut self, print: &mut Printer) {
        if !std::mem::replace(&mut self.began, true) {
            self.run("", print, |when| matches!(when, When::Begin));
        }
    }

    fn run(&mut self, line: &str, print: &mut Printer, due: impl Fn(&When) -> bool) {
        let fields: Vec<String> = match self.separator.as_deref() {
            None | Some(" ") => line.split_whitespace().map(str::to_owned).collect(),
            Some(_) if line.is_empty() => Vec::new(),
            Some(separator) => line.split(separator).map(str::to_owned).collect(),
        };
        let rules = self.rules.clone();
        for rule in rules.iter().filter(|rule| due(&rule.when)) {
            let applies = match &rule.when {
                When::Matches(pattern) => pattern.is_match(line),
                When::Holds(condition) => self.value(condition, line, &fields).is_true(),
                When::Begin | When::End | When::Always => true,
            };
            for action in rule.actions.iter().filter(|_| applies) {
                match action {
                    Action::Print(values) if values.is_empty() => print.line(line),
                    Action::Print(values) => {
                        let texts: Vec<String> = values.iter().map(|value| self.value(value, line, &fields).text()).collect();
                        print.line(texts.join(" "));
                    }
                    Action::Set(name, value) => {
                        let value = self.value(value, line, &fields);
                        self.variables.insert(name.clone(), value);
                    }
                }
            }
        }
    }

    fn value(&self, expr: &Expr, line: &str, fields: &[String]) -> Value {
        match expr {
            Expr::Value(value) => value.clone(),
            Expr::Variable(name) => match name.as_str() {
                "NR" => Value::Number(self.lines as f64),
                "NF" => Value::Number(fields.len() as f64),
                name => self.variables.get(name).cloned().unwrap_or(Value::Text(String::new())),
            },
            Expr::Field(number) => {
                let number = self.value(number, line, fields).number();
                let field = if number < 1.0 { Some(line) } else { fields.get(number as usize - 1).map(String::as_str) };
                Value::Text(field.unwrap_or_default().to_owned())
            }
            Expr::Operation(a, op, b) => op.apply(&self.value(a, line, fields), &self.value(b, line, fields)),
        }
    }
}

impl Value {
    /// A text counts as the number it begins with.
    fn number(&self) -> f64 {
        match self {
            Value::Number(number) => *number,
            Value::Text(text) => {
                let text = text.trim_start();
                let end = text.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))).unwrap_or(text.len());
                text[..end].parse().unwrap_or(0.0)
            }
        }
    }

    fn text(&self) -> String {
        match self {
            Value::Text(text) => text.clone(),
            Value::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{}", *number as i64),
            // OFMT is %.6g; six decimals are near enough for what is typed at a prompt.
            Value::Number(number) => format!("{number:.6}").trim_end_matches('0').trim_end_matches('.').to_owned(),
        }
    }

    fn is_numeric(&self) -> bool {
        match self {
            Value::Number(_) => true,
            Value::Text(text) => text.trim().parse::<f64>().is_ok(),
        }
    }

    fn is_true(&self) -> bool {
        if self.is_numeric() { self.number() != 0.0 } else { !self.text().is_empty() }
    }
}

impl Op {
    fn apply(self, a: &Value, b: &Value) -> Value {
        let order = || {
            if a.is_numeric() && b.is_numeric() { a.number().total_cmp(&b.number()) } else { a.text().cmp(&b.text()) }
        };
        let truth = |holds: bool| Value::Number(f64::from(u8::from(holds)));
        match self {
            Op::Add => Value::Number(a.number() + b.number()),
            Op::Subtract => Value::Number(a.number() - b.number()),
            Op::Multiply => Value::Number(a.number() * b.number()),
            Op::Divide => Value::Number(if b.number() == 0.0 { 0.0 } else { a.number() / b.number() }),
            Op::Join => Value::Text(a.text() + &b.text()),
            Op::Less => truth(order().is_lt()),
            Op::LessOrEqual => truth(order().is_le()),
            Op::Equal => truth(order().is_eq()),
            Op::NotEqual => truth(order().is_ne()),
            Op::More => truth(order().is_gt()),
            Op::MoreOrEqual => truth(order().is_ge()),
        }
    }
}

/// Reads a program; an error is the text that is not understood.
struct Parser<'a> {
    rest: &'a str,
}

type Parsed<'a, T> = Result<T, &'a str>;

impl<'a> Parser<'a> {
    fn rules(&mut self) -> Parsed<'a, Vec<Rule>> {
        let mut rules = Vec::new();
        loop {
            self.skip(|c| c.is_whitespace() || c == ';');
            if self.rest.is_empty() {
                return Ok(rules);
            }
            let when = if self.rest.starts_with('{') {
                When::Always
            } else if self.take("BEGIN") {
                When::Begin
            } else if self.take("END") {
                When::End
            } else if self.take("/") {
                let (pattern, rest) = self.rest.split_once('/').ok_or(self.rest)?;
                self.rest = rest;
                When::Matches(Regex::new(pattern).map_err(|_| pattern)?)
            } else {
                When::Holds(self.expr()?)
            };
            self.skip(char::is_whitespace);
            let actions = if self.take("{") { self.actions()? } else { vec![Action::Print(Vec::new())] };
            rules.push(Rule { when, actions });
        }
    }

    fn actions(&mut self) -> Parsed<'a, Vec<Action>> {
        let mut actions = Vec::new();
        loop {
            self.skip(|c| c.is_whitespace() || c == ';');
            if self.take("}") {
                return Ok(actions);
            }
            let is_print =
                |rest: &str| rest.strip_prefix("print").is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
            if is_print(self.rest) && self.take("print") {
                let mut values = Vec::new();
                self.skip(|c| c == ' ');
                while !self.rest.is_empty() && !self.rest.starts_with([';', '}', '\n']) {
                    values.push(self.expr()?);
                    self.skip(|c| c == ' ');
                    if !self.take(",") {
                        break;
                    }
                }
                actions.push(Action::Print(values));
                continue;
            }
            let name = self.name().ok_or(self.rest)?;
            self.skip(|c| c == ' ');
            let own = || Box::new(Expr::Variable(name.to_owned()));
            let one = || Box::new(Expr::Value(Value::Number(1.0)));
            let value = if self.take("++") {
                Expr::Operation(own(), Op::Add, one())
            } else if self.take("--") {
                Expr::Operation(own(), Op::Subtract, one())
            } else if self.take("+=") {
                Expr::Operation(own(), Op::Add, Box::new(self.expr()?))
            } else if self.take("-=") {
                Expr::Operation(own(), Op::Subtract, Box::new(self.expr()?))
            } else if !self.rest.starts_with("==") && self.take("=") {
                self.expr()?
            } else {
                return Err(self.rest);
            };
            actions.push(Action::Set(name.to_owned(), value));
        }
    }

    fn expr(&mut self) -> Parsed<'a, Expr> {
        const COMPARISONS: &[(&str, Op)] =
            &[("<=", Op::LessOrEqual), (">=", Op::MoreOrEqual), ("==", Op::Equal), ("!=", Op::NotEqual), ("<", Op::Less), (">", Op::More)];
        let left = self.joined()?;
        self.skip(|c| c == ' ');
        let op = COMPARISONS.iter().find(|(text, _)| self.rest.starts_with(text));
        let Some((text, op)) = op else { return Ok(left) };
        self.rest = &self.rest[text.len()..];
        Ok(Expr::Operation(Box::new(left), *op, Box::new(self.joined()?)))
    }

    fn joined(&mut self) -> Parsed<'a, Expr> {
        let mut left = self.sum()?;
        loop {
            self.skip(|c| c == ' ');
            if !self.rest.starts_with(|c: char| c.is_alphanumeric() || "$\"(_".contains(c)) {
                return Ok(left);
            }
            left = Expr::Operation(Box::new(left), Op::Join, Box::new(self.sum()?));
        }
    }

    fn sum(&mut self) -> Parsed<'a, Expr> {
        self.chain(Parser::product, &[("+", Op::Add), ("-", Op::Subtract)])
    }

    fn product(&mut self) -> Parsed<'a, Expr> {
        self.chain(Parser::atom, &[("*", Op::Multiply), ("/", Op::Divide)])
    }

    fn chain(&mut self, next: fn(&mut Self) -> Parsed<'a, Expr>, ops: &[(&str, Op)]) -> Parsed<'a, Expr> {
        let mut left = next(self)?;
        loop {
            self.skip(|c| c == ' ');
            let Some((_, op)) = ops.iter().find(|(text, _)| self.take(text)) else { return Ok(left) };
            left = Expr::Operation(Box::new(left), *op, Box::new(next(self)?));
        }
    }

    fn atom(&mut self) -> Parsed<'a, Expr> {
        self.skip(|c| c == ' ');
        if self.take("$") {
            return Ok(Expr::Field(Box::new(self.atom()?)));
        }
        if self.take("(") {
            let inner = self.expr()?;
            self.skip(|c| c == ' ');
            return if self.take(")") { Ok(inner) } else { Err(self.rest) };
        }
        if self.take("\"") {
            let (text, rest) = self.rest.split_once('"').ok_or(self.rest)?;
            self.rest = rest;
            return Ok(Expr::Value(Value::Text(super::escapes(text))));
        }
        let digits = self.rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(self.rest.len());
        if let Ok(number) = self.rest[..digits].parse() {
            self.rest = &self.rest[digits..];
            return Ok(Expr::Value(Value::Number(number)));
        }
        let name = self.name().ok_or(self.rest)?;
        Ok(Expr::Variable(name.to_owned()))
    }

    fn name(&mut self) -> Option<&'a str> {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !rest.starts_with('(');
        is_name.then(|| {
            self.rest = rest;
            name
        })
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip(&mut self, what: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(what);
    }
}
