//! Blocks: entries that are active together or not at all.
//!
//! A block is `rows × cols` neighbouring entries. Whole kernels of a convolution are 1×(kh·kw)
//! blocks, groups of outputs that share their positions r×1 blocks. The best mask is that of the
//! best blocks, each scored by a norm of its entries.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::active::ActiveSet;
use super::units::Units;
use super::{Edges, check_count, check_finite, outside};
use crate::{Density, Mask, MaskError, MatrixShape, Part, top_k};

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
/// Entries beyond the edge of the matrix count as 0. Sums are formed in `f64`, divided by the
/// number of entries of a complete block and compared as `f32`: blocks whose norms agree to 2⁻²⁴
/// of them tie. Below 2⁻¹²⁶, where `f32` is subnormal, means are told apart to 2⁻¹⁵⁰ only: a large
/// block with one tiny entry ties with a block of zeros. [`BlockNorm::Max`] is exact.
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
    pub(super) const fn of(shape: MatrixShape, block: Block, edges: Edges) -> Self {
        let size = (shape.rows / block.rows, shape.cols / block.cols);
        let mut grid = Self { shape, block, size };
        if matches!(edges, Edges::Pad) {
            grid.size = grid.with_cut();
        }
        grid
    }

    /// Number of blocks.
    pub(super) const fn len(&self) -> usize {
        self.size.0 * self.size.1
    }

    /// Blocks down and across, those that an edge cuts off included.
    pub(super) const fn with_cut(&self) -> (usize, usize) {
        let Self { shape, block, .. } = self;
        (
            shape.rows.div_ceil(block.rows),
            shape.cols.div_ceil(block.cols),
        )
    }

    /// Positions of a block, ascending; fewer at a padded edge.
    pub(super) fn positions(&self, index: usize) -> impl Iterator<Item = u64> + use<> {
        let Self { shape, block, size } = *self;
        let (down, across) = (index / size.1, index % size.1);
        let rows = down * block.rows..end(shape.rows, down, block.rows);
        let cols = across * block.cols..end(shape.cols, across, block.cols);
        rows.flat_map(move |row| cols.clone().map(move |col| shape.position(row, col)))
    }

    /// The block that holds a position, if one does.
    pub(super) fn index_of(&self, position: u64) -> Option<usize> {
        let (row, col) = self.shape.row_col(position);
        self.index_at((row / self.block.rows, col / self.block.cols))
    }

    /// The block so many blocks down and across, if there is one.
    fn index_at(&self, (down, across): (usize, usize)) -> Option<usize> {
        (down < self.size.0 && across < self.size.1).then_some(down * self.size.1 + across)
    }

    /// Positions outside all blocks, ascending.
    fn outside(&self) -> impl Iterator<Item = u64> + use<> {
        let Self { shape, block, size } = *self;
        let below = shape.rows.min(size.0.saturating_mul(block.rows));
        let beside = shape.cols.min(size.1.saturating_mul(block.cols));
        (0..shape.rows).flat_map(move |row| {
            let first = if row < below { beside } else { 0 };
            (first..shape.cols).map(move |col| shape.position(row, col))
        })
    }

    /// The mask of these blocks, with every entry outside all blocks active.
    pub(super) fn mask(&self, blocks: impl IntoIterator<Item = usize>) -> Mask {
        let Self { shape, block, size } = *self;
        let (rows, cols) = (
            size.0.saturating_mul(block.rows),
            size.1.saturating_mul(block.cols),
        );
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

/// The blocks that are given up, ascending; each position lies in one.
pub(super) fn whole_blocks(grid: &Grid, released: &[u64]) -> Result<Vec<usize>, MaskError> {
    let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
    for index in released
        .iter()
        .filter_map(|&position| grid.index_of(position))
    {
        *counts.entry(index).or_default() += 1;
    }
    for (&index, &count) in &counts {
        let entries = grid.positions(index).count() as u64;
        if count != entries {
            return Err(MaskError::PartialUnit {
                position: grid.positions(index).next().unwrap_or(0),
                released: count,
                entries,
            });
        }
    }
    Ok(counts.into_keys().collect())
}

pub(super) fn project(
    shape: MatrixShape,
    values: &[f32],
    block: Block,
    norm: BlockNorm,
    density: Density,
    edges: Edges,
) -> Result<Mask, MaskError> {
    let grid = Grid::of(shape, block, edges);
    let entries = block.rows as f64 * block.cols as f64;
    // Means instead of sums, so that the worth of a block of finite entries is finite.
    let worth = |index: usize| {
        let magnitudes = grid
            .positions(index)
            .map(|p| f64::from(values[p as usize].abs()));
        match norm {
            BlockNorm::Max => magnitudes.fold(0.0, largest) as f32,
            BlockNorm::L1 => (magnitudes.sum::<f64>() / entries) as f32,
            BlockNorm::L2 => (magnitudes.map(|m| m * m).sum::<f64>() / entries).sqrt() as f32,
        }
    };
    let scores: Vec<f32> = (0..grid.len()).into_par_iter().map(worth).collect();
    let best = top_k(&scores, density.count(grid.len() as u64) as usize);
    let is_finite = |position: u64| values[position as usize].is_finite();
    if best.is_err() || (edges == Edges::Dense && !grid.outside().all(is_finite)) {
        // The worth of a block is finite exactly if its entries are.
        check_finite(values)?;
    }
    Ok(grid.mask(best?))
}

/// The larger of two magnitudes, and NaN if one is.
fn largest(all: f64, magnitude: f64) -> f64 {
    if all >= magnitude || all.is_nan() {
        all
    } else {
        magnitude
    }
}

/// Checks that every block is active as a whole or not at all, and every entry outside all blocks;
/// returns the number of active blocks.
pub(super) fn check(set: &impl ActiveSet, block: Block, edges: Edges) -> Result<u64, MaskError> {
    let shape = set.shape();
    let grid = Grid::of(shape, block, edges);
    let size = (block.rows, block.cols);
    let units = Units { shape, size, edges };
    let (mut n_blocks, mut n_outside) = (0, 0);
    for unit in set.units(units) {
        let n_active = unit.n_active as u64;
        let Some(index) = grid.index_at(unit.place) else {
            n_outside += n_active;
            continue;
        };
        let (height, width) = units.tile(unit.place).size;
        let entries = height as u64 * width as u64;
        check_count(Part::Block(index as u64), n_active, entries)?;
        n_blocks += 1;
    }
    if edges == Edges::Dense && n_outside < outside(shape, block.rows, block.cols) {
        for position in grid.outside().filter(|&position| !set.contains(position)) {
            check_count(Part::Entry(position), 0, 1)?;
        }
    }
    Ok(n_blocks)
}

/// One past the last row or column of a block, cut off at the edge.
fn end(side: usize, index: usize, unit: usize) -> usize {
    side.min((index + 1).saturating_mul(unit))
}
