//! Lists of positions as sets: sorting and subtracting them in linear time.
//!
//! Positions of a layer are mostly dense enough that a window of 2¹⁶ of them, 8 KB as bits, holds
//! hundreds. The lists are divided by window; within one, the bits are the sorted set and
//! subtraction is one instruction per 64 positions. Sparser lists are sorted by comparison.

use crate::MaskError;
use crate::simd::Isa;

/// Positions of a window: those that share all but the lowest 16 bits.
const WINDOW: u64 = 1 << 16;

/// How many positions a window must hold on average to be handled as bits.
const PER_WINDOW: u64 = 256;

/// The positions in ascending order.
///
/// # Errors
/// [`MaskError::Duplicate`] with the lowest position that is listed twice.
pub(crate) fn sorted(mut positions: Vec<u64>) -> Result<Vec<u64>, MaskError> {
    if !is_ascending(&positions) {
        net(&mut positions, &mut Vec::new())?;
    }
    Ok(positions)
}

/// Sorts both lists and removes from each what is in both.
///
/// # Errors
/// [`MaskError::Duplicate`] with the lowest position that a list holds twice; the lists are then
/// in any state.
pub(crate) fn net(left: &mut Vec<u64>, right: &mut Vec<u64>) -> Result<(), MaskError> {
    let last = left.iter().chain(&*right).copied().fold(0, u64::max);
    let n = (left.len() + right.len()) as u64;
    if last / WINDOW < n / PER_WINDOW {
        net_by_windows(left, right, (last / WINDOW) as usize + 1)
    } else {
        net_by_order(left, right)
    }
}

/// The lowest position that is in both ascending lists.
pub(crate) fn first_common(left: &[u64], right: &[u64]) -> Option<u64> {
    let mut right = right;
    left.iter().copied().find(|&position| {
        skip_below(&mut right, position);
        right.first() == Some(&position)
    })
}

fn is_ascending(positions: &[u64]) -> bool {
    positions.is_sorted_by(|left, right| left < right)
}

fn net_by_order(left: &mut Vec<u64>, right: &mut Vec<u64>) -> Result<(), MaskError> {
    let mut duplicate = None;
    for list in [&mut *left, &mut *right] {
        list.sort_unstable();
        let pair = list.windows(2).find(|pair| pair[0] == pair[1]);
        duplicate = [duplicate, pair.map(|pair| pair[0])]
            .into_iter()
            .flatten()
            .min();
    }
    if let Some(position) = duplicate {
        return Err(MaskError::Duplicate { position });
    }
    let mut common = Vec::new();
    let mut rest = &right[..];
    left.retain(|&position| {
        skip_below(&mut rest, position);
        let is_common = rest.first() == Some(&position);
        common.extend(is_common.then_some(position));
        !is_common
    });
    let mut rest = &common[..];
    right.retain(|&position| {
        skip_below(&mut rest, position);
        rest.first() != Some(&position)
    });
    Ok(())
}

/// Removes from the front of an ascending list what is below a position.
fn skip_below(positions: &mut &[u64], position: u64) {
    while let [first, behind @ ..] = positions
        && *first < position
    {
        *positions = behind;
    }
}

fn net_by_windows(
    left: &mut Vec<u64>,
    right: &mut Vec<u64>,
    windows: usize,
) -> Result<(), MaskError> {
    let isa = Isa::best();
    let divided = [Divided::new(left, windows), Divided::new(right, windows)];
    let mut bits = [
        vec![0u64; WINDOW as usize / 64],
        vec![0; WINDOW as usize / 64],
    ];
    let mut written = [0; 2];
    for window in 0..windows {
        let start = window as u64 * WINDOW;
        let mut duplicate = None;
        for (bits, divided) in bits.iter_mut().zip(&divided) {
            bits.fill(0);
            let found = set_all(bits, divided.window(window));
            duplicate = [duplicate, found].into_iter().flatten().min();
        }
        if let Some(low) = duplicate {
            let position = start + u64::from(low);
            return Err(MaskError::Duplicate { position });
        }
        let [left_bits, right_bits] = &mut bits;
        for (left, right) in left_bits.iter_mut().zip(right_bits) {
            let common = *left & *right;
            *left ^= common;
            *right ^= common;
        }
        for ((bits, list), written) in bits.iter().zip([&mut *left, &mut *right]).zip(&mut written)
        {
            *written += isa.ones(bits, start, &mut list[*written..]);
        }
    }
    left.truncate(written[0]);
    right.truncate(written[1]);
    Ok(())
}

