//! What part of a mask an error is about.

use std::fmt;

/// A part of a mask, as errors name it. All numbers begin at 0; groups are counted line by line,
/// tiles and blocks row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The mask as a whole.
    Mask,
    /// A row of the matrix.
    Row(u64),
    /// A group of a line.
    Group(u64),
    /// A row of a tile of a transposable pattern.
    TileRow {
        /// The tile.
        tile: u64,
        /// The row within the tile.
        row: usize,
    },
    /// A column of a tile of a transposable pattern.
    TileColumn {
        /// The tile.
        tile: u64,
        /// The column within the tile.
        column: usize,
    },
    /// A block.
    Block(u64),
    /// All blocks, which are counted instead of their entries.
    Blocks,
    /// The entry at a flat position, which an edge leaves dense.
    Entry(u64),
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mask => write!(formatter, "the mask"),
            Self::Row(row) => write!(formatter, "row {row}"),
            Self::Group(group) => write!(formatter, "group {group}"),
            Self::TileRow { tile, row } => write!(formatter, "row {row} of tile {tile}"),
            Self::TileColumn { tile, column } => {
                write!(formatter, "column {column} of tile {tile}")
            }
            Self::Block(block) => write!(formatter, "block {block}"),
            Self::Blocks => write!(formatter, "the mask"),
            Self::Entry(position) => write!(formatter, "position {position}"),
        }
    }
}
