//! Commands: loops, conditions, functions, and how all are strung together. Simple ones stand in `simple`.

use std::sync::Arc;

use super::cursor::{Cursor, Parsed};
use super::here::fill_chain;
use super::word::Until;
use super::{Chain, Command, Item, Joint, Kind, List, Part, Pipeline, Redirect, SCRIPT_BYTES, SyntaxError, Target, Word, is_name};

/// Words that mean something where a command could begin.
const CLOSING: &[&str] = &["then", "elif", "else", "fi", "do", "done", "esac", "}"];

/// Reads a script.
///
/// # Errors
/// What is wrong with it, or the construct that is not to be had here.
pub fn parse(text: &str) -> Result<List, SyntaxError> {
    if text.len() > SCRIPT_BYTES {
        return Err(SyntaxError::Unsupported("room for so long a script"));
    }
    parse_at(text, 0)
}

pub(super) fn parse_at(text: &str, depth: usize) -> Parsed<List> {
    let mut cursor = Cursor::new(text, depth);
    let list = cursor.list()?;
    if cursor.peek().is_some() {
        return Err(cursor.unexpected());
    }
    if let Some(pending) = cursor.pending.pop() {
        return Err(SyntaxError::HereDocument(pending.delimiter));
    }
    Ok(list)
}

