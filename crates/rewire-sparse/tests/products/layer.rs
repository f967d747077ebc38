//! Layers to multiply: shapes around every edge, all storages of the same active weights.

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rewire_sparse::mask::{Mask, MatrixShape, Topology, WeightView};
use rewire_sparse::{Batch, Crossover, Fast, Geometry, GradientPair, Kernel, Plain, Products};

/// Which weights of a layer are active.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fill {
    /// None.
    Nothing,
    /// Each with this probability.
    Density(f64),
    /// Half of them, but nothing in every third row and every fourth column.
    Gaps,
    /// Each with this probability, the same in every four rows.
    Quads(f64),
    /// All.
    Everything,
}

/// Out, in, samples and active weights: panels of 64 samples, tiles of 32 rows, runs of 32, 4 and
/// 1 samples and 16 lanes all have their edges here.
pub(crate) const CASES: [(usize, usize, usize, Fill); 30] = [
    (1, 1, 1, Fill::Everything),
    (1, 1, 1, Fill::Nothing),
    (1, 7, 3, Fill::Density(0.5)),
    (9, 1, 5, Fill::Density(0.5)),
    (5, 6, 4, Fill::Gaps),
    (8, 16, 15, Fill::Density(0.3)),
    (8, 16, 16, Fill::Density(0.3)),
    (8, 16, 17, Fill::Density(0.3)),
    (31, 12, 31, Fill::Gaps),
    (32, 12, 32, Fill::Density(0.25)),
    (33, 12, 33, Fill::Density(0.25)),
    (31, 33, 63, Fill::Density(0.1)),
    (32, 32, 64, Fill::Density(0.1)),
    (33, 31, 65, Fill::Density(0.1)),
    (7, 50, 100, Fill::Gaps),
    (50, 7, 130, Fill::Density(0.2)),
    (63, 20, 128, Fill::Everything),
    (64, 20, 127, Fill::Density(0.5)),
    (65, 20, 129, Fill::Density(0.5)),
    (40, 30, 64, Fill::Nothing),
    (40, 30, 65, Fill::Everything),
    (97, 3, 1, Fill::Density(0.4)),
    (3, 97, 1, Fill::Density(0.4)),
    (1, 200, 65, Fill::Density(0.05)),
    (200, 1, 65, Fill::Density(0.05)),
    (100, 80, 2, Fill::Density(0.02)),
    (0, 5, 70, Fill::Nothing),
    (5, 0, 70, Fill::Nothing),
    (5, 6, 0, Fill::Everything),
    (0, 0, 3, Fill::Nothing),
];

/// Quads of rows, and cases at the edges of tiles: chunks of 512 rows, blocks of 128 columns or rows.
pub(crate) const LARGE_CASES: [(usize, usize, usize, Fill); 14] = [
    (4, 9, 1, Fill::Quads(0.5)),
    (8, 33, 16, Fill::Quads(0.3)),
    (8, 50, 17, Fill::Quads(0.9)),
    (12, 40, 63, Fill::Quads(0.1)),
    (64, 20, 64, Fill::Quads(0.5)),
    (64, 70, 129, Fill::Quads(0.4)),
    (516, 520, 70, Fill::Quads(0.02)),
    (520, 516, 2, Fill::Quads(0.05)),
    (512, 128, 64, Fill::Density(0.1)),
    (513, 129, 65, Fill::Density(0.1)),
    (511, 127, 128, Fill::Gaps),
    (130, 600, 65, Fill::Density(0.05)),
    (1030, 40, 70, Fill::Density(0.02)),
    (40, 1030, 5, Fill::Everything),
];

