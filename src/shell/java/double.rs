//! Numbers as `Double.toString` writes them.

/// `2048.0`, `1.0E7`, `0.001`, `1.0E-4`.
pub fn text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    let size = number.abs();
    if number == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{number:?}");
    }
    // Rust writes 1e7 and 1.5e-5: Java wants a digit behind the point, and a capital E.
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let point = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_java_writes_them() {
        for (number, expected) in [
            (2048.0, "2048.0"),
            (50.5, "50.5"),
            (1e7, "1.0E7"),
            (12_345_678.0, "1.2345678E7"),
            (0.001, "0.001"),
            (1e-4, "1.0E-4"),
            (0.0, "0.0"),
        ] {
            assert_eq!(text(number), expected);
        }
    }
}
