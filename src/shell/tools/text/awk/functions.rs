//! awk's own functions: `split`, `sub`, `sprintf` and their like.

use std::collections::BTreeMap;

use regex_lite::Regex;

use super::run::{Done, Flow, MOST_BYTES, MOST_CALLS, MOST_FIELDS, Machine};
use super::syntax::Expr;
use super::value::Value;
use crate::shell::tools::text::printf::Spec;

impl Machine {
    /// A text split as `FS` says.
    pub(super) fn split(&mut self, text: &str, separator: &str) -> Done<Vec<String>> {
        let mut chars = separator.chars();
        let found: Vec<String> = match (chars.next(), chars.next()) {
            (Some(' '), None) => text.split_whitespace().map(str::to_owned).collect(),
            _ if text.is_empty() => Vec::new(),
            (None, _) => text.chars().map(String::from).collect(),
            (Some(c), None) if c != '\\' => text.split(c).map(str::to_owned).collect(),
            _ => {
                let regex = self.compiled(separator)?;
                let mut parts = Vec::new();
                let mut from = 0;
                for hit in regex.find_iter(text).filter(|hit| !hit.is_empty()) {
                    parts.push(text[from..hit.start()].to_owned());
                    from = hit.end();
                }
                parts.push(text[from..].to_owned());
                parts
            }
        };
        if found.len() > MOST_FIELDS { Err(format!("more than {MOST_FIELDS} fields")) } else { Ok(found) }
    }

    pub(super) fn compiled(&mut self, text: &str) -> Done<Regex> {
        if let Some(regex) = self.regexes.get(text) {
            return Ok(regex.clone());
        }
        if self.regexes.len() > 100 {
            self.regexes.clear();
        }
        let regex = super::super::regex::compile(text, true, false)?;
        self.regexes.insert(text.to_owned(), regex.clone());
        Ok(regex)
    }

    pub(super) fn regex(&mut self, expr: &Expr) -> Done<Regex> {
        if let Expr::Regex(regex) = expr {
            return Ok(regex.clone());
        }
        let text = self.text(expr)?;
        self.compiled(&text)
    }

    pub(super) fn formatted(&mut self, args: &[Expr]) -> Done<String> {
        let mut values = Vec::new();
        for arg in args {
            values.push(self.value(arg)?);
        }
        let Some((format, values)) = values.split_first() else { return Err("printf: no format".into()) };
        let format = format.string(None);
        let mut values = values.iter();
        let (mut text, mut rest) = (String::new(), &*format);
        while let Some(at) = rest.find('%') {
            text += &rest[..at];
            rest = &rest[at + 1..];
            let mut spec = Spec::default();
            rest = spec.read(rest, &mut || values.next().map(|value| value.string(None).to_string()));
            let Some(letter) = rest.chars().next() else {
                text.push('%');
                break;
            };
            rest = &rest[letter.len_utf8()..];
            let piece = match letter {
                '%' => "%".to_owned(),
                's' => {
                    let piece = values.next().map(|value| value.string(None).to_string()).unwrap_or_default();
                    piece.chars().take(spec.precision.unwrap_or(usize::MAX)).collect()
                }
                'c' => match values.next() {
                    Some(Value::Number(code)) => char::from_u32(*code as u32).map(String::from).unwrap_or_default(),
                    Some(value) => value.string(None).chars().take(1).collect(),
                    None => String::new(),
                },
                letter => {
                    let number = values.next().map_or(0.0, Value::number);
                    let shown = match letter {
                        'd' | 'i' | 'u' | 'x' | 'X' | 'o' => (number as i64).to_string(),
                        _ => format!("{number}"),
                    };
                    match spec.number(letter, &shown) {
                        Some((piece, _)) => piece,
                        None => format!("%{letter}"),
                    }
                }
            };
            text += &spec.pad(&piece, letter);
            if text.len() > MOST_BYTES {
                return Err(format!("a text of more than {MOST_BYTES} bytes"));
            }
        }
        Ok(text + rest)
    }

