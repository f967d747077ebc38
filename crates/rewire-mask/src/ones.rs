//! The set bits of words as ascending numbers.

/// Numbers written at a time, whether or not so many bits are left.
const STRIDE: usize = 4;

/// Bit b of word w is number 64·w + b; there must be `count` set bits.
///
/// # Panics
/// If there are more.
pub(crate) fn ones(words: &[u64], count: usize) -> Vec<u64> {
    // A word may write past its last set bit, never past 64 numbers of its own.
    let mut numbers = vec![0; count + 64];
    let mut found = 0;
    for (&word, start) in words.iter().zip((0u64..).step_by(64)) {
        let mut rest = word;
        let mut slots = numbers[found..found + 64].chunks_exact_mut(STRIDE);
        while rest != 0 {
            // Writing a fixed number and keeping what counts avoids a branch per bit.
            for slot in slots.next().into_iter().flatten() {
                *slot = start + u64::from(rest.trailing_zeros());
                rest &= rest.wrapping_sub(1);
            }
        }
        found += word.count_ones() as usize;
    }
    assert_eq!(found, count, "set bits");
    numbers.truncate(count);
    numbers
}

#[cfg(test)]
mod tests {
    use super::ones;

    #[test]
    fn every_set_bit_is_found_in_order() {
        let words = [0, u64::MAX, 1, 1 << 63, 0, 0b1011_0111, u64::MAX >> 1];
        let is_set = |n: &u64| words[(n / 64) as usize] >> (n % 64) & 1 == 1;
        let expected: Vec<u64> = (0..7 * 64).filter(is_set).collect();
        assert_eq!(ones(&words, expected.len()), expected);
        assert!(ones(&[], 0).is_empty());
        assert!(ones(&[0; 3], 0).is_empty());
    }
}
