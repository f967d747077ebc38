//! Coverage against sets, its two representations, and the expectation of R_s.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rewire_mask::{Coverage, MaskError, MatrixShape, PositionSet, Rewiring, Topology};

use crate::{cases, rng, topology};

/// Below 2^16 entries, where bits are kept; and above, where positions are.
const SHAPES: [MatrixShape; 3] = [
    MatrixShape::new(1, 1),
    MatrixShape::new(9, 15),
    if cfg!(miri) {
        MatrixShape::new(33, 40)
    } else {
        MatrixShape::new(257, 300)
    },
];

#[test]
fn what_does_not_belong_together_is_refused() {
    let shape = MatrixShape::new(2, 3);
    let before = Topology::from_positions(shape, [0, 4]).unwrap();
    let mut coverage = Coverage::start(&before);
    let untouched = coverage.clone();
    let grows = Rewiring::new(vec![], vec![5]).unwrap();
    assert_eq!(
        coverage.record(&before, &grows),
        Err(MaskError::NotActive { position: 5 })
    );
    let drops = Rewiring::new(vec![4], vec![]).unwrap();
    assert_eq!(
        coverage.record(&before, &drops),
        Err(MaskError::AlreadyActive { position: 4 })
    );
    let (left, right) = (shape, MatrixShape::new(3, 2));
    assert_eq!(
        coverage.record(&Topology::empty(right), &Rewiring::none()),
        Err(MaskError::ShapeMismatch { left, right })
    );
    assert_eq!(coverage, untouched);
    let not_nested = MaskError::NotNested {
        inner: "survived",
        outer: "explored",
    };
    assert_eq!(
        Coverage::from_positions(shape, vec![1], vec![2]),
        Err(not_nested)
    );
    assert!(Coverage::from_positions(shape, vec![2, 1], vec![]).is_err());
    assert!(Coverage::from_positions(shape, vec![6], vec![]).is_err());
}

#[test]
fn a_set_changes_representation_where_bits_become_smaller() {
    // Smaller matrices are kept as bits from the start.
    let shape = MatrixShape::new(256, 300);
    let edge = shape.len() / 32;
    let below: Vec<u64> = (0..edge - 1).map(|i| 31 * i).collect();
    let mut set = PositionSet::empty(shape);
    set.insert_all(&below).unwrap();
    assert!(matches!(set, PositionSet::Sorted(_)));
    set.insert_all(&[0, 31]).unwrap();
    assert!(matches!(set, PositionSet::Sorted(_)));
    set.insert_all(&[1]).unwrap();
    assert!(matches!(set, PositionSet::Bits(_)));
    let mut expected: Vec<u64> = below;
    expected.insert(1, 1);
    assert_eq!(set.positions(), expected);
    assert_eq!(set.count(), edge);
    assert!(set.contains(1) && !set.contains(2));
}

#[test]
fn a_list_that_is_no_set_is_refused_by_both_representations() {
    for shape in SHAPES {
        let mut set = PositionSet::empty(shape);
        let position = shape.len();
        assert_eq!(
            set.insert_all(&[0, position]),
            Err(MaskError::OutOfRange { position, shape })
        );
        let (previous, position) = (0, 0);
        assert_eq!(
            set.insert_all(&[0, 0]),
            Err(MaskError::NotAscending { previous, position })
        );
        assert_eq!(set, PositionSet::empty(shape));
    }
}

