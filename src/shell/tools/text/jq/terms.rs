//! Terms: literals, paths, objects, calls, and what stands behind them.

use super::json::Json;
use super::lexer::{Pieces, Token};
use super::parser::{Parsed, Parser, read};
use super::syntax::{Expr, Piece};

impl Parser {
    pub(super) fn postfix(&mut self) -> Parsed<Expr> {
        let mut expr = self.atom()?;
        loop {
            if self.mark("?") {
                expr = Expr::Try(Box::new(expr), None);
            } else if let Some(Token::Field(name)) = self.peek().cloned() {
                self.at += 1;
                expr = Expr::Index(Box::new(expr), Box::new(Expr::Literal(Json::text(name))));
            } else if self.mark("[") {
                expr = self.brackets(expr)?;
            } else if matches!(
                (self.peek(), self.tokens.get(self.at + 1)),
                (Some(Token::Mark(".")), Some(Token::Text(_) | Token::Mark("[")))
            ) {
                self.at += 1;
                if self.mark("[") {
                    expr = self.brackets(expr)?;
                } else {
                    let key = self.atom()?;
                    expr = Expr::Index(Box::new(expr), Box::new(key));
                }
            } else {
                return Ok(expr);
            }
        }
    }

    /// Behind `[`.
    pub(super) fn brackets(&mut self, expr: Expr) -> Parsed<Expr> {
        let expr = Box::new(expr);
        if self.mark("]") {
            return Ok(Expr::Iterate(expr));
        }
        if self.mark(":") {
            let to = self.pipe()?;
            self.expect("]")?;
            return Ok(Expr::Slice(expr, None, Some(Box::new(to))));
        }
        let index = self.pipe()?;
        if self.mark(":") {
            let to = if self.mark("]") {
                None
            } else {
                let to = self.pipe()?;
                self.expect("]")?;
                Some(Box::new(to))
            };
            return Ok(Expr::Slice(expr, Some(Box::new(index)), to));
        }
        self.expect("]")?;
        Ok(Expr::Index(expr, Box::new(index)))
    }

    pub(super) fn atom(&mut self) -> Parsed<Expr> {
        self.deeper(Self::atom_here)
    }

