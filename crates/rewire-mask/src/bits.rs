//! Strings of bits that the code keeps for itself: sets of numbers to sort and subtract them, and
//! yes or no for every entry of a column.

use crate::simd::Isa;

/// Words whose set bits are found at a time, in a buffer that stays in the nearest cache.
const STEP: usize = 16;

/// The set bits of words as ascending numbers: bit b of word w is number 64·w + b. There must be
/// `count` of them.
pub(crate) fn ones(words: &[u64], count: usize) -> Vec<u64> {
    let mut numbers = Vec::with_capacity(count);
    let mut buffer = [0; 64 * STEP];
    for (words, start) in words.chunks(STEP).zip((0..).step_by(64 * STEP)) {
        let found = Isa::best().ones(words, start, &mut buffer);
        numbers.extend_from_slice(&buffer[..found]);
    }
    debug_assert_eq!(numbers.len(), count);
    numbers
}

/// A growing string of bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits {
    /// Bit i is bit i mod 64 of word i / 64; bits from `len` on are 0.
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// No bits, with room for `len`.
    pub(crate) fn with_capacity(len: usize) -> Self {
        Self {
            words: Vec::with_capacity(len / 64 + 2),
            len: 0,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The bits as words, padded with 0.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(crate) fn count_ones(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Appends `n` bits of one value.
    pub(crate) fn push_run(&mut self, value: bool, n: usize) {
        let end = self.len + n;
        if value && !self.len.is_multiple_of(64) {
            let last = self.words.len() - 1;
            self.words[last] |= u64::MAX << (self.len % 64);
        }
        let fill = if value { u64::MAX } else { 0 };
        self.words.resize(end.div_ceil(64), fill);
        self.len = end;
        self.clear_padding();
    }

    /// Appends from each word its lowest so many bits, at most 64; its others are 0.
    #[inline(always)]
    pub(crate) fn extend(&mut self, parts: impl ExactSizeIterator<Item = (u64, u32)>) {
        let mut filled = (self.len % 64) as u32;
        let mut last = if filled > 0 { self.words.pop() } else { None }.unwrap_or(0);
        let start = self.words.len();
        self.words.resize(start + parts.len() + 1, 0);
        let words = &mut self.words[start..];
        let mut finished = 0;
        for (bits, n) in parts {
            // The word is written whether or not it is finished, and the next one begins with what
            // did not fit; shifting by all 64 bits leaves nothing.
            last |= bits << filled;
            words[finished] = last;
            filled += n;
            if filled >= 64 {
                filled -= 64;
                finished += 1;
                last = bits.checked_shr(n - filled).unwrap_or(0);
            }
        }
        words[finished] = last;
        let n_words = start + finished + usize::from(filled > 0);
        self.words.truncate(n_words);
        self.len = 64 * (start + finished) + filled as usize;
    }

    /// Appends the bits of another string.
    pub(crate) fn append(&mut self, other: &Self) {
        let (end, shift) = (self.len + other.len, self.len % 64);
        if shift == 0 {
            self.words.extend_from_slice(&other.words);
        } else {
            for &word in &other.words {
                let last = self.words.len() - 1;
                self.words[last] |= word << shift;
                self.words.push(word >> (64 - shift));
            }
            self.words.truncate(end.div_ceil(64));
        }
        self.len = end;
    }

    /// Sets the bit at an index below the length.
    pub(crate) fn set(&mut self, index: usize) {
        self.words[index / 64] |= 1 << (index % 64);
    }

    /// Clears the bit at an index below the length.
    pub(crate) fn clear(&mut self, index: usize) {
        self.words[index / 64] &= !(1 << (index % 64));
    }

    fn clear_padding(&mut self) {
        if let (Some(last), 1..) = (self.words.last_mut(), self.len % 64) {
            *last &= (1 << (self.len % 64)) - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(values: &[bool]) -> Bits {
        let mut bits = Bits::default();
        values.iter().for_each(|&value| bits.push_run(value, 1));
        bits
    }

    #[test]
    fn strings_grow_by_runs_and_by_strings() {
        let lengths = [0, 1, 3, 63, 64, 65, 130];
        for first in lengths {
            for second in lengths {
                for (a, b) in [(true, true), (true, false), (false, true)] {
                    let expected: Vec<bool> = [vec![a; first], vec![b; second]].concat();
                    let mut found = Bits::with_capacity(first);
                    found.push_run(a, first);
                    let mut tail = Bits::default();
                    tail.push_run(b, second);
                    found.append(&tail);
                    assert_eq!(found, bits(&expected), "{first} × {a}, {second} × {b}");
                    let mut pushed = Bits::default();
                    pushed.push_run(a, first);
                    let lengths = (0..second)
                        .step_by(64)
                        .map(|at| (second - at).min(64) as u32);
                    pushed.extend(tail.words().iter().copied().zip(lengths));
                    assert_eq!(pushed, found);
                    let ones = expected.iter().filter(|&&value| value).count();
                    assert_eq!((found.len(), found.count_ones()), (first + second, ones));
                }
            }
        }
    }
}
