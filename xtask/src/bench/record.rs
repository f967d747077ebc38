//! What was measured on one machine, as CSV.
//!
//! `measurements.csv` has a row per case, product and candidate; `memory.csv` one per density. A row
//! that is measured again replaces the old one. docs/benchmarks.md describes the columns.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The file with a row per candidate.
const MEASUREMENTS: &str = "measurements.csv";

/// The file with a row per training process.
const MEMORY: &str = "memory.csv";

/// One candidate at one product of one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) part: String,
    pub(super) shape: String,
    pub(super) density: f64,
    pub(super) n_active: u64,
    pub(super) threads: usize,
    pub(super) product: String,
    pub(super) candidate: String,
    pub(super) rounds: usize,
    pub(super) seconds: f64,
    pub(super) seconds_low: f64,
    pub(super) seconds_high: f64,
    pub(super) ratio: f64,
    pub(super) ratio_low: f64,
    pub(super) ratio_high: f64,
    pub(super) waited: f64,
}

/// The largest size of one training process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct MemoryRow {
    pub(super) density: f64,
    pub(super) n_active: u64,
    pub(super) peak_bytes: u64,
    pub(super) activation_bytes: u64,
    pub(super) data_bytes: u64,
}

impl Row {
    fn is_of_same_thing(&self, other: &Self) -> bool {
        self.is_of_same_case(other)
            && self.product == other.product
            && self.candidate == other.candidate
    }

    fn is_of_same_case(&self, other: &Self) -> bool {
        self.part == other.part
            && self.shape == other.shape
            && self.density == other.density
            && self.threads == other.threads
    }
}

impl MemoryRow {
    /// 42 bytes per active weight, activations, data, and 50 MB for everything else.
    pub(super) fn bar(&self) -> u64 {
        42 * self.n_active + self.activation_bytes + self.data_bytes + 50_000_000
    }
}

/// All rows of one machine, in the order of the cases.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    pub(super) rows: Vec<Row>,
    pub(super) memory: Vec<MemoryRow>,
}

impl Record {
    /// Reads a record; one that is not there is empty.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        Ok(Self {
            rows: read(&folder.join(MEASUREMENTS))?,
            memory: read(&folder.join(MEMORY))?,
        })
    }

    /// Takes in what was measured, in place of older rows of the same thing.
    pub(super) fn merge(&mut self, rows: Vec<Row>, memory: Vec<MemoryRow>) {
        for row in rows {
            match self.rows.iter().position(|old| old.is_of_same_thing(&row)) {
                Some(at) => self.rows[at] = row,
                None => {
                    let last = self.rows.iter().rposition(|old| old.is_of_same_case(&row));
                    let at = last.map_or(self.rows.len(), |last| last + 1);
                    self.rows.insert(at, row);
                }
            }
        }
        for row in memory {
            match self
                .memory
                .iter()
                .position(|old| old.density == row.density)
            {
                Some(at) => self.memory[at] = row,
                None => self.memory.push(row),
            }
        }
    }

    /// The rows of one part.
    pub(super) fn part(&self, part: &str) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.part == part)
    }

    /// Writes both files, each in one go.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        write(&folder.join(MEASUREMENTS), &self.rows)?;
        write(&folder.join(MEMORY), &self.memory)
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let context = || format!("reading {}", path.display());
    let mut reader = csv::Reader::from_path(path).with_context(context)?;
    let rows: Result<Vec<T>, csv::Error> = reader.deserialize().collect();
    rows.with_context(context)
}

fn write<T: Serialize>(path: &Path, rows: &[T]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    let bytes = writer.into_inner()?;
    let draft = path.with_extension("csv.draft");
    fs::write(&draft, bytes)
        .and_then(|()| fs::rename(&draft, path))
        .with_context(|| format!("writing {}", path.display()))
}

/// A number with as many digits as were measured.
pub(super) fn rounded(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(density: f64, candidate: &str, seconds: f64) -> Row {
        Row {
            part: "step".into(),
            shape: "128x8-4".into(),
            density,
            n_active: 3,
            threads: 1,
            product: "step".into(),
            candidate: candidate.into(),
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
    fn a_row_replaces_the_one_of_the_same_thing_and_joins_its_case() {
        let mut record = Record::default();
        record.merge(vec![row(0.5, "a", 1.0), row(0.1, "a", 2.0)], Vec::new());
        record.merge(vec![row(0.5, "b", 3.0), row(0.1, "a", 4.0)], Vec::new());
        let expected = [row(0.5, "a", 1.0), row(0.5, "b", 3.0), row(0.1, "a", 4.0)];
        assert_eq!(record.rows, expected);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = std::env::temp_dir().join(format!("rewire-record-{}", std::process::id()));
        let mut record = Record::default();
        assert_eq!(Record::open(&folder).unwrap(), record);
        let memory = MemoryRow {
            density: 0.1,
            n_active: 10,
            peak_bytes: 5,
            activation_bytes: 6,
            data_bytes: 7,
        };
        assert_eq!(memory.bar(), 420 + 6 + 7 + 50_000_000);
        record.merge(vec![row(0.5, "a", 0.001_25)], vec![memory]);
        record.write(&folder).unwrap();
        assert_eq!(Record::open(&folder).unwrap(), record);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn numbers_keep_five_digits() {
        assert_eq!(rounded(0.001_234_567), 0.001_234_6);
        assert_eq!(rounded(0.0), 0.0);
    }
}
