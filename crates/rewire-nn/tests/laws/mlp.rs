//! Multilayer perceptrons: what they are made of and what they compute.

use std::sync::Arc;

use ndarray::Array2;
use rewire_nn::autograd::{Batch, ParameterId, Plain, Tape};
use rewire_nn::rng::Streams;
use rewire_nn::{Activation, Members, Mlp, MlpSpec, Mode, Norm, Parameters, State, Storage};

use crate::by_position::{active, latent};
use crate::oracle::{
    BatchNorm, Bias, Equations, FixedNorm, Gelu, LayerNorm, Linear, Number, Relu, Rounded, numbers,
};

const EPSILON: f64 = 1e-5;

pub(crate) fn spec(norm: Norm, activation: Activation) -> MlpSpec {
    MlpSpec {
        inputs: 6,
        hidden: vec![7, 5],
        outputs: 3,
        norm,
        activation,
        dropout: 0.0,
        members: Members::default(),
    }
}

/// One layer of each storage.
pub(crate) fn storages() -> Vec<Storage> {
    let third = |n: u64| (0..n).filter(|p| p % 3 != 1).collect::<Vec<_>>();
    vec![
        active(7, 6, &third(42)),
        latent(5, 7, &third(35)),
        Storage::Dense,
    ]
}

#[test]
fn names_shapes_and_starting_values() {
    for (norm, prefix) in [
        (Norm::None, None),
        (Norm::Batch, Some("bn")),
        (Norm::Layer, Some("ln")),
    ] {
        let spec = spec(norm, Activation::Relu);
        assert_eq!(
            spec.layers(),
            [("fc1", [7, 6]), ("fc2", [5, 7]), ("fc3", [3, 5])]
                .map(|(name, dims)| (name.to_owned(), dims))
        );
        let streams = Streams::new(1);
        let (mlp, parameters, state) = Mlp::new(spec.clone(), storages(), streams).unwrap();
        assert_eq!(mlp.spec(), &spec);

        let mut expected: Vec<(String, Vec<usize>)> = Vec::new();
        for (layer, [outputs, inputs]) in [(1, [7, 6]), (2, [5, 7]), (3, [3, 5])] {
            expected.push((format!("fc{layer}.weight"), vec![outputs, inputs]));
            expected.push((format!("fc{layer}.bias"), vec![outputs]));
            if let Some(prefix) = prefix.filter(|_| layer < 3) {
                expected.push((format!("{prefix}{layer}.weight"), vec![outputs]));
                expected.push((format!("{prefix}{layer}.bias"), vec![outputs]));
            }
        }
        let found = parameters
            .iter()
            .map(|p| (p.name().to_owned(), p.dims().to_vec()));
        assert_eq!(found.collect::<Vec<_>>(), expected);
        let vectors = expected.iter().filter(|(_, dims)| dims.len() == 1);
        let values: usize = vectors.map(|(_, dims)| dims[0]).sum();
        assert_eq!(spec.n_vector_values(), values as u64);

        for parameter in parameters.iter() {
            let id = parameters.by_name(parameter.name()).expect("a name");
            assert_eq!(parameters.get(id), parameter);
            let start = match parameter.name() {
                name if name.starts_with("fc") && name.ends_with("weight") => {
                    assert!(parameter.values().iter().all(|&w| w != 0.0));
                    continue;
                }
                name if name.ends_with("weight") => 1.0,
                _ => 0.0,
            };
            assert!(
                parameter.values().iter().all(|&v| v == start),
                "{}",
                parameter.name()
            );
        }
        let weights: Vec<&str> = mlp.weights().map(|id| parameters.get(id).name()).collect();
        assert_eq!(weights, ["fc1.weight", "fc2.weight", "fc3.weight"]);
        assert_eq!(parameters.by_name("fc4.weight"), None);
        for (weight, storage) in mlp.weights().zip(storages()) {
            assert_eq!(parameters.get(weight).storage(), &storage);
        }

        let norms = if norm == Norm::Batch {
            vec![("bn1", 7), ("bn2", 5)]
        } else {
            vec![]
        };
        assert_eq!(state.norms.len(), norms.len());
        for (found, (name, features)) in state.norms.iter().zip(norms) {
            assert_eq!((found.name.as_str(), found.batches), (name, 0));
            assert_eq!(found.mean, vec![0.0; features]);
            assert_eq!(found.variance, vec![1.0; features]);
        }
    }
}

