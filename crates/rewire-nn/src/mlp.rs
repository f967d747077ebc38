//! Multilayer perceptrons: linear, bias, normalisation, activation, dropout, repeated.
//!
//! Layer `i` of n holds `fc{i}.weight` (`out × in`) and `fc{i}.bias`; hidden layers may be
//! normalised (`bn{i}` or `ln{i}`) before the activation. The last layer's output are the logits.
//! A layer may be a [`Member`] of several matrices, such as `fc{i}.u.weight` and `fc{i}.v.weight`.

use rewire_autograd::{ParameterId, Tape, Var};
use rewire_rng::{Purpose, Streams};

use crate::error::NnError;
use crate::init::kaiming_normal;
use crate::parameter::{Parameter, Storage};
use crate::parameters::Parameters;
use crate::state::{RunningStatistics, State};

mod fold;
mod forward;
mod member;

use forward::Pass;
pub use member::{MatrixSpec, Member, Members};

/// How hidden layers are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Not at all.
    None,
    /// Each feature over the batch.
    Batch,
    /// Each sample over its features.
    Layer,
}

/// What follows a hidden layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x·Φ(x)`.
    Gelu,
}

/// The shape of a multilayer perceptron.
#[derive(Clone, Debug, PartialEq)]
pub struct MlpSpec {
    /// Features of a sample.
    pub inputs: usize,
    /// Units of each hidden layer.
    pub hidden: Vec<usize>,
    /// Number of logits.
    pub outputs: usize,
    /// Normalisation of hidden layers.
    pub norm: Norm,
    /// Activation of hidden layers.
    pub activation: Activation,
    /// Probability that a hidden activation is silenced during training, in [0, 1).
    pub dropout: f64,
    /// What stands in the place of each weight matrix; [`Members::default`] for the matrix itself.
    pub members: Members,
}

impl MlpSpec {
    /// Names of the weight matrices with their `[out, in]` dimensions, in the order of the forward
    /// pass.
    pub fn layers(&self) -> Vec<(String, [usize; 2])> {
        let matrices = self.matrices().into_iter().flatten();
        matrices.map(|matrix| (matrix.name, matrix.dims)).collect()
    }

    /// The matrices of each layer, first to last.
    pub fn matrices(&self) -> Vec<Vec<MatrixSpec>> {
        let inputs = std::iter::once(self.inputs).chain(self.hidden.iter().copied());
        let outputs = self.hidden.iter().copied().chain([self.outputs]);
        inputs
            .zip(outputs)
            .enumerate()
            .map(|(index, (inputs, outputs))| {
                let name = format!("fc{}", index + 1);
                let member = self.members.of(index);
                member.matrices(&name, [outputs, inputs], self.members.linear)
            })
            .collect()
    }

    /// Trained values beside the weight matrices: biases, and the scales and shifts of the
    /// normalisations.
    pub fn n_vector_values(&self) -> u64 {
        let normalised = u64::from(self.norm != Norm::None);
        let of_matrix = |matrix: &MatrixSpec| {
            let bias = u64::from(matrix.has_bias);
            let norm = 2 * u64::from(matrix.bends) * normalised;
            (bias + norm) * matrix.dims[0] as u64
        };
        let matrices = self.matrices();
        let of_matrices: u64 = matrices.iter().flatten().map(of_matrix).sum();
        let hidden: u64 = self.hidden.iter().map(|&units| units as u64).sum();
        of_matrices + 2 * normalised * hidden
    }
}

/// What a forward pass is for.
#[derive(Clone, Copy, Debug)]
pub enum Mode<'a> {
    /// Batch statistics, dropout; `samples` are the indices of the batch's samples in the training
    /// set, which key the dropout streams.
    Train {
        /// The run's random streams.
        streams: Streams,
        /// The optimizer step.
        step: u64,
        /// One index per sample.
        samples: &'a [u32],
    },
    /// Running statistics, no dropout.
    Evaluate,
}

/// A weight matrix and what follows it at once.
#[derive(Clone, Debug)]
struct Matrix {
    weight: ParameterId,
    bias: Option<ParameterId>,
    /// σ, where it follows.
    bend: Option<Bend>,
}

/// A normalisation, if there is one, and the activation.
#[derive(Clone, Copy, Debug)]
struct Bend {
    norm: Option<NormParameters>,
}

/// Scale and shift of a normalisation, and where its running statistics stand.
#[derive(Clone, Copy, Debug)]
struct NormParameters {
    scale: ParameterId,
    shift: ParameterId,
    statistics: usize,
}

#[derive(Clone, Debug)]
struct Layer {
    name: String,
    member: Member,
    matrices: Vec<Matrix>,
    /// What follows a hidden layer.
    bend: Option<Bend>,
}

/// A multilayer perceptron whose parameters live in a [`Parameters`].
#[derive(Clone, Debug)]
pub struct Mlp {
    spec: MlpSpec,
    layers: Vec<Layer>,
}

