//! Selection against a sort.

use proptest::prelude::*;
use rewire_mask::{MaskError, TopK, lowest, top_k};

use crate::cases;

/// All indices, best first: the stable sort keeps equal scores in order of their indices.
fn ranked(scores: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].partial_cmp(&scores[a]).expect("finite scores"));
    order
}

fn ascending(indices: &[usize]) -> Vec<usize> {
    let mut indices = indices.to_vec();
    indices.sort_unstable();
    indices
}

/// Scores from few values, so that most of them tie; or all different.
fn scores() -> impl Strategy<Value = Vec<f32>> {
    let few = prop::sample::select(vec![-1.0f32, -0.0, 0.0, 1.0]);
    let edges = prop::sample::select(vec![
        f32::MIN,
        -1.0,
        -f32::MIN_POSITIVE,
        -1e-45,
        -0.0,
        0.0,
        1e-45,
        f32::MIN_POSITIVE,
        1.0,
        1.0 + f32::EPSILON,
        f32::MAX,
    ]);
    let finite = any::<u32>().prop_map(f32::from_bits);
    let finite = finite.prop_filter("finite", |score| score.is_finite());
    prop_oneof![
        prop::collection::vec(few, 0..70),
        prop::collection::vec(edges, 0..70),
        prop::collection::vec(finite, 0..70),
        (edges_once(), 0usize..70).prop_map(|(score, n)| vec![score; n]),
    ]
}

fn edges_once() -> impl Strategy<Value = f32> {
    prop::sample::select(vec![-2.5f32, -0.0, 0.0, 2.5])
}

/// Scores and how many to take, none and all included.
fn selections() -> impl Strategy<Value = (Vec<f32>, usize)> {
    scores().prop_flat_map(|scores| {
        let n = scores.len();
        let k = prop_oneof![Just(0), Just(n), 0..=n];
        (Just(scores), k)
    })
}

#[test]
fn zeros_of_both_signs_tie() {
    let scores = [-0.0, 0.0, -0.0, 0.0];
    assert_eq!(top_k(&scores, 2).unwrap(), [0, 1]);
    assert_eq!(lowest(&scores, 1).unwrap(), [3]);
}

#[test]
fn more_than_there_is_cannot_be_taken() {
    let error = MaskError::NotEnough {
        wanted: 4,
        available: 3,
    };
    assert_eq!(top_k(&[1.0; 3], 4), Err(error.clone()));
    assert_eq!(lowest(&[1.0; 3], 4), Err(error));
}

#[test]
fn a_stream_of_fewer_than_k_is_ranked_whole() {
    let mut best = TopK::new(usize::MAX);
    for (score, position) in [(0.0, 3), (2.0, 1), (-0.0, 2)] {
        best.offer(score, position).unwrap();
    }
    assert_eq!(best.into_ranked(), [(2.0, 1), (-0.0, 2), (0.0, 3)]);
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_best_are_those_a_sort_puts_first((scores, k) in selections()) {
        let order = ranked(&scores);
        prop_assert_eq!(top_k(&scores, k).unwrap(), ascending(&order[..k]));
        let rest = scores.len() - k;
        prop_assert_eq!(lowest(&scores, rest).unwrap(), ascending(&order[k..]));
    }

    /// Whatever the order of the offers.
    #[test]
    fn a_stream_ranks_as_a_sort((scores, k) in selections(), step in 0usize..70) {
        let n = scores.len();
        let mut offers: Vec<usize> = (0..n).collect();
        offers.sort_by_key(|&index| (index * (2 * step + 1)) % 71);
        let mut best = TopK::new(k);
        for index in offers {
            best.offer(scores[index], index as u64).unwrap();
        }
        let found: Vec<u64> = best.into_ranked().iter().map(|&(_, position)| position).collect();
        let expected: Vec<u64> = ranked(&scores)[..k].iter().map(|&index| index as u64).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn scores_that_are_not_finite_are_refused_where_they_stand(
        (scores, k) in selections(), at in any::<prop::sample::Index>(), which in 0usize..3,
    ) {
        prop_assume!(!scores.is_empty());
        let bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][which];
        let index = at.index(scores.len());
        let mut scores = scores;
        // A second one behind it must not be the one that is reported.
        let last = scores.len() - 1;
        scores[last] = f32::NAN;
        scores[index] = bad;
        let is_named = |found: MaskError| match found {
            MaskError::NonFinite { index: at, value } => {
                at == index as u64 && value.to_bits() == bad.to_bits()
            }
            _ => false,
        };
        prop_assert!(is_named(top_k(&scores, k).unwrap_err()));
        prop_assert!(is_named(lowest(&scores, k).unwrap_err()));
        prop_assert!(is_named(TopK::new(k).offer(bad, index as u64).unwrap_err()));
    }
}
