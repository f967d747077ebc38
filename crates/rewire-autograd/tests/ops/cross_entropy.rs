//! Softmax cross-entropy, and counting what it gets right.

use rewire_autograd::{Batch, ParameterId, correct_predictions};

use crate::oracle::{CrossEntropy, Identity, SHAPES, Stored, check, numbers, words};
use crate::tape::Bench;

#[test]
fn agrees_with_the_oracle() {
    for (samples, classes) in SHAPES {
        for spread in [1.0, 20.0] {
            let operands = [numbers(samples, classes, 1).mapv(|z| z * spread)];
            let drawn = words(samples, 1, 2);
            let loss = CrossEntropy {
                labels: drawn.iter().map(|word| word % classes as u32).collect(),
            };
            let what = format!("{samples} × {classes}, |z| < {spread}");
            check(&Identity, &loss, &operands, Vec::new(), 1e-5, &what);
        }
    }
}

/// Two equal logits: log 2, and gradients ±1/2 over the batch.
#[test]
fn two_equal_logits_by_hand() {
    // However large: only differences count.
    for level in [0.0, 1e30, -3e38] {
        let parameters = [Stored::dense(&ndarray::arr2(&[[level], [level]]))];
        let mut bench = Bench::new(&parameters);
        let input = bench.tape.input(&[1.0], 1, 1);
        let z = bench.tape.linear(&bench.store, input, ParameterId(0));
        let (loss, mean) = bench.tape.softmax_cross_entropy(z, &[1]);
        assert!((mean - std::f64::consts::LN_2).abs() < f64::EPSILON);
        assert_eq!(bench.gradient(loss, 0), [0.5, -0.5]);
    }
}

/// Nothing that is not a number may end in a loss that is one.
#[test]
fn logits_that_are_no_numbers_give_no_loss() {
    for bad in [f32::NAN, f32::INFINITY] {
        for (samples, classes) in [(1, 1), (1, 3), (65, 4), (130, 10)] {
            for at in [0, samples * classes / 2, samples * classes - 1] {
                let mut rows: Vec<f32> = numbers(samples, classes, 1).into_iter().collect();
                rows[at] = bad;
                let mut bench = Bench::new(&[]);
                let z = bench.tape.input(&rows, samples, classes);
                let (loss, mean) = bench.tape.softmax_cross_entropy(z, &vec![0; samples]);
                assert!(
                    mean.is_nan(),
                    "{bad} at {at} of {samples} × {classes}: {mean}"
                );
                assert!(bench.tape.value(loss).values()[0].is_nan());
            }
        }
    }
    // A class that is impossible for sure costs nothing until it is the label.
    let mut bench = Bench::new(&[]);
    let z = bench.tape.input(&[f32::NEG_INFINITY, 0.0], 1, 2);
    assert_eq!(bench.tape.softmax_cross_entropy(z, &[1]).1, 0.0);
    assert_eq!(bench.tape.softmax_cross_entropy(z, &[0]).1, f64::INFINITY);
}

#[test]
fn predictions_by_hand() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let rows: [([f32; 3], u32); 10] = [
        ([0.1, 0.2, 0.3], 2),
        ([3.0, 1.0, 1.0], 0),
        // Ties go to the lower class, zeros of either sign and infinities included.
        ([1.0, 1.0, 0.0], 0),
        ([0.0, 1.0, 1.0], 1),
        ([-0.0, 0.0, -1.0], 0),
        ([-inf, -inf, -inf], 0),
        ([0.0, inf, inf], 1),
        ([-inf, -1e38, -inf], 1),
        ([2.0, 2.0, 2.0], 0),
        ([0.0, -0.0, 0.0], 0),
    ];
    // Over a panel's edge: every row 13 times.
    let repeated: Vec<_> = rows.into_iter().cycle().take(130).collect();
    let values: Vec<f32> = repeated.iter().flat_map(|(row, _)| *row).collect();
    let mut logits = Batch::zeros(130, 3);
    logits.fill_rows(&values);
    let right: Vec<u32> = repeated.iter().map(|&(_, label)| label).collect();
    assert_eq!(correct_predictions(&logits, &right), 130);
    for other in 1..3 {
        let wrong: Vec<u32> = right.iter().map(|label| (label + other) % 3).collect();
        assert_eq!(correct_predictions(&logits, &wrong), 0);
    }
    // A sample with a NaN anywhere is wrong whatever its label.
    for row in [[nan, 1.0, 0.0], [1.0, nan, 0.0], [0.0, 1.0, nan]] {
        let mut logits = Batch::zeros(1, 3);
        logits.fill_rows(&row);
        for label in 0..3 {
            assert_eq!(correct_predictions(&logits, &[label]), 0, "{row:?}");
        }
    }
}
