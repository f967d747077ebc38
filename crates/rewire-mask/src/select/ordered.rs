//! The largest magnitudes of a stream whose positions ascend, kept in little memory and in order.
//!
//! As soon as k entries have been compared, the k-th best of them is a bound: what does not exceed
//! it cannot be among the best, for of equal magnitudes the earlier one wins. Values are marked
//! against the bound many at a time, and only what is marked is looked at one by one. Entries are
//! appended as they come and thinned out to the k best, in their order, whenever twice as many have
//! gathered; so nothing is ever sorted.

use super::cut::{Cut, chunks, cut};
use super::order::{INFINITE, Order};
use crate::simd::Isa;
use crate::{Candidate, MaskError};

/// Words of marks that are worked on at a time.
const STEP: usize = 16;

/// Values of a step.
const VALUES: usize = 64 * STEP;

/// Entries that may gather however small k is, so that thinning out is rare.
const FEW: usize = 1 << 12;

/// The `k` largest magnitudes of a stream that arrives by ascending position.
///
/// # Determinism and ties
/// Exact; of equal magnitudes the lower positions are kept. The result does not depend on how the
/// stream is cut into runs, nor on which of them went through [`OrderedTopK::absorb`].
///
/// # Cost
/// A fraction of a read for values that do not exceed the k-th best so far, O(1) amortised for the
/// others; memory for at most 2·k + 5120 entries of 12 bytes.
///
/// # Examples
/// ```
/// use rewire_mask::OrderedTopK;
///
/// let mut best = OrderedTopK::new(2);
/// best.offer_run(&[1.0, -3.0, 9.0, 0.5], 10, &[0b1011])?;
/// best.offer_run(&[1.0, -1.0], 14, &[0b11])?;
/// let best: Vec<(u64, f32)> = best
///     .into_candidates()
///     .iter()
///     .map(|best| (best.position, best.magnitude))
///     .collect();
/// assert_eq!(best, [(10, 1.0), (11, 3.0)]);
/// # Ok::<(), rewire_mask::MaskError>(())
/// ```
#[derive(Clone, Debug)]
pub struct OrderedTopK {
    k: usize,
    magnitudes: Vec<f32>,
    positions: Vec<u64>,
    /// The smallest key that an entry behind the present ones needs.
    needed: i32,
}

impl OrderedTopK {
    /// Keeps the `k` largest of what will be offered. Memory is taken as entries arrive.
    pub const fn new(k: usize) -> Self {
        Self {
            k,
            magnitudes: Vec::new(),
            positions: Vec::new(),
            // A value that is not finite has to be noticed even where nothing is kept.
            needed: if k == 0 { INFINITE as i32 } else { 0 },
        }
    }

    /// Drops at once what lies below `floor`: the result is that of all entries if
    /// [`OrderedTopK::is_full`] in the end, for then none of the best is below.
    ///
    /// # Panics
    /// If the floor is not a finite magnitude.
    pub fn with_floor(self, floor: f32) -> Self {
        assert!(floor.is_finite() && floor >= 0.0, "a floor of {floor}");
        Self {
            needed: self.needed.max(Order::Magnitude.key(floor)),
            ..self
        }
    }

    /// Whether at least `k` entries have been kept, so that the best `k` are among them.
    pub fn is_full(&self) -> bool {
        self.magnitudes.len() >= self.k
    }

    /// Offers those values of a run whose bit is set in `eligible`: value i stands at position
    /// `first + i` and has bit i mod 64 of word i / 64. Bits beyond the values say nothing.
    ///
    /// # Errors
    /// [`MaskError::NonFinite`] with the lowest position whose eligible value is NaN or infinite;
    /// what is kept is then unspecified.
    ///
    /// # Panics
    /// If there are not exactly as many words as the values need, or `first` does not lie behind
    /// the positions that are kept.
    pub fn offer_run(
        &mut self,
        values: &[f32],
        first: u64,
        eligible: &[u64],
    ) -> Result<(), MaskError> {
        assert_eq!(eligible.len(), values.len().div_ceil(64), "words of a run");
        let in_order = self.positions.last().is_none_or(|&last| last < first);
        assert!(
            in_order,
            "a run at {first} does not follow what came before"
        );
        let steps = values.chunks(VALUES).zip(eligible.chunks(STEP));
        for ((values, eligible), first) in steps.zip((first..).step_by(VALUES)) {
            self.offer_step(values, first, eligible)?;
        }
        Ok(())
    }

    /// A selection of as many that has been offered nothing, with the same bound.
    pub fn emptied(&self) -> Self {
        Self {
            k: self.k,
            magnitudes: Vec::new(),
            positions: Vec::new(),
            needed: self.needed,
        }
    }

    /// Empties the selection and raises its bound to that of `earlier`, which has been offered
    /// everything up to where this one goes on: what cannot be among the best of `earlier` is then
    /// dropped here.
    pub fn restart_behind(&mut self, earlier: &Self) {
        self.magnitudes.clear();
        self.positions.clear();
        self.needed = earlier.needed;
    }

    /// Takes over what `later` keeps, all of it at positions behind those offered so far.
    ///
    /// # Panics
    /// If the positions of `later` do not lie behind those kept here.
    pub fn absorb(&mut self, later: &Self) {
        let in_order = match (self.positions.last(), later.positions.first()) {
            (Some(last), Some(first)) => last < first,
            _ => true,
        };
        assert!(in_order, "a selection is absorbed behind its successor");
        let parts = later.magnitudes.chunks(VALUES);
        for (magnitudes, positions) in parts.zip(later.positions.chunks(VALUES)) {
            self.magnitudes.extend_from_slice(magnitudes);
            self.positions.extend_from_slice(positions);
            self.thin_out_if_full();
        }
    }

