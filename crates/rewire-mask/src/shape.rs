//! The matrix that a weight tensor is seen as.
//!
//! Every tensor of weights is `out × in` here: dimension 0 gives the rows, the product of all
//! others the columns. A position is a flat row-major number, `row · cols + col`, in 64 bits, so
//! that layers too large for a bitmap can still be described.

use std::fmt;

use ndarray::{ArrayView, ArrayView2, Dimension};

use crate::MaskError;

/// Rows and columns of a weight matrix, `out × in`.
///
/// # Examples
/// ```
/// use rewire_mask::MatrixShape;
///
/// let convolution = MatrixShape::from_dims(&[64, 3, 7, 7]);
/// assert_eq!(convolution, MatrixShape::new(64, 147));
/// assert_eq!(convolution.row_col(convolution.position(2, 5)), (2, 5));
/// assert_eq!(convolution.to_string(), "64×147");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MatrixShape {
    /// Outputs of the layer.
    pub rows: usize,
    /// Inputs of the layer; for a convolution, input channels times kernel size.
    pub cols: usize,
}

impl MatrixShape {
    /// A matrix of `rows` × `cols` entries; either may be 0.
    pub const fn new(rows: usize, cols: usize) -> Self {
        Self { rows, cols }
    }

    /// The matrix of a tensor with these dimensions: the first one × the product of the rest.
    ///
    /// A vector is a matrix of one column, a scalar (no dimensions) is 1 × 1.
    ///
    /// # Panics
    /// If the product of the dimensions after the first does not fit in `usize`.
    pub fn from_dims(dims: &[usize]) -> Self {
        let (rows, rest) = match dims {
            [] => (1, dims),
            [rows, rest @ ..] => (*rows, rest),
        };
        let cols = rest
            .iter()
            .try_fold(1usize, |product, &dim| product.checked_mul(dim))
            .unwrap_or_else(|| panic!("the columns of a {dims:?} tensor cannot be counted"));
        Self { rows, cols }
    }

    /// Number of entries.
    ///
    /// # Panics
    /// If it does not fit in 64 bits.
    pub fn len(self) -> u64 {
        (self.rows as u64)
            .checked_mul(self.cols as u64)
            .unwrap_or_else(|| panic!("the entries of a {self} matrix cannot be counted"))
    }

    /// Whether there are no entries, because a side is 0.
    pub const fn is_empty(self) -> bool {
        self.rows == 0 || self.cols == 0
    }

    /// The flat position of an entry, `row · cols + col`.
    ///
    /// The entry is not checked to lie inside the matrix.
    pub const fn position(self, row: usize, col: usize) -> u64 {
        row as u64 * self.cols as u64 + col as u64
    }

    /// Row and column of a flat position; the inverse of [`MatrixShape::position`].
    ///
    /// # Panics
    /// If there are no columns.
    pub const fn row_col(self, position: u64) -> (usize, usize) {
        let cols = self.cols as u64;
        ((position / cols) as usize, (position % cols) as usize)
    }
}

/// A weight tensor as the matrix `out × everything else`, without copying.
///
/// A convolution's `out × in × kh × kw` becomes `out × in·kh·kw`, the input channel slowest. A
/// vector becomes one column, a scalar a 1 × 1 matrix, as in [`MatrixShape::from_dims`].
///
/// # Errors
/// [`MaskError::NotRowMajor`] for a view whose entries do not lie in row-major order: it would have
/// to be copied.
///
/// # Examples
/// ```
/// use ndarray::Array4;
/// use rewire_mask::weight_matrix;
///
/// let convolution = Array4::<f32>::zeros((8, 3, 5, 5));
/// assert_eq!(weight_matrix(convolution.view())?.dim(), (8, 75));
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
pub fn weight_matrix<D: Dimension>(
    tensor: ArrayView<'_, f32, D>,
) -> Result<ArrayView2<'_, f32>, MaskError> {
    let shape = MatrixShape::from_dims(tensor.shape());
    let not_row_major = MaskError::NotRowMajor {
        dims: tensor.shape().to_vec(),
    };
    let entries = tensor.to_slice().ok_or(not_row_major.clone())?;
    ArrayView2::from_shape((shape.rows, shape.cols), entries).map_err(|_| not_row_major)
}

impl fmt::Display for MatrixShape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}×{}", self.rows, self.cols)
    }
}
