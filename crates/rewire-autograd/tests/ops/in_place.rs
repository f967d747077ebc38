//! Ops that take the memory of their operand, and batches that several threads share: 600 features
//! of a panel are more than one task takes.

use rewire_autograd::{ParameterId, Var};

use crate::oracle::{Stored, numbers};
use crate::tape::Bench;

const FEATURES: usize = 600;

fn bench() -> Bench {
    Bench::new(&[
        Stored::dense(&numbers(FEATURES, 5, 1)),
        Stored::dense(&numbers(1, FEATURES, 2)),
        Stored::dense(&numbers(4, FEATURES, 3)),
    ])
}

/// Logits of two layers, the first with a bias and a ReLU.
fn record(bench: &mut Bench, samples: usize, in_place: bool) -> [Var; 4] {
    let (tape, store, id) = (&mut bench.tape, &bench.store, ParameterId);
    let rows: Vec<f32> = numbers(samples, 5, 4).into_iter().collect();
    let x = tape.input(&rows, samples, 5);
    let product = tape.linear(store, x, id(0));
    let sum = tape.bias(store, product, id(1));
    let clipped = if in_place {
        tape.relu_in_place(sum)
    } else {
        tape.relu(sum)
    };
    [product, sum, clipped, tape.linear(store, clipped, id(2))]
}

#[test]
fn ops_in_place_have_the_bits_of_those_that_copy() {
    for samples in [1, 64, 130] {
        let labels: Vec<u32> = (0..samples as u32).map(|sample| sample % 4).collect();
        let run = |in_place| {
            let mut bench = bench();
            let [product, sum, clipped, logits] = record(&mut bench, samples, in_place);
            let values = bench.tape.value(clipped).to_rows();
            let kept = if in_place { 0 } else { samples };
            assert_eq!(bench.tape.value(sum).samples(), kept);
            assert_eq!(bench.tape.value(product).samples(), samples);
            let (loss, mean) = bench.tape.softmax_cross_entropy(logits, &labels);
            let gradients = [0, 1, 2].map(|parameter| bench.gradient(loss, parameter));
            (values, mean.to_bits(), gradients)
        };
        assert!(run(true) == run(false), "{samples} samples");
    }
}

#[test]
fn every_value_gets_the_bias_of_its_feature_and_is_clipped() {
    let mut bench = bench();
    let [product, _, clipped, _] = record(&mut bench, 130, false);
    let bias = numbers(1, FEATURES, 2);
    let (before, after) = (bench.tape.value(product), bench.tape.value(clipped));
    for ((place, before), after) in before.to_rows().indexed_iter().zip(after.to_rows()) {
        assert_eq!(after, (before + bias[[0, place.1]]).max(0.0), "{place:?}");
    }
}

/// Of the mean square over n values, db[f] = Σ_s 2 (x[s, f] + b[f]) / n.
#[test]
fn the_gradient_of_a_bias_is_summed_over_its_own_feature() {
    let samples = 130;
    let mut bench = bench();
    let x = numbers(samples, FEATURES, 5);
    let rows: Vec<f32> = x.iter().copied().collect();
    let input = bench.tape.input(&rows, samples, FEATURES);
    let sum = bench.tape.bias(&bench.store, input, ParameterId(1));
    let zeros = vec![0.0; rows.len()];
    let (loss, _) = bench.tape.mean_squared_error(sum, &zeros);
    let gradient = bench.gradient(loss, 1);
    let bias = numbers(1, FEATURES, 2);
    for (feature, &found) in gradient.iter().enumerate() {
        let slope = |sample: usize| {
            let value = f64::from(x[[sample, feature]]) + f64::from(bias[[0, feature]]);
            2.0 * value / rows.len() as f64
        };
        let exact: f64 = (0..samples).map(slope).sum();
        // Three roundings of every term, whose parts are below 2, and one of every addition.
        let size = 4.0 / rows.len() as f64;
        let bound = f64::from(f32::EPSILON) * (samples * (samples + 3)) as f64 * size;
        assert!((f64::from(found) - exact).abs() <= bound, "{feature}");
    }
}
