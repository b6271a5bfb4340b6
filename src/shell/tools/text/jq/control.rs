//! What steers a program: `//`, `if`, `try`, `reduce`, `foreach`, patterns, calls.

use std::sync::Arc;

use super::builtins;
use super::eval::{Done, Link, Machine, Meaning, Scope, Sink, Stop};
use super::json::Json;
use super::paths::get;
use super::syntax::{Definition, Expr, Pattern};

impl Machine {
    pub(super) fn otherwise(&mut self, a: &Expr, b: &Expr, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
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

    pub(super) fn branch(
        &mut self,
        branches: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
        scope: &Scope,
        input: &Json,
        sink: Sink,
    ) -> Done<()> {
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

    pub(super) fn attempt(&mut self, tried: &Expr, caught: Option<&Expr>, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
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

    pub(super) fn bind(&mut self, pattern: &Pattern, value: &Json, scope: &Scope) -> Done<Scope> {
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

    /// `reduce` and `foreach` go from one state to the next with each output of their source.
    fn fold(
        &mut self,
        (source, pattern, init): (&Expr, &Pattern, &Expr),
        scope: &Scope,
        input: &Json,
        step: &mut dyn FnMut(&mut Machine, &Scope, &Json) -> Done<Json>,
    ) -> Done<Json> {
        let mut state = self.collect(Some(init), scope, input)?.pop().unwrap_or(Json::Null);
        self.eval(source, scope, input, &mut |m, value| {
            let scope = m.bind(pattern, &value, scope)?;
            state = step(m, &scope, &state)?;
            Ok(())
        })?;
        Ok(state)
    }

    /// `reduce SOURCE as PATTERN (INIT; update)`
    pub(super) fn reduce(&mut self, parts: (&Expr, &Pattern, &Expr), update: &Expr, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
        let state =
            self.fold(parts, scope, input, &mut |m, scope, state| Ok(m.collect(Some(update), scope, state)?.pop().unwrap_or(Json::Null)))?;
        sink(self, state)
    }

    /// `foreach SOURCE as PATTERN (INIT; update; extract)`
    pub(super) fn foreach(
        &mut self,
        parts: (&Expr, &Pattern, &Expr),
        update: &Expr,
        extract: Option<&Expr>,
        scope: &Scope,
        input: &Json,
        sink: Sink,
    ) -> Done<()> {
        let last = self.fold(parts, scope, input, &mut |m, scope, state| {
            let mut last = state.clone();
            for next in m.collect(Some(update), scope, state)? {
                match extract {
                    Some(extract) => m.eval(extract, scope, &next, sink)?,
                    None => sink(m, next.clone())?,
                }
                last = next;
            }
            Ok(last)
        });
        last.map(drop)
    }

    pub(super) fn call(&mut self, name: &str, args: &[Expr], scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
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
    pub(super) fn apply(
        &mut self,
        definition: &Arc<Definition>,
        args: &[Expr],
        caller: &Scope,
        own: Scope,
        input: &Json,
        sink: Sink,
    ) -> Done<()> {
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
}

/// A function's name with how many arguments it takes.
pub(super) fn key(name: &str, arguments: usize) -> String {
    format!("{name}/{arguments}")
}