/// The closed form 1 − R = (1 − d)·Πₜ (1 − d)/(1 − d + f·d) for n = 20 000, d = 0.1, f = 0.3 and 30
/// rewirings: R = 0.6635.
///
/// Derivation. A rewiring drops g = f·d·n = 600 of 2000 active positions and grows 600 out of
/// e = n − 2000 + 600 = 18 600 eligible ones. A position that was never active is eligible in every
/// rewiring, whatever is dropped, and stays unexplored with probability (e − g)/e = 30/31, so after
/// 30 rewirings with p = (30/31)³⁰; the initial topology leaves u = 18 000 such positions. Two of
/// them stay unexplored together with q = ((e − g)(e − g − 1)/(e(e − 1)))³⁰. Hence the unexplored
/// number has mean u·p and variance u·p(1 − p) + u(u − 1)(q − p²), about 26². The mean of 16
/// independent runs is held to five of its standard deviations, 0.0016 in R.
#[test]
fn random_growth_explores_as_expected() {
    const RUNS: u64 = 16;
    const REWIRINGS: i32 = 30;
    let shape = MatrixShape::new(100, 200);
    let (u, e, g) = (18_000.0f64, 18_600.0f64, 600.0f64);
    let p = ((e - g) / e).powi(REWIRINGS);
    let q = ((e - g) * (e - g - 1.0) / (e * (e - 1.0))).powi(REWIRINGS);
    let variance = u * p * (1.0 - p) + u * (u - 1.0) * (q - p * p);
    let tolerance = 5.0 * (variance / RUNS as f64).sqrt() / 20_000.0;
    let expected = 1.0 - u * p / 20_000.0;
    assert!((expected - 0.6635).abs() < 5e-5, "{expected}");

    let mut sum = 0.0;
    for seed in 0..RUNS {
        let mut rng = rng(seed);
        let mut active = Topology::random(shape, 2000, &mut rng).unwrap();
        let mut coverage = Coverage::start(&active);
        for _ in 0..REWIRINGS {
            // Every third entry, 600 in all: which ones are dropped has no part in the law.
            let dropped: Vec<u64> = (0..600).map(|i| active.position(3 * i)).collect();
            let cut = Rewiring::new(dropped.clone(), vec![]).unwrap();
            let (kept, _) = active.apply(&cut).unwrap();
            let grown = kept.sample_inactive(600, &[], &mut rng).unwrap();
            let net = Rewiring::net(dropped, grown).unwrap();
            active = active.apply(&net).unwrap().0;
            coverage.record(&active, &net).unwrap();
        }
        assert_eq!(active.n_active(), 2000);
        sum += coverage.rate();
    }
    let mean = sum / RUNS as f64;
    assert!(
        (mean - expected).abs() < tolerance,
        "R_s {mean}, expected {expected} within {tolerance}"
    );
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn coverage_is_the_union_of_what_was_active(
        shape in prop::sample::select(SHAPES.to_vec()), active in 0u64..40, steps in 0usize..5,
        seed in any::<u64>(),
    ) {
        let mut rng = rng(seed);
        let mut random = || Topology::random(shape, active.min(shape.len()), &mut rng).unwrap();
        let mut before = random();
        let mut coverage = Coverage::start(&before);
        let mut explored: BTreeSet<u64> = before.positions().collect();
        let mut survived = BTreeSet::new();
        for step in 0..steps {
            // One step changes nothing: all that is active outlives it.
            let after = if step == 3 { before.clone() } else { random() };
            let rewiring = Rewiring::between(&before, &after).unwrap();
            let (rate, survivor_rate) = (coverage.rate(), coverage.survivor_rate());
            coverage.record(&after, &rewiring).unwrap();
            prop_assert!(coverage.rate() >= rate && coverage.rate() <= 1.0);
            prop_assert!(coverage.survivor_rate() >= survivor_rate);
            prop_assert!(coverage.survivor_rate() <= coverage.rate());
            explored.extend(after.positions());
            survived.extend(after.positions().filter(|&position| before.contains(position)));
            before = after;
        }
        prop_assert!(coverage.explored_positions().iter().eq(&explored));
        prop_assert!(coverage.survived_positions().iter().eq(&survived));
        prop_assert_eq!(coverage.explored(), explored.len() as u64);
        prop_assert_eq!(coverage.survived(), survived.len() as u64);
        let n = shape.len() as f64;
        prop_assert_eq!(coverage.rate(), explored.len() as f64 / n);
        prop_assert_eq!(coverage.survivor_rate(), survived.len() as f64 / n);
        let restored = Coverage::from_positions(
            shape, coverage.explored_positions(), coverage.survived_positions(),
        );
        prop_assert_eq!(restored, Ok(coverage));
    }

    #[test]
    fn a_set_holds_what_was_inserted(
        shape in prop::sample::select(SHAPES.to_vec()),
        parts in prop::collection::vec(prop::collection::btree_set(any::<u64>(), 0..20), 0..4),
    ) {
        let mut set = PositionSet::empty(shape);
        let mut expected = BTreeSet::new();
        for part in parts {
            let part: BTreeSet<u64> = part.iter().map(|&x| x % shape.len()).collect();
            set.insert_all(&part.iter().copied().collect::<Vec<_>>()).unwrap();
            expected.extend(part);
        }
        prop_assert!(set.positions().iter().eq(&expected));
        prop_assert_eq!(set.count(), expected.len() as u64);
        for &position in expected.iter().take(5) {
            prop_assert!(set.contains(position));
            prop_assert_eq!(set.contains(position ^ 1), expected.contains(&(position ^ 1)));
        }
        let of_all = topology(shape, &expected);
        let restored = Coverage::start(&of_all).explored_positions();
        prop_assert_eq!(restored, set.positions());
    }
}
