//! A command line, read as bash reads it: words, quotes, pipes, lists and redirections.
//!
//! The part of bash's grammar that is here: `|`, `;`, `&&`, `||`, `&`, `#`, single and double quotes, `\`, `$?`, and the redirections
//! `<f >f >>f 2>f 2>>f 2>&1 >&2 &>f`. What is not here is refused by name, never run as something else.

/// What was entered: lists, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(pub Vec<List>);

/// Pipelines joined by `&&` and `||`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    pub first: Pipeline,
    pub rest: Vec<(Joint, Pipeline)>,
    /// It ended in `&`.
    pub background: bool,
}

/// Whether the next pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// `&&`: if the one before succeeded.
    And,
    /// `||`: if it failed.
    Or,
}

/// Commands whose output goes to the next one's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    pub stages: Vec<Simple>,
    /// As it was typed, for `jobs`.
    pub text: String,
}

/// One command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simple {
    pub words: Vec<Word>,
    pub redirects: Vec<Redirect>,
}

/// A word, not yet expanded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word(pub Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Text(String),
    /// `$?`
    Status,
}

/// Where a stream goes, or comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// `<f`
    In(Word),
    /// `>f`, `2>>f`
    File { fd: Fd, path: Word, append: bool },
    /// `2>&1`
    To { fd: Fd, to: Fd },
}

/// A stream that a command writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fd {
    Out,
    Err,
}

/// Why a line cannot be run, as the shell says it (behind `bash: `).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    #[error("syntax error near unexpected token `{0}'")]
    Unexpected(String),
    #[error("unexpected EOF while looking for matching `{0}'")]
    Unclosed(char),
    #[error("this terminal has no {0}")]
    Unsupported(&'static str),
    #[error("{0}: ambiguous redirect")]
    Redirect(String),
}

impl Word {
    /// The word with `$?` put in.
    pub fn expand(&self, status: i32) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Status => status.to_string(),
            })
            .collect()
    }
}

impl List {
    /// As it was typed, without the `&`.
    pub fn text(&self) -> String {
        let rest = self.rest.iter().map(|(joint, pipeline)| match joint {
            Joint::And => format!(" && {}", pipeline.text),
            Joint::Or => format!(" || {}", pipeline.text),
        });
        std::iter::once(self.first.text.clone()).chain(rest).collect()
    }
}

/// Reads a line.
///
/// # Errors
/// What is wrong with it, or the construct that is not to be had here.
pub fn parse(line: &str) -> Result<Line, SyntaxError> {
    let tokens = tokens(line)?;
    let mut parser = Parser { line, tokens: &tokens, at: 0 };
    parser.line()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(Word),
    /// `|`, `;`, `&&`, `||`, `&`
    Operator(&'static str),
    /// `>`, `2>>`, ...: the stream, and whether to append. The path follows.
    Output(Fd, bool),
    /// `&>`: both streams.
    Both,
    Input,
    Duplicate(Fd, Fd),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Token::Word(word) => word.expand(0),
            Token::Operator(operator) => (*operator).into(),
            Token::Output(_, false) | Token::Both | Token::Duplicate(..) => ">".into(),
            Token::Output(_, true) => ">>".into(),
            Token::Input => "<".into(),
        }
    }
}

/// A token and the bytes of the line that it stands for.
type Placed = (Token, std::ops::Range<usize>);

fn tokens(line: &str) -> Result<Vec<Placed>, SyntaxError> {
    let mut found: Vec<Placed> = Vec::new();
    let mut at = 0;
    while let Some(c) = line[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
        } else if c == '#' {
            break;
        } else if let Some((token, length)) = operator(&line[at..])? {
            found.push((token, at..at + length));
            at += length;
        } else {
            let (word, length) = word(&line[at..])?;
            found.push((Token::Word(word), at..at + length));
            at += length;
        }
    }
    Ok(found)
}

fn operator(rest: &str) -> Result<Option<(Token, usize)>, SyntaxError> {
    const TABLE: &[(&str, Token)] = &[
        ("2>&1", Token::Duplicate(Fd::Err, Fd::Out)),
        ("1>&2", Token::Duplicate(Fd::Out, Fd::Err)),
        (">&2", Token::Duplicate(Fd::Out, Fd::Err)),
        ("2>>", Token::Output(Fd::Err, true)),
        ("1>>", Token::Output(Fd::Out, true)),
        ("2>", Token::Output(Fd::Err, false)),
        ("1>", Token::Output(Fd::Out, false)),
        ("&>", Token::Both),
        (">>", Token::Output(Fd::Out, true)),
        (">", Token::Output(Fd::Out, false)),
        ("<", Token::Input),
        ("&&", Token::Operator("&&")),
        ("||", Token::Operator("||")),
        ("|", Token::Operator("|")),
        (";", Token::Operator(";")),
        ("&", Token::Operator("&")),
    ];
    const ABSENT: &[(&str, &str)] = &[
        ("<<", "here-documents (<<)"),
        ("|&", "|& (write 2>&1 |)"),
        ("(", "subshells"),
        (")", "subshells"),
        ("`", "command substitution"),
    ];
    if let Some((_, what)) = ABSENT.iter().find(|(text, _)| rest.starts_with(text)) {
        return Err(SyntaxError::Unsupported(what));
    }
    Ok(TABLE.iter().find(|(text, _)| rest.starts_with(text)).map(|(text, token)| (token.clone(), text.len())))
}

