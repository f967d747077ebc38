//! The fast products.
//!
//! Dense weights go through a library's matrix product. Active ones are multiplied entry by entry
//! or by the library, whichever a table of crossovers says is faster. Latent ones are compressed to
//! the active ones of their forward set, whose positions are listed once per mask.

mod masks;

use std::cell::RefCell;

use rewire_mask::{Candidates, Isa, LayerRequest, Mask, MaskError, Topology, WeightView};

use crate::plain::{check, flops};
use crate::tiled::Tiled;
use crate::{Batch, Crossover, Geometry, GradientPair, Kernel, Product, Products, dense, growth};
use masks::Masks;

/// The fast implementation of [`Products`].
///
/// # Determinism
/// The same bits at any number of threads; results depend on the processor's vector instructions
/// and on the table of crossovers.
///
/// # Cost
/// O(batch · n_active) for active weights below the crossover, O(batch · out · in) above it and for
/// dense weights, O(batch · positions) for growth at few positions. A layout holds 8 bytes per active weight and about 12 per dozen of them, and is
/// made in O(n_active) when a topology is first multiplied; a thread keeps a tile, at most 4 MB or
/// 128 rows of a layer. For latent weights their mask and positions are kept, and found by
/// comparing masks, which reads a bit per weight.
#[derive(Debug)]
pub struct Fast {
    tiled: Tiled,
    masks: Masks,
    crossover: Crossover,
}

impl Default for Fast {
    fn default() -> Self {
        Self::new(Crossover::default())
    }
}

thread_local! {
    /// The values of a forward set, or the gradient of a gradient set.
    static COMPRESSED: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl Fast {
    /// What is kept of every active weight beside its topology, in bytes.
    pub const BYTES_PER_ACTIVE: usize = Tiled::BYTES_PER_ACTIVE;

    /// The products for this processor.
    pub fn new(crossover: Crossover) -> Self {
        Self::with(Isa::best(), crossover)
    }

    /// The products for every set of instructions that this processor has, the fastest first: for
    /// tests and comparisons.
    pub fn all(crossover: &Crossover) -> Vec<Self> {
        let with = |isa| Self::with(isa, crossover.clone());
        Isa::all().into_iter().map(with).collect()
    }

    fn with(isa: Isa, crossover: Crossover) -> Self {
        Self {
            tiled: Tiled::new(isa),
            masks: Masks::default(),
            crossover,
        }
    }

    /// The instructions that the kernels of active weights use: `avx512`, `avx2` or `portable`.
    pub const fn instructions(&self) -> &'static str {
        self.tiled.isa().name()
    }

    /// What computes a product of active weights for so many samples.
    pub fn kernel(&self, product: Product, topology: &Topology, samples: usize) -> Kernel {
        // A layout cannot name more entries.
        if topology.n_active() > Tiled::MOST {
            return Kernel::Dense;
        }
        let weights = topology.shape().len();
        self.crossover
            .kernel(product, weights, topology.density(), samples)
    }

    /// Runs `work` with the topology and the values of a latent layer's forward set.
    fn with_compressed(
        &self,
        values: &[f32],
        forward: &Mask,
        work: impl FnOnce(&Topology, &[f32]) -> u64,
    ) -> u64 {
        let topology = self.masks.topology(forward);
        with_values(topology.n_active(), |compressed| {
            for (row, values) in values
                .chunks_exact(topology.shape().cols.max(1))
                .enumerate()
            {
                let own = &mut compressed[topology.row_range(row)];
                for (own, &column) in own.iter_mut().zip(topology.row(row)) {
                    *own = values[column as usize];
                }
            }
            work(&topology, compressed)
        })
    }
}

/// Runs `work`, which counts its operations, with room for `len` values, whatever they are.
fn with_values(len: usize, work: impl FnOnce(&mut [f32]) -> u64) -> u64 {
    // Another layer of this thread may be at work further up if a pool steals: it keeps its own.
    let mut values = COMPRESSED.take();
    if values.len() < len {
        values.resize(len, 0.0);
    }
    let flops = work(&mut values[..len]);
    COMPRESSED.set(values);
    flops
}

