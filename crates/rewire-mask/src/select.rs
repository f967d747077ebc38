//! Exact selection of the best scores, with ties decided once for the whole workspace.
//!
//! The order is total: a higher score comes first, and of equal scores the lower position. −0 and
//! 0 are equal scores. Scores must be finite; NaN has no place in an order and an infinite score
//! means that something diverged, so both are errors that say where.
//!
//! A finite score is mapped to an integer of the same order. The k-th largest integer is found in
//! linear time, everything above it is taken, and of those equal to it the first ones.

use crate::MaskError;

/// The indices of the `k` best scores, ascending.
///
/// # Ties
/// Equal scores (−0 and 0 included) go to the lower index.
///
/// # Cost
/// O(n) time and 4·n bytes.
///
/// # Errors
/// [`MaskError::NonFinite`] with the first index whose score is NaN or infinite, whatever `k`;
/// [`MaskError::NotEnough`] if there are fewer than `k` scores.
///
/// # Examples
/// ```
/// use rewire_mask::{lowest, top_k};
///
/// let scores = [0.5, 2.0, 0.5, -1.0];
/// assert_eq!(top_k(&scores, 2)?, [0, 1]);
/// assert_eq!(lowest(&scores, 2)?, [2, 3]);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
pub fn top_k(scores: &[f32], k: usize) -> Result<Vec<usize>, MaskError> {
    let mut cut = Cut::new(scores, k)?;
    let indices = 0..scores.len();
    Ok(indices.filter(|&index| cut.takes(scores[index])).collect())
}

/// The indices of the `k` worst scores, ascending: those that [`top_k`] leaves when it keeps the
/// others. Of equal scores the higher index goes first.
///
/// # Cost
/// O(n) time and 4·n bytes.
///
/// # Errors
/// As for [`top_k`].
pub fn lowest(scores: &[f32], k: usize) -> Result<Vec<usize>, MaskError> {
    let kept = scores.len().checked_sub(k).ok_or(MaskError::NotEnough {
        wanted: k as u64,
        available: scores.len() as u64,
    })?;
    let mut cut = Cut::new(scores, kept)?;
    let indices = 0..scores.len();
    Ok(indices.filter(|&index| !cut.takes(scores[index])).collect())
}

/// The `k` best of a stream of scores, in the order of [`top_k`].
///
/// The result depends on what was offered, not on the order of the offers. Each position is to be
/// offered at most once.
///
/// # Cost
/// Memory for at most 2·k entries; O(1) time per offer, amortised.
///
/// # Examples
/// ```
/// use rewire_mask::TopK;
///
/// let mut best = TopK::new(2);
/// for (score, position) in [(1.0, 7), (3.0, 5), (1.0, 2)] {
///     best.offer(score, position)?;
/// }
/// assert_eq!(best.into_ranked(), [(3.0, 5), (1.0, 2)]);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TopK {
    k: usize,
    kept: Vec<Entry>,
    /// The worst entry that could still be among the best; known once k have been compared.
    worst: Option<Entry>,
}

impl TopK {
    /// Keeps the `k` best of what will be offered. Memory is taken as entries arrive.
    pub const fn new(k: usize) -> Self {
        Self {
            k,
            kept: Vec::new(),
            worst: None,
        }
    }

    /// Offers one score.
    ///
    /// # Errors
    /// [`MaskError::NonFinite`] with the position if the score is NaN or infinite; the selection
    /// stays as it was.
    pub fn offer(&mut self, score: f32, position: u64) -> Result<(), MaskError> {
        check_finite(score, position)?;
        let entry = Entry { score, position };
        let is_beaten = |worst: &Entry| worst.rank() <= entry.rank();
        if self.k == 0 || self.worst.as_ref().is_some_and(is_beaten) {
            return Ok(());
        }
        self.kept.push(entry);
        if self.kept.len() >= self.k.saturating_mul(2) {
            self.compact();
        }
        Ok(())
    }

