//! How long a run is: so many passes over the training data, or as long as a budget of FLOPs lasts.
//!
//! Networks and methods differ in what a step costs. With `schedule.budget` = β a run takes as many
//! steps as β times the FLOPs of dense training pay for, where dense training is that of the network
//! before its transform over `schedule.epochs` passes. Both sides count what the products have to
//! run ([`TrainingMethod::executed_step`]): no gradient of the data, and growth steps at their own
//! price. The number is a function of shapes, budgets and the configuration alone, so that a plan
//! tells it and a resumed run finds it again.

use rewire_ift::{NetworkCost, StepKind, TrainingMethod};

use crate::build;
use crate::config::Config;
use crate::error::TrainError;

/// How the samples of a run are cut into steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Length {
    /// Training samples.
    samples: u64,
    /// Samples of every step of an epoch but the last, which holds what the others leave.
    batch: u64,
    /// Steps of an epoch.
    epoch_steps: u64,
    /// Steps of the run; the last epoch may be cut short.
    pub(crate) steps: u64,
}

impl Length {
    /// The length of a run on `samples` samples: of the network `cost` where the dense network,
    /// before its transform, costs `dense`.
    ///
    /// # Errors
    /// [`TrainError::Budget`] if the budget does not pay for one step.
    ///
    /// # Cost
    /// Logarithmic in the number of steps.
    pub(crate) fn new(
        config: &Config,
        samples: usize,
        [cost, dense]: [&NetworkCost; 2],
    ) -> Result<Self, TrainError> {
        let epoch_steps = samples.div_ceil(config.data.batch) as u64;
        let mut length = Self {
            samples: samples as u64,
            batch: config.data.batch.min(samples) as u64,
            epoch_steps,
            steps: config.schedule.epochs * epoch_steps,
        };
        let budget = config.schedule.budget;
        if budget == 0.0 {
            return Ok(length);
        }
        let dense_step = TrainingMethod::Dense.executed_step(StepKind::Train, dense, 1);
        let flops = share(dense_step * length.all_samples(), budget);
        // The price of a run rises with every step: one more step adds a step, and moves the end of
        // the rewirings by one at most.
        let paid = |steps: u64| -> Result<bool, TrainError> {
            let run = Self { steps, ..length };
            Ok(run.executed(config, cost)? <= flops)
        };
        if !paid(1)? {
            return Err(TrainError::Budget {
                budget,
                flops,
                step: Self { steps: 1, ..length }.executed(config, cost)?,
            });
        }
        let (mut paid_for, mut too_long) = (1, 2);
        while too_long < u64::MAX && paid(too_long)? {
            (paid_for, too_long) = (too_long, too_long.saturating_mul(2));
        }
        while too_long - paid_for > 1 {
            let middle = paid_for + (too_long - paid_for) / 2;
            if paid(middle)? {
                paid_for = middle;
            } else {
                too_long = middle;
            }
        }
        length.steps = paid_for;
        Ok(length)
    }

    /// Epochs that begin.
    pub(crate) fn epochs(&self) -> u64 {
        self.steps.div_ceil(self.epoch_steps)
    }

    /// Samples of the whole run, repetitions included.
    pub(crate) fn all_samples(&self) -> u128 {
        let (epochs, rest) = (self.steps / self.epoch_steps, self.steps % self.epoch_steps);
        u128::from(epochs) * u128::from(self.samples) + u128::from(rest) * u128::from(self.batch)
    }

    /// FLOPs of the run by the papers' convention, with the densities of `cost`.
    ///
    /// # Errors
    /// [`TrainError`] for a schedule of rewirings that there is not.
    pub(crate) fn algorithmic(
        &self,
        config: &Config,
        cost: &NetworkCost,
    ) -> Result<u128, TrainError> {
        let method = build::training_method(config);
        self.total(config, |kind| method.step(kind, cost, 1))
    }

    /// FLOPs that the products of the run have to execute, with the densities of `cost`.
    ///
    /// # Errors
    /// [`TrainError`] for a schedule of rewirings that there is not.
    pub(crate) fn executed(&self, config: &Config, cost: &NetworkCost) -> Result<u128, TrainError> {
        let method = build::training_method(config);
        self.total(config, |kind| method.executed_step(kind, cost, 1))
    }

    /// The sum over all steps of what a sample costs in a step of each kind.
    fn total(
        &self,
        config: &Config,
        per_sample: impl Fn(StepKind) -> u128,
    ) -> Result<u128, TrainError> {
        let window = build::window(config, self.steps)?;
        let at_the_end = window.count_multiples(self.epoch_steps);
        let last = self.samples - (self.epoch_steps - 1) * self.batch;
        let elsewhere = window.count_multiples(1) - at_the_end;
        let rewired = u128::from(elsewhere) * u128::from(self.batch)
            + u128::from(at_the_end) * u128::from(last);
        let trained = self.all_samples() - rewired;
        Ok(per_sample(StepKind::Train) * trained + per_sample(StepKind::Grow) * rewired)
    }
}

/// ⌊`count` · `factor`⌋: exact for a whole factor, otherwise to double precision of the fraction.
fn share(count: u128, factor: f64) -> u128 {
    let whole = factor.trunc();
    count * whole as u128 + (count as f64 * (factor - whole)) as u128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_factors_are_exact_beyond_double_precision() {
        let count = (1 << 70) + 1;
        assert_eq!(share(count, 1.0), count);
        assert_eq!(share(count, 3.0), 3 * count);
        assert_eq!(share(1000, 0.25), 250);
        assert_eq!(share(1001, 2.5), 2502);
    }
}
