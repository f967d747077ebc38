//! Blocks: entries that are active together or not at all.
//!
//! A block is `rows × cols` neighbouring entries. Whole kernels of a convolution are 1×(kh·kw)
//! blocks, groups of outputs that share their positions r×1 blocks. The best mask is that of the
//! best blocks, each scored by a norm of its entries.

use rayon::prelude::*;

use super::{Edges, check_count, check_finite};
use crate::{Density, Mask, MaskError, MatrixShape, top_k};

/// The size of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    /// Rows, at least 1.
    pub rows: usize,
    /// Columns, at least 1.
    pub cols: usize,
}

impl Block {
    /// The same block, if it has entries: the fields are public.
    pub(super) const fn checked(self) -> Result<Self, MaskError> {
        let Self { rows, cols } = self;
        if rows == 0 || cols == 0 {
            return Err(MaskError::NotABlock { rows, cols });
        }
        Ok(self)
    }
}

/// What a block is worth, from the magnitudes of its entries; signs never matter.
///
/// Entries beyond the edge of the matrix count as 0. Sums are formed in `f64` and compared as
/// `f32`: blocks whose norms agree to 2⁻²⁴ tie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockNorm {
    /// The largest magnitude.
    Max,
    /// The sum of magnitudes.
    L1,
    /// The root of the sum of squares.
    L2,
}

/// The blocks of a matrix, row by row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    shape: MatrixShape,
    block: Block,
    /// Blocks down and across that are chosen among.
    pub(super) size: (usize, usize),
}

impl Grid {
    pub(super) fn of(shape: MatrixShape, block: Block, edges: Edges) -> Self {
        let size = match edges {
            Edges::Pad => (
                shape.rows.div_ceil(block.rows),
                shape.cols.div_ceil(block.cols),
            ),
            Edges::Reject | Edges::Dense => (shape.rows / block.rows, shape.cols / block.cols),
        };
        Self { shape, block, size }
    }

    /// Number of blocks.
    pub(super) const fn len(&self) -> usize {
        self.size.0 * self.size.1
    }

    /// Positions of a block, ascending; fewer at a padded edge.
    pub(super) fn positions(&self, index: usize) -> impl Iterator<Item = u64> + use<> {
        let Self { shape, block, size } = *self;
        let (down, across) = (index / size.1, index % size.1);
        let rows = down * block.rows..shape.rows.min((down + 1) * block.rows);
        let cols = across * block.cols..shape.cols.min((across + 1) * block.cols);
        rows.flat_map(move |row| cols.clone().map(move |col| shape.position(row, col)))
    }

    /// The block that holds a position, if one does.
    pub(super) fn index_of(&self, position: u64) -> Option<usize> {
        let (row, col) = self.shape.row_col(position);
        let (down, across) = (row / self.block.rows, col / self.block.cols);
        (down < self.size.0 && across < self.size.1).then_some(down * self.size.1 + across)
    }

    /// The mask of these blocks, with every entry outside all blocks active.
    pub(super) fn mask(&self, blocks: impl IntoIterator<Item = usize>) -> Mask {
        let Self { shape, block, size } = *self;
        let (rows, cols) = (size.0 * block.rows, size.1 * block.cols);
        let mut mask = if rows < shape.rows || cols < shape.cols {
            Mask::from_fn(shape, |row, col| row >= rows || col >= cols)
        } else {
            Mask::empty(shape)
        };
        for index in blocks {
            self.positions(index)
                .for_each(|position| mask.insert(position));
        }
        mask
    }
}

pub(super) fn project(
    shape: MatrixShape,
    values: &[f32],
    block: Block,
    norm: BlockNorm,
    density: Density,
    edges: Edges,
) -> Result<Mask, MaskError> {
    check_finite(values)?;
    let grid = Grid::of(shape, block, edges);
    let entries = block.rows as f64 * block.cols as f64;
    // Means instead of sums, so that the worth of a block of finite entries is finite.
    let worth = |index: usize| {
        let magnitudes = grid
            .positions(index)
            .map(|p| f64::from(values[p as usize].abs()));
        match norm {
            BlockNorm::Max => magnitudes.fold(0.0, f64::max) as f32,
            BlockNorm::L1 => (magnitudes.sum::<f64>() / entries) as f32,
            BlockNorm::L2 => (magnitudes.map(|m| m * m).sum::<f64>() / entries).sqrt() as f32,
        }
    };
    let scores: Vec<f32> = (0..grid.len()).into_par_iter().map(worth).collect();
    let best = top_k(&scores, density.count(grid.len() as u64) as usize)?;
    Ok(grid.mask(best))
}

pub(super) fn check(
    mask: &Mask,
    block: Block,
    density: Density,
    edges: Edges,
) -> Result<(), MaskError> {
    let grid = Grid::of(mask.shape(), block, edges);
    let mut n_active = 0;
    for index in 0..grid.len() {
        let entries = grid.positions(index).count() as u64;
        let active = grid.positions(index).filter(|&p| mask.contains(p)).count() as u64;
        if active > 0 {
            check_count("block", index as u64, active, entries)?;
            n_active += 1;
        }
    }
    check_count(
        "the number of blocks: it",
        0,
        n_active,
        density.count(grid.len() as u64),
    )?;
    let outside = grid.mask([]);
    let missing = outside.difference(mask)?.positions().next();
    match missing {
        Some(position) => Err(MaskError::NotAdmitted {
            what: "the entry outside all blocks at position",
            index: position,
            found: 0,
            expected: 1,
        }),
        None => Ok(()),
    }
}
