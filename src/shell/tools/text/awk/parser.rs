//! awk's grammar.

use super::lexer::{Token, tokens};
use super::syntax::{Expr, Function, Program, Rule, Statement, When};

/// Expressions and statements may be nested so deeply.
const MAX_DEPTH: usize = 60;

pub(super) struct Parser {
    pub(super) tokens: Vec<Token>,
    pub(super) at: usize,
    pub(super) depth: usize,
    /// `in` belongs to the `for`, `>` to the `print`.
    pub(super) no_in: bool,
    pub(super) no_greater: bool,
}

pub(super) type Parsed<T> = Result<T, String>;

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
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn mark(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Mark(here)) if *here == mark);
        self.at += usize::from(found);
        found
    }

    pub(super) fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(here)) if *here == word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, mark: &'static str) -> Parsed<()> {
        if self.mark(mark) { Ok(()) } else { Err(self.wrong()) }
    }

    pub(super) fn wrong(&self) -> String {
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

    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} levels within each other"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    pub(super) fn newlines(&mut self) {
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
}
