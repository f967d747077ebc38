//! What the kernels need to know of a topology: two ways to walk its entries.
//!
//! A layout depends on the positions alone. Values stay where the parameter keeps them, in position
//! order, and are brought into the order of a tile shortly before it is multiplied: by rows they
//! are runs of neighbours, by columns (the input gradient walks the transposed matrix) every entry
//! names its value by index.

use std::sync::{Arc, Weak};

use rewire_mask::Topology;

use super::quads::are_quads;
use super::tiles::{ROWS, Tile, Tiles};

/// The tiles of a matrix and of its transpose.
///
/// Invariants: rows and columns of the tiles are those of the matrix, or the other way round;
/// sources and the runs of segments name entries of the topology.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The topology's identity.
    topology: Weak<()>,
    /// Nothing if every four rows share their positions: they are walked where they are.
    order: Option<Order>,
}

#[derive(Debug)]
struct Order {
    forward: Tiles,
    /// The topology's first entry of each segment.
    firsts: Vec<u32>,
    transposed: Tiles,
    /// The topology's entry that each of the transposed matrix is.
    sources: Vec<u32>,
}

impl Layout {
    /// As many entries as can be named by the 31 bits of an index.
    pub(crate) const MOST: usize = (1 << 31) - 1;

    /// Lists the entries of a topology in tiles of so many columns, and those of its transpose in
    /// tiles of as many rows.
    ///
    /// # Panics
    /// If there are more than [`Layout::MOST`] entries.
    pub(crate) fn new(topology: &Topology, width: usize) -> Self {
        let n_active = topology.n_active();
        assert!(n_active <= Self::MOST, "{n_active} entries in a layout");
        let order = || {
            let (forward, firsts) = by_rows(topology, width);
            let (transposed, sources) = by_columns(topology, width);
            Order {
                forward,
                firsts,
                transposed,
                sources,
            }
        };
        Self {
            topology: Arc::downgrade(topology.identity()),
            order: (!are_quads(topology)).then(order),
        }
    }

    /// Whether every four rows share their positions; there are no tiles then.
    pub(super) fn is_of_quads(&self) -> bool {
        self.order.is_none()
    }

    /// Whether this is the layout of that topology or of a clone.
    pub(crate) fn is_of(&self, topology: &Topology) -> bool {
        self.topology.as_ptr() == Arc::as_ptr(topology.identity())
    }

    /// Whether the topology still exists.
    pub(crate) fn is_needed(&self) -> bool {
        self.topology.strong_count() > 0
    }

    /// The tiles of a chunk of rows, each with the first entry of every segment.
    pub(super) fn forward(&self, chunk: usize) -> impl Iterator<Item = (Tile<'_>, &[u32])> {
        self.order.iter().flat_map(move |order| {
            let tiles = order.forward.of_chunk(chunk);
            tiles.map(|tile| {
                let firsts = &order.firsts[tile.numbers.clone()];
                (tile, firsts)
            })
        })
    }

    /// The tiles of a chunk of columns, each with the topology's index of every entry.
    pub(super) fn transposed(&self, chunk: usize) -> impl Iterator<Item = (Tile<'_>, &[u32])> {
        self.order.iter().flat_map(move |order| {
            let tiles = order.transposed.of_chunk(chunk);
            tiles.map(|tile| {
                let sources = &order.sources[tile.entries.clone()];
                (tile, sources)
            })
        })
    }
}

/// The tiles of a matrix, and the first entry of every segment.
fn by_rows(topology: &Topology, cols_per_tile: usize) -> (Tiles, Vec<u32>) {
    let shape = topology.shape();
    let columns = topology.columns();
    let mut tiles = Tiles::new(shape.cols, cols_per_tile, columns.len());
    let mut firsts = Vec::new();
    let mut next: Vec<usize> = topology.row_offsets()[..shape.rows].to_vec();
    let mut lens = Vec::with_capacity(ROWS);
    for first in (0..shape.rows).step_by(ROWS) {
        let chunk = first..shape.rows.min(first + ROWS);
        for block in 0..tiles.blocks() {
            let start = block * tiles.width();
            let limit = (start + tiles.width()) as u64;
            lens.clear();
            lens.extend(chunk.clone().map(|row| {
                let rest = &columns[next[row]..topology.row_range(row).end];
                rest.iter()
                    .take_while(|&&column| u64::from(column) < limit)
                    .count() as u16
            }));
            let segments = Tiles::order(&lens, block);
            let tile = firsts.len();
            firsts.extend(segments.iter().map(|segment| {
                let len = usize::from(segment.len);
                let next = &mut next[first + usize::from(segment.row)];
                *next += len;
                (*next - len) as u32
            }));
            let places = segments.iter().zip(&firsts[tile..]).flat_map(|(s, &at)| {
                let at = at as usize;
                columns[at..at + usize::from(s.len)]
                    .iter()
                    .map(move |&column| (column as usize - start) as u16)
            });
            tiles.push(&segments, places);
        }
    }
    (tiles, firsts)
}

/// The tiles of the transposed matrix, and the index of every entry.
fn by_columns(topology: &Topology, rows_per_tile: usize) -> (Tiles, Vec<u32>) {
    let shape = topology.shape();
    let n_active = topology.n_active();
    let mut tiles = Tiles::new(shape.rows, rows_per_tile, n_active);
    let (blocks, width) = (tiles.blocks(), tiles.width());
    // How many entries each column has in each block of rows.
    let mut counts = vec![0u32; shape.cols * blocks];
    for row in 0..shape.rows {
        for &column in topology.row(row) {
            counts[column as usize * blocks + row / width] += 1;
        }
    }
    let mut lens = Vec::with_capacity(ROWS);
    let mut order = Vec::new();
    let mut total = 0;
    for first in (0..shape.cols).step_by(ROWS) {
        let chunk = first..shape.cols.min(first + ROWS);
        for block in 0..blocks {
            lens.clear();
            lens.extend(
                chunk
                    .clone()
                    .map(|column| counts[column * blocks + block] as u16),
            );
            let segments = Tiles::order(&lens, block);
            for segment in &segments {
                let column = first + usize::from(segment.row);
                counts[column * blocks + block] = total;
                total += u32::from(segment.len);
            }
            order.push(segments);
        }
    }
    // Now they say where the next entry of a column and block goes.
    let mut sources = vec![0; n_active];
    let mut places = vec![0; n_active];
    for row in 0..shape.rows {
        let (block, place) = (row / width, (row % width) as u16);
        for (&column, index) in topology.row(row).iter().zip(topology.row_range(row)) {
            let next = &mut counts[column as usize * blocks + block];
            sources[*next as usize] = index as u32;
            places[*next as usize] = place;
            *next += 1;
        }
    }
    let mut rest = &places[..];
    for segments in &order {
        let n_entries = segments.iter().map(|s| usize::from(s.len)).sum();
        let (own, behind) = rest.split_at(n_entries);
        tiles.push(segments, own.iter().copied());
        rest = behind;
    }
    (tiles, sources)
}

#[cfg(test)]
mod tests;
