//! One training step, in order.
//!
//! ```text
//! 1  draw the batch, standardise it           data
//! 2  forward pass on the stored positions     tape, products
//! 3  loss; not finite: stop                   tape
//! 4  is a rewiring due?                       explorer
//!      no               backward, optimizer step
//!      after the step   backward, optimizer step, rewiring      (SET, DSR)
//!      instead of it    growth candidates, rewiring             (RigL)
//! 5  count: loss, accuracy, FLOPs, coverage
//! ```
//!
//! A rewiring is one list per layer; the parameter applies it to its values and optimizer state in
//! one go, and coverage takes note. Everything a step does is a function of the configuration, the
//! data and the step number, so a resumed run repeats it to the bit.

use std::sync::Arc;

use rayon::ThreadPool;
use rewire_autograd::mask::{Coverage, MaskError};
use rewire_autograd::{Gradients, ParameterId, ParameterViews, Tape, Var, correct_predictions};
use rewire_data::{Batches, Standardize};
use rewire_explore::{Due, Explorer, LayerView};
use rewire_ift::{NetworkCost, StepKind};
use rewire_nn::{LearningRate, Mlp, Mode, Optimizer, Parameters, State};
use rewire_rng::Streams;

use crate::budget;
use crate::build::{self, Parts};
use crate::config::Config;
pub use crate::cost::Flops;
use crate::cost::network_cost;
use crate::error::TrainError;
use crate::length::Length;
use crate::memory;
use crate::minibatch::Minibatch;
use crate::plan::{self, Plan};
use crate::progress::Progress;
use crate::transform;

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// The step, counted from 1.
    pub step: u64,
    /// Mean loss of the batch before the step.
    pub loss: f64,
    /// Whether the epoch ended with it, or the run within an epoch.
    pub epoch_ended: bool,
}

/// A model in training.
pub struct Trainer {
    pub(crate) config: Config,
    pub(crate) data: Parts,
    pub(crate) standardize: Standardize,
    pub(crate) streams: Streams,
    pub(crate) batches: Batches,
    pub(crate) mlp: Mlp,
    pub(crate) parameters: Parameters,
    pub(crate) state: State,
    pub(crate) explorer: Box<dyn Explorer>,
    pub(crate) optimizer: Box<dyn Optimizer>,
    pub(crate) rate: LearningRate,
    /// One entry per weight matrix; none for a dense one.
    pub(crate) coverage: Vec<Option<Coverage>>,
    /// What the products cost with the present positions.
    pub(crate) cost: NetworkCost,
    /// What those of the dense network cost, before its transform if there is one.
    dense_cost: NetworkCost,
    pub(crate) progress: Progress,
    pub(crate) pool: Arc<ThreadPool>,
    pub(crate) tape: Tape,
    gradients: Gradients,
    minibatch: Minibatch,
}

impl Trainer {
    /// Reads the data and builds model, explorer and optimizer at step 0.
    ///
    /// # Errors
    /// [`TrainError`] for unreadable data, a budget that leaves a layer empty, or a configuration
    /// that does not fit the data; [`TrainError::Memory`] for more weights than the system has room
    /// for, before any is allocated.
    pub fn new(config: &Config) -> Result<Self, TrainError> {
        let data = build::data(config)?;
        let streams = Streams::new(config.seed);
        let standardize = Standardize::fit(&data.train)?;
        let batches = Batches::new(data.train.len(), config.data.batch, streams)?;
        let model = build::model(config, data.train.features(), data.train.classes())?;
        let optimizer = build::optimizer(config);
        let budget = budget::budget(config, &model)?;
        let batch = config.data.batch.min(data.train.len());
        let columns = optimizer.columns().len();
        memory::check(memory::needed(&budget, config.products, columns, batch))?;
        let storages = budget::storages(&budget, streams)?;
        let (mlp, mut parameters, state) = Mlp::new(model.spec, storages, streams)?;
        let cost = network_cost(&mlp, &parameters);
        let dense_cost = match &model.transform {
            Some(plan) => transform::dense_cost(plan, &cost)?,
            None => cost.clone(),
        };
        for parameter in parameters.iter_mut() {
            parameter.set_columns(optimizer.columns());
        }
        let Length { steps, .. } = Length::new(config, data.train.len(), [&cost, &dense_cost])?;
        let explorer = build::explorer(config, steps, &budget)?;
        let coverage = mlp
            .weights()
            .map(|id| parameters.get(id).topology().map(Coverage::start))
            .collect::<Vec<_>>();
        let progress = Progress::new(coverage.len());
        Ok(Self {
            config: config.clone(),
            standardize,
            streams,
            batches,
            rate: build::learning_rate(config, steps),
            pool: Arc::new(build::pool(config.threads)?),
            cost,
            dense_cost,
            data,
            mlp,
            parameters,
            state,
            explorer,
            optimizer,
            coverage,
            progress,
            tape: Tape::new(build::products(config)),
            gradients: Gradients::new(),
            minibatch: Minibatch::default(),
        })
    }

