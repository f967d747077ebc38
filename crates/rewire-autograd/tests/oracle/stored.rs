//! Parameters for a tape, in every storage, and the numbers to fill them with.

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use rewire_autograd::mask::{Mask, MatrixShape, Topology, WeightView};
use rewire_autograd::{ParameterId, ParameterViews};

/// One parameter.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    Dense(MatrixShape, Vec<f32>),
    Active(Topology, Vec<f32>),
    Latent {
        values: Vec<f32>,
        forward: Mask,
        gradient: Option<Mask>,
    },
}

impl Stored {
    /// All entries of a matrix.
    pub(crate) fn dense(matrix: &Array2<f32>) -> Self {
        let (rows, cols) = matrix.dim();
        Self::Dense(
            MatrixShape::new(rows, cols),
            matrix.iter().copied().collect(),
        )
    }

    /// The entries of a matrix inside the mask.
    pub(crate) fn active(matrix: &Array2<f32>, mask: &Mask) -> Self {
        let shape = mask.shape();
        let values = mask.positions().map(|p| matrix[shape.row_col(p)]).collect();
        Self::Active(Topology::from_mask(mask), values)
    }

    /// The entries of a matrix, NaN outside the mask: they must not reach a product.
    pub(crate) fn latent(matrix: &Array2<f32>, mask: &Mask, gradient: Option<Mask>) -> Self {
        let shape = mask.shape();
        let value = |p| {
            if mask.contains(p) {
                matrix[shape.row_col(p)]
            } else {
                f32::NAN
            }
        };
        Self::Latent {
            values: (0..shape.len()).map(value).collect(),
            forward: mask.clone(),
            gradient,
        }
    }

    pub(crate) fn view(&self) -> WeightView<'_> {
        match self {
            Self::Dense(shape, values) => WeightView::Dense {
                shape: *shape,
                values,
            },
            Self::Active(topology, values) => WeightView::Active { topology, values },
            Self::Latent {
                values,
                forward,
                gradient,
            } => WeightView::Latent {
                values,
                forward,
                gradient: gradient.as_ref(),
            },
        }
    }

    /// Position of every stored value, in order.
    pub(crate) fn positions(&self) -> Vec<u64> {
        match self {
            Self::Active(topology, _) => topology.positions().collect(),
            Self::Dense(..) | Self::Latent { .. } => (0..self.view().shape().len()).collect(),
        }
    }

    /// Whether the value at a stored position gets a gradient.
    pub(crate) fn has_gradient(&self, position: u64) -> bool {
        match self {
            Self::Latent {
                gradient: Some(set),
                ..
            } => set.contains(position),
            _ => true,
        }
    }
}

/// Parameters by number.
pub(crate) struct Store(pub(crate) Vec<Stored>);

impl ParameterViews for Store {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn view(&self, id: ParameterId) -> WeightView<'_> {
        self.0[id.0].view()
    }
}

/// Uniform numbers in [−1, 1), a function of the shape and the seed.
pub(crate) fn numbers(rows: usize, cols: usize, seed: u64) -> Array2<f32> {
    let drawn = words(rows, cols, seed);
    drawn.mapv(|word| (word >> 8) as f32 * 2.0f32.powi(-23) - 1.0)
}

/// Uniform 32-bit words, a function of the shape and the seed.
pub(crate) fn words(rows: usize, cols: usize, seed: u64) -> Array2<u32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((rows * 10_000 + cols) as u64);
    Array2::from_shape_fn((rows, cols), |_| rng.next_u32())
}
