//! Commands: simple ones, loops, conditions, functions, and how they are strung together.

use std::sync::Arc;

use super::cursor::{Cursor, Parsed};
use super::word::Until;
use super::{Assign, Assigned, Chain, Command, Item, Joint, Kind, List, Part, Pipeline, Redirect, SyntaxError, Target, Word, is_name};

/// Commands whose arguments may be arrays.
const DECLARING: &[&str] = &["declare", "local", "typeset"];

/// Words that mean something where a command could begin.
const CLOSING: &[&str] = &["then", "elif", "else", "fi", "do", "done", "esac", "}"];

/// Reads a script.
///
/// # Errors
/// What is wrong with it, or the construct that is not to be had here.
pub fn parse(text: &str) -> Result<List, SyntaxError> {
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

    fn function(&mut self, name: String) -> Parsed<Command> {
        self.line_breaks()?;
        if name.is_empty() || (self.peek() != Some('(') && !["{", "if", "while", "until", "for", "case", "[["].contains(&self.peek_word()))
        {
            return Err(self.unexpected());
        }
        let body = Arc::new(self.deeper(|cursor| cursor.command())?);
        Ok(Command { kind: Kind::Function { name, body }, redirects: Vec::new() })
    }

    fn simple(&mut self) -> Parsed<Command> {
        let (mut assigns, mut words, mut redirects, mut arrays) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            match self.peek() {
                None | Some('\n' | '|' | ';' | '&' | ')') => break,
                Some('(') => {
                    let name = words.first().and_then(Word::bare).map(str::to_owned);
                    let name = name.filter(|_| words.len() == 1 && assigns.is_empty() && redirects.is_empty());
                    let Some(name) = name.filter(|_| self.rest()[1..].trim_start().starts_with(')')) else {
                        return Err(self.unexpected());
                    };
                    self.at += 1;
                    self.blanks();
                    self.at += 1;
                    return self.function(name);
                }
                Some(_) => {}
            }
            if words.is_empty()
                && let Some(assign) = self.assign()?
            {
                assigns.push(assign);
                continue;
            }
            let declares = words.first().and_then(Word::bare).is_some_and(|word| DECLARING.contains(&word));
            if declares && let Some(array) = self.declaration(&mut words)? {
                arrays.push(array);
                continue;
            }
            let start = self.at;
            words.push(self.word()?);
            if words.len() == 1 && words[0].bare().is_some() {
                self.commands.push((start, self.at));
            }
        }
        if !arrays.is_empty() {
            let simple = |assigns, words| Command { kind: Kind::Simple { assigns, words }, redirects: Vec::new() };
            let declared = Command { redirects, ..simple(assigns, words) };
            let both = [declared, simple(arrays, Vec::new())].map(|command| alone(Arc::new(command)));
            return Ok(Command { kind: Kind::Group(Arc::new(List(both.to_vec()))), redirects: Vec::new() });
        }
        if assigns.is_empty() && words.is_empty() && redirects.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Command { kind: Kind::Simple { assigns, words }, redirects })
    }

    /// `X=...`, if it stands here.
    fn assign(&mut self) -> Parsed<Option<Assign>> {
        let before = self.at;
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(0);
        let name = if rest[end..].starts_with(['=', '+', '[']) { &rest[..end] } else { "" };
        if !is_name(name) {
            return Ok(None);
        }
        let name = name.to_owned();
        self.at += name.len();
        let index = if self.take("[") { self.index() } else { None };
        let append = self.take("+");
        let is_whole = index.is_some() || !self.text[before..self.at].contains('[');
        if !is_whole || !self.take("=") {
            self.at = before;
            return Ok(None);
        }
        let value = if index.is_none() && self.take("(") { Assigned::Array(self.array()?) } else { Assigned::One(self.word()?) };
        Ok(Some(Assign { name, index, value, append }))
    }

    /// Behind `X[`, up to and with the `]`; `None` if it is none.
    fn index(&mut self) -> Option<Word> {
        // What cannot be read as a key is a word of its own, or is refused as that.
        let key = self.parts(Until::Brace { ends: "]", quoted: false }).ok()?;
        self.take("]").then_some(key)
    }

    /// Behind `X=(`, up to and with the `)`.
    fn array(&mut self) -> Parsed<Vec<(Option<Word>, Word)>> {
        let mut elements = Vec::new();
        loop {
            self.line_breaks()?;
            match self.peek() {
                Some(')') => {
                    self.at += 1;
                    return Ok(elements);
                }
                None => return Err(SyntaxError::Unclosed(")")),
                Some(c) if "|;&<>(".contains(c) => return Err(self.unexpected()),
                Some(_) => {}
            }
            let before = self.at;
            let key = if self.take("[") { self.index() } else { None };
            let key = key.filter(|_| self.take("="));
            if key.is_none() {
                self.at = before;
            }
            elements.push((key, self.word()?));
        }
    }

    /// `declare`, `local`: `declare X=(...)` is `declare X` and then `X=(...)`.
    fn declaration(&mut self, words: &mut Vec<Word>) -> Parsed<Option<Assign>> {
        let before = self.at;
        match self.assign()? {
            Some(assign) if matches!(assign.value, Assigned::Array(_)) => {
                words.push(Word::text(assign.name.as_str()));
                Ok(Some(assign))
            }
            _ => {
                self.at = before;
                Ok(None)
            }
        }
    }
}