    pub(super) fn call(&mut self, name: &str, args: &[Expr]) -> Done<Value> {
        if let Some(function) = self.program.clone().functions.get(name) {
            if self.locals.len() >= MOST_CALLS {
                return Err(format!("functions call each other more than {MOST_CALLS} deep"));
            }
            let mut locals = BTreeMap::new();
            for (n, param) in function.params.iter().enumerate() {
                let value = args.get(n).map(|arg| self.value(arg)).transpose()?;
                locals.insert(param.clone(), value.unwrap_or(Value::Unset));
            }
            self.locals.push(locals);
            let flow = self.statements(&function.body);
            self.locals.pop();
            return Ok(match flow? {
                Flow::Return(value) => value,
                _ => Value::Unset,
            });
        }
        if let ("split" | "length", Some(Expr::Variable(array))) = (name, args.get(usize::from(name == "split"))) {
            if name == "split" {
                return self.split_into(args, array);
            }
            if let Some(array) = self.arrays.get(array) {
                return Ok(Value::Number(array.len() as f64));
            }
        }
        if let "sub" | "gsub" = name {
            return self.substitute(args, name == "gsub");
        }
        if let ("match", [text, pattern]) = (name, args) {
            let text = self.text(text)?;
            let found = self.regex(pattern)?.find(&text).map(|found| (found.start(), found.as_str().chars().count()));
            let (start, length) = found.map_or((0.0, -1.0), |(at, length)| (text[..at].chars().count() as f64 + 1.0, length as f64));
            self.set("RSTART", Value::Number(start));
            self.set("RLENGTH", Value::Number(length));
            return Ok(Value::Number(start));
        }
        if name == "sprintf" {
            return Ok(Value::text(self.formatted(args)?));
        }
        let mut values = Vec::new();
        for arg in args {
            values.push(self.value(arg)?);
        }
        let text = |n: usize| values.get(n).map_or_else(|| "".into(), |value| value.string(None));
        let number = |n: usize| values.get(n).map_or(0.0, Value::number);
        Ok(match name {
            "length" if args.is_empty() => Value::Number(self.record.chars().count() as f64),
            "length" => Value::Number(text(0).chars().count() as f64),
            "substr" => {
                let from = libm::round(number(1));
                let until = if values.len() > 2 { from + libm::round(number(2)) } else { f64::INFINITY };
                let inside = |n: usize| (n as f64 + 1.0) >= from && (n as f64 + 1.0) < until;
                Value::text(text(0).chars().enumerate().filter(|(n, _)| inside(*n)).map(|(_, c)| c).collect::<String>())
            }
            "index" => Value::Number(text(0).find(&*text(1)).map_or(0.0, |at| text(0)[..at].chars().count() as f64 + 1.0)),
            "toupper" => Value::text(text(0).to_uppercase()),
            "tolower" => Value::text(text(0).to_lowercase()),
            "int" => Value::Number(number(0).trunc()),
            "sqrt" => Value::Number(libm::sqrt(number(0))),
            "exp" => Value::Number(libm::exp(number(0))),
            "log" => Value::Number(libm::log(number(0))),
            "sin" => Value::Number(libm::sin(number(0))),
            "cos" => Value::Number(libm::cos(number(0))),
            "atan2" => Value::Number(libm::atan2(number(0), number(1))),
            "rand" => {
                self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                Value::Number((self.random >> 33) as f64 / f64::from(1_u32 << 31))
            }
            "srand" => {
                self.random = number(0) as u64;
                Value::Number(0.0)
            }
            "strftime" => Value::text(crate::shell::tools::text::date::strftime(&text(0), (number(1) * 1_000.0) as i64)),
            "substring" | "system" | "close" | "fflush" | "getline" => return Err(format!("{name} is not to be had in this terminal")),
            name => return Err(format!("function {name} not defined")),
        })
    }

    pub(super) fn split_into(&mut self, args: &[Expr], array: &str) -> Done<Value> {
        let text = self.text(&args[0])?;
        let separator = match args.get(2) {
            None => self.text_of("FS"),
            Some(Expr::Regex(regex)) => regex.as_str().to_owned(),
            Some(other) => self.text(other)?.to_string(),
        };
        let parts = self.split(&text, &separator)?;
        self.clear(array);
        let count = parts.len();
        for (n, part) in parts.into_iter().enumerate() {
            self.put(array, (n + 1).to_string(), Value::input(&part))?;
        }
        Ok(Value::Number(count as f64))
    }

    pub(super) fn substitute(&mut self, args: &[Expr], all: bool) -> Done<Value> {
        let [pattern, with, rest @ ..] = args else { return Err("sub: too few arguments".into()) };
        let regex = self.regex(pattern)?;
        let with = self.text(with)?;
        let whole = Expr::Field(Box::new(Expr::Number(0.0)));
        let place = rest.first().unwrap_or(&whole);
        let text = self.text(place)?;
        let (mut changed, mut from, mut count) = (String::new(), 0, 0_u32);
        for found in regex.find_iter(&text) {
            changed += &text[from..found.start()];
            let mut chars = with.chars().peekable();
            while let Some(c) = chars.next() {
                match c {
                    '&' => changed += found.as_str(),
                    '\\' if chars.peek() == Some(&'&') => changed.extend(chars.next()),
                    c => changed.push(c),
                }
            }
            from = found.end();
            count += 1;
            if changed.len() > MOST_BYTES {
                return Err(format!("a text of more than {MOST_BYTES} bytes"));
            }
            if !all {
                break;
            }
        }
        if count > 0 {
            changed += &text[from..];
            self.assign(place, Value::text(changed))?;
        }
        Ok(Value::Number(f64::from(count)))
    }
}
