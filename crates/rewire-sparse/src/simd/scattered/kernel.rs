//! Products of rows whose entries lie far apart.
//!
//! Where less than one position in some thousands is active, a block of columns whose samples fit
//! into a cache has next to no entries of a chunk of rows, and what is fetched for one entry serves
//! no other. Rows are then walked as the topology has them, without tiles, and the samples of an
//! entry are asked for while those before it are multiplied: the memory answers several requests
//! in the time of one.

use std::ops::Range;

use rewire_mask::Isa;

use crate::simd::vector::{Run, Vector, in_runs, with_vectors};

/// Entries ahead of the present one whose samples are asked for.
const AHEAD: usize = 12;

/// Floats of a cache line.
const LINE: usize = 16;

/// The entries of a matrix, row by row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines<'a> {
    /// Where the entries of each row begin, and where the last ones end.
    pub(super) offsets: &'a [usize],
    /// The column of every entry.
    pub(super) columns: &'a [u32],
}

/// Where the value of an entry is found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Values<'a> {
    /// At the index of the entry.
    InOrder(&'a [f32]),
    /// At the index that the second list has for the entry.
    At(&'a [f32], &'a [u32]),
}

/// Some rows of a matrix and the panel that they are multiplied with.
struct Multiply<'a, const IN_ORDER: bool> {
    lines: Lines<'a>,
    rows: Range<usize>,
    values: &'a [f32],
    sources: &'a [u32],
    input: &'a [f32],
    width: usize,
    output: &'a mut [f32],
}

/// Writes `rows` of the matrix times a panel of `width` samples to `output`, which holds these rows.
///
/// # Panics
/// If there are not as many values as entries or not as many outputs as rows.
///
/// # Safety
/// Every row must be one of the matrix, its offsets must ascend within the entries, every column
/// must be a feature of the panel, and every source must name a value.
pub(super) unsafe fn multiply(
    isa: Isa,
    lines: Lines<'_>,
    values: Values<'_>,
    rows: Range<usize>,
    (input, width): (&[f32], usize),
    output: &mut [f32],
) {
    assert_eq!(
        output.len(),
        rows.len() * width,
        "a row of outputs for each"
    );
    match values {
        Values::InOrder(values) => {
            assert_eq!(values.len(), lines.columns.len(), "one value per entry");
            let mut work = Multiply::<true> {
                lines,
                rows,
                values,
                sources: &[],
                input,
                width,
                output,
            };
            // SAFETY: the vectors are those of the processor; the caller answers for the rest.
            with_vectors!(isa, V => unsafe { in_runs::<V>(width, &mut work) });
        }
        Values::At(values, sources) => {
            assert_eq!(sources.len(), lines.columns.len(), "one source per entry");
            let mut work = Multiply::<false> {
                lines,
                rows,
                values,
                sources,
                input,
                width,
                output,
            };
            // SAFETY: as above.
            with_vectors!(isa, V => unsafe { in_runs::<V>(width, &mut work) });
        }
    }
}

impl<const IN_ORDER: bool> Run for Multiply<'_, IN_ORDER> {
    #[inline(always)]
    unsafe fn run<V: Vector, const N: usize, const WIDTH: usize>(
        &mut self,
        first: usize,
        last: usize,
    ) {
        let width = if WIDTH == 0 { self.width } else { WIDTH };
        let columns = self.lines.columns;
        let Some(end) = columns.len().checked_sub(1) else {
            self.output.fill(0.0);
            return;
        };
        // SAFETY: what `multiply` asks of its callers; an index is at most that of the last entry,
        // and a prefetch may name any address.
        unsafe {
            let input = self.input.as_ptr().add(first);
            let mut output = self.output.as_mut_ptr().add(first);
            for row in self.rows.clone() {
                let mut sums = [V::splat(0.0); N];
                let entries = *self.lines.offsets.get_unchecked(row)
                    ..*self.lines.offsets.get_unchecked(row + 1);
                for index in entries {
                    let ahead = (index + AHEAD).min(end);
                    ask::<V, N>(input, *columns.get_unchecked(ahead) as usize * width);
                    let value = if IN_ORDER {
                        *self.values.get_unchecked(index)
                    } else {
                        let ahead = (index + 2 * AHEAD).min(end);
                        let later = *self.sources.get_unchecked(ahead) as usize;
                        V::prefetch(self.values.as_ptr().wrapping_add(later));
                        let source = *self.sources.get_unchecked(index) as usize;
                        *self.values.get_unchecked(source)
                    };
                    let weight = V::splat(value);
                    let samples = input.add(*columns.get_unchecked(index) as usize * width);
                    for (n, sum) in sums.iter_mut().enumerate() {
                        let samples = load::<V, N, WIDTH>(samples, n, last);
                        *sum = weight.times_plus(samples, *sum);
                    }
                }
                for (n, sum) in sums.iter().enumerate() {
                    if WIDTH == 0 && n == N - 1 {
                        sum.store_first(output.add(n * V::LANES), last);
                    } else {
                        sum.store(output.add(n * V::LANES));
                    }
                }
                output = output.wrapping_add(width);
            }
        }
    }
}

