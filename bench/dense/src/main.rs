//! The three dense products of a linear layer by `rewire-sparse`, by faer and by ndarray, whose products are
//! those of matrixmultiply, on one thread. PyTorch's stand in the record of `cargo xtask bench --peers`.
//!
//! Answers are compared before anything is timed. In each round every library runs once, so that a change
//! of the machine's speed meets all; a CSV of medians goes to the standard output.

#![forbid(unsafe_code)]

use std::time::Instant;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2};
use rayon::ThreadPoolBuilder;
use rewire_sparse::mask::{MatrixShape, WeightView};
use rewire_sparse::{Batch, Crossover, Fast, Geometry, GradientPair, Kernel, Products};

/// Samples, outputs and inputs.
const SHAPES: [[usize; 3]; 5] = [
    [128, 1024, 1024],
    [128, 3072, 3072],
    [128, 4096, 3072],
    [256, 768, 3072],
    [64, 4096, 4096],
];

const PRODUCTS: [&str; 3] = ["forward", "input_gradient", "weight_gradient"];
const LIBRARIES: [&str; 3] = ["rewire-sparse", "faer", "ndarray"];

const WARM: usize = 2;
const ROUNDS: usize = 21;

fn main() {
    let pool = ThreadPoolBuilder::new().num_threads(1).build();
    pool.expect("a pool of one thread").install(measure);
}

fn measure() {
    println!("samples,outputs,inputs,product,library,seconds,giga_flops,times_rewire_sparse");
    for [samples, outputs, inputs] in SHAPES {
        let mut layer = Layer::new(samples, outputs, inputs);
        layer.check();
        for (index, product) in PRODUCTS.into_iter().enumerate() {
            let mut rounds: Vec<[f64; 3]> = Vec::new();
            for _ in 0..WARM + ROUNDS {
                rounds.push([
                    seconds(|| layer.own(index)),
                    seconds(|| layer.faer(index)),
                    seconds(|| layer.ndarray(index)),
                ]);
            }
            let counted = &rounds[WARM..];
            for (library, name) in LIBRARIES.into_iter().enumerate() {
                let taken = median(counted.iter().map(|round| round[library]));
                let ratio = median(counted.iter().map(|round| round[library] / round[0]));
                let speed = 2e-9 * (samples * outputs * inputs) as f64 / taken;
                println!(
                    "{samples},{outputs},{inputs},{product},{name},{taken:.6},{speed:.1},{ratio:.2}"
                );
            }
        }
    }
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A layer, its operands as each library has them by nature: samples in rows, or in panels.
struct Layer {
    fast: Fast,
    geometry: Geometry,
    w: Array2<f32>,
    x: Array2<f32>,
    dy: Array2<f32>,
    x_panels: Batch,
    dy_panels: Batch,
    y_panels: Batch,
    dx_panels: Batch,
    own_dw: Vec<f32>,
    /// Y, dX and dW of faer, then of ndarray.
    results: [[Array2<f32>; 3]; 2],
}

impl Layer {
    fn new(samples: usize, outputs: usize, inputs: usize) -> Self {
        let mut state = 1u64;
        let mut drawn = |rows: usize, cols: usize| {
            Array2::from_shape_simple_fn((rows, cols), || {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 40) as f32 * 2f32.powi(-23) - 1.0
            })
        };
        let (w, x, dy) = (
            drawn(outputs, inputs),
            drawn(samples, inputs),
            drawn(samples, outputs),
        );
        let panels = |matrix: &Array2<f32>| {
            let mut batch = Batch::zeros(samples, matrix.ncols());
            batch.fill_rows(matrix.as_slice().expect("rows without gaps"));
            batch
        };
        let results = || {
            [
                Array2::zeros(dy.dim()),
                Array2::zeros(x.dim()),
                Array2::zeros(w.dim()),
            ]
        };
        Self {
            fast: Fast::new(Crossover::always(Kernel::Dense)),
            geometry: Geometry::linear(MatrixShape::new(outputs, inputs)),
            x_panels: panels(&x),
            dy_panels: panels(&dy),
            y_panels: Batch::zeros(samples, outputs),
            dx_panels: Batch::zeros(samples, inputs),
            own_dw: vec![0.0; w.len()],
            results: [results(), results()],
            w,
            x,
            dy,
        }
    }

    fn own(&mut self, product: usize) {
        let weights = WeightView::Dense {
            shape: MatrixShape::new(self.w.nrows(), self.w.ncols()),
            values: self.w.as_slice().expect("rows without gaps"),
        };
        match product {
            0 => self
                .fast
                .forward(self.geometry, weights, &self.x_panels, &mut self.y_panels),
            1 => self.fast.input_gradient(
                self.geometry,
                weights,
                &self.dy_panels,
                &mut self.dx_panels,
            ),
            _ => {
                let pair = GradientPair {
                    output_gradient: &self.dy_panels,
                    input: &self.x_panels,
                };
                self.fast
                    .weight_gradient(self.geometry, weights, pair, &mut self.own_dw)
            }
        };
    }

    /// The factors of a product.
    fn factors(&self, product: usize) -> [ArrayView2<'_, f32>; 2] {
        match product {
            0 => [self.x.view(), self.w.t()],
            1 => [self.dy.view(), self.w.view()],
            _ => [self.dy.t(), self.x.view()],
        }
    }

    fn faer(&mut self, product: usize) {
        let mut result = std::mem::take(&mut self.results[0][product]);
        let [a, b] = self.factors(product).map(of_faer);
        let (rows, cols) = result.dim();
        let entries = result.as_slice_mut().expect("rows without gaps");
        let to = MatMut::from_row_major_slice_mut(entries, rows, cols);
        matmul(to, Accum::Replace, a, b, 1.0, Par::Seq);
        self.results[0][product] = result;
    }

    fn ndarray(&mut self, product: usize) {
        let mut result = std::mem::take(&mut self.results[1][product]);
        let [a, b] = self.factors(product);
        general_mat_mul(1.0, &a, &b, 0.0, &mut result);
        self.results[1][product] = result;
    }

    /// Compares the three. Sums of k products of numbers below 1 lie within k · ε · k of the exact sum.
    fn check(&mut self) {
        for product in 0..3 {
            self.own(product);
            self.faer(product);
            self.ndarray(product);
        }
        let (samples, outputs) = self.dy.dim();
        let inputs = self.w.ncols();
        let own = [
            self.y_panels.to_rows().into_raw_vec_and_offset().0,
            self.dx_panels.to_rows().into_raw_vec_and_offset().0,
            self.own_dw.clone(),
        ];
        for (product, terms) in [inputs, outputs, samples].into_iter().enumerate() {
            let bound = 2.0 * f32::EPSILON * (terms * terms) as f32;
            for library in 0..2 {
                let other = self.results[library][product].iter();
                let worst = own[product].iter().zip(other).map(|(a, b)| (a - b).abs());
                let worst = worst.fold(0.0, f32::max);
                assert!(
                    worst <= bound,
                    "{} of {} differs by {worst}",
                    PRODUCTS[product],
                    LIBRARIES[library + 1]
                );
            }
        }
    }
}

fn of_faer(matrix: ArrayView2<'_, f32>) -> MatRef<'_, f32> {
    let (rows, cols) = matrix.dim();
    if let Some(entries) = matrix.to_slice() {
        return MatRef::from_row_major_slice(entries, rows, cols);
    }
    let entries = matrix
        .reversed_axes()
        .to_slice()
        .expect("columns without gaps");
    MatRef::from_column_major_slice(entries, rows, cols)
}
