//! The sorted active positions of a matrix: what active storage is stored by.
//!
//! Row offsets and 32-bit columns, ascending within a row (compressed sparse rows without
//! values). Memory is `4 · n_active + 8 · (rows + 1)` bytes, never `rows · cols`, so a
//! 300 000 × 300 000 layer with a million weights takes 6.4 MB. The k-th active position owns the
//! k-th element of every per-weight column (values, momentum, ages): an index into a topology is
//! an index into those columns.
//!
//! A topology is immutable. It changes only by [`Topology::apply`], which also says how the
//! columns have to be rearranged.

mod apply;

use std::ops::Range;
use std::sync::Arc;

use crate::mask::fraction;
use crate::positions::first_from;
use crate::{Mask, MaskError, MatrixShape};

/// Which entries of a matrix are active, as sorted positions.
///
/// # Examples
/// ```
/// use rewire_mask::{MatrixShape, Topology};
///
/// let topology = Topology::from_positions(MatrixShape::new(3, 4), [1, 2, 11])?;
/// assert_eq!(topology.row(0), [1, 2]);
/// assert_eq!(topology.row(2), [3]);
/// assert_eq!(topology.index_of(11), Some(2));
/// assert_eq!(topology.position(2), 11);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    shape: MatrixShape,
    row_offsets: Vec<usize>,
    columns: Vec<u32>,
    identity: Identity,
}

/// What a topology shares with its clones and with nothing else; says nothing about equality.
#[derive(Clone, Debug, Default)]
struct Identity(Arc<()>);

impl PartialEq for Identity {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Identity {}

impl Topology {
    /// The topology without active entries.
    ///
    /// # Panics
    /// If the number of columns does not fit in 32 bits.
    pub fn empty(shape: MatrixShape) -> Self {
        assert_columns(shape);
        Self {
            shape,
            row_offsets: vec![0; shape.rows + 1],
            columns: Vec::new(),
            identity: Identity::default(),
        }
    }

    /// The topology with every entry active.
    ///
    /// # Panics
    /// If the number of columns does not fit in 32 bits.
    pub fn full(shape: MatrixShape) -> Self {
        let cols = assert_columns(shape);
        Self {
            shape,
            row_offsets: (0..=shape.rows).map(|row| row * shape.cols).collect(),
            columns: (0..shape.rows).flat_map(|_| 0..cols).collect(),
            identity: Identity::default(),
        }
    }

    /// The topology of these strictly ascending positions.
    ///
    /// # Errors
    /// [`MaskError::NotAscending`] for a position that is not larger than the one before,
    /// [`MaskError::OutOfRange`] for one beyond the last entry, [`MaskError::TooManyColumns`] if
    /// the number of columns does not fit in 32 bits.
    pub fn from_positions(
        shape: MatrixShape,
        positions: impl IntoIterator<Item = u64>,
    ) -> Result<Self, MaskError> {
        check_columns(shape)?;
        let len = shape.len();
        let positions = positions.into_iter();
        let mut row_offsets = vec![0; shape.rows + 1];
        let mut columns = Vec::with_capacity(positions.size_hint().0);
        let mut previous = None;
        for position in positions {
            if position >= len {
                return Err(MaskError::OutOfRange { position, shape });
            }
            if let Some(previous) = previous.filter(|&previous| previous >= position) {
                return Err(MaskError::NotAscending { previous, position });
            }
            previous = Some(position);
            let (row, col) = shape.row_col(position);
            row_offsets[row + 1] += 1;
            columns.push(col as u32);
        }
        accumulate(&mut row_offsets);
        Ok(Self {
            shape,
            row_offsets,
            columns,
            identity: Identity::default(),
        })
    }