/// Some rows of a matrix and the panels whose samples meet at their entries: one, or two full ones.
pub(super) struct Dot<'a, const PANELS: usize> {
    /// The entries of the whole matrix.
    pub(super) lines: Lines<'a>,
    /// The rows at hand.
    pub(super) rows: Range<usize>,
    /// The input's panels.
    pub(super) inputs: [&'a [f32]; PANELS],
    /// The output gradient's panels.
    pub(super) output_gradients: [&'a [f32]; PANELS],
    /// Samples of each panel.
    pub(super) width: usize,
}

/// Adds the dot products over samples at the entries of some rows to `gradient`, which is for these
/// entries alone.
///
/// # Panics
/// If the gradient does not have a place for each.
///
/// # Safety
/// Every row must be one of the matrix and a feature of the output gradients, offsets must ascend
/// within the entries, and every column must be a feature of the inputs.
pub(super) unsafe fn dot<const PANELS: usize>(
    isa: Isa,
    work: &Dot<'_, PANELS>,
    gradient: &mut [f32],
) {
    let entries = work.lines.offsets[work.rows.start]..work.lines.offsets[work.rows.end];
    assert_eq!(gradient.len(), entries.len(), "one gradient per entry");
    let mut entries = Entries { work, gradient };
    // SAFETY: the vectors are those of the processor; the caller answers for the rest.
    with_vectors!(isa, V => unsafe { in_runs::<V>(work.width, &mut entries) });
}

struct Entries<'a, const PANELS: usize> {
    work: &'a Dot<'a, PANELS>,
    gradient: &'a mut [f32],
}

impl<const PANELS: usize> Run for Entries<'_, PANELS> {
    #[inline(always)]
    unsafe fn run<V: Vector, const N: usize, const WIDTH: usize>(
        &mut self,
        first: usize,
        last: usize,
    ) {
        let work = self.work;
        let width = if WIDTH == 0 { work.width } else { WIDTH };
        let columns = work.lines.columns;
        let Some(end) = columns.len().checked_sub(1) else {
            return;
        };
        // Partial sums that wait to be added up: as many vectors as one has lanes.
        let mut waiting = Waiting([0.0; 256]);
        let waiting = waiting.0.as_mut_ptr();
        let mut n_waiting = 0;
        // SAFETY: what `dot` asks of its callers; no more vectors wait than one has lanes, and as
        // many gradients are written as the rows have entries.
        unsafe {
            let inputs = work.inputs.map(|panel| panel.as_ptr().add(first));
            let slopes = work.output_gradients.map(|panel| panel.as_ptr().add(first));
            let mut gradient = self.gradient.as_mut_ptr();
            for row in work.rows.clone() {
                let entries = *work.lines.offsets.get_unchecked(row)
                    ..*work.lines.offsets.get_unchecked(row + 1);
                if entries.is_empty() {
                    continue;
                }
                let mut rows = [[V::splat(0.0); N]; PANELS];
                for (row_of_panel, slopes) in rows.iter_mut().zip(slopes) {
                    let from = slopes.add(row * width);
                    for (n, vector) in row_of_panel.iter_mut().enumerate() {
                        *vector = load::<V, N, WIDTH>(from, n, last);
                    }
                }
                for index in entries {
                    let ahead = *columns.get_unchecked((index + AHEAD).min(end)) as usize * width;
                    let feature = *columns.get_unchecked(index) as usize * width;
                    let mut partial = V::splat(0.0);
                    for (row, input) in rows.iter().zip(inputs) {
                        ask::<V, N>(input, ahead);
                        let samples = input.add(feature);
                        for (n, &row) in row.iter().enumerate() {
                            partial =
                                row.times_plus(load::<V, N, WIDTH>(samples, n, last), partial);
                        }
                    }
                    partial.store(waiting.add(n_waiting * V::LANES));
                    n_waiting += 1;
                    if n_waiting == V::LANES {
                        V::sums(waiting).plus(V::load(gradient)).store(gradient);
                        gradient = gradient.add(V::LANES);
                        n_waiting = 0;
                    }
                }
            }
            if n_waiting > 0 {
                let before = V::load_first(gradient, n_waiting);
                V::sums(waiting)
                    .plus(before)
                    .store_first(gradient, n_waiting);
            }
        }
    }
}

/// Memory on a cache line of its own.
#[repr(align(64))]
struct Waiting([f32; 256]);

/// # Safety
/// As for [`Vector::load`], for the n-th of `N` vectors from there on.
#[inline(always)]
unsafe fn load<V: Vector, const N: usize, const WIDTH: usize>(
    from: *const f32,
    n: usize,
    last: usize,
) -> V {
    // SAFETY: the caller's.
    unsafe {
        if WIDTH == 0 && n == N - 1 {
            V::load_first(from.add(n * V::LANES), last)
        } else {
            V::load(from.add(n * V::LANES))
        }
    }
}

/// Asks for `N` vectors of the samples of a feature that is read soon.
///
/// # Safety
/// The processor must have the vector's instructions.
#[inline(always)]
unsafe fn ask<V: Vector, const N: usize>(input: *const f32, feature: usize) {
    for float in (0..N * V::LANES).step_by(LINE) {
        // SAFETY: the caller's.
        unsafe { V::prefetch(input.wrapping_add(feature + float)) };
    }
}