impl Products for Fast {
    fn forward(
        &self,
        geometry: Geometry,
        weights: WeightView<'_>,
        input: &Batch,
        output: &mut Batch,
    ) -> u64 {
        check(geometry, weights, input, output);
        let all = flops(geometry.weights().len(), input);
        let product = |topology: &Topology, values: &[f32], output: &mut Batch| match self.kernel(
            Product::Forward,
            topology,
            input.samples(),
        ) {
            Kernel::Tiled => {
                self.tiled.forward(topology, values, input, output);
                flops(topology.n_active() as u64, input)
            }
            Kernel::Dense => {
                dense::forward(WeightView::Active { topology, values }, input, output);
                all
            }
        };
        match weights {
            WeightView::Dense { .. } => {
                dense::forward(weights, input, output);
                all
            }
            WeightView::Active { topology, values } => product(topology, values, output),
            WeightView::Latent {
                values, forward, ..
            } => self.with_compressed(values, forward, |topology, values| {
                product(topology, values, output)
            }),
        }
    }

    fn input_gradient(
        &self,
        geometry: Geometry,
        weights: WeightView<'_>,
        output_gradient: &Batch,
        input_gradient: &mut Batch,
    ) -> u64 {
        check(geometry, weights, input_gradient, output_gradient);
        let all = flops(geometry.weights().len(), output_gradient);
        let product = |topology: &Topology, values: &[f32], dx: &mut Batch| match self.kernel(
            Product::InputGradient,
            topology,
            dx.samples(),
        ) {
            Kernel::Tiled => {
                (self.tiled).input_gradient(topology, values, output_gradient, dx);
                flops(topology.n_active() as u64, output_gradient)
            }
            Kernel::Dense => {
                let weights = WeightView::Active { topology, values };
                dense::input_gradient(weights, output_gradient, dx);
                all
            }
        };
        match weights {
            WeightView::Dense { .. } => {
                dense::input_gradient(weights, output_gradient, input_gradient);
                all
            }
            WeightView::Active { topology, values } => product(topology, values, input_gradient),
            WeightView::Latent {
                values, forward, ..
            } => self.with_compressed(values, forward, |topology, values| {
                product(topology, values, input_gradient)
            }),
        }
    }

    fn weight_gradient(
        &self,
        geometry: Geometry,
        weights: WeightView<'_>,
        pair: GradientPair<'_>,
        gradient: &mut [f32],
    ) -> u64 {
        check(geometry, weights, pair.input, pair.output_gradient);
        assert_eq!(
            gradient.len(),
            weights.values().len(),
            "a gradient is as long as the stored values"
        );
        let all = flops(geometry.weights().len(), pair.input);
        let product = |topology: &Topology, gradient: &mut [f32]| match self.kernel(
            Product::WeightGradient,
            topology,
            pair.input.samples(),
        ) {
            Kernel::Tiled => {
                self.tiled.weight_gradient(topology, pair, gradient);
                flops(topology.n_active() as u64, pair.input)
            }
            Kernel::Dense => {
                dense::active_weight_gradient(topology, pair, gradient);
                all
            }
        };
        match weights {
            WeightView::Active { topology, .. } => product(topology, gradient),
            WeightView::Latent {
                gradient: Some(set),
                ..
            } => {
                let topology = self.masks.topology(set);
                with_values(topology.n_active(), |own| {
                    own.fill(0.0);
                    let flops = product(&topology, own);
                    let rows = gradient.chunks_exact_mut(topology.shape().cols.max(1));
                    for (row, gradient) in rows.enumerate() {
                        let own = &own[topology.row_range(row)];
                        for (sum, &column) in own.iter().zip(topology.row(row)) {
                            gradient[column as usize] += sum;
                        }
                    }
                    flops
                })
            }
            WeightView::Dense { .. } | WeightView::Latent { gradient: None, .. } => {
                dense::weight_gradient(pair, gradient);
                all
            }
        }
    }

    fn growth(
        &self,
        geometry: Geometry,
        weights: WeightView<'_>,
        pairs: &[GradientPair<'_>],
        request: &LayerRequest,
    ) -> Result<(Candidates, u64), MaskError> {
        for pair in pairs {
            check(geometry, weights, pair.input, pair.output_gradient);
        }
        let shape = weights.shape();
        if let Some(positions) = growth::few_positions(shape, request) {
            let add = |topology: &Topology, pair: GradientPair<'_>, gradient: &mut [f32]| {
                self.tiled.gradient_at(topology, pair, gradient);
            };
            return growth::gradient_at(shape, pairs, request, positions, add);
        }
        let rows = dense::tile_rows(geometry.inputs());
        growth::candidates(weights, pairs, request, rows, dense::add_gradient_tile)
    }
}
