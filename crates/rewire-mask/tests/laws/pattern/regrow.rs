//! Growth inside a pattern: the request answered from a dense gradient, the answer against the
//! best of all legal masks.

use std::collections::BTreeMap;

use ndarray::Array2;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use rewire_mask::{
    Candidate, Candidates, Edges, GrowthRequest, LayerRequest, Mask, MaskError, Pattern, Rewiring,
    Topology,
};

use super::edges::ragged;
use super::inputs::{Kind, by_blocks, by_groups, by_tiles, fitting, numbers};
use super::tiles::{best_tile, can_gain};
use super::tiny::{self, Tiny};
use super::{groups, is_legal, place, rectangles};
use crate::{cases, cases_of, rng};

/// What products would answer, from a gradient of every entry.
fn answer(request: &LayerRequest, topology: &Topology, gradient: &Array2<f32>) -> Candidates {
    let shape = topology.shape();
    let magnitude = |position: u64| gradient[shape.row_col(position)].abs();
    let is_eligible = |p: &u64| !topology.contains(*p) || request.readmitted.contains(p);
    let best = |mut positions: Vec<u64>, k: usize| -> Vec<Candidate> {
        positions.retain(|p| is_eligible(p));
        let order = |a: &u64, b: &u64| magnitude(*b).partial_cmp(&magnitude(*a)).unwrap();
        positions.sort_by(order);
        positions.truncate(k);
        let candidate = |position| Candidate {
            position,
            magnitude: magnitude(position),
        };
        positions.into_iter().map(candidate).collect()
    };
    match &request.growth {
        GrowthRequest::TopK { k } => {
            let mut best = best((0..shape.len()).collect(), *k);
            best.sort_by_key(|candidate| candidate.position);
            Candidates::Best(best)
        }
        GrowthRequest::BestPerGroup { along, of, k } => {
            let mut groups: BTreeMap<_, Vec<u64>> = BTreeMap::new();
            for position in 0..shape.len() {
                let (line, entry) = place(*along, shape, position);
                groups.entry((line, entry / of)).or_default().push(position);
            }
            let groups = groups.into_values();
            Candidates::PerGroup(groups.flat_map(|group| best(group, *k)).collect())
        }
        GrowthRequest::PatternScores {
            tile_rows,
            tile_cols,
        } => {
            let down = shape.rows.div_ceil(*tile_rows);
            let across = shape.cols.div_ceil(*tile_cols);
            let mut sums = Array2::zeros((down, across));
            for position in (0..shape.len()).filter(is_eligible) {
                let (row, col) = shape.row_col(position);
                sums[[row / tile_rows, col / tile_cols]] += magnitude(position);
            }
            Candidates::Tiles(sums)
        }
        GrowthRequest::AtPositions(positions) => {
            let gradient = |&position: &u64| gradient[shape.row_col(position)];
            Candidates::AtPositions(positions.iter().map(gradient).collect())
        }
        GrowthRequest::Dense => unreachable!("no pattern asks for the dense gradient"),
    }
}

/// Active positions at random outside dense edges, whole blocks where the pattern moves blocks.
fn some_active(pattern: Pattern, mask: &Mask, rng: &mut ChaCha8Rng) -> Vec<u64> {
    let threshold = rng.next_u32() % 5;
    let mut is_chosen = || rng.next_u32() % 4 < threshold;
    let Pattern::Blocks { block, edges, .. } = pattern else {
        let shape = mask.shape();
        let dense = match pattern {
            Pattern::Nm { edges, .. } | Pattern::TransposableNm { edges, .. } => {
                edges == Edges::Dense
            }
            Pattern::Unstructured { .. } | Pattern::FanIn { .. } | Pattern::Blocks { .. } => false,
        };
        let stays = if dense {
            ragged(pattern, shape)
        } else {
            Vec::new()
        };
        let movable = mask
            .positions()
            .filter(|position| !stays.contains(position));
        return movable.filter(|_| is_chosen()).collect();
    };
    let units = rectangles(mask.shape(), block.rows, block.cols).into_iter();
    let movable = units.filter(|unit| {
        mask.contains(unit.positions[0]) && (unit.is_complete || edges == Edges::Pad)
    });
    let chosen = movable.filter(|_| is_chosen());
    let mut positions: Vec<u64> = chosen.flat_map(|unit| unit.positions).collect();
    positions.sort_unstable();
    positions
}

fn applied(topology: &Topology, rewiring: &Rewiring) -> Mask {
    topology.apply(rewiring).unwrap().0.to_mask()
}