    /// The best by ascending position: `k` of them, or all if fewer were eligible.
    pub fn into_candidates(mut self) -> Vec<Candidate> {
        self.thin_out();
        let entries = self.positions.into_iter().zip(self.magnitudes);
        entries
            .map(|(position, magnitude)| Candidate {
                position,
                magnitude,
            })
            .collect()
    }

    fn offer_step(
        &mut self,
        values: &[f32],
        first: u64,
        eligible: &[u64],
    ) -> Result<(), MaskError> {
        let isa = Isa::best();
        let mut marks = [0; STEP];
        let marks = &mut marks[..eligible.len()];
        // NaN and ±∞ have keys above all others, so they are marked whatever the bound.
        isa.mark(values, Order::Magnitude, self.needed, marks);
        let mut any = 0;
        for (mark, eligible) in marks.iter_mut().zip(eligible) {
            *mark &= eligible;
            any |= *mark;
        }
        if any == 0 {
            return Ok(());
        }
        let mut found = [0; VALUES];
        let n = isa.ones(marks, first, &mut found);
        let magnitude = |&position: &u64| values[(position - first) as usize].abs();
        let start = self.magnitudes.len();
        self.positions.extend_from_slice(&found[..n]);
        self.magnitudes.extend(found[..n].iter().map(magnitude));
        let added = &self.magnitudes[start..];
        if !added
            .iter()
            .fold(true, |all, value| all & value.is_finite())
        {
            let stray = added.iter().position(|value| !value.is_finite());
            let stray = start + stray.unwrap_or(0);
            return Err(MaskError::NonFinite {
                index: self.positions[stray],
                value: self.magnitudes[stray],
            });
        }
        self.thin_out_if_full();
        Ok(())
    }

    fn thin_out_if_full(&mut self) {
        if self.magnitudes.len() >= self.k.saturating_mul(2).max(FEW) {
            self.thin_out();
        }
    }

    /// Drops everything but the k best, keeping their order.
    fn thin_out(&mut self) {
        if self.magnitudes.len() <= self.k {
            return;
        }
        if self.k == 0 {
            self.magnitudes.clear();
            self.positions.clear();
            return;
        }
        let parts: Vec<&[f32]> = chunks(&self.magnitudes).collect();
        let (Cut { threshold, ties }, _) = cut(&parts, Order::Magnitude, self.k);
        let (isa, mut kept, mut ties) = (Isa::best(), 0, ties);
        let (mut marks, mut found) = ([0; STEP], [0; VALUES]);
        for start in (0..self.magnitudes.len()).step_by(VALUES) {
            let end = self.magnitudes.len().min(start + VALUES);
            let values = &self.magnitudes[start..end];
            let marks = &mut marks[..values.len().div_ceil(64)];
            let equal = isa.mark(values, Order::Magnitude, threshold, marks);
            if equal > ties {
                drop_ties(values, threshold, ties, marks);
            }
            ties = ties.saturating_sub(equal);
            let n = isa.ones(marks, start as u64, &mut found);
            // What is kept never lies behind where it came from.
            for &index in &found[..n] {
                self.magnitudes[kept] = self.magnitudes[index as usize];
                self.positions[kept] = self.positions[index as usize];
                kept += 1;
            }
        }
        self.magnitudes.truncate(kept);
        self.positions.truncate(kept);
        self.needed = threshold + 1;
    }
}

/// Clears the marks of the values equal to the threshold, but for the first `ties` of them.
fn drop_ties(values: &[f32], threshold: i32, ties: usize, marks: &mut [u64]) {
    let is_tie = |index: &usize| Order::Magnitude.key(values[*index]) == threshold;
    for index in (0..values.len()).filter(is_tie).skip(ties) {
        marks[index / 64] &= !(1 << (index % 64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The memory promise, for ascending magnitudes, which all exceed the bound.
    #[test]
    fn a_stream_is_kept_within_twice_k() {
        let runs = if cfg!(miri) { 2 } else { 40 };
        for k in [0, 1, 7, 5000] {
            let limit = (2 * k).max(FEW) + VALUES;
            let mut best = OrderedTopK::new(k);
            let mut parts = OrderedTopK::new(k);
            for run in 0..runs {
                let first = run * 3000;
                let values: Vec<f32> = (first..first + 3000).map(|value| value as f32).collect();
                let mut words = vec![u64::MAX; 46];
                words.push((1 << (3000 % 64)) - 1);
                let mut part = OrderedTopK::new(k);
                part.restart_behind(&parts);
                part.offer_run(&values, first, &words).unwrap();
                parts.absorb(&part);
                best.offer_run(&values, first, &words).unwrap();
                for best in [&best, &parts, &part] {
                    assert!(best.magnitudes.len() < limit, "k = {k}");
                    assert_eq!(best.magnitudes.len(), best.positions.len());
                }
            }
            assert!(best.magnitudes.capacity() <= 2 * limit, "k = {k}");
            let end = 3000 * runs;
            let expected: Vec<u64> = (end - k as u64..end).collect();
            for best in [best, parts] {
                let found = best.into_candidates().into_iter();
                assert!(found.map(|found| found.position).eq(expected.clone()));
            }
        }
    }
}
