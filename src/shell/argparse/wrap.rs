//! Lines are broken and justified.

use super::WIDTH;

/// Justified lines of [`WIDTH`]; all but the first begin with `indent`, and the first is shorter by `offset`.
pub(super) fn wrap(text: &str, offset: usize, indent: &str) -> Vec<String> {
    let (mut lines, mut line, mut width) = (Vec::new(), String::new(), offset);
    for piece in pieces(text) {
        width += piece.chars().count();
        if width > WIDTH && !line.is_empty() {
            let room = WIDTH - if lines.is_empty() { offset } else { indent.len() };
            let before = if lines.is_empty() { "" } else { indent };
            lines.push(format!("{before}{}", justify(line.trim_matches(' '), room)));
            line.clear();
            width = indent.len() + piece.chars().count();
        }
        line.push_str(piece);
    }
    let before = if lines.is_empty() { "" } else { indent };
    lines.push(format!("{before}{line}"));
    lines
}

/// Where a line may be broken (`java.text.BreakIterator`): after blanks, and after dashes and dots that a letter follows.
pub(super) fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    for pair in chars.windows(2) {
        let [(_, before), (at, after)] = [pair[0], pair[1]];
        let breaks = match before {
            ' ' => after != ' ',
            '-' | '.' => after.is_alphabetic(),
            _ => false,
        };
        if breaks {
            pieces.push(&text[start..at]);
            start = at;
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// Widens the blanks of a line to `width`; what does not divide evenly goes to those in the middle.
pub(super) fn justify(line: &str, width: usize) -> String {
    let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let blanks = words.len().saturating_sub(1);
    let missing = width.saturating_sub(line.chars().count());
    if blanks == 0 || missing == 0 {
        return line.to_owned();
    }
    let (each, rest) = (missing / blanks, missing % blanks);
    let begin = (blanks - rest).div_ceil(2);
    let mut text = String::new();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            let extra = usize::from((begin..begin + rest).contains(&(at - 1)));
            text.push_str(&" ".repeat(1 + each + extra));
        }
        text.push_str(word);
    }
    text
}
