//! 2:4 matrices: the law, the six pairs, both orientations, and parts that are damaged.

use ndarray::{Array2, array};
use proptest::prelude::*;
use rewire_mask::{FormFault, Mask, MatrixShape, Packed24};

use super::{SIDES, bits, fault, masked, weight, weights};
use crate::cases;

/// A mask with at most two active entries in every group of four columns: `choices` picks which.
pub(super) fn two_four(shape: MatrixShape, choices: &[u8]) -> Mask {
    const ACTIVE: [u8; 11] = [
        0b0011, 0b0101, 0b1001, 0b0110, 0b1010, 0b1100, 0b0001, 0b0010, 0b0100, 0b1000, 0b0000,
    ];
    Mask::from_fn(shape, |row, col| {
        let group = row * shape.cols.div_ceil(4) + col / 4;
        let active = ACTIVE[choices[group % choices.len()] as usize % ACTIVE.len()];
        active >> (col % 4) & 1 == 1
    })
}

/// A mask with at most two active entries in every group of a row and of a column.
fn two_four_both_ways(shape: MatrixShape, choices: &[u8]) -> Mask {
    let rows = two_four(shape, choices);
    let mut taken = vec![0u8; shape.rows.div_ceil(4) * shape.cols];
    Mask::from_fn(shape, |row, col| {
        let in_column = &mut taken[row / 4 * shape.cols + col];
        let active = rows.get(row, col) && *in_column < 2;
        *in_column += u8::from(active);
        active
    })
}

pub(super) fn shapes() -> impl Strategy<Value = MatrixShape> {
    let side = || prop_oneof![9 => 0usize..=20, 1 => prop::sample::select(&SIDES[..])];
    (0usize..=9, side())
        .prop_flat_map(|sides| prop_oneof![Just(sides), Just((sides.1, sides.0))])
        .prop_map(|(rows, cols)| MatrixShape::new(rows, cols))
}

/// A shape, choices for its groups and weights for its entries.
pub(super) fn cases_of() -> impl Strategy<Value = (MatrixShape, Vec<u8>, Array2<f32>)> {
    let choices = prop::collection::vec(any::<u8>(), 1..=41);
    let weight_bits = prop::collection::vec(weight(), 1..=97);
    (shapes(), choices, weight_bits, any::<bool>()).prop_map(|(shape, choices, bits, order)| {
        let weights = weights(shape, &bits, order);
        (shape, choices, weights)
    })
}

#[test]
fn a_row_worked_by_hand() {
    // a..g as in the head of the module; d and g are zeros that have to survive.
    let weights = array![[
        9.0f32, 1.0, 9.0, 2.0, 3.0, -0.0, 9.0, 9.0, 9.0, 9.0, 5.0, 6.0, 9.0, 9.0, 9.0, 0.0, 7.0
    ]];
    let active = [1, 3, 4, 5, 10, 11, 15, 16];
    let mask = Mask::from_positions(MatrixShape::new(1, 17), active).unwrap();
    let packed = Packed24::<f32>::pack(&mask, weights.view()).unwrap();
    assert_eq!(packed.metadata(), [0xCE4D, 0x4444]);
    let stored = packed.values().iter().map(|value| value.to_bits());
    let expected = [1.0f32, 2.0, 3.0, -0.0, 5.0, 6.0, 0.0, 0.0, 7.0];
    let padding = [0.0f32; 7];
    assert!(stored.eq(expected.iter().chain(&padding).map(|value| value.to_bits())));
    assert_eq!(packed.values_per_row(), 16);
    assert_eq!(packed.bytes(), 16 * 4 + 2 * 2);
    // Fillers: column 12 beside 15, and column 17 beside 16, which lies outside.
    let named = [1, 3, 4, 5, 10, 11, 12, 15, 16];
    assert_eq!(packed.mask().positions().collect::<Vec<_>>(), named);
}

#[test]
fn every_choice_of_two_has_its_pair() {
    let pairs = [
        ([0, 1], 0x4),
        ([0, 2], 0x8),
        ([0, 3], 0xC),
        ([1, 2], 0x9),
        ([1, 3], 0xD),
        ([2, 3], 0xE),
    ];
    let weights = array![[1.0f32, 2.0, 3.0, 4.0]];
    for (active, pair) in pairs {
        let shape = MatrixShape::new(1, 4);
        let mask = Mask::from_positions(shape, active).unwrap();
        let packed = Packed24::<f32>::pack(&mask, weights.view()).unwrap();
        assert_eq!(packed.metadata(), [0x4440 | pair]);
        assert_eq!(packed.mask(), mask);
        assert_eq!(packed.values()[..2], active.map(|col| col as f32 + 1.0));
    }
}

