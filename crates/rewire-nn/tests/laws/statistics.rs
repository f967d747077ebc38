//! What a model remembers of its training batches.

use std::sync::Arc;

use rewire_nn::autograd::{Plain, Tape};
use rewire_nn::rng::Streams;
use rewire_nn::{Activation, Mlp, MlpSpec, Norm, Storage};

use crate::mlp::{spec, train};
use crate::oracle::numbers;

/// Running statistics after three batches, against their equations in f64: the unbiased variance,
/// a tenth of each batch; one sample counts as variance 0.
#[test]
fn running_statistics_follow_their_equations() {
    let spec = MlpSpec {
        inputs: 2,
        hidden: vec![2],
        outputs: 2,
        ..spec(Norm::Batch, Activation::Relu)
    };
    let storages = vec![Storage::Dense; 2];
    let (mlp, mut parameters, mut state) = Mlp::new(spec, storages, Streams::new(1)).unwrap();
    let id = parameters.by_name("fc1.weight").expect("a name");
    // The identity: what is normalised is the input.
    parameters
        .get_mut(id)
        .values_mut()
        .copy_from_slice(&[1.0, 0.0, 0.0, 1.0]);
    let (mut mean, mut variance) = ([0.0f64; 2], [1.0f64; 2]);
    let mut tape = Tape::new(Arc::new(Plain));
    for (seen, samples) in (1..).zip([70usize, 2, 1, 64]) {
        let x = numbers(samples, 2, seen).mapv(|x| x * 3.0 + 1.0);
        let rows: Vec<f32> = x.iter().copied().collect();
        let indices: Vec<u32> = (0..samples as u32).collect();
        let input = tape.input(&rows, samples, 2);
        mlp.forward(&mut tape, &parameters, &mut state, input, train(&indices));
        tape.clear();
        for f in 0..2 {
            let column: Vec<f64> = x.column(f).iter().map(|&x| f64::from(x)).collect();
            let n = column.len() as f64;
            let m = column.iter().sum::<f64>() / n;
            let squares: f64 = column.iter().map(|x| (x - m).powi(2)).sum();
            let unbiased = if samples > 1 {
                squares / (n - 1.0)
            } else {
                0.0
            };
            mean[f] = 0.9 * mean[f] + 0.1 * m;
            variance[f] = 0.9 * variance[f] + 0.1 * unbiased;
            let running = &state.norms[0];
            // A batch's statistics are below 16 and rounded a few times, then count a tenth.
            let bound = 16.0 * f64::from(f32::EPSILON);
            assert!((f64::from(running.mean[f]) - mean[f]).abs() < bound);
            assert!((f64::from(running.variance[f]) - variance[f]).abs() < bound);
            assert_eq!(running.batches, seen);
        }
    }
}
