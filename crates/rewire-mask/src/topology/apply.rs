//! The topology after a rewiring.
//!
//! Rows are rewired one by one. A row that is not too sparse is a short string of bits, which stays
//! in the nearest cache: the old columns set bits, the changes flip some of them, and what is set
//! then are the new columns. Packing the unchanged bits at the places of the old columns says which
//! entries survive, packing the grown bits at the places of the new ones which are grown. In a row
//! with few entries for its width the entries beside each change are found by bisection instead.
//! The columns are then carried over as every other per-weight column is.
//!
//! Blocks of rows are rewired in parallel; their extent does not depend on the number of threads.

use std::ops::Range;

use rayon::prelude::*;

use super::{Identity, Topology, accumulate};
use crate::bits::Bits;
use crate::gather::{Column, carry, filling};
use crate::positions::first_from;
use crate::simd::{Isa, PACK_SLACK, RowChange, RowWords};
use crate::{GatherList, MaskError, Rewiring};

/// Entries before and after that one task rewires, or those of one row if it has more.
const BLOCK: usize = 1 << 15;

/// Words of a row per entry or change up to which the row is handled as bits.
const WORDS_PER_ENTRY: usize = 4;

impl Topology {
    /// The topology after a rewiring, and how to carry every per-weight column over to it.
    ///
    /// # Determinism and ties
    /// The same at any number of threads.
    ///
    /// # Cost
    /// O(n_active + rows + changes), or O(n_active + rows + changes · log row length) where
    /// fewer than one entry in 256 is active or changes; on the threads of the current rayon pool.
    ///
    /// # Errors
    /// [`MaskError::NotActive`] for a dropped position that is inactive,
    /// [`MaskError::AlreadyActive`] for a grown one that is active, [`MaskError::OutOfRange`] for
    /// a position beyond the last entry.
    pub fn apply(&self, rewiring: &Rewiring) -> Result<(Self, GatherList), MaskError> {
        self.rewired(rewiring).ok_or_else(|| self.refusal(rewiring))
    }

    /// The result of [`Topology::apply`], or nothing if the rewiring does not fit.
    fn rewired(&self, rewiring: &Rewiring) -> Option<(Self, GatherList)> {
        let shape = self.shape;
        let last = |positions: &[u64]| positions.last().copied();
        let last = last(rewiring.dropped()).max(last(rewiring.grown()));
        if last.is_some_and(|position| position >= shape.len()) {
            return None;
        }
        let dropped = row_starts(rewiring.dropped(), self);
        let grown = row_starts(rewiring.grown(), self);
        let count = |starts: &[usize], row: usize| starts[row + 1] - starts[row];
        let mut row_offsets = vec![0; shape.rows + 1];
        for row in 0..shape.rows {
            let before = self.row_range(row).len() + count(&grown, row);
            row_offsets[row + 1] = before.checked_sub(count(&dropped, row))?;
        }
        accumulate(&mut row_offsets);

        let mut columns = vec![0; row_offsets[shape.rows]];
        let entries = |row: usize| self.row_offsets[row] + row_offsets[row];
        let mut rest = &mut columns[..];
        let mut blocks = Vec::new();
        let mut start = 0;
        for end in 1..=shape.rows {
            if end < shape.rows && entries(end) - entries(start) < BLOCK {
                continue;
            }
            let n = row_offsets[end] - row_offsets[start];
            let (own, behind) = rest.split_at_mut(n);
            rest = behind;
            blocks.push((start..end, own));
            start = end;
        }
        let rewire = |(rows, columns): (Range<usize>, &mut [u32])| {
            let old = self.row_offsets[rows.start]..self.row_offsets[rows.end];
            let mut block = Block::new(shape.cols, old.len(), columns.len());
            let mut new = Vec::with_capacity(grown[rows.end] - grown[rows.start] + PACK_SLACK);
            for row in rows {
                let start = shape.position(row, 0);
                let grown = &rewiring.grown()[grown[row]..grown[row + 1]];
                new.extend(grown.iter().map(|position| (position - start) as u32));
                block.rewire(RowChange {
                    start,
                    old: self.row(row),
                    dropped: &rewiring.dropped()[dropped[row]..dropped[row + 1]],
                    grown,
                })?;
            }
            let Block {
                survives, is_grown, ..
            } = block;
            let from = Column {
                elements: &self.columns[old],
                survives: survives.words(),
                skip: 0,
            };
            new.resize(new.len() + PACK_SLACK, 0);
            let len = columns.len();
            carry(from, is_grown.words(), |n| &new[n..], len, filling(columns));
            Some((survives, is_grown))
        };
        let parts: Option<Vec<(Bits, Bits)>> = if blocks.len() > 1 {
            blocks.into_par_iter().map(rewire).collect()
        } else {
            blocks.into_iter().map(rewire).collect()
        };
        let mut survives = Bits::with_capacity(self.columns.len());
        let mut is_grown = Bits::with_capacity(columns.len());
        for (block_survives, block_is_grown) in parts? {
            survives.append(&block_survives);
            is_grown.append(&block_is_grown);
        }
        let after = Self {
            shape,
            row_offsets,
            columns,
            identity: Identity::default(),
        };
        Some((after, GatherList::new(survives, is_grown)))
    }

