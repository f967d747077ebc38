//! Laws of the mask algebra: every operation against an oracle that is too simple to be wrong
//! (sorted sets, sorting, whole-number arithmetic), on small matrices around the 64-bit word edges.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod algebra;
mod allocation;
mod coverage;
mod density;
mod mask;
mod nested;
mod packed;
mod pattern;
mod pictures;
mod rewiring;
mod sampling;
mod select;
mod topology;

use std::collections::BTreeSet;

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rewire_mask::{Mask, MatrixShape, Topology};

/// Cases per property: with these all laws take less than a minute on two cores.
const CASES: u32 = 20_000;

/// The cases each property runs: `PROPTEST_CASES` from the environment, or [`CASES`].
fn cases() -> ProptestConfig {
    cases_of(1)
}

/// One in `part` of the cases, for properties whose single case costs that much more than others.
fn cases_of(part: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").map_or(CASES, |text| {
        text.parse()
            .expect("PROPTEST_CASES is a decimal number of cases")
    });
    ProptestConfig::with_cases(cases.div_ceil(part))
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Shapes whose number of entries straddles multiples of 64, empty ones included.
fn shapes() -> impl Strategy<Value = MatrixShape> {
    let cols = prop_oneof![0usize..=9, 20usize..=22, 62usize..=66, 126usize..=130];
    (0usize..=7, cols).prop_map(|(rows, cols)| MatrixShape::new(rows, cols))
}

/// The positions of a shape that these words mark.
fn marked(shape: MatrixShape, words: &[u64]) -> BTreeSet<u64> {
    let bit = |p: u64| words[(p / 64) as usize % words.len()] >> (p % 64) & 1 == 1;
    (0..shape.len()).filter(|&p| bit(p)).collect()
}

/// Words that are random, sparse, dense, empty or full.
fn words() -> impl Strategy<Value = Vec<u64>> {
    let word = prop_oneof![
        any::<u64>(),
        any::<[u64; 3]>().prop_map(|[a, b, c]| a & b & c),
        any::<[u64; 3]>().prop_map(|[a, b, c]| a | b | c),
        Just(0),
        Just(u64::MAX),
    ];
    prop::collection::vec(word, 1..=15)
}

/// A shape and a set of its positions.
fn sets() -> impl Strategy<Value = (MatrixShape, BTreeSet<u64>)> {
    (shapes(), words()).prop_map(|(shape, words)| (shape, marked(shape, &words)))
}

/// A shape and two sets of its positions.
fn pairs() -> impl Strategy<Value = (MatrixShape, BTreeSet<u64>, BTreeSet<u64>)> {
    (shapes(), words(), words())
        .prop_map(|(shape, a, b)| (shape, marked(shape, &a), marked(shape, &b)))
}

fn mask(shape: MatrixShape, set: &BTreeSet<u64>) -> Mask {
    Mask::from_positions(shape, set.iter().copied()).expect("positions lie inside the shape")
}

fn topology(shape: MatrixShape, set: &BTreeSet<u64>) -> Topology {
    Topology::from_positions(shape, set.iter().copied()).expect("a set iterates in order")
}
