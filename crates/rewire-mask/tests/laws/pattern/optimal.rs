//! `project` against the best of all masks, and against sorting.

use ndarray::Array2;
use proptest::prelude::*;
use rewire_mask::{BlockNorm, Edges, Lines, Mask, MatrixShape, Pattern};

use super::inputs::{Kind, by_blocks, by_groups, kinds, numbers};
use super::tiny::{self, Tiny};
use super::{groups, is_legal, nm, positions, rectangles, worth};
use crate::cases;

/// How far a projection may stay behind the best mask, for scores of at most 1 with 24 bits.
///
/// Single entries and groups are compared, never added: 0. Tiles are solved in whole numbers that
/// hold these scores exactly: 0, but for complete tiles of 2:4, where u = 2⁻²⁴ is the rounding of
/// an `f32`: a coordinate of a row is three sums of numbers up to 4, wrong by 8u; the
/// difference of two rows by 2·8u + 8u = 24u; the sum of two pairs by 2·24u + 16u = 64u, which is
/// twice the gain. Two gains of 32u stand against each other, so a tile loses 64u = 2⁻¹⁸. Blocks
/// are compared by `f32` roundings of exact norms, each side wrong by a factor of 1 ± u, and a
/// root by another rounding far below that: a relative loss of 4u = 2⁻²² covers it.
fn slack(pattern: Pattern, shape: MatrixShape, best: f64) -> f64 {
    match pattern {
        Pattern::Unstructured { .. } | Pattern::FanIn { .. } | Pattern::Nm { .. } => 0.0,
        Pattern::TransposableNm { nm, .. } if (nm.keep, nm.of) == (2, 4) => {
            (shape.len() / 16) as f64 * 2f64.powi(-18)
        }
        Pattern::TransposableNm { .. } => 0.0,
        Pattern::Blocks { .. } => best * 2f64.powi(-22),
    }
}

/// The mask by sorting every group; the sort is stable, so equal scores stay in order.
fn by_sorting(pattern: Pattern, shape: MatrixShape, score: impl Fn(u64) -> f32) -> Mask {
    let mut best = Vec::new();
    for mut group in groups(pattern, shape).expect("the pattern fits") {
        let order = |a: &u64, b: &u64| score(*b).partial_cmp(&score(*a)).expect("finite");
        group.positions.sort_by(order);
        best.extend_from_slice(&group.positions[..group.keep]);
    }
    Mask::from_positions(shape, best).unwrap()
}

/// The group {0, 3, 6, 1} goes down the first tap and on to the second: of equal scores it keeps
/// the two lower positions, not the two that are walked first.
#[test]
fn a_group_over_two_taps_prefers_the_lower_position() {
    let pattern = Pattern::Nm {
        nm: nm(2, 4),
        along: Lines::TapsOutputs { taps: 3 },
        edges: Edges::Pad,
    };
    let equal = Array2::from_elem((3, 3), 0.5);
    let mask = pattern.project(equal.view()).unwrap();
    assert_eq!(positions(&mask), [0, 1, 2, 4, 8]);
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    #[cfg_attr(miri, ignore = "too many masks for an interpreter")]
    fn no_mask_of_the_pattern_is_worth_more(
        at in any::<prop::sample::Index>(),
        kind in prop::sample::select(vec![Kind::Ties, Kind::Whole, Kind::Plain]),
        seed in any::<u64>(),
    ) {
        let Tiny { pattern, shape, masks } = at.get(&tiny::ALL);
        let scores = numbers(*shape, kind, seed);
        let best = match pattern {
            Pattern::Blocks { .. } => masks
                .iter()
                .map(|&bits| worth(*pattern, scores.view(), &tiny::mask(*shape, bits)))
                .fold(f64::NEG_INFINITY, f64::max),
            _ => {
                let score = |p: usize| f64::from(scores.as_slice().unwrap()[p]);
                let sum = |&bits: &u32| -> f64 {
                    (0..shape.len() as usize).filter(|p| bits >> p & 1 == 1).map(score).sum()
                };
                masks.iter().map(sum).fold(f64::NEG_INFINITY, f64::max)
            }
        };
        let mask = pattern.project(scores.view()).unwrap();
        prop_assert!(pattern.admits(&mask));
        let found = worth(*pattern, scores.view(), &mask);
        let is_root = matches!(pattern, Pattern::Blocks { norm: BlockNorm::L2, .. });
        let slack = if kind == Kind::Plain || is_root { slack(*pattern, *shape, best) } else { 0.0 };
        prop_assert!(found <= best && found >= best - slack, "{found} of {best}");
    }

    /// On matrices of many lanes and words, whatever the numbers.
    #[test]
    fn groups_keep_what_a_sort_puts_first(
        (pattern, shape) in by_groups(), kind in kinds(), seed in any::<u64>(),
    ) {
        let numbers = numbers(shape, kind, seed);
        let value = |position: u64| numbers[shape.row_col(position)];
        prop_assert_eq!(
            pattern.project(numbers.view()).unwrap(),
            by_sorting(pattern, shape, value)
        );
        prop_assert_eq!(
            pattern.project_magnitude(numbers.view()).unwrap(),
            by_sorting(pattern, shape, |position| value(position).abs())
        );
    }

    /// Equal blocks go to the earlier block.
    ///
    /// Sums of twenty squares below 100² are whole numbers up to 2·10⁵, so that different ones, and
    /// their roots, are farther apart than an `f32` rounds.
    #[test]
    fn blocks_keep_what_a_sort_puts_first((pattern, shape) in by_blocks(), seed in any::<u64>()) {
        let Pattern::Blocks { block, norm, edges, .. } = pattern else {
            unreachable!("{pattern:?}");
        };
        let scores = numbers(shape, Kind::Whole, seed).mapv(|score| score % 100.0);
        let units = rectangles(shape, block.rows, block.cols);
        let (mut moved, fixed): (Vec<_>, Vec<_>) =
            units.into_iter().partition(|unit| unit.is_complete || edges == Edges::Pad);
        let norm = |positions: &[u64]| -> u64 {
            let magnitudes = positions.iter().map(|&p| scores[shape.row_col(p)].abs() as u64);
            match norm {
                BlockNorm::Max => magnitudes.max().unwrap_or(0),
                BlockNorm::L1 => magnitudes.sum(),
                BlockNorm::L2 => magnitudes.map(|m| m * m).sum(),
            }
        };
        moved.sort_by_key(|unit| std::cmp::Reverse(norm(&unit.positions)));
        let mask = pattern.project(scores.view()).unwrap();
        prop_assert!(is_legal(pattern, &mask));
        prop_assert_eq!(&pattern.project_magnitude(scores.view()).unwrap(), &mask);
        let chosen = moved.iter().filter(|unit| mask.contains(unit.positions[0])).count();
        let best = moved[..chosen].iter().chain(&fixed).flat_map(|unit| unit.positions.clone());
        prop_assert_eq!(mask, Mask::from_positions(shape, best).unwrap());
    }
}
