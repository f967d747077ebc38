//! Random choices: what may be chosen, and that every choice is equally likely.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rand_chacha::rand_core::RngCore;
use rewire_mask::{MaskError, MatrixShape, Topology};

use crate::{cases, pairs, rng, topology};

/// Draws sets, counts how often each of the `kinds` possible ones comes up, and bounds Σ (count −
/// expected)² / expected. For a uniform choice it has mean `kinds` − 1 and variance 2(`kinds` − 1);
/// six standard deviations are allowed.
fn check_every_set_equally_likely(kinds: usize, mut draw: impl FnMut() -> Vec<u64>) {
    const DRAWS: usize = 40_000;
    let mut counts: BTreeMap<Vec<u64>, f64> = BTreeMap::new();
    for _ in 0..DRAWS {
        *counts.entry(draw()).or_default() += 1.0;
    }
    assert_eq!(counts.len(), kinds, "sets that came up: {counts:?}");
    let expected = DRAWS as f64 / kinds as f64;
    let deviation: f64 = counts
        .values()
        .map(|count| (count - expected).powi(2) / expected)
        .sum();
    let freedom = (kinds - 1) as f64;
    let bound = freedom + 6.0 * (2.0 * freedom).sqrt();
    assert!(deviation < bound, "{deviation} of {bound}: {counts:?}");
}

/// 15 pairs and, beyond one half, 15 quadruples of 6 entries.
#[test]
fn every_topology_is_equally_likely() {
    let shape = MatrixShape::new(2, 3);
    for n_active in [2, 4] {
        let mut rng = rng(n_active);
        check_every_set_equally_likely(15, || {
            let topology = Topology::random(shape, n_active, &mut rng).unwrap();
            topology.positions().collect()
        });
    }
}

/// Of 12 positions 3 are active and 2 more excluded, first and last included: 7 are free, and
/// there are 21 pairs and 21 quintuples.
#[test]
fn every_set_of_free_positions_is_equally_likely() {
    let topology = Topology::from_positions(MatrixShape::new(3, 4), [0, 5, 6]).unwrap();
    for k in [2, 5] {
        let mut rng = rng(100 + k);
        check_every_set_equally_likely(21, || {
            topology.sample_inactive(k, &[4, 6, 11], &mut rng).unwrap()
        });
    }
}

#[test]
fn a_full_layer_has_nothing_to_choose_from() {
    let full = Topology::full(MatrixShape::new(4, 5));
    let none = full.sample_inactive(0, &[], &mut rng(1));
    assert_eq!(none, Ok(vec![]));
    let error = MaskError::NotEnough {
        wanted: 1,
        available: 0,
    };
    assert_eq!(
        full.sample_inactive(1, &[], &mut rng(1)),
        Err(error.clone())
    );
    let empty = Topology::empty(MatrixShape::new(1, 2));
    assert_eq!(empty.sample_inactive(1, &[0, 1], &mut rng(1)), Err(error));
    assert_eq!(
        Topology::random(MatrixShape::new(4, 5), 21, &mut rng(1)),
        Err(MaskError::NotEnough {
            wanted: 21,
            available: 20
        })
    );
}

#[test]
fn excluded_lists_that_are_no_positions_are_refused() {
    let shape = MatrixShape::new(4, 5);
    let topology = Topology::empty(shape);
    let (previous, position) = (7, 3);
    assert_eq!(
        topology.sample_inactive(1, &[1, 7, 3], &mut rng(1)),
        Err(MaskError::NotAscending { previous, position })
    );
    let position = 20;
    assert_eq!(
        topology.sample_inactive(1, &[1, 20], &mut rng(1)),
        Err(MaskError::OutOfRange { position, shape })
    );
}

#[test]
fn a_generator_behind_a_pointer_gives_the_same() {
    let shape = MatrixShape::new(30, 41);
    let pointer: &mut dyn RngCore = &mut rng(5);
    assert_eq!(
        Topology::random(shape, 100, pointer),
        Topology::random(shape, 100, &mut rng(5))
    );
}

/// Draws of one stream, written down, up to one half and beyond: a change of how positions are
/// drawn changes every published number and must not pass unnoticed.
#[test]
fn the_draw_of_positions_is_frozen() {
    let drawn = |entries, n_active| -> Vec<u64> {
        let shape = MatrixShape::new(1, entries);
        let topology = Topology::random(shape, n_active, &mut rng(0)).unwrap();
        topology.positions().collect()
    };
    assert_eq!(drawn(1000, 5), [60, 465, 699, 709, 879]);
    assert_eq!(drawn(10, 5), [0, 4, 6, 7, 8]);
    assert_eq!(drawn(10, 6), [1, 2, 3, 5, 8, 9]);
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_random_topology_has_exactly_its_number(
        shape in crate::shapes(), share in 0.0..=1.0f64, seed in any::<u64>(),
    ) {
        let n_active = (share * shape.len() as f64) as u64;
        let topology = Topology::random(shape, n_active, &mut rng(seed)).unwrap();
        prop_assert_eq!(topology.n_active() as u64, n_active);
        // Rebuilding checks order and range.
        let parts = (topology.row_offsets().to_vec(), topology.columns().to_vec());
        prop_assert_eq!(Topology::from_parts(shape, parts.0, parts.1), Ok(topology.clone()));
        prop_assert_eq!(Topology::random(shape, n_active, &mut rng(seed)), Ok(topology));
    }

    #[test]
    fn chosen_positions_are_free_and_different(
        (shape, active, excluded) in pairs(), share in 0.0..=1.0f64, seed in any::<u64>(),
    ) {
        let topology = topology(shape, &active);
        let free: BTreeSet<u64> = &(&(0..shape.len()).collect() - &active) - &excluded;
        // Repeating a position in the list changes nothing.
        let excluded: Vec<u64> = excluded.iter().flat_map(|&p| [p, p]).collect();
        let draw = |k: u64| topology.sample_inactive(k, &excluded, &mut rng(seed));
        let k = (share * free.len() as f64) as u64;
        let chosen = draw(k).unwrap();
        prop_assert_eq!(chosen.len() as u64, k);
        prop_assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(chosen.iter().all(|position| free.contains(position)));
        let available = free.len() as u64;
        prop_assert!(draw(available).unwrap().iter().eq(&free));
        let wanted = available + 1;
        prop_assert_eq!(draw(wanted), Err(MaskError::NotEnough { wanted, available }));
    }
}