    pub(super) fn atom_here(&mut self) -> Parsed<Expr> {
        let Some(token) = self.peek().cloned() else { return Err(self.wrong()) };
        self.at += 1;
        match token {
            Token::Number(number) => Ok(Expr::Literal(Json::Number(number))),
            Token::Text(pieces) => self.text(None, pieces),
            Token::Format(format) => match self.peek().cloned() {
                Some(Token::Text(pieces)) => {
                    self.at += 1;
                    self.text(Some(format), pieces)
                }
                _ => Ok(Expr::Format(format)),
            },
            Token::Field(name) => Ok(Expr::Index(Box::new(Expr::Identity), Box::new(Expr::Literal(Json::text(name))))),
            Token::Variable(name) => Ok(Expr::Variable(name)),
            Token::Mark("..") => Ok(Expr::RecurseAll),
            Token::Mark(".") => match self.peek().cloned() {
                Some(Token::Text(pieces)) => {
                    self.at += 1;
                    let key = self.text(None, pieces)?;
                    Ok(Expr::Index(Box::new(Expr::Identity), Box::new(key)))
                }
                _ => Ok(Expr::Identity),
            },
            Token::Mark("-") => Ok(Expr::Negate(Box::new(self.postfix()?))),
            Token::Mark("(") => {
                let inner = self.pipe()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Mark("[") => {
                if self.mark("]") {
                    return Ok(Expr::Array(None));
                }
                let inner = self.pipe()?;
                self.expect("]")?;
                Ok(Expr::Array(Some(Box::new(inner))))
            }
            Token::Mark("{") => self.object(),
            Token::Name(name) => self.named(name),
            Token::Mark(_) => {
                self.at -= 1;
                Err(self.wrong())
            }
        }
    }

    pub(super) fn text(&mut self, format: Option<String>, pieces: Pieces) -> Parsed<Expr> {
        let mut found = Vec::new();
        for piece in pieces {
            found.push(match piece {
                Ok(text) => Piece::Text(text),
                Err(tokens) => Piece::Value(read(tokens, self.depth + 1)?),
            });
        }
        Ok(match &found[..] {
            [Piece::Text(text)] => Expr::Literal(Json::text(text.as_str())),
            _ => Expr::Text(format, found),
        })
    }

    pub(super) fn object(&mut self) -> Parsed<Expr> {
        let mut entries = Vec::new();
        if self.mark("}") {
            return Ok(Expr::Object(entries));
        }
        loop {
            let Some(token) = self.peek().cloned() else { return Err(self.wrong()) };
            self.at += 1;
            let field = |key: &Expr| Expr::Index(Box::new(Expr::Identity), Box::new(key.clone()));
            let (key, given) = match token {
                Token::Name(name) => {
                    let key = Expr::Literal(Json::text(name));
                    let own = field(&key);
                    (key, own)
                }
                Token::Variable(name) => (Expr::Literal(Json::text(name.as_str())), Expr::Variable(name)),
                Token::Text(pieces) => {
                    let key = self.text(None, pieces)?;
                    let own = field(&key);
                    (key, own)
                }
                Token::Number(number) => (Expr::Literal(Json::text(super::json::number(number))), Expr::Identity),
                Token::Mark("(") => {
                    let key = self.pipe()?;
                    self.expect(")")?;
                    (key, Expr::Identity)
                }
                _ => {
                    self.at -= 1;
                    return Err(self.wrong());
                }
            };
            let value = if self.mark(":") {
                let mut value = self.deeper(Self::otherwise_without_comma)?;
                while self.mark("|") {
                    value = Expr::Pipe(Box::new(value), Box::new(self.deeper(Self::otherwise_without_comma)?));
                }
                value
            } else {
                given
            };
            entries.push((key, value));
            if self.mark("}") {
                return Ok(Expr::Object(entries));
            }
            self.expect(",")?;
        }
    }

    pub(super) fn otherwise_without_comma(&mut self) -> Parsed<Expr> {
        self.otherwise()
    }

    /// What begins with a word.
    pub(super) fn named(&mut self, name: String) -> Parsed<Expr> {
        match name.as_str() {
            "if" => {
                let mut branches = Vec::new();
                loop {
                    let condition = self.pipe()?;
                    self.expect_name("then")?;
                    branches.push((condition, self.pipe()?));
                    if self.name("elif") {
                        continue;
                    }
                    let otherwise = if self.name("else") { Some(Box::new(self.pipe()?)) } else { None };
                    self.expect_name("end")?;
                    return Ok(Expr::If(branches, otherwise));
                }
            }
            "try" => {
                let tried = self.postfix()?;
                let caught = if self.name("catch") { Some(Box::new(self.postfix()?)) } else { None };
                Ok(Expr::Try(Box::new(tried), caught))
            }
            "reduce" | "foreach" => {
                let source = Box::new(self.postfix()?);
                self.expect_name("as")?;
                let pattern = self.pattern()?;
                self.expect("(")?;
                let init = Box::new(self.pipe()?);
                self.expect(";")?;
                let update = Box::new(self.pipe()?);
                if name == "reduce" {
                    self.expect(")")?;
                    return Ok(Expr::Reduce(source, pattern, init, update));
                }
                let extract = if self.mark(";") { Some(Box::new(self.pipe()?)) } else { None };
                self.expect(")")?;
                Ok(Expr::Foreach(source, pattern, init, update, extract))
            }
            "true" => Ok(Expr::Literal(Json::Bool(true))),
            "false" => Ok(Expr::Literal(Json::Bool(false))),
            "null" => Ok(Expr::Literal(Json::Null)),
            "then" | "elif" | "else" | "end" | "as" | "and" | "or" | "catch" | "def" => {
                self.at -= 1;
                Err(self.wrong())
            }
            _ => {
                let mut args = Vec::new();
                if self.mark("(") {
                    loop {
                        args.push(self.pipe()?);
                        if self.mark(")") {
                            break;
                        }
                        self.expect(";")?;
                    }
                }
                Ok(Expr::Call(name, args))
            }
        }
    }
}
