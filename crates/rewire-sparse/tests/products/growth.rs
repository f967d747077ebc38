//! Streamed growth candidates equal those chosen from the stored dense gradient, bit for bit.

use std::collections::BTreeMap;

use ndarray::{Array2, Axis, Slice};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rewire_sparse::mask::{
    Candidate, Candidates, GrowthRequest, LayerRequest, Lines, MaskError, Topology, WeightView,
};
use rewire_sparse::{Fast, GradientPair, Plain, Products};

use super::layer::{CASES, Fill, Layer, Pair, numbers};

/// `PROPTEST_CASES`, or as many as run in about two seconds.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(100)
}

/// The dense gradient by the same implementation, stored.
pub(crate) fn stored_gradient(
    products: &dyn Products,
    layer: &Layer,
    pairs: &[GradientPair<'_>],
) -> Vec<f32> {
    let mut gradient = vec![0.0; layer.weights.len()];
    for &pair in pairs {
        products.weight_gradient(layer.geometry(), layer.dense(), pair, &mut gradient);
    }
    gradient
}

/// Chooses from a stored gradient by sorting: larger magnitude first, then lower position.
fn best(gradient: &[f32], eligible: &[u64], k: usize) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = eligible
        .iter()
        .map(|&position| Candidate {
            position,
            magnitude: gradient[position as usize].abs(),
        })
        .collect();
    // Eligible positions ascend and the sort is stable.
    all.sort_by(|a, b| b.magnitude.total_cmp(&a.magnitude));
    all.truncate(k);
    all
}

/// What `request` has to be answered, from the stored gradient.
pub(crate) fn expected(
    layer: &Layer,
    view: WeightView<'_>,
    g: &[f32],
    request: &LayerRequest,
) -> Candidates {
    let shape = view.shape();
    let is_dense = matches!(view, WeightView::Dense { .. });
    let is_eligible = |&p: &u64| {
        let is_active = is_dense || layer.active.contains(p);
        !is_active || request.readmitted.binary_search(&p).is_ok()
    };
    let eligible: Vec<u64> = (0..shape.len()).filter(is_eligible).collect();
    match &request.growth {
        GrowthRequest::TopK { k } => {
            let mut best = best(g, &eligible, *k);
            best.sort_by_key(|candidate| candidate.position);
            Candidates::Best(best)
        }
        GrowthRequest::BestPerGroup { along, of, k } => {
            let mut groups: BTreeMap<(usize, usize), Vec<u64>> = BTreeMap::new();
            for p in eligible {
                let (line, entry) = along.place(shape, p);
                groups.entry((line, entry / of)).or_default().push(p);
            }
            let members = groups.into_values();
            Candidates::PerGroup(members.flat_map(|members| best(g, &members, *k)).collect())
        }
        GrowthRequest::PatternScores {
            tile_rows,
            tile_cols,
        } => {
            let size = (
                shape.rows.div_ceil(*tile_rows),
                shape.cols.div_ceil(*tile_cols),
            );
            let mut sums = Array2::zeros(size);
            for p in eligible {
                let (row, col) = shape.row_col(p);
                sums[[row / tile_rows, col / tile_cols]] += g[p as usize].abs();
            }
            Candidates::Tiles(sums)
        }
        GrowthRequest::AtPositions(positions) => {
            Candidates::AtPositions(positions.iter().map(|&p| g[p as usize]).collect())
        }
        GrowthRequest::Dense => Candidates::Dense(g.to_vec()),
    }
}

/// Every kind of request that fits a layer of `n` entries.
fn requests(n: u64, rng: &mut ChaCha8Rng) -> Vec<GrowthRequest> {
    let n = n as usize;
    let mut all = vec![GrowthRequest::Dense];
    all.extend([0, 1, 5, n / 2, n, n + 3].map(|k| GrowthRequest::TopK { k }));
    for along in [
        Lines::Inputs,
        Lines::Outputs,
        Lines::TapsOutputs { taps: 1 },
    ] {
        for (of, k) in [(4, 1), (4, 2), (3, 4), (1, 1), (32, 3)] {
            all.push(GrowthRequest::BestPerGroup { along, of, k });
        }
    }
    for (tile_rows, tile_cols) in [(1, 1), (4, 4), (3, 5), (1, 64), (40, 2), (1000, 1000)] {
        all.push(GrowthRequest::PatternScores {
            tile_rows,
            tile_cols,
        });
    }
    // In no order and with repetitions.
    let draws = if n == 0 { 0 } else { 50 };
    let drawn = (0..draws).map(|_| u64::from(rng.next_u32()) % n as u64);
    all.push(GrowthRequest::AtPositions(drawn.collect()));
    all.push(GrowthRequest::AtPositions(Vec::new()));
    all
}

