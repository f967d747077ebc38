//! Compressed sparse rows: a topology, and one value per active position.

use ndarray::{Array2, ArrayView2};

use super::{Element, check_values, check_weights};
use crate::{Mask, MaskError, Topology};

/// The active weights of a matrix, in the order of a [`Topology`].
///
/// # Examples
/// ```
/// use ndarray::array;
/// use rewire_mask::{Csr, MatrixShape, Topology};
///
/// let weights = array![[0.5f32, -1.0, 0.25], [2.0, -0.0, 4.0]];
/// let topology = Topology::from_positions(MatrixShape::new(2, 3), [1, 4])?;
/// let csr = Csr::<f32>::pack(topology, weights.view())?;
/// assert_eq!(csr.values(), [-1.0, -0.0]);
/// assert_eq!(csr.expand(), array![[0.0, -1.0, 0.0], [0.0, -0.0, 0.0]]);
/// assert_eq!(csr.bytes(), 2 * (4 + 4) + 3 * 8);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Csr<T> {
    topology: Topology,
    values: Vec<T>,
}

impl<T: Element> Csr<T> {
    /// The weights at the positions of a topology; `weights` is `out × in` in any memory order.
    ///
    /// # Cost
    /// O(n_active + out).
    ///
    /// # Errors
    /// [`FormFault::WeightsShape`](crate::FormFault::WeightsShape) for weights of another shape.
    pub fn pack(topology: Topology, weights: ArrayView2<'_, f32>) -> Result<Self, MaskError> {
        check_weights(weights, topology.shape())?;
        let at = |row: usize, &col: &u32| T::from_f32(weights[[row, col as usize]]);
        let values = (0..topology.shape().rows)
            .flat_map(|row| topology.row(row).iter().map(move |col| at(row, col)))
            .collect();
        Ok(Self { topology, values })
    }

    /// The matrix with these values at the positions of a topology.
    ///
    /// # Errors
    /// [`FormFault::ValueCount`](crate::FormFault::ValueCount) unless there is one for each.
    pub fn from_parts(topology: Topology, values: Vec<T>) -> Result<Self, MaskError> {
        check_values(values.len(), topology.n_active(), topology.shape())?;
        Ok(Self { topology, values })
    }

    /// Where the values stand.
    pub const fn topology(&self) -> &Topology {
        &self.topology
    }

    /// One value per active position, ascending.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Bytes that values, columns and row offsets take:
    /// (4 + size of a value) · n_active + 8 · (rows + 1).
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.values)
            + size_of_val(self.topology.columns())
            + size_of_val(self.topology.row_offsets())
    }

    /// The matrix with every entry, +0 where nothing is active. Cost: O(out · in).
    ///
    /// # Panics
    /// If such a matrix does not fit in memory.
    pub fn expand(&self) -> Array2<T> {
        let shape = self.topology.shape();
        let mut dense = Array2::from_elem((shape.rows, shape.cols), T::ZERO);
        for row in 0..shape.rows {
            let range = self.topology.row_range(row);
            for (&col, &value) in self.topology.row(row).iter().zip(&self.values[range]) {
                dense[[row, col as usize]] = value;
            }
        }
        dense
    }

    /// The mask of the active positions.
    pub fn mask(&self) -> Mask {
        self.topology.to_mask()
    }
}
