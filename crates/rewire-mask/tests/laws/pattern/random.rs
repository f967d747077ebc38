//! Random masks: legal, a function of the stream, and as likely as promised.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rewire_mask::{Block, BlockNorm, Edges, Lines, Mask, MatrixShape, Pattern, Topology};

use super::inputs::fitting;
use super::{density, is_legal, nm, rectangles};
use crate::{cases, rng};

/// How often each thing came up.
fn tally<T: Ord>(things: impl IntoIterator<Item = T>) -> BTreeMap<T, u32> {
    let mut counts = BTreeMap::new();
    for thing in things {
        *counts.entry(thing).or_default() += 1;
    }
    counts
}

/// Whether counts of `classes` equally likely classes look like it.
///
/// The statistic Σ (count − mean)²/mean has mean and variance k and 2k for k = classes − 1; it is
/// to stay within six standard deviations, which a fair draw leaves once in 10⁵ times for the
/// smallest k here, and the stream is fixed. A class of half the probability of the others moves
/// it by mean/4, so means are to be at least 200.
fn assert_uniform<T: Ord + std::fmt::Debug>(counts: &BTreeMap<T, u32>, classes: usize) {
    assert_eq!(counts.len(), classes, "every class comes up");
    let total: u32 = counts.values().sum();
    let mean = f64::from(total) / classes as f64;
    assert!(mean >= 200.0);
    let distance = |&count: &u32| (f64::from(count) - mean).powi(2) / mean;
    let statistic: f64 = counts.values().map(distance).sum();
    let freedom = classes as f64 - 1.0;
    let limit = freedom + 6.0 * (2.0 * freedom).sqrt();
    assert!(
        statistic <= limit,
        "{statistic} of at most {limit}: {counts:?}"
    );
}

/// Which entries of a list of positions are active, as bits.
fn bits(mask: &Mask, positions: &[u64]) -> u64 {
    let active = positions
        .iter()
        .enumerate()
        .filter(|&(_, &p)| mask.contains(p));
    active.map(|(index, _)| 1 << index).sum()
}

#[test]
fn all_90_tiles_of_2_4_are_equally_likely() {
    let shape = MatrixShape::new(4 * 150, 4 * 150);
    let pattern = Pattern::TransposableNm {
        nm: nm(2, 4),
        edges: Edges::Reject,
    };
    let mask = pattern.random(shape, &mut rng(1)).unwrap();
    let tiles = rectangles(shape, 4, 4);
    assert_uniform(
        &tally(tiles.iter().map(|tile| bits(&mask, &tile.positions))),
        90,
    );
}

/// Scores of 1:3 are 24-bit numbers of one distribution, so that its six permutations are equally
/// likely but for ties; of 2:5 every mask comes up.
#[test]
#[cfg_attr(miri, ignore = "too many masks for an interpreter")]
fn other_tiles_reach_every_mask() {
    let count = |keep, of: u8, tiles: usize| {
        let side = usize::from(of);
        let shape = MatrixShape::new(side, side * tiles);
        let (nm, edges) = (nm(keep, of), Edges::Reject);
        let pattern = Pattern::TransposableNm { nm, edges };
        let mask = pattern.random(shape, &mut rng(2)).unwrap();
        let tiles = rectangles(shape, side, side);
        tally(tiles.iter().map(|tile| bits(&mask, &tile.positions)))
    };
    assert_uniform(&count(1, 3, 1500), 6);
    // 2040 binary matrices of 5×5 have two ones in every row and column.
    assert_eq!(count(2, 5, 40_000).len(), 2040);
}

