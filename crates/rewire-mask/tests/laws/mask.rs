//! Masks against sorted sets of positions.

use std::collections::BTreeSet;

use ndarray::Array2;
use proptest::prelude::*;
use rewire_mask::{Mask, MaskError, MatrixShape};

use crate::{cases, mask, pairs, sets};

#[test]
fn a_full_mask_fills_every_length_around_a_word_edge() {
    for len in [0usize, 1, 2, 63, 64, 65, 127, 128, 129, 192] {
        for shape in [MatrixShape::new(1, len), MatrixShape::new(len, 1)] {
            let full = Mask::full(shape);
            assert_eq!(full.n_active(), len as u64);
            assert!(full.positions().eq(0..len as u64));
            assert_eq!(full, Mask::from_fn(shape, |_, _| true));
            assert_eq!(full.words().len(), len.div_ceil(64));
            assert_eq!(full.density(), if len == 0 { 0.0 } else { 1.0 });
        }
    }
}

#[test]
fn words_that_do_not_fit_are_refused() {
    let shape = MatrixShape::new(5, 13);
    assert!(Mask::from_words(shape, vec![u64::MAX, 1]).is_ok());
    assert_eq!(
        Mask::from_words(shape, vec![0, 0b10]),
        Err(MaskError::PaddingBits { word: 0b10, shape })
    );
    for found in [0, 1, 3] {
        assert_eq!(
            Mask::from_words(shape, vec![0; found]),
            Err(MaskError::WordCount {
                found,
                expected: 2,
                shape
            })
        );
    }
}

#[test]
fn positions_beyond_the_last_entry_are_refused() {
    let shape = MatrixShape::new(3, 4);
    let error = MaskError::OutOfRange {
        position: 12,
        shape,
    };
    assert_eq!(Mask::from_positions(shape, [3, 12]), Err(error.clone()));
    assert_eq!(error.to_string(), "position 12 is outside a 3×4 matrix");
}

#[test]
fn masks_of_different_shapes_do_not_combine() {
    // Equal numbers of entries: only the shapes tell them apart.
    let (left, right) = (MatrixShape::new(3, 4), MatrixShape::new(4, 3));
    let (a, b) = (Mask::empty(left), Mask::empty(right));
    let mismatch = MaskError::ShapeMismatch { left, right };
    assert_eq!(a.union(&b), Err(mismatch.clone()));
    assert_eq!(a.intersection(&b), Err(mismatch.clone()));
    assert_eq!(a.difference(&b), Err(mismatch.clone()));
    assert_eq!(a.is_subset_of(&b), Err(mismatch));
}

#[test]
#[should_panic(expected = "entry (0, 4) of a 3×4 mask")]
fn an_entry_outside_the_matrix_is_no_entry_of_the_next_row() {
    Mask::full(MatrixShape::new(3, 4)).get(0, 4);
}

#[test]
fn arrays_in_any_memory_order_give_the_same_mask() {
    let array = Array2::from_shape_fn((5, 13), |(row, col)| (row * 13 + col) % 3 == 0);
    let transposed = array.t().as_standard_layout().into_owned();
    assert_eq!(
        Mask::from_array(array.view()),
        Mask::from_array(transposed.t())
    );
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_mask_is_the_set_of_its_positions((shape, set) in sets()) {
        let mask = mask(shape, &set);
        prop_assert!(mask.positions().eq(set.iter().copied()));
        prop_assert_eq!(mask.n_active(), set.len() as u64);
        for position in 0..shape.len() + 130 {
            prop_assert_eq!(mask.contains(position), set.contains(&position));
        }
        let mut rows = vec![0; shape.rows];
        for &position in &set {
            let (row, col) = shape.row_col(position);
            prop_assert!(mask.get(row, col));
            rows[row] += 1;
        }
        prop_assert_eq!(mask.row_counts(), rows);
        if !shape.is_empty() {
            prop_assert_eq!(mask.density(), set.len() as f64 / shape.len() as f64);
        }
    }

    #[test]
    fn every_way_to_build_a_mask_gives_the_same_one((shape, set) in sets()) {
        let built = mask(shape, &set);
        let backwards = set.iter().rev().chain(set.iter()).copied();
        prop_assert_eq!(&Mask::from_positions(shape, backwards).unwrap(), &built);
        let from_fn = Mask::from_fn(shape, |row, col| set.contains(&shape.position(row, col)));
        prop_assert_eq!(&from_fn, &built);
        prop_assert_eq!(&Mask::from_array(built.to_array().view()), &built);
        prop_assert_eq!(&Mask::from_words(shape, built.words().to_vec()).unwrap(), &built);
    }

    #[test]
    fn set_operations_are_those_of_sets((shape, a, b) in pairs()) {
        let (left, right) = (mask(shape, &a), mask(shape, &b));
        let check = |found: Mask, expected: BTreeSet<u64>| {
            // Rebuilding from words also checks that no padding bit was set.
            let rebuilt = Mask::from_words(shape, found.words().to_vec());
            prop_assert_eq!(rebuilt, Ok(mask(shape, &expected)));
            Ok(())
        };
        check(left.union(&right).unwrap(), &a | &b)?;
        check(left.intersection(&right).unwrap(), &a & &b)?;
        check(left.difference(&right).unwrap(), &a - &b)?;
        check(Mask::full(shape).difference(&left).unwrap(), &(0..shape.len()).collect() - &a)?;
        prop_assert_eq!(left.is_subset_of(&right), Ok(a.is_subset(&b)));
        let both = left.intersection(&right).unwrap();
        prop_assert_eq!(both.is_subset_of(&left), Ok(true));
    }
}