/// The mask after `released` are replaced by the best candidates.
fn regrown(pattern: Pattern, mask: &Mask, released: &[u64], gradient: &Array2<f32>) -> Mask {
    let topology = Topology::from_mask(mask);
    let request = pattern.growth_request(&topology, released).unwrap();
    assert_eq!(request.readmitted, released);
    let candidates = answer(&request, &topology, gradient);
    let rewiring = pattern.regrow(&topology, released, &candidates).unwrap();
    assert!(
        rewiring
            .dropped()
            .iter()
            .all(|p| released.binary_search(p).is_ok())
    );
    applied(&topology, &rewiring)
}

/// The active positions that are not released.
fn survivors(mask: &Mask, released: &[u64]) -> Mask {
    let gone = Mask::from_positions(mask.shape(), released.iter().copied()).unwrap();
    mask.difference(&gone).unwrap()
}

proptest! {
    #![proptest_config(cases())]

    /// Σ |g| over what is grown is the largest among all masks of the pattern that keep every
    /// survivor. Whole numbers make sums exact.
    #[test]
    #[cfg_attr(miri, ignore = "too many masks for an interpreter")]
    fn no_legal_completion_has_more_gradient(
        at in any::<prop::sample::Index>(),
        kind in prop::sample::select(vec![Kind::Ties, Kind::Whole]),
        seed in any::<u64>(),
    ) {
        let Tiny { pattern, shape, masks } = at.get(&tiny::ALL);
        let mut rng = rng(seed);
        let before = masks[rng.next_u32() as usize % masks.len()];
        let mask = tiny::mask(*shape, before);
        let released = some_active(*pattern, &mask, &mut rng);
        let gone: u32 = released.iter().map(|&position| 1 << position).sum();
        let gradient = numbers(*shape, kind, seed);
        let after = regrown(*pattern, &mask, &released, &gradient);
        prop_assert!(pattern.admits(&after));
        let gain = |bits: u32| -> u32 {
            let grown = (0..shape.len()).filter(|p| (bits & !(before & !gone)) >> p & 1 == 1);
            grown.map(|p| gradient[shape.row_col(p)].abs() as u32).sum()
        };
        let legal = masks.iter().filter(|&&bits| (before & !gone) & !bits == 0);
        let bits = after.positions().map(|position| 1 << position).sum::<u32>();
        prop_assert_eq!((before & !gone) & !bits, 0, "survivors stay");
        prop_assert_eq!(Some(gain(bits)), legal.map(|&bits| gain(bits)).max());
    }

    /// On matrices of any size: groups are refilled with the first of their free entries.
    #[test]
    fn groups_take_their_best_free_entries((pattern, shape) in by_groups(), seed in any::<u64>()) {
        let mut rng = rng(seed);
        let mask = pattern.random(shape, &mut rng).unwrap();
        let released = some_active(pattern, &mask, &mut rng);
        let gradient = numbers(shape, Kind::Ties, seed);
        let magnitude = |position: u64| gradient[shape.row_col(position)].abs() as u32;
        let kept = survivors(&mask, &released);
        let mut expected = Vec::new();
        for group in groups(pattern, shape).unwrap() {
            let (mut staying, mut free): (Vec<u64>, Vec<u64>) =
                group.positions.iter().partition(|&&p| kept.contains(p));
            free.sort_by_key(|&position| std::cmp::Reverse(magnitude(position)));
            free.truncate(group.keep - staying.len());
            expected.append(&mut staying);
            expected.append(&mut free);
        }
        let after = regrown(pattern, &mask, &released, &gradient);
        prop_assert_eq!(after, Mask::from_positions(shape, expected).unwrap());
    }

    /// As many blocks as went come back, those of the largest sums; of equal ones the first.
    #[test]
    fn blocks_of_the_largest_sums_return((pattern, shape) in by_blocks(), seed in any::<u64>()) {
        let Pattern::Blocks { block, edges, .. } = pattern else { unreachable!("{pattern:?}") };
        let mut rng = rng(seed);
        let mask = pattern.random(shape, &mut rng).unwrap();
        let released = some_active(pattern, &mask, &mut rng);
        let gradient = numbers(shape, Kind::Ties, seed);
        let kept = survivors(&mask, &released);
        let units = rectangles(shape, block.rows, block.cols).into_iter();
        let mut free: Vec<_> = units
            .filter(|unit| unit.is_complete || edges == Edges::Pad)
            .filter(|unit| !kept.contains(unit.positions[0]))
            .collect();
        let gone = free.iter().filter(|unit| mask.contains(unit.positions[0])).count();
        free.sort_by_key(|unit| {
            let magnitude = |&p: &u64| gradient[shape.row_col(p)].abs() as u32;
            std::cmp::Reverse(unit.positions.iter().map(magnitude).sum::<u32>())
        });
        let grown = free[..gone].iter().flat_map(|unit| unit.positions.clone());
        let expected = kept.positions().chain(grown);
        let after = regrown(pattern, &mask, &released, &gradient);
        prop_assert_eq!(after, Mask::from_positions(shape, expected).unwrap());
    }

    /// A random completion is legal, keeps the survivors and is a function of the stream.
    #[test]
    fn random_growth_stays_in_the_pattern((pattern, shape) in fitting(), seed in any::<u64>()) {
        let mut stream = rng(seed);
        let mask = pattern.random(shape, &mut stream).unwrap();
        let released = some_active(pattern, &mask, &mut stream);
        let topology = Topology::from_mask(&mask);
        let grow = || pattern.regrow_at_random(&topology, &released, &mut rng(seed)).unwrap();
        let after = applied(&topology, &grow());
        prop_assert!(is_legal(pattern, &after));
        prop_assert!(survivors(&mask, &released).is_subset_of(&after).unwrap());
        if !matches!(pattern, Pattern::Blocks { edges: Edges::Pad, .. }) {
            prop_assert_eq!(after.n_active(), mask.n_active());
        }
        prop_assert_eq!(grow(), grow());
    }
}

