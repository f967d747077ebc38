//! Which two of four columns a group keeps, as four bits.
//!
//! The lower index stands in bits 0–1, the higher one in bits 2–3. Equal or descending indices are
//! undefined behaviour in the matrix units that read them, so exactly six values are legal:
//! {0,1} = 0x4, {0,2} = 0x8, {0,3} = 0xC, {1,2} = 0x9, {1,3} = 0xD, {2,3} = 0xE.

/// The pair of a group that keeps nothing.
pub(super) const FILLER: u8 = 0x4;

/// Groups whose pairs share one 16-bit word of metadata.
pub(super) const GROUPS_PER_WORD: usize = 4;

/// Columns described by one 16-bit word of metadata.
pub(super) const COLUMNS_PER_WORD: usize = 16;

/// Values stored for the columns of one 16-bit word of metadata.
pub(super) const VALUES_PER_WORD: usize = 8;

/// A 16-bit word of groups that keep nothing.
pub(super) const FILLER_WORD: u16 = 0x4444;

/// The pair that keeps these active entries (bit i is entry i), or nothing for more than two.
///
/// A group with fewer is filled up with its lowest inactive entry, so that the pair is a function
/// of the mask.
pub(super) const fn covering(active: u8) -> Option<u8> {
    match active {
        0b0000..=0b0011 => Some(0x4),
        0b0100 | 0b0101 => Some(0x8),
        0b1000 | 0b1001 => Some(0xC),
        0b0110 => Some(0x9),
        0b1010 => Some(0xD),
        0b1100 => Some(0xE),
        _ => None,
    }
}

/// Whether four bits are a legal pair.
pub(super) const fn is_legal(pair: u8) -> bool {
    let [low, high] = indices(pair);
    low < high
}

/// The two entries of a pair, ascending if it is legal.
pub(super) const fn indices(pair: u8) -> [usize; 2] {
    [(pair & 3) as usize, (pair >> 2 & 3) as usize]
}

/// The pair of a group in the word that holds it.
pub(super) const fn of_group(word: u16, group: usize) -> u8 {
    (word >> (4 * (group % GROUPS_PER_WORD)) & 0xF) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bit_patterns_hold_six_pairs() {
        let legal: Vec<u8> = (0..16).filter(|&pair| is_legal(pair)).collect();
        assert_eq!(legal, [0x4, 0x8, 0x9, 0xC, 0xD, 0xE]);
    }

    #[test]
    fn a_pair_covers_what_is_active_and_is_full() {
        for active in 0..16u8 {
            let pair = covering(active);
            assert_eq!(pair.is_none(), active.count_ones() > 2, "{active:#06b}");
            let Some(pair) = pair else { continue };
            let [low, high] = indices(pair);
            assert!(low < high && high < 4, "{active:#06b}");
            // Setting the lowest unset bit until there are two is the rule for fillers.
            let mut full = active;
            while full.count_ones() < 2 {
                full |= full + 1;
            }
            assert_eq!(1u8 << low | 1 << high, full, "{active:#06b}");
        }
        assert_eq!(covering(0), Some(FILLER));
    }
}
