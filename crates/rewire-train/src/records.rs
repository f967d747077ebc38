//! What a run writes down after every epoch: `metrics.csv` and `timing.csv`.
//!
//! Everything in `metrics.csv` follows from configuration and data, so that a resumed run writes
//! the same bytes as an uninterrupted one; wall-clock values live in `timing.csv`. A row is forced
//! to the medium before the checkpoint that counts it is saved. A run that continues from a
//! checkpoint after k epochs keeps exactly the first k rows: whatever follows, whole or torn,
//! belongs to a future that did not happen.
//!
//! Floats are written with the fewest digits that read back as the same bits.

use std::path::PathBuf;

mod row;
mod table;

use table::Table;

use crate::disk::{Disk, HostDisk};
use crate::error::TrainError;
use crate::run_folder::RunFolder;

/// Mean loss and accuracy over a part of the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean softmax cross-entropy in nats.
    pub loss: f64,
    /// Share of samples whose largest logit is their label's, in [0, 1].
    pub accuracy: f64,
}

/// The row of one epoch in `metrics.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochRecord {
    /// Epochs finished, from 1; row i is epoch i.
    pub epoch: u64,
    /// Optimizer steps taken.
    pub step: u64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Mean cross-entropy over the epoch's batches, in nats, each before its step.
    pub train_loss: f64,
    /// Share of the epoch's samples classified correctly, each before its step.
    pub train_accuracy: f64,
    /// The held-out training samples, if there are any.
    pub valid: Option<Evaluation>,
    /// Mean cross-entropy over the test part, in nats.
    pub test_loss: f64,
    /// Share of the test part classified correctly.
    pub test_accuracy: f64,
    /// Active weights of the sparse layers; of all layers for a dense run.
    pub n_active: u64,
    /// Weights dropped in this epoch.
    pub dropped: u64,
    /// Weights grown in this epoch.
    pub grown: u64,
    /// R_s: the share of positions that have ever been active.
    pub coverage: f64,
    /// The share of positions that have been active and survived a rewiring.
    pub survivor_coverage: f64,
    /// FLOPs of training so far by the papers' convention.
    pub train_flops: u128,
    /// FLOPs of training so far that were executed.
    pub train_flops_executed: u128,
    /// FLOPs a dense network would have taken so far, by the papers' convention.
    pub train_flops_dense: u128,
    /// FLOPs that the same steps of dense training would have executed.
    pub train_flops_dense_executed: u128,
    /// The weight tensors, in the order of the model.
    pub layers: Vec<LayerRecord>,
}

impl EpochRecord {
    /// FLOPs of training so far as a multiple of the dense network's, both by the papers'
    /// convention; 0 before the first step.
    pub fn flops_ratio(&self) -> f64 {
        ratio(self.train_flops, self.train_flops_dense)
    }

    /// FLOPs executed so far as a multiple of what dense training would have executed; 0 before
    /// the first step.
    pub fn executed_ratio(&self) -> f64 {
        ratio(self.train_flops_executed, self.train_flops_dense_executed)
    }
}

fn ratio(flops: u128, dense: u128) -> f64 {
    match dense {
        0 => 0.0,
        dense => flops as f64 / dense as f64,
    }
}

/// One weight tensor at the end of an epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerRecord {
    /// The name of the tensor.
    pub name: String,
    /// Active weights.
    pub n_active: u64,
    /// Weights it would have if it were dense.
    pub n_total: u64,
    /// Weights dropped in this epoch.
    pub dropped: u64,
    /// Weights grown in this epoch.
    pub grown: u64,
    /// The share of positions that have ever been active.
    pub coverage: f64,
}

impl LayerRecord {
    /// The share of active weights; 0 for a tensor without weights.
    pub fn density(&self) -> f64 {
        match self.n_total {
            0 => 0.0,
            n_total => self.n_active as f64 / n_total as f64,
        }
    }
}

