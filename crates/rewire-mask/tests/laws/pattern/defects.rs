//! Defects that other libraries have, each with the test that this one has not.
//!
//! Budgets that overshoot because densities above 1 are clipped are held off in `allocation.rs`.

use ndarray::{Array2, array};
use rewire_mask::{
    Allocation, Density, Edges, KeptMagnitude, LayerDims, Lines, Mask, MatrixShape, Pattern,
    allocate, greedy_transposable,
};

use super::inputs::{Kind, numbers};
use super::{is_legal, nm, rectangles};

fn tiles(keep: u8, of: u8) -> Pattern {
    Pattern::TransposableNm {
        nm: nm(keep, of),
        edges: Edges::Reject,
    }
}

fn rows(keep: u8, of: u8) -> Pattern {
    Pattern::Nm {
        nm: nm(keep, of),
        along: Lines::Inputs,
        edges: Edges::Reject,
    }
}

/// Semi-structured conversions rank the signed weights, which keeps large positive ones and throws
/// large negative ones away: of weights of both signs little more than half the magnitude is left.
#[test]
fn signed_weights_are_not_ranked_as_magnitudes() {
    let weights = array![[-9.0f32, 1.0, 2.0, -8.0]];
    let mask = rows(2, 4).project_magnitude(weights.view()).unwrap();
    assert_eq!(super::positions(&mask), [0, 3]);
    let signed = rows(2, 4).project(weights.view()).unwrap();
    assert_eq!(super::positions(&signed), [1, 2]);

    let weights = numbers(MatrixShape::new(64, 64), Kind::Plain, 1);
    let fraction = |mask: &Mask| KeptMagnitude::of(mask, weights.view()).unwrap().fraction();
    let by_magnitude = tiles(2, 4).project_magnitude(weights.view()).unwrap();
    let by_sign = tiles(2, 4).project(weights.view()).unwrap();
    assert!(fraction(&by_magnitude) > fraction(&by_sign) + 0.1);
}

/// Tiles cut from the flattened weights are sixteen consecutive numbers of a row: such masks keep
/// two of four along rows and whatever they like along columns.
#[test]
fn tiles_are_tiles_of_the_matrix() {
    let shape = MatrixShape::new(16, 16);
    let weights = numbers(shape, Kind::Plain, 2);
    let mask = tiles(2, 4).project_magnitude(weights.view()).unwrap();
    for tile in rectangles(shape, 4, 4) {
        assert_eq!(tile.counts(&mask), (vec![2; 4], vec![2; 4]));
    }
    let transposed = Mask::from_array(mask.to_array().t());
    assert!(rows(2, 4).admits(&mask) && rows(2, 4).admits(&transposed));
    // The flattened way: each run of sixteen is a tile of four rows.
    let runs = weights.into_shape_with_order((64, 4)).unwrap();
    let flattened = tiles(2, 4).project_magnitude(runs.view()).unwrap();
    let flattened = Mask::from_words(shape, flattened.words().to_vec()).unwrap();
    assert!(rows(2, 4).admits(&flattened));
    assert!(!tiles(2, 4).admits(&flattened), "check sees the difference");
}

/// Thirty columns in groups of four leave two over. Others leave them dense, or drop them, without
/// a word; here that is a choice, and the default of having none is an error.
#[test]
fn tails_are_not_silent() {
    let scores = Array2::<f32>::ones((4, 30));
    let with = |edges| Pattern::Nm {
        nm: nm(2, 4),
        along: Lines::Inputs,
        edges,
    };
    assert!(with(Edges::Reject).project(scores.view()).is_err());
    let shape = MatrixShape::new(4, 30);
    let report = with(Edges::Dense).edge_report(shape).unwrap();
    assert_eq!((report.ragged, report.left_dense), (8, 8));
    let active = |edges| with(edges).project(scores.view()).unwrap().n_active();
    assert_eq!((active(Edges::Dense), active(Edges::Pad)), (4 * 16, 4 * 16));
    let sparse = Pattern::Nm {
        nm: nm(1, 4),
        along: Lines::Inputs,
        edges: Edges::Pad,
    };
    assert_eq!(sparse.project(scores.view()).unwrap().n_active(), 4 * 8);
}

/// A table of patterns that is computed once and kept, whatever N:M it was for, serves the second
/// pattern with those of the first.
#[test]
fn no_table_of_another_pattern_is_reused() {
    let side = if cfg!(miri) { 8 } else { 32 };
    let shape = MatrixShape::new(side, side);
    let scores = numbers(shape, Kind::Plain, 3);
    let order = [(2, 4), (1, 4), (2, 4), (4, 8), (3, 4), (2, 8), (2, 4)];
    let masks = order.map(|(keep, of)| {
        let mask = tiles(keep, of).project(scores.view()).unwrap();
        assert!(is_legal(tiles(keep, of), &mask), "{keep}:{of}");
        let greedy = greedy_transposable(scores.view(), nm(keep, of), Edges::Reject).unwrap();
        assert!(is_legal(tiles(keep, of), &greedy), "{keep}:{of}");
        mask
    });
    assert!(masks[0] == masks[2] && masks[2] == masks[6]);
}

/// Clipping densities at 1 after ε was solved loses what the clipped layers cannot hold; adding it
/// elsewhere by rounding up overshoots. The budget of 10 % of 7872 weights is met to the weight.
#[test]
fn budgets_are_met_where_densities_would_exceed_one() {
    let layers = [
        LayerDims {
            name: "wide",
            dims: &[64, 120],
        },
        LayerDims {
            name: "gate",
            dims: &[64, 3],
        },
    ];
    let density = Density::new(0.1).unwrap();
    for rule in [Allocation::Er, Allocation::Erk] {
        // Claims of 184 : 67 would give the gate 210 of its 192 weights.
        assert_eq!(allocate(&layers, density, rule), Ok(vec![595, 192]));
    }
}
