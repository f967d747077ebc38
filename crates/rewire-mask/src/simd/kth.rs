//! The two passes of exact selection: split scores at a bracket, and mark those above a key.
//!
//! The vector paths read their chunk as four quarters side by side, each prefetched. Keys are those
//! of [`Order`], computed in the registers.

use super::Isa;
#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};
use crate::select::Order;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

/// Values a vector may write beyond what it adds to the list of values inside a bracket.
pub(crate) const SLACK: usize = 16;

/// Two keys, `low <= high`, between which the key that is looked for is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bracket {
    /// The lower end.
    pub(crate) low: i32,
    /// The upper end, above `i32::MIN`.
    pub(crate) high: i32,
}

impl Bracket {
    /// How many keys lie strictly between the ends.
    fn width(self) -> u32 {
        let between = i64::from(self.high) - i64::from(self.low) - 1;
        between.max(0) as u32
    }
}

/// What a pass over some scores found about a bracket.
///
/// Unless the ends were counted, `above` and `from_low` are those of scores of which none equals
/// an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Scores above the upper end.
    pub(crate) above: usize,
    /// Scores at or above the upper end.
    pub(crate) from_high: usize,
    /// Scores strictly between the ends.
    pub(crate) inside: usize,
    /// Scores at or above the lower end.
    pub(crate) from_low: usize,
    /// The largest magnitude, as bits; NaN is above ∞.
    pub(crate) largest: u32,
}

impl Tally {
    /// The tally of two disjoint lists of scores.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            above: self.above + other.above,
            from_high: self.from_high + other.from_high,
            inside: self.inside + other.inside,
            from_low: self.from_low + other.from_low,
            largest: self.largest.max(other.largest),
        }
    }
}

impl Isa {
    /// Counts the scores about a bracket and writes those strictly inside to the front of
    /// `inside`, in an order that depends on the path. Scores that equal an end are told apart
    /// only if `ends`.
    ///
    /// # Panics
    /// If `inside` is not longer than `scores` by [`SLACK`].
    pub(crate) fn split(
        self,
        scores: &[f32],
        order: Order,
        bracket: Bracket,
        ends: bool,
        inside: &mut [f32],
    ) -> Tally {
        match (order, ends) {
            (Order::Magnitude, false) => self.split_as::<false, false>(scores, bracket, inside),
            (Order::Magnitude, true) => self.split_as::<false, true>(scores, bracket, inside),
            (Order::Value, false) => self.split_as::<true, false>(scores, bracket, inside),
            (Order::Value, true) => self.split_as::<true, true>(scores, bracket, inside),
        }
    }

