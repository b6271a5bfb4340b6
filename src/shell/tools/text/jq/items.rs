//! Builtins over the items of an array or the entries of an object.

use std::cmp::Ordering;
use std::sync::Arc;

use super::calculate::calculate;
use super::eval::{Done, Machine, Scope, Stop, error, shown};
use super::json::Json;
use super::syntax::Expr;
use super::text::substitute;

/// Functions that run an expression for each item.
pub(super) fn over_items(m: &mut Machine, name: &str, args: &[Expr], scope: &Scope, input: &Json) -> Option<Done<Json>> {
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

pub(super) fn map_values(m: &mut Machine, expr: &Expr, scope: &Scope, input: &Json) -> Done<Json> {
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
pub(super) const MOST_WALKED: u16 = 40;

pub(super) fn walk(m: &mut Machine, expr: &Expr, scope: &Scope, input: &Json) -> Done<Json> {
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

pub(super) fn by_key(m: &mut Machine, name: &str, expr: &Expr, scope: &Scope, input: &Json) -> Done<Json> {
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

pub(super) fn items(input: &Json) -> Done<Vec<Json>> {
    match input {
        Json::Array(items, _) => Ok(items.to_vec()),
        Json::Object(entries, _) => Ok(entries.iter().map(|(_, value)| value.clone()).collect()),
        other => Err(error(format!("Cannot iterate over {}", shown(other)))),
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

pub(super) fn to_entries(input: &Json) -> Done<Json> {
    let Json::Object(entries, _) = input else { return Err(error(format!("{} has no keys", shown(input)))) };
    let entry =
        |(key, value): &(Arc<str>, Json)| Json::object(vec![("key".into(), Json::Text(key.clone())), ("value".into(), value.clone())]);
    Ok(Json::array(entries.iter().map(entry).collect()))
}

pub(super) fn from_entries(input: &Json) -> Done<Json> {
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

pub(super) fn sum(items: &[Json]) -> Done<Json> {
    items.iter().try_fold(Json::Null, |sum, item| calculate("+", &sum, item))
}

pub(super) fn flatten(items: &[Json], depth: f64) -> Vec<Json> {
    let mut flat = Vec::new();
    for item in items {
        match item {
            Json::Array(inner, _) if depth > 0.0 => flat.extend(flatten(inner, depth - 1.0)),
            other => flat.push(other.clone()),
        }
    }
    flat
}

pub(super) fn contains(a: &Json, b: &Json) -> Done<bool> {
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

pub(super) fn indices(input: &Json, wanted: &Json) -> Done<Vec<Json>> {
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