    /// The topology of the active entries of a mask.
    ///
    /// # Panics
    /// If the number of columns does not fit in 32 bits.
    pub fn from_mask(mask: &Mask) -> Self {
        Self::from_positions(mask.shape(), mask.positions())
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// The topology with these row offsets and columns, as [`Topology::row_offsets`] and
    /// [`Topology::columns`] give them.
    ///
    /// # Errors
    /// [`MaskError::OffsetCount`] unless there are rows + 1 offsets, [`MaskError::Offsets`] unless
    /// they start at 0, never descend and end at the number of columns,
    /// [`MaskError::ColumnOutOfRange`] and [`MaskError::NotAscending`] unless the columns of each
    /// row ascend strictly inside the matrix, [`MaskError::TooManyColumns`] if the number of
    /// columns does not fit in 32 bits.
    pub fn from_parts(
        shape: MatrixShape,
        row_offsets: Vec<usize>,
        columns: Vec<u32>,
    ) -> Result<Self, MaskError> {
        let cols = check_columns(shape)?;
        let (found, expected) = (row_offsets.len(), shape.rows + 1);
        if found != expected {
            return Err(MaskError::OffsetCount {
                found,
                expected,
                shape,
            });
        }
        let n_active = columns.len();
        let offsets_error = |row: usize, start, end| MaskError::Offsets {
            row,
            start,
            end,
            n_active,
        };
        if row_offsets[0] != 0 || (shape.rows == 0 && n_active != 0) {
            return Err(offsets_error(0, row_offsets[0], n_active));
        }
        for row in 0..shape.rows {
            let (start, end) = (row_offsets[row], row_offsets[row + 1]);
            let is_last = row + 1 == shape.rows;
            if start > end || end > n_active || (is_last && end != n_active) {
                return Err(offsets_error(row, start, end));
            }
            let entries = &columns[start..end];
            if let Some(&column) = entries.iter().find(|&&column| column >= cols) {
                return Err(MaskError::ColumnOutOfRange { row, column, shape });
            }
            if let Some(pair) = entries.windows(2).find(|pair| pair[0] >= pair[1]) {
                return Err(MaskError::NotAscending {
                    previous: shape.position(row, pair[0] as usize),
                    position: shape.position(row, pair[1] as usize),
                });
            }
        }
        Ok(Self {
            shape,
            row_offsets,
            columns,
            identity: Identity::default(),
        })
    }

    /// The mask of the active entries. Memory: one bit per entry of the matrix.
    pub fn to_mask(&self) -> Mask {
        let mut mask = Mask::empty(self.shape);
        for position in self.positions() {
            mask.insert(position);
        }
        mask
    }

    /// The matrix this is a topology of.
    pub const fn shape(&self) -> MatrixShape {
        self.shape
    }

    /// A pointer that this topology shares with its clones and with no other, so that whoever
    /// derives something from a topology can find it again: a [`Weak`](std::sync::Weak) of it
    /// stays different from every other one and says whether the topology still exists.
    pub const fn identity(&self) -> &Arc<()> {
        &self.identity.0
    }

    /// Number of active entries, which is the length of every per-weight column.
    pub fn n_active(&self) -> usize {
        self.columns.len()
    }

    /// Number of inactive entries.
    pub fn n_inactive(&self) -> u64 {
        self.shape.len() - self.columns.len() as u64
    }

    /// The active fraction; 0 for a matrix without entries.
    pub fn density(&self) -> f64 {
        fraction(self.columns.len() as u64, self.shape)
    }

    /// The active columns of a row, ascending.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[u32] {
        &self.columns[self.row_range(row)]
    }

    /// The indices of a row's entries in every per-weight column.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row_range(&self, row: usize) -> Range<usize> {
        self.row_offsets[row]..self.row_offsets[row + 1]
    }

    /// Where each row starts, and as the last element the number of active entries: rows + 1
    /// offsets.
    pub fn row_offsets(&self) -> &[usize] {
        &self.row_offsets
    }

    /// The columns of all active entries, row by row.
    pub fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// The active positions, ascending.
    pub fn positions(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.shape.rows).flat_map(move |row| {
            let start = self.shape.position(row, 0);
            self.row(row).iter().map(move |&col| start + u64::from(col))
        })
    }

    /// The position of the entry with this index. Cost: O(log rows).
    ///
    /// # Panics
    /// If there are not that many active entries.
    pub fn position(&self, index: usize) -> u64 {
        let col = self.columns[index] as usize;
        // Empty rows share their offset with the next row: the last row that starts at or before
        // the index is the one that holds it.
        let row = self.row_offsets.partition_point(|&start| start <= index) - 1;
        self.shape.position(row, col)
    }

    /// The positions of the entries with these ascending indices, ascending.
    ///
    /// # Cost
    /// O(rows + indices).
    ///
    /// # Panics
    /// If an index is not below the number of active entries, or if the indices do not ascend
    /// from row to row.
    pub fn positions_at(&self, indices: &[usize]) -> Vec<u64> {
        let mut positions = Vec::with_capacity(indices.len());
        let mut from = 0;
        for (row, &end) in self.row_offsets[1..].iter().enumerate() {
            let until = first_from(indices, from, end);
            let start = self.shape.position(row, 0);
            let position = |&index: &usize| start + u64::from(self.columns[index]);
            positions.extend(indices[from..until].iter().map(position));
            from = until;
        }
        assert_eq!(
            from,
            indices.len(),
            "indices of {} entries",
            self.columns.len()
        );
        positions
    }

    /// The index of an active position in every per-weight column, or nothing if it is inactive
    /// or beyond the last entry. Cost: O(log row length).
    pub fn index_of(&self, position: u64) -> Option<usize> {
        if position >= self.shape.len() {
            return None;
        }
        let (row, col) = self.shape.row_col(position);
        let found = self.row(row).binary_search(&(col as u32)).ok()?;
        Some(self.row_offsets[row] + found)
    }

    /// Whether the position is active; false beyond the last entry. Cost: O(log row length).
    pub fn contains(&self, position: u64) -> bool {
        self.index_of(position).is_some()
    }
}

fn check_columns(shape: MatrixShape) -> Result<u32, MaskError> {
    u32::try_from(shape.cols).map_err(|_| MaskError::TooManyColumns { shape })
}

fn assert_columns(shape: MatrixShape) -> u32 {
    check_columns(shape).unwrap_or_else(|error| panic!("{error}"))
}

/// Turns counts at `[1..]` into offsets.
fn accumulate(row_offsets: &mut [usize]) {
    let mut total = 0;
    for offset in row_offsets {
        total += *offset;
        *offset = total;
    }
}
