//! The products of a matrix in which every four rows share their positions.
//!
//! Such a matrix needs no tiles: what is loaded for one position is used by four rows at once. Their
//! sums, or their output gradients, stay in registers while the positions pass by. Positions and
//! values are read where the topology and the parameter keep them.

use std::ops::Range;

use rewire_mask::{Isa, Topology};

use super::vector::{Run, Vector, in_runs, with_vectors};

/// Rows that share their positions.
pub(super) const QUAD: usize = 4;

/// Whether every four rows share their positions; there may be no fewer in the end.
pub(super) fn are_quads(topology: &Topology) -> bool {
    let rows = topology.shape().rows;
    let share = |first: usize| {
        let columns = topology.row(first);
        (first + 1..first + QUAD).all(|row| topology.row(row) == columns)
    };
    topology.n_active() > 0 && rows.is_multiple_of(QUAD) && (0..rows).step_by(QUAD).all(share)
}

/// A matrix of quads, and the rows that are worked on.
#[derive(Clone, Copy)]
pub(super) struct Quads<'a> {
    /// Where the entries are.
    pub(super) topology: &'a Topology,
    /// The first row, a multiple of [`QUAD`].
    pub(super) first: usize,
    /// How many rows, a multiple as well.
    pub(super) count: usize,
    /// Samples of the panels.
    pub(super) width: usize,
}

impl Quads<'_> {
    /// Each quad's entries: its first row counted from the first one, where the entries of that row
    /// begin, and their number in each of its rows.
    fn each(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let offsets = self.topology.row_offsets();
        (0..self.count).step_by(QUAD).map(move |row| {
            let start = offsets[self.first + row];
            (row, start, offsets[self.first + row + 1] - start)
        })
    }
}

/// Writes the rows of `output` for the samples of a panel.
///
/// # Safety
/// Every four rows must share their positions, there must be a value for each, and panel and output
/// must hold all columns and the rows.
pub(super) unsafe fn forward(
    isa: Isa,
    quads: Quads<'_>,
    values: &[f32],
    input: &[f32],
    output: &mut [f32],
) {
    let mut work = Forward {
        quads,
        values,
        input,
        output,
    };
    // SAFETY: the vectors are those of the processor; the caller answers for the rest.
    with_vectors!(isa, V => unsafe { in_runs::<V>(quads.width, &mut work) });
}

/// Writes the gradient of some columns, `input_gradient`, for the samples of a panel.
///
/// # Safety
/// As for [`forward`], with a panel of all rows and the columns of the gradient. The rows must be
/// all of them.
pub(super) unsafe fn input_gradient(
    isa: Isa,
    quads: Quads<'_>,
    values: &[f32],
    columns: Range<usize>,
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) {
    input_gradient.fill(0.0);
    let mut work = Back {
        quads,
        values,
        columns,
        output_gradient,
        input_gradient,
    };
    // SAFETY: as above.
    with_vectors!(isa, V => unsafe { in_runs::<V>(quads.width, &mut work) });
}

/// Adds the gradient at the entries of the rows to `gradient`, which is for these alone.
///
/// # Safety
/// As for [`forward`], with a panel of all columns, one of all rows and a place for each entry.
pub(super) unsafe fn weight_gradient(
    isa: Isa,
    quads: Quads<'_>,
    input: &[f32],
    output_gradient: &[f32],
    gradient: &mut [f32],
) {
    let mut work = Weight {
        quads,
        input,
        output_gradient,
        gradient,
    };
    // SAFETY: as above.
    with_vectors!(isa, V => unsafe { in_runs::<V>(quads.width, &mut work) });
}

/// Loads and stores the vectors of a run of samples.
#[derive(Clone, Copy)]
struct Samples<const N: usize, const WIDTH: usize> {
    last: usize,
}

