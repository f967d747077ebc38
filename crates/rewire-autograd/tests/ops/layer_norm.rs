//! Layer normalisation.

use rewire_autograd::ParameterId;

use crate::oracle::{LayerNorm, SHAPES, SquaredError, Stored, check, numbers};
use crate::tape::Bench;

#[test]
fn agrees_with_the_oracle() {
    for (samples, features) in SHAPES {
        for epsilon in [1e-5, 0.1] {
            // Of one or two features the deviation cancels, and a small ε magnifies the rounding.
            if features <= 2 && epsilon < 0.1 {
                continue;
            }
            let mut x = numbers(samples, features, 1);
            for ((s, _), value) in x.indexed_iter_mut() {
                *value = *value * (1.0 + s as f32 / 50.0) + (s % 3) as f32 - 1.0;
            }
            let operands = [
                x,
                numbers(1, features, 2).mapv(|scale| scale + 1.5),
                numbers(1, features, 3),
            ];
            let loss = SquaredError {
                targets: numbers(samples, features, 4),
            };
            let stored = operands[1..].iter().map(Stored::dense).collect();
            let what = format!("{samples} × {features}, ε = {epsilon}");
            let op = LayerNorm { epsilon };
            check(&op, &loss, &operands, stored, 1e-5, &what);
        }
    }
}

/// A sample's output depends on that sample alone, to the bit, wherever it stands in a batch.
#[test]
fn samples_do_not_meet() {
    let rows: Vec<f32> = numbers(130, 9, 1).into_iter().collect();
    let parameters = [
        Stored::dense(&numbers(1, 9, 2)),
        Stored::dense(&numbers(1, 9, 3)),
    ];
    let mut bench = Bench::new(&parameters);
    let mut outputs = |rows: &[f32]| {
        let input = bench.tape.input(rows, rows.len() / 9, 9);
        let ids = (ParameterId(0), ParameterId(1));
        let y = bench
            .tape
            .layer_norm(&bench.store, input, ids.0, ids.1, 1e-5);
        bench.tape.value(y).to_rows()
    };
    let together = outputs(&rows);
    for (alone, row) in rows.chunks_exact(9).zip(together.rows()) {
        assert_eq!(outputs(alone).row(0), row);
    }
}
