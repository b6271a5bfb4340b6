//! Expressions, from what binds least to what binds most.

use super::lexer::Token;
use super::parser::{Parsed, Parser};
use super::syntax::Expr;
use crate::shell::tools::text::regex::compile;

impl Parser {
    /// Expressions with commas between them, up to and with `end`.
    pub(super) fn list(&mut self, end: &'static str) -> Parsed<Vec<Expr>> {
        let mut values = Vec::new();
        if self.mark(end) {
            return Ok(values);
        }
        loop {
            values.push(self.expr()?);
            self.newlines();
            if self.mark(end) {
                return Ok(values);
            }
            self.expect(",")?;
            self.newlines();
        }
    }

    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.deeper(Self::assignment)
    }

    pub(super) fn assignment(&mut self) -> Parsed<Expr> {
        let left = self.choice()?;
        const OPERATORS: &[(&str, Option<&str>)] = &[
            ("=", None),
            ("+=", Some("+")),
            ("-=", Some("-")),
            ("*=", Some("*")),
            ("/=", Some("/")),
            ("%=", Some("%")),
            ("^=", Some("^")),
        ];
        let is_place = matches!(left, Expr::Variable(_) | Expr::Element(..) | Expr::Field(_));
        for (mark, operator) in OPERATORS {
            if is_place && self.mark(mark) {
                self.newlines();
                let right = self.expr()?;
                return Ok(Expr::Assign(Box::new(left), *operator, Box::new(right)));
            }
        }
        Ok(left)
    }

    pub(super) fn choice(&mut self) -> Parsed<Expr> {
        let condition = self.or()?;
        if !self.mark("?") {
            return Ok(condition);
        }
        self.newlines();
        let yes = self.expr()?;
        self.newlines();
        self.expect(":")?;
        self.newlines();
        let no = self.expr()?;
        Ok(Expr::Choice(Box::new(condition), Box::new(yes), Box::new(no)))
    }

    pub(super) fn or(&mut self) -> Parsed<Expr> {
        let mut left = self.and()?;
        while self.mark("||") {
            self.newlines();
            left = Expr::Binary(Box::new(left), "||", Box::new(self.and()?));
        }
        Ok(left)
    }

    pub(super) fn and(&mut self) -> Parsed<Expr> {
        let mut left = self.membership()?;
        while self.mark("&&") {
            self.newlines();
            left = Expr::Binary(Box::new(left), "&&", Box::new(self.membership()?));
        }
        Ok(left)
    }

    pub(super) fn membership(&mut self) -> Parsed<Expr> {
        let mut left = self.matching()?;
        while !self.no_in && self.word("in") {
            let Some(Token::Name(array)) = self.peek().cloned() else { return Err(self.wrong()) };
            self.at += 1;
            left = Expr::In(vec![left], array);
        }
        Ok(left)
    }

    pub(super) fn matching(&mut self) -> Parsed<Expr> {
        let mut left = self.comparison()?;
        loop {
            let negated = match self.peek() {
                Some(Token::Mark("~")) => false,
                Some(Token::Mark("!~")) => true,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::Matches(Box::new(left), Box::new(self.comparison()?), negated);
        }
    }

    pub(super) fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.joined()?;
        for mark in ["<=", ">=", "==", "!=", "<", ">"] {
            if mark == ">" && self.no_greater {
                continue;
            }
            if self.mark(mark) {
                return Ok(Expr::Binary(Box::new(left), mark, Box::new(self.joined()?)));
            }
        }
        Ok(left)
    }

    pub(super) fn joined(&mut self) -> Parsed<Expr> {
        let mut left = self.sum()?;
        loop {
            let begins = match self.peek() {
                Some(Token::Number(_) | Token::Text(_) | Token::Name(_) | Token::Call(_)) => true,
                Some(Token::Mark(mark)) => matches!(*mark, "$" | "(" | "!" | "-" | "++" | "--") && !matches!(*mark, "-"),
                _ => false,
            };
            if !begins {
                return Ok(left);
            }
            left = Expr::Binary(Box::new(left), " ", Box::new(self.sum()?));
        }
    }

    pub(super) fn sum(&mut self) -> Parsed<Expr> {
        let mut left = self.product()?;
        loop {
            let mark = match self.peek() {
                Some(Token::Mark(mark @ ("+" | "-"))) => *mark,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::Binary(Box::new(left), mark, Box::new(self.product()?));
        }
    }

    pub(super) fn product(&mut self) -> Parsed<Expr> {
        let mut left = self.unary()?;
        loop {
            let mark = match self.peek() {
                Some(Token::Mark(mark @ ("*" | "/" | "%"))) => *mark,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::Binary(Box::new(left), mark, Box::new(self.unary()?));
        }
    }

    pub(super) fn unary(&mut self) -> Parsed<Expr> {
        for mark in ["!", "-", "+"] {
            if self.mark(mark) {
                let inner = self.deeper(Self::unary)?;
                return Ok(Expr::Unary(mark, Box::new(inner)));
            }
        }
        self.power()
    }

    pub(super) fn power(&mut self) -> Parsed<Expr> {
        let base = self.postfix()?;
        if !self.mark("^") {
            return Ok(base);
        }
        let exponent = self.deeper(Self::unary)?;
        Ok(Expr::Binary(Box::new(base), "^", Box::new(exponent)))
    }

    pub(super) fn postfix(&mut self) -> Parsed<Expr> {
        for (mark, by) in [("++", 1.0), ("--", -1.0)] {
            if self.mark(mark) {
                let place = self.deeper(Self::atom)?;
                return self.place(place).map(|place| Expr::Step(Box::new(place), by, false));
            }
        }
        let atom = self.atom()?;
        if matches!(atom, Expr::Variable(_) | Expr::Element(..) | Expr::Field(_)) {
            for (mark, by) in [("++", 1.0), ("--", -1.0)] {
                if self.mark(mark) {
                    return Ok(Expr::Step(Box::new(atom), by, true));
                }
            }
        }
        Ok(atom)
    }

    pub(super) fn place(&self, expr: Expr) -> Parsed<Expr> {
        if matches!(expr, Expr::Variable(_) | Expr::Element(..) | Expr::Field(_)) { Ok(expr) } else { Err(self.wrong()) }
    }

    pub(super) fn atom(&mut self) -> Parsed<Expr> {
        let Some(token) = self.peek().cloned() else { return Err(self.wrong()) };
        match token {
            Token::Number(number) => {
                self.at += 1;
                Ok(Expr::Number(number))
            }
            Token::Text(text) => {
                self.at += 1;
                Ok(Expr::Text(text.into()))
            }
            Token::Regex(text) => {
                self.at += 1;
                Ok(Expr::Regex(compile(&text, true, false)?))
            }
            Token::Name(name) => {
                self.at += 1;
                if self.mark("[") {
                    let no_in = std::mem::replace(&mut self.no_in, false);
                    let index = self.list("]");
                    self.no_in = no_in;
                    return Ok(Expr::Element(name, index?));
                }
                Ok(if name == "length" { Expr::Call(name, Vec::new()) } else { Expr::Variable(name) })
            }
            Token::Call(name) => {
                self.at += 2;
                let greater = std::mem::replace(&mut self.no_greater, false);
                let args = self.list(")");
                self.no_greater = greater;
                Ok(Expr::Call(name, args?))
            }
            Token::Mark("$") => {
                self.at += 1;
                let inner = self.deeper(|parser| if parser.mark("-") { Err(parser.wrong()) } else { parser.dollar() })?;
                Ok(Expr::Field(Box::new(inner)))
            }
            Token::Mark("(") => {
                self.at += 1;
                let greater = std::mem::replace(&mut self.no_greater, false);
                let values = self.deeper(|parser| parser.list(")"));
                self.no_greater = greater;
                let mut values = values?;
                if values.len() > 1 || self.peek() == Some(&Token::Word("in")) && values.len() > 1 {
                    if !self.word("in") {
                        return Err(self.wrong());
                    }
                    let Some(Token::Name(array)) = self.peek().cloned() else { return Err(self.wrong()) };
                    self.at += 1;
                    return Ok(Expr::In(values, array));
                }
                let inner = values.pop().ok_or_else(|| self.wrong())?;
                // In parentheses, an assignment's left side is none.
                Ok(match inner {
                    Expr::Variable(_) | Expr::Element(..) | Expr::Field(_) => inner,
                    inner => Expr::Unary("(", Box::new(inner)),
                })
            }
            _ => Err(self.wrong()),
        }
    }

    /// What stands behind `$`.
    pub(super) fn dollar(&mut self) -> Parsed<Expr> {
        for (mark, by) in [("++", 1.0), ("--", -1.0)] {
            if self.mark(mark) {
                let place = self.atom()?;
                return self.place(place).map(|place| Expr::Step(Box::new(place), by, false));
            }
        }
        self.atom()
    }
}
