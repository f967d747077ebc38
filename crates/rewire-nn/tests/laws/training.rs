//! Training as a whole: three steps by the equations, and a loss that falls.

use std::sync::Arc;

use ndarray::Array2;
use rewire_nn::autograd::mask::{
    Candidates, GrowthRequest, LayerRequest, MatrixShape, Rewiring, Topology, lowest,
};
use rewire_nn::autograd::{Gradients, Plain, Tape, correct_predictions};
use rewire_nn::rng::{Purpose, Streams};
use rewire_nn::{Activation, Members, Mlp, MlpSpec, Mode, Norm, Optimizer, Sgd, Storage};

use crate::by_position::active;
use crate::mlp::matrix;
use crate::oracle::{Bias, CrossEntropy, Equations, Linear, Loss, Number, Relu, Rounded, numbers};
use crate::rewiring::OPTIMIZERS;

/// A dense network whose weights are held to a mask is what an active network computes. The dense
/// one is written out here, in f64 with running error bounds: forward, backward, SGD with momentum
/// and decay, inactive weights put back to 0.
#[test]
fn three_steps_equal_those_of_a_masked_dense_network() {
    let spec = MlpSpec {
        inputs: 5,
        hidden: vec![8],
        outputs: 3,
        norm: Norm::None,
        activation: Activation::Relu,
        dropout: 0.0,
        members: Members::default(),
    };
    let storages = vec![
        active(8, 5, &(0..40).filter(|p| p % 3 != 0).collect::<Vec<_>>()),
        active(3, 8, &(0..24).filter(|p| p % 4 != 1).collect::<Vec<_>>()),
    ];
    let (mlp, mut parameters, mut state) = Mlp::new(spec, storages, Streams::new(3)).unwrap();
    let sgd = Sgd {
        momentum: 0.9,
        nesterov: false,
        weight_decay: 0.01,
    };
    for parameter in parameters.iter_mut() {
        parameter.set_columns(sgd.columns());
    }
    let names = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"];
    let mut dense: Vec<Array2<Rounded>> =
        names.iter().map(|name| matrix(&parameters, name)).collect();
    let masks: Vec<Array2<bool>> = dense.iter().map(|w| w.mapv(|w| w.value != 0.0)).collect();
    let mut velocities: Vec<_> = dense.iter().map(|w| w.mapv(|_| Rounded::of(0.0))).collect();

    let mut tape = Tape::new(Arc::new(Plain));
    let mut gradients = Gradients::new();
    for step in 1..=3 {
        let x = numbers(65, 5, step);
        let loss = CrossEntropy {
            labels: (0..65).map(|s| (s * s) % 3).collect(),
        };
        let indices: Vec<u32> = (0..65).collect();
        tape.clear();
        let rows: Vec<f32> = x.iter().copied().collect();
        let input = tape.input(&rows, 65, 5);
        let mode = Mode::Train {
            streams: Streams::new(3),
            step,
            samples: &indices,
        };
        let z = mlp.forward(&mut tape, &parameters, &mut state, input, mode);
        let (end, mean) = loss.record(&mut tape, z);
        tape.backward(end, &parameters, &mut gradients);
        parameters.step(&sgd, 0.1, &gradients);

        let x = x.mapv(|v| Rounded::of(f64::from(v)));
        let [w1, b1, w2, b2] = [0, 1, 2, 3].map(|index| dense[index].clone());
        let product = Linear.forward(&[x.clone(), w1.clone()]);
        let sum = Bias.forward(&[product.clone(), b1.clone()]);
        // Rounding must not cross the kink.
        assert!(sum.iter().all(|x| x.value.abs() > x.slack));
        let hidden = Relu.forward(std::slice::from_ref(&sum));
        let last = Linear.forward(&[hidden.clone(), w2.clone()]);
        let z = Bias.forward(&[last.clone(), b2.clone()]);
        let expected = loss.mean(&z);
        assert!(
            (mean - expected.value).abs() <= expected.slack,
            "{mean}, {expected:?}"
        );

        let through_b2 = Bias.backward(&[last, b2], &loss.backward(&z));
        let through_w2 = Linear.backward(&[hidden, w2], &through_b2[0]);
        let through_relu = Relu.backward(&[sum], &through_w2[0]);
        let through_b1 = Bias.backward(&[product, b1], &through_relu[0]);
        let through_w1 = Linear.backward(&[x, w1], &through_b1[0]);
        let all = [
            &through_w1[1],
            &through_b1[1],
            &through_w2[1],
            &through_b2[1],
        ];
        for (index, gradient) in all.into_iter().enumerate() {
            // Decay applies to weights alone.
            let decay = Rounded::of(if index % 2 == 0 { 0.01 } else { 0.0 });
            for (at, &is_active) in masks[index].indexed_iter() {
                if is_active || index % 2 == 1 {
                    let (w, v) = (&mut dense[index][at], &mut velocities[index][at]);
                    let g = gradient[at] + decay * *w;
                    *v = Rounded::of(0.9) * *v + g;
                    *w = *w - Rounded::of(0.1) * *v;
                }
            }
            let found = matrix(&parameters, names[index]);
            for (found, expected) in found.iter().zip(&dense[index]) {
                let error = (found.value - expected.value).abs();
                let name = names[index];
                assert!(
                    error <= expected.slack,
                    "{name}, step {step}: {found:?}, {expected:?}"
                );
                assert!(expected.slack < 1e-4, "{name}, step {step}: {expected:?}");
            }
        }
    }
}

