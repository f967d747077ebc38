//! Pairs of columns, their codes, and tables of bytes that `prmt` looks up.
//!
//! | columns | 0, 1 | 0, 2 | 0, 3 | 1, 2 | 1, 3 | 2, 3 |
//! |---|---|---|---|---|---|---|
//! | code: 4, 2, 1 or 0 for each | 6 | 5 | 4 | 3 | 2 | 1 |
//! | metadata: lower, and 4 · higher | 4 | 8 | C | 9 | D | E |
//!
//! The code of the two columns that a pair leaves is 7 minus its own.

/// The pairs, lower column first.
const PAIRS: [[u32; 2]; 6] = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]];

/// What each column adds to a code.
pub(crate) const WEIGHTS: [u32; 4] = [4, 2, 1, 0];

/// A table of eight bytes as two words of PTX: entry i is byte i.
#[derive(Clone, Copy)]
pub(crate) struct Table([u32; 2]);

impl Table {
    /// The table whose entry at a pair's index is the byte of the pair; other entries are 0.
    fn new(index: impl Fn([u32; 2]) -> u32, byte: impl Fn([u32; 2]) -> u32) -> Self {
        let mut words = [0; 2];
        for pair in PAIRS {
            let index = index(pair);
            words[index as usize / 4] |= byte(pair) << (8 * (index % 4));
        }
        Self(words)
    }

    /// The table of a byte by code.
    pub(crate) fn by_code(byte: impl Fn([u32; 2]) -> u32) -> Self {
        Self::new(code, byte)
    }

    /// The table of a byte by the low three bits of `metadata ^ metadata >> 1`, which are 6, 4, 2,
    /// 5, 3 and 1 for the pairs in their order: no two alike.
    pub(crate) fn by_metadata(byte: impl Fn([u32; 2]) -> u32) -> Self {
        Self::new(|pair| (metadata(pair) ^ metadata(pair) >> 1) & 7, byte)
    }

    /// The two words as operands.
    pub(crate) fn operands(self) -> String {
        format!("0x{:08X}, 0x{:08X}", self.0[0], self.0[1])
    }
}

/// The code of a pair.
pub(crate) fn code([low, high]: [u32; 2]) -> u32 {
    WEIGHTS[low as usize] + WEIGHTS[high as usize]
}

/// The four bits of a pair in metadata.
pub(crate) fn metadata([low, high]: [u32; 2]) -> u32 {
    low | high << 2
}

/// The kept columns as bits.
pub(crate) fn bits([low, high]: [u32; 2]) -> u32 {
    1 << low | 1 << high
}

/// Two nibbles of a selector that pick number `place` of the four in two words.
pub(crate) fn half(place: u32) -> u32 {
    0x10 + 0x22 * place
}

/// A selector that puts byte `line` of one word and of another side by side.
pub(crate) fn beside(line: u32) -> u32 {
    0x40 + 0x11 * line
}

/// The selector with which a lane that keeps the first half of its bytes lays them between those of
/// the lane it exchanges with: `[own 0, other 0, own 1, other 1]`.
pub(crate) const KEEP_FIRST: u32 = 0x5140;

/// The same for the lane that keeps the second half: `[other 2, own 2, other 3, own 3]`.
pub(crate) const KEEP_SECOND: u32 = 0x3726;

#[cfg(test)]
mod tests {
    use super::*;

    /// What `prmt` makes of a selector's lowest nibble.
    fn look_up(table: Table, index: u32) -> u32 {
        table.0[index as usize / 4] >> (8 * (index % 4)) & 0xFF
    }

    #[test]
    fn tables_hold_a_byte_for_every_pair() {
        let (codes, mixed) = (Table::by_code(metadata), Table::by_metadata(metadata));
        for pair in PAIRS {
            assert_eq!(look_up(codes, code(pair)), metadata(pair));
            let index = (metadata(pair) ^ metadata(pair) >> 1) & 7;
            assert_eq!(look_up(mixed, index), metadata(pair));
            // The two columns that are left over.
            let rest = PAIRS
                .into_iter()
                .find(|&rest| bits(rest) == 15 ^ bits(pair));
            assert_eq!(rest.map(code), Some(7 - code(pair)));
        }
    }
}
