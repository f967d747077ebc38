//! N:M: the best N of every M consecutive entries of a line.
//!
//! Groups do not touch each other, so the best mask is the best of each group: an entry stays if
//! fewer than N others of its group beat it, where a larger score beats, and of equal scores the
//! lower position. Counting who beats whom takes M·(M−1) comparisons per group and no branches.

use rayon::prelude::*;

use super::groups::Grouping;
use super::lanes::{in_finite_parts, largest_bits, or_bits};
use super::two_of_four;
use super::{Edges, Lines, check_finite};
use crate::select::Order;
use crate::simd::Isa;
use crate::{Mask, MaskError, MatrixShape, Nm, top_bits, top_k, top_magnitudes};

/// Groups decided side by side: as many as a word has bits.
const WIDE: usize = 64;

/// The longest group.
const LONGEST: usize = 32;

pub(super) fn project(
    shape: MatrixShape,
    values: &[f32],
    order: Order,
    nm: Nm,
    along: Lines,
    edges: Edges,
) -> Result<Mask, MaskError> {
    let of = usize::from(nm.of);
    match along {
        Lines::TapsOutputs { .. } if !shape.rows.is_multiple_of(of) => {
            check_finite(values)?;
            let grouping = Grouping::cut(shape, along, of, usize::from(nm.keep), edges)?;
            return walk_lines(shape, values, order, &grouping);
        }
        Lines::Inputs | Lines::Outputs | Lines::Channels { .. } | Lines::TapsOutputs { .. } => {}
    }
    if (along, nm.keep, nm.of) == (Lines::Inputs, 2, 4) && shape.cols.is_multiple_of(4) {
        return two_of_four::project(shape, values, order);
    }
    let unit = match along {
        Lines::Inputs | Lines::Channels { .. } => 1,
        Lines::Outputs | Lines::TapsOutputs { .. } => of,
    };
    let isa = Isa::best();
    let cols = shape.cols;
    in_finite_parts(shape, values, unit, |values, words| match order {
        Order::Value => decide::<false>(isa, values, cols, nm, along, edges, words),
        Order::Magnitude => decide::<true>(isa, values, cols, nm, along, edges, words),
    })
}

/// Decides some rows of a matrix; returns the largest |value| as bits.
fn decide<const MAGNITUDE: bool>(
    isa: Isa,
    values: &[f32],
    cols: usize,
    nm: Nm,
    along: Lines,
    edges: Edges,
    words: &mut [u64],
) -> u32 {
    isa.vectorize(
        #[inline(always)]
        || {
            project_part::<MAGNITUDE>(values, cols, nm, along, edges, words);
            largest_bits(values)
        },
    )
}

/// One part of the rows of a matrix.
#[inline(always)]
fn project_part<const MAGNITUDE: bool>(
    values: &[f32],
    cols: usize,
    nm: Nm,
    along: Lines,
    edges: Edges,
    words: &mut [u64],
) {
    let (keep, of) = (usize::from(nm.keep), usize::from(nm.of));
    let rows = values.len() / cols;
    let complete = |len: usize| len - len % of;
    let tail = |len: usize| match edges {
        Edges::Reject | Edges::Pad => (len % of, keep),
        Edges::Dense => (len % of, of),
    };
    match along {
        Lines::Inputs => {
            for row in 0..rows {
                let first = row * cols;
                let mut group = Groups {
                    first,
                    entry_stride: 1,
                    lane_stride: of,
                    count: cols / of,
                    len: of,
                    keep,
                };
                group.keep::<MAGNITUDE>(values, words);
                group.first += complete(cols);
                group.count = 1;
                (group.len, group.keep) = tail(cols);
                group.keep::<MAGNITUDE>(values, words);
            }
        }
        Lines::Channels { taps } => {
            let channels = cols / taps;
            for row in 0..rows {
                let first = row * cols;
                keep_stacked::<MAGNITUDE>(
                    values,
                    first,
                    (channels, taps),
                    (keep, of),
                    tail(channels),
                    words,
                );
            }
        }
        Lines::Outputs | Lines::TapsOutputs { .. } => {
            keep_stacked::<MAGNITUDE>(values, 0, (rows, cols), (keep, of), tail(rows), words);
        }
    }
}

/// Groups down the columns of a `rows × cols` matrix that begins at `first`.
#[inline(always)]
fn keep_stacked<const MAGNITUDE: bool>(
    values: &[f32],
    first: usize,
    (rows, cols): (usize, usize),
    (keep, of): (usize, usize),
    (tail_len, tail_keep): (usize, usize),
    words: &mut [u64],
) {
    let complete = rows - rows % of;
    let mut row = 0;
    while row < rows {
        let (len, keep) = if row < complete {
            (of, keep)
        } else {
            (tail_len, tail_keep)
        };
        let groups = Groups {
            first: first + row * cols,
            entry_stride: cols,
            lane_stride: 1,
            count: cols,
            len,
            keep,
        };
        groups.keep::<MAGNITUDE>(values, words);
        row += len;
    }
}

/// Groups of equal length side by side: entry e of group g is at
/// `first + e · entry_stride + g · lane_stride`. One of the strides is 1.
struct Groups {
    first: usize,
    entry_stride: usize,
    lane_stride: usize,
    count: usize,
    len: usize,
    keep: usize,
}

