//! Whole-mask operations against sorted sets of positions.

use std::collections::BTreeSet;

use ndarray::{Array1, Array4};
use proptest::prelude::*;
use rewire_mask::{Mask, MaskError, MatrixShape, Rewiring, Topology, weight_matrix};

use crate::{cases, mask, pairs, sets};

fn positions(mask: &Mask) -> BTreeSet<u64> {
    mask.positions().collect()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn operations_are_those_of_sets((shape, a, b) in pairs()) {
        let (x, y) = (mask(shape, &a), mask(shape, &b));
        let set = |set: BTreeSet<u64>| set;
        prop_assert_eq!(positions(&x.union(&y)?), set(&a | &b));
        prop_assert_eq!(positions(&x.intersection(&y)?), set(&a & &b));
        prop_assert_eq!(positions(&x.difference(&y)?), set(&a - &b));
        prop_assert_eq!(positions(&x.symmetric_difference(&y)?), set(&a ^ &b));
        prop_assert_eq!(x.is_subset_of(&y)?, a.is_subset(&b));
        prop_assert_eq!(x.hamming_distance(&y)?, (&a ^ &b).len() as u64);
        let either = (&a | &b).len();
        let jaccard = if either == 0 { 0.0 } else { 1.0 - (&a & &b).len() as f64 / either as f64 };
        prop_assert_eq!(x.jaccard_distance(&y)?, jaccard);
    }

    #[test]
    fn the_complement_is_everything_else((shape, a) in sets()) {
        let x = mask(shape, &a);
        let not = x.complement();
        prop_assert_eq!(positions(&not), (0..shape.len()).filter(|p| !a.contains(p)).collect());
        prop_assert_eq!(not.complement(), x.clone());
        prop_assert_eq!(x.union(&not)?, Mask::full(shape));
    }

    #[test]
    fn a_difference_applied_leads_from_one_mask_to_the_other((shape, a, b) in pairs()) {
        let (x, y) = (mask(shape, &a), mask(shape, &b));
        let rewiring = Rewiring::between_masks(&x, &y)?;
        prop_assert_eq!(x.apply(&rewiring)?, y.clone());
        prop_assert_eq!(y.apply(&rewiring.inverse())?, x.clone());
        let (after, _) = Topology::from_mask(&x).apply(&rewiring)?;
        prop_assert_eq!(after.to_mask(), y);
    }

    #[test]
    fn transposing_swaps_rows_and_columns((shape, a) in sets()) {
        let x = mask(shape, &a);
        let transposed = x.transposed();
        prop_assert_eq!(transposed.to_array(), x.to_array().reversed_axes());
        prop_assert_eq!(transposed.col_counts(), x.row_counts());
        prop_assert_eq!(transposed.row_counts(), x.col_counts());
        prop_assert_eq!(transposed.transposed(), x);
    }

    #[test]
    fn a_rewiring_that_does_not_fit_is_refused((shape, a, b) in pairs()) {
        let x = mask(shape, &a);
        for &position in &b {
            let drop = Rewiring::new(vec![position], Vec::new())?;
            let grow = Rewiring::new(Vec::new(), vec![position])?;
            if a.contains(&position) {
                prop_assert_eq!(x.apply(&grow), Err(MaskError::AlreadyActive { position }));
            } else {
                prop_assert_eq!(x.apply(&drop), Err(MaskError::NotActive { position }));
            }
        }
        let beyond = Rewiring::new(Vec::new(), vec![shape.len()])?;
        let position = shape.len();
        prop_assert_eq!(x.apply(&beyond), Err(MaskError::OutOfRange { position, shape }));
    }
}

#[test]
fn masks_of_different_shapes_have_no_distance() {
    let (left, right) = (MatrixShape::new(3, 4), MatrixShape::new(4, 3));
    let (a, b) = (Mask::empty(left), Mask::empty(right));
    let mismatch = MaskError::ShapeMismatch { left, right };
    assert_eq!(a.symmetric_difference(&b), Err(mismatch.clone()));
    assert_eq!(a.hamming_distance(&b), Err(mismatch.clone()));
    assert_eq!(a.jaccard_distance(&b), Err(mismatch));
}

#[test]
fn a_convolution_is_seen_as_a_matrix_without_copying() {
    let weights = Array4::from_shape_fn((2, 3, 2, 2), |(k, c, r, s)| {
        (k * 1000 + c * 100 + r * 10 + s) as f32
    });
    let matrix = weight_matrix(weights.view()).unwrap();
    assert_eq!(matrix.dim(), (2, 12));
    assert_eq!(matrix[[1, 2 * 4 + 2 + 1]], 1211.0);
    assert_eq!(matrix.as_ptr(), weights.as_ptr());
    assert_eq!(
        weight_matrix(Array1::zeros(5).view()).unwrap().dim(),
        (5, 1)
    );
    let turned = weights.view().reversed_axes();
    let dims = vec![2, 2, 3, 2];
    assert_eq!(weight_matrix(turned), Err(MaskError::NotRowMajor { dims }));
}
