//! What does not fit panics with both numbers; a request that cannot be answered is an error.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rewire_sparse::mask::{GrowthRequest, LayerRequest, Mask, MaskError, MatrixShape, WeightView};
use rewire_sparse::{Batch, Geometry, GradientPair, Plain, Products};

use super::layer::{Fill, Layer, Pair};

/// The message of the panic that `work` ends in.
fn panic_of(work: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(work)).expect_err("this must panic");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload
            .downcast::<&str>()
            .map(|m| m.to_string())
            .unwrap_or_default(),
    }
}

fn assert_names(message: &str, numbers: &[&str]) {
    for number in numbers {
        assert!(message.contains(number), "{number} is not in: {message}");
    }
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    let layer = Layer::new((5, 7, 9, Fill::Density(0.5)), 0);
    let geometry = layer.geometry();
    let batch = Batch::zeros;
    for (_, view, _) in layer.storages() {
        let forward = |geometry, x: Batch, mut y: Batch| {
            panic_of(|| {
                Plain.forward(geometry, view, &x, &mut y);
            })
        };
        assert_names(&forward(geometry, batch(9, 8), batch(9, 5)), &["8", "7"]);
        assert_names(&forward(geometry, batch(9, 7), batch(9, 6)), &["6", "5"]);
        assert_names(&forward(geometry, batch(9, 7), batch(4, 5)), &["9", "4"]);
        let other = Geometry::linear(MatrixShape::new(5, 11));
        assert_names(&forward(other, batch(9, 11), batch(9, 5)), &["11", "7"]);

        let backward = |dy: Batch, mut dx: Batch| {
            panic_of(|| {
                Plain.input_gradient(geometry, view, &dy, &mut dx);
            })
        };
        assert_names(&backward(batch(9, 6), batch(9, 7)), &["6", "5"]);
        assert_names(&backward(batch(9, 5), batch(9, 8)), &["8", "7"]);
        assert_names(&backward(batch(9, 5), batch(3, 7)), &["9", "3"]);

        let pair = Pair::new(&layer.dy, &layer.x);
        let stored = view.values().len();
        let message = panic_of(|| {
            let mut gradient = vec![0.0; stored + 100];
            Plain.weight_gradient(geometry, view, pair.as_pair(), &mut gradient);
        });
        assert_names(
            &message,
            &[&stored.to_string(), &(stored + 100).to_string()],
        );

        let (dy, x) = (batch(9, 5), batch(8, 7));
        let ragged = GradientPair {
            output_gradient: &dy,
            input: &x,
        };
        let request = request(GrowthRequest::TopK { k: 1 }, &[]);
        let message = panic_of(|| {
            let _ = Plain.growth(geometry, view, &[ragged], &request);
        });
        assert_names(&message, &["9", "8"]);
    }
}

/// A view is made of public parts, so its parts may disagree.
#[test]
fn storages_of_the_wrong_length_are_named() {
    let layer = Layer::new((5, 7, 9, Fill::Density(0.5)), 0);
    let values = vec![1.0; 36];
    let other = Mask::full(MatrixShape::new(7, 5));
    let shape = layer.active.shape();
    let views = [
        (
            WeightView::Dense {
                shape,
                values: &values,
            },
            ["36", "35"],
        ),
        (
            WeightView::Active {
                topology: &layer.topology,
                values: &values,
            },
            ["36", &layer.topology.n_active().to_string()],
        ),
        (
            WeightView::Latent {
                values: &values,
                forward: &layer.active,
                gradient: None,
            },
            ["36", "35"],
        ),
        (
            WeightView::Latent {
                values: &values[..35],
                forward: &layer.active,
                gradient: Some(&other),
            },
            ["rows: 7", "rows: 5"],
        ),
    ];
    for (view, numbers) in views {
        let message = panic_of(|| {
            let mut y = Batch::zeros(2, 5);
            Plain.forward(layer.geometry(), view, &Batch::zeros(2, 7), &mut y);
        });
        assert_names(&message, &numbers);
    }
}

#[test]
fn batches_of_the_wrong_length_are_named() {
    let message = panic_of(|| Batch::zeros(3, 4).fill_rows(&[0.0; 11]));
    assert_names(&message, &["11", "3", "4"]);
    let message = panic_of(|| {
        let _ = Batch::from_buffer(3, 4, vec![0.0; 13].into());
    });
    assert_names(&message, &["13", "12"]);
}

fn request(growth: GrowthRequest, readmitted: &[u64]) -> LayerRequest {
    LayerRequest {
        growth,
        readmitted: readmitted.to_vec(),
    }
}

/// A position beyond the matrix must not be answered with a gradient, and readmitted positions in
/// another order than promised must not make another weight eligible.
#[test]
fn positions_that_do_not_exist_or_do_not_ascend_are_errors() {
    let layer = Layer::new((5, 7, 9, Fill::Density(0.5)), 0);
    let shape = layer.active.shape();
    let pair = Pair::new(&layer.dy, &layer.x);
    let grow = |request: &LayerRequest| {
        Plain
            .growth(layer.geometry(), layer.active(), &[pair.as_pair()], request)
            .map(|(found, _)| found)
    };
    let beyond = Err(MaskError::OutOfRange {
        position: 35,
        shape,
    });
    let at = GrowthRequest::AtPositions(vec![3, 35, 0]);
    assert_eq!(grow(&request(at, &[])), beyond);
    for k in [0, 2] {
        let best = GrowthRequest::TopK { k };
        assert_eq!(grow(&request(best.clone(), &[3, 35])), beyond);
        let unsorted = Err(MaskError::NotAscending {
            previous: 10,
            position: 2,
        });
        assert_eq!(grow(&request(best, &[10, 2])), unsorted);
    }
}

#[test]
fn groups_and_tiles_without_entries_are_refused() {
    let layer = Layer::new((5, 7, 9, Fill::Density(0.5)), 0);
    let pair = Pair::new(&layer.dy, &layer.x);
    let grow = |growth| {
        panic_of(|| {
            let request = request(growth, &[]);
            let _ = Plain.growth(
                layer.geometry(),
                layer.active(),
                &[pair.as_pair()],
                &request,
            );
        })
    };
    let tiles = |tile_rows, tile_cols| GrowthRequest::PatternScores {
        tile_rows,
        tile_cols,
    };
    assert_names(&grow(tiles(0, 4)), &["0×4"]);
    assert_names(&grow(tiles(4, 0)), &["4×0"]);
    let along = rewire_sparse::mask::Lines::Inputs;
    let of_none = GrowthRequest::BestPerGroup { along, of: 0, k: 1 };
    assert_names(&grow(of_none), &["groups of 0"]);
}