    /// What is wrong with a rewiring that does not fit, at the lowest position.
    fn refusal(&self, rewiring: &Rewiring) -> MaskError {
        let shape = self.shape;
        let refused = rewiring.changes().find_map(|(position, is_grown)| {
            if position >= shape.len() {
                return Some(MaskError::OutOfRange { position, shape });
            }
            match (self.contains(position), is_grown) {
                (true, true) => Some(MaskError::AlreadyActive { position }),
                (false, false) => Some(MaskError::NotActive { position }),
                _ => None,
            }
        });
        refused.expect("a rewiring of inactive positions into active ones fits")
    }
}

/// Where in an ascending list of positions those of each row start, and its length at the end.
fn row_starts(positions: &[u64], topology: &Topology) -> Vec<usize> {
    let shape = topology.shape;
    let mut starts = Vec::with_capacity(shape.rows + 1);
    let mut start = 0;
    starts.push(0);
    for row in 0..shape.rows {
        start = first_from(positions, start, shape.position(row + 1, 0));
        starts.push(start);
    }
    starts
}

/// Rewires rows and collects what became of their entries.
struct Block {
    isa: Isa,
    survives: Bits,
    is_grown: Bits,
    /// Entries of a row.
    cols: usize,
    /// Room for the row at hand as bits, once one needs it.
    words: Option<RowWords>,
}

impl Block {
    /// For rows of `cols` entries that hold `old` active ones before and `new` after.
    fn new(cols: usize, old: usize, new: usize) -> Self {
        Self {
            isa: Isa::best(),
            survives: Bits::with_capacity(old),
            is_grown: Bits::with_capacity(new),
            cols,
            words: None,
        }
    }

    /// Rewires the next row, or returns nothing if its changes do not fit.
    fn rewire(&mut self, row: RowChange<'_>) -> Option<()> {
        let entries = row.old.len() + row.grown.len();
        if row.dropped.is_empty() && row.grown.is_empty() {
            self.survives.push_run(true, row.old.len());
            self.is_grown.push_run(false, row.old.len());
            Some(())
        } else if self.cols.div_ceil(64) <= entries * WORDS_PER_ENTRY {
            let cols = self.cols;
            let words = self.words.get_or_insert_with(|| RowWords::new(cols));
            let (survives, is_grown) = (&mut self.survives, &mut self.is_grown);
            let fits = self.isa.change_row(row, words, survives, is_grown);
            fits.then_some(())
        } else {
            self.rewire_list(row)
        }
    }

    fn rewire_list(&mut self, row: RowChange<'_>) -> Option<()> {
        let (old_start, new_start) = (self.survives.len(), self.is_grown.len());
        let n_new = (row.old.len() + row.grown.len()).checked_sub(row.dropped.len())?;
        self.survives.push_run(true, row.old.len());
        self.is_grown.push_run(false, n_new);
        let (mut dropped, mut grown) = (row.dropped, row.grown);
        let (mut read, mut written) = (0, 0);
        loop {
            let is_grown = match (dropped, grown) {
                ([], []) => return Some(()),
                ([drop, ..], [grow, ..]) => grow < drop,
                (_, _) => dropped.is_empty(),
            };
            let changes = if is_grown { &mut grown } else { &mut dropped };
            let (&position, behind) = changes.split_first()?;
            *changes = behind;
            let column = (position - row.start) as u32;
            let n = row.old[read..].partition_point(|&other| other < column);
            read += n;
            written += n;
            let is_active = row.old.get(read) == Some(&column);
            if is_active == is_grown {
                return None;
            }
            if is_grown {
                self.is_grown.set(new_start + written);
                written += 1;
            } else {
                self.survives.clear(old_start + read);
                read += 1;
            }
        }
    }
}