    /// Steps of the whole run; with `schedule.budget` it may end within an epoch.
    pub fn total_steps(&self) -> u64 {
        self.rate.total
    }

    /// The last step taken, 0 at first.
    pub fn steps_done(&self) -> u64 {
        self.progress.step
    }

    /// The model's parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What the products of the network cost with its present positions.
    pub fn cost(&self) -> &NetworkCost {
        &self.cost
    }

    /// What the whole run comes to, as [`plan`](plan::plan) tells without building it.
    ///
    /// # Errors
    /// None that [`Trainer::new`] did not have.
    pub fn plan(&self) -> Result<Plan, TrainError> {
        plan::of(&self.config, &self.data)
    }

    /// FLOPs of training so far.
    pub fn flops(&self) -> Flops {
        self.progress.flops
    }

    /// [`Trainer::step`] on the run's own worker threads.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub fn step_in_pool(&mut self) -> Result<StepReport, TrainError> {
        let pool = Arc::clone(&self.pool);
        pool.install(|| self.step())
    }

    /// Takes the next step on whatever threads the caller is in.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] with layer and step if the loss or a gradient is NaN or ±∞; the
    /// weights are then those before the step. [`TrainError`] from the explorer.
    pub fn step(&mut self) -> Result<StepReport, TrainError> {
        let step = self.progress.step + 1;
        let is_last = step == self.total_steps();
        let epoch_ended = self.draw_batch() || is_last;
        let (loss_var, loss, correct) = self.forward(step)?;
        let samples = self.minibatch.labels.len() as u64;
        let due = self.explorer.due(step);
        let kind = match due {
            Due::No => {
                self.optimize(step, loss_var)?;
                StepKind::Train
            }
            Due::AfterStep => {
                self.optimize(step, loss_var)?;
                self.rewire(step, None)?;
                StepKind::Train
            }
            Due::InsteadOfStep => {
                self.rewire(step, Some(loss_var))?;
                StepKind::Grow
            }
        };
        let method = build::training_method(&self.config);
        let executed = self.tape.take_executed();
        let flops = &mut self.progress.flops;
        let costs = [&self.cost, &self.dense_cost];
        flops.count((method, kind), costs, samples, executed);
        // The step was paid for with the positions it began with.
        if due != Due::No {
            self.cost = network_cost(&self.mlp, &self.parameters);
        }
        self.progress.step = step;
        self.progress.open.add(loss, correct, samples);
        Ok(StepReport {
            step,
            loss,
            epoch_ended,
        })
    }

    /// Fills the minibatch; returns whether it is the epoch's last.
    fn draw_batch(&mut self) -> bool {
        let batch = self.batches.next();
        let images = &self.data.train;
        let minibatch = &mut self.minibatch;
        minibatch.indices.clear();
        minibatch.indices.extend_from_slice(batch.indices);
        minibatch.load(images, &self.standardize);
        batch.last
    }

    fn forward(&mut self, step: u64) -> Result<(Var, f64, u64), TrainError> {
        let Minibatch {
            indices,
            rows,
            labels,
        } = &self.minibatch;
        self.tape.clear();
        let features = self.data.train.features();
        let input = self.tape.input(rows, labels.len(), features);
        let mode = Mode::Train {
            streams: self.streams,
            step,
            samples: indices,
        };
        let logits = self.mlp.forward(
            &mut self.tape,
            &self.parameters,
            &mut self.state,
            input,
            mode,
        );
        let (var, loss) = self.tape.softmax_cross_entropy(logits, labels);
        if !loss.is_finite() {
            let id = self.tape.first_non_finite();
            return Err(diverged(&self.parameters, step, id, "the output", loss));
        }
        let correct = correct_predictions(self.tape.value(logits), labels);
        Ok((var, loss, correct))
    }

    fn optimize(&mut self, step: u64, loss: Var) -> Result<(), TrainError> {
        self.tape
            .backward(loss, &self.parameters, &mut self.gradients);
        for index in 0..self.parameters.count() {
            let id = ParameterId(index);
            if let Some(bad) = first_non_finite(self.gradients.get(id)) {
                let bad = f64::from(bad);
                return Err(diverged(
                    &self.parameters,
                    step,
                    Some(id),
                    "the gradient",
                    bad,
                ));
            }
        }
        let rate = self.rate.at(step);
        self.parameters
            .step(&*self.optimizer, rate, &self.gradients);
        Ok(())
    }

    /// Rewires every layer. With `loss`, the explorer may ask for gradients of it.
    fn rewire(&mut self, step: u64, loss: Option<Var>) -> Result<(), TrainError> {
        let layers: Vec<LayerView<'_>> = self
            .mlp
            .weights()
            .map(|id| LayerView {
                name: self.parameters.get(id).name(),
                weights: self.parameters.view(id),
            })
            .collect();
        let requests = self.explorer.request(step, &layers, self.streams)?;
        let candidates = match (requests, loss) {
            (Some(requests), Some(loss)) => {
                let requests: Vec<_> = self.mlp.weights().zip(requests).collect();
                self.tape
                    .growth(loss, &self.parameters, &requests)
                    .map_err(|(id, error)| growth_error(&self.parameters, step, id, error))?
            }
            (None, _) | (_, None) => Vec::new(),
        };
        let rewirings = self
            .explorer
            .rewire(step, &layers, &candidates, self.streams)?;
        for (index, (id, rewiring)) in self.mlp.weights().zip(&rewirings).enumerate() {
            if rewiring.is_empty() && self.coverage[index].is_none() {
                continue;
            }
            let parameter = self.parameters.get_mut(id);
            parameter.rewire(rewiring)?;
            if let (Some(coverage), Some(topology)) =
                (&mut self.coverage[index], parameter.topology())
            {
                coverage.record(topology, rewiring)?;
            }
            self.progress.open.moved[index].add(rewiring);
        }
        Ok(())
    }
}

