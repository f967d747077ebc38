//! What a run writes down: `metrics.csv` after every epoch, `timing.csv` after every part of one.
//!
//! Everything in `metrics.csv` follows from configuration and data, so that a resumed run writes
//! the same bytes as an uninterrupted one; wall-clock values live in `timing.csv`. An epoch that is
//! interrupted has a part before and one after, each with its row there:
//!
//! ```text
//! step     0 ─────────── 45 ──── 61 ──────── 90      45 steps an epoch, stopped after 61
//! metrics           epoch 1              epoch 2
//! timing            epoch 1  epoch 2     epoch 2
//! ```
//!
//! A row is forced to the medium before the checkpoint that counts it is saved. A run that
//! continues from a checkpoint keeps exactly the rows up to its epoch and step: whatever follows,
//! whole or torn, belongs to a future that did not happen.
//!
//! Floats are written with the fewest digits that read back as the same bits.

use std::path::PathBuf;

mod row;
mod table;

use row::Row;
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

/// The row of one part of an epoch in `timing.csv`: from the row before it to `step`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// The epoch, from 1.
    pub epoch: u64,
    /// Optimizer steps taken by the end of the part.
    pub step: u64,
    /// Wall-clock time of the part.
    pub seconds: f64,
    /// Training samples per second of it.
    pub samples_per_second: f64,
}

/// What a checkpoint counts, and the records must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Epochs finished.
    pub epochs: u64,
    /// Optimizer steps taken.
    pub step: u64,
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
    /// Opens the records of a run with these weight tensors and keeps what a checkpoint counts.
    ///
    /// A file of which nothing is counted is started afresh. Otherwise what follows the kept rows
    /// is cut off, by replacing the file, so that a kill in between loses nothing.
    ///
    /// # Cost
    /// Reads both files into memory.
    ///
    /// # Errors
    /// [`TrainError::Records`] with what is expected if a kept row is missing, with row and column
    /// if it is not what a run has written; [`TrainError::Io`] if the system refuses an operation.
    pub fn open(
        folder: &RunFolder,
        counted: Counted,
        layers: &[String],
    ) -> Result<Self, TrainError> {
        Self::open_on(&HostDisk, folder, counted, layers)
    }

    /// As [`Records::open`], changing files through `disk`.
    ///
    /// # Errors
    /// As [`Records::open`].
    pub fn open_on(
        disk: &dyn Disk,
        folder: &RunFolder,
        counted: Counted,
        layers: &[String],
    ) -> Result<Self, TrainError> {
        let metrics = Table::new(folder.metrics(), row::metrics_columns(layers));
        let timing = Table::new(folder.timing(), row::timing_columns());
        let Counted { epochs, step } = counted;
        let rows = match epochs {
            0 => metrics.none(),
            _ => metrics.read(
                &format!("the rows of epochs 1 to {epochs}"),
                |row, _| row::read_metrics(row, layers),
                |rows| rows.len() as u64 == epochs,
            )?,
        };
        let timings = match step {
            0 => timing.none(),
            _ => timing.read(
                &format!("rows up to step {step}"),
                |row, before| read_part(row, before, rows.rows(), step),
                |parts| last_step(parts) == step,
            )?,
        };
        // Neither file is changed before both are found to be sound.
        Ok(Self {
            layers: layers.to_vec(),
            rows: metrics.keep(disk, rows)?,
            timings: timing.keep(disk, timings)?,
            metrics,
            timing,
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
        let is_part = timing.step == record.step && self.continues(timing);
        if record.epoch != next || !is_part || !names.eq(&self.layers) {
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

    /// Writes down the part of an epoch before an interruption; when this returns, the row survives
    /// a power cut.
    ///
    /// # Errors
    /// [`TrainError::Io`] if the system refuses an operation, [`TrainError::Bug`] if the part is not
    /// one of the next epoch or takes no step. Nothing is kept in memory then.
    pub fn append_part(&mut self, timing: &Timing) -> Result<(), TrainError> {
        self.append_part_on(&HostDisk, timing)
    }

    /// As [`Records::append_part`], writing through `disk`.
    ///
    /// # Errors
    /// As [`Records::append_part`].
    pub fn append_part_on(&mut self, disk: &dyn Disk, timing: &Timing) -> Result<(), TrainError> {
        if !self.continues(timing) {
            return Err(TrainError::Bug {
                what: format!(
                    "a part of epoch {} up to step {} cannot follow {} epochs and step {}",
                    timing.epoch,
                    timing.step,
                    self.rows.len(),
                    last_step(&self.timings)
                ),
            });
        }
        self.timing.append(disk, &row::timing_fields(timing))?;
        self.timings.push(*timing);
        Ok(())
    }

    /// Whether this is the next part of the epoch that is not finished.
    fn continues(&self, timing: &Timing) -> bool {
        timing.epoch == self.rows.len() as u64 + 1 && timing.step > last_step(&self.timings)
    }

    /// The recorded epochs, from the first.
    pub fn rows(&self) -> &[EpochRecord] {
        &self.rows
    }

    /// Wall-clock time of all recorded parts.
    pub fn seconds(&self) -> f64 {
        self.timings.iter().map(|timing| timing.seconds).sum()
    }
}

fn last_step(parts: &[Timing]) -> u64 {
    parts.last().map_or(0, |part| part.step)
}

/// Reads the part that follows those `before` it: within one epoch, and not beyond `step`.
fn read_part(
    row: Row<'_>,
    before: &[Timing],
    epochs: &[EpochRecord],
    step: u64,
) -> Result<Timing, TrainError> {
    let first = last_step(before) + 1;
    let finished = epochs.iter().take_while(|epoch| epoch.step < first).count();
    let last = epochs.get(finished).map_or(step, |epoch| epoch.step);
    row::read_timing(row, finished as u64 + 1, first..=last)
}

/// A field that is not what a run has written.
fn refuse(path: &std::path::Path, what: String) -> TrainError {
    TrainError::Records {
        path: PathBuf::from(path),
        what,
    }
}
