//! Numbers and lists as people read them.

use std::fmt::Display;

/// `1 record`, `1,204 records`.
pub fn count(n: u64, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {noun}{s}", number(n))
}

/// `1,204`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `a`, `a and b`, `a, b and c`.
pub fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
    }
}

/// `4.2 s`.
pub fn seconds(us: u64) -> String {
    format!("{}.{} s", us / 1_000_000, us / 100_000 % 10)
}

/// `is` after one thing, `are` after several.
pub fn are(n: u64) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_well() {
        assert_eq!(
            [count(1, "record"), count(1204, "record"), number(12), number(1234567)],
            ["1 record", "1,204 records", "12", "1,234,567"]
        );
        assert_eq!([list(["a"]), list(["a", "b"]), list([1, 2, 3].map(|n| n.to_string()))], ["a", "a and b", "1, 2 and 3"]);
        assert_eq!(seconds(4_270_000), "4.2 s");
    }
}
