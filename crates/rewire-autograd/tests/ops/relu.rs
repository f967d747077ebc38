//! `y = max(x, 0)`.

use rewire_autograd::ParameterId;

use crate::oracle::{Relu, SHAPES, SquaredError, Stored, check, numbers};
use crate::tape::Bench;

#[test]
fn agrees_with_the_oracle() {
    for (samples, features) in SHAPES {
        // Differences must not straddle the kink.
        let away = |x: f32| x + 0.01f32.copysign(x);
        let operands = [numbers(samples, features, 1).mapv(away)];
        let loss = SquaredError {
            targets: numbers(samples, features, 2),
        };
        let what = format!("{samples} × {features}");
        check(&Relu, &loss, &operands, Vec::new(), 1e-6, &what);
    }
}

/// At the kink the gradient is 0, for either zero; NaN goes through to the loss.
#[test]
fn kink_and_nan_by_hand() {
    let parameters = [Stored::dense(&ndarray::arr2(&[
        [0.0],
        [-0.0],
        [2.0],
        [-3.0],
    ]))];
    let mut bench = Bench::new(&parameters);
    let input = bench.tape.input(&[1.0], 1, 1);
    let x = bench.tape.linear(&bench.store, input, ParameterId(0));
    let y = bench.tape.relu(x);
    assert_eq!(bench.tape.value(y).values(), [0.0, 0.0, 2.0, 0.0]);
    let (loss, _) = bench.tape.mean_squared_error(y, &[1.0; 4]);
    // 2(y − t)/4 where x > 0.
    assert_eq!(bench.gradient(loss, 0), [0.0, 0.0, 0.5, 0.0]);

    bench.tape.clear();
    let input = bench.tape.input(&[f32::NAN, 1.0], 1, 2);
    let y = bench.tape.relu(input);
    assert!(bench.tape.value(y).values()[0].is_nan());
    assert!(bench.tape.mean_squared_error(y, &[0.0; 2]).1.is_nan());
}
