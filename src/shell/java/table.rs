//! Tables of Kafka's tools.

/// Columns as wide as their widest value, a tab behind each, also behind the last (`ToolsUtils.prettyPrintTable`).
pub fn pretty(headers: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let head: Vec<String> = headers.iter().map(|header| (*header).to_owned()).collect();
    let all = || std::iter::once(&head).chain(rows);
    let widths: Vec<usize> = (0..headers.len()).map(|at| all().map(|row| row[at].len()).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}\t")).collect::<String>();
    all().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_behind_every_column() {
        let row = ["1", "a name"].map(str::to_owned).to_vec();
        assert_eq!(pretty(&["Node", "Is"], &[row]), ["Node\tIs    \t", "1   \ta name\t"]);
        assert_eq!(pretty(&["Node"], &[]), ["Node\t"]);
    }
}
