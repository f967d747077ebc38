//! Where a run is: the step, the open epoch's partial sums and the FLOPs so far.
//!
//! Together with parameters, running statistics, coverage and the explorer's state this is all a
//! resumed run needs: positions in the data and random streams follow from the step and the seed.

use rewire_autograd::mask::Rewiring;
use serde::{Deserialize, Serialize};

use crate::cost::Flops;

/// Counters of a run; part of every checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// The last step taken.
    pub(crate) step: u64,
    /// Epochs finished.
    pub(crate) epochs: u64,
    /// Sums over the batches of the epoch that is not finished.
    pub(crate) open: OpenEpoch,
    /// FLOPs of all steps so far.
    pub(crate) flops: Flops,
    /// The best accuracies after any epoch so far.
    pub(crate) best: Best,
}

/// The best accuracies after any epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Best {
    /// On the test part: reported, never chosen by.
    pub(crate) test_accuracy: f64,
    /// On the held-out part: what `best.safetensors` is chosen by.
    pub(crate) valid_accuracy: Option<f64>,
}

/// Partial sums of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenEpoch {
    /// Σ over batches of mean loss × samples.
    pub(crate) loss: f64,
    /// Correctly classified samples, each judged by the weights of its step.
    pub(crate) correct: u64,
    /// Samples seen.
    pub(crate) samples: u64,
    /// Per weight matrix: weights dropped and grown.
    pub(crate) moved: Vec<Moved>,
}

/// Weights that went and came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moved {
    pub(crate) dropped: u64,
    pub(crate) grown: u64,
}

impl Progress {
    /// Nothing done, for a model with this many weight matrices.
    pub(crate) fn new(layers: usize) -> Self {
        Self {
            step: 0,
            epochs: 0,
            open: OpenEpoch::new(layers),
            flops: Flops::default(),
            best: Best::default(),
        }
    }
}

impl OpenEpoch {
    /// An epoch without samples.
    pub(crate) fn new(layers: usize) -> Self {
        Self {
            moved: vec![Moved::default(); layers],
            ..Self::default()
        }
    }

    /// Counts one batch.
    pub(crate) fn add(&mut self, loss: f64, correct: u64, samples: u64) {
        self.loss += loss * samples as f64;
        self.correct += correct;
        self.samples += samples;
    }
}

impl Moved {
    /// Counts one rewiring.
    pub(crate) fn add(&mut self, rewiring: &Rewiring) {
        self.dropped += rewiring.dropped().len() as u64;
        self.grown += rewiring.grown().len() as u64;
    }
}
