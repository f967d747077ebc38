//! Whole weights divided in proportion: largest remainders, rooms that may be too small.
//!
//! Σ of what is given is exact, whatever the proportions: a layer gets ⌊total · weight / Σ⌋ and the
//! layers with the largest remainders get one more. All arithmetic is in integers, so no rounding
//! of a quotient can lose or invent a weight.

/// What [`spread`] gave to each place, and what found no room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Spread {
    pub(crate) given: Vec<u64>,
    pub(crate) left: u64,
}

/// Divides `total` in proportion to `weights`, no place getting more than its room.
///
/// What overflows one place is divided among those with room left, in proportion to their weights;
/// where all of these weigh nothing, in proportion to their rooms. Every pass fills a place or ends
/// the division, so there are at most `rooms.len() + 1` passes, also when nothing has room.
pub(crate) fn spread(total: u64, weights: &[u64], rooms: &[u64]) -> Spread {
    let mut given = vec![0; rooms.len()];
    let mut left = total;
    for _ in 0..=rooms.len() {
        let room = |i: usize| rooms[i] - given[i];
        let open: Vec<usize> = (0..rooms.len()).filter(|&i| room(i) > 0).collect();
        if left == 0 || open.is_empty() {
            break;
        }
        let mut proportions: Vec<u64> = open.iter().map(|&i| weights[i]).collect();
        if proportions.iter().all(|&w| w == 0) {
            proportions = open.iter().map(|&i| room(i)).collect();
        }
        let shares = apportion(left, &proportions);
        for (&i, share) in open.iter().zip(shares) {
            let taken = share.min(rooms[i] - given[i]);
            given[i] += taken;
            left -= taken;
        }
    }
    Spread { given, left }
}

/// Divides `total` in proportion to `weights` by largest remainder; equal remainders go to the
/// lower index.
///
/// The sum of the result is `total`, or 0 if every weight is 0.
fn apportion(total: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u128 = weights.iter().map(|&w| u128::from(w)).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let product = |w: u64| u128::from(total) * u128::from(w);
    // A quotient is at most `total` and fits.
    let mut shares: Vec<u64> = weights.iter().map(|&w| (product(w) / sum) as u64).collect();
    let left = total - shares.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    // The sort is stable: among equal remainders the lower index comes first.
    order.sort_by_key(|&i| std::cmp::Reverse(product(weights[i]) % sum));
    for &i in order.iter().take(left as usize) {
        shares[i] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_worked_by_hand() {
        let rows: [(u64, &[u64], &[u64]); 7] = [
            // 10 · (3, 2, 1)/6 = 5, 3⅓, 1⅔: the last remainder is the largest.
            (10, &[3, 2, 1], &[5, 3, 2]),
            // 1 · (1, 1, 1)/3: equal remainders go to the lower index.
            (1, &[1, 1, 1], &[1, 0, 0]),
            (2, &[1, 1, 1], &[1, 1, 0]),
            (5, &[0, 7], &[0, 5]),
            (0, &[4, 4], &[0, 0]),
            (3, &[0, 0], &[0, 0]),
            (u64::MAX, &[u64::MAX, 0], &[u64::MAX, 0]),
        ];
        for (total, weights, shares) in rows {
            assert_eq!(apportion(total, weights), shares, "{total} by {weights:?}");
        }
    }

    #[test]
    fn overflow_is_passed_on_in_proportion() {
        let rows: [(u64, [&[u64]; 3], u64); 7] = [
            // 12 · (6, 4, 2)/12 = 6, 4, 2; the first takes 3, its other 3 go 4 : 2 = 2, 1.
            (12, [&[6, 4, 2], &[3, 9, 9], &[3, 6, 3]], 0),
            // Two overflows, one after the other: 4, 4, 4 → 1, 4, 4 and 3 left → 1, 5, 5 and 1
            // left, of which the second place has no more room → 1, 5, 6.
            (12, [&[1, 1, 1], &[1, 5, 9], &[1, 5, 6]], 0),
            // Less room than weights: everything is filled, the rest is reported.
            (12, [&[1, 1], &[3, 4], &[3, 4]], 5),
            (12, [&[1, 1], &[0, 0], &[0, 0]], 12),
            // A place that weighs nothing is filled last.
            (5, [&[0, 1], &[9, 3], &[2, 3]], 0),
            // None weighs anything: 6 · (2, 4)/6.
            (6, [&[0, 0], &[2, 4], &[2, 4]], 0),
            (4, [&[], &[], &[]], 4),
        ];
        for (total, [weights, rooms, given], left) in rows {
            let spread = spread(total, weights, rooms);
            let given = given.to_vec();
            let expected = Spread { given, left };
            assert_eq!(spread, expected, "{total} by {weights:?} in {rooms:?}");
        }
    }
}