impl Cursor<'_> {
    /// Items up to something that closes a construct, which is not taken.
    pub(super) fn list(&mut self) -> Parsed<List> {
        self.deeper(|cursor| cursor.items())
    }

    fn items(&mut self) -> Parsed<List> {
        let first_here = self.here.len();
        let mut items = Vec::new();
        loop {
            self.line_breaks()?;
            let at_end = matches!(self.peek(), None | Some(')')) || self.rest().starts_with(";;");
            if at_end || CLOSING.contains(&self.peek_word()) {
                break;
            }
            let chain = self.chain()?;
            self.blanks();
            let background = match self.peek() {
                Some(';') if !self.rest().starts_with(";;") => {
                    self.at += 1;
                    false
                }
                Some('&') => {
                    self.at += 1;
                    true
                }
                None | Some('\n' | ')' | ';') => false,
                Some(_) => return Err(self.unexpected()),
            };
            items.push((chain, background));
        }
        // What here-documents hold is known by now, unless their line goes on behind a `)`.
        let here = &self.here;
        let settled = first_here < here.len() && self.pending.is_empty();
        let settle = |item: (Chain, bool)| {
            let chain = if settled { fill_chain(item.0, here) } else { item.0 };
            Item { chain: Arc::new(chain), background: item.1 }
        };
        Ok(List(items.into_iter().map(settle).collect()))
    }

    fn chain(&mut self) -> Parsed<Chain> {
        let start = self.at;
        let first = Arc::new(self.pipeline()?);
        let mut rest = Vec::new();
        loop {
            let end = self.at;
            self.blanks();
            let joint = if self.take("&&") {
                Joint::And
            } else if self.take("||") {
                Joint::Or
            } else {
                return Ok(Chain { first, rest, text: self.text[start..end].trim_end().to_owned() });
            };
            self.line_breaks()?;
            rest.push((joint, Arc::new(self.pipeline()?)));
        }
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        let (mut negated, mut timed) = (false, false);
        loop {
            self.blanks();
            if self.take_word("!") {
                negated = !negated;
            } else if self.take_word("time") {
                timed = true;
                self.blanks();
                self.take_word("-p");
            } else {
                break;
            }
        }
        let mut stages = vec![Arc::new(self.command()?)];
        loop {
            self.blanks();
            if self.rest().starts_with("||") || !self.take("|") {
                return Ok(Pipeline { negated, timed, stages });
            }
            if self.take("&") {
                let last = stages.last_mut().map(Arc::make_mut);
                last.into_iter().for_each(|last| last.redirects.push(Redirect { stream: 2, target: Target::Same(1) }));
            }
            self.line_breaks()?;
            stages.push(Arc::new(self.command()?));
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        self.blanks();
        let kind = match self.peek() {
            Some('(') if self.rest().starts_with("((") => match self.arithmetic_or_subshell()? {
                Ok(expression) => Kind::Arithmetic(expression),
                Err(list) => Kind::Subshell(Arc::new(list)),
            },
            Some('(') => {
                self.at += 1;
                Kind::Subshell(Arc::new(self.nested()?))
            }
            _ => match self.peek_word() {
                "{" => {
                    self.at += 1;
                    let list = self.block()?;
                    self.expect_word("}")?;
                    Kind::Group(list)
                }
                "if" => self.condition_command()?,
                "while" | "until" => {
                    let until = self.peek_word() == "until";
                    self.at += 5;
                    let condition = self.block()?;
                    Kind::Loop { until, condition, body: self.body()?, step: None }
                }
                "for" => self.for_command()?,
                "select" => self.select_command()?,
                "case" => self.case_command()?,
                "[[" => {
                    self.at += 2;
                    Kind::Test(self.deeper(|cursor| cursor.condition())?)
                }
                "function" => {
                    self.at += "function".len();
                    self.blanks();
                    let name = self.peek_word().to_owned();
                    self.at += name.len();
                    self.blanks();
                    if self.take("(") {
                        self.blanks();
                        if !self.take(")") {
                            return Err(self.unexpected());
                        }
                    }
                    return self.function(name);
                }
                word if CLOSING.contains(&word) => return Err(self.unexpected()),
                _ => return self.simple(),
            },
        };
        let mut redirects = Vec::new();
        loop {
            self.blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => return Ok(Command { kind, redirects }),
            }
        }
    }

    /// A list that must not be empty.
    fn block(&mut self) -> Parsed<Arc<List>> {
        let list = self.list()?;
        if list.0.is_empty() { Err(self.unexpected()) } else { Ok(Arc::new(list)) }
    }

    /// `do ...; done`
    fn body(&mut self) -> Parsed<Arc<List>> {
        self.line_breaks()?;
        self.expect_word("do")?;
        let body = self.block()?;
        self.expect_word("done")?;
        Ok(body)
    }

    fn condition_command(&mut self) -> Parsed<Kind> {
        self.at += "if".len();
        let (mut branches, mut otherwise) = (Vec::new(), None);
        loop {
            let condition = self.block()?;
            self.expect_word("then")?;
            branches.push((condition, self.block()?));
            if self.take_word("elif") {
                continue;
            }
            if self.take_word("else") {
                otherwise = Some(self.block()?);
            }
            self.expect_word("fi")?;
            return Ok(Kind::If { branches, otherwise });
        }
    }

    fn for_command(&mut self) -> Parsed<Kind> {
        self.at += "for".len();
        self.blanks();
        if self.take("((") {
            return self.counting_for();
        }
        let name = self.peek_word().to_owned();
        if !is_name(&name) {
            return Err(self.unexpected());
        }
        self.at += name.len();
        self.line_breaks()?;
        let mut words = None;
        if self.take_word("in") {
            let mut listed = Vec::new();
            loop {
                self.blanks();
                match self.peek() {
                    Some(';' | '\n') | None => break,
                    Some(c) if "|&<>()".contains(c) => return Err(self.unexpected()),
                    Some(_) => listed.push(self.word()?),
                }
            }
            words = Some(listed);
        }
        self.blanks();
        self.take(";");
        Ok(Kind::For { name, words, body: self.body()? })
    }

    /// `select`, as the `while` that it stands for: the list is shown, a line is read, and what it means is looked up.
    fn select_command(&mut self) -> Parsed<Kind> {
        self.at += "sel".len();
        // Behind its last three letters stands what stands behind a `for`.
        let Kind::For { name, words, body } = self.for_command()? else { return Err(self.unexpected()) };
        let all = || Part::Parameter { name: "@".into(), index: None, change: super::Change::None, quoted: true };
        let words = words.unwrap_or_else(|| vec![Word(vec![all()])]);
        let command = |kind: Kind| alone(Arc::new(Command { kind, redirects: Vec::new() }));
        let chooses = |first: &[&str]| {
            let words = first.iter().map(|word| Word::text(*word)).chain(words.clone()).collect();
            command(Kind::Simple { assigns: Vec::new(), words })
        };
        let condition = Arc::new(super::parse(r##"read -r -p "${PS3-#? }" REPLY"##)?);
        let chosen = Arc::new(List(vec![chooses(&["select:choose", &name])]));
        let body = Arc::new(List(vec![command(Kind::If { branches: vec![(chosen, body)], otherwise: None })]));
        let looped = command(Kind::Loop { until: false, condition, body, step: None });
        Ok(Kind::Group(Arc::new(List(vec![chooses(&["select:show"]), looped]))))
    }

    /// `for ((a; b; c))`, as the `while` that it stands for.
    fn counting_for(&mut self) -> Parsed<Kind> {
        let mut expressions = Vec::new();
        for n in 0..3 {
            expressions.push(self.parts(Until::Arithmetic { semicolon: n < 2 })?);
            let closed = if n < 2 { self.take(";") } else { self.take("))") };
            if !closed {
                return Err(self.unexpected());
            }
        }
        self.blanks();
        self.take(";");
        let body = self.body()?;
        let list = |kind: Kind| Arc::new(List(vec![alone(Arc::new(Command { kind, redirects: Vec::new() }))]));
        let is_empty = |word: &Word| word.bare().is_some_and(|text| text.trim().is_empty()) || word.0.is_empty();
        let evaluated = |word: &Word| {
            let word = if is_empty(word) { Word(vec![Part::Bare("1".into())]) } else { word.clone() };
            list(Kind::Arithmetic(word))
        };
        let looped = Kind::Loop { until: false, condition: evaluated(&expressions[1]), body, step: Some(evaluated(&expressions[2])) };
        let mut both = evaluated(&expressions[0]).0.clone();
        both.extend(list(looped).0.clone());
        Ok(Kind::Group(Arc::new(List(both))))
    }

    fn case_command(&mut self) -> Parsed<Kind> {
        self.at += "case".len();
        self.blanks();
        let word = self.word()?;
        self.line_breaks()?;
        self.expect_word("in")?;
        let mut arms = Vec::new();
        loop {
            self.line_breaks()?;
            if self.take_word("esac") {
                return Ok(Kind::Case { word, arms });
            }
            self.take("(");
            let mut patterns = Vec::new();
            loop {
                self.blanks();
                let pattern = self.word()?;
                if pattern.0.is_empty() {
                    return Err(self.unexpected());
                }
                patterns.push(pattern);
                self.blanks();
                if self.take(")") {
                    break;
                }
                if !self.take("|") {
                    return Err(self.unexpected());
                }
            }
            let body = self.list()?;
            arms.push((patterns, Arc::new(body)));
            self.line_breaks()?;
            if !self.take(";;") && self.peek_word() != "esac" {
                return Err(self.unexpected());
            }
        }
    }

    pub(super) fn function(&mut self, name: String) -> Parsed<Command> {
        self.line_breaks()?;
        if name.is_empty() || (self.peek() != Some('(') && !["{", "if", "while", "until", "for", "case", "[["].contains(&self.peek_word()))
        {
            return Err(self.unexpected());
        }
        let start = self.at;
        let body = Arc::new(self.deeper(|cursor| cursor.command())?);
        Ok(Command { kind: Kind::Function { name, body, bytes: self.at - start }, redirects: Vec::new() })
    }
}

/// A command as an item of a list.
pub(super) fn alone(command: Arc<Command>) -> Item {
    let first = Arc::new(Pipeline { negated: false, timed: false, stages: vec![command] });
    Item { chain: Arc::new(Chain { first, rest: Vec::new(), text: String::new() }), background: false }
}
