//! How many weights each layer gets, and then which: the numbers come from shapes alone, the
//! positions cost memory and time and are drawn only for a run that takes place.

use rewire_autograd::mask::{Density, LayerDims, MatrixShape, Pattern, Topology, allocate};
use rewire_nn::Storage;
use rewire_rng::{Purpose, Streams};

use crate::build::Model;
use crate::config::{Config, Method};
use crate::error::TrainError;
use crate::transform;

/// What one layer gets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LayerBudget {
    /// The layer's name, without that of its weight.
    pub(crate) name: String,
    /// Out × in.
    pub(crate) dims: [usize; 2],
    /// Active weights at the start; none for a layer that is stored dense.
    pub(crate) n_active: Option<u64>,
    /// What its mask keeps to, if it is not any positions.
    pub(crate) pattern: Option<Pattern>,
}

impl LayerBudget {
    /// The name of the weight matrix.
    pub(crate) fn weight(&self) -> String {
        format!("{}.weight", self.name)
    }

    /// Weights when dense.
    pub(crate) fn n_total(&self) -> u64 {
        MatrixShape::from_dims(&self.dims).len()
    }

    /// Weights that are stored.
    pub(crate) fn n_stored(&self) -> u64 {
        self.n_active.unwrap_or_else(|| self.n_total())
    }
}

/// The budget of every layer, first layer first.
///
/// Layers named under `dense` lie outside the shared budget; so do those with a sparsity of their
/// own, which get exactly that. All others share the budget by the allocation rule, or keep to the
/// pattern, which then says how many weights they have. A transform has counted the weights of its
/// layers itself.
///
/// # Cost
/// Of shapes alone: O(layers²) at worst, whatever the layers hold.
pub(crate) fn budget(config: &Config, model: &Model) -> Result<Vec<LayerBudget>, TrainError> {
    let spec = &model.spec;
    if let Some(plan) = &model.transform {
        return transform::budget(plan, spec);
    }
    let layers = spec.layers();
    let names: Vec<&str> = layers.iter().map(|(name, _)| name.as_str()).collect();
    config.check_layers(&names)?;
    let is_dense = |name: &str| {
        config.sparsity.method == Method::Dense
            || config.sparsity.dense.iter().any(|dense| dense == name)
    };
    let shared: Vec<LayerDims<'_>> = layers
        .iter()
        .filter(|(name, _)| !is_dense(name) && !config.layers.contains_key(name))
        .map(|(name, dims)| LayerDims { name, dims })
        .collect();
    let rule = config.sparsity.allocation.rule();
    let density = Density::from_sparsity(config.sparsity.sparsity)?;
    let pattern = (config.sparsity.pattern).of_layer(config.sparsity.sparsity)?;
    let mut counts = match pattern {
        None => allocate(&shared, density, rule)?,
        Some(_) => Vec::new(),
    }
    .into_iter();
    let mut budget = Vec::with_capacity(layers.len());
    for (name, dims) in &layers {
        let (n_active, pattern) = match config.layers.get(name) {
            _ if is_dense(name) => (None, None),
            Some(own) => {
                let layer = LayerDims { name, dims };
                let density = Density::from_sparsity(own.sparsity)?;
                (Some(allocate(&[layer], density, rule)?[0]), None)
            }
            None => {
                let share = counts.next();
                let kept = pattern.map(|pattern| in_pattern(config, name, dims, pattern));
                (kept.transpose()?.or(share), pattern)
            }
        };
        budget.push(LayerBudget {
            name: name.clone(),
            dims: *dims,
            n_active,
            pattern,
        });
    }
    Ok(budget)
}

/// How many weights a layer has whose mask keeps to a pattern.
fn in_pattern(
    config: &Config,
    name: &str,
    dims: &[usize; 2],
    pattern: Pattern,
) -> Result<u64, TrainError> {
    let shape = MatrixShape::from_dims(dims);
    let counted = pattern.n_active(shape)?;
    // What fits into no whole unit stays active; a layer of nothing else could not be meant.
    let outside = pattern.edge_report(shape)?.left_dense;
    if counted == Some(outside) && outside < shape.len() {
        return Err(TrainError::NoUnit {
            layer: name.to_owned(),
            pattern: config.sparsity.pattern.to_string(),
            sparsity: config.sparsity.sparsity,
            n_in_units: shape.len() - outside,
        });
    }
    counted.ok_or_else(|| TrainError::Bug {
        what: format!("a pattern leaves the number of weights of `{name}` open"),
    })
}

/// How each layer stores its weights: dense ones as they are, the others with as many random
/// positions as they get, or a random mask of their pattern.
pub(crate) fn storages(
    budget: &[LayerBudget],
    streams: Streams,
) -> Result<Vec<Storage>, TrainError> {
    let storage = |layer: &LayerBudget| {
        let Some(n_active) = layer.n_active else {
            return Ok(Storage::Dense);
        };
        let shape = MatrixShape::from_dims(&layer.dims);
        let mut stream = streams.stream(Purpose::Topology, &layer.weight(), 0);
        let topology = match layer.pattern {
            Some(pattern) => Topology::from_mask(&pattern.random(shape, &mut stream)?),
            None => Topology::random(shape, n_active, &mut stream)?,
        };
        Ok(Storage::Active(topology))
    };
    budget.iter().map(storage).collect()
}