/// Every implementation of the products that this machine can run, with its name.
pub(crate) fn implementations() -> Vec<(&'static str, Box<dyn Products>)> {
    let mut all: Vec<(&'static str, Box<dyn Products>)> = vec![("plain", Box::new(Plain))];
    for tiled in Fast::all(&Crossover::always(Kernel::Tiled)) {
        all.push((tiled.instructions(), Box::new(tiled)));
    }
    let dense = Fast::new(Crossover::always(Kernel::Dense));
    all.push(("dense", Box::new(dense)));
    all
}

/// One layer with an input and an output gradient.
pub(crate) struct Layer {
    pub(crate) active: Mask,
    pub(crate) topology: Topology,
    /// The active weights and about half of the others.
    pub(crate) gradient_set: Mask,
    /// Every weight, active or not.
    pub(crate) weights: Array2<f32>,
    active_values: Vec<f32>,
    /// The active weights at their places, NaN elsewhere: what must not reach a product.
    latent_values: Vec<f32>,
    pub(crate) x: Array2<f32>,
    pub(crate) dy: Array2<f32>,
}

impl Layer {
    pub(crate) fn new((rows, cols, samples, fill): (usize, usize, usize, Fill), seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let shape = MatrixShape::new(rows, cols);
        let shared: Vec<u32> = (0..rows.div_ceil(4) * cols)
            .map(|_| rng.next_u32())
            .collect();
        let active = Mask::from_fn(shape, |row, col| match fill {
            Fill::Quads(density) => {
                f64::from(shared[row / 4 * cols + col]) < density * 4_294_967_296.0
            }
            Fill::Nothing => false,
            Fill::Everything => true,
            Fill::Density(density) => f64::from(rng.next_u32()) < density * 4_294_967_296.0,
            Fill::Gaps => row % 3 != 0 && col % 4 != 0 && rng.next_u32() % 2 == 0,
        });
        let gradient_set = Mask::from_fn(shape, |row, col| {
            active.get(row, col) || rng.next_u32() % 2 == 0
        });
        let weights = numbers(rows, cols, &mut rng);
        let flat = |position: u64| shape.row_col(position);
        let active_values = active.positions().map(|p| weights[flat(p)]).collect();
        let latent_values = (0..shape.len())
            .map(|p| {
                if active.contains(p) {
                    weights[flat(p)]
                } else {
                    f32::NAN
                }
            })
            .collect();
        Self {
            topology: Topology::from_mask(&active),
            gradient_set,
            active_values,
            latent_values,
            x: numbers(samples, cols, &mut rng),
            dy: numbers(samples, rows, &mut rng),
            weights,
            active,
        }
    }

    pub(crate) fn geometry(&self) -> Geometry {
        Geometry::linear(self.active.shape())
    }

    /// The weights with zeros in place of the inactive ones.
    pub(crate) fn with_zeros(&self) -> Array2<f32> {
        let keep = |at: (usize, usize), &w: &f32| if self.active.get(at.0, at.1) { w } else { 0.0 };
        Array2::from_shape_fn(self.weights.dim(), |at| keep(at, &self.weights[at]))
    }

    pub(crate) fn dense(&self) -> WeightView<'_> {
        WeightView::Dense {
            shape: self.active.shape(),
            values: self.weights.as_slice().expect("the weights are row-major"),
        }
    }

    pub(crate) fn active(&self) -> WeightView<'_> {
        WeightView::Active {
            topology: &self.topology,
            values: &self.active_values,
        }
    }

    pub(crate) fn latent(&self) -> WeightView<'_> {
        WeightView::Latent {
            values: &self.latent_values,
            forward: &self.active,
            gradient: None,
        }
    }

    pub(crate) fn latent_within_set(&self) -> WeightView<'_> {
        WeightView::Latent {
            values: &self.latent_values,
            forward: &self.active,
            gradient: Some(&self.gradient_set),
        }
    }

    /// Every storage by name, with the matrix its products have to be those of.
    pub(crate) fn storages(&self) -> [(&'static str, WeightView<'_>, Array2<f32>); 4] {
        [
            ("dense", self.dense(), self.weights.clone()),
            ("active", self.active(), self.with_zeros()),
            ("latent", self.latent(), self.with_zeros()),
            (
                "latent within a set",
                self.latent_within_set(),
                self.with_zeros(),
            ),
        ]
    }
}

/// Uniform numbers in [−1, 1), all multiples of 2⁻²³.
pub(crate) fn numbers(rows: usize, cols: usize, rng: &mut ChaCha8Rng) -> Array2<f32> {
    Array2::from_shape_fn((rows, cols), |_| {
        (rng.next_u32() >> 8) as f32 * 2.0f32.powi(-23) - 1.0
    })
}

/// A batch full of NaN: what is not overwritten shows.
pub(crate) fn stale(samples: usize, features: usize) -> Batch {
    let mut batch = Batch::zeros(samples, features);
    batch.values_mut().fill(f32::NAN);
    batch
}

/// Batches for one gradient pair, from rows.
pub(crate) struct Pair {
    output_gradient: Batch,
    input: Batch,
}

impl Pair {
    pub(crate) fn new(dy: &Array2<f32>, x: &Array2<f32>) -> Self {
        Self {
            output_gradient: Batch::from_rows(dy.view()),
            input: Batch::from_rows(x.view()),
        }
    }

    pub(crate) fn as_pair(&self) -> GradientPair<'_> {
        GradientPair {
            output_gradient: &self.output_gradient,
            input: &self.input,
        }
    }
}
