//! Lists of positions as sets: sorting and subtracting them in linear time.
//!
//! Positions of a layer are mostly dense enough that a window of 2¹⁶ of them, 8 KB as bits, holds
//! hundreds. The lists are divided by window; within one, the bits are the sorted set and
//! subtraction is one instruction per 64 positions. Sparser lists are sorted by comparison.

use crate::MaskError;
use crate::simd::{Isa, SIFT_SLACK};

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
        sort_without(&mut positions, &mut Vec::new())?;
    }
    Ok(positions)
}

/// Sorts both lists and removes from each what is in both.
///
/// # Errors
/// [`MaskError::Duplicate`] with the lowest position that the first list holds twice, or else
/// the second; the lists are then in any state.
pub(crate) fn net(left: &mut Vec<u64>, right: &mut Vec<u64>) -> Result<(), MaskError> {
    if !is_ascending(left) {
        sort_without(left, &mut Vec::new())?;
    }
    sort_without(right, left)
}

/// The lowest position that is in both ascending lists.
pub(crate) fn first_common(left: &[u64], right: &[u64]) -> Option<u64> {
    let mut right = right;
    left.iter().copied().find(|&position| {
        skip_below(&mut right, position);
        right.first() == Some(&position)
    })
}

/// Sorts positions and removes what is also in the ascending list from both.
fn sort_without(positions: &mut Vec<u64>, ascending: &mut Vec<u64>) -> Result<(), MaskError> {
    // At most twice the last position, and cheaper to find.
    let last = positions.iter().fold(0, |bits, position| bits | position);
    let sorted = if last / WINDOW < positions.len() as u64 / PER_WINDOW {
        by_windows(positions, ascending, (last / WINDOW) as usize + 1)
    } else {
        by_order(positions, ascending)
    };
    sorted.map_err(|position| MaskError::Duplicate { position })
}

/// Where in an ascending list, at or behind `from`, the first number not below `bound` stands.
///
/// Cost: one step per sixteen numbers passed, for walking a list from bound to bound.
pub(crate) fn first_from<T: PartialOrd>(ascending: &[T], from: usize, bound: T) -> usize {
    const STRIDE: usize = 16;
    let mut at = from;
    while ascending
        .get(at + STRIDE - 1)
        .is_some_and(|number| *number < bound)
    {
        at += STRIDE;
    }
    while ascending.get(at).is_some_and(|number| *number < bound) {
        at += 1;
    }
    at
}

fn is_ascending(positions: &[u64]) -> bool {
    positions.is_sorted_by(|left, right| left < right)
}

/// [`sort_without`] by comparison; the error is the lowest duplicate.
fn by_order(positions: &mut Vec<u64>, ascending: &mut Vec<u64>) -> Result<(), u64> {
    positions.sort_unstable();
    if let Some(pair) = positions.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(pair[0]);
    }
    let mut common = Vec::new();
    let mut rest = &ascending[..];
    positions.retain(|&position| {
        skip_below(&mut rest, position);
        let is_common = rest.first() == Some(&position);
        common.extend(is_common.then_some(position));
        !is_common
    });
    let mut rest = &common[..];
    ascending.retain(|&position| {
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

/// [`sort_without`] window by window; the error is the lowest duplicate.
fn by_windows(
    positions: &mut Vec<u64>,
    ascending: &mut Vec<u64>,
    windows: usize,
) -> Result<(), u64> {
    let isa = Isa::best();
    let divided = Divided::new(positions, windows);
    let mut bits = vec![0u64; WINDOW as usize / 64];
    let mut common = vec![0; WINDOW as usize + SIFT_SLACK];
    let (mut sorted, mut read, mut kept) = (0, 0, 0);
    for window in 0..windows {
        let start = window as u64 * WINDOW;
        let low = divided.window(window);
        bits.fill(0);
        for &position in low {
            bits[usize::from(position) / 64] |= 1 << (position % 64);
        }
        let n_set: usize = bits.iter().map(|word| word.count_ones() as usize).sum();
        if n_set < low.len() {
            return Err(start + u64::from(lowest_duplicate(low)));
        }
        let until = first_from(ascending, read, start + WINDOW);
        let found = isa.sift(ascending, read..until, kept, &bits, &mut common);
        (read, kept) = (until, found.kept);
        for &position in &common[..found.common] {
            bits[(position % WINDOW) as usize / 64] ^= 1 << (position % 64);
        }
        sorted += isa.ones(&bits, start, &mut positions[sorted..]);
    }
    positions.truncate(sorted);
    ascending.drain(kept..read);
    Ok(())
}

/// The lowest of those that are listed twice, or 0 if none is.
fn lowest_duplicate(positions: &[u16]) -> u16 {
    let mut sorted = positions.to_vec();
    sorted.sort_unstable();
    let pair = sorted.windows(2).find(|pair| pair[0] == pair[1]);
    pair.map_or(0, |pair| pair[0])
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

    /// Both ways against sets; the ascending list may reach beyond the other.
    #[test]
    fn windows_and_order_agree() {
        for (limit, step) in [(1, 1), (5000, 2), (WINDOW + 1, 3), (3 * WINDOW + 77, 40)] {
            let (list, mut ascending) = (positions(limit, step, 1), positions(2 * limit, step, 2));
            ascending.sort_unstable();
            let sets = [&list, &ascending].map(|list| BTreeSet::from_iter(list.iter().copied()));
            let expected = [&sets[0] - &sets[1], &sets[1] - &sets[0]].map(Vec::from_iter);
            assert!(expected[0].len() < list.len(), "nothing in common");
            let windows = (limit / WINDOW) as usize + 1;
            let mut found = [list.clone(), ascending.clone()];
            let [left, right] = &mut found;
            by_windows(left, right, windows).unwrap();
            assert_eq!(found, expected, "one in {step} below {limit}");
            let mut found = [list, ascending];
            let [left, right] = &mut found;
            by_order(left, right).unwrap();
            assert_eq!(found, expected, "one in {step} below {limit}");
        }
    }

    #[test]
    fn the_lowest_duplicate_is_named() {
        for (low, high) in [(9, WINDOW + 5), (0, 7), (WINDOW, WINDOW + 5)] {
            let mut list = vec![high, low, 3, high, low];
            assert_eq!(by_windows(&mut list.clone(), &mut Vec::new(), 2), Err(low));
            assert_eq!(by_order(&mut list, &mut Vec::new()), Err(low));
        }
    }

    #[test]
    fn both_lists_may_come_in_any_order() {
        for step in [2, 5000] {
            let mut found = [
                positions(3 * WINDOW, step, 3),
                positions(3 * WINDOW, step, 4),
            ];
            let sets = found
                .each_ref()
                .map(|list| BTreeSet::from_iter(list.iter().copied()));
            let [left, right] = &mut found;
            net(left, right).unwrap();
            assert_eq!(
                found,
                [&sets[0] - &sets[1], &sets[1] - &sets[0]].map(Vec::from_iter)
            );
        }
    }
}
