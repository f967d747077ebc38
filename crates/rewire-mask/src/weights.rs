//! What an explorer sees of a layer's weights: values and where they stand, however stored.

use crate::{Mask, MatrixShape, Topology};

/// A read-only view of one weight matrix.
///
/// # Examples
/// ```
/// use rewire_mask::{MatrixShape, Topology, WeightView};
///
/// let topology = Topology::from_positions(MatrixShape::new(2, 2), [0, 3])?;
/// let view = WeightView::Active { topology: &topology, values: &[0.5, -0.25] };
/// assert_eq!((view.n_active(), view.values().len()), (2, 2));
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum WeightView<'a> {
    /// Every weight is active.
    Dense {
        /// The matrix, `out × in`.
        shape: MatrixShape,
        /// One value per entry, row-major.
        values: &'a [f32],
    },
    /// Only the active weights exist.
    Active {
        /// Where they stand.
        topology: &'a Topology,
        /// One value per active position, in the order of the topology.
        values: &'a [f32],
    },
    /// Every weight exists; those of the forward set reach the products.
    Latent {
        /// One value per entry, row-major.
        values: &'a [f32],
        /// The entries that reach the products.
        forward: &'a Mask,
        /// The entries that get gradients; all of them if absent.
        gradient: Option<&'a Mask>,
    },
}

impl<'a> WeightView<'a> {
    /// The matrix, `out × in`.
    pub const fn shape(&self) -> MatrixShape {
        match self {
            Self::Dense { shape, .. } => *shape,
            Self::Active { topology, .. } => topology.shape(),
            Self::Latent { forward, .. } => forward.shape(),
        }
    }

    /// Number of weights that reach the products. Cost: one pass over the mask of latent weights,
    /// constant otherwise.
    pub fn n_active(&self) -> u64 {
        match self {
            Self::Dense { shape, .. } => shape.len(),
            Self::Active { topology, .. } => topology.n_active() as u64,
            Self::Latent { forward, .. } => forward.n_active(),
        }
    }

    /// The stored values: one per active position for active storage, one per entry otherwise.
    pub const fn values(&self) -> &'a [f32] {
        match self {
            Self::Dense { values, .. }
            | Self::Active { values, .. }
            | Self::Latent { values, .. } => values,
        }
    }
}
