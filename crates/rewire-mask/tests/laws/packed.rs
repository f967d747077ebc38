//! Compressed forms against the masked matrix, bit for bit.

#[cfg(feature = "safetensors")]
mod file;
mod lanes;
mod two_four;

use ndarray::{Array2, ArrayView2, ShapeBuilder};
use proptest::prelude::*;
use rewire_mask::{
    BitmaskValues, BlockSparse, Csr, FormFault, Mask, MaskError, MatrixShape, Topology,
};

use crate::{cases, mask, sets};

/// Sides around the edges of a group, a word of metadata, a word of a mask and a block of lanes.
const SIDES: [usize; 14] = [0, 1, 3, 4, 5, 15, 16, 17, 63, 64, 65, 255, 256, 257];

/// Weights that value rules trip over, and any other bits.
fn weight() -> impl Strategy<Value = u32> {
    prop_oneof![
        any::<u32>(),
        Just(0),
        Just((-0.0f32).to_bits()),
        Just(f32::NAN.to_bits()),
        Just(f32::NEG_INFINITY.to_bits()),
        Just(1),
    ]
}

/// A matrix of these bits over and over, row-major or column-major in memory.
fn weights(shape: MatrixShape, bits: &[u32], column_major: bool) -> Array2<f32> {
    let sides = (shape.rows, shape.cols).set_f(column_major);
    Array2::from_shape_fn(sides, |(row, col)| {
        f32::from_bits(bits[shape.position(row, col) as usize % bits.len()])
    })
}

/// What every form has to expand to, as bits.
fn masked(mask: &Mask, weights: ArrayView2<'_, f32>) -> Array2<u32> {
    Array2::from_shape_fn(weights.dim(), |(row, col)| {
        if mask.get(row, col) {
            weights[[row, col]].to_bits()
        } else {
            0
        }
    })
}

fn bits(dense: &Array2<f32>) -> Array2<u32> {
    dense.mapv(f32::to_bits)
}

/// The fault in an error about a form.
fn fault(result: Result<impl Sized, MaskError>) -> FormFault {
    match result.err().expect("refused") {
        MaskError::Form(fault) => fault,
        other => panic!("{other} is no fault of a form"),
    }
}

/// A mask, weights for it and the sides of a block.
fn matrices() -> impl Strategy<Value = (Mask, Array2<f32>, MatrixShape)> {
    let block = (1usize..=5, 1usize..=70).prop_map(|(rows, cols)| MatrixShape::new(rows, cols));
    let weights_of = (prop::collection::vec(weight(), 1..=97), any::<bool>());
    (sets(), weights_of, block).prop_map(|((shape, set), (bits, order), block)| {
        (mask(shape, &set), weights(shape, &bits, order), block)
    })
}

#[test]
fn weights_of_another_shape_are_refused() {
    let (shape, other) = (MatrixShape::new(3, 4), MatrixShape::new(4, 3));
    let mask = Mask::empty(shape);
    let turned = Array2::zeros((4, 3));
    let wrong = FormFault::WeightsShape {
        weights: other,
        shape,
    };
    let block = MatrixShape::new(2, 2);
    assert_eq!(
        fault(BlockSparse::<f32>::pack(&mask, turned.view(), block)),
        wrong
    );
    assert_eq!(
        fault(BitmaskValues::<f32>::pack(mask, turned.view())),
        wrong
    );
    let csr = Csr::<f32>::pack(Topology::empty(shape), turned.view());
    assert_eq!(fault(csr), wrong);
    assert_eq!(
        wrong.to_string(),
        "4×3 weights do not fit positions of a 3×4 matrix"
    );
}

#[test]
fn values_that_are_too_few_or_too_many_are_refused() {
    let shape = MatrixShape::new(3, 4);
    let mask = Mask::from_positions(shape, [0, 6, 11]).unwrap();
    let topology = Topology::from_mask(&mask);
    for found in [2, 4] {
        let wrong = FormFault::ValueCount {
            found,
            expected: 3,
            shape,
        };
        let values = vec![1.0f32; found];
        assert_eq!(
            fault(Csr::from_parts(topology.clone(), values.clone())),
            wrong
        );
        assert_eq!(
            fault(BitmaskValues::from_parts(mask.clone(), values)),
            wrong
        );
    }
}

