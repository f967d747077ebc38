//! `mask_gradient24` against a look at every place that metadata name.

use half::{bf16, f16};
use proptest::prelude::*;
use rewire_kernels::MaskGradient24;
use rewire_mask::{MatrixShape, Packed24};
use rewire_ptx::Schedule;

use super::matrix::{Fill, Law, Matrix, Number, Packed, same};
use super::prune24::prune;
use super::rig::{Before, run};
use crate::rig::{Numbers, SCHEDULES};

/// The values that the kernel takes from a gradient.
fn gather<T: Number>(
    text: Option<&str>,
    gradient: &Matrix,
    words: &[u32],
    more: usize,
    schedule: Schedule,
) -> Result<Vec<u16>, String> {
    let gather = MaskGradient24 {
        element: T::ELEMENT,
        packed: gradient.packed_size(),
        gradient: gradient.size(more),
    };
    let call = gather.call().unwrap();
    let dense = Before::Dense(gradient, gather.gradient);
    let buffers = [dense, Before::Words(words), Before::Blank];
    let text = text.unwrap_or(call.code().text());
    let after = run(&call, text, &buffers, schedule)?;
    Ok(after[2].halves())
}

/// A matrix with any legal pair in every group that has a column.
fn any_pairs<T: Number>(rows: usize, cols: usize, seed: u64) -> Packed24<T> {
    const PAIRS: [u16; 6] = [0x4, 0x8, 0xC, 0x9, 0xD, 0xE];
    let mut numbers = Numbers(seed);
    let per_row = cols.div_ceil(16);
    let metadata: Vec<u16> = (0..rows * per_row)
        .map(|word| {
            let pair = |group: usize| match 16 * (word % per_row) + 4 * group < cols {
                true => PAIRS[numbers.below(6) as usize],
                false => 0x4,
            };
            let pairs: Vec<u16> = (0..4).map(pair).collect();
            pairs[0] | pairs[1] << 4 | pairs[2] << 8 | pairs[3] << 12
        })
        .collect();
    let values = vec![T::ZERO; 8 * metadata.len()];
    Packed24::from_parts(MatrixShape::new(rows, cols), values, metadata).unwrap()
}

/// A text in place of the kernel's own.
struct Text<'a>(Option<&'a str>);

impl Law for Text<'_> {
    fn check<T: Number>(
        &self,
        gradient: &Matrix,
        more: usize,
        schedule: Schedule,
    ) -> Result<(), String> {
        let Self(text) = *self;
        let (rows, cols) = (gradient.rows, gradient.cols);
        let packed = any_pairs::<T>(rows, cols, (rows * 1000 + cols) as u64);
        let words = Packed::of(&packed).words;
        let found = gather::<T>(text, gradient, &words, more, schedule)?;
        let per_row = gradient.packed_size().values_per_row() as usize;
        let expected: Vec<u16> = (0..rows * per_row)
            .map(|at| {
                let (row, slot) = (at / per_row, at % per_row);
                let plain = packed.metadata().get(row * cols.div_ceil(16) + slot / 8);
                let inside = 8 * cols.div_ceil(16) > slot;
                let pair = plain
                    .filter(|_| inside)
                    .map_or(0x4, |word| word >> (4 * (slot / 2 % 4)));
                let col = 4 * (slot / 2) + usize::from(pair >> (2 * (slot % 2)) & 3);
                if col < cols {
                    gradient.bits[row * cols + col]
                } else {
                    0
                }
            })
            .collect();
        let case = format!("{} {rows}×{cols}, {schedule:?}", T::ELEMENT);
        same(&found, &expected, &case)
    }
}

#[test]
fn every_edge_is_gathered() {
    Text(None).hold_at_every_side(&[Fill::Any]);
}

proptest! {
    #![proptest_config(crate::cases(super::CASES))]

    #[test]
    fn the_gradient_of_what_was_pruned_is_what_was_packed(
        (rows, cols, more) in (1usize..=80, 1usize..=300, 0usize..3),
        fill in prop::sample::select(&Fill::ALL[..]),
        schedule in prop::sample::select(&SCHEDULES[..]),
        seed in any::<u64>(),
    ) {
        let weights = Matrix::filled::<bf16>(rows, cols, fill, seed);
        let (packed, _) = prune::<bf16>(None, &weights, more, schedule).unwrap();
        let found = gather::<bf16>(None, &weights, &packed.words, more, schedule).unwrap();
        prop_assert_eq!(same(&found, &packed.values, "values"), Ok(()));
        prop_assert_eq!(Text(None).check::<f16>(&weights, more, schedule), Ok(()));
    }
}

#[test]
fn planted_faults_are_found() {
    let gradient = Matrix::filled::<bf16>(37, 277, Fill::Any, 3);
    let whole = rewire_kernels::Program {
        kernel: rewire_kernels::Kernel::MaskGradient24,
        element: rewire_kernels::Element::Bf16,
    }
    .text();
    let planted = |from: &str, to: &str| {
        assert!(whole.contains(from), "nothing to change: {from}");
        Text(Some(&whole.replace(from, to)))
            .check::<bf16>(&gradient, 1, Schedule::Early)
            .expect_err(from)
    };
    let found = planted("%lower1, %higher1, 0x0062;", "%lower0, %higher0, 0x0062;");
    assert!(found.contains("holds"), "{found}");
    let found = planted("%chunk_in, %cols_left, 8;", "%chunk_in, %cols_left, 5;");
    assert!(found.contains("global"), "{found}");
    // Padding of the last row stays unwritten.
    let found = planted(
        "%used, %span_left, 0, %used;",
        "%used, %cols_left, 0, %used;",
    );
    assert!(found.contains("written"), "{found}");
}
