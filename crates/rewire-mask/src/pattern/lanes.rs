//! Sixteen choices at once.
//!
//! The loops over groups and tiles are written over arrays of sixteen independent lanes, which the
//! compiler turns into vector instructions, and run inside [`crate::simd::Isa::vectorize`], so
//! that one text serves every width. All paths compute the same numbers in the same order.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::check_finite;
use crate::{Mask, MaskError, MatrixShape};

/// Entries that a part of a matrix has at least.
const PART: usize = 8192;

/// Choices made side by side.
pub(super) const LANES: usize = 16;

/// One number per lane.
pub(super) type Lane = [f32; LANES];

/// Sets `len` bits from bit `at` on to those of `bits`; they must be 0 before.
#[inline(always)]
pub(super) fn or_bits(words: &mut [u64], at: usize, bits: u64, len: usize) {
    let (word, shift) = (at / 64, at % 64);
    words[word] |= bits << shift;
    if shift + len > 64 {
        words[word + 1] |= bits >> (64 - shift);
    }
}

/// The largest |value| as bits; NaN and infinities have larger ones than every number.
#[inline(always)]
pub(super) fn largest_bits(values: &[f32]) -> u32 {
    let mut largest = [0u32; LANES];
    let mut chunks = values.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (largest, value) in largest.iter_mut().zip(chunk) {
            *largest = (*largest).max(value.to_bits() & 0x7fff_ffff);
        }
    }
    let rest = chunks
        .remainder()
        .iter()
        .map(|value| value.to_bits() & 0x7fff_ffff);
    largest.into_iter().chain(rest).max().unwrap_or(0)
}

/// Runs `decide` on parts of the rows, each a multiple of `unit` rows, with the words of its bits,
/// which are 0 before.
///
/// The parts do not depend on the number of threads. Each begins at a word, and has about as many
/// entries as stay in the first-level cache.
pub(super) fn in_row_parts(
    shape: MatrixShape,
    unit: usize,
    decide: impl Fn(Range<usize>, &mut [u64]) + Sync,
) -> Result<Mask, MaskError> {
    let mut words = vec![0; shape.len().div_ceil(64) as usize];
    if !shape.is_empty() {
        // A multiple of 64 entries has six factors of two, some of which the unit may bring.
        let missing = 6u32.saturating_sub((unit * shape.cols).trailing_zeros());
        let aligned = unit << missing;
        let rows = aligned * PART.div_ceil(aligned * shape.cols);
        let part = |(index, words): (usize, &mut [u64])| {
            decide(index * rows..shape.rows.min((index + 1) * rows), words);
        };
        if rows >= shape.rows {
            // One part is not worth the way to another thread.
            part((0, &mut words));
        } else {
            let parts = words.par_chunks_mut(rows * shape.cols / 64);
            parts.enumerate().for_each(part);
        }
    }
    Mask::from_words(shape, words)
}

/// As [`in_row_parts`], with the values of the rows; `decide` returns the largest |value| as bits.
///
/// # Errors
/// [`MaskError::NonFinite`] with the first position that is NaN or infinite.
pub(super) fn in_finite_parts(
    shape: MatrixShape,
    values: &[f32],
    unit: usize,
    decide: impl Fn(&[f32], &mut [u64]) -> u32 + Sync,
) -> Result<Mask, MaskError> {
    let is_faulty = AtomicBool::new(false);
    let mask = in_row_parts(shape, unit, |rows, words| {
        let values = &values[rows.start * shape.cols..rows.end * shape.cols];
        if decide(values, words) >= f32::INFINITY.to_bits() {
            is_faulty.store(true, Ordering::Relaxed);
        }
    })?;
    if is_faulty.into_inner() {
        check_finite(values)?;
    }
    Ok(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_land_where_they_belong() {
        let step = if cfg!(miri) { 21 } else { 1 };
        for at in (0..130).step_by(step) {
            for len in (1..=64).step_by(step) {
                let bits = 0xDEAD_BEEF_0BAD_F00Du64 >> (64 - len);
                let mut words = [0; 4];
                or_bits(&mut words, at, bits, len);
                for bit in 0..256 {
                    let expected = bit >= at && bit < at + len && bits >> (bit - at) & 1 == 1;
                    assert_eq!(words[bit / 64] >> (bit % 64) & 1 == 1, expected);
                }
            }
        }
    }

    #[test]
    fn the_largest_magnitude_is_found_in_every_lane() {
        assert_eq!(largest_bits(&[]), 0);
        for len in (1..50).step_by(if cfg!(miri) { 12 } else { 1 }) {
            for at in 0..len {
                for largest in [-2.0, f32::MAX, f32::NEG_INFINITY, f32::NAN] {
                    let mut values = vec![-1.0; len];
                    values[at] = largest;
                    assert_eq!(largest_bits(&values), largest.abs().to_bits());
                }
            }
        }
    }

    /// Every row is given out once, in multiples of the unit, with the words of its own bits.
    #[test]
    fn parts_cover_the_rows_and_begin_at_words() {
        let shapes = [
            (1, 1),
            (5, 64),
            (100, 3),
            (333, 100),
            (67, 8192),
            (2, 100_000),
        ];
        let small = if cfg!(miri) { 3 } else { shapes.len() };
        for unit in [1, 2, 3, 4, 7, 32] {
            for (rows, cols) in shapes[..small].iter().copied() {
                let shape = MatrixShape::new(rows, cols);
                let mask = in_row_parts(shape, unit, |rows, words| {
                    assert_eq!(rows.start % unit, 0);
                    assert_eq!(rows.start * cols % 64, 0);
                    let entries = rows.len() * cols;
                    assert_eq!(words.len(), entries.div_ceil(64));
                    for entry in 0..entries {
                        assert_eq!(words[entry / 64] >> (entry % 64) & 1, 0);
                        or_bits(words, entry, 1, 1);
                    }
                });
                assert_eq!(mask.unwrap(), Mask::full(shape));
            }
        }
    }
}
