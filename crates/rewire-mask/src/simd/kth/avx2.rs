//! The passes of selection with 256-bit vectors, 8 scores each.

use std::arch::x86_64::*;

use super::{Bracket, SLACK, Tally};
use crate::simd::prefetch::fetch_ahead;

/// The bits of 8 scores.
#[inline]
#[target_feature(enable = "avx2")]
fn load(scores: &[f32; 8]) -> __m256i {
    // SAFETY: the reference is valid for 8 scores; the load needs no alignment.
    unsafe { _mm256_loadu_si256(scores.as_ptr().cast()) }
}

/// The magnitudes and the keys of 8 scores.
#[inline]
#[target_feature(enable = "avx2")]
fn keys<const SIGNED: bool>(bits: __m256i) -> (__m256i, __m256i) {
    let magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(i32::MAX));
    if !SIGNED {
        return (magnitude, magnitude);
    }
    let sign = _mm256_srai_epi32::<31>(bits);
    let key = _mm256_sub_epi32(_mm256_xor_si256(magnitude, sign), sign);
    (magnitude, key)
}

/// For every set of 8 lanes the lanes in it, ascending, one byte each.
const LANES_OF: [[u8; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut set = 0;
    while set < 256 {
        let (mut lane, mut found) = (0, 0);
        while lane < 8 {
            if set >> lane & 1 == 1 {
                table[set][found] = lane as u8;
                found += 1;
            }
            lane += 1;
        }
        set += 1;
    }
    table
};

/// The tally of a multiple of 32 scores from the front, and how many those are.
///
/// # Panics
/// If `inside` is not longer than `scores` by [`SLACK`].
#[target_feature(enable = "avx2,popcnt")]
pub(super) fn split<const SIGNED: bool, const ENDS: bool>(
    scores: &[f32],
    bracket: Bracket,
    inside: &mut [f32],
) -> (Tally, usize) {
    assert!(inside.len() >= scores.len() + SLACK);
    let vectors = scores.as_chunks::<8>().0;
    let steps = vectors.len() / 4;
    let quarters = [0, 1, 2, 3].map(|quarter| &vectors[quarter * steps..][..steps]);
    let (low, high) = (
        _mm256_set1_epi32(bracket.low),
        _mm256_set1_epi32(bracket.high),
    );
    let mut largest = _mm256_setzero_si256();
    let mut below_high = _mm256_setzero_si256();
    let mut above = _mm256_setzero_si256();
    let mut below_low = _mm256_setzero_si256();
    let mut n_inside = 0;
    for step in 0..steps {
        for quarter in quarters {
            fetch_ahead(&quarter[step]);
            let bits = load(&quarter[step]);
            let (magnitude, key) = keys::<SIGNED>(bits);
            largest = _mm256_max_epi32(largest, magnitude);
            // A true comparison is −1 in its lane, so subtracting counts.
            let is_below_high = _mm256_cmpgt_epi32(high, key);
            below_high = _mm256_sub_epi32(below_high, is_below_high);
            if ENDS {
                above = _mm256_sub_epi32(above, _mm256_cmpgt_epi32(key, high));
                below_low = _mm256_sub_epi32(below_low, _mm256_cmpgt_epi32(low, key));
            }
            let is_inside = _mm256_and_si256(is_below_high, _mm256_cmpgt_epi32(key, low));
            let set = _mm256_movemask_ps(_mm256_castsi256_ps(is_inside)) as usize;
            let lanes = i64::from_le_bytes(LANES_OF[set & 255]);
            let lanes = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(lanes));
            let packed = _mm256_permutevar8x32_epi32(bits, lanes);
            // SAFETY: each earlier vector added at most its 8 scores, so that
            // n_inside + 8 <= scores.len() < inside.len(), as asserted.
            unsafe { _mm256_storeu_si256(inside.as_mut_ptr().add(n_inside).cast(), packed) };
            n_inside += set.count_ones() as usize;
        }
    }
    let n = 32 * steps;
    let tally = Tally {
        above: sum(above),
        from_high: n - sum(below_high),
        inside: n_inside,
        from_low: n - sum(below_low),
        largest: lanes_of(largest).into_iter().fold(0, u32::max),
    };
    (tally, n)
}

/// Marks whole words; returns how many keys equal the threshold.
///
/// # Panics
/// If there are fewer than 64 scores for a word.
#[target_feature(enable = "avx2,popcnt")]
pub(super) fn mark<const SIGNED: bool>(scores: &[f32], threshold: i32, words: &mut [u64]) -> usize {
    let vectors = scores.as_chunks::<8>().0.as_chunks::<8>().0;
    let threshold = _mm256_set1_epi32(threshold);
    let steps = words.len().div_ceil(4);
    let mut equal = _mm256_setzero_si256();
    for step in 0..steps {
        for index in (0..4).map(|quarter| quarter * steps + step) {
            let Some(word) = words.get_mut(index) else {
                break;
            };
            let mut marked = 0;
            for (part, values) in vectors[index].iter().enumerate() {
                fetch_ahead(values);
                let bits = load(values);
                let (_, key) = keys::<SIGNED>(bits);
                let is_below = _mm256_cmpgt_epi32(threshold, key);
                let below = _mm256_movemask_ps(_mm256_castsi256_ps(is_below));
                marked |= u64::from(!below as u8) << (8 * part);
                equal = _mm256_sub_epi32(equal, _mm256_cmpeq_epi32(key, threshold));
            }
            *word = marked;
        }
    }
    sum(equal)
}

#[target_feature(enable = "avx2")]
fn lanes_of(lanes: __m256i) -> [u32; 8] {
    let mut array = [0; 8];
    // SAFETY: the destination holds 8 values.
    unsafe { _mm256_storeu_si256(array.as_mut_ptr().cast(), lanes) };
    array
}

#[target_feature(enable = "avx2")]
fn sum(lanes: __m256i) -> usize {
    lanes_of(lanes).into_iter().map(|lane| lane as usize).sum()
}
