//! How a per-weight column is carried from one topology to the next.
//!
//! After a rewiring the survivors keep their order, so the new column is a sequence of runs:
//! stretches copied from the old one, and stretches of grown entries. One list serves every
//! column of a parameter, and survivors keep their elements to the bit because they are only
//! copied.

use std::ops::Range;

/// One run of a new column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Survivors: elements `from .. from + len` of the old column.
    Kept {
        /// First element in the old column.
        from: usize,
        /// Number of elements, at least 1.
        len: usize,
    },
    /// Grown entries, which have no element in the old column.
    New {
        /// Number of elements, at least 1.
        len: usize,
    },
}

/// The runs of which a rewired column consists, in order.
///
/// # Examples
/// ```
/// use rewire_mask::{MatrixShape, Rewiring, Segment, Topology};
///
/// let before = Topology::from_positions(MatrixShape::new(1, 8), [1, 2, 6])?;
/// let rewiring = Rewiring::new(vec![2], vec![4])?;
/// let (after, gather) = before.apply(&rewiring)?;
/// assert_eq!(after.columns(), [1, 4, 6]);
/// assert_eq!(gather.gather(&[0.1, 0.2, 0.6], 0.0), [0.1, 0.0, 0.6]);
/// assert_eq!(gather.segments()[1], Segment::New { len: 1 });
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatherList {
    segments: Vec<Segment>,
    old_len: usize,
    new_len: usize,
    n_new: usize,
}

impl GatherList {
    /// The runs in the order of the new column; two neighbours never form one longer run.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Length of the old column.
    pub const fn old_len(&self) -> usize {
        self.old_len
    }

    /// Length of the new column.
    pub const fn new_len(&self) -> usize {
        self.new_len
    }

    /// Number of grown elements of the new column.
    pub const fn n_new(&self) -> usize {
        self.n_new
    }

    /// The new column: survivors from `old`, `grown` at every grown entry.
    ///
    /// # Panics
    /// If `old` does not have the length of the old column.
    pub fn gather<T: Copy>(&self, old: &[T], grown: T) -> Vec<T> {
        self.check_old(old.len());
        let mut new = Vec::with_capacity(self.new_len);
        for segment in &self.segments {
            match *segment {
                Segment::Kept { from, len } => new.extend_from_slice(&old[from..from + len]),
                Segment::New { len } => new.extend(std::iter::repeat_n(grown, len)),
            }
        }
        new
    }

    /// Writes the new column to `out`: survivors from `old`, `grown` at every grown entry.
    ///
    /// # Panics
    /// If `old` does not have the length of the old column or `out` that of the new one.
    pub fn gather_into<T: Copy>(&self, old: &[T], grown: T, out: &mut [T]) {
        self.check_old(old.len());
        assert_eq!(
            out.len(),
            self.new_len,
            "a column of {} elements cannot take the {} after the rewiring",
            out.len(),
            self.new_len
        );
        let mut rest = out;
        for segment in &self.segments {
            match *segment {
                Segment::Kept { from, len } => {
                    let (run, after) = rest.split_at_mut(len);
                    run.copy_from_slice(&old[from..from + len]);
                    rest = after;
                }
                Segment::New { len } => {
                    let (run, after) = rest.split_at_mut(len);
                    run.fill(grown);
                    rest = after;
                }
            }
        }
    }

    fn check_old(&self, found: usize) {
        assert_eq!(
            found, self.old_len,
            "a column of {found} elements is not the one of {} before the rewiring",
            self.old_len
        );
    }
}

/// Collects runs in the order of the new column.
#[derive(Default)]
pub(crate) struct GatherBuilder {
    segments: Vec<Segment>,
    new_len: usize,
    n_new: usize,
}

impl GatherBuilder {
    /// Appends survivors; an empty range appends nothing. Survivors on both sides of a dropped
    /// entry are two runs, so consecutive ranges need no joining.
    pub(crate) fn kept(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.new_len += range.len();
            self.segments.push(Segment::Kept {
                from: range.start,
                len: range.len(),
            });
        }
    }

    /// Appends one grown entry.
    pub(crate) fn grown(&mut self) {
        self.new_len += 1;
        self.n_new += 1;
        match self.segments.last_mut() {
            Some(Segment::New { len }) => *len += 1,
            _ => self.segments.push(Segment::New { len: 1 }),
        }
    }

    pub(crate) fn finish(self, old_len: usize) -> GatherList {
        GatherList {
            segments: self.segments,
            old_len,
            new_len: self.new_len,
            n_new: self.n_new,
        }
    }
}
