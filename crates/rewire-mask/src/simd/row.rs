//! Rewiring one row of a matrix as bits.
//!
//! The body is plain Rust; what differs between the paths is what the compiler may make of
//! `count_ones`, how a row becomes bits, and how the bits of a word that another word selects are
//! packed.

use super::Isa;
#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};
use crate::bits::Bits;

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A row of a matrix and which of its entries change.
pub(crate) struct RowChange<'a> {
    /// Position of the first entry.
    pub(crate) start: u64,
    /// Columns that are active before, ascending.
    pub(crate) old: &'a [u32],
    /// Positions that are dropped, ascending, all in this row.
    pub(crate) dropped: &'a [u64],
    /// Positions that are grown, likewise.
    pub(crate) grown: &'a [u64],
}

/// Room for a row as bits.
pub(crate) struct RowWords {
    /// The active entries, those dropped and those grown.
    bits: [Vec<u64>; 3],
    /// The same as the lowest bits of one byte per entry, all 0 between rows.
    bytes: Vec<u8>,
}

impl RowWords {
    /// For rows of `cols` entries.
    pub(crate) fn new(cols: usize) -> Self {
        let words = cols.div_ceil(64);
        Self {
            bits: [(); 3].map(|()| vec![0; words]),
            bytes: vec![0; 64 * words],
        }
    }
}

