//! How a per-weight column is carried from one topology to the next.
//!
//! After a rewiring the survivors keep their order. So one bit per old entry, whether it survives,
//! and one per new entry, whether it is grown, say everything: the survivors are packed, and the
//! packed ones are spread over the places that are not grown. That takes the same few instructions
//! per entry however the changes lie, where copying run by run would mispredict at every change.
//! One list serves every column of a parameter, and survivors keep their elements to the bit
//! because they are only copied.

use rayon::prelude::*;

use crate::bits::Bits;
use crate::simd::{Isa, PACK_SLACK};

/// Which entries of a column survive a rewiring and where they go.
///
/// # Examples
/// ```
/// use rewire_mask::{MatrixShape, Rewiring, Topology};
///
/// let before = Topology::from_positions(MatrixShape::new(1, 8), [1, 2, 6])?;
/// let rewiring = Rewiring::new(vec![2], vec![4])?;
/// let (after, gather) = before.apply(&rewiring)?;
/// assert_eq!(after.columns(), [1, 4, 6]);
/// assert_eq!(gather.gather(&[0.1, 0.2, 0.6], 0.0), [0.1, 0.0, 0.6]);
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
    /// Cost: one read of the old column, one write of the new one.
    ///
    /// # Panics
    /// If `old` does not have the length of the old column.
    pub fn gather<T: Copy + 'static>(&self, old: &[T], grown: T) -> Vec<T> {
        self.check_old(old.len());
        let mut new = Vec::with_capacity(self.new_len());
        let from = Column {
            elements: old,
            survives: self.survives.words(),
            skip: 0,
        };
        let copies = [grown; BLOCK + PACK_SLACK];
        let len = self.new_len();
        carry(
            from,
            self.is_grown.words(),
            |_| &copies,
            len,
            |block| {
                new.extend_from_slice(block);
            },
        );
        new
    }

    /// Writes the new column to `out`: survivors from `old`, `grown` at every grown entry.
    ///
    /// Cost: as for [`GatherList::gather`], on the threads of the current rayon pool.
    ///
    /// # Panics
    /// If `old` does not have the length of the old column or `out` that of the new one.
    pub fn gather_into<T: Copy + Send + Sync + 'static>(&self, old: &[T], grown: T, out: &mut [T]) {
        self.check_old(old.len());
        assert_eq!(
            out.len(),
            self.new_len(),
            "a column of {} elements cannot take the {} after the rewiring",
            out.len(),
            self.new_len()
        );
        // Before each block of the old column, the survivors in those before it.
        let survivors = totals(self.survives.words(), BLOCK, |word| word.count_ones());
        let kept = totals(self.is_grown.words(), PART, |word| word.count_zeros());
        let copies = [grown; BLOCK + PACK_SLACK];
        let part = |((new, is_grown), first): ((&mut [T], &[u64]), usize)| {
            let block = survivors.partition_point(|&n| n <= first) - 1;
            let start = (block * BLOCK).min(old.len());
            let from = Column {
                elements: &old[start..],
                survives: &self.survives.words()[start.div_ceil(64)..],
                skip: first - survivors[block],
            };
            let len = new.len();
            carry(from, is_grown, |_| &copies, len, filling(new));
        };
        if out.len() <= PART {
            return part(((out, self.is_grown.words()), 0));
        }
        out.par_chunks_mut(PART)
            .zip(self.is_grown.words().par_chunks(PART / 64))
            .zip(kept)
            .for_each(part);
    }

    fn check_old(&self, found: usize) {
        assert_eq!(
            found,
            self.old_len(),
            "a column of {found} elements is not the one of {} before the rewiring",
            self.old_len()
        );
    }
}

/// Elements that are moved at a time, in buffers that stay in the nearest cache.
const BLOCK: usize = 1024;

/// Elements of the new column that one task writes.
const PART: usize = 1 << 16;

/// How much every part of so many bits begins with, if words count what `of_word` says; the first
/// begins with 0.
fn totals(words: &[u64], part: usize, of_word: impl Fn(u64) -> u32) -> Vec<usize> {
    let mut total = 0;
    let mut totals = vec![0];
    for words in words.chunks(part / 64) {
        total += words
            .iter()
            .map(|&word| of_word(word) as usize)
            .sum::<usize>();
        totals.push(total);
    }
    totals
}

/// An old column from one of its elements on.
pub(crate) struct Column<'a, T> {
    /// The elements.
    pub(crate) elements: &'a [T],
    /// Which of them survive.
    pub(crate) survives: &'a [u64],
    /// How many survivors of its first [`BLOCK`] are left out.
    pub(crate) skip: usize,
}

/// Hands on the new elements, block by block: survivors of the old column in order, and what is
/// grown.
///
/// `grown(n)` are the elements of the grown entries from the n-th on, and [`PACK_SLACK`] more;
/// entries that all get the same may get the same list each time.
pub(crate) fn carry<'a, T: Copy + 'static>(
    from: Column<'_, T>,
    is_grown: &[u64],
    grown: impl Fn(usize) -> &'a [T],
    len: usize,
    mut hand_on: impl FnMut(&[T]),
) {
    let isa = Isa::best();
    let old = from.elements.chunks(BLOCK);
    let mut old = old.zip(from.survives.chunks(BLOCK / 64));
    let filler = grown(0)[0];
    let mut block = [filler; BLOCK];
    // Fewer than a block are left over when the next block is packed behind them.
    let mut packed = [filler; 2 * BLOCK + PACK_SLACK];
    let (mut start, mut end, mut skip) = (0, 0, from.skip);
    let (mut n_before, mut rest) = (0, len);
    for is_grown in is_grown.chunks(BLOCK / 64) {
        let new = &mut block[..rest.min(BLOCK)];
        rest -= new.len();
        let n_grown: usize = is_grown.iter().map(|word| word.count_ones() as usize).sum();
        packed.copy_within(start..end, 0);
        (start, end) = (0, end - start);
        while end - start < new.len() - n_grown
            && let Some((elements, survives)) = old.next()
        {
            end += isa.pack(elements, survives, &mut packed[end..]);
            // What a column that does not begin at a block leaves out lies in its first block.
            let left_out = std::mem::take(&mut skip);
            if left_out > 0 {
                packed.copy_within(left_out..end, 0);
                end -= left_out;
            }
        }
        start += isa.merge([&packed[start..], grown(n_before)], is_grown, new)[0];
        n_before += n_grown;
        hand_on(new);
    }
}

/// Writes blocks to a slice, one behind the other.
pub(crate) fn filling<T: Copy>(out: &mut [T]) -> impl FnMut(&[T]) {
    let mut rest = out;
    move |block| {
        let (next, behind) = std::mem::take(&mut rest).split_at_mut(block.len());
        next.copy_from_slice(block);
        rest = behind;
    }
}
