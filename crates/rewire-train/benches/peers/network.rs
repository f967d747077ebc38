//! A multilayer perceptron: its whole training step, and its forward pass alone.
//!
//! The step is what the trainer does with one batch: rows into the tape, forward pass,
//! cross-entropy, backward pass, SGD with momentum. Weights and biases are written before the first
//! step, so that the other side starts from the same numbers.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rand::RngCore;
use rewire_autograd::{Fast, Gradients, Tape, Var};
use rewire_nn::{
    Activation, Members, Mlp, MlpSpec, Mode, Norm, Optimizer, Parameters, Sgd, State, Storage,
};
use rewire_rng::{Purpose, Streams};
use rewire_sparse::mask::{MatrixShape, Topology};

use crate::{Answer, files, unknown};

/// So small that the one batch is not learned by heart while it is timed.
const LEARNING_RATE: f64 = 1e-3;

const SGD: Sgd = Sgd {
    momentum: 0.9,
    nesterov: false,
    weight_decay: 0.0,
};

/// Steps whose losses are an answer.
const STEPS: usize = 3;

/// A network with one batch.
pub(crate) struct Network {
    start: Model,
    streams: Streams,
    samples: usize,
    rows: Vec<f32>,
    labels: Vec<u32>,
    indices: Vec<u32>,
    /// What runs, by candidate.
    running: Vec<(String, Running)>,
}

#[derive(Clone)]
struct Model {
    mlp: Mlp,
    parameters: Parameters,
    state: State,
}

/// A model under way, with the memory that it keeps from step to step.
struct Running {
    model: Model,
    tape: Tape,
    gradients: Gradients,
}

impl Network {
    /// Every layer has the same density; at 1 it is stored dense.
    pub(crate) fn new(seed: u64, samples: usize, density: f64, sizes: &[usize]) -> Answer<Self> {
        let [inputs, hidden @ .., outputs] = sizes else {
            return Err("a network has inputs and outputs".to_owned());
        };
        let streams = Streams::new(seed);
        let spec = MlpSpec {
            inputs: *inputs,
            hidden: hidden.to_vec(),
            outputs: *outputs,
            norm: Norm::None,
            activation: Activation::Relu,
            dropout: 0.0,
            members: Members::default(),
        };
        let storages: Answer<Vec<Storage>> = spec
            .layers()
            .iter()
            .map(|(name, dims)| storage(streams, name, *dims, density))
            .collect();
        let made = Mlp::new(spec, storages?, streams).map_err(|error| error.to_string())?;
        let (mlp, parameters, state) = made;
        let mut stream = streams.stream(Purpose::Shuffle, "batch", 0);
        let mut uniform = || f64::from(stream.next_u32()) / f64::from(u32::MAX);
        // Uniform with variance 1, as standardised data have.
        let rows = (0..samples * inputs)
            .map(|_| ((2.0 * uniform() - 1.0) * 3f64.sqrt()) as f32)
            .collect();
        let labels = (0..samples)
            .map(|_| ((uniform() * *outputs as f64) as u32).min(*outputs as u32 - 1))
            .collect();
        Ok(Self {
            start: Model {
                mlp,
                parameters,
                state,
            },
            streams,
            samples,
            rows,
            labels,
            indices: (0..samples as u32).collect(),
            running: Vec::new(),
        })
    }

    pub(crate) fn n_active(&self) -> u64 {
        let weights = self.start.mlp.weights();
        weights
            .map(|id| self.start.parameters.get(id).n_active())
            .sum()
    }

    /// Writes batch, labels and, of each layer, what is stored; biases begin at 0.
    pub(crate) fn write(&self, folder: &Path) -> Answer<()> {
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        files::write_f32(&folder.join("x.f32"), &self.rows)?;
        files::write_u32(&folder.join("labels.u32"), &self.labels)?;
        for (index, id) in self.start.mlp.weights().enumerate() {
            let parameter = self.start.parameters.get(id);
            let full;
            let topology = match parameter.topology() {
                Some(topology) => topology,
                None => {
                    full = Topology::full(parameter.shape());
                    &full
                }
            };
            let file = |what: &str| folder.join(format!("{index}.{what}"));
            files::write_f32(&file("values.f32"), parameter.values())?;
            files::write_u32(&file("columns.u32"), topology.columns())?;
            files::write_offsets(&file("offsets.u64"), topology.row_offsets())?;
        }
        Ok(())
    }

