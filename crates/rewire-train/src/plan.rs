//! What a configuration comes to, before anything is built, trained or written.
//!
//! Everything is computed from shapes and counts: a plan for a network that fits into no memory, or
//! for a run of a billion epochs, costs no more than any other.

use rewire_autograd::{Kernel, Product};
use rewire_data::Standardize;
use rewire_ift::{LayerCost, NetworkCost};

use crate::budget::{self, LayerBudget};
use crate::build::{self, Parts};
use crate::config::Config;
use crate::cost::reads_data;
use crate::error::TrainError;
use crate::length::Length;
use crate::memory::{self, Bytes};
use crate::notes;

/// A run that has not begun.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Weight matrices, first layer first.
    pub layers: Vec<PlannedLayer>,
    /// Every trained value at the start.
    pub n_params: u64,
    /// Active weights of the sparse layers; of all layers for a dense run.
    pub n_active: u64,
    /// Their dense size.
    pub n_total: u64,
    /// Samples of the training, held-out and test part.
    pub samples: (usize, usize, usize),
    /// Epochs of the whole run; with `schedule.budget` the last may be cut short.
    pub epochs: u64,
    /// Optimizer steps and growth steps of the whole run.
    pub steps: u64,
    /// How often the network is rewired.
    pub rewirings: u64,
    /// FLOPs of the run by the papers' convention, with the densities of the start.
    pub train_flops: u128,
    /// FLOPs that the products of the run have to execute, with the densities of the start. A dense
    /// kernel for a sparse layer executes more; a late growth step that moves nothing in a layer
    /// executes less.
    pub train_flops_executed: u128,
    /// FLOPs of the same steps of the dense network: with every weight active, and before its
    /// transform.
    pub train_flops_dense: u128,
    /// The least that the run would hold in memory at once.
    pub memory: Bytes,
    /// What the configuration asks for in vain, each as a sentence without an end.
    pub notes: Vec<String>,
}

/// One weight matrix of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedLayer {
    /// The parameter's name.
    pub name: String,
    /// Out × in.
    pub dims: [usize; 2],
    /// Active weights.
    pub n_active: u64,
    /// Their dense number.
    pub n_total: u64,
    /// FLOPs of the forward pass of one sample.
    pub flops_forward: u128,
    /// What computes each product of [`Product::ALL`] for a full batch; nothing to choose from for
    /// the plain products.
    pub kernels: Option<[Kernel; 3]>,
}

impl PlannedLayer {
    /// The choice of kernels in words: one for all products, or one for each.
    pub fn kernels(&self) -> String {
        let word = |kernel: Kernel| match kernel {
            Kernel::Tiled => "tiled",
            Kernel::Dense => "dense",
        };
        match self.kernels {
            None => "plain".to_owned(),
            Some([forward, back, weight]) if forward == back && back == weight => {
                word(forward).to_owned()
            }
            Some([forward, back, weight]) => format!(
                "{} (forward), {} (input gradient), {} (weight gradient)",
                word(forward),
                word(back),
                word(weight)
            ),
        }
    }
}

/// Reads the data and computes what a run on them comes to; nothing is built and nothing written.
///
/// # Cost
/// Besides reading the data a function of shapes and counts: neither the number of weights nor that
/// of steps matters.
///
/// # Errors
/// As [`Trainer::new`](crate::trainer::Trainer::new), but for the memory that a run needs and a
/// plan does not.
pub fn plan(config: &Config) -> Result<Plan, TrainError> {
    let data = build::data(config)?;
    Standardize::fit(&data.train)?;
    of(config, &data)
}

/// [`plan`] on data that have been read.
pub(crate) fn of(config: &Config, data: &Parts) -> Result<Plan, TrainError> {
    let samples = data.train.len();
    let model = build::model(config, data.train.features(), data.train.classes())?;
    let spec = &model.spec;
    let budget = budget::budget(config, &model)?;
    let cost = NetworkCost::new(
        budget
            .iter()
            .zip(reads_data(spec))
            .map(|(layer, reads_data)| {
                let [outputs, inputs] = layer.dims.map(|side| side as u64);
                let cost = LayerCost {
                    reads_data,
                    ..LayerCost::linear(inputs, outputs, layer.n_stored())
                };
                (layer.weight(), cost)
            }),
    );
    let dense_cost = match &model.transform {
        Some(plan) => plan.dense.dense_cost(),
        None => cost.clone(),
    };
    let layers = budget
        .iter()
        .zip(&cost.layers)
        .map(|(layer, priced)| PlannedLayer {
            kernels: kernels(config, layer, config.data.batch.min(samples)),
            name: layer.weight(),
            dims: layer.dims,
            n_active: layer.n_stored(),
            n_total: layer.n_total(),
            flops_forward: priced.cost.forward(1),
        })
        .collect();
    let dense_run = budget.iter().all(|layer| layer.n_active.is_none());
    let counted = || {
        let is_counted = |layer: &&LayerBudget| dense_run || layer.n_active.is_some();
        budget.iter().filter(is_counted)
    };
    let batch = config.data.batch.min(samples);
    let length = Length::new(config, samples, [&cost, &dense_cost])?;
    let steps = length.steps;
    // Refuses what no explorer can follow.
    build::explorer(config, steps, &budget)?;
    let window = build::window(config, steps)?;
    let mut plan = Plan {
        layers,
        n_params: budget.iter().map(LayerBudget::n_stored).sum::<u64>() + spec.n_vector_values(),
        n_active: counted().map(LayerBudget::n_stored).sum(),
        n_total: counted().map(LayerBudget::n_total).sum(),
        samples: (
            samples,
            data.valid.as_ref().map_or(0, |valid| valid.len()),
            data.test.len(),
        ),
        epochs: length.epochs(),
        steps,
        rewirings: window.count_multiples(1),
        train_flops: length.algorithmic(config, &cost)?,
        train_flops_executed: length.executed(config, &cost)?,
        train_flops_dense: 3 * dense_cost.f_dense() * length.all_samples(),
        memory: memory::needed(
            &budget,
            config.products,
            build::optimizer(config).columns().len(),
            batch,
        ),
        notes: Vec::new(),
    };
    plan.notes = notes::notes(config, &budget, &plan);
    Ok(plan)
}

/// What multiplies a layer, for a batch of so many samples.
fn kernels(config: &Config, layer: &LayerBudget, samples: usize) -> Option<[Kernel; 3]> {
    let table = build::crossover(config)?;
    let Some(n_active) = layer.n_active else {
        return Some([Kernel::Dense; 3]);
    };
    let weights = layer.n_total();
    let density = n_active as f64 / weights as f64;
    Some(Product::ALL.map(|product| table.kernel(product, weights, density, samples)))
}
