//! Batch normalisation with the statistics of the batch, and with given ones.

use ndarray::Array2;
use rewire_autograd::ParameterId;

use crate::oracle::{
    BatchNorm, FixedNorm, Number, Rounded, SHAPES, SquaredError, Stored, check, moments, numbers,
};
use crate::tape::Bench;

/// Input with an offset and a scale of its own per feature, γ and β.
fn operands(samples: usize, features: usize) -> [Array2<f32>; 3] {
    let mut x = numbers(samples, features, 1);
    for ((_, f), value) in x.indexed_iter_mut() {
        *value = *value * (1.0 + f as f32 / 8.0) + (f % 3) as f32 - 1.0;
    }
    [
        x,
        numbers(1, features, 2).mapv(|scale| scale + 1.5),
        numbers(1, features, 3),
    ]
}

#[test]
fn batch_statistics_agree_with_the_oracle() {
    for (samples, features) in SHAPES {
        for epsilon in [1e-5, 0.1] {
            // Of one or two samples the deviation cancels, and a small ε magnifies the rounding.
            if samples <= 2 && epsilon < 0.1 {
                continue;
            }
            let operands = operands(samples, features);
            let loss = SquaredError {
                targets: numbers(samples, features, 4),
            };
            let stored = operands[1..].iter().map(Stored::dense).collect();
            let what = format!("{samples} × {features}, ε = {epsilon}");
            let op = BatchNorm { epsilon };
            check(&op, &loss, &operands, stored, 1e-5, &what);
        }
    }
}

#[test]
fn given_statistics_agree_with_the_oracle() {
    for (samples, features) in SHAPES {
        let operands = operands(samples, features);
        let loss = SquaredError {
            targets: numbers(samples, features, 4),
        };
        let op = FixedNorm {
            mean: numbers(1, features, 5).into_iter().collect(),
            variance: numbers(1, features, 6).into_iter().map(|v| v * v).collect(),
            epsilon: 1e-3,
        };
        let stored = operands[1..].iter().map(Stored::dense).collect();
        let what = format!("{samples} × {features}");
        check(&op, &loss, &operands, stored, 1e-6, &what);
    }
}

/// What the tape reports of the batch: mean, variance divided by n, number of samples.
#[test]
fn statistics_are_those_of_the_batch() {
    for (samples, features) in SHAPES {
        let [x, scale, shift] = operands(samples, features);
        let mut bench = Bench::new(&[Stored::dense(&scale), Stored::dense(&shift)]);
        let rows: Vec<f32> = x.iter().copied().collect();
        let input = bench.tape.input(&rows, samples, features);
        let ids = (ParameterId(0), ParameterId(1));
        let y = bench
            .tape
            .batch_norm(&bench.store, input, ids.0, ids.1, 1e-5);
        let found = bench.tape.statistics(y);
        assert_eq!(found.samples, samples);
        for f in 0..features {
            let exact = |&v: &f32| Rounded::of(f64::from(v));
            let column: Vec<Rounded> = x.column(f).iter().map(exact).collect();
            let (mean, variance) = moments(&column);
            for (found, expected) in [(found.mean[f], mean), (found.variance[f], variance)] {
                let error = (f64::from(found) - expected.value).abs();
                assert!(error <= expected.slack, "{samples} × {features}: {error:e}");
            }
        }
    }
}

/// One sample, or equal samples, have no deviation: the output is the shift alone.
#[test]
fn without_deviation_only_the_shift_is_left() {
    for samples in [1, 2, 70] {
        let row = [0.3, -1e6, 7.0];
        let rows = row.repeat(samples);
        let mut bench = Bench::new(&[
            Stored::dense(&ndarray::arr2(&[[2.0, 3.0, 4.0]])),
            Stored::dense(&ndarray::arr2(&[[0.5, -0.5, 8.0]])),
        ]);
        let input = bench.tape.input(&rows, samples, 3);
        let ids = (ParameterId(0), ParameterId(1));
        let y = bench
            .tape
            .batch_norm(&bench.store, input, ids.0, ids.1, 1e-5);
        for row in bench.tape.value(y).to_rows().rows() {
            assert_eq!(row.to_vec(), [0.5, -0.5, 8.0]);
        }
        assert_eq!(bench.tape.statistics(y).variance, [0.0; 3]);
        assert_eq!(bench.tape.statistics(y).mean, row);
    }
}
