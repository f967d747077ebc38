//! The products of active weights against the dense products of the same shape.
//!
//! Answers are checked against the plain products before anything is timed. In each round every
//! product runs once, beside the dense one that it is compared with, so that a change of the
//! machine's speed meets both; medians of the rounds are printed, for one thread and for two.

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::time::Instant;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rayon::ThreadPoolBuilder;
use rewire_sparse::mask::{
    Density, Edges, Lines, Mask, MatrixShape, Nm, Pattern, Topology, WeightView,
};
use rewire_sparse::{Batch, Crossover, Fast, Geometry, GradientPair, Kernel, Plain, Products};

/// Samples, outputs and inputs.
const SHAPES: [[usize; 3]; 3] = [[128, 1024, 1024], [128, 3072, 3072], [256, 768, 3072]];

/// Where the active weights are.
#[derive(Clone, Copy, Debug)]
enum Positions {
    /// Anywhere.
    Random,
    /// Anywhere, but the same in every four rows.
    Quads,
    /// Two of every four along a row.
    TwoOfFour,
    /// Anywhere, behind a mask of dense weights, whose gradient is dense.
    Latent,
}

const CASES: [(Positions, f64); 13] = [
    (Positions::Random, 0.5),
    (Positions::Random, 0.25),
    (Positions::Random, 0.1),
    (Positions::Random, 0.05),
    (Positions::Random, 0.02),
    (Positions::Random, 0.01),
    (Positions::Quads, 0.25),
    (Positions::Quads, 0.1),
    (Positions::Quads, 0.05),
    (Positions::TwoOfFour, 0.5),
    (Positions::Latent, 0.25),
    (Positions::Latent, 0.1),
    (Positions::Latent, 0.05),
];

const ROUNDS: usize = 11;

fn main() {
    println!("times the speed of the dense product, and billions of operations per second");
    for threads in [1, 2] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.expect("a pool of a few threads");
        println!(
            "\n{threads} thread(s){:20} {:>14} {:>16} {:>17} {:>9}",
            "", "forward", "input gradient", "weight gradient", "step"
        );
        for [samples, outputs, inputs] in SHAPES {
            for (positions, density) in CASES {
                let shape = MatrixShape::new(outputs, inputs);
                let layer = Layer::new(samples, shape, positions, density);
                let measured = pool.install(|| layer.measure());
                let name = format!("{samples}×{outputs}×{inputs} {positions:?} {density}");
                println!("{name:32} {measured}");
            }
        }
    }
}

/// A layer with everything its products need.
struct Layer {
    geometry: Geometry,
    topology: Topology,
    values: Vec<f32>,
    dense: Vec<f32>,
    /// The positions, if the weights are latent.
    mask: Option<Mask>,
    x: Batch,
    dy: Batch,
}

impl Layer {
    fn new(samples: usize, shape: MatrixShape, positions: Positions, density: f64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let density = Density::new(density).expect("a share");
        let pattern = match positions {
            Positions::Random | Positions::Latent => Pattern::Unstructured { density },
            Positions::Quads => Pattern::row_groups(4, density, Edges::Reject),
            Positions::TwoOfFour => Pattern::Nm {
                nm: Nm { keep: 2, of: 4 },
                along: Lines::Inputs,
                edges: Edges::Reject,
            },
        };
        let mask = pattern.random(shape, &mut rng).expect("sizes that fit");
        let topology = Topology::from_mask(&mask);
        let mut numbers = |n: usize| -> Vec<f32> {
            let number = |bits: u32| (bits >> 8) as f32 * 2f32.powi(-23) - 1.0;
            (0..n).map(|_| number(rng.next_u32())).collect()
        };
        let mut batch = |features: usize| {
            let mut batch = Batch::zeros(samples, features);
            batch.fill_rows(&numbers(samples * features));
            batch
        };
        let (x, dy) = (batch(shape.cols), batch(shape.rows));
        Self {
            geometry: Geometry::linear(shape),
            values: numbers(topology.n_active()),
            dense: numbers(shape.len() as usize),
            topology,
            mask: matches!(positions, Positions::Latent).then_some(mask),
            x,
            dy,
        }
    }