impl Isa {
    /// Appends to `survives` one bit for each entry of a row that was active and to `is_grown` one
    /// for each that is active after a change.
    ///
    /// Returns false, with both in any state, if a dropped entry is inactive or a grown
    /// one active.
    pub(crate) fn change_row(
        self,
        row: RowChange<'_>,
        words: &mut RowWords,
        survives: &mut Bits,
        is_grown: &mut Bits,
    ) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => proof.change_row(row, words, survives, is_grown),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => proof.change_row(row, words, survives, is_grown),
            Self::Portable => change_row(row, words, survives, is_grown, spread, packed),
        }
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! row_changes {
    ($token:ty, $change_row:ident) => {
        impl $token {
            fn change_row(
                self,
                row: RowChange<'_>,
                words: &mut RowWords,
                survives: &mut Bits,
                is_grown: &mut Bits,
            ) -> bool {
                // SAFETY: the token proves that the processor has the features that the function
                // enables.
                unsafe { $change_row(row, words, survives, is_grown) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
row_changes!(Avx512, change_row_512);
#[cfg(target_arch = "x86_64")]
row_changes!(Avx2, change_row_bmi);

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,popcnt")]
fn change_row_512(
    row: RowChange<'_>,
    words: &mut RowWords,
    survives: &mut Bits,
    is_grown: &mut Bits,
) -> bool {
    let packed = |bits, mask| _pext_u64(bits, mask);
    let spread = |row: &RowChange<'_>, words: &mut RowWords| spread_512(row, words);
    change_row(row, words, survives, is_grown, spread, packed)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn change_row_bmi(
    row: RowChange<'_>,
    words: &mut RowWords,
    survives: &mut Bits,
    is_grown: &mut Bits,
) -> bool {
    let packed = |bits, mask| _pext_u64(bits, mask);
    change_row(row, words, survives, is_grown, spread, packed)
}

/// [`spread`] over bytes first: entries that follow each other then never share a word that has to
/// be written before it can be read again.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,popcnt")]
fn spread_512(row: &RowChange<'_>, words: &mut RowWords) {
    let RowWords { bits, bytes } = words;
    for &column in row.old {
        bytes[column as usize] = 1;
    }
    for (flag, positions) in [(2, row.dropped), (4, row.grown)] {
        for &position in positions {
            bytes[(position - row.start) as usize] |= flag;
        }
    }
    let [old, dropped, grown] = bits;
    let flags = [1, 2, 4].map(|flag| _mm512_set1_epi8(flag));
    let bits = old.iter_mut().zip(dropped).zip(grown);
    for (((old, dropped), grown), bytes) in bits.zip(bytes.as_chunks_mut::<64>().0) {
        // SAFETY: the chunk is 64 bytes.
        let entries = unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
        *bytes = [0; 64];
        *old = _mm512_test_epi8_mask(entries, flags[0]);
        *dropped = _mm512_test_epi8_mask(entries, flags[1]);
        *grown = _mm512_test_epi8_mask(entries, flags[2]);
    }
}

/// Writes the three sets of entries of a row as bits.
#[inline(always)]
fn spread(row: &RowChange<'_>, words: &mut RowWords) {
    let [old, dropped, grown] = &mut words.bits;
    old.fill(0);
    for &column in row.old {
        set(old, column as usize);
    }
    for (words, positions) in [(dropped, row.dropped), (grown, row.grown)] {
        words.fill(0);
        for &position in positions {
            set(words, (position - row.start) as usize);
        }
    }
}

#[inline(always)]
fn set(words: &mut [u64], index: usize) {
    words[index / 64] |= 1 << (index % 64);
}

#[inline(always)]
fn change_row(
    row: RowChange<'_>,
    words: &mut RowWords,
    survives: &mut Bits,
    is_grown: &mut Bits,
    spread: impl Fn(&RowChange<'_>, &mut RowWords),
    packed: impl Fn(u64, u64) -> u64,
) -> bool {
    spread(&row, words);
    let [old, dropped, grown] = &mut words.bits;
    let changes = old.iter().zip(dropped.iter());
    survives.extend(changes.map(|(&old, &dropped)| (packed(!dropped, old), old.count_ones())));
    // The new row takes the place of the old one.
    let mut misfits = 0;
    for ((old, dropped), grown) in old.iter_mut().zip(&*dropped).zip(&*grown) {
        misfits |= dropped & !*old | grown & *old;
        *old ^= dropped ^ grown;
    }
    if misfits != 0 {
        return false;
    }
    let changes = old.iter().zip(grown.iter());
    is_grown.extend(changes.map(|(&new, &grown)| (packed(grown, new), new.count_ones())));
    true
}

/// The bits of a word at the set bits of a mask, moved together.
fn packed(bits: u64, mask: u64) -> u64 {
    let (mut packed, mut rest, mut n) = (0, mask, 0);
    while rest != 0 {
        packed |= (bits >> rest.trailing_zeros() & 1) << n;
        rest &= rest - 1;
        n += 1;
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::super::ones::tests::{set_bits, words};
    use super::*;

    #[test]
    fn every_path_changes_rows_alike() {
        let old = words();
        let n = old.len();
        let turned = |by: usize| (0..n).map(|i| old[(i * 5 + by) % n]).collect::<Vec<_>>();
        let dropped: Vec<u64> = old.iter().zip(turned(3)).map(|(old, x)| old & x).collect();
        let grown: Vec<u64> = old.iter().zip(turned(8)).map(|(old, x)| !old & x).collect();
        let changes = old.iter().zip(&dropped).zip(&grown);
        let new: Vec<u64> = changes.map(|((o, d), g)| o ^ d ^ g).collect();
        let is_in = |words: &[u64], n: u64| words[(n / 64) as usize] >> (n % 64) & 1 == 1;
        let flags = |of: &[u64], holds: &dyn Fn(u64) -> bool| {
            let mut bits = Bits::default();
            // The strings need not begin at a word.
            bits.push_run(true, 3);
            set_bits(of)
                .iter()
                .for_each(|&n| bits.push_run(holds(n), 1));
            bits
        };
        let survives = flags(&old, &|n| !is_in(&dropped, n));
        let is_grown = flags(&new, &|n| is_in(&grown, n));
        let start = 1_000_000;
        let positions = |words: &[u64]| {
            set_bits(words)
                .iter()
                .map(|n| start + n)
                .collect::<Vec<_>>()
        };
        let old_columns: Vec<u32> = set_bits(&old).iter().map(|&n| n as u32).collect();
        for isa in Isa::all() {
            let mut found = (Bits::default(), Bits::default());
            found.0.push_run(true, 3);
            found.1.push_run(true, 3);
            let row = RowChange {
                start,
                old: &old_columns,
                dropped: &positions(&dropped),
                grown: &positions(&grown),
            };
            let mut words = RowWords::new(64 * n - 7);
            assert!(
                isa.change_row(row, &mut words, &mut found.0, &mut found.1),
                "{isa:?}"
            );
            let expected = (survives.clone(), is_grown.clone());
            assert_eq!(found, expected, "{isa:?}");
        }
    }

    #[test]
    fn every_path_refuses_changes_that_do_not_fit() {
        for isa in Isa::all() {
            let mut words = RowWords::new(100);
            for (dropped, grown, fits) in [
                (&[70][..], &[71][..], true),
                (&[71], &[], false),
                (&[], &[70], false),
                (&[0], &[1], false),
            ] {
                let row = RowChange {
                    start: 0,
                    old: &[70],
                    dropped,
                    grown,
                };
                let (mut survives, mut is_grown) = (Bits::default(), Bits::default());
                let found = isa.change_row(row, &mut words, &mut survives, &mut is_grown);
                assert_eq!(found, fits, "{isa:?}, {dropped:?}, {grown:?}");
            }
        }
    }
}