/// Sets bits; returns the lowest that was named twice.
fn set_all(bits: &mut [u64], positions: &[u16]) -> Option<u16> {
    let mut duplicate = None;
    for &position in positions {
        let (word, bit) = (&mut bits[usize::from(position) / 64], 1 << (position % 64));
        if *word & bit != 0 {
            duplicate = Some(duplicate.map_or(position, |other: u16| other.min(position)));
        }
        *word |= bit;
    }
    duplicate
}

/// The lowest 16 bits of some positions, those of one window side by side.
struct Divided {
    low: Vec<u16>,
    /// Where each window starts, and the number of positions.
    starts: Vec<usize>,
}

impl Divided {
    fn new(positions: &[u64], windows: usize) -> Self {
        let mut starts = vec![0; windows + 1];
        if is_ascending(positions) {
            for (window, start) in (1..).zip(&mut starts[1..]) {
                *start = positions.partition_point(|&position| position / WINDOW < window);
            }
            let low = positions.iter().map(|&position| position as u16).collect();
            return Self { low, starts };
        }
        for &position in positions {
            starts[(position / WINDOW) as usize + 1] += 1;
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut next = starts.clone();
        let mut low = vec![0; positions.len()];
        for &position in positions {
            let place = &mut next[(position / WINDOW) as usize];
            low[*place] = position as u16;
            *place += 1;
        }
        Self { low, starts }
    }

    fn window(&self, window: usize) -> &[u16] {
        &self.low[self.starts[window]..self.starts[window + 1]]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Different positions in no order, about one in `step` below the limit.
    fn positions(limit: u64, step: u64, seed: u64) -> Vec<u64> {
        let mixed = |p: u64| (p + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ seed << 7) >> 20;
        let mut list: Vec<u64> = (0..limit).filter(|&p| mixed(p) % step == 0).collect();
        list.sort_by_key(|&p| mixed(p ^ seed));
        list
    }

    /// Both ways against sets.
    #[test]
    fn windows_and_order_agree() {
        for (limit, step) in [(1, 1), (5000, 2), (WINDOW + 1, 3), (3 * WINDOW + 77, 40)] {
            let (left, right) = (positions(limit, step, 1), positions(limit, step, 2));
            let sets = [&left, &right].map(|list| list.iter().copied().collect::<BTreeSet<u64>>());
            let expected = [&sets[0] - &sets[1], &sets[1] - &sets[0]].map(Vec::from_iter);
            let mut found = [left.clone(), right.clone()];
            let [a, b] = &mut found;
            net_by_windows(a, b, (limit / WINDOW) as usize + 1).unwrap();
            assert_eq!(found, expected, "one in {step} below {limit}");
            let mut found = [left, right];
            let [a, b] = &mut found;
            net_by_order(a, b).unwrap();
            assert_eq!(found, expected, "one in {step} below {limit}");
        }
    }

    #[test]
    fn the_lowest_duplicate_of_either_list_is_named() {
        let twice = |low: u64, high: u64| vec![high, low, 3, high, low];
        for (left, right, lowest) in [
            (twice(9, WINDOW + 5), vec![1, 2], 9),
            (vec![8, 4], twice(7, 50), 7),
            (
                twice(WINDOW, WINDOW + 5),
                twice(WINDOW + 1, WINDOW + 2),
                WINDOW,
            ),
        ] {
            let error = Err(MaskError::Duplicate { position: lowest });
            assert_eq!(
                net_by_windows(&mut left.clone(), &mut right.clone(), 2),
                error
            );
            assert_eq!(net_by_order(&mut left.clone(), &mut right.clone()), error);
        }
    }
}