    fn split_as<const SIGNED: bool, const ENDS: bool>(
        self,
        scores: &[f32],
        bracket: Bracket,
        inside: &mut [f32],
    ) -> Tally {
        let (tally, done) = match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => proof.split::<SIGNED, ENDS>(scores, bracket, inside),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => proof.split::<SIGNED, ENDS>(scores, bracket, inside),
            Self::Portable => (Tally::default(), 0),
        };
        let rest = &mut inside[tally.inside..];
        let tally = tally.and(split::<SIGNED, ENDS>(&scores[done..], bracket, rest));
        if ENDS {
            return tally;
        }
        Tally {
            above: tally.from_high,
            from_low: tally.from_high + tally.inside,
            ..tally
        }
    }

    /// Sets the bit of every score whose key is at least `threshold` and clears the others, bit
    /// i mod 64 of word i / 64; returns how many keys equal it. Bits beyond the scores are 0.
    ///
    /// # Panics
    /// If there are not exactly as many words as the scores need.
    pub(crate) fn mark(
        self,
        scores: &[f32],
        order: Order,
        threshold: i32,
        words: &mut [u64],
    ) -> usize {
        match order {
            Order::Magnitude => self.mark_as::<false>(scores, threshold, words),
            Order::Value => self.mark_as::<true>(scores, threshold, words),
        }
    }

    fn mark_as<const SIGNED: bool>(
        self,
        scores: &[f32],
        threshold: i32,
        words: &mut [u64],
    ) -> usize {
        assert_eq!(words.len(), scores.len().div_ceil(64));
        let whole = scores.len() / 64;
        let (scores, rest) = scores.split_at(whole * 64);
        let (words, last) = words.split_at_mut(whole);
        let equal = match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => proof.mark::<SIGNED>(scores, threshold, words),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => proof.mark::<SIGNED>(scores, threshold, words),
            Self::Portable => mark::<SIGNED>(scores, threshold, words),
        };
        equal + mark::<SIGNED>(rest, threshold, last)
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! passes {
    ($token:ty, $kernels:ident) => {
        impl $token {
            /// The tally of scores from the front, and how many those are; less than a step is
            /// left.
            fn split<const SIGNED: bool, const ENDS: bool>(
                self,
                scores: &[f32],
                bracket: Bracket,
                inside: &mut [f32],
            ) -> (Tally, usize) {
                // SAFETY: the token proves that the processor has the features that the kernel
                // enables.
                unsafe { $kernels::split::<SIGNED, ENDS>(scores, bracket, inside) }
            }

            /// Marks whole words.
            fn mark<const SIGNED: bool>(
                self,
                scores: &[f32],
                threshold: i32,
                words: &mut [u64],
            ) -> usize {
                // SAFETY: as above.
                unsafe { $kernels::mark::<SIGNED>(scores, threshold, words) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
passes!(Avx512, avx512);
#[cfg(target_arch = "x86_64")]
passes!(Avx2, avx2);

const fn order<const SIGNED: bool>() -> Order {
    if SIGNED {
        Order::Value
    } else {
        Order::Magnitude
    }
}

fn split<const SIGNED: bool, const ENDS: bool>(
    scores: &[f32],
    bracket: Bracket,
    inside: &mut [f32],
) -> Tally {
    let Bracket { low, high } = bracket;
    let mut tally = Tally::default();
    for &score in scores {
        let key = order::<SIGNED>().key(score);
        tally.largest = tally.largest.max(score.to_bits() & 0x7fff_ffff);
        tally.from_high += usize::from(key >= high);
        if ENDS {
            tally.above += usize::from(key > high);
            tally.from_low += usize::from(key >= low);
        }
        inside[tally.inside] = score;
        tally.inside += usize::from(low < key && key < high);
    }
    tally
}

fn mark<const SIGNED: bool>(scores: &[f32], threshold: i32, words: &mut [u64]) -> usize {
    let mut equal = 0;
    for (word, scores) in words.iter_mut().zip(scores.chunks(64)) {
        *word = 0;
        for (bit, &score) in scores.iter().enumerate() {
            let key = order::<SIGNED>().key(score);
            *word |= u64::from(key >= threshold) << bit;
            equal += usize::from(key == threshold);
        }
    }
    equal
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores of both signs with repetitions, zeros of both signs and extremes among them.
    fn scores(len: usize) -> Vec<f32> {
        let extremes = [0.0, -0.0, f32::MAX, f32::MIN, 1e-45, -1e-45, 3.0, -3.0];
        let score = |i: usize| match i * 7_919 % 11 {
            choice @ 0..8 => extremes[choice],
            _ => ((i * 2_654_435_761) % 2_003) as f32 / 64.0 - 15.0,
        };
        (0..len).map(score).collect()
    }

    fn lengths() -> impl Iterator<Item = usize> {
        let edges = [
            15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257,
        ];
        let all = (0..3).chain(edges).chain([1000, 1023, 4096 + 77]);
        // The long ones take long under Miri.
        all.take(if cfg!(miri) { 12 } else { usize::MAX })
    }

    #[test]
    fn every_path_splits_as_a_filter_does() {
        for len in lengths() {
            let scores = scores(len);
            for order in [Order::Magnitude, Order::Value] {
                let key = |score: f32| order.key(score);
                for (low, high) in [
                    (key(0.0), key(3.0)),
                    (key(3.0), key(3.0)),
                    (key(-3.0), key(f32::MAX)),
                    (key(2.9), key(3.1)),
                    (key(3.0), key(3.0) + 1),
                    (i32::MIN, key(0.0)),
                    (key(1.0), i32::MAX),
                    (i32::MIN, i32::MAX),
                ] {
                    check_split(&scores, order, Bracket { low, high });
                }
            }
        }
    }

    fn check_split(scores: &[f32], order: Order, bracket: Bracket) {
        let Bracket { low, high } = bracket;
        let count = |holds: &dyn Fn(i32) -> bool| {
            scores
                .iter()
                .filter(|&&score| holds(order.key(score)))
                .count()
        };
        let is_inside = |score: &f32| (low + 1..high).contains(&order.key(*score));
        let mut expected: Vec<u32> = scores
            .iter()
            .copied()
            .filter(is_inside)
            .map(f32::to_bits)
            .collect();
        expected.sort_unstable();
        let tally = Tally {
            above: count(&|key| key > high),
            from_high: count(&|key| key >= high),
            inside: expected.len(),
            from_low: count(&|key| key >= low),
            largest: scores
                .iter()
                .fold(0, |most, score| most.max(score.abs().to_bits())),
        };
        for isa in Isa::all() {
            let mut room = vec![f32::NAN; scores.len() + SLACK];
            assert_eq!(
                isa.split(scores, order, bracket, true, &mut room),
                tally,
                "{isa:?}"
            );
            let mut found: Vec<u32> = room[..tally.inside].iter().map(|s| s.to_bits()).collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{isa:?}, {} scores", scores.len());
            let without_ends = Tally {
                above: tally.from_high,
                from_low: tally.from_high + tally.inside,
                ..tally
            };
            assert_eq!(
                isa.split(scores, order, bracket, false, &mut room),
                without_ends
            );
        }
    }

    #[test]
    fn what_is_not_finite_shows_in_the_largest_magnitude() {
        for at in [0, 16, 63, 64, 70] {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -f32::NAN] {
                let mut scores = scores(71);
                scores[at] = bad;
                let bracket = Bracket { low: 0, high: 1 };
                for isa in Isa::all() {
                    let mut room = vec![0.0; scores.len() + SLACK];
                    let tally = isa.split(&scores, Order::Value, bracket, false, &mut room);
                    assert_eq!(tally.largest, bad.to_bits() & 0x7fff_ffff, "{isa:?}");
                }
            }
        }
    }

    #[test]
    fn every_path_marks_as_a_filter_does() {
        for len in lengths() {
            let scores = scores(len);
            for order in [Order::Magnitude, Order::Value] {
                for threshold in [0.0, 3.0, -3.0, 2.5, f32::MAX].map(|score| order.key(score)) {
                    let mut expected = vec![0; len.div_ceil(64)];
                    for (index, &score) in scores.iter().enumerate() {
                        let bit = u64::from(order.key(score) >= threshold);
                        expected[index / 64] |= bit << (index % 64);
                    }
                    let is_equal = |score: &&f32| order.key(**score) == threshold;
                    let equal = scores.iter().filter(is_equal).count();
                    for isa in Isa::all() {
                        let mut words = vec![u64::MAX; len.div_ceil(64)];
                        assert_eq!(isa.mark(&scores, order, threshold, &mut words), equal);
                        assert_eq!(words, expected, "{isa:?}, {len} scores");
                    }
                }
            }
        }
    }
}
