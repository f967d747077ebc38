//! From a configuration to the things that train: data, model, explorer, optimizer, schedule.

use std::path::Path;
use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};
use rewire_autograd::mask::Isa;
use rewire_autograd::{Crossover, Fast, Kernel, Plain, Products};
use rewire_data::{Dataset, Images};
use rewire_explore::{DropGrow, Explorer, Fraction, Threshold, Window, methods};
use rewire_ift::{NetworkTransform, TrainingMethod};
use rewire_nn::{AdamW, LearningRate, LearningRateKind, Members, MlpSpec, Optimizer, Sgd};

use crate::budget::LayerBudget;
use crate::config::{
    Activation, Config, Decay, Method, ModelKind, Norm, OptimizerKind, ProductsKind, ScheduleKind,
};
use crate::error::TrainError;
use crate::transform;

/// The parts of a data set as a run uses them.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) train: Images,
    /// SHA-256 of the training part, which every checkpoint names.
    pub(crate) train_sha256: String,
    pub(crate) valid: Option<Images>,
    pub(crate) test: Images,
}

/// What multiplies.
pub(crate) fn products(config: &Config) -> Arc<dyn Products> {
    match crossover(config) {
        Some(table) => Arc::new(Fast::new(table)),
        None => Arc::new(Plain),
    }
}

/// Which kernels multiply active weights, unless the plain products do.
pub(crate) fn crossover(config: &Config) -> Option<Crossover> {
    match config.products {
        ProductsKind::Auto => Some(config.crossover.clone()),
        ProductsKind::Tiled => Some(Crossover::always(Kernel::Tiled)),
        ProductsKind::Dense => Some(Crossover::always(Kernel::Dense)),
        ProductsKind::Plain => None,
    }
}

/// The name under which products are recorded: others may round otherwise.
pub(crate) fn products_name(config: &Config) -> String {
    let word = config.products;
    match word {
        ProductsKind::Auto | ProductsKind::Tiled | ProductsKind::Dense => {
            format!("{word} {}", Isa::best().name())
        }
        ProductsKind::Plain => word.to_string(),
    }
}

/// Reads the data and holds out what the configuration asks for.
pub(crate) fn data(config: &Config) -> Result<Parts, TrainError> {
    let data = match config.data.source.as_str() {
        "digits" => Dataset::digits(),
        folder => Dataset::open(Path::new(folder))?,
    };
    let (data, valid) = match config.data.valid {
        0 => (data, None),
        held_out => {
            let (data, valid) = data.hold_out(held_out)?;
            (data, Some(valid))
        }
    };
    Ok(Parts {
        train_sha256: data.train.sha256(),
        train: data.train,
        valid,
        test: data.test,
    })
}

/// The shape of what is trained, and the plan it was made from if the model is transformed.
pub(crate) struct Model {
    pub(crate) spec: MlpSpec,
    pub(crate) transform: Option<NetworkTransform>,
}

/// The model for these inputs and classes.
///
/// # Errors
/// [`TrainError::Transform`] if its transform cannot be planned.
pub(crate) fn model(config: &Config, inputs: usize, classes: usize) -> Result<Model, TrainError> {
    let spec = untransformed(config, inputs, classes);
    Ok(match transform::plan(config, &spec)? {
        None => Model {
            spec,
            transform: None,
        },
        Some(plan) => Model {
            spec: transform::spec(&plan, spec)?,
            transform: Some(plan),
        },
    })
}

fn untransformed(config: &Config, inputs: usize, classes: usize) -> MlpSpec {
    let ModelKind::Mlp { hidden } = &config.model.kind;
    MlpSpec {
        inputs,
        hidden: hidden.clone(),
        outputs: classes,
        norm: match config.model.norm {
            Norm::None => rewire_nn::Norm::None,
            Norm::Batch => rewire_nn::Norm::Batch,
            Norm::Layer => rewire_nn::Norm::Layer,
        },
        activation: match config.model.activation {
            Activation::Relu => rewire_nn::Activation::Relu,
            Activation::Gelu => rewire_nn::Activation::Gelu,
        },
        dropout: config.model.dropout,
        members: Members::default(),
    }
}

