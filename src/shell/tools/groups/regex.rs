//! `--validate-regex`: whether a group could subscribe by this pattern.
//!
//! Kafka asks RE2/J, which the group coordinator uses too; here it is `regex-lite`, whose complaints are said in RE2/J's words.

use regex_lite::Regex;

/// The line that is printed.
pub fn verdict(pattern: &str) -> String {
    match Regex::new(pattern) {
        Ok(_) => format!("The regular expression `{pattern}` is valid."),
        Err(error) => format!("The regular expression `{pattern}` is invalid: {}.", in_re2j_words(&error.to_string())),
    }
}

fn in_re2j_words(complaint: &str) -> &str {
    let known = [
        ("found open group", "missing closing )"),
        ("found closing ')'", "unexpected )"),
        ("unclosed character class", "missing closing ]"),
        ("expression to repeat", "missing argument to repetition operator"),
        ("repetition operator", "missing argument to repetition operator"),
        ("invalid range in character class", "invalid character class range"),
        ("end of pattern", "trailing backslash at end of expression"),
        ("look-around", "invalid or unsupported Perl syntax"),
        ("escape", "invalid escape sequence"),
        ("backreferences", "invalid escape sequence"),
    ];
    known.iter().find(|(ours, _)| complaint.contains(ours)).map_or(complaint, |(_, theirs)| theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Kafka 4.3.1's tool says it.
    #[test]
    fn patterns_that_are_none() {
        assert_eq!(verdict("orders|pay.*"), "The regular expression `orders|pay.*` is valid.");
        assert_eq!(verdict(""), "The regular expression `` is valid.");
        assert_eq!(verdict("a("), "The regular expression `a(` is invalid: missing closing ).");
    }
}
