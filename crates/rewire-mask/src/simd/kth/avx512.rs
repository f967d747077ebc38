//! The passes of selection with 512-bit vectors, 16 scores each.

use std::arch::x86_64::*;

use super::{Bracket, SLACK, Tally};
use crate::simd::prefetch::fetch_ahead;

/// The bits of 16 scores.
#[inline]
#[target_feature(enable = "avx512f")]
fn load(scores: &[f32; 16]) -> __m512i {
    // SAFETY: the reference is valid for 16 scores; the load needs no alignment.
    unsafe { _mm512_loadu_si512(scores.as_ptr().cast()) }
}

/// The magnitudes and the keys of 16 scores.
#[inline]
#[target_feature(enable = "avx512f")]
fn keys<const SIGNED: bool>(bits: __m512i) -> (__m512i, __m512i) {
    let magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(i32::MAX));
    if !SIGNED {
        return (magnitude, magnitude);
    }
    let sign = _mm512_srai_epi32::<31>(bits);
    let key = _mm512_sub_epi32(_mm512_xor_si512(magnitude, sign), sign);
    (magnitude, key)
}

/// The tally of a multiple of 64 scores from the front, and how many those are.
///
/// # Panics
/// If `inside` is not longer than `scores` by [`SLACK`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
pub(super) fn split<const SIGNED: bool, const ENDS: bool>(
    scores: &[f32],
    bracket: Bracket,
    inside: &mut [f32],
) -> (Tally, usize) {
    assert!(inside.len() >= scores.len() + SLACK);
    let vectors = scores.as_chunks::<16>().0;
    let steps = vectors.len() / 4;
    let quarters = [0, 1, 2, 3].map(|quarter| &vectors[quarter * steps..][..steps]);
    let (low, high) = (
        _mm512_set1_epi32(bracket.low),
        _mm512_set1_epi32(bracket.high),
    );
    let first_inside = _mm512_set1_epi32(bracket.low.wrapping_add(1));
    let width = _mm512_set1_epi32(bracket.width() as i32);
    let one = _mm512_set1_epi32(1);
    let mut largest = _mm512_setzero_si512();
    let mut from_high = _mm512_setzero_si512();
    let mut above = _mm512_setzero_si512();
    let mut from_low = _mm512_setzero_si512();
    let mut n_inside = 0;
    for step in 0..steps {
        for quarter in quarters {
            fetch_ahead(&quarter[step]);
            let bits = load(&quarter[step]);
            let (magnitude, key) = keys::<SIGNED>(bits);
            largest = _mm512_max_epi32(largest, magnitude);
            let is_high = _mm512_cmpge_epi32_mask(key, high);
            from_high = _mm512_mask_add_epi32(from_high, is_high, from_high, one);
            if ENDS {
                let is_above = _mm512_cmpgt_epi32_mask(key, high);
                above = _mm512_mask_add_epi32(above, is_above, above, one);
                let is_from_low = _mm512_cmpge_epi32_mask(key, low);
                from_low = _mm512_mask_add_epi32(from_low, is_from_low, from_low, one);
            }
            // Both ends in one comparison: what lies below the first key inside wraps around.
            let offset = _mm512_sub_epi32(key, first_inside);
            let is_inside = _mm512_cmplt_epu32_mask(offset, width);
            let packed = _mm512_maskz_compress_epi32(is_inside, bits);
            // SAFETY: each earlier vector added at most its 16 scores, so that
            // n_inside + 16 <= scores.len() < inside.len(), as asserted.
            unsafe { _mm512_storeu_si512(inside.as_mut_ptr().add(n_inside).cast(), packed) };
            n_inside += is_inside.count_ones() as usize;
        }
    }
    let total = |lanes: __m512i| _mm512_reduce_add_epi32(lanes) as u32 as usize;
    let tally = Tally {
        above: total(above),
        from_high: total(from_high),
        inside: n_inside,
        from_low: total(from_low),
        largest: _mm512_reduce_max_epi32(largest) as u32,
    };
    (tally, 64 * steps)
}

/// Marks whole words; returns how many keys equal the threshold.
///
/// # Panics
/// If there are fewer than 64 scores for a word.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
pub(super) fn mark<const SIGNED: bool>(scores: &[f32], threshold: i32, words: &mut [u64]) -> usize {
    let vectors = scores.as_chunks::<16>().0.as_chunks::<4>().0;
    let threshold = _mm512_set1_epi32(threshold);
    let steps = words.len().div_ceil(4);
    let one = _mm512_set1_epi32(1);
    let mut equal = _mm512_setzero_si512();
    for step in 0..steps {
        for index in (0..4).map(|quarter| quarter * steps + step) {
            let Some(word) = words.get_mut(index) else {
                break;
            };
            let mut marked = [0; 4];
            for (marked, values) in marked.iter_mut().zip(&vectors[index]) {
                fetch_ahead(values);
                let bits = load(values);
                let (_, key) = keys::<SIGNED>(bits);
                *marked = u64::from(_mm512_cmpge_epi32_mask(key, threshold));
                let is_equal = _mm512_cmpeq_epi32_mask(key, threshold);
                equal = _mm512_mask_add_epi32(equal, is_equal, equal, one);
            }
            *word = marked[0] | marked[1] << 16 | marked[2] << 32 | marked[3] << 48;
        }
    }
    _mm512_reduce_add_epi32(equal) as u32 as usize
}
