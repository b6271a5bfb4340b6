//! Builtins of texts: regular expressions, `@csv` and its like, dates.

use std::sync::Arc;

use regex_lite::Regex;

use super::builtins::text;
use super::eval::{Done, MOST_BYTES, Machine, Scope, Stop, error, shown};
use super::json::Json;
use super::syntax::Expr;
use crate::shell::tools::text::cat::{decode, encode};
use crate::shell::tools::text::date::days_from_civil;

pub(super) fn from_date(text: &str) -> Done<f64> {
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

pub(super) fn regex(pattern: &Json, flags: Option<&Json>) -> Done<Regex> {
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

pub(super) fn capture(regex: &Regex, text: &str) -> Json {
    let Some(found) = regex.captures(text) else { return Json::Null };
    let named = regex.capture_names().flatten();
    let entry = |name: &str| (Arc::from(name), found.name(name).map_or(Json::Null, |group| Json::text(group.as_str())));
    Json::object(named.map(entry).collect())
}

/// `scan`, `splits`, `match`
pub(super) fn matches(name: &str, input: &Json, pattern: &Json, all: bool) -> Done<Vec<Json>> {
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

pub(super) fn substitute(m: &mut Machine, all: bool, pattern: &Expr, with: &Expr, scope: &Scope, input: &Json) -> Done<Json> {
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
