//! Mean squared error.

use rewire_autograd::ParameterId;

use crate::oracle::{Identity, SHAPES, SquaredError, Stored, check, numbers};
use crate::tape::Bench;

#[test]
fn agrees_with_the_oracle() {
    for (samples, features) in SHAPES {
        let operands = [numbers(samples, features, 1)];
        let loss = SquaredError {
            targets: numbers(samples, features, 2),
        };
        let what = format!("{samples} × {features}");
        check(&Identity, &loss, &operands, Vec::new(), 1e-6, &what);
    }
}

#[test]
fn by_hand() {
    let mut bench = Bench::new(&[Stored::dense(&ndarray::arr2(&[[1.0], [-2.0]]))]);
    let input = bench.tape.input(&[1.0], 1, 1);
    let y = bench.tape.linear(&bench.store, input, ParameterId(0));
    // (1 − 3)² + (−2 + 1)² = 5, over two values.
    let (loss, mean) = bench.tape.mean_squared_error(y, &[3.0, -1.0]);
    assert_eq!(mean, 2.5);
    assert_eq!(bench.gradient(loss, 0), [-2.0, -1.0]);
}
