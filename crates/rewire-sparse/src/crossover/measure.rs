//! Where the kernels meet on this machine.
//!
//! For each size the density is halved towards the one at which both kernels take the same time.
//! They run alternately, so that a change of the machine's speed meets both, and the median of
//! the quotients decides.

use std::time::{Duration, Instant};

use rewire_mask::{Mask, MatrixShape, Topology, WeightView};

use super::{Crossover, CrossoverRow, Kernel, Product};
use crate::{Batch, Fast, Geometry, GradientPair, Products};

/// Halvings of the interval of densities: the last is 1/64 wide.
const HALVINGS: u32 = 6;

/// Rounds at a density, which are repeated until they took this long together.
const LEAST_ROUNDS: usize = 3;
const TIME: Duration = Duration::from_millis(60);

impl CrossoverRow {
    /// Measures where the kernels meet for a square layer of `side` inputs on the current threads.
    ///
    /// # Cost
    /// A fraction of a second for small sizes, some dozens of dense products for large ones.
    ///
    /// # Panics
    /// If the side or the number of samples is 0.
    pub fn measure(side: usize, samples: usize) -> Self {
        assert!(
            side > 0 && samples > 0,
            "a layer of {side} inputs, {samples} samples"
        );
        let bench = Bench::new(side, samples);
        Self {
            weights: bench.shape.len(),
            samples: samples as u64,
            densities: Product::ALL.map(|product| bench.crossover(product)),
        }
    }
}

/// One layer, and both kernels.
struct Bench {
    shape: MatrixShape,
    tiled: Fast,
    dense: Fast,
    input: Batch,
    output_gradient: Batch,
}

impl Bench {
    fn new(side: usize, samples: usize) -> Self {
        let batch = |seed: u64| {
            let mut batch = Batch::zeros(samples, side);
            for (index, value) in (0..).zip(batch.values_mut()) {
                *value = number(seed ^ index);
            }
            batch
        };
        Self {
            shape: MatrixShape::new(side, side),
            tiled: Fast::new(Crossover::always(Kernel::Tiled)),
            dense: Fast::new(Crossover::always(Kernel::Dense)),
            input: batch(1 << 60),
            output_gradient: batch(1 << 61),
        }
    }

    /// The density at which a product takes the same time with both kernels; 1 if it never does.
    fn crossover(&self, product: Product) -> f64 {
        if self.quotient(product, 1.0) <= 1.0 {
            return 1.0;
        }
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let density = (low + high) / 2.0;
            if self.quotient(product, density) <= 1.0 {
                low = density;
            } else {
                high = density;
            }
        }
        (low + high) / 2.0
    }

    /// The time that walking the entries takes in units of the dense product's.
    fn quotient(&self, product: Product, density: f64) -> f64 {
        let mask = Mask::from_fn(self.shape, |row, column| {
            f64::from(number(self.shape.position(row, column)).abs()) < density
        });
        let topology = Topology::from_mask(&mask);
        let values: Vec<f32> = (0..topology.n_active() as u64).map(number).collect();
        let weights = WeightView::Active {
            topology: &topology,
            values: &values,
        };
        let geometry = Geometry::linear(self.shape);
        let pair = GradientPair {
            output_gradient: &self.output_gradient,
            input: &self.input,
        };
        let mut result = Batch::zeros(self.input.samples(), self.shape.cols);
        let mut gradient = vec![0.0; values.len()];
        let mut seconds = |products: &Fast| {
            let start = Instant::now();
            match product {
                Product::Forward => {
                    products.forward(geometry, weights, &self.input, &mut result);
                }
                Product::InputGradient => {
                    let dy = &self.output_gradient;
                    products.input_gradient(geometry, weights, dy, &mut result);
                }
                Product::WeightGradient => {
                    products.weight_gradient(geometry, weights, pair, &mut gradient);
                }
            }
            start.elapsed().as_secs_f64()
        };
        // The first of each lists entries and fills caches.
        seconds(&self.tiled);
        seconds(&self.dense);
        let (start, mut quotients) = (Instant::now(), Vec::new());
        while quotients.len() < LEAST_ROUNDS || start.elapsed() < TIME {
            quotients.push(seconds(&self.tiled) / seconds(&self.dense));
        }
        quotients.sort_by(f64::total_cmp);
        quotients[quotients.len() / 2]
    }
}

/// A number in (−1, 1) that looks random (the finaliser of SplitMix64).
fn number(index: u64) -> f32 {
    let mut bits = index.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    ((bits >> 40) as f32 + 0.5) / (1 << 23) as f32 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measured_row_is_one_of_a_table() {
        let row = CrossoverRow::measure(9, 3);
        assert_eq!((row.weights, row.samples), (81, 3));
        Crossover::new(vec![row]).unwrap();
    }

    #[test]
    fn numbers_lie_between_the_ones_and_look_uniform() {
        let n = 100_000;
        let below = |limit: f32| (0..n).filter(|&index| number(index) < limit).count() as f64;
        assert!((0..n).all(|index| number(index).abs() < 1.0));
        // Five standard deviations of a count of n/4, n/2 or 3n/4.
        for (limit, share) in [(-0.5, 0.25), (0.0, 0.5), (0.5, 0.75)] {
            let sd = (n as f64 * share * (1.0 - share)).sqrt();
            assert!(
                (below(limit) - n as f64 * share).abs() < 5.0 * sd,
                "{limit}"
            );
        }
    }
}
