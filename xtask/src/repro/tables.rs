//! From the record to Markdown: one row per method and sparsity, mean ± standard deviation over
//! the seeds.

use std::fmt::Write;

use super::paired::{Interval, differences};
use super::record::{Line, Outcome};
use super::runs::{Case, Table};

/// What a cell of the table is computed from: the runs that differ only by the seed.
struct Cell<'a> {
    case: Case,
    lines: Vec<&'a Line>,
}

/// The table as Markdown, from the lines of its present runs; runs that have not ended yet are
/// simply fewer seeds.
///
/// FLOPs are multiples of dense training in the same convention: the papers' count of a run is
/// divided by the papers' count for the same steps with every weight active, what ran by what ran
/// in the table's dense run.
pub(super) fn markdown(table: Table, lines: &[Line]) -> String {
    match table {
        Table::Digits | Table::Mnist => of_methods(table, lines),
        Table::SparseIft | Table::Cifar10 => of_networks(table, lines),
    }
}

/// One network, several methods, beside what was published.
fn of_methods(table: Table, lines: &[Line]) -> String {
    let mut text = String::from(
        "| method | sparsity | seeds | test accuracy, % | published, % | test loss | \
         train − test, points | training FLOPs, × dense | executed, × dense |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let cells = cells(table, lines);
    let dense = cells.iter().find(|cell| cell.case.method == "dense");
    let dense_executed = dense.map(|cell| cell.lines[0].outcome.train_flops_executed);
    for cell in &cells {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            method_name(cell.case.method),
            cell.case.sparsity.unwrap_or("–"),
            cell.lines.len(),
            cell.accuracy(),
            table
                .published(cell.case.method, cell.case.sparsity.unwrap_or_default())
                .unwrap_or("–"),
            cell.test_loss(),
            cell.train_less_test(),
            cell.mean(|run| ratio(run.train_flops, run.train_flops_dense), 3),
            dense_executed.map_or_else(
                || "–".to_owned(),
                |dense| cell.mean(|run| ratio(run.train_flops_executed, dense), 3)
            ),
        );
    }
    text
}

/// Several networks at equal FLOPs, beside the dense one: accuracies paired by seed with those of
/// the dense runs, and FLOPs of the whole run as multiples of the dense run's in each convention.
/// What was measured on training samples is left out: the last epoch of a budget may be a few steps.
fn of_networks(table: Table, lines: &[Line]) -> String {
    let mut text = String::from(
        "| network | sparsity | method | seeds | test accuracy, % | − dense, points [95 %] | \
         test loss | active weights | executed, × dense | training FLOPs, × dense |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    let cells = cells(table, lines);
    let Some(dense) = cells
        .iter()
        .find(|cell| cell.case.method == "dense" && cell.case.network.is_empty())
    else {
        return text;
    };
    let dense_run = &dense.lines[0].outcome;
    for cell in &cells {
        let ahead = if cell.case == dense.case {
            "–".to_owned()
        } else {
            let values = differences(table, lines, &[(cell.case, dense.case)]);
            Interval::of(&values).to_string()
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {ahead} | {} | {} | {} | {} |",
            if cell.case.network.is_empty() {
                "original"
            } else {
                cell.case.network
            },
            cell.case.sparsity.unwrap_or("–"),
            method_name(cell.case.method),
            cell.lines.len(),
            cell.accuracy(),
            cell.test_loss(),
            cell.lines[0].outcome.n_active,
            cell.mean(
                |run| ratio(run.train_flops_executed, dense_run.train_flops_executed),
                3
            ),
            cell.mean(|run| ratio(run.train_flops, dense_run.train_flops), 3),
        );
    }
    text
}

impl Cell<'_> {
    fn accuracy(&self) -> String {
        self.over_seeds(|run| 100.0 * run.test_accuracy, 2)
    }

    fn test_loss(&self) -> String {
        self.over_seeds(|run| run.test_loss, 4)
    }

    fn train_less_test(&self) -> String {
        self.mean(|run| 100.0 * (run.train_accuracy - run.test_accuracy), 2)
    }

    fn over_seeds(&self, value: impl Fn(&Outcome) -> f64, decimals: usize) -> String {
        let values: Vec<f64> = self.lines.iter().map(|line| value(&line.outcome)).collect();
        mean_and_deviation(&values, decimals)
    }

    fn mean(&self, value: impl Fn(&Outcome) -> f64, decimals: usize) -> String {
        let sum: f64 = self.lines.iter().map(|line| value(&line.outcome)).sum();
        format!("{:.decimals$}", sum / self.lines.len() as f64)
    }
}

