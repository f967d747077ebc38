//! The fast products against sums in f64, at any number of threads and at any address.

use rayon::ThreadPoolBuilder;
use rewire_mask::MatrixShape;

use super::*;

/// Out, in and samples around tiles, blocks, panels and the sides that count as small.
const CASES: [(usize, usize, usize); 12] = [
    (1, 1, 1),
    (7, 9, 8),
    (8, 8, 8),
    (128, 1, 64),
    (1, 128, 65),
    (127, 129, 63),
    (129, 127, 70),
    (300, 260, 130),
    (257, 513, 9),
    (5, 0, 70),
    (0, 5, 70),
    (40, 30, 0),
];

fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn batch(samples: usize, features: usize, seed: u64) -> Batch {
    let mut batch = Batch::zeros(samples, features);
    batch.fill_rows(&numbers(samples * features, seed));
    batch
}

/// An output, an input gradient and a weight gradient that starts at 0.5.
fn products(case: (usize, usize, usize)) -> (Batch, Batch, Vec<f32>) {
    let (outputs, inputs, samples) = case;
    let w = numbers(outputs * inputs, 1);
    let (x, dy) = (batch(samples, inputs, 2), batch(samples, outputs, 3));
    let stale = |features| {
        let mut batch = Batch::zeros(samples, features);
        batch.values_mut().fill(f32::NAN);
        batch
    };
    let (mut y, mut dx) = (stale(outputs), stale(inputs));
    let weights = WeightView::Dense {
        shape: MatrixShape::new(outputs, inputs),
        values: &w,
    };
    forward(weights, &x, &mut y);
    input_gradient(weights, &dy, &mut dx);
    let mut gradient = vec![0.5; w.len()];
    let pair = GradientPair {
        output_gradient: &dy,
        input: &x,
    };
    weight_gradient(pair, &mut gradient);
    (y, dx, gradient)
}

/// Against sums in f64. All factors lie in [−1, 1], so a sum of n products in f32, in any order,
/// is off by at most n·ε·n to first order (Higham 2002, section 3.1, with twice the bound).
#[test]
fn products_are_what_they_mean() {
    for case in CASES {
        let (outputs, inputs, samples) = case;
        let w = numbers(outputs * inputs, 1);
        let x = batch(samples, inputs, 2).to_rows();
        let dy = batch(samples, outputs, 3).to_rows();
        let (y, dx, gradient) = products(case);
        let (y, dx) = (y.to_rows(), dx.to_rows());
        let check = |found: f32, terms: &mut dyn Iterator<Item = (f32, f32)>| {
            let (mut sum, mut n) = (0.0, 0.0);
            for (a, b) in terms {
                sum += f64::from(a) * f64::from(b);
                n += 1.0;
            }
            let bound = n * n * f64::from(f32::EPSILON);
            assert!(
                (f64::from(found) - sum).abs() <= bound,
                "{case:?}: {found} for {sum}"
            );
        };
        for s in 0..samples {
            for o in 0..outputs {
                check(
                    y[[s, o]],
                    &mut (0..inputs).map(|i| (x[[s, i]], w[o * inputs + i])),
                );
            }
            for i in 0..inputs {
                check(
                    dx[[s, i]],
                    &mut (0..outputs).map(|o| (dy[[s, o]], w[o * inputs + i])),
                );
            }
        }
        for o in 0..outputs {
            for i in 0..inputs {
                let start = std::iter::once((0.5, 1.0));
                let mut terms = start.chain((0..samples).map(|s| (dy[[s, o]], x[[s, i]])));
                check(gradient[o * inputs + i], &mut terms);
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for case in CASES {
        let run = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| products(case))
        };
        let one = run(1);
        for threads in [2, 4] {
            assert!(one == run(threads), "{case:?} with {threads} threads");
        }
    }
}

/// Growth writes its tiles elsewhere than the weight gradient does.
#[test]
fn a_tile_has_the_same_bits_at_any_address() {
    for (outputs, inputs, samples) in CASES {
        if outputs == 0 || inputs == 0 {
            continue;
        }
        let (x, dy) = (batch(samples, inputs, 2), batch(samples, outputs, 3));
        let pair = GradientPair {
            output_gradient: &dy,
            input: &x,
        };
        let first = (outputs - 1) / tile_rows(inputs) * tile_rows(inputs);
        let len = (outputs - first) * inputs;
        let at = |offset: usize| {
            let mut values = vec![0.0; offset + len];
            add_gradient_tile(pair, first, &mut values[offset..]);
            values[offset..].to_vec()
        };
        let expected = at(0);
        for offset in 1..17 {
            assert!(at(offset) == expected, "{outputs}×{inputs} at {offset}");
        }
    }
}
