//! A mask and its active values: one bit per entry, one value per set bit.
//!
//! Smaller than [`Csr`](crate::Csr) above a density of about 1/32, because a column takes 32 bits
//! and a bit one.

use ndarray::{Array2, ArrayView2};

use super::{Element, check_values, check_weights};
use crate::{Mask, MaskError};

/// The active weights of a matrix, in the order of the bits of a [`Mask`].
///
/// # Examples
/// ```
/// use ndarray::array;
/// use rewire_mask::{BitmaskValues, Mask, MatrixShape};
///
/// let weights = array![[0.5f32, -1.0, 0.25], [2.0, -0.0, 4.0]];
/// let mask = Mask::from_positions(MatrixShape::new(2, 3), [1, 4])?;
/// let packed = BitmaskValues::<f32>::pack(mask, weights.view())?;
/// assert_eq!(packed.values(), [-1.0, -0.0]);
/// assert_eq!(packed.expand(), array![[0.0, -1.0, 0.0], [0.0, -0.0, 0.0]]);
/// assert_eq!(packed.bytes(), 2 * 4 + 8);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BitmaskValues<T> {
    mask: Mask,
    values: Vec<T>,
}

impl<T: Element> BitmaskValues<T> {
    /// The weights under a mask; `weights` is `out × in` in any memory order.
    ///
    /// # Cost
    /// O(n_active + out · in / 64).
    ///
    /// # Errors
    /// [`FormFault::WeightsShape`](crate::FormFault::WeightsShape) for weights of another shape.
    pub fn pack(mask: Mask, weights: ArrayView2<'_, f32>) -> Result<Self, MaskError> {
        let shape = mask.shape();
        check_weights(weights, shape)?;
        let values = mask
            .positions()
            .map(|position| T::from_f32(weights[shape.row_col(position)]))
            .collect();
        Ok(Self { mask, values })
    }

    /// The matrix with these values at the active positions of a mask.
    ///
    /// # Errors
    /// [`FormFault::ValueCount`](crate::FormFault::ValueCount) unless there is one for each.
    pub fn from_parts(mask: Mask, values: Vec<T>) -> Result<Self, MaskError> {
        // A bit of a mask in memory is counted by `usize`.
        check_values(values.len(), mask.n_active() as usize, mask.shape())?;
        Ok(Self { mask, values })
    }

    /// Where the values stand.
    pub const fn mask(&self) -> &Mask {
        &self.mask
    }

    /// One value per active position, ascending.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Bytes that values and mask take: size of a value · n_active + 8 · ⌈rows · cols / 64⌉.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.values) + size_of_val(self.mask.words())
    }

    /// The matrix with every entry, +0 where nothing is active. Cost: O(out · in).
    ///
    /// # Panics
    /// If such a matrix does not fit in memory.
    pub fn expand(&self) -> Array2<T> {
        let shape = self.mask.shape();
        let mut dense = Array2::from_elem((shape.rows, shape.cols), T::ZERO);
        for (position, &value) in self.mask.positions().zip(&self.values) {
            dense[shape.row_col(position)] = value;
        }
        dense
    }
}
