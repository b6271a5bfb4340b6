//! Builtins that yield any number of values: `range`, `recurse`, `until`, `limit` and their like.

use super::builtins::number;
use super::eval::{Done, Machine, Scope, Sink, Stop, error};
use super::items::sum;
use super::json::Json;
use super::paths::delete_paths;
use super::syntax::Expr;
use super::text::matches;

/// Functions with any number of outputs, or whose arguments are run more than once.
pub(super) fn streams(m: &mut Machine, name: &str, args: &[Expr], scope: &Scope, input: &Json, sink: Sink) -> Option<Done<()>> {
    Some(match (name, args) {
        ("empty", []) => Ok(()),
        ("error", []) => Err(Stop::Error(input.clone())),
        ("error", [message]) => m.eval(message, scope, input, &mut |_, value| Err(Stop::Error(value))),
        ("not", []) => sink(m, Json::Bool(!input.is_true())),
        ("recurse", []) => m.recurse(input, sink),
        ("recurse", [next]) => repeat(m, next, scope, input, sink),
        ("repeat", [next]) => repeat(m, next, scope, input, sink),
        ("select", [condition]) => {
            m.eval(condition, scope, input, &mut |m, holds| if holds.is_true() { sink(m, input.clone()) } else { Ok(()) })
        }
        ("range", [to]) => m.eval(to, scope, input, &mut |m, to| range(m, 0.0, number(&to)?, 1.0, sink)),
        ("range", [from, to]) => m.eval(from, scope, input, &mut |m, from| {
            m.eval(to, scope, input, &mut |m, to| range(m, number(&from)?, number(&to)?, 1.0, sink))
        }),
        ("range", [from, to, by]) => m.eval(from, scope, input, &mut |m, from| {
            m.eval(to, scope, input, &mut |m, to| {
                m.eval(by, scope, input, &mut |m, by| range(m, number(&from)?, number(&to)?, number(&by)?, sink))
            })
        }),
        ("first", [expr]) => m.some(expr, scope, input, &mut |m, value| sink(m, value).map(|()| false)),
        ("last", [expr]) => {
            let mut last = None;
            let done = m.eval(expr, scope, input, &mut |_, value| {
                last = Some(value);
                Ok(())
            });
            done.and_then(|()| last.map_or(Ok(()), |last| sink(m, last)))
        }
        ("limit", [count, expr]) => m.eval(count, scope, input, &mut |m, count| {
            let mut left = number(&count)?;
            if left <= 0.0 {
                return Ok(());
            }
            m.some(expr, scope, input, &mut |m, value| {
                left -= 1.0;
                sink(m, value).map(|()| left > 0.0)
            })
        }),
        ("nth", [at, expr]) => m.eval(at, scope, input, &mut |m, at| {
            let mut left = number(&at)?;
            m.some(expr, scope, input, &mut |m, value| {
                left -= 1.0;
                if left >= 0.0 {
                    return Ok(true);
                }
                sink(m, value).map(|()| false)
            })
        }),
        ("until", [condition, next]) => until(m, condition, next, scope, input, sink),
        ("while", [condition, next]) => looped(m, condition, next, scope, input, sink),
        ("isempty", [expr]) => m.first(expr, scope, input).and_then(|found| sink(m, Json::Bool(found.is_none()))),
        ("add", [expr]) => m.collect(Some(expr), scope, input).and_then(|items| sum(&items)).and_then(|sum| sink(m, sum)),
        ("paths", []) => m.paths(&Expr::RecurseAll, scope, Vec::new(), input, &mut |m, path, _| {
            if path.is_empty() { Ok(()) } else { sink(m, Json::array(path)) }
        }),
        ("leaf_paths", []) => m.paths(&Expr::RecurseAll, scope, Vec::new(), input, &mut |m, path, value| {
            if matches!(value, Json::Array(_, _) | Json::Object(_, _)) { Ok(()) } else { sink(m, Json::array(path)) }
        }),
        ("path", [expr]) => m.paths(expr, scope, Vec::new(), input, &mut |m, path, _| sink(m, Json::array(path))),
        ("del", [expr]) => {
            let mut paths = Vec::new();
            let done = m.paths(expr, scope, Vec::new(), input, &mut |_, path, _| {
                paths.push(path);
                Ok(())
            });
            done.and_then(|()| delete_paths(input.clone(), paths)).and_then(|value| sink(m, value))
        }
        ("input", []) => match m.inputs.pop_front() {
            Some(value) => sink(m, value),
            None => Err(error("No more inputs")),
        },
        ("inputs", []) => loop {
            let Some(value) = m.inputs.pop_front() else { break Ok(()) };
            if let Err(stop) = sink(m, value) {
                break Err(stop);
            }
        },
        ("splits" | "scan" | "match", [pattern]) => m.eval(pattern, scope, input, &mut |m, pattern| {
            let found = matches(name, input, &pattern, name != "match")?;
            found.into_iter().try_for_each(|value| sink(m, value))
        }),
        ("values", []) => {
            if matches!(input, Json::Null) {
                Ok(())
            } else {
                sink(m, input.clone())
            }
        }
        ("nulls" | "booleans" | "numbers" | "strings" | "arrays" | "objects", []) => {
            if input.kind() == name.trim_end_matches('s') {
                sink(m, input.clone())
            } else {
                Ok(())
            }
        }
        ("scalars", []) => {
            if matches!(input, Json::Array(_, _) | Json::Object(_, _)) {
                Ok(())
            } else {
                sink(m, input.clone())
            }
        }
        ("iterables", []) => {
            if matches!(input, Json::Array(_, _) | Json::Object(_, _)) {
                sink(m, input.clone())
            } else {
                Ok(())
            }
        }
        _ => return None,
    })
}

pub(super) fn range(m: &mut Machine, from: f64, to: f64, by: f64, sink: Sink) -> Done<()> {
    let mut at = from;
    while (by > 0.0 && at < to) || (by < 0.0 && at > to) {
        m.step()?;
        sink(m, Json::Number(at))?;
        at += by;
    }
    Ok(())
}

pub(super) fn repeat(m: &mut Machine, next: &Expr, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
    sink(m, input.clone())?;
    let mut values = m.collect(Some(next), scope, input)?;
    // One value after the other needs no depth.
    while values.len() == 1 {
        m.step()?;
        let value = values.remove(0);
        sink(m, value.clone())?;
        values = m.collect(Some(next), scope, &value)?;
    }
    values.into_iter().try_for_each(|value| {
        let call = Expr::Call("recurse".into(), vec![next.clone()]);
        m.eval(&call, scope, &value, sink)
    })
}

pub(super) fn until(m: &mut Machine, condition: &Expr, next: &Expr, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
    let mut value = input.clone();
    loop {
        m.step()?;
        if m.first(condition, scope, &value)?.is_some_and(|holds| holds.is_true()) {
            return sink(m, value);
        }
        let Some(next) = m.first(next, scope, &value)? else { return Ok(()) };
        value = next;
    }
}

pub(super) fn looped(m: &mut Machine, condition: &Expr, next: &Expr, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
    let mut value = input.clone();
    loop {
        m.step()?;
        if !m.first(condition, scope, &value)?.is_some_and(|holds| holds.is_true()) {
            return Ok(());
        }
        sink(m, value.clone())?;
        let Some(next) = m.first(next, scope, &value)? else { return Ok(()) };
        value = next;
    }
}