impl<const N: usize, const WIDTH: usize> Samples<N, WIDTH> {
    /// # Safety
    /// As for [`Vector::load`], for the whole run.
    #[inline(always)]
    unsafe fn load<V: Vector>(self, from: *const f32) -> [V; N] {
        // SAFETY: the caller answers for it.
        std::array::from_fn(|n| unsafe {
            let from = from.add(n * V::LANES);
            if WIDTH == 0 && n == N - 1 {
                V::load_first(from, self.last)
            } else {
                V::load(from)
            }
        })
    }

    /// # Safety
    /// As for [`Vector::store`], for the whole run.
    #[inline(always)]
    unsafe fn store<V: Vector>(self, vectors: [V; N], to: *mut f32) {
        for (n, vector) in vectors.into_iter().enumerate() {
            // SAFETY: the caller answers for it.
            unsafe {
                let to = to.add(n * V::LANES);
                if WIDTH == 0 && n == N - 1 {
                    vector.store_first(to, self.last);
                } else {
                    vector.store(to);
                }
            }
        }
    }
}

/// Calls `$work` for the rows of a quad together, or for two pairs of them where registers hold no
/// more than the runs of two.
macro_rules! for_rows {
    ($vector:ident, $rows:ident, $offset:ident => $work:expr) => {
        if $vector::LANES == 16 {
            const $rows: usize = 4;
            let $offset = 0;
            $work;
        } else {
            const $rows: usize = 2;
            for $offset in [0, 2] {
                $work;
            }
        }
    };
}

struct Forward<'a> {
    quads: Quads<'a>,
    values: &'a [f32],
    input: &'a [f32],
    output: &'a mut [f32],
}

impl Run for Forward<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector, const N: usize, const WIDTH: usize>(
        &mut self,
        first: usize,
        last: usize,
    ) {
        let width = if WIDTH == 0 { self.quads.width } else { WIDTH };
        let samples = Samples::<N, WIDTH> { last };
        let columns = self.quads.topology.columns().as_ptr();
        // SAFETY: a column is a feature of the input, a row one of the output, where `width` floats
        // belong to each, `first` and the run behind it among them; the rows of a quad have `len`
        // entries each, one behind the other from `start` on.
        unsafe {
            let input = self.input.as_ptr().add(first);
            let output = self.output.as_mut_ptr().add(first);
            for (row, start, len) in self.quads.each() {
                for_rows!(V, ROWS, offset => {
                    let mut sums = [[V::splat(0.0); N]; ROWS];
                    let values = self.values.as_ptr().add(start + offset * len);
                    for index in 0..len {
                        let column = *columns.add(start + index) as usize;
                        let x: [V; N] = samples.load(input.add(column * width));
                        for (r, sums) in sums.iter_mut().enumerate() {
                            let weight = V::splat(*values.add(r * len + index));
                            for (sum, &x) in sums.iter_mut().zip(&x) {
                                *sum = weight.times_plus(x, *sum);
                            }
                        }
                    }
                    for (r, sums) in sums.into_iter().enumerate() {
                        samples.store(sums, output.add((row + offset + r) * width));
                    }
                });
            }
        }
    }
}

struct Back<'a> {
    quads: Quads<'a>,
    values: &'a [f32],
    columns: Range<usize>,
    output_gradient: &'a [f32],
    input_gradient: &'a mut [f32],
}

impl Run for Back<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector, const N: usize, const WIDTH: usize>(
        &mut self,
        first: usize,
        last: usize,
    ) {
        let width = if WIDTH == 0 { self.quads.width } else { WIDTH };
        let samples = Samples::<N, WIDTH> { last };
        let topology = self.quads.topology;
        // SAFETY: as for the forward product, with rows as features of the output gradient; only
        // the columns of the gradient are visited.
        unsafe {
            let dy = self.output_gradient.as_ptr().add(first);
            let dx = self.input_gradient.as_mut_ptr().add(first);
            for (row, start, len) in self.quads.each() {
                let columns = topology.row(row);
                let before = |limit: usize| columns.partition_point(|&c| (c as usize) < limit);
                let own = before(self.columns.start)..before(self.columns.end);
                for_rows!(V, ROWS, offset => {
                    let values = self.values.as_ptr().add(start + offset * len);
                    let rows: [[V; N]; ROWS] = std::array::from_fn(|r| {
                        samples.load(dy.add((row + offset + r) * width))
                    });
                    for index in own.clone() {
                        let column = *columns.get_unchecked(index) as usize;
                        let to = dx.add((column - self.columns.start) * width);
                        let mut sums: [V; N] = samples.load(to);
                        for (r, row) in rows.iter().enumerate() {
                            let weight = V::splat(*values.add(r * len + index));
                            for (sum, &dy) in sums.iter_mut().zip(row) {
                                *sum = weight.times_plus(dy, *sum);
                            }
                        }
                        samples.store(sums, to);
                    }
                });
            }
        }
    }
}

