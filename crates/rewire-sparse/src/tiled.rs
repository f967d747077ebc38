//! The products that walk active entries, tile by tile.
//!
//! A layout is made when a topology is first seen and kept as long as the topology lives.

mod cache;

use std::ops::Range;

use rewire_mask::{Isa, Topology};

use crate::pool::for_each_chunk;
use crate::simd::scattered::{self, Transposes, is_scattered};
use crate::simd::{Active, Layout, ROWS};
use crate::{Batch, GradientPair};
use cache::Cache;

/// Below this many multiply-adds a product runs on the calling thread: waking a worker costs tens
/// of microseconds. A function of the shape alone, and either way gives the same bits.
const PARALLEL_FROM: u64 = 1 << 22;

/// The kernels for one set of instructions, and the layouts that they have seen.
#[derive(Debug)]
pub(crate) struct Tiled {
    isa: Isa,
    cache: Cache,
    transposes: Transposes,
}

impl Tiled {
    /// What is kept of every active weight beside its topology: its place in a tile by rows and in
    /// one by columns, 16 bits each, and the index of its value.
    pub(crate) const BYTES_PER_ACTIVE: usize = 2 + 2 + 4;

    /// As many active weights as a layout can name.
    pub(crate) const MOST: usize = Layout::MOST;

    pub(crate) fn new(isa: Isa) -> Self {
        Self {
            isa,
            cache: Cache::default(),
            transposes: Transposes::default(),
        }
    }

    pub(crate) const fn isa(&self) -> Isa {
        self.isa
    }

    /// `output = input · Wᵀ`.
    pub(crate) fn forward(
        &self,
        topology: &Topology,
        values: &[f32],
        input: &Batch,
        output: &mut Batch,
    ) {
        if is_scattered(topology) {
            let parallel = is_large(topology, input);
            scattered::forward(self.isa, (topology, values), input, output, parallel);
            return;
        }
        let layout = self.cache.layout(topology);
        let entries = Active::new(self.isa, &layout, topology);
        for_each_chunk(output, ROWS, is_large(topology, input), |chunk, rows| {
            entries.forward(chunk, values, input, rows);
        });
    }

    /// `input_gradient = output_gradient · W`.
    pub(crate) fn input_gradient(
        &self,
        topology: &Topology,
        values: &[f32],
        output_gradient: &Batch,
        input_gradient: &mut Batch,
    ) {
        let parallel = is_large(topology, output_gradient);
        if is_scattered(topology) {
            let (dy, dx) = (output_gradient, input_gradient);
            let transposes = &self.transposes;
            scattered::input_gradient(self.isa, transposes, (topology, values), dy, dx, parallel);
            return;
        }
        let layout = self.cache.layout(topology);
        let entries = Active::new(self.isa, &layout, topology);
        for_each_chunk(input_gradient, ROWS, parallel, |chunk, rows| {
            entries.input_gradient(chunk, values, output_gradient, rows);
        });
    }

    /// Adds `output_gradientᵀ · input` at the active positions to `gradient`, in their order.
    pub(crate) fn weight_gradient(
        &self,
        topology: &Topology,
        pair: GradientPair<'_>,
        gradient: &mut [f32],
    ) {
        if is_scattered(topology) {
            self.gradient_at(topology, pair, gradient);
            return;
        }
        let layout = self.cache.layout(topology);
        let entries = Active::new(self.isa, &layout, topology);
        let chunks = 0..topology.shape().rows.div_ceil(ROWS);
        add_gradient(
            &entries,
            chunks,
            pair,
            gradient,
            is_large(topology, pair.input),
        );
    }

    /// The same for entries that are asked for once, so that listing them would not pay.
    pub(crate) fn gradient_at(
        &self,
        topology: &Topology,
        pair: GradientPair<'_>,
        gradient: &mut [f32],
    ) {
        let parallel = is_large(topology, pair.input);
        scattered::weight_gradient(self.isa, topology, pair, gradient, parallel);
    }
}

fn is_large(topology: &Topology, batch: &Batch) -> bool {
    (topology.n_active() as u64).saturating_mul(batch.samples() as u64) >= PARALLEL_FROM
}

/// Adds the gradient of the rows of some chunks, which `gradient` is for; the two halves side by
/// side if `parallel`.
fn add_gradient(
    entries: &Active<'_>,
    chunks: Range<usize>,
    pair: GradientPair<'_>,
    gradient: &mut [f32],
    parallel: bool,
) {
    let start = entries.first_entry(chunks.start);
    if parallel && chunks.len() > 1 {
        let middle = chunks.start + chunks.len() / 2;
        let (first, second) = gradient.split_at_mut(entries.first_entry(middle) - start);
        rayon::join(
            || add_gradient(entries, chunks.start..middle, pair, first, true),
            || add_gradient(entries, middle..chunks.end, pair, second, true),
        );
        return;
    }
    for chunk in chunks {
        let own = entries.first_entry(chunk) - start..entries.first_entry(chunk + 1) - start;
        entries.weight_gradient(chunk, pair, &mut gradient[own]);
    }
}
