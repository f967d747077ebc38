//! Uniform choices of positions without replacement.
//!
//! A set of k distinct numbers below n is drawn by taking random numbers until k different ones
//! have come up. Every set is equally likely, and because only the *set* of numbers matters, they
//! can be marked as bits, or drawn in batches and sorted where that takes less memory. Beyond one half the complement is drawn, so that fewer than
//! two draws per number are expected.
//!
//! Choosing among inactive positions needs no table of them: the r-th free position is found by
//! walking the sorted taken positions once, since the number of free positions before the j-th
//! taken position p is p − j.

use rand_core::RngCore;

use crate::bits::ones;
use crate::{MaskError, MatrixShape, Topology};

impl Topology {
    /// A topology of `n_active` positions, every set of that size equally likely.
    ///
    /// # Determinism
    /// A function of the shape, the number and the stream alone.
    ///
    /// # Cost
    /// O(rows + n_active · log n_active), whatever the number of columns; O(rows + n_active) from one
    /// position in a thousand on.
    ///
    /// # Errors
    /// [`MaskError::NotEnough`] if the matrix has fewer entries, [`MaskError::TooManyColumns`] if
    /// the number of columns does not fit in 32 bits.
    ///
    /// # Examples
    /// ```
    /// use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
    /// use rewire_mask::{MatrixShape, Topology};
    ///
    /// let shape = MatrixShape::new(300_000, 300_000);
    /// let topology = Topology::random(shape, 1000, &mut ChaCha8Rng::seed_from_u64(1))?;
    /// assert_eq!(topology.n_active(), 1000);
    /// # Ok::<(), rewire_mask::MaskError>(())
    /// ```
    pub fn random(
        shape: MatrixShape,
        n_active: u64,
        rng: &mut (impl RngCore + ?Sized),
    ) -> Result<Self, MaskError> {
        Self::from_positions(shape, distinct_below(shape.len(), n_active, rng)?)
    }

    /// Draws `k` different inactive positions outside `excluded`, every set of that size equally
    /// likely, and returns them ascending.
    ///
    /// `excluded` ascends; it may repeat positions and may name active ones, which are no choice
    /// anyway.
    ///
    /// # Determinism
    /// A function of the two sets, `k` and the stream alone.
    ///
    /// # Cost
    /// O(rows + n_active + excluded + k · log k), also when almost nothing is free.
    ///
    /// # Errors
    /// [`MaskError::NotEnough`] if fewer than `k` positions are free, [`MaskError::NotAscending`]
    /// or [`MaskError::OutOfRange`] if `excluded` is not a list of positions as stated.
    pub fn sample_inactive(
        &self,
        k: u64,
        excluded: &[u64],
        rng: &mut (impl RngCore + ?Sized),
    ) -> Result<Vec<u64>, MaskError> {
        let taken = self.union_with(excluded)?;
        let free = self.shape().len() - taken.len() as u64;
        let mut chosen = distinct_below(free, k, rng)?;
        let mut taken_before = 0;
        for rank in &mut chosen {
            while taken_before < taken.len() && taken[taken_before] - taken_before as u64 <= *rank {
                taken_before += 1;
            }
            *rank += taken_before as u64;
        }
        Ok(chosen)
    }

    /// The active positions and `others`, ascending and each once.
    fn union_with(&self, others: &[u64]) -> Result<Vec<u64>, MaskError> {
        if let Some(pair) = others.windows(2).find(|pair| pair[0] > pair[1]) {
            return Err(MaskError::NotAscending {
                previous: pair[0],
                position: pair[1],
            });
        }
        if let Some(&position) = others.last().filter(|&&last| last >= self.shape().len()) {
            let shape = self.shape();
            return Err(MaskError::OutOfRange { position, shape });
        }
        let mut union = Vec::with_capacity(self.n_active() + others.len());
        let mut others = others.iter().copied().peekable();
        for active in self.positions() {
            while let Some(other) = others.next_if(|&other| other < active) {
                union.push(other);
            }
            union.push(active);
        }
        union.extend(others);
        union.dedup();
        Ok(union)
    }
}

/// `k` different numbers below `bound`, ascending; every such set is equally likely.
pub(crate) fn distinct_below(
    bound: u64,
    k: u64,
    rng: &mut (impl RngCore + ?Sized),
) -> Result<Vec<u64>, MaskError> {
    if k > bound {
        return Err(MaskError::NotEnough {
            wanted: k,
            available: bound,
        });
    }
    if k <= bound / 2 {
        return Ok(drawn_below(bound, k as usize, rng));
    }
    let mut left_out = drawn_below(bound, (bound - k) as usize, rng)
        .into_iter()
        .peekable();
    Ok((0..bound)
        .filter(|number| left_out.next_if_eq(number).is_none())
        .collect())
}

/// Numbers to choose from for each one chosen up to which a bit for every number is cheaper than
/// sorting what was chosen.
const NUMBERS_PER_CHOICE: u64 = 1 << 10;

/// The first `k` different numbers of a stream of uniform numbers below `bound`, ascending.
fn drawn_below(bound: u64, k: usize, rng: &mut (impl RngCore + ?Sized)) -> Vec<u64> {
    if bound / NUMBERS_PER_CHOICE <= k as u64 {
        marked_below(bound, k, rng)
    } else {
        sorted_below(bound, k, rng)
    }
}

/// [`drawn_below`], with a bit for every number.
fn marked_below(bound: u64, k: usize, rng: &mut (impl RngCore + ?Sized)) -> Vec<u64> {
    let mut words = vec![0u64; bound.div_ceil(64) as usize];
    let mut missing = k;
    while missing > 0 {
        let number = below(bound, rng);
        let (word, bit) = (&mut words[(number / 64) as usize], 1 << (number % 64));
        missing -= usize::from(*word & bit == 0);
        *word |= bit;
    }
    ones(&words, k)
}

/// [`drawn_below`], by sorting.
///
/// Each batch draws as many as are missing, so it never passes the k-th different number and the
/// result does not depend on the batches.
fn sorted_below(bound: u64, k: usize, rng: &mut (impl RngCore + ?Sized)) -> Vec<u64> {
    let mut drawn = Vec::with_capacity(k);
    while drawn.len() < k {
        drawn.extend((drawn.len()..k).map(|_| below(bound, rng)));
        drawn.sort_unstable();
        drawn.dedup();
    }
    drawn
}

/// A uniform number in `0..bound`, without bias (Lemire's multiplication with rejection).
pub(crate) fn below(bound: u64, rng: &mut (impl RngCore + ?Sized)) -> u64 {
    let threshold = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        if product as u64 >= threshold {
            return (product >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn bits_and_sorting_draw_the_same_set_and_take_as_much_of_the_stream() {
        let largest = if cfg!(miri) { 100 } else { 5000 };
        for (bound, k) in [
            (1, 0),
            (1, 1),
            (64, 64),
            (65, 32),
            (127, 1),
            (largest, 40),
            (largest, 99),
        ] {
            let mut streams = [0, 0].map(|_| ChaCha8Rng::seed_from_u64(bound + k as u64));
            let [left, right] = &mut streams;
            assert_eq!(
                marked_below(bound, k, left),
                sorted_below(bound, k, right),
                "{k} of {bound}"
            );
            let [left, right] = streams;
            assert_eq!(left.get_word_pos(), right.get_word_pos(), "{k} of {bound}");
        }
    }
}
