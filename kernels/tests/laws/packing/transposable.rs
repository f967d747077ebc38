//! `prune24_transposable` against the transposable mask of the matrix filled up to whole tiles.

use half::{bf16, f16};
use ndarray::Array2;
use proptest::prelude::*;
use rewire_kernels::Prune24Transposable;
use rewire_mask::{Edges, Mask, MatrixShape, Nm, Packed24, Pattern};
use rewire_ptx::Schedule;

use super::matrix::{Fill, Law, Matrix, Number, Packed};
use super::rig::{Before, run};
use crate::rig::{Numbers, SCHEDULES};

const BEGUN: u32 = 11;

/// What the kernel makes of weights: W, its transpose, and what it adds to the status.
fn prune<T: Number>(
    text: Option<&str>,
    weights: &Matrix,
    more: usize,
    schedule: Schedule,
) -> Result<(Packed, Packed, u32), String> {
    let prune = Prune24Transposable {
        element: T::ELEMENT,
        weights: weights.size(more),
    };
    let call = prune.call().unwrap();
    let dense = Before::Dense(weights, prune.weights);
    let status = Before::Words(&[BEGUN]);
    let buffers = [
        dense,
        Before::Blank,
        Before::Blank,
        Before::Blank,
        Before::Blank,
        status,
    ];
    let text = text.unwrap_or(call.code().text());
    let after = run(&call, text, &buffers, schedule)?;
    let packed = |values: usize| Packed {
        values: after[values].halves(),
        words: after[values + 1].words(),
    };
    Ok((packed(1), packed(3), after[5].words()[0] - BEGUN))
}

/// The mask of the matrix with zeros around it, cut down to the matrix.
fn mask<T: Number>(weights: &Matrix) -> Mask {
    let (rows, cols) = (weights.rows, weights.cols);
    let mut padded = Array2::zeros((rows.next_multiple_of(4), cols.next_multiple_of(4)));
    padded
        .slice_mut(ndarray::s![..rows, ..cols])
        .assign(&weights.values::<T>());
    let pattern = Pattern::TransposableNm {
        nm: Nm { keep: 2, of: 4 },
        edges: Edges::Reject,
    };
    let whole = pattern.project_magnitude(padded.view()).unwrap();
    Mask::from_fn(MatrixShape::new(rows, cols), |row, col| whole.get(row, col))
}

/// A text in place of the kernel's own.
struct Text<'a>(Option<&'a str>);

impl Law for Text<'_> {
    fn check<T: Number>(
        &self,
        weights: &Matrix,
        more: usize,
        schedule: Schedule,
    ) -> Result<(), String> {
        let Self(text) = *self;
        let (rows, cols) = (weights.rows, weights.cols);
        let case = format!("{} {rows}×{cols}, {schedule:?}", T::ELEMENT);
        let (found, found_t, faults) = prune::<T>(text, weights, more, schedule)?;
        if faults != 0 {
            return Err(format!("{case}: {faults} entries are not finite"));
        }
        let (plain, transposed) =
            Packed24::<T>::pack_both(&mask::<T>(weights), weights.values::<T>().view()).unwrap();
        found.check(&Packed::of(&plain), &case)?;
        found_t.check(&Packed::of(&transposed), &format!("{case}, transposed"))
    }
}

#[test]
fn every_edge_is_packed_as_on_the_cpu() {
    Text(None).hold_at_every_side(&Fill::ALL);
}

#[test]
fn all_data_and_all_schedules_give_the_same_bits() {
    Text(None).hold_for_all_data(147);
}

/// Tiles of zeros and ones, all 65536 of them: nearly every one is a tie.
#[test]
fn every_tile_of_zeros_and_ones_is_decided_as_on_the_cpu() {
    let (rows, cols) = (512, 2048);
    let one = bf16::ONE.to_bits();
    let bits = (0..rows * cols).map(|at| {
        let (row, col) = (at / cols, at % cols);
        let tile = row / 4 * (cols / 4) + col / 4;
        let entry = 4 * (row % 4) + col % 4;
        if tile >> entry & 1 == 1 { one } else { 0 }
    });
    let weights = Matrix {
        rows,
        cols,
        bits: bits.collect(),
    };
    Text(None)
        .check::<bf16>(&weights, 0, Schedule::Early)
        .unwrap();
}

