//! Tables of text: the first column to the left, numbers to the right.

use std::fmt;

/// Rows of cells under a row of headings.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    left: usize,
}

impl Table {
    /// A table with these headings; every row has as many cells.
    pub(crate) fn new<'a>(headings: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            rows: vec![headings.into_iter().map(str::to_owned).collect()],
            left: 1,
        }
    }

    /// How many columns, from the first, hold words and are set to the left.
    pub(crate) fn words(mut self, columns: usize) -> Self {
        self.left = columns;
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<String> = cells.into_iter().collect();
        assert_eq!(
            cells.len(),
            self.rows[0].len(),
            "cells of the row {cells:?}"
        );
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if column > 0 {
                    line.push_str("  ");
                }
                let gap = " ".repeat(width - cell.chars().count());
                if column < self.left {
                    line.extend([cell.as_str(), &gap]);
                } else {
                    line.extend([&gap, cell.as_str()]);
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_left_and_numbers_right_by_characters_not_bytes() {
        let mut table = Table::new(["layer", "n", "σ²"]);
        table.row(["fc1", "1000", "0.5"].map(str::to_owned));
        table.row(["größer", "7", ""].map(str::to_owned));
        assert_eq!(
            table.to_string(),
            "layer      n   σ²\nfc1     1000  0.5\ngrößer     7\n"
        );
        let mut table = Table::new(["key", "value"]).words(2);
        table.row(["a", "b"].map(str::to_owned));
        assert_eq!(table.to_string(), "key  value\na    b\n");
    }
}
