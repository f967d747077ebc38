//! The plain products: loops over positions and samples, a library's dense product.
//!
//! Sparse rows are read one after the other; each weight multiplies the contiguous samples of a
//! panel, so the inner loops vectorise without intrinsics. Dense products go through
//! `ndarray::linalg::general_mat_mul`. Work is cut into fixed tiles of rows and panels and each
//! output value belongs to one tile, so the number of threads changes no bit.

mod active;
mod dense;

use rewire_mask::{Candidates, LayerRequest, MaskError, WeightView};

use crate::{Batch, Geometry, GradientPair, Products, growth};

/// Rows of `W` that one task works on.
const TILE_ROWS: usize = 32;

/// Below this many multiply-adds a product runs on the calling thread: waking a worker costs tens
/// of microseconds. A function of the shape alone, and either way gives the same bits.
const PARALLEL_FROM: u64 = 1 << 21;

/// The plain implementation of [`Products`], and the oracle for faster ones.
///
/// # Cost
/// Forward, input gradient and weight gradient of active or latent weights: O(batch · n_active);
/// dense weights and growth: O(batch · out · in), but growth at few positions O(batch ·
/// positions). Memory beside the outputs: one row of weights,
/// for growth a tile of 32 rows per thread, at few positions O(out + positions).
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Products for Plain {
    fn forward(
        &self,
        geometry: Geometry,
        weights: WeightView<'_>,
        input: &Batch,
        output: &mut Batch,
    ) -> u64 {
        check(geometry, weights, input, output);
        match weights {
            WeightView::Dense { values, .. } => dense::forward(values, input, output),
            WeightView::Active { .. } | WeightView::Latent { .. } => {
                active::forward(weights, input, output);
            }
        }
        flops(weights.n_active(), input)
    }

    fn input_gradient(
        &self,
        geometry: Geometry,
        weights: WeightView<'_>,
        output_gradient: &Batch,
        input_gradient: &mut Batch,
    ) -> u64 {
        check(geometry, weights, input_gradient, output_gradient);
        match weights {
            WeightView::Dense { values, .. } => {
                dense::input_gradient(values, output_gradient, input_gradient);
            }
            WeightView::Active { .. } | WeightView::Latent { .. } => {
                active::input_gradient(weights, output_gradient, input_gradient);
            }
        }
        flops(weights.n_active(), output_gradient)
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
        match weights {
            WeightView::Dense { .. } => {
                dense::weight_gradient(pair, gradient);
                flops(geometry.weights().len(), pair.input)
            }
            WeightView::Active { topology, .. } => {
                active::weight_gradient(topology, pair, gradient);
                flops(weights.n_active(), pair.input)
            }
            WeightView::Latent { gradient: set, .. } => {
                match set {
                    None => dense::weight_gradient(pair, gradient),
                    Some(set) => active::weight_gradient_in_place(set, pair, gradient),
                }
                let computed = set.map_or(geometry.weights().len(), |set| set.n_active());
                flops(computed, pair.input)
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
        if let Some(positions) = growth::few_positions(weights.shape(), request) {
            let (shape, add) = (weights.shape(), active::weight_gradient);
            return growth::gradient_at(shape, pairs, request, positions, add);
        }
        growth::candidates(weights, pairs, request, TILE_ROWS, dense::add_gradient_tile)
    }
}

pub(crate) fn check(geometry: Geometry, weights: WeightView<'_>, input: &Batch, output: &Batch) {
    assert_eq!(
        geometry.weights(),
        weights.shape(),
        "the geometry's weights and the stored weights have different shapes"
    );
    assert_eq!(
        weights.values().len() as u64,
        stored(weights),
        "the storage of {} weights holds the wrong number of values",
        weights.shape()
    );
    if let WeightView::Latent {
        forward,
        gradient: Some(set),
        ..
    } = weights
    {
        assert_eq!(
            set.shape(),
            forward.shape(),
            "the gradient set and the forward set have different shapes"
        );
    }
    assert_eq!(
        (input.features(), output.features()),
        (geometry.inputs(), geometry.outputs()),
        "the batches' features do not fit {geometry:?}"
    );
    assert_eq!(
        input.samples(),
        output.samples(),
        "input and output hold different numbers of samples"
    );
}

/// Number of values that the storage of these weights has.
fn stored(weights: WeightView<'_>) -> u64 {
    match weights {
        WeightView::Active { topology, .. } => topology.n_active() as u64,
        WeightView::Dense { .. } | WeightView::Latent { .. } => weights.shape().len(),
    }
}

/// A multiply-add counts as two operations.
pub(crate) fn flops(weights: u64, batch: &Batch) -> u64 {
    2 * weights * batch.samples() as u64
}
