//! The committed record: one line per finished run, as CSV.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// What a run ends with: the fields of its summary that the record keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// Of the last epoch, as a fraction.
    pub(super) test_accuracy: f64,
    /// Cross-entropy of the last epoch.
    pub(super) test_loss: f64,
    /// The best of all epochs, which no choice may be based on.
    pub(super) best_epoch_test_accuracy: f64,
    /// Of the last epoch, as a fraction.
    pub(super) train_accuracy: f64,
    /// Cross-entropy of the last epoch.
    pub(super) train_loss: f64,
    /// Active weights of the sparse tensors.
    pub(super) n_active: u64,
    /// Of the whole training, in the papers' convention.
    pub(super) train_flops: u128,
    /// Of the whole training, as it ran.
    pub(super) train_flops_executed: u128,
    /// Of a dense training of equal length, in the papers' convention.
    pub(super) train_flops_dense: u128,
    /// Wall time of the run.
    pub(super) seconds: f64,
    /// Of the trained parameters.
    pub(super) weights_sha256: String,
}

/// Which run a line of the record is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Origin {
    /// Key of the run.
    pub(super) configuration: String,
    /// The table it belongs to.
    pub(super) table: String,
    /// What became of the network; empty for the network as it is.
    pub(super) network: String,
    /// `dense`, `static`, `set`, `rigl` or `dsr`.
    pub(super) method: String,
    /// As the command line took it; empty for dense.
    pub(super) sparsity: String,
    /// The seed of everything random.
    pub(super) seed: u64,
}

/// One line of the record: the columns of the run, then those of its outcome.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) run: Origin,
    pub(super) outcome: Outcome,
}

/// The record and where it lies.
pub(super) struct Record {
    path: PathBuf,
    lines: Vec<Line>,
}

impl Record {
    /// Reads the record; a file that is not there is an empty record.
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let lines = if path.exists() {
            let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            parse(&text).with_context(|| format!("reading {}", path.display()))?
        } else {
            Vec::new()
        };
        Ok(Self { path, lines })
    }

    /// Whether a run with this key has ended before.
    pub(super) fn holds(&self, configuration: &str) -> bool {
        self.lines
            .iter()
            .any(|line| line.run.configuration == configuration)
    }

    /// All lines, oldest first.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Adds a line to the file and to the record. What was in the file stays as it is, so that
    /// an interrupted `repro` loses no finished run.
    pub(super) fn append(&mut self, line: Line) -> Result<()> {
        let fresh = !self.path.exists();
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .with_context(|| format!("opening {}", self.path.display()))?;
        file.write_all(&written(&line, fresh)?)
            .with_context(|| format!("writing {}", self.path.display()))?;
        self.lines.push(line);
        Ok(())
    }
}

/// Each half takes the columns it knows by name: the CSV reader fills no nested structures.
fn parse(text: &[u8]) -> Result<Vec<Line>> {
    let mut reader = csv::Reader::from_reader(text);
    let names = reader.headers()?.clone();
    reader
        .records()
        .map(|row| {
            let row = row?;
            Ok(Line {
                run: row.deserialize(Some(&names))?,
                outcome: row.deserialize(Some(&names))?,
            })
        })
        .collect()
}

/// One line as bytes, below the names of the columns if the file begins with it.
fn written(line: &Line, with_header: bool) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .has_headers(with_header)
        .from_writer(Vec::new());
    // A pair of structures is written as the columns of both, one after the other.
    writer.serialize((&line.run, &line.outcome))?;
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A line with the given result and otherwise the same values.
    pub(in crate::repro) fn line(
        method: &str,
        sparsity: &str,
        seed: u64,
        test_accuracy: f64,
    ) -> Line {
        Line {
            run: Origin {
                configuration: format!("{method}{sparsity}{seed}"),
                table: "mnist".into(),
                network: String::new(),
                method: method.into(),
                sparsity: sparsity.into(),
                seed,
            },
            outcome: Outcome {
                test_accuracy,
                test_loss: 0.1,
                best_epoch_test_accuracy: test_accuracy,
                train_accuracy: 1.0,
                train_loss: 0.0,
                n_active: 26_620,
                train_flops: 1_000_000_000_000,
                train_flops_executed: 4_000_000_000_000,
                train_flops_dense: 8_000_000_000_000,
                seconds: 61.5,
                weights_sha256: "ab".into(),
            },
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let lines = [
            line("rigl", "0.90", 1, 0.984_312_345_678_9),
            line("dense", "", 2, 0.987),
        ];
        let mut text = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            text.extend(written(line, index == 0).expect("serializable"));
        }
        assert_eq!(parse(&text).expect("as written"), lines);
        let header = String::from_utf8(text).expect("ASCII");
        assert!(header.starts_with(
            "configuration,table,network,method,sparsity,seed,test_accuracy,test_loss,\
             best_epoch_test_accuracy,train_accuracy,train_loss,n_active,train_flops,\
             train_flops_executed,train_flops_dense,seconds,weights_sha256\n"
        ));
    }

    #[test]
    fn a_recorded_run_is_found_by_its_key_after_reopening() {
        let path = std::env::temp_dir().join(format!("rewire-record-{}.csv", std::process::id()));
        let mut record = Record::open(path.clone()).expect("no file is an empty record");
        assert!(!record.holds("rigl0.901"));
        for seed in [1, 2] {
            record
                .append(line("rigl", "0.90", seed, 0.98))
                .expect("writable");
        }
        let again = Record::open(path.clone()).expect("as written");
        fs::remove_file(path).expect("there");
        assert!(again.holds("rigl0.901") && again.holds("rigl0.902"));
        assert!(!again.holds("rigl0.903"));
        assert_eq!(again.lines(), record.lines());
    }

    /// The record outlives its code, so each line is written as it was read.
    #[test]
    fn the_committed_record_is_written_as_it_is_read() {
        let text = include_bytes!("../../../bench/record/repro.csv");
        let mut again = Vec::new();
        for (index, line) in parse(text).expect("as written").iter().enumerate() {
            again.extend(written(line, index == 0).expect("serializable"));
        }
        assert_eq!(
            String::from_utf8_lossy(&again),
            String::from_utf8_lossy(text)
        );
    }

    #[test]
    fn a_damaged_record_is_an_error() {
        assert!(parse(b"configuration,table\nabc\n").is_err());
    }
}
