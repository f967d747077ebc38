//! Selection against a sort.

mod ordered;

use proptest::prelude::*;
use rewire_mask::{
    MaskError, TopK, global_top_k, global_top_magnitudes, kth_magnitude, lowest, lowest_magnitudes,
    top_bits, top_k, top_magnitudes,
};

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

fn magnitudes(values: &[f32]) -> Vec<f32> {
    values.iter().map(|value| value.abs()).collect()
}

/// The bits of these indices among `n`.
fn words(n: usize, indices: &[usize]) -> Vec<u64> {
    let mut words = vec![0; n.div_ceil(64)];
    for &index in indices {
        words[index / 64] |= 1 << (index % 64);
    }
    words
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
    let scores = [1.0; 3];
    assert_eq!(top_k(&scores, 4), Err(error.clone()));
    assert_eq!(lowest(&scores, 4), Err(error.clone()));
    assert_eq!(top_magnitudes(&scores, 4), Err(error.clone()));
    assert_eq!(kth_magnitude(&scores, 4), Err(error.clone()));
    assert_eq!(
        global_top_k(&[&scores[..1], &[], &scores[1..]], 4),
        Err(error)
    );
}

#[test]
#[should_panic(expected = "magnitudes are counted from 1")]
fn there_is_no_magnitude_before_the_first() {
    let _ = kth_magnitude(&[1.0], 0);
}

#[test]
fn equal_scores_go_to_the_earlier_tensor() {
    let tensors: [&[f32]; 4] = [&[1.0, -2.0], &[], &[2.0, 1.0], &[-1.0]];
    let by_value = |k| global_top_k(&tensors, k).unwrap();
    assert_eq!(by_value(1), [vec![0], vec![], vec![1], vec![0]]);
    assert_eq!(by_value(2), [vec![1], vec![], vec![1], vec![0]]);
    let by_magnitude = |k| global_top_magnitudes(&tensors, k).unwrap();
    assert_eq!(by_magnitude(1), [vec![2], vec![], vec![0], vec![0]]);
    assert_eq!(by_magnitude(4), [vec![3], vec![], vec![3], vec![0]]);
}

#[test]
fn a_stream_of_fewer_than_k_is_ranked_whole() {
    let mut best = TopK::new(usize::MAX);
    for (score, position) in [(0.0, 3), (2.0, 1), (-0.0, 2)] {
        best.offer(score, position).unwrap();
    }
    assert_eq!(best.into_ranked(), [(2.0, 1), (-0.0, 2), (0.0, 3)]);
}

/// Lists that are hard in one way or another: values without a pattern, few different ones, one
/// that a part of the list has, order, magnitudes that barely differ, neighbours alike.
fn hard_lists(n: usize) -> Vec<Vec<f32>> {
    let scattered = |i: usize| ((i * 2_654_435_761) % 1_000_003) as f32 - 500_000.0;
    let list = |value: &dyn Fn(usize) -> f32| (0..n).map(value).collect::<Vec<_>>();
    vec![
        list(&scattered),
        list(&|_| -0.25),
        list(&|i| if scattered(i) < 1e5 { -1.0 } else { 1.5 }),
        list(&|i| if i % 3 == 0 { 0.0 } else { scattered(i) }),
        list(&|i| i as f32),
        list(&|i| -(i as f32)),
        list(&|i| f32::from_bits((i * 31 % 77) as u32)),
        list(&|i| scattered(i) * ((i / 1024 * 7 % 13) as f32 + 0.1)),
        list(&|i| (i % 16) as f32),
    ]
}

/// Around vectors, words, the lists that are partitioned at once, and the chunks of threads.
#[test]
fn hard_lists_of_every_length_are_cut_where_a_sort_cuts_them() {
    let vectors = [1, 2, 15, 16, 17, 63, 64, 65];
    let lists = [4095, 4096, 4097, 5000, 65_535, 65_536, 65_537];
    let chunks = [131_071, 131_072, 131_073, 300_001];
    let long = lists.into_iter().chain(chunks);
    // A list of one word and one bit under Miri, where each takes a second.
    let wanted = |n: &usize| !cfg!(miri) || *n == 65;
    for n in vectors.into_iter().chain(long).filter(wanted) {
        for (which, values) in hard_lists(n).iter().enumerate() {
            let mut sorted = magnitudes(values);
            sorted.sort_unstable_by(|a, b| b.total_cmp(a));
            for k in [1, 2, n / 10, n / 2, n - n / 3, n - 1, n] {
                let k = k.clamp(1, n);
                let kth = sorted[k - 1];
                let context = format!("list {which} of {n}, k = {k}");
                assert_eq!(kth_magnitude(values, k), Ok(kth), "{context}");
                // Everything above is taken, and of what is equal the first.
                let above = sorted.partition_point(|&magnitude| magnitude > kth);
                let mut ties = k - above;
                let takes = |&index: &usize| {
                    let is_taken =
                        values[index].abs() > kth || (values[index].abs() == kth && ties > 0);
                    ties -= usize::from(is_taken && values[index].abs() == kth);
                    is_taken
                };
                let expected: Vec<usize> = (0..n).filter(takes).collect();
                assert_eq!(
                    top_magnitudes(values, k).unwrap(),
                    words(n, &expected),
                    "{context}"
                );
                assert_eq!(
                    top_k(&magnitudes(values), k).unwrap(),
                    expected,
                    "{context}"
                );
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "too many scores for an interpreter")]
fn results_have_the_same_bits_at_any_number_of_threads() {
    let lists = hard_lists(700_001);
    let tensors: Vec<&[f32]> = lists.iter().map(|list| &list[..]).collect();
    let results = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let single = lists.iter().map(|list| {
                let magnitude = kth_magnitude(list, 70_000).unwrap().to_bits();
                (
                    magnitude,
                    top_bits(list, 70_000).unwrap(),
                    lowest(list, 300_000).unwrap(),
                )
            });
            (
                single.collect::<Vec<_>>(),
                global_top_k(&tensors, 1_234_567).unwrap(),
            )
        })
    };
    let alone = results(1);
    assert_eq!(results(2), alone);
    assert_eq!(results(4), alone);
}

