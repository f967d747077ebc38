//! What the properties are asked about: patterns that fit their shapes, and numbers of every kind.

use ndarray::Array2;
use proptest::prelude::*;
use rand_chacha::rand_core::RngCore;
use rewire_mask::{Block, Density, Edges, Lines, MatrixShape, Nm, Pattern};

use super::{EDGES, NORMS, density, nm};
use crate::rng;

/// What kind of numbers a matrix holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// −1, 0 and 1, zeros of both signs: nearly everything ties.
    Ties,
    /// Whole numbers up to ±1000: sums are exact.
    Whole,
    /// Fractions of [−1, 1) with 24 bits.
    Plain,
    /// One number everywhere.
    Equal,
    /// Zeros of both signs.
    Zeros,
    /// Up to ±`f32::MAX`.
    Huge,
    /// Subnormal numbers, of all sizes or only the very smallest.
    Subnormal,
}

pub(super) const KINDS: [Kind; 7] = [
    Kind::Ties,
    Kind::Whole,
    Kind::Plain,
    Kind::Equal,
    Kind::Zeros,
    Kind::Huge,
    Kind::Subnormal,
];

/// A matrix of such numbers.
pub(super) fn numbers(shape: MatrixShape, kind: Kind, seed: u64) -> Array2<f32> {
    let mut rng = rng(seed);
    let equal = (rng.next_u32() % 5) as f32 - 2.0;
    let shift = 9 + rng.next_u32() % 21;
    let number = |bits: u32| {
        let sign = if bits & 1 == 0 { 1.0 } else { -1.0 };
        sign * match kind {
            Kind::Ties => (bits >> 8 & 1) as f32,
            Kind::Whole => ((bits >> 8) % 1001) as f32,
            Kind::Plain => (bits >> 8) as f32 * 2f32.powi(-24),
            Kind::Equal => return equal,
            Kind::Zeros => 0.0,
            Kind::Huge => f32::MAX * (((bits >> 8) % 9) as f32 / 8.0),
            Kind::Subnormal => f32::from_bits(bits >> shift),
        }
    };
    Array2::from_shape_fn((shape.rows, shape.cols), |_| number(rng.next_u32()))
}

pub(super) fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(KINDS.to_vec())
}

/// Every N:M of up to 32, small ones more often: tiles of 32×32 take a hundred times as long.
pub(super) fn nms() -> impl Strategy<Value = Nm> {
    let of = prop_oneof![12 => 1u8..=6, 1 => 7u8..=32];
    of.prop_flat_map(|of| (1..=of, Just(of)))
        .prop_map(|(keep, of)| nm(keep, of))
}

pub(super) fn densities() -> impl Strategy<Value = Density> {
    prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0].prop_map(density)
}

pub(super) fn edges() -> impl Strategy<Value = Edges> {
    prop::sample::select(EDGES.to_vec())
}

/// A length in whole units if the edges want that, else any: near word edges, or small.
pub(super) fn length(wish: usize, unit: usize, edges: Edges) -> usize {
    match edges {
        Edges::Reject => wish.div_ceil(unit) * unit,
        Edges::Dense | Edges::Pad => wish,
    }
}

/// Rows and columns: 0 and 1, a few, and around word edges.
fn sides() -> impl Strategy<Value = (usize, usize)> {
    let cols = prop_oneof![4 => 0usize..=9, 1 => 31usize..=33, 1 => 62usize..=66];
    (0usize..=9, cols)
}

/// Patterns that are decided group by group, each with a shape that it fits.
pub(super) fn by_groups() -> impl Strategy<Value = (Pattern, MatrixShape)> {
    let unstructured = (densities(), sides()).prop_map(|(density, (rows, cols))| {
        let shape = MatrixShape::new(rows, cols);
        (Pattern::Unstructured { density }, shape)
    });
    let fan_in = (sides(), any::<prop::sample::Index>()).prop_map(|((rows, cols), keep)| {
        let keep = keep.index(cols + 1);
        (Pattern::FanIn { keep }, MatrixShape::new(rows, cols))
    });
    let along = prop_oneof![
        Just(Lines::Inputs),
        Just(Lines::Outputs),
        (1usize..=4).prop_map(|taps| Lines::Channels { taps }),
        (1usize..=4).prop_map(|taps| Lines::TapsOutputs { taps }),
    ];
    let nm = (nms(), along, edges(), sides()).prop_map(|(nm, along, edges, (rows, cols))| {
        let of = usize::from(nm.of);
        let shape = match along {
            Lines::Inputs => MatrixShape::new(rows, length(cols, of, edges)),
            Lines::Outputs => MatrixShape::new(length(rows, of, edges), cols),
            Lines::Channels { taps } => {
                MatrixShape::new(rows, length(cols / taps, of, edges) * taps)
            }
            Lines::TapsOutputs { taps } => {
                MatrixShape::new(length(rows, of, edges), cols / taps * taps)
            }
        };
        (Pattern::Nm { nm, along, edges }, shape)
    });
    prop_oneof![1 => unstructured, 1 => fan_in, 3 => nm]
}

/// Transposable patterns, each with a shape that it fits.
pub(super) fn by_tiles() -> impl Strategy<Value = (Pattern, MatrixShape)> {
    (nms(), edges(), sides()).prop_map(|(nm, edges, (rows, cols))| {
        let of = usize::from(nm.of);
        let shape = MatrixShape::new(length(rows, of, edges), length(cols, of, edges));
        (Pattern::TransposableNm { nm, edges }, shape)
    })
}

/// Block patterns, each with a shape that it fits.
pub(super) fn by_blocks() -> impl Strategy<Value = (Pattern, MatrixShape)> {
    let norms = prop::sample::select(NORMS.to_vec());
    let block = (1usize..=4, 1usize..=5).prop_map(|(rows, cols)| Block { rows, cols });
    let blocks = (block, norms, densities(), edges(), sides());
    blocks.prop_map(|(block, norm, density, edges, (rows, cols))| {
        let rows = length(rows, block.rows, edges);
        let cols = length(cols, block.cols, edges);
        let pattern = Pattern::Blocks {
            block,
            norm,
            density,
            edges,
        };
        (pattern, MatrixShape::new(rows, cols))
    })
}

/// Patterns of every family that fit the shape beside them.
pub(super) fn fitting() -> impl Strategy<Value = (Pattern, MatrixShape)> {
    prop_oneof![by_groups(), by_tiles(), by_blocks()]
}