#[test]
fn a_group_with_three_is_named() {
    let shape = MatrixShape::new(6, 10);
    let weights = Array2::zeros((6, 10));
    let full = |along, line, group, active| FormFault::GroupFull {
        along,
        line,
        group,
        active,
    };
    // Three in columns 4..8 of row 3; a narrow last group cannot be too full.
    let mask = Mask::from_positions(shape, [8, 9, 34, 35, 37]).unwrap();
    let refused = Packed24::<f32>::pack(&mask, weights.view());
    assert_eq!(fault(refused), full("row", 3, 1, 3));
    assert_eq!(
        fault(Packed24::<f32>::pack_both(&mask, weights.view())),
        full("row", 3, 1, 3)
    );
    // Four in rows 0..4 of column 7, one per row.
    let mask = Mask::from_positions(shape, [7, 17, 27, 37]).unwrap();
    assert!(Packed24::<f32>::pack(&mask, weights.view()).is_ok());
    let refused = fault(Packed24::<f32>::pack_both(&mask, weights.view()));
    assert_eq!(refused, full("column", 7, 0, 4));
    assert_eq!(
        refused.to_string(),
        "group 0 of column 7 has 4 active entries: 2:4 allows two"
    );
}

#[test]
fn weights_of_another_shape_are_refused() {
    let shape = MatrixShape::new(3, 4);
    let wrong = FormFault::WeightsShape {
        weights: MatrixShape::new(4, 3),
        shape,
    };
    let weights = Array2::zeros((4, 3));
    let refused = Packed24::<f32>::pack(&Mask::empty(shape), weights.view());
    assert_eq!(fault(refused), wrong);
}

#[test]
fn damaged_parts_are_refused() {
    // Two rows of 17 columns: two words and sixteen values each.
    let shape = MatrixShape::new(2, 17);
    let (values, metadata) = (vec![0.0f32; 32], vec![0x4444u16; 4]);
    let rebuilt = |values: &[f32], metadata: &[u16]| {
        Packed24::from_parts(shape, values.to_vec(), metadata.to_vec())
    };
    assert!(rebuilt(&values, &metadata).is_ok());
    for found in [31, 33] {
        let count = FormFault::ValueCount {
            found,
            expected: 32,
            shape,
        };
        assert_eq!(fault(rebuilt(&vec![0.0; found], &metadata)), count);
    }
    for found in [3, 5] {
        let count = FormFault::MetadataCount {
            found,
            expected: 4,
            shape,
        };
        assert_eq!(fault(rebuilt(&values, &vec![0x4444; found])), count);
    }
    // Every four bits in every group of the second row.
    for group in 0..8 {
        for pair in 0..16u16 {
            let mut metadata = metadata.clone();
            let shift = 4 * (group % 4);
            metadata[2 + group / 4] = 0x4444 & !(0xF << shift) | pair << shift;
            let result = rebuilt(&values, &metadata);
            if ![0x4, 0x8, 0xC, 0x9, 0xD, 0xE].contains(&pair) {
                let bits = pair as u8;
                assert_eq!(
                    fault(result),
                    FormFault::NotAPair {
                        row: 1,
                        group,
                        bits
                    }
                );
            } else if group >= 5 && pair != 0x4 {
                let (row, col) = (1, 4 * group);
                assert_eq!(fault(result), FormFault::PaddingUsed { row, col, shape });
            } else {
                assert!(result.is_ok(), "pair {pair:#x} in group {group}");
            }
        }
    }
    // A value in every place of the first row: columns 17..32 must stay +0, and −0 is not.
    for place in 0..16 {
        let mut values = values.clone();
        values[place] = -0.0;
        let result = rebuilt(&values, &metadata);
        let (row, col) = (0, place / 2 * 4 + place % 2);
        if col < 17 {
            assert!(result.is_ok(), "column {col}");
        } else {
            assert_eq!(fault(result), FormFault::PaddingUsed { row, col, shape });
        }
    }
}