impl Mlp {
    /// Creates the parameters, one storage per weight matrix, and initialises them: weights by
    /// [`kaiming_normal`] from the stream of their name, biases and shifts 0, scales 1.
    ///
    /// # Errors
    /// [`NnError::Model`] for a layer of width 0, a wrong number of storages or members or a dropout
    /// probability outside [0, 1); [`NnError::Shape`] if a storage has another shape than its layer.
    pub fn new(
        spec: MlpSpec,
        storages: Vec<Storage>,
        streams: Streams,
    ) -> Result<(Self, Parameters, State), NnError> {
        let matrices = spec.matrices();
        check(&spec, &matrices, storages.len())?;
        let mut parts = Parts {
            norm: spec.norm,
            parameters: Parameters::new(),
            state: State::default(),
        };
        let mut storages = storages.into_iter();
        let mut layers = Vec::with_capacity(matrices.len());
        let last = matrices.len() - 1;
        for (index, matrices) in matrices.into_iter().enumerate() {
            let mut built = Vec::with_capacity(matrices.len());
            for (matrix, storage) in matrices.iter().zip(storages.by_ref()) {
                built.push(parts.matrix(matrix, storage, streams)?);
            }
            let bend = match index == last {
                true => None,
                false => {
                    let name = |kind: &str| format!("{kind}{}", index + 1);
                    Some(parts.bend(name, spec.hidden[index])?)
                }
            };
            layers.push(Layer {
                name: format!("fc{}", index + 1),
                member: spec.members.of(index),
                matrices: built,
                bend,
            });
        }
        Ok((Self { spec, layers }, parts.parameters, parts.state))
    }

    /// The shape it was made from.
    pub fn spec(&self) -> &MlpSpec {
        &self.spec
    }

    /// The weight matrices in the order of the forward pass.
    pub fn weights(&self) -> impl Iterator<Item = ParameterId> + '_ {
        let matrices = self.layers.iter().flat_map(|layer| &layer.matrices);
        matrices.map(|matrix| matrix.weight)
    }

    /// Records the network on `tape` and returns its logits. In training mode each batch
    /// normalisation's running statistics take in the batch.
    ///
    /// # Panics
    /// If `input` does not have the network's number of features.
    pub fn forward(
        &self,
        tape: &mut Tape,
        parameters: &Parameters,
        state: &mut State,
        input: Var,
        mode: Mode<'_>,
    ) -> Var {
        let mut pass = Pass {
            spec: &self.spec,
            tape,
            parameters,
            state,
            mode,
        };
        let mut x = input;
        for layer in &self.layers {
            x = pass.layer(layer, x);
            if layer.bend.is_some() {
                x = pass.dropout(&layer.name, x);
            }
        }
        x
    }
}

/// Refuses what cannot be built.
fn check(spec: &MlpSpec, matrices: &[Vec<MatrixSpec>], storages: usize) -> Result<(), NnError> {
    let named = matrices.iter().flatten();
    let count = named.clone().count();
    if storages != count {
        return Err(NnError::Model(format!(
            "{count} layers need as many storages, {storages} were given"
        )));
    }
    let members = &spec.members.layers;
    if !members.is_empty() && members.len() != matrices.len() {
        return Err(NnError::Model(format!(
            "{} layers need as many members, {} were given",
            matrices.len(),
            members.len()
        )));
    }
    if !(0.0..1.0).contains(&spec.dropout) {
        return Err(NnError::Model(format!(
            "a dropout probability of {} is not in [0, 1)",
            spec.dropout
        )));
    }
    if let Some(index) = matrices.iter().position(Vec::is_empty) {
        return Err(NnError::Model(format!(
            "fc{} would be a sum of no branches",
            index + 1
        )));
    }
    for matrix in named {
        if matrix.dims.contains(&0) {
            return Err(NnError::Model(format!(
                "{} would be {}×{}: every layer needs at least one unit",
                matrix.name, matrix.dims[0], matrix.dims[1]
            )));
        }
    }
    Ok(())
}

/// What a network under construction has so far.
struct Parts {
    norm: Norm,
    parameters: Parameters,
    state: State,
}

impl Parts {
    fn matrix(
        &mut self,
        spec: &MatrixSpec,
        storage: Storage,
        streams: Streams,
    ) -> Result<Matrix, NnError> {
        let name = &spec.name;
        let mut weight = Parameter::new(format!("{name}.weight"), &spec.dims, storage, true)?;
        let mut stream = streams.stream(Purpose::Init, weight.name(), 0);
        kaiming_normal(&mut weight, &mut stream);
        if spec.gain != 1.0 {
            for value in weight.values_mut() {
                *value = (f64::from(*value) * spec.gain) as f32;
            }
        }
        let weight = self.parameters.add(weight);
        let bias = match spec.has_bias {
            true => Some(self.vector(&format!("{name}.bias"), spec.dims[0], 0.0)?),
            false => None,
        };
        let bend = match spec.bends {
            true => Some(self.bend(|kind| format!("{name}.{kind}"), spec.dims[0])?),
            false => None,
        };
        Ok(Matrix { weight, bias, bend })
    }

    /// σ; `name` makes the name of its normalisation from the kind of it.
    fn bend(&mut self, name: impl Fn(&str) -> String, features: usize) -> Result<Bend, NnError> {
        let kind = match self.norm {
            Norm::None => return Ok(Bend { norm: None }),
            Norm::Batch => "bn",
            Norm::Layer => "ln",
        };
        let name = name(kind);
        let statistics = self.state.norms.len();
        if self.norm == Norm::Batch {
            let running = RunningStatistics::new(name.clone(), features);
            self.state.norms.push(running);
        }
        let scale = self.vector(&format!("{name}.weight"), features, 1.0)?;
        let shift = self.vector(&format!("{name}.bias"), features, 0.0)?;
        let norm = NormParameters {
            scale,
            shift,
            statistics,
        };
        Ok(Bend { norm: Some(norm) })
    }

    fn vector(&mut self, name: &str, len: usize, value: f32) -> Result<ParameterId, NnError> {
        let mut parameter = Parameter::new(name, &[len], Storage::Dense, false)?;
        parameter.values_mut().fill(value);
        Ok(self.parameters.add(parameter))
    }
}