/// Each layer's weights come from the stream of their name: another layer's storage or width leaves
/// them alone.
#[test]
fn layers_are_initialised_independently() {
    let streams = Streams::new(9);
    let build = |first: Storage| {
        let spec = spec(Norm::None, Activation::Relu);
        let storages = vec![first, Storage::Dense, Storage::Dense];
        Mlp::new(spec, storages, streams).unwrap().1
    };
    let (dense, sparse) = (build(Storage::Dense), build(active(7, 6, &[3, 5])));
    for name in ["fc2.weight", "fc3.weight"] {
        let of = |parameters: &Parameters| {
            let id = parameters.by_name(name).expect("a name");
            parameters.get(id).values().to_vec()
        };
        assert_eq!(of(&dense), of(&sparse));
    }
}

/// A network whose vectors are no longer what they start with.
fn trained(norm: Norm, activation: Activation) -> (Mlp, Parameters, State) {
    let spec = spec(norm, activation);
    let (mlp, mut parameters, mut state) =
        Mlp::new(spec, storages(), Streams::new(1)).expect("the storages fit");
    for (seed, parameter) in (10..).zip(parameters.iter_mut()) {
        if parameter.dims().len() == 1 {
            let shifts = numbers(1, parameter.stored(), seed);
            let values = parameter.values_mut().iter_mut();
            values
                .zip(&shifts)
                .for_each(|(value, shift)| *value += shift / 2.0);
        }
    }
    for (seed, norm) in (20..).zip(&mut state.norms) {
        let n = norm.mean.len();
        norm.mean = numbers(1, n, seed).into_iter().collect();
        norm.variance = numbers(1, n, seed + 10)
            .mapv(|v| v * v + 0.1)
            .into_iter()
            .collect();
    }
    (mlp, parameters, state)
}

/// A parameter as a matrix, zeros for inactive weights.
pub(crate) fn matrix(parameters: &Parameters, name: &str) -> Array2<Rounded> {
    let id = parameters.by_name(name).expect("a name");
    let parameter = parameters.get(id);
    let shape = parameter.shape();
    let mut matrix = Array2::from_elem((shape.rows, shape.cols), Rounded::of(0.0));
    let mut put = |p: u64, value: f32| matrix[shape.row_col(p)] = Rounded::of(f64::from(value));
    match parameter.storage() {
        Storage::Dense => (0..).zip(parameter.values()).for_each(|(p, &v)| put(p, v)),
        Storage::Active(topology) => topology
            .positions()
            .zip(parameter.values())
            .for_each(|(p, &v)| put(p, v)),
        Storage::Latent(sets) => sets
            .forward()
            .positions()
            .for_each(|p| put(p, parameter.values()[p as usize])),
    }
    matrix
}

