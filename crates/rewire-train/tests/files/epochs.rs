//! Made-up epochs of 45 steps, and a folder that holds the records of some.

use std::fs;

use crate::faulty_disk::Lazy;
use rewire_train::disk::HostDisk;
use rewire_train::error::TrainError;
use rewire_train::records::{Counted, EpochRecord, LayerRecord, Records, Timing};
use rewire_train::run_folder::RunFolder;

pub(crate) fn layers() -> Vec<String> {
    ["fc1.weight", "fc2.weight"].map(str::to_owned).to_vec()
}

/// Numbers without a pattern that a short decimal could hide.
pub(crate) fn record(epoch: u64) -> EpochRecord {
    let share = 1.0 / (epoch as f64 + 2.0);
    EpochRecord {
        epoch,
        step: 45 * epoch,
        learning_rate: 0.05 * share,
        train_loss: share.sqrt(),
        train_accuracy: 1.0 - share,
        valid: None,
        test_loss: 1e-7 * share,
        test_accuracy: 1.0 - share / 3.0,
        n_active: 30,
        dropped: epoch,
        grown: epoch,
        coverage: 1.0 - share,
        survivor_coverage: share,
        train_flops: 3 * (u128::from(epoch) << 70),
        train_flops_executed: 2 * (u128::from(epoch) << 70),
        train_flops_dense: 7 * (u128::from(epoch) << 70),
        train_flops_dense_executed: 5 * (u128::from(epoch) << 70),
        layers: (1..)
            .zip(layers())
            .map(|(index, name)| LayerRecord {
                name,
                n_active: 10 * index,
                n_total: 300 * index,
                dropped: epoch * index,
                grown: epoch,
                coverage: share / index as f64,
            })
            .collect(),
    }
}

/// The part that ends with an epoch.
pub(crate) fn timing(epoch: u64) -> Timing {
    Timing {
        epoch,
        step: 45 * epoch,
        seconds: 0.1 * epoch as f64,
        samples_per_second: 1438.0 / 3.0,
    }
}

/// The part of an epoch before an interruption after its 20th step.
pub(crate) fn first_part(epoch: u64) -> Timing {
    Timing {
        step: 45 * (epoch - 1) + 20,
        ..timing(epoch)
    }
}

/// What a checkpoint at the end of an epoch counts.
pub(crate) fn after(epochs: u64) -> Counted {
    let step = 45 * epochs;
    Counted { epochs, step }
}

/// A run's folder in the temporary folder of a test.
pub(crate) fn folder(place: &tempfile::TempDir) -> RunFolder {
    RunFolder::create(Some(&place.path().join("run")), true).unwrap()
}

/// What a later process sees of the records; no power is cut there, so nothing is synced.
pub(crate) fn open(folder: &RunFolder, counted: Counted) -> Result<Records, TrainError> {
    Records::open_on(&Lazy(&HostDisk), folder, counted, &layers())
}

pub(crate) fn run(folder: &RunFolder, epochs: std::ops::RangeInclusive<u64>) {
    let mut records = open(folder, after(epochs.start() - 1)).unwrap();
    for epoch in epochs {
        records
            .append_on(&Lazy(&HostDisk), &record(epoch), &timing(epoch))
            .unwrap();
    }
}

pub(crate) fn bytes(folder: &RunFolder) -> (Vec<u8>, Vec<u8>) {
    (
        fs::read(folder.metrics()).unwrap(),
        fs::read(folder.timing()).unwrap(),
    )
}
