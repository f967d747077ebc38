//! Products over the active positions: row by row, one weight against a run of samples.

use std::ops::Range;

use rayon::prelude::*;
use rewire_mask::{Mask, Topology, WeightView};

use super::{PARALLEL_FROM, TILE_ROWS};
use crate::batch::Panel;
use crate::{Batch, GradientPair, PANEL};

/// Samples that one pass over a row's weights accumulates in registers.
const RUN: usize = 32;

/// Partial sums of a dot product over samples: sample `s` goes to lane `s mod LANES`.
const LANES: usize = 16;

/// `output = input · Wᵀ`; each output value is summed over its row's columns in ascending order.
pub(super) fn forward(weights: WeightView<'_>, input: &Batch, output: &mut Batch) {
    let parallel = is_large(weights.n_active(), input);
    for (x, y) in input.panels().zip(output.panels_mut()) {
        let tile = |(index, rows): (usize, &mut [f32])| {
            let mut row = SparseRow::default();
            for (offset, out) in rows.chunks_exact_mut(x.width).enumerate() {
                let (columns, values) = row.read(weights, index * TILE_ROWS + offset);
                multiply_row(columns, values, x, out);
            }
        };
        let chunk = TILE_ROWS * x.width;
        if parallel {
            y.values.par_chunks_mut(chunk).enumerate().for_each(tile);
        } else {
            y.values.chunks_mut(chunk).enumerate().for_each(tile);
        }
    }
}

/// `input_gradient = output_gradient · W`; each value is summed over the rows in ascending order.
pub(super) fn input_gradient(
    weights: WeightView<'_>,
    output_gradient: &Batch,
    input_gradient: &mut Batch,
) {
    let outputs = output_gradient.features();
    let features = input_gradient.features();
    let parallel = is_large(weights.n_active(), output_gradient);
    let panel = |dy: Panel<'_>, dx: &mut [f32]| {
        dx.fill(0.0);
        let mut row = SparseRow::default();
        for index in 0..outputs {
            let (columns, values) = row.read(weights, index);
            let gradient = dy.feature(index);
            for (&column, &value) in columns.iter().zip(values) {
                let out = &mut dx[column as usize * dy.width..][..dy.width];
                for (out, &gradient) in out.iter_mut().zip(gradient) {
                    *out += value * gradient;
                }
            }
        }
    };
    if parallel {
        input_gradient
            .values_mut()
            .par_chunks_mut((PANEL * features).max(1))
            .enumerate()
            .for_each(|(index, dx)| {
                let dy = output_gradient.panels().nth(index);
                panel(dy.expect("both batches have as many panels"), dx);
            });
    } else {
        for (dy, dx) in output_gradient.panels().zip(input_gradient.panels_mut()) {
            panel(dy, dx.values);
        }
    }
}

/// Adds the gradient at each active position to `gradient`, in position order.
pub(super) fn weight_gradient(topology: &Topology, pair: GradientPair<'_>, gradient: &mut [f32]) {
    let rows = 0..topology.shape().rows;
    let work = |rows: Range<usize>, gradient: &mut [f32]| {
        let base = topology.row_range(rows.start).start;
        for row in rows {
            let range = topology.row_range(row);
            let out = &mut gradient[range.start - base..range.end - base];
            let samples = row_samples(pair, row);
            for (out, &column) in out.iter_mut().zip(topology.row(row)) {
                *out += gradient_at(samples.clone(), column as usize);
            }
        }
    };
    if is_large(topology.n_active() as u64, pair.input) {
        in_tiles(topology, rows, gradient, &work);
    } else if !rows.is_empty() {
        work(rows, gradient);
    }
}

/// Calls `work` for every tile of `rows` with its part of `gradient`, which is for these rows; halves
/// side by side.
fn in_tiles(
    topology: &Topology,
    rows: Range<usize>,
    gradient: &mut [f32],
    work: &(impl Fn(Range<usize>, &mut [f32]) + Sync),
) {
    let tiles = rows.len().div_ceil(TILE_ROWS);
    if tiles < 2 {
        work(rows, gradient);
        return;
    }
    let middle = rows.start + tiles / 2 * TILE_ROWS;
    let offsets = topology.row_offsets();
    let (first, second) = gradient.split_at_mut(offsets[middle] - offsets[rows.start]);
    rayon::join(
        || in_tiles(topology, rows.start..middle, first, work),
        || in_tiles(topology, middle..rows.end, second, work),
    );
}

