//! What a mask and a topology have in common: active entries, row by row.

use super::units::{Unit, Units};
use crate::{Mask, MatrixShape, Topology};

/// A set of active entries, which a pattern can check.
pub(super) trait ActiveSet {
    fn shape(&self) -> MatrixShape;

    fn n_active(&self) -> u64;

    /// Whether a position of the matrix is active.
    fn contains(&self, position: u64) -> bool;

    /// Row and column of every active entry, in the order of their positions.
    fn entries(&self) -> impl Iterator<Item = (usize, usize)>;

    /// The units with active entries.
    fn units(&self, units: Units) -> Vec<Unit> {
        units.active(self.entries().map(|place| (place, 0.0)))
    }
}

impl ActiveSet for Mask {
    fn shape(&self) -> MatrixShape {
        self.shape()
    }

    fn n_active(&self) -> u64 {
        self.n_active()
    }

    fn contains(&self, position: u64) -> bool {
        self.contains(position)
    }

    fn entries(&self) -> impl Iterator<Item = (usize, usize)> {
        let cols = self.shape().cols as u64;
        let (mut row, mut start) = (0, 0);
        // Rows are counted along, which spares a division per entry.
        self.positions().map(move |position| {
            while position - start >= cols {
                row += 1;
                start += cols;
            }
            (row, (position - start) as usize)
        })
    }
}

impl ActiveSet for Topology {
    fn shape(&self) -> MatrixShape {
        self.shape()
    }

    fn n_active(&self) -> u64 {
        self.n_active() as u64
    }

    fn contains(&self, position: u64) -> bool {
        self.contains(position)
    }

    fn entries(&self) -> impl Iterator<Item = (usize, usize)> {
        let row = |row| self.row(row).iter().map(move |&col| (row, col as usize));
        (0..self.shape().rows).flat_map(row)
    }
}