    /// The best `(score, position)`, best first: `k` of them, or all if fewer were offered.
    pub fn into_ranked(mut self) -> Vec<(f32, u64)> {
        if self.kept.len() > self.k {
            self.compact();
        }
        self.kept.sort_unstable_by_key(Entry::rank);
        let ranked = self.kept.into_iter();
        ranked.map(|entry| (entry.score, entry.position)).collect()
    }

    /// Drops everything behind the k-th best.
    fn compact(&mut self) {
        let last = self.k - 1;
        self.kept.select_nth_unstable_by_key(last, Entry::rank);
        self.kept.truncate(self.k);
        self.worst = Some(self.kept[last]);
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    score: f32,
    position: u64,
}

impl Entry {
    /// Smaller is better.
    fn rank(&self) -> (u32, u64) {
        (!ascending_key(self.score), self.position)
    }
}

/// Where a list of scores is cut so that exactly k lie above, walking it from the front.
struct Cut {
    /// Key of the k-th best score; every larger one is taken.
    threshold: u32,
    /// How many scores equal to the threshold may still be taken.
    ties: usize,
}

impl Cut {
    fn new(scores: &[f32], k: usize) -> Result<Self, MaskError> {
        let mut keys = Vec::with_capacity(scores.len());
        for (&score, index) in scores.iter().zip(0u64..) {
            check_finite(score, index)?;
            keys.push(ascending_key(score));
        }
        if k > scores.len() {
            return Err(MaskError::NotEnough {
                wanted: k as u64,
                available: scores.len() as u64,
            });
        }
        if k == 0 {
            let (threshold, ties) = (u32::MAX, 0);
            return Ok(Self { threshold, ties });
        }
        let (above, &mut threshold, _) =
            keys.select_nth_unstable_by(k - 1, |left, right| right.cmp(left));
        let larger = above.iter().filter(|&&key| key > threshold).count();
        Ok(Self {
            threshold,
            ties: k - larger,
        })
    }

    /// Whether the next score of the list belongs to the best.
    fn takes(&mut self, score: f32) -> bool {
        let key = ascending_key(score);
        let takes_tie = key == self.threshold && self.ties > 0;
        self.ties -= usize::from(takes_tie);
        key > self.threshold || takes_tie
    }
}

fn check_finite(value: f32, index: u64) -> Result<(), MaskError> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(MaskError::NonFinite { index, value })
    }
}

/// An integer that orders finite scores as numbers; −0 and 0 get the same one.
pub(crate) fn ascending_key(score: f32) -> u32 {
    const SIGN: u32 = 1 << 31;
    // Adding 0 turns −0 into 0 and changes nothing else.
    let bits = (score + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The memory promise: a stream of any length leaves at most 2·k entries.
    #[test]
    fn a_stream_is_kept_within_twice_k() {
        for k in [0, 1, 2, 7] {
            let mut best = TopK::new(k);
            for position in 0..1000u64 {
                // Ascending scores are the worst case: every offer beats all before.
                best.offer(position as f32, position).unwrap();
                assert!(best.kept.len() <= 2 * k);
            }
            assert!(best.kept.capacity() <= 4 * k + 4);
        }
    }

    /// Offers that cannot be among the best cost one comparison and no space.
    #[test]
    fn beaten_offers_are_not_stored() {
        let mut best = TopK::new(3);
        for position in 0..6 {
            best.offer(1.0, position).unwrap();
        }
        let kept = best.kept.len();
        best.offer(1.0, 6).unwrap();
        best.offer(-1.0, 0).unwrap();
        assert_eq!((kept, best.kept.len()), (3, 3));
    }

    #[test]
    fn keys_order_as_the_numbers_they_stand_for() {
        let ascending = [
            f32::MIN,
            -1.0,
            -f32::MIN_POSITIVE,
            -1e-45,
            0.0,
            1e-45,
            f32::MIN_POSITIVE,
            1.0,
            f32::MAX,
        ];
        for pair in ascending.windows(2) {
            assert!(ascending_key(pair[0]) < ascending_key(pair[1]), "{pair:?}");
        }
        assert_eq!(ascending_key(-0.0), ascending_key(0.0));
    }
}
