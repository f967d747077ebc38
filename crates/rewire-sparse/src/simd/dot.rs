//! Dot products over samples: the weight gradient at the entries of a tile.
//!
//! The output gradient's row stays in registers for a whole segment. Every entry leaves one vector
//! of partial sums; as many of them as a vector has lanes are then added up together.

use rewire_mask::Isa;

use super::tiles::Segment;
use super::vector::{Run, Vector, in_runs, with_vectors};

/// A tile and the panels whose samples meet there: one, or two full ones.
pub(super) struct Dot<'a, const PANELS: usize> {
    /// The rows and their numbers of entries.
    pub(super) segments: &'a [Segment],
    /// The feature of the input that each entry belongs to, segment by segment.
    pub(super) places: &'a [u16],
    /// Panels from the block's first feature on.
    pub(super) inputs: [&'a [f32]; PANELS],
    /// Panels from the chunk's first row on.
    pub(super) output_gradients: [&'a [f32]; PANELS],
    /// Samples of each panel.
    pub(super) width: usize,
    /// Whether the sums begin at 0 and not at what is there.
    pub(super) fresh: bool,
}

/// Adds the dot products of a tile's entries to `sums`, segment by segment.
///
/// # Safety
/// There must be as many places and sums as the segments have entries; every place must be a
/// feature of the inputs, and every row one of the output gradients.
pub(super) unsafe fn dot<const PANELS: usize>(isa: Isa, work: &Dot<'_, PANELS>, sums: &mut [f32]) {
    let fresh = work.fresh;
    let mut entries = Entries { work, sums, fresh };
    // SAFETY: the vectors are those of the processor; the caller answers for the rest.
    with_vectors!(isa, V => unsafe { in_runs::<V>(work.width, &mut entries) });
}

/// A tile, and the sums of its entries.
struct Entries<'a, const PANELS: usize> {
    work: &'a Dot<'a, PANELS>,
    sums: &'a mut [f32],
    /// Whether nothing has been added so far.
    fresh: bool,
}

impl<const PANELS: usize> Run for Entries<'_, PANELS> {
    #[inline(always)]
    unsafe fn run<V: Vector, const N: usize, const WIDTH: usize>(
        &mut self,
        first: usize,
        last: usize,
    ) {
        let fresh = std::mem::replace(&mut self.fresh, false);
        // SAFETY: what holds of the tile is what `dot` asks of its callers.
        unsafe { run::<V, PANELS, N, WIDTH>(self.work, self.sums, first, last, fresh) }
    }
}

/// # Safety
/// As for [`dot`] and [`Run::run`].
#[inline(always)]
unsafe fn run<V: Vector, const PANELS: usize, const N: usize, const WIDTH: usize>(
    work: &Dot<'_, PANELS>,
    sums: &mut [f32],
    first: usize,
    last: usize,
    fresh: bool,
) {
    let width = if WIDTH == 0 { work.width } else { WIDTH };
    // Partial sums that wait to be added up: as many vectors as one has lanes.
    let mut waiting = Waiting([0.0; 256]);
    let waiting = waiting.0.as_mut_ptr();
    // SAFETY: a segment's row and its entries' places lie in the panels, where `width` floats
    // belong to each, `first` and the samples behind it among them. No more vectors wait than one
    // has lanes, and as many sums are written as segments have entries.
    unsafe {
        let mut places = work.places.as_ptr();
        let inputs = work.inputs.map(|panel| panel.as_ptr().add(first));
        let gradients = work.output_gradients.map(|panel| panel.as_ptr().add(first));
        let mut sums = sums.as_mut_ptr();
        let load = |from: *const f32, n: usize| {
            if WIDTH == 0 && n == N - 1 {
                V::load_first(from.add(n * V::LANES), last)
            } else {
                V::load(from.add(n * V::LANES))
            }
        };
        let mut n_waiting = 0;
        for segment in work.segments {
            let mut rows = [[V::splat(0.0); N]; PANELS];
            for (row, gradient) in rows.iter_mut().zip(gradients) {
                let from = gradient.add(segment.row as usize * width);
                for (n, row) in row.iter_mut().enumerate() {
                    *row = load(from, n);
                }
            }
            let end = places.add(segment.len as usize);
            while places < end {
                let feature = *places as usize * width;
                places = places.add(1);
                let mut partial = V::splat(0.0);
                for (row, input) in rows.iter().zip(inputs) {
                    let samples = input.add(feature);
                    for (n, &row) in row.iter().enumerate() {
                        partial = row.times_plus(load(samples, n), partial);
                    }
                }
                partial.store(waiting.add(n_waiting * V::LANES));
                n_waiting += 1;
                if n_waiting == V::LANES {
                    let mut found = V::sums(waiting);
                    if !fresh {
                        found = found.plus(V::load(sums));
                    }
                    found.store(sums);
                    sums = sums.add(V::LANES);
                    n_waiting = 0;
                }
            }
        }
        if n_waiting > 0 {
            let mut found = V::sums(waiting);
            if !fresh {
                found = found.plus(V::load_first(sums, n_waiting));
            }
            found.store_first(sums, n_waiting);
        }
    }
}

/// Memory on a cache line of its own.
#[repr(align(64))]
struct Waiting([f32; 256]);
