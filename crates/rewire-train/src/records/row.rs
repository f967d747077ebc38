//! The columns, and how a record becomes a row and a row a record again.
//!
//! A row is accepted only if the record it stands for would be written as the same text. That
//! covers what no single field shows: a density that does not follow from its counts, a float with
//! digits no run writes.

use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;

use super::{EpochRecord, Evaluation, LayerRecord, Timing, refuse};
use crate::error::TrainError;

const METRICS: [&str; 20] = [
    "epoch",
    "step",
    "learning_rate",
    "train_loss",
    "train_accuracy",
    "valid_loss",
    "valid_accuracy",
    "test_loss",
    "test_accuracy",
    "n_active",
    "dropped",
    "grown",
    "coverage",
    "survivor_coverage",
    "train_flops",
    "train_flops_executed",
    "train_flops_dense",
    "train_flops_dense_executed",
    "train_flops_x_dense",
    "train_flops_executed_x_dense",
];

const LAYER: [&str; 6] = [
    "n_active", "n_total", "density", "dropped", "grown", "coverage",
];

const TIMING: [&str; 4] = ["epoch", "step", "seconds", "samples_per_second"];

pub(super) fn metrics_columns(layers: &[String]) -> Vec<String> {
    let of_layer = |layer| LAYER.iter().map(move |column| format!("{layer}.{column}"));
    let shared = METRICS.iter().map(|&column| column.to_owned());
    shared.chain(layers.iter().flat_map(of_layer)).collect()
}

pub(super) fn timing_columns() -> Vec<String> {
    TIMING.map(str::to_owned).to_vec()
}

pub(super) fn metrics_fields(record: &EpochRecord) -> Vec<String> {
    let valid = |value: fn(&Evaluation) -> f64| {
        let value = record.valid.as_ref().map(value);
        value.map_or(String::new(), number)
    };
    let mut fields = vec![
        record.epoch.to_string(),
        record.step.to_string(),
        number(record.learning_rate),
        number(record.train_loss),
        number(record.train_accuracy),
        valid(|valid| valid.loss),
        valid(|valid| valid.accuracy),
        number(record.test_loss),
        number(record.test_accuracy),
        record.n_active.to_string(),
        record.dropped.to_string(),
        record.grown.to_string(),
        number(record.coverage),
        number(record.survivor_coverage),
        record.train_flops.to_string(),
        record.train_flops_executed.to_string(),
        record.train_flops_dense.to_string(),
        record.train_flops_dense_executed.to_string(),
        number(record.flops_ratio()),
        number(record.executed_ratio()),
    ];
    for layer in &record.layers {
        fields.extend([
            layer.n_active.to_string(),
            layer.n_total.to_string(),
            number(layer.density()),
            layer.dropped.to_string(),
            layer.grown.to_string(),
            number(layer.coverage),
        ]);
    }
    fields
}

pub(super) fn timing_fields(timing: &Timing) -> Vec<String> {
    vec![
        timing.epoch.to_string(),
        timing.step.to_string(),
        number(timing.seconds),
        number(timing.samples_per_second),
    ]
}

/// The fewest digits that read back as the same bits; very small and large ones with an exponent.
fn number(value: f64) -> String {
    format!("{value:?}")
}

/// A record holds numbers; what is none means that the training has left them.
pub(super) fn check_finite(record: &EpochRecord) -> Result<(), TrainError> {
    let valid = record.valid.map(|valid| [valid.loss, valid.accuracy]);
    let [valid_loss, valid_accuracy] = valid.unwrap_or_default();
    let shared = [
        ("the learning rate", record.learning_rate),
        ("the training loss", record.train_loss),
        ("the training accuracy", record.train_accuracy),
        ("the validation loss", valid_loss),
        ("the validation accuracy", valid_accuracy),
        ("the test loss", record.test_loss),
        ("the test accuracy", record.test_accuracy),
        ("the coverage", record.coverage),
        ("the survivors' coverage", record.survivor_coverage),
    ]
    .map(|(what, value)| ("the network", what, value));
    let layers = record.layers.iter();
    let layers = layers.map(|layer| (layer.name.as_str(), "the coverage", layer.coverage));
    for (place, what, value) in shared.into_iter().chain(layers) {
        if !value.is_finite() {
            return Err(TrainError::Diverged {
                step: record.step,
                place: place.to_owned(),
                what: what.to_owned(),
                value,
            });
        }
    }
    Ok(())
}

