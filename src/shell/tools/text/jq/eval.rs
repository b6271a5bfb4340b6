//! jq's machine: an expression gives its outputs one by one to whoever asked.
//!
//! Steps and depth are counted, so that no program keeps the terminal from going on; what goes too far is an error that nothing catches.

use std::sync::Arc;

use super::control::key;
use super::json::Json;
use super::paths::get;
use super::syntax::{Definition, Expr, Piece};
use super::{calculate, text};

/// A program takes at most so many steps for one input.
pub(super) const MOST_STEPS: u64 = 500_000;
/// Evaluations within each other.
pub(super) const MAX_DEPTH: usize = 120;
/// Values within each other.
pub(super) const MOST_NESTED: usize = 150;
/// A text or array holds at most so much.
pub(super) const MOST_BYTES: usize = 1 << 20;

/// What ends an evaluation.
#[derive(Clone, Debug)]
pub(super) enum Stop {
    /// jq's errors have a value.
    Error(Json),
    /// Nobody wants more outputs; the number says who.
    Enough(u64),
    /// A bound was reached.
    Bound(String),
}

pub(super) type Done<T> = Result<T, Stop>;

/// Where names mean something.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope(Option<Arc<Link>>);

#[derive(Debug)]
pub(super) struct Link {
    pub(super) name: String,
    pub(super) meaning: Meaning,
    pub(super) next: Scope,
}

#[derive(Clone, Debug)]
pub(super) enum Meaning {
    Value(Json),
    /// A function's argument: an expression where it was given.
    Closure(Expr, Scope),
    Function(Arc<Definition>),
}

/// The machine.
pub(super) struct Machine {
    pub steps: u64,
    pub(super) depth: usize,
    pub(super) labels: u64,
    /// Further inputs, for `input` and `inputs`.
    pub inputs: std::collections::VecDeque<Json>,
    pub now_ms: i64,
}

pub(super) type Sink<'a> = &'a mut dyn FnMut(&mut Machine, Json) -> Done<()>;
pub(super) type PathSink<'a> = &'a mut dyn FnMut(&mut Machine, Vec<Json>, Json) -> Done<()>;

pub(super) fn error(text: impl Into<Arc<str>>) -> Stop {
    Stop::Error(Json::text(text))
}

impl Scope {
    pub(super) fn with_value(&self, name: &str, value: Json) -> Scope {
        self.with(name, Meaning::Value(value))
    }

    pub(super) fn with(&self, name: &str, meaning: Meaning) -> Scope {
        Scope(Some(Arc::new(Link { name: name.to_owned(), meaning, next: self.clone() })))
    }

    pub(super) fn links(&self) -> impl Iterator<Item = &Arc<Link>> {
        std::iter::successors(self.0.as_ref(), |link| link.next.0.as_ref())
    }
}

impl Machine {
    pub(super) fn new(now_ms: i64) -> Machine {
        Machine { steps: 0, depth: 0, labels: 0, inputs: Default::default(), now_ms }
    }

