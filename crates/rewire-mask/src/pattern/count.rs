//! How many entries of a mask are active, where the shape decides it.

use super::blocks::Grid;
use super::{Edges, Pattern};
use crate::{Block, MaskError, MatrixShape};

impl Pattern {
    /// The number of active entries of every mask of this pattern; nothing where masks differ in
    /// it, because blocks or tiles that a padded edge cuts off have fewer.
    ///
    /// # Examples
    /// ```
    /// use rewire_mask::{Edges, MatrixShape, Nm, Pattern};
    ///
    /// let pattern = Pattern::TransposableNm {
    ///     nm: Nm { keep: 2, of: 4 },
    ///     edges: Edges::Dense,
    /// };
    /// // Four tiles of eight entries each, and two rows of eight that stay dense.
    /// assert_eq!(pattern.n_active(MatrixShape::new(10, 8))?, Some(4 * 8 + 16));
    /// # Ok::<(), rewire_mask::MaskError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Pattern::edge_report`].
    ///
    /// # Panics
    /// As [`Pattern::edge_report`].
    pub fn n_active(&self, shape: MatrixShape) -> Result<Option<u64>, MaskError> {
        let report = self.edge_report(shape)?;
        let whole = shape.len() - report.ragged;
        Ok(match *self {
            Self::Unstructured { density } => Some(density.count(shape.len())),
            Self::FanIn { keep } => Some(shape.rows as u64 * keep as u64),
            Self::Nm { nm, along, edges } => {
                let (keep, of) = (u64::from(nm.keep), u64::from(nm.of));
                let tails = match edges {
                    Edges::Reject | Edges::Dense => report.left_dense,
                    Edges::Pad => {
                        let tail = along.len(shape)? as u64 % of;
                        along.count(shape)? as u64 * keep.min(tail)
                    }
                };
                Some(whole / of * keep + tails)
            }
            Self::TransposableNm { nm, edges } => {
                let complete = whole / u64::from(nm.of) * u64::from(nm.keep);
                (edges != Edges::Pad || report.ragged == 0).then_some(complete + report.left_dense)
            }
            Self::Blocks {
                block,
                density,
                edges,
                ..
            } => {
                let Block { rows, cols } = block;
                let blocks = Grid::of(shape, block, edges).len() as u64;
                let entries = || density.count(blocks) * (rows as u64 * cols as u64);
                (edges != Edges::Pad || report.ragged == 0).then(|| entries() + report.left_dense)
            }
        })
    }
}
