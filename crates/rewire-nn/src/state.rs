//! What a model remembers without training it: running statistics.

use rewire_autograd::NormStatistics;

/// The running averages of one batch normalisation.
///
/// After each training batch: `running ← (1 − 0.1)·running + 0.1·batch`, with the unbiased variance
/// of the batch, as PyTorch does; a batch of one sample has no unbiased variance and counts as 0.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningStatistics {
    /// The layer's name, such as `bn1`.
    pub name: String,
    /// Running mean per feature, 0 at first.
    pub mean: Vec<f32>,
    /// Running unbiased variance per feature, 1 at first.
    pub variance: Vec<f32>,
    /// Training batches seen.
    pub batches: u64,
}

const MOMENTUM: f32 = 0.1;

impl RunningStatistics {
    /// The statistics of a layer that has seen nothing.
    pub fn new(name: impl Into<String>, features: usize) -> Self {
        Self {
            name: name.into(),
            mean: vec![0.0; features],
            variance: vec![1.0; features],
            batches: 0,
        }
    }

    /// Takes in the statistics of one training batch.
    pub fn observe(&mut self, batch: NormStatistics<'_>) {
        let unbiased = match batch.samples {
            0 | 1 => 1.0,
            n => n as f32 / (n - 1) as f32,
        };
        for (running, &mean) in self.mean.iter_mut().zip(batch.mean) {
            *running += MOMENTUM * (mean - *running);
        }
        for (running, &variance) in self.variance.iter_mut().zip(batch.variance) {
            *running += MOMENTUM * (variance * unbiased - *running);
        }
        self.batches += 1;
    }
}

/// All running statistics of a model, in layer order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// One entry per batch normalisation.
    pub norms: Vec<RunningStatistics>,
}
