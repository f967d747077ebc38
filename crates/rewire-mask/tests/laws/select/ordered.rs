//! The ordered stream against a sort of everything that is eligible.

use proptest::prelude::*;
use rand_chacha::rand_core::RngCore;
use rewire_mask::{Candidate, MaskError, OrderedTopK};

use crate::{cases_of, rng};

/// Values at consecutive positions from `FIRST` on, of which some are eligible.
struct Stream {
    values: Vec<f32>,
    eligible: Vec<bool>,
}

const FIRST: u64 = 1 << 40;

impl Stream {
    /// `n` values with so many magnitudes, most of them eligible; of ineligible ones every third is
    /// NaN.
    fn new(n: usize, distinct: u32, seed: u64) -> Self {
        let mut rng = rng(seed);
        let eligible: Vec<bool> = (0..n).map(|_| !rng.next_u32().is_multiple_of(5)).collect();
        let value = |&eligible: &bool| {
            let sign = if rng.next_u32().is_multiple_of(2) {
                1.0
            } else {
                -1.0
            };
            let magnitude = (rng.next_u32() % distinct) as f32;
            if !eligible && rng.next_u32().is_multiple_of(3) {
                f32::NAN
            } else {
                sign * magnitude
            }
        };
        let values = eligible.iter().map(value).collect();
        Self { values, eligible }
    }

    /// Values and words of the run from `start` to `end`.
    fn run(&self, start: usize, end: usize) -> (&[f32], Vec<u64>) {
        let bits = self.eligible[start..end].chunks(64);
        let word = |bits: &[bool]| {
            let set = bits.iter().enumerate().filter(|(_, bit)| **bit);
            set.fold(0, |word, (index, _)| word | 1 << index)
        };
        (&self.values[start..end], bits.map(word).collect())
    }

    fn offer(&self, best: &mut OrderedTopK, start: usize, end: usize) -> Result<(), MaskError> {
        let (values, eligible) = self.run(start, end);
        best.offer_run(values, FIRST + start as u64, &eligible)
    }

    /// The best by a stable sort, which leaves equal magnitudes in order of their positions.
    fn sorted(&self, k: usize) -> Vec<Candidate> {
        let candidate = |(index, value): (usize, &f32)| Candidate {
            position: FIRST + index as u64,
            magnitude: value.abs(),
        };
        let all = self.values.iter().enumerate();
        let mut all: Vec<Candidate> = all
            .filter(|(index, _)| self.eligible[*index])
            .map(candidate)
            .collect();
        all.sort_by(|a, b| b.magnitude.total_cmp(&a.magnitude));
        all.truncate(k);
        all.sort_by_key(|candidate| candidate.position);
        all
    }

    /// However the stream is cut, and whichever parts of it go their own way first.
    fn check(&self, k: usize, run: usize) {
        let n = self.values.len();
        let starts = || (0..n).step_by(run);
        let mut whole = OrderedTopK::new(k);
        let mut parts = OrderedTopK::new(k);
        // Three parts at a time know no more than what came before all three.
        let mut waiting: Vec<OrderedTopK> = Vec::new();
        for start in starts() {
            let end = n.min(start + run);
            self.offer(&mut whole, start, end).unwrap();
            let mut part = OrderedTopK::new(k);
            part.restart_behind(&parts);
            self.offer(&mut part, start, end).unwrap();
            waiting.push(part);
            if waiting.len() == 3 {
                waiting.drain(..).for_each(|part| parts.absorb(&part));
            }
        }
        waiting.iter().for_each(|part| parts.absorb(part));
        let expected = self.sorted(k);
        assert!(
            whole.into_candidates() == expected,
            "k = {k}, runs of {run}"
        );
        assert!(
            parts.into_candidates() == expected,
            "k = {k}, parts of {run}"
        );
    }
}

/// Streams so long that they are thinned out many times, with one, few and many magnitudes.
#[test]
fn a_long_stream_keeps_what_a_sort_puts_first() {
    if cfg!(miri) {
        return Stream::new(900, 50, 1).check(60, 100);
    }
    for (seed, distinct) in (0..).zip([1, 2, 50, 5000, u32::MAX]) {
        let stream = Stream::new(40_000, distinct, seed);
        for k in [0, 1, 2, 63, 2047, 2049, 6000, 31_000, 40_000, 50_000] {
            for run in [777, 8192, 40_000] {
                stream.check(k, run);
            }
        }
    }
}

/// Each value exceeds all before: the worst case for the bound.
#[test]
fn an_ascending_stream_keeps_its_end() {
    let n: u16 = if cfg!(miri) { 700 } else { 30_000 };
    let values = (0..n).map(|value| f32::from(value) - 15_000.0).collect();
    let n = usize::from(n);
    let stream = Stream {
        values,
        eligible: vec![true; n],
    };
    for k in [1, 100, n / 10, n - 1] {
        stream.check(k, 1000.min(n / 3));
    }
}

/// Whatever the bound, and even if nothing is kept; a later one is not the one that is reported.
#[test]
#[cfg_attr(miri, ignore = "too many scores for an interpreter")]
fn an_eligible_value_that_is_not_finite_is_named() {
    for k in [0, 1, 20_000] {
        for at in [0, 5, 1023, 1024, 9000, 19_999] {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut stream = Stream::new(20_000, 1000, 3);
                for index in [19_999, at] {
                    stream.values[index] = if index == at { bad } else { f32::NAN };
                    stream.eligible[index] = true;
                }
                let mut best = OrderedTopK::new(k);
                match stream.offer(&mut best, 0, 20_000) {
                    Err(MaskError::NonFinite { index, value }) => {
                        assert_eq!(index, FIRST + at as u64);
                        assert_eq!(value.to_bits(), bad.abs().to_bits());
                    }
                    other => panic!("{other:?} instead of position {at}"),
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(cases_of(20))]

    #[test]
    fn any_stream_keeps_what_a_sort_puts_first(
        n in 0usize..300, distinct in 1u32..40, k in 0usize..320, run in 1usize..200, seed: u64,
    ) {
        Stream::new(n, distinct, seed).check(k, run);
    }
}
