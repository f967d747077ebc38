//! 2:4 along rows of whole groups, which are one long row: at the speed of memory.
//!
//! A block is cut into four stretches that are decided side by side, because one core reads faster
//! from four places at once than from one.

use rayon::prelude::*;

use super::check_finite;
use super::lanes::{LANES, largest_bits};
use crate::select::Order;
use crate::simd::Isa;
use crate::{Mask, MaskError, MatrixShape};

/// Entries of sixteen groups: those of a word.
const STEP: usize = 4 * LANES;

/// Entries of a block, which threads share out.
const BLOCK: usize = 1 << 18;

/// The best 2:4 mask along rows whose length is a multiple of 4.
pub(super) fn project(shape: MatrixShape, values: &[f32], order: Order) -> Result<Mask, MaskError> {
    let isa = Isa::best();
    let mut words = vec![0; values.len().div_ceil(64)];
    let blocks = words
        .par_chunks_mut(BLOCK / STEP)
        .zip(values.par_chunks(BLOCK));
    let largest = blocks.map(|(words, values)| match order {
        Order::Value => decide::<false>(isa, values, words),
        Order::Magnitude => decide::<true>(isa, values, words),
    });
    if largest
        .max()
        .is_some_and(|largest| largest >= f32::INFINITY.to_bits())
    {
        check_finite(values)?;
    }
    Mask::from_words(shape, words)
}

/// Decides one block of whole groups; returns the largest |value| as bits.
fn decide<const MAGNITUDE: bool>(isa: Isa, values: &[f32], words: &mut [u64]) -> u32 {
    let stretch = values.len() / (4 * STEP);
    let mut rest = (values, words);
    let mut next = |words_of: usize| {
        let (values, words) = std::mem::take(&mut rest);
        let (own_values, values) = values.split_at(words_of * STEP);
        let (own_words, words) = words.split_at_mut(words_of);
        rest = (values, words);
        (own_values, own_words)
    };
    let [a, b, c, d] = [next(stretch), next(stretch), next(stretch), next(stretch)];
    let (rows, kept) = ([a.0, b.0, c.0, d.0], [a.1, b.1, c.1, d.1]);
    let mut largest = isa.rows_of_2_4::<MAGNITUDE>(rows, kept);
    // What is left is less than four words; entries that pad the last one are cut off again.
    let (values, words) = rest;
    for (values, word) in values.chunks(STEP).zip(words) {
        let mut padded = [0.0; STEP];
        padded[..values.len()].copy_from_slice(values);
        let mut kept = [0];
        largest = largest.max(isa.words_of_2_4::<MAGNITUDE>(&padded, &mut kept));
        *word = kept[0] & (u64::MAX >> (STEP - values.len()));
    }
    largest
}

impl Isa {
    /// The two best of every four entries, in four stretches of equal length: bit i of
    /// `kept[q][s]` is that of `rows[q][64·s + i]`. Returns the largest |entry| as bits.
    fn rows_of_2_4<const MAGNITUDE: bool>(self, rows: [&[f32]; 4], kept: [&mut [u64]; 4]) -> u32 {
        #[cfg(target_arch = "x86_64")]
        if let Self::Avx512(proof) = self {
            return proof.rows_of_2_4::<MAGNITUDE>(rows, kept);
        }
        let words = |(row, kept): (&[f32], &mut [u64])| self.words_of_2_4::<MAGNITUDE>(row, kept);
        rows.into_iter().zip(kept).map(words).max().unwrap_or(0)
    }

    /// As [`Isa::rows_of_2_4`], one stretch after the other.
    fn words_of_2_4<const MAGNITUDE: bool>(self, row: &[f32], kept: &mut [u64]) -> u32 {
        self.vectorize(
            #[inline(always)]
            || {
                for (kept, chunk) in kept.iter_mut().zip(row.chunks_exact(STEP)) {
                    *kept = pack(&two_of_four::<MAGNITUDE>(chunk));
                }
                largest_bits(row)
            },
        )
    }
}

/// Six comparisons of a group decide all.
#[inline(always)]
fn two_of_four<const MAGNITUDE: bool>(chunk: &[f32]) -> [u32; LANES] {
    let mut nibbles = [0; LANES];
    for (nibble, group) in nibbles.iter_mut().zip(chunk.chunks_exact(4)) {
        let score = |entry: usize| {
            if MAGNITUDE {
                group[entry].abs()
            } else {
                group[entry]
            }
        };
        let (a, b, c, d) = (score(0), score(1), score(2), score(3));
        let (ab, ac, ad) = (u32::from(a >= b), u32::from(a >= c), u32::from(a >= d));
        let (bc, bd, cd) = (u32::from(b >= c), u32::from(b >= d), u32::from(c >= d));
        *nibble = u32::from(ab + ac + ad >= 2)
            | u32::from(bc + bd > ab) << 1
            | u32::from(cd >= ac + bc) << 2
            | u32::from(ad + bd + cd <= 1) << 3;
    }
    nibbles
}

/// Sixteen nibbles in a word, the first lowest.
#[inline(always)]
pub(super) fn pack(nibbles: &[u32; LANES]) -> u64 {
    let half = |nibbles: &[u32]| {
        let mut all = 0;
        for (lane, nibble) in nibbles.iter().enumerate() {
            all |= nibble << (4 * lane);
        }
        u64::from(all)
    };
    half(&nibbles[..8]) | half(&nibbles[8..]) << 32
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::{RngCore, SeedableRng};

    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "Miri has the portable instructions alone")]
    fn every_instruction_set_gives_the_same_bits() {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let lengths = [0usize, 4, 60, 64, 68, 252, 256, 260, 1020, 1024, 2052];
        for len in lengths.repeat(60) {
            let values: Vec<f32> = (0..len)
                .map(|_| match rng.next_u32() {
                    bits if bits % 3 == 0 => f32::from_bits(bits & 0xFF7F_FFFF),
                    bits => (bits % 5) as f32 - 2.0,
                })
                .collect();
            let decided = |isa: Isa| {
                let mut scored = vec![0; len.div_ceil(64)];
                let mut ranked = scored.clone();
                let largest = decide::<false>(isa, &values, &mut scored);
                let again = decide::<true>(isa, &values, &mut ranked);
                (largest, again, scored, ranked)
            };
            let expected = decided(Isa::Portable);
            for isa in Isa::all() {
                assert_eq!(decided(isa), expected, "{isa:?} {len}");
            }
        }
    }
}
