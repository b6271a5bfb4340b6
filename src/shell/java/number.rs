//! Numbers as Java writes them.

/// `Double.toString`: at least one decimal, and an exponent outside of a thousandth to ten million.
pub fn double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    match text.split_once('E') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0E{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_double_to_string() {
        let cases = [
            (2048.0, "2048.0"),
            (0.5, "0.5"),
            (0.0, "0.0"),
            (1e7, "1.0E7"),
            (1.25e-5, "1.25E-5"),
            (10.714285714285714, "10.714285714285714"),
        ];
        for (value, expected) in cases {
            assert_eq!(double(value), expected);
        }
    }
}