/// A command as an item of a list.
fn alone(command: Arc<Command>) -> Item {
    let first = Arc::new(Pipeline { negated: false, timed: false, stages: vec![command] });
    Item { chain: Arc::new(Chain { first, rest: Vec::new(), text: String::new() }), background: false }
}

/// Puts the texts of here-documents where their numbers stand.
fn fill_chain(mut chain: Chain, here: &[Word]) -> Chain {
    let fill = |pipeline: &mut Arc<Pipeline>| {
        for stage in &mut Arc::make_mut(pipeline).stages {
            let command = Arc::make_mut(stage);
            fill_redirects(&mut command.redirects, here);
            fill_kind(&mut command.kind, here);
        }
    };
    fill(&mut chain.first);
    chain.rest.iter_mut().for_each(|(_, pipeline)| fill(pipeline));
    chain
}

fn fill_redirects(redirects: &mut [Redirect], here: &[Word]) {
    for redirect in redirects {
        if let Target::Text(word) = &mut redirect.target {
            // Only a here-document's place is one bare number: a here-string ends in a quoted line break.
            let slot = word.bare().and_then(|number| number.parse::<usize>().ok());
            if let Some(text) = slot.and_then(|slot| here.get(slot)) {
                *word = text.clone();
            }
        }
    }
}

fn fill_kind(kind: &mut Kind, here: &[Word]) {
    let fill = |list: &mut Arc<List>| {
        for item in &mut Arc::make_mut(list).0 {
            item.chain = Arc::new(fill_chain((*item.chain).clone(), here));
        }
    };
    match kind {
        Kind::Group(list) | Kind::Subshell(list) => fill(list),
        Kind::If { branches, otherwise } => {
            for (condition, body) in branches {
                fill(condition);
                fill(body);
            }
            otherwise.iter_mut().for_each(fill);
        }
        Kind::Loop { condition, body, .. } => {
            fill(condition);
            fill(body);
        }
        Kind::For { body, .. } => fill(body),
        Kind::Case { arms, .. } => arms.iter_mut().for_each(|(_, body)| fill(body)),
        Kind::Function { body, .. } => {
            let body = Arc::make_mut(body);
            fill_redirects(&mut body.redirects, here);
            fill_kind(&mut body.kind, here);
        }
        Kind::Simple { .. } | Kind::Test(_) | Kind::Arithmetic(_) => {}
    }
}