#[test]
fn shapes_that_cannot_be_counted_are_refused() {
    for (rows, cols) in [
        (usize::MAX, 1),
        (1 << 60, 1 << 10),
        (usize::MAX, usize::MAX),
    ] {
        let shape = MatrixShape::new(rows, cols);
        let refused = Packed24::<f32>::from_parts(shape, vec![], vec![]);
        assert_eq!(fault(refused), FormFault::TooManyEntries { shape });
    }
    let no_columns = MatrixShape::new(usize::MAX, 0);
    let empty = Packed24::<f32>::from_parts(no_columns, vec![], vec![]).unwrap();
    assert_eq!((empty.bytes(), empty.mask().n_active()), (0, 0));
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_packed_matrix_expands_to_the_masked_weights((shape, choices, weights) in cases_of()) {
        let mask = two_four(shape, &choices);
        let packed = Packed24::<f32>::pack(&mask, weights.view()).unwrap();
        prop_assert_eq!(bits(&packed.expand()), masked(&mask, weights.view()));
        // What the pairs name beyond the mask are fillers: two to a group, and every value +0.
        let named = packed.mask();
        prop_assert_eq!(mask.is_subset_of(&named), Ok(true));
        if shape.cols % 4 == 0 {
            prop_assert_eq!(named.n_active(), shape.len() / 2);
        }
        let words = shape.rows * shape.cols.div_ceil(16);
        prop_assert_eq!(packed.metadata().len(), words);
        prop_assert_eq!(packed.bytes(), words * (8 * 4 + 2));
        let parts = (packed.values().to_vec(), packed.metadata().to_vec());
        let rebuilt = Packed24::from_parts(shape, parts.0, parts.1).unwrap();
        prop_assert_eq!(bits(&rebuilt.expand()), masked(&mask, weights.view()));
        // The pairs are a function of the mask: packing what was expanded changes nothing.
        let again = Packed24::<f32>::pack(&mask, packed.expand().view()).unwrap();
        prop_assert_eq!(again.metadata(), packed.metadata());
    }

    #[test]
    fn a_full_group_gives_its_mask_back((shape, choices, weights) in cases_of()) {
        // Only whole groups, each with one of the six choices of two.
        let shape = MatrixShape::new(shape.rows, shape.cols / 4 * 4);
        let choices: Vec<u8> = choices.iter().map(|choice| choice % 6).collect();
        let mask = two_four(shape, &choices);
        let weights = weights.slice(ndarray::s![.., ..shape.cols]);
        let packed = Packed24::<f32>::pack(&mask, weights).unwrap();
        prop_assert_eq!(packed.mask(), mask);
    }

    #[test]
    fn both_orientations_hold_the_same_weights((shape, choices, weights) in cases_of()) {
        let mask = two_four_both_ways(shape, &choices);
        let (plain, transposed) = Packed24::<f32>::pack_both(&mask, weights.view()).unwrap();
        let expected = masked(&mask, weights.view());
        prop_assert_eq!(bits(&plain.expand()), expected.clone());
        prop_assert_eq!(bits(&transposed.expand()), expected.t().to_owned());
        // The transposed one is what packing the transposed matrix gives.
        let turned = Mask::from_array(mask.to_array().t());
        let alone = Packed24::<f32>::pack(&turned, weights.t()).unwrap();
        prop_assert_eq!(transposed.metadata(), alone.metadata());
        let as_bits = |packed: &Packed24<f32>| {
            packed.values().iter().map(|value| value.to_bits()).collect::<Vec<_>>()
        };
        prop_assert_eq!(as_bits(&transposed), as_bits(&alone));
    }
}

#[cfg(feature = "half")]
proptest! {
    #![proptest_config(cases())]

    #[test]
    fn bfloat16_values_are_the_rounded_weights((shape, choices, weights) in cases_of()) {
        let mask = two_four(shape, &choices);
        let packed = Packed24::<half::bf16>::pack(&mask, weights.view()).unwrap();
        // Round to nearest even on the bits: half of the cut-off part, and one more if odd.
        let rounded = weights.mapv(|weight| {
            let bits = weight.to_bits();
            if weight.is_nan() {
                return (bits >> 16) as u16 | 0x40;
            }
            ((u64::from(bits) + 0x7FFF + u64::from(bits >> 16 & 1)) >> 16) as u16
        });
        let expected = Array2::from_shape_fn(weights.dim(), |(row, col)| {
            if mask.get(row, col) { rounded[[row, col]] } else { 0 }
        });
        prop_assert_eq!(packed.expand().mapv(half::bf16::to_bits), expected);
        prop_assert_eq!(packed.bytes(), shape.rows * shape.cols.div_ceil(16) * 18);
    }

    #[test]
    fn half_precision_values_are_the_rounded_weights((shape, choices, weights) in cases_of()) {
        let mask = two_four(shape, &choices);
        let packed = Packed24::<half::f16>::pack(&mask, weights.view()).unwrap();
        // Eleven digits of a normal number, multiples of 2⁻²⁴ below; 2¹⁵ · (2 − 2⁻¹¹) is halfway to
        // infinity and goes there.
        let rounded = weights.mapv(|weight| {
            let sign = (weight.to_bits() >> 16 & 0x8000) as u16;
            if weight.is_nan() {
                return sign | 0x7E00 | (weight.to_bits() >> 13 & 0x3FF) as u16;
            }
            let magnitude = f64::from(weight.abs());
            if magnitude >= 65520.0 {
                return sign | 0x7C00;
            }
            let exponent = ((weight.abs().to_bits() >> 23) as i32 - 127).max(-14);
            let digits = (magnitude * 2f64.powi(10 - exponent)).round_ties_even() as u16;
            let binade = ((exponent + 14) as u16) << 10;
            sign | (binade + digits)
        });
        let expected = Array2::from_shape_fn(weights.dim(), |(row, col)| {
            if mask.get(row, col) { rounded[[row, col]] } else { 0 }
        });
        prop_assert_eq!(packed.expand().mapv(half::f16::to_bits), expected);
        prop_assert_eq!(packed.bytes(), shape.rows * shape.cols.div_ceil(16) * 18);
    }
}
