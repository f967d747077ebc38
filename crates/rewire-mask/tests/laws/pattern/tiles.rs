//! Transposable tiles: the choice among equal masks, and proofs that no mask is better.

use std::array;

use ndarray::{Array2, ArrayView2};
use proptest::prelude::*;
use rewire_mask::{Edges, Mask, MatrixShape, Pattern, greedy_transposable};

use super::inputs::{Kind, by_tiles, kinds, numbers};
use super::{Rectangle, is_legal, most, nm, rectangles, worth};
use crate::{cases, cases_of};

/// The best of the 90 patterns of a 4×4 tile, in the documented order of preference: pairing
/// {01, 23}, then {02, 13}, then {03, 12}; in each pair the axis {0, 1}, then {0, 2}, then {0, 3};
/// the lower row keeps it before the higher one does.
///
/// Later patterns have to be strictly better.
fn best_of_90(score: impl Fn(usize, usize) -> i64) -> [u32; 4] {
    const PAIRS: [u32; 6] = [0b0011, 0b1100, 0b0101, 0b1010, 0b1001, 0b0110];
    let sum = |row: usize, pair: usize| -> i64 {
        let kept = (0..4).filter(|col| PAIRS[pair] >> col & 1 == 1);
        kept.map(|col| score(row, col)).sum()
    };
    let sums: [[i64; 6]; 4] = array::from_fn(|row| array::from_fn(|pair| sum(row, pair)));
    let (mut best, mut kept) = (i64::MIN, [0; 4]);
    for [a, b, c, d] in [[0, 1, 2, 3], [0, 2, 1, 3], [0, 3, 1, 2]] {
        for (first, second) in (0..6).flat_map(|first| (0..6).map(move |second| (first, second))) {
            // The other row of a pair keeps the other two columns: pairs stand side by side.
            let sum = sums[a][first] + sums[b][first ^ 1] + sums[c][second] + sums[d][second ^ 1];
            if sum > best {
                best = sum;
                (kept[a], kept[b]) = (PAIRS[first], PAIRS[first ^ 1]);
                (kept[c], kept[d]) = (PAIRS[second], PAIRS[second ^ 1]);
            }
        }
    }
    kept
}

/// The largest sum of a tile with at most `keep` entries in a row and in a column, and as many as
/// possible, by trying every choice of every row and remembering how often each column is taken.
///
/// Entries that are `fixed` have to be among them. There must be at most 5 columns.
pub(super) fn best_tile(
    (height, width): (usize, usize),
    keep: usize,
    score: impl Fn(usize, usize) -> f64,
    fixed: impl Fn(usize, usize) -> bool,
) -> f64 {
    let base = keep + 1;
    let states = base.pow(width as u32);
    let mut best = vec![f64::NEG_INFINITY; states];
    best[0] = 0.0;
    for row in 0..height {
        let mut next = vec![f64::NEG_INFINITY; states];
        let choices = (0..1u32 << width).filter(|choice| {
            let is_missed = |col: usize| fixed(row, col) && choice >> col & 1 == 0;
            choice.count_ones() as usize <= keep && !(0..width).any(is_missed)
        });
        for choice in choices {
            let taken = || (0..width).filter(move |col| choice >> col & 1 == 1);
            let sum: f64 = taken().map(|col| score(row, col)).sum();
            let step: usize = taken().map(|col| base.pow(col as u32)).sum();
            for state in 0..states {
                let is_free = |col: usize| state / base.pow(col as u32) % base < keep;
                if best[state] > f64::NEG_INFINITY && taken().all(is_free) {
                    next[state + step] = f64::max(next[state + step], best[state] + sum);
                }
            }
        }
        best = next;
    }
    let total = |state: usize| -> usize {
        (0..width)
            .map(|col| state / base.pow(col as u32) % base)
            .sum()
    };
    let full = (0..states).filter(|&state| total(state) == most(height, width, keep));
    full.map(|state| best[state])
        .fold(f64::NEG_INFINITY, f64::max)
}

