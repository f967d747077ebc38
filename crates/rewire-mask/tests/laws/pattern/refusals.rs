//! Values that are no pattern, shapes that have none, and what every function says then.

use ndarray::Array2;
use rewire_mask::{
    Block, BlockNorm, Edges, KeptMagnitude, Lines, Mask, MaskError, MatrixShape, Nm, Pattern,
    Topology, greedy_transposable,
};

use super::{EDGES, density, nm};
use crate::rng;

/// Everything that takes a pattern and a shape refuses in the same words.
fn refused(pattern: Pattern, shape: MatrixShape) -> MaskError {
    let scores = Array2::<f32>::zeros((shape.rows, shape.cols));
    let empty = Topology::empty(shape);
    let all = [
        pattern.edge_report(shape).unwrap_err(),
        pattern.project(scores.view()).unwrap_err(),
        pattern.project_magnitude(scores.view()).unwrap_err(),
        pattern.check(&Mask::empty(shape)).unwrap_err(),
        pattern.random(shape, &mut rng(1)).unwrap_err(),
        pattern.release(&empty, &[], 0).unwrap_err(),
        pattern.growth_request(&empty, &[]).unwrap_err(),
        pattern
            .regrow_at_random(&empty, &[], &mut rng(1))
            .unwrap_err(),
    ];
    assert!(all.iter().all(|error| *error == all[0]), "{all:?}");
    all[0].clone()
}

#[test]
fn public_fields_are_checked_where_they_are_used() {
    let shape = MatrixShape::new(4, 4);
    for edges in EDGES {
        for (keep, of) in [(0, 4), (5, 4), (2, 33), (0, 0), (255, 255)] {
            let (nm, expected) = (Nm { keep, of }, MaskError::NotAPattern { keep, of });
            assert_eq!(
                refused(Pattern::TransposableNm { nm, edges }, shape),
                expected
            );
            for along in [Lines::Inputs, Lines::TapsOutputs { taps: 0 }] {
                assert_eq!(refused(Pattern::Nm { nm, along, edges }, shape), expected);
            }
            let scores = Array2::<f32>::zeros((4, 4));
            let greedy = greedy_transposable(scores.view(), nm, edges);
            assert_eq!(greedy, Err(expected));
        }
        for (rows, cols) in [(0, 1), (1, 0), (0, 0)] {
            let pattern = Pattern::Blocks {
                block: Block { rows, cols },
                norm: BlockNorm::Max,
                density: density(0.5),
                edges,
            };
            assert_eq!(refused(pattern, shape), MaskError::NotABlock { rows, cols });
        }
    }
}

#[test]
fn columns_that_are_no_kernels_are_refused() {
    let shape = MatrixShape::new(4, 12);
    for edges in EDGES {
        for taps in [0, 5, 9, 24] {
            for along in [Lines::Channels { taps }, Lines::TapsOutputs { taps }] {
                let nm = nm(1, 1);
                let pattern = Pattern::Nm { nm, along, edges };
                assert_eq!(refused(pattern, shape), MaskError::Taps { taps, shape });
            }
        }
    }
    let error = MaskError::Taps { taps: 5, shape };
    let text = "the columns of a 4×12 matrix are not kernels of 5 entries";
    assert_eq!(error.to_string(), text);
}

#[test]
fn rows_shorter_than_their_fan_in_are_refused() {
    let expected = MaskError::NotEnough {
        wanted: 4,
        available: 3,
    };
    for rows in [0, 1, 7] {
        let shape = MatrixShape::new(rows, 3);
        assert_eq!(refused(Pattern::FanIn { keep: 4 }, shape), expected);
    }
}

#[test]
fn a_check_names_the_first_that_is_wrong() {
    let at = |pattern: Pattern, shape: MatrixShape, active: &[u64]| {
        let mask = Mask::from_positions(shape, active.iter().copied()).unwrap();
        pattern.check(&mask).unwrap_err().to_string()
    };
    let (nm, edges) = (nm(1, 2), Edges::Reject);
    let shape = MatrixShape::new(2, 4);
    let along = |along| Pattern::Nm { nm, along, edges };
    let text = "group 2 has 2 active entries, not 1";
    assert_eq!(at(along(Lines::Inputs), shape, &[0, 3, 4, 5, 6, 7]), text);
    let text = "group 3 has 0 active entries, not 1";
    assert_eq!(at(along(Lines::Outputs), shape, &[0, 1, 2]), text);
    let tiles = Pattern::TransposableNm { nm, edges };
    let text = "row 1 of tile 0 has 0 active entries, not 1";
    assert_eq!(at(tiles, shape, &[0, 2, 7]), text);
    let text = "column 0 of tile 1 has 2 active entries, not 1";
    assert_eq!(at(tiles, shape, &[0, 2, 5, 6]), text);
    let density = density(0.5);
    let text = "the mask has 3 active entries, not 4";
    assert_eq!(
        at(Pattern::Unstructured { density }, shape, &[0, 2, 4]),
        text
    );
    let text = "row 1 has 1 active entry, not 2";
    assert_eq!(at(Pattern::FanIn { keep: 2 }, shape, &[0, 2, 4]), text);
    let blocks = Pattern::kernel_slices(2, density);
    let text = "block 3 has 1 active entry, not 2";
    assert_eq!(at(blocks, shape, &[0, 1, 6]), text);
    let text = "the mask has 1 active block, not 2";
    assert_eq!(at(blocks, shape, &[0, 1]), text);
    let dense = Pattern::row_groups(2, density, Edges::Dense);
    let text = "position 5 lies in an edge that stays dense and is not active";
    assert_eq!(at(dense, MatrixShape::new(3, 2), &[0, 2, 4]), text);
}

#[test]
fn kept_magnitudes_of_another_shape_or_not_finite_are_refused() {
    let (left, right) = (MatrixShape::new(2, 2), MatrixShape::new(1, 4));
    let mask = Mask::full(left);
    let weights = Array2::zeros((1, 4));
    let error = MaskError::ShapeMismatch { left, right };
    assert_eq!(KeptMagnitude::of(&mask, weights.view()), Err(error));
    let weights = ndarray::array![[0.0, f32::NEG_INFINITY], [f32::NAN, 0.0]];
    let (index, value) = (1, f32::NEG_INFINITY);
    let error = MaskError::NonFinite { index, value };
    assert_eq!(KeptMagnitude::of(&mask, weights.view()), Err(error));
}
