//! What expressions are worth, and assignments.

use std::sync::Arc;

use super::run::{Done, MOST_BYTES, MOST_ELEMENTS, MOST_FIELDS, Machine};
use super::syntax::Expr;
use super::value::Value;

impl Machine {
    pub(super) fn truth(&mut self, expr: &Expr) -> Done<bool> {
        Ok(self.value(expr)?.is_true())
    }

    pub(super) fn text(&mut self, expr: &Expr) -> Done<Arc<str>> {
        let value = self.value(expr)?;
        Ok(value.string(self.precision("CONVFMT")))
    }

    pub(super) fn text_of(&self, name: &str) -> String {
        self.globals.get(name).map(|value| value.string(None).to_string()).unwrap_or_default()
    }

    /// The precision in `%.6g`.
    pub(super) fn precision(&self, name: &str) -> Option<usize> {
        let format = self.globals.get(name)?.string(None);
        format.strip_prefix("%.")?.strip_suffix('g')?.parse().ok().map(|precision: usize| precision.clamp(1, 30))
    }

    pub(super) fn value(&mut self, expr: &Expr) -> Done<Value> {
        self.step()?;
        Ok(match expr {
            Expr::Number(number) => Value::Number(*number),
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Regex(regex) => Value::truth(regex.is_match(&self.record)),
            Expr::Variable(name) => self.variable(name),
            Expr::Element(array, index) => {
                let key = self.key(index)?;
                match self.arrays.get(array).and_then(|array| array.get(&key)) {
                    Some(value) => value.clone(),
                    None => {
                        self.put(array, key, Value::Unset)?;
                        Value::Unset
                    }
                }
            }
            Expr::Field(number) => {
                let number = self.value(number)?.number();
                if number < 0.0 {
                    return Err(format!("attempt to access field {number}"));
                }
                match number as usize {
                    0 => Value::Input(self.record.clone()),
                    n => self.fields.get(n - 1).cloned().unwrap_or(Value::Unset),
                }
            }
            Expr::Assign(place, operator, right) => {
                let right = self.value(right)?;
                let value = match operator {
                    None => right,
                    Some(operator) => {
                        let left = self.value(place)?;
                        calculate(operator, left.number(), right.number())?
                    }
                };
                self.assign(place, value.clone())?;
                value
            }
            Expr::Step(place, by, old) => {
                let before = self.value(place)?.number();
                self.assign(place, Value::Number(before + by))?;
                Value::Number(if *old { before } else { before + by })
            }
            Expr::Unary("!", inner) => Value::truth(!self.truth(inner)?),
            Expr::Unary("-", inner) => Value::Number(-self.value(inner)?.number()),
            Expr::Unary("+", inner) => Value::Number(self.value(inner)?.number()),
            Expr::Unary(_, inner) => self.value(inner)?,
            Expr::Binary(a, "&&", b) => Value::truth(self.truth(a)? && self.truth(b)?),
            Expr::Binary(a, "||", b) => Value::truth(self.truth(a)? || self.truth(b)?),
            Expr::Binary(a, " ", b) => {
                let (a, b) = (self.text(a)?, self.text(b)?);
                if a.len() + b.len() > MOST_BYTES {
                    return Err(format!("a text of more than {MOST_BYTES} bytes"));
                }
                Value::text(format!("{a}{b}"))
            }
            Expr::Binary(a, operator, b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                let order = || a.compare(&b);
                match *operator {
                    "<" => Value::truth(order().is_lt()),
                    "<=" => Value::truth(order().is_le()),
                    "==" => Value::truth(order().is_eq()),
                    "!=" => Value::truth(order().is_ne()),
                    ">" => Value::truth(order().is_gt()),
                    ">=" => Value::truth(order().is_ge()),
                    operator => calculate(operator, a.number(), b.number())?,
                }
            }
            Expr::Matches(text, pattern, negated) => {
                let text = self.text(text)?;
                Value::truth(self.regex(pattern)?.is_match(&text) != *negated)
            }
            Expr::In(index, array) => {
                let key = self.key(index)?;
                Value::truth(self.arrays.get(array).is_some_and(|array| array.contains_key(&key)))
            }
            Expr::Choice(condition, yes, no) => {
                if self.truth(condition)? {
                    self.value(yes)?
                } else {
                    self.value(no)?
                }
            }
            Expr::Call(name, args) => self.call(name, args)?,
        })
    }

