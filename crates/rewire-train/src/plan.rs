//! What a configuration comes to, before anything is trained or written.

use rewire_explore::Due;
use rewire_ift::StepKind;

use crate::build;
use crate::config::Config;
use crate::error::TrainError;
use crate::trainer::Trainer;

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
    /// Optimizer steps and growth steps of the whole run.
    pub steps: u64,
    /// How often the network is rewired.
    pub rewirings: u64,
    /// FLOPs of the run by the papers' convention, with the densities of the start.
    pub train_flops: u128,
    /// FLOPs of the same steps with every weight active.
    pub train_flops_dense: u128,
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
}

/// Builds a run, reads its numbers and forgets it; nothing is written.
///
/// # Errors
/// As [`Trainer::new`].
pub fn plan(config: &Config) -> Result<Plan, TrainError> {
    let trainer = Trainer::new(config)?;
    let cost = trainer.cost();
    let layers = cost
        .layers
        .iter()
        .map(|layer| PlannedLayer {
            name: layer.name.clone(),
            dims: [layer.cost.outputs as usize, layer.cost.inputs as usize],
            n_active: layer.cost.n_active,
            n_total: layer.cost.inputs * layer.cost.outputs,
            flops_forward: layer.cost.forward(1),
        })
        .collect();
    let totals = trainer.totals();
    let method = build::training_method(config.sparsity.method);
    let steps = trainer.total_steps();
    let per_epoch = trainer.batches.batches_per_epoch();
    let samples = trainer.data.train.len() as u64;
    let (mut rewirings, mut train_flops) = (0, 0);
    for step in 1..=steps {
        // The last batch of an epoch holds what the others leave.
        let batch = config.data.batch as u64;
        let in_epoch = (step - 1) % per_epoch;
        let size = batch.min(samples - in_epoch * batch);
        let kind = match trainer.explorer.due(step) {
            Due::No => StepKind::Train,
            Due::AfterStep => {
                rewirings += 1;
                StepKind::Train
            }
            Due::InsteadOfStep => {
                rewirings += 1;
                StepKind::Grow
            }
        };
        train_flops += method.step(kind, &cost, size);
    }
    Ok(Plan {
        layers,
        n_params: totals.n_params,
        n_active: totals.n_active,
        n_total: totals.n_total,
        samples: (
            trainer.data.train.len(),
            trainer.data.valid.as_ref().map_or(0, |valid| valid.len()),
            trainer.data.test.len(),
        ),
        steps,
        rewirings,
        train_flops,
        train_flops_dense: 3
            * cost.f_dense()
            * u128::from(samples)
            * u128::from(config.schedule.epochs),
    })
}
