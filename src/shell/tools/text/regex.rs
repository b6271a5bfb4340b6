//! POSIX's regular expressions, as `regex-lite` writes them.

use regex_lite::{Regex, RegexBuilder};

/// Compiles a basic or extended expression.
///
/// # Errors
/// What is wrong with it.
pub(super) fn compile(pattern: &str, extended: bool, ignore_case: bool) -> Result<Regex, String> {
    let translated = if extended { from_extended(pattern) } else { from_extended(&basic_to_extended(pattern)) };
    RegexBuilder::new(&translated).case_insensitive(ignore_case).build().map_err(|error| error.to_string())
}

/// A basic expression as an extended one: `\(`, `\|`, `\{`, `\+`, `\?` mean what the bare letters mean there, and the other way round.
pub(super) fn basic_to_extended(basic: &str) -> String {
    let mut chars = basic.chars().peekable();
    let (mut extended, mut at_start) = (String::new(), true);
    while let Some(c) = chars.next() {
        let was_start = std::mem::replace(&mut at_start, false);
        match c {
            '[' => {
                extended.push(c);
                copy_class(&mut chars, &mut extended);
            }
            '\\' => match chars.next() {
                Some(c) if "(){}|+?".contains(c) => {
                    at_start = c == '(' || c == '|';
                    extended.push(c);
                }
                Some(c) => extended.extend(['\\', c]),
                None => extended.push_str("\\\\"),
            },
            '*' if was_start => extended.push_str("\\*"),
            '^' if !was_start => extended.push_str("\\^"),
            c if "(){}|+?".contains(c) => extended.extend(['\\', c]),
            c => {
                at_start = c == '^';
                extended.push(c);
            }
        }
    }
    extended
}

/// Copies a bracket expression as it is, up to and with its `]`.
fn copy_class(chars: &mut std::iter::Peekable<std::str::Chars>, into: &mut String) {
    if let Some(c) = chars.next_if_eq(&'^') {
        into.push(c);
    }
    if let Some(c) = chars.next_if_eq(&']') {
        into.push(c);
    }
    while let Some(c) = chars.next() {
        into.push(c);
        if c == ']' {
            return;
        }
        if c == '[' && chars.peek() == Some(&':') {
            for c in chars.by_ref() {
                into.push(c);
                if c == ']' {
                    break;
                }
            }
        }
    }
}

fn from_extended(pattern: &str) -> String {
    let chars: Vec<char> = pattern.chars().collect();
    let mut translated = String::new();
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            '\\' => {
                match chars.get(at + 1) {
                    Some('<' | '>') => translated.push_str("\\b"),
                    Some(c) if c.is_ascii_alphanumeric() && !"wWsSbBdDnrt".contains(*c) => translated.push(*c),
                    Some('\'' | '"' | '/' | ' ' | '=' | '!' | ':' | ',' | ';' | '@' | '%' | '`' | '_') => translated.push(chars[at + 1]),
                    Some(c) => translated.extend(['\\', *c]),
                    None => translated.push_str("\\\\"),
                }
                at += 2;
                continue;
            }
            '[' => {
                at = class(&chars, at, &mut translated);
                continue;
            }
            // A brace that counts nothing stands for itself.
            '{' if !counts(&chars[at + 1..]) => translated.push_str("\\{"),
            '{' => {
                while at < chars.len() && chars[at] != '}' {
                    translated.push(chars[at]);
                    at += 1;
                }
                translated.push('}');
            }
            '}' => translated.push_str("\\}"),
            c => translated.push(c),
        }
        at += 1;
    }
    translated
}

/// Whether what follows a `{` is `3}`, `3,}` or `3,5}`.
fn counts(rest: &[char]) -> bool {
    let Some(end) = rest.iter().position(|c| *c == '}') else { return false };
    let inner = &rest[..end];
    inner.first().is_some_and(|c| c.is_ascii_digit() || *c == ',')
        && inner.len() < 12
        && inner.iter().all(|c| c.is_ascii_digit() || *c == ',')
}

/// Writes a bracket expression: what is special in one for us but not for POSIX is escaped. Where it ends.
fn class(chars: &[char], start: usize, into: &mut String) -> usize {
    let mut at = start + 1;
    let mut text = String::from("[");
    if chars.get(at) == Some(&'^') {
        text.push('^');
        at += 1;
    }
    let first = at;
    loop {
        match chars.get(at) {
            // It never ends: then the bracket stands for itself.
            None => {
                into.push_str("\\[");
                return start + 1;
            }
            Some(']') if at > first => {
                text.push(']');
                *into += &text;
                return at + 1;
            }
            Some('[') if chars.get(at + 1) == Some(&':') => {
                let end = chars[at..].windows(2).position(|pair| pair == [':', ']']).filter(|end| *end > 1);
                let Some(end) = end else {
                    text.push_str("\\[");
                    at += 1;
                    continue;
                };
                text.extend(&chars[at..at + end + 2]);
                at += end + 2;
            }
            // `\n`, `\t` and `\]` are what people mean by them, though POSIX says otherwise.
            Some('\\') if chars.get(at + 1).is_some_and(|c| "nrtdwsS".contains(*c) || !c.is_alphanumeric()) => {
                text.extend(['\\', chars[at + 1]]);
                at += 2;
            }
            Some(c @ ('[' | ']' | '\\' | '&' | '~')) => {
                text.extend(['\\', *c]);
                at += 1;
            }
            Some(c) => {
                text.push(*c);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_mean_what_they_mean_to_grep() {
        let cases = [
            ("a\\|b", false, "b", true),
            ("a|b", false, "b", false),
            ("a|b", true, "b", true),
            ("[]x]", true, "]", true),
            ("[^]]", true, "]", false),
            ("{\"a\"", true, "{\"a\"", true),
            ("a{2}", true, "aa", true),
            ("a\\{2\\}", false, "baab", true),
            ("*a", false, "*a", true),
            ("[[:digit:]]\\+", false, "x42", true),
            ("\\<b\\>", false, "a b c", true),
            ("[a\\.]", true, ".", true),
            ("[", true, "[", true),
            ("x=[0-9]+", true, "x=12", true),
        ];
        for (pattern, extended, text, expected) in cases {
            assert_eq!(compile(pattern, extended, false).unwrap().is_match(text), expected, "{pattern} {text}");
        }
        assert!(compile("(", true, false).is_err());
    }
}
