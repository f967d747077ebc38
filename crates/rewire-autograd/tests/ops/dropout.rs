//! Dropout with given words.

use std::collections::BTreeMap;

use crate::oracle::{Dropout, SHAPES, SquaredError, check, numbers, words};
use crate::tape::Bench;

#[test]
fn agrees_with_the_oracle() {
    for (samples, features) in SHAPES {
        for probability in [0.0, 0.3, 0.9] {
            let op = Dropout {
                probability,
                words: words(samples, features, 1),
            };
            let operands = [numbers(samples, features, 2)];
            let loss = SquaredError {
                targets: numbers(samples, features, 3),
            };
            let what = format!("{samples} × {features}, p = {probability}");
            check(&op, &loss, &operands, Vec::new(), 1e-6, &what);
        }
    }
}

/// Each sample is drawn once, with one word per feature; the smallest word is silenced by any
/// probability above 0 and by no other.
#[test]
fn draws_by_hand() {
    let mut bench = Bench::new(&[]);
    for (probability, kept) in [(0.0, 1.0), (0.5, 2.0), (0.75, 4.0)] {
        let input = bench.tape.input(&[1.0; 70 * 3], 70, 3);
        let mut drawn = BTreeMap::new();
        let y = bench
            .tape
            .dropout(input, probability, &mut |sample, words| {
                *drawn.entry(sample).or_insert(0) += 1;
                words.copy_from_slice(&[0, 1 << 31, u32::MAX]);
            });
        assert_eq!(drawn, (0..70).map(|sample| (sample, 1)).collect());
        let first = if probability == 0.0 { kept } else { 0.0 };
        let second = if probability > 0.5 { 0.0 } else { kept };
        for row in bench.tape.value(y).to_rows().rows() {
            assert_eq!(row.to_vec(), [first, second, kept]);
        }
        bench.tape.clear();
    }
}

/// The mean of many factors is 1: its variance is p/(1 − p)/n, and five deviations are allowed.
#[test]
fn the_expected_factor_is_one() {
    let (samples, features) = (1000, 200);
    for probability in [0.1, 0.5, 0.8] {
        let words = words(samples, features, 7);
        let mut bench = Bench::new(&[]);
        let ones = vec![1.0; samples * features];
        let input = bench.tape.input(&ones, samples, features);
        let y = bench.tape.dropout(input, probability, &mut |sample, out| {
            out.copy_from_slice(words.row(sample).as_slice().unwrap());
        });
        let n = ones.len() as f64;
        let values = bench.tape.value(y).values().iter();
        let mean = values.map(|&v| f64::from(v)).sum::<f64>() / n;
        let deviation = (probability / (1.0 - probability) / n).sqrt();
        assert!(
            (mean - 1.0).abs() < 5.0 * deviation,
            "{probability}: {mean}"
        );
    }
}
