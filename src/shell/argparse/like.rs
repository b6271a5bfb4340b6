//! What was meant by a name that is not there.

/// The names that are most like what was typed, if any is like it at all.
pub(super) fn did_you_mean<'a>(typed: &str, names: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let cost = |name: &str| if name.starts_with(typed) { 0 } else { distance(typed.as_bytes(), name.as_bytes()) };
    let mut candidates: Vec<(usize, &str)> = names.map(|(body, shown)| (cost(body), shown)).collect();
    candidates.sort_unstable();
    let Some(&(best, _)) = candidates.first().filter(|(best, _)| *best < 7) else { return Vec::new() };
    let like = candidates.iter().take_while(|(cost, _)| *cost == best).map(|(_, name)| format!("\t{name}"));
    [String::new(), "Did you mean:".to_owned()].into_iter().chain(like).collect()
}

/// Damerau-Levenshtein with git's weights: a swap is free, an addition costs 1, a substitution 2, a deletion 4.
pub(super) fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let mut cost = rows[i - 1][j - 1] + if a[i - 1] == b[j - 1] { 0 } else { 2 };
            if i >= 2 && j >= 2 && a[i - 1] != b[j - 1] && a[i - 2] == b[j - 1] && a[i - 1] == b[j - 2] {
                cost = cost.min(rows[i - 2][j - 2]);
            }
            row.push(cost.min(rows[i - 1][j] + 4).min(row[j - 1] + 1));
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
