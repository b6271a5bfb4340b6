//! Patterns of the shell: `*`, `?`, `[a-z]`, with `\` in front of what is meant as it stands.

/// Whether a pattern holds anything but plain characters.
pub fn is_pattern(pattern: &str) -> bool {
    let mut escaped = false;
    pattern.chars().any(|c| {
        let special = !escaped && "*?[".contains(c);
        escaped = !escaped && c == '\\';
        special
    })
}

/// `text` as a pattern that only it matches.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if "*?[]\\-!^".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Whether the pattern matches the whole text. Takes at most their lengths' product of steps.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    matches_chars(&pattern, &text)
}

fn matches_chars(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    // The last `*`, and where in the text it was tried from.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
            continue;
        }
        if let Some(length) = one(&pattern[p.min(pattern.len())..], text[t]) {
            p += length;
            t += 1;
            continue;
        }
        let Some((star_p, star_t)) = star else { return false };
        star = Some((star_p, star_t + 1));
        p = star_p + 1;
        t = star_t + 1;
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// How many characters of the pattern matched one character of the text.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['\\', quoted, ..] => (*quoted == c).then_some(2),
        ['[', rest @ ..] => match class(rest, c) {
            Some((holds, length)) => holds.then_some(length + 1),
            None => (c == '[').then_some(1),
        },
        [plain, ..] => (*plain == c).then_some(1),
        [] => None,
    }
}

/// Behind `[`: whether the class holds the character, and its length with the `]`; `None` if it is not closed.
fn class(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some('!' | '^'));
    let mut at = usize::from(negated);
    let (mut holds, mut first) = (false, true);
    loop {
        let mut from = *pattern.get(at)?;
        if from == ']' && !first {
            return Some((holds != negated, at + 1));
        }
        first = false;
        if from == '[' && pattern.get(at + 1) == Some(&':') {
            let end = pattern[at..].windows(2).position(|pair| pair == [':', ']'])?;
            let name: String = pattern[at + 2..(at + end).max(at + 2)].iter().collect();
            holds |= named(&name, c);
            at += end + 2;
            continue;
        }
        if from == '\\' {
            at += 1;
            from = *pattern.get(at)?;
        }
        at += 1;
        let is_range = pattern.get(at) == Some(&'-') && pattern.get(at + 1).is_some_and(|end| *end != ']');
        if is_range {
            let to = pattern[at + 1];
            holds |= (from..=to).contains(&c);
            at += 2;
        } else {
            holds |= from == c;
        }
    }
}

/// `[:digit:]` and its like.
pub fn named(name: &str, c: char) -> bool {
    match name {
        "alpha" => c.is_alphabetic(),
        "digit" => c.is_ascii_digit(),
        "alnum" => c.is_alphanumeric(),
        "upper" => c.is_uppercase(),
        "lower" => c.is_lowercase(),
        "space" => c.is_whitespace(),
        "blank" => c == ' ' || c == '\t',
        "punct" => c.is_ascii_punctuation(),
        "xdigit" => c.is_ascii_hexdigit(),
        "cntrl" => c.is_control(),
        "print" => !c.is_control(),
        "graph" => !c.is_control() && c != ' ',
        _ => false,
    }
}

/// How many characters a pattern without `*` matches.
fn width(pattern: &str) -> Option<usize> {
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut width) = (0, 0);
    while at < pattern.len() {
        at += match pattern[at] {
            '*' => return None,
            '\\' => 2,
            '[' => class(&pattern[at + 1..], ' ').map_or(1, |(_, length)| length + 1),
            _ => 1,
        };
        width += 1;
    }
    Some(width)
}

/// Whether the pattern has a `*`, so that what it matches may have any length.
pub fn is_open(pattern: &str) -> bool {
    width(pattern).is_none()
}

/// How long a beginning of `text` the pattern matches, in bytes.
pub fn prefix(pattern: &str, text: &str, longest: bool) -> Option<usize> {
    if let Some(width) = width(pattern) {
        let end = text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(width)?;
        return matches(pattern, &text[..end]).then_some(end);
    }
    ends(text, longest).find(|end| matches(pattern, &text[..*end]))
}

/// Where the end of `text` begins that the pattern matches.
pub fn suffix(pattern: &str, text: &str, longest: bool) -> Option<usize> {
    ends(text, !longest).find(|start| matches(pattern, &text[*start..]))
}

/// The boundaries between the characters, from either end.
fn ends(text: &str, from_back: bool) -> Box<dyn Iterator<Item = usize> + '_> {
    let forward = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    if from_back { Box::new(forward.collect::<Vec<_>>().into_iter().rev()) } else { Box::new(forward) }
}

/// The paths that a pattern means, sorted. `paths`: every file, as seen from where the pattern begins.
pub fn paths<'a>(pattern: &str, paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted: Vec<&str> = pattern.split('/').collect();
    let mut found = Vec::new();
    for path in paths {
        let mut parts = path.split('/');
        let taken: Vec<&str> = parts.by_ref().take(wanted.len()).collect();
        let hidden = |(pattern, part): (&&str, &&str)| part.starts_with('.') && !pattern.starts_with('.');
        let fits = taken.len() == wanted.len()
            && !wanted.iter().zip(&taken).any(hidden)
            && wanted.iter().zip(&taken).all(|(pattern, part)| matches(pattern, part));
        if fits {
            found.push(taken.join("/"));
        }
    }
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_bash() {
        let cases = [
            ("*", "", true),
            ("*.json", "a.json", true),
            ("*.json", "a.jsonx", false),
            ("a?c", "abc", true),
            ("[a-c]*[!0-9]", "b12x", true),
            ("[a-c]*[!0-9]", "b123", false),
            ("[[:digit:]]", "7", true),
            ("[]x]", "]", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("[", "[", true),
            ("a*b*c", "aXbYbZc", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(matches(&escape("[a]*?\\"), "[a]*?\\"));
        assert_eq!(paths("*/0*.log", ["o-0/00.log", "o-1/00.log", "o-1/x.log", "z"].into_iter()), ["o-0/00.log", "o-1/00.log"]);
    }
}
