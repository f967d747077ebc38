//! How a per-weight column is carried from one topology to the next.
//!
//! After a rewiring the survivors keep their order. So one bit per old entry, whether it survives,
//! and one per new entry, whether it is grown, say everything: the survivors are packed, and the
//! packed ones are spread over the places that are not grown. That takes the same few instructions
//! per entry however the changes lie, where copying run by run would mispredict at every change.
//! One list serves every column of a parameter, and survivors keep their elements to the bit
//! because they are only copied.

use crate::bits::Bits;
use crate::simd::{Isa, PACK_SLACK};

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
    pub fn gather<T: Copy + 'static>(&self, old: &[T], grown: T) -> Vec<T> {
        let mut new = Vec::with_capacity(self.new_len());
        self.emit(old, grown, |elements| new.extend_from_slice(elements));
        new
    }

    /// Writes the new column to `out`: survivors from `old`, `grown` at every grown entry.
    ///
    /// # Panics
    /// If `old` does not have the length of the old column or `out` that of the new one.
    pub fn gather_into<T: Copy + 'static>(&self, old: &[T], grown: T, out: &mut [T]) {
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

    /// Hands the new column on, block by block.
    fn emit<T: Copy + 'static>(&self, old: &[T], grown: T, mut hand_on: impl FnMut(&[T])) {
        assert_eq!(
            old.len(),
            self.old_len(),
            "a column of {} elements is not the one of {} before the rewiring",
            old.len(),
            self.old_len()
        );
        let isa = Isa::best();
        let mut old = old
            .chunks(BLOCK)
            .zip(self.survives.words().chunks(BLOCK / 64));
        // Fewer than a block are left over when the next block is packed behind them.
        let mut packed = vec![grown; 2 * BLOCK + PACK_SLACK];
        let mut n_packed = 0;
        let mut block = [grown; BLOCK];
        let mut rest = self.new_len();
        for is_grown in self.is_grown.words().chunks(BLOCK / 64) {
            let elements = &mut block[..rest.min(BLOCK)];
            rest -= elements.len();
            let n_grown: usize = is_grown.iter().map(|word| word.count_ones() as usize).sum();
            while n_packed < elements.len() - n_grown
                && let Some((elements, survives)) = old.next()
            {
                n_packed += isa.pack(elements, survives, &mut packed[n_packed..]);
            }
            let n = isa.spread(&packed, is_grown, grown, elements);
            hand_on(elements);
            packed.copy_within(n..n_packed, 0);
            n_packed -= n;
        }
    }
}

/// Elements that are moved at a time, in buffers that stay in the nearest cache.
const BLOCK: usize = 1024;