pub(super) fn read_metrics(row: Row<'_>, layers: &[String]) -> Result<EpochRecord, TrainError> {
    let mut fields = row.fields();
    let record = EpochRecord {
        epoch: fields.whole()?,
        step: fields.whole()?,
        learning_rate: fields.float()?,
        train_loss: fields.float()?,
        train_accuracy: fields.float()?,
        valid: match (fields.optional()?, fields.optional()?) {
            (Some(loss), Some(accuracy)) => Some(Evaluation { loss, accuracy }),
            _ => None,
        },
        test_loss: fields.float()?,
        test_accuracy: fields.float()?,
        n_active: fields.whole()?,
        dropped: fields.whole()?,
        grown: fields.whole()?,
        coverage: fields.float()?,
        survivor_coverage: fields.float()?,
        train_flops: fields.whole()?,
        train_flops_executed: fields.whole()?,
        train_flops_dense: fields.whole()?,
        train_flops_dense_executed: fields.whole()?,
        layers: {
            // Both ratios follow from the numbers before them.
            fields.skip();
            fields.skip();
            let mut records = Vec::with_capacity(layers.len());
            for name in layers {
                records.push(read_layer(&mut fields, name)?);
            }
            records
        },
    };
    row.check_text(&metrics_fields(&record))?;
    row.check_epoch(record.epoch, row.number)?;
    Ok(record)
}

fn read_layer(fields: &mut Fields<'_>, name: &str) -> Result<LayerRecord, TrainError> {
    let n_active = fields.whole()?;
    let n_total = fields.whole()?;
    fields.skip();
    Ok(LayerRecord {
        name: name.to_owned(),
        n_active,
        n_total,
        dropped: fields.whole()?,
        grown: fields.whole()?,
        coverage: fields.float()?,
    })
}

/// Reads the row of a part of `epoch` that ends with one of these steps.
pub(super) fn read_timing(
    row: Row<'_>,
    epoch: u64,
    steps: RangeInclusive<u64>,
) -> Result<Timing, TrainError> {
    let mut fields = row.fields();
    let timing = Timing {
        epoch: fields.whole()?,
        step: fields.whole()?,
        seconds: fields.float()?,
        samples_per_second: fields.float()?,
    };
    row.check_text(&timing_fields(&timing))?;
    row.check_epoch(timing.epoch, epoch)?;
    if !steps.contains(&timing.step) {
        let (first, last) = steps.into_inner();
        let what = format!("step {} is not one of {first} to {last}", timing.step);
        return Err(row.refuse(1, what));
    }
    Ok(timing)
}

/// The texts of one row under their columns.
pub(super) struct Row<'a> {
    path: &'a Path,
    number: u64,
    columns: &'a [String],
    texts: Vec<&'a str>,
}

impl<'a> Row<'a> {
    pub(super) fn new(
        path: &'a Path,
        number: u64,
        columns: &'a [String],
        texts: Vec<&'a str>,
    ) -> Self {
        Self {
            path,
            number,
            columns,
            texts,
        }
    }

    fn fields(&self) -> Fields<'_> {
        Fields { row: self, next: 0 }
    }

    fn refuse(&self, column: usize, what: String) -> TrainError {
        let (number, column) = (self.number, &self.columns[column]);
        refuse(
            self.path,
            format!("row {number}, column `{column}`: {what}"),
        )
    }

    /// Checks that the texts are those that a run writes.
    fn check_text(&self, written: &[String]) -> Result<(), TrainError> {
        for (column, (found, written)) in self.texts.iter().zip(written).enumerate() {
            if found != written {
                return Err(self.refuse(column, format!("`{found}` should be `{written}`")));
            }
        }
        Ok(())
    }

    fn check_epoch(&self, found: u64, expected: u64) -> Result<(), TrainError> {
        if found != expected {
            return Err(self.refuse(0, format!("epoch {found} is not {expected}")));
        }
        Ok(())
    }
}

/// Walks over the fields of a row in the order of its columns.
struct Fields<'a> {
    row: &'a Row<'a>,
    next: usize,
}

impl<'a> Fields<'a> {
    fn whole<T: FromStr>(&mut self) -> Result<T, TrainError> {
        let (column, text) = self.take();
        text.parse().map_err(|_| {
            self.row
                .refuse(column, format!("`{text}` is not a whole number"))
        })
    }

    fn float(&mut self) -> Result<f64, TrainError> {
        let (column, text) = self.take();
        match text.parse() {
            Ok(value) if f64::is_finite(value) => Ok(value),
            _ => Err(self
                .row
                .refuse(column, format!("`{text}` is not a finite number"))),
        }
    }

    fn optional(&mut self) -> Result<Option<f64>, TrainError> {
        if self.row.texts[self.next].is_empty() {
            self.skip();
            return Ok(None);
        }
        self.float().map(Some)
    }

    fn take(&mut self) -> (usize, &'a str) {
        let column = self.next;
        self.next += 1;
        (column, self.row.texts[column])
    }

    /// Passes over a field that follows from others.
    fn skip(&mut self) {
        self.next += 1;
    }
}
