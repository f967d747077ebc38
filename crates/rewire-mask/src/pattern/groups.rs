//! Groups of a line: consecutive entries of which a number is active.
//!
//! Groups are numbered line by line. A group that the end of its line cuts off is shorter. A row
//! with constant fan-in is one group, as long as the row.

use std::collections::BTreeMap;

use super::active::ActiveSet;
use super::{Edges, Pattern, check_count};
use crate::{Lines, MaskError, MatrixShape, Part};

/// The groups that the lines of a matrix are cut into.
///
/// # Examples
/// ```
/// use rewire_mask::{Lines, MatrixShape};
///
/// // Two rows of five in groups of four: each row ends in a group of one.
/// let groups = Lines::Inputs.groups(MatrixShape::new(2, 5), 4)?;
/// assert_eq!(groups.len(), 4);
/// assert_eq!(groups.at(1, 3), 2);
/// assert_eq!(groups.positions(2).collect::<Vec<_>>(), [5, 6, 7, 8]);
/// assert_eq!(groups.size(3), 1);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups {
    pub(super) along: Lines,
    shape: MatrixShape,
    /// Entries of a complete group.
    pub(super) of: usize,
    /// Entries of a line.
    line: usize,
    /// Groups of a line.
    per_line: usize,
    /// Groups of the matrix.
    len: usize,
}

impl Lines {
    /// The groups of `of` entries that these lines are cut into, each line from its first entry.
    ///
    /// # Errors
    /// [`MaskError::Taps`] if the columns are not whole kernels.
    ///
    /// # Panics
    /// If `of` is 0, or the number of entries does not fit in 64 bits.
    pub fn groups(self, shape: MatrixShape, of: usize) -> Result<Groups, MaskError> {
        assert!(of > 0, "groups of {of} have no entries");
        let (lines, line) = (self.count(shape)?, self.len(shape)?);
        let per_line = line.div_ceil(of);
        Ok(Groups {
            along: self,
            shape,
            of,
            line,
            per_line,
            len: lines * per_line,
        })
    }
}

impl Groups {
    /// Number of groups.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none, because the matrix has no entries.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The group that holds an entry of the matrix. The entry is not checked to exist.
    pub const fn at(&self, row: usize, col: usize) -> usize {
        let (line, entry) = self.along.place_of(self.shape, row, col);
        line * self.per_line + entry / self.of
    }

    /// Number of entries of a group: fewer for one that the end of its line cuts off.
    ///
    /// # Panics
    /// If there are no groups.
    pub fn size(&self, group: usize) -> usize {
        self.of.min(self.line - group % self.per_line * self.of)
    }

    /// The positions of a group, in the order of its line.
    ///
    /// # Panics
    /// If there are no groups.
    pub fn positions(&self, group: usize) -> impl Iterator<Item = u64> + use<> {
        let Self { along, shape, .. } = *self;
        let (line, first) = (group / self.per_line, group % self.per_line * self.of);
        let entries = first..first + self.size(group);
        entries.map(move |entry| along.position(shape, line, entry))
    }
}

/// Groups with the number of active entries of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grouping {
    pub(super) groups: Groups,
    keep: usize,
    edges: Edges,
}

impl Grouping {
    /// The groups of a pattern that is made of them.
    pub(super) fn of(pattern: &Pattern, shape: MatrixShape) -> Result<Option<Self>, MaskError> {
        let (along, of, keep, edges) = match *pattern {
            Pattern::Nm { nm, along, edges } => (along, nm.of.into(), nm.keep.into(), edges),
            Pattern::FanIn { keep } => (Lines::Inputs, shape.cols.max(1), keep, Edges::Reject),
            Pattern::Unstructured { .. }
            | Pattern::TransposableNm { .. }
            | Pattern::Blocks { .. } => return Ok(None),
        };
        Self::cut(shape, along, of, keep, edges).map(Some)
    }

    /// The groups of `of` entries along lines, `keep` of each active.
    pub(super) fn cut(
        shape: MatrixShape,
        along: Lines,
        of: usize,
        keep: usize,
        edges: Edges,
    ) -> Result<Self, MaskError> {
        Ok(Self {
            groups: along.groups(shape, of)?,
            keep,
            edges,
        })
    }

    /// How many entries of a group are active.
    pub(super) fn keep(&self, group: usize) -> usize {
        if self.is_left_dense(group) {
            self.groups.size(group)
        } else {
            self.keep.min(self.groups.size(group))
        }
    }

    /// Whether a group stays dense at an edge.
    pub(super) fn is_left_dense(&self, group: usize) -> bool {
        self.edges == Edges::Dense && self.groups.size(group) < self.groups.of
    }

    /// Whether there are groups that stay dense at an edge.
    pub(super) fn has_dense_groups(&self) -> bool {
        self.edges == Edges::Dense && !self.groups.line.is_multiple_of(self.groups.of)
    }

    /// What errors call a group: a group that fills a row is called by the row.
    pub(super) fn part(&self, group: usize) -> Part {
        if self.groups.along == Lines::Inputs && self.groups.per_line == 1 {
            Part::Row(group as u64)
        } else {
            Part::Group(group as u64)
        }
    }

    /// The positions of every group that holds some of them.
    pub(super) fn touched(&self, positions: &[u64]) -> BTreeMap<usize, Vec<u64>> {
        let mut groups: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for &position in positions {
            let group = self.group_of(position);
            groups.entry(group).or_default().push(position);
        }
        groups
    }

    /// The group that holds a position.
    pub(super) fn group_of(&self, position: u64) -> usize {
        let (row, col) = self.groups.shape.row_col(position);
        self.groups.at(row, col)
    }

    /// Checks that every group has its number of active entries.
    pub(super) fn check(&self, set: &impl ActiveSet) -> Result<(), MaskError> {
        // Of more groups than there are active entries one is empty, which only rows that keep
        // nothing may be; so the first group that is wrong is among as many as are active, and one.
        let n_counted = match self.keep {
            0 => self.groups.len(),
            _ => (set.n_active() as usize)
                .saturating_add(1)
                .min(self.groups.len()),
        };
        let mut counts = vec![0u64; n_counted];
        for (row, col) in set.entries() {
            if let Some(count) = counts.get_mut(self.groups.at(row, col)) {
                *count += 1;
            }
        }
        counts.iter().enumerate().try_for_each(|(group, &found)| {
            check_count(self.part(group), found, self.keep(group) as u64)
        })
    }
}
