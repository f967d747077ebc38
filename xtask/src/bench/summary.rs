//! A record in tables: how often this project is faster, and what is asked of it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::cases::OWN;
use super::record::{Record, Row};

/// The file of a record that holds it.
const FILE: &str = "summary.md";

/// What is asked: where to look for a ratio, and how large it should be at least.
struct Bar {
    part: &'static str,
    shape: &'static str,
    density: f64,
    product: &'static str,
    candidate: &'static str,
    least: f64,
}

const fn bar(
    part: &'static str,
    shape: &'static str,
    density: f64,
    (product, candidate): (&'static str, &'static str),
    least: f64,
) -> Bar {
    Bar {
        part,
        shape,
        density,
        product,
        candidate,
        least,
    }
}

const PRODUCTS: (&str, &str) = ("all", "best-dense");
const MKL: (&str, &str) = ("forward_and_input_gradient", "mkl-sparse");
const SAMPLED: (&str, &str) = ("weight_gradient", "torch-csr");
const MASKED: (&str, &str) = ("step", "torch-masked");
const DENSE: (&str, &str) = ("step", "torch-dense");
const NETWORK: &str = "128x3072-4096-4096-10";

/// What is asked on the way to being worth using; a miss is shown, not hidden.
const BARS: [Bar; 26] = [
    bar("product", "128x1024x1024", 0.25, PRODUCTS, 2.7),
    bar("product", "128x1024x1024", 0.1, PRODUCTS, 6.5),
    bar("product", "128x1024x1024", 0.05, PRODUCTS, 11.5),
    bar("product", "128x1024x1024", 0.02, PRODUCTS, 22.0),
    bar("product", "128x3072x3072", 0.25, PRODUCTS, 2.7),
    bar("product", "128x3072x3072", 0.1, PRODUCTS, 6.5),
    bar("product", "128x3072x3072", 0.05, PRODUCTS, 11.5),
    bar("product", "128x3072x3072", 0.02, PRODUCTS, 22.0),
    bar("product", "128x1024x1024", 0.1, MKL, 1.3),
    bar("product", "128x3072x3072", 0.1, MKL, 1.5),
    bar("product", "256x768x3072", 0.1, MKL, 1.5),
    bar("product", "128x1024x1024", 0.02, MKL, 1.0),
    bar("product", "128x3072x3072", 0.02, MKL, 1.0),
    bar("product", "256x768x3072", 0.02, MKL, 1.0),
    bar("product", "128x1024x1024", 0.1, SAMPLED, 5.0),
    bar("product", "128x3072x3072", 0.1, SAMPLED, 5.0),
    bar("product", "256x768x3072", 0.1, SAMPLED, 5.0),
    bar("product", "64x4096x4096", 0.1, SAMPLED, 5.0),
    bar("step", NETWORK, 0.25, MASKED, 4.5),
    bar("step", NETWORK, 0.1, MASKED, 10.0),
    bar("step", NETWORK, 0.05, MASKED, 17.0),
    bar("step", NETWORK, 1.0, DENSE, 1.0),
    bar("step", NETWORK, 0.5, DENSE, 1.0),
    bar("step", NETWORK, 0.25, DENSE, 1.0),
    bar("step", NETWORK, 0.1, DENSE, 1.0),
    bar("step", NETWORK, 0.05, DENSE, 1.0),
];

/// Writes the summary beside the record.
pub(super) fn write(folder: &Path, record: &Record) -> Result<()> {
    let text = format!(
        "# Summary\n\nMade by `cargo xtask bench` from measurements.csv and memory.csv, which hold \
         more than is shown.\nRatios say how often {OWN} products are faster: median and quartiles \
         of the rounds.\n\n{}",
        markdown(record)
    );
    fs::write(folder.join(FILE), text).with_context(|| format!("writing {FILE}"))
}

/// The tables; a part that was not measured is left out.
pub(super) fn markdown(record: &Record) -> String {
    let mut text = String::new();
    for table in [
        asked(record),
        ratios(record, "product"),
        ratios(record, "step"),
        ratios(record, "inference"),
        sizes(record),
        memory(record),
    ] {
        if !table.is_empty() {
            text.push_str(&table);
            text.push('\n');
        }
    }
    text.trim_end().to_owned() + "\n"
}

fn asked(record: &Record) -> String {
    let mut lines = String::new();
    for bar in &BARS {
        let row = record.part(bar.part).find(|row| {
            row.shape == bar.shape
                && row.density == bar.density
                && row.threads == 1
                && row.product == bar.product
                && row.candidate == bar.candidate
        });
        let Some(row) = row else { continue };
        let met = if row.ratio >= bar.least { "yes" } else { "no" };
        line(
            &mut lines,
            &[
                &format!("{} {}", row.part, row.shape),
                &row.density.to_string(),
                &format!("{} by {}", row.product, row.candidate),
                &bar.least.to_string(),
                &spread(row),
                met,
            ],
        );
    }
    let titles = ["case", "density", "against", "asked", "measured", "met"];
    table("What is asked", &titles, &lines)
}

