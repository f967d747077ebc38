//! The number of threads changes no bit, above and below the size from which products run in
//! parallel (2²¹ and 2²² multiply-adds).

use rayon::ThreadPoolBuilder;
use rewire_sparse::mask::{Candidates, GrowthRequest, LayerRequest, Lines, MaskError};
use rewire_sparse::{Batch, Plain, Products};

use super::layer::{Fill, Layer, Pair, implementations, stale};

/// The bits of everything that can be computed of a layer.
fn bits(products: &dyn Products, layer: &Layer) -> Vec<u32> {
    let samples = layer.x.nrows();
    let (x, dy) = (
        Batch::from_rows(layer.x.view()),
        Batch::from_rows(layer.dy.view()),
    );
    let pair = Pair::new(&layer.dy, &layer.x);
    let request = LayerRequest {
        growth: GrowthRequest::Dense,
        readmitted: Vec::new(),
    };
    let geometry = layer.geometry();
    let mut all = Vec::new();
    for (_, view, w) in layer.storages() {
        let mut y = stale(samples, w.nrows());
        products.forward(geometry, view, &x, &mut y);
        let mut dx = stale(samples, w.ncols());
        products.input_gradient(geometry, view, &dy, &mut dx);
        let mut gradient = vec![0.5; view.values().len()];
        products.weight_gradient(geometry, view, pair.as_pair(), &mut gradient);
        let grown = products.growth(geometry, view, &[pair.as_pair()], &request);
        let Ok((Candidates::Dense(grown), _)) = grown else {
            panic!("{grown:?} does not answer a dense request");
        };
        for values in [y.values(), dx.values(), &gradient, &grown] {
            all.extend(values.iter().map(|value| value.to_bits()));
        }
    }
    all
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let cases = [
        // 30 multiply-adds and 2.0e6 for active weights: one thread.
        (5, 6, 1, Fill::Everything),
        (150, 130, 105, Fill::Everything),
        // 3e6 to 1e7 for active and dense weights, ragged tiles and panels.
        (161, 203, 100, Fill::Everything),
        (203, 161, 200, Fill::Density(0.6)),
        (300, 330, 65, Fill::Density(0.5)),
        (33, 1000, 130, Fill::Gaps),
        // Several chunks of rows, above its 2²² multiply-adds.
        (1100, 1030, 70, Fill::Density(0.1)),
    ];
    for (seed, case) in (0..).zip(cases) {
        let layer = Layer::new(case, seed);
        for (name, products) in implementations() {
            let run = |threads| {
                let pool = ThreadPoolBuilder::new().num_threads(threads).build();
                pool.unwrap().install(|| bits(&*products, &layer))
            };
            let one = run(1);
            for threads in [2, 4] {
                assert!(
                    one == run(threads),
                    "{case:?}, {name} with {threads} threads"
                );
            }
        }
    }
}

/// Where tiles are searched in parallel, the choice is the same, and of several gradients that are
/// not finite the lowest one is named.
#[test]
fn any_number_of_threads_grows_the_same() {
    let mut layer = Layer::new((301, 257, 65, Fill::Density(0.3)), 9);
    // Few distinct gradients: ties across all tiles.
    layer.x.mapv_inplace(f32::round);
    layer.dy.mapv_inplace(f32::round);
    let readmitted: Vec<u64> = layer.active.positions().step_by(3).collect();
    let requests = [
        GrowthRequest::TopK { k: 1 },
        GrowthRequest::TopK { k: 7000 },
        GrowthRequest::TopK { k: 100_000 },
        GrowthRequest::BestPerGroup {
            along: Lines::Outputs,
            of: 50,
            k: 2,
        },
        GrowthRequest::PatternScores {
            tile_rows: 48,
            tile_cols: 5,
        },
        GrowthRequest::AtPositions(vec![70_000, 3, 40_000]),
        GrowthRequest::Dense,
    ];
    let run = |layer: &Layer, threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let pair = Pair::new(&layer.dy, &layer.x);
        pool.unwrap().install(|| {
            let grow = |growth: &GrowthRequest| {
                let (growth, readmitted) = (growth.clone(), readmitted.clone());
                let request = LayerRequest { growth, readmitted };
                let view = layer.active();
                Plain.growth(layer.geometry(), view, &[pair.as_pair()], &request)
            };
            requests.iter().map(grow).collect::<Vec<_>>()
        })
    };
    let one = run(&layer, 1);
    assert!(one.iter().all(Result::is_ok));
    for threads in [2, 3, 4] {
        assert!(one == run(&layer, threads), "{threads} threads");
    }

    // Rows 40, 70 and 200 lie in different tiles.
    for row in [40, 70, 200] {
        layer.dy[[0, row]] = f32::INFINITY;
    }
    layer.x.fill(1.0);
    let first =
        (40 * 257..).find(|&p| !layer.active.contains(p) || readmitted.binary_search(&p).is_ok());
    for threads in [1, 2, 4] {
        for (growth, found) in requests.iter().zip(run(&layer, threads)) {
            let expected = match growth {
                GrowthRequest::AtPositions(_) => continue,
                GrowthRequest::Dense => 40 * 257,
                _ => first.unwrap(),
            };
            match found {
                Err(MaskError::NonFinite { index, .. }) => assert_eq!(index, expected),
                other => panic!("{other:?} for {growth:?}"),
            }
        }
    }
}
