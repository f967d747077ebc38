//! Rectangles of a matrix that move as a whole: tiles of a transposable pattern, and blocks.
//!
//! Active entries come row by row, so the units of one band of rows are known before those of the
//! next begin. That takes the memory of one band and of what is active, however large the matrix.

use super::{Edges, Tile};
use crate::MatrixShape;

/// How a matrix is cut into rectangles, those that its edges cut off included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Units {
    pub(super) shape: MatrixShape,
    /// Rows and columns of a complete unit, at least 1 each.
    pub(super) size: (usize, usize),
    pub(super) edges: Edges,
}

/// A unit with active entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    /// Its place among the units, down and across.
    pub(super) place: (usize, usize),
    /// Its active entries.
    pub(super) n_active: usize,
    /// The sum of their values.
    pub(super) sum: f64,
}

impl Units {
    /// Whether an entry lies in a unit that stays dense at an edge.
    pub(super) fn is_left_dense(&self, row: usize, col: usize) -> bool {
        let (rows, cols) = self.size;
        let MatrixShape {
            rows: height,
            cols: width,
        } = self.shape;
        self.edges == Edges::Dense && (row >= height - height % rows || col >= width - width % cols)
    }

    /// The rectangle of a unit.
    pub(super) fn tile(&self, (down, across): (usize, usize)) -> Tile {
        let (rows, cols) = self.size;
        let (row, col) = (down * rows, across * cols);
        Tile {
            row,
            col,
            size: (
                rows.min(self.shape.rows - row),
                cols.min(self.shape.cols - col),
            ),
        }
    }

    /// The units with active entries, row by row, of entries in the order of their positions, each
    /// with a value.
    pub(super) fn active(&self, entries: impl Iterator<Item = ((usize, usize), f64)>) -> Vec<Unit> {
        let (rows, cols) = self.size;
        let mut units: Vec<Unit> = Vec::new();
        // Where the unit of the band that holds a column stands in the list, if it has begun.
        let mut in_band: Vec<Option<usize>> = vec![None; self.shape.cols.div_ceil(cols)];
        let (mut band, mut first) = (0, 0);
        let sort = |units: &mut [Unit]| units.sort_unstable_by_key(|unit| unit.place);
        for ((row, col), value) in entries {
            if row / rows != band {
                units[first..]
                    .iter()
                    .for_each(|unit| in_band[unit.place.1] = None);
                sort(&mut units[first..]);
                (band, first) = (row / rows, units.len());
            }
            let across = col / cols;
            let index = *in_band[across].get_or_insert(units.len());
            if index == units.len() {
                units.push(Unit {
                    place: (band, across),
                    n_active: 0,
                    sum: 0.0,
                });
            }
            units[index].n_active += 1;
            units[index].sum += value;
        }
        sort(&mut units[first..]);
        units
    }
}
