//! A run in its folder: epochs, records, checkpoints, resume.
//!
//! After every epoch, in this order: evaluate, append the row of `metrics.csv` and flush it, save
//! `best.safetensors` where held-out data judged it the best so far, save `last.safetensors`. When
//! asked to stop within an epoch: append to `timing.csv` what the epoch has taken so far, save
//! `last.safetensors`. What the last checkpoint counts is therefore on disk before it; what it does
//! not count is cut off or written again on resume.

use std::sync::Arc;
use std::time::Instant;

use crate::checkpoint::{self, Snapshot};
use crate::config::Config;
use crate::disk::{Disk, HostDisk};
use crate::error::TrainError;
use crate::plots;
use crate::records::{Counted, EpochRecord, Records, Timing};
use crate::run_folder::RunFolder;
use crate::stop::Stop;
use crate::summary::{Summary, weights_sha256};
use crate::trainer::{StepReport, Trainer};

/// What happens in a run, for whoever watches it.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The run starts or continues.
    Start {
        /// The last step taken before.
        step: u64,
        /// Steps of the whole run.
        total_steps: u64,
        /// Epochs of the whole run.
        epochs: u64,
        /// Steps of one epoch.
        steps_per_epoch: u64,
    },
    /// A step was taken.
    Step(StepReport),
    /// An epoch ended and is saved.
    Epoch(&'a EpochRecord),
}

/// How [`Run::drive`] ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// All epochs are done.
    Finished(Box<Summary>),
    /// It was asked to stop; everything up to this step is saved.
    Stopped {
        /// The last step taken.
        step: u64,
    },
}

/// A run and its folder.
pub struct Run {
    trainer: Trainer,
    folder: RunFolder,
    records: Records,
}

impl Run {
    /// Starts a run in a fresh folder: writes configuration, environment and the checkpoint of
    /// step 0.
    ///
    /// The trainer comes first, so that a run that cannot be built costs no folder.
    ///
    /// # Errors
    /// [`TrainError`] if the folder cannot be written.
    pub fn start(trainer: Trainer, folder: RunFolder) -> Result<Self, TrainError> {
        folder.write_config(&trainer.config)?;
        folder.write_environment(&trainer.config, &trainer.data_sha256())?;
        let records = Records::open(&folder, Counted::default(), &trainer.layer_names())?;
        let run = Self {
            trainer,
            folder,
            records,
        };
        run.save_last(&run.trainer.snapshot()?)?;
        run.folder.log("started")?;
        Ok(run)
    }

    /// Continues the run in `folder` from its last checkpoint.
    ///
    /// # Errors
    /// [`TrainError::ConfigChanged`] if `config` is not that of the run; [`TrainError`] if the
    /// folder holds no whole checkpoint or other records than it counts.
    pub fn resume(config: &Config, folder: RunFolder) -> Result<Self, TrainError> {
        let path = folder.last_checkpoint();
        let snapshot = checkpoint::load(&path)?;
        let mut trainer = Trainer::new(config)?;
        trainer.restore(&snapshot, &path)?;
        let counted = Counted {
            epochs: trainer.epochs_done(),
            step: trainer.steps_done(),
        };
        let records = Records::open(&folder, counted, &trainer.layer_names())?;
        folder.log(&format!("resumed after step {}", trainer.steps_done()))?;
        Ok(Self {
            trainer,
            folder,
            records,
        })
    }

