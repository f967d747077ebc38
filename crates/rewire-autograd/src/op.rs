//! The ops a tape can record, with what each keeps for its backward pass.

use rewire_sparse::{Batch, Buffer};

use crate::gradients::ParameterId;
use crate::tape::Var;

/// One recorded op: its operands and the memory its gradient needs.
#[derive(Debug)]
pub(crate) enum Op {
    /// Data; nothing flows further back.
    Input,
    /// `y = x·Wᵀ`, or what becomes of it in the same pass.
    Linear {
        input: Var,
        weight: ParameterId,
        epilogue: Epilogue,
    },
    /// `y = x + b`.
    Bias { input: Var, bias: ParameterId },
    /// `y = a + b`.
    Add { left: Var, right: Var },
    /// `y = max(x, 0)`.
    Relu { input: Var },
    /// `y = x·Φ(x)`.
    Gelu { input: Var },
    /// Normalised per feature over the batch, then scaled and shifted.
    BatchNorm {
        input: Var,
        affine: Affine,
        normalized: Batch,
        statistics: FeatureStatistics,
    },
    /// Normalised per feature with given statistics, then scaled and shifted.
    FixedNorm {
        input: Var,
        affine: Affine,
        normalized: Batch,
        inverse_deviation: Buffer,
    },
    /// Normalised per sample over its features, then scaled and shifted.
    LayerNorm {
        input: Var,
        affine: Affine,
        normalized: Batch,
        inverse_deviation: Buffer,
    },
    /// `y = x ⊙ factors`, factors 0 or 1/(1 − p).
    Dropout { input: Var, factors: Batch },
    /// Mean over the batch of −log softmax(logits)[label].
    SoftmaxCrossEntropy {
        logits: Var,
        probabilities: Batch,
        labels: Vec<u32>,
    },
    /// Mean over all values of (prediction − target)².
    MeanSquaredError { prediction: Var, target: Batch },
}

/// What a linear layer does with its product before anybody else sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Epilogue {
    /// Nothing.
    None,
    /// Adds a bias.
    Bias(ParameterId),
    /// Adds a bias and takes `max(·, 0)`.
    BiasRelu(ParameterId),
}

/// The scale and shift after a normalisation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Affine {
    pub(crate) scale: ParameterId,
    pub(crate) shift: ParameterId,
}

/// Per-feature statistics of one batch.
#[derive(Debug)]
pub(crate) struct FeatureStatistics {
    pub(crate) mean: Buffer,
    /// Biased: divided by the number of samples.
    pub(crate) variance: Buffer,
    pub(crate) inverse_deviation: Buffer,
}
