//! jq's functions, operators and formats.

use std::cmp::Ordering;
use std::sync::Arc;

use super::calculate::calculate;
use super::eval::{Done, Machine, Scope, Sink, Stop, error, shown};
use super::items::{contains, flatten, from_entries, indices, items, keys, over_items, sum, to_entries};
use super::json;
use super::json::Json;
use super::paths::{delete_paths, get, get_path, set_path};
use super::streams::streams;
use super::syntax::Expr;
use super::text::{capture, format, from_date, regex};
use crate::shell::tools::text::date::strftime;

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

pub(super) fn number(value: &Json) -> Done<f64> {
    match value {
        Json::Number(number) => Ok(*number),
        other => Err(error(format!("{} is not a number", shown(other)))),
    }
}

pub(super) fn text(value: &Json) -> Done<Arc<str>> {
    match value {
        Json::Text(text) => Ok(text.clone()),
        other => Err(error(format!("{} is not a string", shown(other)))),
    }
}

/// Functions of their input alone.
pub(super) fn plain(m: &mut Machine, name: &str, input: &Json) -> Done<Json> {
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
