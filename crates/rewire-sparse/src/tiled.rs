//! The fast products.
//!
//! Active weights are multiplied by kernels that walk a layout of their topology; it is made when a
//! topology is first seen and kept as long as the topology lives. Everything else goes to the plain
//! products.

mod cache;

use std::ops::Range;

use rewire_mask::{Candidates, Isa, LayerRequest, MaskError, Topology, WeightView};

use crate::plain::{Plain, check, flops};
use crate::pool::for_each_chunk;
use crate::simd::scattered::{self, Transposes, is_scattered};
use crate::simd::{Active, Layout, ROWS};
use crate::{Batch, Geometry, GradientPair, Products, growth};
use cache::Cache;

/// Below this many multiply-adds a product runs on the calling thread: waking a worker costs tens
/// of microseconds. A function of the shape alone, and either way gives the same bits.
const PARALLEL_FROM: u64 = 1 << 22;

/// The fast implementation of [`Products`].
///
/// # Determinism
/// The same bits at any number of threads; results depend on the processor's vector instructions.
///
/// # Cost
/// O(batch · n_active) for active weights, O(batch · positions) for growth at few positions. A
/// layout holds 8 bytes per active weight and about 12 per dozen of them, and is made in
/// O(n_active) when a topology is first multiplied.
#[derive(Debug)]
pub struct Tiled {
    isa: Isa,
    cache: Cache,
    transposes: Transposes,
}

impl Default for Tiled {
    fn default() -> Self {
        Self::new()
    }
}

impl Tiled {
    /// What is kept of every active weight beside its topology: its place in a tile by rows and in
    /// one by columns, 16 bits each, and the index of its value.
    pub const BYTES_PER_ACTIVE: usize = 2 + 2 + 4;

    /// The products for this processor.
    pub fn new() -> Self {
        Self::with(Isa::best())
    }

    /// The products for every set of instructions that this processor has, the fastest first: for
    /// tests and comparisons.
    pub fn all() -> Vec<Self> {
        Isa::all().into_iter().map(Self::with).collect()
    }

    fn with(isa: Isa) -> Self {
        Self {
            isa,
            cache: Cache::default(),
            transposes: Transposes::default(),
        }
    }

    /// The instructions that are used: `avx512`, `avx2` or `portable`.
    pub const fn instructions(&self) -> &'static str {
        self.isa.name()
    }
}

impl Products for Tiled {
    fn forward(
        &self,
        geometry: Geometry,
        weights: WeightView<'_>,
        input: &Batch,
        output: &mut Batch,
    ) -> u64 {
        let Some((topology, values)) = active(weights) else {
            return Plain.forward(geometry, weights, input, output);
        };
        check(geometry, weights, input, output);
        let flops = flops(weights.n_active(), input);
        let is_large = flops / 2 >= PARALLEL_FROM;
        if is_scattered(topology) {
            scattered::forward(self.isa, (topology, values), input, output, is_large);
            return flops;
        }
        let layout = self.cache.layout(topology);
        let weights = Active::new(self.isa, &layout, topology, values);
        for_each_chunk(output, ROWS, is_large, |chunk, rows| {
            weights.forward(chunk, input, rows);
        });
        flops
    }

    fn input_gradient(
        &self,
        geometry: Geometry,
        weights: WeightView<'_>,
        output_gradient: &Batch,
        input_gradient: &mut Batch,
    ) -> u64 {
        let Some((topology, values)) = active(weights) else {
            return Plain.input_gradient(geometry, weights, output_gradient, input_gradient);
        };
        check(geometry, weights, input_gradient, output_gradient);
        let flops = flops(weights.n_active(), output_gradient);
        let is_large = flops / 2 >= PARALLEL_FROM;
        if is_scattered(topology) {
            let (dy, dx) = (output_gradient, input_gradient);
            let transposes = &self.transposes;
            scattered::input_gradient(self.isa, transposes, (topology, values), dy, dx, is_large);
            return flops;
        }
        let layout = self.cache.layout(topology);
        let weights = Active::new(self.isa, &layout, topology, values);
        for_each_chunk(input_gradient, ROWS, is_large, |chunk, rows| {
            weights.input_gradient(chunk, output_gradient, rows);
        });
        flops
    }

    fn weight_gradient(
        &self,
        geometry: Geometry,
        weights: WeightView<'_>,
        pair: GradientPair<'_>,
        gradient: &mut [f32],
    ) -> u64 {
        let Some((topology, values)) = active(weights) else {
            return Plain.weight_gradient(geometry, weights, pair, gradient);
        };
        check(geometry, weights, pair.input, pair.output_gradient);
        assert_eq!(
            gradient.len(),
            weights.values().len(),
            "a gradient is as long as the stored values"
        );
        let flops = flops(weights.n_active(), pair.input);
        let is_large = flops / 2 >= PARALLEL_FROM;
        if is_scattered(topology) {
            scattered::weight_gradient(self.isa, topology, pair, gradient, is_large);
            return flops;
        }
        let layout = self.cache.layout(topology);
        let weights = Active::new(self.isa, &layout, topology, values);
        let chunks = 0..geometry.outputs().div_ceil(ROWS);
        weight_gradient(&weights, chunks, pair, gradient, is_large);
        flops
    }

    fn growth(
        &self,
        geometry: Geometry,
        weights: WeightView<'_>,
        pairs: &[GradientPair<'_>],
        request: &LayerRequest,
    ) -> Result<(Candidates, u64), MaskError> {
        if let Some(positions) = growth::few_positions(weights.shape(), request) {
            for pair in pairs {
                check(geometry, weights, pair.input, pair.output_gradient);
            }
            let shape = weights.shape();
            return growth::gradient_at(
                shape,
                pairs,
                request,
                positions,
                |topology, pair, sums| {
                    let is_large =
                        flops(topology.n_active() as u64, pair.input) / 2 >= PARALLEL_FROM;
                    scattered::weight_gradient(self.isa, topology, pair, sums, is_large);
                },
            );
        }
        Plain.growth(geometry, weights, pairs, request)
    }
}

/// Active weights that the kernels can walk.
fn active(weights: WeightView<'_>) -> Option<(&Topology, &[f32])> {
    match weights {
        WeightView::Active { topology, values } if topology.n_active() <= Layout::MOST => {
            Some((topology, values))
        }
        WeightView::Active { .. } | WeightView::Dense { .. } | WeightView::Latent { .. } => None,
    }
}

/// Adds the gradient of the rows of some chunks, which `gradient` is for; the two halves side by
/// side if `parallel`.
fn weight_gradient(
    weights: &Active<'_>,
    chunks: Range<usize>,
    pair: GradientPair<'_>,
    gradient: &mut [f32],
    parallel: bool,
) {
    let start = weights.first_entry(chunks.start);
    if parallel && chunks.len() > 1 {
        let middle = chunks.start + chunks.len() / 2;
        let (first, second) = gradient.split_at_mut(weights.first_entry(middle) - start);
        rayon::join(
            || weight_gradient(weights, chunks.start..middle, pair, first, true),
            || weight_gradient(weights, middle..chunks.end, pair, second, true),
        );
        return;
    }
    for chunk in chunks {
        let own = weights.first_entry(chunk) - start..weights.first_entry(chunk + 1) - start;
        weights.weight_gradient(chunk, pair, &mut gradient[own]);
    }
}
