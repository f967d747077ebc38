//! Trains a sparse perceptron and moves a tenth of its weights by hand: no explorer, no trainer.

use std::sync::Arc;

use rewire_nn::autograd::mask::{MatrixShape, Rewiring, Topology, lowest};
use rewire_nn::autograd::{Gradients, Plain, Tape, correct_predictions};
use rewire_nn::rng::{Purpose, Streams, below};
use rewire_nn::{
    Activation, AdamW, LearningRate, LearningRateKind, Members, Mlp, MlpSpec, Mode, Norm,
    Optimizer, Storage,
};

const SAMPLES: usize = 128;
const STEPS: u64 = 400;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let streams = Streams::new(7);
    let spec = MlpSpec {
        inputs: 2,
        hidden: vec![32, 32],
        outputs: 2,
        norm: Norm::Layer,
        activation: Activation::Relu,
        dropout: 0.0,
        members: Members::default(),
    };
    let mut stream = streams.stream(Purpose::Topology, "fc2.weight", 0);
    let middle = Topology::random(MatrixShape::new(32, 32), 256, &mut stream)?;
    let storages = vec![Storage::Dense, Storage::Active(middle), Storage::Dense];
    let (mlp, mut parameters, mut state) = Mlp::new(spec, storages, streams)?;
    let adamw = AdamW {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 1e-4,
    };
    parameters
        .iter_mut()
        .for_each(|parameter| parameter.set_columns(adamw.columns()));
    let rate = LearningRate {
        base: 0.01,
        kind: LearningRateKind::Cosine,
        warmup: 10,
        total: STEPS,
    };
    let middle = parameters.by_name("fc2.weight").ok_or("no fc2.weight")?;

    let mut tape = Tape::new(Arc::new(Plain));
    let mut gradients = Gradients::new();
    for step in 1..=STEPS {
        if step.is_multiple_of(100) {
            // The lightest tenth makes room for as many random places.
            let weight = parameters.get(middle);
            let topology = weight.topology().ok_or("fc2 is not sparse")?;
            let magnitudes: Vec<f32> = weight.values().iter().map(|w| w.abs()).collect();
            let lightest = lowest(&magnitudes, 25)?;
            let dropped = lightest.iter().map(|&i| topology.position(i)).collect();
            let mut stream = streams.stream(Purpose::Rewire, weight.name(), step);
            let grown = topology.sample_inactive(25, &[], &mut stream)?;
            let rewiring = Rewiring::new(dropped, grown)?;
            parameters.get_mut(middle).rewire(&rewiring)?;
            assert_eq!(parameters.get(middle).stored(), 256);
        }
        let (rows, labels) = rings(streams, step);
        let indices: Vec<u32> = (0..SAMPLES as u32).collect();
        tape.clear();
        let input = tape.input(&rows, SAMPLES, 2);
        let mode = Mode::Train {
            streams,
            step,
            samples: &indices,
        };
        let logits = mlp.forward(&mut tape, &parameters, &mut state, input, mode);
        let (loss, _) = tape.softmax_cross_entropy(logits, &labels);
        tape.backward(loss, &parameters, &mut gradients);
        parameters.step(&adamw, rate.at(step), &gradients);
    }

    let (rows, labels) = rings(streams, STEPS + 1);
    tape.clear();
    let input = tape.input(&rows, SAMPLES, 2);
    let logits = mlp.forward(&mut tape, &parameters, &mut state, input, Mode::Evaluate);
    let right = correct_predictions(tape.value(logits), &labels);
    assert!(right * 10 >= 9 * SAMPLES as u64, "{right} of {SAMPLES}");
    println!("rings: {right} of {SAMPLES} points right with 256 of 1024 middle weights");
    Ok(())
}

/// Points of the square; the label says whether the distance from the middle lies in a ring.
fn rings(streams: Streams, step: u64) -> (Vec<f32>, Vec<u32>) {
    let mut stream = streams.stream(Purpose::Shuffle, "points", step);
    let mut coordinate = || below(2001, &mut stream) as f32 / 1000.0 - 1.0;
    let rows: Vec<f32> = (0..2 * SAMPLES).map(|_| coordinate()).collect();
    let label = |p: &[f32]| u32::from((0.4..0.85).contains(&p[0].hypot(p[1])));
    let labels = rows.chunks_exact(2).map(label).collect();
    (rows, labels)
}
