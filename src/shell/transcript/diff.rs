//! How two lists of lines differ, for a person to read.

/// The lines of both, those only expected behind `-`, those only printed behind `+`, others behind a space; empty if they are equal.
pub fn unified(expected: &[String], printed: &[String]) -> String {
    if expected == printed {
        return String::new();
    }
    let common = longest_common(expected, printed);
    let (mut text, mut e, mut p) = (String::new(), 0, 0);
    let mut put = |sign: char, line: &str| {
        text.push(sign);
        text.push_str(line);
        text.push('\n');
    };
    for (same_e, same_p) in common.into_iter().chain([(expected.len(), printed.len())]) {
        expected[e..same_e].iter().for_each(|line| put('-', line));
        printed[p..same_p].iter().for_each(|line| put('+', line));
        if let Some(line) = expected.get(same_e) {
            put(' ', line);
        }
        (e, p) = (same_e + 1, same_p + 1);
        e = e.min(expected.len());
        p = p.min(printed.len());
    }
    text
}

/// Positions of a longest common subsequence.
fn longest_common(a: &[String], b: &[String]) -> Vec<(usize, usize)> {
    // lengths[i][j]: of what `a` from i and `b` from j have in common.
    let mut lengths = vec![vec![0u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            lengths[i][j] = if a[i] == b[j] { lengths[i + 1][j + 1] + 1 } else { lengths[i + 1][j].max(lengths[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            found.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[i + 1][j] >= lengths[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, printed: &str, diff: &str) {
        let lines = |text: &str| text.split_terminator(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(unified(&lines(expected), &lines(printed)).replace('\n', " ").trim_end(), diff);
    }

    #[test]
    fn shows_what_differs() {
        check("a b c", "a b c", "");
        check("a b c", "a c", " a -b  c");
        check("a b c", "a x c d", " a -b +x  c +d");
        check("", "a", "+a");
        check("a b", "", "-a -b");
    }
}
