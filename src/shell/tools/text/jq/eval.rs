//! jq's machine: an expression gives its outputs one by one to whoever asked.
//!
//! Steps and depth are counted, so that no program keeps the terminal from going on; what goes too far is an error that nothing catches.

use std::sync::Arc;

use super::builtins;
use super::json::Json;
use super::parser::{Definition, Expr, Pattern, Piece};

/// A program takes at most so many steps for one input.
pub(super) const MOST_STEPS: u64 = 500_000;
/// Evaluations within each other.
const MAX_DEPTH: usize = 120;
/// Values within each other.
const MOST_NESTED: usize = 150;
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
struct Link {
    name: String,
    meaning: Meaning,
    next: Scope,
}

#[derive(Clone, Debug)]
enum Meaning {
    Value(Json),
    /// A function's argument: an expression where it was given.
    Closure(Expr, Scope),
    Function(Arc<Definition>),
}

/// The machine.
pub(super) struct Machine {
    pub steps: u64,
    depth: usize,
    labels: u64,
    /// Further inputs, for `input` and `inputs`.
    pub inputs: std::collections::VecDeque<Json>,
    pub now_ms: i64,
}

pub(super) type Sink<'a> = &'a mut dyn FnMut(&mut Machine, Json) -> Done<()>;
type PathSink<'a> = &'a mut dyn FnMut(&mut Machine, Vec<Json>, Json) -> Done<()>;

pub(super) fn error(text: impl Into<Arc<str>>) -> Stop {
    Stop::Error(Json::text(text))
}

impl Scope {
    pub(super) fn with_value(&self, name: &str, value: Json) -> Scope {
        self.with(name, Meaning::Value(value))
    }

    fn with(&self, name: &str, meaning: Meaning) -> Scope {
        Scope(Some(Arc::new(Link { name: name.to_owned(), meaning, next: self.clone() })))
    }