fn faults_of<T: Number>(seed: u64) {
    let mut numbers = Numbers(seed);
    let plain = Matrix::filled::<T>(45, 149, Fill::Real, seed);
    let (calm, calm_t, _) = prune::<T>(None, &plain, 0, Schedule::Early).unwrap();
    for count in [1, 2, 33, 500] {
        let (mut weights, mut tiles) = (plain.clone(), Vec::new());
        let mut planted = 0;
        while planted < count {
            let at = numbers.below(weights.bits.len() as u64) as usize;
            if T::value(weights.bits[at]).is_finite() {
                let nan = numbers.below(2) as u16 * (1 + numbers.below(0x70) as u16);
                weights.bits[at] = T::INFINITY | nan | (numbers.next() as u16 & 0x8000);
                tiles.push((at / plain.cols / 4, at % plain.cols / 4));
                planted += 1;
            }
        }
        let (found, found_t, faults) = prune::<T>(None, &weights, 0, Schedule::Early).unwrap();
        assert_eq!(faults, count);
        // Legal either way, the same mask, and tiles without such entries are as they would be.
        let unpacked = |packed: &Packed, rows: usize, cols: usize| {
            let per_row = cols.div_ceil(16);
            let values = packed.values.chunks(packed.values.len() / rows);
            let values = values.flat_map(|row| &row[..8 * per_row]);
            let values = values.map(|&bits| T::of_bits(bits)).collect();
            let plain = packed.plain(rows, cols);
            let whole = Packed24::from_parts(MatrixShape::new(rows, cols), values, plain).unwrap();
            whole.expand().mapv(T::bits)
        };
        let (one, other) = (unpacked(&found, 45, 149), unpacked(&found_t, 149, 45));
        assert_eq!(one, other.t());
        let (calm, calm_t) = (unpacked(&calm, 45, 149), unpacked(&calm_t, 149, 45));
        for ((row, col), &bits) in one.indexed_iter() {
            let touched = tiles.contains(&(row / 4, col / 4));
            assert!(
                touched || bits == calm[[row, col]],
                "row {row}, column {col}"
            );
            assert_eq!(calm[[row, col]], calm_t[[col, row]]);
        }
    }
}

#[test]
fn entries_that_are_not_finite_are_counted() {
    faults_of::<bf16>(1);
    faults_of::<f16>(2);
}

proptest! {
    #![proptest_config(crate::cases(super::CASES))]

    #[test]
    fn any_matrix_is_packed_as_on_the_cpu(
        (rows, cols, more) in (1usize..=80, 1usize..=300, 0usize..3),
        fill in prop::sample::select(&Fill::ALL[..]),
        schedule in prop::sample::select(&SCHEDULES[..]),
        seed in any::<u64>(),
    ) {
        prop_assert_eq!(Text(None).hold((rows, cols), more, fill, schedule, seed), Ok(()));
    }
}

#[test]
fn planted_faults_are_found() {
    let whole = rewire_kernels::Program {
        kernel: rewire_kernels::Kernel::Prune24Transposable,
        element: rewire_kernels::Element::Bf16,
    }
    .text();
    let planted = |from: &str, to: &str, fill: Fill, schedule: Schedule| {
        assert!(whole.contains(from), "nothing to change: {from}");
        let weights = Matrix::filled::<bf16>(150, 277, fill, 3);
        Text(Some(&whole.replace(from, to)))
            .check::<bf16>(&weights, 0, schedule)
            .expect_err(from)
    };
    let (ties, early) = (Fill::Ties, Schedule::Early);
    for schedule in SCHEDULES {
        // The transposed values are read before they are there; the next step overwrites them.
        let found = planted("bar.sync 0;", "", ties, schedule);
        assert!(
            found.contains("shared") || found.contains("race"),
            "{found}"
        );
        let found = planted("sub.u32 %stage, %t, %stage;", "", ties, schedule);
        assert!(
            found.contains("shared") || found.contains("race"),
            "{found}"
        );
    }
    // Another pairing wins ties; so does another axis; a sign is turned round.
    planted("setp.gt.f32 %third", "setp.ge.f32 %third", ties, early);
    planted("setp.gt.f32 %wins", "setp.ge.f32 %wins", ties, early);
    planted(
        "shr.s32 %sign, %dx, 31",
        "shr.u32 %sign, %dx, 31",
        ties,
        early,
    );
    // Large magnitudes are compared as they are.
    planted("0x3D000000", "0x3F800000", Fill::Huge, early);
    // Weights that fill groups up keep their values.
    let found = planted("and.b32 %w1_0, %w1_0, %active;", "", Fill::Real, early);
    assert!(found.contains("values"), "{found}");
    // Tails.
    let found = planted(
        "setp.ge.s32 %chunk_in, %cols_left, 8",
        "setp.ge.s32 %chunk_in, %cols_left, 5",
        ties,
        early,
    );
    assert!(found.contains("global"), "{found}");
    let found = planted(
        "setp.lt.u32 %part_in, %t, %span_t",
        "setp.le.u32 %part_in, %t, %span_t",
        ties,
        early,
    );
    assert!(
        found.contains("global") || found.contains("written"),
        "{found}"
    );
    // Lanes keep the wrong half of what they exchange.
    planted(
        "selp.b32 %pick_l, 0x3726",
        "selp.b32 %pick_l, 0x7362",
        ties,
        early,
    );
}
