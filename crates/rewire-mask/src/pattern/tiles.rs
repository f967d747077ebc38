//! Tiles of a transposable pattern: which entries they hold, and how many of them are active.

use super::active::ActiveSet;
use super::lanes::or_bits;
use super::{Edges, check_count};
use crate::{MaskError, MatrixShape, Nm, Part, Topology};

/// The largest side of a tile.
pub(super) const SIDE: usize = 32;

/// One tile of a matrix, cut off at its edges.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    /// First row.
    pub(super) row: usize,
    /// First column.
    pub(super) col: usize,
    /// Rows and columns.
    pub(super) size: (usize, usize),
}

/// The tiles of a matrix, row by row.
pub(super) fn tiles(shape: MatrixShape, of: usize) -> impl Iterator<Item = Tile> {
    let rows = (0..shape.rows).step_by(of);
    rows.flat_map(move |row| tiles_of_row(shape, of, row))
}

/// The tiles that begin in this row, from left to right.
pub(super) fn tiles_of_row(
    shape: MatrixShape,
    of: usize,
    row: usize,
) -> impl Iterator<Item = Tile> {
    (0..shape.cols).step_by(of).map(move |col| Tile {
        row,
        col,
        size: (of.min(shape.rows - row), of.min(shape.cols - col)),
    })
}

/// Sets the bits of a tile, given the columns each row keeps.
pub(super) fn write_tile(shape: MatrixShape, tile: Tile, kept: &[u32; SIDE], words: &mut [u64]) {
    let (height, width) = tile.size;
    for (row, bits) in kept[..height].iter().enumerate() {
        let at = shape.position(tile.row + row, tile.col) as usize;
        or_bits(words, at, u64::from(*bits) & ((1 << width) - 1), width);
    }
}

/// The tiles that hold released positions, in their order.
pub(super) fn touched_tiles(shape: MatrixShape, of: usize, released: &[u64]) -> Vec<Tile> {
    let mut corners: Vec<(usize, usize)> = released
        .iter()
        .map(|&position| {
            let (row, col) = shape.row_col(position);
            (row - row % of, col - col % of)
        })
        .collect();
    corners.sort_unstable();
    corners.dedup();
    let tile = |(row, col)| Tile {
        row,
        col,
        size: (of.min(shape.rows - row), of.min(shape.cols - col)),
    };
    corners.into_iter().map(tile).collect()
}

/// The active positions of a tile, ascending.
pub(super) fn active_positions(topology: &Topology, tile: Tile) -> Vec<u64> {
    let shape = topology.shape();
    let mut positions = Vec::new();
    for row in tile.row..tile.row + tile.size.0 {
        let columns = topology.row(row);
        let from = columns.partition_point(|&col| (col as usize) < tile.col);
        let inside = columns[from..].iter().map(|&col| col as usize);
        let inside = inside.take_while(|&col| col < tile.col + tile.size.1);
        positions.extend(inside.map(|col| shape.position(row, col)));
    }
    positions
}

/// The positions of a tile that no survivor holds, ascending.
pub(super) fn free_positions(topology: &Topology, tile: Tile, released: &[u64]) -> Vec<u64> {
    let shape = topology.shape();
    let active = active_positions(topology, tile);
    let rows = tile.row..tile.row + tile.size.0;
    let all = rows.flat_map(|row| {
        (tile.col..tile.col + tile.size.1).map(move |col| shape.position(row, col))
    });
    let survives = |p: &u64| active.binary_search(p).is_ok() && released.binary_search(p).is_err();
    all.filter(|position| !survives(position)).collect()
}

/// How many entries the rows and columns of a tile keep.
///
/// A complete tile keeps N everywhere. One that the edge cuts off keeps as many as it can with at
/// most N per row and column: then either all its rows are full, or all its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// The most a row keeps.
    pub(super) row: usize,
    /// The most a column keeps.
    pub(super) col: usize,
    /// What the tile keeps.
    pub(super) total: usize,
    /// Whether every row keeps that many.
    pub(super) rows_are_full: bool,
    /// Whether every column keeps that many.
    pub(super) cols_are_full: bool,
}

impl Limits {
    pub(super) fn of(nm: Nm, (height, width): (usize, usize)) -> Self {
        let keep = usize::from(nm.keep);
        let (row, col) = (keep.min(width), keep.min(height));
        let total = (height * row).min(width * col);
        Self {
            row,
            col,
            total,
            rows_are_full: total == height * row,
            cols_are_full: total == width * col,
        }
    }

    /// A tile that an edge leaves dense.
    fn dense((height, width): (usize, usize)) -> Self {
        Self {
            row: width,
            col: height,
            total: height * width,
            rows_are_full: true,
            cols_are_full: true,
        }
    }

    /// Checks a tile by the active entries of its rows and columns. All rows are full or all
    /// columns, so the entries of the tile are as many as they should be.
    fn check(&self, tile: u64, in_rows: &[usize], in_cols: &[usize]) -> Result<(), MaskError> {
        let is_wrong =
            |found: usize, most: usize, is_full: bool| found > most || (is_full && found < most);
        for (row, &found) in in_rows.iter().enumerate() {
            if is_wrong(found, self.row, self.rows_are_full) {
                let part = Part::TileRow { tile, row };
                check_count(part, found as u64, self.row as u64)?;
            }
        }
        for (column, &found) in in_cols.iter().enumerate() {
            if is_wrong(found, self.col, self.cols_are_full) {
                let part = Part::TileColumn { tile, column };
                check_count(part, found as u64, self.col as u64)?;
            }
        }
        Ok(())
    }
}

/// Checks that every tile has its pattern.
pub(super) fn check(set: &impl ActiveSet, nm: Nm, edges: Edges) -> Result<(), MaskError> {
    let shape = set.shape();
    let of = usize::from(nm.of);
    let across = shape.cols.div_ceil(of);
    let mut entries = set.entries().peekable();
    // The counts of one row of tiles: rows tile by tile, and columns from left to right.
    let (mut in_rows, mut in_cols) = (vec![0; of * across], vec![0; shape.cols]);
    for first in (0..shape.rows).step_by(of) {
        in_rows.fill(0);
        in_cols.fill(0);
        while let Some((row, col)) = entries.next_if(|&(row, _)| row < first + of) {
            in_rows[col / of * of + row - first] += 1;
            in_cols[col] += 1;
        }
        for (index, tile) in tiles_of_row(shape, of, first).enumerate() {
            let number = (first / of * across + index) as u64;
            let rows = &in_rows[index * of..index * of + tile.size.0];
            let cols = &in_cols[tile.col..tile.col + tile.size.1];
            let limits = if edges == Edges::Dense && tile.size != (of, of) {
                Limits::dense(tile.size)
            } else {
                Limits::of(nm, tile.size)
            };
            limits.check(number, rows, cols)?;
        }
    }
    Ok(())
}