struct Weight<'a> {
    quads: Quads<'a>,
    input: &'a [f32],
    output_gradient: &'a [f32],
    gradient: &'a mut [f32],
}

impl Run for Weight<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector, const N: usize, const WIDTH: usize>(
        &mut self,
        first: usize,
        last: usize,
    ) {
        let width = if WIDTH == 0 { self.quads.width } else { WIDTH };
        let samples = Samples::<N, WIDTH> { last };
        let topology = self.quads.topology;
        let columns = topology.columns().as_ptr();
        let origin = topology.row_offsets()[self.quads.first];
        // Partial sums that wait to be added up: as many vectors of each row as one has lanes.
        let mut waiting = [const { Waiting([0.0; 256]) }; QUAD];
        // SAFETY: as for the products above; the gradient has a place for each entry of the rows,
        // whose first one is `origin`, and no more vectors wait than one has lanes.
        unsafe {
            let input = self.input.as_ptr().add(first);
            let dy = self.output_gradient.as_ptr().add(first);
            for (row, start, len) in self.quads.each() {
                for_rows!(V, ROWS, offset => {
                    let gradient = self.gradient.as_mut_ptr().add(start - origin + offset * len);
                    let rows: [[V; N]; ROWS] = std::array::from_fn(|r| {
                        samples.load(dy.add((self.quads.first + row + offset + r) * width))
                    });
                    for from in (0..len).step_by(V::LANES) {
                        let n = V::LANES.min(len - from);
                        for index in 0..n {
                            let column = *columns.add(start + from + index) as usize;
                            let x: [V; N] = samples.load(input.add(column * width));
                            for (row, waiting) in rows.iter().zip(&mut waiting) {
                                let mut partial = V::splat(0.0);
                                for (&dy, &x) in row.iter().zip(&x) {
                                    partial = dy.times_plus(x, partial);
                                }
                                partial.store(waiting.0.as_mut_ptr().add(index * V::LANES));
                            }
                        }
                        for (r, waiting) in waiting.iter().take(ROWS).enumerate() {
                            let to = gradient.add(r * len + from);
                            let sum = V::load_first(to, n).plus(V::sums(waiting.0.as_ptr()));
                            sum.store_first(to, n);
                        }
                    }
                });
            }
        }
    }
}

/// Memory on cache lines of its own.
#[repr(align(64))]
struct Waiting([f32; 256]);

#[cfg(test)]
mod tests {
    use rewire_mask::MatrixShape;

    use super::*;

    #[test]
    fn quads_are_found_and_nothing_else() {
        let topology = |rows: usize, active: &dyn Fn(usize, usize) -> bool| {
            let shape = MatrixShape::new(rows, 6);
            let mask = rewire_mask::Mask::from_fn(shape, active);
            are_quads(&Topology::from_mask(&mask))
        };
        let shared = |row: usize, col: usize| (row / 4 + col).is_multiple_of(3);
        assert!(topology(8, &shared) && topology(4, &|_, _| true));
        assert!(!topology(7, &shared), "a quad that is not whole");
        assert!(
            !topology(8, &|row, col| shared(row + 1, col)),
            "quads that begin elsewhere"
        );
        assert!(!topology(8, &|row, col| shared(row, col) != (row == 6 && col == 5)));
        assert!(!topology(8, &|_, _| false) && !topology(0, &shared));
    }
}