/// The first value that is NaN or infinite. Whole stretches are looked at without stopping inside
/// one, which takes as long as reading them.
fn first_non_finite(values: &[f32]) -> Option<f32> {
    let is_finite = |stretch: &&[f32]| {
        stretch
            .iter()
            .fold(true, |all, value| all & value.is_finite())
    };
    let stretch = values.chunks(1024).find(|stretch| !is_finite(stretch))?;
    stretch.iter().copied().find(|value| !value.is_finite())
}

fn diverged(
    parameters: &Parameters,
    step: u64,
    id: Option<ParameterId>,
    what: &str,
    value: f64,
) -> TrainError {
    TrainError::Diverged {
        step,
        place: id
            .map_or("the network", |id| parameters.get(id).name())
            .to_owned(),
        what: what.to_owned(),
        value,
    }
}

/// A candidate that is not finite is a divergence; anything else is a mask error.
fn growth_error(
    parameters: &Parameters,
    step: u64,
    id: ParameterId,
    error: MaskError,
) -> TrainError {
    match error {
        MaskError::NonFinite { value, .. } => {
            let value = f64::from(value);
            diverged(parameters, step, Some(id), "the gradient", value)
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_that_is_not_finite_is_found_wherever_it_is() {
        for at in [0, 1, 1023, 1024, 2047, 2049] {
            for bad in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
                let mut values = vec![f32::MAX; 2050];
                assert_eq!(first_non_finite(&values), None);
                values[2049] = f32::INFINITY;
                values[at] = bad;
                let found = first_non_finite(&values).map(f32::to_bits);
                assert_eq!(found, Some(bad.to_bits()), "{bad} at {at}");
            }
        }
    }
}