/// Adds the gradient at each position of `set` to the dense `gradient`.
pub(super) fn weight_gradient_in_place(set: &Mask, pair: GradientPair<'_>, gradient: &mut [f32]) {
    let shape = set.shape();
    for position in set.positions() {
        let (row, column) = shape.row_col(position);
        gradient[position as usize] += gradient_at(row_samples(pair, row), column);
    }
}

/// Panel by panel, one row of the output gradient with the whole input.
fn row_samples<'a>(
    pair: GradientPair<'a>,
    row: usize,
) -> impl Iterator<Item = (&'a [f32], Panel<'a>)> + Clone {
    let panels = pair.output_gradient.panels().zip(pair.input.panels());
    panels.map(move |(dy, x)| (dy.feature(row), x))
}

/// One entry of `output_gradientᵀ · input`: a sum over the samples of all panels in 16 lanes,
/// which are added in a fixed order at the end.
fn gradient_at<'a>(samples: impl Iterator<Item = (&'a [f32], Panel<'a>)>, column: usize) -> f32 {
    let mut lanes = [0.0f32; LANES];
    for (a, x) in samples {
        let b = &x.feature(column)[..a.len()];
        let (a_runs, a_rest) = a.as_chunks::<LANES>();
        let (b_runs, b_rest) = b.as_chunks::<LANES>();
        for (a, b) in a_runs.iter().zip(b_runs) {
            for lane in 0..LANES {
                lanes[lane] += a[lane] * b[lane];
            }
        }
        for ((lane, a), b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
            *lane += a * b;
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// One output feature: every sample of the panel, 32 at a time, then 4, then one by one.
fn multiply_row(columns: &[u32], values: &[f32], x: Panel<'_>, out: &mut [f32]) {
    let mut first = 0;
    while first + RUN <= x.width {
        multiply_run::<RUN>(columns, values, x, first, out);
        first += RUN;
    }
    while first + 4 <= x.width {
        multiply_run::<4>(columns, values, x, first, out);
        first += 4;
    }
    while first < x.width {
        multiply_run::<1>(columns, values, x, first, out);
        first += 1;
    }
}

fn multiply_run<const N: usize>(
    columns: &[u32],
    values: &[f32],
    x: Panel<'_>,
    first: usize,
    out: &mut [f32],
) {
    let mut sums = [0.0f32; N];
    for (&column, &value) in columns.iter().zip(values) {
        let run = &x.values[column as usize * x.width + first..][..N];
        for lane in 0..N {
            sums[lane] += value * run[lane];
        }
    }
    out[first..first + N].copy_from_slice(&sums);
}

/// Reads rows of any sparse storage as (columns, values).
///
/// Active weights are handed out where they lie; a latent row is compressed into this scratch.
#[derive(Default)]
struct SparseRow {
    columns: Vec<u32>,
    values: Vec<f32>,
}

impl SparseRow {
    fn read<'a>(&'a mut self, weights: WeightView<'a>, row: usize) -> (&'a [u32], &'a [f32]) {
        match weights {
            WeightView::Active { topology, values } => {
                (topology.row(row), &values[topology.row_range(row)])
            }
            WeightView::Latent {
                values, forward, ..
            } => {
                let cols = forward.shape().cols;
                self.columns.clear();
                self.values.clear();
                for (column, &value) in values[row * cols..][..cols].iter().enumerate() {
                    if forward.get(row, column) {
                        self.columns.push(column as u32);
                        self.values.push(value);
                    }
                }
                (&self.columns, &self.values)
            }
            WeightView::Dense { .. } => unreachable!("dense weights take the dense products"),
        }
    }
}

fn is_large(weights: u64, batch: &Batch) -> bool {
    weights * batch.samples() as u64 >= PARALLEL_FROM
}
