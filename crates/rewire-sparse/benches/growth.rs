//! Growth candidates beside the dense weight gradient that they are chosen from.
//!
//! The choice is checked against one from the stored gradient before anything is timed. In each
//! round both run once, so that a change of the machine's speed meets both; the median of the
//! ratios is printed, on one thread.

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;
use std::time::Instant;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rayon::ThreadPoolBuilder;
use rewire_sparse::mask::{
    Candidates, GrowthRequest, LayerRequest, MatrixShape, Topology, WeightView, top_magnitudes,
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
    let values = vec![1.0; topology.n_active()];
    let weights = WeightView::Active {
        topology: &topology,
        values: &values,
    };
    let k = topology.n_active() * 3 / 10;
    let request = LayerRequest {
        growth: GrowthRequest::TopK { k },
        readmitted: topology.positions().step_by(3).collect(),
    };
    let products = Fast::default();
    let grow = || products.growth(geometry, weights, &[pair], &request);

    let mut stored = vec![0.0; SIDE * SIDE];
    let dense = WeightView::Dense {
        shape,
        values: &stored.clone(),
    };
    let gradient = |out: &mut [f32]| products.weight_gradient(geometry, dense, pair, out);
    gradient(&mut stored);
    for (index, position) in topology.positions().enumerate() {
        if index % 3 != 0 {
            stored[position as usize] = 0.0;
        }
    }
    let words = top_magnitudes(&stored, k).expect("finite gradients");
    let Ok((Candidates::Best(best), _)) = grow() else {
        panic!("no candidates");
    };
    assert_eq!(best.len(), k);
    let is_chosen = |position: u64| words[(position / 64) as usize] >> (position % 64) & 1 == 1;
    assert!(best.iter().all(|candidate| is_chosen(candidate.position)));

    let mut rounds: Vec<(f64, f64)> = (0..ROUNDS)
        .map(|_| {
            let product = milliseconds(|| _ = black_box(gradient(&mut stored)));
            (milliseconds(|| _ = black_box(grow())) / product, product)
        })
        .collect();
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, product) = rounds[ROUNDS / 2];
    println!(
        "best {k} of {SIDE}×{SIDE}: {ratio:.2} × the dense weight gradient of {product:.1} ms"
    );
}

fn milliseconds(act: impl FnOnce()) -> f64 {
    let start = Instant::now();
    act();
    start.elapsed().as_secs_f64() * 1e3
}
