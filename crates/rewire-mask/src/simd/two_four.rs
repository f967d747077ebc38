//! 2:4 along rows, and transposable 2:4, sixteen groups or tiles at once.
//!
//! The formulas are those of `pattern/nm.rs` and `pattern/transposable.rs`; the same float
//! operations in the same order give the same bits. What is gained over compiled loops is the way
//! the four entries of a group come apart: two rounds of in-lane shuffles that add and subtract
//! in between, and nibbles that are packed by one multiply-add.

use std::arch::x86_64::*;

use super::isa::Avx512;
use super::prefetch::fetch_ahead;

/// Columns that one step decides.
const STEP: usize = 64;

impl Avx512 {
    /// The two best of every four consecutive entries, in four stretches side by side: bit i of
    /// `kept[q][s]` is that of `rows[q][64·s + i]`. Returns the largest |entry| as bits.
    ///
    /// # Panics
    /// Unless every stretch has 64 entries per word, and all have equally many.
    pub(crate) fn rows_of_2_4<const MAGNITUDE: bool>(
        self,
        rows: [&[f32]; 4],
        kept: [&mut [u64]; 4],
    ) -> u32 {
        for (row, kept) in rows.iter().zip(&kept) {
            assert_eq!(row.len(), STEP * kept.len(), "64 entries belong to a word");
            assert_eq!(row.len(), rows[0].len(), "the stretches are equally long");
        }
        // SAFETY: `self` proves that the processor has the features.
        unsafe { rows_of_2_4::<MAGNITUDE>(rows, kept) }
    }

