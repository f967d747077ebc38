//! Lists of positions as sets: sorting, finding what two have in common, removing it.
//!
//! Whoever names positions in ascending order pays no sort: topologies, selections and streamed
//! candidates all do. Two ascending lists are then walked side by side, eight positions of each at
//! a time and all of them against all: a walk one by one would make every step wait for the
//! comparison before.

use rayon::prelude::*;

use crate::MaskError;
use crate::simd::Isa;

/// Positions that one task compares with another list.
const CHUNK: usize = 1 << 14;

/// Positions of each list that are compared at a time.
const GROUP: usize = 8;

/// The positions in ascending order. Cost: a sort, unless they ascend already.
///
/// # Errors
/// [`MaskError::Duplicate`] with the lowest position that is listed twice.
pub(crate) fn sorted(mut positions: Vec<u64>) -> Result<Vec<u64>, MaskError> {
    if positions.is_sorted_by(|left, right| left < right) {
        return Ok(positions);
    }
    positions.par_sort_unstable();
    match positions.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(MaskError::Duplicate { position: pair[0] }),
        None => Ok(positions),
    }
}

/// An element of two lists: its index in the left one and in the right one.
pub(crate) type Pair = (usize, usize);

/// What is in both of two ascending lists, ascending.
///
/// Cost: a few instructions per element, on the threads of the current rayon pool.
pub(crate) fn common(left: &[u64], right: &[u64]) -> Vec<Pair> {
    let isa = Isa::best();
    let part = |(chunk, left): (usize, &[u64])| {
        let (Some(first), Some(last)) = (left.first(), left.last()) else {
            return Vec::new();
        };
        let from = right.partition_point(|position| position < first);
        let reach = right[from..].partition_point(|position| position <= last);
        let right = &right[from..from + reach];
        let mut pairs = Vec::new();
        isa.vectorize(
            #[inline(always)]
            || common_of_chunk(left, right, &mut pairs),
        );
        for (left, right) in &mut pairs {
            *left += chunk * CHUNK;
            *right += from;
        }
        pairs
    };
    if left.len() <= CHUNK {
        return part((0, left));
    }
    let chunks = left.par_chunks(CHUNK).enumerate();
    chunks.map(part).collect::<Vec<_>>().concat()
}

/// Adds what two ascending lists have in common.
///
/// Of two groups the one that ends lower is passed, so that every two groups meet at most once,
/// and do meet if they have an element in common.
#[inline(always)]
fn common_of_chunk(left: &[u64], right: &[u64], pairs: &mut Vec<Pair>) {
    let (lefts, left_rest) = left.as_chunks::<GROUP>();
    let (rights, right_rest) = right.as_chunks::<GROUP>();
    let (mut l, mut r) = (0, 0);
    while let (Some(left), Some(right)) = (lefts.get(l), rights.get(r)) {
        // The bits in which a position differs from the one most like it: 0 says that it is there.
        let mut least = [u64::MAX; GROUP];
        for other in right {
            for (least, position) in least.iter_mut().zip(left) {
                *least = (*least).min(position ^ other);
            }
        }
        if least.iter().fold(u64::MAX, |all, &one| all.min(one)) == 0 {
            for a in (0..GROUP).filter(|&a| least[a] == 0) {
                let found = right.iter().position(|other| *other == left[a]);
                pairs.extend(found.map(|b| (GROUP * l + a, GROUP * r + b)));
            }
        }
        let (left, right) = (left[GROUP - 1], right[GROUP - 1]);
        l += usize::from(left <= right);
        r += usize::from(right <= left);
    }
    // What is left of one of the two lists is shorter than a group.
    let (from_left, from_right) = (GROUP * l, GROUP * r);
    if l == lefts.len() {
        for (a, position) in left_rest.iter().enumerate() {
            let found = right[from_right..].binary_search(position).ok();
            pairs.extend(found.map(|b| (from_left + a, from_right + b)));
        }
    } else {
        for (b, position) in right_rest.iter().enumerate() {
            let found = left[from_left..].binary_search(position).ok();
            pairs.extend(found.map(|a| (from_left + a, from_right + b)));
        }
    }
}

/// Removes the elements with these ascending indices.
///
/// Cost: one move of what lies behind the first of them.
pub(crate) fn remove(positions: &mut Vec<u64>, removed: impl Iterator<Item = usize>) {
    let (mut read, mut written) = (0, 0);
    for index in removed {
        positions.copy_within(read..index, written);
        written += index - read;
        read = index + 1;
    }
    positions.drain(written..read);
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// About one position in `step` below the limit, in no order.
    fn positions(limit: u64, step: u64, seed: u64) -> Vec<u64> {
        let mixed = |p: u64| (p + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ seed << 7) >> 20;
        let mut list: Vec<u64> = (0..limit).filter(|&p| mixed(p) % step == 0).collect();
        list.sort_by_key(|&p| mixed(p ^ seed));
        list
    }

    /// Both ways against sets; lengths about the ends of chunks, and lists of different reach.
    #[test]
    fn lists_behave_as_sets() {
        let chunk = CHUNK as u64;
        let limits = [
            (0, 10, 1),
            (1, 1, 1),
            (7, 3, 2),
            (3 * chunk, 5 * chunk, 3),
            (chunk + 1, 2, 1),
            (2 * chunk, 2 * chunk, 1),
        ];
        // Whole chunks take long under Miri.
        let few = if cfg!(miri) { 3 } else { limits.len() };
        for (limit, other_limit, step) in limits[..few].iter().copied() {
            let lists = [positions(limit, step, 1), positions(other_limit, step, 2)];
            let sets = lists
                .each_ref()
                .map(|list| BTreeSet::from_iter(list.iter().copied()));
            let [mut left, mut right] = lists.map(|list| sorted(list).unwrap());
            let found = common(&left, &right);
            assert!(found.iter().all(|&(l, r)| left[l] == right[r]));
            let values = found.iter().map(|&(l, _)| &left[l]);
            assert!(
                values.eq(&(&sets[0] & &sets[1])),
                "1 in {step} below {limit}"
            );
            remove(&mut left, found.iter().map(|pair| pair.0));
            remove(&mut right, found.iter().map(|pair| pair.1));
            assert!(left.iter().eq(&(&sets[0] - &sets[1])));
            assert!(right.iter().eq(&(&sets[1] - &sets[0])));
        }
    }

    #[test]
    fn the_lowest_duplicate_is_named() {
        let position = 4;
        let found = sorted(vec![9, position, 3, 9, position]);
        assert_eq!(found, Err(MaskError::Duplicate { position }));
    }
}
