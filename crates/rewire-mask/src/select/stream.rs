//! The best of a stream of scores, kept in little memory.

use super::order::Order;
use crate::MaskError;

/// The `k` best of a stream of scores, in the order of [`top_k`](crate::top_k).
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
/// assert_eq!(best.clone().into_ranked(), [(3.0, 5), (1.0, 2)]);
/// assert_eq!(best.into_ascending(), [(1.0, 2), (3.0, 5)]);
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
        if !score.is_finite() {
            let (index, value) = (position, score);
            return Err(MaskError::NonFinite { index, value });
        }
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
    pub fn into_ranked(self) -> Vec<(f32, u64)> {
        self.into_sorted(Entry::rank)
    }

    /// The same by ascending position.
    pub fn into_ascending(self) -> Vec<(f32, u64)> {
        self.into_sorted(|entry| entry.position)
    }

    fn into_sorted<K: Ord>(mut self, key: impl Fn(&Entry) -> K) -> Vec<(f32, u64)> {
        if self.kept.len() > self.k {
            self.compact();
        }
        self.kept.sort_unstable_by_key(key);
        let sorted = self.kept.into_iter();
        sorted.map(|entry| (entry.score, entry.position)).collect()
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
    fn rank(&self) -> (i32, u64) {
        (!Order::Value.key(self.score), self.position)
    }
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
}