    pub(super) fn step(&mut self) -> Done<()> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            Err(Stop::Bound(format!("the program takes more than {MOST_STEPS} steps for one input")))
        } else {
            Ok(())
        }
    }

    /// Gives every output of `expr` to `sink`.
    pub(super) fn eval(&mut self, expr: &Expr, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
        self.step()?;
        if self.depth >= MAX_DEPTH || usize::from(input.depth()) > MOST_NESTED {
            return Err(Stop::Bound(format!("the program goes more than {MAX_DEPTH} levels deep")));
        }
        self.depth += 1;
        let done = self.eval_here(expr, scope, input, sink);
        self.depth -= 1;
        done
    }

    fn eval_here(&mut self, expr: &Expr, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
        match expr {
            Expr::Identity => sink(self, input.clone()),
            Expr::Literal(value) => sink(self, value.clone()),
            Expr::Pipe(a, b) => self.eval(a, scope, input, &mut |m, value| m.eval(b, scope, &value, sink)),
            Expr::Comma(a, b) => {
                self.eval(a, scope, input, sink)?;
                self.eval(b, scope, input, sink)
            }
            Expr::RecurseAll => self.recurse(input, sink),
            Expr::Index(of, key) => self.index(of, key, scope, input, sink),
            Expr::Slice(of, from, to) => self.slice(of, from.as_deref(), to.as_deref(), scope, input, sink),
            Expr::Iterate(of) => self.eval(of, scope, input, &mut |m, value| m.iterate(&value, sink)),
            Expr::Array(inner) => {
                let items = self.collect(inner.as_deref(), scope, input)?;
                sink(self, Json::array(items))
            }
            Expr::Object(entries) => self.object(entries, Vec::new(), scope, input, sink),
            Expr::Text(format, pieces) => self.text(format.as_deref(), pieces, String::new(), scope, input, sink),
            Expr::Format(format) => {
                let text = text::format(format, input)?;
                sink(self, Json::text(text))
            }
            Expr::Negate(inner) => self.eval(inner, scope, input, &mut |m, value| match value {
                Json::Number(number) => sink(m, Json::Number(-number)),
                other => Err(error(format!("{} cannot be negated", shown(&other)))),
            }),
            Expr::Binary(a, operator, b) => self.eval(b, scope, input, &mut |m, right| {
                m.eval(a, scope, input, &mut |m, left| {
                    let value = calculate::calculate(operator, &left, &right)?;
                    sink(m, value)
                })
            }),
            Expr::And(a, b) => self.eval(a, scope, input, &mut |m, left| {
                if !left.is_true() {
                    return sink(m, Json::Bool(false));
                }
                m.eval(b, scope, input, &mut |m, right| sink(m, Json::Bool(right.is_true())))
            }),
            Expr::Or(a, b) => self.eval(a, scope, input, &mut |m, left| {
                if left.is_true() {
                    return sink(m, Json::Bool(true));
                }
                m.eval(b, scope, input, &mut |m, right| sink(m, Json::Bool(right.is_true())))
            }),
            Expr::Otherwise(a, b) => self.otherwise(a, b, scope, input, sink),
            Expr::If(branches, otherwise) => self.branch(branches, otherwise.as_deref(), scope, input, sink),
            Expr::Try(tried, caught) => self.attempt(tried, caught.as_deref(), scope, input, sink),
            Expr::Variable(name) => {
                let value = scope.links().find_map(|link| match &link.meaning {
                    Meaning::Value(value) if link.name == *name => Some(value.clone()),
                    _ => None,
                });
                match value {
                    Some(value) => sink(self, value),
                    None if name == "ENV" => sink(self, Json::object(Vec::new())),
                    None => Err(Stop::Bound(format!("${name} is not defined"))),
                }
            }
            Expr::Bind(source, patterns, body) => self.eval(source, scope, input, &mut |m, value| {
                let Some(pattern) = patterns.first() else { return Ok(()) };
                let scope = m.bind(pattern, &value, scope)?;
                m.eval(body, &scope, input, sink)
            }),
            Expr::Reduce(source, pattern, init, update) => self.reduce((source, pattern, init), update, scope, input, sink),
            Expr::Foreach(source, pattern, init, update, extract) => {
                self.foreach((source, pattern, init), update, extract.as_deref(), scope, input, sink)
            }
            Expr::Define(definition, rest) => {
                let scope = scope.with(&key(&definition.name, definition.params.len()), Meaning::Function(definition.clone()));
                self.eval(rest, &scope, input, sink)
            }
            Expr::Assign(place, operator, value) => self.assign(place, operator, value, scope, input, sink),
            Expr::Call(name, args) => self.call(name, args, scope, input, sink),
        }
    }

    pub(super) fn collect(&mut self, expr: Option<&Expr>, scope: &Scope, input: &Json) -> Done<Vec<Json>> {
        let mut items = Vec::new();
        if let Some(expr) = expr {
            self.eval(expr, scope, input, &mut |_, value| {
                items.push(value);
                Ok(())
            })?;
        }
        Ok(items)
    }

    /// The outputs until `enough` says so.
    pub(super) fn some(
        &mut self,
        expr: &Expr,
        scope: &Scope,
        input: &Json,
        each: &mut dyn FnMut(&mut Machine, Json) -> Done<bool>,
    ) -> Done<()> {
        self.labels += 1;
        let label = self.labels;
        let done = self.eval(expr, scope, input, &mut |m, value| if each(m, value)? { Ok(()) } else { Err(Stop::Enough(label)) });
        match done {
            Err(Stop::Enough(found)) if found == label => Ok(()),
            done => done,
        }
    }

    pub(super) fn recurse(&mut self, value: &Json, sink: Sink) -> Done<()> {
        self.step()?;
        sink(self, value.clone())?;
        match value {
            Json::Array(items, _) => items.iter().try_for_each(|item| self.recurse(item, sink)),
            Json::Object(entries, _) => entries.iter().try_for_each(|(_, item)| self.recurse(item, sink)),
            _ => Ok(()),
        }
    }

    pub(super) fn iterate(&mut self, value: &Json, sink: Sink) -> Done<()> {
        match value {
            Json::Array(items, _) => items.iter().try_for_each(|item| sink(self, item.clone())),
            Json::Object(entries, _) => entries.iter().try_for_each(|(_, item)| sink(self, item.clone())),
            other => Err(error(format!("Cannot iterate over {}", shown_kind(other)))),
        }
    }

    fn index(&mut self, of: &Expr, key: &Expr, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
        self.eval(of, scope, input, &mut |m, value| {
            m.eval(key, scope, input, &mut |m, key| {
                let found = get(&value, &key)?;
                sink(m, found)
            })
        })
    }

    fn slice(&mut self, of: &Expr, from: Option<&Expr>, to: Option<&Expr>, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
        let bound = |m: &mut Machine, expr: Option<&Expr>| match expr {
            None => Ok(Json::Null),
            Some(expr) => Ok(m.collect(Some(expr), scope, input)?.pop().unwrap_or(Json::Null)),
        };
        let (from, to) = (bound(self, from)?, bound(self, to)?);
        self.eval(of, scope, input, &mut |m, value| {
            let part = calculate::slice(&value, &from, &to)?;
            sink(m, part)
        })
    }

    fn object(&mut self, entries: &[(Expr, Expr)], done: Vec<(Arc<str>, Json)>, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
        let Some(((key, value), rest)) = entries.split_first() else { return sink(self, Json::object(done)) };
        self.eval(key, scope, input, &mut |m, key| {
            let Json::Text(name) = &key else { return Err(error(format!("Object keys must be strings, not {}", shown_kind(&key)))) };
            m.eval(value, scope, input, &mut |m, value| {
                let mut done = done.clone();
                match done.iter_mut().find(|(found, _)| found == name) {
                    Some((_, old)) => *old = value,
                    None => done.push((name.clone(), value)),
                }
                m.object(rest, done, scope, input, sink)
            })
        })
    }

    fn text(&mut self, format: Option<&str>, pieces: &[Piece], done: String, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
        if done.len() > MOST_BYTES {
            return Err(Stop::Bound(format!("a text of more than {MOST_BYTES} bytes")));
        }
        match pieces.split_first() {
            None => sink(self, Json::text(done)),
            Some((Piece::Text(text), rest)) => self.text(format, rest, done + text, scope, input, sink),
            Some((Piece::Value(value), rest)) => self.eval(value, scope, input, &mut |m, value| {
                let text = text::format(format.unwrap_or("text"), &value)?;
                m.text(format, rest, done.clone() + &text, scope, input, sink)
            }),
        }
    }
}

/// A value as errors show it: shortened.
pub(super) fn shown(value: &Json) -> String {
    let text = value.compact();
    let short = crate::shell::screen::cut(&text, 11).map_or(text.clone(), |head| format!("{head}..."));
    format!("{} ({short})", value.kind())
}

fn shown_kind(value: &Json) -> String {
    if matches!(value, Json::Null) { "null".into() } else { shown(value) }
}
