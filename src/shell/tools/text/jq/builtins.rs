//! jq's functions, operators and formats.

use std::cmp::Ordering;
use std::sync::Arc;

use regex_lite::Regex;

use super::eval::{Done, MOST_BYTES, Machine, Scope, Sink, Stop, delete_paths, error, get, get_path, set_path, shown};
use super::json::{self, Json};
use super::parser::Expr;
use crate::shell::tools::text::cat::{decode, encode};
use crate::shell::tools::text::echo::{days_from_civil, strftime};

/// A function that is not defined in the program.
pub(super) fn call(m: &mut Machine, name: &str, args: &[Expr], scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
    if let Some(done) = streams(m, name, args, scope, input, sink) {
        return done;
    }
    if let Some(done) = over_items(m, name, args, scope, input) {
        let value = done?;
        return sink(m, value);
    }
    if args.is_empty() {
        let value = plain(m, name, input)?;
        return sink(m, value);
    }
    arguments(m, name, args, Vec::new(), scope, input, sink)
}

/// Evaluates arguments, in every combination of their outputs.
fn arguments(m: &mut Machine, name: &str, args: &[Expr], values: Vec<Json>, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
    let Some((arg, rest)) = args.split_first() else {
        let value = with_values(name, &values, input)?;
        return sink(m, value);
    };
    m.eval(arg, scope, input, &mut |m, value| {
        let values = values.iter().cloned().chain([value]).collect();
        arguments(m, name, rest, values, scope, input, sink)
    })
}

