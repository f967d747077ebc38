//! The joint between the tape and whatever multiplies.

use rewire_mask::{Candidates, LayerRequest, MaskError, WeightView};

use crate::{Batch, Geometry};

/// The two factors of one weight gradient `dYᵀ·X`: the output's gradient and the input.
#[derive(Clone, Copy, Debug)]
pub struct GradientPair<'a> {
    /// Gradient of the loss with respect to the layer's output, `batch × out`.
    pub output_gradient: &'a Batch,
    /// What the layer was given, `batch × in`.
    pub input: &'a Batch,
}

/// The products of one layer.
///
/// Weights are read through a [`WeightView`]: all of them, exactly the active ones, or dense values
/// behind a mask. Weights outside the forward set never reach a product.
///
/// Every method returns the floating-point operations it executed (a multiply-add counts as 2), so
/// that a record of what ran does not have to guess which kernel was used.
///
/// # Determinism
/// Results have the same bits for the same inputs at any number of threads.
///
/// # Panics
/// If the shapes of geometry, weights and batches disagree; the message holds both.
pub trait Products: Send + Sync {
    /// `output = input · Wᵀ`; `output` is overwritten.
    fn forward(
        &self,
        geometry: Geometry,
        weights: WeightView<'_>,
        input: &Batch,
        output: &mut Batch,
    ) -> u64;

    /// `input_gradient = output_gradient · W`; `input_gradient` is overwritten.
    fn input_gradient(
        &self,
        geometry: Geometry,
        weights: WeightView<'_>,
        output_gradient: &Batch,
        input_gradient: &mut Batch,
    ) -> u64;

    /// Adds `output_gradientᵀ · input` to `gradient`, which is as long as the stored values: all
    /// `out × in` of dense weights, the active ones in position order, or all of latent weights,
    /// where entries outside the gradient set are left untouched.
    fn weight_gradient(
        &self,
        geometry: Geometry,
        weights: WeightView<'_>,
        pair: GradientPair<'_>,
        gradient: &mut [f32],
    ) -> u64;

    /// What a rewiring asks of the dense gradient `Σ output_gradientᵀ · input` over `pairs`, in
    /// their order, without storing it: memory is O(what is asked + a tile) per thread, except for
    /// [`rewire_mask::GrowthRequest::Dense`].
    ///
    /// Eligible are the inactive positions and the readmitted ones. A group or tile at the edge of a
    /// matrix that its size does not divide is narrower. The choice equals the one from
    /// the gradient that [`Products::weight_gradient`] of the same implementation gives for dense
    /// weights. [`rewire_mask::GrowthRequest::AtPositions`] alone may be answered by other sums:
    /// few positions are computed one by one, O(batch · positions), each a sum of the same products
    /// in another order. Whether they are few follows from the number of positions and the shape.
    ///
    /// # Errors
    /// [`MaskError::NonFinite`] with the flat position if a gradient that is eligible or asked for
    /// by position is NaN or ±∞; [`MaskError::OutOfRange`] for a position beyond the last weight;
    /// [`MaskError::NotAscending`] if the readmitted positions do not ascend strictly.
    ///
    /// # Panics
    /// If the request's groups or tiles have no entries.
    fn growth(
        &self,
        geometry: Geometry,
        weights: WeightView<'_>,
        pairs: &[GradientPair<'_>],
        request: &LayerRequest,
    ) -> Result<(Candidates, u64), MaskError>;
}
