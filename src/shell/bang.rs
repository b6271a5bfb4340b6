//! `!!` and its like: what was typed before, put into the line before it is run.

/// What a line becomes; `None` if nothing in it refers to what was typed before.
///
/// # Errors
/// What bash says about something that is not there.
pub fn expand<'a>(line: &str, history: impl DoubleEndedIterator<Item = &'a str> + Clone) -> Result<Option<String>, String> {
    let (mut text, mut changed) = (String::new(), false);
    // Of either kind; in the other kind a quote is a character like any.
    let (mut in_single, mut in_double) = (false, false);
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        match c {
            // Between single quotes a backslash is one.
            '\\' if !in_single => {
                let taken = after.chars().next().map_or(0, char::len_utf8);
                text += &rest[..1 + taken];
                rest = &after[taken..];
                continue;
            }
            '\'' if !in_double => in_single = !in_single,
            '"' if !in_single => in_double = !in_double,
            // `$!` and `${!X}` are parameters.
            '!' if !in_single && !text.ends_with('$') && !text.ends_with("${") => {
                if let Some((word, length)) = event(after) {
                    let found = find(word, history.clone()).ok_or_else(|| format!("!{word}: event not found"))?;
                    text += if word == "$" { found.split_whitespace().next_back().unwrap_or_default() } else { found };
                    changed = true;
                    rest = &after[length..];
                    continue;
                }
            }
            _ => {}
        }
        text.push(c);
        rest = after;
    }
    Ok(changed.then_some(text))
}

/// What stands behind a `!`, and how long it is; nothing if it means itself (`[ ! -f x ]`, `a != b`, `$!`).
fn event(text: &str) -> Option<(&str, usize)> {
    let first = text.chars().next()?;
    let end = match first {
        '!' | '$' => 1,
        '-' | '0'..='9' => 1 + text[1..].bytes().take_while(u8::is_ascii_digit).count(),
        c if c.is_ascii_alphabetic() => text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_./".contains(c))).unwrap_or(text.len()),
        _ => return None,
    };
    (&text[..end] != "-").then_some((&text[..end], end))
}

fn find<'a>(word: &str, mut history: impl DoubleEndedIterator<Item = &'a str>) -> Option<&'a str> {
    match word {
        "!" | "$" => history.next_back(),
        word => match word.parse::<i64>() {
            Ok(back) if back < 0 => history.nth_back(usize::try_from(back.checked_neg()? - 1).ok()?),
            Ok(number) => history.nth(usize::try_from(number.checked_sub(1)?).ok()?),
            Err(_) => history.rev().find(|line| line.starts_with(word)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_before() {
        let history = ["kafka-topics.sh --list", "echo a b", "ls -l"];
        let expand = |line: &str| match expand(line, history.iter().copied()) {
            Ok(Some(line)) => line,
            Ok(None) => "-".into(),
            Err(said) => format!("! {said}"),
        };
        let cases = [
            ("!!", "ls -l"),
            ("sudo !!", "sudo ls -l"),
            ("cat !$", "cat -l"),
            ("!kafka | wc -l", "kafka-topics.sh --list | wc -l"),
            ("!1", "kafka-topics.sh --list"),
            ("!-2 c", "echo a b c"),
            ("!nope", "! !nope: event not found"),
            ("!9", "! !9: event not found"),
            ("!99999999999999999999", "! !99999999999999999999: event not found"),
            ("echo '!!' \\!!", "-"),
            ("[ ! -f x ] && echo $! a!=b hi!", "-"),
            ("! true", "-"),
            (r#"echo '\'\''' '!a' "it's" '!a'"#, "-"),
            (r#"echo "it's !1""#, r#"echo "it's kafka-topics.sh --list""#),
            ("echo ${!a[@]} $!a", "-"),
            ("!", "-"),
            ("", "-"),
        ];
        for (line, expected) in cases {
            assert_eq!(expand(line), expected, "{line}");
        }
        assert_eq!(super::expand("!!", std::iter::empty()), Err("!!: event not found".into()));
    }
}