    /// A training step or a forward pass, once.
    pub(crate) fn run(&mut self, candidate: &str, product: &str) -> Answer<()> {
        match product {
            "step" => self.step(candidate).map(drop),
            "inference" => self.infer(candidate).map(drop),
            _ => Err(unknown(candidate, product)),
        }
    }

    /// The losses of the first steps, or the logits, a sample a row.
    pub(crate) fn result(&mut self, candidate: &str, product: &str) -> Answer<Vec<f32>> {
        self.running.retain(|(name, _)| name != candidate);
        match product {
            "step" => (0..STEPS)
                .map(|_| self.step(candidate).map(|loss| loss as f32))
                .collect(),
            "inference" => self.infer(candidate),
            _ => Err(unknown(candidate, product)),
        }
    }

    /// The place among what runs where `candidate` is, begun if it is not there.
    fn place(&mut self, candidate: &str) -> Answer<usize> {
        if let Some(place) = self.running.iter().position(|(name, _)| name == candidate) {
            return Ok(place);
        }
        let mut model = self.start.clone();
        for parameter in model.parameters.iter_mut() {
            match candidate {
                "tiled" => {}
                "own-dense" => {
                    let converted = parameter.convert(Storage::Dense);
                    converted.map_err(|error| error.to_string())?;
                }
                _ => return Err(unknown(candidate, "network")),
            }
            parameter.set_columns(SGD.columns());
        }
        let running = Running {
            model,
            tape: Tape::new(Arc::new(Fast::default())),
            gradients: Gradients::new(),
        };
        self.running.push((candidate.to_owned(), running));
        Ok(self.running.len() - 1)
    }

    /// One training step; returns the loss before it.
    fn step(&mut self, candidate: &str) -> Answer<f64> {
        let place = self.place(candidate)?;
        let running = &mut self.running[place].1;
        let mode = Mode::Train {
            streams: self.streams,
            step: 1,
            samples: &self.indices,
        };
        let logits = running.forward(&self.rows, self.samples, mode);
        let Running {
            model,
            tape,
            gradients,
        } = running;
        let (loss, value) = tape.softmax_cross_entropy(logits, &self.labels);
        tape.backward(loss, &model.parameters, gradients);
        model.parameters.step(&SGD, LEARNING_RATE, gradients);
        if value.is_finite() {
            Ok(value)
        } else {
            Err(format!("the loss is {value}"))
        }
    }

    /// One forward pass; returns the logits.
    fn infer(&mut self, candidate: &str) -> Answer<Vec<f32>> {
        let place = self.place(candidate)?;
        let running = &mut self.running[place].1;
        let logits = running.forward(&self.rows, self.samples, Mode::Evaluate);
        let rows = running.tape.value(logits).to_rows();
        Ok(rows.into_raw_vec_and_offset().0)
    }
}

impl Running {
    fn forward(&mut self, rows: &[f32], samples: usize, mode: Mode<'_>) -> Var {
        let Model {
            mlp,
            parameters,
            state,
        } = &mut self.model;
        self.tape.clear();
        let input = self.tape.input(rows, samples, mlp.spec().inputs);
        mlp.forward(&mut self.tape, parameters, state, input, mode)
    }
}

fn storage(streams: Streams, name: &str, dims: [usize; 2], density: f64) -> Answer<Storage> {
    if density >= 1.0 {
        return Ok(Storage::Dense);
    }
    let shape = MatrixShape::from_dims(&dims);
    let n_active = (density * shape.len() as f64).round() as u64;
    let mut stream = streams.stream(Purpose::Topology, name, 0);
    let topology = Topology::random(shape, n_active, &mut stream);
    Ok(Storage::Active(topology.map_err(|e| e.to_string())?))
}
