//! jq's language, read into a tree.

use std::sync::Arc;

use super::json::Json;
use super::lexer::{Token, tokens};
use super::syntax::{Definition, Expr, Pattern};

/// Expressions may be nested so deeply.
pub(super) const MAX_DEPTH: usize = 60;

pub(super) type Parsed<T> = Result<T, String>;

/// # Errors
/// What is wrong with the program.
pub(super) fn parse(program: &str) -> Parsed<Expr> {
    let (tokens, end) = tokens(program, 0, false, 0)?;
    debug_assert!(end <= program.len());
    read(tokens, 0)
}

pub(super) fn read(tokens: Vec<Token>, depth: usize) -> Parsed<Expr> {
    let mut parser = Parser { tokens, at: 0, depth };
    if parser.tokens.is_empty() {
        return Ok(Expr::Identity);
    }
    let expr = parser.pipe()?;
    if parser.at < parser.tokens.len() { Err(parser.wrong()) } else { Ok(expr) }
}

pub(super) struct Parser {
    pub(super) tokens: Vec<Token>,
    pub(super) at: usize,
    pub(super) depth: usize,
}

impl Parser {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn mark(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Mark(here)) if *here == mark);
        self.at += usize::from(found);
        found
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(self.peek(), Some(Token::Name(here)) if here == name)
    }

    pub(super) fn name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, mark: &str) -> Parsed<()> {
        if self.mark(mark) { Ok(()) } else { Err(self.wrong()) }
    }

    pub(super) fn expect_name(&mut self, name: &str) -> Parsed<()> {
        if self.name(name) { Ok(()) } else { Err(self.wrong()) }
    }

    pub(super) fn wrong(&self) -> String {
        match self.peek() {
            None => "syntax error, unexpected end of file".into(),
            Some(Token::Mark(mark)) => format!("syntax error, unexpected '{mark}'"),
            Some(Token::Name(name)) => format!("syntax error, unexpected {name}"),
            Some(Token::Field(name)) => format!("syntax error, unexpected FIELD .{name}"),
            Some(_) => "syntax error, unexpected LITERAL".into(),
        }
    }

    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err("too deeply nested".into());
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    pub(super) fn pipe(&mut self) -> Parsed<Expr> {
        self.deeper(Self::pipe_here)
    }

    fn pipe_here(&mut self) -> Parsed<Expr> {
        if self.name("def") {
            let definition = Arc::new(self.definition()?);
            return Ok(Expr::Define(definition, Box::new(self.pipe()?)));
        }
        let left = self.comma()?;
        if self.name("as") {
            let mut patterns = vec![self.pattern()?];
            while self.mark("?//=") {
                patterns.push(self.pattern()?);
            }
            self.expect("|")?;
            return Ok(Expr::Bind(Box::new(left), patterns, Box::new(self.pipe()?)));
        }
        if self.mark("|") { Ok(Expr::Pipe(Box::new(left), Box::new(self.pipe()?))) } else { Ok(left) }
    }

    fn definition(&mut self) -> Parsed<Definition> {
        let Some(Token::Name(name)) = self.peek().cloned() else { return Err(self.wrong()) };
        self.at += 1;
        let mut params = Vec::new();
        if self.mark("(") {
            loop {
                match self.peek().cloned() {
                    Some(Token::Name(param)) => params.push(param),
                    Some(Token::Variable(param)) => params.push(format!("${param}")),
                    _ => return Err(self.wrong()),
                }
                self.at += 1;
                if self.mark(")") {
                    break;
                }
                self.expect(";")?;
            }
        }
        self.expect(":")?;
        let body = self.pipe()?;
        self.expect(";")?;
        Ok(Definition { name, params, body })
    }

    pub(super) fn pattern(&mut self) -> Parsed<Pattern> {
        self.deeper(Self::pattern_here)
    }

    fn pattern_here(&mut self) -> Parsed<Pattern> {
        if let Some(Token::Variable(name)) = self.peek().cloned() {
            self.at += 1;
            return Ok(Pattern::Variable(name));
        }
        if self.mark("[") {
            let mut items = vec![self.pattern()?];
            while self.mark(",") {
                items.push(self.pattern()?);
            }
            self.expect("]")?;
            return Ok(Pattern::Array(items));
        }
        self.expect("{")?;
        let mut entries = Vec::new();
        loop {
            match self.peek().cloned() {
                Some(Token::Variable(name)) => {
                    self.at += 1;
                    entries.push((Expr::Literal(Json::text(name.as_str())), Pattern::Variable(name)));
                }
                Some(Token::Name(name)) => {
                    self.at += 1;
                    self.expect(":")?;
                    entries.push((Expr::Literal(Json::text(name)), self.pattern()?));
                }
                _ => {
                    let key = self.atom()?;
                    self.expect(":")?;
                    entries.push((key, self.pattern()?));
                }
            }
            if self.mark("}") {
                return Ok(Pattern::Object(entries));
            }
            self.expect(",")?;
        }
    }

    fn comma(&mut self) -> Parsed<Expr> {
        let mut left = self.otherwise()?;
        while self.mark(",") {
            left = Expr::Comma(Box::new(left), Box::new(self.otherwise()?));
        }
        Ok(left)
    }

    /// `//` and assignments, which bind less than anything but `,` and `|`.
    pub(super) fn otherwise(&mut self) -> Parsed<Expr> {
        let left = self.or()?;
        if self.mark("//") {
            return Ok(Expr::Otherwise(Box::new(left), Box::new(self.deeper(Self::otherwise)?)));
        }
        for mark in ["//=", "|=", "+=", "-=", "*=", "/=", "%=", "="] {
            if self.mark(mark) {
                return Ok(Expr::Assign(Box::new(left), mark, Box::new(self.deeper(Self::otherwise)?)));
            }
        }
        Ok(left)
    }

    fn or(&mut self) -> Parsed<Expr> {
        let mut left = self.and()?;
        while self.name("or") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expr> {
        let mut left = self.comparison()?;
        while self.name("and") {
            left = Expr::And(Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.sum()?;
        for mark in ["==", "!=", "<=", ">=", "<", ">"] {
            if self.mark(mark) {
                return Ok(Expr::Binary(Box::new(left), mark, Box::new(self.sum()?)));
            }
        }
        Ok(left)
    }

    fn sum(&mut self) -> Parsed<Expr> {
        let mut left = self.product()?;
        loop {
            let mark = ["+", "-"].into_iter().find(|mark| self.mark(mark));
            let Some(mark) = mark else { return Ok(left) };
            left = Expr::Binary(Box::new(left), mark, Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Parsed<Expr> {
        let mut left = self.postfix()?;
        loop {
            let mark = ["*", "/", "%"].into_iter().find(|mark| self.mark(mark));
            let Some(mark) = mark else { return Ok(left) };
            left = Expr::Binary(Box::new(left), mark, Box::new(self.postfix()?));
        }
    }
}
