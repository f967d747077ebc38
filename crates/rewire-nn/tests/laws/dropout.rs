//! Dropout in a network: which activations fall silent is a function of seed, layer, step and sample.

use std::sync::Arc;

use ndarray::{Array2, Axis, concatenate};
use rand::RngCore;
use rewire_nn::autograd::{Plain, Tape};
use rewire_nn::rng::{Purpose, Streams};
use rewire_nn::{Activation, Mlp, MlpSpec, Mode, Norm, Parameters, State, Storage};

use crate::mlp::{spec, storages, train};

/// A network of whole numbers: sums are exact in any order, so equality is to be expected.
fn whole(dropout: f64) -> (Mlp, Parameters, State) {
    let spec = MlpSpec {
        dropout,
        ..spec(Norm::None, Activation::Relu)
    };
    let (mlp, mut parameters, state) =
        Mlp::new(spec, storages(), Streams::new(1)).expect("the storages fit");
    for parameter in parameters.iter_mut() {
        for (index, value) in parameter.values_mut().iter_mut().enumerate() {
            *value = (index % 5) as f32 - 1.0;
        }
    }
    (mlp, parameters, state)
}

fn logits(network: &(Mlp, Parameters, State), samples: &[u32], mode: Mode<'_>) -> Array2<f32> {
    let (mlp, parameters, state) = network;
    let mut tape = Tape::new(Arc::new(Plain));
    let rows: Vec<f32> = samples
        .iter()
        .flat_map(|&sample| (0..6).map(move |f| ((sample * 7 + f) % 4) as f32))
        .collect();
    let input = tape.input(&rows, samples.len(), 6);
    let z = mlp.forward(&mut tape, parameters, &mut state.clone(), input, mode);
    tape.value(z).to_rows()
}

/// Which activations fall silent depends on the sample, the step and the layer, not on the batch a
/// sample is in nor on its place there.
#[test]
fn dropout_does_not_depend_on_batching() {
    let network = whole(0.5);
    let all: Vec<u32> = (0..130).map(|i| (i * 37) % 130).collect();
    let together = logits(&network, &all, train(&all));
    for cut in [1, 63, 64, 65, 129] {
        let (first, second) = all.split_at(cut);
        let first = logits(&network, first, train(first));
        let second = logits(&network, second, train(second));
        let apart = concatenate(Axis(0), &[first.view(), second.view()]);
        assert_eq!(apart.unwrap(), together);
    }
    // Another step, another sample: another pattern. Without dropout: none.
    let later = Mode::Train {
        streams: Streams::new(5),
        step: 4,
        samples: &all,
    };
    assert_ne!(logits(&network, &all, later), together);
    assert_ne!(logits(&network, &all, Mode::Evaluate), together);
    let without = whole(0.0);
    let evaluated = logits(&network, &all, Mode::Evaluate);
    assert_eq!(logits(&without, &all, train(&all)), evaluated);
}

/// The words of a hidden layer are those of its name's stream.
#[test]
fn dropout_words_come_from_the_layers_stream() {
    let mut network = whole(0.75);
    // Each logit of layer 1 to 3 passes one hidden unit through: W = identity, no biases.
    let spec = MlpSpec {
        inputs: 4,
        hidden: vec![4],
        outputs: 4,
        ..network.0.spec().clone()
    };
    network = Mlp::new(spec, vec![Storage::Dense; 2], Streams::new(1)).unwrap();
    for name in ["fc1.weight", "fc2.weight"] {
        let id = network.1.by_name(name).expect("a name");
        let values = network.1.get_mut(id).values_mut();
        values
            .iter_mut()
            .enumerate()
            .for_each(|(i, v)| *v = f32::from(u8::from(i % 5 == 0)));
    }
    let samples = [7u32, 900];
    let mut tape = Tape::new(Arc::new(Plain));
    let input = tape.input(&[1.0; 8], 2, 4);
    let (mlp, parameters, state) = &mut network;
    let z = mlp.forward(&mut tape, parameters, state, input, train(&samples));
    let z = tape.value(z).to_rows();
    for (row, sample) in z.rows().into_iter().zip(samples) {
        let streams = Streams::new(5);
        let mut stream = streams.sample_stream(Purpose::Dropout, "fc1", 3, u64::from(sample));
        for &unit in row {
            let is_silent = stream.next_u32() < 3 << 30;
            assert_eq!(unit, if is_silent { 0.0 } else { 4.0 });
        }
    }
}
