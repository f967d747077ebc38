//! Learning rates over the steps of a run.
//!
//! Steps count from 1. During warm-up the rate rises linearly, `η·t/warmup`; from then on, with
//! `p = (t − 1 − warmup)/(total − warmup)` in [0, 1): constant η; step `η·factor^⌊(t−1)/every⌋`;
//! cosine `η/2·(1 + cos πp)`; linear `η·(1 − p)`.

/// The shape of a learning rate after its warm-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LearningRateKind {
    /// The base rate throughout.
    Constant,
    /// Multiplied by `factor` after every `every` steps, counted from the run's first step.
    Step {
        /// Steps between two reductions.
        every: u64,
        /// What a reduction multiplies by.
        factor: f64,
    },
    /// Half a cosine from the base rate to 0.
    Cosine,
    /// A straight line from the base rate to 0.
    Linear,
}

/// A learning rate as a function of the step.
///
/// # Examples
/// ```
/// use rewire_nn::{LearningRate, LearningRateKind};
///
/// let rate = LearningRate { base: 0.1, kind: LearningRateKind::Linear, warmup: 2, total: 6 };
/// let rates: Vec<f64> = (1..=6).map(|step| rate.at(step)).collect();
/// assert_eq!(rates, [0.05, 0.1, 0.1, 0.1 * 0.75, 0.1 * 0.5, 0.1 * 0.25]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningRate {
    /// η, the largest rate.
    pub base: f64,
    /// The shape after warm-up.
    pub kind: LearningRateKind,
    /// Steps of linear warm-up.
    pub warmup: u64,
    /// Steps of the whole run, warm-up included.
    pub total: u64,
}

impl LearningRate {
    /// The rate of step `step`, counted from 1.
    ///
    /// # Panics
    /// If `step` is 0.
    pub fn at(&self, step: u64) -> f64 {
        assert!(step > 0, "steps count from 1, there is no step 0");
        if step <= self.warmup {
            return self.base * step as f64 / self.warmup as f64;
        }
        let done = (step - 1 - self.warmup) as f64;
        let progress = done / (self.total.saturating_sub(self.warmup)).max(1) as f64;
        match self.kind {
            LearningRateKind::Constant => self.base,
            LearningRateKind::Step { every, factor } => {
                let reductions = (step - 1) / every.max(1);
                self.base * factor.powf(reductions as f64)
            }
            LearningRateKind::Cosine => {
                0.5 * self.base * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos())
            }
            LearningRateKind::Linear => self.base * (1.0 - progress.min(1.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(kind: LearningRateKind, warmup: u64, total: u64) -> Vec<f64> {
        let rate = LearningRate {
            base: 1.0,
            kind,
            warmup,
            total,
        };
        (1..=total).map(|step| rate.at(step)).collect()
    }

    #[test]
    fn shapes_by_hand() {
        assert_eq!(rates(LearningRateKind::Constant, 0, 3), [1.0, 1.0, 1.0]);
        let step = LearningRateKind::Step {
            every: 2,
            factor: 0.5,
        };
        assert_eq!(rates(step, 0, 5), [1.0, 1.0, 0.5, 0.5, 0.25]);
        assert_eq!(rates(step, 1, 5), [1.0, 1.0, 0.5, 0.5, 0.25]);
        assert_eq!(
            rates(LearningRateKind::Linear, 0, 4),
            [1.0, 0.75, 0.5, 0.25]
        );
        let cosine = rates(LearningRateKind::Cosine, 0, 4);
        let half = std::f64::consts::FRAC_1_SQRT_2;
        for (rate, expected) in cosine
            .iter()
            .zip([1.0, 0.5 + half / 2.0, 0.5, 0.5 - half / 2.0])
        {
            assert!((rate - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn every_shape_warms_up_along_the_same_line() {
        let kinds = [
            LearningRateKind::Constant,
            LearningRateKind::Step {
                every: 100,
                factor: 0.1,
            },
            LearningRateKind::Cosine,
            LearningRateKind::Linear,
        ];
        for kind in kinds {
            assert_eq!(
                rates(kind, 4, 8)[..5],
                [0.25, 0.5, 0.75, 1.0, 1.0],
                "{kind:?}"
            );
        }
    }
}
