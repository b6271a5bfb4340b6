//! Spans of time as ISO 8601 and `java.time.Duration.parse` write them.

/// `PnDTnHnMn.nS` in ms, in either case; each part may have a sign of its own.
pub fn parse_ms(text: &str) -> Option<i64> {
    parse(&text.to_ascii_uppercase())
}

fn parse(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let rest = rest.strip_prefix('P')?;
    let (days, time) = rest.split_once('T').map_or((rest, None), |(days, time)| (days, Some(time)));
    if days.is_empty() && time.is_none() || time == Some("") {
        return None;
    }
    let mut total_ms: i64 = 0;
    if !days.is_empty() {
        total_ms = signed(days.strip_suffix('D')?)?.checked_mul(86_400_000)?;
    }
    let mut rest = time.unwrap_or_default();
    for (unit, unit_ms) in [('H', 3_600_000), ('M', 60_000), ('S', 1_000)] {
        let Some((number, after)) = rest.split_once(unit) else { continue };
        let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, ""));
        if unit != 'S' && whole.len() != number.len() {
            return None;
        }
        let part = signed(whole)?.checked_mul(unit_ms)?;
        let fraction_ms: i64 = if fraction.is_empty() { 0 } else { digits(&format!("{fraction:0<3}")[..3])? };
        let fraction_ms = if whole.starts_with('-') { -fraction_ms } else { fraction_ms };
        total_ms = total_ms.checked_add(part)?.checked_add(fraction_ms)?;
        rest = after;
    }
    rest.is_empty().then_some(sign * total_ms)
}

fn signed(text: &str) -> Option<i64> {
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    let value = digits(number)?;
    Some(if text.starts_with('-') { -value } else { value })
}

/// A number below a thousand million.
pub fn digits(text: &str) -> Option<i64> {
    let all_digits = !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits { text.parse().ok() } else { None }
}
