//! awk's tokens.

use crate::shell::escapes::decode;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(String),
    Regex(String),
    Name(String),
    /// A name with `(` right behind it.
    Call(String),
    Word(&'static str),
    Mark(&'static str),
    Newline,
}

const WORDS: &[&str] = &[
    "BEGIN", "END", "break", "continue", "delete", "do", "else", "exit", "for", "function", "getline", "if", "in", "next", "print",
    "printf", "return", "while",
];

const MARKS: &[&str] = &[
    "**=", "&&", "||", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "==", "!=", "<=", ">=", "!~", ">>", "**", "{", "}", "(", ")", "[",
    "]", ";", ",", "+", "-", "*", "/", "%", "^", "!", "<", ">", "|", "?", ":", "~", "$", "=",
];

/// # Errors
/// What is wrong.
pub(super) fn tokens(program: &str) -> Result<Vec<Token>, String> {
    let mut found: Vec<Token> = Vec::new();
    let mut rest = program;
    while let Some(c) = rest.chars().next() {
        if c == '\n' {
            found.push(Token::Newline);
            rest = &rest[1..];
        } else if rest.starts_with("\\\n") {
            rest = &rest[2..];
        } else if c.is_whitespace() {
            rest = &rest[c.len_utf8()..];
        } else if c == '#' {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if c == '"' {
            let (text, length) = quoted(&rest[1..], '"').ok_or("unterminated string")?;
            found.push(Token::Text(decode(&text.replace("\\/", "/").replace("\\\"", "\"")).text));
            rest = &rest[length + 2..];
        } else if c == '/' && regex_may_begin(found.last()) {
            let (text, length) = quoted(&rest[1..], '/').ok_or("unterminated regexp")?;
            found.push(Token::Regex(text.replace("\\/", "/")));
            rest = &rest[length + 2..];
        } else if c.is_ascii_digit() || (c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            let end = number_end(rest);
            found.push(Token::Number(rest[..end].parse().map_err(|_| format!("{} is no number", &rest[..end]))?));
            rest = &rest[end..];
        } else if c.is_ascii_alphabetic() || c == '_' {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let name = &rest[..end];
            rest = &rest[end..];
            let word = WORDS.iter().find(|word| **word == name).or((name == "func").then_some(&"function"));
            found.push(match word {
                Some(word) => Token::Word(word),
                None if rest.starts_with('(') => Token::Call(name.to_owned()),
                None => Token::Name(name.to_owned()),
            });
        } else {
            let mark = MARKS.iter().find(|mark| rest.starts_with(**mark)).ok_or_else(|| format!("syntax error at or near {c}"))?;
            found.push(Token::Mark(match *mark {
                "**" => "^",
                "**=" => "^=",
                mark => mark,
            }));
            rest = &rest[mark.len()..];
        }
    }
    Ok(found)
}

/// The text up to an end that no `\` stands before, and its length.
fn quoted(rest: &str, end: char) -> Option<(String, usize)> {
    let (mut escaped, mut class) = (false, false);
    for (at, c) in rest.char_indices() {
        if c == end && !escaped && !class {
            return Some((rest[..at].to_owned(), at));
        }
        class = end == '/' && !escaped && (c == '[' || (class && c != ']'));
        escaped = c == '\\' && !escaped;
    }
    None
}

fn number_end(text: &str) -> usize {
    let digits = |from: usize| from + text[from..].len() - text[from..].trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let mut end = digits(0);
    if text[end..].starts_with('.') {
        end = digits(end + 1);
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let power = digits(end + 1 + sign);
        if power > end + 1 + sign {
            end = power;
        }
    }
    end
}

/// Behind a value, a `/` divides.
fn regex_may_begin(before: Option<&Token>) -> bool {
    !matches!(before, Some(Token::Number(_) | Token::Text(_) | Token::Name(_) | Token::Mark(")" | "]" | "$" | "++" | "--")))
}
