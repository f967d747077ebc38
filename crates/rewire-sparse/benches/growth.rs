//! A RigL update of a layer beside the dense weight gradient that it chooses from: candidates, the
//! rewiring with two columns, and what the products list anew.
//!
//! The choice is checked against one from the stored gradient before anything is timed. In each
//! round all run once, so that a change of the machine's speed meets them alike; medians of the
//! ratios are printed, on one thread.

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;
use std::time::Instant;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rayon::ThreadPoolBuilder;
use rewire_sparse::mask::{
    Candidates, GrowthRequest, LayerRequest, MatrixShape, Rewiring, Topology, WeightView,
    lowest_magnitudes, top_magnitudes,
};
use rewire_sparse::{Batch, Fast, Geometry, GradientPair, Products};

const SIDE: usize = 4096;
const SAMPLES: usize = 128;
const ROUNDS: usize = 7;

fn main() {
    let pool = ThreadPoolBuilder::new().num_threads(1).build();
    pool.expect("a pool of one thread").install(compare);
}

fn compare() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut batch = || {
        let mut batch = Batch::zeros(SAMPLES, SIDE);
        let number = |value: &mut f32| *value = (rng.next_u32() as i32) as f32 / 2f32.powi(31);
        batch.values_mut().iter_mut().for_each(number);
        batch
    };
    let (input, output_gradient) = (batch(), batch());
    let pair = GradientPair {
        output_gradient: &output_gradient,
        input: &input,
    };
    let shape = MatrixShape::new(SIDE, SIDE);
    let geometry = Geometry::linear(shape);
    let is_active = |_: &u64| rng.next_u32() < u32::MAX / 10;
    let active = (0..shape.len()).filter(is_active).collect::<Vec<_>>();
    let topology = Topology::from_positions(shape, active).expect("ascending positions");
    let values: Vec<f32> = (0..topology.n_active())
        .map(|_| (rng.next_u32() as i32) as f32)
        .collect();
    let weights = WeightView::Active {
        topology: &topology,
        values: &values,
    };
    let k = topology.n_active() * 3 / 10;
    let request = LayerRequest {
        growth: GrowthRequest::TopK { k },
        readmitted: vec![],
    };
    let products = Fast::default();
    let grow = || match products.growth(geometry, weights, &[pair], &request) {
        Ok((Candidates::Best(best), _)) => best,
        other => panic!("no candidates: {other:?}"),
    };

    let mut stored = vec![0.0; SIDE * SIDE];
    let zeros = stored.clone();
    let dense = WeightView::Dense {
        shape,
        values: &zeros,
    };
    let gradient = |out: &mut [f32]| products.weight_gradient(geometry, dense, pair, out);
    gradient(&mut stored);
    for position in topology.positions() {
        stored[position as usize] = 0.0;
    }
    let words = top_magnitudes(&stored, k).expect("finite gradients");
    let best = grow();
    assert_eq!(best.len(), k);
    let is_chosen = |position: u64| words[(position / 64) as usize] >> (position % 64) & 1 == 1;
    assert!(best.iter().all(|candidate| is_chosen(candidate.position)));

    let (mut output, mut input_gradient) =
        (Batch::zeros(SAMPLES, SIDE), Batch::zeros(SAMPLES, SIDE));
    let mut rounds: [Vec<f64>; 4] = Default::default();
    let mut products_ms = Vec::new();
    for _ in 0..ROUNDS {
        let product = milliseconds(|| _ = black_box(gradient(&mut stored)));
        let mut found = Vec::new();
        let growth = milliseconds(|| found = grow());
        let mut rewired = None;
        let rewiring = milliseconds(|| {
            let dropped = lowest_magnitudes(&values, k).expect("finite weights");
            let dropped = topology.positions_at(&dropped);
            let grown = found.iter().map(|candidate| candidate.position).collect();
            let rewiring = Rewiring::new(dropped, grown).expect("disjoint positions");
            let (next, gather) = topology.apply(&rewiring).expect("it fits");
            // Values and momentum.
            let columns = [0, 1].map(|_| gather.gather(&values, 0.0));
            rewired = Some((next, columns));
        });
        let (next, [values, _]) = rewired.expect("it was rewired");
        let view = WeightView::Active {
            topology: &next,
            values: &values,
        };
        let mut both = || {
            milliseconds(|| {
                products.forward(geometry, view, &input, &mut output);
                products.input_gradient(geometry, view, &output_gradient, &mut input_gradient);
            })
        };
        let layout = both() - both();
        let parts = [growth, rewiring, layout, growth + rewiring + layout];
        for (rounds, part) in rounds.iter_mut().zip(parts) {
            rounds.push(part / product);
        }
        products_ms.push(product);
    }
    let median = |mut of: Vec<f64>| {
        of.sort_by(f64::total_cmp);
        of[ROUNDS / 2]
    };
    println!(
        "one thread, {SIDE}×{SIDE}, density 0.1, {k} weights moved; in units of the dense weight \
         gradient of {SAMPLES} samples ({:.1} ms)",
        median(products_ms)
    );
    let names = ["candidates", "rewiring", "layout", "update"];
    for (name, rounds) in names.into_iter().zip(rounds) {
        println!("{name:<12} {:.2}", median(rounds));
    }
}

fn milliseconds(act: impl FnOnce()) -> f64 {
    let start = Instant::now();
    act();
    start.elapsed().as_secs_f64() * 1e3
}
