//! The set bits of words as numbers, found by counting and scanning bits in one instruction each.

use super::Isa;
#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

impl Isa {
    /// Writes the indices of the set bits to the front of `numbers`, each counted from `start`,
    /// ascending; returns how many there are.
    ///
    /// # Panics
    /// If `numbers` is too short.
    pub(crate) fn ones(self, words: &[u64], start: u64, numbers: &mut [u64]) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => proof.ones(words, start, numbers),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => proof.ones(words, start, numbers),
            Self::Portable => ones::<u64, 4>(words, numbers, |index| start + index),
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    fn ones(self, words: &[u64], start: u64, numbers: &mut [u64]) -> usize {
        // SAFETY: the token proves that the processor has the features that the function enables.
        unsafe { ones_bmi(words, start, numbers) }
    }
}

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    fn ones(self, words: &[u64], start: u64, numbers: &mut [u64]) -> usize {
        // SAFETY: the token proves that the processor has the features that the function enables.
        unsafe { ones_bmi(words, start, numbers) }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn ones_bmi(words: &[u64], start: u64, numbers: &mut [u64]) -> usize {
    ones::<u64, 4>(words, numbers, |index| start + index)
}

/// [`columns_of`] by compressing 16 columns at a time.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,popcnt")]
pub(super) fn columns_512(word: u64, start: u32, columns: &mut [u32]) -> usize {
    let Some(columns) = columns.first_chunk_mut::<64>() else {
        return columns_of(word, start, columns);
    };
    let sixteen = _mm512_set1_epi32(16);
    let steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let mut numbers = _mm512_add_epi32(_mm512_set1_epi32(start as i32), steps);
    let mut written = 0;
    for part in 0..4 {
        let set = (word >> (16 * part)) as u16;
        let packed = _mm512_maskz_compress_epi32(set, numbers);
        // SAFETY: at most 16 columns were written for each earlier part, so there is room for 16.
        unsafe { _mm512_storeu_si512(columns.as_mut_ptr().add(written).cast(), packed) };
        written += set.count_ones() as usize;
        numbers = _mm512_add_epi32(numbers, sixteen);
    }
    written
}

/// Writes the columns of the set bits, counted from `start`; returns how many there are.
#[inline(always)]
pub(super) fn columns_of(word: u64, start: u32, columns: &mut [u32]) -> usize {
    ones::<u32, 8>(&[word], columns, |index| start + index as u32)
}

/// Writes the indices of set bits as numbers, `STRIDE` at a time whether or not so many are left:
/// the number of steps is then easier to foresee than the number of bits.
#[inline(always)]
fn ones<T: Copy, const STRIDE: usize>(
    words: &[u64],
    numbers: &mut [T],
    number: impl Fn(u64) -> T,
) -> usize {
    let mut written = 0;
    for (&word, start) in words.iter().zip((0u64..).step_by(64)) {
        let (mut rest, end) = (word, written + word.count_ones() as usize);
        while rest != 0 {
            let take = |rest: &mut u64| {
                let index = start + u64::from(rest.trailing_zeros());
                *rest &= rest.wrapping_sub(1);
                number(index)
            };
            match numbers[written..].first_chunk_mut::<STRIDE>() {
                Some(slots) => slots.iter_mut().for_each(|slot| *slot = take(&mut rest)),
                None => {
                    for slot in &mut numbers[written..end] {
                        *slot = take(&mut rest);
                    }
                }
            }
            written = end.min(written + STRIDE);
        }
    }
    written
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Words that are empty, full, sparse and dense.
    pub(in crate::simd) fn words() -> Vec<u64> {
        let mut words = vec![0, u64::MAX, 1, 1 << 63, 0b1011_0111, u64::MAX >> 1];
        let mixed = |i: u64| (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        words.extend((0..20).map(|i| mixed(i) & mixed(i + 20)));
        words.extend((40..50).map(mixed));
        words
    }

    /// The numbers of the set bits, one by one.
    pub(in crate::simd) fn set_bits(words: &[u64]) -> Vec<u64> {
        let is_set = |n: &u64| words[(n / 64) as usize] >> (n % 64) & 1 == 1;
        (0..64 * words.len() as u64).filter(is_set).collect()
    }

    #[test]
    fn every_path_finds_the_set_bits_in_order() {
        let words = words();
        for end in 0..words.len() {
            let words = &words[..end];
            let expected: Vec<u64> = set_bits(words).iter().map(|n| 1000 + n).collect();
            for isa in Isa::all() {
                // Not one number of room beyond what is needed.
                let mut numbers = vec![0; expected.len()];
                assert_eq!(isa.ones(words, 1000, &mut numbers), expected.len());
                assert_eq!(numbers, expected, "{isa:?}");
            }
        }
    }
}