#[test]
fn blocks_that_do_not_fit_are_refused() {
    let (shape, block) = (MatrixShape::new(3, 5), MatrixShape::new(2, 4));
    let grid = MatrixShape::new(2, 2);
    let blocks = Topology::from_positions(grid, [3]).unwrap();
    // The last block holds entry (2, 4) of the matrix and seven of padding.
    let mut values = vec![0.0f32; 8];
    values[0] = -0.0;
    let rebuilt = BlockSparse::from_parts(shape, block, blocks.clone(), values.clone()).unwrap();
    assert_eq!(rebuilt.mask().positions().collect::<Vec<_>>(), [14]);
    for (place, row, col) in [(1, 2, 5), (4, 3, 4), (7, 3, 7)] {
        let mut values = values.clone();
        values[place] = -0.0;
        let used = FormFault::PaddingUsed { row, col, shape };
        let refused = BlockSparse::from_parts(shape, block, blocks.clone(), values);
        assert_eq!(fault(refused), used);
    }
    let few = BlockSparse::from_parts(shape, block, blocks.clone(), vec![0.0f32; 7]);
    let count = FormFault::ValueCount {
        found: 7,
        expected: 8,
        shape,
    };
    assert_eq!(fault(few), count);
    let wide = MatrixShape::new(3, 9);
    let uncovered = FormFault::BlockGrid {
        found: grid,
        expected: MatrixShape::new(2, 3),
        shape: wide,
    };
    let refused = BlockSparse::from_parts(wide, block, blocks, values);
    assert_eq!(fault(refused), uncovered);
    for block in [MatrixShape::new(0, 4), MatrixShape::new(4, 0)] {
        let refused =
            BlockSparse::<f32>::pack(&Mask::empty(shape), Array2::zeros((3, 5)).view(), block);
        assert_eq!(fault(refused), FormFault::EmptyBlock { block });
    }
}

#[test]
fn blocks_whose_entries_cannot_be_counted_are_refused() {
    let shape = MatrixShape::new(2, 2);
    let (mask, weights) = (Mask::full(shape), Array2::zeros((2, 2)));
    let half = 1 << (usize::BITS / 2);
    let block = MatrixShape::new(half, half);
    let refused = BlockSparse::<f32>::pack(&mask, weights.view(), block);
    assert_eq!(fault(refused), FormFault::TooManyEntries { shape: block });
    // Each block can be counted, the two of them cannot.
    let tall = MatrixShape::new(usize::MAX / 2 + 1, 1);
    let refused = BlockSparse::<f32>::pack(&mask, weights.view(), tall);
    assert_eq!(fault(refused), FormFault::TooManyEntries { shape });
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn rows_of_columns_expand_to_the_masked_weights((mask, weights, _) in matrices()) {
        let csr = Csr::<f32>::pack(Topology::from_mask(&mask), weights.view()).unwrap();
        prop_assert_eq!(bits(&csr.expand()), masked(&mask, weights.view()));
        prop_assert_eq!(csr.mask(), mask.clone());
        let n = mask.n_active() as usize;
        prop_assert_eq!(csr.bytes(), n * 8 + 8 * (mask.shape().rows + 1));
        let parts = Csr::from_parts(csr.topology().clone(), csr.values().to_vec()).unwrap();
        prop_assert_eq!(bits(&parts.expand()), masked(&mask, weights.view()));
    }

    #[test]
    fn bits_and_values_expand_to_the_masked_weights((mask, weights, _) in matrices()) {
        let packed = BitmaskValues::<f32>::pack(mask.clone(), weights.view()).unwrap();
        prop_assert_eq!(bits(&packed.expand()), masked(&mask, weights.view()));
        prop_assert_eq!(packed.mask(), &mask);
        let (n, words) = (mask.n_active() as usize, mask.shape().len().div_ceil(64) as usize);
        prop_assert_eq!(packed.bytes(), n * 4 + words * 8);
        let parts = BitmaskValues::from_parts(mask.clone(), packed.values().to_vec()).unwrap();
        prop_assert_eq!(bits(&parts.expand()), masked(&mask, weights.view()));
    }

    #[test]
    fn blocks_expand_to_the_masked_weights((mask, weights, block) in matrices()) {
        let packed = BlockSparse::<f32>::pack(&mask, weights.view(), block).unwrap();
        prop_assert_eq!(bits(&packed.expand()), masked(&mask, weights.view()));
        let shape = mask.shape();
        let touched = |row: usize, col: usize| {
            let (first, left) = (row / block.rows * block.rows, col / block.cols * block.cols);
            (first..(first + block.rows).min(shape.rows)).any(|row| {
                (left..(left + block.cols).min(shape.cols)).any(|col| mask.get(row, col))
            })
        };
        prop_assert_eq!(packed.mask(), Mask::from_fn(shape, touched));
        let (n, entries) = (packed.blocks().n_active(), block.rows * block.cols);
        let offsets = 8 * (shape.rows.div_ceil(block.rows) + 1);
        prop_assert_eq!(packed.bytes(), n * (4 * entries + 4) + offsets);
        let parts = (packed.blocks().clone(), packed.values().to_vec());
        let rebuilt = BlockSparse::from_parts(shape, block, parts.0, parts.1).unwrap();
        prop_assert_eq!(bits(&rebuilt.expand()), masked(&mask, weights.view()));
    }
}
