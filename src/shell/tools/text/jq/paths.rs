//! Paths: what `path(...)`, `del(...)` and assignments work on.

use super::control::key;
use super::eval::{Done, Link, MAX_DEPTH, MOST_BYTES, MOST_NESTED, Machine, Meaning, PathSink, Scope, Sink, Stop, error};
use super::json::Json;
use super::syntax::Expr;
use super::{calculate, items};

impl Machine {
    pub(super) fn assign(&mut self, place: &Expr, operator: &str, value: &Expr, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
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
                    operator => calculate::calculate(&operator[..1], old, &right)?,
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
    pub(super) fn update(
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

    pub(super) fn paths_here(&mut self, expr: &Expr, scope: &Scope, path: Vec<Json>, value: &Json, sink: PathSink) -> Done<()> {
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
                    found => items::keys(found, false)?,
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

    pub(super) fn all_paths(&mut self, path: Vec<Json>, value: &Json, sink: PathSink) -> Done<()> {
        self.step()?;
        sink(self, path.clone(), value.clone())?;
        if matches!(value, Json::Array(_, _) | Json::Object(_, _)) {
            for key in items::keys(value, false)? {
                let inner = get(value, &key)?;
                self.all_paths(path.iter().cloned().chain([key]).collect(), &inner, sink)?;
            }
        }
        Ok(())
    }
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

pub(super) fn delete_path(value: &Json, path: &[Json]) -> Done<Json> {
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
