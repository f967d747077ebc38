//! Sifting ascending positions by a set of bits.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::Avx512;
use super::Isa;

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Numbers that may be written in vain behind those that are found.
pub(crate) const SIFT_SLACK: usize = 8;

/// How far the two lists that sifting fills reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sifted {
    /// End of what is kept in place.
    pub(crate) kept: usize,
    /// Positions in the set.
    pub(crate) common: usize,
}

impl Isa {
    /// Moves those of `positions[range]` that are not in the set to `kept` and behind, in order,
    /// and copies those that are to the front of `common`. Bit p mod 2¹⁶ of the set stands for
    /// position p. What is overwritten lies before the end of the range.
    ///
    /// # Panics
    /// If `kept` is behind the start of the range, the range ends behind the positions, the set
    /// does not have 2¹⁶ bits, or `common` is not longer than the range by [`SIFT_SLACK`].
    pub(crate) fn sift(
        self,
        positions: &mut [u64],
        range: Range<usize>,
        kept: usize,
        set: &[u64],
        common: &mut [u64],
    ) -> Sifted {
        assert!(kept <= range.start && range.end <= positions.len() && set.len() == SET);
        assert!(common.len() >= range.len() + SIFT_SLACK);
        let (mut sifted, start) = match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => proof.sift(positions, range.clone(), kept, set, common),
            _ => (Sifted { kept, common: 0 }, range.start),
        };
        for index in start..range.end {
            let position = positions[index];
            let place = position as usize % (64 * SET);
            let is_common = (set[place / 64] >> (place % 64) & 1) as usize;
            // Both lists are written whatever is found, and what does not count is written over.
            positions[sifted.kept] = position;
            common[sifted.common] = position;
            sifted.kept += 1 - is_common;
            sifted.common += is_common;
        }
        sifted
    }
}

/// Words of the set.
const SET: usize = 1 << 10;

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    /// Sifts a multiple of 8 positions; also returns where the rest starts.
    fn sift(
        self,
        positions: &mut [u64],
        range: Range<usize>,
        kept: usize,
        set: &[u64],
        common: &mut [u64],
    ) -> (Sifted, usize) {
        assert!(kept <= range.start && range.end <= positions.len() && set.len() == SET);
        assert!(common.len() >= range.len() + SIFT_SLACK);
        // SAFETY: the token proves that the processor has the features that the kernel enables,
        // and the lengths are as it asks.
        unsafe { sift_512(positions, range, kept, set, common) }
    }
}

/// # Safety
/// As the assertions of [`Isa::sift`] say.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,popcnt")]
unsafe fn sift_512(
    positions: &mut [u64],
    range: Range<usize>,
    kept: usize,
    set: &[u64],
    common: &mut [u64],
) -> (Sifted, usize) {
    let within = _mm512_set1_epi64(64 * SET as i64 - 1);
    let (bit, one) = (_mm512_set1_epi64(63), _mm512_set1_epi64(1));
    let mut sifted = Sifted { kept, common: 0 };
    let end = range.end - range.len() % 8;
    for index in (range.start..end).step_by(8) {
        // SAFETY: index + 8 <= range.end <= positions.len().
        let found = unsafe { _mm512_loadu_si512(positions.as_ptr().add(index).cast()) };
        let word = _mm512_srli_epi64::<6>(_mm512_and_si512(found, within));
        // SAFETY: a place within 2¹⁶ bits lies in one of the words of the set.
        let words = unsafe { _mm512_i64gather_epi64::<8>(word, set.as_ptr().cast()) };
        let bits = _mm512_srlv_epi64(words, _mm512_and_si512(found, bit));
        let is_common = _mm512_test_epi64_mask(bits, one);
        // SAFETY: what is kept ends at or before `index`, so that 8 numbers end before what is
        // read next; no more are common than were read, and 8 more have room.
        unsafe {
            let target = positions.as_mut_ptr().add(sifted.kept);
            _mm512_storeu_si512(
                target.cast(),
                _mm512_maskz_compress_epi64(!is_common, found),
            );
            let target = common.as_mut_ptr().add(sifted.common);
            _mm512_storeu_si512(target.cast(), _mm512_maskz_compress_epi64(is_common, found));
        }
        sifted.common += is_common.count_ones() as usize;
        sifted.kept += (!is_common).count_ones() as usize;
    }
    (sifted, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_sifts_as_a_filter_does() {
        let mixed = |i: u64| (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let set: Vec<u64> = (0..SET as u64).map(|i| mixed(i) & mixed(i + 7)).collect();
        let is_common = |&p: &u64| set[(p % 65_536 / 64) as usize] >> (p % 64) & 1 == 1;
        let base = 5 << 16;
        for (n, step) in [(0, 1), (1, 1), (7, 3), (8, 8191), (100, 64), (1003, 65)] {
            let list: Vec<u64> = (0..n).map(|i| base + i * step).collect();
            for (start, end, kept) in [(0, n, 0), (n / 3, n, n / 5), (n / 2, n - n / 4, 0)] {
                let [start, end, kept] = [start, end, kept].map(|at| at as usize);
                let (taken, left): (Vec<u64>, Vec<u64>) =
                    list[start..end].iter().copied().partition(is_common);
                for isa in Isa::all() {
                    let mut positions = list.clone();
                    let mut common = vec![0; end - start + SIFT_SLACK];
                    let found = isa.sift(&mut positions, start..end, kept, &set, &mut common);
                    assert_eq!((found.kept, found.common), (kept + left.len(), taken.len()));
                    assert_eq!(positions[kept..found.kept], left, "{isa:?}");
                    assert_eq!(common[..found.common], taken, "{isa:?}");
                    assert_eq!(positions[end..], list[end..], "{isa:?}");
                }
            }
        }
    }
}