/// The word at the start of `rest`, and how many bytes it takes.
fn word(rest: &str) -> Result<(Word, usize), SyntaxError> {
    let mut word = Builder::default();
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c.is_whitespace() || "|;&<>()".contains(c) => return Ok((word.finish(), at)),
            '\'' => {
                word.quoted = true;
                loop {
                    match chars.next() {
                        Some((_, '\'')) => break,
                        Some((_, c)) => word.text.push(c),
                        None => return Err(SyntaxError::Unclosed('\'')),
                    }
                }
            }
            '"' => {
                word.quoted = true;
                loop {
                    match chars.next() {
                        Some((_, '"')) => break,
                        Some((_, '\\')) => match chars.next() {
                            Some((_, c)) if "\"\\$`".contains(c) => word.text.push(c),
                            Some((_, c)) => word.text.extend(['\\', c]),
                            None => return Err(SyntaxError::Unclosed('"')),
                        },
                        Some((at, '$')) => word.dollar(&rest[at + 1..], &mut chars)?,
                        Some((_, '`')) => return Err(SyntaxError::Unsupported("command substitution")),
                        Some((_, c)) => word.text.push(c),
                        None => return Err(SyntaxError::Unclosed('"')),
                    }
                }
            }
            '\\' => word.text.extend(chars.next().map(|(_, c)| c)),
            '$' => word.dollar(&rest[at + 1..], &mut chars)?,
            '`' => return Err(SyntaxError::Unsupported("command substitution")),
            c => word.text.push(c),
        }
    }
    Ok((word.finish(), rest.len()))
}

#[derive(Default)]
struct Builder {
    parts: Vec<Part>,
    text: String,
    /// `""` is a word too.
    quoted: bool,
}

impl Builder {
    /// After a `$`, with `rest` behind it.
    fn dollar(&mut self, rest: &str, chars: &mut std::iter::Peekable<std::str::CharIndices>) -> Result<(), SyntaxError> {
        match rest.chars().next() {
            Some('?') => {
                chars.next();
                if !self.text.is_empty() {
                    self.parts.push(Part::Text(std::mem::take(&mut self.text)));
                }
                self.parts.push(Part::Status);
                Ok(())
            }
            Some('(') => Err(SyntaxError::Unsupported("command substitution")),
            Some(c) if c == '{' || c == '_' || c.is_ascii_alphabetic() => Err(SyntaxError::Unsupported("variables but $?")),
            _ => {
                self.text.push('$');
                Ok(())
            }
        }
    }

    fn finish(mut self) -> Word {
        if !self.text.is_empty() || (self.parts.is_empty() && self.quoted) {
            self.parts.push(Part::Text(self.text));
        }
        Word(self.parts)
    }
}

struct Parser<'a> {
    line: &'a str,
    tokens: &'a [Placed],
    at: usize,
}