/// The row of one epoch in `timing.csv`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Epochs finished, from 1.
    pub epoch: u64,
    /// Wall-clock time of the epoch.
    pub seconds: f64,
    /// Training samples per second of it.
    pub samples_per_second: f64,
}

/// The records of a run, in memory and in its folder.
#[derive(Debug)]
pub struct Records {
    layers: Vec<String>,
    metrics: Table,
    timing: Table,
    rows: Vec<EpochRecord>,
    timings: Vec<Timing>,
}

impl Records {
    /// Opens the records of a run with these weight tensors and keeps the first `keep` epochs.
    ///
    /// With `keep` 0 both files are started afresh. Otherwise what follows the kept rows is cut
    /// off, by replacing the file, so that a kill in between loses nothing.
    ///
    /// # Cost
    /// Reads both files into memory.
    ///
    /// # Errors
    /// [`TrainError::Records`] with row and column if a kept row is missing or is not what a run
    /// has written, [`TrainError::Io`] if the system refuses an operation.
    pub fn open(folder: &RunFolder, keep: u64, layers: &[String]) -> Result<Self, TrainError> {
        Self::open_on(&HostDisk, folder, keep, layers)
    }

    /// As [`Records::open`], changing files through `disk`.
    ///
    /// # Errors
    /// As [`Records::open`].
    pub fn open_on(
        disk: &dyn Disk,
        folder: &RunFolder,
        keep: u64,
        layers: &[String],
    ) -> Result<Self, TrainError> {
        let metrics = Table::new(folder.metrics(), row::metrics_columns(layers));
        let rows = metrics.open(disk, keep, |row| row::read_metrics(row, layers))?;
        let timing = Table::new(folder.timing(), row::timing_columns());
        let timings = timing.open(disk, keep, row::read_timing)?;
        Ok(Self {
            layers: layers.to_vec(),
            metrics,
            timing,
            rows,
            timings,
        })
    }

    /// Writes down an epoch; when this returns, both rows survive a power cut.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] if a value is NaN or ±∞, [`TrainError::Io`] if the system refuses
    /// an operation, [`TrainError::Bug`] if the epoch is not the next one or the layers are others.
    /// Nothing is kept in memory then.
    pub fn append(&mut self, record: &EpochRecord, timing: &Timing) -> Result<(), TrainError> {
        self.append_on(&HostDisk, record, timing)
    }

    /// As [`Records::append`], writing through `disk`.
    ///
    /// # Errors
    /// As [`Records::append`].
    pub fn append_on(
        &mut self,
        disk: &dyn Disk,
        record: &EpochRecord,
        timing: &Timing,
    ) -> Result<(), TrainError> {
        let next = self.rows.len() as u64 + 1;
        let names = record.layers.iter().map(|layer| &layer.name);
        if record.epoch != next || timing.epoch != next || !names.eq(&self.layers) {
            return Err(TrainError::Bug {
                what: format!(
                    "the record of epoch {} cannot follow {} rows of the layers {}",
                    record.epoch,
                    self.rows.len(),
                    self.layers.join(", ")
                ),
            });
        }
        row::check_finite(record)?;
        self.metrics.append(disk, &row::metrics_fields(record))?;
        self.timing.append(disk, &row::timing_fields(timing))?;
        self.rows.push(record.clone());
        self.timings.push(*timing);
        Ok(())
    }

    /// The recorded epochs, from the first.
    pub fn rows(&self) -> &[EpochRecord] {
        &self.rows
    }

    /// Wall-clock time of the recorded epochs, over all parts of a resumed run.
    pub fn seconds(&self) -> f64 {
        self.timings.iter().map(|timing| timing.seconds).sum()
    }
}

/// A field that is not what a run has written.
fn refuse(path: &std::path::Path, what: String) -> TrainError {
    TrainError::Records {
        path: PathBuf::from(path),
        what,
    }
}
