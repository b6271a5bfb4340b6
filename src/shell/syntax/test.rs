//! `[[ ... ]]`

use super::cursor::{Cursor, Parsed};
use super::word::Until;
use super::{Condition, SyntaxError};

impl Cursor<'_> {
    /// Behind `[[`, up to and with `]]`.
    pub(super) fn condition(&mut self) -> Parsed<Condition> {
        let condition = self.either()?;
        self.line_breaks()?;
        if !self.take_word("]]") {
            return Err(if self.peek().is_none() { SyntaxError::Unclosed("]]") } else { self.unexpected() });
        }
        Ok(condition)
    }

    fn either(&mut self) -> Parsed<Condition> {
        let mut left = self.both()?;
        loop {
            self.line_breaks()?;
            if !self.take("||") {
                return Ok(left);
            }
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
    }

    fn both(&mut self) -> Parsed<Condition> {
        let mut left = self.one()?;
        loop {
            self.line_breaks()?;
            if !self.take("&&") {
                return Ok(left);
            }
            left = Condition::And(Box::new(left), Box::new(self.one()?));
        }
    }

    fn one(&mut self) -> Parsed<Condition> {
        self.line_breaks()?;
        if self.take_word("!") {
            return Ok(Condition::Not(Box::new(self.deeper(|cursor| cursor.one())?)));
        }
        if self.take("(") {
            let inner = self.deeper(|cursor| cursor.either())?;
            self.line_breaks()?;
            return if self.take(")") { Ok(inner) } else { Err(self.unexpected()) };
        }
        let first = self.peek_word();
        if first == "]]" {
            return Err(self.unexpected());
        }
        let is_unary = first.len() == 2 && first.starts_with('-') && "nzefdsrwxv".contains(&first[1..]);
        if is_unary {
            let operator = first.to_owned();
            self.at += operator.len();
            return Ok(Condition::Unary(operator, self.operand(Until::Word)?));
        }
        let left = self.operand(Until::Word)?;
        self.line_breaks()?;
        let operator = match self.peek() {
            Some(c @ ('<' | '>')) => {
                self.at += 1;
                c.to_string()
            }
            _ => {
                let operator = self.peek_word().to_owned();
                const OPERATORS: &[&str] = &["==", "=", "!=", "=~", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"];
                if !OPERATORS.contains(&operator.as_str()) {
                    // A word alone is true if it is not empty.
                    return Ok(Condition::Unary("-n".into(), left));
                }
                self.at += operator.len();
                operator
            }
        };
        let until = if operator == "=~" { Until::Pattern } else { Until::Word };
        Ok(Condition::Binary(left, operator, self.operand(until)?))
    }

    fn operand(&mut self, until: Until) -> Parsed<super::Word> {
        self.line_breaks()?;
        let word = self.parts(until)?;
        if word.0.is_empty() { Err(self.unexpected()) } else { Ok(word) }
    }
}
