//! Which entries of a matrix follow each other in a group of N:M.
//!
//! A product reads the weights along its inner dimension, and hardware that skips zeros wants the
//! groups there. For `Y = X·Wᵀ` that is a row of W, for `dX = dY·W` a column. The weights of a
//! convolution, `out × in·kh·kw`, are read with the input channels innermost in the forward
//! product, and with the outputs innermost in the backward one; neither is a row or a column of
//! the matrix, so the lines say how to walk and nothing is copied into another layout.

use crate::{MaskError, MatrixShape};

/// The sequences of entries that groups are cut from, from the first entry on.
///
/// # Examples
/// ```
/// use rewire_mask::{Lines, MatrixShape};
///
/// // A 3×3 convolution from 8 channels to 4: the second entry of the first line is the same tap
/// // of the second channel.
/// let shape = MatrixShape::from_dims(&[4, 8, 3, 3]);
/// let lines = Lines::Channels { taps: 9 };
/// assert_eq!((lines.count(shape)?, lines.len(shape)?), (36, 8));
/// assert_eq!(lines.position(shape, 0, 1), 9);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lines {
    /// Rows: the inner dimension of `Y = X·Wᵀ`.
    Inputs,
    /// Columns: the inner dimension of `dX = dY·W`.
    Outputs,
    /// The input channels at one output and one tap of a convolution (its forward product).
    Channels {
        /// Entries of a kernel, `kh·kw`.
        taps: usize,
    },
    /// All taps and outputs of one input channel, outputs fastest (the backward product of a
    /// convolution). Equal to [`Lines::Outputs`] where the groups divide the number of outputs.
    TapsOutputs {
        /// Entries of a kernel, `kh·kw`.
        taps: usize,
    },
}

impl Lines {
    /// Number of lines in a matrix; 0 if it has no entries.
    ///
    /// # Errors
    /// [`MaskError::Taps`] if the columns are not whole kernels.
    ///
    /// # Panics
    /// If the number of entries does not fit in 64 bits, as [`MatrixShape::len`].
    pub fn count(self, shape: MatrixShape) -> Result<usize, MaskError> {
        let (channels, entries) = (self.channels(shape)?, shape.len());
        // With entries there are at least as many columns as taps, so no product is larger than
        // the number of entries.
        Ok(match self {
            _ if entries == 0 => 0,
            Self::Inputs => shape.rows,
            Self::Outputs => shape.cols,
            Self::Channels { taps } => shape.rows * taps,
            Self::TapsOutputs { .. } => channels,
        })
    }

    /// Number of entries of each line; 0 if the matrix has no entries.
    ///
    /// # Errors
    /// [`MaskError::Taps`] if the columns are not whole kernels.
    ///
    /// # Panics
    /// If the number of entries does not fit in 64 bits, as [`MatrixShape::len`].
    pub fn len(self, shape: MatrixShape) -> Result<usize, MaskError> {
        let (channels, entries) = (self.channels(shape)?, shape.len());
        Ok(match self {
            _ if entries == 0 => 0,
            Self::Inputs => shape.cols,
            Self::Outputs => shape.rows,
            Self::Channels { .. } => channels,
            Self::TapsOutputs { taps } => taps * shape.rows,
        })
    }

    /// The flat position of an entry of a line. Neither is checked to exist.
    ///
    /// # Panics
    /// If a kernel has no taps, or the matrix no rows.
    pub const fn position(self, shape: MatrixShape, line: usize, entry: usize) -> u64 {
        self.assert_taps();
        match self {
            Self::Inputs => shape.position(line, entry),
            Self::Outputs => shape.position(entry, line),
            Self::Channels { taps } => shape.position(line / taps, entry * taps + line % taps),
            Self::TapsOutputs { taps } => {
                shape.position(entry % shape.rows, line * taps + entry / shape.rows)
            }
        }
    }

    /// Line and entry of a flat position; the inverse of [`Lines::position`].
    ///
    /// # Panics
    /// If a kernel has no taps, or the matrix no columns.
    pub const fn place(self, shape: MatrixShape, position: u64) -> (usize, usize) {
        let (row, col) = shape.row_col(position);
        self.place_of(shape, row, col)
    }

    /// Line and entry of a row and a column.
    pub(super) const fn place_of(
        self,
        shape: MatrixShape,
        row: usize,
        col: usize,
    ) -> (usize, usize) {
        self.assert_taps();
        match self {
            Self::Inputs => (row, col),
            Self::Outputs => (col, row),
            Self::Channels { taps } => (row * taps + col % taps, col / taps),
            Self::TapsOutputs { taps } => (col / taps, col % taps * shape.rows + row),
        }
    }

    /// Entries of a kernel; 1 for lines that know no kernel.
    const fn taps(self) -> usize {
        match self {
            Self::Inputs | Self::Outputs => 1,
            Self::Channels { taps } | Self::TapsOutputs { taps } => taps,
        }
    }

    const fn assert_taps(self) {
        assert!(self.taps() > 0, "kernels of 0 taps have no entries");
    }

    /// Number of input channels; for lines that know no kernel, the number of columns.
    fn channels(self, shape: MatrixShape) -> Result<usize, MaskError> {
        let taps = self.taps();
        if taps == 0 || !shape.cols.is_multiple_of(taps) {
            return Err(MaskError::Taps { taps, shape });
        }
        Ok(shape.cols / taps)
    }
}

/// What happens to entries that do not fill a group, a tile or a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edges {
    /// The matrix is refused with the sizes that do not fit.
    Reject,
    /// They all stay active. [`Pattern::edge_report`](crate::Pattern::edge_report) says how many.
    Dense,
    /// They form a smaller group, as if the matrix went on with entries that cannot be active.
    Pad,
}

/// How a pattern meets the edges of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeReport {
    /// Entries that lie in no complete group, tile or block.
    pub ragged: u64,
    /// Those of them that are active whatever the scores.
    pub left_dense: u64,
}
