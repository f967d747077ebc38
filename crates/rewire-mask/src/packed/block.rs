//! Dense blocks at sparse places: a topology of blocks, and every value of each stored block.
//!
//! The matrix is cut into blocks of h rows by w columns; at the lower and right edge they reach
//! beyond it and hold +0 there. A block is stored if any of its entries is active, with +0 at its
//! inactive entries.

use ndarray::{Array2, ArrayView2};

use super::{Element, FormFault, check_values, check_weights};
use crate::{Mask, MaskError, MatrixShape, Topology};

/// The blocks of a matrix that hold active weights.
///
/// # Examples
/// ```
/// use ndarray::array;
/// use rewire_mask::{BlockSparse, Mask, MatrixShape};
///
/// let weights = array![[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
/// let mask = Mask::from_positions(MatrixShape::new(2, 3), [2, 5])?;
/// // Blocks of 2 × 2: the second one holds the last column and one of padding.
/// let packed = BlockSparse::<f32>::pack(&mask, weights.view(), MatrixShape::new(2, 2))?;
/// assert_eq!(packed.blocks().columns(), [1]);
/// assert_eq!(packed.values(), [3.0, 0.0, 6.0, 0.0]);
/// assert_eq!(packed.expand(), array![[0.0, 0.0, 3.0], [0.0, 0.0, 6.0]]);
/// assert_eq!(packed.bytes(), 4 * 4 + 4 + 8 * 2);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BlockSparse<T> {
    shape: MatrixShape,
    block: MatrixShape,
    blocks: Topology,
    values: Vec<T>,
}

impl<T: Element> BlockSparse<T> {
    /// The blocks of `block.rows` × `block.cols` entries in which a mask is active somewhere.
    ///
    /// `weights` is `out × in` in any memory order; neither side has to be a multiple of the
    /// block's.
    ///
    /// # Cost
    /// O(stored entries + n_active · log blocks per row + out · in / 64).
    ///
    /// # Errors
    /// [`FormFault::WeightsShape`] for weights of another shape, [`FormFault::EmptyBlock`] if a
    /// side of the block is 0, [`FormFault::TooManyEntries`] if the stored entries cannot be
    /// counted, [`MaskError::TooManyColumns`] if the blocks of a row do not fit in 32 bits.
    pub fn pack(
        mask: &Mask,
        weights: ArrayView2<'_, f32>,
        block: MatrixShape,
    ) -> Result<Self, MaskError> {
        let shape = mask.shape();
        check_weights(weights, shape)?;
        let grid = grid(shape, block)?;
        let mut touched = Mask::empty(grid);
        for position in mask.positions() {
            let (row, col) = shape.row_col(position);
            touched.insert(grid.position(row / block.rows, col / block.cols));
        }
        let blocks = Topology::from_positions(grid, touched.positions())?;
        let n_values = value_count(shape, block, &blocks)?;
        let mut packed = Self {
            shape,
            block,
            blocks,
            values: vec![T::ZERO; n_values],
        };
        for position in mask.positions() {
            let (row, col) = shape.row_col(position);
            let place = grid.position(row / block.rows, col / block.cols);
            let index = packed.blocks.index_of(place).expect("the block is touched");
            let within = row % block.rows * block.cols + col % block.cols;
            packed.values[index * block.rows * block.cols + within] =
                T::from_f32(weights[[row, col]]);
        }
        Ok(packed)
    }

