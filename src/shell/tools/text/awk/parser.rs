//! awk's grammar.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex_lite::Regex;

use super::lexer::{Token, tokens};
use crate::shell::tools::text::regex::compile;

#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    pub rules: Vec<Rule>,
    pub functions: BTreeMap<String, Function>,
}

#[derive(Clone, Debug)]
pub(super) struct Function {
    pub params: Vec<String>,
    pub body: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub when: When,
    /// `None`: the line is printed.
    pub body: Option<Vec<Statement>>,
}

#[derive(Clone, Debug)]
pub(super) enum When {
    Begin,
    End,
    Always,
    If(Expr),
    Range(Expr, Expr),
}

#[derive(Clone, Debug)]
pub(super) enum Statement {
    Expr(Expr),
    Print(Vec<Expr>),
    Printf(Vec<Expr>),
    If(Expr, Vec<Statement>, Vec<Statement>),
    While { condition: Expr, body: Vec<Statement>, step: Option<Box<Statement>>, body_first: bool },
    ForIn(String, String, Vec<Statement>),
    Block(Vec<Statement>),
    Delete(String, Option<Vec<Expr>>),
    Next,
    Break,
    Continue,
    Exit(Option<Expr>),
    Return(Option<Expr>),
}

#[derive(Clone, Debug)]
pub(super) enum Expr {
    Number(f64),
    Text(Arc<str>),
    Regex(Regex),
    Variable(String),
    Element(String, Vec<Expr>),
    Field(Box<Expr>),
    Assign(Box<Expr>, Option<&'static str>, Box<Expr>),
    /// `++x`, `x--`: by how much, and whether the old value counts.
    Step(Box<Expr>, f64, bool),
    Unary(&'static str, Box<Expr>),
    Binary(Box<Expr>, &'static str, Box<Expr>),
    Matches(Box<Expr>, Box<Expr>, bool),
    In(Vec<Expr>, String),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
}

/// Expressions and statements may be nested so deeply.
const MAX_DEPTH: usize = 60;

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// `in` belongs to the `for`, `>` to the `print`.
    no_in: bool,
    no_greater: bool,
}

type Parsed<T> = Result<T, String>;

/// # Errors
/// What is wrong with the program.
pub(super) fn parse(program: &str) -> Parsed<Program> {
    let mut parser = Parser { tokens: tokens(program)?, at: 0, depth: 0, no_in: false, no_greater: false };
    let mut found = Program::default();
    loop {
        parser.separators();
        if parser.at == parser.tokens.len() {
            return Ok(found);
        }
        if parser.word("function") {
            let (name, function) = parser.function()?;
            found.functions.insert(name, function);
            continue;
        }
        found.rules.push(parser.rule()?);
    }
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

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(here)) if *here == word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: &'static str) -> Parsed<()> {
        if self.mark(mark) { Ok(()) } else { Err(self.wrong()) }
    }

    fn wrong(&self) -> String {
        match self.peek() {
            None => "syntax error at or near end of file".into(),
            Some(Token::Number(number)) => format!("syntax error at or near {number}"),
            Some(Token::Text(text)) => format!("syntax error at or near \"{text}\""),
            Some(Token::Regex(text)) => format!("syntax error at or near /{text}/"),
            Some(Token::Name(name) | Token::Call(name)) => format!("syntax error at or near {name}"),
            Some(Token::Word(word) | Token::Mark(word)) => format!("syntax error at or near {word}"),
            Some(Token::Newline) => "syntax error at or near end of line".into(),
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} levels within each other"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn newlines(&mut self) {
        while self.peek() == Some(&Token::Newline) {
            self.at += 1;
        }
    }

    fn separators(&mut self) {
        while matches!(self.peek(), Some(Token::Newline | Token::Mark(";"))) {
            self.at += 1;
        }
    }

    fn function(&mut self) -> Parsed<(String, Function)> {
        let Some(Token::Call(name) | Token::Name(name)) = self.peek().cloned() else { return Err(self.wrong()) };
        self.at += 1;
        self.expect("(")?;
        let mut params = Vec::new();
        while let Some(Token::Name(param)) = self.peek().cloned() {
            self.at += 1;
            params.push(param);
            self.mark(",");
        }
        self.expect(")")?;
        self.newlines();
        Ok((name, Function { params, body: self.block()? }))
    }

