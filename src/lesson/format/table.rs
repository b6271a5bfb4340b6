//! TOML into types, with every mistake and its place instead of only the first.
//!
//! Serde stops at its first error. So after one, the offending entry is taken out of the parsed tree and the rest is tried again, until it fits
//! or nothing is left to take out.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

/// A mistake in a piece of TOML: offsets are bytes of that piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TomlProblem {
    pub at: Range<usize>,
    pub message: String,
}

/// Where the values of a piece of TOML stand.
pub struct Spans<'a>(Spanned<DeTable<'a>>);

/// More mistakes than this in one piece are not looked for.
const MOST_PROBLEMS: usize = 30;

/// Reads a piece of TOML; `None` exactly if there are problems.
pub fn read<T: DeserializeOwned>(text: &str) -> (Option<T>, Vec<TomlProblem>, Spans<'_>) {
    let (tree, errors) = DeTable::parse_recoverable(text);
    let spans = Spans(tree.clone());
    let mut problems: Vec<TomlProblem> = errors.iter().map(problem).collect();
    if !problems.is_empty() {
        // What follows a syntax error on its line is seldom another mistake.
        problems.dedup_by_key(|p| text[..p.at.start.min(text.len())].matches('\n').count());
        problems.truncate(MOST_PROBLEMS);
        return (None, problems, spans);
    }
    let mut tree = tree;
    let mut removed: Vec<(Range<usize>, String)> = Vec::new();
    while problems.len() < MOST_PROBLEMS {
        let error = match T::deserialize(Deserializer::from(tree.clone())) {
            Ok(value) if problems.is_empty() => return (Some(value), problems, spans),
            Ok(_) => break,
            Err(error) => error,
        };
        let found = problem(&error);
        if !is_consequence(&found, &removed) {
            problems.push(found.clone());
        }
        let span = error.span().unwrap_or(tree.span());
        match take_out(tree.get_mut(), &spans.0.span(), &span) {
            Some(taken) => removed.push(taken),
            None => break,
        }
    }
    (None, problems, spans)
}

impl Spans<'_> {
    /// The text under a key of the top level, if it is one.
    pub fn text(&self, key: &str) -> Option<String> {
        self.0.get_ref().get(key)?.get_ref().as_str().map(str::to_owned)
    }

    /// The span of the value at a path of keys and positions (`["topic", "0", "name"]`), or of the nearest thing above it that is there.
    pub fn find<'p>(&self, path: impl IntoIterator<Item = &'p str>) -> Range<usize> {
        let mut span = self.0.span();
        let mut at: Option<&Spanned<DeValue>> = None;
        for key in path {
            let next = match at.map(|value| value.get_ref()) {
                None => self.0.get_ref().get(key),
                Some(DeValue::Table(table)) => table.get(key),
                Some(DeValue::Array(array)) => key.parse::<usize>().ok().and_then(|i| array.get(i)),
                Some(_) => None,
            };
            let Some(next) = next else { break };
            span = next.span();
            at = Some(next);
        }
        span
    }
}

fn problem(error: &toml::de::Error) -> TomlProblem {
    TomlProblem { at: error.span().unwrap_or(0..0), message: error.message().to_owned() }
}

/// What is missing only because it was taken out for a mistake of its own.
fn is_consequence(found: &TomlProblem, removed: &[(Range<usize>, String)]) -> bool {
    let about = |key: &str| found.message == format!("missing field `{key}`") || found.message.starts_with("wanted exactly 1 element");
    removed.iter().any(|(table, key)| *table == found.at && about(key))
}

/// Takes out the innermost entry that holds `span`; says from which table (its span) and under which key.
fn take_out(table: &mut DeTable, table_span: &Range<usize>, span: &Range<usize>) -> Option<(Range<usize>, String)> {
    let holder = table.iter().find_map(|(key, value)| {
        let (key_span, value_span) = (key.span(), value.span());
        (holds(&key_span, span) || holds(&value_span, span)).then(|| (key.get_ref().to_string(), holds(&value_span, span)))
    });
    let (key, in_value) = match holder {
        Some(found) => found,
        // A table written as `[a.b]` has the span of its header only: look into all of them.
        None => return table.iter_mut().find_map(|(_, value)| take_out_of_value(value, span)),
    };
    if in_value && let Some(taken) = table.get_mut(key.as_str()).and_then(|value| take_out_of_value(value, span)) {
        return Some(taken);
    }
    table.remove(key.as_str());
    Some((table_span.clone(), key))
}

fn take_out_of_value(value: &mut Spanned<DeValue>, span: &Range<usize>) -> Option<(Range<usize>, String)> {
    let value_span = value.span();
    match value.get_mut() {
        DeValue::Table(_) if value_span == *span => None,
        DeValue::Table(table) => take_out(table, &value_span, span),
        DeValue::Array(array) => {
            if let Some(taken) = array.iter_mut().find_map(|item| take_out_of_value(item, span)) {
                return Some(taken);
            }
            let i = array.iter().position(|item| holds(&item.span(), span))?;
            let rest = std::mem::replace(array, DeArray::new()).into_iter().enumerate().filter(|(at, _)| *at != i);
            *array = rest.map(|(_, item)| item).collect();
            Some((value_span, i.to_string()))
        }
        _ => None,
    }
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playground::spec::ClusterSpec;

    fn problems(text: &str) -> Vec<(String, String)> {
        let (value, problems, _) = read::<ClusterSpec>(text);
        assert_eq!(value.is_none(), !problems.is_empty());
        problems.into_iter().map(|p| (text[p.at].to_owned(), p.message)).collect()
    }

    #[test]
    fn finds_every_mistake() {
        let found = problems(
            "brokrs = 3\ncontrollers = \"one\"\n[[topic]]\nname = 3\npartition = 1\n[[topic]]\npartitions = 2\n\
             [[topic]]\nname = \"c\"\nconfig = { a = [1] }\n[[producer]]\nname = \"p\"\ntopic = \"c\"\nrecords_per_second = 1\nkey = { one = 3 }\n",
        );
        let texts: Vec<&str> = found.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts.len(), 7, "{found:#?}");
        for part in ["brokrs", "\"one\"", "3", "partition", "[1]", "one"] {
            assert!(texts.contains(&part), "{part}: {found:#?}");
        }
        assert!(found.iter().any(|(_, message)| message == "missing field `name`"), "{found:#?}");
    }

    #[test]
    fn finds_every_syntax_error() {
        assert_eq!(problems("brokers = \ncontrollers = = 2\n").len(), 2);
    }

    #[test]
    fn finds_the_place_of_a_value() {
        let text = "brokers = 3\n[[topic]]\nname = \"a\"\n[[topic]]\nname = \"b\"\n";
        let (_, _, spans) = read::<ClusterSpec>(text);
        assert_eq!(&text[spans.find(["topic", "1", "name"])], "\"b\"");
        assert_eq!(&text[spans.find(["topic", "1", "partitions"])], "[[topic]]");
    }
}