impl Parser<'_> {
    fn line(&mut self) -> Result<Line, SyntaxError> {
        let mut lists = Vec::new();
        while self.at < self.tokens.len() {
            let mut list = self.list()?;
            match self.next() {
                Some(Token::Operator("&")) => list.background = true,
                None | Some(Token::Operator(";")) => {}
                Some(other) => return Err(SyntaxError::Unexpected(other.shown())),
            }
            lists.push(list);
        }
        Ok(Line(lists))
    }

    fn list(&mut self) -> Result<List, SyntaxError> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            let joint = match self.peek() {
                Some(Token::Operator("&&")) => Joint::And,
                Some(Token::Operator("||")) => Joint::Or,
                _ => return Ok(List { first, rest, background: false }),
            };
            self.at += 1;
            rest.push((joint, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline, SyntaxError> {
        let start = self.tokens.get(self.at).map_or(self.line.len(), |(_, range)| range.start);
        let mut stages = vec![self.simple()?];
        while self.peek() == Some(&Token::Operator("|")) {
            self.at += 1;
            stages.push(self.simple()?);
        }
        let end = self.tokens[self.at - 1].1.end;
        Ok(Pipeline { stages, text: self.line[start..end].to_owned() })
    }

    fn simple(&mut self) -> Result<Simple, SyntaxError> {
        let mut simple = Simple::default();
        loop {
            match self.peek().cloned() {
                Some(Token::Word(word)) => {
                    self.at += 1;
                    simple.words.push(word);
                }
                Some(Token::Output(fd, append)) => {
                    let path = self.path()?;
                    simple.redirects.push(Redirect::File { fd, path, append });
                }
                Some(Token::Both) => {
                    let path = self.path()?;
                    simple.redirects.push(Redirect::File { fd: Fd::Out, path, append: false });
                    simple.redirects.push(Redirect::To { fd: Fd::Err, to: Fd::Out });
                }
                Some(Token::Input) => {
                    let path = self.path()?;
                    simple.redirects.push(Redirect::In(path));
                }
                Some(Token::Duplicate(fd, to)) => {
                    self.at += 1;
                    simple.redirects.push(Redirect::To { fd, to });
                }
                _ if !simple.words.is_empty() => return Ok(simple),
                Some(other) => return Err(SyntaxError::Unexpected(other.shown())),
                None => return Err(SyntaxError::Unexpected("newline".into())),
            }
        }
    }

    /// The word behind a redirection.
    fn path(&mut self) -> Result<Word, SyntaxError> {
        self.at += 1;
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            Some(other) => Err(SyntaxError::Unexpected(other.shown())),
            None => Err(SyntaxError::Unexpected("newline".into())),
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each pipeline as `word word > word`, with its joint or `&`.
    fn shown(line: &str) -> String {
        let lists = match parse(line) {
            Ok(line) => line.0,
            Err(error) => return format!("bash: {error}"),
        };
        let mut text = String::new();
        for list in lists {
            let joined = std::iter::once((None, &list.first)).chain(list.rest.iter().map(|(joint, p)| (Some(*joint), p)));
            for (joint, pipeline) in joined {
                text += &joint.map_or(String::new(), |joint| format!("{joint:?} "));
                let stages = pipeline.stages.iter().map(|stage| {
                    let words: Vec<String> = stage.words.iter().map(|word| format!("[{}]", word.expand(7))).collect();
                    words.join("") + &"r".repeat(stage.redirects.len())
                });
                text += &stages.collect::<Vec<_>>().join("|");
                text.push(' ');
            }
            text += if list.background { "& " } else { "; " };
        }
        text.trim_end().to_owned()
    }

    #[test]
    fn words_and_quotes() {
        let cases = [
            ("kafka-topics.sh --list", "[kafka-topics.sh][--list] ;"),
            ("echo 'a  b' \"c $? d\" e\\ f # no", "[echo][a  b][c 7 d][e f] ;"),
            ("echo \"\" a#b '$?' \"\\\"x\\n\"", "[echo][][a#b][$?][\"x\\n] ;"),
            ("--x=\"a|b\"'c;d'", "[--x=a|bc;d] ;"),
            ("", ""),
            ("# only this", ""),
            ("grep 'it'\\''s' $", "[grep][it's][$] ;"),
        ];
        for (line, expected) in cases {
            assert_eq!(shown(line), expected, "{line}");
        }
    }

    #[test]
    fn lists_pipes_and_redirections() {
        let cases = [
            ("a|b | c", "[a]|[b]|[c] ;"),
            ("a && b || c; d &", "[a] And [b] Or [c] ; [d] &"),
            ("a & b", "[a] & [b] ;"),
            ("a 2>/dev/null | b 2>&1 >f", "[a]r|[b]rr ;"),
            ("a < in >> out", "[a]rr ;"),
        ];
        for (line, expected) in cases {
            assert_eq!(shown(line), expected, "{line}");
        }
        assert_eq!(parse("a -x | b && c").unwrap().0[0].text(), "a -x | b && c");
    }

    #[test]
    fn what_cannot_be_run_is_said() {
        let cases = [
            ("| a", "bash: syntax error near unexpected token `|'"),
            ("a |", "bash: syntax error near unexpected token `newline'"),
            ("a ;; b", "bash: syntax error near unexpected token `;'"),
            ("echo 'abc", "bash: unexpected EOF while looking for matching `''"),
            ("echo $(date)", "bash: this terminal has no command substitution"),
            ("echo $HOME", "bash: this terminal has no variables but $?"),
            ("cat << EOF", "bash: this terminal has no here-documents (<<)"),
            ("a >", "bash: syntax error near unexpected token `newline'"),
        ];
        for (line, expected) in cases {
            assert_eq!(shown(line), expected, "{line}");
        }
    }
}
