//! awk's values: numbers, texts, and texts that came from outside and look like numbers.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::shell::tools::text::printf::{Spec, number};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Text(Arc<str>),
    /// From the input: it compares as a number if it looks like one.
    Input(Arc<str>),
    Unset,
}

impl Value {
    pub(super) fn text(text: impl Into<Arc<str>>) -> Value {
        Value::Text(text.into())
    }

    pub(super) fn input(text: &str) -> Value {
        Value::Input(text.into())
    }

    /// What it holds beside itself.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Value::Text(text) | Value::Input(text) => text.len(),
            Value::Number(_) | Value::Unset => 0,
        }
    }

    pub(super) fn truth(holds: bool) -> Value {
        Value::Number(if holds { 1.0 } else { 0.0 })
    }

    /// A text counts as the number it begins with.
    pub(super) fn number(&self) -> f64 {
        match self {
            Value::Number(value) => *value,
            Value::Text(text) | Value::Input(text) => number(text),
            Value::Unset => 0.0,
        }
    }

    pub(super) fn string(&self, format: Option<usize>) -> Arc<str> {
        match self {
            Value::Number(value) => shown(*value, format).into(),
            Value::Text(text) | Value::Input(text) => text.clone(),
            Value::Unset => "".into(),
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Value::Number(value) => *value != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Input(text) => {
                if looks_numeric(text) {
                    number(text) != 0.0
                } else {
                    !text.is_empty()
                }
            }
            Value::Unset => false,
        }
    }

    fn is_numeric(&self) -> bool {
        match self {
            Value::Number(_) | Value::Unset => true,
            Value::Text(_) => false,
            Value::Input(text) => looks_numeric(text),
        }
    }

    pub(super) fn compare(&self, other: &Value) -> Ordering {
        if self.is_numeric() && other.is_numeric() {
            return self.number().partial_cmp(&other.number()).unwrap_or(Ordering::Equal);
        }
        self.string(None).cmp(&other.string(None))
    }
}

fn looks_numeric(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) && text.parse::<f64>().is_ok()
}

/// `CONVFMT`, `OFMT`: `%.6g` unless told otherwise; whole numbers as they are.
fn shown(value: f64, precision: Option<usize>) -> String {
    if value.fract() == 0.0 && value.abs() < 1e16 {
        return format!("{}", value as i64);
    }
    let mut spec = Spec::default();
    spec.precision = precision;
    spec.float('g', value)
}