    /// The matrix with these blocks, as [`BlockSparse::blocks`] and [`BlockSparse::values`] give
    /// them.
    ///
    /// # Errors
    /// [`FormFault::EmptyBlock`] if a side of the block is 0, [`FormFault::BlockGrid`] unless the
    /// topology has ⌈rows / block.rows⌉ × ⌈cols / block.cols⌉ entries, [`FormFault::ValueCount`]
    /// unless there is a value for every entry of every block, [`FormFault::PaddingUsed`] if a
    /// value beyond the edge of the matrix is not +0, [`FormFault::TooManyEntries`] if the values
    /// cannot be counted.
    pub fn from_parts(
        shape: MatrixShape,
        block: MatrixShape,
        blocks: Topology,
        values: Vec<T>,
    ) -> Result<Self, MaskError> {
        let (found, expected) = (blocks.shape(), grid(shape, block)?);
        if found != expected {
            return Err(FormFault::BlockGrid {
                found,
                expected,
                shape,
            }
            .into());
        }
        check_values(values.len(), value_count(shape, block, &blocks)?, shape)?;
        let packed = Self {
            shape,
            block,
            blocks,
            values,
        };
        let used = packed.entries().find(|&(row, col, value)| {
            (row >= shape.rows || col >= shape.cols) && !value.is_positive_zero()
        });
        match used {
            Some((row, col, _)) => Err(FormFault::PaddingUsed { row, col, shape }.into()),
            None => Ok(packed),
        }
    }

    /// The matrix, `out × in`, without padding.
    pub const fn shape(&self) -> MatrixShape {
        self.shape
    }

    /// Rows and columns of a block.
    pub const fn block(&self) -> MatrixShape {
        self.block
    }

    /// Which blocks are stored: a matrix of blocks.
    pub const fn blocks(&self) -> &Topology {
        &self.blocks
    }

    /// The values of the stored blocks, one block after the other, each row-major.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Bytes that values, columns and row offsets take:
    /// (4 + size of a value · entries of a block) · blocks + 8 · (⌈rows / block.rows⌉ + 1).
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.values)
            + size_of_val(self.blocks.columns())
            + size_of_val(self.blocks.row_offsets())
    }

    /// The matrix with every entry, +0 where nothing is active. Cost: O(out · in).
    ///
    /// # Panics
    /// If such a matrix does not fit in memory.
    pub fn expand(&self) -> Array2<T> {
        let mut dense = Array2::from_elem((self.shape.rows, self.shape.cols), T::ZERO);
        for (row, col, value) in self.entries() {
            if row < self.shape.rows && col < self.shape.cols {
                dense[[row, col]] = value;
            }
        }
        dense
    }

    /// Every entry of the stored blocks inside the matrix: all that were active, and the inactive
    /// ones beside them. Cost: O(stored entries).
    pub fn mask(&self) -> Mask {
        let mut mask = Mask::empty(self.shape);
        for (row, col, _) in self.entries() {
            if row < self.shape.rows && col < self.shape.cols {
                mask.insert(self.shape.position(row, col));
            }
        }
        mask
    }

    /// Row, column and value of every stored entry, padding included.
    fn entries(&self) -> impl Iterator<Item = (usize, usize, T)> + '_ {
        let MatrixShape { rows, cols } = self.block;
        let blocks = self.values.chunks_exact(rows * cols);
        self.blocks
            .positions()
            .zip(blocks)
            .flat_map(move |(place, values)| {
                let (block_row, block_col) = self.blocks.shape().row_col(place);
                values.iter().enumerate().map(move |(within, &value)| {
                    let row = block_row * rows + within / cols;
                    (row, block_col * cols + within % cols, value)
                })
            })
    }
}

/// The matrix of blocks that covers a matrix.
pub(super) fn grid(shape: MatrixShape, block: MatrixShape) -> Result<MatrixShape, FormFault> {
    if block.is_empty() {
        return Err(FormFault::EmptyBlock { block });
    }
    // The product is asked for here, where it can be refused, and used unchecked afterwards.
    block
        .rows
        .checked_mul(block.cols)
        .ok_or(FormFault::TooManyEntries { shape: block })?;
    Ok(MatrixShape::new(
        shape.rows.div_ceil(block.rows),
        shape.cols.div_ceil(block.cols),
    ))
}

/// Values of the stored blocks.
fn value_count(
    shape: MatrixShape,
    block: MatrixShape,
    blocks: &Topology,
) -> Result<usize, FormFault> {
    blocks
        .n_active()
        .checked_mul(block.rows * block.cols)
        .ok_or(FormFault::TooManyEntries { shape })
}
