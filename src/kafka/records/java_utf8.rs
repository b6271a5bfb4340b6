//! Bytes as the text that Java makes of them (`new String(bytes, UTF_8)`).
//!
//! Well-formed UTF-8 is itself. For the rest Java puts a replacement character where Rust's `from_utf8_lossy` may put more: a surrogate's
//! three bytes are one, and a lead byte swallows its continuation bytes more readily.

use std::borrow::Cow;

/// The text of the bytes.
pub fn java_utf8(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(replaced(bytes)),
    }
}

fn replaced(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let (read, char) = next_char(rest);
        text.push(char);
        rest = rest.get(read..).unwrap_or_default();
    }
    text
}

/// How many bytes the next character takes, and the character.
fn next_char(bytes: &[u8]) -> (usize, char) {
    let malformed = |length| (length, char::REPLACEMENT_CHARACTER);
    match bytes {
        [b1, ..] if *b1 < 0x80 => (1, char::from(*b1)),
        [b1 @ 0xc2..=0xdf, b2, ..] if continues(*b2) => (2, scalar(&[b1 & 0x1f, *b2])),
        [b1 @ 0xe0..=0xef, b2, b3, ..] => match (second_of_three(*b1, *b2), continues(*b3)) {
            (true, true) => (3, scalar(&[b1 & 0x0f, *b2, *b3])),
            (true, false) => malformed(2),
            (false, _) => malformed(1),
        },
        [b1 @ 0xe0..=0xef, b2] if second_of_three(*b1, *b2) => malformed(2),
        [b1 @ 0xf0..=0xf7, b2, rest @ ..] if second_of_four(*b1, *b2) => match rest {
            [b3, b4, ..] if continues(*b3) && continues(*b4) => (4, scalar(&[b1 & 0x07, *b2, *b3, *b4])),
            [b3, ..] if continues(*b3) => malformed(3),
            _ => malformed(2),
        },
        _ => malformed(1),
    }
}

fn continues(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Not the overlong forms; surrogates pass, and become one replacement as a whole.
fn second_of_three(b1: u8, b2: u8) -> bool {
    continues(b2) && !(b1 == 0xe0 && b2 < 0xa0)
}

/// Not the overlong forms, and nothing beyond U+10FFFF.
fn second_of_four(b1: u8, b2: u8) -> bool {
    continues(b2) && b1 <= 0xf4 && !(b1 == 0xf0 && b2 < 0x90) && !(b1 == 0xf4 && b2 > 0x8f)
}

fn scalar(bits: &[u8]) -> char {
    let code = bits.iter().fold(0, |code, &byte| code << 6 | u32::from(byte & 0x3f));
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What OpenJDK 17 makes of them: `?` stands for a replacement character.
    #[test]
    fn malformed_bytes_become_what_java_makes_of_them() {
        let cases: [(&[u8], &str); 12] = [
            (b"na\xc3\xafve \xf0\x9f\x99\x82", "na\u{ef}ve \u{1f642}"),
            (b"\xed\xa0\x80x", "?x"),
            (b"\xed\xa0x", "?x"),
            (b"\xe0\x80\x80", "???"),
            (b"\xe2\x82", "?"),
            (b"\xe2\x82x", "?x"),
            (b"\xc0\xaf", "??"),
            (b"\xf0\x9f\x99", "?"),
            (b"\xf0\x9f\x99x", "?x"),
            (b"\xf0\x9fx", "?x"),
            (b"\xf4\x90\x80\x80", "????"),
            (b"\xff\xfe", "??"),
        ];
        for (bytes, text) in cases {
            assert_eq!(java_utf8(bytes), text.replace('?', "\u{fffd}"), "{bytes:x?}");
        }
    }
}
