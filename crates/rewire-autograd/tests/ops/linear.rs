//! `y = x·Wᵀ` of dense, active and latent weights.

use rewire_autograd::mask::{Mask, MatrixShape};

use crate::oracle::{Linear, SHAPES, SquaredError, Stored, check, numbers, words};

/// About two fifths of the entries; nothing in the first row of larger matrices.
pub(crate) fn some_active(outputs: usize, inputs: usize, seed: u64) -> Mask {
    let words = words(outputs, inputs, seed);
    Mask::from_fn(MatrixShape::new(outputs, inputs), |row, col| {
        (row > 0 || outputs == 1) && words[[row, col]] % 5 < 2
    })
}

#[test]
fn every_storage_agrees_with_the_oracle() {
    for (index, (samples, inputs)) in SHAPES.into_iter().enumerate() {
        let outputs = [1, 3, 5, 8, 33][index % 5];
        let x = numbers(samples, inputs, 1);
        let w = numbers(outputs, inputs, 2);
        let mask = some_active(outputs, inputs, 3);
        let more = some_active(outputs, inputs, 4).union(&mask).unwrap();
        let mut zeros = w.clone();
        for (at, value) in zeros.indexed_iter_mut() {
            *value *= f32::from(u8::from(mask.get(at.0, at.1)));
        }
        let loss = SquaredError {
            targets: numbers(samples, outputs, 5),
        };
        let storages = [
            ("dense", &w, Stored::dense(&w)),
            ("active", &zeros, Stored::active(&w, &mask)),
            ("latent", &zeros, Stored::latent(&w, &mask, None)),
            (
                "latent within a set",
                &zeros,
                Stored::latent(&w, &mask, Some(more)),
            ),
        ];
        for (name, matrix, stored) in storages {
            let what = format!("{name}, {samples} × {inputs} → {outputs}");
            let operands = [x.clone(), matrix.clone()];
            check(&Linear, &loss, &operands, vec![stored], 1e-6, &what);
        }
    }
}
