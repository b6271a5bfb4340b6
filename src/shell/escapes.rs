//! Backslash escapes of `echo -e`, `printf` and `$'...'`.

/// A text without its escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    pub text: String,
    /// `\c`: nothing more is printed.
    pub stop: bool,
}

/// `\n`, `\t`, `\\`, `\0101`, `\x41`, `\u00e9` and their like; what is none stays as it is.
pub fn decode(text: &str) -> Decoded {
    let mut chars = text.chars().peekable();
    let mut found = Decoded::default();
    while let Some(c) = chars.next() {
        if c != '\\' {
            found.text.push(c);
            continue;
        }
        let Some(next) = chars.next() else {
            found.text.push('\\');
            break;
        };
        match next {
            'n' => found.text.push('\n'),
            't' => found.text.push('\t'),
            'r' => found.text.push('\r'),
            'a' => found.text.push('\u{7}'),
            'b' => found.text.push('\u{8}'),
            'e' | 'E' => found.text.push('\u{1b}'),
            'f' => found.text.push('\u{c}'),
            'v' => found.text.push('\u{b}'),
            '\\' => found.text.push('\\'),
            'c' => {
                found.stop = true;
                break;
            }
            'x' => match number(&mut chars, 16, 2) {
                Some(code) => found.text.extend(char::from_u32(code)),
                None => found.text.push_str("\\x"),
            },
            'u' => match number(&mut chars, 16, 4) {
                Some(code) => found.text.extend(char::from_u32(code)),
                None => found.text.push_str("\\u"),
            },
            '0' => found.text.extend(char::from_u32(number(&mut chars, 8, 3).unwrap_or(0))),
            c @ '1'..='7' => {
                let more = number(&mut chars, 8, 2);
                let digits = more.map_or(String::new(), |more| format!("{more:o}"));
                found.text.extend(u32::from_str_radix(&format!("{c}{digits}"), 8).ok().and_then(char::from_u32));
            }
            other => found.text.extend(['\\', other]),
        }
    }
    found
}

fn number(chars: &mut std::iter::Peekable<std::str::Chars>, radix: u32, most: usize) -> Option<u32> {
    let mut value = None;
    for _ in 0..most {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else { break };
        value = Some(value.unwrap_or(0) * radix + digit);
        chars.next();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_what_they_mean() {
        assert_eq!(decode(r"a\tb\\n\x41\0102\q").text, "a\tb\\nAB\\q");
        assert_eq!(decode(r"a\cb"), Decoded { text: "a".into(), stop: true });
        assert_eq!(decode("é\\").text, "é\\");
    }
}