    /// The folder of the run.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// Trains until the end or until `stop` is requested, which is looked at before every step.
    ///
    /// # Errors
    /// [`TrainError`]; after [`TrainError::Diverged`] the last good checkpoint is still there.
    pub fn drive(
        &mut self,
        stop: &Stop,
        watch: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Result<Ending, TrainError> {
        let pool = Arc::clone(&self.trainer.pool);
        let ended = pool.install(|| self.drive_here(stop, watch));
        let logged = self.folder.log(&match &ended {
            Ok(Ending::Finished(_)) => "finished".to_owned(),
            Ok(Ending::Stopped { step }) => format!("stopped after step {step}"),
            Err(error) => format!("failed: {error}"),
        });
        // The failure of the run is the one to report; a full disk refuses the log as well.
        let ending = ended?;
        logged?;
        Ok(ending)
    }

    fn drive_here(
        &mut self,
        stop: &Stop,
        watch: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Result<Ending, TrainError> {
        watch(Event::Start {
            step: self.trainer.steps_done(),
            total_steps: self.trainer.total_steps(),
            epochs: (self.trainer.total_steps()).div_ceil(self.trainer.batches.batches_per_epoch()),
            steps_per_epoch: self.trainer.batches.batches_per_epoch(),
        });
        let mut part = Part::begin(&self.trainer);
        while self.trainer.steps_done() < self.trainer.total_steps() {
            if stop.requested() {
                self.stop(&part)?;
                let step = self.trainer.steps_done();
                return Ok(Ending::Stopped { step });
            }
            let report = self.trainer.step()?;
            watch(Event::Step(report));
            if report.epoch_ended {
                let record = self.end_epoch(&part)?;
                watch(Event::Epoch(&record));
                part = Part::begin(&self.trainer);
            }
        }
        let summary = self.summary()?;
        self.folder.write_summary(&summary)?;
        plots::draw(&self.folder, self.records.rows())?;
        Ok(Ending::Finished(Box::new(summary)))
    }

    /// Evaluates, records and saves.
    fn end_epoch(&mut self, part: &Part) -> Result<EpochRecord, TrainError> {
        let samples = self.trainer.progress.open.samples;
        let (record, is_best) = self.trainer.end_epoch();
        let timing = part.timing(record.epoch, record.step, samples);
        self.records.append(&record, &timing)?;
        // A checkpoint is made in memory, and so has the room of the activations.
        self.trainer.tape.release();
        let snapshot = self.trainer.snapshot()?;
        if is_best {
            checkpoint::save(&HostDisk, &self.folder.best_checkpoint(), &snapshot)?;
        }
        self.save_last(&snapshot)?;
        Ok(record)
    }

    /// Records what the open epoch has taken so far and saves.
    fn stop(&mut self, part: &Part) -> Result<(), TrainError> {
        self.trainer.tape.release();
        let trainer = &self.trainer;
        let step = trainer.steps_done();
        if step > part.step {
            let samples = trainer.progress.open.samples;
            let timing = part.timing(trainer.epochs_done() + 1, step, samples);
            self.records.append_part(&timing)?;
        }
        self.save_last(&self.trainer.snapshot()?)
    }

    fn save_last(&self, snapshot: &Snapshot) -> Result<(), TrainError> {
        let disk: &dyn Disk = &HostDisk;
        Ok(checkpoint::save(
            disk,
            &self.folder.last_checkpoint(),
            snapshot,
        )?)
    }

    fn summary(&self) -> Result<Summary, TrainError> {
        let last = self.records.rows().last().ok_or_else(|| TrainError::Bug {
            what: "a finished run has no recorded epoch".to_owned(),
        })?;
        let trainer = &self.trainer;
        let flops = trainer.progress.flops;
        let totals = trainer.totals();
        Ok(Summary {
            method: trainer.config.sparsity.method.to_string(),
            seed: trainer.config.seed,
            epochs: trainer.epochs_done(),
            steps: trainer.steps_done(),
            test_accuracy: last.test_accuracy,
            test_loss: last.test_loss,
            best_epoch_test_accuracy: trainer.progress.best.test_accuracy,
            train_accuracy: last.train_accuracy,
            train_loss: last.train_loss,
            valid_accuracy: last.valid.map(|valid| valid.accuracy),
            valid_loss: last.valid.map(|valid| valid.loss),
            n_active: totals.n_active,
            n_total: totals.n_total,
            n_params: totals.n_params,
            sparsity: 1.0 - totals.n_active as f64 / totals.n_total as f64,
            coverage: last.coverage,
            survivor_coverage: last.survivor_coverage,
            train_flops: flops.algorithmic,
            train_flops_executed: flops.executed,
            train_flops_dense: flops.dense,
            train_flops_dense_executed: flops.dense_executed,
            seconds: self.records.seconds(),
            weights_sha256: weights_sha256(&trainer.parameters),
        })
    }
}

/// The part of an epoch that is going on.
struct Part {
    start: Instant,
    /// Steps taken before it.
    step: u64,
    /// Samples of its epoch that were seen before it.
    samples: u64,
}

impl Part {
    fn begin(trainer: &Trainer) -> Self {
        Self {
            start: Instant::now(),
            step: trainer.steps_done(),
            samples: trainer.progress.open.samples,
        }
    }

    /// The part as it ends, with `samples` of its epoch seen.
    fn timing(&self, epoch: u64, step: u64, samples: u64) -> Timing {
        let seconds = self.start.elapsed().as_secs_f64();
        Timing {
            epoch,
            step,
            seconds,
            samples_per_second: (samples - self.samples) as f64 / seconds,
        }
    }
}
