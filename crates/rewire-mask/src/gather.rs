//! How a per-weight column is carried from one topology to the next.
//!
//! After a rewiring the survivors keep their order. So one bit per old entry, whether it survives,
//! and one per new entry, whether it is grown, say everything: the survivors are packed, and the
//! packed ones are spread over the places that are not grown. That takes the same few instructions
//! per entry however the changes lie, where copying run by run would mispredict at every change.
//! One list serves every column of a parameter, and survivors keep their elements to the bit
//! because they are only copied.

use crate::bits::Bits;

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

/// Which entries of a column survive a rewiring and where they go.
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
    /// For every old entry whether it survives.
    survives: Bits,
    /// For every new entry whether it is grown; as many are not as survive.
    is_grown: Bits,
    n_new: usize,
}

impl GatherList {
    /// As many entries must survive as are not grown.
    pub(crate) fn new(survives: Bits, is_grown: Bits) -> Self {
        let n_new = is_grown.count_ones();
        assert_eq!(survives.count_ones(), is_grown.len() - n_new, "survivors");
        Self {
            survives,
            is_grown,
            n_new,
        }
    }

    /// The runs in the order of the new column; two neighbours never form one longer run.
    ///
    /// # Cost
    /// O(runs + entries / 64) time, and memory for the runs.
    pub fn segments(&self) -> Vec<Segment> {
        let mut segments = Vec::new();
        let (mut from, mut to) = (0, 0);
        while to < self.new_len() {
            let len = self.is_grown.run(to, true);
            if len > 0 {
                segments.push(Segment::New { len });
                to += len;
                continue;
            }
            from += self.survives.run(from, false);
            let len = self
                .survives
                .run(from, true)
                .min(self.is_grown.run(to, false));
            segments.push(Segment::Kept { from, len });
            from += len;
            to += len;
        }
        segments
    }

    /// Length of the old column.
    pub const fn old_len(&self) -> usize {
        self.survives.len()
    }

    /// Length of the new column.
    pub const fn new_len(&self) -> usize {
        self.is_grown.len()
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
        let mut new = Vec::with_capacity(self.new_len());
        self.emit(old, grown, |elements| new.extend_from_slice(elements));
        new
    }

    /// Writes the new column to `out`: survivors from `old`, `grown` at every grown entry.
    ///
    /// # Panics
    /// If `old` does not have the length of the old column or `out` that of the new one.
    pub fn gather_into<T: Copy>(&self, old: &[T], grown: T, out: &mut [T]) {
        assert_eq!(
            out.len(),
            self.new_len(),
            "a column of {} elements cannot take the {} after the rewiring",
            out.len(),
            self.new_len()
        );
        let mut rest = out;
        self.emit(old, grown, |elements| {
            let (next, behind) = std::mem::take(&mut rest).split_at_mut(elements.len());
            next.copy_from_slice(elements);
            rest = behind;
        });
    }

    /// Hands the new column on, 64 elements at a time.
    fn emit<T: Copy>(&self, old: &[T], grown: T, mut hand_on: impl FnMut(&[T])) {
        assert_eq!(
            old.len(),
            self.old_len(),
            "a column of {} elements is not the one of {} before the rewiring",
            old.len(),
            self.old_len()
        );
        let mut ring = [grown; 2 * RING];
        let (mut first, mut end) = (0, 0);
        let mut old = old.chunks(64).zip(self.survives.words());
        let mut rest = self.new_len();
        for &is_grown in self.is_grown.words() {
            let n = rest.min(64);
            rest -= n;
            let wanted = n - is_grown.count_ones() as usize;
            while end - first < wanted
                && let Some((elements, &survives)) = old.next()
            {
                // Every element is written, and one that does not survive is written over.
                let mut survives = survives;
                for &element in elements {
                    ring[end % RING] = element;
                    end += (survives & 1) as usize;
                    survives >>= 1;
                }
            }
            let mut elements = [grown; 64];
            let mut is_grown = is_grown;
            for element in &mut elements {
                // The upper half stays as it was: every place there holds what is grown.
                *element = ring[first % RING | RING * (is_grown & 1) as usize];
                first += (!is_grown & 1) as usize;
                is_grown >>= 1;
            }
            // Beyond the last entry survivors were made up.
            first -= 64 - n;
            hand_on(&elements[..n]);
        }
    }
}

/// Places of the ring of survivors that are packed and not yet spread: fewer than a word of them
/// when the next word is packed.
const RING: usize = 256;
