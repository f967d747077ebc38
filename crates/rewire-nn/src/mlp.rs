//! Multilayer perceptrons: linear, bias, normalisation, activation, dropout, repeated.
//!
//! Layer `i` of n holds `fc{i}.weight` (`out × in`) and `fc{i}.bias`; hidden layers may be
//! normalised (`bn{i}` or `ln{i}`) before the activation. The last layer's output are the logits.

use rand::RngCore;
use rewire_autograd::{ParameterId, Tape, Var};
use rewire_rng::{Purpose, Streams};

use crate::error::NnError;
use crate::init::kaiming_normal;
use crate::parameter::{Parameter, Storage};
use crate::parameters::Parameters;
use crate::state::{RunningStatistics, State};

/// ε of both normalisations.
const EPSILON: f64 = 1e-5;

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
}

impl MlpSpec {
    /// Layer names with the `[out, in]` dimensions of their weights, first to last.
    pub fn layers(&self) -> Vec<(String, [usize; 2])> {
        let inputs = std::iter::once(self.inputs).chain(self.hidden.iter().copied());
        let outputs = self.hidden.iter().copied().chain([self.outputs]);
        inputs
            .zip(outputs)
            .enumerate()
            .map(|(index, (inputs, outputs))| (format!("fc{}", index + 1), [outputs, inputs]))
            .collect()
    }

    /// Trained values beside the weight matrices: biases, and the scales and shifts of the
    /// normalisations.
    pub fn n_vector_values(&self) -> u64 {
        let hidden: u64 = self.hidden.iter().map(|&units| units as u64).sum();
        let normalised = match self.norm {
            Norm::None => 0,
            Norm::Batch | Norm::Layer => 2 * hidden,
        };
        hidden + self.outputs as u64 + normalised
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

#[derive(Clone, Debug)]
struct Layer {
    name: String,
    weight: ParameterId,
    bias: ParameterId,
    norm: Option<(ParameterId, ParameterId)>,
}

/// A multilayer perceptron whose parameters live in a [`Parameters`].
#[derive(Clone, Debug)]
pub struct Mlp {
    spec: MlpSpec,
    layers: Vec<Layer>,
}

impl Mlp {
    /// Creates the parameters, one storage per layer, and initialises them: weights by
    /// [`kaiming_normal`] from the stream of their name, biases and shifts 0, scales 1.
    ///
    /// # Errors
    /// [`NnError::Model`] for a layer of width 0, a wrong number of storages or a dropout probability
    /// outside [0, 1); [`NnError::Shape`] if a storage has another shape than its layer.
    pub fn new(
        spec: MlpSpec,
        storages: Vec<Storage>,
        streams: Streams,
    ) -> Result<(Self, Parameters, State), NnError> {
        let named = spec.layers();
        if storages.len() != named.len() {
            return Err(NnError::Model(format!(
                "{} layers need as many storages, {} were given",
                named.len(),
                storages.len()
            )));
        }
        if !(0.0..1.0).contains(&spec.dropout) {
            return Err(NnError::Model(format!(
                "a dropout probability of {} is not in [0, 1)",
                spec.dropout
            )));
        }
        let mut parameters = Parameters::new();
        let mut state = State::default();
        let mut layers = Vec::with_capacity(named.len());
        let last = named.len() - 1;
        for (index, ((name, dims), storage)) in named.into_iter().zip(storages).enumerate() {
            if dims.contains(&0) {
                return Err(NnError::Model(format!(
                    "{name} would be {}×{}: every layer needs at least one unit",
                    dims[0], dims[1]
                )));
            }
            let mut weight = Parameter::new(format!("{name}.weight"), &dims, storage, true)?;
            let mut stream = streams.stream(Purpose::Init, weight.name(), 0);
            kaiming_normal(&mut weight, &mut stream);
            let weight = parameters.add(weight);
            let bias = parameters.add(vector(&format!("{name}.bias"), dims[0], 0.0)?);
            let norm = match spec.norm {
                _ if index == last => None,
                Norm::None => None,
                Norm::Batch | Norm::Layer => {
                    let kind = if spec.norm == Norm::Batch { "bn" } else { "ln" };
                    let norm = format!("{kind}{}", index + 1);
                    if spec.norm == Norm::Batch {
                        state
                            .norms
                            .push(RunningStatistics::new(norm.clone(), dims[0]));
                    }
                    let scale = parameters.add(vector(&format!("{norm}.weight"), dims[0], 1.0)?);
                    let shift = parameters.add(vector(&format!("{norm}.bias"), dims[0], 0.0)?);
                    Some((scale, shift))
                }
            };
            layers.push(Layer {
                name,
                weight,
                bias,
                norm,
            });
        }
        Ok((Self { spec, layers }, parameters, state))
    }

    /// The shape it was made from.
    pub fn spec(&self) -> &MlpSpec {
        &self.spec
    }

    /// The weight matrices, first layer first.
    pub fn weights(&self) -> impl Iterator<Item = ParameterId> + '_ {
        self.layers.iter().map(|layer| layer.weight)
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
        let mut x = input;
        let last = self.layers.len() - 1;
        for (index, layer) in self.layers.iter().enumerate() {
            let (weight, bias) = (layer.weight, layer.bias);
            if index == last {
                x = tape.affine(parameters, x, weight, bias);
                break;
            }
            x = match (layer.norm, self.spec.activation) {
                (None, Activation::Relu) => tape.affine_relu(parameters, x, weight, bias),
                (norm, activation) => {
                    let mut y = tape.affine(parameters, x, weight, bias);
                    if let Some((scale, shift)) = norm {
                        let norm = (index, scale, shift);
                        y = self.normalize(tape, parameters, state, y, norm, mode);
                    }
                    match activation {
                        Activation::Relu => tape.relu_in_place(y),
                        Activation::Gelu => tape.gelu(y),
                    }
                }
            };
            if let Mode::Train {
                streams,
                step,
                samples,
            } = mode
                && self.spec.dropout > 0.0
            {
                x = tape.dropout(x, self.spec.dropout, &mut |sample, words| {
                    let sample = u64::from(samples[sample]);
                    let mut stream =
                        streams.sample_stream(Purpose::Dropout, &layer.name, step, sample);
                    words.fill_with(|| stream.next_u32());
                });
            }
        }
        x
    }

    fn normalize(
        &self,
        tape: &mut Tape,
        parameters: &Parameters,
        state: &mut State,
        x: Var,
        (index, scale, shift): (usize, ParameterId, ParameterId),
        mode: Mode<'_>,
    ) -> Var {
        match (self.spec.norm, mode) {
            (Norm::Batch, Mode::Train { .. }) => {
                let x = tape.batch_norm(parameters, x, scale, shift, EPSILON);
                state.norms[index].observe(tape.statistics(x));
                x
            }
            (Norm::Batch, Mode::Evaluate) => {
                let running = &state.norms[index];
                tape.fixed_norm(
                    parameters,
                    x,
                    scale,
                    shift,
                    &running.mean,
                    &running.variance,
                    EPSILON,
                )
            }
            (Norm::Layer, _) => tape.layer_norm(parameters, x, scale, shift, EPSILON),
            (Norm::None, _) => x,
        }
    }
}

fn vector(name: &str, len: usize, value: f32) -> Result<Parameter, NnError> {
    let mut parameter = Parameter::new(name, &[len], Storage::Dense, false)?;
    parameter.values_mut().fill(value);
    Ok(parameter)
}