/// When a run of `steps` steps is rewired.
pub(crate) fn window(config: &Config, steps: u64) -> Result<Window, TrainError> {
    let rewire = &config.rewire;
    match config.sparsity.method {
        Method::Dense | Method::Static => Ok(Window::never()),
        Method::Set | Method::Rigl | Method::Dsr => {
            let end = (steps as f64 * rewire.end).floor() as u64;
            Ok(Window::every(rewire.every, end)?)
        }
    }
}

/// What part of the active weights RigL and SET drop.
pub(crate) fn fraction(config: &Config) -> Fraction {
    Fraction {
        initial: config.rewire.fraction,
        decay: decay(config.rewire.decay),
    }
}

/// The recipe of the configured method for a run of `steps` steps.
pub(crate) fn explorer(
    config: &Config,
    steps: u64,
    budget: &[LayerBudget],
) -> Result<Box<dyn Explorer>, TrainError> {
    let rewire = &config.rewire;
    let window = window(config, steps)?;
    let recipe: DropGrow = match config.sparsity.method {
        Method::Dense | Method::Static => methods::fixed::fixed(),
        Method::Set | Method::Rigl | Method::Dsr => {
            let fraction = fraction(config);
            match config.sparsity.method {
                Method::Rigl => match rewire.sample {
                    0 => methods::rigl::rigl(window, fraction),
                    per_active => methods::rigl::rigl_sampled(window, fraction, per_active),
                },
                Method::Set if rewire.two_sided => methods::set::set_two_sided(window, fraction),
                Method::Set => methods::set::set(window, fraction),
                Method::Dense | Method::Static | Method::Dsr => {
                    let target = rewire.target.unwrap_or(methods::dsr::TARGET);
                    let threshold = Threshold {
                        initial: rewire.threshold,
                        ..Threshold::per_round(target)
                    };
                    methods::dsr::dsr(window, threshold)
                }
            }
        }
    };
    let patterns = (budget.iter()).filter_map(|layer| Some((layer.weight(), layer.pattern?)));
    Ok(Box::new(recipe.explorer()?.with_patterns(patterns)?))
}

fn decay(decay: Decay) -> rewire_explore::Decay {
    match decay {
        Decay::Cosine => rewire_explore::Decay::Cosine,
        Decay::Constant => rewire_explore::Decay::Constant,
        Decay::Linear => rewire_explore::Decay::Linear,
        Decay::Cubic => rewire_explore::Decay::Cubic,
    }
}

pub(crate) fn optimizer(config: &Config) -> Box<dyn Optimizer> {
    let optimizer = &config.optimizer;
    match optimizer.kind {
        OptimizerKind::Sgd => Box::new(Sgd {
            momentum: optimizer.momentum,
            nesterov: optimizer.nesterov,
            weight_decay: optimizer.weight_decay,
        }),
        OptimizerKind::AdamW => Box::new(AdamW {
            beta1: optimizer.beta1,
            beta2: optimizer.beta2,
            epsilon: optimizer.epsilon,
            weight_decay: optimizer.weight_decay,
        }),
    }
}

pub(crate) fn learning_rate(config: &Config, steps: u64) -> LearningRate {
    let schedule = &config.schedule;
    LearningRate {
        base: schedule.lr,
        kind: match schedule.kind {
            ScheduleKind::Constant => LearningRateKind::Constant,
            ScheduleKind::Step => LearningRateKind::Step {
                every: schedule.step_every,
                factor: schedule.step_factor,
            },
            ScheduleKind::Cosine => LearningRateKind::Cosine,
            ScheduleKind::Linear => LearningRateKind::Linear,
        },
        warmup: schedule.warmup,
        total: steps,
    }
}

/// How the steps of the configured method are counted.
pub(crate) fn training_method(config: &Config) -> TrainingMethod {
    config.sparsity.method.counted(config.rewire.sample)
}

/// A pool of `threads` workers, one per core for 0. Results do not depend on the number.
pub(crate) fn pool(threads: usize) -> Result<ThreadPool, TrainError> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| TrainError::Threads {
            threads,
            what: error.to_string(),
        })
}
