//! `prune24` against the best 2:4 mask of the magnitudes, packed.

use half::{bf16, f16};
use proptest::prelude::*;
use rewire_kernels::Prune24;
use rewire_mask::{Edges, Lines, MatrixShape, Nm, Packed24, Pattern};
use rewire_ptx::Schedule;

use super::matrix::{Fill, Law, Matrix, Number, Packed};
use super::rig::{Before, run};
use crate::rig::{Numbers, SCHEDULES};

/// What the status begins with: the kernel adds to it.
const BEGUN: u32 = 7;

fn launch<T: Number>(more: usize) -> impl Fn(&Matrix) -> Prune24 {
    move |weights| Prune24 {
        element: T::ELEMENT,
        weights: weights.size(more),
    }
}

/// What the kernel makes of weights, and what it adds to the status.
pub(crate) fn prune<T: Number>(
    text: Option<&str>,
    weights: &Matrix,
    more: usize,
    schedule: Schedule,
) -> Result<(Packed, u32), String> {
    let prune = launch::<T>(more)(weights);
    let call = prune.call().unwrap();
    let dense = Before::Dense(weights, prune.weights);
    let buffers = [dense, Before::Blank, Before::Blank, Before::Words(&[BEGUN])];
    let text = text.unwrap_or(call.code().text());
    let after = run(&call, text, &buffers, schedule)?;
    let packed = Packed {
        values: after[1].halves(),
        words: after[2].words(),
    };
    Ok((packed, after[3].words()[0] - BEGUN))
}

fn pattern() -> Pattern {
    Pattern::Nm {
        nm: Nm { keep: 2, of: 4 },
        along: Lines::Inputs,
        edges: Edges::Pad,
    }
}

pub(crate) fn expected<T: Number>(weights: &Matrix) -> Packed24<T> {
    let values = weights.values::<T>();
    let mask = pattern().project_magnitude(values.view()).unwrap();
    Packed24::pack(&mask, values.view()).unwrap()
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
        let (found, faults) = prune::<T>(text, weights, more, schedule)?;
        if faults != 0 {
            return Err(format!("{case}: {faults} entries are not finite"));
        }
        found.check(&Packed::of(&expected::<T>(weights)), &case)
    }
}

#[test]
fn every_edge_is_packed_as_on_the_cpu() {
    Text(None).hold_at_every_side(&Fill::ALL);
}

#[test]
fn all_data_and_all_schedules_give_the_same_bits() {
    Text(None).hold_for_all_data(277);
}

/// Every order of four magnitudes with every pattern of ties, under changing signs.
#[test]
fn all_orders_of_four_are_decided_as_on_the_cpu() {
    let entry = |group: usize, place: usize| {
        let (rank, sign) = (group >> (2 * place) & 3, (group / 3 + place) % 2);
        (0x3C0 + rank as u16) << 4 | (sign as u16) << 15
    };
    let bits = |group: usize| (0..4).map(move |place| entry(group, place));
    let weights = Matrix {
        rows: 4,
        cols: 256,
        bits: (0..256).flat_map(bits).collect(),
    };
    Text(None)
        .check::<bf16>(&weights, 0, Schedule::Early)
        .unwrap();
    Text(None)
        .check::<f16>(&weights, 0, Schedule::Early)
        .unwrap();
}

fn faults_of<T: Number>(seed: u64) {
    let mut numbers = Numbers(seed);
    let plain = Matrix::filled::<T>(45, 301, Fill::Real, seed);
    for count in [1, 2, 33, 700] {
        let (mut weights, mut groups) = (plain.clone(), Vec::new());
        let mut planted = 0;
        while planted < count {
            let at = numbers.below(weights.bits.len() as u64) as usize;
            if T::value(weights.bits[at]).is_finite() {
                let nan = numbers.below(2) as u16 * (1 + numbers.below(0x70) as u16);
                weights.bits[at] = T::INFINITY | nan | (numbers.next() as u16 & 0x8000);
                groups.push((at / plain.cols, at % plain.cols / 4));
                planted += 1;
            }
        }
        let (found, faults) = prune::<T>(None, &weights, 0, Schedule::Early).unwrap();
        assert_eq!(faults, count);
        // Legal, and groups without such entries are as they would be.
        let per_row = plain.cols.div_ceil(16);
        let (legal, calm) = (found.plain(45, 301), expected::<T>(&plain));
        for (word, (&found, &calm)) in legal.iter().zip(calm.metadata()).enumerate() {
            for group in 0..4 {
                let place = (word / per_row, word % per_row * 4 + group);
                let same = (found ^ calm) >> (4 * group) & 0xF == 0;
                assert!(same || groups.contains(&place), "{place:?}");
            }
        }
        let values = found.values.chunks(found.values.len() / 45);
        let values = values.flat_map(|row| &row[..8 * per_row]);
        let values = values.map(|&bits| T::of_bits(bits)).collect();
        Packed24::from_parts(MatrixShape::new(45, 301), values, legal).unwrap();
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

/// The kernel with something else in it, on matrices with ties and edges.
fn planted(from: &str, to: &str) -> String {
    let weights = Matrix::filled::<bf16>(37, 277, Fill::Ties, 3);
    let whole = launch::<bf16>(0)(&weights).call().unwrap().code().text();
    assert!(whole.contains(from), "nothing to change: {from}");
    Text(Some(&whole.replace(from, to)))
        .check::<bf16>(&weights, 0, Schedule::Early)
        .expect_err(from)
}

#[test]
fn planted_faults_are_found() {
    // Ties go to the higher column.
    let found = planted("or.b32 %k1, %k1, 0x0002;", "or.b32 %k1, %k1, 0x0005;");
    assert!(found.contains("holds"), "{found}");
    // Signs count.
    planted(
        "and.b32 %k1, %w1_2, 0x7FFF0000;",
        "and.b32 %k1, %w1_2, 0xFFFF0000;",
    );
    // The lower of two values comes second.
    let found = planted("%lower0, %higher0, 0x0051;", "%higher0, %lower0, 0x0051;");
    assert!(found.contains("values"), "{found}");
    // Lanes keep the wrong half of what they exchange.
    let found = planted("selp.b32 %between, 0x3726", "selp.b32 %between, 0x7362");
    assert!(found.contains("metadata"), "{found}");
    // The last columns are read in whole chunks; the row below the last is read; a column too many is.
    let found = planted("%chunk_in, %cols_left, 8;", "%chunk_in, %cols_left, 5;");
    assert!(found.contains("global"), "{found}");
    let found = planted(
        "setp.le.s32 %in, %rows_left, 1;",
        "setp.lt.s32 %in, %rows_left, 1;",
    );
    assert!(found.contains("global"), "{found}");
    let found = planted(
        "setp.gt.s32 %in, %cols_left, 5;",
        "setp.ge.s32 %in, %cols_left, 5;",
    );
    assert!(found.contains("written"), "{found}");
    // Padding is left out.
    let found = planted("%span_in, %span_left, 0;", "%span_in, %cols_left, 0;");
    assert!(found.contains("written"), "{found}");
}