    fn weights(&self) -> WeightView<'_> {
        match &self.mask {
            None => WeightView::Active {
                topology: &self.topology,
                values: &self.values,
            },
            Some(forward) => WeightView::Latent {
                values: &self.dense,
                forward,
                gradient: None,
            },
        }
    }

    /// As many terms as the longest sum has: samples, or the entries of a row or a column.
    fn terms(&self) -> usize {
        let shape = self.topology.shape();
        let mut columns = vec![0; shape.cols];
        for &column in self.topology.columns() {
            columns[column as usize] += 1;
        }
        let rows = (0..shape.rows).map(|row| self.topology.row(row).len());
        let longest = rows.chain(columns).max().unwrap_or(0);
        longest.max(self.x.samples())
    }

    /// All three products, into `out`.
    fn run(&self, products: &dyn Products, weights: WeightView<'_>, out: &mut Outputs) -> [f64; 3] {
        let Outputs { y, dx, dw } = out;
        let pair = GradientPair {
            output_gradient: &self.dy,
            input: &self.x,
        };
        [
            seconds(|| products.forward(self.geometry, weights, &self.x, y)),
            seconds(|| products.input_gradient(self.geometry, weights, &self.dy, dx)),
            seconds(|| products.weight_gradient(self.geometry, weights, pair, dw)),
        ]
    }

    fn outputs(&self, weights: WeightView<'_>) -> Outputs {
        Outputs {
            y: Batch::zeros(self.x.samples(), self.geometry.outputs()),
            dx: Batch::zeros(self.x.samples(), self.geometry.inputs()),
            dw: vec![0.0; weights.values().len()],
        }
    }

    fn measure(&self) -> String {
        let tiled = Fast::new(Crossover::always(Kernel::Tiled));
        let weights = self.weights();
        let dense = WeightView::Dense {
            shape: self.topology.shape(),
            values: &self.dense,
        };
        let (mut found, mut expected) = (self.outputs(weights), self.outputs(weights));
        self.run(&tiled, weights, &mut found);
        self.run(&Plain, weights, &mut expected);
        found.check(&expected, self.terms());

        let mut dense_outputs = self.outputs(dense);
        let mut times = [(); 3].map(|()| (Vec::new(), Vec::new()));
        let mut steps = Vec::new();
        for _ in 0..ROUNDS {
            let own = self.run(&tiled, weights, &mut found);
            let theirs = self.run(&tiled, dense, &mut dense_outputs);
            for (times, (own, theirs)) in times.iter_mut().zip(own.into_iter().zip(theirs)) {
                times.0.push(own);
                times.1.push(theirs / own);
            }
            steps.push(theirs.iter().sum::<f64>() / own.iter().sum::<f64>());
        }
        let operations = 2.0 * self.x.samples() as f64 * self.topology.n_active() as f64;
        let [y, dx, dw] = times.map(|(seconds, ratios)| {
            let speed = operations / median(seconds) / 1e9;
            format!("{:>6.1} × {speed:>5.1}", median(ratios))
        });
        format!("{y:>14} {dx:>16} {dw:>17} {:>7.1} ×", median(steps))
    }
}

struct Outputs {
    y: Batch,
    dx: Batch,
    dw: Vec<f32>,
}

impl Outputs {
    /// Both are sums of at most `k` products of numbers below 1: each lies within k · ε · k of the
    /// exact sum.
    fn check(&self, other: &Self, k: usize) {
        let bound = 2.0 * f32::EPSILON * (k * k) as f32;
        let pairs = [
            (self.y.values(), other.y.values()),
            (self.dx.values(), other.dx.values()),
            (&self.dw, &other.dw),
        ];
        for (own, other) in pairs {
            let worst = own.iter().zip(other).map(|(a, b)| (a - b).abs());
            let worst = worst.fold(0.0, f32::max);
            assert!(worst <= bound, "products differ by {worst}, not {bound}");
        }
    }
}

fn seconds(work: impl FnOnce() -> u64) -> f64 {
    let start = Instant::now();
    std::hint::black_box(work());
    start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
