//! `$((...))`: whole numbers of 64 bits, with C's operators.

use super::state::{MOST_INDEX, State};

/// Expressions may be nested so deeply; variables that hold expressions count.
const MAX_DEPTH: usize = 48;

/// What an expression is worth; variables are read, and assigned to.
///
/// # Errors
/// What bash says about it, without its name in front.
pub fn evaluate(text: &str, state: &mut State) -> Result<i64, String> {
    evaluate_at(text, state, 0)
}

fn evaluate_at(text: &str, state: &mut State, depth: usize) -> Result<i64, String> {
    let mut reader = Reader { text, rest: text, state, depth, skip: 0 };
    if reader.peek().is_none() {
        return Ok(0);
    }
    let value = reader.comma()?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.wrong("syntax error in expression")),
    }
}

struct Reader<'a, 's> {
    text: &'a str,
    rest: &'a str,
    state: &'s mut State,
    depth: usize,
    /// More than zero in the branch that does not count: nothing is assigned, nothing divided.
    skip: usize,
}

type Value = Result<i64, String>;

/// What can be assigned to.
struct Place<'a> {
    name: &'a str,
    /// `X[key]`
    key: Option<String>,
}

/// Operators by how strongly they bind, weakest first.
const LEVELS: &[&[&str]] =
    &[&["||"], &["&&"], &["|"], &["^"], &["&"], &["==", "!="], &["<=", ">=", "<", ">"], &["<<", ">>"], &["+", "-"], &["*", "/", "%"]];