    /// The best transposable 2:4 pattern of every tile of four rows: bit i of `kept[s][r]` is that
    /// of `rows[r][64·s + i]`. Returns the largest |entry| as bits.
    ///
    /// Sums of four entries must not overflow.
    ///
    /// # Panics
    /// Unless every row has 64 entries per element of `kept`.
    pub(crate) fn tiles_of_2_4<const MAGNITUDE: bool>(
        self,
        rows: [&[f32]; 4],
        kept: &mut [[u64; 4]],
    ) -> u32 {
        for row in rows {
            assert_eq!(row.len(), STEP * kept.len(), "64 entries belong to a word");
        }
        // SAFETY: `self` proves that the processor has the features.
        unsafe { tiles_of_2_4::<MAGNITUDE>(rows, kept) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
fn load(values: &[f32; 16]) -> __m512 {
    // SAFETY: the reference is valid for sixteen floats; the load needs no alignment.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
fn rows_of_2_4<const MAGNITUDE: bool>(rows: [&[f32]; 4], mut kept: [&mut [u64]; 4]) -> u32 {
    let mut largest = _mm512_setzero_si512();
    let rows = rows.map(|row| row.as_chunks::<16>().0.as_chunks::<4>().0);
    for step in 0..kept[0].len() {
        for (row, kept) in rows.iter().zip(&mut kept) {
            row[step].iter().for_each(fetch_ahead);
            kept[step] = word_of_2_4::<MAGNITUDE>(&row[step], &mut largest);
        }
    }
    _mm512_reduce_max_epu32(largest)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
fn word_of_2_4<const MAGNITUDE: bool>(step: &[[f32; 16]; 4], largest: &mut __m512i) -> u64 {
    let magnitude = _mm512_set1_epi32(0x7fff_ffff);
    // In the k-th turn an entry meets the one k places further round its group; if that one is
    // lower, it wins ties, which adding 1 to its key does.
    let lower_1 = _mm512_set4_epi32(1, 0, 0, 0);
    let lower_2 = _mm512_set4_epi32(1, 1, 0, 0);
    let lower_3 = _mm512_set4_epi32(1, 1, 1, 0);
    let mut word = 0;
    for (index, values) in step.iter().enumerate() {
        let values = load(values);
        let bits = _mm512_castps_si512(values);
        let absolute = _mm512_and_si512(bits, magnitude);
        *largest = _mm512_max_epu32(*largest, absolute);
        let key = if MAGNITUDE {
            absolute
        } else {
            // Adding 0 makes −0 equal to 0; flipping the rest of negative numbers makes integers
            // that order as the floats do.
            let bits = _mm512_castps_si512(_mm512_add_ps(values, _mm512_setzero_ps()));
            let sign = _mm512_srai_epi32::<31>(bits);
            _mm512_xor_si512(bits, _mm512_and_si512(sign, magnitude))
        };
        let next = _mm512_shuffle_epi32::<0b00_11_10_01>(key);
        let second = _mm512_shuffle_epi32::<0b01_00_11_10>(key);
        let third = _mm512_shuffle_epi32::<0b10_01_00_11>(key);
        let by_1 = _mm512_cmpgt_epi32_mask(_mm512_add_epi32(next, lower_1), key);
        let by_2 = _mm512_cmpgt_epi32_mask(_mm512_add_epi32(second, lower_2), key);
        let by_3 = _mm512_cmpgt_epi32_mask(_mm512_add_epi32(third, lower_3), key);
        let beaten_twice = by_1 & by_2 | by_1 & by_3 | by_2 & by_3;
        word |= u64::from(!beaten_twice) << (16 * index);
    }
    word
}

/// The coordinates x, y, z of one row of sixteen tiles, and the largest |entry| so far.
///
/// Lane 4·l + j holds tile 4·j + l: the shuffles never cross 128 bits.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
fn axes<const MAGNITUDE: bool>(step: &[[f32; 16]; 4], largest: &mut __m512i) -> [__m512; 3] {
    let magnitude = _mm512_set1_epi32(0x7fff_ffff);
    let mut vectors = [_mm512_setzero_ps(); 4];
    for (vector, values) in vectors.iter_mut().zip(step) {
        let values = load(values);
        let absolute = _mm512_and_si512(_mm512_castps_si512(values), magnitude);
        *largest = _mm512_max_epu32(*largest, absolute);
        *vector = if MAGNITUDE {
            _mm512_castsi512_ps(absolute)
        } else {
            values
        };
    }
    let [v0, v1, v2, v3] = vectors;
    // (a, c) of two vectors beside each other, and (b, d).
    let (ac_01, bd_01) = (
        _mm512_shuffle_ps::<0b10_00_10_00>(v0, v1),
        _mm512_shuffle_ps::<0b11_01_11_01>(v0, v1),
    );
    let (ac_23, bd_23) = (
        _mm512_shuffle_ps::<0b10_00_10_00>(v2, v3),
        _mm512_shuffle_ps::<0b11_01_11_01>(v2, v3),
    );
    let (sums_01, sums_23) = (_mm512_add_ps(ac_01, bd_01), _mm512_add_ps(ac_23, bd_23));
    let (gaps_01, gaps_23) = (_mm512_sub_ps(ac_01, bd_01), _mm512_sub_ps(ac_23, bd_23));
    let ab = _mm512_shuffle_ps::<0b10_00_10_00>(sums_01, sums_23);
    let cd = _mm512_shuffle_ps::<0b11_01_11_01>(sums_01, sums_23);
    let a_b = _mm512_shuffle_ps::<0b10_00_10_00>(gaps_01, gaps_23);
    let c_d = _mm512_shuffle_ps::<0b11_01_11_01>(gaps_01, gaps_23);
    [
        _mm512_sub_ps(ab, cd),
        _mm512_add_ps(a_b, c_d),
        _mm512_sub_ps(a_b, c_d),
    ]
}

/// Twice the gain of the best balanced choice of two rows, and which columns it keeps.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
fn best_of_pair(upper: &[__m512; 3], lower: &[__m512; 3]) -> (__m512, __m512i) {
    let x = _mm512_sub_ps(upper[0], lower[0]);
    let y = _mm512_sub_ps(upper[1], lower[1]);
    let z = _mm512_sub_ps(upper[2], lower[2]);
    let (gain_x, gain_y, gain_z) = (_mm512_abs_ps(x), _mm512_abs_ps(y), _mm512_abs_ps(z));
    let y_wins = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(gain_y, gain_x);
    let gain = _mm512_max_ps(gain_x, gain_y);
    let z_wins = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(gain_z, gain);
    let gain = _mm512_max_ps(gain, gain_z);
    let difference = _mm512_mask_mov_ps(_mm512_mask_mov_ps(x, y_wins, y), z_wins, z);
    let code = _mm512_mask_mov_epi32(_mm512_set1_epi32(0xC3), y_wins, _mm512_set1_epi32(0xA5));
    let code = _mm512_mask_mov_epi32(code, z_wins, _mm512_set1_epi32(0x69));
    let is_negative = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(difference, _mm512_setzero_ps());
    let code = _mm512_mask_xor_epi32(code, is_negative, code, _mm512_set1_epi32(0xFF));
    (gain, code)
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
fn tiles_of_2_4<const MAGNITUDE: bool>(rows: [&[f32]; 4], kept: &mut [[u64; 4]]) -> u32 {
    let mut largest = _mm512_setzero_si512();
    let low = _mm512_set1_epi32(0x0F);
    let high = _mm512_set1_epi32(0xF0);
    // Tile 4·j + l comes from lane 4·l + j.
    let in_order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    let steps = rows.map(|row| row.as_chunks::<16>().0.as_chunks::<4>().0);
    for (step, kept) in kept.iter_mut().enumerate() {
        for row in steps {
            row[step].iter().for_each(fetch_ahead);
        }
        let [r0, r1, r2, r3] = [
            axes::<MAGNITUDE>(&steps[0][step], &mut largest),
            axes::<MAGNITUDE>(&steps[1][step], &mut largest),
            axes::<MAGNITUDE>(&steps[2][step], &mut largest),
            axes::<MAGNITUDE>(&steps[3][step], &mut largest),
        ];
        let (gain_01, code_01) = best_of_pair(&r0, &r1);
        let (gain_23, code_23) = best_of_pair(&r2, &r3);
        let mut best = _mm512_add_ps(gain_01, gain_23);
        let mut tiles = _mm512_or_si512(code_01, _mm512_slli_epi32::<8>(code_23));

        let (gain_02, code_02) = best_of_pair(&r0, &r2);
        let (gain_13, code_13) = best_of_pair(&r1, &r3);
        let sum = _mm512_add_ps(gain_02, gain_13);
        let wins = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(sum, best);
        best = _mm512_max_ps(best, sum);
        let interleaved = _mm512_or_si512(
            _mm512_or_si512(
                _mm512_and_si512(code_02, low),
                _mm512_slli_epi32::<4>(_mm512_and_si512(code_13, low)),
            ),
            _mm512_or_si512(
                _mm512_slli_epi32::<4>(_mm512_and_si512(code_02, high)),
                _mm512_slli_epi32::<8>(_mm512_and_si512(code_13, high)),
            ),
        );
        tiles = _mm512_mask_mov_epi32(tiles, wins, interleaved);

        let (gain_03, code_03) = best_of_pair(&r0, &r3);
        let (gain_12, code_12) = best_of_pair(&r1, &r2);
        let sum = _mm512_add_ps(gain_03, gain_12);
        let wins = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(sum, best);
        let nested = _mm512_or_si512(
            _mm512_or_si512(
                _mm512_and_si512(code_03, low),
                _mm512_slli_epi32::<4>(code_12),
            ),
            _mm512_slli_epi32::<8>(_mm512_and_si512(code_03, high)),
        );
        tiles = _mm512_mask_mov_epi32(tiles, wins, nested);

        *kept = words_of_rows(_mm512_permutexvar_epi32(in_order, tiles));
    }
    _mm512_reduce_max_epu32(largest)
}

/// Sixteen tiles of four nibbles, one nibble a row, as the words of the rows.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
fn words_of_rows(tiles: __m512i) -> [u64; 4] {
    let tiles = _mm512_cvtepi32_epi16(tiles);
    // The bytes of rows 0 and 1 of all tiles, then those of rows 2 and 3.
    let apart = _mm256_setr_epi8(
        0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15, //
        0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15,
    );
    let bytes = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_shuffle_epi8(tiles, apart));
    let nibble = _mm256_set1_epi8(0x0F);
    let even = _mm256_and_si256(bytes, nibble);
    let odd = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble);
    // Two neighbours n, m become n + 16·m.
    let join = _mm256_set1_epi16(0x1001);
    let even = _mm256_maddubs_epi16(even, join);
    let odd = _mm256_maddubs_epi16(odd, join);
    let words = _mm256_packus_epi16(even, odd);
    [
        _mm256_extract_epi64::<0>(words) as u64,
        _mm256_extract_epi64::<1>(words) as u64,
        _mm256_extract_epi64::<2>(words) as u64,
        _mm256_extract_epi64::<3>(words) as u64,
    ]
}