#[test]
#[cfg_attr(miri, ignore = "too many scores for an interpreter")]
fn the_first_score_that_is_not_finite_is_named_in_long_lists() {
    for n in [4097, 300_000] {
        let list = &hard_lists(n)[0];
        for index in [
            0,
            1,
            63,
            64,
            n / 2,
            131_071.min(n - 2),
            131_072.min(n - 1),
            n - 1,
        ] {
            let mut values = list.clone();
            values[n - 1] = f32::NAN;
            values[index] = f32::NEG_INFINITY;
            let is_named = |error: MaskError| match error {
                MaskError::NonFinite { index: at, .. } => at == index as u64,
                _ => false,
            };
            assert!(is_named(kth_magnitude(&values, n / 2).unwrap_err()));
            assert!(is_named(top_k(&values, 0).unwrap_err()));
            assert!(is_named(top_magnitudes(&values, n + 1).unwrap_err()));
            assert!(is_named(lowest_magnitudes(&values, n / 3).unwrap_err()));
            let error = global_top_k(&[&list[..], &[], &values[..], &values[..]], n).unwrap_err();
            assert_eq!(
                error,
                MaskError::NonFiniteIn {
                    tensor: 2,
                    index: index as u64,
                    value: f32::NEG_INFINITY,
                }
            );
        }
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_best_are_those_a_sort_puts_first((scores, k) in selections()) {
        let order = ranked(&scores);
        prop_assert_eq!(top_k(&scores, k).unwrap(), ascending(&order[..k]));
        let rest = scores.len() - k;
        prop_assert_eq!(lowest(&scores, rest).unwrap(), ascending(&order[k..]));
        prop_assert_eq!(top_bits(&scores, k).unwrap(), words(scores.len(), &order[..k]));
    }

    #[test]
    fn the_largest_magnitudes_are_the_best_scores_without_signs((values, k) in selections()) {
        let scores = magnitudes(&values);
        let order = ranked(&scores);
        let n = values.len();
        prop_assert_eq!(top_magnitudes(&values, k).unwrap(), words(n, &order[..k]));
        prop_assert_eq!(lowest_magnitudes(&values, n - k).unwrap(), ascending(&order[k..]));
        if k > 0 {
            prop_assert_eq!(kth_magnitude(&values, k).unwrap().to_bits(), scores[order[k - 1]].to_bits());
        }
    }

    #[test]
    fn tensors_compete_as_one_list((values, k) in selections(), cuts in prop::collection::vec(0usize..70, 0..4)) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (values.len() + 1)).collect();
        cuts.extend([0, values.len()]);
        cuts.sort_unstable();
        let tensors: Vec<&[f32]> = cuts.windows(2).map(|pair| &values[pair[0]..pair[1]]).collect();
        let check = |found: Vec<Vec<u64>>, best: &[usize]| {
            cuts.windows(2).zip(found).all(|(pair, found)| {
                let inside = best.iter().filter(|&&index| (pair[0]..pair[1]).contains(&index));
                let inside: Vec<usize> = inside.map(|index| index - pair[0]).collect();
                found == words(pair[1] - pair[0], &inside)
            })
        };
        prop_assert!(check(global_top_k(&tensors, k).unwrap(), &ranked(&values)[..k]));
        let by_magnitude = ranked(&magnitudes(&values));
        prop_assert!(check(global_top_magnitudes(&tensors, k).unwrap(), &by_magnitude[..k]));
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
        if scores.is_empty() {
            return Ok(());
        }
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
        prop_assert!(is_named(top_magnitudes(&scores, k).unwrap_err()));
        prop_assert!(is_named(lowest_magnitudes(&scores, k).unwrap_err()));
        prop_assert!(is_named(TopK::new(k).offer(bad, index as u64).unwrap_err()));
    }
}