impl<'a> Reader<'a, '_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, token: &str) -> bool {
        self.peek();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn wrong(&self, what: &str) -> String {
        format!("{}: {what} (error token is \"{}\")", self.text.trim(), self.rest)
    }

    fn deeper(&mut self, inner: impl FnOnce(&mut Self) -> Value) -> Value {
        if self.depth >= MAX_DEPTH {
            return Err(format!("{}: expression recursion level exceeded (error token is \"{}\")", self.text, self.rest));
        }
        self.depth += 1;
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn comma(&mut self) -> Value {
        let mut value = self.assignment()?;
        while self.take(",") {
            value = self.assignment()?;
        }
        Ok(value)
    }

    fn assignment(&mut self) -> Value {
        self.deeper(|reader| reader.assignment_here())
    }

    fn assignment_here(&mut self) -> Value {
        const OPERATORS: &[&str] = &["<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "="];
        let before = self.rest;
        if let Some(name) = self.place()? {
            let name = &name;
            self.peek();
            let operator = OPERATORS.iter().find(|operator| self.rest.starts_with(**operator));
            if let Some(operator) = operator.filter(|_| !self.rest.starts_with("==")) {
                self.rest = &self.rest[operator.len()..];
                let right = self.assignment()?;
                let value = match operator.strip_suffix('=') {
                    Some("") | None => right,
                    Some(operator) => {
                        let left = self.variable(name)?;
                        self.apply(operator, left, right)?
                    }
                };
                return self.assign(name, value);
            }
        }
        self.rest = before;
        let condition = self.binary(0)?;
        if !self.take("?") {
            return Ok(condition);
        }
        let yes = self.counted(condition != 0, Self::assignment)?;
        if !self.take(":") {
            return Err(self.wrong("`:' expected for conditional expression"));
        }
        let no = self.counted(condition == 0, Self::assignment)?;
        Ok(if condition != 0 { yes } else { no })
    }

    /// Evaluates something that may not count.
    fn counted(&mut self, counts: bool, inner: impl FnOnce(&mut Self) -> Value) -> Value {
        self.skip += usize::from(!counts);
        let value = inner(self);
        self.skip -= usize::from(!counts);
        value
    }

    fn binary(&mut self, level: usize) -> Value {
        let Some(operators) = LEVELS.get(level) else { return self.power() };
        let mut left = self.binary(level + 1)?;
        loop {
            self.peek();
            let is_here = |operator: &&&str| {
                let Some(rest) = self.rest.strip_prefix(**operator) else { return false };
                // `&` is not `&&`, `<` not `<<`, `*` not `**`, and nothing of them an assignment.
                let assigns = rest.starts_with('=') && !["==", "!=", "<=", ">="].contains(operator);
                let is_half = operator.len() == 1 && "&|<>*".contains(**operator) && rest.starts_with(**operator);
                !(assigns || is_half)
            };
            let Some(operator) = operators.iter().find(is_here) else { return Ok(left) };
            self.rest = &self.rest[operator.len()..];
            left = match *operator {
                "&&" => {
                    let right = self.counted(left != 0, |reader| reader.binary(level + 1))?;
                    i64::from(left != 0 && right != 0)
                }
                "||" => {
                    let right = self.counted(left == 0, |reader| reader.binary(level + 1))?;
                    i64::from(left != 0 || right != 0)
                }
                operator => {
                    let right = self.binary(level + 1)?;
                    self.apply(operator, left, right)?
                }
            };
        }
    }

    fn power(&mut self) -> Value {
        let base = self.unary()?;
        if !self.take("**") {
            return Ok(base);
        }
        let exponent = self.deeper(Self::power)?;
        match u32::try_from(exponent) {
            Ok(exponent) => Ok(base.wrapping_pow(exponent)),
            Err(_) if exponent < 0 => Err(self.wrong("exponent less than 0")),
            Err(_) => Ok(0),
        }
    }

    fn unary(&mut self) -> Value {
        self.deeper(|reader| reader.unary_here())
    }

    fn unary_here(&mut self) -> Value {
        for (token, by) in [("++", 1), ("--", -1)] {
            let before = self.rest;
            if self.take(token) {
                if let Some(name) = self.place()? {
                    let value = self.variable(&name)?.wrapping_add(by);
                    return self.assign(&name, value);
                }
                self.rest = before;
            }
        }
        if self.take("-") {
            return Ok(self.unary()?.wrapping_neg());
        }
        if self.take("+") {
            return self.unary();
        }
        if self.take("!") {
            return Ok(i64::from(self.unary()? == 0));
        }
        if self.take("~") {
            return Ok(!self.unary()?);
        }
        if self.take("(") {
            let value = self.comma()?;
            return if self.take(")") { Ok(value) } else { Err(self.wrong("missing `)'")) };
        }
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return self.number();
        }
        let Some(name) = self.place()? else {
            return Err(self.wrong("syntax error: operand expected"));
        };
        let value = self.variable(&name)?;
        for (token, by) in [("++", 1), ("--", -1)] {
            if self.take(token) {
                self.assign(&name, value.wrapping_add(by))?;
                return Ok(value);
            }
        }
        Ok(value)
    }

    /// A variable, or an element of one.
    fn place(&mut self) -> Result<Option<Place<'a>>, String> {
        let Some(name) = self.name() else { return Ok(None) };
        if !self.rest.starts_with('[') {
            return Ok(Some(Place { name, key: None }));
        }
        let items = self.state.variable(name).and_then(|variable| variable.items.as_ref());
        let (is_map, end) = items.map_or((false, 0), |items| (items.is_map, items.end()));
        self.take("[");
        let key = if is_map {
            let end = self.rest.find(']').unwrap_or(self.rest.len());
            let (key, rest) = self.rest.split_at(end);
            self.rest = rest;
            key.to_owned()
        } else {
            let number = self.comma()?;
            let at = if number < 0 { end.saturating_add(number) } else { number };
            if !(0..=MOST_INDEX).contains(&at) {
                return Err(format!("{name}[{number}]: bad array subscript"));
            }
            at.to_string()
        };
        if self.take("]") { Ok(Some(Place { name, key: Some(key) })) } else { Err(self.wrong("missing `]'")) }
    }

    fn name(&mut self) -> Option<&'a str> {
        self.peek();
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        is_name.then(|| {
            self.rest = rest;
            name
        })
    }

    fn number(&mut self) -> Value {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '#' || c == '_')).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        let lower = token.to_ascii_lowercase();
        let (digits, radix) = if let Some(digits) = lower.strip_prefix("0x") {
            (digits, 16)
        } else if let Some((radix, digits)) = lower.split_once('#') {
            (digits, radix.parse().unwrap_or(0))
        } else if lower.len() > 1 && lower.starts_with('0') {
            (&lower[1..], 8)
        } else {
            (&lower[..], 10)
        };
        if !(2..=36).contains(&radix) {
            return Err(self.wrong("invalid arithmetic base"));
        }
        let mut value = 0_i64;
        for c in digits.chars() {
            let Some(digit) = c.to_digit(radix) else {
                return Err(self.wrong("value too great for base"));
            };
            value = value.wrapping_mul(i64::from(radix)).wrapping_add(i64::from(digit));
        }
        self.rest = rest;
        Ok(value)
    }

    /// A variable's value may be an expression itself.
    fn variable(&mut self, place: &Place) -> Value {
        let Place { name, key } = place;
        let text = match key {
            None => self.state.get(name),
            Some(key) => self.state.variable(name).and_then(|variable| match &variable.items {
                Some(items) => items.get(key).map(|item| &*item.value),
                None => (key == "0").then_some(&*variable.value),
            }),
        };
        let Some(text) = text else {
            return if self.state.options.nounset { Err(format!("{name}: unbound variable")) } else { Ok(0) };
        };
        let text = text.trim().to_owned();
        if let Ok(value) = text.parse::<i64>() {
            let is_octal = text.len() > 1 && text.starts_with('0');
            if !is_octal {
                return Ok(value);
            }
        }
        if self.depth >= MAX_DEPTH {
            return Err(format!("{text}: expression recursion level exceeded (error token is \"{text}\")"));
        }
        evaluate_at(&text, self.state, self.depth + 1)
    }

    fn assign(&mut self, place: &Place, value: i64) -> Value {
        if self.skip == 0 {
            match &place.key {
                None => self.state.set(place.name, &value.to_string())?,
                Some(key) => self.state.set_element(place.name, key, &value.to_string())?,
            }
        }
        Ok(value)
    }

    fn apply(&self, operator: &str, left: i64, right: i64) -> Value {
        let shift = (right & 63) as u32;
        Ok(match operator {
            "+" => left.wrapping_add(right),
            "-" => left.wrapping_sub(right),
            "*" => left.wrapping_mul(right),
            "/" | "%" if right == 0 && self.skip > 0 => 0,
            "/" | "%" if right == 0 => return Err(self.wrong("division by 0")),
            "/" => left.wrapping_div(right),
            "%" => left.wrapping_rem(right),
            "<<" => left.wrapping_shl(shift),
            ">>" => left.wrapping_shr(shift),
            "|" => left | right,
            "^" => left ^ right,
            "&" => left & right,
            "==" => i64::from(left == right),
            "!=" => i64::from(left != right),
            "<=" => i64::from(left <= right),
            ">=" => i64::from(left >= right),
            "<" => i64::from(left < right),
            _ => i64::from(left > right),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_bash_counts() {
        let mut state = State::new(1, "client");
        state.set("x", "5").unwrap();
        state.set("e", "x+1").unwrap();
        let cases = [
            ("1+2*3", 7),
            ("(1+2)*3", 9),
            ("7/2", 3),
            ("-7%3", -1),
            ("2**10", 1024),
            ("1<<4|1", 17),
            ("x++ + x", 11),
            ("x", 6),
            ("x+=4", 10),
            ("e*2", 22),
            ("x>3&&x<20?1:2", 1),
            ("0x1f + 010 + 2#101", 44),
            ("!0 + ~0", 0),
            ("y=3, y*y", 9),
            ("", 0),
            ("0 && 1/0", 0),
            ("1==1 != 0", 1),
            ("-9223372036854775808 / -1", i64::MIN),
        ];
        for (text, expected) in cases {
            assert_eq!(evaluate(text, &mut state), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_bashs_words() {
        let mut state = State::new(1, "client");
        state.set("loop", "loop").unwrap();
        let said = |text: &str, state: &mut State| evaluate(text, state).unwrap_err();
        assert_eq!(said("1/0", &mut state), "1/0: division by 0 (error token is \"\")");
        assert_eq!(said("1+", &mut state), "1+: syntax error: operand expected (error token is \"\")");
        assert_eq!(said("08", &mut state), "08: value too great for base (error token is \"08\")");
        assert!(said("loop", &mut state).contains("expression recursion level exceeded"));
        assert!(said(&"(".repeat(5_000), &mut state).contains("recursion"));
    }
}
