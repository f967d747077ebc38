//! Forward, input gradient and weight gradient of every storage equal the dense-with-zeros sums.

use ndarray::Array2;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use rewire_sparse::mask::{MatrixShape, WeightView};
use rewire_sparse::{Batch, Plain, Products};

use super::layer::{CASES, Fill, LARGE_CASES, Layer, Pair, implementations, numbers, stale};
use super::oracle;

/// `PROPTEST_CASES`, or as many as run in about two seconds.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(100)
}

/// Every product of every storage of a layer by every implementation, values and operation counts.
fn check(layer: &Layer, what: &str) {
    let samples = layer.x.nrows();
    let (x, dy) = (
        Batch::from_rows(layer.x.view()),
        Batch::from_rows(layer.dy.view()),
    );
    let pair = Pair::new(&layer.dy, &layer.x);
    let mut rng = ChaCha8Rng::seed_from_u64(99);
    let start = numbers(layer.weights.nrows(), layer.weights.ncols(), &mut rng);
    let gradient = oracle::weight_gradient(&layer.dy, &layer.x, &start);
    for (storage, view, w) in layer.storages() {
        let expected = oracle::forward(&layer.x, &w);
        let expected_back = oracle::input_gradient(&layer.dy, &w);
        for (name, products) in implementations() {
            let what = format!("{what}, {storage}, {name}");
            let entries = multiplied(name, view.n_active(), view.shape());
            let flops = 2 * entries * samples as u64;
            let mut y = stale(samples, w.nrows());
            let executed = products.forward(layer.geometry(), view, &x, &mut y);
            assert_eq!(executed, flops, "{what}: forward");
            assert_close(&y.to_rows(), &expected, &what);

            let mut dx = stale(samples, w.ncols());
            let executed = products.input_gradient(layer.geometry(), view, &dy, &mut dx);
            assert_eq!(executed, flops, "{what}: input gradient");
            assert_close(&dx.to_rows(), &expected_back, &what);

            let executed =
                check_weight_gradient(&*products, layer, view, &pair, (&start, &gradient), &what);
            let computed = match view {
                WeightView::Latent {
                    gradient: Some(set),
                    ..
                } => set.n_active(),
                WeightView::Latent { gradient: None, .. } => view.shape().len(),
                WeightView::Active { .. } | WeightView::Dense { .. } => view.n_active(),
            };
            let entries = multiplied(name, computed, view.shape());
            assert_eq!(executed, 2 * entries * samples as u64, "{what}");
        }
    }
}

/// How many entries an implementation multiplies if so many are wanted: a dense product computes
/// all of them.
fn multiplied(name: &str, wanted: u64, shape: MatrixShape) -> u64 {
    if name == "dense" && wanted > 0 {
        shape.len()
    } else {
        wanted
    }
}

/// The gradient is added to what is there, at the stored places inside the gradient set alone.
/// Returns the operations that were counted.
fn check_weight_gradient(
    products: &dyn Products,
    layer: &Layer,
    view: WeightView<'_>,
    pair: &Pair,
    (start, expected): (&Array2<f32>, &Array2<oracle::Sum>),
    what: &str,
) -> u64 {
    let shape = view.shape();
    let positions: Vec<u64> = match view {
        WeightView::Active { topology, .. } => topology.positions().collect(),
        WeightView::Dense { .. } | WeightView::Latent { .. } => (0..shape.len()).collect(),
    };
    let at = |position: u64| shape.row_col(position);
    let mut gradient: Vec<f32> = positions.iter().map(|&p| start[at(p)]).collect();
    let executed = products.weight_gradient(layer.geometry(), view, pair.as_pair(), &mut gradient);

    for (&position, &gradient) in positions.iter().zip(&gradient) {
        let outside = matches!(view, WeightView::Latent { gradient: Some(set), .. }
            if !set.contains(position));
        if outside {
            assert_eq!(gradient.to_bits(), start[at(position)].to_bits(), "{what}");
        } else {
            let place = at(position);
            let what = format_args!("{what}: weight gradient at {place:?}");
            expected[place].assert_is(gradient, what);
        }
    }
    executed
}

fn assert_close(computed: &Array2<f32>, expected: &Array2<oracle::Sum>, what: &str) {
    assert_eq!(computed.dim(), expected.dim(), "{what}");
    for (at, sum) in expected.indexed_iter() {
        sum.assert_is(computed[at], format_args!("{what} at {at:?}"));
    }
}

#[test]
fn every_storage_multiplies_as_the_matrix_with_zeros() {
    for (seed, case) in (0..).zip(CASES.into_iter().chain(LARGE_CASES)) {
        check(&Layer::new(case, seed), &format!("{case:?}"));
    }
}

/// The gradient set of latent weights equal to the forward set: what sparse momentum's opposite,
/// Top-KAST with an offset of 0, would use.
#[test]
fn a_gradient_set_equal_to_the_forward_set_gives_the_active_gradient() {
    for (seed, case) in (0..).zip(CASES) {
        let mut layer = Layer::new(case, seed);
        layer.gradient_set = layer.active.clone();
        let pair = Pair::new(&layer.dy, &layer.x);
        let mut active = vec![0.0; layer.topology.n_active()];
        let mut latent = vec![0.0; layer.weights.len()];
        let geometry = layer.geometry();
        Plain.weight_gradient(geometry, layer.active(), pair.as_pair(), &mut active);
        Plain.weight_gradient(
            geometry,
            layer.latent_within_set(),
            pair.as_pair(),
            &mut latent,
        );
        let places = layer.topology.positions();
        let picked: Vec<u32> = places.map(|p| latent[p as usize].to_bits()).collect();
        let active: Vec<u32> = active.into_iter().map(f32::to_bits).collect();
        assert_eq!(active, picked, "{case:?}");
    }
}

/// Small whole numbers are exact in any order of summation: equality, not closeness.
#[test]
fn whole_numbers_multiply_exactly() {
    for (seed, case) in (0..).zip(CASES.into_iter().chain(LARGE_CASES)) {
        let mut layer = Layer::new(case, seed);
        let whole = |v: &mut f32| *v = (*v * 8.0).round();
        layer.x.iter_mut().for_each(whole);
        layer.dy.iter_mut().for_each(whole);
        let pair = Pair::new(&layer.dy, &layer.x);
        let expected = layer.dy.t().dot(&layer.x);
        for (name, products) in implementations() {
            for view in [layer.dense(), layer.active()] {
                let mut gradient = vec![0.0; view.values().len()];
                products.weight_gradient(layer.geometry(), view, pair.as_pair(), &mut gradient);
                let places = |p: u64| expected[layer.active.shape().row_col(p)];
                let expected: Vec<f32> = match view {
                    WeightView::Active { topology, .. } => {
                        topology.positions().map(places).collect()
                    }
                    _ => expected.iter().copied().collect(),
                };
                assert_eq!(gradient, expected, "{case:?}, {name}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn random_layers_multiply_as_the_matrix_with_zeros(
        rows in 0usize..70, cols in 0usize..70, samples in 0usize..140,
        density in 0.0f64..=1.0, seed: u64,
    ) {
        let case = (rows, cols, samples, Fill::Density(density));
        check(&Layer::new(case, seed), &format!("{case:?}, seed {seed}"));
    }
}