/// Points of the square, labelled by whether their coordinates have the same sign: no linear
/// classifier does better than guessing.
fn points(n: usize, seed: u64) -> (Vec<f32>, Vec<u32>) {
    let points = numbers(n, 2, seed);
    let labels = points
        .rows()
        .into_iter()
        .map(|p| u32::from(p[0] * p[1] > 0.0))
        .collect();
    (points.into_iter().collect(), labels)
}

/// An active network learns what a linear one cannot, while a few of its weights are rewired by
/// gradient every 20 steps; columns follow, and the number of weights stays.
#[test]
fn an_active_network_learns_while_it_is_rewired() {
    for optimizer in OPTIMIZERS {
        let streams = Streams::new(11);
        let spec = MlpSpec {
            inputs: 2,
            hidden: vec![24, 16],
            outputs: 2,
            norm: Norm::Batch,
            activation: Activation::Relu,
            dropout: 0.05,
            members: Members::default(),
        };
        let sparse = |rows: usize, cols: usize| {
            let n = (rows * cols) as u64;
            active(
                rows,
                cols,
                &(0..n).filter(|p| p * 7 % 5 < 2).collect::<Vec<_>>(),
            )
        };
        let storages = vec![sparse(24, 2), sparse(16, 24), Storage::Dense];
        let (mlp, mut parameters, mut state) = Mlp::new(spec, storages, streams).unwrap();
        for parameter in parameters.iter_mut() {
            parameter.set_columns(optimizer.columns());
        }
        let middle = parameters.by_name("fc2.weight").expect("a name");
        let stored = parameters.get(middle).stored();
        let (rate, steps) = (0.02, 300);
        let mut tape = Tape::new(Arc::new(Plain));
        let mut gradients = Gradients::new();
        let mut losses = Vec::new();
        for step in 1..=steps {
            let (rows, labels) = points(100, step);
            let indices: Vec<u32> = (0..100).collect();
            tape.clear();
            let input = tape.input(&rows, 100, 2);
            let mode = Mode::Train {
                streams,
                step,
                samples: &indices,
            };
            let z = mlp.forward(&mut tape, &parameters, &mut state, input, mode);
            let (end, loss) = tape.softmax_cross_entropy(z, &labels);
            losses.push(loss);
            if step % 20 == 0 {
                let weight = parameters.get(middle);
                let topology = weight.topology().expect("active storage");
                let magnitudes: Vec<f32> = weight.values().iter().map(|w| w.abs()).collect();
                let lightest = lowest(&magnitudes, 5).unwrap();
                let dropped: Vec<u64> = lightest.iter().map(|&i| topology.position(i)).collect();
                let request = LayerRequest {
                    growth: GrowthRequest::TopK { k: 5 },
                    readmitted: dropped.clone(),
                };
                let answers = tape.growth(end, &parameters, &[(middle, request)]).unwrap();
                let [Candidates::Best(best)] = &answers[..] else {
                    panic!("{answers:?} does not answer a request for the best");
                };
                let grown = best.iter().map(|candidate| candidate.position).collect();
                let rewiring = Rewiring::net(dropped, grown).unwrap();
                parameters.get_mut(middle).rewire(&rewiring).unwrap();
                assert_eq!(parameters.get(middle).stored(), stored);
            } else {
                tape.backward(end, &parameters, &mut gradients);
                parameters.step(optimizer, rate, &gradients);
            }
        }
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (first, last) = (mean(&losses[..20]), mean(&losses[losses.len() - 20..]));
        // Guessing costs log 2 = .69.
        assert!(last < first / 2.0 && last < 0.35, "{first} to {last}");

        let (rows, labels) = points(1000, 9999);
        tape.clear();
        let input = tape.input(&rows, 1000, 2);
        let z = mlp.forward(&mut tape, &parameters, &mut state, input, Mode::Evaluate);
        let right = correct_predictions(tape.value(z), &labels);
        assert!(right > 900, "{right} of 1000");
    }
}

/// Two runs from one seed end in the same bits.
#[test]
fn runs_repeat_to_the_bit() {
    let run = || {
        let streams = Streams::new(4);
        let spec = MlpSpec {
            inputs: 2,
            hidden: vec![9],
            outputs: 2,
            norm: Norm::Layer,
            activation: Activation::Gelu,
            dropout: 0.3,
            members: Members::default(),
        };
        let mut stream = streams.stream(Purpose::Topology, "fc1.weight", 0);
        let shape = MatrixShape::new(9, 2);
        let topology = Topology::random(shape, 11, &mut stream).unwrap();
        let storages = vec![Storage::Active(topology), Storage::Dense];
        let (mlp, mut parameters, mut state) = Mlp::new(spec, storages, streams).unwrap();
        let [_, adamw] = OPTIMIZERS;
        for parameter in parameters.iter_mut() {
            parameter.set_columns(adamw.columns());
        }
        let mut tape = Tape::new(Arc::new(Plain));
        let mut gradients = Gradients::new();
        for step in 1..=10 {
            let (rows, labels) = points(30, step);
            let indices: Vec<u32> = (0..30).collect();
            tape.clear();
            let input = tape.input(&rows, 30, 2);
            let mode = Mode::Train {
                streams,
                step,
                samples: &indices,
            };
            let z = mlp.forward(&mut tape, &parameters, &mut state, input, mode);
            let (end, _) = tape.softmax_cross_entropy(z, &labels);
            tape.backward(end, &parameters, &mut gradients);
            parameters.step(adamw, 0.01, &gradients);
        }
        parameters
    };
    assert_eq!(run(), run());
}
