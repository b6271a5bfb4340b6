//! jq's language, read into a tree.

use std::sync::Arc;

use super::json::Json;

#[derive(Clone, Debug)]
pub(super) enum Expr {
    Identity,
    RecurseAll,
    Literal(Json),
    /// `"a \(.b)"`, with the format in front of it.
    Text(Option<String>, Vec<Piece>),
    Format(String),
    Index(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>),
    Iterate(Box<Expr>),
    Pipe(Box<Expr>, Box<Expr>),
    Comma(Box<Expr>, Box<Expr>),
    Array(Option<Box<Expr>>),
    Object(Vec<(Expr, Expr)>),
    Negate(Box<Expr>),
    Binary(Box<Expr>, &'static str, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Otherwise(Box<Expr>, Box<Expr>),
    Assign(Box<Expr>, &'static str, Box<Expr>),
    If(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    Try(Box<Expr>, Option<Box<Expr>>),
    Variable(String),
    Bind(Box<Expr>, Vec<Pattern>, Box<Expr>),
    Reduce(Box<Expr>, Pattern, Box<Expr>, Box<Expr>),
    Foreach(Box<Expr>, Pattern, Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    Define(Arc<Definition>, Box<Expr>),
    Call(String, Vec<Expr>),
}

/// What `as` takes a value apart with.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Variable(String),
    Array(Vec<Pattern>),
    Object(Vec<(Expr, Pattern)>),
}

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Value(Expr),
}

#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub name: String,
    pub params: Vec<String>,
    pub body: Expr,
}

/// Expressions may be nested so deeply.
const MAX_DEPTH: usize = 60;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    /// A string's pieces: text, or the tokens of `\(...)`.
    Text(Vec<Result<String, Vec<Token>>>),
    Name(String),
    Field(String),
    Variable(String),
    Format(String),
    Mark(&'static str),
}

type Parsed<T> = Result<T, String>;

/// # Errors
/// What is wrong with the program.
pub(super) fn parse(program: &str) -> Parsed<Expr> {
    let (tokens, end) = tokens(program, 0, false, 0)?;
    debug_assert!(end <= program.len());
    read(tokens, 0)
}

fn read(tokens: Vec<Token>, depth: usize) -> Parsed<Expr> {
    let mut parser = Parser { tokens, at: 0, depth };
    if parser.tokens.is_empty() {
        return Ok(Expr::Identity);
    }
    let expr = parser.pipe()?;
    if parser.at < parser.tokens.len() { Err(parser.wrong()) } else { Ok(expr) }
}

const MARKS: &[&str] = &[
    "?//=", "//=", "|=", "+=", "-=", "*=", "/=", "%=", "==", "!=", "<=", ">=", "//", "..", "|", ",", "+", "-", "*", "/", "%", "=", "<",
    ">", "(", ")", "[", "]", "{", "}", ":", ";", ".", "?",
];

/// The tokens from a place on, up to the end or, `inner`, to the `)` that closes an interpolation; and where that is.
fn tokens(text: &str, start: usize, inner: bool, depth: usize) -> Parsed<(Vec<Token>, usize)> {
    if depth > MAX_DEPTH {
        return Err("too deeply nested".into());
    }
    let mut found = Vec::new();
    let (mut at, mut parentheses) = (start, 0_usize);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let name_end =
            |from: usize| from + rest[from..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len() - from);
        if c.is_whitespace() {
            at += c.len_utf8();
        } else if c == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if c == '"' {
            let (pieces, end) = string(text, at + 1, depth)?;
            found.push(Token::Text(pieces));
            at = end;
        } else if c.is_ascii_digit() || (c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            let mut end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
            if rest[end..].starts_with(['e', 'E']) {
                let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
                let digits = rest[end + 1 + sign..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest[end + 1 + sign..].len());
                end += if digits > 0 { 1 + sign + digits } else { 0 };
            }
            found.push(Token::Number(rest[..end].parse().map_err(|_| format!("Invalid numeric literal {}", &rest[..end]))?));
            at += end;
        } else if c.is_ascii_alphabetic() || c == '_' {
            let end = name_end(0);
            found.push(Token::Name(rest[..end].to_owned()));
            at += end;
        } else if c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            let end = name_end(1);
            found.push(Token::Field(rest[1..end].to_owned()));
            at += end;
        } else if (c == '$' || c == '@') && rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            let end = name_end(1);
            let name = rest[1..end].to_owned();
            found.push(if c == '$' { Token::Variable(name) } else { Token::Format(name) });
            at += end;
        } else if inner && c == ')' && parentheses == 0 {
            return Ok((found, at + 1));
        } else {
            let mark = MARKS
                .iter()
                .find(|mark| rest.starts_with(**mark))
                .ok_or_else(|| format!("syntax error, unexpected INVALID_CHARACTER {c}"))?;
            match *mark {
                "(" => parentheses += 1,
                ")" => parentheses = parentheses.saturating_sub(1),
                _ => {}
            }
            found.push(Token::Mark(mark));
            at += mark.len();
        }
    }
    if inner { Err("unterminated string interpolation".into()) } else { Ok((found, at)) }
}