proptest! {
    #![proptest_config(cases_of(4))]

    /// Tiles up to 32×32, cut ones included: no exchange among what is not a survivor gains.
    #[test]
    fn no_exchange_of_grown_entries_gains((pattern, shape) in by_tiles(), seed in any::<u64>()) {
        let Pattern::TransposableNm { nm, edges } = pattern else { unreachable!("{pattern:?}") };
        let mut rng = rng(seed);
        let mask = pattern.random(shape, &mut rng).unwrap();
        let released = some_active(pattern, &mask, &mut rng);
        let gradient = numbers(shape, Kind::Whole, seed);
        let after = regrown(pattern, &mask, &released, &gradient);
        prop_assert!(is_legal(pattern, &after));
        prop_assert_eq!(after.n_active(), mask.n_active());
        let kept = survivors(&mask, &released);
        prop_assert!(kept.is_subset_of(&after).unwrap());
        let of = usize::from(nm.of);
        for tile in rectangles(shape, of, of) {
            if tile.is_complete || edges != Edges::Dense {
                let score = |position: u64| gradient[shape.row_col(position)].abs() as i64;
                let is_fixed = |position| kept.contains(position);
                prop_assert!(!can_gain(&tile, &after, usize::from(nm.keep), score, is_fixed));
            }
        }
    }

    /// Tiles of up to 5×5 against every choice of every row that keeps the survivors.
    #[test]
    fn small_tiles_are_completed_by_the_best_sum(
        (keep, of) in (1u8..=5).prop_flat_map(|of| (1..=of, Just(of))),
        (height, width) in (1usize..=5, 1usize..=5),
        seed in any::<u64>(),
    ) {
        let pattern = Pattern::TransposableNm { nm: super::nm(keep, of), edges: Edges::Pad };
        let of = usize::from(of);
        let shape = rewire_mask::MatrixShape::new(height.min(of), width.min(of));
        let mut rng = rng(seed);
        let mask = pattern.random(shape, &mut rng).unwrap();
        let released = some_active(pattern, &mask, &mut rng);
        let gradient = numbers(shape, Kind::Whole, seed);
        let kept = survivors(&mask, &released);
        let after = regrown(pattern, &mask, &released, &gradient);
        let score = |row, col| {
            if kept.get(row, col) { 0.0 } else { f64::from(gradient[[row, col]].abs()) }
        };
        let fixed = |row, col| kept.get(row, col);
        let best = best_tile((shape.rows, shape.cols), keep.into(), score, fixed);
        let found: f64 = after.positions().map(|p| {
            let (row, col) = shape.row_col(p);
            score(row, col)
        }).sum();
        prop_assert_eq!(found, best);
    }
}

/// A request names no more than the rewiring can use: with nothing to replace, nothing is asked.
#[test]
#[cfg_attr(miri, ignore = "too many masks for an interpreter")]
fn without_places_nothing_changes() {
    for Tiny {
        pattern,
        shape,
        masks,
    } in tiny::ALL.iter()
    {
        let topology = Topology::from_mask(&tiny::mask(*shape, masks[0]));
        let gradient = Array2::ones((shape.rows, shape.cols));
        let request = pattern.growth_request(&topology, &[]).unwrap();
        let candidates = answer(&request, &topology, &gradient);
        let none = Ok::<_, MaskError>(Rewiring::none());
        assert_eq!(pattern.regrow(&topology, &[], &candidates), none);
        assert_eq!(pattern.regrow_at_random(&topology, &[], &mut rng(1)), none);
    }
}
