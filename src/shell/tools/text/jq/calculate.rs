//! Operators: `+`, `-`, `*`, `/`, `%`, and slices.

use std::cmp::Ordering;
use std::sync::Arc;

use super::builtins::number;
use super::eval::{Done, MOST_BYTES, Stop, error, shown};
use super::json::Json;

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

pub(super) fn bounded(text: String) -> Done<String> {
    if text.len() > MOST_BYTES { Err(Stop::Bound(format!("a text of more than {MOST_BYTES} bytes"))) } else { Ok(text) }
}

pub(super) type Entries = Vec<(Arc<str>, Json)>;

pub(super) fn merged(a: &Entries, b: &Entries) -> Entries {
    let mut both = a.clone();
    for (key, value) in b {
        match both.iter_mut().find(|(found, _)| found == key) {
            Some((_, old)) => *old = value.clone(),
            None => both.push((key.clone(), value.clone())),
        }
    }
    both
}

pub(super) fn deeply_merged(a: &Entries, b: &Entries) -> Done<Entries> {
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