    fn links(&self) -> impl Iterator<Item = &Arc<Link>> {
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
                let text = builtins::format(format, input)?;
                sink(self, Json::text(text))
            }
            Expr::Negate(inner) => self.eval(inner, scope, input, &mut |m, value| match value {
                Json::Number(number) => sink(m, Json::Number(-number)),
                other => Err(error(format!("{} cannot be negated", shown(&other)))),
            }),
            Expr::Binary(a, operator, b) => self.eval(b, scope, input, &mut |m, right| {
                m.eval(a, scope, input, &mut |m, left| {
                    let value = builtins::calculate(operator, &left, &right)?;
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
            Expr::Reduce(source, pattern, init, update) => self.reduce(source, pattern, init, update, scope, input, sink),
            Expr::Foreach(source, pattern, init, update, extract) => {
                self.foreach(source, pattern, init, update, extract.as_deref(), scope, input, sink)
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
            let part = builtins::slice(&value, &from, &to)?;
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
                let text = builtins::format(format.unwrap_or("text"), &value)?;
                m.text(format, rest, done.clone() + &text, scope, input, sink)
            }),
        }
    }

    fn otherwise(&mut self, a: &Expr, b: &Expr, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
        let mut found = Vec::new();
        let done = self.eval(a, scope, input, &mut |_, value| {
            if value.is_true() {
                found.push(value);
            }
            Ok(())
        });
        match done {
            Ok(()) | Err(Stop::Error(_)) => {}
            done => return done,
        }
        if found.is_empty() {
            return self.eval(b, scope, input, sink);
        }
        found.into_iter().try_for_each(|value| sink(self, value))
    }

    fn branch(&mut self, branches: &[(Expr, Expr)], otherwise: Option<&Expr>, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
        let Some(((condition, body), rest)) = branches.split_first() else {
            return match otherwise {
                Some(otherwise) => self.eval(otherwise, scope, input, sink),
                None => sink(self, input.clone()),
            };
        };
        self.eval(condition, scope, input, &mut |m, holds| {
            if holds.is_true() { m.eval(body, scope, input, sink) } else { m.branch(rest, otherwise, scope, input, sink) }
        })
    }

    fn attempt(&mut self, tried: &Expr, caught: Option<&Expr>, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
        // An error of whoever takes the outputs is not ours to catch.
        let mut outside = None;
        let done = self.eval(tried, scope, input, &mut |m, value| {
            sink(m, value).inspect_err(|stop| {
                outside = Some(stop.clone());
            })
        });
        match (done, outside) {
            (Err(_), Some(stop)) => Err(stop),
            (Err(Stop::Error(value)), None) => match caught {
                Some(caught) => self.eval(caught, scope, &value, sink),
                None => Ok(()),
            },
            (done, _) => done,
        }
    }

    fn bind(&mut self, pattern: &Pattern, value: &Json, scope: &Scope) -> Done<Scope> {
        match pattern {
            Pattern::Variable(name) => Ok(scope.with_value(name, value.clone())),
            Pattern::Array(items) => {
                let mut scope = scope.clone();
                for (n, item) in items.iter().enumerate() {
                    let found = get(value, &Json::Number(n as f64))?;
                    scope = self.bind(item, &found, &scope)?;
                }
                Ok(scope)
            }
            Pattern::Object(entries) => {
                let mut scope = scope.clone();
                for (key, item) in entries {
                    let key = self.collect(Some(key), &scope, value)?.pop().unwrap_or(Json::Null);
                    let found = get(value, &key)?;
                    scope = self.bind(item, &found, &scope)?;
                }
                Ok(scope)
            }
        }
    }

    #[allow(clippy::too_many_arguments)] // The parts of `reduce E as $x (init; update)`.
    fn reduce(
        &mut self,
        source: &Expr,
        pattern: &Pattern,
        init: &Expr,
        update: &Expr,
        scope: &Scope,
        input: &Json,
        sink: Sink,
    ) -> Done<()> {
        let mut state = self.collect(Some(init), scope, input)?.pop().unwrap_or(Json::Null);
        self.eval(source, scope, input, &mut |m, value| {
            let scope = m.bind(pattern, &value, scope)?;
            state = m.collect(Some(update), &scope, &state)?.pop().unwrap_or(Json::Null);
            Ok(())
        })?;
        sink(self, state)
    }

    #[allow(clippy::too_many_arguments)] // The parts of `foreach E as $x (init; update; extract)`.
    fn foreach(
        &mut self,
        source: &Expr,
        pattern: &Pattern,
        init: &Expr,
        update: &Expr,
        extract: Option<&Expr>,
        scope: &Scope,
        input: &Json,
        sink: Sink,
    ) -> Done<()> {
        let mut state = self.collect(Some(init), scope, input)?.pop().unwrap_or(Json::Null);
        self.eval(source, scope, input, &mut |m, value| {
            let scope = m.bind(pattern, &value, scope)?;
            for next in m.collect(Some(update), &scope, &state)? {
                state = next;
                match extract {
                    Some(extract) => m.eval(extract, &scope, &state, sink)?,
                    None => sink(m, state.clone())?,
                }
            }
            Ok(())
        })
    }

    fn call(&mut self, name: &str, args: &[Expr], scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
        let wanted = key(name, args.len());
        let found = scope.links().find(|link| link.name == wanted && !matches!(link.meaning, Meaning::Value(_))).cloned();
        match found.as_deref() {
            Some(Link { meaning: Meaning::Closure(body, scope), .. }) => self.eval(body, scope, input, sink),
            Some(Link { meaning: Meaning::Function(definition), next, .. }) => {
                // A function knows itself.
                let own = next.with(&wanted, Meaning::Function(definition.clone()));
                self.apply(definition, args, scope, own, input, sink)
            }
            _ => builtins::call(self, name, args, scope, input, sink),
        }
    }

    /// Calls a function: `$x` parameters are bound to each output of their argument.
    fn apply(&mut self, definition: &Arc<Definition>, args: &[Expr], caller: &Scope, own: Scope, input: &Json, sink: Sink) -> Done<()> {
        let at = definition.params.len() - args.len();
        let Some((arg, rest)) = args.split_first() else { return self.eval(&definition.body, &own, input, sink) };
        let param = &definition.params[at];
        match param.strip_prefix('$') {
            None => {
                let own = own.with(&key(param, 0), Meaning::Closure(arg.clone(), caller.clone()));
                self.apply(definition, rest, caller, own, input, sink)
            }
            Some(name) => self.eval(arg, caller, input, &mut |m, value| {
                let own = own.with_value(name, value.clone()).with(&key(name, 0), Meaning::Closure(Expr::Literal(value), Scope::default()));
                m.apply(definition, rest, caller, own, input, sink)
            }),
        }
    }

    fn assign(&mut self, place: &Expr, operator: &str, value: &Expr, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
        if operator == "|=" {
            let changed = self.update(place, scope, input, &mut |m, old| m.first(value, scope, old))?;
            return sink(self, changed);
        }
        self.eval(value, scope, input, &mut |m, right| {
            let changed = m.update(place, scope, input, &mut |_, old| {
                Ok(Some(match operator {
                    "=" => right.clone(),
                    "//=" if old.is_true() => old.clone(),
                    "//=" => right.clone(),
                    operator => builtins::calculate(&operator[..1], old, &right)?,
                }))
            })?;
            sink(m, changed)
        })
    }

    /// The first output, if there is one.
    pub(super) fn first(&mut self, expr: &Expr, scope: &Scope, input: &Json) -> Done<Option<Json>> {
        let mut found = None;
        self.some(expr, scope, input, &mut |_, value| {
            found = Some(value);
            Ok(false)
        })?;
        Ok(found)
    }

    /// `input` with what stands at `place` replaced; nothing deletes it.
    fn update(
        &mut self,
        place: &Expr,
        scope: &Scope,
        input: &Json,
        new: &mut dyn FnMut(&mut Machine, &Json) -> Done<Option<Json>>,
    ) -> Done<Json> {
        let mut paths = Vec::new();
        self.paths(place, scope, Vec::new(), input, &mut |_, path, _| {
            paths.push(path);
            Ok(())
        })?;
        let (mut changed, mut doomed) = (input.clone(), Vec::new());
        for path in paths {
            self.step()?;
            let old = get_path(&changed, &path)?;
            match new(self, &old)? {
                Some(value) => changed = set_path(&changed, &path, value)?,
                None => doomed.push(path),
            }
        }
        delete_paths(changed, doomed)
    }

    /// The paths that an expression means, with what stands there.
    pub(super) fn paths(&mut self, expr: &Expr, scope: &Scope, path: Vec<Json>, value: &Json, sink: PathSink) -> Done<()> {
        self.step()?;
        if self.depth >= MAX_DEPTH {
            return Err(Stop::Bound(format!("the program goes more than {MAX_DEPTH} levels deep")));
        }
        self.depth += 1;
        let done = self.paths_here(expr, scope, path, value, sink);
        self.depth -= 1;
        done
    }

    fn paths_here(&mut self, expr: &Expr, scope: &Scope, path: Vec<Json>, value: &Json, sink: PathSink) -> Done<()> {
        match expr {
            Expr::Identity => sink(self, path, value.clone()),
            Expr::Index(of, key) => self.paths(of, scope, path, value, &mut |m, path, found| {
                for key in m.collect(Some(key), scope, value)? {
                    let inner = get(&found, &key)?;
                    let path = path.iter().cloned().chain([key]).collect();
                    sink(m, path, inner)?;
                }
                Ok(())
            }),
            Expr::Iterate(of) => self.paths(of, scope, path, value, &mut |m, path, found| {
                let keys = match &found {
                    Json::Null => Vec::new(),
                    found => builtins::keys(found, false)?,
                };
                for key in keys {
                    let inner = get(&found, &key)?;
                    sink(m, path.iter().cloned().chain([key]).collect(), inner)?;
                }
                Ok(())
            }),
            Expr::Pipe(a, b) => self.paths(a, scope, path, value, &mut |m, path, found| m.paths(b, scope, path, &found, sink)),
            Expr::Comma(a, b) => {
                self.paths(a, scope, path.clone(), value, sink)?;
                self.paths(b, scope, path, value, sink)
            }
            Expr::Try(tried, _) => match self.paths(tried, scope, path, value, sink) {
                Err(Stop::Error(_)) => Ok(()),
                done => done,
            },
            Expr::If(branches, otherwise) => {
                for (condition, body) in branches {
                    if self.first(condition, scope, value)?.is_some_and(|holds| holds.is_true()) {
                        return self.paths(body, scope, path, value, sink);
                    }
                }
                match otherwise {
                    Some(otherwise) => self.paths(otherwise, scope, path, value, sink),
                    None => sink(self, path, value.clone()),
                }
            }
            Expr::Otherwise(a, b) => {
                let holds = self.first(a, scope, value).is_ok_and(|found| found.is_some_and(|found| found.is_true()));
                self.paths(if holds { a } else { b }, scope, path, value, sink)
            }
            Expr::Bind(source, patterns, body) => {
                for bound in self.collect(Some(source), scope, value)? {
                    let Some(pattern) = patterns.first() else { return Ok(()) };
                    let scope = self.bind(pattern, &bound, scope)?;
                    self.paths(body, &scope, path.clone(), value, sink)?;
                }
                Ok(())
            }
            Expr::RecurseAll => self.all_paths(path, value, sink),
            Expr::Call(name, args) => match (name.as_str(), &args[..]) {
                ("empty", []) => Ok(()),
                ("recurse", []) => self.all_paths(path, value, sink),
                ("select", [condition]) => {
                    let holds = self.collect(Some(condition), scope, value)?;
                    holds.into_iter().filter(Json::is_true).try_for_each(|_| sink(self, path.clone(), value.clone()))
                }
                ("first" | "last", []) => {
                    let n = if name == "first" { 0.0 } else { -1.0 };
                    let found = get(value, &Json::Number(n))?;
                    sink(self, path.into_iter().chain([Json::Number(n)]).collect(), found)
                }
                ("map", [inner]) => {
                    let each = Expr::Pipe(Box::new(Expr::Iterate(Box::new(Expr::Identity))), Box::new(inner.clone()));
                    self.paths(&each, scope, path, value, sink)
                }
                ("getpath", [wanted]) => {
                    for wanted in self.collect(Some(wanted), scope, value)? {
                        let Json::Array(keys, _) = &wanted else { return Err(error("Path must be specified as an array")) };
                        let found = get_path(value, keys)?;
                        sink(self, path.iter().chain(keys.iter()).cloned().collect(), found)?;
                    }
                    Ok(())
                }
                _ => {
                    let wanted = key(name, args.len());
                    let found = scope.links().find(|link| link.name == wanted).cloned();
                    match found.as_deref() {
                        Some(Link { meaning: Meaning::Closure(body, scope), .. }) => self.paths(body, scope, path, value, sink),
                        Some(Link { meaning: Meaning::Function(definition), next, .. }) => {
                            let mut own = next.with(&wanted, Meaning::Function(definition.clone()));
                            for (param, arg) in definition.params.iter().zip(args) {
                                own = own.with(&key(param, 0), Meaning::Closure(arg.clone(), scope.clone()));
                            }
                            self.paths(&definition.body, &own, path, value, sink)
                        }
                        _ => Err(error("Invalid path expression")),
                    }
                }
            },
            _ => Err(error("Invalid path expression")),
        }
    }

    fn all_paths(&mut self, path: Vec<Json>, value: &Json, sink: PathSink) -> Done<()> {
        self.step()?;
        sink(self, path.clone(), value.clone())?;
        if matches!(value, Json::Array(_, _) | Json::Object(_, _)) {
            for key in builtins::keys(value, false)? {
                let inner = get(value, &key)?;
                self.all_paths(path.iter().cloned().chain([key]).collect(), &inner, sink)?;
            }
        }
        Ok(())
    }
}

/// A function's name with how many arguments it takes.
fn key(name: &str, arguments: usize) -> String {
    format!("{name}/{arguments}")
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

/// `value[key]`
pub(super) fn get(value: &Json, key: &Json) -> Done<Json> {
    match (value, key) {
        (Json::Object(_, _), Json::Text(name)) => Ok(value.get(name).cloned().unwrap_or(Json::Null)),
        (Json::Array(items, _), Json::Number(n)) => {
            let n = n.floor();
            let at = if n < 0.0 { n + items.len() as f64 } else { n };
            Ok(if at < 0.0 { Json::Null } else { items.get(at as usize).cloned().unwrap_or(Json::Null) })
        }
        (Json::Null, Json::Text(_) | Json::Number(_) | Json::Null) => Ok(Json::Null),
        (value, Json::Text(name)) => Err(error(format!("Cannot index {} with \"{name}\"", value.kind()))),
        (Json::Object(_, _), key) => Err(error(format!("Cannot index object with {}", key.kind()))),
        (value, key) => Err(error(format!("Cannot index {} with {}", value.kind(), key.kind()))),
    }
}

pub(super) fn get_path(value: &Json, path: &[Json]) -> Done<Json> {
    path.iter().try_fold(value.clone(), |value, key| get(&value, key))
}

pub(super) fn set_path(value: &Json, path: &[Json], new: Json) -> Done<Json> {
    let Some((key, rest)) = path.split_first() else { return Ok(new) };
    if path.len() > MOST_NESTED {
        return Err(error("Path too deep"));
    }
    let inner = set_path(&get(value, key)?, rest, new)?;
    match (value, key) {
        (Json::Object(_, _) | Json::Null, Json::Text(name)) => {
            let mut entries = if let Json::Object(entries, _) = value { entries.to_vec() } else { Vec::new() };
            match entries.iter_mut().find(|(found, _)| found == name) {
                Some((_, old)) => *old = inner,
                None => entries.push((name.clone(), inner)),
            }
            Ok(Json::object(entries))
        }
        (Json::Array(_, _) | Json::Null, Json::Number(n)) => {
            let mut items = if let Json::Array(items, _) = value { items.to_vec() } else { Vec::new() };
            let at = if *n < 0.0 { *n + items.len() as f64 } else { *n };
            if at < 0.0 {
                return Err(error("Out of bounds negative array index"));
            }
            if at as usize > MOST_BYTES / 16 {
                return Err(error("Array index too large"));
            }
            if items.len() <= at as usize {
                items.resize(at as usize + 1, Json::Null);
            }
            items[at as usize] = inner;
            Ok(Json::array(items))
        }
        (value, key) => Err(error(format!("Cannot index {} with {}", value.kind(), key.kind()))),
    }
}

/// Without what stands at these paths; the last first, so that places in arrays stay what they are.
pub(super) fn delete_paths(value: Json, mut paths: Vec<Vec<Json>>) -> Done<Json> {
    paths.sort_by(|a, b| Json::array(b.clone()).compare(&Json::array(a.clone())));
    paths.into_iter().try_fold(value, |value, path| delete_path(&value, &path))
}

fn delete_path(value: &Json, path: &[Json]) -> Done<Json> {
    let Some((key, rest)) = path.split_first() else { return Ok(Json::Null) };
    if matches!(value, Json::Null) {
        return Ok(Json::Null);
    }
    if !rest.is_empty() {
        let inner = get(value, key)?;
        return if matches!(inner, Json::Null) {
            Ok(value.clone())
        } else {
            set_path(value, std::slice::from_ref(key), delete_path(&inner, rest)?)
        };
    }
    match (value, key) {
        (Json::Object(entries, _), Json::Text(name)) => {
            Ok(Json::object(entries.iter().filter(|(found, _)| found != name).cloned().collect()))
        }
        (Json::Array(items, _), Json::Number(n)) => {
            let at = if *n < 0.0 { *n + items.len() as f64 } else { *n };
            Ok(Json::array(items.iter().enumerate().filter(|(n, _)| *n as f64 != at).map(|(_, item)| item.clone()).collect()))
        }
        (value, key) => Err(error(format!("Cannot delete field at {} index of {}", key.kind(), value.kind()))),
    }
}