type Pieces = Vec<Result<String, Vec<Token>>>;

fn string(text: &str, start: usize, depth: usize) -> Parsed<(Pieces, usize)> {
    let (mut pieces, mut plain, mut at) = (Vec::new(), String::new(), start);
    loop {
        let c = text[at..].chars().next().ok_or("unterminated string literal")?;
        at += c.len_utf8();
        match c {
            '"' => {
                pieces.push(Ok(plain));
                return Ok((pieces, at));
            }
            '\\' => {
                let c = text[at..].chars().next().ok_or("unterminated string literal")?;
                at += c.len_utf8();
                match c {
                    '(' => {
                        pieces.push(Ok(std::mem::take(&mut plain)));
                        let (inner, end) = tokens(text, at, true, depth + 1)?;
                        pieces.push(Err(inner));
                        at = end;
                    }
                    'n' => plain.push('\n'),
                    't' => plain.push('\t'),
                    'r' => plain.push('\r'),
                    'u' => {
                        let code = text.get(at..at + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or("invalid escape")?;
                        plain.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                        at += 4;
                    }
                    '"' | '\\' | '/' => plain.push(c),
                    c => return Err(format!("invalid escape \\{c}")),
                }
            }
            c => plain.push(c),
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn mark(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Mark(here)) if *here == mark);
        self.at += usize::from(found);
        found
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(self.peek(), Some(Token::Name(here)) if here == name)
    }

    fn name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: &str) -> Parsed<()> {
        if self.mark(mark) { Ok(()) } else { Err(self.wrong()) }
    }

    fn expect_name(&mut self, name: &str) -> Parsed<()> {
        if self.name(name) { Ok(()) } else { Err(self.wrong()) }
    }

    fn wrong(&self) -> String {
        match self.peek() {
            None => "syntax error, unexpected end of file".into(),
            Some(Token::Mark(mark)) => format!("syntax error, unexpected '{mark}'"),
            Some(Token::Name(name)) => format!("syntax error, unexpected {name}"),
            Some(Token::Field(name)) => format!("syntax error, unexpected FIELD .{name}"),
            Some(_) => "syntax error, unexpected LITERAL".into(),
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err("too deeply nested".into());
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn pipe(&mut self) -> Parsed<Expr> {
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

    fn pattern(&mut self) -> Parsed<Pattern> {
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
    fn otherwise(&mut self) -> Parsed<Expr> {
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

    fn postfix(&mut self) -> Parsed<Expr> {
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
    fn brackets(&mut self, expr: Expr) -> Parsed<Expr> {
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

    fn atom(&mut self) -> Parsed<Expr> {
        self.deeper(Self::atom_here)
    }

    fn atom_here(&mut self) -> Parsed<Expr> {
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

    fn text(&mut self, format: Option<String>, pieces: Pieces) -> Parsed<Expr> {
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

    fn object(&mut self) -> Parsed<Expr> {
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

    fn otherwise_without_comma(&mut self) -> Parsed<Expr> {
        self.otherwise()
    }

    /// What begins with a word.
    fn named(&mut self, name: String) -> Parsed<Expr> {
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