/// Whether some exchange inside a tile gains: entries become active and others inactive along a
/// cycle that leaves every row and column within `keep` and the number of entries as it is.
///
/// A choice is the best exactly if there is none (the difference of two choices of equal size
/// consists of such cycles). Cycles of positive gain are sought by Bellman and Ford: the nodes are
/// the rows, the columns, and the two ends that rows with room and columns with room share. Sums
/// of whole numbers are exact. Entries that are `fixed` stay.
pub(super) fn can_gain(
    tile: &Rectangle,
    mask: &Mask,
    keep: usize,
    score: impl Fn(u64) -> i64,
    fixed: impl Fn(u64) -> bool,
) -> bool {
    let (in_row, in_col) = tile.counts(mask);
    let (source, sink) = (tile.height + tile.width, tile.height + tile.width + 1);
    let mut arcs = Vec::new();
    for &position in &tile.positions {
        let (row, col) = mask.shape().row_col(position);
        let (row, col) = (row - tile.row, tile.height + col - tile.col);
        if !mask.contains(position) {
            arcs.push((row, col, score(position)));
        } else if !fixed(position) {
            arcs.push((col, row, -score(position)));
        }
    }
    for (row, &count) in in_row.iter().enumerate() {
        arcs.extend((count < keep).then_some((source, row, 0)));
        arcs.extend((count > 0).then_some((row, source, 0)));
    }
    for (col, &count) in in_col.iter().enumerate() {
        arcs.extend((count < keep).then_some((tile.height + col, sink, 0)));
        arcs.extend((count > 0).then_some((sink, tile.height + col, 0)));
    }
    let nodes = sink + 1;
    let mut gain = vec![0; nodes];
    for _ in 0..nodes {
        let mut grows = false;
        for &(from, to, worth) in &arcs {
            if gain[from] + worth > gain[to] {
                gain[to] = gain[from] + worth;
                grows = true;
            }
        }
        if !grows {
            return false;
        }
    }
    true
}

fn whole(scores: ArrayView2<'_, f32>, shape: MatrixShape) -> impl Fn(u64) -> i64 {
    move |position| scores[shape.row_col(position)] as i64
}

/// Numbers by hand: rows 0 and 1 want columns 0 and 1, row 2 wants 2 and 3, row 3 does not care.
#[test]
fn a_tile_on_paper() {
    let scores = ndarray::array![
        [9.0f32, 8.0, 1.0, 1.0],
        [9.0, 7.0, 5.0, 1.0],
        [0.0, 0.0, 6.0, 6.0],
        [1.0, 1.0, 1.0, 1.0],
    ];
    let pattern = Pattern::TransposableNm {
        nm: nm(2, 4),
        edges: Edges::Reject,
    };
    let mask = pattern.project(scores.view()).unwrap();
    // 17 + 16 + 12 + 2: both rows get what they want, so the others share columns 2 and 3.
    assert_eq!(worth(pattern, scores.view(), &mask), 47.0);
    assert_eq!(mask.words(), [0b1100_1100_0011_0011]);
}

/// A certificate that never objects proves nothing: each of the 89 other patterns can gain.
#[test]
#[cfg_attr(miri, ignore = "too many masks for an interpreter")]
fn every_mask_but_the_best_can_gain() {
    let shape = MatrixShape::new(4, 4);
    let scores = Array2::from_shape_fn((4, 4), |(row, col)| (1 << (4 * row + col)) as f32);
    let pattern = Pattern::TransposableNm {
        nm: nm(2, 4),
        edges: Edges::Reject,
    };
    let tile = &rectangles(shape, 4, 4)[0];
    let all = super::tiny::ALL.iter();
    let masks = &all
        .filter(|t| t.pattern == pattern && t.shape == shape)
        .collect::<Vec<_>>()[0]
        .masks;
    let gaining = masks.iter().filter(|&&bits| {
        let mask = super::tiny::mask(shape, bits);
        can_gain(tile, &mask, 2, whole(scores.view(), shape), |_| false)
    });
    // The sums of different patterns differ, being different binary numbers.
    assert_eq!(gaining.count(), 89);
}

proptest! {
    #![proptest_config(cases())]

    /// Not even huge neighbours change the choice in a tile of subnormal scores.
    #[test]
    fn a_tile_does_not_depend_on_its_neighbours(
        nm in prop::sample::select(vec![nm(2, 4), nm(2, 4), nm(1, 3), nm(4, 8)]),
        (down, across) in (1usize..=2, 1usize..=17),
        at in any::<prop::sample::Index>(),
        kind in kinds(),
        seed in any::<u64>(),
    ) {
        let of = usize::from(nm.of);
        let shape = MatrixShape::new(down * of, across * of);
        let tiles = rectangles(shape, of, of);
        let tile = at.get(&tiles);
        let mut scores = numbers(shape, Kind::Huge, seed ^ 1);
        let inside = numbers(MatrixShape::new(of, of), kind, seed);
        let range = ndarray::s![tile.row..tile.row + of, tile.col..tile.col + of];
        scores.slice_mut(range).assign(&inside);
        let pattern = Pattern::TransposableNm { nm, edges: Edges::Reject };
        let among_others = pattern.project(scores.view()).unwrap().to_array();
        let alone = pattern.project(inside.view()).unwrap().to_array();
        prop_assert_eq!(among_others.slice(range), alone);
    }
}

