//! The tokens of a jq program.

use super::parser::{MAX_DEPTH, Parsed};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    /// A string's pieces: text, or the tokens of `\(...)`.
    Text(Vec<Result<String, Vec<Token>>>),
    Name(String),
    Field(String),
    Variable(String),
    Format(String),
    Mark(&'static str),
}

pub(super) const MARKS: &[&str] = &[
    "?//=", "//=", "|=", "+=", "-=", "*=", "/=", "%=", "==", "!=", "<=", ">=", "//", "..", "|", ",", "+", "-", "*", "/", "%", "=", "<",
    ">", "(", ")", "[", "]", "{", "}", ":", ";", ".", "?",
];

/// The tokens from a place on, up to the end or, `inner`, to the `)` that closes an interpolation; and where that is.
pub(super) fn tokens(text: &str, start: usize, inner: bool, depth: usize) -> Parsed<(Vec<Token>, usize)> {
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

pub(super) type Pieces = Vec<Result<String, Vec<Token>>>;

pub(super) fn string(text: &str, start: usize, depth: usize) -> Parsed<(Pieces, usize)> {
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