fn expected_logits(
    parameters: &Parameters,
    state: &State,
    (norm, activation): (Norm, Activation),
    is_training: bool,
    x: &Array2<f32>,
) -> Array2<Rounded> {
    let get = |name: String| matrix(parameters, &name);
    let mut x = x.mapv(|v| Rounded::of(f64::from(v)));
    for layer in 1..=3 {
        x = Linear.forward(&[x, get(format!("fc{layer}.weight"))]);
        x = Bias.forward(&[x, get(format!("fc{layer}.bias"))]);
        if layer == 3 {
            break;
        }
        let affine = |prefix: &str, x| {
            [
                x,
                get(format!("{prefix}{layer}.weight")),
                get(format!("{prefix}{layer}.bias")),
            ]
        };
        let epsilon = EPSILON;
        x = match norm {
            Norm::None => x,
            Norm::Layer => LayerNorm { epsilon }.forward(&affine("ln", x)),
            Norm::Batch if is_training => BatchNorm { epsilon }.forward(&affine("bn", x)),
            Norm::Batch => {
                let running = &state.norms[layer - 1];
                let (mean, variance) = (running.mean.clone(), running.variance.clone());
                FixedNorm {
                    mean,
                    variance,
                    epsilon,
                }
                .forward(&affine("bn", x))
            }
        };
        x = match activation {
            // Where rounding could cross the kink the bound would not hold; these values do not
            // come near it.
            Activation::Relu => {
                assert!(x.iter().all(|x| x.value.abs() > x.slack));
                Relu.forward(&[x])
            }
            Activation::Gelu => Gelu.forward(&[x]),
        };
    }
    x
}

#[test]
fn logits_agree_with_the_oracle() {
    for norm in [Norm::None, Norm::Batch, Norm::Layer] {
        for activation in [Activation::Relu, Activation::Gelu] {
            for samples in [1, 2, 65] {
                for is_training in [true, false] {
                    let what = format!("{norm:?}, {activation:?}, {samples} samples");
                    // One sample has no deviation within the batch: nothing but the shift is left.
                    if norm == Norm::Batch && is_training && samples < 3 {
                        continue;
                    }
                    let (mlp, parameters, mut state) = trained(norm, activation);
                    let before = state.clone();
                    let x = numbers(samples, 6, 3);
                    let rows: Vec<f32> = x.iter().copied().collect();
                    let mut tape = Tape::new(Arc::new(Plain));
                    let input = tape.input(&rows, samples, 6);
                    let indices: Vec<u32> = (0..samples as u32).collect();
                    let mode = match is_training {
                        true => train(&indices),
                        false => Mode::Evaluate,
                    };
                    let z = mlp.forward(&mut tape, &parameters, &mut state, input, mode);
                    let z = tape.value(z).to_rows();
                    let settings = (norm, activation);
                    let expected = expected_logits(&parameters, &before, settings, is_training, &x);
                    assert_eq!(z.dim(), expected.dim());
                    for (expected, &found) in expected.iter().zip(&z) {
                        let error = (expected.value - f64::from(found)).abs();
                        assert!(error <= expected.slack, "{what}: {found}, {expected:?}");
                        assert!(expected.slack < 1e-2, "{what}: {expected:?}");
                    }
                    // Only training batches are remembered.
                    let remembers = norm == Norm::Batch && is_training;
                    assert_eq!(state != before, remembers, "{what}");
                }
            }
        }
    }
}

pub(crate) fn train(samples: &[u32]) -> Mode<'_> {
    Mode::Train {
        streams: Streams::new(5),
        step: 3,
        samples,
    }
}

/// Evaluation is a function of parameters and running statistics, whatever happened on the tape.
#[test]
fn evaluation_is_deterministic_and_leaves_no_trace() {
    let (mlp, parameters, mut state) = trained(Norm::Batch, Activation::Gelu);
    let before = state.clone();
    let mut tape = Tape::new(Arc::new(Plain));
    let mut run = |tape: &mut Tape, samples: usize| -> Batch {
        tape.clear();
        let rows: Vec<f32> = numbers(samples, 6, 4).into_iter().collect();
        let input = tape.input(&rows, samples, 6);
        let z = mlp.forward(tape, &parameters, &mut state, input, Mode::Evaluate);
        tape.value(z).clone()
    };
    let first = run(&mut tape, 65);
    run(&mut tape, 130);
    assert_eq!(run(&mut tape, 65), first);
    assert_eq!(state, before);
}

#[test]
fn parameters_are_numbered_in_order() {
    let (_, parameters, _) = trained(Norm::Layer, Activation::Relu);
    for (index, parameter) in parameters.iter().enumerate() {
        assert_eq!(
            parameters.by_name(parameter.name()),
            Some(ParameterId(index))
        );
    }
}
