//! Rows of a tile times the samples of a panel.
//!
//! Every entry multiplies a run of samples, which lie side by side, and adds to the run of its row,
//! which stays in registers for a whole segment. Two rows of nearly the same length are walked
//! together: one row alone would wait for its own sums.

use super::Isa;
use super::tiles::Segment;
use super::vector::{Portable, RUN, Vector};
#[cfg(target_arch = "x86_64")]
use super::vector::{Ymm, Zmm};
use crate::PANEL;

/// A tile and what it is multiplied with.
pub(super) struct Multiply<'a> {
    /// The rows and their numbers of entries.
    pub(super) segments: &'a [Segment],
    /// The feature of the input that each entry multiplies, segment by segment.
    pub(super) places: &'a [u16],
    /// The value of each entry.
    pub(super) values: &'a [f32],
    /// A panel from the block's first feature on.
    pub(super) input: &'a [f32],
    /// Samples of the panel.
    pub(super) width: usize,
    /// Whether the sums begin at 0 and not at what the output holds.
    pub(super) fresh: bool,
}

impl Isa {
    /// Adds the products of a tile to its rows of `output`, which holds the same samples as the
    /// input.
    ///
    /// # Safety
    /// There must be as many places and values as the segments have entries; every place must be a
    /// feature of the input, and every row one of the output.
    pub(super) unsafe fn multiply(self, work: &Multiply<'_>, output: &mut [f32]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => proof.run(
                #[inline(always)]
                // SAFETY: the proof stands for the vectors' instructions; the caller answers for
                // the rest.
                || unsafe { multiply::<Zmm>(work, output) },
            ),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => proof.run(
                #[inline(always)]
                // SAFETY: as above.
                || unsafe { multiply::<Ymm>(work, output) },
            ),
            // SAFETY: any processor has these; the caller answers for the rest.
            Self::Portable => unsafe { multiply::<Portable>(work, output) },
        }
    }
}

/// # Safety
/// As for [`Isa::multiply`], and the processor must have the vector's instructions.
#[inline(always)]
unsafe fn multiply<V: Vector>(work: &Multiply<'_>, output: &mut [f32]) {
    // SAFETY: the runs lie within the width of the panel; the caller answers for the rest.
    unsafe {
        if work.width == PANEL {
            for first in (0..PANEL).step_by(RUN * V::LANES) {
                multiply_run::<V, RUN, PANEL>(work, output, first, V::LANES);
            }
            return;
        }
        let mut first = 0;
        while first < work.width {
            let rest = (work.width - first).min(RUN * V::LANES);
            let last = (rest - 1) % V::LANES + 1;
            match rest.div_ceil(V::LANES) {
                1 => multiply_run::<V, 1, 0>(work, output, first, last),
                2 => multiply_run::<V, 2, 0>(work, output, first, last),
                3 => multiply_run::<V, 3, 0>(work, output, first, last),
                _ => multiply_run::<V, 4, 0>(work, output, first, last),
            }
            first += rest;
        }
    }
}

/// All segments, for `N` vectors of samples from `first` on, the last of which has `last` lanes.
/// `WIDTH` is the panel's width if it is known to the compiler, and then all vectors are whole.
///
/// # Safety
/// As for [`multiply`], and those samples must exist.
#[inline(always)]
unsafe fn multiply_run<V: Vector, const N: usize, const WIDTH: usize>(
    work: &Multiply<'_>,
    output: &mut [f32],
    first: usize,
    last: usize,
) {
    let width = if WIDTH == 0 { work.width } else { WIDTH };
    // SAFETY: a segment's row and its entries' places lie in output and input, where `width`
    // floats belong to each, `first` and the samples behind it among them; as many places and
    // values are read as segments have entries.
    unsafe {
        let mut places = work.places.as_ptr();
        let mut values = work.values.as_ptr();
        let input = work.input.as_ptr().add(first);
        let output = output.as_mut_ptr().add(first);
        let load = |from: *const f32, n: usize| {
            if WIDTH == 0 && n == N - 1 {
                V::load_first(from.add(n * V::LANES), last)
            } else {
                V::load(from.add(n * V::LANES))
            }
        };
        let start = |segment: &Segment| {
            let mut sums = [V::splat(0.0); N];
            if !work.fresh {
                let from = output.add(segment.row as usize * width);
                for (n, sum) in sums.iter_mut().enumerate() {
                    *sum = load(from, n);
                }
            }
            sums
        };
        let step = |sums: &mut [V; N], place: *const u16, value: *const f32| {
            let weight = V::splat(*value);
            let samples = input.add(*place as usize * width);
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = weight.times_plus(load(samples, n), *sum);
            }
        };
        let finish = |segment: &Segment, sums: &[V; N]| {
            let to = output.add(segment.row as usize * width);
            for (n, sum) in sums.iter().enumerate() {
                if WIDTH == 0 && n == N - 1 {
                    sum.store_first(to.add(n * V::LANES), last);
                } else {
                    sum.store(to.add(n * V::LANES));
                }
            }
        };
        let (pairs, rest) = work.segments.as_chunks::<2>();
        for [a, b] in pairs {
            let (mut sums_a, mut sums_b) = (start(a), start(b));
            // The shorter segment comes first.
            let (n_a, n_b) = (a.len as usize, b.len as usize);
            let (places_b, values_b) = (places.add(n_a), values.add(n_a));
            for index in 0..n_a {
                step(&mut sums_a, places.add(index), values.add(index));
                step(&mut sums_b, places_b.add(index), values_b.add(index));
            }
            for index in n_a..n_b {
                step(&mut sums_b, places_b.add(index), values_b.add(index));
            }
            finish(a, &sums_a);
            finish(b, &sums_b);
            (places, values) = (places_b.add(n_b), values_b.add(n_b));
        }
        for segment in rest {
            let mut sums = start(segment);
            for index in 0..segment.len as usize {
                step(&mut sums, places.add(index), values.add(index));
            }
            finish(segment, &sums);
        }
    }
}