/// All requests for all storages of a layer, with and without readmitted positions, by both
/// implementations of growth.
fn check(layer: &Layer, pairs: &[GradientPair<'_>], seed: u64, what: &str) {
    check_with(&Plain, layer, pairs, seed, &format!("{what}, plain"));
    check_with(
        &Fast::default(),
        layer,
        pairs,
        seed,
        &format!("{what}, fast"),
    );
}

fn check_with(
    products: &dyn Products,
    layer: &Layer,
    pairs: &[GradientPair<'_>],
    seed: u64,
    what: &str,
) {
    let is_plain = what.ends_with("plain");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let gradient = stored_gradient(products, layer, pairs);
    let n = layer.active.shape().len();
    let samples: u64 = pairs.iter().map(|pair| pair.input.samples() as u64).sum();
    let some: Vec<u64> = layer.active.positions().step_by(3).collect();
    for growth in requests(n, &mut rng) {
        for readmitted in [Vec::new(), some.clone(), layer.active.positions().collect()] {
            let growth = growth.clone();
            let request = LayerRequest { growth, readmitted };
            for (storage, view, _) in layer.storages() {
                let (found, executed) = products
                    .growth(layer.geometry(), view, pairs, &request)
                    .unwrap_or_else(|error| panic!("{what}, {storage}, {request:?}: {error}"));
                let few = few_positions(n, &request);
                let expected = match &few {
                    Some(positions) if is_plain => {
                        Some(one_by_one(layer, pairs, &request, positions))
                    }
                    // Other sums of the same products: `scattered.rs` holds them to theirs.
                    Some(_) => None,
                    None => Some(expected(layer, view, &gradient, &request)),
                };
                if let Some(expected) = expected {
                    assert!(
                        found == expected,
                        "{what}, {storage}, {request:?}: {found:?}"
                    );
                }
                // Nothing is multiplied where nothing is asked.
                let computed = match (&few, &request.growth) {
                    (Some(positions), _) => positions.len() as u64,
                    (None, GrowthRequest::TopK { k: 0 }) => 0,
                    (None, _) => n,
                };
                let flops = 2 * computed * samples;
                assert_eq!(executed, flops, "{what}, {storage}, {request:?}");
            }
        }
    }
}

/// The positions of a request, ascending and each once, if they are at most an eighth of all.
fn few_positions(n: u64, request: &LayerRequest) -> Option<Vec<u64>> {
    match &request.growth {
        GrowthRequest::AtPositions(positions) if 8 * positions.len() as u64 <= n => {
            let mut positions = positions.clone();
            positions.sort_unstable();
            positions.dedup();
            Some(positions)
        }
        _ => None,
    }
}

/// The weight gradient of the layer that is active at these positions alone.
fn one_by_one(
    layer: &Layer,
    pairs: &[GradientPair<'_>],
    request: &LayerRequest,
    positions: &[u64],
) -> Candidates {
    let shape = layer.active.shape();
    let topology = Topology::from_positions(shape, positions.iter().copied())
        .expect("positions ascend within the layer");
    let values = vec![f32::NAN; topology.n_active()];
    let view = WeightView::Active {
        topology: &topology,
        values: &values,
    };
    let mut gradient = vec![0.0; values.len()];
    for pair in pairs {
        Plain.weight_gradient(layer.geometry(), view, *pair, &mut gradient);
    }
    let GrowthRequest::AtPositions(asked) = &request.growth else {
        panic!("{request:?} names no positions");
    };
    let at = |&position: &u64| gradient[topology.index_of(position).expect("it was listed")];
    Candidates::AtPositions(asked.iter().map(at).collect())
}

#[test]
fn every_request_is_answered_as_from_the_stored_gradient() {
    for (seed, case) in (0..).zip(CASES) {
        let layer = Layer::new(case, seed);
        let pair = Pair::new(&layer.dy, &layer.x);
        check(&layer, &[pair.as_pair()], seed, &format!("{case:?}"));
    }
}

/// Several pairs are summed in their order: another order may give other bits, and the sum over
/// pairs of exact numbers is that of the joined batch.
#[test]
fn pairs_are_summed_in_their_order() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for (seed, (rows, cols, _, fill)) in (0..).zip(CASES).step_by(4) {
        let layer = Layer::new((rows, cols, 1, fill), seed);
        let pairs: Vec<Pair> = [70, 1, 0, 33]
            .iter()
            .map(|&samples| {
                let dy = numbers(samples, rows, &mut rng);
                Pair::new(&dy, &numbers(samples, cols, &mut rng))
            })
            .collect();
        let views: Vec<_> = pairs.iter().map(Pair::as_pair).collect();
        check(&layer, &views, seed, &format!("{rows}×{cols} in 4 pairs"));
    }
}

#[test]
fn pairs_add_up_to_the_joined_batch() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let layer = Layer::new((35, 9, 1, Fill::Nothing), 1);
    let mut whole =
        |samples, features| numbers(samples, features, &mut rng).mapv(|v| (v * 8.0).round());
    let (dy, x) = (whole(100, 35), whole(100, 9));
    let joined = Pair::new(&dy, &x);
    let cut = |rows: &Array2<f32>, from: usize, to: usize| {
        rows.slice_axis(Axis(0), Slice::from(from..to)).to_owned()
    };
    let parts = [(0, 64), (64, 65), (65, 100)]
        .map(|(from, to)| Pair::new(&cut(&dy, from, to), &cut(&x, from, to)));
    let request = LayerRequest {
        growth: GrowthRequest::Dense,
        readmitted: Vec::new(),
    };
    let grow = |pairs: &[GradientPair<'_>]| {
        Plain
            .growth(layer.geometry(), layer.active(), pairs, &request)
            .unwrap()
            .0
    };
    let parts: Vec<_> = parts.iter().map(Pair::as_pair).collect();
    assert_eq!(grow(&parts), grow(&[joined.as_pair()]));
}

/// No pairs: a parameter that the loss does not use has the gradient 0 everywhere.
#[test]
fn without_pairs_the_first_places_win() {
    let layer = Layer::new((4, 5, 1, Fill::Nothing), 0);
    let request = LayerRequest {
        growth: GrowthRequest::TopK { k: 3 },
        readmitted: Vec::new(),
    };
    let found = Plain.growth(layer.geometry(), layer.active(), &[], &request);
    let zero = |position| Candidate {
        position,
        magnitude: 0.0,
    };
    let expected = Candidates::Best(vec![zero(0), zero(1), zero(2)]);
    assert_eq!(found.unwrap(), (expected, 0));
}

/// Dead inputs and dead outputs: gradients of exactly 0 tie, and the lower position wins.
#[test]
fn dead_units_tie_and_the_lower_position_wins() {
    let mut layer = Layer::new((6, 8, 70, Fill::Density(0.3)), 3);
    for (sample, mut row) in layer.x.rows_mut().into_iter().enumerate() {
        for col in [0, 3, 4, 7] {
            // Both zeros: their products tie as well.
            row[col] = if sample % 2 == 0 { 0.0 } else { -0.0 };
        }
    }
    layer.dy.column_mut(2).fill(0.0);
    let pair = Pair::new(&layer.dy, &layer.x);
    check(&layer, &[pair.as_pair()], 1, "dead units");

    let request = LayerRequest {
        growth: GrowthRequest::TopK { k: 48 },
        readmitted: Vec::new(),
    };
    let (found, _) = Plain
        .growth(
            layer.geometry(),
            layer.active(),
            &[pair.as_pair()],
            &request,
        )
        .unwrap();
    let Candidates::Best(found) = found else {
        panic!("{found:?} does not answer a request for the best k");
    };
    let dead: Vec<u64> = found
        .iter()
        .filter(|candidate| candidate.magnitude == 0.0)
        .map(|candidate| candidate.position)
        .collect();
    let shape = layer.active.shape();
    let is_dead = |p: u64| shape.row_col(p).0 == 2 || [0, 3, 4, 7].contains(&shape.row_col(p).1);
    let expected: Vec<u64> = (0..48)
        .filter(|&p| !layer.active.contains(p) && is_dead(p))
        .collect();
    assert!(expected.len() > 10);
    assert_eq!(dead, expected);
}

/// A gradient that is not finite is an error that names the first position it concerns, where it
/// is asked for; where nobody asks for it, it is none.
#[test]
fn a_gradient_that_is_not_finite_is_named() {
    let mut layer = Layer::new((40, 6, 65, Fill::Nothing), 4);
    // Every weight of input 2 is active, and so is (33, 4).
    let shape = layer.active.shape();
    let full_column = (0..40).map(|row| shape.position(row, 2));
    let mut active: Vec<u64> = full_column.chain([shape.position(33, 4)]).collect();
    active.sort_unstable();
    layer.active = rewire_sparse::mask::Mask::from_positions(shape, active).unwrap();
    let topology = rewire_sparse::mask::Topology::from_mask(&layer.active);
    let values = vec![1.0; topology.n_active()];
    let view = WeightView::Active {
        topology: &topology,
        values: &values,
    };
    let grow = |layer: &Layer, growth: GrowthRequest, readmitted: Vec<u64>| {
        let pair = Pair::new(&layer.dy, &layer.x);
        let request = LayerRequest { growth, readmitted };
        Plain.growth(layer.geometry(), view, &[pair.as_pair()], &request)
    };
    let at = |result: Result<_, MaskError>| match result {
        Err(MaskError::NonFinite { index, value }) => (index, value.is_nan()),
        other => panic!("{other:?} instead of a position"),
    };
    let all = || {
        [
            GrowthRequest::TopK { k: 2 },
            GrowthRequest::BestPerGroup {
                along: Lines::Inputs,
                of: 3,
                k: 1,
            },
            GrowthRequest::PatternScores {
                tile_rows: 4,
                tile_cols: 4,
            },
        ]
    };

    // The gradients of column 2 are NaN, of active weights alone.
    layer.x[[64, 2]] = f32::NAN;
    for growth in all() {
        grow(&layer, growth.clone(), Vec::new()).unwrap();
        let readmitted = vec![shape.position(7, 2)];
        assert_eq!(at(grow(&layer, growth, readmitted)), (7 * 6 + 2, true));
    }
    assert_eq!(at(grow(&layer, GrowthRequest::Dense, vec![])), (2, true));
    let asked = GrowthRequest::AtPositions(vec![3, 38, 5]);
    assert_eq!(at(grow(&layer, asked, vec![])), (38, true));
    grow(&layer, GrowthRequest::AtPositions(vec![3, 5]), vec![]).unwrap();

    // Row 33 is infinite: its first inactive position is named.
    layer.x[[64, 2]] = 0.0;
    layer.x.column_mut(0).fill(1.0);
    layer.dy[[3, 33]] = f32::INFINITY;
    for growth in all() {
        assert_eq!(at(grow(&layer, growth, Vec::new())), (33 * 6, false));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn random_layers_are_searched_as_stored(
        rows in 1usize..45, cols in 1usize..40, samples in 0usize..70,
        density in 0.0f64..=1.0, seed: u64,
    ) {
        let case = (rows, cols, samples, Fill::Density(density));
        let mut layer = Layer::new(case, seed);
        // Few distinct gradients: ties everywhere.
        layer.x.mapv_inplace(f32::round);
        layer.dy.mapv_inplace(f32::round);
        let pair = Pair::new(&layer.dy, &layer.x);
        let gradient = stored_gradient(&Plain, &layer, &[pair.as_pair()]);
        let k = (seed % 50) as usize;
        let request = LayerRequest {
            growth: GrowthRequest::TopK { k },
            readmitted: layer.active.positions().step_by(2).collect(),
        };
        let view = layer.active();
        let found = Plain.growth(layer.geometry(), view, &[pair.as_pair()], &request);
        prop_assert_eq!(found.unwrap().0, expected(&layer, view, &gradient, &request));
    }
}
