//! Rows of a tile times the samples of a panel.
//!
//! Every entry multiplies a run of samples, which lie side by side, and adds to the run of its row,
//! which stays in registers for a whole segment. Two rows of nearly the same length are walked
//! together: one row alone would wait for its own sums.

use rewire_mask::Isa;

use super::tiles::Segment;
use super::vector::{Run, Vector, in_runs, with_vectors};

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

/// Adds the products of a tile to its rows of `output`, which holds the same samples as the input.
///
/// # Safety
/// There must be as many places and values as the segments have entries; every place must be a
/// feature of the input, and every row one of the output.
pub(super) unsafe fn multiply(isa: Isa, work: &Multiply<'_>, output: &mut [f32]) {
    let mut rows = Rows { work, output };
    // SAFETY: the vectors are those of the processor; the caller answers for the rest.
    with_vectors!(isa, V => unsafe { in_runs::<V>(work.width, &mut rows) });
}

/// A tile, and the rows that its products are added to.
struct Rows<'a> {
    work: &'a Multiply<'a>,
    output: &'a mut [f32],
}

impl Run for Rows<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector, const N: usize, const WIDTH: usize>(
        &mut self,
        first: usize,
        last: usize,
    ) {
        // SAFETY: what holds of the tile is what `multiply` asks of its callers.
        unsafe { run::<V, N, WIDTH>(self.work, self.output, first, last) }
    }
}

/// # Safety
/// As for [`multiply`] and [`Run::run`].
#[inline(always)]
unsafe fn run<V: Vector, const N: usize, const WIDTH: usize>(
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