#[test]
fn groups_rows_and_blocks_are_uniform() {
    let draw = |pattern: Pattern, shape| pattern.random(shape, &mut rng(3)).unwrap();
    let shape = MatrixShape::new(100, 100);
    let (nm, edges) = (nm(2, 5), Edges::Reject);
    for along in [Lines::Inputs, Lines::Outputs] {
        let mask = draw(Pattern::Nm { nm, along, edges }, shape);
        let (rows, cols) = if along == Lines::Inputs {
            (1, 5)
        } else {
            (5, 1)
        };
        let groups = rectangles(shape, rows, cols);
        assert_uniform(
            &tally(groups.iter().map(|group| bits(&mask, &group.positions))),
            10,
        );
    }
    let shape = MatrixShape::new(4000, 4);
    let mask = draw(Pattern::FanIn { keep: 3 }, shape);
    let rows = rectangles(shape, 1, 4);
    assert_uniform(
        &tally(rows.iter().map(|row| bits(&mask, &row.positions))),
        4,
    );
    // Two of four blocks of 2×2, in six ways; two of four entries, in six ways.
    let shape = MatrixShape::new(4, 4);
    let blocks = Pattern::Blocks {
        block: Block { rows: 2, cols: 2 },
        norm: BlockNorm::L1,
        density: density(0.5),
        edges,
    };
    let mut stream = rng(4);
    let words = (0..2000).map(|_| blocks.random(shape, &mut stream).unwrap().words()[0]);
    assert_uniform(&tally(words), 6);
    let entries = Pattern::Unstructured {
        density: density(0.5),
    };
    let shape = MatrixShape::new(2, 2);
    let words = (0..2000).map(|_| entries.random(shape, &mut stream).unwrap().words()[0]);
    assert_uniform(&tally(words), 6);
}

/// One of two active entries of a group of five goes: four places are free, its own among them.
/// One of two blocks goes: three of four are free.
#[test]
fn random_growth_is_uniform_among_what_is_legal() {
    let shape = MatrixShape::new(1, 5);
    let grown = |pattern: Pattern, active: &[u64], released: &[u64]| {
        let topology = Topology::from_positions(shape, active.iter().copied()).unwrap();
        let mut stream = rng(5);
        let masks = (0..2000).map(|_| {
            let rewiring = pattern.regrow_at_random(&topology, released, &mut stream);
            let (after, _) = topology.apply(&rewiring.unwrap()).unwrap();
            after.positions().collect::<Vec<_>>()
        });
        tally(masks)
    };
    let (nm, along, edges) = (nm(2, 5), Lines::Inputs, Edges::Reject);
    let groups = Pattern::Nm { nm, along, edges };
    assert_uniform(&grown(groups, &[1, 3], &[3]), 4);
    assert_uniform(&grown(groups, &[1, 3], &[1, 3]), 10);
    assert_uniform(&grown(Pattern::FanIn { keep: 2 }, &[1, 3], &[3]), 4);
    let density = density(0.4);
    assert_uniform(&grown(Pattern::Unstructured { density }, &[1, 3], &[3]), 4);
    let blocks = Pattern::row_groups(1, density, edges);
    assert_uniform(&grown(blocks, &[1, 3], &[3]), 4);
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn random_masks_have_the_pattern_and_depend_on_the_stream_alone(
        (pattern, shape) in fitting(), seed in any::<u64>(),
    ) {
        let mask = pattern.random(shape, &mut rng(seed)).unwrap();
        prop_assert!(is_legal(pattern, &mask));
        prop_assert!(pattern.admits(&mask));
        // As many active entries as the best mask, except where blocks of different sizes count
        // alike.
        let best = pattern.project(ndarray::Array2::zeros((shape.rows, shape.cols)).view()).unwrap();
        if !matches!(pattern, Pattern::Blocks { edges: Edges::Pad, .. }) {
            prop_assert_eq!(mask.n_active(), best.n_active());
        }
        prop_assert_eq!(pattern.random(shape, &mut rng(seed)).unwrap(), mask.clone());
        let may_differ = matches!(
            pattern,
            Pattern::Blocks { edges: Edges::Pad, .. }
                | Pattern::TransposableNm { edges: Edges::Pad, .. }
        );
        match pattern.n_active(shape).unwrap() {
            Some(n_active) => prop_assert_eq!(n_active, mask.n_active()),
            None => prop_assert!(may_differ),
        }
    }
}