impl Groups {
    /// Sets the bits of the kept entries; bit p belongs to `values[p]`.
    #[inline(always)]
    fn keep<const MAGNITUDE: bool>(&self, values: &[f32], words: &mut [u64]) {
        let mut entries = [[0.0; WIDE]; LONGEST];
        for group in (0..self.count).step_by(WIDE) {
            let lanes = WIDE.min(self.count - group);
            let first = self.first + group * self.lane_stride;
            for (entry, lane) in entries[..self.len].iter_mut().enumerate() {
                let from = first + entry * self.entry_stride;
                let last = from + (lanes - 1) * self.lane_stride;
                let entries = values[from..=last].iter().step_by(self.lane_stride);
                for (score, &value) in lane.iter_mut().zip(entries) {
                    *score = if MAGNITUDE { value.abs() } else { value };
                }
            }
            for entry in 0..self.len {
                let kept = kept(&entries[..self.len], entry, self.keep as u32);
                if self.entry_stride == 1 {
                    for lane in 0..lanes {
                        let at = first + lane * self.lane_stride + entry;
                        words[at / 64] |= (kept >> lane & 1) << (at % 64);
                    }
                } else {
                    let at = first + entry * self.entry_stride;
                    or_bits(words, at, kept & (u64::MAX >> (WIDE - lanes)), lanes);
                }
            }
        }
    }
}

/// Bit l says that fewer than `keep` entries of lane l beat this entry.
#[inline(always)]
fn kept(entries: &[[f32; WIDE]], entry: usize, keep: u32) -> u64 {
    let own = &entries[entry];
    let mut beaten = [0u32; WIDE];
    for lower in &entries[..entry] {
        for lane in 0..WIDE {
            beaten[lane] += u32::from(lower[lane] >= own[lane]);
        }
    }
    for higher in &entries[entry + 1..] {
        for lane in 0..WIDE {
            beaten[lane] += u32::from(higher[lane] > own[lane]);
        }
    }
    let mut bits = 0;
    for (byte, beaten) in beaten.chunks_exact(8).enumerate() {
        let mut some = 0;
        for (lane, &beaten) in beaten.iter().enumerate() {
            some |= u32::from(beaten < keep) << lane;
        }
        bits |= u64::from(some) << (8 * byte);
    }
    bits
}

/// Groups that are neither contiguous nor side by side, one entry at a time.
fn walk_lines(
    shape: MatrixShape,
    values: &[f32],
    order: Order,
    grouping: &Grouping,
) -> Result<Mask, MaskError> {
    let mut mask = Mask::empty(shape);
    let (mut positions, mut scores) = (Vec::new(), Vec::new());
    for group in 0..grouping.groups.len() {
        // A group of two taps goes back to the first row, so its positions need not ascend.
        positions.clear();
        positions.extend(grouping.groups.positions(group));
        positions.sort_unstable();
        scores.clear();
        scores.extend(positions.iter().map(|&p| order.score(values[p as usize])));
        for best in top_k(&scores, grouping.keep(group))? {
            mask.insert(positions[best]);
        }
    }
    Ok(mask)
}

/// The best `keep` entries of every row.
pub(super) fn project_rows(
    shape: MatrixShape,
    values: &[f32],
    order: Order,
    keep: usize,
) -> Result<Mask, MaskError> {
    let row_bits = |row: usize| {
        let values = &values[row * shape.cols..(row + 1) * shape.cols];
        match order {
            Order::Value => top_bits(values, keep),
            Order::Magnitude => top_magnitudes(values, keep),
        }
    };
    let rows = (0..shape.rows).into_par_iter().map(row_bits);
    let rows: Result<Vec<Vec<u64>>, _> = rows.collect();
    if rows.is_err() {
        // A row counts from its own beginning, and need not be the first that is at fault.
        check_finite(values)?;
    }
    let rows = rows?;
    let mut words = vec![0; shape.len().div_ceil(64) as usize];
    for (row, bits) in rows.iter().enumerate() {
        for (index, &bits) in bits.iter().enumerate() {
            let len = (shape.cols - 64 * index).min(64);
            or_bits(&mut words, row * shape.cols + 64 * index, bits, len);
        }
    }
    Mask::from_words(shape, words)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::{RngCore, SeedableRng};

    use super::*;

    /// Numbers that tie, or numbers of every size.
    fn values(rng: &mut ChaCha8Rng, len: usize) -> Vec<f32> {
        let ties = rng.next_u32().is_multiple_of(2);
        let value = |bits: u32| match bits % 3 {
            _ if !ties => f32::from_bits(bits & 0xFF7F_FFFF),
            0 => -0.0,
            1 => 0.0,
            _ => -1.0,
        };
        (0..len).map(|_| value(rng.next_u32())).collect()
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has the portable instructions alone")]
    fn every_instruction_set_gives_the_same_bits() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for round in 0..1200 {
            let of = 1 + rng.next_u32() % 32;
            let (keep, of) = [(2, 4), (1 + rng.next_u32() % of, of)][round % 2];
            let nm = Nm::new(keep as u8, of as u8).unwrap();
            let (rows, cols) = (1 + round % 5, [3, 12, 36, 60, 66, 132, 192][round % 7]);
            let values = values(&mut rng, rows * cols);
            let edges = [Edges::Dense, Edges::Pad][round / 2 % 2];
            for along in [Lines::Inputs, Lines::Outputs, Lines::Channels { taps: 3 }] {
                let decided = |isa: Isa| {
                    let mut scored = vec![0; values.len().div_ceil(64)];
                    let mut ranked = scored.clone();
                    let largest =
                        decide::<false>(isa, &values, cols, nm, along, edges, &mut scored);
                    let again = decide::<true>(isa, &values, cols, nm, along, edges, &mut ranked);
                    (largest, again, scored, ranked)
                };
                let expected = decided(Isa::Portable);
                for isa in Isa::all() {
                    assert_eq!(decided(isa), expected, "{isa:?} {nm:?} {along:?} {edges:?}");
                }
            }
        }
    }
}
