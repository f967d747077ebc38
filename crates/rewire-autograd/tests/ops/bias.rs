//! `y = x + b`.

use crate::oracle::{Bias, SHAPES, SquaredError, Stored, check, numbers};

#[test]
fn agrees_with_the_oracle() {
    for (samples, features) in SHAPES {
        let operands = [numbers(samples, features, 1), numbers(1, features, 2)];
        let loss = SquaredError {
            targets: numbers(samples, features, 3),
        };
        let stored = vec![Stored::dense(&operands[1])];
        let what = format!("{samples} × {features}");
        check(&Bias, &loss, &operands, stored, 1e-6, &what);
    }
}
