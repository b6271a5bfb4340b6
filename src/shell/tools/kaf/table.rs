//! Go's `text/tabwriter`, as kaf uses it: a column is the cells that stand above each other in lines without a gap; each cell of it ends in a tab,
//! so what stands behind a line's last tab belongs to no column.

/// Text in cells.
#[derive(Clone, Debug)]
pub struct Table {
    min_width: usize,
    padding: usize,
    lines: Vec<Vec<String>>,
}

impl Table {
    /// kaf's tables.
    pub fn new() -> Table {
        Table { min_width: 6, padding: 3, lines: vec![vec![String::new()]] }
    }

    /// kaf's tables that stand in others.
    pub fn nested() -> Table {
        Table { min_width: 2, padding: 2, ..Table::new() }
    }

    pub fn write(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\n' => self.lines.push(vec![String::new()]),
                '\t' => self.lines.last_mut().into_iter().for_each(|line| line.push(String::new())),
                c => self.lines.last_mut().and_then(|line| line.last_mut()).into_iter().for_each(|cell| cell.push(c)),
            }
        }
    }

    /// The text with its columns, and an empty table again (`Flush`).
    pub fn flush(&mut self) -> String {
        let mut lines = std::mem::replace(&mut self.lines, vec![vec![String::new()]]);
        // The cell that was begun last counts only if something stands in it.
        if let Some(last) = lines.last_mut().filter(|line| line.len() > 1 && line.last().is_some_and(String::is_empty)) {
            last.pop();
        }
        let mut text = String::new();
        self.format(&lines, 0, lines.len(), &mut Vec::new(), &mut text);
        text
    }

    /// Writes lines of which the widths of the first columns are known.
    fn format(&self, lines: &[Vec<String>], from: usize, to: usize, widths: &mut Vec<usize>, text: &mut String) {
        let (column, mut written, mut line) = (widths.len(), from, from);
        let has_cell = |line: usize| column + 1 < lines[line].len();
        while line < to {
            if !has_cell(line) {
                line += 1;
                continue;
            }
            write_lines(lines, written, line, widths, text);
            let begin = line;
            while line < to && has_cell(line) {
                line += 1;
            }
            let widest = lines[begin..line].iter().map(|cells| cells[column].chars().count() + self.padding).max().unwrap_or(0);
            widths.push(widest.max(self.min_width));
            self.format(lines, begin, line, widths, text);
            widths.pop();
            written = line;
        }
        write_lines(lines, written, to, widths, text);
    }
}

impl Default for Table {
    fn default() -> Self {
        Table::new()
    }
}

fn write_lines(lines: &[Vec<String>], from: usize, to: usize, widths: &[usize], text: &mut String) {
    for (index, cells) in lines.iter().enumerate().take(to).skip(from) {
        for (column, cell) in cells.iter().enumerate() {
            text.push_str(cell);
            let width = widths.get(column).copied().unwrap_or(0);
            text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
        }
        if index + 1 < lines.len() {
            text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mut table: Table, text: &str, expected: &str) {
        table.write(text);
        assert_eq!(table.flush(), expected);
        assert_eq!(table.flush(), "");
    }

    #[test]
    fn columns_are_cells_above_each_other() {
        check(Table::new(), "NAME\tPARTITIONS\t\norders\t3\t\n", "NAME     PARTITIONS   \norders   3            \n");
        check(Table::new(), "a\tb\nlonger than it\tc\n", "a                b\nlonger than it   c\n");
        // A line without the cell ends the column.
        check(Table::new(), "a\tb\nPartitions:\nlonger than it\tc\n", "a     b\nPartitions:\nlonger than it   c\n");
        check(Table::nested(), "\tA\tBB\t\n\t-\t--\t\n", "  A  BB  \n  -  --  \n");
        check(Table::new(), "Members:\t", "Members:");
        check(Table::new(), "\u{2705} Created!\n\tName:\t orders\n", "\u{2705} Created!\n      Name:    orders\n");
    }
}