    fn rule(&mut self) -> Parsed<Rule> {
        let when = if self.word("BEGIN") {
            When::Begin
        } else if self.word("END") {
            When::End
        } else if self.peek() == Some(&Token::Mark("{")) {
            When::Always
        } else {
            let first = self.expr()?;
            if self.mark(",") {
                self.newlines();
                When::Range(first, self.expr()?)
            } else {
                When::If(first)
            }
        };
        let body = if self.peek() == Some(&Token::Mark("{")) { Some(self.block()?) } else { None };
        if body.is_none() && matches!(when, When::Begin | When::End) {
            return Err(self.wrong());
        }
        Ok(Rule { when, body })
    }

    fn block(&mut self) -> Parsed<Vec<Statement>> {
        self.expect("{")?;
        let mut statements = Vec::new();
        loop {
            self.separators();
            if self.mark("}") {
                return Ok(statements);
            }
            statements.push(self.statement()?);
        }
    }

    /// One statement, or a block of them.
    fn body(&mut self) -> Parsed<Vec<Statement>> {
        self.newlines();
        if self.mark(";") {
            return Ok(Vec::new());
        }
        if self.peek() == Some(&Token::Mark("{")) { self.deeper(Self::block) } else { Ok(vec![self.statement()?]) }
    }

    fn statement(&mut self) -> Parsed<Statement> {
        self.deeper(Self::statement_here)
    }

    fn statement_here(&mut self) -> Parsed<Statement> {
        if self.peek() == Some(&Token::Mark("{")) {
            return Ok(Statement::Block(self.block()?));
        }
        if self.word("if") {
            self.expect("(")?;
            let condition = self.expr()?;
            self.expect(")")?;
            let yes = self.body()?;
            let before = self.at;
            self.separators();
            if self.word("else") {
                return Ok(Statement::If(condition, yes, self.body()?));
            }
            self.at = before;
            return Ok(Statement::If(condition, yes, Vec::new()));
        }
        if self.word("while") {
            self.expect("(")?;
            let condition = self.expr()?;
            self.expect(")")?;
            return Ok(Statement::While { condition, body: self.body()?, step: None, body_first: false });
        }
        if self.word("do") {
            let body = self.body()?;
            self.separators();
            if !self.word("while") {
                return Err(self.wrong());
            }
            self.expect("(")?;
            let condition = self.expr()?;
            self.expect(")")?;
            return Ok(Statement::While { condition, body, step: None, body_first: true });
        }
        if self.word("for") {
            return self.for_loop();
        }
        let statement = self.simple()?;
        // It ends at `;`, a line break or a `}`.
        match self.peek() {
            None | Some(Token::Mark("}")) => Ok(statement),
            Some(Token::Mark(";") | Token::Newline) => {
                self.at += 1;
                Ok(statement)
            }
            Some(_) => Err(self.wrong()),
        }
    }

    fn for_loop(&mut self) -> Parsed<Statement> {
        self.expect("(")?;
        if let [Token::Name(name), Token::Word("in"), Token::Name(array), Token::Mark(")"), ..] = &self.tokens[self.at..] {
            let (name, array) = (name.clone(), array.clone());
            self.at += 4;
            return Ok(Statement::ForIn(name, array, self.body()?));
        }
        let init = if self.peek() == Some(&Token::Mark(";")) { None } else { Some(self.simple()?) };
        self.expect(";")?;
        self.newlines();
        let condition = if self.peek() == Some(&Token::Mark(";")) { Expr::Number(1.0) } else { self.expr()? };
        self.expect(";")?;
        self.newlines();
        let step = if self.peek() == Some(&Token::Mark(")")) { None } else { Some(Box::new(self.simple()?)) };
        self.expect(")")?;
        let looped = Statement::While { condition, body: self.body()?, step, body_first: false };
        Ok(Statement::Block(init.into_iter().chain([looped]).collect()))
    }

