//! The entries of a sparse matrix in the order in which the kernels visit them.
//!
//! A matrix is cut into *tiles*, chunks of [`ROWS`] rows by blocks of columns, so that what the
//! columns of a tile name (the samples of some features) stays in the nearest cache while all rows
//! of the tile read it. What a row has in a tile is a [`Segment`]. Within a tile segments are
//! sorted by their length: loops that follow each other then end after the same number of steps,
//! which the processor foresees.

use std::ops::Range;

/// Rows of a chunk.
pub(crate) const ROWS: usize = 512;

/// The entries of one row in one tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The row, counted from the first of its chunk.
    pub(super) row: u16,
    /// Number of entries.
    pub(super) len: u16,
}

/// The segments of a matrix, tile by tile.
///
/// Invariants: the segments of a tile are sorted by length; chunk c covers the rows from `c · ROWS` on; the first tile of each chunk has a
/// segment for every row, though it be empty; every entry lies in exactly one segment; its place
/// is below the number of columns of its block; the entries of a row come in ascending order of
/// columns from tile to tile.
#[derive(Debug, Default)]
pub(super) struct Tiles {
    segments: Vec<Segment>,
    /// The column of every entry, counted from the first of its block.
    places: Vec<u16>,
    /// Where segments and entries of each tile begin, chunk by chunk, and where the last ones end.
    starts: Vec<(usize, usize)>,
    /// Blocks of columns, at least 1.
    blocks: usize,
    /// Columns of a block.
    width: usize,
}

/// One tile.
#[derive(Clone, Debug)]
pub(super) struct Tile<'a> {
    /// Its segments, the shortest first.
    pub(super) segments: &'a [Segment],
    /// Which of all segments they are.
    pub(super) numbers: Range<usize>,
    /// The column of every entry, counted from the first of the block, segment by segment.
    pub(super) places: &'a [u16],
    /// Which of all entries they are.
    pub(super) entries: Range<usize>,
    /// The first column of the block.
    pub(super) first_column: usize,
}

impl Tiles {
    /// Tiles of blocks of at most `width` columns, with room for the entries of a matrix.
    pub(super) fn new(cols: usize, width: usize, n_entries: usize) -> Self {
        let width = width.clamp(1, usize::from(u16::MAX));
        Self {
            segments: Vec::new(),
            places: Vec::with_capacity(n_entries),
            starts: vec![(0, 0)],
            blocks: cols.div_ceil(width).max(1),
            width,
        }
    }

    /// Columns of a block.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// Blocks of columns.
    pub(super) const fn blocks(&self) -> usize {
        self.blocks
    }

    /// The order of a tile's rows: by number of entries, then by row. `lens` has the number of each
    /// row of a chunk; rows without entries only count in the first tile.
    pub(super) fn order(lens: &[u16], block: usize) -> Vec<Segment> {
        let rows = (0..).zip(lens).map(|(row, &len)| Segment { row, len });
        let mut order: Vec<Segment> = rows.filter(|s| block == 0 || s.len > 0).collect();
        order.sort_unstable_by_key(|segment| (segment.len, segment.row));
        order
    }

    /// Adds a tile, whose entries are these columns of its block, segment by segment.
    ///
    /// # Panics
    /// If a segment is shorter than the one before, if there are not as many entries as the
    /// segments say, or if one is not below the block's width.
    pub(super) fn push(&mut self, segments: &[Segment], places: impl IntoIterator<Item = u16>) {
        assert!(segments.is_sorted_by_key(|segment| segment.len));
        let (_, first) = self.starts[self.starts.len() - 1];
        self.segments.extend_from_slice(segments);
        self.places.extend(places);
        let n_entries: usize = segments.iter().map(|s| usize::from(s.len)).sum();
        let added = &self.places[first..];
        assert_eq!(added.len(), n_entries, "entries of a tile");
        assert!(added.iter().all(|&place| usize::from(place) < self.width));
        self.starts.push((self.segments.len(), self.places.len()));
    }

    /// The tiles of a chunk, by ascending columns.
    pub(super) fn of_chunk(&self, chunk: usize) -> impl Iterator<Item = Tile<'_>> {
        let starts = &self.starts[chunk * self.blocks..(chunk + 1) * self.blocks + 1];
        starts.windows(2).enumerate().map(|(block, bounds)| {
            let numbers = bounds[0].0..bounds[1].0;
            let entries = bounds[0].1..bounds[1].1;
            Tile {
                segments: &self.segments[numbers.clone()],
                numbers,
                places: &self.places[entries.clone()],
                entries,
                first_column: block * self.width,
            }
        })
    }
}
