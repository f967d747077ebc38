//! Measuring a model: mean loss and accuracy over a part of the data.

use rewire_autograd::{PANEL, Tape, correct_predictions};
use rewire_data::{Images, Standardize};
use rewire_nn::{Mlp, Mode, Parameters, State};

use crate::build::Parts;
use crate::minibatch::Minibatch;
use crate::records::Evaluation;
use crate::trainer::Trainer;

/// Samples per forward pass of an evaluation, unless the hidden units are so many that their
/// activations would not fit.
const EVALUATION_BATCH: usize = 512;

/// Hidden activations that an evaluation holds at the most: half a gigabyte of them.
const ACTIVATIONS: usize = 1 << 27;

/// A model and what it needs to be measured.
pub(crate) struct Evaluator<'a> {
    pub(crate) mlp: &'a Mlp,
    pub(crate) parameters: &'a Parameters,
    pub(crate) state: &'a mut State,
    pub(crate) standardize: &'a Standardize,
    pub(crate) tape: &'a mut Tape,
}

impl Evaluator<'_> {
    /// Sums in sample order, batch by batch.
    pub(crate) fn evaluate(&mut self, images: &Images) -> Evaluation {
        let executed_before = self.tape.take_executed();
        debug_assert_eq!(executed_before, 0, "every step takes its own count");
        let mut minibatch = Minibatch::default();
        let size = samples_at_once(&self.mlp.spec().hidden);
        let (mut loss, mut correct) = (0.0f64, 0u64);
        for first in (0..images.len()).step_by(size) {
            let last = (first + size).min(images.len());
            minibatch.indices = (first as u32..last as u32).collect();
            minibatch.load(images, self.standardize);
            let labels = &minibatch.labels;
            self.tape.clear();
            let input = self
                .tape
                .input(&minibatch.rows, labels.len(), images.features());
            let mode = Mode::Evaluate;
            let logits = self
                .mlp
                .forward(self.tape, self.parameters, self.state, input, mode);
            let (_, mean) = self.tape.softmax_cross_entropy(logits, labels);
            loss += mean * labels.len() as f64;
            correct += correct_predictions(self.tape.value(logits), labels);
        }
        // Its memory goes back here, so that the step that follows finds room for it.
        self.tape.clear();
        // An evaluation is not training: what it executed is not counted.
        self.tape.take_executed();
        let count = images.len().max(1) as f64;
        Evaluation {
            loss: loss / count,
            accuracy: correct as f64 / count,
        }
    }
}

/// Samples per forward pass: whole panels of the products, at least one.
fn samples_at_once(hidden: &[usize]) -> usize {
    let units: usize = hidden.iter().sum();
    let fit = ACTIVATIONS / units.max(1);
    (fit / PANEL * PANEL).clamp(PANEL, EVALUATION_BATCH)
}

impl Trainer {
    /// Mean loss and accuracy over the test part, with running statistics and without dropout.
    pub fn evaluate_test(&mut self) -> Evaluation {
        let (mut evaluator, data) = self.evaluator();
        evaluator.evaluate(&data.test)
    }

    /// As [`Trainer::evaluate_test`], over the held-out training samples if there are any.
    pub fn evaluate_valid(&mut self) -> Option<Evaluation> {
        let (mut evaluator, data) = self.evaluator();
        data.valid.as_ref().map(|valid| evaluator.evaluate(valid))
    }

    fn evaluator(&mut self) -> (Evaluator<'_>, &Parts) {
        let evaluator = Evaluator {
            mlp: &self.mlp,
            parameters: &self.parameters,
            state: &mut self.state,
            standardize: &self.standardize,
            tape: &mut self.tape,
        };
        (evaluator, &self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_networks_are_measured_in_smaller_batches() {
        for (hidden, samples) in [
            (&[300, 100][..], 512),
            (&[1 << 18], 512),
            (&[(1 << 18) + 1], 448),
            (&[500_000, 500_000], 128),
            (&[1_000_000; 9], 64),
        ] {
            assert_eq!(samples_at_once(hidden), samples, "{hidden:?}");
        }
    }
}
