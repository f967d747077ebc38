//! `y = x·Φ(x)`.

use crate::oracle::{Equations, Gelu, SHAPES, SquaredError, check, numbers};

#[test]
fn agrees_with_the_oracle() {
    for (samples, features) in SHAPES {
        // From the left tail, where Φ vanishes, to the right, where it is 1.
        for spread in [1.0, 6.0] {
            let operands = [numbers(samples, features, 1).mapv(|x| x * spread)];
            let loss = SquaredError {
                targets: numbers(samples, features, 2),
            };
            let what = format!("{samples} × {features}, |x| < {spread}");
            check(&Gelu, &loss, &operands, Vec::new(), 1e-6, &what);
        }
    }
}

/// The oracle's own Φ, at values from tables of the normal distribution.
#[test]
fn the_oracle_knows_the_normal_distribution() {
    for (x, cumulative) in [
        (0.0, 0.5),
        (1.0, 0.841_344_746_068_543),
        (-1.959_963_984_540_054, 0.025),
        (3.0, 0.998_650_101_968_370),
    ] {
        let y = Gelu.forward(&[ndarray::arr2(&[[x]])])[[0, 0]];
        assert!((y - x * cumulative).abs() < 4e-15, "{x}");
    }
}