proptest! {
    #![proptest_config(cases_of(4))]

    /// Wherever a tile stands: in the vector lanes, the padded rest, the last part.
    #[test]
    fn tiles_of_2_4_keep_the_first_of_the_best(
        (down, across) in (0usize..=3, prop_oneof![0usize..=3, 15usize..=18, 31usize..=33]),
        kind in prop::sample::select(vec![Kind::Ties, Kind::Whole, Kind::Equal, Kind::Zeros]),
        seed in any::<u64>(),
    ) {
        let shape = MatrixShape::new(4 * down, 4 * across);
        let numbers = numbers(shape, kind, seed);
        let pattern = Pattern::TransposableNm { nm: nm(2, 4), edges: Edges::Reject };
        let expected = |of: fn(f32) -> f32| {
            let mut active = Vec::new();
            for tile in rectangles(shape, 4, 4) {
                let kept = best_of_90(|row, col| of(numbers[[tile.row + row, tile.col + col]]) as i64);
                let is_kept = |i: &usize| kept[i / 4] >> (i % 4) & 1 == 1;
                active.extend((0..16).filter(is_kept).map(|i| tile.positions[i]));
            }
            Mask::from_positions(shape, active).unwrap()
        };
        prop_assert_eq!(pattern.project(numbers.view()).unwrap(), expected(|score| score));
        let by_magnitude = pattern.project_magnitude(numbers.view()).unwrap();
        prop_assert_eq!(by_magnitude, expected(f32::abs));
    }

    /// Whole numbers leave nothing to rounding, so no exchange may gain, at any M up to 32 and at
    /// every edge.
    #[test]
    fn no_exchange_gains((pattern, shape) in by_tiles(), seed in any::<u64>()) {
        let Pattern::TransposableNm { nm, edges } = pattern else { unreachable!("{pattern:?}") };
        let scores = numbers(shape, Kind::Whole, seed);
        let mask = pattern.project(scores.view()).unwrap();
        prop_assert!(is_legal(pattern, &mask));
        let of = usize::from(nm.of);
        for tile in rectangles(shape, of, of) {
            if tile.is_complete || edges != Edges::Dense {
                let score = whole(scores.view(), shape);
                prop_assert!(!can_gain(&tile, &mask, usize::from(nm.keep), score, |_| false));
            }
        }
    }

    /// Tiles of up to 5×5, cut ones included, against every choice of every row.
    #[test]
    fn small_tiles_keep_the_best_sum(
        (keep, of) in (1u8..=5).prop_flat_map(|of| (1..=of, Just(of))),
        (height, width) in (1usize..=5, 1usize..=5),
        seed in any::<u64>(),
    ) {
        let (nm, of) = (nm(keep, of), usize::from(of));
        let shape = MatrixShape::new(height.min(of), width.min(of));
        let pattern = Pattern::TransposableNm { nm, edges: Edges::Pad };
        let scores = numbers(shape, Kind::Whole, seed);
        let mask = pattern.project(scores.view()).unwrap();
        let score = |row, col| f64::from(scores[[row, col]]);
        let best = best_tile((shape.rows, shape.cols), keep.into(), score, |_, _| false);
        prop_assert_eq!(worth(pattern, scores.view(), &mask), best);
        let greedy = greedy_transposable(scores.view(), nm, Edges::Pad).unwrap();
        prop_assert!(is_legal(pattern, &greedy));
        prop_assert!(worth(pattern, scores.view(), &greedy) <= best);
    }

    /// 2:4 on fractions: behind the best of the 90 by at most 2⁻¹⁸ of the largest score.
    ///
    /// With u = 2⁻²⁴, a coordinate of a row is three sums of numbers up to 4, wrong by 8u; the
    /// difference of two rows by 24u; a sum of two pairs by 64u, which is twice a gain. Two gains
    /// stand against each other.
    #[test]
    fn rounding_costs_a_tile_of_2_4_next_to_nothing(seed in any::<u64>()) {
        let pattern = Pattern::TransposableNm { nm: nm(2, 4), edges: Edges::Reject };
        let shape = MatrixShape::new(4, 4);
        let scores = numbers(shape, Kind::Plain, seed);
        let mask = pattern.project(scores.view()).unwrap();
        let exact = |row: usize, col: usize| (f64::from(scores[[row, col]]) * 2f64.powi(24)) as i64;
        let rows = best_of_90(exact);
        let kept = (0..16).filter(|i| rows[i / 4] >> (i % 4) & 1 == 1);
        let best = kept.map(|i| f64::from(scores[[i / 4, i % 4]])).sum::<f64>();
        let largest = scores.iter().fold(0.0f32, |largest, score| largest.max(score.abs()));
        let loss = best - worth(pattern, scores.view(), &mask);
        prop_assert!((0.0..=f64::from(largest) * 2f64.powi(-18)).contains(&loss), "{loss}");
    }
}