    pub(super) fn variable(&self, name: &str) -> Value {
        if let Some(value) = self.locals.last().and_then(|locals| locals.get(name)) {
            return value.clone();
        }
        match name {
            "NF" => Value::Number(self.fields.len() as f64),
            name => self.globals.get(name).cloned().unwrap_or(Value::Unset),
        }
    }

    pub(super) fn key(&mut self, index: &[Expr]) -> Done<String> {
        let mut parts = Vec::new();
        for part in index {
            parts.push(self.text(part)?);
        }
        Ok(parts.join(&self.text_of("SUBSEP")))
    }

    pub(super) fn put(&mut self, array: &str, key: String, value: Value) -> Done<()> {
        let array = self.arrays.entry(array.to_owned()).or_default();
        self.held += key.len() + value.bytes();
        let key_bytes = key.len();
        match array.insert(key, value) {
            None => self.elements += 1,
            Some(old) => self.held -= key_bytes + old.bytes(),
        }
        self.check_held()?;
        if self.elements > MOST_ELEMENTS { Err(format!("more than {MOST_ELEMENTS} elements in arrays")) } else { Ok(()) }
    }

    pub(super) fn assign(&mut self, place: &Expr, value: Value) -> Done<()> {
        match place {
            Expr::Variable(name) => {
                if let Some(local) = self.locals.last_mut().and_then(|locals| locals.get_mut(name)) {
                    *local = value;
                } else if name == "NF" {
                    let count = value.number().max(0.0) as usize;
                    if count > MOST_FIELDS {
                        return Err(format!("more than {MOST_FIELDS} fields"));
                    }
                    self.fields.resize(count, Value::text(""));
                    self.join_fields()?;
                } else {
                    self.set(name, value);
                }
                self.check_held()
            }
            Expr::Element(array, index) => {
                let key = self.key(index)?;
                self.put(array, key, value)
            }
            Expr::Field(number) => {
                let number = self.value(number)?.number();
                if number < 1.0 {
                    let text = value.string(None).to_string();
                    return self.set_record(&text);
                }
                let n = number as usize;
                if n > MOST_FIELDS {
                    return Err(format!("more than {MOST_FIELDS} fields"));
                }
                if self.fields.len() < n {
                    self.fields.resize(n, Value::text(""));
                }
                self.fields[n - 1] = value;
                self.join_fields()
            }
            _ => Err("something is assigned to what is no variable".into()),
        }
    }

    pub(super) fn join_fields(&mut self) -> Done<()> {
        let texts: Vec<Arc<str>> = self.fields.iter().map(|field| field.string(None)).collect();
        let record = texts.join(&self.text_of("OFS"));
        if record.len() > MOST_BYTES {
            return Err(format!("a text of more than {MOST_BYTES} bytes"));
        }
        self.record = record.into();
        Ok(())
    }

    pub(super) fn set_record(&mut self, line: &str) -> Done<()> {
        self.record = line.into();
        let separator = self.text_of("FS");
        self.fields = self.split(line, &separator)?.into_iter().map(|field| Value::input(&field)).collect();
        Ok(())
    }
}

pub(super) fn calculate(operator: &str, a: f64, b: f64) -> Done<Value> {
    Ok(Value::Number(match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" | "%" if b == 0.0 => return Err("division by zero".into()),
        "/" => a / b,
        "%" => libm::fmod(a, b),
        _ => libm::pow(a, b),
    }))
}