/// A line per case and product, a column per candidate of the part.
fn ratios(record: &Record, part: &str) -> String {
    let mut candidates: Vec<&str> = Vec::new();
    for row in record.part(part) {
        if row.candidate != OWN && !candidates.contains(&row.candidate.as_str()) {
            candidates.push(&row.candidate);
        }
    }
    let mut lines = String::new();
    let all: Vec<&Row> = record.part(part).collect();
    let mut seen: Vec<(&str, String, usize, &str)> = Vec::new();
    for row in &all {
        let key = (
            row.shape.as_str(),
            row.density.to_string(),
            row.threads,
            row.product.as_str(),
        );
        if seen.contains(&key) {
            continue;
        }
        let of_key = |candidate: &str| {
            all.iter().find(|other| {
                other.shape == row.shape
                    && other.density == row.density
                    && other.threads == row.threads
                    && other.product == row.product
                    && other.candidate == candidate
            })
        };
        let own = of_key(OWN).map_or_else(String::new, |own| format!("{:.3}", 1e3 * own.seconds));
        let mut cells = vec![
            row.shape.clone(),
            key.1.clone(),
            row.threads.to_string(),
            row.product.clone(),
            own,
        ];
        for candidate in &candidates {
            cells.push(of_key(candidate).map_or_else(String::new, |row| spread(row)));
        }
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        line(&mut lines, &cells);
        seen.push(key);
    }
    let mut titles = vec!["shape", "density", "threads", "product", "tiled, ms"];
    titles.extend(&candidates);
    table(&format!("Part `{part}`"), &titles, &lines)
}

fn sizes(record: &Record) -> String {
    let mut lines = String::new();
    for row in record.part("size") {
        let cells = [
            row.density.to_string(),
            row.n_active.to_string(),
            format!("{:.2}", 1e3 * row.seconds),
        ];
        line(&mut lines, &cells.each_ref().map(String::as_str));
    }
    let mut text = table(
        "Part `size`: one training step alone",
        &["density", "active weights", "ms"],
        &lines,
    );
    let upper = record.part("size").filter(|row| row.density >= 0.05);
    for (which, slope) in [
        ("densities from 0.05 on", slope(upper)),
        ("all densities", slope(record.part("size"))),
    ] {
        if let Some(slope) = slope {
            let _ = writeln!(
                text,
                "\nSlope of log time over log active weights, {which}: {slope:.2}."
            );
        }
    }
    text
}

/// Of the least-squares line through the logarithms; none of fewer than two sizes.
fn slope<'a>(rows: impl Iterator<Item = &'a Row>) -> Option<f64> {
    let points: Vec<(f64, f64)> = rows
        .map(|row| ((row.n_active as f64).ln(), row.seconds.ln()))
        .collect();
    let count = points.len() as f64;
    let mean_x = points.iter().map(|point| point.0).sum::<f64>() / count;
    let mean_y = points.iter().map(|point| point.1).sum::<f64>() / count;
    let covariance: f64 = points
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    (variance > 0.0).then(|| covariance / variance)
}

fn memory(record: &Record) -> String {
    let mut lines = String::new();
    for row in &record.memory {
        let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 * 1e-6);
        let bar = row.bar();
        let cells = [
            row.density.to_string(),
            row.n_active.to_string(),
            megabytes(row.peak_bytes),
            megabytes(bar),
            if row.peak_bytes <= bar { "yes" } else { "no" }.to_owned(),
        ];
        line(&mut lines, &cells.each_ref().map(String::as_str));
    }
    table(
        "Memory of a training process",
        &["density", "active weights", "peak, MB", "asked, MB", "met"],
        &lines,
    )
}

fn spread(row: &Row) -> String {
    let digits = |value: f64| {
        if value < 10.0 {
            format!("{value:.2}")
        } else {
            format!("{value:.1}")
        }
    };
    format!(
        "{} ({}–{})",
        digits(row.ratio),
        digits(row.ratio_low),
        digits(row.ratio_high)
    )
}

fn line(lines: &mut String, cells: &[&str]) {
    let _ = writeln!(lines, "| {} |", cells.join(" | "));
}

/// A table under a heading; nothing without lines.
fn table(heading: &str, titles: &[&str], lines: &str) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let rule = "---|".repeat(titles.len());
    format!(
        "## {heading}\n\n| {} |\n|{rule}\n{lines}",
        titles.join(" | ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::record::MemoryRow;

    fn row(part: &str, density: f64, n_active: u64, seconds: f64) -> Row {
        Row {
            part: part.into(),
            shape: NETWORK.into(),
            density,
            n_active,
            threads: 1,
            product: "step".into(),
            candidate: OWN.into(),
            rounds: 3,
            seconds,
            seconds_low: seconds,
            seconds_high: seconds,
            ratio: 1.0,
            ratio_low: 1.0,
            ratio_high: 1.0,
            waited: 0.0,
        }
    }

    #[test]
    fn the_slope_is_the_exponent() {
        let rows: Vec<Row> = [10u64, 100, 1000]
            .into_iter()
            .map(|n| row("size", 0.1, n, 3.0 * (n as f64).powf(0.9)))
            .collect();
        let found = slope(rows.iter()).unwrap();
        assert!((found - 0.9).abs() < 1e-12, "{found}");
        assert_eq!(slope(rows[..1].iter()), None);
    }

    #[test]
    fn tables_hold_what_was_measured_and_nothing_else() {
        assert_eq!(markdown(&Record::default()), "\n");
        let masked = Row {
            candidate: "torch-masked".into(),
            ratio: 9.0,
            ratio_low: 8.0,
            ratio_high: 11.0,
            ..row("step", 0.1, 5, 0.9)
        };
        let record = Record {
            rows: vec![row("step", 0.1, 5, 0.1), masked],
            memory: vec![MemoryRow {
                density: 0.1,
                n_active: 1_000_000,
                peak_bytes: 95_000_000,
                activation_bytes: 1,
                data_bytes: 1,
            }],
        };
        let text = markdown(&record);
        let asked = "| step 128x3072-4096-4096-10 | 0.1 | step by torch-masked | 10 | \
                     9.00 (8.00–11.0) | no |";
        assert!(text.contains(asked), "{text}");
        assert!(text.contains("| 100.000 | 9.00 (8.00–11.0) |"), "{text}");
        assert!(text.contains("| 95.0 | 92.0 | no |"), "{text}");
        assert!(!text.contains("inference"));
    }
}