/// The cells in the order of the table's runs. A line counts if one of those runs made it, so that
/// lines of withdrawn configurations do not.
fn cells(table: Table, lines: &[Line]) -> Vec<Cell<'_>> {
    let runs = table.runs();
    let mut cells: Vec<Cell<'_>> = Vec::new();
    for run in &runs {
        let hash = run.hash();
        let Some(line) = lines.iter().find(|line| line.run.configuration == hash) else {
            continue;
        };
        match cells.iter_mut().find(|cell| cell.case == run.case) {
            Some(cell) => cell.lines.push(line),
            None => cells.push(Cell {
                case: run.case,
                lines: vec![line],
            }),
        }
    }
    cells
}

fn ratio(flops: u128, dense: u128) -> f64 {
    flops as f64 / dense as f64
}

/// The method as papers write it.
fn method_name(method: &str) -> &str {
    match method {
        "set" => "SET",
        "rigl" => "RigL",
        "dsr" => "DSR",
        _ => method,
    }
}

/// `98.41 ± 0.05` with the sample standard deviation (divisor n − 1); of one value only itself.
fn mean_and_deviation(values: &[f64], decimals: usize) -> String {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if values.len() < 2 {
        return format!("{mean:.decimals$}");
    }
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (squares / (n - 1.0)).sqrt();
    format!("{mean:.decimals$} ± {deviation:.decimals$}")
}

/// The page with what stands between `<!-- table:NAME -->` and the next `<!-- /table -->`
/// replaced; `None` if the page has no such pair.
pub(super) fn put_into(page: &str, name: &str, table: &str) -> Option<String> {
    let open = format!("<!-- table:{name} -->");
    let start = page.find(&open)? + open.len();
    let end = start + page[start..].find("<!-- /table -->")?;
    Some(format!("{}\n{table}{}", &page[..start], &page[end..]))
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::line;
    use super::*;

    #[test]
    fn mean_and_deviation_by_hand() {
        // Mean 2; squares 1 + 0 + 1 over n − 1 = 2.
        assert_eq!(mean_and_deviation(&[1.0, 2.0, 3.0], 2), "2.00 ± 1.00");
        assert_eq!(mean_and_deviation(&[98.444], 2), "98.44");
        assert_eq!(mean_and_deviation(&[0.1, 0.1], 1), "0.1 ± 0.0");
    }

    /// Lines of the record for the first `seeds` runs of one method at one sparsity.
    fn recorded(method: &str, sparsity: &str, accuracies: &[f64]) -> Vec<Line> {
        let runs = Table::Mnist.runs();
        accuracies
            .iter()
            .enumerate()
            .map(|(index, &accuracy)| {
                let seed = index as u64 + 1;
                let run = runs
                    .iter()
                    .find(|run| {
                        run.case.method == method
                            && run.case.sparsity.unwrap_or_default() == sparsity
                            && run.seed == seed
                    })
                    .expect("a run of the table");
                let mut line = line(method, sparsity, seed, accuracy);
                line.run.configuration = run.hash();
                line
            })
            .collect()
    }

    #[test]
    fn seeds_share_a_row_beside_the_published_value() {
        let mut lines = recorded("set", "0.90", &[0.98, 0.99]);
        lines.extend(recorded("dense", "", &[0.987]));
        for line in lines.iter_mut().filter(|line| line.run.method == "dense") {
            line.outcome.train_flops = line.outcome.train_flops_dense;
            // Dense training runs without the input gradient of its first layer.
            line.outcome.train_flops_executed = 6_400_000_000_000;
        }
        // A line that no run of the table makes: a withdrawn configuration.
        lines.push(line("set", "0.90", 9, 0.5));
        let table = markdown(Table::Mnist, &lines);
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| dense | – | 1 | 98.70 | 98.69 | 0.1000 | 1.30 | 1.000 | 1.000 |",
                "| SET | 0.90 | 2 | 98.50 ± 0.71 | 98.39 | 0.1000 ± 0.0000 | 1.50 | 0.125 | 0.625 |",
            ]
        );
        let columns = |row: &str| row.matches('|').count();
        assert!(table.lines().all(|row| columns(row) == columns(rows[0])));
    }

    #[test]
    fn what_ran_has_no_ratio_without_a_dense_run() {
        let table = markdown(Table::Mnist, &recorded("set", "0.90", &[0.98]));
        let row = table.lines().nth(2).expect("one row");
        assert!(row.ends_with("| 0.125 | – |"), "{row}");
    }

    #[test]
    fn a_table_goes_between_its_markers_and_nowhere_else() {
        let page =
            "a\n<!-- table:x -->\nold\n<!-- /table -->\nb\n<!-- table:y -->\n<!-- /table -->\n";
        let renewed = put_into(page, "x", "| new |\n").expect("marked");
        assert_eq!(
            renewed,
            "a\n<!-- table:x -->\n| new |\n<!-- /table -->\nb\n<!-- table:y -->\n<!-- /table -->\n"
        );
        assert_eq!(
            put_into(&renewed, "x", "| new |\n").as_deref(),
            Some(&*renewed)
        );
        assert_eq!(put_into(page, "z", "| new |\n"), None);
    }
}