    fn simple(&mut self) -> Parsed<Statement> {
        let printf = self.word("printf");
        if printf || self.word("print") {
            self.no_greater = true;
            let values = self.printed();
            self.no_greater = false;
            let values = values?;
            if matches!(self.peek(), Some(Token::Mark(">" | ">>" | "|"))) {
                return Err("print writes to standard output only, in this terminal".into());
            }
            return Ok(if printf { Statement::Printf(values) } else { Statement::Print(values) });
        }
        for (word, statement) in [("next", Statement::Next), ("break", Statement::Break), ("continue", Statement::Continue)] {
            if self.word(word) {
                return Ok(statement);
            }
        }
        let is_end = |parser: &Self| matches!(parser.peek(), None | Some(Token::Mark(";" | "}") | Token::Newline));
        if self.word("exit") {
            return Ok(Statement::Exit(if is_end(self) { None } else { Some(self.expr()?) }));
        }
        if self.word("return") {
            return Ok(Statement::Return(if is_end(self) { None } else { Some(self.expr()?) }));
        }
        if self.word("delete") {
            let Some(Token::Name(name)) = self.peek().cloned() else { return Err(self.wrong()) };
            self.at += 1;
            let index = if self.mark("[") { Some(self.list("]")?) } else { None };
            return Ok(Statement::Delete(name, index));
        }
        if self.word("getline") {
            return Err("getline is not to be had in this terminal".into());
        }
        Ok(Statement::Expr(self.expr()?))
    }

    /// What `print` prints, in parentheses or not.
    fn printed(&mut self) -> Parsed<Vec<Expr>> {
        if matches!(self.peek(), None | Some(Token::Mark(";" | "}" | ">" | "|") | Token::Newline)) {
            return Ok(Vec::new());
        }
        let before = self.at;
        if self.mark("(") {
            let greater = std::mem::replace(&mut self.no_greater, false);
            let values = self.list(")");
            self.no_greater = greater;
            let is_end = matches!(self.peek(), None | Some(Token::Mark(";" | "}" | ">" | ">>" | "|") | Token::Newline));
            if let (Ok(values), true) = (values, is_end) {
                return Ok(values);
            }
            self.at = before;
        }
        let mut values = vec![self.expr()?];
        while self.mark(",") {
            self.newlines();
            values.push(self.expr()?);
        }
        Ok(values)
    }

    /// Expressions with commas between them, up to and with `end`.
    fn list(&mut self, end: &'static str) -> Parsed<Vec<Expr>> {
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

    fn expr(&mut self) -> Parsed<Expr> {
        self.deeper(Self::assignment)
    }

    fn assignment(&mut self) -> Parsed<Expr> {
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

    fn choice(&mut self) -> Parsed<Expr> {
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

    fn or(&mut self) -> Parsed<Expr> {
        let mut left = self.and()?;
        while self.mark("||") {
            self.newlines();
            left = Expr::Binary(Box::new(left), "||", Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expr> {
        let mut left = self.membership()?;
        while self.mark("&&") {
            self.newlines();
            left = Expr::Binary(Box::new(left), "&&", Box::new(self.membership()?));
        }
        Ok(left)
    }

    fn membership(&mut self) -> Parsed<Expr> {
        let mut left = self.matching()?;
        while !self.no_in && self.word("in") {
            let Some(Token::Name(array)) = self.peek().cloned() else { return Err(self.wrong()) };
            self.at += 1;
            left = Expr::In(vec![left], array);
        }
        Ok(left)
    }

    fn matching(&mut self) -> Parsed<Expr> {
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

    fn comparison(&mut self) -> Parsed<Expr> {
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

    fn joined(&mut self) -> Parsed<Expr> {
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

    fn sum(&mut self) -> Parsed<Expr> {
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

    fn product(&mut self) -> Parsed<Expr> {
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

    fn unary(&mut self) -> Parsed<Expr> {
        for mark in ["!", "-", "+"] {
            if self.mark(mark) {
                let inner = self.deeper(Self::unary)?;
                return Ok(Expr::Unary(mark, Box::new(inner)));
            }
        }
        self.power()
    }

    fn power(&mut self) -> Parsed<Expr> {
        let base = self.postfix()?;
        if !self.mark("^") {
            return Ok(base);
        }
        let exponent = self.deeper(Self::unary)?;
        Ok(Expr::Binary(Box::new(base), "^", Box::new(exponent)))
    }

    fn postfix(&mut self) -> Parsed<Expr> {
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

    fn place(&self, expr: Expr) -> Parsed<Expr> {
        if matches!(expr, Expr::Variable(_) | Expr::Element(..) | Expr::Field(_)) { Ok(expr) } else { Err(self.wrong()) }
    }

    fn atom(&mut self) -> Parsed<Expr> {
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
    fn dollar(&mut self) -> Parsed<Expr> {
        for (mark, by) in [("++", 1.0), ("--", -1.0)] {
            if self.mark(mark) {
                let place = self.atom()?;
                return self.place(place).map(|place| Expr::Step(Box::new(place), by, false));
            }
        }
        self.atom()
    }
}