/// Functions with any number of outputs, or whose arguments are run more than once.
fn streams(m: &mut Machine, name: &str, args: &[Expr], scope: &Scope, input: &Json, sink: Sink) -> Option<Done<()>> {
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

fn range(m: &mut Machine, from: f64, to: f64, by: f64, sink: Sink) -> Done<()> {
    let mut at = from;
    while (by > 0.0 && at < to) || (by < 0.0 && at > to) {
        m.step()?;
        sink(m, Json::Number(at))?;
        at += by;
    }
    Ok(())
}

fn repeat(m: &mut Machine, next: &Expr, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
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

fn until(m: &mut Machine, condition: &Expr, next: &Expr, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
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

fn looped(m: &mut Machine, condition: &Expr, next: &Expr, scope: &Scope, input: &Json, sink: Sink) -> Done<()> {
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

/// Functions that run an expression for each item.
fn over_items(m: &mut Machine, name: &str, args: &[Expr], scope: &Scope, input: &Json) -> Option<Done<Json>> {
    let [expr] = args else {
        return match (name, args) {
            ("sub" | "gsub", [pattern, with, ..]) => Some(substitute(m, name == "gsub", pattern, with, scope, input)),
            _ => None,
        };
    };
    Some(match name {
        "map" => {
            let mut items = Vec::new();
            m.iterate(input, &mut |m, item| {
                items.extend(m.collect(Some(expr), scope, &item)?);
                Ok(())
            })
            .map(|()| Json::array(items))
        }
        "map_values" => map_values(m, expr, scope, input),
        "with_entries" => (|| {
            let entries = to_entries(input)?;
            let mut mapped = Vec::new();
            m.iterate(&entries, &mut |m, item| {
                mapped.extend(m.collect(Some(expr), scope, &item)?);
                Ok(())
            })?;
            from_entries(&Json::array(mapped))
        })(),
        "any" | "all" => (|| {
            let wanted = name == "any";
            for item in items(input)? {
                let holds = m.collect(Some(expr), scope, &item)?.iter().any(Json::is_true);
                if holds == wanted {
                    return Ok(Json::Bool(wanted));
                }
            }
            Ok(Json::Bool(!wanted))
        })(),
        "sort_by" | "group_by" | "unique_by" | "min_by" | "max_by" => by_key(m, name, expr, scope, input),
        "walk" => walk(m, expr, scope, input),
        _ => return None,
    })
}

fn map_values(m: &mut Machine, expr: &Expr, scope: &Scope, input: &Json) -> Done<Json> {
    match input {
        Json::Array(items, _) => {
            let mut mapped = Vec::new();
            for item in items.iter() {
                mapped.extend(m.first(expr, scope, item)?);
            }
            Ok(Json::array(mapped))
        }
        Json::Object(entries, _) => {
            let mut mapped = Vec::new();
            for (key, item) in entries.iter() {
                mapped.extend(m.first(expr, scope, item)?.map(|value| (key.clone(), value)));
            }
            Ok(Json::object(mapped))
        }
        other => Err(error(format!("Cannot iterate over {}", shown(other)))),
    }
}

/// `walk` goes so deep.
const MOST_WALKED: u16 = 40;

fn walk(m: &mut Machine, expr: &Expr, scope: &Scope, input: &Json) -> Done<Json> {
    m.step()?;
    if input.depth() > MOST_WALKED {
        return Err(Stop::Bound(format!("walk goes at most {MOST_WALKED} values deep")));
    }
    let inner = match input {
        Json::Array(items, _) => {
            let walked: Result<Vec<Json>, Stop> = items.iter().map(|item| walk(m, expr, scope, item)).collect();
            Json::array(walked?)
        }
        Json::Object(entries, _) => {
            let walked: Result<Vec<_>, Stop> = entries.iter().map(|(key, item)| Ok((key.clone(), walk(m, expr, scope, item)?))).collect();
            Json::object(walked?)
        }
        other => other.clone(),
    };
    Ok(m.first(expr, scope, &inner)?.unwrap_or(Json::Null))
}

fn by_key(m: &mut Machine, name: &str, expr: &Expr, scope: &Scope, input: &Json) -> Done<Json> {
    let mut keyed = Vec::new();
    for item in items(input)? {
        keyed.push((Json::array(m.collect(Some(expr), scope, &item)?), item));
    }
    let compare = |a: &(Json, Json), b: &(Json, Json)| a.0.compare(&b.0);
    if name == "min_by" {
        let best = keyed.into_iter().reduce(|best, next| if compare(&next, &best) == Ordering::Less { next } else { best });
        return Ok(best.map_or(Json::Null, |(_, item)| item));
    }
    if name == "max_by" {
        let best = keyed.into_iter().reduce(|best, next| if compare(&next, &best) == Ordering::Less { best } else { next });
        return Ok(best.map_or(Json::Null, |(_, item)| item));
    }
    keyed.sort_by(compare);
    if name == "sort_by" {
        return Ok(Json::array(keyed.into_iter().map(|(_, item)| item).collect()));
    }
    let mut groups: Vec<(Json, Vec<Json>)> = Vec::new();
    for (key, item) in keyed {
        match groups.last_mut().filter(|(last, _)| last.compare(&key) == Ordering::Equal) {
            Some((_, group)) => group.push(item),
            None => groups.push((key, vec![item])),
        }
    }
    let shown = |(_, mut group): (Json, Vec<Json>)| if name == "group_by" { Json::array(group) } else { group.swap_remove(0) };
    Ok(Json::array(groups.into_iter().map(shown).collect()))
}

fn items(input: &Json) -> Done<Vec<Json>> {
    match input {
        Json::Array(items, _) => Ok(items.to_vec()),
        Json::Object(entries, _) => Ok(entries.iter().map(|(_, value)| value.clone()).collect()),
        other => Err(error(format!("Cannot iterate over {}", shown(other)))),
    }
}

fn number(value: &Json) -> Done<f64> {
    match value {
        Json::Number(number) => Ok(*number),
        other => Err(error(format!("{} is not a number", shown(other)))),
    }
}

fn text(value: &Json) -> Done<Arc<str>> {
    match value {
        Json::Text(text) => Ok(text.clone()),
        other => Err(error(format!("{} is not a string", shown(other)))),
    }
}

pub(super) fn keys(value: &Json, sorted: bool) -> Done<Vec<Json>> {
    match value {
        Json::Array(items, _) => Ok((0..items.len()).map(|n| Json::Number(n as f64)).collect()),
        Json::Object(entries, _) => {
            let mut keys: Vec<Arc<str>> = entries.iter().map(|(key, _)| key.clone()).collect();
            if sorted {
                keys.sort();
            }
            Ok(keys.into_iter().map(Json::Text).collect())
        }
        other => Err(error(format!("{} has no keys", shown(other)))),
    }
}

fn to_entries(input: &Json) -> Done<Json> {
    let Json::Object(entries, _) = input else { return Err(error(format!("{} has no keys", shown(input)))) };
    let entry =
        |(key, value): &(Arc<str>, Json)| Json::object(vec![("key".into(), Json::Text(key.clone())), ("value".into(), value.clone())]);
    Ok(Json::array(entries.iter().map(entry).collect()))
}

fn from_entries(input: &Json) -> Done<Json> {
    let mut entries: Vec<(Arc<str>, Json)> = Vec::new();
    for item in items(input)? {
        let find =
            |names: [&str; 4]| names.into_iter().find_map(|name| item.get(name).filter(|found| !matches!(found, Json::Null)).cloned());
        let key = match find(["key", "k", "name", "Name"]) {
            Some(Json::Text(key)) => key,
            Some(other @ (Json::Number(_) | Json::Bool(_))) => other.compact().into(),
            None => "null".into(),
            Some(other) => return Err(error(format!("Cannot use {} as object key", shown(&other)))),
        };
        let value = find(["value", "v", "Value", "Value"]).or_else(|| item.get("value").cloned()).unwrap_or(Json::Null);
        match entries.iter_mut().find(|(found, _)| *found == key) {
            Some((_, old)) => *old = value,
            None => entries.push((key, value)),
        }
    }
    Ok(Json::object(entries))
}

fn sum(items: &[Json]) -> Done<Json> {
    items.iter().try_fold(Json::Null, |sum, item| calculate("+", &sum, item))
}

/// Functions of their input alone.
fn plain(m: &mut Machine, name: &str, input: &Json) -> Done<Json> {
    let rounded = |f: fn(f64) -> f64| number(input).map(|n| Json::Number(f(n)));
    Ok(match name {
        "length" => match input {
            Json::Null => Json::Number(0.0),
            Json::Bool(_) => return Err(error(format!("{} has no length", shown(input)))),
            Json::Number(n) => Json::Number(n.abs()),
            Json::Text(text) => Json::Number(text.chars().count() as f64),
            Json::Array(items, _) => Json::Number(items.len() as f64),
            Json::Object(entries, _) => Json::Number(entries.len() as f64),
        },
        "utf8bytelength" => Json::Number(text(input)?.len() as f64),
        "keys" => Json::array(keys(input, true)?),
        "keys_unsorted" => Json::array(keys(input, false)?),
        "type" => Json::text(input.kind()),
        "tostring" => Json::text(format("text", input)?),
        "tojson" => Json::text(input.compact()),
        "fromjson" => {
            json::read_one(&text(input)?).map_err(|said| error(format!("{said} (while parsing '{}')", text(input).unwrap_or_default())))?
        }
        "tonumber" => match input {
            Json::Number(_) => input.clone(),
            Json::Text(text) => match json::read_one(text.trim()) {
                Ok(number @ Json::Number(_)) => number,
                _ => return Err(error(format!("Cannot parse '{text}' as a number"))),
            },
            other => return Err(error(format!("{} cannot be parsed as a number", shown(other)))),
        },
        "add" => sum(&items(input)?)?,
        "any" => Json::Bool(items(input)?.iter().any(Json::is_true)),
        "all" => Json::Bool(items(input)?.iter().all(Json::is_true)),
        "sort" | "unique" | "min" | "max" => {
            let mut all = match input {
                Json::Array(items, _) => items.to_vec(),
                other => return Err(error(format!("{} cannot be sorted, as it is not an array", shown(other)))),
            };
            all.sort_by(Json::compare);
            match name {
                "sort" => Json::array(all),
                "min" => all.into_iter().next().unwrap_or(Json::Null),
                "max" => all.pop().unwrap_or(Json::Null),
                _ => {
                    all.dedup_by(|a, b| a.compare(b) == Ordering::Equal);
                    Json::array(all)
                }
            }
        }
        "reverse" => match input {
            Json::Array(items, _) => Json::array(items.iter().rev().cloned().collect()),
            Json::Text(text) => Json::text(text.chars().rev().collect::<String>()),
            Json::Null => Json::array(Vec::new()),
            other => return Err(error(format!("Cannot reverse {}", shown(other)))),
        },
        "flatten" => Json::array(flatten(&items(input)?, f64::INFINITY)),
        "first" => get(input, &Json::Number(0.0))?,
        "last" => get(input, &Json::Number(-1.0))?,
        "floor" => rounded(f64::floor)?,
        "ceil" => rounded(f64::ceil)?,
        "round" => rounded(libm::round)?,
        "fabs" | "abs" => rounded(f64::abs)?,
        "sqrt" => rounded(libm::sqrt)?,
        "log" => rounded(libm::log)?,
        "log10" => rounded(libm::log10)?,
        "log2" => rounded(libm::log2)?,
        "exp" => rounded(libm::exp)?,
        "trunc" => rounded(f64::trunc)?,
        "nan" => Json::Number(f64::NAN),
        "infinite" => Json::Number(f64::INFINITY),
        "isnan" => Json::Bool(number(input)?.is_nan()),
        "isinfinite" => Json::Bool(number(input)?.is_infinite()),
        "to_entries" => to_entries(input)?,
        "from_entries" => from_entries(input)?,
        "ascii_downcase" => Json::text(text(input)?.to_ascii_lowercase()),
        "ascii_upcase" => Json::text(text(input)?.to_ascii_uppercase()),
        "trim" => Json::text(text(input)?.trim()),
        "ltrim" => Json::text(text(input)?.trim_start()),
        "rtrim" => Json::text(text(input)?.trim_end()),
        "explode" => Json::array(text(input)?.chars().map(|c| Json::Number(f64::from(c as u32))).collect()),
        "implode" => {
            let chars: Done<String> =
                items(input)?.iter().map(|code| Ok(char::from_u32(number(code)? as u32).unwrap_or('\u{fffd}'))).collect();
            Json::text(chars?)
        }
        "transpose" => {
            let rows: Done<Vec<Vec<Json>>> = items(input)?.iter().map(items).collect();
            let rows = rows?;
            let width = rows.iter().map(Vec::len).max().unwrap_or(0);
            let column = |n: usize| Json::array(rows.iter().map(|row| row.get(n).cloned().unwrap_or(Json::Null)).collect());
            Json::array((0..width).map(column).collect())
        }
        "now" => Json::Number(m.now_ms as f64 / 1_000.0),
        "todate" | "todateiso8601" => Json::text(strftime("%Y-%m-%dT%H:%M:%SZ", (number(input)? * 1_000.0) as i64)),
        "fromdate" | "fromdateiso8601" => Json::Number(from_date(&text(input)?)?),
        "env" => Json::object(Vec::new()),
        "halt" => return Err(Stop::Bound(String::new())),
        "debug" | "input_line_number" => input.clone(),
        name => return Err(Stop::Bound(format!("{name}/0 is not defined"))),
    })
}

fn from_date(text: &str) -> Done<f64> {
    let wrong = || error(format!("date \"{text}\" does not match format \"%Y-%m-%dT%H:%M:%SZ\""));
    let parts: Vec<f64> = text.trim_end_matches('Z').split(['-', 'T', ':']).map(|part| part.parse().unwrap_or(f64::NAN)).collect();
    match parts[..] {
        [year, month, day, hour, minute, second] if parts.iter().all(|part| part.is_finite()) => {
            let days = days_from_civil(year as i64, (month as i64).clamp(1, 12), day as i64);
            Ok(days as f64 * 86_400.0 + hour * 3_600.0 + minute * 60.0 + second)
        }
        _ => Err(wrong()),
    }
}

fn flatten(items: &[Json], depth: f64) -> Vec<Json> {
    let mut flat = Vec::new();
    for item in items {
        match item {
            Json::Array(inner, _) if depth > 0.0 => flat.extend(flatten(inner, depth - 1.0)),
            other => flat.push(other.clone()),
        }
    }
    flat
}

/// Functions of their input and the values of their arguments.
fn with_values(name: &str, values: &[Json], input: &Json) -> Done<Json> {
    let first = values.first().cloned().unwrap_or(Json::Null);
    Ok(match (name, values.len()) {
        ("has", 1) => match (input, &first) {
            (Json::Object(_, _), Json::Text(key)) => Json::Bool(input.get(key).is_some()),
            (Json::Array(items, _), Json::Number(n)) => Json::Bool(*n >= 0.0 && (*n as usize) < items.len()),
            (value, key) => return Err(error(format!("Cannot check whether {} has a {} key", value.kind(), key.kind()))),
        },
        ("in", 1) => return with_values("has", std::slice::from_ref(input), &first),
        ("contains", 1) => Json::Bool(contains(input, &first)?),
        ("inside", 1) => Json::Bool(contains(&first, input)?),
        ("split", 1) => calculate("/", &Json::Text(text(input)?), &Json::Text(text(&first)?))?,
        ("join", 1) => {
            let separator = text(&first)?;
            let mut parts = Vec::new();
            for item in items(input)? {
                parts.push(match item {
                    Json::Null => String::new(),
                    Json::Text(text) => text.to_string(),
                    Json::Number(_) | Json::Bool(_) => item.compact(),
                    other => return Err(error(format!("Cannot join with {}", shown(&other)))),
                });
            }
            Json::text(parts.join(&separator))
        }
        ("startswith", 1) => Json::Bool(text(input)?.starts_with(&*text(&first)?)),
        ("endswith", 1) => Json::Bool(text(input)?.ends_with(&*text(&first)?)),
        ("ltrimstr", 1) => match (input, &first) {
            (Json::Text(whole), Json::Text(part)) => Json::text(whole.strip_prefix(&**part).unwrap_or(whole)),
            _ => input.clone(),
        },
        ("rtrimstr", 1) => match (input, &first) {
            (Json::Text(whole), Json::Text(part)) => Json::text(whole.strip_suffix(&**part).unwrap_or(whole)),
            _ => input.clone(),
        },
        ("index" | "rindex" | "indices", 1) => {
            let found = indices(input, &first)?;
            match name {
                "index" => found.first().cloned().unwrap_or(Json::Null),
                "rindex" => found.last().cloned().unwrap_or(Json::Null),
                _ => Json::array(found),
            }
        }
        ("test", 1 | 2) => Json::Bool(regex(&first, values.get(1))?.is_match(&text(input)?)),
        ("capture", 1 | 2) => capture(&regex(&first, values.get(1))?, &text(input)?),
        ("flatten", 1) => Json::array(flatten(&items(input)?, number(&first)?)),
        ("getpath", 1) => get_path(input, &items(&first)?)?,
        ("setpath", 2) => set_path(input, &items(&first)?, values[1].clone())?,
        ("delpaths", 1) => {
            let paths: Done<Vec<Vec<Json>>> = items(&first)?.iter().map(items).collect();
            delete_paths(input.clone(), paths?)?
        }
        ("pow", 2) => Json::Number(libm::pow(number(&first)?, number(&values[1])?)),
        ("strftime", 1) => Json::text(strftime(&text(&first)?, (number(input)? * 1_000.0) as i64)),
        ("nth", 1) => get(input, &first)?,
        ("tojson", _) => Json::text(input.compact()),
        (name, count) => return Err(Stop::Bound(format!("{name}/{count} is not defined"))),
    })
}

fn contains(a: &Json, b: &Json) -> Done<bool> {
    Ok(match (a, b) {
        (Json::Object(_, _), Json::Object(wanted, _)) => {
            for (key, value) in wanted.iter() {
                let Some(found) = a.get(key) else { return Ok(false) };
                if !contains(found, value)? {
                    return Ok(false);
                }
            }
            true
        }
        (Json::Array(all, _), Json::Array(wanted, _)) => {
            wanted.iter().all(|value| all.iter().any(|item| contains(item, value).unwrap_or(false)))
        }
        (Json::Text(whole), Json::Text(part)) => whole.contains(&**part),
        (a, b) if a.kind() == b.kind() => a.compare(b) == Ordering::Equal,
        (a, b) => return Err(error(format!("{} and {} cannot have their containment checked", shown(a), shown(b)))),
    })
}

fn indices(input: &Json, wanted: &Json) -> Done<Vec<Json>> {
    Ok(match (input, wanted) {
        (Json::Null, _) => Vec::new(),
        (Json::Text(whole), Json::Text(part)) if part.is_empty() || whole.is_empty() => Vec::new(),
        (Json::Text(whole), Json::Text(part)) => {
            whole.match_indices(&**part).map(|(at, _)| Json::Number(whole[..at].chars().count() as f64)).collect()
        }
        (Json::Array(items, _), wanted) => {
            let hits = items.iter().enumerate().filter(|(_, item)| item.compare(wanted) == Ordering::Equal);
            hits.map(|(n, _)| Json::Number(n as f64)).collect()
        }
        (a, b) => return Err(error(format!("Cannot determine indices of {} in {}", shown(b), shown(a)))),
    })
}

fn regex(pattern: &Json, flags: Option<&Json>) -> Done<Regex> {
    // `[pattern, flags]` is a pattern too.
    let (pattern, flags) = match pattern {
        Json::Array(both, _) => (both.first().cloned().unwrap_or(Json::Null), both.get(1).cloned()),
        other => (other.clone(), flags.cloned()),
    };
    let flags = flags.map_or(Ok("".into()), |flags| if matches!(flags, Json::Null) { Ok("".into()) } else { text(&flags) })?;
    let pattern = text(&pattern)?;
    let built =
        regex_lite::RegexBuilder::new(&pattern).case_insensitive(flags.contains('i')).ignore_whitespace(flags.contains('x')).build();
    built.map_err(|wrong| error(format!("{pattern} (at offset 0) is not a valid regex: {wrong}")))
}

fn capture(regex: &Regex, text: &str) -> Json {
    let Some(found) = regex.captures(text) else { return Json::Null };
    let named = regex.capture_names().flatten();
    let entry = |name: &str| (Arc::from(name), found.name(name).map_or(Json::Null, |group| Json::text(group.as_str())));
    Json::object(named.map(entry).collect())
}

/// `scan`, `splits`, `match`
fn matches(name: &str, input: &Json, pattern: &Json, all: bool) -> Done<Vec<Json>> {
    let (whole, regex) = (text(input)?, regex(pattern, None)?);
    if name == "splits" {
        let (mut parts, mut from) = (Vec::new(), 0);
        for found in regex.find_iter(&whole) {
            parts.push(Json::text(&whole[from..found.start()]));
            from = found.end();
        }
        parts.push(Json::text(&whole[from..]));
        return Ok(parts);
    }
    let mut found = Vec::new();
    for captures in regex.captures_iter(&whole) {
        let group = |n: usize| captures.get(n).map_or(Json::Null, |group| Json::text(group.as_str()));
        if name == "scan" {
            let groups = captures.len();
            found.push(if groups == 1 { group(0) } else { Json::array((1..groups).map(group).collect()) });
        } else if let Some(hit) = captures.get(0) {
            let place = |hit: regex_lite::Match| {
                vec![
                    ("offset".into(), Json::Number(whole[..hit.start()].chars().count() as f64)),
                    ("length".into(), Json::Number(hit.as_str().chars().count() as f64)),
                    ("string".into(), Json::text(hit.as_str())),
                ]
            };
            let names: Vec<Option<&str>> = regex.capture_names().collect();
            let groups = (1..captures.len()).map(|n| {
                let mut entries = captures.get(n).map_or_else(Vec::new, place);
                entries.push(("name".into(), names.get(n).copied().flatten().map_or(Json::Null, Json::text)));
                Json::object(entries)
            });
            let mut entries = place(hit);
            entries.push(("captures".into(), Json::array(groups.collect())));
            found.push(Json::object(entries));
        }
        if !all || found.len() > 10_000 {
            break;
        }
    }
    Ok(found)
}

fn substitute(m: &mut Machine, all: bool, pattern: &Expr, with: &Expr, scope: &Scope, input: &Json) -> Done<Json> {
    let pattern = m.first(pattern, scope, input)?.unwrap_or(Json::Null);
    let (whole, regex) = (text(input)?, regex(&pattern, None)?);
    let (mut changed, mut from) = (String::new(), 0);
    for captures in regex.captures_iter(&whole) {
        let Some(hit) = captures.get(0) else { continue };
        let named = regex.capture_names().flatten();
        let entry = |name: &str| (Arc::from(name), captures.name(name).map_or(Json::Null, |group| Json::text(group.as_str())));
        let groups = Json::object(named.map(entry).collect());
        let with = m.first(with, scope, &groups)?.unwrap_or(Json::text(""));
        changed += &whole[from..hit.start()];
        changed += &text(&with)?;
        from = hit.end();
        if changed.len() > MOST_BYTES {
            return Err(Stop::Bound(format!("a text of more than {MOST_BYTES} bytes")));
        }
        if !all {
            break;
        }
    }
    Ok(Json::text(changed + &whole[from..]))
}

/// `value[from:to]`
pub(super) fn slice(value: &Json, from: &Json, to: &Json) -> Done<Json> {
    let bounds = |length: usize| -> Done<(usize, usize)> {
        let place = |bound: &Json, given: f64| -> Done<f64> {
            let at = if matches!(bound, Json::Null) { given } else { number(bound)? };
            Ok(if at < 0.0 { (at + length as f64).max(0.0) } else { at.min(length as f64) })
        };
        let (from, to) = (place(from, 0.0)?.floor() as usize, place(to, length as f64)?.ceil() as usize);
        Ok((from, to.max(from)))
    };
    match value {
        Json::Null => Ok(Json::Null),
        Json::Array(items, _) => bounds(items.len()).map(|(from, to)| Json::array(items[from..to].to_vec())),
        Json::Text(text) => {
            let chars: Vec<char> = text.chars().collect();
            bounds(chars.len()).map(|(from, to)| Json::text(chars[from..to].iter().collect::<String>()))
        }
        other => Err(error(format!("Cannot index {} with object", other.kind()))),
    }
}

/// `a + b` and its like.
pub(super) fn calculate(operator: &str, a: &Json, b: &Json) -> Done<Json> {
    let order = || a.compare(b);
    Ok(match (operator, a, b) {
        ("==", ..) => Json::Bool(order().is_eq()),
        ("!=", ..) => Json::Bool(order().is_ne()),
        ("<", ..) => Json::Bool(order().is_lt()),
        ("<=", ..) => Json::Bool(order().is_le()),
        (">", ..) => Json::Bool(order().is_gt()),
        (">=", ..) => Json::Bool(order().is_ge()),
        ("+", Json::Null, other) | ("+", other, Json::Null) => other.clone(),
        ("+", Json::Number(a), Json::Number(b)) => Json::Number(a + b),
        ("+", Json::Text(a), Json::Text(b)) => Json::text(bounded(format!("{a}{b}"))?),
        ("+", Json::Array(a, _), Json::Array(b, _)) => {
            if a.len() + b.len() > MOST_BYTES / 16 {
                return Err(Stop::Bound("an array with too many items".into()));
            }
            Json::array(a.iter().chain(b.iter()).cloned().collect())
        }
        ("+", Json::Object(a, _), Json::Object(b, _)) => Json::object(merged(a, b)),
        ("-", Json::Number(a), Json::Number(b)) => Json::Number(a - b),
        ("-", Json::Array(a, _), Json::Array(b, _)) => {
            Json::array(a.iter().filter(|item| !b.iter().any(|gone| gone.compare(item) == Ordering::Equal)).cloned().collect())
        }
        ("*", Json::Number(a), Json::Number(b)) => Json::Number(a * b),
        ("*", Json::Text(text), Json::Number(n)) | ("*", Json::Number(n), Json::Text(text)) => {
            if *n <= 0.0 {
                return Ok(Json::Null);
            }
            let times = (*n).max(1.0) as usize;
            if text.len().saturating_mul(times) > MOST_BYTES {
                return Err(Stop::Bound(format!("a text of more than {MOST_BYTES} bytes")));
            }
            Json::text(text.repeat(times))
        }
        ("*", Json::Object(a, _), Json::Object(b, _)) => Json::object(deeply_merged(a, b)?),
        ("/", Json::Number(_), Json::Number(0.0)) => {
            return Err(error(format!("{} and {} cannot be divided because the divisor is zero", shown(a), shown(b))));
        }
        ("/", Json::Number(a), Json::Number(b)) => Json::Number(a / b),
        ("/", Json::Text(a), Json::Text(b)) if a.is_empty() || b.is_empty() => {
            Json::array(a.chars().map(|c| Json::text(c.to_string())).collect())
        }
        ("/", Json::Text(a), Json::Text(b)) => Json::array(a.split(&**b).map(Json::text).collect()),
        ("%", Json::Number(x), Json::Number(y)) => {
            let (x, y) = (*x as i64, *y as i64);
            if y == 0 {
                return Err(error(format!("{} and {} cannot be divided because the divisor is zero", shown(a), shown(b))));
            }
            Json::Number(x.wrapping_rem(y.wrapping_abs()) as f64)
        }
        (operator, a, b) => {
            let done = match operator {
                "+" => "added",
                "-" => "subtracted",
                "*" => "multiplied",
                _ => "divided",
            };
            return Err(error(format!("{} and {} cannot be {done}", shown(a), shown(b))));
        }
    })
}

fn bounded(text: String) -> Done<String> {
    if text.len() > MOST_BYTES { Err(Stop::Bound(format!("a text of more than {MOST_BYTES} bytes"))) } else { Ok(text) }
}

type Entries = Vec<(Arc<str>, Json)>;

fn merged(a: &Entries, b: &Entries) -> Entries {
    let mut both = a.clone();
    for (key, value) in b {
        match both.iter_mut().find(|(found, _)| found == key) {
            Some((_, old)) => *old = value.clone(),
            None => both.push((key.clone(), value.clone())),
        }
    }
    both
}

fn deeply_merged(a: &Entries, b: &Entries) -> Done<Entries> {
    let mut both = a.clone();
    for (key, value) in b {
        match (both.iter_mut().find(|(found, _)| found == key), value) {
            (Some((_, old)), value) => {
                *old = match (&*old, value) {
                    (Json::Object(a, _), Json::Object(b, _)) => Json::object(deeply_merged(a, b)?),
                    _ => value.clone(),
                };
            }
            (None, value) => both.push((key.clone(), value.clone())),
        }
    }
    Ok(both)
}

/// `@csv`, `@base64` and their like.
pub(super) fn format(name: &str, value: &Json) -> Done<String> {
    let plain = || match value {
        Json::Text(text) => text.to_string(),
        other => other.compact(),
    };
    let row = || match value {
        Json::Array(items, _) => Ok(items.clone()),
        other => Err(error(format!("{} cannot be {name}-formatted, only an array can be", shown(other)))),
    };
    Ok(match name {
        "text" => plain(),
        "json" => value.compact(),
        "base64" => encode(plain().as_bytes()),
        "base64d" => {
            let bytes = decode(&plain()).ok_or_else(|| error(format!("{} is not valid base64 data", shown(value))))?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        "uri" => plain()
            .bytes()
            .map(|b| if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect(),
        "html" => plain().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;").replace('"', "&quot;"),
        "csv" | "tsv" => {
            let mut cells = Vec::new();
            for item in row()?.iter() {
                cells.push(match item {
                    Json::Text(text) if name == "csv" => format!("\"{}\"", text.replace('"', "\"\"")),
                    Json::Text(text) => text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r"),
                    Json::Null => String::new(),
                    Json::Number(_) | Json::Bool(_) => item.compact(),
                    other => return Err(error(format!("{} is not valid in a csv row", shown(other)))),
                });
            }
            cells.join(if name == "csv" { "," } else { "\t" })
        }
        "sh" => {
            let quoted = |value: &Json| match value {
                Json::Text(text) => format!("'{}'", text.replace('\'', "'\\''")),
                other => other.compact(),
            };
            match value {
                Json::Array(items, _) => items.iter().map(quoted).collect::<Vec<_>>().join(" "),
                other => quoted(other),
            }
        }
        name => return Err(Stop::Bound(format!("{name} is not a valid format"))),
    })
}
