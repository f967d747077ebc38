//! The set bits of words as numbers, found by counting and scanning bits in one instruction each.

use super::Isa;
#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};

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
            Self::Portable => ones(words, start, numbers),
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
    ones(words, start, numbers)
}

/// Set bits that are written at a time, whether or not so many are left: the number of steps is
/// then easier to foresee than the number of bits.
const STRIDE: usize = 4;

#[inline(always)]
fn ones(words: &[u64], start: u64, numbers: &mut [u64]) -> usize {
    let mut written = 0;
    for (&word, start) in words.iter().zip((start..).step_by(64)) {
        let (mut rest, end) = (word, written + word.count_ones() as usize);
        while rest != 0 {
            let take = |rest: &mut u64| {
                let index = start + u64::from(rest.trailing_zeros());
                *rest &= rest.wrapping_sub(1);
                index
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
        for end in (0..words.len()).step_by(if cfg!(miri) { 9 } else { 1 }) {
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
